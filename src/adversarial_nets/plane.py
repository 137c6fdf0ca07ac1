"""The game in the plane: data and samples that can be seen, and measured against the truth.

Every measure made from samples comes with its *floor*: what a perfect generator, one that draws
from the data's own distribution, would get with the same number of samples. Only the distance from
the floor says anything about G.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.special import expit
from torch import nn

from adversarial_nets import game, nets, theory, toys
from adversarial_nets.errors import UserError
from adversarial_nets.game import Game
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.toy_games import (
    Affine,
    Reading,
    apply,
    check_finite,
    frames_at,
    judge,
    smoothed_KL,
    watch,
    write_picture,
)

__all__ = [
    "SETTINGS",
    "Board",
    "Film",
    "Frame",
    "Plane",
    "board_of",
    "draw",
    "film",
    "jsd_from_samples",
    "look",
    "modes_hit",
    "picture",
    "plane",
    "readings",
    "ring_fit",
    "start",
]

SETTINGS = Settings(
    G=GeneratorSettings(
        hidden=(128, 128), output="linear", init=(0.7, 0.15, 0.15), bias_from_marginals=False
    ),
    D=DiscriminatorSettings(
        units=(64, 64), pieces=3, init=(1.0, 0.2, 0.2), keep_input=1.0, keep_hidden=1.0
    ),
    protocol="paper",
    batch=512,
    prior="gaussian",
    z_size=2,
    optimiser="adam",
    lr=0.001,
    d_rate=4.0,
    lr_decay=1.0006,
    momentum_end=0.5,
)
"""The game in the plane unless told otherwise."""

ROUNDS = 3000
SAMPLES = 5000  # that a frame is measured by

XY = Float64[np.ndarray, "n 2"]
Cells = Float64[np.ndarray, "across up"]


# --- Measures -------------------------------------------------------------------------------------


def jsd_from_samples(x: XY, p_data: Cells, edges: theory.Axes) -> float:
    """JSD(p_data ‖ p_g) in nats, p_g being a histogram of samples in the cells of p_data.

    Coarse cells hide what happens inside them, and few samples look unlike any density, even their
    own: for n samples in c cells that hold mass, the floor is about (c − 1) / 8n.
    """
    p, counts = _in_cells(x, p_data, edges)
    return theory.JSD(p, counts / len(x))


def _in_cells(x: XY, p_data: Cells, edges: theory.Axes) -> tuple[np.ndarray, np.ndarray]:
    """The data's mass and the number of samples in each cell, and last outside all of them."""
    inside, _ = np.histogramdd(x, bins=edges)
    p = np.append(p_data.ravel(), max(1 - p_data.sum(), 0))
    return p / p.sum(), np.append(inside.ravel(), len(x) - inside.sum())


def modes_hit(x: XY, toy: toys.Mixture) -> tuple[int, float]:
    """How many Gaussians of a mixture the samples found, and the share that lies near any.

    A sample belongs to a Gaussian when it is within 3 of its σ; a perfect generator has
    1 − exp(−9/2) = 98.9 % of its samples so near. A Gaussian counts as hit when it has at least a
    tenth of the samples that are its due.
    """
    away = np.linalg.norm(x[:, None] - np.array(toy.means), axis=-1) / np.array(toy.stds)
    near = away < 3
    due = len(x) * np.array(toy.weights)
    return int((near.sum(0) >= 0.1 * due).sum()), float(near.any(1).mean())


def ring_fit(x: XY, radius: float = 2.0, sectors: int = 36) -> tuple[float, float]:
    """How well samples fit a ring of zero width, which has no density to compare them with.

    Returns:
        The mean distance of a sample from the ring, 0 at best, and the share of equal sectors of
        angle that hold at least a tenth of the samples that are their due, 1 at best.

    >>> ring_fit(np.array([[2.0, 0.0], [0.0, -1.0]]), sectors=4)
    (0.5, 0.5)
    """
    distance = np.abs(np.hypot(x[:, 0], x[:, 1]) - radius)
    turns = np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) % 1
    counts = np.bincount((turns * sectors).astype(int) % sectors, minlength=sectors)
    return float(distance.mean()), float((counts >= 0.1 * len(x) / sectors).mean())


