"""The three updates of `game` with backpropagation written by hand, for the published perceptrons.

The same arithmetic as autograd's, in fewer and larger steps:

* Data and samples go through D as one batch.
* D gives one number an image, its logit a, so every loss reaches image i only through ∂L/∂a_i. One
  unit signal ∂a/∂· is sent back through D; scaled image by image, it serves both players.
* A weight's gradient is added to its velocity inside the matrix product that makes it.
* D works on (features, images), where maxout's maximum runs over long contiguous lines.

Tests hold each update equal to autograd's.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets.nets import Dropout, Maxout
from adversarial_nets.randomness import Address

if TYPE_CHECKING:
    from adversarial_nets.game import Game

__all__ = ["UPDATES", "applies"]

Logits = Float[Tensor, " m"]
Images = Float[Tensor, "m pixels"]
Noise = Float[Tensor, "m z_size"]


def applies(game: "Game") -> bool:
    """Whether this game's nets and optimisers are the ones written out here."""
    G, D = game.G, game.D
    plain_sgd = all(
        type(o) is torch.optim.SGD
        and len(o.param_groups) == 1
        and not any(o.param_groups[0][key] for key in ("dampening", "weight_decay", "nesterov"))
        for o in (game.optimiser_G, game.optimiser_D)
    )
    if not (plain_sgd and type(G) is nn.Sequential and type(D) is nn.Sequential):
        return False
    kinds_G, kinds_D = [type(layer) for layer in G], [type(layer) for layer in D]
    hidden = len(kinds_D) // 2 - 1
    return (
        kinds_G[::2] == [nn.Linear] * len(kinds_G[::2])
        and all(kind in (nn.ReLU, nn.Sigmoid) for kind in kinds_G[1::2])
        and kinds_D == [Dropout, Maxout] * hidden + [Dropout, nn.Linear]
        and all(p.requires_grad for net in (G, D) for p in net.parameters())
    )


# --- The updates ---------------------------------------------------------------------------------


