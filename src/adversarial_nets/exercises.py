"""Check a learner's answers in notebooks: each answer is computed and its numbers are compared.

A check is the last line of a cell, so that the notebook shows its `Verdict`.
"""

import functools
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Language", "Verdict", "check", "checker"]

Language = Literal["English", "中文"]
Numbers = NDArray[np.float64]

_FILLED = object()

_WORDS: Mapping[Language, Mapping[str, str]] = {
    "English": {
        "right": "Right.",
        "wrong": "Not yet. ",
        "none": "The answer is None: the cell is not filled in, or `return` was forgotten.",
        "dots": "The cell is not filled in: the answer is still `...`.",
        "error": "Your code raised {error}{place}.",
        "line": " (line {line} of your cell)",
        "line in function": " (line {line} of the cell that defines {function})",
        "no numbers": "The answer is {got}; numbers are required.",
        "shape": "The answer has shape {got}; shape {wanted} is required.",
        "not finite": "The answer{place} is {got}; a finite number is required.",
        "small": "The answer{place} is {got:.6g}, which is too small.",
        "large": "The answer{place} is {got:.6g}, which is too large.",
        "at most": "The answer{place} is {got:.6g}; it must be at most {bound:.6g}.",
        "at least": "The answer{place} is {got:.6g}; it must be at least {bound:.6g}.",
        "place": " at position {index} (counted from 0)",
        "place in rows": " in row {index} (counted from 0)",
        "between": ", position ",
        "hint": "Hint: ",
    },
    "中文": {
        "right": "正确。",
        "wrong": "还不对。",
        "none": "答案是 None：这一格还没有填写，或者忘了写 `return`。",
        "dots": "这一格还没有填写：答案仍是 `...`。",
        "error": "你的代码出错了：{error}{place}。",
        "line": "（你那一格的第 {line} 行）",
        "line in function": "（定义 {function} 的那一格的第 {line} 行）",
        "no numbers": "答案是 {got}，而这里需要数值。",
        "shape": "答案的形状是 {got}，应为 {wanted}。",
        "not finite": "答案{place}是 {got}，应为有限的数。",
        "small": "答案{place}是 {got:.6g}，偏小。",
        "large": "答案{place}是 {got:.6g}，偏大。",
        "at most": "答案{place}是 {got:.6g}，不应大于 {bound:.6g}。",
        "at least": "答案{place}是 {got:.6g}，不应小于 {bound:.6g}。",
        "place": "的第 {index} 个数（从 0 数起）",
        "place in rows": "第 {index} 个数（从 0 数起）",
        "between": " 行第 ",
        "hint": "提示：",
    },
}


@dataclass(frozen=True)
class Verdict:
    """The result of a check; a notebook shows its message.

    Attributes:
        right: whether the answer is right.
        message: says that the answer is right, or what is wrong.
    """

    right: bool
    message: str

    def __repr__(self) -> str:
        """The message, with a mark."""
        return f"{'✓' if self.right else '✗'} {self.message}"


