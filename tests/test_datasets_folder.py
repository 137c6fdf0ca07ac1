"""Folders of images: conversion, splits, and refused files."""

import hashlib
import os
import struct
import unicodedata
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from adversarial_nets.datasets import Dataset, fingerprint, load
from adversarial_nets.datasets.folder import load_folder
from adversarial_nets.datasets.folder_images import read_image
from adversarial_nets.datasets.registry import LoadOptions
from adversarial_nets.errors import UserError

Array = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def fill(folder: Path, n: int = 60, side: int = 6) -> Path:
    for number in range(n):
        path = folder / f"class-{number % 3}" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(side, side, seed=number)).save(path)
    return folder


def rows(data: Dataset) -> dict[bytes, str]:
    """The split of each image, by its bytes."""
    return {
        row.numpy().tobytes(): split
        for split in ("train", "valid", "test")
        for row in getattr(data, split)
    }


def read(path: Path, size: int, channels: int = 1) -> Array:
    return read_image(path, size, channels)[0].reshape(channels, size, size)


def test_images_of_the_right_shape_keep_their_values(tmp_path: Path) -> None:
    data = load(f"folder:{fill(tmp_path)}", size=6)
    assert (data.name, data.image_shape) == (f"folder:{tmp_path}", (1, 6, 6))
    assert set(rows(data)) == {noise(6, 6, seed=n).tobytes() for n in range(60)}
    assert data.train.dtype == data.valid.dtype == data.test.dtype == torch.uint8


def test_splits_follow_the_hash_of_the_name(tmp_path: Path) -> None:
    """The first 64 bits of the SHA-256 as a fraction are below .8, .9 or 1."""
    data = load(f"folder:{fill(tmp_path, 400)}", size=6)
    assert data.random_order  # a hash of the names decides
    split_of = rows(data)
    for number in range(400):
        name = f"class-{number % 3}/{number:03}.png"
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
        expected = "train" if place < 0.8 else "valid" if place < 0.9 else "test"
        assert split_of[noise(6, 6, seed=number).tobytes()] == expected
    assert 285 <= len(data.train) <= 355  # 320 ± 4.4 standard deviations of 8


def test_adding_a_file_moves_no_other(tmp_path: Path) -> None:
    before = load(f"folder:{fill(tmp_path)}", size=6)
    Image.fromarray(noise(6, 6, seed=999)).save(tmp_path / "another.png")
    after = load(f"folder:{tmp_path}", size=6)
    assert rows(before).items() < rows(after).items()
    assert fingerprint(before) != fingerprint(after)


def test_neither_place_nor_order_of_creation_matters(tmp_path: Path) -> None:
    first = fill(tmp_path / "a")
    second = tmp_path / "b"
    for path in sorted(first.rglob("*.png"), reverse=True):
        copy = second / path.relative_to(first)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    assert fingerprint(load(f"folder:{first}")) == fingerprint(load(f"folder:{second}"))


