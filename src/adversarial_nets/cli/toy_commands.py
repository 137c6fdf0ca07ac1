"""The commands of the theory: games whose densities are known, and the playground."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from adversarial_nets.cli.shared import Command, positive, printer, rounds_shown, say_result
from adversarial_nets.errors import UserError
from adversarial_nets.settings import Settings, update_settings

__all__ = ["COMMANDS"]


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


def _theory(o: Theory) -> dict[str, Any]:
    from adversarial_nets.paper.theory_figure import theory_figure
    from adversarial_nets.theory.statements import checks

    reporter = printer(o.json)
    found = checks(o.seed)
    for check in found:
        mark = "holds" if check.holds else "FAILS"
        reporter.say(
            f"{mark}  error {check.max_error:.1e} ≤ {check.tolerance:.0e}  {check.statement}"
        )
    picture = theory_figure(o.out, seed=o.seed)
    reporter.say(f"Picture: {picture}")
    return {"checks": [dataclasses.asdict(check) for check in found], "picture": str(picture)}


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


def _figure1(o: Figure1) -> dict[str, Any]:
    from adversarial_nets.paper.figure1 import figure1
    from adversarial_nets.toys.line import ROUNDS

    rounds = positive("--rounds", o.rounds, ROUNDS)
    found = figure1(
        o.data, o.out, rounds=rounds, seed=o.seed, movie=o.movie, on_snapshot=rounds_shown(o.json)
    )
    return say_result(o.json, dataclasses.asdict(found) | {"files": list(map(str, found.files))})


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


def _function_space(o: FunctionSpace) -> dict[str, Any]:
    from adversarial_nets.paper.function_space import function_space

    found = function_space(
        o.data,
        o.out,
        eta=o.eta,
        steps=positive("--steps", o.steps, 1),
        seed=o.seed,
        on_snapshot=rounds_shown(o.json),
    )
    return say_result(
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


def _plane(o: Plane) -> dict[str, Any]:
    from adversarial_nets.paper.plane import plane
    from adversarial_nets.toys.plane import ROUNDS

    found = plane(
        o.data,
        o.out,
        rounds=positive("--rounds", o.rounds, ROUNDS),
        seed=o.seed,
        on_snapshot=rounds_shown(o.json),
    )
    return say_result(o.json, dataclasses.asdict(found) | {"files": list(map(str, found.files))})


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


def _remarks(o: Remarks) -> dict[str, Any]:
    from adversarial_nets.paper.remarks import remarks

    found = remarks(o.out, seed=o.seed)
    return say_result(o.json, dataclasses.asdict(found) | {"files": list(map(str, found.files))})


@dataclass(frozen=True)
class RelatedWork:
    """Show §2's remarks on other models: discrete units, fixed noise, predictability, attacks.

    Examples:
    {examples}
    """

    out: Path = Path("related-work")
    """The folder for the picture."""
    seed: int = 0
    """Addresses every random draw."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _related_work(o: RelatedWork) -> dict[str, Any]:
    from adversarial_nets.paper.related_work import related_work

    reporter = printer(o.json)
    found = related_work(o.out, seed=o.seed, on_progress=reporter.work)
    for f in found.gradient_norms:
        reporter.say(
            f"{f.model}, discrete units: {f.discrete}. Gradient before the hidden units "
            f"{f.below:.3f}, after them {f.above:.3f}"
        )
    for d, error, theory in zip(found.distances, found.error, found.error_in_theory, strict=True):
        reporter.say(f"Noise {d:.1f} σ from the data: error {error:.3f}; in theory {theory:.3f}")
    for c in found.codes:
        reporter.say(
            f"A code for {c.rule}: loses {c.lost:.1%} of the data; "
            f"one unit tells {c.predictable:.1%} of the other"
        )
    reporter.say(
        f"Classifier: right on {found.accuracy:.1%} of the digits, "
        f"{found.accuracy_adversarial:.1%} after a small step against it, "
        f"{found.accuracy_random:.1%} after one as small at random. Sure to "
        f"{found.confidence:.1%} of images climbed from noise, {found.distance_ratio:.1f} times as "
        "far from the data"
    )
    reporter.say(f"Picture: {found.files[0]}")
    return dataclasses.asdict(found) | {"files": list(map(str, found.files))}


