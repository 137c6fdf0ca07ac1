"""A deep Boltzmann machine, DBM (Salakhutdinov and Hinton 2009), discussed in §2 of the paper.

Unlike a deep belief network, the whole model is undirected:

    E(v, h¹, h²) = −v·b − h¹·c¹ − h²·c² − v W¹ h¹ − h¹ W² h²,    p ∝ exp(−E).

Neither average in the log-likelihood's gradient, ⟨−∂E/∂θ⟩_data − ⟨−∂E/∂θ⟩_model, can be computed
exactly. The first is taken over the mean-field distribution q(h) = Π_j q(h_j), the factorised
distribution closest to p(h | v), found by fixed-point iteration. The second is taken from Gibbs
chains that continue from update to update (PCD). Z cannot be computed either, so the model gives
samples, by a Markov chain, but no likelihood.

Training from random weights fails. Each layer is therefore first trained separately, as an RBM
(CD-1). The first RBM doubles its input and the second doubles its output, to replace the layer that
each of them lacks.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.chains import ChainSampler
from adversarial_nets.baselines.fitting import FitSession, FitSteps
from adversarial_nets.baselines.optimisers import ascend_with_momentum, batches_per_epoch, minibatch
from adversarial_nets.baselines.rbm import bernoulli, logit_of_mean
from adversarial_nets.random import Address

__all__ = ["DBM", "Settings", "fit", "gibbs", "log_likelihood_gradient", "mean_field", "sample"]


@dataclass(frozen=True)
class Settings:
    """Settings of a DBM.

    Sizes, mean-field steps, chains and the joint learning rate are published; the rest is ours.

    Attributes:
        hidden: units of h¹ and h².
        epochs: epochs of CD-1 for the first layer, for the second, and of the joint training.
        lr: learning rate of each phase; the joint one falls linearly to 0.
        momentum: momentum of both CD-1 phases.
        mean_field_steps: steps of the mean-field iteration for each image.
        gibbs_steps: Gibbs steps of the persistent chains in each update.
        chains: number of persistent chains.
        weight_decay: weight decay.
        batch: images in a minibatch.
        seed: seed of all random draws.
    """

    hidden: tuple[int, int] = (500, 1000)
    epochs: tuple[int, int, int] = (50, 50, 300)
    lr: tuple[float, float, float] = (0.05, 0.05, 0.005)
    momentum: float = 0.9
    mean_field_steps: int = 10
    gibbs_steps: int = 5
    chains: int = 100
    weight_decay: float = 2e-4
    batch: int = 100
    seed: int = 0


@dataclass(frozen=True)
class DBM:
    """A deep Boltzmann machine.

    Attributes:
        W1: weights between v and h¹.
        W2: weights between h¹ and h².
        b: biases of v.
        c1: biases of h¹.
        c2: biases of h².
    """

    W1: Float[Tensor, "visible hidden1"]
    W2: Float[Tensor, "hidden1 hidden2"]
    b: Float[Tensor, " visible"]
    c1: Float[Tensor, " hidden1"]
    c2: Float[Tensor, " hidden2"]

    def p_v(self, h1: Float[Tensor, "n hidden1"]) -> Float[Tensor, "n visible"]:
        """Return p(v_i = 1 | h¹)."""
        return torch.addmm(self.b, h1, self.W1.T).sigmoid_()

    def p_h1(
        self, v: Float[Tensor, "n visible"], h2: Float[Tensor, "n hidden2"]
    ) -> Float[Tensor, "n hidden1"]:
        """Return p(h¹_j = 1 | v, h²)."""
        return torch.addmm(self.c1, v, self.W1).addmm_(h2, self.W2.T).sigmoid_()

    def p_h2(self, h1: Float[Tensor, "n hidden1"]) -> Float[Tensor, "n hidden2"]:
        """Return p(h²_k = 1 | h¹)."""
        return torch.addmm(self.c2, h1, self.W2).sigmoid_()

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return {"W1": self.W1, "W2": self.W2, "b": self.b, "c1": self.c1, "c2": self.c2}


# --- Inference and gradient -----------------------------------------------------------------------


def mean_field(
    dbm: DBM, v: Float[Tensor, "n visible"], steps: int
) -> tuple[Float[Tensor, "n hidden1"], Float[Tensor, "n hidden2"]]:
    """Return the means μ¹, μ² of the mean-field distribution q(h) given v.

    Each step updates μ¹ given μ², then μ² given μ¹. The first μ¹ is computed with a doubled input,
    as in the first layer's own training.
    """
    μ1 = torch.addmm(dbm.c1, v, dbm.W1, alpha=2).sigmoid_()
    μ2 = dbm.p_h2(μ1)
    for _ in range(steps):
        μ1 = dbm.p_h1(v, μ2)
        μ2 = dbm.p_h2(μ1)
    return μ1, μ2


def gibbs(
    dbm: DBM, h1: Float[Tensor, "n hidden1"], steps: int, generator: torch.Generator
) -> Float[Tensor, "n hidden1"]:
    """Take Gibbs steps h¹ → (v, h²) → h¹, sampling all of them; return the last h¹."""
    for _ in range(steps):
        v, h2 = bernoulli(dbm.p_v(h1), generator), bernoulli(dbm.p_h2(h1), generator)
        h1 = bernoulli(dbm.p_h1(v, h2), generator)
    return h1


def log_likelihood_gradient(
    dbm: DBM,
    v: Float[Tensor, "n visible"],
    μ1: Float[Tensor, "n hidden1"],
    μ2: Float[Tensor, "n hidden2"],
    h1: Float[Tensor, "m hidden1"],
) -> dict[str, Tensor]:
    """Estimate the gradient of the mean log-likelihood by each parameter.

    Args:
        dbm: the DBM.
        v: data.
        μ1: mean-field means of h¹ given v.
        μ2: mean-field means of h² given v.
        h1: samples of the model. Their v and h² enter as means given h¹, which is unbiased and has
            less variance than samples.
    """
    v_model, h2 = dbm.p_v(h1), dbm.p_h2(h1)
    n, m = len(v), len(h1)
    return {
        "W1": torch.addmm(v.T @ μ1, v_model.T, h1, beta=1 / n, alpha=-1 / m),
        "W2": torch.addmm(μ1.T @ μ2, h1.T, h2, beta=1 / n, alpha=-1 / m),
        "b": v.mean(0) - v_model.mean(0),
        "c1": μ1.mean(0) - h1.mean(0),
        "c2": μ2.mean(0) - h2.mean(0),
    }


# --- Training -------------------------------------------------------------------------------------


@torch.no_grad()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> DBM:
    """Train each layer separately, then both together (see `interface.Fit`).

    The images' intensities are used as probabilities.
    """
    session = session or FitSession()
    dbm = _init_dbm(images, settings)
    velocity = {name: torch.zeros_like(x) for name, x in dbm.state_dict().items()}
    h1 = torch.zeros(settings.chains, settings.hidden[0])
    optimiser_state = {f"velocity.{name}": x for name, x in velocity.items()} | {"chains": h1}
    per_epoch = batches_per_epoch(images, settings.batch)
    lr_1, lr_2, _ = settings.lr
    first, second, joint = (per_epoch * sum(settings.epochs[: i + 1]) for i in range(3))
    steps = session.steps(joint, dbm, dbm.state_dict(), optimiser_state)
    for last, update_of, lr in ((first, _first_layer, lr_1), (second, _second_layer, lr_2)):
        for step, record_loss in steps.until(last):
            v, generator = _batch(images, settings, step)
            gradient, error = update_of(dbm, v, generator)
            ascend_with_momentum(
                dbm.state_dict(),
                velocity,
                gradient,
                lr=lr,
                momentum=settings.momentum,
                weight_decay=settings.weight_decay,
            )
            record_loss(error.square().mean().item())
    _train_jointly(dbm, velocity, h1, images, settings, steps, start=second)
    return dbm


def _init_dbm(images: Tensor, settings: Settings) -> DBM:
    """Return a DBM before training: W ~ N(0, .01²), b the logit of the mean image, c¹ = c² = 0."""
    hidden = settings.hidden
    sizes = (images.shape[1], hidden[0])
    W1, W2 = (
        0.01 * Address(settings.seed, 0, range(rows)).normal(f"DBM W{i}", columns)
        for i, (rows, columns) in enumerate(zip(sizes, hidden, strict=True), 1)
    )
    return DBM(W1, W2, logit_of_mean(images.mean(0)), *(torch.zeros(n) for n in hidden))


def _batch(images: Tensor, settings: Settings, step: int) -> tuple[Tensor, torch.Generator]:
    """Return an update's minibatch and its random generator."""
    generator = Address(settings.seed, step, range(1)).generator("DBM")
    return minibatch(images, settings.seed, step, settings.batch), generator


