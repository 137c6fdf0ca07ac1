"""The command ``advnets``: parses, calls one function of the library, prints.

``--help`` imports no torch: everything heavy is imported inside the command that needs it.
"""

import dataclasses
import inspect
import io
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import tyro

from adversarial_nets import __version__
from adversarial_nets.errors import Stopped, UserError
from adversarial_nets.settings import (
    Cadence,
    Settings,
    nearest_name,
    preset_for,
    run_folder,
)

if TYPE_CHECKING:
    from adversarial_nets.progress import Shown

__all__ = ["main"]

_HELP = f"""\
advnets {__version__}: Generative Adversarial Nets (2014) as living software

  advnets train mnist-5k           learn digits in two minutes, nothing to download
  advnets train mnist              the published game on real MNIST (§5)
  advnets train folder:PHOTOS      your own images

Commands (each explains itself: advnets COMMAND --help)

  train DATA         play Algorithm 1; the same command continues an interrupted run
  evaluate RUN       the paper's Parzen-window score, with calibration rows
  calibrate DATA     what images that are no model's score: the measure's own measure
  sample RUN         draw samples into a picture or an .npz file
  interpolate RUN    Figure 3: images along straight lines in z
  report RUN         one HTML page: samples, curves, scores, Figures 2 and 3
  datasets           what DATA can be

  theory             each statement of §4, checked over random distributions
  figure1            Figure 1: a game in one dimension, with its exact densities
  function-space     §4.2: the game in function space, and in parameters
  plane              a game in two dimensions
  remarks            §3's remarks: saturation, a D optimised to the end, a head start for G

Options for all:  --help  --version, and --json on every command that reports
"""

Grid = Literal["paper", "fine"]
Weights = Literal["raw", "averaged"]


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
    """mnist, mnist-5k, idx:FOLDER or folder:PATH; see: advnets datasets"""
    preset: str | None = None
    """Start from the settings of this preset (mnist, quickstart); DATA picks one by itself."""
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
    threads: int | None = None
    """Processor threads; all where not given."""
    restart: bool = False
    """Forget what the folder holds and begin anew."""
    dry_run: bool = False
    """Print the resolved settings and do nothing."""
    tensorboard: bool = False
    """Write the metrics for TensorBoard too, into RUN/tensorboard (extra: tensorboard)."""
    json: bool = False
    """Print one JSON object and nothing else."""


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


@dataclass(frozen=True)
class Calibrate:
    """Score images that are no model's by the Parzen measure.

    Real training images, k-means centroids and the mean image in the place of samples. That
    centroids beat real images shows what the number is worth.

    Examples:
    {examples}
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """mnist, mnist-5k, idx:FOLDER or folder:PATH; see: advnets datasets"""
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


@dataclass(frozen=True)
class Interpolate:
    """Figure 3: images along straight lines between random points in z space.

    Examples:
    {examples}
    """

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run's folder."""
    out: Path = Path("interpolation.png")
    """The picture to write."""
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


