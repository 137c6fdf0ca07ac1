"""No result is lost because of where the output goes; files do not depend on the locale."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import NARROW

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
COMMAND = [sys.executable, "-m", "adversarial_nets"]
TRAIN = ["train", "mnist-5k", "--rounds", "10", "--batch", "20", *NARROW]


def advnets(
    *args: object, redirection: str = "", **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command in a shell, with `redirection` after it."""
    shell = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *map(str, args)]
    return subprocess.run(shell, env=ENVIRONMENT | environment, capture_output=True, check=False)


def assert_finished(folder: Path) -> None:
    """The run was trained, scored and reported."""
    assert len(json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))) == 2
    assert (folder / "report.html").exists()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained with output that has no σ and no ±."""
    folder = tmp_path_factory.mktemp("output") / "ünï"
    done = advnets(*TRAIN, "--run", folder, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert b"nats" in done.stdout
    assert_finished(folder)
    return folder


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_any_encoding_of_the_output(run: Path, encoding: str) -> None:
    for args in (["evaluate", run, "--no-calibration", "--samples", "50"], ["datasets"]):
        done = advnets(*args, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode(encoding)
        assert not done.stderr
    done = advnets("report", run / "none", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert b"is not a run's folder" in done.stderr


def test_a_run_made_in_one_locale_is_read_in_another(run: Path) -> None:
    """Files are UTF-8, whatever the locale's encoding is."""
    in_c = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    other = shutil.copytree(run, run.with_name("a copy"), dirs_exist_ok=True)
    out = ("--out", run / "comparison.png")
    for args in (["report", run, "--again"], ["compare", run, other, *out]):
        done = advnets(*args, **in_c)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "| head -1", "| true"])
def test_a_closed_output_stops_no_training(tmp_path: Path, redirection: str) -> None:
    shell = redirection if "|" not in redirection else ""
    pipe = redirection if "|" in redirection else ""
    command = f'set -o pipefail 2>/dev/null; "$@" {shell} {pipe}'
    line = ["/bin/bash", "-c", command, "bash", *COMMAND, *TRAIN, "--run", str(tmp_path / "run")]
    done = subprocess.run(line, env=ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert_finished(tmp_path / "run")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_the_output(tmp_path: Path) -> None:
    """The training goes on; a JSON object that cannot be written is an error."""
    done = advnets(*TRAIN, "--run", tmp_path / "run", redirection=">/dev/full")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(b"Standard output cannot be written") == 1
    assert_finished(tmp_path / "run")
    done = advnets("datasets", "--json", redirection=">/dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith(b"advnets: The result cannot be written")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("args", [[], ["--help"], ["train", "--help"], ["datasets"]], ids=str)
def test_help_into_a_closed_output(args: list[str]) -> None:
    for redirection in (">&-", ">/dev/full", "| true"):
        done = advnets(*args, redirection=redirection)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
