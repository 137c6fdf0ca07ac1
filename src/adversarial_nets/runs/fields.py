"""Check a JSON value against a form, which lists its fields with their types and bounds."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ROUND", "check"]

ROUND = range(sys.maxsize)
"""The form of a round."""


def check(value: Any, form: object, name: str = "it") -> None:  # noqa: ANN401 (any JSON)
    """Raise an error unless a JSON value has a form.

    Args:
        value: the value.
        form: a type, of which float is any finite number; a range of whole numbers; a set of texts;
            ``(None, form)`` for a value that may be null; ``[form]`` for a list of any length,
            ``[form, form]`` for a list of two; or a dict of forms by field. A key may name several
            fields, and ends in ``?`` if they may all be missing.
        name: the name of the value in the error.

    Raises:
        KeyError: a field is missing.
        ValueError: a value is of another type, or out of bounds.

    >>> check({"nats": 1.5, "curve": []}, {"nats se": float, "curve": [[float, float]]})
    Traceback (most recent call last):
    KeyError: 'se'
    """
    match form:
        case dict():
            _check_fields(value, form, name)
        case list():
            _check_items(value, form, name)
        case (None, inner):
            if value is not None:
                check(value, inner, name)
        case _:
            if not _fits(value, form):
                raise _wrong(value, name)


def _check_fields(value: object, form: Mapping[str, object], name: str) -> None:
    """Check the fields of a JSON object; other fields may have any value."""
    if not isinstance(value, dict):
        raise _wrong(value, name)
    for key, inner in form.items():
        fields = key.removesuffix("?").split()
        if key.endswith("?") and not any(field in value for field in fields):
            continue
        for field in fields:
            check(value[field], inner, field)


def _check_items(value: object, form: Sequence[object], name: str) -> None:
    """Check the items of a list."""
    if not isinstance(value, list):
        raise _wrong(value, name)
    forms = [form[0]] * len(value) if len(form) == 1 else form
    if len(value) != len(forms):
        raise _wrong(value, name)
    for item, inner in zip(value, forms, strict=True):
        check(item, inner, name)


def _fits(value: Any, form: Any) -> bool:  # noqa: ANN401 (any JSON, any form)
    """Whether a value has a type or is in a range or a set; true and false are not numbers."""
    if isinstance(form, range):
        return type(value) is int and value in form
    if isinstance(form, set):
        return isinstance(value, str) and value in form
    if form is float:
        return type(value) in (int, float) and abs(value) <= sys.float_info.max
    return isinstance(value, form)


def _wrong(value: object, name: str) -> ValueError:
    """The error for a value of another form, which shows the value as it stands in the file."""
    return ValueError(f"{name} cannot be {json.dumps(value, ensure_ascii=False)[:50]}")
