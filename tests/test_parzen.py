"""The Parzen-window estimator: exact values, invariances, precision, and the protocol."""

import dataclasses
import inspect
import math
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.datasets.dataset import Fold
from adversarial_nets.engine.precision import full_float32
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation import (
    GRIDS,
    ParzenScore,
    calibrate,
    log_likelihood,
    parzen,
    parzen_score,
    parzen_score_on,
)
from adversarial_nets.random import permutation
from small import small_data


def normal(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_the_formula(x: Tensor, s: Tensor, σ: float) -> Tensor:
    """The definition, computed directly in float64."""
    D = x.shape[1]
    squared = ((x[:, None] - s[None]) ** 2).sum(2).double()
    exponents = (-squared / (2 * σ**2)).numpy()
    log_mean = special.logsumexp(exponents, axis=1) - math.log(len(s))
    return torch.from_numpy(log_mean - D * math.log(σ * math.sqrt(2 * math.pi)))


# --- Exact values -------------------------------------------------------------------------------


def test_one_sample_is_a_gaussian_density() -> None:
    x, s = normal(0, 30, 5), normal(1, 1, 5)
    expected = stats.multivariate_normal(s[0].numpy(), 0.7**2 * np.eye(5)).logpdf(x.numpy())
    assert log_likelihood(x, s, [0.7])[0].numpy() == pytest.approx(expected, rel=1e-12)


def test_a_mixture_in_one_dimension() -> None:
    x, s = normal(0, 50, 1), normal(1, 7, 1)
    of_each = stats.norm(s[:, 0].numpy(), 0.3).logpdf(x.numpy())
    expected = special.logsumexp(of_each, axis=1) - math.log(7)
    assert log_likelihood(x, s, [0.3])[0].numpy() == pytest.approx(expected, rel=1e-12)


def test_the_density_integrates_to_one() -> None:
    s = normal(0, 5, 1)
    grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    density = log_likelihood(grid[:, None], s, [0.2])[0].exp()
    assert integrate.simpson(density.numpy(), x=grid.numpy()) == pytest.approx(1, abs=1e-9)


def test_more_points_and_samples_than_a_tile_holds() -> None:
    x, s = normal(0, 1003, 3), 2 * normal(1, 2101, 3)
    for σ, row in zip((0.1, 2.0), log_likelihood(x, s, [0.1, 2.0]), strict=True):
        torch.testing.assert_close(row, by_the_formula(x, s, σ), rtol=1e-11, atol=1e-11)


def test_far_points_have_finite_values() -> None:
    """At σ = .01 a public reproduction reports −256,075 nats; the value is finite."""
    x, s = torch.ones(1, 784), torch.zeros(3, 784)
    expected = -784 / (2 * 0.01**2) - 784 * math.log(0.01 * math.sqrt(2 * math.pi))
    assert log_likelihood(x, s, [0.01]).item() == pytest.approx(expected, rel=1e-6)


# --- Invariances --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), D=st.integers(1, 6))
def test_invariances(seed: int, n: int, D: int) -> None:
    x, s = normal(seed, 4, D), normal(seed + 1, n, D)
    pixels = torch.randperm(D, generator=torch.Generator().manual_seed(seed))
    shift = normal(seed + 2, D)
    as_it_is = log_likelihood(x, s, [0.5])
    for changed in (
        log_likelihood(x, s.flip(0), [0.5]),
        log_likelihood(x[:, pixels], s[:, pixels], [0.5]),
        log_likelihood(x + shift, s + shift, [0.5]),
        log_likelihood(x, s.repeat(3, 1), [0.5]),
        log_likelihood(x.flip(0), s, [0.5]).flip(1),
    ):
        torch.testing.assert_close(changed, as_it_is, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("a", [0.01, 3.0])
def test_scaling_law(a: float) -> None:
    """A density in other units: log p(ax; aσ) = log p(x; σ) − D log a."""
    x, s = normal(0, 20, 4), normal(1, 30, 4)
    scaled = log_likelihood(a * x, a * s, [a * 0.5])
    torch.testing.assert_close(scaled, log_likelihood(x, s, [0.5]) - 4 * math.log(a))


def test_a_grid_is_each_sigma_alone() -> None:
    x, s = normal(0, 20, 9, dtype=torch.float32), normal(1, 1500, 9, dtype=torch.float32)
    alone = [log_likelihood(x, s, [σ])[0] for σ in GRIDS["paper"]]
    assert torch.equal(log_likelihood(x, s, GRIDS["paper"]), torch.stack(alone))


# --- Precision ----------------------------------------------------------------------------------


def image_like(seed: int, n: int) -> Tensor:
    """Points in [0, 1]⁷⁸⁴ in ten clusters, similar to digits."""
    kinds = torch.sigmoid(4 * normal(7, 10, 784))[torch.arange(n) % 10]
    return (kinds + 0.15 * normal(seed, n, 784)).clamp(0, 1)


def test_float32_is_within_a_hundredth_of_a_nat_of_float64() -> None:
    x, s = image_like(0, 500), image_like(1, 2000)
    difference = log_likelihood(x.float(), s.float(), [0.1]) - log_likelihood(x, s, [0.1])
    assert difference.abs().max() < 0.01


@pytest.mark.parametrize("lowered", ["bf16", "tf32"])
def test_products_stay_in_full_float32(lowered: str) -> None:
    matmul = vars(torch.backends)["mkldnn"].matmul  # created at run time, so it has no type
    before = matmul.fp32_precision
    try:
        matmul.fp32_precision = lowered
        x, s = image_like(0, 50).float(), image_like(1, 60).float()
        with torch.autocast("cpu", torch.bfloat16):
            assert (x @ s.T).dtype == torch.bfloat16
            with full_float32(x.device):
                assert matmul.fp32_precision == "ieee"
                assert (x @ s.T).dtype == torch.float32
            inside = log_likelihood(x, s, [0.1])
        assert matmul.fp32_precision == lowered
    finally:
        matmul.fp32_precision = before
    assert torch.equal(inside, log_likelihood(x, s, [0.1]))


def test_no_gradient_is_kept() -> None:
    """A graph would keep the generator's activations in memory."""
    s = normal(0, 5, 2).requires_grad_()
    assert not log_likelihood(normal(1, 3, 2), s, [1.0]).requires_grad


# --- Streams ------------------------------------------------------------------------------------


def stream_of(s: Tensor, *sizes: int) -> Callable[[], Iterator[Tensor]]:
    return lambda: iter(s.split(list(sizes)))


@pytest.mark.parametrize("far_first", [True, False])
def test_a_stream_is_the_samples_in_one_piece(far_first: bool) -> None:
    """Also if the nearest samples come last, so that all earlier terms become negligible."""
    x, s = normal(0, 40, 3), 5 * normal(1, 1700, 3)
    s = s[s.norm(dim=1).argsort(descending=far_first)]
    expected = log_likelihood(x, s, [0.1, 1.0])
    streamed = log_likelihood(x, stream_of(s, 1, 0, 1200, 9, 490), [0.1, 1.0])
    torch.testing.assert_close(streamed, expected, rtol=1e-11, atol=1e-11)


def test_both_passes_read_the_stream() -> None:
    s, x = normal(0, 90, 3), normal(1, 10, 3)
    assert parzen_score(stream_of(s, 40, 50), x, x + 0.1).nats == pytest.approx(
        parzen_score(s, x, x + 0.1).nats, rel=1e-12
    )


def test_blocks_of_a_stream_are_freed() -> None:
    alive: list[weakref.ref[np.ndarray[tuple[int, int], np.dtype[np.float32]]]] = []
    largest = 0

    def blocks() -> Iterator[Tensor]:
        nonlocal largest
        for _ in range(50):
            array = np.zeros((1000, 4), np.float32)
            alive.append(weakref.ref(array))  # lives as long as any tensor that shares its memory
            largest = max(largest, sum(ref() is not None for ref in alive))
            yield torch.from_numpy(array)

    log_likelihood(torch.zeros(3, 4), blocks, [1.0])
    assert largest <= 3


def test_progress() -> None:
    s, seen = normal(0, 1200, 2), list[tuple[str, int, int | None]]()
    parzen_score(s, s[:3], s[:3], [0.5], lambda *step: seen.append(step))
    assert seen == [(what, n, 1200) for what in ("validation", "test") for n in (1000, 1200)]
    seen.clear()
    log_likelihood(s[:3], stream_of(s, 700, 500), [0.5], lambda *step: seen.append(step))
    assert seen == [("scoring", 700, None), ("scoring", 1200, None)]


# --- The protocol -------------------------------------------------------------------------------


def test_the_grids() -> None:
    assert GRIDS["paper"] == pytest.approx(10 ** (np.arange(10) / 9 - 1))
    fine = np.array(GRIDS["fine"])
    assert (len(fine), fine[0], fine[-1]) == (40, pytest.approx(0.05), pytest.approx(0.4))
    assert np.ptp(fine[1:] / fine[:-1]) < 1e-12


def test_sigma_is_chosen_on_valid_and_scored_on_test() -> None:
    s, valid, test = normal(0, 400, 2), normal(1, 60, 2), normal(2, 70, 2) + 1
    score = parzen_score(s, valid, test, "paper")
    by_sigma = log_likelihood(valid, s, GRIDS["paper"]).mean(1)
    on_test = log_likelihood(test, s, [score.sigma])[0].numpy()
    assert score.sigma == GRIDS["paper"][int(by_sigma.argmax())]
    assert score.curve == tuple(zip(GRIDS["paper"], by_sigma.tolist(), strict=True))
    assert score.nats == pytest.approx(on_test.mean(), rel=1e-12)
    assert score.se == pytest.approx(on_test.std() / math.sqrt(70), rel=1e-12)
    assert (score.grid, score.samples, score.at_edge) == ("paper", 400, False)


@pytest.mark.parametrize(("grid", "at_edge"), [((2.0, 4.0), True), ((9.0, 1.0, 0.01), False)])
def test_a_custom_grid_and_its_edge(grid: tuple[float, ...], at_edge: bool) -> None:
    s, x = normal(0, 400, 2), normal(1, 60, 2)
    score = parzen_score(s, x, x, grid)
    assert (score.grid, score.at_edge) == ("custom", at_edge)
    assert ("edge" in str(score)) == at_edge


def test_ten_thousand_training_images_of_mnist(data_folder: Path) -> None:
    """Published: 243 ± 2. This data gives 242.7 ± 2.1 at σ = .167."""
    data = datasets.load("mnist")
    samples = data.floats(data.train[permutation(0, "calibration", 0, 50_000)[:10_000]])
    score = parzen_score(samples, data.floats(data.valid[:1000]), data.floats(data.test))
    assert score.sigma == GRIDS["paper"][2] == pytest.approx(0.167, abs=5e-4)
    assert score.nats == pytest.approx(242.7, abs=2.5)
    assert score.se == pytest.approx(2.1, abs=0.1)
    assert not score.at_edge


# --- Mistakes -----------------------------------------------------------------------------------

x2 = torch.zeros(3, 2)


def test_an_unknown_grid_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match=r"named 'fin'\. Did you mean fine"):
        parzen_score(x2, x2, x2, "fin")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_samples_that_are_not_finite(bad: float) -> None:
    s = torch.zeros(2500, 2)
    s[1700, 1] = bad
    with pytest.raises(UserError, match="Samples 1,001 to 2,000 contain NaN or infinity"):
        log_likelihood(x2, s, [1.0])
    with pytest.raises(UserError, match="images to score contain NaN"):
        log_likelihood(s, x2, [1.0])


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (torch.zeros(5, 3), r"shape \(5, 3\); .*shape \(n, 2\)\. The images have 2 pixels"),
        (torch.zeros(0, 2), "no samples"),
        (lambda: iter([]), "no samples"),
        (lambda: [torch.zeros(1, 1, 2)], r"shape \(1, 1, 2\)"),
        (lambda: [torch.zeros(1, 2, dtype=torch.uint8)], "uint8"),
    ],
)
def test_samples_that_do_not_fit(samples: Tensor, says: str) -> None:
    with pytest.raises(UserError, match=says):
        parzen_score(samples, x2, x2)


