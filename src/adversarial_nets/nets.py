"""The nets of §5 as ordinary PyTorch modules: multilayer perceptrons, maxout, dropout.

Both players are plain `torch.nn.Sequential`s that a reader can print. D ends in a logit, not in a
sigmoid (see `objectives`).
"""

from collections.abc import Sequence
from typing import TypeVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from adversarial_nets.randomness import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings

__all__ = [
    "Dropout",
    "Maxout",
    "address_dropout",
    "discriminator",
    "generator",
    "start_at_marginals",
]

T = TypeVar("T")


class Maxout(nn.Linear):
    """h_i(x) = max_j (x·W_ij + b_ij), j = 1 … pieces (Goodfellow et al. 2013, Maxout Networks).

    A linear map to units × pieces values of which each unit keeps its largest; the pieces of one
    unit are adjacent rows of the weight.
    """

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__(inputs, units * pieces)
        self.units, self.pieces = units, pieces

    def forward(self, x: Float[Tensor, "m inputs"]) -> Float[Tensor, "m units"]:
        """Shapes: (m, inputs) to (m, units)."""
        # As (units × pieces, m) the maximum runs over long contiguous lines, which is far faster.
        linear = torch.addmm(self.bias[:, None], self.weight, x.T)
        return linear.view(self.units, self.pieces, -1).amax(1).T

    def extra_repr(self) -> str:
        """What ``print(D)`` shows of this layer."""
        return f"inputs={self.in_features}, units={self.units}, pieces={self.pieces}"


class Dropout(nn.Module):
    """Keep each value with probability `keep` and divide it by `keep`; in training only.

    The masks are drawn at the address that `address_dropout` gave, or, when it gave none, by
    torch's own generator as `torch.nn.Dropout` does.
    """

    def __init__(self, keep: float) -> None:
        super().__init__()
        self.keep = keep
        self.address: tuple[Address, str] | None = None

    def forward(self, x: Float[Tensor, "m *values"]) -> Float[Tensor, "m *values"]:
        """Shapes: (m, …) to (m, …), element by element."""
        if self.address is None or not self.training:
            return nn.functional.dropout(x, 1 - self.keep, self.training)
        address, purpose = self.address
        mask = address.keep(purpose, x[0].numel(), self.keep).view(x.shape)
        return x * mask.to(x.device, x.dtype).mul_(1 / self.keep)

    def extra_repr(self) -> str:
        """What ``print(D)`` shows of this layer."""
        return f"keep={self.keep}"


def address_dropout(net: nn.Module, address: Address, purpose: str) -> None:
    """Say where each `Dropout` inside the net finds its next masks."""
    for i, module in enumerate(m for m in net.modules() if isinstance(m, Dropout)):
        module.address = (address, f"{purpose}, dropout {i}")


def generator(
    settings: GeneratorSettings, z_size: int, pixels: int, seed: int = 0
) -> nn.Sequential:
    """G(z; θ_g): noise enters at the bottom, an image leaves at the top (§5).

    Args:
        settings: hidden widths, activations, output and initial ranges.
        z_size: coordinates of z.
        pixels: values of one image.
        seed: addresses the initial weights.
    """
    widths = (z_size, *settings.hidden, pixels)
    activations = (*_one_each(settings.activations, len(settings.hidden)), settings.output)
    ranges = _one_each(settings.init, len(widths) - 1)
    layers: list[nn.Module] = []
    for inputs, outputs, name in zip(widths[:-1], widths[1:], activations, strict=True):
        layers.append(nn.Linear(inputs, outputs))
        if name != "linear":
            layers.append(nn.ReLU() if name == "relu" else nn.Sigmoid())
    net = nn.Sequential(*layers)
    _initialise(net, ranges, seed, "initial G")
    return net


def discriminator(settings: DiscriminatorSettings, pixels: int, seed: int = 0) -> nn.Sequential:
    """D(x; θ_d) as a logit: dropout before each layer, maxout layers, one linear output (§5)."""
    keeps = (settings.keep_input, *[settings.keep_hidden] * len(settings.units))
    layers: list[nn.Module] = []
    width = pixels
    for units, keep in zip(settings.units, keeps, strict=False):
        layers += [Dropout(keep), Maxout(width, units, settings.pieces)]
        width = units
    net = nn.Sequential(*layers, Dropout(keeps[-1]), nn.Linear(width, 1))
    _initialise(net, _one_each(settings.init, len(settings.units) + 1), seed, "initial D")
    return net


@torch.no_grad()
def start_at_marginals(G: nn.Sequential, train: UInt8[Tensor, "n pixels"]) -> None:
    """Set G's output bias to the logit of each pixel's mean over the training images.

    With the small initial weights G then starts from the mean image (released code, MNIST and TFD).
    Means are clipped to [1e-7, 1 − 1e-7].
    """
    output = next(layer for layer in reversed(G) if isinstance(layer, nn.Linear))
    # Block by block, since summing bytes takes a wider copy of them.
    total = torch.stack([block.sum(0, dtype=torch.int64) for block in train.split(4096)]).sum(0)
    output.bias.copy_(torch.logit((total / (255.0 * len(train))).double().clamp(1e-7, 1 - 1e-7)))


def _one_each(values: Sequence[T], layers: int) -> Sequence[T]:
    """One value for all layers, or one for each."""
    return [values[0]] * layers if len(values) == 1 else values


@torch.no_grad()
def _initialise(net: nn.Sequential, ranges: Sequence[float], seed: int, purpose: str) -> None:
    """Weights from U(−r, r), addressed by layer and output unit; biases 0."""
    linears = [m for m in net if isinstance(m, nn.Linear)]
    for i, (layer, r) in enumerate(zip(linears, ranges, strict=True)):
        units = range(layer.out_features)
        u = Address(seed, i, units).uniform(purpose, layer.in_features)
        layer.weight.copy_((2 * u - 1) * r)
        layer.bias.zero_()
