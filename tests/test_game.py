"""Algorithm 1: what each protocol does, and that the hand-written updates are autograd's."""

import copy
import dataclasses
import functools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets import game, objectives
from adversarial_nets.build import change_settings, new_game
from adversarial_nets.engine import autograd_updates
from adversarial_nets.errors import UserError
from adversarial_nets.game import play
from adversarial_nets.minibatches import steps
from adversarial_nets.random import Address
from adversarial_nets.schedules import set_learning_rates
from adversarial_nets.state import Game
from small import played, small_data, small_settings, weights


@pytest.mark.parametrize(
    ("protocol", "order"),
    [
        ("paper", ["update_D 0", "update_D 1", "update_D 2", "update_G 2"]),
        ("released", ["update_D 0", "update_D 1", "update_both 2"]),
    ],
)
def test_a_round_updates_D_k_times_and_then_G(
    protocol: str, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the released code, D's last update and G's are one."""
    g, found = new_game(small_settings(protocol=protocol, k=3), small_data()), []
    for name in ("update_D", "update_G", "update_both"):
        monkeypatch.setattr(game, name, lambda *args, of=name: found.append(f"{of} {args[-1]}"))
    game.play_round(g)
    assert found == order


@pytest.mark.parametrize("protocol", ["released", "paper"])
@pytest.mark.parametrize("objective", objectives.OBJECTIVES)
def test_every_objective_learns(objective: str, protocol: str) -> None:
    """D's loss falls while G is frozen; then a round of both changes every weight."""
    D = dataclasses.replace(small_settings().D, keep_prob_input=1.0, keep_prob_hidden=1.0)
    s = small_settings(objective=objective, protocol=protocol, optimiser="adam", lr=1e-2, r2=1e-3)
    s = dataclasses.replace(s, D=D, train_only="D", gradient_penalty=0.01)
    g = new_game(s, small_data())
    assert not g.manual_backprop  # the R2 penalty needs autograd
    means = []
    for rounds in (10, 20):
        play(g, rounds)
        means.append(g.stats.means()["d_loss"])  # over all rounds so far
    assert means[1] < means[0] - 0.02
    g.settings = dataclasses.replace(s, train_only=None)
    before = weights(g)
    play(g, 21)
    changed = [bool((a != b).any()) for a, b in zip(weights(g), before, strict=True)]
    assert all(changed[: len(list(g.G.parameters())) + len(list(g.D.parameters())) - 1])


def penalties_gradient(**changes: Any) -> Tensor:
    """D's weights after one update with a large penalty, by SGD, minus those before it."""
    s = small_settings(protocol="paper", momentum=0.0, momentum_end=0.0, lr=1e-3, **changes)
    s = dataclasses.replace(
        s, D=dataclasses.replace(s.D, activation="relu", keep_prob_input=1.0, keep_prob_hidden=1.0)
    )
    g = new_game(s, small_data(), dtype=torch.float64, manual_backprop=False)
    before = torch.cat([p.detach().flatten() for p in g.D.parameters()])
    play(g, 1)
    return torch.cat([p.detach().flatten() for p in g.D.parameters()]) - before


def test_penalties_add_up_in_the_game() -> None:
    none, r1, r2, both = (
        penalties_gradient(**changes)
        for changes in ({}, {"r1": 2.0}, {"r2": 2.0}, {"r1": 2.0, "r2": 2.0})
    )
    torch.testing.assert_close(r1 - none + r2 - none, both - none, rtol=1e-9, atol=1e-12)
    assert min((r1 - none).norm(), (r2 - none).norm()) > 1e-6
    assert (r1 - r2).norm() > 1e-6


def test_finite_differences_point_where_the_exact_penalty_points() -> None:
    """On a minibatch of 280; each image has one random direction."""
    none, exact, near = (
        penalties_gradient(batch=280, **changes)
        for changes in ({}, {"r1": 2.0, "r2": 2.0}, {"r1": 2.0, "r2": 2.0, "penalty_sigma": 1e-3})
    )
    assert torch.nn.functional.cosine_similarity(exact - none, near - none, dim=0) > 0.8
    assert (near - none).norm() == pytest.approx((exact - none).norm().item(), rel=0.3)


def test_wasserstein_brings_its_penalty_and_a_weight_of_0_removes_it() -> None:
    ten, default, none = (
        penalties_gradient(objective="wasserstein", gradient_penalty=weight)
        for weight in (10.0, None, 0.0)
    )
    assert torch.equal(ten, default)
    assert (ten - none).norm() > 1e-6


def test_the_gradient_penalty_is_between_data_and_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data are black and samples white here, so each x̂ is another grey."""
    seen: list[Tensor] = []
    plain = objectives.gradient_penalty

    def note(x_hat: Tensor, *rest: Any) -> Tensor:
        seen.append(x_hat.detach())
        return plain(x_hat, *rest)

    monkeypatch.setattr(objectives, "gradient_penalty", note)
    data = small_data()
    g = new_game(
        small_settings(objective="wasserstein"), dataclasses.replace(data, train=data.train * 0)
    )
    with torch.no_grad():
        for p in list(g.G.parameters())[-2:]:
            p.fill_(1.0 if p.dim() == 2 else 50.0)  # the sigmoid gives 1
    play(g, 1)
    (x_hat,) = seen
    assert (x_hat.max(1).values - x_hat.min(1).values).max() < 1e-6
    assert x_hat.min() < 0.3 < 0.7 < x_hat.max() <= 1


def test_spectral_norm_makes_D_1_lipschitz() -> None:
    s = small_settings(
        D=dataclasses.replace(small_settings().D, spectral_norm=True, activation="relu")
    )
    g = played(30, s)
    g.D.eval()
    layers = [layer for layer in g.D.modules() if isinstance(layer, nn.Linear)]
    norms = [torch.linalg.matrix_norm(layer.weight, 2).item() for layer in layers]
    assert norms == pytest.approx([1.0] * len(norms), abs=0.05)
    again = played(30, s)
    assert all(torch.equal(a, b) for a, b in zip(weights(g), weights(again), strict=True))
    with pytest.raises(UserError, match="max_norm"):
        dataclasses.replace(s, max_norm=1.0)


def test_zero_samples_are_allowed() -> None:
    g = new_game(small_settings(), small_data())
    assert game.sample(g.G, g.settings, 0).shape == (0, 36)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_an_update_leaves_the_noise_it_is_given_unchanged(momentum: float) -> None:
    g = new_game(small_settings(momentum=momentum), small_data())
    assert g.manual_backprop
    set_learning_rates(g)
    z = game.sample_noise(g, 0, "z for G")
    before = z.clone()
    game.update_G(g, z, 0)
    assert torch.equal(z, before)


def test_momentum_rule_is_the_published_one() -> None:
    """v ← μv − lr·g, θ ← θ + v, compared with PyTorch's, while both lr and μ change."""
    settings = small_settings(lr_decay=1.05, protocol="paper")
    g = new_game(settings, small_data(), dtype=torch.float64)
    mine = copy.deepcopy(g.G)
    v = [torch.zeros_like(p) for p in mine.parameters()]
    for t in range(12):
        epoch = g.epoch
        step_D = copy.deepcopy(g)
        play(step_D, t + 1)  # D as G meets it in this round: after its own step
        z = game.sample_noise(g, t, "z for G")
        g.D.load_state_dict(step_D.D.state_dict())
        a = autograd_updates._logits(g, mine(z), t, "samples for G")
        gradients = torch.autograd.grad(objectives.generator_loss(a), list(mine.parameters()))
        with torch.no_grad():
            for p, v_p, gradient in zip(mine.parameters(), v, gradients, strict=True):
                v_p.mul_(settings.momentum_at(epoch)).sub_(settings.lr_at(t) * gradient)
                p.add_(v_p)
        g = step_D
    for p, q in zip(mine.parameters(), g.G.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-10, atol=1e-12)


def test_the_logged_momentum_is_the_one_that_the_optimiser_used() -> None:
    for optimiser in ("sgd", "adam"):
        moving = {"momentum": 0.2, "momentum_end": 0.7, "momentum_epochs": 3, "lr_decay": 1.0}
        g = new_game(small_settings(optimiser=optimiser, **moving), small_data())
        play(g, 20)  # in the second of three epochs
        group = g.optimiser_G.param_groups[0]
        assert g.momentum == pytest.approx(group.get("momentum", group.get("betas", [0])[0]))


def test_a_learning_rate_that_has_fallen_to_0_moves_nothing() -> None:
    g = new_game(small_settings(lr_decay=1.2, lr_floor=0.0), small_data())
    play(g, 3)
    g.round, before = 5000, weights(g)[:-6]  # .1 / 1.2^5000 is 0 in float64
    play(g, 5002)
    assert all(map(torch.equal, before, weights(g)))


def test_one_epoch_shows_every_image_once_and_the_next_in_another_order() -> None:
    data = small_data()
    n = len(data.train)
    line = torch.cat(
        [data.minibatch(Address(0, t, range(30)), 30 * t) for t in range(2 * n // 30 + 1)]
    )
    epochs = line[:n], line[n : 2 * n]
    images = data.floats(data.train)
    for epoch in epochs:
        torch.testing.assert_close(epoch.sort(0).values, images.sort(0).values)
        assert len({tuple(x.tolist()) for x in epoch}) == len({tuple(x.tolist()) for x in images})
    assert not torch.equal(*epochs)


def test_minibatch_larger_than_the_data() -> None:
    data = small_data(20)
    x = data.minibatch(Address(0, 0, range(50)), 0)
    assert x.shape == (50, 36)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_average_is_an_average_and_does_not_change_the_game(batch_norm: bool) -> None:
    G = dataclasses.replace(small_settings().G, batch_norm=batch_norm)
    settings = small_settings(ema_decay=0.8, G=G)
    with_average, without = played(40, settings), played(40, small_settings(ema_decay=0.0, G=G))
    for a, b in zip(weights(without), weights(with_average), strict=False):
        assert torch.equal(a, b)
    g = new_game(settings, small_data())
    mean = {name: x.detach().clone() for name, x in g.G.state_dict().items()}
    for r in (10, 20, 30, 40):
        play(g, r)
        d = min(0.8, (1 + r) / (10 + r)) ** 10
        assert (d < 0.8**10) == (r < 40)
        now = g.G.state_dict()
        mean = {name: x * d + now[name] * (1 - d) for name, x in mean.items()}
    assert g.averaged is not None
    for name, x in g.averaged.state_dict().items():
        expected = now[name] if "num_batches" in name else mean[name]
        torch.testing.assert_close(x, expected, rtol=1e-4, atol=1e-5)


def test_head_start_trains_G_alone() -> None:
    g = new_game(small_settings(head_start=5), small_data())
    D, G = copy.deepcopy(g.D), copy.deepcopy(g.G)
    play(g, 5)
    assert all(torch.equal(a, b) for a, b in zip(D.parameters(), g.D.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(G.parameters(), g.G.parameters(), strict=True))
    play(g, 6)
    assert not all(torch.equal(a, b) for a, b in zip(D.parameters(), g.D.parameters(), strict=True))


def test_training_D_alone_leaves_G_as_it_is_in_a_head_start_too() -> None:
    g = new_game(small_settings(head_start=5, train_only="D"), small_data())
    D, G = copy.deepcopy(g.D), copy.deepcopy(g.G)
    play(g, 2)
    assert all(torch.equal(a, b) for a, b in zip(G.parameters(), g.G.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(D.parameters(), g.D.parameters(), strict=True))


def test_any_modules_play_with_any_optimiser() -> None:
    G = nn.Sequential(
        nn.Linear(5, 20), nn.BatchNorm1d(20), nn.Tanh(), nn.Linear(20, 36), nn.Sigmoid()
    )
    D = nn.Sequential(nn.Linear(36, 20), nn.LeakyReLU(), nn.Dropout(0.3), nn.Linear(20, 1))
    for protocol in ("released", "paper"):
        ends = []
        for _ in range(2):  # torch's own dropout is seeded by (seed, step): the same twice
            g = new_game(
                small_settings(protocol=protocol, lr=1e-3),
                small_data(),
                G=copy.deepcopy(G),
                D=copy.deepcopy(D),
                optimiser=functools.partial(torch.optim.RMSprop, centered=True),
            )
            torch.rand(3)
            play(g, 8)
            ends.append(weights(g))
        assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
        assert all(bool(w.isfinite().all()) for w in ends[0])


def test_samples_come_block_by_block() -> None:
    g = played(3, small_settings())
    whole = game.sample(g.G, g.settings, 2500)
    parts = torch.cat([game.sample(g.G, g.settings, 1250, first=f) for f in (0, 1250)])
    torch.testing.assert_close(whole, parts)
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_running_means_of_a_discriminator_with_output_one_half() -> None:
    """With all weights 0, D's output is ½ everywhere: the losses are log 4 and log 2."""
    g = new_game(small_settings(lr=1e-9), small_data(), dtype=torch.float64)
    for p in g.D.parameters():
        p.data.zero_()
    play(g, 3)
    means = g.stats.means()
    assert means["d_loss"] == pytest.approx(math.log(4), abs=1e-6)
    assert means["g_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert means["D_x"] == pytest.approx(0.5, abs=1e-6)


def test_every_live_setting_that_a_callback_changes_applies_from_the_next_round() -> None:
    """k, the learning rate, the batch and the frozen network all change together."""
    data, settings = small_data(), small_settings(protocol="paper", ema_decay=0.0)
    updates: list[tuple[int, str]] = []
    g = new_game(settings, data)
    before = [p.detach().clone() for p in g.G.parameters()]

    def record(game: Game) -> None:
        updates.append((game.step, str(game.settings.train_only)))
        if game.round == 2:
            change_settings(game, dataclasses.replace(settings, k=3, train_only="D", batch=10))

    play(g, 2, record)
    at_2 = [p.detach().clone() for p in g.G.parameters()]
    play(g, 4, record)
    assert updates == [(1, "None"), (2, "None"), (5, "D"), (8, "D")]
    assert g.images == 2 * 20 + 2 * 3 * 10
    assert all(torch.equal(a, b) for a, b in zip(at_2, g.G.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before, at_2, strict=True))


@pytest.mark.parametrize(("first", "then"), [(3, 1), (1, 3), (2, 5)])
def test_after_a_change_of_k_no_random_draw_repeats(first: int, then: int) -> None:
    """Every step has its own noise, data and masks, and the epoch never falls."""
    data = small_data()
    g = new_game(small_settings(k=first, protocol="paper"), data)
    drawn: list[Tensor] = []
    epochs: list[int] = []
    for k, rounds in ((first, 5), (then, 10)):
        change_settings(g, dataclasses.replace(g.settings, k=k))
        while g.round < rounds:
            epochs.append(g.epoch)
            drawn += [game.sample_noise(g, step, "z for D") for step in steps(g)]
            play(g, g.round + 1)
    rows = torch.cat(drawn)
    assert len(rows.unique(dim=0)) == len(rows)
    assert epochs == sorted(epochs)
    assert g.step == 5 * first + 5 * then
    assert g.images == g.step * 20


def test_the_data_go_on_where_they_were_after_a_change_of_k_and_batch() -> None:
    """Each epoch still holds every training image once."""
    data = small_data(100)
    g = new_game(small_settings(protocol="paper", k=3, batch=5), data)
    seen: list[Tensor] = []
    minibatch = data.minibatch

    class Recorded:
        pixels, examples_per_epoch = data.pixels, data.examples_per_epoch

        def minibatch(self, address: Address, first: int) -> Tensor:
            x = minibatch(address, first)
            seen.append(x.clone())
            return x

    g.data = Recorded()
    play(g, 2)
    change_settings(g, dataclasses.replace(g.settings, k=1, batch=10))
    play(g, 7)
    first_epoch = torch.cat(seen)[: len(data.train)]
    assert len(first_epoch) == len(data.train)
    assert torch.equal(first_epoch.sort(0).values, data.floats(data.train).sort(0).values)


def test_play_does_not_change_torchs_generator() -> None:
    """User modules with random layers get another seed in every round."""
    settings, data = small_settings(ema_decay=0.0), small_data()
    noisy = nn.Sequential(nn.Linear(36, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 1))
    games = [new_game(settings, data, D=copy.deepcopy(noisy)) for _ in range(2)]
    states = []
    for seed, g in enumerate(games):
        assert not g.manual_backprop
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        play(g, 3)
        assert torch.equal(torch.get_rng_state(), before)
        states.append(weights(g))
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
