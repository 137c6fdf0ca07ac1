"""The league table: every model with a Parzen score recorded in ``results/``, and its measures.

A table holds the scores of one data set and one grid of σ, because scores by other grids and on
other images cannot be compared. Published scores come from `evaluation.published`.
"""

import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from adversarial_nets.evaluation.published import PublishedScore, published_score
from website.results import FOLDER, Tables, markdown_table, number, record

__all__ = ["MEASURES", "REFERENCES", "Row", "league_rows", "league_table", "measured_samples"]

REFERENCES = ("training images", "k-means", "mean image")
"""Calibration rows: reference images in place of a model's samples."""
MEASURES = {
    "frechet": "Fréchet distance",
    "kernel": "squared kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}
"""The measures of ``advnets measure`` by their names in the records."""

_MISSING = "–"
_TAGS = {"falling": "converged", "720": "720 epochs", "timed": "timed run"}


@dataclass(frozen=True)
class Row:
    """One line of a league table.

    Attributes:
        label: the model and its differences from the standard form, in English; a preset's name is
            between backquotes.
        nats: Parzen log-likelihood of the test images; a mean over the seeds.
        error: with several seeds their standard deviation, otherwise the standard error over test
            images (over folds, if the data set has folds); None if there is none.
        seeds: number of seeds; None for reference images.
        rounds: the rounds of the checkpoints that were scored; empty if they are not recorded.
        samples: number of samples that were scored; None if it is not recorded.
        sigma: the values of σ, chosen on validation images.
        published: the published score of the model.
        measures: the recorded values of each measure.
        measured: number of seeds with measures.
    """

    label: tuple[str, ...]
    nats: float
    error: float | None
    seeds: int | None
    rounds: tuple[int, ...] = ()
    samples: int | None = None
    sigma: tuple[float, ...] = ()
    published: PublishedScore | None = None
    measures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    measured: int | None = None

    @property
    def is_reference(self) -> bool:
        """Whether the row scores reference images."""
        return self.label[0] in REFERENCES


def league_rows(data: str, grid: str) -> list[Row]:
    """All recorded models and reference images on a data set, highest score first.

    Args:
        data: the data set's name.
        grid: name of the grid from which σ was chosen.
    """
    runs = list(_run_rows(data, grid))
    others = [*_section7_rows(data, grid), *_table1_rows(data, grid)]
    known = {row.nats for row in runs}  # Table 1 repeats the scores of some runs
    rows = [*runs, *(row for row in others if row.nats not in known)]
    rows += _reference_rows(data, grid)
    if grid != "paper":  # published scores are by the paper's protocol
        rows = [replace(row, published=None) for row in rows]
    return sorted(rows, key=lambda row: -row.nats)


@cache
def _records() -> dict[str, dict[str, Any]]:
    """All records by their files' names."""
    return {path.stem: record(path.stem) for path in sorted(FOLDER.glob("*.json"))}


def _measured(data: str) -> dict[str, dict[str, Any]]:
    """The records of ``advnets measure``, by the beginning of the name of the run's score."""
    return {
        name.removeprefix("measure-"): found
        for name, found in _records().items()
        if name.startswith("measure-") and found["data"] == data
    }


def measured_samples() -> str:
    """How many samples the recorded measures compare, e.g. ``5,000``."""
    return _range(r["samples"] for n, r in _records().items() if n.startswith("measure-"))


# --- Runs of adversarial nets ---------------------------------------------------------------------


def _run_rows(data: str, grid: str) -> Iterator[Row]:
    """Runs that differ only in their seeds are one row."""
    groups: dict[tuple[str, str, int | None], list[str]] = {}
    for name, found in _records().items():
        if _is_score(found, data, grid):
            model = re.sub(rf"-(seed\d+|raw|averaged|{grid})(?=-|$)", "", name)
            # Each converged run ends at the round after which its validation score does not rise.
            rounds = None if "falling" in model else _round(found)
            groups.setdefault((model, found["weights"], rounds), []).append(name)
    for (model, *_), names in groups.items():
        tags = model.removeprefix(data).split("-")[1:]
        yield _run_row(data, tags, names)


def _is_score(found: Mapping[str, Any], data: str, grid: str) -> bool:
    """Whether a record was written by ``advnets evaluate`` on the data set by the grid."""
    return found.get("data") == data and found.get("parzen", {}).get("grid") == grid


def _run_row(data: str, tags: Iterable[str], names: Sequence[str]) -> Row:
    """The row of runs that differ only in their seeds.

    Args:
        data: the data set's name.
        tags: parts of the files' names, without the data set's name, seed, weights and grid.
        names: the names of the files with their scores.
    """
    found = [record(name) for name in names]
    scores = [one["parzen"] for one in found]
    nats = [score["nats"] for score in scores]
    measured = _measured(data)
    keys = [name.removesuffix(f"-{scores[0]['grid']}") for name in names]
    measures = [measured[key] for key in keys if key in measured]
    preset, weights = found[0]["run"]["preset"], found[0]["weights"]
    in_words = [_tag_in_words(tag) for tag in tags if tag not in preset.split("-")]
    model = "Conditional adversarial nets" if "conditional" in preset else "Adversarial nets"
    as_published = weights == "raw" and found[0]["run"]["settings"]["k"] == 1
    return Row(
        (model, f"preset `{preset}`", *in_words, f"{weights} G"),
        statistics.fmean(nats),
        statistics.stdev(nats) if len(nats) > 1 else scores[0]["se"],
        len(nats),
        tuple(_round(one) for one in found),
        scores[0]["samples"],
        tuple(score["sigma"] for score in scores),
        published_score(model, data) if as_published else None,
        _values(one["model"] for one in measures),
        len(measures) or None,
    )


def _round(found: Mapping[str, Any]) -> int:
    rounds: int = found["round"] if "round" in found else found["step"]
    return rounds


def _tag_in_words(tag: str) -> str:
    """The meaning of a part of a file's name.

    >>> [_tag_in_words(tag) for tag in ("falling", "k20", "bfloat16")]
    ['converged', 'k = 20', 'bfloat16']
    """
    return _TAGS.get(tag) or re.sub(r"^k(\d+)$", r"k = \1", tag)


def _values(found: Iterable[Mapping[str, float]]) -> dict[str, tuple[float, ...]]:
    everything = list(found)
    return {name: tuple(one[name] for one in everything) for name in MEASURES if everything}


# --- Other models, reference images ---------------------------------------------------------------


def _section7_rows(data: str, grid: str) -> Iterator[Row]:
    """Conditional adversarial nets; `paper.section7.conditional` scores by the grid ``paper``."""
    for row in record("section7")["rows"]:
        if (row["measure"], row["data"], grid) == ("Parzen, nats", data, "paper"):
            model = "Conditional adversarial nets"
            run, _, weights = row["model"].rpartition(", ")
            preset, *changes = re.split(", | with ", run)
            published = published_score(model, data) if row["published"] else None
            label = (model, f"preset `{preset}`", *(f"`{change}`" for change in changes), weights)
            yield Row(label, row["ours"], row["spread"], row["seeds"], published=published)


def _table1_rows(data: str, grid: str) -> Iterator[Row]:
    for row in record("table1")["rows"]:
        model = tuple(row["model"].split(", "))
        if (row["dataset"], row["grid"]) != (data, grid) or model[0] in REFERENCES:
            continue
        label = model
        if model[0] == "Adversarial nets":
            preset = re.findall(r"preset ([\w-]+)", row["note"])
            weights = "averaged G" if "averaged weights" in model else "raw G"
            label = (model[0], *(f"preset `{p}`" for p in preset), "best checkpoint", weights)
        rounds = re.findall(r"round ([\d,]+)", row["note"])
        yield Row(
            label,
            row["nats"],
            row["se"] if row["spread"] is None else row["spread"],
            row["seeds"],
            tuple(int(r.rstrip(",").replace(",", "")) for r in rounds),
            row["samples"],
            (row["sigma"],),
            published_score(model[0], data) if row["published"] else None,
        )


def _reference_rows(data: str, grid: str) -> Iterator[Row]:
    """Reference images, from ``advnets calibrate`` if recorded, otherwise from a run's score."""
    calibrate = record(name)["rows"] if (name := f"calibrate-{data}-{grid}") in _records() else []
    of_runs = [
        row
        for found in _records().values()
        if _is_score(found, data, grid)
        for row in found["calibration"]
    ]
    floors = _values(found["floor"] for found in _measured(data).values())
    seen = set()
    for row in (*calibrate, *of_runs):
        if row["name"] not in seen:
            seen.add(row["name"])
            yield Row(
                (row["name"],),
                row["nats"],
                row["se"],
                seeds=None,
                samples=row["samples"],
                sigma=(row["sigma"],),
                published=published_score(row["name"], data),
                measures=floors if row["name"] == "training images" else {},
            )


# --- As a table -----------------------------------------------------------------------------------


def league_table(tables: Tables, data: str, grid: str) -> str:
    """A league table in Markdown, calibration rows in bold, without columns that are empty.

    Args:
        tables: gives the words of the page's language.
        data: the data set's name.
        grid: name of the grid from which σ was chosen.
    """
    rows = league_rows(data, grid)
    lines = [_cells(tables, row) for row in rows]
    used = [name for name in lines[0] if any(line[name] for line in lines)]
    cells = [
        [f"**{cell}**" if cell and row.is_reference else cell or _MISSING for cell in shown]
        for row, line in zip(rows, lines, strict=True)
        for shown in ([line[name] for name in used],)
    ]
    return markdown_table([tables.word(name) for name in used], cells)


def _cells(tables: Tables, row: Row) -> dict[str, str]:
    """The texts of a row by the columns' names; empty where nothing is recorded."""
    return {
        "model": tables.comma.join(map(tables.word, row.label)),
        "score, nats": _with_error(number(row.nats), row.error),
        "published": _published(tables, row.published),
        **{name: _range(row.measures.get(key, ()), 3) for key, name in MEASURES.items()},
        "seeds": number(row.seeds, 0),
        "seeds measured": number(row.measured, 0),
        "round": _range(row.rounds),
        "samples": number(row.samples, 0),
        "σ": _range(row.sigma, 3),
    }


def _with_error(text: str, error: float | None) -> str:
    return text if error is None else f"{text} ± {number(error)}"


def _published(tables: Tables, score: PublishedScore | None) -> str:
    if score is None:
        return ""
    source = tables.word(score.source)
    return _with_error(number(score.nats, 0), score.se) + tables.comma + source


def _range(values: Iterable[float], digits: int = 0) -> str:
    """One number, or the smallest and the largest of several.

    >>> _range([0.336, 0.352], 2), _range([20000, 20000]), _range([])
    ('0.34–0.35', '20,000', '')
    """
    ordered = sorted(values)
    ends = dict.fromkeys(number(value, digits) for value in (*ordered[:1], *ordered[-1:]))
    return "–".join(ends)
