"""The three updates of `game` with backpropagation written by hand, for multilayer perceptrons.

The same arithmetic as autograd's, in fewer and larger steps:

* Data and samples go through D as one batch.
* D gives one number an image, its logit a, so every loss reaches image i only through ∂L/∂a_i. One
  unit signal ∂a/∂· is sent back through D; scaled image by image, it serves both players.
* Such a D is piecewise linear. So the gradient of ‖∂a/∂x‖² (R1) needs no second backpropagation:
  ∂a/∂x goes once more up through the same pieces, and what reaches a layer takes the place of its
  input.
* Under plain SGD a weight's gradient is added to its velocity, or without momentum to the weight,
  inside the product that makes it.
* Nets work on (features, images), where the maximum of maxout, the mean of a batch and the products
  run over long contiguous lines.

Tests hold each update equal to autograd's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets.engine import distributed
from adversarial_nets.nets import Dropout, Maxout

if TYPE_CHECKING:
    from adversarial_nets.state import Game

__all__ = ["UPDATES", "applies"]

Logits = Float[Tensor, " m"]
Images = Float[Tensor, "m pixels"]
Noise = Float[Tensor, "m z_size"]
Values = Float[Tensor, "_ m"]  # (features, images)

_LETTERS: dict[type[nn.Module], str] = {
    **{nn.Linear: "L", Maxout: "M", Dropout: "d", nn.BatchNorm1d: "B"},
    **{nn.ReLU: "r", nn.LeakyReLU: "r", nn.Sigmoid: "s", nn.Tanh: "s"},
}


def applies(game: "Game") -> bool:
    """Whether this game's nets are of the kinds written out here.

    Batch normalisation only in G: in D it would tie the images of a batch together. A layer that
    stands in a net twice, or that has hooks, is left to autograd.
    """
    G, D = game.G, game.D
    if not (type(G) is nn.Sequential and type(D) is nn.Sequential):
        return False
    if any(len(set(net)) < len(net) or any(map(_is_hooked, (net, *net))) for net in (G, D)):
        return False
    G_spelt, D_spelt = ("".join(_LETTERS.get(type(layer), "?") for layer in n) for n in (G, D))
    return (
        re.fullmatch("(LB?[rs]?)+", G_spelt) is not None
        and re.fullmatch("(d?(M|Lr?))*d?L", D_spelt) is not None
        and all(_is_plain(layer) for net in (G, D) for layer in net)
        and all(p.requires_grad for net in (G, D) for p in net.parameters())
        and not ("B" in G_spelt and game.settings.batch == 1)  # torch refuses, as it should
        and game.settings.max_norm is None
        and not (game.reduced and next(D.parameters()).device.type != "cpu")  # autocast's there
    )


def _is_hooked(module: nn.Module) -> bool:
    """Whether something else happens when the module is called."""
    kinds = ("forward", "forward_pre", "backward", "backward_pre")
    return any(getattr(module, f"_{kind}_hooks") for kind in kinds)


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer does what its kind does by default."""
    if isinstance(layer, nn.BatchNorm1d):
        return layer.affine and layer.track_running_stats and layer.momentum is not None
    if isinstance(layer, nn.LeakyReLU):
        return 0 <= layer.negative_slope <= 1
    return not isinstance(layer, nn.Linear) or layer.bias is not None


# --- The updates ---------------------------------------------------------------------------------


