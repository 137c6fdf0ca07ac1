"""The laws of Table 1's other rows: against enumeration, against autograd, and when interrupted."""

import dataclasses
import itertools
import math
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from adversarial_nets.baselines import (
    ROWS,
    SINGLE,
    Chains,
    FitSession,
    aae,
    begin,
    cae,
    dbm,
    dbn,
    gmmn,
    gsn,
    pca,
    vae,
)
from adversarial_nets.baselines.chains import chain
from adversarial_nets.baselines.perceptron import new, through
from adversarial_nets.errors import Stopped, UserError
from adversarial_nets.random import Address
from adversarial_nets.runs.metrics import read_metrics
from small import SMALL_MODELS as SMALL
from small import small_data

DATA = small_data()
IMAGES = DATA.floats(DATA.train)


def drawn(step: int = 0) -> torch.Generator:
    return Address(5, step, range(1)).generator("test")


def normal(*shape: int, step: int = 0) -> Tensor:
    return torch.randn(*shape, generator=drawn(step), dtype=torch.float64)


def every_state(units: int) -> Tensor:
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=units)), dtype=torch.float64)


# --- The restricted Boltzmann machine, by enumeration ---------------------------------------------


def small_rbm(visible: int = 4, hidden: int = 3) -> dbn.RBM:
    return dbn.RBM(normal(visible, hidden), normal(visible, step=1), normal(hidden, step=2))


def exact(rbm: dbn.RBM) -> tuple[Tensor, Tensor]:
    """Every v, and p(v) from the energies of all pairs (v, h)."""
    v, h = every_state(len(rbm.b)), every_state(len(rbm.c))
    minus_E = (v @ rbm.b)[:, None] + (h @ rbm.c)[None] + v @ rbm.W @ h.T
    return v, (minus_E - minus_E.flatten().logsumexp(0)).exp().sum(1)


def test_the_free_energy_is_the_energy_with_h_summed_out() -> None:
    rbm = small_rbm()
    v, p = exact(rbm)
    torch.testing.assert_close((-dbn.free_energy(rbm, v)).softmax(0), p)


def test_conditionals_follow_from_the_joint_distribution() -> None:
    rbm = small_rbm()
    v, h = every_state(4), every_state(3)
    joint = ((v @ rbm.b)[:, None] + (h @ rbm.c)[None] + v @ rbm.W @ h.T).exp()
    torch.testing.assert_close(rbm.p_h(v), joint @ h / joint.sum(1, keepdim=True))
    torch.testing.assert_close(rbm.p_v(h), joint.T @ v / joint.sum(0)[:, None])


def log_likelihood_gradient(rbm: dbn.RBM, data: Tensor) -> tuple[Tensor, ...]:
    """By autograd through log Z, enumerated."""
    parts = tuple(x.clone().requires_grad_() for x in rbm.parts())
    copy = dbn.RBM(*parts)
    log_Z = (-dbn.free_energy(copy, every_state(len(rbm.b)))).logsumexp(0)
    return torch.autograd.grad(-dbn.free_energy(copy, data).mean() - log_Z, parts)


def test_the_contrast_with_the_exact_model_is_the_exact_gradient() -> None:
    rbm = small_rbm()
    data = every_state(4)[[1, 5, 5, 12]]
    v, p = exact(rbm)
    in_proportion = v.repeat_interleave((p * 100_000).round().long(), dim=0)
    found = dbn.contrast(rbm, data, in_proportion)
    for g, expected in zip(found, log_likelihood_gradient(rbm, data), strict=True):
        torch.testing.assert_close(g, expected, atol=1e-4, rtol=0)


def test_persistent_chains_come_to_the_exact_gradient() -> None:
    rbm = small_rbm()
    data = every_state(4)[[1, 5, 5, 12]]
    h = torch.zeros(20_000, 3, dtype=torch.float64)
    v, _ = dbn.gibbs(rbm, h, 60, drawn())
    found = dbn.contrast(rbm, data, v)
    for g, expected in zip(found, log_likelihood_gradient(rbm, data), strict=True):
        torch.testing.assert_close(g, expected, atol=0.015, rtol=0)  # 4 standard errors


