"""Boltzmann machines (RBM, DBN, DBM), compared with enumeration of all their states."""

import dataclasses
import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from adversarial_nets.baselines import dbm, dbn, rbm
from adversarial_nets.baselines.optimisers import ascend_with_momentum
from small import SMALL_MODELS as SMALL
from small import generator, normal, small_data

DATA = small_data()
IMAGES = DATA.floats(DATA.train)


def all_states(units: int) -> Tensor:
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=units)), dtype=torch.float64)


# --- The restricted Boltzmann machine, by enumeration ---------------------------------------------


def small_rbm(visible: int = 4, hidden: int = 3) -> rbm.RBM:
    return rbm.RBM(normal(visible, hidden), normal(visible, step=1), normal(hidden, step=2))


def exact_distribution(machine: rbm.RBM) -> tuple[Tensor, Tensor]:
    """Return every v, and p(v) from the energies of all pairs (v, h)."""
    v, h = all_states(len(machine.b)), all_states(len(machine.c))
    minus_E = (v @ machine.b)[:, None] + (h @ machine.c)[None] + v @ machine.W @ h.T
    return v, (minus_E - minus_E.flatten().logsumexp(0)).exp().sum(1)


def test_the_free_energy_sums_h_out_of_the_energy() -> None:
    machine = small_rbm()
    v, p = exact_distribution(machine)
    torch.testing.assert_close((-rbm.free_energy(machine, v)).softmax(0), p)


def test_conditionals_follow_from_the_joint_distribution() -> None:
    machine = small_rbm()
    v, h = all_states(4), all_states(3)
    joint = ((v @ machine.b)[:, None] + (h @ machine.c)[None] + v @ machine.W @ h.T).exp()
    torch.testing.assert_close(machine.p_h(v), joint @ h / joint.sum(1, keepdim=True))
    torch.testing.assert_close(machine.p_v(h), joint.T @ v / joint.sum(0)[:, None])


def exact_gradient(machine: rbm.RBM, data: Tensor) -> dict[str, Tensor]:
    """Differentiate the mean log-likelihood by autograd, with log Z by enumeration."""
    θ = {name: x.clone().requires_grad_() for name, x in machine.state_dict().items()}
    copy = rbm.RBM(**θ)
    log_Z = (-rbm.free_energy(copy, all_states(len(machine.b)))).logsumexp(0)
    log_likelihood = -rbm.free_energy(copy, data).mean() - log_Z
    return dict(zip(θ, torch.autograd.grad(log_likelihood, list(θ.values())), strict=True))


def test_the_gradient_with_exact_model_samples_is_exact() -> None:
    machine = small_rbm()
    data = all_states(4)[[1, 5, 5, 12]]
    v, p = exact_distribution(machine)
    in_proportion = v.repeat_interleave((p * 100_000).round().long(), dim=0)
    found = rbm.log_likelihood_gradient(machine, data, in_proportion)
    torch.testing.assert_close(found, exact_gradient(machine, data), atol=1e-4, rtol=0)


def test_the_gradient_with_samples_of_long_chains_is_exact() -> None:
    machine = small_rbm()
    data = all_states(4)[[1, 5, 5, 12]]
    h = torch.zeros(20_000, 3, dtype=torch.float64)
    v, _ = rbm.gibbs(machine, h, 60, generator())
    found = rbm.log_likelihood_gradient(machine, data, v)
    # Four standard errors.
    torch.testing.assert_close(found, exact_gradient(machine, data), atol=0.015, rtol=0)


def test_a_gibbs_step_preserves_the_exact_distribution() -> None:
    machine = small_rbm()
    v, p = exact_distribution(machine)
    start = v.repeat_interleave((p * 40_000).round().long(), dim=0)
    after, _ = rbm.gibbs(machine, rbm.bernoulli(machine.p_h(start), generator(1)), 1, generator(2))
    codes = (after @ torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)).long()
    found = codes.bincount(minlength=16) / len(after)
    torch.testing.assert_close(found.double(), p, atol=0.011, rtol=0)


