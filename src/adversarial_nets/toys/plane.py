"""The game in the plane: data and samples that can be seen, and measured against the truth.

Every measure made from samples comes with its *floor*: what a perfect generator, one that draws
from the data's own distribution, would get with the same number of samples. Only the distance from
the floor says anything about G.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from scipy.special import expit
from torch import nn

from adversarial_nets import build, game, nets
from adversarial_nets.errors import UserError
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences
from adversarial_nets.toys import distributions
from adversarial_nets.toys.watching import (
    Affine,
    Metric,
    apply,
    check_finite,
    make_discriminator,
    smoothed_KL,
)

__all__ = [
    "SETTINGS",
    "Evaluator",
    "Snapshot",
    "jsd_from_samples",
    "metrics",
    "modes_hit",
    "new_evaluator",
    "new_game",
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
"""The game in the plane unless told otherwise."""

ROUNDS = 3000
SAMPLES = 5000  # that a frame is measured by

XY = Float64[np.ndarray, "n 2"]
Cells = Float64[np.ndarray, "across up"]


# --- Measures -------------------------------------------------------------------------------------


def jsd_from_samples(x: XY, p_data: Cells, edges: divergences.Axes) -> float:
    """JSD(p_data ‖ p_g) in nats, p_g being a histogram of samples in the cells of p_data.

    Coarse cells hide what happens inside them, and few samples look unlike any density, even their
    own: for n samples in c cells that hold mass, the floor is about (c − 1) / 8n.
    """
    p, counts = _in_cells(x, p_data, edges)
    return divergences.JSD(p, counts / len(x))


def _in_cells(x: XY, p_data: Cells, edges: divergences.Axes) -> tuple[np.ndarray, np.ndarray]:
    """The data's mass and the number of samples in each cell, and last outside all of them."""
    inside, _ = np.histogramdd(x, bins=edges)
    p = np.append(p_data.ravel(), max(1 - p_data.sum(), 0))
    return p / p.sum(), np.append(inside.ravel(), len(x) - inside.sum())


def modes_hit(x: XY, toy: distributions.Mixture) -> tuple[int, float]:
    """How many Gaussians of a mixture the samples found, and the share that lies near any.

    A sample belongs to a Gaussian when it is within 3 of its σ; a perfect generator has
    1 − exp(−9/2) = 98.9 % of its samples so near. A Gaussian counts as hit when it has at least a
    tenth of the samples that are its due.
    """
    away = np.linalg.norm(x[:, None] - np.array(toy.means), axis=-1) / np.array(toy.stds)
    near = away < 3
    due = len(x) * np.array(toy.weights)
    return int((near.sum(0) >= 0.1 * due).sum()), float(near.any(1).mean())


def ring_fit(x: XY, radius: float = 2.0, sectors: int = 36) -> tuple[float, float]:
    """How well samples fit a ring of zero width, which has no density to compare them with.

    Returns:
        The mean distance of a sample from the ring, 0 at best, and the share of equal sectors of
        angle that hold at least a tenth of the samples that are their due, 1 at best.

    >>> ring_fit(np.array([[2.0, 0.0], [0.0, -1.0]]), sectors=4)
    (0.5, 0.5)
    """
    distance = np.abs(np.hypot(x[:, 0], x[:, 1]) - radius)
    turns = np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) % 1
    counts = np.bincount((turns * sectors).astype(int) % sectors, minlength=sectors)
    return float(distance.mean()), float((counts >= 0.1 * len(x) / sectors).mean())


# --- Looking at a game ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Evaluator:
    """What a game in the plane is looked at with.

    Attributes:
        toy: what the data are.
        data: points of it, as many as a frame has samples.
        edges: of square cells, on both axes.
        p_data: the data's mass in each cell, or None where it has no density.
        z: a grid of noise to see bent by G: lines (2 · 15) of points (60) in the plane of z, or
            None where z is not in the plane.
        floors: the measures of a perfect generator, by name.
    """

    toy: distributions.Toy
    data: XY
    edges: divergences.Axes
    p_data: Cells | None
    z: Float64[np.ndarray, "lines points 2"] | None
    floors: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """A game in the plane at one moment.

    Attributes:
        round: when.
        samples: of G.
        a_data: D's logits on the board's data.
        a_samples: D's logits on the samples.
        D: D's probability in the middle of each cell of the board.
        grid: the board's grid of noise, carried to x by G; or None.
        measures: of the samples, by name.
    """

    round: int
    samples: XY
    a_data: Float64[np.ndarray, " n"]
    a_samples: Float64[np.ndarray, " n"]
    D: Cells
    grid: Float64[np.ndarray, "lines points 2"] | None
    measures: dict[str, float]


