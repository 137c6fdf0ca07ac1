"""A path given where a data set's name is expected, or a run where data are, and the reverse."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.datasets.paths import data_of_run
from adversarial_nets.errors import UserError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, digits_run: Path) -> Path:
    """A folder with images of each kind, and with a run."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "photos").mkdir()
    for i in range(12):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{i}.png")
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        for path in (folder / "photos").iterdir():
            archive.write(path, path.name)
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
    np.savez(folder / "x.npz", images=images)
    np.save(folder / "x.npy", images)
    np.savetxt(folder / "x.csv", images.reshape(12, -1), fmt="%d", delimiter=",")
    (folder / "fashion").mkdir()
    (folder / "fashion" / "train-images-idx3-ubyte.gz").touch()
    (folder / "notes.txt").write_text("no images", encoding="utf-8")
    (folder / "run").mkdir()
    shutil.copyfile(digits_run / "settings.json", folder / "run" / "settings.json")
    return folder


@pytest.fixture(autouse=True)
def _there(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(files)
    yield
    assert not (files / "runs").exists()


def said(capsys: pytest.CaptureFixture[str], command: str) -> str:
    assert main(command.split()) == 2, command
    return " ".join(capsys.readouterr().err.split())


NAMES = {
    "photos": "folder:photos",
    "x.zip": "folder:x.zip",
    "x.npz": "npz:x.npz",
    "x.npy": "npz:x.npy",
    "x.csv": "csv:x.csv",
    "fashion": "idx:fashion",
}


def test_the_prefix_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        *("train {}", "calibrate {}", "measure {}", "measure run --features {}"),
        *("paper table1 --quick --data {}", "evaluate run --data {}", "play {}"),
    ):
        for path, name in NAMES.items():
            if command != "play {}":
                assert f"to use the images in it, type {name}." in said(
                    capsys, command.format(path)
                )
            elif name.startswith("npz"):  # such arrays cannot be played
                assert f"type: advnets train {name}" in said(capsys, command.format(path))
            elif not name.startswith("csv"):  # which may hold points
                assert f"type {name}." in said(capsys, command.format(path))


def test_a_run_is_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("train run", "calibrate run", "play run", "evaluate run --data run"):
        error = said(capsys, command)
        assert "run is the folder of a run, not data" in error
        assert "trained on, e.g. mnist-5k; in advnets train, add --run run to continue it" in error
    assert "run is the folder of a run; its pictures" in said(capsys, "train folder:run")
    assert data_of_run("photos") is None


def test_data_are_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("report {}", "sample {}", "evaluate {}", "train mnist --from {}")
    for command in commands:
        for data in ("photos", "x.zip", "mnist", "npz:x.npz"):
            assert f"{data} is not a run's folder, but data." in said(capsys, command.format(data))
    assert "it has no settings.json" in said(capsys, "report notes.txt")
    assert "it has no settings.json" in said(capsys, "report fashion/nothing")


def test_another_kind_of_data_set() -> None:
    cases = {
        "npz:photos": "folder:photos",
        "csv:x.npz": "npz:x.npz",
        "npz:x.csv": "csv:x.csv",
        "npz:x.zip": "folder:x.zip",
        "folder:x.npz": "npz:x.npz",
        "folder:x.csv": "csv:x.csv",
        "idx:photos": "folder:photos",
    }
    for name, meant in cases.items():
        with pytest.raises(UserError, match=f"Did you mean {re.escape(meant)}\\?"):
            an.load(name)
    with pytest.raises(UserError) as caught:
        an.load("npz:notes.txt")
    assert "Did you mean" not in str(caught.value)


def test_samples_to_measure_are_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("x.npz", "npz:x.npz", "mnist"):
        error = said(capsys, f"measure folder:photos --samples {name}")
        assert f"given as {name}; give a folder of image files, a zip archive of one, or a" in error
