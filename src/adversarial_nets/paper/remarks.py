"""Three remarks of §3 about playing the game, each shown where the truth is known.

1. "Early in learning … log(1 − D(G(z))) saturates": G's two objectives against the same, best D.
2. "Optimizing D to completion in the inner loop … on finite datasets would result in overfitting":
   D alone, on few points, against a generator that is already perfect.
3. G is weak early; might it help to train G first? The same game with and without a head start.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from matplotlib.figure import Figure
from torch import nn

from adversarial_nets import build
from adversarial_nets.plots.style import tidy, write_picture
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences, quadrature
from adversarial_nets.toys import distributions, draw_line, line
from adversarial_nets.toys.watching import apply, make_discriminator, watch

__all__ = [
    "HeadStart",
    "Overfitting",
    "Remarks",
    "draw",
    "head_start",
    "overfitting",
    "remarks",
    "signal",
]

Distances = Float64[np.ndarray, " distances"]
Rounds = Float64[np.ndarray, " rounds"]


def signal(distances: Distances) -> tuple[Distances, Distances]:
    """How strongly each of G's objectives pulls a generator that is a distance d off.

    p_data = N(0, 1), G(z) = z + d, D = D*, whose logit falls with slope −d. The derivative in d of

        E log(1 − D(G(z)))   is  d · E D(G(z)),        the minimax objective's,
        −E log D(G(z))       is  d · E (1 − D(G(z))),  the non-saturating one's.

    Args:
        distances: d ≥ 0.

    Returns:
        Both derivatives, minimax first. The first vanishes as d grows and D becomes sure of
        itself; the second grows.

    >>> minimax, non_saturating = signal(np.array([6.0]))
    >>> bool(minimax[0] < 0.05), bool(non_saturating[0] > 5.9)
    (True, True)
    """
    mean_D = np.array([_mean_D_star(float(d)) for d in distances])
    return distances * mean_D, distances * (1 - mean_D)


def _mean_D_star(d: float) -> float:
    """E D*(x) over x ~ p_g = N(d, 1)."""
    p_data, p_g = distributions.gaussian(0.0, 1.0), distributions.gaussian(d, 1.0)

    def p_g_times_D_star(x: divergences.Points) -> divergences.Vector:
        log_p_g = p_g.log_density(x)
        return np.exp(log_p_g - np.logaddexp(0, log_p_g - p_data.log_density(x)))

    panels = (np.union1d(p_data.panels[0], p_g.panels[0]),)
    return quadrature.integrate(p_g_times_D_star, panels).value


@dataclass(frozen=True)
class Overfitting:
    """D alone on few points, p_g being exactly what the points were drawn from.

    Attributes:
        points: how many there were.
        rounds: when D was looked at.
        seen: V with the points in the place of p_data: what D is trained on.
        truth: V with p_data itself; at most −log 4, since there is nothing to find.
    """

    points: int
    rounds: Rounds
    seen: Rounds
    truth: Rounds


def overfitting(
    points: int = 50, rounds: int = 2000, every: int = 50, seed: int = 0
) -> Overfitting:
    """Optimise D towards completion on a finite data set.

    Args:
        points: in the data set, drawn from N(0, 1), which is p_g too.
        rounds: D's steps; G stands still.
        every: look each so many rounds.
        seed: of points and game.
    """
    truth = distributions.gaussian(0.0, 1.0)
    data = distributions.Points(distributions.draw(truth, points, seed))
    settings = replace(
        line.SETTINGS,
        D=replace(line.SETTINGS.D, units=(64, 64)),
        prior="gaussian",
        k=1,
        lr=0.003,
        lr_decay=1.0,
        seed=seed,
    )
    G = nn.Linear(1, 1)
    with torch.no_grad():  # G(z) = z: already perfect
        G.weight.fill_(1.0)
        G.bias.fill_(0.0)
    g = build.new_game(settings, data, G=G, D=make_discriminator(settings, data.x))
    g.optimiser_G.param_groups[0]["lr_scale"] = 0.0  # and it stays so
    evaluator = line.new_evaluator(truth, settings)

    def take_snapshot(g: Game) -> tuple[float, float, float]:
        a, a_seen = apply(g.D, evaluator.x[:, None])[:, 0], apply(g.D, data.x)[:, 0]
        p = evaluator.p_data[1:-1] / evaluator.p_data[1:-1].sum()
        fake = float(-p @ np.logaddexp(0, a))
        seen = float(-np.logaddexp(0, -a_seen).mean()) + fake
        return float(g.round), seen, divergences.V(a, p, p)

    at, seen, true = np.array(watch(g, take_snapshot, list(range(0, rounds + 1, every)))).T
    return Overfitting(points, at, seen, true)


@dataclass(frozen=True)
class HeadStart:
    """The game of Figure 1 begun by G alone against the first D, or at once by both.

    Attributes:
        lengths: rounds that G had for itself.
        rounds: when the games were looked at, each counted from its own beginning.
        jsd: JSD(p_data ‖ p_g) at those rounds, one line for each length.
    """

    lengths: tuple[int, ...]
    rounds: Rounds
    jsd: Float64[np.ndarray, "lengths rounds"]


def head_start(
    lengths: tuple[int, ...] = (0, 20, 100), rounds: int = 300, seed: int = 0
) -> HeadStart:
    """Play Figure 1's game with head starts for G of these lengths."""
    films = [
        draw_line.film(
            "gaussian", replace(line.SETTINGS, head_start=n, seed=seed), rounds, frames=41
        )
        for n in lengths
    ]
    jsd = np.array(
        [[(snapshot.C + divergences.LOG4) / 2 for snapshot in film.frames] for film in films]
    )
    at = np.array([float(snapshot.round) for snapshot in films[0].frames])
    return HeadStart(lengths, at, jsd)


