"""Compare runs: scores, settings that differ, identical runs, mean and deviation over seeds."""

import dataclasses
import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from rich.cells import cell_len

from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import PublishedScore, error_in_words, of_the_paper
from adversarial_nets.runs import folder
from adversarial_nets.runs.evaluations import read_evaluations, with_round
from adversarial_nets.runs.fields import ROUND, check
from adversarial_nets.runs.files import reason
from adversarial_nets.setting_values import require_one_of
from adversarial_nets.settings import Settings, from_json
from adversarial_nets.text import OTHER_ORDER, distinct_lines, network_lines, padded

__all__ = ["Comparison", "Entry", "Group", "compare"]

_GRIDS = ("paper", "fine")
_WEIGHTS = ("raw", "averaged")
_PROTOCOL = ("data", "round", "weights", "grid", "samples")
_BAD_RECORD = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
_NOT_RECORDED = "not recorded"  # the layers of your own networks, in the first versions
_NO_LAYERS = (None, _NOT_RECORDED)
_NOT_SCORED: Mapping[str, Any] = {"parzen": {}}

_RECORD = {
    "data": str,
    "weights": set(_WEIGHTS),
    "parzen": {"grid": set(_GRIDS)},
    "run": {"made_with": dict, "curve": [{"round?": float, "raw?": float, "averaged?": float}]},
}
_SCORE = {"round": ROUND, "parzen": {"nats": float, "se": (None, float), "samples": ROUND[1:]}}
"""The forms of a record in the form of ``advnets evaluate --json``, and of its score."""


@dataclass(frozen=True)
class Entry:
    """One run in a comparison.

    Attributes:
        name: the end of its path, long enough to distinguish it from the other runs.
        data: the data set's name.
        preset: the preset's name, or e.g. "custom, from mnist" if the run differs from it.
        changed: the settings that differ from the preset's, except the seed and how images are
            read (`settings.DATA_OPTIONS`): (preset's value, run's value) by dotted name.
        round: the round that was scored, or None without a score.
        weights: ``raw`` or ``averaged``.
        grid: the name of the grid of σ.
        samples: number of samples scored, or None without a score.
        nats: Parzen log-likelihood of the test images, or None.
        se: its standard error over test images; None without a score or with one test image.
        settings: values by name: the game's settings, precision, the texts of your own G and D,
            your own optimiser, ``init_from``, changes by callbacks, the hash of your own images.
        curve: rounds and validation scores of the raw and the averaged G during training.
    """

    name: str
    data: str
    preset: str
    changed: Mapping[str, tuple[Any, Any]]
    round: int | None
    weights: str
    grid: str
    samples: int | None
    nats: float | None
    se: float | None
    settings: Mapping[str, Any]
    curve: Sequence[Mapping[str, float]]

    def __str__(self) -> str:
        """The data and the score."""
        if self.nats is None:
            unscored = self.settings.get("train_on_all")
            score = "no score: all images were trained on" if unscored else "no score of this kind"
        else:
            score = f"round {self.round:9,}  {self.nats:8.1f}{error_in_words(self.se, ' nats')}"
            score += "" if self.samples == 10_000 else f" of {self.samples:,} samples"
        return f"{self.data}, {self.weights} G, grid {self.grid}  {score}"


@dataclass(frozen=True)
class Group:
    """Runs that differ only in the seed.

    Attributes:
        names: names of the runs.
        seeds: number of seeds; several scores of the same seed count as their mean.
        mean: mean score over seeds, in nats.
        spread: sample standard deviation over seeds (divided by n − 1), in nats.
    """

    names: tuple[str, ...]
    seeds: int
    mean: float
    spread: float


