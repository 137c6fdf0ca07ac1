"""IDX, MNIST's file format, and data sets in it: Fashion-MNIST, KMNIST, your own.

An IDX file is a magic number (two zero bytes, the element type, the number of dimensions), each
dimension as a big-endian 32-bit integer, then the elements in C order. Images have three dimensions
(count, height, width), labels one; both are unsigned bytes.

Source: "The IDX file format" on the page where MNIST was published (LeCun, Cortes, Burges).
"""

import gzip
import hashlib
import io
import math
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import UserError

__all__ = ["FILES", "assemble", "find_idx", "load_idx", "read_idx"]

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

FILES = {TRAIN_IMAGES: 3, TRAIN_LABELS: 1, TEST_IMAGES: 3, TEST_LABELS: 1}
"""MNIST's four files and the number of dimensions of each."""

UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"

# A .gz file that would expand more than this is refused as a decompression bomb. MNIST expands
# 5-fold, deflate at most 1,032-fold. A larger file can be decompressed with gunzip first.
GZIP_RATIO = 100
GZIP_ALWAYS_ALLOWED = 64 << 20


def find_idx(folder: Path, name: str) -> Path | None:
    """Find one of MNIST's files in a folder, plain or gzipped.

    Args:
        folder: the folder to search, without its subfolders.
        name: one of `FILES`, e.g. ``"train-images-idx3-ubyte"``; ``"train-images.idx3-ubyte"`` is
            found too.

    Returns:
        The first file found, or None.
    """
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / (stem + end) for end in ("", ".gz") for stem in (name, dotted))
    return next((path for path in candidates if path.is_file()), None)


