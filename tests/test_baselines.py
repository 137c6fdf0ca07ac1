"""The baselines of Table 1, compared with enumeration and autograd; interruption and resumption."""

import dataclasses
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from adversarial_nets.baselines import (
    BASELINES,
    SINGLE_CHAIN,
    Baseline,
    ChainSampler,
    ChainSettings,
    FitSession,
    aae,
    cae,
    dbn,
    gmmn,
    gsn,
    open_fit_folder,
    pca,
    vae,
)
from adversarial_nets.baselines.mlp import init_mlp, mlp
from adversarial_nets.baselines.optimisers import (
    adam_state,
    adam_step,
    ascend_with_momentum,
    descend_with_momentum,
)
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.runs.checkpoints import checkpoint_folder, read_checkpoint
from adversarial_nets.runs.metrics import read_metrics
from small import SMALL_MODELS as SMALL
from small import generator, normal, small_data

DATA = small_data()
IMAGES = DATA.floats(DATA.train)


# --- The contractive autoencoder, against autograd ------------------------------------------------


def layer(inputs: int, hidden: int, step: int) -> cae.Layer:
    W, b, c = normal(hidden, inputs, step=step), normal(inputs, step=7), normal(hidden, step=8)
    return cae.Layer(W, b, c)


def jacobian(layers: list[cae.Layer], x: Tensor) -> Tensor:
    def top(x: Tensor) -> Tensor:
        for each in layers:
            x = each.encode(x[None])[0]
        return x

    return torch.autograd.functional.jacobian(top, x)


def test_the_contraction_penalty_is_the_squared_norm_of_the_jacobian() -> None:
    one = layer(5, 4, 0)
    x = normal(3, 5, step=1).sigmoid()
    expected = torch.stack([jacobian([one], row).square().sum() for row in x])
    torch.testing.assert_close(cae.contraction_penalty(one, one.encode(x)), expected)


@pytest.mark.parametrize("sizes", [(5, 4), (5, 4, 3), (5, 6, 3)])
def test_J_Jt_is_the_jacobian_times_its_transpose(sizes: tuple[int, ...]) -> None:
    layers = [layer(a, b, i) for i, (a, b) in enumerate(itertools.pairwise(sizes))]
    x = normal(3, sizes[0], step=11).sigmoid()
    ε = normal(3, sizes[-1], step=12)
    codes, h = [], x
    for each in layers:
        h = each.encode(h)
        codes.append(h)
    found = cae.jacobian_product(layers, codes, ε)
    for row, J_row in zip(found, x, strict=True):
        J = jacobian(layers, J_row)
        i = next(i for i in range(3) if J_row is x[i] or J_row.equal(x[i]))
        torch.testing.assert_close(row, J @ J.T @ ε[i])


def test_a_chain_step_without_noise_encodes_and_decodes_through_both_layers() -> None:
    layers = tuple(
        cae.Layer(x.W.float(), x.b.float(), x.c.float()) for x in (layer(5, 4, 0), layer(4, 3, 1))
    )
    x = torch.rand(2, 5, generator=generator())
    first, second = layers
    code = second.encode(first.encode(x))
    expected = first.decode_logits(second.decode_logits(code).sigmoid()).sigmoid()
    torch.testing.assert_close(cae.chain_step(cae.CAE(layers, σ=0.0), x, generator()), expected)


def test_the_noise_of_the_chain_is_chosen_by_the_score() -> None:
    best = cae.tune(cae.CAE(()), lambda model: -abs(math.log(model.σ / 0.5)))
    assert best.σ == pytest.approx(10**-0.25)
    assert (cae.SIGMA_GRID[0], cae.SIGMA_GRID[-1]) == (0.01, 10.0)


# --- The GSN --------------------------------------------------------------------------------------


def small_gsn(*hidden: int) -> gsn.GSN:
    made = gsn.init_gsn(6, gsn.Settings(hidden=hidden))
    biases = tuple(normal(len(b), step=i).float() for i, b in enumerate(made.biases))
    return gsn.GSN(made.weights, biases, made.settings)


