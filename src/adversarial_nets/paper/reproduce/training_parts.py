"""The parts of §5: train the experiments or show given runs; samples, scores, interpolation."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import DataNotFound, UserError
from adversarial_nets.evaluation import PUBLISHED, Evaluation, evaluate
from adversarial_nets.evaluation.published import error_in_words
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.game import sample
from adversarial_nets.paper.reproduce.registry import Context, Result
from adversarial_nets.plots import sheets, style
from adversarial_nets.plots.interpolation import interpolate
from adversarial_nets.presets import PRESETS
from adversarial_nets.report import write_report
from adversarial_nets.report.run_settings import differences_in_words, is_published_experiment
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run
from adversarial_nets.training.session import train

__all__ = [
    "EXPERIMENTS",
    "caveats",
    "figure2a",
    "figure2b",
    "figure2c",
    "figure2d",
    "figure3",
    "run_of",
    "trained",
]

QUICK_ROUNDS = 3000
"""Rounds of the training in the quick profile."""


@dataclass(frozen=True)
class Experiment:
    """One of the paper's trainings.

    Attributes:
        data: the paper's data set.
        substitute: the data set to use if the paper's data set is not on this machine.
        presets: its presets; each continues from the run of the previous one.
    """

    data: str
    substitute: str
    presets: tuple[str, ...]


EXPERIMENTS: Mapping[str, Experiment] = {
    "figure2a": Experiment("mnist", "mnist", ("mnist",)),
    "figure2b": Experiment("tfd", "tfd-standin", ("tfd", "tfd-stage2")),
    "figure2c": Experiment("cifar10", "cifar10-copy", ("cifar10",)),
    "figure2d": Experiment("cifar10", "cifar10-copy", ("cifar10-convolutional",)),
}


# --- Runs -----------------------------------------------------------------------------------------


def run_of(name: str, context: Context) -> Run:
    """The run of a part: the one given for it, or a trained one.

    Args:
        name: a name of `EXPERIMENTS`.
        context: profile, seed, and the runs to show.

    Raises:
        UserError: the quick profile does not have this part, or its data set is missing.
    """
    if name in context.use:
        return runs_folder.open_run(context.use[name])
    if context.profile == "full":
        return _train_full(EXPERIMENTS[name], context)
    if name != "figure2a":
        raise UserError(
            "The quick profile trains on the included digits only. Run this part with: "
            + context.command(name)
        )
    return trained(
        datasets.load("mnist-5k"),
        "quickstart-2014",
        context,
        name="quick-mnist-5k",
        title="mnist-5k",
        rounds=QUICK_ROUNDS,
    )


def _train_full(experiment: Experiment, context: Context) -> Run:
    """The published training, with all its stages."""
    images = _load(experiment, context)
    stage_before = None
    for preset in experiment.presets:
        run = trained(
            images,
            preset,
            context,
            name=f"{images.name}-{preset}",
            title=f"{images.name}, {preset}",
            onto=stage_before,
        )
        stage_before = run.folder
    return run


def trained(
    data: Dataset,
    preset: str,
    context: Context,
    *,
    name: str,
    title: str,
    rounds: int | None = None,
    onto: Path | None = None,
) -> Run:
    """Train a run of a preset, or resume it, in OUT/runs/NAME-SEED; `title` names its progress."""
    return train(
        data,
        preset=preset,
        settings=dataclasses.replace(PRESETS[preset].settings, seed=context.seed),
        run=context.out / "runs" / f"{name}-{context.seed}",
        rounds=rounds,
        callbacks=[lambda s: context.on_progress(f"{title}: round", s.row["round"], s.rounds)],
        onto=onto,
        progress=False,
    )


def _load(experiment: Experiment, context: Context) -> Dataset:
    """The experiment's data set, or its substitute.

    Raises:
        UserError: neither data set is on this machine.
    """
    data, substitute = experiment.data, experiment.substitute
    try:
        return datasets.load(data, on_progress=context.on_progress)
    except DataNotFound as missing:
        try:
            return datasets.load(substitute, on_progress=context.on_progress)
        except DataNotFound as error:
            words = f"{missing} {error}" if substitute != data else str(error)
            raise UserError(words) from error


# --- Figure 2 and Figure 3 ------------------------------------------------------------------------


def _figure2(name: str, context: Context) -> Result:
    """A part of Figure 2: samples, their nearest training images, and scores."""
    run = run_of(name, context)
    data, weights = load_data(run), run.default_weights
    G, round = game_state.load_generator(run, "last", weights)
    samples = sample(G, run.settings, 20, "samples to score").float()
    figure = sheets.plot_figure2(samples, data)
    style.write_picture(figure, context.folder / f"{name}.png", dpi=style.DPI)
    found = evaluate(run, data, weights=weights, on_progress=context.on_progress, progress=False)
    write_report(run, data)
    return Result(
        ours=f"{_run_in_words(run)}, {weights} G at round {round:,}: "
        f"{found.parzen}{_qualification(run, name)}",
        notes=(data.provenance, *caveats(run, name)),
        tables=(_score_rows(found),),
        pictures=(f"{name}.png",),
        run=str(run.folder),
    )


figure2a = functools.partial(_figure2, "figure2a")
figure2b = functools.partial(_figure2, "figure2b")
figure2c = functools.partial(_figure2, "figure2c")
figure2d = functools.partial(_figure2, "figure2d")


def _score_rows(found: Evaluation) -> list[dict[str, str]]:
    """The run's score and those of reference images."""
    scores = [(f"{found.weights} G, round {found.round:,}", found.parzen)]
    scores += [(row.name, row.score) for row in found.calibration]
    return [
        {"samples": name, "nats": f"{s.nats:.1f}{error_in_words(s.se)}", "σ": f"{s.sigma:.3f}"}
        for name, s in scores
    ]


