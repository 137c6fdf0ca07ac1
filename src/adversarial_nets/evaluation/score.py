"""Evaluate a run: the Parzen score of its samples, with calibration rows for comparison."""

import copy
import dataclasses
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from adversarial_nets import datasets, distributed
from adversarial_nets.datasets import Dataset, registry
from adversarial_nets.datasets.arrays import DataLike, name_or_dataset
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.errors import DataMoved, SettingError, UserError
from adversarial_nets.evaluation.calibration import CalibrationRow, calibrate
from adversarial_nets.evaluation.parzen import Grid, ParzenScore, Samples, parzen_score_on, reusable
from adversarial_nets.game import sample
from adversarial_nets.progress import Progress, ProgressReporter
from adversarial_nets.runs import files, game_state
from adversarial_nets.runs.evaluations import grid_of, read_evaluations
from adversarial_nets.runs.folder import Run, RunLike, open_run, output_folder
from adversarial_nets.runs.notebook import html_table
from adversarial_nets.setting_values import whole_number

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
        others: recorded scores of the run's other weights at the same round, by the same protocol:
            (``raw`` or ``averaged``, score).
    """

    round: int
    weights: Literal["raw", "averaged"]
    data: str
    parzen: ParzenScore
    calibration: tuple[CalibrationRow, ...]
    others: tuple[tuple[str, ParzenScore], ...] = ()

    def __repr__(self) -> str:
        """The scores in one line."""
        scores = [f"{weights} G {_short(score)}" for weights, score in self._scores()]
        return f"Evaluation({self.data}, round {self.round:,}: {', '.join(scores)})"

    def __str__(self) -> str:
        """The scores of G and of reference images, one per line."""
        lines = [f"{self.data}, round {self.round:,}"]
        lines += [f"{weights + ' G':15} {score}" for weights, score in self._scores()]
        lines += [f"{row.name:15} {row.score}" for row in self.calibration]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The scores as a table, for notebooks."""
        rows = [(f"{weights} G", score) for weights, score in self._scores()]
        rows += [(row.name, row.score) for row in self.calibration]
        cells = [(name, _short(score), f"{score.sigma:.3f}") for name, score in rows]
        title = f"{self.data}, round {self.round:,}: log-likelihood of the test images"
        return html_table(title, ["", "nats", "σ"], cells)

    def _scores(self) -> list[tuple[str, ParzenScore]]:
        """This score, then the scores of the other weights."""
        return [(self.weights, self.parzen), *self.others]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``advnets evaluate --json`` prints."""
        return {
            "round": self.round,
            "weights": self.weights,
            "data": self.data,
            "parzen": dataclasses.asdict(self.parzen),
            "calibration": [row_to_json(row) for row in self.calibration],
        }


def _short(score: ParzenScore) -> str:
    """The score and its standard error, if there is one, as text."""
    return f"{score.nats:.1f} ± {score.se:.1f}" if score.se is not None else f"{score.nats:.1f}"


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
        place: the new place of the images, if they were moved: a folder, or a data set's name, e.g.
            ``folder:PATH``. By default the folder or the name from which the run was trained.

    Raises:
        DataMoved: the place has no images, or other images.
        UserError: the data set cannot be found or read, or its images have changed.
    """
    s = run.settings
    if place is None and run.data.partition(":")[0] not in registry.REGISTRY:
        raise UserError(
            f"{run.name} was trained on the data {run.data!r}, which only the program that made "
            "them has. In that program, pass the same Dataset as data=, or register it under this "
            "name (datasets.register)."
        )
    name, path = _place_of(run, place)
    named = name if path is None else f"{name.partition(':')[0]}:{path}"
    if path is not None and not path.exists():
        raise DataMoved(
            f"{run.name} was trained on {run.data}, and {path} does not exist.",
            _example_of_place(run),
        )
    # other data that cannot be resized are used as they are, and refused below
    options = s.data_options() if place is None or registry.find(name).resizable else {}
    data = datasets.load(name, **options, on_progress=on_progress, path=path)
    if not _is_data_of(run, data):
        raise _other_images(run, data, named, place, moved=path is not None)
    return data


