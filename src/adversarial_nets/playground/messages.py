"""The messages that a browser page may send: one function for each type of message.

A message is a JSON object with a ``type``, one of `HANDLERS`; each handler documents the other
fields. A handler returns the answering messages, or raises `RequestError` without changing
anything.
"""

import base64
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TypeVar, get_args

from adversarial_nets import replay
from adversarial_nets.classes import class_count
from adversarial_nets.errors import Diverged, UserError
from adversarial_nets.playground import limits
from adversarial_nets.playground.boards.images import class_png, morph_png, nearest_png
from adversarial_nets.playground.game_slot import GameSlot, Message, Trained
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.session import Session
from adversarial_nets.playground.user_data import data_from_csv, data_from_strokes
from adversarial_nets.playground.validation import (
    Json,
    RequestError,
    check_data_name,
    check_settings,
    data_dimension,
    first_settings,
    read_script,
    with_current_keys,
)
from adversarial_nets.replay import Script
from adversarial_nets.settings import LIVE, canonical_name

__all__ = ["HANDLERS", "Handler", "handle"]


QUERIES = ("morph", "of_class")
"""Message types that compute from the current game and do not end the current frame."""


Handler = Callable[[Session, Message], list[Message]]
"""Carries out one type of message, and returns the messages that answer the page."""


def handle(session: Session, message: Json) -> list[Message]:
    """Carry out a message of the page, and return the messages that answer it.

    Args:
        session: the page's games.
        message: the page's message; it can be any JSON value.

    Raises:
        RequestError: the message cannot be carried out, and nothing has changed.
    """
    if not isinstance(message, dict):
        raise RequestError("unknown message")
    known = HANDLERS if session.slots else ("open",)  # a page without games opens first
    kind = _one_of(known, message.get("type"))
    try:
        frame = [] if kind in QUERIES else session.finish_frame()
        return frame + HANDLERS[kind](session, message)
    except Diverged:
        session.playing = False
        raise RequestError("diverged") from None
    except UserError as error:
        raise RequestError("mistake", detail=str(error)) from None


Choice = TypeVar("Choice", int, str)


def _one_of(choices: Collection[Choice], value: Json) -> Choice:
    """Return a value in a message if it is one of the choices, and otherwise refuse the message."""
    if type(value) not in (int, str) or value not in choices:
        raise RequestError("unknown message")
    chosen: Choice = value
    return chosen


# --- Opening the page -----------------------------------------------------------------------------


def open_page(session: Session, message: Message) -> list[Message]:
    """Begin the games of the page's address.

    Args:
        session: the page's games.
        message: ``state``: what `Session.state` returned under ``state``, in this version or an
            earlier one, or null for a new game; ``lang`` and ``theme``; ``resume``: true if the
            page continues after a reload or a lost connection; ``page``: its identifier.
    """
    state = with_current_keys(message.get("state") or {"data": session.command_line_data})
    data = check_data_name(state.get("data"), session.command_line_data)
    rounds, pause_at = state.get("rounds", 0), state.get("pause_at", limits.MAX_ROUNDS)
    if not all(isinstance(n, int) and 0 <= n <= limits.MAX_ROUNDS for n in (rounds, pause_at)):
        raise RequestError("too many rounds", most=limits.MAX_ROUNDS)
    games = state.get("games")
    defaults = replay.kind_of(data).settings
    if games is None:
        scripts = [read_script(data, first_settings(data), rounds, {})]
    elif isinstance(games, list) and 1 <= len(games) <= 2:
        scripts = [read_script(data, defaults, rounds, game) for game in games]
    else:
        raise RequestError("unknown message")
    if len({script.settings.seed for script in scripts}) > 1:
        raise RequestError("unknown message")
    speed = state.get("speed")
    first_speed = limits.FIRST_SPEED[replay.kind_of(data).name]
    session.speed = speed if speed in limits.SPEEDS else first_speed
    session.page = str(message.get("page", ""))[:64]
    _set_appearance(session, message)
    return session.begin(scripts, pause_at, resume=message.get("resume") is True)


