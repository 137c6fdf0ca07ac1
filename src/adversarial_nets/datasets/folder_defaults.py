"""The preset of a training that names none, adapted to the colours and the number of images."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from adversarial_nets.datasets.folder_archive import Archive, archive_at, unpacked
from adversarial_nets.datasets.folder_files import find_images, has_splits
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.presets import PRESETS, Preset

__all__ = ["preset_for", "preset_for_data"]

_LOOKED_AT = 30  # images
_FEW = 50  # images, of which none is held out


def preset_for(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or by default the one that the data set was registered with.

    One class (``mnist:7``), and data that only the program has, get quickstart.

    Raises:
        UnknownName: there is no such preset.

    >>> preset_for("mnist")[0], preset_for("mnist-5k")[0], preset_for("folder:cats")[0]
    ('mnist', 'quickstart', 'pictures')
    """
    kind, colon, path = data.partition(":")
    entry = REGISTRY.get(kind)
    if name is None and entry is not None and entry.takes_path == bool(colon):
        own = entry.default_preset
        name = own(path) if callable(own) else own
    name = name or "quickstart"
    if name not in PRESETS:
        raise unknown_name(name, list(PRESETS), "preset")
    return name, PRESETS[name]


def preset_for_data(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or the data's own, adapted to a folder's images.

    `channels` is 1 for grey images. With the preset pictures, a small number of images are all used
    for training.

    Args:
        data: the data set's name, e.g. ``folder:PHOTOS``.
        name: the preset's name; by default that of `preset_for`.

    Raises:
        UserError: there is no such preset.
    """
    kind, _, path = data.partition(":")
    name, preset = preset_for(data, name)
    settings = preset.settings
    if kind not in REGISTRY or not REGISTRY[kind].resizable:  # its images are used as they are
        settings = dataclasses.replace(settings, size=None, channels=None)
    else:
        found = _look_at(path)
        if settings.channels is not None and found.are_grey:
            settings = dataclasses.replace(settings, channels=1)
        if name == "pictures" and found.are_few:
            settings = dataclasses.replace(settings, train_on_all=True)
    return name, dataclasses.replace(preset, settings=settings)


class _Look(NamedTuple):
    """Whether images are all grey, and so few that none is held out."""

    are_grey: bool = False
    are_few: bool = False


def _look_at(path: str) -> _Look:
    """Look at a folder or an archive. What cannot be read is reported by loading the data."""
    try:
        folder = Path(path).expanduser()
        archive = archive_at(folder)
        return _look_below(folder) if archive is None else _look_into(archive)
    except (UserError, OSError, RuntimeError, ValueError):
        return _Look()


@functools.cache  # a command asks several times
def _look_into(archive: Archive) -> _Look:
    with unpacked(archive.path, keep=True) as folder:
        return _look_below(folder)


def _look_below(folder: Path) -> _Look:
    images = find_images(folder).images
    few = len(images) <= _FEW and not has_splits(folder, images)
    return _Look(_are_grey(images), few)


def _are_grey(images: Sequence[Path]) -> bool:
    """Whether none of some of these images has colours; False if one is unreadable."""
    from adversarial_nets.datasets.folder_images import read_image

    chosen = images[:: max(len(images) // _LOOKED_AT, 1)][:_LOOKED_AT]
    try:
        return not any(read_image(path, 16, 1)[1].made_grey for path in chosen)
    # Loading the data reports what is wrong with them; Pillow raises many types.
    except Exception:
        return False
