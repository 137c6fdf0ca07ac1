"""Replay a game bit for bit from a `Script`; print a script as a command or a Python program.

All random numbers are functions of the seed, so a `Script` (data, settings, rounds and changes of
settings) determines a game completely. The playground's URL, its command and its program each
contain one script.

    script = Script("moons", kind_of("moons").settings, rounds=300, changes=((100, {"k": 5}),))
    result = replay(script)  # load_data → new_game → play_script → take_snapshot → metrics
"""

import dataclasses
import functools
import hashlib
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch

from adversarial_nets import datasets, settings
from adversarial_nets.build import change_settings
from adversarial_nets.command_line import option_words
from adversarial_nets.datasets import Source
from adversarial_nets.datasets.paths import describe_path, is_run, name_for_path
from adversarial_nets.datasets.registry import elsewhere
from adversarial_nets.errors import SettingError, UnknownName, UserError, unknown_name
from adversarial_nets.game import play
from adversarial_nets.runs import files as runs_files
from adversarial_nets.runs import game_state
from adversarial_nets.setting_checks import warn_of_head_start
from adversarial_nets.settings import DATA_OPTIONS, Settings
from adversarial_nets.state import Game
from adversarial_nets.toys import catalogue, plane
from adversarial_nets.toys.kinds import IMAGES, LINE, PLANE
from adversarial_nets.toys.measures import Metric
from adversarial_nets.toys.recording import GameKind, one_thread

__all__ = [
    "KINDS",
    "Change",
    "Evaluator",
    "Kind",
    "Result",
    "Script",
    "Snapshot",
    "command",
    "evaluator_for",
    "fingerprint_of_weights",
    "kind_of",
    "load_data",
    "new_game",
    "options",
    "play_script",
    "program",
    "replay",
]

Kind = GameKind[Any, Any, Any]
"""A kind of game whose types of data, evaluator and snapshot the type checker does not know."""

Evaluator = Any
"""The `Evaluator` of the game's kind: `line.Evaluator`, `plane.Evaluator` or `images.Evaluator`."""

Snapshot = Any
"""The `Snapshot` of the game's kind: `line.Snapshot`, `plane.Snapshot` or `images.Snapshot`."""

Change = tuple[int, Mapping[str, Any]]
"""(round, settings): after this round, these settings change (new values by dotted name)."""

SAMPLES = 2000  # per snapshot in the plane; fewer than `plane.SAMPLES`, for live pictures

KINDS: Mapping[str, Kind] = {
    "line": LINE,
    "plane": dataclasses.replace(
        PLANE, new_evaluator=functools.partial(plane.new_evaluator, samples=SAMPLES)
    ),
    "images": IMAGES,
}
"""Each kind of game by its name."""


@dataclass(frozen=True)
class Script:
    """Everything that determines a game.

    Attributes:
        data: a name or file for `toys.find` or `datasets.load`.
        settings: the settings at the beginning.
        rounds: the number of rounds.
        changes: changes of settings, in the order of their rounds.
    """

    data: str
    settings: Settings
    rounds: int = 0
    changes: tuple[Change, ...] = ()


# --- From a script to a game ----------------------------------------------------------------------


def _playable_images() -> list[str]:
    """The names of the data sets of images that games accept, as a user types them."""
    return [entry.name for entry in datasets.REGISTRY.values() if entry.interactive]


@functools.lru_cache(maxsize=4)
def load_data(data: str) -> Source:
    """Load the data set or toy of that name; it is cached, because games do not change their data.

    Raises:
        UserError: the data do not exist, or only `advnets train` supports them.
    """
    entry = datasets.REGISTRY.get(data.partition(":")[0])
    if entry is not None and entry.interactive:
        return datasets.load(data)
    if entry is not None:
        raise UserError(
            f"{data} cannot be played interactively; use toys, points, "
            f"{', '.join(_playable_images())}. To train on it, type: advnets train {data}"
        )
    if (help := elsewhere(data)) and not Path(data).exists():
        raise UserError(help)
    _refuse_path(data)
    try:
        return catalogue.find(data)
    except UnknownName as error:
        known = [*catalogue.TOYS, "FILE.csv", *_playable_images()]
        raise unknown_name(data, known, "data set") from error


def _refuse_path(data: str) -> None:
    """Refuse the path of a run or of images, which needs a prefix; a CSV file may hold points.

    Raises:
        UserError: the path needs a prefix; the message says what to type.
    """
    name = (name_for_path(data) or "").strip('"')
    kind = name.partition(":")[0]
    if is_run(data) or (name and datasets.REGISTRY[kind].interactive):
        raise UserError(describe_path(data))
    if name and kind != "csv":
        load_data(name)


def kind_of(data: str) -> Kind:
    """The kind of game for these data: on the line, in the plane, or on images."""
    return KINDS[{1: "line", 2: "plane"}.get(load_data(data).pixels, "images")]


def evaluator_for(data: str, settings: Settings) -> Evaluator:
    """Make the evaluator for games on these data; it is cached and shared by games.

    Args:
        data: the data's name.
        settings: the game's settings; only prior, z_size and batch are used.
    """
    s = settings
    standard = kind_of(data).settings
    return _evaluator(
        data, dataclasses.replace(standard, prior=s.prior, z_size=s.z_size, batch=s.batch)
    )


@functools.lru_cache(maxsize=16)
def _evaluator(data: str, settings: Settings) -> Evaluator:
    return kind_of(data).new_evaluator(load_data(data), settings)


