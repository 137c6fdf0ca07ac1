"""Runs side by side: their scores, what their settings differ in, and the spread over seeds.

A single training is one draw: the same game with another seed ends several nats away, more than
the standard error over test images says. So runs that differ in the seed alone make a group, and a
group gets a mean and a standard deviation.
"""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adversarial_nets import runs
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import PublishedScore, of_the_paper
from adversarial_nets.evaluation.score import read_evaluations
from adversarial_nets.settings import from_json

__all__ = ["Comparison", "Entry", "Group", "compare"]

_DAMAGES = (KeyError, TypeError, ValueError, AttributeError)  # of a record that has another form
_NONE: Mapping[str, Any] = {"parzen": {}}  # not yet scored


@dataclass(frozen=True)
class Entry:
    """One run in a comparison.

    Attributes:
        name: its folder or file, as short as tells it from the others.
        data: the data set's name.
        step: the round that was scored; None where no score is there.
        weights: ``raw`` or ``averaged``.
        grid: the grid that σ came from.
        samples: how many samples were scored; None where no score is there.
        nats: Parzen log-likelihood of the test images, or None.
        se: its standard error over test images, or None.
        settings: the game's settings, its precision and what a program gave it, by name.
        curve: on the way, the rounds and the validation scores of the raw and the averaged G.
    """

    name: str
    data: str
    step: int | None
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
        mean: in nats.
        spread: standard deviation over seeds (of a sample: divided by n − 1).
    """

    names: tuple[str, ...]
    mean: float
    spread: float


@dataclass(frozen=True)
class Comparison:
    """What several runs came to.

    Attributes:
        entries: the runs, in the order given.
        differences: for each setting that is not the same in all, its value in each run.
        groups: runs that differ in the seed alone, two or more; nets of one's own are taken to be
            the same.
        published: the paper's score, where every run was scored as it was.
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
        the comparison; a folder's newest score counts.

    Raises:
        UserError: fewer than two, one given twice, or what is neither a run nor such a file.
    """
    if len(paths) < 2:
        raise UserError("There is nothing to compare: name two runs or more.")
    whole = [path.resolve() for path in paths]
    for path, place in zip(paths, whole, strict=True):
        if whole.count(place) > 1:
            raise UserError(f"{path} is named twice; name each run once.")
    entries = tuple(
        _from_file(path, name) if path.is_file() else _from_folder(path, name, weights, grid)
        for path, name in zip(paths, _names(whole), strict=True)
    )
    options = [entry.settings for entry in entries]
    differences = {
        name: tuple(option[name] for option in options)
        for name in options[0]
        if any(option[name] != options[0][name] for option in options)
    }
    comparable = all(e.grid == "paper" and e.samples == 10_000 for e in entries)
    one_data = {e.data for e in entries}
    published = of_the_paper(entries[0].data) if comparable and len(one_data) == 1 else None
    return Comparison(entries, differences, _groups(entries), published)


def _names(paths: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as few as tell them apart."""
    for n in range(1, max(len(path.parts) for path in paths)):
        names = ["/".join(path.with_suffix("").parts[-n:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Entries alike in all but the seed; one that is alike in the seed too is no second draw."""
    alike: dict[str, dict[Any, Entry]] = {}
    for entry in entries:
        rest = {name: v for name, v in entry.settings.items() if name != "--seed"}
        what = (entry.data, entry.step, entry.weights, entry.grid, entry.samples, rest)
        if entry.nats is not None:
            alike.setdefault(repr(what), {}).setdefault(entry.settings["--seed"], entry)
    return tuple(
        Group(
            tuple(entry.name for entry in group.values()),
            statistics.fmean(nats),
            statistics.stdev(nats),
        )
        for group in alike.values()
        if len(nats := [entry.nats for entry in group.values() if entry.nats is not None]) > 1
    )


def _from_folder(path: Path, name: str, weights: str, grid: str) -> Entry:
    run = runs.open_run(path)
    found = [
        record
        for record in read_evaluations(path)
        if record["weights"] == weights and record["parzen"]["grid"] == grid
    ]
    record: Mapping[str, Any] = max(reversed(found), key=lambda r: int(r["step"]), default=_NONE)
    about = {"data": run.data, "weights": weights, "run": runs.history(run)}
    whole = {**record, **about, "parzen": {**record["parzen"], "grid": grid}}
    try:
        return _entry(whole, name, scored=bool(found))
    except _DAMAGES as error:
        raise UserError(
            f"{path} is damaged ({error!r}): evaluation.json or metrics.jsonl holds what no run "
            "writes there; delete evaluation.json and evaluate again."
        ) from error


def _from_file(path: Path, name: str) -> Entry:
    try:
        return _entry(json.loads(path.read_text()), name, scored=True)
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
        "--precision": made_with.get("precision", "float32"),
        "own optimiser": made_with.get("optimiser"),
        "own nets": run.get("own_nets", False),
    }
    curve = [
        {"round": _number(point["round"])}
        | {key: _number(point[key]) for key in ("raw", "averaged") if key in point}
        for point in run["curve"]
    ]
    return Entry(
        name=name,
        data=str(record["data"]),
        step=int(record["step"]) if scored else None,
        weights=str(record["weights"]),
        grid=str(parzen["grid"]),
        samples=int(parzen["samples"]) if scored else None,
        nats=_number(parzen["nats"]) if scored else None,
        se=_number(parzen["se"]) if scored else None,
        settings=from_json(run["settings"]).options() | beside,
        curve=curve,
    )


def _number(x: object) -> float:
    if not isinstance(x, int | float) or not math.isfinite(x):
        raise ValueError(f"{x!r} where a number should be")
    return float(x)
