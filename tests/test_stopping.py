"""When a training ends: trends of scores, --patience, and data of which nothing is held out."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import adversarial_nets as an
from adversarial_nets.build import change_settings, new_game
from adversarial_nets.cli.main import main
from adversarial_nets.cli.parsing import parse
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.cli.train import TrainOptions, _known_to_D
from adversarial_nets.datasets import load
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood
from adversarial_nets.game import sample
from adversarial_nets.runs.checkpoints import checkpoint_rounds
from adversarial_nets.runs.game_state import load_generator
from adversarial_nets.runs.metrics import append_metrics, read_metrics
from adversarial_nets.schedules import adapt_augmentation
from adversarial_nets.settings import Cadence, DiscriminatorSettings, GeneratorSettings
from adversarial_nets.training.default_preset import preset_for_data
from adversarial_nets.training.diagnostics import discriminator_metrics
from adversarial_nets.training.trend import Trend, trend
from small import small_data, small_settings
from test_metrics_docs import check, documented

# --- The trend ------------------------------------------------------------------------------------


def rows(*values: float, name: str = "valid_nats") -> list[dict[str, Any]]:
    """Rows of metrics in which each second one is a check."""
    found: list[dict[str, Any]] = []
    for i, value in enumerate(values, 1):
        score = {"valid_nats": 0.0, name: value} | ({"coarse": 1.0} if name == "fine" else {})
        found += [{"round": 10 * i - 5}, {"round": 10 * i, "scores": {"averaged": score}}]
    return found


def test_scores_that_rise_and_distances_that_fall_are_not_stale() -> None:
    assert trend(rows(1.0, 3.0, 2.0, 5.0), "averaged").stale == 0
    fell = trend(rows(9.0, 3.0, 4.0, 2.0, name="fine"), "averaged")
    assert (fell.stale, fell.values[-1]) == (0, 3.0)  # fine + coarse
    assert "still falls" in fell.sentence


def test_the_best_check_counts_from_its_first_occurrence() -> None:
    found = trend(rows(1.0, 5.0, 2.0, 5.0), "averaged")
    assert (found.best, found.stale) == (1, 2)
    assert found.sentence.startswith("The validation score no longer rises. It was best at")
    assert trend(rows(5.0, 2.0, name="fine"), "averaged").stale == 0
    assert trend(rows(2.0, 5.0, name="fine"), "averaged").stale == 1


def test_too_few_checks_say_nothing() -> None:
    assert "checked once" in Trend(False, (5,), (1.0,)).sentence
    assert "checked never" in trend([], "raw").sentence


def test_a_rising_score_is_reported_with_its_last_four_checks() -> None:
    rising = Trend(False, tuple(range(6)), tuple(map(float, range(6)))).sentences
    assert "still rises: 2.0, 3.0, 4.0, 5.0 nats" in rising["en"]
    assert "仍在上升：2.0、3.0、4.0、5.0 奈特" in rising["zh"]


def test_V_on_training_and_held_out_images_is_that_of_the_newest_row_that_has_it(
    tmp_path: Path,
) -> None:
    assert _known_to_D(tmp_path) == []
    numbers = dict.fromkeys(("d_loss", "g_loss", "D_x", "D_G_z", "spread", "epoch", "seconds"), 0.5)
    for round, V in ((1, ()), (2, (-3.0, -4.0)), (3, (-1.1, -1.9)), (4, ())):
        values = dict(zip(("V_training", "V_held_out"), V, strict=False))
        append_metrics(tmp_path, {"round": round} | numbers | values)
    (sentence,) = _known_to_D(tmp_path)
    assert "-1.10 on training images, -1.90 on held-out images" in sentence


# --- Patience -------------------------------------------------------------------------------------

CADENCE = Cadence(log_every=5, save_every=7, score_every=10, samples_every=1000)


def end_of(folder: Path, scores: list[float], monkeypatch: pytest.MonkeyPatch, **how: Any) -> int:
    """The round at which a training with these scores ends."""
    from adversarial_nets.training.loop import TrainingSession

    def score(session: TrainingSession) -> dict[str, Any]:
        value = scores[session.game.round // 10 - 1]
        return {w: {"valid_nats": value, "sigma": 0.1} for w in ("raw", "averaged")}

    monkeypatch.setattr(TrainingSession, "_score", score)
    run = an.train(
        small_data(),
        settings=small_settings(),
        run=folder,
        cadence=CADENCE,
        progress=False,
        **{"rounds": 60, **how},
    )
    return max(checkpoint_rounds(run.folder))


def test_patience_ends_a_training_and_a_resumed_one_in_the_same_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [1.0, 2.0, 1.5, 1.6, 1.7, 9.0]
    assert end_of(tmp_path / "whole", scores, monkeypatch, patience=3) == 50
    assert (tmp_path / "whole" / "samples" / "round-00000050.png").exists()
    assert end_of(tmp_path / "parts", scores, monkeypatch, patience=3, rounds=33) == 33
    assert end_of(tmp_path / "parts", scores, monkeypatch, patience=3) == 50
    assert end_of(tmp_path / "parts", scores, monkeypatch, patience=3) == 50  # and stays there
    weights = [an.load_generator(tmp_path / name)[0].state_dict() for name in ("whole", "parts")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert end_of(tmp_path / "parts", scores, monkeypatch) == 60  # without patience it goes on
    assert end_of(tmp_path / "patient", scores, monkeypatch, patience=4) == 60


def test_impossible_patience(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="patience is 0"):
        an.train(small_data(), settings=small_settings(), run=tmp_path / "run", patience=0)
    data = dataclasses.replace(small_data(), held_out=False)
    with pytest.raises(UserError, match="none can be used for scores"):
        an.train(data, settings=small_settings(), run=tmp_path / "run", rounds=5, patience=2)


def test_a_folder_has_eighteen_checks_and_its_commands_know(tmp_path: Path) -> None:
    for i in range(60):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    options = parse(COMMANDS["train"], [f"folder:{tmp_path}"])
    assert isinstance(options, TrainOptions)
    _, preset = preset_for_data(f"folder:{tmp_path}")
    assert preset.rounds == 18 * options.cadence.score_every
    assert options.cadence == preset.cadence != Cadence()
    options = parse(COMMANDS["train"], ["mnist-5k", "--score-every", "70"])
    assert isinstance(options, TrainOptions)
    assert options.cadence == Cadence(score_every=70)


def test_checks_have_as_many_samples_as_the_cadence_says(tmp_path: Path) -> None:
    data, s = small_data(), small_settings()
    cadence = Cadence(score_every=4, score_samples=50)
    run = an.train(
        data, settings=s, run=tmp_path / "run", rounds=4, cadence=cadence, progress=False
    )
    G, _ = load_generator(run, weights="raw")
    x = sample(G, s, 50, "samples to choose by")
    expected = log_likelihood(data.floats(data.valid), x, GRIDS["paper"]).mean(1).max()
    row = read_metrics(run.folder)[-1]
    assert row["scores"]["raw"]["valid_nats"] == pytest.approx(expected.item(), rel=1e-5)


# --- A few images ---------------------------------------------------------------------------------

TINY = ("--size", "16", "--G.maps", "2", "--D.maps", "2", "--z-size", "4", "--batch", "4")


def save_images(folder: Path, n: int) -> Path:
    """Colour images, each with a different colour on one side."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        values = np.full((20, 20, 3), (5 * i, 255 - 5 * i, 40), np.uint8)
        values[:, :10] = 255
        Image.fromarray(values).save(folder / f"{i:02d}.png")
    return folder


