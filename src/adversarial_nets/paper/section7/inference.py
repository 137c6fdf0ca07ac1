"""§7, extension 2: approximate inference, the noise z of an image x.

"Learned approximate inference can be performed by training an auxiliary network to predict z given
x." The auxiliary network E is trained after G, on G's own samples, where z is known:

    min_E  E_{z ~ p_z} ‖z − E(G(z))‖².

For an image that is not a sample of G, no exact z may exist. So a second method starts from E(x)
and minimises ‖x − G(z)‖² over z, with the schedule of StyleGAN2's projector (Karras et al. 2020,
arXiv:1912.04958, Appendix D).
"""

import copy
import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets import nets, priors
from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.baselines.optimisers import adam_state, minimise
from adversarial_nets.classes import class_count, drawn_classes, generator_input
from adversarial_nets.encoders import GeneratorWithEncoder, encode
from adversarial_nets.errors import UserError, describe_type
from adversarial_nets.layers import reference_parameter
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.random import Address
from adversarial_nets.runs import checkpoints, game_state
from adversarial_nets.runs.folder import Run, output_folder
from adversarial_nets.settings import GeneratorSettings, Settings

__all__ = [
    "EncoderSettings",
    "distances",
    "encoder_folder",
    "fit_encoder",
    "generate",
    "into_support",
    "load_encoder",
    "nearest_class",
    "optimise_z",
    "refuse_other_images",
    "starting_points",
]

Images = Float[Tensor, "n pixels"]
Noise = Float[Tensor, "n z_size"]
Classes = Int64[Tensor, " n"]
Columns = Float[Tensor, "n columns"]

