"""§7, extension 4: few labels, as Salimans et al. used them (2016, arXiv:1606.03498).

"Features from the discriminator or inference net could improve performance of classifiers when
limited labeled data is available."

One network is both the classifier of K classes and D. Its K logits l(x) give the class by their
softmax, and D by their sum Z(x) = Σ_k exp l_k(x):

    D(x) = Z / (Z + 1),  so D's logit is  a(x) = log Z = logsumexp l(x).

It minimises the cross-entropy on the labelled images minus ½ V(D, G), Equation 1 with unlabelled
images as data. G's loss does not use D's output. G matches features: with f the last hidden layer,
it minimises the mean square of E f(x) − E f(G(z)). With this loss the samples are bad, but D
classifies well.

The sizes, the noise, weight normalisation and its initialisation from data follow the authors'
released code for permutation-invariant MNIST. G's Adam does not: with the authors' settings (β₁ .5,
β₂ .999) G overshot and collapsed to one image within 1,500 updates. We use no momentum, as in the
code of Dai et al. 2017 (arXiv:1705.09783), and β₂ = .99, which adapts faster to the changing
gradients of this game. Both learning rates fall at the end, as in the code of Dai et al.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from adversarial_nets import objectives
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.optimisers import (
    adam_state,
    adam_step,
    batches_per_epoch,
    minibatch,
)
from adversarial_nets.errors import UserError
from adversarial_nets.random import Address, permutation

__all__ = [
    "FewLabels",
    "Settings",
    "choose_labelled",
    "classifier_loss",
    "count_errors",
    "fit",
    "generator_loss",
    "sample",
    "update_average",
]

Images = Float[Tensor, "n pixels"]
Features = Float[Tensor, "n features"]
Logits = Float[Tensor, "n classes"]
Classes = Int64[Tensor, " n"]
Named = dict[str, Tensor]

INPUT_NOISE, HIDDEN_NOISE = 0.3, 0.5
"""Standard deviation of the Gaussian noise on x and on each hidden layer, during training."""
D_BETAS, G_BETAS, EPS = (0.5, 0.999), (0.0, 0.99), 1e-4
"""Adam's ε. The released code adds 1e-8 under the root, which equals 1e-4 for tiny gradients."""
AVERAGE = 1e-4
"""Weight of the newest classifier in the moving average; the average is tested."""
INITIAL_IMAGES = 500
"""Number of images from which scales and biases are initialised: unlabelled, or else labelled."""


@dataclass(frozen=True)
class Settings:
    """Settings of one game; the defaults are those of the released code.

    Attributes:
        labels: labelled images, equally many of each class; chosen by `choose_labelled`.
        hidden: units of the classifier's hidden layers (ReLU, weight-normalised).
        G_hidden: units of G's hidden layers (softplus, batch-normalised).
        z_size: dimension of z ~ U(0, 1).
        epochs: passes over the unlabelled images.
        batch: images in each minibatch: labelled, unlabelled and generated.
        lr: Adam's learning rate. It falls linearly to 0 in the last third.
        unlabelled: whether the game is played; without it, the classifier alone is trained on the
            labelled images.
        seed: seed of all random draws but the choice of labels.
        draw: number of the draw of labelled images (`choose_labelled`).
    """

    labels: int = 100
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
    G_hidden: tuple[int, ...] = (500, 500)
    z_size: int = 100
    epochs: int = 300
    batch: int = 100
    lr: float = 3e-3
    unlabelled: bool = True
    seed: int = 0
    draw: int = 0


@dataclass(frozen=True)
class FewLabels:
    """Both networks.

    Attributes:
        D: the classifier's directions v, scales g and biases b of each layer.
        G: the generator's weights.
        averaged: the moving average of D, which is tested.
    """

    D: Named
    G: Named
    averaged: Named

    def state_dict(self) -> Named:
        """Return every tensor by name."""
        parts = {"D": self.D, "G": self.G, "averaged": self.averaged}
        return {f"{part}.{name}": x for part, named in parts.items() for name, x in named.items()}


# --- The data -------------------------------------------------------------------------------------


def choose_labelled(labels: Classes, count: int, draw: int) -> Int64[Tensor, " count"]:
    """The rows of the images whose labels the classifier may use, equally many of each class.

    Args:
        labels: the class of every training image.
        count: the number of rows, a multiple of the number of classes.
        draw: number of the draw; another number chooses other rows.

    Raises:
        UserError: an impossible number of labels, or a class with too few images.
    """
    classes = int(labels.max()) + 1
    of_each, rest = divmod(count, classes)
    if rest or of_each < 1:
        raise UserError(
            f"--labels is {count}; with {classes} classes it must be a multiple of {classes}, for "
            f"example {max(round(count / classes), 1) * classes}."
        )
    least = int(labels.bincount(minlength=classes).min())
    if of_each > least:
        raise UserError(
            f"--labels is {count}, {of_each} of each class, but the smallest class has {least:,} "
            f"training images; give at most {least * classes:,}."
        )
    order = permutation(draw, "labelled images", 0, len(labels))
    return torch.cat([order[labels[order] == c][:of_each] for c in range(classes)])


