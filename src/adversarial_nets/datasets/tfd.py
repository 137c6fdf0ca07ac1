"""The Toronto Face Database as published: grey faces, and five folds to score on (§5).

The database is not freely distributed: a person who is licensed to use it has its files. Where it
is missing a *stand-in* in the same layout takes its place, the faces of FER-2013, which has a name
of its own and whose scores compare with nobody's TFD scores.

One MATLAB 5 file: `images` (n, side, side) bytes, `labs_ex` (n, 1) expressions 1 to 7 or −1 where
unlabelled, `folds` (n, 5): 0 unlabelled, 1 train, 2 valid, 3 test.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets.datasets._download import own_folders
from adversarial_nets.datasets._types import Dataset, Fold
from adversarial_nets.errors import DataNotFound, UserError

__all__ = ["NAMES", "load_tfd", "read_tfd"]

NAMES = {
    "tfd": (48, "tfd", "the Toronto Face Database"),
    "tfd-96": (96, "tfd", "the Toronto Face Database at 96×96"),
    "tfd-standin": (48, "tfd_standin", "the TFD stand-in (FER-2013)"),
}
"""By what a person types: the side of an image, the folder to look in, and what to call it."""

STANDIN_IMAGES = 35_887  # in FER-2013; TFD has over a hundred thousand
UNLABELLED, VALID, TEST = 0, 2, 3
EXPRESSIONS = 7


def load_tfd(name: str = "tfd") -> Dataset:
    """Load the faces from ``$ADVNETS_DATA``: `TFD_48x48.mat`, or `TFD_96x96.mat`.

    G is trained once, on the images that every fold leaves unlabelled; ``folds`` has the five
    pairs of validation and test images, of which ``valid`` and ``test`` are the first.

    Args:
        name: ``"tfd"``, ``"tfd-96"``, or ``"tfd-standin"``: the faces of FER-2013 in TFD's layout.

    Returns:
        The data set, of shape (1, 48, 48) or (1, 96, 96), with labels 0 to 6 of the first fold.

    Raises:
        UserError: the file is missing or bad, or is the stand-in where TFD was asked for.
    """
    side, folder, _ = NAMES[name]
    file = f"TFD_{side}x{side}.mat"
    path = next((p / file for p in own_folders(folder) if (p / file).is_file()), None)
    if path is None:
        raise DataNotFound(_missing(name, folder, file))
    data = read_tfd(path, name, side)
    is_standin = sum(map(len, (data.train, data.valid, data.test))) <= STANDIN_IMAGES
    if is_standin and name != "tfd-standin":
        raise DataNotFound(
            f"{path} has no more images than the stand-in (FER-2013), and TFD has three times as "
            "many: its results would be no results on TFD. Say tfd-standin."
        )
    if not is_standin and name == "tfd-standin":
        raise UserError(f"{path} is not the stand-in: it has more images. Say tfd.")
    return data


def _missing(name: str, folder: str, file: str) -> str:
    where = f"ADVNETS_DATA/{folder}/{file} or ADVNETS_DATA/{file}"
    if name == "tfd-standin":
        return (
            f"The TFD stand-in is not here. It is FER-2013's 35,887 faces in TFD's file layout; "
            f"put that file at {where}."
        )
    return (
        "The Toronto Face Database is not here. It is licensed for research by its authors at the "
        "University of Toronto and may not be passed on, so it cannot be downloaded: if you have a "
        f"licensed copy, put it at {where}."
    )


def read_tfd(path: Path, name: str, side: int) -> Dataset:
    """Read one file in TFD's layout.

    Args:
        path: the file.
        name: the data set's name.
        side: the height and width that its images must have.

    Raises:
        UserError: it cannot be read, is HDF5, or lacks images, folds or labels of the right form.
    """
    images, labels, folds = _read(path)
    n = len(images)
    if images.shape != (n, side, side) or images.dtype != np.uint8 or not n:
        raise UserError(
            f"{path}: images is {images.dtype} of shape {images.shape}; bytes of shape "
            f"(n, {side}, {side}) are needed."
        )
    if folds.ndim != 2 or len(folds) != n or not folds.shape[1]:
        raise UserError(f"{path}: folds has shape {folds.shape}; it must be ({n}, 5).")
    if not np.isin(folds, range(4)).all():
        raise UserError(
            f"{path}: folds has values other than 0 (unlabelled), 1 (train), 2 (valid), 3 (test)."
        )
    known = np.isin(labels, [-1, *range(1, EXPRESSIONS + 1)])
    if labels.size != n or not known.all():
        raise UserError(
            f"{path}: labs_ex must have {n:,} labels, each 1 to {EXPRESSIONS}, or −1 where there "
            f"is none; it has {labels.size:,}, {int((~known).sum()):,} of them others. Fetch the "
            "original again."
        )
    rows = torch.from_numpy(images.reshape(n, -1))
    unlabelled = np.flatnonzero((folds == UNLABELLED).all(1))
    valid, test = ((folds == code).sum(0) for code in (VALID, TEST))
    if not (len(unlabelled) and valid.all() and test.all()):
        raise UserError(
            f"{path}: a fold has no validation or no test images, or no image is unlabelled in "
            "every fold; each needs some. Fetch the original again."
        )

    def where(fold: int, code: int) -> Tensor:
        return torch.from_numpy(np.flatnonzero(folds[:, fold] == code))

    def sizes(counts: NDArray[Any]) -> str:
        few, many = int(counts.min()), int(counts.max())
        return f"{few:,}" if few == many else f"{few:,} to {many:,}"

    pairs = tuple(Fold(rows[where(i, VALID)], rows[where(i, TEST)]) for i in range(folds.shape[1]))
    expressions = torch.from_numpy(labels.ravel().astype(np.int64) - 1)
    return Dataset(
        name=name,
        train=rows[torch.from_numpy(unlabelled)],
        valid=pairs[0].valid,
        test=pairs[0].test,
        image_shape=(1, side, side),
        provenance=f"{NAMES[name][2]}, {path.name}, {n:,} faces of {side}×{side}: "
        f"{len(unlabelled):,} unlabelled ones to learn from; {folds.shape[1]} folds to score on, "
        f"of {sizes(valid)} validation and {sizes(test)} test images each.",
        labels={
            split: expressions[where(0, code)] for split, code in (("valid", VALID), ("test", TEST))
        },
        folds=pairs,
    )


def _read(path: Path) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The file's images, labs_ex and folds."""
    from scipy.io import loadmat

    wanted = ("images", "labs_ex", "folds")
    try:
        found = loadmat(path, variable_names=wanted)
    except NotImplementedError as error:
        raise UserError(
            f"{path} is a MATLAB 7.3 (HDF5) file; TFD's is MATLAB 5. In MATLAB, load it and save "
            "it with -v7; or fetch the original again."
        ) from error
    except Exception as error:  # damaged bytes make scipy's reader fail in any way
        raise UserError(
            f"{path} cannot be read as a MATLAB 5 file ({error}). Fetch the original again."
        ) from error
    missing = [name for name in wanted if name not in found]
    if missing:
        raise UserError(
            f"{path} has no {' and no '.join(missing)}; TFD's file has {', '.join(wanted)}. "
            "It may be another version, or have been saved without them."
        )
    images, labels, folds = (np.asarray(found[name]) for name in wanted)
    for name, array in zip(wanted, (images, labels, folds), strict=True):
        if array.dtype.kind not in "iuf":
            raise UserError(f"{path}: {name} holds no numbers. Fetch the original again.")
    return images, labels, folds
