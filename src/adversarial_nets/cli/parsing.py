"""Parse a command's options with tyro: defaults by data, readable help, hints for near names."""

import ast
import contextlib
import dataclasses
import functools
import inspect
import io
import itertools
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_type_hints

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
    UnsupportedTypeAnnotationError,
)

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.unknown_options import typed_alone, unknown_option
from adversarial_nets.command_line import option
from adversarial_nets.errors import UserError
from adversarial_nets.progress import IF_RESULT_LOST, give_up_output, print_line
from adversarial_nets.settings import OLD_NAMES

__all__ = ["HELP_OPTIONS", "current_options", "parse"]

HELP_OPTIONS = ("-h", "--help")


def current_options(args: Sequence[str]) -> list[str]:
    """The arguments with ``help COMMAND``, and options of earlier versions, in today's form.

    Raises:
        UserError: an option is given by two names, or a width in two ways, with different values.
    """
    renamed = {option(old): option(new) for old, new in OLD_NAMES.items()}
    _refuse_two_names(args, renamed | _ALIASES)
    current = []
    for arg in [*args[1:], "--help"] if args[:1] == ["help"] else args:
        name, equals, value = arg.partition("=")
        current.append(renamed.get(name, name) + equals + value)
    current = _separate_width(current)
    for i, arg in enumerate(current[:-1]):
        if arg == "--train-only" and current[i + 1] == "both":
            current[i + 1] = "None"
    return ["--train-only=None" if arg == "--train-only=both" else arg for arg in current]


_ALIASES = {"--record": "--out"}
"""Options of this version that have a second name, and their first name."""


def _refuse_two_names(args: Sequence[str], names: Mapping[str, str]) -> None:
    """Refuse one option by two names with different values; by one name, the last value counts."""
    typed: dict[str, tuple[str, str]] = {}
    for arg, after in pairwise([*args, ""]):
        name, equals, value = arg.partition("=")
        if name not in names and name not in names.values():
            continue
        now = (name, value if equals else after)
        before = typed.setdefault(names.get(name, name), now)
        if before[0] != now[0] and before[1] != now[1]:
            raise _two_values(*before, *now)


def _two_values(first: str, value: str, second: str, other: str) -> UserError:
    """The error for two options that give one setting different values."""
    return UserError(
        f"{first} {value} and {second} {other} give the same setting different values; keep one "
        "of them."
    )


def _separate_width(args: Sequence[str]) -> list[str]:
    """The arguments with ``--size 32x64`` as ``--size 32 --width 64``; the last --size counts.

    >>> _separate_width(["--size", "32x64", "--size=8×4"])
    ['--size', '32', '--size=8', '--width', '4']

    Raises:
        UserError: ``--width`` gives another width.
    """
    separated, widths, pair = [], [], None
    for before, arg in pairwise(["", *args]):
        name, equals, value = arg.partition("=")
        name, value = (name, value) if equals else (before, arg)
        if name == "--width":
            widths.append(value)
        if name == "--size":
            pair = re.fullmatch(r"(\d+)[x×X](\d+)", value)
            arg = arg.removesuffix(value) + pair[1] if pair else arg
        separated.append(arg)
    if pair is None:
        return separated
    if widths and widths[-1] != pair[2]:
        raise _two_values("--size", pair[0], "--width", widths[-1])
    return [*separated, "--width", pair[2]]


def parse(command: Command, args: Sequence[str]) -> object:
    """The command's options from the command line, as an instance of its dataclass.

    Default values depend on DATA, which may stand anywhere among the arguments.

    Raises:
        UserError: an unknown option, or a value that cannot be read, is missing or is empty.
        SystemExit: the arguments contain ``--help``; the help was printed.
    """
    _refuse_empty_values(args)
    names = list(_option_names(command.options)), list(_argument_names(command.options))
    for arg in args:  # tyro would say that DATA is missing in `train --data mnist`
        if arg.startswith("--") and typed_alone(arg, *names):
            raise _unknown_option(command, arg)
    default: object = tyro.MISSING_NONPROP
    sentence = ""
    if command.defaults is not None:
        default, sentence = command.defaults(_data(command, args), _texts(args))
    if any(arg in HELP_OPTIONS for arg in args):
        if not print_line(_description(command, sentence), IF_RESULT_LOST):
            raise SystemExit(1)
        args = ["--help"]  # tyro omits options from the help that were already given
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            parsed, unknown = _tyro_cli(command, args, default)
    except OSError as error:  # the reader of the help has closed the pipe, or the disk is full
        raise SystemExit(1 if give_up_output(error, IF_RESULT_LOST) else 0) from error
    except SystemExit as error:
        if not error.code:  # after --help
            raise
        more = f"All options: advnets {command.name} --help"
        raise UserError(f"{_sentence(box.getvalue())} {more}") from None
    if unknown:
        raise _unknown_option(command, unknown[0])
    return parsed


