"""Plots of a run's metrics over the rounds, of σ selection, of several runs, and of run time."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from adversarial_nets.evaluation.published import PublishedScore
from adversarial_nets.plots.style import (
    FONT_SIZE,
    LIGHT,
    LINE_COLOURS,
    Palette,
    figure_of,
    finish_axes,
    new_axes,
)

__all__ = [
    "plot_comparison",
    "plot_discriminator_outputs",
    "plot_losses",
    "plot_scaling",
    "plot_sigma_selection",
    "plot_training_curves",
    "plot_validation_scores",
]

Metrics = Sequence[Mapping[str, Any]]
"""Rows of a run's metrics.jsonl, in the order of the rounds."""

_MAX_POINTS = 400  # per line: about the width of a chart in pixels
_NATS_SHOWN = 150  # the y axis ends this far below the lowest final score


# --- One run --------------------------------------------------------------------------------------


def plot_losses(
    rows: Metrics,
    objective: str = "non-saturating",
    palette: Palette = LIGHT,
    axes: Axes | None = None,
) -> Figure:
    """Plot D's and G's loss.

    If D ascends V (`Objective.d_ascends_V`), dashed lines mark the losses at D = ½ everywhere, and
    rows with validation scores add −V without dropout, on training and on held-out images.

    Args:
        rows: at least one row of metrics.
        objective: the objective of D and G.
        palette: the colours.
        axes: the axes to plot on; a new figure by default.
    """
    from adversarial_nets import objectives  # imports torch, which the other plots do not need

    axes = axes or new_axes(palette)[0]
    found = objectives.OBJECTIVES.get(objective)  # None if a program added it
    ascends_V = found is not None and found.d_ascends_V
    label = "D's loss, −V" if ascends_V else "D's loss"
    _plot_metric(axes, rows, "d_loss", label, palette.D)
    _plot_metric(axes, rows, "g_loss", "G's loss", palette.G)
    scored = [row for row in rows if "V_held_out" in row]
    if found is None or not ascends_V:
        return finish_axes(axes, palette, "round", f"loss ({objective})")
    if scored:
        _plot_metric(axes, scored, "V_training", "−V, training images", palette.averaged, sign=-1)
        _plot_metric(axes, scored, "V_held_out", "−V, held-out images", palette.text, sign=-1)
    _plot_reference(axes, math.log(4), "log 4", palette.D)
    at_half = found.g_loss_at_half
    is_log_2 = math.isclose(abs(at_half), math.log(2), rel_tol=1e-4)
    text = "log 2" if is_log_2 else f"{abs(at_half):.3g}"
    _plot_reference(axes, at_half, f"−{text}" if at_half < 0 else text, palette.G)
    return finish_axes(axes, palette, "round", "loss (nats)" if is_log_2 else "loss")


def plot_discriminator_outputs(
    rows: Metrics, palette: Palette = LIGHT, axes: Axes | None = None
) -> Figure:
    """Plot the mean of D(x) on data and of D(G(z)) on samples; a dashed line marks ½.

    Rows with validation scores add D's accuracy on held-out images and samples.
    """
    axes = axes or new_axes(palette)[0]
    _plot_metric(axes, rows, "D_x", "D(x), data", palette.D)
    _plot_metric(axes, rows, "D_G_z", "D(G(z)), samples", palette.G)
    accuracy = [(row["round"], row["accuracy"]) for row in rows if "accuracy" in row]
    if accuracy:
        marker = "o" if len(accuracy) == 1 else None
        points = zip(*accuracy, strict=True)
        axes.plot(*points, color=palette.averaged, lw=1.4, marker=marker, label="accuracy of D")
    _plot_reference(axes, 0.5, "½", palette.text)
    axes.set_ylim(0, 1)
    return finish_axes(axes, palette, "round", "output of D")


