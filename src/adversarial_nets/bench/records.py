"""Benchmark results as text for the terminal, and as files, which are written only on request."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial_nets.bench.busy import BusyMachine
from adversarial_nets.bench.pictures import PictureSpeed
from adversarial_nets.bench.scaling import Scaling
from adversarial_nets.bench.speed import Speed
from adversarial_nets.errors import install
from adversarial_nets.plots import curves, style
from adversarial_nets.runs.files import explain_os_errors, write_atomically

if TYPE_CHECKING:  # needs the extra [playground]
    from adversarial_nets.bench.playground import PlaygroundSpeed, Visitors

__all__ = [
    "board_lines",
    "busy_lines",
    "picture_lines",
    "scaling_lines",
    "speed_lines",
    "visitor_lines",
    "write_record",
]


def speed_lines(found: Speed) -> list[str]:
    """A line for each ratio with its range and its two times, and a line for the memory."""
    lines = []
    for ratio in found.details.values():
        seconds = ", ".join(f"{name} {1e3 * s:.1f} ms" for name, s in ratio.seconds.items())
        values = f"{ratio.median:8.2f}  ({ratio.low:.2f} to {ratio.high:.2f})"
        lines.append(f"{values}  {ratio.what}: {seconds}")
    lines.append(f"{found.peak_memory_mb:8.0f}  MB peak memory, training the published setting")
    if found.ratios["round_over_jax"] is None:
        lines.append(
            "JAX is not installed, so there is no comparison with it. Install it with: "
            f"{install('bench')}"
        )
    return lines


def picture_lines(found: PictureSpeed) -> list[str]:
    """Images per second of each program, and the losses of the two programs that should agree."""
    names = {"plain": "a plain loop", "ours": "ours", "preset": "ours with penalties and averages"}
    lines = [f"{getattr(found, key):8.0f}  images/s, {name}" for key, name in names.items()]
    losses = [f"{key} D {d:.3f}, G {g:.3f}" for key, (d, g) in found.losses.items()]
    return [*lines, f"{found.ratio:8.2f}  ours over the plain loop; losses: {'; '.join(losses)}"]


def scaling_lines(found: Scaling) -> list[str]:
    """Seconds and memory at each size, one line each."""
    return [
        f"{name} {p.n:9,}: {p.seconds:.4f} s, {p.peak_memory_mb:.0f} MB"
        for name, points in found.curves.items()
        for p in points
    ]


def board_lines(found: "PlaygroundSpeed") -> list[str]:
    """A line for each board and each lesson."""
    boards = [
        f"{b.data:20} {b.games} game{'s'[: b.games - 1]:1} {b.rounds_per_frame:4} per frame: "
        f"{b.frames:5.1f} frames/s, {b.rounds:6.0f} rounds/s, click {b.click_ms:4.0f} ms"
        for b in found.boards
    ]
    lessons = [f"lesson {name:20} {seconds:6.1f} s" for name, seconds in found.lessons.items()]
    return [*boards, *lessons, f"{found.machine}, load {found.load:.1f}"]


def visitor_lines(found: "Visitors") -> list[str]:
    """Frames, clicks and memory with many visitors, in lines."""
    before, after, peak = found.memory_mb
    median, slow = found.click_s
    return [
        f"{found.served} of {found.visitors} visitors were served for {found.seconds:g} s",
        f"each had {found.frames} frames/s and {found.rounds} rounds/s",
        f"a click was answered after {median} s (median), {slow} s (95 %)",
        f"memory {before:g} MB before, {after:g} MB at the end, {peak:g} MB at most; "
        f"{found.machine}, load {found.load:.1f}",
    ]


def busy_lines(found: BusyMachine) -> list[str]:
    """A table of rounds per second for each preset, one line for each way to use the threads."""
    lines = []
    for preset, columns in found.rounds_per_second.items():
        lines += ["", f"{preset}: rounds/s  " + "  ".join(columns)]
        rows = next(iter(columns.values()))
        for row in rows:
            values = (f"{columns[name][row]:>{len(name)}.1f}" for name in columns)
            lines.append(f"{row:{len(preset) + 10}}  " + "  ".join(values))
    return lines


def write_record(
    found: "Speed | BusyMachine | Scaling | PlaygroundSpeed | Visitors", folder: Path, name: str
) -> list[Path]:
    """Write a result to FOLDER/NAME.json and, of `Scaling`, its plot to FOLDER/NAME.png.

    Raises:
        UserError: the folder cannot be written.
    """
    record = folder / f"{name}.json"
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(record, json.dumps(dataclasses.asdict(found), indent=2) + "\n")
    if not isinstance(found, Scaling):
        return [record]
    lines = {
        ("samples (a score)" if name == "samples" else f"{name} (a round)"): (
            [float(p.n) for p in points],
            [p.seconds for p in points],
            [p.peak_memory_mb for p in points],
        )
        for name, points in found.curves.items()
    }
    plot = curves.plot_scaling(lines)
    return [record, style.write_picture(plot, record.with_suffix(".png"), dpi=style.DPI)]