LayerUpdate = tuple[dict[str, Tensor], Tensor]
"""The CD-1 gradient by each parameter of a layer, and the error of its reconstructed input."""


def _first_layer(dbm: DBM, v: Tensor, generator: torch.Generator) -> LayerUpdate:
    """CD-1 of W¹ on images, with a doubled input, which stands for the missing h²."""
    (W1, b, c1), v_model = _cd_1(v, dbm.W1, dbm.b, dbm.c1, 2, 1, generator)
    return {"W1": W1, "b": b, "c1": c1}, v - v_model


def _second_layer(dbm: DBM, v: Tensor, generator: torch.Generator) -> LayerUpdate:
    """CD-1 of W² on h¹, with a doubled output, which stands for the missing v."""
    p_h1 = torch.addmm(dbm.c1, v, dbm.W1, alpha=2).sigmoid_()
    h1 = bernoulli(p_h1, generator)
    (W2, _, c2), h1_model = _cd_1(h1, dbm.W2, dbm.c1, dbm.c2, 1, 2, generator)
    return {"W2": W2, "c2": c2}, p_h1 - h1_model


def _cd_1(
    v: Tensor,
    W: Tensor,
    b: Tensor,
    c: Tensor,
    input_factor: int,
    output_factor: int,
    generator: torch.Generator,
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Return an RBM's CD-1 gradient by W, b and c, and the reconstruction of v.

    `input_factor` multiplies v W in p(h | v), and `output_factor` multiplies W h in p(v | h).
    """
    h = torch.addmm(c, v, W, alpha=input_factor).sigmoid_()
    v_model = torch.addmm(b, bernoulli(h, generator), W.T, alpha=output_factor).sigmoid_()
    h_model = torch.addmm(c, v_model, W, alpha=input_factor).sigmoid_()
    n = len(v)
    gradient = torch.addmm(v.T @ h, v_model.T, h_model, beta=1 / n, alpha=-1 / n)
    return (gradient, v.mean(0) - v_model.mean(0), h.mean(0) - h_model.mean(0)), v_model


def _train_jointly(
    dbm: DBM,
    velocity: dict[str, Tensor],
    h1: Tensor,
    images: Tensor,
    settings: Settings,
    steps: FitSteps,
    start: int,
) -> None:
    """Train all parameters by mean field and PCD; `h1` holds the state of the persistent chains."""
    for step, record_loss in steps.until(steps.total):
        v, generator = _batch(images, settings, step)
        if step == start:
            for x in velocity.values():
                x.zero_()
            h1.copy_(bernoulli(torch.full_like(h1, 0.5), generator))
        μ1, μ2 = mean_field(dbm, v, settings.mean_field_steps)
        h1.copy_(gibbs(dbm, h1, settings.gibbs_steps, generator))
        ascend_with_momentum(
            dbm.state_dict(),
            velocity,
            log_likelihood_gradient(dbm, v, μ1, μ2, h1),
            lr=settings.lr[2] * (steps.total - step) / (steps.total - start),
            momentum=0.0,
            weight_decay=settings.weight_decay,
        )
        record_loss((v - dbm.p_v(μ1)).square().mean().item())


# --- Sampling: Gibbs chains through v, h¹ and h² --------------------------------------------------


def _h1_of_images(dbm: DBM, images: Tensor, generator: torch.Generator) -> Tensor:
    """Return h¹ of images after ten mean-field steps, where the chains start."""
    μ1, _ = mean_field(dbm, images, 10)
    return bernoulli(μ1, generator)


sample: ChainSampler[DBM, Tensor] = ChainSampler(
    initial_state=_h1_of_images,
    next_state=lambda dbm, h1, generator: gibbs(dbm, h1, 1, generator),
    mean_images=DBM.p_v,
)
"""Sample by Gibbs chains: the state is h¹; v, h², h¹ are sampled in turn; images are p(v | h¹)."""
