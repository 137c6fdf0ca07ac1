"""Games on one-dimensional data (Figure 1), with exact p_g, D* and C(G).

G maps one-dimensional noise z to one-dimensional x, so p_g follows exactly by change of variables.
D* and C(G) = −log 4 + 2·JSD are computed from p_g and compared with the learned D and V (§4). For
other objectives than the paper's, V, D* and the maximum of V are those of the objective
(`optimum`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.special import expit
from torch import Tensor, nn

from adversarial_nets import build, game, nets, priors
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.layers import evaluation_mode
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.state import Game
from adversarial_nets.theory import divergences, quadrature
from adversarial_nets.toys import optimum
from adversarial_nets.toys.distributions import Mixture, Toy, sample_points
from adversarial_nets.toys.measures import Metric, mode_shares
from adversarial_nets.toys.networks import check_finite, evaluate, make_discriminator

__all__ = [
    "ROUNDS",
    "SETTINGS",
    "Evaluator",
    "Snapshot",
    "metrics",
    "new_evaluator",
    "new_game",
    "take_snapshot",
]

SETTINGS = Settings(
    # Sigmoid units make G and p_g smooth; with ReLU units p_g would be piecewise constant.
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
"""The default settings of games on the line."""

ROUNDS = 1500
"""The default number of rounds of Figure 1's game."""

CELLS = 240  # number of cells of x, for exact masses and for plots
SAMPLE_CELLS = 40  # number of cells of x in histograms of samples

Edges = Float64[np.ndarray, " edges"]
Cells = Float64[np.ndarray, " cells"]
Masses = Float64[np.ndarray, " masses"]  # left of the cells, in each cell, right of them
Ends = Float64[np.ndarray, " ends"]
Shares = Float64[np.ndarray, " shares"]
Arrows = Float64[np.ndarray, " arrows"]


# --- The networks ---------------------------------------------------------------------------------


class _Generator(nn.Module):
    """G(z) = offset + scale · (slope · base(z) + net(z)): a network with a skip connection.

    base(z) is the logit of z's quantile if z is uniform, and proportional to z if it is Gaussian.
    In both cases it covers the whole line and gives p_g a bell shape.

    Args:
        net: the network.
        offset: the initial mean of p_g.
        scale: the standard deviation of the data.
        bound: the largest absolute value of z; infinite if z is Gaussian.
    """

    def __init__(self, net: nn.Module, offset: float, scale: float, bound: float) -> None:
        super().__init__()
        self.net, self.offset, self.scale, self.bound = net, offset, scale, bound
        self.slope = nn.Parameter(torch.tensor(0.45))

    def forward(self, z: Float[Tensor, "m 1"]) -> Float[Tensor, "m 1"]:
        """G(z). Shapes: (m, 1) to (m, 1)."""
        if math.isfinite(self.bound):
            base = torch.logit((z / (2 * self.bound) + 0.5).clamp(1e-6, 1 - 1e-6))
        else:
            base = math.pi / math.sqrt(3) * z  # scaled to the variance of the logit
        return self.offset + self.scale * (self.slope * base + self.net(z))


def new_game(toy: Toy, settings: Settings = SETTINGS) -> Game:
    """Set up Figure 1's game; p_g starts one standard deviation to the left of the data.

    Args:
        toy: one-dimensional data.
        settings: settings of the game; z_size must be 1, and the prior uniform or Gaussian.

    Raises:
        UserError: data or noise that are not one-dimensional.
    """
    if toy.pixels != 1:
        raise UserError(
            f"The data have {toy.pixels} coordinates; a game on the line needs 1. For data in the "
            "plane use `plane` in place of `figure1` (in Python, PLANE)."
        )
    if settings.z_size != 1:
        raise SettingError("z_size", f"is {settings.z_size}; a game on the line needs 1.")
    bound = _quantile(settings.prior)[1]
    x = sample_points(toy, 10_000)
    mean, std = float(x.mean()), float(x.std())
    net = nets.generator(settings.G, 1, 1, settings.seed)
    linears = [m for m in net if isinstance(m, nn.Linear)]
    with torch.no_grad():
        if settings.G.hidden:  # spread the first layer's units over the range of z
            centres = torch.linspace(-1.8, 1.8, settings.G.hidden[0])
            linears[0].bias.copy_(-linears[0].weight[:, 0] * centres)
        with evaluation_mode(net):  # training-mode batch normalisation needs more than one row
            linears[-1].bias.sub_(net(torch.zeros(1, 1))[0])  # net(0) = 0, so p_g is at `offset`
    G = _Generator(net, mean - std, std, bound)
    return build.new_game(settings, toy, G=G, D=make_discriminator(settings, x))


