"""Times of workloads that take turns.

A machine is faster at some minutes than at others, by a third or more. Times that are compared are
therefore measured in turns.
"""

import time
from collections.abc import Callable, Mapping

__all__ = ["Workload", "take_turns"]

Workload = Callable[[], object]


def take_turns(
    workloads: Mapping[str, Workload], turns: int, repeats: int = 1
) -> dict[str, list[float]]:
    """Mean seconds of each workload in each turn, without the first turn, which warms up.

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
