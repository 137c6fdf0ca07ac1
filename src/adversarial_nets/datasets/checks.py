"""Checks of a data set: errors for invalid fields, and warnings about problems before training."""

import hashlib
import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.errors import SettingHint, UserError

if TYPE_CHECKING:
    from adversarial_nets.datasets.dataset import Dataset

__all__ = [
    "SPLITS",
    "check_image_shape",
    "problems",
    "refuse_invalid",
    "refuse_other_than_bytes",
    "require_held_out",
    "warn_about",
]

SPLITS = ("train", "valid", "test")

_IN_WORDS = {"train": "training", "valid": "validation", "test": "test"}
_DARK = 32  # data whose brightest value is below this are probably not scaled to 0 … 255
_CHUNK = 4096  # images compared at a time


# --- What is refused ------------------------------------------------------------------------------


def refuse_invalid(data: "Dataset") -> None:
    """Raise an error if a data set's fields are invalid or contradict each other."""
    check_image_shape(data.image_shape)
    ends = data.range
    is_pair = isinstance(ends, tuple) and len(ends) == 2
    are_numbers = is_pair and all(map(_is_number, ends))
    if not (are_numbers and -math.inf < ends[0] < ends[1] < math.inf):
        raise UserError(
            f"range is {ends!r}; it must be the smallest and the largest value, e.g. (0.0, 1.0)."
        )
    norm = data.contrast_norm
    if norm is not None and not (_is_number(norm) and 0 < norm < math.inf):
        raise UserError(f"contrast_norm is {norm!r}; it must be a norm above 0, or left out.")
    if not isinstance(data.labels, Mapping):
        raise UserError(
            f"labels is of type {type(data.labels).__name__}; it must hold the class numbers by "
            "split, e.g. {'train': …, 'test': …}. Leave it out for images without classes."
        )
    for split in SPLITS:
        _check_images(split, getattr(data, split), data.image_shape)
    for number, fold in enumerate(data.folds):
        for split in ("valid", "test"):
            _check_images(f"folds[{number}].{split}", getattr(fold, split), data.image_shape)
    for split, labels in data.labels.items():
        _check_labels(data, split, labels)


def check_image_shape(shape: object) -> None:
    """Raise an error unless a value is (channels, height, width), each 1 or more."""
    if not isinstance(shape, tuple) or len(shape) != 3 or not all(map(_is_count, shape)):
        raise UserError(
            f"image_shape is {shape!r}; it must be (channels, height, width), for example "
            "(1, 28, 28)."
        )


def _is_count(n: object) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and int(n) > 0


def _is_number(x: object) -> bool:
    return isinstance(x, int | float | np.integer | np.floating)


def refuse_other_than_bytes(name: str, images: Tensor) -> None:
    """Raise an error that says how to convert, unless the images are a tensor of uint8."""
    if not isinstance(images, Tensor):
        raise UserError(
            f"{name} is of type {type(images).__name__}; it must be a uint8 tensor of shape "
            "(n, pixels), e.g. data.test. Let dataset_from_arrays make a data set, or convert "
            "NumPy arrays with torch.from_numpy."
        )
    if images.dtype != torch.uint8:
        raise UserError(
            f"{name} has values of type {str(images.dtype).removeprefix('torch.')}; images must be "
            "uint8, from 0 to 255. Convert values in [0, 1] with (x * 255).round().to(torch.uint8) "
            "and values from 0 to 255 with x.round().to(torch.uint8), or let dataset_from_arrays "
            "make the data set."
        )


def _check_images(name: str, images: Tensor, shape: tuple[int, int, int]) -> None:
    """Check one split."""
    refuse_other_than_bytes(name, images)
    pixels = math.prod(shape)
    if images.ndim != 2 or images.shape[1] != pixels:
        by_hand = ", or flatten it with x.flatten(1)" if images[:1].numel() == pixels else ""
        raise UserError(
            f"{name} has shape {tuple(images.shape)}; image_shape {shape} needs "
            f"(n, {pixels}), one row for each image. Let dataset_from_arrays make the data "
            f"set{by_hand}."
        )
    if not len(images):
        raise UserError(f"{name} has no images; each split needs at least one.")
    if images.device.type != "cpu":
        raise UserError(
            f"{name} is on the device {images.device}; data sets are held in main memory and "
            "moved one minibatch at a time. Use x.cpu()."
        )


