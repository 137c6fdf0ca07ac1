"""Signs of a failing game: D wins, G collapsed, saturated, oscillating."""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from adversarial_nets import objectives
from adversarial_nets.datasets import Dataset
from adversarial_nets.game import sample
from adversarial_nets.state import Game

__all__ = [
    "TROUBLES",
    "Trouble",
    "diagnose",
    "discriminator_metrics",
    "trouble",
]


def spread(game: Game, data: Dataset) -> float:
    """How different the samples are from one another: their mean pixel variance over the data's.

    About 1 for a good generator, 0 for one that always draws the same image.
    """
    x = sample(game.G, game.settings, 100, "samples to watch")
    images = data.floats(data.train[:1000])
    return (x.var(0).mean() / images.var(0).mean().clamp_min(1e-12)).item()


@torch.no_grad()
def discriminator_metrics(game: Game, data: Dataset) -> dict[str, float]:
    """How D judges, without dropout, images that it has learned from and others, and samples.

    Returns:
        ``accuracy``: how often D is right on images that neither player has seen and on as many
        samples; ½ for a D that can only guess, where G wants the game to end (§1).
        ``V_training``, ``V_held_out``: V in nats (Equation 1) on training images and on those
        others, with the same samples. By what the first is above the second D has overfitted (§3).
    """
    like = next(game.D.parameters())
    training = game.D.training
    game.D.eval()
    a_x, a_unseen = (
        game.D(data.floats(images[:1000]).to(like)).reshape(-1).double()
        for images in (data.train, data.valid)
    )
    samples = sample(game.G, game.settings, len(a_unseen), "samples to watch").to(like)
    a_G_z = game.D(samples).reshape(-1).double()
    game.D.train(training)
    return {
        "accuracy": ((a_unseen > 0).double().mean() + (a_G_z <= 0).double().mean()).item() / 2,
        "V_training": objectives.value(a_x, a_G_z).item(),
        "V_held_out": objectives.value(a_unseen, a_G_z).item(),
    }


Trouble = Literal["D wins", "saturated", "collapsed", "not taken off", "circling"]

TROUBLES: Mapping[Trouble, str] = {
    "D wins": "D wins outright: it tells samples from data with over 99 % certainty, so it has "
    "little left to teach G. A smaller --k, a smaller --lr, or a wider G gives G a chance; so may "
    "another --seed where it happens early in the game.",
    "saturated": "G is saturated: D rejects its samples with certainty, where log(1 - D(G(z))) is "
    "flat and the minimax objective has no gradient. Try --objective non-saturating.",
    "collapsed": "G has collapsed: its samples have become almost the same image. More steps of D "
    "for each of G (--k), or a smaller --lr, may keep them in step.",
    "not taken off": "G has not taken off: after all these rounds its samples are still almost the "
    "same image. Another --lr, or larger first weights (--G.init), may start it.",
    "circling": "The players circle: G runs to and fro and D after it. A smaller --lr, or one that "
    "falls (--lr-decay), or a D that learns faster than G (--d-rate), lets them meet.",
}
"""What can go wrong with a game, in plain words, and what to try."""


def trouble(row: Mapping[str, Any], widest: float) -> Trouble | None:
    """What has gone wrong, or None.

    Args:
        row: ``D_x``, ``D_G_z``, ``spread`` and ``round``, as in the metrics; who knows them may add
            the ``objective``, the share of ``modes`` hit, and whether the samples are ``circling``.
        widest: the largest spread that the run has had. G may start with almost no spread, since
            its first weights are small; only what has been wide can collapse.

    >>> row = {"D_x": 1.0, "D_G_z": 0.001, "spread": 1.0, "round": 50}
    >>> trouble(row, widest=1.0), trouble(row | {"objective": "minimax"}, widest=1.0)
    ('D wins', 'saturated')
    """
    if row.get("objective") == "minimax" and row["D_G_z"] < 0.02:
        return "saturated"
    if row["D_x"] > 0.99 and row["D_G_z"] < 0.01:
        return "D wins"
    lost = row.get("modes", 1.0) <= 0.5 and row["round"] >= 300
    if lost or (row["spread"] < 0.1 and widest > 0.3):
        return "collapsed"
    if row["spread"] < 0.1 and row["round"] >= 5000:
        return "not taken off"
    return "circling" if row.get("circling") else None


def diagnose(row: Mapping[str, Any], widest: float) -> str | None:
    """What has gone wrong, in plain words, or None; see `trouble`.

    >>> diagnose({"D_x": 0.5, "D_G_z": 0.5, "spread": 1.0, "round": 5000}, widest=1.0) is None
    True
    """
    name = trouble(row, widest)
    return TROUBLES[name] if name else None
