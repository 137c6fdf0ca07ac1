"""Experiments on training: their measurements are correct, on games too short for results."""

import dataclasses
import json
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import Linear, Sequential

from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import features
from adversarial_nets.game import play, sample_noise
from adversarial_nets.paper import training_claims
from adversarial_nets.paper.training_claims import gradient_norms
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.toys.recording import play_with_snapshots
from small import small_data, small_settings


class Played(NamedTuple):
    """One call of play_with_snapshots: the game's settings, the last round, D's weights."""

    settings: Settings
    rounds: int
    before: Tensor
    after: Tensor


def test_gradients_of_both_objectives() -> None:
    """For one sample, ∂/∂a of the losses is −D and −(1 − D), so the norms are as D to 1 − D."""
    game = new_game(small_settings(batch=1, ema_decay=0.0), small_data(), dtype=torch.float64)
    play(game, 30)
    norms = gradient_norms(game)
    z = sample_noise(game, game.round, "z to compare gradients")
    game.D.eval()
    D_G_z = game.D(game.G(z)).sigmoid().item()
    assert norms["minimax"] / norms["non-saturating"] == pytest.approx(
        D_G_z / (1 - D_G_z), rel=1e-6
    )


def test_gradients_of_a_minibatch_where_D_is_nearly_constant() -> None:
    """With logit b + tiny · x, D(G(z)) = sigmoid(b) for all z, so the ratio is (1 − D)/D = e⁻ᵇ."""
    game = new_game(small_settings(ema_decay=0.0), small_data(), dtype=torch.float64)
    linear = Linear(game.data.pixels, 1, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(1e-7 * torch.linspace(-1, 1, game.data.pixels))
        linear.bias.fill_(-3.0)
    game.D = linear
    norms = gradient_norms(game)
    assert norms["non-saturating"] / norms["minimax"] == pytest.approx(math.exp(3), rel=1e-5)


def test_gradient_norms_do_not_change_the_game() -> None:
    a, b = (new_game(small_settings(ema_decay=0.0), small_data()) for _ in range(2))

    def callback(game: Game) -> None:
        gradient_norms(game)

    play(a, 10, callback)
    play(b, 10)
    for p, q in zip(a.G.parameters(), b.G.parameters(), strict=True):
        assert torch.equal(p, q)


def test_the_parzen_error_grows_with_the_dimension_and_falls_with_samples() -> None:
    found = training_claims.parzen_spread(counts=(30, 1000), dimensions=(1, 20), draws=3)
    error = {(row["dimensions"], row["samples"]): row["error"] for row in found.rows}
    assert error[20, 30] < error[20, 1000] < error[1, 1000] < 0.05
    assert error[20, 1000] < -1  # more than a nat, for a perfect model
    truth = found.rows[-1]["truth, nats"]
    # The mean log-likelihood of 3 × 300 points has a standard deviation of √(20/1800) = .1.
    assert truth == pytest.approx(-10 * (1 + math.log(2 * math.pi)), abs=0.5)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Played]:
    """Every call of play_with_snapshots in an experiment."""
    calls: list[Played] = []

    def weights(game: Game) -> Tensor:
        return torch.cat([p.detach().flatten().clone() for p in game.D.parameters()])

    def recorded(
        game: Game, rounds: int, take_snapshot: Callable[[Game], object], at: Collection[int]
    ) -> tuple[object, ...]:
        before = weights(game)
        snapshots = play_with_snapshots(game, rounds, take_snapshot, at)
        calls.append(Played(game.settings, rounds, before, weights(game)))
        return snapshots

    monkeypatch.setattr(training_claims, "play_with_snapshots", recorded)
    return calls


