"""Check a built site: links, headings, pictures, and that no page loads from another server."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["problems"]

_LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}
"""Addresses that a browser loads without a click: the attribute with the address, by tag."""

_NOT_LOADED = ("next", "prev", "index", "search", "canonical", "author", "copyright", "top")
"""Relations of ``<link>`` that no browser loads."""


@dataclass
class _Parsed(HTMLParser):
    """The names and links of one page.

    Attributes:
        names: the targets of links in the page, by ``id`` or ``name``.
        links: the addresses to which the page links.
        loaded: the addresses that a browser loads with the page.
    """

    names: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the names and links of one tag."""
        values = {name: value for name, value in attrs if value is not None}
        self.names |= {values[key] for key in ("id", "name") if key in values}
        address = values.get(_LOADED.get(tag, ""))
        if address is not None and not (tag == "link" and values.get("rel") in _NOT_LOADED):
            self.loaded.append(address)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def problems(site: Path, outside: tuple[str, ...] = ()) -> list[str]:
    """Return the errors of a site, one line each.

    Args:
        site: the folder of the site.
        outside: names of folders in it that are not built yet; links there are not checked.
    """
    pages = {path.resolve(): _read(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        found += [
            f"{name} loads {address} from another server"
            for address in page.loaded
            if urlsplit(address).scheme not in ("", "data") or address.startswith("//")
        ]
        for address in [*page.links, *page.loaded]:
            wrong = _wrong(address, path, pages, [(site / folder).resolve() for folder in outside])
            if wrong:
                found.append(f"{name}: {wrong}")
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        found += [
            f"{style.relative_to(site)} loads {address} from another server"
            for address in re.findall(r"(?:url\(|@import)\s*[\"']?(https?:[^\"')]*)", text)
        ]
    return found


def _read(path: Path) -> _Parsed:
    parsed = _Parsed()
    parsed.feed(path.read_text(encoding="utf-8"))
    return parsed


def _wrong(address: str, path: Path, pages: dict[Path, _Parsed], outside: list[Path]) -> str | None:
    """The error of a link of a page, or None."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if any(target.is_relative_to(folder) for folder in outside):
        return None
    if not target.exists():
        return f"{address} does not exist"
    heading = unquote(parts.fragment)
    if heading and target in pages and heading not in pages[target].names:
        return f"{address} does not have this heading"
    return None
