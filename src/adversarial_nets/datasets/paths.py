"""Find the data set's name for a path, for messages about a path without a prefix."""

import itertools
import json
from contextlib import suppress
from pathlib import Path

from adversarial_nets.datasets.folder_files import SUFFIXES

__all__ = [
    "data_of_run",
    "describe_path",
    "holds_images",
    "is_run",
    "kind_of_file",
    "name_for_path",
    "name_of_other_kind",
]

_KINDS = {".zip": "folder", ".npz": "npz", ".npy": "npz", ".csv": "csv", ".csv.gz": "csv"}
"""The kind of data set that reads a file, by the end of the file's name."""


def is_run(path: str | Path) -> bool:
    """Whether a path is the folder of a run or of an exported generator."""
    with suppress(OSError, RuntimeError, ValueError):  # too long, or an unknown user's home
        return (Path(path).expanduser() / "settings.json").is_file()
    return False


def data_of_run(folder: str | Path) -> str | None:
    """The name of the data that a run was trained on; None if its record cannot be read."""
    with suppress(OSError, RuntimeError, ValueError, LookupError, TypeError):
        record = (Path(folder).expanduser() / "settings.json").read_text(encoding="utf-8")
        return str(json.loads(record)["data"])
    return None


def holds_images(path: str) -> bool:
    """Whether a path is a zip archive, or a folder with images in it or its subfolders."""
    with suppress(OSError, RuntimeError, ValueError):
        folder = Path(path).expanduser()
        if not folder.is_dir():
            return folder.is_file()
        if (folder / "checkpoints").exists():  # of a run without settings.json
            return False
        files = itertools.chain(folder.glob("*"), folder.glob("*/*"))
        return any(file.suffix.lower() in SUFFIXES for file in files)
    return False


def name_for_path(path: str) -> str | None:
    """The data set's name to type for the images at a path, e.g. ``folder:cats``.

    Returns:
        The name, in quotes if it has spaces; None if nothing is there, or a file of another kind.
    """
    with suppress(OSError, RuntimeError, ValueError):
        place = Path(path).expanduser()
        if path and place.is_dir():
            has_idx = any(place.glob("*-images-idx3-ubyte*"))
            return _quoted(f"{'idx' if has_idx else 'folder'}:{path}")
        if (kind := kind_of_file(path)) and place.is_file():
            return _quoted(f"{kind}:{path}")
    return None


def kind_of_file(path: str) -> str | None:
    """The kind of data set that reads a file of this name; None for other names."""
    return next((kind for end, kind in _KINDS.items() if path.lower().endswith(end)), None)


def name_of_other_kind(kind: str, path: str) -> str | None:
    """The name to type in place of ``KIND:PATH`` if another kind reads the path.

    >>> name_of_other_kind("stripes", "photos")  # a kind that a program has registered
    """
    if kind not in ("idx", "folder", *_KINDS.values()):
        return None
    name = name_for_path(path)
    return None if name is None or name.strip('"').startswith(f"{kind}:") else name


def describe_path(path: str) -> str | None:
    """The kind of a path that was given as a data set's name, and the name to type.

    Returns:
        One or two sentences; None if nothing is there, or a file of another kind.
    """
    if is_run(path):
        data = data_of_run(path) or "mnist-5k"
        return (
            f"{path} is the folder of a run, not data. Type the data that it was trained on, e.g. "
            f"{_quoted(data)}; in advnets train, add --run {_quoted(path)} to continue it."
        )
    name = name_for_path(path)
    if name is None:
        return None
    what = "folder" if Path(path).expanduser().is_dir() else "file"
    return f"{path} is a {what}; to use the images in it, type {name}."


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