@pytest.mark.parametrize("x", [x2.to(torch.uint8), x2[:, 0]])
def test_images_that_are_not_rows_of_floats(x: Tensor) -> None:
    with pytest.raises(UserError, match=r"must be floats of shape \(n, pixels\)"):
        inspect.unwrap(log_likelihood)(x, x2, [1.0])


def test_half_precision_does_not_change_the_score() -> None:
    x, s = (torch.linspace(0, 1, 200).reshape(50, 4).half() for _ in range(2))
    halves, floats = (log_likelihood(f(x), s, [0.1]) for f in (Tensor.half, Tensor.float))
    torch.testing.assert_close(halves, floats, rtol=0, atol=0)


def test_no_images() -> None:
    with pytest.raises(UserError, match="no images to score"):
        parzen_score(x2, x2, x2[:0])


@pytest.mark.parametrize(
    "grid", [(), (0.1, 0.0), (-1.0,), (math.nan,), (math.inf,), (1e-20,), (1e200,)]
)
def test_impossible_sigmas(grid: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match="numbers from 1e-09 to 1e"):
        parzen_score(x2, x2, x2, grid)


def test_samples_from_0_to_255_are_refused() -> None:
    data = small_data()
    with pytest.raises(UserError, match="divide them by 255"):
        parzen_score_on(data, 255 * data.floats(data.train))
    parzen_score_on(data, 1.09 * data.floats(data.train))  # a model may leave the range a bit


