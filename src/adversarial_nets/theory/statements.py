"""Numerical checks of every statement of §4, over random distributions and densities."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy.special import xlogy

from adversarial_nets.setting_values import whole_number
from adversarial_nets.theory.divergences import (
    JSD,
    KL,
    LOG4,
    Axes,
    C,
    D_star,
    Points,
    V,
    Vector,
    a_star,
    entropy,
    mirror_descent_step,
    softplus,
)
from adversarial_nets.theory.quadrature import (
    C_density,
    KL_density,
    V_density,
    integrate,
    pushforward,
    smoothed_gradient,
)

__all__ = ["Check", "checks", "gradient_errors"]


@dataclass(frozen=True)
class Check:
    """The result of checking one statement of the paper numerically.

    Attributes:
        section: the paper's section.
        statement: the statement.
        max_error: the largest violation found; 0 if an inequality always held.
        tolerance: the error allowed for rounding, quadrature or a finite σ.
        holds: whether max_error ≤ tolerance.
    """

    section: str
    statement: str
    max_error: float
    tolerance: float
    holds: bool


def checks(seed: int = 0, distributions: int = 200) -> list[Check]:
    """Check every statement of §4, and the limit that §2 uses, over random distributions.

    The distributions have 2 to 300 points. Some pairs are almost equal, some have zeros, some have
    disjoint supports, and some have probabilities near the smallest positive float64.

    Args:
        seed: seed of the random distributions, 0 or more.
        distributions: the number of pairs (p_data, p_g).

    Raises:
        UserError: a seed that is not a whole number of 0 or more, or no distributions.

    >>> all(check.holds for check in checks(seed=1, distributions=20))
    True
    """
    seed = whole_number("seed", seed, least=0, most=2**63)
    distributions = whole_number("distributions", distributions)
    rng = np.random.default_rng(seed)
    pairs = [_random_pair(rng) for _ in range(distributions)]
    found = []
    for section, statement, tolerance, cases, error in _CHECKS:
        if cases:
            errors = [error(rng) for _ in range(cases)]
        else:
            errors = [error(p, q, rng) for p, q in pairs]
        found.append(_check_of(section, statement, errors, tolerance))
    return found


_CHECKS: list[tuple[str, str, float, int, Callable[..., float]]] = []
"""Section, statement, tolerance, number of cases (0: one for each pair), and function."""


def _statement(
    section: str, statement: str, tolerance: float, cases: int = 0
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Check a statement with the decorated function, which returns its violation.

    Args:
        section: the paper's section.
        statement: the statement.
        tolerance: the violation to allow.
        cases: how many times to call the function with a random generator alone; if 0, it is called
            with each pair p_data, p_g and the generator.
    """

    def add(error: Callable[..., float]) -> Callable[..., float]:
        _CHECKS.append((section, statement, tolerance, cases, error))
        return error

    return add


def _check_of(section: str, statement: str, errors: Sequence[float], tolerance: float) -> Check:
    max_error = float(np.max(errors))  # NaN if any is NaN, which fails
    return Check(section, statement, max_error, tolerance, max_error <= tolerance)


def _random_pair(rng: np.random.Generator) -> tuple[Vector, Vector]:
    """A random pair of distributions on the same points, of one of four kinds."""
    n = int(rng.choice([2, 3, 10, 50, 300]))
    p, q = (rng.dirichlet(np.full(n, rng.choice([0.02, 0.5, 1.0, 20.0]))) for _ in range(2))
    kind = rng.choice(["any", "zeros", "disjoint", "near"])
    if kind == "near":
        q = p * (1 + 10.0 ** rng.uniform(-9, -1) * rng.uniform(-1, 1, n))
    elif kind != "any":
        of_p: Bool[np.ndarray, " n"] = rng.random(n) < 0.5
        of_p[:2] = True, False  # each distribution keeps at least one point
        of_q = ~of_p if kind == "disjoint" else rng.random(n) < 0.7
        of_q[1] = True
        p, q = np.where(of_p, p + 1e-3, 0), np.where(of_q, q + 1e-3, 0)
    return p / p.sum(), q / q.sum()


# --- Errors of statements about a pair of distributions (p_data = p, p_g = q) ---------------------


def _excess(small: float, large: float) -> float:
    """The violation of small ≤ large, or 0."""
    return max(small - large, 0.0)


