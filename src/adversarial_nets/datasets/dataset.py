"""The type of a loaded data set: uint8 images in three splits, and minibatches of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.datasets import checks
from adversarial_nets.errors import NoClasses
from adversarial_nets.random import Address, permutation

__all__ = [
    "Dataset",
    "Fold",
    "ImageShape",
    "Source",
    "fingerprint",
    "fingerprint_of_labels",
    "image_shape_of",
    "require_labels",
    "sample_images",
    "sample_rows",
    "shuffled_indices",
    "to_pixels",
]

ImageShape = tuple[int, int, int]
"""(channels, height, width)."""


@runtime_checkable
class Source(Protocol):
    """A source of examples x ~ p_data: all that Algorithm 1 uses of a data set."""

    @property
    def pixels(self) -> int:
        """Number of values in one example."""

    @property
    def examples_per_epoch(self) -> int:
        """Number of examples in one epoch; the momentum schedule counts epochs."""

    def minibatch(self, address: Address, first: int) -> Float[Tensor, "rows pixels"]:
        """Return one minibatch.

        Args:
            address: key of the minibatch's random draws: seed, step and the required rows.
            first: number of examples that earlier minibatches drew.
        """


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation.

    Attributes:
        valid: images that choose the Parzen width σ.
        test: images that are scored with that σ.
    """

    valid: UInt8[Tensor, "n_valid pixels"]
    test: UInt8[Tensor, "n_test pixels"]


