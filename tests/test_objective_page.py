"""The page "Add an objective", followed literally."""

import re
from pathlib import Path

import pytest

from adversarial_nets.objectives import OBJECTIVES

PAGE = Path(__file__).parent.parent / "docs" / "add-an-objective.md"


def test_the_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len([line for line in code.splitlines() if line.strip()]) < 20
    monkeypatch.chdir(tmp_path)
    try:
        exec(compile(code, str(PAGE), "exec"), {})
    finally:
        OBJECTIVES.pop("smoothed", None)
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    assert f"`{printed}`" in text


def test_the_table_lists_every_objective() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, objective in OBJECTIVES.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.M)
        assert f"| {objective.optimum} |" in row.replace("\\|", "|"), name
        assert f"| {objective.divergence} |" in row.replace("\\|", "|"), name
