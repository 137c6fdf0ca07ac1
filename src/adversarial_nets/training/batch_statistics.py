"""Recompute batch normalisation's running mean and variance from samples of G.

In training, G normalises by the mean and variance of its minibatch. For samples that do not depend
on each other it needs fixed values. PyTorch keeps a running average over past minibatches, but this
average lags behind weights that change quickly, and does not fit an average of weights
(docs/log/pictures.md, "Batch normalisation's statistics"). So mean and variance are recomputed
before samples are drawn for a picture or a score, and before G is saved.
"""

import torch
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.classes import drawn_classes, generator_input
from adversarial_nets.encoders import GeneratorWithEncoder
from adversarial_nets.layers import evaluation_mode, reference_parameter
from adversarial_nets.minibatches import masked_images
from adversarial_nets.random import Address, seeded_torch
from adversarial_nets.state import Game

__all__ = ["measure_batch_statistics"]

N_BATCHES, BATCH_SIZE = 8, 250
"""Number of minibatches over which the statistics are averaged, and of samples in each."""

_BatchNorm = nn.modules.batchnorm._BatchNorm  # the common class of all dimensions


@torch.no_grad()
def measure_batch_statistics(game: Game) -> None:
    """Set the running statistics of raw and averaged G to those of 2,000 samples.

    The statistics of an encoder are those of equally many training images. In a game with masks the
    condition is made from equally many training images with random masks, as in training.

    The statistics depend only on the weights and the seed, and no update of G or D uses them. So
    this does not affect the training. Networks without batch normalisation are not changed.
    """
    for G in (game.G, game.averaged):
        if G is not None:
            _measure(G, game)


def _measure(G: nn.Module, game: Game) -> None:
    """Measure one G's statistics; in the joint game also its encoder's, from training images."""
    layers = [m for m in G.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not layers:
        return
    before = [(m.momentum, m.num_batches_tracked) for m in layers]
    settings, like = game.settings, reference_parameter(G)
    purpose = "statistics of batch normalisation"
    with evaluation_mode(G):  # no dropout
        for layer in layers:
            layer.num_batches_tracked = torch.tensor(0)
            layer.momentum = None  # a plain mean over the minibatches
            layer.train()
        for i in range(N_BATCHES):
            address = Address(settings.seed, 0, range(BATCH_SIZE * i, BATCH_SIZE * (i + 1)))
            z = priors.draw(settings.prior, address, settings.z_size, purpose)
            if settings.condition == "masks":
                c: Tensor | None = masked_images(game, address, 0)
            else:
                c = drawn_classes(G, address, purpose)
            inputs = generator_input(G, z, c).to(like)
            with seeded_torch(address, f"torch, {purpose}", like.device):
                G(inputs)
            if isinstance(G, GeneratorWithEncoder):
                G.E(game.data.minibatch(address, 0).to(like))
    for layer, (momentum, batches) in zip(layers, before, strict=True):
        layer.momentum, layer.num_batches_tracked = momentum, batches
