"""Updates of both networks by manual backpropagation are those of autograd."""

import copy
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets import nets, objectives
from adversarial_nets.build import new_game
from adversarial_nets.engine.manual_support import supports
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.layers import Dropout, Maxout
from adversarial_nets.presets import PRESETS
from adversarial_nets.settings import GeneratorSettings
from small import played, products_round_to_bfloat16, small_data, small_settings, weights

SMALL_D = small_settings().D


ALL_GAMES: list[dict[str, Any]] = (
    [
        {"protocol": protocol, "objective": objective, "k": k}
        for protocol in ("released", "paper")
        for objective in ("non-saturating", "minimax")
        for k in (1, 3)
    ]
    + [
        {"protocol": protocol, "k": 2, "r1": 0.3, "D": D}
        for protocol in ("released", "paper")
        for D in (SMALL_D, dataclasses.replace(SMALL_D, keep_prob_input=1.0))
    ]
    + [
        {"protocol": protocol, "momentum": 0.0, "momentum_end": momentum}
        for protocol in ("released", "paper")
        for momentum in (0.0, 0.5)
    ]
    + [
        {"G": GeneratorSettings(hidden=(12, 10), init=(0.4,), activations=names, keep_prob=0.6)}
        for names in (("sigmoid",), ("relu",))
    ]
    + [{"protocol": protocol, "max_norm": 0.8, "lr": 0.5} for protocol in ("released", "paper")]
)


@pytest.mark.parametrize(
    "changes",
    ALL_GAMES,
    ids=lambda c: "-".join(str(getattr(v, "keep_prob_input", v)) for v in c.values()),
)
def test_manual_backprop_equals_autograd_in_both_protocols(changes: dict[str, Any]) -> None:
    settings = small_settings(head_start=3, batch=40, **changes)  # an epoch is 7 rounds
    # In float32 only a few rounds: sooner or later two pieces of a maxout unit come closer than
    # rounding, another piece is the largest, and from then on the two games differ.
    for dtype, rounds, tolerance in ((torch.float64, 12, 1e-10), (torch.float32, 5, 2e-3)):
        manual_backprop, autograd = (
            played(rounds, settings, dtype=dtype, manual_backprop=manual_backprop)
            for manual_backprop in (True, False)
        )
        for a, b in zip(weights(manual_backprop), weights(autograd), strict=True):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
        for name, mean in manual_backprop.stats.means().items():
            assert mean == pytest.approx(autograd.stats.means()[name], rel=max(tolerance, 1e-6))


def test_manual_backpropagation_is_refused_where_it_does_not_apply() -> None:
    with pytest.raises(UserError, match=r"manual_backprop is True.*need autograd"):
        new_game(small_settings(r2=0.1), small_data(), manual_backprop=True)


@pytest.mark.parametrize("objective", ["least-squares", "hinge"])
def test_other_objectives_by_manual_backprop_equal_autograd(objective: str) -> None:
    manual, autograd = (
        played(20, small_settings(objective=objective, k=2), dtype=torch.float64, manual_backprop=b)
        for b in (True, False)
    )
    for a, b in zip(weights(manual), weights(autograd), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_gradients_have_their_parameters_layout() -> None:
    """Fused Adam pairs numbers by their place in memory, whatever the strides are."""
    p = nn.Parameter(torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last))
    gradient = torch.randn(2, 3, 4, 4)
    with_layout = nets.with_layout(gradient, p)
    assert with_layout.stride() == p.stride()
    assert torch.equal(with_layout, gradient)


def tutorial_nets() -> tuple[nn.Sequential, nn.Sequential]:
    G = nn.Sequential(
        *(nn.Linear(5, 12), nn.LeakyReLU(0.2)),
        *(nn.Linear(12, 10), nn.BatchNorm1d(10, 0.8), nn.LeakyReLU(0.2)),
        *(nn.Linear(10, 36), nn.Tanh()),
    )
    D = nn.Sequential(
        *(nn.Linear(36, 9), nn.LeakyReLU(0.2)), *(nn.Linear(9, 6), nn.ReLU()), nn.Linear(6, 1)
    )
    return G, D


