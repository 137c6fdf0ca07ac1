"""Colours, text sizes, axes style and file formats shared by all figures."""

import io
import re
from dataclasses import astuple, dataclass
from pathlib import Path

import matplotlib
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from adversarial_nets.runs.files import explain_os_errors, write_atomically

__all__ = [
    "DARK",
    "DPI",
    "FONT_SIZE",
    "LIGHT",
    "LINE_COLOURS",
    "YELLOW",
    "Palette",
    "figure_of",
    "finish_axes",
    "new_axes",
    "recoloured",
    "tidy",
    "to_png",
    "to_svg",
    "write_picture",
]

FONT_SIZE = 11
"""Points, for all text in a figure."""

DPI = 200
"""Dots per inch of a figure saved as PNG."""


# --- Colours --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Palette:
    """The colours of a chart: Okabe and Ito's, which colour-blind readers can distinguish.

    Attributes:
        background: background of the chart.
        text: text, ticks and axes.
        grid: grid lines.
        D: the discriminator and the data.
        G: the generator and its samples.
        averaged: the averaged generator.
    """

    background: str
    text: str
    grid: str
    D: str
    G: str
    averaged: str


LIGHT = Palette("#ffffff", "#22262b", "#dfe3e7", "#0072b2", "#d55e00", "#00805d")
DARK = Palette("#15181c", "#e6e8ea", "#353b42", "#56b4e9", "#f0903c", "#2fc9a0")

LINE_COLOURS = ("#0072b2", "#d55e00", "#00805d", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours of several runs in one chart (Okabe and Ito)."""

YELLOW = (255, 208, 0)
"""RGB of the outline around the nearest training images in Figure 2."""


# --- Axes -----------------------------------------------------------------------------------------


def new_axes(palette: Palette, n: int = 1) -> list[Axes]:
    """A new figure with n axes side by side."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05)
    figure = Figure((4.2 * n, 3.1), dpi=DPI, layout=layout, facecolor=palette.background)
    return [figure.add_subplot(1, n, i + 1) for i in range(n)]


def figure_of(axes: Axes) -> Figure:
    """The figure that the axes belong to.

    Raises:
        ValueError: the axes do not belong to a figure.
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("These axes belong to no figure.")
    return figure


def finish_axes(axes: Axes, palette: Palette, x_label: str, y_label: str) -> Figure:
    """Add labels, ticks, colours, and a legend above the axes, where it covers no curve."""
    axes.set_facecolor("none")
    axes.set_xlabel(x_label, fontsize=FONT_SIZE, color=palette.text)
    axes.set_ylabel(y_label, fontsize=FONT_SIZE, color=palette.text)
    axes.tick_params(labelsize=FONT_SIZE - 0.5, colors=palette.text)
    if x_label == "round":
        axes.set_xlim(0, max(1, 1.03 * axes.dataLim.x1))
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    axes.grid(color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(palette.text)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=2,
            frameon=False,
            borderaxespad=0.2,
            fontsize=FONT_SIZE,
            labelcolor=palette.text,
            handlelength=1.4,
            columnspacing=1.4,
        )
    return figure_of(axes)


def tidy(axes: Axes) -> None:
    """Hide the top and right spines and add a legend without a frame."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)


# --- Colours of figures about the theory, after the paper's Figure 1 ------------------------------

DATA_COLOUR, G_COLOUR, D_COLOUR = "#111111", "#1b9e3e", "#1f5fc4"
"""Data and reference lines in black, G in green, D in blue."""
OTHER_COLOUR, GREY = "#c4551f", "#666666"
PALETTE = (D_COLOUR, OTHER_COLOUR, G_COLOUR, "#7a3fb0")
"""Colours for a few curves of the same kind."""


# --- Files ----------------------------------------------------------------------------------------


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG, at the figure's own resolution."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def to_svg(figure: Figure) -> bytes:
    """The figure as an SVG with a transparent background; letters are outlines and need no font."""
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "adversarial-nets"}):  # the same bytes each time
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def recoloured(svg: bytes, old: Palette, new: Palette) -> bytes:
    """The SVG with the colours of one palette in place of those of another."""
    pairs = zip(astuple(old), astuple(new), strict=True)
    colours = {before.encode(): after.encode() for before, after in pairs}
    return re.sub(rb"#[0-9a-f]{6}", lambda found: colours.get(found[0], found[0]), svg)


def write_picture(figure: Figure, path: Path, dpi: int = 110) -> Path:
    """Write a figure to a file, in the format of its suffix, with the same bytes each time."""
    picture = io.BytesIO()
    kind = path.suffix[1:]
    with explain_os_errors(path.parent), rc_context({"svg.hashsalt": path.stem}):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(
            picture, format=kind, dpi=dpi, metadata={"Date": None} if kind == "svg" else None
        )
        write_atomically(path, picture.getvalue())
    return path
