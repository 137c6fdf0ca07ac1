"""The boards: Bokeh figures, and the numbers that fill them at each frame.

The figures are made here once for each game and sent to the page as JSON; after that only numbers
travel, under the names of the columns that they fill.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import (
    ColumnDataSource,
    FreehandDrawTool,
    Label,
    LinearAxis,
    LinearColorMapper,
    Range1d,
    Span,
)
from bokeh.palettes import interp_palette
from bokeh.plotting import figure
from numpy.typing import ArrayLike
from scipy.special import expit

from adversarial_nets.playground.words import WORDS
from adversarial_nets.plots import sheets
from adversarial_nets.replay import Evaluator, Snapshot
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences
from adversarial_nets.toys import images as toys_images
from adversarial_nets.toys import line, plane
from adversarial_nets.toys.networks import gradient_field

__all__ = ["figures_of", "forces", "light", "middle_and_spread", "nearest_png", "numbers", "pad"]

INKS = {
    "light": {"ink": "#1a1a1a", "quiet": "#6b7280", "G": "#1b8a3a", "D": "#1f5fc4"},
    "dark": {"ink": "#e5e7eb", "quiet": "#9ca3af", "G": "#4cc46b", "D": "#6aa5ff"},
}
HEAT = {"light": ("#a8dcb5", "#ffffff", "#a9c5f2"), "dark": ("#1c5a30", "#161b22", "#1f4a8a")}
SHOWN = 400  # points of data and as many samples, in the plane
PULLED = 40  # samples that show the pull of G's objective
BINS = 20  # of D's judgements of images


def _f32(values: ArrayLike) -> dict[str, str]:
    """Numbers as the page reads them: little-endian float32 in base64."""
    raw = np.ascontiguousarray(values, "<f4").tobytes()
    return {"f32": base64.b64encode(raw).decode()}


# --- What a frame keeps, and what is sent of it ---------------------------------------------------


def light(kind: str, frame: Snapshot) -> Snapshot:
    """The frame without what no picture of it shows, for there will be many."""
    if kind != "plane":
        return frame
    # Copies: a view would keep the whole array, and among it the holes of what else was computed.
    few = {name: getattr(frame, name)[:1000].copy() for name in ("samples", "a_data", "a_samples")}
    grid = None if frame.grid is None else frame.grid.copy()
    return replace(frame, **few, D=frame.D.copy(), grid=grid)


def middle_and_spread(kind: str, board: Evaluator, frame: Snapshot) -> tuple[list[float], float]:
    """The middle of the samples in units of the data's spread, and their own spread in the same."""
    if kind == "images":
        return [0.0], frame.variance_ratio
    if kind == "line":
        x = np.concatenate([board.edges[:1], board.x, board.edges[-1:]])
        mean, std = _moments(x, board.p_data)
        middle, spread = _moments(x, frame.p_g)
        return [(middle - mean) / std], spread / std
    std = board.data.std(0)
    return ((frame.samples.mean(0) - board.data.mean(0)) / std).tolist(), float(
        (frame.samples.std(0) / std).mean()
    )


def _moments(x: np.ndarray, p: np.ndarray) -> tuple[float, float]:
    mean = float(p @ x)
    return mean, float(np.sqrt(p @ (x - mean) ** 2))


def forces(kind: str, board: Evaluator, frame: Snapshot, game: Game) -> dict[str, Any]:
    """Where G's objective pushes some samples: the pull of the chosen objective."""
    if kind != "plane":
        return {}
    x = frame.samples[:PULLED]
    reach = np.ptp(board.edges[0]) * 0.12
    force = gradient_field(game, x) * reach
    long = np.linalg.norm(force, axis=1, keepdims=True)
    force *= np.minimum(1, reach / np.maximum(long, 1e-12))
    force[long[:, 0] < 0.03 * reach] = np.nan  # no arrow: a head alone would look like a pull
    return {
        "pull": {
            "x": _f32(x[:, 0]),
            "y": _f32(x[:, 1]),
            "u": _f32(x[:, 0] + force[:, 0]),
            "v": _f32(x[:, 1] + force[:, 1]),
            "turn": _f32(np.arctan2(force[:, 1], force[:, 0]) - np.pi / 2),
        }
    }


