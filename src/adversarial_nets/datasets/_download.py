"""Files that a person has, or that are fetched once: searched, downloaded, resumed, checked."""

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from adversarial_nets.errors import DataNotFound, UserError
from adversarial_nets.progress import Progress

__all__ = ["CHUNK", "TIMEOUT", "cache_folder", "fetch_file", "own_folders"]

TIMEOUT = 30.0  # seconds without a byte before the next mirror is tried
CHUNK = 1 << 14  # bytes between two reports of progress; a cut connection loses at most these

T = TypeVar("T")


def cache_folder() -> Path:
    """Where downloads are kept: ``$ADVNETS_CACHE``, or the system's place for caches."""
    import pooch

    # Of pooch we take only the system's place for caches. Its downloads check the hash of a gzip
    # container, which mirrors may make anew, and neither resume nor fail over.
    return Path(os.environ.get("ADVNETS_CACHE") or pooch.os_cache("adversarial-nets")).expanduser()


def own_folders(*names: str) -> list[Path]:
    """The subfolders of ``$ADVNETS_DATA`` with these names, then itself; none where it is not set.

    Raises:
        UserError: ADVNETS_DATA names no folder.
    """
    data = os.environ.get("ADVNETS_DATA")
    if not data:
        return []
    root = Path(data).expanduser()
    if not root.is_dir():
        raise UserError(
            f"ADVNETS_DATA names {root}, which is not a folder. Point it at the folder that "
            "holds your data, or unset it to download."
        )
    return [*(root / name for name in names), root]


def fetch_file(
    file: Path,
    urls: Sequence[str],
    read: Callable[[Path], T],
    on_progress: Progress | None = None,
    timeout: float = TIMEOUT,
    *,
    name: str | None = None,
    by_hand: str = "",
    find: Callable[[], Path | None] | None = None,
) -> T:
    """Read a file from the cache, else download it there; a bad one in the cache is replaced.

    Args:
        file: its place in the cache.
        urls: where it is served, in the order in which they are tried.
        read: reads and checks the file; raises `UserError` for bad bytes.
        on_progress: called with (name, bytes done, bytes in all or None).
        timeout: seconds without a byte before an address is given up.
        name: what to call it; the file's name where not given.
        by_hand: how a person can put it in place, for the error.
        find: looks for it in the cache, where it may have other names too.

    Raises:
        UserError: no address has the right bytes, or the cache cannot be written.
    """
    cache, name = file.parent, name or file.name

    def cached() -> T | None:
        path = find() if find else (file if file.is_file() else None)
        if path is None:
            return None
        try:
            return read(path)
        except UserError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno:  # the disk's fault, not the bytes'
                raise
            path.unlink(missing_ok=True)
            return None

    try:
        if (found := cached()) is not None:
            return found
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # others wait, then find the file here
            if (found := cached()) is not None:
                return found
            return _download(file, urls, read, on_progress, timeout, name, by_hand)
    except OSError as error:
        raise UserError(
            f"The cache {cache} cannot be used: {error.strerror or error}. Free some space, "
            "or set ADVNETS_CACHE to a folder that can be written."
        ) from error


def _download(
    file: Path,
    urls: Sequence[str],
    read: Callable[[Path], T],
    on_progress: Progress | None,
    timeout: float,
    name: str,
    by_hand: str,
) -> T:
    """Try the addresses in turn until one gives the right bytes; move them into the cache."""
    import requests

    part = file.with_name(f"partial-{file.name}")
    waiting = list(urls)
    failures: list[str] = []
    while waiting:
        url = waiting.pop(0)
        had_part = part.exists()
        try:
            _transfer(url, part, name, on_progress, timeout)
            data = read(part)
        except requests.RequestException as error:
            failures.append(f"{url}: {_why(error, timeout)}")
        except UserError as error:
            failures.append(f"{url}: {error}")
            part.unlink(missing_ok=True)
            if had_part:  # perhaps a splice of two mirrors' containers: once more, from nothing
                waiting.append(url)
        else:
            part.replace(file)
            return data
    tried = "".join(f"\n  {failure}" for failure in failures)
    raise DataNotFound(
        f"{name} could not be downloaded; each mirror failed:{tried}\n"
        f"Try again when the network is back (what has arrived is kept), or {by_hand}"
    )


def _transfer(
    url: str, part: Path, name: str, on_progress: Progress | None, timeout: float
) -> None:
    """Bring `url` into `part`, going on from what is there if the server can."""
    import requests

    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # else some servers gunzip on the way
    if done:
        headers["Range"] = f"bytes={done}-"
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing beyond what we have; the checksum will say whether it is right
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            done = 0  # the server sends the whole file
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        with part.open("ab" if done else "wb") as file:
            if on_progress is not None:
                on_progress(name, done, total)
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(name, done, total)
            file.flush()
            os.fsync(file.fileno())


def _why(error: Exception, timeout: float) -> str:
    """Say a network error in few words; requests' own run to several lines."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer for {timeout:g} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)
