"""The joint game: an encoder E as a third player (§7, extension 2, learned together with G).

Donahue et al. 2017 (BiGAN, arXiv:1605.09782) and Dumoulin et al. 2017 (ALI, arXiv:1606.00704). D
compares the pair (x, E(x)) of data with the pair (G(z), z) of the model. The value function is
Equation 1 on pairs: D ascends it, E and G descend it together. E and G are one module, so that
optimiser, moving average and checkpoints of G hold E too.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import nets
from adversarial_nets.layers import evaluation_mode
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = ["GeneratorWithEncoder", "encode", "encoder", "pairs"]

Images = Float[Tensor, "m pixels"]
Codes = Float[Tensor, "m z_size"]


class GeneratorWithEncoder(nn.Module):
    """G with its encoder; as a function it is G.

    Args:
        G: noise (m, z_size) to images (m, pixels).
        E: images (m, pixels) to noise (m, z_size).
    """

    def __init__(self, G: nn.Sequential, E: nn.Sequential) -> None:
        super().__init__()
        self.E, self.G = E, G

    def forward(self, z: Codes) -> Images:
        """G(z). Shapes: (m, z_size) to (m, pixels)."""
        x: Tensor = self.G(z)
        return x


def encoder(settings: Settings, pixels: int) -> nn.Sequential:
    """E(x; θ_e) from images (m, pixels) to noise (m, z_size): G's hidden layers in reverse order.

    Its output layer is linear. The ranges of the initial weights are in G's order, not reversed,
    because each range depends on the number of a layer's inputs. For example, in the playground's
    joint games on the plane the first layers of G and E have 2 inputs and the range .7, and the
    layers of 128 inputs have .15.
    """
    s = settings.G
    layers = replace(  # `init` stays as it is
        s,
        hidden=s.hidden[::-1],
        activations=s.activations[::-1],
        output="linear",
        bias=s.bias[::-1],
    )
    key = Address(settings.seed, 0, range(1)).words("initial E", 1, np.uint64)
    return nets.generator(layers, pixels, settings.z_size, int(key[0, 0]))


def pairs(G: nn.Module, x: Images) -> Float[Tensor, "m values"]:
    """D's input rows (x, E(x)) for data, differentiable in E."""
    assert isinstance(G, GeneratorWithEncoder)
    return torch.cat([x, G.E(x).to(x)], 1)


@torch.no_grad()
def encode(E: nn.Module, x: Images) -> Codes:
    """E(x) in evaluation mode, block by block."""
    with evaluation_mode(E):
        return torch.cat([E(block) for block in x.split(1000)])
