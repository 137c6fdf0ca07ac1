"""Test four remarks of §2 about other models numerically.

1. A VAE cannot have discrete hidden units; adversarial nets cannot have discrete visible units
   (`discrete_units`).
2. Noise-contrastive estimation learns slowly if its fixed noise is easily distinguished from data.
3. Predictability minimisation is a regulariser for another task, and minimises one objective.
4. Adversarial examples are a tool to analyse a classifier, not a way to train a generator.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset, sample_rows
from adversarial_nets.evaluation import Classifier, classifier
from adversarial_nets.evaluation.nearest import nearest_images
from adversarial_nets.paper.discrete_units import GradientNorms, gradient_norms, sample_normal
from adversarial_nets.plots.style import (
    D_COLOUR,
    DATA_COLOUR,
    G_COLOUR,
    OTHER_COLOUR,
    tidy,
    write_picture,
)
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address
from adversarial_nets.theory import divergences, quadrature
from adversarial_nets.toys.distributions import Toy, gaussian

__all__ = [
    "AdversarialExamples",
    "GradientNorms",
    "LinearCode",
    "RelatedWork",
    "adversarial_examples",
    "gradient_norms",
    "noise_contrastive",
    "noise_contrastive_error",
    "plot",
    "predictability_minimisation",
    "related_work",
]


# --- 2. Noise-contrastive estimation --------------------------------------------------------------

Distances = Float64[np.ndarray, " distances"]

# p_data = N(0, 1). The model is exp(a + b·x − c·x²/2); the normalising constant a is learned too.
_TRUTH = np.array([-0.5 * math.log(2 * math.pi), 0.0, 1.0])


def _features(x: Float64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n 3"]:
    """The features t(x) of the model: the factors of a, b and c in its log-density."""
    return np.stack([np.ones_like(x), x, -0.5 * x**2], -1)


def noise_contrastive_error(distances: Distances, points: int = 1000) -> Distances:
    """The asymptotic standard error of b in noise-contrastive estimation (Gutmann, Hyvärinen 2012).

    It is √((I⁻¹)_bb / points) with I = E_{p_data} (1 − D*) t tᵀ, the features t and the optimal
    classifier D* of data against noise N(d, 1). Points at which D* is near 1 add no information.

    Args:
        distances: d, the distance between the means of noise and data.
        points: the number of data points, and of noise points.

    Returns:
        The standard error at each distance.

    >>> exact = noise_contrastive_error(np.array([0.0]), points=1)  # noise distributed as the data:
    >>> bool(abs(exact[0] - 2**0.5) < 1e-9)  # √2 times the error of maximum likelihood
    True
    """
    p_data = gaussian(0.0, 1.0)
    inverses = [np.linalg.inv(_information(p_data, gaussian(float(d), 1.0))) for d in distances]
    return np.array([math.sqrt(inverse[1, 1] / points) for inverse in inverses])


def _information(p_data: Toy, p_noise: Toy) -> Float64[np.ndarray, "3 3"]:
    """E_{p_data} (1 − D*) t tᵀ, with D* = p_data / (p_data + p_noise)."""
    breakpoints = (np.union1d(p_data.breakpoints[0], p_noise.breakpoints[0]),)

    def entry(i: int, j: int) -> float:
        def integrand(x: divergences.Points) -> divergences.Vector:
            log_p = p_data.log_density(x)
            t = _features(x[:, 0])
            p_times_1_minus_D = np.exp(log_p - np.logaddexp(0, log_p - p_noise.log_density(x)))
            return p_times_1_minus_D * t[:, i] * t[:, j]

        return quadrature.integrate(integrand, breakpoints).value

    return np.array([[entry(i, j) for j in range(3)] for i in range(3)])


def noise_contrastive(
    distance: float, points: int = 1000, repeats: int = 200, seed: int = 0
) -> float:
    """The root mean square error of b in noise-contrastive estimation, over many repetitions.

    The estimate is a logistic regression of data against noise N(d, 1) with logit
    log model − log noise, fitted by Newton's method for all repetitions together.

    Args:
        distance: d, the distance between the means of noise and data.
        points: the number of data points, and of noise points.
        repeats: the number of repetitions.
        seed: seed of the points.
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
    θ = np.tile(_TRUTH, (repeats, 1))  # the start does not matter, since the problem is convex
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
class LinearCode:
    """A code of two linear units for three-dimensional data.

    Attributes:
        rule: the objective: ``"the task alone"``, ``"predictability alone"`` or ``"both"``.
        lost: the share of the data's variance that the best linear decoder does not reconstruct.
        predictable: the share of a unit's variance that the other unit predicts: ρ², the squared
            correlation.
        rises: the number of steps on which the objective increased.
    """

    rule: str
    lost: float
    predictable: float
    rises: int


_VARIANCES = (4.0, 2.0, 0.5)  # variances of the data along its principal axes


