"""One game of the playground with its history of snapshots.

A page shows one game, or two side by side; each has its own `GameSlot`.
"""

import copy
import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from adversarial_nets import replay
from adversarial_nets.playground import half_steps, limits
from adversarial_nets.playground.boards import BOARDS
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.replay import Evaluator, Kind, Script, Snapshot
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game, Noise
from adversarial_nets.theory.divergences import LOG4
from adversarial_nets.toys import optimum
from adversarial_nets.toys.measures import Metric, approaches, oscillates, rises
from adversarial_nets.training.diagnostics import find_problem

__all__ = ["GameSlot", "HistoryEntry", "Message", "Trained"]

DIVERGING_V = -10.0
"""V in nats below which the game diverges: D(x) is e⁻¹⁰ on average."""
DIVERGING_SPREAD = 20.0
"""Spread of the samples, in units of the data's spread, above which the game diverges."""
SWING_JSD = 0.1
"""Smallest rise of JSD, in nats, that counts in the detection of oscillation."""
STUCK_JSD = 0.1
"""JSD above a perfect generator's, in nats, above which a game without progress is stuck."""
STUCK_V = 1 - 0.25 / LOG4
"""Ratio of V to its value for a perfect G below which D is strong; both are negative."""
STUCK_ROUNDS = 100
"""Rounds before which a game is not reported as stuck."""
MIN_SNAPSHOTS = 24
"""Minimum number of snapshots for the diagnosis that a game is stuck."""

Message = dict[str, Any]
"""A message to the page, or a part of one."""

Trained = Literal["both", "D", "G"]
"""The networks that the last round updated."""


class HistoryEntry(NamedTuple):
    """One entry of a game's history: its state at one round.

    Attributes:
        snapshot: the snapshot, without arrays that the board does not show.
        metrics: the metrics of the snapshot.
        details: other values that the page displays: settings, minibatch means, diagnosis.
    """

    snapshot: Snapshot
    metrics: dict[str, Metric]
    details: Message


