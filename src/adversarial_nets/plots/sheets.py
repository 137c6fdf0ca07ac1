"""Sheets of images: sample grids, Figure 2 (nearest images), Figure 3 (interpolation)."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.evaluation.nearest import nearest_images
from adversarial_nets.plots.style import _DPI, _SIZE, _WIDE
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = [
    "YELLOW",
    "figure2",
    "figure2_sheet",
    "figure3",
    "figure3_sheet",
    "grid_png",
    "interpolation",
    "named_rows",
    "random_pairs",
    "read_grid",
    "samples_over_time",
    "sheet_png",
    "straight_lines",
    "tiles",
]

YELLOW = (255, 208, 0)
_GAP = 2  # pixels of the model between two images


# --- Sheets of images -----------------------------------------------------------------------------


def tiles(pictures: NDArray[np.uint8], columns: int, gap: int = _GAP) -> NDArray[np.uint8]:
    """Pictures (n, h, w, 3) side by side, row after row, as (H, W, 4); gaps are transparent."""
    n, h, w, _ = pictures.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * (h + gap) + gap, columns * (w + gap) + gap, 4), np.uint8)
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (h + gap) + gap, (i % columns) * (w + gap) + gap
        sheet[y : y + h, x : x + w, :3] = picture
        sheet[y : y + h, x : x + w, 3] = 255
    return sheet


def sheet_png(sheet: NDArray[np.uint8], scale: int) -> bytes:
    """A PNG of a sheet, each of its pixels drawn `scale` wide and high."""
    image = Image.fromarray(sheet)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def grid_png(
    x: Float[Tensor, "n pixels"],
    image_shape: tuple[int, int, int],
    range: tuple[float, float] = (0.0, 1.0),
    columns: int = 10,
    scale: int = 2,
) -> bytes:
    """A PNG of the images in rows of `columns`, each pixel drawn `scale` wide."""
    return sheet_png(tiles(to_pixels(x, image_shape, range), columns), scale)


def read_grid(
    png: bytes, image_shape: tuple[int, int, int], n: int, columns: int = 10
) -> NDArray[np.uint8]:
    """The first n pictures of what `grid_png` wrote at any scale: (n, height, width, 3) bytes."""
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
    """Figure 2's panel: rows of samples, each beside the training image nearest to its last.

    Args:
        samples: rows × columns of them, row by row; random ones, or the panel shows nothing.
        data: what the generator learned from.
        columns: samples in a row.

    Returns:
        (H, W, 4) bytes. The sixth column is nearest in L2, and outlined in yellow.
    """
    lasts = samples[columns - 1 :: columns]
    index, _ = nearest_images(lasts, data.train, data.floats)
    neighbours = data.floats(data.train[index])
    panel = torch.cat([samples.unflatten(0, (-1, columns)), neighbours[:, None]], 1).flatten(0, 1)
    sheet = tiles(to_pixels(panel, data.image_shape, data.range), columns + 1)
    outline = sheet[:, -(data.image_shape[2] + 2 * _GAP) :]
    outline[outline[..., 3] == 0] = (*YELLOW, 255)  # all gaps around the last column
    return sheet


def figure3_sheet(images: Float[Tensor, "rows points pixels"], data: Dataset) -> NDArray[np.uint8]:
    """Figure 3: each row the images along one line in z space; (H, W, 4) bytes."""
    pictures = to_pixels(images.flatten(0, 1), data.image_shape, data.range)
    return tiles(pictures, columns=images.shape[1])


# --- Lines in z space -----------------------------------------------------------------------------


def random_pairs(
    settings: Settings, pairs: int
) -> tuple[Float[Tensor, "pairs z_size"], Float[Tensor, "pairs z_size"]]:
    """Pairs of random points z_0, z_1 ~ p_z; a run's first pairs are always the same."""
    address = Address(settings.seed, 0, range(2 * pairs))
    z = priors.draw(settings.prior, address, settings.z_size, "ends of lines in z")
    return z[0::2], z[1::2]