# --- Snapshots and metrics ------------------------------------------------------------------------


@dataclass(frozen=True)
class Evaluator:
    """Cells of x and z, and reference values, for snapshots of a game on the line.

    Attributes:
        toy: the data's distribution.
        edges: the edges of the cells of x.
        x: the cells' centres.
        p_data: the data's probability left of the cells, in each cell, and right of them.
        z: the edges of the cells of z.
        z_mass: p_z's probability of each cell of z.
        arrows: z of the plotted arrows, with equal probability between neighbours.
        floor: the expected value of `Snapshot.C_from_samples` for a perfect generator.
    """

    toy: Toy
    edges: Edges
    x: Cells
    p_data: Masses
    z: Ends
    z_mass: Shares
    arrows: Arrows
    floor: float

    @property
    def support(self) -> Masses:
        """The points of `p_data` and `Snapshot.a`: the first edge, the centres, the last edge."""
        return np.concatenate([self.edges[:1], self.x, self.edges[-1:]])


@dataclass(frozen=True)
class Snapshot:
    """A game on the line at one round.

    Attributes:
        round: the round.
        p_g: the generator's probability left of the cells, in each cell, and right of them; exact.
        a: D's logits at the evaluator's `support`.
        G: G(z) for the evaluator's `arrows`.
        V: V(D, G) of the learned D, exact on the cells.
        C: C(G) = −log 4 + 2·JSD, exact on the cells.
        C_from_samples: C(G), estimated from one minibatch of samples and one of data.
        distance: E|D − D*| over data and samples, half of each; NaN without D*.
        objective: the objective that D and G play.
        D_star: the objective's D* at the evaluator's `support`; NaN where it is not known
            (`optimum.D_star`).
        V_star: the maximum of V over D (for the paper's objectives equal to `C`); NaN without D*.
    """

    round: int
    p_g: Masses
    a: Masses
    G: Arrows
    V: float
    C: float
    C_from_samples: float
    distance: float
    objective: str
    D_star: Masses
    V_star: float


def new_evaluator(toy: Toy, settings: Settings = SETTINGS) -> Evaluator:
    """The evaluator for a game on this toy; its cells cover the data and the initial p_g."""
    x = sample_points(toy, 10_000)
    mean, std = x.mean(), x.std()
    low = min(x.min() - 0.5 * std, mean - 3.5 * std)
    high = max(x.max() + 0.5 * std, mean + 2 * std)
    edges = np.linspace(low, high, CELLS + 1)
    masses = toy.cell_masses((edges,))
    outside = max(1 - masses.sum(), 0.0) / 2
    p_data = np.concatenate([[outside], masses, [outside]])
    z, z_mass = _noise_grid(settings.prior, 2000)
    return Evaluator(
        toy=toy,
        edges=edges,
        x=(edges[1:] + edges[:-1]) / 2,
        p_data=p_data / p_data.sum(),
        z=z,
        z_mass=z_mass,
        arrows=np.interp((np.arange(25) + 0.5) / 25, np.cumsum(z_mass), z[1:]),
        floor=_floor(toy, edges, settings.batch),
    )


def take_snapshot(g: Game, evaluator: Evaluator) -> Snapshot:
    """Compute a snapshot; the game is not changed.

    Raises:
        Diverged: an output of a network is NaN or infinite.
    """
    G_z = evaluate(g.G, evaluator.z[:, None])[:, 0]
    a = evaluate(g.D, evaluator.support[:, None])[:, 0]
    check_finite(g, G_z, a)
    p_data, p_g = evaluator.p_data, quadrature.pushforward(G_z, evaluator.z_mass, evaluator.edges)
    objective = g.settings.objective
    D_star = optimum.D_star(objective, a, p_data, p_g)
    V_star = optimum.V_star(objective, p_data, p_g)
    difference = np.nan_to_num(np.abs(expit(a) - D_star))  # D* is NaN where p_data and p_g are 0
    distance = float(difference @ (p_data + p_g) / 2)
    n, purpose = g.settings.batch, f"judged at round {g.round}"
    samples = game.sample(g.G, g.settings, n, purpose).double().numpy()
    data = sample_points(evaluator.toy, n, g.settings.seed, f"{purpose}: data")
    return Snapshot(
        round=g.round,
        p_g=p_g,
        a=a,
        G=evaluate(g.G, evaluator.arrows[:, None])[:, 0],
        V=optimum.V(objective, a, p_data, p_g),
        C=divergences.C(p_data, p_g),
        C_from_samples=_C_from_samples(data, samples, evaluator.edges),
        distance=math.nan if math.isnan(V_star) else distance,
        objective=objective,
        D_star=D_star,
        V_star=V_star,
    )


