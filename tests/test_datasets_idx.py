"""The IDX reader: round trips, and a clear error for every damaged file."""

import gzip
import hashlib
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adversarial_nets.datasets import load
from adversarial_nets.datasets.idx import find_idx, read_idx
from adversarial_nets.errors import UserError

Array = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def idx_bytes(array: Array) -> bytes:
    """Write an array in MNIST's format."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def images(n: int, height: int = 3, width: int = 2) -> Array:
    return np.random.default_rng(n).integers(0, 256, (n, height, width)).astype(np.uint8)


def write(path: Path, raw: bytes) -> Path:
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def read_bytes(name: str, content: bytes, dimensions: int = 3) -> torch.Tensor:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return read_idx(path, dimensions)


arrays = st.builds(images, st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
names = st.sampled_from(["images", "images.gz"])


@settings(max_examples=40, deadline=None)
@given(arrays, names)
def test_round_trip(array: Array, name: str) -> None:
    raw = idx_bytes(array)
    content = gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw
    assert np.array_equal(read_bytes(name, content).numpy(), array)
    labels = array.ravel()
    raw = idx_bytes(labels)
    content = gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw
    assert np.array_equal(read_bytes(name, content, 1).numpy(), labels)


@settings(max_examples=100, deadline=None)
@given(arrays, names, st.data())
def test_any_truncation_is_refused(array: Array, name: str, data: st.DataObject) -> None:
    raw = idx_bytes(array)
    content = gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw
    length = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(UserError):
        read_bytes(name, content[:length])


@settings(max_examples=150, deadline=None)
@given(arrays, names, st.data())
def test_a_changed_byte_is_refused_or_harmless(
    array: Array, name: str, data: st.DataObject
) -> None:
    """In a plain file's header, or anywhere in a gzipped file (where a checksum guards it all)."""
    raw = idx_bytes(array)
    content = bytearray(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    last = len(content) if name.endswith(".gz") else 16
    place = data.draw(st.integers(0, last - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        read = read_bytes(name, bytes(content))
    except UserError:
        return
    assert np.array_equal(read.numpy(), array)


PAGE = b"\n<!DOCTYPE html><html><body>Please log in</body></html>"
HUGE = bytes((0, 0, 8, 3)) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1)
GOOD = idx_bytes(images(6))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("images", b"", "is empty"),
        ("images.gz", b"", "it is empty"),
        ("images.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("images", PAGE, "is a web page"),
        ("images.gz", PAGE, "is a web page"),
        ("images.gz", gzip.compress(PAGE, mtime=0), "is a web page"),
        ("images.gz", GOOD, "remove .gz from its name"),
        ("images.gz", b"not gzip at all", "is not a gzip file"),
        ("images", gzip.compress(GOOD, mtime=0), "bytes 1f 8b 08 00 instead of bytes 00 00 08 03"),
        ("images", idx_bytes(images(6)[0, 0]), "bytes 00 00 08 01 instead of bytes 00 00 08 03"),
        ("images", GOOD[:11], "ends within its header"),
        ("images", GOOD[:-1], "only 35 follow"),
        ("images.gz", gzip.compress(GOOD[:-1], mtime=0), "only 35 follow"),
        ("images.gz", gzip.compress(GOOD, mtime=0)[:-9], "truncated or damaged"),
        ("images", GOOD + b"x", "but more follow"),
        ("images.gz", gzip.compress(GOOD + b"x", mtime=0), "but more follow"),
        ("images.gz", gzip.compress(GOOD, mtime=0) + b"x", "truncated or damaged"),
        ("images", HUGE, "but only 0 follow"),
        ("images.gz", gzip.compress(HUGE, mtime=0), "decompression bomb"),
        ("images", idx_bytes(images(0)), "is empty: its header states"),
        ("images", idx_bytes(images(3, 0, 5)), "is empty: its header states"),
    ],
)
def test_each_fault_has_its_message(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_idx(path, 3)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_idx(path, 3)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """80 MB of zeros in 350 kB, with a correct header: refused before decompression."""
    packed = tmp_path / "images.gz"
    header = bytes((0, 0, 8, 3)) + struct.pack(">3I", 80, 1000, 1000)
    with gzip.open(packed, "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(80):
            file.write(bytes(1_000_000))
    with pytest.raises(UserError, match="decompression bomb"):
        read_idx(packed, 3)


def test_checksum_is_of_the_uncompressed_bytes(tmp_path: Path) -> None:
    right = hashlib.sha256(GOOD).hexdigest()
    for name in ("images", "images.gz"):
        path = write(tmp_path / name, GOOD)
        assert np.array_equal(read_idx(path, 3, right).numpy(), images(6))
        with pytest.raises(UserError, match="SHA-256") as caught:
            read_idx(path, 3, "0" * 64)
        assert right in str(caught.value)


def fill(folder: Path, **files: Array) -> Path:
    """Write MNIST's four files; keywords replace or remove (an empty array) any of them."""
    contents: dict[str, Array] = {
        "train_images": images(13),
        "train_labels": np.arange(13, dtype=np.uint8),
        "t10k_images": images(4),
        "t10k_labels": np.arange(4, dtype=np.uint8),
    } | files
    folder.mkdir(exist_ok=True)
    for key, array in contents.items():
        name = f"{key.replace('_', '-')}-idx{3 if 'images' in key else 1}-ubyte.gz"
        if array.size:
            write(folder / name, idx_bytes(array))
    return folder


NONE = np.empty(0, dtype=np.uint8)


def test_idx_folder_gives_the_last_sixth_to_validation(tmp_path: Path) -> None:
    data = load(f"idx:{fill(tmp_path)}")
    train = images(13).reshape(13, -1)
    assert (data.name, data.image_shape) == (f"idx:{tmp_path}", (1, 3, 2))
    assert np.array_equal(data.train.numpy(), train[:11])
    assert np.array_equal(data.valid.numpy(), train[11:])
    assert np.array_equal(data.test.numpy(), images(4).reshape(4, -1))
    assert {split: labels.tolist() for split, labels in data.labels.items()} == {
        "train": list(range(11)),
        "valid": [11, 12],
        "test": [0, 1, 2, 3],
    }


def test_labels_are_optional(tmp_path: Path) -> None:
    assert not load(f"idx:{fill(tmp_path / 'a', train_labels=NONE, t10k_labels=NONE)}").labels
    assert set(load(f"idx:{fill(tmp_path / 'b', train_labels=NONE)}").labels) == {"test"}


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("stem", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
def test_both_spellings_are_found(tmp_path: Path, stem: str, end: str) -> None:
    path = write(tmp_path / (stem + end), GOOD)
    assert find_idx(tmp_path, "train-images-idx3-ubyte") == path
    assert find_idx(tmp_path, "t10k-images-idx3-ubyte") is None


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"t10k_images": NONE}, "has no t10k-images-idx3-ubyte"),
        ({"train_images": NONE, "t10k_images": NONE}, "train-images-idx3-ubyte and no t10k"),
        ({"train_images": images(5)}, "only 5 training images; at least 6"),
        ({"t10k_images": images(4, 2, 3)}, "training images of 3×2 but test images of 2×3"),
        ({"train_labels": np.zeros(12, np.uint8)}, "12 labels in train-labels-idx1-ubyte for 13"),
        ({"t10k_labels": np.zeros(5, np.uint8)}, "5 labels in t10k-labels-idx1-ubyte for 4"),
    ],
)
def test_files_that_do_not_match_are_refused(
    tmp_path: Path, files: dict[str, Array], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        load(f"idx:{fill(tmp_path, **files)}")
    assert said in str(caught.value)


def test_no_such_idx_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        load(f"idx:{tmp_path / 'nowhere'}")
