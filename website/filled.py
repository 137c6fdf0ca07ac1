"""Fill tables of the documents from ``results/*.json``: ``python -m website.filled``.

A document marks the place of a table with ``<!-- table NAME -->`` and ``<!-- end -->``, where NAME
is a method of `results.Tables`. A test compares the documents with the records.
"""

import re
from pathlib import Path

from adversarial_nets.progress import print_line
from website.results import TABLES, Tables
from website.sources import ROOT, Language

__all__ = ["DOCUMENTS", "filled"]

DOCUMENTS = ("docs/playground.md", "docs/playground.zh-CN.md")
_TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.S)


def filled(text: str, language: Language) -> str:
    """The document's text with the tables that the records give.

    Raises:
        ValueError: the name in a mark is not the name of a table.
    """
    tables = Tables(language)

    def table(found: re.Match[str]) -> str:
        if found[2] not in TABLES:
            raise ValueError(f"<!-- table {found[2]} --> is not a table of website/results.py.")
        return f"{found[1]}\n{getattr(tables, found[2])()}\n{found[3]}"

    return _TABLE.sub(table, text)


def main() -> None:
    """Fill all documents."""
    for name in DOCUMENTS:
        path: Path = ROOT / name
        language: Language = "zh-CN" if ".zh-CN" in name else "en"
        path.write_text(filled(path.read_text(encoding="utf-8"), language), encoding="utf-8")
        print_line(f"Filled: {name}")


if __name__ == "__main__":
    main()
