"""Parts that a program adds to the reproduction: the documented example, and an error."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

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


@pytest.mark.usefixtures("_own_parts", "_as_users_run_it")
def test_results_with_numbers_of_numpy_and_other_than_results(tmp_path: Path) -> None:
    any_part: Any = Part
    wrong: Any
    for wrong in ("x", any_part(3, "Mine", "§4", "", len), any_part("a", "Mine", "§4", "", None)):
        with pytest.raises(UserError, match="give a Part with a text as its name and a function"):
            register(wrong)
    table = [{"a": np.float32(0.5), "b": torch.tensor(2), "c": Path("x")}]
    results: tuple[tuple[Any, str], ...] = (
        (lambda: Result(ours=np.float32(1.5), tables=[table], notes="One."), "1.5"),  # type: ignore[arg-type]
        (lambda: None, "not run: the function of mine returned a NoneType"),
        (lambda: Result("found", tables=table), "not run: tables must be a list of tables"),  # type: ignore[arg-type]
    )
    for number, (make, ours) in enumerate(results):
        PARTS.pop("mine", None)
        register(Part("mine", "Mine", "§4", "nothing", lambda context, make=make: make()))  # type: ignore[misc]
        found = reproduce(str(tmp_path / str(number)), parts="mine")
        (part,) = (part for part in found.parts if part.name == "mine")
        assert part.ours.startswith(ours)
        if number == 0:
            assert part.tables == (({"a": 0.5, "b": 2, "c": "x"},),)
            assert part.notes == ("One.",)
