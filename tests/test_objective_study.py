"""`advnets paper objectives`: modes are counted, games are kept, --json trains nothing."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from adversarial_nets.cli.main import main
from adversarial_nets.datasets import load, stacked_mnist
from adversarial_nets.datasets.stacked_mnist import modes_of, stack
from adversarial_nets.evaluation import features
from adversarial_nets.objectives import OBJECTIVES
from adversarial_nets.paper import objective_study as study
from adversarial_nets.settings import Settings
from adversarial_nets.training.loop import TrainingSession


def test_every_objective_is_played_and_only_its_own_settings_change() -> None:
    assert {objective for objective, _ in study.games()} == set(OBJECTIVES)
    assert {penalty for _, penalty in study.games()} == set(study.PENALTIES)
    s = study.variant(Settings(), "hinge", "R1", 0.3)
    assert (s.objective, s.r1, s.r2, s.k) == ("hinge", 0.3, 0.0, 1)
    s = study.variant(Settings(), "hinge", "R1 + R2", 0.3)
    assert (s.r1, s.r2, s.D.spectral_norm) == (0.3, 0.3, False)
    s = study.variant(Settings(r1=5.0), "hinge", "spectral norm", 0.3)
    assert (s.r1, s.r2, s.D.spectral_norm) == (0.0, 0.0, True)
    s = study.variant(Settings(k=2, r1=5.0), "wasserstein", "gradient penalty", 0.3)
    assert {name: s.flat()[name] for name in ("k", "r1", "r2")} == {"k": 5, "r1": 0.0, "r2": 0.0}
    assert s.lr == Settings().lr


def test_stacked_digits_have_their_modes_and_equal_shares() -> None:
    digits = load("mnist-5k")
    data = stack(digits)
    assert data.image_shape == (3, 28, 28)
    shares = data.labels["train"].bincount(minlength=1000).double()
    assert len(shares) == 1000
    assert ((shares - 50) ** 2 / 50).sum() < 1000 + 5 * 2000**0.5  # χ² of equal shares
    for i in (0, 7):
        channels = data.train[i].view(3, 784)
        found = [
            int(digits.labels["train"][(digits.train == channel).all(1)][0]) for channel in channels
        ]
        assert int(modes_of(torch.tensor([found]))[0]) == int(data.labels["train"][i])
    assert torch.equal(stack(digits).train[:5], data.train[:5])


def test_modes_of_samples_are_counted_by_a_classifier_of_digits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(features, "STEPS", 60)
    digits = load("mnist-5k")
    classifier = features.classifier(digits)
    data = stack(digits)
    counts = study.stacked_modes(data.floats(data.test[:500]), classifier)
    assert counts.sum() == 500
    right = classifier.accuracy**3
    truth = data.labels["test"][:500].bincount(minlength=1000).numpy()
    agree = np.minimum(counts, truth).sum() / 500
    assert agree > right - 0.05


@pytest.mark.draws
def test_games_on_25_gaussians_are_kept_and_not_played_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["paper", "objectives", "25-gaussians", "--rounds", "3", "--seeds", "2"]
    line += ["--objectives", "hinge", "wasserstein", "--out", str(tmp_path), "--json"]
    assert main(line) == 0
    found = json.loads(capsys.readouterr().out)
    games = [(row["objective"], row["penalty"], row["seeds"]) for row in found["rows"]]
    penalties = ("no penalty", "R1", "R1 + R2", "spectral norm")
    assert games == [("hinge", p, 2) for p in penalties] + [("wasserstein", "gradient penalty", 2)]
    assert (tmp_path / "25-gaussians.png").stat().st_size > 5000

    def fail(*args: object) -> None:
        raise AssertionError("a game was played again")

    monkeypatch.setattr(study, "play_gaussians", fail)
    assert main(line) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == found["rows"]
    few = ["--penalties", "no penalty", "spectral norm"]
    assert main([*line, *few]) == 0  # and no other is played
    capsys.readouterr()
    assert main(["paper", "objectives", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == found["rows"]


def test_a_run_on_stacked_digits_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "STEPS", 20)
    monkeypatch.setitem(study.SAMPLES, "stacked-mnist", 300)
    monkeypatch.setattr(stacked_mnist, "COUNTS", dict.fromkeys(("train", "valid", "test"), 50))
    monkeypatch.setattr(TrainingSession, "_score", lambda _: {"raw": {"valid_nats": 0.0}})
    digits = load("mnist-5k")
    result, images = study.play_stacked("relativistic", "R1 + R2", 0, 1, tmp_path, digits)
    assert (result.data, result.objective, result.diverged) == (
        "stacked-mnist",
        "relativistic",
        False,
    )
    assert 1 <= result.modes <= 300
    assert result.kl is not None
    assert result.kl <= np.log(1000)
    assert images.shape == (10, 3 * 784)
    row = study.mean_rows([result])[0]
    assert row["published"] == "1000 modes, KL .078"
    longer = dataclasses.replace(result, rounds=2, seed=1)
    assert [r["rounds"] for r in study.mean_rows([result, longer])] == [1, 2]
    failed = dataclasses.replace(result, seed=1, diverged=True, seconds=0.0)
    assert study.mean_rows([result, failed])[0]["seconds"] == result.seconds


def test_a_row_has_the_mean_and_the_fewest_modes_of_its_games() -> None:
    games = [
        study.Result("25-gaussians", "hinge", "R1", seed, 9, modes, share, kl, 2.0 * seed)
        for seed, (modes, share, kl) in enumerate([(20, 0.5, 0.3), (17, 0.7, None), (23, 0.9, 0.1)])
    ]
    (row,) = study.mean_rows(games)
    assert (row["modes"], row["fewest"], row["seeds"], row["seconds"]) == (20, 17, 3, 2)
    assert (row["share"], row["KL"]) == pytest.approx((0.7, 0.2))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mnist"], "no data set of this study"),
        (["25-gaussians", "--seeds", "0"], "--seeds is 0"),
        (["25-gaussians", "--rounds", "0"], "--rounds is 0"),
        (["25-gaussians", "--objectives", "hing"], "hinge"),
        (["25-gaussians", "--penalties", "R1+R2"], "R1 + R2"),
        (["25-gaussians", "--objectives", "minimax", "--penalties", "spectral norm"], "No game"),
    ],
)
def test_bad_input(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", "objectives", *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
