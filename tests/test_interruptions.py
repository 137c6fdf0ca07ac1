"""A training after a lost terminal, a full disk, a signal or a dead process."""

import dataclasses
import errno
import io
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import api as launcher

from adversarial_nets.cli import main as main_module
from adversarial_nets.cli import processes
from adversarial_nets.cli.main import main
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.errors import Stopped
from adversarial_nets.progress import ProgressReporter, print_line
from adversarial_nets.runs.signals import signals
from adversarial_nets.training.display import show_training
from test_progress import snapshot

TRAIN = ["train", "mnist-5k", "--rounds", "9"]
CONTINUE = "Continue with: advnets train mnist-5k --rounds 9"

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
needs_hangup = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")


def instead_of_running(monkeypatch: pytest.MonkeyPatch, do: Callable[[], int]) -> None:
    """Let `main` parse the command, and then do something else."""
    monkeypatch.setattr(main_module, "_run", lambda command, options: do())


# --- Output that cannot be written ----------------------------------------------------------------


class Terminal(io.StringIO):
    """Standard output in a terminal, which can be closed."""

    closed_by_user = False

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.closed_by_user:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().write(text)

    def flush(self) -> None:
        self.write("")


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal as standard output. A fixture could not set it, since pytest sets it later."""
    stdout = Terminal()
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setenv("TERM", "xterm")
    return stdout


def test_a_training_goes_on_without_its_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = open_terminal(monkeypatch)
    reporter = ProgressReporter()
    with show_training(reporter, 30) as callback:
        callback(snapshot(10, 30, 1.0))
        terminal.closed_by_user = True
        for round_ in (20, 30):
            callback(snapshot(round_, 30, 2.0, scores={"raw": {"valid_nats": 1.0}}))
    assert reporter.lost_output
    assert "0/30" in terminal.getvalue()
    assert capsys.readouterr().err.splitlines() == [
        "Standard output cannot be written (Input/output error). The work goes on without."
    ]


def test_a_stage_goes_on_without_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    for closed_after in (0, 1, 2):
        terminal.closed_by_user = False
        reporter = ProgressReporter()
        for done in range(3):
            terminal.closed_by_user = done >= closed_after
            reporter.work("test", done, 3)
        reporter.close()
        assert reporter.lost_output


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    """Let streams of `sys` be on a full disk. They must not fail when Python ends, here closed."""
    with monkeypatch.context() as patch, ExitStack() as opened:
        for name in names:
            stream = open("/dev/full", "w", encoding="utf-8")  # noqa: PTH123, SIM115 (a device)
            patch.setattr(sys, name, opened.enter_context(stream))
        yield


@needs_full
def test_both_outputs_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_disk(monkeypatch, "stdout", "stderr"):
        assert not print_line("a line")
        assert print_line("one more is discarded")


@needs_full
def test_exit_codes_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> int:
        raise Stopped(signal.SIGTERM, 7)

    def interrupted() -> int:
        raise KeyboardInterrupt

    def out_of_memory() -> int:
        raise MemoryError

    with full_disk(monkeypatch, "stderr"):
        assert main(["evaluate", str(tmp_path / "none")]) == 2
    ends = {stopped: 143, interrupted: 130, out_of_memory: 2}
    for end, code in ends.items():
        instead_of_running(monkeypatch, end)
        with full_disk(monkeypatch, "stderr"):
            assert main(TRAIN) == code


@needs_full
def test_a_warning_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not stay in the buffer, or Python would end with exit code 120."""

    def warn() -> int:
        with suppress(OSError):  # as Python does for warnings
            print("advnets: warning: something", file=sys.stderr, flush=True)
        return 0

    instead_of_running(monkeypatch, warn)
    with full_disk(monkeypatch, "stderr"):
        assert main(TRAIN) == 0


# --- Signals --------------------------------------------------------------------------------------


@pytest.fixture
def hangups() -> Iterator[list[int]]:
    """The SIGHUPs that reach this process, which they would end."""
    got: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: got.append(number))
    yield got
    signal.signal(signal.SIGHUP, before)


