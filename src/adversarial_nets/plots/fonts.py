"""Fonts for labels that the user wrote, for example class names in Chinese."""

import functools
from contextlib import suppress

import matplotlib
from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

__all__ = ["text_and_fonts"]

# Preferred fonts, in this order: fonts with Chinese, Japanese or Korean letters of Linux, Android,
# macOS and Windows. "Last Resort" draws a box for every letter.
_PREFERRED = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    *("PingFang SC", "PingFang HK", "Hiragino Sans GB", "Heiti SC", "Heiti TC", "STHeiti"),
    *("Microsoft YaHei", "SimHei", "SimSun", "Yu Gothic", "Malgun Gothic", "Arial Unicode MS"),
)
_BOXES = "Last Resort"


def text_and_fonts(text: str, instead: str) -> tuple[str, tuple[str, ...]]:
    """A text with font families that have all its letters, or another text if none has them.

    Args:
        text: a label.
        instead: the text to use if no installed font has the letters.

    Returns:
        The text to write, and the font families for it: the usual one comes first.
    """
    usual = tuple(matplotlib.rcParams["font.family"])
    missing = _missing(font_manager.findfont(FontProperties()), text)
    if not missing:
        return text, usual
    for name, path in _fonts():
        if not _missing(path, missing):
            return text, (*usual, name)
    return instead, usual


def _missing(path: str, text: str) -> str:
    """The letters that a font file does not have; all letters if it cannot be read."""
    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):
        return text
    return "".join(c for c in text if c != "\n" and not font.get_char_index(ord(c)))


@functools.cache
def _fonts() -> tuple[tuple[str, str], ...]:
    """Name and file of each installed font, the preferred ones first."""
    manager = font_manager.fontManager
    listed = {entry.fname for entry in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in listed:  # installed after matplotlib wrote its list
            with suppress(OSError, RuntimeError):
                manager.addfont(path)
    entries = [e for e in manager.ttflist if not e.name.startswith(_BOXES)]
    rank = {name: i for i, name in enumerate(_PREFERRED)}
    entries.sort(key=lambda e: (rank.get(e.name, len(rank)), e.name))
    return tuple((entry.name, entry.fname) for entry in entries)
