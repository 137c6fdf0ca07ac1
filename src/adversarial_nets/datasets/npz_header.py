"""Read the shapes of the arrays of a NumPy archive from their headers."""

import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

__all__ = ["holds_colour_images"]

_SMALLEST = 8  # smallest side in pixels that the networks of the preset pictures support


def holds_colour_images(path: str) -> bool:
    """Whether an array of an .npz file has the shape of colour images.

    Colour images are trained with the preset pictures, because quickstart diverges on them. False
    for files that cannot be read; the error is reported when the data are loaded.
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
