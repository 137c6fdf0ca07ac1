"""The command ``advnets bench``."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from adversarial_nets.cli.command import Command, always
from adversarial_nets.cli.shared import (
    Flag,
    Json,
    Threads,
    count_option,
    default,
    needs_playground,
    refuse_unused,
)
from adversarial_nets.errors import UserError
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class BenchOptions:
    """Measure speed as ratios between programs that take turns on this machine.

    A round of the published setting is compared with its bare matrix products, with autograd, with
    JAX (extra: bench) and with a tutorial's loop. The Parzen score is compared with its bare matrix
    product, with scikit-learn and with the published script's method. Peak memory is measured too.
    This takes some minutes; run nothing else at the same time.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[DATA]")] = "mnist"
    """Data set whose images the benchmark uses."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=("--record",))] = None
    """Write bench.json, growth.json and growth.png, busy.json, playground.json or
    playground-visitors.json into this folder; by default no file is written."""
    growth: Flag = False
    """Measure instead how time and memory grow with batch, width, data and samples."""
    busy: Flag = False
    """Measure instead the rounds per second without and with other programs, for each way to use
    the threads; about 20 minutes. With --playground or --visitors: run that benchmark while a busy
    loop runs."""
    pictures: Flag = False
    """Measure instead the images per second of the preset `pictures` and of the same networks in a
    plain loop; half a minute."""
    playground: Flag = False
    """Measure instead frames, rounds and clicks for each kind of data in the playground and the
    seconds of each lesson, in Chromium; about 5 minutes."""
    visitors: int | None = None
    """Measure instead a server with this many open pages: pages served, frames, rounds, memory."""
    seconds: int = 600
    """How many seconds the visitors are connected."""
    turns: Annotated[int | None, default("9; --busy: 3")] = None
    """How many times the programs of a pair take turns."""
    threads: Threads = None
    json: Json = False


def _bench(o: BenchOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.bench import records

    _refuse_unused(o)
    if o.out is not None:
        check_output_folder(o.out)
    measure = _measure_playground if o.visitors is not None or o.playground else _measure
    name, found, lines = measure(o, reporter)
    files = records.write_record(found, o.out, name) if o.out else []
    for line in [*lines, *(f"File: {path}" for path in files)]:
        reporter.say(line)
    return dataclasses.asdict(found)


def _measure(o: BenchOptions, reporter: ProgressReporter) -> tuple[str, Any, list[str]]:
    """The name of a benchmark's record, its result, and the lines to print."""
    import torch

    from adversarial_nets.bench import records
    from adversarial_nets.bench.busy import measure_busy_machine
    from adversarial_nets.bench.pictures import measure_pictures
    from adversarial_nets.bench.scaling import measure_scaling
    from adversarial_nets.bench.speed import measure_speed

    if o.growth:
        grown = measure_scaling(o.threads or torch.get_num_threads(), reporter.work)
        return "growth", grown, records.scaling_lines(grown)
    if o.busy:
        turns = count_option("--turns", o.turns, 3)
        rates = measure_busy_machine(turns=turns, on_progress=reporter.work)
        return "busy", rates, records.busy_lines(rates)
    turns = count_option("--turns", o.turns, 9)
    if o.pictures:
        speed = measure_pictures(turns)
        return "pictures", speed, records.picture_lines(speed)
    fast = measure_speed(o.data, turns, reporter.work)
    return "bench", fast, records.speed_lines(fast)


_KINDS = {
    "growth": ("--growth", {"out"}),
    "pictures": ("--pictures", {"turns"}),
    "playground": ("--playground", {"out", "busy"}),
    "visitors": ("--visitors", {"out", "busy", "seconds"}),
    "busy": ("--busy", {"out", "turns"}),
}
"""The option of each benchmark but the first, and the names of the other options that it uses."""


def _refuse_unused(o: BenchOptions) -> None:
    """Refuse two benchmarks together, and options that the chosen one does not use."""
    asked = [name for name in _KINDS if getattr(o, name) not in (None, False)]
    if "busy" in asked and ("playground" in asked or "visitors" in asked):
        asked.remove("busy")  # one benchmark, while a busy loop runs
    options = [_KINDS[name][0] for name in asked]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(options)} are different benchmarks; give one of them.")
    used = _KINDS[asked[0]][1] if asked else {"data", "out", "turns"}
    with_them = f"with {options[0]}" if asked else "without --visitors"
    if o.data != BenchOptions.data and "data" not in used:
        raise UserError(f"{o.data} has no effect {with_them}. Leave DATA out.")
    unused = {"out", "seconds", "turns"} - used
    refuse_unused(o, sorted(unused), f"has no effect {with_them}. Leave it out.")


def _measure_playground(o: BenchOptions, reporter: ProgressReporter) -> tuple[str, Any, list[str]]:
    """`_measure` for the playground in a browser, or with many visitors."""
    from adversarial_nets.bench import records

    with needs_playground():
        from adversarial_nets.bench.playground import measure_boards, measure_visitors
    machine, suffix = ("beside one busy loop", "-busy") if o.busy else ("alone", "")
    if o.visitors is not None:
        visitors = count_option("--visitors", o.visitors, 1)
        seconds = count_option("--seconds", o.seconds, 600)
        served = measure_visitors(visitors, seconds, machine, reporter.work)
        return f"playground-visitors{suffix}", served, records.visitor_lines(served)
    played = measure_boards(machine=machine, on_progress=reporter.work)
    return f"playground{suffix}", played, records.board_lines(played)


COMMANDS = (
    Command(
        name="bench",
        arguments="[DATA]",
        summary="speed and memory, compared with other programs",
        options=BenchOptions,
        run=_bench,
        examples=(
            "bench",
            "bench mnist-5k --json",
            "bench --growth",
            "bench --busy",
            "bench --pictures",
            "bench --playground",
            "bench --playground --busy --record results",
            "bench --visitors 30 --seconds 600",
            "bench --record results",
        ),
        prints_result=always,
    ),
)
