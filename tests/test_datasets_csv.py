"""Images in a table of numbers: ``csv:FILE``."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from adversarial_nets.datasets import load
from adversarial_nets.errors import UserError

N = 10


def table(pixels: int = 16) -> np.ndarray:
    return (np.arange(N * pixels).reshape(N, pixels) * 7) % 256


def lines(values: np.ndarray, header: str = "") -> str:
    return header + "".join(",".join(map(str, row)) + "\n" for row in values.tolist())


def rows_of(path: Path) -> tuple[list[list[int]], list[int]]:
    """All images of the file, and their labels, in the order of the images' first pixels."""
    data = load(f"csv:{path}")
    images = [row.tolist() for split in (data.train, data.valid, data.test) for row in split]
    labels = [int(c) for split in ("train", "valid", "test") for c in data.labels.get(split, ())]
    return images, labels


def test_every_layout_gives_the_same_images(tmp_path: Path) -> None:
    values, labels = table(), np.arange(N) % 3
    named = ",".join(f"p{i}" for i in range(16))
    plain, header, first, last = (tmp_path / f"{i}.csv" for i in range(4))
    plain.write_text(lines(values))
    header.write_text(lines(values, named + "\n"))
    first.write_text(lines(np.column_stack([labels, values])))  # as MNIST in CSV
    last.write_text(lines(np.column_stack([values, labels]), f"{named},Class\n"))
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(("\ufeff" + first.read_text()).encode()))
    expected = sorted(values.tolist())
    for path in (plain, header, first, last, packed):
        images, found = rows_of(path)
        assert sorted(images) == expected
        if path not in (plain, header):
            assert found == [int(labels[values.tolist().index(x)]) for x in images]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("how", ["numbered", "index", "index and label", "label"])
def test_tables_as_pandas_and_excel_write_them(how: str, separator: str, tmp_path: Path) -> None:
    """Column numbers are not an image, and row numbers are not classes."""
    values, labels = table(), np.arange(N) % 3
    columns = [str(i) for i in range(16)]
    written = values
    if "label" in how:
        columns, written = [*columns, "label"], np.column_stack([written, labels])
    if "index" in how:
        columns, written = ["", *columns], np.column_stack([np.arange(N), written])
    path = tmp_path / "table.csv"
    path.write_text(lines(written, ",".join(columns) + "\n").replace(",", separator))
    images, found = rows_of(path)
    assert sorted(images) == sorted(values.tolist())
    expected = [int(labels[values.tolist().index(x)]) for x in images]
    assert found == (expected if "label" in how else [])


def test_colour_images_hold_one_channel_after_another(tmp_path: Path) -> None:
    path = tmp_path / "colour.csv"
    path.write_text(lines(table(48)))
    assert load(f"csv:{path}").image_shape == (3, 4, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a,b\nc,d\n", "cannot be read"),
        (lines(table())[:-5], "different numbers of columns"),
        (lines(table(14)), "14 columns, which do not make a square image"),
        (lines(table() + 1), "whole numbers from 0 to 255"),
        (lines(table() / 255), "whole numbers from 0 to 255"),
        ("p\x00,1\n", "cannot be read"),
        (lines(np.column_stack([np.arange(30), np.ones((30, 16), int)])), "are not classes"),
        (lines(table(17), ",".join(f"p{i}" for i in range(17)) + "\n"), "17 columns"),
    ],
)
def test_bad_files_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        load(f"csv:{path}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.csv"):
        load(f"csv:{tmp_path / 'nowhere.csv'}")
