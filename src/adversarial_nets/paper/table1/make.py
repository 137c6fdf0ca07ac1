"""Make Table 1: fit, sample and score the rows that are not recorded yet, and write the table."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

from adversarial_nets import datasets
from adversarial_nets.baselines import BASELINES, Baseline
from adversarial_nets.datasets import Dataset, fingerprint
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.evaluation.parzen import GRIDS
from adversarial_nets.paper.table1 import record
from adversarial_nets.paper.table1.record import ADVERSARIAL_NETS, NAMES, REFERENCES, Table
from adversarial_nets.paper.table1.rows import Options, make_row
from adversarial_nets.paper.table1.text import write_files
from adversarial_nets.progress import Progress
from adversarial_nets.runs.folder import RunLike, folder_of
from adversarial_nets.runs.provenance import made_with
from adversarial_nets.setting_values import whole_number
from adversarial_nets.text import file_name

__all__ = ["table1"]


def table1(
    data: str | Sequence[str] = ("mnist",),
    out: str | PathLike[str] = Path("runs/table1"),
    *,
    rows: str | Sequence[str] = NAMES,
    grid: str = "paper",
    seeds: int = 1,
    quick: bool = False,
    run: RunLike | None = None,
    on_progress: Progress | None = None,
) -> Table:
    """Make the rows of Table 1 that are not recorded yet, and write the table.

    Args:
        data: names of data sets for `datasets.load`, or one name.
        out: the output folder.
        rows: names of rows, or one name: `NAMES`, or keys of `baselines.BASELINES`.
        grid: the grid of σ, ``paper`` or ``fine``.
        seeds: number of seeds of each trained model: 0, 1, ….
        quick: train small networks for a short time.
        run: adversarial nets trained on the data, to be scored instead of training new ones: a run
            folder, or a generator that `export_generator` wrote, also an ONNX file of networks of
            your own. Nothing there is changed.
        on_progress: called with (what, amount done, total).

    Returns:
        All recorded rows, including those made by earlier calls.

    Raises:
        UserError: a name is unknown, `seeds` is below 1, the data are not in [0, 1], or the output
            folder holds rows made with other settings.
        Stopped: SIGINT, SIGTERM or SIGHUP was received; the current training is saved.
        Diverged: a loss or a weight of a training is not finite.
    """
    all_rows = (*BASELINES, ADVERSARIAL_NETS, REFERENCES)
    data, rows = (
        (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
        for names in (data, rows)
    )
    for row in rows:
        _check_row(row, all_rows)
    if grid not in GRIDS:
        raise unknown_name(grid, list(GRIDS), "grid of σ")
    seeds, out = whole_number("seeds", seeds), Path(out)
    options = Options(grid, quick, None if run is None else folder_of(run), on_progress)
    for name in data:
        if not isinstance(name, str):
            raise UserError(
                f"data has a {type(name).__name__}; give names of data sets, e.g. ['mnist-5k'] "
                "(datasets.register makes a name for others)."
            )
        dataset = datasets.load(name, on_progress=on_progress)
        if dataset.range != (0.0, 1.0):
            low, high = dataset.range
            raise UserError(
                f"The images of {name} are in [{low:g}, {high:g}], but the models of Table 1 need "
                "images in [0, 1]. Choose another data set, such as mnist."
            )
        for row in rows:
            single = row == REFERENCES or (row == ADVERSARIAL_NETS and run is not None)
            for seed in range(1 if single else seeds):
                folder = out / file_name(dataset.name) / f"{row}-{seed}"
                _make_and_record(row, dataset, seed, folder, options)
    table = record.read_table(out, data, all_rows, grid)
    return dataclasses.replace(table, files=write_files(table, out))


def _check_row(row: str, known: Sequence[str]) -> None:
    """Raise an error if a row is unknown or cannot be made."""
    if row not in known:
        raise unknown_name(row, known, "row")
    if row in BASELINES and not isinstance(BASELINES[row], Baseline):
        raise UserError(
            f"BASELINES[{row!r}] is of type {type(BASELINES[row]).__name__}; it must be a "
            "Baseline(title, fit, sample, settings)."
        )


def _make_and_record(row: str, data: Dataset, seed: int, folder: Path, options: Options) -> None:
    """Make one row with one seed and write its record, unless it is recorded already."""
    path = record.record_path(folder, options.grid)
    made: dict[str, object] = {"quick": options.quick, "fingerprint": fingerprint(data)}
    if row == ADVERSARIAL_NETS:
        made["run"] = str(options.run) if options.run else None
    elif row != REFERENCES:
        settings = dataclasses.asdict(BASELINES[row].settings_for(seed, options.quick))
        made["settings"] = json.loads(json.dumps(settings))  # as they are read from the file
    if path.exists():
        record.check_made(path, made)
        return
    results = make_row(row, data, seed, folder, options)
    record.write_record(path, results, data.image_shape, made, made_with(data))
