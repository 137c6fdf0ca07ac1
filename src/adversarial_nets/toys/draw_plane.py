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
    Board,
    Frame,
    board_of,
    look,
    start,
)
from adversarial_nets.toys.watching import (
    frames_at,
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

    board: Board
    frames: tuple[Frame, ...]
    data: str


def film(
    data: str = "ring-of-gaussians",
    settings: Settings = SETTINGS,
    rounds: int = ROUNDS,
    frames: int = 41,
    on_frame: Callable[[Frame, int], None] = lambda frame, rounds: None,
) -> Film:
    """Play a game in the plane and look at it now and then.

    Args:
        data: a name or file for `toys.find`, in the plane.
        settings: the game's.
        rounds: how long to play.
        frames: how often to look, more often early.
        on_frame: called with each new frame and the number of rounds in all.
    """
    toy = catalogue.find(data)
    g, board = start(toy, settings), board_of(toy, settings)
    seen = watch(g, lambda g: look(g, board), frames_at(rounds, frames), on_frame)
    return Film(board, seen, data)


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
    for (seen, bent), frame in zip(panels.T, frames, strict=True):
        heat = _draw_moment(seen, film.board, frame)
        _draw_grid(bent, film.board, frame)
    panels[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    panels[1, 0].set_title("a grid of noise z, carried by G", fontsize=10)
    bar = above.colorbar(heat, ax=panels[0], label="D: data rather than sample")
    bar.set_ticks([0, 0.5, 1], labels=["0", "½", "1"])
    names = [name for name in film.board.floors if name not in _NOT_DRAWN]
    charts = below.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(charts, names, strict=True):
        _draw_measure(axes, film, name, film.board.floors[name])
    if film.board.toy.note:
        figure.supxlabel(film.board.toy.note, fontsize=8)
    return figure


def picture(board: Board, frame: Frame) -> Figure:
    """One moment of the game: data, samples and D, and the noise that G bends."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    seen, bent = figure.subplots(1, 2)
    _draw_moment(seen, board, frame)
    _draw_grid(bent, board, frame)
    seen.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _draw_moment(axes: Axes, board: Board, frame: Frame) -> AxesImage:
    """Data, samples, and D as a heat map."""
    x, y = board.edges
    heat = axes.imshow(
        frame.D.T,
        origin="lower",
        extent=(x[0], x[-1], y[0], y[-1]),
        cmap=_HEAT,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
    )
    for x, colour, name in ((board.data, _DATA, "data"), (frame.samples, _G, "samples G(z)")):
        axes.plot(*x[:1000].T, ".", color=colour, ms=1.5, alpha=0.6, label=name)
    axes.set_title(f"round {frame.round:,}", fontsize=10)
    _frame_of(axes, board)
    return heat


def _draw_grid(axes: Axes, board: Board, frame: Frame) -> None:
    """Straight lines in z, bent by G; the data faintly behind."""
    axes.plot(*board.data[:1000].T, ".", color=_DATA, ms=1, alpha=0.25)
    if frame.grid is not None:
        axes.plot(*frame.grid.transpose(2, 1, 0), color=_G, lw=0.5)
    _frame_of(axes, board)


def _frame_of(axes: Axes, board: Board) -> None:
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.set(xlim=board.edges[0][[0, -1]], ylim=board.edges[1][[0, -1]])


def _draw_measure(axes: Axes, film: Film, name: str, floor: float) -> None:
    """One measure over time, beside what a perfect generator would get."""
    rounds = [frame.round for frame in film.frames]
    axes.plot(rounds, [frame.measures[name] for frame in film.frames], color=_G, lw=2)
    words = f"a perfect generator: {round(floor, 4):g}"
    axes.axhline(floor, color=_DATA, lw=1, ls="--", label=words)
    axes.set(title=f"{name}, from {SAMPLES:,} samples", xlabel="round", ylim=(0, None))
    axes.set_xlim(0, rounds[-1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
