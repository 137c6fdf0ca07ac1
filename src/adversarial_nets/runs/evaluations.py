"""Read evaluation.json, the list of a run's Parzen scores, without importing torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.fields import ROUND, check
from adversarial_nets.runs.files import read_bytes, reason

__all__ = ["grid_of", "read_evaluations", "with_round"]

_PARZEN = {
    "nats sigma": float,
    "se": (None, float),
    "at_edge": bool,
    "grid": str,
    "samples": ROUND[1:],
    "curve": [[float, float]],
    "folds?": list,
}
_REFERENCE = {"name note": str, "nats": float, "se sigma": (None, float), "samples": ROUND}
_SCORE = {
    "round": ROUND,
    "weights": {"raw", "averaged"},
    "data": str,
    "parzen": _PARZEN,
    "calibration?": (None, [_REFERENCE]),
}
"""The form of a score, with the parts that a report needs."""


def read_evaluations(folder: Path) -> list[dict[str, Any]]:
    """Read the scores that `evaluation.evaluate` wrote into a run's folder.

    Args:
        folder: the run's folder.

    Returns:
        Objects in the form of `evaluation.Evaluation.to_json`, oldest first; empty if the run has
        not been evaluated.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / "evaluation.json"
    if not path.exists():
        return []
    try:
        found: list[dict[str, Any]] = json.loads(read_bytes(path))
        check(found, [dict])
        records = [with_round(record) for record in found]
        check(records, [_SCORE])
        if not all(record["parzen"]["curve"] for record in records):
            raise ValueError("a curve is empty")
        return records
    except (FileNotFoundError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({reason(error)}). Delete it and score the run again."
        ) from error


def grid_of(parzen: Mapping[str, Any]) -> str | tuple[float, ...]:
    """The grid of σ that a recorded score was computed with: its name, or a user's own values."""
    grid = str(parzen["grid"])
    return tuple(float(sigma) for sigma, _ in parzen["curve"]) if grid == "custom" else grid


def with_round(record: dict[str, Any]) -> dict[str, Any]:
    """Return a score's record with its round under ``round``; earlier versions used ``step``."""
    if "step" in record and "round" not in record:
        return {("round" if key == "step" else key): value for key, value in record.items()}
    return record
