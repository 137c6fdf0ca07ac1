"""A run finds its images from any working folder, and where `--data` says that they are now."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import measure
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.runs.evaluations import read_evaluations
from shortened import photographs
from small import small_data, small_settings

EVALUATE = ("--samples", "20", "--no-calibration", "--threads", "1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs and a run that was trained on them by a relative path."""
    folder = tmp_path_factory.mktemp("project")
    photographs(folder / "PHOTOS")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = small_settings(size=12, channels=1, batch=10)
        an.train("folder:PHOTOS", settings=settings, run="run", rounds=5, progress=False)
    return folder


@pytest.fixture
def copy(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run in a working folder without images; the original images are deleted."""
    shutil.copytree(project / "run", tmp_path / "run")
    settings = tmp_path / "run" / "settings.json"
    record = json.loads(settings.read_text(encoding="utf-8"))
    assert record["info"]["data_path"] == str(project / "PHOTOS")
    record["info"]["data_path"] = str(tmp_path / "gone" / "PHOTOS")
    settings.write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_another_working_folder(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of the same relative path there are others and are not used."""
    photographs(tmp_path / "PHOTOS", 50)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(project / "run"), *EVALUATE]) == 0
    assert main(["report", str(project / "run"), "--again"]) == 0
    assert main(["sample", str(project / "run"), "--out", "samples.png"]) == 0


def test_a_moved_project(copy: Path, project: Path) -> None:
    """Run and images moved together: the relative path is right."""
    shutil.copytree(project / "PHOTOS", copy / "PHOTOS")
    assert main(["evaluate", "run", *EVALUATE]) == 0


@pytest.mark.parametrize("command", ["evaluate", "measure", "report"])
def test_moved_images(
    command: str, copy: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [] if command == "report" else ["--samples", "20"]
    more += ["--again"] if command == "report" else ["--threads", "1"]
    assert main([command, "run", *more]) == 2
    error = capsys.readouterr().err
    assert "run was trained on folder:PHOTOS, and PHOTOS does not exist." in error
    assert "take --data folder:PATH" in error
    # A report takes longest; one way to name the place is enough for it.
    places = [f"folder:{project / 'PHOTOS'}", str(project / "PHOTOS")]
    for place in places[: 1 if command == "report" else 2]:
        code = main([command, "run", "--data", place, *more])
        printed, error = capsys.readouterr()
        assert command != "evaluate" or f" on {place}: " in printed
        # These images are too small for the patches of `measure`, which is its next question.
        assert code == (2 if command == "measure" else 0), error
        assert ("patch distances need at least" in error) == (command == "measure")


def test_other_images(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photographs(copy / "others", 50)
    assert main(["evaluate", "run", "--data", "folder:others", *EVALUATE]) == 2
    error = capsys.readouterr().err
    assert "The images of folder:others are not those that run was trained on" in error
    assert main(["evaluate", "run", "--data", "nowhere", *EVALUATE]) == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    assert main(["evaluate", "run", "--data", "mnist-5k", *EVALUATE]) == 2
    error = capsys.readouterr().err
    assert "images of mnist-5k are not those that run was trained on" in error
    assert "take --data folder:PATH" in error


def test_other_data_of_a_run_on_included_data(
    digits_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hint contains no path, since the name of the images is enough."""
    for name, side in (("x", 28), ("y", 8)):
        images = np.random.default_rng(0).integers(0, 256, (10, side, side), np.uint8)
        np.savez(tmp_path / name, images=images)
        other = f"npz:{tmp_path / name}.npz"
        assert main(["evaluate", str(digits_run), "--data", other]) == 2
        error = capsys.readouterr().err
        assert f"--data is {other}, but {digits_run} was trained on other images, mnist" in error
        assert "Leave it out" in error
        assert (f"advnets measure {other} --samples {digits_run}" in error) == (name == "x")


def test_the_record_keeps_the_name(copy: Path, project: Path) -> None:
    run = an.open_run(Path("run"))
    assert load_data(run, place=str(project / "PHOTOS")).name == run.data == "folder:PHOTOS"


def test_a_run_on_included_data_keeps_no_path(digits_run: Path) -> None:
    record = json.loads((digits_run / "settings.json").read_text(encoding="utf-8"))
    assert "data_path" not in record["info"]


@pytest.mark.parametrize(("n", "columns"), [(1, 0), (2, 2), (9, 9), (10, 10), (11, 10)])
def test_samples_fill_their_picture(n: int, columns: int, project: Path, tmp_path: Path) -> None:
    """One sample has its own size; fewer than ten are one row without empty places."""
    out = tmp_path / "samples.png"
    assert main(["sample", str(project / "run"), "--n", str(n), "--out", str(out)]) == 0
    with Image.open(out) as picture:
        if n == 1:
            assert picture.size == (12, 12)
        else:
            assert picture.width == 2 * (columns * (12 + 2) + 2)
            assert picture.height == 2 * (-(-n // columns) * (12 + 2) + 2)


def test_a_run_on_one_class_is_opened_again(tmp_path: Path) -> None:
    run = an.train(
        "mnist-5k:7", settings=small_settings(), run=tmp_path / "run", rounds=2, progress=False
    )
    assert load_data(run).name == "mnist-5k:7"
    assert main(["evaluate", str(run.folder), *EVALUATE]) == 0


def test_another_data_set_is_refused_by_everything_that_takes_one(tmp_path: Path) -> None:
    data, other = small_data(), small_data(340)
    run = an.train(data, settings=small_settings(), run=tmp_path, rounds=2, progress=False)
    functions: dict[str, Callable[[], object]] = {
        "evaluate": lambda: an.evaluate(run, other),
        "measure": lambda: measure(run, other),
        "report": lambda: an.write_report(run, other),
    }
    for function in functions.values():
        with pytest.raises(UserError, match="are not those that"):
            function()


def test_a_score_without_references_keeps_those_that_are_recorded(tmp_path: Path) -> None:
    data = small_data()
    run = an.train(data, settings=small_settings(), run=tmp_path, rounds=2, progress=False)
    for calibration in (True, False):
        an.evaluate(run, data, samples=30, calibration=calibration, progress=False)
    (record,) = read_evaluations(run.folder)
    assert len(record["calibration"]) == 3
