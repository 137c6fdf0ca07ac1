"""Figure 1 as a game that is really played, on the line, where the truth about it is known.

G maps noise z on a line to x on a line, so p_g is known exactly by change of variables, and with
it D* and −log 4 + 2·JSD: what the nets have learned can be held against what §4 says.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.special import expit, ndtri
from torch import Tensor, nn

from adversarial_nets import build, game, nets
from adversarial_nets.errors import UserError
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences, quadrature
from adversarial_nets.toys import distributions
from adversarial_nets.toys.watching import Metric, apply, check_finite, make_discriminator

__all__ = [
    "SETTINGS",
    "Evaluator",
    "Snapshot",
    "metrics",
    "new_evaluator",
    "new_game",
    "take_snapshot",
]

SETTINGS = Settings(
    # Sigmoid units make G smooth, and p_g with it; ReLU would make p_g a staircase.
    G=GeneratorSettings(
        hidden=(32, 32),
        activations=("sigmoid",),
        output="linear",
        init=(10.0, 1.5, 0.05),
        bias_from_marginals=False,
    ),
    D=DiscriminatorSettings(
        units=(32, 32), pieces=3, init=(1.0, 0.3, 0.3), keep_prob_input=1.0, keep_prob_hidden=1.0
    ),
    protocol="paper",
    k=3,
    batch=512,
    z_size=1,
    optimiser="adam",
    lr=0.0015,
    d_lr_multiplier=8.0,  # D learns faster than G, so that it stays near D* (Proposition 2)
    lr_decay=1.0005,
    momentum_end=0.5,
)
"""The game that Figure 1 plays unless told otherwise."""

ROUNDS = 1500
CELLS = 240  # of x, for p_g and for the pictures
JUDGED_CELLS = 40  # of x, where a measure must make do with samples

Edges = Float64[np.ndarray, " edges"]
Cells = Float64[np.ndarray, " cells"]
Masses = Float64[np.ndarray, " masses"]  # left of the cells, in each cell, right of them
Ends = Float64[np.ndarray, " ends"]
Shares = Float64[np.ndarray, " shares"]
Arrows = Float64[np.ndarray, " arrows"]


# --- The players ----------------------------------------------------------------------------------


class _Generator(nn.Module):
    """G(z) = offset + spread · (slope · bump(z) + net(z)): a smooth bump, which the net bends.

    The bump is the logit of z's quantile where z is uniform, and z itself where it is Gaussian: in
    both cases it covers the whole line.
    """

    def __init__(self, net: nn.Module, offset: float, spread: float, uniform: bool) -> None:
        super().__init__()
        self.net, self.offset, self.spread, self.uniform = net, offset, spread, uniform
        self.slope = nn.Parameter(torch.tensor(0.45))

    def forward(self, z: Float[Tensor, "m 1"]) -> Float[Tensor, "m 1"]:
        if self.uniform:
            bump = torch.logit((z / math.sqrt(12) + 0.5).clamp(1e-6, 1 - 1e-6))
        else:
            bump = math.pi / math.sqrt(3) * z  # as wide as the logit's
        return self.offset + self.spread * (self.slope * bump + self.net(z))


def new_game(toy: distributions.Toy, settings: Settings = SETTINGS) -> Game:
    """Set up the game of Figure 1: p_g stands one spread to the left of the data.

    Args:
        toy: the data, on the line.
        settings: the game's; z_size must be 1, and the prior uniform or Gaussian.

    Raises:
        UserError: data or noise that do not fit on a line.
    """
    if toy.pixels != 1:
        raise UserError("Figure 1 is a game on the line; for data in the plane there is `plane`.")
    if settings.z_size != 1 or settings.prior == "spherical":
        raise UserError(
            "Figure 1 draws z on a line: z_size must be 1, and the prior not spherical."
        )
    x = distributions.draw(toy, 10_000)
    mean, spread = float(x.mean()), float(x.std())
    bent = nets.generator(settings.G, 1, 1, settings.seed)
    linears = [m for m in bent if isinstance(m, nn.Linear)]
    with torch.no_grad():
        if settings.G.hidden:  # each unit of the first layer gets its own place on z's line
            places = torch.linspace(-1.8, 1.8, settings.G.hidden[0])
            linears[0].bias.copy_(-linears[0].weight[:, 0] * places)
        linears[-1].bias.sub_(bent(torch.zeros(1, 1))[0])  # p_g begins where it is put
    G = _Generator(bent, mean - spread, spread, settings.prior == "uniform")
    return build.new_game(settings, toy, G=G, D=make_discriminator(settings, x))


# --- Looking at a game ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Evaluator:
    """What a game on the line is looked at with; it does not change while the game is played.

    Attributes:
        toy: what the data are.
        edges: of the cells of x.
        x: the cells' middles.
        p_data: the data's masses: what lies left of the cells, each cell's, what lies right.
        z: a grid of noise, n + 1 ends of n cells.
        z_mass: p_z's mass in each cell.
        arrows: a few z, with the same mass between each two, whose G(z) is drawn.
        floor: what C, estimated from a minibatch as in `Snapshot.C_judged`, would be on average if the
            samples came from the data themselves.
    """

    toy: distributions.Toy
    edges: Edges
    x: Cells
    p_data: Masses
    z: Ends
    z_mass: Shares
    arrows: Arrows
    floor: float


@dataclass(frozen=True)
class Snapshot:
    """A game on the line at one moment, as §4 sees it.

    Attributes:
        round: when.
        p_g: the generator's masses in the cells of the board, exact.
        a: D's logits: at the left edge, the cells' middles, and the right edge.
        G: G(z) of the board's arrows.
        V: V(D, G) of the learned D, exact on the cells.
        C: C(G) = −log 4 + 2·JSD, exact on the cells; V is at most this.
        C_judged: the same as one would estimate it from a minibatch of samples and one of data.
        distance: E|D − D*| over data and samples, half of each.
    """

    round: int
    p_g: Masses
    a: Masses
    G: Arrows
    V: float
    C: float
    C_judged: float
    distance: float


def new_evaluator(toy: distributions.Toy, settings: Settings = SETTINGS) -> Evaluator:
    """The board for a game on this toy, wide enough for the data and for where G starts."""
    x = distributions.draw(toy, 10_000)
    mean, spread = x.mean(), x.std()
    low = min(x.min() - 0.5 * spread, mean - 3.5 * spread)
    high = max(x.max() + 0.5 * spread, mean + 2 * spread)
    edges = np.linspace(low, high, CELLS + 1)
    masses = distributions.cell_masses(toy, (edges,))
    outside = max(1 - masses.sum(), 0.0) / 2
    z, z_mass = _noise_grid(settings.prior, 2000)
    return Evaluator(
        toy=toy,
        edges=edges,
        x=(edges[1:] + edges[:-1]) / 2,
        p_data=_normal(np.concatenate([[outside], masses, [outside]])),
        z=z,
        z_mass=z_mass,
        arrows=np.interp((np.arange(25) + 0.5) / 25, np.cumsum(z_mass), z[1:]),
        floor=_floor(toy, edges, settings.batch),
    )


def take_snapshot(g: Game, evaluator: Evaluator) -> Snapshot:
    """See the game as it stands; nothing about it changes.

    Raises:
        Diverged: a player's weights are no longer numbers.
    """
    at = np.concatenate([evaluator.edges[:1], evaluator.x, evaluator.edges[-1:]])
    G_z, a = apply(g.G, evaluator.z[:, None])[:, 0], apply(g.D, at[:, None])[:, 0]
    check_finite(g, G_z, a)
    p_g = quadrature.pushforward(G_z, evaluator.z_mass, evaluator.edges)
    off = np.nan_to_num(
        np.abs(expit(a) - divergences.D_star(evaluator.p_data, p_g))
    )  # 0 where no mass
    n = g.settings.batch
    samples = game.sample(g.G, g.settings, n, f"judged at round {g.round}").double().numpy()
    data = distributions.draw(evaluator.toy, n, g.settings.seed, f"judged at round {g.round}")
    return Snapshot(
        round=g.round,
        p_g=p_g,
        a=a,
        G=apply(g.G, evaluator.arrows[:, None])[:, 0],
        V=divergences.V(a, evaluator.p_data, p_g),
        C=divergences.C(evaluator.p_data, p_g),
        C_judged=_C_judged(data, samples, evaluator.edges),
        distance=float(off @ (evaluator.p_data + p_g) / 2),
    )


def metrics(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Metric]:
    """What can be read off a frame, each number beside a perfect generator's; in nats where it can.

    ``V``, ``C`` (−log 4 + 2·JSD), ``JSD``, ``KL data g``, ``KL g data``, ``accuracy`` (of D) and
    ``distance`` (mean |D − D*|) are exact on the board's cells, and so is ``modes hit`` (as in
    `plane.modes_hit`) for a mixture; ``C from samples`` is an estimate from as many samples as a
    minibatch has.
    """
    p, q, yes = evaluator.p_data, snapshot.p_g, snapshot.a > 0
    found = {
        "V": Metric(snapshot.V, -divergences.LOG4),
        "C": Metric(snapshot.C, -divergences.LOG4),
        "C from samples": Metric(snapshot.C_judged, evaluator.floor),
        "JSD": Metric((snapshot.C + divergences.LOG4) / 2, 0.0),
        "KL data g": Metric(divergences.KL(p, q), 0.0),
        "KL g data": Metric(divergences.KL(q, p), 0.0),
        "accuracy": Metric(float(p[yes].sum() + q[~yes].sum()) / 2, 0.5),
        "distance": Metric(snapshot.distance, 0.0),
    }
    if isinstance(evaluator.toy, distributions.Mixture) and len(evaluator.toy.means) > 1:
        means, stds = np.array(evaluator.toy.means)[:, 0], np.array(evaluator.toy.stds)
        near = q[1:-1] @ (np.abs(evaluator.x[:, None] - means) < 3 * stds)
        hit = int((near >= 0.1 * np.array(evaluator.toy.weights)).sum())
        found["modes hit"] = Metric(float(hit), float(len(means)))
    return found


def _noise_grid(prior: str, cells: int) -> tuple[Ends, Shares]:
    """Ends of cells of z, and p_z's mass in each; finer and finer towards both ends of the line."""
    u = expit(np.linspace(-14, 14, cells + 1))
    u[0], u[-1] = 0, 1
    z = (2 * u - 1) * math.sqrt(3) if prior == "uniform" else ndtri(u.clip(1e-7, 1 - 1e-7))
    return z, np.diff(u)


def _normal(masses: Masses) -> Masses:
    return masses / masses.sum()


def _C_judged(data: np.ndarray, samples: np.ndarray, edges: Edges) -> float:
    """−log 4 + 2·JSD of two samples' histograms in fewer and wider cells."""
    wide = edges[:: CELLS // JUDGED_CELLS].copy()
    wide[0], wide[-1] = -np.inf, np.inf
    p, q = (np.histogram(x, wide)[0] / len(x) for x in (data, samples))
    return divergences.C(p, q)


def _floor(toy: distributions.Toy, edges: Edges, n: int, pairs: int = 20) -> float:
    """The mean of `_C_judged` where both samples are the data's."""
    x = distributions.draw(toy, 2 * pairs * n, purpose="floor").reshape(pairs, 2, n)
    return float(np.mean([_C_judged(one, other, edges) for one, other in x]))
