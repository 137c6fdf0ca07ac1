"""Texts of the command line about a user's images: number, aspect ratio, options, warnings."""

import dataclasses
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adversarial_nets.cli.main import main
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.datasets import load


def photos(folder: Path, n: int, shape: tuple[int, int]) -> Path:
    folder.mkdir()
    for i in range(n):
        pixels = np.random.default_rng(i).integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def test_images_of_another_aspect_are_cropped_to_the_aspect_wanted(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", 20, (16, 100))
    data = load(f"folder:{folder}", size=16, width=64)
    assert "20 cropped to the aspect 16:64," in data.notes
    assert ", cropped to the aspect 16:64," in data.provenance
    assert "20 cropped to the square," in load(f"folder:{folder}", size=16).notes


def test_the_hint_is_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = photos(tmp_path / "train_on_all", 2, (8, 8))
    line = ["train", f"folder:{folder}", "--run", str(tmp_path / "run")]
    assert main([*line, "--no-train-on-all"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"advnets: {folder} has only 2 images,")
    assert err.endswith("without a score: --train-on-all.\n")


def test_one_is_singular(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = photos(tmp_path / "photos", 1, (8, 8))
    options = ["--size", "8", "--G.maps", "2", "--D.maps", "2", "--rounds", "1", "--threads", "1"]
    assert main(["train", f"folder:{folder}", "--run", str(tmp_path / "run"), *options]) == 0
    said = capsys.readouterr().out
    assert ": 1 training image; preset" in said
    assert "New run of 1 round in" in said
    assert main(["sample", "digits", "--n", "1", "--out", str(tmp_path / "1.png")]) == 0
    assert capsys.readouterr().out.startswith("1 sample of the")
    walk = ["walk", "digits", "--n", "1", "--points", "2", "--frames", "2"]
    assert main([*walk, "--out", str(tmp_path / "walk.gif")]) == 0
    assert capsys.readouterr().out.startswith("A walk of 0.32 s in")


def test_a_warning_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warn(options: object, reporter: object) -> dict[str, object]:
        text = warnings.formatwarning(UserWarning("some\n images"), UserWarning, "a.py", 3, "x()")
        sys.stderr.write(text)  # as Python does, outside pytest
        return {}

    usual = warnings.formatwarning
    monkeypatch.setitem(COMMANDS, "datasets", dataclasses.replace(COMMANDS["datasets"], run=warn))
    assert main(["datasets"]) == 0
    assert capsys.readouterr().err == "advnets: warning: some images\n"
    assert warnings.formatwarning is usual  # in Python they look as they always do