def _other_images(run: Run, data: Dataset, named: str, place: str | None, moved: bool) -> UserError:
    """The error for images that are not the run's; `moved` if they are in another folder."""
    kind, problem = run.data.partition(":")[0], f"those that {run.name} was trained on"
    if place is None and not moved:
        return UserError(
            f"The images of {named} are not {problem}: they have changed since. Restore the "
            "images, or train a new run."
        )
    if place is None or kind not in registry.REGISTRY or registry.absolute_path(run.data):
        return DataMoved(
            f"The images of {named} are not {problem}: some have changed, or they are other"
            " images.",
            _example_of_place(run),
        )
    instead = (
        f"; to compare the samples with images of {place}, type: advnets measure {place} "
        f"--samples {run.name}"
    )
    return SettingError(
        "data",
        f"is {place}, but {run.name} was trained on other images, {run.data}, which are found by "
        f"that name. Leave it out{instead if data.image_shape == run.image_shape else '.'}",
    )


def _example_of_place(run: Run) -> str:
    """An example of a new place of a run's images."""
    return f"{run.data.partition(':')[0]}:PATH" if ":" in run.data else "idx:FOLDER"


def _place_of(run: Run, place: str | None) -> tuple[str, Path | None]:
    """The name of the data set to load, and the folder to read if it is not the one in the name."""
    kind, _, given = run.data.partition(":")
    if (
        kind not in registry.REGISTRY or not registry.REGISTRY[kind].takes_path
    ):  # the part after the colon is a class
        given = ""
    if place is None:
        if not given:
            return run.data, None
        kept = Path(run.info.get("data_path", given)).expanduser()
        # If the whole project was moved, only the relative path is right.
        return run.data, kept if kept.exists() else Path(given).expanduser()
    other_kind, _, path = place.partition(":")
    if other_kind == kind and given and path:
        return run.data, Path(path).expanduser()
    if given and other_kind not in datasets.REGISTRY:
        return run.data, Path(place).expanduser()
    return place, None


def evaluate(
    run: RunLike,
    data: DataLike | None = None,
    *,
    checkpoint: str | int = "last",
    weights: Literal["raw", "averaged"] | None = None,
    grid: Grid = "paper",
    samples: int = 10_000,
    calibration: bool = True,
    G: nn.Module | None = None,
    on_progress: Progress | None = None,
    progress: bool = True,
) -> Evaluation:
    """Score a run by the paper's protocol (§5) and record the score in RUN/evaluation.json.

    The protocol is that of `parzen_score_on`. Under ``torchrun`` each process generates and scores
    its part of the samples; rank 0 computes the calibration rows and writes the file.

    Args:
        run: the run, as `train` or `open_run` returns it, or its folder.
        data: its data set or images, if they are already in memory, or their new place if they were
            moved.
        checkpoint: ``last``, ``best`` (see `checkpoint_folder`) or the number of a round.
        weights: ``raw`` for G's weights, as published, or ``averaged`` for their moving average;
            by default `Run.default_weights`, those that the report shows.
        grid: the grid of σ: ``paper``, ``fine``, or your own values.
        samples: number of samples; memory does not grow above 10,000.
        calibration: whether to compute the calibration rows too.
        G: a generator of the run's architecture, for a run with your own networks; it is copied.
        on_progress: called with (what, amount done, total or None), in place of printing.
        progress: print the progress of work that takes more than a few seconds.

    Raises:
        UserError: an unknown checkpoint or grid, no averaged weights, `samples` below 1, or a data
            set other than the run's.
    """
    samples, grid = whole_number("samples", samples), reusable(grid)
    run = open_run(run)
    read_evaluations(output_folder(run.folder))  # a damaged file is reported before the work
    data = check_data(run, data)
    weights = weights or run.default_weights
    with closing(ProgressReporter(quiet=not (progress and distributed.is_main()))) as reporter:
        on_progress = on_progress or reporter.work
        data = data or load_data(run, on_progress)
        require_held_out(data)
        G = copy.deepcopy(G)  # do not change the caller's G
        net, round = game_state.load_generator(run, checkpoint, weights, G)
        drawn = _samples(net, run, samples)
        score = parzen_score_on(data, drawn, grid, on_progress, shared=True)
        rows = []
        if calibration and distributed.is_main():
            rows = calibrate(data, grid, samples=10_000, on_progress=on_progress)
    evaluation = Evaluation(round, weights, run.data, score, tuple(rows))
    if distributed.is_main():
        evaluation = _record(run, evaluation)
    return evaluation


