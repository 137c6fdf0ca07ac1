"""Lessons: games that show one claim each, of the paper or of a later one, in under a minute.

The texts that explain them are in `words.WORDS`, with the keys ``lesson NAME`` and ``about NAME``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["LESSONS", "Lesson"]


@dataclass(frozen=True)
class Lesson:
    """One game, or two side by side with the same seed.

    Attributes:
        data: the name of a toy data set.
        games: for each game the settings that differ from the defaults of its kind.
        speed: rounds between two displayed frames.
        rounds: round at which the effect is visible and the game is paused.
    """

    data: str
    games: tuple[Mapping[str, Any], ...]
    speed: int
    rounds: int


_CIRCLING = {
    "G.hidden": [8],
    "G.init": [4.0, 0.1],
    "D.units": [8],
    "D.pieces": 2,
    "D.init": [1.0, 0.3],
    "k": 1,
    "lr": 0.01,
    "lr_decay": 1.0,
    "d_lr_multiplier": 1.0,
    "momentum": 0.9,
    "momentum_end": 0.9,
}
# G's first samples form a small cluster where there are no data. G is trained by SGD, because Adam
# would rescale a vanishing gradient.
_CLUSTER = {
    "G.init": [0.2, 0.05, 0.02],
    "optimiser": "sgd",
    "optimiser_D": "adam",
    "lr": 0.05,
    "lr_decay": 1.0,
    "d_lr_multiplier": 0.1,
    "k": 5,
    "batch": 128,
}

# A small minibatch, so that the lesson takes less than a minute if another process is busy.
_COLLAPSE = {"d_lr_multiplier": 0.25, "lr": 0.004, "lr_decay": 1.0, "batch": 128}
_AVERAGED = {"batch": 128, "lr": 0.004, "lr_decay": 1.0}
# 25 Gaussians, fast enough for a lesson, with one learning rate for both networks.
_GRID = {"batch": 256, "lr_decay": 1.0, "d_lr_multiplier": 1.0}

LESSONS: Mapping[str, Lesson] = {
    "figure 1": Lesson("gaussian", ({},), 5, 600),
    "collapse": Lesson("ring-of-gaussians", (_COLLAPSE, {"batch": 128}), 10, 400),
    "saturation": Lesson(
        "ring-of-gaussians",
        (_CLUSTER | {"objective": "minimax"}, _CLUSTER | {"objective": "non-saturating"}),
        2,
        150,
    ),
    "k too large": Lesson("mixture", ({"k": 1}, {"k": 30}), 2, 150),
    "G first": Lesson("gaussian", ({"head_start": 100}, {}), 5, 300),
    "circling": Lesson("gaussian", (_CIRCLING, {}), 5, 400),
    "zero width": Lesson("zero-width-ring", ({},), 10, 1000),
    "least squares": Lesson("grid", (_GRID, _GRID | {"objective": "least-squares"}), 10, 500),
    "hinge": Lesson("grid", (_GRID, _GRID | {"objective": "hinge"}), 10, 500),
    "relativistic": Lesson(
        "grid", (_GRID, _GRID | {"objective": "relativistic", "r1": 1.0, "r2": 1.0}), 10, 500
    ),
    "R1": Lesson("gaussian", (_CIRCLING, _CIRCLING | {"r1": 20.0}), 5, 400),
    "averaging": Lesson("ring-of-gaussians", (_AVERAGED, _AVERAGED | {"ema_decay": 0.99}), 10, 600),
    "joint": Lesson("grid", (_GRID, _GRID | {"joint": True}), 10, 500),
}
