"""The page on which a visitor chooses z: a trained G as small as a picture, in one HTML file."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from adversarial_nets.encoders import GeneratorWithEncoder
from adversarial_nets.errors import UserError
from adversarial_nets.layers import Branches, Dropout
from adversarial_nets.report.commands import train_command
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run

__all__ = ["layers_of", "model"]

LARGEST = 3_000_000
"""Weights of the largest G that a page carries: 12 MB of text."""

_ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.Sigmoid: "sigmoid",
    nn.Identity: "linear",
}


def model(run: Run | Path, weights: str | None = None) -> dict[str, Any]:
    """A run's generator as JSON for the page.

    Args:
        run: the run.
        weights: ``raw`` or ``averaged``; by default as `Run.default_weights`.

    Returns:
        ``layers`` (see `layers_of`), ``z_size``, ``prior``, ``shape`` of an image, ``low`` and
        ``high`` of its values, the names of its ``classes`` (empty for an unconditional G), and the
        ``command`` that trained it, for the page's text.

    Raises:
        UserError: the folder is not a run, or its G cannot be computed in a page.
    """
    run = runs_folder.open_run(run)
    if run.settings.condition == "masks":
        raise UserError(
            f"{run.folder} fills in images; the page needs a G that maps noise to images. Use a "
            "run without --condition masks."
        )
    G, round = game_state.load_generator(run, weights=weights)
    G = G.G if isinstance(G, GeneratorWithEncoder) else G
    return {
        "layers": layers_of(G),
        "z_size": run.settings.z_size,
        "prior": run.settings.prior,
        "shape": list(run.image_shape),
        "low": run.range[0],
        "high": run.range[1],
        "classes": list(run.classes) if len(run.classes) > 1 else [],
        "command": train_command(run, round),
    }


def layers_of(G: nn.Module) -> list[dict[str, Any]]:
    """The layers of a multilayer perceptron as JSON, with weights rounded to 24 bits.

    Each row of a weight matrix is stored as integers in ±(2²³ − 1) and one scale. float16 would
    take two thirds of the space, but change pixels of a trained quickstart by up to .008.

    Returns:
        For each layer ``inputs``, ``outputs``, ``activation``; and in base64, little-endian:
        ``high`` (int16) and ``low`` (uint8), outputs × inputs, which stand for the integer
        256 · high + low; ``scale`` and ``bias`` (float32, outputs).

    Raises:
        UserError: a layer that is not linear, batch normalisation, ReLU or sigmoid; or too many
            weights for a page.
    """
    found: list[dict[str, Any]] = []
    linear: list[tuple[torch.Tensor, torch.Tensor, str]] = []
    for layer in G.children():
        if type(layer) is Branches:
            linear.append(_side_by_side(layer))
        elif type(layer) is nn.Linear:
            linear.append((layer.weight.double(), layer.bias.double(), "linear"))
        elif type(layer) is nn.BatchNorm1d and linear:
            linear[-1] = (*_normalised(*linear[-1][:2], layer), "linear")
        elif type(layer) in _ACTIVATIONS and linear:
            linear[-1] = (*linear[-1][:2], _ACTIVATIONS[type(layer)])
        elif type(layer) is not Dropout:  # dropout is off when images are generated
            raise UserError(
                f"The generator has the layer {type(layer).__name__}, which the page cannot "
                "compute. Use a run whose G consists of linear layers with ReLU or sigmoid."
            )
    size = sum(weight.numel() for weight, _, _ in linear)
    if size > LARGEST:
        raise UserError(
            f"The generator has {size:,} weights, too many for a page. Use a run with at most "
            f"{LARGEST:,}, for example of the preset quickstart."
        )
    for weight, bias, activation in linear:
        scale = (weight.abs().amax(1) / (2**23 - 1)).clamp_min(1e-30).float().double()
        integers = (weight / scale[:, None]).round().clamp(-(2**23), 2**23 - 1)
        high = (integers / 256).floor()
        found.append(
            {
                "inputs": weight.shape[1],
                "outputs": weight.shape[0],
                "activation": activation,
                "high": _encode(high, "<i2"),
                "low": _encode(integers - 256 * high, "<u1"),
                "scale": _encode(scale, "<f4"),
                "bias": _encode(bias, "<f4"),
            }
        )
    return found


def _side_by_side(branches: Branches) -> tuple[torch.Tensor, torch.Tensor, str]:
    """Two linear layers for z and for the class, as one layer with zeros in its weights.

    Raises:
        UserError: the branches are not one linear layer with ReLU each.
    """
    kinds = [[type(layer) for layer in branch] for branch in (branches.of_x, branches.of_c)]
    if kinds != [[nn.Linear, nn.ReLU]] * 2:
        raise UserError(
            "The generator has branches that the page cannot compute. Use a run whose G has one "
            "hidden layer for z and one for the class, or none (--G.class-units 0)."
        )
    of_z, of_c = branches.of_x[0], branches.of_c[0]
    assert isinstance(of_z, nn.Linear)
    assert isinstance(of_c, nn.Linear)
    weight = torch.block_diag(of_z.weight.double(), of_c.weight.double())
    return weight, torch.cat([of_z.bias.double(), of_c.bias.double()]), "relu"


def _normalised(
    weight: torch.Tensor, bias: torch.Tensor, norm: nn.BatchNorm1d
) -> tuple[torch.Tensor, torch.Tensor]:
    """A linear layer followed by batch normalisation in evaluation mode, as one linear layer."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = norm.weight.double() / (variance.double() + norm.eps).sqrt()
    return weight * factor[:, None], (bias - mean.double()) * factor + norm.bias.double()


def _encode(values: torch.Tensor, kind: str) -> str:
    """Numbers as text."""
    return base64.b64encode(values.detach().numpy().astype(np.dtype(kind)).tobytes()).decode()
