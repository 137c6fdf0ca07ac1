"""A game on images while it is played: samples from the same noise, and how D judges them.

Nobody knows the density of images, so neither their JSD nor D* can be had. What can: D's judgement
of images that neither player has seen, and which classes the samples fall in; and both for such
images in the place of samples, which is what a perfect generator would get.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64, UInt8
from torch import Tensor

from adversarial_nets import build, game
from adversarial_nets.datasets import Dataset
from adversarial_nets.evaluation import nearest
from adversarial_nets.plots import sheets
from adversarial_nets.presets import PRESETS
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences
from adversarial_nets.theory.divergences import LOG4
from adversarial_nets.toys.watching import Metric, apply, check_finite, smoothed_KL

__all__ = [
    "SETTINGS",
    "Classes",
    "Evaluator",
    "Snapshot",
    "metrics",
    "nearest_images",
    "new_evaluator",
    "new_game",
    "picture",
    "take_snapshot",
]

SETTINGS = PRESETS["quickstart"].settings
"""The game on images unless told otherwise."""

JUDGED = 200  # images that D judges at each look: data, data in the place of samples, samples
SHOWN = 30  # samples
KNOWN, AXES = 5000, 40  # training images that samples are named by, and directions they are seen in


@dataclass(frozen=True)
class Classes:
    """Names an image by the class of the training image nearest to it.

    Near is meant along the directions in which training images differ most, which is quick enough
    for a live picture and names 94.0 % of the embedded sample's test images rightly. The mistakes
    that it makes on data are part of the perfect generator's values.

    Attributes:
        mean, axes: of the training images: their middle, and the directions.
        known: the training images, seen so.
        labels: their classes.
        shares: how often each class is, among the training images.
        floors: the measures of a perfect generator, by name.
    """

    mean: Float32[Tensor, " pixels"]
    axes: Float32[Tensor, "pixels axes"]
    known: Float32[Tensor, "n axes"]
    labels: Int64[Tensor, " n"]
    shares: Float64[np.ndarray, " classes"]
    floors: dict[str, float]

    def name(self, x: Float[Tensor, "m pixels"]) -> Int64[np.ndarray, " m"]:
        """The class of each image."""
        seen = (x - self.mean) @ self.axes
        index = (self.known.square().sum(1) - 2 * seen @ self.known.T).argmin(1)
        return self.labels[index].numpy()

    def count(self, named: Int64[np.ndarray, " m"]) -> Float64[np.ndarray, " classes"]:
        """How many images fall in each class."""
        return np.bincount(named, minlength=len(self.shares)).astype(np.float64)

    def measures(self, counts: Float64[np.ndarray, " classes"]) -> dict[str, float]:
        """How the samples' classes fit the data's, by name.

        A class is hit, as a mode of `plane.modes_hit`, by a tenth of the samples that are its due;
        a class without images never is.
        """
        data_g, g_data = smoothed_KL(self.shares, counts)
        hit = counts >= 0.1 * counts.sum() * self.shares
        return {
            "modes hit": float((hit & (self.shares > 0)).sum()),
            "JSD classes": divergences.JSD(self.shares, counts / counts.sum()),
            "KL data g classes": data_g,
            "KL g data classes": g_data,
        }


def _classes(data: Dataset) -> Classes | None:
    """What names the images of this data set; None where it has no classes."""
    if "train" not in data.labels:
        return None
    x, labels = data.floats(data.train[:KNOWN]), data.labels["train"]
    mean = x.mean(0)
    _, directions = torch.linalg.eigh((x - mean).T @ (x - mean))
    axes = directions[:, -AXES:].contiguous()
    shares = np.bincount(labels.numpy()) / len(labels)
    found = Classes(mean, axes, (x - mean) @ axes, labels[:KNOWN], shares, {})
    # The held-out images may hold each class equally often, which samples never do: draw from them.
    named = found.name(data.floats(torch.cat([data.valid, data.test])[:KNOWN]))
    perfect = []
    for i in range(20):
        u = Address(0, i, range(JUDGED)).uniform("a perfect generator's images", 1)[:, 0]
        drawn = named[(u.double() * len(named)).long().numpy()]
        perfect.append(found.measures(found.count(drawn)))
    floors = {name: float(np.mean([m[name] for m in perfect])) for name in perfect[0]}
    found.floors.update(floors)
    return found


@dataclass(frozen=True)
class Evaluator:
    """What a game on images is looked at with.

    Attributes:
        data: the data set.
        fresh: images that the game does not use.
        others: other such images, to stand in the place of samples.
        classes: what names images, where the data have classes.
    """

    data: Dataset
    fresh: Float64[np.ndarray, "n pixels"]
    others: Float64[np.ndarray, "n pixels"]
    classes: Classes | None


@dataclass(frozen=True)
class Snapshot:
    """A game on images at one moment.

    Attributes:
        round: when.
        samples: of G, from the same noise at every look.
        a_data: D's logits on the board's fresh images.
        a_others: and on its other ones.
        a_samples: and on as many samples.
        spread: the samples' mean variance a pixel over the data's; 0 for a G that draws one image.
        counts: how many samples fall in each class; None where there are no classes.
    """

    round: int
    samples: Float[Tensor, "shown pixels"]
    a_data: Float64[np.ndarray, " n"]
    a_others: Float64[np.ndarray, " n"]
    a_samples: Float64[np.ndarray, " n"]
    spread: float
    counts: Float64[np.ndarray, " classes"] | None


def new_game(data: Dataset, settings: Settings = SETTINGS) -> Game:
    """Set up a game on images."""
    return build.new_game(settings, data)


def new_evaluator(data: Dataset, settings: Settings = SETTINGS) -> Evaluator:
    """The board for a game on these images."""
    fresh, others = (
        data.floats(images[:JUDGED]).double().numpy() for images in (data.valid, data.test)
    )
    return Evaluator(data, fresh, others, _classes(data))


def take_snapshot(g: Game, evaluator: Evaluator) -> Snapshot:
    """See the game as it stands; nothing about it changes.

    Raises:
        Diverged: a player's weights are no longer numbers.
    """
    samples = game.sample(g.G, g.settings, JUDGED, "samples to watch")
    discriminator_metrics = [evaluator.fresh, evaluator.others, samples.double().numpy()]
    a = apply(g.D, np.concatenate(discriminator_metrics))[:, 0]
    check_finite(g, a, discriminator_metrics[2])
    a_data, a_others, a_samples = np.split(
        a, np.cumsum([len(x) for x in discriminator_metrics])[:2]
    )
    spread = float(discriminator_metrics[2].var(0).mean() / evaluator.fresh.var(0).mean())
    counts = (
        None
        if evaluator.classes is None
        else evaluator.classes.count(evaluator.classes.name(samples))
    )
    return Snapshot(g.round, samples[:SHOWN].clone(), a_data, a_others, a_samples, spread, counts)


def metrics(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Metric]:
    """``V`` and D's ``accuracy`` on fresh images and samples, and the samples' ``spread``.

    Where the data have classes: ``modes hit``, ``JSD classes`` (which knows
    nothing of differences within a class) and both KL of the classes, smoothed; see `Classes`.

    V's perfect value is −log 4, as everywhere; D's accuracy is set beside its accuracy on other
    fresh images in the place of samples, which shows how much D has learned by heart.
    """
    V = float(
        -np.logaddexp(0, -snapshot.a_data).mean() - np.logaddexp(0, snapshot.a_samples).mean()
    )

    def accuracy(a: Float64[np.ndarray, " n"]) -> float:
        return float((snapshot.a_data > 0).mean() + (a <= 0).mean()) / 2

    others = float(evaluator.others.var(0).mean() / evaluator.fresh.var(0).mean())
    found = {
        "V": Metric(V, -LOG4),
        "accuracy": Metric(accuracy(snapshot.a_samples), accuracy(snapshot.a_others)),
        "spread": Metric(snapshot.spread, others),
    }
    if evaluator.classes is not None and snapshot.counts is not None:
        floors = evaluator.classes.floors
        measured = evaluator.classes.measures(snapshot.counts)
        found |= {name: Metric(value, floors[name]) for name, value in measured.items()}
    return found


def nearest_images(
    evaluator: Evaluator, snapshot: Snapshot, n: int = 10
) -> UInt8[Tensor, "n pixels"]:
    """The training images nearest to the first n samples."""
    data = evaluator.data
    index, _ = nearest.nearest_images(snapshot.samples[:n], data.train, data.floats)
    return data.train[index]


def picture(evaluator: Evaluator, snapshot: Snapshot) -> bytes:
    """The frame's samples side by side, as a PNG."""
    return sheets.grid_png(
        snapshot.samples, evaluator.data.image_shape, evaluator.data.range, columns=10
    )
