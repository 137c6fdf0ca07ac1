"""A page of HTML as tests look at it."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "source", "br"}
"""Elements that have no end tag."""

INLINE = {"span", "a", "code", "strong", "sub", "cite", "small", "b", "em"}
"""Elements within a line."""

_END = "\0"


class Page(HTMLParser):
    """A page's elements in order, its text, and a check that every tag is closed.

    Attributes:
        html: the page.
        elements: tag and attributes of each.
        children: the classes of the children of each element, in order.
        text: the text of the page as it is without its script: in English.
        zh: the text of the page in Chinese, with ~ for code, equations and titles; a line for
            each paragraph, cell and so on.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.children: list[list[str]] = []
        self.open: list[tuple[str, str, list[str]]] = []
        self.words: list[str] = []
        self.words_zh: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join("".join(self.words).replace(_END, " ").split())
        lines = "".join(self.words_zh).split(_END)
        self.zh = "\n".join(" ".join(line.split()) for line in lines if line.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        kind = dict(attrs).get("class") or ""
        if self.open:
            self.open[-1][2].append(kind)
        if tag not in VOID:
            self.open.append((tag, kind, []))
            self.children.append(self.open[-1][2])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag
        if tag not in INLINE:
            self.words.append(_END)
            self.words_zh.append(_END)

    def handle_data(self, data: str) -> None:
        tags = {tag for tag, _, _ in self.open}
        languages = {kind.split()[-1] for _, kind, _ in self.open if kind}
        if "zh" not in languages and not tags & {"style", "script"}:
            self.words.append(data)
        if "en" not in languages and not tags & {"style", "script", "title"}:
            is_kept = tags & {"code", "pre", "cite"} or "equation" in languages
            self.words_zh.append("~" if is_kept else data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element with this tag."""
        return [attributes for name, attributes in self.elements if name == tag]
