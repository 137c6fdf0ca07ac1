"""Feature metrics (not in the paper): FID, KID, precision, recall, density and coverage.

Each compares the features of samples with those of real images. The features come from a
classifier (`features`) or from Inception (`inception`). None of these metrics can distinguish a
good model from one that copies the test images, so report them together with the Parzen score and
nearest neighbours (Figure 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets.errors import UserError, install
from adversarial_nets.random import permutation
from adversarial_nets.setting_values import whole_number
from adversarial_nets.tensors import as_tensor

if TYPE_CHECKING:
    from torchmetrics.image.fid import FrechetInceptionDistance

__all__ = [
    "FeatureMetrics",
    "compare_each",
    "compare_features",
    "frechet_distance",
    "kernel_distance",
    "random_rows",
    "require_count",
    "require_torchmetrics",
]

_CHUNK = 1000  # rows of a distance matrix computed at a time

Features = Float[Tensor, "n features"]
Real = Float[Tensor, "n_real features"]
Drawn = Float[Tensor, "n_samples features"]


@dataclass(frozen=True)
class FeatureMetrics:
    """Metrics of samples against real images, from `compare_features`.

    Attributes:
        frechet: the squared Fréchet distance between Gaussians with the features' means and
            covariances, the formula of FID (Heusel et al. 2017, arXiv:1706.08500); 0 is best, and
            few samples bias it upwards.
        kernel: the unbiased estimate of the squared MMD with the kernel (x·y/d + 1)³, the formula
            of KID (Bińkowski et al. 2018, arXiv:1801.01401); its mean is 0 for two sets from the
            same distribution.
        precision: fraction of samples inside the manifold of the real images.
        recall: fraction of real images inside the manifold of the samples (both Kynkäänniemi et al.
            2019, arXiv:1904.06991).
        density: mean number of real neighbourhoods that contain a sample, divided by k; its
            expectation is 1 for real images.
        coverage: fraction of real images with a sample in their neighbourhood (both Naeem et al.
            2020, arXiv:2002.09797).
    """

    frechet: float
    kernel: float
    precision: float
    recall: float
    density: float
    coverage: float


def random_rows(n: int, of: int, purpose: str, seed: int = 0) -> Int64[Tensor, " n"]:
    """Random row numbers below `of`, since the order of a data set may not be random.

    MNIST's first 5,000 test images come from other writers than its last 5,000.
    """
    return permutation(seed, f"measures' {purpose}", 0, of)[:n]


def compare_features(real: Real, samples: Drawn, k: int = 5) -> FeatureMetrics:
    """Return all feature metrics of samples against real images.

    Args:
        real: features of held-out real images, n > k.
        samples: features of samples; use as many as real images, so that results are comparable.
        k: the neighbourhood of a point reaches to its k-th nearest neighbour.

    Raises:
        UserError: too few images or samples, k below 1, features that are not finite, or different
            numbers of features.
    """
    (found,) = _metrics_of([_checked(real, samples, k)], k)
    return found


def compare_each(real: Real, several: Sequence[Tensor], k: int = 5) -> list[FeatureMetrics]:
    """Return the metrics of several sets of samples against the same real images.

    Args:
        real: as in `compare_features`.
        several: the features of each set of samples.
        k: as in `compare_features`.

    Raises:
        UserError: features that `compare_features` refuses.
    """
    return _metrics_of([_checked(real, samples, k) for samples in several], k)


def _metrics_of(checked: Sequence[tuple[Real, Drawn]], k: int) -> list[FeatureMetrics]:
    """The metrics of each pair of the same real images and samples, after `_checked`."""
    radii = _radii(checked[0][0], k) if checked else None  # of the real images, once
    return [
        FeatureMetrics(
            frechet_distance(of_real, samples),
            kernel_distance(of_real, samples),
            *_neighbourhoods(of_real, samples, k, radii),
        )
        for of_real, samples in checked
    ]


def _checked(real: Tensor, samples: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The features in float64, after the checks that `compare_features` lists."""
    whole_number("k", k)
    real, samples = as_tensor("real", real), as_tensor("samples", samples)
    if real.ndim != 2 or real.shape[1:] != samples.shape[1:]:
        raise UserError(
            f"The features of the real images have shape {tuple(real.shape)} and those of the "
            f"samples {tuple(samples.shape)}; both must be (n, features), from the same network."
        )
    for name, x in (("real images", real), ("samples", samples)):
        require_count(len(x), name, k)
        if not x.isfinite().all():
            raise UserError(
                f"The features of the {name} contain NaN or infinity; they must be finite. Check "
                "whether the training diverged."
            )
    return real.double(), samples.double()