def test_odd_layers_are_updated_first_each_from_both_its_neighbours() -> None:
    net = small_gsn(5, 4, 3)
    W, b = net.weights, net.biases
    sizes = (6, 5, 4, 3)
    x, _, h2, h3 = (normal(2, size, step=i).float() for i, size in enumerate(sizes))
    layers: list[Tensor | None] = [x, None, h2, h3]
    logits = gsn.update_layers(net, layers, generator(), noise_std=0.0)
    h1_new = torch.tanh(x @ W[0] + h2 @ W[1].T + b[1])
    h3_new = torch.tanh(h2 @ W[2] + b[3])  # odd too: computed from the old h2
    h2_new = torch.tanh(h1_new @ W[1] + h3_new @ W[2].T + b[2])
    torch.testing.assert_close(logits, h1_new @ W[0].T + b[0])
    for found, expected in zip(layers, (x, h1_new, h2_new, h3_new), strict=True):
        torch.testing.assert_close(found, expected)


def test_only_the_top_layer_has_noise_before_and_after_tanh() -> None:
    net = gsn.init_gsn(6, gsn.Settings(hidden=(50, 40)))
    x = torch.rand(500, 6, generator=generator())
    layers: list[Tensor | None] = [x, None, None]
    gsn.update_layers(net, layers, generator(1), noise_std=2.0)
    _, h1, h2 = layers
    assert h1 is not None
    assert h2 is not None
    torch.testing.assert_close(h1, torch.tanh(x @ net.weights[0]))
    # tanh of (almost) N(0, 2²), whose mean square is about .66, plus N(0, 2²).
    a = (h1 @ net.weights[1])[..., None] + 2 * torch.randn(500, 40, 50, generator=generator(2))
    assert h2.square().mean().item() == pytest.approx(a.tanh().square().mean().item() + 4, abs=0.15)


def test_corruption_gives_as_many_zeros_as_ones() -> None:
    x = torch.full((200, 500), 0.3)
    y = gsn.corrupt(x, 0.4, generator())
    for value, share in ((0.0, 0.2), (1.0, 0.2), (0.3, 0.6)):
        assert (y == value).double().mean().item() == pytest.approx(share, abs=0.006)


def test_one_draw_samples_and_corrupts_with_the_right_probability() -> None:
    p = torch.rand(1, 50, generator=generator()).expand(20_000, -1)
    found = gsn.sample_and_corrupt(p, 0.4, generator(1))
    torch.testing.assert_close(found.mean(0), 0.6 * p[0] + 0.2, atol=0.016, rtol=0)
    assert found.unique().tolist() == [0.0, 1.0]


def test_the_loss_is_the_sum_over_walkback_steps() -> None:
    one = gsn.init_gsn(6, gsn.Settings(hidden=(5, 4), walkback=1))
    x = torch.rand(3, 6, generator=generator())
    v = gsn.corrupt(x, 0.4, generator(1))
    p = (torch.tanh(v @ one.weights[0]) @ one.weights[0].T).sigmoid()
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).mean()
    torch.testing.assert_close(gsn.walkback_loss(one, x, generator(1)), expected)
    four = gsn.GSN(one.weights, one.biases, dataclasses.replace(one.settings, walkback=4))
    assert gsn.walkback_loss(four, x, generator(1)).item() > 3 * expected.item()


def test_a_gsn_chain_starts_from_corrupted_images() -> None:
    """If every pixel is replaced, the samples do not depend on the training images."""
    net = small_gsn(5, 4)
    every = gsn.GSN(net.weights, net.biases, dataclasses.replace(net.settings, corruption=1.0))
    none = gsn.GSN(net.weights, net.biases, dataclasses.replace(net.settings, corruption=0.0))
    chains = ChainSettings(chains=3, burn_in=0, thinning=1)
    black, white = (
        [
            gsn.sample(model, 3, training_images=torch.full((3, 6), x), chains=chains)
            for model in (every, none)
        ]
        for x in (0.0, 1.0)
    )
    assert torch.equal(black[0], white[0])
    assert not torch.equal(black[1], white[1])


