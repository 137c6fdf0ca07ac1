"""Three remarks of §3 about training, tested on data of known density.

1. "Early in learning … log(1 − D(G(z))) saturates": the gradients of G's two objectives for the
   same D*.
2. "Optimizing D to completion in the inner loop … on finite datasets would result in overfitting":
   D is trained alone on few points, with a perfect generator.
3. G is poor early in learning: does it help to train G first? The same game with and without a head
   start for G.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from adversarial_nets import build
from adversarial_nets.plots.style import (
    D_COLOUR,
    DATA_COLOUR,
    G_COLOUR,
    OTHER_COLOUR,
    tidy,
    write_picture,
)
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences, quadrature
from adversarial_nets.toys import line
from adversarial_nets.toys.distributions import gaussian, sample_points
from adversarial_nets.toys.kinds import LINE
from adversarial_nets.toys.networks import evaluate, make_discriminator
from adversarial_nets.toys.points import Points
from adversarial_nets.toys.recording import one_thread, play_with_snapshots, record, snapshot_rounds

__all__ = [
    "HeadStart",
    "Overfitting",
    "Remarks",
    "generator_gradients",
    "head_start",
    "overfitting",
    "plot",
    "remarks",
]

Distances = Float64[np.ndarray, " distances"]
Rounds = Float64[np.ndarray, " rounds"]


# --- 1. Saturation of the minimax objective -------------------------------------------------------


def generator_gradients(distances: Distances) -> tuple[Distances, Distances]:
    """The gradients of G's two objectives for a generator at distance d from the data.

    With p_data = N(0, 1), G(z) = z + d and D = D*, the derivatives in d, with D fixed, are

        of E log(1 − D(G(z))), minimax:        d · E D(G(z)),
        of −E log D(G(z)), non-saturating:     d · E (1 − D(G(z))).

    Args:
        distances: d ≥ 0.

    Returns:
        Both derivatives, minimax first. As d grows, D(G(z)) tends to 0: the first vanishes, the
        second grows.

    >>> minimax, non_saturating = generator_gradients(np.array([6.0]))
    >>> bool(minimax[0] < 0.05), bool(non_saturating[0] > 5.9)
    (True, True)
    """
    mean_D = np.array([_mean_D_star(float(d)) for d in distances])
    return distances * mean_D, distances * (1 - mean_D)


def _mean_D_star(d: float) -> float:
    """E D*(x) over x ~ p_g = N(d, 1)."""
    p_data, p_g = gaussian(0.0, 1.0), gaussian(d, 1.0)

    def p_g_times_D_star(x: divergences.Points) -> divergences.Vector:
        log_p_g = p_g.log_density(x)
        return np.exp(log_p_g - np.logaddexp(0, log_p_g - p_data.log_density(x)))

    breakpoints = (np.union1d(p_data.breakpoints[0], p_g.breakpoints[0]),)
    return quadrature.integrate(p_g_times_D_star, breakpoints).value


# --- 2. Overfitting of D --------------------------------------------------------------------------


@dataclass(frozen=True)
class Overfitting:
    """V of a D that was trained on few points, with p_g equal to their true distribution.

    Attributes:
        points: the number of points.
        rounds: the rounds at which V was computed.
        seen: V on the training points, which D is trained to maximise.
        truth: V on p_data itself; at most −log 4, since p_g = p_data.
    """

    points: int
    rounds: Rounds
    seen: Rounds
    truth: Rounds


def overfitting(
    points: int = 50, rounds: int = 2000, every: int = 50, seed: int = 0
) -> Overfitting:
    """Train D alone on a finite data set, with a perfect generator.

    Args:
        points: the number of points in the data set, sampled from N(0, 1), which is also p_g.
        rounds: the number of D's steps.
        every: number of rounds between two values of V.
        seed: seed of the points and the game.
    """
    truth = gaussian(0.0, 1.0)
    data = Points(sample_points(truth, points, seed))
    settings = replace(
        line.SETTINGS,
        D=replace(line.SETTINGS.D, units=(64, 64)),
        prior="gaussian",
        k=1,
        lr=0.001,
        lr_decay=1.0,
        seed=seed,
        train_only="D",
    )
    G = nn.Linear(1, 1)
    with torch.no_grad():  # G(z) = z, a perfect generator
        G.weight.fill_(1.0)
        G.bias.fill_(0.0)
    game = build.new_game(settings, data, G=G, D=make_discriminator(settings, data.x))
    evaluator = line.new_evaluator(truth, settings)
    p = evaluator.p_data[1:-1] / evaluator.p_data[1:-1].sum()

    def take_snapshot(game: Game) -> tuple[float, float, float]:
        a, a_points = evaluate(game.D, evaluator.x[:, None])[:, 0], evaluate(game.D, data.x)[:, 0]
        on_samples = float(-p @ np.logaddexp(0, a))
        on_points = float(-np.logaddexp(0, -a_points).mean())
        return float(game.round), on_points + on_samples, divergences.V(a, p, p)

    with one_thread():
        rows = play_with_snapshots(game, rounds, take_snapshot, range(0, rounds + 1, every))
    played, V_on_points, V_true = np.array(rows).T
    return Overfitting(points, played, V_on_points, V_true)


# --- 3. A head start for G ------------------------------------------------------------------------


@dataclass(frozen=True)
class HeadStart:
    """JSD of Figure 1's game after G alone was trained for some rounds against the initial D.

    Attributes:
        lengths: the rounds of G alone, one number per game.
        rounds: the rounds at which JSD was computed, including those of the head start.
        jsd: JSD(p_data ‖ p_g) at those rounds, in nats, one row per game.
    """

    lengths: tuple[int, ...]
    rounds: Rounds
    jsd: Float64[np.ndarray, "lengths rounds"]


def head_start(
    lengths: tuple[int, ...] = (0, 20, 100), rounds: int = 300, seed: int = 0
) -> HeadStart:
    """Play Figure 1's game with head starts of these lengths for G.

    Args:
        lengths: the rounds of G alone, one number per game.
        rounds: the number of rounds of each game, including the head start.
        seed: seed of all games.
    """
    at = snapshot_rounds(rounds, 41)
    recordings = [
        record(LINE, "gaussian", at, replace(line.SETTINGS, head_start=n, seed=seed))
        for n in lengths
    ]
    jsd = [[(s.C + divergences.LOG4) / 2 for s in r.snapshots] for r in recordings]
    return HeadStart(lengths, np.array(at, np.float64), np.array(jsd))


# --- The figure and the command -------------------------------------------------------------------


def plot(found: Overfitting, started: HeadStart) -> Figure:
    """Plot the results of the three remarks in three panels."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    axes = figure.subplots(1, 3)
    _plot_gradients(axes[0])
    _plot_overfitting(axes[1], found)
    _plot_head_start(axes[2], started)
    for each in axes:
        tidy(each)
    return figure


