"""The commands for experiments on small data: ``advnets play`` and ``playground``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Json,
    default,
    needs_playground,
    output_path,
    print_files,
    print_table,
    refuse_unused,
)
from adversarial_nets.errors import UserError
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder
from adversarial_nets.settings import FIELDS, LIVE, Settings, canonical_name, update_settings

__all__ = ["COMMANDS", "PlayOptions"]


@dataclass(frozen=True)
class PlayOptions:
    """Train on toy or image data with any settings; settings may change during training.

    The playground's "Copy as command" gives a command of this form. The same command gives the same
    weights, bit for bit.
    """

    data: Annotated[
        str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA", help_behavior_hint="(required)")
    ]
    """A toy distribution (see advnets paper figure1 --help and advnets paper plane --help), points
    or a CSV file of points, or images: mnist, mnist-5k, idx:FOLDER, folder:PATH."""
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(default_factory=Settings)
    rounds: int = 1000
    """Number of rounds to train."""
    change: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        tyro.conf.arg(metavar="ROUND:OPTION=VALUE", help_behavior_hint="(may be repeated)"),
    ] = ()
    """Change a setting from this round on, e.g. 300:k=5."""
    out: Path = output_path("play")
    """Folder for the weights, the metrics and a picture."""
    json: Json = False


def _defaults(data: str | None, given: Mapping[str, str]) -> tuple[Any, str]:
    """The default settings for this kind of data, and a sentence that names the data."""
    if data is None:
        sentence = "The defaults of the settings depend on the data: advnets play DATA --help"
        return tyro.MISSING_NONPROP, sentence
    from adversarial_nets.replay import kind_of

    sentence = f"The defaults below are those for {data}."
    return PlayOptions(data="", settings=kind_of(data).settings), sentence


def _play(o: PlayOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets import replay
    from adversarial_nets.toys import optimum

    if not o.data:
        raise UserError("DATA is missing. Name the data to train on, e.g.: advnets play moons")
    check_output_folder(o.out)
    script = replay.Script(o.data, o.settings, o.rounds, _changes(o.change))
    played = replay.replay(script, o.out, lambda done, all: reporter.work("round", done, all))
    numbers = {name: metric._asdict() for name, metric in played.metrics.items()}
    rows = [(name, metric.value, metric.perfect) for name, metric in played.metrics.items()]
    print_table(reporter, ["", "G", "perfect generator"], rows)
    last = o.settings
    for _, changed in script.changes:
        last = update_settings(last, changed)
    if meaning := optimum.describe(last.objective):
        reporter.say(meaning)
    files = [str(file) for file in played.files]
    reporter.say(f"Round {played.round}, fingerprint of the weights {played.weights}")
    print_files(reporter, files)
    return {"round": played.round, "weights": played.weights, "readings": numbers, "files": files}


def _changes(given: Sequence[str]) -> tuple[tuple[int, dict[str, Any]], ...]:
    """The changes that --change gives, in the order of their rounds.

    Raises:
        UserError: a text of another form; a setting that is unknown, cannot change during a game or
            cannot have the value; or a setting that changes twice after the same round.
    """
    found: dict[int, dict[str, Any]] = {}
    for text in given:
        at, colon, rest = text.partition(":")
        option, equals, value = rest.partition("=")
        if not (at.isdecimal() and colon and equals):
            raise UserError(f"--change is {text!r}; it must be ROUND:OPTION=VALUE, e.g. 300:k=5.")
        name = canonical_name(option)
        if name in FIELDS and name not in LIVE:
            raise UserError(
                f"--change is {text!r}, but {name} cannot change during a game; start a new game "
                "with it."
            )
        after = found.setdefault(int(at), {})
        if name in after:
            raise UserError(f"--change gives {name} twice after round {int(at)}; give it once.")
        after[name] = value
        update_settings(Settings(), after)  # raises an error if a name or a value is wrong
    return tuple(sorted(found.items()))


@dataclass(frozen=True)
class PlaygroundOptions:
    """Watch training live in the browser; pause it, change settings, go back.

    Needs the extra `playground`: pip install "adversarial-nets[playground]"
    """

    run: Annotated[Path | None, tyro.conf.Positional, default("digits", metavar="[RUN]")] = None
    """Folder of a trained run whose z space to explore in the tab "Trained run". The page opens at
    this tab if RUN is given; digits comes with the package."""
    data: str = "gaussian"
    """Data to start with: a toy distribution, a CSV file of points, or images: mnist, mnist-5k,
    idx:FOLDER, folder:PATH."""
    port: int = 5006
    """Port to listen on; 0 chooses a free port."""
    host: str = "127.0.0.1"
    """Address to listen on. 0.0.0.0 opens the playground to the network, e.g. for a classroom.
    Everyone who has the printed address, which contains a token, can play games on this machine,
    but nothing more."""
    browser: bool = True
    """Open the page in a browser."""
    allow: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="(may be repeated)"),
    ] = ()
    """Also answer to this address, e.g. localhost:8888 for ssh -L 8888:localhost:5006."""
    screenshots: Path | None = None
    """Draw the documentation's pictures of the playground into this folder; start no server."""
    json: Json = False


def _playground(o: PlaygroundOptions, reporter: ProgressReporter) -> dict[str, Any]:
    with needs_playground():
        from adversarial_nets.playground import serve
    run = o.run or Path("digits")
    if o.screenshots is not None:
        unused = ("data", "port", "host", "browser", "allow")
        refuse_unused(o, unused, "has no effect with --screenshots, which starts no server.")
        check_output_folder(o.screenshots)
        from adversarial_nets.playground.screenshots import screenshots

        files = [str(file) for file in screenshots(o.screenshots, run)]
        print_files(reporter, files)
        return {"files": files}

    def on_ready(url: str) -> None:
        reporter.say(f"The playground is at {url} (Ctrl-C ends it)")
        if o.run is not None:
            reporter.say(f'It opens at the tab "Trained run", with the z space of {o.run}.')

    return serve(
        run=run,
        data=o.data,
        port=o.port,
        host=o.host,
        browser=o.browser,
        allow=o.allow,
        show_run=o.run is not None,
        on_ready=on_ready,
    )


COMMANDS = (
    Command(
        name="play",
        arguments="DATA",
        summary="train on toy data; settings may change during training",
        options=PlayOptions,
        run=_play,
        examples=("play moons --rounds 500 --k 3", "play gaussian --change 300:objective=minimax"),
        defaults=_defaults,
    ),
    Command(
        name="playground",
        arguments="[RUN]",
        summary="watch and change training live in the browser",
        options=PlaygroundOptions,
        run=_playground,
        examples=(
            "playground",
            "playground --data moons",
            "playground runs/mnist-mnist-0",
            "playground --no-browser --allow localhost:8888",
        ),
    ),
)