def test_the_gsn_momentum_averages_gradients_and_the_decay_is_stretched() -> None:
    θ, m = {"W": torch.tensor([1.0])}, {"W": torch.tensor([2.0])}
    gsn.momentum_step(θ, m, (torch.tensor([4.0]),), lr=0.1, momentum=0.5)
    assert m["W"].item() == pytest.approx(3.0)
    assert θ["W"].item() == pytest.approx(0.7)
    long, short = gsn.Settings(), gsn.Settings(epochs=10)
    assert long.lr_at(1) == pytest.approx(0.25 * 0.995)
    assert short.lr_at(5) == pytest.approx(long.lr_at(500))


# --- The VAE and the Gaussian ---------------------------------------------------------------------


def test_the_negative_elbo_is_the_negative_log_likelihood_plus_a_kl_divergence() -> None:
    images = IMAGES[:1, :9].round()
    settings = vae.Settings(hidden=(7,), z_size=1, epochs=1, batch=20)  # later, KL is near 0
    model = vae.fit(IMAGES[:, :9], settings)
    z = torch.linspace(-8, 8, 4001)[:, None]
    log_p_z = -z[:, 0].square() / 2 - math.log(2 * math.pi) / 2
    p = vae.decode(model, z)
    log_p_x_z = (images * p.log() + (1 - images) * (1 - p).log()).sum(1)
    exact = -(log_p_x_z + log_p_z + math.log(16 / 4000)).logsumexp(0)
    ε = torch.randn(4000, 1, generator=generator())
    bound = vae.negative_elbo(model, images.expand(4000, -1), ε)
    μ, log_var = vae.encode(model, images)
    q = torch.distributions.Normal(μ[0], (log_var[0] / 2).exp())
    log_posterior = log_p_x_z + log_p_z + exact
    gap = (q.log_prob(z)[:, 0].exp() * (q.log_prob(z)[:, 0] - log_posterior)).sum() * 16 / 4000
    assert gap.item() >= 0
    assert bound.item() == pytest.approx(exact.item() + gap.item(), abs=0.05)


def test_the_gaussian_has_the_mean_and_covariance_of_the_data() -> None:
    model = pca.fit(IMAGES, pca.Settings(components=36))
    same = pca.fit(IMAGES[:1].expand(5, -1), pca.Settings(components=36))
    assert same.components.abs().max() < 1e-3  # identical images have no variance
    torch.testing.assert_close(model.mean, IMAGES.mean(0))
    covariance = model.components.T @ model.components
    torch.testing.assert_close(covariance, IMAGES.T.cov(correction=0), atol=1e-5, rtol=1e-3)
    lengths = model.components.norm(dim=1)
    assert bool((lengths[:-1] >= lengths[1:] - 1e-6).all())


# --- MLPs, moment matching, and the adversarial autoencoder ---------------------------------------


def test_dropout_preserves_the_mean_of_the_outputs() -> None:
    layers = init_mlp((4, 5, 2), 0, "test")
    x = torch.rand(1, 4, generator=generator())
    many = mlp(x.expand(200_000, -1), layers, 0.8, generator(1))
    torch.testing.assert_close(many.mean(0), mlp(x, layers)[0], atol=0.01, rtol=0)
    assert bool((many.std(0) > 0.1).all())


def test_dropout_of_a_sigmoid_mlp_keeps_a_share_of_the_inputs_of_each_layer() -> None:
    (W, b) = init_mlp((4, 3), 0, "test")[0]
    layers = ((W, b + 1),)
    x = torch.rand(1, 4, generator=generator())
    many = gmmn.sigmoid_mlp(x.expand(200_000, -1), layers, (0.3,), generator(1))
    torch.testing.assert_close(many.mean(0), (0.3 * x @ W + b + 1)[0], atol=0.01, rtol=0)
    torch.testing.assert_close(many.var(0), (0.21 * x**2 @ W**2)[0], atol=0.01, rtol=0)