def metrics(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Metric]:
    """The metrics of a snapshot, each with its value for a perfect generator.

    ``V``, ``C`` (the maximum of V over D: −log 4 + 2·JSD for the paper's objectives), ``JSD``, ``KL
    data g`` and ``KL g data`` are in nats. ``accuracy`` is D's, ``distance`` is mean |D − D*|;
    ``modes hit`` and ``rarest mode`` are given for mixtures (see `mode_shares`). All are
    exact on the evaluator's cells, except ``C from samples``, which is estimated from one
    minibatch. An objective without D* has no ``C`` and ``distance``, one without a threshold no
    ``accuracy``.
    """
    p, q, objective = evaluator.p_data, snapshot.p_g, snapshot.objective
    perfect, level = optimum.V_of_perfect_G(objective), optimum.threshold(objective)
    real = snapshot.a > level
    found = {
        "V": Metric(snapshot.V, perfect),
        "C": Metric(snapshot.V_star, perfect),
        "C from samples": Metric(snapshot.C_from_samples, evaluator.floor),
        "JSD": Metric((snapshot.C + divergences.LOG4) / 2, 0.0),
        "KL data g": Metric(divergences.KL(p, q), 0.0),
        "KL g data": Metric(divergences.KL(q, p), 0.0),
        "accuracy": Metric(float(p[real].sum() + q[~real].sum()) / 2, 0.5),
        "distance": Metric(snapshot.distance, 0.0),
    }
    if not optimum.same_V(objective, "minimax"):
        del found["C from samples"]  # it estimates the C of Equation 1
    if perfect is None:
        del found["C"], found["distance"]
    if math.isnan(level):
        del found["accuracy"]
    if isinstance(evaluator.toy, Mixture) and len(evaluator.toy.means) > 1:
        centres = evaluator.x[:, None]
        shares = mode_shares(centres, evaluator.toy, q[1:-1])
        found["modes hit"] = Metric(float((shares >= 0.1).sum()), float(len(shares)))
        of_data = mode_shares(centres, evaluator.toy, p[1:-1])
        found["rarest mode"] = Metric(float(shares.min()), float(of_data.min()))
    return found


def _quantile(prior: str) -> tuple[Callable[[Tensor], Tensor], float]:
    """The prior's quantiles and bound.

    Raises:
        SettingError: a prior without quantiles.
    """
    found = priors.find(prior)
    if found.quantile is None:
        raise SettingError("prior", f"is {prior}; on the line it must be uniform or gaussian.")
    return found.quantile, found.bound


def _noise_grid(prior: str, cells: int) -> tuple[Ends, Shares]:
    """Edges of cells of z and p_z's probability of each cell; finer towards both ends."""
    u = expit(np.linspace(-14, 14, cells + 1))
    u[0], u[-1] = 0, 1
    quantile, bound = _quantile(prior)
    inside = u if math.isfinite(bound) else u.clip(1e-7, 1 - 1e-7)
    return quantile(torch.from_numpy(inside)).numpy(), np.diff(u)


def _C_from_samples(data: np.ndarray, samples: np.ndarray, edges: Edges) -> float:
    """−log 4 + 2·JSD of the histograms of data and samples, in `SAMPLE_CELLS` wider cells."""
    wide = edges[:: CELLS // SAMPLE_CELLS].copy()
    wide[0], wide[-1] = -np.inf, np.inf
    p, q = (np.histogram(x, wide)[0] / len(x) for x in (data, samples))
    return divergences.C(p, q)


def _floor(toy: Toy, edges: Edges, n: int) -> float:
    """The mean of `_C_from_samples` over 20 pairs of samples of size n from the data."""
    pairs = 20
    x = sample_points(toy, 2 * pairs * n, purpose="floor").reshape(pairs, 2, n)
    return float(np.mean([_C_from_samples(first, second, edges) for first, second in x]))
