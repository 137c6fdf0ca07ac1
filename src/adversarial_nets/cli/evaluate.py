"""The commands that score: ``advnets evaluate``, ``measure`` and ``calibrate``."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Checkpoint,
    Data,
    Flag,
    Grid,
    Json,
    Place,
    RunFolder,
    Threads,
    Weights,
    print_table,
    require_positive,
)
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.settings import DATA_OPTIONS

if TYPE_CHECKING:
    from adversarial_nets.datasets import Dataset
    from adversarial_nets.evaluation import CalibrationRow
    from adversarial_nets.runs.folder import Run

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class EvaluateOptions:
    """Score a run by the paper's protocol: Parzen-window log-likelihood in nats (Table 1).

    The kernel width σ is chosen on validation images. The score is the mean over all test images,
    ± its standard error. Scores of reference images (training images, k-means centroids, the mean
    image) are printed below it.
    """

    run: RunFolder
    data: Place = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    grid: Grid = "paper"
    samples: int = 10_000
    """Number of samples to score; memory does not limit it."""
    calibration: bool = True
    """Score the reference images too; --no-calibration leaves them out, which is faster."""
    threads: Threads = None
    json: Json = False


def _evaluate(o: EvaluateOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.evaluation import evaluate
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.runs import folder as runs_folder

    run = runs_folder.open_run(o.run)
    require_positive("--samples", o.samples, 10_000)
    found = evaluate(
        run,
        load_data(run, reporter.work, o.data),
        checkpoint=o.checkpoint,
        weights=o.weights,
        grid=o.grid,
        samples=o.samples,
        calibration=o.calibration,
        on_progress=reporter.work,
    )
    reporter.say(f"{found.weights} G at round {found.round} on {found.data}: {found.parzen}")
    for weights, score in found.others:
        reporter.say(f"{weights} G, scored before: {score}")
    _print_rows(reporter, found.calibration)
    return found.to_json() | {"run": runs_folder.history(run)}


def _print_rows(reporter: ProgressReporter, rows: Sequence["CalibrationRow"]) -> None:
    """Print the scores of reference images, one a line."""
    for row in rows:
        reporter.say(f"{row.name:16} {row.score}  [{row.note}]")


@dataclass(frozen=True)
class MeasureOptions:
    """Measure a run by Fréchet and kernel distance, precision, recall and more.

    All these measures are newer than the paper. The features are those of a small classifier of
    the data's classes, trained once in about a minute, or of Inception for photographs (extra:
    photographs; downloads 96 MB of weights). Data without classes, such as a folder of images, are
    measured by the distance of small patches, which needs no network, and by whether training
    images were copied. The value for as many real images is printed beside each measure.
    """

    run: RunFolder
    data: Place = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    samples: int = 5000
    """Largest number of samples."""
    features: Annotated[
        Literal["classifier", "inception", "patches"] | None,
        tyro.conf.arg(
            help="Network that computes the features, or patches.",
            help_behavior_hint="(default: classifier; patches for data without classes)",
        ),
    ] = None
    threads: Threads = None
    json: Json = False


def _measure(o: MeasureOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.evaluation import measure
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.runs import folder as runs_folder

    run = runs_folder.open_run(o.run)
    require_positive("--samples", o.samples, 5000)
    data = load_data(run, reporter.work, o.data)
    chosen = o.features or ("classifier" if data.labels else "patches")
    if chosen == "patches":
        return _measure_patches(o, run, data, reporter)
    found = measure(
        run,
        data,
        checkpoint=o.checkpoint,
        weights=o.weights,
        samples=o.samples,
        features=chosen,
        on_progress=reporter.work,
    )
    reporter.say(
        f"{found.weights} G at round {found.round} on {found.data}, {found.samples:,} samples"
    )
    if found.accuracy is None:
        reporter.say("Features: Inception")
    else:
        reporter.say(f"Features: a classifier with {found.accuracy:.1%} accuracy on test images")
    if found.alignment is not None:
        reporter.say(f"It finds {found.alignment:.1%} of the samples in the class asked for")
    result = dataclasses.asdict(found)
    rows = [(name, value, result["floor"][name]) for name, value in result["model"].items()]
    print_table(reporter, ["measure", "samples", "real images"], rows)
    if found.classes is not None:
        shares = [(i, f"{share:.1%}") for i, share in enumerate(found.classes)]
        print_table(reporter, ["class", "share of the samples"], shares)
    return result


def _measure_patches(
    o: MeasureOptions, run: "Run", data: "Dataset", reporter: ProgressReporter
) -> dict[str, Any]:
    """Patch distances to held-out images, with those of training images, and memorisation."""
    import torch

    from adversarial_nets.evaluation.memorisation import memorisation
    from adversarial_nets.evaluation.patches import patch_distances
    from adversarial_nets.game import sample
    from adversarial_nets.random import permutation
    from adversarial_nets.runs.game_state import load_generator

    weights = o.weights or run.default_weights
    G, round = load_generator(run, o.checkpoint, weights)
    held_out = data.floats(torch.cat([data.test, data.valid]))
    n = min(o.samples, len(held_out), len(data.train))
    x = sample(G, run.settings, n, "samples to score")
    order = permutation(run.settings.seed, "measures' floor", 0, len(data.train))[:n]
    distances = {
        name: dataclasses.asdict(patch_distances(images, held_out[:n], data.image_shape))
        for name, images in (("model", x), ("floor", data.floats(data.train[order])))
    }
    copied = memorisation(x, data)
    reporter.say(f"{weights} G at round {round} on {run.data}, {n:,} samples")
    rows = [
        (f"patches, {level}", distances["model"][level], distances["floor"][level])
        for level in ("fine", "coarse")
    ]
    print_table(reporter, ["measure", "samples", "real images"], rows)
    reporter.say(copied.sentence)
    facts = {"round": round, "weights": weights, "data": run.data, "samples": n}
    return {**facts, "features": "patches", **distances, "copied": dataclasses.asdict(copied)}


@dataclass(frozen=True)
class CalibrateOptions:
    """Compute Parzen scores of reference images, which no model has generated.

    The reference images are training images, k-means centroids and the mean image. Centroids score
    higher than training images, which shows how far the measure can be trusted.
    """

    data: Data
    grid: Grid = "paper"
    samples: int = 10_000
    """Largest number of training images and of centroids."""
    size: int | None = None
    """folder:PATH only: resize images to this height, and width, in pixels."""
    width: int | None = None
    """folder:PATH only: width, if it differs from the height."""
    fit: Literal["crop", "pad", "stretch"] | None = None
    """folder:PATH only: how images of another aspect are fitted."""
    channels: Literal[1, 3] | None = None
    """folder:PATH only: 1 for grey, 3 for colour."""
    background: str | None = None
    """folder:PATH only: colour behind transparent parts."""
    stretch: Flag = False
    """folder:PATH only: make the smallest and largest value of 16-bit images black and white."""
    threads: Threads = None
    json: Json = False


def _calibrate(o: CalibrateOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets import datasets
    from adversarial_nets.evaluation import calibrate
    from adversarial_nets.evaluation.score import row_to_json

    samples = require_positive("--samples", o.samples, 10_000)
    options = {name: getattr(o, name) for name in DATA_OPTIONS}
    data = datasets.load(o.data, **options, on_progress=reporter.work)
    rows = calibrate(data, o.grid, samples=samples, on_progress=reporter.work)
    _print_rows(reporter, rows)
    return {"data": o.data, "grid": o.grid, "rows": [row_to_json(row) for row in rows]}


COMMANDS = (
    Command(
        name="evaluate",
        group="evaluate",
        arguments="RUN",
        summary="Parzen-window log-likelihood, the paper's score",
        options=EvaluateOptions,
        run=_evaluate,
        examples=(
            "evaluate runs/mnist-mnist-0",
            "evaluate runs/mnist-mnist-0 --grid fine --weights averaged",
        ),
        multiprocess=True,
    ),
    Command(
        name="measure",
        group="evaluate",
        arguments="RUN",
        summary="Fréchet and kernel distance, precision, recall",
        options=MeasureOptions,
        run=_measure,
        examples=(
            "measure runs/mnist-mnist-0 --weights averaged",
            "measure runs/cifar10-cifar10-0 --features inception",
        ),
    ),
    Command(
        name="calibrate",
        group="evaluate",
        arguments="DATA",
        summary="Parzen scores of reference images, for comparison",
        options=CalibrateOptions,
        run=_calibrate,
        examples=("calibrate mnist", "calibrate mnist-5k --grid fine"),
    ),
)
