"""What every data set looks like once it is loaded, and what the game needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.random import Address, permutation

__all__ = ["Dataset", "Fold", "Source", "shuffled_indices", "to_pixels"]

"""Called while bytes come in, with (what, bytes done, bytes in all or None if unknown)."""


@runtime_checkable
class Source(Protocol):
    """A source of examples x ~ p_data: all that Algorithm 1 needs of a data set."""

    @property
    def pixels(self) -> int:
        """Coordinates of one x."""

    @property
    def examples_per_epoch(self) -> int:
        """How many x make one epoch; the momentum schedule counts epochs."""

    def minibatch(self, address: Address, first: int) -> Float[Tensor, "rows pixels"]:
        """Draw a minibatch.

        Args:
            address: the key of its random draws: seed, step, and the rows wanted.
            first: how many x earlier minibatches have drawn.
        """


@dataclass(frozen=True)
class Fold:
    """Images that choose σ, and images that are scored with it: one part of a cross-validation."""

    valid: UInt8[Tensor, "n_valid pixels"]
    test: UInt8[Tensor, "n_test pixels"]


@dataclass(frozen=True)
class Dataset:
    """Images held in memory as bytes, in three splits.

    Each image is one row: channels first, then rows, then columns, so that
    ``row.view(image_shape)`` is the picture. Bytes become floats batch by batch
    (`floats`), which keeps MNIST at 47 MB instead of 188.

    Attributes:
        name: what a person types to get it, e.g. ``"mnist"`` or ``"folder:cats"``.
        train: images the nets learn from.
        valid: images that choose settings and the Parzen σ, never learned from.
        test: images that score the result, once.
        image_shape: (channels, height, width).
        range: the smallest and largest value that `floats` can give.
        provenance: where the bytes came from and how the splits were made, in plain words.
        labels: for each split that has them (``"train"``, ``"valid"``, ``"test"``), one class
            number an image; empty for data without classes.
        folds: for data that is scored several times over (TFD), each fold's images; the first
            fold's are also `valid` and `test`.
        contrast_norm: where given, `floats` normalises contrast: each image has its mean
            subtracted and is scaled to this L2 norm.
    """

    name: str
    train: UInt8[Tensor, "n_train pixels"]
    valid: UInt8[Tensor, "n_valid pixels"]
    test: UInt8[Tensor, "n_test pixels"]
    image_shape: tuple[int, int, int]
    provenance: str
    range: tuple[float, float] = (0.0, 1.0)
    labels: Mapping[str, Int64[Tensor, " n"]] = field(default_factory=dict)
    folds: tuple[Fold, ...] = ()
    contrast_norm: float | None = None

    @property
    def pixels(self) -> int:
        """Values in one image: channels × height × width."""
        return self.train.shape[1]

    def floats(
        self, images: UInt8[Tensor, "n pixels"], dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "n pixels"]:
        """Turn bytes into the values the nets see: pixels / 255 in [0, 1], or contrast-normalised.

        Contrast normalisation is over all values of an image together; a norm below 1e-8 (an image
        of one colour) counts as 1.
        """
        x = images.to(dtype)
        if self.contrast_norm is None:
            return x.div_(255)
        x -= x.mean(1, keepdim=True)
        norm = x.norm(dim=1, keepdim=True)
        return x.mul_(self.contrast_norm / norm.where(norm >= 1e-8, torch.ones_like(norm)))

    @property
    def examples_per_epoch(self) -> int:
        """Training images, each seen once in an epoch."""
        return len(self.train)

    def minibatch(self, address: Address, first: int) -> Float[Tensor, "rows pixels"]:
        """The key's rows of a minibatch of training images.

        The images come in a new random order in each epoch, one order after the other without a
        gap; the minibatch takes images number first, first + 1, … of that endless sequence.
        """
        order = shuffled_indices(address, first, len(self.train))
        return self.floats(self.train.index_select(0, order))


def shuffled_indices(address: Address, first: int, n: int) -> Int64[Tensor, " rows"]:
    """Indices of the images that a minibatch takes, for `Dataset.minibatch`.

    Args:
        address: gives the seed and the rows of the minibatch.
        first: images drawn before this minibatch.
        n: images in an epoch.
    """
    start, stop = first + address.rows.start, first + address.rows.stop
    pieces = []
    while start < stop:
        epoch, i = divmod(start, n)
        j = min(i + stop - start, n)
        pieces.append(permutation(address.seed, "order of the data", epoch, n)[i:j])
        start += j - i
    return torch.cat(pieces)


def to_pixels(
    x: Float[Tensor, "n pixels"], image_shape: tuple[int, int, int], range: tuple[float, float]
) -> NDArray[np.uint8]:
    """Values as pictures: (n, height, width, 3) bytes, the range's ends becoming 0 and 255.

    Values around 0 (low = −high, as after contrast normalisation) have no brightness of their own:
    each image is divided by its largest absolute value, so that grey is 0 and nothing is cut off.
    """
    low, high = range
    if low == -high:
        x = x * (high / x.abs().amax(1, keepdim=True).clamp_min(1e-8))
    x = ((x - low) * (255 / (high - low))).round().clamp(0, 255)
    pictures = x.reshape(-1, *image_shape).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pictures, (*pictures.shape[:3], 3)))
