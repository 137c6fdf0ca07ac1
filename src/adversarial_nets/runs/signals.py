"""Stop training cleanly on Ctrl-C (SIGINT), SIGTERM, and on Windows Ctrl-Break (SIGBREAK)."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adversarial_nets.engine import distributed

__all__ = ["signals"]

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


@contextmanager
def signals() -> Iterator[list[int]]:
    """Yield a list to which the numbers of received signals are added.

    The first signal is only recorded, so that the caller can save and stop. A second one has its
    usual effect. Under torchrun, every signal is only recorded, because torchrun repeats to its
    processes signals that they have already received. Outside the main thread nothing is recorded.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    # A handler that was not installed from Python reads as None and cannot be set again.
    old = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}

    def record(number: int, frame: object) -> None:
        received.append(number)
        if not distributed.under_torchrun():
            signal.signal(number, old[signal.Signals(number)])

    for number in old:
        signal.signal(number, record)
    try:
        yield received
    finally:
        for number, handler in old.items():
            # Under torchrun a process that is stopping ignores the signals that follow.
            stopping = bool(received) and distributed.under_torchrun()
            signal.signal(number, signal.SIG_IGN if stopping else handler)
