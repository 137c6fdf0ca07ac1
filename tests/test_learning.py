"""A floor under what a short training reaches, so that a change that breaks learning is noticed."""

import dataclasses

import pytest

from adversarial_nets import datasets
from adversarial_nets.build import new_game
from adversarial_nets.evaluation import parzen_score_on
from adversarial_nets.game import play, sample
from adversarial_nets.presets import PRESETS


@pytest.mark.slow
def test_eight_hundred_rounds_draw_digits() -> None:
    """Preset quickstart with a shorter schedule: 800 rounds of half the batch, in seven seconds.

    The averaged G reached 56 and 30 nats with seeds 0 and 1. The mean training image scores −55.
    """
    settings = dataclasses.replace(
        PRESETS["quickstart"].settings,
        lr=0.6,
        lr_hold=550,
        lr_decay=1.008,
        ema_decay=0.99,
        batch=50,
        seed=1,
    )
    data = datasets.load("mnist-5k")
    game = new_game(settings, data)
    play(game, 800)
    assert game.averaged is not None
    score = parzen_score_on(data, sample(game.averaged, settings, 10_000), "paper")
    assert score.nats > 15
