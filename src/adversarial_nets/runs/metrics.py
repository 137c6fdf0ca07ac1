"""Read, append and truncate metrics.jsonl."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import (
    explain_os_errors,
    read_bytes,
    require_folder,
    write_atomically,
)

__all__ = ["append_metrics", "cut_metrics", "read_metrics"]


def read_metrics(folder: str | Path) -> list[dict[str, Any]]:
    """Read all rows of metrics.jsonl in a run's folder; incomplete and damaged lines are ignored.

    Raises:
        UserError: the file cannot be read.
    """
    return [row for line in _lines(Path(folder)) if (row := _row(line)) is not None]


def _lines(folder: Path) -> list[bytes]:
    """The lines of metrics.jsonl; empty if the file does not exist."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    try:
        return read_bytes(path).splitlines()
    except FileNotFoundError as error:  # the path is a folder
        raise UserError(f"{path} cannot be read ({error}). Restore it from a copy.") from error


def _row(line: bytes) -> dict[str, Any] | None:
    """The row that a line holds; None if it is damaged or incomplete."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # ValueError also for bytes that are not UTF-8
        return None
    if not isinstance(row, dict) or not isinstance(row.get("round"), int):
        return None
    scores = row.get("scores", {})
    is_right = isinstance(scores, dict) and all(isinstance(x, dict) for x in scores.values())
    return row if is_right else None


def append_metrics(folder: Path, row: Mapping[str, Any]) -> None:
    """Append one row to metrics.jsonl.

    Raises:
        UserError: the folder was moved or deleted, or cannot be written.
    """
    require_folder(folder)
    with (
        explain_os_errors(folder),
        (folder / "metrics.jsonl").open("a", encoding="utf-8", newline="\n") as file,
    ):
        file.write(json.dumps(row) + "\n")


def cut_metrics(folder: Path, last: int) -> None:
    """Delete the rows of rounds after `last`, because these rounds will be trained again.

    A killed process may leave an incomplete last line. If other lines are damaged, a copy of the
    file is kept and a warning is given.
    """
    lines = _lines(folder)
    damaged = sum(_row(line) is None for line in lines[:-1])
    rows = [row for row in map(_row, lines) if row is not None and row["round"] <= last]
    path = folder / "metrics.jsonl"
    with explain_os_errors(folder):
        if damaged:
            copy = path.with_name("metrics.jsonl.damaged")
            write_atomically(copy, path.read_bytes())
            warnings.warn(
                f"Damaged lines of {path} ({damaged}) are left out; {copy.name} is a copy of it.",
                UserWarning,
                stacklevel=2,
            )
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(path, text)
