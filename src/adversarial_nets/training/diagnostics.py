"""Signs of a failing game: D too strong, G collapsed or saturated, both oscillating."""

from collections.abc import Mapping
from typing import Any, Literal

import torch

from adversarial_nets import objectives
from adversarial_nets.datasets import Dataset, sample_images
from adversarial_nets.game import sample
from adversarial_nets.languages import Text, text
from adversarial_nets.layers import evaluation_mode, reference_parameter
from adversarial_nets.minibatches import condition_of, condition_of_samples
from adversarial_nets.optimisers import OPTIMISERS
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game

__all__ = [
    "MAX_ROUNDS_WITHOUT_DIVERSITY",
    "PROBLEMS",
    "Problem",
    "describe_problem",
    "discriminator_metrics",
    "find_problem",
    "rounds_without_diversity",
    "variance_ratio",
]


def variance_ratio(game: Game, data: Dataset) -> float:
    """Diversity of the samples: their mean pixel variance divided by the data's.

    The value is about 1 for a good generator, and 0 if all samples are equal. It is 1 if there is
    only one training image, which has no variance.
    """
    if len(data.train) == 1:
        return 1.0
    x = sample(game.G, game.settings, 100, "samples to watch")
    images = sample_images(data, "train", 1000)
    return (x.var(0).mean() / images.var(0).mean().clamp_min(1e-12)).item()


@torch.no_grad()
def discriminator_metrics(game: Game, data: Dataset) -> dict[str, float]:
    """D's accuracy and V without dropout, on training images, held-out images and samples.

    Returns:
        ``accuracy``: D's accuracy on held-out images and equally many samples; ½ at the optimum of
        the game (§4.1); left out if the objective has no threshold. ``V_training``, ``V_held_out``:
        V in nats (Equation 1) on training and on held-out images, with the same samples. Their
        difference measures D's overfitting (§3).
    """
    like = reference_parameter(game.D)
    n = min(1000, len(data.valid))
    x, held_out = (sample_images(data, split, 1000) for split in ("train", "valid"))
    c_x, c_held_out = (condition_of(game, data, split, 1000) for split in ("train", "valid"))
    c_samples = condition_of_samples(game, n, c_held_out)
    c = None if game.settings.joint else c_held_out
    samples = sample(game.G, game.settings, n, "samples to watch", c=c)
    inputs = (
        images if condition is None else torch.cat([images, condition.to(images)], 1)
        for images, condition in ((x, c_x), (held_out, c_held_out), (samples, c_samples))
    )
    with evaluation_mode(game.D):
        # MPS has no float64, so the logits are moved to the CPU first.
        a_x, a_held_out, a_G_z = (
            game.D(rows.to(like)).reshape(-1).cpu().double() for rows in inputs
        )
    found = {
        "V_training": objectives.value(a_x, a_G_z).item(),
        "V_held_out": objectives.value(a_held_out, a_G_z).item(),
    }
    t = objectives.find(game.settings.objective).threshold
    if t is not None:
        right = (a_held_out > t).double().mean() + (a_G_z <= t).double().mean()
        found = {"accuracy": right.item() / 2, **found}
    return found


MAX_ROUNDS_WITHOUT_DIVERSITY = 5000
"""Number of rounds after which equal samples are a problem in any game."""

Problem = Literal["D too strong", "saturated", "collapsed", "no diversity", "oscillating"]

