"""Parzen-window log-likelihood, the score of Table 1 (§5).

The density p̂ is a mixture of Gaussians of width σ centred on n samples s_j. For a test point x
of D pixels, in nats:

    log p̂(x) = logmeanexp_j( −‖x − s_j‖² / 2σ² ) − D · log(σ √(2π)).

σ is the value of a grid with the largest mean log-likelihood on the validation images; the score is
the mean over the test images at that σ. All σ of a grid use the same distance matrix.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets import distributed
from adversarial_nets.datasets import as_dataset, sample_images
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.engine.precision import full_float32
from adversarial_nets.engine.threads import ThreadTuner
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.evaluation.published import error_in_words
from adversarial_nets.progress import Progress
from adversarial_nets.setting_values import plain_value
from adversarial_nets.tensors import as_tensor

__all__ = [
    "GRIDS",
    "Grid",
    "ParzenScore",
    "Samples",
    "grid_values",
    "log_likelihood",
    "parzen_score",
    "parzen_score_on",
    "refuse_outside",
    "reusable",
]

GRIDS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        # The published grid. It is coarse, and on TFD its smallest value is always chosen.
        "paper": tuple(np.logspace(-1, 0, 10).tolist()),
        # Steps of 5.5 %. Its scores cannot be compared with the paper's.
        "fine": tuple(np.geomspace(0.05, 0.4, 40).tolist()),
    }
)

Samples = Tensor | NDArray[Any] | Callable[[], Iterable[Tensor | NDArray[Any]]]
"""Samples in memory, shape (n, pixels), or a function that returns an iterable of such blocks.

