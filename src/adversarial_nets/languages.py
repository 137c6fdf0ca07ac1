"""Texts in English and in Chinese, for the playground and the reports."""

from collections.abc import Mapping
from typing import Literal

__all__ = ["Language", "Text", "same", "text"]

Language = Literal["en", "zh"]

Text = Mapping[Language, str]
"""A text in each language."""


def text(en: str, zh: str) -> Text:
    """A text in both languages."""
    return {"en": en, "zh": zh}


def same(words: str) -> Text:
    """Use the same text (a name, number or command) in both languages."""
    return {"en": words, "zh": words}
