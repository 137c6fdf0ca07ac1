"""The page "Add an objective", followed literally."""

import re
from pathlib import Path

import pytest

import adversarial_nets as an
from adversarial_nets.cli.main import main
from adversarial_nets.command_line import option_words
from adversarial_nets.errors import UserError
from adversarial_nets.objective_checks import published_settings
from adversarial_nets.objectives import OBJECTIVES
from adversarial_nets.presets import PRESETS
from adversarial_nets.settings import Settings, update_settings
from adversarial_nets.training import session

PAGE = Path(__file__).parent.parent / "docs" / "add-an-objective.md"


def test_the_page_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(programs) == 3
    monkeypatch.chdir(tmp_path)
    try:
        for code in programs:
            assert len([line for line in code.splitlines() if line.strip()]) < 20
            exec(compile(code, str(PAGE), "exec"), {})
    finally:
        for name in ("smoothed", "dragan", "matching"):
            OBJECTIVES.pop(name, None)
    lines = capsys.readouterr().out.splitlines()
    (printed,) = [line for line in lines if line.startswith("custom, from")]
    assert f"`{printed}`" in text
    for name in ("dragan", "matching"):
        run = an.open_run(tmp_path / "runs" / name)
        assert run.newest_round == 2
        assert run.info["updates"] == "autograd"


def test_the_table_lists_every_objective() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, objective in OBJECTIVES.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.M)
        assert f"| {objective.optimum} |" in row.replace("\\|", "|"), name
        assert f"| {objective.divergence} |" in row.replace("\\|", "|"), name


def test_the_page_and_train_name_the_published_settings_of_wasserstein(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published = OBJECTIVES["wasserstein"].published
    options = " ".join(option_words(published))
    assert f"`{options}`" in PAGE.read_text(encoding="utf-8")
    s = Settings(objective="wasserstein", k=5, r1=0.25)
    sentence = published_settings(s)
    assert "published with optimiser adam, lr 0.0001, " in sentence
    assert "this game has optimiser sgd, lr 0.1, momentum 0.5, " in sentence
    assert sentence.endswith(
        "add --optimiser adam --lr 0.0001 --momentum 0.0 --adam-beta2 0.9 --r1 0.0"
    )
    assert published_settings(update_settings(s, dict(published))) == ""
    pictures = PRESETS["pictures"].settings
    assert published_settings(pictures) == ""

    def stop(*args: object, **more: object) -> None:
        raise UserError("Here the training would begin.")

    monkeypatch.setattr(session, "train", stop)
    run = ["--run", str(tmp_path / "run")]
    assert main(["train", "mnist-5k", "--objective", "wasserstein", *run]) == 2
    captured = capsys.readouterr()
    said = captured.out + captured.err
    quickstart = update_settings(PRESETS["quickstart"].settings, {"objective": "wasserstein"})
    assert f"{published_settings(quickstart)}\n" in said
    assert "add --k 5 --optimiser adam" in said
