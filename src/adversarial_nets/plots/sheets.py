"""Grids of images as PNG files and as captioned figures: samples, Figure 2, Figure 3."""

import io
import math
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from adversarial_nets.datasets import Dataset, ImageShape, to_pixels
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.nearest import nearest_images
from adversarial_nets.plots.fonts import text_and_fonts
from adversarial_nets.plots.style import DPI, FONT_SIZE, YELLOW
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.runs.files import numbered_by_round, shown

__all__ = [
    "figure2_sheet",
    "figure3_sheet",
    "film_frames",
    "grid_png",
    "plot_figure2",
    "plot_figure3",
    "plot_image_rows",
    "plot_samples_over_time",
    "read_grid",
    "sheet_png",
    "tile_images",
    "training_frames",
]

_GAP = 2  # pixels between two images
_FIGURE_WIDTH = 1400  # approximate width, in dots, of a grid of images in a captioned figure


# --- Grids as arrays and PNG files ----------------------------------------------------------------


class _Written(io.BytesIO):
    """A file in memory that reports how much has been written into it."""

    def __init__(self, on_progress: Progress) -> None:
        super().__init__()
        self._on_progress = on_progress

    def write(self, data: Any, /) -> int:  # noqa: ANN401 (bytes or another buffer)
        """Write the bytes and report how many there are."""
        written = super().write(data)
        self._on_progress("picture, bytes", self.tell(), None)
        return written


