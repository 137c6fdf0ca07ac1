"""Equation 1 in closed form, its limits, and its gradients."""

import dataclasses
import functools
import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from adversarial_nets import objectives
from adversarial_nets.errors import UserError
from small import normal

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=8).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


@given(a_x=logits, a_G_z=logits)
def test_value_is_equation_1(a_x: Tensor, a_G_z: Tensor) -> None:
    D_x, D_G_z = a_x.sigmoid(), a_G_z.sigmoid()
    expected = D_x.log().mean() + torch.log1p(-D_G_z).mean()
    torch.testing.assert_close(objectives.value(a_x, a_G_z), expected, rtol=1e-4, atol=1e-9)
    assert objectives.discriminator_loss(a_x, a_G_z) == -objectives.value(a_x, a_G_z)
    assert objectives.value(a_x, a_G_z) <= 0


@given(
    p=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    q=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    name=st.sampled_from(["minimax", "non-saturating"]),
)
def test_the_optimal_D_is_the_papers(p: list[float], q: list[float], name: str) -> None:
    """Proposition 1: at a* = log(p_data / p_g) the gradient of D's expected loss is 0."""
    p_data, p_g = (torch.tensor(x, dtype=torch.float64) / sum(x) for x in (p, q))
    a_star = torch.log(p_data / p_g)
    on_data, on_samples = objectives.d_logit_gradients(objectives.find(name), a_star, a_star)
    assert (p_data * on_data + p_g * on_samples).abs().max() < 1e-12
    elsewhere = a_star + 0.5
    on_data, on_samples = objectives.d_logit_gradients(objectives.find(name), elsewhere, elsewhere)
    assert (p_data * on_data + p_g * on_samples).min() > 0  # so it is a minimum


def expected_d_loss(name: str, a: Tensor, p_data: Tensor, p_g: Tensor) -> Tensor:
    """D's expected loss on a finite space, where D has the logits a.

    All pairs (x, G(z)) are enumerated; a batch of one pair has the loss of that pair.
    """
    d_loss = objectives.find(name).d_loss
    pairs = [(i, j) for i in range(len(a)) for j in range(len(a))]
    return sum(
        (p_data[i] * p_g[j] * d_loss(a[i : i + 1], a[j : j + 1]) for i, j in pairs),
        start=torch.zeros((), dtype=a.dtype),
    )


def jsd(p: Tensor, q: Tensor) -> Tensor:
    """The Jensen-Shannon divergence in nats."""
    m = (p + q) / 2
    return ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2