@dataclass(frozen=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        entries: the runs, in the order given.
        differences: settings and protocol values that differ between runs: each run's value, by
            name. For your own networks, the lines of their text (`repr`) that are not in all runs.
        identical: names of runs that are equal in settings, seed, data, scores and curves; each
            set has two or more.
        groups: sets of two or more runs that differ only in the seed. Your own networks are
            assumed to be the same if their texts are.
        published: the paper's score, if all runs were scored on its data, grid and number of
            samples; else None.
    """

    entries: tuple[Entry, ...]
    differences: Mapping[str, tuple[Any, ...]]
    identical: tuple[tuple[str, ...], ...]
    groups: tuple[Group, ...]
    published: PublishedScore | None

    def __repr__(self) -> str:
        """The names of the runs."""
        return f"Comparison({', '.join(entry.name for entry in self.entries)})"

    def __str__(self) -> str:
        """A line for each run, difference and group, as ``advnets compare`` prints them."""
        width = max(cell_len(entry.name) for entry in self.entries)

        def labelled(name: str, text: str) -> str:
            return f"{padded(name, width)}  {text}"

        lines = []
        for entry in self.entries:
            lines.append(labelled(entry.name, str(entry)))
            if entry.preset.startswith("custom"):
                changes = ", ".join(f"{n} {old} → {new}" for n, (old, new) in entry.changed.items())
                lines.append(labelled("", entry.preset + (f": {changes}" if changes else "")))
        lines += [labelled(n, "  |  ".join(map(_value, v))) for n, v in self.differences.items()]
        for group in self.groups:
            mean = f"{group.mean:.1f}, standard deviation {group.spread:.1f}"
            lines.append(f"mean of {group.seeds} seeds {mean}: {', '.join(group.names)}")
        if self.published is not None:
            error = "" if self.published.se is None else f" ± {self.published.se:g}"
            lines.append(f"published {self.published.nats:g}{error}")
        lines += [f"identical: {', '.join(equal)}" for equal in self.identical]
        return "\n".join(lines)


def _value(value: object) -> str:
    """A setting's or protocol's value, whole numbers in groups of three digits."""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def compare(
    paths: Sequence[folder.RunLike],
    weights: Literal["raw", "averaged"] | None = None,
    grid: Literal["paper", "fine"] = "paper",
) -> Comparison:
    """Compare runs by their recorded scores; no new scores are computed.

    Args:
        paths: runs or their folders, or files with the output of ``advnets evaluate RUN --json``.
        weights: which score to read from a folder, ``raw`` or ``averaged``; by default that of
            `Run.default_weights`, or the other one if only that is recorded. Files have one score.
        grid: which score to read from a folder, by the name of its grid of σ.

    Returns:
        The comparison. If a folder has several scores with these weights and this grid, the one of
        the newest round is used; if there are several, the one with the most samples.

    Raises:
        UserError: fewer than two runs, a run given twice, a path that is neither a run's folder nor
            a file of that command, or unknown weights or grid.
    """
    if weights is not None:
        require_one_of("weights", weights, _WEIGHTS)
    require_one_of("grid", grid, _GRIDS)
    places = _places(paths)
    entries = tuple(
        _from_file(path, name) if is_file else _from_folder(path, name, weights, grid)
        for (path, is_file), name in zip(places.items(), _names(list(places)), strict=True)
    )
    facts = [{**{key: getattr(e, key) for key in _PROTOCOL}, **e.settings} for e in entries]
    values = {name: tuple(fact[name] for fact in facts) for name in facts[0]}
    differences = {name: v for name, v in values.items() if any(x != v[0] for x in v)}
    for name in differences.keys() & {"own G", "own D"}:
        differences[name] = _differing_layers(differences[name])
    comparable = all(e.grid == "paper" and e.samples == 10_000 for e in entries)
    same_data = "data" not in differences
    published = of_the_paper(entries[0].data) if comparable and same_data else None
    return Comparison(entries, differences, _identical(entries), _groups(entries), published)


def _differing_layers(texts: Sequence[str | None]) -> tuple[str | None, ...]:
    """For each of your own networks, the layers that are not in all of them."""
    networks = [text.splitlines() for text in texts if text not in _NO_LAYERS]
    layers = iter(zip(networks, distinct_lines(networks), strict=True))

    def words(lines: list[str], only: str) -> str:
        return only or ("own" if lines == networks[0] else OTHER_ORDER)

    return tuple(text if text in _NO_LAYERS else words(*next(layers)) for text in texts)


def _places(paths: object) -> dict[Path, bool]:
    """The paths of the runs to compare, each with whether it is a file."""
    if isinstance(paths, str | PathLike | folder.Run) or not isinstance(paths, Iterable):
        raise UserError(
            f"The runs to compare are given as a {type(paths).__name__}; give a list of two or "
            "more, e.g. ['runs/first', 'runs/second']."
        )
    found: dict[Path, bool] = {}
    seen: set[Path] = set()
    for path in map(folder.folder_of, paths):
        try:
            place = path.resolve()
            found[path] = place.is_file()
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}). Give another path.") from error
        if place in seen:
            raise UserError(f"{path} is given twice. Give each run once.")
        seen.add(place)
    if len(found) < 2:
        raise UserError(f"{len(found)} run is given; give two or more to compare.")
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """The ends of the paths, long enough to distinguish them; undecodable bytes become �."""
    texts = [os.fsencode(path.absolute()).decode(errors="replace") for path in paths]
    parts = [Path(text.removesuffix(".json")).parts for text in texts]
    for n in range(1, max(map(len, parts))):
        names = ["/".join(part[-n:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return texts


def _identical(entries: Sequence[Entry]) -> tuple[tuple[str, ...], ...]:
    """The names of entries with scores that are equal in everything but the name."""
    sets: list[tuple[Entry, list[str]]] = []
    for entry in entries:
        if entry.nats is None and not entry.curve:
            continue  # without a score, the number of rounds is not known
        nameless = dataclasses.replace(entry, name="")
        for other, names in sets:
            if other == nameless:
                names.append(entry.name)
                break
        else:
            sets.append((nameless, [entry.name]))
    return tuple(tuple(names) for _, names in sets if len(names) > 1)


def _groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Entries that differ only in the seed; several scores of the same seed count as their mean."""
    by_protocol: dict[str, list[tuple[Entry, float]]] = {}
    for entry in entries:
        rest = {name: value for name, value in entry.settings.items() if name != "seed"}
        key = repr([rest, *(getattr(entry, name) for name in _PROTOCOL)])
        if entry.nats is not None:
            by_protocol.setdefault(key, []).append((entry, entry.nats))
    groups = []
    for group in by_protocol.values():
        by_seed: dict[int, list[float]] = {}
        for entry, nats in group:
            by_seed.setdefault(entry.settings["seed"], []).append(nats)
        if len(by_seed) > 1:
            means = [statistics.fmean(scores) for scores in by_seed.values()]
            names = tuple(entry.name for entry, _ in group)
            mean, spread = statistics.fmean(means), statistics.stdev(means)
            groups.append(Group(names, len(by_seed), mean, spread))
    return tuple(groups)


def _from_folder(path: Path, name: str, weights: str | None, grid: str) -> Entry:
    """The entry of a run's folder, with its newest score of these weights and grid, if any."""
    run = folder.open_run(path)
    records = [r for r in read_evaluations(run.folder) if r["parzen"]["grid"] == grid]
    if weights is None:
        recorded = {record["weights"] for record in records}
        weights = run.default_weights
        weights = next(iter(recorded)) if recorded and weights not in recorded else weights
    found = [record for record in records if record["weights"] == weights]
    try:
        record: Mapping[str, Any] = max(
            found, key=lambda r: (r["round"], r["parzen"]["samples"]), default=_NOT_SCORED
        )
        origin = {"data": run.data, "weights": weights, "run": folder.history(run)}
        parzen = {**record["parzen"], "grid": grid}
        return _entry({**record, **origin, "parzen": parzen}, name, scored=bool(found))
    except _BAD_RECORD as error:
        raise UserError(
            f"{path} is damaged ({reason(error)}): evaluation.json or metrics.jsonl has invalid "
            "contents. Delete evaluation.json and score the run again."
        ) from error


def _from_file(path: Path, name: str) -> Entry:
    """The entry of a file with the output of ``advnets evaluate RUN --json``."""
    try:
        return _entry(with_round(json.loads(path.read_text(encoding="utf-8"))), name, scored=True)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (OSError, *_BAD_RECORD) as error:
        raise UserError(
            f"{path} is not the output of `advnets evaluate RUN --json` ({reason(error)}). Give a "
            "run's folder, or a file with that output."
        ) from error


def _entry(record: Mapping[str, Any], name: str, *, scored: bool) -> Entry:
    """An entry from a record in the form of ``advnets evaluate --json``."""
    check(record, _RECORD)
    if scored:
        check(record, _SCORE)
        if record["parzen"]["se"] is not None and record["parzen"]["se"] < 0:
            raise ValueError("se is negative")
    parzen, run = record["parzen"], record["run"]
    made_with = run["made_with"]
    other = {
        "precision": made_with.get("precision", "float32"),
        "own optimiser": made_with.get("optimiser"),
        "own G": _own_network("G", run),
        "own D": _own_network("D", run),
        "init_from": made_with.get("init_from"),
        "changed during training": _changes_in_words(made_with.get("changed_during_training", ())),
        "images": None if str(record["data"]) in REGISTRY else run.get("fingerprint"),
    }
    points = [
        {key: float(point[key]) for key in ("round", "raw", "averaged") if key in point}
        for point in run["curve"]
    ]
    settings = from_json(run["settings"])
    preset, changed = _preset(run, settings)
    return Entry(
        name=name,
        data=str(record["data"]),
        preset=preset,
        changed=changed,
        round=record.get("round"),
        weights=record["weights"],
        grid=parzen["grid"],
        samples=parzen.get("samples"),
        nats=parzen.get("nats"),
        se=parzen.get("se"),
        settings=settings.flat() | other,
        curve=[point for point in points if "round" in point and len(point) > 1],
    )


def _own_network(name: str, run: Mapping[str, Any]) -> str | None:
    """The text of a program's own G or D, None without one; the first versions recorded none."""
    texts = {net: text for net in "GD" if (text := run["made_with"].get(net)) is not None}
    if run.get("own_nets", False) and not texts:
        return _NOT_RECORDED
    return "\n".join(network_lines(texts[name])) if name in texts else None


def _changes_in_words(changes: Iterable[Mapping[str, Any]]) -> str | None:
    """The changes by callbacks, e.g. "lr .4 → .04 after round 100"; None if there are none."""
    words = [
        f"{name} {old} → {new} after round {change['round']:,}"
        for change in changes
        for name, (old, new) in change["settings"].items()
    ]
    return "; ".join(words) or None


def _preset(run: Mapping[str, Any], settings: Settings) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """The preset's label and the settings changed from it, of a record of any version."""
    name, changed = folder.recorded_preset(run, settings)
    custom = folder.is_custom(changed, run.get("own_nets"), run["made_with"])
    return folder.preset_label(name, custom=custom), changed
