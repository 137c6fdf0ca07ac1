"""A zip archive of images: unpacked into a temporary folder."""

import atexit
import errno
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from adversarial_nets.errors import UserError

__all__ = ["Archive", "archive_at", "unpacked"]


class Archive(NamedTuple):
    """The identity of a zip archive, which changes if the archive changes."""

    path: Path
    modified: int
    size: int


_UTF_8 = 0x800  # the flag of a name in UTF-8

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DAMAGED = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_kept: dict[Archive, Path] = {}  # unpacked folders that are kept for the next use


def archive_at(path: Path) -> Archive | None:
    """The zip archive at a path, or None if there is no zip archive."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return None
    status = path.stat()
    return Archive(path.absolute(), status.st_mtime_ns, status.st_size)


@contextmanager
def unpacked(path: Path, *, keep: bool = False) -> Iterator[Path]:
    """The folder itself, or a temporary folder with the contents of a zip archive.

    Args:
        path: the folder or the archive.
        keep: keep the temporary folder for the next call with this archive, at most until this
            process ends, so that the archive is unpacked once.

    Raises:
        UserError: the archive is damaged or encrypted.
    """
    archive = archive_at(path)
    if archive is None:
        yield path
        return
    folder = _kept.pop(archive, None) or _unpack(path)
    try:
        yield folder
    finally:
        if keep:
            _kept[archive] = folder
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _unpack(path: Path) -> Path:
    """A new temporary folder with the contents of the archive."""
    folder = Path(tempfile.mkdtemp())
    try:
        with zipfile.ZipFile(path, metadata_encoding=_encoding_of_names(path)) as archive:
            archive.extractall(folder)  # extractall changes names that point outside the folder
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, _DAMAGED):
            raise
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            raise UserError(
                f"The archive {path} cannot be unpacked into {tempfile.gettempdir()} "
                f"({error.strerror}). Free some space there, raise the limit (ulimit -f), or "
                "unpack it yourself and give the folder."
            ) from error
        why = "it needs a password" if "encrypted" in str(error) else str(error)
        raise UserError(
            f"The archive {path} cannot be unpacked ({why}). Repair it, or unpack it "
            "yourself and give the folder."
        ) from error
    return folder


def _encoding_of_names(path: Path) -> str:
    """The encoding of file names that are not marked as UTF-8, e.g. from Chinese Windows."""
    with zipfile.ZipFile(path) as archive:
        names = b"".join(
            entry.orig_filename.encode("cp437")
            for entry in archive.infolist()
            if not entry.flag_bits & _UTF_8
        )
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            names.decode(encoding)
            return encoding
    return "cp437"


@atexit.register
def _delete_kept() -> None:
    """Delete the folders that were kept for another call."""
    while _kept:
        shutil.rmtree(_kept.popitem()[1], ignore_errors=True)
