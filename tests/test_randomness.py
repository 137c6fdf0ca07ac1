"""Random draws depend only on seed, purpose, step and row."""

from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adversarial_nets import priors
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.random import Address, permutation, seeded_torch
from adversarial_nets.settings import PriorName

PRIORS = list(priors.PRIORS)


@given(
    start=st.integers(0, 50),
    length=st.integers(1, 20),
    width=st.integers(1, 40),
    step=st.integers(0, 2**40),
    p=st.floats(0.01, 1.0),
)
@settings(max_examples=50, deadline=None)
def test_some_rows_are_the_same_rows_of_the_whole_batch(
    start: int, length: int, width: int, step: int, p: float
) -> None:
    whole = Address(3, step, range(0, start + length))
    part = Address(3, step, range(start, start + length))
    assert torch.equal(whole.uniform("x", width)[start:], part.uniform("x", width))
    assert torch.equal(whole.normal("x", width)[start:], part.normal("x", width))
    assert torch.equal(
        whole.bernoulli_mask("x", width, p)[start:], part.bernoulli_mask("x", width, p)
    )


def test_seed_purpose_and_step_each_change_the_draw() -> None:
    draws = [
        Address(seed, step, range(4)).uniform(purpose, 8)
        for seed, step, purpose in ((0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b"))
    ]
    for i, x in enumerate(draws):
        for y in draws[:i]:
            assert not (x == y).any()


def test_draws_never_change() -> None:
    """Pinned values: a change would change the result of every saved run."""
    address = Address(seed=7, step=11, rows=range(2))
    words = address.words("z", 3, np.uint16)
    assert words.tolist() == PINNED
    assert permutation(7, "order", 2, 8).tolist() == PINNED_ORDER


PINNED = [[48876, 7191, 32673], [16140, 55298, 44246]]
PINNED_ORDER = [5, 2, 1, 0, 6, 7, 3, 4]


def test_distributions() -> None:
    rows = range(2000)
    u = Address(0, 0, rows).uniform("u", 50).numpy().ravel()
    n = Address(0, 0, rows).normal("n", 50).numpy().ravel()
    assert u.min() >= 0
    assert u.max() < 1
    assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3
    assert scipy.stats.kstest(n, "norm").pvalue > 1e-3
    for p in (0.5, 0.8):
        kept = Address(0, 0, rows).bernoulli_mask("k", 500, p).float().mean().item()
        assert abs(kept - p) < 4 * (p * (1 - p) / 1e6) ** 0.5


def test_permutation_is_valid_and_differs_by_epoch() -> None:
    first, second = permutation(0, "order", 0, 1000), permutation(0, "order", 1, 1000)
    assert sorted(first.tolist()) == list(range(1000))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("prior", PRIORS)
def test_priors_have_mean_0_and_variance_1(prior: str) -> None:
    z = priors.draw(prior, Address(0, 0, range(20_000)), 10)
    assert z.mean(0).abs().max() < 0.03
    assert (z.T.cov() - torch.eye(10)).abs().max() < 0.03


@pytest.mark.parametrize("prior", PRIORS)
def test_the_nearest_z_is_one_that_the_prior_can_draw(prior: str) -> None:
    """Draws stay as they are, and other points become such draws: a second time changes nothing."""
    z = priors.draw(prior, Address(0, 0, range(500)), 5)
    found = priors.find(prior)
    torch.testing.assert_close(found.nearest(z), z)
    near = found.nearest(3 * z + 1)
    torch.testing.assert_close(found.nearest(near), near)
    assert near.abs().max() <= found.bound
    assert z.abs().max() <= found.bound


@pytest.mark.parametrize("prior", [name for name in PRIORS if priors.find(name).quantile])
def test_quantiles_are_those_of_the_draws(prior: str) -> None:
    quantile = priors.find(prior).quantile
    assert quantile is not None
    z = priors.draw(prior, Address(0, 0, range(20_000)), 1)[:, 0].double()
    u = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    torch.testing.assert_close((z[:, None] <= quantile(u)).double().mean(0), u, atol=0.015, rtol=0)


def test_the_settings_accept_every_prior_and_no_other() -> None:
    assert set(get_args(PriorName)) == set(PRIORS)
    with pytest.raises(UserError, match=r"no prior named 'gausian'\. Did you mean gaussian"):
        priors.draw("gausian", Address(0, 0, range(2)), 3)


def test_priors_have_their_supports() -> None:
    address = Address(0, 0, range(1000))
    assert priors.draw("uniform", address, 10).abs().max() <= 3**0.5
    norms = priors.draw("spherical", address, 10).norm(dim=1)
    torch.testing.assert_close(norms, torch.full((1000,), 10**0.5))


def test_rows_that_do_not_follow_one_another_are_refused() -> None:
    with pytest.raises(SettingError, match="step 1"):
        Address(0, 0, range(0, 10, 2))


@pytest.mark.usefixtures("_as_users_run_it")
def test_rows_that_are_no_range_and_no_rows() -> None:
    rows: Any
    for rows in (3, [0, 1]):
        with pytest.raises(SettingError, match="it must be a range with step 1"):
            Address(0, 0, rows)
    assert Address(0, 0, range(0)).normal("x", 3).shape == (0, 3)


def test_the_generators_of_another_device_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither torch's generator of the CPU nor that of a device other than CUDA's is changed."""
    device = SimpleNamespace(state=3)
    device.get_rng_state = lambda: device.state
    device.set_rng_state = lambda state: setattr(device, "state", state)
    device.manual_seed = lambda seed: setattr(device, "state", seed)
    monkeypatch.setattr(torch, "get_device_module", lambda _: device)
    before, seen = torch.get_rng_state(), []
    for step in (0, 0, 1):
        with seeded_torch(Address(0, step, range(1)), "layers", torch.device("mps")):
            seen.append(device.state)
        assert device.state == 3
    assert seen[0] == seen[1] != seen[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_each_address_has_its_own_generator() -> None:
    one = Address(1, 2, range(1)).generator("a")
    same = Address(1, 2, range(1)).generator("a")
    others = [
        Address(2, 2, range(1)).generator("a"),
        Address(1, 3, range(1)).generator("a"),
        Address(1, 2, range(1)).generator("b"),
    ]
    x = torch.rand(4, generator=one)
    assert x.equal(torch.rand(4, generator=same))
    assert not any(x.equal(torch.rand(4, generator=other)) for other in others)
