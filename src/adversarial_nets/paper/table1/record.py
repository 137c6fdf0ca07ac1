"""Results of Table 1: one record file for each row, read and written without torch."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adversarial_nets.baselines.names import TITLES
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.runs import files as runs_files
from adversarial_nets.text import file_name

__all__ = [
    "ADVERSARIAL_NETS",
    "NAMES",
    "REFERENCES",
    "Result",
    "Table",
    "check_made",
    "read_image_shape",
    "record_path",
    "recorded",
    "write_record",
]

ADVERSARIAL_NETS, REFERENCES = "adversarial-nets", "references"
NAMES = (*TITLES, ADVERSARIAL_NETS, REFERENCES)
"""The rows of the table: the models of `baselines.BASELINES`, the adversarial nets, and reference
images (training images, k-means centroids, the mean image)."""


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes:
        model: the model's name; after a comma, how it differs from the standard form.
        dataset: the data set's name.
        grid: name of the grid from which σ was chosen.
        nats: Parzen log-likelihood of the test images; the mean over seeds, if there are several.
        se: its standard error over test images (over folds, if the data set has folds); None for
            one test image.
        sigma: σ, chosen on validation images; the median over seeds.
        at_edge: whether σ is the smallest or the largest of its grid, for any seed.
        seeds: number of seeds.
        spread: standard deviation of `nats` over seeds; None for one seed.
        published: the published score on this data set, if there is one.
        samples: number of samples that were scored.
        train_seconds: processor seconds of one thread that training took (for the adversarial
            nets: wall-clock seconds); None for reference images.
        samples_per_second: samples per processor second, with burn-in and thinning.
        steps_per_sample: steps of a Markov chain for each sample; 1 for a single forward pass.
        note: how the samples were made.
        states_in_class: mixing, the mean number of successive samples of one class, by the data
            set's classifier; about 1.1 for independent digits. None for several chains, reference
            images, and data without classes.
    """

    model: str
    dataset: str
    grid: str
    nats: float
    se: float | None
    sigma: float
    at_edge: bool
    seeds: int
    spread: float | None
    published: float | None
    samples: int
    train_seconds: float | None
    samples_per_second: float | None
    steps_per_sample: float | None
    note: str
    states_in_class: float | None = None  # records of earlier versions lack it


