"""Choose the number of CPU threads, and how idle threads wait, by measurement during training.

PyTorch's OpenMP threads spin (loop without work) while they wait. That is fastest if no other
process runs. If other processes need the processors, threads often wait for one that is not
running, and a small game becomes many times slower than on one thread. No fixed choice is always
best, so `ThreadTuner` times rounds in each mode at intervals and continues in the fastest mode:

* ``spin``: all threads, which spin while idle (libgomp's default);
* ``sleep``: all threads, which sleep while idle;
* ``one``: one thread.

libgomp reads its wait policy only when it is loaded. But its threads sleep almost at once as soon
as the process has more OpenMP threads than processors. So ``sleep`` keeps a second, unused team of
threads (`sleeping_threads`). In other OpenMP runtimes that has no effect.

Matrix products may round differently with another number of threads. The command line sets MKL so
that they do not (`cli.processes.use_reproducible_products`). If they still do, the tuner does not
change the number of threads, so that a continued run ends with the same weights bit for bit.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Literal

import torch
from torch import nn

from adversarial_nets.engine import distributed

__all__ = ["Mode", "ThreadTuner", "allowed_modes", "products_depend_on_threads", "sleeping_threads"]

Mode = Literal["spin", "sleep", "one"]

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


@torch.no_grad()
def products_depend_on_threads(nets: tuple[nn.Module, ...], batch: int, threads: int) -> bool:
    """Whether matrix products of these networks' shapes differ between one thread and several.

    Convolutions always count as different: oneDNN divides their sums among the threads.

    Args:
        nets: the networks whose layers are multiplied forward, backward, and for the gradient.
        batch: images in a minibatch.
        threads: the larger number of threads.
    """
    if any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for net in nets for m in net.modules()):
        return True
    generator = torch.Generator().manual_seed(0)
    before = torch.get_num_threads()
    try:
        for layer in (m for net in nets for m in net.modules() if isinstance(m, nn.Linear)):
            W = layer.weight.detach().float().cpu()
            x, y = (torch.randn(n, batch, generator=generator) for n in (W.shape[1], W.shape[0]))
            found = []
            for n in (1, threads):
                torch.set_num_threads(n)
                found.append((W @ x, W.T @ y, y @ x.T, y.sum(0)))
            if not all(torch.equal(a, b) for a, b in zip(*found, strict=True)):
                return True
    finally:
        torch.set_num_threads(before)
    return False


def allowed_modes() -> tuple[Mode, ...]:
    """The modes that this process may choose from on a CPU.

    There is nothing to choose with one thread or in several processes. ``OMP_WAIT_POLICY`` and
    ``GOMP_SPINCOUNT`` exclude ``sleep``, ``OMP_NUM_THREADS`` excludes ``one``.
    """
    if torch.get_num_threads() == 1:
        return ("one",)
    if distributed.world_size() > 1:
        return ("spin",)
    waits: tuple[Mode, ...] = ("spin", "sleep")
    if {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        waits = ("spin",)
    return waits if "OMP_NUM_THREADS" in os.environ else (*waits, "one")


class ThreadTuner:
    """Chooses the fastest `Mode` again and again during a loop of rounds.

    Use it as a context manager around the loop, and call `before_round` and `after_round` around
    each round, update or block of work. The caller's number of threads is restored at the end.

    Args:
        modes: the modes to choose from; with one mode nothing is measured.

    >>> with ThreadTuner(("one",)) as tuner:
    ...     tuner.before_round()
    ...     tuner.after_round()
    ...     tuner.mode
    'one'
    """

    def __init__(self, modes: tuple[Mode, ...]) -> None:
        self.modes = modes
        self.mode: Mode = modes[0]  # the fastest so far
        self.current: Mode = modes[0]  # the one in use, also during a comparison
        self.switches = 0  # how often the mode changed, for tests and benchmarks
        self._threads = torch.get_num_threads()
        self._sleep = ExitStack()
        self._trials: dict[Mode, tuple[int, float]] = {}
        self._untried = list(modes) if len(modes) > 1 else []
        self._interval = FIRST_INTERVAL
        self._next_comparison = 0.0
        self._seconds_a_round = 0.0
        self._recent: list[float] = []
        self._started = 0.0

    @classmethod
    def for_nets(cls, G: nn.Module, D: nn.Module, batch: int) -> "ThreadTuner":
        """A tuner for these networks, with only the modes that do not change a run's weights."""
        if next(G.parameters()).device.type != "cpu":
            return cls(("spin",))
        modes = allowed_modes()
        threads = torch.get_num_threads()
        if len(modes) > 1 and products_depend_on_threads((G, D), batch, threads):
            modes = tuple(mode for mode in modes if mode != "one")
        return cls(modes)

    @classmethod
    def for_constant_threads(cls) -> "ThreadTuner":
        """A tuner for work whose result may depend on the number of threads: it stays the same."""
        modes = allowed_modes()
        return cls(modes if len(modes) == 1 else tuple(mode for mode in modes if mode != "one"))

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
        torch.set_num_threads(self._threads)

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
        torch.set_num_threads(1 if mode == "one" else self._threads)
        if mode == "sleep":
            self._sleep.enter_context(sleeping_threads())
