"""The command ``advnets datasets``."""

from dataclasses import dataclass
from typing import Any

from adversarial_nets.cli.command import Command, always
from adversarial_nets.cli.shared import Json
from adversarial_nets.progress import ProgressReporter

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class DatasetsOptions:
    """List the values that DATA can have, with the source of each data set and what it needs."""

    json: Json = False


def _datasets(o: DatasetsOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.datasets import REGISTRY

    for entry in REGISTRY.values():
        reporter.say(f"{entry.name:14} {entry.description}")
        reporter.say(f"{'':14} Source: {entry.source}")
    return {"datasets": [entry.to_json() for entry in REGISTRY.values()]}


COMMANDS = (
    Command(
        name="datasets",
        summary="list the data sets that DATA can name",
        options=DatasetsOptions,
        run=_datasets,
        examples=("datasets", "datasets --json"),
        prints_result=always,
    ),
)
