"""Atomic writes, JSON files, and the lock of a run's folder."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors

from adversarial_nets.errors import UserError

__all__ = [
    "lock",
    "read_json",
    "write_atomically",
]

FORMAT = 1


# --- Writing, so that a crash leaves the old or the new, never a half -----------------------------


@contextmanager
def explain_os_errors(folder: Path) -> Iterator[None]:
    """Turn the disk's refusals into sentences."""
    try:
        yield
    except (OSError, safetensors.SafetensorError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            why = "the disk is full. Make room"
        elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
            why = "this place is read-only. Give another folder (--run or --out)"
        elif number in (errno.ENOTDIR, errno.EEXIST):
            why = "a file stands where a folder should be. Give another folder (--run or --out)"
        elif number == errno.ENOENT:
            why = "there is no such place. Give another folder (--run or --out)"
        elif number == errno.EISDIR:
            why = "a folder stands where a file should be. Give another name"
        elif number == errno.ENAMETOOLONG:
            why = "a name is too long. Give a shorter one"
        else:
            why = f"{error}. See to that, or give another folder (--run or --out),"
        raise UserError(
            f"Cannot write to {folder}: {why} and give the same command again; whatever was saved "
            "before is intact."
        ) from error


def _flush(path: Path) -> None:
    """Wait until a file's or folder's contents are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that its name always shows the old content or the new, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)


def json_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); restore it from a copy.") from error
    if not isinstance(record, dict):
        raise UserError(
            f"{path} is not what adversarial-nets writes there; restore it from a copy."
        )
    return record


def check_format(record: Mapping[str, Any], path: Path) -> None:
    form = record.get("format")
    if not isinstance(form, int):
        raise UserError(f"{path} was not written by adversarial-nets.")
    if form > FORMAT:
        raise UserError(
            f"{path} is of format {form}, written by a newer version of adversarial-nets; this one "
            f"reads up to {FORMAT}. Upgrade with: pip install --upgrade adversarial-nets"
        )


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the run for this process alone; the system lets go however the process ends.

    Raises:
        UserError: another process holds it.
    """
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{folder} is in use by another process. Wait for it, stop it, or give this run a "
                "folder of its own with --run."
            ) from error
        except OSError as error:
            raise UserError(
                f"{folder} cannot be kept for one process alone: its file system has no locks "
                f"({error.strerror}). Give a folder on another one with --run."
            ) from error
        yield
