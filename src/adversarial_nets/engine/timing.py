"""Measure the times of workloads in turns.

The speed of a machine varies from minute to minute by a third or more. So workloads whose times are
compared take turns.
"""

import time
from collections.abc import Callable, Mapping

__all__ = ["Workload", "take_turns"]

Workload = Callable[[], object]


def take_turns(
    workloads: Mapping[str, Workload], turns: int, repeats: int = 1
) -> dict[str, list[float]]:
    """Mean seconds of each workload in each turn; the first turn is a warm-up and is not counted.

    >>> found = take_turns({"a": lambda: sum(range(9)), "b": lambda: None}, turns=3)
    >>> {name: len(seconds) for name, seconds in found.items()}
    {'a': 3, 'b': 3}
    """
    seconds: dict[str, list[float]] = {name: [] for name in workloads}
    for turn in range(turns + 1):
        for name, workload in workloads.items():
            began = time.perf_counter()
            for _ in range(repeats):
                workload()
            if turn:
                seconds[name].append((time.perf_counter() - began) / repeats)
    return seconds
