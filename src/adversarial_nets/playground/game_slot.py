"""One game of the playground with its history of snapshots.

A page shows one game, or two side by side; each has its own `GameSlot`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from adversarial_nets import replay
from adversarial_nets.playground import limits
from adversarial_nets.playground.boards import BOARDS
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.replay import Evaluator, Kind, Script, Snapshot
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.toys.measures import Metric, oscillates
from adversarial_nets.training.diagnostics import Problem, find_problem

__all__ = ["GameSlot", "HistoryEntry", "Message", "Trained"]

Message = dict[str, Any]
"""A message to the page, or a part of one."""

Trained = Literal["both", "D", "G"]
"""The networks that the last round updated."""


class HistoryEntry(NamedTuple):
    """The state of a game at one round, as the history keeps it.

    Attributes:
        snapshot: the snapshot, without arrays that the board does not show.
        metrics: the metrics of the snapshot.
        details: what else the page displays: settings, minibatch means, diagnosis.
    """

    snapshot: Snapshot
    metrics: dict[str, Metric]
    details: Message


@dataclass
class GameSlot:
    """One game, its evaluator and its history.

    Attributes:
        script: how to play the game again. Its `rounds` are the round up to which the game shall
            be played; its `changes` are all changes so far.
        kind: the kind of game: on the line, in the plane, or on images.
        game: the game in its current state.
        evaluator: computes snapshots and metrics.
        history: snapshots over the whole game, thinned to at most `limits.MAX_HISTORY`.
        keep_every: one of this many snapshots is kept in the history.
        snapshots: number of snapshots taken.
        max_spread: largest spread of the samples so far.
    """

    script: Script
    kind: Kind
    game: Game
    evaluator: Evaluator
    history: list[HistoryEntry] = field(default_factory=list)
    keep_every: int = 1
    snapshots: int = 0
    max_spread: float = 0.0

    @classmethod
    def from_script(cls, script: Script) -> "GameSlot":
        """Set up the script's game at round 0 and take the first snapshot."""
        evaluator = replay.evaluator_for(script.data, script.settings)
        slot = cls(script, replay.kind_of(script.data), replay.new_game(script), evaluator)
        slot.take_snapshot("both")
        return slot

    # --- Playing ----------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The game's current settings, with both networks trained."""
        return replace(self.game.settings, train_only=None)

    def play_to(self, round: int) -> None:
        """Play up to a round, applying the script's changes on the way."""
        replay.play_script(replace(self.script, rounds=round), self.game)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change settings from the current round on; later changes in the script are dropped.

        Raises:
            RequestError: the game has been changed too often.
        """
        now = self.game.round
        earlier = [change for change in self.script.changes if change[0] < now]
        same_round = [change[1] for change in self.script.changes if change[0] == now]
        merged = {**(same_round[0] if same_round else {}), **changes}
        if len(earlier) >= limits.MAX_CHANGES:
            raise RequestError("too many changes", most=limits.MAX_CHANGES)
        self.script = replace(self.script, changes=(*earlier, (now, merged)))
        self.play_to(now)

    def stop_here(self) -> None:
        """Make the current round the script's last one."""
        self.script = replace(self.script, rounds=self.game.round)

    # --- Snapshots --------------------------------------------------------------------------------

    def take_snapshot(self, trained: Trained) -> Message:
        """Evaluate the game in its current state, add it to the history, and return the message.

        Args:
            trained: the networks that were updated since the last snapshot.

        Raises:
            Diverged: weights are NaN or infinite.
        """
        # A changed batch size, prior or z_size needs another evaluator (which is cached).
        self.evaluator = replay.evaluator_for(self.script.data, self.game.settings)
        snapshot = self.kind.take_snapshot(self.game, self.evaluator)
        metrics = self.kind.metrics(self.evaluator, snapshot)
        details = self._details(trained, snapshot, metrics)
        self._add(HistoryEntry(BOARDS[self.kind.name].for_history(snapshot), metrics, details))
        return self.message(-1)

    def _details(self, trained: Trained, snapshot: Snapshot, metrics: dict[str, Metric]) -> Message:
        """What the page displays besides the snapshot and its metrics."""
        board, s = BOARDS[self.kind.name], self.game.settings
        means = self._minibatch_means()
        center, spread = board.center_and_spread(self.evaluator, snapshot)
        return {
            "trained": trained,
            "k": s.k,
            "m": s.batch,
            "objective": s.objective,
            "center": center,
            "problem": self._diagnose(center, spread, metrics, means),
            "D_x": means["D_x"],
            "D_G_z": means["D_G_z"],
            "V_before": self.history[-1].metrics["V"].value if self.history else None,
            **board.gradient_arrows(self.evaluator, snapshot, self.game),
        }

    def _minibatch_means(self) -> Mapping[str, float]:
        """D(x) and D(G(z)), averaged over the minibatches since the last snapshot; resets them."""
        stats = self.game.stats
        means = stats.means() if stats.rounds else {"D_x": 0.5, "D_G_z": 0.5}
        stats.rounds = 0
        stats.sums.zero_()
        return means

    def _diagnose(
        self,
        center: list[float],
        spread: float,
        metrics: dict[str, Metric],
        means: Mapping[str, float],
    ) -> Problem | Literal["early"] | None:
        """The name of the problem that was detected in the game, or None."""
        self.max_spread = max(self.max_spread, spread)
        # Use the history and not the latest snapshots: the time between those depends on the
        # machine's speed.
        path = [*(entry.details["center"] for entry in self.history), center]
        row = {
            "D_x": means["D_x"],
            "D_G_z": means["D_G_z"],
            "spread": spread,
            "round": self.game.round,
            "objective": self.game.settings.objective,
            "oscillating": oscillates(np.array(path)),
        }
        # On images G starts with samples of one class, which is not a collapse.
        if "modes hit" in metrics and (self.kind.name != "images" or self.max_spread > 0.3):
            row["modes"] = metrics["modes hit"].value / metrics["modes hit"].perfect
        early = self.kind.name == "images" and self.max_spread < 0.1
        return find_problem(row, self.max_spread) or ("early" if early else None)

    def _add(self, entry: HistoryEntry) -> None:
        """Add an entry to the history, and thin the history when it is full."""
        if self.snapshots % self.keep_every == 0 or not self.history:
            self.history.append(entry)
        else:
            self.history[-1] = entry  # the newest snapshot is always in the history
        self.snapshots += 1
        if len(self.history) > limits.MAX_HISTORY:
            self.history, self.keep_every = self.history[::2], self.keep_every * 2

    # --- Messages ---------------------------------------------------------------------------------

    def entry(self, index: int) -> HistoryEntry:
        """The history entry of that index; −1 is the newest, as is an index after the end."""
        return self.history[min(index, len(self.history) - 1)]

    def message(self, index: int) -> Message:
        """What the page displays of one history entry."""
        index = range(len(self.history))[min(index, len(self.history) - 1)]
        snapshot, metrics, details = self.history[index]
        return {
            "type": "snapshot",
            "round": snapshot.round,
            "index": index,
            "snapshots": len(self.history),
            "metrics": {name: [_finite(v) for v in metric] for name, metric in metrics.items()},
            **details,
            **BOARDS[self.kind.name].columns(self.evaluator, snapshot),
            "curve": self._curve(),
        }

    def _curve(self) -> Message:
        """Each metric over the history, by name, and the rounds."""
        names = self.history[0].metrics
        return {
            "round": [entry.snapshot.round for entry in self.history],
            **{name: [_finite(e.metrics[name].value) for e in self.history] for name in names},
        }


def _finite(value: float) -> float | None:
    """The value for JSON, which has no infinity; the page displays None as ∞."""
    return float(value) if math.isfinite(value) else None
