"""A game told in one line: what is played, how long, and what changed on the way.

Every random draw has an address, so a `Script` says all that is needed to play a game again, bit
for bit: the playground's address, its copied command and its copied program all hold one.
"""

import dataclasses
import functools
import hashlib
import io
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
from matplotlib.figure import Figure

from adversarial_nets import datasets, settings
from adversarial_nets.build import change_settings
from adversarial_nets.command_line import option_words
from adversarial_nets.datasets import Source
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.runs import files as runs_files
from adversarial_nets.runs import game_state
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.toys import catalogue, draw_line, draw_plane, images, line, plane
from adversarial_nets.toys.watching import Metric, one_thread

__all__ = [
    "KINDS",
    "Change",
    "Evaluator",
    "Kind",
    "Played",
    "Script",
    "Snapshot",
    "begin",
    "board_for",
    "command",
    "fingerprint",
    "kind_of",
    "perform",
    "png",
    "program",
    "replay",
    "source",
]

Evaluator = Any
"""What a game is looked at with: the `Evaluator` of its kind's module."""

Snapshot = Any
"""What is seen of a game: the `Snapshot` of its kind's module."""

Change = tuple[int, Mapping[str, Any]]
"""From this round on these options have these values."""


@dataclass(frozen=True)
class Kind:
    """What can be done with games of one kind: on the line, in the plane, or on images.

    Attributes:
        name: of the kind.
        settings: of a game of this kind unless told otherwise.
        start: sets up a game, from its data and settings.
        board_of: makes what it is looked at with, from the same.
        look: sees the game as it stands, with a board.
        readings: what numbers a frame holds.
        picture: draws a frame.
    """

    name: Literal["line", "plane", "images"]
    settings: Settings
    new_game: Callable[[Any, Settings], Game]
    new_evaluator: Callable[..., Any]
    take_snapshot: Callable[[Game, Any], Any]
    metrics: Callable[[Any, Any], dict[str, Metric]]
    picture: Callable[[Any, Any], Figure | bytes]


SAMPLES = 2000  # that a game in the plane is measured by while it is watched

KINDS: Mapping[str, Kind] = {
    "line": Kind(
        "line",
        line.SETTINGS,
        line.new_game,
        line.new_evaluator,
        line.take_snapshot,
        line.metrics,
        draw_line.picture,
    ),
    "plane": Kind(
        "plane",
        plane.SETTINGS,
        plane.new_game,
        plane.new_evaluator,
        plane.take_snapshot,
        plane.metrics,
        draw_plane.picture,
    ),
    "images": Kind(
        "images",
        images.SETTINGS,
        images.new_game,
        images.new_evaluator,
        images.take_snapshot,
        images.metrics,
        images.picture,
    ),
}
"""Each kind of game by its name."""


@dataclass(frozen=True)
class Script:
    """A game that can be played again.

    Attributes:
        data: a name or file for `toys.find` or `datasets.load`.
        settings: the game's, at the beginning.
        rounds: how long it is.
        changes: in the order of their rounds.
    """

    data: str
    settings: Settings
    rounds: int = 0
    changes: tuple[Change, ...] = field(default=())


@functools.lru_cache(maxsize=4)
def source(data: str) -> Source:
    """The data of that name: images, or a toy; games may share it, since nobody changes it."""
    kind = data.partition(":")[0]
    if kind in ("mnist", "mnist-5k", "idx", "folder"):
        return datasets.load(data)
    if kind in datasets.REGISTRY:
        raise UserError(
            f"{data} is for training: advnets train {data}. Played here are toys, points, "
            "mnist, mnist-5k, idx:FOLDER and folder:PATH."
        )
    return catalogue.find(data)


def kind_of(data: str) -> Kind:
    """Which kind of game these data make."""
    return KINDS[{1: "line", 2: "plane"}.get(source(data).pixels, "images")]


def board_for(data: str, settings: Settings) -> Evaluator:
    """What a game on these data is looked at with; games may share it too."""
    usual = kind_of(data).settings
    s = settings
    return _board(data, dataclasses.replace(usual, prior=s.prior, z_size=s.z_size, batch=s.batch))


@functools.lru_cache(maxsize=16)
def _board(data: str, settings: Settings) -> Evaluator:
    kind, x = kind_of(data), source(data)
    if kind.name == "plane":
        return kind.new_evaluator(x, settings, samples=SAMPLES)
    return kind.new_evaluator(x, settings)