def test_cd_1_on_average_takes_one_step_from_the_data() -> None:
    machine = small_rbm()
    v = torch.tensor([[0.2, 1.0, 0.7, 0.0]], dtype=torch.float64)  # intensities, not bits
    h = all_states(3)
    p_h = machine.p_h(v)
    weights = (h * p_h + (1 - h) * (1 - p_h)).prod(1, keepdim=True)
    v_1 = machine.p_v(h)
    expected = v.T @ p_h - (weights * v_1).T @ machine.p_h(v_1)
    many = v.expand(100_000, -1)
    v_model = rbm.reconstruct(machine, many, generator())
    found = rbm.log_likelihood_gradient(machine, many, v_model)
    torch.testing.assert_close(found["W"], expected, atol=0.005, rtol=0)


def test_the_second_rbm_starts_at_the_mean_hidden_units_of_the_first() -> None:
    s = dataclasses.replace(SMALL["dbn"], epochs=(1, 1), lr=(0.05, 0.0), weight_decay=0.0)
    fitted = dbn.fit(IMAGES, s)
    mean = fitted.first.p_h(IMAGES).mean(0)
    torch.testing.assert_close(fitted.second.b.sigmoid(), mean, atol=1e-3, rtol=0)


# --- The deep Boltzmann machine, by enumeration ---------------------------------------------------


def small_dbm() -> dbm.DBM:
    sizes = ((4, 3), (3, 2), (4,), (3,), (2,))
    return dbm.DBM(*(normal(*size, step=i) for i, size in enumerate(sizes)))


def minus_E(machine: dbm.DBM) -> Tensor:
    """−E of every (v, h¹, h²): (16, 8, 4)."""
    v, h1, h2 = (all_states(n) for n in (4, 3, 2))
    alone = (v @ machine.b)[:, None, None] + (h1 @ machine.c1)[:, None] + h2 @ machine.c2
    return alone + (v @ machine.W1 @ h1.T)[..., None] + h1 @ machine.W2 @ h2.T


def test_a_dbms_conditionals_follow_from_the_joint_distribution() -> None:
    machine = small_dbm()
    v, h1, h2 = (all_states(n) for n in (4, 3, 2))
    joint = minus_E(machine).exp()
    given_h1 = joint.sum(2)
    torch.testing.assert_close(machine.p_v(h1), given_h1.T @ v / given_h1.sum(0)[:, None])
    given_h1 = joint.sum(0)
    torch.testing.assert_close(machine.p_h2(h1), given_h1 @ h2 / given_h1.sum(1)[:, None])
    for k, each in enumerate(h2):
        found = machine.p_h1(v, each.expand(16, -1))
        expected = joint[:, :, k] @ h1 / joint[:, :, k].sum(1)[:, None]
        torch.testing.assert_close(found, expected)


def lower_bound(machine: dbm.DBM, v: Tensor, μ1: Tensor, μ2: Tensor) -> Tensor:
    """E_q[−E(v, h)] + H(q), a lower bound on log p(v) + log Z."""
    entropy = sum(-(torch.xlogy(μ, μ) + torch.xlogy(1 - μ, 1 - μ)).sum(1) for μ in (μ1, μ2))
    h1_terms = (v @ machine.W1 + machine.c1) * μ1 + (μ2 @ machine.W2.T) * μ1
    return entropy + v @ machine.b + h1_terms.sum(1) + μ2 @ machine.c2


def test_mean_field_steps_raise_a_lower_bound_on_the_log_likelihood() -> None:
    machine, v = small_dbm(), all_states(4)
    exact = minus_E(machine).logsumexp((1, 2))  # log p(v) + log Z
    bounds = torch.stack(
        [lower_bound(machine, v, *dbm.mean_field(machine, v, n)) for n in (0, 1, 2, 5, 50)]
    )
    assert bool((bounds[-1] <= exact).all())
    assert bool((bounds.diff(dim=0) >= -1e-12).all())
    assert (bounds[-1] - bounds[0]).max() > 0.01
    machine = dataclasses.replace(machine, W2=torch.zeros_like(machine.W2))
    exact = minus_E(machine).logsumexp((1, 2))  # h is independent given v: the bound is tight
    found = lower_bound(machine, v, *dbm.mean_field(machine, v, 1))
    torch.testing.assert_close(found, exact)


