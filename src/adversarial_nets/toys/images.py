"""Games on small images, with measures for data of unknown density.

For images, JSD and D* cannot be computed. Reported instead: D's outputs on held-out images and on
samples, the classes of the samples, and their variance. The values for a perfect generator are
computed from other held-out images in place of samples.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from adversarial_nets import build, game
from adversarial_nets.classes import class_count, with_classes
from adversarial_nets.datasets import Dataset, sample_images, sample_rows
from adversarial_nets.minibatches import condition_of, condition_of_samples
from adversarial_nets.plots import sheets
from adversarial_nets.presets import PRESETS
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences
from adversarial_nets.toys import optimum
from adversarial_nets.toys.measures import Metric, accuracy, mean_by_name, smoothed_KL
from adversarial_nets.toys.networks import check_finite, evaluate

__all__ = [
    "SETTINGS",
    "Evaluator",
    "PCANearestNeighbour",
    "Snapshot",
    "metrics",
    "new_evaluator",
    "new_game",
    "samples_png",
    "take_snapshot",
]

SETTINGS = PRESETS["quickstart-2014"].settings
"""The default settings of games on images."""

IMAGES = 200  # images of each kind per snapshot: data, reference images, samples
SHOWN = 30  # samples that are kept for the picture
NEIGHBOURS = 5000  # maximum number of training images that the classifier searches
COMPONENTS = 40  # principal components that the classifier uses


# --- Classes of samples ---------------------------------------------------------------------------


@dataclass(frozen=True)
class PCANearestNeighbour:
    """A nearest-neighbour classifier on principal components of the training images.

    It is fast enough for a live picture and classifies 94.0 % of mnist-5k's test images correctly.
    Its errors on real images are part of the values for a perfect generator.

    Attributes:
        mean: the mean of the training images.
        axes: the principal components.
        projected: the training images, projected on the components.
        labels: their classes.
        shares: the share of each class among the training images.
        floors: each measure's mean for a perfect generator, by name; ``alignment`` is the share of
            real images that are classified correctly.
    """

    mean: Float32[Tensor, " pixels"]
    axes: Float32[Tensor, "pixels axes"]
    projected: Float32[Tensor, "n axes"]
    labels: Int64[Tensor, " n"]
    shares: Float64[np.ndarray, " classes"]
    floors: dict[str, float]

    def classify(self, x: Float[Tensor, "m pixels"]) -> Int64[np.ndarray, " m"]:
        """The class of each image."""
        y = (x - self.mean) @ self.axes
        index = (self.projected.square().sum(1) - 2 * y @ self.projected.T).argmin(1)
        return self.labels[index].numpy()

    def count(self, classes: Int64[np.ndarray, " m"]) -> Float64[np.ndarray, " classes"]:
        """The number of images in each class."""
        return np.bincount(classes, minlength=len(self.shares)).astype(np.float64)

    def measures(self, counts: Float64[np.ndarray, " classes"]) -> dict[str, float]:
        """Measures of the samples' classes against the data's, by name; JSD and KL in nats.

        A class is hit if it has at least a tenth of the expected number of samples, as in
        `plane.modes_hit`; a class without training images is never hit.
        """
        data_g, g_data = smoothed_KL(self.shares, counts)
        hit = counts >= 0.1 * counts.sum() * self.shares
        return {
            "modes hit": float((hit & (self.shares > 0)).sum()),
            "JSD classes": divergences.JSD(self.shares, counts / counts.sum()),
            "KL data g classes": data_g,
            "KL g data classes": g_data,
        }


def _fit_classifier(data: Dataset) -> PCANearestNeighbour | None:
    """The classifier of a data set, with its floors; None if the data have no classes."""
    if "train" not in data.labels:
        return None
    rows, labels = sample_rows(data, "train", NEIGHBOURS), data.labels["train"]
    x = data.floats(data.train[rows])
    mean = x.mean(0)
    _, directions = torch.linalg.eigh((x - mean).T @ (x - mean))
    axes = directions[:, -COMPONENTS:].contiguous()
    shares = np.bincount(labels.numpy()) / len(labels)
    found = PCANearestNeighbour(mean, axes, (x - mean) @ axes, labels[rows], shares, {})
    # Held-out images may contain each class equally often; resampling them varies the counts, as
    # for a generator.
    chosen = {split: sample_rows(data, split, NEIGHBOURS) for split in ("valid", "test")}
    images = torch.cat([getattr(data, split)[rows] for split, rows in chosen.items()])[:NEIGHBOURS]
    classes = found.classify(data.floats(images))
    if chosen.keys() <= data.labels.keys():
        of_images = torch.cat([data.labels[split][rows] for split, rows in chosen.items()])
        right = classes == of_images[:NEIGHBOURS].numpy()
        found.floors["alignment"] = float(right.mean())
    perfect = []
    for i in range(20):
        u = Address(0, i, range(IMAGES)).uniform("a perfect generator's images", 1)[:, 0]
        resampled = classes[(u.double() * len(classes)).long().numpy()]
        perfect.append(found.measures(found.count(resampled)))
    found.floors.update(mean_by_name(perfect))
    return found


# --- The game, its snapshots and metrics ----------------------------------------------------------


@dataclass(frozen=True)
class Evaluator:
    """Held-out images and a classifier, for snapshots of a game on images.

    Attributes:
        data: the data set.
        held_out: images that the game does not train on.
        reference: other held-out images, in place of a perfect generator's samples.
        classifier: assigns images to classes; None if the data have no classes.
    """

    data: Dataset
    held_out: Float64[np.ndarray, "n pixels"]
    reference: Float64[np.ndarray, "m pixels"]
    classifier: PCANearestNeighbour | None


@dataclass(frozen=True)
class Snapshot:
    """A game on images at one round.

    Attributes:
        round: the round.
        samples: G's samples, from the same noise in every snapshot.
        a_data: D's logits on the evaluator's held-out images.
        a_reference: D's logits on its reference images.
        a_samples: D's logits on equally many samples.
        variance_ratio: the mean variance per pixel of the samples over that of the data; 0 if G
            always gives the same image, 1 if the data are all alike.
        counts: the number of samples in each class; None if the data have no classes.
        alignment: in a game with classes the share of samples that the classifier assigns to the
            requested class; otherwise None.
        objective: the objective that D and G play.
    """

    round: int
    samples: Float[Tensor, "shown pixels"]
    a_data: Float64[np.ndarray, " n"]
    a_reference: Float64[np.ndarray, " m"]
    a_samples: Float64[np.ndarray, " k"]
    variance_ratio: float
    counts: Float64[np.ndarray, " classes"] | None
    alignment: float | None = None
    objective: str = "non-saturating"


def new_game(data: Dataset, settings: Settings = SETTINGS) -> Game:
    """Set up a game on images."""
    return build.new_game(settings, data)


def new_evaluator(data: Dataset, settings: Settings = SETTINGS) -> Evaluator:
    """The evaluator for a game on these images."""
    held_out, reference = (
        sample_images(data, split, IMAGES).double().numpy() for split in ("valid", "test")
    )
    return Evaluator(data, held_out, reference, _fit_classifier(data))


def take_snapshot(g: Game, evaluator: Evaluator) -> Snapshot:
    """Compute a snapshot; the game is not changed.

    Raises:
        Diverged: an output of a network is NaN or infinite.
    """
    classes = class_count(g.G)
    c = torch.arange(IMAGES) % classes if classes else None
    samples = game.sample(g.G, g.settings, IMAGES, "samples to watch", c=c)
    x = samples.double().numpy()
    images = [evaluator.held_out, evaluator.reference, x]
    a = evaluate(g.D, np.concatenate(_with_conditions(g, evaluator, images, c)))[:, 0]
    check_finite(g, a, x)
    a_data, a_reference, a_samples = np.split(a, np.cumsum([len(each) for each in images])[:2])
    variance_ratio = _variance_ratio(x, evaluator.held_out)
    classifier, counts, alignment = evaluator.classifier, None, None
    if classifier is not None:
        found = classifier.classify(samples)
        counts = classifier.count(found)
        alignment = None if c is None else float((found == c.numpy()).mean())
    shown = samples[:SHOWN].clone()
    logits = a_data, a_reference, a_samples
    measured = variance_ratio, counts, alignment
    return Snapshot(g.round, shown, *logits, *measured, g.settings.objective)


def _variance_ratio(
    x: Float64[np.ndarray, "n pixels"], of_data: Float64[np.ndarray, "m pixels"]
) -> float:
    """The mean variance per pixel of x over that of the data; 1 if the data are all alike."""
    variance = of_data.var(0).mean()
    return float(x.var(0).mean() / variance) if variance > 0 else 1.0


def _with_conditions(
    g: Game,
    evaluator: Evaluator,
    images: list[Float64[np.ndarray, "_ pixels"]],
    c: Int64[Tensor, " n"] | None,
) -> list[Float64[np.ndarray, "_ values"]]:
    """D's inputs: held-out images, reference images and samples, each with its condition."""
    if not g.condition_columns:
        return images
    held_out, reference, x = images
    of_samples = condition_of_samples(g, len(x), torch.zeros(len(x), g.condition_columns))
    if c is not None and of_samples is not None:
        of_samples = with_classes(of_samples[:, :0], c, g.condition_columns)
    conditions = (
        condition_of(g, evaluator.data, "valid", len(held_out)),
        condition_of(g, evaluator.data, "test", len(reference)),
        of_samples,
    )
    return [
        np.concatenate([rows, condition.double().numpy()], 1)
        for rows, condition in zip(images, conditions, strict=True)
        if condition is not None
    ]


