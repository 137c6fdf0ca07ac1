"""Small pictures of data sets to choose from, drawn from the data themselves as SVG."""

import functools
from typing import cast

import numpy as np

from adversarial_nets import replay
from adversarial_nets.datasets import Dataset
from adversarial_nets.plots import sheets
from adversarial_nets.text import data_uri
from adversarial_nets.toys.distributions import Toy, sample_points

__all__ = ["thumbnail"]

SIDE = 40
"""Side of the square in which a picture is drawn."""
POINTS = 120
"""Number of points for data in the plane."""
BARS, BAR_POINTS = 20, 4000
"""Number of bars for data on a line, and of the points that they count."""


@functools.lru_cache(maxsize=64)
def thumbnail(data: str) -> str:
    """The picture of a data set as an ``<svg>`` element.

    Args:
        data: a name that `validation.check_data_name` returned.
    """
    source = replay.load_data(data)
    if isinstance(source, Dataset):
        inner = _images(source)
    else:
        x = sample_points(cast("Toy", source), POINTS if source.pixels == 2 else BAR_POINTS)
        inner = _dots(x) if source.pixels == 2 else _bars(x[:, 0])
    return f'<svg viewBox="0 0 {SIDE} {SIDE}" aria-hidden="true">{inner}</svg>'


def _dots(x: np.ndarray) -> str:
    """Points in the plane as SVG: strokes of length 0 with round ends."""
    middle, width = (x.max(0) + x.min(0)) / 2, np.ptp(x, axis=0).max()
    at = (SIDE / 2 + 0.86 * SIDE * (x - middle) / width * [1, -1]).round(1)
    return f'<path class="dots" d="{"".join(f"M{a:g} {b:g}h0" for a, b in at)}"/>'


def _bars(x: np.ndarray) -> str:
    """A histogram of points on a line, as SVG."""
    margin = 0.15 * np.ptp(x)
    counts, _ = np.histogram(x, BARS, (x.min() - margin, x.max() + margin))
    heights, width = (0.85 * SIDE * counts / counts.max()).round(1), SIDE / BARS
    bars = "".join(f"V{SIDE - height:g}h{width:g}" for height in heights)
    return f'<path class="bars" d="M0 {SIDE}{bars}V{SIDE}z"/>'


def _images(data: Dataset) -> str:
    """The first four training images, as SVG."""
    png = sheets.grid_png(data.floats(data.train[:4]), data.image_shape, data.range, columns=2)
    return f'<image href="{data_uri(png)}" width="{SIDE}" height="{SIDE}"/>'
