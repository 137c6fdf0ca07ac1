"""Four remarks of §2 on other models, checked numerically."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from adversarial_nets import datasets
from adversarial_nets.evaluation import Classifier, features
from adversarial_nets.paper import related_work
from adversarial_nets.paper.related_work import (
    adversarial_examples,
    gradient_norms,
    noise_contrastive,
    noise_contrastive_error,
    predictability_minimisation,
)


def test_discrete_units_pass_no_gradient() -> None:
    zero = {(f.model, f.discrete): (f.below == 0, f.above == 0) for f in gradient_norms(seed=3)}
    assert zero == {
        ("adversarial nets", "none"): (False, False),
        ("adversarial nets", "hidden"): (True, False),
        ("adversarial nets", "visible"): (True, True),
        ("VAE", "none"): (False, False),
        ("VAE", "hidden"): (True, False),
        ("VAE", "visible"): (False, False),
    }


def test_noise_contrastive_estimation_has_its_asymptotic_error() -> None:
    distances = np.array([0.0, 1.0, 2.0, 3.0])
    theory = noise_contrastive_error(distances, points=1000)
    assert theory[0] == pytest.approx(np.sqrt(2 / 1000))  # maximum likelihood has √(1 / 1000)
    assert (np.diff(theory) > 0).all()
    measured = [noise_contrastive(d, 1000, 400, seed=1) for d in distances]
    # The root mean square of 400 normal errors is right to 3.5 %; far noise needs more points.
    assert np.array(measured) == pytest.approx(theory, rel=0.15)


def test_the_error_grows_with_the_distance_of_the_noise_on_both_sides() -> None:
    near, left, far = noise_contrastive_error(np.array([0.0, -1.5, 6.0]), points=500)
    assert noise_contrastive(1.5, 500, 400) == pytest.approx(left, rel=0.15)
    assert far > 50 * near


def test_predictability_minimisation_is_a_regulariser() -> None:
    task, alone, both = predictability_minimisation(seed=0)
    best = related_work._VARIANCES[2] / sum(
        related_work._VARIANCES
    )  # two components, the best code
    assert task.lost == pytest.approx(best, rel=0.01)
    assert both.lost == pytest.approx(best, rel=0.01)
    assert alone.lost > 2 * best  # without the task, variance is lost
    assert task.predictable > 0.1
    assert max(alone.predictable, both.predictable) < 1e-6
    assert [code.rises for code in (task, alone, both)] == [
        0,
        0,
        0,
    ]  # one objective, which decreases


def test_the_gradient_sign_lowers_the_accuracy_of_a_linear_classifier_most() -> None:
    """The gradient's sign is the step of that size that lowers a linear margin most."""
    data = datasets.load("mnist-5k")
    torch.manual_seed(0)
    W = torch.randn(10, 784) / 28
    head = nn.Linear(784, 10, bias=False)
    head.weight = nn.Parameter(W)
    model = Classifier(nn.Identity(), head, 1.0, 0.0, data)
    found = adversarial_examples(data, 0.1, model=model)
    x, moved, made = found.pictures
    assert (moved - x).abs().max() <= 0.1 + 1e-6
    assert moved.clamp(0, 1).equal(moved)
    assert made.clamp(0, 1).equal(made)
    assert found.accuracy_adversarial < found.accuracy_random
    assert found.confidence > 0.9


@pytest.mark.slow
@pytest.mark.draws
def test_the_command_writes_its_figure_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(related_work, "noise_contrastive", lambda d, seed: 0.1 + d)
    monkeypatch.setattr(features, "STEPS", 150)
    codes = predictability_minimisation(steps=3)
    monkeypatch.setattr(related_work, "predictability_minimisation", lambda seed: codes)
    made = related_work.related_work(tmp_path)
    assert made.files[0].stat().st_size > 10_000
    assert made.accuracy > 0.9
    assert made.accuracy_adversarial < 0.6 < 0.9 < made.accuracy_random
