"""One visitor's games: what a message does to them, and what the page is told.

Nothing here knows of the network. A message is a dictionary that the page sent, and anything may be
in it; what does not fit is refused with a `Refused`, and nothing changes.
"""

import base64
import csv
import io
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from PIL import Image

from adversarial_nets import replay, settings
from adversarial_nets.errors import Diverged, UserError
from adversarial_nets.playground import boards
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.walk import Walk
from adversarial_nets.random import Address
from adversarial_nets.replay import Evaluator, Kind, Script, Snapshot
from adversarial_nets.settings import LIVE
from adversarial_nets.state import Game
from adversarial_nets.toys import catalogue
from adversarial_nets.toys.measures import Metric, oscillates
from adversarial_nets.toys.points import parse_points, points_to_text
from adversarial_nets.training.diagnostics import Trouble, trouble

__all__ = ["Refused", "Visitor"]

Message = dict[str, Any]
Json = Any  # whatever a page may have sent

# What one visitor may have, so that many can be served.
FRAMES = 120  # kept of each game, to scrub through
ROUNDS = 30_000
CHANGES = 200
POINTS = 2000
TEXT = 200_000  # letters of an upload
STROKES = 20_000  # points of a drawing
PICTURE = 0.045  # seconds between two pictures, for playing and looking together

MOST: Mapping[str, float] = {
    "k": 50,
    "batch": 2048,
    "z_size": 128,
    "D.pieces": 8,
    "lr": 10,
    "d_lr_multiplier": 100,
    "momentum_epochs": 10_000,
    "G.init": 100,
    "D.init": 100,
    "head_start": ROUNDS,
}
LAYERS, UNITS = 4, 512
WEIGHTS = 4_000_000  # of both nets: with their gradients and Adam's memory, 64 MB
WORK = 10e9  # multiplications in a round: a second or so of one core, which others wait for
OPTIONS = frozenset({*LIVE, *MOST, "G.hidden", "G.activations", "D.units", "D.activation"})
OPTIONS |= {"prior", "seed", "protocol"}
"""What a visitor may set."""

SPEEDS = (1, 2, 5, 10, 20, 50)


class Refused(Exception):
    """A message that cannot be obeyed: a word for `words`, and what fills its gaps."""

    def __init__(self, why: str, **gaps: object) -> None:
        super().__init__(why)
        self.why, self.gaps = why, gaps


