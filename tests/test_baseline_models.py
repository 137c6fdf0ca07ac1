"""The models of Table 1, each compared with enumeration, closed forms and autograd."""

import dataclasses
import itertools
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from adversarial_nets.baselines import (
    ChainSettings,
    FitSession,
    aae,
    cae,
    gmmn,
    gsn,
    pca,
    vae,
)
from adversarial_nets.baselines.mlp import init_mlp, mlp
from adversarial_nets.runs.checkpoints import checkpoint_folder, read_checkpoint
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


def test_the_gradient_of_mmd_equals_that_of_autograd() -> None:
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