@dataclass(frozen=True)
class Play:
    """Play a game on any data with any settings: what the playground's copied commands say.

    Two of the same are equal in every bit of their weights.

    Examples:
    {examples}
    """

    data: Annotated[
        str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA", help_behavior_hint="(required)")
    ]
    """A toy (see: figure1, plane), points or a CSV file of them, or images: mnist, mnist-5k,
    idx:FOLDER, folder:PATH."""
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)
    rounds: int = 1000
    """How many rounds to play."""
    change: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """ROUND:OPTION=VALUE: from this round on the option has this value; may be given often."""
    out: Path = Path("play")
    """The folder for the weights, the readings and a picture."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _play(o: Play) -> dict[str, Any]:
    from adversarial_nets import replay

    script = replay.Script(o.data, o.settings, o.rounds, _changes(o.change))
    reporter = printer(o.json)
    played = replay.replay(script, o.out, lambda done, all: reporter.work("round", done, all))
    numbers = {name: reading._asdict() for name, reading in played.metrics.items()}
    for name, reading in played.metrics.items():
        reporter.say(
            f"{name:22} {reading.value:9.4f}   (a perfect generator: {reading.perfect:.4f})"
        )
    reporter.say(f"Round {played.round}, weights {played.weights}; see {o.out}")
    files = [str(file) for file in played.files]
    return {"round": played.round, "weights": played.weights, "readings": numbers, "files": files}


def _changes(given: Sequence[str]) -> tuple[tuple[int, dict[str, Any]], ...]:
    """What --change says, in the order of the rounds."""
    found: dict[int, dict[str, Any]] = {}
    for text in given:
        at, colon, rest = text.partition(":")
        name, equals, value = rest.partition("=")
        if not (at.isdecimal() and colon and equals):
            raise UserError(f"--change is {text!r}; it must be ROUND:OPTION=VALUE, as in 300:k=5.")
        found.setdefault(int(at), {})[f"--{name}"] = value
        update_settings(Settings(), found[int(at)])  # refuses what is no option
    return tuple(sorted(found.items()))


@dataclass(frozen=True)
class Playground:
    """Watch Algorithm 1 play in the browser; stop it, and bend it (extra: playground).

    Examples:
    {examples}
    """

    run: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")] = None
    """A trained run's folder, to walk about in its z."""
    data: str = "gaussian"
    """What to play on at first: a toy, a CSV file of points, or images: mnist, mnist-5k,
    idx:FOLDER, folder:PATH."""
    port: int = 5006
    """The port on 127.0.0.1; 0 takes a free one."""
    browser: bool = True
    """Open the page in a browser."""
    screenshots: Path | None = None
    """Serve nothing: draw the README's pictures of the playground into this folder."""
    json: bool = False
    """Print one JSON object and nothing else."""


def _playground(o: Playground) -> dict[str, Any]:
    try:
        from adversarial_nets.playground import serve
    except ModuleNotFoundError as error:
        raise UserError(
            f"The playground needs {error.name}, which is not installed. Install it with: pip "
            "install 'adversarial-nets[playground]'"
        ) from error
    reporter = printer(o.json)
    if o.screenshots is not None:
        from adversarial_nets.playground.screenshots import screenshots

        files = [str(file) for file in screenshots(o.screenshots, o.run)]
        reporter.say("\n".join(files))
        return {"files": files}
    return serve(
        run=o.run,
        data=o.data,
        port=o.port,
        browser=o.browser,
        on_ready=lambda url: reporter.say(f"The playground is at {url} (Ctrl-C ends it)"),
    )


COMMANDS: dict[str, Command] = {
    "theory": (Theory, _theory, ("theory", "theory --json")),
    "figure1": (Figure1, _figure1, ("figure1", "figure1 mixture --no-movie")),
    "function-space": (FunctionSpace, _function_space, ("function-space mixture",)),
    "remarks": (Remarks, _remarks, ("remarks",)),
    "related-work": (RelatedWork, _related_work, ("related-work",)),
    "plane": (Plane, _plane, ("plane spiral", "plane zero-width-ring")),
    "play": (
        Play,
        _play,
        ("play moons --rounds 500 --k 3", "play gaussian --change 300:objective=minimax"),
    ),
    "playground": (
        Playground,
        _playground,
        ("playground", "playground --data moons", "playground runs/mnist-mnist-0"),
    ),
}