@dataclass
class Seat:
    """One game, its board, and what has been seen of it.

    Attributes:
        script: how to play it again: its `rounds` are where it shall be played to before it stops
            to wait, its changes all that are known.
        kind: of game.
        game: as it stands.
        board: what it is looked at with.
        frames: what was seen, thinned so that there are never too many, with the readings.
        every: how many looks it takes for one to be kept.
    """

    script: Script
    kind: Kind
    game: Game
    board: Evaluator
    frames: list[tuple[Any, dict[str, Metric], Message]] = field(default_factory=list)
    every: int = 1
    looks: int = 0
    widest: float = 0.0

    @classmethod
    def begin(cls, script: Script) -> "Seat":
        """Set a game up, and look at it."""
        board = replay.evaluator_for(script.data, script.settings)
        seat = cls(script, replay.kind_of(script.data), replay.new_game(script), board)
        seat.take_snapshot("both")
        return seat

    def play(self, rounds: int) -> None:
        """Play to that round, with whatever changes on the way."""
        replay.play_script(replace(self.script, rounds=rounds), self.game)

    def change(self, options: Mapping[str, Any]) -> None:
        """From now on, these options; what was to come later is forgotten."""
        now = self.game.round
        before = [c for c in self.script.changes if c[0] < now]
        at_once = [c[1] for c in self.script.changes if c[0] == now]
        merged = {**(at_once[0] if at_once else {}), **options}
        if len(before) >= CHANGES:
            raise Refused("too many changes", most=CHANGES)
        self.script = replace(self.script, changes=(*before, (now, merged)))
        self.play(now)

    def take_snapshot(self, who: str) -> Message:
        """See the game as it stands, and keep what was seen."""
        self.board = replay.evaluator_for(self.script.data, self.game.settings)
        frame = self.kind.take_snapshot(self.game, self.board)
        metrics = self.kind.metrics(self.board, frame)
        stats, s = self.game.stats, self.game.settings
        row = stats.means() if stats.rounds else {"D_x": 0.5, "D_G_z": 0.5}
        stats.rounds = 0
        stats.sums.zero_()
        middle, spread = boards.middle_and_spread(self.kind.name, self.board, frame)
        what: Message = {
            "who": who,
            "k": s.k,
            "m": s.batch,
            "objective": s.objective,
            "middle": middle,
            "trouble": self._trouble(middle, spread, metrics, row),
            "D_x": row["D_x"],
            "D_G_z": row["D_G_z"],
            "V_before": self.frames[-1][1]["V"].value if self.frames else None,
            **boards.forces(self.kind.name, self.board, frame, self.game),
        }
        light = boards.light(self.kind.name, frame)
        if self.looks % self.every == 0 or not self.frames:
            self.frames.append((light, metrics, what))
        else:
            self.frames[-1] = (light, metrics, what)  # the newest is always there
        self.looks += 1
        if len(self.frames) > FRAMES:
            self.frames, self.every = self.frames[::2], self.every * 2
        return self.message(-1)

    def _trouble(
        self,
        middle: list[float],
        spread: float,
        metrics: dict[str, Metric],
        row: Mapping[str, float],
    ) -> Trouble | Literal["early"] | None:
        """The diagnosis, in one word."""
        self.widest = max(self.widest, spread)
        # The kept frames, and not the last looks: how far apart those are depends on the machine.
        path = [*(w["middle"] for _, _, w in self.frames), middle]
        seen = {
            "D_x": row["D_x"],
            "D_G_z": row["D_G_z"],
            "spread": spread,
            "round": self.game.round,
            "objective": self.game.settings.objective,
            "circling": oscillates(np.array(path)),
        }
        if "modes hit" in metrics and (self.kind.name != "images" or self.widest > 0.3):
            # (on images G begins with one class, and that is no collapse)
            seen["modes"] = metrics["modes hit"].value / metrics["modes hit"].perfect
        early = self.kind.name == "images" and self.widest < 0.1
        return trouble(seen, self.widest) or ("early" if early else None)

    def seen(self, index: int) -> Snapshot:
        """The frame of that number; −1 is the newest."""
        return self.frames[min(index, len(self.frames) - 1)][0]

    def message(self, index: int) -> Message:
        """What the page is shown of a frame."""
        index = range(len(self.frames))[min(index, len(self.frames) - 1)]
        frame, metrics, what = self.frames[index]
        return {
            "is": "frame",
            "round": frame.round,
            "index": index,
            "frames": len(self.frames),
            "readings": {name: [_number(v) for v in r] for name, r in metrics.items()},
            **what,
            **boards.numbers(self.kind.name, self.board, frame),
        }

    def curve(self) -> Message:
        """The readings of all kept frames, by name."""
        rows = [(frame.round, r) for frame, r, _ in self.frames]
        names = rows[0][1]
        return {
            "round": [at for at, _ in rows],
            **{name: [_number(r[name].value) for _, r in rows] for name in names},
        }


def _number(value: float) -> float | None:
    """A number as JSON can hold it; the page shows None as ∞."""
    return float(value) if math.isfinite(value) else None