def test_chains_and_the_exact_posterior_give_the_exact_gradient() -> None:
    """The chains start from the exact distribution, which Gibbs steps preserve."""
    machine, data = small_dbm(), all_states(4)[[1, 5, 5, 12]]
    θ = {name: x.clone().requires_grad_() for name, x in machine.state_dict().items()}
    log_p = minus_E(dbm.DBM(**θ))
    expected = torch.autograd.grad(
        log_p[[1, 5, 5, 12]].logsumexp((1, 2)).mean() - log_p.flatten().logsumexp(0),
        list(θ.values()),
    )
    p = minus_E(machine).flatten().softmax(0).reshape(16, 8, 4)
    h1 = all_states(3).repeat_interleave((p.sum((0, 2)) * 100_000).round().long(), dim=0)
    h1 = dbm.gibbs(machine, h1, 2, generator())
    # One row for each (v, h¹, h²) in proportion to its posterior, in place of the mean field.
    posterior = p[[1, 5, 5, 12]]
    posterior = posterior / posterior.sum((1, 2), keepdim=True)
    counts = (posterior * 100_000).round().long().flatten()
    v, μ1, μ2 = (
        x.expand(4, 8, 4, -1).reshape(128, -1).repeat_interleave(counts, dim=0)
        for x in (data[:, None, None], all_states(3)[None, :, None], all_states(2)[None, None])
    )
    found = dbm.log_likelihood_gradient(machine, v, μ1, μ2, h1)
    for name, exact in zip(θ, expected, strict=True):
        torch.testing.assert_close(found[name], exact, atol=0.007, rtol=0)  # 4 standard errors


def test_each_layer_of_a_dbm_is_trained_alone_with_its_own_learning_rate() -> None:
    s = dataclasses.replace(SMALL["dbm"], epochs=(1, 1, 0))
    start = dbm.fit(IMAGES, dataclasses.replace(s, lr=(0.0, 0.0, 0.0))).state_dict()
    for lr, trained in (((0.1, 0.0, 0.0), {"W1", "b", "c1"}), ((0.0, 0.1, 0.0), {"W2", "c2"})):
        found = dbm.fit(IMAGES, dataclasses.replace(s, lr=lr)).state_dict()
        assert {name for name in start if not torch.equal(start[name], found[name])} == trained


def test_layers_trained_alone_double_their_input_or_output() -> None:
    W, b, c = normal(6, 5), normal(6, step=1), normal(5, step=2)
    v = normal(3, 6, step=3).sigmoid()
    _, up = dbm._cd_1(v, W, b, c, 2, 1, generator())
    h = rbm.bernoulli((c + 2 * v @ W).sigmoid(), generator())
    torch.testing.assert_close(up, (b + h @ W.T).sigmoid())
    _, down = dbm._cd_1(v, W, b, c, 1, 2, generator())
    h = rbm.bernoulli((c + v @ W).sigmoid(), generator())
    torch.testing.assert_close(down, (b + 2 * h @ W.T).sigmoid())


def test_the_learning_rate_of_the_second_rbm_falls_linearly_to_0(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates: list[float] = []

    def spy(*args: Any, **options: Any) -> None:
        rates.append(options["lr"])
        ascend_with_momentum(*args, **options)

    monkeypatch.setattr(dbn, "ascend_with_momentum", spy)
    s = SMALL["dbn"]
    dbn.fit(IMAGES, s, None)
    n = len(rates) * s.epochs[1] // sum(s.epochs)
    assert rates[:-n] == [s.lr[0]] * (len(rates) - n)
    assert rates[-n:] == pytest.approx([s.lr[1] * (n - i) / n for i in range(n)])


def test_the_momentum_of_the_first_rbm_rises_at_the_start_of_its_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two updates per epoch; the second RBM has no momentum."""
    found: list[float] = []
    monkeypatch.setattr(
        dbn, "ascend_with_momentum", lambda *_, momentum, **__: found.append(momentum)
    )
    s = dataclasses.replace(SMALL["dbn"], epochs=(3, 1), momentum_epoch=2, momentum=(0.5, 0.9))
    dbn.fit(IMAGES, s)
    assert found == [0.5] * 4 + [0.9] * 2 + [0.0] * 2


def test_the_chains_of_the_second_rbm_continue_from_update_to_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts, ends = [], []

    def spy(machine: rbm.RBM, h: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        v, after = rbm.gibbs(machine, h, *rest)
        starts.append(h.clone())
        ends.append(after.clone())
        return v, after

    monkeypatch.setattr(dbn, "gibbs", spy)
    dbn.fit(IMAGES, SMALL["dbn"])
    assert starts[0].mean() == pytest.approx(0.5, abs=0.1)
    for before, after in itertools.pairwise(zip(starts, ends, strict=True)):
        assert torch.equal(after[0], before[1])
        assert not torch.equal(after[0], before[0])
