"""The networks of §5 as ordinary PyTorch modules: multilayer perceptrons, maxout, dropout.

G and D are plain `torch.nn.Sequential`s that a reader can print. D outputs a logit, not a
probability (see `objectives`).
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from adversarial_nets import convolutional
from adversarial_nets.datasets import ImageShape
from adversarial_nets.errors import SettingError
from adversarial_nets.layers import (
    Branches,
    Deconvolution,
    Dropout,
    Maxout,
    MaxoutConvolution,
    Projection,
)
from adversarial_nets.random import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings

__all__ = [
    "CONVOLUTIONS",
    "discriminator",
    "generator",
    "required_shape",
    "start_at_marginals",
    "with_layout",
]

T = TypeVar("T")

CONVOLUTIONS = ((8, 4, 4, 2), (8, 3, 4, 2), (5, 3, 2, 2))
"""D's convolutions for CIFAR-10, bottom layer first: kernel size and padding of the convolution,
size and stride of the max-pooling (§5, released configuration)."""

_BILINEAR = torch.tensor([1, 2, 3, 2, 1]) / 3  # kernels shifted by 3 add up to 1 everywhere


def generator(
    settings: GeneratorSettings,
    z_size: int,
    pixels: int,
    seed: int = 0,
    image_shape: ImageShape | None = None,
    columns: int = 0,
) -> nn.Sequential:
    """G(z; θ_g), from noise (m, z_size) to images (m, pixels) (§5); with ``maps`` convolutional.

    In a conditional game it is G(z, c), and an input row holds z and then c. A class is
    concatenated with z, or with `class_units` is first mapped to separate hidden units, parallel to
    the first hidden layer (Mirza & Osindero 2014, arXiv:1411.1784).

    Args:
        settings: hidden layers, activations, output and initial weights.
        z_size: dimension of z.
        pixels: values of one image.
        seed: seed of the initial weights.
        image_shape: (channels, height, width); required by a deconvolution.
        columns: values of c in a row (`classes.condition_columns`); 0 for a game without c.

    Raises:
        SettingError: a deconvolution that cannot make images of this shape, or a convolutional G
            for data that are not images.
    """
    s, depth = settings, len(settings.hidden)
    if s.maps:
        shape = required_shape(image_shape, "G.maps")
        return _convolutional_generator(s, z_size + columns, shape, seed)
    inputs, outputs = [z_size, *s.hidden], (*s.hidden, pixels)
    has_own_units = bool(columns and s.class_units)
    layer_of_c = int(has_own_units)  # its input is concatenated with c, or with c's units
    inputs[layer_of_c] += s.class_units if has_own_units else columns
    layers: list[nn.Module] = []
    for i, activation in enumerate((*_one_per_layer(s.activations, depth), s.output)):
        if i == 1 and has_own_units:
            of_c = nn.Sequential(nn.Linear(columns, s.class_units), nn.ReLU())
            layers = [Branches(nn.Sequential(*layers), of_c, z_size)]
        if i > 0 and s.keep_prob < 1:
            layers.append(Dropout(s.keep_prob))
        if i == depth and s.deconvolution:
            layers.append(Deconvolution(inputs[i], required_shape(image_shape, "G.deconvolution")))
        else:
            layers.append(nn.Linear(inputs[i], outputs[i]))
        if s.batch_norm and i < depth:
            layers.append(nn.BatchNorm1d(outputs[i]))
        if activation != "linear":
            layers.append(nn.ReLU() if activation == "relu" else nn.Sigmoid())
    net = nn.Sequential(*layers)
    _initialise_weights(net, _one_per_layer(s.init, depth + 1), seed, "initial G")
    _initialise_generator(net, s, seed)
    return net


def _convolutional_generator(
    s: GeneratorSettings, z_size: int, image_shape: ImageShape, seed: int
) -> nn.Sequential:
    """G with the layers of `convolutional` and initial weights from U(−r, r)."""
    layers = convolutional.generator_layers(s.maps, z_size, image_shape, s.batch_norm)
    net = nn.Sequential(*layers, *([nn.Sigmoid()] if s.output == "sigmoid" else []))
    _initialise_weights(net, s.init[:1], seed, "initial G")
    convolutional.set_layout(net, torch.channels_last)
    return net


@torch.no_grad()
def _initialise_generator(net: nn.Sequential, s: GeneratorSettings, seed: int) -> None:
    """Set the initial hidden biases, bilinear deconvolution and sparse output of the settings."""
    linear = [layer for layer in _layers_of_x(net) if isinstance(layer, nn.Linear)]
    normalised = [layer for layer in _layers_of_x(net) if isinstance(layer, nn.BatchNorm1d)]
    # Batch normalisation cancels the bias of the layer before it, so its own bias is set instead.
    biases = [layer.bias for layer in normalised or linear]
    for bias, value in zip(biases, _one_per_layer(s.bias, len(s.hidden)), strict=False):
        bias.fill_(value)
    for layer in net if s.bilinear else ():
        if isinstance(layer, Deconvolution) and not layer.weight.is_meta:
            layer.weight.copy_(layer.weight[..., :1, :1] * _BILINEAR[:, None] * _BILINEAR)
    if s.sparse and not linear[-1].weight.is_meta:
        linear[-1].weight.copy_(_sparse_weights(s.sparse, linear[-1], seed))


def _sparse_weights(count: int, layer: nn.Linear, seed: int) -> Float[Tensor, "outputs inputs"]:
    """Weights with `count` entries ~ N(0, 1) per output unit at random places, the others 0."""
    units = Address(seed, 0, range(layer.out_features))
    chosen = units.uniform("which weights of G are not 0", layer.in_features).topk(count).indices
    values = units.normal("sparse G", count)
    return torch.zeros_like(layer.weight).scatter_(1, chosen, values)


def discriminator(
    settings: DiscriminatorSettings,
    pixels: int,
    seed: int = 0,
    image_shape: ImageShape | None = None,
    columns: int = 0,
) -> nn.Sequential:
    """D(x; θ_d), from images (m, pixels) to logits (m, 1) (§5); with ``maps`` convolutional.

    The layers are convolutions, if the settings have any, hidden layers of maxout (or ReLU), and
    one linear output, with dropout before each layer. With ``maps`` they are those of
    `convolutional`. In a conditional game it is D(x, c), and an input row holds x and then c. A
    class is concatenated with the first hidden layer's input, or with `class_units` is first mapped
    to separate hidden units, parallel to that layer, or selects a vector at the output
    (`Projection`).

    Args:
        settings: convolutions, hidden layers, initial weights and dropout.
        pixels: values of one image.
        seed: seed of the initial weights.
        image_shape: (channels, height, width); required by convolutions.
        columns: values of c in a row (`classes.condition_columns`); 0 for a game without c.

    Raises:
        SettingError: convolutions over data that are not images, or over images that are too small.
    """
    s, depth = settings, len(settings.units)
    if s.maps:
        return _convolutional_discriminator(s, required_shape(image_shape, "D.maps"), seed, columns)
    joined = depth if s.projection else int(s.class_units > 0)  # hidden layers before the class
    of_c = _class_units(s, columns) if columns and s.class_units else []
    layers, width = _convolutions(s, pixels, image_shape)
    keep_prob = s.keep_prob_hidden if layers else s.keep_prob_input
    for i in range(depth + 1):
        layers.append(Dropout(keep_prob))
        if columns and i == joined:
            layers = [Branches(nn.Sequential(*layers), nn.Sequential(*of_c), pixels)]
            width += 0 if s.projection else s.class_units or columns
        if i < depth:
            pieces = s.top_pieces if s.top_pieces and i == depth - 1 else s.pieces
            layers += _hidden_layer(s, width, s.units[i], pieces)
            width, keep_prob = s.units[i], s.keep_prob_hidden
    has_projection = columns and s.projection
    output = Projection(width, columns) if has_projection else nn.Linear(width, 1)
    net = nn.Sequential(*layers, output)
    ranges = _one_per_layer(s.init, len(s.convolutions) + len(s.units) + 1)
    _initialise_weights(net, ranges, seed, "initial D")
    if s.spectral_norm:
        _add_spectral_norm(net, seed)
    return net


def _convolutional_discriminator(
    s: DiscriminatorSettings, image_shape: ImageShape, seed: int, columns: int
) -> nn.Sequential:
    """D with the layers of `convolutional`; a class enters by a `Projection` at the output."""
    layers = convolutional.discriminator_layers(s.maps, image_shape)
    output = layers[-1]
    if columns and isinstance(output, nn.Linear):
        of_x, pixels = nn.Sequential(*layers[:-1]), math.prod(image_shape)
        layers = [Branches(of_x, nn.Sequential(), pixels), Projection(output.in_features, columns)]
    net = nn.Sequential(*layers)
    _initialise_weights(net, s.init[:1], seed, "initial D")
    convolutional.set_layout(net, torch.channels_last)
    if s.spectral_norm:
        _add_spectral_norm(net, seed)
    return net


def _hidden_layer(
    s: DiscriminatorSettings, inputs: int, units: int, pieces: int
) -> list[nn.Module]:
    """One fully connected hidden layer of D."""
    if s.activation == "maxout":
        return [Maxout(inputs, units, pieces)]
    return [nn.Linear(inputs, units), nn.ReLU()]


def _class_units(s: DiscriminatorSettings, columns: int) -> list[nn.Module]:
    """D's hidden units for the class, and the dropout of the next layer's input."""
    return [*_hidden_layer(s, columns, s.class_units, s.pieces), Dropout(s.keep_prob_hidden)]


def _add_spectral_norm(net: nn.Sequential, seed: int) -> None:
    """Divide each weight by its largest singular value, with one power iteration per forward pass.

    Weights that act on the class only (`class_units`, a projection's vectors) are not changed.
    """
    key = Address(seed, 0, range(1)).words("power iteration", 1, np.uint64)
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(int(key[0, 0]))
        for layer in _layers_of_x(net):
            if isinstance(layer, nn.Linear | nn.Conv2d):
                spectral_norm(layer)


def _convolutions(
    s: DiscriminatorSettings, pixels: int, image_shape: ImageShape | None
) -> tuple[list[nn.Module], int]:
    """D's convolutional layers, if any, and the number of inputs of the next layer."""
    if not s.convolutions:
        return [], pixels
    channels, *sides = required_shape(image_shape, "D.convolutions")
    layers: list[nn.Module] = [nn.Unflatten(1, (channels, *sides))]
    keep_prob = s.keep_prob_input
    for maps, (kernel, padding, size, stride) in zip(s.convolutions, CONVOLUTIONS, strict=False):
        layers += [
            Dropout(keep_prob),
            MaxoutConvolution(channels, maps, s.convolution_pieces, kernel, padding),
            nn.MaxPool2d(size, stride, ceil_mode=True),
        ]
        convolved = [side + 2 * padding - kernel + 1 for side in sides]
        if min(convolved) < size:
            raise SettingError(
                "D.convolutions",
                f"has {len(s.convolutions)} values, for which images of this size are too small; "
                "give fewer convolutions or larger images.",
            )
        sides = [-(-(side - size) // stride) + 1 for side in convolved]
        channels, keep_prob = maps, s.keep_prob_hidden
    return [*layers, nn.Flatten()], channels * math.prod(sides)


def with_layout(tensor: Tensor, p: Tensor) -> Tensor:
    """The tensor with a parameter's strides; fused optimisers require them and do not check."""
    same = tensor.stride() == p.stride()
    return tensor if same else torch.empty_like(p, requires_grad=False).copy_(tensor)


def required_shape(image_shape: ImageShape | None, setting: str) -> ImageShape:
    """The image shape; raises a SettingError if the data are not images."""
    if image_shape is None:
        raise SettingError(setting, "needs images, but these data are not images; leave it out.")
    return image_shape


@torch.no_grad()
def start_at_marginals(G: nn.Sequential, train: UInt8[Tensor, "n pixels"]) -> None:
    """Set G's output bias to the logit of each pixel's mean over the training images.

    With small initial weights, G then starts at the mean image (released code, MNIST and TFD).
    Means are clipped to [1e-7, 1 − 1e-7].
    """
    output = next(m for m in reversed(G) if isinstance(m, nn.Linear | Deconvolution))
    bias = output.pixel_bias if isinstance(output, Deconvolution) else output.bias
    # Sum blocks of bytes in float32, which is exact for whole numbers below 2²⁴.
    block_as_floats = torch.empty(4096, train.shape[1])
    total = torch.zeros(train.shape[1], dtype=torch.float64)
    for block in train.split(4096):
        total += block_as_floats[: len(block)].copy_(block).sum(0)
    bias.copy_(torch.logit((total / (255.0 * len(train))).clamp(1e-7, 1 - 1e-7)))


def _layers_of_x(net: nn.Sequential) -> list[nn.Module]:
    """The layers that process x (in G: z), without those that process only the class.

    A `Branches` layer, if there is one, is the first layer.
    """
    first, *others = net
    return [*first.of_x, *others] if isinstance(first, Branches) else [first, *others]


def _one_per_layer(values: Sequence[T], layers: int) -> Sequence[T]:
    """One value per layer; a single value is repeated."""
    return [values[0]] * layers if len(values) == 1 else values


@torch.no_grad()
def _initialise_weights(
    net: nn.Sequential, ranges: Sequence[float], seed: int, purpose: str
) -> None:
    """Draw weights from U(−r, r), keyed by layer and row of the weight; set biases to 0.

    A single range applies to all layers. The class's own units use the first layer's range.
    """
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    layers = [m for m in _layers_of_x(net) if isinstance(m, kinds)]
    ranges = _one_per_layer(ranges, len(layers))
    first = net[0]
    if isinstance(first, Branches) and len(first.of_c):
        _initialise_weights(first.of_c, ranges[:1], seed, f"{purpose} for the class")
    for i, (layer, r) in enumerate(zip(layers, ranges, strict=True)):
        weight = layer.weight
        if weight.is_meta:  # a checkpoint will fill it (`runs.game_state`)
            continue
        u = Address(seed, i, range(len(weight))).uniform(purpose, weight[0].numel())
        weight.copy_(((2 * u - 1) * r).view_as(weight))
        if layer.bias is not None:
            layer.bias.zero_()