def new_game(toy: distributions.Toy, settings: Settings = SETTINGS) -> Game:
    """Set up a game in the plane; both nets see the data standardised.

    Raises:
        UserError: the data are not in the plane.
    """
    if toy.pixels != 2:
        raise UserError("This is a game in the plane; for data on the line there is `figure1`.")
    x = distributions.draw(toy, 10_000)
    net = nets.generator(settings.G, settings.z_size, 2, settings.seed)
    G = nn.Sequential(net, Affine(x.mean(0), x.std(0)))
    return build.new_game(settings, toy, G=G, D=make_discriminator(settings, x))


def new_evaluator(
    toy: distributions.Toy, settings: Settings = SETTINGS, cells: int = 40, samples: int = SAMPLES
) -> Evaluator:
    """The board for a game on this toy: a square around the data.

    Args:
        toy: the data, in the plane.
        settings: the game's.
        cells: of the square, on each axis.
        samples: by which a frame is measured, and with which the floors are found.
    """
    data = distributions.draw(toy, samples)
    middle, half = (data.max(0) + data.min(0)) / 2, 0.65 * np.ptp(data, axis=0).max()
    edges = tuple(np.linspace(m - half, m + half, cells + 1) for m in middle)
    p_data = distributions.cell_masses(toy, edges) if toy.has_density else None
    lines = None
    if settings.z_size == 2:
        ends = 3**0.5 if settings.prior == "uniform" else 2.5
        along, across = np.linspace(-ends, ends, 60), np.linspace(-ends, ends, 15)
        one = np.stack(np.broadcast_arrays(along, across[:, None]), axis=-1)
        lines = np.concatenate([one, one[..., ::-1]])
    evaluator = Evaluator(toy, data, edges, p_data, lines, {})
    perfect = [
        measures(distributions.draw(toy, samples, purpose=f"floor {i}"), evaluator)
        for i in range(5)
    ]
    floors = {name: float(np.mean([m[name] for m in perfect])) for name in perfect[0]}
    return replace(evaluator, floors=floors)


def measures(x: XY, evaluator: Evaluator) -> dict[str, float]:
    """What can be said of samples: each measure that this toy allows, by name.

    JSD is of the samples' histogram, both KL of the same one smoothed (`toy_games.smoothed_KL`);
    ``data without samples`` is the data's mass in cells where no sample fell, the mass that makes
    the KL of the plain histogram infinite.
    """
    found = {}
    if evaluator.p_data is not None:
        p, counts = _in_cells(x, evaluator.p_data, evaluator.edges)
        found["JSD"] = divergences.JSD(p, counts / len(x))
        found["KL data g smoothed"], found["KL g data smoothed"] = smoothed_KL(p, counts)
        found["data without samples"] = float(p[counts == 0].sum())
    if isinstance(evaluator.toy, distributions.Mixture):
        found["modes hit"], found["near a mode"] = modes_hit(x, evaluator.toy)
    if evaluator.p_data is None:
        found["distance from the ring"], found["angles covered"] = ring_fit(x)
    return found


def take_snapshot(g: Game, evaluator: Evaluator) -> Snapshot:
    """See the game as it stands; nothing about it changes.

    Raises:
        Diverged: a player's weights are no longer numbers.
    """
    samples = game.sample(g.G, g.settings, len(evaluator.data)).double().numpy()
    middles = [(e[1:] + e[:-1]) / 2 for e in evaluator.edges]
    at = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)
    seen = [at.reshape(-1, 2), evaluator.data, samples]
    a, a_data, a_samples = np.split(
        apply(g.D, np.concatenate(seen))[:, 0], np.cumsum([len(x) for x in seen])[:2]
    )
    check_finite(g, samples, a)
    grid = (
        None
        if evaluator.z is None
        else apply(g.G, evaluator.z.reshape(-1, 2)).reshape(evaluator.z.shape)
    )
    D = expit(a.reshape(at.shape[:2]))
    return Snapshot(g.round, samples, a_data, a_samples, D, grid, measures(samples, evaluator))


def metrics(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Metric]:
    """What can be read off a frame, each number beside a perfect generator's; in nats where it can.

    ``V`` and D's ``accuracy`` are means over the board's data and the frame's samples, ``C`` is
    −log 4 + 2·JSD; the other names are those of `measures`.
    """
    V = float(
        -np.logaddexp(0, -snapshot.a_data).mean() - np.logaddexp(0, snapshot.a_samples).mean()
    )
    accuracy = float((snapshot.a_data > 0).mean() + (snapshot.a_samples <= 0).mean()) / 2
    found = {"V": Metric(V, -divergences.LOG4)}
    if "JSD" in snapshot.measures:
        jsd, floor = snapshot.measures["JSD"], evaluator.floors["JSD"]
        found["C"] = Metric(2 * jsd - divergences.LOG4, 2 * floor - divergences.LOG4)
    found["accuracy"] = Metric(accuracy, 0.5)
    return found | {
        name: Metric(float(value), evaluator.floors[name])
        for name, value in snapshot.measures.items()
    }