@torch.no_grad()
def _update_D(game: "Game", x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """θ_d ascends the gradient of V on one minibatch."""
    m = len(x)
    p = _forward_D(game, [(x, "data"), (_forward_G(game.G, z)[-1], "samples for D")], step)
    _backward_D(p)
    _descend_D(game, p, m)
    return p.a[:m], p.a[m:]


@torch.no_grad()
def _update_G(game: "Game", z: Noise, step: int) -> Logits:
    """θ_g descends the gradient of its objective on one minibatch."""
    values = _forward_G(game.G, z)
    p = _forward_D(game, [(values[-1], "samples for G")], step)
    _backward_D(p)
    _descend_G(game, values, p.a, _signal_at_x(p, 0))
    return p.a


@torch.no_grad()
def _update_both(game: "Game", x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """Both gradients at the same θ_d and θ_g, from the same samples and masks (released code)."""
    m = len(x)
    values = _forward_G(game.G, z)
    p = _forward_D(game, [(x, "data"), (values[-1], "samples for G")], step)
    _backward_D(p)
    at_x = _signal_at_x(p, m)  # before D moves
    _descend_D(game, p, m)
    _descend_G(game, values, p.a[m:], at_x)
    return p.a[:m], p.a[m:]


@torch.no_grad()
def _judge(game: "Game", x: Images, step: int) -> Logits:
    """D's logits on data, nobody learning."""
    return _forward_D(game, [(x, "data")], step).a


UPDATES = (_update_D, _update_G, _update_both, _judge)


# --- D -------------------------------------------------------------------------------------------


@dataclass
class _Pass:
    """What D's forward pass leaves for the way back; lists run from the bottom layer to the top."""

    layers: list[nn.Linear]
    inputs: list[Float[Tensor, "_ m"]]  # (features, m), after dropout
    masks: list[Float[Tensor, "_ m"]]  # 0 or 1/keep
    shares: list[
        Float[Tensor, "_ _ m"]
    ]  # (units, pieces, m): 1 for the piece that won its unit, or 0
    a: Logits
    signals: list[Float[Tensor, "_ m"]]  # ∂a/∂(the layer's linear output)


def _forward_D(game: "Game", batches: list[tuple[Images, str]], step: int) -> _Pass:
    """D's logits for the batches, one after the other, each with dropout masks of its own."""
    dropouts = [layer for layer in game.D.children() if isinstance(layer, Dropout)]
    layers = [layer for layer in game.D.children() if isinstance(layer, nn.Linear)]
    h = torch.cat([x for x, _ in batches]).T
    inputs, masks, shares = [], [], []
    for i, (dropout, layer) in enumerate(zip(dropouts, layers, strict=True)):
        mask = torch.cat(
            [
                Address(game.settings.seed, step, range(len(x))).keep(
                    f"{purpose}, dropout {i}", len(h), dropout.keep
                )
                for x, purpose in batches
            ]
        )
        mask = mask.to(h.device, h.dtype).mul_(1 / dropout.keep).T
        h = h.mul_(mask)
        inputs.append(h)
        masks.append(mask)
        h = torch.addmm(layer.bias[:, None], layer.weight, h)
        if isinstance(layer, Maxout):
            v = h.view(layer.units, layer.pieces, -1)
            h = v.amax(1)
            share = torch.eq(v, h[:, None], out=v)
            shares.append(share.div_(share.sum(1, keepdim=True)))  # a tie is shared
    return _Pass(layers, inputs, masks, shares, h[0], [])


def _backward_D(p: _Pass) -> None:
    """The unit signal ∂a_i/∂· of each image i, at every layer's linear output."""
    p.signals = [torch.ones_like(p.a)[None]]
    for layer, mask, share in zip(p.layers[:0:-1], p.masks[:0:-1], p.shares[::-1], strict=True):
        at_h = (layer.weight.T @ p.signals[0]).mul_(mask)
        p.signals.insert(0, share.mul_(at_h[:, None]).flatten(0, 1))


def _signal_at_x(p: _Pass, first: int) -> Images:
    """∂a_i/∂x_i for the images from `first` on."""
    return (p.signals[0][:, first:].T @ p.layers[0].weight).mul_(p.masks[0].T[first:])


def _descend_D(game: "Game", p: _Pass, m: int) -> None:
    """∂(−V)/∂a is −(1 − D(x))/m on data, D(G(z))/m on samples; then one step of D's optimiser."""
    weight = torch.cat([-torch.sigmoid(-p.a[:m]), torch.sigmoid(p.a[m:])]) / m
    if game.settings.protocol == "released":
        weight /= 2
    for layer, h, signal in zip(p.layers, p.inputs, p.signals, strict=True):
        _step(game.optimiser_D, layer, signal, h.mul_(weight).T, signal @ weight)


# --- G -------------------------------------------------------------------------------------------


def _forward_G(G: nn.Module, z: Noise) -> list[Float[Tensor, "m _"]]:
    """The values after each layer of G, noise first, images last."""
    values = [z]
    for layer in G.children():
        if isinstance(layer, nn.Linear):
            values.append(torch.addmm(layer.bias, values[-1], layer.weight.T))
        elif isinstance(layer, nn.ReLU):
            values[-1].relu_()
        else:
            values[-1].sigmoid_()
    return values


def _descend_G(game: "Game", values: list[Float[Tensor, "m _"]], a: Logits, at_x: Images) -> None:
    """∂L/∂a of G's objective, sent down through D's signal and G's layers, stepping as it goes."""
    minimax = game.settings.objective == "minimax"
    weight = -torch.sigmoid(a if minimax else -a) / len(a)
    signal = at_x.mul_(weight[:, None])
    h = values.pop()
    for layer in reversed(list(game.G.children())):
        if isinstance(layer, nn.ReLU):
            signal.mul_(h > 0)
        elif isinstance(layer, nn.Sigmoid):
            signal.mul_(h).mul_(1 - h)
        else:
            assert isinstance(layer, nn.Linear)
            below, h = signal, values.pop()
            if values:
                signal = below @ layer.weight  # before the layer moves
            _step(game.optimiser_G, layer, below.T, h, below.sum(0))


# --- SGD with momentum ---------------------------------------------------------------------------


def _step(
    optimiser: torch.optim.Optimizer,
    layer: nn.Linear,
    signal: Float[Tensor, "outputs m"],
    h: Float[Tensor, "m inputs"],
    bias_gradient: Float[Tensor, " outputs"],
) -> None:
    """SGD: v ← μv + g, θ ← θ − lr·v, with g = signal·h made inside v; v is torch's own buffer."""
    group = optimiser.param_groups[0]
    for p in (layer.weight, layer.bias):
        if "momentum_buffer" not in optimiser.state[p]:
            optimiser.state[p]["momentum_buffer"] = torch.zeros_like(p)
    v, v_bias = (optimiser.state[p]["momentum_buffer"] for p in (layer.weight, layer.bias))
    v.addmm_(signal, h, beta=group["momentum"])
    v_bias.mul_(group["momentum"]).add_(bias_gradient)
    layer.weight.add_(v, alpha=-group["lr"])
    layer.bias.add_(v_bias, alpha=-group["lr"])
