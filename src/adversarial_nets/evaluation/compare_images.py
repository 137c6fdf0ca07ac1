"""Measure any set of images against a data set: the comparison behind ``advnets measure``.

Images without classes, e.g. a folder, can be compared on the features of a classifier of
photographs (CIFAR-10) or of digits (MNIST).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.arrays import DataLike, as_dataset
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.feature_kinds import (
    HELD_OUT_IMAGES,
    ImageFeatures,
    MeasureProtocol,
    find_kind,
)
from adversarial_nets.evaluation.features import Classifier
from adversarial_nets.evaluation.measures import random_rows, require_torchmetrics
from adversarial_nets.evaluation.memorisation import Memorisation, memorisation
from adversarial_nets.evaluation.parzen import refuse_outside
from adversarial_nets.progress import Progress
from adversarial_nets.tensors import as_tensor

__all__ = ["ImageMeasures", "compare_samples", "measure_images"]

Images = Float[Tensor, "n pixels"]


@dataclass(frozen=True)
class ImageMeasures:
    """Measures of images against held-out images of a data set.

    Attributes:
        samples: number of images compared, and of held-out images.
        features: the features' name, e.g. ``patches``; or the data set whose classifier computed
            them.
        accuracy: that classifier's accuracy on its test images; None for other features.
        model: the measures of the images: `FeatureMetrics`, or `PatchDistances` for patches.
        floor: the measures of as many training images: the values of a perfect generator.
        copied: whether training images were copied.
    """

    samples: int
    features: str
    accuracy: float | None
    model: Any
    floor: Any
    copied: Memorisation


def measure_images(
    x: Images,
    data: DataLike,
    features: str | Classifier | Callable[[Tensor], Tensor] = "patches",
    on_progress: Progress | None = None,
) -> ImageMeasures:
    """Measure images against the held-out images of a data set.

    Args:
        x: images in the data set's shape and range, as a tensor or an array.
        data: the data set, or what `train` takes in its place; its test and validation images,
            drawn at random, are compared with.
        features: ``patches``, ``classifier`` or ``inception``; a data set, for the features of its
            classifier; or another value that `find_kind` accepts.
        on_progress: called with (what, amount done, total) while features are computed.

    Raises:
        UserError: unknown features, too few or too small images, images of another shape than the
            data's, values that are not finite or outside the data's range, or a data set without
            held-out images.
    """
    kind = find_kind(features)
    data = as_dataset(data)
    require_held_out(data)
    x = as_tensor("x", x)
    _require_finite(x)
    if x.ndim != 2 or x.shape[1] != data.pixels or len(x) == 0:
        raise UserError(
            f"The images have shape {tuple(x.shape)}; it must be (n, {data.pixels}) here, "
            "with n above 0. Flatten images of the same size with x.flatten(1)."
        )
    refuse_outside(x, data.range)
    x = x.float().cpu()
    require_torchmetrics(kind.extra)
    return compare_samples(x, data, kind.load(data, on_progress), HELD_OUT_IMAGES)


def compare_samples(
    x: Images, data: Dataset, features: ImageFeatures, protocol: MeasureProtocol, seed: int = 0
) -> ImageMeasures:
    """Compare samples, and as many training images, with real images on features.

    Args:
        x: samples; as many of them as there are real images are compared.
        data: the data set of the real and the training images.
        features: the features on which they are compared.
        protocol: which real images they are compared with.
        seed: chooses the training images.

    Raises:
        UserError: values that are not finite, or images that the features cannot use.
    """
    _require_finite(x)
    real = torch.cat(protocol.real(data))
    n = min(len(x), len(real), len(data.train))
    training = data.train[random_rows(n, len(data.train), "floor", seed)]
    real = real[random_rows(n, len(real), protocol.purpose)]
    sets = data.floats(real), x[:n], data.floats(training)
    of_real, *of_others = (features.of(images) for images in sets)
    model, floor = features.compare(of_real, of_others)
    return ImageMeasures(
        samples=n,
        features=features.name,
        accuracy=features.classifier.accuracy if features.classifier else None,
        model=model,
        floor=floor,
        copied=memorisation(x[: protocol.for_copies], data),
    )


def _require_finite(x: Tensor) -> None:
    """Raise an error for images with values that are not finite."""
    if not x.isfinite().all():
        raise UserError(
            "The images contain NaN or infinity; remove these images, or check whether the "
            "training that made them diverged."
        )
