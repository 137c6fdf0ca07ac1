"""The command ``advnets doctor``."""

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversarial_nets.cli.command import Command, always
from adversarial_nets.cli.shared import Json
from adversarial_nets.errors import install
from adversarial_nets.progress import ProgressReporter

if TYPE_CHECKING:
    from adversarial_nets.environment import Environment

__all__ = ["COMMANDS"]

_LABEL, _WIDTH = 12, 80
_DEVELOPERS_EXTRAS = ("test", "dev", "docs")


@dataclass(frozen=True)
class DoctorOptions:
    """Describe this installation and machine in one screen, to paste into a bug report.

    It names versions, threads, devices, the data that are found, and what is missing. Nothing is
    downloaded or changed. Paths below your home directory begin with ~.
    """

    json: Json = False


def _doctor(o: DoctorOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.environment import describe

    found = describe()
    for label, text in _lines(found):
        if text:
            _say(reporter, label, text)
    for i, problem in enumerate(found.problems):
        _say(reporter, "Problems" if i == 0 else "", f"{i + 1}. {problem}")
    if not found.problems:
        _say(reporter, "Problems", "none")
    return dataclasses.asdict(found)


def _lines(e: "Environment") -> Iterator[tuple[str, str]]:
    """The label and the text of each paragraph."""
    extras = {name: of_it for name, of_it in e.extras.items() if name not in _DEVELOPERS_EXTRAS}
    whole = {name: of_it for name, of_it in extras.items() if None not in of_it.values()}
    variables = ", ".join(f"{name}={value}" for name, value in e.variables.items())
    here = ", ".join(f"{name} {place}" for name, place in e.data.items() if place)
    absent = ", ".join(name for name, place in e.data.items() if place is None)
    memory = f"; {e.memory_gib:g} GiB of memory" if e.memory_gib is not None else ""
    load = f", load {e.load:g}" if e.load is not None else ""
    yield "Version", f"adversarial-nets {e.version} in {e.folder}"
    yield "Python", f"{e.python} on {e.system}; output in {e.output}"
    yield "Packages", _packages(e.packages)
    yield "Extras", "; ".join(f"{name}: {_packages(of_it)}" for name, of_it in whole.items())
    lacking = ", ".join(name for name in extras if name not in whole)
    yield "", lacking and f"not installed: {lacking} ({install('NAME')})"
    yield "Processors", f"{e.usable_cores} of {e.cores} usable{load}{memory}"
    if e.torch is not None:
        modes = ", ".join(e.torch.thread_modes)
        chosen = ": training uses the fastest" if len(e.torch.thread_modes) > 1 else ""
        runtime = ", ".join(filter(None, (e.torch.openmp, e.torch.products)))
        devices = ", ".join(" ".join(filter(None, d)) for d in e.torch.devices.items())
        yield "Threads", f"{e.torch.threads}; modes {modes}{chosen}; {runtime}"
        yield "Devices", f"{devices}; PyTorch is built for {e.torch.built_for}"
    yield "Variables", variables or "none that advnets or OpenMP reads"
    yield "Data", here + (f"; not here: {absent}" if absent else "")
    yield "Folders", f"cache {e.cache}; {e.free_gib:g} GiB free in the working folder"


def _packages(versions: Mapping[str, str | None]) -> str:
    """Names and versions of packages, separated by commas."""
    return ", ".join(f"{name} {version or '(missing)'}" for name, version in versions.items())


def _say(reporter: ProgressReporter, label: str, text: str) -> None:
    """Print a paragraph with its label at the left."""
    lines = textwrap.wrap(
        text, _WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False
    )  # a path is not broken
    for i, line in enumerate(lines):
        reporter.say(f"{label if i == 0 else '':{_LABEL}}{line}")


COMMANDS = (
    Command(
        name="doctor",
        summary="versions, threads, devices, data: for a bug report",
        options=DoctorOptions,
        run=_doctor,
        examples=("doctor", "doctor --json"),
        prints_result=always,
    ),
)
