"""Equation 1 in closed form, its limits, and its gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from adversarial_nets import objectives

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=8).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


@given(a_x=logits, a_G_z=logits)
def test_value_is_equation_1(a_x: Tensor, a_G_z: Tensor) -> None:
    D_x, D_G_z = a_x.sigmoid(), a_G_z.sigmoid()
    expected = D_x.log().mean() + torch.log1p(-D_G_z).mean()
    torch.testing.assert_close(objectives.value(a_x, a_G_z), expected, rtol=1e-4, atol=1e-9)
    assert objectives.discriminator_loss(a_x, a_G_z) == -objectives.value(a_x, a_G_z)
    assert objectives.value(a_x, a_G_z) <= 0


@given(
    p=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    q=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    name=st.sampled_from(["minimax", "non-saturating"]),
)
def test_the_optimal_D_is_the_papers(p: list[float], q: list[float], name: str) -> None:
    """Proposition 1: at a* = log(p_data / p_g) the gradient of D's expected loss is 0."""
    p_data, p_g = (torch.tensor(x, dtype=torch.float64) / sum(x) for x in (p, q))
    a_star = torch.log(p_data / p_g)
    on_data, on_samples = objectives.d_logit_gradients(objectives.find(name), a_star, a_star)
    assert (p_data * on_data + p_g * on_samples).abs().max() < 1e-12
    elsewhere = a_star + 0.5
    on_data, on_samples = objectives.d_logit_gradients(objectives.find(name), elsewhere, elsewhere)
    assert (p_data * on_data + p_g * on_samples).min() > 0  # so it is a minimum


@given(a=logits)
def test_closed_gradients_are_autograds(a: Tensor) -> None:
    for name, objective in objectives.OBJECTIVES.items():
        assert objective.d_gradients is not None, name
        assert objective.g_gradient is not None, name
        plain = objective._replace(d_gradients=None, g_gradient=None)
        for closed, found in zip(
            objectives.d_logit_gradients(objective, a, a.flip(0)),
            objectives.d_logit_gradients(plain, a, a.flip(0)),
            strict=True,
        ):
            torch.testing.assert_close(closed, found, rtol=1e-9, atol=1e-8)
        torch.testing.assert_close(
            objectives.g_logit_gradient(objective, a),
            objectives.g_logit_gradient(plain, a),
            rtol=1e-9,
            atol=1e-8,
        )


def test_value_at_one_half_is_minus_log_4() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    assert objectives.value(zero, zero).item() == pytest.approx(-math.log(4), abs=1e-15)


@given(a=logits)
def test_generator_objectives(a: Tensor) -> None:
    D_G_z = a.sigmoid()
    torch.testing.assert_close(
        objectives.generator_loss(a, "minimax"), torch.log1p(-D_G_z).mean(), rtol=1e-4, atol=1e-9
    )
    torch.testing.assert_close(
        objectives.generator_loss(a, "non-saturating"), -D_G_z.log().mean(), rtol=1e-4, atol=1e-9
    )


def test_a_sure_discriminator_starves_minimax_only() -> None:
    """§3: where D(G(z)) → 0, log(1 − D) saturates and −log D does not; neither is ever infinite."""
    a = torch.tensor([-200.0], requires_grad=True)
    slopes: dict[str, float] = {"minimax": 0.0, "non-saturating": -1.0}
    for objective, slope in slopes.items():
        loss = objectives.generator_loss(a, objective)
        assert loss.isfinite()
        assert torch.autograd.grad(loss, a)[0].item() == slope
