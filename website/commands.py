"""One page for each command, from the same texts as its ``--help``."""

import contextlib
import inspect
import io
import os
import re
from collections.abc import Iterator
from typing import NamedTuple
from unittest import mock

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.parsing import parse
from adversarial_nets.cli.registry import GROUPS

__all__ = ["Option", "command_page", "commands_list", "options", "page_name"]

_TERMINAL = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}  # wider, tyro prints two columns


class Option(NamedTuple):
    """An argument or option of a command, and its explanation with the default value."""

    name: str
    help: str


def options(command: Command) -> list[Option]:
    """The command's arguments and options, as its ``--help`` prints them."""
    output = io.StringIO()
    with (
        mock.patch.dict(os.environ, _TERMINAL),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        parse(command, ["--help"])
    return list(_options_in(output.getvalue()))


def _options_in(text: str) -> Iterator[Option]:
    """Read the options out of the boxes that tyro prints after the usage.

    A name begins near the left edge. Its explanation follows after two spaces or on the next
    lines, which are indented further.
    """
    name = ""
    words: list[str] = []
    for line in text.partition("\nusage: ")[2].splitlines()[1:]:
        inside = line.strip("│|╭╰╮╯─-" if line[:1] in "╭╰" else "│|").rstrip()
        if not inside.strip():
            continue
        if len(inside) - len(inside.lstrip()) > 4:
            words.append(inside.strip())
            continue
        if name:
            yield Option(name, " ".join(words))
        name, _, help = inside.strip().partition("  ")
        words = [help.strip()] if help else []
        if not re.match(r"--\w|\[?[A-Z]{2}", name):
            name = ""  # a heading, a rule or --help
    if name:
        yield Option(name, " ".join(words))


def page_name(command: Command) -> str:
    """The page's address: ``commands/paper-theory``."""
    return f"commands/{command.name.replace(' ', '-')}"


def command_page(command: Command) -> str:
    """The page of one command in Markdown."""
    text = inspect.cleandoc(command.options.__doc__ or "")
    examples = "\n".join(f"advnets {example}" for example in command.examples)
    rows = "\n\n".join(f"`{o.name}`\n: {_plain(o.help) or '–'}" for o in options(command))
    usage = f"advnets {command.name} {command.arguments} [OPTIONS]".replace("  ", " ")
    return (
        f"# advnets {command.name}\n\n{_plain(text)}\n\n```text\n{usage}\n```\n\n"
        f"## Examples\n\n```console\n{examples}\n```\n\n## Arguments and options\n\n{rows}\n"
    )


def commands_list(prefix: str = "") -> str:
    """All commands below the headings of the overview, with links, in Markdown.

    Args:
        prefix: the text before each page's address.
    """
    parts = []
    for title, found in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [
            f"* [`advnets {c.name}`]({prefix}{page_name(c)}.md): {_plain(c.summary)}" for c in found
        ]
        parts.append("")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """A text of the help without characters that Markdown would interpret."""
    return re.sub(r"([\\*_<\[\]$])", r"\\\1", text)
