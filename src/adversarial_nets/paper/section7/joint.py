"""§7, extension 2, with E learned together with G: the joint game of G, E and D.

Donahue et al. 2017 (BiGAN, arXiv:1605.09782) and Dumoulin et al. 2017 (ALI, arXiv:1606.00704). D
compares pairs: (x, E(x)) of data and (G(z), z) of the model. The value function is Equation 1 on
pairs,

    V(D, E, G) = E_x log D(x, E(x)) + E_z log(1 − D(G(z), z)),

D ascends it, E and G descend it together, in the non-saturating form. At the optimum both pairs
have the same distribution; if E and G are functions, they then invert each other (Donahue et al.
2017, Theorem 2).

The networks and rules are those of BiGAN on permutation-invariant MNIST, as released: all three
networks are updated together. The setting `joint` trains the same game with the networks and rules
of any preset (`game`). In that game z enters D with x at the first layer; here z enters at the
second layer.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import objectives
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.optimisers import (
    adam_state,
    adam_step,
    batches_per_epoch,
    minibatch,
)
from adversarial_nets.convolutional import Signed
from adversarial_nets.random import Address

__all__ = [
    "JointNetworks",
    "JointSettings",
    "PairDiscriminator",
    "draw_z",
    "fit_joint",
    "last_hidden_layer",
    "losses",
]

Images = Float[Tensor, "n pixels"]
Noise = Float[Tensor, "n z_size"]
Logits = Float[Tensor, " n"]
Loss = Float[Tensor, ""]

SLOPE = 0.2  # LeakyReLU's slope for negative inputs
BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class JointSettings:
    """Settings of the joint game; the defaults are the released ones.

    Attributes:
        hidden: units of both hidden layers of each network.
        z_size: dimension of z ~ U(−1, 1).
        output: activation of G's output: sigmoid for images in [0, 1], linear for points.
        epochs: passes over the data; in the second half the learning rate falls to 1 %.
        batch: images in a minibatch.
        lr: Adam's learning rate.
        weight_decay: factor of the weights that is added to their gradients.
        init: standard deviation of the initial weights.
        bounded: whether E(x) lies in (−1, 1), as z does: 2σ(a) − 1 with a linear output a.
        joint: whether E is trained; without E, D's input is x alone: the usual game of the same
            networks.
        seed: seed of all random draws.
    """

    hidden: tuple[int, int] = (1024, 1024)
    z_size: int = 50
    output: str = "sigmoid"
    epochs: int = 400
    batch: int = 128
    lr: float = 2e-4
    weight_decay: float = 2.5e-5
    init: float = 0.02
    bounded: bool = True
    joint: bool = True
    seed: int = 0


class PairDiscriminator(nn.Module):
    """D(x, z): a multilayer perceptron of x, with a linear map of z added to its second layer."""

    def __init__(self, pixels: int, z_size: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        first, second = hidden
        self.of_x, self.of_z = nn.Linear(pixels, first), nn.Linear(z_size, second, bias=False)
        self.second, self.output = nn.Linear(first, second), nn.Linear(second, 1)
        self.norm = nn.BatchNorm1d(second, affine=False)

    def forward(self, x: Images, z: Noise) -> Logits:
        """Shapes: (n, pixels) and (n, z_size) to (n,)."""
        h = nn.functional.leaky_relu(self.of_x(x), SLOPE)
        h = nn.functional.leaky_relu(self.norm(self.second(h) + self.of_z(z)), SLOPE)
        logits: Tensor = self.output(h)
        return logits[:, 0]


class JointNetworks(nn.Module):
    """G, E and D of the joint game.

    Args:
        pixels: values of an image.
        s: the settings.
    """

    def __init__(self, pixels: int, s: JointSettings) -> None:
        super().__init__()
        end: list[nn.Module] = [nn.Sigmoid()] if s.output == "sigmoid" else []
        self.G = _perceptron((s.z_size, *s.hidden, pixels), nn.ReLU(), end)
        within: list[nn.Module] = [nn.Sigmoid(), Signed()] if s.bounded else []
        self.E = _perceptron((pixels, *s.hidden, s.z_size), nn.LeakyReLU(SLOPE), within)
        self.D = PairDiscriminator(pixels, s.z_size, s.hidden)
        with torch.no_grad():
            for i, layer in enumerate(m for m in self.modules() if isinstance(m, nn.Linear)):
                rows = Address(s.seed, i, range(layer.out_features))
                layer.weight.copy_(s.init * rows.normal("joint: weights", layer.in_features))
                if layer.bias is not None:
                    layer.bias.zero_()


def _perceptron(
    sizes: tuple[int, ...], activation: nn.Module, end: list[nn.Module]
) -> nn.Sequential:
    """Linear layers; hidden layers have batch normalisation without gain and bias."""
    layers: list[nn.Module] = []
    for inputs, units in pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, units), nn.BatchNorm1d(units, affine=False), activation]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]), *end)


def last_hidden_layer(E: nn.Sequential) -> nn.Sequential:
    """E without its last linear layer and the layers after it; shares E's weights."""
    last = max(i for i, layer in enumerate(E) if isinstance(layer, nn.Linear))
    return nn.Sequential(*list(E)[:last])


