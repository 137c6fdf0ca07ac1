"""Read evaluation.json, the list of a run's Parzen scores, without importing torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import read_bytes, reason

__all__ = ["grid_of", "read_evaluations", "with_round"]


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
        complete = [
            r for r in records if _is_complete(r["parzen"]) and r["weights"] and r["round"] >= 0
        ]
        for record in complete:
            _check(record)
        return complete
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


_NUMBER = (int, float)
_PARZEN = {"nats": _NUMBER, "se": (*_NUMBER, NoneType), "sigma": _NUMBER, "at_edge": (bool,)}
_REFERENCE = {"name": (str,), "note": (str,), "nats": _NUMBER, "se": (*_NUMBER, NoneType)}
_REFERENCE |= {"sigma": (*_NUMBER, NoneType), "samples": (int,)}


def _check(record: Mapping[str, Any]) -> None:
    """Raise a KeyError or TypeError if a part that a report needs is missing or of another type."""
    _require(record, {"round": (int,), "weights": (str,), "data": (str,)})
    parzen = record["parzen"]
    _require(parzen, _PARZEN | {"grid": (str,), "samples": (int,), "curve": (list,)})
    for sigma, nats in parzen["curve"]:
        _require({"σ": sigma, "nats": nats}, {"σ": _NUMBER, "nats": _NUMBER})
    _require({"folds": []} | parzen, {"folds": (list,)})
    for reference in record.get("calibration") or []:
        _require(reference, _REFERENCE)


def _require(values: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> None:
    """Check that there are values of these names and types; true and false are not numbers."""
    for name, of in types.items():
        if not isinstance(values[name], of) or (isinstance(values[name], bool) and bool not in of):
            raise TypeError(f"{name} is of another type")


def _is_complete(parzen: Mapping[str, Any]) -> bool:
    """Whether a score has all parts that a report needs; incomplete scores are ignored."""
    return bool(parzen["curve"] and parzen["grid"] and parzen["samples"] > 0)
