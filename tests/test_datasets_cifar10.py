"""CIFAR-10: records, splits, contrast normalisation, archive, download, damaged files."""

import functools
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from adversarial_nets.datasets import Dataset, cifar10, load, to_pixels
from adversarial_nets.datasets.cifar10 import BATCHES, ENDS, FIRST_LABELS, FOLDER, FROG
from adversarial_nets.errors import UserError

RECORDS = 12


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cifar10, "RECORDS", RECORDS)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path / "data"))


def batches(official: bool = True) -> list[bytes]:
    rng = np.random.default_rng(1)
    made = rng.integers(0, 256, (6, RECORDS, 3073), dtype=np.uint8)
    made[:, :, 0] %= 10
    if official:
        made[0, :10, 0], made[5, :10, 0] = FIRST_LABELS
        made[0, 0, [1 + at for at in ENDS]] = FROG
    return [batch.tobytes() for batch in made]


def write(folder: Path, contents: list[bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(BATCHES, contents, strict=True):
        (folder / name).write_bytes(content)
    return folder


def archive(contents: list[bytes], names: tuple[str, ...] = BATCHES) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in zip(names, contents, strict=False):
            info = tarfile.TarInfo(f"{FOLDER}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("place", [FOLDER, "cifar10", f"cifar10/{FOLDER}", "."])
def test_batches_become_the_published_splits(tmp_path: Path, place: str) -> None:
    contents = batches()
    write(tmp_path / "data" / place, contents)
    data = load("cifar10")
    assert data.random_order  # scores use the first validation images, as recorded
    assert [len(data.train), len(data.valid), len(data.test)] == [48, 12, 12]
    record = np.frombuffer(contents[0], np.uint8)[3073 : 2 * 3073]
    assert data.labels["train"][1] == record[0] == 9
    assert data.train[1].tolist() == record[1:].tolist()
    assert data.valid.numpy().tobytes() == b"".join(
        contents[4][i * 3073 + 1 : (i + 1) * 3073] for i in range(RECORDS)
    )
    red = data.train[1].view(3, 32, 32)[0]
    assert red.flatten().tolist() == record[1:1025].tolist()


def test_contrast_normalisation() -> None:
    images = torch.randint(0, 256, (20, 3072), dtype=torch.uint8)
    images[0] = 77  # one colour: its norm is 0, and its values stay 0
    data = Dataset("x", images, images, images, (3, 32, 32), "", contrast_norm=55.0)
    x = data.floats(images, torch.float64)
    torch.testing.assert_close(x.mean(1), torch.zeros(20, dtype=torch.float64), atol=1e-9, rtol=0)
    assert not x[0].any()
    norms = x[1:].norm(dim=1)
    torch.testing.assert_close(norms, torch.full_like(norms, 55.0))
    # Changes of brightness and contrast of the whole image are removed.
    darker = data.floats((images.double() / 4 + 9).to(torch.uint8), torch.float64)
    assert torch.nn.functional.cosine_similarity(x[1:], darker[1:]).min() > 0.999


def test_normalised_images_are_stretched_to_the_whole_range() -> None:
    x = torch.randn(4, 12) * torch.tensor([[0.1], [1.0], [5.0], [0.0]])
    pictures = to_pixels(x, (3, 2, 2), (-55.0, 55.0)).astype(int)
    for picture in pictures[:3]:
        assert {0, 255} & {picture.min(), picture.max()}
    assert set(pictures[3].ravel()) == {128}


def test_a_copy_has_its_own_name(tmp_path: Path) -> None:
    write(tmp_path / "data" / FOLDER, batches(official=False))
    with pytest.raises(UserError, match="use the name cifar10-copy"):
        load("cifar10")
    data = load("cifar10-copy")
    assert data.name == "cifar10-copy"
    assert "copy" in data.provenance


def test_damaged_batches_are_explained(tmp_path: Path) -> None:
    good = batches()
    folder = write(tmp_path / "data" / FOLDER, good)
    for bad, words in (
        (good[2][:-5], "has 36,871 bytes; a batch of CIFAR-10 has 36,876"),
        (b"", "has 0 bytes"),
        (b"\x0a" + good[2][1:], "has the label 10;"),
    ):
        (folder / BATCHES[2]).write_bytes(bad)
        with pytest.raises(UserError) as caught:
            load("cifar10")
        assert words in str(caught.value)
    (folder / BATCHES[2]).unlink()
    with pytest.raises(UserError, match=BATCHES[2]):
        load("cifar10")


def test_the_archive_is_checked_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(archive(batches()))
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert [b.tobytes() for b in cifar10.read_archive(path, md5)] == batches()
    with pytest.raises(UserError, match="its MD5 is"):
        cifar10.read_archive(path)
    path.write_bytes(archive(batches(), BATCHES[:5]))
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    with pytest.raises(UserError, match=r"test_batch.bin' not found"):
        cifar10.read_archive(path, md5)


def test_it_is_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a local server; the transfer itself is tested in test_datasets_mnist."""
    import http.server
    import threading

    served = tmp_path / "served"
    served.mkdir()
    content = archive(batches())
    (served / "cifar-10-binary.tar.gz").write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(cifar10, "read_archive", functools.partial(cifar10.read_archive, md5=md5))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    handler = functools.partial(Handler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/cifar-10-binary.tar.gz"
        monkeypatch.setattr(cifar10, "URLS", (url,))
        seen: list[int] = []
        data = load("cifar10", on_progress=lambda what, done, total: seen.append(done))
        server.shutdown()
        thread.join()
    assert seen[-1] == len(content)
    assert torch.equal(load("cifar10").train, data.train)  # from the cache: the server is gone


def test_a_failed_download_explains_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(cifar10, "URLS", ("http://127.0.0.1:9/cifar-10-binary.tar.gz",))
    with pytest.raises(UserError, match=r"unpack the archive's six .bin files"):
        load("cifar10")


def test_a_lossy_copy_in_the_original_order_is_not_the_original(tmp_path: Path) -> None:
    """Its labels are the original's; one pixel differs."""
    contents = batches()
    frog = bytearray(contents[0])
    frog[1 + ENDS[4]] += 1
    write(tmp_path / "data" / FOLDER, [bytes(frog), *contents[1:]])
    with pytest.raises(UserError, match="first labels or pixels differ"):
        load("cifar10")
    assert load("cifar10-copy").name == "cifar10-copy"
