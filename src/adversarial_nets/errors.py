"""Errors with a message for the user, raised where they are found and caught in `cli.main`."""

import difflib
import json
import sys
from collections.abc import Sequence

__all__ = [
    "DataMoved",
    "DataNotFound",
    "Diverged",
    "NoClasses",
    "NoTrainingClasses",
    "SettingError",
    "SettingHint",
    "Stopped",
    "UnknownName",
    "UserError",
    "describe_type",
    "install",
    "reason",
    "unknown_name",
]


class UserError(Exception):
    """An error whose message says, in one or two sentences, what is wrong and what to do.

    Args:
        message: the message.
        on_command_line: the message as the command line prints it, if its words differ.
    """

    exit_code = 2

    def __init__(self, message: object, on_command_line: str | None = None) -> None:
        super().__init__(message)
        self._on_command_line = on_command_line

    def for_command_line(self) -> str:
        """The message as the command line prints it."""
        return self._on_command_line or str(self)


class SettingError(UserError):
    """A setting has an impossible value.

    Args:
        name: the setting's dotted name, e.g. ``D.keep_prob_input``.
        problem: the rest of the sentence: its value and what it must be.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}", f"--{name.replace('_', '-')} {problem}")


class SettingHint(UserError):
    """An error whose message names a setting.

    Args:
        name: the setting's name.
        message: the message; after the text that the user gave, it contains the name once.
    """

    def __init__(self, name: str, message: str) -> None:
        before, _, after = message.rpartition(name)
        super().__init__(message, f"{before}--{name.replace('_', '-')}{after}")


class DataNotFound(UserError):
    """The requested data are not on this machine; the caller may use other data instead."""


class DataMoved(UserError):
    """The images that a run was trained on were moved or changed.

    Args:
        problem: sentences that name the images and the run, and say what is at the old path now.
        place: an example of the new place, e.g. ``folder:PATH``.
    """

    def __init__(self, problem: str, place: str) -> None:
        super().__init__(
            f"{problem} Put them back, or pass them: data=datasets.load('{place}', …) with the "
            "run's size and channels.",
            f"{problem} Put them back, or give their new place: advnets evaluate, measure, report "
            f"and paper section7 take --data {place}.",
        )


class NoClasses(UserError):
    """The data have no class labels, but a classifier's features need them.

    Args:
        data: the data set's name.
    """

    def __init__(self, data: str) -> None:
        problem = f"{data} has no class labels, so no classifier can be trained."
        super().__init__(
            f"{problem} Use features='patches' or 'inception', or a function from images to "
            "features.",
            f"{problem} Use --features patches, or the features of a network for photographs: "
            f"--features inception. It needs an extra: {install('photographs')}",
        )


class NoTrainingClasses(UserError):
    """The data have no class labels, but a training with classes needs them.

    Args:
        data: the data set's name.
        needed_by: the option or part that needs them: ``condition classes`` or ``few-labels``.
        labels_hint: how data of this kind get labels (`DatasetEntry.labels_hint`).
    """

    def __init__(self, data: str, needed_by: str, labels_hint: str | None = None) -> None:
        problem = f"{data} has no classes for its training and validation images"
        hint = labels_hint or "Use data with classes, e.g. mnist-5k"
        super().__init__(
            f"{problem}, which {needed_by} needs. Sort the images of folder:PATH into one "
            "subfolder for each class, pass labels to dataset_from_arrays, or leave condition out.",
            f"{problem}, which --condition classes needs. {hint}, or leave out --condition."
            if needed_by == "condition classes"
            else f"{problem}, which {needed_by} needs. {hint}.",
        )


class Diverged(UserError):
    """A loss or a weight became NaN or infinite during training.

    Args:
        problem: what is no longer finite, since which round, and what is saved.
        lr: the setting `lr` of the training, if it can be made smaller.
    """

    exit_code = 3

    def __init__(self, problem: str, lr: float | None = None) -> None:
        if lr is None:
            super().__init__(problem)
            return
        smaller = f"{lr / 5:.2g}"
        super().__init__(
            f"{problem} Train again with a smaller lr, e.g. lr={smaller} (it is {lr:g}) and "
            "restart=True, or with another seed.",
            f"{problem} Add --lr {smaller} --restart to the command to train again with a fifth of "
            "the learning rate, or use another --seed.",
        )


class Stopped(UserError):
    """A signal (Ctrl-C, SIGTERM or SIGHUP) stopped the training; if `saved`, it was saved before.

    Args:
        number: the signal's number.
        round: the round after which the training stopped.
        saved: whether there is a run folder to save into.
    """

    def __init__(self, number: int, round: int, saved: bool = True) -> None:
        kept = "everything is saved" if saved else "nothing is kept, since no folder was given"
        super().__init__(f"Stopped at round {round}; {kept}.")
        self.exit_code = 128 + number


class UnknownName(UserError):
    """An unknown name; `unknown_name` makes the message."""


def install(extra: str) -> str:
    """The command that installs an extra of this package for the Python that is running."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f'{python} -m pip install "adversarial-nets[{extra}]"'


def reason(error: Exception) -> str:
    """The reason why a file cannot be read, in a few words, from the error that was raised."""
    match error:
        case UnicodeDecodeError():
            return "it is not a text file"
        case json.JSONDecodeError():
            return f"it is not JSON: {error}"
        case KeyError():
            return f"it has no {error}"
        case OSError():
            return error.strerror or str(error)[:100] or "it cannot be read"
        case TypeError() | AttributeError():
            return "a value has another type"
        case _:
            return str(error)[:100]


def describe_type(value: object) -> str:
    """A value's type for an error message, after "is".

    >>> describe_type({}), describe_type(dict)
    ('of type dict', 'the class dict')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"of type {type(value).__name__}"


_MOST_SHOWN = 150  # names in a message


def unknown_name(name: object, known: Sequence[str], what: str) -> UnknownName:
    """The error for an unknown name, which suggests the nearest known one."""
    by_lower_case = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(name).lower(), by_lower_case, n=1, cutoff=0.5)
    hint = f" Did you mean {by_lower_case[near[0]]}?" if near else ""
    shown = ", ".join(known if len(known) <= _MOST_SHOWN else [*known[:20], "…"])
    return UnknownName(f"There is no {what} named {name!r}.{hint} Known: {shown}.")