def losses(nets: JointNetworks, x: Images, z: Noise, joint: bool = True) -> tuple[Loss, Loss]:
    """D's loss −V, and the loss of E and G together, on one minibatch.

    Args:
        nets: the networks, in training mode.
        x: data.
        z: noise.
        joint: whether z is an input of D.
    """
    G_z = nets.G(z)
    z = z if joint else torch.zeros_like(z)
    E_x = nets.E(x) if joint else torch.zeros_like(z)
    a_x, a_G_z = nets.D(x, E_x), nets.D(G_z, z)
    of_D = objectives.discriminator_loss(a_x, a_G_z)
    return of_D, objectives.joint_loss(a_x, a_G_z, "non-saturating")


def draw_z(s: JointSettings, address: Address, purpose: str) -> Noise:
    """Draw z ~ U(−1, 1), one for each row of the address."""
    return 2 * address.uniform(purpose, s.z_size) - 1


def fit_joint(data: Images, s: JointSettings, session: FitSession | None = None) -> JointNetworks:
    """Train the joint game.

    Args:
        data: training images, or points in the plane with `s.output` linear.
        s: the settings.
        session: saves and resumes the game; nothing is saved if None.

    Returns:
        The networks in evaluation mode.
    """
    nets = JointNetworks(data.shape[1], s).train()
    of_D = dict(nets.D.named_parameters())
    parts = {"G": nets.G, "E": nets.E} if s.joint else {"G": nets.G}
    others = {f"{n}.{name}": p for n, net in parts.items() for name, p in net.named_parameters()}
    states = adam_state(of_D), adam_state(others)
    state = {f"{i}/{name}": x for i, part in enumerate(states) for name, x in part.items()}
    total = s.epochs * batches_per_epoch(data, s.batch)
    steps = (session or FitSession()).steps(total, nets, nets.state_dict(), state)
    for step, record_loss in steps.until(total, {**of_D, **others}):
        x = minibatch(data, s.seed, step, s.batch)
        z = draw_z(s, Address(s.seed, step, range(s.batch)), "joint: z")
        loss_D, loss_others = losses(nets, x, z, s.joint)
        lr = s.lr * 0.01 ** max(0.0, 2 * step / total - 1)
        by_D = torch.autograd.grad(loss_D, list(of_D.values()), retain_graph=True)
        by_others = torch.autograd.grad(loss_others, list(others.values()))
        adam_step(of_D, states[0], by_D, lr, BETAS, weight_decay=s.weight_decay)
        adam_step(others, states[1], by_others, lr, BETAS, weight_decay=s.weight_decay)
        record_loss(loss_D.item())
    return nets.eval()
