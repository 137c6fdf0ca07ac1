"""Figure 1: what is drawn is the game's own truth, and the default game ends where §4.1 says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import expit

from adversarial_nets import game
from adversarial_nets.errors import Diverged, UserError
from adversarial_nets.paper import figure1
from adversarial_nets.priors import Prior
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings
from adversarial_nets.theory import divergences
from adversarial_nets.toys import catalogue, distributions, draw_line, line, watching
from adversarial_nets.toys.draw_line import Film, film
from adversarial_nets.toys.line import SETTINGS

SMALL = replace(
    SETTINGS,
    batch=256,
    G=replace(SETTINGS.G, hidden=(8,), init=(4.0, 0.05)),
    D=replace(SETTINGS.D, units=(16,), init=(1.0, 0.3)),
)


@pytest.fixture(scope="module")
def short() -> Film:
    return film("gaussian:5,2", SMALL, rounds=60, frames=7)


@pytest.mark.parametrize("prior", ["uniform", "gaussian"])
def test_p_g_of_a_frame_is_what_the_generator_samples(prior: Prior) -> None:
    """The exact masses against a large sample of G's own draws, in coarse cells."""
    toy, settings = catalogue.find("gaussian:5,2"), replace(SMALL, prior=prior)
    g, evaluator = line.new_game(toy, settings), line.new_evaluator(toy, settings)
    game.play(g, 5)
    snapshot = line.take_snapshot(g, evaluator)
    n = 40_000
    x = game.sample(g.G, settings, n).double().numpy()[:, 0]
    coarse = evaluator.edges[:: line.CELLS // 12]
    counted = np.histogram(x, coarse)[0] / n
    exact = snapshot.p_g[1:-1].reshape(12, -1).sum(1)
    assert np.abs(counted - exact).max() < 5 * np.sqrt(0.25 / n)
    assert snapshot.p_g.sum() == pytest.approx(1, abs=1e-9)


def test_learned_V_is_at_most_C_in_every_frame(short: Film) -> None:
    for snapshot in short.frames:
        assert snapshot.V <= snapshot.C + 1e-12
        assert -divergences.LOG4 <= snapshot.C <= 1e-12
        best = divergences.a_star(short.evaluator.p_data, snapshot.p_g)
        assert divergences.V(best, short.evaluator.p_data, snapshot.p_g) == pytest.approx(
            snapshot.C, abs=1e-12
        )


def test_distance_is_the_mean_of_D_minus_D_star(short: Film) -> None:
    snapshot, evaluator = short.frames[-1], short.evaluator
    D_star = divergences.D_star(evaluator.p_data, snapshot.p_g)
    m = (evaluator.p_data + snapshot.p_g) / 2
    expected = sum(
        w * abs(d - s) for w, d, s in zip(m, expit(snapshot.a), D_star, strict=True) if w > 0
    )
    assert snapshot.distance == pytest.approx(expected, abs=1e-12)


def test_the_game_is_played_and_looking_does_not_touch_it(short: Film) -> None:
    """The same weights with and without looking; the same film twice."""
    toy = catalogue.find("gaussian:5,2")
    blind = line.new_game(toy, SMALL)
    game.play(blind, 60)
    seen = line.take_snapshot(blind, short.evaluator)
    assert seen.p_g.tolist() == short.frames[-1].p_g.tolist()
    assert seen.a.tolist() == short.frames[-1].a.tolist()
    assert [snapshot.round for snapshot in short.frames] == watching.snapshot_rounds(60, 7)
    assert short.frames[-1].C < short.frames[0].C


def test_the_floor_is_what_the_datas_own_samples_get(short: Film) -> None:
    """Above −log 4, though nothing is wrong with such a generator; fewer samples, higher floor."""
    toy = catalogue.find("gaussian")
    few, many = (line.new_evaluator(toy, replace(SMALL, batch=n)).floor for n in (100, 2000))
    assert -divergences.LOG4 < many < few < -1.2


def test_the_default_game_nears_the_equilibrium() -> None:
    """A fifteenth of its rounds bring JSD down tenfold, and D near D*."""
    run = film(rounds=100, frames=3)
    jsd = [(snapshot.C + divergences.LOG4) / 2 for snapshot in run.frames]
    assert jsd[0] > 0.1
    assert jsd[-1] < jsd[0] / 10
    assert run.frames[-1].distance < 0.06


def test_moments_are_in_order_and_mean_what_they_say() -> None:
    run = film("gaussian", SMALL, rounds=100, frames=30)
    a, b, c, d = draw_line.moments(run.frames)
    assert a.round < b.round <= c.round <= d.round == 100
    assert divergences.JSD(run.frames[0].p_g, b.p_g) <= 0.02
    assert b.distance < a.distance <= run.frames[0].distance


def test_data_from_a_file_are_drawn_with_the_note_that_their_density_is_estimated(
    tmp_path: Path,
) -> None:
    path = tmp_path / "heights.csv"
    x = 170 + 10 * distributions.draw(distributions.gaussian(), 300)[:, 0]
    path.write_text("height\n" + "\n".join(f"{v:.2f}" for v in x))
    run = film(str(path), SMALL, rounds=5, frames=2)
    assert "300 points" in run.evaluator.toy.note
    assert 150 < run.frames[0].G.mean() < 170  # G starts beside the data, in the data's units


@pytest.mark.parametrize("prior", ["uniform", "gaussian"])
def test_noise_cells_have_the_priors_mass(prior: Prior) -> None:
    evaluator = line.new_evaluator(catalogue.find("gaussian"), replace(SMALL, prior=prior))
    middles = (evaluator.z[1:] + evaluator.z[:-1]) / 2
    assert evaluator.z_mass.sum() == pytest.approx(1, abs=1e-12)
    assert evaluator.z_mass @ middles**2 == pytest.approx(1, abs=2e-3)  # every prior has variance 1


def test_what_does_not_fit_on_a_line_is_refused() -> None:
    with pytest.raises(UserError, match="on the line"):
        line.new_game(catalogue.find("ring"))
    with pytest.raises(UserError, match="z_size must be 1"):
        line.new_game(catalogue.find("gaussian"), replace(SMALL, z_size=2))


def test_a_diverged_game_says_so() -> None:
    toy = catalogue.find("gaussian")
    g, evaluator = line.new_game(toy, SMALL), line.new_evaluator(toy, SMALL)
    with torch.no_grad():
        next(g.D.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="round 0"):
        line.take_snapshot(g, evaluator)


def test_own_settings_are_played(short: Film) -> None:
    relu = GeneratorSettings(hidden=(8,), output="linear", init=(0.5,), bias_from_marginals=False)
    dropout = DiscriminatorSettings(units=(8,), pieces=2, init=(0.5,), keep_prob_hidden=0.5)
    run = film("uniform", replace(SMALL, G=relu, D=dropout, objective="minimax"), 3, 2)
    assert run.frames[-1].round == 3


# --- The pictures ---------------------------------------------------------------------------------


def test_pictures_are_the_same_bytes_twice_and_the_page_needs_nothing_else(tmp_path: Path) -> None:
    first = figure1.figure1("mixture", tmp_path / "a", rounds=3, movie=False)
    again = figure1.figure1("mixture", tmp_path / "b", rounds=3, movie=False)
    assert [file.name for file in first.files] == ["figure1.png", "figure1.svg", "figure1.html"]
    for one, other in zip(first.files[:2], again.files[:2], strict=True):
        assert one.read_bytes() == other.read_bytes()
    page = first.files[2].read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|https?://|@import|url\(""", page)
    numbers = json.loads(
        re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page)[0]
    )
    assert [snapshot["round"] for snapshot in numbers["frames"]] == [0, 1, 2, 3]
    assert len(numbers["p_data"]) == len(numbers["frames"][0]["D"]) == line.CELLS
    assert numbers["frames"][0]["V"] == pytest.approx(
        film("mixture", rounds=1).frames[0].V, abs=1e-5
    )


def test_a_files_name_cannot_break_the_page(tmp_path: Path) -> None:
    path = tmp_path / "<script>alert(1)<.csv"
    path.write_text("1\n2\n3\n")
    run = film(str(path), SMALL, rounds=1, frames=2)
    figure1.write_html(run, tmp_path / "page.html")
    assert "<script>alert" not in (tmp_path / "page.html").read_text()


def test_a_movie_moves(short: Film, tmp_path: Path) -> None:
    figure1.write_movie(short, tmp_path / "short.gif", every=4)
    with Image.open(tmp_path / "short.gif") as movie:
        assert getattr(movie, "n_frames", 1) >= 2
    with pytest.raises(UserError, match=r"\.gif or \.mp4"):
        figure1.write_movie(short, tmp_path / "short.avi")


def test_a_movie_without_ffmpeg_says_what_to_do(
    short: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matplotlib.animation.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(UserError, match=r"ffmpeg.*\.gif does not"):
        figure1.write_movie(short, tmp_path / "short.mp4")


def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="Cannot write"):
        figure1.figure1("gaussian", tmp_path / "file", rounds=1, movie=False)
