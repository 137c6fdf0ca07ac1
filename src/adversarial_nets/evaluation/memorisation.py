"""Test whether a generator copies training images, by the real images nearest to its samples.

If no image was copied, training and held-out images are exchangeable: the real image nearest to a
sample is a training image with probability n_train / (n_train + n_held_out). A generator that
copies has training images as nearest more often. This holds for blurred samples too, which are
nearer to all images. The idea of comparing with held-out images is that of Meehan et al. 2020,
arXiv:2004.05675; the test here is a plain binomial one.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.datasets import Dataset

__all__ = ["Memorisation", "memorisation"]

_CHUNK = 2000  # images converted to floats at a time


@dataclass(frozen=True)
class Memorisation:
    """Which real images the samples are nearest to.

    Attributes:
        samples: number of samples.
        nearest_is_training: share of the samples whose nearest real image is a training image.
        expected: that share if nothing was copied.
        z_score: the difference of both, in standard deviations of a binomial.
    """

    samples: int
    nearest_is_training: float
    expected: float
    z_score: float

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        found = (
            f"{self.nearest_is_training:.1%} of {self.samples:,} samples have a training image as "
            f"their nearest real image; without copying, {self.expected:.1%} would"
        )
        if self.z_score > 3:
            return f"Images were copied: {found}."
        return f"No sign that images were copied: {found}."


def memorisation(samples: Float[Tensor, "n pixels"], data: Dataset) -> Memorisation:
    """Compare the samples' distances to training images with those to held-out images.

    Args:
        samples: samples of the generator.
        data: the data set that it was trained on; validation and test images are held out.
    """
    training = _nearest_distance(samples, data.train, data)
    held_out = torch.minimum(
        _nearest_distance(samples, data.valid, data), _nearest_distance(samples, data.test, data)
    )
    n, n_train = len(samples), len(data.train)
    expected = n_train / (n_train + len(data.valid) + len(data.test))
    share = float((training <= held_out).double().mean())
    deviation = math.sqrt(expected * (1 - expected) / n)
    return Memorisation(n, share, expected, (share - expected) / deviation)


def _nearest_distance(
    x: Float[Tensor, "n pixels"], images: Tensor, data: Dataset
) -> Float[Tensor, " n"]:
    """The distance of each x to its nearest image."""
    blocks = [torch.cdist(x, data.floats(block)).amin(1) for block in images.split(_CHUNK)]
    return torch.stack(blocks).amin(0)
