"""What every data set looks like once it is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

__all__ = ["Dataset"]


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
    """

    name: str
    train: UInt8[Tensor, "n_train pixels"]
    valid: UInt8[Tensor, "n_valid pixels"]
    test: UInt8[Tensor, "n_test pixels"]
    image_shape: tuple[int, int, int]
    provenance: str
    range: tuple[float, float] = (0.0, 1.0)
    labels: Mapping[str, Int64[Tensor, " n"]] = field(default_factory=dict)

    @property
    def pixels(self) -> int:
        """Values in one image: channels × height × width."""
        return self.train.shape[1]

    def floats(
        self, images: UInt8[Tensor, "n pixels"], dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "n pixels"]:
        """Turn bytes into the values the nets see: pixels / 255, in [0, 1]."""
        return images.to(dtype).div_(255)
