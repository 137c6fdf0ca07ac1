"""Straight lines in the generator's noise space z, and G's images along them (Figure 3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.classes import class_count, generator_input
from adversarial_nets.layers import evaluation_mode, reference_parameter
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
    t = torch.linspace(0, 1, points, dtype=z_0.dtype, device=z_0.device)
    return torch.lerp(z_0[:, None], z_1[:, None], t[:, None])


@torch.no_grad()
def interpolate(
    G: nn.Module,
    settings: Settings,
    rows: int = 6,
    points: int = 10,
    ends: tuple[Float[Tensor, "rows z_size"], Float[Tensor, "rows z_size"]] | None = None,
    class_ends: tuple[int, int] | None = None,
) -> Float[Tensor, "rows points pixels"]:
    """G's images along straight lines in z space (Figure 3).

    Args:
        G: the generator, raw or averaged.
        settings: the run's settings; the prior, z_size and the seed are used.
        rows: number of lines.
        points: images along each line, both ends included.
        ends: z_0 and z_1 of each line; random pairs by default.
        class_ends: for a conditional G, the classes at both ends of each line. Between two
            different classes c is interpolated, c = (1 − t) c_0 + t c_1. By default each line has
            one class.

    Raises:
        UserError: classes that G does not have.
    """
    z_0, z_1 = ends or random_pairs(settings, rows)
    lines = straight_lines(torch.as_tensor(z_0), torch.as_tensor(z_1), points)
    inputs = _with_class_lines(G, lines, class_ends)
    with evaluation_mode(G):
        images = G(inputs.flatten(0, 1).to(reference_parameter(G)))
    return images.float().cpu().unflatten(0, lines.shape[:2])


def _with_class_lines(
    G: nn.Module, lines: Float[Tensor, "rows points z_size"], class_ends: tuple[int, int] | None
) -> Float[Tensor, "rows points inputs"]:
    """G's inputs along the lines; by default row i has class i modulo the number of classes."""
    rows, points, _ = lines.shape
    classes = class_count(G)
    default = torch.arange(rows) % max(classes, 1)
    c_0, c_1 = (torch.full((rows,), c) for c in class_ends) if class_ends else (default, default)
    first, last = generator_input(G, lines[:, 0], c_0), generator_input(G, lines[:, -1], c_1)
    size = lines.shape[2]
    return torch.cat([lines, straight_lines(first[:, size:], last[:, size:], points)], 2)
