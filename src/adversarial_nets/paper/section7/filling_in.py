"""§7, extension 3: fill in hidden pixels, p(x_S | x_¬S) for any set S of pixels.

There are two methods. **By optimisation**, with any finished run (Yeh et al. 2017,
arXiv:1607.07539): find the z whose G(z) agrees with the known pixels and has a high D(G(z)),

    min_z  Σ_known w·|x − G(z)| + λ log(1 − D(G(z))),

where a known pixel's weight w is the share of hidden pixels in the window around it. In a
conditional game the class is also an input of D, in the joint game z. **By a G that was trained for
it**, as the paper suggests: with `condition` masks one G(z, x·m, m) fills in every mask m in a
single pass (`masks`).
"""

import copy

import torch
from jaxtyping import Bool, Float, Int64, Real
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, softplus

from adversarial_nets import priors
from adversarial_nets.classes import class_count, with_classes
from adversarial_nets.datasets import ImageShape
from adversarial_nets.encoders import GeneratorWithEncoder
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.masks import known_part
from adversarial_nets.paper.section7.inference import generate, into_support, refuse_other_images
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings

__all__ = [
    "complete_in_one_pass",
    "completion_loss",
    "compose",
    "neighbour_weights",
    "optimise_completions",
]

Images = Float[Tensor, "n pixels"]
Masks = Float[Tensor, "n pixels"]
AnyMask = Real[Tensor, "*rows pixels"] | Bool[Tensor, "*rows pixels"]
Classes = Int64[Tensor, " n"]

PRIOR_WEIGHT = 0.003
"""λ, the weight of D's term."""
WINDOW = 7
LR = 0.03


def compose(x: Images, mask: Masks, filled: Images) -> Images:
    """Combine the known pixels of x with the other pixels of `filled`.

    >>> x, filled = torch.ones(1, 3), torch.zeros(1, 3)
    >>> compose(x, torch.tensor([[1.0, 0.0, 1.0]]), filled).tolist()
    [[1.0, 0.0, 1.0]]
    """
    return mask * x + (1 - mask) * filled


def neighbour_weights(mask: Masks, image_shape: ImageShape) -> Masks:
    """For each known pixel the share of hidden pixels in the 7 × 7 window around it; 0 for others.

    At the image's edge the window contains only pixels inside the image.
    """
    hidden = 1 - mask.view(-1, *image_shape)
    share = avg_pool2d(hidden, WINDOW, 1, WINDOW // 2, count_include_pad=False)
    return share.flatten(1) * mask


def completion_loss(
    filled: Images, a: Float[Tensor, " n"] | None, x: Images, weights: Masks
) -> Float[Tensor, ""]:
    """Σ w·|x − G(z)| + λ log(1 − D(G(z))), summed over the images.

    Args:
        filled: G(z).
        a: D's logits of G(z); None leaves D's term out.
        x: the images.
        weights: w, `neighbour_weights`.
    """
    of_known = (weights * (x - filled).abs()).sum()
    if a is None:
        return of_known
    log_1_minus_D = -softplus(a)
    return of_known + PRIOR_WEIGHT * log_1_minus_D.sum()


def optimise_completions(
    G: nn.Module,
    D: nn.Module | None,
    settings: Settings,
    x: Images,
    mask: AnyMask,
    image_shape: ImageShape,
    c: Classes | None = None,
    steps: int = 1500,
    on_progress: Progress = no_progress,
) -> Images:
    """Complete images by optimising z, each row from its own random z.

    Args:
        G: the generator, in evaluation mode.
        D: the discriminator, in evaluation mode; without one its term is left out.
        settings: the run's settings; the prior and the seed are used.
        x: images; repeat a row for several completions.
        mask: 1 or True where a pixel is known; one row for each image, or one for all.
        image_shape: (channels, height, width).
        c: the class of each row, for a conditional run.
        steps: updates of Adam on z.
        on_progress: called with (what, updates done, their number).

    Returns:
        The known pixels of x, completed with G's pixels.

    Raises:
        UserError: images of another shape or range than G's, or a mask of another shape.
    """
    refuse_other_images(G, settings, x)
    mask = _as_mask(mask, x)
    G = copy.deepcopy(G).requires_grad_(False)
    D = None if D is None else copy.deepcopy(D).requires_grad_(False)
    weights = neighbour_weights(mask, image_shape)
    address = Address(settings.seed, 0, range(len(x)))
    z = priors.draw(settings.prior, address, settings.z_size, "z to fill in").requires_grad_()
    optimiser = torch.optim.Adam([z], lr=LR)
    for step in range(steps):
        on_progress("z: update", step, steps)
        filled = generate(G, z, c)
        a = None if D is None else D(_row_for_D(G, filled, z, c)).flatten()
        loss = completion_loss(filled, a, x, weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            z.copy_(into_support(z, settings))
    with torch.no_grad():
        return compose(x, mask, generate(G, z, c))


def _as_mask(mask: AnyMask, x: Images) -> Masks:
    """The mask in floats, one row for each image.

    Raises:
        UserError: the mask is neither of the shape of the images nor of one image.
    """
    if mask.shape not in (x.shape, (1, *x.shape[1:]), x.shape[1:]):
        raise UserError(
            f"mask has shape {tuple(mask.shape)}; it must be {tuple(x.shape)} as the images, or "
            f"({x.shape[1]},) for all of them."
        )
    return mask.to(x).expand_as(x)


def _row_for_D(
    G: nn.Module, G_z: Images, z: Float[Tensor, "n z_size"], c: Classes | None
) -> Float[Tensor, "n values"]:
    """D's input for samples: G(z); with a class (G(z), c); in the joint game (G(z), z)."""
    if isinstance(G, GeneratorWithEncoder):
        return torch.cat([G_z, z], 1)
    return G_z if c is None else with_classes(G_z, c, class_count(G))


@torch.no_grad()
def complete_in_one_pass(G: nn.Module, settings: Settings, x: Images, mask: AnyMask) -> Images:
    """Complete images by a generator that was trained with masks: G(z, x·m, m), one z for each row.

    Args:
        G: the generator of a run with `condition` masks, in evaluation mode.
        settings: the run's settings; the prior and the seed are used.
        x: images; repeat a row for several completions.
        mask: 1 or True where a pixel is known; one row for each image, or one for all.

    Raises:
        UserError: a run without masks, images of another shape or range than G's, or a mask of
            another shape.
    """
    if settings.condition != "masks":
        raise SettingError(
            "condition",
            f"is {settings.condition}; it must be masks to fill in images in one pass. Use "
            "optimise_completions for other runs.",
        )
    refuse_other_images(G, settings, x)
    mask = _as_mask(mask, x)
    address = Address(settings.seed, 0, range(len(x)))
    z = priors.draw(settings.prior, address, settings.z_size, "z to fill in")
    return compose(x, mask, generate(G, z, known_part(x, mask)))
