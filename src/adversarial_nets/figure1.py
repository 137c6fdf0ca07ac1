"""Figure 1 as a game that is really played, on the line, where the truth about it is known.

G maps noise z on a line to x on a line, so p_g is known exactly by change of variables, and with
it D* and −log 4 + 2·JSD: what the nets have learned can be held against what §4 says.
"""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from matplotlib import animation
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from scipy.special import expit, ndtri
from torch import Tensor, nn

from adversarial_nets import game, nets, report, theory, toys
from adversarial_nets.errors import UserError
from adversarial_nets.game import Game
from adversarial_nets.runs import explained, write_atomically
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.toy_games import (
    Reading,
    apply,
    check_finite,
    frames_at,
    judge,
    watch,
    write_picture,
)

__all__ = [
    "SETTINGS",
    "Board",
    "Film",
    "Frame",
    "board_of",
    "draw_panels",
    "figure1",
    "film",
    "look",
    "moments",
    "picture",
    "readings",
    "start",
    "write_html",
    "write_movie",
]

SETTINGS = Settings(
    # Sigmoid units make G smooth, and p_g with it; ReLU would make p_g a staircase.
    G=GeneratorSettings(
        hidden=(32, 32),
        activations=("sigmoid",),
        output="linear",
        init=(10.0, 1.5, 0.05),
        bias_from_marginals=False,
    ),
    D=DiscriminatorSettings(
        units=(32, 32), pieces=3, init=(1.0, 0.3, 0.3), keep_input=1.0, keep_hidden=1.0
    ),
    protocol="paper",
    k=3,
    batch=512,
    z_size=1,
    optimiser="adam",
    lr=0.0015,
    d_rate=8.0,  # D learns faster than G, so that it stays near D* (Proposition 2)
    lr_decay=1.0005,
    momentum_end=0.5,
)
"""The game that Figure 1 plays unless told otherwise."""

ROUNDS = 1500
CELLS = 240  # of x, for p_g and for the pictures
JUDGED_CELLS = 40  # of x, where a measure must make do with samples

Edges = Float64[np.ndarray, " edges"]
Cells = Float64[np.ndarray, " cells"]
Masses = Float64[np.ndarray, " masses"]  # left of the cells, in each cell, right of them
Ends = Float64[np.ndarray, " ends"]
Shares = Float64[np.ndarray, " shares"]
Arrows = Float64[np.ndarray, " arrows"]


# --- The players ----------------------------------------------------------------------------------


class _Generator(nn.Module):
    """G(z) = start + spread · (slope · bump(z) + net(z)): a smooth bump, which the net bends.

    The bump is the logit of z's quantile where z is uniform, and z itself where it is Gaussian: in
    both cases it covers the whole line.
    """

    def __init__(self, net: nn.Module, start: float, spread: float, uniform: bool) -> None:
        super().__init__()
        self.net, self.start, self.spread, self.uniform = net, start, spread, uniform
        self.slope = nn.Parameter(torch.tensor(0.45))

    def forward(self, z: Float[Tensor, "m 1"]) -> Float[Tensor, "m 1"]:
        if self.uniform:
            bump = torch.logit((z / math.sqrt(12) + 0.5).clamp(1e-6, 1 - 1e-6))
        else:
            bump = math.pi / math.sqrt(3) * z  # as wide as the logit's
        return self.start + self.spread * (self.slope * bump + self.net(z))


def start(toy: toys.Toy, settings: Settings = SETTINGS) -> Game:
    """Set up the game of Figure 1: p_g stands one spread to the left of the data.

    Args:
        toy: the data, on the line.
        settings: the game's; z_size must be 1, and the prior uniform or Gaussian.

    Raises:
        UserError: data or noise that do not fit on a line.
    """
    if toy.pixels != 1:
        raise UserError("Figure 1 is a game on the line; for data in the plane there is `plane`.")
    if settings.z_size != 1 or settings.prior == "spherical":
        raise UserError(
            "Figure 1 draws z on a line: z_size must be 1, and the prior not spherical."
        )
    x = toys.draw(toy, 10_000)
    mean, spread = float(x.mean()), float(x.std())
    bent = nets.generator(settings.G, 1, 1, settings.seed)
    linears = [m for m in bent if isinstance(m, nn.Linear)]
    with torch.no_grad():
        if settings.G.hidden:  # each unit of the first layer gets its own place on z's line
            places = torch.linspace(-1.8, 1.8, settings.G.hidden[0])
            linears[0].bias.copy_(-linears[0].weight[:, 0] * places)
        linears[-1].bias.sub_(bent(torch.zeros(1, 1))[0])  # p_g begins where it is put
    G = _Generator(bent, mean - spread, spread, settings.prior == "uniform")
    return game.new_game(settings, toy, G=G, D=judge(settings, x))


