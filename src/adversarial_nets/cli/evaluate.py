"""The commands that score: ``advnets evaluate`` and ``calibrate``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from adversarial_nets.cli.command import Command, always
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
    count_option,
)
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.settings import DATA_OPTIONS, ImageFit

if TYPE_CHECKING:
    from adversarial_nets.evaluation import CalibrationRow

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
    from adversarial_nets.runs.folder import history, open_run

    run = open_run(o.run)
    count_option("--samples", o.samples, 10_000)
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
    reporter.say(
        f"{found.weights} G at round {found.round} on {o.data or found.data}: {found.parzen}"
    )
    for weights, score in found.others:
        reporter.say(f"{weights} G, scored before: {score}")
    _print_rows(reporter, found.calibration)
    return found.to_json() | {"run": history(run)}


def _print_rows(reporter: ProgressReporter, rows: Sequence["CalibrationRow"]) -> None:
    """Print the scores of reference images, one per line."""
    for row in rows:
        reporter.say(f"{row.name:16} {row.score}  [{row.note}]")


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
    fit: ImageFit | None = None
    """folder:PATH only: how images with another aspect ratio are fitted."""
    channels: Literal[1, 3, 4] | None = None
    """folder:PATH only: 1 for grey, 3 for colour, 4 for colour and alpha."""
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

    samples = count_option("--samples", o.samples, 10_000)
    options = {name: getattr(o, name) for name in DATA_OPTIONS if name != "train_on_all"}
    data = datasets.load(o.data, **options, on_progress=reporter.work)
    rows = calibrate(data, o.grid, samples=samples, on_progress=reporter.work)
    _print_rows(reporter, rows)
    return {"data": o.data, "grid": o.grid, "rows": [row_to_json(row) for row in rows]}


COMMANDS = (
    Command(
        name="evaluate",
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
        name="calibrate",
        arguments="DATA",
        summary="Parzen scores of reference images, for comparison",
        options=CalibrateOptions,
        run=_calibrate,
        examples=("calibrate mnist", "calibrate mnist-5k --grid fine"),
        prints_result=always,
    ),
)
