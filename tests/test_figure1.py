"""Figure 1: its curves are exact, and the default game converges to the optimum of §4.1."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from scipy.special import expit

from adversarial_nets import game, priors
from adversarial_nets.errors import Diverged, UserError
from adversarial_nets.paper import figure1
from adversarial_nets.plots.style import write_picture
from adversarial_nets.random import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, PriorName
from adversarial_nets.theory import divergences
from adversarial_nets.toys import catalogue, distributions, line
from adversarial_nets.toys.distributions import sample_points
from adversarial_nets.toys.kinds import LINE
from adversarial_nets.toys.line import SETTINGS
from adversarial_nets.toys.plot_line import LineRecording, plot_snapshot, select_panels
from adversarial_nets.toys.recording import record, snapshot_rounds

SMALL = replace(
    SETTINGS,
    batch=256,
    G=replace(SETTINGS.G, hidden=(8,), init=(4.0, 0.05)),
    D=replace(SETTINGS.D, units=(16,), init=(1.0, 0.3)),
)


@pytest.fixture(scope="module")
def short() -> LineRecording:
    return record(LINE, "gaussian:5,2", snapshot_rounds(40, 10), SMALL)


@pytest.mark.parametrize("prior", ["uniform", "gaussian"])
def test_p_g_of_a_snapshot_matches_the_generators_samples(prior: PriorName) -> None:
    """The exact masses against the histogram of a large sample, in coarse cells."""
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


def test_learned_V_is_at_most_C_in_every_snapshot(short: LineRecording) -> None:
    for snapshot in short.snapshots:
        assert snapshot.V <= snapshot.C + 1e-12
        assert -divergences.LOG4 <= snapshot.C <= 1e-12
        best = divergences.a_star(short.evaluator.p_data, snapshot.p_g)
        assert divergences.V(best, short.evaluator.p_data, snapshot.p_g) == pytest.approx(
            snapshot.C, abs=1e-12
        )


def test_distance_is_the_mean_of_D_minus_D_star(short: LineRecording) -> None:
    snapshot, evaluator = short.snapshots[-1], short.evaluator
    D_star = divergences.D_star(evaluator.p_data, snapshot.p_g)
    m = (evaluator.p_data + snapshot.p_g) / 2
    expected = sum(
        w * abs(d - s) for w, d, s in zip(m, expit(snapshot.a), D_star, strict=True) if w > 0
    )
    assert snapshot.distance == pytest.approx(expected, abs=1e-12)


def test_snapshots_do_not_change_the_game(short: LineRecording) -> None:
    """The last snapshot is the same with and without earlier ones."""
    toy = catalogue.find("gaussian:5,2")
    without = line.new_game(toy, SMALL)
    game.play(without, 40)
    seen = line.take_snapshot(without, short.evaluator)
    assert seen.p_g.tolist() == short.snapshots[-1].p_g.tolist()
    assert seen.a.tolist() == short.snapshots[-1].a.tolist()
    assert [snapshot.round for snapshot in short.snapshots] == snapshot_rounds(40, 10)
    assert short.snapshots[-1].C < short.snapshots[0].C


def test_the_floor_is_above_the_minimum_and_falls_with_more_samples(short: LineRecording) -> None:
    """C from samples of a perfect generator is biased upwards, more so for fewer samples."""
    toy = catalogue.find("gaussian")
    few, many = (line.new_evaluator(toy, replace(SMALL, batch=n)).floor for n in (100, 2000))
    assert -divergences.LOG4 < many < few < -1.2


def test_the_default_game_approaches_the_equilibrium() -> None:
    """After a fifteenth of its rounds JSD is a tenth of its initial value, and D is near D*."""
    recording = record(LINE, "gaussian", snapshot_rounds(100, 3))
    jsd = [(snapshot.C + divergences.LOG4) / 2 for snapshot in recording.snapshots]
    assert jsd[0] > 0.1
    assert jsd[-1] < jsd[0] / 10
    assert recording.snapshots[-1].distance < 0.06


def test_the_four_panels_are_in_order_and_match_their_definitions() -> None:
    snapshots = record(LINE, "gaussian", snapshot_rounds(100, 12), SMALL).snapshots
    a, b, c, d = select_panels(snapshots)
    assert a.round < b.round <= c.round <= d.round == 100
    assert divergences.JSD(snapshots[0].p_g, b.p_g) <= 0.02 < divergences.JSD(b.p_g, d.p_g)
    assert b.distance < a.distance <= snapshots[0].distance
    nearest_too_late = [*snapshots[:-1], replace(snapshots[-1], distance=0.0)]
    assert select_panels(nearest_too_late)[1] is b


def test_data_from_a_file_have_a_note_that_their_density_is_estimated(
    tmp_path: Path,
) -> None:
    path = tmp_path / "heights.csv"
    x = 170 + 10 * sample_points(distributions.gaussian(), 300)[:, 0]
    path.write_text("height\n" + "\n".join(f"{v:.2f}" for v in x))
    recording = record(LINE, str(path), [0, 5], SMALL)
    assert "300 points" in recording.evaluator.toy.note
    assert (
        150 < recording.snapshots[0].G.mean() < 170
    )  # G starts left of the data, in the data's units


@pytest.mark.parametrize("prior", ["uniform", "gaussian"])
def test_noise_cells_have_the_priors_mass(prior: PriorName) -> None:
    evaluator = line.new_evaluator(catalogue.find("gaussian"), replace(SMALL, prior=prior))
    middles = (evaluator.z[1:] + evaluator.z[:-1]) / 2
    assert evaluator.z_mass.sum() == pytest.approx(1, abs=1e-12)
    assert evaluator.z_mass @ middles**2 == pytest.approx(1, abs=2e-3)  # every prior has variance 1


def test_batch_normalisation_plays_on_the_line() -> None:
    """Before the first round, G's statistics are those of no normalisation."""
    settings = replace(SMALL, G=replace(SMALL.G, batch_norm=True))
    first, last = record(LINE, "gaussian:5,2", [0, 60], settings).snapshots
    toy = catalogue.find("gaussian:5,2")
    median = float(np.interp(0.5, first.p_g[:-1].cumsum(), line.new_evaluator(toy, settings).edges))
    assert median == pytest.approx(3.0, abs=0.1)  # one standard deviation left of the data
    assert last.C < first.C - 0.1  # the statistics alone change it by 0.005


