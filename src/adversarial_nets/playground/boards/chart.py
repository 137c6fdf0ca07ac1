"""The chart below each board: V(D, G) and −log 4 + 2·JSD over the rounds."""

from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from adversarial_nets.playground.boards.style import Texts, Theme, new_figure
from adversarial_nets.theory.divergences import LOG4

__all__ = ["draw"]


def draw(density_known: bool, texts: Texts, theme: Theme) -> figure:
    """V over the rounds, and C = −log 4 + 2·JSD if the data's density is known."""
    rounds = Range1d(0, 10, name="rounds")
    f = new_figure(theme, name="chart", x_range=rounds, y_range=Range1d(-2.0, 0.05), min_height=130)
    f.xaxis.axis_label = texts["round"]
    f.yaxis.ticker = [-2, -LOG4, -1, -0.5, 0]
    f.yaxis.major_label_overrides = {-LOG4: "−log 4"}
    f.add_layout(
        Span(location=-LOG4, dimension="width", line_color=theme.muted, line_dash="dashed")
    )
    source = ColumnDataSource({"round": [], "V": [], "C": [], "floor": []}, name="curve")
    if density_known:
        f.line("round", "C", source=source, color=theme.G, width=2.2)
        f.line("round", "floor", source=source, color=theme.G, dash="dashed")
    f.line("round", "V", source=source, color=theme.D, width=2)
    return f
