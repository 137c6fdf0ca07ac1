"""A check accepts right numbers only, and its message names the fault."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from adversarial_nets import exercises
from adversarial_nets.exercises import check, checker
from notebook_cells import run_cell


@pytest.mark.parametrize("same", [2.0, np.float32(2), torch.tensor(2.0, requires_grad=True)])
def test_numbers_arrays_and_tensors_are_accepted(same: object) -> None:
    assert check(lambda: same, equals=2).right


def test_the_tolerance_decides() -> None:
    assert check(lambda: 100.5, equals=100, tolerance=0.01).right
    assert not check(lambda: 102.5, equals=100, tolerance=0.01).right


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: "one", "numbers are required"),
        (lambda: [1, 2, 3], "shape (3,)"),
        (lambda: [1, math.nan], "position 1 (counted from 0) is nan; a finite number"),
        (lambda: [1, math.inf], "position 1 (counted from 0) is inf; a finite number"),
        (lambda: [1, 1], "position 1 (counted from 0) is 1, which is too small"),
        (lambda: [5, 2], "position 0 (counted from 0) is 5, which is too large"),
    ],
)
def test_the_message_names_the_fault_and_gives_the_hint(
    answer: Callable[[], object], words: str
) -> None:
    verdict = check(answer, equals=[1, 2], hint="A hint.")
    assert not verdict.right
    assert words in verdict.message
    assert verdict.message.endswith("\nHint: A hint.")


def divide_by_zero() -> float:
    return 1 / 0


def fail_with_a_sentence() -> None:
    raise ValueError("This is a sentence.")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: None, "not filled in, or `return` was forgotten."),
        (lambda: [1, [2, None]], "not filled in, or `return` was forgotten."),
        (lambda: (..., 1), "not filled in: the answer is still `...`."),
    ],
)
def test_an_empty_cell_gets_no_hint(answer: Callable[[], object], words: str) -> None:
    verdict = check(answer, equals=[1, 2], hint="A hint.")
    assert not verdict.right
    assert verdict.message.endswith(words)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (divide_by_zero, "ZeroDivisionError: division by zero."),
        (fail_with_a_sentence, "ValueError: This is a sentence."),
    ],
)
def test_an_error_gets_the_hint(answer: Callable[[], object], words: str) -> None:
    verdict = check(answer, equals=[1, 2], hint="A hint.")
    assert not verdict.right
    assert verdict.message == f"Not yet. Your code raised {words}\nHint: A hint."


CELL = """def my_answer(x):
    y = x + 1
    return {wrong}
"""


@pytest.mark.parametrize(
    ("cell", "language", "words"),
    [
        (
            CELL.format(wrong="y / 0"),
            "English",
            "division by zero (line 3 of the cell that defines my_answer).",
        ),
        (CELL.format(wrong="y / 0"), "中文", "（定义 my_answer 的那一格的第 3 行）。"),
        # The error arises in installed code, which the learner's cell calls.
        (
            CELL.format(wrong="torch.nn.Linear(1, 1)(y)"),
            "English",
            "(line 3 of the cell that defines my_answer).",
        ),
        ("\nmy_answer = lambda x: x / 0", "English", "(line 2 of your cell)."),
        ("\nmy_answer = lambda x: x / 0", "中文", "（你那一格的第 2 行）。"),
    ],
)
def test_an_error_is_located_in_the_learners_cell(
    cell: str, language: exercises.Language, words: str
) -> None:
    names: dict[str, Any] = {"__name__": "__main__", "torch": torch, "check": checker(language)}
    run_cell(cell, "the learner's cell", names)
    verdict = run_cell("def call():\n    return my_answer(1)\n\ncheck(call, 2)", "check", names)
    assert verdict.message.endswith(words)


def test_an_error_in_the_checks_own_cell_has_no_line() -> None:
    names: dict[str, Any] = {"__name__": "__main__", "check": check, "my_answer": lambda x: "one"}
    verdict = run_cell("check(lambda: my_answer(1) - 1, 2)", "check", names)
    assert verdict.message.endswith("'str' and 'int'.")


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("in row 1, position 0 (counted from 0) is 5", "English"),
        ("答案第 1 行第 0 个数（从 0 数起）是 5，偏大。\n提示：想一想。", "中文"),
    ],
)
def test_a_number_in_rows_is_named(words: str, language: exercises.Language) -> None:
    wrong = check(lambda: [[1], [5]], equals=[[1], [2]], hint="想一想。", language=language)
    assert words in wrong.message


def test_a_known_mistake_has_its_own_message_whatever_its_shape() -> None:
    mistakes = {"Inverted.": 2.0, "Two numbers are too many.": [0.5, 0.5]}
    assert check(lambda: 2, equals=0.5, mistakes=mistakes).message == "Not yet. Inverted."
    assert "too many" in check(lambda: [0.5, 0.5], equals=0.5, mistakes=mistakes).message


def test_infinite_right_answers_are_compared() -> None:
    assert check(lambda: [1, math.inf], equals=[1, math.inf]).right
    assert not check(lambda: [1, math.nan], equals=[1, math.inf]).right


@pytest.mark.parametrize("value", [0.9, 2.1, math.nan])
def test_bounds(value: float) -> None:
    assert check(lambda: 1.5, at_least=1.0, at_most=2.0).right
    assert not check(lambda: value, at_least=1.0, at_most=2.0).right


def test_a_mistake_that_is_right_is_an_error_of_the_exercise() -> None:
    with pytest.raises(ValueError, match="are right"):
        check(lambda: 1, equals=1, mistakes={"No.": 1})


def test_both_languages_have_every_message() -> None:
    english, chinese = exercises._WORDS["English"], exercises._WORDS["中文"]
    assert english.keys() == chinese.keys()
    verdict = checker("中文")(lambda: 3, at_most=1.0)
    assert verdict.message == "还不对。答案是 3，不应大于 1。"
