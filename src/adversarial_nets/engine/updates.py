"""The interface of the two modules of updates, as `game` uses it."""

from typing import Protocol, runtime_checkable

from adversarial_nets.state import Game, Images, Logits, Noise

__all__ = ["Updates"]


@runtime_checkable
class Updates(Protocol):
    """Gradients and updates of Algorithm 1: `engine.autograd_updates`, `engine.manual_backprop`.

    Images x are (m, pixels), noise z is (m, z_size) and logits are (m,), m being this process's
    part of the minibatch. In a conditional game the rows of x and z also hold their condition. All
    random draws depend on `step`.
    """

    def update_D(self, game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
        """Update D; returns D's logits on data and samples before the update."""

    def update_G(self, game: Game, z: Noise, step: int, purpose: str) -> Logits:
        """Update G; returns D's logits on the samples before the update.

        All random masks of the update are drawn for `purpose`.
        """

    def update_both(self, game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
        """Update D and G simultaneously; return D's logits before the update."""

    def d_logits(self, game: Game, x: Images, step: int) -> Logits:
        """Return D's logits on data, without an update."""
