"""Images in a NumPy archive: ``npz:FILE``."""

import warnings
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from adversarial_nets.datasets.arrays import Array, dataset_from_arrays
from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import UserError, reason

__all__ = ["load_npz"]

_LABELS = ("labels", "label", "y")


def load_npz(path: Path, name: str) -> Dataset:
    """Load the images in a file that `numpy.savez` or `numpy.save` wrote.

    Arrays named ``train``, ``valid`` and ``test`` are the splits, and ``train_labels`` and so on
    hold their class numbers. Otherwise the file must hold one array of images with any name, and
    optionally an array ``labels`` with class numbers. Shapes and values are those of
    `arrays.dataset_from_arrays`. Objects are not unpickled.

    Args:
        path: the file.
        name: the data set's name.

    Raises:
        UserError: the file does not exist or has another format, or its arrays are not images.
    """
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            arrays = {"images": file}
        else:
            with file:
                arrays = {key: file[key] for key in file.files}
        if not all(isinstance(x, np.ndarray) for x in arrays.values()):
            raise ValueError("it is a zip archive of other files")
    except (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        is_other = "pickle" in str(error)
        why = "it holds Python objects, or is not a NumPy file" if is_other else reason(error)
        raise UserError(
            f"{path} cannot be read as a NumPy archive ({why}). In npz:FILE, FILE must be an "
            ".npz file of images, written by numpy.savez."
        ) from error
    splits: dict[str, Array] = {
        key: arrays[key] for key in ("train", "valid", "test") if key in arrays
    }
    if splits:
        labels_of = {key: arrays[f"{key}_labels"] for key in splits if f"{key}_labels" in arrays}
        if not labels_of and any(key in arrays for key in _LABELS):
            raise UserError(
                f"{path} holds splits and one array of labels; name the labels of each split "
                "train_labels, valid_labels and test_labels."
            )
        used = [*splits, *(f"{key}_labels" for key in labels_of)]
        _warn_of_unused(path, arrays, used, "train, valid, test, train_labels, …")
        return dataset_from_arrays(splits, labels_of or None, name=name)
    label = next((key for key in _LABELS if key in arrays), "")
    labels = arrays.pop(label, None)
    images = {key: x for key, x in arrays.items() if x.ndim >= 3}
    if len(images) != 1:
        found = ", ".join(f"{key} {tuple(x.shape)}" for key, x in arrays.items()) or "none"
        raise UserError(
            f"{path} holds the arrays {found}, {len(images)} of which are images, (n, height, "
            "width) with or without channels; give it one array of images, or arrays named train, "
            "valid and test (and train_labels …). Rows of pixels become images with "
            "x.reshape(-1, 28, 28)."
        )
    _warn_of_unused(path, arrays, images, "labels, together with one array of images")
    return dataset_from_arrays(next(iter(images.values())), labels, name=name)


def _warn_of_unused(
    path: Path, arrays: Mapping[str, Array], used: Collection[str], known: str
) -> None:
    """Warn of arrays that are not read, because they do not have one of the expected names."""
    unused = [key for key in arrays if key not in used]
    if unused:
        warnings.warn(
            f"{path}: these arrays are not used: {', '.join(unused)}. The names that are read are "
            f"{known}.",
            stacklevel=3,
        )
