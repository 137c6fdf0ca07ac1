"""Compare runs: scores, differing settings, mean and standard deviation over seeds."""

import json
import math
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import PublishedScore, of_the_paper
from adversarial_nets.evaluation.score import read_evaluations, with_round
from adversarial_nets.runs import folder
from adversarial_nets.settings import from_json

__all__ = ["Comparison", "Entry", "Group", "compare"]

_SCORED_HOW = ("data", "round", "weights", "grid", "samples")
_DAMAGES = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
_NONE: Mapping[str, Any] = {"parzen": {}}  # not yet scored


@dataclass(frozen=True)
class Entry:
    """One run in a comparison.

    Attributes:
        name: its folder or file, as short as tells it from the others.
        data: the data set's name.
        round: the round that was scored; None without a score.
        weights: ``raw`` or ``averaged``.
        grid: the grid that σ came from.
        samples: how many samples were scored; None where no score is there.
        nats: Parzen log-likelihood of the test images, or None.
        se: its standard error over test images, or None.
        settings: the game's settings, its precision, what a program gave it, and which images a
            folder held, by name.
        curve: on the way, the rounds and the validation scores of the raw and the averaged G.
    """

    name: str
    data: str
    round: int | None
    weights: str
    grid: str
    samples: int | None
    nats: float | None
    se: float | None
    settings: Mapping[str, Any]
    curve: Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Group:
    """Scores that differ in the seed alone.

    Attributes:
        names: whose.
        seeds: how many; several scores of one seed count as their mean.
        mean: in nats.
        spread: standard deviation over seeds (of a sample: divided by n − 1).
    """

    names: tuple[str, ...]
    seeds: int
    mean: float
    spread: float


@dataclass(frozen=True)
class Comparison:
    """What several runs came to.

    Attributes:
        entries: the runs, in the order given.
        differences: what is not the same in all, by name: its value in each run.
        groups: runs that differ in the seed alone, two or more; nets of one's own are taken to be
            the same.
        published: the paper's score, where all runs were scored on its data, grid and number of
            samples.
    """

    entries: tuple[Entry, ...]
    differences: Mapping[str, tuple[Any, ...]]
    groups: tuple[Group, ...]
    published: PublishedScore | None


def compare(
    paths: Sequence[Path],
    weights: Literal["raw", "averaged"] = "raw",
    grid: Literal["paper", "fine"] = "paper",
) -> Comparison:
    """Read the runs and their scores and put them side by side. Scores nothing anew.

    Args:
        paths: runs' folders, or files with what ``advnets evaluate RUN --json`` printed.
        weights: which score to read from a folder; a file has its own.
        grid: likewise.

    Returns:
        the comparison; of a folder's scores the one of the newest round counts, and there the one
        of the most samples.

    Raises:
        UserError: fewer than two, one given twice, or what is neither a run nor such a file.
    """
    if len(paths) < 2:
        raise UserError("There is nothing to compare: name two runs or more.")
    entries = tuple(
        _from_file(path, name) if isfile else _from_folder(path, name, weights, grid)
        for path, name, isfile in zip(paths, _names(paths), _are_files(paths), strict=True)
    )
    facts = [{**{key: getattr(e, key) for key in _SCORED_HOW}, **e.settings} for e in entries]
    values = {name: tuple(fact[name] for fact in facts) for name in facts[0]}
    differences = {name: v for name, v in values.items() if any(x != v[0] for x in v)}
    comparable = all(e.grid == "paper" and e.samples == 10_000 for e in entries)
    same_data = "data" not in differences
    published = of_the_paper(entries[0].data) if comparable and same_data else None
    return Comparison(entries, differences, _groups(entries), published)


