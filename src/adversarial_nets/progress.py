"""Print progress of long work: a live bar in a terminal, plain lines in log files and notebooks.

Everything goes to standard output and fits 80 columns. With ``quiet`` nothing is printed.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = [
    "FIRST_LINE",
    "IF_RESULT_LOST",
    "Progress",
    "ProgressReporter",
    "discard_output",
    "give_up_output",
    "in_terminal",
    "no_progress",
    "print_error",
    "print_line",
    "with_prefix",
]

Progress = Callable[[str, int, int | None], None]
"""Called during long work with the stage's name, the amount done, and the total amount or None."""

FIRST_LINE = 5.0
"""Seconds after which a stage prints its first line."""

IF_RESULT_LOST = "Free some disk space, or redirect the output, and run the command again."
"""What to do if a result that is only printed cannot be written."""


def no_progress(what: str, done: int, total: int | None) -> None:
    """Ignore progress: the default of functions that report it."""


def with_prefix(on_progress: Progress | None, name: str) -> Progress | None:
    """Return a progress callback that puts a name before each message."""
    if on_progress is None:
        return None
    return lambda what, done, total: on_progress(f"{name}: {what}", done, total)


def print_line(text: str, if_lost: str = "The work goes on without.") -> bool:
    """Print a line to standard output; if it cannot be written, no error is raised.

    Characters that the output's encoding lacks become "?". After a reader has closed the pipe, as
    in ``advnets train mnist-5k | head -1``, or if the disk is full, nothing more is printed.

    Args:
        text: the line.
        if_lost: printed to standard error after the reason, if the line cannot be written.

    Returns:
        False if the line cannot be written, unless its reader has closed the pipe.
    """
    try:
        try:
            print(text, flush=True)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding
            print(text.encode(encoding, "replace").decode(encoding), flush=True)
    except OSError as error:
        return not give_up_output(error, if_lost)
    return True


def print_error(text: str) -> None:
    """Print a line to standard error; if it cannot be written, discard it and later lines."""
    # While a live bar is shown, rich redirects standard error to the bar's console.
    stream = getattr(sys.stderr, "rich_proxied_file", sys.stderr)
    try:
        print(text, file=stream, flush=True)
    except OSError:
        discard_output(stream)


def discard_output(stream: TextIO | None = None) -> None:
    """Discard all later output, and the text that is still in the stream's buffer.

    Text in the buffer that cannot be written would make Python fail when it exits.

    Args:
        stream: standard output by default.
    """
    with suppress(OSError):  # a notebook's output is not a file
        descriptor = (stream or sys.stdout).fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def give_up_output(error: OSError, if_lost: str) -> bool:
    """Discard all later standard output, and print the reason to standard error.

    Returns:
        Whether output is lost. If its reader has closed the pipe, nothing is lost.
    """
    discard_output()
    if isinstance(error, BrokenPipeError):
        return False
    print_error(f"Standard output cannot be written ({error.strerror}). {if_lost}")
    return True


class _LiveOutput:
    """Standard output for rich, without errors if a terminal is closed or a disk is full.

    Args:
        on_error: called with the first error; after that nothing is written.
    """

    def __init__(self, on_error: Callable[[OSError], None]) -> None:
        self._stream, self._on_error = sys.stdout, on_error
        self._lost = False
        self.encoding = sys.stdout.encoding

    def write(self, text: str) -> int:
        """Write the text if that is possible; returns its length."""
        self._unless_lost(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write the contents of the buffer if that is possible."""
        self._unless_lost(self._stream.flush)

    def isatty(self) -> bool:
        """Whether standard output is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor of standard output."""
        return self._stream.fileno()

    def _unless_lost(self, write: Callable[[], object]) -> None:
        if self._lost:
            return
        try:
            write()
        except OSError as error:
            self._lost = True
            self._on_error(error)


class ProgressReporter:
    """Prints a command's messages and the progress of its work.

    Args:
        quiet: print nothing, e.g. because the command prints one JSON object.
        if_lost: printed to standard error if standard output cannot be written.

    Attributes:
        lost_output: whether a line could not be written, e.g. on a full disk.
    """

    def __init__(self, quiet: bool = False, if_lost: str = "The work goes on without.") -> None:
        self.quiet, self.if_lost = quiet, if_lost
        self.lost_output = False
        self._stages: dict[str, _Stage] = {}
        self._console: Console | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._bar_stage = ""

    def say(self, line: str) -> None:
        """Print one line."""
        self.close()
        if not self.quiet:
            self._print(line)

    def _print(self, line: str) -> None:
        self.lost_output |= not print_line(line, self.if_lost)

    def live_console(self) -> "Console":
        """The console of live bars, on which bars do not raise errors."""
        from rich.console import Console

        def lost(error: OSError) -> None:
            self.lost_output |= give_up_output(error, self.if_lost)

        if self._console is None:
            self._console = Console(file=cast("IO[str]", _LiveOutput(lost)))
        return self._console

    def work(self, what: str, done: int, total: int | None) -> None:
        """Show the progress of a stage of work other than training, e.g. a download or a score.

        A terminal shows one live line. Elsewhere, a stage prints a line after 5, 10, 20, 40 …
        seconds, so that a long stage needs few lines.

        Args:
            what: the stage's name. Names that differ only in their numbers are one stage.
            done: the amount done.
            total: the total amount, or None if it is unknown.
        """
        if self.quiet:
            return
        if in_terminal():
            self._show_bar(what, done, total)
            return
        stage = self._stages.setdefault(re.sub(r"[\d.,]+", "#", what), _Stage())
        if stage.is_due():
            share = f" of {total:,} ({done / total:.0%})" if total else ""
            self._print(f"{what}: {done:,}{share}")

    def close(self) -> None:
        """Remove the live line of the current stage."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show_bar(self, what: str, done: int, total: int | None) -> None:
        """Show or update the live line of a stage."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        if self._bar is None:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=15),
                MofNCompleteColumn(),
                TimeRemainingColumn(compact=True),
            )
            self._bar = Bar(*columns, transient=True, console=self.live_console())
            self._bar.start()
            self._bar_stage = what
            self._task = self._bar.add_task(what, total=total)
        if self._task is None:
            return
        if what != self._bar_stage:
            self._bar_stage = what
            self._bar.reset(self._task, total=total, description=what)
        self._bar.update(self._task, completed=done, total=total)


class _Stage:
    """When a stage prints its next line to a log file."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.next_line = FIRST_LINE

    def is_due(self) -> bool:
        """Whether to print a line now; the time to the next line then doubles."""
        elapsed = time.monotonic() - self.started
        if elapsed < self.next_line:
            return False
        while self.next_line <= elapsed:
            self.next_line *= 2
        return True


def in_terminal() -> bool:
    """Whether standard output is a terminal that can show a live bar."""
    return bool(getattr(sys.stdout, "isatty", lambda: False)())
