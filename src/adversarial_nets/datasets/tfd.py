"""The Toronto Face Database (TFD): grey faces, scored on five folds (§5).

TFD is licensed and cannot be downloaded; users provide their own copy. If you do not have it, use
the *stand-in*: the faces of FER-2013 in TFD's file layout. It has its own name, ``tfd-standin``,
because its scores cannot be compared with scores on TFD.

The data is one MATLAB 5 file: `images`, uint8 of shape (n, side, side); `labs_ex` (n, 1), the
expressions 1 to 7, or −1 for unlabelled; `folds` (n, 5): 0 unlabelled, 1 train, 2 valid, 3 test.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.datasets.dataset import Dataset, Fold
from adversarial_nets.datasets.download import user_folders
from adversarial_nets.errors import DataNotFound, UserError

__all__ = ["NAMES", "load_tfd", "locate_tfd", "read_tfd"]

NAMES = {
    "tfd": (48, "tfd", "the Toronto Face Database"),
    "tfd-96": (96, "tfd", "the Toronto Face Database at 96×96"),
    "tfd-standin": (48, "tfd_standin", "the TFD stand-in (FER-2013)"),
}
"""By the data set's name: side of an image, subfolder of ADVNETS_DATA, and full name."""

STANDIN_IMAGES = 35_887  # in FER-2013; TFD has over a hundred thousand
UNLABELLED, VALID, TEST = 0, 2, 3
EXPRESSIONS = 7


def load_tfd(name: str = "tfd") -> Dataset:
    """Load the faces from ``$ADVNETS_DATA``: `TFD_48x48.mat` or `TFD_96x96.mat`.

    The training images are those that are unlabelled in every fold. ``folds`` has the five pairs
    of validation and test images; ``valid`` and ``test`` are the first pair.

    Args:
        name: ``"tfd"``, ``"tfd-96"``, or ``"tfd-standin"``: the faces of FER-2013 in TFD's layout.

    Returns:
        The data set, of image shape (1, 48, 48) or (1, 96, 96), with labels 0 to 6 for the first
        fold.

    Raises:
        UserError: the file is missing or damaged, or holds the stand-in instead of TFD.
    """
    path = locate_tfd(name)
    if path is None:
        raise DataNotFound(_missing(name))
    data = read_tfd(path, name, NAMES[name][0])
    is_standin = sum(map(len, (data.train, data.valid, data.test))) <= STANDIN_IMAGES
    if is_standin and name != "tfd-standin":
        raise DataNotFound(
            f"{path} has as few images as the stand-in (FER-2013); TFD has three times as many. "
            "Use the name tfd-standin, so that results are not reported as results on TFD."
        )
    if not is_standin and name == "tfd-standin":
        raise UserError(f"{path} has more images than the stand-in (FER-2013). Use the name tfd.")
    return data


def locate_tfd(name: str) -> Path | None:
    """Return the path of the file of a data set in `NAMES`, or None if there is none."""
    side, folder, _ = NAMES[name]
    file = f"TFD_{side}x{side}.mat"
    return next((p / file for p in user_folders(folder) if (p / file).is_file()), None)


def _missing(name: str) -> str:
    side, folder, _ = NAMES[name]
    file = f"TFD_{side}x{side}.mat"
    where = f"ADVNETS_DATA/{folder}/{file} or ADVNETS_DATA/{file}"
    if name == "tfd-standin":
        return (
            "The TFD stand-in was not found. It is FER-2013's 35,887 faces in TFD's file layout. "
            f"Put that file at {where}."
        )
    return (
        "The Toronto Face Database was not found. It is licensed for research by its authors at "
        "the University of Toronto and cannot be downloaded. If you have a licensed copy, put it "
        f"at {where}."
    )