def require_count(n: int, what: str, k: int = 5) -> None:
    """Raise an error unless there are more than k images.

    Raises:
        UserError: there are k images or fewer.
    """
    if n <= k:
        raise UserError(f"There are {n} {what}; the metrics need more than {k}. Give more {what}.")


class _Identity(nn.Module):
    """A feature extractor whose input is features already."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, x: Features) -> Features:
        return x


def frechet_distance(real: Real, samples: Drawn) -> float:
    """Return the squared Fréchet distance ‖μ_r − μ_s‖² + tr(C_r + C_s − 2 (C_r C_s)^½).

    It is computed in float64 by torchmetrics.

    Raises:
        UserError: torchmetrics is not installed, or features that `compare_features` refuses.
    """
    real, samples = _checked(real, samples)
    metric = _fid()(feature=_Identity(real.shape[1])).set_dtype(torch.float64)
    metric.update(real, real=True)
    metric.update(samples, real=False)
    return max(float(metric.compute()), 0.0)  # rounding can give −1e-10


def _fid(extra: str = "measures") -> type["FrechetInceptionDistance"]:
    """Import torchmetrics' class; if it is missing, name the extra to install."""
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError as error:
        raise UserError(
            f"Feature metrics need torchmetrics. Install it with: {install(extra)}"
        ) from error
    return FrechetInceptionDistance


def require_torchmetrics(extra: str | None) -> None:
    """Report a missing package before a classifier is trained or images are sampled.

    Args:
        extra: the extra to install; None if the features need no package.

    Raises:
        UserError: torchmetrics is not installed.
    """
    if extra is not None:
        _fid(extra)


def kernel_distance(real: Real, samples: Drawn) -> float:
    """Return the unbiased estimate of MMD² with the kernel (x·y/d + 1)³, in float64.

    All pairs are used. torchmetrics' class is not used because it averages over random subsets from
    torch's global generator.

    Raises:
        UserError: features that `compare_features` refuses.
    """
    real, samples = _checked(real, samples)

    def total(x: Tensor, y: Tensor) -> float:
        return sum(float((block @ y.T / x.shape[1] + 1).pow_(3).sum()) for block in x.split(_CHUNK))

    def within(x: Tensor) -> float:
        """The mean over pairs of different points."""
        diagonal = float((x.square().sum(1) / x.shape[1] + 1).pow(3).sum())
        return (total(x, x) - diagonal) / (len(x) * (len(x) - 1))

    between = total(real, samples) / (len(real) * len(samples))
    return within(real) + within(samples) - 2 * between


def _neighbourhoods(
    real: Real, samples: Drawn, k: int, radii_real: Float[Tensor, " n_real"] | None = None
) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage of features in float64, since cdist is inexact.

    A point is in a neighbourhood if it is nearer than the radius, as in the authors' package prdc
    (the papers include the edge, which matters for coinciding features only). The package is not
    used because it holds whole distance matrices in memory, starts eight processes and prints.

    Args:
        real: features of real images.
        samples: features of samples.
        k: the neighbourhood of a point reaches to its k-th nearest neighbour.
        radii_real: `_radii` of the real images, if they are known.
    """
    radii_real = _radii(real, k) if radii_real is None else radii_real
    radii_samples = _radii(samples, k)
    counts = torch.zeros(len(samples), dtype=torch.int64)  # real neighbourhoods with the sample
    recalled = covered = 0
    for rows, radii in zip(real.split(_CHUNK), radii_real.split(_CHUNK), strict=True):
        d = torch.cdist(rows, samples)
        counts += (d < radii[:, None]).sum(0)
        recalled += int((d < radii_samples).any(1).sum())
        covered += int((d < radii[:, None]).any(1).sum())
    precision = (counts > 0).double().mean().item()
    density = counts.double().mean().item() / k
    return precision, recalled / len(real), density, covered / len(real)


def _radii(x: Features, k: int) -> Float[Tensor, " n"]:
    """The distance from each point to its k-th nearest other point."""
    return torch.cat(
        [
            torch.cdist(rows, x).kthvalue(k + 1, dim=1).values  # the nearest is the point itself
            for rows in x.split(_CHUNK)
        ]
    )