@needs_hangup
def test_a_closed_terminal_stops_a_training_which_then_saves(hangups: list[int]) -> None:
    """Both the shell and the system send SIGHUP; the second must not interrupt the saving."""
    before = signal.getsignal(signal.SIGHUP)
    with signals() as received:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert received == [signal.SIGHUP] * 2
    assert hangups == []
    assert signal.getsignal(signal.SIGHUP) is before
    assert Stopped(received[0], 7).exit_code == 129


@needs_hangup
def test_nohup_is_kept(hangups: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals() as received:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGINT]
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


@dataclasses.dataclass(frozen=True)
class OfAnotherCommand:
    """A command that several processes share."""

    nproc: int = 1
    name: str = "one"


def test_any_command_may_start_processes_and_say_what_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its options and its `Command`, without a change of `main`."""

    def interrupted(options: object, reporter: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    other = dataclasses.replace(
        COMMANDS["datasets"],
        options=OfAnotherCommand,
        run=interrupted,
        if_interrupted=lambda o, args: [f"{o.name} is kept.", f"Again: {args[0]}"],
    )
    monkeypatch.setitem(COMMANDS, "datasets", other)
    monkeypatch.setattr(processes, "launch", lambda args, nproc, max_restarts: 10 * nproc)
    assert main(["datasets", "--nproc", "3"]) == 30
    assert main(["datasets", "--name", "two"]) == 130
    assert capsys.readouterr().err == "advnets: two is kept.\nAgain: datasets\n"


def test_a_second_ctrl_c_says_what_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    instead_of_running(monkeypatch, interrupted)
    assert main(TRAIN) == 130
    kept = "advnets: Stopped immediately; the last saved checkpoint, if there is one, is kept."
    assert capsys.readouterr().err.splitlines() == [kept, CONTINUE]
    assert main([*TRAIN, "--restart"]) == 130  # the old run may be there still
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.endswith("repeat the command without --restart.")
    assert main(["datasets"]) == 130
    assert capsys.readouterr().err == "advnets: Stopped immediately.\n"
    monkeypatch.setattr(processes, "WORKS_SILENTLY", True)
    assert main(TRAIN) == 130
    assert capsys.readouterr().err == ""


# --- Several processes ----------------------------------------------------------------------------


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Any]]]:
    """A function that lets the processes which `launch` starts end with exit codes, by rank."""
    configs: list[Any] = []

    def set_exit_codes(exit_codes: dict[int, int]) -> list[Any]:
        def elastic_launch(config: object, program: str) -> Callable[..., None]:
            configs.append(config)

            def run(*args: str) -> None:
                failures = {
                    rank: ProcessFailure(rank, 1000 + rank, code, "<N/A>")
                    for rank, code in exit_codes.items()
                }
                raise ChildFailedError("advnets", failures)

            return run

        monkeypatch.setattr(launcher, "elastic_launch", elastic_launch)
        return configs

    logger = logging.getLogger("torch.distributed")
    level = logger.level
    yield set_exit_codes
    logger.setLevel(level)


@pytest.mark.parametrize("ends", [{1: -9}, {0: 1, 1: -9}, {0: -15, 1: -9}], ids=str)
def test_a_dead_process_is_a_sentence(
    ends: dict[int, int],
    fail: Callable[..., list[Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Processes that torchrun has ended are not named."""
    fail(ends)
    assert main([*TRAIN, "--nproc", "2"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "advnets: Process 2 of 2 ended with signal 9. The run is saved up to its last checkpoint; "
        "repeat the command to continue; --max-restarts 3 does so automatically.",
        f"{CONTINUE} --nproc 2 --max-restarts 3",
    ]
    assert main([*TRAIN, "--nproc", "2", "--max-restarts", "1"]) == 1
    said = capsys.readouterr().err
    assert "repeat the command to continue.\n" in said
    assert said.endswith(f"{CONTINUE} --nproc 2 --max-restarts 1\n")


def test_a_process_that_explains_itself_is_not_mentioned(
    fail: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for ends in ({0: 2}, {0: 2, 1: -15}):  # torchrun ends the others with SIGTERM
        fail(ends)
        assert main([*TRAIN, "--nproc", "2"]) == 2
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--nproc 500", "--batch is 100, which 500 processes cannot share; increase it."),
        ("--max-restarts 3", "--max-restarts is 3, which has no effect in one process"),
        ("--nproc 0", "--nproc must be 1 or more"),
    ],
)
def test_processes_that_cannot_share_the_work_are_not_started(
    words: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(processes, "launch", None)
    assert main([*TRAIN, *words.split()]) == 2
    assert said in capsys.readouterr().err


@needs_hangup
def test_nohup_is_kept_with_several_processes(
    fail: Callable[..., list[Any]], hangups: list[int]
) -> None:
    """torchrun would stop all of them at a SIGHUP that the user wants to be ignored."""
    configs = fail({0: 2})
    for handler in (signal.SIG_DFL, signal.SIG_IGN):
        signal.signal(signal.SIGHUP, handler)
        main([*TRAIN, "--nproc", "2"])
    assert ["SIGHUP" in config.signals_to_handle for config in configs] == [True, False]


GLOO = RuntimeError("[/x/third_party/gloo/gloo/transport/tcp/pair.cc:537] Read error")


@pytest.mark.parametrize("works_silently", [False, True])
def test_a_broken_connection_is_left_to_torchrun_to_report(
    works_silently: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[bool] = []
    monkeypatch.setattr(processes, "wait_for_main_process", lambda stopped: waits.append(stopped))
    assert not processes.another_process_reports(GLOO)
    assert waits == []  # without torchrun nobody else reports
    monkeypatch.setattr(processes, "UNDER_TORCHRUN", True)
    monkeypatch.setattr(processes, "WORKS_SILENTLY", works_silently)
    assert not processes.another_process_reports(GLOO)
    assert waits == [False]
    # Another error: rank 0 prints it immediately; the other processes wait until rank 0 has
    # printed it.
    assert not processes.another_process_reports(RuntimeError("shapes differ"))
    assert waits == [False, True][: 1 + works_silently]
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `signals` has caught torchrun's
    try:
        assert processes.another_process_reports(GLOO)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert waits == [False, True][: 1 + works_silently]


@pytest.mark.skipif(sys.platform != "linux", reason="has no such limit, or another one")
def test_a_file_above_the_systems_limit_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its own name and folder, not those of the temporary file."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for words, folder, file in (
        (["export", "digits", "--safetensors", str(tmp_path / "G")], "G", "generator.safetensors"),
        (["sample", "digits", "--out", str(tmp_path / "x.png")], "", "x.png"),
        (["play", "gaussian", "--rounds", "1", "--out", str(tmp_path)], "", "nets.safetensors"),
    ):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        try:
            assert main(words) == 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        error = capsys.readouterr().err
        assert f"Cannot write to {tmp_path / folder}: {file} is larger than this system" in error
    assert not list(tmp_path.iterdir())


# A launcher, and its child, which holds standard output open for as long as it lives.
LAUNCHER = """
import os, signal
from adversarial_nets.cli import processes
reading, writing = os.pipe()
if os.fork() == 0:
    processes.stop_with_torchrun()
    os.write(writing, b"x")
    signal.pause()
os.close(writing)
if os.read(reading, 1):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_process_outlives_a_launcher_that_ended_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "UNDER_TORCHRUN", True)
    monkeypatch.setattr(sys, "platform", "darwin")  # this process itself is not to be stopped
    processes.stop_with_torchrun()  # another torchrun's process
    monkeypatch.setenv("ADVNETS_LAUNCHER", str(os.getppid()))
    processes.stop_with_torchrun()
    assert "ADVNETS_LAUNCHER" not in os.environ  # processes that this one starts have it as parent
    monkeypatch.setenv("ADVNETS_LAUNCHER", str(os.getppid() + 1))
    with pytest.raises(SystemExit) as ended:
        processes.stop_with_torchrun()
    assert ended.value.code == 143


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of this")
def test_no_process_outlives_its_launcher() -> None:
    launcher_process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        env=os.environ | {"TORCHELASTIC_RUN_ID": "x"},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with launcher_process:
        assert launcher_process.stdout is not None
        assert launcher_process.wait(60) == -signal.SIGKILL
        ended, _, _ = select.select([launcher_process.stdout], [], [], 20)
        if not ended:
            os.killpg(launcher_process.pid, signal.SIGKILL)
    assert ended
