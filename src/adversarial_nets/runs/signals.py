"""Stop cleanly on Ctrl-C and SIGTERM."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from adversarial_nets.engine import distributed

__all__ = [
    "signals",
]


@contextmanager
def signals() -> Iterator[list[int]]:
    """A list that fills when SIGINT or SIGTERM comes; a second one acts as it always does.

    Not so under torchrun, which passes on what each of its processes got already: there, whoever
    was asked to stop is let go in peace.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: object) -> None:
        asked.append(number)
        if not distributed.under_torchrun():
            signal.signal(number, old[signal.Signals(number)])

    for number in old:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in old.items():
            leaving = bool(asked) and distributed.under_torchrun()
            signal.signal(number, signal.SIG_IGN if leaving else handler)
