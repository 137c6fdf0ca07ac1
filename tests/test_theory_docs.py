"""Every Python block of docs/theory/ runs, in order and unchanged."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "docs" / "theory").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_on_the_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    assert not list(tmp_path.iterdir())  # the code writes no files


def test_there_is_a_page_for_each_section() -> None:
    sections = {re.findall(r"§[\d.]+\d|§\d", page.read_text())[0] for page in PAGES}
    assert sections == {"§2", "§3", "§4.1", "§4.2", "§5", "§7"}
