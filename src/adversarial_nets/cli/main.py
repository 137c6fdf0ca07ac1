"""Run ``advnets``: find the command, parse its options, run it, turn errors into exit codes.

Nothing in this module imports torch, so that ``--help`` is fast.
"""

import errno
import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from adversarial_nets import __version__
from adversarial_nets.cli import processes
from adversarial_nets.cli.command import Command
from adversarial_nets.cli.parsing import HELP_OPTIONS, current_options, parse
from adversarial_nets.cli.registry import find_command, overview, paper_overview
from adversarial_nets.errors import Stopped, UserError
from adversarial_nets.progress import (
    IF_RESULT_LOST,
    ProgressReporter,
    discard_output,
    print_error,
    print_line,
)
from adversarial_nets.runs.files import without_infinities

__all__ = ["main"]

_MOST_THREADS = 1024


def main(argv: Sequence[object] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments after ``advnets``, as texts, numbers and paths; by default those of this
            process.

    Returns:
        The exit code: 0 done; 1 a bug, or a result that is only printed cannot be written; 2 a
        mistake of the user, explained in a sentence; 3 the training diverged; 129, 130 and 143
        stopped by SIGHUP, Ctrl-C or SIGTERM after saving.
    """
    _prepare_output()
    with _short_warnings(), _flushed_errors():
        return _main(argv)


def _main(argv: Sequence[object] | None) -> int:
    """Run a command; returns the exit code."""
    if not _has_working_folder():  # torch's MKL would end the process
        print_error(
            "advnets: The working folder has been deleted or moved. Change to a folder that "
            "exists, e.g.: cd ~"
        )
        return UserError.exit_code
    processes.prepare_for_torch()
    processes.stop_with_torchrun()
    args = [str(word) for word in (sys.argv[1:] if argv is None else argv)]
    command: Command | None = None
    options: object = None
    try:
        args = current_options(args)
        text = _overview_asked_for(args)
        if text is not None:
            return 0 if print_line(text, IF_RESULT_LOST) else 1
        command, rest = find_command(args)
        options = parse(command, rest)
        processes.check_options(options)
        nproc = getattr(options, "nproc", 1)
        if nproc != 1 and not processes.UNDER_TORCHRUN:
            return processes.launch(args, nproc, getattr(options, "max_restarts", 0))
        return _run(command, options)
    except UserError as error:
        return _explain(error, args)
    except KeyboardInterrupt:
        _say_stopped_at_once(args, command, options)
        return 128 + signal.SIGINT
    except SystemExit as error:  # tyro's: 0 after --help, 2 for a value that it cannot read
        return error.code if isinstance(error.code, int) else 2
    except OSError as error:
        problem = _users_mistake(error)
        if problem is None:
            raise
        print_error(f"advnets: {problem}")
        return UserError.exit_code
    except (MemoryError, RuntimeError) as error:
        if processes.another_process_reports(error):
            return 1
        if isinstance(error, RuntimeError) and not _is_out_of_memory(error):
            raise
        print_error(
            "advnets: There is not enough memory. Use narrower networks (--G.hidden, --D.units), "
            "a smaller --batch or fewer samples."
        )
        return UserError.exit_code


def _users_mistake(error: OSError) -> str | None:
    """The message for a file that the user named wrongly; None for other errors of the system."""
    if error.errno == errno.ENAMETOOLONG:
        return f"A name is too long: {error.filename}. Choose a shorter one."
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} cannot be opened: permission denied. Change its permissions."
    return None


def _has_working_folder() -> bool:
    """Whether the folder in which the command was given still exists."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _explain(error: UserError, args: Sequence[str]) -> int:
    """Print a user's mistake, or that a training was stopped; returns the exit code."""
    if processes.WORKS_SILENTLY:
        processes.wait_for_main_process(stopped=isinstance(error, Stopped))
        return error.exit_code
    print_error(f"advnets: {error.for_command_line()}")
    if isinstance(error, Stopped):
        print_error(processes.command_to_continue(args))
    return error.exit_code


def _say_stopped_at_once(args: Sequence[str], command: Command | None, options: object) -> None:
    """Print what is kept after a Ctrl-C that ends the command before it can save."""
    if processes.WORKS_SILENTLY:
        return
    first, *others = ["Stopped immediately."]
    if command is not None and options is not None and command.if_interrupted is not None:
        first, *others = command.if_interrupted(options, args)
    for line in (f"advnets: {first}", *others):
        print_error(line)


def _overview_asked_for(args: Sequence[str]) -> str | None:
    """The text to print if the arguments request an overview or the version, else None."""
    if not args or args[0] in HELP_OPTIONS:
        return overview()
    if args[0] == "--version":
        return f"advnets {__version__}"
    if args[0] == "paper" and (len(args) == 1 or args[1] in HELP_OPTIONS):
        return paper_overview()
    return None


def _run(command: Command, options: object) -> int:
    """Run a command with its options and print its JSON object if ``--json`` is given."""
    is_silent = processes.WORKS_SILENTLY
    if is_silent and not command.multiprocess:
        return 0
    asks_for_json = bool(getattr(options, "json", False))
    _set_threads(getattr(options, "threads", None))
    prints_result = command.prints_result(options) or bool(getattr(options, "dry_run", False))
    lost = {"if_lost": IF_RESULT_LOST} if prints_result else {}
    reporter = ProgressReporter(quiet=asks_for_json or is_silent, **lost)
    try:
        with processes.process_group():
            result = command.run(options, reporter)
    finally:
        reporter.close()
    if asks_for_json and not is_silent:
        _print_json(result)
    return 1 if prints_result and reporter.lost_output else 0


def _set_threads(threads: int | None) -> None:
    """Set the number of CPU threads that torch uses, if one is given."""
    if threads is None:
        return
    if not 1 <= threads <= _MOST_THREADS:  # OpenMP ends the process if it cannot start them
        allowed = "1 or more" if threads < 1 else f"{_MOST_THREADS} or less"
        raise UserError(f"--threads is {threads}; it must be {allowed}.")
    import torch

    torch.set_num_threads(threads)


def _print_json(result: object) -> None:
    """Print the result as one JSON object.

    Raises:
        UserError: the object cannot be written. If the reader has closed the pipe, there is no
            error.
    """
    try:
        print(json.dumps(without_infinities(result)), flush=True)
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        raise UserError(
            f"The result cannot be written to standard output ({error.strerror}). {IF_RESULT_LOST}"
        ) from error


def _prepare_output() -> None:
    """Prevent commands from failing because of the kind of standard output and standard error.

    Characters that an encoding lacks are printed as "?". A closed stream (``>&-``) is replaced by
    one that discards the text.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            discarding = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (stays open)
            setattr(sys, name, discarding)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Show each Python warning as one line, without file name and line number."""

    def one_line(message: Warning | str, *place: object, **more: object) -> str:
        return f"advnets: warning: {' '.join(str(message).split())}\n"

    before = warnings.formatwarning
    warnings.formatwarning = one_line
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextmanager
def _flushed_errors() -> Iterator[None]:
    """At the end, discard text that a full disk has left in standard error's buffer.

    With a warning in the buffer Python would end with exit code 120.
    """
    try:
        yield
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            discard_output(sys.stderr)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether PyTorch reports that there is not enough memory."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    # CPU: the texts of Linux and macOS, of Windows, and of other allocators.
    texts = ("can't allocate memory", "not enough memory", "out of memory")
    return any(text in str(error) for text in texts)
