"""Figures 2 and 3 and the curves of a run: data in, a picture out (§5).

Sheets of images are arrays of bytes, pixel by pixel. What has text on it is a
`matplotlib.figure.Figure`, made without pyplot, so nothing here is shared between two callers:
``figures.losses(rows).savefig("losses.svg")``.
"""

import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.evaluation.nearest import nearest
from adversarial_nets.evaluation.published import PublishedScore
from adversarial_nets.objectives import Objective
from adversarial_nets.randomness import Address
from adversarial_nets.settings import Settings

__all__ = [
    "DARK",
    "LIGHT",
    "YELLOW",
    "Ink",
    "comparison",
    "curves",
    "figure2",
    "figure2_sheet",
    "figure3",
    "figure3_sheet",
    "grid_png",
    "growth",
    "interpolation",
    "judgements",
    "losses",
    "named_rows",
    "random_pairs",
    "read_grid",
    "samples_over_time",
    "sheet_png",
    "sigma_curve",
    "straight_lines",
    "tiles",
    "to_png",
    "to_svg",
    "validation",
]

Metrics = Sequence[Mapping[str, Any]]
"""Rows of a run's metrics.jsonl, in the order of the rounds."""

YELLOW = (255, 208, 0)
_GAP = 2  # pixels of the model between two images


# --- Sheets of images -----------------------------------------------------------------------------


def tiles(pictures: NDArray[np.uint8], columns: int, gap: int = _GAP) -> NDArray[np.uint8]:
    """Pictures (n, h, w, 3) side by side, row after row, as (H, W, 4); gaps are transparent."""
    n, h, w, _ = pictures.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * (h + gap) + gap, columns * (w + gap) + gap, 4), np.uint8)
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (h + gap) + gap, (i % columns) * (w + gap) + gap
        sheet[y : y + h, x : x + w, :3] = picture
        sheet[y : y + h, x : x + w, 3] = 255
    return sheet


def sheet_png(sheet: NDArray[np.uint8], scale: int) -> bytes:
    """A PNG of a sheet, each of its pixels drawn `scale` wide and high."""
    image = Image.fromarray(sheet)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def grid_png(
    x: Float[Tensor, "n pixels"],
    image_shape: tuple[int, int, int],
    range: tuple[float, float] = (0.0, 1.0),
    columns: int = 10,
    scale: int = 2,
) -> bytes:
    """A PNG of the images in rows of `columns`, each pixel drawn `scale` wide."""
    return sheet_png(tiles(to_pixels(x, image_shape, range), columns), scale)


