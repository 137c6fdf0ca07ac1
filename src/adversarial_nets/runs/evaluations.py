"""Read evaluation.json, the list of a run's Parzen scores, without importing torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import read_bytes, reason

__all__ = ["read_evaluations", "with_round"]


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
        records = [with_round(record) for record in json.loads(read_bytes(path))]
        return [
            r for r in records if _is_complete(r["parzen"]) and r["weights"] and r["round"] >= 0
        ]
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({reason(error)}). Delete it and run advnets evaluate again."
        ) from error


def with_round(record: dict[str, Any]) -> dict[str, Any]:
    """Return a score's record with its round under ``round``; earlier versions used ``step``."""
    if "step" in record and "round" not in record:
        return {("round" if key == "step" else key): value for key, value in record.items()}
    return record


def _is_complete(parzen: Mapping[str, Any]) -> bool:
    """Whether a score has all parts that a report needs; incomplete scores are ignored."""
    return bool(parzen["curve"] and parzen["grid"] and parzen["samples"] > 0)
