"""Read, append and truncate metrics.jsonl."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import explain_os_errors, write_atomically

__all__ = ["append_metrics", "cut_metrics", "read_metrics"]


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Read all rows of metrics.jsonl, up to the first line that is incomplete or not a row.

    Raises:
        UserError: the file cannot be read.
    """
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    rows = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error}). Restore it from a copy.") from error
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # also bytes that are not UTF-8
            break
        if not (isinstance(row, dict) and isinstance(row.get("round"), int)):
            break
        rows.append(row)
    return rows


def append_metrics(folder: Path, row: Mapping[str, Any]) -> None:
    """Append one row to metrics.jsonl."""
    with (
        explain_os_errors(folder),
        (folder / "metrics.jsonl").open("a", encoding="utf-8", newline="\n") as file,
    ):
        file.write(json.dumps(row) + "\n")


def cut_metrics(folder: Path, last: int) -> None:
    """Delete the rows of rounds after `last`, because these rounds will be played again."""
    rows = [row for row in read_metrics(folder) if row["round"] <= last]
    with explain_os_errors(folder):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(folder / "metrics.jsonl", text)
