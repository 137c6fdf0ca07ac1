"""Evaluate a run: the Parzen score of its samples, with calibration rows for comparison."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset
from adversarial_nets.engine import distributed
from adversarial_nets.errors import DataMoved, SettingError, UserError
from adversarial_nets.evaluation.calibration import CalibrationRow, calibrate
from adversarial_nets.evaluation.parzen import ParzenScore, parzen_score_on
from adversarial_nets.game import sample
from adversarial_nets.progress import Progress
from adversarial_nets.runs import files, game_state
from adversarial_nets.runs.evaluations import read_evaluations
from adversarial_nets.runs.folder import Run

__all__ = ["Evaluation", "evaluate", "load_data", "row_to_json"]

_BLOCK = 10_000  # samples in memory at a time


@dataclass(frozen=True)
class Evaluation:
    """A run's Parzen score and how it was computed.

    Attributes:
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
        data: the data set's name.
        parzen: the score.
        calibration: scores of training images, k-means centroids and the mean image; empty if
            they were not requested.
    """

    round: int
    weights: Literal["raw", "averaged"]
    data: str
    parzen: ParzenScore
    calibration: tuple[CalibrationRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``advnets evaluate --json`` prints."""
        return {
            "round": self.round,
            "weights": self.weights,
            "data": self.data,
            "parzen": dataclasses.asdict(self.parzen),
            "calibration": [row_to_json(row) for row in self.calibration],
        }


def row_to_json(row: CalibrationRow) -> dict[str, Any]:
    """Return a calibration row as the object that ``advnets calibrate --json`` prints."""
    score = dataclasses.asdict(row.score)
    return {"name": row.name, "note": row.note} | {
        key: score[key] for key in ("nats", "se", "sigma", "grid", "samples", "at_edge")
    }


def load_data(run: Run, on_progress: Progress | None = None, place: str | None = None) -> Dataset:
    """Load the data set that a run was trained on.

    Args:
        run: the run.
        on_progress: called with (what, amount done, total or None).
        place: where the images are now, if they were moved: a folder, or a data set's name, e.g.
            ``folder:PATH``. By default the folder in which they were, or the name that the
            training was given.

    Raises:
        DataMoved: there are no images in that place, or others.
        UserError: the data set cannot be found or read, or its images have changed.
    """
    s = run.settings
    name, path = _place_of(run, place)
    named = name if path is None else f"{name.partition(':')[0]}:{path}"
    example = f"{run.data.partition(':')[0]}:PATH" if ":" in run.data else "idx:FOLDER"
    if path is not None and not path.exists():
        raise DataMoved(
            f"{run.folder} was trained on {run.data}, and {path} does not exist.", example
        )
    data = datasets.load(name, size=s.size, channels=s.channels, on_progress=on_progress, path=path)
    if datasets.fingerprint(data) != run.fingerprint:
        problem = f"The images of {named} are not those that {run.folder} was trained on"
        if path is not None or place is not None:
            raise DataMoved(f"{problem}: some have changed, or these are others.", example)
        raise UserError(
            f"{problem}: they have changed since. Restore the images, or train a new run."
        )
    return data


def _place_of(run: Run, place: str | None) -> tuple[str, Path | None]:
    """The name of the data set to load, and the folder to read if it is not the one in the name."""
    kind, _, given = run.data.partition(":")
    if place is None:
        if not given:
            return run.data, None
        kept = Path(run.info.get("data_path", given)).expanduser()
        # The whole project may have moved, so that only the relative path is right.
        return run.data, kept if kept.exists() else Path(given).expanduser()
    other_kind, _, path = place.partition(":")
    if other_kind == kind and given and path:
        return run.data, Path(path).expanduser()
    if given and other_kind not in datasets.REGISTRY:
        return run.data, Path(place).expanduser()
    return place, None


def evaluate(
    run: Run,
    data: Dataset | None = None,
    *,
    checkpoint: str = "last",
    weights: Literal["raw", "averaged"] = "raw",
    grid: str = "paper",
    samples: int = 10_000,
    calibration: bool = True,
    G: nn.Module | None = None,
    on_progress: Progress | None = None,
) -> Evaluation:
    """Score a run by the paper's protocol (§5) and record the score in RUN/evaluation.json.

    The protocol is that of `parzen_score_on`. Under ``torchrun`` each process generates and scores
    its part of the samples; rank 0 computes the calibration rows and writes the file.

    Args:
        run: the run, as `train` or `open_run` returns it.
        data: its data set, if it is loaded already.
        checkpoint: ``last``, ``best`` (by validation score) or the number of a round.
        weights: ``raw`` for G's weights, as published, or ``averaged`` for their moving average.
        grid: the grid of σ, ``paper`` or ``fine``.
        samples: number of samples; memory does not grow above 10,000.
        calibration: whether to compute the calibration rows too.
        G: the module to load the weights into, for a run with your own networks.
        on_progress: called with (what, amount done, total or None).

    Raises:
        UserError: an unknown checkpoint or grid, no averaged weights, `samples` below 1, or a data
            set other than the run's.
    """
    if samples < 1:
        raise SettingError("samples", f"is {samples}; it must be 1 or more.")
    data = data or load_data(run, on_progress)
    net, round = game_state.load_generator(run, checkpoint, weights, G)

    local = distributed.local_rows(samples)

    def blocks() -> Iterable[Tensor]:
        for first in range(local.start, local.stop, _BLOCK):
            n = min(_BLOCK, local.stop - first)
            yield sample(net, run.settings, n, "samples to score", first)

    in_one_block = 0 < len(local) <= _BLOCK
    drawn = next(iter(blocks())) if in_one_block else blocks
    score = parzen_score_on(data, drawn, grid, on_progress, shared=True)
    rows = []
    if calibration and distributed.is_main():
        rows = calibrate(data, grid, samples=10_000, on_progress=on_progress)
    evaluation = Evaluation(round, weights, run.data, score, tuple(rows))
    if distributed.is_main():
        _record(run, evaluation)
    return evaluation


def _record(run: Run, evaluation: Evaluation) -> None:
    """Add the evaluation to evaluation.json; it replaces an older one by the same protocol."""
    new = evaluation.to_json()

    def protocol(record: dict[str, Any]) -> tuple[Any, ...]:
        parzen = record["parzen"]
        return record["round"], record["weights"], parzen["grid"], parzen["samples"]

    records = [r for r in read_evaluations(run.folder) if protocol(r) != protocol(new)]
    with files.explain_os_errors(run.folder):
        content = json.dumps([*records, new], indent=2) + "\n"
        files.write_atomically(run.folder / "evaluation.json", content)