def mixed_nets() -> tuple[nn.Sequential, nn.Sequential]:
    G = nn.Sequential(nn.Linear(5, 12), nn.BatchNorm1d(12), nn.Linear(12, 36))
    D = nn.Sequential(
        *(nn.Linear(36, 9), nn.LeakyReLU(0.1)),
        *(Dropout(0.5), Maxout(9, 6, 3)),
        *(nn.Linear(6, 7), nn.ReLU(), Dropout(0.7), nn.Linear(7, 1)),
    )
    return G, D


OPTIMISERS = {
    "adam": functools.partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999)),
    "rmsprop": functools.partial(torch.optim.RMSprop, lr=1e-3, centered=True),
    "nesterov": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.5, nesterov=True),
    "plain": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.5),
}


@pytest.mark.parametrize("rule", OPTIMISERS)
@pytest.mark.filterwarnings("ignore:G's outputs")  # a Tanh, as in tutorials, on data in [0, 1]
@pytest.mark.parametrize("make", [tutorial_nets, mixed_nets])
@pytest.mark.parametrize(("protocol", "r1"), [("released", 0.0), ("paper", 0.0), ("released", 0.3)])
def test_other_nets_and_rules_by_manual_backprop_equal_autograd(
    protocol: str, r1: float, make: Callable[[], tuple[nn.Sequential, nn.Sequential]], rule: str
) -> None:
    torch.manual_seed(0)
    G, D = make()
    manual_backprop, autograd = (
        played(
            12,
            small_settings(protocol=protocol, k=2, lr=1e-3, r1=r1),
            G=copy.deepcopy(G),
            D=copy.deepcopy(D),
            optimiser=OPTIMISERS[rule],
            dtype=torch.float64,
            manual_backprop=hand,
        )
        for hand in (None, False)
    )
    assert manual_backprop.manual_backprop
    assert not autograd.manual_backprop
    # A bias before batch normalisation has no gradient but rounding, of about 1e-17. Rules that
    # divide by a gradient's size, but at least by 1e-8, make steps of 1e-3 · 1e-9 of it.
    tolerance = 1e-8 if rule in ("adam", "rmsprop") else 1e-10
    for mine, theirs, start in (
        (manual_backprop.G, autograd.G, G),
        (manual_backprop.D, autograd.D, D),
    ):
        a, b, first = mine.state_dict(), theirs.state_dict(), start.state_dict()
        for name, value in a.items():
            torch.testing.assert_close(value, b[name], rtol=tolerance, atol=tolerance)
        assert any((a[name] - first[name]).abs().max() > 1e-3 for name in a)


@pytest.mark.parametrize("rule", ["nesterov", "plain"])
@pytest.mark.filterwarnings("ignore:G's outputs")  # a Tanh, as in tutorials, on data in [0, 1]
@pytest.mark.parametrize("make", [tutorial_nets, mixed_nets])
@pytest.mark.parametrize("protocol", ["released", "paper"])
def test_manual_backprop_in_bfloat16_gives_nearly_the_weights_of_float32(
    protocol: str, make: Callable[[], tuple[nn.Sequential, nn.Sequential]], rule: str
) -> None:
    """To a few of bfloat16's 8 bits, as by autograd. Weights stay float32.

    Where products do not round to bfloat16, the result is that of float32.
    """
    torch.manual_seed(0)
    G, D = make()
    start = torch.cat([p.flatten() for net in (G, D) for p in net.parameters()]).detach()

    def moved(**how: Any) -> Tensor:
        g = played(
            3,
            small_settings(protocol=protocol, k=2, lr=1e-2, ema_decay=0.0),
            G=copy.deepcopy(G),
            D=copy.deepcopy(D),
            optimiser=OPTIMISERS[rule],
            **how,
        )
        assert g.manual_backprop == how["manual_backprop"]
        assert {p.dtype for p in weights(g)} == {torch.float32}
        return torch.cat([p.flatten() for p in weights(g)]) - start

    exact = moved(manual_backprop=True)
    for manual in (True, False):
        off = (moved(manual_backprop=manual, bf16_matmul=True) - exact).norm() / exact.norm()
        assert off < 0.1
        assert (off > 1e-5) == products_round_to_bfloat16()  # (rounding of order: 1e-7)


def test_games_differ_so_that_the_equality_above_means_something() -> None:
    ends = [
        torch.cat([w.flatten() for w in weights(played(10, small_settings(batch=40, **c)))])
        for c in ALL_GAMES
    ]
    for i, a in enumerate(ends):
        for b in ends[:i]:
            assert (a - b).abs().max() > 1e-3


