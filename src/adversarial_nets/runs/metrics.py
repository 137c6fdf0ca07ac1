"""Read, append and truncate metrics.jsonl."""

import json
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.fields import ROUND, check
from adversarial_nets.runs.files import (
    explain_os_errors,
    naming,
    read_bytes,
    require_folder,
    write_atomically,
)

if TYPE_CHECKING:
    from adversarial_nets.runs.folder import RunLike

__all__ = ["append_metrics", "cut_metrics", "read_metrics"]


def read_metrics(run: "RunLike") -> list[dict[str, Any]]:
    """Read all rows of metrics.jsonl in a run's folder; incomplete and damaged lines are ignored.

    A warning names damaged lines, but not an incomplete last one, which a killed process leaves.

    Args:
        run: the run, or its folder.

    Raises:
        UserError: there is no such folder, or the file cannot be read.
    """
    place = getattr(run, "folder", run)
    if not isinstance(place, str | PathLike) or not Path(place).exists():
        raise UserError(f"{place!s} is not a folder of a run; give one, e.g. 'runs/first'.")
    rows, damaged = _rows(_lines(Path(place)))
    if damaged:
        warnings.warn(
            f"Damaged lines of {Path(place) / 'metrics.jsonl'} are left out: "
            f"{', '.join(map(str, damaged[:5]))}{', …' if len(damaged) > 5 else ''}. Restore them "
            "from a copy.",
            stacklevel=2,
        )
    return rows


def _lines(folder: Path) -> list[bytes]:
    """The lines of metrics.jsonl; empty if the file does not exist."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    try:
        return read_bytes(path).splitlines()
    except FileNotFoundError as error:  # the path is a folder
        raise UserError(f"{path} cannot be read ({error}). Restore it from a copy.") from error


def _rows(lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], list[int]]:
    """The rows, and the numbers of damaged lines except empty ones and an incomplete last line."""
    rows, damaged = [], []
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif line.strip() and (number < len(lines) or _parsed(line) is not None):
            damaged.append(number)
    return rows, damaged


_SCORE = {"valid_nats": float, "fine coarse?": float}
_ROW = {
    "round": ROUND,
    "d_loss g_loss D_x D_G_z spread epoch seconds": float,
    "accuracy?": float,
    "V_training V_held_out?": float,
    "scores?": {"raw": dict},
}
_ROW_OF_A_BASELINE = {"round": ROUND, "loss seconds": float}


def _row(line: bytes) -> dict[str, Any] | None:
    """The row in a line; None if it is damaged, incomplete, or lacks a number."""
    row: Any = _parsed(line)
    try:
        check(row, dict)
        is_of_a_baseline = "loss" in row and "d_loss" not in row
        check(row, _ROW_OF_A_BASELINE if is_of_a_baseline else _ROW)
        if not is_of_a_baseline:
            check(list(row.get("scores", {}).values()), [_SCORE])
    except (ValueError, KeyError):
        return None
    return dict(row)


def _parsed(line: bytes) -> object:
    """The object in a line of JSON; None if the line is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # also bytes that are not UTF-8
        return None


def append_metrics(folder: Path, row: Mapping[str, Any]) -> None:
    """Append one row to metrics.jsonl.

    Raises:
        UserError: the folder was moved or deleted, or cannot be written.
    """
    require_folder(folder)
    path = folder / "metrics.jsonl"
    with (
        explain_os_errors(folder),
        naming(path),
        path.open("a", encoding="utf-8", newline="\n") as file,
    ):
        file.write(json.dumps(row) + "\n")


def cut_metrics(folder: Path, last: int) -> None:
    """Delete the rows of rounds after `last`, because these rounds will be trained again.

    A killed process may leave an incomplete last line. If other lines are damaged, a copy of the
    file is kept and a warning is given.
    """
    rows, damaged = _rows(_lines(folder))
    path = folder / "metrics.jsonl"
    with explain_os_errors(folder):
        if damaged:
            copy = path.with_name("metrics.jsonl.damaged")
            write_atomically(copy, path.read_bytes())
            warnings.warn(
                f"Damaged lines of {path} ({len(damaged)}) are left out; {copy.name} is a copy of "
                "it.",
                stacklevel=2,
            )
        text = "".join(json.dumps(row) + "\n" for row in rows if row["round"] <= last)
        write_atomically(path, text)
