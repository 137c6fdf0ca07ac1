"""The error for a folder without a run: it names the content and the runs nearby."""

from pathlib import Path

from adversarial_nets.datasets.registry import data_name
from adversarial_nets.errors import UserError

__all__ = ["no_run"]


def no_run(folder: Path) -> UserError:
    """The error for a folder without settings.json; it names runs inside it or in its parent."""

    def runs(parent: Path) -> str:
        found = sorted(str(path.parent) for path in parent.glob("*/settings.json"))
        return ", ".join(found[:5]) + (", …" if len(found) > 5 else "")

    if inside := runs(folder):
        return UserError(
            f"{folder} is not a run's folder, but holds runs; name one of them: {inside}."
        )
    data = data_name(str(folder))
    why = ": it has no settings.json" if data is None else ", but data"
    problem = f"{folder} is not a run's folder{why}."
    if nearby := runs(folder.parent):
        return UserError(f"{problem} Runs in the same place: {nearby}.")
    return UserError(f"{problem} Start a run with: advnets train {data or 'mnist-5k'}")
