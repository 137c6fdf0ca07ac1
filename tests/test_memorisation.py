"""The test of memorisation recognises copies, and does not mistake other samples for copies."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from adversarial_nets.datasets import Dataset
from adversarial_nets.evaluation.memorisation import memorisation
from small import generator, small_data


def test_copies_are_found() -> None:
    data = small_data(600)
    copies = data.floats(data.train[:100])
    noise = 0.01 * torch.randn(copies.shape, generator=generator())
    found = memorisation(copies + noise, data)
    assert found.distinct == 100
    assert found.training == 1.0
    assert found.p_value < 1e-5
    assert found.sentence.startswith("Images were copied: of the ")


@pytest.mark.parametrize(("images", "copied"), [(100, 200), (2000, 100)])
def test_few_copies_among_other_samples_are_found(images: int, copied: int) -> None:
    data = small_data(images)
    rows = torch.randint(0, len(data.train), (copied,), generator=generator())
    other = torch.rand(1000 - copied, data.pixels, generator=generator())
    found = memorisation(torch.cat([data.floats(data.train[rows]), other]), data)
    assert found.sentence.startswith("Images were copied")


def test_without_copying_p_is_seldom_small() -> None:
    """Samples that do not depend on the split: P(p < α) ≤ α."""
    x = torch.randint(0, 256, (100, 200, 16), generator=generator()).to(torch.uint8)
    samples = torch.rand(100, 50, 16, generator=generator(1))
    found = [
        memorisation(
            samples[i],
            Dataset("noise", x[i, :160], x[i, 160:180], x[i, 180:], (1, 4, 4), "made for tests"),
        ).p_value
        for i in range(100)
    ]
    assert np.mean(np.array(found) < 0.1) <= 0.1 + 3 * 0.03


def test_the_order_of_equal_images_does_not_matter() -> None:
    """Each training image is held out, too: nothing is nearer to the training images."""
    data = small_data(600)
    both = dataclasses.replace(data, valid=data.train, test=data.train[:1], labels={})
    found = memorisation(data.floats(data.train[:100]), both)
    assert found.training == pytest.approx(0.5, abs=0.01)
    assert found.p_value == 1.0


def test_samples_that_are_real_images_of_all_splits_are_counted() -> None:
    data = small_data(600)
    images = torch.cat([data.train, data.valid, data.test])
    found = memorisation(torch.cat([data.floats(images), torch.rand(9, data.pixels)]), data)
    assert found.p_value > 0.01
    assert found.equal == 600
    assert found.sentence.startswith("600 of 609 samples equal a real image in every pixel, ")
    assert memorisation(data.floats(images) + 1 / 255, data).equal < 10


def test_new_images_of_the_same_kind_are_not_copies() -> None:
    whole = small_data(2000)
    new = whole.floats(whole.train[1000:1300])
    data = dataclasses.replace(whole, train=whole.train[:1000])
    found = memorisation(new, data)
    assert found.expected == 1000 / 1400
    assert found.p_value > 0.01
    assert found.sentence.startswith("No sign of copied images")
    blurred = 0.5 * new + 0.25  # nearer to every image
    assert memorisation(blurred, data).p_value > 0.01


def test_equal_samples_are_not_copies() -> None:
    """One image is nearest to all of them; that it is a training image means nothing."""
    data = small_data(600)
    found = memorisation(data.floats(data.train[:1]).repeat(500, 1), data)
    assert found.distinct == 1
    assert found.p_value > 0.5
    assert found.sentence.startswith("The test cannot decide whether images were copied: all 500")


def test_one_copy_in_twenty_samples_is_found_among_many_images() -> None:
    """5 % of the samples are copies; on MNIST that is 50 of 1,000 samples and 70,000 images."""
    data = small_data(20_000)
    copies = data.floats(data.train[:50])
    other = torch.rand(950, data.pixels, generator=generator())
    found = memorisation(torch.cat([copies, other]), data)
    assert found.sentence.startswith("Images were copied")


@pytest.mark.parametrize(
    ("held_out", "words"), [(4, "The test cannot dec"), (30, "Images were cop")]
)
def test_with_few_held_out_images_no_copies_can_be_found(held_out: int, words: str) -> None:
    x = torch.randint(0, 256, (32 + 2 * held_out, 16), generator=generator()).to(torch.uint8)
    train, valid, test = x.split([32, held_out, held_out])
    data = Dataset("noise", train, valid, test, (1, 4, 4), "made for tests")
    found = memorisation(data.floats(data.train), data)
    assert found.training > found.expected
    assert found.sentence.startswith(words)


@pytest.mark.parametrize(
    ("n_train", "held_out", "p"), [(6, 6, 1 / math.comb(12, 6)), (3, 17, 3 / math.comb(20, 2))]
)
def test_p_if_every_training_image_was_copied_is_the_closed_form(
    n_train: int, held_out: int, p: float
) -> None:
    """Half of 12 images are the 6 training images; the 2 closest of 20 are among 3."""
    n = n_train + held_out
    images = 8 * torch.arange(n, dtype=torch.uint8)[:, None]
    train, valid, test = images.split([n_train, held_out - 1, 1])
    data = Dataset("greys", train, valid, test, (1, 1, 1), "made for tests")
    near = data.floats(images) + 0.001 * torch.linspace(0, 1, n)[:, None]  # no distances are equal
    found = memorisation(near[:n_train], data)
    assert found.p_value == pytest.approx(5 * p)  # of five numbers of images that are tried
    for samples in (near[:n_train], near[n_train:]):
        assert memorisation(samples, data).least_p_value == pytest.approx(5 * p)