def read_grid(
    png: bytes, image_shape: tuple[int, int, int], n: int, columns: int = 10
) -> NDArray[np.uint8]:
    """The first n pictures of what `grid_png` wrote at any scale: (n, height, width, 3) bytes."""
    _, h, w = image_shape
    image = Image.open(io.BytesIO(png)).convert("RGB")
    scale = image.width // (columns * (w + _GAP) + _GAP)
    sheet = np.asarray(image)[scale // 2 :: scale, scale // 2 :: scale]
    corners = (
        ((i // columns) * (h + _GAP) + _GAP, (i % columns) * (w + _GAP) + _GAP) for i in range(n)
    )
    return np.stack([sheet[y : y + h, x : x + w] for y, x in corners])


def figure2_sheet(
    samples: Float[Tensor, "n pixels"], data: Dataset, columns: int = 5
) -> NDArray[np.uint8]:
    """Figure 2's panel: rows of samples, each beside the training image nearest to its last.

    Args:
        samples: rows × columns of them, row by row; random ones, or the panel shows nothing.
        data: what the generator learned from.
        columns: samples in a row.

    Returns:
        (H, W, 4) bytes. The sixth column is nearest in L2, and outlined in yellow.
    """
    lasts = samples[columns - 1 :: columns]
    index, _ = nearest(lasts, data.train, data.floats)
    neighbours = data.floats(data.train[index])
    panel = torch.cat([samples.unflatten(0, (-1, columns)), neighbours[:, None]], 1).flatten(0, 1)
    sheet = tiles(to_pixels(panel, data.image_shape, data.range), columns + 1)
    outline = sheet[:, -(data.image_shape[2] + 2 * _GAP) :]
    outline[outline[..., 3] == 0] = (*YELLOW, 255)  # all gaps around the last column
    return sheet


def figure3_sheet(images: Float[Tensor, "rows points pixels"], data: Dataset) -> NDArray[np.uint8]:
    """Figure 3: each row the images along one line in z space; (H, W, 4) bytes."""
    pictures = to_pixels(images.flatten(0, 1), data.image_shape, data.range)
    return tiles(pictures, columns=images.shape[1])


# --- Lines in z space -----------------------------------------------------------------------------


def random_pairs(
    settings: Settings, pairs: int
) -> tuple[Float[Tensor, "pairs z_size"], Float[Tensor, "pairs z_size"]]:
    """Pairs of random points z_0, z_1 ~ p_z; a run's first pairs are always the same."""
    address = Address(settings.seed, 0, range(2 * pairs))
    z = priors.draw(settings.prior, address, settings.z_size, "ends of lines in z")
    return z[0::2], z[1::2]


def straight_lines(
    z_0: Float[Tensor, "rows z_size"], z_1: Float[Tensor, "rows z_size"], points: int = 10
) -> Float[Tensor, "rows points z_size"]:
    """Points at equal steps on the straight line from each z_0 to its z_1, both ends included.

    >>> straight_lines(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]), points=3).tolist()
    [[[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]]
    """
    return torch.lerp(z_0[:, None], z_1[:, None], torch.linspace(0, 1, points)[:, None])


@torch.no_grad()
def interpolation(
    G: nn.Module,
    settings: Settings,
    rows: int = 6,
    points: int = 10,
    ends: tuple[Float[Tensor, "rows z_size"], Float[Tensor, "rows z_size"]] | None = None,
) -> Float[Tensor, "rows points pixels"]:
    """G along straight lines in z space (Figure 3).

    Args:
        G: the generator, raw or averaged.
        settings: the game's, for the prior and the seed.
        rows: how many lines.
        points: images along each line, both ends included.
        ends: z_0 and z_1 of each line; random pairs where not given.
    """
    lines = straight_lines(*(ends or random_pairs(settings, rows)), points)
    training = G.training
    G.eval()
    images = G(lines.flatten(0, 1).to(next(G.parameters())))
    G.train(training)
    return images.float().cpu().unflatten(0, lines.shape[:2])


# --- Sheets with words beside them ----------------------------------------------------------------

_SIZE = 11  # points, of every text
_DPI = 200
_WIDE = 1400  # dots, about, that a sheet is wide on its figure


def figure2(samples: Float[Tensor, "n pixels"], data: Dataset, columns: int = 5) -> Figure:
    """`figure2_sheet` with its columns named, for a slide."""
    sheet = figure2_sheet(samples, data, columns)
    return _captioned(sheet, top=("random samples", "nearest\ntraining image"))


def figure3(images: Float[Tensor, "rows points pixels"], data: Dataset) -> Figure:
    """`figure3_sheet` with its ends named, for a slide."""
    return _captioned(figure3_sheet(images, data), top=("G(z₀)", "G(z₁)"))


def samples_over_time(pictures: Mapping[int, NDArray[np.uint8]]) -> Figure:
    """Samples from the same noise as the game went on, one row for each round.

    Args:
        pictures: for each round some (n, height, width, 3) bytes, n and the noise always the same.
    """
    return named_rows({f"round {round:,}": row for round, row in pictures.items()})


def named_rows(pictures: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Rows of pictures with a name before each.

    Args:
        pictures: for each row some (n, height, width, 3) bytes, n always the same.
    """
    everything = np.stack(list(pictures.values()))
    sheet = tiles(everything.reshape(-1, *everything.shape[2:]), columns=everything.shape[1])
    return _captioned(sheet, left=list(pictures))


def _captioned(
    sheet: NDArray[np.uint8], top: tuple[str, str] = ("", ""), left: Sequence[str] = ()
) -> Figure:
    """A sheet with words over its left and right end and beside its rows.

    Everything is counted in whole dots, so that each pixel of the sheet is a square of the same
    size and every image stays crisp.
    """
    scale = max(1, round(_WIDE / sheet.shape[1]))
    height, width = sheet.shape[0] * scale, sheet.shape[1] * scale
    edge = 10
    above, beside = (
        (90 if any(top) else edge),
        (max(260, 30 + 17 * max(map(len, left))) if left else edge),
    )
    full = (beside + width + edge, above + height + edge)
    figure = Figure((full[0] / _DPI, full[1] / _DPI), dpi=_DPI, facecolor="white")
    frame = (beside / full[0], edge / full[1], width / full[0], height / full[1])
    axes = figure.add_axes(frame)
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    axes.set_title(top[0], loc="left", fontsize=_SIZE, pad=4)
    axes.set_title(top[1], loc="right", fontsize=_SIZE, pad=4)
    for i, words in enumerate(left):
        y = (i + 0.5) / len(left) * sheet.shape[0]
        axes.text(-4, y, words, fontsize=_SIZE, ha="right", va="center")
    return figure


# --- Curves ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ink:
    """A chart's colours, after Okabe and Ito: also colour-blind readers tell them apart.

    Attributes:
        paper: what the chart lies on.
        text: words, ticks and frame.
        faint: grid lines.
        D: what has to do with D or with data.
        G: what has to do with G or with samples.
        averaged: the averaged generator.
    """

    paper: str
    text: str
    faint: str
    D: str
    G: str
    averaged: str


LIGHT = Ink("#ffffff", "#22262b", "#dfe3e7", "#0072b2", "#d55e00", "#00805d")
DARK = Ink("#15181c", "#e6e8ea", "#353b42", "#56b4e9", "#f0903c", "#2fc9a0")

_MANY = ("#0072b2", "#d55e00", "#00805d", "#cc79a7", "#e69f00", "#56b4e9", None)  # text's own
_POINTS = 400  # of a drawn line at most; a chart is about as many dots wide


def losses(
    rows: Metrics,
    objective: Objective = "non-saturating",
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
    objective: Objective = "non-saturating",
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


def _new_axes(ink: Ink, n: int = 1) -> list[Axes]:
    """Axes side by side on a new figure."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05)
    figure = Figure((4.2 * n, 3.1), dpi=_DPI, layout=layout, facecolor=ink.paper)
    return [figure.add_subplot(1, n, i + 1) for i in range(n)]


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


def _finish(axes: Axes, ink: Ink, x: str, y: str) -> Figure:
    """Words, ticks and colours; the legend stands above, where no curve can run into it."""
    axes.set_facecolor("none")
    axes.set_xlabel(x, fontsize=_SIZE, color=ink.text)
    axes.set_ylabel(y, fontsize=_SIZE, color=ink.text)
    axes.tick_params(labelsize=_SIZE - 0.5, colors=ink.text)
    if x == "round":
        axes.set_xlim(0, max(1, 1.03 * axes.dataLim.x1))
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    axes.grid(color=ink.faint, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(ink.text)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=2,
            frameon=False,
            borderaxespad=0.2,
            fontsize=_SIZE,
            labelcolor=ink.text,
            handlelength=1.4,
            columnspacing=1.4,
        )
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("These axes are on no figure.")
    return figure


# --- Files ----------------------------------------------------------------------------------------


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG, at its own resolution."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def to_svg(figure: Figure) -> bytes:
    """The figure as an SVG with no background; letters are outlines, so no font is needed."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "adversarial-nets"}):  # the same bytes each time
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()
