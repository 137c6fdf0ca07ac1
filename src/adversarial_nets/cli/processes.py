"""Several processes for one training: start them with torchrun, join them, end them in order.

Rank 0, the main process, prints and writes. The other processes only share the work.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from adversarial_nets.errors import UserError

__all__ = [
    "UNDER_TORCHRUN",
    "WORKS_SILENTLY",
    "launch",
    "process_group",
    "use_reproducible_products",
    "wait_for_main_process",
]

UNDER_TORCHRUN = "TORCHELASTIC_RUN_ID" in os.environ
"""Whether torchrun started this process."""

WORKS_SILENTLY = UNDER_TORCHRUN and os.environ.get("RANK") != "0"
"""Whether this process shares the work but must not print or write."""

_LONGEST_WAIT = 60.0
"""Seconds that a process waits for rank 0 to print an error; rank 0 may be slow on a busy machine,
or have met no error."""


def use_reproducible_products() -> None:
    """Ask MKL for matrix products whose bits do not depend on the number of threads.

    Some games then have the same weights with any number of threads; others still differ, because
    they have other sums too. MKL reads the variable when torch is imported, and supports it on
    Intel processors. A value of ``MKL_CBWR`` that the user has set is kept.
    """
    info = Path("/proc/cpuinfo")
    is_intel = info.is_file() and "GenuineIntel" in info.read_text(encoding="utf-8")[:4000]
    if is_intel and "torch" not in sys.modules:
        os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")


def process_group() -> AbstractContextManager[None]:
    """Join the process group if torchrun started this process; otherwise do nothing."""
    if not UNDER_TORCHRUN:
        return nullcontext()
    from adversarial_nets.engine import distributed

    return distributed.process_group()


def wait_for_main_process() -> None:
    """Block until torchrun ends this process, so that rank 0 can print the error first.

    torchrun ends all processes as soon as one of them ends.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    time.sleep(_LONGEST_WAIT)


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
