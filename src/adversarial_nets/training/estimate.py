"""Estimate how long a training will take, by timing some rounds of a temporary game."""

import statistics
import time

from adversarial_nets.build import new_game
from adversarial_nets.datasets import Source
from adversarial_nets.engine.threads import ThreadTuner
from adversarial_nets.game import play
from adversarial_nets.layers import reference_parameter
from adversarial_nets.settings import Settings

__all__ = ["seconds_per_round"]

_FEWEST, _MOST, _TIMED = 8, 60, 5  # numbers of rounds; the last ones are timed
_LONG = 3.0  # seconds to choose how idle threads wait


def seconds_per_round(settings: Settings, data: Source, device: str = "cpu") -> float:
    """The median time of a round, in seconds; scores, pictures and checkpoints are not counted.

    Args:
        settings: settings of the game.
        data: the source of examples.
        device: where to train.
    """
    game = new_game(settings, data, device=device)
    times: list[float] = []
    start = time.perf_counter()
    with ThreadTuner.for_device(reference_parameter(game.G).device) as tuner:
        most = _MOST if len(tuner.modes) > 1 else _FEWEST  # with one mode there is no choice
        while len(times) < _FEWEST or (len(times) < most and time.perf_counter() < start + _LONG):
            before = time.perf_counter()
            tuner.before_round()
            play(game, game.round + 1)
            tuner.after_round()
            times.append(time.perf_counter() - before)
    return statistics.median(times[-_TIMED:])
