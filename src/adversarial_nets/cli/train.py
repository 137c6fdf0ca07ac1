"""The command ``advnets train``."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import Data, Flag, Json, Threads
from adversarial_nets.datasets.folder_defaults import preset_for, preset_for_data
from adversarial_nets.datasets.registry import find
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.published import error_in_words
from adversarial_nets.presets import PRESETS, run_folder
from adversarial_nets.progress import ProgressReporter, counted
from adversarial_nets.settings import Cadence, Settings

if TYPE_CHECKING:
    from adversarial_nets.datasets import Dataset
    from adversarial_nets.runs.folder import Run
    from adversarial_nets.training.loop import Callback

__all__ = ["COMMANDS", "TrainOptions"]

NOTHING_HELD_OUT = (
    "all images were trained on, so nothing tells how good the samples are, or whether they are "
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
        tyro.conf.arg(
            help=f"Start from the settings of this preset: {', '.join(PRESETS)}.",
            help_behavior_hint="(default: chosen by DATA)",
        ),
    ] = None
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)
    run: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Folder of the run.", help_behavior_hint="(default: runs/DATA-PRESET-SEED)"
        ),
    ] = None
    rounds: Annotated[
        int | None,
        tyro.conf.arg(
            help="Length of the training in rounds; a round is k updates of D and one of G.",
            help_behavior_hint="(default: the preset's length)",
        ),
    ] = None
    epochs: Annotated[
        float | None,
        tyro.conf.arg(
            help="Length of the training in epochs (passes over the training images).",
            help_behavior_hint="(default: the preset's length)",
        ),
    ] = None
    cadence: Annotated[Cadence, tyro.conf.arg(name="")] = field(default_factory=Cadence)
    device: str = "cpu"
    """Device to train on: cpu, cuda or mps."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the matrix products; bfloat16 is mixed precision."""
    keep: Literal["newest", "all"] = "newest"
    """Checkpoints to keep: the newest two and the best, or all (many of them need much space)."""
    patience: Annotated[
        int | None,
        tyro.conf.arg(
            help="Stop when this many validation scores (--score-every) in a row have not "
            "improved; for convolutional networks, patch distances.",
            help_behavior_hint="(default: train to the last round)",
        ),
    ] = None
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
    """The default settings: those of the run to continue or to start from, or of the preset.

    So the same command continues a run even if its preset has changed since.
    """
    existing = _existing_run(data, given)
    source = existing or given.get("--from")
    preset, settings = _settings_of(source) if source else ("", None)
    wanted = given.get("--preset")
    if settings and (wanted is None or (existing and wanted == preset)):
        sentence = f"The defaults of the settings are those of the run {source}."
        run = Path(existing) if existing else None
        how: dict[str, Any] = {"settings": settings, "cadence": preset_for("", preset)[1].cadence}
        return TrainOptions(data="", preset=preset, run=run, **how), sentence
    wanted = wanted or _preset_of_layers(data, given)
    name, chosen = preset_for_data(data or "mnist", wanted)
    length = f"{chosen.rounds:,} rounds" if chosen.rounds else f"{chosen.epochs:g} epochs"
    reason = f", the preset for {data}" if data and "--preset" not in given else ""
    sentence = f"The defaults below are those of the preset {name}{reason}; its length is {length}."
    if not data:
        sentence += " The defaults for other data: advnets train DATA --help"
    settings = chosen.settings_for(_number(given.get("--rounds")))
    how = {"settings": settings, "cadence": chosen.cadence}
    return TrainOptions(data="", preset=wanted, **how), sentence


def _preset_of_layers(data: str | None, given: Mapping[str, str]) -> str | None:
    """The preset for a folder if the command names fully connected layers, as it had to be before.

    The folder's own preset, pictures, has convolutional networks.
    """
    names_layers = not given.keys().isdisjoint(("--G.hidden", "--D.units"))
    if data and names_layers and preset_for_data(data)[0] == "pictures":
        return "quickstart-2014"
    return None


def _existing_run(data: str | None, given: Mapping[str, str]) -> str | None:
    """The folder of the run that the command continues, or None if it starts a new one.

    Earlier versions trained folders of images with the preset quickstart by default.
    """
    if not data or "--restart" in given or "--help" in given or "-h" in given:
        return None
    preset, _ = preset_for_data(data, given.get("--preset"))
    presets = [preset] if "--preset" in given or preset != "pictures" else [preset, "quickstart"]
    seed = _number(given.get("--seed")) or 0
    for name in presets:
        folder = _run_folder(data, name, seed, given.get("--run"), given.get("--from"))
        if (folder / "settings.json").is_file():
            return str(folder)
    return None