def _run_in_words(run: Run) -> str:
    """A run's data set and preset; a run with other settings is called custom."""
    return f"{run.data} ({f'preset {run.preset}' if run.is_preset else run.preset_label})"


def _qualification(run: Run, name: str) -> str:
    """A caveat to print after a run's score if it is not comparable with the paper's score."""
    words = ""
    if not is_published_experiment(run) or run.preset != EXPERIMENTS[name].presets[-1]:
        words += "; not the published experiment"
    published_on = EXPERIMENTS[name].data
    if run.data != published_on and published_on in PUBLISHED:
        words += "; not comparable with the published number"
    return words


def caveats(run: Run, name: str) -> tuple[str, ...]:
    """Sentences that state how a run differs from the paper's experiment of a part.

    Args:
        run: the run that the part shows.
        name: a name of `EXPERIMENTS`.
    """
    notes = []
    preset, expected = run.preset, EXPERIMENTS[name].presets[-1]
    if preset in PRESETS and not PRESETS[preset].published:
        notes.append(f"Preset {preset} is not the published experiment: {PRESETS[preset].why}")
    elif preset != expected:
        notes.append(f"Preset {preset} is not the experiment of this part, which is {expected}.")
    if not run.is_preset:
        notes.append(
            f"The run is {run.preset_label}. It differs from the preset in: "
            f"{differences_in_words(run)}."
        )
    if run.data != EXPERIMENTS[name].data:
        notes.append(f"The data set is {run.data}, so no published score is comparable.")
    return tuple(notes)


def figure3(context: Context) -> Result:
    """Figure 3: images along straight lines in z, of Figure 2a's generator."""
    run = run_of("figure2a", context)
    weights = run.default_weights
    G, round = game_state.load_generator(run, "last", weights)
    images = interpolate(G, run.settings)
    figure = sheets.plot_figure3(images, load_data(run))
    style.write_picture(figure, context.folder / "figure3.png", dpi=style.DPI)
    return Result(
        ours=f"{len(images)} straight lines in z; {_run_in_words(run)}, {weights} G at round "
        f"{round:,}",
        notes=caveats(run, "figure2a"),
        pictures=("figure3.png",),
        run=str(run.folder),
    )
