"""Colours, empty figures and number encoding that all boards share."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from bokeh.plotting import figure
from numpy.typing import ArrayLike

__all__ = ["THEMES", "Texts", "Theme", "encode_float32", "new_figure"]

Texts = Mapping[str, str]
"""The texts of one language, by their names in `words.WORDS`."""


@dataclass(frozen=True)
class Theme:
    """Colours of the figures; the same as in ``page.css``.

    Attributes:
        ink: the data, and texts.
        muted: axes and labels.
        G: the generator and its samples.
        D: the discriminator.
        gradient: the gradient of G's objective.
        heat: D's probability as colours from 0 (sample) over ½ to 1 (data). The ends have a
            contrast of at least 3 : 1 to the middle and to the ink, so that a projector shows them.
    """

    ink: str
    muted: str
    G: str
    D: str
    gradient: str
    heat: tuple[str, str, str]


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        ink="#1a1a1a",
        muted="#6b7280",
        G="#1b8a3a",
        D="#1f5fc4",
        gradient="#d9480f",
        heat=("#36a25a", "#ffffff", "#3566cc"),
    ),
    "dark": Theme(
        ink="#e5e7eb",
        muted="#9ca3af",
        G="#4cc46b",
        D="#6aa5ff",
        gradient="#ff922b",
        heat=("#2b9451", "#161b22", "#2b64c6"),
    ),
}


def encode_float32(values: ArrayLike) -> dict[str, str]:
    """Numbers for ``page.js``: little-endian float32 in base64."""
    raw = np.ascontiguousarray(values, "<f4").tobytes()
    return {"f32": base64.b64encode(raw).decode()}


def new_figure(theme: Theme, **options: object) -> figure:
    """An empty Bokeh figure that fills its place on the page, without toolbar and grid."""
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
        axis.axis_line_color = axis.major_tick_line_color = theme.muted
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = theme.muted
        axis.axis_label_text_font_style = "normal"
    f.grid.grid_line_color = None
    return f
