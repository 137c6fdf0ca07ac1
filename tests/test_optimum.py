"""Under each objective, boards and `play` compare D with that objective's own optimum."""

import csv
import dataclasses
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from adversarial_nets import objectives, replay
from adversarial_nets.errors import UserError
from adversarial_nets.objectives import OBJECTIVES, Objective
from adversarial_nets.playground.boards.line import columns
from adversarial_nets.playground.game_slot import GameSlot
from adversarial_nets.playground.words import WORDS
from adversarial_nets.replay import Script
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings
from adversarial_nets.theory import quadrature
from adversarial_nets.toys import catalogue, line, optimum, plane
from adversarial_nets.toys.networks import evaluate
from commands import result

WITH_OPTIMUM = [name for name in OBJECTIVES if name != "wasserstein"]
SMALL = replace(
    line.SETTINGS,
    G=replace(line.SETTINGS.G, hidden=(8,), init=(4.0, 0.1)),
    D=replace(line.SETTINGS.D, units=(4,), init=(1.0, 0.3)),
    batch=32,
)
LOG4 = math.log(4)


class Tabulated(nn.Module):
    """A D with given logits at the points of the evaluator's support."""

    def __init__(self, x: np.ndarray, a: np.ndarray) -> None:
        super().__init__()
        self.x, self.a = torch.from_numpy(x), torch.from_numpy(a)
        self.unused = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        nearest = (x[:, :1].double() - self.x).abs().argmin(1)
        return self.a[nearest][:, None]


def least_V(name: str, p: np.ndarray, q: np.ndarray) -> float:
    """Minus D's least loss, by the divergence that the objective names, written out."""

    def jsd(p: np.ndarray, q: np.ndarray) -> float:
        terms = [np.sum(v[v > 0] * np.log(2 * v[v > 0] / (p + q)[v > 0])) for v in (p, q)]
        return float(sum(terms)) / 2

    if name == "least-squares":
        some = p + q > 0
        return float(-0.25 + np.sum((p - q)[some] ** 2 / (p + q)[some]) / 8)
    if name == "hinge":
        return float(-2 + np.abs(p - q).sum())
    if name == "relativistic":
        return -math.log(2) + jsd(np.outer(p, q).ravel(), np.outer(q, p).ravel())
    return -LOG4 + 2 * jsd(p, q)