@dataclass(frozen=True, eq=False)  # two tensors have no single answer to ==
class Dataset:
    """Images held in memory as uint8, in three splits.

    Each image is one row: channels first, then rows, then columns, so that
    ``row.view(image_shape)`` is the image. `floats` converts one minibatch at a time, so
    MNIST takes 47 MB of memory instead of 188.

    Attributes:
        name: the name that loads it, e.g. ``"mnist"`` or ``"folder:cats"``.
        train: training images.
        valid: validation images, which choose settings and the Parzen width σ.
        test: test images, which give the final score.
        image_shape: (channels, height, width).
        range: smallest and largest value that `floats` can return: (0, 1), or with `contrast_norm`
            c, (−c, c). It describes the values and does not change them.
        provenance: where the images came from and how the splits were made, as a sentence.
        labels: class numbers by split (``"train"``, ``"valid"``, ``"test"``), one for each image;
            empty for data without classes. A negative number marks an image without a class.
        classes: name of each class; by default their numbers.
        folds: all folds of data that is scored by cross-validation (TFD); `valid` and `test` are
            then those of the first fold.
        contrast_norm: if given, `floats` subtracts each image's mean and scales the image to this
            L2 norm.
        notes: the changes made to the user's images, in one line for the terminal; may be empty.
        held_out: whether `valid` and `test` are images that are not in `train`; if not, they are
            the training images, and no score is computed.
        random_order: whether the first images of each split are a random sample of it. If not, as
            in splits that may be sorted by class, `sample_rows` chooses at random.
        examined: whether the images have been searched for duplicates and blank ones
            (`checks.warn_about`), so that each warning is given once.

    Raises:
        UserError: a split is not uint8 of shape (n, pixels) or is empty, or the labels are not one
            int64 number for each image; the message says how to convert.
    """

    name: str
    train: UInt8[Tensor, "n_train pixels"]
    valid: UInt8[Tensor, "n_valid pixels"]
    test: UInt8[Tensor, "n_test pixels"]
    image_shape: ImageShape
    provenance: str
    range: tuple[float, float] = (0.0, 1.0)
    labels: Mapping[str, Int64[Tensor, " n"]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    folds: tuple[Fold, ...] = ()
    contrast_norm: float | None = None
    notes: str = ""
    held_out: bool = True
    random_order: bool = False
    examined: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the types and shapes of the images and labels."""
        checks.refuse_invalid(self)
        # `fingerprint` hashes the shape's text, which must not depend on the kind of tuple.
        channels, height, width = map(int, self.image_shape)
        object.__setattr__(self, "image_shape", (channels, height, width))

    def __repr__(self) -> str:
        """The name, the numbers of images and their shape in one line."""
        n = ", ".join(f"{len(getattr(self, split)):,} {split}" for split in checks.SPLITS)
        return f"Dataset({self.name!r}: {n}; image_shape={self.image_shape})"

    def mark_examined(self) -> None:
        """Record that `checks.warn_about` has examined these images."""
        object.__setattr__(self, "examined", True)

    @property
    def pixels(self) -> int:
        """Number of values in one image: channels × height × width."""
        return self.train.shape[1]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class, in the order of the labels; empty for data without labels."""
        if not self.labels:
            return ()
        most = max(int(labels.max()) for labels in self.labels.values())
        numbers = tuple(map(str, range(len(self.classes), most + 1)))
        return self.classes + numbers

    def floats(
        self, images: UInt8[Tensor, "n pixels"], dtype: torch.dtype = torch.float32
    ) -> Float[Tensor, "n pixels"]:
        """Convert uint8 images to network inputs: pixels / 255, or contrast-normalised values.

        Contrast normalisation uses all values of an image together. An image whose norm is below
        1e-8 (a single colour) is divided by 1.

        Raises:
            UserError: the images are not uint8, for example because they are converted already.
        """
        checks.refuse_other_than_bytes("images", images)
        x = images.to(dtype)  # new memory, so the caller's images are not written into
        if self.contrast_norm is None:
            return x.div_(255)
        x -= x.mean(1, keepdim=True)
        norm = x.norm(dim=1, keepdim=True)
        return x.mul_(self.contrast_norm / norm.where(norm >= 1e-8, torch.ones_like(norm)))

    @property
    def examples_per_epoch(self) -> int:
        """Number of training images; an epoch shows each of them once."""
        return len(self.train)

    def minibatch(self, address: Address, first: int) -> Float[Tensor, "rows pixels"]:
        """Return the address's rows of a minibatch of training images.

        The training images are shuffled again for each epoch. The minibatch takes images number
        first, first + 1, … of the concatenated epochs, so it may cross the end of an epoch.
        """
        order = shuffled_indices(address, first, len(self.train))
        return self.floats(self.train.index_select(0, order))

    def minibatch_classes(self, address: Address, first: int) -> Int64[Tensor, " rows"]:
        """Return the class of each image that `minibatch` returns for the same arguments."""
        return self.labels["train"][shuffled_indices(address, first, len(self.train))]


def fingerprint(dataset: Dataset) -> str:
    """Return a hash of a data set's images, to detect that the data of a run has changed.

    Args:
        dataset: the data; its name, provenance and labels do not affect the hash.

    Returns:
        The first 16 hexadecimal digits of the SHA-256 of the image shape and the bytes of each
        split.

    >>> images = torch.zeros(1, 4, dtype=torch.uint8)
    >>> fingerprint(Dataset("black", images, images, images, (1, 2, 2), "made here"))
    '9a46149849af6629'
    """
    digest = hashlib.sha256(repr(dataset.image_shape).encode())
    for images in (dataset.train, dataset.valid, dataset.test):
        digest.update(f";{len(images)};".encode())
        digest.update(images.contiguous().numpy().data)
    return digest.hexdigest()[:16]


def fingerprint_of_labels(dataset: Dataset) -> str:
    """Return a hash of a data set's labels and class names, on which a conditional run depends."""
    digest = hashlib.sha256(repr(dataset.class_names).encode())
    for split, labels in sorted(dataset.labels.items()):
        digest.update(f";{split};".encode() + labels.numpy().tobytes())
    return digest.hexdigest()[:16]


def require_labels(data: Dataset) -> None:
    """Refuse data whose training or test images have no labels.

    Raises:
        NoClasses: the training or test images have no labels.
    """
    if not {"train", "test"} <= data.labels.keys():
        raise NoClasses(data.name)


def sample_rows(data: Dataset, split: str, n: int) -> Int64[Tensor, " rows"]:
    """Return the rows of n representative images of a split, or all rows of a smaller split.

    These are the first n if the split's order is random; otherwise n rows of a fixed random
    permutation, because a split that is sorted by class starts with one class only.

    Args:
        data: the data set.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        n: number of images.
    """
    of = len(getattr(data, split))
    if data.random_order or of <= n:
        return torch.arange(min(n, of))
    return permutation(0, "images that represent a split", 0, of)[:n]


def sample_images(data: Dataset, split: str, n: int) -> Float[Tensor, "rows pixels"]:
    """Return the images in `sample_rows` as network inputs."""
    return data.floats(getattr(data, split)[sample_rows(data, split, n)])


def shuffled_indices(address: Address, first: int, n: int) -> Int64[Tensor, " rows"]:
    """Return the indices of a minibatch's images; the order is shuffled again in each epoch.

    Args:
        address: gives the seed and the rows of the minibatch.
        first: number of images drawn before this minibatch.
        n: number of images in an epoch.
    """
    start, stop = first + address.rows.start, first + address.rows.stop
    pieces = []
    while start < stop:
        epoch, i = divmod(start, n)
        j = min(i + stop - start, n)
        pieces.append(permutation(address.seed, "order of the data", epoch, n)[i:j])
        start += j - i
    return torch.cat(pieces)


def image_shape_of(data: Source) -> ImageShape | None:
    """The shape of the examples; None if they are not images."""
    return data.image_shape if isinstance(data, Dataset) else None


def to_pixels(
    x: Float[Tensor, "n pixels"],
    image_shape: ImageShape,
    range: tuple[float, float],
    alpha: bool = False,
) -> NDArray[np.uint8]:
    """Convert network outputs to RGB images, uint8 of shape (n, height, width, 3).

    Images with alpha are shown on white, or keep it with `alpha`: shape (n, height, width, 4).

    The ends of `range` become 0 and 255; values outside are clipped. If the range is symmetric (low
    = −high, as after contrast normalisation), each image is first divided by its largest absolute
    value, so that 0 becomes grey and no value is clipped. NaN, e.g. from a game that diverged,
    becomes black.
    """
    low, high = range
    if low == -high:
        x = x * (high / x.abs().amax(1, keepdim=True).clamp_min(1e-8))
    x = ((x - low) * (255 / (high - low))).round().nan_to_num(0.0).clamp(0, 255)
    pictures = x.reshape(-1, *image_shape).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    if image_shape[0] == 4 and not alpha:
        return _on_white(pictures)
    if alpha:
        return np.ascontiguousarray(pictures)
    return np.ascontiguousarray(np.broadcast_to(pictures, (*pictures.shape[:3], 3)))


def _on_white(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA images (n, height, width, 4) on a white background, as RGB."""
    opaque = pictures[..., 3:] / 255
    mixed = pictures[..., :3] * opaque + 255 * (1 - opaque)
    return np.rint(mixed).astype(np.uint8)
