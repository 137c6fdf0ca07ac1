"""CIFAR-10: 50,000 + 10,000 colour photographs of 32×32, contrast-normalised.

The binary version is read, never the pickled one. A batch is 10,000 records of 3,073 bytes: a label
from 0 to 9, then 1,024 red, 1,024 green and 1,024 blue values, row by row (Krizhevsky 2009,
https://www.cs.toronto.edu/~kriz/cifar.html).
"""

import hashlib
import tarfile
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.datasets.download import cache_folder, fetch_file, user_folders
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import DataNotFound, UserError
from adversarial_nets.progress import Progress

__all__ = ["MD5", "URLS", "load_cifar10", "locate_cifar10", "read_archive", "read_batch"]

URLS = ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)
ARCHIVE = Path(URLS[0]).name
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
"""MD5 of the archive, as published on its page."""

BATCHES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
FOLDER = "cifar-10-batches-bin"
RECORDS, RECORD = 10_000, 1 + 3072
CONTRAST_NORM = 55.0

# Labels of the first ten training images and the first ten test images of the official data.
FIRST_LABELS = ((6, 9, 9, 4, 1, 1, 2, 7, 8, 3), (3, 8, 8, 0, 6, 6, 1, 6, 3, 1))
# Red values of the first training image (a frog) at these positions; lossy copies differ in them.
ENDS = (0, 1, 2, 29, 30, 31, 32, 33, 34, 61, 62, 63)
FROG = (59, 43, 50, 158, 152, 148, 16, 0, 18, 123, 119, 122)

Records = UInt8[np.ndarray, "records bytes"]


def load_cifar10(name: str = "cifar10", on_progress: Progress | None = None) -> Dataset:
    """Load CIFAR-10: 40,000 training, 10,000 validation and 10,000 test images (§5).

    The batches are read from ``$ADVNETS_DATA/cifar-10-batches-bin`` (or ``cifar10``, or
    ``$ADVNETS_DATA``); else the archive from one of these folders or the cache; else the archive
    is downloaded.

    Each image is contrast-normalised: the mean over its 3,072 values is subtracted, then it is
    scaled to an L2 norm of 55.

    Args:
        name: ``"cifar10"``; or ``"cifar10-copy"`` for a copy with other bytes in the same layout
            (for example after JPEG compression), which is not checked.
        on_progress: called with (file, bytes done, total bytes or None) during a download.

    Returns:
        The data set, of image shape (3, 32, 32), with labels 0 to 9 for each split.

    Raises:
        UserError: a batch is missing, too short or has wrong labels; `name` is ``"cifar10"`` and
            the images are those of a copy; the archive cannot be downloaded.
    """
    own = _users_batches()
    if own is not None:
        batches = [read_batch(own / batch) for batch in BATCHES]
        firsts = tuple(tuple(batch[:10, 0].tolist()) for batch in (batches[0], batches[-1]))
        frog = tuple(batches[0][0, 1:][list(ENDS)].tolist())
        if name == "cifar10" and (firsts, frog) != (FIRST_LABELS, FROG):
            raise DataNotFound(
                f"The batches in {own} are not the original CIFAR-10: their first labels or pixels "
                "differ. If they are a copy in the same layout, use the name cifar10-copy, so that "
                "results state it."
            )
    elif name == "cifar10-copy":
        raise DataNotFound(
            f"There is no {BATCHES[0]} for cifar10-copy. Put the six batches of the copy into "
            f"ADVNETS_DATA/{FOLDER}."
        )
    elif archive := _users_archive():
        batches = read_archive(archive)
    else:
        batches = fetch_file(
            _cached_archive(),
            URLS,
            read_archive,
            on_progress,
            instructions=f"unpack the archive's six .bin files into a folder {FOLDER} and set "
            "ADVNETS_DATA to its parent folder.",
        )
    return _dataset(name, batches)


def locate_cifar10() -> Path | None:
    """Return the folder of the batches or the path of the archive on this machine, or None.

    Nothing is read, so a copy (``cifar10-copy``) is found too.
    """
    cached = _cached_archive()
    return _users_batches() or _users_archive() or (cached if cached.is_file() else None)


def _users_folders() -> list[Path]:
    return user_folders(FOLDER, "cifar10", f"cifar10/{FOLDER}")


def _users_batches() -> Path | None:
    return next((f for f in _users_folders() if (f / BATCHES[0]).is_file()), None)


def _users_archive() -> Path | None:
    return next((p for f in _users_folders() if (p := f / ARCHIVE).is_file()), None)


def _cached_archive() -> Path:
    return cache_folder() / "cifar10" / ARCHIVE


def _dataset(name: str, batches: Sequence[Records]) -> Dataset:
    """The data set with the splits of §5, from the five training batches and the test batch."""
    everything = torch.from_numpy(np.concatenate(batches))
    images, labels = everything[:, 1:], everything[:, 0].long()
    four, five = 4 * RECORDS, 5 * RECORDS  # §5 trains on the first 40,000
    where = {"train": slice(four), "valid": slice(four, five), "test": slice(five, None)}
    what = "CIFAR-10" if name == "cifar10" else "CIFAR-10 (a copy, possibly lossy; not checked)"
    return Dataset(
        name=name,
        train=images[where["train"]].contiguous(),
        valid=images[where["valid"]].contiguous(),
        test=images[where["test"]].contiguous(),
        image_shape=(3, 32, 32),
        provenance=f"{what}: the first 40,000 training images for training, the last 10,000 for "
        "validation, the 10,000 test images; each contrast-normalised to mean 0 and norm 55.",
        range=(-CONTRAST_NORM, CONTRAST_NORM),
        labels={split: labels[rows] for split, rows in where.items()},
        classes=REGISTRY["cifar10"].classes,
        contrast_norm=CONTRAST_NORM,
        random_order=True,
    )


def read_batch(path: Path) -> Records:
    """Read one batch: 10,000 records of a label and 3,072 bytes.

    Raises:
        UserError: the file is missing, has another length, or has a label above 9.
    """
    try:
        return _parse(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}. CIFAR-10 needs "
            f"{', '.join(BATCHES)}."
        ) from error


def _parse(content: bytes, name: str) -> Records:
    if len(content) != RECORDS * RECORD:
        raise UserError(
            f"{name} has {len(content):,} bytes; a batch of CIFAR-10 has {RECORDS * RECORD:,} "
            "(10,000 records of 3,073). Download it again."
        )
    records = np.frombuffer(content, np.uint8).reshape(RECORDS, RECORD)
    if records[:, 0].max() > 9:
        raise UserError(
            f"{name} has the label {records[:, 0].max()}; CIFAR-10's labels are 0 to 9. Download "
            "it again."
        )
    return records


def read_archive(path: Path, md5: str = MD5) -> list[Records]:
    """Check the MD5 of the official archive and read its six batches.

    Raises:
        UserError: the archive has another checksum or cannot be read.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False))
        if found.hexdigest() != md5:
            raise UserError(
                f"{path} is not CIFAR-10's archive: its MD5 is {found.hexdigest()}, not {md5}. "
                "Download it again."
            )
        with tarfile.open(path, "r:gz") as archive:
            return [_member(archive, f"{FOLDER}/{batch}") for batch in BATCHES]
    except (OSError, tarfile.TarError, zlib.error, EOFError, KeyError) as error:
        raise UserError(f"{path} cannot be read ({error}). Download it again.") from error


def _member(archive: tarfile.TarFile, name: str) -> Records:
    """One batch of the archive; raises a KeyError if the archive has no file of this name."""
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(f"{name} is not a file")
    return _parse(member.read(), name)
