"""Commands of the paper whose results are exact or need small games: §3, §4 and Figure 1."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Json,
    Seed,
    count_option,
    default,
    output_path,
    print_files,
    print_result,
)
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder

if TYPE_CHECKING:
    from adversarial_nets.paper.figure1 import Figure1
    from adversarial_nets.paper.plane import Plane
    from adversarial_nets.paper.remarks import Remarks
    from adversarial_nets.toys.line import Snapshot

__all__ = ["COMMANDS"]

LineData = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(
        metavar="[DATA]",
        help="Distribution on the line: gaussian, mixture or uniform, also with parameters "
        "(gaussian:3,.5), or a CSV file of one column.",
    ),
]


@dataclass(frozen=True)
class TheoryOptions:
    """Check each statement of §4 numerically, in float64, on random distributions; draw them."""

    out: Path = output_path("paper", "theory")
    """Folder for theory.png."""
    seed: Seed = 0
    json: Json = False


def _theory(o: TheoryOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.theory_figure import theory_figure
    from adversarial_nets.theory.statements import checks

    check_output_folder(o.out)
    found = checks(o.seed)
    for check in found:
        mark = "holds" if check.holds else "FAILS"
        error = f"error {check.max_error:.1e} ≤ {check.tolerance:.0e}"
        reporter.say(f"{mark}  {error}  {check.statement}")
    picture = theory_figure(o.out, seed=o.seed)
    print_files(reporter, [picture])
    return {"checks": [dataclasses.asdict(check) for check in found], "picture": str(picture)}


@dataclass(frozen=True)
class Figure1Options:
    """Make Figure 1: train on one-dimensional data and draw D, p_data and p_g by round.

    Writes panels, an animation, and a page with a slider.
    """

    data: LineData = "gaussian"
    out: Path = output_path("paper", "figure1")
    """Folder for the pictures and the page."""
    rounds: Annotated[int | None, default("Figure 1's own")] = None
    """Number of rounds to train."""
    seed: Seed = 0
    movie: bool = True
    """Make the animation too, which takes longer than the training."""
    json: Json = False


def _figure1(o: Figure1Options, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.figure1 import figure1
    from adversarial_nets.toys.line import ROUNDS

    check_output_folder(o.out)
    rounds = count_option("--rounds", o.rounds, ROUNDS)

    def show(snapshot: "Snapshot", rounds: int) -> None:
        reporter.work("round", snapshot.round, rounds)
        if snapshot.round == rounds and o.movie:
            reporter.say("Drawing the animation (--no-movie leaves it out)")

    found = figure1(o.data, o.out, rounds=rounds, seed=o.seed, movie=o.movie, on_snapshot=show)
    return _print_found(reporter, found)


@dataclass(frozen=True)
class FunctionSpaceOptions:
    """Compare the updates of p_g in function space (§4.2) with training in parameters.

    In function space p_g converges to p_data.
    """

    data: LineData = "gaussian"
    out: Path = output_path("paper", "function-space")
    """Folder for the picture."""
    eta: float = 0.05
    """Step size η in function space, above 0. Up to 1, C decreases at every step."""
    steps: int = 400
    """Updates of p_g, and rounds of the training in parameters."""
    seed: Seed = 0
    json: Json = False


def _function_space(o: FunctionSpaceOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.function_space import function_space

    check_output_folder(o.out)
    found = function_space(
        o.data,
        o.out,
        eta=o.eta,
        steps=count_option("--steps", o.steps, 1),
        seed=o.seed,
        on_snapshot=_show_rounds(reporter),
    )
    result = {
        "data": o.data,
        "jsd": float(found.jsd[-1]),
        "jsd_in_parameters": float(found.jsd_parameters[-1]),
        "steps_that_rose": found.rises[0],
        "steps_that_rose_in_parameters": found.rises[1],
        "files": [str(file) for file in found.files],
    }
    print_result(reporter, result)
    return result


@dataclass(frozen=True)
class PlaneOptions:
    """Train on two-dimensional data; draw the data, samples of G, and D as a map."""

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[DATA]")] = (
        "ring-of-gaussians"
    )
    """ring, ring-of-gaussians, three-gaussians, grid, spiral, moons, segment, zero-width-ring, or a
    CSV file of two columns."""
    out: Path = output_path("paper", "plane")
    """Folder for the picture."""
    rounds: Annotated[int | None, default("the plane's own")] = None
    """Number of rounds to train."""
    seed: Seed = 0
    json: Json = False


def _plane(o: PlaneOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.plane import plane
    from adversarial_nets.toys.plane import ROUNDS

    check_output_folder(o.out)
    found = plane(
        o.data,
        o.out,
        rounds=count_option("--rounds", o.rounds, ROUNDS),
        seed=o.seed,
        on_snapshot=_show_rounds(reporter),
    )
    return _print_found(reporter, found)


@dataclass(frozen=True)
class RemarksOptions:
    """Test three remarks of §3; print numbers and draw a picture.

    They are: log(1 − D(G(z))) saturates; a D that is optimised to completion overfits; and a head
    start for G.
    """

    out: Path = output_path("paper", "remarks")
    """Folder for the picture."""
    seed: Seed = 0
    json: Json = False


def _remarks(o: RemarksOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.paper.remarks import remarks

    check_output_folder(o.out)
    return _print_found(reporter, remarks(o.out, seed=o.seed))


def _print_found(reporter: ProgressReporter, found: "Figure1 | Plane | Remarks") -> dict[str, Any]:
    """Print a dataclass of results; returns it as a mapping with its files as texts."""
    result = dataclasses.asdict(found) | {"files": [str(file) for file in found.files]}
    print_result(reporter, result)
    return result


def _show_rounds(reporter: ProgressReporter) -> Callable[[Any, int], None]:
    """A callback that shows the current round of a training on toy data."""
    return lambda snapshot, rounds: reporter.work("round", snapshot.round, rounds)


COMMANDS = (
    Command(
        name="paper theory",
        summary="check the statements of §4 numerically",
        options=TheoryOptions,
        run=_theory,
        examples=("paper theory", "paper theory --json"),
    ),
    Command(
        name="paper figure1",
        arguments="[DATA]",
        summary="Figure 1: D, p_data and p_g in one dimension",
        options=Figure1Options,
        run=_figure1,
        examples=("paper figure1", "paper figure1 mixture --no-movie"),
    ),
    Command(
        name="paper function-space",
        arguments="[DATA]",
        summary="§4.2: updates of p_g in function space",
        options=FunctionSpaceOptions,
        run=_function_space,
        examples=("paper function-space mixture",),
    ),
    Command(
        name="paper plane",
        arguments="[DATA]",
        summary="train on two-dimensional data",
        options=PlaneOptions,
        run=_plane,
        examples=("paper plane spiral", "paper plane zero-width-ring"),
    ),
    Command(
        name="paper remarks",
        summary="§3: saturation, overfitting of D, head start for G",
        options=RemarksOptions,
        run=_remarks,
        examples=("paper remarks",),
    ),
)
