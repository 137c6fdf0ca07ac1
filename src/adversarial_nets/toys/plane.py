"""Games on two-dimensional data, with measures of samples against the true density.

Measures of a finite number of samples are biased. Therefore each measure has a *floor*: its mean
for a perfect generator (p_g = p_data) with the same number of samples.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from scipy.special import expit
from torch import nn

from adversarial_nets import build, game, nets, objectives, priors
from adversarial_nets.encoders import GeneratorWithEncoder
from adversarial_nets.errors import UserError
from adversarial_nets.random import Address
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences
from adversarial_nets.toys import optimum
from adversarial_nets.toys.curves import Curve
from adversarial_nets.toys.distributions import Mixture, Toy, sample_points
from adversarial_nets.toys.measures import (
    Metric,
    accuracy,
    mean_by_name,
    mode_shares,
    smoothed_KL,
)
from adversarial_nets.toys.networks import Affine, check_finite, evaluate, make_discriminator
from adversarial_nets.toys.points import sample_density

__all__ = [
    "ROUNDS",
    "SAMPLES",
    "SETTINGS",
    "Evaluator",
    "Snapshot",
    "masses_and_counts",
    "metrics",
    "mode_shares",
    "modes_hit",
    "new_evaluator",
    "new_game",
    "noise_of_samples",
    "ring_fit",
    "take_snapshot",
]

SETTINGS = Settings(
    G=GeneratorSettings(
        hidden=(128, 128), output="linear", init=(0.7, 0.15, 0.15), bias_from_marginals=False
    ),
    D=DiscriminatorSettings(
        units=(64, 64), pieces=3, init=(1.0, 0.2, 0.2), keep_prob_input=1.0, keep_prob_hidden=1.0
    ),
    protocol="paper",
    batch=512,
    prior="gaussian",
    z_size=2,
    optimiser="adam",
    lr=0.001,
    d_lr_multiplier=4.0,
    lr_decay=1.0006,
    momentum_end=0.5,
)
"""The default settings of games in the plane."""

ROUNDS = 3000
"""The default number of rounds of a game in the plane."""

SAMPLES = 5000
"""The default number of samples per snapshot."""

XY = Float64[np.ndarray, "n 2"]
Cells = Float64[np.ndarray, "across up"]


# --- Measures of samples --------------------------------------------------------------------------


def masses_and_counts(
    x: XY, p_data: Cells, edges: divergences.Axes
) -> tuple[np.ndarray, np.ndarray]:
    """The data's mass and the number of samples in each cell, and last outside all cells."""
    inside, _ = np.histogramdd(x, bins=edges)
    p = np.append(p_data.ravel(), max(1 - p_data.sum(), 0))
    return p / p.sum(), np.append(inside.ravel(), len(x) - inside.sum())


def modes_hit(x: XY, toy: Mixture) -> tuple[int, float]:
    """Mode coverage: the number of Gaussians with samples, and the share of samples near any.

    A Gaussian is hit if it has at least a tenth of the expected number of samples (`mode_shares`).
    """
    shares = mode_shares(x, toy)
    return int((shares >= 0.1).sum()), float(shares @ np.array(toy.weights))


def ring_fit(x: XY, sectors: int = 36) -> tuple[float, float]:
    """How well samples fit the ring of zero width and radius 2, which has no density.

    Returns:
        The mean distance of a sample from the ring (best: 0), and the share of equal sectors of
        angle with at least a tenth of the expected number of samples (best: 1).

    >>> ring_fit(np.array([[2.0, 0.0], [0.0, -1.0]]), sectors=4)
    (0.5, 0.5)
    """
    distance = np.abs(np.hypot(x[:, 0], x[:, 1]) - 2)
    turns = np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) % 1
    counts = np.bincount((turns * sectors).astype(int) % sectors, minlength=sectors)
    return float(distance.mean()), float((counts >= 0.1 * len(x) / sectors).mean())


# --- The game, its snapshots and metrics ----------------------------------------------------------


