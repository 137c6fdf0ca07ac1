"""The training image nearest to a sample: Figure 2's sixth column (§5)."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Float64, Int64, UInt8
from torch import Tensor

__all__ = ["nearest"]

_CHUNK = 1000  # images as float64 at a time: 6 MB of MNIST


def _over_255(images: Tensor) -> Tensor:
    return images.float() / 255


def nearest(
    x: Float[Tensor, "n pixels"],
    images: UInt8[Tensor, "n_images pixels"],
    floats: Callable[[Tensor], Tensor] = _over_255,
) -> tuple[Int64[Tensor, " n"], Float64[Tensor, " n"]]:
    """Find the image nearest to each x in L2, exactly.

    Distances are sums of squared differences in float64. The product that is quicker for many
    points, ‖x‖² − 2x·s + ‖s‖², would blur just the small distances that matter here. 20 points
    against MNIST's training images take one to two seconds, and the time grows with the points.

    Args:
        x: points in the range that `floats` gives.
        images: the bytes to search.
        floats: turns bytes into the values of x, as `Dataset.floats` does; /255 if not given.

    Returns:
        The index of the nearest image of each x (of equals, the lowest) and its distance, which
        is 0 exactly when x is a copy.

    >>> images = torch.tensor([[0, 0], [0, 255]], dtype=torch.uint8)
    >>> index, distance = nearest(torch.tensor([[0.0, 1.0]]), images)
    >>> index.item(), distance.item()
    (1, 0.0)
    """
    x = x.double()
    best = torch.full((len(x),), torch.inf, dtype=torch.float64)
    index = torch.zeros(len(x), dtype=torch.int64)
    for start in range(0, len(images), _CHUNK):
        s = floats(images[start : start + _CHUNK]).double()
        d = torch.cdist(x, s, compute_mode="donot_use_mm_for_euclid_dist")
        distance, i = d.min(1)
        closer = distance < best
        best[closer], index[closer] = distance[closer], i[closer] + start
    return index, best
