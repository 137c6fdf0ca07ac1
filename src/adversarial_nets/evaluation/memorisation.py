"""Test whether a generator copies training images, by the real images nearest to its samples.

If nothing was copied, training and held-out images are exchangeable. So among the distinct real
images that are nearest to some sample, the number of training images has a hypergeometric
distribution. A generator that copies has training images as nearest more often. The test is exact
for any samples that do not depend on the split: also for blurred ones, which are nearer to all
images, and for samples that are all alike, which are nearest to one image. Comparing with held-out
images is the idea of Meehan et al. 2020, arXiv:2004.05675.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, UInt8
from scipy.stats import hypergeom
from torch import Tensor

from adversarial_nets.datasets import Dataset

__all__ = ["Memorisation", "memorisation"]

_CHUNK = 2000  # images converted to floats at a time
_SIGNIFICANT = 1e-3


@dataclass(frozen=True)
class Memorisation:
    """Which real images the samples are nearest to.

    Attributes:
        samples: number of samples.
        nearest: number of distinct real images that are nearest to a sample.
        training: share of training images among these.
        expected: that share if nothing was copied.
        p_value: the probability of such a share, or a larger one, if nothing was copied.
    """

    samples: int
    nearest: int
    training: float
    expected: float
    p_value: float

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        found = (
            f"of the {self.nearest:,} real images nearest to {self.samples:,} samples, "
            f"{self.training:.1%} are training images; without copying, about "
            f"{self.expected:.1%} would be (p = {self.p_value:.2g})"
        )
        if self.p_value < _SIGNIFICANT:
            return f"Images were copied: {found}."
        if self.expected**self.nearest >= _SIGNIFICANT:  # even if all were training images
            return (
                f"Too early to say whether images were copied: all {self.samples:,} samples are "
                f"nearest to the same {self.nearest:,} of the real images. Train longer."
            )
        return f"No sign of copied images: {found}."


def memorisation(samples: Float[Tensor, "n pixels"], data: Dataset) -> Memorisation:
    """Compare the samples' distances to training images with those to held-out images.

    Args:
        samples: samples of the generator.
        data: the data set that it was trained on; validation and test images are held out.
    """
    images = torch.cat([data.train, data.valid, data.test])
    nearest = _nearest(samples, images, data).unique()
    n, n_train, k = len(images), len(data.train), len(nearest)
    training = int((nearest < n_train).sum())
    p_value = float(hypergeom.sf(training - 1, n, n_train, k))
    return Memorisation(len(samples), k, training / k, n_train / n, p_value)


def _nearest(
    x: Float[Tensor, "n pixels"], images: UInt8[Tensor, "n_images pixels"], data: Dataset
) -> Int64[Tensor, " n"]:
    """The index of the image nearest to each x."""
    best = torch.full((len(x),), torch.inf)
    index = torch.zeros(len(x), dtype=torch.int64)
    for start in range(0, len(images), _CHUNK):
        distance, i = torch.cdist(x, data.floats(images[start : start + _CHUNK])).min(1)
        closer = distance < best
        best[closer], index[closer] = distance[closer], i[closer] + start
    return index
