"""A small data set and small settings that every test of the game shares."""

import dataclasses
import functools
from typing import Any

import torch
from torch import Tensor

from adversarial_nets.baselines import aae, cae, dbm, dbn, gmmn, gsn, pca, vae
from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.engine.precision import bfloat16_products
from adversarial_nets.game import Game, play
from adversarial_nets.random import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings


def products_round_to_bfloat16() -> bool:
    """Whether this processor's products round to bfloat16 with `bf16_matmul`.

    Not every processor with bfloat16 instructions does so for float32 factors. Differences of about
    1e-7 from another order of sums are not rounding to bfloat16.
    """
    a = Address(0, 0, range(100)).normal("a factor", 200)
    with bfloat16_products(torch.device("cpu")):
        rounded = a @ a.T
    exact = a @ a.T
    return bool((rounded - exact).norm() > 1e-5 * exact.norm())


def small_data(n: int = 350, side: int = 6) -> Dataset:
    """Images of one bright row or one bright column on noise: enough to learn something."""
    images = _rows_and_columns(n, side).clone()  # a test may change them
    cut, half = int(n * 0.8), int(n * 0.9)
    return Dataset(
        "small", images[:cut], images[cut:half], images[half:], (1, side, side), "made for tests"
    )


@functools.cache
def _rows_and_columns(n: int, side: int) -> Tensor:
    noise = Address(0, 0, range(n)).uniform("noise", side * side).view(n, side, side) * 60
    where = torch.arange(n) % (2 * side)
    for i in range(n):
        noise[i, where[i] % side] += 180 * (where[i] < side)
        noise[i, :, where[i] % side] += 180 * (where[i] >= side)
    return noise.clamp(0, 255).to(torch.uint8).flatten(1)


def small_settings(**changes: Any) -> Settings:
    """Nets of a few units, with initial weights that let D and G learn within a few rounds."""
    settings = Settings(
        G=GeneratorSettings(hidden=(12, 10), init=(0.4,)),
        D=DiscriminatorSettings(units=(8, 6), pieces=3, init=(0.4,)),
        batch=20,
        z_size=5,
        momentum_epochs=5,
        ema_decay=0.9,
    )
    if changes.get("optimiser") == "adam":  # has no schedule of the momentum
        changes = {"momentum_epochs": Settings().momentum_epochs, **changes}
    return dataclasses.replace(settings, **changes)


def weights(g: Game) -> list[Tensor]:
    """Return copies of the parameters of G, of D and of the averaged G, if there is one."""
    players = [n for n in (g.G, g.D, g.averaged) if n is not None]
    return [p.detach().clone() for n in players for p in n.parameters()]


def played(rounds: int, settings: Settings, **how: Any) -> Game:
    """Return a game on `small_data` after a number of rounds; `how` is passed to `new_game`."""
    g = new_game(settings, small_data(), **how)
    play(g, rounds)
    return g


SMALL_MODELS: dict[str, Any] = {
    "dbn": dbn.Settings(hidden=(9, 8), epochs=(2, 2), momentum_epoch=1),
    "stacked-cae": cae.Settings(hidden=(9, 8), epochs=2),
    "deep-gsn": gsn.Settings(hidden=(9, 8, 7), epochs=4),
    "vae": vae.Settings(hidden=(9,), z_size=3, epochs=4),
    "gmmn": gmmn.Settings(hidden=(9, 8), z_size=3, epochs=(0, 4), batch=50),
    "gmmn-autoencoder": gmmn.Settings(
        hidden=(9, 8), z_size=3, autoencoder=(9, 4), epochs=(2, 2), batch=50
    ),
    "aae": aae.Settings(hidden=(9, 8), z_size=3, epochs=4),
    "dbm": dbm.Settings(hidden=(8, 9), epochs=(2, 2, 2), chains=20),
    "pca-gaussian": pca.Settings(components=5),
}
"""Settings of each row of Table 1 for small images, by the row's name."""


def generator(step: int = 0) -> torch.Generator:
    """Return a seeded generator."""
    return Address(5, step, range(1)).generator("test")


def normal(*shape: int, step: int = 0) -> Tensor:
    """Return standard normal float64 numbers, always the same for a shape and a step."""
    return torch.randn(*shape, generator=generator(step), dtype=torch.float64)


def small_labelled_data(classes: int = 3, n: int = 350) -> Dataset:
    """`small_data`, in which image i shows line i mod 12 and is of class i mod `classes`."""
    data, labels = small_data(n), torch.arange(n) % classes
    cuts = {"train": slice(280), "valid": slice(280, 315), "test": slice(315, None)}
    return dataclasses.replace(data, labels={split: labels[rows] for split, rows in cuts.items()})
