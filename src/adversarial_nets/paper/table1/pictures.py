"""Pictures of one row of Table 1: samples with their nearest training images, strips, paths."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.datasets import Dataset
from adversarial_nets.paper.table1.record import Result, read_image_shape
from adversarial_nets.plots import sheets
from adversarial_nets.runs import files as runs_files
from adversarial_nets.text import file_name

__all__ = ["COLUMNS", "find", "read_strip", "write_path", "write_samples"]

COLUMNS = 10
"""Images in a strip."""


def write_samples(samples: Tensor, data: Dataset, folder: Path, model: str) -> None:
    """Write pictures of the first samples, unselected: a panel as in Figure 2, and ten in a row."""
    n = min(len(samples), 20)
    columns = min(n, 5)
    panel = sheets.figure2_sheet(samples[: n // columns * columns], data, columns)
    _write(folder, model, "figure2", sheets.sheet_png(panel, 2))
    _write(folder, model, "samples", _strip_png(samples, data))


def write_path(images: Tensor, data: Dataset, folder: Path, model: str) -> None:
    """Write a strip of consecutive images: steps of a Markov chain, or points on a line in z."""
    _write(folder, model, "path", _strip_png(images, data))


def _strip_png(images: Tensor, data: Dataset) -> bytes:
    return sheets.grid_png(images[:COLUMNS], data.image_shape, data.range, columns=COLUMNS)


def _write(folder: Path, model: str, kind: str, png: bytes) -> None:
    with runs_files.explain_os_errors(folder):
        runs_files.write_atomically(folder / _picture_name(model, kind), png)


def _picture_name(model: str, kind: str) -> str:
    return f"{file_name(model)}-{kind}.png"


def find(out: Path, result: Result, kind: str) -> Path | None:
    """Return the path of the picture of a line's first seed, or None.

    Args:
        out: the table's folder.
        result: the line.
        kind: ``figure2``, ``samples`` or ``path``.
    """
    pattern = f"*/{_picture_name(result.model, kind)}"
    return min((out / file_name(result.dataset)).glob(pattern), default=None)


def read_strip(path: Path) -> NDArray[np.uint8]:
    """Read a strip, a picture of images in one row; return the images (n, height, width, 3)."""
    shape = read_image_shape(path.parent)
    return sheets.read_grid(path.read_bytes(), shape, COLUMNS, columns=COLUMNS)
