"""Shapes and types of all functions are checked in every test (`type_checks`)."""

import copy
import functools
import gc
import os

# Tests run in parallel, one process per core; more threads would only compete. NumPy, torch and the
# processes that tests start read this when they are loaded.
os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, settings
from matplotlib.figure import Figure
from PIL import Image

import type_checks
from fork_server import ForkServer

# While the package and the tests are loaded, Python would search their many objects for garbage
# again and again. `pytest_collection_finish` enables this.
gc.disable()
torch.set_num_threads(1)
os.fsync = lambda fd: None  # tests cannot check whether files reach the disk
type_checks.install()
# A law is tried on the same examples on every machine, however slow that is.
settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("everywhere")


def pytest_collection_finish() -> None:
    """Exclude all objects that exist now from garbage collection."""
    gc.freeze()
    gc.enable()


def pytest_runtest_logstart() -> None:
    """Each test checks the first calls of each function."""
    type_checks.begin_test()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with slow tests first, so that no process ends long after the others."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def _as_users_run_it() -> Iterator[None]:
    """Run a test without the type checks of the test suite, which would refuse a call first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session", autouse=True)
def _digits_are_read_once() -> Iterator[None]:
    """Each test has its own copy of the included digits, without reading their text again."""
    from adversarial_nets.datasets import mnist_5k

    read = functools.cache(mnist_5k.load_mnist_5k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist_5k, "load_mnist_5k", lambda: copy.deepcopy(read()))
        yield


@pytest.fixture(autouse=True)
def _pictures_are_drawn_in_tests_about_pictures(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Matplotlib draws only in tests marked `draws`; elsewhere its files hold one white pixel.

    Drawing took a quarter of the time of the tests of commands, most of which write a report.
    """
    if request.node.get_closest_marker("draws") is None:
        monkeypatch.setattr(Figure, "savefig", _save_one_pixel)


def _save_one_pixel(figure: Figure, file: Any, **options: Any) -> None:
    kind = options.get("format")
    if kind == "svg":
        file.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')
    elif kind == "png":
        Image.new("L", (1, 1), "white").save(file, kind)
    else:
        _save(figure, file, **options)


_save = Figure.savefig


@pytest.fixture
def data_folder() -> Path:
    """The folder named by ADVNETS_DATA; the test is skipped if there is none."""
    name = os.environ.get("ADVNETS_DATA")
    if not name:
        pytest.skip("ADVNETS_DATA is not set, so there is no real MNIST here")
    return Path(name)


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for k-means centroids and classifiers, which depend on a data set alone.

    All tests, in all processes, share it. Its files are named after a hash of what they depend on.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    for name in ("centroids", "classifiers"):
        (folder / "computed" / name).mkdir(parents=True, exist_ok=True)
    return folder / "computed"


@pytest.fixture(scope="session")
def digits_run(computed: Path) -> Path:
    """A finished run of narrow networks on the included digits, the same for all processes.

    It is trained once. A test that changes it must copy it.
    """
    from commands import short_run

    folder = computed.parent / "digits"
    with FileLock(f"{folder}.lock"):
        if not (folder / "report.html").exists():
            short_run(folder)
    return folder


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """A server that runs programs in new processes without loading torch in each."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    with ForkServer() as server:
        yield server


def new_cache(folder: Path, computed: Path) -> Path:
    """A cache without downloads, which shares the computed files."""
    folder.mkdir()
    for shared in computed.iterdir():
        (folder / shared.name).symlink_to(shared)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium for the tests of a module; other modules may need asyncio, which it occupies."""
    from adversarial_nets.playground.screenshots import open_browser

    with open_browser() as found:
        yield found


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The playground draws no figures, which take most of the time of a new board."""
    monkeypatch.setattr("adversarial_nets.playground.session.figures_json", lambda *args: {})


@pytest.fixture(scope="session", autouse=True)
def _not_the_users(tmp_path_factory: pytest.TempPathFactory, computed: Path) -> None:
    """Fixtures that a module's tests share keep off the user's cache, and proxies off all tests."""
    cache = new_cache(tmp_path_factory.mktemp("caches") / "cache", computed)
    os.environ["ADVNETS_CACHE"] = str(cache)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computed: Path) -> None:
    """No test reads or writes the user's own cache, or another test's downloads."""
    cache = new_cache(tmp_path.with_name(f"{tmp_path.name}-cache"), computed)
    monkeypatch.setenv("ADVNETS_CACHE", str(cache))


@pytest.fixture
def _own_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Parts that a test registers are removed after it."""
    from adversarial_nets.paper.reproduce import PARTS

    before = dict(PARTS)
    yield
    PARTS.clear()
    PARTS.update(before)