def _check_labels(data: "Dataset", split: str, labels: object) -> None:
    """Check the labels of one split."""
    if split not in SPLITS:
        raise UserError(f"labels has the key {split!r}; its keys are {', '.join(SPLITS)}.")
    n, given = len(getattr(data, split)), f"of type {type(labels).__name__}"
    if isinstance(labels, Tensor):
        if labels.dtype == torch.int64 and labels.shape == (n,):
            return
        given = f"{str(labels.dtype).removeprefix('torch.')} of shape {tuple(labels.shape)}"
    raise UserError(
        f"labels[{split!r}] is {given}; it must be an int64 tensor of shape ({n},), one class "
        "number for each image. Convert numbers with torch.as_tensor(labels).long(), and "
        "one-hot rows with labels.argmax(1)."
    )


def require_held_out(data: "Dataset") -> None:
    """Raise an error if a data set has no held-out images, so that nothing can be scored."""
    if not data.held_out:
        raise SettingHint(
            "train_on_all",
            f"All images of {data.name} are training images (train_on_all), so none can be used "
            "for scores. Look at the samples, or train a run with --no-train-on-all.",
        )


# --- What is worth a warning ----------------------------------------------------------------------


def warn_about(data: "Dataset", *, dark: bool = True) -> None:
    """Warn once about each of the `problems` of a data set; later calls for it do not repeat them.

    Args:
        data: the data set.
        dark: whether to warn of images that are almost black.
    """
    if data.examined:
        return
    data.mark_examined()
    for problem in problems(data, dark=dark):
        warnings.warn(f"{data.name}: {problem}", UserWarning, stacklevel=2)


def problems(data: "Dataset", *, dark: bool = True) -> list[str]:
    """Return sentences about problems that make training or scores meaningless, or an empty list.

    The function looks for identical images, blank images (each channel has one value), validation
    and test images that equal a training image in all pixels, and images that are almost black.
    """
    splits = SPLITS if data.held_out else ("train",)
    images = {split: getattr(data, split) for split in splits}
    hashes = {split: _hashes(x) for split, x in images.items()}
    n = sum(map(len, hashes.values()))
    if len(set().union(*hashes.values())) == 1 and n > 3:
        return [f"all {n:,} images are identical, so there is nothing to learn. Check the files."]
    found = []
    if len(set(hashes["train"])) == 1 and len(hashes["train"]) > 1:
        found.append(f"all {len(hashes['train']):,} training images are identical.")
    blank = {split: _is_blank(x, data.image_shape[0]) for split, x in images.items()}
    n_blank = sum(int(b.sum()) for b in blank.values())
    if n_blank:
        found.append(
            f"{n_blank:,} of {n:,} images are blank (one colour everywhere). Check the files, or "
            "remove them."
        )
    found += _duplicates(hashes, blank)
    brightest = max(int(x.max()) for x in images.values())
    if dark and 0 < brightest < _DARK:
        found.append(
            f"the brightest value is {brightest} of 255, so the images are almost black. Scale "
            "the values to 0 … 255."
        )
    return found


def _duplicates(hashes: dict[str, list[bytes]], blank: dict[str, NDArray[np.bool_]]) -> list[str]:
    """A sentence if images of one split are in another; blank images do not count."""
    kept = {
        split: [h for h, is_blank in zip(hashes[split], blank[split], strict=True) if not is_blank]
        for split in hashes
    }
    counts = []
    for i, split in enumerate(kept):
        for earlier in list(kept)[:i]:
            n = sum(map(set(kept[earlier]).__contains__, kept[split]))
            if n:
                counts.append(
                    f"{n:,} of {len(hashes[split]):,} {_IN_WORDS[split]} images equal a "
                    f"{_IN_WORDS[earlier]} image"
                )
    if not counts:
        return []
    return [f"{'; '.join(counts)}. Scores on them are too high; remove the duplicates."]


def _hashes(images: Tensor) -> list[bytes]:
    """A hash of each image."""
    rows = images.contiguous().numpy()
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in rows]


def _is_blank(images: Tensor, channels: int) -> NDArray[np.bool_]:
    """Whether each channel of an image has the same value everywhere, for each image."""
    parts = []
    for chunk in images.split(_CHUNK):
        planes = chunk.reshape(len(chunk), channels, -1)
        parts.append((planes == planes[:, :, :1]).flatten(1).all(1).numpy())
    return np.concatenate(parts)
