"""What the arrays of a NumPy archive hold, by their headers, without reading the arrays."""

import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

__all__ = ["holds_colour_images"]

_SMALLEST = 8  # pixels of a side that the networks of the preset pictures can draw


def holds_colour_images(path: str) -> bool:
    """Whether an array of an .npz file has the shape of colour images.

    Such images are trained with the preset pictures; on them quickstart diverges.
    What cannot be read is reported by loading the data.
    """
    from numpy.lib import format

    shapes = []
    damaged = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
    with suppress(*damaged), zipfile.ZipFile(Path(path).expanduser()) as archive:
        for member in archive.namelist():
            with archive.open(member) as array:
                first = format.read_magic(array) == (1, 0)
                read = format.read_array_header_1_0 if first else format.read_array_header_2_0
                shapes.append(read(array)[0])
    colour = [shape for shape in shapes if len(shape) == 4 and 3 in (shape[1], shape[3])]
    return any(sorted(shape[1:])[1] >= _SMALLEST for shape in colour)
