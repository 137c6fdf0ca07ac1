"""The state of a game: both networks, their optimisers, counters and running statistics."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets.datasets import Source
from adversarial_nets.engine import distributed
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = [
    "Game",
    "Tally",
]


@dataclass
class Tally:
    """Sums over the rounds since the last reading; their means are what an observer shows."""

    rounds: int = 0
    sums: Float[Tensor, "4"] = field(default_factory=lambda: torch.zeros(4, dtype=torch.float64))

    def means(self) -> dict[str, float]:
        """Means of D's loss −V, G's loss, D(x) and D(G(z)), with D's dropout at work."""
        means = (self.sums / max(self.rounds, 1)).tolist()
        return dict(zip(("d_loss", "g_loss", "D_x", "D_G_z"), means, strict=True))


@dataclass
class Game:
    """Everything that changes while the game is played, and what it is played with.

    Attributes:
        settings: the numbers that define the game.
        data: where x ~ p_data comes from.
        G: the generator, noise (m, z_size) to images (m, pixels).
        D: the discriminator, images (m, pixels) to logits (m,) or (m, 1).
        optimiser_G: descends G's loss.
        optimiser_D: descends D's loss, −V.
        averaged: a copy of G whose weights are the running average of G's, or None.
        by_hand: whether `backprop`'s updates play in place of autograd's.
        round: how many rounds have been played.
        tally: what happened since an observer last looked.
        reduced: whether products are made in bfloat16 (weights and their updates never are).
    """

    settings: Settings
    data: Source
    G: nn.Module
    D: nn.Module
    optimiser_G: torch.optim.Optimizer
    optimiser_D: torch.optim.Optimizer
    averaged: nn.Module | None = None
    by_hand: bool = False
    round: int = 0
    tally: Tally = field(default_factory=Tally)
    reduced: bool = False

    def address(self, step: int) -> Address:
        """Where this process's rows of a minibatch live: all m of them, unless workers share it."""
        return Address(self.settings.seed, step, distributed.share(self.settings.batch))

    @property
    def part(self) -> float:
        """This process's part of a minibatch, 1 unless workers share it."""
        return len(distributed.share(self.settings.batch)) / self.settings.batch


# --- The updates, by autograd. Each returns the logits that D gave before it. --------------------

Logits = Float[Tensor, " m"]
Images = Float[Tensor, "m pixels"]
Noise = Float[Tensor, "m z_size"]