def read_tfd(path: Path, name: str, side: int) -> Dataset:
    """Read one file in TFD's layout.

    Args:
        path: the file.
        name: the data set's name.
        side: the required height and width of its images.

    Raises:
        UserError: the file cannot be read, is HDF5, or lacks images, folds or labels in the right
            form.
    """
    images, labels, folds = _read(path)
    if problem := _problem(images, labels, folds, side):
        raise UserError(f"{path}: {problem}. Use the original file.")
    n = len(images)
    rows = torch.from_numpy(images.reshape(n, -1))
    unlabelled = np.flatnonzero((folds == UNLABELLED).all(1))
    valid, test = ((folds == code).sum(0) for code in (VALID, TEST))

    def rows_with(fold: int, code: int) -> Tensor:
        return torch.from_numpy(np.flatnonzero(folds[:, fold] == code))

    def sizes(counts: NDArray[Any]) -> str:
        least, most = int(counts.min()), int(counts.max())
        return f"{least:,}" if least == most else f"{least:,} to {most:,}"

    pairs = tuple(
        Fold(rows[rows_with(i, VALID)], rows[rows_with(i, TEST)]) for i in range(folds.shape[1])
    )
    expressions = torch.from_numpy(labels.ravel().astype(np.int64) - 1)
    return Dataset(
        name=name,
        train=rows[torch.from_numpy(unlabelled)],
        valid=pairs[0].valid,
        test=pairs[0].test,
        image_shape=(1, side, side),
        provenance=f"{NAMES[name][2]}, {path.name}, {n:,} faces of {side}×{side}: "
        f"{len(unlabelled):,} unlabelled ones for training; {folds.shape[1]} folds for scoring, "
        f"of {sizes(valid)} validation and {sizes(test)} test images each.",
        labels={
            split: expressions[rows_with(0, code)]
            for split, code in (("valid", VALID), ("test", TEST))
        },
        folds=pairs,
        random_order=True,
    )


def _problem(
    images: NDArray[Any], labels: NDArray[Any], folds: NDArray[Any], side: int
) -> str | None:
    """How the arrays differ in shape, type or values from TFD's; None if they do not."""
    n = len(images)
    if images.shape != (n, side, side) or images.dtype != np.uint8 or not n:
        return (
            f"images is {images.dtype} of shape {images.shape}; it must be uint8 of shape "
            f"(n, {side}, {side})"
        )
    if folds.ndim != 2 or len(folds) != n or not folds.shape[1]:
        return f"folds has shape {folds.shape}; it must be ({n}, 5)"
    if not np.isin(folds, range(4)).all():
        return "folds has values other than 0 (unlabelled), 1 (train), 2 (valid), 3 (test)"
    known = np.isin(labels, [-1, *range(1, EXPRESSIONS + 1)])
    if labels.size != n or not known.all():
        return (
            f"labs_ex must have {n:,} labels, each 1 to {EXPRESSIONS}, or −1 for unlabelled; it "
            f"has {labels.size:,}, of which {int((~known).sum()):,} are invalid"
        )
    in_each_fold = ((folds == code).any(0).all() for code in (VALID, TEST))
    if not (all(in_each_fold) and (folds == UNLABELLED).all(1).any()):
        return "a fold has no validation or no test images, or no image is unlabelled in every fold"
    return None


def _read(path: Path) -> list[NDArray[Any]]:
    """The arrays images, labs_ex and folds of the file."""
    from scipy.io import loadmat

    wanted = ("images", "labs_ex", "folds")
    try:
        found = loadmat(path, variable_names=wanted)
    except NotImplementedError as error:
        raise UserError(
            f"{path} is a MATLAB 7.3 (HDF5) file, but a MATLAB 5 file is needed. In MATLAB, load "
            "it and save it with -v7, or use the original file."
        ) from error
    except Exception as error:  # on damaged files scipy's reader raises many types
        raise UserError(
            f"{path} cannot be read as a MATLAB 5 file ({error}). Use the original file."
        ) from error
    missing = [name for name in wanted if name not in found]
    if missing:
        raise UserError(
            f"{path} has no {' and no '.join(missing)}; it must have {', '.join(wanted)}. "
            "Use the original file."
        )
    arrays = {name: np.asarray(found[name]) for name in wanted}
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf":
            raise UserError(f"{path}: {name} is not numeric. Use the original file.")
    return list(arrays.values())
