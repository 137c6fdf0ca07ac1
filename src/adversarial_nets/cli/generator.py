"""Shared code of the commands that use a run's generator: options, and opening the run."""

import dataclasses
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from adversarial_nets.cli.shared import Checkpoint, Json, RunFolder, Weights, default
from adversarial_nets.errors import UserError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn

    from adversarial_nets.runs.folder import Run

__all__ = ["GeneratorOptions", "Opened", "Truncation", "open_generator"]

Truncation = Annotated[
    float | None,
    tyro.conf.arg(
        help="Draw z from the prior within ± this value in each coordinate: smaller values give "
        "less varied images (BigGAN, arXiv:1809.11096), and with preset pictures paler ones below "
        "1.5.",
        help_behavior_hint="(default: the whole prior)",
    ),
]


@dataclass(frozen=True)
class GeneratorOptions:
    """The options of ``sample``, ``walk``, ``interpolate``, ``project`` and ``inpaint``."""

    run: RunFolder
    class_: Annotated[str | None, default("all classes", name="class")] = None
    """Only this class, by its name or number, of a run with --condition classes."""
    seed: Annotated[int | None, default("the run's")] = None
    """Seed of the noise z."""
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    json: Json = False


@dataclass(frozen=True)
class Opened:
    """A run with its generator loaded.

    Attributes:
        run: the run; its settings have the seed of the command.
        G: the generator, in evaluation mode.
        round: the checkpoint's round.
        weights: ``raw`` or ``averaged``.
        c: the number of the requested class, or None.
    """

    run: "Run"
    G: "nn.Module"
    round: int
    weights: str
    c: int | None

    def facts(self, out: Path) -> dict[str, Any]:
        """The fields of ``--json`` that all these commands have."""
        return {"round": self.round, "weights": self.weights, "out": str(out)}

    def noise(
        self, n: int, purpose: str, first: int = 0, truncation: float | None = None
    ) -> "Float[Tensor, 'n z_size']":
        """Draw n noise vectors from the run's prior, truncated to ± `truncation` if it is given."""
        from adversarial_nets import priors
        from adversarial_nets.random import Address

        s = self.run.settings
        z = priors.draw(s.prior, Address(s.seed, 0, range(first, first + n)), s.z_size, purpose)
        return z if truncation is None else priors.truncate(s.prior, z, truncation)

    def noise_of(self, file: Path) -> "Float[Tensor, 'n z_size']":
        """Read noise vectors, one per row, from a .npy or .csv file.

        Raises:
            UserError: the file does not exist, or does not hold (n, z_size) finite numbers.
        """
        import numpy as np
        import torch

        from adversarial_nets.datasets.folder_images import explain_failure

        size = self.run.settings.z_size
        try:
            if file.suffix == ".npy":
                rows = np.load(file, allow_pickle=False)
            else:
                rows = np.loadtxt(file, delimiter=",", ndmin=2, encoding="utf-8")
            if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiu":
                raise ValueError("no array of real numbers")
            rows = np.atleast_2d(rows.astype(np.float32))
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"--z {file} cannot be read ({explain_failure(error, file)}). Give a .npy file, or "
                f"a .csv file of numbers separated by commas, with {size} numbers in each row."
            ) from error
        if rows.ndim != 2 or rows.shape[1] != size or not len(rows):
            raise UserError(
                f"--z {file} has the shape {rows.shape}; this run needs (n, {size}): one row of "
                f"{size} numbers for each sample."
            )
        if not np.isfinite(rows).all():
            raise UserError(f"--z {file} has values that are NaN or infinite; remove these rows.")
        return torch.from_numpy(rows)


def open_generator(o: GeneratorOptions) -> Opened:
    """Open the run, and load the generator that the options name.

    Raises:
        UserError: the run, class, checkpoint or weights do not exist; or an impossible seed.
    """
    from adversarial_nets.classes import find_class
    from adversarial_nets.runs import game_state
    from adversarial_nets.runs.folder import open_run

    run = open_run(o.run)
    if o.seed is not None:
        run = dataclasses.replace(run, settings=dataclasses.replace(run.settings, seed=o.seed))
    c = None if o.class_ is None else find_class(list(run.classes), o.class_)
    weights = o.weights or run.default_weights
    G, round = game_state.load_generator(run, o.checkpoint, weights)
    return Opened(run, G, round, weights, c)
