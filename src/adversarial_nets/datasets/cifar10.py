"""CIFAR-10: 50,000 + 10,000 colour photographs of 32×32 in its binary layout, contrast-normalised.

A batch is 10,000 records of 3,073 bytes: a label from 0 to 9, then the image as 1,024 red, 1,024
green and 1,024 blue values, row by row (Krizhevsky 2009). The layout that Python pickles is never
read.
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

from adversarial_nets.datasets._download import cache_folder, fetch_file, own_folders
from adversarial_nets.datasets._types import Dataset
from adversarial_nets.errors import DataNotFound, UserError
from adversarial_nets.progress import Progress

__all__ = ["MD5", "URLS", "load_cifar10", "read_archive", "read_batch"]

URLS = ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
"""Of the archive, as published on its page."""

BATCHES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
FOLDER = "cifar-10-batches-bin"
RECORDS, RECORD = 10_000, 1 + 3072
CONTRAST_NORM = 55.0

# How the official data begin: a frog, two trucks, a deer … and a cat, two ships, …
FIRST_LABELS = ((6, 9, 9, 4, 1, 1, 2, 7, 8, 3), (3, 8, 8, 0, 6, 6, 1, 6, 3, 1))
# … and the ends of the frog's first two rows, in red, which no lossy copy has exactly.
ENDS = (0, 1, 2, 29, 30, 31, 32, 33, 34, 61, 62, 63)
FROG = (59, 43, 50, 158, 152, 148, 16, 0, 18, 123, 119, 122)

Records = UInt8[np.ndarray, "records bytes"]


def load_cifar10(name: str = "cifar10", on_progress: Progress | None = None) -> Dataset:
    """Load CIFAR-10: 40,000 images to learn from, 10,000 for validation, 10,000 for the test (§5).

    The batches are taken from ``$ADVNETS_DATA/cifar-10-batches-bin`` (or ``cifar10``, or
    ``$ADVNETS_DATA``), or the archive from there or from the cache, else it is downloaded.

    Values are contrast-normalised, image by image: the mean over all 3,072 values is subtracted,
    and the result scaled to an L2 norm of 55.

    Args:
        name: ``"cifar10"``, or ``"cifar10-copy"`` for other bytes in the same layout, such as a
            copy that went through JPEG: its images are not checked, and its name says so.
        on_progress: called with (file, bytes done, bytes in all or None) during a download.

    Returns:
        The data set, of shape (3, 32, 32), with labels 0 to 9 for each split.

    Raises:
        UserError: a batch is missing, short or has bad labels; the images are a copy's where the
            original was asked for; the archive cannot be fetched.
    """
    folders = own_folders(FOLDER, "cifar10", f"cifar10/{FOLDER}")
    own = next((folder for folder in folders if (folder / BATCHES[0]).is_file()), None)
    if own is not None:
        batches = [read_batch(own / batch) for batch in BATCHES]
        firsts = tuple(tuple(batch[:10, 0].tolist()) for batch in (batches[0], batches[-1]))
        frog = tuple(batches[0][0, 1:][list(ENDS)].tolist())
        if name == "cifar10" and (firsts, frog) != (FIRST_LABELS, FROG):
            raise DataNotFound(
                f"{own} does not hold CIFAR-10's own batches: they begin with other labels or "
                "other pixels. If it is a copy in the same layout, say cifar10-copy, so that "
                "results are called that."
            )
    elif name == "cifar10-copy":
        raise DataNotFound(
            f"There is no {BATCHES[0]} for cifar10-copy: put the six batches of the copy into "
            f"ADVNETS_DATA/{FOLDER}."
        )
    else:
        archive = next((p for f in folders if (p := f / Path(URLS[0]).name).is_file()), None)
        batches = (
            read_archive(archive)
            if archive
            else fetch_file(
                cache_folder() / "cifar10" / Path(URLS[0]).name,
                URLS,
                read_archive,
                on_progress,
                by_hand="unpack the archive's six .bin files into a folder "
                f"{FOLDER} and set ADVNETS_DATA to the folder around it.",
            )
        )
    return _dataset(name, batches)


def _dataset(name: str, batches: Sequence[Records]) -> Dataset:
    """The splits of §5, of the five training batches and the test batch."""
    everything = torch.from_numpy(np.concatenate(batches))
    images, labels = everything[:, 1:], everything[:, 0].long()
    four, five = 4 * RECORDS, 5 * RECORDS  # §5 trains on the first 40,000
    where = {"train": slice(four), "valid": slice(four, five), "test": slice(five, None)}
    what = "CIFAR-10" if name == "cifar10" else "CIFAR-10 (JPEG copy, or another: unchecked)"
    return Dataset(
        name=name,
        train=images[where["train"]].contiguous(),
        valid=images[where["valid"]].contiguous(),
        test=images[where["test"]].contiguous(),
        image_shape=(3, 32, 32),
        provenance=f"{what}: the first 40,000 training images to learn from, the last 10,000 for "
        "validation, the 10,000 test images; contrast-normalised: each to mean 0 and norm 55.",
        range=(-CONTRAST_NORM, CONTRAST_NORM),
        labels={split: labels[rows] for split, rows in where.items()},
        contrast_norm=CONTRAST_NORM,
    )


def read_batch(path: Path) -> Records:
    """Read one batch: 10,000 records of a label and 3,072 bytes.

    Raises:
        UserError: the file is missing, or not of that length, or a label is above 9.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"There is no {path}; CIFAR-10 has {', '.join(BATCHES)}.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    return _parse(content, str(path))


def _parse(content: bytes, name: str) -> Records:
    if len(content) != RECORDS * RECORD:
        raise UserError(
            f"{name} has {len(content):,} bytes; a batch of CIFAR-10 has {RECORDS * RECORD:,} "
            f"(10,000 records of 3,073). Fetch it again."
        )
    records = np.frombuffer(content, np.uint8).reshape(RECORDS, RECORD)
    if records[:, 0].max() > 9:
        row = int(np.argmax(records[:, 0] > 9))
        raise UserError(
            f"{name}, record {row:,}: the label is {records[row, 0]}, but CIFAR-10's are 0 to 9. "
            "Fetch it again."
        )
    return records


def read_archive(path: Path, md5: str = MD5) -> list[Records]:
    """Read the six batches out of the official archive, once its MD5 is right.

    Raises:
        UserError: it has another checksum, or is damaged.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False))
        if found.hexdigest() != md5:
            raise UserError(
                f"{path} is not CIFAR-10's archive: its MD5 is {found.hexdigest()}, not {md5}. "
                "Fetch it again."
            )
        with tarfile.open(path, "r:gz") as archive:
            return [_member(archive, batch) for batch in BATCHES]
    except (OSError, tarfile.TarError, zlib.error, EOFError) as error:
        raise UserError(f"{path} cannot be read ({error}). Fetch it again.") from error


def _member(archive: tarfile.TarFile, batch: str) -> Records:
    """One batch of the archive; never more of it than a batch can have."""
    try:
        file = archive.extractfile(f"{FOLDER}/{batch}")
    except KeyError:
        file = None
    if file is None:
        raise UserError(f"The archive of CIFAR-10 has no {FOLDER}/{batch}. Fetch it again.")
    return _parse(file.read(RECORDS * RECORD + 1), batch)
