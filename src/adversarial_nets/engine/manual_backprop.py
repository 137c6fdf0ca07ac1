"""The updates of `game` by manually written backpropagation, for multilayer perceptrons.

`manual_support.supports` decides whether it can be used for a game.

Its updates equal those of autograd (the tests compare every update), with fewer, larger operations:

* Data and samples go through D as one batch.
* D outputs one number per image, its logit a, so every loss depends on image i only through a_i.
  The gradient of a is backpropagated through D once. Multiplied for each image by ∂L/∂a_i, it gives
  the gradients of both D's and G's loss.
* A maxout or ReLU network is piecewise linear. So the gradient of ‖∂a/∂x‖² (R1) needs no double
  backpropagation: ∂a/∂x is propagated forward once more through the same active pieces, in place of
  x.
* Under plain SGD a weight's gradient is added to its velocity (without momentum, to the weight)
  inside the matrix product that computes it.
* Activations are stored as (features, images), so that the maximum of maxout, batch means and
  matrix products run over long contiguous rows.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import distributed, objectives
from adversarial_nets.layers import Branches, Dropout, Maxout, Projection
from adversarial_nets.state import Game, Images, Logits, Noise

__all__ = ["d_logits", "update_D", "update_G", "update_both"]

Values = Float[Tensor, "_ m"]  # (features, images)

# --- The updates ---------------------------------------------------------------------------------


@torch.no_grad()
def update_D(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """θ_d ascends the stochastic gradient of V; returns D's logits on data and samples."""
    m = len(x)
    G_z, _ = _samples(game, z, step, "samples for D")
    a, tape = _discriminate(game, [(x.T, "data"), (G_z, "samples for D")], step)
    linears = _backward(tape, torch.ones_like(a)[None], game.settings.r1 > 0)
    _step_D(game, tape, linears, a, m)
    return a[:m], a[m:]


@torch.no_grad()
def update_G(game: Game, z: Noise, step: int, purpose: str) -> Logits:
    """θ_g descends the stochastic gradient of G's loss; returns D's logits on samples."""
    G_z, tape_G = _samples(game, z, step, purpose)
    a, tape = _discriminate(game, [(G_z, purpose)], step)
    linears = _backward(tape, torch.ones_like(a)[None])
    _step_G(game, tape_G, a, _input_gradient(tape, linears, slice(None)))
    return a