def plot_validation_scores(
    rows: Metrics,
    published: PublishedScore | None = None,
    palette: Palette = LIGHT,
    axes: Axes | None = None,
) -> Figure:
    """Plot the Parzen score on validation images, of the raw and of the averaged generator.

    Args:
        rows: rows of metrics, at least one of them with scores.
        published: a published score on the same data, drawn as a dashed line.
        palette: the colours.
        axes: the axes to plot on; a new figure by default.
    """
    axes = axes or new_axes(palette)[0]
    for weights, marker, colour in (("raw", "o", palette.G), ("averaged", "s", palette.averaged)):
        scores = [
            (row["round"], row["scores"][weights]["valid_nats"])
            for row in rows
            if weights in row.get("scores", {})
        ]
        if scores:
            axes.plot(
                *zip(*scores, strict=True),
                color=colour,
                marker=None if len(scores) > 30 else marker,
                markersize=4.5,
                label=f"{weights} G",
            )
    if published is not None:
        _plot_reference(axes, published.nats, f"{published.nats:g}", palette.text)
    axes.ticklabel_format(axis="y", useOffset=False)
    return finish_axes(axes, palette, "round", "validation score (nats)")


def plot_training_curves(
    rows: Metrics, objective: str = "non-saturating", published: PublishedScore | None = None
) -> Figure:
    """Plot losses, D's outputs and, if any row has scores, validation scores side by side."""
    scored = any("scores" in row for row in rows)
    axes = new_axes(LIGHT, 3 if scored else 2)
    plot_losses(rows, objective, LIGHT, axes[0])
    figure = plot_discriminator_outputs(rows, LIGHT, axes[1])
    if scored:
        plot_validation_scores(rows, published, LIGHT, axes[2])
    return figure


