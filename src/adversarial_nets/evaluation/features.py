"""Image features from a small classifier that is trained on the data set's own classes.

Inception's features were learned from photographs and describe digits poorly. For data with
classes, the features are the last hidden layer of a small convolutional classifier, trained on the
training images in under a minute. It also shows which classes a generator does not produce. Its
accuracy on the test images is reported with every result.
"""

import dataclasses
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError
from torch import Tensor, nn

from adversarial_nets import datasets
from adversarial_nets.datasets import (
    Dataset,
    ImageShape,
    as_dataset,
    require_labels,
    sample_images,
    to_pixels,
)
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.datasets.download import cache_folder
from adversarial_nets.errors import NoClasses, UserError
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address
from adversarial_nets.runs.files import write_atomically

__all__ = ["Classifier", "as_inputs_of", "classifier"]

STEPS, BATCH = 900, 128
LR = 3e-3
N_FEATURES = 64
_BLOCK = 500  # images in one forward pass


@dataclass(frozen=True)
class Classifier:
    """A small convolutional classifier of a data set's classes.

    Attributes:
        body: images (m, pixels) to features (m, 64).
        head: features to one logit for each class.
        scale: root mean square of the features of real images; features are divided by it, so that
            distances are comparable across data sets.
        accuracy: the fraction of test images that it classifies correctly.
        data: the data set of its classes.
    """

    body: nn.Module
    head: nn.Module
    scale: float
    accuracy: float
    data: Dataset

    @torch.no_grad()
    def features(self, x: Float[Tensor, "n pixels"]) -> Float[Tensor, "n features"]:
        """Return the last hidden layer's activations, divided by `scale`."""
        return torch.cat([self.body(block) for block in x.split(_BLOCK)]) / self.scale

    @torch.no_grad()
    def classes(self, x: Float[Tensor, "n pixels"]) -> Int64[Tensor, " n"]:
        """Return the most likely class of each image."""
        return self.head(self.features(x) * self.scale).argmax(1)


def classifier(data: DataLike, on_progress: Progress | None = None) -> Classifier:
    """Return the data set's classifier, from the cache or by training it.

    Training is 900 steps of Adam on minibatches of 128 with a linearly decaying learning rate:
    under a minute on one core. It is deterministic on one machine.

    Args:
        data: a data set with labels for its training and test images, or what `train` takes in its
            place; images with a negative label, which have no class, are left out.
        on_progress: called with ("classifier", steps done, total).

    Raises:
        NoClasses: the data set has no labels for its training and test images.
    """
    data = as_dataset(data)
    require_labels(data)
    if min(int(data.labels[split].max()) for split in ("train", "test")) < 0:
        raise NoClasses(data.name)
    net = _net(data)
    file = _cache_file(data)
    if not _load_weights(file, net):
        _train(net, data, on_progress)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, safetensors.torch.save(net.state_dict()))
    raw = Classifier(net[:-1].eval(), net[-1], 1.0, 0.0, data)
    has_class = data.labels["test"] >= 0
    correct = raw.classes(data.floats(data.test[has_class])) == data.labels["test"][has_class]
    scale = raw.features(sample_images(data, "train", 1000)).square().mean().sqrt().item()
    return dataclasses.replace(raw, scale=scale, accuracy=correct.double().mean().item())


def _net(data: Dataset) -> nn.Sequential:
    """Two convolutions with stride 2, a layer of 64 features, and one logit for each class."""
    channels, height, width = data.image_shape
    net = nn.Sequential(
        nn.Unflatten(1, data.image_shape),
        *(nn.Conv2d(channels, 16, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU()),
        nn.Flatten(),
        *(nn.Linear(32 * -(-height // 4) * -(-width // 4), N_FEATURES), nn.ReLU()),
        nn.Linear(N_FEATURES, len(data.class_names)),
    )
    layers = [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        for i, layer in enumerate(layers):  # He initialisation
            fan_in = layer.weight[0].numel()
            u = Address(0, i, range(len(layer.weight))).uniform("initial classifier", fan_in)
            layer.weight.copy_(((2 * u - 1) * (6 / fan_in) ** 0.5).view_as(layer.weight))
            if layer.bias is not None:
                layer.bias.zero_()
    return net.float()  # torch.set_default_dtype may have set another type


def _train(net: nn.Sequential, data: Dataset, on_progress: Progress | None) -> None:
    """Minimise the cross-entropy on the training images."""
    optimiser = torch.optim.Adam(net.parameters(), lr=LR)
    has_class = data.labels["train"] >= 0
    images, labels = data.train[has_class], data.labels["train"][has_class]
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = LR * (1 - step / STEPS)
        u = Address(0, step, range(BATCH)).uniform("classifier's images", 1)[:, 0].double()
        rows = (u * len(images)).long()
        loss = nn.functional.cross_entropy(net(data.floats(images[rows])), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if on_progress:
            on_progress("classifier", step + 1, STEPS)


def _cache_file(data: Dataset) -> Path:
    """The cache file of the classifier of these images and labels."""
    digest = hashlib.sha256(f"classifier 1;{STEPS=};{BATCH=};{LR=};FEATURES={N_FEATURES};".encode())
    if data.contrast_norm is not None:
        digest.update(f"{data.contrast_norm=};".encode())
    digest.update(datasets.fingerprint(data).encode() + data.labels["train"].numpy().tobytes())
    return cache_folder() / "classifiers" / f"{digest.hexdigest()[:32]}.safetensors"


def _load_weights(file: Path, net: nn.Sequential) -> bool:
    """Load weights from a file into a network; return whether that succeeded."""
    try:
        net.load_state_dict(safetensors.torch.load(file.read_bytes()))
    except (OSError, SafetensorError, RuntimeError):
        return False
    return True


def as_inputs_of(
    target: Dataset,
    x: Float[Tensor, "n pixels"],
    image_shape: ImageShape,
    range: tuple[float, float],
) -> Float[Tensor, "n other_pixels"]:
    """Images as inputs of networks that were trained on another data set.

    They become RGB on white, then grey (ITU-R 601 luma) if the other images are grey, and are
    resized by antialiased bilinear interpolation.

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
    resized = nn.functional.interpolate(rgb, size, mode="bilinear", antialias=True)
    return target.floats(resized.round().clamp(0, 255).to(torch.uint8).flatten(1))
