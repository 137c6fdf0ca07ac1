"""How time and memory grow with the size of the batch, the networks, the data and the samples.

Each point is measured in its own process, so that its peak memory does not include other points.
"""

from dataclasses import dataclass
from typing import Any

from adversarial_nets.bench.memory import call_in_child
from adversarial_nets.bench.speed import versions_and_machine
from adversarial_nets.progress import Progress, no_progress

__all__ = ["Point", "Scaling", "measure_scaling"]

_STANDARD = {"batch": 100, "width": 1200, "images": 50_000}
_SIZES = {
    "batch": (25, 50, 100, 200, 400, 800),
    "width": (300, 600, 1200, 2400),
    "images": (1_000, 10_000, 50_000, 200_000, 500_000),
    "samples": (1_000, 10_000, 100_000, 1_000_000),
}
"""The sizes to measure: of a round for the first three, of a Parzen score for the last."""


@dataclass(frozen=True)
class Point:
    """Time and memory at one size.

    Attributes:
        n: the size.
        seconds: of one round, or of one Parzen score.
        peak_memory_mb: the process's peak resident memory, in MB of 10⁶ bytes.
    """

    n: int
    seconds: float
    peak_memory_mb: float


@dataclass(frozen=True)
class Scaling:
    """The results of `measure_scaling`.

    Attributes:
        curves: the points of each size, by its name.
        made_with: versions, processor, threads.
    """

    curves: dict[str, list[Point]]
    made_with: dict[str, Any]


def measure_scaling(threads: int, on_progress: Progress = no_progress) -> Scaling:
    """Measure a round and a Parzen score at several sizes. Takes some minutes.

    Args:
        threads: processor threads of each process.
        on_progress: called after each point.
    """
    sizes = [(name, n) for name, several in _SIZES.items() for n in several]
    curves: dict[str, list[Point]] = {name: [] for name in _SIZES}
    for i, (name, n) in enumerate(sizes):
        curves[name].append(measure_point(name, n, threads))
        on_progress("point", i + 1, len(sizes))
    return Scaling(curves, versions_and_machine() | {"threads": threads})


def measure_point(name: str, n: int, threads: int) -> Point:
    """Measure one size; the other sizes have their published values."""
    if name == "samples":
        seconds, memory = call_in_child("seconds_of_parzen", n, threads)
    else:
        sizes = _STANDARD | {name: n}
        seconds, memory = call_in_child("seconds_of_round", *sizes.values(), threads)
    return Point(n, round(seconds, 5), memory)
