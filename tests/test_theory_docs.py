"""Every Python block of docs/theory/ runs, in order and unchanged."""

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "theory"
CHINESE = sorted(FOLDER.glob("*.zh-CN.md"))
PAGES = sorted(set(FOLDER.glob("*.md")) - set(CHINESE))


def python(page: Path) -> list[str]:
    """The Python blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_on_the_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = python(page)
    assert blocks
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    assert not list(tmp_path.iterdir())  # the code writes no files


def test_there_is_a_page_for_each_section() -> None:
    sections = {re.findall(r"§[\d.]+\d|§\d", page.read_text())[0] for page in PAGES}
    assert sections == {"§2", "§3", "§4.1", "§4.2", "§5", "§7"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_chinese_page_has_the_same_code_and_formulas(page: Path) -> None:
    """Only comments, and the words inside a formula, may differ."""
    chinese = page.with_suffix(".zh-CN.md")
    assert chinese in CHINESE
    codes = [[ast.dump(ast.parse(block)) for block in python(p)] for p in (page, chinese)]
    assert codes[0] == codes[1]
    formulas, theirs = (
        re.findall(r"^\$\$\n(.*?)\n\$\$$", p.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for p in (page, chinese)
    )
    assert [f.replace(r"\text{since } ", "") for f in formulas] == theirs