@dataclass(frozen=True)
class Datasets:
    """List what DATA can be.

    Examples:
    {examples}
    """

    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class Theory:
    """Check each statement of §4 over random distributions, in float64, and draw them.

    Examples:
    {examples}
    """

    out: Path = Path("theory")
    """The folder for theory.png."""
    seed: int = 0
    """Chooses the random distributions."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class Figure1:
    """Play Figure 1, a game in one dimension: panels, an animation, and a page with a slider.

    Examples:
    {examples}
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = "gaussian"
    """gaussian, mixture, uniform (with numbers if you like: gaussian:3,.5), or a CSV file."""
    out: Path = Path("figure1")
    """The folder for the pictures and the page."""
    rounds: int | None = None
    """How many rounds to play."""
    seed: int = 0
    """Addresses every random draw."""
    movie: bool = True
    """Make the animation too, which takes longer than the game."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class FunctionSpace:
    """Play the game of §4.2 in function space, where it converges, and in parameters beside it.

    Examples:
    {examples}
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = "gaussian"
    """gaussian, mixture, uniform (with numbers if you like), or a CSV file."""
    out: Path = Path("function-space")
    """The folder for the picture."""
    eta: float = 0.05
    """The step size in function space, above 0, at most 1."""
    steps: int = 400
    """Steps of p_g, and rounds of the game in parameters."""
    seed: int = 0
    """Addresses every random draw."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class Plane:
    """Play a game in the plane: data, samples, D as a map.

    Examples:
    {examples}
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")] = "ring-of-gaussians"
    """ring, ring-of-gaussians, grid, spiral, moons, zero-width-ring, or a CSV of two columns."""
    out: Path = Path("plane")
    """The folder for the picture."""
    rounds: int | None = None
    """How many rounds to play."""
    seed: int = 0
    """Addresses every random draw."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass(frozen=True)
class Remarks:
    """Show §3's remarks: saturation, a D that is optimised to the end, a head start for G.

    Examples:
    {examples}
    """

    out: Path = Path("remarks")
    """The folder for the picture."""
    seed: int = 0
    """Addresses every random draw."""
    json: bool = False
    """Print one JSON object and nothing else."""


# --- What each command does: one function of the library, and what is printed --------------------


def _train(o: Train) -> dict[str, Any]:
    from adversarial_nets import datasets, report, runs
    from adversarial_nets.evaluation import evaluate
    from adversarial_nets.progress import Shown
    from adversarial_nets.training import check_device, length, train

    shown = Shown(quiet=o.json)
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
        shown.say(json.dumps(resolved, indent=2))
        return resolved
    check_device(o.device)
    data = datasets.load(o.data, size=s.size, channels=s.channels, on_progress=shown.work)
    rounds = length(s, data, rounds, epochs)
    shown.say(f"{o.data}: {len(data.train):,} training images; preset {preset}; run {folder}")
    with shown.training(rounds) as observer:
        observers = [observer]
        if o.tensorboard:
            observers.append(_tensorboard(folder))
        run = train(
            data,
            preset=preset,
            settings=s,
            run=folder,
            rounds=rounds,
            cadence=o.cadence,
            observers=observers,
            restart=o.restart,
            device=o.device,
        )
    scores = {}
    for weights in ("raw", "averaged") if s.average else ("raw",):
        found = evaluate(run, data, weights=weights, on_progress=shown.work)
        scores[weights] = found.to_json()["parzen"]
        shown.say(f"{weights:8} G at round {found.step}: {found.parzen}")
    for row in found.calibration:
        shown.say(f"{row.name}: {row.score}")
    page = report.write_report(run, data)
    shown.say(f"\nReport:   {page}\nPictures: {page.parent / 'figures'} and {folder / 'samples'}")
    step = runs.checkpoint_folder(run.folder).name.removeprefix("step-")
    return resolved | {"rounds": rounds, "step": int(step), "parzen": scores, "report": str(page)}


def _tensorboard(folder: Path) -> Callable[[Any], None]:
    """An observer that writes each row of the metrics for TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(
            "TensorBoard is not installed. Install it with: pip install "
            "'adversarial-nets[tensorboard]'"
        ) from error
    writer = SummaryWriter(str(folder / "tensorboard"))

    def observe(look: Any) -> None:  # noqa: ANN401
        for name, value in look.row.items():
            if isinstance(value, float):
                writer.add_scalar(name, value, look.row["round"])
        for weights, score in look.row.get("scores", {}).items():
            writer.add_scalar(f"valid_nats/{weights}", score["valid_nats"], look.row["round"])
        writer.flush()

    return observe


def _evaluate(o: Evaluate) -> dict[str, Any]:
    from adversarial_nets import runs
    from adversarial_nets.evaluation import evaluate

    shown = _shown(o.json)
    run = runs.open_run(o.run)
    found = evaluate(
        run,
        checkpoint=o.checkpoint,
        weights=o.weights,
        grid=o.grid,
        samples=o.samples,
        calibration=o.calibration,
        on_progress=shown.work,
    )
    shown.say(f"{found.weights} G at round {found.step} on {found.data}: {found.parzen}")
    _say_rows(shown, found.calibration)
    return found.to_json() | {"run": runs.history(run)}


def _calibrate(o: Calibrate) -> dict[str, Any]:
    from adversarial_nets import datasets
    from adversarial_nets.evaluation import calibrate
    from adversarial_nets.evaluation.score import row_to_json

    shown = _shown(o.json)
    data = datasets.load(o.data, size=o.size, channels=o.channels, on_progress=shown.work)
    if o.samples < 1:
        raise UserError(f"--samples is {o.samples}; it must be 1 or more.")
    rows = calibrate(data, o.grid, samples=o.samples, on_progress=shown.work)
    _say_rows(shown, rows)
    return {"data": o.data, "grid": o.grid, "rows": [row_to_json(row) for row in rows]}


def _say_rows(shown: "Shown", rows: Sequence[Any]) -> None:
    for row in rows:
        shown.say(f"{row.name:16} {row.score}  [{row.note}]")


