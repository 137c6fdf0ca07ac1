"""Defaults that depend on a user's images: grey or colour, and whether any are held out."""

import dataclasses
import functools
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from adversarial_nets.datasets.folder_archive import Archive, archive_at, unpacked
from adversarial_nets.datasets.folder_files import find_images, has_splits
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import UserError
from adversarial_nets.presets import Preset, preset_for

__all__ = ["default_preset", "preset_for_data"]

_LOOKED_AT = 30  # images
_SMALLEST = 8  # pixels of a side that the networks of pictures can draw
_FEW = 50  # images, of which none is held out


def default_preset(data: str) -> str:
    """Return the name of the preset that data have by default; no image is opened.

    Colour images of an ``npz:FILE`` get the preset pictures, too; on them quickstart diverges.
    """
    kind, _, path = data.partition(":")
    if kind == "npz" and _holds_colour_images(path):
        return "pictures"
    return preset_for(data)[0]


def preset_for_data(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or the data's own, adapted to a folder's images.

    `channels` is 1 for grey images. With the preset pictures, a small number of images are all used
    for training.

    Args:
        data: the data set's name, e.g. ``folder:PHOTOS``.
        name: the preset's name; `default_preset` by default.

    Raises:
        UserError: there is no such preset.
    """
    kind, _, path = data.partition(":")
    name, preset = preset_for(data, name or default_preset(data))
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


def _holds_colour_images(path: str) -> bool:
    """Whether an array of an .npz file has the shape of colour images, by the arrays' headers.

    What cannot be read is reported by loading the data.
    """
    from numpy.lib import format

    shapes = []
    damaged = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
    with suppress(*damaged), zipfile.ZipFile(Path(path).expanduser()) as archive:
        for member in archive.namelist():
            with archive.open(member) as array:
                first = format.read_magic(array) == (1, 0)
                read = format.read_array_header_1_0 if first else format.read_array_header_2_0
                shapes.append(read(array)[0])
    colour = [shape for shape in shapes if len(shape) == 4 and 3 in (shape[1], shape[3])]
    return any(sorted(shape[1:])[1] >= _SMALLEST for shape in colour)


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