def test_a_gibbs_step_keeps_the_exact_distribution() -> None:
    rbm = small_rbm()
    v, p = exact(rbm)
    start = v.repeat_interleave((p * 40_000).round().long(), dim=0)
    after, _ = dbn.gibbs(rbm, dbn.bernoulli(rbm.p_h(start), drawn(1)), 1, drawn(2))
    codes = (after @ torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)).long()
    found = codes.bincount(minlength=16) / len(after)
    torch.testing.assert_close(found.double(), p, atol=0.011, rtol=0)


def test_cd_1_is_one_step_from_the_data_on_average() -> None:
    rbm = small_rbm()
    v = torch.tensor([[0.2, 1.0, 0.7, 0.0]], dtype=torch.float64)  # intensities, not bits
    h = every_state(3)
    p_h = rbm.p_h(v)
    weights = (h * p_h + (1 - h) * (1 - p_h)).prod(1, keepdim=True)
    v_1 = rbm.p_v(h)
    expected = v.T @ p_h - (weights * v_1).T @ rbm.p_h(v_1)
    many = v.expand(100_000, -1)
    found, _, _ = dbn.contrast(rbm, many, dbn.reconstruct(rbm, many, drawn()))
    torch.testing.assert_close(found, expected, atol=0.005, rtol=0)


def test_the_second_machine_starts_at_the_first_ones_means() -> None:
    s = dataclasses.replace(SMALL["dbn"], epochs=(1, 1), lr=(0.05, 0.0), decay=0.0)
    fitted = dbn.fit(IMAGES, s)
    mean = fitted.first.p_h(IMAGES).mean(0)
    torch.testing.assert_close(fitted.second.b.sigmoid(), mean, atol=1e-3, rtol=0)


# --- The deep Boltzmann machine, by enumeration ---------------------------------------------------


def small_dbm() -> dbm.DBM:
    sizes = ((4, 3), (3, 2), (4,), (3,), (2,))
    return dbm.DBM(*(normal(*size, step=i) for i, size in enumerate(sizes)))


def minus_E(machine: dbm.DBM) -> Tensor:
    """−E of every (v, h¹, h²): (16, 8, 4)."""
    v, h1, h2 = (every_state(n) for n in (4, 3, 2))
    alone = (v @ machine.b)[:, None, None] + (h1 @ machine.c1)[:, None] + h2 @ machine.c2
    return alone + (v @ machine.W1 @ h1.T)[..., None] + h1 @ machine.W2 @ h2.T


def test_a_dbms_conditionals_follow_from_the_joint_distribution() -> None:
    machine = small_dbm()
    v, h1, h2 = (every_state(n) for n in (4, 3, 2))
    joint = minus_E(machine).exp()
    given_h1 = joint.sum(2)
    torch.testing.assert_close(machine.p_v(h1), given_h1.T @ v / given_h1.sum(0)[:, None])
    given_h1 = joint.sum(0)
    torch.testing.assert_close(machine.p_h2(h1), given_h1 @ h2 / given_h1.sum(1)[:, None])
    for k, each in enumerate(h2):
        found = machine.p_h1(v, each.expand(16, -1))
        expected = joint[:, :, k] @ h1 / joint[:, :, k].sum(1)[:, None]
        torch.testing.assert_close(found, expected)


def test_the_mean_field_climbs_a_bound_that_stays_below_the_likelihood() -> None:
    machine, v = small_dbm(), every_state(4)
    exact = minus_E(machine).logsumexp((1, 2))  # log p(v) + log Z
    bounds = torch.stack(
        [dbm.lower_bound(machine, v, *dbm.mean_field(machine, v, n)) for n in (0, 1, 2, 5, 50)]
    )
    assert bool((bounds[-1] <= exact).all())
    assert bool((bounds.diff(dim=0) >= -1e-12).all())
    assert (bounds[-1] - bounds[0]).max() > 0.01
    machine = dataclasses.replace(machine, W2=torch.zeros_like(machine.W2))
    exact = minus_E(machine).logsumexp((1, 2))  # h given v is independent: nothing is lost
    found = dbm.lower_bound(machine, v, *dbm.mean_field(machine, v, 1))
    torch.testing.assert_close(found, exact)