def _unknown_option(command: Command, arg: str) -> UserError:
    names = list(_option_names(command.options)), list(_argument_names(command.options))
    if arg.partition("=")[0] == "--width" and "size" in names[0]:
        return UserError(
            f"advnets {command.name} makes all images square, so it takes no width; give one "
            "number as --size, e.g. --size 32."
        )
    return unknown_option(arg, command.name, command.arguments, *names)


def _refuse_empty_values(args: Sequence[str]) -> None:
    """Refuse the value ``""``, which Python reads as the current folder if it expects a path."""
    for before, arg in zip(("", *args), args, strict=False):
        is_option = arg.startswith("--") and arg.endswith("=")
        if arg and not is_option:
            continue
        option = arg[:-1] if is_option else before if before.startswith("--") else ""
        what = f"The value of {option}" if option else "An argument"
        raise UserError(
            f"{what} is empty, perhaps because a variable of the shell is not set; give one."
        )


def _tyro_cli(
    command: Command, args: Sequence[str], default: object, quiet: bool = False
) -> tuple[Any, list[str]]:
    """The parsed options, and the arguments that are not options."""
    with _bounded_columns():
        return tyro.cli(
            command.options,
            prog=f"advnets {command.name}",
            description="",
            args=list(args),
            default=default,
            return_unknown_args=True,
            console_outputs=not quiet,
            registry=_registry(),
        )


@contextlib.contextmanager
def _bounded_columns() -> Iterator[None]:
    """Make tyro format help for a bounded number of columns.

    With 3 columns its help does not end, and with millions it may fill lines of that length.
    """
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(_help_columns())
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


_FEWEST_COLUMNS, _MOST_COLUMNS = 20, 200
"""The smallest and the largest number of columns for which help is formatted."""


def _help_columns() -> int:
    """The number of columns for which help is formatted."""
    return min(max(_FEWEST_COLUMNS, shutil.get_terminal_size().columns), _MOST_COLUMNS)


_TYRO_SENTENCES = (
    (r"Error parsing (\S+): (.*)", r"\1: \2."),
    (
        r"invalid choice (.*) for argument '(\S+)'\. Expected one of \((.*?),?\)\.?",
        r"\2 is \1; it must be one of \3.",
    ),
    (r"Missing value for argument '([^-]\S*)'.*", r"\1 is missing; type it without an option."),
    (
        r"Missing value for argument '(\S+)'.*",
        r"\1 has no value; give one after it (one that begins with a hyphen as \1=VALUE).",
    ),
    (r"Missing from advnets \S+: (\S+) (.*?)(?: \(required\))?", r"\1 is missing: \2"),
)
"""Tyro's messages about a value that it cannot read, as patterns, and our messages."""


def _sentence(box: str) -> str:
    r"""The first part of tyro's framed message as one plain sentence.

    >>> lines = "╭─ Error ─╮", "│ Error parsing --k: │", "│ 'x' is odd │", "│ ──── │", "│ Help │"
    >>> _sentence("\n".join(lines))
    "--k: 'x' is odd."
    """
    lines = [line.strip("│ ") for line in box.splitlines()[1:]]  # without the title
    rest = itertools.dropwhile(_is_rule, lines)
    text = " ".join(itertools.takewhile(lambda line: not _is_rule(line), rest))
    for pattern, ours in _TYRO_SENTENCES:
        if found := re.fullmatch(pattern, text):
            return found.expand(ours)
    return text


def _is_rule(line: str) -> bool:
    """Whether a line of a frame is a horizontal rule, or empty."""
    return not line.strip("─-╰╯")


