"""What a setting's value may be: bounds of numbers, types, and both in words. Imports no torch."""

import math
from types import UnionType
from typing import Literal, NamedTuple, Union, get_args, get_origin

__all__ = [
    "ANY",
    "AT_LEAST_ONE",
    "BELOW_ONE",
    "COUNT",
    "COUNT_OR_ZERO",
    "DECAY",
    "NON_NEGATIVE",
    "POSITIVE",
    "PROBABILITY",
    "SEED",
    "Bounds",
    "as_float",
    "has_type",
    "type_in_words",
]


class Bounds(NamedTuple):
    """The smallest and largest value that a number may have, and the rule in words."""

    low: float
    high: float
    words: str


ANY = Bounds(-math.inf, math.inf, "a number")
COUNT = Bounds(1, math.inf, "a whole number, 1 or more")
COUNT_OR_ZERO = Bounds(0, math.inf, "a whole number, 0 or more")
POSITIVE = Bounds(1e-30, math.inf, "above 0")
NON_NEGATIVE = Bounds(0, math.inf, "0 or more")
PROBABILITY = Bounds(1e-4, 1, "a probability above 0, at most 1")
BELOW_ONE = Bounds(0, 1 - 1e-9, "at least 0 and below 1")
DECAY = Bounds(0, 1 - 1e-12, "at least 0 and below 1")
AT_LEAST_ONE = Bounds(1, math.inf, "1 (constant) or more")
SEED = Bounds(0, 2**63, "a whole number from 0 to 2^63")


def has_type(value: object, hint: object) -> bool:
    """Whether a value has a setting's type; a program or a file may contain any value."""
    kind: object = get_origin(hint)
    args = get_args(hint)
    if kind is Literal:
        return value in args
    if kind in (Union, UnionType):
        return any(has_type(value, arg) for arg in args)
    if kind is tuple:
        return isinstance(value, tuple) and all(has_type(v, args[0]) for v in value)
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    if hint is type(None):
        return value is None
    return isinstance(hint, type) and isinstance(value, hint)


def type_in_words(hint: object, bounds: Bounds) -> str:
    """What a setting's value must be, for an error message."""
    kinds = (hint, *get_args(hint))
    words = [repr(a) for kind in kinds for a in get_args(kind) if isinstance(a, str)]
    if words:
        return f"one of {', '.join(dict.fromkeys(words))}"
    if hint is str:
        return "a text"
    return "True or False" if hint is bool else bounds.words


def as_float(number: int | float) -> float:
    """The number as a float; an integer too large for a float is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
