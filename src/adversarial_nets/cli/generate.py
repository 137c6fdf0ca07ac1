"""The commands that generate images: ``advnets sample``, ``walk``, ``export``, ``interpolate``."""

import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Checkpoint,
    Json,
    RunFolder,
    Weights,
    output_path,
    require_positive,
    require_suffix,
)
from adversarial_nets.errors import UserError
from adversarial_nets.progress import ProgressReporter

if TYPE_CHECKING:
    from torch import Tensor

    from adversarial_nets.runs.folder import Run

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class SampleOptions:
    """Generate images with a run's generator, one forward pass each.

    A .png holds them side by side, ten in a row; a single one has its own size. A folder gets one
    PNG for each sample, at its own size and named by its number. An .npz holds the array `samples`
    (n, …), float32 in the model's range, and the array `range`.
    """

    run: RunFolder
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="File to write, .png or .npz, or a folder for single files.",
            help_behavior_hint="(default: RUN/samples.png)",
        ),
    ] = None
    n: int = 100
    """Number of samples."""
    first: int = 0
    """Number of the first sample; a sample depends only on its number and the seed."""
    seed: Annotated[
        int | None,
        tyro.conf.arg(help="Seed of the noise.", help_behavior_hint="(default: the run's)"),
    ] = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


def _sample(o: SampleOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("samples.png", run=o.run)
    n = require_positive("--n", o.n, 100)
    if o.first < 0:
        raise UserError(f"--first is {o.first}; it must be 0 or more.")
    if out.suffix or out.is_file():
        require_suffix(out, ".png", ".npz")

    from adversarial_nets.engine import distributed
    from adversarial_nets.game import sample
    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder

    run = runs_folder.open_run(o.run)
    weights = o.weights or run.default_weights
    G, round = game_state.load_generator(run, o.checkpoint, weights)
    mine = distributed.local_rows(n)
    s = run.settings if o.seed is None else dataclasses.replace(run.settings, seed=o.seed)
    x = distributed.all_gather(sample(G, s, len(mine), first=o.first + mine.start), n)
    if distributed.is_main():
        contents = _contents(x, run, out, o.first)
        with files.explain_os_errors(out.parent):
            for path, content in contents.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                files.write_atomically(path, content)
        reporter.say(f"{n} samples of the {weights} G at round {round}: {out}")
    return {"round": round, "weights": weights, "n": n, "out": str(out)}


def _contents(x: "Tensor", run: "Run", out: Path, first: int) -> dict[Path, bytes]:
    """The bytes of each file to write: one file, or one for each sample in a folder."""
    if out.suffix == ".npz":
        return {out: _as_npz(x, run)}
    if out.suffix == ".png":
        return {out: _as_png(x, run)}
    return {
        out / f"sample-{first + i:06d}.png": _as_png(image, run)
        for i, image in enumerate(x.split(1))
    }


def _as_png(x: "Tensor", run: "Run") -> bytes:
    """The samples side by side as a PNG, ten in a row; a single one at its own size."""
    from adversarial_nets.datasets import to_pixels
    from adversarial_nets.plots import sheets

    if len(x) == 1:
        return sheets.sheet_png(to_pixels(x, run.image_shape, run.range)[0], scale=1)
    return sheets.grid_png(x, run.image_shape, run.range, columns=min(10, len(x)))


def _as_npz(x: "Tensor", run: "Run") -> bytes:
    """The samples and their range as a NumPy archive."""
    import numpy as np

    shape = run.image_shape
    array = x.numpy().reshape(-1, *(shape if shape[0] > 1 else shape[1:]))
    file = io.BytesIO()
    np.savez(file, samples=array, range=np.array(run.range, np.float32))
    return file.getvalue()


@dataclass(frozen=True)
class InterpolateOptions:
    """Make Figure 3: images along straight lines between random points in z space."""

    run: RunFolder
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Picture to write, .png.", help_behavior_hint="(default: RUN/interpolation.png)"
        ),
    ] = None
    rows: int = 6
    """Number of lines."""
    steps: int = 12
    """Images along each line, both ends included."""
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


