"""Notebooks run; each check refuses the empty cell and accepts the solution; languages agree."""

import ast
import builtins
import re
import runpy
import symtable
import sys
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest

from notebook_cells import FOLDER, PAGES, Cell, read_cells, run_notebook
from notebook_mistakes import MISTAKES

ENGLISH = [page for page in PAGES if ".zh-CN" not in page.name]
CHINESE = re.compile("[\u4e00-\u9fff]")


def chinese_of(page: Path) -> Path:
    return page.with_name(f"{page.stem}.zh-CN.md")


@pytest.mark.parametrize("page", [*ENGLISH, chinese_of(ENGLISH[2])], ids=lambda p: p.stem)
def test_the_notebook_runs_and_its_checks_tell_right_from_empty(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mpl.use("Agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setenv("ADVNETS_QUICK", "1")
    monkeypatch.chdir(tmp_path)
    # Chinese pages have the same code (tested below), so a short one stands for all.
    mistakes = MISTAKES[int(page.name[:2])]
    given = [list(wrong) if page in ENGLISH else [] for wrong in mistakes]
    verdicts = list(run_notebook(page, given, lambda cell, value: plt.close("all")))
    plt.ioff()
    assert 4 <= len(verdicts) == len(mistakes) <= 5
    for wrong, (empty, refused, solved) in zip(mistakes, verdicts, strict=True):
        assert not empty.right
        assert len(wrong) >= 2
        if page in ENGLISH:
            for (code, words), verdict in zip(wrong.items(), refused, strict=True):
                assert not verdict.right, code
                assert words in verdict.message, (code, verdict.message)
        assert solved.right, solved.message
        assert bool(CHINESE.search(empty.message)) == (".zh-CN" in page.name)


def without_prose(english: ast.AST, chinese: ast.AST) -> bool:
    """Whether both trees are equal, except for texts that are Chinese in the second."""
    if isinstance(english, ast.Constant) and isinstance(chinese, ast.Constant):
        if isinstance(chinese.value, str) and CHINESE.search(chinese.value):
            return isinstance(english.value, str)
        return english.value == chinese.value
    if isinstance(english, ast.JoinedStr) and isinstance(chinese, ast.JoinedStr):
        texts = [part.value for part in chinese.values if isinstance(part, ast.Constant)]
        if CHINESE.search("".join(map(str, texts))):
            a, b = (
                [v for v in s.values if not isinstance(v, ast.Constant)] for s in (english, chinese)
            )
            return [ast.dump(part) for part in a] == [ast.dump(part) for part in b]
    return type(english) is type(chinese) and all(
        without_prose(a, b) if isinstance(a, ast.AST) and isinstance(b, ast.AST) else a == b
        for a, b in zip_longest(_parts(english), _parts(chinese))
    )


def _parts(node: ast.AST) -> list[object]:
    parts: list[object] = []
    for name, value in ast.iter_fields(node):
        parts += [name, *(value if isinstance(value, list) else [value])]
    return parts


def names_of(code: str) -> tuple[set[str], set[str]]:
    """The names that a cell defines, and those that it or its functions take from the notebook."""
    defined: set[str] = set()
    used: set[str] = set()

    def read(table: symtable.SymbolTable, is_cell: bool) -> None:
        for symbol in table.get_symbols():
            if is_cell and (symbol.is_assigned() or symbol.is_imported()):
                defined.add(symbol.get_name())
            if symbol.is_referenced() and (is_cell or symbol.is_global()):
                used.add(symbol.get_name())
        for child in table.get_children():
            read(child, False)

    read(symtable.symtable(code, "cell", "exec"), True)
    return defined, used


def foreign_names(cells: Iterable[Cell]) -> list[str]:
    """Names that a cell uses, but that it gets only from an exercise, a check or a solution.

    A check may also use the names of its own exercise. A name that a check defines again counts as
    the check's until a plain cell defines it again.
    """
    found = []
    definer: dict[str, str] = dict.fromkeys(dir(builtins), "code")
    for cell in cells:
        defined, used = names_of(cell.code)
        allowed = {"code": ("code",), "check": ("code", "exercise")}.get(cell.kind)
        if allowed is not None:
            here = {name for name in used if definer.get(name) not in allowed} - defined
            found += [f"{name} in {cell.code.splitlines()[0]}" for name in sorted(here)]
        if cell.kind == "exercise":  # the names of earlier exercises are not this one's
            definer = {n: "before" if kind == "exercise" else kind for n, kind in definer.items()}
        definer |= dict.fromkeys(defined, cell.kind)
    return found


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_plain_cells_need_no_exercise_and_no_check(page: Path) -> None:
    assert foreign_names(read_cells(page)) == []


def test_a_name_from_a_check_is_found() -> None:
    cells = [
        Cell("code", "import math"),
        Cell("exercise", "def f(x):\n    ..."),
        Cell("check", "g = [f(math.pi) for i in range(3)]"),
        Cell("code", "def h(i):\n    return g"),
        Cell("code", "g = 1\nprint(g)"),
        Cell("exercise", "e = ..."),
        Cell("check", "print(e, g, f)"),
    ]
    assert foreign_names(cells) == ["g in def h(i):", "f in print(e, g, f)"]


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_both_languages_have_the_same_code(page: Path) -> None:
    for english, chinese in zip_longest(read_cells(page), read_cells(chinese_of(page))):
        assert english.kind == chinese.kind
        assert without_prose(ast.parse(english.code), ast.parse(chinese.code)), english.code


def test_code_that_differs_is_found() -> None:
    a, b, c = (ast.parse(code) for code in ('f(1, "one")', 'f(1, "一")', 'f(2, "一")'))
    assert without_prose(a, b)
    assert not without_prose(a, c)
    assert not without_prose(a, ast.parse('f(1, "two")'))
    assert not without_prose(a, ast.parse('f(1, "一", 3)'))
    f, g, h = (ast.parse(code) for code in ('f"round {n}"', 'f"第 {n} 轮"', 'f"第 {m} 轮"'))
    assert without_prose(f, g)
    assert not without_prose(f, h)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_links_to_its_translation_and_ends_with_what_to_read_next(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    other = chinese_of(page) if page in ENGLISH else FOLDER / page.name.replace(".zh-CN", "")
    assert f"]({other.name})" in text
    last = re.findall(r"^## (.*)$", text, re.M)[-1]
    assert last == ("What to read next" if page in ENGLISH else "接下来读什么")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (FOLDER / link).exists(), link


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_jupyter_gets_the_same_cells(page: Path, tmp_path: Path) -> None:
    jupytext: ModuleType = pytest.importorskip("jupytext")
    convert = runpy.run_path(str(FOLDER / "to_ipynb.py"))["convert"]
    cells = jupytext.read(convert(page, tmp_path)).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    ours = [cell.code.strip("\n") for cell in read_cells(page) if cell.kind != "solution"]
    assert code == ours
    assert not any(cell.get("outputs") for cell in cells)
    prose = "".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert f"(zh-CN/{page.stem}.ipynb)" in prose
    assert "jupytext" in sys.modules


def test_links_of_written_notebooks_lead_to_files_and_checks_are_folded(tmp_path: Path) -> None:
    jupytext: ModuleType = pytest.importorskip("jupytext")
    convert = runpy.run_path(str(FOLDER / "to_ipynb.py"))["convert"]
    paths = [convert(page, tmp_path / "ipynb") for page in PAGES]
    assert len(set(paths)) == len(PAGES)
    for path in paths:
        cells = jupytext.read(path).cells
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        links = [x for x in re.findall(r"\]\(([^)#]+)", prose) if not x.startswith("https:")]
        assert len(links) >= 3
        for link in links:
            assert (path.parent / link).is_file(), (path, link)
            assert not re.search(r"notebooks/\d", link), "a link to the source of a notebook"
        for cell in cells:
            if cell.cell_type == "code":
                hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
                assert hidden == ("check" in cell.metadata.get("tags", []))


def test_a_learners_answers_are_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = runpy.run_path(str(FOLDER / "to_ipynb.py"))
    convert_new, written = tool["convert_new"], tool["written"]
    convert_new(PAGES[:2], tmp_path)
    own = written(PAGES[0], tmp_path)
    own.write_text("my answers", encoding="utf-8")
    convert_new(PAGES[:3], tmp_path)
    assert own.read_text(encoding="utf-8") == "my answers"
    assert written(PAGES[2], tmp_path).exists()
    assert "2 notebooks exist already" in capsys.readouterr().out