def metrics(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Metric]:
    """The metrics of a snapshot, each with its value for a perfect generator.

    ``V`` (in nats) and D's ``accuracy`` are means over held-out images and samples; ``spread`` is
    the samples' variance ratio. If the data have classes, the measures of
    `PCANearestNeighbour.measures` follow.

    V's perfect value is −log 4 for the paper's objectives. The perfect value of ``accuracy`` is D's
    accuracy on reference images in place of samples, so it shows how far D has overfitted its
    training images; an objective without a threshold has no ``accuracy``.
    """
    objective, level = snapshot.objective, optimum.threshold(snapshot.objective)
    perfect = optimum.V_of_perfect_G(objective)
    reference = _variance_ratio(evaluator.reference, evaluator.held_out)
    found = {
        "V": Metric(optimum.V_from_logits(objective, snapshot.a_data, snapshot.a_samples), perfect),
        "accuracy": Metric(
            accuracy(snapshot.a_data - level, snapshot.a_samples - level),
            accuracy(snapshot.a_data - level, snapshot.a_reference - level),
        ),
        "spread": Metric(snapshot.variance_ratio, reference),
    }
    if math.isnan(level):
        del found["accuracy"]
    if evaluator.classifier is not None and snapshot.counts is not None:
        floors = evaluator.classifier.floors
        measures = evaluator.classifier.measures(snapshot.counts)
        found |= {name: Metric(value, floors[name]) for name, value in measures.items()}
        if snapshot.alignment is not None:
            found["alignment"] = Metric(snapshot.alignment, floors.get("alignment", 1.0))
    return found


# --- Pictures -------------------------------------------------------------------------------------


def samples_png(evaluator: Evaluator, snapshot: Snapshot) -> bytes:
    """The snapshot's samples in a grid, as a PNG."""
    data = evaluator.data
    return sheets.grid_png(snapshot.samples, data.image_shape, data.range, columns=10)
