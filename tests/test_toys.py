"""Toy distributions: samples follow the densities, and sampling is counter-based."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import ive
from scipy.stats import kstest, norm

from adversarial_nets import toys
from adversarial_nets.errors import UserError
from adversarial_nets.random import Address
from adversarial_nets.theory import quadrature as theory_quadrature
from adversarial_nets.toys import catalogue, curves, distributions, images, points
from adversarial_nets.toys.distributions import sample_points
from adversarial_nets.toys.kinds import LINE, PLANE
from adversarial_nets.toys.measures import Metric
from adversarial_nets.toys.recording import record
from small import small_data, small_settings

WITH_DENSITY = [name for name, toy in catalogue.TOYS.items() if toy.has_density]


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_a_density_integrates_to_1_within_its_bound(name: str) -> None:
    toy = catalogue.TOYS[name]
    value, error = theory_quadrature.integrate(
        lambda x: np.exp(toy.log_density(x)), toy.breakpoints, tolerance=1e-6, max_nodes=2**15
    )
    assert abs(value - 1) <= error < 1e-3


@pytest.mark.parametrize("name", WITH_DENSITY)
def test_samples_follow_the_density(name: str) -> None:
    """Pearson's χ² over cells that expect at least 20 of 20,000 samples."""
    toy, n = catalogue.TOYS[name], 20_000
    x = sample_points(toy, n, seed=3)
    edges = tuple(np.linspace(lo, hi, 13) for lo, hi in zip(x.min(0), x.max(0), strict=True))
    expected = n * theory_quadrature.cell_masses(toy, edges)
    counts, _ = np.histogramdd(x, bins=edges)
    big = expected >= 20
    chi2 = ((counts - expected)[big] ** 2 / expected[big]).sum()
    freedom = big.sum()
    assert chi2 < freedom + 5 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("name", list(catalogue.TOYS))
def test_rows_of_a_minibatch_are_the_same_alone_and_in_the_whole(name: str) -> None:
    """So processes can share a minibatch, and a resumed run needs no generator state."""
    toy = catalogue.TOYS[name]
    whole = toy.minibatch(Address(seed=1, step=5, rows=range(8)), 8)
    part = toy.minibatch(Address(seed=1, step=5, rows=range(3, 6)), 8)
    assert whole.shape == (8, toy.pixels)
    assert part.equal(whole[3:6])
    assert not toy.minibatch(Address(seed=1, step=6, rows=range(8)), 8).equal(whole)
    assert not toy.minibatch(Address(seed=2, step=5, rows=range(8)), 8).equal(whole)


def test_one_dimension_against_scipy() -> None:
    x = np.linspace(-4, 5, 50)
    found = distributions.mixture((-1.0, 2.0), (0.5, 1.0)).log_density(x[:, None])
    exact = np.log(norm.pdf(x, -1, 0.5) / 2 + norm.pdf(x, 2, 1) / 2)
    assert found == pytest.approx(exact, abs=1e-12)
    drawn = sample_points(distributions.Uniform(2.0, 5.0), 5000)[:, 0]
    assert kstest(drawn, "uniform", args=(2, 3)).pvalue > 1e-3


def test_the_log_density_is_finite_far_from_every_gaussian() -> None:
    assert distributions.gaussian().log_density(np.array([[200.0]]))[0] == pytest.approx(
        -20000.9189, abs=1e-3
    )


def test_the_density_of_the_ring_equals_its_closed_form() -> None:
    """The density of a blurred ring of radius r is a Bessel function of ρr/σ²."""
    ring, r = curves.Curve("ring", noise=0.2), 2.0
    rho = np.linspace(0, 4, 40)
    z = rho * r / ring.noise**2
    exact = np.log(ive(0, z)) + z - (rho**2 + r**2) / (2 * ring.noise**2)
    exact -= math.log(2 * math.pi * ring.noise**2)
    points = np.stack([rho * math.cos(1.0), rho * math.sin(1.0)], axis=1)
    assert ring.log_density(points) == pytest.approx(exact, abs=1e-9)


