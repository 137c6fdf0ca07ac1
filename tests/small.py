"""A small data set and small settings that every test of the game shares."""

import dataclasses
from typing import Any

import torch

from adversarial_nets.datasets import Dataset
from adversarial_nets.randomness import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings


def small_data(n: int = 350, side: int = 6) -> Dataset:
    """Images of one bright row or one bright column on noise: enough to learn something."""
    noise = Address(0, 0, range(n)).uniform("noise", side * side).view(n, side, side) * 60
    where = torch.arange(n) % (2 * side)
    for i in range(n):
        noise[i, where[i] % side] += 180 * (where[i] < side)
        noise[i, :, where[i] % side] += 180 * (where[i] >= side)
    images = noise.clamp(0, 255).to(torch.uint8).flatten(1)
    cut, half = int(n * 0.8), int(n * 0.9)
    return Dataset(
        "small", images[:cut], images[cut:half], images[half:], (1, side, side), "made for tests"
    )


def small_settings(**changes: Any) -> Settings:
    """Nets of a few units, with initial weights that let D and G learn at once."""
    settings = Settings(
        G=GeneratorSettings(hidden=(12, 10), init=(0.4,)),
        D=DiscriminatorSettings(units=(8, 6), pieces=3, init=(0.4,)),
        batch=20,
        z_size=5,
        momentum_epochs=5,
        average=0.9,
    )
    return dataclasses.replace(settings, **changes)