def test_samples_of_a_tanh_are_refused() -> None:
    """Unless they are a part of a run's own samples, whose scores are as its G makes them."""
    data = small_data()
    x = data.floats(data.train)
    with pytest.raises(UserError, match=r"from -1 to .*, 0 to 1\..*with \(x \+ 1\) / 2;"):
        parzen_score_on(data, 2 * x - 1)
    parzen_score_on(data, 2 * x - 1, shared=True)
    few = x.clone()
    few[0] = -0.5  # one image of 280
    assert 0 < (few < -0.1).float().mean() < 0.01
    parzen_score_on(data, few)
    signed = dataclasses.replace(data, range=(-1.0, 1.0))
    parzen_score_on(signed, 2 * x - 1)
    with pytest.raises(UserError, match=r"-1 \+ 2 \* \(x \+ 1\) / 2"):
        parzen_score_on(signed, 1.5 * (2 * x - 1))


def test_a_linear_output_around_contrast_normalised_images_is_accepted() -> None:
    """Each such image has norm 55, the end of the range, so its pixels are far inside."""
    data = dataclasses.replace(small_data(), range=(-55.0, 55.0), contrast_norm=55.0)
    assert parzen_score_on(data, 2 * data.floats(data.train)).samples == len(data.train)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ">f4"])
