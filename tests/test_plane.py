"""Games in the plane: the measures separate a perfect generator from others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adversarial_nets import game
from adversarial_nets.errors import UserError
from adversarial_nets.paper.plane import plane as play_in_the_plane
from adversarial_nets.theory import divergences
from adversarial_nets.toys import catalogue, distributions, plane
from adversarial_nets.toys.curves import Curve
from adversarial_nets.toys.distributions import sample_points
from adversarial_nets.toys.kinds import PLANE
from adversarial_nets.toys.measures import oscillates, smoothed_KL
from adversarial_nets.toys.networks import evaluate, gradient_field
from adversarial_nets.toys.plane import (
    SETTINGS,
    masses_and_counts,
    mode_shares,
    modes_hit,
    ring_fit,
)
from adversarial_nets.toys.recording import record

SMALL = replace(
    SETTINGS,
    batch=64,
    G=replace(SETTINGS.G, hidden=(16,), init=(0.7, 0.2)),
    D=replace(SETTINGS.D, units=(16,), init=(1.0, 0.2)),
)


@pytest.mark.parametrize("name", ["ring-of-gaussians", "grid", "moons", "zero-width-ring"])
def test_a_perfect_generator_gets_the_floor(name: str) -> None:
    toy = catalogue.TOYS[name]
    evaluator = plane.new_evaluator(toy)
    perfect = plane.measures(
        sample_points(toy, plane.SAMPLES, seed=9, purpose="perfect"), evaluator
    )
    for measure, floor in evaluator.floors.items():
        assert perfect[measure] == pytest.approx(floor, rel=0.15, abs=1e-6)


def test_a_collapsed_generator_is_far_above_the_floor() -> None:
    toy = distributions.ring_of_gaussians(8)
    evaluator = plane.new_evaluator(toy)
    one = sample_points(distributions.Mixture(toy.means[:1], toy.stds[:1]), plane.SAMPLES)
    found = plane.measures(one, evaluator)
    assert found["modes hit"] == 1
    assert found["near a mode"] > 0.98
    assert found["JSD"] > 30 * evaluator.floors["JSD"]


def JSD_of_cells(x: plane.XY, p_data: plane.Cells, edges: divergences.Axes) -> float:
    p, counts = masses_and_counts(x, p_data, edges)
    return divergences.JSD(p, counts / len(x))


def test_the_floor_of_jsd_is_about_its_bias() -> None:
    """For c equal cells, the bias of JSD is (c − 1) / 8n."""
    rng, cells, n = np.random.default_rng(0), 10, 4000
    edges = (np.linspace(0, 1, cells + 1),) * 2
    p = np.full((cells, cells), 1 / cells**2)
    found = np.mean([JSD_of_cells(rng.random((n, 2)), p, edges) for _ in range(20)])
    assert found == pytest.approx((cells**2 - 1) / (8 * n), rel=0.1)


def test_smoothed_KL_is_finite_and_large_for_a_collapsed_generator() -> None:
    toy = distributions.ring_of_gaussians(8)
    evaluator = plane.new_evaluator(toy, samples=2000)
    one = plane.measures(
        sample_points(distributions.Mixture(toy.means[:1], toy.stds[:1]), 2000), evaluator
    )
    assert one["data without samples"] == pytest.approx(7 / 8, abs=0.03)
    for name in ("KL data g smoothed", "KL g data smoothed"):
        assert np.isfinite(one[name])
        assert one[name] > 20 * evaluator.floors[name] > 0
    # All samples in one of eight modes: KL(p_g ‖ p_data) is log 8 but for the smoothing.
    assert 0.5 * np.log(8) < one["KL g data smoothed"] < np.log(8)


def test_smoothed_KL_converges_to_KL_with_many_samples() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    found = smoothed_KL(p, 1e7 * q)
    assert found == pytest.approx((divergences.KL(p, q), divergences.KL(q, p)), rel=1e-5)


def test_samples_outside_every_cell_count() -> None:
    edges = (np.array([0.0, 1.0]),) * 2
    far = np.full((10, 2), 5.0)
    assert JSD_of_cells(far, np.ones((1, 1)), edges) == pytest.approx(np.log(2))


def test_a_mode_is_hit_by_a_tenth_of_its_expected_samples() -> None:
    toy = distributions.Mixture(((0.0, 0.0), (10.0, 0.0)), (1.0, 1.0))
    at = np.array([[0.0, 0.0]] * 96 + [[10.0, 0.0]] * 4)
    assert modes_hit(at, toy) == (1, 1.0)  # 4 % is less than a tenth of the expected 50 %
    at[:6] = 10.0, 0.0
    assert modes_hit(at, toy) == (2, 1.0)


def test_a_sample_belongs_to_the_nearest_mode() -> None:
    """3 σ of the one mode reach into the other, which has 2 % of the samples."""
    toy = distributions.Mixture(((-1.5, 0.0), (1.5, 0.0)), (0.6, 0.6))
    at = np.array([[-0.1, 0.0]] * 98 + [[1.5, 0.0]] * 2)
    assert mode_shares(at, toy) == pytest.approx([1.96, 0.04])
    assert mode_shares(np.array([[5.0, 0.0]]), toy).tolist() == [0, 0]  # far from both
    assert modes_hit(at, toy) == (1, 1.0)


def test_ring_fit_measures_distance_and_coverage() -> None:
    t = np.linspace(0, np.pi, 1000, endpoint=False)
    half = 2.1 * np.stack([np.cos(t), np.sin(t)], axis=1)
    distance, coverage = ring_fit(half)
    assert distance == pytest.approx(0.1)
    assert coverage == 0.5


def test_snapshots_do_not_change_the_game() -> None:
    recording = record(PLANE, "ring-of-gaussians", (0, 5, 20), SMALL)
    without = plane.new_game(catalogue.find("ring-of-gaussians"), SMALL)
    game.play(without, 20)
    again = plane.take_snapshot(without, recording.evaluator)
    assert again.samples.tolist() == recording.snapshots[-1].samples.tolist()
    assert again.D.tolist() == recording.snapshots[-1].D.tolist()
    assert recording.snapshots[-1].grid is not None
    assert [snapshot.round for snapshot in recording.snapshots] == [0, 5, 20]


def test_the_heat_map_of_D_has_x_first() -> None:
    """The heat map's first axis is x, its second y."""
    g = plane.new_game(catalogue.find("moons"), SMALL)
    evaluator = plane.new_evaluator(catalogue.find("moons"), SMALL, cells=4)
    x, y = ((e[1:] + e[:-1]) / 2 for e in evaluator.edges)
    one = evaluate(g.D, np.array([[x[3], y[1]]]))[0, 0]
    assert plane.take_snapshot(g, evaluator).D[3, 1] == pytest.approx(
        1 / (1 + np.exp(-one)), abs=1e-6
    )


