"""The test of memorisation recognises copies, and does not mistake new images for copies."""

import torch

from adversarial_nets.evaluation.memorisation import memorisation
from small import generator, small_data


def test_copies_are_found_and_held_out_images_are_not_copies() -> None:
    data = small_data(600)
    copies = data.floats(data.train[:100])
    noise = 0.01 * torch.randn(copies.shape, generator=generator())
    found = memorisation(copies + noise, data)
    assert found.nearest_is_training == 1.0
    assert found.z_score > 3
    assert found.sentence.startswith("Images were copied: 100.0% of 100 samples")


def test_new_images_of_the_same_kind_are_no_copies() -> None:
    whole = small_data(2000)
    data = small_data(2000)
    new = whole.floats(whole.train[1000:1300])
    data = type(data)(
        "small", data.train[:1000], data.valid, data.test, data.image_shape, "made for tests"
    )
    found = memorisation(new, data)
    assert found.expected == 1000 / 1400
    assert abs(found.z_score) < 3
    assert found.sentence.startswith("No sign that images were copied")
    blurred = 0.5 * new + 0.25  # nearer to every image
    assert abs(memorisation(blurred, data).z_score) < 3
