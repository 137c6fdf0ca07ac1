"""What several commands share: words of their options, and how they print."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from adversarial_nets.errors import UserError

if TYPE_CHECKING:
    from adversarial_nets.progress import ProgressReporter

__all__ = [
    "Command",
    "Grid",
    "Weights",
    "positive",
    "printer",
    "rounds_shown",
    "say_result",
    "say_rows",
]

Grid = Literal["paper", "fine"]
Weights = Literal["raw", "averaged"]
Command = tuple[type[Any], Callable[[Any], dict[str, Any]], tuple[str, ...]]
"""A command: its options, what it does with them, and examples for its help."""


def printer(quiet: bool) -> "ProgressReporter":
    """A `ProgressReporter` for a command, silent with ``--json``."""
    from adversarial_nets.progress import ProgressReporter

    return ProgressReporter(quiet=quiet)


def say_rows(reporter: "ProgressReporter", rows: Sequence[Any]) -> None:
    """Print calibration rows, one a line."""
    for row in rows:
        reporter.say(f"{row.name:16} {row.score}  [{row.note}]")


def rounds_shown(quiet: bool) -> Callable[[Any, int], None]:
    """Show how far a game on a toy has come, every few seconds."""
    reporter = printer(quiet)
    return lambda frame, rounds: reporter.work("round", frame.round, rounds)


def positive(name: str, asked: int | None, standard: int) -> int:
    """The number that was asked for by the option of that name, or the standard one."""
    if asked is not None and asked < 1:
        raise UserError(f"{name} is {asked}; it must be 1 or more.")
    return asked or standard


def say_result(quiet: bool, result: dict[str, Any]) -> dict[str, Any]:
    """What a game on a toy came to, and where its pictures are."""
    reporter = printer(quiet)
    for key, value in result.items():
        reporter.say(f"{key}: {', '.join(value) if key == 'files' else value}")
    return result
