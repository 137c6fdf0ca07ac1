"""The command ``advnets train``."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli import processes
from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import Data, Flag, Json, Threads, default, write
from adversarial_nets.datasets.registry import find
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import error_in_words
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.folder import Run, open_run
from adversarial_nets.settings import Cadence, Settings
from adversarial_nets.text import counted
from adversarial_nets.training.plan import Choices, Plan, refuse_unused_settings, resolve

if TYPE_CHECKING:
    from adversarial_nets.datasets import Dataset
    from adversarial_nets.training.loop import Callback

__all__ = ["COMMANDS", "TrainOptions"]

NOTHING_HELD_OUT = (
    "all images were trained on, so nothing measures how good the samples are, or whether they are "
    "copies. Look at them."
)


@dataclass(frozen=True)
class TrainOptions:
    """Train a GAN on DATA with Algorithm 1, then score it and write a report.

    Everything is saved in a run folder. The same command on the same folder resumes an interrupted
    run and ends with the same weights, bit for bit, as an uninterrupted one. A larger --rounds or
    --epochs extends a finished run.
    """

    data: Data
    preset: Annotated[
        str | None,
        default(
            "chosen by DATA", help=f"Start from the settings of this preset: {', '.join(PRESETS)}."
        ),
    ] = None
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)
    run: Annotated[Path | None, default("runs/DATA-PRESET-SEED")] = None
    """Folder of the run."""
    rounds: Annotated[int | None, default("the preset's length")] = None
    """Length of the training in rounds; a round is k updates of D and one of G."""
    epochs: Annotated[float | None, default("the preset's length")] = None
    """Length of the training in epochs (passes over the training images)."""
    cadence: Annotated[Cadence, tyro.conf.arg(name="")] = field(default_factory=Cadence)
    device: str = "cpu"
    """Device to train on: cpu, cuda or mps."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the matrix products; bfloat16 is mixed precision."""
    keep: Literal["newest", "all"] = "newest"
    """Checkpoints to keep: the newest two and the best, or all (many of them need much space)."""
    patience: Annotated[int | None, default("train to the last round")] = None
    """Stop when this many validation scores (--score-every) in a row have not improved; for
    convolutional networks, patch distances."""
    threads: Threads = None
    nproc: int = 1
    """Number of processes on this machine that share each minibatch, started by PyTorch's
    torchrun."""
    max_restarts: int = 0
    """With --nproc: how often to start all processes again when one dies."""
    onto: Path | None = None
    """A finished run whose generator becomes the top layers of this run's generator (TFD's second
    stage)."""
    init_from: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """Start from the weights of this run. The new run may have other settings and other images;
    it records the run it started from."""
    restart: Flag = False
    """Delete the run in the folder and train it again from the beginning."""
    dry_run: Flag = False
    """Print the resolved settings and stop."""
    tensorboard: Flag = False
    """Also write metrics and pictures for TensorBoard into RUN/tensorboard (extra: tensorboard)."""
    wandb: Flag = False
    """Also log metrics and pictures to Weights & Biases (extra: wandb). Without an account, set
    WANDB_MODE=offline to write them into RUN/wandb."""
    mlflow: Flag = False
    """Log metrics and pictures to MLflow (extra: mlflow), at MLFLOW_TRACKING_URI or RUN/mlruns."""
    film: Flag = False
    """At the end, write RUN/training.gif: how the samples of the same noise changed during the
    training, one frame every --samples-every rounds."""
    json: Json = False


def _defaults(data: str | None, given: Mapping[str, str]) -> tuple[TrainOptions, str]:
    """The default settings: those of the run to continue or to start from, or of the preset."""
    plan = resolve(_choices(data, given))
    options = TrainOptions(
        data="",
        preset=plan.preset,
        settings=plan.settings,
        run=plan.folder if plan.continues else None,
        cadence=plan.chosen.cadence,
    )
    if plan.origin is not None:
        return options, f"The defaults of the settings are those of the run {plan.origin.folder}."
    chosen = plan.chosen
    length = f"{chosen.rounds:,} rounds" if chosen.rounds else f"{chosen.epochs:g} epochs"
    reason = f", the preset for {data}" if data and "--preset" not in given else ""
    sentence = f"The defaults below are those of the preset {plan.preset}{reason}; its length is"
    sentence += f" {length}."
    if not data:
        sentence += " The defaults for other data: advnets train DATA --help"
    return options, sentence