@torch.no_grad()
def update_both(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """Update D and G with gradients at the same θ_d and θ_g, samples and masks (released code)."""
    m = len(x)
    G_z, tape_G = _samples(game, z, step, "samples for G")
    a, tape = _discriminate(game, [(x.T, "data"), (G_z, "samples for G")], step)
    linears = _backward(tape, torch.ones_like(a)[None], game.settings.r1 > 0)
    at_x = _input_gradient(tape, linears, slice(m, None))  # before D's update
    _step_D(game, tape, linears, a, m)
    _step_G(game, tape_G, a[m:], at_x)
    return a[:m], a[m:]


@torch.no_grad()
def d_logits(game: Game, x: Images, step: int) -> Logits:
    """D's logits on data, without an update."""
    return _discriminate(game, [(x.T, "data")], step)[0]


# --- Forward and back ----------------------------------------------------------------------------

Masks = Callable[[float, int], Tensor | None]
"""A function of keep_prob and width that returns the next dropout layer's mask, with the values 0
and 1/keep_prob; None if the layer keeps all values."""


@dataclass
class _Taped:
    """A layer with the tensors that its backward pass needs.

    Attributes:
        layer: the layer.
        saved: the layer's inputs, outputs or masks that its backward pass needs.
        branches: for a `Branches` layer, the tapes of x and of c.
        sizes: for a `Branches` layer, the numbers of output values of x and of c.
    """

    layer: nn.Module
    saved: Sequence[Tensor] = ()
    branches: Sequence[list["_Taped"]] = ()
    sizes: list[int] = field(default_factory=list)


Tape = list[_Taped]


@dataclass
class _Gradient:
    """The factors of a parameter's gradient: Σ over images of signal · hᵀ, or of signal (bias)."""

    parameter: Tensor
    signal: Values
    h: Values | None = None


def _forward(net: nn.Module, h: Values, masks: Masks) -> tuple[Values, Tape]:
    """The network's output and its tape.

    A layer may overwrite its input in place where the backward pass does not need it.
    """
    tape: Tape = []
    for layer in net.children():
        taped = _Taped(layer)
        match layer:
            case Branches():
                of_x, x = _forward(layer.of_x, h[: layer.size].clone(), masks)
                of_c, c = _forward(layer.of_c, h[layer.size :].clone(), masks)
                taped.branches, taped.sizes = (x, c), [len(of_x), len(of_c)]
                h = torch.cat([of_x, of_c])
            case Dropout():
                mask = masks(layer.keep_prob, len(h))
                if mask is None:
                    continue
                is_kept = tape and isinstance(tape[-1].layer, nn.Sigmoid | nn.Tanh)
                taped.saved, h = [mask], h * mask if is_kept else h.mul_(mask)
            case Projection():
                h, taped.saved = _project(layer, h)
            case nn.Linear():
                taped.saved = [h]
                h = torch.addmm(layer.bias[:, None], layer.weight, h)
                if isinstance(layer, Maxout):
                    v = h.view(layer.units, layer.pieces, -1)
                    h = v.amax(1)
                    taped.saved = [*taped.saved, torch.eq(v, h[:, None], out=v)]  # 1: maximal piece
            case nn.BatchNorm1d():
                h, taped.saved = _batch_norm(layer, h)
            case nn.ReLU() | nn.LeakyReLU():
                h = nn.functional.leaky_relu_(h, _negative_slope(layer))
                taped.saved = [h]
            case _:
                h = h.sigmoid_() if isinstance(layer, nn.Sigmoid) else h.tanh_()
                taped.saved = [h]
        tape.append(taped)
    return h, tape


def _backward(tape: Tape, signal: Values, keep: bool = False) -> list[_Gradient]:
    """The parameters' gradients, top layer first, for the output gradient `signal`.

    Maxout's masks of maximal pieces on the tape are overwritten unless `keep` is True.
    """
    gradients = []
    for i, taped in reversed(list(enumerate(tape))):
        layer, saved = taped.layer, taped.saved
        match layer:
            case Branches():
                n = taped.sizes[0]
                gradients += _backward(taped.branches[1], signal[n:].clone(), keep)
                gradients += _backward(taped.branches[0], signal[:n].clone(), keep)
            case Dropout():
                signal = signal.mul_(saved[0])
            case Projection():
                h, c, weight = saved
                gradients += [
                    _Gradient(layer.embedding, signal * c, h.clone()),
                    _Gradient(layer.weight, signal, h),
                    _Gradient(layer.bias, signal),
                ]
                signal = signal * weight
            case nn.Linear():
                if isinstance(layer, Maxout):
                    is_max = saved[1]
                    share = signal.div_(is_max.sum(1))  # tied pieces share the gradient
                    signal = torch.mul(is_max, share[:, None], out=None if keep else is_max)
                    signal = signal.flatten(0, 1)
                gradients += [
                    _Gradient(layer.weight, signal, saved[0]),
                    _Gradient(layer.bias, signal),
                ]
                if not _has_weights(tape[:i]):
                    break
                signal = layer.weight.T @ signal
            case nn.BatchNorm1d():
                normal, scale = saved
                by_normal = signal * normal
                gradients += [_Gradient(layer.weight, by_normal), _Gradient(layer.bias, signal)]
                signal = signal - signal.mean(1, keepdim=True)
                signal = signal.addcmul_(normal, by_normal.mean(1, keepdim=True), value=-1)
                signal = signal.mul_(scale * layer.weight[:, None])
            case nn.ReLU() | nn.LeakyReLU():
                signal = signal.mul_(saved[0].sign().clamp_(min=_negative_slope(layer)))
            case nn.Sigmoid():
                signal = signal.mul_(saved[0]).mul_(1 - saved[0])
            case _:
                signal = signal.mul_(1 - saved[0].square())
    return gradients


def _project(layer: Projection, hc: Values) -> tuple[Values, Sequence[Tensor]]:
    """The logit (ψ + e_c)·h + b of each image; also returns (h, c, ψ + e_c)."""
    h, c = hc[: layer.in_features], hc[layer.in_features :]
    weight = torch.addmm(layer.weight.T, layer.embedding.T, c)
    return (weight * h).sum(0, keepdim=True).add_(layer.bias), [h, c, weight]


def _has_weights(tape: Tape) -> bool:
    """Whether any layer of the tape has weights."""
    return any(
        isinstance(taped.layer, nn.Linear) or any(map(_has_weights, taped.branches))
        for taped in tape
    )


def _negative_slope(layer: nn.Module) -> float:
    """The activation's slope for negative inputs: 0 for ReLU."""
    return layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0


def _batch_norm(layer: nn.BatchNorm1d, h: Values) -> tuple[Values, Sequence[Tensor]]:
    """Batch normalisation, updating running statistics; also returns (normalised values, 1/σ)."""
    mean = h.mean(1, keepdim=True)
    normal = h - mean
    var = normal.square().mean(1, keepdim=True)
    scale = (var + layer.eps).rsqrt_()
    normal.mul_(scale)
    unbiased = var * (h.shape[1] / (h.shape[1] - 1))
    for running, now in ((layer.running_mean, mean), (layer.running_var, unbiased)):
        assert running is not None
        running.lerp_(now[:, 0], layer.momentum or 0.0)
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked += 1
    return (normal * layer.weight[:, None]).add_(layer.bias[:, None]), [normal, scale]


def _masks(game: Game, step: int, purposes: Sequence[str], like: Values) -> Masks:
    """Dropout masks for concatenated minibatches, each with its own purpose."""
    numbers = itertools.count()

    def next_mask(keep_prob: float, width: int) -> Tensor | None:
        number = next(numbers)
        if keep_prob == 1:
            return None
        bits = [
            game.address(step).bernoulli_mask(f"{purpose}, dropout {number}", width, keep_prob)
            for purpose in purposes
        ]
        # bytes are converted to floats faster than booleans
        mask = torch.cat(bits).view(torch.uint8).T
        return like.new_empty(mask.shape).copy_(mask).mul_(1 / keep_prob)

    return next_mask


def _samples(game: Game, z: Noise, step: int, purpose: str) -> tuple[Values, Tape]:
    """G(z) as (features, images), in a conditional game (G(z, c), c), and G's tape. Copies z."""
    G_z, tape = _forward(game.G, z.T.clone(), _masks(game, step, [f"{purpose}, in G"], z))
    if game.condition_columns:
        G_z = torch.cat([G_z, z.T[-game.condition_columns :]])
    return G_z, tape


# --- D -------------------------------------------------------------------------------------------


def _discriminate(
    game: Game, batches: Sequence[tuple[Values, str]], step: int
) -> tuple[Float[Tensor, " images"], Tape]:
    """D's logits on the concatenated batches, each with its own dropout masks."""
    h = torch.cat([x for x, _ in batches], 1)
    a, tape = _forward(game.D, h, _masks(game, step, [purpose for _, purpose in batches], h))
    return a[0], tape


def _input_gradient(tape: Tape, gradients: list[_Gradient], images: slice) -> Values:
    """∂a_i/∂x_i for these images, without the columns of a condition."""
    signals = {g.parameter: g.signal for g in gradients}
    first = tape[0].layer
    path = [*tape[0].branches[0], *tape[1:]] if isinstance(first, Branches) else tape
    bottom = next(taped.layer for taped in path if isinstance(taped.layer, nn.Linear))
    at_x = bottom.weight.T @ signals[bottom.weight][:, images]
    if isinstance(first, Branches):
        at_x = at_x[: first.size]
    return at_x.mul_(path[0].saved[0][:, images]) if isinstance(path[0].layer, Dropout) else at_x


def _step_D(game: Game, tape: Tape, gradients: list[_Gradient], a: Logits, m: int) -> None:
    """Multiply the gradients of a by ∂L/∂a of D's loss, and make one step of D's optimiser."""
    s = game.settings
    weight = torch.cat(objectives.d_logit_gradients(objectives.find(s.objective), a[:m], a[m:]))
    weight /= s.batch
    if s.protocol == "released":
        weight /= 2
    if s.r1:
        _add_r1(tape, gradients, m)
        weight = torch.cat([weight, weight.new_full((m,), s.r1 / s.batch)])
    _step(game.optimiser_D, gradients, weight)


def _add_r1(tape: Tape, gradients: list[_Gradient], m: int) -> None:
    """Append the gradient of R1, ½ ‖∂a/∂x‖² on the m images of data, to each weight's gradient.

    R1's gradient equals the gradient of u · ∂a/∂x with u = ∂a/∂x held constant. This is linear in
    each weight, because a is. So u is propagated forward through D's active pieces as a tangent t;
    the gradient with respect to a weight is signal · tᵀ, with t at that layer's input.
    """
    t = _input_gradient(tape, gradients, slice(m))
    _propagate_tangent(tape, {g.parameter: g for g in gradients}, t, slice(m))


def _propagate_tangent(
    tape: Tape, gradient_of: Mapping[Tensor, _Gradient], t: Values, data: slice
) -> Values:
    """Propagate t forward through the active pieces; extend each weight's gradient on the way.

    A condition is not part of x, so the units of the condition do not contribute to t.
    """
    for taped in tape:
        layer, saved = taped.layer, taped.saved
        match layer:
            case Branches():
                t = _propagate_tangent(taped.branches[0], gradient_of, t, data)
                t = torch.cat([t, t.new_zeros(taped.sizes[1], t.shape[1])])
            case Dropout():
                t = t * saved[0][:, data]
            case Projection():
                t = t[: layer.in_features]
                _extend(gradient_of[layer.weight], t, data)
                _extend(gradient_of[layer.embedding], t, data)
            case nn.Linear():
                _extend(gradient_of[layer.weight], t, data)
                t = layer.weight @ t
                if isinstance(layer, Maxout):
                    is_max = saved[1][..., data]
                    t = t.view_as(is_max).mul_(is_max).sum(1).div_(is_max.sum(1))
            case _:
                t = t * saved[0][:, data].sign().clamp_(min=_negative_slope(layer))
    return t


def _extend(g: _Gradient, t: Values, data: slice) -> None:
    """Append R1's factors, the signal on data and the tangent t, to a weight's gradient."""
    assert g.h is not None
    g.signal, g.h = torch.cat([g.signal, g.signal[:, data]], 1), torch.cat([g.h, t], 1)


# --- G -------------------------------------------------------------------------------------------


def _step_G(game: Game, tape: Tape, a: Logits, at_x: Values) -> None:
    """Multiply D's input gradient by ∂L/∂a of G's loss, backpropagate it through G and update G."""
    objective = objectives.find(game.settings.objective)
    weight = objectives.g_logit_gradient(objective, a) / game.settings.batch
    gradients = _backward(tape, at_x.mul_(weight))
    _step(game.optimiser_G, gradients, torch.ones_like(weight))


# --- One step of an optimiser --------------------------------------------------------------------


def _step(optimiser: torch.optim.Optimizer, gradients: Sequence[_Gradient], weight: Logits) -> None:
    """Make one step of the optimiser; each image's gradient is multiplied by its weight.

    Plain SGD needs no separate gradient: one matrix product computes v ← μv + signal · hᵀ in
    torch's own velocity, or, if μ = 0, θ ← θ − lr · signal · hᵀ. Overwrites each h.
    """
    if _is_plain_sgd(optimiser, gradients) and distributed.world_size() == 1:
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
    distributed.all_reduce_sum(g.parameter.grad for g in gradients if g.parameter.grad is not None)
    optimiser.step()


def _add(total: Tensor, g: _Gradient, weight: Logits, beta: float = 0.0) -> Tensor:
    """Set total to beta · total + the weighted gradient; overwrites g.h."""
    if g.h is None:
        return total.addmv_(g.signal, weight[: g.signal.shape[1]], beta=beta)
    return total.addmm_(g.signal, g.h.mul_(weight[: g.h.shape[1]]).T, beta=beta)


def _is_plain_sgd(optimiser: torch.optim.Optimizer, gradients: Sequence[_Gradient]) -> bool:
    """Whether a step is exactly v ← μv + g, θ ← θ − lr·v for all these parameters."""
    group = optimiser.param_groups[0]
    return (
        type(optimiser) is torch.optim.SGD
        and len(optimiser.param_groups) == 1
        and {id(p) for p in group["params"]} == {id(g.parameter) for g in gradients}
        and not any(group[key] for key in ("dampening", "weight_decay", "nesterov", "maximize"))
    )
