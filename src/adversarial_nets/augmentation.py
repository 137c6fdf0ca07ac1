"""Augmentation of images: mirrored training images, and DiffAugment of D's images.

DiffAugment (Zhao et al. 2020, arXiv:2006.10738) changes data and samples alike, in D's and in G's
updates, so that D cannot memorise a small training set and G does not learn the changes. It is
differentiable with respect to the images. Not in the paper.

Every draw depends on the address and the row, so that processes share a minibatch and a run can be
resumed.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from adversarial_nets.datasets import ImageShape
from adversarial_nets.random import Address

__all__ = ["ADA_EVERY", "adapt", "diff_augment", "diff_augment_probability", "mirror"]

ADA_EVERY = 4
"""Rounds between two changes of the probability by ADA."""

_ADA_IMAGES = 500_000  # training images of D while the probability rises from 0 to 1

Images = Float[Tensor, "m pixels"]
Draws = Float[Tensor, " m"]
Maps = Float[Tensor, "m c h w"]


def mirror(x: Images, image_shape: ImageShape, address: Address) -> Images:
    """Mirror each image left to right with probability ½."""
    images = x.unflatten(1, image_shape)
    chosen = address.bernoulli_mask("mirror", 1, 0.5).to(x.device)[:, :, None, None]
    return torch.where(chosen, images.flip(3), images).flatten(1)


def diff_augment(
    x: Images, image_shape: ImageShape, address: Address, purpose: str, probability: float
) -> Images:
    """DiffAugment: colour, translation and cutout, each with the given probability.

    Args:
        x: images in [0, 1].
        image_shape: (channels, height, width).
        address: seed, step and rows of the random draws.
        purpose: images for different purposes get independent draws.
        probability: the probability of each of the three changes, for each image.
    """
    u = address.uniform(f"{purpose}, augmentation", 10).to(x).T
    images = x.unflatten(1, image_shape)
    colours, alpha = images.tensor_split([3], 1)  # alpha has no colour to change
    colours = _where(u[0] < probability, _colour(colours, u[1], u[2], u[3]), colours)
    images = torch.cat([colours, alpha], 1)
    images = _where(u[4] < probability, _translate(images, u[5], u[6]), images)
    images = _where(u[7] < probability, _cut_out(images, u[8], u[9]), images)
    return images.flatten(1)


def diff_augment_probability(largest: float, below: int, n: int) -> float:
    """The probability of each change for n training images: linear from `largest` to 0 at `below`.

    >>> diff_augment_probability(0.6, 5000, 2500), diff_augment_probability(0.6, 0, 2500)
    (0.3, 0.6)
    """
    return largest * max(0.0, 1 - n / below) if below else largest


def adapt(probability: float, mean_sign: float, target: float, images: int) -> float:
    """The next probability of adaptive discriminator augmentation (ADA).

    D's mean sign on training images, r_t = E[sign D(x)], is near 0 while D cannot tell them from
    samples, and 1 when D has memorised them (Karras et al. 2020, arXiv:2006.06676, §3.1). Above the
    target the probability rises, below it falls, by images / 500,000.

    Args:
        probability: the current probability.
        mean_sign: r_t since the last change.
        target: the target value of r_t; .6 is published.
        images: training images in D's updates since the last change.

    >>> adapt(0.5, 0.9, 0.6, 5000), adapt(0.5, 0.2, 0.6, 5000), adapt(0.0, 0.2, 0.6, 5000)
    (0.51, 0.49, 0.0)
    """
    step = images / _ADA_IMAGES
    moved = probability + step * ((mean_sign > target) - (mean_sign < target))
    return min(max(moved, 0.0), 1.0)


def _where(chosen: Tensor, changed: Maps, images: Maps) -> Maps:
    return torch.where(chosen[:, None, None, None], changed, images)


def _colour(x: Maps, brightness: Draws, saturation: Draws, contrast: Draws) -> Maps:
    """Brightness ± ¼ of the range, saturation × U(0, 2), contrast × U(½, 1½)."""
    b, s, c = (u[:, None, None, None] for u in (brightness, saturation, contrast))
    x = x + (b - 0.5) / 2
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (2 * s)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (x - mean) * (0.5 + c)


def _translate(x: Maps, down: Draws, right: Draws) -> Maps:
    """Shift by up to an eighth of the sides; the new pixels are mid-grey."""
    m, _, height, width = x.shape
    most = (height + 4) // 8, (width + 4) // 8
    padded = functional.pad(x, (most[1], most[1], most[0], most[0]), value=0.5)
    rows, columns = (
        torch.arange(side, device=x.device) + (u * (2 * reach + 1)).long()[:, None]
        for side, u, reach in zip((height, width), (down, right), most, strict=True)
    )
    image = torch.arange(m, device=x.device)[:, None, None]
    shifted = padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    return shifted.permute(0, 3, 1, 2)


def _cut_out(x: Maps, down: Draws, right: Draws) -> Maps:
    """Replace a rectangle of half the sides by mid-grey; its centre lies anywhere."""
    inside = []
    for side, u in zip(x.shape[2:], (down, right), strict=True):
        first = (u * (side + 1)).long()[:, None] - side // 4
        i = torch.arange(side, device=x.device)
        inside.append((i >= first) & (i < first + side // 2))
    hidden = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return x.masked_fill(hidden, 0.5)