def _samples(net: nn.Module, run: Run, samples: int) -> Samples:
    """This process's share of the samples: one tensor, or a function that yields blocks."""
    local = distributed.local_rows(samples)

    def blocks() -> Iterable[Tensor]:
        for first in range(local.start, local.stop, _BLOCK):
            n = min(_BLOCK, local.stop - first)
            yield sample(net, run.settings, n, "samples to score", first)

    return next(iter(blocks())) if 0 < len(local) <= _BLOCK else blocks


def _is_data_of(run: Run, data: Dataset) -> bool:
    """Whether a run was trained on these images: same fingerprint, same range."""
    return datasets.fingerprint(data) == run.fingerprint and data.range == run.range


def check_data(run: Run, data: DataLike | None) -> Dataset | None:
    """Return the run's data set from a caller's argument `data`; None: load it by its name.

    A name or a folder gives the new place of the images, like `place` of `load_data`.

    Raises:
        UserError: `data` is of another type, or its images are not those of the run.
    """
    if data is None:
        return None
    data = name_or_dataset(data)
    if isinstance(data, str):
        return load_data(run, place=data)
    if not _is_data_of(run, data):
        raise UserError(
            f"The images of {data.name} are not those that {run.name} was trained on "
            f"({run.data}). Give that data set, or leave it out to load it by its name."
        )
    return data


def _record(run: Run, evaluation: Evaluation) -> Evaluation:
    """Add the evaluation to evaluation.json; it replaces an older one by the same protocol.

    Returns:
        The evaluation with the recorded scores of the other weights.
    """
    new = evaluation.to_json()

    def protocol(record: dict[str, Any]) -> tuple[Any, ...]:
        parzen = record["parzen"]
        return record["round"], record["weights"], grid_of(parzen), parzen["samples"]

    folder = output_folder(run.folder)
    path = folder / "evaluation.json"
    with files.explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with files.exclusive_lock(path):
            recorded = read_evaluations(folder)
            records = [r for r in recorded if protocol(r) != protocol(new)]
            for replaced in (r for r in recorded if protocol(r) == protocol(new)):
                new["calibration"] = new["calibration"] or replaced.get("calibration", [])
            files.write_atomically(path, json.dumps([*records, new], indent=2) + "\n")
    others = [
        (record["weights"], _score_from_json(record["parzen"]))
        for record in records
        if protocol({**record, "weights": new["weights"]}) == protocol(new)
    ]
    return dataclasses.replace(evaluation, others=tuple(others))


def _score_from_json(parzen: dict[str, Any]) -> ParzenScore:
    """A score from evaluation.json; unknown fields, e.g. of a newer version, are ignored."""
    known = {f.name for f in dataclasses.fields(ParzenScore)}
    fields = {name: value for name, value in parzen.items() if name in known}
    fields["curve"] = tuple((float(sigma), float(nats)) for sigma, nats in parzen["curve"])
    fields["folds"] = tuple(_score_from_json(fold) for fold in parzen.get("folds", ()))
    return ParzenScore(**fields)
