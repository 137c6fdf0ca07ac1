"""Measure any set of images against a data set, on the features of any data set's classifier.

A classifier of photographs (CIFAR-10) or of digits (MNIST) gives features to a folder of images
that has no classes of its own. Images are resized and converted to the colours that the classifier
needs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from adversarial_nets.datasets import Dataset, ImageShape, to_pixels
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.features import Classifier
from adversarial_nets.evaluation.measures import FeatureMetrics, compare_features, random_rows
from adversarial_nets.evaluation.memorisation import Memorisation, memorisation
from adversarial_nets.evaluation.parzen import refuse_outside
from adversarial_nets.evaluation.patches import PatchDistances, patch_distances

__all__ = ["ImageMeasures", "as_inputs_of", "measure_images"]

Images = Float[Tensor, "n pixels"]


@dataclass(frozen=True)
class ImageMeasures:
    """Measures of images against held-out images of a data set.

    Attributes:
        samples: number of images compared, and of held-out images.
        features: ``patches``, or the data set whose classifier gave the features.
        accuracy: that classifier's accuracy on its test images; None for patches.
        model: the measures of the images.
        floor: those of as many training images: what a perfect generator would get.
        copied: whether training images were copied.
    """

    samples: int
    features: str
    accuracy: float | None
    model: FeatureMetrics | PatchDistances
    floor: FeatureMetrics | PatchDistances
    copied: Memorisation


def measure_images(x: Images, data: Dataset, net: Classifier | None = None) -> ImageMeasures:
    """Measure images against the held-out images of a data set.

    Args:
        x: images in the data set's shape and range.
        data: the data set; its test and validation images, drawn at random, are compared with.
        net: a classifier whose features are compared; without it, patches are.

    Raises:
        UserError: too few or too small images, values that are not finite or outside the data's
            range, or nothing held out.
    """
    require_held_out(data)
    if not x.isfinite().all():
        raise UserError("The images contain NaN or infinity; remove these images.")
    refuse_outside(x, data.range)
    held_out = torch.cat([data.test, data.valid])
    n = min(len(x), len(held_out), len(data.train))
    training = data.train[random_rows(n, len(data.train), "floor")]
    real = held_out[random_rows(n, len(held_out), "held-out images")]
    sets = x[:n], data.floats(training), data.floats(real)
    copied = memorisation(x[:5000], data)
    if net is None:
        model, floor = (patch_distances(y, sets[2], data.image_shape) for y in sets[:2])
        return ImageMeasures(n, "patches", None, model, floor, copied)
    of_x, of_training, real = (
        net.features(as_inputs_of(net.data, y, data.image_shape, data.range)) for y in sets
    )
    model_features, floor_features = (compare_features(real, f) for f in (of_x, of_training))
    return ImageMeasures(n, net.data.name, net.accuracy, model_features, floor_features, copied)


def as_inputs_of(
    target: Dataset, x: Images, image_shape: ImageShape, range: tuple[float, float]
) -> Float[Tensor, "n other_pixels"]:
    """Images as inputs of networks that were trained on another data set.

    They become RGB on white, then grey (ITU-R 601 luma) if the other images are, and are resized by
    antialiased bilinear interpolation.

    Args:
        target: the other data set.
        x: images.
        image_shape: their (channels, height, width).
        range: their smallest and largest possible value.

    Raises:
        UserError: the other images have an alpha channel.
    """
    if image_shape == target.image_shape and range == target.range:
        return x
    channels, *size = target.image_shape
    if channels not in (1, 3):
        raise UserError(
            f"The images of {target.name} have {channels} channels; give --features a data set of "
            "grey or RGB images."
        )
    rgb = torch.from_numpy(to_pixels(x, image_shape, range)).permute(0, 3, 1, 2).float()
    if channels == 1:
        rgb = (rgb * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    resized = functional.interpolate(rgb, size, mode="bilinear", antialias=True)
    return target.floats(resized.round().clamp(0, 255).to(torch.uint8).flatten(1))