@dataclass
class Visitor:
    """What one open page has: one or two games, or a walk through a trained run.

    Attributes:
        own_data: the data that the command line named, which the page may ask for too.
        walk: a trained run to walk in, if the command line named one.
    """

    own_data: str
    walk: Walk | None = None
    seats: list[Seat] = field(default_factory=list)
    speed: int = 5
    playing: bool = False
    until: int = ROUNDS  # where a lesson has shown what it shows, and playing pauses once
    looking: float = 0.0  # seconds that the last look took
    shown: int = -1  # the frame that is looked at; −1 is the newest
    look_like: dict[str, str] = field(default_factory=lambda: {"lang": "en", "theme": "light"})

    @property
    def busy(self) -> bool:
        """Whether there is something to play."""
        return bool(self.seats) and (self.playing or self._behind())

    def _behind(self) -> bool:
        return any(seat.game.round < seat.script.rounds for seat in self.seats)

    def handle(self, message: Json) -> list[Message]:
        """Do what a message asks; returns what to tell the page.

        Raises:
            Refused: the message cannot be obeyed, and nothing has changed.
        """
        if not isinstance(message, dict) or not isinstance(message.get("do"), str):
            raise Refused("unknown message")
        do = VERBS.get(message["do"])
        if do is None:
            raise Refused("unknown message")
        if not self.seats and message["do"] != "open":
            raise Refused("unknown message")
        try:
            return do(self, message)
        except Diverged:
            self.playing = False
            raise Refused("diverged") from None
        except UserError as error:
            raise Refused("mistake", detail=str(error)) from None

    # --- Playing ----------------------------------------------------------------------------------

    def tick(self) -> list[Message]:
        """Play a little further, and show it."""
        self.shown = -1
        began = time.monotonic()
        now = self.seats[0].game.round
        catching_up = self._behind()
        pause = self.until if now < self.until else ROUNDS
        goal = self.seats[0].script.rounds if catching_up else min(now + self.speed, pause)
        first, played = now, 0.0
        while now < goal:
            now += 1
            for seat in self.seats:
                seat.play(now)
            played = time.monotonic() - began
            if played * (1 + 1 / (now - first)) + self.looking > PICTURE:
                break  # one round more would come too late
        try:
            frames = self._look("both")
        except Diverged:
            self.playing = False
            self.stop_here()
            return [{"is": "refused", "why": "diverged", "gaps": {}}, self._state()]
        self.looking = time.monotonic() - began - played
        if not catching_up:
            self.stop_here()
        if now == pause:
            self.playing = False
        if not self.busy:
            frames.append(self._state())
        return frames

    def _look(self, who: str) -> list[Message]:
        return [
            seat.take_snapshot(who) | {"seat": i, "curve": seat.curve()}
            for i, seat in enumerate(self.seats)
        ]

    def stop_here(self) -> None:
        """Wherever the games are is where they are meant to be."""
        for seat in self.seats:
            seat.script = replace(seat.script, rounds=seat.game.round)

    def run(self, message: Message) -> list[Message]:
        """Play until further notice."""
        self.playing = self.seats[0].game.round < ROUNDS
        return [self._state()]

    def pause(self, message: Message) -> list[Message]:
        """Stop where the games are."""
        self.playing = False
        self.stop_here()
        return [self._state()]

    def step(self, message: Message) -> list[Message]:
        """One round, or the half of it that belongs to one player."""
        who = message.get("who")
        if who not in ("both", "D", "G"):
            raise Refused("unknown message")
        now = self.seats[0].game.round
        if now >= ROUNDS:
            raise Refused("too many rounds", most=ROUNDS)
        if who != "both" and any(len(s.script.changes) + 2 > CHANGES for s in self.seats):
            raise Refused("too many changes", most=CHANGES)
        self.playing = False
        for seat in self.seats:
            seat.play(now)
            if who != "both":
                seat.change({"train_only": who})
            seat.play(now + 1)
            if who != "both":
                seat.change({"train_only": "both"})
        self.stop_here()
        self.shown = -1
        return [*self._look(who), self._state()]

    def set_speed(self, message: Message) -> list[Message]:
        """So many rounds between two pictures."""
        if message.get("value") not in SPEEDS:
            raise Refused("unknown message")
        self.speed = message["value"]
        return [self._state()]

    def reset(self, message: Message) -> list[Message]:
        """The same game again from its beginning, with what has been changed on the way."""
        return self._seat([Script(s.script.data, self._now(s)) for s in self.seats], self.until)

    def seek(self, message: Message) -> list[Message]:
        """Show an earlier moment."""
        index = message.get("index")
        if not (isinstance(index, int) and 0 <= index < len(self.seats[0].frames)):
            raise Refused("unknown message")
        self.playing = False
        self.stop_here()
        self.shown = index
        return [
            seat.message(index) | {"seat": i, "curve": seat.curve()}
            for i, seat in enumerate(self.seats)
        ]

    def back(self, message: Message) -> list[Message]:
        """Go on from the moment that is shown: play again up to it, and forget the rest."""
        at = self.seats[0].frames[self.shown][0].round
        return self._seat(
            [
                replace(
                    s.script, rounds=at, changes=tuple(c for c in s.script.changes if c[0] < at)
                )
                for s in self.seats
            ],
            self.until,
        )

    # --- Bending ----------------------------------------------------------------------------------

    def update_setting(self, message: Message) -> list[Message]:
        """One option: at once where it can be, in a new game where it must be."""
        option, value, which = message.get("option"), message.get("value"), message.get("seat", 0)
        if type(which) is not int or which not in range(len(self.seats)):
            raise Refused("unknown message")
        if not isinstance(option, str):
            raise Refused("unknown message")
        seat = self.seats[which]
        try:
            bent = _checked(self._now(seat), {option: value}, _size(seat.script.data))
        except UserError as error:
            gaps = {"option": option, "value": str(value)[:20], "detail": str(error)}
            raise Refused("bad value", **gaps) from None
        if option in LIVE:
            seat.play(seat.game.round)
            seat.change({option: bent.flat()[option]})
            self.stop_here()
            return [self._state()]
        scripts = [Script(s.script.data, self._now(s)) for s in self.seats]
        scripts[which] = replace(scripts[which], settings=bent)
        if option == "seed":  # two games side by side share it
            scripts = [replace(s, settings=replace(s.settings, seed=bent.seed)) for s in scripts]
        return self._seat(scripts)

    def _now(self, seat: Seat) -> settings.Settings:
        """A game's settings as they have become, both players learning."""
        return replace(seat.game.settings, train_only=None)

    def data(self, message: Message) -> list[Message]:
        """Other data, and a new game on them."""
        return self._new_data(self._allowed(message.get("value")))

    def points(self, message: Message) -> list[Message]:
        """Points of the visitor's own, as text or from a file: CSV of one or two columns."""
        text = message.get("text")
        if not isinstance(text, str):
            raise Refused("unknown message")
        if len(text) > TEXT:
            raise Refused("too large", most=TEXT // 1000)
        try:
            x = parse_points(text.splitlines(), "CSV").x
        except UserError as error:
            raise Refused("bad points", detail=str(error)) from None
        if len(x) > POINTS:
            raise Refused("too many points", most=POINTS)
        return self._new_data(points_to_text(x))

    def drawing(self, message: Message) -> list[Message]:
        """Strokes drawn by hand, as points with a little width."""
        strokes = message.get("strokes")
        if not isinstance(strokes, list) or not all(isinstance(s, list) for s in strokes):
            raise Refused("unknown message")
        if sum(map(len, strokes)) > STROKES:
            raise Refused("too many points", most=STROKES)
        return self._new_data(points_to_text(_along(strokes)))

    def _new_data(self, data: str) -> list[Message]:
        kind = replay.kind_of(data)
        seed = self.seats[0].game.settings.seed
        if kind is self.seats[0].kind:
            bent = [self._now(s) for s in self.seats]
        else:
            bent = [replace(kind.settings, seed=seed) for _ in self.seats]
        return self._seat([Script(data, s) for s in bent])

    def _allowed(self, data: Json) -> str:
        """A name of data that a page may ask for: no path of this machine is among them."""
        if isinstance(data, str) and len(data) < 60_000:
            numbers = data.startswith(("gaussian:", "mixture:", "uniform:"))
            named = data in catalogue.TOYS or data in ("mnist-5k", self.own_data)
            points = data.startswith("points:")  # (without the colon it would name a file)
            if named or (numbers and len(data) < 200) or points:
                if points and len(getattr(catalogue.find(data), "x", ())) > POINTS:
                    raise Refused("too many points", most=POINTS)
                return data
        raise Refused("no such data")

    def beside(self, message: Message) -> list[Message]:
        """A second game on the same seed beside the first, or no longer."""
        scripts = [Script(s.script.data, self._now(s)) for s in self.seats[:1]]
        return self._seat(scripts * (2 if message.get("on") is True else 1))

    def lesson(self, message: Message) -> list[Message]:
        """Begin the games of a lesson."""
        lesson = LESSONS.get(str(message.get("name")))
        if lesson is None:
            raise Refused("unknown message")
        usual = replay.kind_of(lesson.data).settings
        size = _size(lesson.data)
        told = self._seat(
            [Script(lesson.data, _checked(usual, options, size)) for options in lesson.games],
            until=lesson.rounds,
        )
        self.speed = lesson.speed
        return [*told[:-1], self._state()]

    # --- Beginning, and the whole state -----------------------------------------------------------

    def open_state(self, message: Message) -> list[Message]:
        """The page has come, with a state from its address or none."""
        state = message.get("state") or {"data": self.own_data}
        if not isinstance(state, dict):
            raise Refused("unknown message")
        data = self._allowed(state.get("data"))
        usual = replay.kind_of(data).settings
        rounds = state.get("rounds", 0)
        until = state.get("until", ROUNDS)
        if not all(isinstance(n, int) and 0 <= n <= ROUNDS for n in (rounds, until)):
            raise Refused("too many rounds", most=ROUNDS)
        games = state.get("games", [{}])
        if not (isinstance(games, list) and 1 <= len(games) <= 2):
            raise Refused("unknown message")
        scripts = [_script(data, usual, rounds, told) for told in games]
        if len({s.settings.seed for s in scripts}) > 1:
            raise Refused("unknown message")
        if state.get("speed", 5) in SPEEDS:
            self.speed = state.get("speed", 5)
        self._dress(message)
        return self._seat(scripts, until)

    def _dress(self, message: Message) -> None:
        for name, known in (("lang", ("en", "zh")), ("theme", ("light", "dark"))):
            if message.get(name) in known:
                self.look_like[name] = message[name]

    def dressed(self, message: Message) -> list[Message]:
        """Another language or another light: the boards are drawn again."""
        self._dress(message)
        return self._all()

    def _seat(self, scripts: list[Script], until: int = ROUNDS) -> list[Message]:
        """Begin these games in the place of those that were."""
        self.seats = [Seat.begin(script) for script in scripts]  # may refuse: then nothing changes
        self.shown, self.playing, self.until = -1, False, until
        return self._all()

    def _all(self) -> list[Message]:
        begun = [
            {
                "is": "board",
                "seat": i,
                "seats": len(self.seats),
                "kind": seat.kind.name,
                "data": seat.script.data,
                "points": len(getattr(getattr(seat.board, "toy", None), "x", ())),
                "figures": boards.figures_of(seat.kind.name, seat.board, i, **self.look_like),
            }
            for i, seat in enumerate(self.seats)
        ]
        shown = [
            seat.message(self.shown) | {"seat": i, "curve": seat.curve()}
            for i, seat in enumerate(self.seats)
        ]
        return [*begun, *shown, self._state()]

    def _state(self) -> Message:
        """Where everything stands; `state` is what the address holds."""
        return {
            "is": "state",
            "playing": self.playing,
            "busy": self.busy,
            "kind": self.seats[0].kind.name,
            "options": [seat.game.settings.flat() for seat in self.seats],
            "weights": [replay.fingerprint(seat.game) for seat in self.seats]
            if not self.busy
            else None,
            "walk": self.walk is not None,
            "state": {
                "data": self.seats[0].script.data,
                "rounds": self.seats[0].script.rounds,
                "until": self.until,
                "speed": self.speed,
                "games": [
                    {
                        "set": replay.options(seat.script),
                        "changes": [[at, dict(o)] for at, o in seat.script.changes],
                    }
                    for seat in self.seats
                ],
            },
        }

    # --- Taking it away ---------------------------------------------------------------------------

    def share(self, message: Message) -> list[Message]:
        """The shown games as commands and as programs."""
        scripts = [replace(s.script, rounds=s.game.round) for s in self.seats]
        return [
            {
                "is": "share",
                "command": "\n".join(map(replay.command, scripts)),
                "program": "\n".join(map(replay.program, scripts)),
            }
        ]

    def export(self, message: Message) -> list[Message]:
        """A file: what is shown as a PNG, the whole game as a GIF, the readings as a CSV."""
        makers: dict[str, Callable[[Seat], bytes]] = {
            "png": lambda s: s.kind.png(s.board, s.seen(self.shown)),
            "gif": _gif,
            "csv": _csv,
        }
        maker = makers.get(str(message.get("what")))
        if maker is None:
            raise Refused("unknown message")
        return [
            {
                "is": "file",
                "name": f"game-{'ab'[i]}.{message['what']}",
                "bytes": base64.b64encode(maker(seat)).decode(),
            }
            for i, seat in enumerate(self.seats)
        ]

    def nearest(self, message: Message) -> list[Message]:
        """The training images nearest to the first samples that are shown."""
        if self.seats[0].kind.name != "images":
            raise Refused("unknown message")
        return [
            {"is": "nearest", "seat": i, "png": boards.nearest_png(s.board, s.seen(self.shown))}
            for i, s in enumerate(self.seats)
        ]

    def walk_to(self, message: Message) -> list[Message]:
        """Somewhere else in the z of the trained run."""
        if self.walk is None:
            raise Refused("no run")
        try:
            return [self.walk.show(message)]
        except (ValueError, TypeError, IndexError, OverflowError, RuntimeError):
            raise Refused("unknown message") from None


VERBS: Mapping[str, Callable[[Visitor, Message], list[Message]]] = {
    "open": Visitor.open_state,
    "run": Visitor.run,
    "pause": Visitor.pause,
    "step": Visitor.step,
    "speed": Visitor.set_speed,
    "reset": Visitor.reset,
    "seek": Visitor.seek,
    "back": Visitor.back,
    "update_setting": Visitor.update_setting,
    "data": Visitor.data,
    "points": Visitor.points,
    "drawing": Visitor.drawing,
    "beside": Visitor.beside,
    "lesson": Visitor.lesson,
    "dress": Visitor.dressed,
    "share": Visitor.share,
    "export": Visitor.export,
    "nearest": Visitor.nearest,
    "walk": Visitor.walk_to,
}
"""Every message that a page may send."""


# --- Checking what a page asks for ----------------------------------------------------------------


def _script(data: str, usual: settings.Settings, rounds: int, told: Json) -> Script:
    """A game from the page's address."""
    if not isinstance(told, dict) or not isinstance(told.get("set", {}), dict):
        raise Refused("unknown message")
    size = _size(data)
    begun = _checked(usual, told.get("set", {}), size)
    changes: list[replay.Change] = []
    now = begun
    for pair in _list(told.get("changes", [])):
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], dict)):
            raise Refused("unknown message")
        at = pair[0]
        options = {settings.canonical_name(str(name)): value for name, value in pair[1].items()}
        last = changes[-1][0] if changes else -1
        if not (isinstance(at, int) and last < at <= rounds and set(options) <= LIVE):
            raise Refused("unknown message")
        now = _checked(now, options, size)
        changes.append((at, {name: now.flat()[name] for name in options}))
    return Script(data, begun, rounds, tuple(changes))


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list) or len(value) > CHANGES:
        raise Refused("too many changes", most=CHANGES)
    return value