def test_samples_may_be_a_numpy_array(dtype: str) -> None:
    data = small_data()
    x = data.floats(data.train).numpy().astype(dtype)
    x.flags.writeable = False
    expected = parzen_score_on(data, torch.from_numpy(x.astype(np.float32)))
    assert parzen_score_on(data, x) == expected
    with pytest.raises(UserError, match="divide them by 255"):
        parzen_score_on(data, data.train.numpy())


def test_blocks_may_be_numpy_arrays_and_the_grid_one_number() -> None:
    data, x = small_data(), small_data().floats(small_data().train)
    blocks = x[:100], x[100:]
    wanted = parzen_score_on(data, lambda: blocks, [0.2])
    assert parzen_score_on(data, lambda: [block.numpy() for block in blocks], 0.2) == wanted


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("samples", "grid", "says"),
    [
        (torch.zeros(3, 36), ["a"], r"grid is \['a'\]; it must be 'paper' or 'fine', or numbers"),
        (torch.zeros(3, 36), None, "grid is None; it must be 'paper' or 'fine', or numbers"),
        (lambda: None, "paper", "returned NoneType; it must return an iterable of blocks"),
        (lambda: ["x"], "paper", "samples is not a tensor or an array of numbers"),
    ],
)
def test_other_grids_and_blocks_are_refused(samples: Any, grid: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        parzen_score_on(small_data(), samples, grid)


@pytest.mark.usefixtures("_as_users_run_it")
@pytest.mark.parametrize(
    ("data", "samples", "says"),
    [
        (3, np.zeros((2, 36)), "data are of type int; give the name of a data set"),
        (small_data(), [[0.0]], r"Samples are torch.float32 of shape \(1, 1\)"),
        (small_data(), np.array([["a"]]), "samples is not a tensor or an array of numbers"),
        (small_data(), torch.zeros(2, 36, device="meta"), "a meta, sparse"),
        (
            small_data(),
            torch.zeros(2, 36).to_sparse(),
            "a meta, sparse, nested or quantised tensor",
        ),
        (small_data(), torch.zeros(2, 36, dtype=torch.complex64), "a complex tensor"),
    ],
    ids=["data", "list", "texts", "meta", "sparse", "complex"],
)
def test_other_types_are_refused_in_a_sentence(data: Any, samples: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        parzen_score_on(data, samples)


@pytest.mark.usefixtures("_as_users_run_it")
def test_sigma_of_other_types() -> None:
    x, one = torch.zeros(3, 4), np.float32(0.5)
    wanted = log_likelihood(x, x, [0.5])
    sigmas: list[Any] = [0.5, one, torch.tensor(0.5), np.array([0.5]), torch.tensor([0.5])]
    for sigma in (*sigmas, (σ for σ in (0.5,))):
        assert torch.equal(log_likelihood(x, x, sigma), wanted)
    assert len(log_likelihood(x, x, "paper")) == 10
    wrong: Any
    for wrong, says in ((None, "grid is None"), ("x", "no grid of σ named 'x'"), (0, r"\[0.0\]")):
        with pytest.raises(UserError, match=says):
            log_likelihood(x, x, wrong)
    for points in (None, "x", torch.tensor(1.0), x.to("meta"), x.to_sparse(), [["a"]]):
        with pytest.raises(
            UserError,
            match=r"x is not a tensor or an array|x is a meta, sparse|images to score are",
        ):
            log_likelihood(points, x, [0.5])  # type: ignore[arg-type]


def test_a_data_set_may_be_named() -> None:
    data = datasets.load("mnist-5k")
    x = data.floats(data.train[:50])
    assert parzen_score_on("mnist-5k", x) == parzen_score_on(data, x)
    with pytest.raises(UserError, match=r"\(50, 1, 28, 28\).*x\.flatten\(1\)"):
        parzen_score_on("mnist-5k", x.reshape(50, 1, 28, 28))
    with pytest.raises(UserError, match="no data set 'mnist-5'"):
        parzen_score_on("mnist-5", x)


def test_the_sigma_of_an_even_number_of_folds_is_the_median(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mean of the two in the middle; each fold's own σ is kept."""
    data = small_data()
    data = dataclasses.replace(data, folds=(Fold(data.valid, data.test),) * 4)
    samples = data.floats(data.train[:50])
    each = iter((0.1, 0.4, 0.2, 0.8))

    def with_another_sigma(*args: Any) -> ParzenScore:
        return dataclasses.replace(parzen_score(*args), sigma=next(each))

    monkeypatch.setattr(parzen, "parzen_score", with_another_sigma)
    score = parzen_score_on(data, samples)
    assert score.sigma == pytest.approx(0.3)
    assert [fold.sigma for fold in score.folds] == [0.1, 0.4, 0.2, 0.8]


@pytest.mark.parametrize("grid", ["paper", "fine"])
@pytest.mark.parametrize("folds", [3, 5])
def test_over_folds_the_sigmas_stay_those_of_the_grid(grid: str, folds: int) -> None:
    """A mean of equal numbers can differ from them in the last bit."""
    data = small_data()
    data = dataclasses.replace(
        data, folds=tuple(Fold(data.valid[i::folds], data.test[i::folds]) for i in range(folds))
    )
    samples = data.floats(data.train[:50])
    score = parzen_score_on(data, samples, grid)
    assert tuple(σ for σ, _ in score.curve) == GRIDS[grid]
    assert score.sigma in dict(score.curve)
    assert score.curve[3][1] == pytest.approx(np.mean([f.curve[3][1] for f in score.folds]))


def test_nothing_is_scored_if_all_images_were_trained_on() -> None:
    data = dataclasses.replace(small_data(), held_out=False)
    for score in (lambda: parzen_score_on(data, data.floats(data.train)), lambda: calibrate(data)):
        with pytest.raises(UserError, match="none can be used for scores"):
            score()


def test_a_fold_whose_sigma_is_at_the_edge_of_the_grid_puts_the_score_there() -> None:
    """A validation image that is a sample itself has the smallest σ."""
    data = small_data()
    samples, grid = data.floats(data.train[:20]), (0.001, 0.3, 9.0)
    inside, edge = Fold(data.valid, data.test), Fold(data.train[:5], data.test)
    for folds, expected in (((inside,), False), ((inside, edge), True), ((edge, inside), True)):
        score = parzen_score_on(dataclasses.replace(data, folds=folds), samples, grid)
        assert score.at_edge == expected
        assert any(fold.at_edge for fold in score.folds) == expected
