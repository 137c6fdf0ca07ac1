"""What must be set before torch is imported, and several processes for one training.

Torchrun starts them; they are joined and ended in order here.

Rank 0, the main process, prints and writes. The other processes only share the work.
"""

import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

from adversarial_nets.errors import UserError

__all__ = [
    "UNDER_TORCHRUN",
    "WORKS_SILENTLY",
    "launch",
    "prepare_for_torch",
    "process_group",
    "processors_used_by_others",
    "wait_for_main_process",
]

UNDER_TORCHRUN = "TORCHELASTIC_RUN_ID" in os.environ
"""Whether torchrun started this process."""

WORKS_SILENTLY = UNDER_TORCHRUN and os.environ.get("RANK") != "0"
"""Whether this process shares the work but must not print or write."""

_LONGEST_WAIT, _WAIT_WHEN_STOPPED = 60.0, 5.0
"""Seconds that a process waits for rank 0 to print an error. Rank 0 may be slow on a busy machine,
or have met no error. After Ctrl-C it prints at once, and torchrun waits for this process."""


def prepare_for_torch() -> None:
    """Set the environment variables that libraries read when torch is imported.

    Values that the user has set are kept.

    * ``MKL_CBWR``: matrix products whose bits do not depend on the number of threads. Some games
      then have the same weights with any number of threads; others still differ, because they have
      other sums too. MKL supports this on Intel processors.
    * ``OMP_WAIT_POLICY``: if other programs leave too few processors for a thread on each core,
      idle threads sleep. `engine.threads` can let them sleep later, too, but not as quickly.
    """
    if "torch" in sys.modules:
        return
    info = Path("/proc/cpuinfo")
    if info.is_file() and "GenuineIntel" in info.read_text(encoding="utf-8")[:4000]:
        os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    user_chose = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"} & os.environ.keys()
    if not user_chose and not UNDER_TORCHRUN and processors_used_by_others() > _spare_processors():
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def _spare_processors() -> float:
    """Processors that others can use without slowing a thread on each core, and half of one."""
    simultaneous = Path("/sys/devices/system/cpu/smt/active")  # two processors a core
    two_a_core = simultaneous.is_file() and simultaneous.read_text(encoding="utf-8").strip() == "1"
    return (os.cpu_count() or 1) / 2 * two_a_core + 0.5


class _Clocks(NamedTuple):
    """Seconds: wall time, time of this process, and time that all processes used."""

    wall: float
    own: float
    all: float


def _clocks() -> _Clocks:
    """Read the clocks of the processors that this process may use; NaN where there are none."""
    try:
        allowed = {f"cpu{i}" for i in os.sched_getaffinity(0)}
        lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
        fields = [line.split() for line in lines if line.split()[0] in allowed]
        # user, nice, system, idle, waiting for disks, interrupts (two kinds)
        ticks = sum(int(f[i]) for f in fields for i in (1, 2, 3, 6, 7))
        used = ticks / os.sysconf("SC_CLK_TCK")
    except (AttributeError, OSError, ValueError, IndexError):  # not Linux
        used = math.nan
    return _Clocks(time.perf_counter(), time.process_time(), used)


_AT_IMPORT = _clocks()


def processors_used_by_others(since: _Clocks = _AT_IMPORT) -> float:
    """How many processors other processes used, on average since this module was imported.

    NaN outside Linux. The clocks tick a hundred times a second, so that the first tenth of a second
    is waited for.
    """
    time.sleep(max(0.0, 0.1 - (time.perf_counter() - since.wall)))
    now = _clocks()
    return ((now.all - since.all) - (now.own - since.own)) / (now.wall - since.wall)


def process_group() -> AbstractContextManager[None]:
    """Join the process group if torchrun started this process; otherwise do nothing."""
    if not UNDER_TORCHRUN:
        return nullcontext()
    from adversarial_nets.engine import distributed

    return distributed.process_group()


def wait_for_main_process(stopped: bool) -> None:
    """Block until torchrun ends this process, so that rank 0 can print the error first.

    torchrun ends all processes as soon as one of them ends.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    time.sleep(_WAIT_WHEN_STOPPED if stopped else _LONGEST_WAIT)


def launch(args: Sequence[str], nproc: int, max_restarts: int) -> int:
    """Run this command in several processes, as ``torchrun`` does.

    Args:
        args: the command's arguments, without ``advnets``.
        nproc: the number of processes.
        max_restarts: how often to start all of them again when one dies.

    Returns:
        The exit code.
    """
    if nproc < 1 or max_restarts < 0:
        raise UserError(
            f"--nproc is {nproc} and --max-restarts is {max_restarts}; --nproc must be 1 or more, "
            "and --max-restarts 0 or more."
        )
    import logging

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // nproc)))
    # The process that failed prints its error; torchrun need not repeat it.
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
    )
    try:
        elastic_launch(config, sys.executable)("-m", "adversarial_nets", *args)
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        return code if code > 0 else 1
    except SignalException as stop:
        return 128 + stop.sigval
    return 0