def _sample(o: Sample) -> dict[str, Any]:
    import numpy as np

    from adversarial_nets import figures, runs
    from adversarial_nets.game import sample

    if o.n < 1:
        raise UserError(f"--n is {o.n}; it must be 1 or more.")
    if o.out.suffix not in (".png", ".npz"):
        raise UserError(f"--out is {o.out}; its name must end in .png or .npz.")
    run = runs.open_run(o.run)
    G, step = runs.load_generator(run, o.checkpoint, o.weights)
    x = sample(G, run.settings, o.n)
    shape = run.image_shape
    with runs.explained(o.out.parent):
        o.out.parent.mkdir(parents=True, exist_ok=True)
        if o.out.suffix == ".png":
            content = figures.grid_png(x, shape, run.range)
        else:
            file = io.BytesIO()
            array = x.numpy().reshape(-1, *(shape if shape[0] > 1 else shape[1:]))
            np.savez(file, samples=array, range=np.array(run.range, np.float32))
            content = file.getvalue()
        runs.write_atomically(o.out, content)
    _shown(o.json).say(f"{o.n} samples of the {o.weights} G at round {step}: {o.out}")
    return {"step": step, "weights": o.weights, "n": o.n, "out": str(o.out)}


def _interpolate(o: Interpolate) -> dict[str, Any]:
    from adversarial_nets import figures, runs

    if o.rows < 1 or o.steps < 2:
        raise UserError("--rows must be 1 or more and --steps 2 or more.")
    run = runs.open_run(o.run)
    G, step = runs.load_generator(run, o.checkpoint, o.weights)
    x = figures.interpolation(G, run.settings, o.rows, o.steps)
    with runs.explained(o.out.parent):
        o.out.parent.mkdir(parents=True, exist_ok=True)
        content = figures.grid_png(x.flatten(0, 1), run.image_shape, run.range, columns=o.steps)
        runs.write_atomically(o.out, content)
    _shown(o.json).say(f"{o.rows} lines in z of the {o.weights} G at round {step}: {o.out}")
    return {"step": step, "weights": o.weights, "out": str(o.out)}


def _report(o: Report) -> dict[str, Any]:
    from adversarial_nets import report, runs

    page = report.write_report(runs.open_run(o.run), weights=o.weights)
    _shown(o.json).say(f"Report: {page}")
    return {"report": str(page)}


def _datasets(o: Datasets) -> dict[str, Any]:
    from adversarial_nets.datasets import CATALOGUE

    shown = _shown(o.json)
    for entry in CATALOGUE:
        shown.say(f"{entry.name:14} {entry.summary}")
        shown.say(f"{'':14} from {entry.source}; needs {entry.needs}")
    return {"datasets": [dataclasses.asdict(entry) for entry in CATALOGUE]}


def _theory(o: Theory) -> dict[str, Any]:
    from adversarial_nets.theory import checks
    from adversarial_nets.theory_picture import theory_picture

    shown = _shown(o.json)
    found = checks(o.seed)
    for check in found:
        mark = "holds" if check.holds else "FAILS"
        shown.say(f"{mark}  error {check.max_error:.1e} ≤ {check.tolerance:.0e}  {check.statement}")
    picture = theory_picture(o.out, seed=o.seed)
    shown.say(f"Picture: {picture}")
    return {"checks": [dataclasses.asdict(check) for check in found], "picture": str(picture)}


def _figure1(o: Figure1) -> dict[str, Any]:
    from adversarial_nets.figure1 import ROUNDS, figure1

    rounds = _positive(o.rounds, ROUNDS)
    found = figure1(
        o.data, o.out, rounds=rounds, seed=o.seed, movie=o.movie, on_frame=_rounds(o.json)
    )
    return _say_result(o.json, dataclasses.asdict(found) | {"files": list(map(str, found.files))})


def _function_space(o: FunctionSpace) -> dict[str, Any]:
    from adversarial_nets.function_space import function_space

    found = function_space(
        o.data, o.out, eta=o.eta, steps=_positive(o.steps, 1), seed=o.seed, on_frame=_rounds(o.json)
    )
    return _say_result(
        o.json,
        {
            "data": o.data,
            "jsd": float(found.jsd[-1]),
            "jsd_in_parameters": float(found.jsd_parameters[-1]),
            "steps_that_rose": found.rises[0],
            "steps_that_rose_in_parameters": found.rises[1],
            "files": [str(file) for file in found.files],
        },
    )


