"""The commands that a report prints: continue the run, score it, report it again."""

import shlex
from pathlib import Path

from adversarial_nets.command_line import option_words
from adversarial_nets.datasets import registry
from adversarial_nets.errors import UserError
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs.folder import Run
from adversarial_nets.setting_checks import without_unused
from adversarial_nets.settings import settings_differences
from adversarial_nets.training.default_preset import preset_for

__all__ = [
    "calibrate_command",
    "continue_command",
    "evaluate_command",
    "passed_in",
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
    words += _started_from(run) if folder is None else ["--run", str(folder)]
    preset = preset_for(run.data, run.preset)[1]
    if rounds is None and (length := preset.length_of(run.settings)) != preset.rounds:
        rounds = length
    standard = preset.settings_for(rounds)
    differences = settings_differences(standard, run.settings)
    changed = {name: value for name, (_, value) in differences.items()}
    words += option_words(without_unused(run.settings, changed) if folder is None else changed)
    precision = run.info.get("precision", "float32")
    if precision != "float32":
        words += ["--precision", precision]
    if rounds is not None:
        words += ["--rounds", str(rounds)]
    return shlex.join(words)


def _started_from(run: Run) -> list[str]:
    """The options that name the runs whose weights the run started from."""
    words = ["--from", str(run.info["init_from"]["run"])] if run.info.get("init_from") else []
    return words + (["--onto", str(run.info["onto"])] if run.info.get("onto") else [])


def passed_in(run: Run) -> list[str]:
    """Parts of a training that only a program can provide, in words; then no command repeats it.

    These parts are: networks, an optimiser, a callback that changed settings, or an objective, a
    data set or a preset that this package does not have.
    """
    from adversarial_nets import objectives  # imports torch, which the commands do not need

    words = []
    if run.own_nets:
        words += [name for name in ("G", "D") if name in run.info] or ["its networks"]
    if optimiser := run.info.get("optimiser"):
        words.append(f"the optimiser {optimiser}")
    if not objectives.is_built_in(run.settings.objective):
        words.append(f"the objective {run.settings.objective}")
    if run.info.get("changed_during_training"):
        words.append("a callback that changed settings")
    if not _is_included(run.data):
        words.append(f"the images {run.data}")
    if run.preset not in PRESETS:
        words.append(f"the preset {run.preset}")
    return words


def _is_included(data: str) -> bool:
    """Whether a command can load the data set of that name."""
    try:
        loader = registry.find(data).loader
    except UserError:
        return False
    return str(getattr(loader, "__module__", "")).partition(".")[0] == "adversarial_nets"


def evaluate_command(run: Run, weights: str | None = None, grid: str | None = None) -> str:
    """The command that scores the run's raw, averaged or only generator, or a call in Python."""
    return _command("evaluate", "evaluate", run, weights=weights, grid=grid)


def report_command(run: Run, weights: str) -> str:
    """The command that writes a report of the run's raw or averaged generator, or a call."""
    return _command("report", "write_report", run, weights=weights)


def _command(name: str, function: str, run: Run, **options: str | None) -> str:
    """A command, or a call in Python if the command would need a program's own G or images."""
    given = {"data": "data"} if not _is_included(run.data) else {}
    given |= {"G": "G"} if run.own_G else {}
    chosen = {option: value for option, value in options.items() if value}
    if not given:
        return shlex.join(["advnets", name, run.name, *option_words(chosen)])
    given |= {option: repr(value) for option, value in chosen.items()}
    arguments = [repr(run.name), *(f"{key}={value}" for key, value in given.items())]
    return f"an.{function}({', '.join(arguments)})"


def calibrate_command(run: Run) -> str:
    """The command that scores reference images of the run's data set, or a call in Python."""
    if not _is_included(run.data):
        return "an.calibrate(data)"
    options = run.settings.data_options()
    # The command has no --train-on-all: its reference images never include test images.
    given = {name: value for name, value in options.items() if value and name != "train_on_all"}
    return shlex.join(["advnets", "calibrate", run.data, *option_words(given)])
