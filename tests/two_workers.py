"""The program of each process in test_workers: play the games of `GAMES`; rank 0 saves them."""

import dataclasses
import sys

import safetensors.torch
import torch

from adversarial_nets.build import new_game
from adversarial_nets.engine import distributed
from adversarial_nets.evaluation.parzen import parzen_score
from adversarial_nets.game import play, sample
from adversarial_nets.runs import game_state
from adversarial_nets.state import Game
from small import small_labelled_data, small_settings

_CONDITIONAL = small_settings(
    condition="classes",
    G=dataclasses.replace(small_settings().G, class_units=7, keep_prob=0.5),
    D=dataclasses.replace(small_settings().D, class_units=4),
)
GAMES = {
    "by hand": (small_settings(), True),
    "by autograd": (small_settings(), False),
    "alternating, k = 2, an odd batch": (small_settings(protocol="paper", k=2, batch=21), False),
    "alternating by hand": (small_settings(protocol="paper", k=2, batch=21), True),
    "with classes": (_CONDITIONAL, False),
    "with classes by hand": (_CONDITIONAL, True),
    "with masks": (small_settings(condition="masks"), True),
    "by hand under Adam": (small_settings(optimiser="adam", lr=1e-3), True),
}


def played(name: str) -> Game:
    """One of the games after 30 rounds.

    In float64, because several processes add up sums in another order, and in float32 this rounding
    can change which maxout piece is the largest.
    """
    settings, manual_backprop = GAMES[name]
    game = new_game(
        settings, small_labelled_data(), manual_backprop=manual_backprop, dtype=torch.float64
    )
    play(game, 30)
    return game


def score(game: Game) -> float:
    """The Parzen score of 101 samples, of which each process draws its share."""
    mine = distributed.local_rows(101)
    samples = sample(game.G, game.settings, len(mine), first=mine.start).float()
    data = small_labelled_data()
    return parzen_score(samples, data.floats(data.valid), data.floats(data.test), shared=True).nats


if __name__ == "__main__":
    with distributed.process_group():
        for name in GAMES:
            game = played(name)
            nats = score(game)
            mine = distributed.local_rows(7)
            whole = distributed.all_gather(
                sample(game.G, game.settings, len(mine), first=mine.start), 7
            )
            distributed.all_reduce_sum([game.stats.sums])
            if distributed.is_main():
                tensors = game_state.nets_of(game) | {"samples": whole, "tally": game.stats.sums}
                tensors["nats"] = tensors["tally"].new_tensor([nats])
                safetensors.torch.save_file(tensors, f"{sys.argv[1]}/{name}.safetensors")