def test_helvetica_freezes_D_in_one_of_two_equal_games(
    monkeypatch: pytest.MonkeyPatch, played: list[Played]
) -> None:
    monkeypatch.setattr(features, "STEPS", 5)
    found = training_claims.helvetica(together=5, alone=3)
    both, frozen = (played[0], played[1]), (played[2], played[3])
    assert torch.equal(both[0].after, frozen[0].after)
    assert not torch.equal(both[1].after, both[0].after)
    assert torch.equal(frozen[1].after, frozen[0].after)
    for row in found.rows:
        if row["round"] <= 6:  # at round 6, G still uses D of round 5
            assert row["variance, both learn"] == row["variance, D stands still"]
            assert row["digits, both learn"] == row["digits, D stands still"]
    assert [row["round"] for row in found.rows] == list(range(1, 9))


def test_every_k_has_the_same_number_of_D_updates(played: list[Played]) -> None:
    found = training_claims.steps(updates=20, ks=(1, 5))
    assert [(row["k"], row["updates of G"]) for row in found.rows] == [(1, 20), (5, 4)]
    assert [(p.settings.k, p.rounds) for p in played] == [(1, 20), (5, 4)]


def test_the_gap_is_the_mean_of_the_last_three_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """With V = −t on training and −3t on held-out images at update t: a gap of 2 · mean(t)."""

    def values(game: Game, data: Dataset) -> tuple[float, float]:
        t = game.round * game.settings.k
        return -float(t), -3.0 * t

    monkeypatch.setattr(training_claims, "value_on_training_and_held_out_images", values)
    (row,) = training_claims.steps(updates=20, ks=(1,)).rows  # a snapshot after every update
    t = (18 + 19 + 20) / 3
    assert (row["V, training"], row["V, held out"], row["gap"]) == (-t, -3 * t, 2 * t)


def test_V_is_computed_on_training_and_on_held_out_images() -> None:
    """With logit 20 on training images and 20 − 10 · pixels on the others, V differs by that."""
    data = small_data()
    data = dataclasses.replace(data, train=0 * data.train, valid=255 + 0 * data.valid)
    game = new_game(small_settings(ema_decay=0.0), data)
    linear = Linear(data.pixels, 1)
    with torch.no_grad():
        linear.weight.fill_(-10)
        linear.bias.fill_(20)
    game.D = Sequential(linear)
    training, held_out = training_claims.value_on_training_and_held_out_images(game, data)
    assert held_out - training == pytest.approx(20 - 10 * data.pixels, rel=1e-6)


def test_the_ratio_is_of_the_non_saturating_gradient_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    norms = {"minimax": 2.0, "non-saturating": 5.0}
    monkeypatch.setattr(training_claims, "gradient_norms", lambda game: norms)
    assert [row["ratio"] for row in training_claims.gradients(rounds=4).rows] == [2.5] * 4


def test_head_start_and_gradients_have_a_row_for_each_game_and_snapshot(
    played: list[Played],
) -> None:
    found = training_claims.head_start(rounds=4, lengths=(0, 2))
    assert [p.settings.head_start for p in played] == [0, 2]
    assert [row["head start"] for row in found.rows] == [0, 2]
    early = training_claims.gradients(rounds=3)
    assert [row["round"] for row in early.rows] == [1, 2, 3]


def test_the_parzen_spread_excludes_the_variance_of_the_test_points() -> None:
    """The log-likelihood of 300 points itself has standard deviation √(d/600), excluded here."""
    (row,) = training_claims.parzen_spread(counts=(3000,), dimensions=(1,), draws=6).rows
    assert row["error"] < 0  # the kernel only blurs, here by some thousandths of a nat
    assert abs(row["error"]) < 0.03
    assert row["spread"] < 0.5 * (1 / 600) ** 0.5
    assert row["truth, nats"] == pytest.approx(-1.419, abs=0.1)


@pytest.mark.draws
def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = dataclasses.replace(
        training_claims.parzen_spread(counts=(10,), dimensions=(1,), draws=2)
    )
    monkeypatch.setattr(
        training_claims, "CLAIMS", {"parzen-spread": lambda seed, on_progress: short}
    )
    assert main(["claim", "parzen-spread", "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rows"][0]["samples"] == 10
    assert Path(printed["picture"]).stat().st_size > 5000
    with pytest.raises(UserError, match="Did you mean parzen-spread"):
        training_claims.claim("parzen-spred", tmp_path)
