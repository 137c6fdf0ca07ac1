"""Resumable fitting: a loop over updates that saves checkpoints and continues from the newest."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adversarial_nets.engine.threads import ThreadTuner
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.runs import checkpoints, metrics
from adversarial_nets.runs.signals import signals

__all__ = ["FitSession", "FitSteps", "Tensors", "copy_tensors"]

Tensors = Mapping[str, Tensor]


@dataclass
class FitSession:
    """The folder of a fit, how often it is saved and scored, and the callback for its progress.

    Without a folder nothing is saved. With one, the fit continues from the folder's newest
    checkpoint, and Ctrl-C saves before it stops.

    Attributes:
        folder: the run's folder, with the layout of `adversarial_nets.runs`.
        save_every: updates between checkpoints.
        score_every: updates between validation scores; 0 for none.
        validation_score: maps the model to its validation score in nats.
        callback: called with (updates done, updates in total, mean loss since the last call).
        best: the best validation score and its update, once there is one.
        seconds: processor time of all updates, without validation scores and checkpoints.
        losses: losses since the last row of the metrics.
    """

    folder: Path | None = None
    save_every: int = 500
    score_every: int = 0
    validation_score: Callable[[Any], float] | None = None
    callback: Callable[[int, int, float], None] | None = None
    best: dict[str, Any] | None = None
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse scores without a function that computes them."""
        if self.score_every > 0 and self.validation_score is None:
            raise ValueError(
                "score_every is above 0, but there is no validation_score; pass one to FitSession."
            )

    def steps(
        self, total: int, model: object, parameters: Tensors, optimiser_state: Tensors
    ) -> "FitSteps":
        """Return the remaining updates of a fit.

        Args:
            total: updates of the whole fit.
            model: the model being fitted, for `validation_score`. If it is a `torch.nn.Module`,
                all tensors of its `state_dict` are saved and restored, buffers too.
            parameters: the model's tensors, by their names in its `state_dict`; filled in place
                from the checkpoint.
            optimiser_state: all other tensors that an update changes (Adam's moments, momentum,
                persistent chains); filled in place too.
        """
        return FitSteps(self, total, model, parameters, optimiser_state)


