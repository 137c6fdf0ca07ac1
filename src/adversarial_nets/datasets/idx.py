"""MNIST's own file format, and any data set that comes in it.

An IDX file is a magic number (two zero bytes, the element type, the number of dimensions), each
dimension as a big-endian 32-bit integer, then the elements, last dimension fastest. Images are
three-dimensional (count, height, width), labels one-dimensional, both of unsigned bytes.

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

from adversarial_nets.datasets._types import Dataset
from adversarial_nets.errors import UserError

__all__ = ["FILES", "assemble", "find_idx", "load_idx", "read_idx"]

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

FILES = {TRAIN_IMAGES: 3, TRAIN_LABELS: 1, TEST_IMAGES: 3, TEST_LABELS: 1}
"""MNIST's four files, and the number of dimensions in each."""

UNSIGNED_BYTE = 0x08
GZIP_MAGIC = b"\x1f\x8b"

# What gzip may unpack to before we call it a bomb: MNIST shrinks five-fold, deflate at most
# 1,032-fold. A file that means it can be gunzipped by hand; then its length is on the disk to see.
GZIP_RATIO = 100
GZIP_ALWAYS_ALLOWED = 64 << 20


def find_idx(folder: Path, name: str) -> Path | None:
    """Find one of MNIST's files in a folder, plain or gzipped, in either of its two spellings.

    Args:
        folder: where to look (not in its subfolders).
        name: one of `FILES`, e.g. ``"train-images-idx3-ubyte"``; a file whose name has a dot
            before ``idx`` is found as well.

    Returns:
        The first file found, or None.
    """
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / (stem + end) for end in ("", ".gz") for stem in (name, dotted))
    return next((path for path in candidates if path.is_file()), None)


def read_idx(path: Path, dimensions: int, sha256: str | None = None) -> UInt8[Tensor, "..."]:
    """Read one IDX file of unsigned bytes; a name that ends in ``.gz`` is gunzipped.

    Nothing is allocated on the header's word alone: its dimensions must fit the file's length.

    Args:
        path: the file.
        dimensions: how many dimensions it must have: 3 for images, 1 for labels.
        sha256: if given, what the SHA-256 of the *uncompressed* bytes must be, in hexadecimal.
            (The same data may be gzipped in many ways, so a hash of the container says little.)

    Returns:
        The array, in the shape that its header states; no dimension is zero.

    Raises:
        UserError: the file is missing, cannot be read, is not gzip or not IDX, is damaged, too
            short, too long or empty, or has another checksum.
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
                    "uncompressed, take .gz off its name; otherwise fetch it again."
                )
            with gzip.GzipFile(fileobj=file) as stream:
                return _parse(stream, path, dimensions, sha256, size, gzipped=True)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(
            f"{path} is truncated or damaged ({str(error).rstrip('.')}). Fetch it again."
        ) from error
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
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
    """Check the header against the file's `size` on disk, then read just what it announces."""
    magic = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    header = stream.read(4 + 4 * dimensions)
    if not header:
        raise UserError(f"{path} is empty. Fetch it again.")
    _refuse_web_page(path, header)
    if header[:4] != magic:
        kind = "images" if dimensions == 3 else "labels"
        raise UserError(
            f"{path} does not hold IDX {kind}: it begins with {_shown(header[:4])} instead of "
            f"{_shown(magic)}. Put MNIST-format {kind} there."
        )
    if len(header) < 4 + 4 * dimensions:
        raise UserError(f"{path} is truncated: it ends within its header. Fetch it again.")

    shape = struct.unpack(f">{dimensions}I", header[4:])
    expected = math.prod(shape)
    announced = f"{' × '.join(f'{n:,}' for n in shape)} = {expected:,} bytes"
    if expected == 0:
        raise UserError(f"{path} holds nothing: its header announces {announced}.")
    if not gzipped and expected > size - len(header):
        raise UserError(
            f"{path} is truncated or has a damaged header: it announces {announced}, but only "
            f"{size - len(header):,} follow. Fetch it again."
        )
    if gzipped and expected > max(GZIP_ALWAYS_ALLOWED, GZIP_RATIO * size):
        raise UserError(
            f"{path} announces {announced} within {size:,} bytes of gzip, as only a damaged "
            "header or a decompression bomb would. Fetch it again, or gunzip it if you trust it."
        )

    data = stream.read(expected + 1)  # one more: it shows trailing bytes, and makes gzip check
    if len(data) < expected:
        raise UserError(
            f"{path} is truncated: it announces {announced}, but only {len(data):,} follow. "
            "Fetch it again."
        )
    if len(data) > expected:
        raise UserError(
            f"{path} goes on after its end: it announces {announced}, and more follow. "
            "Fetch it again."
        )
    if sha256 is not None:
        digest = hashlib.sha256(header)
        digest.update(data)
        if digest.hexdigest() != sha256:
            raise UserError(
                f"{path} is not the file it should be: the SHA-256 of its uncompressed bytes is "
                f"{digest.hexdigest()}, not {sha256}. Fetch it again; other data in MNIST's "
                "format is read as idx:FOLDER."
            )
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(shape)


