"""Build the pages of the site: write Sphinx's sources, and run Sphinx for each language."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

import jinja2

from adversarial_nets.cli.registry import COMMANDS
from website import api, commands, league
from website.results import Tables
from website.sources import (
    LANGUAGES,
    ROOT,
    Language,
    Page,
    copied_name,
    join_chinese_lines,
    keep_errors_with_numbers,
    pages,
    rewrite_links,
)

__all__ = ["Notebooks", "build", "write_sources"]

WORK = ROOT / "build" / "site"
"""Sources and caches of Sphinx; nothing here is published."""


Notebooks = Literal["quick", "full", "off"]


def build(
    out: Path, languages: tuple[Language, ...] = LANGUAGES, notebooks: Notebooks = "quick"
) -> None:
    """Build the pages of the given languages.

    Args:
        out: the site's folder.
        languages: the languages to build.
        notebooks: whether notebooks are executed with short games, in full, or not at all.

    Raises:
        subprocess.CalledProcessError: Sphinx reports an error or a warning.
    """
    for language in languages:
        sources = WORK / "sources" / language
        write_sources(language, sources, out)
        _run_sphinx(language, sources, out / language, notebooks)
    shutil.rmtree(out / "jupyter_execute", ignore_errors=True)  # MyST-NB's working copies
    shutil.copyfile(ROOT / "website" / "theme" / "index.html", out / "index.html")


def write_sources(language: Language, folder: Path, out: Path) -> None:
    """Write the Markdown pages that Sphinx reads, and copy the files that they link to.

    Files that have not changed are not written again, so that Sphinx need not read them again.

    Args:
        language: the language of the pages.
        folder: the folder for the pages and their pictures.
        out: the site's folder; linked files that are not pages are copied below ``files``.
    """
    written: set[Path] = set()

    def write(name: str, text: str) -> None:
        _write_if_changed(folder / f"{name}.md", text.encode())
        written.add(folder / f"{name}.md")

    def copy(source: PurePosixPath) -> None:
        from_, to = ROOT / source, out / "files" / copied_name(source)
        if source.suffix in (".png", ".gif", ".svg"):
            to = folder / str(source).removeprefix("docs/")
            written.add(to)
        if from_.is_file():
            _write_if_changed(to, from_.read_bytes())

    everything = pages()
    for page in everything:
        if page.language == language:
            write(page.name, _text(page, everything, copy))
    if language == "en":
        for command in COMMANDS.values():
            write(commands.page_name(command), commands.command_page(command))
        for name, names in api.modules().items():
            write(f"api/{name}", api.api_page(name, names))
    for old in folder.rglob("*"):
        if old.is_file() and old not in written:
            old.unlink()


def _text(page: Page, everything: list[Page], copy: Callable[[PurePosixPath], None]) -> str:
    """A page's text with the site's links; pages of the site itself are templates."""
    text = (ROOT / page.source).read_text(encoding="utf-8")
    if page.source.parts[0] == "website":
        template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text)
        text = template.render(
            tables=Tables(page.language),
            league=partial(league.league_table, Tables(page.language)),
            measured_samples=league.measured_samples,
            commands_list=commands.commands_list,
            api_index=api.api_index,
            api_pages=sorted(api.modules()),
            command_pages=[commands.page_name(c) for c in COMMANDS.values()],
            notebooks=[
                p
                for p in everything
                if p.name.startswith("notebooks/") and p.language == page.language
            ],
        )
    if page.name.startswith("notebooks/"):
        # A check contains the answer, and its exercise is not filled in when the site is built.
        text = text.replace(":tags: [check]", ":tags: [check, hide-input, remove-output]")
    if page.language == "zh-CN":
        text = join_chinese_lines(text)
    text = keep_errors_with_numbers(text)
    if page.name == "log/README":
        others = [p.name.removeprefix("log/") for p in everything if p.name.startswith("log/")]
        names = "\n".join(name for name in others if name != "README")
        text += f"\n:::{{toctree}}\n:hidden:\n{names}\n:::\n"
    return rewrite_links(text, page, everything, copy)


def _write_if_changed(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def _run_sphinx(language: Language, sources: Path, out: Path, notebooks: Notebooks) -> None:
    """Run Sphinx in a separate process; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning"]
    command += ["--fresh-env", "--keep-going", "--quiet", "--conf-dir", str(ROOT / "website")]
    command += ["--doctree-dir", str(WORK / "doctrees" / language), str(sources), str(out)]
    values = {
        "ADVNETS_SITE_LANGUAGE": language,
        "ADVNETS_SITE_NOTEBOOKS": "off" if notebooks == "off" else "cache",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]),
    }
    if notebooks == "quick":
        values["ADVNETS_QUICK"] = "1"  # the notebooks read this variable
    subprocess.run(command, check=True, env=os.environ | values)
