"""The command ``advnets bench``."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Flag,
    Json,
    Threads,
    output_path,
    print_table,
    require_positive,
)
from adversarial_nets.progress import ProgressReporter

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class BenchOptions:
    """Measure speed as ratios between programs that take turns on this machine.

    A round of the published setting is compared with its bare matrix products, with autograd, with
    JAX (extra: bench) and with a tutorial's loop. The Parzen score is compared with its bare
    matrix product, with scikit-learn and with the published script's method. Peak memory is
    measured too. This takes some minutes; run nothing else meanwhile.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[DATA]")] = "mnist"
    """Data set whose images to measure with."""
    out: Path = output_path("bench")
    """Folder for bench.json, or growth.json and growth.png."""
    growth: Flag = False
    """Measure instead how time and memory grow with batch, width, data and samples."""
    turns: int = 9
    """How many times the programs of a pair take turns."""
    threads: Threads = None
    json: Json = False


def _bench(o: BenchOptions, reporter: ProgressReporter) -> dict[str, Any]:
    import torch

    from adversarial_nets import bench
    from adversarial_nets.runs.files import explain_os_errors, write_atomically

    with explain_os_errors(o.out):
        o.out.mkdir(parents=True, exist_ok=True)
    if o.growth:
        grown = bench.growth(o.out, o.threads or torch.get_num_threads(), reporter.work)
        rows = [
            (name, f"{p.n:,}", f"{p.seconds:.4f}", f"{p.peak_memory_mb:.0f}")
            for name, points in grown.curves.items()
            for p in points
        ]
        print_table(reporter, ["what grows", "n", "seconds", "memory in MB"], rows)
        return {"curves": {n: [vars(p) for p in ps] for n, ps in grown.curves.items()}}
    found = bench.bench(o.data, require_positive("--turns", o.turns, 9), reporter.work)
    for ratio in found.details.values():
        seconds = ", ".join(f"{name} {1e3 * s:.1f} ms" for name, s in ratio.seconds.items())
        reporter.say(
            f"{ratio.median:8.2f}  ({ratio.low:.2f} to {ratio.high:.2f})  {ratio.what}: {seconds}"
        )
    reporter.say(f"{found.peak_memory_mb:8.0f}  MB peak memory of training, published setting")
    result = dataclasses.asdict(found)
    path = o.out / "bench.json"
    write_atomically(path, json.dumps(result, indent=2) + "\n")
    reporter.say(f"File: {path}")
    return result


COMMANDS = (
    Command(
        name="bench",
        group="explore",
        arguments="[DATA]",
        summary="speed and memory, compared with other programs",
        options=BenchOptions,
        run=_bench,
        examples=("bench", "bench mnist-5k --json", "bench --growth", "bench --out results"),
    ),
)