def _size(data: str) -> int:
    """Coordinates of one x."""
    return replay.load_data(data).pixels


def _checked(before: settings.Settings, asked: Mapping[Any, Any], size: int) -> settings.Settings:
    """The settings with a page's options, all within what a visitor may have for x of that size."""
    options = {settings.canonical_name(str(name)): value for name, value in asked.items()}
    if not options.keys() <= OPTIONS:
        raise Refused("unknown message")
    for hidden in ("G.hidden", "D.units"):
        if not isinstance(options.get(hidden, []), list | tuple):
            raise Refused("unknown message")
    for hidden, init in (("G.hidden", "G.init"), ("D.units", "D.init")):
        if hidden in options and init not in options:
            ranges, layers = before.flat()[init], len(options[hidden]) + 1
            if len(ranges) not in (1, layers):  # the first layer's, some middle ones, the last's
                middle = (ranges[1],) * (layers - 2)
                options[init] = (*ranges[:1], *middle, ranges[-1])[-layers:]
    if "G.hidden" in options and len(before.G.activations) > 1:
        options.setdefault("G.activations", before.G.activations[:1])
    after = settings.update_settings(before, options)
    for name in options:
        value = after.flat()[name]
        values = value if isinstance(value, tuple) else (value,)
        if name in ("G.hidden", "D.units"):
            if len(values) > LAYERS or max(values, default=0) > UNITS:
                raise Refused("too large", most=f"{LAYERS} × {UNITS}")
        elif name in MOST and max(values) > MOST[name]:
            raise Refused("out of range", option=name, most=MOST[name])
    weights, work = _cost(after, size)
    if weights > WEIGHTS or work > WORK:
        raise Refused("too much work", times=f"{max(weights / WEIGHTS, work / WORK):.1f}")
    return after