@_statement("4.1", "a log y + b log(1 − y) has its maximum on [0, 1] at y = a/(a + b)", 1e-14)
def _maximum(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The excess of a log y + b log(1 − y) on a grid of 1,001 y over its value at y = a/(a + b)."""
    a, b = p[0], q[1]
    y = np.linspace(0, 1, 1001)
    best = xlogy(a, a / (a + b)) + xlogy(b, b / (a + b)) if a + b else 0.0
    return _excess(float(np.max(xlogy(a, y) + xlogy(b, 1 - y))), float(best))


@_statement("4.1", "For fixed G, D* = p_data/(p_data + p_g) maximises V", 1e-13)
def _other_D(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The excess of V(D) over V(D*), for a D near D* and for a random D."""
    a = a_star(p, q)
    near = np.nan_to_num(a, posinf=40, neginf=-40) + rng.normal(0, 10 ** rng.uniform(-6, 1), len(p))
    return max(_excess(V(other, p, q), V(a, p, q)) for other in (near, rng.normal(0, 3, len(p))))


@_statement("4.1", "D maximises the log-likelihood of P(Y | x): max V = −2 H(Y | x)", 1e-12)
def _log_likelihood(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """|max_D V + 2 H(Y | x)|, where a fair coin Y chooses between x ~ p_data and x ~ p_g."""
    H_Y_given_x = entropy(np.stack([p, q]) / 2) - entropy((p + q) / 2)
    return abs(V(a_star(p, q), p, q) + 2 * H_Y_given_x)


@_statement("4.1", "D need not be defined where p_data and p_g are 0", 0.0)
def _outside_the_supports(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The change of V when D changes at three points of probability 0."""
    p, q = np.append(p, np.zeros(3)), np.append(q, np.zeros(3))
    a = np.nan_to_num(a_star(p, q), nan=0.0, posinf=np.inf, neginf=-np.inf)
    changed = np.append(a[:-3], rng.normal(0, 100, 3))
    return abs(V(changed, p, q) - V(a, p, q))


@_statement("4.1", "C(G) = V(D*, G) = −log 4 + KL(p_data ‖ m) + KL(p_g ‖ m)", 1e-12)
def _C_as_KL(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    m = (p + q) / 2
    return abs(V(a_star(p, q), p, q) - (-LOG4 + KL(p, m) + KL(q, m)))


@_statement("4.1", "C(G) = −log 4 + 2 JSD(p_data ‖ p_g)", 1e-12)
def _C_as_JSD(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    by_entropies = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    return abs(C(p, q) - (-LOG4 + 2 * by_entropies))


@_statement("4.1", "At p_g = p_data, C(G) = −log 4 and D* = ½", 1e-15)
def _at_equality(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    D = D_star(p, p)[p > 0]
    return max(abs(C(p, p) + LOG4), float(np.abs(D - 0.5).max()))


@_statement("4.1", "This minimum is unique: C(G) ≥ −log 4 + (total variation)²", 1e-15)
def _unique_minimum(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The violation of Pinsker's inequality: C(G) + log 4 ≥ (total variation)²."""
    total_variation = float(np.abs(p - q).sum()) / 2
    return _excess(total_variation**2, C(p, q) + LOG4)


@_statement("4.1", "JSD is symmetric, at least 0 and at most log 2", 1e-15)
def _bounds(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    return max(abs(JSD(p, q) - JSD(q, p)), _excess(0.0, JSD(p, q)), _excess(JSD(p, q), math.log(2)))


@_statement("4.1", "For disjoint supports JSD = log 2 and KL = ∞", 1e-14)
def _disjoint(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    zeros = np.zeros_like(p)
    p, q = np.concatenate([p, zeros]), np.concatenate([zeros, q])
    return abs(JSD(p, q) - math.log(2)) if math.isinf(KL(p, q)) else math.inf


@_statement("4.1", "JSD is continuous at probabilities of 0: adding 1e-12 changes it little", 1e-9)
def _continuous_at_zero(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    eps = 1e-12
    almost = (p + eps / len(p)) / (1 + eps), (q + eps / len(q)) / (1 + eps)
    return abs(JSD(p, q) - JSD(*almost))


@_statement("4.2", "For fixed D, V is linear in p_g", 1e-12)
def _linear(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    a, t, other = rng.normal(0, 3, len(p)), rng.random(), rng.dirichlet(np.ones(len(p)))
    between = V(a, p, (1 - t) * q + t * other)
    return abs(between - ((1 - t) * V(a, p, q) + t * V(a, p, other)))


@_statement("4.2", "C = sup_D V is convex in p_g", 1e-14)
def _convex(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    t, other = rng.random(), rng.dirichlet(np.ones(len(p)))
    return _excess(C(p, (1 - t) * q + t * other), (1 - t) * C(p, q) + t * C(p, other))


@_statement(
    "4.2", "V(D*, ·) is a subderivative of C: it equals C at p_g and is nowhere above", 1e-12
)
def _subderivative(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The violation of: V(D*, ·) equals C at p_g and is nowhere larger than C."""
    q = (q + 1e-9) / (1 + 1e-9 * len(q))  # in the interior, where C is differentiable
    other = rng.dirichlet(np.ones(len(p)))
    at_D_star = a_star(p, q)
    return max(abs(V(at_D_star, p, q) - C(p, q)), _excess(V(at_D_star, p, other), C(p, other)))


@_statement("4.2", "The derivative of C in p_g is log(1 − D*)", 1e-7)
def _derivative(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The difference between a central difference of C along a line and Σ log(1 − D*)·direction."""
    q, other = (q + 0.1) / (1 + 0.1 * len(q)), rng.dirichlet(np.ones(len(p)))
    direction, h = other - q, 1e-5
    slope = (C(p, q + h * direction) - C(p, q - h * direction)) / (2 * h)
    return abs(slope + float(softplus(a_star(p, q)) @ direction))


@_statement("4.2", "p_g ← p_g (1 − D*)^(−η)/Z decreases C; C + log 4 ≤ KL(p_data ‖ p_0)/ηt", 1e-14)
def _decreases(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    """The largest increase of C in 40 steps, or its excess over KL(p_data ‖ p_0) / ηt − log 4."""
    eta = rng.uniform(0.05, 1)
    q = (q + 1e-3) / (1 + 1e-3 * len(q))
    gap = KL(p, q)
    path = [q]
    for _ in range(40):
        path.append(mirror_descent_step(p, path[-1], eta))
    c = np.array([C(p, p_g) for p_g in path])
    bound = gap / (eta * np.arange(1, len(c)))
    return max(float(np.diff(c).max()), float((c[1:] + LOG4 - bound).max()), 0.0)


@_statement("4.2", "With η = 1 the new p_g is the mean of p_g and p_data", 1e-14)
def _averages(p: Vector, q: Vector, rng: np.random.Generator) -> float:
    return float(np.abs(mirror_descent_step(p, q, 1.0) - (p + q) / 2).max())


# --- Errors of statements about functions and densities -------------------------------------------


@dataclass(frozen=True)
class _Gaussians:
    """A mixture of isotropic Gaussians of equal weight: means (modes, d), stds (modes,)."""

    means: np.ndarray
    stds: np.ndarray

    @property
    def breakpoints(self) -> Axes:
        steps = self.stds[:, None] * np.arange(-9, 10, 3)
        return tuple(np.unique(self.means[:, i, None] + steps) for i in range(self.means.shape[1]))

    def log_density(self, x: Points) -> Vector:
        squares = ((x[:, None] - self.means) ** 2).sum(-1) / self.stds**2
        scale = self.means.shape[1] * np.log(self.stds * math.sqrt(2 * math.pi))
        return np.logaddexp.reduce(-squares / 2 - scale, axis=1) - math.log(len(self.means))


def _random_density(rng: np.random.Generator, d: int, modes: int) -> _Gaussians:
    return _Gaussians(rng.normal(0, 1, (modes, d)), rng.uniform(0.3, 1.5, modes))


@_statement("4.1", "∫ p_z log(1 − D(G(z))) dz = ∫ p_g log(1 − D(x)) dx", 1e-4, cases=20)
def _change_of_variables(rng: np.random.Generator) -> float:
    """|E log(1 − D(G(z))) over z ~ p_z − E log(1 − D(x)) over x ~ p_g|, for a non-monotonic G."""
    c, w, v = rng.normal(0, 1, 3), rng.uniform(1, 6), rng.normal(0, 1, 2)

    def G(z: Points) -> Vector:
        return c[0] + c[1] * z[:, 0] + c[2] * np.sin(w * z[:, 0])

    def log_1_minus_D(x: Vector) -> Vector:
        return -softplus(v[0] + v[1] * x)

    over_z = integrate(lambda z: log_1_minus_D(G(z)), (np.linspace(0, 1, 5),)).value
    z = np.linspace(0, 1, 2001)
    G_z = G(z[:, None])
    edges = np.linspace(G_z.min() - 1e-9, G_z.max() + 1e-9, 801)
    p_g = pushforward(G_z, np.full(2000, 1 / 2000), edges)
    return abs(over_z - float(p_g[1:-1] @ log_1_minus_D((edges[1:] + edges[:-1]) / 2)))


@_statement("4.1", "The three forms of C(G) agree for densities on the line", 1e-11, cases=20)
def _on_the_line(rng: np.random.Generator) -> float:
    return _three_forms(rng, d=1, tolerance=1e-12)


@_statement("4.1", "The three forms of C(G) agree for densities in the plane", 1e-9, cases=3)
def _in_the_plane(rng: np.random.Generator) -> float:
    return _three_forms(rng, d=2, tolerance=1e-9)


def _three_forms(rng: np.random.Generator, d: int, tolerance: float) -> float:
    """The largest difference of the three forms of C(G) for random densities in d dimensions."""
    p, q = (_random_density(rng, d, modes=3 - d) for _ in range(2))
    m = _Gaussians(np.concatenate([p.means, q.means]), np.concatenate([p.stds, q.stds]))
    v = V_density(lambda x: p.log_density(x) - q.log_density(x), p, q, tolerance)
    p_m, q_m = KL_density(p, m, tolerance), KL_density(q, m, tolerance)
    jsd = C_density(p, q, tolerance)
    differences = (abs(v.value - jsd.value), abs(p_m.value + q_m.value - LOG4 - jsd.value))
    # The quadrature's own error bounds must cover the difference.
    covered = max(differences) <= v.error + p_m.error + q_m.error + jsd.error
    return max(differences) if covered else math.inf


@_statement("4.1", "KL of two Gaussians by quadrature equals its closed form", 1e-11, cases=20)
def _closed_form(rng: np.random.Generator) -> float:
    """The error of the KL of two random Gaussians by quadrature, from its closed form."""
    p, q = _random_density(rng, 1, 1), _random_density(rng, 1, 1)
    (mu_p, s_p), (mu_q, s_q) = ((float(r.means[0, 0]), float(r.stds[0])) for r in (p, q))
    exact = math.log(s_q / s_p) + (s_p**2 + (mu_p - mu_q) ** 2) / (2 * s_q**2) - 0.5
    return abs(KL_density(p, q).value - exact)


def gradient_errors(rng: np.random.Generator, sigmas: Vector) -> Vector:
    """‖∇ₓ E f(x + ε) − ∇f(x)‖ at each σ, for a random network f of 8 tanh units at a random x.

    Args:
        rng: random generator that chooses f and x.
        sigmas: the standard deviations σ of ε.
    """
    W, b, w = rng.normal(0, 1, (2, 8)), rng.normal(0, 1, 8), rng.normal(0, 1, 8)
    x = rng.normal(0, 1, 2)
    gradient = W @ (w / np.cosh(x @ W + b) ** 2)

    def f(x: Points) -> Vector:
        return np.tanh(x @ W + b) @ w

    return np.array([np.linalg.norm(smoothed_gradient(f, x, s) - gradient) for s in sigmas])


@_statement("2", "lim σ→0 ∇ₓ E f(x + ε) = ∇ₓ f(x): the error at σ = 0.001", 1e-4, cases=20)
def _gradient_in_the_limit(rng: np.random.Generator) -> float:
    return float(gradient_errors(rng, np.array([1e-3]))[0])


@_statement(
    "2",
    "That error is quadratic in σ: at 0.001 a hundredth of that at 0.01, within 10 %",
    math.log10(1.1),
    cases=20,
)
def _quadratic_in_sigma(rng: np.random.Generator) -> float:
    return abs(math.log10(np.divide(*gradient_errors(rng, np.array([1e-2, 1e-3])))) - 2)