def _data(command: Command, args: Sequence[str]) -> str | None:
    """The DATA among the arguments, or None."""
    if args and not args[0].startswith("-"):
        return args[0]
    rest = [arg for arg in args if arg not in HELP_OPTIONS]
    try:
        parsed, _ = _tyro_cli(command, rest, tyro.MISSING_NONPROP, quiet=True)
    except (SystemExit, UserError):
        return None  # the second parse, with this data set's defaults, prints the message
    return str(parsed.data)


def _texts(args: Sequence[str]) -> dict[str, str]:
    """The text after each option, by the option's name."""
    found = {}
    for arg, following in pairwise([*args, ""]):
        name, equals, value = arg.partition("=")
        if name.startswith("--"):
            found[name] = value if equals else following
    return found


def _description(command: Command, sentence: str) -> str:
    """The first part of the command's help: the docstring of its options, and examples."""
    width = min(_help_columns(), 80) - 1
    paragraphs = [*inspect.cleandoc(command.options.__doc__ or "").split("\n\n"), sentence]
    text = "\n\n".join(
        textwrap.fill(" ".join(paragraph.split()), width, break_on_hyphens=False)
        for paragraph in filter(None, paragraphs)
    )
    examples = "\n".join(f"  advnets {example}" for example in command.examples)
    return f"{text}\n\nExamples:\n{examples}\n"


def _option_names(options: type[Any], prefix: str = "") -> Iterator[str]:
    """The names of a dataclass's options as typed, without the two hyphens."""
    for f in _fields(options, None):
        if _is_positional(f.type):
            continue
        hint, config = _unwrap(f.type)
        nested = dataclasses.is_dataclass(hint)
        name = f.name if config is None or config.name is None else config.name
        if nested:
            yield from _option_names(hint, f"{prefix}{name}." if name else prefix)
        else:
            yield option(prefix + name).removeprefix("--")


def _argument_names(options: type[Any]) -> Iterator[str]:
    """The names of a dataclass's arguments, which are typed without an option."""
    return (f.name for f in _fields(options, None) if _is_positional(f.type))


def _is_positional(annotation: object) -> bool:
    return tyro.conf.Positional in getattr(annotation, "__metadata__", ())


def _unwrap(annotation: object) -> tuple[Any, Any]:
    """A type without its annotations, and the tyro configuration among the annotations."""
    configs = [
        m for m in getattr(annotation, "__metadata__", ()) if getattr(m, "name", None) is not None
    ]
    return getattr(annotation, "__origin__", annotation), (configs or [None])[-1]


# --- How tyro reads and shows types ---------------------------------------------------------------


@functools.cache
def _registry() -> ConstructorRegistry:
    """Rules for the types of our options: plain messages and a short display of the type."""
    registry = ConstructorRegistry()
    registry.primitive_rule(_number_rule)
    registry.primitive_rule(_optional_rule)
    registry.primitive_rule(_tuple_rule)
    registry.struct_rule(_dataclass_rule)
    return registry


def _number_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """``int`` and ``float``, with a message that is not Python's own."""
    if info.type not in (int, float):
        return None
    kind: type[Any] = info.type
    what = "a whole number" if kind is int else "a number"

    def read(words: list[str]) -> int | float:
        try:
            return kind(words[0])
        except ValueError:
            raise ValueError(f"{words[0]!r} is not {what}{_meant(words[0], kind)}") from None

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=kind.__name__.upper(),
        instance_from_str=read,
        is_instance=lambda x: isinstance(x, kind),
        str_from_instance=lambda x: [str(x)],
    )


_GROUP_OF_DIGITS = re.compile(r"(?<=\d)[,._'’\s](?=\d{3}(?!\d))")