def _are_files(paths: Sequence[Path]) -> list[bool]:
    """Whether each is a file; raises where one cannot be looked at, or comes twice."""
    seen: set[Path] = set()
    found = []
    for path in paths:
        try:
            place = path.resolve()
            found.append(place.is_file())
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}); name another.") from error
        if place in seen:
            raise UserError(f"{path} is named twice; name each run once.")
        seen.add(place)
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as few as tell them apart; letters of no script become �."""
    texts = [os.fsencode(path.absolute()).decode(errors="replace") for path in paths]
    parts = [Path(text.removesuffix(".json")).parts for text in texts]
    for n in range(1, max(map(len, parts))):
        names = ["/".join(part[-n:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return texts


def _groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Entries alike in all but the seed; several scores of one seed count by their mean."""
    alike: dict[str, list[tuple[Entry, float]]] = {}
    for entry in entries:
        rest = {name: value for name, value in entry.settings.items() if name != "seed"}
        how = repr([rest, *(getattr(entry, key) for key in _SCORED_HOW)])
        if entry.nats is not None:
            alike.setdefault(how, []).append((entry, entry.nats))
    groups = []
    for group in alike.values():
        draws: dict[int, list[float]] = {}
        for entry, nats in group:
            draws.setdefault(entry.settings["seed"], []).append(nats)
        if len(draws) > 1:
            means = [statistics.fmean(scores) for scores in draws.values()]
            names = tuple(entry.name for entry, _ in group)
            mean, spread = statistics.fmean(means), statistics.stdev(means)
            groups.append(Group(names, len(draws), mean, spread))
    return tuple(groups)


def _from_folder(path: Path, name: str, weights: str, grid: str) -> Entry:
    run = folder.open_run(path)
    found = [
        record
        for record in read_evaluations(path)
        if record["weights"] == weights and record["parzen"]["grid"] == grid
    ]
    try:
        record: Mapping[str, Any] = max(found, key=_round_and_samples, default=_NONE)
        about = {"data": run.data, "weights": weights, "run": folder.history(run)}
        whole = {**record, **about, "parzen": {**record["parzen"], "grid": grid}}
        return _entry(whole, name, scored=bool(found))
    except _DAMAGES as error:
        raise UserError(
            f"{path} is damaged ({error!r}): evaluation.json or metrics.jsonl holds what no run "
            "writes there; delete evaluation.json and evaluate again."
        ) from error


def _round_and_samples(record: Mapping[str, Any]) -> tuple[int, int]:
    return int(record["round"]), int(record["parzen"]["samples"])


def _from_file(path: Path, name: str) -> Entry:
    try:
        return _entry(with_round(json.loads(path.read_text())), name, scored=True)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (OSError, *_DAMAGES) as error:
        raise UserError(
            f"{path} is not what `advnets evaluate RUN --json` prints ({error!r}); "
            "name a run's folder, or a file that it printed."
        ) from error


def _entry(record: Mapping[str, Any], name: str, *, scored: bool) -> Entry:
    parzen, run = record["parzen"], record["run"]
    made_with = run["made_with"]
    beside = {
        "precision": made_with.get("precision", "float32"),
        "own optimiser": made_with.get("optimiser"),
        "own nets": run.get("own_nets", False),
        # A name with a colon is a folder of the user's, whose images may change.
        "images": run.get("fingerprint") if ":" in str(record["data"]) else None,
    }
    points = [
        {key: _number(point[key]) for key in ("round", "raw", "averaged") if key in point}
        for point in run["curve"]
    ]
    if record["weights"] not in ("raw", "averaged") or parzen["grid"] not in ("paper", "fine"):
        raise ValueError(f"weights {record['weights']!r} and grid {parzen['grid']!r}")
    if scored and not (parzen["samples"] > 0 and parzen["se"] >= 0 and record["round"] >= 0):
        raise ValueError("a number below zero")
    return Entry(
        name=name,
        data=str(record["data"]),
        round=int(record["round"]) if scored else None,
        weights=record["weights"],
        grid=parzen["grid"],
        samples=int(parzen["samples"]) if scored else None,
        nats=_number(parzen["nats"]) if scored else None,
        se=_number(parzen["se"]) if scored else None,
        settings=from_json(run["settings"]).flat() | beside,
        curve=[point for point in points if "round" in point and len(point) > 1],
    )


def _number(x: object) -> float:
    if isinstance(x, bool) or not isinstance(x, int | float) or not math.isfinite(x):
        raise ValueError(f"{x!r} where a number should be")
    return float(x)