def test_accents_give_the_same_hash_in_both_unicode_forms(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        fill(tmp_path / form)
        name = unicodedata.normalize(form, "été.png")
        Image.fromarray(noise(6, 6, seed=77)).save(tmp_path / form / name)
    one, two = (load(f"folder:{tmp_path / form}") for form in ("NFC", "NFD"))
    assert fingerprint(one) == fingerprint(two)


def test_mixed_formats_sizes_and_modes_are_read(tmp_path: Path) -> None:
    fill(tmp_path)
    formats = ("jpg", "bmp", "gif", "webp", "tif", "ppm", "tga", "jp2", "ico", "JPEG")
    for seed, suffix in enumerate(formats):
        Image.fromarray(noise(40, 30, 3, seed=seed)).save(tmp_path / f"colour.{suffix}")
    for seed, mode in enumerate(("1", "L", "P", "LA", "RGBA", "CMYK", "I;16")):
        colour = Image.fromarray(noise(40, 30, 3, seed=100 + seed))
        suffix = "tif" if mode == "CMYK" else "png"
        sixteen = Image.fromarray(noise(40, 30, seed=99).astype(np.uint16) * 257)
        image = sixteen if mode == "I;16" else colour.convert(mode)
        image.save(tmp_path / f"{mode.replace(';', '')}.{suffix}")
    (tmp_path / "README.txt").write_text("not an image")
    (tmp_path / "._hidden.png").write_text("a resource fork")
    for channels in (1, 3):
        data = load(f"folder:{tmp_path}", size=8, channels=channels)
        assert data.image_shape == (channels, 8, 8)
        assert len(data.train) + len(data.valid) + len(data.test) == 60 + 10 + 7
        assert "Skipped 1 other file (1 .txt)." in data.provenance


def test_colour_is_channels_first(tmp_path: Path) -> None:
    pixels = noise(5, 5, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", 5, 3), pixels.transpose(2, 0, 1))


def test_the_middle_square_is_kept(tmp_path: Path) -> None:
    pixels = noise(6, 10)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path / "a.png", 6)[0], pixels[:, 2:8])


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    """A fine chessboard becomes uniform grey, without aliasing."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "a.png")
    small = read(tmp_path / "a.png", 8)
    assert small.min() >= 120
    assert small.max() <= 135


@pytest.mark.parametrize(("orientation", "quarter_turns"), [(3, 2), (6, -1), (8, 1)])
def test_photographs_are_turned_upright(
    tmp_path: Path, orientation: int, quarter_turns: int
) -> None:
    pixels = noise(6, 6)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read(tmp_path / "a.png", 6)[0], np.rot90(pixels, quarter_turns))


def test_large_photographs_keep_their_brightness(tmp_path: Path) -> None:
    """A JPEG decoded at a reduced size agrees with the mean of the full-size pixels."""
    ramp = np.tile(np.linspace(0, 255, 800).astype(np.uint8), (800, 1))
    Image.fromarray(ramp).save(tmp_path / "a.jpg", quality=95)
    expected = ramp.reshape(8, 100, 8, 100).mean((1, 3))
    assert np.abs(read(tmp_path / "a.jpg", 8)[0] - expected).max() < 4


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 257], [256, 32767, 32768, 65535]] * 2, dtype=np.uint16)
    expected = np.round(values / 257).astype(np.uint8)
    for suffix in ("png", "tif", "pgm"):
        Image.fromarray(values).save(tmp_path / f"a.{suffix}")
        assert np.array_equal(read(tmp_path / f"a.{suffix}", 4)[0], expected)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_parts_become_white(tmp_path: Path, mode: str) -> None:
    image = Image.new(mode, (4, 4), (0,) * len(mode))  # clear black
    opaque = Image.new(mode, (2, 4), (0,) * (len(mode) - 1) + (255,))
    image.paste(opaque, (0, 0))
    image.save(tmp_path / "a.png")
    assert (read(tmp_path / "a.png", 4)[0] == [[0, 0, 255, 255]] * 4).all()


def test_transparent_palettes_become_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 10, 10, 10])
    image.save(tmp_path / "a.gif", transparency=0)
    assert (read(tmp_path / "a.gif", 4) == 255).all()


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), grey) for grey in (10, 200)]
    for suffix in ("gif", "webp", "png"):
        path = tmp_path / f"a.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
        assert (read(path, 4) == 10).all()


def test_progress_counts_the_files_bytes(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    load(f"folder:{fill(tmp_path)}", size=6, on_progress=lambda *event: seen.append(event))
    total = sum(path.stat().st_size for path in tmp_path.rglob("*.png"))
    done = [event[1] for event in seen]
    assert {(event[0], event[2]) for event in seen} == {(f"folder:{tmp_path}", total)}
    assert (done[0], done[-1]) == (0, total)
    assert done == sorted(done)


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 0}, "size is 0"),
        ({"size": -3}, "size is -3"),
        ({"size": 5000}, "size is 5000; it must be from 1 to 1024"),
        ({"size": "12"}, "size is '12'; it must be a whole number"),
        ({"size": 12.5}, "size is 12.5; it must be a whole number"),
        ({"size": (12, 12)}, r"size is \(12, 12\); it must be a whole number"),
        ({"channels": 2}, r"channels is 2; it must be 1 \(grey\), 3"),
        ({"channels": True}, r"channels is True; it must be 1 \(grey\), 3"),
        ({"background": (1, 2, 3)}, r"background is \(1, 2, 3\); it must be a colour, for example"),
        ({"stretch": "yes"}, "stretch is 'yes'; it must be True or False"),
        ({"fit": "cut"}, "fit is 'cut'; it must be one of 'crop', 'pad', 'stretch'"),
    ],
)
def test_impossible_options(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load(f"folder:{tmp_path}", **options)


@pytest.mark.usefixtures("_as_users_run_it")
def test_a_path_and_numbers_of_numpy(tmp_path: Path) -> None:
    for i in range(10):
        grey = np.random.default_rng(i).integers(0, 256, (6, 6), np.uint8)
        Image.fromarray(grey).save(tmp_path / f"{i}.png")
    data = load(tmp_path, size=np.int64(4), width=6.0, channels=np.int64(3))  # type: ignore[arg-type]
    assert (data.name, data.image_shape) == (f"folder:{tmp_path}", (3, 4, 6))
    np.savez(tmp_path / "x.npz", data.train.numpy().reshape(-1, 3, 4, 6))
    assert load(tmp_path / "x.npz").name == f"npz:{tmp_path / 'x.npz'}"
    for wrong in (None, 3, b"mnist-5k", np.zeros((20, 4, 4))):
        with pytest.raises(UserError, match="A data set's name is of type"):
            load(wrong)  # type: ignore[arg-type]


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load(f"folder:{tmp_path / 'nowhere'}")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match="is not a folder"):
        load(f"folder:{tmp_path / 'notes.txt'}")
    with pytest.raises(UserError, match=r"no images \(and 1 other files\)"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_images_for_three_splits(tmp_path: Path, n: int) -> None:
    with pytest.raises(UserError, match=f"only {n} image.*each split needs at least one"):
        load(f"folder:{fill(tmp_path, n)}")


def test_unreadable_images_are_all_counted_and_the_first_named(tmp_path: Path) -> None:
    fill(tmp_path)
    good = (tmp_path / "class-0" / "000.png").read_bytes()
    bad = {
        "empty.png": b"",
        "truncated.png": good[: len(good) // 2],
        "page.jpg": b"<html>log in</html>",
        "photo.heic": b"\0\0\0\x18ftypheic",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "noise.tif": b"II*\0" + bytes(noise(40)),
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_folder(tmp_path)
    said = str(caught.value)
    assert f"{len(bad)} of the {60 + len(bad)} images" in said
    assert sum(name in said for name in bad) == 5


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "the file is empty"),
        ("page.jpg", b"<html>log in</html>", "not an image in a supported format"),
        ("script.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    ],
)
def test_an_unreadable_image_is_explained(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    fill(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_folder(tmp_path)
    assert f"1 of the 61 images in {tmp_path} cannot be read: {name} ({said}" in str(caught.value)


def test_values_without_a_defined_maximum_are_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(np.full((4, 4), 1 << 20, np.int32)).save(tmp_path / "int.tif")
    with pytest.raises(UserError, match="2 of the 62") as caught:
        load_folder(tmp_path)
    assert "float.tif (floating-point values have no defined maximum)" in str(caught.value)
    assert "int.tif (32-bit values have no defined maximum)" in str(caught.value)


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_decompression_bombs_are_not_unpacked(tmp_path: Path, side: int) -> None:
    fill(tmp_path)
    Image.new("1", (1, 1)).save(tmp_path / "bomb.png")
    small = (tmp_path / "bomb.png").read_bytes()
    header = b"IHDR" + struct.pack(">2I", side, side) + small[24:29]  # the size, then as it was
    bomb = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(UserError, match=r"bomb\.png \(more than 89,478,485 pixels"):
        load_folder(tmp_path)


def test_links_and_pipes(tmp_path: Path) -> None:
    """A broken link is an error, a pipe does not block, a link to a folder above is skipped."""
    images = fill(tmp_path / "images")
    (images / "loop").symlink_to(tmp_path)
    assert len(rows(load(f"folder:{images}", size=6))) == 60
    (images / "broken.png").symlink_to(tmp_path / "nothing.png")
    os.mkfifo(images / "pipe.png")
    with pytest.raises(UserError, match="2 of the 62 images"):
        load_folder(images)


def test_other_aspects_are_cropped_padded_or_stretched(tmp_path: Path) -> None:
    """An image of 4 × 8, black with a white right half, made 4 × 4 and 4 × 16."""
    half = np.zeros((4, 8), np.uint8)
    half[:, 4:] = 255
    for i in range(60):
        Image.fromarray(half - (half > 0) * np.uint8(i)).save(tmp_path / f"{i}.png")
    whole = {"crop": [0, 0, 255, 255], "pad": [77, 0, 255, 77], "stretch": [0, 0, 255, 255]}
    for fit, row in whole.items():
        image, facts = read_image(tmp_path / "0.png", 4, 1, "#4d4d4d", fit=fit)  # type: ignore[arg-type]
        assert facts.cropped == (fit == "crop")
        pixels = image.reshape(4, 4)
        wanted = np.full((4, 4), 77) if fit == "pad" else np.tile(row, (4, 1))
        if fit == "pad":  # two rows of the image between two of the background
            assert (pixels[[0, 3]] == 77).all()
            assert pixels[1, 0] < 60 < 200 < pixels[1, 3]
        else:
            assert abs(pixels.astype(int) - wanted).max() < 60
    wide = load_folder(tmp_path, LoadOptions(size=4, width=16, fit="stretch"))
    assert wide.image_shape == (1, 4, 16)
    assert (wide.train[0].view(4, 16)[:, 0] == 0).all()
    assert (wide.train[0].view(4, 16)[:, 15] > 190).all()
    with pytest.raises(UserError, match="width is 0"):
        load_folder(tmp_path, LoadOptions(size=4, width=0))


def test_three_images_are_enough(tmp_path: Path) -> None:
    for i in range(9):
        fill_one = np.random.default_rng(i).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(fill_one).save(tmp_path / f"{i}.png")
        n = i + 1
        if n < 3:
            with pytest.raises(UserError, match="3 are enough"):
                load_folder(tmp_path, LoadOptions(size=8))
            continue
        data = load_folder(tmp_path, LoadOptions(size=8))
        counts = [len(x) for x in (data.train, data.valid, data.test)]
        assert sum(counts) == n
        assert min(counts) >= 1