@pytest.mark.parametrize("name", WITH_OPTIMUM)
def test_a_D_at_the_optimum_has_distance_0_and_the_largest_V(name: str) -> None:
    """The optimal logits, computed here from p and q alone, as the D of a game on the line."""
    toy, settings = catalogue.find("mixture"), replace(SMALL, objective=name)
    g, evaluator = line.new_game(toy, settings), line.new_evaluator(toy, settings)
    G_z = evaluate(g.G, evaluator.z[:, None])[:, 0]
    p, q = evaluator.p_data, quadrature.pushforward(G_z, evaluator.z_mass, evaluator.edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        a = {
            "least-squares": p / (p + q),
            "hinge": np.sign(p - q),
            "relativistic": np.log(p / q) + 3,
        }.get(name, np.log(p / q))
    a = np.nan_to_num(a, nan=0.3, posinf=500, neginf=-500)  # a D that is computed is finite
    g.D = Tabulated(evaluator.support, a)
    shown = line.metrics(evaluator, line.take_snapshot(g, evaluator))
    assert shown["distance"].value == pytest.approx(0, abs=1e-9)
    assert shown["V"].value == pytest.approx(shown["C"].value, abs=1e-9)
    assert shown["C"].value == pytest.approx(least_V(name, p, q), abs=1e-9)
    assert shown["V"].perfect == pytest.approx(least_V(name, p, p), abs=1e-9)
    g.D = Tabulated(evaluator.support, a + np.cos(np.arange(len(a))))
    other = line.metrics(evaluator, line.take_snapshot(g, evaluator))
    assert other["distance"].value > 0.01
    assert other["V"].value < shown["V"].value - 0.01


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_V_on_a_grid_is_minus_the_loss_of_many_draws(name: str) -> None:
    """With shares that are multiples of 1/8, all pairs of 8 data and 8 samples are the grid."""
    p, q = np.array([2, 5, 1]) / 8, np.array([4, 1, 3]) / 8
    a = np.array([0.7, -0.4, 1.9])
    x, G_z = np.repeat(a, [2, 5, 1]), np.repeat(a, [4, 1, 3])
    pairs = [np.ascontiguousarray(v).ravel() for v in np.broadcast_arrays(x[:, None], G_z)]
    loss = objectives.find(name).d_loss(*map(torch.from_numpy, pairs)).item()
    assert optimum.V(name, a, p, q) == pytest.approx(-loss, abs=1e-12)
    assert optimum.V_from_logits(name, *pairs) == pytest.approx(-loss, abs=1e-12)


def test_wasserstein_shows_no_optimum_and_no_distance() -> None:
    found = replay.replay(Script("gaussian", replace(SMALL, objective="wasserstein"), 2)).metrics
    assert found["V"].perfect is None
    assert not {"C", "C from samples", "distance", "accuracy"} & set(found)
    assert {"JSD", "KL data g"} <= set(found)
    settings = replace(SMALL, objective="wasserstein")
    toy = catalogue.find("gaussian")
    evaluator = line.new_evaluator(toy, settings)
    snapshot = line.take_snapshot(line.new_game(toy, settings), evaluator)
    assert np.isnan(snapshot.D_star).all()
    nothing = columns(evaluator, replace(snapshot, D_star=np.full_like(snapshot.a, np.nan)))
    assert columns(evaluator, snapshot) == nothing


def test_an_objective_without_a_known_optimum_has_an_accuracy_if_it_has_a_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = replace(OBJECTIVES["hinge"], a_star=None)
    for threshold in (0.25, None):
        monkeypatch.setitem(OBJECTIVES, "own", replace(own, threshold=threshold))
        settings = replace(SMALL, objective="own")
        found = replay.replay(Script("gaussian", settings, 1)).metrics
        assert ("accuracy" in found) == (threshold is not None)
        assert not {"C", "distance"} & set(found)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_the_plane_compares_V_with_its_own_value_for_a_perfect_G(name: str) -> None:
    settings = replace(
        plane.SETTINGS,
        objective=name,
        G=GeneratorSettings(hidden=(4,), output="linear", init=(0.1,), bias_from_marginals=False),
        D=DiscriminatorSettings(units=(4,), pieces=2, init=(0.1,)),
        batch=16,
    )
    found = replay.replay(Script("three-gaussians", settings, 0)).metrics
    perfect = {"least-squares": -0.25, "hinge": -2.0, "relativistic": -math.log(2)}
    expected = None if name == "wasserstein" else perfect.get(name, -LOG4)
    assert found["V"].perfect == (expected and pytest.approx(expected, abs=1e-12))
    assert ("C" in found) == (name in ("minimax", "non-saturating"))
    assert ("accuracy" in found) == (name not in ("wasserstein", "relativistic"))


def test_another_objective_during_a_game_begins_another_curve_of_V() -> None:
    slot = GameSlot.from_script(Script("gaussian", SMALL))
    slot.change({"objective": "wasserstein"})
    message = slot.step("D")
    assert message["V_before"] is None
    assert message["curve"]["V"][0] is None
    assert message["curve"]["V"][1] == message["metrics"]["V"][0]
    assert message["metrics"]["V"][1] is None
    assert None not in message["curve"]["JSD"]
    first = slot.message(0)
    assert first["curve"]["V"] == [first["metrics"]["V"][0], None]
    assert first["metrics"]["V"][1] == -LOG4
    before, after = csv.DictReader(slot.metrics_csv().decode().splitlines())
    assert float(before["distance"]) == first["metrics"]["distance"][0]
    assert after["distance"] == after["V, perfect"] == ""


def test_an_objective_with_a_loss_of_its_own_that_is_minus_V_has_the_papers_optimum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The decision is a field of the objective, not the identity of a function."""
    own = Objective(
        d_loss=lambda a_x, a_G_z: softplus(-a_x).mean() + softplus(a_G_z).mean(),
        g_loss=lambda a_G_z: -a_G_z.mean(),
        d_ascends_V=True,
    )
    monkeypatch.setitem(OBJECTIVES, "own", own)
    p, q = np.array([0.9, 0.1]), np.array([0.5, 0.5])
    assert optimum.V_star("own", p, q) == optimum.V_star("minimax", p, q)
    assert (optimum.D_star("own", np.zeros(2), p, q) == p / (p + q)).all()
    assert optimum.same_V("own", "minimax")
    assert not optimum.same_V("own", "hinge")
    assert optimum.describe("own") == ""
    with pytest.raises(
        UserError, match=r"−V is 1\.\d+; they must be equal. Give d_loss=minus_value"
    ):
        dataclasses.replace(own, d_loss=OBJECTIVES["hinge"].d_loss)
    assert objectives.minus_value(torch.zeros(2), torch.zeros(3)).item() == pytest.approx(
        math.log(4)
    )


def test_play_names_the_divergence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = str(tmp_path)
    small = ("--rounds", "0", "--change", "0:objective=least-squares", "--out", out)
    found: dict[str, Any] = result(capsys, "play", "gaussian", *small)
    assert found["readings"]["V"]["perfect"] == -0.25
    for name, objective in OBJECTIVES.items():
        said = optimum.describe(name)
        if objective.d_ascends_V:
            assert said == ""
            continue
        assert objective.optimum in said
        assert (objective.divergence in said) == (objective.a_star is not None)
        assert f"method V {name}" in WORDS
        assert (f"metric C {name}" in WORDS) == (objective.a_star is not None)