def test_clipped_gradients_keep_their_direction_and_have_at_most_the_norm() -> None:
    gradients = [normal(3, 2), normal(4, step=1)]
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    for max_norm in (norm / 3, 2 * norm):
        clipped = gmmn.clip_norm(gradients, max_norm)
        for before, after in zip(gradients, clipped, strict=True):
            torch.testing.assert_close(after, before * min(1, max_norm / norm))


def test_a_sigmoid_mlp_has_sigmoid_units_and_linear_outputs() -> None:
    layers = init_mlp((4, 5, 2), 0, "test")
    (W1, b1), (W2, b2) = layers
    x = torch.rand(3, 4, generator=generator())
    expected = (x @ W1 + b1).sigmoid() @ W2 + b2
    torch.testing.assert_close(gmmn.sigmoid_mlp(x, layers), expected)


def test_the_autoencoder_of_a_gmmn_trains_one_layer_at_a_time_and_then_all(tmp_path: Path) -> None:
    settings = SMALL["gmmn-autoencoder"]
    per_phase = settings.epochs[0] * (len(IMAGES) // settings.autoencoder_batch)
    before = gmmn.init_gmmn(IMAGES.shape[1], settings).state_dict()

    def changed_after(updates: int) -> set[str]:
        changed: set[str] = set()

        def stop(update: int, total: int, loss: float) -> None:
            if update == updates:
                raise KeyboardInterrupt

        folder = tmp_path / str(updates)
        folder.mkdir()
        session = FitSession(folder=folder, save_every=1, callback=stop)
        with pytest.raises(KeyboardInterrupt):
            gmmn.fit(IMAGES, settings, session)
        now = read_checkpoint(checkpoint_folder(folder), ()).nets
        for name, θ in before.items():
            if not torch.equal(θ, now[name]):
                changed.add(name.rsplit(".", 1)[0])
        return changed

    assert changed_after(per_phase) == {"encoder.0", "decoder.1"}
    assert changed_after(2 * per_phase) == {"encoder.0", "encoder.1", "decoder.0", "decoder.1"}


def test_mmd_between_gaussians_is_the_closed_form() -> None:
    """E exp(−‖x − y‖² / 2s) = (s / (s + 2))^(d/2) · exp(−‖μ‖² / 2(s + 2)) in d dimensions."""
    x, y = normal(4000, 2), normal(4000, 2, step=1) + torch.tensor([1.0, 0.5], dtype=torch.float64)
    scales = (2.0, 5.0)
    expected = sum(2 * s / (s + 2) * (1 - math.exp(-1.25 / (2 * (s + 2)))) for s in scales)
    assert gmmn.mmd2(x, y, scales).item() == pytest.approx(expected, abs=0.012)
    assert gmmn.mmd2(x[:50], x[:50], scales).item() == pytest.approx(0, abs=1e-12)


def test_the_gradient_of_mmd_moves_samples_towards_the_data() -> None:
    x, y = normal(50, 3), (normal(40, 3, step=1) + 2).requires_grad_()
    (gradient,) = torch.autograd.grad(gmmn.mmd2(x, y, (2.0, 10.0)), [y])
    assert bool((gradient.mean(0) > 0).all())
    assert torch.autograd.gradcheck(lambda y: gmmn.mmd2(x[:5], y, (2.0,)), [y[:4]])


def test_the_gradient_of_mmd_by_hand_is_that_of_autograd() -> None:
    x, y = normal(50, 3), (normal(40, 3, step=1) + 2).requires_grad_()
    bandwidths = (2.0, 10.0)
    expected = gmmn.mmd2(x, y, bandwidths)
    value, gradient = gmmn.mmd2_and_gradient(x, y.detach(), bandwidths)
    assert value.item() == pytest.approx(expected.item(), abs=1e-12)
    (expected_gradient,) = torch.autograd.grad(expected, [y])
    assert torch.allclose(gradient, expected_gradient, rtol=0, atol=1e-12)


def test_the_codes_of_an_adversarial_autoencoder_follow_the_prior() -> None:
    def distance_to_prior(epochs: int) -> float:
        s = aae.Settings(
            hidden=(30, 30), z_size=2, prior_std=2.0, keep_prob=1.0, epochs=epochs, lr=(5e-3, 5e-3)
        )
        codes = mlp(IMAGES, aae.fit(IMAGES, s).encoder)
        return (codes.mean(0).abs() + (codes.std(0) - 2).abs()).max().item()

    assert distance_to_prior(300) < 0.5 < distance_to_prior(1)


# --- Sampling, resuming, and what all baselines share ---------------------------------------------


def test_chains_are_thinned_after_a_burn_in() -> None:
    def first(model: None, images: Tensor, generator: torch.Generator) -> Tensor:
        return images

    def add_one(model: None, state: Tensor, generator: torch.Generator) -> Tensor:
        return state + 1

    sample = ChainSampler(first, add_one, lambda model, state: state)
    start = torch.tensor([[0.0], [100.0]])
    chains = ChainSettings(chains=2, burn_in=3, thinning=2)
    kept = sample(None, 5, training_images=start, chains=chains)
    assert kept.flatten().tolist() == [5.0, 105.0, 7.0, 107.0, 9.0]
    assert chains.total_steps(4) == 2 * (3 + 2 * 2)
    single = sample(None, 3, training_images=start, chains=SINGLE_CHAIN)
    assert single.flatten().tolist() == [1.0, 2.0, 3.0]
    totals = (ChainSettings().total_steps(10_000), SINGLE_CHAIN.total_steps(10_000))
    assert totals == (1_100_000, 10_000)


def test_no_more_chains_than_images_and_as_many_samples_as_asked_for() -> None:
    def first(model: None, images: Tensor, generator: torch.Generator) -> Tensor:
        return images

    def same(model: None, state: Tensor, generator: torch.Generator) -> Tensor:
        return state

    sample = ChainSampler(first, same, lambda model, state: state)
    few = ChainSettings(chains=5, burn_in=0, thinning=1)
    assert sample(None, 7, training_images=torch.zeros(2, 1), chains=few).shape == (7, 1)
    assert few.limited_to(2).total_steps(7) == 2 * 4
    assert few.limited_to(9) == few


def test_each_step_of_a_chain_has_its_own_random_numbers() -> None:
    def noise(model: None, state: Tensor, generator: torch.Generator) -> Tensor:
        return torch.rand(state.shape, generator=generator)

    sample = ChainSampler(noise, noise, lambda model, state: state)
    chains = ChainSettings(chains=1, burn_in=0, thinning=1)
    start = torch.zeros(1, 4)
    x = sample(None, 3, training_images=start, seed=1, chains=chains)
    assert x.unique().numel() == 12
    assert x.equal(sample(None, 3, training_images=start, seed=1, chains=chains))
    assert not x.equal(sample(None, 3, training_images=start, seed=2, chains=chains))


def test_momentum_adds_up_velocities_and_decays_matrices_only() -> None:
    θ = {"W": torch.ones(1, 1), "b": torch.ones(1)}
    velocity = {"W": torch.full((1, 1), 2.0), "b": torch.full((1,), 2.0)}
    gradients = {"W": torch.full((1, 1), 3.0), "b": torch.full((1,), 3.0)}
    ascend_with_momentum(θ, velocity, gradients, lr=0.1, momentum=0.5, weight_decay=0.2)
    assert velocity["W"].item() == pytest.approx(0.5 * 2 + 0.1 * (3 - 0.2))
    assert velocity["b"].item() == pytest.approx(0.5 * 2 + 0.1 * 3)
    assert θ["b"].item() == pytest.approx(1 + 1.3)


def test_descent_with_momentum_is_ascent_along_the_negative_gradient() -> None:
    """Bit for bit: earlier versions trained the GMMN so."""
    start = {name: normal(4, 3, step=i).float() for i, name in enumerate("Wb")}
    θ, θ_up = ({name: x.clone() for name, x in start.items()} for _ in range(2))
    v, v_up = ({name: torch.zeros_like(x) for name, x in start.items()} for _ in range(2))
    for step in range(1, 5):
        g = {name: normal(4, 3, step=10 * step + i).float() for i, name in enumerate("Wb")}
        descend_with_momentum(θ, v, list(g.values()), lr=0.3, momentum=0.9)
        up = {name: -x for name, x in g.items()}
        ascend_with_momentum(θ_up, v_up, up, lr=0.3, momentum=0.9, weight_decay=0.0)
    for name, x in start.items():
        assert torch.equal(θ[name], θ_up[name])
        assert torch.equal(v[name], v_up[name])
        assert not torch.equal(θ[name], x)
    with pytest.raises(ValueError, match="shorter"):
        descend_with_momentum(θ, v, [start["W"]], lr=0.1, momentum=0.0)


def test_adam_decays_matrices_only_and_is_torchs() -> None:
    start = {"W": torch.linspace(-1, 1, 12).view(3, 4), "b": torch.ones(3)}
    ours = {name: x.clone() for name, x in start.items()}
    theirs = {name: nn.Parameter(x.clone()) for name, x in start.items()}
    state = adam_state(ours)
    groups = [
        {"params": [theirs["W"]], "weight_decay": 0.3},
        {"params": [theirs["b"]], "weight_decay": 0.0},
    ]
    adam = torch.optim.Adam(groups, lr=0.1, betas=(0.5, 0.9), eps=1e-8)
    for step in range(1, 4):
        gradients = [torch.sin(step * x + 1) for x in start.values()]
        adam_step(ours, state, gradients, 0.1, (0.5, 0.9), weight_decay=0.3)
        for p, gradient in zip(theirs.values(), gradients, strict=True):
            p.grad = gradient.clone()
        adam.step()
    for name, x in ours.items():
        torch.testing.assert_close(x, theirs[name].detach())


def samples(name: str, model: Any) -> Tensor:
    sample = BASELINES[name].sample
    if isinstance(sample, ChainSampler):
        return sample(model, 12, training_images=IMAGES, chains=ChainSettings(4, 3, 2))
    return sample(model, 12, seed=0)


@pytest.mark.parametrize("name", list(BASELINES))
def test_samples_are_images_and_reproducible(name: str) -> None:
    model = BASELINES[name].fit(IMAGES, SMALL[name], FitSession())
    x = samples(name, model)
    assert x.shape == (12, 36)
    assert x.min() >= 0
    assert x.max() <= 1
    assert x.unique(dim=0).shape[0] == 12
    assert x.equal(samples(name, model))


@pytest.mark.parametrize("name", list(BASELINES))
def test_an_interrupted_fit_ends_like_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    baseline, settings = BASELINES[name], SMALL[name]
    expected = baseline.fit(IMAGES, settings, FitSession())
    open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(settings))
    stopped: list[int] = []

    def stop(update: int, total: int, loss: float) -> None:
        stopped.append(update)
        raise InterruptedError

    for save_every in (3, 2, 5, 100):
        callback = stop if save_every < 100 else None
        session = FitSession(tmp_path, save_every=save_every, callback=callback)
        try:
            resumed = baseline.fit(IMAGES, settings, session)
        except InterruptedError:
            continue
    assert stopped
    for parameter, value in expected.state_dict().items():
        assert resumed.state_dict()[parameter].equal(value), parameter