def optimum(name: str, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """D's optimal logits a* and its least expected loss, as the table in `objectives` states."""
    if name == "least-squares":
        return p / (p + q), 0.25 - ((p - q) ** 2 / (p + q)).sum() / 8
    if name == "hinge":
        return (p - q).sign(), 2 - (p - q).abs().sum()
    if name == "relativistic":
        pq = torch.outer(p, q)
        return (p / q).log() + 7, math.log(2) - jsd(pq, pq.T)
    return (p / q).log(), math.log(4) - 2 * jsd(p, q)


POINTWISE = [name for name in objectives.OBJECTIVES if name != "wasserstein"]


@given(
    p=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    q=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    moved=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
)
@settings(max_examples=15)
@pytest.mark.parametrize("name", POINTWISE)
def test_each_optimum_and_divergence(
    name: str, p: list[float], q: list[float], moved: list[float]
) -> None:
    p_data, p_g = (torch.tensor(x, dtype=torch.float64) / sum(x) for x in (p, q))
    a_star, least = optimum(name, p_data, p_g)
    found = expected_d_loss(name, a_star, p_data, p_g)
    torch.testing.assert_close(found, least, rtol=1e-12, atol=1e-12)
    elsewhere = a_star + torch.tensor(moved, dtype=torch.float64)
    assert expected_d_loss(name, elsewhere, p_data, p_g) >= least - 1e-12


@given(
    p=st.lists(st.floats(0.01, 1), min_size=5, max_size=5),
    q=st.lists(st.floats(0.01, 1), min_size=5, max_size=5),
)
def test_wassersteins_optimum_is_the_distance_on_a_line(p: list[float], q: list[float]) -> None:
    """With steps of 1 between points, W₁ is the sum of |differences of the two distributions|."""
    p_data, p_g = (torch.tensor(x, dtype=torch.float64) / sum(x) for x in (p, q))
    excess = (p_data - p_g).cumsum(0)[:-1]
    best = torch.cat([torch.zeros(1, dtype=torch.float64), (-excess).sign().cumsum(0)])
    torch.testing.assert_close(
        expected_d_loss("wasserstein", best, p_data, p_g), -excess.abs().sum()
    )


@given(
    p=st.lists(st.floats(0.01, 1), min_size=5, max_size=5),
    q=st.lists(st.floats(0.01, 1), min_size=5, max_size=5),
    steps=st.lists(st.floats(-1, 1), min_size=4, max_size=4),
)
def test_no_1_lipschitz_function_exceeds_the_wasserstein_distance(
    p: list[float], q: list[float], steps: list[float]
) -> None:
    """A function on points with steps of 1 is 1-Lipschitz if its differences are at most 1."""
    p_data, p_g = (torch.tensor(x, dtype=torch.float64) / sum(x) for x in (p, q))
    distance = (p_data - p_g).cumsum(0)[:-1].abs().sum()
    a = torch.tensor([0.0, *steps], dtype=torch.float64).cumsum(0)
    assert -expected_d_loss("wasserstein", a, p_data, p_g) <= distance + 1e-12


def test_a_steeper_function_exceeds_the_wasserstein_distance() -> None:
    """Without the Lipschitz condition there is no optimum: twice the function gives twice W₁."""
    p_data, p_g = torch.tensor([[0.75, 0.25], [0.5, 0.5]], dtype=torch.float64)
    a = torch.tensor([2.0, 0.0], dtype=torch.float64)
    assert -expected_d_loss("wasserstein", a, p_data, p_g) == 2 * 0.25


def softplus_and_slope(t: float) -> tuple[float, float]:
    """log(1 + e^t) and its derivative 1 / (1 + e^−t)."""
    return math.log1p(math.exp(-abs(t))) + max(t, 0.0), 1 / (1 + math.exp(-t))


def written_out(name: str, a: float, b: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The losses of one x and one G(z) with logits a and b, and their derivatives.

    Returns:
        D's loss and its derivatives with respect to a and b; G's loss and its derivative with
        respect to b (a is constant for G). Sources: arXiv:1611.04076 with targets 1 and 0,
        arXiv:1802.05957, arXiv:1704.00028 without the penalty, arXiv:1807.00734 in pairs.
    """
    if name == "least-squares":
        return ((a - 1) ** 2 / 2 + b**2 / 2, a - 1, b), ((b - 1) ** 2 / 2, b - 1)
    if name == "hinge":
        d_loss = max(0.0, 1 - a) + max(0.0, 1 + b)
        return (d_loss, -1.0 if a < 1 else 0.0, 1.0 if b > -1 else 0.0), (-b, -1.0)
    if name == "wasserstein":
        return (b - a, -1.0, 1.0), (-b, -1.0)
    assert name == "relativistic"
    (d_loss, d_slope), (g_loss, g_slope) = softplus_and_slope(b - a), softplus_and_slope(a - b)
    return (d_loss, -d_slope, d_slope), (g_loss, -g_slope)


@pytest.mark.parametrize("name", ["least-squares", "hinge", "wasserstein", "relativistic"])
def test_losses_and_gradients_are_those_written_out_here(name: str) -> None:
    """In float64, at logits on both sides of every corner, as means over the minibatch."""
    x, G_z = [-2.3, -0.4, 0.3, 0.9, 1.7, 4.0], [1.1, -3.0, -0.8, 0.6, -1.2, 2.5]
    m, objective = len(x), objectives.find(name)
    rows = [written_out(name, a, b) for a, b in zip(x, G_z, strict=True)]
    of_D, of_G = (torch.tensor(each, dtype=torch.float64) for each in zip(*rows, strict=True))
    a_x, a_G_z = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, G_z))
    d_loss = objectives.discriminator_loss(a_x, a_G_z, name)
    g_loss = objectives.generator_loss(a_G_z, name, a_x.detach())
    close = functools.partial(torch.testing.assert_close, rtol=1e-14, atol=1e-14)
    close(d_loss, of_D[:, 0].mean())
    close(g_loss, of_G[:, 0].mean())
    for found, expected in zip(
        torch.autograd.grad(d_loss, (a_x, a_G_z)), of_D[:, 1:].T, strict=True
    ):
        close(m * found, expected)
    (found,) = torch.autograd.grad(g_loss, a_G_z)
    close(m * found, of_G[:, 1])
    if objective.paired_g_loss is None:  # the closed forms of manual backpropagation
        closed = objectives.d_logit_gradients(objective, a_x.detach(), a_G_z.detach())
        for found, expected in zip(closed, of_D[:, 1:].T, strict=True):
            close(found, expected)
        closed_G = objectives.g_logit_gradient(objective, a_G_z.detach())
        close(closed_G, of_G[:, 1])


@pytest.mark.parametrize("name", POINTWISE)
def test_a_star_is_the_optimum_that_the_table_states(name: str) -> None:
    p, q = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6]], dtype=torch.float64)
    a_star, least = optimum(name, p, q)
    found = objectives.find(name).a_star
    assert found is not None
    free = 7 if name == "relativistic" else 0
    torch.testing.assert_close(found(p, q) + free, a_star, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(expected_d_loss(name, found(p, q), p, q), least)


@given(
    p=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    q=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
)
@settings(max_examples=15)
def test_the_gradient_of_G_if_D_is_optimal(p: list[float], q: list[float]) -> None:
    """G's gradient with D fixed at its optimum: that of minus D's least loss, or another one."""
    p_data = torch.tensor(p, dtype=torch.float64) / sum(p)
    logits = torch.tensor(q, dtype=torch.float64, requires_grad=True)
    p_g = logits.softmax(0)

    def gradient(f: Tensor) -> Tensor:
        return torch.autograd.grad(f, logits, retain_graph=True)[0]

    def of_G(name: str) -> Tensor:
        a = optimum(name, p_data, p_g)[0].detach()
        losses = torch.stack([objectives.generator_loss(b, name) for b in a.split(1)])
        return gradient((p_g * losses).sum())

    close = functools.partial(torch.testing.assert_close, rtol=1e-9, atol=1e-9)
    for name in ("minimax", "hinge"):
        close(of_G(name), -gradient(optimum(name, p_data, p_g)[1]))
    kl = (p_g * (p_g / p_data).log()).sum()
    close(of_G("non-saturating"), gradient(kl - 2 * jsd(p_data, p_g)))


def test_the_non_saturating_G_can_raise_the_divergence() -> None:
    p_data = torch.tensor([0.0011, 0.0878, 0.9111], dtype=torch.float64)
    logits = torch.tensor([0.0582, 0.9376, 0.0041], dtype=torch.float64).log().requires_grad_()
    p_g = logits.softmax(0)
    kl = (p_g * (p_g / p_data).log()).sum()
    step, rise = (
        torch.autograd.grad(f, logits, retain_graph=True)[0]
        for f in (kl - 2 * jsd(p_data, p_g), jsd(p_data, p_g))
    )
    assert -step @ rise > 1e-4


def test_a_perfect_G_gets_no_gradient_from_the_optimal_D() -> None:
    """Where p_g = p_data, D* is constant, so the gradient of G's loss with respect to x is 0."""
    p = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    for name in POINTWISE:
        a_star, _ = optimum(name, p, p)
        assert a_star.max() == a_star.min(), name


def test_relativistic_g_loss_needs_the_data() -> None:
    a_x, a_G_z = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.5])
    loss = objectives.generator_loss(a_G_z, "relativistic", a_x)
    expected = (math.log1p(math.exp(1 - 3)) + math.log1p(math.exp(2 - 1.5))) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    with pytest.raises(UserError, match="a_x"):
        objectives.generator_loss(a_G_z, "relativistic")
    for other in (torch.zeros(3), torch.zeros(2, 1)):
        with pytest.raises(UserError, match="both must have the same"):
            inspect.unwrap(objectives.generator_loss)(a_G_z, "relativistic", other)
        with pytest.raises(UserError, match="both must have the same"):
            inspect.unwrap(objectives.discriminator_loss)(other, a_G_z, "relativistic")


