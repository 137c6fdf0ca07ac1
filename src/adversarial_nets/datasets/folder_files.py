"""Find the images in a user's folder, and split them into training, validation and test."""

import hashlib
import os
import unicodedata
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adversarial_nets.errors import SettingHint, UserError
from adversarial_nets.text import counted

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")

__all__ = [
    "SPLIT_FOLDERS",
    "Found",
    "class_of_images",
    "find_images",
    "has_splits",
    "refuse_images",
    "split_images",
]

# File names of images. Those of the last line cannot be decoded here; they are listed so that such
# files are reported instead of skipped silently.
SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"),
    *(".jpg", ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif"),
    *(".tiff", ".webp"),
    *(".eps", ".heic", ".heif", ".jxl", ".psd", ".svg"),
)

# Folders that programs and systems write among a user's images: thumbnails, caches, deleted files.
# Names with a leading dot (.thumbnails, .ipynb_checkpoints, .DS_Store) are skipped too.
SYSTEM_FOLDERS = (
    *("@eadir", "__macosx", "__pycache__", "#recycle", "$recycle.bin"),
    *("lost+found", "system volume information"),
)
SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini")

RUN_PARTS = ("settings.json", "checkpoints")
"""The contents of a run's folder, by which a run among the images is recognised and skipped."""

SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation"),
    "test": ("test", "testing"),
}
"""Names of subfolders that hold a split, in any case of letters."""


@dataclass
class Found:
    """The images in a folder, and the numbers of other files and of skipped folders.

    Attributes:
        images: paths of the images.
        others: number of other files by suffix.
        skipped: number of hidden and system folders and of runs by name.
    """

    images: list[Path] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


def find_images(folder: Path, given: Path | None = None) -> Found:
    """List the images below a folder.

    Links to folders are followed, after all other folders; each real folder is read once. A link to
    a folder that contains `folder` is not followed.

    Args:
        folder: the folder.
        given: the path for messages, if the user gave an archive that was unpacked into `folder`.

    Raises:
        UserError: the folder does not exist, cannot be listed, or has no images.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        if folder.is_file() and folder.suffix.lower() in _ARCHIVES:
            what = "is not a zip archive, or is damaged. Unpack it, and give its folder"
        raise UserError(
            f"{folder} {what}. In folder:PATH, PATH must be a folder of images "
            "or a zip archive of one."
        )
    found = Found()
    seen = {_identity(parent) for parent in folder.resolve().parents}
    folders, links = [folder], list[Path]()
    try:
        while folders or links:
            here = folders.pop() if folders else links.pop(0)
            if _identity(here) in seen:
                continue
            seen.add(_identity(here))
            for entry in sorted(os.scandir(here), key=lambda entry: entry.name):
                if not _is_folder(entry):
                    _note_file(found, Path(entry.path))
                elif _is_skipped(entry):
                    found.skipped[entry.name] += 1
                else:
                    (links if entry.is_symlink() else folders).append(Path(entry.path))
    except OSError as error:
        raise UserError(f"{error.filename} cannot be listed: {error.strerror}.") from error
    if not found.images:
        raise UserError(
            f"{given or folder} has no images (and {found.others.total():,} other files). Put "
            "files that end in .png, .jpg, .webp, .gif, .bmp, .tif or the like into it or its "
            "subfolders."
        )
    return found


def refuse_images(folder: Path) -> None:
    """Raise an error if a run's folder holds images, because the run would write among them.

    Raises:
        UserError: there are images in the folder itself; images in subfolders are allowed.
    """
    if folder.is_dir() and any(path.suffix.lower() in SUFFIXES for path in folder.iterdir()):
        raise UserError(
            f"{folder} holds images, and a run would write its own files among them. Choose "
            "another folder with --run (in Python, run=)."
        )


def _identity(folder: Path) -> tuple[int, int]:
    """A pair that identifies a folder, equal for all its paths."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether a path is a folder or a link to one; a link to itself is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_skipped(folder: "os.DirEntry[str]") -> bool:
    """Whether a folder is skipped: it belongs to the system, or is a run with its samples."""
    if folder.name.startswith(".") or folder.name.lower() in SYSTEM_FOLDERS:
        return True
    return all((Path(folder.path) / part).exists() for part in RUN_PARTS)


def _note_file(found: Found, path: Path) -> None:
    if path.name.startswith(".") or path.name.lower() in SYSTEM_FILES:
        return
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        found.images.append(path)
    else:
        found.others[suffix or "no suffix"] += 1


# --- Splits ---------------------------------------------------------------------------------------