def test_a_ring_of_zero_width_lies_on_its_circle_and_has_no_density() -> None:
    ring = catalogue.TOYS["zero-width-ring"]
    x = sample_points(ring, 1000)
    assert np.hypot(*x.T) == pytest.approx(2, abs=1e-6)
    with pytest.raises(UserError, match="no density"):
        ring.log_density(x)


def test_find_by_name_with_numbers_and_with_a_misspelt_name() -> None:
    assert catalogue.find("gaussian:4,0.5") == distributions.gaussian(4.0, 0.5)
    assert catalogue.find("mixture:-1,0.1,2,0.3") == distributions.mixture((-1.0, 2.0), (0.1, 0.3))
    assert catalogue.find("uniform:-1,1") == distributions.Uniform(-1.0, 1.0)
    with pytest.raises(UserError, match="Did you mean spiral"):
        catalogue.find("sprial")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gaussian:1", "MEAN,STD"),
        ("gaussian:1,x", "MEAN,STD"),
        ("gaussian:1,0", "above 0"),
        ("gaussian:nan,1", "finite"),
        ("gaussian:1e6,.01", "Subtract 1e\\+06 from all"),
        ("mixture:1,2,3", "MEAN,STD,MEAN,STD"),
        ("uniform:2,1", "low < high"),
        ("nowhere.csv", "cannot be read"),
        ("~nobody-of-that-name", "There is no toy"),
        ("oints:" + "A" * 400, "There is no toy"),
    ],
)
def test_wrong_names_raise_helpful_errors(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        catalogue.find(name)


def test_wrong_parameters_raise_errors() -> None:
    with pytest.raises(UserError, match=r"2 means, 1 standard deviations.*same number"):
        distributions.mixture((1.0, 2.0), (1.0,))
    for weights in ((2.0,), (0.0,), (math.nan,)):
        with pytest.raises(UserError, match="their sum 1"):
            distributions.Mixture(((0.0,),), (1.0,), weights)
    with pytest.raises(UserError, match="give one or more"):
        distributions.Mixture((), ())
    with pytest.raises(UserError, match="must be finite"):
        distributions.gaussian(math.inf, 1.0)
    for noise in (-1.0, 1e-9):  # 1e-9 would need gigabytes for the density
        with pytest.raises(UserError, match=r"it must be 0, or 0\.001 or more"):
            curves.Curve("ring", noise=noise)


# --- Points from a file ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [200, 2000])
def test_the_density_of_rounded_points_is_smooth(n: int) -> None:
    """Whole numbers from N(170, 10²) give nearly the width and density of the unrounded ones."""
    x = sample_points(distributions.gaussian(170.0, 10.0), n)
    rounded, exact = points.Points(x.round()), points.Points(x)
    assert rounded.widths == pytest.approx(exact.widths, rel=0.2)
    at = np.linspace(150, 190, 401)[:, None]
    distance = np.abs(np.exp(rounded.log_density(at)) - np.exp(exact.log_density(at))).sum() * 0.1
    assert distance < 0.03


def test_points_that_float32_rounds_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("".join(f"{1_700_000_000 + i}\n" for i in range(60)))
    with pytest.raises(UserError, match=r"times.csv: the points lie near 1.7e\+09.*Subtract"):
        catalogue.find(str(tmp_path / "times.csv"))


def test_points_from_a_csv_with_and_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("\ufeffx,y\n1,2\n\n3.5,-4e-1\n1,5\n")
    toy = catalogue.find(str(path))
    assert isinstance(toy, points.Points)
    assert toy.x.tolist() == [[1, 2], [3.5, -0.4], [1, 5]]
    assert (toy.pixels, toy.examples_per_epoch) == (2, 3)
    drawn = {tuple(row) for row in sample_points(toy, 100).round(3).tolist()}
    assert drawn == {(1, 2), (3.5, -0.4), (1, 5)}
    path.write_text("1\n2\n4\n")
    assert points.read_points(path).pixels == 1


def test_the_density_of_points_is_an_estimate_and_its_note_states_this(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    sample = sample_points(distributions.gaussian(3.0, 2.0), 2000)[:, 0]
    path.write_text("\n".join(f"{x:.6f}" for x in sample))
    toy = points.read_points(path)
    assert "estimated" in toy.note
    assert "2,000 points" in toy.note
    value, error = theory_quadrature.integrate(
        lambda x: np.exp(toy.log_density(x)), toy.breakpoints, 1e-6
    )
    assert abs(value - 1) <= error + 1e-9
    assert (
        theory_quadrature.JSD_density(toy, distributions.gaussian(3.0, 2.0), tolerance=1e-6).value
        < 0.01
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least two points"),
        ("x\n1\n", "at least two points"),
        ("1\n1\n1\n", "differ"),
        ("1,2\n3,4\n5\n", "line 3"),
        ("1,2,3\n4,5,6\n", "line 1"),
        ("1\n2\nthree\n", "line 3"),
        ("1\n2\nnan\n", "line 3"),
        ("1;2\n3;4\n5;6\n", "line 2"),
        ("1" * 150_000, "cannot be read as a CSV"),
    ],
)
def test_wrong_csv_files_raise_helpful_errors(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        points.read_points(path)


def test_a_binary_file_raises_a_helpful_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\x93NUMPY\xff\x00")
    with pytest.raises(UserError, match="cannot be read as a CSV"):
        points.read_points(path)


@pytest.mark.parametrize("name", ["mixture", "grid", "spiral", "points on a line", "points in 2D"])
def test_cell_masses_in_closed_form_equal_quadrature(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(30, 2))
    own = {
        "points on a line": points.Points(x[:, :1]),
        "points in 2D": points.Points(x),
    }
    toy = own.get(name) or catalogue.TOYS[name]
    edges = (np.linspace(-2.0, 3.0, 9), np.linspace(-3.0, 1.5, 7))[: toy.pixels]
    quadrature = theory_quadrature.cell_masses(toy, edges)
    assert toy.cell_masses(edges) == pytest.approx(quadrature, abs=1e-7)


@pytest.mark.parametrize("held_out", [1, 3])
def test_equal_held_out_images_do_not_make_a_game_diverge(held_out: int) -> None:
    """Their variance is 0, so that the samples' has nothing to be compared with."""
    data = small_data()
    alike = data.valid[:1].expand(held_out, -1)
    data = dataclasses.replace(data, valid=alike)
    evaluator = images.new_evaluator(data, small_settings())
    game = images.new_game(data, small_settings())
    snapshot = images.take_snapshot(game, evaluator)
    assert images.metrics(evaluator, snapshot)["spread"] == Metric(1.0, 1.0)


def test_arrays_make_the_same_mixture_as_tuples() -> None:
    made = distributions.mixture(np.array([[1, 2], [3, 4]]), np.array([1, 2]), [0.5, 0.5])
    assert made == distributions.Mixture(((1.0, 2.0), (3.0, 4.0)), (1.0, 2.0))
    assert distributions.mixture([1, 3], 2.0) == distributions.Mixture(((1.0,), (3.0,)), (2.0, 2.0))


@pytest.mark.parametrize("x", [[1, 2, 4], [[1], [2], [4]], np.array([1, 2, 4], np.float32)])
def test_an_array_is_the_distribution_of_its_rows(x: object) -> None:
    toy = points.points_from_array(x)  # type: ignore[arg-type]
    assert set(sample_points(toy, 50)[:, 0]) == {1, 2, 4}


@pytest.mark.parametrize(
    "x", [[], [1], [1, 1], [1, math.nan], np.zeros((3, 3)), ["a", "b"], [[1], [2, 3]]]
)
def test_an_array_that_does_not_hold_points_is_refused(x: object) -> None:
    with pytest.raises(UserError, match=r"The array|The points"):
        points.points_from_array(x)  # type: ignore[arg-type]


def test_a_toy_of_a_program_is_recorded_like_one_of_the_catalogue() -> None:
    by_name, by_toy = (
        record(LINE, toy, [0, 3]) for toy in ("gaussian", catalogue.TOYS["gaussian"])
    )
    assert (by_name.data, by_toy.data) == ("gaussian", "own data")
    assert [s.C for s in by_name.snapshots] == [s.C for s in by_toy.snapshots]


@pytest.mark.usefixtures("_as_users_run_it")
def test_odd_arguments_of_toys() -> None:
    t: Any = toys  # without their types
    play: Any = record
    sample: Any = sample_points
    cases: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: t.mixture([], 1), r"shape \(0,\); give one or more"),
        (lambda: t.Mixture(3, (1.0,)), r"shape \(\); give one or more"),
        (lambda: t.mixture([10**400], 1), "The means cannot be read as numbers"),
        (lambda: t.mixture("ab", 1), "The means cannot be read as numbers"),
        (
            lambda: t.mixture([1, 2], ["a", "b"]),
            "The standard deviations cannot be read as numbers",
        ),
        (lambda: t.mixture([[1], [1, 2]], 1), "The means cannot be read as numbers"),
        (
            lambda: t.mixture([[0, 0, 0], [1, 1, 1]], 1),
            r"shape \(2, 3\); give .*\(n, 2\)",
        ),
        (lambda: t.mixture([1, 2], 1, 0.5), "2 standard deviations and 1 weights"),
        (lambda: t.gaussian("a", 1), "cannot be read as numbers"),
        (lambda: t.gaussian(0, 1e300), r"about 1e\+300, which float32 does not hold"),
        (lambda: t.Uniform(-1e300, 1e300), "which float32 does not hold"),
        (lambda: t.Uniform(1e9, 1e9 + 1), r"Subtract 1e\+09 from all"),
        (lambda: t.points_from_array([[1e300, 2], [3, 1e300]]), "which float32 does not hold"),
        (lambda: t.points_from_array([1e-300, 3e-300]), "which float32 does not hold"),
        (lambda: t.points_from_array([None, 1]), "cannot be read as numbers"),
        (lambda: t.points_from_array(torch.ones(3, device="meta")), "cannot be read as numbers"),
        (lambda: t.Curve("circle"), "no curve named 'circle'"),
        (lambda: t.ring_of_gaussians(0), "modes is 0"),
        (lambda: t.find(None), "There is no toy named None"),
        (lambda: play(LINE, "gaussian", []), r"rounds is \[\]; give the rounds of the snapshots"),
        (lambda: play(LINE, "gaussian", 5), "rounds is 5; give the rounds of the snapshots"),
        (lambda: play("line", "gaussian", [0]), "kind is of type str; give toys.kinds.LINE"),
        (lambda: play(LINE, None, [0]), "The data are of type NoneType; give a toy"),
        (lambda: play(LINE, "gaussian", [0], {}), "settings is of type dict"),
        (lambda: sample("moons", 3), r"toy is of type str; give a toy, e.g. toys.find\('moons'\)"),
        (lambda: sample(t.gaussian(), 0), "n is 0; it must be 1 or more"),
    )
    for call, said in cases:
        with pytest.raises(UserError, match=said):
            call()


