"""Classes as an input of both networks (§7): laws of the conditional game."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import adversarial_nets as an
from adversarial_nets import classes, nets, objectives
from adversarial_nets.build import new_game
from adversarial_nets.engine.autograd_updates import _discriminate, _penalties
from adversarial_nets.engine.manual_support import supports
from adversarial_nets.errors import UserError
from adversarial_nets.game import play, sample, sample_data, sample_noise
from adversarial_nets.layers import Branches, Dropout, Maxout, Projection
from adversarial_nets.minibatches import condition_of
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.toys import images
from adversarial_nets.training.diagnostics import discriminator_metrics
from small import small_data, small_labelled_data, small_settings

G, D = small_settings().G, small_settings().D
CGAN = {
    "G": dataclasses.replace(G, class_units=7, keep_prob=0.5),
    "D": dataclasses.replace(D, class_units=4, top_pieces=2),
}
GAMES: dict[str, dict[str, Any]] = {
    "joined": {},
    "joined, R1": {"r1": 0.3, "protocol": "paper", "k": 2},
    "CGAN's networks": CGAN,
    "CGAN's networks, R1": {**CGAN, "r1": 0.3, "momentum": 0.0, "momentum_end": 0.0},
    "projection": {"D": dataclasses.replace(D, projection=True), "optimiser": "adam", "lr": 1e-3},
    "projection, R1": {"D": dataclasses.replace(D, projection=True), "r1": 0.3},
    "ReLU": {"D": dataclasses.replace(D, activation="relu", class_units=4), "r1": 0.3},
}


def conditional(**changes: Any) -> Settings:
    return small_settings(condition="classes", **changes)


def played(settings: Settings, data: an.Dataset, rounds: int = 20, **how: Any) -> Game:
    game = new_game(settings, data, dtype=torch.float64, **how)
    play(game, rounds)
    return game


def weights(game: Game) -> list[Tensor]:
    return [p.detach() for net in (game.G, game.D) for p in net.parameters()]


@pytest.mark.parametrize("name", GAMES)
def test_manual_backprop_equals_autograd(name: str) -> None:
    data, settings = small_labelled_data(), conditional(**GAMES[name])
    assert supports(new_game(settings, data))
    manual, autograd = (played(settings, data, manual_backprop=m) for m in (True, False))
    for a, b in zip(weights(manual), weights(autograd), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", GAMES)
def test_with_one_class_it_is_the_unconditional_game(name: str) -> None:
    changes = GAMES[name]
    one = played(conditional(**changes), small_labelled_data(classes=1))
    plain = {
        network: dataclasses.replace(settings, class_units=0, **more)
        for network, settings, more in (
            ("G", changes.get("G", G), {}),
            ("D", changes.get("D", D), {"projection": False}),
        )
    }
    none = played(small_settings(**{**changes, **plain}), small_data())
    for a, b in zip(weights(one), weights(none), strict=True):
        assert torch.equal(a, b)


def permuted(data: an.Dataset, order: Tensor) -> an.Dataset:
    """The data with class c renamed to order[c]."""
    return dataclasses.replace(data, labels={s: order[c] for s, c in data.labels.items()})


def permute_class_weights(game: Game, order: Tensor) -> None:
    """Move the initial weights of class c to class order[c]."""
    for net in (game.G, game.D):
        assert isinstance(net, nn.Sequential)
        first = net[0]
        inner = first.of_c if isinstance(first, Branches) else nn.Sequential()
        joined = [] if len(inner) else [m for m in net if isinstance(m, nn.Linear)][:1]
        for layer in [m for m in inner if isinstance(m, nn.Linear)] + joined:
            if not isinstance(layer, Projection):
                columns = layer.weight.data[:, -len(order) :].clone()
                layer.weight.data[:, -len(order) + order] = columns


@pytest.mark.parametrize("name", ["joined", "CGAN's networks", "projection, R1"])
def test_renumbering_the_classes_renumbers_the_samples(name: str) -> None:
    order = torch.tensor([2, 0, 1])
    settings, data = conditional(**GAMES[name]), small_labelled_data()
    game = played(settings, data)
    other = new_game(settings, permuted(data, order), dtype=torch.float64)
    permute_class_weights(other, order)
    play(other, 20)
    c = torch.arange(12) % 3
    a = sample(game.G, settings, 12, c=c)
    b = sample(other.G, settings, 12, c=order[c])
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    assert not torch.allclose(a, sample(other.G, settings, 12, c=c), atol=1e-3)


def test_rows_hold_the_image_and_then_its_class() -> None:
    data = small_labelled_data()
    game = new_game(conditional(), data)
    x, z = sample_data(game, 0), sample_noise(game, 0, "z for D")
    order = [int((data.floats(data.train) == row[:36]).all(1).nonzero()[0, 0]) for row in x]
    assert torch.equal(classes.class_numbers(x[:, 36:]), data.labels["train"][order])
    assert torch.equal(x[:, 36:], z[:, 5:])  # noise gets the classes of the same minibatch


def test_the_published_conditional_networks() -> None:
    """Mirza & Osindero 2014, §4.1: each layer's size; lr .1 divided by 1.00004 down to 1e-6."""
    s = an.PRESETS["mnist-conditional"].settings
    G = nets.generator(s.G, s.z_size, 784, columns=10)
    D = nets.discriminator(s.D, 784, columns=10)
    sizes = [(m.in_features, m.out_features) for m in G.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(100, 200), (10, 1000), (1200, 1200), (1200, 784)]
    maxout = [m for m in D.modules() if isinstance(m, Maxout)]
    units = [(m.in_features, m.units, m.pieces) for m in maxout]
    assert units == [(784, 240, 5), (10, 50, 5), (290, 240, 4)]
    kept = [m.keep_prob for net in (G, D) for m in net.modules() if isinstance(m, Dropout)]
    assert kept == [0.5, 0.5, 0.8, 0.5, 0.5, 0.5]
    assert (s.lr_at(1), s.lr_at(10**7)) == (0.1 / 1.00004, 1e-6)
    bound = max(
        float(m.weight.detach().abs().max()) for m in G.modules() if isinstance(m, nn.Linear)
    )
    assert 0.049 < bound <= 0.05