def _meant(word: str, kind: type[Any]) -> str:
    """A hint at the number that was probably meant, or '' if it is not certain.

    >>> _meant("0,1", float), _meant("1e3", int), _meant("1,000", int), _meant("x", int)
    ('; write 0.1', '; write 1000', '; write 1000', '')
    >>> _meant("12 000", int), _meant("1'000'000", float)
    ('; write 12000', '; write 1000000')
    >>> _meant("1.000", int), _meant("1,000", float)  # a thousand, or one with three decimals
    ('', '')
    """
    grouped = re.fullmatch(r"[+-]?[1-9]\d{0,2}([,._'’\s])\d{3}(?:\1\d{3})*", word)
    ambiguous = (".",) if kind is int else (".", ",")
    if grouped and grouped[1] in ambiguous and word.count(grouped[1]) == 1:
        return ""
    if kind is int and "," in word and not grouped:
        return ""
    plain = _GROUP_OF_DIGITS.sub("", word) if grouped else word.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        return ""
    if kind is float:
        return f"; write {number:.15g}"
    return f"; write {number:.0f}" if number.is_integer() and abs(number) < 1e15 else ""


def _optional_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """``X | None`` is shown as X; the text ``none`` gives None."""
    kinds = [kind for kind in get_args(info.type) if kind is not NoneType]
    if info.type_origin not in (Union, UnionType) or len(kinds) != 1:
        return None
    inner = _inner_spec(kinds[0], info)
    if inner is None or inner.nargs != 1:
        return None

    def read(words: list[str]) -> object:
        if words[0] in ("None", "none"):
            return None
        if inner.choices is not None and words[0] not in inner.choices:
            raise ValueError(f"{words[0]!r} is not one of {', '.join(inner.choices)}")
        return inner.instance_from_str(words)

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=inner.metavar,
        instance_from_str=read,
        is_instance=lambda x: x is None or inner.is_instance(x),
        str_from_instance=lambda x: ["none"] if x is None else inner.str_from_instance(x),
    )


def _tuple_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """``tuple[X, ...]`` is shown as ``X ...``; no value and the text ``none`` give ()."""
    args = get_args(info.type)
    is_repeated = tyro.conf.UseAppendAction in info.markers
    if info.type_origin is not tuple or len(args) != 2 or args[1] is not ... or is_repeated:
        return None
    inner = _inner_spec(args[0], info)
    if inner is None or inner.nargs != 1:
        return None
    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{inner.metavar} ...",
        instance_from_str=lambda words: (
            () if words == ["none"] else tuple(inner.instance_from_str([w]) for w in words)
        ),
        is_instance=lambda x: isinstance(x, tuple) and all(map(inner.is_instance, x)),
        str_from_instance=lambda xs: (
            [word for x in xs for word in inner.str_from_instance(x)] or ["none"]
        ),
        choices=inner.choices,
    )


def _inner_spec(
    kind: type[Any] | Callable[..., Any], info: PrimitiveTypeInfo
) -> PrimitiveConstructorSpec[Any] | None:
    """Tyro's rule for a contained type, or None if there is none."""
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kind, info.markers))
    return None if isinstance(spec, UnsupportedTypeAnnotationError) else spec


def _dataclass_rule(info: StructTypeInfo) -> StructConstructorSpec | None:
    """Dataclasses, with each field's docstring as one paragraph of help."""
    if not dataclasses.is_dataclass(info.type):
        return None
    return StructConstructorSpec(info.type, tuple(_fields(info.type, info.default)))


def _fields(cls: type[Any], instance: object) -> Iterator[StructFieldSpec]:
    """The fields of a dataclass, with the default values that an instance has."""
    hints = get_type_hints(cls, include_extras=True)
    for f in dataclasses.fields(cls):
        default: Any = tyro.MISSING_NONPROP
        if hasattr(instance, f.name):
            default = getattr(instance, f.name)
        elif f.default is not dataclasses.MISSING:
            default = f.default
        elif f.default_factory is not dataclasses.MISSING:
            default = f.default_factory()
        help_of: Callable[[], str | None] = functools.partial(_help, cls, f.name)
        yield StructFieldSpec(f.name, hints[f.name], default, help_of)


def _help(cls: type[object], name: str) -> str | None:
    """The docstring of a dataclass's field, on one line."""
    return _field_docstrings(cls).get(name)  # type: ignore[arg-type]  # classes are hashable


@functools.cache
def _field_docstrings(cls: type[object]) -> Mapping[str, str]:
    """The text below each field of a dataclass, inherited ones included, by the field's name."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for base in cls.__bases__:
        found |= _field_docstrings(base) if dataclasses.is_dataclass(base) else {}
    for field, below in pairwise(definition.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(below.value.value).split())
    return found