@pytest.mark.parametrize("r1", [0.0, 0.3])
def test_tied_maxout_pieces_share_the_gradient_equally(r1: float) -> None:
    """A unit shares its gradient equally among equal pieces, also with outgoing weights of 0."""
    games = [
        new_game(
            small_settings(r1=r1),
            small_data(),
            dtype=torch.float64,
            manual_backprop=manual_backprop,
        )
        for manual_backprop in (True, False)
    ]
    for g in games:
        with torch.no_grad():
            weight = g.D.get_parameter("1.weight")
            weight[1].copy_(weight[0])
            list(g.D.parameters())[-2][0, 0] = 0
        play(g, 5)
    for a, b in zip(*map(weights, games), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def hooked(layer: nn.Linear) -> nn.Sequential:
    """A net that does more than its layers."""
    layer.register_forward_hook(lambda _layer, _given, a: 2 * a)
    return nn.Sequential(layer)


@pytest.mark.filterwarnings("ignore:G's outputs")
def test_perceptrons_use_manual_backprop_and_others_autograd() -> None:
    data = small_data()
    G_known, D_known = tutorial_nets()
    for name in ("mnist", "quickstart", "tfd-small", "cifar10-small"):
        assert new_game(PRESETS[name].settings, data).manual_backprop
    assert new_game(small_settings(optimiser="adam"), data).manual_backprop
    assert new_game(small_settings(), data, bf16_matmul=True).manual_backprop
    for G, D in (
        (None, nn.Linear(36, 1)),
        (G_known, nn.Sequential(nn.Linear(36, 9), nn.BatchNorm1d(9), nn.Linear(9, 1))),
        (G_known, nn.Sequential(nn.Linear(36, 9), nn.Tanh(), nn.Linear(9, 1))),
        (G_known, nn.Sequential(nn.Linear(36, 9, bias=False), nn.ReLU(), nn.Linear(9, 1))),
        (nn.Sequential(nn.Linear(5, 36), nn.ReLU(), nn.Sigmoid()), D_known),
        (nn.Sequential(nn.Linear(5, 36), nn.LeakyReLU(-0.1)), D_known),
        (nn.Sequential(nn.Linear(5, 36), nn.BatchNorm1d(36, affine=False)), D_known),
        (nn.Sequential(nn.Linear(5, 5), r := nn.ReLU(), nn.Linear(5, 36), r), D_known),  # r twice
        (nn.Sequential(same := nn.Linear(5, 5), same, nn.Linear(5, 36)), D_known),
        (with_tied_weights(nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 36)), D_known),
        (G_known, hooked(nn.Linear(36, 1))),
    ):
        assert not new_game(small_settings(), data, G=G, D=D).manual_backprop


def with_tied_weights(first: nn.Linear, second: nn.Linear, *others: nn.Module) -> nn.Sequential:
    second.weight = first.weight
    return nn.Sequential(first, second, *others)


def test_manual_backprop_is_used_only_for_supported_layers() -> None:
    g = new_game(small_settings(), small_data())
    assert supports(g)
    g.D = nn.Sequential(*g.D.children(), nn.Identity())
    assert not supports(g)


def test_an_objective_without_closed_form_gradients_works_with_both_kinds_of_updates() -> None:
    """Manual backpropagation finds the gradient at the logits by autograd."""
    least_squares = objectives.Objective(
        d_loss=lambda a_x, a_G_z: ((a_x - 1).square().mean() + a_G_z.square().mean()) / 2,
        g_loss=lambda a_G_z: (a_G_z - 1).square().mean() / 2,
        source="arXiv:1611.04076",
    )
    objectives.OBJECTIVES["test"] = least_squares
    try:
        s = small_settings(objective="test", protocol="paper", k=2)
        one, other = (
            new_game(s, small_data(), manual_backprop=manual, dtype=torch.float64)
            for manual in (True, False)
        )
        play(one, 5)
        play(other, 5)
    finally:
        del objectives.OBJECTIVES["test"]
    for a, b in zip(weights(one), weights(other), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    with pytest.raises(UserError, match="no objective named 'test'"):
        new_game(s, small_data())
