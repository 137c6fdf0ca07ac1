"""Choose how idle CPU threads wait, by measurement during training.

PyTorch's OpenMP threads spin (loop without work) while they wait. That is fastest if no other
process runs. If other processes need the processors, threads often wait for one that is not
running, and a small game becomes many times slower than on one thread. No fixed choice is always
best, so `ThreadTuner` times rounds in each mode at intervals and continues in the fastest mode:

* ``spin``: threads spin while idle (libgomp's default);
* ``sleep``: threads sleep while idle.

libgomp reads its wait policy only when it is loaded. But its threads sleep almost at once as soon
as the process has more OpenMP threads than processors. So ``sleep`` keeps a second, unused team of
threads (`sleeping_threads`). In other OpenMP runtimes that has no effect.

The number of threads never changes, because sums may round differently with another number, and a
continued run must end with the same weights bit for bit.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Literal

import torch

from adversarial_nets.engine import distributed

__all__ = ["Mode", "ThreadTuner", "sleeping_threads"]

Mode = Literal["spin", "sleep"]

TRIAL_SECONDS = 0.25  # of each mode in a comparison
FIRST_INTERVAL, LONGEST_INTERVAL = 4.0, 60.0  # seconds between comparisons
SLOWER = 1.3  # compare again at once if rounds take this many times as long as when chosen


@contextmanager
def sleeping_threads() -> Iterator[None]:
    """While the block runs, idle torch threads of the whole process sleep instead of spinning."""
    threads = torch.get_num_threads()
    started, end = threading.Event(), threading.Event()

    def keep_a_second_team() -> None:
        torch.set_num_threads(max(threads, 2))
        torch.ones(1 << 17).add_(1)  # large enough to use the team
        started.set()
        end.wait()

    keeper = threading.Thread(target=keep_a_second_team, daemon=True)
    keeper.start()
    started.wait()
    torch.set_num_threads(threads)  # the number is the process's, not the thread's
    try:
        yield
    finally:
        end.set()
        keeper.join()


class ThreadTuner:
    """Chooses the fastest `Mode` again and again during a loop of rounds.

    Use it as a context manager around the loop, and call `before_round` and `after_round` around
    each round, update or block of work.

    Args:
        modes: the modes to choose from; with one mode nothing is measured.

    >>> with ThreadTuner(("spin",)) as tuner:
    ...     tuner.before_round()
    ...     tuner.after_round()
    ...     tuner.mode
    'spin'
    """

    def __init__(self, modes: tuple[Mode, ...]) -> None:
        self.modes = modes
        self.mode: Mode = modes[0]  # the fastest so far
        self.current: Mode = modes[0]  # the one in use, also during a comparison
        self.switches = 0  # how often the mode changed, for tests and benchmarks
        self._sleep = ExitStack()
        self._trials: dict[Mode, tuple[int, float]] = {}
        self._untried = list(modes) if len(modes) > 1 else []
        self._interval = FIRST_INTERVAL
        self._next_comparison = 0.0
        self._seconds_a_round = 0.0
        self._recent: list[float] = []
        self._started = 0.0

    @classmethod
    def for_device(cls, device: torch.device) -> "ThreadTuner":
        """A tuner for work on this device.

        There is nothing to choose on an accelerator, with one thread, in several processes, or if
        ``OMP_WAIT_POLICY`` or ``GOMP_SPINCOUNT`` is set.
        """
        has_choice = (
            device.type == "cpu"
            and torch.get_num_threads() > 1
            and distributed.world_size() == 1
            and not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()
        )
        return cls(("spin", "sleep") if has_choice else ("spin",))

    def __enter__(self) -> "ThreadTuner":
        self._switch_to(self.mode)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sleep.close()

    def before_round(self) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def after_round(self) -> None:
        """Stop the clock; compare the modes if it is time to."""
        if len(self.modes) == 1:
            return
        now = time.perf_counter()
        if self._untried:
            self._try(now - self._started)
        else:
            self._watch(now, now - self._started)

    def _try(self, seconds: float) -> None:
        """Count a round for the mode that is being timed; after the last mode, use the fastest."""
        mode = self._untried[0]
        rounds, total = self._trials.get(mode, (-1, 0.0))  # the first round warms up
        self._trials[mode] = (rounds + 1, total + (seconds if rounds >= 0 else 0.0))
        rounds, total = self._trials[mode]
        if rounds < 2 or total < TRIAL_SECONDS:
            return
        self._untried.pop(0)
        if self._untried:
            self._switch_to(self._untried[0])
            return
        times = {mode: total / rounds for mode, (rounds, total) in self._trials.items()}
        best = min(times, key=lambda mode: times[mode])
        self._interval = (
            min(2 * self._interval, LONGEST_INTERVAL) if best == self.mode else FIRST_INTERVAL
        )
        self.switches += best != self.mode
        self.mode, self._seconds_a_round = best, times[best]
        self._switch_to(best)
        self._trials, self._recent = {}, []
        self._next_comparison = time.perf_counter() + self._interval

    def _watch(self, now: float, seconds: float) -> None:
        """Start a comparison if the interval is over or rounds have become much slower."""
        self._recent = [*self._recent[-19:], seconds]
        slow = (
            sum(self._recent) >= TRIAL_SECONDS
            and sum(self._recent) / len(self._recent) > SLOWER * self._seconds_a_round
        )
        if now >= self._next_comparison or slow:
            others = [mode for mode in self.modes if mode != self.mode]
            self._untried = [self.mode, *others]

    def _switch_to(self, mode: Mode) -> None:
        """Use a mode from now on."""
        self.current = mode
        self._sleep.close()
        if mode == "sleep":
            self._sleep.enter_context(sleeping_threads())