def _interpolate(o: InterpolateOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("interpolation.png", run=o.run)
    if o.rows < 1 or o.steps < 2:
        raise UserError(
            f"--rows is {o.rows} and --steps is {o.steps}; --rows must be 1 or more, and --steps 2 "
            "or more."
        )
    require_suffix(out, ".png")

    from adversarial_nets.plots import sheets
    from adversarial_nets.plots.interpolation import interpolate
    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder

    run = runs_folder.open_run(o.run)
    weights = o.weights or run.default_weights
    G, round = game_state.load_generator(run, o.checkpoint, weights)
    x = interpolate(G, run.settings, o.rows, o.steps)
    content = sheets.grid_png(x.flatten(0, 1), run.image_shape, run.range, columns=o.steps)
    with files.explain_os_errors(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(out, content)
    reporter.say(f"{o.rows} lines in z space, {weights} G at round {round}: {out}")
    return {"round": round, "weights": weights, "out": str(out)}


@dataclass(frozen=True)
class WalkOptions:
    """Make a film of a closed walk through z space: along great circles between random points.

    Under a uniform prior the walk follows straight lines. The film loops.
    """

    run: RunFolder
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Film to write, .gif, .webp or .mp4 (extra: film).",
            help_behavior_hint="(default: RUN/walk.gif)",
        ),
    ] = None
    n: int = 9
    """Number of walks, shown side by side in a square."""
    points: int = 6
    """Random points that each walk visits."""
    frames: int = 20
    """Images from one point to the next."""
    fps: int = 12
    """Images a second."""
    scale: int = 3
    """Side of each pixel in the film."""
    seed: Annotated[
        int | None,
        tyro.conf.arg(help="Seed of the points.", help_behavior_hint="(default: the run's)"),
    ] = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


def _walk(o: WalkOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("walk.gif", run=o.run)
    for name, least in (("n", 1), ("points", 2), ("frames", 1), ("fps", 1), ("scale", 1)):
        if getattr(o, name) < least:
            raise UserError(f"--{name} is {getattr(o, name)}; it must be {least} or more.")
    require_suffix(out, ".gif", ".webp", ".mp4")

    from adversarial_nets.plots import sheets
    from adversarial_nets.plots.walk import animation, walk
    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder

    run = runs_folder.open_run(o.run)
    weights = o.weights or run.default_weights
    G, round = game_state.load_generator(run, o.checkpoint, weights)
    s = run.settings if o.seed is None else dataclasses.replace(run.settings, seed=o.seed)
    x = walk(G, s, o.points, o.frames, o.n)
    film = sheets.film_frames(x, run.image_shape, run.range, o.scale)
    with files.explain_os_errors(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(out, animation(film, out.suffix, o.fps))
    seconds = len(film) / o.fps
    reporter.say(f"A walk of {seconds:.0f} s in z space, {weights} G at round {round}: {out}")
    return {"round": round, "weights": weights, "frames": len(film), "out": str(out)}


@dataclass(frozen=True)
class ExportOptions:
    """Write a run's generator as an ONNX model, for other programs and languages (extra: export).

    Its input `z` has the shape (m, z_size), its output `images` (m, channels, height, width).
    """

    run: RunFolder
    onnx: Annotated[
        Path | None,
        tyro.conf.arg(help="File to write, .onnx.", help_behavior_hint="(default: RUN/G.onnx)"),
    ] = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


def _export(o: ExportOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.onnx or output_path("G.onnx", run=o.run)
    require_suffix(out, ".onnx")

    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder
    from adversarial_nets.runs.export import to_onnx

    run = runs_folder.open_run(o.run)
    weights = o.weights or run.default_weights
    G, round = game_state.load_generator(run, o.checkpoint, weights)
    content = to_onnx(G, run)
    with files.explain_os_errors(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(out, content)
    reporter.say(f"{weights} G at round {round}: {out} ({len(content) / 1e6:.1f} MB)")
    return {"round": round, "weights": weights, "out": str(out)}


COMMANDS = (
    Command(
        name="sample",
        group="generate",
        arguments="RUN",
        summary="generate images, as one picture or an array",
        options=SampleOptions,
        run=_sample,
        examples=(
            "sample runs/mnist-mnist-0 --out digits.png",
            "sample runs/mnist-mnist-0 --n 60000 --out digits.npz",
            "sample runs/mnist-mnist-0 --n 20 --first 100 --out digits/",
        ),
        multiprocess=True,
    ),
    Command(
        name="walk",
        group="generate",
        arguments="RUN",
        summary="a film of a walk through z space",
        options=WalkOptions,
        run=_walk,
        examples=("walk runs/mnist-mnist-0 --out walk.gif", "walk runs/mnist-mnist-0 --n 1"),
    ),
    Command(
        name="export",
        group="generate",
        arguments="RUN",
        summary="write the generator as an ONNX model",
        options=ExportOptions,
        run=_export,
        examples=("export runs/mnist-mnist-0 --onnx G.onnx",),
    ),
    Command(
        name="interpolate",
        group="generate",
        arguments="RUN",
        summary="images along straight lines in z space (Figure 3)",
        options=InterpolateOptions,
        run=_interpolate,
        examples=("interpolate runs/mnist-mnist-0 --rows 4",),
    ),
)
