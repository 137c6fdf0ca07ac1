"""The measures of §7, extension 2: classification by E's features, and reconstruction."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from adversarial_nets import toys
from adversarial_nets.baselines.optimisers import batches_per_epoch
from adversarial_nets.baselines.run_folder import fit_session
from adversarial_nets.datasets import Dataset, require_labels
from adversarial_nets.encoders import encode
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.score import check_data
from adversarial_nets.paper.section7 import inference
from adversarial_nets.paper.section7.features import nearest_neighbour_accuracy
from adversarial_nets.paper.section7.inference import EncoderSettings
from adversarial_nets.paper.section7.joint import (
    JointSettings,
    draw_z,
    fit_joint,
    last_hidden_layer,
)
from adversarial_nets.paper.section7.rows import Row, mean_and_spread
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address, permutation
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import RunLike, open_run
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.toys.plane import modes_hit

__all__ = [
    "PLANE",
    "InferenceScores",
    "inference_rows",
    "modes_on_the_plane",
    "plane_rows",
    "score_inference",
    "score_joint",
]

PUBLISHED = {True: "97.39", False: "97.44"}
"""Accuracy in % on MNIST (Donahue et al. 2017, arXiv:1605.09782) of BiGAN (joint: True) and of the
latent regressor, which is trained after G."""
PUBLISHED_RATIO = "0.62"
"""BiGAN's 5.95 / 9.60."""


@dataclass(frozen=True)
class InferenceScores:
    """Measures of an encoder E on test images.

    Attributes:
        round: the round of G's checkpoint.
        weights: ``raw`` or ``averaged``.
        accuracy: share of test images whose nearest training image in E's features has their class.
        pixel_accuracy: the same share with pixels as features.
        hidden_accuracy: the same share with the units of E's last hidden layer; None if not
            measured.
        distance: mean ‖x − G(E(x))‖ over test images.
        wrong_partner: mean ‖x − G(E(x′))‖ with another test image x′.
        ratio: distance / wrong_partner.
        seconds: processor time of E's training; for a run of the joint game, the time of the run.
    """

    round: int
    weights: str
    accuracy: float
    pixel_accuracy: float
    distance: float
    wrong_partner: float
    ratio: float
    seconds: float
    hidden_accuracy: float | None = None


def score_inference(
    run: RunLike,
    data: Dataset,
    s: EncoderSettings | None = None,
    *,
    weights: str | None = None,
    on_progress: Progress | None = None,
) -> InferenceScores:
    """Train E for a finished run, or continue its training, and measure it.

    A run of the joint game already has an E, which is measured without further training.

    Args:
        run: the run, or its folder, in which E is saved.
        data: its data set, with labels for training and test images.
        s: settings of E.
        weights: ``raw`` or ``averaged`` G; by default `Run.default_weights`.
        on_progress: called with (what, amount done, total).

    Raises:
        UserError: data without labels; or the run holds an E of other settings.
    """
    require_labels(data)
    run, s = open_run(run), s or EncoderSettings()
    check_data(run, data)
    weights = weights or run.default_weights
    G, round = game_state.load_generator(run, weights=weights)
    if run.settings.joint:
        E = inference.load_encoder(run, weights, round)
        assert E is not None
        seconds = float(read_metrics(run.folder)[-1]["seconds"])
        return _measure(G, E, data, run.settings.seed, round, weights, seconds)
    folder = inference.encoder_folder(run, weights, round, s)
    of_E = dataclasses.asdict(s)
    with fit_session(folder, "an encoder of z", data, of_E, "E: update", on_progress) as session:
        E = inference.fit_encoder(G, run.settings, run.pixels, s, session)
    return _measure(G, E, data, run.settings.seed, round, weights, session.seconds)


def score_joint(
    data: Dataset, s: JointSettings, folder: Path, on_progress: Progress | None = None
) -> InferenceScores:
    """Train the joint game (BiGAN) on a data set, or continue it, and measure its E.

    Args:
        data: a data set with labels for training and test images, in [0, 1].
        s: settings of the game.
        folder: the folder of the game.
        on_progress: called with (what, amount done, total).

    Raises:
        UserError: data without labels or outside [0, 1]; or the folder holds another game.
    """
    require_labels(data)
    if data.range != (0.0, 1.0):
        raise UserError(
            f"{data.name} contains values outside [0, 1], but G's sigmoid in the joint game covers "
            "only [0, 1]. Use mnist, mnist-5k, idx:FOLDER or folder:PATH."
        )
    title, settings = "joint game", dataclasses.asdict(s)
    with fit_session(folder, title, data, settings, f"{title}: update", on_progress) as session:
        nets = fit_joint(data.floats(data.train), s, session)
    rounds = s.epochs * batches_per_epoch(data.train, s.batch)
    found = _measure(nets.G, nets.E, data, s.seed, rounds, "raw", session.seconds)
    hidden = last_hidden_layer(nets.E)
    x, train = (encode(hidden, data.floats(part)) for part in (data.test, data.train))
    accuracy = nearest_neighbour_accuracy(train, data.labels["train"], x, data.labels["test"])
    return dataclasses.replace(found, hidden_accuracy=accuracy)


