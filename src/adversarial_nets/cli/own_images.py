"""The commands for your own images: ``advnets project`` and ``inpaint``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.generator import GeneratorOptions, open_generator
from adversarial_nets.cli.shared import (
    Flag,
    count_option,
    default,
    output_path,
    print_table,
    require_suffix,
    write,
)
from adversarial_nets.errors import UserError
from adversarial_nets.progress import ProgressReporter

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class OwnImageOptions(GeneratorOptions):
    """The options of both commands that read your own images."""

    resize: Flag = False
    """Crop images to their central square and resize them to the run's size."""
    invert: Flag = False
    """Make black white, for dark strokes on a light background."""


@dataclass(frozen=True)
class ProjectOptions(OwnImageOptions):
    """Find the noise z for which G(z) is as near as possible to your own image.

    z is optimised, starting from the best of many random z, or from E(x) if `advnets paper section7
    inference RUN` trained E. The picture has one column for each image: the image, G(z) at the
    start, and G(z) at the end. For a run with classes, the class that comes nearest is used.
    """

    images: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="IMAGE ...", help_behavior_hint="(required)"),
    ] = ()
    """Image files."""
    steps: int = 500
    """Updates of z."""
    out: Annotated[Path | None, default("RUN/projection.png")] = None
    """Picture to write, .png."""


def _project(o: ProjectOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("projection.png", run=o.run)
    require_suffix(out, ".png")
    steps = count_option("--steps", o.steps, 1)
    if not o.images:
        raise UserError("IMAGE is missing; give one or more image files after RUN.")

    import torch

    from adversarial_nets.paper.section7 import inference
    from adversarial_nets.paper.section7.own_images import read_images
    from adversarial_nets.plots import sheets

    opened = open_generator(o)
    run, G = opened.run, opened.G
    x = read_images(run, o.images, resize=o.resize, invert=o.invert)
    E = inference.load_encoder(run, opened.weights, opened.round)
    c = None if opened.c is None else torch.full((len(x),), opened.c)
    start, c = inference.starting_points(G, run.settings, x, E, c)
    z = inference.optimise_z(G, run.settings, x, start, c, steps, reporter.work)
    before, after = (inference.distances(G, x, at, c) for at in (start, z))
    with torch.no_grad():
        rows = torch.cat([x, inference.generate(G, start, c), inference.generate(G, z, c)])
    write(out, sheets.grid_png(rows, run.image_shape, run.range, columns=len(x)))
    by = "random z" if E is None else "E"
    found = [
        {
            "image": str(path),
            "class": None if c is None else list(run.classes)[int(c[i])],
            "start": before[i].item(),
            "distance": after[i].item(),
        }
        for i, path in enumerate(o.images)
    ]
    header = ["image", "class", f"‖x − G(z)‖, {by}", "optimised"]
    print_table(reporter, header, [list(row.values()) for row in found])
    reporter.say(f"Image, start and result: {out}")
    return opened.facts(out) | {"start": by, "images": found}


@dataclass(frozen=True)
class InpaintOptions(OwnImageOptions):
    """Fill in the hidden part of your own image, several times.

    With any finished run, z is optimised; a run that was trained with --condition masks needs only
    one pass of G. For a run with classes, the class that agrees best with the known pixels is used,
    or the one that --class names. The picture shows the image, its known part, and the completions.
    """

    image: Annotated[
        Path | None,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="IMAGE", help_behavior_hint="(required)"),
    ] = None
    """Image file."""
    hide: str = "right"
    """What to hide: right, left, top, bottom, blocks (16 of 7 × 7), or MASK.png, in which hidden
    pixels are black."""
    completions: int = 4
    """Number of completions."""
    steps: int = 1500
    """Updates of z, for a run without masks."""
    out: Annotated[Path | None, default("RUN/inpainting.png")] = None
    """Picture to write, .png."""


def _inpaint(o: InpaintOptions, reporter: ProgressReporter) -> dict[str, Any]:
    out = o.out or output_path("inpainting.png", run=o.run)
    require_suffix(out, ".png")
    steps = count_option("--steps", o.steps, 1)
    n = count_option("--completions", o.completions, 1)
    if o.image is None:
        raise UserError("IMAGE is missing; give an image file after RUN.")

    import torch

    from adversarial_nets.masks import REGIONS, region_mask
    from adversarial_nets.paper.section7.filling_in import compose
    from adversarial_nets.paper.section7.filling_in_study import completions_of
    from adversarial_nets.paper.section7.own_images import read_images, read_mask
    from adversarial_nets.plots import sheets

    opened = open_generator(o)
    run = opened.run
    mask = (
        region_mask(o.hide, run.image_shape) if o.hide in REGIONS else read_mask(run, Path(o.hide))
    )
    x = read_images(run, [o.image], resize=o.resize, invert=o.invert)
    at, c = opened.round, opened.c
    found = completions_of(run, opened.G, at, x, mask, n, steps, c, reporter.work)[0]
    low, high = run.range
    known = compose(x, mask[None], torch.full_like(x, (low + high) / 2))
    images = torch.cat([x, known, found])
    write(out, sheets.grid_png(images, run.image_shape, run.range, columns=n + 2))
    hidden = mask == 0
    errors = (found - x)[:, hidden].square().mean(1).sqrt().tolist()
    by = "one pass of G" if run.settings.condition == "masks" else "optimisation of z"
    reporter.say(f"{n} completions by {by}: {out}")
    facts = {"by": by, "hide": o.hide, "hidden": hidden.double().mean().item(), "rmse": errors}
    return opened.facts(out) | facts


COMMANDS = (
    Command(
        name="inpaint",
        arguments="RUN IMAGE",
        summary="fill in a hidden part of your own image (§7)",
        options=InpaintOptions,
        run=_inpaint,
        examples=(
            "inpaint runs/mnist-mnist-0 seven.png --hide bottom",
            "inpaint runs/mnist-filling-in-0 7.png --hide blocks --completions 8",
        ),
    ),
    Command(
        name="project",
        arguments="RUN IMAGE ...",
        summary="find z of your own images (§7)",
        options=ProjectOptions,
        run=_project,
        examples=("project runs/mnist-mnist-0 seven.png --resize --invert",),
    ),
)
