"""The commands that a report prints: continue the run, score it, report it again."""

import shlex
from pathlib import Path

from adversarial_nets.command_line import option_words
from adversarial_nets.presets import preset_for
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import settings_differences

__all__ = [
    "calibrate_command",
    "continue_command",
    "evaluate_command",
    "report_command",
    "train_command",
]


def continue_command(run: Run, rounds: int | None = None) -> str:
    """The ``advnets train`` command that continues the run.

    Args:
        run: the run.
        rounds: the total number of rounds to train to; the preset's length by default.
    """
    return train_command(run, rounds, run.folder)


def train_command(run: Run, rounds: int | None = None, folder: Path | None = None) -> str:
    """The ``advnets train`` command with the run's settings; it trains a run in `folder`."""
    words = ["advnets", "train", run.data, "--preset", run.preset]
    words += [] if folder is None else ["--run", str(folder)]
    standard = preset_for(run.data, run.preset)[1].settings_for(rounds)
    changed = settings_differences(standard, run.settings)
    words += option_words({name: value for name, (_, value) in changed.items()})
    precision = run.info.get("precision", "float32")
    if precision != "float32":
        words += ["--precision", precision]
    if rounds is not None:
        words += ["--rounds", str(rounds)]
    return shlex.join(words)


def evaluate_command(run: Run, weights: str) -> str:
    """The command that scores the run's raw or averaged generator."""
    return shlex.join(["advnets", "evaluate", str(run.folder), "--weights", weights])


def report_command(run: Run, weights: str) -> str:
    """The command that writes a report of the run's raw or averaged generator."""
    return shlex.join(["advnets", "report", str(run.folder), "--weights", weights])


def calibrate_command(run: Run) -> str:
    """The command that scores reference images of the run's data set."""
    words = ["advnets", "calibrate", run.data]
    for name, value in run.settings.data_options().items():
        if value:
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return shlex.join(words)
