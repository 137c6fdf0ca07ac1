"""Fitting a baseline: resumable training loop, Adam, minibatches."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adam import adam as functional_adam

from adversarial_nets.datasets import Dataset, fingerprint
from adversarial_nets.datasets.dataset import shuffled_indices
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.random import Address
from adversarial_nets.runs import checkpoints, files, metrics
from adversarial_nets.runs.provenance import made_with
from adversarial_nets.runs.signals import signals

__all__ = [
    "FitSession",
    "Tensors",
    "adam",
    "adam_state",
    "begin",
    "descend",
    "minibatch",
]

Tensors = Mapping[str, Tensor]
Betas = tuple[float, float]
T = TypeVar("T")


@dataclass
class FitSession:
    """One sitting of a fitting: where it is kept, how often, and who watches.

    Without a folder nothing is kept, and the fitting simply runs from its first update to its
    last. With one, it continues from the folder's newest checkpoint; Ctrl-C saves first.

    Attributes:
        folder: the run's folder, laid out as `runs` describes it.
        save: updates between checkpoints.
        score: updates between scores; 0 for none.
        scored: gives the validation score in nats of the model as it stands.
        watch: called with (update, of how many, mean loss since the last call).
        best: the best score and its round, once there is one.
        seconds: processor time of the updates so far, scores and checkpoints left out.
    """

    folder: Path | None = None
    save: int = 500
    score: int = 0
    scored: Callable[[Any], float] | None = None
    watch: Callable[[int, int, float], None] | None = None
    best: dict[str, Any] | None = None
    seconds: float = 0.0
    _losses: list[float] = field(default_factory=list)

    def steps(self, total: int, model: object, tensors: Tensors, rest: Tensors) -> "FitSteps":
        """The updates still to be made of `total`, for a loop.

        Args:
            total: how many updates the whole fitting has.
            model: the model being fitted, for `scored`.
            tensors: what it is made of; filled in place from the checkpoint.
            rest: what else an update changes: momenta, persistent chains.
        """
        return FitSteps(self, total, model, tensors, rest)


@dataclass
class FitSteps:
    """The updates of a fitting, from wherever its folder's newest checkpoint is."""

    session: FitSession
    total: int
    model: object
    tensors: Tensors
    rest: Tensors
    next: int = 0

    def __post_init__(self) -> None:
        """Put every tensor where the newest checkpoint left it."""
        s = self.session
        if s.folder is None or not checkpoints.checkpoint_rounds(s.folder):
            return
        checkpoints.clear_leftovers(s.folder)
        needs = ("best", "seconds", "losses")
        checkpoint = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(s.folder), needs)
        fill(self.tensors, checkpoint.nets)
        fill(self.rest, checkpoint.optimisers)
        s.best, s.seconds = checkpoint.state["best"], checkpoint.state["seconds"]
        s._losses = checkpoint.state["losses"]
        self.next = checkpoint.round
        metrics.cut_metrics(s.folder, self.next)

    def upto(
        self, last: int, learning: Tensors | None = None
    ) -> Iterator[tuple[int, Callable[[float], None]]]:
        """Yield each update's number up to `last`, with a function to call with its loss.

        The model is scored only where `last` is the very last: before, it is not a whole one yet.

        Args:
            last: where to stop.
            learning: what autograd shall differentiate by in these updates, and only in them.
        """
        with signals() as asked, _differentiable(learning or {}):
            while self.next < min(last, self.total):
                started = time.process_time()
                yield self.next, self.session._losses.append
                self.session.seconds += time.process_time() - started
                self.next += 1
                stop = bool(asked)  # who asks from here on is heard after the next update
                self._after(stop, last)
                if stop:
                    raise Stopped(asked[0], self.next, self.session.folder is not None)

    def _after(self, stop: bool, last: int) -> None:
        s, t = self.session, self.next
        done = t == last
        whole = last >= self.total and s.score > 0 and s.scored is not None
        scores = whole and (done or t % s.score == 0)
        due = scores or done or t % s.save == 0  # without being stopped here, too
        if not (due or stop):
            return
        loss = sum(s._losses) / max(len(s._losses), 1)
        finite = all(bool(x.isfinite().all()) for x in self.tensors.values())
        if not (finite and math.isfinite(loss)):
            raise Diverged(
                f"The fitting diverged before update {t}: a number is no longer finite. A smaller "
                "learning rate may help."
            )
        row: dict[str, Any] = {"round": t, "loss": loss, "seconds": round(s.seconds, 3)}
        if scores and s.scored is not None:
            row["valid_nats"] = s.scored(self.model)
            if s.best is None or row["valid_nats"] > s.best["valid_nats"]:
                s.best = {"round": t, "valid_nats": row["valid_nats"]}
        if due:
            s._losses = []
        if s.folder is not None:
            if due:
                metrics.append_metrics(s.folder, row)
            state = {"best": s.best, "seconds": s.seconds, "losses": s._losses}
            checkpoints.write_checkpoint(
                s.folder, checkpoints.Checkpoint(t, self.tensors, self.rest, state)
            )
        if s.watch:
            s.watch(t, self.total, loss)


