"""Whether a folder's images are all grey, and whether they are few; reads only some of them."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from adversarial_nets.datasets.folder_archive import Archive, archive_at, unpacked
from adversarial_nets.datasets.folder_files import find_images, has_splits
from adversarial_nets.errors import UserError

__all__ = ["FolderSummary", "summarise"]

_READ = 30  # images that are read
_FEW = 50  # up to this number of images, none is held out


class FolderSummary(NamedTuple):
    """Whether the images that were read are all grey, and whether there are at most 50 images."""

    are_grey: bool = False
    are_few: bool = False


def summarise(path: str) -> FolderSummary:
    """The summary of a folder or an archive.

    If it cannot be read, both are False; loading the data reports why.
    """
    try:
        folder = Path(path).expanduser()
        archive = archive_at(folder)
        return _summary_below(folder) if archive is None else _summary_of_archive(archive)
    except (UserError, OSError, RuntimeError, ValueError):
        return FolderSummary()


@functools.cache  # a command may call it several times
def _summary_of_archive(archive: Archive) -> FolderSummary:
    with unpacked(archive.path, keep=True) as folder:
        return _summary_below(folder)


def _summary_below(folder: Path) -> FolderSummary:
    images = find_images(folder).images
    few = len(images) <= _FEW and not has_splits(folder, images)
    return FolderSummary(_are_grey(images), few)


def _are_grey(images: Sequence[Path]) -> bool:
    """Whether a sample of these images has no colours; False if one cannot be read."""
    from adversarial_nets.datasets.folder_images import read_image

    chosen = images[:: max(len(images) // _READ, 1)][:_READ]
    try:
        return not any(read_image(path, 16, 1)[1].made_grey for path in chosen)
    # Pillow raises many types; the error is reported when the data are loaded.
    except Exception:
        return False