def numbers(kind: str, board: Evaluator, frame: Snapshot) -> dict[str, Any]:
    """The frame's numbers, by data source and column."""
    if kind == "line":
        width = board.edges[1] - board.edges[0]
        return {
            "curves": {
                "p_g": _f32(frame.p_g[1:-1] / width),
                "D": _f32(expit(frame.a[1:-1])),
                "D_star": _f32(divergences.D_star(board.p_data, frame.p_g)[1:-1]),
            },
            "arrows": {"there": _f32(frame.G)},
        }
    if kind == "plane":
        heat = np.round(frame.D.T * 255).astype(np.uint8).tobytes()
        found: dict[str, Any] = {
            "samples": {"x": _f32(frame.samples[:SHOWN, 0]), "y": _f32(frame.samples[:SHOWN, 1])},
            "heat": {"bytes": base64.b64encode(heat).decode()},
        }
        if frame.grid is not None:
            grid = frame.grid[:, ::2]
            found["grid"] = {"lines": len(grid), "points": grid.shape[1], "xy": _f32(grid)}
        return found
    counts = [
        np.histogram(expit(a), BINS, (0, 1))[0] / len(a) for a in (frame.a_data, frame.a_samples)
    ]
    return {
        "judged": {"data": _f32(counts[0]), "samples": _f32(counts[1])},
        "png": base64.b64encode(toys_images.samples_png(board, frame)).decode(),
    }


def nearest_png(board: toys_images.Evaluator, frame: toys_images.Snapshot) -> str:
    """The training images nearest to the first ten samples, side by side."""
    images = board.data.floats(toys_images.nearest_images(board, frame))
    png = sheets.grid_png(images, board.data.image_shape, board.data.range, columns=10)
    return base64.b64encode(png).decode()


# --- The figures ----------------------------------------------------------------------------------


def figures_of(kind: str, board: Evaluator, seat: int, lang: str, theme: str) -> dict[str, Any]:
    """Both figures of a game as JSON: the board itself, and its readings over time."""
    words, inks = {name: both[lang] for name, both in WORDS.items()}, INKS[theme]
    makers: dict[str, Callable[..., figure]] = {"line": _line, "plane": _plane, "images": _judged}
    main = makers[kind](board, words, inks, theme)
    chart = _chart(getattr(board, "p_data", None) is not None, words, inks)
    return {name: json_item(f, f"{name}-{seat}") for name, f in (("main", main), ("chart", chart))}


def _figure(inks: dict[str, str], **options: object) -> figure:
    """An empty figure that fits its place on the page."""
    f = figure(
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        output_backend="canvas",
        **options,
    )
    f.toolbar.active_drag = None
    for axis in f.axis:
        axis.axis_line_color = axis.major_tick_line_color = inks["quiet"]
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = inks["quiet"]
        axis.axis_label_text_font_style = "normal"
    f.grid.grid_line_color = None
    return f


def _line(board: line.Evaluator, words: dict[str, str], inks: dict[str, str], theme: str) -> figure:
    """Figure 1: densities and D above, arrows from z to x below."""
    width, peak = board.edges[1] - board.edges[0], 0.0
    p_data = board.p_data[1:-1] / width
    peak = float(p_data.max())
    low, high = -0.42, 1.7  # in peaks of the data
    f = _figure(
        inks,
        x_range=Range1d(board.edges[0], board.edges[-1]),
        y_range=Range1d(low * peak, high * peak),
        name="main",
    )
    f.extra_y_ranges = {"D": Range1d(low / high * 1.06, 1.06)}
    f.yaxis.visible = False
    f.xaxis.axis_label = "x"
    right = LinearAxis(
        y_range_name="D",
        ticker=[0, 0.5, 1],
        major_label_overrides={0: "0", 0.5: "½", 1: "1"},
        axis_line_color=inks["D"],
        major_tick_line_color=inks["D"],
        major_label_text_color=inks["D"],
        minor_tick_line_color=None,
        bounds=(0, 1),
        axis_label="D",
        axis_label_text_color=inks["D"],
    )
    f.add_layout(right, "right")
    nothing = np.full(len(board.x), np.nan)
    curves = ColumnDataSource(
        {"x": board.x, "p_data": p_data, "p_g": nothing, "D": nothing, "D_star": nothing},
        name="curves",
    )
    z = board.edges[0] + (0.5 + 0.48 * board.arrows / np.abs(board.arrows).max()) * np.ptp(
        board.edges
    )
    arrows = ColumnDataSource(
        {
            "here": z,
            "there": z,
            "low": np.full(len(z), (low + 0.03) * peak),
            "high": np.full(len(z), -0.035 * peak),
        },
        name="arrows",
    )
    f.segment("here", "low", "there", "high", source=arrows, color=inks["quiet"], alpha=0.7)
    f.scatter("there", "high", source=arrows, marker="triangle", size=6, color=inks["quiet"])
    for y in (0.0, (low + 0.03) * peak):
        f.add_layout(Span(location=y, dimension="width", line_color=inks["quiet"]))
    for name, y in (("x", 0.0), ("z", (low + 0.03) * peak)):
        at = {"x": board.edges[-1], "y": y, "x_offset": -12, "y_offset": 2}
        f.add_layout(Label(**at, text=name, text_color=inks["quiet"], text_font_style="italic"))
    f.varea("x", 0, "p_g", source=curves, color=inks["G"], alpha=0.13)
    f.line("x", "D_star", source=curves, color=inks["D"], alpha=0.5, y_range_name="D")
    f.line("x", "D", source=curves, color=inks["D"], width=2, dash=[7, 3], y_range_name="D")
    f.line("x", "p_data", source=curves, color=inks["ink"], width=2.2, dash=[2, 3])
    f.line("x", "p_g", source=curves, color=inks["G"], width=2.6)
    return f


