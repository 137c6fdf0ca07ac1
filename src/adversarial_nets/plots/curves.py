"""Curves of a run: losses, outputs of D, validation scores, choice of σ; several runs together."""

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
from adversarial_nets.plots.style import _SIZE, LIGHT, Ink, _finish, _new_axes

__all__ = [
    "comparison",
    "curves",
    "growth",
    "judgements",
    "losses",
    "sigma_curve",
    "validation",
]

Metrics = Sequence[Mapping[str, Any]]
"""Rows of a run's metrics.jsonl, in the order of the rounds."""

_MANY = ("#0072b2", "#d55e00", "#00805d", "#cc79a7", "#e69f00", "#56b4e9", None)  # text's own
_POINTS = 400  # of a drawn line at most; a chart is about as many dots wide


def losses(
    rows: Metrics,
    objective: str = "non-saturating",
    ink: Ink = LIGHT,
    axes: Axes | None = None,
) -> Figure:
    """D's loss −V and G's loss, in nats, with the values they have where D = ½ everywhere.

    Where rows have scores, also −V without dropout, on training images and on held-out ones.

    Args:
        rows: at least one.
        objective: G's.
        ink: the colours.
        axes: where to draw; a new figure where not given.
    """
    axes = axes or _new_axes(ink)[0]
    _line(axes, rows, "d_loss", "D's loss, −V", ink.D)
    _line(axes, rows, "g_loss", "G's loss", ink.G)
    scored = [row for row in rows if "V_held_out" in row]
    if scored:
        _line(axes, scored, "V_training", "D's, training", ink.averaged, sign=-1)
        _line(axes, scored, "V_held_out", "D's, held out", ink.text, sign=-1)
    _mark(axes, math.log(4), "log 4", ink.D)
    minimax = objective == "minimax"
    _mark(axes, -math.log(2) if minimax else math.log(2), "−log 2" if minimax else "log 2", ink.G)
    return _finish(axes, ink, "round", "loss (nats)")


def judgements(rows: Metrics, ink: Ink = LIGHT, axes: Axes | None = None) -> Figure:
    """D(x) and D(G(z)): how sure D is that data, and samples, are data. ½ is a coin's toss.

    Where rows have scores, also how often D is right on held-out images and samples.
    """
    axes = axes or _new_axes(ink)[0]
    _line(axes, rows, "D_x", "D(x), data", ink.D)
    _line(axes, rows, "D_G_z", "D(G(z)), samples", ink.G)
    fresh = [(row["round"], row["accuracy"]) for row in rows if "accuracy" in row]
    if fresh:
        alone = "o" if len(fresh) == 1 else None
        points = zip(*fresh, strict=True)
        axes.plot(*points, color=ink.averaged, lw=1.4, marker=alone, label="D is right")
    _mark(axes, 0.5, "½", ink.text)
    axes.set_ylim(0, 1)
    return _finish(axes, ink, "round", "output of D")


def validation(
    rows: Metrics,
    published: PublishedScore | None = None,
    ink: Ink = LIGHT,
    axes: Axes | None = None,
) -> Figure:
    """The Parzen score on validation images as the game went on, raw and averaged generator.

    Args:
        rows: at least one of them with scores.
        published: a score to mark, where it is of the same data.
        ink: the colours.
        axes: where to draw; a new figure where not given.
    """
    axes = axes or _new_axes(ink)[0]
    for weights, marker, colour in (("raw", "o", ink.G), ("averaged", "s", ink.averaged)):
        scores = [
            (row["round"], row["scores"][weights]["valid_nats"])
            for row in rows
            if weights in row.get("scores", {})
        ]
        if scores:
            many = len(scores) > 30
            axes.plot(
                *zip(*scores, strict=True),
                color=colour,
                marker=None if many else marker,
                markersize=4.5,
                label=f"{weights} G",
            )
    if published is not None:
        _mark(axes, published.nats, f"{published.nats:g}", ink.text)
    return _finish(axes, ink, "round", "validation score (nats)")


