"""TFD's and CIFAR-10's nets of §5: shapes layer by layer, initial weights, limits, stage 2."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets import nets
from adversarial_nets.build import new_game
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.layers import Deconvolution, Dropout, Maxout, MaxoutConvolution, limit_norms
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import game_state
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.state import Game
from adversarial_nets.training.default_preset import preset_for
from adversarial_nets.training.session import train
from small import small_data, small_settings

PHOTO = (3, 32, 32)


def shapes(net: nn.Module, x: Tensor) -> list[tuple[int, ...]]:
    """The output shape of each layer that changes the shape, without the batch."""
    found = [tuple(x.shape[1:])]
    for layer in net.children():
        x = layer(x)
        if tuple(x.shape[1:]) != found[-1]:
            found.append(tuple(x.shape[1:]))
    return found


def test_convolutional_discriminator_layer_by_layer() -> None:
    D = nets.discriminator(PRESETS["cifar10-convolutional"].settings.D, 3072, 0, PHOTO)
    assert shapes(D, torch.randn(2, 3072)) == [
        (3072,),
        (3, 32, 32),
        *((32, 33, 33), (32, 16, 16)),
        *((32, 15, 15), (32, 7, 7)),
        *((192, 9, 9), (192, 5, 5)),
        *((4800,), (500,), (1,)),
    ]
    weights = [tuple(p.shape) for p in D.parameters() if p.ndim > 1]
    assert weights == [
        (64, 3, 8, 8),
        (64, 32, 8, 8),
        (384, 32, 5, 5),
        (2500, 4800),
        (1, 500),
    ]
    biases = [tuple(p.shape) for p in D.parameters() if p.ndim == 1]
    assert biases == [(32,), (32,), (192,), (2500,), (1,)]  # one a channel, not one a piece
    assert [layer.keep_prob for layer in D if isinstance(layer, Dropout)] == [0.8, *[0.5] * 4]
    check_ranges(D, [0.005] * 5)


def check_ranges(net: nn.Module, ranges: list[float]) -> None:
    """Weights fill U(−r, r), whose standard deviation is r/√3; biases are 0."""
    weights = [p for p in net.parameters() if p.ndim > 1]
    for p, r in zip(weights, ranges, strict=True):
        assert r * 0.98 < p.abs().max() <= r
        assert p.std().item() == pytest.approx(r / 3**0.5, rel=0.03 if p.numel() > 5000 else 0.2)
    assert not any(p.any() for p in net.parameters() if p.ndim == 1)


def test_maxout_first_then_pool_then_one_bias() -> None:
    """Against loops, in float64."""
    layer = MaxoutConvolution(2, 3, 2, kernel=3, padding=1).double()
    layer.channel_bias.data = torch.randn(3, dtype=torch.float64)
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64)
    padded = nn.functional.pad(x, (1, 1, 1, 1))
    for c, i, j in ((0, 0, 0), (1, 2, 4), (2, 4, 1)):
        patch = padded[:, :, i : i + 3, j : j + 3]
        pieces = [(patch * layer.weight[2 * c + p]).sum((1, 2, 3)) for p in (0, 1)]
        expected = torch.maximum(*pieces) + layer.channel_bias[c]
        torch.testing.assert_close(layer(x)[:, c, i, j], expected)


def test_deconvolutional_generator() -> None:
    small = GeneratorSettings(
        hidden=(7, 300),
        activations=("relu", "sigmoid"),
        output="linear",
        deconvolution=True,
        init=(0.05,),
    )
    G = nets.generator(small, 100, 3072, 0, PHOTO)
    last = G[-1]
    assert isinstance(last, Deconvolution)
    assert tuple(last.weight.shape) == (3, 3, 5, 5)  # 300 = 10 · 10 · 3 maps, to 3 channels
    assert tuple(last.pixel_bias.shape) == (3072,)  # untied: one for each pixel
    assert shapes(G, torch.randn(2, 100)) == [(100,), (7,), (300,), (3072,)]
    published = PRESETS["cifar10-convolutional"].settings.G
    assert published.hidden[-1] == 10 * 10 * 80


def test_deconvolution_is_a_sum_of_stamps() -> None:
    """Channel last: unit (i, j, map) stamps its kernel at (3i, 3j)."""
    layer = Deconvolution(4 * 2, (1, 8, 8)).double()
    layer.pixel_bias.data = torch.randn(64, dtype=torch.float64)
    h = torch.randn(3, 8, dtype=torch.float64)
    expected = layer.pixel_bias.repeat(3, 1).view(3, 8, 8)
    for i in (0, 1):
        for j in (0, 1):
            for k in (0, 1):
                unit = h[:, (i * 2 + j) * 2 + k]
                stamp = unit[:, None, None] * layer.weight[k, 0]
                expected[:, 3 * i : 3 * i + 5, 3 * j : 3 * j + 5] += stamp
    torch.testing.assert_close(layer(h), expected.flatten(1))


def test_tfd_nets_start_as_published() -> None:
    """At full size but for the hidden widths, which only repeat."""
    s = PRESETS["tfd"].settings
    assert (s.G.hidden, s.D.units, s.D.pieces) == ((8000, 8000), (1200, 1200), 5)
    assert (s.max_norm, s.lr, s.prior, s.batch) == (1.9365, 0.05, "gaussian", 100)
    G = nets.generator(dataclasses.replace(s.G, hidden=(300, 400)), 100, 2304)
    assert shapes(G, torch.randn(1, 100)) == [(100,), (300,), (400,), (2304,)]
    first, second, output = (layer for layer in G if isinstance(layer, nn.Linear))
    assert [type(layer) for layer in G] == [nn.Linear, nn.ReLU, *[nn.Linear, nn.Sigmoid] * 2]
    assert not first.bias.any()
    assert set(second.bias.tolist()) == {-2.0}
    assert not output.bias.any()  # until it is set to the marginals
    assert set((output.weight != 0).sum(1).tolist()) == {100}
    chosen = output.weight[output.weight != 0]
    assert chosen.mean().item() == pytest.approx(0, abs=0.01)
    assert chosen.std().item() == pytest.approx(1, abs=0.01)
    used = (output.weight != 0).sum(0).double()  # every input is as likely as every other
    assert used.mean() == 2304 * 100 / 400
    assert used.std().item() == pytest.approx(math.sqrt(2304 * 0.25 * 0.75), rel=0.2)


def test_stage_2_has_a_new_bottom() -> None:
    s = PRESETS["tfd-stage2"].settings
    assert s.G.hidden == (8000, 100, 8000, 8000)
    assert s.G.activations == ("relu", "sigmoid", "relu", "sigmoid")
    assert s.G.bias == (0.0, -2.0, 0.0, -2.0)
    stage1 = PRESETS["tfd"].settings
    assert dataclasses.replace(s, G=stage1.G) == stage1  # all else as in stage 1


@pytest.mark.parametrize("name", ["cifar10", "cifar10-convolutional"])
def test_cifar10_settings(name: str) -> None:
    s = PRESETS[name].settings
    assert s.G.hidden == (8000, 8000)
    assert (s.G.output, s.G.bias_from_marginals, s.max_norm) == ("linear", False, None)
    full = name == "cifar10"
    assert (s.lr, s.batch) == ((0.025, 100) if full else (0.004, 128))
    assert s.G.init == ((0.05, 0.05, 0.5) if full else (0.05,))
    assert s.D.units == ((1600, 1600) if full else (500,))


def test_a_sigmoid_is_refused_where_data_go_below_zero() -> None:
    photos = dataclasses.replace(small_data(), range=(-55.0, 55.0), contrast_norm=55.0)
    with pytest.raises(UserError, match=r"G\.output is sigmoid.*outside it"):
        new_game(small_settings(), photos)
    own = nn.Linear(small_settings().z_size, photos.pixels)
    assert new_game(small_settings(), photos, G=own).G is own  # what it puts out is its maker's


def test_a_linear_output_does_not_start_at_logits() -> None:
    s = small_settings()
    game = new_game(
        dataclasses.replace(s, G=dataclasses.replace(s.G, output="linear")), small_data()
    )
    top = [layer for layer in game.G.children() if isinstance(layer, nn.Linear)][-1]
    assert top.bias.count_nonzero() == 0


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_a_game_of_its_data(name: str) -> None:
    s = PRESETS[name].settings
    if name.endswith("small") or name == "quickstart":
        tfd, photo = (1, 48, 48), (3, 32, 32)
        shape = tfd if "tfd" in name else photo if "cifar10" in name else (1, 28, 28)
        G = nets.generator(s.G, s.z_size, math.prod(shape), 0, shape)
        D = nets.discriminator(s.D, math.prod(shape), 0, shape)
        assert D(G(torch.randn(2, s.z_size))).shape == (2, 1)
    assert (PRESETS[name].epochs is None) != (PRESETS[name].rounds is None)


def test_data_pick_their_presets() -> None:
    picked = {d: preset_for(d)[0] for d in ("tfd", "tfd-96", "tfd-standin", "cifar10-copy")}
    assert picked == {
        "tfd": "tfd",
        "tfd-96": "tfd",
        "tfd-standin": "tfd",
        "cifar10-copy": "cifar10",
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"G": GeneratorSettings(hidden=(50, 50), sparse=60)}, "G.sparse is 60"),
        ({"G": GeneratorSettings(bias=(1.0, 2.0, 3.0))}, "G.bias has 3 values"),
        ({"max_norm": 0.0}, "max_norm is 0"),
        ({"D": DiscriminatorSettings(convolutions=(4, 4, 4, 4))}, "at most 3"),
        ({"D": DiscriminatorSettings(convolutions=(4, 0))}, "D.convolutions is 0"),
    ],
    ids=range(5),
)
def test_impossible_settings_get_a_sentence(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        dataclasses.replace(Settings(), **changes)  # type: ignore[arg-type]  # wrong on purpose
    assert words in str(caught.value)


def test_settings_of_small_generators_are_checked() -> None:
    with pytest.raises(UserError, match=r"give G\.deconvolution too"):
        Settings(G=GeneratorSettings(bilinear=True))
    with pytest.raises(UserError, match="2 or more"):
        Settings(G=GeneratorSettings(batch_norm=True), batch=1)
    with pytest.raises(UserError, match="output_lr_multiplier is -1"):
        Settings(G=GeneratorSettings(output_lr_multiplier=-1.0))


def test_images_must_fit_the_convolutions() -> None:
    G = GeneratorSettings(hidden=(20,), deconvolution=True)
    with pytest.raises(UserError, match="cannot make 28×28 images from 20 hidden units"):
        nets.generator(G, 5, 784, 0, (1, 28, 28))
    with pytest.raises(UserError, match="these data are not images"):
        nets.generator(G, 5, 2)
    D = DiscriminatorSettings(convolutions=(4, 4, 4))
    with pytest.raises(UserError, match="too small"):
        nets.discriminator(D, 16, 0, (1, 4, 4))
    with pytest.raises(UserError, match="these data are not images"):
        nets.discriminator(D, 2)


def norms(game: Game) -> Tensor:
    linears = [m for net in (game.G, game.D) for m in net.modules() if isinstance(m, nn.Linear)]
    return torch.cat([layer.weight.norm(dim=1) for layer in linears])


@pytest.mark.parametrize("protocol", ["released", "paper"])
@pytest.mark.parametrize("manual_backprop", [True, False])
def test_the_weight_norms_of_all_units_stay_within_the_limit(
    protocol: str, manual_backprop: bool
) -> None:
    settings = small_settings(protocol=protocol, max_norm=0.8, lr=0.5)
    game = new_game(settings, small_data(), manual_backprop=manual_backprop)
    assert norms(game).max() > 0.8  # before the first update, as in the released code
    play(game, 15)
    assert norms(game).max() <= 0.8 * (1 + 1e-5)
    free = new_game(
        dataclasses.replace(settings, max_norm=None), small_data(), manual_backprop=manual_backprop
    )
    play(free, 15)
    assert norms(free).max() > 0.8


def test_the_limit_leaves_shorter_vectors_alone_and_keeps_directions() -> None:
    net = nn.Sequential(nn.Linear(4, 6), Maxout(6, 2, 3))
    before = [p.clone() for p in net.parameters()]
    limit_norms(net, 0.5)
    for old, new in zip(before, net.parameters(), strict=True):
        if old.ndim == 1:
            assert torch.equal(old, new)
            continue
        for a, b in zip(old, new, strict=True):
            expected = a if a.norm() <= 0.5 else a * (0.5 / a.norm())
            torch.testing.assert_close(b.detach(), expected.detach())


def test_a_bilinear_start_has_no_grid() -> None:
    layer = nets.generator(
        GeneratorSettings(hidden=(300,), deconvolution=True, bilinear=True), 5, 3072, 0, PHOTO
    )[-2]
    assert isinstance(layer, Deconvolution)
    shares = layer.weight[:, :, 2, 2].detach()  # (maps, colours), the middle of the hat
    assert 0.03 < float(shares.abs().max()) <= 0.05  # ~ U(-r, r), r = .05
    flat = layer(torch.ones(1, 300)).detach().view(3, 32, 32)[:, 3:-3, 3:-3]  # within the border
    torch.testing.assert_close(flat, shares.sum(0)[:, None, None].expand_as(flat))
    plain = GeneratorSettings(hidden=(300,), deconvolution=True)
    rough = nets.generator(plain, 5, 3072, 0, PHOTO)[-2](torch.ones(1, 300)).detach()
    assert rough.view(3, 32, 32)[:, 3:-3, 3:-3].std(1).mean() > 0.01


def test_batch_normalisation_comes_before_each_hidden_activation() -> None:
    s = GeneratorSettings(
        hidden=(8, 6), activations=("relu", "sigmoid"), bias=(0.0, -2.0), batch_norm=True
    )
    G = nets.generator(s, 5, 9)
    kinds = [type(layer) for layer in G]
    hidden = [nn.Linear, nn.BatchNorm1d]
    assert kinds == [*hidden, nn.ReLU, *hidden, nn.Sigmoid, nn.Linear, nn.Sigmoid]
    normal = [layer for layer in G if isinstance(layer, nn.BatchNorm1d)]
    assert [layer.bias.unique().tolist() for layer in normal] == [[0], [-2]]
    # Whatever the bottom's scale, z still matters after a sigmoid layer.
    with torch.no_grad():
        for p in G[0].parameters():
            p.mul_(1000).add_(100)
        after = G[:6](torch.randn(200, 5))
    assert after.std(0).min() > 0.05


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("manual_backprop", [False, True])
def test_the_output_layer_may_learn_at_a_rate_of_its_own(
    optimiser: str, manual_backprop: bool
) -> None:
    def moved(rate: float) -> tuple[Tensor, Tensor]:
        s = small_settings(optimiser=optimiser, lr=0.01)
        s = dataclasses.replace(
            s, G=dataclasses.replace(s.G, output_lr_multiplier=rate, batch_norm=True, init=(0.4,))
        )
        game = new_game(s, small_data(), manual_backprop=manual_backprop, dtype=torch.float64)
        linears = [layer for layer in game.G.children() if isinstance(layer, nn.Linear)]
        before = [layer.weight.detach().clone() for layer in linears]
        play(game, 1)
        after = [layer.weight.detach() for layer in linears]
        return after[0] - before[0], after[-1] - before[-1]

    (hidden, output), (same, quarter), (_, none) = moved(1.0), moved(0.25), moved(0.0)
    assert output.abs().max() > 0
    torch.testing.assert_close(same, hidden)
    torch.testing.assert_close(quarter, output * 0.25)
    assert none.count_nonzero() == 0


@pytest.mark.parametrize("small", [False, True])  # (as published, and what the small preset adds)
def test_convolutional_game_resumes_bit_for_bit(small: bool, tmp_path: Path) -> None:
    data = dataclasses.replace(small_data(120, side=11), image_shape=(1, 11, 11))
    added: dict[str, Any] = {"bilinear": True, "batch_norm": True, "output_lr_multiplier": 0.25}
    settings = Settings(
        G=GeneratorSettings(
            hidden=(8, 18),
            deconvolution=True,
            init=(0.3,),
            activations=("relu",),
            **(added if small else {}),
        ),
        optimiser="adam" if small else "sgd",
        D=DiscriminatorSettings(convolutions=(3, 2), units=(5,), pieces=2, init=(0.3,)),
        batch=10,
        z_size=4,
    )
    settings = dataclasses.replace(
        settings, G=dataclasses.replace(settings.G, bias_from_marginals=False)
    )
    whole = train(data, settings=settings, run=tmp_path / "whole", rounds=8)
    train(data, settings=settings, run=tmp_path / "parts", rounds=3)
    parts = train(data, settings=settings, run=tmp_path / "parts", rounds=8)
    a, b = (game_state.load_generator(run)[0].state_dict() for run in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_stage_2_begins_with_stage_1_on_top(tmp_path: Path) -> None:
    data = small_data()
    stage1 = small_settings(max_norm=1.9365)
    first = train(data, settings=stage1, run=tmp_path / "1", rounds=5)
    G = dataclasses.replace(
        stage1.G, hidden=(7, 5, *stage1.G.hidden), activations=("relu", "sigmoid", "relu", "relu")
    )
    stage2 = dataclasses.replace(stage1, G=G)
    run = train(
        data, settings=stage2, run=tmp_path / "2", rounds=1, onto=tmp_path / "1", cadence=None
    )
    top, _ = game_state.load_generator(first, weights="raw")
    slow = dataclasses.replace(stage2, lr=1e-12, lr_floor=0.0)
    still = train(data, settings=slow, run=tmp_path / "3", rounds=1, onto=tmp_path / "1")
    whole, _ = game_state.load_generator(still, weights="raw")
    h = torch.rand(4, 5)
    assert isinstance(whole, nn.Sequential)
    torch.testing.assert_close(whole[4:](h), top(h))
    # Bit for bit again when it is killed: the checkpoint holds the layers, not the other run.
    train(data, settings=stage2, run=run.folder, rounds=4, onto=tmp_path / "1")
    uninterrupted = train(data, settings=stage2, run=tmp_path / "4", rounds=4, onto=tmp_path / "1")
    a, b = (
        game_state.load_generator(r, weights="raw")[0].state_dict() for r in (run, uninterrupted)
    )
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_stage_2_is_not_begun_without_a_stage_1(tmp_path: Path) -> None:
    small: dict[str, Any] = {"settings": small_settings(), "run": tmp_path / "2", "rounds": 2}
    with pytest.raises(UserError, match="--onto runs/small-tfd-0"):
        train(small_data(), preset="tfd-stage2", **small)
    assert not (tmp_path / "2" / "settings.json").exists()
    train(small_data(), settings=small_settings(), run=tmp_path / "1", rounds=2)
    run = train(small_data(), preset="tfd-stage2", onto=tmp_path / "1", **small)
    assert run.info["onto"] == str(tmp_path / "1")
    train(small_data(), preset="tfd-stage2", **small | {"rounds": 3})  # its layers are its own now


def test_stage_2_needs_the_right_stage_1(tmp_path: Path) -> None:
    data = small_data()
    train(data, settings=small_settings(), run=tmp_path / "1", rounds=2)
    other = dataclasses.replace(
        small_settings(), G=GeneratorSettings(hidden=(7, 5, 12, 11), init=(0.1,))
    )
    with pytest.raises(UserError, match="are not the last layers"):
        train(data, settings=other, run=tmp_path / "2", rounds=2, onto=tmp_path / "1")
    with pytest.raises(UserError, match="is not a run's folder"):
        train(data, settings=other, run=tmp_path / "2", rounds=2, onto=tmp_path / "nowhere")


@pytest.mark.parametrize("side", [1, 2, 4, 6])
def test_no_deconvolution_of_tiny_images(side: int) -> None:
    with pytest.raises(UserError, match="cannot make"):
        Deconvolution(30, (1, side, side))
