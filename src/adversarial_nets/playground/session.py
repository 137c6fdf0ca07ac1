"""The games of one open browser page: playing them, and describing them to the page.

This module does not use the network. `messages` handles the requests of a page; `server` sends and
receives the messages.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adversarial_nets import replay
from adversarial_nets.errors import Diverged
from adversarial_nets.playground import limits
from adversarial_nets.playground.boards import figures_json
from adversarial_nets.playground.game_slot import GameSlot, Message, Trained
from adversarial_nets.playground.latent_explorer import LatentExplorer
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.playground.words import Language
from adversarial_nets.replay import Script

__all__ = ["Session"]

SECONDS_PER_FRAME = 0.045
"""Time for playing and evaluating between two displayed frames."""


@dataclass
class Session:
    """One or two games, how they are played, and how the page displays them.

    Attributes:
        command_line_data: the data named on the command line; the page may ask for them too.
        explorer: the latent space of a trained run, if the command line named a run.
        slots: the games; two are shown side by side.
        speed: rounds between two displayed frames.
        playing: whether the games run until paused.
        pause_at: round at which playing pauses once, because a lesson has shown its effect.
        snapshot_seconds: time that the last snapshot took.
        shown: index of the displayed snapshot in the history; −1 is the newest.
        language: of the texts in the figures.
        theme: colours of the figures, ``light`` or ``dark``.
    """

    command_line_data: str
    explorer: LatentExplorer | None = None
    slots: list[GameSlot] = field(default_factory=list)
    speed: int = 5
    playing: bool = False
    pause_at: int = limits.MAX_ROUNDS
    snapshot_seconds: float = 0.0
    shown: int = -1
    language: Language = "en"
    theme: str = "light"

    # --- Playing ----------------------------------------------------------------------------------

    @property
    def round(self) -> int:
        """The round that the games have reached."""
        return self.slots[0].game.round

    @property
    def catching_up(self) -> bool:
        """Whether a game has not reached the round that its address asks for."""
        return any(slot.game.round < slot.script.rounds for slot in self.slots)

    @property
    def busy(self) -> bool:
        """Whether there are rounds to play now."""
        return bool(self.slots) and (self.playing or self.catching_up)

    def begin(self, scripts: Sequence[Script], pause_at: int = limits.MAX_ROUNDS) -> list[Message]:
        """Replace the games by new ones, and return the messages that display them.

        Args:
            scripts: one game, or two to show side by side.
            pause_at: round at which playing pauses once.

        Raises:
            UserError: a game cannot be set up; the old games are kept.
        """
        self.slots = [GameSlot.from_script(script) for script in scripts]
        self.shown, self.playing, self.pause_at = -1, False, pause_at
        return self.everything()

    def tick(self) -> list[Message]:
        """Play the rounds of one displayed frame, and return its messages."""
        self.shown = -1
        start = time.monotonic()
        catching_up = self.catching_up
        pause = self.pause_at if self.round < self.pause_at else limits.MAX_ROUNDS
        goal = self.slots[0].script.rounds if catching_up else min(self.round + self.speed, pause)
        self._play_until(goal, start)
        played = time.monotonic() - start
        try:
            messages = self.take_snapshots("both")
        except Diverged:
            self.playing = False
            self.stop_here()
            return [RequestError("diverged").to_message(), self.state()]
        self.snapshot_seconds = time.monotonic() - start - played
        if not catching_up:
            self.stop_here()
        if self.round == pause:
            self.playing = False
        return messages if self.busy else [*messages, self.state()]

    def _play_until(self, goal: int, start: float) -> None:
        """Play up to the goal, or until one more round would delay the frame."""
        first = self.round
        while self.round < goal:
            next_round = self.round + 1
            for slot in self.slots:
                slot.play_to(next_round)
            seconds, rounds = time.monotonic() - start, next_round - first
            if seconds * (1 + 1 / rounds) + self.snapshot_seconds > SECONDS_PER_FRAME:
                return

    def stop_here(self) -> None:
        """Make the current round the last one of every game's script."""
        for slot in self.slots:
            slot.stop_here()

    def take_snapshots(self, trained: Trained) -> list[Message]:
        """Take a snapshot of every game, and return their messages."""
        return [slot.take_snapshot(trained) | {"game": i} for i, slot in enumerate(self.slots)]

    # --- Messages to the page ---------------------------------------------------------------------

    def snapshots(self) -> list[Message]:
        """The displayed snapshot of every game."""
        return [slot.message(self.shown) | {"game": i} for i, slot in enumerate(self.slots)]

    def everything(self) -> list[Message]:
        """Boards, snapshots and state: all that the page needs to display the games."""
        return [*self._boards(), *self.snapshots(), self.state()]

    def _boards(self) -> list[Message]:
        """The empty figures of every game."""
        return [
            {
                "type": "board",
                "game": i,
                "games": len(self.slots),
                "kind": slot.kind.name,
                "data": slot.script.data,
                "points": len(getattr(getattr(slot.evaluator, "toy", None), "x", ())),
                "figures": figures_json(
                    slot.kind.name, slot.evaluator, i, self.language, self.theme
                ),
            }
            for i, slot in enumerate(self.slots)
        ]

    def state(self) -> Message:
        """Settings, weights and progress; the entry ``state`` is what the address saves."""
        return {
            "type": "state",
            "playing": self.playing,
            "busy": self.busy,
            "kind": self.slots[0].kind.name,
            "settings": [slot.game.settings.flat() for slot in self.slots],
            "weights": None
            if self.busy
            else [replay.fingerprint(slot.game) for slot in self.slots],
            "state": self._saved_state(),
        }

    def _saved_state(self) -> dict[str, Any]:
        """All that is needed to play the games again; `messages.open_page` reads it."""
        return {
            "data": self.slots[0].script.data,
            "rounds": self.slots[0].script.rounds,
            "pause_at": self.pause_at,
            "speed": self.speed,
            "games": [
                {
                    "settings": replay.options(slot.script),
                    "changes": [[at, dict(values)] for at, values in slot.script.changes],
                }
                for slot in self.slots
            ],
        }
