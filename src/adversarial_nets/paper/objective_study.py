"""Objectives and penalties on one network and one data set: ``advnets paper objectives``.

The paper uses two objectives of G (§3). This module compares them with later objectives and
penalties by the number of modes of the data that samples cover, with the same networks, optimiser
and length for all:

* 25 Gaussians in the plane, whose modes are known;
* StackedMNIST (`datasets.stacked_mnist`), 1,000 modes, counted by a classifier of MNIST's digits.

Published for StackedMNIST with other networks (Huang et al. 2024, R3GAN, arXiv:2501.05441): the
relativistic objective with R1 and R2 finds 1,000 modes with KL .078, the non-saturating one with R1
and R2 693 with KL .927, both with R1 alone diverge.
"""

import dataclasses
import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset, to_pixels
from adversarial_nets.datasets.stacked_mnist import MODES, modes_of, stack
from adversarial_nets.errors import Diverged, UserError
from adversarial_nets.evaluation.features import Classifier, classifier
from adversarial_nets.game import play, sample
from adversarial_nets.objectives import find
from adversarial_nets.plots.sheets import plot_image_rows
from adversarial_nets.plots.style import G_COLOUR, GREY
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress
from adversarial_nets.runs import files, game_state
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Settings
from adversarial_nets.toys import catalogue, distributions, plane
from adversarial_nets.training.session import train

__all__ = [
    "DATA",
    "PENALTIES",
    "PUBLISHED",
    "Result",
    "games",
    "keep_samples",
    "kept_samples",
    "mean_rows",
    "play_gaussians",
    "play_stacked",
    "plot_digits",
    "plot_points",
    "read_results",
    "record",
    "stacked_modes",
    "variant",
]

DATA = ("25-gaussians", "stacked-mnist")

PENALTIES = ("no penalty", "R1", "R1 + R2", "gradient penalty", "spectral norm")
"""The penalties on D that are compared, by name."""

PUBLISHED = {
    ("stacked-mnist", "relativistic", "R1 + R2"): "1000 modes, KL .078",
    ("stacked-mnist", "non-saturating", "R1 + R2"): "693 modes, KL .927",
}
"""Published results of other networks: R3GAN, arXiv:2501.05441, Table 1."""

GAMMA = {"25-gaussians": 0.1, "stacked-mnist": 0.125}
"""The weight γ of R1 and R2: for 25 Gaussians chosen by trial, for images that of the preset
pictures."""

SAMPLES = {"25-gaussians": 5000, "stacked-mnist": 25_600}
"""Number of samples in which modes are counted; 25,600 as published for StackedMNIST."""

ROUNDS = {"25-gaussians": 2000, "stacked-mnist": 10_000}
BATCH = 256  # for 25 Gaussians


@dataclass(frozen=True)
class Result:
    """One game with one seed.

    Attributes:
        data: ``25-gaussians`` or ``stacked-mnist``.
        objective: name in `objectives.OBJECTIVES`.
        penalty: one of `PENALTIES`.
        seed: seed of all random draws.
        rounds: rounds of the game.
        modes: number of modes with samples: for 25 Gaussians at least a tenth of the mode's share
            (`toys.plane.modes_hit`), for StackedMNIST at least one sample.
        share: share of samples within 3 σ of a mode; None for StackedMNIST.
        kl: KL(p_g ‖ uniform over the modes) in nats, from counts of samples.
        seconds: seconds of training.
        diverged: whether a loss or a weight became infinite; the other numbers are then those of an
            empty set of samples.
    """

    data: str
    objective: str
    penalty: str
    seed: int
    rounds: int
    modes: int
    share: float | None
    kl: float | None
    seconds: float
    diverged: bool = False

    @property
    def game(self) -> tuple[str, str, str, int, int]:
        """The key of a result; a newer result with the same key replaces an older one."""
        return self.data, self.objective, self.penalty, self.seed, self.rounds


def games() -> list[tuple[str, str]]:
    """The games to play: every objective with each penalty that is usual for it."""
    compared = ("minimax", "non-saturating", "least-squares", "hinge", "relativistic")
    usual = [(objective, penalty) for objective in compared for penalty in PENALTIES[:3]]
    return [*usual, ("hinge", "spectral norm"), ("wasserstein", "gradient penalty")]


