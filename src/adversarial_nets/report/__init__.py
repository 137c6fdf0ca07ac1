"""A run's report: one HTML page that needs nothing else, and the pictures as files of their own."""

import base64
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jinja2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn

from adversarial_nets.command_line import option_words
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import PUBLISHED, of_the_paper
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.game import sample
from adversarial_nets.plots import curves, style
from adversarial_nets.plots import sheets as plots_sheets
from adversarial_nets.plots.style import DARK, LIGHT, Ink
from adversarial_nets.presets import PRESETS, preset_for
from adversarial_nets.runs import checkpoints, game_state, metrics
from adversarial_nets.runs import files as runs_files
from adversarial_nets.runs.evaluations import read_evaluations
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import Settings, settings_differences
from adversarial_nets.training.diagnostics import diagnose

__all__ = ["continue_command", "default_weights", "paper_page", "template", "write_report"]

Record = Mapping[str, Any]
"""One object of evaluation.json: an `Evaluation.to_json`."""


def write_report(
    run: Run,
    data: Dataset | None = None,
    weights: str | None = None,
    G: nn.Module | None = None,
) -> Path:
    """Write ``report.html`` into the run's folder, and ``figures/*.png`` beside it.

    What the run has not got yet (a score, a checkpoint, a row of metrics), the page says it lacks,
    and how to get it.

    Args:
        run: the run, as `train` or `runs.open_run` returns it.
        data: its data set, when it is loaded already.
        weights: the generator to show, ``raw`` or ``averaged``. Where not given, ``averaged`` if
            the run keeps an average and is not of the published preset, whose measure is of the
            raw one.
        G: the module to load the weights into, for a run with nets of your own.

    Returns:
        The path of ``report.html``.

    Raises:
        UserError: the data is missing or not the run's, the folder cannot be written, a file in it
            is damaged, or there are no such weights.
    """
    data = data or load_data(run)
    weights = weights or default_weights(run)
    rows = metrics.read_metrics(run.folder)
    records = read_evaluations(run.folder)
    head = _headline(records, weights)
    published = of_the_paper(run.data)
    net, round = None, rows[-1]["round"] if rows else 0
    if checkpoints.checkpoint_rounds(run.folder) and not (run.own_nets and G is None):
        net, round = game_state.load_generator(run, "last", weights, G)

    sheets, files = {}, {}
    if net is not None:
        samples = sample(net, run.settings, 20, "samples to score").float().cpu()
        lines = plots_sheets.interpolation(net, run.settings)
        sheets["figure2"] = _sheet_uri(plots_sheets.figure2_sheet(samples, data))
        sheets["figure3"] = _sheet_uri(plots_sheets.figure3_sheet(lines, data))
        files["figure2"] = plots_sheets.figure2(samples, data)
        files["figure3"] = plots_sheets.figure3(lines, data)
    objective = run.settings.objective
    charts: dict[str, Mapping[str, str]] = {}
    if rows:
        files["curves"] = curves.curves(rows, objective, published)
        charts["losses"] = _chart(lambda ink: curves.losses(rows, objective, ink))
        charts["judgements"] = _chart(lambda ink: curves.judgements(rows, ink))
        if any("scores" in row for row in rows):
            charts["validation"] = _chart(lambda ink: curves.validation(rows, published, ink))
    if head:
        sigma, curve = head["parzen"]["sigma"], [(s, nats) for s, nats in head["parzen"]["curve"]]
        charts["sigma"] = _chart(lambda ink: curves.sigma_curve(curve, sigma, ink))
    film, strip = _over_time(run, 40, most=20), _over_time(run, 10, most=8)
    if strip:
        files["samples"] = plots_sheets.samples_over_time(strip)

    page = template().render(
        run=run,
        data=data,
        weights=weights,
        round=round,
        last=rows[-1] if rows else None,
        accuracy=next((row["accuracy"] for row in reversed(rows) if "accuracy" in row), None),
        has_samples=net is not None,
        head=head,
        others=[r for r in records if _protocol(r) != _protocol(head)],
        table=_table(head, records),
        published=published,
        comparable=_comparable(head),
        notes=_notes(head, weights, round, rows),
        sheets=sheets,
        charts=charts,
        film=[(round, _sheet_uri(plots_sheets.tiles(x, 10))) for round, x in film.items()],
        strip=[(round, _sheet_uri(plots_sheets.tiles(x, 10))) for round, x in strip.items()],
        settings=_settings(run.settings),
        evaluate_command=shlex.join(["advnets", "evaluate", str(run.folder), "--weights", weights]),
        report_command=shlex.join(["advnets", "report", str(run.folder), "--weights", "averaged"]),
        calibrate_command=_calibrate_command(run),
        continue_command=continue_command(run, 2 * round if round else None),
    )
    path = run.folder / "report.html"
    with runs_files.explain_os_errors(run.folder):
        (run.folder / "figures").mkdir(exist_ok=True)
        for name, figure in files.items():
            runs_files.write_atomically(
                run.folder / "figures" / f"{name}.png", style.to_png(figure)
            )
        runs_files.write_atomically(path, page)
    return path


