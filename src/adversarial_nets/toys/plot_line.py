"""Plots of one-dimensional games: one snapshot, Figure 1's four panels, curves over the rounds."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from scipy.special import expit

from adversarial_nets.plots.style import D_COLOUR, DATA_COLOUR, G_COLOUR, GREY
from adversarial_nets.theory import divergences
from adversarial_nets.toys.line import Arrows, Evaluator, Snapshot
from adversarial_nets.toys.recording import Recording

__all__ = [
    "LineRecording",
    "plot_panels",
    "plot_snapshot",
    "plot_snapshot_and_value",
    "select_panels",
    "z_position",
]

LineRecording = Recording[Evaluator, Snapshot]


def select_panels(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, Snapshot, Snapshot, Snapshot]:
    """The four snapshots that match the paper's panels (a) to (d) best.

    (b) is the snapshot in which D is nearest to D*, among those in which p_g has changed by a JSD
    of at most 0.02. (a) is the first snapshot in which D's distance to D* has fallen half as far as
    in (b). In (c), a tenth of the initial JSD remains. (d) is the last snapshot.
    """
    moved = np.array([divergences.JSD(snapshots[0].p_g, s.p_g) for s in snapshots])
    distance = np.array([s.distance for s in snapshots])
    b = max(int(np.argmin(np.where(moved <= 0.02, distance, np.inf))), 1)
    a = int(np.argmax(distance <= (distance[0] + distance[b]) / 2))
    gap = np.array([s.C for s in snapshots]) + divergences.LOG4
    c = int(np.argmax(gap <= gap[0] / 10))
    return snapshots[min(a, b - 1)], snapshots[b], snapshots[max(c, b)], snapshots[-1]


_TITLES = (
    "(a) D is half way\nto D*",
    "(b) D is near D*;\n$p_g$ has hardly changed",
    "(c) G has followed\nD's gradient",
    "(d) the end\nof the game",
)


# --- Figures --------------------------------------------------------------------------------------


def plot_snapshot(evaluator: Evaluator, snapshot: Snapshot) -> Figure:
    """One snapshot as in the paper's panels: p_data, p_g and D above, G's arrows below."""
    figure = Figure(figsize=(6.4, 4.2), dpi=110, layout="constrained")
    _plot_game(figure, evaluator, snapshot, "")
    _shared_legend(figure, of=figure)
    return figure


def plot_panels(recording: LineRecording) -> Figure:
    """Figure 1: four snapshots as in the paper, and the whole game's curves below."""
    evaluator = recording.evaluator
    figure = Figure(figsize=(12, 7), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2]).ravel()
    panels = above.subfigures(1, 4, squeeze=False).ravel()
    for panel, snapshot, title in zip(
        panels, select_panels(recording.snapshots), _TITLES, strict=True
    ):
        _plot_game(panel, evaluator, snapshot, title)
    _shared_legend(above, of=panels[0])
    value, distance = below.subplots(1, 2)
    _plot_value(value, recording)
    _plot_distance(distance, recording)
    for axes in (value, distance):
        _square_root_scale(axes, recording.snapshots[-1].round)
    if evaluator.toy.note:
        figure.supxlabel(evaluator.toy.note, fontsize=8, color=GREY)
    return figure


def plot_snapshot_and_value(figure: Figure, recording: LineRecording, snapshot: Snapshot) -> None:
    """One snapshot above, and the value of the game with a mark at its round below, for a movie."""
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2]).ravel()
    _plot_game(above, recording.evaluator, snapshot, "")
    _shared_legend(above, of=above)
    axes = below.subplots()
    _plot_value(axes, recording)
    _square_root_scale(axes, recording.snapshots[-1].round)
    axes.axvline(snapshot.round, color=DATA_COLOUR, lw=1)


# --- Parts of figures -----------------------------------------------------------------------------


def _plot_game(
    figure: Figure | SubFigure, evaluator: Evaluator, snapshot: Snapshot, title: str
) -> None:
    """Densities and D above, arrows from z to x below."""
    top, bottom = figure.subplots(2, 1, height_ratios=[3, 1.1], gridspec_kw={"hspace": 0.02})
    top.set_title(f"{title}\nround {snapshot.round:,}", fontsize=10)
    _plot_densities(top, evaluator, snapshot)
    _plot_arrows(bottom, evaluator, snapshot)


