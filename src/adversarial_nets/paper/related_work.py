"""§2 compares the adversarial nets with their neighbours: four of its remarks, as numbers.

1. A VAE cannot have discrete hidden units, adversarial nets cannot have discrete visible ones.
2. Noise-contrastive estimation learns little once its noise, which is fixed, is easily told.
3. Predictability minimisation is a regulariser beside another task, and minimises an objective.
4. Adversarial examples show what a classifier sees; to find them is not to generate.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from matplotlib.figure import Figure
from torch import Tensor, nn

from adversarial_nets import datasets, objectives
from adversarial_nets.baselines import vae
from adversarial_nets.datasets import Dataset
from adversarial_nets.evaluation import Classifier, classifier
from adversarial_nets.evaluation.nearest import nearest_images
from adversarial_nets.plots.style import tidy, write_picture
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address
from adversarial_nets.theory import divergences, quadrature
from adversarial_nets.toys import distributions

__all__ = [
    "Adversarial",
    "Code",
    "GradientNorms",
    "RelatedWork",
    "adversarial_examples",
    "draw",
    "gradient_norms",
    "noise_contrastive",
    "noise_contrastive_error",
    "predictability_minimisation",
    "related_work",
]


# --- 1. Which units must be differentiable --------------------------------------------------------


@dataclass(frozen=True)
class GradientNorms:
    """How much of the loss the weights feel: lengths of gradients, below the named units and above.

    Attributes:
        model: ``"adversarial nets"`` or ``"VAE"``.
        discrete: which units take two values only: ``"none"``, ``"hidden"`` or ``"visible"``.
        below: of the weights that come before the hidden units (G's first layer; the encoder).
        above: of the weights after them (G's last layer; the decoder).
    """

    model: str
    discrete: str
    below: float
    above: float


def gradient_norms(seed: int = 0) -> tuple[GradientNorms, ...]:
    """The gradient that reaches G's two layers, and a VAE's two halves, with discrete units.

    A unit that jumps between two values has the derivative 0 wherever it has one. In G it stands
    between D and all weights before it; so G's *visible* units must not be discrete. In a VAE the
    data are only compared with the decoder's output, so they may be; but the *hidden* z stands
    between the reconstruction and the encoder. (The VAE's other term, KL, is left out here: it
    says nothing about the image.)

    Args:
        seed: of the weights, the noise and the data.

    >>> {(f.model, f.discrete): f.below > 0 for f in felt()}[("adversarial nets", "visible")]
    False
    """
    return tuple(
        of(discrete, seed)
        for of in (_gradient_norms_of_G, _gradient_norms_of_VAE)
        for discrete in ("none", "hidden", "visible")
    )


def _normal(seed: int, purpose: str, rows: int, width: int) -> Float[Tensor, "rows width"]:
    return Address(seed, 0, range(rows)).normal(purpose, width)


def _gradient_norms_of_G(discrete: str, seed: int) -> GradientNorms:
    """G(z) has one hidden layer; D is one that has learned nothing yet."""
    bottom, top, D = (
        _normal(seed, f"weights {i}", *shape).requires_grad_(i < 2)
        for i, shape in enumerate(((8, 16), (16, 12), (12, 1)))
    )
    h = _normal(seed, "z", 64, 8) @ bottom
    h = h.sign() if discrete == "hidden" else h.relu()
    x = (h @ top / 4).sigmoid()
    x = x.round() if discrete == "visible" else x
    loss = objectives.generator_loss((x @ D)[:, 0], "non-saturating")
    below, above = torch.autograd.grad(loss, (bottom, top))
    return GradientNorms("adversarial nets", discrete, below.norm().item(), above.norm().item())


def _gradient_norms_of_VAE(discrete: str, seed: int) -> GradientNorms:
    """The reconstruction's part of the bound, on data that are binary or not."""
    settings = vae.Settings(hidden=(16,), z_size=4, epochs=0, seed=seed)
    x = _normal(seed, "x", 64, 12).sigmoid()
    model = vae.fit(x, settings)
    x = x.round() if discrete == "visible" else x
    encoder, decoder = (
        [p.requires_grad_() for layer in layers for p in layer]
        for layers in (model.encoder, model.decoder)
    )
    μ, log_var = vae.encode(model, x)
    z = μ + (log_var / 2).exp() * _normal(seed, "ε", 64, 4)
    z = z.sign() if discrete == "hidden" else z
    loss = F.binary_cross_entropy(vae.decode(model, z), x, reduction="sum") / len(x)
    gradients = torch.autograd.grad(loss, [*encoder, *decoder])
    below, above = (
        torch.cat([g.flatten() for g in part]).norm().item()
        for part in (gradients[: len(encoder)], gradients[len(encoder) :])
    )
    return GradientNorms("VAE", discrete, below, above)


# --- 2. Noise-contrastive estimation --------------------------------------------------------------

Distances = Float64[np.ndarray, " distances"]

# p_data = N(0, 1); the model is exp(a + b·x − c·x²/2), its constant a learned like the others.
_TRUTH = np.array([-0.5 * math.log(2 * math.pi), 0.0, 1.0])


def _features(x: Float64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n 3"]:
    """What a, b, c are multiplied with."""
    return np.stack([np.ones_like(x), x, -0.5 * x**2], -1)


def noise_contrastive_error(distances: Distances, points: int = 1000) -> Distances:
    """The standard error of b that theory gives for many points (Gutmann and Hyvärinen 2012).

    It is √((I⁻¹)_bb / points) with I = E_{p_data} (1 − D*) t tᵀ, t the model's features and D* the
    best judge of data against noise N(d, 1): where D* is sure, the points say nothing.

    Args:
        distances: d, how far the noise's mean is from the data's.
        points: of data, and as many of noise.

    >>> exact = noise_contrastive_error(np.array([0.0]), points=1)  # the noise is like the data:
    >>> bool(abs(exact[0] - 2**0.5) < 1e-9)  # √2 times what all of the likelihood would give
    True
    """
    p_data = distributions.gaussian(0.0, 1.0)
    errors = []
    for d in distances:
        p_noise = distributions.gaussian(float(d), 1.0)
        panels = (np.union1d(p_data.panels[0], p_noise.panels[0]),)

        def weight(
            x: divergences.Points, p_noise: distributions.Toy = p_noise
        ) -> divergences.Vector:
            log_p = p_data.log_density(x)
            return np.exp(log_p - np.logaddexp(0, log_p - p_noise.log_density(x)))

        information = np.empty((3, 3))
        for i in range(3):
            for j in range(3):

                def entry(x: divergences.Points, i: int = i, j: int = j) -> divergences.Vector:
                    t = _features(x[:, 0])
                    return weight(x) * t[:, i] * t[:, j]

                information[i, j] = quadrature.integrate(entry, panels).value
        errors.append(math.sqrt(np.linalg.inv(information)[1, 1] / points))
    return np.array(errors)


def noise_contrastive(
    distance: float, points: int = 1000, repeats: int = 200, seed: int = 0
) -> float:
    """The same error, measured: estimate b many times and take the root mean square.

    The estimate is logistic regression of data against noise N(d, 1), whose logit is
    log model − log noise; by Newton's method, all repeats at once.

    Args:
        distance: d.
        points: of data, and as many of noise.
        repeats: how often.
        seed: addresses the points.
    """
    address = Address(seed, 0, range(repeats))
    x = np.concatenate(
        [
            address.normal("data", points).double().numpy(),
            address.normal("noise", points).double().numpy() + distance,
        ],
        1,
    )
    y = np.repeat([1.0, 0.0], points)
    t = _features(x)
    log_noise = -0.5 * (x - distance) ** 2 + _TRUTH[0]
    θ = np.tile(_TRUTH, (repeats, 1))  # where it starts does not matter: the problem is convex
    for _ in range(50):
        D = 1 / (1 + np.exp(log_noise - (t @ θ[:, :, None])[..., 0]))
        gradient = ((y - D)[..., None] * t).sum(1)
        information = np.einsum("rn,rni,rnj->rij", D * (1 - D), t, t)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        θ += step
        if np.abs(step).max() < 1e-10:
            break
    return float(np.sqrt(np.mean((θ[:, 1] - _TRUTH[1]) ** 2)))


# --- 3. Predictability minimisation ---------------------------------------------------------------


@dataclass(frozen=True)
class Code:
    """A code of two linear units for data of three dimensions, learned by one rule.

    Attributes:
        rule: ``"the task alone"``, ``"predictability alone"`` or ``"both"``.
        lost: the share of the data's variance that the best linear decoder cannot restore.
        predictable: the share of a unit's variance that the other unit predicts, ρ².
        rises: on how many steps the objective rose.
    """

    rule: str
    lost: float
    predictable: float
    rises: int


_VARIANCES = (4.0, 2.0, 0.5)  # of the data, along axes that the code does not know


def predictability_minimisation(seed: int = 0, steps: int = 2000) -> tuple[Code, ...]:
    """Learn the code for the task, for unpredictability (Schmidhuber 1992), and for both.

    Each unit has a predictor that sees the other unit; the predictor's best answer leaves the
    share 1 − ρ² of the unit's variance, and the units learn to make that large. So there is one
    objective, and descent on it: the task, the least predictability, or their sum. For the
    adversarial nets the game is the whole criterion, and ends at a saddle point of V.

    Args:
        seed: of the data's axes and the first code.
        steps: of gradient descent, step size .05.
    """
    Q = torch.linalg.qr(_normal(seed, "axes", 3, 3).double()).Q
    Σ = Q * torch.tensor(_VARIANCES, dtype=torch.float64) @ Q.T
    first = _normal(seed, "code", 2, 3).double()
    first[1] += 2 * first[0]  # two units that say much the same

    def lost(W: Tensor) -> Tensor:
        restored = torch.linalg.solve(W @ Σ @ W.T, W @ Σ @ Σ @ W.T).trace()
        return 1 - restored / Σ.trace()

    def predictable(W: Tensor) -> Tensor:
        C = W @ Σ @ W.T
        return C[0, 1] ** 2 / (C[0, 0] * C[1, 1])

    found = []
    for rule, task, other in (
        ("the task alone", 1.0, 0.0),
        ("predictability alone", 0.0, 1.0),
        ("both", 1.0, 1.0),
    ):
        W = first.clone().requires_grad_()
        values = []
        for _ in range(steps):
            objective = task * lost(W) + other * predictable(W)
            (gradient,) = torch.autograd.grad(objective, W)
            W = (W - 0.05 * gradient).detach().requires_grad_()
            values.append(objective.item())
        rises = int((np.diff(values) > 1e-12).sum())
        found.append(Code(rule, lost(W).item(), predictable(W).item(), rises))
    return tuple(found)


# --- 4. Adversarial examples ----------------------------------------------------------------------


@dataclass(frozen=True)
class Adversarial:
    """A classifier, and images made from its gradient.

    Attributes:
        size: how far each pixel was moved, of a range of 1.
        right: the share of test images that the classifier names rightly.
        right_moved: the same after each pixel moved by `size` against the right class.
        right_noise: and after it moved by `size` up or down at random.
        sure: how sure the classifier is, on average, of what was made from noise for it.
        far: how far those images are from the nearest training image, over test images' distance.
        pictures: test images, the moved ones, and those from noise: 3 rows.
    """

    size: float
    right: float
    right_moved: float
    right_noise: float
    sure: float
    far: float
    pictures: Float[Tensor, "3 n pixels"]


def adversarial_examples(
    data: Dataset | None = None,
    size: float = 0.1,
    *,
    judge: Classifier | None = None,
    seed: int = 0,
    on: Progress | None = None,
) -> Adversarial:
    """Move images by the sign of the gradient (Goodfellow et al. 2014), and climb from noise.

    Args:
        data: images with labels, in [0, 1]; the embedded digits where not given.
        size: of a pixel's movement.
        judge: the classifier; the data set's own where not given.
        seed: of the noise.
        on: told of the classifier's training.
    """
    data = data or datasets.load("mnist-5k")
    judge = judge or classifier(data, on)
    net = nn.Sequential(judge.body, judge.head)
    x, y = data.floats(data.test[:500]), data.labels["test"][:500]

    def uphill(x: Float[Tensor, "n pixels"], y: Int64[Tensor, " n"]) -> Float[Tensor, "n pixels"]:
        """The sign of the gradient of log p(y | x) in x."""
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(-F.cross_entropy(net(x), y, reduction="sum"), x)
        return gradient.sign()

    @torch.no_grad()
    def right(x: Float[Tensor, "n pixels"]) -> float:
        return (net(x).argmax(1) == y).float().mean().item()

    moved = (x - size * uphill(x, y)).clamp(0, 1)
    coins = (_normal(seed, "coins", *x.shape)).sign()
    made = Address(seed, 0, range(len(x))).uniform("noise to start from", x.shape[1])
    for _ in range(50):
        made = (made + 0.02 * uphill(made, y)).clamp(0, 1)
    with torch.no_grad():
        sure = net(made).softmax(1)[torch.arange(len(y)), y].mean().item()
        nearby = [nearest_images(images, data.train, data.floats)[1].mean() for images in (made, x)]
    first = [int((y == c).nonzero()[0]) for c in y.unique()]
    return Adversarial(
        size=size,
        right=right(x),
        right_moved=right(moved),
        right_noise=right((x + size * coins).clamp(0, 1)),
        sure=sure,
        far=float(nearby[0] / nearby[1]),
        pictures=torch.stack([x, moved, made])[:, first],
    )


# --- The picture, and the command -----------------------------------------------------------------

_BLACK, _G, _D, _OTHER = "#111111", "#1b9e3e", "#1f5fc4", "#c4551f"


@dataclass(frozen=True)
class RelatedWork:
    """What `related_work` found.

    Attributes:
        felt: gradients with discrete units.
        distances: of the noise of noise-contrastive estimation from the data.
        error: of its estimate, measured.
        error_in_theory: and as theory has it.
        codes: the three codes of predictability minimisation.
        right, right_moved, right_noise, sure, far: of `Adversarial`.
        files: the picture.
    """

    gradient_norms: tuple[GradientNorms, ...]
    distances: tuple[float, ...]
    error: tuple[float, ...]
    error_in_theory: tuple[float, ...]
    codes: tuple[Code, ...]
    right: float
    right_moved: float
    right_noise: float
    sure: float
    far: float
    files: tuple[Path, ...]


def draw(
    found: RelatedWork, pictures: Float[Tensor, "3 n pixels"], height: int, moved: float
) -> Figure:
    """All four, side by side."""
    figure = Figure(figsize=(16, 4.2), layout="constrained")
    first, second, third, fourth = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.4))

    names = [f.discrete for f in found.gradient_norms]
    at = np.arange(len(names))
    for shift, color, label, heights in (
        (-0.2, _OTHER, "before the hidden units", [f.below for f in found.gradient_norms]),
        (0.2, _G, "after them", [f.above for f in found.gradient_norms]),
    ):
        bars = first.bar(at + shift, heights, 0.4, color=color, label=label)
        first.bar_label(bars, ["" if h else "0" for h in heights])
    first.set_xticks(at, names)
    for i in (0, 3):
        first.text(i + 1, -0.17, found.gradient_norms[i].model, ha="center", va="top")
    first.set(
        title="Gradient that reaches the weights;\nwhich units are discrete",
        ylim=(0, 1.4),
        yticks=(),
    )

    second.plot(found.distances, found.error_in_theory, color=_D, lw=2, label="in theory")
    second.plot(
        found.distances, found.error, "o", color=_BLACK, ms=4, label="200 times 1,000 points"
    )
    second.set(
        title="Noise-contrastive estimation:\nerror of what is learned",
        xlabel="distance of the noise from the data, in σ",
        yscale="log",
    )

    names = [code.rule.replace(" alone", "\nalone") for code in found.codes]
    at = np.arange(len(names))
    third.bar(at - 0.2, [c.lost for c in found.codes], 0.4, color=_OTHER, label="lost by the code")
    third.bar(
        at + 0.2,
        [c.predictable for c in found.codes],
        0.4,
        color=_D,
        label="one unit from the other",
    )
    third.set_xticks(at, names, fontsize=8)
    third.set(title="Predictability minimisation:\nshares of variance", ylim=(0, 0.7))

    rows = [torch.cat(list(row.view(len(row), height, -1)), 1) for row in pictures]
    fourth.imshow(torch.cat(rows).numpy(), cmap="gray", vmin=0, vmax=1)
    fourth.set_axis_off()
    fourth.set_title(
        f"Digits; the same, each pixel moved by {moved} ({found.right_moved:.0%} of\n"
        "such are named rightly); and what is named as them for sure",
        fontsize=10,
    )
    for axes in (first, second, third):
        tidy(axes)
    return figure


def related_work(
    out: Path = Path("related-work"), *, seed: int = 0, on: Progress | None = None
) -> RelatedWork:
    """Show four of §2's remarks: ``advnets related-work``.

    Args:
        out: a folder for ``related-work.png``.
        seed: of everything that is drawn.
        on: told of the classifier's training, which takes most of the time.
    """
    distances = np.linspace(0, 4, 9)
    data = datasets.load("mnist-5k")
    images = adversarial_examples(data, seed=seed, on=on)
    found = RelatedWork(
        gradient_norms=gradient_norms(seed),
        distances=tuple(distances.tolist()),
        error=tuple(noise_contrastive(d, seed=seed) for d in distances.tolist()),
        error_in_theory=tuple(noise_contrastive_error(distances).tolist()),
        codes=predictability_minimisation(seed),
        right=images.right,
        right_moved=images.right_moved,
        right_noise=images.right_noise,
        sure=images.sure,
        far=images.far,
        files=(out / "related-work.png",),
    )
    write_picture(draw(found, images.pictures, data.image_shape[1], images.size), found.files[0])
    return found