def default_weights(run: Run) -> Literal["raw", "averaged"]:
    """The generator that a report shows when nobody says which: the raw one of a published game."""
    published = run.preset not in PRESETS or PRESETS[run.preset].published
    return "averaged" if run.settings.ema_decay and not published else "raw"


def paper_page(parts: Sequence[Any], out: Path) -> str:
    """The page of the whole paper: `reproduce.Part`s in its order, pictures inside.

    Args:
        parts: all of them.
        out: the folder that holds ``parts`` and will hold the page; links are relative to it.
    """

    def picture(name: str) -> str:
        return _uri((out / "parts" / name).read_bytes(), "png")

    def link(run: str) -> str | None:
        page = Path(run) / "report.html"
        return os.path.relpath(page.absolute(), out.absolute()) if page.is_file() else None

    return template("paper.html").render(parts=parts, picture=picture, link=link)


def template(name: str = "run.html") -> jinja2.Template:
    """One of the pages, which escapes whatever it is given."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adversarial_nets", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"nats": _nats, "count": lambda n: f"{n:,}"}
    return environment.get_template(name)


def _nats(value: float) -> str:
    """To a tenth, with a true minus sign."""
    return f"{value:,.1f}".replace("-", "−")


# --- The score and what stands beside it ----------------------------------------------------------


def _headline(records: Sequence[Record], weights: str) -> Record | None:
    """The evaluation to show first: of these weights and the published grid, and the newest."""

    def merit(r: Record) -> tuple[bool, bool, int]:
        return r["weights"] == weights, r["parzen"]["grid"] == "paper", r["round"]

    return max(reversed(records), key=merit, default=None)


def _protocol(record: Record | None) -> tuple[Any, ...]:
    """What two scores must have in common to stand in one table."""
    if record is None:
        return ()
    return record["round"], record["parzen"]["grid"], record["parzen"]["samples"]


def _comparable(head: Record | None) -> bool:
    """Whether the published scores were measured as this one was: same data, grid and count."""
    if head is None or of_the_paper(head["data"]) is None:
        return False
    return head["parzen"]["grid"] == "paper" and head["parzen"]["samples"] == 10_000


@dataclass(frozen=True)
class Line:
    """One line of the table of scores."""

    name: str
    kind: str  # "ours", "calibration", "published" or, the paper's own, "goal"
    nats: float
    score: str
    sigma: float | None
    samples: int
    note: str


def _table(head: Record | None, records: Sequence[Record]) -> list[Line]:
    """This run's scores by the headline's protocol, what calibrates them, and published ones."""
    if head is None:
        return []
    lines = [
        _line(f"this run, {r['weights']} G", "ours", r["parzen"], f"round {r['round']:,}")
        for r in records
        if _protocol(r) == _protocol(head)
    ]
    grid = head["parzen"]["grid"]
    calibrations = [
        r["calibration"] for r in records if r.get("calibration") and r["parzen"]["grid"] == grid
    ]
    lines += [
        _line(row["name"], "calibration", row, row["note"])
        for row in (calibrations[-1] if calibrations else [])
    ]
    if _comparable(head):
        lines += [
            Line(
                name=p.model,
                kind="goal" if p == of_the_paper(head["data"]) else "published",
                nats=p.nats,
                score=f"{p.nats:g}" + (f" ± {p.se:g}" if p.se is not None else ""),
                sigma=None,
                samples=10_000,
                note=f"published: {p.source}",
            )
            for p in PUBLISHED[head["data"]]
        ]
    return sorted(lines, key=lambda line: -line.nats)


def _line(name: str, kind: str, score: Record, note: str) -> Line:
    words = f"{_nats(score['nats'])} ± {_nats(score['se'])}"
    return Line(name, kind, score["nats"], words, score["sigma"], score["samples"], note)


def _notes(
    head: Record | None, weights: str, round: int, rows: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What a reader of the numbers must know, in words."""
    notes = []
    if head:
        parzen = head["parzen"]
        if parzen["at_edge"]:
            end = "smallest" if parzen["sigma"] == min(s for s, _ in parzen["curve"]) else "largest"
            notes.append(
                f"σ = {parzen['sigma']:.3f} is the {end} value of the grid “{parzen['grid']}”, so "
                "a wider grid might give a higher score. Read this one as a lower bound."
            )
        if head["weights"] != weights:
            notes.append(
                f"The score is of the {head['weights']} generator, the pictures are of the "
                f"{weights} one, which has not been scored."
            )
        if head["round"] != round:
            notes.append(
                f"The score is of round {head['round']:,}, the pictures are of round {round:,}."
            )
    if rows:
        trouble = diagnose(dict(rows[-1]), max(row["spread"] for row in rows))
        notes += [trouble] if trouble else []
    return notes


