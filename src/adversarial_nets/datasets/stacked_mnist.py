"""StackedMNIST: three random digits as red, green and blue, 1,000 modes of equal probability.

A test of whether a generator covers all modes (Metz et al. 2017, arXiv:1611.02163; Srivastava et
al. 2017, arXiv:1705.07761). The class of an image is its mode, 100·red + 10·green + blue.
"""

import torch
from jaxtyping import Int64
from torch import Tensor

from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import NoClasses
from adversarial_nets.random import Address

__all__ = ["MODES", "modes_of", "stack"]

MODES = 1000
COUNTS = {"train": 50_000, "valid": 5_000, "test": 5_000}
"""Number of images in each split; each uses digits of that split of MNIST only."""


def stack(digits: Dataset, name: str = "stacked-mnist") -> Dataset:
    """Stack random digits of each split into colour images, with a fixed seed.

    Args:
        digits: MNIST, or another data set of grey digits with labels 0 to 9.
        name: the name of the result.

    Raises:
        NoClasses: the digits have no labels.
    """
    images: dict[str, Tensor] = {}
    labels: dict[str, Tensor] = {}
    for i, (split, n) in enumerate(COUNTS.items()):
        if split not in digits.labels:
            raise NoClasses(digits.name)
        grey, classes = getattr(digits, split), digits.labels[split]
        u = Address(0, i, range(n)).uniform("stacked digits", 3).double()
        chosen = (u * len(grey)).long()
        images[split] = torch.cat([grey[chosen[:, channel]] for channel in range(3)], 1)
        labels[split] = modes_of(classes[chosen])
    _, height, width = digits.image_shape
    return Dataset(
        name=name,
        train=images["train"],
        valid=images["valid"],
        test=images["test"],
        image_shape=(3, height, width),
        provenance=f"Three random digits of {digits.name} as red, green and blue; each split uses "
        "its own digits.",
        labels=labels,
        classes=tuple(f"{mode:03d}" for mode in range(MODES)),
        random_order=True,
    )


def modes_of(digits: Int64[Tensor, "n three"]) -> Int64[Tensor, " n"]:
    """The mode of each image from its three digits.

    >>> modes_of(torch.tensor([[4, 0, 7]])).tolist()
    [407]
    """
    return digits @ torch.tensor([100, 10, 1])