def test_finite_differences_are_the_exact_penalty() -> None:
    """In float64, the mean over all 2⁴ sign vectors ε of a D that is not linear."""
    first, last = normal(4, 6), normal(6, step=1)
    x = normal(5, 4, step=2).requires_grad_()

    def D(x: Tensor) -> Tensor:
        return (x @ first).tanh() @ last

    exact = objectives.r1(x, D(x), 0.7)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 4)
    for sigma, error in ((1e-1, 1e-1), (1e-4, 1e-6)):
        means = [
            objectives.finite_difference_penalty(D(x), D(x + sigma * e), sigma, 0.7) for e in signs
        ]
        difference = (torch.stack(means).mean() / exact - 1).abs()
        assert difference < error


@given(a=logits)
def test_closed_gradients_are_autograds(a: Tensor) -> None:
    for name, objective in objectives.OBJECTIVES.items():
        if objective.paired_g_loss is not None:
            continue
        assert objective.d_gradients is not None, name
        assert objective.g_gradient is not None, name
        plain = dataclasses.replace(objective, d_gradients=None, g_gradient=None)
        for closed, found in zip(
            objectives.d_logit_gradients(objective, a, a.flip(0)),
            objectives.d_logit_gradients(plain, a, a.flip(0)),
            strict=True,
        ):
            torch.testing.assert_close(closed, found, rtol=1e-9, atol=1e-8)
        torch.testing.assert_close(
            objectives.g_logit_gradient(objective, a),
            objectives.g_logit_gradient(plain, a),
            rtol=1e-9,
            atol=1e-8,
        )


def test_value_at_one_half_is_minus_log_4() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    assert objectives.value(zero, zero).item() == pytest.approx(-math.log(4), abs=1e-15)


@given(a=logits)
def test_generator_objectives(a: Tensor) -> None:
    D_G_z = a.sigmoid()
    torch.testing.assert_close(
        objectives.generator_loss(a, "minimax"), torch.log1p(-D_G_z).mean(), rtol=1e-4, atol=1e-9
    )
    torch.testing.assert_close(
        objectives.generator_loss(a, "non-saturating"), -D_G_z.log().mean(), rtol=1e-4, atol=1e-9
    )


def test_only_minimax_saturates_if_D_is_certain() -> None:
    """§3: where D(G(z)) → 0, log(1 − D) saturates and −log D does not; neither is ever infinite."""
    a = torch.tensor([-200.0], requires_grad=True)
    slopes: dict[str, float] = {"minimax": 0.0, "non-saturating": -1.0}
    for objective, slope in slopes.items():
        loss = objectives.generator_loss(a, objective)
        assert loss.isfinite()
        assert torch.autograd.grad(loss, a)[0].item() == slope
