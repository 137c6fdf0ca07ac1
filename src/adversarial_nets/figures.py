"""Figures 2 and 3 and the curves of a run: data in, a picture out."""

import io

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

__all__ = ["grid_png", "tiles", "to_pixels"]


def to_pixels(
    x: Float[Tensor, "n pixels"], image_shape: tuple[int, int, int], range: tuple[float, float]
) -> NDArray[np.uint8]:
    """Values as pictures: (n, height, width, 3) bytes, the range's ends becoming 0 and 255."""
    low, high = range
    x = ((x - low) * (255 / (high - low))).round().clamp(0, 255)
    pictures = x.reshape(-1, *image_shape).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pictures, (*pictures.shape[:3], 3)))


def tiles(pictures: NDArray[np.uint8], columns: int, gap: int = 2) -> NDArray[np.uint8]:
    """Pictures (n, h, w, 3) side by side on white, row after row."""
    n, h, w, _ = pictures.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (h + gap) + gap, columns * (w + gap) + gap, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (h + gap) + gap, (i % columns) * (w + gap) + gap
        sheet[y : y + h, x : x + w] = picture
    return sheet


def grid_png(
    x: Float[Tensor, "n pixels"],
    image_shape: tuple[int, int, int],
    range: tuple[float, float] = (0.0, 1.0),
    columns: int = 10,
    scale: int = 2,
) -> bytes:
    """A PNG of the images in rows of `columns`, each pixel drawn `scale` wide."""
    sheet = Image.fromarray(tiles(to_pixels(x, image_shape, range), columns))
    sheet = sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST)
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
