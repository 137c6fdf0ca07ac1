"""Rounds per second on an idle and on a busy machine, for each way to use the threads.

Rows are fixed choices (all threads spinning, all threads sleeping, one thread) and the automatic
choice of `engine.threads`. Columns are the other programs that run on the machine. Each cell is
measured in its own process, because OpenMP reads its policy only once. The rows of a column take
turns.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from adversarial_nets.bench.speed import versions_and_machine
from adversarial_nets.progress import Progress, no_progress

__all__ = [
    "COLUMNS",
    "ROWS",
    "BusyMachine",
    "in_background",
    "measure_busy_machine",
    "rounds_per_second",
]

ROWS: Mapping[str, Mapping[str, str]] = {
    "automatic": {},
    "all threads, spinning": {"OMP_WAIT_POLICY": "ACTIVE"},
    "all threads, sleeping": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
"""Environment variables of each choice."""

SECONDS, WARM_UP = 5.0, 2.0
"""Seconds of each measurement, and of the training before it."""

_LOOP = "while True: pass"
_TRAINING = (
    "import torch; a = torch.randn(400, 400)\nwhile True: a = (a @ a).div_(a.norm()).add_(0.1)"
)
_NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "alone": (),
    "beside one busy loop": (_LOOP,),
    "beside two busy loops": (_LOOP, _LOOP),
    "beside a torch process": (_TRAINING,),
}
COLUMNS = tuple(_NEIGHBOURS)

_CELL = """
import json, sys
from adversarial_nets.engine.preparation import prepare_for_torch
prepare_for_torch()
from adversarial_nets.bench.busy import rounds_per_second
print(json.dumps(rounds_per_second(sys.argv[1], *map(float, sys.argv[2:]))))
"""


@dataclass(frozen=True)
class BusyMachine:
    """The results of `measure_busy_machine`.

    Attributes:
        rounds_per_second: medians by preset, column and row.
        made_with: versions, processor, threads.
    """

    rounds_per_second: Mapping[str, Mapping[str, Mapping[str, float]]]
    made_with: Mapping[str, object]


def rounds_per_second(preset: str, seconds: float, warm_up: float = WARM_UP) -> float:
    """Rounds per second of a preset's game on the included digits in this process.

    Args:
        preset: the preset's name.
        seconds: length of the measurement.
        warm_up: seconds of training before it, which are not counted, because the thread modes are
            compared often at first.
    """
    from adversarial_nets import datasets
    from adversarial_nets.build import new_game
    from adversarial_nets.engine.threads import ThreadTuner
    from adversarial_nets.game import play
    from adversarial_nets.layers import reference_parameter
    from adversarial_nets.presets import PRESETS

    game = new_game(PRESETS[preset].settings, datasets.load("mnist-5k"))
    with ThreadTuner.for_device(reference_parameter(game.G).device) as tuner:

        def train(seconds: float) -> float:
            first, started = game.round, time.perf_counter()
            while time.perf_counter() - started < seconds:
                tuner.before_round()
                play(game, game.round + 1)
                tuner.after_round()
            return (game.round - first) / (time.perf_counter() - started)

        train(warm_up)
        return train(seconds)


def measure_busy_machine(
    presets: tuple[str, ...] = ("quickstart", "mnist"),
    turns: int = 3,
    on_progress: Progress = no_progress,
) -> BusyMachine:
    """Measure every row in every column; run no other programs at the same time.

    Args:
        presets: the games to train.
        turns: how many times the rows of a column take turns.
        on_progress: called after each measurement.
    """
    total = len(presets) * len(COLUMNS) * len(ROWS) * turns
    found: dict[str, dict[str, dict[str, float]]] = {}
    done = 0
    for preset in presets:
        for column in COLUMNS:
            rates: dict[str, list[float]] = {row: [] for row in ROWS}
            with in_background(column):
                for _ in range(turns):
                    for row in ROWS:
                        rates[row].append(_measure(preset, SECONDS, ROWS[row]))
                        done += 1
                        on_progress(f"{preset}, {column}", done, total)
            medians = {row: round(statistics.median(values), 1) for row, values in rates.items()}
            found.setdefault(preset, {})[column] = medians
    return BusyMachine(found, versions_and_machine())


def _measure(preset: str, seconds: float, variables: Mapping[str, str]) -> float:
    """Rounds per second of one cell of the table, measured in a separate process."""
    command = [sys.executable, "-c", _CELL, preset, str(seconds)]
    environment = _without_thread_settings() | dict(variables)
    printed = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return float(json.loads(printed.stdout.splitlines()[-1]))


def _without_thread_settings() -> dict[str, str]:
    """The environment variables of this process, except those that set threads."""
    set_threads = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "MKL_NUM_THREADS")
    return {name: value for name, value in os.environ.items() if name not in set_threads}


@contextmanager
def in_background(column: str) -> Iterator[None]:
    """Run the other programs of a column of `COLUMNS` in the background inside the block."""
    running = [
        subprocess.Popen([sys.executable, "-c", program], env=_without_thread_settings())
        for program in _NEIGHBOURS[column]
    ]
    try:
        time.sleep(2.0 if running else 0.0)  # until they compute
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