def _plane(
    board: plane.Evaluator, words: dict[str, str], inks: dict[str, str], theme: str
) -> figure:
    """Data, samples, D as a heat map, the noise grid mapped by G, and G's gradient field."""
    x, y = (Range1d(e[0], e[-1]) for e in board.edges)
    f = _figure(inks, x_range=x, y_range=y, match_aspect=True, name="main")
    f.axis.visible = False
    low, middle, high = HEAT[theme]
    palette = interp_palette([low, middle, high], 256)
    side = len(board.edges[0]) - 1
    heat = ColumnDataSource({"image": [np.full((side, side), 0.5, np.float32)]}, name="heat")
    f.image(
        "image",
        source=heat,
        x=x.start,
        y=y.start,
        dw=x.end - x.start,
        dh=y.end - y.start,
        color_mapper=LinearColorMapper(palette, low=0, high=1),
    )
    nothing: dict[str, list[float]] = {"x": [], "y": []}
    lines = ColumnDataSource({"xs": [], "ys": []}, name="grid")
    pulls = ColumnDataSource({**nothing, "u": [], "v": [], "turn": []}, name="pull")
    samples = ColumnDataSource(nothing, name="samples")
    f.scatter(*board.data[:SHOWN].T, size=4, color=inks["ink"], alpha=0.45, line_color=None)
    f.multi_line("xs", "ys", source=lines, color=inks["G"], width=0.8, alpha=0.55)
    f.scatter("x", "y", source=samples, size=4, color=inks["G"], alpha=0.75, line_color=None)
    f.segment("x", "y", "u", "v", source=pulls, color="#d9480f", width=1.8)
    f.scatter("u", "v", angle="turn", marker="triangle", source=pulls, size=7, color="#d9480f")
    return f


def _judged(
    board: toys_images.Evaluator, words: dict[str, str], inks: dict[str, str], theme: str
) -> figure:
    """How often D says what of fresh images and of samples."""
    f = _figure(inks, x_range=Range1d(0, 1), y_range=Range1d(0, 1), name="main", min_height=180)
    f.yaxis.visible = False
    f.xaxis.axis_label = words["D says"]
    edges, nothing = np.linspace(0, 1, BINS + 1), np.zeros(BINS)
    source = ColumnDataSource(
        {"left": edges[:-1], "right": edges[1:], "data": nothing, "samples": nothing}, name="judged"
    )
    for column, ink in (("data", "D"), ("samples", "G")):
        f.quad("left", "right", column, 0, source=source, color=inks[ink], alpha=0.5)
    return f


def _chart(C: bool, words: dict[str, str], inks: dict[str, str]) -> figure:
    """V over the rounds, against −log 4 + 2·JSD where that can be had."""
    rounds = Range1d(0, 10, name="rounds")
    f = _figure(inks, name="chart", x_range=rounds, y_range=Range1d(-2.0, 0.05), min_height=130)
    f.xaxis.axis_label = words["round"]
    f.yaxis.ticker = [-2, -divergences.LOG4, -1, -0.5, 0]
    f.yaxis.major_label_overrides = {-divergences.LOG4: "−log 4"}
    f.add_layout(
        Span(
            location=-divergences.LOG4,
            dimension="width",
            line_color=inks["quiet"],
            line_dash="dashed",
        )
    )
    source = ColumnDataSource({"round": [], "V": [], "C": [], "floor": []}, name="curve")
    if C:
        f.line("round", "C", source=source, color=inks["G"], width=2.2)
        f.line("round", "floor", source=source, color=inks["G"], dash="dashed")
    f.line("round", "V", source=source, color=inks["D"], width=2)
    return f


def pad(theme: str) -> dict[str, Any]:
    """An empty square to draw in, with mouse or finger."""
    f = _figure(INKS[theme], x_range=Range1d(-3, 3), y_range=Range1d(-3, 3), name="pad")
    f.axis.visible = False
    f.outline_line_color = INKS[theme]["quiet"]
    strokes = ColumnDataSource({"xs": [], "ys": []}, name="strokes")
    glyph = f.multi_line("xs", "ys", source=strokes, color=INKS[theme]["ink"], width=5)
    tool = FreehandDrawTool(renderers=[glyph], num_objects=60)
    f.add_tools(tool)
    f.toolbar.active_drag = tool
    return dict(json_item(f, "pad"))