PROBLEMS: Mapping[Problem, Text] = {
    "D too strong": text(
        "D is too strong: it separates samples from data with over 99 % certainty, so its gradient "
        "gives G little information about the data. Try a smaller k, a smaller lr or a wider G; "
        "early in training, another seed.",
        "D 过强：区分样本与数据的置信度超过 99%，它的梯度几乎不能告诉 G 数据在哪里。可尝试："
        "减小 k、减小 lr 或加宽 G；若在训练初期，也可更换随机种子。",
    ),
    "saturated": text(
        "G's objective is saturated: D rejects its samples with certainty, and there the minimax "
        "objective log(1 - D(G(z))) has almost no gradient. Try the non-saturating objective.",
        "G 的目标函数已饱和：D 对样本的输出接近 0，此处极小极大目标函数 log(1 − D(G(z))) "
        "几乎没有梯度。可尝试：改用非饱和目标函数。",
    ),
    "collapsed": text(
        "G has collapsed: its samples are almost the same image. Try more updates of D for each of "
        "G (k) or a smaller lr.",
        "G 发生模式崩溃：它的样本几乎是同一张图像。可尝试：增加每轮中 D 的更新步数（k），"
        "或减小 lr。",
    ),
    "no diversity": text(
        "G has not started to learn: its samples are still almost the same image. Try another lr "
        "or larger initial weights (G.init).",
        "G 尚未开始学习：它的样本仍几乎是同一张图像。可尝试：更换 lr，或增大初始权重（G.init）。",
    ),
    "oscillating": text(
        "The game oscillates: G and D change back and forth without converging. Try a smaller lr, "
        "one that falls (lr_decay), or a faster D (d_lr_multiplier).",
        "博弈出现振荡：G 与 D 来回变化而不收敛。可尝试：减小 lr、让 lr 逐渐衰减（lr_decay），"
        "或增大 D 的学习率（d_lr_multiplier）。",
    ),
}
"""The problems of a game and what to try, by the problem's name."""


def rounds_without_diversity(settings: Settings, own_nets: bool = False) -> int:
    """The number of rounds after which it is a problem if all samples are almost equal.

    With the published initial weights D's output stays at ½ for about 400 rounds, and the spread
    exceeds .1 only at round 550 (presets quickstart and fast) or 850 (mnist), with lr .1 or more.
    SGD with a smaller lr takes proportionally longer. For your own networks this delay is not
    assumed.

    >>> rounds_without_diversity(Settings()), rounds_without_diversity(Settings(lr=0.05))
    (2000, 4000)
    >>> rounds_without_diversity(Settings(), own_nets=True)
    1000
    """
    if own_nets:
        return 1000
    slower = 0.1 / settings.lr if OPTIMISERS[settings.optimiser].has_published_rates else 1.0
    return min(round(2000 * max(slower, 1.0)), MAX_ROUNDS_WITHOUT_DIVERSITY)


def find_problem(
    row: Mapping[str, Any], widest: float, allowed: int = MAX_ROUNDS_WITHOUT_DIVERSITY
) -> Problem | None:
    """The problem that a row of metrics shows, or None.

    Args:
        row: ``D_x``, ``D_G_z``, ``spread`` and ``round``, as in metrics.jsonl; optionally the
            ``objective``, the share of ``modes`` hit, and whether the samples are ``oscillating``.
        widest: the largest spread of the run so far. With small initial weights G starts with
            almost no spread, which is not a collapse.
        allowed: rounds after which it is a problem if the spread has never been large
            (`rounds_without_diversity`).

    >>> row = {"D_x": 1.0, "D_G_z": 0.001, "spread": 1.0, "round": 50}
    >>> find_problem(row, widest=1.0), find_problem(row | {"objective": "minimax"}, widest=1.0)
    ('D too strong', 'saturated')
    """
    objective = objectives.OBJECTIVES.get(row.get("objective", ""))
    has_probability = objective is None or objective.threshold == 0  # D(x) = sigmoid(a)
    if objective is not None and has_probability and row["D_G_z"] < 0.02 and objective.saturates:
        return "saturated"
    if row["D_x"] > 0.99 and row["D_G_z"] < 0.01 and has_probability:
        return "D too strong"
    modes_lost = row.get("modes", 1.0) <= 0.5 and row["round"] >= 300
    if modes_lost or (row["spread"] < 0.1 and widest > 0.3):
        return "collapsed"
    if row["spread"] < 0.1 and row["round"] >= allowed:
        return "no diversity"
    return "oscillating" if row.get("oscillating") else None


def describe_problem(
    row: Mapping[str, Any], widest: float, allowed: int = MAX_ROUNDS_WITHOUT_DIVERSITY
) -> str | None:
    """The problem of `find_problem` and its remedy in plain words, or None.

    >>> row = {"D_x": 0.5, "D_G_z": 0.5, "spread": 1.0, "round": 5000}
    >>> describe_problem(row, widest=1.0) is None
    True
    """
    name = find_problem(row, widest, allowed)
    return PROBLEMS[name]["en"] if name else None
