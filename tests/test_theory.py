"""Section 4: properties over random distributions, closed forms, and limits (0, ∞)."""

import dataclasses
import inspect
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from adversarial_nets.errors import UserError
from adversarial_nets.theory import divergences, quadrature, statements
from adversarial_nets.theory.divergences import JSD, KL, LOG4, C, V, a_star
from adversarial_nets.toys.distributions import Mixture, Uniform, gaussian

Pair = tuple[np.ndarray, np.ndarray]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Two distributions on the same points, often with zeros."""
    n = draw(st.integers(2, 12))
    weights = st.one_of(st.just(0.0), st.floats(1e-12, 1.0), st.just(1e-300))
    p, q = (np.array(draw(st.lists(weights, min_size=n, max_size=n))) for _ in range(2))
    p[draw(st.integers(0, n - 1))] += 1.0
    q[draw(st.integers(0, n - 1))] += 1.0
    return p / p.sum(), q / q.sum()


@given(pairs())
@settings(deadline=None, max_examples=200)
def test_three_forms_of_C_agree_and_bound_every_D(pair: Pair) -> None:
    p, q = pair
    m = (p + q) / 2
    best = V(a_star(p, q), p, q)
    assert best == pytest.approx(-LOG4 + KL(p, m) + KL(q, m), abs=1e-12)
    assert best == pytest.approx(-LOG4 + 2 * JSD(p, q), abs=1e-12)
    assert best == pytest.approx(C(p, q), abs=1e-12)
    other = np.linspace(-3, 5, len(p))
    assert V(other, p, q) <= best + 1e-12


@given(pairs())
@settings(deadline=None, max_examples=200)
def test_jsd_is_a_bounded_symmetric_divergence(pair: Pair) -> None:
    p, q = pair
    assert JSD(p, q) == JSD(q, p)
    assert 0 <= JSD(p, q) <= math.log(2) + 1e-15
    assert JSD(p, p) == 0
    assert math.isfinite(JSD(p, q))
    # Pinsker: JSD is 0 only where the distributions are equal.
    assert JSD(p, q) >= (np.abs(p - q).sum() / 2) ** 2 / 2 - 1e-15


@given(pairs(), st.floats(0.05, 1.0))
@settings(deadline=None, max_examples=100)
def test_a_mirror_descent_step_never_increases_C(pair: Pair, eta: float) -> None:
    p, q = pair
    q = (q + 1e-6) / (q + 1e-6).sum()
    better = divergences.mirror_descent_step(p, q, eta)
    # By the proof in docs/theory/convergence.md, C decreases by at least KL(p_g ‖ better) / η.
    assert C(p, better) <= C(p, q) - KL(q, better) / eta + 1e-13


def test_a_step_of_any_size_keeps_zeros() -> None:
    p_data, p_g = np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.8, 0.0])
    for eta in (0.5, 1.0, 3.0):
        better = divergences.mirror_descent_step(p_data, p_g, eta)
        assert better[2] == 0
        assert better.sum() == pytest.approx(1)


def test_the_step_is_p_g_over_1_minus_D_star_to_the_eta() -> None:
    p, q, eta = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7]), 0.4
    moved = q * (1 - divergences.D_star(p, q)) ** -eta
    assert divergences.mirror_descent_step(p, q, eta) == pytest.approx(
        moved / moved.sum(), abs=1e-15
    )
    assert divergences.mirror_descent_step(p, q, 1.0) == pytest.approx((p + q) / 2, abs=1e-15)


def test_a_step_above_1_can_increase_C() -> None:
    """The condition η ≤ 1 is necessary: with η = 8, C can increase."""
    p, q = np.array([0.5, 0.5]), np.array([0.45, 0.55])
    assert C(p, divergences.mirror_descent_step(p, q, 8.0)) > C(p, q)


def test_the_optimum_found_by_an_optimiser_is_a_over_a_plus_b() -> None:
    rng = np.random.default_rng(0)
    for a, b in rng.uniform(0.01, 1, (20, 2)):
        found = minimize_scalar(
            lambda y, a=a, b=b: -a * math.log(y) - b * math.log(1 - y),
            bounds=(0, 1),
            method="bounded",
        )
        assert divergences.D_star(np.array([a]), np.array([b]))[0] == pytest.approx(
            found.x, abs=1e-5
        )


def test_D_star_is_undefined_where_both_densities_are_0() -> None:
    p, q = np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.0])
    D = divergences.D_star(p, q)
    assert D[0] == 2 / 3
    assert D[1] == 0
    assert math.isnan(D[2])
    assert V(np.array([0.3, -np.inf, np.nan]), p, q) == V(np.array([0.3, -np.inf, 7.0]), p, q)
    assert V(np.array([0.0, np.inf, 0.0]), p, q) == -math.inf  # D = 1 on samples


def test_V_is_right_where_1_minus_D_rounds_to_0() -> None:
    p, q = np.array([1 - 1e-30, 1e-30]), np.array([1e-30, 1.0])
    assert V(a_star(p, q), p, q) == pytest.approx(0, abs=1e-27)


@pytest.mark.parametrize("p", [[0.5, 0.6], [1.5, -0.5], [math.nan, 1.0]])
def test_an_argument_that_is_not_a_distribution_raises_an_error(p: list[float]) -> None:
    with pytest.raises(UserError, match="sum to 1"):
        KL(np.array(p), np.array([0.5, 0.5]))


def test_a_step_that_cannot_converge_raises_an_error() -> None:
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    with pytest.raises(UserError, match="start with p_g above 0"):
        divergences.mirror_descent_step(p, q, 0.5)
    with pytest.raises(UserError, match="above 0"):
        divergences.mirror_descent_step(p, q, 0.0)


# --- Densities ------------------------------------------------------------------------------------


def test_kl_of_gaussians_is_the_closed_form_within_its_bound() -> None:
    for mu, s in ((0.0, 1.0), (3.0, 0.2), (-1.0, 4.0), (0.1, 1.0)):
        value, error = quadrature.KL_density(gaussian(0.0, 1.0), gaussian(mu, s))
        exact = math.log(s) + (1 + mu**2) / (2 * s**2) - 0.5
        assert abs(value - exact) <= error + 1e-12 * exact
        assert error < 1e-9 * max(1, exact)


def test_kl_is_infinite_where_the_support_is_missing_and_jsd_is_not() -> None:
    wide, narrow = Uniform(0.0, 2.0), Uniform(0.0, 1.0)
    assert quadrature.KL_density(wide, narrow).value == math.inf
    assert quadrature.KL_density(narrow, wide).value == pytest.approx(math.log(2), abs=1e-13)
    # m has 3/4 of its mass on [0, 1) and 1/4 on [1, 2).
    exact = (math.log(1 / 0.75) + 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)) / 2
    assert quadrature.JSD_density(wide, narrow).value == pytest.approx(exact, abs=1e-13)


def test_C_of_densities_far_apart_and_equal() -> None:
    p = gaussian(0.0, 1.0)
    far = quadrature.C_density(p, gaussian(50.0, 1.0))
    assert abs(far.value) <= far.error + 1e-12
    assert quadrature.C_density(p, p).value == pytest.approx(-LOG4, abs=1e-14)


def test_V_of_a_learned_D_is_below_C_for_densities() -> None:
    p, q = gaussian(0.0, 1.0), gaussian(1.0, 1.0)
    best = quadrature.V_density(lambda x: p.log_density(x) - q.log_density(x), p, q)
    poor = quadrature.V_density(lambda x: -x[:, 0], p, q)
    C_value = quadrature.C_density(p, q)
    assert abs(best.value - C_value.value) <= best.error + C_value.error
    assert poor.value < best.value - 0.04


def test_quadrature_in_the_plane() -> None:
    p = Mixture(((0.0, 0.0),), (1.0,))
    q = Mixture(((1.0, 2.0),), (1.0,))
    value, error = quadrature.KL_density(p, q, tolerance=1e-9)
    assert abs(value - 2.5) <= error + 1e-12
    assert error < 1e-8


def test_the_error_bound_holds_for_an_integrand_with_a_kink() -> None:
    """A kink between two breakpoints."""
    value, error = quadrature.integrate(
        lambda x: np.abs(x[:, 0] - 1 / 3), (np.array([0.0, 1.0]),), max_nodes=2**10
    )
    assert 0 < abs(value - 5 / 18) <= error


def test_cell_masses_are_differences_of_the_distribution_function() -> None:
    edges = np.linspace(-3, 4, 30)
    found = quadrature.cell_masses(gaussian(0.5, 0.7), (edges,))
    assert found == pytest.approx(np.diff(norm.cdf(edges, 0.5, 0.7)), abs=1e-14)
    # A cell is split at a breakpoint inside it.
    assert quadrature.cell_masses(Uniform(0.3, 1.3), (np.array([0.0, 1.0, 2.0]),)) == pytest.approx(
        [0.7, 0.3], abs=1e-14
    )


# --- Change of variables --------------------------------------------------------------------------


def test_pushforward_of_a_quantile_function_is_its_distribution() -> None:
    u = np.linspace(1e-9, 1 - 1e-9, 20_001)
    edges = np.linspace(-4, 4, 41)
    found = quadrature.pushforward(norm.ppf(u), np.full(20_000, 1 / 20_000), edges)
    exact = np.diff(norm.cdf(np.concatenate([[-np.inf], edges, [np.inf]])))
    assert found == pytest.approx(exact, abs=2e-5)


def test_pushforward_of_a_generator_that_is_not_monotonic() -> None:
    """x = z² with z ~ U(−1, 1): P(x ≤ t) = √t."""
    z = np.linspace(-1, 1, 4001)
    edges = np.linspace(0, 1, 11)
    found = quadrature.pushforward(z**2, np.full(4000, 1 / 4000), edges)
    assert found[1:-1] == pytest.approx(np.diff(np.sqrt(edges)), abs=1e-3)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_pushforward_of_a_collapsed_generator_is_one_cell() -> None:
    """G is constant: all mass is at one point, and none is lost."""
    found = quadrature.pushforward(np.full(5, 0.4), np.full(4, 0.25), np.array([0.0, 0.5, 1.0]))
    assert found.tolist() == [0, 1, 0, 0]


def test_pushforward_keeps_the_mass_outside_the_cells() -> None:
    found = quadrature.pushforward(np.array([-1.0, 3.0]), np.array([1.0]), np.array([0.0, 1.0]))
    assert found.tolist() == [0.25, 0.25, 0.5]


# --- §2, and the checks ---------------------------------------------------------------------------


def test_smoothed_gradient_is_exact_for_quadratics_and_converges_for_others() -> None:
    x = np.array([0.3, -1.0])
    quadratic = quadrature.smoothed_gradient(lambda x: x[:, 0] * x[:, 1], x, sigma=2.0)
    assert quadratic == pytest.approx([-1.0, 0.3], abs=1e-12)
    errors = statements.gradient_errors(np.random.default_rng(3), np.array([0.1, 0.01, 0.001]))
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.05)
    assert errors[0] > errors[1]


def test_every_statement_of_section_4_holds() -> None:
    found = statements.checks(seed=7, distributions=60)
    assert [check.statement for check in found if not check.holds] == []
    assert all(
        check.max_error <= check.tolerance < 1e-3 or "σ" in check.statement for check in found
    )
    assert {check.section for check in found} == {"2", "4.1", "4.2"}


def test_the_checks_find_a_formula_with_p_data_and_p_g_interchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("a_star", "KL"):
        right = getattr(statements, name)
        with monkeypatch.context() as patch, np.errstate(all="ignore"):
            patch.setattr(statements, name, lambda p, q, *rest, f=right: f(q, p, *rest))
            found = statements.checks(seed=7, distributions=20)
        assert not all(check.holds for check in found), name


def test_a_false_statement_fails_its_check() -> None:
    """A NaN is a failure, and so is one wrong case among correct ones."""
    for errors in ([0.0, math.nan, 0.0], [0.0, 1.0]):
        assert not statements._check_of("4.1", "false", errors, 1e-3).holds


@pytest.mark.parametrize(
    ("p", "q", "words"),
    [
        ([0.5, 0.5], [1.0], r"shapes \(2,\), \(1,\)"),
        ([], [], r"shapes \(0,\)"),
        ([[0.5, 0.5]], [[0.5, 0.5]], "probabilities of the same points"),
        ([0.5, 0.6], [0.5, 0.5], "Divide it by its sum"),
        ([math.nan, 1.0], [0.5, 0.5], "minimum nan"),
    ],
)
@pytest.mark.parametrize("f", [KL, JSD, divergences.mirror_descent_step])
def test_arguments_that_are_not_a_pair_of_distributions(
    f: Callable[..., object], p: list[float], q: list[float], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        inspect.unwrap(f)(np.array(p), np.array(q))


def test_distributions_of_float32_and_lists_are_accepted() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        p, q = (x.astype(np.float32) / x.astype(np.float32).sum() for x in rng.random((2, 50)))
        exact = KL(*(x.astype(np.float64) / x.astype(np.float64).sum() for x in (p, q)))
        assert inspect.unwrap(KL)(p, q) == pytest.approx(exact, abs=1e-5)
    assert inspect.unwrap(JSD)([0.5, 0.5], [0.5, 0.5]) == 0
    assert inspect.unwrap(V)([0.0, 0.0], [0.5, 0.5], [0.5, 0.5]) == pytest.approx(-LOG4)
    many = np.full(2**18, 1.01 / 2**18, np.float32)
    with pytest.raises(UserError, match="Divide it by its sum"):
        inspect.unwrap(KL)(many, many)


def test_a_tiny_probability_does_not_make_jsd_infinite() -> None:
    """The mean of the smallest positive number and 0 is rounded to 0."""
    tiny = 5e-324
    for p, q in (([1.0, tiny], [1.0, 0.0]), ([tiny, 1.0], [0.0, 1.0])):
        assert JSD(np.array(p), np.array(q)) == JSD(np.array(q), np.array(p)) == 0


@pytest.mark.usefixtures("_as_users_run_it")
def test_distributions_and_functions_of_other_types() -> None:
    half: Any = [0.5, 0.5]
    normal, line = gaussian(0.0, 1.0), (np.linspace(0, 1, 3),)
    others: list[Any] = [half, (Fraction(1, 2),) * 2, torch.tensor(half, requires_grad=True)]
    for p in others:
        assert JSD(p, half) == C(p, half) + LOG4 == 0
        assert (divergences.D_star(p, half) == 0.5).all()
        assert divergences.entropy(p) == pytest.approx(math.log(2))
    D: Any = torch.nn.Linear(1, 1, dtype=torch.float64)  # its outputs are (n, 1), with gradients
    of_column = quadrature.V_density(lambda x: D(torch.from_numpy(x)), normal, normal)
    rows: Any = lambda x: D(torch.from_numpy(x))[:, 0].detach().numpy()  # noqa: E731
    assert of_column == quadrature.V_density(rows, normal, normal)
    f: Any = lambda x: x  # noqa: E731
    step: Any = divergences.mirror_descent_step
    cases: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: JSD(["a", "b"], half), "The distribution cannot be read as numbers"),  # type: ignore[arg-type]
        (lambda: divergences.D_star(half, [1.0]), r"shape \(2,\) and p_g \(1,\)"),  # type: ignore[arg-type]
        (lambda: step(half, half, "x"), "eta is 'x'; the step size must be above 0"),
        (lambda: step(half, [1 - 1e-9, 1e-9], 1e30), r"eta is 1e\+30; p_g becomes 0"),
        (
            lambda: quadrature.integrate(f, line),
            r"values of shape \(16, 1\) for 16 points",
        ),
        (lambda: quadrature.integrate(f, line[0]), "a tuple with increasing numbers for each axis"),  # type: ignore[arg-type]
        (lambda: quadrature.smoothed_gradient(f, np.ones(10), 1.0), "at most 4 coordinates"),
    )
    for call, said in cases:
        with pytest.raises(UserError, match=said):
            call()


def test_impossible_arguments() -> None:
    half = np.array([0.5, 0.5])
    with pytest.raises(UserError, match="1 logits and 2 probabilities"):
        inspect.unwrap(V)(np.zeros(1), half, half)
    for eta in (math.nan, math.inf, 0.0):
        with pytest.raises(UserError, match="step size must be above 0"):
            divergences.mirror_descent_step(half, half, eta)
    with pytest.raises(UserError, match="distributions is 0"):
        statements.checks(distributions=0)
    seed: Any = np.int64(3)
    assert inspect.unwrap(statements.checks)(seed, 2) == statements.checks(3, 2)
    with pytest.raises(UserError, match="1 axes, the other 2"):
        quadrature.KL_density(gaussian(), Mixture(((0.0, 0.0),), (1.0,)))
    with pytest.raises(UserError, match="sigma is 0"):
        quadrature.smoothed_gradient(lambda x: x[:, 0], np.zeros(1), 0.0)


@dataclasses.dataclass(frozen=True)
class _Scaled:
    """The density of N(0, 1) times a factor, between −end and end."""

    factor: float
    end: float = 12.0

    @property
    def breakpoints(self) -> tuple[np.ndarray, ...]:
        return (np.linspace(-self.end, self.end, 97),)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        found: np.ndarray = math.log(self.factor) - (x[:, 0] ** 2 + math.log(2 * math.pi)) / 2
        return found


def test_a_density_whose_mass_is_not_1_is_refused() -> None:
    normal = gaussian(0.0, 1.0)
    assert quadrature.KL_density(_Scaled(1.0), normal).value == pytest.approx(0, abs=1e-12)
    for wrong in (_Scaled(2.0), _Scaled(1.0, end=1.0)):
        for f in (quadrature.KL_density, quadrature.JSD_density, quadrature.C_density):
            with pytest.raises(UserError, match=r"mass .* it must be 1"):
                f(wrong, normal)
            with pytest.raises(UserError, match=r"mass .* it must be 1"):
                f(normal, wrong)


@pytest.mark.usefixtures("_as_users_run_it")
def test_a_function_is_not_a_density() -> None:
    with pytest.raises(UserError, match="without breakpoints"):
        quadrature.JSD_density(lambda x: x, gaussian(0.0, 1.0))  # type: ignore[arg-type]