def _choices(data: str | None, given: Mapping[str, str]) -> Choices:
    """The run, preset and data that the options choose, read before the options are parsed.

    The help describes a new run. A command for a folder of images may set the layers of fully
    connected networks, as in earlier versions, although the folder's preset, pictures, is
    convolutional.
    """
    run, source = given.get("--run"), given.get("--from")
    names_layers = not given.keys().isdisjoint(("--G.hidden", "--D.units"))
    return Choices(
        data or "mnist",
        run=Path(run) if run else None,
        preset=given.get("--preset"),
        seed=_number(given.get("--seed")),
        rounds=_number(given.get("--rounds")),
        source=open_run(source) if source else None,
        restart=not data or "--restart" in given or "--help" in given,
        unsuited=("pictures",) if names_layers else (),
    )


def _number(text: str | None) -> int | None:
    """An option's value if it is a whole number, else None; the parser reports mistakes later."""
    plain = (text or "").replace("_", "")
    return int(plain) if plain.isdecimal() else None


def _train(o: TrainOptions, reporter: ProgressReporter) -> dict[str, Any]:
    """Train, score and report."""
    if not o.data:
        raise UserError("DATA is missing. Name the data to train on, e.g.: advnets train mnist-5k")
    find(o.data)  # raises an error that explains a wrong name
    source = None if o.init_from is None else open_run(o.init_from)
    plan = resolve(Choices(o.data, o.run, o.preset, o.settings, source=source, restart=o.restart))
    refuse_unused_settings(plan)
    if o.rounds is None and o.epochs is None:
        o = dataclasses.replace(o, rounds=plan.chosen.rounds, epochs=plan.chosen.epochs)
    resolved: dict[str, Any] = {"data": o.data, "preset": plan.preset, "run": str(plan.folder)}
    if o.dry_run:
        resolved |= {name: getattr(o, name) for name in ("rounds", "epochs", "threads", "device")}
        resolved |= {"settings": o.settings.to_json()}
        reporter.say(json.dumps(resolved, indent=2))
        return resolved
    return resolved | _train_and_report(o, plan, reporter)


def _train_and_report(o: TrainOptions, plan: Plan, reporter: ProgressReporter) -> dict[str, Any]:
    """Load the data, train, score and write the report."""
    from adversarial_nets import datasets, distributed, report
    from adversarial_nets.engine.devices import check_device
    from adversarial_nets.runs import checkpoints, game_state
    from adversarial_nets.training import session, tracking

    s, preset, folder = o.settings, plan.preset, plan.folder
    check_device(o.device)
    if distributed.is_main():
        tracking.require_installed(name for name in tracking.TRACKERS if getattr(o, name))
    with distributed.main_process_first():
        data = datasets.load(o.data, **s.data_options(), on_progress=reporter.work)
    rounds = session.length(s, data, o.rounds, o.epochs)
    if plan.source is not None:
        game_state.refuse_other_shape(plan.source, data.image_shape)
    for line in _opening_sentences(o, preset, data, rounds):
        reporter.say(line)
    for line in _state_of_run(folder, rounds, o):
        reporter.say(line)
    # Several processes would need the same number of rounds for the estimate, but their clocks
    # differ.
    if preset == "pictures" and distributed.world_size() == 1:
        _state_time(o, data, folder, rounds, reporter)
    run = _play(o, data, plan, rounds, reporter)
    scores = _score(run, data, reporter) if data.held_out else {}
    if not distributed.is_main():
        return {}
    for line in _closing_sentences(run, data, preset):
        reporter.say(line)
    page = report.write_report(run, data)
    film = _film(folder) if o.film else None
    reporter.say("")
    reporter.say(f"Report:   {page}")
    if film:
        reporter.say(f"Film:     {film}")
    reporter.say(f"Pictures: {page.parent / 'figures'} and {folder / 'samples'}")
    round = max(checkpoints.checkpoint_rounds(run.folder))
    if round < rounds:
        reporter.say(f"Stopped at round {round:,} of {rounds:,}: --patience {o.patience}.")
    return {"rounds": rounds, "round": round, "parzen": scores, "report": str(page)}