def begin(script: Script) -> Game:
    """Set up the script's game at round 0."""
    return kind_of(script.data).new_game(source(script.data), script.settings)


def perform(
    script: Script, game: Game, callback: Callable[[Game], None] = lambda game: None
) -> None:
    """Play the script's game from where it stands to the script's last round.

    Args:
        script: what to play.
        game: from `begin`, or on its way.
        callback: called after every round.
    """
    for at, options in (*script.changes, (script.rounds, {})):
        if at > script.rounds or at < game.round:
            continue
        play(game, at, callback)
        change_settings(game, settings.update_settings(game.settings, options))


def fingerprint(game: Game) -> str:
    """The first 12 hexadecimal digits of a SHA-256 over all weights: equal when every bit is."""
    return hashlib.sha256(safetensors.torch.save(game_state.nets_of(game))).hexdigest()[:12]


# --- The same game as a command, and as a program -------------------------------------------------


def options(script: Script) -> dict[str, Any]:
    """The options by which the script's beginning differs from what its kind of game has."""
    usual = kind_of(script.data).settings.flat()
    return {name: v for name, v in script.settings.flat().items() if v != usual[name]}


def command(script: Script) -> str:
    """The line for a terminal that plays the script's game."""
    words = ["advnets", "play", script.data, "--rounds", str(script.rounds)]
    words += option_words(options(script))
    for at, changed in script.changes:
        for name, value in changed.items():
            words += ["--change", f"{at}:{name}={value}"]
    return shlex.join(words)


def program(script: Script) -> str:
    """The same as a program in Python."""
    changes = "".join(f"        ({at}, {dict(changed)!r}),\n" for at, changed in script.changes)
    told = f"    changes=(\n{changes}    ),\n" if changes else ""
    return (
        "from adversarial_nets import replay\n"
        "from adversarial_nets.settings import update_settings\n\n"
        f"data = {script.data!r}\n"
        "script = replay.Script(\n"
        "    data,\n"
        f"    update_settings(replay.kind_of(data).settings, {options(script)!r}),\n"
        f"    rounds={script.rounds},\n{told}"
        ")\n"
        "played = replay.replay(script)\n"
        "print(played.weights, played.metrics)\n"
    )


# --- Playing a script -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """What came of a script.

    Attributes:
        round: the last one.
        weights: the fingerprint of all weights.
        readings: each number, and a perfect generator's.
        files: what was written.
    """

    round: int
    weights: str
    metrics: dict[str, Metric]
    files: tuple[Path, ...]


def replay(
    script: Script,
    out: Path | None = None,
    on_round: Callable[[int, int], None] = lambda done, rounds: None,
) -> Played:
    """Play a script: ``advnets play``.

    Args:
        script: what to play.
        out: a folder for ``nets.safetensors``, ``metrics.json`` and ``game.png``; none is written
            where not given.
        on_round: called with the rounds played and those in all.
    """
    if script.rounds < 0:
        raise UserError(f"--rounds is {script.rounds}; it must be 0 or more.")
    kind = kind_of(script.data)
    with one_thread():
        game = begin(script)
        perform(script, game, lambda game: on_round(game.round, script.rounds))
        evaluator = board_for(script.data, game.settings)
        snapshot = kind.take_snapshot(game, evaluator)
    played = Played(game.round, fingerprint(game), kind.metrics(evaluator, snapshot), ())
    if out is None:
        return played
    files: dict[str, str | bytes] = {
        "nets.safetensors": safetensors.torch.save(game_state.nets_of(game)),
        "readings.json": json.dumps(dataclasses.asdict(played), indent=2, default=str) + "\n",
        "game.png": png(kind, evaluator, snapshot),
    }
    with runs_files.explain_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            runs_files.write_atomically(out / name, content)
    return dataclasses.replace(played, files=tuple(out / name for name in files))


def png(kind: Kind, evaluator: Evaluator, snapshot: Snapshot) -> bytes:
    """A frame drawn as a PNG."""
    picture = kind.picture(evaluator, snapshot)
    if isinstance(picture, bytes):
        return picture
    file = io.BytesIO()
    picture.savefig(file, format="png", dpi=110)
    return file.getvalue()
