"""Parzen-window log-likelihood, the measure of Table 1 (§5), exactly by its protocol.

A Gaussian of width σ stands on each of n samples s_j; a test point x of D pixels has, in nats,

    log p̂(x) = logmeanexp_j( −‖x − s_j‖² / 2σ² ) − D · log(σ √(2π)).

σ is the value of a grid with the largest mean on the validation images, and the score is the
mean over the test images at that σ. Several σ share one matrix of distances.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from adversarial_nets.datasets import Dataset
from adversarial_nets.engine import distributed
from adversarial_nets.engine.precision import full_float32
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress

__all__ = [
    "GRIDS",
    "ParzenScore",
    "Samples",
    "log_likelihood",
    "named",
    "parzen",
    "parzen_on",
]

GRIDS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        # What the published scores used: coarse, so it costs some nats, and its floor (.1) is
        # where the faces of TFD always end.
        "paper": tuple(np.logspace(-1, 0, 10).tolist()),
        # Steps of 5 %, wide enough for both data sets. Its scores are not the paper's.
        "fine": tuple(np.geomspace(0.05, 0.4, 40).tolist()),
    }
)

Samples = Tensor | Callable[[], Iterable[Tensor]]
"""Samples in memory, (n, pixels), or a function that starts a stream of such blocks.

A function, because the validation images and the test images each walk the samples once.
"""

"""Called with (what is being done, how much is done, of how much: None when unknown)."""


def named(on_progress: Progress | None, name: str) -> Progress | None:
    """Put a row's name before what is reported."""
    if on_progress is None:
        return None
    return lambda what, done, total: on_progress(f"{name}: {what}", done, total)


# Distances are made in tiles of 1,000 points × 1,000 samples: 4 MB stay in the cache while the
# exponentials pass over them, and the product is still as fast as on the whole matrix.
_TILE = 1000


@dataclass(frozen=True)
class ParzenScore:
    """A Parzen score and what must be known to compare it with another.

    Attributes:
        nats: mean log p̂ over the test images.
        se: its standard error over the test images, std / √n. Not the run-to-run error.
        sigma: σ, chosen on the validation images.
        grid: name of the grid that σ came from; ``"custom"`` for a grid of one's own.
        samples: how many samples carried a Gaussian.
        at_edge: whether σ is the smallest or largest of its grid, so that a wider grid might
            score higher.
        curve: (σ, mean log p̂ over the validation images) for the whole grid.
        folds: for data with folds, each fold's own score; then `nats` and `curve` are means over
            them, `se` the standard error over them, and `sigma` the middle one of theirs.
    """

    nats: float
    se: float
    sigma: float
    grid: str
    samples: int
    at_edge: bool
    curve: tuple[tuple[float, float], ...]
    folds: tuple["ParzenScore", ...] = ()

    def __str__(self) -> str:
        """Say the score in one line, with a warning when σ is at the edge of its grid."""
        edge = ", at the edge of the grid" if self.at_edge else ""
        folds = f"; over {len(self.folds)} folds" if self.folds else ""
        return (
            f"{self.nats:.1f} ± {self.se:.1f} nats (σ = {self.sigma:.3f} of grid {self.grid}"
            f"{edge}; {self.samples:,} samples{folds})"
        )


def log_likelihood(
    x: Float[Tensor, "n_x pixels"],
    samples: Samples,
    sigmas: Sequence[float],
    on_progress: Progress | None = None,
    shared: bool = False,
) -> Float64[Tensor, "n_sigmas n_x"]:
    """Parzen-window log-likelihood of each point x for each σ, in nats.

    With c any common centre, ‖x − s‖² = ‖x − c‖² − 2·[(x − c)·(s − c) − ½‖s − c‖²], and only the
    bracket depends on s. It is made once, as one fused product, and serves every σ: its largest
    value belongs to the nearest sample, whatever σ is. Blocks of samples are met one after
    another with a running maximum, so memory does not grow with their number.

    Precision, with float32 `x`:

    * *Centre first.* The bracket is a small difference of large numbers; moving the origin into
      the midst of the points makes them smaller and changes no distance.
    * *Full float32 products*, whatever the caller has set: at σ = .1 an error in ‖x − s‖² counts
      fifty-fold, and with the 8 or 11 bits of bfloat16 or TF32 that is nats.
    * *Exponentials in float32 after the maximum is subtracted*: the largest is then exp(0), and
      each is right to about 1e-7 of itself. Exponents are kept above the smallest normal number
      (exp(−87)), since subnormal results take fifty times as long and add nothing to a 1.
    * *Sums, norms and the final logarithm in float64*, where a million terms lose no digits.

    float64 `x` gives everything in float64: the reference that the tests hold float32 to.

    Args:
        x: points to score, in the same range as the samples, on a device that has float64.
        samples: (n, pixels), or a function that starts a stream of such blocks.
        sigmas: window widths, in units of the pixels, each > 0.
        on_progress: called after each block of samples.
        shared: the samples are this worker's part of all samples (`workers`); every worker gets
            the answer for all of them.

    Raises:
        UserError: no samples or no points; values that are not finite; samples of another size
            than `x`; a σ that is not a positive number.

    >>> x = torch.zeros(1, 2)  # on top of the only sample: the density is 1 / 2πσ²
    >>> round(log_likelihood(x, torch.zeros(1, 2), [1.0]).exp().item() * 2 * torch.pi, 12)
    1.0
    """
    return _log_likelihood(x, samples, sigmas, "scoring", on_progress, shared)[0]


