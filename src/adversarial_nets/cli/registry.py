"""All commands by their names, and the overviews that list them."""

import textwrap
from collections.abc import Mapping, Sequence

from adversarial_nets import __version__
from adversarial_nets.cli import (
    bench,
    datasets,
    doctor,
    evaluate,
    generate,
    measure,
    own_images,
    paper_experiments,
    paper_objectives,
    paper_section7,
    paper_theory,
    play,
    results,
    train,
)
from adversarial_nets.cli.command import Command
from adversarial_nets.cli.unknown_commands import unknown_command

__all__ = ["COMMANDS", "GROUPS", "find_command", "overview", "paper_overview"]

_PAPER = "paper "
_PAPER_HEADING = "Reproduce the paper"
_NAME_WIDTH = 22

GROUPS: Mapping[str, Sequence[Command]] = {
    "Train": (*train.COMMANDS, *datasets.COMMANDS),
    "Evaluate": (*evaluate.COMMANDS, *measure.COMMANDS, *results.COMMANDS),
    "Generate images": (*generate.COMMANDS, *own_images.COMMANDS),
    "Experiment": (*play.COMMANDS, *bench.COMMANDS),
    _PAPER_HEADING: (
        generate.INTERPOLATE,
        *paper_theory.COMMANDS,
        *paper_experiments.COMMANDS,
        *paper_objectives.COMMANDS,
        *paper_section7.COMMANDS,
    ),
    "If something does not work": doctor.COMMANDS,
}
"""The commands below each heading of the overview, in order."""

COMMANDS: Mapping[str, Command] = {
    command.name: command for commands in GROUPS.values() for command in commands
}
"""Each command by its name. Names of the paper's commands begin with ``paper``."""


def find_command(args: Sequence[str]) -> tuple[Command, list[str]]:
    """The command that the arguments name, and the arguments after the name.

    ``advnets theory`` is read as ``advnets paper theory``, as earlier versions named it.

    Raises:
        UserError: there is no command of that name.
    """
    name, rest = args[0], list(args[1:])
    if name == "paper" and rest:
        of_the_paper = [n for n in COMMANDS if n.startswith(_PAPER)]
        if _PAPER + rest[0] not in of_the_paper:
            raise unknown_command(rest[0], of_the_paper, "paper")
        name, rest = _PAPER + rest[0], rest[1:]
    elif name not in COMMANDS and _PAPER + name in COMMANDS:
        name = _PAPER + name
    if name not in COMMANDS:
        raise unknown_command(name, list(COMMANDS))
    return COMMANDS[name], rest


def overview() -> str:
    """The text of ``advnets --help``: one line for each command, by purpose."""
    lines = [
        f"advnets {__version__}: Generative Adversarial Nets (2014) in readable PyTorch",
        "",
        "Usage: advnets COMMAND [ARGUMENTS] [OPTIONS]",
        "",
        "  advnets sample digits          100 digits of a trained generator (included)",
        "  advnets train mnist-5k         train on 4,000 digits (included) in a minute",
        "  advnets train folder:PHOTOS    train on your own images",
    ]
    for title, commands in GROUPS.items():
        lines += ["", title]
        if title == _PAPER_HEADING:
            lines += _paper_summary()
        else:
            lines += [_line(command) for command in commands]
    lines += ["", "Every command has --help (options, examples) and --json (one JSON object)."]
    return "\n".join(lines)


def paper_overview() -> str:
    """The text of ``advnets paper --help``: the commands that reproduce the paper."""
    return "\n".join(
        [
            "Reproduce the figures, tables and statements of the paper.",
            "",
            "Usage: advnets paper COMMAND [ARGUMENTS] [OPTIONS]",
            "       advnets paper COMMAND --help    all options of a command, with examples",
            "",
            *(_line(command, _PAPER) for command in GROUPS[_PAPER_HEADING]),
        ]
    )


def _line(command: Command, prefix: str = "") -> str:
    """The command's line in an overview."""
    invocation = f"{command.name.removeprefix(prefix)} {command.arguments}"
    return f"  {invocation:{_NAME_WIDTH}} {command.summary}"


def _paper_summary() -> list[str]:
    """The lines of the overview that name the paper's commands."""
    names = [command.name.removeprefix(_PAPER) for command in GROUPS[_PAPER_HEADING]]
    lines = textwrap.wrap(", ".join(names), 80 - _NAME_WIDTH - 3, break_on_hyphens=False)
    first = ("paper COMMAND", *[""] * (len(lines) - 1))
    return [f"  {name:{_NAME_WIDTH}} {line}" for name, line in zip(first, lines, strict=True)]
