"""`advnets measure` on folders of images, and on the features of another data set's classifier."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import adversarial_nets as an
from adversarial_nets import datasets
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import features, score
from adversarial_nets.evaluation.compare_images import measure_images
from adversarial_nets.evaluation.features import as_inputs_of
from small import generator, small_data, small_settings
from test_metrics_docs import check


def pictures(n: int, side: int, channels: int, step: int = 0, **more: object) -> Dataset:
    x = torch.randint(0, 256, (n, channels * side * side), generator=generator(step))
    x = x.to(torch.uint8)
    shape = (channels, side, side)
    return Dataset("pictures", x[:-8], x[-8:-4], x[-4:], shape, "made for tests", **more)  # type: ignore[arg-type]


def save(folder: Path, n: int, step: int, side: int = 16) -> Path:
    """Images of noise on a colour, which differs between steps."""
    folder.mkdir()
    noise = torch.randint(0, 60, (n, side, side, 3), generator=generator(step)).numpy()
    for i, values in enumerate(noise.astype(np.uint8) + np.uint8(90 * step)):
        Image.fromarray(values).save(folder / f"{i:03d}.png")
    return folder


def test_images_become_inputs_of_the_other_networks() -> None:
    colour, grey = pictures(12, 8, 3), pictures(12, 16, 1)
    x = torch.full((2, 192), 0.25)
    found = as_inputs_of(grey, x, (3, 8, 8), (0.0, 1.0))
    assert found.shape == (2, 256)
    torch.testing.assert_close(found, torch.full((2, 256), 64 / 255))
    back = as_inputs_of(colour, found, (1, 16, 16), (0.0, 1.0))
    torch.testing.assert_close(back, torch.full((2, 192), 64 / 255))
    own = colour.floats(colour.train)
    assert as_inputs_of(colour, own, (3, 8, 8), (0.0, 1.0)) is own
    normalised = pictures(12, 8, 3, range=(-55.0, 55.0), contrast_norm=55.0)
    torch.testing.assert_close(
        as_inputs_of(normalised, own, (3, 8, 8), (0.0, 1.0)), normalised.floats(colour.train)
    )


def test_two_folders_against_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, same, other = (save(tmp_path / n, 60, s) for n, s in (("a", 0), ("same", 0), ("other", 1)))
    found = {}
    for name, folder in (("same", same), ("other", other)):
        capsys.readouterr()
        assert main(["measure", f"folder:{a}", "--samples", str(folder), "--json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
        check(found[name], "measure --features patches --json")
    assert found["same"]["model"]["coarse"] < 0.2 * found["other"]["model"]["coarse"]
    assert found["same"]["samples"] == 15  # as many as are held out


def test_features_of_another_classifier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torchmetrics")
    monkeypatch.setattr(features, "STEPS", 3)
    run = tmp_path / "run"
    an.train(small_data(), settings=small_settings(), run=run, rounds=3, progress=False)
    data = small_data()
    monkeypatch.setattr("adversarial_nets.evaluation.score.load_data", lambda *a, **k: data)
    capsys.readouterr()
    assert main(["measure", str(run), "--features", "mnist-5k", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["features"], found["samples"]) == ("mnist-5k", 70)
    assert 0 <= found["accuracy"] <= 1
    assert found["model"]["frechet"] > found["floor"]["frechet"]
    assert {"coverage", "precision"} <= found["floor"].keys()
    moved = ["--data", "folder:moved"]
    assert main(["measure", str(run), "--features", "mnist-5k", *moved]) == 0
    assert " on folder:moved, 70 samples" in capsys.readouterr().out
    assert found["copied"]["p_value"] >= 0


def test_a_folders_classifier_is_trained_on_the_size_and_colours_of_the_compared_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (save(tmp_path / n, 60, s) for n, s in (("a", 0), ("b", 1)))
    classes = tmp_path / "classes"
    classes.mkdir()
    for step in (0, 1):
        save(classes / str(step), 30, step)
    shapes = []

    def stop(data: Dataset, *args: object) -> None:
        shapes.append(data.image_shape)
        raise UserError("enough")

    monkeypatch.setattr(features, "classifier", stop)
    line = ["measure", f"folder:{a}", "--samples", str(b), "--features", f"folder:{classes}"]
    assert main(line) == 2
    assert shapes == [(3, 16, 16)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("measure mnist-5k", "Add the images to measure"),
        ("measure NOWHERE --samples SAMPLES", "must be a data set, e.g. folder:NOWHERE"),
        ("measure folder:DATA --samples NOWHERE", "NOWHERE does not exist"),
        ("measure folder:DATA --samples SAMPLES --features classifier", "has no class labels"),
        (
            "measure folder:DATA --samples SAMPLES --features nets",
            "no kind of features named 'nets'",
        ),
        ("measure folder:DATA --samples SAMPLES --size 8", "at least 14 × 14"),
        ("measure folder:DATA --samples DAMAGED", "cannot be read"),
        ("measure folder:DATA --samples LARGE", "compared up to 1024. Give a size"),
    ],
)
def test_bad_input(
    line: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DATA", "SAMPLES", "DAMAGED", "LARGE"):
        line = line.replace(name, str(save(tmp_path / name, 30, 0))) if name in line else line
    if "DAMAGED" in line:
        (tmp_path / "DAMAGED" / "000.png").write_bytes(b"no picture")
    if "LARGE" in line:
        Image.new("L", (1030, 20)).save(tmp_path / "LARGE" / "000.png")
    assert main(line.split()) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_the_command_still_finds_data_sets_by_name() -> None:
    assert "stacked-mnist" in datasets.REGISTRY


def test_a_run_whose_training_images_have_no_labels_is_measured_by_patches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As TFD has them: most of its images are unlabelled."""
    data = small_data(60, side=14)
    data = dataclasses.replace(data, labels={"test": torch.arange(len(data.test)) % 2})
    run = an.train(data, settings=small_settings(), run=tmp_path, rounds=2, progress=False)
    monkeypatch.setattr(score, "load_data", lambda *args: data)
    capsys.readouterr()
    assert main(["measure", str(run.folder), "--samples", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["features"] == "patches"


def test_images_of_another_range_are_refused() -> None:
    data = pictures(60, 16, 1)
    normalised = dataclasses.replace(data, contrast_norm=55.0, range=(-55.0, 55.0))
    x = normalised.floats(normalised.train)
    with pytest.raises(UserError, match="well outside the range of the images, 0 to 1"):
        measure_images(x, data)
    assert measure_images(x, normalised).samples == 8
    x[0, 0] = float("nan")
    with pytest.raises(UserError, match="NaN"):
        measure_images(x, normalised)


def test_a_run_on_all_images_is_measured_against_another_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (save(tmp_path / name, 40, step) for step, name in enumerate(("one", "two")))
    run = tmp_path / "run"
    line = f"train folder:{one} --train-on-all --size 16 --rounds 1 --batch 4 --run {run}"
    assert main(line.split()) == 0
    capsys.readouterr()
    assert main(["measure", f"folder:{two}", "--samples", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 10