@torch.no_grad()  # of the stream too: a generator's graph would hold on to every block
def _log_likelihood(
    x: Tensor,
    samples: Samples,
    sigmas: Sequence[float],
    what: str,
    on_progress: Progress | None,
    shared: bool,
) -> tuple[Tensor, int]:
    """`log_likelihood`, and the number of samples met."""
    if not len(sigmas) or not all(0 < σ < math.inf for σ in sigmas):
        raise UserError(f"σ must be one or more positive numbers, not {list(sigmas)}.")
    if not len(x):
        raise UserError("There are no images to score: the split is empty.")
    n_x, D = x.shape
    centre = x.mean(0)
    x = x - centre
    half_norm_x = x.square().sum(1, dtype=torch.float64) / 2
    if not half_norm_x.isfinite().all():
        raise UserError("The images to score contain NaN or infinity.")

    σ = torch.tensor(sigmas, dtype=torch.float64, device=x.device)
    floor = math.ceil(math.log(torch.finfo(x.dtype).tiny))
    best = torch.full((n_x,), -math.inf, dtype=x.dtype, device=x.device)
    sums = torch.zeros(len(sigmas), n_x, dtype=torch.float64, device=x.device)
    bracket, terms = x.new_empty(2, _TILE, _TILE)
    n = 0
    for block in _blocks(samples, D):
        s = block.to(x) - centre
        half_norm_s = s.square().sum(1, dtype=torch.float64) / 2
        if not half_norm_s.isfinite().all():
            raise UserError(
                f"Samples {n + 1:,} to {n + len(s):,} contain NaN or infinity, so they have no "
                "Parzen score. Did the training diverge?"
            )
        bias = half_norm_s.neg().to(x.dtype)
        for i in range(0, n_x, _TILE):
            rows = slice(i, min(i + _TILE, n_x))
            t, e = (buffer[: rows.stop - i, : len(s)] for buffer in (bracket, terms))
            with full_float32(x.device):
                torch.addmm(bias, x[rows], s.T, out=t)
            old, new = best[rows], torch.maximum(best[rows], t.amax(1))
            t -= new[:, None]
            # What was summed so far was relative to the old maximum.
            sums[:, rows] *= torch.exp((old - new).double() / σ[:, None] ** 2)
            for k, σ_k in enumerate(sigmas):
                torch.mul(t, 1 / σ_k**2, out=e).clamp_(min=floor).exp_()
                sums[k, rows] += e.sum(1, dtype=torch.float64)
            best[rows] = new
        n += len(s)
        if on_progress:
            on_progress(what, n, len(samples) if isinstance(samples, Tensor) else None)
    if shared:  # every worker met other samples; the running maximum works across workers too
        mine, met = best.clone(), torch.tensor(float(n), dtype=torch.float64, device=x.device)
        distributed.all_reduce_max(best)
        sums *= torch.exp((mine - best).double() / σ[:, None] ** 2)
        distributed.all_reduce_sum((sums, met))
        n = int(met)
    if n == 0:
        raise UserError("There are no samples to put a Parzen window on.")
    log_mean_exp = (best - half_norm_x) / σ[:, None] ** 2 + torch.log(sums / n)
    return log_mean_exp - D * torch.log(σ * math.sqrt(2 * math.pi))[:, None], n


def _blocks(samples: Samples, pixels: int) -> Iterator[Tensor]:
    """Yield the samples in blocks of at most a tile's length, each looked at first."""
    for block in [samples] if isinstance(samples, Tensor) else samples():
        if block.ndim != 2 or block.shape[1] != pixels:
            raise UserError(
                f"Samples have shape {tuple(block.shape)}, but the images have {pixels} pixels, "
                f"so (n, {pixels}) is needed. Are model and data set the same ones?"
            )
        if not block.is_floating_point():
            raise UserError(
                f"Samples are {block.dtype}; give numbers in the range of the data "
                "(for a data set's bytes: dataset.floats(bytes))."
            )
        if len(block):
            yield from block.split(_TILE)


