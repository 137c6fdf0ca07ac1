"""Drawings and films of a one-dimensional game."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from scipy.special import expit

from adversarial_nets.settings import Settings
from adversarial_nets.theory import divergences
from adversarial_nets.toys import catalogue
from adversarial_nets.toys.line import (
    ROUNDS,
    SETTINGS,
    Arrows,
    Evaluator,
    Snapshot,
    new_evaluator,
    new_game,
    take_snapshot,
)
from adversarial_nets.toys.watching import snapshot_rounds, watch

__all__ = [
    "Film",
    "draw_panels",
    "film",
    "moments",
    "picture",
]


# --- A film ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """A whole game: the board, and frames in the order of the rounds."""

    evaluator: Evaluator
    frames: tuple[Snapshot, ...]
    settings: Settings
    data: str


def film(
    data: str = "gaussian",
    settings: Settings = SETTINGS,
    rounds: int = ROUNDS,
    frames: int = 121,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Film:
    """Play the game of Figure 1 and look at it now and then.

    Args:
        data: a name or file for `toys.find`, on the line.
        settings: the game's.
        rounds: how long to play.
        frames: how often to look, spaced as `snapshot_rounds` says.
        on_snapshot: called with each new frame and the number of rounds in all.

    >>> game_on = film(rounds=2, frames=2)
    >>> [frame.round for frame in game_on.frames], game_on.frames[0].V <= game_on.frames[0].C
    ([0, 2], True)
    """
    toy = catalogue.find(data)
    g, evaluator = new_game(toy, settings), new_evaluator(toy, settings)
    seen = watch(
        g, lambda g: take_snapshot(g, evaluator), snapshot_rounds(rounds, frames), on_snapshot
    )
    return Film(evaluator, seen, settings, data)


def moments(frames: Sequence[Snapshot]) -> tuple[Snapshot, Snapshot, Snapshot, Snapshot]:
    """The frames nearest to what the paper's four panels show.

    (b) is where D is nearest to D*, as long as p_g has moved by no more than a JSD of 0.02; (a)
    where it had come half of that way; (c) where a tenth of the divergence is left; (d) the end.
    """
    moved = np.array([divergences.JSD(frames[0].p_g, snapshot.p_g) for snapshot in frames])
    distance = np.array([snapshot.distance for snapshot in frames])
    b = max(int(np.argmin(np.where(moved <= 0.02, distance, np.inf))), 1)
    a = int(np.argmax(distance <= (distance[0] + distance[b]) / 2))
    gap = np.array([snapshot.C for snapshot in frames]) + divergences.LOG4
    c = int(np.argmax(gap <= gap[0] / 10))
    return frames[min(a, b - 1)], frames[b], frames[max(c, b)], frames[-1]


# --- Pictures -------------------------------------------------------------------------------------

_DATA, _G, _D, _QUIET = "#111111", "#1b9e3e", "#1f5fc4", "#666666"  # the paper's first three
_TITLES = (
    "(a) D has half learned\nwhat there is to see",
    "(b) D is near D*;\nG has hardly moved",
    "(c) G has followed\nD's gradient",
    "(d) the end\nof the game",
)


def _draw_game(
    figure: Figure | SubFigure, evaluator: Evaluator, snapshot: Snapshot, title: str
) -> None:
    """One moment: densities and D above, arrows from z to x below."""
    top, bottom = figure.subplots(2, 1, height_ratios=[3, 1.1], gridspec_kw={"hspace": 0.02})
    width = evaluator.edges[1] - evaluator.edges[0]
    p_data, p_g = evaluator.p_data[1:-1] / width, snapshot.p_g[1:-1] / width
    D_star = divergences.D_star(evaluator.p_data, snapshot.p_g)[1:-1]
    x, limits = evaluator.x, (evaluator.edges[0], evaluator.edges[-1])

    top.plot(x, p_g, color=_G, lw=2, label="$p_g$, exact")
    top.plot(x, p_data, color=_DATA, lw=2, ls=(0, (1, 1.5)), label=r"$p_{\mathrm{data}}$")
    top.set(xlim=limits, ylim=(0, 1.65 * p_data.max()), yticks=[], xticks=[])
    top.set_title(f"{title}\nround {snapshot.round:,}", fontsize=10)
    right = top.twinx()
    right.plot(x, D_star, color=_D, lw=1, alpha=0.5, label="$D^*$")
    right.plot(x, expit(snapshot.a[1:-1]), color=_D, lw=2, ls=(0, (4, 1.5)), label="$D$, learned")
    right.set(xlim=limits, ylim=(0, 1.06), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
    right.tick_params(colors=_D, length=3)
    right.axhline(0.5, color=_D, lw=0.5, alpha=0.4)
    for axes in (top, right):
        axes.spines[["top", "left", "right"]].set_visible(False)

    z = limits[0] + _place_of(evaluator.arrows) * (limits[1] - limits[0])
    for here, there in zip(z, snapshot.G, strict=True):
        arrow = {"arrowstyle": "-|>", "color": _QUIET, "lw": 0.7, "mutation_scale": 7}
        bottom.annotate("", (there, 1), (here, 0), arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0})
    bottom.plot(z[[0, -1]], [0, 0], color=_DATA, lw=1)
    bottom.axhline(1, color=_DATA, lw=1)
    bottom.set(xlim=limits, ylim=(-0.05, 1.02), xticks=[])
    bottom.set_yticks([0, 1], ["$z$", "$x$"])
    bottom.tick_params(length=0)
    bottom.spines[:].set_visible(False)


def _place_of(z: Arrows) -> Arrows:
    """Where on its line each z is drawn, from 0 at the left to 1 at the right."""
    return 0.5 + 0.48 * z / np.abs(z).max()


def _draw_value(axes: Axes, film: Film) -> None:
    """V as learned against C(G) over time, and what a perfect generator would get."""
    rounds, n = [snapshot.round for snapshot in film.frames], film.settings.batch
    C, V = [snapshot.C for snapshot in film.frames], [snapshot.V for snapshot in film.frames]
    axes.plot(rounds, C, color=_G, lw=2, label=r"$-\log 4 + 2\,$JSD")
    axes.plot(rounds, V, color=_D, lw=1.5, ls=(0, (4, 1.5)), label="$V(D, G)$, learned")
    discriminator_metrics = [snapshot.C_judged for snapshot in film.frames]
    words = rf"$-\log 4 + 2\,$JSD, estimated from {n} samples"
    axes.plot(rounds, discriminator_metrics, ".", color=_QUIET, ms=3, alpha=0.7, label=words)
    words = "a perfect generator, estimated so"
    axes.axhline(film.evaluator.floor, color=_QUIET, lw=1, ls="--", label=words)
    axes.axhline(-divergences.LOG4, color=_DATA, lw=0.8, label=r"$-\log 4$, its least value")
    axes.set(title="Value of the game (nats)")


def _draw_distance(axes: Axes, film: Film) -> None:
    """D as learned against D*, and p_g against p_data, over time."""
    rounds = [snapshot.round for snapshot in film.frames]
    jsd = [(snapshot.C + divergences.LOG4) / 2 for snapshot in film.frames]
    distance = [snapshot.distance for snapshot in film.frames]
    axes.plot(rounds, jsd, color=_G, lw=2, label=r"JSD($p_{\mathrm{data}}$ ‖ $p_g$)")
    axes.plot(rounds, distance, color=_D, lw=1.5, ls=(0, (4, 1.5)), label="mean $|D - D^*|$")
    axes.set(title="$D$ from $D^*$, $p_g$ from $p_{\\mathrm{data}}$", ylim=(0, None))


def _over_time(axes: Axes, rounds: int) -> None:
    """A scale of square roots, as the frames are spaced."""
    axes.set_xscale("function", functions=(lambda r: np.sqrt(np.maximum(r, 0)), np.square))
    axes.set(xlim=(0, rounds), xticks=[round(rounds * f**2) for f in (0, 0.25, 0.5, 0.75, 1)])
    axes.set_xlabel("round")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="best")


def _labels(figure: Figure | SubFigure, of: Figure | SubFigure) -> None:
    """One legend for all games of a figure."""
    lines = [line for axes in of.axes for line in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)


def picture(evaluator: Evaluator, snapshot: Snapshot) -> Figure:
    """One moment of the game, as in the paper's panels."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    _draw_game(figure, evaluator, snapshot, "")
    _labels(figure, of=figure)
    return figure


def draw_panels(film: Film) -> Figure:
    """Figure 1: four moments in the paper's manner, and the whole run underneath."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2]).ravel()
    panels = above.subfigures(1, 4, squeeze=False).ravel()
    for panel, snapshot, title in zip(panels, moments(film.frames), _TITLES, strict=True):
        _draw_game(panel, film.evaluator, snapshot, title)
    _labels(above, of=panels[0])
    value, distance = below.subplots(1, 2)
    _draw_value(value, film)
    _draw_distance(distance, film)
    for axes in (value, distance):
        _over_time(axes, film.frames[-1].round)
    if film.evaluator.toy.note:
        figure.supxlabel(film.evaluator.toy.note, fontsize=8, color=_QUIET)
    return figure