def predictability_minimisation(seed: int = 0, steps: int = 2000) -> tuple[LinearCode, ...]:
    """Learn a code for reconstruction, for unpredictability (Schmidhuber 1992), and for both.

    Each unit is predicted from the other unit. The best linear predictor leaves the share 1 − ρ² of
    the variance unexplained, and the units maximise this share. So training is gradient descent on
    one objective: the reconstruction error, ρ², or their sum. For adversarial nets the game is the
    only criterion, and its solution is a saddle point of V.

    Args:
        seed: seed of the data's axes and the initial code.
        steps: the number of steps of gradient descent, with step size 0.05.
    """
    Q = torch.linalg.qr(sample_normal(seed, "axes", 3, 3).double()).Q
    Σ = Q * torch.tensor(_VARIANCES, dtype=torch.float64) @ Q.T
    initial = sample_normal(seed, "code", 2, 3).double()
    initial[1] += 2 * initial[0]  # correlated units

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
        W = initial.clone().requires_grad_()
        values = []
        for _ in range(steps):
            objective = task * lost(W) + other * predictable(W)
            (gradient,) = torch.autograd.grad(objective, W)
            W = (W - 0.05 * gradient).detach().requires_grad_()
            values.append(objective.item())
        rises = int((np.diff(values) > 1e-12).sum())
        found.append(LinearCode(rule, lost(W).item(), predictable(W).item(), rises))
    return tuple(found)


# --- 4. Adversarial examples ----------------------------------------------------------------------

Images = Float[Tensor, "n pixels"]


@dataclass(frozen=True)
class AdversarialExamples:
    """A classifier's accuracy and confidence on images made with its gradient.

    Attributes:
        size: the perturbation of each pixel; pixels are in [0, 1].
        accuracy: the classifier's accuracy on test images.
        accuracy_adversarial: its accuracy after each pixel is changed by ±`size`, with the sign of
            the loss's gradient.
        accuracy_random: its accuracy after each pixel is changed by ±`size` with a random sign.
        confidence: its mean probability of the target class on images optimised from noise.
        distance_ratio: the distance from those images to their nearest training image, divided by
            the same distance for test images.
        pictures: test images, their adversarial versions, and images optimised from noise: 3 rows.
    """

    size: float
    accuracy: float
    accuracy_adversarial: float
    accuracy_random: float
    confidence: float
    distance_ratio: float
    pictures: Float[Tensor, "3 n pixels"]