def parzen(
    samples: Samples,
    valid: Float[Tensor, "n_valid pixels"],
    test: Float[Tensor, "n_test pixels"],
    grid: str | Sequence[float] = "paper",
    on_progress: Progress | None = None,
    shared: bool = False,
) -> ParzenScore:
    """Score samples by the protocol of Table 1: choose σ on `valid`, score on `test`.

    The published protocol takes 10,000 raw generator outputs, never binarised, the first 1,000
    validation images of MNIST and all 10,000 test images. All three arguments are used whole, in
    the range of the data; `floats` of a data set makes it. Precision is that of
    `log_likelihood`: float32 for float32 images, float64 for float64 ones.

    Args:
        samples: (n, pixels), or a function that starts a stream of such blocks; it is called
            twice and must give the same samples both times.
        valid: images that choose σ: the largest mean log p̂ wins.
        test: images that give the score.
        grid: ``"paper"``, ``"fine"``, or one's own values of σ.
        on_progress: called after each block of samples with ``"validation"``, then ``"test"``.
        shared: the samples are this worker's part; see `log_likelihood`.

    Raises:
        UserError: an unknown grid, and all that `log_likelihood` refuses.

    >>> s = torch.linspace(0, 1, 50).outer(torch.ones(3))
    >>> score = parzen(s, valid=s + 0.01, test=s + 0.02)
    >>> score.grid, score.samples, score.at_edge
    ('paper', 50, True)
    """
    sigmas = _sigmas(grid)
    on_valid, _ = _log_likelihood(valid, samples, sigmas, "validation", on_progress, shared)
    means = on_valid.mean(1).tolist()
    sigma = sigmas[means.index(max(means))]
    on_test, n = _log_likelihood(test, samples, [sigma], "test", on_progress, shared)
    return ParzenScore(
        nats=on_test.mean().item(),
        se=on_test.std(correction=0).item() / math.sqrt(len(test)),
        sigma=sigma,
        grid=grid if isinstance(grid, str) else "custom",
        samples=n,
        at_edge=sigma in (min(sigmas), max(sigmas)),
        curve=tuple(zip(sigmas, means, strict=True)),
    )


def parzen_on(
    data: Dataset,
    samples: Samples,
    grid: str | Sequence[float] = "paper",
    on_progress: Progress | None = None,
    shared: bool = False,
) -> ParzenScore:
    """Score samples on a data set as Table 1 does.

    MNIST, and all data without folds: σ on the first 1,000 validation images, the score over all
    test images. TFD: each fold chooses σ on the whole of its validation images and is scored on its
    test images; the score is the mean over the folds, ± their standard deviation / √folds.

    Args:
        data: the data set.
        samples: (n, pixels), or a function that starts a stream of such blocks.
        grid: ``"paper"``, ``"fine"``, or one's own values of σ.
        on_progress: called after each block of samples.
        shared: the samples are this worker's part; see `log_likelihood`.

    Raises:
        UserError: an unknown grid, and all that `log_likelihood` refuses.
    """
    floats = data.floats
    if not data.folds:
        valid, test = floats(data.valid[:1000]), floats(data.test)
        return parzen(samples, valid, test, grid, on_progress, shared)
    scores = tuple(
        parzen(samples, floats(fold.valid), floats(fold.test), grid, on_progress, shared)
        for fold in data.folds
    )
    nats = np.array([score.nats for score in scores])
    curves = np.array([score.curve for score in scores])
    return ParzenScore(
        nats=float(nats.mean()),
        se=float(nats.std(ddof=1) / math.sqrt(len(scores))) if len(scores) > 1 else scores[0].se,
        sigma=sorted(score.sigma for score in scores)[len(scores) // 2],
        grid=scores[0].grid,
        samples=scores[0].samples,
        at_edge=any(score.at_edge for score in scores),
        curve=tuple((float(σ), float(mean)) for σ, mean in curves.mean(0)),
        folds=scores,
    )


def _sigmas(grid: str | Sequence[float]) -> tuple[float, ...]:
    """The σ of a grid, by its name or as given."""
    if not isinstance(grid, str):
        return tuple(grid)
    if grid not in GRIDS:
        names = " or ".join(GRIDS)
        nearest = difflib.get_close_matches(grid, GRIDS, n=1, cutoff=0)
        raise UserError(
            f"There is no σ grid {grid!r}; did you mean {nearest[0]!r}? Known: {names}."
        )
    return GRIDS[grid]