@dataclass
class GameSlot:
    """One game, its evaluator and its history.

    Attributes:
        script: how to replay the game. Its `rounds` are the target round of the game; its `changes`
            are all changes so far.
        kind: the kind of game: on the line, in the plane, or on images.
        game: the game in its current state.
        evaluator: computes snapshots and metrics.
        history: snapshots over the whole game, thinned to at most `limits.MAX_HISTORY`.
        keep_every: one of this many snapshots is kept in the history.
        snapshots: number of snapshots taken.
        max_spread: largest spread of the samples so far.
        diverged: whether a snapshot failed because weights are NaN or infinite.
    """

    script: Script
    kind: Kind
    game: Game
    evaluator: Evaluator
    history: list[HistoryEntry] = field(default_factory=list)
    keep_every: int = 1
    snapshots: int = 0
    max_spread: float = 0.0
    diverged: bool = False

    @classmethod
    def from_script(cls, script: Script) -> "GameSlot":
        """Set up the script's game at round 0 and take the first snapshot."""
        evaluator = replay.evaluator_for(script.data, script.settings)
        slot = cls(script, replay.kind_of(script.data), replay.new_game(script), evaluator)
        slot.take_snapshot("both")
        return slot

    def copy(self) -> "GameSlot":
        """The same game in the same state, to be played independently."""
        game = copy.deepcopy(self.game, {id(self.game.data): self.game.data})
        return replace(self, game=game, history=list(self.history))

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

    def step(self, trained: Trained) -> Message:
        """Play one round that trains both networks or one, and return the message of its snapshot.

        Raises:
            Diverged: weights are NaN or infinite.
            RequestError: the game has been changed too often.
        """
        now = self.game.round
        self.play_to(now)  # applies a change that begins in this round
        if trained == "both" and half_steps.only_trains_G(self.game):
            trained = "G"
        minibatch = half_steps.coming_minibatch(self.game)
        z = minibatch.z_G if trained == "G" else minibatch.z_D
        before = half_steps.measure(self.game, minibatch.x, z)
        if trained != "both":
            self.change({"train_only": trained})
        self.play_to(now + 1)
        if trained != "both":
            self.change({"train_only": None})
        self.stop_here()
        after = half_steps.measure(self.game, minibatch.x, z)
        return self.take_snapshot(trained, V_minibatch=[before["V"], after["V"]])

    def step_slowly(self) -> list[Message]:
        """Play one round; return the values to show at each line of Algorithm 1, in order.

        Raises:
            Diverged: weights are NaN or infinite.
        """
        game = self.game
        self.play_to(game.round)
        only_G, simultaneous = half_steps.only_trains_G(game), half_steps.is_simultaneous(game)
        x, z_D, z_G = half_steps.coming_minibatch(game)
        stages, half = ([], game) if only_G else self._stages_of_D(x, z_D)
        # The game with the D of G's update: the updated D, or the old D in a simultaneous update.
        at_G_update = copy.copy(half)
        at_G_update.D = copy.deepcopy(game.D) if simultaneous else half.D
        before_G = half_steps.measure(at_G_update, x, z_G)
        self.play_to(game.round + 1)
        self.stop_here()
        if not simultaneous:  # in a simultaneous update, G's samples are those of D's update
            stages.append({"line": "noise G", "numbers": before_G})
        of_G = {"numbers": half_steps.measure(at_G_update, x, z_G), "before": before_G}
        snapshot = self.take_snapshot("G" if only_G else "both")
        return [*stages, {"line": "G", **of_G, "snapshot": snapshot}]

    def _stages_of_D(self, x: np.ndarray, z: Noise) -> tuple[list[Message], Game]:
        """The values to show for D's part of the next round, and the game after D's part."""
        board, half = BOARDS[self.kind.name], half_steps.after_D(self.game)
        before, after = (half_steps.measure(game, x, z) for game in (self.game, half))
        snapshot = self.kind.take_snapshot(half, self.evaluator)
        shown = board.columns(self.evaluator, snapshot)
        shown |= board.gradient_arrows(self.evaluator, snapshot, half)
        stages: list[Message] = [
            {"line": "noise D", "numbers": before},
            {"line": "data", "numbers": before},
            {"line": "D", "numbers": after, "before": before, "board": shown},
        ]
        return stages, half

    def stop_here(self) -> None:
        """Make the current round the script's last one, and drop later changes."""
        now = self.game.round
        changes = tuple(change for change in self.script.changes if change[0] <= now)
        self.script = replace(self.script, rounds=now, changes=changes)

    # --- Snapshots --------------------------------------------------------------------------------

    def take_snapshot(self, trained: Trained, **more: object) -> Message:
        """Evaluate the game in its current state, add it to the history, and return the message.

        Args:
            trained: the networks that were updated since the last snapshot.
            more: other entries of the message.

        Raises:
            Diverged: weights are NaN or infinite.
        """
        # A changed batch size, prior or z_size needs another evaluator (which is cached).
        self.evaluator = replay.evaluator_for(self.script.data, self.game.settings)
        self.diverged = True
        snapshot = self.kind.take_snapshot(self.game, self.evaluator)
        self.diverged = False
        metrics = self.kind.metrics(self.evaluator, snapshot)
        details = self._details(trained, snapshot, metrics) | more
        self._add(HistoryEntry(BOARDS[self.kind.name].for_history(snapshot), metrics, details))
        return self.message(-1)

    def _details(self, trained: Trained, snapshot: Snapshot, metrics: dict[str, Metric]) -> Message:
        """The values that the page displays in addition to the snapshot and its metrics."""
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
            "V_before": self._curve_of("V", s.objective)[-1] if self.history else None,
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
    ) -> str | None:
        """The name of the problem that was detected in the game, or None."""
        self.max_spread = max(self.max_spread, spread)
        if metrics["V"].value < DIVERGING_V or spread > DIVERGING_SPREAD:
            return "diverging"
        # Use the history and not the latest snapshots: the time between those depends on the
        # machine's speed.
        path = [*(entry.details["center"] for entry in self.history), center]
        found = [*(entry.metrics for entry in self.history), metrics] if "JSD" in metrics else []
        excess = np.array([each["JSD"].value - (each["JSD"].perfect or 0) for each in found])
        V = np.array([each["V"].value for each in found])
        # A game whose JSD decreases has no problem, even if its samples move back and forth.
        swings = not found or rises(excess[len(excess) // 4 :], SWING_JSD) >= 2
        row = {
            "D_x": means["D_x"],
            "D_G_z": means["D_G_z"],
            "spread": spread,
            "round": self.game.round,
            "objective": self.game.settings.objective,
            "oscillating": swings and oscillates(np.array(path)),
        }
        # On images G starts with samples of one class, which is not a collapse.
        if "modes hit" in metrics and (self.kind.name != "images" or self.max_spread > 0.3):
            row["modes"] = metrics["modes hit"].value / (metrics["modes hit"].perfect or 1)
        early = self.kind.name == "images" and self.max_spread < 0.1
        return (
            find_problem(row, self.max_spread)
            or ("early" if early else None)
            or ("stuck" if self._is_stuck(excess, V) else None)
        )

    def _is_stuck(self, excess: np.ndarray, V: np.ndarray) -> bool:
        """Whether D stays strong and JSD stays large without decreasing."""
        if len(excess) < MIN_SNAPSHOTS or self.game.round < STUCK_ROUNDS or approaches(excess):
            return False
        half, perfect = len(excess) // 2, optimum.V_of_perfect_G(self.game.settings.objective)
        if perfect is None:
            return False
        strong = np.median(V[half:]) > STUCK_V * perfect
        return bool(np.median(excess[half:]) > STUCK_JSD and strong)

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

    def index_of(self, round: int) -> int:
        """The index of the history entry nearest to that round."""
        rounds = [entry.snapshot.round for entry in self.history]
        return min(range(len(rounds)), key=lambda i: abs(rounds[i] - round))

    def entry(self, index: int) -> HistoryEntry:
        """The history entry at an index; −1, or an index after the end, is the newest."""
        return self.history[min(index, len(self.history) - 1)]

    def message(self, index: int) -> Message:
        """The message that displays one history entry."""
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
            "curve": {
                "round": [entry.snapshot.round for entry in self.history],
                **{name: self._curve_of(name, snapshot.objective) for name in metrics},
            },
        }

    def _curve_of(self, name: str, objective: str) -> list[float | None]:
        """One metric over the history; None if it does not exist or the objective was another."""
        return [
            _finite(entry.metrics[name].value)
            if name in entry.metrics
            and (name not in _OF_V or optimum.same_V(entry.snapshot.objective, objective))
            else None
            for entry in self.history
        ]

    def metrics_csv(self) -> bytes:
        """A table of each metric over the history, with its values for a perfect generator.

        A cell is empty if the metric does not exist for the objective.
        """
        file = io.StringIO()
        names = list({name: None for entry in self.history for name in entry.metrics})
        writer = csv.writer(file)
        writer.writerow(["round", *(f"{name}{end}" for name in names for end in ("", ", perfect"))])
        for entry in self.history:
            numbers = (v for name in names for v in entry.metrics.get(name, Metric(math.nan, None)))
            values = ("" if v is None or math.isnan(v) else repr(v) for v in numbers)
            writer.writerow([entry.snapshot.round, *values])
        return file.getvalue().encode()


_OF_V = ("V", "C", "distance")
"""Metrics whose meaning depends on the objective."""


def _finite(value: float | None) -> float | None:
    """The value for JSON, which has no infinity; the page displays None as ∞."""
    return float(value) if value is not None and math.isfinite(value) else None
