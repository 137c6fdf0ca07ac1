"""Choose how idle CPU threads wait, by measurement during training.

PyTorch's OpenMP threads spin (loop without work) while they wait. That is fastest if no other
process runs. If other processes need the processors, threads often wait for one that is not
running, and a small game becomes many times slower than on one thread. No fixed choice is always
best, so `ThreadTuner` tries both modes at intervals and continues in the better one:

* ``spin``: threads spin while idle (libgomp's default);
* ``sleep``: threads sleep while idle.

On a busy machine times vary by a factor of two, so a comparison of times is not reliable. But
spinning threads use all the processor time that is available. If they get clearly less than the
full time, other processes need it, and ``sleep`` is chosen without a comparison.

libgomp reads its wait policy only when it is loaded. But its threads sleep almost immediately if
the process has more OpenMP threads than processors. So ``sleep`` keeps a second, unused team of
threads (`sleeping_threads`). In other OpenMP runtimes that has no effect.

The number of threads never changes, because sums may round differently with another number, and a
continued run must end with the same weights bit for bit.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, NamedTuple

import torch

from adversarial_nets import distributed

__all__ = ["Mode", "ThreadTuner", "sleeping_threads"]

Mode = Literal["spin", "sleep"]

TRIAL_SECONDS = 0.25  # time of each mode in a comparison
SHARE_SECONDS = 0.05  # the shortest time in which the share of processor time is clear
SHARE = 0.85  # share of processor time; spinning threads get 0.95 or more if alone, else 0.75
FIRST_INTERVAL, LONGEST_INTERVAL = 1.0, 60.0  # seconds between comparisons, doubled each time
SLOWER = 1.3  # compare again immediately if rounds become slower by this factor


class _Rounds(NamedTuple):
    """Some rounds of one mode: how many, their wall time and their processor time in seconds."""

    number: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0

    def plus(self, seconds: float, processor_seconds: float) -> "_Rounds":
        return _Rounds(
            self.number + 1, self.seconds + seconds, self.processor_seconds + processor_seconds
        )

    @property
    def crowded(self) -> bool:
        """Whether spinning threads got much less than their full processor time."""
        available = self.seconds * torch.get_num_threads()
        return self.seconds >= SHARE_SECONDS and self.processor_seconds < SHARE * available


@contextmanager
def sleeping_threads() -> Iterator[None]:
    """Inside the block, idle torch threads of the whole process sleep instead of spinning."""
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
    torch.set_num_threads(threads)  # the number belongs to the process, not to the thread
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
        self.current: Mode = modes[0]  # the mode in use, also during a comparison
        self.switches = 0  # how often the mode changed, for tests and benchmarks
        self._sleep = ExitStack()
        self._trials: dict[Mode, _Rounds] = {}
        self._untried = list(modes) if len(modes) > 1 else []
        self._warm = False  # the first round of a trial does not count
        self._interval = FIRST_INTERVAL
        self._next_comparison = 0.0
        self._seconds_per_round = 0.0
        self._recent = _Rounds()
        self._started = (0.0, 0.0)

    @classmethod
    def for_device(cls, device: torch.device) -> "ThreadTuner":
        """A tuner for work on this device.

        There is nothing to choose on an accelerator, with one thread, in several processes, or if
        ``OMP_WAIT_POLICY`` or ``GOMP_SPINCOUNT`` is set. With ``OMP_WAIT_POLICY=PASSIVE`` OpenMP's
        own threads sleep immediately.
        """
        if os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive":
            return cls(("sleep",))
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

    def __exit__(self, *error: object) -> None:
        self._sleep.close()

    def before_round(self) -> None:
        """Start the clocks."""
        self._started = (time.perf_counter(), time.process_time())

    def after_round(self) -> None:
        """Stop the clocks; compare the modes if a comparison is due."""
        if len(self.modes) == 1:
            return
        seconds = time.perf_counter() - self._started[0]
        processor_seconds = time.process_time() - self._started[1]
        if self._untried:
            self._try(seconds, processor_seconds)
        else:
            self._watch(seconds, processor_seconds)

    def _try(self, seconds: float, processor_seconds: float) -> None:
        """Count a round for the mode that is being tried; after the last mode, use the best."""
        if not self._warm:
            self._warm = True
            return
        mode = self._untried[0]
        rounds = self._trials.get(mode, _Rounds()).plus(seconds, processor_seconds)
        self._trials[mode] = rounds
        if mode == "spin" and rounds.crowded:
            self._choose("sleep")
        elif rounds.number >= 2 and rounds.seconds >= TRIAL_SECONDS:
            self._untried.pop(0)
            if self._untried:
                self._switch_to(self._untried[0])
            else:
                times = {mode: r.seconds / r.number for mode, r in self._trials.items()}
                best = min(times, key=lambda mode: times[mode])
                self._seconds_per_round = times[best]
                self._choose(best)

    def _choose(self, best: Mode) -> None:
        """Use this mode until the next comparison."""
        same = best == self.mode
        self._interval = min(2 * self._interval, LONGEST_INTERVAL) if same else FIRST_INTERVAL
        self.switches += not same
        self.mode = best
        self._switch_to(best)
        self._untried, self._trials, self._recent = [], {}, _Rounds()
        self._next_comparison = time.perf_counter() + self._interval

    def _watch(self, seconds: float, processor_seconds: float) -> None:
        """Stop spinning if other programs need the processors; start a comparison if it is due."""
        slow = False
        if self.mode == "spin":
            self._recent = self._recent.plus(seconds, processor_seconds)
            if self._recent.seconds >= TRIAL_SECONDS:
                if self._recent.crowded:
                    self._choose("sleep")
                    return
                slow = self._recent.seconds > SLOWER * self._seconds_per_round * self._recent.number
                self._recent = _Rounds()
        if slow or time.perf_counter() >= self._next_comparison:
            # Try spin first: if other processes run, this trial is short, and sleep is used without
            # a trial.
            self._untried = sorted(self.modes, key=lambda mode: mode != "spin")
            self._switch_to(self._untried[0])

    def _switch_to(self, mode: Mode) -> None:
        """Use a mode from now on."""
        if mode != self.current:
            self._sleep.close()
            self.current = mode
            if mode == "sleep":
                self._sleep.enter_context(sleeping_threads())
        self._warm = False
