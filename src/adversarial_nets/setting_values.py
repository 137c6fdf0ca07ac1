"""The types and bounds of settings and arguments, and checks with messages in words.

Imports no torch.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from numbers import Real
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from adversarial_nets.errors import SettingError, describe_type

__all__ = [
    "ANY",
    "AT_LEAST_ONE",
    "BELOW_ONE",
    "COUNT",
    "COUNT_OR_ZERO",
    "DECAY",
    "LARGEST_COUNT",
    "NON_NEGATIVE",
    "POSITIVE",
    "PROBABILITY",
    "SEED",
    "Bounds",
    "as_float",
    "check_value",
    "parse_value",
    "plain_value",
    "require_one_of",
    "require_type",
    "type_in_words",
    "whole_number",
]


class Bounds(NamedTuple):
    """The smallest and largest value that a number may have, and the rule in words."""

    low: float
    high: float
    words: str


LARGEST_COUNT = 2**31 - 1
"""The largest value of a setting or an argument that is a count."""
_LARGEST = 1e30  # largest other number: float32, the networks' type, ends at 3.4e38

ANY = Bounds(-_LARGEST, _LARGEST, "a number from -1e30 to 1e30")
COUNT = Bounds(1, LARGEST_COUNT, "a whole number, 1 or more")
COUNT_OR_ZERO = Bounds(0, LARGEST_COUNT, "a whole number, 0 or more")
POSITIVE = Bounds(1e-30, _LARGEST, "above 0")
NON_NEGATIVE = Bounds(0, _LARGEST, "0 or more")
PROBABILITY = Bounds(1e-4, 1, "a probability above 0, at most 1")
BELOW_ONE = Bounds(0, 1 - 1e-9, "at least 0 and below 1")
DECAY = Bounds(0, 1 - 1e-12, "at least 0 and below 1")
AT_LEAST_ONE = Bounds(1, _LARGEST, "1 (constant) or more")
SEED = Bounds(0, 2**63, "a whole number from 0 to 2^63")


def plain_value(value: Any, hint: object) -> Any:  # noqa: ANN401 (settings of all types)
    """Convert a setting's value to Python's own types, which settings.json can store.

    Numbers of NumPy and PyTorch become int and float, and so does 3.0 where an int is required;
    lists and arrays become tuples. Other values are returned unchanged.

    >>> plain_value([40.0, 40], tuple[int, ...]), plain_value("3", int)
    ((40, 40), '3')
    """
    if hasattr(value, "tolist"):  # an array, a tensor, or a number from one
        value = value.tolist()
    kind: object = get_origin(hint)
    if kind in (Union, UnionType):
        return plain_value(value, get_args(hint)[0])
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(plain_value(v, get_args(hint)[0]) for v in value)
    if isinstance(value, bool | int) or not isinstance(value, Real):
        return value
    number = as_float(value)
    return int(number) if (hint is int or kind is Literal) and number.is_integer() else number


def whole_number(name: str, value: object, least: int = 1, most: int = LARGEST_COUNT) -> int:
    """Convert an argument to an int; 4500.0 and NumPy's integers are accepted too.

    Raises:
        SettingError: the value is not a whole number, or is too small or too large.
    """
    number = plain_value(value, int)
    if not isinstance(number, int) or isinstance(number, bool):
        raise SettingError(name, f"is {value!r}; it must be a whole number, {least} or more.")
    if not least <= number <= most:
        allowed = f"{least} or more" if number < least else f"{most} or less"
        raise SettingError(name, f"is {number}; it must be {allowed}.")
    return number


def require_type(name: str, value: object, cls: type, example: str) -> None:
    """Raise an error if an argument is not an instance of the required settings class.

    The message names an attribute of the argument that is one, e.g. the settings of a preset.
    """
    if isinstance(value, cls):
        return
    given = describe_type(value)
    for attribute, held in getattr(value, "__dict__", {}).items():
        if isinstance(held, cls):
            raise SettingError(name, f"is {given}; give its attribute .{attribute}.")
    raise SettingError(name, f"is {given}; it must be of type {cls.__name__}, e.g. {example}.")


def require_one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise an error if an argument is not one of the known words."""
    if not isinstance(value, str) or value not in known:
        raise SettingError(name, f"is {value!r}; it must be {' or '.join(map(repr, known))}.")


