"""Colours, sizes and file formats that all figures share."""

import io
from dataclasses import dataclass
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
    "LIGHT",
    "Ink",
    "to_png",
    "to_svg",
]


# --- Sheets with words beside them ----------------------------------------------------------------

_SIZE = 11  # points, of every text
_DPI = 200
_WIDE = 1400  # dots, about, that a sheet is wide on its figure


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


def _new_axes(ink: Ink, n: int = 1) -> list[Axes]:
    """Axes side by side on a new figure."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05)
    figure = Figure((4.2 * n, 3.1), dpi=_DPI, layout=layout, facecolor=ink.paper)
    return [figure.add_subplot(1, n, i + 1) for i in range(n)]


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


# --- Colours of figures about the theory, after the paper's Figure 1 ------------------------------

DATA_COLOUR, G_COLOUR, D_COLOUR = "#111111", "#1b9e3e", "#1f5fc4"
"""Data and reference lines in black, G in green, D in blue."""
OTHER_COLOUR, GREY = "#c4551f", "#666666"
PALETTE = (D_COLOUR, OTHER_COLOUR, G_COLOUR, "#7a3fb0")
"""Colours for a few curves of the same kind."""


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


def tidy(axes: Axes) -> None:
    """Two spines and a plain legend."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)


def write_picture(figure: Figure, path: Path, dpi: int = 110) -> Path:
    """Write a figure as the kind of picture that the path's ending names, the same each time."""
    picture = io.BytesIO()
    kind = path.suffix[1:]
    with explain_os_errors(path.parent), rc_context({"svg.hashsalt": path.stem}):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(
            picture, format=kind, dpi=dpi, metadata={"Date": None} if kind == "svg" else None
        )
        write_atomically(path, picture.getvalue())
    return path