# --- Looking at a game ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Board:
    """What a game on the line is looked at with; it does not change while the game is played.

    Attributes:
        toy: what the data are.
        edges: of the cells of x.
        x: the cells' middles.
        p_data: the data's masses: what lies left of the cells, each cell's, what lies right.
        z: a grid of noise, n + 1 ends of n cells.
        z_mass: p_z's mass in each cell.
        arrows: a few z, with the same mass between each two, whose G(z) is drawn.
        floor: what C, estimated from a minibatch as in `Frame.C_judged`, would be on average if the
            samples came from the data themselves.
    """

    toy: toys.Toy
    edges: Edges
    x: Cells
    p_data: Masses
    z: Ends
    z_mass: Shares
    arrows: Arrows
    floor: float


@dataclass(frozen=True)
class Frame:
    """A game on the line at one moment, as §4 sees it.

    Attributes:
        round: when.
        p_g: the generator's masses in the cells of the board, exact.
        a: D's logits: at the left edge, the cells' middles, and the right edge.
        G: G(z) of the board's arrows.
        V: V(D, G) of the learned D, exact on the cells.
        C: C(G) = −log 4 + 2·JSD, exact on the cells; V is at most this.
        C_judged: the same as one would estimate it from a minibatch of samples and one of data.
        distance: E|D − D*| over data and samples, half of each.
    """

    round: int
    p_g: Masses
    a: Masses
    G: Arrows
    V: float
    C: float
    C_judged: float
    distance: float


def board_of(toy: toys.Toy, settings: Settings = SETTINGS) -> Board:
    """The board for a game on this toy, wide enough for the data and for where G starts."""
    x = toys.draw(toy, 10_000)
    mean, spread = x.mean(), x.std()
    low = min(x.min() - 0.5 * spread, mean - 3.5 * spread)
    high = max(x.max() + 0.5 * spread, mean + 2 * spread)
    edges = np.linspace(low, high, CELLS + 1)
    masses = toys.cell_masses(toy, (edges,))
    outside = max(1 - masses.sum(), 0.0) / 2
    z, z_mass = _noise_grid(settings.prior, 2000)
    return Board(
        toy=toy,
        edges=edges,
        x=(edges[1:] + edges[:-1]) / 2,
        p_data=_normal(np.concatenate([[outside], masses, [outside]])),
        z=z,
        z_mass=z_mass,
        arrows=np.interp((np.arange(25) + 0.5) / 25, np.cumsum(z_mass), z[1:]),
        floor=_floor(toy, edges, settings.batch),
    )


def look(g: Game, board: Board) -> Frame:
    """See the game as it stands; nothing about it changes.

    Raises:
        Diverged: a player's weights are no longer numbers.
    """
    at = np.concatenate([board.edges[:1], board.x, board.edges[-1:]])
    G_z, a = apply(g.G, board.z[:, None])[:, 0], apply(g.D, at[:, None])[:, 0]
    check_finite(g, G_z, a)
    p_g = theory.pushforward(G_z, board.z_mass, board.edges)
    off = np.nan_to_num(np.abs(expit(a) - theory.D_star(board.p_data, p_g)))  # 0 where no mass
    n = g.settings.batch
    samples = game.sample(g.G, g.settings, n, f"judged at round {g.round}").double().numpy()
    data = toys.draw(board.toy, n, g.settings.seed, f"judged at round {g.round}")
    return Frame(
        round=g.round,
        p_g=p_g,
        a=a,
        G=apply(g.G, board.arrows[:, None])[:, 0],
        V=theory.V(a, board.p_data, p_g),
        C=theory.C(board.p_data, p_g),
        C_judged=_C_judged(data, samples, board.edges),
        distance=float(off @ (board.p_data + p_g) / 2),
    )