def _number(text: str | None) -> int | None:
    """An option's value if it is a whole number, else None; parsing it says what is wrong."""
    plain = (text or "").replace("_", "")
    return int(plain) if plain.isdecimal() else None


def _run_folder(
    data: str, preset: str, seed: int, run: str | Path | None, init_from: str | Path | None
) -> Path:
    """The folder of the run: the one given, or one named after data, preset and seed.

    The name of a run that starts from another run also contains that run's name.
    """
    if run is not None:
        return Path(run)
    folder = run_folder(data, preset, seed)
    if init_from is None:
        return folder
    return folder.with_name(f"{folder.name}-from-{Path(init_from).resolve().name}")


def _settings_of(run: str) -> tuple[str, Settings]:
    """The preset's name and the settings of a run."""
    from adversarial_nets.runs.folder import open_run

    source = open_run(Path(run))
    return source.preset, source.settings


def _train(o: TrainOptions, reporter: ProgressReporter) -> dict[str, Any]:
    """Train, score and report."""
    if not o.data:
        raise UserError("DATA is missing. Name the data to train on, e.g.: advnets train mnist-5k")
    find(o.data)  # says what is wrong with the name
    preset, chosen = preset_for_data(o.data, o.preset)
    folder = _run_folder(o.data, preset, o.settings.seed, o.run, o.init_from)
    if o.init_from is not None and folder.resolve() == o.init_from.resolve():
        raise UserError(
            f"{folder} is the run to start from; give the new run another folder with --run."
        )
    if o.rounds is None and o.epochs is None:
        o = dataclasses.replace(o, rounds=chosen.rounds, epochs=chosen.epochs)
    resolved: dict[str, Any] = {"data": o.data, "preset": preset, "run": str(folder)}
    if o.dry_run:
        resolved |= {name: getattr(o, name) for name in ("rounds", "epochs", "threads", "device")}
        resolved |= {"settings": o.settings.to_json()}
        reporter.say(json.dumps(resolved, indent=2))
        return resolved
    return resolved | _train_and_report(o, preset, folder, reporter)


def _train_and_report(
    o: TrainOptions, preset: str, folder: Path, reporter: ProgressReporter
) -> dict[str, Any]:
    """Load the data, train, score and write the report."""
    from adversarial_nets import datasets, report
    from adversarial_nets.engine import distributed
    from adversarial_nets.engine.devices import check_device
    from adversarial_nets.runs import checkpoints, game_state
    from adversarial_nets.runs.folder import open_run
    from adversarial_nets.training import session, tracking

    s = o.settings
    check_device(o.device)
    if distributed.is_main():
        tracking.require_installed(name for name in tracking.TRACKERS if getattr(o, name))
    with distributed.main_process_first():
        data = datasets.load(o.data, **s.data_options(), on_progress=reporter.work)
    rounds = session.length(s, data, o.rounds, o.epochs)
    if o.init_from is not None:
        game_state.refuse_other_shape(open_run(o.init_from), data.image_shape)
    for line in _opening_sentences(o, preset, data, rounds):
        reporter.say(line)
    for line in _state_of_run(folder, rounds, o):
        reporter.say(line)
    # Processes would need the same number of rounds for the estimate, but each has its own clock.
    if preset == "pictures" and distributed.world_size() == 1:
        _state_time(o, data, folder, rounds, reporter)
    run = _play(o, data, preset, folder, rounds, reporter)
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
    """What is trained on what, and how it differs from the published game."""
    from adversarial_nets import objectives

    chosen = PRESETS[preset]
    yield f"{o.data}: {counted(len(data.train), 'training image')}; preset {preset}"
    if chosen.departures:
        yield f"Unlike the published game: {chosen.departures}"
    if unlike := objectives.published_settings(o.settings):
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
    from adversarial_nets.runs.folder import open_run

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


def _own_settings(run: "Run") -> list[str]:
    """A line on what differs in a run from its preset, if anything does."""
    from adversarial_nets.report.run_settings import changes_from_preset

    rows = [f"{row.name} {row.value}" for row in changes_from_preset(run)]
    return [f"Unlike its preset, the run has {', '.join(rows)}."] if rows else []


