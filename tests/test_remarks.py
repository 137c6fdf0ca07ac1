"""Three remarks of §3, checked numerically."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from adversarial_nets.paper import remarks
from adversarial_nets.paper.remarks import generator_gradients, head_start, overfitting
from adversarial_nets.theory import divergences


def test_the_minimax_objective_saturates_and_the_other_does_not() -> None:
    distances = np.linspace(0, 10, 21)
    minimax, non_saturating = generator_gradients(distances)
    assert minimax[-1] < 1e-4 < 9.9 < non_saturating[-1]
    assert (np.diff(non_saturating) > 0).all()
    # Near the equilibrium, D* = ½ and both gradients are equal.
    near = generator_gradients(np.array([1e-3]))
    assert near[0] == pytest.approx(near[1], rel=1e-2)


def test_the_gradients_are_those_of_the_expectations() -> None:
    """E log(1 − D) over x ~ N(d, 1), differentiated in d with D held still, on a plain grid."""
    d, h = 1.7, 1e-4
    x = np.linspace(-12, 14, 20_001)

    def mean(shift: float, f: np.ndarray) -> float:
        return float(
            (np.exp(-((x - shift) ** 2) / 2) * f).sum() * (x[1] - x[0]) / np.sqrt(2 * np.pi)
        )

    D_star = expit((d**2 - 2 * d * x) / 2)  # log p_data − log p_g
    minimax, non_saturating = generator_gradients(np.array([d]))
    for f, found in ((np.log1p(-D_star), minimax), (-np.log(D_star), non_saturating)):
        slope = (mean(d + h, f) - mean(d - h, f)) / (2 * h)
        assert found[0] == pytest.approx(slope, rel=1e-5)


def test_D_overfits_few_points() -> None:
    found = overfitting(points=10, rounds=60, every=30)
    assert (found.truth <= -divergences.LOG4 + 1e-12).all()
    assert found.seen[-1] > -divergences.LOG4 + 0.1
    assert found.seen[-1] - found.truth[-1] > 0.3


def test_a_long_head_start_moves_p_g_away_from_the_data() -> None:
    """Against the untrained D, G moves to a maximum of that D."""
    started = head_start((0, 60), rounds=80)
    assert started.jsd[0, 0] == started.jsd[1, 0]
    assert started.jsd[1, -1] > 5 * started.jsd[0, -1]


@pytest.mark.slow
@pytest.mark.draws
def test_the_command_writes_its_figure_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remarks, "overfitting", lambda seed: overfitting(10, 4, 2, seed))
    monkeypatch.setattr(remarks, "head_start", lambda seed: head_start((0, 1, 2), 3, seed))
    made = remarks.remarks(tmp_path)
    assert made.files[0].stat().st_size > 10_000
    assert made.minimax < made.non_saturating
    assert set(made.head_start) == {0, 1, 2}