def variant(s: Settings, objective: str, penalty: str, gamma: float) -> Settings:
    """The settings with another objective and penalty, and the k that the objective needs.

    From `Objective.published` only k, r1 and r2 are used, so that optimiser and learning rate are
    the same for all objectives.

    Args:
        s: settings of the game.
        objective: name of the objective.
        penalty: one of `PENALTIES`.
        gamma: the weight of R1 and R2.
    """
    return dataclasses.replace(
        s,
        objective=objective,
        r1=gamma if penalty.startswith("R1") else 0.0,
        r2=gamma if penalty == "R1 + R2" else 0.0,
        k=find(objective).published.get("k", s.k),
        D=dataclasses.replace(s.D, spectral_norm=penalty == "spectral norm"),
    )


# --- 25 Gaussians ---------------------------------------------------------------------------------


def play_gaussians(
    objective: str, penalty: str, seed: int, rounds: int
) -> tuple[Result, Float64[np.ndarray, "n 2"]]:
    """Play a game on 25 Gaussians; returns its result and its samples.

    The networks, the optimiser and the schedule are those of ``advnets paper plane``, with
    minibatches of 256.
    """
    data = DATA[0]
    toy = catalogue.find("grid")
    assert isinstance(toy, distributions.Mixture)
    base = dataclasses.replace(plane.SETTINGS, seed=seed, batch=BATCH)
    game = plane.new_game(toy, variant(base, objective, penalty, GAMMA[data]))
    start = time.perf_counter()
    play(game, rounds)
    seconds = time.perf_counter() - start
    x = sample(game.G, game.settings, SAMPLES[data]).double().numpy()
    what = (data, objective, penalty, seed, rounds)
    if not np.isfinite(x).all():
        return Result(*what, 0, 0.0, None, seconds, diverged=True), np.zeros((0, 2))
    modes, share = plane.modes_hit(x, toy)
    counts = plane.mode_shares(x, toy) * np.array(toy.weights)
    return Result(*what, modes, share, _kl_to_uniform(counts), seconds), x


def _kl_to_uniform(counts: Float64[np.ndarray, " modes"]) -> float | None:
    """KL(q ‖ uniform) in nats, with q the shares of samples at each mode; None without samples.

    >>> _kl_to_uniform(np.array([5.0, 5.0])), round(_kl_to_uniform(np.array([5.0, 0.0])), 3)
    (0.0, 0.693)
    """
    if not counts.sum():
        return None
    q = counts[counts > 0] / counts.sum()
    return float((q * np.log(q * len(counts))).sum())


# --- StackedMNIST ---------------------------------------------------------------------------------


def play_stacked(
    objective: str,
    penalty: str,
    seed: int,
    rounds: int,
    out: Path,
    digits: Dataset | None = None,
    on_progress: Progress | None = None,
) -> tuple[Result, Float[Tensor, "n pixels"]]:
    """Train or resume a run on StackedMNIST; returns its result and ten samples.

    The networks and rules are those of preset ``pictures``, whose R1 and R2 are finite
    differences; without augmentation.

    Args:
        objective: name of the objective.
        penalty: one of `PENALTIES`.
        seed: seed of all random draws.
        rounds: length of the training.
        out: the folder for runs.
        digits: MNIST, or another data set of grey digits with labels.
        on_progress: called while MNIST's classifier is trained.
    """
    digits = datasets.load("mnist") if digits is None else digits
    data = stack(digits)
    base = dataclasses.replace(
        PRESETS["pictures"].settings, seed=seed, size=None, channels=None, augment=0.0
    )
    s = variant(base, objective, penalty, GAMMA["stacked-mnist"])
    folder = out / f"{objective}-{penalty.replace(' ', '')}-{rounds}-{seed}"
    what = ("stacked-mnist", objective, penalty, seed, rounds)
    try:
        run = train(data, settings=s, run=folder, rounds=rounds, progress=False)
    except Diverged:
        return Result(*what, 0, None, None, 0.0, diverged=True), torch.zeros(0, data.pixels)
    G, _ = game_state.load_generator(run)
    x = sample(G, s, SAMPLES["stacked-mnist"], "samples to score")
    counts = stacked_modes(x, classifier(digits, on_progress))
    seconds = float(read_metrics(folder)[-1]["seconds"])
    modes = int((counts > 0).sum())
    return Result(*what, modes, None, _kl_to_uniform(counts), seconds), x[:10]


def stacked_modes(
    x: Float[Tensor, "n pixels"], digits: Classifier
) -> Float64[np.ndarray, " modes"]:
    """The number of images in each of the 1,000 modes, by a classifier of single digits."""
    found = torch.stack([digits.classes(channel) for channel in x.chunk(3, 1)], 1)
    return modes_of(found).bincount(minlength=MODES).double().numpy()


# --- Records --------------------------------------------------------------------------------------