WARM_UP, RAMP_DOWN = 0.05, 0.25
"""Shares of the steps in which the learning rate rises and falls."""
LR, NOISE, NOISE_SHARE = 0.1, 0.05, 0.75
"""Adam's learning rate, the initial standard deviation of the noise on z, and the share of the
steps with noise."""


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of E and of its training.

    Attributes:
        hidden: units of the hidden layers (ReLU, batch-normalised).
        steps: updates.
        batch: samples in a minibatch.
        lr: Adam's initial learning rate; it falls linearly to 0.
        seed: seed of all random draws.
    """

    hidden: tuple[int, ...] = (1024, 1024)
    steps: int = 5000
    batch: int = 128
    lr: float = 1e-3
    seed: int = 0


# --- E --------------------------------------------------------------------------------------------


def new_encoder(pixels: int, z_size: int, s: EncoderSettings) -> nn.Sequential:
    """E before its training: a multilayer perceptron from images to z."""
    layers = GeneratorSettings(
        hidden=s.hidden, output="linear", batch_norm=True, bias_from_marginals=False
    )
    return nets.generator(layers, pixels, z_size, s.seed)


def fit_encoder(
    G: nn.Module,
    settings: Settings,
    pixels: int,
    s: EncoderSettings,
    session: FitSession | None = None,
) -> nn.Sequential:
    """Train E for a finished generator.

    Args:
        G: the generator, in evaluation mode; it does not change.
        settings: the run's settings; the prior and z_size are used.
        pixels: values of an image.
        s: settings of E.
        session: saves and resumes the training; nothing is saved if None.

    Returns:
        E, from images (m, pixels) to noise (m, z_size), in evaluation mode.
    """
    E = new_encoder(pixels, settings.z_size, s).train()
    trained = dict(E.named_parameters())
    state = adam_state(trained)
    steps = (session or FitSession()).steps(s.steps, E, E.state_dict(), state)
    for step, record_loss in steps.until(s.steps, trained):
        address = Address(s.seed, step, range(s.batch))
        z = priors.draw(settings.prior, address, settings.z_size, "z for E")
        with torch.no_grad():
            x = G(generator_input(G, z, drawn_classes(G, address, "z for E")))
        loss = (z - E(x)).square().mean()
        minimise(trained, state, loss, s.lr * (1 - step / s.steps))
        record_loss(loss.item())
    return E.eval()


def encoder_folder(run: Run, weights: str, round: int, s: EncoderSettings | None = None) -> Path:
    """The folder of the encoder E that was trained for the run's G at a round.

    An E with another length or seed than the default has its own folder.
    """
    s, usual = s or EncoderSettings(), EncoderSettings()
    own = (s.steps, s.seed) != (usual.steps, usual.seed)
    name = f"{weights}-{round:08d}" + (f"-{s.steps}-{s.seed}" if own else "")
    return output_folder(run.folder) / "inference" / name


def load_encoder(run: Run, weights: str, round: int) -> nn.Sequential | None:
    """Load the encoder E for the run's G at a round: trained with G in a joint game, else after G.

    Returns:
        E in evaluation mode; if there are several, the one that was trained longest. None if no
        training of E is finished.
    """
    if run.settings.joint:
        G, _ = game_state.load_generator(run, round, weights)
        return G.E if isinstance(G, GeneratorWithEncoder) else None  # an ONNX file has no E
    usual = encoder_folder(run, weights, round)
    folders = sorted(
        usual.parent.glob(f"{usual.name}*")
    )  # sorted: ties do not depend on the system
    trained = [E for folder in folders if (E := _finished(run, folder))]
    return max(trained, key=lambda found: found[0])[1] if trained else None


def _finished(run: Run, folder: Path) -> tuple[int, nn.Sequential] | None:
    """The length and E of a finished training; None if it is not finished."""
    saved = checkpoints.checkpoint_rounds(folder)
    if not saved:
        return None
    record = json.loads((folder / "settings.json").read_text(encoding="utf-8"))["settings"]
    known = {f.name for f in dataclasses.fields(EncoderSettings)}
    fields: dict[str, Any] = {k: v for k, v in record.items() if k in known}
    s = EncoderSettings(**{**fields, "hidden": tuple(fields["hidden"])})
    if max(saved) < s.steps:
        return None
    E = new_encoder(run.pixels, run.settings.z_size, s)
    E.load_state_dict(checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder)).nets)
    return s.steps, E.eval()


# --- Reconstruction -------------------------------------------------------------------------------


def generate(G: nn.Module, z: Noise, c: Classes | Columns | None = None) -> Images:
    """G(z) with gradients; G(z, c) for a conditional generator.

    Args:
        G: the generator.
        z: noise.
        c: the class of each row; or the known pixels and their mask (`masks.known_part`).
    """
    images: Tensor = G(generator_input(G, z, c).to(reference_parameter(G)))
    return images


@torch.no_grad()
def refuse_other_images(G: nn.Module, settings: Settings, x: Images) -> None:
    """Raise an error unless images have G's shape and range: floats (n, pixels)."""
    address = Address(settings.seed, 0, range(16))
    z = priors.draw(settings.prior, address, settings.z_size, "z to try G")
    like = generate(G, z, drawn_classes(G, address, "z to try G"))
    is_tensor = isinstance(x, Tensor)
    if not is_tensor or not x.is_floating_point() or x.shape[1:] != like.shape[1:]:
        given = f"{x.dtype} of shape {tuple(x.shape)}" if is_tensor else describe_type(x)
        raise UserError(
            f"The images are {given}; they must be floats of shape (n, {like.shape[1]}). "
            "data.floats(images) converts a data set's images; flatten others with x.flatten(1)."
        )
    if len(x) and x.max() > 10 and like.min() >= 0 and like.max() <= 1:
        raise UserError(
            f"The images have values up to {x.max():g}, but G's are from 0 to 1. Divide images "
            "from 0 to 255 by 255."
        )


@torch.no_grad()
def distances(G: nn.Module, x: Images, z: Noise, c: Classes | None = None) -> Float[Tensor, " n"]:
    """‖x − G(z)‖ of each image."""
    return (x - generate(G, z, c)).norm(dim=1)


def nearest_class(G: nn.Module, x: Images, z: Noise) -> Classes | None:
    """For each x the class c for which G(z, c) is nearest to x, with z fixed.

    Returns:
        None for a generator without classes.
    """
    found = [distances(G, x, z, torch.full((len(x),), c)) for c in range(class_count(G))]
    return torch.stack(found).argmin(0) if found else None


