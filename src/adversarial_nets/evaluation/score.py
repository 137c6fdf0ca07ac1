"""Score a run: the Parzen protocol on its samples, with the calibration rows beside it."""

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
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.calibration import CalibrationRow, calibrate
from adversarial_nets.evaluation.parzen import ParzenScore, parzen_on
from adversarial_nets.game import sample
from adversarial_nets.progress import Progress
from adversarial_nets.runs import files, game_state
from adversarial_nets.runs.folder import Run

__all__ = ["Evaluation", "evaluate", "load_data", "read_evaluations", "row_to_json"]

_BLOCK = 10_000  # samples held at once when there are more


@dataclass(frozen=True)
class Evaluation:
    """A run's score and what it was measured on.

    Attributes:
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
        data: the data set's name.
        parzen: the score.
        calibration: the same measure of images that are no model's (training images, k-means
            centroids, the mean image); empty when not asked for.
    """

    round: int
    weights: Literal["raw", "averaged"]
    data: str
    parzen: ParzenScore
    calibration: tuple[CalibrationRow, ...]

    def to_json(self) -> dict[str, Any]:
        """As the plain object that ``advnets evaluate --json`` prints."""
        return {
            "round": self.round,
            "weights": self.weights,
            "data": self.data,
            "parzen": dataclasses.asdict(self.parzen),
            "calibration": [row_to_json(row) for row in self.calibration],
        }


def row_to_json(row: CalibrationRow) -> dict[str, Any]:
    """A calibration row as the plain object that ``advnets calibrate --json`` prints."""
    score = dataclasses.asdict(row.score)
    return {"name": row.name, "note": row.note} | {
        key: score[key] for key in ("nats", "se", "sigma", "grid", "samples", "at_edge")
    }


def load_data(run: Run, on_progress: Progress | None = None) -> Dataset:
    """The data set that the run was trained on.

    Raises:
        UserError: it cannot be found, or its images are no longer the same.
    """
    s = run.settings
    data = datasets.load(run.data, size=s.size, channels=s.channels, on_progress=on_progress)
    if datasets.fingerprint(data) != run.fingerprint:
        raise UserError(
            f"The images of {run.data} are not those that {run.folder} was trained on; a score "
            "would mean nothing. Restore them, or train a new run."
        )
    return data


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
    """Score a run by the paper's protocol and note the score in its folder.

    See `parzen_on` for the protocol (§5).

    Args:
        run: the run, as `train` or `runs.open_run` returns it.
        data: its data set, when it is loaded already.
        checkpoint: ``last``, ``best`` by validation score, or a round's number.
        weights: G's own, as published, or their running average.
        grid: ``paper`` or ``fine``.
        samples: how many; more than 10,000 are streamed through flat memory.
        calibration: score the calibration rows too.
        G: the module to load the weights into, for a run with nets of your own.
        on_progress: called with what is being done, how much is done, and of how much.

    Raises:
        UserError: unknown names, no checkpoint, no average kept, samples below 1, other data.

    Under ``torchrun`` each process draws and scores its part of the samples; the first one makes
    the calibration rows and writes.
    """
    if samples < 1:
        raise UserError(f"--samples is {samples}; it must be 1 or more.")
    data = data or load_data(run, on_progress)
    net, round = game_state.load_generator(run, checkpoint, weights, G)

    mine = distributed.local_rows(samples)

    def blocks() -> Iterable[Tensor]:
        for first in range(mine.start, mine.stop, _BLOCK):
            n = min(_BLOCK, mine.stop - first)
            yield sample(net, run.settings, n, "samples to score", first)

    drawn = next(iter(blocks())) if 0 < len(mine) <= _BLOCK else blocks
    score = parzen_on(data, drawn, grid, on_progress, shared=True)
    rows = []
    if calibration and distributed.is_main():
        rows = calibrate(data, grid, samples=10_000, on_progress=on_progress)
    evaluation = Evaluation(round, weights, run.data, score, tuple(rows))
    if distributed.is_main():
        _note(run, evaluation)
    return evaluation


def read_evaluations(folder: Path) -> list[dict[str, Any]]:
    """What `evaluate` noted in the run's folder, oldest first, as `Evaluation.to_json` gave it.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / "evaluation.json"
    if not path.exists():
        return []
    try:
        records = [with_round(record) for record in json.loads(path.read_text())]
        return [r for r in records if _is_whole(r["parzen"]) and r["weights"] and r["round"] >= 0]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error!r}); delete it and evaluate again.") from error


def with_round(record: dict[str, Any]) -> dict[str, Any]:
    """A record of a score; earlier versions called its round ``step``."""
    if "step" in record and "round" not in record:
        return {("round" if key == "step" else key): value for key, value in record.items()}
    return record


def _is_whole(parzen: dict[str, Any]) -> bool:
    return bool(parzen["curve"] and parzen["grid"] and parzen["samples"] > 0)


def _note(run: Run, evaluation: Evaluation) -> None:
    """Add the evaluation to RUN/evaluation.json, in place of an older one of the same thing."""
    new = evaluation.to_json()

    def what(record: dict[str, Any]) -> tuple[Any, ...]:
        parzen = record["parzen"]
        return record["round"], record["weights"], parzen["grid"], parzen["samples"]

    records = [record for record in read_evaluations(run.folder) if what(record) != what(new)]
    with files.explain_os_errors(run.folder):
        content = json.dumps([*records, new], indent=2) + "\n"
        files.write_atomically(run.folder / "evaluation.json", content)
