"""Straight lines in the generator's noise space z, and G's images along them (Figure 3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = ["interpolate", "random_pairs", "straight_lines"]


def random_pairs(
    settings: Settings, pairs: int
) -> tuple[Float[Tensor, "pairs z_size"], Float[Tensor, "pairs z_size"]]:
    """Pairs of random noise vectors z_0, z_1 ~ p_z.

    The first pairs of a run do not depend on the number of pairs.
    """
    address = Address(settings.seed, 0, range(2 * pairs))
    z = priors.draw(settings.prior, address, settings.z_size, "ends of lines in z")
    return z[0::2], z[1::2]


def straight_lines(
    z_0: Float[Tensor, "rows z_size"], z_1: Float[Tensor, "rows z_size"], points: int = 10
) -> Float[Tensor, "rows points z_size"]:
    """Equally spaced points on the straight line from each z_0 to its z_1, both ends included.

    >>> straight_lines(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]), points=3).tolist()
    [[[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]]
    """
    return torch.lerp(z_0[:, None], z_1[:, None], torch.linspace(0, 1, points)[:, None])


@torch.no_grad()
def interpolate(
    G: nn.Module,
    settings: Settings,
    rows: int = 6,
    points: int = 10,
    ends: tuple[Float[Tensor, "rows z_size"], Float[Tensor, "rows z_size"]] | None = None,
) -> Float[Tensor, "rows points pixels"]:
    """G's images along straight lines in z space (Figure 3).

    Args:
        G: the generator, raw or averaged.
        settings: the run's settings; the prior, z_size and the seed are used.
        rows: number of lines.
        points: images along each line, both ends included.
        ends: z_0 and z_1 of each line; random pairs by default.
    """
    lines = straight_lines(*(ends or random_pairs(settings, rows)), points)
    training = G.training
    G.eval()
    images = G(lines.flatten(0, 1).to(next(G.parameters())))
    G.train(training)
    return images.float().cpu().unflatten(0, lines.shape[:2])
