"""Read, append and truncate metrics.jsonl."""

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversarial_nets.errors import UserError
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
            UserWarning,
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


_NUMBERS = ("d_loss", "g_loss", "D_x", "D_G_z", "spread", "epoch", "seconds")
_OF_A_BASELINE = ("loss", "seconds")
_WITH_SCORES = ("accuracy", "V_training", "V_held_out")


def _row(line: bytes) -> dict[str, Any] | None:
    """The row in a line; None if it is damaged, incomplete, or lacks a number."""
    row = _parsed(line)
    if not isinstance(row, dict) or not isinstance(row.get("round"), int):
        return None
    of_baseline = "loss" in row and "d_loss" not in row
    of_a_score = [name for name in _WITH_SCORES if name in row]
    numbers = ("round", *(_OF_A_BASELINE if of_baseline else _NUMBERS), *of_a_score)
    if not all(_is_number(row.get(name)) for name in numbers):
        return None
    if ("V_training" in row) != ("V_held_out" in row):
        return None
    return row if "scores" not in row or _are_scores(row["scores"]) else None


def _parsed(line: bytes) -> object:
    """The object in a line of JSON; None if the line is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # also bytes that are not UTF-8
        return None


def _is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _are_scores(scores: object) -> bool:
    """Whether a value holds the validation scores of generators, with or without distances."""
    if not isinstance(scores, dict) or "raw" not in scores:
        return False
    for score in scores.values():
        is_score = isinstance(score, dict) and ("fine" in score) == ("coarse" in score)
        names = {"valid_nats", *(score if is_score else ())} & {"valid_nats", "fine", "coarse"}
        if not is_score or not all(_is_number(score.get(name)) for name in names):
            return False
    return True


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
                UserWarning,
                stacklevel=2,
            )
        text = "".join(json.dumps(row) + "\n" for row in rows if row["round"] <= last)
        write_atomically(path, text)