def readings(board: Board, frame: Frame) -> dict[str, Reading]:
    """What can be read off a frame, each number beside a perfect generator's; in nats where it can.

    ``V``, ``C`` (−log 4 + 2·JSD), ``JSD``, ``KL data g``, ``KL g data``, ``accuracy`` (of D) and
    ``distance`` (mean |D − D*|) are exact on the board's cells, and so is ``modes hit`` (as in
    `plane.modes_hit`) for a mixture; ``C from samples`` is an estimate from as many samples as a
    minibatch has.
    """
    p, q, yes = board.p_data, frame.p_g, frame.a > 0
    found = {
        "V": Reading(frame.V, -theory.LOG4),
        "C": Reading(frame.C, -theory.LOG4),
        "C from samples": Reading(frame.C_judged, board.floor),
        "JSD": Reading((frame.C + theory.LOG4) / 2, 0.0),
        "KL data g": Reading(theory.KL(p, q), 0.0),
        "KL g data": Reading(theory.KL(q, p), 0.0),
        "accuracy": Reading(float(p[yes].sum() + q[~yes].sum()) / 2, 0.5),
        "distance": Reading(frame.distance, 0.0),
    }
    if isinstance(board.toy, toys.Mixture) and len(board.toy.means) > 1:
        means, stds = np.array(board.toy.means)[:, 0], np.array(board.toy.stds)
        near = q[1:-1] @ (np.abs(board.x[:, None] - means) < 3 * stds)
        hit = int((near >= 0.1 * np.array(board.toy.weights)).sum())
        found["modes hit"] = Reading(float(hit), float(len(means)))
    return found


def _noise_grid(prior: str, cells: int) -> tuple[Ends, Shares]:
    """Ends of cells of z, and p_z's mass in each; finer and finer towards both ends of the line."""
    u = expit(np.linspace(-14, 14, cells + 1))
    u[0], u[-1] = 0, 1
    z = (2 * u - 1) * math.sqrt(3) if prior == "uniform" else ndtri(u.clip(1e-7, 1 - 1e-7))
    return z, np.diff(u)


def _normal(masses: Masses) -> Masses:
    return masses / masses.sum()