def test_chains_and_the_exact_posterior_give_the_exact_gradient() -> None:
    """And Gibbs steps keep the exact distribution, which the chains start from."""
    machine, data = small_dbm(), every_state(4)[[1, 5, 5, 12]]
    θ = {name: x.clone().requires_grad_() for name, x in machine.tensors().items()}
    log_p = minus_E(dbm.DBM(**θ))
    expected = torch.autograd.grad(
        log_p[[1, 5, 5, 12]].logsumexp((1, 2)).mean() - log_p.flatten().logsumexp(0),
        list(θ.values()),
    )
    p = minus_E(machine).flatten().softmax(0).reshape(16, 8, 4)
    h1 = every_state(3).repeat_interleave((p.sum((0, 2)) * 100_000).round().long(), dim=0)
    h1 = dbm.gibbs(machine, h1, 2, drawn())
    # One row for each (v, h¹, h²) in proportion to its posterior, in place of the mean field.
    posterior = p[[1, 5, 5, 12]]
    posterior = posterior / posterior.sum((1, 2), keepdim=True)
    counts = (posterior * 100_000).round().long().flatten()
    v, μ1, μ2 = (
        x.expand(4, 8, 4, -1).reshape(128, -1).repeat_interleave(counts, dim=0)
        for x in (data[:, None, None], every_state(3)[None, :, None], every_state(2)[None, None])
    )
    for g, exact in zip(dbm.contrast(v, μ1, μ2, machine, h1), expected, strict=True):
        torch.testing.assert_close(g, exact, atol=0.007, rtol=0)  # 4 standard errors


def test_layers_alone_double_what_they_do_not_see() -> None:
    W, b, c = normal(6, 5), normal(6, step=1), normal(5, step=2)
    v = normal(3, 6, step=3).sigmoid()
    _, up = dbm._cd_1(v, W, b, c, 2, 1, drawn())
    h = dbn.bernoulli((c + 2 * v @ W).sigmoid(), drawn())
    torch.testing.assert_close(up, (b + h @ W.T).sigmoid())
    _, down = dbm._cd_1(v, W, b, c, 1, 2, drawn())
    h = dbn.bernoulli((c + v @ W).sigmoid(), drawn())
    torch.testing.assert_close(down, (b + 2 * h @ W.T).sigmoid())


# --- The contractive autoencoder, against autograd ------------------------------------------------


def layer(inputs: int, hidden: int, step: int) -> cae.Layer:
    W, b, c = normal(hidden, inputs, step=step), normal(inputs, step=7), normal(hidden, step=8)
    return cae.Layer(W, b, c)


def jacobian(layers: list[cae.Layer], x: Tensor) -> Tensor:
    def top(x: Tensor) -> Tensor:
        for each in layers:
            x = each.f(x[None])[0]
        return x

    return torch.autograd.functional.jacobian(top, x)


def test_the_penalty_is_the_jacobians_squared_norm() -> None:
    one = layer(5, 4, 0)
    x = normal(3, 5, step=1).sigmoid()
    expected = torch.stack([jacobian([one], row).square().sum() for row in x])
    torch.testing.assert_close(cae.penalty(one, one.f(x)), expected)


@pytest.mark.parametrize("sizes", [(5, 4), (5, 4, 3), (5, 6, 3)])
def test_J_Jt_is_the_jacobian_times_its_transpose(sizes: tuple[int, ...]) -> None:
    layers = [layer(a, b, i) for i, (a, b) in enumerate(itertools.pairwise(sizes))]
    x = normal(3, sizes[0], step=11).sigmoid()
    ε = normal(3, sizes[-1], step=12)
    codes, h = [], x
    for each in layers:
        h = each.f(h)
        codes.append(h)
    found = cae.jacobian_products(layers, codes, ε)
    for row, J_row in zip(found, x, strict=True):
        J = jacobian(layers, J_row)
        i = next(i for i in range(3) if J_row is x[i] or J_row.equal(x[i]))
        torch.testing.assert_close(row, J @ J.T @ ε[i])