def _opening_sentences(o: TrainOptions, preset: str, data: "Dataset", rounds: int) -> Iterator[str]:
    """Sentences on the data, the preset and the differences from the published game."""
    from adversarial_nets.objective_checks import published_settings

    chosen = PRESETS[preset]
    yield f"{o.data}: {counted(len(data.train), 'training image')}; preset {preset}"
    if chosen.departures:
        yield f"Unlike the published game: {chosen.departures}"
    if unlike := published_settings(o.settings):
        yield unlike
    if data.notes:
        yield data.notes
    if o.epochs is not None and chosen.stretches:
        yield (
            f"With --epochs the learning rate falls as in a run of {chosen.rounds:,} rounds; "
            f"--rounds {rounds} in its place fits the fall to this length."
        )


def _state_of_run(folder: Path, rounds: int, o: TrainOptions) -> list[str]:
    """Lines that say whether the run is new, resumed or already finished.

    Raises:
        UserError: the run's folder is a file.
    """
    from adversarial_nets.runs import checkpoints

    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give a folder with --run.")
    saved = [] if o.restart else checkpoints.checkpoint_rounds(folder)
    pictures = f"Samples while it trains: {folder / 'samples' / 'newest.png'}"
    if not saved:
        return [f"New run of {counted(rounds, 'round')} in {folder}", pictures]
    run = open_run(folder)
    if run.settings != o.settings:  # it will be refused
        return []
    own, last = _own_settings(run), max(saved)
    if last < rounds:
        return [f"Resuming at round {last:,} of {rounds:,} in {folder}", *own, pictures]
    done = f"Already finished: the run in {folder} has {counted(last, 'round')}."
    return [done, *own, "A larger --rounds or --epochs extends it."]


def _own_settings(run: Run) -> list[str]:
    """A line that names the settings of a run that differ from its preset, if there are any."""
    from adversarial_nets.report.run_settings import changes_from_preset

    rows = [f"{row.name['en']} {row.value['en']}" for row in changes_from_preset(run)]
    return [f"Unlike its preset, the run has {', '.join(rows)}."] if rows else []


def _state_time(
    o: TrainOptions, data: "Dataset", folder: Path, rounds: int, reporter: ProgressReporter
) -> None:
    """Print how long the remaining rounds will take, if there are any."""
    from adversarial_nets.runs import checkpoints
    from adversarial_nets.training.estimate import seconds_per_round

    saved = [] if o.restart else checkpoints.checkpoint_rounds(folder)
    left = rounds - max(saved, default=0)
    if left > 0:
        each = seconds_per_round(o.settings, data, o.device)
        minutes = left * each / 60
        time = f"about {minutes:.0f} minutes" if minutes >= 1 else "less than a minute"
        reporter.say(f"This will take {time}, at {1000 * each:.0f} ms per round on this machine.")


def _play(
    o: TrainOptions, data: "Dataset", plan: Plan, rounds: int, reporter: ProgressReporter
) -> Run:
    """Train to the last round."""
    from adversarial_nets.training import session
    from adversarial_nets.training.display import show_training

    with show_training(reporter, rounds) as callback:
        return session.train(
            data,
            preset=plan.preset,
            settings=o.settings,
            run=plan.folder,
            rounds=rounds,
            cadence=o.cadence,
            callbacks=[callback, *_trackers(o, plan.folder)],
            onto=o.onto,
            init_from=plan.source,
            restart=o.restart,
            device=o.device,
            precision=o.precision,
            keep=o.keep,
            patience=o.patience,
            progress=False,  # the reporter's callback shows it
        )


def _what_is_kept(o: TrainOptions, args: Sequence[str]) -> list[str]:
    """Lines that say what is kept after a Ctrl-C that ends the command before it can save."""
    if o.restart:  # the older run may not have been replaced yet
        return [
            "Stopped immediately. If the training had begun, its last saved checkpoint is kept; to "
            "continue it, repeat the command without --restart."
        ]
    return [
        "Stopped immediately; the last saved checkpoint, if there is one, is kept.",
        processes.command_to_continue(args),
    ]