# --- Pictures in the page -------------------------------------------------------------------------


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _sheet_uri(sheet: NDArray[np.uint8]) -> str:
    """A sheet of images, large enough that a page only ever makes it smaller: so it stays crisp."""
    return _uri(plots_sheets.sheet_png(sheet, scale=-(-1100 // sheet.shape[1])), "png")


def _chart(draw: Callable[[Ink], Figure]) -> Mapping[str, str]:
    """A chart for a light and for a dark page."""
    inks = {"light": LIGHT, "dark": DARK}
    return {name: _uri(style.to_svg(draw(ink)), "svg+xml") for name, ink in inks.items()}


_ROOM = 1_000_000  # bytes of the page, about, for the pictures of one development


def _over_time(run: Run, n: int, most: int) -> dict[int, NDArray[np.uint8]]:
    """By round, n samples that the training drew from always the same noise.

    Only as many rounds as the page has room for; none where that is fewer than two.
    """
    paths = {
        int(path.stem.partition("-")[2]): path  # earlier versions wrote step-…
        for path in sorted((run.folder / "samples").glob("*-*.png"))
        if path.stem.partition("-")[0] in ("round", "step")
        and path.stem.partition("-")[2].isdecimal()
    }
    if not paths:
        return {}

    def read(round: int) -> NDArray[np.uint8]:
        try:
            return plots_sheets.read_grid(paths[round].read_bytes(), run.image_shape, n)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on bad bytes
            raise UserError(f"{paths[round]} is damaged ({error}); delete it.") from error

    room = _ROOM // len(_sheet_uri(plots_sheets.tiles(read(max(paths)), 10)))
    most = min(most, room)
    return {round: read(round) for round in _milestones(list(paths), most)} if most > 1 else {}


def _milestones(rounds: Sequence[int], most: int) -> list[int]:
    """At most so many (2 or more) of the rounds: the ends, and even steps of the logarithm between.

    Most happens early.

    >>> _milestones(range(0, 10_001, 500), 5)
    [0, 500, 1500, 3500, 10000]
    """
    if len(rounds) <= most:
        return list(rounds)
    marks = np.geomspace(max(rounds[1], 1), rounds[-1], most - 1)
    return sorted({rounds[0]} | {min(rounds, key=lambda r: abs(r - mark)) for mark in marks})


# --- Settings and commands ------------------------------------------------------------------------


def _settings(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value here, value of the published preset."""
    published = PRESETS["mnist"].settings.flat()
    return [(n, _shown(v), _shown(published[n])) for n, v in settings.flat().items()]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)


def continue_command(run: Run, rounds: int | None = None) -> str:
    """The command that plays the run on.

    Args:
        run: the run.
        rounds: how many rounds it shall have then; the preset's length where not given.
    """
    words = ["advnets", "train", run.data, "--preset", run.preset, "--run", str(run.folder)]
    standard = preset_for(run.data, run.preset)[1].settings
    changed = settings_differences(standard, run.settings)
    words += option_words({name: value for name, (_, value) in changed.items()})
    precision = run.info.get("precision", "float32")
    words += [] if precision == "float32" else ["--precision", precision]
    return shlex.join(words + ([] if rounds is None else ["--rounds", str(rounds)]))


def _calibrate_command(run: Run) -> str:
    s = run.settings
    words = ["advnets", "calibrate", run.data]
    for name, value in (("--size", s.size), ("--channels", s.channels)):
        words += [name, str(value)] if value is not None else []
    return shlex.join(words)