def adversarial_examples(
    data: Dataset | None = None,
    size: float = 0.1,
    *,
    model: Classifier | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> AdversarialExamples:
    """Perturb images by the sign of the gradient, and optimise images from noise.

    The perturbation is the fast gradient sign method (Goodfellow et al. 2014, arXiv:1412.6572).

    Args:
        data: images with labels, in [0, 1]; mnist-5k if not given.
        size: the perturbation of each pixel.
        model: the classifier; the data set's own (`evaluation.classifier`) if not given.
        seed: seed of the noise.
        on_progress: called while the classifier is trained.
    """
    data = data or datasets.load("mnist-5k")
    model = model or classifier(data, on_progress)
    net = nn.Sequential(model.body, model.head)
    rows = sample_rows(data, "test", 500)
    x, y = data.floats(data.test[rows]), data.labels["test"][rows]

    def gradient_sign(x: Images, y: Int64[Tensor, " n"]) -> Images:
        """The sign of the gradient of log p(y | x) with respect to x."""
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(-F.cross_entropy(net(x), y, reduction="sum"), x)
        return gradient.sign()

    @torch.no_grad()
    def accuracy(x: Images) -> float:
        return (net(x).argmax(1) == y).float().mean().item()

    adversarial = (x - size * gradient_sign(x, y)).clamp(0, 1)
    random_signs = sample_normal(seed, "coins", *x.shape).sign()
    optimised = Address(seed, 0, range(len(x))).uniform("noise to start from", x.shape[1])
    for _ in range(50):
        optimised = (optimised + 0.02 * gradient_sign(optimised, y)).clamp(0, 1)
    with torch.no_grad():
        confidence = net(optimised).softmax(1)[torch.arange(len(y)), y].mean().item()
        distances = [
            nearest_images(images, data.train, data.floats)[1].mean() for images in (optimised, x)
        ]
    one_per_class = [int((y == c).nonzero()[0]) for c in y.unique()]
    return AdversarialExamples(
        size=size,
        accuracy=accuracy(x),
        accuracy_adversarial=accuracy(adversarial),
        accuracy_random=accuracy((x + size * random_signs).clamp(0, 1)),
        confidence=confidence,
        distance_ratio=float(distances[0] / distances[1]),
        pictures=torch.stack([x, adversarial, optimised])[:, one_per_class],
    )


# --- The figure and the command -------------------------------------------------------------------


@dataclass(frozen=True)
class RelatedWork:
    """The results of `related_work`.

    Attributes:
        gradient_norms: gradient norms with discrete units.
        distances: the distances between noise and data in noise-contrastive estimation, in σ.
        error: its measured error at each distance.
        error_in_theory: its asymptotic error at each distance.
        codes: the three codes of predictability minimisation.
        accuracy, accuracy_adversarial, accuracy_random, confidence, distance_ratio: see
            `AdversarialExamples`.
        files: the picture.
    """

    gradient_norms: tuple[GradientNorms, ...]
    distances: tuple[float, ...]
    error: tuple[float, ...]
    error_in_theory: tuple[float, ...]
    codes: tuple[LinearCode, ...]
    accuracy: float
    accuracy_adversarial: float
    accuracy_random: float
    confidence: float
    distance_ratio: float
    files: tuple[Path, ...]


def related_work(
    out: Path = Path("runs/paper/related-work"),
    *,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> RelatedWork:
    """Test four remarks of §2 and write a picture: ``advnets paper related-work``.

    Args:
        out: a folder for ``related-work.png``.
        seed: seed of all random numbers.
        on_progress: called while the classifier is trained, which takes most of the time.
    """
    distances = np.linspace(0, 4, 9)
    data = datasets.load("mnist-5k")
    examples = adversarial_examples(data, seed=seed, on_progress=on_progress)
    found = RelatedWork(
        gradient_norms=gradient_norms(seed),
        distances=tuple(distances.tolist()),
        error=tuple(noise_contrastive(d, seed=seed) for d in distances.tolist()),
        error_in_theory=tuple(noise_contrastive_error(distances).tolist()),
        codes=predictability_minimisation(seed),
        accuracy=examples.accuracy,
        accuracy_adversarial=examples.accuracy_adversarial,
        accuracy_random=examples.accuracy_random,
        confidence=examples.confidence,
        distance_ratio=examples.distance_ratio,
        files=(out / "related-work.png",),
    )
    write_picture(plot(found, examples, data.image_shape[1]), found.files[0])
    return found


def plot(found: RelatedWork, examples: AdversarialExamples, height: int) -> Figure:
    """Plot the results of the four remarks in four panels.

    Args:
        found: the numbers.
        examples: the adversarial examples.
        height: height of an image.
    """
    figure = Figure(figsize=(16, 4.2), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.4))
    _plot_gradient_norms(axes[0], found.gradient_norms)
    _plot_noise_contrastive(axes[1], found)
    _plot_codes(axes[2], found.codes)
    _plot_examples(axes[3], examples, height)
    for each in axes[:3]:
        tidy(each)
    return figure


def _plot_gradient_norms(axes: Axes, norms: tuple[GradientNorms, ...]) -> None:
    at = np.arange(len(norms))
    for shift, colour, label, heights in (
        (-0.2, OTHER_COLOUR, "before the hidden units", [n.below for n in norms]),
        (0.2, G_COLOUR, "after them", [n.above for n in norms]),
    ):
        bars = axes.bar(at + shift, heights, 0.4, color=colour, label=label)
        axes.bar_label(bars, ["" if h else "0" for h in heights])
    axes.set_xticks(at, [n.discrete for n in norms])
    for i in (0, 3):
        axes.text(i + 1, -0.17, norms[i].model, ha="center", va="top")
    title = "Gradient norm of the weights,\nby which units are discrete"
    axes.set(title=title, ylim=(0, 1.4), yticks=())


def _plot_noise_contrastive(axes: Axes, found: RelatedWork) -> None:
    theory, measured = found.error_in_theory, found.error
    axes.plot(found.distances, theory, color=D_COLOUR, lw=2, label="asymptotic")
    label = "200 repetitions with 1,000 points"
    axes.plot(found.distances, measured, "o", color=DATA_COLOUR, ms=4, label=label)
    title = "Noise-contrastive estimation:\nstandard error of the mean"
    axes.set(title=title, xlabel="distance of the noise from the data, in σ", yscale="log")


def _plot_codes(axes: Axes, codes: tuple[LinearCode, ...]) -> None:
    at = np.arange(len(codes))
    for shift, colour, label, heights in (
        (-0.2, OTHER_COLOUR, "lost by the code", [c.lost for c in codes]),
        (0.2, D_COLOUR, "predicted from the other unit", [c.predictable for c in codes]),
    ):
        axes.bar(at + shift, heights, 0.4, color=colour, label=label)
    axes.set_xticks(at, [c.rule.replace(" alone", "\nalone") for c in codes], fontsize=8)
    axes.set(title="Predictability minimisation:\nshares of variance", ylim=(0, 0.7))


def _plot_examples(axes: Axes, examples: AdversarialExamples, height: int) -> None:
    rows = [torch.cat(list(row.view(len(row), height, -1)), 1) for row in examples.pictures]
    axes.imshow(torch.cat(rows).numpy(), cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    axes.set_title(
        f"Test images; each pixel moved by {examples.size} (accuracy "
        f"{examples.accuracy_adversarial:.0%});\nnoise optimised for the same classes (confidence "
        f"{examples.confidence:.0%})",
        fontsize=10,
    )
