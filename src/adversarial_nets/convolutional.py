"""Convolutional G and D for images of any shape: width from the settings, depth from the size.

The family of DCGAN (Radford et al. 2015, arXiv:1511.06434), with three changes: G ends in a 3×3
convolution, which reduces the checkerboard pattern of transposed convolutions; D has no
normalisation; depth follows from the image's smaller side. Not in the paper.

* G: a linear layer to maps of 4 to 7 pixels on the smaller side; transposed 4×4 convolutions, each
  of which doubles the sides and halves the number of maps; a 3×3 convolution to the channels.
* D: 4×4 convolutions of stride 2, each of which halves the sides and doubles the number of maps;
  a linear layer to the logit.

Images between layers and weights have the layout channels-last, in which CPUs and GPUs convolve
faster. The networks read and write flat images (m, pixels), as all networks of this project do.
"""

import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import SettingError

__all__ = [
    "ChannelsLast",
    "Crop",
    "OutputConvolution",
    "Signed",
    "discriminator_layers",
    "generator_layers",
    "set_layout",
]

SMALLEST_SIDE = 4
"""G begins, and D ends, with maps of 4 to 7 pixels on the smaller side. D has at least one
convolution, also for images of that size or smaller."""

MOST_MAPS = 512
"""No layer has more feature maps than this."""


class ChannelsLast(nn.Module):
    """The same maps with channels adjacent in memory; convolutions keep this layout."""

    def forward(self, x: Float[Tensor, "m c h w"]) -> Float[Tensor, "m c h w"]:
        """Shapes: (m, c, h, w) to (m, c, h, w)."""
        return x.contiguous(memory_format=torch.channels_last)


class Crop(nn.Module):
    """The central height × width pixels of larger maps."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Float[Tensor, "m c h w"]) -> Float[Tensor, "m c new_h new_w"]:
        """Shapes: (m, c, h, w) to (m, c, height, width)."""
        top, left = (x.shape[2] - self.height) // 2, (x.shape[3] - self.width) // 2
        return x[:, :, top : top + self.height, left : left + self.width]

    def extra_repr(self) -> str:
        """The text that ``print(G)`` shows for this layer."""
        return f"height={self.height}, width={self.width}"


class OutputConvolution(nn.Conv2d):
    """A 3×3 convolution with padding 1, computed as the transposed convolution that equals it.

    CPUs differentiate it in half the time if there are few output channels.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "m c h w"]) -> Float[Tensor, "m channels h w"]:
        """Shapes: (m, c, h, w) to (m, channels, h, w)."""
        weight = self.weight.flip(2, 3).transpose(0, 1)
        return nn.functional.conv_transpose2d(x, weight, self.bias, padding=1)


class Signed(nn.Module):
    """2x − 1: images in [0, 1] become images in [−1, 1], whose mean is near 0."""

    def forward(self, x: Float[Tensor, "m *values"]) -> Float[Tensor, "m *values"]:
        """Shapes: (m, …) to (m, …), element by element."""
        return 2 * x - 1


def set_layout(net: nn.Module, layout: torch.memory_format) -> None:
    """Store the weights of convolutions in this memory layout; their values do not change."""
    for p in net.parameters():
        if p.ndim == 4:
            p.data = p.data.contiguous(memory_format=layout)


def doublings(height: int, width: int) -> int:
    """How often maps are doubled between G's first maps and the image.

    >>> [doublings(side, side) for side in (16, 28, 32, 48, 64, 128)]
    [2, 2, 3, 3, 4, 5]
    """
    return max(int(math.log2(min(height, width) / SMALLEST_SIDE)), 0)


def generator_layers(
    maps: int, z_size: int, image_shape: ImageShape, batch_norm: bool
) -> list[nn.Module]:
    """G's layers up to the flat image before its output activation.

    Args:
        maps: feature maps at the image's resolution.
        z_size: dimension of z.
        image_shape: (channels, height, width).
        batch_norm: batch normalisation before each ReLU, in place of a bias.
    """
    channels, height, width = image_shape
    n = doublings(height, width)
    sides = (-(-height // 2**n), -(-width // 2**n))  # rounded up; `Crop` removes the rest
    widths = [min(maps * 2**i, MOST_MAPS) for i in range(n, -1, -1)]

    def activation(maps: int) -> list[nn.Module]:
        return [*([nn.BatchNorm2d(maps)] if batch_norm else []), nn.ReLU()]

    first = nn.Linear(z_size, widths[0] * math.prod(sides), bias=not batch_norm)
    layers = [first, nn.Unflatten(1, (widths[0], *sides)), ChannelsLast(), *activation(widths[0])]
    for inputs, outputs in itertools.pairwise(widths):
        layers.append(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=not batch_norm))
        layers += activation(outputs)
    layers.append(OutputConvolution(widths[-1], channels))
    if (sides[0] * 2**n, sides[1] * 2**n) != (height, width):
        layers.append(Crop(height, width))
    return [*layers, nn.Flatten()]


def discriminator_layers(maps: int, image_shape: ImageShape) -> list[nn.Module]:
    """D's layers from flat images to logits (m, 1).

    Args:
        maps: feature maps after the first convolution.
        image_shape: (channels, height, width).

    Raises:
        SettingError: a side of the images is a single pixel.
    """
    channels, height, width = image_shape
    if min(height, width) < 2:
        raise SettingError(
            "D.maps",
            f"makes D convolutional, which needs images of 2×2 pixels or more; these are {height}×"
            f"{width}. Use larger images, or give --D.maps 0 and --D.units.",
        )
    layers: list[nn.Module] = [Signed(), nn.Unflatten(1, image_shape), ChannelsLast()]
    for i in range(max(doublings(height, width), 1)):
        outputs = min(maps * 2**i, MOST_MAPS)
        layers += [nn.Conv2d(channels, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        channels, height, width = outputs, height // 2, width // 2
    return [*layers, nn.Flatten(), nn.Linear(channels * height * width, 1)]
