"""The nets of §5 as ordinary PyTorch modules: multilayer perceptrons, maxout, dropout.

Both players are plain `torch.nn.Sequential`s that a reader can print. D ends in a logit, not in a
sigmoid (see `objectives`).
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from adversarial_nets.errors import UserError
from adversarial_nets.random import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings

__all__ = [
    "CONVOLUTIONS",
    "Deconvolution",
    "Dropout",
    "Maxout",
    "MaxoutConvolution",
    "address_dropout",
    "discriminator",
    "generator",
    "limit_norms",
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


CONVOLUTIONS = ((8, 4, 4, 2), (8, 3, 4, 2), (5, 3, 2, 2))
"""Of CIFAR-10's D, bottom layer first: kernel and padding of the convolution, size and stride of
the maximum over neighbours (§5, released configuration)."""

KERNEL, STRIDE = 5, 3  # of G's transposed convolution
_HAT = torch.tensor([1, 2, 3, 2, 1]) / 3  # stamped every STRIDE pixels it adds up to 1 everywhere


class MaxoutConvolution(nn.Conv2d):
    """Maxout over the pieces of each channel of a convolution, then the channel's one bias.

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
    """G's way from maps to an image: a transposed convolution, and one bias for each pixel.

    The incoming vector is side × side × maps, channel last; 10 × 10 makes 3·9 + 5 = 32 pixels.
    """

    def __init__(self, inputs: int, image_shape: tuple[int, int, int]) -> None:
        channels, height, width = image_shape
        side, rest = divmod(height - KERNEL, STRIDE)
        self.side = side + 1
        maps = inputs // max(self.side, 1) ** 2
        if height != width or rest or side < 0 or maps * self.side**2 != inputs or not maps:
            raise UserError(
                f"--G.deconvolution cannot make {height}×{width} images of {inputs} hidden units. "
                f"A side must be {STRIDE}n + {KERNEL} pixels (32, for example), and the last of "
                f"--G.hidden a multiple of (n + 1)²."
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
    """Keep each value with probability `keep_prob` and divide it by `keep_prob`; in training only.

    The masks are drawn with the key that `address_dropout` set, or, without one, by torch's own
    generator as in `torch.nn.Dropout`.
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
        mask = (
            address.bernoulli_mask(purpose, x[0].numel(), self.keep_prob)
            .view(torch.uint8)
            .view(x.shape)
        )
        return x * mask.to(x.device, x.dtype).mul_(1 / self.keep_prob)

    def extra_repr(self) -> str:
        """What ``print(D)`` shows of this layer."""
        return f"keep_prob={self.keep_prob}"


def address_dropout(net: nn.Module, address: Address, purpose: str) -> None:
    """Say where each `Dropout` inside the net finds its next masks."""
    for i, module in enumerate(m for m in net.modules() if isinstance(m, Dropout)):
        module.address = (address, f"{purpose}, dropout {i}")


def generator(
    settings: GeneratorSettings,
    z_size: int,
    pixels: int,
    seed: int = 0,
    image_shape: tuple[int, int, int] | None = None,
) -> nn.Sequential:
    """G(z; θ_g): noise enters at the bottom, an image leaves at the top (§5).

    Args:
        settings: hidden widths, activations, output and initial weights.
        z_size: coordinates of z.
        pixels: values of one image.
        seed: addresses the initial weights.
        image_shape: (channels, height, width), which a deconvolution must know.

    Raises:
        UserError: a deconvolution that does not lead to this shape.
    """
    s, depth = settings, len(settings.hidden)
    widths = (z_size, *s.hidden, pixels)
    layers: list[nn.Module] = []
    for i, name in enumerate((*_one_each(s.activations, depth), s.output)):
        if i == depth and s.deconvolution:
            if image_shape is None:
                raise UserError("--G.deconvolution is for images, and these data are none.")
            layers.append(Deconvolution(widths[i], image_shape))
        else:
            layers.append(nn.Linear(widths[i], widths[i + 1]))
        if s.batch_norm and i < depth:
            layers.append(nn.BatchNorm1d(widths[i + 1]))
        if name != "linear":
            layers.append(nn.ReLU() if name == "relu" else nn.Sigmoid())
    net = nn.Sequential(*layers)
    _initialise(net, _one_each(s.init, depth + 1), seed, "initial G")
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    # (A normalised layer forgets the bias before it.)
    normal = [layer for layer in net if isinstance(layer, nn.BatchNorm1d)]
    biases = [layer.bias for layer in normal or linears]
    with torch.no_grad():
        for start, value in zip(biases, _one_each(s.bias, depth), strict=False):
            start.fill_(value)
        for layer in net if s.bilinear else ():
            if isinstance(layer, Deconvolution):
                layer.weight.copy_(layer.weight[..., :1, :1] * _HAT[:, None] * _HAT)
        if s.sparse:
            linears[-1].weight.copy_(_sparse(s.sparse, linears[-1], seed))
    return net


def _sparse(count: int, layer: nn.Linear, seed: int) -> Float[Tensor, "outputs inputs"]:
    """Weights of which each output unit has so many, at random places, ~ N(0, 1); the others 0."""
    units = Address(seed, 0, range(layer.out_features))
    chosen = units.uniform("which weights of G are not 0", layer.in_features).topk(count).indices
    values = units.normal("sparse G", count)
    return torch.zeros_like(layer.weight).scatter_(1, chosen, values)


def discriminator(
    settings: DiscriminatorSettings,
    pixels: int,
    seed: int = 0,
    image_shape: tuple[int, int, int] | None = None,
) -> nn.Sequential:
    """D(x; θ_d) as a logit: dropout before each layer, maxout layers, one linear output (§5).

    ``settings.activation`` may put layers of ReLU in the place of maxout.

    Args:
        settings: convolutions, hidden widths, initial weights and dropout.
        pixels: values of one image.
        seed: addresses the initial weights.
        image_shape: (channels, height, width), which convolutions must know.

    Raises:
        UserError: convolutions over data that are no images, or too small ones.
    """
    s = settings
    layers: list[nn.Module] = []
    width, keep = pixels, s.keep_prob_input
    if s.convolutions:
        if image_shape is None:
            raise UserError("--D.convolutions are for images, and these data are none.")
        layers.append(nn.Unflatten(1, image_shape))
        channels, *sides = image_shape
        for maps, (kernel, padding, size, stride) in zip(
            s.convolutions, CONVOLUTIONS, strict=False
        ):
            layers += [
                Dropout(keep),
                MaxoutConvolution(channels, maps, s.convolution_pieces, kernel, padding),
                nn.MaxPool2d(size, stride, ceil_mode=True),
            ]
            after = [side + 2 * padding - kernel + 1 for side in sides]
            if min(after) < size:
                raise UserError(
                    f"--D.convolutions: images of {image_shape[1]}×{image_shape[2]} are too small "
                    "for so many."
                )
            sides = [-(-(side - size) // stride) + 1 for side in after]
            channels, keep = maps, s.keep_prob_hidden
        layers.append(nn.Flatten())
        width = channels * math.prod(sides)
    for units in s.units:
        layers.append(Dropout(keep))
        if s.activation == "maxout":
            layers.append(Maxout(width, units, s.pieces))
        else:
            layers += [nn.Linear(width, units), nn.ReLU()]
        width, keep = units, s.keep_prob_hidden
    net = nn.Sequential(*layers, Dropout(keep), nn.Linear(width, 1))
    _initialise(net, _one_each(s.init, len(s.convolutions) + len(s.units) + 1), seed, "initial D")
    return net


@torch.no_grad()
def limit_norms(net: nn.Module, most: float) -> None:
    """Scale each unit's (each piece's) incoming weights down to an L2 norm of `most`.

    A weight that is within it does not change. Only full layers are limited, as in TFD's nets.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            norms = layer.weight.norm(dim=1, keepdim=True)
            layer.weight.mul_((most / norms).clamp_(max=1))


