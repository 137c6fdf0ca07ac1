"""Presets that each show one claim of the paper in under a minute; `words` says what to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["LESSONS", "Lesson"]


@dataclass(frozen=True)
class Lesson:
    """A game, or two side by side on one seed.

    Attributes:
        data: a toy.
        games: for each game the options that differ from the usual ones of its kind.
        speed: rounds between two pictures.
        rounds: after so many there is something to see.
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
# G begins as a blob where there are no data, and plain gradient steps show how strong its gradient
# is (Adam would scale a vanishing one up again).
_BLOB = {
    "G.init": [0.2, 0.05, 0.02],
    "optimiser": "sgd",
    "optimiser_D": "adam",
    "lr": 0.05,
    "lr_decay": 1.0,
    "d_lr_multiplier": 0.1,
    "k": 5,
    "batch": 128,
}

LESSONS: Mapping[str, Lesson] = {
    "figure 1": Lesson("gaussian", ({},), 5, 600),
    "collapse": Lesson(
        "ring-of-gaussians", ({"d_lr_multiplier": 0.25, "lr": 0.004, "lr_decay": 1.0}, {}), 10, 600
    ),
    "saturation": Lesson(
        "ring-of-gaussians",
        (_BLOB | {"objective": "minimax"}, _BLOB | {"objective": "non-saturating"}),
        2,
        150,
    ),
    "k too large": Lesson("mixture", ({"k": 1}, {"k": 30}), 2, 150),
    "G first": Lesson("gaussian", ({"head_start": 100}, {}), 5, 300),
    "circling": Lesson("gaussian", (_CIRCLING, {}), 5, 400),
    "zero width": Lesson("zero-width-ring", ({},), 10, 1000),
}