def _C_judged(data: np.ndarray, samples: np.ndarray, edges: Edges) -> float:
    """−log 4 + 2·JSD of two samples' histograms in fewer and wider cells."""
    wide = edges[:: CELLS // JUDGED_CELLS].copy()
    wide[0], wide[-1] = -np.inf, np.inf
    p, q = (np.histogram(x, wide)[0] / len(x) for x in (data, samples))
    return theory.C(p, q)


def _floor(toy: toys.Toy, edges: Edges, n: int, pairs: int = 20) -> float:
    """The mean of `_C_judged` where both samples are the data's."""
    x = toys.draw(toy, 2 * pairs * n, purpose="floor").reshape(pairs, 2, n)
    return float(np.mean([_C_judged(one, other, edges) for one, other in x]))


# --- A film ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """A whole game: the board, and frames in the order of the rounds."""

    board: Board
    frames: tuple[Frame, ...]
    settings: Settings
    data: str


def film(
    data: str = "gaussian",
    settings: Settings = SETTINGS,
    rounds: int = ROUNDS,
    frames: int = 121,
    on_frame: Callable[[Frame, int], None] = lambda frame, rounds: None,
) -> Film:
    """Play the game of Figure 1 and look at it now and then.

    Args:
        data: a name or file for `toys.find`, on the line.
        settings: the game's.
        rounds: how long to play.
        frames: how often to look, spaced as `frames_at` says.
        on_frame: called with each new frame and the number of rounds in all.

    >>> game_on = film(rounds=2, frames=2)
    >>> [frame.round for frame in game_on.frames], game_on.frames[0].V <= game_on.frames[0].C
    ([0, 2], True)
    """
    toy = toys.find(data)
    g, board = start(toy, settings), board_of(toy, settings)
    seen = watch(g, lambda g: look(g, board), frames_at(rounds, frames), on_frame)
    return Film(board, seen, settings, data)


def moments(frames: Sequence[Frame]) -> tuple[Frame, Frame, Frame, Frame]:
    """The frames nearest to what the paper's four panels show.

    (b) is where D is nearest to D*, as long as p_g has moved by no more than a JSD of 0.02; (a)
    where it had come half of that way; (c) where a tenth of the divergence is left; (d) the end.
    """
    moved = np.array([theory.JSD(frames[0].p_g, frame.p_g) for frame in frames])
    distance = np.array([frame.distance for frame in frames])
    b = max(int(np.argmin(np.where(moved <= 0.02, distance, np.inf))), 1)
    a = int(np.argmax(distance <= (distance[0] + distance[b]) / 2))
    gap = np.array([frame.C for frame in frames]) + theory.LOG4
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


def _draw_game(figure: Figure | SubFigure, board: Board, frame: Frame, title: str) -> None:
    """One moment: densities and D above, arrows from z to x below."""
    top, bottom = figure.subplots(2, 1, height_ratios=[3, 1.1], gridspec_kw={"hspace": 0.02})
    width = board.edges[1] - board.edges[0]
    p_data, p_g = board.p_data[1:-1] / width, frame.p_g[1:-1] / width
    D_star = theory.D_star(board.p_data, frame.p_g)[1:-1]
    x, limits = board.x, (board.edges[0], board.edges[-1])

    top.plot(x, p_g, color=_G, lw=2, label="$p_g$, exact")
    top.plot(x, p_data, color=_DATA, lw=2, ls=(0, (1, 1.5)), label=r"$p_{\mathrm{data}}$")
    top.set(xlim=limits, ylim=(0, 1.65 * p_data.max()), yticks=[], xticks=[])
    top.set_title(f"{title}\nround {frame.round:,}", fontsize=10)
    right = top.twinx()
    right.plot(x, D_star, color=_D, lw=1, alpha=0.5, label="$D^*$")
    right.plot(x, expit(frame.a[1:-1]), color=_D, lw=2, ls=(0, (4, 1.5)), label="$D$, learned")
    right.set(xlim=limits, ylim=(0, 1.06), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
    right.tick_params(colors=_D, length=3)
    right.axhline(0.5, color=_D, lw=0.5, alpha=0.4)
    for axes in (top, right):
        axes.spines[["top", "left", "right"]].set_visible(False)

    z = limits[0] + _place_of(board.arrows) * (limits[1] - limits[0])
    for here, there in zip(z, frame.G, strict=True):
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
    rounds, n = [frame.round for frame in film.frames], film.settings.batch
    C, V = [frame.C for frame in film.frames], [frame.V for frame in film.frames]
    axes.plot(rounds, C, color=_G, lw=2, label=r"$-\log 4 + 2\,$JSD")
    axes.plot(rounds, V, color=_D, lw=1.5, ls=(0, (4, 1.5)), label="$V(D, G)$, learned")
    judged = [frame.C_judged for frame in film.frames]
    words = rf"$-\log 4 + 2\,$JSD, estimated from {n} samples"
    axes.plot(rounds, judged, ".", color=_QUIET, ms=3, alpha=0.7, label=words)
    words = "a perfect generator, estimated so"
    axes.axhline(film.board.floor, color=_QUIET, lw=1, ls="--", label=words)
    axes.axhline(-theory.LOG4, color=_DATA, lw=0.8, label=r"$-\log 4$, its least value")
    axes.set(title="Value of the game (nats)")


def _draw_distance(axes: Axes, film: Film) -> None:
    """D as learned against D*, and p_g against p_data, over time."""
    rounds = [frame.round for frame in film.frames]
    jsd = [(frame.C + theory.LOG4) / 2 for frame in film.frames]
    distance = [frame.distance for frame in film.frames]
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


def picture(board: Board, frame: Frame) -> Figure:
    """One moment of the game, as in the paper's panels."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    _draw_game(figure, board, frame, "")
    _labels(figure, of=figure)
    return figure


def draw_panels(film: Film) -> Figure:
    """Figure 1: four moments in the paper's manner, and the whole run underneath."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2]).ravel()
    panels = above.subfigures(1, 4, squeeze=False).ravel()
    for panel, frame, title in zip(panels, moments(film.frames), _TITLES, strict=True):
        _draw_game(panel, film.board, frame, title)
    _labels(above, of=panels[0])
    value, distance = below.subplots(1, 2)
    _draw_value(value, film)
    _draw_distance(distance, film)
    for axes in (value, distance):
        _over_time(axes, film.frames[-1].round)
    if film.board.toy.note:
        figure.supxlabel(film.board.toy.note, fontsize=8, color=_QUIET)
    return figure


def write_movie(film: Film, path: Path, every: int = 2) -> None:
    """Write the run as a moving picture: a GIF, or an MP4 where ffmpeg is installed.

    Args:
        film: the run.
        path: ends in ``.gif`` or ``.mp4``.
        every: take each second, third … frame; the last is always shown, and held.

    Raises:
        UserError: another ending, or an MP4 without ffmpeg.
    """
    if path.suffix not in (".gif", ".mp4"):
        raise UserError(f"{path} must end in .gif or .mp4.")
    if path.suffix == ".mp4" and not animation.FFMpegWriter.isAvailable():
        raise UserError(f"{path} needs ffmpeg, which is not installed; a .gif does not.")
    writer = animation.PillowWriter(12) if path.suffix == ".gif" else animation.FFMpegWriter(12)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    temporary = path.with_name(f".writing-{path.name}")
    with writer.saving(figure, str(temporary), dpi=100):
        for frame in (*film.frames[:-1:every], film.frames[-1]):
            figure.clear()
            above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2]).ravel()
            _draw_game(above, film.board, frame, "")
            _labels(above, of=above)
            axes = below.subplots()
            _draw_value(axes, film)
            _over_time(axes, film.frames[-1].round)
            axes.axvline(frame.round, color=_DATA, lw=1)
            writer.grab_frame()
        figure.set_layout_engine("none")  # what stands need not be laid out again
        for _ in range(17):  # a second and a half to look at the end
            writer.grab_frame()
    temporary.replace(path)


