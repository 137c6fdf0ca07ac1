"""Describe the installation and the machine for a bug report (`advnets doctor`).

Nothing is downloaded, and no data set is read. PyTorch is imported inside `describe`, which must
work with a PyTorch that cannot be imported.
"""

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial_nets import __version__, datasets
from adversarial_nets.datasets.download import cache_folder
from adversarial_nets.errors import UserError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["DISTRIBUTION", "VARIABLES", "Environment", "TorchState", "describe"]

DISTRIBUTION = "adversarial-nets"
"""The name by which ``pip`` knows this package."""

VARIABLES = (
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"),
    *("MKL_NUM_THREADS", "MKL_CBWR", "CUDA_VISIBLE_DEVICES", "ADVNETS_DATA", "ADVNETS_CACHE"),
)
"""The environment variables that change results, speed, or where data are looked for."""

Versions = dict[str, str | None]
"""Versions by package, None for those that are not installed."""

_GIB = 1 << 30


@dataclass(frozen=True)
class TorchState:
    """PyTorch's threads, libraries and devices on this machine.

    Attributes:
        built_for: ``"cpu"``, or e.g. ``"CUDA 13.0"``.
        threads: the number of CPU threads that it uses.
        thread_modes: how idle threads wait; with several modes, training times each and uses the
            fastest (`engine.threads`).
        openmp: the OpenMP runtime's version, e.g. ``"OpenMP 4.5"``; empty without OpenMP.
        products: the library that multiplies matrices on the CPU, e.g. ``"MKL 2024.2"``.
        devices: each device by the name that ``--device`` takes, with the hardware's name.
    """

    built_for: str
    threads: int
    thread_modes: tuple[str, ...]
    openmp: str
    products: str
    devices: dict[str, str]


@dataclass(frozen=True)
class Environment:
    """The installation and the machine, for a bug report.

    Attributes:
        version: this package's version.
        folder: the folder that it is imported from.
        python: Python's version.
        system: operating system and architecture.
        packages: versions of the required packages.
        extras: versions of the packages of each extra, which may be missing.
        cores: the machine's processors.
        usable_cores: those that this process may use.
        load: processes that ran or waited in the last minute, on average; None on Windows.
        memory_gib: the machine's memory, None if it is not known.
        torch: None if PyTorch cannot be imported.
        variables: those of `VARIABLES` that are set.
        data: for each data set ``"included"`` or the path of its files; None if they are missing.
        cache: the folder of downloads.
        free_gib: free space for runs, in the working folder.
        output: encoding of standard output.
        problems: a sentence for each problem that must be fixed.
    """

    version: str
    folder: str
    python: str
    system: str
    packages: Versions
    extras: dict[str, Versions]
    cores: int
    usable_cores: int
    load: float | None
    memory_gib: float | None
    torch: TorchState | None
    variables: dict[str, str]
    data: dict[str, str | None]
    cache: str
    free_gib: float
    output: str
    problems: list[str]


def describe() -> Environment:
    """Return a description of this installation and machine, with the problems that must be fixed.

    Paths below the home directory begin with ``~``, so that a report does not name the user.
    """
    problems: list[str] = []
    packages, extras = _packages(problems)
    torch = _torch(problems)
    memory: float | None = None
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB, 1)
    return Environment(
        version=__version__,
        folder=_short(Path(__file__).parent),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages=packages,
        extras=extras,
        cores=os.cpu_count() or 1,
        usable_cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        memory_gib=memory,
        torch=torch,
        variables={n: _short(Path(v)) for n in VARIABLES if (v := os.environ.get(n)) is not None},
        data={} if torch is None else _data(problems),
        cache=_cache(problems),
        free_gib=round(shutil.disk_usage(Path.cwd()).free / _GIB, 1),
        output=getattr(sys.stdout, "encoding", None) or "unknown",
        problems=problems,
    )


# --- Packages -------------------------------------------------------------------------------------


