"""Shapes and types of the public functions are checked at every call of every test."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# Tests run side by side, one process a core; threads would only get in each other's way.
torch.set_num_threads(1)
install_import_hook("adversarial_nets", "beartype.beartype")
# A law is tried on the same examples on every machine, however slow that is.
settings.register_profile(
    "everywhere",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("everywhere")


@pytest.fixture
def data_folder() -> Path:
    """The folder named by ADVNETS_DATA, or a skip with the reason."""
    name = os.environ.get("ADVNETS_DATA")
    if not name:
        pytest.skip("ADVNETS_DATA is not set, so there is no real MNIST here")
    return Path(name)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium for the tests of a module; they share nothing else."""
    from adversarial_nets.playground.screenshots import open_browser

    with open_browser() as found:
        yield found


@pytest.fixture(scope="session", autouse=True)
def _not_the_users(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Fixtures that a module's tests share keep off the user's cache, and proxies off all tests."""
    os.environ["ADVNETS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own cache."""
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "cache"))