@torch.no_grad()
def start_at_marginals(G: nn.Sequential, train: UInt8[Tensor, "n pixels"]) -> None:
    """Set G's output bias to the logit of each pixel's mean over the training images.

    With the small initial weights G then starts from the mean image (released code, MNIST and TFD).
    Means are clipped to [1e-7, 1 − 1e-7].
    """
    output = next(m for m in reversed(G) if isinstance(m, nn.Linear | Deconvolution))
    bias = output.pixel_bias if isinstance(output, Deconvolution) else output.bias
    # Bytes must be widened to be summed: block by block, in one buffer. The sums of whole numbers
    # below 2²⁴ are exact in float32.
    wide = torch.empty(4096, train.shape[1])
    total = torch.zeros(train.shape[1], dtype=torch.float64)
    for block in train.split(4096):
        total += wide[: len(block)].copy_(block).sum(0)
    bias.copy_(torch.logit((total / (255.0 * len(train))).clamp(1e-7, 1 - 1e-7)))


def _one_each(values: Sequence[T], layers: int) -> Sequence[T]:
    """One value for all layers, or one for each."""
    return [values[0]] * layers if len(values) == 1 else values


@torch.no_grad()
def _initialise(net: nn.Sequential, ranges: Sequence[float], seed: int, purpose: str) -> None:
    """Weights from U(−r, r), addressed by layer and line of the weight; biases 0."""
    kinds = (nn.Linear, MaxoutConvolution, Deconvolution)
    layers = [m for m in net if isinstance(m, kinds)]
    for i, (layer, r) in enumerate(zip(layers, ranges, strict=True)):
        weight = layer.weight
        u = Address(seed, i, range(len(weight))).uniform(purpose, weight[0].numel())
        weight.copy_(((2 * u - 1) * r).view_as(weight))
        if layer.bias is not None:
            layer.bias.zero_()
