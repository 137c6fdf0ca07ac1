"""The board for data on a line, as in Figure 1: densities, D, and arrows from z to x = G(z)."""

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, Label, LinearAxis, Range1d, Span
from bokeh.plotting import figure
from scipy.special import expit

from adversarial_nets.playground.boards.style import Texts, Theme, encode_float32, new_figure
from adversarial_nets.toys.line import Evaluator, Snapshot

__all__ = ["center_and_spread", "columns", "draw"]

LOW, HIGH = -0.56, 1.7
"""Range of the density axis, in units of the data's largest density."""
Z_AXIS = LOW + 0.03
"""Height of the z axis, in the same units."""
ARROW_TIP = -0.16
"""Height of the arrows' tips below the tick labels of the x axis, in the same units."""


def center_and_spread(evaluator: Evaluator, snapshot: Snapshot) -> tuple[list[float], float]:
    """Mean and standard deviation of p_g, in units of the data's standard deviation."""
    data_mean, data_std = _mean_and_std(evaluator.support, evaluator.p_data)
    mean, std = _mean_and_std(evaluator.support, snapshot.p_g)
    return [(mean - data_mean) / data_std], std / data_std


def _mean_and_std(x: np.ndarray, p: np.ndarray) -> tuple[float, float]:
    mean = float(p @ x)
    return mean, float(np.sqrt(p @ (x - mean) ** 2))


def columns(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Any]:
    """The numbers of one snapshot, by data source and column of the figure."""
    cell = evaluator.edges[1] - evaluator.edges[0]
    return {
        "curves": {  # the first and the last mass lie outside the cells
            "p_g": encode_float32(snapshot.p_g[1:-1] / cell),
            "D": encode_float32(expit(snapshot.a[1:-1])),
            "D_star": encode_float32(snapshot.D_star[1:-1]),
        },
        "arrows": {"x": encode_float32(snapshot.G)},
        "z": encode_float32(evaluator.arrows),
    }


def draw(evaluator: Evaluator, texts: Texts, theme: Theme) -> figure:
    """Densities and D above the x axis, arrows from the z axis to the x axis below."""
    p_data = evaluator.p_data[1:-1] / (evaluator.edges[1] - evaluator.edges[0])
    peak = float(p_data.max())
    f = new_figure(
        theme,
        x_range=Range1d(evaluator.edges[0], evaluator.edges[-1]),
        y_range=Range1d(LOW * peak, HIGH * peak),
        name="main",
    )
    f.yaxis.visible = False
    f.xaxis.fixed_location = 0  # the tick labels of x are at the x axis, not below the z axis
    f.xaxis.major_tick_out, f.xaxis.major_label_standoff = 4, 2
    _add_D_axis(f, theme)
    _add_arrows(f, evaluator, peak, theme)
    _add_x_and_z_axes(f, evaluator, peak, theme)
    _add_curves(f, evaluator, p_data, theme)
    return f


def _add_D_axis(f: figure, theme: Theme) -> None:
    """A second y axis, on the right, for D(x) in [0, 1]."""
    f.extra_y_ranges = {"D": Range1d(LOW / HIGH * 1.06, 1.06)}
    axis = LinearAxis(
        y_range_name="D",
        ticker=[0, 0.5, 1],
        major_label_overrides={0: "0", 0.5: "½", 1: "1"},
        axis_line_color=theme.D,
        major_tick_line_color=theme.D,
        major_label_text_color=theme.D,
        minor_tick_line_color=None,
        bounds=(0, 1),
        axis_label="D",
        axis_label_text_color=theme.D,
    )
    f.add_layout(axis, "right")


def _add_arrows(f: figure, evaluator: Evaluator, peak: float, theme: Theme) -> None:
    """Arrows from z, scaled to the width of the figure, to G(z)."""
    edges, arrows = evaluator.edges, evaluator.arrows
    largest = float(np.abs(arrows).max())
    z = edges[0] + (0.5 + 0.48 * arrows / largest) * np.ptp(edges)
    end = largest * 0.5 / 0.48
    f.extra_x_ranges = {"z": Range1d(-end, end)}
    axis = LinearAxis(
        x_range_name="z",
        ticker=[-2, -1, 0, 1, 2],
        axis_line_color=None,
        major_tick_line_color=theme.muted,
        major_label_text_color=theme.muted,
    )
    f.add_layout(axis, "below")
    source = ColumnDataSource(
        {
            "z": z,
            "x": z,
            "bottom": np.full(len(z), Z_AXIS * peak),
            "top": np.full(len(z), ARROW_TIP * peak),
        },
        name="arrows",
    )
    layer = {"name": "layer arrows", "source": source, "color": theme.muted}
    f.segment("z", "bottom", "x", "top", alpha=0.7, **layer)
    f.scatter("x", "top", marker="triangle", size=6, **layer)
    columns: dict[str, list[float]] = {name: [] for name in ("z", "x", "bottom", "top")}
    hover = ColumnDataSource(columns, name="hover")
    f.segment("z", "bottom", "x", "top", source=hover, color=theme.G, width=3)


def _add_x_and_z_axes(f: figure, evaluator: Evaluator, peak: float, theme: Theme) -> None:
    """Two horizontal lines, labelled x and z."""
    for name, y in (("x", 0.0), ("z", Z_AXIS * peak)):
        f.add_layout(Span(location=y, dimension="width", line_color=theme.muted))
        label = Label(
            x=evaluator.edges[-1],
            y=y,
            x_offset=-12,
            y_offset=2,
            text=name,
            text_color=theme.muted,
            text_font_style="italic",
            background_fill_color=theme.heat[1],  # the colour of the page
        )
        f.add_layout(label)


def _add_curves(f: figure, evaluator: Evaluator, p_data: np.ndarray, theme: Theme) -> None:
    """p_data, p_g, D and D* over x; all but p_data are filled by `columns`."""
    empty = np.full(len(evaluator.x), np.nan)
    source = ColumnDataSource(
        {"x": evaluator.x, "p_data": p_data, "p_g": empty, "D": empty, "D_star": empty},
        name="curves",
    )
    D_axis = {"source": source, "color": theme.D, "y_range_name": "D"}
    f.varea("x", 0, "p_g", name="layer p_g", source=source, color=theme.G, alpha=0.13)
    f.line("x", "D_star", name="layer D_star", alpha=0.75, **D_axis)
    f.line("x", "D", name="layer D", width=2, dash=[7, 3], **D_axis)
    dots = {"color": theme.ink, "width": 2.2, "dash": [2, 3]}
    f.line("x", "p_data", name="layer p_data", source=source, **dots)
    f.line("x", "p_g", name="layer p_g", source=source, color=theme.G, width=2.6)
