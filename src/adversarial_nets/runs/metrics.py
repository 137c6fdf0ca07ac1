"""metrics.jsonl: read, append, and cut back to a checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import explain_os_errors, write_atomically

__all__ = [
    "read_metrics",
]


# --- Metrics --------------------------------------------------------------------------------------


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Every row of metrics.jsonl, up to a line that a crash cut short or that is no row."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    rows = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error}); restore it from a copy.") from error
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # bytes that are no text, too
            break
        if not (isinstance(row, dict) and isinstance(row.get("round"), int)):
            break
        rows.append(row)
    return rows


def append_metrics(folder: Path, row: Mapping[str, Any]) -> None:
    """Add one row."""
    with explain_os_errors(folder), (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def cut_metrics(folder: Path, last: int) -> None:
    """Forget the rows of rounds after `last`, which are about to be played again."""
    rows = [row for row in read_metrics(folder) if row["round"] <= last]
    with explain_os_errors(folder):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(folder / "metrics.jsonl", text)
