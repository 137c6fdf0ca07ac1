"""The state of a game: both networks, their optimisers, counters and running statistics."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import distributed, objectives
from adversarial_nets.datasets import Source
from adversarial_nets.objectives import Logits
from adversarial_nets.optimisers import OPTIMISERS
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = ["AdaState", "Game", "Images", "Logits", "Noise", "RunningStats"]

Images = Float[Tensor, "m pixels"]  # in a conditional game each row holds its condition too
Noise = Float[Tensor, "m z_size"]  # in a conditional game also with its condition


@dataclass
class RunningStats:
    """Sums over the rounds since the last row of metrics, and the logits of the current round.

    Attributes:
        rounds: the number of rounds.
        sums: sums over these rounds of D's loss (−V in the paper), G's loss, D(x) and D(G(z)).
        a_x: D's logits on data in the current round, before D's last update.
        a_G_z: D's logits on samples before that update; None if only G is trained.
        a_for_G: D's logits on samples in G's update; None if it shared D's update (``released``)
            or only D is trained.
    """

    rounds: int = 0
    sums: Float[Tensor, "4"] = field(default_factory=lambda: torch.zeros(4, dtype=torch.float64))
    a_x: Logits | None = None
    a_G_z: Logits | None = None
    a_for_G: Logits | None = None

    def end_round(self, objective: str, joint: bool, batch_fraction: float) -> None:
        """Add the current round's means.

        Args:
            objective: the objective of D and G.
            joint: whether the game has an encoder E, so that G's loss is the joint loss of G and E.
            batch_fraction: this process's share of the minibatch.
        """
        # A round that updates D and G simultaneously, or only one of them, has only one of the two.
        a_x = self.a_x
        a_G_z = self.a_G_z if self.a_G_z is not None else self.a_for_G
        a_for_G = self.a_for_G if self.a_for_G is not None else self.a_G_z
        assert a_x is not None
        assert a_G_z is not None
        assert a_for_G is not None
        g_loss = (
            objectives.joint_loss(a_x, a_for_G, objective)
            if joint
            else objectives.generator_loss(a_for_G, objective, a_x)
        )
        means = (
            objectives.discriminator_loss(a_x, a_G_z, objective),
            g_loss,
            a_x.sigmoid().mean(),
            a_G_z.sigmoid().mean(),
        )
        self.rounds += 1
        self.sums += torch.stack(means).cpu().to(self.sums) * batch_fraction
        self.a_x = self.a_G_z = self.a_for_G = None

    def means(self) -> dict[str, float]:
        """Means of D's loss (−V in the paper), G's loss, D(x) and D(G(z)), with dropout in D."""
        means = (self.sums / max(self.rounds, 1)).tolist()
        return dict(zip(("d_loss", "g_loss", "D_x", "D_G_z"), means, strict=True))


@dataclass
class AdaState:
    """ADA's probability of augmentation, and D's signs since it last changed.

    Attributes:
        probability: the probability of each change of DiffAugment.
        signs: the sum of sign D(x) over training images of all processes.
        images: the number of these images.
    """

    probability: float = 0.0
    signs: float = 0.0
    images: int = 0


@dataclass
class Game:
    """A game: networks, optimisers, data, settings, and everything that changes during training.

    Attributes:
        settings: the game's settings.
        data: the source of examples x ~ p_data.
        G: the generator, noise (m, z_size) to images (m, pixels).
        D: the discriminator, images (m, pixels) to logits (m,) or (m, 1).
        optimiser_G: the optimiser of G's loss.
        optimiser_D: the optimiser of D's loss, −V.
        averaged: a copy of G that holds the moving average of G's weights, or None.
        manual_backprop: True if `engine.manual_backprop` computes the updates, False if autograd.
        bf16_matmul: whether matrix products use bfloat16; weights and updates stay in float32.
        optimiser_lr: ``settings`` if the settings' schedules of learning rate and momentum apply;
            ``own`` if both optimisers keep their own values.
        round: rounds of Algorithm 1 played so far.
        step: steps of D so far, counted as k in each round, also if only G is trained; random draws
            depend on it.
        images: training images so far, counted as k · m in each round; the epoch is computed from
            it.
        stats: running means for the next row of metrics.
        condition_columns: values at the end of each row of noise and images that hold its
            condition: a class in one-hot form (`classes`), or the known pixels (`masks`); in the
            joint game z, or E(x) (`encoders`); 0 in other games.
        ada: the state of ADA; unused without the setting `ada_target`.
    """

    settings: Settings
    data: Source
    G: nn.Module
    D: nn.Module
    optimiser_G: torch.optim.Optimizer
    optimiser_D: torch.optim.Optimizer
    averaged: nn.Module | None = None
    manual_backprop: bool = False
    bf16_matmul: bool = False
    optimiser_lr: Literal["settings", "own"] = "settings"
    round: int = 0
    step: int = 0
    images: int = 0
    stats: RunningStats = field(default_factory=RunningStats)
    condition_columns: int = 0
    ada: AdaState = field(default_factory=AdaState)

    def __repr__(self) -> str:
        """The round, the sizes of both networks, and their optimisers, as text."""
        sizes = (sum(p.numel() for p in net.parameters()) for net in (self.G, self.D))
        G, D = (f"{size:,} parameters" for size in sizes)
        rules = [type(rule).__name__ for rule in (self.optimiser_G, self.optimiser_D)]
        return f"Game(round {self.round:,}; G {G}, {rules[0]}; D {D}, {rules[1]})"

    def address(self, step: int) -> Address:
        """The key of a step's random draws, for this process's rows of the minibatch."""
        return Address(self.settings.seed, step, distributed.local_rows(self.settings.batch))

    @property
    def batch_fraction(self) -> float:
        """This process's share of a minibatch; 1 in a single process."""
        return len(distributed.local_rows(self.settings.batch)) / self.settings.batch

    @property
    def lr(self) -> float:
        """The learning rate that G's optimiser used in the last round, or will use in the first."""
        if self.optimiser_lr == "own":
            return float(self.optimiser_G.param_groups[0]["lr"])
        return self.settings.lr_at(max(self.round - 1, 0))

    @property
    def momentum(self) -> float:
        """G's momentum in the last round; for Adam its constant β₁; 0 without momentum."""
        if self.optimiser_lr == "own":
            group = self.optimiser_G.param_groups[0]
            return float(group.get("momentum", group.get("betas", (0.0,))[0]))
        if not OPTIMISERS[self.settings.optimiser].momentum_is_scheduled:
            return self.settings.momentum
        drawn_before = self.images - self.settings.k * self.settings.batch
        return self.settings.momentum_at(1 + max(drawn_before, 0) // self.data.examples_per_epoch)

    @property
    def epoch(self) -> int:
        """The epoch of the next round, counted from 1."""
        return 1 + self.images // self.data.examples_per_epoch
