"""Data sets from images in memory: NumPy arrays and tensors, of bytes or of floats in [0, 1]."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.datasets.checks import SPLITS, check_image_shape, warn_about
from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.datasets.registry import load, name_of
from adversarial_nets.errors import UserError, describe_type
from adversarial_nets.setting_values import plain_value
from adversarial_nets.tensors import refuse_unusual

__all__ = ["Array", "DataLike", "as_dataset", "dataset_from_arrays", "name_or_dataset"]

Array = Tensor | NDArray[Any]
"""Images in memory."""

DataLike = str | PathLike[str] | Dataset | Array | Mapping[str, Array]
"""A name or path for `load`, a loaded data set, or images in memory."""

Labels = Array | Sequence[int] | Sequence[str]
"""Class numbers of images, or their classes' names."""

_SEED = 2014  # fixed seed of the shuffle, so that the same images always give the same splits
_LARGEST_CLASS = 999_999  # every class number from 0 to the largest gets a name
_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)
_BLOCK = 1024  # images converted at a time, so that few of them are in float64
_LAYOUTS = "(n, height, width), (n, channels, height, width) or (n, height, width, channels)"


def dataset_from_arrays(
    images: Array | Mapping[str, Array],
    labels: Labels | Mapping[str, Labels] | None = None,
    *,
    image_shape: tuple[int, int, int] | None = None,
    classes: Sequence[str] | None = None,
    name: str = "array",
) -> Dataset:
    """Make a data set of images in memory; they are copied, never changed.

    Values are uint8 from 0 to 255, or floats from 0 to 1, which become ``round(255 x)``, or
    booleans, which become 0 and 255. Channels may come first or last: a size of 1, 3 or 4 (with
    alpha) tells which dimension they are (the second, if both could be).

    One array is split 80 / 10 / 10 into training, validation and test images, after a shuffle with
    a fixed seed that depends only on the number of images. A mapping keeps its splits. If
    ``"valid"`` or ``"test"`` is missing, every tenth image of ``"train"`` after the same shuffle
    becomes that split.

    Args:
        images: shape (n, h, w), (n, c, h, w), (n, h, w, c), or (n, pixels) with `image_shape`; or
            such arrays by split: ``{"train": …, "valid": …, "test": …}``.
        labels: one class number for each image, or the name of its class, in the same form as
            `images`.
        image_shape: (channels, height, width); required for (n, pixels), where each row holds
            channels, then rows, then columns.
        classes: the name of each class; by default their numbers, or the names that occur, sorted.
        name: the data set's name, which is a part of the name of a run's folder.

    Returns:
        The data set.

    Raises:
        UserError: another shape, type or value; fewer than three images; or labels that do not fit
            the images.

    >>> images = torch.arange(320).view(20, 4, 4) / 320
    >>> data = dataset_from_arrays(images)
    >>> data.image_shape, len(data.train), len(data.valid), len(data.test)
    ((1, 4, 4), 16, 2, 2)
    """
    image_shape = plain_value(image_shape, tuple[int, int, int] | None)
    _check_arguments(image_shape, name, images, classes)
    given = dict(images) if isinstance(images, Mapping) else {"all": images}
    rows, shapes = {}, {}
    for split, array in given.items():
        what = "images" if split == "all" else f"images[{split!r}]"
        rows[split], shapes[split] = _to_rows(what, array, image_shape)
    if len(set(shapes.values())) > 1:
        raise UserError(f"The splits have images of different shapes: {shapes}; use one shape.")
    counts = {split: len(x) for split, x in rows.items()}
    names = tuple(map(str, () if classes is None else classes))
    numbers, names = _class_numbers(labels, names, counts)
    chosen, how = _choose(counts)
    parts = {split: rows[source][index] for split, (source, index) in chosen.items()}
    data = Dataset(
        name=name,
        train=parts["train"],
        valid=parts["valid"],
        test=parts["test"],
        image_shape=next(iter(shapes.values())),
        provenance=f"{sum(map(len, rows.values())):,} images in memory; {how}.",
        labels={
            split: numbers[source][index]
            for split, (source, index) in chosen.items()
            if source in numbers
        },
        classes=names,
        random_order="all" in given,
    )
    warn_about(data)
    return data


