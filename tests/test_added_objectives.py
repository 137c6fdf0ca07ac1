"""Objectives and penalties that a program adds: what is accepted, refused, and computed."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from adversarial_nets import objective_checks, objectives
from adversarial_nets.build import change_settings, new_game
from adversarial_nets.engine import autograd_updates
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.minibatches import sample_data, sample_noise
from adversarial_nets.report import write_report
from adversarial_nets.settings import Cadence
from adversarial_nets.state import Game
from adversarial_nets.training.diagnostics import find_problem
from adversarial_nets.training.session import train
from html_page import Page
from small import small_data, small_settings, weights


def test_a_paired_objective_needs_no_other_loss_of_G() -> None:
    paired = objectives.Objective(d_loss=lambda a_x, a_G_z: a_G_z.mean(), paired_g_loss=torch.dot)
    with pytest.raises(UserError, match="a_x"):
        paired.g_loss(torch.zeros(2))


@pytest.mark.parametrize("given", [{}, {"g_loss": torch.mean, "paired_g_loss": torch.dot}])
def test_an_objective_has_exactly_one_loss_of_G(given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"Give g_loss.*or paired_g_loss.*but not both"):
        objectives.Objective(d_loss=torch.dot, **given)


def test_a_built_in_objective_is_not_one_that_a_program_added(
    added: Callable[..., str],
) -> None:
    assert objectives.is_built_in("hinge")
    assert not objectives.is_built_in(added(d_loss=torch.dot, g_loss=torch.mean))


@pytest.fixture
def added() -> Iterator[Callable[..., str]]:
    """A function that adds an objective for the duration of a test and returns its name."""

    def add(**losses: Any) -> str:
        objectives.OBJECTIVES["added"] = objectives.Objective(**losses)
        return "added"

    yield add
    objectives.OBJECTIVES.pop("added", None)


def mean_difference(a_x: Tensor, a_G_z: Tensor) -> Tensor:
    return (a_G_z - a_x).mean()


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ({"d_loss": lambda a, b: b - a, "g_loss": torch.mean}, r"d_loss returned shape \(2,\)"),
        ({"d_loss": mean_difference, "g_loss": torch.neg}, r"'s g_loss returned shape \(2,\)"),
        ({"d_loss": mean_difference, "g_loss": lambda b: 1.5}, "'s g_loss returned float"),
        ({"d_loss": mean_difference, "paired_g_loss": torch.sub}, "'s paired_g_loss returned"),
    ],
)
def test_a_loss_of_one_value_for_each_row_is_refused(
    losses: dict[str, Any], says: str, added: Callable[..., str]
) -> None:
    s = small_settings(objective=added(**losses))
    with pytest.raises(UserError, match=says + r".*must return a scalar.*\.mean\(\)"):
        new_game(s, small_data())


def test_a_loss_of_probabilities_is_refused(added: Callable[..., str]) -> None:
    """The logarithm of a negative logit is NaN; such a game diverged after a few rounds."""
    name = added(
        d_loss=lambda a, b: -(a.log() + (1 - b).log()).mean(), g_loss=lambda b: -b.log().mean()
    )
    with pytest.raises(UserError, match=r"d_loss is nan for the logits.*not probabilities"):
        new_game(small_settings(objective=name), small_data())


def detached(*logits: Tensor) -> Tensor:
    """A loss without a gradient."""
    return sum((a.detach().mean() for a in logits), torch.zeros(()))


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ({"d_loss": torch.mean, "g_loss": torch.mean}, r"d_loss cannot.*of 2 tensors"),
        ({"d_loss": lambda a: a, "g_loss": torch.mean}, r"d_loss cannot.*on data and samples"),
        ({"d_loss": mean_difference, "g_loss": mean_difference}, r"g_loss cannot.*of 1 tensor\."),
        ({"d_loss": detached, "g_loss": torch.mean}, "d_loss has no gradient.*logits on data"),
        ({"d_loss": lambda a, b: a.mean(), "g_loss": torch.mean}, "d_loss has no.*on samples"),
        ({"d_loss": mean_difference, "g_loss": detached}, "'s g_loss has no gradient.*on samples"),
        ({"d_loss": mean_difference, "paired_g_loss": detached}, "paired_g_loss has no gradient"),
    ],
)
def test_a_loss_that_cannot_be_minimised_is_refused_before_the_game(
    losses: dict[str, Any], says: str, added: Callable[..., str]
) -> None:
    s = small_settings(objective=added(**losses))
    with pytest.raises(UserError, match=says):
        new_game(s, small_data())
    with pytest.raises(UserError, match=says):
        change_settings(new_game(small_settings(), small_data()), s)


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ({"d_loss": lambda a, b: (b - a).sum(), "g_loss": torch.mean}, "d_loss .* 16 times"),
        ({"d_loss": lambda a, b: b.mean() - a.sum(), "g_loss": torch.mean}, "d_loss .* 16 times"),
        ({"d_loss": mean_difference, "g_loss": torch.sum}, "'s g_loss .* 16 times"),
        ({"d_loss": mean_difference, "paired_g_loss": torch.dot}, "paired_g_loss .* 16 times"),
        ({"d_loss": mean_difference, "g_loss": torch.norm}, "g_loss .* 4 times"),
    ],
)
def test_a_sum_over_the_minibatch_is_refused(
    losses: dict[str, Any], says: str, added: Callable[..., str]
) -> None:
    """The learning rate would grow with the minibatch."""
    with pytest.raises(UserError, match=says + r".*means over the minibatch"):
        objective_checks.try_out(added(**losses))


def relativistic_average(a: Tensor, b: Tensor) -> Tensor:
    return (softplus(b.mean() - a) + softplus(b - a.mean())).mean()


@pytest.mark.parametrize(
    "d_loss",
    [
        relativistic_average,
        lambda a, b: softplus(b - a[:, None]).mean(),  # all pairs
        lambda a, b: (b.mean() - a.mean()) / (a.var() + b.var()).sqrt(),  # unbiased
        lambda a, b: b.logsumexp(0) - a.mean(),
        lambda a, b: (softplus(b) + softplus(a * (2 * (torch.rand_like(a) < 0.1) - 1))).mean(),
        lambda a, b: ((b + a) * torch.randn_like(a)).mean(),
        lambda a, b: 1000 * (b - a).mean(),
    ],
)
def test_statistics_of_the_minibatch_and_random_labels_are_not_sums(
    d_loss: Callable[..., Tensor], added: Callable[..., str]
) -> None:
    before = torch.get_rng_state()
    objective_checks.try_out(added(d_loss=d_loss, paired_g_loss=lambda a, b: d_loss(b, a)))
    if d_loss is relativistic_average:
        assert torch.equal(torch.get_rng_state(), before)


def test_the_check_of_a_random_loss_does_not_depend_on_the_random_state(
    added: Callable[..., str],
) -> None:
    """Without a fixed seed, about one random loss in a hundred looked like a sum."""

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return ((b + a) * torch.randn_like(a)).mean()

    name = added(d_loss=loss, paired_g_loss=lambda a, b: loss(b, a))
    for seed in range(300):
        torch.manual_seed(seed)
        objective_checks.try_out(name)


def test_every_objective_can_be_tried_out_where_gradients_are_disabled() -> None:
    with torch.no_grad(), torch.inference_mode():
        for name, objective in objectives.OBJECTIVES.items():
            assert objective_checks.try_out(name) is objective


@pytest.mark.parametrize("given", [nn.BCEWithLogitsLoss(), objectives.Objective])
def test_an_entry_that_is_not_an_objective_is_named(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(objectives.OBJECTIVES, "mine", given)
    with pytest.raises(UserError, match=r"The objective mine is .*; it must be an objectives.Obj"):
        new_game(small_settings(objective="mine"), small_data())


def _game_with_penalty(
    monkeypatch: pytest.MonkeyPatch, penalty: objectives.Penalty, **changes: Any
) -> Game:
    plain = objectives.OBJECTIVES["non-saturating"]
    mine = dataclasses.replace(plain, penalty=penalty)
    monkeypatch.setitem(objectives.OBJECTIVES, "mine", mine)
    return new_game(small_settings(objective="mine", **changes), small_data())


def test_a_penalty_of_a_program_is_added_to_Ds_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """R1, written as a program would, trains as the setting `r1` does."""

    def r1(D: Callable[[Tensor], Tensor], x: Tensor, G_z: Tensor) -> Tensor:
        assert G_z.shape == x.shape
        x.requires_grad_()
        return objectives.r1(x, D(x), 2.0)

    D = dataclasses.replace(small_settings().D, keep_prob_input=1.0, keep_prob_hidden=1.0)
    by_setting = new_game(small_settings(r1=2.0, D=D), small_data())
    assert by_setting.manual_backprop
    by_program = _game_with_penalty(monkeypatch, r1, D=D)
    assert not by_program.manual_backprop
    without = new_game(small_settings(D=D), small_data())
    for game in (by_setting, by_program, without):
        play(game, 5)
    weights = [torch.cat([p.flatten() for p in g.D.parameters()]) for g in (by_setting, by_program)]
    torch.testing.assert_close(*weights)
    unlike = torch.cat([p.flatten() for p in without.D.parameters()])
    assert not torch.allclose(weights[0], unlike, atol=1e-4)


def test_a_penalty_has_the_same_masks_in_each_call_of_D(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def twice(D: Callable[[Tensor], Tensor], x: Tensor, G_z: Tensor) -> Tensor:
        seen.append((D(x), D(x)))
        return D(x).square().mean()

    play(_game_with_penalty(monkeypatch, twice), 3)
    assert len(seen) == 3
    for first, second in seen:
        assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (lambda D, x, G_z: D(x).detach().mean(), "penalty has no gradient .* create_graph=True"),
        (lambda D, x, G_z: D(x).square(), r"penalty returned shape \(.*End it in .mean"),
    ],
)
def test_a_penalty_that_cannot_work_is_refused(
    penalty: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = _game_with_penalty(monkeypatch, penalty)
    with pytest.raises(UserError, match=message):
        play(game, 1)


def test_a_penalty_with_other_arguments_is_refused_before_a_game(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UserError, match=r"must be a function penalty\(D, x, G_z\)"):
        _game_with_penalty(monkeypatch, lambda D, x: D(x).mean())  # type: ignore[arg-type,misc]
    with pytest.raises(UserError, match=r"must be a function g_penalty\(D, x, z, G_z\)"):
        _game_with_g_penalty(monkeypatch, lambda D, x, G_z: D(G_z).mean())


NO_DROPOUT = dataclasses.replace(small_settings().D, keep_prob_input=1.0, keep_prob_hidden=1.0)


def _game_with_g_penalty(monkeypatch: pytest.MonkeyPatch, penalty: Any, **changes: Any) -> Game:
    plain = objectives.OBJECTIVES["non-saturating"]
    mine = dataclasses.replace(plain, g_penalty=penalty)
    monkeypatch.setitem(objectives.OBJECTIVES, "mine", mine)
    how = {"objective": "mine", "D": NO_DROPOUT, **changes}
    return new_game(small_settings(**how), small_data(), manual_backprop=False)


def feature_matching_and_mode_seeking(D: Any, x: Tensor, z: Tensor, G_z: Tensor) -> Tensor:
    m = len(z) // 2
    seeking = (z[:m] - z[m:]).norm(dim=1) / (G_z[:m] - G_z[m:]).norm(dim=1)
    return (D(x).mean() - D(G_z).mean()).square() + seeking.mean()


def test_a_penalty_on_G_is_added_to_Gs_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In both kinds of updates the penalty is added to G's loss and not to D's."""
    mine = feature_matching_and_mode_seeking
    for simultaneous in (False, True):
        game = _game_with_g_penalty(monkeypatch, mine, protocol="paper")
        x, z = sample_data(game, 0), sample_noise(game, 0, "z")
        G_z = game.G(z)
        of_D = torch.autograd.grad(
            objectives.minus_value(game.D(x).flatten(), game.D(G_z.detach()).flatten()),
            list(game.D.parameters()),
        )
        loss = softplus(-game.D(G_z).flatten()).mean() + mine(game.D, x, z, G_z)
        expected = torch.autograd.grad(loss, list(game.G.parameters()))
        if simultaneous:
            autograd_updates.update_both(game, x, z, 0)
            torch.testing.assert_close([p.grad for p in game.D.parameters()], list(of_D))
        else:
            autograd_updates.update_G(game, z, 0, "samples for G")
        torch.testing.assert_close([p.grad for p in game.G.parameters()], list(expected))
        assert all(p.requires_grad for p in game.D.parameters())


