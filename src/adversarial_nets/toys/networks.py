"""Networks for toy games: D for standardised data, float64 evaluation, and G's gradient field."""

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from adversarial_nets import encoders, nets, objectives
from adversarial_nets.errors import Diverged
from adversarial_nets.layers import evaluation_mode, reference_parameter
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game

__all__ = [
    "Affine",
    "check_finite",
    "evaluate",
    "gradient_field",
    "make_discriminator",
    "rows_of_samples",
]


class Affine(nn.Module):
    """Shift and scale each coordinate, for example to standardise data.

    Args:
        shift: added after scaling, one number per coordinate.
        scale: factors, one per coordinate.
    """

    def __init__(self, shift: Float64[np.ndarray, " d"], scale: Float64[np.ndarray, " d"]) -> None:
        super().__init__()
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.tensor(shift))
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, x: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
        """Scale and shift: shift + scale · x. Shapes: (m, d) to (m, d)."""
        return self.shift + self.scale * x


def make_discriminator(settings: Settings, x: Float64[np.ndarray, "n d"]) -> nn.Sequential:
    """The settings' D with an input layer that standardises data like x."""
    mean, std = x.mean(0), x.std(0)
    layers = nets.discriminator(settings.D, x.shape[1], settings.seed)
    return nn.Sequential(Affine(-mean / std, 1 / std), *layers)


@torch.no_grad()
def evaluate(net: nn.Module, x: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n outputs"]:
    """A network's outputs at points x in evaluation mode (no dropout), as float64."""
    p = reference_parameter(net)
    with evaluation_mode(net):
        return net(torch.from_numpy(x).to(p)).double().reshape(len(x), -1).cpu().numpy()


def rows_of_samples(
    game: Game, z: Float64[np.ndarray, "n inputs"]
) -> Float64[np.ndarray, "n values"]:
    """D's input for samples: G(z), with the class in a conditional game, with z in a joint game."""
    return np.hstack([evaluate(game.G, z), z[:, z.shape[1] - game.condition_columns :]])


def gradient_field(
    game: Game, x: Float64[np.ndarray, "n d"], z: Float64[np.ndarray, "n z_size"] | None = None
) -> Float64[np.ndarray, "n d"]:
    """The negative gradient of G's loss at each sample x: the direction of descent.

    With D's logit a(x), the negative gradient is D(x)·∇a(x) for the minimax objective, which
    vanishes where D(x) is near 0 (saturation, §3), and (1 − D(x))·∇a(x) for the non-saturating
    objective.

    Args:
        game: the game; its D and its objective are used.
        x: samples.
        z: their noise, which is also an input of D in the joint game.

    Returns:
        n times the negative gradient of the mean loss over the n samples.
    """
    at = torch.from_numpy(x).to(reference_parameter(game.D)).requires_grad_()
    data, rows = game.data.minibatch(game.address(0), 0).to(at), at
    if z is not None:
        data, rows = encoders.pairs(game.G, data), torch.cat([at, torch.from_numpy(z).to(at)], 1)
    with evaluation_mode(game.D):
        a_x, a_G_z = game.D(data).detach().reshape(-1), game.D(rows).reshape(-1)
    a_x = a_x[torch.arange(len(at)) % len(a_x)]  # a paired objective needs one for each sample
    if z is None:
        loss = objectives.generator_loss(a_G_z, game.settings.objective, a_x)
    else:
        loss = objectives.joint_loss(a_x, a_G_z, game.settings.objective)
    (gradient,) = torch.autograd.grad(loss, at)
    return -len(x) * gradient.double().numpy()


def check_finite(game: Game, *values: np.ndarray) -> None:
    """Check that outputs of a game's networks are finite.

    Raises:
        Diverged: a value is NaN or infinite.
    """
    if not all(np.isfinite(v).all() for v in values):
        raise Diverged(
            f"At round {game.round} the networks' outputs are NaN or infinite; they must be "
            "finite. Lower the learning rate."
        )