def as_dataset(data: object, **options: Any) -> Dataset:  # noqa: ANN401 (those of `load`)
    """Load or make the data set that an argument of the type `DataLike` describes.

    Args:
        data: the argument.
        options: for `load`, if the argument is a name or a path.

    Raises:
        UserError: the data are of another type, or cannot be loaded.
    """
    found = name_or_dataset(data)
    return load(found, **options) if isinstance(found, str) else found


def name_or_dataset(data: object) -> str | Dataset:
    """Convert an argument of the type `DataLike` to a name for `load` or to a `Dataset`.

    A name or a path becomes the name; arrays become a data set. Warns about the `checks.problems`
    of a data set, unless it was checked when it was loaded.

    Raises:
        UserError: the data are of another type.
    """
    if isinstance(data, str | PathLike):
        return name_of(data)
    if isinstance(data, Dataset):
        warn_about(data)
        return data
    if isinstance(data, Tensor | np.ndarray | Mapping):
        return dataset_from_arrays(data)
    raise UserError(
        f"The data are of type {type(data).__name__}; give the name of a data set, for example "
        "'mnist' or 'folder:PATH', a Dataset (from load or dataset_from_arrays), or images in one "
        f"array or tensor of shape {_LAYOUTS}."
    )


def _check_arguments(image_shape: object, name: object, images: object, classes: object) -> None:
    """Refuse impossible arguments, and a mapping without training or held-out images."""
    if image_shape is not None:
        check_image_shape(image_shape)
    if not isinstance(name, str) or not name:
        raise UserError(f"name is {name!r}; it must be a text, for example 'shapes'.")
    if isinstance(classes, str) or not isinstance(classes, Iterable | None):
        raise UserError(
            f"classes is {classes!r}; give the name of each class, e.g. ['cat', 'dog']."
        )
    if isinstance(images, Mapping):
        unknown = [split for split in images if split not in SPLITS]
        if unknown or "train" not in images or len(images) < 2:
            raise UserError(
                f"images has the splits {', '.join(map(repr, images)) or 'none'}; give 'train' and "
                "one or both of 'valid' and 'test', or one array, which is then split 80 / 10 / 10."
            )


# --- Splits ---------------------------------------------------------------------------------------


def _choose(counts: Mapping[str, int]) -> tuple[dict[str, tuple[str, Tensor | slice]], str]:
    """For each split, its array and its rows in that array; and how they were chosen, in words."""
    if "all" in counts:
        train, valid, test = _cut(counts["all"], "images", ("valid", "test"))
        how = "shuffled with a fixed seed and split 80 / 10 / 10"
        return {"train": ("all", train), "valid": ("all", valid), "test": ("all", test)}, how
    chosen: dict[str, tuple[str, Tensor | slice]] = {
        split: (split, slice(None)) for split in counts
    }
    missing = [split for split in SPLITS if split not in counts]
    if not missing:
        return chosen, "split as given"
    train, held_out = _cut(counts["train"], "training images", missing)
    chosen["train"] = ("train", train.sort().values)
    chosen[missing[0]] = ("train", held_out.sort().values)
    how = f"split as given, with a tenth of the training images held out as {missing[0]} images"
    return chosen, how


