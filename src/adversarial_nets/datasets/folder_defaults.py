"""Defaults that depend on a folder's images: the preset with grey or colour as the images need."""

import dataclasses
from pathlib import Path

from adversarial_nets.datasets.folder_files import find_images
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.presets import Preset, preset_for

__all__ = ["preset_for_data"]

_LOOKED_AT = 30  # images


def preset_for_data(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or the data's own, with `channels` chosen by a folder's images.

    Args:
        data: the data set's name, e.g. ``folder:PHOTOS``.
        name: the preset's name; the data set's own by default.

    Raises:
        UserError: there is no such preset.
    """
    name, preset = preset_for(data, name)
    settings = preset.settings
    kind, _, path = data.partition(":")
    if kind not in REGISTRY or not REGISTRY[kind].resizable:  # its images are used as they are
        settings = dataclasses.replace(settings, size=None, channels=None)
    elif settings.channels is not None and _is_grey(Path(path)):
        settings = dataclasses.replace(settings, channels=1)
    return name, dataclasses.replace(preset, settings=settings)


def _is_grey(folder: Path) -> bool:
    """Whether none of some images, spread over the folder, has colours; False if unreadable."""
    from adversarial_nets.datasets.folder_images import read_image

    try:
        images = find_images(folder.expanduser()).images
        chosen = images[:: max(len(images) // _LOOKED_AT, 1)][:_LOOKED_AT]
        return not any(read_image(path, 16, 1)[1].made_grey for path in chosen)
    # Loading the data reports what is wrong with them; Pillow raises many types.
    except Exception:
        return False