def read_idx(path: Path, dimensions: int, sha256: str | None = None) -> UInt8[Tensor, "..."]:
    """Read one IDX file of unsigned bytes; a file named ``.gz`` is decompressed.

    The header's dimensions are checked against the file's length before memory is allocated.

    Args:
        path: the file.
        dimensions: the number of dimensions required: 3 for images, 1 for labels.
        sha256: if given, the required SHA-256 of the *uncompressed* bytes in hexadecimal. (The
            hash of a .gz file depends on the compressor.)

    Returns:
        The array, in the shape that the header states; no dimension is zero.

    Raises:
        UserError: the file cannot be read, is not gzip or not IDX, is damaged, too short, too long
            or empty, or has another checksum.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if path.suffix != ".gz":
                return _parse(file, path, dimensions, sha256, size, gzipped=False)
            start = file.read(16)
            file.seek(0)
            _refuse_web_page(path, start)
            if start[:2] != GZIP_MAGIC:
                raise UserError(
                    f"{path} is not a gzip file: it begins with {_shown(start)}. If it is already "
                    "uncompressed, remove .gz from its name; otherwise download it again."
                )
            with gzip.GzipFile(fileobj=file) as stream:
                return _parse(stream, path, dimensions, sha256, size, gzipped=True)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(
            f"{path} is truncated or damaged ({str(error).rstrip('.')}). Download it again."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error


def _parse(
    stream: io.BufferedIOBase,
    path: Path,
    dimensions: int,
    sha256: str | None,
    size: int,
    *,
    gzipped: bool,
) -> UInt8[Tensor, "..."]:
    """Check the header against the file's `size` on disk, then read the array."""
    magic = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    header = stream.read(4 + 4 * dimensions)
    if not header:
        raise UserError(f"{path} is empty. Download it again.")
    _refuse_web_page(path, header)
    if header[:4] != magic:
        kind = "images" if dimensions == 3 else "labels"
        raise UserError(
            f"{path} does not hold IDX {kind}: it begins with {_shown(header[:4])} instead of "
            f"{_shown(magic)}. Replace it by {kind} in MNIST's format."
        )
    if len(header) < 4 + 4 * dimensions:
        raise UserError(f"{path} is truncated: it ends within its header. Download it again.")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    expected = math.prod(shape)
    stated = f"{' × '.join(f'{n:,}' for n in shape)} = {expected:,} bytes"
    if not expected:
        raise UserError(f"{path} is empty: its header states {stated}. Download it again.")
    largest = max(GZIP_ALWAYS_ALLOWED, GZIP_RATIO * size) if gzipped else size
    if gzipped and expected > largest:
        raise UserError(
            f"{path} states {stated} in {size:,} bytes of gzip; its header is damaged, or it is a "
            "decompression bomb. Download it again, or decompress it with gunzip if you trust it."
        )
    # Read one byte more than expected, to detect trailing data and to make gzip check its CRC.
    data = stream.read(min(expected, largest) + 1)
    if len(data) != expected:
        follow = "more follow" if len(data) > expected else f"only {len(data):,} follow"
        raise UserError(
            f"{path} is damaged: its header states {stated}, but {follow}. Download it again."
        )
    digest = hashlib.sha256(header + data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise UserError(
            f"{path} has other contents than expected: the SHA-256 of its uncompressed bytes is "
            f"{digest}, not {sha256}. Download it again; to use other data in MNIST's format, type "
            "idx:FOLDER."
        )
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(shape)


def _refuse_web_page(path: Path, start: bytes) -> None:
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise UserError(
            f"{path} is a web page (HTML or XML), not data: the server answered with a log-in or "
            "error page. Download it from another address."
        )


def _shown(start: bytes) -> str:
    return f"bytes {start.hex(' ')}" if start else "nothing: it is empty"


def load_idx(folder: Path, name: str | None = None) -> Dataset:
    """Load a data set in MNIST's file format and with its file names.

    Images may have any height and width, if these are the same for all images. The last sixth of
    the training images (rounded down) becomes the validation split, as for MNIST; the ``t10k`` file
    is the test split. Labels are optional.

    Args:
        folder: contains ``train-images-idx3-ubyte``, ``t10k-images-idx3-ubyte`` and optionally
            ``train-labels-idx1-ubyte``, ``t10k-labels-idx1-ubyte``; plain or with ``.gz``.
        name: the data set's name, by default ``idx:FOLDER``.

    Returns:
        The data set, of image shape (1, height, width).

    Raises:
        UserError: the folder or its images are missing, a file is damaged, or files do not match.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}. Give the path of a folder with IDX files.")
    found = {file: path for file in FILES if (path := find_idx(folder, file)) is not None}
    missing = [file for file in (TRAIN_IMAGES, TEST_IMAGES) if file not in found]
    if missing:
        raise UserError(
            f"{folder} has no {' and no '.join(missing)} (with or without .gz). A data "
            "set in MNIST's format needs files of these names."
        )
    tensors = {file: read_idx(path, FILES[file]) for file, path in found.items()}
    n_train, n_test = len(tensors[TRAIN_IMAGES]), len(tensors[TEST_IMAGES])
    return assemble(
        name or f"idx:{folder}",
        tensors,
        f"IDX files in {folder.absolute()}: {n_train:,} training images, of which the last "
        f"sixth ({n_train // 6:,}) is the validation split, and {n_test:,} test images.",
    )


def assemble(
    name: str,
    files: Mapping[str, UInt8[Tensor, "..."]],
    provenance: str,
    *,
    random_order: bool = False,
) -> Dataset:
    """Make a data set from MNIST's files; the last sixth of the training images is for validation.

    For MNIST this gives the published split of 50,000 / 10,000 / 10,000 (§5).

    Args:
        name: the data set's name.
        files: the contents of each file of `FILES`; labels may be absent.
        provenance: as in `Dataset`.
        random_order: as in `Dataset`.

    Raises:
        UserError: shapes or counts do not match, or there are fewer than six training images.
    """
    train, test = files[TRAIN_IMAGES], files[TEST_IMAGES]
    n_valid = len(train) // 6
    if n_valid == 0:
        raise UserError(
            f"{name} has only {len(train)} training images; at least 6 are needed, because the "
            "last sixth becomes the validation split."
        )
    if train.shape[1:] != test.shape[1:]:
        raise UserError(
            f"{name} has training images of {train.shape[1]}×{train.shape[2]} but test images of "
            f"{test.shape[1]}×{test.shape[2]}; they must have the same size."
        )
    for images, labels in ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)):
        if labels in files and len(files[labels]) != len(files[images]):
            raise UserError(
                f"{name} has {len(files[labels]):,} labels in {labels} for {len(files[images]):,} "
                f"images in {images}; the two files must belong to the same data set."
            )
    n_train = len(train) - n_valid
    classes: dict[str, Int64[Tensor, " n"]] = {}
    if TRAIN_LABELS in files:
        classes["train"] = files[TRAIN_LABELS][:n_train].long()
        classes["valid"] = files[TRAIN_LABELS][n_train:].long()
    if TEST_LABELS in files:
        classes["test"] = files[TEST_LABELS].long()
    return Dataset(
        name=name,
        train=train[:n_train].flatten(1),
        valid=train[n_train:].flatten(1),
        test=test.flatten(1),
        image_shape=(1, train.shape[1], train.shape[2]),
        provenance=provenance,
        labels=classes,
        random_order=random_order,
    )
