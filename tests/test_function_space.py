"""Section 4.2: JSD decreases at every step in function space, but not in parameters."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from adversarial_nets.paper import function_space
from adversarial_nets.paper.function_space import mirror_descent, phase_portrait, play_both
from adversarial_nets.theory import divergences


@pytest.fixture(scope="module")
def both() -> function_space.FunctionSpace:
    return play_both(steps=160, every=4)


def test_jsd_decreases_at_every_step_and_stays_below_its_bound(
    both: function_space.FunctionSpace,
) -> None:
    assert both.rises[0] == 0
    assert (np.diff(both.jsd) < 0).all()
    assert (both.jsd[1:] <= both.bound).all()
    assert both.jsd[-1] < 1e-3 * both.jsd[0]


def test_the_same_game_in_parameters_oscillates(both: function_space.FunctionSpace) -> None:
    """From the same p_g, JSD increases many times and the path circles the equilibrium."""
    assert both.jsd_parameters[0] == pytest.approx(both.jsd[0], rel=1e-6)
    assert both.rises[1] > 10
    assert both.jsd_parameters[-10:].max() > 100 * both.jsd[-1]
    around = phase_portrait(both.evaluator, both.snapshots)  # the equilibrium is (0, 0)
    angles = np.unwrap(np.arctan2(around[:, 1], around[:, 0]))
    assert abs(angles[-1] - angles[0]) > 2 * np.pi


def test_eta_of_1_halves_the_difference_at_every_step() -> None:
    rng = np.random.default_rng(0)
    p_data, p_0 = rng.dirichlet(np.ones(30)), rng.dirichlet(np.ones(30))
    for t, p_g in enumerate(mirror_descent(p_data, p_0, eta=1.0, steps=20)):
        assert p_g - p_data == pytest.approx((p_0 - p_data) / 2**t, abs=1e-15)


def test_smaller_steps_converge_more_slowly() -> None:
    rng = np.random.default_rng(1)
    p_data, p_0 = rng.dirichlet(np.ones(30)), rng.dirichlet(np.ones(30))
    ends = [
        divergences.JSD(p_data, mirror_descent(p_data, p_0, eta, 200)[-1])
        for eta in (1.0, 0.3, 0.1)
    ]
    assert max(ends[:2]) < 1e-15 < ends[2] < 1e-6


def test_the_phase_portrait_stays_in_the_interval_for_data_with_an_outlier(tmp_path: Path) -> None:
    """The data's mean is within a tenth of the left edge, where the slope is still correct."""
    path = tmp_path / "far.csv"
    path.write_text("\n".join(map(str, [*np.linspace(0, 1, 2000), 200.0])))
    both = play_both(str(path), steps=0, every=1)
    x = np.concatenate([both.evaluator.edges[:1], both.evaluator.x, both.evaluator.edges[-1:]])
    straight = tuple(dataclasses.replace(snapshot, a=3 * x) for snapshot in both.snapshots)
    assert phase_portrait(both.evaluator, straight)[:, 1] == pytest.approx(3)
    bent = tuple(
        dataclasses.replace(snapshot, a=np.maximum(x - 50, 0)) for snapshot in both.snapshots
    )
    assert phase_portrait(both.evaluator, bent)[:, 1] == pytest.approx(0)


@pytest.mark.draws
def test_the_command_writes_its_figures(tmp_path: Path) -> None:
    short = function_space.play_both("mixture", steps=3)
    assert [snapshot.round for snapshot in short.snapshots] == [0, 3]
    result = function_space.function_space("mixture", tmp_path / "made", steps=10)
    assert [file.name for file in result.files] == ["function-space.png", "function-space.svg"]
    assert all(file.stat().st_size > 10_000 for file in result.files)
