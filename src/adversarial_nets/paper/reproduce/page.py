"""The page of the reproduction, OUT/reproduction.html: all parts in the paper's order.

It is in English and in Chinese. The records hold English; the page translates them when it is
written. A text without a translation, e.g. of a part that a program adds, is the same in both.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from adversarial_nets.languages import Text, same, text
from adversarial_nets.paper.reproduce.records import Record
from adversarial_nets.report.chinese import in_both
from adversarial_nets.report.templates import template
from adversarial_nets.runs import files
from adversarial_nets.text import data_uri

__all__ = ["write_page"]


def write_page(records: Sequence[Record], out: Path) -> Path:
    """Write the page, with its pictures inside it and relative links to the reports of runs.

    Args:
        records: the records of all parts, in the order of the page.
        out: the folder of the reproduction, which holds ``parts``.
    """

    def picture(name: str) -> str:
        return data_uri((out / "parts" / name).read_bytes(), "png")

    def link(run: str) -> str | None:
        report = Path(run) / "report.html"
        return os.path.relpath(report.absolute(), out.absolute()) if report.is_file() else None

    page = out / "reproduction.html"
    with files.explain_os_errors(out):
        content = template("paper.html").render(
            parts=records,
            picture=picture,
            link=link,
            in_both=in_both,
            cell=_cell,
            split_command=_split_command,
        )
        files.write_atomically(page, content)
    return page


def _cell(value: object) -> Text:
    """A cell of a table: a number is the same in both languages.

    >>> _cell(0.123456)["en"], _cell(True)["zh"], _cell("training images")["zh"]
    ('0.1235', '是', '训练图像')
    """
    if isinstance(value, bool):
        return text("yes", "是") if value else text("no", "否")
    if isinstance(value, str):
        return in_both(value)
    return same(f"{value:.4g}" if isinstance(value, float) else str(value))


def _split_command(words: str) -> tuple[str, str]:
    """Split a text into the text and the command at its end ('' if there is none).

    >>> _split_command("not run; run it with: advnets paper reproduce theory")
    ('not run; run it with: ', 'advnets paper reproduce theory')
    """
    found = re.fullmatch(r"(.*[:：] ?)(advnets .+)", words, re.DOTALL)
    return (found[1], found[2]) if found else (words, "")
