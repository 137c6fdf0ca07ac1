"""MNIST's files: found, cached, downloaded, resumed, from several mirrors, always checked."""

import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import torch

from adversarial_nets.datasets import load, mnist
from adversarial_nets.datasets.download import CHUNK
from adversarial_nets.datasets.mnist import fetch
from adversarial_nets.errors import UserError

NAME = "train-images-idx3-ubyte"
SHAPE = (600, 20, 20)
PIXELS = torch.randint(256, SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
RAW = bytes((0, 0, 8, 3)) + struct.pack(">3I", *SHAPE) + PIXELS.numpy().tobytes()
PACKED = gzip.compress(RAW, mtime=0)
REPACKED = gzip.compress(RAW, compresslevel=0, mtime=9)  # the same data in another container
OTHER = gzip.compress(RAW[:-1] + b"\0", mtime=0)
PAGE = b"<!doctype html><title>Log in</title>"
SHA256 = {NAME: hashlib.sha256(RAW).hexdigest()}


@dataclass
class Mirrors:
    """A server: the first folder of the address selects its behaviour; it records requests."""

    root: str
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def __call__(self, *kinds: str) -> list[str]:
        return [f"{self.root}/{kind}/" for kind in kinds]


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    asked: list[tuple[str, str | None]] = []
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

        def do_GET(self) -> None:
            kind = self.path.split("/")[1]
            wanted = self.headers["Range"]
            asked.append((kind, wanted))
            if kind == "stalls":
                released.wait(10)
                return
            if kind == "missing":
                self.send_error(404)
                return
            body = {"page": PAGE, "other": OTHER, "repacked": REPACKED}.get(kind, PACKED)
            start = 0
            if wanted and kind not in ("no-range", "page"):
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            if kind != "no-length":
                self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            if kind == "cut":
                self.wfile.write(body[start : start + (len(body) - start) // 2])
                return
            self.wfile.write(body[start:])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Mirrors(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def kept(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {".lock"}


def test_download_reports_progress_then_the_cache_serves(tmp_path: Path, mirrors: Mirrors) -> None:
    seen: list[tuple[str, int, int | None]] = []
    files = fetch([], tmp_path / "new", mirrors("good"), SHA256, lambda *event: seen.append(event))
    assert torch.equal(files[NAME], PIXELS)
    assert {(name, total) for name, _, total in seen} == {(NAME, len(PACKED))}
    done = [bytes_done for _, bytes_done, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, len(PACKED))
    assert len(done) > 3
    assert kept(tmp_path / "new") == {f"{NAME}.gz"}
    again = fetch([], tmp_path / "new", mirrors("good"), SHA256)
    assert torch.equal(again[NAME], PIXELS)
    assert mirrors.asked == [("good", None)]


def test_unknown_length_is_reported_as_none(tmp_path: Path, mirrors: Mirrors) -> None:
    totals: list[int | None] = []
    fetch([], tmp_path, mirrors("no-length"), SHA256, lambda *event: totals.append(event[2]))
    assert set(totals) == {None}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "HTTP 404 Not Found"),
        ("page", "is a web page"),
        ("other", "SHA-256"),
        ("cut", "the connection was interrupted"),
        ("stalls", "no answer for 0.2 seconds"),
    ],
)
def test_the_next_mirror_is_tried_and_failures_are_listed(
    tmp_path: Path, mirrors: Mirrors, kind: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = requests.get

    def patient(url: str, timeout: float, **how: Any) -> requests.Response:
        """Only the mirror that stalls has a short timeout: others may be slow on a busy machine."""
        return get(url, timeout=timeout if "/stalls/" in url else 60, **how)

    monkeypatch.setattr(requests, "get", patient)
    files = fetch([], tmp_path / "a", mirrors(kind, "good"), SHA256, timeout=0.2)
    assert torch.equal(files[NAME], PIXELS)
    assert kept(tmp_path / "a") == {f"{NAME}.gz"}

    with pytest.raises(UserError) as caught:
        fetch([], tmp_path / "b", mirrors(kind, "missing"), SHA256, timeout=0.2)
    said = str(caught.value)
    assert f"{mirrors(kind)[0]}{NAME}.gz: " in said
    assert reason in said
    assert f"{mirrors('missing')[0]}{NAME}.gz: HTTP 404" in said
    assert "set ADVNETS_DATA" in said
    assert kept(tmp_path / "b") == ({f"partial-{NAME}.gz"} if kind == "cut" else set())


def test_no_network_at_all(tmp_path: Path) -> None:
    with socket.socket() as free:  # bound but not listening: connections are refused
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        with pytest.raises(UserError, match="no connection"):
            fetch([], tmp_path, [url], SHA256)


def test_an_interrupted_download_is_resumed(tmp_path: Path, mirrors: Mirrors) -> None:
    half = len(PACKED) // 2 // CHUNK * CHUNK  # what the first mirror sent, in whole chunks
    three_quarters = half + (len(PACKED) - half) // 2 // CHUNK * CHUNK
    seen: list[tuple[str, int, int | None]] = []
    files = fetch(
        [], tmp_path, mirrors("cut", "cut", "good"), SHA256, lambda *event: seen.append(event)
    )
    assert torch.equal(files[NAME], PIXELS)
    assert mirrors.asked == [
        ("cut", None),
        ("cut", f"bytes={half}-"),
        ("good", f"bytes={three_quarters}-"),
    ]
    assert (NAME, three_quarters, len(PACKED)) in seen


def test_without_ranges_the_download_starts_again(tmp_path: Path, mirrors: Mirrors) -> None:
    (tmp_path / f"partial-{NAME}.gz").write_bytes(PACKED[:1000])
    seen: list[int] = []
    files = fetch([], tmp_path, mirrors("no-range"), SHA256, lambda *event: seen.append(event[1]))
    assert torch.equal(files[NAME], PIXELS)
    assert mirrors.asked == [("no-range", "bytes=1000-")]
    assert seen[0] == 0


def test_a_complete_partial_file_is_used(tmp_path: Path, mirrors: Mirrors) -> None:
    """A process was killed after the last byte, before the rename: the server answers 416."""
    (tmp_path / f"partial-{NAME}.gz").write_bytes(PACKED)
    assert torch.equal(fetch([], tmp_path, mirrors("good"), SHA256)[NAME], PIXELS)
    assert mirrors.asked == [("good", f"bytes={len(PACKED)}-")]


@pytest.mark.parametrize("part", [REPACKED[:1000], b"x" * 1000, b"x" * (len(PACKED) + 5)])
def test_a_wrong_partial_file_is_downloaded_again(
    tmp_path: Path, mirrors: Mirrors, part: bytes
) -> None:
    """The partial file comes from another gzip file, or is not gzip at all."""
    (tmp_path / f"partial-{NAME}.gz").write_bytes(part)
    assert torch.equal(fetch([], tmp_path, mirrors("good"), SHA256)[NAME], PIXELS)
    assert mirrors.asked == [("good", f"bytes={len(part)}-"), ("good", None)]


def test_mirrors_may_compress_differently(tmp_path: Path, mirrors: Mirrors) -> None:
    assert torch.equal(fetch([], tmp_path, mirrors("repacked"), SHA256)[NAME], PIXELS)


@pytest.mark.parametrize("bad", [OTHER, PAGE, b"", PACKED[:-3]])
def test_a_damaged_cached_file_is_replaced(tmp_path: Path, mirrors: Mirrors, bad: bytes) -> None:
    (tmp_path / f"{NAME}.gz").write_bytes(bad)
    assert torch.equal(fetch([], tmp_path, mirrors("good"), SHA256)[NAME], PIXELS)
    assert (tmp_path / f"{NAME}.gz").read_bytes() == PACKED


def test_the_users_file_comes_first_and_is_not_changed(tmp_path: Path, mirrors: Mirrors) -> None:
    own, cache = tmp_path / "own", tmp_path / "cache"
    own.mkdir()
    (own / NAME).write_bytes(RAW)
    folders = [tmp_path / "nowhere", own]
    assert torch.equal(fetch(folders, cache, mirrors("good"), SHA256)[NAME], PIXELS)
    (own / NAME).write_bytes(RAW[:-1])
    with pytest.raises(UserError, match="only 239,999 follow"):
        fetch(folders, cache, mirrors("good"), SHA256)
    assert (own / NAME).read_bytes() == RAW[:-1]
    assert not mirrors.asked
    assert not cache.exists()


def test_two_processes_at_once_download_once(tmp_path: Path, mirrors: Mirrors) -> None:
    results: list[torch.Tensor] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(fetch([], tmp_path, mirrors("good"), SHA256)[NAME])
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(torch.equal(result, PIXELS) for result in results)
    assert mirrors.asked == [("good", None)]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, mirrors: Mirrors) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="set ADVNETS_CACHE"):
        fetch([], tmp_path / "file" / "cache", mirrors("good"), SHA256)


def test_advnets_data_must_be_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="ADVNETS_DATA is"):
        load("mnist")


