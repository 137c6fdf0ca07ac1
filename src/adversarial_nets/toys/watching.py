"""What the games on the line and in the plane share: their D, and how they are looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from adversarial_nets import game, nets, objectives
from adversarial_nets.errors import Diverged
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences

__all__ = [
    "Affine",
    "Metric",
    "apply",
    "check_finite",
    "circles",
    "make_discriminator",
    "one_thread",
    "pull",
    "smoothed_KL",
    "snapshot_rounds",
    "watch",
]

F = TypeVar("F")


class Metric(NamedTuple):
    """A number about a game, and what a perfect generator would get with as many samples."""

    value: float
    perfect: float


class Affine(nn.Module):
    """Shift and scale, so that a net may see or give x in units of the data's spread."""

    def __init__(self, shift: Float64[np.ndarray, " d"], scale: Float64[np.ndarray, " d"]) -> None:
        super().__init__()
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.tensor(shift))
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, x: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        """Shapes: (m, d) to (m, d)."""
        return self.shift + self.scale * x


def make_discriminator(settings: Settings, x: Float64[np.ndarray, "n d"]) -> nn.Sequential:
    """The settings' D for toy data like x, which it sees standardised."""
    mean, spread = x.mean(0), x.std(0)
    layers = nets.discriminator(settings.D, x.shape[1], settings.seed)
    return nn.Sequential(Affine(-mean / spread, 1 / spread), *layers)


def pull(g: Game, x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"]:
    """Where G's objective pushes samples at x: down its gradient, in units of x.

    Under the minimax objective this is −D(x)·∇a(x), with a the logit: nothing where D is sure of
    its case. Under the non-saturating one it is (1 − D(x))·∇a(x).
    """
    g.D.eval()
    at = torch.from_numpy(x).to(next(g.D.parameters())).requires_grad_()
    loss = objectives.generator_loss(g.D(at).reshape(-1), g.settings.objective)
    (gradient,) = torch.autograd.grad(loss, at)
    g.D.train()
    return -len(x) * gradient.double().numpy()


def circles(path: Float64[np.ndarray, "looks d"]) -> bool:
    """Whether the middle of the samples runs to and fro without coming to rest.

    The first quarter of the path, the way in, does not count.

    Args:
        path: the middle at each look, in units of the data's spread; looks evenly over the game.

    >>> t = np.arange(40.0)[:, None]
    >>> circles(np.sin(t)), circles(np.sin(t) * 0.9**t), circles(np.exp(-t))
    (True, False, False)
    """
    path = path[len(path) // 4 :]
    if len(path) < 24:
        return False
    away = path - path.mean(0)
    turns = (np.diff(np.sign(away), axis=0) != 0).sum(0)
    early, late = (
        np.abs(np.array_split(away, 2)[0]).max(0),
        np.abs(np.array_split(away, 2)[1]).max(0),
    )
    return bool(((turns >= 3) & (late > 0.2) & (late > 0.35 * early)).any())


def smoothed_KL(
    p: Float64[np.ndarray, " cells"], counts: Float64[np.ndarray, " cells"]
) -> tuple[float, float]:
    """KL(p ‖ q) and KL(q ‖ p) in nats, q being known by counts of samples alone: an estimate.

    An empty cell where p has mass makes the plain KL(p ‖ q) infinite, for a perfect generator too.
    So both get half a sample more in every cell (Krichevsky and Trofimov 1981), p as if as many
    had been drawn from it. Equal p and counts give 0; no sample at all in a cell costs about
    p log 2np instead of ∞.

    >>> smoothed_KL(np.array([0.5, 0.5]), np.array([7.0, 7.0]))
    (0.0, 0.0)
    >>> [round(v, 3) for v in smoothed_KL(np.array([0.5, 0.5]), np.array([20.0, 0.0]))]
    [1.188, 0.581]
    """
    n, half = counts.sum(), 0.5
    p, q = ((x + half) / (n + half * len(p)) for x in (n * p, counts))
    p, q = p / p.sum(), q / q.sum()
    return divergences.KL(p, q), divergences.KL(q, p)


def check_finite(g: Game, *values: np.ndarray) -> None:
    """Refuse to show what is no longer numbers.

    Raises:
        Diverged: a player's weights are NaN or infinite.
    """
    if not all(np.isfinite(v).all() for v in values):
        raise Diverged(
            f"By round {g.round} the weights are NaN or infinite; lower the learning rate."
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Play on one thread: for nets this small, two would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def apply(net: nn.Module, x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n outputs"]:
    """The net at points x, in float64, without dropout."""
    training = net.training
    net.eval()
    p = next(net.parameters())
    y = net(torch.from_numpy(x).to(p)).double().reshape(len(x), -1).cpu().numpy()
    net.train(training)
    return y


def snapshot_rounds(rounds: int, frames: int = 121) -> list[int]:
    """Rounds to look at, from 0 to the last, closer together where more happens: at the start.

    >>> frames_at(100, 5)
    [0, 6, 25, 56, 100]
    """
    return sorted({round(rounds * (i / (frames - 1)) ** 2) for i in range(frames)})


def watch(
    g: Game,
    take_snapshot: Callable[[Game], F],
    at: list[int],
    on_snapshot: Callable[[F, int], None] = lambda snapshot, rounds: None,
) -> tuple[F, ...]:
    """Play a game up to the last of some rounds, and look at it at each of them.

    Args:
        g: the game; it is changed in place.
        look: what to see of it.
        at: the rounds.
        on_snapshot: called with each new frame and the number of rounds in all.
    """
    wanted, seen = set(at), list[F]()

    def callback(g: Game) -> None:
        if g.round in wanted:
            seen.append(take_snapshot(g))
            on_snapshot(seen[-1], max(at))

    callback(g)
    with one_thread():
        game.play(g, max(at), callback)
    return tuple(seen)
