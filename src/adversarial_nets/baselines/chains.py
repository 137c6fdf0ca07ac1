"""Sample from Markov chains: parallel chains, burn-in and thinning."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.progress import Progress
from adversarial_nets.random import Address

__all__ = ["SINGLE_CHAIN", "ChainSampler", "ChainSettings"]

M = TypeVar("M")
State = TypeVar("State")


@dataclass(frozen=True)
class ChainSettings:
    """How samples are taken from Markov chains. The defaults are ours; the paper gives none.

    Attributes:
        chains: number of parallel chains, each started from another training image.
        burn_in: steps of each chain before its first sample.
        thinning: steps of each chain between two samples.
    """

    chains: int = 100
    burn_in: int = 1000
    thinning: int = 100

    def limited_to(self, images: int) -> "ChainSettings":
        """Return these settings with no more chains than images to start them from."""
        return dataclasses.replace(self, chains=min(self.chains, images))

    def steps_per_chain(self, n: int) -> int:
        """Return the number of steps that each chain takes for n samples in total."""
        return self.burn_in + self.thinning * -(-n // self.chains)

    def total_steps(self, n: int) -> int:
        """Return the number of steps that all chains together take for n samples.

        >>> ChainSettings().total_steps(10_000)
        1100000
        """
        return self.chains * self.steps_per_chain(n)


SINGLE_CHAIN = ChainSettings(chains=1, burn_in=0, thinning=1)
"""One chain, every state a sample. The published rows of Table 1 may have been sampled this way."""


@dataclass(frozen=True)
class ChainSampler(Generic[M, State]):
    """A sampling function for a model that defines a Markov chain.

    The state consists of the variables of the chain (images, hidden units, or both); all
    parallel chains are one batch.

    Attributes:
        initial_state: the first state from (model, training images, random generator), one chain
            for each image.
        next_state: one step of all chains, from (model, state, random generator).
        mean_images: the images of a state from (model, state): (chains, pixels), in [0, 1].
    """

    initial_state: Callable[[M, Tensor, torch.Generator], State]
    next_state: Callable[[M, State, torch.Generator], State]
    mean_images: Callable[[M, State], Tensor]

    @torch.no_grad()
    def __call__(
        self,
        model: M,
        n: int,
        *,
        training_images: Float[Tensor, "m pixels"],
        seed: int = 0,
        chains: ChainSettings | None = None,
        on_progress: Progress | None = None,
    ) -> Float[Tensor, "n pixels"]:
        """Run Markov chains from training images and return n of their images.

        Args:
            model: the fitted model.
            n: number of images.
            training_images: the first ones start the chains; there are no more chains than images.
            seed: seed of all random draws.
            chains: number of chains, burn-in and thinning; `ChainSettings()` if None.
            on_progress: called with ("chain", steps done, steps in total) after each step.
        """
        chains = (chains or ChainSettings()).limited_to(len(training_images))
        generator = Address(seed, 0, range(1)).generator("chain")
        state = self.initial_state(model, training_images[: chains.chains], generator)
        kept = []
        steps = chains.steps_per_chain(n)
        for step in range(1, steps + 1):
            generator = Address(seed, step, range(1)).generator("chain")
            state = self.next_state(model, state, generator)
            if step > chains.burn_in and (step - chains.burn_in) % chains.thinning == 0:
                kept.append(self.mean_images(model, state))
            if on_progress:
                on_progress("chain", step, steps)
        return torch.cat(kept)[:n]
