"""Atomic writes, JSON files, and the lock of a run's folder."""

import codecs
import errno
import json
import math
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError  # the package itself, without safetensors.torch

from adversarial_nets.errors import UserError, reason

__all__ = [
    "FORMAT",
    "PACKAGED",
    "check_format",
    "check_output_folder",
    "exclusive_lock",
    "explain_os_errors",
    "flush",
    "json_text",
    "lock",
    "naming",
    "numbered_by_round",
    "read_bytes",
    "read_json",
    "reason",
    "require_folder",
    "shown",
    "without_infinities",
    "write_atomically",
]

FORMAT = 1
"""Version of the run folder's layout, written into its JSON files."""

PACKAGED = Path(__file__).resolve().parent.parent / "weights"
"""The folder of the trained generators that come with the package, with one subfolder for each."""

_WINDOWS = os.name == "nt"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
_NOT_FLUSHED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
# A path may have bytes that the locale cannot decode. They are written unchanged.
_UNDECODED = "surrogateescape"


def shown(folder: Path) -> str:
    """A run's folder as messages name it; of a generator in the package, its name alone."""
    return folder.name if folder.parent == PACKAGED else str(folder)


def numbered_by_round(paths: Iterable[Path]) -> dict[int, Path]:
    """Return the files and folders named ``round-N``, by N in ascending order; ignore others.

    Earlier versions named them ``step-N``.
    """
    found = {}
    for path in paths:
        kind, _, number = path.stem.partition("-")
        if kind in ("round", "step") and number.isdecimal():
            found[int(number)] = path
    return dict(sorted(found.items()))


@contextmanager
def explain_os_errors(folder: Path) -> Iterator[None]:
    """Raise a `UserError` that explains what to do if writing into a folder fails."""
    try:
        yield
    except (OSError, SafetensorError) as raised:
        error = raised if isinstance(raised, OSError) else OSError(str(raised))
        number = error.errno
        if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            why = "the disk is full. Free some space"
        elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
            why = "the folder is read-only. Choose another folder"
        elif folder.is_symlink() and not folder.exists():
            why = "it is a link to a folder that does not exist. Choose another folder"
        elif number in (errno.ENOTDIR, errno.EEXIST):
            why = "a file has the folder's name. Choose another folder"
        elif number == errno.ENOENT:
            why = "the folder does not exist. Choose another folder"
        elif number == errno.EISDIR:
            why = "a folder has the file's name. Choose another name"
        elif number == errno.EFBIG:
            file = Path(os.fsdecode(error.filename)).name if error.filename else "the file"
            why = f"{file} is larger than this system allows (ulimit -f). Raise the limit"
        elif number == errno.ENAMETOOLONG:
            why = "a name is too long. Choose a shorter one"
        else:
            why = f"{error}. Solve this problem, or choose another folder,"
        raise UserError(
            f"Cannot write to {folder}: {why} and try again. Everything saved before is intact."
        ) from raised


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give errors of the system the name of the file that is written, not of a temporary one."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def check_output_folder(folder: Path) -> None:
    """Check that results can be written into a folder, which need not exist yet; call it first.

    Nothing is created.

    Raises:
        UserError: the folder or a parent is a file, a broken link, or read-only.
    """
    with explain_os_errors(folder):
        place = folder.absolute()
        while not os.path.lexists(place):
            place = place.parent
        place.stat()  # raises an error for a broken link
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


def require_folder(folder: Path) -> None:
    """Raise an error if a run's folder was moved or deleted; nothing is created in its place."""
    if not folder.is_dir():
        raise UserError(
            f"{folder} was moved or deleted during the training, so nothing more is saved. If you "
            "moved it, continue from its last checkpoint: add --run with its new place."
        )


def flush(path: Path) -> None:
    """Block until a file's or folder's contents are on the disk (fsync).

    Folders cannot be flushed on Windows and on some network file systems; there this does nothing.
    """
    is_folder = path.is_dir()
    if is_folder and _WINDOWS:
        return
    descriptor = os.open(path, os.O_RDWR if _WINDOWS else os.O_RDONLY)  # Windows requires both
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (is_folder and error.errno in _NOT_FLUSHED):
            raise
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that after a crash it has either the old or the new contents, complete.

    A text is written as UTF-8 with unchanged line ends, on every system and in every locale.
    """
    # Threads of one process may write the same file at the same time.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.writing")
    data = content.encode("utf-8", _UNDECODED) if isinstance(content, str) else content
    try:
        with naming(path):
            temporary.write_bytes(data)
            flush(temporary)
            temporary.replace(path)
    except BaseException:  # including Ctrl-C
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    flush(path.parent)


def without_infinities(value: object) -> object:
    """Replace infinity and NaN by None, because JSON does not have them.

    >>> without_infinities({"KL": [1.5, math.inf]})
    {'KL': [1.5, None]}
    """
    if isinstance(value, dict):
        return {name: without_infinities(x) for name, x in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinities(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: object) -> str:
    """Return the value as indented JSON that ends in a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read_bytes(path: Path) -> bytes:
    """Read a file of a run.

    Raises:
        FileNotFoundError: the file does not exist, or is a folder.
        UserError: the file exists, but the system does not let this process read it.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno in _NO_FILE:
            raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
        raise UserError(
            f"{path} cannot be read now ({error.strerror}), which does not mean that it is "
            "damaged. Check its permissions and that its disk is connected, and try again."
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises:
        UserError: the file cannot be read, or does not hold one JSON object.
    """
    try:
        # Windows' editor may have put a byte-order mark before the text.
        text = read_bytes(path).removeprefix(codecs.BOM_UTF8).decode("utf-8", errors=_UNDECODED)
        record = json.loads(text)
        if not isinstance(record, dict):
            raise ValueError("it holds no JSON object")
    except (FileNotFoundError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({error}). Restore it from a copy.") from error
    return record


def check_format(record: Mapping[str, Any], path: Path) -> None:
    """Raise an error unless this version can read a record."""
    version = record.get("format")
    if not isinstance(version, int):
        raise UserError(f"{path} was not written by adversarial-nets: it states no format.")
    if version > FORMAT:
        raise UserError(
            f"{path} has format {version}, written by a newer version of adversarial-nets; this "
            f"version reads formats up to {FORMAT}. Upgrade with: pip install --upgrade "
            "adversarial-nets"
        )


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock inside the block, so that only one process at a time adds to a file.

    The file's folder must exist. On a file system without locks, this does nothing.
    """
    from filelock import FileLock

    held = FileLock(path.with_name(f".{path.name}.lock"), fallback_to_soft=False)
    try:
        held.acquire()
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        held.release()


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Lock a run's folder for this process; the lock is released even if the process crashes.

    If the folder is new and remains empty, because a training was refused, it is removed again.

    Raises:
        UserError: another process holds the lock, or the file system has no locks.
    """
    from filelock import FileLock, Timeout

    new = not folder.exists()
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # No soft lock: it is only a file, which would remain after a crash.
        held = FileLock(folder / ".lock", timeout=0, fallback_to_soft=False)
        try:
            held.acquire()
        except Timeout as error:
            raise UserError(
                f"{folder} is in use by another process. Wait for that process, stop it, or choose "
                "another folder for this run."
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise UserError(
                f"{folder} cannot be locked for this process: its file system has no locks "
                f"({error.strerror}). Choose a folder on another file system."
            ) from error
    try:
        yield
    finally:
        if new and all(path.name == ".lock" for path in folder.glob("*")):
            with suppress(OSError):  # Windows does not delete an open file
                (folder / ".lock").unlink()
                folder.rmdir()
        held.release()