def read_results(path: Path) -> list[Result]:
    """The results in a file that `record` wrote; empty if the file does not exist.

    Raises:
        UserError: the file is damaged.
    """
    if not path.is_file():
        return []
    try:
        return [Result(**row) for row in json.loads(path.read_text(encoding="utf-8"))["results"]]
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"{path} is damaged ({error}). Delete it, and run its games again."
        ) from error


def record(path: Path, results: Iterable[Result]) -> None:
    """Add results to a file; each replaces an older one of the same game."""
    new = {result.game: result for result in results}
    with files.explain_os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.exclusive_lock(path):
            kept = {result.game: result for result in read_results(path)}
            rows = [dataclasses.asdict(result) for result in (kept | new).values()]
            files.write_atomically(path, json.dumps({"results": rows}, indent=1) + "\n")


def mean_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row for each game and length: means over the seeds, and the published result."""
    rows = []
    played: dict[tuple[str, str, str, int], list[Result]] = {}
    for r in results:
        played.setdefault((r.data, r.objective, r.penalty, r.rounds), []).append(r)
    for (data, objective, penalty, rounds), of_game in played.items():
        rows.append(
            {
                "data": data,
                "objective": objective,
                "penalty": penalty,
                "rounds": rounds,
                "modes": _mean(r.modes for r in of_game),
                "fewest": min(r.modes for r in of_game),
                "share": _mean(r.share for r in of_game),
                "KL": _mean(r.kl for r in of_game),
                "seeds": len(of_game),
                "diverged": sum(r.diverged for r in of_game),
                "seconds": _mean(None if r.diverged else r.seconds for r in of_game),
                "published": PUBLISHED.get((data, objective, penalty)),
            }
        )
    return rows


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are not None."""
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else None


# --- Pictures -------------------------------------------------------------------------------------


def keep_samples(out: Path, result: Result, samples: NDArray[Any]) -> None:
    """Keep some samples of a game for the picture, in OUT/samples."""
    file = io.BytesIO()
    np.save(file, samples[:1500].astype(np.float32), allow_pickle=False)
    path = _samples_file(out, *result.game)
    with files.explain_os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(path, file.getvalue())


def kept_samples(
    out: Path, data: str, chosen: Sequence[tuple[str, str]], seed: int, rounds: int
) -> dict[tuple[str, str], NDArray[np.float32]]:
    """The samples that `keep_samples` wrote for these games, by objective and penalty."""
    paths = {game: _samples_file(out, data, *game, seed, rounds) for game in chosen}
    return {game: np.load(path) for game, path in paths.items() if path.is_file()}


def _samples_file(
    out: Path, data: str, objective: str, penalty: str, seed: int, rounds: int
) -> Path:
    name = f"{data}-{objective}-{penalty.replace(' ', '')}-{rounds}-{seed}.npy"
    return out / "samples" / name


def plot_points(samples: Mapping[tuple[str, str], NDArray[np.float32]]) -> Figure:
    """Samples of games on 25 Gaussians: one panel each, one row for each objective.

    Args:
        samples: points (n, 2) by objective and penalty.
    """
    toy = catalogue.find("grid")
    assert isinstance(toy, distributions.Mixture)
    means = np.array(toy.means)
    rows = list(dict.fromkeys(objective for objective, _ in samples))
    most = max(sum(objective == row for objective, _ in samples) for row in rows)
    figure = Figure((2.1 * most, 2.35 * len(rows)), layout="constrained", facecolor="white")
    axes = figure.subplots(len(rows), most, squeeze=False)
    for i, row in enumerate(rows):
        of_row = {penalty: x for (objective, penalty), x in samples.items() if objective == row}
        for axis in axes[i][len(of_row) :]:
            axis.set_axis_off()
        for axis, (penalty, x) in zip(axes[i], of_row.items(), strict=False):
            axis.scatter(*means.T, s=60, facecolors="none", edgecolors=GREY, linewidths=0.6)
            axis.scatter(*x.T, s=1.5, color=G_COLOUR, alpha=0.5, linewidths=0)
            axis.set(xlim=(-2.8, 2.8), ylim=(-2.8, 2.8), xticks=[], yticks=[], aspect="equal")
            axis.set_title(f"{row}\n{penalty}", fontsize=9)
    return figure


def plot_digits(samples: Mapping[tuple[str, str], NDArray[np.float32]]) -> Figure:
    """Samples of games on StackedMNIST: one row for each game.

    Args:
        samples: images (n, pixels) by objective and penalty.
    """
    return plot_image_rows(
        {
            f"{objective}, {penalty}": to_pixels(torch.from_numpy(x), (3, 28, 28), (0.0, 1.0))
            for (objective, penalty), x in samples.items()
            if len(x)
        }
    )
