"""Measures beyond the paper, on features: Fréchet and kernel distance, precision, recall and more.

Each compares the features of samples with those of real images; what makes the features is the
caller's choice (`features`). All are even-handed to the order of the samples, and none can tell a
good model from a copy of the test images: read them beside the Parzen score and Figure 2's
nearest neighbours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.features import classifier
from adversarial_nets.evaluation.inception import inception
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.game import sample
from adversarial_nets.progress import Progress
from adversarial_nets.random import permutation
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run

__all__ = [
    "Measured",
    "Measures",
    "compare",
    "frechet_distance",
    "kernel_distance",
    "measure",
    "neighbours",
]

_CHUNK = 1000  # rows of a matrix of distances at a time

Features = Float[Tensor, "n features"]
Real = Float[Tensor, "n_real features"]
Drawn = Float[Tensor, "n_samples features"]


@dataclass(frozen=True)
class Measures:
    """What `compare` found.

    Attributes:
        frechet: the Fréchet distance of two Gaussians with the features' means and covariances
            (Heusel et al. 2017, FID's formula); 0 at best, and biased upwards with few samples.
        kernel: the squared kernel distance, or MMD, with the kernel (x·y/d + 1)³ (Bińkowski et al.
            2018, KID's formula), unbiased: 0 on average for two draws from one distribution.
        precision: the share of samples inside the real images' manifold.
        recall: the share of real images inside the samples' manifold (Kynkäänniemi et al. 2019).
        density: how many real neighbourhoods a sample lies in, over k; 1 for real images.
        coverage: the share of real images that have a sample in their neighbourhood (Naeem et al.
            2020).
    """

    frechet: float
    kernel: float
    precision: float
    recall: float
    density: float
    coverage: float


def compare(real: Real, samples: Drawn, k: int = 5) -> Measures:
    """Compare the features of samples with those of real images.

    Args:
        real: features of real images that nothing was trained on, n > k.
        samples: features of samples; as many, for numbers that others can be compared with.
        k: a point's neighbourhood reaches to its k-th nearest neighbour.

    Raises:
        UserError: too few images or samples, k below 1, or features that are not finite or not as
            many of both.
    """
    if k < 1:
        raise UserError(f"k is {k}; a neighbourhood reaches to the 1st nearest neighbour or more.")
    if real.shape[1:] != samples.shape[1:]:
        raise UserError(
            f"The real images have features of shape {tuple(real.shape)} and the samples of "
            f"{tuple(samples.shape)}: both must come from the same net."
        )
    for name, x in (("real images", real), ("samples", samples)):
        _enough(len(x), name, k)
        if not x.isfinite().all():
            raise UserError(f"The features of the {name} contain NaN or infinity.")
    return Measures(
        frechet_distance(real, samples),
        kernel_distance(real, samples),
        *neighbours(real, samples, k),
    )


def _enough(n: int, what: str, k: int = 5) -> None:
    if n <= k:
        raise UserError(f"There are {n} {what}; the measures need more than {k}.")


class _AsTheyAre(nn.Module):
    """The feature extractor of features."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, x: Features) -> Features:
        return x


def frechet_distance(real: Real, samples: Drawn) -> float:
    """‖μ_r − μ_s‖² + tr(C_r + C_s − 2 (C_r C_s)^½), computed in float64 by torchmetrics.

    Raises:
        UserError: torchmetrics is not installed.
    """
    metric = _fid()(feature=_AsTheyAre(real.shape[1])).set_dtype(torch.float64)
    metric.update(real.double(), real=True)
    metric.update(samples.double(), real=False)
    return float(metric.compute())


def _fid() -> Callable[..., Any]:
    """The class of torchmetrics."""
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError as error:
        raise UserError(
            "These measures need torchmetrics. Install it with: pip install "
            "'adversarial-nets[measures]'"
        ) from error
    return FrechetInceptionDistance


def kernel_distance(real: Real, samples: Drawn) -> float:
    """The unbiased estimate of MMD² with the kernel (x·y/d + 1)³, in float64, over all pairs.

    Our own lines: torchmetrics' class averages random subsets drawn from torch's one generator, and
    warns each time it is made.
    """
    real, samples = real.double(), samples.double()

    def total(x: Tensor, y: Tensor) -> float:
        return sum(float((block @ y.T / x.shape[1] + 1).pow_(3).sum()) for block in x.split(_CHUNK))

    def alone(x: Tensor) -> float:
        """The mean over pairs of different points."""
        diagonal = float((x.square().sum(1) / x.shape[1] + 1).pow(3).sum())
        return (total(x, x) - diagonal) / (len(x) * (len(x) - 1))

    between = total(real, samples) / (len(real) * len(samples))
    return alone(real) + alone(samples) - 2 * between


def neighbours(real: Real, samples: Drawn, k: int = 5) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage.

    Our own lines: the authors' package prdc prints, holds whole matrices of distances, starts
    eight processes and has had no release since 2020.
    """
    real, samples = real.double(), samples.double()  # distances through products, without loss
    reach_real, reach_samples = _reach(real, k), _reach(samples, k)
    of_real = torch.zeros(len(samples), dtype=torch.int64)  # real neighbourhoods it lies in
    recalled = covered = 0
    for rows, reach in zip(real.split(_CHUNK), reach_real.split(_CHUNK), strict=True):
        d = torch.cdist(rows, samples)
        of_real += (d < reach[:, None]).sum(0)
        recalled += int((d < reach_samples).any(1).sum())
        covered += int((d < reach[:, None]).any(1).sum())
    precision = (of_real > 0).double().mean().item()
    density = of_real.double().mean().item() / k
    return precision, recalled / len(real), density, covered / len(real)


def _reach(x: Features, k: int) -> Float[Tensor, " n"]:
    """How far away each point's k-th nearest other point is."""
    return torch.cat(
        [
            torch.cdist(rows, x).kthvalue(k + 1, dim=1).values  # the nearest is the point itself
            for rows in x.split(_CHUNK)
        ]
    )


@dataclass(frozen=True)
class Measured:
    """A run's measures, what a perfect model would get, and what the features are worth.

    Attributes:
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
        data: the data set's name.
        samples: how many samples, and how many test images.
        features: what made the features, ``classifier`` or ``inception``.
        accuracy: of the classifier whose last hidden layer makes the features.
        model: the measures of the run's samples.
        floor: of as many training images in their place.
        classes: the share of samples in each class, as the classifier sees them. Both are None
            with Inception's features.
    """

    round: int
    weights: str
    data: str
    samples: int
    features: Literal["classifier", "inception"]
    accuracy: float | None
    model: Measures
    floor: Measures
    classes: tuple[float, ...] | None


def measure(
    run: Run,
    data: Dataset | None = None,
    *,
    checkpoint: str = "last",
    weights: str = "raw",
    samples: int = 5000,
    features: Literal["classifier", "inception"] = "classifier",
    G: nn.Module | None = None,
    on_progress: Progress | None = None,
) -> Measured:
    """Measure a run's samples against test images: ``advnets measure``.

    Args:
        run: the run.
        data: its data set, when it is loaded already.
        checkpoint: ``last``, ``best`` or a round's number.
        weights: ``raw`` or ``averaged``.
        samples: how many at most; no more than there are test or training images.
        features: of a small `classifier` of the data's own classes, or of `inception`, for
            photographs.
        G: the module to load the weights into, for a run with nets of your own.
        on_progress: called while the classifier is trained, or Inception works.

    Raises:
        UserError: data without classes; too few samples; all that `runs.load_generator` refuses.
    """
    if samples < 1:
        raise UserError(f"--samples is {samples}; it must be 1 or more.")
    _fid()  # what is missing is said before anything is trained
    data = data or load_data(run)
    n = min(samples, len(data.test), len(data.train))
    _enough(n, "samples")
    net, round = game_state.load_generator(run, checkpoint, weights, G)
    judge = classifier(data, on_progress) if features == "classifier" else None
    features_of = judge.features if judge else inception(data, on_progress)
    drawn = sample(net, run.settings, n, "samples to score")
    real = features_of(data.floats(data.test[:n]))
    order = permutation(run.settings.seed, "measures' floor", 0, len(data.train))
    perfect = features_of(data.floats(data.train[order[:n]]))
    classes = None
    if judge:
        counts = judge.classes(drawn).bincount(minlength=int(data.labels["train"].max()) + 1)
        classes = tuple((counts / n).tolist())
    return Measured(
        round=round,
        weights=weights,
        data=data.name,
        samples=n,
        features=features,
        accuracy=judge.accuracy if judge else None,
        model=compare(real, features_of(drawn)),
        floor=compare(real, perfect),
        classes=classes,
    )