def _plot_densities(axes: Axes, evaluator: Evaluator, snapshot: Snapshot) -> None:
    """p_data and p_g, with D and D* on a separate axis at the right."""
    width = evaluator.edges[1] - evaluator.edges[0]
    p_data, p_g = evaluator.p_data[1:-1] / width, snapshot.p_g[1:-1] / width
    x, limits = evaluator.x, (evaluator.edges[0], evaluator.edges[-1])
    dotted, dashed = (0, (1, 1.5)), (0, (4, 1.5))
    axes.plot(x, p_g, color=G_COLOUR, lw=2, label="$p_g$, exact")
    axes.plot(x, p_data, color=DATA_COLOUR, lw=2, ls=dotted, label=r"$p_{\mathrm{data}}$")
    axes.set(xlim=limits, ylim=(0, 1.65 * p_data.max()), yticks=[], xticks=[])
    right = axes.twinx()
    if not np.isnan(snapshot.V_star):
        right.plot(x, snapshot.D_star[1:-1], color=D_COLOUR, lw=1, alpha=0.75, label="$D^*$")
    D = expit(snapshot.a[1:-1])
    right.plot(x, D, color=D_COLOUR, lw=2, ls=dashed, label="$D$, learned")
    right.set(xlim=limits, ylim=(0, 1.06), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"])
    right.tick_params(colors=D_COLOUR, length=3)
    right.axhline(0.5, color=D_COLOUR, lw=0.5, alpha=0.4)
    for each in (axes, right):
        each.spines[["top", "left", "right"]].set_visible(False)


def _plot_arrows(axes: Axes, evaluator: Evaluator, snapshot: Snapshot) -> None:
    """Arrows from z on the lower line to G(z) on the upper line."""
    limits = evaluator.edges[0], evaluator.edges[-1]
    z = limits[0] + z_position(evaluator.arrows) * (limits[1] - limits[0])
    style = {"arrowstyle": "-|>", "color": GREY, "lw": 0.7, "mutation_scale": 7}
    for start, end in zip(z, snapshot.G, strict=True):
        arrow = style | {"shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (end, 1), (start, 0), arrowprops=arrow)
    axes.plot(z[[0, -1]], [0, 0], color=DATA_COLOUR, lw=1)
    axes.axhline(1, color=DATA_COLOUR, lw=1)
    axes.set(xlim=limits, ylim=(-0.05, 1.02), xticks=[])
    axes.set_yticks([0, 1], ["$z$", "$x$"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def z_position(z: Arrows) -> Arrows:
    """The horizontal position at which each z is plotted: 0 at the left, 1 at the right."""
    return 0.5 + 0.48 * z / np.abs(z).max()


def _plot_value(axes: Axes, recording: LineRecording) -> None:
    """Learned V, exact C(G), and C(G) from samples with its value for a perfect generator."""
    snapshots, n = recording.snapshots, recording.settings.batch
    rounds, from_samples = [s.round for s in snapshots], [s.C_from_samples for s in snapshots]
    C, V = [s.C for s in snapshots], [s.V for s in snapshots]
    axes.plot(rounds, C, color=G_COLOUR, lw=2, label=r"$C(G) = -\log 4 + 2\,$JSD")
    axes.plot(rounds, V, color=D_COLOUR, lw=1.5, ls=(0, (4, 1.5)), label="$V(D, G)$, learned")
    label = rf"$-\log 4 + 2\,$JSD, estimated from {n} samples"
    axes.plot(rounds, from_samples, ".", color=GREY, ms=3, alpha=0.7, label=label)
    label = "the same estimate for a perfect generator"
    axes.axhline(recording.evaluator.floor, color=GREY, lw=1, ls="--", label=label)
    axes.axhline(-divergences.LOG4, color=DATA_COLOUR, lw=0.8, label=r"$-\log 4$, the minimum of C")
    axes.set(title="Value of the game (nats)")


def _plot_distance(axes: Axes, recording: LineRecording) -> None:
    """Mean |D − D*| and JSD(p_data ‖ p_g) over the rounds."""
    rounds = [s.round for s in recording.snapshots]
    jsd = [(s.C + divergences.LOG4) / 2 for s in recording.snapshots]
    distance = [s.distance for s in recording.snapshots]
    dashed = (0, (4, 1.5))
    axes.plot(rounds, jsd, color=G_COLOUR, lw=2, label=r"JSD($p_{\mathrm{data}}$ ‖ $p_g$)")
    axes.plot(rounds, distance, color=D_COLOUR, lw=1.5, ls=dashed, label="mean $|D - D^*|$")
    axes.set(title="$D$ against $D^*$, $p_g$ against $p_{\\mathrm{data}}$", ylim=(0, None))


def _square_root_scale(axes: Axes, rounds: int) -> None:
    """A square-root scale of rounds, on which the snapshots are evenly spaced."""
    axes.set_xscale("function", functions=(lambda r: np.sqrt(np.maximum(r, 0)), np.square))
    axes.set(xlim=(0, rounds), xticks=[round(rounds * f**2) for f in (0, 0.25, 0.5, 0.75, 1)])
    axes.set_xlabel("round (square-root scale)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="best")


def _shared_legend(figure: Figure | SubFigure, of: Figure | SubFigure) -> None:
    """One legend below all panels of a figure."""
    lines = [line for axes in of.axes for line in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False)