def set_appearance(session: Session, message: Message) -> list[Message]:
    """Redraw the figures in another language (``lang``) or theme (``theme``)."""
    _set_appearance(session, message)
    return session.everything()


def _set_appearance(session: Session, message: Message) -> None:
    if message.get("lang") in ("en", "zh"):
        session.language = message["lang"]
    if message.get("theme") in ("light", "dark"):
        session.theme = message["theme"]


# --- Playing --------------------------------------------------------------------------------------


def play(session: Session, message: Message) -> list[Message]:
    """Play until paused, or up to a round (``to``, optional)."""
    if (to := message.get("to")) is not None:
        if type(to) is not int or to > limits.MAX_ROUNDS:
            raise RequestError("too many rounds", most=limits.MAX_ROUNDS)
        if to <= session.round:
            raise RequestError("round has passed", round=session.round)
        session.pause_at = to
    if session.diverged:
        raise RequestError("diverged")
    session.playing = session.round < limits.MAX_ROUNDS
    return [session.state()]


def pause(session: Session, message: Message) -> list[Message]:
    """Stop at the current round."""
    session.playing = False
    session.stop_here()
    return [session.state()]


def step(session: Session, message: Message) -> list[Message]:
    """Play one round that trains the networks in ``train``: ``both``, ``D`` or ``G``."""
    train = _one_of(get_args(Trained), message.get("train"))
    if session.round >= limits.MAX_ROUNDS:
        raise RequestError("too many rounds", most=limits.MAX_ROUNDS)
    # Training one network needs two changes of train_only: one before the round, one after it.
    if train != "both" and any(
        len(slot.script.changes) + 2 > limits.MAX_CHANGES for slot in session.slots
    ):
        raise RequestError("too many changes", most=limits.MAX_CHANGES)
    session.playing, session.shown = False, -1
    snapshots = [slot.step(train) | {"game": i} for i, slot in enumerate(session.slots)]
    return [*snapshots, session.state()]


def slow_round(session: Session, message: Message) -> list[Message]:
    """Play one round, and describe each line of Algorithm 1 for slow motion."""
    if session.round >= limits.MAX_ROUNDS:
        raise RequestError("too many rounds", most=limits.MAX_ROUNDS)
    session.playing, session.shown = False, -1
    stages = [slot.step_slowly() for slot in session.slots]
    return [
        *({"type": "slow", "game": i, "stages": found} for i, found in enumerate(stages)),
        session.state(),
    ]


def set_speed(session: Session, message: Message) -> list[Message]:
    """Set the rounds between two displayed frames (``value``, one of `limits.SPEEDS`)."""
    session.speed = _one_of(limits.SPEEDS, message.get("value"))
    return [session.state()]


def reset(session: Session, message: Message) -> list[Message]:
    """Begin the same games again at round 0, with their current settings."""
    scripts = [Script(slot.script.data, slot.settings) for slot in session.slots]
    return session.begin(scripts, session.pause_at)


def trained_start(session: Session, message: Message) -> list[Message]:
    """Begin the same games at a round at which G is trained; they are computed once and kept."""
    rounds = limits.TRAINED_ROUNDS[session.slots[0].kind.name]
    scripts = [Script(slot.script.data, slot.settings, rounds) for slot in session.slots]
    return session.begin(scripts)


def seek(session: Session, message: Message) -> list[Message]:
    """Display the earlier snapshot that is nearest to a round (``round``)."""
    sought = _one_of(range(limits.MAX_ROUNDS + 1), message.get("round"))
    session.playing = False
    session.stop_here()
    session.shown = session.slots[0].index_of(sought)
    return [m | {"sought": sought} for m in (*session.snapshots(), session.state())]


def resume_here(session: Session, message: Message) -> list[Message]:
    """Continue from the displayed snapshot: replay the game up to it and drop the later rounds."""
    at = session.slots[0].entry(session.shown).snapshot.round
    scripts = []
    for slot in session.slots:
        changes = [change for change in slot.script.changes if change[0] < at]
        trained = [values["train_only"] for _, values in changes if "train_only" in values]
        if trained and trained[-1]:  # a round that trained one network alone ends here
            changes.append((at, {"train_only": None}))
        scripts.append(replace(slot.script, rounds=at, changes=tuple(changes)))
    return session.begin(scripts, session.pause_at)