def _plot_gradients(axes: Axes) -> None:
    distances = np.linspace(0, 6, 61)
    minimax, non_saturating = generator_gradients(distances)
    label = "of E log(1 − D(G(z))), minimax"
    axes.plot(distances, minimax, color=OTHER_COLOUR, lw=2, label=label)
    label = "of −E log D(G(z)), non-saturating"
    axes.plot(distances, non_saturating, color=G_COLOUR, lw=2, label=label)
    axes.set(title="G's gradient for D = D*", xlabel="distance of p_g from p_data, in σ")


def _plot_overfitting(axes: Axes, found: Overfitting) -> None:
    label = f"on the {found.points} training points"
    axes.plot(found.rounds, found.seen, color=D_COLOUR, lw=2, label=label)
    axes.plot(found.rounds, found.truth, color=OTHER_COLOUR, lw=2, label="on the true distribution")
    label = "−log 4, the maximum for p_g = p_data"
    axes.axhline(-divergences.LOG4, color=DATA_COLOUR, lw=0.8, ls="--", label=label)
    axes.set(title="V, D trained alone; p_g = p_data", xlabel="step of D")


def _plot_head_start(axes: Axes, started: HeadStart) -> None:
    for n, jsd, colour in zip(started.lengths, started.jsd, _COLOURS, strict=True):
        label = f"G alone for {n} rounds" if n else "no head start"
        axes.plot(started.rounds, jsd, color=colour, lw=2, label=label)
    axes.set(title="JSD, with and without a head start for G", xlabel="round", yscale="log")


_COLOURS = (DATA_COLOUR, D_COLOUR, OTHER_COLOUR)


@dataclass(frozen=True)
class Remarks:
    """The results of `remarks`.

    Attributes:
        minimax: the gradient of G's minimax objective at a distance of 4 σ.
        non_saturating: the gradient of the non-saturating objective there.
        V_seen: V at the end on the points that D was trained on, in nats.
        V_truth: V at the end on their true distribution, at most −log 4.
        head_start: JSD at the end, by the length of G's head start.
        files: the picture.
    """

    minimax: float
    non_saturating: float
    V_seen: float
    V_truth: float
    head_start: dict[int, float]
    files: tuple[Path, ...]


def remarks(out: Path = Path("runs/paper/remarks"), *, seed: int = 0) -> Remarks:
    """Test three remarks of §3 and write a picture: ``advnets paper remarks``.

    Args:
        out: a folder for ``remarks.png``.
        seed: seed of all games.
    """
    found, started = overfitting(seed=seed), head_start(seed=seed)
    figure = plot(found, started)
    minimax, non_saturating = generator_gradients(np.array([4.0]))
    return Remarks(
        minimax=float(minimax[0]),
        non_saturating=float(non_saturating[0]),
        V_seen=float(found.seen[-1]),
        V_truth=float(found.truth[-1]),
        head_start=dict(zip(started.lengths, started.jsd[:, -1].tolist(), strict=True)),
        files=(write_picture(figure, out / "remarks.png"),),
    )
