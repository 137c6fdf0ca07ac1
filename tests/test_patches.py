"""Patch distances: 0 for the same patches, small for real images, large for fog and noise."""

import pytest
import torch

from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.patches import patch_distances
from small import generator, small_data

SHAPE = (1, 16, 16)


def test_fog_and_noise_are_far_and_real_images_near() -> None:
    x = small_data(400, side=16).train
    images = x.float() / 255
    a, b = images[:150], images[150:300]
    near = patch_distances(a, b, SHAPE)
    fog = patch_distances(a.mean(0).expand(150, -1), b, SHAPE)
    noise = patch_distances(a + 0.3 * torch.randn(a.shape, generator=generator()), b, SHAPE)
    assert fog.fine > 5 * near.fine
    assert fog.coarse > 5 * near.coarse
    assert noise.fine > 5 * near.fine
    assert patch_distances(b, a, SHAPE).coarse == pytest.approx(near.coarse, rel=0.5)


def test_a_shift_of_all_values_moves_the_coarse_level_only() -> None:
    """By |shift| · E|Σ directions|: the sum of 49 coordinates of a unit vector."""
    images = torch.rand(60, 256, generator=generator())
    same, moved = (patch_distances(images + shift, images, SHAPE) for shift in (0.0, 0.5))
    assert moved.fine == pytest.approx(same.fine, rel=1e-3)
    assert moved.coarse == pytest.approx(1000 * 0.5 * (2 / torch.pi) ** 0.5, rel=0.25)


def test_too_small_images_are_refused() -> None:
    with pytest.raises(UserError, match="14 × 14"):
        patch_distances(torch.zeros(3, 36), torch.zeros(3, 36), (1, 6, 6))