def test_without_noise_the_walk_is_the_reconstruction_decoded_twice() -> None:
    layers = tuple(
        cae.Layer(x.W.float(), x.b.float(), x.c.float()) for x in (layer(5, 4, 0), layer(4, 3, 1))
    )
    x = torch.rand(2, 5, generator=drawn())
    first, second = layers
    code = second.f(first.f(x))
    expected = first.g_logits(second.g_logits(code).sigmoid()).sigmoid()
    torch.testing.assert_close(cae.walk(cae.CAE(layers, σ=0.0), x, drawn()), expected)


def test_the_walks_step_is_chosen_by_the_score() -> None:
    best = cae.tune(cae.CAE(()), lambda model: -abs(math.log(model.σ / 0.5)))
    assert best.σ == pytest.approx(10**-0.25)
    assert (cae.SIGMAS[0], cae.SIGMAS[-1]) == (0.01, 10.0)


# --- The GSN --------------------------------------------------------------------------------------


def small_gsn(*hidden: int) -> gsn.GSN:
    made = gsn.new(6, gsn.Settings(hidden=hidden))
    biases = tuple(normal(len(b), step=i).float() for i, b in enumerate(made.biases))
    return gsn.GSN(made.weights, biases, made.settings)


def test_odd_layers_come_first_and_each_sees_both_its_neighbours() -> None:
    net = small_gsn(5, 4, 3)
    W, b = net.weights, net.biases
    sizes = (6, 5, 4, 3)
    x, _, h2, h3 = (normal(2, size, step=i).float() for i, size in enumerate(sizes))
    layers: list[Tensor | None] = [x, None, h2, h3]
    logits = gsn.update_layers(net, layers, drawn(), noise=0.0)
    h1_new = torch.tanh(x @ W[0] + h2 @ W[1].T + b[1])
    h3_new = torch.tanh(h2 @ W[2] + b[3])  # odd too: sees the old h2
    h2_new = torch.tanh(h1_new @ W[1] + h3_new @ W[2].T + b[2])
    torch.testing.assert_close(logits, h1_new @ W[0].T + b[0])
    for found, expected in zip(layers, (x, h1_new, h2_new, h3_new), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_noise_is_on_the_top_layer_alone_before_and_after_tanh() -> None:
    net = gsn.new(6, gsn.Settings(hidden=(50, 40)))
    x = torch.rand(500, 6, generator=drawn())
    layers: list[Tensor | None] = [x, None, None]
    gsn.update_layers(net, layers, drawn(1), noise=2.0)
    _, h1, h2 = layers
    assert h1 is not None
    assert h2 is not None
    torch.testing.assert_close(h1, torch.tanh(x @ net.weights[0]))
    # tanh of (almost) N(0, 2²), whose mean square is about .66, and N(0, 2²) on it.
    a = (h1 @ net.weights[1])[..., None] + 2 * torch.randn(500, 40, 50, generator=drawn(2))
    assert h2.square().mean().item() == pytest.approx(a.tanh().square().mean().item() + 4, abs=0.15)


def test_corruption_makes_fair_zeros_and_ones() -> None:
    x = torch.full((200, 500), 0.3)
    y = gsn.corrupt(x, 0.4, drawn())
    for value, share in ((0.0, 0.2), (1.0, 0.2), (0.3, 0.6)):
        assert (y == value).double().mean().item() == pytest.approx(share, abs=0.006)


def test_drawing_and_corrupting_at_once_has_the_right_probability() -> None:
    p = torch.rand(1, 50, generator=drawn()).expand(20_000, -1)
    found = gsn.draw_and_corrupt(p, 0.4, drawn(1))
    torch.testing.assert_close(found.mean(0), 0.6 * p[0] + 0.2, atol=0.016, rtol=0)
    assert found.unique().tolist() == [0.0, 1.0]


def test_the_loss_sums_the_walkback_and_its_gradient_is_autograds() -> None:
    one = gsn.new(6, gsn.Settings(hidden=(5, 4), walkback=1))
    x = torch.rand(3, 6, generator=drawn())
    v = gsn.corrupt(x, 0.4, drawn(1))
    p = (torch.tanh(v @ one.weights[0]) @ one.weights[0].T).sigmoid()
    expected = -(x * p.log() + (1 - x) * (1 - p).log()).mean()
    torch.testing.assert_close(gsn.walkback_loss(one, x, drawn(1)), expected)
    four = gsn.GSN(one.weights, one.biases, dataclasses.replace(one.settings, walkback=4))
    assert gsn.walkback_loss(four, x, drawn(1)).item() > 3 * expected.item()


def test_a_gsn_chain_starts_at_corrupted_images() -> None:
    """Where every pixel is replaced, nothing of the image that a chain starts at is left."""
    net = small_gsn(5, 4)
    every = gsn.GSN(net.weights, net.biases, dataclasses.replace(net.settings, corruption=1.0))
    none = gsn.GSN(net.weights, net.biases, dataclasses.replace(net.settings, corruption=0.0))
    policy = Chains(chains=3, burn_in=0, every=1)
    black, white = (
        [
            gsn.sample(model, 3, start=torch.full((3, 6), x), policy=policy)
            for model in (every, none)
        ]
        for x in (0.0, 1.0)
    )
    assert torch.equal(black[0], white[0])
    assert not torch.equal(black[1], white[1])


def test_the_momentum_is_an_average_and_the_decay_is_stretched() -> None:
    θ, m = {"W": torch.tensor([1.0])}, {"W": torch.tensor([2.0])}
    gsn.descend(θ, m, (torch.tensor([4.0]),), gsn.Settings(), lr=0.1)
    assert m["W"].item() == pytest.approx(3.0)
    assert θ["W"].item() == pytest.approx(0.7)
    long, short = gsn.Settings(), gsn.Settings(epochs=10)
    assert long.lr_at(1) == pytest.approx(0.25 * 0.995)
    assert short.lr_at(5) == pytest.approx(long.lr_at(500))


# --- The VAE and the Gaussian ---------------------------------------------------------------------


def test_the_bound_is_above_the_exact_negative_log_likelihood() -> None:
    images = IMAGES[:1, :9].round()
    settings = vae.Settings(hidden=(7,), z_size=1, epochs=40, batch=20)
    model = vae.fit(IMAGES[:, :9], settings)
    z = torch.linspace(-8, 8, 4001)[:, None]
    log_p_z = -z[:, 0].square() / 2 - math.log(2 * math.pi) / 2
    p = vae.decode(model, z)
    log_p_x_z = (images * p.log() + (1 - images) * (1 - p).log()).sum(1)
    exact = -(log_p_x_z + log_p_z + math.log(16 / 4000)).logsumexp(0)
    ε = torch.randn(4000, 1, generator=drawn())
    bound = vae.bound(model, images.expand(4000, -1), ε)
    μ, log_var = vae.encode(model, images)
    q = torch.distributions.Normal(μ[0], (log_var[0] / 2).exp())
    log_posterior = log_p_x_z + log_p_z + exact
    gap = (q.log_prob(z)[:, 0].exp() * (q.log_prob(z)[:, 0] - log_posterior)).sum() * 16 / 4000
    assert gap.item() >= 0
    assert bound.item() == pytest.approx(exact.item() + gap.item(), abs=0.05)


def test_the_gaussian_has_the_datas_mean_and_covariance() -> None:
    model = pca.fit(IMAGES, pca.Settings(components=36))
    torch.testing.assert_close(model.mean, IMAGES.mean(0))
    covariance = model.components.T @ model.components
    torch.testing.assert_close(covariance, IMAGES.T.cov(correction=0), atol=1e-5, rtol=1e-3)
    lengths = model.components.norm(dim=1)
    assert bool((lengths[:-1] >= lengths[1:] - 1e-6).all())


# --- Perceptrons, moment matching, and the game on codes ------------------------------------------


def test_dropout_leaves_the_mean_of_a_layers_signal() -> None:
    layers = new((4, 5, 2), 0, "test")
    x = torch.rand(1, 4, generator=drawn())
    many = through(x.expand(200_000, -1), layers, 0.8, drawn(1))
    torch.testing.assert_close(many.mean(0), through(x, layers)[0], atol=0.01, rtol=0)
    assert bool((many.std(0) > 0.1).all())


def test_mmd_between_gaussians_is_the_closed_form() -> None:
    """E exp(−‖x − y‖² / 2s) = (s / (s + 2))^(d/2) · exp(−‖μ‖² / 2(s + 2)) in d dimensions."""
    x, y = normal(4000, 2), normal(4000, 2, step=1) + torch.tensor([1.0, 0.5], dtype=torch.float64)
    scales = (2.0, 5.0)
    expected = sum(2 * s / (s + 2) * (1 - math.exp(-1.25 / (2 * (s + 2)))) for s in scales)
    assert gmmn.mmd2(x, y, scales).item() == pytest.approx(expected, abs=0.012)
    assert gmmn.mmd2(x, x, scales).item() == pytest.approx(0, abs=1e-12)


def test_mmds_gradient_pulls_samples_to_data() -> None:
    x, y = normal(50, 3), (normal(40, 3, step=1) + 2).requires_grad_()
    (gradient,) = torch.autograd.grad(gmmn.mmd2(x, y, (2.0, 10.0)), [y])
    assert bool((gradient.mean(0) > 0).all())
    assert torch.autograd.gradcheck(lambda y: gmmn.mmd2(x[:5], y, (2.0,)), [y[:4]])


def test_the_code_of_an_adversarial_autoencoder_takes_the_priors_shape() -> None:
    def misfit(epochs: int) -> float:
        s = aae.Settings(
            hidden=(30, 30), code=2, spread=2.0, keep=1.0, epochs=epochs, lr=(1e-3, 5e-3)
        )
        codes = aae.encode(aae.fit(IMAGES, s), IMAGES)
        return (codes.mean(0).abs() + (codes.std(0) - 2).abs()).max().item()

    assert misfit(1000) < 0.5 < misfit(1)


# --- What they share ------------------------------------------------------------------------------


def test_chains_keep_what_the_policy_says() -> None:
    def step(state: Tensor, draw: torch.Generator) -> Tensor:
        return state + 1

    start = torch.tensor([[0.0], [100.0]])
    kept = chain(step, lambda state: state, start, 5, Chains(2, burn_in=3, every=2), seed=0)
    assert kept.flatten().tolist() == [5.0, 105.0, 7.0, 107.0, 9.0]
    assert Chains(2, 3, 2).steps(4) == 2 * (3 + 2 * 2)
    all_ = chain(step, lambda state: state, start[:1], 3, SINGLE, seed=0)
    assert all_.flatten().tolist() == [1.0, 2.0, 3.0]
    assert (Chains().steps(10_000), SINGLE.steps(10_000)) == (1_100_000, 10_000)


def samples(name: str, model: Any) -> Tensor:
    row = ROWS[name]
    if row.is_chain:
        return row.sample(model, 12, start=IMAGES, policy=Chains(4, 3, 2))
    return row.sample(model, 12)


@pytest.mark.parametrize("name", list(ROWS))
def test_samples_are_images_and_the_same_each_time(name: str) -> None:
    model = ROWS[name].fit(IMAGES, SMALL[name], None)
    x = samples(name, model)
    assert x.shape == (12, 36)
    assert x.min() >= 0
    assert x.max() <= 1
    assert x.unique(dim=0).shape[0] == 12
    assert x.equal(samples(name, model))


@pytest.mark.parametrize("name", list(ROWS))
def test_an_interrupted_fitting_ends_like_an_uninterrupted_one(name: str, tmp_path: Path) -> None:
    row, s = ROWS[name], SMALL[name]
    whole = row.fit(IMAGES, s, None)
    begin(tmp_path, row.name, DATA, dataclasses.asdict(s))
    stopped: list[int] = []

    def stop(update: int, total: int, loss: float) -> None:
        stopped.append(update)
        raise InterruptedError

    for save in (3, 2, 5, 100):
        watch = stop if save < 100 else None
        try:
            resumed = row.fit(IMAGES, s, FitSession(tmp_path, save=save, watch=watch))
        except InterruptedError:
            continue
    assert stopped
    for name_, expected in whole.tensors().items():
        assert resumed.tensors()[name_].equal(expected), name_


def test_a_signal_leaves_the_metrics_of_an_uninterrupted_fitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in an update after which a row is due, and in one after which none is."""
    row, s, bound = ROWS["vae"], SMALL["vae"], vae.bound

    def rows(folder: Path, *stop_in: int) -> list[dict[str, Any]]:
        begin(folder, row.name, DATA, dataclasses.asdict(s))
        updates = itertools.count(1)

        def interrupted(*args: Any) -> Any:
            if next(updates) in stop_in:
                os.kill(os.getpid(), signal.SIGINT)
            return bound(*args)

        monkeypatch.setattr(vae, "bound", interrupted)
        for _ in stop_in:
            with pytest.raises(Stopped):
                row.fit(IMAGES, s, FitSession(folder, save=3))
        row.fit(IMAGES, s, FitSession(folder, save=3))
        return [{k: v for k, v in r.items() if k != "seconds"} for r in read_metrics(folder)]

    whole = rows(tmp_path / "whole")
    assert [r["round"] for r in whole] == [3, 6, 8]
    assert rows(tmp_path / "stopped", 3, 4) == whole


@pytest.mark.parametrize("name", ["dbn", "deep-gsn", "vae", "stacked-cae", "gmmn", "aae"])
def test_fitting_lowers_what_it_is_to_lower(name: str) -> None:
    losses: list[float] = []
    session = FitSession(save=4, watch=lambda update, total, loss: losses.append(loss))
    settings = dataclasses.replace(SMALL[name], epochs=_longer(name), batch=20)
    ROWS[name].fit(IMAGES, settings, session)
    half = len(losses) // 2 if name in ("dbn", "stacked-cae") else len(losses)
    assert losses[half - 1] < 0.97 * losses[0]


def _longer(name: str) -> Any:
    return (20, 20) if name in ("dbn", "gmmn") else 20


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    begin(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))
    begin(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))
    with pytest.raises(UserError, match="another settings"):
        begin(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings(epochs=3)))
    with pytest.raises(UserError, match="another model and settings"):
        begin(tmp_path, "DBN", DATA, dataclasses.asdict(dbn.Settings()))
    (tmp_path / "settings.json").unlink()
    (tmp_path / "checkpoints" / "round-00000003").mkdir()
    with pytest.raises(UserError, match=r"has checkpoints but no settings\.json"):
        begin(tmp_path, "VAE", DATA, dataclasses.asdict(vae.Settings()))


def test_the_second_machine_s_rate_falls_in_a_straight_line_to_0(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates: list[float] = []
    ascend = dbn._ascend

    def spy(*args: Any) -> None:
        rates.append(args[3])
        ascend(*args)

    monkeypatch.setattr(dbn, "_ascend", spy)
    s = SMALL["dbn"]
    dbn.fit(IMAGES, s, None)
    n = len(rates) * s.epochs[1] // sum(s.epochs)
    assert rates[:-n] == [s.lr[0]] * (len(rates) - n)
    assert rates[-n:] == pytest.approx([s.lr[1] * (n - i) / n for i in range(n)])
