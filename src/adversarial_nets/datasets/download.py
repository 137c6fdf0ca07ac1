"""Find the user's data files, and download missing ones: resumed, checked, with mirrors."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from adversarial_nets.errors import DataNotFound, UserError
from adversarial_nets.progress import Progress

__all__ = ["CHUNK", "TIMEOUT", "cache_folder", "fetch_file", "user_folders"]

TIMEOUT = 30.0  # seconds without a byte before the next mirror is tried
CHUNK = 1 << 14  # bytes between two calls of on_progress

T = TypeVar("T")


def cache_folder() -> Path:
    """Return the folder for downloads: ``$ADVNETS_CACHE``, or the system's cache folder."""
    import pooch

    # Only os_cache of pooch is used. Its downloads check the hash of the gzip file, which differs
    # between mirrors; they do not resume and do not try a second mirror.
    return Path(os.environ.get("ADVNETS_CACHE") or pooch.os_cache("adversarial-nets")).expanduser()


def user_folders(*names: str) -> list[Path]:
    """Return the folders that may hold the user's own files.

    Args:
        names: subfolders of ``$ADVNETS_DATA``.

    Returns:
        These subfolders, then ``$ADVNETS_DATA`` itself; empty if the variable is not set.

    Raises:
        UserError: ADVNETS_DATA is not the path of a folder.
    """
    data = os.environ.get("ADVNETS_DATA")
    if not data:
        return []
    root = Path(data).expanduser()
    if not root.is_dir():
        raise UserError(
            f"ADVNETS_DATA is {root}, which is not a folder. Set it to the folder that holds your "
            "data, or unset it to download the data."
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
    instructions: str = "",
    find: Callable[[], Path | None] | None = None,
) -> T:
    """Read a file from the cache, or download it into the cache first.

    A damaged file in the cache is deleted and downloaded again. If several processes need the same
    file, one downloads it and the others wait.

    Args:
        file: the file's path in the cache.
        urls: the addresses to try, in order.
        read: reads and checks the file; raises `UserError` for wrong contents.
        on_progress: called with (name, bytes done, total bytes or None).
        timeout: seconds without a byte before the next address is tried.
        name: the file's name in messages; by default its name in the cache.
        instructions: how to provide the file without a download, for the error message.
        find: finds the file in the cache if it may have other names too.

    Returns:
        What `read` returns.

    Raises:
        DataNotFound: no address has the right contents.
        UserError: the cache cannot be written.
    """
    from filelock import FileLock

    cache, name = file.parent, name or file.name

    def cached() -> T | None:
        path = find() if find else (file if file.is_file() else None)
        if path is None:
            return None
        try:
            return read(path)
        except UserError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno:  # a disk error: keep the file
                raise
            path.unlink(missing_ok=True)
            return None

    try:
        if (found := cached()) is not None:
            return found
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / ".lock"):  # other processes wait here, then find the file
            if (found := cached()) is not None:
                return found
            return _download(file, urls, read, on_progress, timeout, name, instructions)
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
    instructions: str,
) -> T:
    """Download a file from the first address that has the right contents."""
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
            if (
                had_part
            ):  # parts of two different gzip files may have been joined: start from byte 0
                waiting.append(url)
        else:
            part.replace(file)
            return data
    tried = "".join(f"\n  {failure}" for failure in failures)
    raise DataNotFound(
        f"{name} could not be downloaded; each mirror failed:{tried}\n"
        f"Try again later (the bytes received so far are kept), or {instructions}"
    )


def _transfer(
    url: str, part: Path, name: str, on_progress: Progress | None, timeout: float
) -> None:
    """Download `url` into `part`; continue a partial file if the server supports ranges."""
    import requests

    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # otherwise some servers decompress .gz files
    if done:
        headers["Range"] = f"bytes={done}-"
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the file is complete already; the caller checks its hash
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
    """A network error in a few words; the messages of the library requests have several lines."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer for {timeout:g} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was interrupted"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)
