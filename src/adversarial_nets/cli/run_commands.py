"""The commands that train nets and look at runs."""

import dataclasses
import io
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli.shared import Command, Grid, Weights, printer, say_rows
from adversarial_nets.errors import UserError
from adversarial_nets.presets import preset_for, run_folder
from adversarial_nets.settings import Cadence, Settings

if TYPE_CHECKING:
    from adversarial_nets.training.session import TrainingSnapshot

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class Train:
    """Play Algorithm 1 on DATA in a run's folder, then score and report it.

    The same command on the same folder continues where it stopped, after Ctrl-C, a crash or a
    power cut, and ends with the same weights as if nothing had happened. A larger --rounds or
    --epochs extends a finished run.

    Examples:
    {examples}
    """

    data: Annotated[
        str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA", help_behavior_hint="(required)")
    ]
    """mnist, mnist-5k, tfd, cifar10, idx:FOLDER, folder:PATH …; see: advnets datasets"""
    preset: str | None = None
    """Start from the settings of this preset (mnist, fast, quickstart, tfd, tfd-stage2, cifar10 or
    cifar10-convolutional, the last four also as …-small); DATA picks one by itself."""
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)
    run: Path | None = None
    """The run's folder; runs/DATA-PRESET-SEED where not given."""
    rounds: int | None = None
    """How many rounds the run shall have; a round is k updates of D and one of G."""
    epochs: float | None = None
    """The same in passes over the training images."""
    cadence: Annotated[Cadence, tyro.conf.arg(name="")] = field(default_factory=Cadence)
    device: str = "cpu"
    """cpu, cuda or mps."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the matrix products; bfloat16 is mixed precision."""
    threads: int | None = None
    """Processor threads; all where not given."""
    nproc: int = 1
    """Processes that share each minibatch, started by PyTorch's torchrun on this machine."""
    max_restarts: int = 0
    """With --nproc: how often to start all of them again when one dies."""
    onto: Path | None = None
    """A finished run whose generator becomes the top layers of this one's: TFD's stage 2."""
    restart: bool = False
    """Forget what the folder holds and begin anew."""
    dry_run: bool = False
    """Print the resolved settings and do nothing."""
    tensorboard: bool = False
    """Write the metrics for TensorBoard too, into RUN/tensorboard (extra: tensorboard)."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _train(o: Train) -> dict[str, Any]:
    from adversarial_nets import datasets, report
    from adversarial_nets.engine import distributed
    from adversarial_nets.evaluation import evaluate
    from adversarial_nets.progress import ProgressReporter
    from adversarial_nets.runs import checkpoints
    from adversarial_nets.training.session import check_device, length, train

    reporter = ProgressReporter(quiet=o.json)
    s = o.settings
    if not o.data:
        raise UserError("Name the DATA to learn, e.g.: advnets train mnist-5k")
    preset, chosen = preset_for(o.data, o.preset)
    folder = o.run or run_folder(o.data, preset, s.seed)
    rounds, epochs = o.rounds, o.epochs
    if rounds is None and epochs is None:
        rounds, epochs = chosen.rounds, chosen.epochs
    resolved: dict[str, Any] = {"data": o.data, "preset": preset, "run": str(folder)}
    if o.dry_run:
        resolved |= {"rounds": rounds, "epochs": epochs, "threads": o.threads, "device": o.device}
        resolved |= {"settings": s.to_json()}
        reporter.say(json.dumps(resolved, indent=2))
        return resolved
    check_device(o.device)
    with distributed.main_process_first():
        data = datasets.load(o.data, size=s.size, channels=s.channels, on_progress=reporter.work)
    rounds = length(s, data, rounds, epochs)
    reporter.say(f"{o.data}: {len(data.train):,} training images; preset {preset}; run {folder}")
    with reporter.training(rounds) as callback:
        callbacks = [callback]
        if o.tensorboard:
            callbacks.append(_tensorboard(folder))
        run = train(
            data,
            preset=preset,
            settings=s,
            run=folder,
            rounds=rounds,
            cadence=o.cadence,
            callbacks=callbacks,
            onto=o.onto,
            restart=o.restart,
            device=o.device,
            precision=o.precision,
        )
    scores = {}
    kinds: tuple[Weights, ...] = ("raw", "averaged") if s.ema_decay else ("raw",)
    for weights in kinds:
        last = weights == kinds[-1]  # whose calibration rows are reporter
        found = evaluate(run, data, weights=weights, calibration=last, on_progress=reporter.work)
        scores[weights] = found.to_json()["parzen"]
        reporter.say(f"{weights:8} G at round {found.round}: {found.parzen}")
    for row in found.calibration:
        reporter.say(f"{row.name}: {row.score}")
    if not distributed.is_main():
        return resolved
    page = report.write_report(run, data)
    reporter.say(
        f"\nReport:   {page}\nPictures: {page.parent / 'figures'} and {folder / 'samples'}"
    )
    round = max(checkpoints.checkpoint_rounds(run.folder))
    return resolved | {"rounds": rounds, "round": round, "parzen": scores, "report": str(page)}


def _tensorboard(folder: Path) -> Callable[["TrainingSnapshot"], None]:
    """An observer that writes each row of the metrics for TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(
            "TensorBoard is not installed. Install it with: pip install "
            "'adversarial-nets[tensorboard]'"
        ) from error
    writer = SummaryWriter(str(folder / "tensorboard"))

    def callback(look: "TrainingSnapshot") -> None:
        for name, value in look.row.items():
            if isinstance(value, float):
                writer.add_scalar(name, value, look.row["round"])
        for weights, score in look.row.get("scores", {}).items():
            writer.add_scalar(f"valid_nats/{weights}", score["valid_nats"], look.row["round"])
        writer.flush()

    return callback


