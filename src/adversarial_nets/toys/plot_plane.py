"""Plots of two-dimensional games: one snapshot, and a whole game with its measures."""

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from adversarial_nets.plots.style import DATA_COLOUR, G_COLOUR, tidy
from adversarial_nets.toys.plane import Evaluator, Snapshot
from adversarial_nets.toys.recording import Recording

__all__ = ["PlaneRecording", "plot_recording", "plot_snapshot"]

PlaneRecording = Recording[Evaluator, Snapshot]

_NOT_PLOTTED = ("KL data g smoothed", "KL g data smoothed", "data without samples")  # see JSD
_D_COLOURS = LinearSegmentedColormap.from_list("D", ["#a8dcb5", "#ffffff", "#a9c5f2"])
_PLOTTED_POINTS = 1000


def plot_recording(recording: PlaneRecording) -> Figure:
    """Four snapshots of a game, the noise grid under G, and the measures with their floors."""
    snapshots, evaluator = recording.snapshots, recording.evaluator
    last = len(snapshots) - 1
    chosen = [snapshots[i] for i in sorted({0, last // 4, last // 2, last})]
    figure = Figure(figsize=(3.1 * len(chosen), 9), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[2.1, 1]).ravel()
    panels = above.subplots(2, len(chosen), squeeze=False)
    for (samples, grid), snapshot in zip(panels.T, chosen, strict=True):
        heat_map = _plot_samples(samples, evaluator, snapshot)
        _plot_grid(grid, evaluator, snapshot)
    panels[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    panels[1, 0].set_title("a grid of noise z, mapped by G", fontsize=10)
    bar = above.colorbar(heat_map, ax=panels[0], label="D(x)")
    bar.set_ticks([0, 0.5, 1], labels=["0", "½", "1"])
    names = [name for name in evaluator.floors if name not in _NOT_PLOTTED]
    charts = below.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(charts, names, strict=True):
        _plot_measure(axes, recording, name)
    if evaluator.toy.note:
        figure.supxlabel(evaluator.toy.note, fontsize=8)
    return figure


def plot_snapshot(evaluator: Evaluator, snapshot: Snapshot) -> Figure:
    """One snapshot: data, samples and D at the left, the noise grid under G at the right."""
    figure = Figure(figsize=(8, 4.4), dpi=110, layout="constrained")
    samples, grid = figure.subplots(1, 2)
    _plot_samples(samples, evaluator, snapshot)
    _plot_grid(grid, evaluator, snapshot)
    samples.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _plot_samples(axes: Axes, evaluator: Evaluator, snapshot: Snapshot) -> AxesImage:
    """Data and samples over a heat map of D."""
    (left, *_, right), (bottom, *_, top) = evaluator.edges
    heat_map = axes.imshow(
        snapshot.D.T,
        origin="lower",
        extent=(left, right, bottom, top),
        cmap=_D_COLOURS,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
    )
    for x, colour, name in (
        (evaluator.data, DATA_COLOUR, "data"),
        (snapshot.samples, G_COLOUR, "samples G(z)"),
    ):
        axes.plot(*x[:_PLOTTED_POINTS].T, ".", color=colour, ms=1.5, alpha=0.6, label=name)
    axes.set_title(f"round {snapshot.round:,}", fontsize=10)
    _set_limits(axes, evaluator)
    return heat_map


def _plot_grid(axes: Axes, evaluator: Evaluator, snapshot: Snapshot) -> None:
    """The noise grid under G, over the data."""
    axes.plot(*evaluator.data[:_PLOTTED_POINTS].T, ".", color=DATA_COLOUR, ms=1, alpha=0.25)
    if snapshot.grid is not None:
        axes.plot(*snapshot.grid.transpose(2, 1, 0), color=G_COLOUR, lw=0.5)
    _set_limits(axes, evaluator)


def _set_limits(axes: Axes, evaluator: Evaluator) -> None:
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.set(xlim=evaluator.edges[0][[0, -1]], ylim=evaluator.edges[1][[0, -1]])


def _plot_measure(axes: Axes, recording: PlaneRecording, name: str) -> None:
    """One measure over the rounds, with its value for a perfect generator."""
    snapshots, evaluator = recording.snapshots, recording.evaluator
    floor, n = evaluator.floors[name], len(evaluator.data)
    rounds = [snapshot.round for snapshot in snapshots]
    axes.plot(rounds, [snapshot.measures[name] for snapshot in snapshots], color=G_COLOUR, lw=2)
    label = f"a perfect generator: {round(floor, 4):g}"
    axes.axhline(floor, color=DATA_COLOUR, lw=1, ls="--", label=label)
    axes.set(title=f"{name}, from {n:,} samples", xlabel="round", ylim=(0, None))
    axes.set_xlim(0, rounds[-1])
    tidy(axes)
