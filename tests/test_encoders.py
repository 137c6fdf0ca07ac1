"""The joint game as a setting: its losses, its rounds, resuming, and what is refused (§7)."""

import copy
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

import adversarial_nets as an
from adversarial_nets import build, encoders, game, objectives, settings
from adversarial_nets.engine import autograd_updates
from adversarial_nets.errors import UserError
from adversarial_nets.objectives import OBJECTIVES
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.toys import catalogue, plane
from adversarial_nets.toys.networks import gradient_field
from adversarial_nets.training.diagnostics import discriminator_metrics
from small import normal, small_data, small_settings


def joint_settings(**changes: object) -> Settings:
    own = {"joint": True, "D.keep_prob_input": 1.0, "D.keep_prob_hidden": 1.0, "protocol": "paper"}
    return settings.update_settings(small_settings(), own | changes)


def new_game(**changes: object) -> Game:
    return build.new_game(joint_settings(**changes), small_data(), dtype=torch.float64)


def test_the_joint_loss_is_V_or_exchanges_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    a_x, a_G_z = normal(7), normal(7, step=1)
    V = objectives.value(a_x, a_G_z)
    assert objectives.joint_loss(a_x, a_G_z, "minimax").item() == pytest.approx(V.item(), rel=1e-12)
    exchanged = softplus(a_x).mean() + softplus(-a_G_z).mean()
    assert objectives.joint_loss(a_x, a_G_z).item() == pytest.approx(exchanged.item(), rel=1e-12)
    monkeypatch.setitem(OBJECTIVES, "renamed", dataclasses.replace(OBJECTIVES["minimax"]))
    assert objectives.joint_loss(a_x, a_G_z, "renamed") == objectives.joint_loss(
        a_x, a_G_z, "minimax"
    )
    for name in OBJECTIVES:  # E and G gain when pairs of data look like pairs of the model
        better = objectives.joint_loss(a_x - 0.1, a_G_z, name)
        assert better < objectives.joint_loss(a_x, a_G_z, name), name


@pytest.mark.parametrize("protocol", ["paper", "released"])
@pytest.mark.parametrize("objective", ["non-saturating", "minimax", "relativistic"])
def test_a_round_descends_the_gradients_of_both_pairs(objective: str, protocol: str) -> None:
    """With SGD without momentum each network moves by −lr times its gradient, written out here."""
    g = new_game(objective=objective, protocol=protocol, momentum=0.0, momentum_end=0.0)
    before = copy.deepcopy(g)
    x, z = game.sample_data(g, 0)[:, :36], game.sample_noise(g, 0, "z for G")
    z_D = z if protocol == "released" else game.sample_noise(g, 0, "z for D")
    game.play(g, 1)
    assert isinstance(before.G, encoders.GeneratorWithEncoder)
    G, E, D = before.G.G, before.G.E, before.D
    of_x = D(torch.cat([x, E(x)], 1))[:, 0]
    loss_D = objectives.discriminator_loss(of_x, D(torch.cat([G(z_D), z_D], 1))[:, 0], objective)
    loss_D = loss_D / 2 if protocol == "released" else loss_D
    check_step(before.D, g.D, loss_D, g.lr)
    if protocol == "paper":  # D moves first
        D = g.D
    of_x, of_G = D(torch.cat([x, E(x)], 1))[:, 0], D(torch.cat([G(z), z], 1))[:, 0]
    check_step(before.G, g.G, objectives.joint_loss(of_x, of_G, objective), g.lr)


def test_D_sees_the_same_augmented_data_in_both_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def recorded(a_x: torch.Tensor, a_G_z: torch.Tensor, objective: str) -> torch.Tensor:
        seen.append(a_x.detach())
        return joint_loss(a_x, a_G_z, objective)

    joint_loss = objectives.joint_loss
    monkeypatch.setattr(objectives, "joint_loss", recorded)
    g = new_game(augment=1.0, protocol="released")
    x, z = game.sample_data(g, 0), game.sample_noise(g, 0, "z for G")
    a_x, _ = autograd_updates.update_both(g, x, z, 0)
    assert torch.allclose(seen[0], a_x, rtol=0, atol=1e-12)


def check_step(
    before: torch.nn.Module, after: torch.nn.Module, loss: torch.Tensor, lr: float
) -> None:
    gradients = torch.autograd.grad(loss, list(before.parameters()), retain_graph=True)
    for p, q, gradient in zip(before.parameters(), after.parameters(), gradients, strict=True):
        assert torch.allclose(q, p - lr * gradient, rtol=0, atol=1e-12)


def test_the_logged_losses_are_V_and_its_negative_in_minimax() -> None:
    """G and E descend what D ascends, so the log of a simultaneous round shows one number twice."""
    g = new_game(objective="minimax", protocol="released")
    game.play(g, 3)
    means = g.stats.means()
    assert means["g_loss"] == pytest.approx(-means["d_loss"], rel=1e-12)


@pytest.mark.parametrize("changes", [{}, {"G.keep_prob": 0.7}])
def test_resume_is_the_uninterrupted_run(changes: dict[str, object], tmp_path: Path) -> None:
    cadence = an.Cadence(log_every=5, save_every=5, score_every=100, samples_every=100)
    for name, lengths in {"whole": [12], "parts": [5, 12]}.items():
        for rounds in lengths:
            an.train(
                small_data(),
                settings=joint_settings(**changes),
                run=tmp_path / name,
                rounds=rounds,
                cadence=cadence,
                progress=False,
            )
    for weights in ("raw", "averaged"):
        a, b = (an.load_generator(tmp_path / n, weights=weights)[0] for n in ("whole", "parts"))
        assert isinstance(a, encoders.GeneratorWithEncoder)
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            assert torch.equal(p, q)