def check(
    answer: Callable[[], object],
    equals: object = None,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    mistakes: Mapping[str, object] | None = None,
    hint: str = "",
    tolerance: float = 1e-6,
    language: Language = "English",
) -> Verdict:
    """Compute an answer and compare its numbers with the correct numbers.

    Args:
        answer: computes the answer: numbers, arrays or tensors. It is called here, so that an error
            in the learner's code becomes a message.
        equals: the correct numbers.
        at_most: the largest value allowed, in place of `equals` or with `at_least`.
        at_least: the smallest value allowed.
        mistakes: messages about known mistakes, with the numbers that each mistake gives. They are
            compared before the general message is used.
        hint: printed on its own line after the general message about a wrong value or an error of
            the learner's code; not printed if the cell is empty.
        tolerance: largest absolute or relative difference that counts as equal.
        language: language of the general messages.

    Returns:
        The verdict.

    Raises:
        ValueError: the numbers of a mistake are correct, which is an error in the exercise.

    >>> check(lambda: 0.5, equals=0.5)
    ✓ Right.
    >>> check(lambda: 2, equals=0.5, mistakes={"That is b/a.": 2.0})
    ✗ Not yet. That is b/a.
    >>> check(lambda: [1, 3], equals=[1, 2], hint="Look at the last one.")
    ✗ Not yet. The answer at position 1 (counted from 0) is 3, which is too large.
    Hint: Look at the last one.
    >>> check(lambda: None, at_most=1.0)
    ✗ Not yet. The answer is None: the cell is not filled in, or `return` was forgotten.
    """
    words = _WORDS[language]
    right = None if equals is None else _numbers(equals)
    wrong = {text: _numbers(numbers) for text, numbers in (mistakes or {}).items()}
    for text, numbers in wrong.items():
        if right is not None and _same(numbers, right, tolerance):
            raise ValueError(f"the numbers of the mistake {text!r} are right")

    def no(name: str, **values: object) -> Verdict:
        return Verdict(False, words["wrong"] + words[name].format(**values))

    def wrong_value(name: str, **values: object) -> Verdict:
        advice = f"\n{words['hint']}{hint}" if hint else ""
        return Verdict(False, no(name, **values).message + advice)

    try:
        given = answer()
    except Exception as error:
        text = f"{type(error).__name__}: {error}".rstrip(".。: ")
        return wrong_value("error", error=text, place=_line(error, answer, words))
    if (blank := _blank(given)) is not _FILLED:
        return no("none" if blank is None else "dots")
    try:
        got = _numbers(given)
    except (TypeError, ValueError):
        return wrong_value("no numbers", got=repr(given)[:80])
    for text, numbers in wrong.items():
        if _same(got, numbers, tolerance):
            return Verdict(False, words["wrong"] + text)
    if right is not None and got.shape != right.shape:
        return wrong_value("shape", got=got.shape, wanted=right.shape)
    if right is None and not got.size:
        return wrong_value("no numbers", got=repr(given)[:80])
    return _first_error(got, right, at_most, at_least, tolerance, wrong_value, words)


def checker(language: Language) -> Callable[..., Verdict]:
    """Return `check` with general messages in the given language, for a notebook's first cell."""
    return functools.partial(check, language=language)


def _first_error(
    got: Numbers,
    right: Numbers | None,
    at_most: float | None,
    at_least: float | None,
    tolerance: float,
    no: Callable[..., Verdict],
    words: Mapping[str, str],
) -> Verdict:
    """The verdict on numbers of the correct shape; it names the first wrong number."""
    for index in np.ndindex(got.shape):
        number = float(got[index])
        at: dict[str, object] = {"got": number, "place": _place(index, words)}
        if right is not None:
            wanted = float(right[index])
            if not np.isclose(number, wanted, tolerance, tolerance):
                if np.isnan(number) or (np.isinf(number) and np.isfinite(wanted)):
                    return no("not finite", **at)
                return no("small" if number < wanted else "large", **at)
        elif np.isnan(number):
            return no("not finite", **at)
        if at_most is not None and number > at_most:
            return no("at most", bound=at_most, **at)
        if at_least is not None and number < at_least:
            return no("at least", bound=at_least, **at)
    return Verdict(True, words["right"])


def _line(error: Exception, answer: Callable[[], object], words: Mapping[str, str]) -> str:
    """The line of a notebook's cell in which an error was raised; '' if it is not known.

    Code of cells is in the module ``__main__``. The check's own cell, which contains `answer`, is
    ignored. Of the other calls the innermost is used.
    """
    check_cell = getattr(getattr(answer, "__code__", None), "co_filename", None)
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if frame.f_globals.get("__name__") == "__main__" and code.co_filename != check_cell:
            name = "line" if code.co_name.startswith("<") else "line in function"
            place = words[name].format(line=line, function=code.co_name)
    return place


def _place(index: tuple[int, ...], words: Mapping[str, str]) -> str:
    """The position of a number in an answer, in words; '' if the answer is a single number."""
    if len(index) < 2:
        return words["place"].format(index=index[0]) if index else ""
    return words["place in rows"].format(index=words["between"].join(map(str, index)))


def _blank(given: object) -> object:
    """None or ... if the answer is or contains it; `_FILLED` if not."""
    if given is None or given is ...:
        return given
    if isinstance(given, list | tuple):
        return next((b for b in map(_blank, given) if b is not _FILLED), _FILLED)
    return _FILLED


def _numbers(value: object) -> Numbers:
    """Numbers, arrays, tensors, or a sequence of them as a float64 array."""
    if isinstance(value, str):
        raise TypeError("a text is not a number")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if isinstance(value, list | tuple):
        value = [_numbers(part) for part in value]
    return np.asarray(value, dtype=np.float64)


def _same(a: Numbers, b: Numbers, tolerance: float) -> bool:
    """Whether two arrays have the same shape and, within the tolerance, the same numbers."""
    return a.shape == b.shape and bool(np.allclose(a, b, tolerance, tolerance, equal_nan=True))