# --- Changing the game ----------------------------------------------------------------------------


def update_setting(session: Session, message: Message) -> list[Message]:
    """Change a ``setting`` of a ``game`` (0 or 1) to ``value``.

    A live setting changes at once; another one begins a new game.
    """
    which = _one_of(range(len(session.slots)), message.get("game", 0))
    name, value = message.get("setting"), message.get("value")
    if not isinstance(name, str):
        raise RequestError("unknown message")
    name, slot = canonical_name(name), session.slots[which]
    try:
        changed = check_settings(slot.settings, {name: value}, data_dimension(slot.script.data))
    except UserError as error:
        values = {"setting": name, "value": str(value)[:20], "detail": str(error)}
        raise RequestError("bad value", **values) from None
    if name in LIVE:
        return _change_at_once(session, slot, {name: changed.flat()[name]})
    scripts = [Script(s.script.data, s.settings) for s in session.slots]
    scripts[which] = replace(scripts[which], settings=changed)
    if name == "seed":  # two displayed games share the seed
        scripts = [replace(s, settings=replace(s.settings, seed=changed.seed)) for s in scripts]
    return session.begin(scripts)


def set_rates(session: Session, message: Message) -> list[Message]:
    """Set the learning rates ``G`` and ``D`` of a ``game`` (0 or 1), so that each changes alone."""
    slot = session.slots[_one_of(range(len(session.slots)), message.get("game", 0))]
    G, D = (_rate(message.get(network)) for network in "GD")
    ratio, most = (D / G if G else 0), limits.MAX_VALUES["d_lr_multiplier"]
    if ratio > most:
        raise RequestError("out of range", setting="d_lr_multiplier", most=f"{most * G:g}")
    changes = {"lr": G, "d_lr_multiplier": ratio}
    try:
        check_settings(slot.settings, changes, data_dimension(slot.script.data))
    except UserError as error:
        raise RequestError("bad value", setting="lr", value=str(G), detail=str(error)) from None
    return _change_at_once(session, slot, changes)


def _rate(value: Json) -> float:
    """Check a learning rate in a message."""
    if type(value) not in (int, float) or not 0 <= value <= sys.float_info.max:
        raise RequestError("unknown message")
    return float(value)


def _change_at_once(session: Session, slot: GameSlot, changes: Mapping[str, Json]) -> list[Message]:
    """Change settings of a game from its current round on."""
    slot.play_to(slot.game.round)
    slot.change(changes)
    session.stop_here()
    return [session.state()]


def compare(session: Session, message: Message) -> list[Message]:
    """Show the first game with a copy of it, or alone (``on``: true or false)."""
    session.remember()
    first = session.slots[0]
    both = [first, first.copy()] if message.get("on") is True else [first]
    return session.show(both, session.pause_at)


def start_lesson(session: Session, message: Message) -> list[Message]:
    """Begin the games of a lesson (``name``, one of `LESSONS`)."""
    lesson = LESSONS[_one_of(LESSONS, message.get("name"))]
    defaults, dimension = replay.kind_of(lesson.data).settings, data_dimension(lesson.data)
    scripts = [
        Script(lesson.data, check_settings(defaults, game, dimension)) for game in lesson.games
    ]
    messages = session.begin(scripts, lesson.rounds)
    session.speed = lesson.speed
    return [*messages[:-1], session.state()]


# --- Changing the data ----------------------------------------------------------------------------


def set_data(session: Session, message: Message) -> list[Message]:
    """Begin a new game on other data (``value``, their name)."""
    return _begin_on(session, check_data_name(message.get("value"), session.command_line_data))


def use_points(session: Session, message: Message) -> list[Message]:
    """Begin a new game on the user's points (``text``, CSV with one or two columns)."""
    return _begin_on(session, data_from_csv(message.get("text")))


def use_drawing(session: Session, message: Message) -> list[Message]:
    """Begin a new game on a drawing (``strokes``, lists of [x, y])."""
    return _begin_on(session, data_from_strokes(message.get("strokes")))