@torch.no_grad()
def starting_points(
    G: nn.Module,
    settings: Settings,
    x: Images,
    E: nn.Module | None = None,
    c: Classes | None = None,
    known: Images | None = None,
) -> tuple[Noise, Classes | None]:
    """An initial z for each image, and its class if G has classes.

    Args:
        G: the generator.
        settings: the run's settings.
        x: images.
        E: the encoder; z is the point of the prior's support nearest to E(x). Without E, z is the
            best of 1,000 random z.
        c: the class of each image; by default that of the nearest G(z, c).
        known: 1 at the pixels to compare, for random z; by default all.

    Raises:
        UserError: images of another shape or range than G's.
    """
    refuse_other_images(G, settings, x)
    if E is not None:
        z = into_support(encode(E, x), settings)  # E's output may lie outside the support
        return z, nearest_class(G, x, z) if c is None else c
    address = Address(settings.seed, 0, range(1000))
    tried_z = priors.draw(settings.prior, address, settings.z_size, "first z")
    classes_in_turn = torch.arange(len(tried_z)) % max(class_count(G), 1)
    tried_c, tried_x = classes_in_turn, None
    if c is None or not class_count(G):
        tried_x = generate(G, tried_z, tried_c)  # the same for every image
    best_z, best_c = [], []
    for i, image in enumerate(x):
        if c is not None:
            tried_c = c[i].expand(len(tried_z))
        error = image - (generate(G, tried_z, tried_c) if tried_x is None else tried_x)
        if known is not None:
            error = error * known[i]
        nearest = int(error.norm(dim=1).argmin())
        best_z.append(tried_z[nearest])
        best_c.append(tried_c[nearest])
    return torch.stack(best_z), torch.stack(best_c) if class_count(G) else None


def optimise_z(
    G: nn.Module,
    settings: Settings,
    x: Images,
    start: Noise,
    c: Classes | None = None,
    steps: int = 500,
    on_progress: Progress = no_progress,
) -> Noise:
    """Minimise ‖x − G(z)‖² over z, for each image separately.

    z stays in the prior's support. The result is never farther from x than the start.

    Args:
        G: the generator, in evaluation mode.
        settings: the run's settings; the prior and the seed are used.
        x: images.
        start: the initial z, one row for each image.
        c: the class of each image, for a conditional generator.
        steps: updates of Adam.
        on_progress: called with (what, updates done, their number).

    Raises:
        UserError: images of another shape or range than G's, or a start of another shape.
    """
    refuse_other_images(G, settings, x)
    if start.shape != (len(x), settings.z_size):
        raise UserError(
            f"start has shape {tuple(start.shape)}; it must be (n, z_size) = "
            f"({len(x)}, {settings.z_size}), one row for each image, e.g. from starting_points."
        )
    G = copy.deepcopy(G).requires_grad_(False)
    start = into_support(start, settings)
    z = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([z], lr=LR)
    for step in range(steps):
        on_progress("z: update", step, steps)
        t = step / steps
        optimiser.param_groups[0]["lr"] = LR * _schedule(t)
        noise = Address(settings.seed, step, range(len(z))).normal("noise on z", z.shape[1])
        strength = NOISE * max(0.0, 1 - t / NOISE_SHARE) ** 2
        loss = (x - generate(G, z + strength * noise, c)).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            z.copy_(into_support(z, settings))
    z = z.detach()
    closer = distances(G, x, z, c) < distances(G, x, start, c)
    return torch.where(closer[:, None], z, start)


def _schedule(t: float) -> float:
    """The learning rate's factor at share t of the steps: a linear rise, then a cosine decay."""
    fall = min(1.0, (1 - t) / RAMP_DOWN)
    return min(1.0, t / WARM_UP) * (0.5 - 0.5 * math.cos(math.pi * fall))


def into_support(z: Noise, settings: Settings) -> Noise:
    """The point of the prior's support that is nearest to each z."""
    return priors.find(settings.prior).nearest(z)
