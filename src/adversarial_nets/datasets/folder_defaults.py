"""Defaults that depend on a folder's images: grey or colour, and whether any are held out."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from adversarial_nets.datasets.folder_files import SPLIT_FOLDERS, find_images
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import UserError
from adversarial_nets.presets import Preset, preset_for

__all__ = ["preset_for_data"]

_LOOKED_AT = 30  # images
_FEW = 50  # images, of which none is held out


def preset_for_data(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or the data's own, adapted to a folder's images.

    `channels` is 1 for grey images. With the preset pictures, few images are all trained on.

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
    else:
        images = _images(Path(path))
        if settings.channels is not None and images and _are_grey(images):
            settings = dataclasses.replace(settings, channels=1)
        if name == "pictures" and 0 < len(images) <= _FEW and not _have_splits(images):
            settings = dataclasses.replace(settings, train_on_all=True)
    return name, dataclasses.replace(preset, settings=settings)


def _images(folder: Path) -> list[Path]:
    """The images below a folder; none if it cannot be read, which loading the data reports."""
    try:
        return find_images(folder.expanduser()).images
    except (UserError, OSError, RuntimeError):
        return []


def _are_grey(images: Sequence[Path]) -> bool:
    """Whether none of some of these images has colours; False if one is unreadable."""
    from adversarial_nets.datasets.folder_images import read_image

    chosen = images[:: max(len(images) // _LOOKED_AT, 1)][:_LOOKED_AT]
    try:
        return not any(read_image(path, 16, 1)[1].made_grey for path in chosen)
    # Loading the data reports what is wrong with them; Pillow raises many types.
    except Exception:
        return False


def _have_splits(images: Sequence[Path]) -> bool:
    """Whether some lie in a folder that is called like a split."""
    names = {name for names in SPLIT_FOLDERS.values() for name in names}
    return any(not names.isdisjoint(map(str.lower, path.parts[:-1])) for path in images)