The function is called twice, once for the validation images and once for the test images, and must
return the same samples both times.
"""

Grid = str | float | Iterable[float]
"""The name of a grid of σ in `GRIDS`, or your own values of σ, one or several."""

# Distances are computed in tiles of 1,000 points × 1,000 samples: 4 MB, which fit in the CPU cache.
_TILE = 1000

_SIGMAS = 1e-9, 1e9
"""The smallest and largest σ, whose powers float32 holds."""


@dataclass(frozen=True)
class ParzenScore:
    """A Parzen score and its protocol.

    Attributes:
        nats: mean log p̂ over the test images.
        se: its standard error over the test images, std / √n; not the variation over seeds. None if
            there is only one test image.
        sigma: σ, chosen on the validation images.
        grid: name of the grid of σ; ``"custom"`` for your own grid.
        samples: number of samples.
        at_edge: whether σ is the smallest or largest of its grid, so that a wider grid might give
            a higher score.
        curve: (σ, mean log p̂ over the validation images) for the whole grid.
        folds: for data with folds, each fold's score; `nats` and `curve` are then means over the
            folds, `se` is the standard error over the folds, and `sigma` their median.
    """

    nats: float
    se: float | None
    sigma: float
    grid: str
    samples: int
    at_edge: bool
    curve: tuple[tuple[float, float], ...]
    folds: tuple["ParzenScore", ...] = ()

    def __str__(self) -> str:
        """The score in one line, with a note if σ is at the edge of its grid."""
        edge = ", at the edge of the grid" if self.at_edge else ""
        folds = f"; over {len(self.folds)} folds" if self.folds else ""
        score = f"{self.nats:.1f}{error_in_words(self.se, ' nats')}"
        return (
            f"{score} (σ = {self.sigma:.3f} of grid {self.grid}{edge}; {self.samples:,} "
            f"samples{folds})"
        )


def log_likelihood(
    x: Float[Tensor, "n_x pixels"],
    samples: Samples,
    sigmas: Grid,
    on_progress: Progress | None = None,
    shared: bool = False,
) -> Float64[Tensor, "n_sigmas n_x"]:
    """Return the Parzen-window log-likelihood of each point x for each σ, in nats.

    With any common centre c, ‖x − s‖² = ‖x − c‖² − 2·[(x − c)·(s − c) − ½‖s − c‖²]. Only the
    bracket depends on s. It is computed once, as one fused matrix product, and used for every σ:
    its largest value belongs to the nearest sample for every σ. Samples are processed in blocks
    with a running maximum (online log-sum-exp), so memory does not grow with their number.

    Precision, for float32 `x`:

    * The points are centred first. The bracket is a small difference of large numbers, and
      centring makes these numbers smaller.
    * Products use full float32, also if the caller has set another precision. At σ = 0.1 an
      error in ‖x − s‖² is multiplied by 50; in bfloat16 or TF32 the score would be wrong by nats.
    * Exponentials are computed in float32 after the maximum is subtracted, with a relative error
      of about 1e-7. Exponents are clamped at −87, because subnormal results are 50 times slower
      and do not change the sum.
    * Norms, sums and the final logarithm are computed in float64.

    For float64 `x` everything is in float64.

    Args:
        x: points to score, in the range of the samples, on a device that supports float64.
        samples: shape (n, pixels), or a function that returns an iterable of such blocks.
        sigmas: window widths σ > 0, in units of the pixels: one, several, or a grid's name.
        on_progress: called after each block of samples.
        shared: whether the samples are only this process's part of all samples
            (`distributed`); every process then returns the result for all of them.

    Raises:
        UserError: no samples or no points, values that are not finite or not floats, samples of
            another size than `x`, or a σ below 1e-9 or above 1e9.

    >>> x = torch.zeros(1, 2)  # equal to the only sample, so the density is 1 / 2πσ²
    >>> round(log_likelihood(x, torch.zeros(1, 2), [1.0]).exp().item() * 2 * torch.pi, 12)
    1.0
    """
    return _log_likelihood(x, samples, sigmas, "scoring", on_progress, shared)[0]


@torch.no_grad()  # also while `samples` is read, because a graph would keep every block in memory
def _log_likelihood(
    x: Tensor,
    samples: Samples,
    sigmas: Grid,
    what: str,
    on_progress: Progress | None,
    shared: bool,
) -> tuple[Tensor, int]:
    """`log_likelihood`, and the number of samples."""
    x, sigmas = _points(x), grid_values(sigmas)
    D = x.shape[1]
    centre = x.mean(0)
    x = x - centre
    half_norm_x = x.square().sum(1, dtype=torch.float64) / 2
    if not half_norm_x.isfinite().all():
        raise UserError("The images to score contain NaN or infinity. Give finite values.")

    σ = torch.tensor(sigmas, dtype=torch.float64, device=x.device)
    best, sums, n = _log_sum_exp(x, centre, samples, σ, what, on_progress)
    if shared:  # combine the maxima and sums of the processes, like those of the blocks
        local, total = best.clone(), torch.tensor(float(n), dtype=torch.float64, device=x.device)
        distributed.all_reduce_max(best)
        sums *= torch.exp((local - best).double() / σ[:, None] ** 2)
        distributed.all_reduce_sum((sums, total))
        n = int(total)
    if n == 0:
        raise UserError("There are no samples; give one or more.")
    log_mean_exp = (best - half_norm_x) / σ[:, None] ** 2 + torch.log(sums / n)
    return log_mean_exp - D * torch.log(σ * math.sqrt(2 * math.pi))[:, None], n


def _points(x: Tensor) -> Tensor:
    """The points to score, in float32 or float64."""
    x = as_tensor("x", x)
    if x.ndim and not len(x):
        raise UserError("There are no images to score. Give a data set whose split is not empty.")
    _check_rows("The images to score", x)
    return x if x.dtype == torch.float64 else x.float()  # half precision: error of nats


def _check_rows(what: str, x: Tensor, pixels: int | None = None) -> None:
    """Raise an error unless images or samples are floats of shape (n, pixels)."""
    if x.is_floating_point() and x.ndim == 2 and pixels in (None, x.shape[1]):
        return
    remedy = f"The images have {pixels} pixels: use the data set that the model was trained on."
    if not x.is_floating_point():
        remedy = "Convert uint8 images with dataset.floats(images)."
    elif x.ndim != 2:
        remedy = "Flatten each: x.flatten(1), or x.reshape(len(x), -1) of a NumPy array."
    raise UserError(
        f"{what} are {x.dtype} of shape {tuple(x.shape)}; they must be floats of shape "
        f"(n, {pixels or 'pixels'}). {remedy}"
    )


def _log_sum_exp(
    x: Tensor,
    centre: Tensor,
    samples: Samples,
    σ: Tensor,
    what: str,
    on_progress: Progress | None,
) -> tuple[Tensor, Tensor, int]:
    """Sum exp(bracket / σ²) over all samples s, block by block, for each σ and x.

    Args:
        x: points to score, minus their centre.
        centre: their centre, subtracted from the samples too.
        samples: the samples.
        σ: window widths, float64.
        what: the message for `on_progress`.
        on_progress: called after each block.

    Returns:
        The largest bracket of each x, shape (n_x,); the sums relative to it, shape (n_sigmas, n_x);
        and the number of samples.
    """
    n_x = len(x)
    best = torch.full((n_x,), -math.inf, dtype=x.dtype, device=x.device)
    sums = torch.zeros(len(σ), n_x, dtype=torch.float64, device=x.device)
    bracket, terms = x.new_empty(2, _TILE, _TILE)
    n = 0
    with ThreadTuner.for_device(x.device) as tuner:
        for block in _blocks(samples, x.shape[1]):
            s = block.to(x) - centre
            half_norm_s = s.square().sum(1, dtype=torch.float64) / 2
            if not half_norm_s.isfinite().all():
                raise UserError(
                    f"Samples {n + 1:,} to {n + len(s):,} contain NaN or infinity, so they have no "
                    "Parzen score. Check whether the training diverged."
                )
            bias = half_norm_s.neg().to(x.dtype)
            for i in range(0, n_x, _TILE):
                tuner.before_round()
                rows = slice(i, min(i + _TILE, n_x))
                t, e = (buffer[: rows.stop - i, : len(s)] for buffer in (bracket, terms))
                with full_float32(x.device):
                    torch.addmm(bias, x[rows], s.T, out=t)
                _add_tile(t, e, best[rows], sums[:, rows], σ)
                tuner.after_round()
            n += len(s)
            if on_progress:
                on_progress(what, n, len(samples) if isinstance(samples, Tensor) else None)
    return best, sums, n


def _add_tile(bracket: Tensor, terms: Tensor, best: Tensor, sums: Tensor, σ: Tensor) -> None:
    """Add the samples of one tile to the running maximum and sums, in place (online log-sum-exp).

    Args:
        bracket: shape (n_x, n_samples), overwritten.
        terms: a buffer of the same shape.
        best: the largest bracket of each x so far, shape (n_x,).
        sums: the sums relative to `best`, float64, shape (n_sigmas, n_x).
        σ: window widths, float64.
    """
    floor = math.ceil(math.log(torch.finfo(bracket.dtype).tiny))
    new = torch.maximum(best, bracket.amax(1))
    bracket -= new[:, None]
    # Rescale the sums from the old maximum to the new one.
    sums *= torch.exp((best - new).double() / σ[:, None] ** 2)
    for k, σ_k in enumerate(σ.tolist()):
        torch.mul(bracket, 1 / σ_k**2, out=terms).clamp_(min=floor).exp_()
        sums[k] += terms.sum(1, dtype=torch.float64)
    best.copy_(new)


def _blocks(samples: Samples, pixels: int) -> Iterator[Tensor]:
    """Check the samples and yield them in blocks of at most `_TILE` rows."""
    blocks: Iterable[object] | None = samples() if callable(samples) else [samples]
    if not isinstance(blocks, Iterable):
        raise UserError(
            f"The function of samples returned {type(blocks).__name__}; it must return an iterable "
            "of blocks of shape (n, pixels), e.g. a generator."
        )
    for given in blocks:
        block = as_tensor("samples", given)
        _check_rows("Samples", block, pixels)
        if len(block):
            yield from block.split(_TILE)


def parzen_score(
    samples: Samples,
    valid: Float[Tensor, "n_valid pixels"],
    test: Float[Tensor, "n_test pixels"],
    grid: Grid = "paper",
    on_progress: Progress | None = None,
    shared: bool = False,
) -> ParzenScore:
    """Return the Parzen score of samples: choose σ on `valid`, then score `test` (Table 1).

    The published protocol uses 10,000 generator outputs (not binarised), the first 1,000 validation
    images of MNIST and all 10,000 test images. `parzen_score_on` selects these images.

    Args:
        samples: shape (n, pixels), or a function that returns an iterable of such blocks.
        valid: images that choose σ, in the range of the samples.
        test: images that are scored, in the same range.
        grid: ``"paper"``, ``"fine"``, or your own values of σ, one or several.
        on_progress: called after each block of samples with ``"validation"``, then ``"test"``.
        shared: whether the samples are only this process's part; see `log_likelihood`.

    Raises:
        UserError: an unknown grid, or arguments that `log_likelihood` refuses.

    >>> s = torch.linspace(0, 1, 50).outer(torch.ones(3))
    >>> score = parzen_score(s, valid=s + 0.01, test=s + 0.02)
    >>> score.grid, score.samples, score.at_edge
    ('paper', 50, True)
    """
    sigmas = grid_values(grid)
    on_valid, _ = _log_likelihood(valid, samples, sigmas, "validation", on_progress, shared)
    means = on_valid.mean(1).tolist()
    sigma = sigmas[means.index(max(means))]
    on_test, n = _log_likelihood(test, samples, [sigma], "test", on_progress, shared)
    return ParzenScore(
        nats=on_test.mean().item(),
        se=on_test.std(correction=0).item() / math.sqrt(len(test)) if len(test) > 1 else None,
        sigma=sigma,
        grid=grid if isinstance(grid, str) else "custom",
        samples=n,
        at_edge=sigma in (min(sigmas), max(sigmas)),
        curve=tuple(zip(sigmas, means, strict=True)),
    )


def parzen_score_on(
    data: DataLike,
    samples: Samples,
    grid: Grid = "paper",
    on_progress: Progress | None = None,
    shared: bool = False,
) -> ParzenScore:
    """Return the Parzen score of samples on a data set, by the protocol of Table 1.

    For data without folds (MNIST): σ is chosen on 1,000 validation images (the first if their order
    is random, `datasets.sample_rows`), and all test images are scored. For data with folds (TFD):
    each fold chooses σ on all its validation images and scores its test images; the score is the
    mean over folds, and its error is their standard deviation / √folds.

    Args:
        data: the data set, in each form that `train` takes: a name, a `Dataset`, arrays.
        samples: floats of shape (n, pixels) as a tensor or a NumPy array, or a function that
            returns an iterable of such blocks.
        grid: ``"paper"``, ``"fine"``, or your own values of σ, one or several.
        on_progress: called after each block of samples.
        shared: whether the samples are only this process's part; see `log_likelihood`.

    Raises:
        UserError: an unknown data set or grid, a data set without held-out images, a tensor or
            array of samples outside the data's range, or arguments that `log_likelihood` refuses.
    """
    data, grid = as_dataset(data), reusable(grid)
    require_held_out(data)
    floats = data.floats
    samples = samples if callable(samples) else as_tensor("samples", samples)
    refuse_outside(samples, data.range, shared)
    if not data.folds:
        valid, test = sample_images(data, "valid", 1000), floats(data.test)
        return parzen_score(samples, valid, test, grid, on_progress, shared)
    scores = tuple(
        parzen_score(samples, floats(fold.valid), floats(fold.test), grid, on_progress, shared)
        for fold in data.folds
    )
    nats = np.array([score.nats for score in scores])
    curves = np.array([score.curve for score in scores])[:, :, 1]  # nats by fold and σ
    return ParzenScore(
        nats=float(nats.mean()),
        se=float(nats.std(ddof=1) / math.sqrt(len(scores))) if len(scores) > 1 else scores[0].se,
        sigma=statistics.median(score.sigma for score in scores),
        grid=scores[0].grid,
        samples=scores[0].samples,
        at_edge=any(score.at_edge for score in scores),
        curve=tuple(
            (σ, float(mean)) for (σ, _), mean in zip(scores[0].curve, curves.mean(0), strict=True)
        ),
        folds=scores,
    )


_MARGIN = 0.1
"""How far samples may lie outside the range of the images, as a share of its width."""
_SHARE_OUTSIDE = 0.01
"""The largest share of values that may lie further outside, e.g. for a linear output."""


def refuse_outside(samples: Samples, range: tuple[float, float], shared: bool = False) -> None:
    """Raise an error if samples are on another scale than the images.

    Small deviations are allowed, e.g. those of a linear output. If `shared`, the share of values
    outside is not tested, because an error in one process would block the others; the samples then
    come from a run's own generator.
    """
    if not isinstance(samples, Tensor) or not samples.numel():
        return
    low, high = range
    width = high - low
    smallest, largest = samples.min().item(), samples.max().item()
    if largest > high + 10 * width:
        raise UserError(
            f"The largest value of the samples is {largest:.4g}, but images go from {low:g} to "
            f"{high:g}. Scale the samples to that range; from 0 to 255, divide them by 255."
        )
    far = (samples < low - _MARGIN * width) | (samples > high + _MARGIN * width)
    outside = far.sum().item() / far.numel()
    if not shared and outside > _SHARE_OUTSIDE:
        convert = "" if (low, high) == (0, 1) else f"{low:g} + {width:g} * "
        raise UserError(
            f"The samples go from {smallest:.4g} to {largest:.4g}, and {outside:.0%} of their "
            f"values lie well outside the range of the images, {low:g} to {high:g}. Convert "
            f"samples from −1 to 1 with {convert}(x + 1) / 2; limit those of a model that leaves "
            f"the range with x.clamp({low:g}, {high:g})."
        )


def grid_values(grid: Grid) -> tuple[float, ...]:
    """The values of a grid given by name or as numbers; one number is a grid of one σ.

    Raises:
        UserError: an unknown name, values that are not numbers, or a number that is too small or
            too large.
    """
    if isinstance(grid, str):
        if grid not in GRIDS:
            raise unknown_name(grid, list(GRIDS), "grid of σ")
        return GRIDS[grid]
    given = plain_value(grid, float)  # of an array or a tensor, too
    try:
        sigmas = tuple(map(float, given if isinstance(given, Iterable) else (given,)))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"The σ grid is {grid!r}; it must be {' or '.join(map(repr, GRIDS))}, or numbers, e.g. "
            "[0.1, 0.2, 0.4]."
        ) from error
    smallest, largest = _SIGMAS
    if not sigmas or not all(smallest <= σ <= largest for σ in sigmas):
        raise UserError(
            f"The σ grid is {list(sigmas)}; it must be one or more numbers from {smallest:g} to "
            f"{largest:g}."
        )
    return sigmas


def reusable(grid: Grid) -> str | tuple[float, ...]:
    """A grid that can be read several times: its name, or its values (also of an iterator)."""
    values = grid_values(grid)
    return grid if isinstance(grid, str) else values
