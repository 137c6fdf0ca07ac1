"""The commands that read finished runs: ``advnets report`` and ``compare``."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli.command import Command, always
from adversarial_nets.cli.shared import (
    Flag,
    Grid,
    Json,
    Place,
    RunFolder,
    Weights,
    default,
    require_suffix,
    write,
)
from adversarial_nets.progress import ProgressReporter

if TYPE_CHECKING:
    from adversarial_nets.evaluation.compare_runs import Comparison

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class ReportOptions:
    """Write the report of a run: one HTML page that opens offline.

    A page is kept if this version wrote it after the run's last change.
    """

    run: RunFolder
    data: Place = None
    weights: Annotated[Literal["raw", "averaged"] | None, default("the run's choice")] = None
    """Which weights of G to show."""
    again: Flag = False
    """Write the page even if it is up to date."""
    json: Json = False


def _report(o: ReportOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.report.existing import existing_report
    from adversarial_nets.runs.folder import open_run

    run = open_run(o.run)
    page = None if o.again or o.data else existing_report(run, o.weights)  # --data is checked
    if page is None:
        from adversarial_nets import report
        from adversarial_nets.evaluation.score import load_data

        data = load_data(run, reporter.work, o.data)
        page = report.write_report(run, data, weights=o.weights)
    reporter.say(f"Report: {page}")
    return {"report": str(page)}


@dataclass(frozen=True)
class CompareOptions:
    """Compare runs: their scores, the settings that differ, mean and standard deviation over seeds.

    Each RUN is the folder of an evaluated run, or a file with the output of `advnets evaluate RUN
    --json`. Runs that differ only in the seed are averaged. The ± of one run is a standard error
    over test images; it does not include the variation between seeds.
    """

    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN ...", help_behavior_hint="(required)"),
    ]
    """Folders of runs, or files of results."""
    weights: Weights = None
    grid: Grid = "paper"
    out: Annotated[Path | None, default("no picture")] = None
    """Draw the validation scores by round into this .png file."""
    json: Json = False


def _compare(o: CompareOptions, reporter: ProgressReporter) -> dict[str, Any]:
    if o.out is not None:
        require_suffix(o.out, ".png")
    from adversarial_nets.evaluation.compare_runs import compare
    from adversarial_nets.report.commands import evaluate_command
    from adversarial_nets.runs.folder import open_run

    found = compare(o.runs, o.weights, o.grid)
    reporter.say(str(found))
    for entry, path in zip(found.entries, o.runs, strict=True):
        if entry.nats is None and not entry.settings.get("train_on_all"):
            how = evaluate_command(open_run(path), entry.weights, entry.grid)
            reporter.say(f"Make the score of {entry.name} with: {how}")
    picture = None if o.out is None else _write_picture(found, o.out, reporter)
    return dataclasses.asdict(found) | {"picture": picture}


def _write_picture(found: "Comparison", out: Path, reporter: ProgressReporter) -> str | None:
    """Draw the validation scores by round; the path, or None if there is nothing to draw."""
    curves = {entry.name: entry.curve for entry in found.entries if entry.curve}
    if "data" in found.differences:
        reporter.say("No picture: the runs have different data, so their scores differ in scale.")
        return None
    if not curves:
        return None
    from adversarial_nets.plots import curves as plots_curves
    from adversarial_nets.plots import style

    write(out, style.to_png(plots_curves.plot_comparison(curves, found.published)))
    reporter.say(f"Picture: {out}")
    return str(out)


COMMANDS = (
    Command(
        name="report",
        arguments="RUN",
        summary="an HTML page of samples, curves and scores",
        options=ReportOptions,
        run=_report,
        examples=("report runs/mnist-mnist-0",),
    ),
    Command(
        name="compare",
        arguments="RUN RUN ...",
        summary="scores, different settings, mean over seeds",
        options=CompareOptions,
        run=_compare,
        examples=(
            "compare runs/mnist-mnist-1 runs/mnist-mnist-2 --out curves.png",
            "compare results/mnist-seed[123]-raw-paper.json",
        ),
        prints_result=always,
    ),
)