def write_html(film: Film, path: Path, command: str = "advnets figure1") -> None:
    """Write the run as one page that needs nothing else: a slider, play and pause."""
    page = report.template("figure1.html").render(film=_numbers(film), command=command)
    write_atomically(path, page)


def _numbers(film: Film) -> dict[str, Any]:
    """The film for the page: whole thousandths, of the data's peak, of 1, and of x's line."""
    board = film.board
    peak, low, width = board.p_data[1:-1].max(), board.edges[0], board.edges[-1] - board.edges[0]

    def thousandths(values: np.ndarray) -> list[int | None]:
        return [None if np.isnan(v) else round(1000 * v) for v in values.tolist()]

    return {
        "data": film.data,
        "note": board.toy.note,
        "prior": film.settings.prior,
        "batch": film.settings.batch,
        "floor": round(board.floor, 4),
        "p_data": thousandths(board.p_data[1:-1] / peak),
        "z": thousandths(_place_of(board.arrows)),
        "frames": [
            {
                "round": frame.round,
                "p_g": thousandths(np.minimum(frame.p_g[1:-1] / peak, 9)),
                "D_star": thousandths(theory.D_star(board.p_data, frame.p_g)[1:-1]),
                "D": thousandths(expit(frame.a[1:-1])),
                "G": thousandths((frame.G - low) / width),
                **{name: round(getattr(frame, name), 5) for name in _READINGS},
            }
            for frame in film.frames
        ],
    }


_READINGS = ("V", "C", "C_judged", "distance")


# --- The command ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure1:
    """What `figure1` made: the run's last numbers, and where the pictures are.

    Attributes:
        data: what was learned.
        rounds: how long the game was.
        jsd: JSD(p_data ‖ p_g) at the end, in nats, exact on the cells.
        V: the learned V(D, G) at the end.
        C: −log 4 + 2·JSD at the end.
        distance: mean |D − D*| at the end, over data and samples.
        floor: what a perfect generator would get for C, estimated from a minibatch.
        note: what must be said of p_data, if anything.
        files: the pictures and the page.
    """

    data: str
    rounds: int
    jsd: float
    V: float
    C: float
    distance: float
    floor: float
    note: str
    files: tuple[Path, ...]


def figure1(
    data: str = "gaussian",
    out: Path = Path("figure1"),
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    movie: bool = True,
    on_frame: Callable[[Frame, int], None] = lambda frame, rounds: None,
) -> Figure1:
    """Play Figure 1 and draw it: ``advnets figure1``.

    Args:
        data: ``gaussian``, ``mixture``, ``uniform``, with numbers of your own if you like
            (``gaussian:3,.5``), or a CSV file with one column.
        out: a folder for ``figure1.png``, ``.svg``, ``.html``, ``.gif``, and, where ffmpeg is
            installed, ``.mp4``.
        rounds: how long to play.
        seed: of the whole run.
        movie: whether to make the GIF and the MP4, which takes longer than the game.
        on_frame: called with each new frame and the number of rounds in all.
    """
    run = film(data, replace(SETTINGS, seed=seed), rounds, on_frame=on_frame)
    panels = draw_panels(run)
    files = [write_picture(panels, out / f"figure1.{kind}") for kind in ("png", "svg")]
    with explained(out):
        files.append(out / "figure1.html")
        command = f"advnets figure1 {shlex.quote(data)} --rounds {rounds} --seed {seed}"
        write_html(run, files[-1], command)
        if movie:
            kinds = ["gif"] + ["mp4"] * animation.FFMpegWriter.isAvailable()
            for kind in kinds:
                files.append(out / f"figure1.{kind}")
                write_movie(run, files[-1])
    end = run.frames[-1]
    return Figure1(
        data=data,
        rounds=end.round,
        jsd=(end.C + theory.LOG4) / 2,
        V=end.V,
        C=end.C,
        distance=end.distance,
        floor=run.board.floor,
        note=run.board.toy.note,
        files=tuple(files),
    )
