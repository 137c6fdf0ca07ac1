"""HTML for notebooks: a run, and tables. Imports no torch."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial_nets.errors import UserError
from adversarial_nets.runs.files import numbered_by_round
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.text import data_uri

if TYPE_CHECKING:
    from adversarial_nets.runs.folder import Run

__all__ = ["html_table", "newest_round", "run_html"]


def html_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as HTML; every text is escaped.

    >>> html_table("a < b", ["x"], [["1"]])
    '<table><caption>a &lt; b</caption><tr><th>x</th></tr><tr><td>1</td></tr></table>'
    """

    def line(tag: str, cells: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line("td", row) for row in rows)
    head = line("th", header) if any(header) else ""
    return f"<table><caption>{html.escape(title)}</caption>{head}{body}</table>"


def newest_round(folder: Path) -> int:
    """Return the round of a run's newest checkpoint; 0 if it has none."""
    return max(numbered_by_round((folder / "checkpoints").glob("*-*")), default=0)


def run_html(run: "Run") -> str:
    """Return a run as HTML: data and settings, last metrics, report and newest samples."""
    rows = [
        ("folder", str(run.folder)),
        ("data", run.data),
        ("settings", run.preset_label),
        *((name, f"{old} → {new}") for name, (old, new) in run.changed.items()),
        ("seed", str(run.settings.seed)),
        ("round", f"{run.newest_round:,}"),
        *_last_scores(run),
    ]
    report = run.folder / "report.html"
    parts = [html_table("A training run", [], rows)]
    if report.is_file():
        parts.append(f'<p><a href="{html.escape(str(report))}">report</a></p>')
    if pictures := numbered_by_round((run.folder / "samples").glob("*.png")):
        newest = max(pictures)
        source = data_uri(pictures[newest].read_bytes())
        alt = f"samples, round {newest}"
        parts.append(f'<img alt="{html.escape(alt)}" src="{source}">')
    return "".join(parts)


def _last_scores(run: "Run") -> list[tuple[str, str]]:
    """The newest validation scores, if there are any."""
    try:
        scored = [row for row in read_metrics(run.folder) if "scores" in row]
    except UserError:  # the display of a run must not raise an error
        return []
    return [
        (f"validation, {weights} G", f"{score['valid_nats']:.1f} nats")
        for weights, score in (scored[-1]["scores"] if scored else {}).items()
    ]