@pytest.mark.draws
def test_the_command_draws_every_kind_of_data(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("\n".join(f"{x},{y}" for x, y in np.random.default_rng(0).normal(size=(50, 2))))
    for data in ("zero-width-ring", str(path)):
        made = play_in_the_plane(data, tmp_path / "out", rounds=2)
        assert made.files[0].stat().st_size > 10_000
        assert made.measures.keys() == made.floors.keys() != set()
    assert "50 points" in made.note


def test_data_on_the_line_raise_an_error() -> None:
    with pytest.raises(UserError, match="figure1"):
        record(PLANE, "gaussian", [1])


@pytest.mark.parametrize("objective", ["minimax", "non-saturating"])
def test_the_gradient_field_is_the_logits_gradient_times_the_objectives_factor(
    objective: str,
) -> None:
    """For a linear logit wx it is D(x)·w (minimax) or (1 − D(x))·w (non-saturating)."""
    g = plane.new_game(catalogue.find("moons"), replace(SMALL, objective=objective))
    w = torch.tensor([[2.0, -1.0]], dtype=torch.float64)
    linear = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
    linear.weight = torch.nn.Parameter(w)
    g.D = linear
    x = np.array([[0.0, 0.0], [1.0, 0.5], [-2.0, 3.0]])
    D = 1 / (1 + np.exp(-x @ w[0].numpy()))
    factor = D if objective == "minimax" else 1 - D
    assert gradient_field(g, x) == pytest.approx(factor[:, None] * w.numpy(), abs=1e-12)


def test_oscillation_needs_crossings_and_a_lasting_amplitude() -> None:
    t = np.arange(60.0)[:, None]
    still = np.zeros_like(t)
    assert oscillates(np.concatenate([still, np.sin(t)], axis=1))  # one axis is enough
    assert not oscillates(0.1 * np.sin(t))  # too small
    assert not oscillates(np.sin(t)[:20])  # too short
    assert not oscillates(t)  # a drift does not return


def test_only_a_ring_of_zero_width_is_measured_as_a_ring() -> None:
    segment = plane.new_evaluator(Curve("segment", noise=0.0))
    assert "distance from the ring" not in segment.floors
    assert "distance from the ring" in plane.new_evaluator(Curve("ring", noise=0.0)).floors
