"""Check a JSON value against a form, which lists its fields with their types and bounds."""

import sys
from typing import Any

__all__ = ["ROUND", "check"]

ROUND = range(sys.maxsize)
"""The form of a round."""


def check(value: Any, form: object, name: str = "it") -> None:  # noqa: ANN401 (any JSON)
    """Raise a ValueError or a KeyError unless a JSON value has a form.

    Args:
        value: the value.
        form: a type, of which float is any finite number; a range of whole numbers; a set of texts;
            ``(None, form)`` for a value that may be null; ``[form]`` for a list, ``[form, form]``
            for a list of two; or a dict of forms by field. A key may name several fields, and
            ends in ``?`` if they may all be missing.
        name: the name of the value in the error.

    >>> check({"nats": 1.5, "curve": []}, {"nats se": float, "curve": [[float, float]]})
    Traceback (most recent call last):
    KeyError: 'se'
    """
    fits, parts = True, list[tuple[Any, object, str]]()
    match form:
        case range():
            fits = type(value) is int and value in form
        case set():
            fits = isinstance(value, str) and value in form
        case dict():
            fits = isinstance(value, dict)
            for key, inner in form.items() if fits else ():
                fields = key.removesuffix("?").split()
                if key[-1] != "?" or any(field in value for field in fields):
                    parts += [(value[field], inner, field) for field in fields]
        case (None, inner):
            parts = [] if value is None else [(value, inner, name)]
        case list():
            fits = isinstance(value, list) and (len(form) == 1 or len(value) == len(form))
            for i, part in enumerate(value if fits else ()):
                parts.append((part, form[i % len(form)], name))
        case _ if form is float:
            fits = type(value) in (int, float) and abs(value) <= sys.float_info.max
        case type():
            fits = isinstance(value, form)
    if not fits:
        raise ValueError(f"{name} cannot be {str(value)[:50]!r}")
    for part in parts:
        check(*part)