@dataclass(frozen=True)
class Evaluate:
    """Score a run by the paper's protocol: a Parzen window on its samples, in nats.

    The width σ is chosen on validation images, the score is over all test images. Rows for real
    training images, k-means centroids and the mean image stand beside it.

    Examples:
    {examples}
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run's folder."""
    checkpoint: str = "last"
    """last, best (by validation score) or a round's number."""
    weights: Weights = "raw"
    """G's own weights, as published, or their running average."""
    grid: Grid = "paper"
    """The widths to choose from: the paper's 10, or 40 finer ones."""
    samples: int = 10_000
    """How many samples; any number fits in memory."""
    calibration: bool = True
    """Score the calibration rows too."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _evaluate(o: Evaluate) -> dict[str, Any]:
    from adversarial_nets.evaluation import evaluate
    from adversarial_nets.runs import folder as runs_folder

    reporter = printer(o.json)
    run = runs_folder.open_run(o.run)
    found = evaluate(
        run,
        checkpoint=o.checkpoint,
        weights=o.weights,
        grid=o.grid,
        samples=o.samples,
        calibration=o.calibration,
        on_progress=reporter.work,
    )
    reporter.say(f"{found.weights} G at round {found.round} on {found.data}: {found.parzen}")
    say_rows(reporter, found.calibration)
    return found.to_json() | {"run": runs_folder.history(run)}


@dataclass(frozen=True)
class Measure:
    """Measure a run beyond the paper: Fréchet and kernel distance, precision, recall and more.

    On the features of a small classifier of the data's own classes, trained once in about a minute,
    or, for photographs, of Inception (extra: photographs; 96 MB of weights are fetched). Beside
    each stands its floor: what as many real images would get.

    Examples:
    {examples}
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run's folder."""
    checkpoint: str = "last"
    """last, best (by validation score) or a round's number."""
    weights: Weights = "raw"
    """G's own weights, as published, or their running average."""
    samples: int = 5000
    """How many samples at most."""
    features: Literal["classifier", "inception"] = "classifier"
    """What makes the features."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _measure(o: Measure) -> dict[str, Any]:
    from adversarial_nets.evaluation import measure
    from adversarial_nets.runs import folder as runs_folder

    reporter = printer(o.json)
    found = measure(
        runs_folder.open_run(o.run),
        checkpoint=o.checkpoint,
        weights=o.weights,
        samples=o.samples,
        features=o.features,
        on_progress=reporter.work,
    )
    made_by = "Inception's features"
    if found.accuracy is not None:
        right = f"{found.accuracy:.1%} of the test images"
        made_by = f"features of a classifier that is right on {right}"
    reporter.say(
        f"{found.weights} G at round {found.round} on {found.data}, {found.samples:,} samples; "
        + made_by
    )
    result = dataclasses.asdict(found)
    for name, value in result["model"].items():
        reporter.say(f"{name:10} {value:10.4f}   real images {result['floor'][name]:10.4f}")
    if found.classes is not None:
        shares = (f"{i}: {share:.1%}" for i, share in enumerate(found.classes))
        reporter.say("classes    " + "  ".join(shares))
    return result


@dataclass(frozen=True)
class Calibrate:
    """Score images that are no model's by the Parzen measure.

    Real training images, k-means centroids and the mean image in the place of samples. That
    centroids beat real images shows what the number is worth.

    Examples:
    {examples}
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """mnist, mnist-5k, tfd, cifar10, idx:FOLDER, folder:PATH …; see: advnets datasets"""
    grid: Grid = "paper"
    """The widths to choose from: the paper's 10, or 40 finer ones."""
    samples: int = 10_000
    """How many training images or centroids at most."""
    size: int | None = None
    """folder:PATH only: images become this many pixels square."""
    channels: Literal[1, 3] | None = None
    """folder:PATH only: 1 for grey, 3 for colour."""
    threads: int | None = None
    """Processor threads; all where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _calibrate(o: Calibrate) -> dict[str, Any]:
    from adversarial_nets import datasets
    from adversarial_nets.evaluation import calibrate
    from adversarial_nets.evaluation.score import row_to_json

    reporter = printer(o.json)
    data = datasets.load(o.data, size=o.size, channels=o.channels, on_progress=reporter.work)
    if o.samples < 1:
        raise UserError(f"--samples is {o.samples}; it must be 1 or more.")
    rows = calibrate(data, o.grid, samples=o.samples, on_progress=reporter.work)
    say_rows(reporter, rows)
    return {"data": o.data, "grid": o.grid, "rows": [row_to_json(row) for row in rows]}


@dataclass(frozen=True)
class Sample:
    """Draw samples: one forward pass each, no Markov chain.

    A .png gets them side by side; an .npz gets the array `samples` (n, …) in the model's range,
    float32, and the array `range`.

    Examples:
    {examples}
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run's folder."""
    out: Path = Path("samples.png")
    """The file to write, .png or .npz."""
    n: int = 100
    """How many samples."""
    checkpoint: str = "last"
    """last, best (by validation score) or a round's number."""
    weights: Weights = "raw"
    """G's own weights, as published, or their running average."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _sample(o: Sample) -> dict[str, Any]:
    import numpy as np

    from adversarial_nets.engine import distributed
    from adversarial_nets.game import sample
    from adversarial_nets.plots import sheets
    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder

    if o.n < 1:
        raise UserError(f"--n is {o.n}; it must be 1 or more.")
    if o.out.suffix not in (".png", ".npz"):
        raise UserError(f"--out is {o.out}; its name must end in .png or .npz.")
    run = runs_folder.open_run(o.run)
    G, round = game_state.load_generator(run, o.checkpoint, o.weights)
    mine = distributed.local_rows(o.n)
    x = distributed.all_gather(sample(G, run.settings, len(mine), first=mine.start), o.n)
    result = {"round": round, "weights": o.weights, "n": o.n, "out": str(o.out)}
    if not distributed.is_main():
        return result
    shape = run.image_shape
    with files.explain_os_errors(o.out.parent):
        o.out.parent.mkdir(parents=True, exist_ok=True)
        if o.out.suffix == ".png":
            content = sheets.grid_png(x, shape, run.range)
        else:
            file = io.BytesIO()
            array = x.numpy().reshape(-1, *(shape if shape[0] > 1 else shape[1:]))
            np.savez(file, samples=array, range=np.array(run.range, np.float32))
            content = file.getvalue()
        files.write_atomically(o.out, content)
    printer(o.json).say(f"{o.n} samples of the {o.weights} G at round {round}: {o.out}")
    return result


@dataclass(frozen=True)
class Interpolate:
    """Figure 3: images along straight lines between random points in z space.

    Examples:
    {examples}
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run's folder."""
    out: Path = Path("interpolation.png")
    """The picture to write, .png."""
    rows: int = 6
    """How many lines."""
    steps: int = 12
    """Images along each line, both ends included."""
    checkpoint: str = "last"
    """last, best (by validation score) or a round's number."""
    weights: Weights = "raw"
    """G's own weights, as published, or their running average."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _interpolate(o: Interpolate) -> dict[str, Any]:
    from adversarial_nets.plots import sheets
    from adversarial_nets.plots.interpolation import interpolate
    from adversarial_nets.runs import files, game_state
    from adversarial_nets.runs import folder as runs_folder

    if o.rows < 1 or o.steps < 2:
        raise UserError("--rows must be 1 or more and --steps 2 or more.")
    if o.out.suffix != ".png":
        raise UserError(f"--out is {o.out}; its name must end in .png.")
    run = runs_folder.open_run(o.run)
    G, round = game_state.load_generator(run, o.checkpoint, o.weights)
    x = interpolate(G, run.settings, o.rows, o.steps)
    with files.explain_os_errors(o.out.parent):
        o.out.parent.mkdir(parents=True, exist_ok=True)
        content = sheets.grid_png(x.flatten(0, 1), run.image_shape, run.range, columns=o.steps)
        files.write_atomically(o.out, content)
    printer(o.json).say(f"{o.rows} lines in z of the {o.weights} G at round {round}: {o.out}")
    return {"round": round, "weights": o.weights, "out": str(o.out)}


@dataclass(frozen=True)
class Report:
    """Write the run's report: one HTML page that opens offline.

    Examples:
    {examples}
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run's folder."""
    weights: Weights | None = None
    """Which weights to show; the run's own choice where not given."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _report(o: Report) -> dict[str, Any]:
    from adversarial_nets import report
    from adversarial_nets.runs import folder as runs_folder

    page = report.write_report(runs_folder.open_run(o.run), weights=o.weights)
    printer(o.json).say(f"Report: {page}")
    return {"report": str(page)}


@dataclass(frozen=True)
class Compare:
    """Put runs side by side: scores, what their settings differ in, the spread over seeds.

    Each RUN is a run's folder that was evaluated, or a file with what `advnets evaluate RUN --json`
    printed. Runs that differ in the seed alone get a mean and a standard deviation; the ± of one
    run is over test images, and says nothing of another seed.

    Examples:
    {examples}
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN RUN …")]
    """Runs' folders, or files of results."""
    weights: Weights = "raw"
    """Which score of a folder: of G's own weights, as published, or of their running average."""
    grid: Grid = "paper"
    """Which score of a folder: on the paper's 10 widths, or 40 finer ones."""
    out: Path = Path("comparison.png")
    """The picture to write, .png: validation scores over the rounds."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _compare(o: Compare) -> dict[str, Any]:
    from adversarial_nets.plots import curves as plots_curves
    from adversarial_nets.plots import style
    from adversarial_nets.runs import files
    from adversarial_nets.runs.compare import compare

    if o.out.suffix != ".png":
        raise UserError(f"--out is {o.out}; its name must end in .png.")
    reporter = printer(o.json)
    found = compare(o.runs, o.weights, o.grid)
    width = max(len(entry.name) for entry in found.entries)
    for entry, path in zip(found.entries, o.runs, strict=True):
        if entry.nats is None:
            how = shlex.join([str(path), "--weights", entry.weights, "--grid", entry.grid])
            words = f"no such score; make it with: advnets evaluate {how}"
        else:
            words = f"round {entry.round:9,}  {entry.nats:8.1f} ± {entry.se:.1f} nats"
            words += "" if entry.samples == 10_000 else f" of {entry.samples:,} samples"
        reporter.say(f"{entry.name:{width}}  {entry.data}, {entry.weights}, {entry.grid}  {words}")
        if entry.preset.startswith("custom"):
            changes = ", ".join(f"{n} {old} → {new}" for n, (old, new) in entry.changed.items())
            reporter.say(f"{'':{width}}  {entry.preset}" + (f": {changes}" if changes else ""))
    for name, values in found.differences.items():
        reporter.say(f"{name:{width}}  {'  |  '.join(map(str, values))}")
    for alike in found.identical:
        reporter.say(f"identical: {', '.join(alike)}")
    for group in found.groups:
        names = ", ".join(group.names)
        mean = f"{group.mean:.1f}, standard deviation {group.spread:.1f}"
        reporter.say(f"mean of {group.seeds} seeds {mean}: {names}")
    if found.published is not None:
        reporter.say(f"published {found.published.nats:g} ± {found.published.se:g}")
    result = dataclasses.asdict(found) | {"picture": None}
    curves = {entry.name: entry.curve for entry in found.entries if entry.curve}
    if "data" in found.differences:
        reporter.say("No picture: the runs are of different data, and so are their scales.")
    elif curves:
        with files.explain_os_errors(o.out.parent):
            o.out.parent.mkdir(parents=True, exist_ok=True)
            picture = style.to_png(plots_curves.plot_comparison(curves, found.published))
            files.write_atomically(o.out, picture)
        reporter.say(f"Picture: {o.out}")
        result["picture"] = str(o.out)
    return result


@dataclass(frozen=True)
class Datasets:
    """List what DATA can be.

    Examples:
    {examples}
    """

    json: bool = False
    """Print one JSON object and nothing else."""


def _datasets(o: Datasets) -> dict[str, Any]:
    from adversarial_nets.datasets import REGISTRY

    reporter = printer(o.json)
    for entry in REGISTRY.values():
        reporter.say(f"{entry.name:14} {entry.description}")
        reporter.say(f"{'':14} Source: {entry.source}")
    return {"datasets": [entry.to_json() for entry in REGISTRY.values()]}


COMMANDS: dict[str, Command] = {
    "train": (
        Train,
        _train,
        (
            "train mnist --k 2 --epochs 50",
            "train mnist-5k --protocol paper --objective minimax",
            "train tfd --preset tfd-stage2 --onto runs/tfd-tfd-0",
            "train folder:PHOTOS --size 32 --channels 3 --G.hidden 600 600",
        ),
    ),
    "evaluate": (
        Evaluate,
        _evaluate,
        (
            "evaluate runs/mnist-mnist-0",
            "evaluate runs/mnist-mnist-0 --grid fine --weights averaged --checkpoint best",
        ),
    ),
    "measure": (
        Measure,
        _measure,
        (
            "measure runs/mnist-mnist-0 --weights averaged",
            "measure runs/cifar10-cifar10-0 --features inception",
        ),
    ),
    "calibrate": (Calibrate, _calibrate, ("calibrate mnist", "calibrate mnist-5k --grid fine")),
    "sample": (
        Sample,
        _sample,
        (
            "sample runs/mnist-mnist-0 --out digits.png",
            "sample runs/mnist-mnist-0 --n 60000 --out digits.npz",
        ),
    ),
    "interpolate": (Interpolate, _interpolate, ("interpolate runs/mnist-mnist-0 --rows 4",)),
    "report": (Report, _report, ("report runs/mnist-mnist-0",)),
    "compare": (
        Compare,
        _compare,
        (
            "compare runs/mnist-mnist-1 runs/mnist-mnist-2 --weights averaged",
            "compare results/mnist-seed1-raw-paper.json results/mnist-seed2-raw-paper.json",
        ),
    ),
    "datasets": (Datasets, _datasets, ("datasets", "datasets --json")),
}
