"""The square in which a user draws data."""

from typing import Any

from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, FreehandDrawTool, Range1d

from adversarial_nets.playground.boards.style import THEMES, new_figure

__all__ = ["drawing_pad_json"]


def drawing_pad_json(theme_name: str) -> dict[str, Any]:
    """The empty drawing pad as Bokeh JSON; both axes go from −3 to 3."""
    theme = THEMES[theme_name]
    f = new_figure(theme, x_range=Range1d(-3, 3), y_range=Range1d(-3, 3), name="pad")
    f.axis.visible = False
    f.outline_line_color = theme.muted
    strokes = ColumnDataSource({"xs": [], "ys": []}, name="strokes")
    glyph = f.multi_line("xs", "ys", source=strokes, color=theme.ink, width=5)
    tool = FreehandDrawTool(renderers=[glyph], num_objects=60)
    f.add_tools(tool)
    f.toolbar.active_drag = tool
    return dict(json_item(f, "pad"))