@dataclass(frozen=True)
class Table:
    """The table.

    Attributes:
        results: its lines.
        missing: (row, data set) of the rows that are not recorded yet.
        files: the files that were written.
    """

    results: tuple[Result, ...]
    missing: tuple[tuple[str, str], ...]
    files: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``advnets paper table1 --json`` prints."""
        return {"rows": [dataclasses.asdict(result) for result in self.results]}


# --- The whole table ------------------------------------------------------------------------------


def recorded(
    out: Path, data: Sequence[str] = (), rows: Sequence[str] = (), grid: str = "paper"
) -> Table:
    """Read the table from the records in a folder, without training anything.

    Args:
        out: the folder that `table1` wrote to.
        data: names of data sets; all that are recorded if empty.
        rows: names of rows; if empty, `NAMES` and all others that are recorded.
        grid: name of the grid of σ.

    Raises:
        UserError: a row is unknown, or a record is damaged.
    """
    folders = {path.parent.name for path in out.glob("*/*-[0-9]*/score-*.json")}
    added = {folder.rpartition("-")[0] for folder in folders} - set(NAMES)  # by users
    known = (*TITLES, *sorted(added), ADVERSARIAL_NETS, REFERENCES)
    for row in rows:
        if row not in known:
            raise unknown_name(row, known, "row")
    all_data = sorted(path.name for path in out.glob("*") if path.is_dir())
    return read_table(out, data or all_data, rows or known, grid)


def read_table(out: Path, data: Sequence[str], rows: Sequence[str], grid: str) -> Table:
    """Read the given rows of the given data sets; see `recorded`."""
    results: list[Result] = []
    missing = []
    for name in data:
        for row in rows:
            records = [
                record
                for record in sorted((out / file_name(name)).glob(f"*/score-{grid}.json"))
                if re.fullmatch(f"{re.escape(row)}-[0-9]+", record.parent.name)
            ]
            _check_same_model(records)
            by_model: dict[str, list[Result]] = {}
            for record in records:
                for result in _read_record(record):
                    by_model.setdefault(result.model, []).append(result)
            results += [_mean_over_seeds(seeds) for seeds in by_model.values()]
            if not records:
                missing.append((row, name))
    return Table(tuple(results), tuple(missing))


def _check_same_model(records: Sequence[Path]) -> None:
    """Raise an error if records to be averaged over seeds differ in more than the seed."""
    if len(records) < 2:
        return
    made = dict(runs_files.read_json(records[0]).get("made", {}))
    made.pop("run", None)
    if isinstance(made.get("settings"), dict):
        made["settings"] = {k: v for k, v in made["settings"].items() if k != "seed"}
    for record in records[1:]:
        check_made(record, made)


def _mean_over_seeds(results: Sequence[Result]) -> Result:
    """Combine the results of several seeds into one line."""
    if len(results) == 1:
        return results[0]
    nats = np.array([result.nats for result in results])
    averaged = ("se", "train_seconds", "samples_per_second", "steps_per_sample", "states_in_class")
    means: dict[str, Any] = {}
    for name in averaged:
        known = [value for result in results if (value := getattr(result, name)) is not None]
        means[name] = float(np.mean(known)) if known else None
    return dataclasses.replace(
        results[0],
        nats=float(nats.mean()),
        sigma=float(np.median([result.sigma for result in results])),
        at_edge=any(result.at_edge for result in results),
        seeds=len(results),
        spread=float(nats.std(ddof=1)),
        **means,
    )


# --- One record -----------------------------------------------------------------------------------


def record_path(folder: Path, grid: str) -> Path:
    """Return the path of a row's record."""
    return folder / f"score-{grid}.json"


def write_record(
    record: Path,
    results: Sequence[Result],
    image_shape: tuple[int, int, int],
    made: Mapping[str, Any],
    made_with: Mapping[str, Any],
) -> None:
    """Write the results of one row with one seed.

    Args:
        record: the file.
        results: the row's lines.
        image_shape: (channels, height, width), to read the pictures.
        made: the arguments on which the results depend; `check_made` compares them.
        made_with: versions, machine and data.
    """
    content = {
        "format": runs_files.FORMAT,
        "image_shape": image_shape,
        "rows": [dataclasses.asdict(result) for result in results],
        "made": dict(made),
        "made_with": dict(made_with),
    }
    with runs_files.explain_os_errors(record.parent):
        runs_files.write_atomically(record, runs_files.json_text(content))


def check_made(record: Path, made: Mapping[str, Any]) -> None:
    """Refuse a record that was made with other arguments."""
    recorded_made = runs_files.read_json(record).get("made", {})
    for name, value in made.items():
        # Earlier versions recorded `run` only if one was given, and not always the others.
        found = recorded_made.get(name, None if name == "run" else value)
        if isinstance(found, dict) and isinstance(value, dict):
            different = [
                f"{k} = {found[k]}, not {v}"
                for k, v in value.items()
                if k in found and v != found[k]
            ]
        else:
            different = [] if found == value else [f"{name} = {found}, not {value}"]
        if different:
            what = "of other images" if name == "fingerprint" else f"with {'; '.join(different)}"
            raise UserError(
                f"{record} was made {what}. Choose another output folder (out), or delete that "
                "file."
            )


def _read_record(record: Path) -> list[Result]:
    try:
        return [Result(**row) for row in runs_files.read_json(record)["rows"]]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{record} is damaged ({error}). Delete it and make the table again."
        ) from error


def read_image_shape(folder: Path) -> tuple[int, int, int]:
    """Return (channels, height, width) of the images in a row's folder."""
    record = runs_files.read_json(next(folder.glob("score-*.json")))
    channels, height, width = record["image_shape"]
    return channels, height, width
