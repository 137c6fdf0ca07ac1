"""Algorithm 1: the game between G and D, as one loop to be held beside the paper.

`play` is the algorithm. Below it stand its three updates, written for autograd so that any pair of
modules can play; `backprop` has the same three by hand for multilayer perceptrons.
"""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import nets, objectives, priors
from adversarial_nets.datasets import Dataset, Source
from adversarial_nets.engine import distributed, manual_backprop
from adversarial_nets.engine.precision import bfloat16_products
from adversarial_nets.errors import UserError
from adversarial_nets.random import Address
from adversarial_nets.settings import LIVE, Settings
from adversarial_nets.state import Game, Images, Logits, Noise

__all__ = [
    "change",
    "draw_data",
    "epoch_of",
    "new_game",
    "play",
    "rounds_in",
    "sample",
]

# The running average moves once in this many rounds, by as much as that many steps would have moved
# it: nobody can see the difference, and it costs a tenth of the time.
AVERAGE_EVERY = 10


def play(game: Game, rounds: int, observe: Callable[[Game], None] = lambda _: None) -> None:
    """Algorithm 1: minibatch stochastic gradient training of generative adversarial nets.

    Args:
        game: the game; it is changed in place.
        rounds: play until this many rounds have been played since the game began.
        observe: called after every round.
    """
    s = game.settings
    update_D, update_G, update_both, judge = _updates(game)
    released = s.protocol == "released"  # D's last step and G's step are one, on the same z

    while game.round < rounds:  # for number of training iterations do
        _follow_schedules(game)
        _seed_torch(game)
        first, last = game.round * s.k, (game.round + 1) * s.k - 1
        alone = "G" if game.round < s.head_start else s.players  # (both, in Algorithm 1)
        if alone == "G":
            a_x = judge(game, draw_data(game, last), last)
            a_G_z = a = update_G(game, draw_noise(game, last, "z for G"), last)
        else:
            together = released and alone == "both"
            for step in range(first, first + s.k - together):  # for k steps do
                z = draw_noise(game, step, "z for D")  # • sample m noise vectors
                x = draw_data(game, step)  # • sample m images from p_data
                a_x, a_G_z = update_D(game, x, z, step)  # • ascend D's gradient
            if together:
                z, x = draw_noise(game, last, "z for G"), draw_data(game, last)
                a_x, a_G_z = update_both(game, x, z, last)
                a = a_G_z
            elif alone == "D":
                a = a_G_z  # (G stands still)
            else:
                z = draw_noise(game, last, "z for G")  # • sample m noise vectors
                a = update_G(game, z, last)  # • descend G's gradient
        _average(game)
        _count(game, a_x, a_G_z, a)
        game.round += 1
        observe(game)