def check_value(name: str, value: object, hint: object, bounds: Bounds) -> None:
    """Check one setting's type and bounds.

    Raises:
        SettingError: names the setting, its value and what it must be.
    """
    if not _has_type(value, hint):
        raise SettingError(name, f"is {value!r}; it must be {type_in_words(hint, bounds, value)}.")
    for v in value if isinstance(value, tuple) else (value,):
        if isinstance(v, int | float) and not isinstance(v, bool):
            number = as_float(v)
            given = v if isinstance(v, int) and abs(number) < _LARGEST else f"{number:g}"
            if bounds.high in (LARGEST_COUNT, _LARGEST) and number > bounds.high:
                raise SettingError(name, f"is {given}; it must be {bounds.high:.10g} or less.")
            if not bounds.low <= number <= bounds.high:  # False for NaN
                raise SettingError(name, f"is {given}; it must be {bounds.words}.")


def _has_type(value: object, hint: object) -> bool:
    """Whether a value has a setting's type; a program or a file may contain any value."""
    kind: object = get_origin(hint)
    args = get_args(hint)
    if kind is Literal:
        return value in args and type(value) in map(type, args)  # True == 1
    if kind in (Union, UnionType):
        return any(_has_type(value, arg) for arg in args)
    if kind is tuple:
        return isinstance(value, tuple) and all(_has_type(v, args[0]) for v in value)
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    if hint is type(None):
        return value is None
    return isinstance(hint, type) and isinstance(value, hint)


def parse_value(name: str, given: Any, kind: Any, bounds: Bounds) -> Any:  # noqa: ANN401 (all types)
    """Convert a given text or value to a setting's type: a number, a word, or several of them."""
    origin: object = get_origin(kind)
    kinds = [k for k in get_args(kind) if k is not type(None)]
    if type(None) in get_args(kind):
        return None if given in (None, "None") else parse_value(name, given, kinds[0], bounds)
    if origin is tuple:
        several = given.split() if isinstance(given, str) else given
        if isinstance(several, list | tuple):
            return tuple(parse_value(name, one, kinds[0], bounds) for one in several)
    elif origin is Literal:
        if given in kinds:
            return given
    elif kind is bool:
        if str(given).lower() in ("true", "false"):
            return str(given).lower() == "true"
    elif isinstance(given, str | int | float) and not isinstance(given, bool):
        with suppress(ValueError, OverflowError):  # int("x"), int(∞)
            value = kind(given)
            if isinstance(given, str) or value == given:
                return value
    words = ", ".join(map(str, kinds))
    required = f"one of {words}" if origin is Literal else type_in_words(kind, bounds, given)
    raise SettingError(name, f"is {given!r}; it must be {required}.")


def type_in_words(hint: object, bounds: Bounds, value: object = None) -> str:
    """The required values of a setting in words, for an error message."""
    kinds = (hint, *get_args(hint))
    choices = [a for kind in kinds for a in get_args(kind) if isinstance(a, str | int)]
    if choices:
        names = ", ".join(dict.fromkeys(map(repr, choices)))
        required = f"one of {names}" if isinstance(choices[0], str) else bounds.words
        return f"a tuple, each value {required}" if _is_one_for_several(value, hint) else required
    if str in kinds:
        return "a text" if bounds is ANY else bounds.words
    if hint is bool:
        return "True or False"
    required = bounds.words if bounds.words.startswith("a ") else f"a number, {bounds.words}"
    return f"a tuple, each value {required}" if _is_one_for_several(value, hint) else required


def _is_one_for_several(value: object, hint: object) -> bool:
    """Whether a tuple is required but something else is given."""
    return get_origin(hint) is tuple and not isinstance(value, tuple)


def as_float(number: Any) -> float:  # noqa: ANN401 (a real number of any type)
    """The number as a float; an integer too large for a float is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