def test_a_signal_leaves_the_metrics_of_an_uninterrupted_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in an update after which a row of metrics is due, and in one after which none is."""
    baseline, settings, negative_elbo = BASELINES["vae"], SMALL["vae"], vae.negative_elbo

    def metrics(folder: Path, *stop_in: int) -> list[dict[str, Any]]:
        open_fit_folder(folder, baseline.title, DATA, dataclasses.asdict(settings))
        updates = itertools.count(1)

        def interrupted(*args: Any) -> Any:
            if next(updates) in stop_in:
                os.kill(os.getpid(), signal.SIGINT)
            return negative_elbo(*args)

        monkeypatch.setattr(vae, "negative_elbo", interrupted)
        for _ in stop_in:
            with pytest.raises(Stopped):
                baseline.fit(IMAGES, settings, FitSession(folder, save_every=3))
        baseline.fit(IMAGES, settings, FitSession(folder, save_every=3))
        return [{k: v for k, v in row.items() if k != "seconds"} for row in read_metrics(folder)]

    expected = metrics(tmp_path / "uninterrupted")
    assert [row["round"] for row in expected] == [3, 6, 8]
    assert metrics(tmp_path / "stopped", 3, 4) == expected


def test_a_fit_that_diverges_says_so() -> None:
    settings = dataclasses.replace(SMALL["vae"], lr=float("inf"))
    with pytest.raises(Diverged, match="smaller learning rate"):
        vae.fit(IMAGES, settings, FitSession(save_every=1))


@pytest.mark.parametrize("name", ["dbn", "deep-gsn", "vae", "stacked-cae", "gmmn", "aae"])
def test_fitting_lowers_the_loss(name: str) -> None:
    losses: list[float] = []
    session = FitSession(save_every=4, callback=lambda update, total, loss: losses.append(loss))
    settings = dataclasses.replace(SMALL[name], epochs=_longer(name), batch=20)
    BASELINES[name].fit(IMAGES, settings, session)
    half = len(losses) // 2 if name in ("dbn", "stacked-cae") else len(losses)
    assert losses[half - 1] < 0.97 * losses[0]


def _longer(name: str) -> Any:
    return (10, 10) if name in ("dbn", "gmmn") else 10


def test_a_fit_that_is_to_be_scored_needs_a_score() -> None:
    with pytest.raises(ValueError, match="no validation_score"):
        FitSession(score_every=5)


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))
    open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))
    with pytest.raises(UserError, match="another settings"):
        open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings(epochs=3)))
    with pytest.raises(UserError, match="another model and settings"):
        open_fit_folder(tmp_path, "DBN", DATA, dataclasses.asdict(dbn.Settings()))
    (tmp_path / "settings.json").unlink()
    (tmp_path / "checkpoints" / "round-00000003").mkdir()
    with pytest.raises(UserError, match="has checkpoints but no settings"):
        open_fit_folder(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))


OLD_SETTINGS = {
    "aae": {"z_size": "code", "prior_std": "spread", "keep_prob": "keep"},
    "dbm": {
        "mean_field_steps": "mean_field",
        "gibbs_steps": "gibbs",
        "weight_decay": "decay",
    },
    "dbn": {"gibbs_steps": "gibbs", "weight_decay": "decay"},
    "deep-gsn": {
        "noise_std": "noise",
        "optimiser": "rule",
        "lr_decay": "decay",
        "lr_decay_epochs": "full_epochs",
    },
    "gmmn": {
        "bandwidths": "scales",
        "autoencoder_batch": "small_batch",
    },
}


@pytest.mark.parametrize("name", list(OLD_SETTINGS))
def test_folders_with_earlier_names_of_settings_continue(name: str, tmp_path: Path) -> None:
    baseline, settings = BASELINES[name], SMALL[name]
    open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(settings))
    path = tmp_path / "settings.json"
    record = json.loads(path.read_text())
    old_names = OLD_SETTINGS[name]
    old = {old_names.get(key, key): value for key, value in record["settings"].items()}
    assert old.keys() != record["settings"].keys()
    path.write_text(json.dumps(record | {"settings": old}))
    open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(settings))
    changed = dataclasses.replace(settings, seed=1)
    with pytest.raises(UserError, match="another settings"):
        open_fit_folder(tmp_path, baseline.title, DATA, dataclasses.asdict(changed))


@pytest.mark.usefixtures("_as_users_run_it")
def test_settings_of_a_baseline_must_be_a_dataclass() -> None:
    settings: Any = {"components": 5}
    none: Any = None
    the_class: Any = pca.Settings
    with pytest.raises(
        UserError, match="are of type dict; they must be an instance of a dataclass"
    ):
        Baseline("mine", pca.fit, pca.sample, settings)
    with pytest.raises(UserError, match="are the class Settings; they must be an instance"):
        Baseline("mine", pca.fit, pca.sample, the_class)
    with pytest.raises(UserError, match="sample of mine is of type NoneType; it must be a func"):
        Baseline("mine", pca.fit, none, pca.Settings())


@dataclasses.dataclass(frozen=True)
class WithoutBatch:
    """Settings of a baseline of one's own."""

    epochs: int = 10


