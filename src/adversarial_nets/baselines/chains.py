"""Sampling from Markov chains: burn-in, thinning, parallel chains."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.fitting import T
from adversarial_nets.random import Address

__all__ = [
    "SINGLE",
    "STATED",
    "Chains",
    "chain",
]


@dataclass(frozen=True)
class Chains:
    """How states are taken from Markov chains (ours; the paper does not say).

    Attributes:
        chains: how many run side by side, each from another training image.
        burn_in: steps before the first state is kept.
        every: steps between kept states.
    """

    chains: int = 100
    burn_in: int = 1000
    every: int = 100

    def steps(self, n: int) -> int:
        """Steps that n kept states take, all chains together."""
        return self.chains * (self.burn_in + self.every * -(-n // self.chains))


STATED = Chains()


SINGLE = Chains(chains=1, burn_in=0, every=1)
"""One chain, every state kept: what the published rows of Table 1 may have used."""


def chain(
    step: Callable[[T, torch.Generator], T],
    emit: Callable[[T], Tensor],
    state: T,
    n: int,
    policy: Chains,
    seed: int,
    on_progress: Callable[[str, int, int | None], None] | None = None,
) -> Float[Tensor, "n pixels"]:
    """Run chains side by side and keep n of the images they emit.

    Args:
        step: one step of all chains: from a state and a source of randomness to the next state.
        emit: the images of a state, (chains, pixels).
        state: where the chains start.
        n: how many images.
        policy: burn-in and thinning.
        seed: addresses every draw, step by step.
        on_progress: called with ("chain", steps done, steps in all).
    """
    kept = []
    last = policy.burn_in + policy.every * -(-n // policy.chains)
    for t in range(1, last + 1):
        state = step(state, Address(seed, t, range(1)).generator("chain"))
        if t > policy.burn_in and (t - policy.burn_in) % policy.every == 0:
            kept.append(emit(state))
        if on_progress:
            on_progress("chain", t, last)
    return torch.cat(kept)[:n]