def sigma_curve(
    curve: Sequence[tuple[float, float]], sigma: float, ink: Ink = LIGHT, axes: Axes | None = None
) -> Figure:
    """Parzen's σ against the mean log-likelihood of the validation images; the chosen σ marked.

    Args:
        curve: (σ, nats) for the whole grid.
        sigma: the one that was chosen.
        ink: the colours.
        axes: where to draw; a new figure where not given.
    """
    axes = axes or _new_axes(ink)[0]
    sigmas, nats = zip(*curve, strict=True)
    axes.plot(sigmas, nats, color=ink.D, marker="o", markersize=4, label="σ of the grid")
    best = dict(curve)[sigma]
    axes.plot(
        [sigma],
        [best],
        linestyle="none",
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgewidth=2,
        color=ink.G,
        label=f"chosen: {sigma:.3f}",
    )
    axes.set_xscale("log")
    ticks = [s for s in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0) if min(sigmas) <= s <= max(sigmas)]
    axes.set_xticks(ticks, [f"{s:g}" for s in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    # Far too small a σ costs thousands of nats; drawn whole, they would flatten the summit.
    axes.set_ylim(bottom=max(min(nats), best - 1000) - 30)
    return _finish(axes, ink, "σ, for pixels in [0, 1], log scale", "validation (nats)")


def curves(
    rows: Metrics,
    objective: str = "non-saturating",
    published: PublishedScore | None = None,
    ink: Ink = LIGHT,
) -> Figure:
    """`losses`, `judgements` and, where a row has scores, `validation`, side by side."""
    scored = any("scores" in row for row in rows)
    axes = _new_axes(ink, 3 if scored else 2)
    losses(rows, objective, ink, axes[0])
    figure = judgements(rows, ink, axes[1])
    if scored:
        validation(rows, published, ink, axes[2])
    return figure


def comparison(
    curves: Mapping[str, Sequence[Mapping[str, float]]],
    published: PublishedScore | None = None,
    ink: Ink = LIGHT,
) -> Figure:
    """The validation scores of several runs over the rounds: raw G's left, averaged G's right.

    Args:
        curves: for each run's name its scores on the way: points with `round` and `raw`,
            `averaged` or both, one at least. More than 150 nats below the lowest end is cut off.
        published: a score to mark, where it is of the same data.
        ink: the colours.
    """
    kinds = [w for w in ("raw", "averaged") if any(w in p for c in curves.values() for p in c)]
    all_axes = _new_axes(ink, len(kinds))
    figure = all_axes[0].figure
    if not isinstance(figure, Figure):
        raise ValueError("These axes are on no figure.")
    lines: dict[str, Line2D] = {}
    for axes, weights in zip(all_axes, kinds, strict=True):
        ends = []
        styles = itertools.product(("-", "--", ":", "-."), _MANY)
        for (dashes, colour), (name, curve) in zip(itertools.cycle(styles), curves.items()):
            points = [(p["round"], p[weights]) for p in curve if weights in p]
            if points:
                alone = "o" if len(points) == 1 else None
                x_y = zip(*points, strict=True)
                style: dict[str, Any] = {"color": colour or ink.text, "ls": dashes, "marker": alone}
                lines[name] = axes.plot(*x_y, lw=1.4, **style)[0]
                ends.append(points[-1][1])
        if published is not None:
            _mark(axes, published.nats, f"{published.nats:g}", ink.text)
        _finish(axes, ink, "round", f"{weights} G, validation (nats)")
        if axes.dataLim.y0 < min(ends) - 150:
            axes.set_ylim(bottom=min(ends) - 150)
    # Names may be long and many: one legend for both panels, in a margin of its own.
    width = figure.get_figwidth() + 0.6 + 0.075 * max(map(len, lines))
    figure.set_size_inches(width, max(figure.get_figheight(), 0.5 + 0.24 * len(lines)))
    words: dict[str, Any] = {"frameon": False, "fontsize": _SIZE, "labelcolor": ink.text}
    legend = figure.legend(lines.values(), lines, loc="outside right upper", **words)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may have $ in it
    return figure


def growth(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    ink: Ink = LIGHT,
) -> Figure:
    """Seconds and megabytes against size on logarithmic axes, a panel for each thing that grows.

    Args:
        curves: for each name of what grows: sizes, seconds, peak memory in MB.
        ink: the colours.
    """
    all_axes = _new_axes(ink, len(curves))
    figure = all_axes[0].figure
    for axes, (name, (sizes, seconds, memory)) in zip(all_axes, curves.items(), strict=True):
        axes.loglog(sizes, seconds, color=ink.G, marker="o", markersize=4.5, label="seconds")
        axes.loglog(
            sizes, memory, color=ink.averaged, marker="s", markersize=4.5, label="peak memory, MB"
        )
        axes.set_xticks(sizes, [f"{n:,.0f}" for n in sizes], rotation=30)
        axes.xaxis.set_minor_locator(NullLocator())
        _finish(axes, ink, name, "")
    if not isinstance(figure, Figure):
        raise ValueError("These axes are on no figure.")
    return figure


def _line(
    axes: Axes, rows: Metrics, name: str, label: str, colour: str, sign: Literal[1, -1] = 1
) -> None:
    """One quantity over the rounds; of very many, means in a band from lowest to highest."""
    bins = min(len(rows), _POINTS)
    rounds, values = (
        np.array_split(factor * np.array([row[key] for row in rows], float), bins)
        for key, factor in (("round", 1), (name, sign))
    )
    x = [b.mean() for b in rounds]
    if len(rows) > bins:
        low, high = [b.min() for b in values], [b.max() for b in values]
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
    alone = "o" if len(rows) == 1 else None
    axes.plot(x, [b.mean() for b in values], color=colour, linewidth=1.6, marker=alone, label=label)


def _mark(axes: Axes, y: float, words: str, colour: str) -> None:
    """A dashed line across the chart, named at its right end."""
    axes.axhline(y, color=colour, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.autoscale(axis="y")  # axhline leaves a line at the very edge where it is
    axes.annotate(
        words,
        (1, y),
        (4, 0),
        ("axes fraction", "data"),
        "offset points",
        color=colour,
        fontsize=_SIZE,
        verticalalignment="center",
        annotation_clip=False,
    )
