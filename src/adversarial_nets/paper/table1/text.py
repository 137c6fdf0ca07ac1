"""Write Table 1 as text, JSON, one HTML page, and pictures of all rows."""

import json
from pathlib import Path

from adversarial_nets import report
from adversarial_nets.baselines import BASELINES
from adversarial_nets.languages import Text, same, text
from adversarial_nets.paper.table1 import pictures
from adversarial_nets.paper.table1.record import ADVERSARIAL_NETS, REFERENCES, Result, Table
from adversarial_nets.plots import sheets, style
from adversarial_nets.report.chinese import in_both
from adversarial_nets.report.templates import error
from adversarial_nets.runs import files as runs_files
from adversarial_nets.text import data_uri, file_name

__all__ = ["as_text", "write_files"]

_COLUMN_NAMES = (
    text("model", "模型"),
    text("nats", "奈特"),
    text("published", "已发表结果"),
    same("σ"),
    text("trained", "训练用时"),
    text("samples/s", "每秒样本数"),
    text("steps/sample", "每样本步数"),
)


def write_files(table: Table, out: Path) -> tuple[Path, ...]:
    """Write table1.txt, table1.json, table1.html and the pictures of all rows.

    Args:
        table: the table.
        out: its folder.

    Returns:
        The paths of the files.
    """
    contents: dict[str, str | bytes] = {
        "table1.txt": as_text(table),
        "table1.json": json.dumps(table.to_json(), indent=2, ensure_ascii=False) + "\n",
        "table1.html": _as_html(table, out),
    } | _pictures_of_all_rows(table, out)
    with runs_files.explain_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            runs_files.write_atomically(out / file, content)
    return tuple(out / file for file in contents)


# --- Text -----------------------------------------------------------------------------------------


def as_text(table: Table) -> str:
    """Return the table as aligned plain text."""
    lines = []
    for data, results in _by_data(table):
        lines += [data + (f", grid {results[0].grid}" if results else ""), ""]
        rows = [[cell["en"] for cell in row] for row in (_COLUMN_NAMES, *map(_cells, results))]
        rows += [[title, "not yet", *[""] * 5] for title in _missing_titles(table, data)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMN_NAMES))]
        for model, *numbers in rows:
            cells = [model.ljust(widths[0])]
            cells += [cell.rjust(w) for cell, w in zip(numbers, widths[1:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        lines.append("")
    return "\n".join(lines)


def _by_data(table: Table) -> list[tuple[str, list[Result]]]:
    """Return the results of each data set, in the order of the table."""
    names = dict.fromkeys([r.dataset for r in table.results] + [d for _, d in table.missing])
    return [(name, [r for r in table.results if r.dataset == name]) for name in names]


def _missing_titles(table: Table, data: str) -> list[str]:
    """Return the titles of the rows of a data set that are not recorded."""
    missing = [row for row, dataset in table.missing if dataset == data]
    others = {ADVERSARIAL_NETS: "Adversarial nets", REFERENCES: "Reference images"}
    return [BASELINES[row].title if row in BASELINES else others.get(row, row) for row in missing]


def _cells(result: Result) -> tuple[Text, ...]:
    """Return a line's cells, one for each of `_COLUMN_NAMES`."""
    r = result
    nats, se, σ = f"{r.nats:.1f}", error(r.se), f"{r.sigma:.3f}"
    over_seeds = same("")
    if r.spread is not None:
        deviation = f"± {r.spread:.1f}"
        over_seeds = text(
            f" ({deviation} over {r.seeds} seeds)", f"（{deviation}，{r.seeds} 个种子）"
        )
    return (
        in_both(r.model),
        text(
            f"{nats}{se['en']}{over_seeds['en']}".replace("-", "−"),
            f"{nats}{se['zh']}{over_seeds['zh']}".replace("-", "−"),
        ),
        same("" if r.published is None else f"{r.published:.0f}"),
        text(f"{σ} (edge)", f"{σ}（边界）") if r.at_edge else same(σ),
        same("") if r.train_seconds is None else _duration(r.train_seconds),
        same("" if r.samples_per_second is None else f"{r.samples_per_second:,.0f}"),
        same("" if r.steps_per_sample is None else f"{r.steps_per_sample:,.0f}"),
    )


def _duration(seconds: float) -> Text:
    if seconds >= 60:
        return text(f"{seconds / 60:.0f} min", f"{seconds / 60:.0f} 分钟")
    return text(f"{seconds:.0f} s", f"{seconds:.0f} 秒")


# --- Pictures and page ----------------------------------------------------------------------------


def _pictures_of_all_rows(table: Table, out: Path) -> dict[str, bytes]:
    """Return, for each data set, a PNG of all models' samples and one of their paths."""
    files = {}
    for data, results in _by_data(table):
        for kind in ("samples", "path"):
            paths = {result.model: pictures.find(out, result, kind) for result in results}
            strips = {model: pictures.read_strip(path) for model, path in paths.items() if path}
            if strips:
                figure = sheets.plot_image_rows(strips)
                files[f"{file_name(data)}-{kind}.png"] = style.to_png(figure)
    return files


def _as_html(table: Table, out: Path) -> str:
    """Return one HTML page that needs no other file."""

    def picture(result: Result, kind: str) -> str | None:
        path = pictures.find(out, result, kind)
        return None if path is None else data_uri(path.read_bytes())

    return report.template("table1.html").render(
        tables=[
            (data, rows, [in_both(title) for title in _missing_titles(table, data)])
            for data, rows in _by_data(table)
        ],
        in_both=in_both,
        column_names=_COLUMN_NAMES,
        cells=_cells,
        data_uri=picture,
    )