def _state_time(
    o: TrainOptions, data: "Dataset", folder: Path, rounds: int, reporter: ProgressReporter
) -> None:
    """Say how long the rounds that are left will take, if any are left."""
    from adversarial_nets.runs import checkpoints
    from adversarial_nets.training.estimate import seconds_per_round

    saved = [] if o.restart else checkpoints.checkpoint_rounds(folder)
    left = rounds - max(saved, default=0)
    if left > 0:
        each = seconds_per_round(o.settings, data, o.device)
        minutes = left * each / 60
        time = f"about {minutes:.0f} minutes" if minutes >= 1 else "less than a minute"
        reporter.say(f"This will take {time}, at {1000 * each:.0f} ms a round on this machine.")


def _play(
    o: TrainOptions,
    data: "Dataset",
    preset: str,
    folder: Path,
    rounds: int,
    reporter: ProgressReporter,
) -> "Run":
    """Train to the last round."""
    from adversarial_nets.training import session

    with reporter.training(rounds) as callback:
        return session.train(
            data,
            preset=preset,
            settings=o.settings,
            run=folder,
            rounds=rounds,
            cadence=o.cadence,
            callbacks=[callback, *_trackers(o, folder)],
            onto=o.onto,
            init_from=o.init_from,
            restart=o.restart,
            device=o.device,
            precision=o.precision,
            keep=o.keep,
            patience=o.patience,
            progress=False,  # the reporter's callback shows it
        )


def _score(run: "Run", data: "Dataset", reporter: ProgressReporter) -> dict[str, Any]:
    """The Parzen scores of the last checkpoint by weights; recorded scores are not recomputed."""
    from adversarial_nets.engine import distributed
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
    if is_complete:
        for weights in kinds:
            _print_score(reporter, weights, last, recorded[weights]["parzen"])
        for row in recorded[kinds[-1]]["calibration"]:
            _print_reference(reporter, row)
        return {str(weights): recorded[weights]["parzen"] for weights in kinds}
    scores: dict[str, Any] = {}
    for weights in kinds:
        found = evaluate(
            run,
            data,
            weights=weights,
            calibration=weights == kinds[-1],
            on_progress=reporter.work,
        ).to_json()
        scores[weights] = found["parzen"]
        _print_score(reporter, weights, found["round"], found["parzen"])
    for row in found["calibration"]:
        _print_reference(reporter, row)
    return scores


def _closing_sentences(run: "Run", data: "Dataset", preset: str) -> list[str]:
    """Sentences on copied images, and on whether more rounds would help."""
    from adversarial_nets.runs import metrics
    from adversarial_nets.training.trend import trend

    if not data.held_out:
        return [f"No score: {NOTHING_HELD_OUT}"]
    still_falls = trend(metrics.read_metrics(run.folder), run.default_weights).sentence
    if preset != "pictures":
        return [still_falls]
    return [_memorised(run, data), *_known_to_D(run.folder), still_falls]


def _memorised(run: "Run", data: "Dataset") -> str:
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
    from adversarial_nets.runs import files

    path = folder / "training.gif"
    with files.explain_os_errors(folder):
        files.write_atomically(path, animation(sheets.training_frames(folder), ".gif"))
    return path


def _print_score(
    reporter: ProgressReporter, weights: str, round: int, parzen: dict[str, Any]
) -> None:
    edge = ", at the edge of the grid" if parzen["at_edge"] else ""
    score = f"{parzen['nats']:8.1f}{error_in_words(parzen['se'], ' nats')}"
    reporter.say(
        f"{weights + ' G':18} {score} at round {round:,} (σ = {parzen['sigma']:.3g}{edge})"
    )


def _print_reference(reporter: ProgressReporter, row: dict[str, Any]) -> None:
    reporter.say(f"{row['name']:18} {row['nats']:8.1f}{error_in_words(row['se'], ' nats')}")


def _trackers(o: TrainOptions, folder: Path) -> Iterator["Callback"]:
    """The callbacks of the trackers that the options ask for, in the main process only."""
    from adversarial_nets.engine import distributed
    from adversarial_nets.training.tracking import TRACKERS

    for name, tracker in TRACKERS.items():
        if getattr(o, name) and distributed.is_main():
            yield tracker(folder, o.settings)


COMMANDS = (
    Command(
        name="train",
        group="train",
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
    ),
)