def _update_D(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """θ_d ascends the gradient of V on one minibatch."""
    with torch.no_grad():
        G_z = _samples(game, z)
    x.requires_grad_(game.settings.r1 > 0)
    a_x, a_G_z = _logits(game, x, step, "data"), _logits(game, G_z, step, "samples for D")
    _set_gradients(game, game.D, _d_loss(game, x, a_x, a_G_z))
    _step(game, game.D, game.optimiser_D)
    return a_x.detach(), a_G_z.detach()


def _update_G(game: Game, z: Noise, step: int) -> Logits:
    """θ_g descends the gradient of its objective on one minibatch."""
    a_G_z = _logits(game, _samples(game, z), step, "samples for G")
    _set_gradients(game, game.G, objectives.generator_loss(a_G_z, game.settings.objective))
    _step(game, game.G, game.optimiser_G)
    return a_G_z.detach()


def _update_both(game: Game, x: Images, z: Noise, step: int) -> tuple[Logits, Logits]:
    """Both gradients at the same θ_d and θ_g, from the same samples and masks (released code)."""
    x.requires_grad_(game.settings.r1 > 0)
    a_x, a_G_z = (
        _logits(game, x, step, "data"),
        _logits(game, _samples(game, z), step, "samples for G"),
    )
    _set_gradients(game, game.D, _d_loss(game, x, a_x, a_G_z), keep_graph=True)
    _set_gradients(game, game.G, objectives.generator_loss(a_G_z, game.settings.objective))
    _step(game, game.D, game.optimiser_D)
    _step(game, game.G, game.optimiser_G)
    return a_x.detach(), a_G_z.detach()


@torch.no_grad()
def _judge(game: Game, x: Images, step: int) -> Logits:
    """D's logits on data, nobody learning."""
    return _logits(game, x, step, "data")


UPDATES = (_update_D, _update_G, _update_both, _judge)


def _updates(game: Game) -> tuple[Callable[..., Any], ...]:
    """The updates that play this game: by hand or by autograd, with products as it asks for."""
    updates = manual_backprop.UPDATES if game.by_hand else UPDATES
    if not game.reduced:
        return updates
    in_bfloat16 = bfloat16_products(_like(game.G).device)
    return tuple(in_bfloat16(update) for update in updates)


def _logits(game: Game, x: Images, step: int, purpose: str) -> Logits:
    """D's logits in training, its dropout masks drawn at this step's address."""
    nets.address_dropout(game.D, game.address(step), purpose)
    return game.D(x).reshape(-1).to(_like(game.D).dtype)


def _samples(game: Game, z: Noise) -> Images:
    """G(z), in training."""
    return game.G(z).to(_like(game.G).dtype)


def _d_loss(game: Game, x: Images, a_x: Logits, a_G_z: Logits) -> Float[Tensor, ""]:
    """−V, which the released code halves; and what D's slope on data costs it."""
    s = game.settings
    loss = objectives.discriminator_loss(a_x, a_G_z)
    if s.protocol == "released":
        loss = loss / 2
    return loss + objectives.r1(x, a_x, s.r1) if s.r1 else loss


def _set_gradients(
    game: Game, net: nn.Module, loss: Float[Tensor, ""], keep_graph: bool = False
) -> None:
    """The gradient of the loss in this net's parameters, and in no other's.

    Of workers that share the minibatch, each brings its part of the mean, and all get the sum.
    """
    loss = loss * game.part
    parameters = [p for p in net.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, retain_graph=keep_graph, allow_unused=True)
    distributed.sum_(gradient for gradient in gradients if gradient is not None)
    for p, gradient in zip(parameters, gradients, strict=True):
        p.grad = gradient


def _step(game: Game, net: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """One step of the gradient rule, then the limit on the weights' norms (TFD)."""
    optimiser.step()
    if game.settings.max_norm is not None:
        nets.limit_norms(net, game.settings.max_norm)


# --- What a round draws --------------------------------------------------------------------------


def draw_noise(game: Game, step: int, purpose: str) -> Noise:
    """A minibatch of m noise vectors z from the prior p_z."""
    s = game.settings
    z = priors.draw(s.prior, game.address(step), s.z_size, purpose)
    return z.to(_like(game.G))


def draw_data(game: Game, step: int) -> Images:
    """A minibatch of m examples from p_data."""
    return game.data.minibatch(game.address(step), game.settings.batch).to(_like(game.D))


def _seed_torch(game: Game) -> None:
    """Let a module of one's own that draws from torch's generator draw the same in this round."""
    if not game.by_hand:
        word = Address(game.settings.seed, game.round, range(1)).words("torch", 1, np.uint64)
        torch.manual_seed(int(word[0, 0]))


def _like(net: nn.Module) -> Tensor:
    """A tensor with the net's device and type."""
    return next(net.parameters())


# --- Schedules, averages, counts -----------------------------------------------------------------


def rounds_in(settings: Settings, data: Source, epochs: float) -> int:
    """How many rounds pass over the data that many times; D sees k·m examples a round."""
    return max(1, math.ceil(epochs * data.epoch / (settings.k * settings.batch)))


def epoch_of(game: Game, round: int) -> int:
    """The epoch, counted from 1, to which a round belongs, counted from 0; k·m images a round."""
    s = game.settings
    return 1 + round * s.k * s.batch // game.data.epoch


def _follow_schedules(game: Game) -> None:
    """Set the round's learning rate and momentum.

    The published rule is v ← μv − lr·g, θ ← θ + v; PyTorch keeps v ← μv + g, θ ← θ − lr·v. With μ
    times lr_{t−1} / lr_t in place of μ the two move θ alike.
    """
    s, t = game.settings, game.round
    lr, momentum = s.lr_at(t), s.momentum_at(epoch_of(game, t))
    for optimiser, rate in ((game.optimiser_D, s.d_rate), (game.optimiser_G, 1.0)):
        for group in optimiser.param_groups:
            group["lr"] = lr * rate * group.get("lr_scale", 1.0)
            if isinstance(optimiser, torch.optim.SGD) and lr > 0:  # (at 0 nothing moves any more)
                group["momentum"] = momentum * s.lr_at(max(t - 1, 0)) / lr


@torch.no_grad()
def _average(game: Game) -> None:
    """Move the averaged weights towards G's.

    Early on the average looks back no further than about a tenth of the rounds played, so that it
    soon forgets the first weights.
    """
    t = game.round + 1
    if game.averaged is not None and t % AVERAGE_EVERY == 0:
        weight = 1 - min(game.settings.average, (1 + t) / (10 + t)) ** AVERAGE_EVERY
        mean, now = game.averaged.state_dict(), game.G.state_dict()
        for name, x in now.items():  # batch normalisation's means and variances, too; not its count
            mean[name].lerp_(x, weight) if x.is_floating_point() else mean[name].copy_(x)


def _count(game: Game, a_x: Logits, a_G_z: Logits, a: Logits) -> None:
    """Add a round to the tally: D's logits on data and samples, and those that G learned from."""
    outcome = (
        objectives.discriminator_loss(a_x, a_G_z),
        objectives.generator_loss(a, game.settings.objective),
        a_x.sigmoid().mean(),
        a_G_z.sigmoid().mean(),
    )
    game.tally.rounds += 1
    game.tally.sums += torch.stack(outcome).to(game.tally.sums) * game.part


# --- Beginning a game, and its samples -----------------------------------------------------------

Optimiser = Callable[..., torch.optim.Optimizer]
M = TypeVar("M", bound=nn.Module)


def new_game(
    settings: Settings,
    data: Source,
    *,
    G: nn.Module | None = None,
    D: nn.Module | None = None,
    optimiser: Optimiser | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    by_hand: bool | None = None,
    reduced: bool = False,
) -> Game:
    """Set up a game at round 0.

    Args:
        settings: the numbers that define the game.
        data: what to learn: a `datasets.Dataset`, or anything that draws minibatches.
        G: your own generator in place of the settings' (noise (m, z_size) to images (m, pixels)).
        D: your own discriminator in place of the settings' (images (m, pixels) to one logit each).
        optimiser: called with each player's parameters, makes its optimiser, e.g.
            ``functools.partial(torch.optim.RMSprop, centered=True)``. Its learning rate is set from
            the settings before every round; a parameter group may hold a factor ``lr_scale``.
        device: where both nets live, e.g. ``"cpu"`` or ``"cuda"``.
        dtype: the floating type of both nets.
        by_hand: play with `backprop`'s updates (True), with autograd's (False), or by hand wherever
            they apply (None).
        reduced: make products in bfloat16 (mixed precision).

    Raises:
        UserError: a generator whose sigmoid outputs can never be data like these.
    """
    s = settings
    shape = data.image_shape if isinstance(data, Dataset) else None
    if G is None:
        low, high = data.range if isinstance(data, Dataset) else (0.0, 1.0)
        if s.G.output == "sigmoid" and (low < 0 or high > 1):
            raise UserError(
                "These data have values outside [0, 1], where a sigmoid cannot follow: give "
                "--G.output linear, or take the data's own preset by leaving --preset out."
            )
        G = nets.generator(s.G, s.z_size, data.pixels, s.seed, shape)
        # (The logit of a mean is a start for what goes through a sigmoid, and for nothing else.)
        if s.G.bias_from_marginals and s.G.output == "sigmoid" and isinstance(data, Dataset):
            nets.start_at_marginals(G, data.train)
    if D is None:
        D = nets.discriminator(s.D, data.pixels, s.seed, shape)
    G, D = G.to(device, dtype), D.to(device, dtype)
    game = Game(
        settings=s,
        data=data,
        G=G,
        D=D,
        optimiser_G=(optimiser or _optimiser(s, "G"))(_groups(s, G)),
        optimiser_D=(optimiser or _optimiser(s, "D"))(D.parameters()),
        averaged=copy.deepcopy(G).requires_grad_(False) if s.average else None,
    )
    game.reduced = reduced
    game.by_hand = manual_backprop.applies(game) if by_hand is None else by_hand
    return game


def change(game: Game, settings: Settings) -> None:
    """Go on with other settings from the next round, the nets as they are.

    A player whose gradient rule changes begins the new one without momentum. SGD's velocity is
    kept in units of the gradient: where lr changes, what is left of it moves at the new lr.

    Raises:
        UserError: a setting that only a new game can change (`settings.LIVE` has the others).
    """
    before, after = game.settings.options(), settings.options()
    stuck = [name for name in after if after[name] != before[name] and name not in LIVE]
    if stuck:
        raise UserError(f"{', '.join(stuck)} cannot change during a game; start a new one.")
    rules = _rules(game.settings), _rules(settings)
    game.settings = settings
    if rules[0]["G"] != rules[1]["G"]:
        game.optimiser_G = _optimiser(settings, "G")(_groups(settings, game.G))
    if rules[0]["D"] != rules[1]["D"]:
        game.optimiser_D = _optimiser(settings, "D")(game.D.parameters())
    if before["--momentum"] != after["--momentum"]:  # (SGD's is set before each round)
        for optimiser in (game.optimiser_G, game.optimiser_D):
            for group in optimiser.param_groups if isinstance(optimiser, torch.optim.Adam) else ():
                group["betas"] = (settings.momentum, group["betas"][1])
    keeps = (settings.D.keep_input, settings.D.keep_hidden)
    for i, module in enumerate(m for m in game.D.modules() if isinstance(m, nets.Dropout)):
        module.keep = keeps[min(i, 1)]
    game.by_hand = game.by_hand and manual_backprop.applies(game)


def _rules(s: Settings) -> dict[str, str]:
    """Each player's gradient rule."""
    return {"G": s.optimiser, "D": s.optimiser_D or s.optimiser}


def _optimiser(s: Settings, player: str) -> Optimiser:
    """The settings' gradient rule for a player, waiting for its parameters."""
    if _rules(s)[player] == "sgd":
        return lambda p: torch.optim.SGD(p, lr=s.lr, momentum=s.momentum, fused=True)
    return lambda p: torch.optim.Adam(p, lr=s.lr, betas=(s.momentum, 0.999), fused=True)


def _groups(s: Settings, G: nn.Module) -> Iterable[nn.Parameter] | list[dict[str, Any]]:
    """G's parameters, those of its output layer apart where they learn at a rate of their own."""
    if s.G.output_rate == 1:
        return G.parameters()
    top = [m for m in G.modules() if any(True for _ in m.parameters(recurse=False))][-1]
    own = list(top.parameters())
    rest = [p for p in G.parameters() if all(p is not q for q in own)]
    groups: list[dict[str, Any]] = [{"params": rest}]
    return [*groups, {"params": own, "lr_scale": s.G.output_rate}]


@torch.no_grad()
def sample(
    G: nn.Module, settings: Settings, n: int, purpose: str = "samples", first: int = 0
) -> Float[Tensor, "n pixels"]:
    """Samples of the model: n images G(z), one forward pass each, no Markov chain.

    Args:
        G: the generator, raw or averaged.
        settings: the game's, for the prior and the seed.
        n: how many.
        purpose: samples for different purposes are independent.
        first: the number of the first sample, so that many can be had block by block.
    """
    if n == 0:  # a process's share of few
        return sample(G, settings, 1, purpose, first)[:0]
    training = G.training
    G.eval()
    p = next(G.parameters())
    blocks = []
    for start in range(first, first + n, 1000):
        rows = range(start, min(start + 1000, first + n))
        z = priors.draw(settings.prior, Address(settings.seed, 0, rows), settings.z_size, purpose)
        blocks.append(G(z.to(p)))
    G.train(training)
    return torch.cat(blocks)