def split_images(
    folder: Path, images: Sequence[Path], train_on_all: bool = False, given: Path | None = None
) -> tuple[dict[str, list[Path]], str]:
    """Split images by their subfolders ``train``, ``valid``, ``test``, or else by their names.

    Without such subfolders, a hash of each name decides: below .8 training, below .9 validation,
    else test. If a split would be empty, the two images with the largest hashes are held out. If
    there are a folder ``train`` and only one of the two others, the training images with a hash
    from .9 on (at least one) become the missing split. Images outside these subfolders are then not
    used.

    Args:
        folder: names are taken relative to it.
        images: paths of images below the folder.
        train_on_all: make all of them training images.
        given: the path for messages, if the user gave an archive that was unpacked into `folder`.

    Returns:
        The images of each split in the order of their hashes, and how they were split, in words.

    Raises:
        UserError: a split has no images.
    """
    hashes = {path: _name_hash(path.relative_to(folder)) for path in images}
    ordered = sorted(images, key=hashes.__getitem__)
    splits: dict[str, list[Path]] = {"train": [], "valid": [], "test": []}
    if train_on_all:
        return splits | {"train": ordered}, "all are training images, none is held out"
    given_splits = _given_splits(folder, ordered, given or folder)
    if given_splits is None:
        how = "split 80/10/10 by a hash of each file's name"
        for path in ordered:
            place = "train" if hashes[path] < 0.8 else "valid" if hashes[path] < 0.9 else "test"
            splits[place].append(path)
        if not all(splits.values()) and len(ordered) >= 3:
            how = f"one image each of only {len(ordered)}, by a hash of each file's name"
            splits = {"train": ordered[:-2], "valid": ordered[-2:-1], "test": ordered[-1:]}
    else:
        present = (name for name in given_splits if given_splits[name])
        how = f"split by the subfolders {', '.join(present)}"
        splits |= given_splits
        missing = next((name for name in splits if not splits[name]), None)
        if missing:
            how += f", with a tenth of train (by a hash of each file's name) as {missing}"
            train = given_splits["train"]
            n_kept = sum(hashes[path] < 0.9 for path in train)
            n_kept = min(n_kept, len(train) - 1)  # at least one is held out
            splits["train"], splits[missing] = train[:n_kept], train[n_kept:]
    if not all(splits.values()):
        n = len(images)
        raise SettingHint(
            "train_on_all",
            f"{given or folder} has only {counted(n, 'image')}, split into "
            f"{len(splits['train'])} for training, {len(splits['valid'])} for validation and "
            f"{len(splits['test'])} for the test; each split needs at least one. "
            "Add images: 3 are enough. Or train on all of them, without a score: train_on_all.",
        )
    return splits, how


def class_of_images(folder: Path, images: Sequence[Path]) -> dict[Path, str]:
    """The class of each image: the name of its subfolder (inside the folder of its split, if any).

    Returns:
        The classes by path; empty if an image lies in no subfolder.
    """
    base = _without_wrappers(folder, images)
    of_splits = {name for names in SPLIT_FOLDERS.values() for name in names}
    parts = {path: path.relative_to(base).parts[:-1] for path in images}
    if all(below and below[0].lower() in of_splits for below in parts.values()):
        parts = {path: below[1:] for path, below in parts.items()}
    return {path: below[0] for path, below in parts.items()} if all(parts.values()) else {}


def has_splits(folder: Path, images: Sequence[Path]) -> bool:
    """Whether the folder has a subfolder with the name of a split that has images."""
    base = _without_wrappers(folder, images)
    names = {name for names in SPLIT_FOLDERS.values() for name in names}
    tops = (path.relative_to(base).parts for path in images)
    return any(len(top) > 1 and top[0].lower() in names for top in tops)


def _given_splits(
    folder: Path, images: Sequence[Path], shown: Path
) -> dict[str, list[Path]] | None:
    """The images in the subfolders of each split; None unless two or more are there."""
    base = _without_wrappers(folder, images)
    shown /= base.relative_to(folder)
    given: dict[str, list[Path]] = {"train": [], "valid": [], "test": []}
    n_outside = 0
    for path in images:
        top = path.relative_to(base).parts
        split = next((s for s, names in SPLIT_FOLDERS.items() if top[0].lower() in names), None)
        if split is None or len(top) == 1:
            n_outside += 1
        else:
            given[split].append(path)
    held_out = [name for name in ("valid", "test") if given[name]]
    if not given["train"] or not held_out:
        if held_out:
            warnings.warn(
                f"{shown} has a subfolder {' and '.join(held_out)} but none for training, so all "
                "its images are pooled and split again. To keep the split, put the training images "
                "into a subfolder train.",
                stacklevel=2,
            )
        return None
    if n_outside:
        warnings.warn(
            f"{counted(n_outside, 'image')} in {shown} outside its subfolders train, valid and "
            "test: not used. To use them, move them into one of these.",
            stacklevel=2,
        )
    return given


def _without_wrappers(folder: Path, images: Sequence[Path]) -> Path:
    """The folder, or its only subfolder if that holds all images, as in many archives."""
    while True:
        tops = {path.relative_to(folder).parts[:2] for path in images}
        names = {top[0] for top in tops}
        if len(names) != 1 or any(len(top) == 1 for top in tops):
            return folder
        folder = folder / names.pop()


def _name_hash(relative: Path) -> float:
    """Hash a file name to a number in [0, 1), the same on all machines.

    Names are normalised to NFC first, because some file systems store accents separately.
    """
    text = unicodedata.normalize("NFC", relative.as_posix())
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53  # 53 bits, as a float64 has
