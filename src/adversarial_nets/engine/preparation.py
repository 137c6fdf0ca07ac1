"""Set the environment variables that libraries read when torch is imported. Imports no torch."""

import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["UNDER_TORCHRUN", "prepare_for_torch", "processors_used_by_others"]

UNDER_TORCHRUN = "TORCHELASTIC_RUN_ID" in os.environ
"""Whether torchrun started this process."""


def prepare_for_torch() -> None:
    """Set the environment variables that libraries read when torch is imported.

    Values that the user has set are kept.

    * ``MKL_CBWR``: matrix products whose bits do not depend on the number of threads. Some games
      then have the same weights with any number of threads; others still differ, because they also
      compute other sums. MKL supports this on Intel processors.
    * ``OMP_WAIT_POLICY``: if other programs use so many processors that a thread on each core does
      not fit, idle threads sleep. `engine.threads` can also make them sleep later, but less
      quickly.
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
    """Number of processors that others can use without slowing a thread on each core, plus ½."""
    simultaneous = Path("/sys/devices/system/cpu/smt/active")  # two processors per core
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

    NaN outside Linux. The clocks have a resolution of 0.01 s, so this function waits until at least
    0.1 s has passed.
    """
    time.sleep(max(0.0, 0.1 - (time.perf_counter() - since.wall)))
    now = _clocks()
    return ((now.all - since.all) - (now.own - since.own)) / (now.wall - since.wall)
