"""The commands that generate images: ``advnets sample``, ``walk``, ``export``, ``interpolate``."""

import dataclasses
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.generator import GeneratorOptions, Opened, Truncation, open_generator
from adversarial_nets.cli.shared import (
    Checkpoint,
    Flag,
    Json,
    RunFolder,
    Weights,
    count_option,
    default,
    output_path,
    refuse_unused,
    require_suffix,
    write,
)
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress, ProgressReporter, no_progress
from adversarial_nets.text import counted

if TYPE_CHECKING:
    from torch import Tensor

    from adversarial_nets.runs.folder import Run

__all__ = ["COMMANDS", "INTERPOLATE"]


@dataclass(frozen=True)
class SampleOptions(GeneratorOptions):
    """Generate images with a run's generator, one forward pass each.

    A .png shows the samples side by side, ten in a row; a single sample keeps its own size. A
    folder gets one PNG for each sample, at its own size and named by its number. An .npz contains
    the arrays `samples` (n, …), float32 in the model's range, `z` (n, z_size) and `range`; for a
    run with classes also `classes` (n,), the class numbers. Images with alpha become transparent
    PNGs.
    """

    out: Annotated[Path | None, default("RUN/samples.png")] = None
    """File to write, .png or .npz, or a folder for single files."""
    n: Annotated[int | None, default("100")] = None
    """Number of samples."""
    per_class: Annotated[int | None, default("")] = None
    """This many samples of each class; a .png has one row per class."""
    first: int = 0
    """Number of the first sample; a sample depends only on its number and the seed."""
    truncation: Truncation = None
    z: Annotated[Path | None, default("")] = None
    """Your own noise in place of random noise: a .npy or .csv file with one row of z_size numbers
    for each sample."""


