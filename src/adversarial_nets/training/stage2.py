"""TFD's stage 2 (released configuration): a deeper G whose top layers come from a finished run."""

from pathlib import Path

from torch import nn

from adversarial_nets.build import new_generator
from adversarial_nets.classes import condition_columns, images_per_class
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs import game_state
from adversarial_nets.settings import Settings

__all__ = ["generator_on_top_of"]


def generator_on_top_of(folder: Path, settings: Settings, data: Dataset) -> nn.Module:
    """A new generator whose last layers, with their weights, are a finished run's.

    Raises:
        UserError: the run does not exist, or its layers are not the last layers of these settings.
    """
    trained = runs_folder.open_run(folder)
    top, _ = game_state.load_generator(trained, weights="raw")
    s = settings
    counts = images_per_class(s, data)
    columns = condition_columns(s, counts, data.pixels)
    G = new_generator(s, data.pixels, data.image_shape, columns)
    last_layers = list(G.children())[-len(list(top.children())) :]
    try:
        nn.Sequential(*last_layers).load_state_dict(top.state_dict())
    except RuntimeError as error:
        raise UserError(
            f"--onto {folder}: its generator has layers {trained.settings.G.hidden} for images of "
            f"{trained.image_shape}, which are not the last layers of G.hidden {s.G.hidden} for "
            f"images of {data.image_shape}. Use the preset and the image size that belong to it "
            "(tfd-stage2 goes onto tfd, tfd-stage2-small onto tfd-small)."
        ) from error
    return G
