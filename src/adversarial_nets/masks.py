"""Masks of images as an input of both networks: all conditionals p(x_S | x_¬S) in one G (§7).

"One can approximately model all conditionals p(x_S | x_¬S) where S is a subset of the indices of x
by training a family of conditional models that share parameters." The family is G(z, x·m, m): m is
1 where a pixel is known and 0 where G has to fill it in. Each training image gets a random mask.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import unknown_name
from adversarial_nets.random import Address, permutation

__all__ = ["BLOCKS", "HIDDEN_BLOCKS", "REGIONS", "known_part", "random_masks", "region_mask"]


BLOCKS, HIDDEN_BLOCKS = 7, 16
"""An image is divided into 7 × 7 blocks (of 4 × 4 pixels on MNIST); ``blocks`` hides 16 of them."""

REGIONS = ("right", "left", "top", "bottom", "blocks")
"""The names of regions."""


def region_mask(region: str, image_shape: ImageShape) -> Float[Tensor, " pixels"]:
    """The mask that hides a region of `REGIONS`: 1 where a pixel is known.

    Args:
        region: a half of the image, or ``blocks``, 16 fixed blocks.
        image_shape: (channels, height, width).

    Raises:
        UserError: an unknown region.

    >>> region_mask("right", (1, 2, 4)).view(2, 4).tolist()
    [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    channels, height, width = image_shape
    row, column = torch.arange(height)[:, None], torch.arange(width)
    if region == "blocks":
        hidden = torch.zeros(BLOCKS**2, dtype=torch.bool)
        hidden[permutation(0, "hidden blocks", 0, BLOCKS**2)[:HIDDEN_BLOCKS]] = True
        known = ~hidden[_block(height)[:, None] * BLOCKS + _block(width)]
    elif region not in REGIONS:
        raise unknown_name(region, REGIONS, "region")
    else:
        known = {
            "right": column < width // 2,
            "left": column >= width - width // 2,
            "top": row >= height - height // 2,
            "bottom": row < height // 2,
        }[region].expand(height, width)
    return known.float().expand(channels, height, width).flatten()


def _block(side: int) -> Tensor:
    """The block number of each row (or column) of pixels."""
    return torch.arange(side) * BLOCKS // side


def random_masks(address: Address, image_shape: ImageShape) -> Float[Tensor, "rows pixels"]:
    """One random mask for each row of the address, for training.

    A third of the masks hide one half of the image. The others hide each block with a probability
    that is drawn from U(0, 1) for each mask. For one in six masks this probability is 1, so that G
    also learns p(x).
    """
    channels, height, width = image_shape
    u = address.uniform("masks", 3 + BLOCKS**2)
    kind, side, rate = u[:, 0], u[:, 1], u[:, 2]
    rate = torch.where(kind < 1 / 6, torch.ones_like(rate), rate)
    known = u[:, 3:] >= rate[:, None]
    masks = known[:, (_block(height)[:, None] * BLOCKS + _block(width)).flatten()].float()
    masks = masks.view(-1, 1, height * width).expand(-1, channels, -1).flatten(1)
    halves = torch.stack([region_mask(region, image_shape) for region in REGIONS[:4]])
    has_half = (kind > 2 / 3)[:, None]
    return torch.where(has_half, halves[(side * 4).long()], masks)


def known_part(
    x: Float[Tensor, "m pixels"], masks: Float[Tensor, "m pixels"]
) -> Float[Tensor, "m columns"]:
    """G's condition for an image: (x·m, m), 2 · pixels values in a row."""
    return torch.cat([x * masks, masks.to(x)], 1)
