"""A zip archive of images gives what the unpacked folder gives, and is named in every message."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adversarial_nets.cli.main import main
from adversarial_nets.datasets import fingerprint, folder_archive, load
from adversarial_nets.errors import UserError
from adversarial_nets.training.default_preset import preset_for_data


def images(folder: Path, n: int, channels: int = 1) -> Path:
    """Noise of 8 × 8 pixels, grey or in colour."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        pixels = np.random.default_rng([i, channels]).integers(0, 256, (8, 8, channels))
        Image.fromarray(pixels.astype(np.uint8).squeeze()).save(folder / f"{i}.png")
    return folder


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


@pytest.mark.parametrize(("n", "channels"), [(20, 1), (60, 1), (20, 3)])
def test_an_archive_has_the_defaults_and_images_of_its_folder(
    tmp_path: Path, n: int, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = images(tmp_path / "photos", n, channels)
    archive = zipped(folder)
    unpack, times = folder_archive._unpack, list[Path]()

    def count(path: Path) -> Path:
        times.append(unpack(path))
        return times[-1]

    monkeypatch.setattr(folder_archive, "_unpack", count)
    chosen = [preset_for_data(f"folder:{path}") for path in (folder, archive)]
    assert chosen[0] == chosen[1]
    settings = chosen[1][1].settings
    assert (settings.channels, settings.train_on_all) == (channels, n == 20)
    one, two = (load(f"folder:{p}", **settings.data_options()) for p in (folder, archive))
    assert fingerprint(one) == fingerprint(two)
    assert two.provenance == one.provenance.replace(str(folder), str(archive))
    assert preset_for_data(f"folder:{archive}") == chosen[1]
    assert len(times) == 1  # unpacked once, and deleted
    assert not times[0].exists()


def test_a_changed_archive_is_looked_at_again(tmp_path: Path) -> None:
    archive = zipped(images(tmp_path / "photos", 4))
    assert preset_for_data(f"folder:{archive}")[1].settings.channels == 1
    zipped(images(tmp_path / "photos", 5, channels=3))
    assert preset_for_data(f"folder:{archive}")[1].settings.channels == 3


def test_messages_name_the_archive(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    archive = zipped(images(photos, 1))
    with pytest.raises(UserError) as too_few:
        load(f"folder:{archive}", size=8)
    assert str(too_few.value).startswith(f"{archive} has only 1 image")
    (photos / "broken.png").write_bytes(b"no image")
    zipped(photos)
    with pytest.raises(UserError) as broken:
        load(f"folder:{archive}", size=8, train_on_all=True)
    assert f"images in {archive} cannot be read: broken.png" in str(broken.value)
    zipped(images(tmp_path / "wrapped" / "inner" / "test", 5))
    images(tmp_path / "wrapped" / "inner" / "other", 5, channels=3)
    archive = zipped(tmp_path / "wrapped")
    with pytest.warns(UserWarning, match=f"^{archive / 'inner'} has a subfolder test"):
        load(f"folder:{archive}", size=8, channels=3)
    with zipfile.ZipFile(archive, "w") as empty:
        empty.writestr("notes.txt", "no image")
    with pytest.raises(UserError) as none:
        load(f"folder:{archive}", size=8)
    assert str(none.value).startswith(f"{archive} has no images")


def test_the_dry_run_of_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = zipped(images(tmp_path / "grey20", 20))
    assert main(["train", f"folder:{archive}", "--dry-run", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert (settings["channels"], settings["train_on_all"]) == (1, True)


@pytest.mark.parametrize("parent", ["test", "train", "valid", "val"])
def test_a_folder_above_the_given_one_is_not_a_split(tmp_path: Path, parent: str) -> None:
    folder = images(tmp_path / parent / "photos", 20)
    settings = preset_for_data(f"folder:{folder}")[1].settings
    assert settings.train_on_all
    outside = images(tmp_path / "photos", 20)
    usual = preset_for_data(f"folder:{outside}")[1].settings
    assert settings == usual


def test_a_split_below_the_folder_is_one(tmp_path: Path) -> None:
    for split in ("Train", "val"):
        images(tmp_path / "wrapper" / split, 10)
    assert not preset_for_data(f"folder:{tmp_path}")[1].settings.train_on_all


class ChineseWindows(zipfile.ZipInfo):
    """An entry whose name is in GBK and not marked as UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("gbk"), 0


def test_names_of_classes_in_an_archive_of_chinese_windows(tmp_path: Path) -> None:
    photos = sorted(images(tmp_path / "photos", 24).iterdir())
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for i, photo in enumerate(photos):
            name = "猫" if i % 2 else "狗"
            file.writestr(ChineseWindows(f"{name}/{i}.png"), photo.read_bytes())
    assert set(load(f"folder:{archive}").classes) == {"猫", "狗"}


def test_an_archive_is_measured_like_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, samples = (
        tmp_path / "real",
        tmp_path / "samples",
    )
    for folder, n in ((real, 30), (samples, 12)):
        folder.mkdir()
        for i in range(n):
            pixels = np.random.default_rng([i, n]).integers(0, 256, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    found = []
    for place in (samples, zipped(samples)):
        capsys.readouterr()
        assert main(["measure", f"folder:{real}", "--samples", str(place), "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]
