"""Write a run's report: one self-contained HTML page, and its figures as PNG files."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import nn

from adversarial_nets import objectives
from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.evaluation.published import of_the_paper
from adversarial_nets.evaluation.score import check_data, load_data
from adversarial_nets.game import sample
from adversarial_nets.languages import Text, text
from adversarial_nets.plots import curves, sheets, style
from adversarial_nets.plots.interpolation import interpolate
from adversarial_nets.report import commands, score_table
from adversarial_nets.report.chinese import in_both
from adversarial_nets.report.existing import refuse_exported
from adversarial_nets.report.images import chart, samples_over_time, sheet_uri
from adversarial_nets.report.run_settings import (
    changes_from_preset,
    is_published_experiment,
    settings_table,
    user_networks,
)
from adversarial_nets.report.templates import template
from adversarial_nets.runs import checkpoints, files, game_state, metrics
from adversarial_nets.runs.evaluations import read_evaluations
from adversarial_nets.runs.folder import Run, RunLike, open_run
from adversarial_nets.training.diagnostics import rounds_without_diversity
from adversarial_nets.training.trend import trend

__all__ = ["write_report"]

Metrics = Sequence[Mapping[str, Any]]

_CLASSES_SHOWN = 20  # maximum number of classes in Figure 2


@dataclass
class _Images:
    """The images of a report.

    Attributes:
        sheets: grids of images of Figures 2 and 3, as data URIs by name.
        charts: curves, each as ``light`` and ``dark`` data URI, by name.
        strip: (round, data URI) of ten samples at a few rounds.
        film: (round, data URI) of forty samples at more rounds.
        figures: figures that are also written as PNG files, by name.
    """

    sheets: dict[str, str] = field(default_factory=dict)
    charts: dict[str, Mapping[str, str]] = field(default_factory=dict)
    strip: list[tuple[int, str]] = field(default_factory=list)
    film: list[tuple[int, str]] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)


def write_report(
    run: RunLike,
    data: DataLike | None = None,
    weights: str | None = None,
    G: nn.Module | None = None,
) -> Path:
    """Write ``report.html`` and ``figures/*.png`` into the run's folder.

    If the run has no score, checkpoint or metrics yet, the page states this and how to make them.

    Args:
        run: the run, or its folder.
        data: its data set or images, if they are already in memory, or their new place if they were
            moved.
        weights: the generator to show, ``raw`` or ``averaged``; `Run.default_weights` by default.
        G: a generator of the run's architecture, for a run with your own networks; it is copied.

    Returns:
        The path of ``report.html``.

    Raises:
        UserError: the data set is missing or is not the run's, the folder cannot be written, a file
            in it is damaged, or the run does not keep these weights.
    """
    run = open_run(run)
    refuse_exported(run)
    data = check_data(run, data) or load_data(run)
    weights = weights or run.default_weights
    rows = metrics.read_metrics(run.folder)
    records = read_evaluations(run.folder)
    head = score_table.headline(records, weights)
    images = _Images()
    round = rows[-1]["round"] if rows else 0
    if checkpoints.checkpoint_rounds(run.folder) and not (run.own_G and G is None):
        net, round = game_state.load_generator(run, "last", weights, copy.deepcopy(G))
        _add_samples(images, net, run, data)
    _add_curves(images, run, rows, head)
    _add_samples_over_time(images, run)

    objective = objectives.OBJECTIVES.get(run.settings.objective)
    page = template("run.html").render(
        run=run,
        data=data,
        weights=weights,
        round=round,
        last=rows[-1] if rows else None,
        d_ascends_V=objective is not None and objective.d_ascends_V,
        accuracy=next((row["accuracy"] for row in reversed(rows) if "accuracy" in row), None),
        sheets=images.sheets,
        charts=images.charts,
        film=images.film,
        strip=images.strip,
        trend=trend(rows, weights) if rows and data.held_out else None,
        notes=score_table.caveats(
            head,
            weights,
            round,
            rows,
            run.settings.objective,
            rounds_without_diversity(run.settings, run.own_nets),
        ),
        **_score_values(run, head, records),
        **_settings_values(run),
        **_origin(run, data),
        **_commands(run, weights, round),
    )
    return _write(run.folder, page, images.figures)


def _add_samples(images: _Images, net: nn.Module, run: Run, data: Dataset) -> None:
    """Add Figure 2 (samples with their nearest training images) and Figure 3 (lines in z).

    With classes, each row of Figure 2 shows one class.
    """
    shown = list(run.classes)[:_CLASSES_SHOWN]
    n = 5 * (len(shown) or 4)
    c = torch.arange(len(shown)).repeat_interleave(5) if len(shown) > 1 else None
    samples = sample(net, run.settings, n, "samples to score", c=c).float().cpu()
    lines = interpolate(net, run.settings)
    images.sheets["figure2"] = sheet_uri(sheets.figure2_sheet(samples, data))
    images.sheets["figure3"] = sheet_uri(sheets.figure3_sheet(lines, data))
    images.figures["figure2"] = sheets.plot_figure2(samples, data, rows=shown)
    images.figures["figure3"] = sheets.plot_figure3(lines, data)


def _add_curves(images: _Images, run: Run, rows: Metrics, head: score_table.Record | None) -> None:
    """Add the charts of the metrics and, if the run is scored, of the choice of σ."""
    objective, published = run.settings.objective, of_the_paper(run.data)
    charts = images.charts
    if rows:
        images.figures["curves"] = curves.plot_training_curves(rows, objective, published)
        charts["losses"] = chart(curves.plot_losses(rows, objective))
        charts["outputs"] = chart(curves.plot_discriminator_outputs(rows))
        if any("scores" in row for row in rows):
            charts["validation"] = chart(curves.plot_validation_scores(rows, published))
    if head:
        sigma, curve = head["parzen"]["sigma"], [(s, nats) for s, nats in head["parzen"]["curve"]]
        plot = curves.plot_sigma_selection(curve, sigma, pixels=run.range)
        charts["sigma"] = chart(plot)


def _add_samples_over_time(images: _Images, run: Run) -> None:
    """Add samples from the same noise at several rounds."""
    film, strip = samples_over_time(run, 40, most=20), samples_over_time(run, 10, most=8)
    if strip:
        images.figures["samples"] = sheets.plot_samples_over_time(strip)
    for rounds, target in ((film, images.film), (strip, images.strip)):
        target += [(round, sheet_uri(sheets.tile_images(x, 10))) for round, x in rounds.items()]


def _score_values(
    run: Run, head: score_table.Record | None, records: Sequence[score_table.Record]
) -> dict[str, Any]:
    """The page's values about scores."""
    return {
        "head": head,
        "nats_unit": text(" nats", " 奈特"),
        "G_in_chinese": score_table.G_in_chinese,
        "table": score_table.score_table(head, records),
        "others": score_table.other_scores(head, records),
        "published": of_the_paper(run.data),
        "comparable": score_table.comparable(head),
        "published_experiment": is_published_experiment(run),
    }


def _settings_values(run: Run) -> dict[str, Any]:
    """The page's values about settings and networks."""
    return {
        "settings": settings_table(run),
        "changes": changes_from_preset(run),
        "user_networks": user_networks(run),
        "user_optimiser": run.info.get("optimiser"),
        "passed_in": commands.passed_in(run),
        "preset_label": text(
            run.preset_label, run.preset if run.is_preset else f"自定义（基于 {run.preset}）"
        ),
    }


def _origin(run: Run, data: Dataset) -> dict[str, Any]:
    """The page's values about the data set, and about the versions and the machine."""
    shown_elsewhere = ("provenance", "G", "D", "init_from", "changed_during_training")
    return {
        "provenance": in_both(data.provenance),
        "made_with": [
            (_name_in_words(name), in_both(str(value)))
            for name, value in run.info.items()
            if name not in shown_elsewhere and value is not None
        ],
    }


def _name_in_words(name: str) -> Text:
    """The name of an entry of a run's record; the entry "adversarial nets" is this package."""
    words = name.replace("_", " ")
    return text(words, "adversarial-nets") if name == "adversarial_nets" else in_both(words)


def _commands(run: Run, weights: str, round: int) -> dict[str, str]:
    """The commands that the page prints."""
    return {
        "evaluate_command": commands.evaluate_command(run, weights),
        "report_command": commands.report_command(run, "averaged"),
        "calibrate_command": commands.calibrate_command(run),
        "continue_command": commands.continue_command(run, 2 * round if round else None),
    }


def _write(folder: Path, page: str, figures: Mapping[str, Figure]) -> Path:
    """Write the figures, then the page."""
    path = folder / "report.html"
    with files.explain_os_errors(folder):
        (folder / "figures").mkdir(exist_ok=True)
        for name, figure in figures.items():
            files.write_atomically(folder / "figures" / f"{name}.png", style.to_png(figure))
        files.write_atomically(path, page)
    return path