def tile_images(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Arrange images (n, h, w, 3 or 4) in rows as one RGBA array (H, W, 4) with clear gaps."""
    n, h, w, _ = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * (h + _GAP) + _GAP, columns * (w + _GAP) + _GAP, 4), np.uint8)
    for i, image in enumerate(images):
        y, x = (i // columns) * (h + _GAP) + _GAP, (i % columns) * (w + _GAP) + _GAP
        sheet[y : y + h, x : x + w, 3] = 255
        sheet[y : y + h, x : x + w, : image.shape[2]] = image
    return sheet


def sheet_png(sheet: NDArray[np.uint8], scale: int, on_progress: Progress = no_progress) -> bytes:
    """An array of pixels as a PNG in which each pixel is a square of `scale` × `scale`."""
    image = Image.fromarray(sheet)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    file = _Written(on_progress)
    image.save(file, "PNG")
    return file.getvalue()


def grid_png(
    x: Float[Tensor, "n pixels"],
    image_shape: ImageShape,
    range: tuple[float, float] = (0.0, 1.0),
    columns: int = 10,
    scale: int = 2,
    alpha: bool = False,
    on_progress: Progress = no_progress,
) -> bytes:
    """Images as a PNG grid with `columns` images in a row, enlarged by `scale`.

    Images with alpha are shown on white, or keep it with `alpha`.
    """
    sheet = tile_images(to_pixels(x, image_shape, range, alpha), columns)
    return sheet_png(sheet, scale, on_progress)


def film_frames(
    x: Float[Tensor, "walks total pixels"],
    image_shape: ImageShape,
    range: tuple[float, float] = (0.0, 1.0),
    scale: int = 3,
) -> NDArray[np.uint8]:
    """Frames (total, height, width, 3), each with one image of every walk, on a black square."""
    columns = math.ceil(math.sqrt(len(x)))
    frames = [
        tile_images(to_pixels(at_once, image_shape, range), columns)[..., :3]
        for at_once in x.transpose(0, 1)
    ]
    return np.stack(frames).repeat(scale, 1).repeat(scale, 2)


def training_frames(run: Path) -> NDArray[np.uint8]:
    """The pictures of samples in a run's folder as frames (n, height, width, 3), by round.

    Raises:
        UserError: the run has no pictures, or one of them is damaged.
    """
    pictures = numbered_by_round((run / "samples").glob("*.png"))
    if not pictures:
        raise UserError(f"{shown(run)} has no pictures in its folder samples; train it first.")
    return np.stack([_read_picture(path) for path in pictures.values()])


def _read_picture(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's errors for damaged files
        raise UserError(f"The picture {path} is damaged ({error}). Delete it.") from error


def read_grid(png: bytes, image_shape: ImageShape, n: int, columns: int = 10) -> NDArray[np.uint8]:
    """The first n images of a PNG that `grid_png` wrote at any scale, (n, height, width, 3)."""
    _, h, w = image_shape
    image = Image.open(io.BytesIO(png)).convert("RGB")
    scale = image.width // (columns * (w + _GAP) + _GAP)
    sheet = np.asarray(image)[scale // 2 :: scale, scale // 2 :: scale]
    corners = (
        ((i // columns) * (h + _GAP) + _GAP, (i % columns) * (w + _GAP) + _GAP) for i in range(n)
    )
    return np.stack([sheet[y : y + h, x : x + w] for y, x in corners])


def figure2_sheet(
    samples: Float[Tensor, "n pixels"], data: Dataset, columns: int = 5
) -> NDArray[np.uint8]:
    """A panel of Figure 2: rows of samples; after each, the training image nearest to its last.

    Args:
        samples: rows × columns samples, row by row; random samples, not selected ones.
        data: the data set that the generator was trained on.
        columns: samples in a row.

    Returns:
        (H, W, 4) bytes. The last column holds the nearest training images in L2, outlined in
        yellow.
    """
    last_column = samples[columns - 1 :: columns]
    index, _ = nearest_images(last_column, data.train, data.floats)
    neighbours = data.floats(data.train[index])
    panel = torch.cat([samples.unflatten(0, (-1, columns)), neighbours[:, None]], 1).flatten(0, 1)
    sheet = tile_images(to_pixels(panel, data.image_shape, data.range), columns + 1)
    outlined = sheet[:, -(data.image_shape[2] + 2 * _GAP) :]
    outlined[outlined[..., 3] == 0] = (*YELLOW, 255)  # all gaps around the last column
    return sheet


def figure3_sheet(images: Float[Tensor, "rows points pixels"], data: Dataset) -> NDArray[np.uint8]:
    """A panel of Figure 3: each row shows the images along one line in z; (H, W, 4) bytes."""
    pixels = to_pixels(images.flatten(0, 1), data.image_shape, data.range)
    return tile_images(pixels, columns=images.shape[1])


# --- Captioned figures ----------------------------------------------------------------------------


def plot_figure2(
    samples: Float[Tensor, "n pixels"], data: Dataset, rows: Sequence[str] = ()
) -> Figure:
    """`figure2_sheet` as a figure with captions over its columns and, with classes, its rows."""
    sheet = figure2_sheet(samples, data)
    return _plot_sheet(sheet, top=("random samples", "nearest\ntraining image"), left=rows)


def plot_figure3(images: Float[Tensor, "rows points pixels"], data: Dataset) -> Figure:
    """`figure3_sheet` as a figure with captions over its first and last column."""
    return _plot_sheet(figure3_sheet(images, data), top=("G(z₀)", "G(z₁)"))


def plot_samples_over_time(images: Mapping[int, NDArray[np.uint8]]) -> Figure:
    """Plot samples from the same noise at several rounds of training, one row for each round.

    Args:
        images: for each round (n, height, width, 3) bytes; n and the noise are always the same.
    """
    return plot_image_rows({f"round {round:,}": row for round, row in images.items()})


def plot_image_rows(images: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Plot rows of images, each with its label on the left.

    Args:
        images: for each label (n, height, width, 3) bytes; n is always the same.
    """
    rows = np.stack(list(images.values()))
    sheet = tile_images(rows.reshape(-1, *rows.shape[2:]), columns=rows.shape[1])
    return _plot_sheet(sheet, left=list(images))


def _plot_sheet(
    sheet: NDArray[np.uint8], top: tuple[str, str] = ("", ""), left: Sequence[str] = ()
) -> Figure:
    """Plot a sheet with captions over its left and right end and labels at its rows.

    A label in letters that no installed font has is replaced by the row's number, from 0 on.
    Sizes are whole numbers of dots, so that every pixel becomes a square of the same size.
    """
    scale = max(1, round(_FIGURE_WIDTH / sheet.shape[1]))
    height, width = sheet.shape[0] * scale, sheet.shape[1] * scale
    edge = 10
    above = 90 if any(top) else edge
    left_margin = max(260, 30 + 17 * max(map(_columns_of, left))) if left else edge
    full_width, full_height = left_margin + width + edge, above + height + edge
    figure = Figure((full_width / DPI, full_height / DPI), dpi=DPI, facecolor="white")
    box = (left_margin / full_width, edge / full_height, width / full_width, height / full_height)
    axes = figure.add_axes(box)
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    axes.set_title(top[0], loc="left", fontsize=FONT_SIZE, pad=4)
    axes.set_title(top[1], loc="right", fontsize=FONT_SIZE, pad=4)
    for i, label in enumerate(left):
        y = (i + 0.5) / len(left) * sheet.shape[0]
        text, family = text_and_fonts(label, str(i))
        style: dict[str, Any] = {"fontsize": FONT_SIZE, "fontfamily": list(family)}
        axes.text(-4, y, text, ha="right", va="center", parse_math=False, **style)
    return figure


def _columns_of(text: str) -> int:
    """The width of a text in Latin letters; a Chinese one is twice as wide."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
