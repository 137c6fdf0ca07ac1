"""Errors with a message for the user, raised where they are found and caught in `cli.main`."""

import difflib
from collections.abc import Sequence

__all__ = ["DataNotFound", "Diverged", "SettingError", "Stopped", "UserError", "unknown_name"]


class UserError(Exception):
    """An error whose message says, in one or two sentences, what is wrong and what to do."""

    exit_code = 2

    def for_command_line(self) -> str:
        """The message as the command line prints it."""
        return str(self)


class SettingError(UserError):
    """A setting has a value that it cannot have.

    Args:
        name: the setting's dotted name, e.g. ``D.keep_prob_input``.
        problem: the rest of the sentence: its value and what it must be.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")
        self.name, self.problem = name, problem

    def for_command_line(self) -> str:
        """The message with the setting's option in place of its name."""
        return f"--{self.name.replace('_', '-')} {self.problem}"


class DataNotFound(UserError):
    """The requested data are not on this machine; the caller may use other data instead."""


class Diverged(UserError):
    """A loss or a weight became NaN or infinite during training."""

    exit_code = 3


class Stopped(UserError):
    """A signal (Ctrl-C or SIGTERM) stopped the training; it was saved before, if `saved`.

    Args:
        number: the signal's number.
        round: the round after which the training stopped.
        saved: whether there is a run folder to save into.
    """

    def __init__(self, number: int, round: int, saved: bool = True) -> None:
        kept = "everything is saved" if saved else "nothing is kept, since no folder was given"
        super().__init__(f"Stopped at round {round}; {kept}.")
        self.exit_code = 128 + number


def unknown_name(name: str, known: Sequence[str], what: str) -> UserError:
    """The error for an unknown name, which suggests the nearest known one."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return UserError(f"There is no {what} named {name!r}.{hint} Known: {', '.join(known)}.")
