"""Batch normalisation: samples are normalised by statistics measured for these very weights."""

import copy
import dataclasses
from pathlib import Path

import torch
from torch import nn

from adversarial_nets.build import new_game
from adversarial_nets.datasets import dataset_from_arrays
from adversarial_nets.encoders import GeneratorWithEncoder
from adversarial_nets.game import play, sample
from adversarial_nets.masks import known_part, random_masks
from adversarial_nets.random import Address
from adversarial_nets.runs.game_state import load_generator
from adversarial_nets.settings import Cadence, Settings
from adversarial_nets.state import Game
from adversarial_nets.training.batch_statistics import measure_batch_statistics
from adversarial_nets.training.session import train
from small import small_data, small_settings


def _normalised() -> Settings:
    return small_settings(G=dataclasses.replace(small_settings().G, batch_norm=True))


def _trained(rounds: int = 30) -> Game:
    game = new_game(_normalised(), small_data())
    play(game, rounds)
    return game


def test_the_statistics_are_those_of_samples_and_forget_the_past() -> None:
    game = _trained()
    layer = next(m for m in game.G.modules() if isinstance(m, nn.BatchNorm1d))
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.fill_(1e6)
    measure_batch_statistics(game)
    inputs: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda layer, x: inputs.append(x[0]))
    sample(game.G, game.settings, 4000)
    hook.remove()
    of_samples = torch.cat(inputs)
    assert torch.allclose(layer.running_mean, of_samples.mean(0), atol=0.06)
    assert torch.allclose(layer.running_var, of_samples.var(0), rtol=0.1)
    assert layer.momentum == 0.1
    assert int(layer.num_batches_tracked or 0) > 8  # those of the training


def test_samples_of_the_averaged_G_are_normalised() -> None:
    """Its units' inputs have variance 1 over samples, which averaged statistics do not give."""
    game = _trained()
    assert game.averaged is not None

    G = game.averaged
    outputs: list[torch.Tensor] = []
    for layer in (m for m in G.modules() if isinstance(m, nn.BatchNorm1d)):
        nn.init.ones_(layer.weight)
        layer.register_forward_hook(lambda m, x, y: outputs.append(y))

    def worst() -> float:
        outputs.clear()
        sample(G, game.settings, 1000)
        return max(float((y.var(0) - 1).abs().max()) for y in outputs)

    before = worst()
    measure_batch_statistics(game)
    assert worst() < 0.2 < before


def test_an_encoders_statistics_are_those_of_training_images() -> None:
    data = small_data()
    game = new_game(dataclasses.replace(_normalised(), joint=True), data)
    play(game, 30)
    measure_batch_statistics(game)
    for G in (game.G, game.averaged):
        assert isinstance(G, GeneratorWithEncoder)
        first = next(m for m in G.E if isinstance(m, nn.Linear))
        layer = next(m for m in G.E if isinstance(m, nn.BatchNorm1d))
        h = first(data.floats(data.train))
        assert layer.running_mean is not None
        assert layer.running_var is not None
        assert torch.allclose(layer.running_mean, h.mean(0), atol=0.05)
        assert torch.allclose(layer.running_var, h.var(0), rtol=0.1)


def test_an_encoders_statistics_take_each_training_image_once() -> None:
    data = dataset_from_arrays(torch.rand(2600, 6, 6, generator=torch.Generator().manual_seed(0)))
    game = new_game(dataclasses.replace(_normalised(), joint=True), data)
    assert isinstance(game.G, GeneratorWithEncoder)
    seen: list[torch.Tensor] = []
    game.G.E.register_forward_pre_hook(lambda E, x: seen.append(x[0]))
    measure_batch_statistics(game)
    assert len(torch.cat(seen).unique(dim=0)) == 2000


def test_with_masks_the_statistics_are_those_of_images_under_random_masks() -> None:
    data = small_data()
    settings = dataclasses.replace(_normalised(), condition="masks")
    game = new_game(settings, data)
    play(game, 30)
    measure_batch_statistics(game)
    layer = next(m for m in game.G.modules() if isinstance(m, nn.BatchNorm1d))
    assert layer.running_mean is not None
    assert layer.running_var is not None
    inputs: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda layer, x: inputs.append(x[0]))
    address = Address(7, 0, range(4000))
    x = data.floats(data.train[torch.arange(4000) % len(data.train)])
    c = known_part(x, random_masks(address, data.image_shape))
    sample(game.G, settings, 4000, c=c)
    hook.remove()
    of_completions = torch.cat(inputs)
    assert torch.allclose(layer.running_mean, of_completions.mean(0), atol=0.15)
    assert torch.allclose(layer.running_var, of_completions.var(0), rtol=0.15)


def test_measuring_does_not_change_the_game() -> None:
    games = [_trained(3) for _ in range(2)]
    measure_batch_statistics(games[0])
    for game in games:
        play(game, 9)
    a, b = (dict(game.G.named_parameters()) for game in games)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_networks_without_batch_normalisation_do_not_change() -> None:
    game = new_game(small_settings(), small_data())
    before = copy.deepcopy(game.G.state_dict())
    measure_batch_statistics(game)
    assert all(torch.equal(before[name], x) for name, x in game.G.state_dict().items())


def test_a_saved_generator_has_them(tmp_path: Path) -> None:
    run = train(
        small_data(),
        run=tmp_path / "run",
        settings=_normalised(),
        rounds=12,
        cadence=Cadence(12, 12, 12, 12),
        progress=False,
    )
    G, _ = load_generator(run, "last", "averaged")
    game = new_game(_normalised(), small_data())
    game.averaged = copy.deepcopy(G)
    measure_batch_statistics(game)
    assert all(
        torch.equal(x, y)
        for x, y in zip(G.buffers(), game.averaged.buffers(), strict=True)
        if x.is_floating_point()
    )
