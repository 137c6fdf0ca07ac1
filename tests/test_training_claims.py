"""The claims about training: laws of what they measure, on games far too short to show them."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import Linear, Sequential

from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import features
from adversarial_nets.game import play, sample_noise
from adversarial_nets.paper import training_claims
from adversarial_nets.paper.training_claims import gradient_norms
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from small import small_data, small_settings


class Watched(NamedTuple):
    settings: Settings
    rounds: int
    before: Tensor
    after: Tensor


def test_gradients_of_both_objectives() -> None:
    """Of one sample: ∂/∂a of the losses are −D and −(1 − D), so norms stand as D to 1 − D."""
    game = new_game(small_settings(batch=1, ema_decay=0.0), small_data(), dtype=torch.float64)
    play(game, 30)
    norms = gradient_norms(game)
    z = sample_noise(game, game.round, "z to compare gradients")
    game.D.eval()
    D_G_z = game.D(game.G(z)).sigmoid().item()
    assert norms["minimax"] / norms["non-saturating"] == pytest.approx(
        D_G_z / (1 - D_G_z), rel=1e-6
    )


def test_looking_at_gradients_changes_nothing() -> None:
    a, b = (new_game(small_settings(ema_decay=0.0), small_data()) for _ in range(2))

    def look(game: Game) -> None:
        gradient_norms(game)

    play(a, 10, look)
    play(b, 10)
    for p, q in zip(a.G.parameters(), b.G.parameters(), strict=True):
        assert torch.equal(p, q)


def test_parzens_error_grows_with_the_dimension_and_shrinks_with_samples() -> None:
    found = training_claims.spread(counts=(30, 1000), dimensions=(1, 20), draws=3)
    error = {(row["dimensions"], row["samples"]): row["error"] for row in found.rows}
    assert error[20, 30] < error[20, 1000] < error[1, 1000] < 0.05
    assert error[20, 1000] < -1  # whole nats, for a model that is exactly right
    truth = found.rows[-1]["truth, nats"]
    # The exact mean log-likelihood of 3 × 300 points, which spreads by √(20/1800) = .1.
    assert truth == pytest.approx(-10 * (1 + math.log(2 * math.pi)), abs=0.5)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    """Every stretch of play of a claim: its game's settings, D's weights before and after."""
    seen: list[Watched] = []

    def D(game: Game) -> Tensor:
        return torch.cat([p.detach().flatten().clone() for p in game.D.parameters()])

    def watching(game: Game, rounds: int, callback: Callable[[Game], None]) -> None:
        before = D(game)
        play(game, rounds, callback)
        seen.append(Watched(game.settings, rounds, before, D(game)))

    monkeypatch.setattr(training_claims, "play", watching)
    return seen


def test_helvetica_begins_alike_and_then_only_one_D_stands_still(
    monkeypatch: pytest.MonkeyPatch, watched: list[Watched]
) -> None:
    monkeypatch.setattr(features, "STEPS", 5)
    found = training_claims.helvetica(together=20, alone=10)
    both, still = (watched[0], watched[1]), (watched[2], watched[3])
    assert torch.equal(both[0].after, still[0].after)
    assert not torch.equal(both[1].after, both[0].after)
    assert torch.equal(still[1].after, still[0].after)
    for row in found.rows:
        if row["round"] <= 21:  # G learns of a D that stood still a round later
            assert row["variance, both learn"] == row["variance, D stands still"]
            assert row["digits, both learn"] == row["digits, D stands still"]
    assert [row["round"] for row in found.rows] == [4, 8, 12, 16, 20, *range(21, 31)]


def test_every_k_gives_D_as_many_updates(watched: list[Watched]) -> None:
    found = training_claims.steps(updates=40, ks=(1, 5))
    assert [(row["k"], row["updates of G"]) for row in found.rows] == [(1, 40), (5, 8)]
    assert [(w.settings.k, w.rounds) for w in watched] == [(1, 40), (5, 8)]
    for row in found.rows:
        assert row["gap"] == pytest.approx(row["V, training"] - row["V, held out"])


def test_V_is_read_on_training_and_on_held_out_images() -> None:
    """Where D says yes to training images alone, V is 0 + 0 on them and −large on others."""
    data = small_data()
    data = dataclasses.replace(data, train=0 * data.train, valid=255 + 0 * data.valid)
    game = new_game(small_settings(ema_decay=0.0), data)
    judge = Linear(data.pixels, 1)
    with torch.no_grad():
        judge.weight.fill_(-10)
        judge.bias.fill_(20)
    game.D = Sequential(judge)
    seen, held_out = training_claims._values(game, data)
    assert held_out < seen - 100


def test_the_ratio_is_of_the_non_saturating_gradient_to_the_other() -> None:
    for row in training_claims.gradients(rounds=4).rows:
        assert row["ratio"] == pytest.approx(row["non-saturating"] / row["minimax"])


def test_head_start_and_gradients_have_a_row_for_each_look(watched: list[Watched]) -> None:
    found = training_claims.head_start(rounds=12, lengths=(0, 6))
    assert [w.settings.head_start for w in watched] == [0, 6]
    assert [row["head start"] for row in found.rows] == [0, 6]
    early = training_claims.gradients(rounds=8)
    assert [row["round"] for row in early.rows] == list(range(1, 9))


def test_the_spread_is_of_the_window_and_not_of_the_points() -> None:
    """300 test points spread a normal's own log-likelihood by √(d/600); that is taken out."""
    (row,) = training_claims.spread(counts=(3000,), dimensions=(1,), draws=6).rows
    assert row["error"] < 0  # a window can only blur, here by some thousandths of a nat
    assert abs(row["error"]) < 0.03
    assert row["spread"] < 0.5 * (1 / 600) ** 0.5
    assert row["truth, nats"] == pytest.approx(-1.419, abs=0.1)


def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = dataclasses.replace(training_claims.spread(counts=(10,), dimensions=(1,), draws=2))
    monkeypatch.setattr(training_claims, "CLAIMS", {"parzen-spread": lambda seed, on: short})
    assert main(["claim", "parzen-spread", "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rows"][0]["samples"] == 10
    assert Path(printed["picture"]).stat().st_size > 5000
    with pytest.raises(UserError, match="Did you mean parzen-spread"):
        training_claims.claim("parzen-spred", tmp_path)
