"""§7, extension 1: "A conditional generative model p(x | c) can be obtained by adding c as input".

The measures of a conditional generator:

* **Parzen**: samples of all classes together are like the data (Table 1's protocol with 1,000
  samples of each class; Mirza & Osindero 2014, arXiv:1411.1784, report 132 ± 1.8).
* **Alignment**: a classifier assigns a sample to the class that G was given. The upper limit is the
  classifier's accuracy on real test images, which is also reported.
* **Control**: alignment of the same samples with permuted classes. It must be at chance level, 1 /
  classes.
* **Variance within classes**: mean pixel variance of a class's samples, divided by that of its test
  images. Near 0 if each class has collapsed to one image.
"""

import copy
import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from matplotlib.figure import Figure
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.evaluation import features
from adversarial_nets.evaluation.parzen import parzen_score_on
from adversarial_nets.evaluation.score import check_data, load_data
from adversarial_nets.game import sample
from adversarial_nets.paper.section7.inference import generate
from adversarial_nets.paper.section7.rows import Row, mean_and_spread
from adversarial_nets.plots import sheets
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address, permutation
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run, RunLike, open_run

__all__ = [
    "ConditionalScores",
    "conditional_rows",
    "plot_conditional",
    "score_conditional",
    "shuffle_labels",
    "variance_within_classes",
]

PUBLISHED = "132 ± 1.8"
"""Parzen score of conditional adversarial nets on MNIST (Mirza & Osindero 2014, Table 1)."""

Images = Float[Tensor, "n pixels"]
Classes = Int64[Tensor, " n"]


@dataclass(frozen=True)
class ConditionalScores:
    """How well a conditional generator models p(x | c).

    Attributes:
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
        per_class: samples of each class.
        nats: Parzen log-likelihood of the test images.
        se: its standard error.
        sigma: the Parzen width.
        alignment: fraction of samples that the classifier assigns to the requested class.
        accuracy: the classifier's accuracy on real test images.
        control: alignment with permuted classes.
        chance: 1 / classes, the expected value of the control.
        variance: variance within classes, of samples divided by test images.
        by_class: alignment of each class by its name.
    """

    round: int
    weights: str
    per_class: int
    nats: float
    se: float | None
    sigma: float
    alignment: float
    accuracy: float
    control: float
    chance: float
    variance: float
    by_class: dict[str, float]


def score_conditional(
    run: RunLike,
    data: Dataset | None = None,
    *,
    weights: str | None = None,
    per_class: int = 1000,
    G: nn.Module | None = None,
    on_progress: Progress | None = None,
) -> ConditionalScores:
    """Score a conditional run.

    Args:
        run: the run, or its folder.
        data: its data set, if it is loaded already.
        weights: ``raw`` or ``averaged``; by default `Run.default_weights`.
        per_class: samples of each class.
        G: a generator of the run's architecture, for a run with your own networks; it is copied.
        on_progress: called with (what, amount done, total).

    Raises:
        UserError: the run has no classes, or its data have no labelled test images.
    """
    if per_class < 2:
        raise SettingError("per_class", f"is {per_class}; it must be 2 or more.")
    run = open_run(run)
    if len(run.classes) < 2:
        raise UserError(
            f"{run.name} has no classes to score. Train a run with the setting condition "
            "classes, e.g. by --preset fast-conditional."
        )
    weights = weights or run.default_weights
    check_data(run, data)
    data = data or load_data(run)
    net, round = game_state.load_generator(run, weights=weights, G=copy.deepcopy(G))
    names = list(run.classes)
    classifier = features.classifier(data, on_progress)
    c = torch.arange(per_class * len(names)) % len(names)
    x = sample(net, run.settings, len(c), "samples to score", c=c).float()
    found = classifier.classes(x)
    right = found == c
    shuffled = c[permutation(run.settings.seed, "control", 0, len(c))]
    parzen = parzen_score_on(data, x, "paper", on_progress)
    return ConditionalScores(
        round=round,
        weights=weights,
        per_class=per_class,
        nats=parzen.nats,
        se=parzen.se,
        sigma=parzen.sigma,
        alignment=_mean(right),
        accuracy=classifier.accuracy,
        control=_mean(found == shuffled),
        chance=1 / len(names),
        variance=variance_within_classes(x, c)
        / variance_within_classes(data.floats(data.test), data.labels["test"]),
        by_class={name: _mean(right[c == i]) for i, name in enumerate(names)},
    )


def shuffle_labels(data: Dataset) -> Dataset:
    """The data with each split's labels in random order: p(x | c) is then p(x) for every c.

    A conditional game on these data is the second control: its alignment with the true classes must
    also be at chance level, and its samples of one class must vary like all images.
    """
    labels = {
        split: numbers[permutation(0, f"shuffled labels, {split}", 0, len(numbers))]
        for split, numbers in data.labels.items()
    }
    return dataclasses.replace(data, labels=labels)


def conditional_rows(
    scores: Sequence[ConditionalScores], model: str, data: str, seconds: Sequence[float]
) -> list[Row]:
    """The rows of one model, as means over runs that differ in their seed."""
    published = PUBLISHED if data == "mnist" else None
    measures = {
        "Parzen, nats": ([s.nats for s in scores], published),
        "alignment": ([s.alignment for s in scores], None),
        "accuracy on real images": ([s.accuracy for s in scores], None),
        "alignment, classes permuted": ([s.control for s in scores], None),
        "variance within classes": ([s.variance for s in scores], None),
    }
    time = statistics.fmean(seconds) if seconds else None
    return [
        Row("conditional", model, measure, data, *mean_and_spread(values), len(values), other, time)
        for measure, (values, other) in measures.items()
    ]


def plot_conditional(G: nn.Module, run: Run) -> Figure:
    """Plot samples of a conditional generator: a row for each class, the same z in each column.

    At most 20 classes are shown.
    """
    names, columns = list(run.classes)[:20], 10
    s = run.settings
    z = priors.draw(s.prior, Address(s.seed, 0, range(columns)), s.z_size, "samples by class")
    rows = {}
    for i, name in enumerate(names):
        with torch.no_grad():
            x = generate(G, z, torch.full((columns,), i)).float().cpu()
        rows[name] = to_pixels(x, run.image_shape, run.range)
    return sheets.plot_image_rows(rows)


def variance_within_classes(x: Images, c: Classes) -> float:
    """Mean over classes of the mean pixel variance of the images of a class, unbiased.

    Classes with a single image are left out; NaN if there are no others.

    >>> x = torch.tensor([[0.0], [2.0], [7.0], [7.0]])
    >>> variance_within_classes(x, torch.tensor([0, 0, 1, 1]))
    1.0
    """
    variances = [x[c == i].var(0).mean() for i in c.unique() if int((c == i).sum()) > 1]
    return torch.stack(variances).mean().item() if variances else math.nan


def _mean(right: Tensor) -> float:
    return right.double().mean().item()