@contextmanager
def _differentiable(θ: Tensors) -> Iterator[None]:
    try:
        for tensor in θ.values():
            tensor.requires_grad_()
        yield
    finally:
        for tensor in θ.values():
            tensor.requires_grad_(False)


def fill(tensors: Tensors, kept: Tensors) -> None:
    """Copy kept values into tensors of the same names, in place."""
    for name, tensor in tensors.items():
        with torch.no_grad():
            tensor.copy_(kept[name])


def adam_state(θ: Tensors) -> dict[str, Tensor]:
    """Adam's memory before the first update: two moments and a count for each parameter."""
    moments = {f"{m}/{name}": torch.zeros_like(x) for m in "mv" for name, x in θ.items()}
    return moments | {f"t/{name}": torch.zeros(()) for name in θ}


def adam(
    θ: Tensors, state: Tensors, gradients: Sequence[Tensor], lr: float, betas: Betas = (0.9, 0.999)
) -> None:
    """One update of PyTorch's Adam, in place, with a memory that is plain tensors by name."""
    with torch.no_grad():
        functional_adam(
            list(θ.values()),
            list(gradients),
            [state[f"m/{name}"] for name in θ],
            [state[f"v/{name}"] for name in θ],
            [],
            [state[f"t/{name}"] for name in θ],
            amsgrad=False,
            beta1=betas[0],
            beta2=betas[1],
            lr=lr,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
            fused=True,
        )


def descend(
    θ: Tensors, state: Tensors, loss: Tensor, lr: float, betas: Betas = (0.9, 0.999)
) -> None:
    """One update of Adam down the loss's gradient by θ."""
    adam(θ, state, torch.autograd.grad(loss, list(θ.values())), lr, betas)


def minibatch(
    images: Float[Tensor, "n pixels"], seed: int, t: int, m: int
) -> Float[Tensor, "m pixels"]:
    """Update t's m images: a new random order each epoch, one after the other without a gap."""
    order = shuffled_indices(Address(seed, t, range(m)), t * m, len(images))
    return images.index_select(0, order)


def begin(folder: Path, model: str, data: Dataset, settings: Mapping[str, object]) -> None:
    """Make a model's run folder, or see that the folder holds this very run.

    Args:
        folder: the run's folder.
        model: the row's name.
        data: what it learns.
        settings: the model's settings by name.

    Raises:
        UserError: the folder holds a run of another model, other settings or other data.
    """
    new = {
        "model": model,
        "fingerprint": fingerprint(data),
        "settings": json.loads(json.dumps(settings)),
    }
    path = folder / "settings.json"
    if path.exists():
        old = files.read_json(path)
        changed = [key for key in new if old.get(key) != new[key]]
        if changed:
            raise UserError(
                f"{folder} holds a run with another {' and '.join(changed)}. Give this one a "
                "folder of its own, or delete that one."
            )
        return
    checkpoints.refuse_orphan_checkpoints(folder, "delete the folder")
    with files.explain_os_errors(folder):
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        record = {"format": files.FORMAT, "data": data.name} | new | {"info": made_with(data)}
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        files.write_atomically(path, text)