def _plane(o: Plane) -> dict[str, Any]:
    from adversarial_nets.plane import ROUNDS, plane

    found = plane(
        o.data, o.out, rounds=_positive(o.rounds, ROUNDS), seed=o.seed, on_frame=_rounds(o.json)
    )
    return _say_result(o.json, dataclasses.asdict(found) | {"files": list(map(str, found.files))})


def _remarks(o: Remarks) -> dict[str, Any]:
    from adversarial_nets.remarks import remarks

    found = remarks(o.out, seed=o.seed)
    return _say_result(o.json, dataclasses.asdict(found) | {"files": list(map(str, found.files))})


def _rounds(quiet: bool) -> Callable[[Any, int], None]:
    """Show how far a game on a toy has come, every few seconds."""
    shown = _shown(quiet)
    return lambda frame, rounds: shown.work("round", frame.round, rounds)


def _positive(rounds: int | None, standard: int) -> int:
    """The number asked for, or the standard one."""
    if rounds is not None and rounds < 1:
        raise UserError(f"The number of rounds is {rounds}; it must be 1 or more.")
    return rounds or standard


def _say_result(quiet: bool, result: dict[str, Any]) -> dict[str, Any]:
    """What a game on a toy came to, and where its pictures are."""
    shown = _shown(quiet)
    for key, value in result.items():
        shown.say(f"{key}: {', '.join(value) if key == 'files' else value}")
    return result


def _shown(quiet: bool) -> "Shown":
    from adversarial_nets.progress import Shown

    return Shown(quiet=quiet)


# --- Parsing -------------------------------------------------------------------------------------

_COMMANDS: dict[str, tuple[type[Any], Callable[[Any], dict[str, Any]], tuple[str, ...]]] = {
    "train": (
        Train,
        _train,
        (
            "train mnist --k 2 --epochs 50",
            "train mnist-5k --protocol paper --objective minimax",
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
    "datasets": (Datasets, _datasets, ("datasets", "datasets --json")),
    "theory": (Theory, _theory, ("theory", "theory --json")),
    "figure1": (Figure1, _figure1, ("figure1", "figure1 mixture --no-movie")),
    "function-space": (FunctionSpace, _function_space, ("function-space mixture",)),
    "remarks": (Remarks, _remarks, ("remarks",)),
    "plane": (Plane, _plane, ("plane spiral", "plane zero-width-ring")),
}

T = TypeVar("T")


def _parse(name: str, options: type[T], examples: Sequence[str], args: list[str]) -> T:
    """The options of one command, from the command line."""
    default: Any = tyro.MISSING_NONPROP
    description = inspect.cleandoc(options.__doc__ or "").format(
        examples="\n".join(f"  advnets {example}" for example in examples)
    )
    if options is Train:
        preset = _preset_asked_for(args)
        data = args[0] if args and not args[0].startswith("-") else "mnist"
        # The preset's settings are the defaults that the options then change.
        chosen = preset_for(data, preset)[1]
        default = Train(data="", settings=chosen.settings)
    return tyro.cli(
        options,
        prog=f"advnets {name}",
        description=description,
        args=args,
        default=default,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def _preset_asked_for(args: list[str]) -> str | None:
    """The value of --preset, which decides the defaults of all other options."""
    for i, arg in enumerate(args):
        if arg == "--preset" and i + 1 < len(args):
            return args[i + 1]
        if arg.startswith("--preset="):
            return arg.removeprefix("--preset=")
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    0 done; 2 a mistake to mend, said in a sentence; 3 a training that diverged; 130 and 143
    stopped by Ctrl-C or SIGTERM, saved.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help", "help"):
        print(_HELP)
        return 0
    if args[0] == "--version":
        print(f"advnets {__version__}")
        return 0
    try:
        if args[0] not in _COMMANDS:
            raise nearest_name(args[0], list(_COMMANDS), "command")
        options, command, examples = _COMMANDS[args[0]]
        parsed = _parse(args[0], options, examples, args[1:])
        _use_threads(getattr(parsed, "threads", None))
        result = command(parsed)
        if parsed.json:
            print(json.dumps(result))
        return 0
    except UserError as error:
        print(f"advnets: {error}", file=sys.stderr)
        if isinstance(error, Stopped):
            print(f"Continue with: {shlex.join(['advnets', *args])}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has closed it, e.g. ``advnets datasets | head -1``.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as error:  # tyro's own: 0 after --help, 2 for an unusable option
        return error.code if isinstance(error.code, int) else 2


def _use_threads(threads: int | None) -> None:
    if threads is not None:
        if threads < 1:
            raise UserError(f"--threads is {threads}; it must be 1 or more.")
        import torch

        torch.set_num_threads(threads)