def _begin_on(session: Session, data: str) -> list[Message]:
    """Begin new games on these data; settings are kept if the kind of game is the same."""
    kind, first = replay.kind_of(data), session.slots[0]
    if kind is first.kind:
        return session.begin([Script(data, slot.settings) for slot in session.slots])
    settings = replace(first_settings(data), seed=first.game.settings.seed)
    session.speed = limits.FIRST_SPEED[kind.name]
    return session.begin([Script(data, settings)] * len(session.slots))


# --- Sharing and saving ---------------------------------------------------------------------------


def share(session: Session, message: Message) -> list[Message]:
    """The games as commands for a terminal and as Python programs."""
    scripts = [replace(slot.script, rounds=slot.game.round) for slot in session.slots]
    command = "\n".join(map(replay.command, scripts))
    program = "\n".join(map(replay.program, scripts))
    return [{"type": "share", "command": command, "program": program}]


def export(session: Session, message: Message) -> list[Message]:
    """The metrics of every game as a CSV file."""
    return [
        {
            "type": "file",
            "name": f"game-{'ab'[i]}.csv",
            "bytes": base64.b64encode(slot.metrics_csv()).decode(),
        }
        for i, slot in enumerate(session.slots)
    ]


# --- Looking closer -------------------------------------------------------------------------------


def nearest(session: Session, message: Message) -> list[Message]:
    """The training images nearest to the first row of displayed samples."""
    if session.slots[0].kind.name != "images":
        raise RequestError("unknown message")
    answers = []
    for i, slot in enumerate(session.slots):
        png = nearest_png(slot.evaluator, slot.entry(session.shown).snapshot)
        answers.append({"type": "nearest", "game": i, "png": png})
    return answers


def morph(session: Session, message: Message) -> list[Message]:
    """The image G(z) for z between four samples (``u``, ``v``, ``class``: see `morph_png`)."""
    u, v, slot = message.get("u"), message.get("v"), session.slots[0]
    if not (isinstance(u, int | float) and isinstance(v, int | float)):
        raise RequestError("unknown message")
    if slot.kind.name != "images" or not (0 <= u <= 1 and 0 <= v <= 1):
        raise RequestError("unknown message")
    c = message.get("class")
    if c is not None:
        _one_of(range(class_count(slot.game.G)), c)
    png = morph_png(slot.evaluator, slot.game, float(u), float(v), c)
    return [{"type": "morph", "png": png}]


def of_class(session: Session, message: Message) -> list[Message]:
    """Samples of one class (``class``, its number) of every game with classes."""
    classes = max(class_count(slot.game.G) for slot in session.slots)
    c = _one_of(range(classes), message.get("class"))
    return [
        {"type": "of_class", "game": i, "png": class_png(slot.evaluator, slot.game, c)}
        for i, slot in enumerate(session.slots)
        if class_count(slot.game.G)
    ]


def explore_latent(session: Session, message: Message) -> list[Message]:
    """Images at a place in the latent space of the trained run; see `LatentExplorer.images_at`."""
    if session.explorer is None:
        raise RequestError("no run")
    try:
        return [session.explorer.images_at(message)]
    except (ValueError, TypeError, IndexError, OverflowError, RuntimeError):
        raise RequestError("unknown message") from None


HANDLERS: Mapping[str, Handler] = {
    "open": open_page,
    "set_appearance": set_appearance,
    "play": play,
    "pause": pause,
    "step": step,
    "slow_round": slow_round,
    "set_speed": set_speed,
    "reset": reset,
    "trained_start": trained_start,
    "seek": seek,
    "resume_here": resume_here,
    "update_setting": update_setting,
    "set_rates": set_rates,
    "compare": compare,
    "start_lesson": start_lesson,
    "set_data": set_data,
    "use_points": use_points,
    "use_drawing": use_drawing,
    "share": share,
    "export": export,
    "nearest": nearest,
    "morph": morph,
    "of_class": of_class,
    "explore_latent": explore_latent,
}
"""The handler of every type of message that a page may send."""
