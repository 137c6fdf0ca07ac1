"""The games of one open browser page: play them, and make the messages that display them.

This module does not use the network. `messages` handles the requests of a page; `server` sends and
receives the messages.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adversarial_nets import replay
from adversarial_nets.errors import Diverged
from adversarial_nets.playground import limits, remembered
from adversarial_nets.playground.boards import figures_json
from adversarial_nets.playground.game_slot import GameSlot, Message
from adversarial_nets.playground.latent_explorer import LatentExplorer
from adversarial_nets.playground.thumbnails import thumbnail
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.playground.words import Language
from adversarial_nets.replay import Script

__all__ = ["Session"]

SLICE_SECONDS = 0.1
"""Seconds for which rounds are played before the page's requests are handled."""
FRAME_SECONDS = 1.0
"""Longest time between two displayed frames in seconds, without the time of their evaluation."""
REPLAY_FRAME_SECONDS = 0.25
"""The same time while a game is replayed up to the round of its address."""


@dataclass
class Session:
    """One or two games, how they are played, and how the page displays them.

    Attributes:
        command_line_data: the data named on the command line; the page may ask for them too.
        explorer: the latent space of a trained run, if the command line named a run.
        page: the page's identifier, which stays the same when it is reloaded; "" if it sends none.
        slots: the one or two games.
        speed: rounds between two displayed frames.
        playing: whether the games run until paused.
        pause_at: round at which playing pauses once, because a lesson has shown its effect.
        frame: when the next displayed frame was begun, and its target round; None between frames.
        shown: index of the displayed snapshot in the history; −1 is the newest.
        language: language of the texts in the figures.
        theme: colours of the figures, ``light`` or ``dark``.
    """

    command_line_data: str
    explorer: LatentExplorer | None = None
    page: str = ""
    slots: list[GameSlot] = field(default_factory=list)
    speed: int = 5
    playing: bool = False
    pause_at: int = limits.MAX_ROUNDS
    frame: tuple[float, int] | None = None
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
        """Whether a game has not yet reached the round of the page's address."""
        return any(slot.game.round < slot.script.rounds for slot in self.slots)

    @property
    def diverged(self) -> bool:
        """Whether weights of a game are NaN or infinite; it can only be reset."""
        return any(slot.diverged for slot in self.slots)

    @property
    def busy(self) -> bool:
        """Whether there are rounds to play now."""
        return bool(self.slots) and (self.playing or self.catching_up)

    def begin(
        self, scripts: Sequence[Script], pause_at: int = limits.MAX_ROUNDS, resume: bool = False
    ) -> list[Message]:
        """Replace the games, and return the messages that display the new ones.

        Args:
            scripts: the scripts of one or two games.
            pause_at: round at which playing pauses once.
            resume: use games that continued after the last message that this page received.

        Raises:
            UserError: a game cannot be set up; the old games are kept.
        """
        self.remember()
        page = self.page if resume else None
        slots = [remembered.recall(script, page) for script in scripts]
        if len({slot.game.round for slot in slots}) > 1:  # both games are at one round
            slots = [GameSlot.from_script(script) for script in scripts]
        return self.show(slots, pause_at)

    def show(self, slots: list[GameSlot], pause_at: int) -> list[Message]:
        """Show these games, paused, and return the messages that display them."""
        self.slots, self.pause_at = slots, pause_at
        self.shown, self.playing, self.frame = -1, False, None
        return self.everything()

    def remember(self) -> None:
        """Keep the games in their current state for this page or others (see `remembered`)."""
        for slot in self.slots:
            remembered.remember(slot)

    def leave(self) -> None:
        """Keep the games for a page that has lost its connection or is reloaded."""
        if self.page:
            remembered.leave(self.page, self.slots)
        else:
            self.remember()

    def tick(self) -> list[Message]:
        """Play rounds for `SLICE_SECONDS`; return the messages of a frame if one is due."""
        self.shown = -1
        start = time.monotonic()
        if self.frame is None:
            pause = self.pause_at if self.round < self.pause_at else limits.MAX_ROUNDS
            ahead = min(self.round + self.speed, pause)
            self.frame = start, self.slots[0].script.rounds if self.catching_up else ahead
        begun, goal = self.frame
        replaying = self.catching_up
        self._play_until(goal, start + SLICE_SECONDS)
        longest = REPLAY_FRAME_SECONDS if replaying else FRAME_SECONDS
        if self.round < goal and time.monotonic() - begun < longest:
            return []
        try:
            messages = self.finish_frame()
        except Diverged:
            self.playing = False
            self.stop_here()
            return [RequestError("diverged").to_message(), self.state()]
        if replaying and not self.catching_up:
            self.remember()
        if self.round == self.pause_at == goal or self.round >= limits.MAX_ROUNDS:
            self.playing = False
        return messages if self.busy else [*messages, self.state()]

    def _play_until(self, goal: int, end: float) -> None:
        """Play up to the target round of the frame, or until a time."""
        while self.round < goal:
            next_round = self.round + 1
            for slot in self.slots:
                slot.play_to(next_round)
            if time.monotonic() > end:
                return

    def finish_frame(self) -> list[Message]:
        """Take a snapshot of the rounds played since the last frame, if there are any.

        Raises:
            Diverged: weights are NaN or infinite.
        """
        self.frame = None
        if not self.slots or self.diverged or self.slots[0].entry(-1).snapshot.round == self.round:
            return []
        messages = [slot.take_snapshot("both") | {"game": i} for i, slot in enumerate(self.slots)]
        if not self.catching_up:
            self.stop_here()
        return messages

    def stop_here(self) -> None:
        """Make the current round the last one of every game's script."""
        for slot in self.slots:
            slot.stop_here()

    # --- Messages to the page ---------------------------------------------------------------------

    def snapshots(self) -> list[Message]:
        """The displayed snapshot of every game."""
        return [slot.message(self.shown) | {"game": i} for i, slot in enumerate(self.slots)]

    def everything(self) -> list[Message]:
        """The messages with boards, snapshots and state: everything that the page displays."""
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
                "thumbnail": thumbnail(slot.script.data),
                "classes": list(getattr(slot.game.data, "class_names", ())),
                "points": len(getattr(getattr(slot.evaluator, "toy", None), "x", ())),
                "figures": figures_json(
                    slot.kind.name, slot.evaluator, i, self.language, self.theme
                ),
            }
            for i, slot in enumerate(self.slots)
        ]

    def state(self) -> Message:
        """Settings, weights and progress; the address stores the entry ``state``."""
        return {
            "type": "state",
            "playing": self.playing,
            "busy": self.busy,
            "kind": self.slots[0].kind.name,
            "settings": [slot.game.settings.flat() for slot in self.slots],
            "weights": None
            if self.busy
            else [replay.fingerprint_of_weights(slot.game) for slot in self.slots],
            "state": self._saved_state(),
        }

    def _saved_state(self) -> dict[str, Any]:
        """The entry ``state``, from which `messages.open_page` replays the games."""
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