def test_folders_of_few_images_are_trained_on_as_a_whole(tmp_path: Path) -> None:
    few, many = (save_images(tmp_path / str(n), n) for n in (50, 51))
    assert preset_for_data(f"folder:{few}")[1].settings.train_on_all
    assert not preset_for_data(f"folder:{many}")[1].settings.train_on_all
    assert not preset_for_data(f"folder:{few}", "quickstart")[1].settings.train_on_all
    split = tmp_path / "split"
    for part in ("train", "test"):
        save_images(split / part, 5)
    assert not preset_for_data(f"folder:{split}")[1].settings.train_on_all
    data = load(f"folder:{few}", size=8, channels=3, train_on_all=True)
    assert (len(data.train), data.held_out) == (50, False)
    assert "held out" in data.notes


@pytest.mark.parametrize("n", [1, 2, 20])
def test_few_images_from_the_folder_to_samples_without_a_score(
    n: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adversarial_nets.training.estimate.seconds_per_round", lambda *_: 0.01)
    images, run = save_images(tmp_path / "images", n), tmp_path / "run"
    words = ["train", f"folder:{images}", "--run", str(run), "--score-every", "2", *TINY]
    words += ["--samples-every", "2", "--film", "--ema-decay", "0"]
    assert main([*words, "--rounds", "4", "--flip"]) == 0
    said = capsys.readouterr().out
    assert f": {n:,} training image{'s' * (n > 1)};" in said
    with Image.open(run / "training.gif") as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]  # rounds 0, 2 and 4
    assert "No score" in said
    assert not (run / "evaluation.json").exists()
    assert not any("scores" in line for line in (run / "metrics.jsonl").read_text().splitlines())
    assert "There is no score" in (run / "report.html").read_text()
    assert main(["sample", str(run), "--n", "2", "--out", str(tmp_path / "s.png")]) == 0
    for command in ("evaluate", "measure"):
        capsys.readouterr()
        assert main([command, str(run)]) == 2
        assert "none can be used for scores" in " ".join(capsys.readouterr().err.split())


def test_two_images_without_that_setting_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train_on_all"):
        load(f"folder:{save_images(tmp_path / 'images', 2)}")


# --- Patch distances and ADA in the metrics -------------------------------------------------------