def _refuse_options_of_images(script: Script, kind: Kind) -> None:
    """Raise an error if settings for reading images are given, because `load_data` has no options.

    Raises:
        SettingError: names the setting.
    """
    if kind.name == "images":
        names: tuple[str, ...] = DATA_OPTIONS
        why = "chooses how advnets train reads a folder of images; it has no effect on games here"
    else:
        names, why = (*DATA_OPTIONS, "flip"), f"has no effect on points such as {script.data}"
    for name in names:
        if getattr(script.settings, name) != getattr(kind.settings, name):
            raise SettingError(name, f"{why}. Leave it out.")


def new_game(script: Script) -> Game:
    """Set up the script's game at round 0.

    Raises:
        UserError: unknown data, settings that do not suit them, or a setting that chooses how
            images are read, because `load_data` has no options.
    """
    kind = kind_of(script.data)
    _refuse_options_of_images(script, kind)
    return kind.new_game(load_data(script.data), script.settings)


def play_script(
    script: Script, game: Game, callback: Callable[[Game], None] = lambda game: None
) -> None:
    """Play a game from its current round to the script's last round, with the script's changes.

    Args:
        script: the game to play.
        game: a game from `new_game`, at any round up to the script's last.
        callback: called with the game after every round.
    """
    for at, changed in (*script.changes, (script.rounds, {})):
        if at > script.rounds or at < game.round:
            continue
        play(game, at, callback)
        if changed:
            change_settings(game, settings.update_settings(game.settings, changed))


def fingerprint_of_weights(game: Game) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of all weights: equal for equal weights."""
    return hashlib.sha256(safetensors.torch.save(game_state.nets_of(game))).hexdigest()[:12]


# --- A script as a command and as a program -------------------------------------------------------


def options(script: Script) -> dict[str, Any]:
    """The script's initial settings that differ from the defaults of its kind, by dotted name."""
    standard = kind_of(script.data).settings.flat()
    return {name: v for name, v in script.settings.flat().items() if v != standard[name]}


def command(script: Script) -> str:
    """The shell command that plays the script."""
    words = ["advnets", "play", script.data, "--rounds", str(script.rounds)]
    words += option_words(options(script))
    for at, changed in script.changes:
        for name, value in changed.items():
            words += ["--change", f"{at}:{name}={value}"]
    return shlex.join(words)


def program(script: Script) -> str:
    """The Python program that plays the script.

    It prepares torch as the command line does, so that matrix products have the same bits.
    """
    changes = "".join(f"        ({at}, {dict(changed)!r}),\n" for at, changed in script.changes)
    argument = f"    changes=(\n{changes}    ),\n" if changes else ""
    return (
        "from adversarial_nets.engine.preparation import prepare_for_torch\n\n"
        "prepare_for_torch()  # before torch is imported\n\n"
        "from adversarial_nets import replay\n"
        "from adversarial_nets.settings import update_settings\n\n"
        f"data = {script.data!r}\n"
        "script = replay.Script(\n"
        "    data,\n"
        f"    update_settings(replay.kind_of(data).settings, {options(script)!r}),\n"
        f"    rounds={script.rounds},\n{argument}"
        ")\n"
        "played = replay.replay(script)\n"
        "print(played.weights, played.metrics)\n"
    )


# --- Replay a script ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """The result of replaying a script.

    Attributes:
        round: the last round.
        weights: the fingerprint of all weights.
        metrics: the numbers of the last snapshot, each with its value for a perfect generator.
        files: the files written.
    """

    round: int
    weights: str
    metrics: dict[str, Metric]
    files: tuple[Path, ...]


def replay(
    script: Script,
    out: Path | None = None,
    on_round: Callable[[int, int], None] = lambda done, rounds: None,
) -> Result:
    """Play a script and evaluate the game at its end: ``advnets play``.

    Args:
        script: the game to play.
        out: a folder for ``nets.safetensors``, ``readings.json`` (the result) and ``game.png``;
            nothing is written if not given.
        on_round: called after every round with the rounds played and the number of rounds.

    Raises:
        UserError: a negative number of rounds, unknown data, or a folder that cannot be written.
    """
    if script.rounds < 0:
        raise SettingError("rounds", f"is {script.rounds}; it must be 0 or more.")
    late = [at for at, _ in script.changes if at > script.rounds]
    if late:
        raise SettingError(
            "rounds", f"is {script.rounds}, but settings are to change after round {late[0]}."
        )
    kind = kind_of(script.data)
    if not any("head_start" in changed for _, changed in script.changes):
        warn_of_head_start(script.settings, script.rounds)
    with one_thread():
        game = new_game(script)
        play_script(script, game, lambda game: on_round(game.round, script.rounds))
        evaluator = evaluator_for(script.data, game.settings)
        snapshot = kind.take_snapshot(game, evaluator)
    result = Result(game.round, fingerprint_of_weights(game), kind.metrics(evaluator, snapshot), ())
    if out is None:
        return result
    files: dict[str, str | bytes] = {
        "nets.safetensors": safetensors.torch.save(game_state.nets_of(game)),
        "readings.json": runs_files.json_text(
            runs_files.without_infinities(dataclasses.asdict(result))
        ),
        "game.png": kind.png(evaluator, snapshot),
    }
    with runs_files.explain_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            runs_files.write_atomically(out / name, content)
    return dataclasses.replace(result, files=tuple(out / name for name in files))