@torch.no_grad()
def _update_D(game: "Game", x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """θ_d ascends the gradient of V on one minibatch."""
    m = len(x)
    a, tape = _judged(game, [(x.T, "data"), (_samples(game, z)[0], "samples for D")], step)
    linears = _backward(tape, torch.ones_like(a)[None], game.settings.r1 > 0)
    _descend_D(game, tape, linears, a, m)
    return a[:m], a[m:]


@torch.no_grad()
def _update_G(game: "Game", z: Noise, step: int) -> Logits:
    """θ_g descends the gradient of its objective on one minibatch."""
    G_z, tape_G = _samples(game, z)
    a, tape = _judged(game, [(G_z, "samples for G")], step)
    linears = _backward(tape, torch.ones_like(a)[None])
    _descend_G(game, tape_G, a, _at_x(tape, linears, slice(None)))
    return a


@torch.no_grad()
def _update_both(game: "Game", x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """Both gradients at the same θ_d and θ_g, from the same samples and masks (released code)."""
    m = len(x)
    G_z, tape_G = _samples(game, z)
    a, tape = _judged(game, [(x.T, "data"), (G_z, "samples for G")], step)
    linears = _backward(tape, torch.ones_like(a)[None], game.settings.r1 > 0)
    at_x = _at_x(tape, linears, slice(m, None))  # before D moves
    _descend_D(game, tape, linears, a, m)
    _descend_G(game, tape_G, a[m:], at_x)
    return a[:m], a[m:]


@torch.no_grad()
def _judge(game: "Game", x: Images, step: int) -> Logits:
    """D's logits on data, nobody learning."""
    return _judged(game, [(x.T, "data")], step)[0]


UPDATES = (_update_D, _update_G, _update_both, _judge)


# --- Forward and back ----------------------------------------------------------------------------

Tape = list[tuple[nn.Module, Sequence[Tensor]]]  # each layer with what its way back needs


@dataclass
class _Gradient:
    """∂L/∂(parameter), not yet computed: the sum over images of signal · hᵀ, or of signal."""

    parameter: Tensor
    signal: Values
    h: Values | None = None


def _forward(net: nn.Module, h: Values, masks: Sequence[Values] = ()) -> tuple[Values, Tape]:
    """The net's output, and its tape. `masks`, one for each dropout at work, are 0 or 1/keep.

    What a layer leaves behind may be overwritten by the next where the way back allows it.
    """
    tape: Tape = []
    left = list(masks)
    for layer in net.children():
        kept: Sequence[Tensor]
        match layer:
            case Dropout(keep=1):
                continue
            case Dropout():
                kept = [left.pop(0)]
                h = h.mul_(kept[0])
            case nn.Linear():
                kept = [h]
                h = torch.addmm(layer.bias[:, None], layer.weight, h)
                if isinstance(layer, Maxout):
                    v = h.view(layer.units, layer.pieces, -1)
                    h = v.amax(1)
                    kept = [*kept, torch.eq(v, h[:, None], out=v)]  # 1 for a unit's largest piece
            case nn.BatchNorm1d():
                h, kept = _normalised(layer, h)
            case nn.ReLU() | nn.LeakyReLU():
                h = nn.functional.leaky_relu_(h, _slope(layer))
                kept = [h]
            case _:
                h = h.sigmoid_() if isinstance(layer, nn.Sigmoid) else h.tanh_()
                kept = [h]
        tape.append((layer, kept))
    return h, tape


def _backward(tape: Tape, signal: Values, keep: bool = False) -> list[_Gradient]:
    """The gradients, top layer first, where the loss's derivative by the output is `signal`.

    Maxout's winners on the tape are overwritten, unless they are to be kept.
    """
    gradients = []
    for i, (layer, kept) in reversed(list(enumerate(tape))):
        match layer:
            case Dropout():
                signal = signal.mul_(kept[0])
            case nn.Linear():
                if isinstance(layer, Maxout):
                    won = kept[1]
                    share = signal.div_(won.sum(1))  # pieces that tie share
                    signal = torch.mul(won, share[:, None], out=None if keep else won)
                    signal = signal.flatten(0, 1)
                gradients += [
                    _Gradient(layer.weight, signal, kept[0]),
                    _Gradient(layer.bias, signal),
                ]
                if not any(isinstance(below, nn.Linear) for below, _ in tape[:i]):
                    break
                signal = layer.weight.T @ signal
            case nn.BatchNorm1d():
                normal, scale = kept
                by_normal = signal * normal
                gradients += [_Gradient(layer.weight, by_normal), _Gradient(layer.bias, signal)]
                signal = signal - signal.mean(1, keepdim=True)
                signal = signal.addcmul_(normal, by_normal.mean(1, keepdim=True), value=-1)
                signal = signal.mul_(scale * layer.weight[:, None])
            case nn.ReLU() | nn.LeakyReLU():
                signal = signal.mul_(kept[0].sign().clamp_(min=_slope(layer)))
            case nn.Sigmoid():
                signal = signal.mul_(kept[0]).mul_(1 - kept[0])
            case _:
                signal = signal.mul_(1 - kept[0].square())
    return gradients


def _slope(layer: nn.Module) -> float:
    """The slope below 0."""
    return layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0


def _normalised(layer: nn.BatchNorm1d, h: Values) -> tuple[Values, Sequence[Tensor]]:
    """Batch normalisation with its running statistics; and for the way back, normal values, 1/σ."""
    m = h.shape[1]
    mean = h.mean(1, keepdim=True)
    normal = h - mean
    var = normal.square().mean(1, keepdim=True)
    scale = (var + layer.eps).rsqrt_()
    normal.mul_(scale)
    unbiased = var * (m / (m - 1))
    for running, now in ((layer.running_mean, mean), (layer.running_var, unbiased)):
        assert running is not None
        running.lerp_(now[:, 0], layer.momentum or 0.0)
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked += 1
    return (normal * layer.weight[:, None]).add_(layer.bias[:, None]), [normal, scale]


def _samples(game: "Game", z: Noise) -> tuple[Values, Tape]:
    """G(z)."""
    return _forward(game.G, z.T)


# --- D -------------------------------------------------------------------------------------------


def _judged(
    game: "Game", batches: Sequence[tuple[Values, str]], step: int
) -> tuple[Float[Tensor, " images"], Tape]:
    """D's logits for the batches, one after the other, each with dropout masks of its own."""
    h = torch.cat([x for x, _ in batches], 1)
    masks: list[Values] = []
    width, number = len(h), 0
    for layer in game.D.children():
        if isinstance(layer, Dropout):
            purpose = f"dropout {number}"
            number += 1
            if layer.keep == 1:
                continue
            bits = [
                game.address(step).keep(f"{of}, {purpose}", width, layer.keep) for _, of in batches
            ]
            mask = torch.cat(bits).view(torch.uint8).T  # bytes become floats sooner than booleans
            masks.append(h.new_empty(mask.shape).copy_(mask).mul_(1 / layer.keep))
        elif isinstance(layer, Maxout):
            width = layer.units
        elif isinstance(layer, nn.Linear):
            width = layer.out_features
    a, tape = _forward(game.D, h, masks)
    return a[0], tape


def _at_x(tape: Tape, gradients: list[_Gradient], images: slice) -> Values:
    """∂a_i/∂x_i for these images."""
    bottom = next(layer for layer, _ in tape if isinstance(layer, nn.Linear))
    at_x = bottom.weight.T @ gradients[-1].signal[:, images]
    layer, kept = tape[0]
    return at_x.mul_(kept[0][:, images]) if isinstance(layer, Dropout) else at_x


def _descend_D(game: "Game", tape: Tape, gradients: list[_Gradient], a: Logits, m: int) -> None:
    """∂(−V)/∂a is −(1 − D(x))/m on data, D(G(z))/m on samples; then one step of D's optimiser."""
    s = game.settings
    weight = torch.cat([-torch.sigmoid(-a[:m]), torch.sigmoid(a[m:])])
    weight /= s.batch
    if s.protocol == "released":
        weight /= 2
    if s.r1:
        _add_r1(tape, gradients, m)
        weight = torch.cat([weight, weight.new_full((m,), s.r1 / s.batch)])
    _descend(game.optimiser_D, gradients, weight)


def _add_r1(tape: Tape, gradients: list[_Gradient], m: int) -> None:
    """Append to the images of each weight's gradient those of R1: ½ ‖∂a/∂x‖² on the m of data.

    With u = ∂a/∂x held fast, ‖u‖² is linear in u's way up through D's active pieces, as a is in
    x's, so its gradient by a weight is signal · tᵀ, t being how far u has come.
    """
    data = slice(m)
    of = {g.parameter: g for g in gradients}
    t = _at_x(tape, gradients, data)
    for layer, kept in tape:
        match layer:
            case Dropout():
                t = t * kept[0][:, data]
            case nn.Linear():
                g = of[layer.weight]
                signal = g.signal[:, data]
                g.signal, g.h = torch.cat([g.signal, signal], 1), torch.cat([kept[0], t], 1)
                t = layer.weight @ t
                if isinstance(layer, Maxout):
                    won = kept[1][..., data]
                    t = t.view_as(won).mul_(won).sum(1).div_(won.sum(1))
            case _:
                t = t * kept[0][:, data].sign().clamp_(min=_slope(layer))


# --- G -------------------------------------------------------------------------------------------


def _descend_G(game: "Game", tape: Tape, a: Logits, at_x: Values) -> None:
    """∂L/∂a of G's objective, sent down through D's signal and G's layers; then one step."""
    minimax = game.settings.objective == "minimax"
    weight = -torch.sigmoid(a if minimax else -a) / game.settings.batch
    gradients = _backward(tape, at_x.mul_(weight))
    _descend(game.optimiser_G, gradients, torch.ones_like(weight))


# --- One step of an optimiser --------------------------------------------------------------------


def _descend(
    optimiser: torch.optim.Optimizer, gradients: Sequence[_Gradient], weight: Logits
) -> None:
    """One step of the optimiser, each image's signal counted with its weight.

    Plain SGD needs no gradient by itself: v ← μv + signal · hᵀ is one product into torch's own v,
    and where μ is 0 so is θ ← θ − lr · signal · hᵀ.
    """
    if _is_plain_sgd(optimiser) and distributed.count() == 1:
        group = optimiser.param_groups[0]
        if group["momentum"] == 0:
            step = weight * -group["lr"]
            for g in gradients:
                _add(g.parameter, g, step, beta=1.0)
            return
        for g in gradients:
            state = optimiser.state[g.parameter]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(g.parameter)
            v = _add(state["momentum_buffer"], g, weight, beta=group["momentum"])
            g.parameter.add_(v, alpha=-group["lr"])
        return
    for g in gradients:
        grad = g.parameter.grad
        g.parameter.grad = _add(torch.empty_like(g.parameter) if grad is None else grad, g, weight)
    distributed.sum_(g.parameter.grad for g in gradients if g.parameter.grad is not None)
    optimiser.step()


def _add(total: Tensor, g: _Gradient, weight: Logits, beta: float = 0.0) -> Tensor:
    """Total becomes beta · total + the gradient."""
    if g.h is None:
        return total.addmv_(g.signal, weight[: g.signal.shape[1]], beta=beta)
    return total.addmm_(g.signal, g.h.mul_(weight).T, beta=beta)


def _is_plain_sgd(optimiser: torch.optim.Optimizer) -> bool:
    """Whether a step is v ← μv + g, θ ← θ − lr·v, and no more."""
    group = optimiser.param_groups[0]
    return (
        type(optimiser) is torch.optim.SGD
        and len(optimiser.param_groups) == 1
        and not any(group[key] for key in ("dampening", "weight_decay", "nesterov", "maximize"))
    )
