"""The command ``advnets paper section7``: measures the paper's five extensions."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Flag,
    Json,
    Seed,
    Weights,
    count_option,
    default,
    output_path,
    print_files,
    print_table,
    refuse_unused,
    write,
)
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.paper.section7.rows import Item, Row, read_rows, record_rows, with_length
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder
from adversarial_nets.runs.folder import Run, open_run

if TYPE_CHECKING:
    from adversarial_nets.datasets import Dataset
    from adversarial_nets.paper.section7.conditional import ConditionalScores
    from adversarial_nets.paper.section7.inference_study import InferenceScores

__all__ = ["COMMANDS"]

ITEMS = get_args(Item)
RECORDED = Path("results/section7.json")

_USED: Mapping[str, set[str]] = {
    "conditional": {"data", "preset", "rounds", "shuffle_labels", "per_class", "weights", "seed"},
    "conditional RUN": {"data", "per_class", "weights"},
    "inference RUN": {"data", "weights", "steps", "seed"},
    "inference --joint": {"joint", "data", "epochs", "seed"},
    "inference --joint --data grid": {"joint", "data", "seed"},
    "filling-in RUN": {"data", "images", "weights"},
    "few-labels": {"data", "labels", "draw", "epochs", "seed"},
    "few-labels RUN": {"data", "labels", "draw"},
    "efficiency": {"data", "nats", "rounds", "seed"},
}
"""The options that each form of the command uses; all forms use --out and --json."""


def _form(o: "Section7Options") -> str | None:
    """The form of the command, a key of `_USED`; None without ITEM."""
    if o.item == "inference" and o.joint:
        return "inference --joint --data grid" if o.data == "grid" else "inference --joint"
    if o.item in ("inference", "filling-in"):
        return f"{o.item} RUN"
    return f"{o.item} RUN" if o.runs and f"{o.item} RUN" in _USED else o.item


def _forms_with(name: str) -> str:
    """The forms of the command that use an option, in words.

    >>> _forms_with("rounds"), _forms_with("per_class")
    ('conditional without RUN, efficiency', 'conditional')
    """
    using = [form for form, used in _USED.items() if name in used]
    shown = []
    for form in using:
        wider = form.removesuffix(" RUN").removesuffix(" --data grid")
        if wider != form and wider in using:  # the wider form stands for both
            continue
        only_without_run = f"{form} RUN" in _USED and f"{form} RUN" not in using
        shown.append(f"{form} without RUN" if only_without_run else form)
    return ", ".join(shown)


def _used_by(name: str, text: str) -> object:
    """The help of an option: the forms of the command that use it, and what it sets."""
    return tyro.conf.arg(help=f"{_forms_with(name)}: {text}")


def _refuse_unused(o: "Section7Options") -> None:
    """Refuse the options of other items."""
    form = _form(o)
    used = _USED[form] if form else set[str]()
    where = f"on {form}" if form else "without ITEM"
    for name in sorted(set[str]().union(*_USED.values()) - used):
        reason = (
            f"has no effect {where}. Leave it out; it is an option of: {_forms_with(name)} "
            "(advnets paper section7 ITEM)."
        )
        refuse_unused(o, [name], reason)


@dataclass(frozen=True)
class Section7Options:
    """Measure the extensions of §7 and print published numbers with the results.

    Without ITEM it prints the recorded rows and trains nothing.

    conditional scores RUNs that were trained with --condition classes, or trains one: Parzen score,
    alignment of samples with their classes, and variance within classes.

    inference trains E, which predicts z from x, for the G of RUN; with --joint it trains G and E
    together.

    filling-in completes test images of RUN, whose right half or 16 of 49 blocks are hidden.

    efficiency plays one game with one setting changed at a time, and counts the rounds and seconds
    until the score reaches --nats.

    few-labels trains a classifier on --labels labels, with and without unlabelled images; with RUN
    it trains a linear and a nearest-neighbour classifier on the features of that run's D.
    """

    item: Annotated[
        str | None,
        tyro.conf.Positional,
        default("none", metavar="[ITEM]", help=f"{', '.join(ITEMS)}."),
    ] = None
    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, default("none", metavar="[RUN ...]")
    ] = ()
    """conditional: finished runs to score, which differ in their seeds. inference and filling-in: a
    finished run. few-labels: a finished run without classes."""
    data: Annotated[str | None, default("mnist-5k; with RUN, where they were")] = None
    """Data set to train on, without RUN. With RUN: where its images are now, if they were moved."""
    preset: Annotated[
        Literal["fast-conditional", "mnist-conditional"],
        _used_by("preset", "preset to train with."),
    ] = "fast-conditional"
    rounds: Annotated[
        int | None,
        default(
            "the preset's; efficiency: 9,000",
            help=f"{_forms_with('rounds')}: rounds to train; efficiency's games end earlier if "
            "they reach --nats.",
        ),
    ] = None
    nats: Annotated[float, _used_by("nats", "the validation score to reach.")] = 60.0
    shuffle_labels: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        default(
            "",
            help=f"{_forms_with('shuffle_labels')}: train with the labels in random order, a "
            "control whose alignment must be at chance.",
        ),
    ] = False
    per_class: Annotated[int, _used_by("per_class", "samples of each class.")] = 1000
    images: Annotated[int, _used_by("images", "test images to complete, five times each.")] = 50
    labels: Annotated[int, _used_by("labels", "labelled images, equally many of each class.")] = 100
    draw: Annotated[int, _used_by("draw", "number of the draw of labelled images.")] = 0
    steps: Annotated[int, _used_by("steps", "updates of E.")] = 5000
    joint: Flag = False
    """inference: train G and E together in the joint game (BiGAN) on --data, or on 25 Gaussians
    with --data grid."""
    epochs: Annotated[
        int | None,
        default(
            "as published, 400 and 300; few-labels on mnist-5k: 100",
            help=f"{_forms_with('epochs')}: passes over the training images.",
        ),
    ] = None
    weights: Weights = None
    out: Path = output_path("paper", "section7")
    """Folder for rows, pictures and runs."""
    seed: Seed = 0
    json: Json = False


def _section7(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    if o.item is not None and o.item not in ITEMS:
        raise unknown_name(o.item, list(ITEMS), "item of §7")
    _refuse_unused(o)
    if o.item is None:
        own = read_rows(o.out / "rows.json")
        recorded = read_rows(RECORDED)  # in the project's own folder
        rows = own + [replace(row, details=row.details or f"from {RECORDED}") for row in recorded]
        rows.sort(key=lambda row: ITEMS.index(row.item))
        if not rows:
            reporter.say("Nothing is recorded yet. Begin with: advnets paper section7 conditional")
        return _print_rows(rows, reporter)
    count_option("--per-class", o.per_class, 1)
    check_output_folder(o.out)
    items = {
        "conditional": _conditional,
        "inference": _inference,
        "filling-in": _filling_in,
        "few-labels": _few_labels,
        "efficiency": _efficiency,
    }
    return items[o.item](o, reporter)


def _print_rows(rows: list[Row], reporter: ProgressReporter) -> dict[str, Any]:
    """Print rows as a table, and return them for ``--json``."""
    if rows:
        values = ["measure", "data", "ours", "spread", "seeds", "published", "seconds", "details"]
        header = ["item", "model", *values]
        header[header.index("spread")] = "±"
        lines = [[r.item, r.name, *(getattr(r, value) for value in values)] for r in rows]
        print_table(reporter, header, lines)
    return {"rows": [dataclasses.asdict(row) for row in rows]}


def _record(
    o: Section7Options,
    reporter: ProgressReporter,
    found: list[Row],
    details: str = "",
    picture: Path | None = None,
    scores: "Sequence[ConditionalScores | InferenceScores]" = (),
) -> dict[str, Any]:
    """Add rows to the recorded ones, and print them; returns the rows for ``--json``."""
    found = [replace(row, details=details) for row in found]
    record_rows(o.out / "rows.json", found)
    result = _print_rows(found, reporter)
    if scores:
        result["runs"] = [dataclasses.asdict(score) for score in scores]
    if picture is not None:
        print_files(reporter, [picture])
        result["files"] = [str(picture)]
    return result


def _load(o: Section7Options, reporter: ProgressReporter) -> "Dataset":
    """The data set to train on."""
    from adversarial_nets import datasets

    return datasets.load(o.data or "mnist-5k", on_progress=reporter.work)


def _require_one_run(o: Section7Options, example: str) -> None:
    """Refuse no run, and several runs; the error ends with an example of one."""
    if len(o.runs) != 1:
        raise UserError(
            f"{len(o.runs)} runs are given; {o.item} needs one finished run, for example: advnets "
            f"paper section7 {o.item} {example}"
        )


def _model(run: Run) -> str:
    """The run's preset, with the settings that differ from it."""
    changed = ", ".join(f"{name} {new}" for name, (_, new) in run.changed.items())
    return f"{run.preset} with {changed}" if changed else run.preset_label