@dataclasses.dataclass(frozen=True)
class WithBatch(WithoutBatch):
    """The same with minibatches."""

    batch: int = 100


def test_validation_scores_need_the_number_of_images_in_one_update() -> None:
    fit: Any = pca.fit
    match = "have batch = None.*Add the field `batch: int = 100`.*score_every_epochs=0"
    with pytest.raises(UserError, match=match):
        Baseline("mine", fit, pca.sample, WithoutBatch(), score_every_epochs=2)
    with pytest.raises(UserError, match="have batch = 0"):
        Baseline("mine", fit, pca.sample, WithBatch(batch=0), score_every_epochs=2)
    settings: tuple[Any, Any] = WithBatch(), WithoutBatch()
    with pytest.raises(UserError, match="have batch = None"):
        Baseline("mine", fit, pca.sample, *settings, score_every_epochs=2)
    Baseline("mine", fit, pca.sample, WithBatch(), score_every_epochs=2)
    Baseline("mine", fit, pca.sample, WithoutBatch())


@pytest.mark.parametrize(
    "keep_probs", [(0.8,), (0.8, 0.5, 0.5), (), (0.8, 0.0), (0.8, 1.1), (math.nan, 0.5)]
)
def test_each_layer_of_an_autoencoder_needs_a_probability(keep_probs: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match=r"one probability in \(0, 1\] for each of the 2 layers"):
        gmmn.Settings(autoencoder=(9, 4), keep_probs=keep_probs)
    gmmn.Settings(autoencoder=(9, 4), keep_probs=(1.0, 0.5))
    gmmn.Settings(keep_probs=keep_probs)  # not used without an autoencoder


