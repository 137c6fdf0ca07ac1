"""Shared code of the commands: common options, default output paths, printed tables."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.cells import cell_len

from adversarial_nets.command_line import option
from adversarial_nets.errors import UserError, install
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.files import check_output_folder, explain_os_errors, write_atomically
from adversarial_nets.setting_values import LARGEST_COUNT
from adversarial_nets.text import padded

__all__ = [
    "Checkpoint",
    "Data",
    "Flag",
    "Grid",
    "Json",
    "Place",
    "RunFolder",
    "Seed",
    "Threads",
    "Weights",
    "count_option",
    "default",
    "needs_playground",
    "output_path",
    "print_result",
    "print_table",
    "refuse_unused",
    "require_suffix",
    "write",
]

# --- Options --------------------------------------------------------------------------------------


def default(
    text: str, *, help: str | None = None, metavar: str | None = None, name: str | None = None
) -> object:
    """The annotation of an option whose help states its default in words; '' states none.

    Without `help`, the help is the option's docstring.
    """
    hint = f"(default: {text})" if text else ""
    return tyro.conf.arg(help=help, metavar=metavar, name=name, help_behavior_hint=hint)


Data = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(
        metavar="DATA",
        help="Data set: mnist, mnist-5k, tfd, cifar10, idx:FOLDER, folder:PATH … (list: advnets "
        "datasets).",
        help_behavior_hint="(required)",
    ),
]
RunFolder = Annotated[
    Path,
    tyro.conf.Positional,
    tyro.conf.arg(
        metavar="RUN",
        help="Folder of a run or an exported generator, or an ONNX file; digits is in the package.",
    ),
]
Place = Annotated[
    str | None,
    default(
        "where they were",
        metavar="DATA",
        help="Where the run's images are now, if they were moved: folder:PATH, idx:FOLDER or the "
        "folder alone.",
    ),
]
Checkpoint = Annotated[
    str,
    tyro.conf.arg(help="Which checkpoint: last, best (by validation score) or a round's number."),
]
Weights = Annotated[
    Literal["raw", "averaged"] | None,
    default(
        "averaged if the run keeps an average, but raw for the published presets mnist, tfd, "
        "tfd-stage2, cifar10 and cifar10-convolutional",
        help="Which weights of G: raw, as published, or their exponential moving average.",
    ),
]
Grid = Annotated[
    Literal["paper", "fine"],
    tyro.conf.arg(
        help="Candidate values of the kernel width σ: the paper's 10, or 40 on a finer grid."
    ),
]
Seed = Annotated[int, tyro.conf.arg(help="Seed of every random draw.")]
Threads = Annotated[int | None, default("all", help="Number of CPU threads.")]
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, default("")]
"""A switch that is off by default and needs no ``--no-`` form."""
Json = Annotated[
    bool,
    tyro.conf.FlagCreatePairsOff,
    default("", help="Print one JSON object and nothing else."),
]


@contextmanager
def needs_playground() -> Iterator[None]:
    """A context for imports that need the extra ``playground``; names the extra if it is missing.

    Raises:
        UserError: the extra is not installed.
        ModuleNotFoundError: a module that does not belong to the extra is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("bokeh", "tornado"):
            raise
        raise UserError(
            f"The playground needs {package}, which is not installed. Install it with: "
            f"{install('playground')}"
        ) from error


def count_option(option: str, value: int | None, default: int = 1, least: int = 1) -> int:
    """The value of an option that is a count, or its default if it is not given.

    Raises:
        UserError: the value is below `least`, or too large for any computer.
    """
    if value is not None and not least <= value <= LARGEST_COUNT:
        allowed = f"{least} or more" if value < least else f"{LARGEST_COUNT} or less"
        raise UserError(f"{option} is {value}; it must be {allowed}.")
    return default if value is None else value


def refuse_unused(options: object, unused: Collection[str], reason: str) -> None:
    """Refuse options that are given but have no effect.

    Args:
        options: the command's options, an instance of their dataclass.
        unused: the names of the fields without effect; a default value counts as not given.
        reason: the rest of the sentence after the option, with the remedy.

    Raises:
        UserError: one of them has another value than its default.
    """
    for name in unused:
        if getattr(options, name) != getattr(type(options), name):
            raise UserError(f"{option(name.rstrip('_'))} {reason}")


def require_suffix(path: Path, *suffixes: str, option: str = "--out") -> None:
    """Check the suffix of an output file, which `option` names, and that its folder can be written.

    Raises:
        UserError: the file has another suffix, or its folder is a file or read-only.
    """
    if path.suffix not in suffixes:
        raise UserError(f"{option} is {path}; its name must end in {' or '.join(suffixes)}.")
    check_output_folder(path.parent)


# --- Output ---------------------------------------------------------------------------------------


def output_path(*parts: str, run: Path | None = None) -> Path:
    """The path to which a command writes if no ``--out`` is given.

    A command about one run writes into the run's folder (`runs.folder.output_folder`). All others
    write below ``runs/``, which git ignores: commands of the paper into ``runs/paper/NAME``, the
    rest into ``runs/NAME``.

    Args:
        parts: the path below that folder.
        run: the run's folder, for a command about one run.

    >>> output_path("paper", "figure1").as_posix()
    'runs/paper/figure1'
    """
    if run is None:
        return Path("runs", *parts)
    from adversarial_nets.runs.folder import output_folder

    return output_folder(run) / Path(*parts)


def write(path: Path, content: bytes) -> None:
    """Write a file, and create its folder."""
    with explain_os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def print_table(
    reporter: ProgressReporter, header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Print rows in aligned columns: texts to the left, numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(header, *cells, strict=True)]
    is_number = [
        all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(header))
    ]
    for line in [list(header), *cells]:
        aligned = (
            padded(text, width, right=right)
            for text, width, right in zip(line, widths, is_number, strict=True)
        )
        reporter.say("  ".join(aligned).rstrip())


def print_result(reporter: ProgressReporter, result: Mapping[str, Any]) -> None:
    """Print a result: single values, then a table of its mappings, then its files.

    Mappings with the same keys become columns of one table. Empty texts are left out.
    """
    tables = {name: value for name, value in result.items() if isinstance(value, Mapping)}
    single = {
        name: value
        for name, value in result.items()
        if name not in tables and name != "files" and value not in ("", None)
    }
    width = max(map(len, single), default=0)
    for name, value in single.items():
        reporter.say(f"{_label(name):{width}}  {_cell(value)}")
    while tables:
        keys = next(iter(tables.values())).keys()
        columns = {name: table for name, table in tables.items() if table.keys() == keys}
        tables = {name: table for name, table in tables.items() if name not in columns}
        reporter.say("")
        rows = [[str(key), *(table[key] for table in columns.values())] for key in keys]
        print_table(reporter, ["", *map(_label, columns)], rows)
    print_files(reporter, result.get("files", ()))


def print_files(reporter: ProgressReporter, files: Sequence[object]) -> None:
    """Print the paths of written files, one per line."""
    for i, file in enumerate(files):
        reporter.say(f"{'Files:' if i == 0 else '':6} {file}")


def _label(name: str) -> str:
    """A field's name as a column's or row's title."""
    return name.replace("_", " ")


def _cell(value: object) -> str:
    """A value as a table shows it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:.4g}" if isinstance(value, float) else str(value)
