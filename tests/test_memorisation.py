"""The test of memorisation recognises copies, and does not mistake other samples for copies."""

import dataclasses

import torch

from adversarial_nets.evaluation.memorisation import memorisation
from small import generator, small_data


def test_copies_are_found() -> None:
    data = small_data(600)
    copies = data.floats(data.train[:100])
    noise = 0.01 * torch.randn(copies.shape, generator=generator())
    found = memorisation(copies + noise, data)
    assert (found.nearest, found.training) == (100, 1.0)
    assert found.p_value < 1e-8
    assert found.sentence.startswith("Images were copied: of the 100 real images nearest to 100")


def test_new_images_of_the_same_kind_are_no_copies() -> None:
    whole = small_data(2000)
    new = whole.floats(whole.train[1000:1300])
    data = dataclasses.replace(whole, train=whole.train[:1000])
    found = memorisation(new, data)
    assert found.expected == 1000 / 1400
    assert found.p_value > 0.01
    assert found.sentence.startswith("No sign of copied images")
    blurred = 0.5 * new + 0.25  # nearer to every image
    assert memorisation(blurred, data).p_value > 0.01


def test_samples_that_are_all_alike_are_no_copies() -> None:
    """One image is nearest to all of them; that it is a training image means nothing."""
    data = small_data(600)
    found = memorisation(data.floats(data.train[:1]).repeat(500, 1), data)
    assert found.nearest == 1
    assert found.p_value > 0.5
    assert found.sentence.startswith("Too early to say whether images were copied: all 500")