def _measure(
    G: nn.Module, E: nn.Module, data: Dataset, seed: int, round: int, weights: str, seconds: float
) -> InferenceScores:
    """Measure the encoder E of a generator G on test images."""
    x, labels = data.floats(data.test), data.labels["test"]
    train, of_train = data.floats(data.train), data.labels["train"]
    z = encode(E, x)
    c = inference.nearest_class(G, x, z)
    distance = inference.distances(G, x, z, c).mean().item()
    other = _another(len(x), seed)
    wrong = inference.distances(G, x, z[other], None if c is None else c[other]).mean().item()
    return InferenceScores(
        round=round,
        weights=weights,
        accuracy=nearest_neighbour_accuracy(encode(E, train), of_train, z, labels),
        pixel_accuracy=nearest_neighbour_accuracy(train, of_train, x, labels),
        distance=distance,
        wrong_partner=wrong,
        ratio=distance / wrong,
        seconds=seconds,
    )


PLANE = JointSettings(
    hidden=(128, 128), z_size=2, output="linear", epochs=40, lr=1e-3, weight_decay=0.0
)
"""Settings of the joint game on points in the plane."""


def modes_on_the_plane(seeds: Sequence[int], s: JointSettings = PLANE) -> dict[bool, list[int]]:
    """The number of 25 Gaussians that G's samples cover, with E (True) and without E (False).

    Dumoulin et al. 2017 (arXiv:1606.00704, Table 3) report 13.4 ± 5.8 and 10.4 ± 9.2 over ten runs.

    Args:
        seeds: one game of each kind for each seed.
        s: settings; `seed` and `joint` are replaced.
    """
    toy = toys.find("grid")
    assert isinstance(toy, toys.Mixture)
    found: dict[bool, list[int]] = {True: [], False: []}
    for seed in seeds:
        points = torch.from_numpy(toys.sample_points(toy, 100 * s.batch, seed)).float()
        for joint, modes in found.items():
            game = dataclasses.replace(s, seed=seed, joint=joint)
            nets = fit_joint(points, game)
            z = draw_z(game, Address(seed, 0, range(2500)), "joint: samples")
            with torch.no_grad():
                modes.append(modes_hit(nets.G(z).double().numpy(), toy)[0])
    return found


def plane_rows(found: Mapping[bool, Sequence[int]]) -> list[Row]:
    """The rows of `modes_on_the_plane`."""
    rows = []
    for joint, published in ((True, "13.4 ± 5.8"), (False, "10.4 ± 9.2")):
        mean, spread = mean_and_spread(list(map(float, found[joint])))
        model = "joint game" if joint else "the same without E"
        measure, n = "modes found of 25", len(found[joint])
        rows.append(Row("inference", model, measure, "grid", mean, spread, n, published))
    return rows


def _another(n: int, seed: int) -> Int64[Tensor, " n"]:
    """For each image another one: the next image in a random order."""
    order = permutation(seed, "wrong partners", 0, n)
    return order.roll(1)[order.argsort()]


def inference_rows(found: InferenceScores, model: str, data: str, joint: bool = False) -> list[Row]:
    """The rows of one run."""
    is_mnist = data == "mnist"
    accuracy = PUBLISHED[joint] if is_mnist else None
    ratio = PUBLISHED_RATIO if is_mnist and joint else None
    hidden = None if found.hidden_accuracy is None else 100 * found.hidden_accuracy
    return [
        Row("inference", model, measure, data, value, published=published, seconds=seconds)
        for measure, value, published, seconds in (
            ("1-nearest-neighbour accuracy, %", 100 * found.accuracy, accuracy, found.seconds),
            ("the same on pixels, %", 100 * found.pixel_accuracy, None, None),
            ("the same on E's last hidden layer, %", hidden, None, None),
            ("‖x − G(E(x))‖", found.distance, None, found.seconds),
            ("‖x − G(E(x′))‖, another image", found.wrong_partner, None, found.seconds),
            ("ratio of both", found.ratio, ratio, found.seconds),
        )
        if value is not None
    ]