@dataclass
class FitSteps:
    """The updates of a fit, starting from the newest checkpoint of its folder.

    `FitSession.steps` describes the attributes; `done` is the number of updates made so far, called
    ``round`` in the files.
    """

    session: FitSession
    total: int
    model: object
    parameters: Tensors
    optimiser_state: Tensors
    done: int = 0

    def __post_init__(self) -> None:
        """Restore the newest checkpoint, if there is one."""
        session, folder = self.session, self.session.folder
        if folder is None or not checkpoints.checkpoint_rounds(folder):
            return
        checkpoints.clear_leftovers(folder)
        newest = checkpoints.checkpoint_folder(folder)
        checkpoint = checkpoints.read_checkpoint(newest, ("best", "seconds", "losses"))
        for saved, tensors in (
            (checkpoint.nets, self._tensors()),
            (checkpoint.optimisers, self.optimiser_state),
        ):
            _check_names_and_shapes(saved, tensors, newest, folder)
            copy_tensors(saved, tensors)
        session.best = checkpoints.existing_best(folder, checkpoint.state["best"])
        session.seconds, session.losses = (checkpoint.state[name] for name in ("seconds", "losses"))
        self.done = checkpoint.round
        metrics.cut_metrics(folder, self.done)

    def until(
        self, last: int, trained: Tensors | None = None
    ) -> Iterator[tuple[int, Callable[[float], None]]]:
        """Loop over the updates up to number `last`.

        A fit of several phases calls this once for each phase. Validation scores are computed only
        in the last phase, because the model is incomplete before.

        Args:
            last: number of the update at which the loop ends.
            trained: tensors that require gradients during this loop.

        Yields:
            The number of the update, from 0, and a function to call with its loss.

        Raises:
            Stopped: SIGINT, SIGTERM or SIGHUP was received; the update was finished and saved.
            Diverged: a loss or a parameter is not finite.
        """
        tuner = ThreadTuner.for_device(torch.device("cpu"))
        with signals() as received, _requires_grad(trained or {}), tuner:
            while self.done < min(last, self.total):
                started = time.process_time()
                tuner.before_round()
                yield self.done, self.session.losses.append
                tuner.after_round()
                self.session.seconds += time.process_time() - started
                self.done += 1
                # Read once: a signal that arrives from here on stops after the next update.
                stop = bool(received)
                self._after_update(stop, last)
                if stop:
                    raise Stopped(received[0], self.done, self.session.folder is not None)

    def _after_update(self, stop: bool, last: int) -> None:
        """Score, save and report progress, if one of these is due after this update."""
        session = self.session
        finished = self.done == last
        score_due = self._score_due(last)
        # The rows of the metrics do not depend on where the fit was interrupted.
        row_due = score_due or finished or self.done % session.save_every == 0
        if not (row_due or stop):
            return
        loss = sum(session.losses) / max(len(session.losses), 1)
        self._check_finite(loss)
        if row_due:
            row: dict[str, Any] = {"round": self.done, "loss": loss}
            row["seconds"] = round(session.seconds, 3)
            if score_due:
                row["valid_nats"] = self._score()
            session.losses = []
            if session.folder is not None:
                metrics.append_metrics(session.folder, row)
        if session.folder is not None:
            self._save(session.folder)
        if session.callback:
            session.callback(self.done, self.total, loss)

    def _score_due(self, last: int) -> bool:
        """Whether to compute a validation score now; only in the last phase, and at its end."""
        if last < self.total or self.session.score_every <= 0:
            return False
        return self.done == last or self.done % self.session.score_every == 0

    def _tensors(self) -> dict[str, Tensor]:
        """Return the parameters and, of a `torch.nn.Module`, all tensors of its `state_dict`."""
        tensors = dict(self.parameters)
        if isinstance(self.model, torch.nn.Module):  # read at each call: a buffer may be reassigned
            tensors |= {k: x for k, x in self.model.state_dict().items() if isinstance(x, Tensor)}
        return tensors

    def _check_finite(self, loss: float) -> None:
        parameters_are_finite = all(bool(x.isfinite().all()) for x in self.parameters.values())
        if not (parameters_are_finite and math.isfinite(loss)):
            raise Diverged(
                f"The fit diverged before update {self.done}: a loss or a parameter is NaN or "
                "infinite. Try a smaller learning rate."
            )

    def _score(self) -> float:
        """Return the model's validation score, and remember it if it is the best."""
        session = self.session
        assert session.validation_score is not None  # checked by FitSession
        nats = session.validation_score(self.model)
        if session.best is None or nats > session.best["valid_nats"]:
            session.best = {"round": self.done, "valid_nats": nats}
        return nats

    def _save(self, folder: Path) -> None:
        session = self.session
        state = {"best": session.best, "seconds": session.seconds, "losses": session.losses}
        # Safetensors refuses tensors that share memory, e.g. tied weights; copies do not.
        nets = {name: x.detach().clone() for name, x in self._tensors().items()}
        checkpoints.write_checkpoint(
            folder, checkpoints.Checkpoint(self.done, nets, self.optimiser_state, state)
        )


@contextmanager
def _requires_grad(parameters: Tensors) -> Iterator[None]:
    """Let tensors require gradients inside the block."""
    try:
        for tensor in parameters.values():
            tensor.requires_grad_()
        yield
    finally:
        for tensor in parameters.values():
            tensor.requires_grad_(False)


def _check_names_and_shapes(
    saved: Tensors, tensors: Tensors, checkpoint: Path, folder: Path
) -> None:
    """Refuse a checkpoint that lacks a tensor of the model, or has it in another shape."""
    wrong = [k for k, x in tensors.items() if k not in saved or saved[k].shape != x.shape]
    if wrong:
        raise UserError(
            f"The checkpoint {checkpoint} lacks {', '.join(wrong)}, or has another shape for it, "
            "so it was saved by other code. It must have every tensor of the model. Delete "
            f"{folder} to fit the model again."
        )


@torch.no_grad()
def copy_tensors(source: Tensors, target: Tensors) -> None:
    """Copy values into the tensors of the same names, in place."""
    for name, tensor in target.items():
        tensor.copy_(source[name])