ADA = small_settings(
    G=GeneratorSettings(hidden=(), maps=2, init=(0.1,), bias_from_marginals=False),
    D=DiscriminatorSettings(units=(), maps=2, init=(0.1,)),
    ada_target=0.1,
    augment=0.2,
    lr=0.05,
)


@pytest.mark.parametrize("objective", ["wasserstein", "relativistic"])
def test_ada_needs_the_sign_of_Ds_logits(objective: str) -> None:
    settings = dataclasses.replace(ADA, objective=objective, protocol="released")
    with pytest.raises(UserError, match=f"{objective} has none"):
        new_game(settings, small_data(60, side=14))


def test_a_game_with_ada_cannot_change_to_an_objective_without_a_threshold() -> None:
    game = new_game(ADA, small_data(60, side=14))
    with pytest.raises(UserError, match="wasserstein has none"):
        change_settings(game, dataclasses.replace(ADA, objective="wasserstein"))
    assert game.settings == ADA


class BrightPixels(torch.nn.Module):
    """A D that takes images with a bright pixel for data."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = torch.nn.Parameter(torch.tensor(threshold))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.threshold + 0.1 * (x.amax(1) - 0.65).sign()


@pytest.mark.parametrize(("objective", "threshold"), [("hinge", 0.0), ("least-squares", 0.5)])
def test_ada_and_accuracy_compare_logits_with_the_objectives_threshold(
    objective: str, threshold: float
) -> None:
    data = small_data(60, side=14)
    game = new_game(dataclasses.replace(ADA, objective=objective), data)
    game.stats.a_x = threshold + torch.tensor([-0.1, 0.1, 0.1, 0.1])
    adapt_augmentation(game)
    assert game.ada.signs == 2
    game.D = BrightPixels(threshold)  # G starts with grey images
    assert discriminator_metrics(game, data)["accuracy"] == 1
    critic = new_game(dataclasses.replace(ADA, objective="wasserstein", ada_target=0.0), data)
    assert "accuracy" not in discriminator_metrics(critic, data)


@pytest.mark.parametrize("k", [1, 3])
def test_ada_moves_once_in_four_rounds_by_the_images_that_D_has_seen(k: int) -> None:
    """Each of the k updates of a round uses a minibatch; 500,000 images raise p from 0 to 1."""
    settings = dataclasses.replace(ADA, k=k, protocol="paper")
    game = new_game(settings, small_data(60, side=14))
    game.ada.probability = 0.5
    found = []
    for game.round in range(8):
        game.stats.a_x = torch.ones(settings.batch)
        adapt_augmentation(game)
        found.append(game.ada.probability)
    step = 4 * k * settings.batch / 500_000
    assert found == pytest.approx([0.5] * 3 + [0.5 + step] * 4 + [0.5 + 2 * step])


def test_images_outside_0_to_1_are_not_augmented() -> None:
    data = dataclasses.replace(small_data(60, side=14), range=(-55.0, 55.0))
    linear = dataclasses.replace(ADA.G, output="linear")
    games: dict[str, dict[str, Any]] = {"ada_target": {}, "augment": {"ada_target": 0.0}}
    for name, changes in games.items():
        with pytest.raises(UserError, match=rf"{name} needs images in \[0, 1\]"):
            new_game(dataclasses.replace(ADA, G=linear, **changes), data)


def test_rows_of_convolutional_games_with_ada_are_documented(tmp_path: Path) -> None:
    settings = dataclasses.replace(ADA, ada_target=0.6)
    run = tmp_path / "run"
    data = small_data(60, side=14)
    an.train(data, settings=settings, run=run, rounds=4, progress=False)
    row = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    more = {"fine", "coarse"}
    assert more <= row["scores"]["averaged"].keys()
    assert row.pop("augment") >= 0
    scores = {w: {k: s.pop(k) for k in more} for w, s in row["scores"].items()}
    check(row, "metrics.jsonl")
    check({"scores": scores}, "metrics.jsonl of convolutional networks")
    assert documented("metrics.jsonl with ADA") == {"augment"}


def test_ada_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    s = ADA
    found = {}
    for name, parts in (("whole", (11,)), ("parts", (6, 11))):  # 6 is inside a window of four
        for rounds in parts:
            how = Cadence(save_every=3, score_every=100)
            run = an.train(
                small_data(),
                settings=s,
                run=tmp_path / name,
                rounds=rounds,
                cadence=how,
                progress=False,
            )
        state = json.loads((run.folder / "checkpoints/round-00000011/state.json").read_text())
        found[name] = (state["augmentation"], an.load_generator(run)[0].state_dict())
    assert found["whole"][0] == found["parts"][0]
    assert found["whole"][0]["probability"] != 0.2
    assert found["whole"][0]["images"] == 3 * s.batch  # rounds 9 to 11
    a, b = found["whole"][1], found["parts"][1]
    assert all(torch.equal(a[name], b[name]) for name in a)
