"""How time and memory grow with the work: batch, width, data, samples.

Each point is a process of its own, so that its peak memory is its own too.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adversarial_nets.bench.ratios import PEAK, made_with
from adversarial_nets.plots import curves as plots_curves
from adversarial_nets.plots import style
from adversarial_nets.runs.files import write_atomically

__all__ = ["Growth", "Point", "growth"]

# What a process runs for one point; `n` is the point's size. It prints the seconds of one unit.
_ROUND = """
import dataclasses, statistics, time, numpy, torch
from adversarial_nets.datasets import Dataset
from adversarial_nets.game import new_game, play
from adversarial_nets.settings import PRESETS
torch.set_num_threads({threads})
s = PRESETS["mnist"].settings
batch, width, images = {batch}, {width}, {images}
G = dataclasses.replace(s.G, hidden=(width, width))
D = dataclasses.replace(s.D, units=(width // 5, width // 5))
s = dataclasses.replace(s, batch=batch, G=G, D=D)
train = numpy.random.default_rng(0).integers(0, 256, (images, 784), numpy.uint8)
train = torch.from_numpy(train)
game = new_game(s, Dataset("noise", train, train[:1], train[:1], (1, 28, 28), "noise"))
play(game, 5)
seconds = []
for _ in range({turns}):
    began = time.perf_counter()
    play(game, game.round + 1)
    seconds.append(time.perf_counter() - began)
print(statistics.median(seconds))
"""
_PARZEN = """
import time, torch
from adversarial_nets.evaluation.parzen import log_likelihood
torch.set_num_threads({threads})
x = torch.rand(1000, 784)
def stream():
    for _ in range({n} // 1000):
        yield torch.rand(1000, 784)
began = time.perf_counter()
log_likelihood(x, stream, [0.2])
print(time.perf_counter() - began)
"""
_STANDARD = {"batch": 100, "width": 1200, "images": 50_000}


@dataclass(frozen=True)
class Point:
    """One size and what it cost.

    Attributes:
        n: the size.
        seconds: of one round, or of one whole score.
        peak_memory_mb: the process's largest resident memory, in MB of 10⁶ bytes.
    """

    n: int
    seconds: float
    peak_memory_mb: float


@dataclass(frozen=True)
class Growth:
    """What `growth` measured: for each thing that grows, its points; and on what."""

    curves: dict[str, list[Point]]
    made_with: dict[str, Any]
    picture: Path


def growth(
    out: Path, threads: int, on_progress: Callable[[str, int, int | None], None] = lambda *_: None
) -> Growth:
    """Measure how a round and a Parzen score grow, and draw it.

    Args:
        out: folder for ``growth.json`` and ``growth.png``.
        threads: processor threads of each process.
        on_progress: called after each point.
    """
    rounds = {
        "batch": (25, 50, 100, 200, 400, 800),
        "width": (300, 600, 1200, 2400),
        "images": (1_000, 10_000, 50_000, 200_000, 500_000),
    }
    plan = [
        (name, n, _ROUND.format(threads=threads, turns=15, **{**_STANDARD, name: n}))
        for name, sizes in rounds.items()
        for n in sizes
    ] + [
        ("samples", n, _PARZEN.format(threads=threads, n=n))
        for n in (1_000, 10_000, 100_000, 1_000_000)
    ]
    curves: dict[str, list[Point]] = {}
    for i, (name, n, program) in enumerate(plan):
        command = [sys.executable, "-c", program + PEAK]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds, memory = map(float, printed.split())
        curves.setdefault(name, []).append(Point(n, round(seconds, 5), round(memory / 1e6, 1)))
        on_progress("point", i + 1, len(plan))
    found = Growth(curves, made_with() | {"threads": threads}, out / "growth.png")
    out.mkdir(parents=True, exist_ok=True)
    record = {n: [vars(p) for p in points] for n, points in curves.items()}
    content = json.dumps({"curves": record, "made_with": found.made_with}, indent=2)
    write_atomically(out / "growth.json", content + "\n")
    lines = {
        {"samples": "samples (a score)"}.get(name, f"{name} (a round)"): (
            [float(p.n) for p in points],
            [p.seconds for p in points],
            [p.peak_memory_mb for p in points],
        )
        for name, points in curves.items()
    }
    write_atomically(found.picture, style.to_png(plots_curves.growth(lines)))
    return found
