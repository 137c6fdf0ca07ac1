"""Images in a table of numbers, one per line: ``csv:FILE``, the form of Kaggle's MNIST files."""

import csv
import gzip
import itertools
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adversarial_nets.datasets.arrays import dataset_from_arrays
from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import UserError, reason

__all__ = ["load_csv"]

_LABELS = ("label", "labels", "class", "target", "y")
_INDICES = ("", "index", "unnamed: 0", "id")  # columns of row numbers, as pandas writes them
_LAYOUT = (
    "one image per line: its pixels from 0 to 255 row by row (for colour images first all red, "
    "then all green, then all blue values), square images, and optionally the class number in the "
    "first column or in a column named label"
)


def load_csv(path: Path, name: str) -> Dataset:
    """Load square images from a file of numbers, plain or gzipped.

    Numbers are separated by commas, semicolons or tabs. Each line is one image. A first line with
    names or column numbers is skipped; a column named ``label`` (``class``, ``target``, ``y``)
    holds class numbers, and a first one named ``index`` (``id``, or without a name) row numbers,
    which are left out. Without names, if all columns but the first make a square image, the first
    column holds class numbers, as in MNIST's and Fashion-MNIST's files.

    Args:
        path: the file.
        name: the data set's name.

    Raises:
        UserError: the file does not exist, its lines have different lengths, it has other values,
            or its images are not square.
    """
    names, values = _read(path)
    if names and names[0] in _INDICES:
        names, values = names[1:], values[:, 1:]
    label = next((i for i, name in enumerate(names) if name in _LABELS), None)
    pixels = values.shape[1] - (label is not None)
    if not names and _image_shape(pixels) is None and _image_shape(pixels - 1):
        label, pixels = 0, pixels - 1
        different = len(np.unique(values[:, 0]))
        if len(values) > 20 and different in (1, len(values)):
            has = "the same number" if different == 1 else "another number"
            raise UserError(
                f"{path} has {has} in the first column of each line, so they are not classes. "
                "Remove the column, or add a first line with the names of all columns, in which "
                "the column of the classes is called label."
            )
    shape = _image_shape(pixels)
    if shape is None:
        raise UserError(
            f"{path} has {values.shape[1]} columns, which do not make a square image, with or "
            f"without a class number. In csv:FILE, FILE must have {_LAYOUT}. For other shapes, use "
            "npz:FILE."
        )
    images = values if label is None else np.delete(values, label, 1)
    if ((images < 0) | (images > 255) | (images != np.floor(images))).any():
        raise UserError(
            f"{path} has pixels that are not whole numbers from 0 to 255. Scale and round them, or "
            "use npz:FILE."
        )
    labels = None if label is None else values[:, label]
    return dataset_from_arrays(images.astype(np.uint8), labels, image_shape=shape, name=name)


def _image_shape(pixels: int) -> tuple[int, int, int] | None:
    """(channels, height, width) of a square image with this many values, grey or colour."""
    for channels in (1, 3):
        side = math.isqrt(max(pixels, 0) // channels)
        if side > 1 and channels * side * side == pixels:
            return channels, side, side
    return None


def _read(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The names of the columns in lower case, if the first line has any, and the numbers."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            separator = max(",;\t", key=line.count)
            first = next(csv.reader([line], delimiter=separator), [])
            lines = csv.reader(file, delimiter=separator)
            numbered = _are_consecutive(first)
            names = [] if numbered or _are_numbers(first) else [n.strip().lower() for n in first]
            rows = lines if names or numbered else itertools.chain([first], lines)
            values = [np.array(row, np.float32) for row in rows if row]
        if len({len(row) for row in values}) != 1:
            raise ValueError("its lines have different numbers of columns" if values else "empty")
    except (OSError, EOFError, ValueError, csv.Error, zlib.error) as error:
        raise UserError(
            f"{path} cannot be read as a table of numbers ({reason(error)}). In csv:FILE, FILE "
            f"must have {_LAYOUT}."
        ) from error
    return names, np.stack(values)


def _are_consecutive(words: list[str]) -> bool:
    """Whether the numbers are column numbers, 0, 1, 2 … or 1, 2, 3 …, and not an image."""
    return len(words) > 3 and words in (
        [str(i + start) for i in range(len(words))] for start in (0, 1)
    )


def _are_numbers(words: list[str]) -> bool:
    """Whether all words are numbers."""
    try:
        return bool(np.array(words, np.float32).size)
    except ValueError:
        return False
