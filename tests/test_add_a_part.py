"""Parts that a program adds to the reproduction: the documented example, and an error."""

import json
import re
from pathlib import Path

import pytest

from adversarial_nets.errors import UserError
from adversarial_nets.paper.reproduce import (
    PARTS,
    Context,
    Part,
    Result,
    register,
    reproduce,
)

PAGE = Path(__file__).parent.parent / "docs" / "add-a-part-to-reproduce.md"


@pytest.mark.usefixtures("_own_parts")
def test_the_page_add_a_part_followed_literally(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len([line for line in code.splitlines() if line.strip()]) < 20
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    assert f"`{printed}`" in text
    names = list(PARTS)
    assert names[names.index("batch-size") + 1] == "table2"  # at the end of §5
    record = json.loads(Path("runs/paper/reproduction/parts/batch-size.json").read_text())
    assert record["status"] == "done"
    assert [row["m"] for row in record["tables"][0]] == [20, 100]
    page = Path(printed).read_text()
    assert "Size of the minibatch" in page
    assert record["ours"] in page


@pytest.mark.usefixtures("_own_parts")
def test_a_new_part_is_made_once_and_its_error_is_shown(tmp_path: Path) -> None:
    made = []

    def make(context: Context) -> Result:
        made.append(context.seed)
        if context.seed:
            raise UserError("There is no such data.")
        return Result("found")

    register(Part("mine", "Mine", "§4", "nothing", make))
    assert list(PARTS).index("mine") == list(PARTS).index("theory") - 1
    with pytest.raises(ValueError, match="a part named 'mine' already"):
        register(Part("mine", "Mine", "§4", "nothing", make))
    failed = reproduce(tmp_path, parts=["mine"], seed=1)
    assert [part.ours for part in failed.parts if part.name == "mine"] == [
        "not run: There is no such data."
    ]
    for _ in range(2):
        found = reproduce(tmp_path, parts=["mine"])
        assert [part.ours for part in found.parts if part.name == "mine"] == ["found"]
    assert made == [1, 0]