def _length_and_seeds(runs: Sequence[Run]) -> str:
    """How long runs were trained, and their seeds, e.g. "20,000 rounds, seeds 1, 2"."""
    return f"{runs[0].newest_round:,} rounds, {_seeds([run.settings.seed for run in runs])}"


def _seeds(seeds: Sequence[int]) -> str:
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(map(str, sorted(seeds)))


def _conditional(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    """Score conditional runs, and draw the samples of the first."""
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.paper.section7 import conditional
    from adversarial_nets.plots.style import write_picture
    from adversarial_nets.runs import game_state
    from adversarial_nets.runs.metrics import read_metrics

    runs = [open_run(path) for path in o.runs] or [_train(o, reporter)]
    labels = {(run.data, _model(run)) for run in runs}
    if len(labels) > 1:
        raise UserError(
            f"The runs differ in data or settings: {', '.join(sorted(map(' '.join, labels)))}. "
            "Give runs that differ in their seed only."
        )
    lengths = {run.newest_round for run in runs if not run.exported}
    if len({run.settings.seed for run in runs}) < len(runs) or len(lengths) > 1:
        raise UserError(
            "The runs have the same seed, or different numbers of rounds. Give runs that differ in "
            "their seed only."
        )
    data = load_data(runs[0], reporter.work, o.data)
    scores = [
        conditional.score_conditional(
            run, data, weights=o.weights, per_class=o.per_class, on_progress=reporter.work
        )
        for run in runs
    ]
    model = f"{_model(runs[0])}, {scores[0].weights} G"
    model += ", labels shuffled" if o.shuffle_labels else ""
    seconds = [float(read_metrics(r.folder)[-1]["seconds"]) for r in runs if not r.exported]
    found = conditional.conditional_rows(scores, model, runs[0].data, seconds)
    G, _ = game_state.load_generator(runs[0], weights=scores[0].weights)
    name = "conditional-shuffled.png" if o.shuffle_labels else "conditional.png"
    picture = write_picture(conditional.plot_conditional(G, runs[0]), o.out / name)
    details = f"{_length_and_seeds(runs)}, {o.per_class:,} samples of each class"
    return _record(o, reporter, found, details, picture, scores)


def _train(o: Section7Options, reporter: ProgressReporter) -> Run:
    """A run of the preset, trained or resumed in the output folder."""
    from adversarial_nets.paper.section7.conditional import shuffle_labels
    from adversarial_nets.presets import PRESETS
    from adversarial_nets.text import file_name
    from adversarial_nets.training.session import train

    data = _load(o, reporter)
    name = f"{file_name(data.name)}-{o.preset}-{o.seed}"
    return train(
        shuffle_labels(data) if o.shuffle_labels else data,
        preset=o.preset,
        settings=replace(PRESETS[o.preset].settings, seed=o.seed),
        run=o.out / "runs" / (f"{name}-shuffled" if o.shuffle_labels else name),
        rounds=o.rounds,
        callbacks=[lambda s: reporter.work(f"{name}: round", s.row["round"], s.rounds)],
        progress=False,
    )


def _inference(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    """Train E for a finished run, and measure it."""
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.paper.section7.inference import EncoderSettings
    from adversarial_nets.paper.section7.inference_study import inference_rows, score_inference

    if o.joint:
        return _joint(o, reporter)
    _require_one_run(o, "runs/mnist-mnist-0. Or train the joint game with --joint.")
    steps = count_option("--steps", o.steps, 1)
    run = open_run(o.runs[0])
    if run.settings.joint:
        reason = f"has no effect: {o.runs[0]} was trained with its own E. Leave it out."
        refuse_unused(o, ["steps", "seed"], reason)
    data = load_data(run, reporter.work, o.data)
    settings = EncoderSettings(steps=steps, seed=o.seed)
    scores = score_inference(run, data, settings, weights=o.weights, on_progress=reporter.work)
    model = f"E of {_model(run)}, {scores.weights} G"
    if not run.settings.joint:  # E of a joint game was trained as long as the run
        model = with_length(model, steps, EncoderSettings.steps, "updates")
    found = inference_rows(scores, model, run.data, joint=run.settings.joint)
    details = _length_and_seeds([run])
    if not run.settings.joint:
        details += f", seed {o.seed} of E"
    return _record(o, reporter, found, details, scores=[scores])


def _joint(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    """Train the joint game, and measure its E; on the plane, count the modes that its G covers."""
    from adversarial_nets.paper.section7 import inference_study
    from adversarial_nets.paper.section7.joint import JointSettings
    from adversarial_nets.text import file_name

    if o.runs:
        raise UserError("--joint trains a new game, but RUN is given; leave RUN out.")
    if o.data == "grid":
        seeds = [o.seed + i for i in range(3)]
        found = inference_study.plane_rows(inference_study.modes_on_the_plane(seeds))
        return _record(o, reporter, found, _seeds(seeds))
    data = _load(o, reporter)
    epochs = count_option("--epochs", o.epochs, JointSettings.epochs)
    settings = JointSettings(epochs=epochs, seed=o.seed)
    folder = o.out / "runs" / f"joint-{file_name(data.name)}-{epochs}-{o.seed}"
    scores = inference_study.score_joint(data, settings, folder, reporter.work)
    model = with_length("joint game", epochs, JointSettings.epochs, "epochs")
    found = inference_study.inference_rows(scores, model, data.name, joint=True)
    return _record(o, reporter, found, _seeds([o.seed]), scores=[scores])


def _filling_in(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    """Complete test images with a run, and measure the completions."""
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.paper.section7.filling_in_study import filling_in_rows
    from adversarial_nets.plots import sheets

    _require_one_run(o, "runs/mnist-filling-in-0")
    images = count_option("--images", o.images, 1)
    run = open_run(o.runs[0])
    data = load_data(run, reporter.work, o.data)
    found, shown = filling_in_rows(
        run, data, model=_model(run), images=images, weights=o.weights, on_progress=reporter.work
    )
    picture = o.out / "filling-in.png"
    write(picture, sheets.grid_png(shown, data.image_shape, data.range, columns=7))
    details = f"{_length_and_seeds([run])}, {images:,} images"
    return _record(o, reporter, found, details, picture)


def _few_labels(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    """Train the classifier with and without unlabelled images; with RUN, classify by features."""
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.paper.section7.few_labels_study import features_rows, few_labels_rows

    if len(o.runs) > 1:
        raise UserError(f"{len(o.runs)} runs are given; few-labels takes at most one.")
    if o.runs:
        run = open_run(o.runs[0])
        data = load_data(run, reporter.work, o.data)
        found = features_rows(run, _model(run), data, o.labels, o.draw)
        return _record(o, reporter, found, _length_and_seeds([run]))
    data = _load(o, reporter)
    epochs = count_option("--epochs", o.epochs, 100 if data.name == "mnist-5k" else 300)
    found, picture = few_labels_rows(
        data,
        o.out,
        labels=o.labels,
        epochs=epochs,
        seed=o.seed,
        draw=o.draw,
        on_progress=reporter.work,
    )
    return _record(o, reporter, found, picture=picture)


def _efficiency(o: Section7Options, reporter: ProgressReporter) -> dict[str, Any]:
    """Play each variant of one game with three seeds."""
    from adversarial_nets.paper.section7.efficiency import efficiency

    if o.runs:
        raise UserError("efficiency plays its own games, but RUN is given; leave RUN out.")
    rounds = count_option("--rounds", o.rounds, 9000)
    if not math.isfinite(o.nats):
        raise UserError(f"--nats is {o.nats}; it must be a number, such as 60.")
    data = _load(o, reporter)
    seeds = [o.seed + i for i in range(3)]
    found, picture = efficiency(
        data,
        o.out / "efficiency",
        nats=o.nats,
        rounds=rounds,
        seeds=seeds,
        on_progress=reporter.work,
    )
    details = f"at most {rounds:,} rounds, {_seeds(seeds)}"
    return _record(o, reporter, found, details, picture)


COMMANDS = (
    Command(
        name="paper section7",
        arguments="[ITEM] [RUN ...]",
        summary="§7: extensions, with published numbers",
        options=Section7Options,
        run=_section7,
        examples=(
            "paper section7",
            "paper section7 conditional --rounds 4000",
            "paper section7 conditional runs/mnist-fast-conditional-1",
            "paper section7 inference runs/mnist-mnist-0",
            "paper section7 inference --joint --data grid",
            "paper section7 filling-in runs/mnist-filling-in-0",
            "paper section7 few-labels --labels 100",
            "paper section7 few-labels runs/mnist-mnist-0 --labels 1000",
            "paper section7 efficiency",
        ),
    ),
)
