"""A walk through the z of a trained run: sliders, and a straight line between two picked images."""

import base64
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from adversarial_nets import priors
from adversarial_nets.plots import sheets
from adversarial_nets.plots.interpolation import straight_lines
from adversarial_nets.random import Address
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run

__all__ = ["Walk", "open_walk"]

PICKS = 24  # images to pick from
SLIDERS = 8  # directions in z
STEPS = 11  # images along a line


@dataclass(frozen=True)
class Walk:
    """A trained generator, and the noise of the images to pick from.

    Attributes:
        run: where it comes from.
        G: the generator.
        round: how long it had been trained.
        z: of the images to pick from.
        directions: of unit length, at right angles to one another, along which the sliders move z.
    """

    run: Run
    G: nn.Module
    round: int
    z: Float[Tensor, "picks z_size"]
    directions: Float[Tensor, "sliders z_size"]

    def show(self, message: dict[str, Any]) -> dict[str, Any]:
        """The images to pick from, the line from one picked to another, and one moved in z.

        Args:
            message: ``a`` and ``b``, numbers of picked images; ``t`` in [0, 1], the place on the
                line between them; ``moves``, how far along each direction to go from there.

        Raises:
            ValueError, TypeError, IndexError, OverflowError, RuntimeError: something else.
        """
        a, b = (range(PICKS)[message.get(name, i)] for i, name in enumerate("ab"))
        t = float(message.get("t", 0.0))
        if not math.isfinite(t):
            raise ValueError("t")
        t = min(max(t, 0.0), 1.0)
        moves = torch.tensor(message.get("moves", []), dtype=torch.float32).clamp(-5, 5)
        if moves.ndim != 1 or len(moves) > len(self.directions) or not moves.isfinite().all():
            raise ValueError("moves")
        ends = self.z[a : a + 1], self.z[b : b + 1]
        line = straight_lines(*ends, STEPS)[0]
        here = torch.lerp(*ends, t) + moves @ self.directions[: len(moves)]
        return {
            "is": "walk",
            "a": a,
            "b": b,
            "round": self.round,
            "sliders": len(self.directions),
            "picks": self._png(self.z, 8),
            "line": self._png(line, STEPS),
            "here": self._png(here, 1, scale=6),
        }

    @torch.no_grad()
    def _png(self, z: Float[Tensor, "n z_size"], columns: int, scale: int = 2) -> str:
        run = self.run
        png = sheets.grid_png(self.G(z), run.image_shape, run.range, columns, scale)
        return base64.b64encode(png).decode()


def open_walk(folder: Path) -> Walk:
    """The run's newest generator, ready to walk in.

    Raises:
        UserError: the folder holds no run, or none that can be rebuilt.
    """
    run = runs_folder.open_run(folder)
    G, at = game_state.load_generator(run)
    s = run.settings
    z = priors.draw(s.prior, Address(s.seed, 0, range(PICKS)), s.z_size, "samples to watch")
    some = Address(s.seed, 0, range(s.z_size)).normal("directions in z", min(SLIDERS, s.z_size))
    return Walk(run, G, at, z, torch.linalg.qr(some).Q.T.contiguous())
