"""Priors p_z(z) of the generator's input noise (§3)."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from adversarial_nets.random import Address

__all__ = ["Prior", "draw"]

Prior = Literal["uniform", "gaussian", "spherical"]


def draw(prior: Prior, address: Address, size: int, purpose: str = "z") -> Float[Tensor, "m size"]:
    """Draw one noise vector z ~ p_z for each row of the address.

    Every prior has mean 0 and variance 1 in each coordinate.

    Args:
        prior: ``uniform``, U(−√3, √3) in each coordinate (published for MNIST); ``gaussian``,
            N(0, I) (published for TFD and CIFAR-10); or ``spherical``, uniform on the sphere of
            radius √size.
        address: seed, step and rows of the draw.
        size: dimension of z; the paper uses 100.
        purpose: name of the draw; draws with different names are independent.

    >>> z = draw("uniform", Address(seed=0, step=0, rows=range(1000)), size=100)
    >>> z.shape, bool(z.abs().max() <= 3**0.5), round(z.std().item(), 1)
    (torch.Size([1000, 100]), True, 1.0)
    """
    if prior == "uniform":
        return (2 * address.uniform(purpose, size) - 1) * 3**0.5
    z = address.normal(purpose, size)
    if prior == "spherical":
        z = z * (size**0.5 / z.norm(dim=1, keepdim=True))
    return z
