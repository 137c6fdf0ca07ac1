"""Find the command lines that the documents print."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ROOT", "commands", "documented", "torchrun_commands"]

ROOT = Path(__file__).parent.parent
PROGRAMS = ("advnets", "make", "torchrun", "srun torchrun")
PREFIX = r"(?:\.venv/bin/|\.venv\\Scripts\\|PIP_INDEX_URL=\S+ )(?=advnets|make)"
PAGES = (
    *(ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "results" / "README.md",
)


def documented(program: str) -> list[tuple[str, str]]:
    """Each command line of that program: (page:line, the line without its comment)."""
    return [(where, text) for where, text in _all() if text.split()[0] == program]


def commands() -> list[tuple[str, list[str]]]:
    """Each ``advnets`` command as (page:line, the words after ``advnets``)."""
    return [(where, shlex.split(text)[1:]) for where, text in documented("advnets")]


def torchrun_commands() -> list[tuple[str, list[str]]]:
    """Each ``torchrun`` command as (page:line, the words after ``torchrun``)."""
    found = documented("torchrun") + documented("srun")
    return [(where, text.partition("torchrun ")[2].split()) for where, text in found]


def _all() -> Iterator[tuple[str, str]]:
    """The command lines of all pages, indented, in code blocks, or as `code` in a text."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        # A comment begins with a space and #. Joined lines are one.
        names = "|".join(PROGRAMS)
        text = re.sub(rf"^ {{4}}{PREFIX}", "    ", text, flags=re.M)
        pattern = rf"^(?: {{4}})?((?:{names}) .*)$|`((?:{names}) [^`\n]*)`"
        for found in re.finditer(pattern, text, re.M):
            line = found[1] or found[2]
            command = " ".join(re.sub(r"\s#.*", "", line).split())
            if "…" not in command:
                yield f"{page.name}:{text.count(chr(10), 0, found.start()) + 1}", command
