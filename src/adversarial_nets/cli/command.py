"""The type of a command: its name, options, function and examples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adversarial_nets.progress import ProgressReporter

__all__ = ["Command", "Defaults", "always", "never"]

Defaults = Callable[[str | None, Mapping[str, str]], tuple[Any, str]]
"""A function of DATA (None if not given) and of the texts of the given options by name, e.g.
``--preset``. It returns the options' default values, and a sentence for the help that says where
they come from."""

IfInterrupted = Callable[[Any, Sequence[str]], Sequence[str]]
"""A function from the options and the arguments after ``advnets`` to the lines to print."""


def always(options: object) -> bool:
    """Return True, for a command whose result is the printed text."""
    return True


def never(options: object) -> bool:
    """Return False, for a command whose result is in files."""
    return False


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of ``advnets``.

    Attributes:
        name: the words typed after ``advnets``, e.g. ``train`` or ``paper theory``.
        arguments: its positional arguments as the overview prints them, e.g. ``DATA``.
        summary: its purpose, in one line of at most 54 characters.
        options: the dataclass of its options. Its docstring is the command's help.
        run: does the work; the returned mapping is what ``--json`` prints.
        examples: command lines for its help, without ``advnets``.
        defaults: default values that depend on the data, if there are any.
        prints_result: whether its result, with these options, is the printed text, so that the
            command fails if standard output cannot be written.
        multiprocess: whether several processes under ``torchrun`` can share its work. With an
            option ``nproc`` the command starts them itself.
        if_interrupted: says what is kept after a Ctrl-C that ends the command before it can save;
            None if nothing is kept.
    """

    name: str
    arguments: str = ""
    summary: str
    options: type[Any]
    run: Callable[[Any, ProgressReporter], dict[str, Any]]
    examples: Sequence[str]
    defaults: Defaults | None = None
    prints_result: Callable[[Any], bool] = never
    multiprocess: bool = False
    if_interrupted: IfInterrupted | None = None
