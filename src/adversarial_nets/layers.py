"""Layers that PyTorch does not have, and helpers for networks: dropout keys, modes, weight norms.

`nets` builds G and D from them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import SettingError
from adversarial_nets.random import Address

__all__ = [
    "Branches",
    "Deconvolution",
    "Dropout",
    "Maxout",
    "MaxoutConvolution",
    "Projection",
    "address_dropout",
    "evaluation_mode",
    "limit_norms",
    "reference_parameter",
]


class Maxout(nn.Linear):
    """h_i(x) = max_j (x·W_ij + b_ij), j = 1 … pieces (Goodfellow et al. 2013, arXiv:1302.4389).

    A linear map to units × pieces values, followed by the maximum over each unit's pieces. The
    pieces of one unit are adjacent rows of the weight.
    """

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__(inputs, units * pieces)
        self.units, self.pieces = units, pieces

    def forward(self, x: Float[Tensor, "m inputs"]) -> Float[Tensor, "m units"]:
        """Shapes: (m, inputs) to (m, units)."""
        # With the layout (units × pieces, m) the maximum runs over contiguous rows: much faster.
        linear = torch.addmm(self.bias[:, None], self.weight, x.T)
        return linear.view(self.units, self.pieces, -1).amax(1).T

    def extra_repr(self) -> str:
        """The text that ``print(D)`` shows for this layer."""
        return f"inputs={self.in_features}, units={self.units}, pieces={self.pieces}"


KERNEL, STRIDE = 5, 3  # of G's transposed convolution (§5, released configuration)


class MaxoutConvolution(nn.Conv2d):
    """A convolution with maxout over the pieces of each channel, then one bias per channel.

    The pieces of one channel are adjacent kernels.
    """

    def __init__(self, inputs: int, channels: int, pieces: int, kernel: int, padding: int) -> None:
        super().__init__(inputs, channels * pieces, kernel, padding=padding, bias=False)
        self.channels, self.pieces = channels, pieces
        self.channel_bias = nn.Parameter(torch.zeros(channels))

    def forward(
        self, x: Float[Tensor, "m inputs height width"]
    ) -> Float[Tensor, "m channels new_height new_width"]:
        """Shapes: (m, inputs, h, w) to (m, channels, h + 2 padding − kernel + 1, …)."""
        maps = super().forward(x).unflatten(1, (self.channels, self.pieces)).amax(2)
        return maps + self.channel_bias[:, None, None]


class Deconvolution(nn.ConvTranspose2d):
    """G's output layer for CIFAR-10: a transposed convolution with one bias per pixel and channel.

    The input vector is side × side × maps, channel last; a side of 10 gives 3·9 + 5 = 32 pixels.
    """

    def __init__(self, inputs: int, image_shape: ImageShape) -> None:
        channels, height, width = image_shape
        side, rest = divmod(height - KERNEL, STRIDE)
        self.side = side + 1
        maps = inputs // max(self.side, 1) ** 2
        if height != width or rest or side < 0 or maps * self.side**2 != inputs or not maps:
            raise SettingError(
                "G.deconvolution",
                f"cannot make {height}×{width} images from {inputs} hidden units. The side must be "
                f"{STRIDE}n + {KERNEL} pixels (for example 32), and the last value of G.hidden a "
                "multiple of (n + 1)².",
            )
        super().__init__(maps, channels, KERNEL, stride=STRIDE, bias=False)
        self.pixel_bias = nn.Parameter(torch.zeros(channels * height * width))

    def forward(
        self, input: Float[Tensor, "m inputs"], output_size: list[int] | None = None
    ) -> Float[Tensor, "m pixels"]:
        """Shapes: (m, side · side · maps) to (m, channels · height · width)."""
        maps = input.unflatten(1, (self.side, self.side, -1)).permute(0, 3, 1, 2)
        return super().forward(maps).flatten(1) + self.pixel_bias


class Dropout(nn.Module):
    """Keep each value with probability `keep_prob` and divide it by `keep_prob`, in training only.

    If `address_dropout` has set an address, the masks depend on that address only. Otherwise
    torch's own generator draws them, as in `torch.nn.Dropout`.
    """

    def __init__(self, keep_prob: float) -> None:
        super().__init__()
        self.keep_prob = keep_prob
        self.address: tuple[Address, str] | None = None

    def forward(self, x: Float[Tensor, "m *values"]) -> Float[Tensor, "m *values"]:
        """Shapes: (m, …) to (m, …), element by element."""
        if self.keep_prob == 1 or not self.training:
            return x
        if self.address is None:
            return nn.functional.dropout(x, 1 - self.keep_prob)
        address, purpose = self.address
        mask = address.bernoulli_mask(purpose, x[0].numel(), self.keep_prob)
        mask = mask.view(torch.uint8).view(x.shape)
        return x * mask.to(x.device, x.dtype).mul_(1 / self.keep_prob)

    def extra_repr(self) -> str:
        """The text that ``print(D)`` shows for this layer."""
        return f"keep_prob={self.keep_prob}"


class Branches(nn.Module):
    """[f(x), g(c)] for rows (x, c) of an input x and its condition c: two parallel networks.

    Args:
        of_x: f, for the first `size` values of a row (x in D, z in G).
        of_c: g, for the other values; an empty network returns c unchanged.
        size: values of x.
    """

    def __init__(self, of_x: nn.Sequential, of_c: nn.Sequential, size: int) -> None:
        super().__init__()
        self.of_x, self.of_c, self.size = of_x, of_c, size

    def forward(self, xc: Float[Tensor, "m size_and_columns"]) -> Float[Tensor, "m units"]:
        """Shapes: (m, size + columns of c) to (m, units of f + units of g)."""
        return torch.cat([self.of_x(xc[:, : self.size]), self.of_c(xc[:, self.size :])], 1)


class Projection(nn.Linear):
    """D's output a = ψ·h + b + e_c·h, from features h and class c (Miyato & Koyama 2018).

    Each class has a vector e_c (arXiv:1802.05637, Equation 3), initially 0. A row of the input
    holds h and then the one-hot class.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__(inputs, 1)
        self.embedding = nn.Parameter(torch.zeros(classes, inputs))

    def forward(self, hc: Float[Tensor, "m inputs_and_classes"]) -> Float[Tensor, "m 1"]:
        """Shapes: (m, inputs + classes) to (m, 1)."""
        h, c = hc[:, : self.in_features], hc[:, self.in_features :]
        return super().forward(h) + ((c @ self.embedding) * h).sum(1, keepdim=True)


def address_dropout(net: nn.Module, address: Address, purpose: str) -> None:
    """Set the address (random key) of the next masks of every `Dropout` in the network."""
    for i, module in enumerate(m for m in net.modules() if isinstance(m, Dropout)):
        module.address = (address, f"{purpose}, dropout {i}")


@contextmanager
def evaluation_mode(net: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the ``with`` block; afterwards each module's mode is restored."""
    training = {module: module.training for module in net.modules()}
    net.eval()
    try:
        yield
    finally:
        for module, was_training in training.items():
            module.training = was_training


def reference_parameter(net: nn.Module) -> Tensor:
    """A floating-point parameter of the network, to read the network's device and dtype from."""
    return next(net.parameters())


@torch.no_grad()
def limit_norms(net: nn.Module, max_norm: float | None) -> None:
    """Scale each unit's (maxout: each piece's) weight vector down to `max_norm` if it is longer.

    The length is the L2 norm of the incoming weights. Applies to fully connected layers, as in
    TFD's networks. Does nothing if `max_norm` is None.
    """
    if max_norm is None:
        return
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            norms = layer.weight.norm(dim=1, keepdim=True)
            layer.weight.mul_((max_norm / norms).clamp_(max=1))
