"""Drawings of a two-dimensional game."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from adversarial_nets.settings import Settings
from adversarial_nets.toys import catalogue
from adversarial_nets.toys.plane import (
    ROUNDS,
    SAMPLES,
    SETTINGS,
    Evaluator,
    Snapshot,
    new_evaluator,
    new_game,
    take_snapshot,
)
from adversarial_nets.toys.watching import (
    snapshot_rounds,
    watch,
)

__all__ = [
    "Film",
    "draw",
    "film",
    "picture",
]


# --- A film, and its picture ----------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """A whole game: the board, and frames in the order of the rounds."""

    evaluator: Evaluator
    frames: tuple[Snapshot, ...]
    data: str


def film(
    data: str = "ring-of-gaussians",
    settings: Settings = SETTINGS,
    rounds: int = ROUNDS,
    frames: int = 41,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Film:
    """Play a game in the plane and look at it now and then.

    Args:
        data: a name or file for `toys.find`, in the plane.
        settings: the game's.
        rounds: how long to play.
        frames: how often to look, more often early.
        on_snapshot: called with each new frame and the number of rounds in all.
    """
    toy = catalogue.find(data)
    g, evaluator = new_game(toy, settings), new_evaluator(toy, settings)
    seen = watch(
        g, lambda g: take_snapshot(g, evaluator), snapshot_rounds(rounds, frames), on_snapshot
    )
    return Film(evaluator, seen, data)


_DATA, _G, _D = "#333333", "#1b9e3e", "#1f5fc4"
_NOT_DRAWN = ("KL data g smoothed", "KL g data smoothed", "data without samples")  # JSD says it
_HEAT = LinearSegmentedColormap.from_list("D", ["#a8dcb5", "#ffffff", "#a9c5f2"])  # G's, data's


def draw(film: Film) -> Figure:
    """Four moments of the game, the noise that G bends, and the measures beside their floors."""
    last = len(film.frames) - 1
    frames = [film.frames[i] for i in sorted({0, last // 4, last // 2, last})]
    figure = Figure(figsize=(3.1 * len(frames), 9), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[2.1, 1]).ravel()
    panels = above.subplots(2, len(frames), squeeze=False)
    for (seen, bent), snapshot in zip(panels.T, frames, strict=True):
        heat = _draw_moment(seen, film.evaluator, snapshot)
        _draw_grid(bent, film.evaluator, snapshot)
    panels[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    panels[1, 0].set_title("a grid of noise z, carried by G", fontsize=10)
    bar = above.colorbar(heat, ax=panels[0], label="D: data rather than sample")
    bar.set_ticks([0, 0.5, 1], labels=["0", "½", "1"])
    names = [name for name in film.evaluator.floors if name not in _NOT_DRAWN]
    charts = below.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(charts, names, strict=True):
        _draw_measure(axes, film, name, film.evaluator.floors[name])
    if film.evaluator.toy.note:
        figure.supxlabel(film.evaluator.toy.note, fontsize=8)
    return figure


def picture(evaluator: Evaluator, snapshot: Snapshot) -> Figure:
    """One moment of the game: data, samples and D, and the noise that G bends."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    seen, bent = figure.subplots(1, 2)
    _draw_moment(seen, evaluator, snapshot)
    _draw_grid(bent, evaluator, snapshot)
    seen.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _draw_moment(axes: Axes, evaluator: Evaluator, snapshot: Snapshot) -> AxesImage:
    """Data, samples, and D as a heat map."""
    x, y = evaluator.edges
    heat = axes.imshow(
        snapshot.D.T,
        origin="lower",
        extent=(x[0], x[-1], y[0], y[-1]),
        cmap=_HEAT,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
    )
    for x, colour, name in (
        (evaluator.data, _DATA, "data"),
        (snapshot.samples, _G, "samples G(z)"),
    ):
        axes.plot(*x[:1000].T, ".", color=colour, ms=1.5, alpha=0.6, label=name)
    axes.set_title(f"round {snapshot.round:,}", fontsize=10)
    _frame_of(axes, evaluator)
    return heat


def _draw_grid(axes: Axes, evaluator: Evaluator, snapshot: Snapshot) -> None:
    """Straight lines in z, bent by G; the data faintly behind."""
    axes.plot(*evaluator.data[:1000].T, ".", color=_DATA, ms=1, alpha=0.25)
    if snapshot.grid is not None:
        axes.plot(*snapshot.grid.transpose(2, 1, 0), color=_G, lw=0.5)
    _frame_of(axes, evaluator)


def _frame_of(axes: Axes, evaluator: Evaluator) -> None:
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.set(xlim=evaluator.edges[0][[0, -1]], ylim=evaluator.edges[1][[0, -1]])


def _draw_measure(axes: Axes, film: Film, name: str, floor: float) -> None:
    """One measure over time, beside what a perfect generator would get."""
    rounds = [snapshot.round for snapshot in film.frames]
    axes.plot(rounds, [snapshot.measures[name] for snapshot in film.frames], color=_G, lw=2)
    words = f"a perfect generator: {round(floor, 4):g}"
    axes.axhline(floor, color=_DATA, lw=1, ls="--", label=words)
    axes.set(title=f"{name}, from {SAMPLES:,} samples", xlabel="round", ylim=(0, None))
    axes.set_xlim(0, rounds[-1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
