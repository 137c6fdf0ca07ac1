"""The images inside a report, as data URIs: grids of samples, charts, samples over time."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from adversarial_nets.errors import UserError
from adversarial_nets.plots import sheets, style
from adversarial_nets.plots.style import DARK, LIGHT
from adversarial_nets.runs.files import numbered_by_round
from adversarial_nets.runs.folder import Run
from adversarial_nets.text import data_uri

__all__ = ["chart", "samples_over_time", "sheet_uri"]

_WIDTH = 1100  # pixels; at least the width on the page, so that browsers do not enlarge and blur it
_MAX_BYTES = 1_000_000  # approximate size, in the page, of the images of one training


def sheet_uri(sheet: NDArray[np.uint8]) -> str:
    """A grid of images as a data URI, enlarged to at least its width on the page."""
    return data_uri(sheets.sheet_png(sheet, scale=-(-_WIDTH // sheet.shape[1])), "png")


def chart(figure: Figure) -> Mapping[str, str]:
    """A chart in light colours as SVG data URIs: ``light``, and ``dark`` for a dark page."""
    light = style.to_svg(figure)
    dark = style.recoloured(light, LIGHT, DARK)  # faster than drawing it again
    return {"light": data_uri(light, "svg+xml"), "dark": data_uri(dark, "svg+xml")}


def samples_over_time(run: Run, n: int, most: int) -> dict[int, NDArray[np.uint8]]:
    """For several rounds, n samples that the training generated from the same noise.

    Args:
        run: the run.
        n: samples of each round.
        most: the largest number of rounds. The size of the page may allow fewer; empty if fewer
            than two remain.

    Raises:
        UserError: a picture is damaged.
    """
    paths = numbered_by_round((run.folder / "samples").glob("*.png"))
    if not paths:
        return {}

    def read(round: int) -> NDArray[np.uint8]:
        try:
            return sheets.read_grid(paths[round].read_bytes(), run.image_shape, n)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on damaged files
            raise UserError(f"{paths[round]} is damaged ({error}); delete it.") from error

    most = min(most, _MAX_BYTES // len(sheet_uri(sheets.tile_images(read(max(paths)), 10))))
    return {round: read(round) for round in _milestones(list(paths), most)} if most > 1 else {}


def _milestones(rounds: Sequence[int], most: int) -> list[int]:
    """At most `most` (2 or more) of the rounds, equally spaced in the logarithm.

    Samples change most early in the training.

    >>> _milestones(range(0, 10_001, 500), 5)
    [0, 500, 1500, 3500, 10000]
    """
    if len(rounds) <= most:
        return list(rounds)
    marks = np.geomspace(max(rounds[1], 1), rounds[-1], most - 1)
    return sorted({rounds[0]} | {min(rounds, key=lambda r: abs(r - mark)) for mark in marks})
