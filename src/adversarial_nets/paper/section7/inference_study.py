"""The measures of §7, extension 2: what E's features say of the class, and how it reconstructs."""

import dataclasses
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.run_folder import open_fit_folder
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import NoClasses
from adversarial_nets.paper.section7 import inference
from adversarial_nets.paper.section7.inference import EncoderSettings
from adversarial_nets.paper.section7.rows import Row
from adversarial_nets.progress import Progress
from adversarial_nets.random import permutation
from adversarial_nets.runs import files, game_state
from adversarial_nets.runs.folder import RunLike, open_run

__all__ = ["InferenceScores", "inference_rows", "nearest_neighbour_accuracy", "score_inference"]

PUBLISHED = {"accuracy": "97.44", "ratio": "0.62"}
"""On MNIST (Donahue et al. 2017, arXiv:1605.09782): the latent regressor's accuracy in %, and
BiGAN's 5.95 / 9.60."""


@dataclass(frozen=True)
class InferenceScores:
    """What E learned.

    Attributes:
        round: the round of G's checkpoint.
        weights: ``raw`` or ``averaged``.
        accuracy: share of test images whose nearest training image in E's features has their class.
        pixel_accuracy: the same with pixels as features.
        distance: mean ‖x − G(E(x))‖ over test images.
        wrong_partner: mean ‖x − G(E(x′))‖ with another test image x′.
        ratio: distance / wrong_partner.
        seconds: processor time of E's training.
    """

    round: int
    weights: str
    accuracy: float
    pixel_accuracy: float
    distance: float
    wrong_partner: float
    ratio: float
    seconds: float


def score_inference(
    run: RunLike,
    data: Dataset,
    s: EncoderSettings | None = None,
    *,
    weights: str | None = None,
    on_progress: Progress | None = None,
) -> InferenceScores:
    """Train E for a finished run, or continue its training, and measure it.

    Args:
        run: the run, or its folder, in which E is saved.
        data: its data set, with labels for training and test images.
        s: settings of E.
        weights: ``raw`` or ``averaged`` G; by default `Run.default_weights`.
        on_progress: called with (what, amount done, total).

    Raises:
        UserError: data without labels; or the run holds an E of other settings.
    """
    if not {"train", "test"} <= data.labels.keys():
        raise NoClasses(data.name)
    run, s = open_run(run), s or EncoderSettings()
    weights = weights or run.default_weights
    G, round = game_state.load_generator(run, weights=weights)
    folder = inference.encoder_folder(run, weights, round)

    def report(done: int, total: int, loss: float) -> None:
        if on_progress is not None:
            on_progress("E: update", done, total)

    open_fit_folder(folder, "an encoder of z", data, dataclasses.asdict(s))
    session = FitSession(folder, callback=report)
    with files.lock(folder):
        E = inference.fit_encoder(G, run.settings, run.pixels, s, session)
    x, labels = data.floats(data.test), data.labels["test"]
    train, of_train = data.floats(data.train), data.labels["train"]
    z = inference.encode(E, x)
    others = z[_another(len(x), run.settings.seed)]
    c = inference.nearest_class(G, x, z)
    distance = inference.distances(G, x, z, c).mean().item()
    wrong = inference.distances(G, x, others, c).mean().item()
    return InferenceScores(
        round=round,
        weights=weights,
        accuracy=nearest_neighbour_accuracy(inference.encode(E, train), of_train, z, labels),
        pixel_accuracy=nearest_neighbour_accuracy(train, of_train, x, labels),
        distance=distance,
        wrong_partner=wrong,
        ratio=distance / wrong,
        seconds=session.seconds,
    )


def _another(n: int, seed: int) -> Int64[Tensor, " n"]:
    """Another image for each: the next one in a random order, so that none keeps its own."""
    order = permutation(seed, "wrong partners", 0, n)
    return order.roll(1)[order.argsort()]


def nearest_neighbour_accuracy(
    train: Float[Tensor, "n_train values"],
    of_train: Int64[Tensor, " n_train"],
    test: Float[Tensor, "n values"],
    of_test: Int64[Tensor, " n"],
) -> float:
    """Share of test rows whose nearest training row, in L2, has their class.

    >>> train, test = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.1], [0.8], [0.2]])
    >>> nearest_neighbour_accuracy(train, torch.tensor([0, 1]), test, torch.tensor([0, 1, 1]))
    0.6666666666666666
    """
    nearest = torch.cat([torch.cdist(block, train).argmin(1) for block in test.split(500)])
    return (of_train[nearest] == of_test).double().mean().item()


def inference_rows(found: InferenceScores, model: str, data: str) -> list[Row]:
    """The rows of one run."""
    published = PUBLISHED if data == "mnist" else {}
    return [
        Row("inference", model, measure, data, value, None, 1, other, seconds)
        for measure, value, other, seconds in (
            (
                "1-nearest-neighbour accuracy, %",
                100 * found.accuracy,
                published.get("accuracy"),
                found.seconds,
            ),
            ("the same on pixels, %", 100 * found.pixel_accuracy, None, None),
            ("‖x − G(E(x))‖", found.distance, None, found.seconds),
            ("‖x − G(E(x′))‖, another image", found.wrong_partner, None, found.seconds),
            ("ratio of both", found.ratio, published.get("ratio"), found.seconds),
        )
    ]