def _score(run: Run, data: "Dataset", reporter: ProgressReporter) -> dict[str, Any]:
    """The Parzen scores of the last checkpoint by weights; recorded scores are not recomputed."""
    from adversarial_nets import distributed
    from adversarial_nets.evaluation import evaluate
    from adversarial_nets.runs import checkpoints
    from adversarial_nets.runs.evaluations import read_evaluations

    kinds: tuple[Literal["raw", "averaged"], ...] = ("raw", "averaged")
    if not run.settings.ema_decay:
        kinds = ("raw",)
    last = max(checkpoints.checkpoint_rounds(run.folder))
    recorded = {
        record["weights"]: record
        for record in read_evaluations(run.folder)
        if record["round"] == last
        and record["parzen"]["grid"] == "paper"
        and record["parzen"]["samples"] == 10_000
    }
    distributed.barrier()  # every process has read the record before the first one adds to it
    is_complete = all(w in recorded for w in kinds) and recorded[kinds[-1]]["calibration"]
    scores: dict[str, Any] = {}
    for weights in kinds:
        if is_complete:
            found = recorded[weights]
        else:
            calibration = weights == kinds[-1]
            found = evaluate(
                run, data, weights=weights, calibration=calibration, on_progress=reporter.work
            ).to_json()
        scores[weights] = found["parzen"]
        _print_score(reporter, weights, found["round"], found["parzen"])
    for row in found["calibration"]:
        score = f"{row['nats']:8.1f}{error_in_words(row['se'], ' nats')}"
        reporter.say(f"{row['name']:18} {score}")
    return scores


def _closing_sentences(run: Run, data: "Dataset", preset: str) -> list[str]:
    """Sentences on copied images, and on whether more rounds would help."""
    from adversarial_nets.runs import metrics
    from adversarial_nets.training.trend import trend

    if not data.held_out:
        return [f"No score: {NOTHING_HELD_OUT}"]
    trend_sentence = trend(metrics.read_metrics(run.folder), run.default_weights).sentence
    if preset != "pictures":
        return [trend_sentence]
    return [_memorised(run, data), *_known_to_D(run.folder), trend_sentence]


def _memorised(run: Run, data: "Dataset") -> str:
    """A sentence that says whether training images were copied."""
    from adversarial_nets.evaluation.memorisation import memorisation
    from adversarial_nets.game import sample
    from adversarial_nets.runs.game_state import load_generator

    G, _ = load_generator(run)
    return memorisation(sample(G, run.settings, 1000, "samples to compare"), data).sentence


def _known_to_D(folder: Path) -> list[str]:
    """A sentence that says how much better D recognises training images than held-out ones."""
    from adversarial_nets.runs.metrics import read_metrics

    row = next((row for row in reversed(read_metrics(folder)) if "V_held_out" in row), None)
    if row is None:
        return []
    return [
        f"V of D, in nats: {row['V_training']:.2f} on training images, {row['V_held_out']:.2f} on "
        "held-out images. The larger the difference, the more D overfits its training images."
    ]


def _film(folder: Path) -> Path:
    """Write the pictures of the training as a film; returns its path."""
    from adversarial_nets.plots import sheets
    from adversarial_nets.plots.walk import animation

    path = folder / "training.gif"
    write(path, animation(sheets.training_frames(folder), ".gif"))
    return path


def _print_score(
    reporter: ProgressReporter, weights: str, round: int, parzen: dict[str, Any]
) -> None:
    edge = ", at the edge of the grid" if parzen["at_edge"] else ""
    score = f"{parzen['nats']:8.1f}{error_in_words(parzen['se'], ' nats')}"
    reporter.say(
        f"{weights + ' G':18} {score} at round {round:,} (σ = {parzen['sigma']:.3g}{edge})"
    )


def _trackers(o: TrainOptions, folder: Path) -> Iterator["Callback"]:
    """The callbacks of the trackers that the options choose; in the main process only."""
    from adversarial_nets import distributed
    from adversarial_nets.training.tracking import TRACKERS

    for name, tracker in TRACKERS.items():
        if getattr(o, name) and distributed.is_main():
            yield tracker(folder, o.settings)


COMMANDS = (
    Command(
        name="train",
        arguments="DATA",
        summary="train a GAN, or resume an interrupted run",
        options=TrainOptions,
        run=_train,
        examples=(
            "train mnist --k 2 --epochs 50",
            "train mnist-5k --protocol paper --objective minimax",
            "train tfd --preset tfd-stage2 --onto runs/tfd-tfd-0",
            "train folder:PHOTOS --size 64 --flip",
            "train mnist --from runs/mnist-mnist-0 --lr 0.01",
        ),
        defaults=_defaults,
        multiprocess=True,
        if_interrupted=_what_is_kept,
    ),
)
