"""The page of the reproduction, OUT/reproduction.html: all parts in the paper's order."""

import os
from collections.abc import Sequence
from pathlib import Path

from adversarial_nets.paper.reproduce.records import Record
from adversarial_nets.report.templates import template
from adversarial_nets.runs import files
from adversarial_nets.text import data_uri

__all__ = ["write_page"]


def write_page(records: Sequence[Record], out: Path) -> Path:
    """Write the page. Its pictures are inside it; its links to runs' reports are relative.

    Args:
        records: of all parts, in the order of the page.
        out: the folder of the reproduction, which holds ``parts``.
    """

    def picture(name: str) -> str:
        return data_uri((out / "parts" / name).read_bytes(), "png")

    def link(run: str) -> str | None:
        report = Path(run) / "report.html"
        return os.path.relpath(report.absolute(), out.absolute()) if report.is_file() else None

    page = out / "reproduction.html"
    with files.explain_os_errors(out):
        content = template("paper.html").render(parts=records, picture=picture, link=link)
        files.write_atomically(page, content)
    return page
