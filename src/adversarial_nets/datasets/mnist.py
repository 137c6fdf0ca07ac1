"""MNIST as published: 60,000 + 10,000 handwritten digits of 28×28, from the original IDX files."""

import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from adversarial_nets.datasets._types import Dataset, Progress
from adversarial_nets.datasets.idx import FILES, assemble, find_idx, read_idx
from adversarial_nets.errors import UserError

__all__ = ["MIRRORS", "SHA256", "fetch", "load_mnist"]

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of each file's uncompressed bytes."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Where the gzipped files are served, in the order in which they are tried."""

TIMEOUT = 30.0  # seconds without a byte before the next mirror is tried
CHUNK = 1 << 14  # bytes between two reports of progress; a cut connection loses at most these


def load_mnist(on_progress: Progress | None = None) -> Dataset:
    """Load MNIST: 50,000 images to learn from, 10,000 for validation, 10,000 for the test (§5).

    Each file is taken from ``$ADVNETS_DATA/mnist`` or ``$ADVNETS_DATA``, else from the cache
    (``$ADVNETS_CACHE``, or the system's place for caches), else downloaded into the cache.

    Args:
        on_progress: called with (file, bytes done, bytes in all or None) during a download.

    Returns:
        The data set, of shape (1, 28, 28), with labels for each split.

    Raises:
        UserError: a file is bad, no mirror can be reached, or the cache cannot be written.
    """
    import pooch

    # Of pooch we take only the system's place for caches. Its downloads check the hash of the
    # gzip container, which mirrors may make anew, and neither resume nor fail over.
    cache = Path(os.environ.get("ADVNETS_CACHE") or pooch.os_cache("adversarial-nets")).expanduser()
    folders: list[Path] = []
    if data := os.environ.get("ADVNETS_DATA"):
        root = Path(data).expanduser()
        if not root.is_dir():
            raise UserError(
                f"ADVNETS_DATA names {root}, which is not a folder. Point it at the folder that "
                "holds your data, or unset it to download."
            )
        folders = [root / "mnist", root]
    files = fetch(folders, cache / "mnist", MIRRORS, SHA256, on_progress)
    return assemble(
        "mnist",
        files,
        "MNIST's original files (LeCun, Cortes, Burges), checked by SHA-256: the first 50,000 "
        "training images to learn from, the last 10,000 for validation, the 10,000 test images.",
    )


def fetch(
    folders: Sequence[Path],
    cache: Path,
    mirrors: Sequence[str],
    sha256: Mapping[str, str],
    on_progress: Progress | None = None,
    timeout: float = TIMEOUT,
) -> dict[str, UInt8[Tensor, "..."]]:
    """Read IDX files from a person's folders, else the cache, else the mirrors.

    A bad file in `folders` is an error and is left alone; a bad file in `cache` is deleted and
    downloaded again.

    Args:
        folders: a person's own folders, searched first.
        cache: where downloads are kept; made when it is needed.
        mirrors: addresses, each ending in a slash, to which a file's name and ``.gz`` are added.
        sha256: for each file of `FILES` that is wanted, the hash of its uncompressed bytes.
        on_progress: as in `load_mnist`.
        timeout: seconds without a byte before a mirror is given up.

    Returns:
        What each file holds, by its name.

    Raises:
        UserError: a bad file in `folders`, no mirror has the right bytes, or `cache` cannot be
            written.
    """
    files: dict[str, Tensor] = {}
    for name, digest in sha256.items():
        own = next((path for folder in folders if (path := find_idx(folder, name))), None)
        if own is not None:
            files[name] = read_idx(own, FILES[name], digest)
            continue
        try:
            cached = _read_cached(cache, name, digest)
            if cached is None:
                cache.mkdir(parents=True, exist_ok=True)
                with (cache / ".lock").open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)  # others wait, then find the file here
                    cached = _read_cached(cache, name, digest)
                    if cached is None:
                        cached = _download(name, cache, mirrors, digest, on_progress, timeout)
        except OSError as error:
            raise UserError(
                f"The cache {cache} cannot be used: {error.strerror or error}. Free some space, "
                "or set ADVNETS_CACHE to a folder that can be written."
            ) from error
        files[name] = cached
    return files


def _read_cached(cache: Path, name: str, sha256: str) -> UInt8[Tensor, "..."] | None:
    """Read a file from the cache; a bad one is deleted, so that it is downloaded again."""
    path = find_idx(cache, name)
    if path is None:
        return None
    try:
        return read_idx(path, FILES[name], sha256)
    except UserError:
        path.unlink()
        return None


def _download(
    name: str,
    cache: Path,
    mirrors: Sequence[str],
    sha256: str,
    on_progress: Progress | None,
    timeout: float,
) -> UInt8[Tensor, "..."]:
    """Try the mirrors in turn until one gives the right bytes; move them into the cache."""
    import requests

    part = cache / f"partial-{name}.gz"
    urls = [f"{mirror}{name}.gz" for mirror in mirrors]
    failures: list[str] = []
    while urls:
        url = urls.pop(0)
        had_part = part.exists()
        try:
            _transfer(url, part, name, on_progress, timeout)
            data = read_idx(part, FILES[name], sha256)
        except requests.RequestException as error:
            failures.append(f"{url}: {_why(error, timeout)}")
        except UserError as error:
            failures.append(f"{url}: {error}")
            part.unlink(missing_ok=True)
            if had_part:  # perhaps a splice of two mirrors' containers: once more, from nothing
                urls.append(url)
        else:
            part.replace(cache / f"{name}.gz")
            return data
    tried = "".join(f"\n  {failure}" for failure in failures)
    names = ", ".join(f"{file}.gz" for file in FILES)
    raise UserError(
        f"{name} could not be downloaded; each mirror failed:{tried}\n"
        "Try again when the network is back (what has arrived is kept), or put the files "
        f"{names} in a folder and set ADVNETS_DATA to it."
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