def test_a_penalty_of_zero_on_G_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With dropout, and though the penalty changes its arguments."""

    def zero(D: Any, x: Tensor, z: Tensor, G_z: Tensor) -> Tensor:
        x.zero_()
        return 0 * D(G_z.mul_(z.mul_(2).mean())).mean()

    for protocol in ("paper", "released"):
        how: dict[str, Any] = {"D": small_settings().D, "protocol": protocol}
        with_zero = _game_with_g_penalty(monkeypatch, zero, **how)
        plain = new_game(small_settings(**how), small_data(), manual_backprop=False)
        for game in (with_zero, plain):
            play(game, 3)
        assert all(map(torch.equal, weights(with_zero), weights(plain))), protocol
    assert not new_game(small_settings(objective="mine"), small_data()).manual_backprop


def test_a_penalty_on_G_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_data(D: Any, x: Tensor, z: Tensor, G_z: Tensor) -> Tensor:
        return (D(x).mean() - D(G_z.detach()).mean()).square()

    def of_rows(D: Any, x: Tensor, z: Tensor, G_z: Tensor) -> Tensor:
        return G_z.mean(1)

    for penalty, says in (
        (of_data, "g_penalty has no gradient with respect to the samples"),
        (of_rows, r"g_penalty returned shape \(20,\)"),
    ):
        with pytest.raises(UserError, match=says):
            play(_game_with_g_penalty(monkeypatch, penalty), 1)


def test_a_penalty_that_changes_its_images_changes_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mean_logit(D: Any, x: torch.Tensor, G_z: torch.Tensor) -> torch.Tensor:
        return D(x + G_z).mean()

    def in_place(D: Any, x: torch.Tensor, G_z: torch.Tensor) -> torch.Tensor:
        return D(x.add_(G_z)).mean()

    no_dropout = dataclasses.replace(small_settings().D, keep_prob_input=1.0, keep_prob_hidden=1.0)
    weights = []
    for penalty in (mean_logit, in_place):
        game = _game_with_penalty(monkeypatch, penalty, D=no_dropout)
        play(game, 2)
        weights.append(game.D.state_dict())
    first, second = weights
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"d_loss": lambda a_x, a_G_z: (0.9 * softplus(-a_x) + softplus(a_G_z)).mean()}, "d_gra"),
        ({"g_loss": lambda a_G_z: -a_G_z.mean()}, "g_gradient"),
        ({"g_gradient": lambda a_G_z: -torch.sigmoid(-a_G_z) / len(a_G_z)}, "g_gradient"),
    ],
)
def test_gradients_of_another_loss_are_refused(
    changes: dict[str, Any], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_paper = objectives.OBJECTIVES["non-saturating"]
    derived = dataclasses.replace(of_paper, d_ascends_V="d_loss" not in changes, **changes)
    monkeypatch.setitem(objectives.OBJECTIVES, "derived", derived)
    with pytest.raises(UserError, match=f"{wrong}.*derived are not the gradients of m times"):
        new_game(small_settings(objective="derived"), small_data())
    without = dataclasses.replace(derived, d_gradients=None, g_gradient=None)
    monkeypatch.setitem(objectives.OBJECTIVES, "derived", without)
    new_game(small_settings(objective="derived"), small_data())


def test_a_programs_objective_whose_gradient_vanishes_saturates(added: Callable[..., str]) -> None:
    row = {"D_x": 0.9, "D_G_z": 0.01, "spread": 1.0, "round": 50}
    log_one_minus_D = added(d_loss=objectives.minus_value, g_loss=lambda a: -softplus(a).mean())
    assert find_problem(row | {"objective": log_one_minus_D}, 1.0) == "saturated"
    minus_log_D = added(d_loss=objectives.minus_value, g_loss=lambda a: softplus(-a).mean())
    assert find_problem(row | {"objective": minus_log_D}, 1.0) is None


def test_the_report_describes_the_loss_of_a_programs_D_that_ascends_V(
    added: Callable[..., str], tmp_path: Path
) -> None:
    name = added(
        d_loss=objectives.minus_value,
        g_loss=lambda a: (a - 1).square().mean() / 2,
        d_ascends_V=True,
    )
    cadence = Cadence(log_every=1)
    s = small_settings(objective=name)
    run = train(small_data(), settings=s, run=tmp_path / "run", rounds=2, cadence=cadence)
    page = Page(write_report(run, small_data()).read_text(encoding="utf-8"))
    assert "D’s loss is −V (Equation 1). G’s loss is that of the objective “added”." in page.text