def _sample(o: SampleOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("samples.png", run=o.run)
    _check_sample(o, out)

    from adversarial_nets import classes, distributed
    from adversarial_nets.random import Address

    opened = open_generator(o)
    z = opened.noise_of(o.z) if o.z else None
    n = _number_of_samples(o, opened, z)
    c = _classes(o, opened, n)
    if z is None:
        z = opened.noise(n, "samples", o.first, o.truncation)
    if c is None:  # the classes that `sample` would draw, to save them in an .npz
        rows = Address(opened.run.settings.seed, 0, range(o.first, o.first + n))
        c = classes.drawn_classes(opened.G, rows, "samples")
    x = _draw(o, opened, z, c, reporter)
    if distributed.is_main():
        for path, content in _contents(x, z, c, opened.run, o, reporter.work):
            write(path, content)
        kind = "" if o.class_ is None else f" of class {o.class_}"
        reporter.say(
            f"{counted(n, 'sample')}{kind} of the {opened.weights} G at round {opened.round}: {out}"
        )
        others = len(list(out.glob("*.png"))) - n if out.is_dir() else 0
        if others:
            reporter.say(f"{out} also holds {counted(others, 'other image')}.")
    result = opened.facts(out) | {"n": n}
    return result if c is None else {**result, "classes": list(opened.run.classes)}


def _check_sample(o: SampleOptions, out: Path) -> None:
    """Refuse options with impossible values, and options that contradict each other."""
    count_option("--n", o.n, 1)
    if out.suffix or out.is_file():
        require_suffix(out, ".png", ".npz")
    count_option("--per-class", o.per_class, 1)
    if o.per_class is not None and (o.n is not None or o.class_ is not None):
        raise UserError("--per-class is given with --n or --class; give it alone.")
    if not 0 <= o.first < 2**31:
        raise UserError(f"--first is {o.first}; it must be from 0 to {2**31 - 1}.")
    drawn = {"--n": o.n, "--per-class": o.per_class, "--seed": o.seed, "--truncation": o.truncation}
    given = [name for name, value in drawn.items() if value is not None]
    if o.z and (given or o.first):
        raise UserError(
            f"--z is given with {(given or ['--first'])[0]}, which is for random noise; leave one "
            "of them out. Each row of the file gives one sample."
        )


def _number_of_samples(o: SampleOptions, opened: Opened, z: "Tensor | None") -> int:
    """The number of samples: a row of the user's noise each, --per-class or --n; by default 100."""
    if z is not None:
        return len(z)
    if o.per_class is not None:
        return o.per_class * len(opened.run.classes)
    return 100 if o.n is None else o.n


def _classes(o: SampleOptions, opened: Opened, n: int) -> "Tensor | None":
    """The class of each sample, if the options name any.

    Raises:
        UserError: samples of each class are requested, but the run has no classes.
    """
    import torch

    if opened.c is not None:
        return torch.full((n,), opened.c)
    if o.per_class is None:
        return None
    names = list(opened.run.classes)
    if not names:
        raise UserError(
            f"--per-class is given, but {o.run} has no classes. Train a run with --condition "
            "classes."
        )
    return torch.arange(len(names)).repeat_interleave(o.per_class)


_BLOCK = 1000  # samples between two reports of progress


def _draw(
    o: SampleOptions, opened: Opened, z: "Tensor", c: "Tensor | None", reporter: ProgressReporter
) -> "Tensor":
    """Generate the samples; under torchrun, each process generates its part of them."""
    import torch

    from adversarial_nets import distributed
    from adversarial_nets.game import sample

    mine, parts = distributed.local_rows(len(z)), []
    for start in range(mine.start, max(mine.stop, mine.start + 1), _BLOCK):
        part = slice(start, min(start + _BLOCK, mine.stop))
        n, of_part = part.stop - part.start, None if c is None else c[part]
        s, first = opened.run.settings, o.first + start
        parts.append(sample(opened.G, s, n, first=first, c=of_part, z=z[part]))
        reporter.work("samples", part.stop - mine.start, len(mine))
    return distributed.all_gather(torch.cat(parts), len(z))


def _contents(
    x: "Tensor",
    z: "Tensor",
    c: "Tensor | None",
    run: "Run",
    o: SampleOptions,
    on_progress: Progress,
) -> Iterator[tuple[Path, bytes]]:
    """Each file to write with its bytes: one file, or one for each sample in a folder."""
    out = o.out or output_path("samples.png", run=o.run)
    if out.suffix == ".npz":
        yield out, _as_npz(x, z, c, run)
    elif out.suffix == ".png":
        yield out, _as_png(x, run, o.per_class or min(10, len(x)), on_progress)
    else:
        for i, image in enumerate(x.split(1)):
            on_progress("files", i, len(x))
            yield out / f"sample-{o.first + i:06d}.png", _as_png(image, run, 1)


def _as_png(x: "Tensor", run: "Run", columns: int, on_progress: Progress = no_progress) -> bytes:
    """The samples side by side as a PNG; a single sample keeps its own size."""
    from adversarial_nets.datasets import to_pixels
    from adversarial_nets.plots import sheets

    alpha = run.image_shape[0] == 4
    if len(x) == 1:
        return sheets.sheet_png(to_pixels(x, run.image_shape, run.range, alpha)[0], scale=1)
    shape, range = run.image_shape, run.range
    return sheets.grid_png(x, shape, range, columns, alpha=alpha, on_progress=on_progress)


def _as_npz(x: "Tensor", z: "Tensor", c: "Tensor | None", run: "Run") -> bytes:
    """The samples, their noise, their range and their classes as a NumPy archive."""
    import numpy as np

    shape = run.image_shape
    array = x.numpy().reshape(-1, *(shape if shape[0] > 1 else shape[1:]))
    arrays = {"samples": array, "range": np.array(run.range, np.float32), "z": z.numpy()}
    if c is not None:
        arrays["classes"] = c.numpy()
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


@dataclass(frozen=True)
class InterpolateOptions(GeneratorOptions):
    """Make Figure 3: images along straight lines between random points in z space."""

    out: Annotated[Path | None, default("RUN/interpolation.png")] = None
    """Picture to write, .png."""
    rows: int = 6
    """Number of lines."""
    steps: int = 12
    """Images along each line, both ends included."""
    to_class: Annotated[str | None, default("")] = None
    """Go from --class to this class, at the same z along each line."""


def _interpolate(o: InterpolateOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("interpolation.png", run=o.run)
    count_option("--rows", o.rows)
    count_option("--steps", o.steps, least=2)
    require_suffix(out, ".png")
    if o.to_class is not None and o.class_ is None:
        raise UserError("--to-class is given without --class; give --class, where to start, too.")

    from adversarial_nets.classes import find_class
    from adversarial_nets.plots import sheets
    from adversarial_nets.plots.interpolation import interpolate, random_pairs

    opened = open_generator(o)
    run, class_ends, ends = opened.run, None, None
    if opened.c is not None:
        class_ends = opened.c, opened.c
    if o.to_class is not None and opened.c is not None:
        class_ends = opened.c, find_class(list(run.classes), o.to_class)
        z, _ = random_pairs(run.settings, o.rows)
        ends = z, z
    x = interpolate(opened.G, run.settings, o.rows, o.steps, ends, class_ends)
    write(out, sheets.grid_png(x.flatten(0, 1), run.image_shape, run.range, columns=o.steps))
    reporter.say(f"{o.rows} lines in z space, {opened.weights} G at round {opened.round}: {out}")
    return opened.facts(out)


@dataclass(frozen=True)
class WalkOptions(GeneratorOptions):
    """Make a film of a closed walk through z space: along great circles between random points.

    Under a uniform prior the walk follows straight lines. The film loops. With --training the film
    shows instead how the samples of the same noise changed during the training.
    """

    out: Annotated[Path | None, default("RUN/walk.gif")] = None
    """Film to write, .gif, .webp or .mp4 (extra: film)."""
    training: Flag = False
    """Show the pictures in RUN/samples, one after another; only --fps applies."""
    n: int = 9
    """Number of walks, shown side by side in a square."""
    points: int = 6
    """Random points that each walk visits."""
    frames: int = 20
    """Images from one point to the next."""
    fps: int = 12
    """Images per second."""
    scale: int = 3
    """Side of each pixel in the film."""
    truncation: Truncation = None


def _walk(o: WalkOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("walk.gif", run=o.run)
    for name, least in (("n", 1), ("points", 2), ("frames", 1), ("fps", 1), ("scale", 1)):
        count_option(f"--{name}", getattr(o, name), least=least)
    require_suffix(out, ".gif", ".webp", ".mp4")
    most = {".gif": 50, ".webp": 1000}.get(out.suffix)
    if most is not None and o.fps > most:
        raise UserError(
            f"--fps is {o.fps}; a {out.suffix} can show at most {most} images per second. Give "
            f"{most} or less, or an --out that ends in .mp4."
        )
    if o.training:
        used = ("run", "out", "training", "fps", "json")
        unused = [f.name for f in dataclasses.fields(o) if f.name not in used]
        reason = "is given with --training, which shows the pictures in RUN/samples as they are"
        refuse_unused(o, unused, f"{reason}; leave it out.")

    from adversarial_nets.plots import sheets
    from adversarial_nets.plots.walk import POINTS, animation, frame_milliseconds, walk

    opened = open_generator(o)
    run = opened.run
    if o.training:
        film = sheets.training_frames(run.folder)
        what = f"{counted(len(film), 'picture')} of the training"
    else:
        z = opened.noise(o.n * o.points, POINTS, truncation=o.truncation)
        lengths = {"points": o.points, "frames": o.frames, "walks": o.n}
        x = walk(opened.G, run.settings, **lengths, z=z, c=opened.c, on_progress=reporter.work)
        film = sheets.film_frames(x, run.image_shape, run.range, o.scale)
        seconds = len(film) * frame_milliseconds(out.suffix, o.fps) / 1000
        long = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
        what = f"A walk of {long} in z space, {opened.weights} G at round {opened.round}"
    write(out, animation(film, out.suffix, o.fps, reporter.work))
    reporter.say(f"{what}: {out}")
    return opened.facts(out) | {"frames": len(film)}


@dataclass(frozen=True)
class ExportOptions:
    """Write a run's generator as an ONNX model, or as weights with a model card.

    --onnx is for other programs and languages (extra: export). The model's input `z` has the shape
    (m, z_size), and its output `images` (m, channels, height, width). For a run with classes, the
    class numbers are a second input `c` (m,). --safetensors writes a folder with the weights of G
    as safetensors, the settings and scores as JSON, and a model card. Every command that needs only
    G accepts this folder in place of a run's.
    """

    run: RunFolder
    onnx: Annotated[Path | None, default("RUN/G.onnx")] = None
    """File to write, .onnx."""
    safetensors: Annotated[Path | None, default("", metavar="DIR")] = None
    """Folder to write, in place of ONNX."""
    half: Flag = False
    """Round the weights in DIR to float16, half the size, and score them again."""
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


def _export(o: ExportOptions, reporter: ProgressReporter) -> dict[str, Any]:
    if o.safetensors is not None and o.onnx is not None:
        raise UserError("--onnx and --safetensors are both given; give one of them.")
    if o.half and o.safetensors is None:
        raise UserError("--half is given without --safetensors DIR; give both.")
    out = o.safetensors or o.onnx or output_path("G.onnx", run=o.run)
    if o.safetensors is None:
        require_suffix(out, ".onnx", option="--onnx")

    from adversarial_nets.report.exported import export_generator

    found = export_generator(
        o.run, out, checkpoint=o.checkpoint, weights=o.weights, half=o.half
    ).exported
    what = f"{found['weights']} G at round {found['round']}"
    if o.safetensors is None:
        reporter.say(f"{what}: {out} ({_megabytes(out)})")
        return {"round": found["round"], "weights": found["weights"], "out": str(out)}
    reporter.say(f"{what}, {found['dtype']}: {out} ({_megabytes(out / 'generator.safetensors')})")
    return {**found, "out": str(out)}


def _megabytes(file: Path) -> str:
    """The size of a file, e.g. "1.5 MB"."""
    return f"{file.stat().st_size / 1e6:.1f} MB"


COMMANDS = (
    Command(
        name="sample",
        arguments="RUN",
        summary="generate images, as one picture or an array",
        options=SampleOptions,
        run=_sample,
        examples=(
            "sample digits --n 100",
            "sample runs/mnist-mnist-0 --out digits.png",
            "sample runs/mnist-mnist-0 --n 60000 --out digits.npz",
            "sample runs/mnist-fast-conditional-0 --class 7",
            "sample runs/mnist-fast-conditional-0 --per-class 10",
            "sample runs/mnist-mnist-0 --n 20 --first 100 --out digits/",
        ),
        multiprocess=True,
    ),
    Command(
        name="walk",
        arguments="RUN",
        summary="a film of a walk through z space",
        options=WalkOptions,
        run=_walk,
        examples=(
            "walk digits",
            "walk runs/mnist-mnist-0 --out walk.gif",
            "walk runs/mnist-mnist-0 --n 1",
            "walk runs/mnist-mnist-0 --training --out training.gif",
        ),
    ),
    Command(
        name="export",
        arguments="RUN",
        summary="write the generator as safetensors or an ONNX model",
        options=ExportOptions,
        run=_export,
        examples=(
            "export runs/mnist-mnist-0 --onnx G.onnx",
            "export runs/mnist-mnist-0 --safetensors digits-G",
        ),
    ),
)

INTERPOLATE = Command(
    name="paper interpolate",
    arguments="RUN",
    summary="images along straight lines in z space (Figure 3)",
    options=InterpolateOptions,
    run=_interpolate,
    examples=(
        "paper interpolate runs/mnist-mnist-0 --rows 4",
        "paper interpolate runs/mnist-fast-conditional-0 --class 3 --to-class 8",
    ),
)
