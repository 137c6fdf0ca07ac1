"""Measures of toy games: accuracy, modes, smoothed KL from counts, a test for oscillation."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from adversarial_nets.theory import divergences
from adversarial_nets.toys.distributions import Mixture

__all__ = [
    "Metric",
    "accuracy",
    "approaches",
    "mean_by_name",
    "mode_shares",
    "oscillates",
    "rises",
    "smoothed_KL",
]

Logits = Float64[np.ndarray, " _"]


class Metric(NamedTuple):
    """A measured value, with the value for a perfect generator (p_g = p_data).

    Attributes:
        value: the value for the game's generator.
        perfect: the value for a perfect generator with equally many samples; None if it is not
            known.
    """

    value: float
    perfect: float | None


def accuracy(a_data: Logits, a_samples: Logits) -> float:
    """D's accuracy from its logits: the mean of that on data and on samples; ½ is chance level."""
    return float((a_data > 0).mean() + (a_samples <= 0).mean()) / 2


def mode_shares(
    x: Float64[np.ndarray, "n d"],
    toy: Mixture,
    masses: Float64[np.ndarray, " n"] | None = None,
) -> Float64[np.ndarray, " modes"]:
    """For each Gaussian, the number of samples at it divided by the expected number.

    A sample belongs to the Gaussian with the nearest mean if it is within 3 σ of the mean. In the
    plane these are 1 − exp(−9/2) = 98.9 % of a perfect generator's samples.

    Args:
        x: samples, or the centres of cells.
        toy: the data's distribution.
        masses: the probability of each cell; by default each x is one of n samples.
    """
    distances = np.linalg.norm(x[:, None] - np.array(toy.means), axis=-1)
    nearest = distances.argmin(1)
    near = distances.min(1) < 3 * np.array(toy.stds)[nearest]
    total = 1.0
    if masses is None:
        masses, total = np.ones(len(x)), len(x)
    at_modes = np.bincount(nearest[near], masses[near], minlength=len(toy.means))
    return at_modes / (total * np.array(toy.weights))


def mean_by_name(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each measure over several evaluations with the same names."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def smoothed_KL(
    p: Float64[np.ndarray, " cells"], counts: Float64[np.ndarray, " cells"]
) -> tuple[float, float]:
    """KL(p ‖ q) and KL(q ‖ p) in nats, with q estimated from counts of samples.

    The plain KL(p ‖ q) is infinite if a cell with p > 0 has no sample, which happens to a perfect
    generator too. Therefore half a sample is added to every cell (Krichevsky and Trofimov 1981),
    and p is smoothed the same way. Equal p and counts give 0; an empty cell adds about p log 2np.

    Args:
        p: the probability of each cell, with sum 1.
        counts: the number of samples in each cell.

    >>> smoothed_KL(np.array([0.5, 0.5]), np.array([7.0, 7.0]))
    (0.0, 0.0)
    >>> [round(v, 3) for v in smoothed_KL(np.array([0.5, 0.5]), np.array([20.0, 0.0]))]
    [1.188, 0.581]
    """
    n, half = counts.sum(), 0.5
    p, q = ((x + half) / (n + half * len(p)) for x in (n * p, counts))
    p, q = p / p.sum(), q / q.sum()
    return divergences.KL(p, q), divergences.KL(q, p)


def oscillates(path: Float64[np.ndarray, "snapshots d"]) -> bool:
    """Whether the mean of the samples keeps oscillating instead of converging.

    The first quarter of the path is ignored. The rest oscillates if, on some axis, it crosses its
    mean at least three times, and its amplitude in the second half is above 0.2 and above 35 % of
    that in the first half.

    Args:
        path: the mean of the samples at evenly spaced rounds, in standard deviations of the data.

    >>> t = np.arange(40.0)[:, None]
    >>> oscillates(np.sin(t)), oscillates(np.sin(t) * 0.9**t), oscillates(np.exp(-t))
    (True, False, False)
    """
    path = path[len(path) // 4 :]
    if len(path) < 24:
        return False
    offset = path - path.mean(0)
    crossings = (np.diff(np.sign(offset), axis=0) != 0).sum(0)
    early, late = (np.abs(half).max(0) for half in np.array_split(offset, 2))
    return bool(((crossings >= 3) & (late > 0.2) & (late > 0.35 * early)).any())


def approaches(excess: Float64[np.ndarray, " snapshots"]) -> bool:
    """Whether the smallest distance of p_g from the data still decreases, by a tenth at least.

    Args:
        excess: JSD above a perfect generator's, in nats, at evenly spaced rounds.

    >>> t = np.arange(40.0)
    >>> approaches(np.full(40, 0.3)), approaches(0.3 * 0.95**t)
    (False, True)
    """
    earlier, later = np.array_split(excess, 2)
    return bool(later.min() < 0.9 * earlier.min())


def rises(values: Float64[np.ndarray, " snapshots"], by: float) -> int:
    """The number of rises of at least `by`, with falls of the same size between them.

    >>> rises(np.array([0.3, 0.1, 0.5, 0.45, 0.6, 0.2, 0.4]), 0.2)
    2
    """
    count, rising, turn = 0, False, values[0]
    for value in values:
        turn = max(turn, value) if rising else min(turn, value)
        if abs(value - turn) >= by:
            rising, turn = not rising, value
            count += rising
    return count