def _packages(problems: list[str]) -> tuple[Versions, dict[str, Versions]]:
    """Versions of the required packages, and of those of each extra."""
    try:
        from packaging.requirements import Requirement

        metadata = importlib.metadata.metadata(DISTRIBUTION)
        needs = [Requirement(text) for text in importlib.metadata.requires(DISTRIBUTION) or ()]
    except ImportError as error:  # PackageNotFoundError is an ImportError
        problems.append(
            f"{DISTRIBUTION} is not installed completely ({error}), so the versions that it needs "
            f"are unknown. Install it with: pip install {DISTRIBUTION}"
        )
        return {name: _version(name) for name in ("torch", "numpy", "scipy")}, {}

    def of(extra: str) -> list[Requirement]:
        return [n for n in needs if n.marker is None or n.marker.evaluate({"extra": extra})]

    required = of("")
    extras = metadata.get_all("Provides-Extra") or ()
    return _versions(required, problems, required=True), {
        extra: _versions([n for n in of(extra) if n not in required], problems, required=False)
        for extra in sorted(extras)
    }


def _versions(needs: "list[Requirement]", problems: list[str], required: bool) -> Versions:
    """The installed versions of packages; adds wrong and missing required ones to `problems`."""
    found: Versions = {}
    for need in needs:
        found[need.name] = version = _version(need.name)
        if version is None and not required:
            continue
        if version is None or not need.specifier.contains(version, prereleases=True):
            problem = (
                f"{need.name} is {version or 'not installed'}, but {need.name}{need.specifier} is "
                f"needed. Install it with: pip install '{need.name}{need.specifier}'"
            )
            if problem not in problems:  # two extras may need the same package
                problems.append(problem)
    return found


def _version(name: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- PyTorch --------------------------------------------------------------------------------------


def _torch(problems: list[str]) -> TorchState | None:
    """Import PyTorch and collect its state; a failure is listed as a problem, not raised."""
    try:
        torch = importlib.import_module("torch")
        from adversarial_nets.engine.devices import devices
        from adversarial_nets.engine.threads import ThreadTuner

        info = str(torch.__config__.parallel_info()).splitlines()
        cuda, hip = torch.version.cuda, torch.version.hip
        return TorchState(
            built_for=f"CUDA {cuda}" if cuda else f"ROCm {hip}" if hip else "cpu",
            threads=torch.get_num_threads(),
            thread_modes=ThreadTuner.for_device(torch.device("cpu")).modes,
            openmp=" ".join(_of(info, "OpenMP").split("a.k.a. ")[-1:]).rstrip(")"),
            products=_product_library(info),
            devices=dict(devices()),
        )
    except Exception as error:  # a broken installation raises many types
        reason = (str(error) or type(error).__name__).splitlines()[0]
        problems.append(
            f"PyTorch cannot be used ({reason}). Install it again with: pip install "
            "--force-reinstall torch"
        )
        return None


def _of(lines: list[str], start: str) -> str:
    """The first line that begins with a text, or ''."""
    return next((line.strip() for line in lines if line.strip().startswith(start)), "")


def _product_library(info: list[str]) -> str:
    """The library of matrix products: MKL with its version, or another one that PyTorch uses."""
    mkl = _of(info, "Intel(R) oneAPI Math Kernel Library") or _of(info, "Intel(R) Math Kernel")
    words = mkl.partition("Version ")[2]
    return f"MKL {words.split('-')[0]}" if words else "not MKL"


# --- Data and folders -----------------------------------------------------------------------------


def _data(problems: list[str]) -> dict[str, str | None]:
    """Where the files of each data set are."""
    found: dict[str, str | None] = {}
    for entry in datasets.REGISTRY.values():
        if entry.needs == "nothing":
            found[entry.name] = "included"
        elif entry.locate is not None:
            try:
                path = entry.locate()
            except UserError as error:  # ADVNETS_DATA is not a folder
                problems.append(str(error))
                return found
            found[entry.name] = None if path is None else _short(path)
    return found


def _cache(problems: list[str]) -> str:
    """The folder of downloads; a problem if it cannot be written."""
    cache = cache_folder()
    existing = next(path for path in (cache, *cache.absolute().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        problems.append(
            f"The cache {_short(cache)} cannot be written. Set ADVNETS_CACHE to a folder that can."
        )
    return _short(cache)


def _short(path: Path) -> str:
    """The path with ``~`` for the home directory."""
    with suppress(ValueError, RuntimeError):  # not below the home directory, or there is none
        return str("~" / path.relative_to(Path.home()))
    return str(path)
