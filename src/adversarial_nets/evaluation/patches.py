"""Distance between small patches of images: for images without classes; needs no network.

The sliced Wasserstein distance of 7 × 7 patches on two levels of a Laplacian pyramid, after Karras
et al. 2018, arXiv:1710.10196. The fine level shows sharpness and texture, the coarse one shapes and
colours. Unlike in that paper, patches keep their mean and contrast, so that grey images without
details are far from any photograph. Two sets of real images are not at distance 0; compare with the
value for real images.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import UserError
from adversarial_nets.random import Address

__all__ = ["SMALLEST_IMAGE", "PatchDistances", "patch_distances"]

SIDE, PER_IMAGE, DIRECTIONS = 7, 64, 128

SMALLEST_IMAGE = 2 * SIDE
"""The smallest side of images with patches at half the resolution, in pixels."""

Images = Float[Tensor, "n pixels"]
Maps = Float[Tensor, "n c h w"]


@dataclass(frozen=True)
class PatchDistances:
    """Sliced Wasserstein distances × 1,000, in units of the pixels' range.

    Attributes:
        fine: distance of the details that are lost at half the resolution.
        coarse: distance of the images at half the resolution.
    """

    fine: float
    coarse: float


def patch_distances(x: Images, y: Images, image_shape: ImageShape) -> PatchDistances:
    """The distances between the patches of two equally large sets of images.

    Args:
        x: images, for example samples.
        y: the same number of other images, for example held-out ones.
        image_shape: (channels, height, width), at least 14 × 14.

    Raises:
        UserError: the images are too small.
    """
    if min(image_shape[1:]) < SMALLEST_IMAGE:
        raise UserError(
            f"The images have {image_shape[1]} × {image_shape[2]} pixels; patch distances need at "
            f"least {SMALLEST_IMAGE} × {SMALLEST_IMAGE}. Give a larger --size to train, or to "
            "measure if the samples are a folder."
        )
    levels = zip(_pyramid(x, image_shape), _pyramid(y, image_shape), strict=True)
    return PatchDistances(*(_sliced_wasserstein(a, b) for a, b in levels))


def _pyramid(x: Images, image_shape: ImageShape) -> tuple[Tensor, Tensor]:
    """Details, and the images at half the resolution; an odd last row or column is left out."""
    images = x.float().unflatten(1, image_shape)
    images = images[:, :, : image_shape[1] // 2 * 2, : image_shape[2] // 2 * 2]
    coarse = functional.avg_pool2d(images, 2)
    return images - functional.interpolate(coarse, scale_factor=2.0, mode="nearest"), coarse


def _sliced_wasserstein(x: Maps, y: Maps) -> float:
    """1,000 times the mean over directions of the Wasserstein distance of the projections."""
    a, b = _patches(x, "patches of x"), _patches(y, "patches of y")
    directions = Address(0, 0, range(DIRECTIONS)).normal("directions", a.shape[1])
    total = 0.0
    for block in (directions / directions.norm(dim=1, keepdim=True)).split(16):
        u, v = (_sorted_columns(patches @ block.T) for patches in (a, b))
        total += float((u - v).abs().mean(0).sum())
    return 1000 * total / DIRECTIONS


def _sorted_columns(x: Tensor) -> Tensor:
    """Each column in ascending order, by NumPy, which is much faster here than PyTorch."""
    return torch.from_numpy(np.sort(x.T.numpy(), axis=1)).T.contiguous()


def _patches(x: Maps, purpose: str) -> Float[Tensor, "patches values"]:
    """Random patches of each image as rows."""
    n, _, height, width = x.shape
    u = Address(0, 0, range(n * PER_IMAGE)).uniform(purpose, 2)
    image = torch.arange(n).repeat_interleave(PER_IMAGE)
    rows, columns = (
        (u[:, i] * (side - SIDE + 1)).long()[:, None] + torch.arange(SIDE)
        for i, side in enumerate((height, width))
    )
    found = x.permute(0, 2, 3, 1)[image[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found.flatten(1)