def test_advnets_cache_is_where_downloads_go(
    tmp_path: Path, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADVNETS_DATA", raising=False)
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path))
    monkeypatch.setattr(mnist, "MIRRORS", mirrors("cut"))
    with pytest.raises(UserError, match="the bytes received so far are kept"):
        load("mnist")
    assert kept(tmp_path / "mnist") == {f"partial-{NAME}.gz"}


def test_real_mnist_is_split_as_published(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*event: object) -> None:
        pytest.fail(f"nothing should be downloaded, but {event}")

    data = load("mnist", on_progress=never)
    assert (data.name, data.image_shape, data.range) == ("mnist", (1, 28, 28), (0.0, 1.0))
    assert data.random_order
    assert [len(data.train), len(data.valid), len(data.test)] == [50_000, 10_000, 10_000]
    # The first labels of MNIST's two files, and the published counts of its digits.
    assert data.labels["train"][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.labels["test"][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    digits = data.labels["train"].bincount() + data.labels["valid"].bincount()
    assert digits.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    # MNIST's well-known mean, over all 60,000 training images.
    mean = (data.train.sum() + data.valid.sum()).item() / (60_000 * 784 * 255)
    assert mean == pytest.approx(0.1307, abs=5e-5)
    # The folder of the files itself may be named, too.
    monkeypatch.setenv("ADVNETS_DATA", str(data_folder / "mnist"))
    assert torch.equal(load("mnist").test, data.test)


def test_the_sample_is_part_of_real_mnist(data_folder: Path) -> None:
    real, sample = load("mnist"), load("mnist-5k")
    first = {row.numpy().tobytes() for row in real.train[:5848]}
    rows = torch.cat([sample.train, sample.valid, sample.test])
    assert all(row.numpy().tobytes() in first for row in rows)
