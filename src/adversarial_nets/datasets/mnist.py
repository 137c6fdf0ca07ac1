"""MNIST: 60,000 + 10,000 handwritten digits of 28×28, from the original IDX files."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.datasets.download import TIMEOUT, cache_folder, fetch_file, user_folders
from adversarial_nets.datasets.idx import FILES, assemble, find_idx, read_idx
from adversarial_nets.progress import Progress

__all__ = ["MIRRORS", "SHA256", "fetch", "load_mnist", "locate_mnist"]

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of each file's uncompressed bytes."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Addresses of the gzipped files, in the order in which they are tried."""


def load_mnist(on_progress: Progress | None = None) -> Dataset:
    """Load MNIST: 50,000 training, 10,000 validation and 10,000 test images (§5).

    Each file is read from ``$ADVNETS_DATA/mnist`` or ``$ADVNETS_DATA``; else from the cache
    (``$ADVNETS_CACHE``, or the system's cache folder); else it is downloaded into the cache.

    Args:
        on_progress: called with (file, bytes done, total bytes or None) during a download.

    Returns:
        The data set, of image shape (1, 28, 28), with labels for each split.

    Raises:
        UserError: a file is damaged, no mirror can be reached, or the cache cannot be written.
    """
    files = fetch(user_folders("mnist"), cache_folder() / "mnist", MIRRORS, SHA256, on_progress)
    return assemble(
        "mnist",
        files,
        "MNIST's original files (LeCun, Cortes, Burges), checked by SHA-256: the first 50,000 "
        "training images for training, the last 10,000 for validation, the 10,000 test images.",
        random_order=True,
    )


def locate_mnist() -> Path | None:
    """Return the folder of MNIST's files on this machine, or None if one of the four is missing."""
    folders = [*user_folders("mnist"), cache_folder() / "mnist"]
    found = [next((p for f in folders if (p := find_idx(f, name))), None) for name in SHA256]
    return found[0].parent if found[0] and all(found) else None


def fetch(
    folders: Sequence[Path],
    cache: Path,
    mirrors: Sequence[str],
    sha256: Mapping[str, str],
    on_progress: Progress | None = None,
    timeout: float = TIMEOUT,
) -> dict[str, UInt8[Tensor, "..."]]:
    """Read IDX files from the user's folders, else the cache, else the mirrors.

    A damaged file in `folders` is an error and is not changed; a damaged file in `cache` is
    deleted and downloaded again.

    Args:
        folders: the user's own folders, searched first.
        cache: the folder for downloads; created if needed.
        mirrors: addresses that end in a slash; a file's name and ``.gz`` are appended.
        sha256: the files to read, from `FILES`, and the SHA-256 of their uncompressed bytes.
        on_progress: as in `load_mnist`.
        timeout: seconds without a byte before the next mirror is tried.

    Returns:
        The contents of each file by its name.

    Raises:
        UserError: a damaged file in `folders`, no mirror has the right contents, or `cache`
            cannot be written.
    """
    names = ", ".join(f"{file}.gz" for file in FILES)
    files: dict[str, Tensor] = {}
    for name, digest in sha256.items():
        local = next((path for folder in folders if (path := find_idx(folder, name))), None)
        if local is not None:
            files[name] = read_idx(local, FILES[name], digest)
            continue
        files[name] = fetch_file(
            cache / f"{name}.gz",
            [f"{mirror}{name}.gz" for mirror in mirrors],
            functools.partial(read_idx, dimensions=FILES[name], sha256=digest),
            on_progress,
            timeout,
            name=name,
            instructions=f"put the files {names} in a folder and set ADVNETS_DATA to it.",
            find=functools.partial(find_idx, cache, name),
        )
    return files
