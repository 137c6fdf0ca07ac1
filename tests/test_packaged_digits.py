"""The generator that comes with the package, named digits."""

import dataclasses
import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.cli.parsing import parse
from adversarial_nets.cli.registry import find_command
from adversarial_nets.report.commands import evaluate_command
from adversarial_nets.runs.folder import PACKAGED
from adversarial_nets.settings import Settings

ROOT = Path(__file__).parent.parent
DIGITS = PACKAGED / "digits"


def test_messages_name_digits_as_the_user_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in (
        *("report digits", "evaluate digits --weights raw", "sample digits --checkpoint 5"),
        *("walk digits --training", "train mnist-5k --from digits --run new"),
        *("measure digits --data mnist-5k:7", "paper reproduce --use figure2a=digits"),
    ):
        assert main(line.split()) == 2
        error = capsys.readouterr().err
        assert "digits h" in error or "but digits was trained on" in error
        assert "weights/digits" not in error
    assert evaluate_command(an.open_run("digits")) == "advnets evaluate digits"
    measure = ["measure", "mnist-5k", "--samples", "digits", "--features", "patches"]
    assert main(measure) == 0
    assert "averaged G at round" in capsys.readouterr().out


def test_digits_are_the_quickstart_with_classes() -> None:
    """The card's command has the settings of the file, and both are the preset's of today."""
    run = an.open_run("digits")
    preset = an.PRESETS["quickstart"]
    assert run.settings == dataclasses.replace(preset.settings, condition="classes")
    assert run.exported == {"round": preset.rounds, "weights": "averaged", "dtype": "float16"}
    assert (run.preset, list(run.changed)) == ("quickstart", ["condition"])
    data = an.load("mnist-5k")
    from adversarial_nets.datasets import fingerprint

    assert run.fingerprint == fingerprint(data)
    card = (DIGITS / "README.md").read_text(encoding="utf-8")
    (words,) = (shlex.split(s) for s in card.splitlines() if s.startswith("    advnets train "))
    command, rest = find_command(words[1:])
    options = parse(command, rest)
    settings = options.settings  # type: ignore[attr-defined]
    assert isinstance(settings, Settings)
    assert settings == run.settings
    sizes = {path.name: path.stat().st_size for path in DIGITS.iterdir()}
    assert sizes.keys() == {
        "README.md",
        "settings.json",
        "evaluation.json",
        "generator.safetensors",
    }
    assert sum(sizes.values()) < 2e6


def test_digits_have_the_recorded_score_and_picture(tmp_path: Path) -> None:
    """Another processor may round a sum differently, so a pixel may change by one level of grey."""
    (record,) = json.loads((DIGITS / "evaluation.json").read_text(encoding="utf-8"))
    run = dataclasses.replace(an.open_run("digits"), folder=tmp_path / "digits")
    shutil.copytree(DIGITS, run.folder)
    score = an.evaluate(run, calibration=False, progress=False).parzen
    assert score.nats == pytest.approx(record["parzen"]["nats"], abs=0.05)
    assert f"{score.nats:.1f} ± {score.se:.1f}" in (DIGITS / "README.md").read_text("utf-8")
    out = tmp_path / "digits.png"
    assert main(["sample", "digits", "--n", "40", "--out", str(out)]) == 0
    stored = Image.open(ROOT / "docs" / "images" / "digits.png")
    a, b = (np.asarray(image.convert("L"), dtype=int) for image in (Image.open(out), stored))
    assert np.abs(a - b).max() <= 1


def test_commands_use_digits_and_write_outside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in DIGITS.iterdir()}
    for line in (
        "sample digits --n 10",
        "walk digits --n 1 --points 2 --frames 1",
        "interpolate digits --rows 2",
        "evaluate digits --samples 20 --no-calibration",
    ):
        assert main(line.split()) == 0
    written = {p.name for p in (tmp_path / "runs" / "digits").glob("[!.]*")}
    assert written == {"samples.png", "walk.gif", "interpolation.png", "evaluation.json"}
    assert {path.name: path.stat().st_mtime_ns for path in DIGITS.iterdir()} == before
    (recorded,) = json.loads((DIGITS / "evaluation.json").read_text(encoding="utf-8"))
    assert [e.nats for e in an.compare(["digits", DIGITS]).entries] == 2 * [
        recorded["parzen"]["nats"]
    ]


@pytest.mark.slow
@pytest.mark.skipif("ADVNETS_RETRAIN" not in os.environ, reason="2 minutes; ADVNETS_RETRAIN=1")
def test_digits_can_be_made_again(tmp_path: Path) -> None:
    """The card's recipe: the score of another processor's training is near the recorded one."""
    line = f"train mnist-5k --preset quickstart --condition classes --run {tmp_path}"
    assert main(line.split()) == 0
    (record,) = json.loads((DIGITS / "evaluation.json").read_text(encoding="utf-8"))
    score = an.evaluate(tmp_path, calibration=False, progress=False).parzen
    assert score.nats == pytest.approx(record["parzen"]["nats"], abs=8)
