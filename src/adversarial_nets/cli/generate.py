"""The commands that generate images: ``advnets sample`` and ``interpolate``."""

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

    A .png holds them side by side, ten in a row; a single one has its own size. An .npz holds the
    array `samples` (n, …), float32 in the model's range, and the array `range`.
    """

    run: RunFolder
    out: Annotated[
        Path | None,
        tyro.conf.arg(
            help="File to write, .png or .npz.", help_behavior_hint="(default: RUN/samples.png)"
        ),
    ] = None
    n: int = 100
    """Number of samples."""
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


def _sample(o: SampleOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("samples.png", run=o.run)
    n = require_positive("--n", o.n, 100)
    require_suffix(out, ".png", ".npz")

    from adversarial_nets.engine import distributed
    from adversarial_nets.game import sample
    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder

    run = runs_folder.open_run(o.run)
    weights = o.weights or run.default_weights
    G, round = game_state.load_generator(run, o.checkpoint, weights)
    mine = distributed.local_rows(n)
    x = distributed.all_gather(sample(G, run.settings, len(mine), first=mine.start), n)
    if distributed.is_main():
        content = _as_png(x, run) if out.suffix == ".png" else _as_npz(x, run)
        with files.explain_os_errors(out.parent):
            out.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(out, content)
        reporter.say(f"{n} samples of the {weights} G at round {round}: {out}")
    return {"round": round, "weights": weights, "n": n, "out": str(out)}


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
        ),
        multiprocess=True,
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
