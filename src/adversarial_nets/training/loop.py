"""The training loop around `game.play`: logging, scoring, pictures, checkpoints, stopping."""

import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from adversarial_nets import distributed
from adversarial_nets.build import change_settings
from adversarial_nets.classes import class_count
from adversarial_nets.datasets import Dataset, sample_images
from adversarial_nets.engine.manual_support import supports
from adversarial_nets.engine.threads import ThreadTuner
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood
from adversarial_nets.evaluation.patches import SMALLEST_IMAGE, patch_distances
from adversarial_nets.game import play, sample
from adversarial_nets.layers import reference_parameter
from adversarial_nets.plots import sheets
from adversarial_nets.runs import checkpoints, files, game_state, metrics
from adversarial_nets.runs.folder import Run, cut_changes, note_changes
from adversarial_nets.runs.signals import signals
from adversarial_nets.settings import Cadence, Settings, from_json, settings_differences
from adversarial_nets.state import Game
from adversarial_nets.training.batch_statistics import measure_batch_statistics
from adversarial_nets.training.diagnostics import (
    describe_problem,
    discriminator_metrics,
    rounds_without_diversity,
    variance_ratio,
)
from adversarial_nets.training.trend import trend

__all__ = ["Callback", "TrainingSession", "TrainingSnapshot"]


@dataclass(frozen=True)
class TrainingSnapshot:
    """The argument of a callback, which is called at every row of the metrics.

    Attributes:
        row: the row as in metrics.jsonl (docs/metrics.md lists its fields). Numbers that a callback
            adds to it under new names are also written to the file.
        game: the game, with both networks.
        rounds: the round at which the training will end.
        seconds: seconds since this session began.
        started_at: the round at which this session began.
        problem: the detected problem (D too strong, G collapsed, …) in plain words, or None.
    """

    row: dict[str, Any]
    game: Game
    rounds: int
    seconds: float
    started_at: int
    problem: str | None

    def __repr__(self) -> str:
        """The round and the main numbers, without tensors."""
        numbers = ", ".join(f"{key}={self.row[key]:.3g}" for key in ("D_x", "D_G_z", "spread"))
        return f"TrainingSnapshot(round={self.row['round']} of {self.rounds}, {numbers})"


Callback = Callable[[TrainingSnapshot], None]


