"""Images that are mirrored, shifted and recoloured, and patches: each by its exact values."""

import pytest
import torch

from adversarial_nets import augmentation
from adversarial_nets.baselines import cae
from adversarial_nets.evaluation import patches
from adversarial_nets.random import Address
from small import normal


def test_a_mirrored_image_is_reversed_left_to_right() -> None:
    x = Address(0, 0, range(40)).uniform("images", 2 * 3 * 5)
    images = x.view(40, 2, 3, 5)
    mirrored = augmentation.mirror(x, (2, 3, 5), Address(1, 0, range(40))).view(40, 2, 3, 5)
    reversed_ = (mirrored == images.flip(3)).flatten(1).all(1)
    same = (mirrored == images).flatten(1).all(1)
    assert bool((reversed_ ^ same).all())
    assert 8 < int(reversed_.sum()) < 32


@pytest.mark.parametrize(("u", "rows", "columns"), [(0.0, 1, 2), (0.999, -1, -2), (0.5, 0, 0)])
def test_a_shift_is_an_eighth_of_each_side_at_most(u: float, rows: int, columns: int) -> None:
    x = torch.zeros(1, 1, 8, 16)
    x[0, 0, 4, 8] = 1.0
    moved = augmentation._translate(x, torch.tensor([u]), torch.tensor([u]))
    (place,) = (moved == 1.0).nonzero().tolist()
    assert place == [0, 0, 4 + rows, 8 + columns]
    border = (moved == 0.5).sum().item()
    assert border == 8 * 16 - (8 - abs(rows)) * (16 - abs(columns))


def test_colours_change_by_the_stated_amounts() -> None:
    x = torch.tensor([0.2, 0.4, 0.9]).view(1, 3, 1, 1)
    half = torch.tensor([0.5])  # no change

    def changed(**u: float) -> list[float]:
        draws = dict.fromkeys(("brightness", "saturation", "contrast"), half)
        draws |= {name: torch.tensor([value]) for name, value in u.items()}
        return [round(v, 4) for v in augmentation._colour(x, **draws).flatten().tolist()]

    assert changed() == [0.2, 0.4, 0.9]
    assert changed(brightness=1.0) == [0.45, 0.65, 1.15]
    assert changed(brightness=0.0) == [-0.05, 0.15, 0.65]
    assert changed(saturation=0.0) == [0.5, 0.5, 0.5]
    assert changed(saturation=1.0) == [-0.1, 0.3, 1.3]
    assert changed(contrast=0.0) == [0.35, 0.45, 0.7]
    assert changed(contrast=1.0) == [0.05, 0.35, 1.1]


def test_patches_reach_every_edge() -> None:
    """Each pixel holds its own number."""
    x = torch.arange(14 * 20.0).view(1, 1, 14, 20).expand(50, -1, -1, -1)
    assert patches._patches(x, "places").unique().numel() == 14 * 20


def test_the_loss_of_a_contractive_autoencoder_in_float64() -> None:
    """Cross-entropy summed over pixels, plus λ times the Jacobian's squared norm."""
    W, x = normal(5, 4), normal(6, 5, step=1).sigmoid()
    layer = cae.Layer(W.T, normal(1, 5, step=2)[0], normal(1, 4, step=3)[0])
    h = layer.encode(x)
    x_hat = layer.decode_logits(h).sigmoid()
    cross_entropy = -(x * x_hat.log() + (1 - x) * (1 - x_hat).log()).sum(1).mean()
    jacobians = [
        torch.autograd.functional.jacobian(lambda v: layer.encode(v[None])[0], row) for row in x
    ]
    penalty = torch.stack([J.square().sum() for J in jacobians]).mean()
    assert cae.loss(layer, x, 0.7).item() == pytest.approx(
        (cross_entropy + 0.7 * penalty).item(), rel=1e-10
    )