def _refuse_web_page(path: Path, start: bytes) -> None:
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise UserError(
            f"{path} is a web page (HTML or XML), not data: the server answered with a log-in or "
            "error page. Fetch it again from another place."
        )


def _shown(start: bytes) -> str:
    return f"bytes {start.hex(' ')}" if start else "nothing: it is empty"


def load_idx(folder: Path, name: str | None = None) -> Dataset:
    """Load any data set in MNIST's file format and names: Fashion-MNIST, KMNIST, your own.

    Images may have any height and width, the same throughout. The last sixth of the training
    images (rounded down) becomes the validation split, as it does for MNIST; the test split is
    the ``t10k`` file. Labels are optional, for either file.

    Args:
        folder: holds ``train-images-idx3-ubyte``, ``t10k-images-idx3-ubyte`` and perhaps
            ``train-labels-idx1-ubyte``, ``t10k-labels-idx1-ubyte``; plain or with ``.gz``.
        name: the data set's name, by default ``idx:FOLDER``.

    Returns:
        The data set, of shape (1, height, width).

    Raises:
        UserError: the folder or its images are missing, a file is bad, or files disagree.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}, so no IDX data can be read from it.")
    found = {file: path for file in FILES if (path := find_idx(folder, file)) is not None}
    missing = [file for file in (TRAIN_IMAGES, TEST_IMAGES) if file not in found]
    if missing:
        raise UserError(
            f"{folder} has no {' and no '.join(missing)} (with or without .gz), the names that "
            "a data set in MNIST's format must have."
        )
    tensors = {file: read_idx(path, FILES[file]) for file, path in found.items()}
    n_train, n_test = len(tensors[TRAIN_IMAGES]), len(tensors[TEST_IMAGES])
    return assemble(
        name or f"idx:{folder}",
        tensors,
        f"IDX files in {folder.absolute()}: {n_train:,} training images, of which the last "
        f"sixth, {n_train // 6:,}, are the validation split, and {n_test:,} test images.",
    )


def assemble(name: str, files: Mapping[str, UInt8[Tensor, "..."]], provenance: str) -> Dataset:
    """Make a data set of MNIST's files: the last sixth of its training images is for validation.

    For MNIST's 60,000 that is the published split, 50,000 / 10,000 / 10,000 (§5).

    Args:
        name: the data set's name.
        files: what each file of `FILES` holds; the labels may be absent.
        provenance: as in `Dataset`.

    Returns:
        The data set.

    Raises:
        UserError: shapes or counts disagree, or there are fewer than six training images.
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
            f"{test.shape[1]}×{test.shape[2]}; they must be of one size."
        )
    for images, labels in ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)):
        if labels in files and len(files[labels]) != len(files[images]):
            raise UserError(
                f"{name} has {len(files[labels]):,} labels in {labels} for {len(files[images]):,} "
                f"images in {images}; the two files must be of one data set."
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
    )