# --- Looking at a game ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    """What a game in the plane is looked at with.

    Attributes:
        toy: what the data are.
        data: points of it, as many as a frame has samples.
        edges: of square cells, on both axes.
        p_data: the data's mass in each cell, or None where it has no density.
        z: a grid of noise to see bent by G: lines (2 · 15) of points (60) in the plane of z, or
            None where z is not in the plane.
        floors: the measures of a perfect generator, by name.
    """

    toy: toys.Toy
    data: XY
    edges: theory.Axes
    p_data: Cells | None
    z: Float64[np.ndarray, "lines points 2"] | None
    floors: dict[str, float]


@dataclass(frozen=True)
class Frame:
    """A game in the plane at one moment.

    Attributes:
        round: when.
        samples: of G.
        a_data: D's logits on the board's data.
        a_samples: D's logits on the samples.
        D: D's probability in the middle of each cell of the board.
        grid: the board's grid of noise, carried to x by G; or None.
        measures: of the samples, by name.
    """

    round: int
    samples: XY
    a_data: Float64[np.ndarray, " n"]
    a_samples: Float64[np.ndarray, " n"]
    D: Cells
    grid: Float64[np.ndarray, "lines points 2"] | None
    measures: dict[str, float]


def start(toy: toys.Toy, settings: Settings = SETTINGS) -> Game:
    """Set up a game in the plane; both nets see the data standardised.

    Raises:
        UserError: the data are not in the plane.
    """
    if toy.pixels != 2:
        raise UserError("This is a game in the plane; for data on the line there is `figure1`.")
    x = toys.draw(toy, 10_000)
    net = nets.generator(settings.G, settings.z_size, 2, settings.seed)
    G = nn.Sequential(net, Affine(x.mean(0), x.std(0)))
    return game.new_game(settings, toy, G=G, D=judge(settings, x))


def board_of(
    toy: toys.Toy, settings: Settings = SETTINGS, cells: int = 40, samples: int = SAMPLES
) -> Board:
    """The board for a game on this toy: a square around the data.

    Args:
        toy: the data, in the plane.
        settings: the game's.
        cells: of the square, on each axis.
        samples: by which a frame is measured, and with which the floors are found.
    """
    data = toys.draw(toy, samples)
    middle, half = (data.max(0) + data.min(0)) / 2, 0.65 * np.ptp(data, axis=0).max()
    edges = tuple(np.linspace(m - half, m + half, cells + 1) for m in middle)
    p_data = toys.cell_masses(toy, edges) if toy.has_density else None
    lines = None
    if settings.z_size == 2:
        ends = 3**0.5 if settings.prior == "uniform" else 2.5
        along, across = np.linspace(-ends, ends, 60), np.linspace(-ends, ends, 15)
        one = np.stack(np.broadcast_arrays(along, across[:, None]), axis=-1)
        lines = np.concatenate([one, one[..., ::-1]])
    board = Board(toy, data, edges, p_data, lines, {})
    perfect = [measures(toys.draw(toy, samples, purpose=f"floor {i}"), board) for i in range(5)]
    floors = {name: float(np.mean([m[name] for m in perfect])) for name in perfect[0]}
    return replace(board, floors=floors)


def measures(x: XY, board: Board) -> dict[str, float]:
    """What can be said of samples: each measure that this toy allows, by name.

    JSD is of the samples' histogram, both KL of the same one smoothed (`toy_games.smoothed_KL`);
    ``data without samples`` is the data's mass in cells where no sample fell, the mass that makes
    the KL of the plain histogram infinite.
    """
    found = {}
    if board.p_data is not None:
        p, counts = _in_cells(x, board.p_data, board.edges)
        found["JSD"] = theory.JSD(p, counts / len(x))
        found["KL data g smoothed"], found["KL g data smoothed"] = smoothed_KL(p, counts)
        found["data without samples"] = float(p[counts == 0].sum())
    if isinstance(board.toy, toys.Mixture):
        found["modes hit"], found["near a mode"] = modes_hit(x, board.toy)
    if board.p_data is None:
        found["distance from the ring"], found["angles covered"] = ring_fit(x)
    return found


def look(g: Game, board: Board) -> Frame:
    """See the game as it stands; nothing about it changes.

    Raises:
        Diverged: a player's weights are no longer numbers.
    """
    samples = game.sample(g.G, g.settings, len(board.data)).double().numpy()
    middles = [(e[1:] + e[:-1]) / 2 for e in board.edges]
    at = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)
    seen = [at.reshape(-1, 2), board.data, samples]
    a, a_data, a_samples = np.split(
        apply(g.D, np.concatenate(seen))[:, 0], np.cumsum([len(x) for x in seen])[:2]
    )
    check_finite(g, samples, a)
    grid = None if board.z is None else apply(g.G, board.z.reshape(-1, 2)).reshape(board.z.shape)
    D = expit(a.reshape(at.shape[:2]))
    return Frame(g.round, samples, a_data, a_samples, D, grid, measures(samples, board))


def readings(board: Board, frame: Frame) -> dict[str, Reading]:
    """What can be read off a frame, each number beside a perfect generator's; in nats where it can.

    ``V`` and D's ``accuracy`` are means over the board's data and the frame's samples, ``C`` is
    −log 4 + 2·JSD; the other names are those of `measures`.
    """
    V = float(-np.logaddexp(0, -frame.a_data).mean() - np.logaddexp(0, frame.a_samples).mean())
    accuracy = float((frame.a_data > 0).mean() + (frame.a_samples <= 0).mean()) / 2
    found = {"V": Reading(V, -theory.LOG4)}
    if "JSD" in frame.measures:
        jsd, floor = frame.measures["JSD"], board.floors["JSD"]
        found["C"] = Reading(2 * jsd - theory.LOG4, 2 * floor - theory.LOG4)
    found["accuracy"] = Reading(accuracy, 0.5)
    return found | {
        name: Reading(float(value), board.floors[name]) for name, value in frame.measures.items()
    }


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
    toy = toys.find(data)
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


# --- The command ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plane:
    """What `plane` made: the run's last measures, and where the pictures are.

    Attributes:
        data: what was learned.
        rounds: how long the game was.
        samples: how many samples the measures are made from.
        measures: JSD in nats where the data have a density, both KL smoothed, and the data's mass
            where no sample fell; for mixtures modes hit, and the share
            of samples near one; for a ring of zero width the mean distance from it and the share
            of angles covered.
        floors: the same for a perfect generator with as many samples.
        note: what must be said of p_data, if anything.
        files: the pictures.
    """

    data: str
    rounds: int
    samples: int
    measures: dict[str, float]
    floors: dict[str, float]
    note: str
    files: tuple[Path, ...]


def plane(
    data: str = "ring-of-gaussians",
    out: Path = Path("plane"),
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    on_frame: Callable[[Frame, int], None] = lambda frame, rounds: None,
) -> Plane:
    """Play a game in the plane and draw it: ``advnets plane``.

    Args:
        data: ``ring``, ``ring-of-gaussians``, ``grid``, ``spiral``, ``moons``, ``zero-width-ring``,
            or a CSV file with two columns.
        out: a folder for ``plane.png``.
        rounds: how long to play.
        seed: of the whole run.
        on_frame: called with each new frame and the number of rounds in all.
    """
    run = film(data, replace(SETTINGS, seed=seed), rounds, on_frame=on_frame)
    file = write_picture(draw(run), out / "plane.png", dpi=90)
    end = run.frames[-1]
    note = run.board.toy.note
    return Plane(data, end.round, SAMPLES, end.measures, run.board.floors, note, (file,))
