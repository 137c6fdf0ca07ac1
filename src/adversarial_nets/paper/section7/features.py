"""§7, extension 4, as the paper states it: classifiers of few labels on the features of D.

"Features from the discriminator … could improve performance of classifiers when limited labeled
data is available." The features are D's last hidden layer, from a game without labels. A linear and
a nearest-neighbour classifier are trained on them and on the raw pixels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets import encoders
from adversarial_nets.classes import count_classes
from adversarial_nets.datasets import Dataset, require_labels
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.score import check_data
from adversarial_nets.paper.section7 import inference
from adversarial_nets.paper.section7.few_labels import choose_labelled
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run, RunLike, open_run

__all__ = [
    "Errors",
    "discriminator_features",
    "features_against_pixels",
    "nearest_neighbour_accuracy",
]

SMALLEST_SCALE = 0.3

Values = Float[Tensor, "n values"]
Classes = Int64[Tensor, " n"]
TestValues = Float[Tensor, "n_test values"]
TestClasses = Int64[Tensor, " n_test"]


@dataclass(frozen=True)
class Errors:
    """Shares of test images that are classified wrongly.

    Attributes:
        features: the classified values: ``pixels``, ``features of D`` or ``features of E``.
        linear: error of logistic regression.
        nearest: error of the nearest labelled image's class.
    """

    features: str
    linear: float
    nearest: float


def features_against_pixels(
    run: RunLike, data: Dataset, labels: int, draw: int = 0
) -> list[Errors]:
    """Classify test images by few labels, from raw pixels, from D's features and from E's.

    E's features are E(x). A joint game has an E, and `advnets paper section7 inference` trains one
    for a run's newest G.

    Args:
        run: an unconditional run on these data.
        data: the data set, with labels for training and test images.
        labels: labelled images, equally many of each class.
        draw: number of the draw of labelled images.

    Raises:
        UserError: the data have no labels, `labels` is too large, or the run is conditional.
    """
    run = open_run(run)
    check_data(run, data)
    require_labels(data)
    if run.settings.condition:
        raise UserError(
            f"D of {run.name} was given the classes, so its features cannot test few labels. "
            "Give a run without condition."
        )
    count_classes(data, "few-labels")
    rows = choose_labelled(data.labels["train"], labels, draw)
    D, round = game_state.load_discriminator(run)
    E = inference.load_encoder(run, run.default_weights, round)
    x, test = data.floats(data.train[rows]), data.floats(data.test)
    c, of_test = data.labels["train"][rows], data.labels["test"]
    inputs = {
        "pixels": (x, test),
        "features of D": (
            discriminator_features(D, _rows_for_D(run, round, x)),
            discriminator_features(D, _rows_for_D(run, round, test)),
        ),
    }
    if E is not None:
        inputs["features of E"] = encoders.encode(E, x), encoders.encode(E, test)
    return [
        Errors(
            name,
            linear=_linear(train, c, other, of_test),
            nearest=1 - nearest_neighbour_accuracy(train, c, other, of_test),
        )
        for name, (train, other) in inputs.items()
    ]


def _rows_for_D(run: Run, round: int, x: Values) -> Float[Tensor, "n row"]:
    """D's input for images: x itself, in the joint game (x, E(x))."""
    if not run.settings.joint:
        return x
    G, _ = game_state.load_generator(run, round, "raw")
    with torch.no_grad():
        return encoders.pairs(G, x)


@torch.no_grad()
def discriminator_features(D: nn.Module, x: Values) -> Float[Tensor, "n features"]:
    """The input of D's output layer for each image."""
    found: list[Tensor] = []
    output = [m for m in D.modules() if isinstance(m, nn.Linear)][-1]
    handle = output.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    try:
        for block in x.split(1000):
            D(block)
    finally:
        handle.remove()
    return torch.cat(found)


def _linear(x: Values, c: Classes, test: TestValues, of_test: TestClasses) -> float:
    """Error of logistic regression, on values standardised by the labelled images.

    Values that vary little are divided by `SMALLEST_SCALE` times the overall standard deviation,
    because their own standard deviation would enlarge pixels that are almost always black in the
    labelled images.
    """
    from sklearn.linear_model import LogisticRegression

    mean = x.mean(0)
    overall = (x - mean).square().mean().sqrt().item()
    std = x.std(0, correction=0).clamp_min(max(SMALLEST_SCALE * overall, 1e-12))
    model = LogisticRegression(max_iter=1000).fit(((x - mean) / std).numpy(), c.numpy())
    found = torch.from_numpy(model.predict(((test - mean) / std).numpy()))
    return (found != of_test).double().mean().item()


def nearest_neighbour_accuracy(
    train: Values, of_train: Classes, test: TestValues, of_test: TestClasses
) -> float:
    """Share of test rows whose nearest training row, in L2, has their class.

    >>> train, test = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.1], [0.8], [0.2]])
    >>> nearest_neighbour_accuracy(train, torch.tensor([0, 1]), test, torch.tensor([0, 1, 1]))
    0.6666666666666666
    """
    nearest = torch.cat([torch.cdist(block, train).argmin(1) for block in test.split(500)])
    return (of_train[nearest] == of_test).double().mean().item()
