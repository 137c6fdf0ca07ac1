"""Folders as people have them: splits, thumbnails, links, transparency, 12-bit and 32-bit files."""

import dataclasses
import shutil
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset, fingerprint, load
from adversarial_nets.datasets.folder_images import read_image
from adversarial_nets.errors import UserError
from adversarial_nets.training.session import train
from small import small_data, small_settings
from test_datasets_folder import fill, noise, rows

Values = np.ndarray[tuple[int, ...], np.dtype[Any]]


def read(path: Path, size: int, channels: int = 1) -> Values:
    return read_image(path, size, channels)[0].reshape(channels, size, size)


def counts(data: Dataset) -> tuple[int, int, int]:
    return len(data.train), len(data.valid), len(data.test)


def png_of(values: Values, colour_type: int, chunks: bytes = b"") -> bytes:
    """A 16-bit PNG, whose colour types Pillow reads but does not all write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    height, width = values.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(">2I5B", width, height, 16, colour_type, 0, 0, 0)
    transparent = chunk(b"tRNS", chunks) if chunks else b""
    body = chunk(b"IHDR", header) + transparent + chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


# --- Values without a defined black and white -----------------------------------------------------


@pytest.mark.parametrize("largest", [1, 255, 4095, 65535])
@pytest.mark.parametrize("kind", [np.int32, np.uint32])
def test_integers_of_32_bits_are_refused_whatever_their_values(
    tmp_path: Path, kind: type[np.int32 | np.uint32], largest: int
) -> None:
    image = Image.fromarray(np.full((4, 4), largest, np.int32))
    image.save(fill(tmp_path) / "a.tif", tiffinfo={339: 2 if kind is np.int32 else 1})
    with pytest.raises(UserError, match=r"a\.tif \(32-bit values have no defined maximum\)"):
        load(f"folder:{tmp_path}")


@pytest.mark.parametrize("bits", [8, 16])
def test_signed_integers_are_refused(tmp_path: Path, bits: int) -> None:
    values = np.full((4, 4), 100, f"uint{bits}")
    Image.fromarray(values).save(fill(tmp_path) / "a.tif", tiffinfo={339: 2})
    with pytest.raises(UserError, match=rf"a\.tif \(signed {bits}-bit values"):
        load(f"folder:{tmp_path}")


def test_twelve_bits_packed_in_a_tiff_fill_the_whole_range(tmp_path: Path) -> None:
    """Three bytes hold two values; white is 4,095."""
    line = np.array([0, 4095, 2048, 16])
    pairs = line.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8,
                       pairs[:, 1] & 255], 1).astype(np.uint8).tobytes() * 4  # fmt: skip
    tags = {256: 4, 257: 4, 258: 12, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 4,
            279: len(packed)}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    header = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    (tmp_path / "a.tif").write_bytes(header + packed)
    assert np.array_equal(read(tmp_path / "a.tif", 4)[0], [[0, 255, 128, 1]] * 4)


def test_sixteen_bits_with_white_as_zero_are_not_inverted(tmp_path: Path) -> None:
    values = np.array([[0, 65535]] * 2, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={262: 0})
    with Image.open(tmp_path / "a.tif") as image:
        assert image.tag_v2[262] == 0  # type: ignore[attr-defined]
    assert np.array_equal(read(tmp_path / "a.tif", 2)[0], [[255, 0]] * 2)


# --- 12-bit values in 16-bit files ----------------------------------------------------------------


def twelve_bit_folder(folder: Path, suffix: str = "png", highest: int = 4095) -> Path:
    for number in range(60):
        values = np.random.default_rng(number).integers(0, highest + 1, (6, 6)).astype(np.uint16)
        values[0, :2] = 0, highest
        folder.mkdir(exist_ok=True)
        Image.fromarray(values).save(folder / f"{number:02}.{suffix}")
    return folder


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_twelve_bits_in_sixteen_bit_files_are_noticed(tmp_path: Path, suffix: str) -> None:
    folder = twelve_bit_folder(tmp_path / "scans", suffix)
    expected = (
        "60 16-bit images use only the values 0 to 4,095 of 0 to 65,535, which become 0 to 16 of "
        "0 to 255. The setting stretch"
    )
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        dark = load(f"folder:{folder}", size=6)
    assert any(expected in str(warning.message) for warning in caught)
    assert int(dark.train.max()) == 16


@pytest.mark.parametrize("highest", [255, 4095, 65535])
def test_stretching_uses_the_range_of_all_images_together(tmp_path: Path, highest: int) -> None:
    folder = twelve_bit_folder(tmp_path / "scans", highest=highest)
    half = np.full((6, 6), highest // 2, np.uint16)
    half[0, 0] = 0
    Image.fromarray(half).save(folder / "half.png")
    data = load(f"folder:{folder}", size=6, stretch=True)
    everything = torch.cat([data.train, data.valid, data.test])
    assert (int(everything.min()), int(everything.max())) == (0, 255)
    assert (everything == round(highest // 2 / highest * 255)).sum(1).max() >= 35


def test_stretching_images_of_8_bits_does_nothing_and_says_so(tmp_path: Path) -> None:
    plain = load(f"folder:{fill(tmp_path)}", size=6)
    with pytest.warns(UserWarning, match="stretch has no effect"):
        assert fingerprint(load(f"folder:{tmp_path}", size=6, stretch=True)) == fingerprint(plain)


@pytest.mark.parametrize(("colour_type", "bands"), [(2, 3), (4, 2), (6, 4)])
def test_twelve_bits_of_colour_are_noticed(tmp_path: Path, colour_type: int, bands: int) -> None:
    """Pillow keeps the upper 8 of 16 bits, so 12-bit values are 0 to 15 of 255."""
    for number in range(60):
        values = noise(6, 6, bands, seed=number).astype(np.uint16) * 16
        if bands != 3:
            values[..., -1] = 65535
        (tmp_path / f"{number}.png").write_bytes(png_of(values, colour_type))
    with pytest.warns(UserWarning, match="60 16-bit images use only.*save them as 8-bit files"):
        load(f"folder:{tmp_path}", size=6, channels=3)


# --- Blank images and transparency ----------------------------------------------------------------


def drawings(folder: Path, mode: str = "RGBA") -> Path:
    """White drawings on nothing."""
    for number in range(60):
        alpha = Image.fromarray((noise(6, 6, seed=number) > 128).astype(np.uint8) * np.uint8(255))
        image = Image.new("RGB" if mode == "RGBA" else "L", (6, 6), "white")
        image.putalpha(alpha)
        image.save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_white_drawings_on_nothing_are_noticed(tmp_path: Path, mode: str, channels: int) -> None:
    name = f"folder:{drawings(tmp_path, mode)}"
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        load(name, size=6, channels=channels)
    said = [str(warning.message) for warning in caught]
    assert any("60 of 60 images have transparent parts, which become white" in s for s in said)
    assert any("all 60 images are identical" in s for s in said)
    data = load(name, size=6, channels=channels, background="black")
    masks = {np.tile((noise(36, seed=n) > 128) * 255, channels).astype(np.uint8).tobytes()
             for n in range(60)}  # fmt: skip
    assert set(rows(data)) == masks


def test_the_background_can_be_any_colour(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    values, fact = read_image(tmp_path / "a.png", 4, 3, "#ff8000")
    assert values.reshape(3, -1)[:, 0].tolist() == [255, 128, 0]
    assert fact.transparent
    drawings(tmp_path)
    for colour in ("blak", "#12345678", ""):
        with pytest.raises(UserError, match=r"background .*it must be a colour"):
            load(f"folder:{tmp_path}", background=colour)


def test_one_transparent_grey_level_of_a_sixteen_bit_image(tmp_path: Path) -> None:
    values = np.array([[0, 0, 65535, 32768]] * 4)
    (tmp_path / "a.png").write_bytes(png_of(values, 0, struct.pack(">H", 0)))
    assert np.array_equal(read(tmp_path / "a.png", 4)[0], [[255, 255, 255, 128]] * 4)


def test_background_and_stretch_belong_to_folders(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="background is black, but background is only for folder"):
        load("mnist-5k", background="black")
    with pytest.raises(UserError, match="stretch is True, but stretch is only for folder"):
        load("mnist-5k", stretch=True)
    assert main(["train", "mnist-5k", "--background", "black", "--rounds", "1"]) == 2
    assert "background is only for folder:PATH" in capsys.readouterr().err


def test_images_of_one_colour_are_noticed(tmp_path: Path) -> None:
    for number in range(5):
        Image.new("RGB", (6, 6), (number, 9, 200)).save(fill(tmp_path) / f"blank-{number}.png")
    with pytest.warns(UserWarning, match="5 of 65 images are blank"):
        load(f"folder:{tmp_path}", size=6, channels=3)


# --- What is skipped, and links -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [".ipynb_checkpoints", ".thumbnails", "@eaDir", "__MACOSX", ".git", "$RECYCLE.BIN", "@EADIR"],
)
def test_hidden_and_system_folders_are_skipped(tmp_path: Path, name: str) -> None:
    before = fingerprint(load(f"folder:{fill(tmp_path)}", size=6))
    shutil.copytree(tmp_path / "class-0", tmp_path / "class-1" / name)
    shutil.copytree(tmp_path / "class-0", tmp_path / name / "deeper")
    for file in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / file).write_bytes(b"system")
    data = load(f"folder:{tmp_path}", size=6)
    assert fingerprint(data) == before
    assert f"Skipped 2 folders (2 {name})." in data.notes


def test_a_run_in_the_folder_of_its_images_is_skipped(tmp_path: Path) -> None:
    """The usual run folder, runs/…, lies there if training starts in the folder of images."""
    data, run = f"folder:{fill(tmp_path)}", tmp_path / "runs" / "mine"
    before = fingerprint(load(data, size=6))
    settings = dataclasses.replace(small_settings(), size=6)
    how: dict[str, Any] = {"settings": settings, "run": run, "progress": False}
    train(data, rounds=2, **how)
    assert list(run.rglob("*.png"))
    found = load(data, size=6)
    assert fingerprint(found) == before
    assert "Skipped 1 folder (1 mine)." in found.notes
    assert train(data, rounds=4, **how).newest_round == 4


def test_a_run_is_not_written_among_images(tmp_path: Path) -> None:
    Image.new("L", (6, 6)).save(tmp_path / "photo.png")
    with pytest.raises(UserError, match="holds images, and a run would write"):
        train(small_data(), settings=small_settings(), run=tmp_path, rounds=1, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_duplicates_across_splits_are_noticed(tmp_path: Path) -> None:
    shutil.copytree(fill(tmp_path) / "class-0", tmp_path / "a copy")
    with pytest.warns(UserWarning, match=r"images equal a training image.*remove the duplicates"):
        load(f"folder:{tmp_path}", size=6)


def test_linked_class_folders_are_read(tmp_path: Path) -> None:
    fill(tmp_path / "real")
    (tmp_path / "links").mkdir()
    for number in range(3):
        target = tmp_path / "real" / f"class-{number}"
        (tmp_path / "links" / f"class-{number}").symlink_to(target, target_is_directory=True)
    linked, real = (load(f"folder:{tmp_path / name}", size=6) for name in ("links", "real"))
    assert fingerprint(linked) == fingerprint(real)
    (tmp_path / "root").symlink_to(tmp_path / "links")
    assert fingerprint(load(f"folder:{tmp_path / 'root'}", size=6)) == fingerprint(real)


def test_cycles_of_links_end_and_each_folder_is_read_once(tmp_path: Path) -> None:
    images = fill(tmp_path / "images")
    before = fingerprint(load(f"folder:{images}", size=6))
    (images / "class-0" / "up").symlink_to(images)
    (images / "class-1" / "self").symlink_to("self")
    (images / "a second way").symlink_to(images / "class-2")
    (images / "everything").symlink_to("/")
    (images / "class-2" / "across").symlink_to(images / "class-1")
    assert fingerprint(load(f"folder:{images}", size=6)) == before


# --- Folders that are split already ---------------------------------------------------------------


def split_folder(folder: Path, **n: int) -> Path:
    for i, (name, images) in enumerate(n.items()):
        for number in range(images):
            path = folder / name / f"class-{number % 2}" / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise(6, 6, seed=1000 * i + number)).save(path)
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ("train", "valid", "test"),
        ("train", "val", "test"),
        ("Train", "validation", "TEST"),
        ("training", "VAL", "testing"),
    ],
)
@pytest.mark.parametrize("wrapper", ["", "archive", "archive/photos"])
def test_the_split_of_a_folder_is_kept(
    tmp_path: Path, names: tuple[str, str, str], wrapper: str
) -> None:
    split_folder(tmp_path / wrapper, **dict(zip(names, (30, 4, 5), strict=True)))
    data = load(f"folder:{tmp_path}", size=6)
    assert counts(data) == (30, 4, 5)
    assert {k: v for k, v in rows(data).items() if v == "test"} == {
        noise(6, 6, seed=2000 + n).tobytes(): "test" for n in range(5)
    }
    assert "split by the subfolders train, valid, test" in data.provenance


@pytest.mark.parametrize(("given", "missing"), [("test", "valid"), ("valid", "test")])
def test_a_missing_split_is_taken_from_the_training_images(
    tmp_path: Path, given: str, missing: str
) -> None:
    split_folder(tmp_path, train=100, **{given: 7})
    data = load(f"folder:{tmp_path}", size=6)
    assert len(getattr(data, given)) == 7
    held_out = {row.numpy().tobytes() for row in getattr(data, missing)}
    assert 1 <= len(held_out) <= 25
    assert held_out <= {noise(6, 6, seed=n).tobytes() for n in range(100)}
    assert len(data.train) + len(held_out) == 100


def test_images_outside_the_splits_are_not_used_and_said(tmp_path: Path) -> None:
    split_folder(tmp_path, train=40, test=5)
    Image.fromarray(noise(6, 6, seed=77)).save(tmp_path / "cover.png")
    with pytest.warns(UserWarning, match=r"1 image in .* outside its subfolders .* not used"):
        data = load(f"folder:{tmp_path}", size=6)
    assert sum(counts(data)) == 45


def test_a_test_folder_without_a_training_folder_is_pooled_and_said(tmp_path: Path) -> None:
    split_folder(tmp_path, cats=40, test=20)
    with pytest.warns(UserWarning, match="a subfolder test but none for training"):
        assert sum(counts(load(f"folder:{tmp_path}", size=6))) == 60


def test_a_class_named_train_is_a_class(tmp_path: Path) -> None:
    split_folder(tmp_path, train=30, car=30, bus=30)
    assert "split 80/10/10" in load(f"folder:{tmp_path}", size=6).provenance


# --- One line on what was read --------------------------------------------------------------------


def test_the_terminal_says_what_was_read_skipped_cropped_and_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    for number in range(60):
        photos.mkdir(exist_ok=True)
        Image.fromarray(noise(9, 12 if number % 2 else 9, 3, seed=number)).save(
            photos / f"{number}.png"
        )
    for number in range(40):
        (photos / f"{number}.CR2").write_bytes(b"raw")
    data = load(f"folder:{photos}", size=6)
    _, n_valid, n_test = counts(data)
    expected = (
        "Read 60 images as 6×6 grey: 30 cropped to the square, 60 resized, 60 made grey; held out "
        f"{n_valid} for validation and {n_test} for the test (split 80/10/10 by a hash of each "
        "file's name). Skipped 40 other files (40 .cr2)."
    )
    assert data.notes == expected
    settings = "--G.hidden 8 --D.units 6 --D.pieces 2 --batch 10 --size 6 --threads 1"
    words = ["train", f"folder:{photos}", "--rounds", "2", "--run", str(tmp_path / "run")]
    assert main([*words, *settings.split()]) == 0
    assert expected in " ".join(capsys.readouterr().out.split())


def test_grey_images_in_colour_files_are_not_said_to_be_made_grey(tmp_path: Path) -> None:
    for number in range(60):
        image = Image.fromarray(noise(6, 6, seed=number))
        image.convert(("L", "P", "RGB", "CMYK")[number % 3]).save(tmp_path / f"{number}.png")
    assert "grey:" not in load(f"folder:{tmp_path}", size=6).notes


def test_pages_and_frames_that_are_not_read_are_said(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise(6, 6, seed=900 + n)) for n in range(2)]
    for suffix in ("gif", "tif", "webp"):
        frames[0].save(fill(tmp_path) / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the three files may be duplicates of each other
        notes = load(f"folder:{tmp_path}", size=6).notes
    assert "3 reduced to the first of several frames" in notes


# --- Other formats and archives -------------------------------------------------------------------


def test_lab_colours_become_grey(tmp_path: Path) -> None:
    values = np.full((6, 6, 3), (200, 128, 128), np.uint8)  # neutral: a and b are 128
    Image.fromarray(values, "LAB").save(tmp_path / "x.tif")
    grey = read(tmp_path / "x.tif", 6)
    assert grey.min() == grey.max()
    assert 150 < grey.min() < 240


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_an_archive_of_another_kind_is_to_be_unpacked(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"not a zip archive")
    with pytest.raises(UserError, match=r"not a zip archive, or is damaged\. Unpack it"):
        load(f"folder:{tmp_path / name}")


def test_a_background_behind_opaque_images_has_no_effect(tmp_path: Path) -> None:
    fill(tmp_path, 12)
    with pytest.warns(UserWarning, match="the setting background has no effect"):
        load(f"folder:{tmp_path}", background="black")
    load(f"folder:{tmp_path}", background="black", fit="pad")