def test_R1_leaves_the_class_out() -> None:
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    w = torch.tensor([1.0, 2.0, 0.0, 5.0, 5.0, 5.0], dtype=torch.float64)
    assert objectives.r1(x, x @ w, 2.0, pixels=3).item() == pytest.approx(5.0)


def test_default_samples_have_the_classes_of_the_data_in_their_shares() -> None:
    data = small_labelled_data()
    skewed = dataclasses.replace(data, labels={s: (c == 0).long() for s, c in data.labels.items()})
    game = new_game(conditional(), skewed)
    c = classes.drawn_classes(game.G, Address(0, 0, range(6000)), "samples")
    assert c is not None
    rows = classes.generator_input(game.G, torch.zeros(6000, 5), c)
    assert rows[:, 5:].mean(0).tolist() == pytest.approx([0.668, 0.332], abs=0.02)


def test_own_networks_take_the_class_number() -> None:
    class OwnG(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.out = nn.Embedding(3, 4), nn.Linear(9, 36)

        def forward(self, z: Tensor, c: Tensor) -> Tensor:
            return self.out(torch.cat([z, self.embed(c)], 1)).sigmoid()

    class OwnD(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.out = nn.Embedding(3, 36), nn.Linear(36, 1)

        def forward(self, x: Tensor, c: Tensor) -> Tensor:
            x = x.flatten(1)
            return self.out(x) + (self.embed(c) * x).sum(1, keepdim=True)

    data = small_labelled_data()
    own_G = OwnG()
    game = new_game(conditional(r1=0.1), data, G=own_G, D=OwnD())
    play(game, 3)
    c = torch.tensor([0, 1, 2])
    z = classes.generator_input(game.G, torch.ones(3, 5), c)
    torch.testing.assert_close(game.G(z), own_G(torch.ones(3, 5), c))
    with pytest.raises(UserError, match="class numbers of shape"):
        new_game(conditional(), data, G=nn.Linear(5, 36))


def test_resume_is_the_uninterrupted_run(tmp_path: Path) -> None:
    settings = conditional(**GAMES["CGAN's networks, R1"])
    data = small_labelled_data()
    cadence = an.Cadence(log_every=5, save_every=5, score_every=100, samples_every=100)
    for name, lengths in {"whole": [12], "parts": [5, 12]}.items():
        for rounds in lengths:
            an.train(
                data,
                settings=settings,
                run=tmp_path / name,
                rounds=rounds,
                cadence=cadence,
                progress=False,
            )
    a, b = (an.load_generator(tmp_path / name)[0] for name in ("whole", "parts"))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(p, q)
    run = an.open_run(tmp_path / "whole")
    assert run.classes == {"0": 94, "1": 93, "2": 93}
    c = torch.tensor([1, 1, 2])
    assert torch.equal(sample(a, settings, 3, c=c), sample(b, settings, 3, c=c))
    with pytest.raises(UserError, match="other labels"):
        an.train(permuted(data, torch.tensor([1, 0, 2])), settings=settings, run=run, rounds=13)


@pytest.mark.parametrize("condition", ["classes", "masks"])
def test_a_conditional_game_can_be_watched(condition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`advnets play` and the metrics of a training give both networks what the game gives them."""
    monkeypatch.setattr(images, "IMAGES", 35)  # as many as these data hold out
    data, settings = small_labelled_data(), small_settings(condition=condition)
    game = new_game(settings, data)
    play(game, 2)
    evaluator = images.new_evaluator(data)
    snapshot = images.take_snapshot(game, evaluator)
    assert set(images.metrics(evaluator, snapshot)) > {"V", "accuracy", "spread", "modes hit"}
    of_valid = condition_of(game, data, "valid", 35)
    assert of_valid is not None
    x = torch.cat([data.floats(data.valid[:20]), of_valid[:20]], 1)
    with torch.no_grad():
        a = game.D.eval()(x).flatten().double().numpy()
    assert snapshot.a_data[:20] == pytest.approx(a, rel=1e-5)
    assert {"accuracy", "V_training"} <= discriminator_metrics(game, data).keys()


@pytest.mark.parametrize(
    ("name", "needed_by", "advice"),
    [
        (
            "folder:img",
            "condition classes",
            "which --condition classes needs. Sort the images into one subfolder for each class, "
            "or leave out --condition.",
        ),
        ("idx:img", "few-labels", "which few-labels needs. Add the two files of labels."),
    ],
)
def test_a_command_says_how_its_kind_of_data_gets_classes(
    name: str, needed_by: str, advice: str
) -> None:
    data = dataclasses.replace(small_data(), name=name)
    with pytest.raises(UserError) as refused:
        classes.count_classes(data, needed_by)
    missing = f"{name} has no classes for its training and validation images"
    assert refused.value.for_command_line() == f"{missing}, {advice}"


def test_classes_and_noise_may_be_arrays_and_lists() -> None:
    game = new_game(conditional(), small_labelled_data())
    G, settings, z = game.G, game.settings, torch.rand(3, 5)
    wanted = sample(G, settings, 3, c=torch.tensor([2, 0, 1]), z=z)
    for c in ([2, 0, 1], np.array([2, 0, 1]), np.array([2, 0, 1], np.int32)):
        for noise in (z, z.numpy(), z.numpy().astype(np.float64)):
            assert torch.equal(sample(G, settings, 3, c=c, z=noise), wanted)
    one_hot = torch.eye(3)[[2, 0, 1]]
    assert torch.equal(sample(G, settings, 3, c=one_hot, z=z), wanted)
    with pytest.raises(UserError, match=r"of shape \(3, 2\), but this generator takes .*\(3, 3\)"):
        sample(G, settings, 3, c=one_hot[:, :2])


def test_bad_classes_are_refused_in_one_sentence() -> None:
    data = small_labelled_data()
    with pytest.raises(UserError, match="has no classes"):
        new_game(conditional(), small_data())
    gap = permuted(data, torch.tensor([0, 1, 3]))
    with pytest.raises(UserError, match="no training images of class 2"):
        new_game(conditional(), gap)
    numbers = permuted(data, torch.tensor([0, 1, 3])).labels["train"] * 1000
    sparse = dataclasses.replace(data, labels={**data.labels, "train": numbers})
    with pytest.raises(UserError, match=r"class 1, 2, 3, 4, 5 and 2,993 more.*return_inverse"):
        new_game(conditional(), sparse)
    unlabelled = permuted(data, torch.tensor([0, 1, -1]))
    with pytest.raises(UserError, match="have no class"):
        new_game(conditional(), unlabelled)
    game = new_game(conditional(), data)
    with pytest.raises(UserError, match="from 0 to 2"):
        sample(game.G, game.settings, 2, c=torch.tensor([0, 3]))
    plain = new_game(small_settings(), small_data())
    with pytest.raises(UserError, match="this generator takes none"):
        sample(plain.G, plain.settings, 2, c=torch.tensor([0, 1]))
    with pytest.raises(UserError, match="Did you mean cats"):
        classes.find_class(["cats", "dogs"], "cat")
    for network in ("G", "D"):
        changed = dataclasses.replace(getattr(Settings(), network), class_units=3)
        with pytest.raises(UserError, match="needs condition"):
            Settings(**{network: changed})


class OnlyTheClass(nn.Module):
    """A D whose logit depends on the class alone."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns, self.weight = columns, nn.Parameter(torch.arange(1.0, columns + 1))

    def forward(self, xc: Tensor) -> Tensor:
        return xc[:, -self.columns :] @ self.weight[:, None] + 0 * xc.sum(1, keepdim=True)


@pytest.mark.parametrize(
    "penalty", [{"r1": 2.0}, {"r2": 2.0}, {"r1": 2.0, "r2": 2.0, "penalty_sigma": 0.1}]
)
def test_penalties_are_on_gradients_of_the_image_alone(penalty: dict[str, float]) -> None:
    game = new_game(conditional(**penalty), small_labelled_data())
    game.D = OnlyTheClass(game.condition_columns)
    x = sample_data(game, 0).requires_grad_()
    a_x = game.D(x).flatten()
    assert len(set(a_x.tolist())) > 1
    data, samples = _discriminate(game, 0, x, x, "samples for D")
    found = _penalties(game, 0, data, samples)
    assert torch.as_tensor(found).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("objective", ["non-saturating", "relativistic", "wasserstein"])
def test_convolutional_networks_with_classes_and_augmentation(objective: str) -> None:
    """The class reaches both networks, and augmentation leaves it as it is."""
    settings = conditional(
        G=dataclasses.replace(G, hidden=(), maps=4, init=(0.3,), batch_norm=True),
        D=dataclasses.replace(D, units=(), maps=4, init=(0.3,), spectral_norm=True),
        **{"objective": objective, "augment": 1.0, "optimiser": "adam", "lr": 1e-3, "r2": 0.1},
    )
    game = played(settings, small_labelled_data(), rounds=3)
    assert all(w.isfinite().all() for w in weights(game))
    a, b = (sample(game.G, settings, 4, c=torch.full((4,), c)) for c in (0, 1))
    assert a.shape == (4, 36)
    assert not torch.equal(a, b)
    (embedding,) = (m.embedding for m in game.D.modules() if isinstance(m, Projection))
    assert embedding.detach().any(1).all()  # each class has moved its vector from 0