def straight_lines(
    z_0: Float[Tensor, "rows z_size"], z_1: Float[Tensor, "rows z_size"], points: int = 10
) -> Float[Tensor, "rows points z_size"]:
    """Points at equal steps on the straight line from each z_0 to its z_1, both ends included.

    >>> straight_lines(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]), points=3).tolist()
    [[[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]]
    """
    return torch.lerp(z_0[:, None], z_1[:, None], torch.linspace(0, 1, points)[:, None])


@torch.no_grad()
def interpolation(
    G: nn.Module,
    settings: Settings,
    rows: int = 6,
    points: int = 10,
    ends: tuple[Float[Tensor, "rows z_size"], Float[Tensor, "rows z_size"]] | None = None,
) -> Float[Tensor, "rows points pixels"]:
    """G along straight lines in z space (Figure 3).

    Args:
        G: the generator, raw or averaged.
        settings: the game's, for the prior and the seed.
        rows: how many lines.
        points: images along each line, both ends included.
        ends: z_0 and z_1 of each line; random pairs where not given.
    """
    lines = straight_lines(*(ends or random_pairs(settings, rows)), points)
    training = G.training
    G.eval()
    images = G(lines.flatten(0, 1).to(next(G.parameters())))
    G.train(training)
    return images.float().cpu().unflatten(0, lines.shape[:2])


def figure2(samples: Float[Tensor, "n pixels"], data: Dataset, columns: int = 5) -> Figure:
    """`figure2_sheet` with its columns named, for a slide."""
    sheet = figure2_sheet(samples, data, columns)
    return _captioned(sheet, top=("random samples", "nearest\ntraining image"))


def figure3(images: Float[Tensor, "rows points pixels"], data: Dataset) -> Figure:
    """`figure3_sheet` with its ends named, for a slide."""
    return _captioned(figure3_sheet(images, data), top=("G(z₀)", "G(z₁)"))


def samples_over_time(pictures: Mapping[int, NDArray[np.uint8]]) -> Figure:
    """Samples from the same noise as the game went on, one row for each round.

    Args:
        pictures: for each round some (n, height, width, 3) bytes, n and the noise always the same.
    """
    return named_rows({f"round {round:,}": row for round, row in pictures.items()})


def named_rows(pictures: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Rows of pictures with a name before each.

    Args:
        pictures: for each row some (n, height, width, 3) bytes, n always the same.
    """
    everything = np.stack(list(pictures.values()))
    sheet = tiles(everything.reshape(-1, *everything.shape[2:]), columns=everything.shape[1])
    return _captioned(sheet, left=list(pictures))


def _captioned(
    sheet: NDArray[np.uint8], top: tuple[str, str] = ("", ""), left: Sequence[str] = ()
) -> Figure:
    """A sheet with words over its left and right end and beside its rows.

    Everything is counted in whole dots, so that each pixel of the sheet is a square of the same
    size and every image stays crisp.
    """
    scale = max(1, round(_WIDE / sheet.shape[1]))
    height, width = sheet.shape[0] * scale, sheet.shape[1] * scale
    edge = 10
    above, beside = (
        (90 if any(top) else edge),
        (max(260, 30 + 17 * max(map(len, left))) if left else edge),
    )
    full = (beside + width + edge, above + height + edge)
    figure = Figure((full[0] / _DPI, full[1] / _DPI), dpi=_DPI, facecolor="white")
    frame = (beside / full[0], edge / full[1], width / full[0], height / full[1])
    axes = figure.add_axes(frame)
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
    axes.set_title(top[0], loc="left", fontsize=_SIZE, pad=4)
    axes.set_title(top[1], loc="right", fontsize=_SIZE, pad=4)
    for i, words in enumerate(left):
        y = (i + 0.5) / len(left) * sheet.shape[0]
        axes.text(-4, y, words, fontsize=_SIZE, ha="right", va="center")
    return figure
