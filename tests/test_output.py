"""No result is lost because of where the output goes; files do not depend on the locale."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from commands import NARROW
from fork_server import ADVNETS, ForkServer

COMMAND = [sys.executable, "-m", "adversarial_nets"]
TRAIN = ["--rounds", "10", "--batch", "20", *NARROW]


def advnets(*args: object, redirection: str = "") -> "subprocess.CompletedProcess[bytes]":
    """Run a command in a shell, with `redirection` after it."""
    shell = ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *map(str, args)]
    return subprocess.run(shell, capture_output=True, check=False)


class Done(NamedTuple):
    """The exit code and the output of a command."""

    returncode: int
    stdout: bytes
    stderr: bytes


# A report takes most of the time of a short training, and no output depends on its pictures.
EMPTY_REPORT = """
from adversarial_nets import report
def write_report(run, data):
    page = run.folder / "report.html"
    page.touch()
    return page
report.write_report = write_report
"""


def forked(
    server: ForkServer,
    folder: Path,
    *args: object,
    redirection: str = "",
    encoding: str = "utf-8",
    before: str = "",
) -> Done:
    """Run a command in a child of the fork server, with `redirection` as a shell does it.

    Its output is also written into the folder, as far as it goes there. The code `before` is run
    before it.
    """
    files = {1: folder / "stdout", 2: folder / "stderr"}
    for file in files.values():
        file.write_bytes(b"")
    fds: dict[int, int | None] = {n: os.open(file, os.O_WRONLY) for n, file in files.items()}
    opened = [fd for fd in fds.values() if fd is not None]
    reader = None
    for word in redirection.split() if redirection[:1] != "|" else ():
        fds[2 if word.startswith("2") else 1] = None
        if word.endswith("/dev/full"):
            full = os.open("/dev/full", os.O_WRONLY)
            fds[1] = full
            opened.append(full)
    if redirection[:1] == "|":
        reader = subprocess.Popen(redirection[1:].split(), stdin=subprocess.PIPE, stdout=opened[0])
        assert reader.stdin is not None
        fds[1] = reader.stdin.fileno()
    server.start(before + ADVNETS, args, fds[1], fds[2], encoding)
    if reader is not None:
        reader.communicate()
    code = server.wait()
    for fd in opened:
        os.close(fd)
    return Done(code, files[1].read_bytes(), files[2].read_bytes())


def assert_finished(folder: Path) -> None:
    """The run was trained, scored and reported."""
    assert len(json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))) == 2
    assert (folder / "report.html").exists()


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A short training on a few small images."""
    file = tmp_path_factory.mktemp("images") / "small.npz"
    np.savez(file, np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8))
    return ["train", f"npz:{file}", *TRAIN]


@pytest.fixture(scope="module")
def run(
    train: list[str], tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Path:
    """A run that was trained with output that has no σ and no ±."""
    outer = tmp_path_factory.mktemp("output")
    folder = outer / "ünï"
    how = [*train, "--run", folder]
    done = forked(fork_server, outer, *how, encoding="ascii", before=EMPTY_REPORT)
    assert done.returncode == 0, done.stderr
    assert b"nats" in done.stdout
    assert_finished(folder)
    return folder


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_any_encoding_of_the_output(
    run: Path, encoding: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    for args in (["evaluate", run, "--no-calibration", "--samples", "50"], ["datasets"]):
        done = forked(fork_server, tmp_path, *args, encoding=encoding)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode(encoding)
        assert not done.stderr
    done = forked(fork_server, tmp_path, "report", run / "none", encoding=encoding)
    assert done.returncode == 2
    assert b"is not a run's folder" in done.stderr


# Two commands in one process, which loads torch once.
BOTH = """
import sys
from adversarial_nets.cli.main import main
place = sys.argv.index("and")
sys.exit(main(sys.argv[1:place]) or main(sys.argv[place + 1 :]))
"""


def test_a_run_made_in_one_locale_is_read_in_another(run: Path) -> None:
    """Files are UTF-8, whatever the locale's encoding is."""
    in_c = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    other = shutil.copytree(run, run.with_name("a copy"), dirs_exist_ok=True)
    out = ("--out", run / "comparison.png")
    words = ["report", run, "--again", "and", "compare", run, other, *out]
    both = [sys.executable, "-c", BOTH, *map(str, words)]
    done = subprocess.run(both, env=os.environ | in_c, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "| head -1", "| true"])
def test_a_closed_output_stops_no_training(
    train: list[str], tmp_path: Path, redirection: str, fork_server: ForkServer
) -> None:
    how = [*train, "--run", tmp_path / "run"]
    done = forked(fork_server, tmp_path, *how, redirection=redirection, before=EMPTY_REPORT)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert_finished(tmp_path / "run")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_program_started_without_output_trains(train: list[str], tmp_path: Path) -> None:
    """A new process, in which Python itself finds the descriptors closed."""
    done = advnets(*train, "--run", tmp_path / "run", redirection=">&- 2>&-")
    assert done.returncode == 0
    assert_finished(tmp_path / "run")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_the_output(
    train: list[str], tmp_path: Path, fork_server: ForkServer
) -> None:
    """The training goes on; a JSON object that cannot be written is an error."""
    how = [*train, "--run", tmp_path / "run"]
    done = forked(fork_server, tmp_path, *how, redirection=">/dev/full", before=EMPTY_REPORT)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(b"Standard output cannot be written") == 1
    assert_finished(tmp_path / "run")
    listed = advnets("datasets", "--json", redirection=">/dev/full")
    assert listed.returncode == 2
    assert listed.stderr.startswith(b"advnets: The result cannot be written")
    assert listed.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["datasets"], 1),
        (["compare", "RUN", "COPY"], 1),
        (["train", "mnist-5k", "--dry-run"], 1),
        (["evaluate", "RUN", "--no-calibration", "--samples", "50"], 0),
    ],
    ids=lambda x: str(x[0]) if isinstance(x, list) else str(x),
)
def test_a_command_fails_if_all_that_it_makes_cannot_be_printed(
    run: Path, args: list[str], code: int, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A command that writes files has made them."""
    if "COPY" in args:
        shutil.copytree(run, tmp_path / "copy")
    places = {"RUN": str(run), "COPY": str(tmp_path / "copy")}
    args = [places.get(word, word) for word in args]
    done = forked(fork_server, tmp_path, *args, redirection=">/dev/full")
    assert done.returncode == code
    assert done.stderr.startswith(b"Standard output cannot be written")
    assert done.stderr.count(b"\n") == 1
    assert (b"run the command again" in done.stderr) == bool(code)


@pytest.mark.parametrize(
    "args",
    [
        *([], ["--help"], ["train", "--help"], ["datasets"]),
        *(["paper"], ["--version"], ["paper", "objectives"]),
    ],
    ids=str,
)
def test_help_into_a_closed_output(
    args: list[str], fork_server: ForkServer, tmp_path: Path
) -> None:
    for redirection in (">&-", ">/dev/full", "| true", "| head -1"):
        done = forked(fork_server, tmp_path, *args, redirection=redirection)
        assert done.returncode == (1 if redirection == ">/dev/full" else 0), done.stderr
        assert done.stderr.count(b"\n") == done.returncode


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("redirection", [">&-", "| true"])
def test_help_of_a_new_process_into_a_closed_output(redirection: str) -> None:
    done = advnets("--help", redirection=redirection)
    assert (done.returncode, done.stderr) == (0, b"")