@dataclass(frozen=True)
class Evaluator:
    """Cells of x, a grid of noise, and reference values, for snapshots of a game in the plane.

    Attributes:
        toy: the data's distribution.
        data: points of the data; their number equals the number of samples in a snapshot.
        edges: the edges of square cells, on both axes.
        p_data: the data's probability of each cell, or None if they have no density.
        z: points of noise on lines, whose images under G are plotted: 2 · 15 lines of 60 points if
            z is two-dimensional, one line if z is a number, otherwise None.
        floors: the mean of each measure for a perfect generator, by the name of the measure.
    """

    toy: Toy
    data: XY
    edges: divergences.Axes
    p_data: Cells | None
    z: Float64[np.ndarray, "lines points z_size"] | None
    floors: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """A game in the plane at one round.

    Attributes:
        round: the round.
        samples: G's samples.
        a_data: D's logits on the evaluator's data.
        a_samples: D's logits on the samples.
        D: D(x) at the centre of each cell.
        grid: the evaluator's grid of noise, mapped by G; or None.
        measures: the measures of the samples, by name.
        codes: in the joint game E(x) of the evaluator's data; otherwise None.
        reconstructions: in the joint game G(E(x)) of the same data; otherwise None.
        objective: the objective that D and G play.
    """

    round: int
    samples: XY
    a_data: Float64[np.ndarray, " n"]
    a_samples: Float64[np.ndarray, " n"]
    D: Cells
    grid: Float64[np.ndarray, "lines points 2"] | None
    measures: dict[str, float]
    codes: Float64[np.ndarray, "encoded z_size"] | None = None
    reconstructions: Float64[np.ndarray, "encoded 2"] | None = None
    objective: str = "non-saturating"


def new_game(toy: Toy, settings: Settings = SETTINGS) -> Game:
    """Set up a game in the plane; G's output and D's input are in standardised units of the data.

    Raises:
        UserError: the data are not two-dimensional.
    """
    if toy.pixels != 2:
        raise UserError(
            f"The data have {toy.pixels} coordinate; a game in the plane needs 2. For data on the "
            "line use `figure1` in place of `plane` (in Python, LINE)."
        )
    x = sample_points(toy, 10_000)
    if settings.joint:
        return _new_joint_game(toy, settings, x)
    net = nets.generator(settings.G, settings.z_size, 2, settings.seed)
    G = nn.Sequential(net, Affine(x.mean(0), x.std(0)))
    return build.new_game(settings, toy, G=G, D=make_discriminator(settings, x))


def _new_joint_game(toy: Toy, settings: Settings, x: XY) -> Game:
    """The joint game, whose three networks work in standardised units of the data x."""
    g = build.new_game(settings, toy)
    mean, std, zeros = x.mean(0), x.std(0), np.zeros(settings.z_size)
    for G in (g.G, g.averaged):
        if isinstance(G, GeneratorWithEncoder):
            G.G.append(Affine(mean, std).float())
            G.E.insert(0, Affine(-mean / std, 1 / std).float())
    assert isinstance(g.D, nn.Sequential)
    shift, scale = np.append(-mean / std, zeros), np.append(1 / std, zeros + 1)
    g.D.insert(0, Affine(shift, scale).float())
    return g


def new_evaluator(
    toy: Toy, settings: Settings = SETTINGS, cells: int = 40, samples: int = SAMPLES
) -> Evaluator:
    """The evaluator for a game on this toy; its cells form a square around the data.

    Args:
        toy: two-dimensional data.
        settings: settings of the game.
        cells: the number of cells on each axis.
        samples: the number of samples per snapshot, also used for the floors.
    """
    data = sample_points(toy, samples)
    middle, half = (data.max(0) + data.min(0)) / 2, 0.65 * np.ptp(data, axis=0).max()
    edges = tuple(np.linspace(m - half, m + half, cells + 1) for m in middle)
    p_data = toy.cell_masses(edges) if toy.has_density else None
    z = _noise_grid(settings.prior, settings.z_size)
    evaluator = Evaluator(toy, data, edges, p_data, z, {})
    perfect = [measures(sample_density(toy, samples, f"floor {i}"), evaluator) for i in range(5)]
    return replace(evaluator, floors=mean_by_name(perfect))


def _noise_grid(prior: str, z_size: int) -> Float64[np.ndarray, "lines points z_size"] | None:
    """Lines over the prior's range: 15 horizontal and 15 vertical lines, or one if z is 1-D."""
    end = min(priors.find(prior).bound, 2.5)
    if z_size == 1:
        return np.linspace(-end, end, 400)[None, :, None]
    if z_size != 2:
        return None
    along, across = np.linspace(-end, end, 60), np.linspace(-end, end, 15)
    horizontal = np.stack(np.broadcast_arrays(along, across[:, None]), axis=-1)
    return np.concatenate([horizontal, horizontal[..., ::-1]])


