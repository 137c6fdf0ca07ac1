"""Measure the samples of a run against its own data (``advnets measure``)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets.classes import drawn_classes
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.evaluation.compare_images import compare_samples
from adversarial_nets.evaluation.feature_kinds import find_kind
from adversarial_nets.evaluation.features import Classifier
from adversarial_nets.evaluation.measures import require_count, require_torchmetrics
from adversarial_nets.evaluation.memorisation import Memorisation
from adversarial_nets.evaluation.score import check_data, load_data
from adversarial_nets.game import sample
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run, RunLike, open_run
from adversarial_nets.setting_values import whole_number

__all__ = ["Measurement", "RunSamples", "measure", "sample_run"]


@dataclass(frozen=True)
class Measurement:
    """A run's feature metrics, with those of training images for comparison.

    Attributes:
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
        data: the data set's name.
        samples: number of samples, and of real images, which are drawn at random.
        features: a name of `feature_kinds.FEATURES`, the data set whose classifier computed the
            features, or the name of the function that was passed.
        accuracy: the classifier's accuracy on the test images; None with other features.
        model: metrics of the run's samples: `FeatureMetrics`, or `PatchDistances` for patches.
        floor: metrics of as many training images instead of samples: the values of a perfect model.
        classes: fraction of samples in each class, by the classifier of the data's own classes;
            None with other features.
        alignment: fraction of samples that this classifier assigns to the class that G was given;
            None with other features, and for a run without classes.
        copied: whether samples are copies of training images, tested with at most 1,000 samples
            (5,000 with patches or the classifier of another data set).
    """

    round: int
    weights: str
    data: str
    samples: int
    features: str
    accuracy: float | None
    model: Any
    floor: Any
    classes: tuple[float, ...] | None
    alignment: float | None
    copied: Memorisation


@dataclass(frozen=True)
class RunSamples:
    """Samples of a run's generator.

    Attributes:
        x: the samples, on the CPU.
        c: the class that G was given for each; None for a run without classes.
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
    """

    x: Float[Tensor, "n pixels"]
    c: Int64[Tensor, " n"] | None
    round: int
    weights: str


def sample_run(
    run: Run,
    n: int,
    checkpoint: str | int = "last",
    weights: str | None = None,
    G: nn.Module | None = None,
) -> RunSamples:
    """Return samples of a run, the same that scores are computed from.

    Args:
        run: the run.
        n: number of samples.
        checkpoint: ``last``, ``best`` or the number of a round.
        weights: ``raw`` or ``averaged``; by default `Run.default_weights`.
        G: a generator of the run's architecture, for a run with your own networks; it is copied.

    Raises:
        UserError: the checkpoint or the weights do not exist.
    """
    weights = weights or run.default_weights
    generator, round = game_state.load_generator(run, checkpoint, weights, copy.deepcopy(G))
    c = drawn_classes(generator, Address(run.settings.seed, 0, range(n)), "samples to score")
    x = sample(generator, run.settings, n, "samples to score", c=c).float().cpu()
    return RunSamples(x, c, round, weights)


def measure(
    run: RunLike,
    data: DataLike | None = None,
    *,
    checkpoint: str | int = "last",
    weights: str | None = None,
    samples: int = 5000,
    features: str | Classifier | Callable[[Tensor], Tensor] | None = None,
    G: nn.Module | None = None,
    on_progress: Progress | None = None,
) -> Measurement:
    """Compute the feature metrics of a run's samples against real images (``advnets measure``).

    Args:
        run: the run, or its folder.
        data: its data set or images, if they are already in memory, or their new place if they were
            moved.
        checkpoint: ``last``, ``best`` or the number of a round.
        weights: ``raw`` or ``averaged``; by default `Run.default_weights`.
        samples: maximum number of samples; at most the number of real or training images.
        features: ``classifier``, a small classifier of the data's own classes; ``inception``, for
            photographs; ``patches``; another data set, e.g. ``cifar10``, for the features of its
            classifier; or your own function from images (n, pixels), in the data's range, to
            features (n, d). By default ``classifier``, or ``patches`` for data without classes.
        G: a generator of the run's architecture, for a run with your own networks; it is copied.
        on_progress: called with (what, amount done, total) while features are computed.

    Raises:
        UserError: data without classes or other than the run's, too few samples, a checkpoint or
            weights that do not exist, a missing package, or a function that does not return
            features.
    """
    samples = whole_number("samples", samples)
    if features is not None:
        find_kind(features)  # refuses an unknown name before anything is loaded
    run = open_run(run)
    data = check_data(run, data)
    data = load_data(run) if data is None else data
    require_held_out(data)
    kind = find_kind(features, data)
    protocol = kind.protocol
    require_torchmetrics(kind.extra)
    n = min(samples, sum(map(len, protocol.real(data))), len(data.train))
    if kind.extra is not None:
        require_count(n, "samples")
    drawn = sample_run(run, n if protocol.compared_only else samples, checkpoint, weights, G)
    of = kind.load(data, on_progress)
    seed = run.settings.seed if protocol.by_the_runs_seed else 0
    found = compare_samples(drawn.x, data, of, protocol, seed)
    net = of.classifier if of.classifier and of.classifier.data is data else None
    classes, alignment = _by_class(net, drawn) if net else (None, None)
    return Measurement(
        round=drawn.round,
        weights=drawn.weights,
        data=run.data,
        samples=found.samples,
        features=found.features,
        accuracy=found.accuracy,
        model=found.model,
        floor=found.floor,
        classes=classes,
        alignment=alignment,
        copied=found.copied,
    )


def _by_class(net: Classifier, drawn: RunSamples) -> tuple[tuple[float, ...], float | None]:
    """The fraction of samples in each class, and the fraction in the class that G was given."""
    found = net.classes(drawn.x)
    counts = found.bincount(minlength=len(net.data.class_names))
    alignment = None if drawn.c is None else (found == drawn.c).double().mean().item()
    return tuple((counts / len(found)).tolist()), alignment
