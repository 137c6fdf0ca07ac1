"""The parts of §5 and §6: Table 1, from the rows of ``advnets paper table1``, and Table 2."""

import json
import time
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import error_in_words
from adversarial_nets.game import sample
from adversarial_nets.paper.reproduce.registry import Context, Result
from adversarial_nets.paper.reproduce.training_parts import caveats, run_of
from adversarial_nets.runs import game_state
from adversarial_nets.runs.files import reason

__all__ = ["table1", "table1_file", "table2"]

_OURS = "Adversarial nets"
_SAMPLES_TIMED = 10_000


# --- Table 1 --------------------------------------------------------------------------------------


def table1(context: Context) -> Result:
    """Table 1: the recorded rows, with the published numbers."""
    rows = _table1_rows(context)
    table = [
        {
            "model": row["model"],
            "data": row["dataset"],
            "ours, nats": f"{row['nats']:.1f}{error_in_words(row['se'])}",
            "published": "" if row["published"] is None else f"{row['published']:g}",
            "σ": f"{row['sigma']:.3f} ({row['grid']})",
        }
        for row in rows
    ]
    ours = [row for row in rows if row["model"].startswith(_OURS)] or rows
    scores = (f"{row['model']} {row['nats']:.1f}{error_in_words(row['se'])}" for row in ours[:2])
    return Result(
        ours=f"{len(rows)} rows; {', '.join(scores)}",
        notes=(f"The rows are those of {table1_file(context)}.",),
        tables=(table,),
    )


def table1_file(context: Context) -> Path | None:
    """The file of recorded rows: the given one, or one in this reproduction, runs/ or results/."""
    folders = (context.out / "table1", Path("runs/table1"), Path("results"))
    paths = (context.use.get("table1"), *(folder / "table1.json" for folder in folders))
    return next((path for path in paths if path and path.is_file()), None)


_TEXTS, _NUMBERS = ("model", "dataset", "grid"), ("nats", "sigma")
_OPTIONAL = ("se", "published", "samples_per_second", "steps_per_sample")
_ADDED = ("states_in_class", "spread", "seeds")  # earlier versions did not write them


def _table1_rows(context: Context) -> list[dict[str, Any]]:
    """The recorded rows, at least one.

    Raises:
        UserError: no rows are recorded, or the file has other contents.
    """
    path = table1_file(context)
    if not path:
        raise UserError(
            "No results of the other models are recorded. Make them with: advnets paper table1"
        )
    try:
        rows = [
            {name: str(row[name]) for name in _TEXTS}
            | {name: float(row[name]) for name in _NUMBERS}
            | {name: None if row[name] is None else float(row[name]) for name in _OPTIONAL}
            | {name: row.get(name) for name in _ADDED}
            for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a file that advnets paper table1 wrote ({reason(error)}). Make one "
            "with: advnets paper table1"
        ) from error
    if not rows:
        raise UserError(f"{path} has no rows yet. Make them with: advnets paper table1")
    return rows


# --- Table 2 --------------------------------------------------------------------------------------


def table2(context: Context) -> Result:
    """Table 2: the paper's list of difficulties, with measurements where that is possible."""
    rows, notes = _timed_rows(context)
    table = [
        {
            "model": row["model"],
            "data": row["dataset"],
            "samples per second": f"{row['samples_per_second']:,.0f}",
            "steps per sample": f"{row['steps_per_sample']:g}",
            "successive samples of one class": _number(row.get("states_in_class")),
            "nats, ± over seeds": _over_seeds(row),
        }
        for row in rows
    ]
    ours = next((row for row in rows if row["model"].startswith(_OURS)), rows[0])
    slowest = max(rows, key=itemgetter("steps_per_sample"))
    return Result(
        ours="; ".join(
            f"{row['model']}: {row['samples_per_second']:,.0f} samples per second, steps per "
            f"sample {row['steps_per_sample']:g}"
            for row in ((ours,) if slowest is ours else (ours, slowest))
        ),
        notes=(
            "Times are for the processor that made the samples. Successive samples of one class "
            "show how a chain mixes: 1.1 if they are independent. ± over seeds shows how stable "
            "the training is. The difficulty that the paper names for adversarial nets, "
            "synchronising D with G, is the part “helvetica” below.",
            *notes,
        ),
        tables=(table, _DIFFICULTIES),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _over_seeds(row: Mapping[str, Any]) -> str:
    """The mean ± standard deviation over several seeds; '' for one seed."""
    if row.get("spread") is None:
        return ""
    return f"{row['nats']:.1f} ± {row['spread']:.1f}, {row['seeds']} seeds"


def _timed_rows(context: Context) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Sampling speed of each recorded model, or of one run if none is recorded; and notes on it."""
    if table1_file(context):
        rows = _table1_rows(context)
        timed = [r for r in rows if None not in (r["samples_per_second"], r["steps_per_sample"])]
        if timed:
            return timed, ()
    run = run_of("figure2a", context)
    G, _ = game_state.load_generator(run, weights="raw")
    started = time.process_time()
    sample(G, run.settings, _SAMPLES_TIMED)
    rate = _SAMPLES_TIMED / (time.process_time() - started)
    row = {
        "model": _OURS if run.is_preset else f"{_OURS} ({run.preset_label})",
        "dataset": run.data,
        "samples_per_second": rate,
        "steps_per_sample": 1,
    }
    return [row], caveats(run, "figure2a")


_KINDS = ("", "deep directed", "deep undirected", "generative autoencoders", "adversarial")
_DIFFICULTIES = [
    dict(zip(_KINDS, row, strict=True))
    for row in (
        (
            "training",
            "inference needed",
            "inference and MCMC for the gradient of the partition function",
            "trade-off between mixing and reconstruction",
            "synchronising D with G",
        ),
        ("inference", "learned approximate", "variational", "MCMC", "learned approximate"),
        (
            "sampling",
            "no difficulties",
            "needs a Markov chain",
            "needs a Markov chain",
            "no difficulties",
        ),
        (
            "p(x)",
            "intractable, approximated by AIS",
            "intractable, approximated by AIS",
            "Parzen only",
            "Parzen only",
        ),
        (
            "design",
            "nearly all models hard",
            "careful design for several properties",
            "any differentiable function in theory",
            "any differentiable function",
        ),
    )
]
"""Table 2 of the paper, abridged."""
