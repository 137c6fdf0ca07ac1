"""The wheel and the sdist, their metadata, and the messages about missing extras."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import adversarial_nets
from adversarial_nets.bench import records, speed
from adversarial_nets.cli.main import main
from small import small_settings

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist, built from a copy of the sources without network."""
    copy = tmp_path_factory.mktemp("build")
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "CITATION.cff"):
        shutil.copy(ROOT / name, copy)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
    shutil.copytree(ROOT / ".ci", copy / ".ci")
    program = "from setuptools import build_meta as b; b.build_sdist('dist'); b.build_wheel('dist')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=copy,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "deprecat" not in done.stderr.lower(), done.stderr
    return copy / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """The wheel's METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def package_files() -> set[str]:
    """Every file of the package, below src."""
    files = (ROOT / "src" / "adversarial_nets").rglob("*")
    return {
        path.relative_to(ROOT / "src").as_posix()
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == package_files()


def test_the_sdist_builds_without_this_repository(built: Path) -> None:
    """It holds the package, and what the grafts of MANIFEST.in name."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"src/{name}" for name in package_files()} <= names
    assert {"pyproject.toml", "LICENSE", "README.md", "CITATION.cff", ".ci/versions"} <= names


def test_the_wheel_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import adversarial_nets; "
        "from adversarial_nets.cli.main import main; print(adversarial_nets.__file__); "
        "sys.exit(main(['--version']))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    file, version = done.stdout.splitlines()
    assert Path(file).is_relative_to(tmp_path)
    assert version == f"advnets {adversarial_nets.__version__}"


def test_one_version_everywhere(metadata: Message) -> None:
    version = adversarial_nets.__version__
    assert metadata["Version"] == version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.M) == [version]
    assert metadata["License-Expression"] == "MIT"
    assert f"license: {metadata['License-Expression']}" in citation
    assert f"authors:\n  - name: {PROJECT['authors'][0]['name']}\n" in citation


def test_no_address_is_invented(metadata: Message) -> None:
    """The project has no home page yet, so its metadata name none."""
    assert metadata.get_all("Project-URL") is None
    assert metadata["Home-page"] is None
    assert "http" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["installation.md", "installation.zh-CN.md"])
def test_classifiers_name_what_was_tested(name: str, metadata: Message) -> None:
    """The pages' column of tested versions is what the classifiers say."""
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    tested, expected = re.findall(r"^\| Python \| ([^|]+) \| ([^|]+) \|$", page, re.M)[0]
    classifiers = metadata.get_all("Classifier") or []
    named = [c.rpartition(" ")[2] for c in classifiers if re.search(r"Python :: 3\.", c)]
    assert re.findall(r"3\.\d+", tested) == named
    assert not set(re.findall(r"3\.\d+", expected)) & set(named)
    assert metadata["Requires-Python"] == f">={named[0]}"
    systems = [c for c in classifiers if c.startswith("Operating System")]
    assert systems == ["Operating System :: POSIX :: Linux"]


# --- Extras that are missing ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one round."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    adversarial_nets.train(
        "mnist-5k", settings=small_settings(), rounds=1, run=folder, progress=False
    )
    return folder


@pytest.mark.parametrize(
    ("extra", "packages", "line"),
    [
        ("playground", "bokeh", "playground --no-browser"),
        ("playground", "tornado", "playground --no-browser"),
        ("measures", "torchmetrics", "measure RUN"),
        ("photographs", "torchmetrics torch_fidelity", "measure RUN --features inception"),
        ("film", "imageio_ffmpeg", "walk RUN --n 1 --points 2 --frames 1 --out NEW.mp4"),
        ("export", "onnx", "export RUN --onnx NEW.onnx"),
        ("tensorboard", "tensorboard", "train mnist-5k --run NEW --rounds 5 --tensorboard"),
    ],
)
def test_a_missing_extra_is_named_in_one_sentence(
    extra: str,
    packages: str,
    line: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hidden = (*packages.split(), "adversarial_nets.playground", "torch.utils.tensorboard")
    for name in list(sys.modules):
        if name in hidden or name.startswith(tuple(f"{h}." for h in hidden)):
            monkeypatch.delitem(sys.modules, name)
    for name in packages.split():
        monkeypatch.setitem(sys.modules, name, None)
    capsys.readouterr()
    words = line.replace("RUN", str(run)).replace("NEW", str(tmp_path / "new")).split()
    assert main(words) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert f'-m pip install "adversarial-nets[{extra}]"' in sentence
    assert extra in PROJECT["optional-dependencies"]


def test_a_benchmark_without_jax_says_so() -> None:
    ratio = speed.Ratio("a against b", 2.0, 1.0, 3.0, {"a": 2.0, "b": 1.0})
    for value, said in ((None, True), (2.0, False)):
        found = speed.Speed({"round_over_jax": value}, {"round_over_limit": ratio}, 700.0, {})
        assert ("adversarial-nets[bench]" in records.speed_lines(found)[-1]) == said
