"""The features on which images are measured, in a table by name.

To measure on another network, add an entry to `FEATURES`. torch is imported when features are
computed, not before, so that ``--help`` can list the table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversarial_nets.datasets.paths import describe_path
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import UserError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor

    from adversarial_nets.datasets import Dataset
    from adversarial_nets.evaluation.features import Classifier
    from adversarial_nets.progress import Progress

__all__ = [
    "FEATURES",
    "HELD_OUT_IMAGES",
    "TEST_IMAGES",
    "FeatureKind",
    "ImageFeatures",
    "MeasureProtocol",
    "find_kind",
    "of_network",
]


@dataclass(frozen=True)
class MeasureProtocol:
    """Which images are compared. There are two, so that recorded numbers stay comparable.

    Attributes:
        splits: the splits of real images that samples are compared with, together.
        purpose: the purpose of the random choice among them.
        for_copies: the largest number of samples in the search for copies.
        compared_only: whether the search for copies uses the compared samples only; otherwise it
            uses all samples that were requested.
        by_the_runs_seed: whether a run's seed chooses the training images of `floor`; otherwise
            seed 0 does.
    """

    splits: tuple[str, ...]
    purpose: str
    for_copies: int
    compared_only: bool
    by_the_runs_seed: bool

    def real(self, data: "Dataset") -> "list[Tensor]":
        """The splits of real images."""
        return [getattr(data, split) for split in self.splits]


TEST_IMAGES = MeasureProtocol(("test",), "test images", 1000, True, True)
"""A run against the test images alone, as in results/measure-*.json."""

HELD_OUT_IMAGES = MeasureProtocol(("test", "valid"), "held-out images", 5000, False, False)
"""Against all held-out images, of which a folder of images has few."""


@dataclass(frozen=True)
class ImageFeatures:
    """Features of a data set's images, and how sets of them are compared.

    Attributes:
        name: their name in results.
        of: a function from images (n, pixels), in the data set's shape and range, to features (n,
            d).
        compare: a function from the features of real images and of several other sets to the
            measures of each of these sets, an instance of a dataclass of numbers.
        classifier: the classifier that computes the features, if one does.
    """

    name: str
    of: "Callable[[Tensor], Tensor]"
    compare: "Callable[[Tensor, Sequence[Tensor]], list[Any]]"
    classifier: "Classifier | None" = None


@dataclass(frozen=True)
class FeatureKind:
    """A name that ``--features`` and ``features=`` take.

    Attributes:
        summary: the network or function that computes the features, for ``--help``.
        load: a function from the data set of the images to their features; its second argument is a
            callback, called with (what, amount done, total).
        extra: the extra whose packages it needs; None if it needs none.
        protocol: how a run is measured on these features.
    """

    summary: str
    load: "Callable[[Dataset, Progress | None], ImageFeatures]"
    extra: str | None = "measures"
    protocol: MeasureProtocol = TEST_IMAGES


def of_network(
    name: str, of: "Callable[[Tensor], Tensor]", classifier: "Classifier | None" = None
) -> ImageFeatures:
    """The features of a network, compared by `measures.FeatureMetrics`.

    Args:
        name: their name in results.
        of: from images (n, pixels) to features (n, d); it is called without gradients.
        classifier: the classifier that computes the features, if one does.

    Returns:
        Features that raise a `UserError` if `of` returns something else.
    """
    import torch

    from adversarial_nets.evaluation.measures import compare_each
    from adversarial_nets.tensors import as_tensor

    def checked(x: "Tensor") -> "Tensor":
        with torch.no_grad():
            given: object = of(x.clone())  # it may change its images in place
        found = as_tensor(f"The value of the features {name}", given)
        if found.ndim == 2 and len(found) == len(x):
            return found.cpu().double()
        raise UserError(
            f"The features {name} returned shape {tuple(found.shape)} for {len(x)} images; they "
            f"must be a tensor of shape ({len(x)}, number of features)."
        )

    return ImageFeatures(name, checked, compare_each, classifier)


def _classifier(data: "Dataset", on_progress: "Progress | None") -> ImageFeatures:
    from adversarial_nets.evaluation import features

    net = features.classifier(data, on_progress)
    return of_network("classifier", net.features, net)


def _inception(data: "Dataset", on_progress: "Progress | None") -> ImageFeatures:
    from adversarial_nets.evaluation.inception import inception

    return of_network("inception", inception(data, on_progress))


def _patches(data: "Dataset", on_progress: "Progress | None") -> ImageFeatures:
    from adversarial_nets.evaluation.patches import patch_distances

    def compare(real: "Tensor", several: "Sequence[Tensor]") -> list[Any]:
        return [patch_distances(x, real, data.image_shape) for x in several]

    return ImageFeatures("patches", lambda x: x, compare)


FEATURES = {
    "classifier": FeatureKind("the classifier of the data's classes", _classifier),
    "inception": FeatureKind("Inception", _inception, "photographs"),
    "patches": FeatureKind("patches", _patches, None, HELD_OUT_IMAGES),
}
"""All features by name; the name of a data set stands for its classifier, too."""


def find_kind(
    features: "str | Classifier | Callable[[Tensor], Tensor] | None", data: "Dataset | None" = None
) -> FeatureKind:
    """Return the function or classifier that computes the features.

    Args:
        features: a name of `FEATURES`; a data set with classes, for its classifier; a trained
            classifier; a function from images (n, pixels) to features (n, d); or None for the
            classifier if `data` have classes, otherwise for patches.
        data: the data set of the images; required only if `features` is None.

    Raises:
        UnknownName: a text that is not the name of features.
    """
    from adversarial_nets.evaluation.features import Classifier

    if features is None:
        has_classes = data is not None and {"train", "test"} <= data.labels.keys()
        return FEATURES["classifier" if has_classes else "patches"]
    if isinstance(features, Classifier):
        net = features
        return FeatureKind(
            f"a classifier of {net.data.name}",
            lambda data, on_progress: _by(net, net.data.name, data),
            protocol=HELD_OUT_IMAGES,
        )
    if callable(features):
        name, own = _name_of(features), features
        return FeatureKind(name, lambda data, on_progress: of_network(name, own))
    if features in FEATURES:
        return FEATURES[features]
    if not isinstance(features, str) or features.partition(":")[0] not in REGISTRY:
        if there := describe_path(str(features)):
            raise UserError(there)
        known = [*FEATURES, *(entry.name for entry in REGISTRY.values())]
        raise unknown_name(features, known, "kind of features")
    return _of_data_set(features)


def _of_data_set(name: str) -> FeatureKind:
    """The classifier of another data set."""

    def load(data: "Dataset", on_progress: "Progress | None") -> ImageFeatures:
        from adversarial_nets import datasets
        from adversarial_nets.evaluation import features

        channels, height, width = data.image_shape
        shape = {"size": height, "width": width, "channels": channels}
        options: dict[str, Any] = shape if datasets.registry.find(name).resizable else {}
        other = datasets.load(name, **options, on_progress=on_progress)
        return _by(features.classifier(other, on_progress), other.name, data)

    return FeatureKind(f"a classifier of {name}", load, protocol=HELD_OUT_IMAGES)


def _by(net: "Classifier", name: str, data: "Dataset") -> ImageFeatures:
    """The features of a classifier, which may be of another data set, for images of `data`."""
    from adversarial_nets.evaluation.features import as_inputs_of

    def of(x: "Tensor") -> "Tensor":
        return net.features(as_inputs_of(net.data, x, data.image_shape, data.range))

    return of_network(name, of, net)


def _name_of(function: object) -> str:
    """A function's own name, or that of its class."""
    return str(getattr(function, "__name__", type(function).__name__))