def plot_sigma_selection(
    curve: Sequence[tuple[float, float]],
    sigma: float,
    palette: Palette = LIGHT,
    pixels: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    """Plot the mean log-likelihood of validation images against the Parzen window's σ.

    Args:
        curve: (σ, nats) for each σ of the grid.
        sigma: the chosen σ, which is marked.
        palette: the colours.
        pixels: smallest and largest value of a pixel, which give σ its unit.
    """
    axes = new_axes(palette)[0]
    sigmas, nats = zip(*curve, strict=True)
    axes.plot(sigmas, nats, color=palette.D, marker="o", markersize=4, label="σ of the grid")
    # Records of earlier versions hold means of σ over folds, which have rounding errors.
    best = min(curve, key=lambda point: abs(point[0] - sigma))[1]
    axes.plot(
        [sigma],
        [best],
        linestyle="none",
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgewidth=2,
        color=palette.G,
        label=f"chosen: {sigma:.3f}",
    )
    axes.set_xscale("log")
    ticks = [s for s in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0) if min(sigmas) <= s <= max(sigmas)]
    axes.set_xticks(ticks, [f"{s:g}" for s in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    # The smallest σ score thousands of nats lower; showing them would flatten the maximum.
    axes.set_ylim(bottom=max(min(nats), best - 1000) - 30)
    unit = f"σ, for pixels in [{pixels[0]:g}, {pixels[1]:g}], log scale"
    return finish_axes(axes, palette, unit, "validation (nats)")


# --- Several runs ---------------------------------------------------------------------------------


def plot_comparison(
    curves: Mapping[str, Sequence[Mapping[str, float]]], published: PublishedScore | None = None
) -> Figure:
    """Plot the validation scores of several runs: the raw generator's and the averaged one's.

    The y axis ends 150 nats below the lowest final score.

    Args:
        curves: for each run's name its points, each with `round` and `raw`, `averaged` or both.
        published: a published score on the same data, drawn as a dashed line.
    """
    kinds = [w for w in ("raw", "averaged") if any(w in p for c in curves.values() for p in c)]
    all_axes = new_axes(LIGHT, len(kinds))
    lines: dict[str, Line2D] = {}
    for axes, weights in zip(all_axes, kinds, strict=True):
        final_scores = []
        colours = (*LINE_COLOURS, LIGHT.text)
        styles = itertools.cycle(itertools.product(("-", "--", ":", "-."), colours))
        for (dashes, colour), (name, curve) in zip(styles, curves.items(), strict=False):
            points = [(p["round"], p[weights]) for p in curve if weights in p]
            if points:
                marker = "o" if len(points) == 1 else None
                x_y = zip(*points, strict=True)
                style: dict[str, Any] = {"color": colour, "ls": dashes, "marker": marker}
                lines[name] = axes.plot(*x_y, lw=1.4, **style)[0]
                final_scores.append(points[-1][1])
        if published is not None:
            _plot_reference(axes, published.nats, f"{published.nats:g}", LIGHT.text)
        finish_axes(axes, LIGHT, "round", f"{weights} G, validation (nats)")
        if axes.dataLim.y0 < min(final_scores) - _NATS_SHOWN:
            axes.set_ylim(bottom=min(final_scores) - _NATS_SHOWN)
    return _add_shared_legend(figure_of(all_axes[0]), lines)


def _add_shared_legend(figure: Figure, lines: Mapping[str, Line2D]) -> Figure:
    """Add one legend for all axes in a separate margin, wide enough for many long names."""
    width = figure.get_figwidth() + 0.6 + 0.075 * max(map(len, lines))
    figure.set_size_inches(width, max(figure.get_figheight(), 0.5 + 0.24 * len(lines)))
    style: dict[str, Any] = {"frameon": False, "fontsize": FONT_SIZE, "labelcolor": LIGHT.text}
    legend = figure.legend(lines.values(), lines, loc="outside right upper", **style)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a run's name may contain $
    return figure


def plot_scaling(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
) -> Figure:
    """Plot seconds and megabytes against size on logarithmic axes, one panel for each size.

    Args:
        curves: for each name of a size: sizes, seconds, peak memory in MB.
    """
    all_axes = new_axes(LIGHT, len(curves))
    for axes, (name, (sizes, seconds, memory)) in zip(all_axes, curves.items(), strict=True):
        axes.loglog(sizes, seconds, color=LIGHT.G, marker="o", markersize=4.5, label="seconds")
        memory_style: dict[str, Any] = {"color": LIGHT.averaged, "marker": "s", "markersize": 4.5}
        axes.loglog(sizes, memory, **memory_style, label="peak memory, MB")
        axes.set_xticks(sizes, [f"{n:,.0f}" for n in sizes], rotation=30)
        axes.xaxis.set_minor_locator(NullLocator())
        finish_axes(axes, LIGHT, name, "")
    return figure_of(all_axes[0])


# --- Parts of a plot ------------------------------------------------------------------------------


def _plot_metric(
    axes: Axes, rows: Metrics, name: str, label: str, colour: str, sign: Literal[1, -1] = 1
) -> None:
    """Plot one metric over the rounds; for many rows, means and a band from minimum to maximum."""
    bins = min(len(rows), _MAX_POINTS)
    rounds, values = (
        np.array_split(factor * np.array([row[key] for row in rows], float), bins)
        for key, factor in (("round", 1), (name, sign))
    )
    x = [b.mean() for b in rounds]
    if len(rows) > bins:
        low, high = [b.min() for b in values], [b.max() for b in values]
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
    marker = "o" if len(rows) == 1 else None
    y = [b.mean() for b in values]
    axes.plot(x, y, color=colour, linewidth=1.6, marker=marker, label=label)


def _plot_reference(axes: Axes, y: float, label: str, colour: str) -> None:
    """Draw a dashed horizontal line with its label at the right end."""
    axes.axhline(y, color=colour, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.autoscale(axis="y")  # axhline alone does not extend the y limits with a margin
    axes.annotate(
        label,
        (1, y),
        (4, 0),
        ("axes fraction", "data"),
        "offset points",
        color=colour,
        fontsize=FONT_SIZE,
        verticalalignment="center",
        annotation_clip=False,
    )