def _cut(n: int, what: str, held_out: Sequence[str]) -> tuple[Tensor, ...]:
    """Shuffled rows of n images: those to train on, then a tenth for each held-out split."""
    least = len(held_out) + 1
    if n < least:
        raise UserError(
            f"The number of {what} is {n}; at least {least} are needed, because the "
            f"{' and '.join(held_out)} images are taken from them."
        )
    tenth = max(n // 10, 1)
    sizes = [n - tenth * len(held_out), *[tenth] * len(held_out)]
    return tuple(_shuffled(n).split(sizes))


def _shuffled(n: int) -> Tensor:
    """A fixed permutation of n rows, the same on all machines and in all versions."""
    keys = [hashlib.sha256(f"{_SEED};{n};{row}".encode()).digest() for row in range(n)]
    return torch.tensor(sorted(range(n), key=keys.__getitem__), dtype=torch.int64)


# --- Images ---------------------------------------------------------------------------------------


def _to_rows(
    what: str, array: Array, image_shape: tuple[int, int, int] | None
) -> tuple[Tensor, tuple[int, int, int]]:
    """Copy images into uint8 rows, channels first; also return the shape of one image."""
    values = _to_numpy(what, array)
    if values.ndim < 2:
        raise _no_images(what, values.shape)
    if not values.size:
        raise UserError(f"{what} is empty; give images.")
    if values.ndim == 2 and image_shape is None:
        raise _no_images(what, values.shape)
    values = _channels_first(what, _to_bytes(what, values), image_shape)
    _, channels, height, width = values.shape
    rows = np.ascontiguousarray(values).reshape(len(values), -1)
    return torch.from_numpy(rows), (channels, height, width)


def _no_images(what: str, shape: tuple[int, ...]) -> UserError:
    """The error for points, or for vectors that may be images without a shape."""
    if shape[1:] in ((), (1,), (2,)):
        remedy = (
            "Points in one or two dimensions are not images: toys.points_from_array makes a "
            "distribution of them, and toys.recording.record plays a game on it."
        )
    else:
        remedy = (
            "For rows of shape (n, pixels), call dataset_from_arrays with image_shape; for vectors "
            "that are not images, build.new_game with a datasets.Source."
        )
    return UserError(f"{what} has shape {shape}; it must be {_LAYOUTS}. {remedy}")


def _to_numpy(what: str, array: object) -> NDArray[Any]:
    if isinstance(array, Tensor):
        refuse_unusual(what, array)
        array = array.detach().cpu()
        in_numpy = not array.is_floating_point() or array.dtype in _NUMPY_FLOATS
        return (array if in_numpy else array.float()).numpy()
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise UserError(
            f"{what} is a masked array; fill its hidden values, for example with x.filled(0)."
        )
    if isinstance(array, np.ndarray):
        return array
    raise UserError(
        f"{what} is of type {type(array).__name__}; give a NumPy array or a tensor, for example "
        "numpy.stack(list_of_images)."
    )


def _to_bytes(what: str, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert to uint8, in new memory."""
    if values.dtype == np.uint8:
        return np.array(values)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind != "f":
        raise UserError(
            f"{what} has values of type {values.dtype}; they must be uint8 from 0 to 255, or "
            "floats from 0 to 1. Convert whole numbers from 0 to 255 with .astype('uint8'), and "
            "12-bit or 16-bit values by dividing them by 4095 or 65535."
        )
    if not np.isfinite(values).all():
        raise UserError(f"{what} has values that are NaN or infinite; remove those images.")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        remedy = (
            "bring them there with (x + 1) / 2"
            if low >= -1 and high <= 1
            else "divide values from 0 to 255 by 255"
            if low >= 0 and high <= 255
            else "scale them to it, for example with (x - x.min()) / (x.max() - x.min())"
        )
        raise UserError(
            f"{what} has floats from {low:g} to {high:g}; floats must be from 0 to 1: {remedy}."
        )
    found = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _BLOCK):
        block = slice(start, start + _BLOCK)
        found[block] = np.rint(values[block].astype(np.float64) * 255)
    return found


def _channels_first(
    what: str, values: NDArray[np.uint8], image_shape: tuple[int, int, int] | None
) -> NDArray[np.uint8]:
    """View the images as (n, channels, height, width)."""
    if values.ndim == 2 and image_shape is not None:
        if values.shape[1] != np.prod(image_shape):
            raise UserError(
                f"{what} has {values.shape[1]} values in each row; image_shape {image_shape} needs "
                f"{int(np.prod(image_shape))}."
            )
        return values.reshape(-1, *image_shape)
    if values.ndim == 3:
        if values.shape[2] in (3, 4) and min(values.shape[:2]) >= 8:
            raise UserError(
                f"{what} has shape {values.shape}, which looks like one image (height, width, "
                f"channels); it must be {_LAYOUTS}. Stack many images with numpy.stack."
            )
        values = values[:, None]
    elif values.ndim == 4 and values.shape[1] not in (1, 3, 4) and values.shape[3] in (1, 3, 4):
        values = values.transpose(0, 3, 1, 2)
    if values.ndim != 4 or values.shape[1] not in (1, 3, 4):
        raise UserError(
            f"{what} has shape {values.shape}; it must be {_LAYOUTS}, with 1, 3 or 4 channels "
            "(the fourth is alpha)."
        )
    if image_shape is not None and values.shape[1:] != tuple(image_shape):
        raise UserError(
            f"{what} has images of shape {values.shape[1:]}, but image_shape is {image_shape}; "
            "leave image_shape out."
        )
    return values


# --- Labels ---------------------------------------------------------------------------------------


def _class_numbers(
    labels: Labels | Mapping[str, Labels] | None,
    classes: tuple[str, ...],
    counts: Mapping[str, int],
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The class number of each image, int64, by array; and the names of the classes.

    Args:
        labels: the class of each image, or by array.
        classes: the names of the classes; empty if they are not given.
        counts: number of images in each array, which has the key "all" if there is only one.

    Raises:
        UserError: another form than the images', or not one class number or name for each image.
    """
    if labels is None:
        return {}, classes
    if isinstance(labels, Mapping) == ("all" in counts):
        raise UserError("Give images and labels both as one array, or both by split.")
    given = labels if isinstance(labels, Mapping) else {"all": labels}
    for split in given:
        if split not in counts:
            raise UserError(f"labels has the split {split!r}, but images has not.")
    found = {split: _one_per_image(split, x, counts[split]) for split, x in given.items()}
    are_names = [x.dtype.kind == "U" for x in found.values()]
    if any(are_names):
        if not all(are_names):
            raise UserError("labels are numbers in one split and names in another; give names.")
        found, classes = _numbers_of_names(found, classes)
    for numbers in found.values():
        whole = numbers.dtype.kind in "fiub" and bool((numbers == np.floor(numbers)).all())
        if not whole or not 0 <= numbers.min() <= numbers.max() <= _LARGEST_CLASS:
            raise UserError(
                "labels has values that are not whole numbers from 0, or numbers above "
                f"{_LARGEST_CLASS:,}; number the classes, for example with "
                "numpy.unique(labels, return_inverse=True)[1]."
            )
    return {split: torch.from_numpy(x.astype(np.int64)) for split, x in found.items()}, classes


def _numbers_of_names(
    names: Mapping[str, NDArray[Any]], classes: tuple[str, ...]
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """Class numbers in place of names; and the classes, by default the names that occur, sorted."""
    occurring = {name for array in names.values() for name in array.tolist()}
    unknown = occurring - set(classes)
    if classes and unknown:
        raise UserError(f"labels has the class {min(unknown)!r}, which classes lacks.")
    classes = classes or tuple(sorted(occurring))
    number_of = {name: i for i, name in enumerate(classes)}
    numbers = {
        split: np.array([number_of[name] for name in array.tolist()])
        for split, array in names.items()
    }
    return numbers, classes


def _one_per_image(split: str, labels: Any, n: int) -> NDArray[Any]:  # noqa: ANN401 (of any form)
    """The labels of n images as n numbers or texts; pandas' texts are objects, and become texts."""
    what = "labels" if split == "all" else f"labels[{split!r}]"
    rule = f"it must be ({n},), one class number or name for each image"
    if labels is None or isinstance(labels, str | bytes):
        raise UserError(f"{what} is {describe_type(labels)}; {rule}.")
    try:
        array = _to_numpy(what, labels) if isinstance(labels, Tensor) else np.asarray(labels)
        array = np.array(array.tolist()) if array.dtype.kind == "O" else array
        array = array.astype(str) if array.dtype.kind == "S" else array
    except UnicodeDecodeError as error:
        raise UserError(f"{what} has names that are not ASCII texts; decode them.") from error
    except ValueError as error:
        raise UserError(f"{what} has rows of different lengths; {rule}.") from error
    if array.shape not in ((n,), (n, 1)):  # a column, as in many CSV and MAT files
        raise UserError(
            f"{what} has shape {array.shape}; {rule}. Convert one-hot rows with labels.argmax(1)."
        )
    return array.ravel()
