"""Stop training cleanly on Ctrl-C (SIGINT), SIGTERM, SIGHUP, and on Windows Ctrl-Break (SIGBREAK).

SIGHUP is sent when the terminal is closed or its connection breaks.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adversarial_nets import distributed

__all__ = ["signals"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def signals() -> Iterator[list[int]]:
    """Yield a list to which the numbers of received signals are added.

    The first signal is only recorded, so that the caller can save and stop. A second signal has its
    usual effect. There are two exceptions. Under torchrun every signal is only recorded, because
    torchrun sends its processes signals that they have already received. Every SIGHUP is only
    recorded, because both the shell and the system send it when a terminal is closed. A SIGHUP that
    is ignored (``nohup``) stays ignored. Outside the main thread nothing is recorded.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    # A handler that was not installed from Python is None here and cannot be restored.
    old = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup in old and old[hangup] == signal.SIG_IGN:
        del old[hangup]

    def record(number: int, frame: object) -> None:
        received.append(number)
        if not distributed.under_torchrun() and number != hangup:
            signal.signal(number, old[signal.Signals(number)])

    for number in old:
        signal.signal(number, record)
    try:
        yield received
    finally:
        for number, handler in old.items():
            # Under torchrun a process that is stopping ignores later signals.
            stopping = bool(received) and distributed.under_torchrun()
            signal.signal(number, signal.SIG_IGN if stopping else handler)