# --- The picture, and the command -----------------------------------------------------------------

_DATA, _G, _D, _OTHER = "#111111", "#1b9e3e", "#1f5fc4", "#c4551f"


def draw(seed: int = 0) -> tuple[Figure, Overfitting, HeadStart]:
    """All three, side by side."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    distances = np.linspace(0, 6, 61)
    minimax, non_saturating = signal(distances)
    first.plot(distances, minimax, color=_OTHER, lw=2, label="of E log(1 − D(G(z))), minimax")
    first.plot(distances, non_saturating, color=_G, lw=2, label="of −E log D(G(z)), non-saturating")
    first.set(title="G's gradient against the best D", xlabel="distance of p_g from p_data, in σ")

    found = overfitting(seed=seed)
    second.plot(
        found.rounds, found.seen, color=_D, lw=2, label=f"on the {found.points} points it saw"
    )
    second.plot(found.rounds, found.truth, color=_OTHER, lw=2, label="on the distribution itself")
    second.axhline(
        -divergences.LOG4, color=_DATA, lw=0.8, ls="--", label="−log 4: nothing to be found"
    )
    second.set(title="V, D optimised to the end; p_g = p_data", xlabel="step of D")

    started = head_start(seed=seed)
    for n, jsd, colour in zip(started.lengths, started.jsd, (_DATA, _D, _OTHER), strict=True):
        label = f"G alone for {n} rounds" if n else "both from the beginning"
        third.plot(started.rounds, jsd, color=colour, lw=2, label=label)
    third.set(title="JSD, with and without a head start for G", xlabel="round", yscale="log")
    for axes in (first, second, third):
        tidy(axes)
    return figure, found, started


@dataclass(frozen=True)
class Remarks:
    """What `remarks` found.

    Attributes:
        minimax: G's gradient at a distance of 4 σ under the minimax objective.
        non_saturating: the same under the non-saturating one.
        V_seen: D's value at the end on the points that it was trained on.
        V_truth: and on the distribution they came from; −log 4 is the most it could honestly be.
        head_start: JSD at the end, by how many rounds G had for itself.
        files: the picture.
    """

    minimax: float
    non_saturating: float
    V_seen: float
    V_truth: float
    head_start: dict[int, float]
    files: tuple[Path, ...]


def remarks(out: Path = Path("remarks"), *, seed: int = 0) -> Remarks:
    """Show §3's three remarks: ``advnets remarks``.

    Args:
        out: a folder for ``remarks.png``.
        seed: of all games.
    """
    figure, found, started = draw(seed)
    minimax, non_saturating = signal(np.array([4.0]))
    return Remarks(
        minimax=float(minimax[0]),
        non_saturating=float(non_saturating[0]),
        V_seen=float(found.seen[-1]),
        V_truth=float(found.truth[-1]),
        head_start=dict(zip(started.lengths, started.jsd[:, -1].tolist(), strict=True)),
        files=(write_picture(figure, out / "remarks.png"),),
    )
