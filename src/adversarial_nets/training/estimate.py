"""Estimate how long a training will take, by timing some rounds of a game that is thrown away."""

import statistics
import time

from adversarial_nets.build import new_game
from adversarial_nets.datasets import Source
from adversarial_nets.game import play
from adversarial_nets.settings import Settings

__all__ = ["seconds_per_round"]

_WARM_UP, _TIMED = 3, 7  # rounds


def seconds_per_round(settings: Settings, data: Source, device: str = "cpu") -> float:
    """The median time of a round, in seconds; scores, pictures and checkpoints are not counted.

    Args:
        settings: of the game.
        data: the source of examples.
        device: where to train.
    """
    game = new_game(settings, data, device=device)
    play(game, _WARM_UP)
    times = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        play(game, game.round + 1)
        times.append(time.perf_counter() - started)
    return statistics.median(times)
