"""Run ``advnets`` in tests: a short run, and the object that --json prints."""

import json
from pathlib import Path

import pytest

from adversarial_nets.cli.main import main

NARROW = ["--G.hidden", "16", "16", "--D.units", "8", "8", "--threads", "1"]


def short_run(folder: Path) -> Path:
    """Train narrow networks on the included digits for 60 rounds."""
    args = ["train", "mnist-5k", "--run", str(folder), "--rounds", "60", "--save-every", "25"]
    assert main([*args, *NARROW]) == 0
    return folder


def result(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    """The object that a command prints with --json; fails if it prints anything else."""
    capsys.readouterr()
    assert main([*args, "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found: dict[str, object] = json.loads(out)
    return found