def test_data_or_noise_that_are_not_one_dimensional_raise_errors() -> None:
    with pytest.raises(UserError, match="on the line"):
        line.new_game(catalogue.find("ring"))
    with pytest.raises(UserError, match="z_size is 2; a game on the line needs 1"):
        line.new_game(catalogue.find("gaussian"), replace(SMALL, z_size=2))


def test_a_diverged_game_raises_an_error_with_its_round() -> None:
    toy = catalogue.find("gaussian")
    g, evaluator = line.new_game(toy, SMALL), line.new_evaluator(toy, SMALL)
    with torch.no_grad():
        next(g.D.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="round 0"):
        line.take_snapshot(g, evaluator)


def test_a_game_uses_the_given_settings(short: LineRecording) -> None:
    relu = GeneratorSettings(hidden=(8,), output="linear", init=(0.5,), bias_from_marginals=False)
    dropout = DiscriminatorSettings(units=(8,), pieces=2, init=(0.5,), keep_prob_hidden=0.5)
    recording = record(
        LINE, "uniform", [0, 3], replace(SMALL, G=relu, D=dropout, objective="minimax")
    )
    assert recording.snapshots[-1].round == 3


# --- The pictures ---------------------------------------------------------------------------------


@pytest.mark.draws
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_pictures_are_reproducible(kind: str, short: LineRecording, tmp_path: Path) -> None:
    files = [tmp_path / folder / f"snapshot.{kind}" for folder in "ab"]
    for file in files:
        write_picture(plot_snapshot(short.evaluator, short.snapshots[-1]), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_page_is_self_contained(tmp_path: Path) -> None:
    made = figure1.figure1("mixture", tmp_path, rounds=3, movie=False)
    assert [file.name for file in made.files] == ["figure1.png", "figure1.svg", "figure1.html"]
    page = made.files[2].read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|https?://|@import|url\(""", page)
    numbers = json.loads(
        re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page)[0]
    )
    assert [snapshot["round"] for snapshot in numbers["frames"]] == [0, 1, 2, 3]
    assert len(numbers["p_data"]) == len(numbers["frames"][0]["D"]) == line.CELLS
    assert numbers["frames"][0]["V"] == pytest.approx(
        record(LINE, "mixture", [0]).snapshots[0].V, abs=1e-5
    )


def test_a_file_name_is_escaped_in_the_page(tmp_path: Path) -> None:
    path = tmp_path / "<script>alert(1)<.csv"
    path.write_text("1\n2\n3\n")
    recording = record(LINE, str(path), [0, 1], SMALL)
    figure1.write_html(recording, tmp_path / "page.html")
    assert "<script>alert" not in (tmp_path / "page.html").read_text()


def test_a_movie_shows_its_last_frame_longest(short: LineRecording, tmp_path: Path) -> None:
    figure1.write_movie(short, tmp_path / "short.gif", every=9)
    with Image.open(tmp_path / "short.gif") as movie:
        assert getattr(movie, "n_frames", 1) == 2
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(movie)]
    assert durations[0] < 100 < 1400 < durations[1]  # milliseconds
    with pytest.raises(UserError, match=r"\.gif or \.mp4"):
        figure1.write_movie(short, tmp_path / "short.avi")


def test_a_movie_without_ffmpeg_raises_a_helpful_error(
    short: LineRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matplotlib.animation.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(UserError, match=r"ffmpeg.*write a \.gif"):
        figure1.write_movie(short, tmp_path / "short.mp4")


def test_a_folder_that_cannot_be_written_raises_a_helpful_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="Cannot write"):
        figure1.figure1("gaussian", tmp_path / "file", rounds=1, movie=False)


@pytest.mark.parametrize("toy", ["gaussian:5,2", "uniform:2,4", "points:1,2.0,4.0,AAD__wCA"])
def test_noise_and_data_of_a_snapshot_are_independent(
    toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If they shared their draws, a perfect generator's C from samples would be below its floor."""
    settings = replace(SMALL, prior="uniform")
    g = line.new_game(catalogue.find(toy), settings)
    evaluator = line.new_evaluator(catalogue.find(toy), settings)
    drawn: list[np.ndarray] = []

    def spy(*how: Any) -> np.ndarray:
        drawn.append(sample_points(*how))
        return drawn[-1]

    monkeypatch.setattr(line, "sample_points", spy)
    line.take_snapshot(g, evaluator)
    (data,) = drawn
    address = Address(settings.seed, 0, range(settings.batch))
    z = priors.draw("uniform", address, 1, "judged at round 0")
    assert abs(np.corrcoef(z[:, 0], data[:, 0])[0, 1]) < 0.3