@dataclass
class TrainingSession:
    """One uninterrupted part of a training in a run's folder.

    Attributes:
        run: the run.
        data: its data set.
        game: the game; `play` restores it from the newest checkpoint.
        rounds: the round at which the training ends.
        cadence: how often to log, save, score and write samples.
        callbacks: called with a `TrainingSnapshot` at every row of the metrics.
        keep_all: keep every checkpoint.
        patience: stop when this many checks in a row have not improved on the best one; None:
            never.
        best: round and validation score of the best checkpoint so far, by `_quality`.
        widest: the largest `diagnostics.variance_ratio` so far.
        seconds_before: training time of earlier sessions.
        started: the time at which this session began, by `time.monotonic`.
        started_at: the round at which this session began.
        saved: the round of the checkpoint that this session wrote last.
    """

    run: Run
    data: Dataset
    game: Game
    rounds: int
    cadence: Cadence
    callbacks: tuple[Callback, ...]
    keep_all: bool = False
    patience: int | None = None
    best: dict[str, Any] | None = None
    widest: float = 0.0
    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    started_at: int = 0
    saved: int | None = None

    def play(self) -> None:
        """Train to the end, starting from the folder's newest checkpoint if there is one.

        Raises:
            Stopped: SIGINT, SIGTERM or SIGHUP was received; the run is saved.
            Diverged: a loss or weight is no longer finite.
        """
        game = self.game
        self._restore()
        if game.round > self.rounds:
            warnings.warn(
                f"{self.run.name} already has {game.round:,} rounds, more than the "
                f"{self.rounds:,} asked for; nothing was trained.",
                stacklevel=4,
            )
        if game.round == 0:
            measure_batch_statistics(game)
            self._write_samples()
        tuner = ThreadTuner.for_device(reference_parameter(game.G).device)
        with signals() as received, tuner:

            def after_round(game: Game) -> None:
                tuner.after_round()
                self._after_round()
                # If any rank received a signal, all ranks stop after this round.
                number = distributed.max_over_ranks(received[0] if received else 0)
                if number:
                    measure_batch_statistics(game)
                    self._save()
                    distributed.barrier()  # no process ends before rank 0 has saved
                    raise Stopped(number, game.round)
                tuner.before_round()

            tuner.before_round()
            while game.round < self.rounds and not self._is_stale():
                play(game, self._next_stop(), after_round)
        if game.round < self.rounds and game.round % self.cadence.samples_every:
            self._write_samples()  # the last picture of a training that ended early

    def _next_stop(self) -> int:
        """The next round after which the training may end."""
        every = self.cadence.score_every
        next_check = (self.game.round // every + 1) * every
        return self.rounds if self.patience is None else min(next_check, self.rounds)

    def _is_stale(self) -> bool:
        """Whether the last `patience` checks brought no improvement; the same on all ranks."""
        if self.patience is None:
            return False
        stale = 0
        if distributed.is_main():
            rows = metrics.read_metrics(self.run.folder)
            # A session's last round is always scored, but not in a longer session, so it is not
            # used here.
            rows = [row for row in rows if row["round"] % self.cadence.score_every == 0]
            stale = trend(rows, self.run.default_weights).stale
        return distributed.max_over_ranks(stale) >= self.patience

    def _restore(self) -> None:
        """Continue from the newest checkpoint; cut metrics.jsonl back to its round."""
        folder, game = self.run.folder, self.game
        if checkpoints.checkpoint_rounds(folder):
            required = ("best", "widest", "seconds", "tally")
            checkpoint = checkpoints.read_checkpoint(
                checkpoints.checkpoint_folder(folder), required
            )
            state = checkpoint.state
            if "settings" in state:  # a callback had changed the settings
                change_settings(game, from_json(state["settings"]))
            game_state.restore(game, checkpoint)
            self.best = checkpoints.existing_best(folder, state["best"])
            self.widest = state["widest"]
            self.seconds_before = state["seconds"]
            game.stats.rounds = state["tally"]["rounds"]
            sums = state["tally"]["sums"] if distributed.is_main() else [0.0] * 4
            game.stats.sums = torch.tensor(sums, dtype=torch.float64)
            self.started_at = game.round
        if distributed.is_main():
            metrics.cut_metrics(folder, game.round)
            self.run = cut_changes(self.run, game.round)

    def _after_round(self) -> None:
        """Log, score, write samples and save if they are due."""
        last = self.game.round == self.rounds
        c = self.cadence
        log, save, score, samples = (
            last or self.game.round % every == 0
            for every in (c.log_every, c.save_every, c.score_every, c.samples_every)
        )
        score = score and self.data.held_out
        if samples or score or save:
            measure_batch_statistics(self.game)
        if samples:
            self._write_samples()
        if log or score:  # after the picture, which callbacks may use
            self._log(score)
        if save or score:
            self._save()

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _log(self, score: bool = False) -> None:
        """Write one row of metrics over the rounds since the last, and call the callbacks."""
        game = self.game
        distributed.all_reduce_sum([game.stats.sums])
        row: dict[str, Any] = {
            "round": game.round,
            "epoch": round(game.images / len(self.data.train), 4),
            **game.stats.means(),
            "lr": game.lr,
            "momentum": game.momentum,
            "spread": variance_ratio(game, self.data),
            "seconds": round(self.seconds_before + self._seconds(), 3),
        }
        if game.settings.ada_target:
            row["augment"] = game.ada.probability
        if not all(map(math.isfinite, row.values())):
            raise Diverged(
                f"Training diverged between rounds {game.round - game.stats.rounds + 1} and "
                f"{game.round}: a loss is no longer finite. {self._what_is_saved()}",
                self._lr_to_reduce(),
            )
        game.stats.rounds = 0
        game.stats.sums.zero_()
        if score:
            row |= {"scores": self._score(), **discriminator_metrics(game, self.data)}
        self.widest = max(self.widest, row["spread"])
        if not distributed.is_main():
            return
        self._call_callbacks(row)
        metrics.append_metrics(self.run.folder, row)

    def _call_callbacks(self, row: dict[str, Any]) -> None:
        """Call the callbacks, which may add numbers to the row, and record their changes."""
        game, shown = self.game, dict(row)
        problem = describe_problem(
            row | {"objective": game.settings.objective},
            self.widest,
            rounds_without_diversity(game.settings, self.run.own_nets),
        )
        snapshot = TrainingSnapshot(
            shown, game, self.rounds, self._seconds(), self.started_at, problem
        )
        before = game.settings, _numbers_of_optimisers(game)
        for callback in self.callbacks:
            callback(snapshot)
        # In the order of addition, because the order of a set differs between identical runs.
        added = [name for name in shown if name not in row]
        row |= {name: _own_number(name, shown[name]) for name in added}
        self._note_changes(*before)

    def _note_changes(self, settings: Settings, of_optimisers: Mapping[str, list[Any]]) -> None:
        """Record the changes by callbacks, given the settings and numbers before them."""
        game = self.game
        changed = settings_differences(settings, game.settings)
        numbers = _changed_numbers(of_optimisers, _numbers_of_optimisers(game))
        # A callback may have frozen parameters or added hooks.
        game.manual_backprop = game.manual_backprop and supports(game)
        if distributed.world_size() > 1 and (changed or numbers):
            raise UserError(
                "A callback changed the game, but with several processes only the main one calls "
                "it, so their networks would differ. Train in one process."
            )
        if game.optimiser_lr != "own" and numbers.keys() & _SCHEDULED:
            numbers = {name: values for name, values in numbers.items() if name not in _SCHEDULED}
            warnings.warn(
                "A callback changed the learning rate or momentum of an optimiser, which the "
                "settings' schedule sets again in each round. Change the settings with "
                "build.change_settings, or pass your own optimiser.",
                stacklevel=2,
            )
        noted = self.run.info.get("changed_during_training", [])
        known = {name for change in noted for name in change["settings"]}
        if changed or numbers.keys() - known:  # a schedule of a user's optimiser is recorded once
            self.run = note_changes(self.run, changed | numbers, game.round)

    def _score(self) -> dict[str, Any]:
        """Compute validation scores of raw and averaged G on grid ``paper``; update `best`."""
        game = self.game
        valid = sample_images(self.data, "valid", 1000)
        scores = {}
        generators = {"raw": game.G} | ({"averaged": game.averaged} if game.averaged else {})
        for weights, G in generators.items():
            rows = distributed.local_rows(self.cadence.score_samples)
            samples = sample(G, game.settings, len(rows), "samples to choose by", rows.start)
            samples = samples.float().cpu()
            by_sigma = log_likelihood(valid, samples, GRIDS["paper"], shared=True).mean(1)
            i = int(by_sigma.argmax())
            scores[weights] = {"valid_nats": by_sigma[i].item(), "sigma": GRIDS["paper"][i]}
            scores[weights] |= self._patch_distances(G, valid)
        self._update_best(scores)
        return scores

    def _update_best(self, scores: dict[str, Any]) -> None:
        """Update `best`, by raw G's validation score; for a convolutional G by patch distance.

        The patch distance is that of the averaged G, if one is kept.
        """
        score: dict[str, float] = {"valid_nats": scores["raw"]["valid_nats"]}
        if "fine" in scores["raw"]:
            shown = scores.get("averaged", scores["raw"])
            score["patches"] = shown["fine"] + shown["coarse"]
        best = self.best
        # The record of an earlier version may not have the distance.
        if (
            best is None
            or "patches" in score.keys() - best.keys()
            or _quality(score) > _quality(best)
        ):
            self.best = {"round": self.game.round} | score

    def _patch_distances(self, G: nn.Module, valid: Tensor) -> dict[str, float]:
        """Distances of a convolutional G's patches to those of validation images."""
        shape, s = self.data.image_shape, self.game.settings
        if not s.G.maps or min(shape[1:]) < SMALLEST_IMAGE:
            return {}
        samples = sample(G, s, len(valid), "samples to choose by").float().cpu()
        return dataclasses.asdict(patch_distances(samples, valid, shape))

    def _write_samples(self) -> None:
        """Write a picture of samples of the averaged G, if kept, or of G, from the same noise."""
        if not distributed.is_main():
            return
        game = self.game
        G = game.averaged or game.G
        n = class_count(G)
        c = torch.arange(40) % n if n else None
        images = sample(G, game.settings, 40, "samples to watch", c=c).float().cpu()
        files.require_folder(self.run.folder)
        with files.explain_os_errors(self.run.folder):
            content = sheets.grid_png(images, self.data.image_shape, self.data.range, columns=10)
            for name in (f"round-{game.round:08d}.png", "newest.png"):
                files.write_atomically(self.run.folder / "samples" / name, content)

    def _save(self) -> None:
        """Write a checkpoint, unless this round has one or a weight is no longer finite."""
        game = self.game
        if self.saved == game.round:  # e.g. a signal was received in a round that was saved
            return
        if not all(bool(p.isfinite().all()) for n in (game.G, game.D) for p in n.parameters()):
            raise Diverged(
                f"Training diverged before round {game.round}: a weight is no longer finite. "
                f"{self._what_is_saved()}",
                self._lr_to_reduce(),
            )
        self.saved = game.round
        sums = game.stats.sums.clone()
        distributed.all_reduce_sum([sums])
        if not distributed.is_main():
            return
        state = {
            "best": self.best,
            "widest": self.widest,
            "seconds": self.seconds_before + self._seconds(),
            "tally": {"rounds": game.stats.rounds, "sums": sums.tolist()},
        }
        if game.settings != self.run.settings:
            state["settings"] = game.settings.to_json()
        game_state.save_checkpoint(self.run, game, state, self.keep_all)

    def _lr_to_reduce(self) -> float | None:
        """The setting `lr`; None if the user's own optimiser has its own learning rate."""
        return self.game.settings.lr if self.game.optimiser_lr == "settings" else None

    def _what_is_saved(self) -> str:
        """A sentence that names the newest checkpoint after a divergence."""
        rounds = checkpoints.checkpoint_rounds(self.run.folder)
        if not rounds:
            return "No checkpoint had been written yet."
        return f"The checkpoint of round {max(rounds)} is intact in {self.run.name}."


def _own_number(name: object, value: Any) -> float:  # noqa: ANN401 (what a callback gave)
    """A number that a callback added to a row of the metrics."""
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not isinstance(name, str) or not math.isfinite(number):
        raise UserError(
            f"A callback added row[{name!r}] = {value!r}; give a finite number under a text."
        )
    return number


_SCHEDULED = {f"optimiser of {n}: {what}" for n in "GD" for what in ("lr", "momentum")}
"""The values of optimisers that `schedules.set_learning_rates` sets in each round."""


def _numbers_of_optimisers(game: Game) -> dict[str, list[Any]]:
    """The learning rates, betas … of each optimiser by name: a list with one for each group."""
    found: dict[str, list[Any]] = {}
    for network, optimiser in (("G", game.optimiser_G), ("D", game.optimiser_D)):
        for group in optimiser.param_groups:
            for name, value in game_state.numbers_of(group).items():
                found.setdefault(f"optimiser of {network}: {name}", []).append(value)
    return found


def _changed_numbers(
    old: Mapping[str, list[Any]], new: Mapping[str, list[Any]]
) -> dict[str, tuple[Any, Any]]:
    """The values that differ; a single value if all groups of an optimiser have the same value."""

    def in_short(values: list[Any] | None) -> object:
        return values[0] if values and all(v == values[0] for v in values) else values

    return {
        name: (in_short(old.get(name)), in_short(new.get(name)))
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
    }


def _quality(score: dict[str, Any]) -> float:
    """A number that is larger for a better generator."""
    return -score["patches"] if "patches" in score else score["valid_nats"]
