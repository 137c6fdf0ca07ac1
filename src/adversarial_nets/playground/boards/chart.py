"""The chart below each board: V(D, G) and −log 4 + 2·JSD over the rounds."""

from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from adversarial_nets.playground.boards.style import Texts, Theme, new_figure
from adversarial_nets.theory.divergences import LOG4

__all__ = ["LOWEST", "draw", "draw_metrics"]

LOWEST = -2.0
"""The lower end of the axis, in nats."""


def draw_metrics(texts: Texts, theme: Theme) -> figure:
    """Up to three metrics over the rounds, each with a perfect generator's value (dashed).

    The page chooses the metrics and sets the range of the y axis.
    """
    rounds, values = Range1d(0, 10, name="rounds"), Range1d(0, 1, name="values")
    f = new_figure(theme, name="chart", x_range=rounds, y_range=values, min_height=130)
    f.xaxis.axis_label = texts["round"]
    for i, color in enumerate((theme.D, theme.G, theme.gradient)):
        source = ColumnDataSource({"round": [], "value": [], "perfect": []}, name=f"metric {i}")
        f.line("round", "value", source=source, color=color, width=2)
        f.line("round", "perfect", source=source, color=color, dash="dashed")
    return f


def draw(density_known: bool, texts: Texts, theme: Theme) -> figure:
    """V over the rounds, and C = −log 4 + 2·JSD if the data's density is known."""
    rounds = Range1d(0, 10, name="rounds")
    f = new_figure(
        theme, name="chart", x_range=rounds, y_range=Range1d(LOWEST, 0.05), min_height=130
    )
    f.xaxis.axis_label = texts["round"]
    f.yaxis.ticker = [-2, -LOG4, -1, -0.5, 0]
    f.yaxis.major_label_overrides = {-LOG4: "−log 4"}
    f.add_layout(
        Span(location=-LOG4, dimension="width", line_color=theme.muted, line_dash="dashed")
    )
    columns: dict[str, list[float]] = {n: [] for n in ("round", "V", "C", "floor", "below")}
    source = ColumnDataSource(columns, name="curve")
    if density_known:
        f.line("round", "C", name="layer C", source=source, color=theme.G, width=2.2)
        dashed = {"color": theme.G, "dash": "dashed"}
        f.line("round", "floor", name="layer floor", source=source, **dashed)
    layer = {"name": "layer V", "source": source, "color": theme.D}
    f.line("round", "V", width=2, **layer)
    # Where V is below the axis, a triangle marks it at the end of the axis.
    f.scatter("round", "below", marker="inverted_triangle", size=8, **layer)
    return f
