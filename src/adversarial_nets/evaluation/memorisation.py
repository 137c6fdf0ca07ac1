"""Test whether a generator copies training images.

If nothing was copied, training and held-out images are exchangeable. So among the k real images
with the smallest distance to a sample, the number of training images has a hypergeometric
distribution. If training images were copied, most of these k are training images. The test is exact
for all samples that do not depend on the split, also for blurred samples, which are near all
images, and for identical samples. Comparing with held-out images is the idea of Meehan et al. 2020,
arXiv:2004.05675.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from scipy.stats import hypergeom
from torch import Tensor

from adversarial_nets.datasets import Dataset

__all__ = ["Memorisation", "memorisation"]

_CHUNK = 2000  # images converted to floats at a time
_SIGNIFICANT = 1e-3
_ROUNDING = 1e-4  # of the range; neighbouring grey levels differ by 4e-3 of it
_SHARES = (0.0005, 0.002, 0.02, 0.1, 0.5)
"""The values of k, as shares of all real images. The smallest detects few copies, the largest
detects copies of most training images of a small folder."""


@dataclass(frozen=True)
class Memorisation:
    """The result of the test: how many of the real images nearest to samples are training images.

    Attributes:
        samples: number of samples.
        distinct: number of distinct real images that are the nearest of some sample.
        nearest: k, the number of real images nearest to samples that are counted; of several k the
            one with the smallest p_value.
        training: share of training images among these k images.
        expected: that share if nothing was copied.
        p_value: the probability of this share or a larger one if nothing was copied, multiplied by
            the number of values of k that were tried.
        least_p_value: the p_value if all the nearest images were training images; if it is large,
            the test cannot detect copies.
        equal: number of samples that equal a real image in every pixel, for example files that are
            also in the data's folder. If training and held-out images are copied equally often,
            p_value is not small.
    """

    samples: int
    distinct: int
    nearest: int
    training: float
    expected: float
    p_value: float
    least_p_value: float
    equal: int = 0

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        found = (
            f"of the {self.nearest:,} real images nearest to {self.samples:,} samples, "
            f"{self.training:.1%} are training images; about {self.expected:.1%} are expected "
            f"without copying (p = {self.p_value:.2g})"
        )
        if self.p_value < _SIGNIFICANT:
            return f"Images were copied: {found}."
        if self.expected**self.distinct >= _SIGNIFICANT:  # p is never small
            return (
                f"The test cannot decide whether images were copied: all {self.samples:,} samples "
                f"have the same {self.distinct:,} nearest real images. It needs more different "
                "samples."
            )
        if self.least_p_value >= _SIGNIFICANT:
            return (
                "The test cannot decide whether images were copied: there are too few held-out "
                "images. Even if all training images were copied, p could be "
                f"{self.least_p_value:.2g}."
            )
        if self.equal:
            return (
                f"{self.equal:,} of {self.samples:,} samples equal a real image in every pixel, "
                f"but training images are not copied more often than held-out images: {found}."
            )
        return f"No sign of copied images: {found}."


def memorisation(samples: Float[Tensor, "n pixels"], data: Dataset) -> Memorisation:
    """Compare the samples' distances to training images with those to held-out images.

    Args:
        samples: samples of the generator.
        data: the data set that it was trained on; validation and test images are held out.
    """
    distance, nearest = _distances(samples, data)
    n, n_train = len(distance), len(data.train)
    found = [_among_closest(distance, n_train, share) for share in _SHARES]
    k, training, p_value = min(reversed(found), key=lambda of_k: of_k[2])  # of equal p the last
    least = min(_p_value(min(k, n_train), n, n_train, k) for k, _, _ in found)
    return Memorisation(
        samples=len(samples),
        distinct=len(nearest.unique()),
        nearest=k,
        training=training / k,
        expected=n_train / n,
        p_value=min(1.0, len(found) * p_value),
        least_p_value=min(1.0, len(found) * least),
        equal=_equal(samples, nearest, data),
    )


def _among_closest(
    distance: Float[Tensor, " images"], n_train: int, share: float
) -> tuple[int, int, float]:
    """The number of closest images, how many of them are training images, and p.

    Images at the same distance are counted together, so that the result does not depend on their
    order.
    """
    n = len(distance)
    limit = distance.kthvalue(max(1, round(share * n))).values
    closest = distance <= limit
    k, training = int(closest.sum()), int(closest[:n_train].sum())
    return k, training, _p_value(training, n, n_train, k)


def _equal(x: Float[Tensor, "n pixels"], nearest: Int64[Tensor, " n"], data: Dataset) -> int:
    """The number of samples that equal their nearest real image, except for rounding errors."""
    images = torch.cat([data.train, data.valid, data.test])
    low, high = data.range
    limit = _ROUNDING * (high - low)
    return sum(
        int(((data.floats(images[i]) - block).abs().amax(1) < limit).sum())
        for block, i in zip(x.split(_CHUNK), nearest.split(_CHUNK), strict=True)
    )


def _p_value(training: int, n: int, n_train: int, k: int) -> float:
    """The probability of at least `training` training images among k random ones of n images."""
    return float(hypergeom.sf(training - 1, n, n_train, k))


def _distances(
    x: Float[Tensor, "n pixels"], data: Dataset
) -> tuple[Float[Tensor, " images"], Int64[Tensor, " n"]]:
    """Each real image's distance to its nearest sample, and each sample's nearest real image.

    The real images are the training images, then the others.
    """
    images = torch.cat([data.train, data.valid, data.test])
    of_images = x.new_empty(len(images))
    best = x.new_full((len(x),), torch.inf)
    index = torch.zeros(len(x), dtype=torch.int64)
    for start in range(0, len(images), _CHUNK):
        between = torch.cdist(data.floats(images[start : start + _CHUNK]), x)
        of_images[start : start + _CHUNK] = between.min(1).values
        distance, i = between.min(0)
        closer = distance < best
        best[closer], index[closer] = distance[closer], i[closer] + start
    return of_images, index