@pytest.mark.usefixtures("_as_users_run_it")
def test_common_types_of_arguments_of_toys(tmp_path: Path) -> None:
    t: Any = toys  # without their types
    tracked = torch.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    (tmp_path / "x.csv").write_text("1,2\n3,5\n")
    assert t.points_from_array(tracked).x.tolist() == [[1, 2], [3, 5]]
    assert t.points_from_array(tracked.bfloat16()).x.tolist() == [[1, 2], [3, 5]]
    assert t.find(tmp_path / "x.csv").pixels == 2
    assert t.read_points(str(tmp_path / "x.csv")).pixels == 2
    assert t.points_to_text([1, 3]) == t.points_to_text(np.array([[1.0], [3.0]]))
    shares = torch.softmax(torch.tensor([0.1, 0.2, 0.3]), 0)  # their sum is 1 in float32 only
    made = t.mixture([1, 2, 3], torch.tensor(1.0, requires_grad=True), shares)
    assert made.stds == (1.0,) * 3
    assert math.isclose(sum(made.weights), 1)
    assert t.gaussian(np.float32(1), np.int64(2)) == t.gaussian(1.0, 2.0)
    assert len(record(LINE, "gaussian", (round for round in (0, 1))).snapshots) == 2
    assert record(PLANE, tracked, [0]).evaluator.toy.pixels == 2