def measures(x: XY, evaluator: Evaluator) -> dict[str, float]:
    """The measures of samples that are defined for this toy, by name.

    * ``JSD``, in nats, from the samples' histogram. It ignores differences inside a cell, and is
      biased upwards: by about (c − 1) / 8n, for n samples and c cells, if every cell expects many
      samples, and by more if some expect less than one. ``KL data g
      smoothed`` and ``KL g data smoothed`` from the same histogram, smoothed
      (`measures.smoothed_KL`); ``data without samples``, the data's mass in empty cells, which
      makes the plain KL infinite. These need a density.
    * ``modes hit`` and ``near a mode`` for mixtures (`modes_hit`); ``rarest mode``, the smallest of
      `mode_shares`.
    * ``distance from the ring`` and ``angles covered`` for a ring of zero width (`ring_fit`).
    """
    found = {}
    if evaluator.p_data is not None:
        p, counts = masses_and_counts(x, evaluator.p_data, evaluator.edges)
        found["JSD"] = divergences.JSD(p, counts / len(x))
        found["KL data g smoothed"], found["KL g data smoothed"] = smoothed_KL(p, counts)
        found["data without samples"] = float(p[counts == 0].sum())
    if isinstance(evaluator.toy, Mixture):
        found["modes hit"], found["near a mode"] = modes_hit(x, evaluator.toy)
        found["rarest mode"] = float(mode_shares(x, evaluator.toy).min())
    toy = evaluator.toy
    if evaluator.p_data is None and isinstance(toy, Curve) and toy.shape == "ring":
        found["distance from the ring"], found["angles covered"] = ring_fit(x)
    return found


def take_snapshot(g: Game, evaluator: Evaluator) -> Snapshot:
    """Compute a snapshot, of the averaged G if one is kept; the game is not changed.

    In the joint game D is evaluated on pairs: (x, E(x)) for cells and data, (G(z), z) for samples.

    Raises:
        Diverged: an output of a network is NaN or infinite.
    """
    G = g.G if g.averaged is None else g.averaged
    samples = game.sample(G, g.settings, len(evaluator.data)).double().numpy()
    centres = [(e[1:] + e[:-1]) / 2 for e in evaluator.edges]
    at = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1)
    points, codes = [at.reshape(-1, 2), evaluator.data, samples], None
    if isinstance(G, GeneratorWithEncoder):
        codes = evaluate(G.E, evaluator.data)
        second = (evaluate(G.E, points[0]), codes, noise_of_samples(g.settings, len(samples)))
        points = [np.hstack(pair) for pair in zip(points, second, strict=True)]
    a, a_data, a_samples = np.split(
        evaluate(g.D, np.concatenate(points))[:, 0], np.cumsum([len(x) for x in points])[:2]
    )
    check_finite(g, samples, a)
    z = evaluator.z
    grid = None if z is None else evaluate(G, z.reshape(-1, z.shape[2])).reshape(*z.shape[:2], 2)
    D = expit(a.reshape(at.shape[:2]))
    found, reconstructions = measures(samples, evaluator), None
    if codes is not None:
        reconstructions = evaluate(G, codes)
        distances = np.linalg.norm(reconstructions - evaluator.data, axis=1)
        found["reconstruction"] = float(distances.mean())
    of_E = codes, reconstructions
    return Snapshot(
        g.round, samples, a_data, a_samples, D, grid, found, *of_E, g.settings.objective
    )


def noise_of_samples(s: Settings, n: int) -> Float64[np.ndarray, "n z_size"]:
    """The noise of the first n samples of a snapshot."""
    z = priors.draw(s.prior, Address(s.seed, 0, range(n)), s.z_size, "samples")
    return z.double().numpy()


def metrics(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Metric]:
    """The metrics of a snapshot, each with its value for a perfect generator.

    ``V`` (in nats) and D's ``accuracy`` are means over the evaluator's data and the samples, ``C``
    is −log 4 + 2·JSD, the maximum of V over D; the other names are those of `measures`. In the
    joint game ``reconstruction`` is the mean distance of x from G(E(x)). Only the paper's
    objectives have ``C``; an objective without a threshold has no ``accuracy``.
    """
    LOG4, floors, objective = divergences.LOG4, evaluator.floors, snapshot.objective
    a_data, a_samples = snapshot.a_data, snapshot.a_samples
    perfect, level = optimum.V_of_perfect_G(objective), optimum.threshold(objective)
    found = {"V": Metric(optimum.V_from_logits(objective, a_data, a_samples), perfect)}
    if "JSD" in floors and objectives.find(objective).d_ascends_V:
        found["C"] = Metric(2 * snapshot.measures["JSD"] - LOG4, 2 * floors["JSD"] - LOG4)
    if not math.isnan(level):
        found["accuracy"] = Metric(accuracy(a_data - level, a_samples - level), 0.5)
    return found | {
        name: Metric(float(value), floors.get(name, 0.0))
        for name, value in snapshot.measures.items()
    }
