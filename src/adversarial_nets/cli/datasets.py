"""The command ``advnets datasets``."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import Json
from adversarial_nets.progress import ProgressReporter

__all__ = ["COMMANDS"]


@dataclass(frozen=True)
class DatasetsOptions:
    """List the values that DATA can have, with the source of each data set and what it needs."""

    json: Json = False


def _datasets(o: DatasetsOptions, reporter: ProgressReporter) -> dict[str, Any]:
    from adversarial_nets.datasets import CATALOGUE

    for entry in CATALOGUE:
        reporter.say(f"{entry.name:14} {entry.summary}")
        reporter.say(f"{'':14} from {entry.source}; needs {entry.needs}")
    return {"datasets": [dataclasses.asdict(entry) for entry in CATALOGUE]}


COMMANDS = (
    Command(
        name="datasets",
        group="train",
        arguments="",
        summary="list the data sets that DATA can name",
        options=DatasetsOptions,
        run=_datasets,
        examples=("datasets", "datasets --json"),
    ),
)
