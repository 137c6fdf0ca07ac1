"""Run one training in several processes.

Torchrun starts the processes; functions of this module join them into a group and end them.

Rank 0, the main process, prints and writes. The other processes only share the work.
"""

import ctypes
import dataclasses
import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from adversarial_nets.engine.preparation import UNDER_TORCHRUN, prepare_for_torch
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.progress import print_error

__all__ = [
    "UNDER_TORCHRUN",
    "WORKS_SILENTLY",
    "another_process_reports",
    "check_options",
    "command_to_continue",
    "launch",
    "prepare_for_torch",
    "process_group",
    "stop_with_torchrun",
    "wait_for_main_process",
]

WORKS_SILENTLY = UNDER_TORCHRUN and os.environ.get("RANK") != "0"
"""Whether this process shares the work but must not print or write."""

_LONGEST_WAIT, _WAIT_WHEN_STOPPED = 60.0, 5.0
"""Seconds that a process waits for rank 0 to print an error. Rank 0 may be slow on a busy machine,
or have met no error. After Ctrl-C it prints immediately, and torchrun waits for this process."""

_CONNECTION_ERRORS = ("DistBackendError", "DistNetworkError", "DistStoreError")
"""The errors that PyTorch raises, besides gloo's RuntimeError, if another process has ended."""


def process_group() -> AbstractContextManager[None]:
    """Join the process group if torchrun started this process; otherwise do nothing."""
    if not UNDER_TORCHRUN:
        return nullcontext()
    from adversarial_nets import distributed

    return distributed.process_group()


def wait_for_main_process(stopped: bool) -> None:
    """Block until torchrun ends this process, so that rank 0 can print the error first.

    torchrun ends all processes as soon as one of them ends.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    time.sleep(_WAIT_WHEN_STOPPED if stopped else _LONGEST_WAIT)


def another_process_reports(error: Exception) -> bool:
    """Under torchrun, block while another process or torchrun itself reports why this one fails.

    torchrun ends this process during the wait, unless no process reports an error.

    Returns:
        Whether this process must end without a message, since torchrun has already told it to end.
    """
    if not UNDER_TORCHRUN:
        return False
    lost_connection = "gloo" in str(error) or type(error).__name__ in _CONNECTION_ERRORS
    if lost_connection and signal.getsignal(signal.SIGTERM) == signal.SIG_IGN:  # by `signals`
        return True
    if lost_connection or WORKS_SILENTLY:
        # If this process has a mistake of the user to report, rank 0 most likely has it too and
        # prints it immediately.
        wait_for_main_process(stopped=not lost_connection)
    return False


_LAUNCHER = "ADVNETS_LAUNCHER"
"""The variable that holds the number of the process that `launch`ed this one."""


def stop_with_torchrun() -> None:
    """On Linux, let SIGTERM stop this process, which then saves, if its torchrun is killed.

    Raises:
        SystemExit: `launch`'s process ended while this one started; on every system but Windows.
    """
    if not UNDER_TORCHRUN:
        return
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        with suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM, 0, 0, 0)
    launcher = os.environ.pop(_LAUNCHER, None)
    if launcher is not None and int(launcher) != os.getppid():
        raise SystemExit(128 + signal.SIGTERM)


def command_to_continue(args: Sequence[str], *more: str) -> str:
    """The line that says how to continue a run, with the options in `more` that were not given."""
    again = [arg for arg in args if arg != "--restart"]  # it would delete what was saved
    added = () if set(more) & set(again) else more
    return f"Continue with: {shlex.join(['advnets', *again, *added])}"


def check_options(options: object) -> None:
    """Refuse a number of processes that cannot share the work, before any of them starts."""
    nproc, restarts = getattr(options, "nproc", 1), getattr(options, "max_restarts", 0)
    if nproc < 1 or restarts < 0:
        raise UserError(
            f"--nproc is {nproc} and --max-restarts is {restarts}; --nproc must be 1 or more, and "
            "--max-restarts 0 or more."
        )
    if restarts and nproc == 1 and not UNDER_TORCHRUN:
        raise UserError(
            f"--max-restarts is {restarts}, which has no effect in one process; give --nproc 2 or "
            "more too, or leave it out."
        )
    settings = getattr(options, "settings", None)
    if settings is not None and settings.batch < nproc:
        raise SettingError(
            "batch", f"is {settings.batch}, which {nproc} processes cannot share; increase it."
        )


def launch(args: Sequence[str], nproc: int, max_restarts: int) -> int:
    """Run this command in several processes, as ``torchrun`` does.

    Args:
        args: the command's arguments, without ``advnets``.
        nproc: the number of processes.
        max_restarts: how often to start all of them again when one dies.

    Returns:
        The exit code.
    """
    import logging

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ[_LAUNCHER] = str(os.getpid())
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // nproc)))
    # The failed process prints its error, so torchrun's report of it is not needed.
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=nproc,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=max_restarts,
        monitor_interval=0.1,
        **_signals_to_handle(LaunchConfig),
    )
    try:
        elastic_launch(config, sys.executable)("-m", "adversarial_nets", *args)
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        ends = {rank: failure.exitcode for rank, failure in error.failures.items()}
        _report_death(args, ends, nproc, max_restarts)
        return code if code > 0 else 1
    except SignalException as stop:
        return 128 + stop.sigval
    finally:
        os.environ.pop(_LAUNCHER, None)
    return 0


def _signals_to_handle(config: type) -> dict[str, Any]:
    """The argument for torchrun's configuration that keeps an ignored SIGHUP (``nohup``) ignored.

    Earlier versions of PyTorch lack it.
    """
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    is_ignored = hangup is not None and signal.getsignal(hangup) == signal.SIG_IGN
    can_be_given = "signals_to_handle" in {field.name for field in dataclasses.fields(config)}
    return {"signals_to_handle": "SIGTERM,SIGINT,SIGQUIT"} if is_ignored and can_be_given else {}


def _report_death(
    args: Sequence[str], exit_codes: Mapping[int, int], nproc: int, max_restarts: int
) -> None:
    """Print which process was ended by a signal; each other process has printed its own error.

    Args:
        args: the command's arguments.
        exit_codes: exit codes of the failed processes by rank; negative if a signal ended the
            process.
        nproc: the number of processes.
        max_restarts: how often all of them were started again.
    """
    by_signal = [(rank, -code) for rank, code in exit_codes.items() if code < 0]
    if any(code > 0 for code in exit_codes.values()):
        # torchrun ends the other processes with SIGTERM, which is not their own error.
        by_signal = [(rank, number) for rank, number in by_signal if number != signal.SIGTERM]
    if not by_signal:
        return
    rank, number = min(by_signal, key=lambda end: end[1] == signal.SIGTERM)
    more = () if max_restarts else ("--max-restarts", "3")
    automatically = "; --max-restarts 3 does so automatically" if more else ""
    print_error(
        f"advnets: Process {rank + 1} of {nproc} ended with signal {number}. The run is saved up "
        f"to its last checkpoint; repeat the command to continue{automatically}."
    )
    print_error(command_to_continue(args, *more))