def test_a_checkpoint_that_other_code_saved_is_refused(tmp_path: Path) -> None:
    """A buffer or a parameter was added, or has another shape."""
    (tmp_path / "checkpoints").mkdir()
    old = nn.Linear(3, 2)
    steps = FitSession(tmp_path).steps(1, old, dict(old.named_parameters()), {})
    for _, record_loss in steps.until(1):
        record_loss(0.0)
    more = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    FitSession(tmp_path).steps(1, old, dict(old.named_parameters()), {})
    with pytest.raises(UserError, match=r"lacks .*1\.running_mean.* was saved by other code"):
        FitSession(tmp_path).steps(1, more, {}, {})
    with pytest.raises(UserError, match="lacks weight, or has another shape"):
        FitSession(tmp_path).steps(1, nn.Linear(4, 2), {}, {})
    with pytest.raises(UserError, match=r"lacks v/weight.*Delete .* to fit the model again"):
        FitSession(tmp_path).steps(1, old, {}, {"v/weight": torch.zeros(1)})


def test_tied_weights_are_saved_under_both_names(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    tied = nn.Sequential(first, second)
    parameters = dict(tied.named_parameters())
    for _, record_loss in FitSession(tmp_path).steps(1, tied, parameters, {}).until(1):
        record_loss(0.0)
    saved = {k: x.clone() for k, x in tied.state_dict().items()}
    nn.init.zeros_(first.weight)
    FitSession(tmp_path).steps(1, tied, parameters, {})
    assert all(torch.equal(x, saved[k]) for k, x in tied.state_dict().items())


def test_settings_of_a_row_take_its_seed() -> None:
    assert BASELINES["vae"].settings_for(3, quick=False) == vae.Settings(epochs=60, seed=3)
    assert BASELINES["vae"].settings_for(0, quick=True).hidden == (200,)
    assert BASELINES["pca-gaussian"].settings_for(0, quick=True) == pca.Settings()
    assert BASELINES["pca-gaussian"].settings_for(3, quick=False) == pca.Settings()


def test_baselines_do_not_import_the_training_of_adversarial_nets() -> None:
    program = (
        "import sys, adversarial_nets.baselines; "
        "assert not any(name.startswith('adversarial_nets.training') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
