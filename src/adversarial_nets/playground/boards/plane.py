"""The board for data in the plane: data, samples, D as a heat map, the z grid, G's gradient."""

import base64
from dataclasses import replace
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from bokeh.palettes import interp_palette
from bokeh.plotting import figure

from adversarial_nets.playground.boards.style import Texts, Theme, encode_float32, new_figure
from adversarial_nets.state import Game
from adversarial_nets.toys import plane
from adversarial_nets.toys.networks import gradient_field
from adversarial_nets.toys.plane import Evaluator, Snapshot

__all__ = ["center_and_spread", "columns", "draw", "for_history", "gradient_arrows"]

POINTS = 400
"""Number of displayed data points, and of displayed samples."""
HISTORY_SAMPLES = 1000
"""Number of samples that the history keeps of each snapshot."""
ARROWS = 40
"""Number of samples with an arrow along the gradient of G's objective."""
PAIRS = 100
"""Number of data points x whose E(x) and G(E(x)) are shown in the joint game."""
MAX_ARROW, MIN_ARROW = 0.12, 0.0036
"""Smallest and largest length of an arrow, as shares of the board's width; shorter arrows are not
drawn."""


def for_history(snapshot: Snapshot) -> Snapshot:
    """The snapshot with fewer samples, for the history."""
    rows = {
        "samples": HISTORY_SAMPLES,
        "a_data": HISTORY_SAMPLES,
        "a_samples": HISTORY_SAMPLES,
        "codes": PAIRS,
        "reconstructions": PAIRS,
        "D": None,  # all
        "grid": None,
    }
    copies = {}
    for name, n in rows.items():
        array = getattr(snapshot, name)
        if array is not None:
            copies[name] = array[:n].copy()  # a view would keep the whole array in memory
    return replace(snapshot, **copies)


def center_and_spread(evaluator: Evaluator, snapshot: Snapshot) -> tuple[list[float], float]:
    """Mean and standard deviation of the samples, in units of the data's standard deviation."""
    std = evaluator.data.std(0)
    center = (snapshot.samples.mean(0) - evaluator.data.mean(0)) / std
    return center.tolist(), float((snapshot.samples.std(0) / std).mean())


def gradient_arrows(evaluator: Evaluator, snapshot: Snapshot, game: Game) -> dict[str, Any]:
    """Arrows at some samples, along the negative gradient of G's objective with respect to x."""
    x, width = snapshot.samples[:ARROWS], np.ptp(evaluator.edges[0])
    z = plane.noise_of_samples(game.settings, len(x)) if game.settings.joint else None
    arrow = gradient_field(game, x, z) * MAX_ARROW * width
    length = np.linalg.norm(arrow, axis=1, keepdims=True)
    arrow *= np.minimum(1, MAX_ARROW * width / np.maximum(length, 1e-12))
    arrow[length[:, 0] < MIN_ARROW * width] = np.nan  # an arrow this short would show only its head
    return {
        "gradient": {
            "x": encode_float32(x[:, 0]),
            "y": encode_float32(x[:, 1]),
            "x_end": encode_float32(x[:, 0] + arrow[:, 0]),
            "y_end": encode_float32(x[:, 1] + arrow[:, 1]),
            "angle": encode_float32(np.arctan2(arrow[:, 1], arrow[:, 0]) - np.pi / 2),
        }
    }


def columns(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Any]:
    """The numbers of one snapshot, by data source and column of the figure."""
    heat = np.round(snapshot.D.T * 255).astype(np.uint8).tobytes()
    found: dict[str, Any] = {
        "samples": {
            "x": encode_float32(snapshot.samples[:POINTS, 0]),
            "y": encode_float32(snapshot.samples[:POINTS, 1]),
        },
        "heat": {"bytes": base64.b64encode(heat).decode()},
    }
    if snapshot.codes is not None and snapshot.reconstructions is not None:
        x, y = evaluator.data[:PAIRS], snapshot.reconstructions[:PAIRS]
        ends = {"x": x[:, 0], "y": x[:, 1], "x_end": y[:, 0], "y_end": y[:, 1]}
        found["reconstructions"] = {name: encode_float32(v) for name, v in ends.items()}
        found["codes"] = encode_float32(snapshot.codes[:PAIRS])
    if snapshot.grid is not None and evaluator.z is not None:
        grid = snapshot.grid[:, ::2]
        found["grid"] = {
            "lines": len(grid),
            "points": grid.shape[1],
            "xy": encode_float32(grid),
            "z": encode_float32(evaluator.z[:, ::2]),
        }
    return found


def draw(evaluator: Evaluator, texts: Texts, theme: Theme) -> figure:
    """The figure with the data; `columns` and `gradient_arrows` fill the rest."""
    x_range, y_range = (Range1d(edges[0], edges[-1]) for edges in evaluator.edges)
    f = new_figure(theme, x_range=x_range, y_range=y_range, match_aspect=True, name="main")
    f.axis.visible = False
    side = len(evaluator.edges[0]) - 1
    heat = ColumnDataSource({"image": [np.full((side, side), 0.5, np.float32)]}, name="heat")
    f.image(
        "image",
        name="layer heat",
        source=heat,
        x=x_range.start,
        y=y_range.start,
        dw=x_range.end - x_range.start,
        dh=y_range.end - y_range.start,
        color_mapper=LinearColorMapper(interp_palette(list(theme.heat), 256), low=0, high=1),
    )
    empty: dict[str, list[float]] = {"x": [], "y": []}
    grid = ColumnDataSource({"xs": [], "ys": []}, name="grid")
    samples = ColumnDataSource(empty, name="samples")
    arrows = ColumnDataSource({**empty, "x_end": [], "y_end": [], "angle": []}, name="gradient")
    # An edge of the middle colour separates samples and arrows from the ends of the heat map.
    edge = theme.heat[1]
    data = {"name": "layer data", "color": theme.ink, "alpha": 0.6, "line_color": None, "size": 4}
    f.scatter(*evaluator.data[:POINTS].T, **data)
    thin = {"color": theme.ink, "width": 0.8, "alpha": 0.45}
    f.multi_line("xs", "ys", name="layer grid", source=grid, **thin)
    of_G = {"fill_color": theme.G, "line_color": edge, "line_width": 0.6, "size": 5}
    f.scatter("x", "y", name="layer samples", source=samples, **of_G)
    ends: dict[str, list[float]] = {**empty, "x_end": [], "y_end": []}
    pairs = ColumnDataSource(ends, name="reconstructions")
    for color, width in ((edge, 3.2), (theme.D, 1.4)):
        of_E = {"name": "layer pairs", "color": color, "width": width}
        f.segment("x", "y", "x_end", "y_end", source=pairs, **of_E)
    hover = ColumnDataSource(empty, name="hover")
    f.scatter("x", "y", source=hover, marker="star", size=18, color=theme.G, line_color=theme.ink)
    layer = {"name": "layer gradient", "source": arrows}
    f.segment("x", "y", "x_end", "y_end", width=3.4, color=edge, **layer)
    f.segment("x", "y", "x_end", "y_end", width=1.8, color=theme.gradient, **layer)
    head = {"marker": "triangle", "size": 8, "fill_color": theme.gradient, "line_color": edge}
    f.scatter("x_end", "y_end", angle="angle", **head, **layer)
    return f
