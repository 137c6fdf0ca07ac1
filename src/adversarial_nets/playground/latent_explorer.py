"""Explore the latent space of a trained run: interpolate between two images, move z along axes."""

import base64
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.classes import class_count, generator_input, with_classes
from adversarial_nets.plots import sheets
from adversarial_nets.plots.interpolation import straight_lines
from adversarial_nets.random import Address
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run

__all__ = ["LatentExplorer", "open_latent_explorer"]

IMAGES = 24
"""Number of images from which the user chooses the end points."""
COLUMNS = 8
"""Number of columns of these images."""
DIRECTIONS = 8
"""Number of directions in z with a slider."""
INTERPOLATIONS = 11
"""Number of images along the line between the end points."""
MAX_OFFSET = 5.0
"""Largest distance that a slider moves z."""


@dataclass(frozen=True)
class LatentExplorer:
    """A trained generator, and the z of the images to choose from.

    Attributes:
        run: the trained run.
        G: its generator.
        round: the round of the generator's checkpoint.
        z: noise vectors of the images to choose the end points from; with classes, also their
            classes in one-hot form, which are interpolated like z.
        directions: orthonormal directions along which the sliders move z.
    """

    run: Run
    G: nn.Module
    round: int
    z: Float[Tensor, "images inputs"]
    directions: Float[Tensor, "directions inputs"]

    def images_at(self, message: dict[str, Any]) -> dict[str, Any]:
        """The message with the images to choose from, the interpolation, and the image at one z.

        Args:
            message: ``a`` and ``b``, numbers of the images at the ends of the line; ``t`` in [0,
                1], the position on the line; ``offsets``, the distance from there along each
                direction; ``class``, the class of all images, or None for all classes in turn.

        Raises:
            ValueError, TypeError, IndexError, OverflowError, RuntimeError: the message has a value
                that is not allowed.
        """
        a, b = (range(IMAGES)[message.get(name, i)] for i, name in enumerate("ab"))
        t = float(message.get("t", 0.0))
        if not math.isfinite(t):
            raise ValueError("t")
        t = min(max(t, 0.0), 1.0)
        offsets = torch.tensor(message.get("offsets", []), dtype=torch.float32)
        offsets = offsets.clamp(-MAX_OFFSET, MAX_OFFSET)
        if offsets.ndim != 1 or len(offsets) > len(self.directions) or not offsets.isfinite().all():
            raise ValueError("offsets")
        z = self._of_class(message.get("class"))
        ends = z[a : a + 1], z[b : b + 1]
        line = straight_lines(*ends, INTERPOLATIONS)[0]
        here = torch.lerp(*ends, t) + offsets @ self.directions[: len(offsets)]
        return {
            "type": "latent",
            "a": a,
            "b": b,
            "t": t,
            "interpolations": INTERPOLATIONS,
            "round": self.round,
            "run": self.run.folder.name,
            "directions": len(self.directions),
            "classes": list(self.run.classes) if class_count(self.G) else [],
            "images": self._png(z, COLUMNS),
            "line": self._png(line, INTERPOLATIONS),
            "here": self._png(here, 1, scale=6),
        }

    def _of_class(self, c: object) -> Float[Tensor, "images inputs"]:
        """The images' noise, with the class replaced by another one."""
        count = class_count(self.G)
        if c is None or not count:
            return self.z
        if type(c) is not int or c not in range(count):
            raise ValueError("class")
        return with_classes(self.z[:, :-count], torch.full((IMAGES,), c), count)

    @torch.no_grad()
    def _png(self, z: Float[Tensor, "n inputs"], columns: int, scale: int = 2) -> str:
        """G(z) in a grid, as a PNG in base64."""
        run = self.run
        png = sheets.grid_png(self.G(z), run.image_shape, run.range, columns, scale)
        return base64.b64encode(png).decode()


def open_latent_explorer(folder: Path) -> LatentExplorer:
    """Load the newest generator of a run.

    Raises:
        UserError: the folder holds no run, or its networks cannot be rebuilt.
    """
    run = runs_folder.open_run(folder)
    G, round = game_state.load_generator(run)
    s = run.settings
    address = Address(s.seed, 0, range(IMAGES))
    z = priors.draw(s.prior, address, s.z_size, "samples to watch")
    classes = class_count(G)
    # The images have all classes in turn, so that a line can connect two classes.
    z = generator_input(G, z, torch.arange(IMAGES) % classes if classes else None)
    normal = Address(s.seed, 0, range(s.z_size)).normal(
        "directions in z", min(DIRECTIONS, s.z_size)
    )
    directions = torch.linalg.qr(normal).Q.T
    # The sliders do not change the condition.
    directions = nn.functional.pad(directions, (0, z.shape[1] - s.z_size))
    return LatentExplorer(run, G, round, z, directions.contiguous())