# --- The networks ---------------------------------------------------------------------------------


def _scales(v: Tensor, g: Tensor) -> Tensor:
    """Factors s of v's columns that give them length g (weight normalisation, arXiv:1602.07868).

    x @ (v·s) = (x @ v)·s, and the right side is cheaper to compute.
    """
    return g * v.square().sum(0).rsqrt()


def _classify(
    D: Named, x: Images, generator: torch.Generator | None = None
) -> tuple[Features, Logits]:
    """The last hidden layer and the logits; with noise, as in training, if `generator` is given."""
    depth = sum(name.startswith("v") for name in D)
    f = x
    for i in range(depth):
        f, x = x, _noisy(x, HIDDEN_NOISE if i else INPUT_NOISE, generator)
        v, g, b = (D[f"{name}{i}"] for name in "vgb")
        x = torch.addcmul(b, x @ v, _scales(v, g))
        x = x.relu() if i < depth - 1 else x
    return f, x


def _noisy(x: Tensor, std: float, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        return x
    return x + std * torch.randn(x.shape, generator=generator, dtype=x.dtype)


def _generate(G: Named, z: Tensor) -> Images:
    """G(z), batch-normalised over these z."""
    depth = sum(name.startswith("W") for name in G)
    for i in range(depth):
        h = z @ G[f"W{i}"]
        h = (h - h.mean(0)) * (h.var(0, correction=0) + 1e-6).rsqrt()
        z = F.softplus(h + G[f"b{i}"])
    return torch.addcmul(G["b"], z @ G["v"], _scales(G["v"], G["g"])).sigmoid()


# --- The losses -----------------------------------------------------------------------------------


def classifier_loss(
    labelled: Logits,
    classes: Classes,
    unlabelled: Float[Tensor, "n_unlabelled classes"],
    generated: Float[Tensor, "n_generated classes"],
) -> Float[Tensor, ""]:
    """Cross-entropy on labelled images, minus ½ V with D's logit log Z.

    >>> l = torch.zeros(2, 10)  # Z = 10: D(x) = 10/11; each class has probability .1
    >>> round(classifier_loss(l, torch.tensor([3, 4]), l, l).item(), 4)
    3.5492
    """
    V = objectives.value(unlabelled.logsumexp(1), generated.logsumexp(1))
    return F.cross_entropy(labelled, classes) - V / 2


def generator_loss(
    of_data: Features, of_samples: Float[Tensor, "n_samples features"]
) -> Float[Tensor, ""]:
    """Feature matching: mean square of the difference between the mean features of x and G(z)."""
    return (of_data.mean(0) - of_samples.mean(0)).square().mean()


# --- Training -------------------------------------------------------------------------------------


def fit(
    labelled: Images,
    classes: Classes,
    unlabelled: Float[Tensor, "n_unlabelled pixels"],
    settings: Settings,
    session: FitSession | None = None,
) -> FewLabels:
    """Train the classifier and G, or the classifier alone.

    Args:
        labelled: images with labels, in [0, 1].
        classes: their classes.
        unlabelled: images without labels; the labelled ones may be among them.
        settings: sizes and schedule.
        session: saves and resumes the game; nothing is saved if None.
    """
    s, session = settings, session or FitSession()
    model = _new_model(unlabelled if s.unlabelled else labelled, int(classes.max()) + 1, s)
    D, G = _trained_part(model.D), model.G
    states = adam_state(D), adam_state(G)
    state = {f"{n}/{k}": x for n, part in zip("DG", states, strict=True) for k, x in part.items()}
    total = s.epochs * batches_per_epoch(unlabelled, s.batch)
    steps = session.steps(total, model, model.state_dict(), state)
    for step, record_loss in steps.until(total, {**_with_prefix("D", D), **_with_prefix("G", G)}):
        address = Address(s.seed, step, range(s.batch))
        noise = address.generator("few labels: noise")
        rows = _rows_of_labelled(address, step, len(labelled))
        if s.unlabelled:
            G_z = _generate(G, address.uniform("few labels: z", s.z_size).to(unlabelled))
            x = minibatch(unlabelled, s.seed, step, s.batch)
            loss = _loss_of_D(model.D, labelled[rows], classes[rows], x, G_z, noise)
        else:
            loss = F.cross_entropy(_classify(model.D, labelled[rows], noise)[1], classes[rows])
        lr = s.lr * min(1.0, 3 * (1 - step / total))
        gradients = torch.autograd.grad(loss, list(D.values()))
        adam_step(D, states[0], gradients, lr, D_BETAS, EPS)
        if s.unlabelled:
            x = minibatch(unlabelled, s.seed + 1, step, s.batch)
            matching = _loss_of_G(model.D, x, G_z, noise)
            gradients = torch.autograd.grad(matching, list(G.values()))
            adam_step(G, states[1], gradients, lr, G_BETAS, EPS)
        update_average(model, step)
        record_loss(loss.item())
    return model


def _loss_of_D(
    D: Named, labelled: Images, classes: Classes, x: Images, G_z: Images, noise: torch.Generator
) -> Float[Tensor, ""]:
    """`classifier_loss`, with one pass of all three minibatches through the classifier."""
    batch = torch.cat([labelled, x, G_z.detach()])
    logits = _classify(D, batch, noise)[1].split([len(labelled), len(x), len(G_z)])
    return classifier_loss(logits[0], classes, logits[1], logits[2])


def _loss_of_G(D: Named, x: Images, G_z: Images, noise: torch.Generator) -> Float[Tensor, ""]:
    """`generator_loss` on the features of D, whose weights are constants here."""
    D = {name: value.detach() for name, value in D.items()}
    return generator_loss(_classify(D, x, noise)[0], _classify(D, G_z, noise)[0])


@torch.no_grad()
def update_average(model: FewLabels, step: int) -> None:
    """Update the moving average of the classifier; with a larger weight early in training.

    The released code always uses the weight `AVERAGE`, with which the initial weights influence the
    average for about 50,000 updates.
    """
    for name, mean in model.averaged.items():
        mean.lerp_(model.D[name], max(AVERAGE, 9 / (10 + step)))


def _rows_of_labelled(address: Address, step: int, n: int) -> Int64[Tensor, " batch"]:
    """Rows of a minibatch of labelled images: shuffled again after each pass over all of them."""
    batch = len(address.rows)
    whole = range(step * batch // n, ((step + 1) * batch - 1) // n + 1)
    order = torch.cat([permutation(address.seed, "few labels: order", e, n) for e in whole])
    first = step * batch - whole.start * n
    return order[first : first + batch]


def _new_model(x: Images, classes: int, s: Settings) -> FewLabels:
    """Networks before the first update, with scales and biases initialised from images."""
    pixels = x.shape[1]
    D: Named = {}
    for i, (inputs, units) in enumerate(pairwise((pixels, *s.hidden, classes))):
        D[f"v{i}"] = 0.1 * Address(s.seed, i, range(inputs)).normal("few labels: D", units)
        D[f"g{i}"], D[f"b{i}"] = torch.ones(units), torch.zeros(units)
    G: Named = {}
    for i, (inputs, units) in enumerate(pairwise((s.z_size, *s.G_hidden, pixels))):
        bound = (6 / (inputs + units)) ** 0.5
        u = Address(s.seed, i, range(inputs)).uniform("few labels: G", units)
        weights, bias = (f"W{i}", f"b{i}") if i < len(s.G_hidden) else ("v", "b")
        G[weights], G[bias] = (2 * u - 1) * bound, torch.zeros(units)
    G["g"] = torch.ones(pixels)
    _initialise_from_data(D, x[:INITIAL_IMAGES], s)
    averaged = {name: x.clone() for name, x in D.items()}
    return FewLabels(D, G, averaged)


@torch.no_grad()
def _initialise_from_data(D: Named, x: Images, s: Settings) -> None:
    """Set scales and biases so that each unit has mean 0 and variance 1 before its activation."""
    generator = Address(s.seed, 0, range(1)).generator("few labels: initial noise")
    for i in range(sum(name.startswith("v") for name in D)):
        x = _noisy(x, HIDDEN_NOISE if i else INPUT_NOISE, generator)
        h = x @ D[f"v{i}"] * _scales(D[f"v{i}"], D[f"g{i}"])
        std = h.std(0, correction=0).clamp_min(1e-8)
        D[f"g{i}"].div_(std)
        D[f"b{i}"].copy_(-h.mean(0) / std)
        x = ((h - h.mean(0)) / std).relu()


def _trained_part(D: Named) -> Named:
    """The classifier's trained tensors; only the output layer's scales are trained, as released."""
    last = max(int(name[1:]) for name in D)
    return {name: x for name, x in D.items() if name[0] != "g" or name == f"g{last}"}


def _with_prefix(prefix: str, named: Named) -> Named:
    return {f"{prefix}.{name}": x for name, x in named.items()}


# --- What was learned -----------------------------------------------------------------------------


@torch.no_grad()
def count_errors(model: FewLabels, x: Images, classes: Classes) -> int:
    """The number of images that the averaged classifier classifies wrongly."""
    found = torch.cat([_classify(model.averaged, block)[1].argmax(1) for block in x.split(1000)])
    return int((found != classes).sum())


@torch.no_grad()
def sample(model: FewLabels, n: int, *, seed: int = 0) -> Images:
    """Draw n images; batch normalisation uses these n."""
    z_size = len(next(iter(model.G.values())))
    z = Address(seed, 0, range(n)).uniform("few labels: samples", z_size)
    return _generate(model.G, z)
