"""``advnets doctor``: one screen for a bug report, on a healthy and on a broken installation."""

import importlib
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from adversarial_nets import datasets, environment
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from commands import result


def test_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30
    assert max(len(line) for line in lines if "/" not in line) <= 80  # a path is never broken
    text = " ".join(" ".join(lines).split())
    for word in (f"torch {version('torch')}", "mnist-5k included", "Threads", "Devices cpu"):
        assert word in text


def test_nothing_is_read_or_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files are found by their names, so empty files do."""
    monkeypatch.delenv("ADVNETS_DATA", raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setenv("ADVNETS_CACHE", str(cache))
    assert result(capsys, "doctor")["data"] == {
        "mnist": None,
        "mnist-5k": "included",
        **dict.fromkeys(("stacked-mnist", "tfd", "tfd-96", "tfd-standin", "cifar10")),
    }
    assert not cache.exists()
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    files = {
        "mnist": [f"mnist/{kind}-{what}" for kind in ("train", "t10k") for what in _IDX],
        "tfd": ["tfd/TFD_48x48.mat"],
        "cifar10": ["cifar-10-batches-bin/data_batch_1.bin"],
    }
    for path in (path for paths in files.values() for path in paths):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = environment.describe().data
    assert found["mnist"] == str(tmp_path / "mnist")
    assert found["tfd"] == str(tmp_path / "tfd" / "TFD_48x48.mat")
    assert found["cifar10"] == str(tmp_path / "cifar-10-batches-bin")
    (tmp_path / files["mnist"][-1]).unlink()
    assert environment.describe().data["mnist"] is None


_IDX = ("images-idx3-ubyte.gz", "labels-idx1-ubyte")


def test_what_is_located_is_what_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of every data set with a known place is named; data sets with a path have none."""
    for entry in datasets.REGISTRY.values():
        has_place = entry.needs != "nothing" and not entry.takes_path
        assert (entry.locate is not None) == (has_place and entry.name != "cifar10-copy")
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    (tmp_path / "TFD_48x48.mat").write_bytes(b"no faces")
    place = str(tmp_path / "TFD_48x48.mat")
    assert environment.describe().data["tfd"] == place
    with pytest.raises(UserError, match=f"{place} cannot be read"):
        datasets.load("tfd")


def test_a_torch_that_cannot_be_imported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.import_module

    def import_module(name: str) -> ModuleType:
        if name == "torch":
            raise OSError("libcudart.so.13: cannot open shared object file")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", import_module)
    assert main(["doctor"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Problems 1. PyTorch cannot be used (libcudart.so.13: cannot open" in text
    assert "Threads" not in text


def test_missing_and_old_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Required ones are problems if missing or old; those of extras only if old."""
    versions = {"numpy": "1.0", "scipy": None, "bokeh": None, "tornado": "1.0"}
    monkeypatch.setattr(environment, "_version", lambda name: versions.get(name, "99.0+cpu"))
    found = environment.describe()
    assert (found.packages["numpy"], found.packages["scipy"]) == ("1.0", None)
    assert found.extras["playground"] == {"bokeh": None, "tornado": "1.0"}
    # 99 is too new for extras with an upper bound; those are other problems.
    numpy, scipy, tornado = (p for p in found.problems if p.split()[0] in versions)
    assert numpy.startswith("numpy is 1.0, but numpy>=")
    assert scipy.startswith("scipy is not installed, but scipy>=")
    assert tornado.startswith("tornado is 1.0, but tornado>=")


def test_a_package_that_is_not_installed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the folder src, used without pip."""
    monkeypatch.setattr(environment, "DISTRIBUTION", "no-such-package")
    found = environment.describe()
    assert found.packages["torch"] == version("torch")
    assert "no-such-package is not installed completely" in found.problems[0]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "locked" / "cache"))
    assert "cannot be written. Set ADVNETS_CACHE" in environment.describe().problems[0]


def test_wrong_data_folder_and_private_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path / "nowhere"))
    found = environment.describe()
    assert found.cache == str(Path("~") / "cache")
    assert found.variables["ADVNETS_DATA"] == str(Path("~") / "nowhere")
    assert len(found.problems) == 1
    assert "is not a folder" in found.problems[0]
    assert shutil.disk_usage(tmp_path).total >= found.free_gib > 0