def test_metrics_of_a_training_evaluate_D_on_pairs() -> None:
    g, data = build.new_game(joint_settings(), small_data()), small_data()
    found = discriminator_metrics(g, data)
    x = data.floats(data.train[:1000])
    assert isinstance(g.G, encoders.GeneratorWithEncoder)
    z = torch.cat([x, encoders.encode(g.G.E, x)], 1)
    G_z = game.sample(g.G, g.settings, 35, "samples to watch")
    noise = normal_noise(g, 35)
    with torch.no_grad():
        V = objectives.value(g.D(z)[:, 0].double(), g.D(torch.cat([G_z, noise], 1))[:, 0].double())
    assert found["V_training"] == pytest.approx(V.item(), rel=1e-6)


def normal_noise(g: Game, n: int) -> torch.Tensor:
    """The noise of the samples to watch."""
    from adversarial_nets import priors
    from adversarial_nets.random import Address

    s = g.settings
    return priors.draw(s.prior, Address(s.seed, 0, range(n)), s.z_size, "samples to watch")


def test_a_range_of_initial_weights_follows_the_number_of_inputs() -> None:
    """The layers of E come in reverse order, the ranges do not: 2, 128 and 128 inputs, as in G."""
    E = encoders.encoder(plane.SETTINGS, pixels=2)
    ranges = [layer.weight.abs().max().item() for layer in E if isinstance(layer, nn.Linear)]
    assert ranges == pytest.approx(plane.SETTINGS.G.init, rel=0.05)


def test_the_plane_shows_pairs_in_units_of_the_data() -> None:
    toy = catalogue.find("moons")
    s = settings.update_settings(
        plane.SETTINGS,
        {"joint": True, "G.hidden": [16], "G.init": [0.7, 0.2], "D.units": [8], "D.init": [1, 0.2]},
    )
    g, evaluator = plane.new_game(toy, s), plane.new_evaluator(toy, s, samples=200)
    snapshot = plane.take_snapshot(g, evaluator)
    assert snapshot.codes is not None
    assert snapshot.reconstructions is not None
    z = torch.from_numpy(plane.noise_of_samples(s, 200)).float()
    assert np.allclose(g.G(z).detach(), snapshot.samples, atol=1e-5)
    pairs = torch.from_numpy(np.hstack([evaluator.data, snapshot.codes])).float()
    assert np.allclose(g.D(pairs).detach()[:, 0], snapshot.a_data, atol=1e-4)
    distances = np.linalg.norm(snapshot.reconstructions - evaluator.data, axis=1)
    assert snapshot.measures["reconstruction"] == pytest.approx(distances.mean())
    # The arrows are the gradient of G's loss at samples with their z.
    x, eps = snapshot.samples[:5], 1e-3
    field = gradient_field(g, x, z[:5].double().numpy())

    def loss(x: np.ndarray) -> float:
        rows = torch.cat([torch.from_numpy(x).float(), z[:5]], 1)
        return float(softplus(-g.D(rows)[:, 0].detach().double()).sum())

    moved = x.copy()
    moved[:, 0] += eps
    back = x.copy()
    back[:, 0] -= eps
    assert -(loss(moved) - loss(back)) / (2 * eps) == pytest.approx(field[:, 0].sum(), rel=0.02)


@pytest.mark.parametrize(
    "changes", [{"condition": "classes"}, {"G.sparse": 2}, {"max_norm": 2.0}, {"G.maps": 4}]
)
def test_what_the_joint_game_refuses(changes: dict[str, object]) -> None:
    with pytest.raises(UserError):
        joint_settings(**changes)


def test_own_networks_are_refused() -> None:
    G = torch.nn.Sequential(torch.nn.Linear(5, 36))
    with pytest.raises(UserError, match="leave out G and D"):
        build.new_game(joint_settings(), small_data(), G=G)


def test_further_updates_of_G_have_new_noise_and_masks() -> None:
    """g_steps n plays n updates of G after D's; only the first is that of Algorithm 1."""
    s = settings.update_settings(small_settings(protocol="paper"), {"g_steps": 3})
    g = build.new_game(s, small_data())
    one = build.new_game(settings.update_settings(s, {"g_steps": 1}), small_data())
    game.play(g, 1)
    game.play(one, 1)
    for update in ("update 2", "update 3"):
        one.round, one.step = 0, 0
        z = game.sample_noise(one, 0, f"z for G, {update}")
        game.update_G(one, z, 0, f"samples for G, {update}")
    for p, q in zip(g.G.parameters(), one.G.parameters(), strict=True):
        assert torch.equal(p, q)
    assert math.isfinite(g.lr)


def test_a_flag_is_read_from_the_command_line() -> None:
    assert settings.update_settings(Settings(), {"flip": "True"}).flip
    assert not settings.update_settings(Settings(flip=True), {"flip": False}).flip
    with pytest.raises(UserError, match="True or False"):
        settings.update_settings(Settings(), {"flip": "yes"})
