"""Features that fit the data: a small classifier, trained in a minute and pinned by its accuracy.

Inception's features were learned from photographs and say little about digits. So images with
classes get a classifier of their own, whose last hidden layer is the feature; it also counts which
classes a generator has lost. It learns from the training images and is judged on the test images.
"""

import dataclasses
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError
from torch import Tensor, nn

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets._download import cache_folder
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address

__all__ = ["Classifier", "classifier"]

STEPS, BATCH = 900, 128
LR = 3e-3
FEATURES = 64
_BLOCK = 500  # images through the net at once


@dataclass(frozen=True)
class Classifier:
    """A small convolutional net that knows a data set's classes.

    Attributes:
        body: images (m, pixels) to features (m, 64).
        head: features to one logit for each class.
        scale: features are divided by this, their root mean square over real images, so that
            distances between them mean the same on all data.
        accuracy: the share of test images that it names rightly: what its features are worth.
    """

    body: nn.Module
    head: nn.Module
    scale: float
    accuracy: float

    @torch.no_grad()
    def features(self, x: Float[Tensor, "n pixels"]) -> Float[Tensor, "n features"]:
        """The last hidden layer."""
        return torch.cat([self.body(block) for block in x.split(_BLOCK)]) / self.scale

    @torch.no_grad()
    def classes(self, x: Float[Tensor, "n pixels"]) -> Int64[Tensor, " n"]:
        """The most likely class of each image."""
        return self.head(self.features(x) * self.scale).argmax(1)


def classifier(data: Dataset, on_progress: Progress | None = None) -> Classifier:
    """Train the data set's classifier, or fetch it from the cache; on one machine always the same.

    900 steps of Adam on 128 images, the rate falling to 0: under a minute on one core.

    Args:
        data: a data set with labels for its training and test images.
        on_progress: called with ("classifier", steps done, steps in all).

    Raises:
        UserError: the data have no such labels.
    """
    if not {"train", "test"} <= data.labels.keys():
        raise UserError(
            f"{data.name} has no classes, so no classifier can make features of its images. From "
            "Python, evaluation.compare takes any features."
        )
    net = _net(data)
    file = _file(data)
    kept = _kept(file, net)
    if not kept:
        _train(net, data, on_progress)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(safetensors.torch.save(net.state_dict()))
            temporary.replace(file)
    raw = Classifier(net[:-1].eval(), net[-1], 1.0, 0.0)
    right = raw.classes(data.floats(data.test)) == data.labels["test"]
    scale = raw.features(data.floats(data.train[:1000])).square().mean().sqrt().item()
    return dataclasses.replace(raw, scale=scale, accuracy=right.double().mean().item())


def _net(data: Dataset) -> nn.Sequential:
    """Two convolutions that halve the image, then 64 features and the classes."""
    channels, height, width = data.image_shape
    classes = int(data.labels["train"].max()) + 1
    net = nn.Sequential(
        nn.Unflatten(1, data.image_shape),
        *(nn.Conv2d(channels, 16, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU()),
        nn.Flatten(),
        *(nn.Linear(32 * -(-height // 4) * -(-width // 4), FEATURES), nn.ReLU()),
        nn.Linear(FEATURES, classes),
    )
    layers = [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        for i, layer in enumerate(layers):  # He's range: values keep their size from layer to layer
            fan_in = layer.weight[0].numel()
            u = Address(0, i, range(len(layer.weight))).uniform("initial classifier", fan_in)
            layer.weight.copy_(((2 * u - 1) * (6 / fan_in) ** 0.5).view_as(layer.weight))
            if layer.bias is not None:
                layer.bias.zero_()
    return net


def _train(net: nn.Sequential, data: Dataset, on_progress: Progress | None) -> None:
    optimiser = torch.optim.Adam(net.parameters(), lr=LR)
    images, labels = data.train, data.labels["train"]
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


def _file(data: Dataset) -> Path:
    """Where the classifier of these images and labels is kept."""
    digest = hashlib.sha256(f"classifier 1;{STEPS=};{BATCH=};{LR=};{FEATURES=};".encode())
    digest.update(datasets.fingerprint(data).encode() + data.labels["train"].numpy().tobytes())
    return cache_folder() / "classifiers" / f"{digest.hexdigest()[:32]}.safetensors"


def _kept(file: Path, net: nn.Sequential) -> bool:
    """Whether the file's weights are now the net's."""
    try:
        net.load_state_dict(safetensors.torch.load(file.read_bytes()))
    except (OSError, SafetensorError, RuntimeError):
        return False
    return True