def _cost(s: settings.Settings, size: int) -> tuple[int, int]:
    """The weights of both nets, and the multiplications of a round: three a weight and example."""
    wide = [s.z_size, *s.G.hidden, size]
    G = sum(a * b for a, b in pairwise(wide))
    wide, pieces = [size, *s.D.units], s.D.pieces if s.D.activation == "maxout" else 1
    D = s.D.units[-1] + sum(a * b * pieces for a, b in pairwise(wide))
    # In each of k steps G is drawn from and D sees data and samples; then G's step goes through D.
    return G + D, s.batch * (s.k * (G + 6 * D) + 3 * (G + D))


def _along(strokes: list[list[Any]], points: int = 600) -> np.ndarray:
    """Points at even distances along strokes, each a list of [x, y], with a little width."""
    pieces = []
    for stroke in filter(None, strokes):
        try:
            xy = np.array(stroke, np.float64).reshape(-1, 2)
        except (TypeError, ValueError, OverflowError):
            raise Refused("unknown message") from None
        if not np.isfinite(xy).all():
            raise Refused("unknown message")
        pieces.append(xy.clip(-4, 4))
    lengths = [float(np.hypot(*np.diff(xy, axis=0).T).sum()) for xy in pieces]
    if sum(lengths) < 0.5:
        raise Refused("draw more")
    found = []
    for xy, length in zip(pieces, lengths, strict=True):
        at = np.concatenate([[0.0], np.hypot(*np.diff(xy, axis=0).T).cumsum()])
        n = round(points * length / sum(lengths))
        t = np.linspace(0, length, n) if n else np.empty(0)
        found.append(np.stack([np.interp(t, at, xy[:, 0]), np.interp(t, at, xy[:, 1])], axis=1))
    x = np.concatenate(found)
    return x + 0.05 * Address(0, 0, range(len(x))).normal("a line's width", 2).double().numpy()


def _gif(seat: Seat) -> bytes:
    """The game so far as a moving picture of at most 40 frames."""
    every = max(1, len(seat.frames) // 40)
    frames = [f for f, _, _ in seat.frames[::every]]
    pictures = [Image.open(io.BytesIO(seat.kind.png(seat.board, f))) for f in frames]
    file = io.BytesIO()
    first, *rest = (p.convert("RGB").quantize(64) for p in pictures)
    first.save(file, "GIF", save_all=True, append_images=rest, duration=100, loop=0)
    return file.getvalue()


def _csv(seat: Seat) -> bytes:
    """The readings of all kept frames, each beside a perfect generator's."""
    file = io.StringIO()
    names = list(seat.frames[0][1])
    writer = csv.writer(file)
    writer.writerow(["round", *(f"{name}{of}" for name in names for of in ("", ", perfect"))])
    for frame, metrics, _ in seat.frames:
        writer.writerow([frame.round, *(repr(v) for name in names for v in metrics[name])])
    return file.getvalue().encode()
