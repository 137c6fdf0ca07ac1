"""Recorded results of §7: one row for each measure of each model, with the published number."""

import dataclasses
import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adversarial_nets.errors import UserError
from adversarial_nets.runs import files

__all__ = ["Item", "Row", "mean_and_spread", "read_rows", "record_rows", "with_length"]

Item = Literal["conditional", "inference", "filling-in", "few-labels", "efficiency"]


@dataclass(frozen=True)
class Row:
    """One measured number.

    Attributes:
        item: the paper's extension to which it belongs.
        model: the model and how it was trained.
        measure: the name of the measured quantity, with its unit.
        data: the data set's name.
        ours: the number, a mean over the seeds.
        spread: standard deviation over the seeds; None for one.
        seeds: how many seeds.
        published: the published number, as text; None if there is none.
        seconds: mean time of one training; None if nothing was trained. It is wall-clock time for
            runs (conditional, and E of a joint run), and processor time for few labels, E after G
            and the joint game of `paper.section7.joint`.
        reached: for efficiency, the number of seeds that reached the score. `ours` counts the other
            seeds with all their rounds, so it is a lower bound unless all reached it. None for
            other items.
    """

    item: Item
    model: str
    measure: str
    data: str
    ours: float
    spread: float | None = None
    seeds: int = 1
    published: str | None = None
    seconds: float | None = None
    reached: int | None = None
    details: str = ""

    @property
    def name(self) -> str:
        """The model, and the number of its games that reached the score if some did not."""
        if self.reached is None or self.reached == self.seeds:
            return self.model
        return f"{self.model} ({self.reached} of {self.seeds} seeds reach it)"

    @property
    def subject(self) -> tuple[str, str, str, str, str]:
        """The key of a row; a newer row with the same key replaces an older one."""
        return self.item, self.model, self.measure, self.data, self.details


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and the standard deviation of a sample; the latter is None for a single value.

    >>> mean_and_spread([1.0, 3.0]), mean_and_spread([2.0])
    ((2.0, 1.4142135623730951), (2.0, None))
    """
    spread = statistics.stdev(values) if len(values) > 1 else None
    return statistics.fmean(values), spread


def with_length(model: str, length: int, usual: int, unit: str) -> str:
    """A model's name, with the length of its training if that is not the default.

    >>> with_length("joint game", 400, 400, "epochs"), with_length("joint game", 50, 400, "epochs")
    ('joint game', 'joint game, 50 epochs')
    """
    return model if length == usual else f"{model}, {length:,} {unit}"


def read_rows(path: Path) -> list[Row]:
    """The rows of a file that `record_rows` wrote; empty if the file does not exist.

    Raises:
        UserError: the file is damaged.
    """
    if not path.is_file():
        return []
    try:
        known = {f.name for f in dataclasses.fields(Row)}
        records: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        rows = [Row(**{k: v for k, v in record.items() if k in known}) for record in records]
        return [_with_reached(row) for row in rows]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged ({error}). Delete it, and compute its rows again."
        ) from error


def _with_reached(row: Row) -> Row:
    """Convert a row of an earlier version, which had `reached` in the model's name."""
    found = re.fullmatch(r"(.*) \((\d+) of \d+ seeds reach it\)", row.model)
    return dataclasses.replace(row, model=found[1], reached=int(found[2])) if found else row


def record_rows(path: Path, rows: Iterable[Row]) -> None:
    """Add rows to a file; each replaces an older one with the same `Row.subject`."""
    new = list(rows)
    replaced = {row.subject for row in new}
    with files.explain_os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.exclusive_lock(path):
            kept = [row for row in read_rows(path) if row.subject not in replaced]
            content = {"rows": [dataclasses.asdict(row) for row in [*kept, *new]]}
            files.write_atomically(path, json.dumps(content, indent=1) + "\n")
