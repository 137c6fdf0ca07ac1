"""The lesson and the exercise of docs/add-a-lesson.md work as printed, in both languages."""

import re
from pathlib import Path

import pytest

from adversarial_nets.exercises import Verdict
from adversarial_nets.languages import text
from adversarial_nets.playground.glossary import GLOSSARY
from adversarial_nets.playground.lessons import LESSONS, Lesson
from adversarial_nets.playground.messages import handle
from adversarial_nets.playground.words import WORDS
from notebook_cells import run_cell
from small_playground import new_session

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("add-a-lesson.md", "add-a-lesson.zh-CN.md")

pytestmark = pytest.mark.usefixtures("no_figures")


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("page", PAGES)
def test_the_lesson_can_be_played(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, texts, _ = blocks(page)
    (name, lesson), *_ = eval(f"{{{entry}}}", {"Lesson": Lesson}).items()
    words = eval(f"{{{texts}}}", {"text": text})
    monkeypatch.setattr("adversarial_nets.playground.messages.LESSONS", {**LESSONS, name: lesson})
    session = new_session()
    handle(session, {"type": "start_lesson", "name": name})
    handle(session, {"type": "step", "train": "both"})
    assert [slot.game.settings.batch for slot in session.slots] == [8, 512]
    assert set(words) == {f"lesson {name}", f"about {name}"}
    assert not set(words) & set(WORDS)
    terms = {term["en"] for term, _ in GLOSSARY}
    used = re.findall(r"\[\[(?:[^]|]+\|)?([^]|]+)\]\]", words[f"about {name}"]["en"])
    assert set(used) <= terms


@pytest.mark.parametrize(("page", "right"), [(PAGES[0], "Right."), (PAGES[1], "正确。")])
def test_the_exercise_accepts_its_solution(page: str, right: str) -> None:
    exercise = blocks(page)[2]
    assert run_cell(exercise, page, {}) == Verdict(True, right)
    wrong = run_cell(exercise.replace("p / (p + q)", "p / q"), page, {})
    assert not wrong.right
    assert "p/q" in wrong.message


def test_both_languages_show_the_same_lesson() -> None:
    english, chinese = (blocks(page) for page in PAGES)
    assert english[:2] == chinese[:2]
