"""A Sphinx extension: links to the other language, links outside Sphinx, search in Chinese."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.search import SearchLanguage

from website.sources import pages

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["ChineseSearch", "setup"]

_CHINESE = "\u3400-\u9fff"


class ChineseSearch(SearchLanguage):
    """Index Chinese text by pairs of characters, so that no dictionary of words is needed."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = (
        "function splitQuery(query) {\n"
        "  const runs = query.match(/[\\u3400-\\u9fff]+|[\\p{L}\\p{N}_]+/gu) || [];\n"
        "  return runs.flatMap(run => {\n"
        "    if (!/[\\u3400-\\u9fff]/.test(run)) return [run];\n"
        "    const signs = [...run];\n"
        "    return signs.length < 2 ? signs : signs.slice(1).map((s, i) => signs[i] + s);\n"
        "  });\n"
        "}\n"
    )

    def split(self, input: str) -> list[str]:
        """The words of other scripts, and each pair of neighbouring Chinese characters.

        >>> ChineseSearch({}).split("判别器 D 的 logit")
        ['判别', '别器', 'D', '的', 'logit']
        """
        found: list[str] = []
        for run in re.findall(rf"[{_CHINESE}]+|[^\W{_CHINESE}]+", input):
            is_chinese = re.match(rf"[{_CHINESE}]", run) and len(run) > 1
            found += [run[i : i + 2] for i in range(len(run) - 1)] if is_chinese else [run]
        return found

    def word_filter(self, word: str) -> bool:
        """Keep every word."""
        return True

    def stem(self, word: str) -> str:
        """The word in lower case."""
        return word.lower()


def _open_links_outside_sphinx(app: "Sphinx", doctree: nodes.document, name: str) -> None:
    """Turn ``site:../en/x.html`` into ``../en/x.html``, a file that another build makes."""
    for reference in doctree.findall(nodes.reference):
        uri = reference.get("refuri", "")
        if uri.startswith("site:"):
            reference["refuri"] = uri.removeprefix("site:")


_OUTPUT = {"en": "Output of the cell above: ", "zh_CN": "上面代码的输出："}


def _describe_outputs(app: "Sphinx", doctree: nodes.document, name: str) -> None:
    """Describe each picture of a notebook by its section; Sphinx would read its path out."""
    for picture in doctree.findall(nodes.image):
        parents = list(_parents(picture))
        if any("cell_output" in parent.get("classes", ()) for parent in parents):
            sections = [p for p in parents if isinstance(p, nodes.section)]
            heading = sections[0].next_node(nodes.title) if sections else None
            title = heading.astext() if heading else ""
            picture["alt"] = _OUTPUT[app.config.language or "en"] + title


def _parents(node: nodes.Element) -> Iterator[nodes.Element]:
    """The elements around a node, nearest first."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _link_to_the_other_language(
    app: "Sphinx", name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Give the page's template the address of the same page in the other language."""
    language = os.environ.get("ADVNETS_SITE_LANGUAGE", "en")
    other = "zh-CN" if language == "en" else "en"
    names = {page.name for page in pages() if page.language == other}
    up = "../" * (name.count("/") + 1)
    target = name if name in names else "index"
    context["other_language"] = other
    context["other_language_url"] = f"{up}{other}/{target}.html"
    context["other_language_has_page"] = name in names


_LITERAL = re.compile(r"(``.*?``|`[^`]*`|\*\*\S.*?\S\*\*|(?<!\w)\*\w[^*]*\*(?!\w))")


def escape_docstring(lines: list[str]) -> list[str]:
    r"""A docstring's lines with |x|, D* and a_ escaped, which Sphinx would take for markup.

    >>> escape_docstring(["|D − D*| of *all* ``a*b``", ">>> 2 * |3|"])
    ['\\|D − D\\*\\| of *all* ``a*b``', '>>> 2 * |3|']
    """
    found, in_doctest, in_listing = [], False, False
    for line in lines:
        in_listing = line.endswith("::") or (in_listing and (not line or line.startswith(" ")))
        in_doctest = line.lstrip().startswith(">>>") or (in_doctest and bool(line.strip()))
        bullet, text = re.match(r"(\s*\* )?(.*)", line).groups("")  # type: ignore[union-attr]
        parts = _LITERAL.split(text)
        if not in_doctest and not in_listing:
            parts[::2] = [re.sub(r"[|*]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
        found.append(bullet + "".join(parts))
    return found


def mark_listings(lines: list[str]) -> list[str]:
    """A module's docstring with ``::`` before an indented listing, which is shown as it is.

    >>> mark_listings(["A run:", "", "    RUN/a.json   b", "", "Then."])
    ['A run:', '', '::', '', '    RUN/a.json   b', '', 'Then.']
    """
    found: list[str] = []
    last = "::"
    for line in lines:
        begins = line.startswith("    ") and not last.startswith(" ") and not last.endswith("::")
        found += ["::", "", line] if begins and not found[-1] else [line]
        last = line or last
    return found


def _escape_docstrings(
    app: "Sphinx", what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Sphinx's event: change a docstring before it is read."""
    lines[:] = escape_docstring(mark_listings(lines) if what == "module" else lines)


def _skip_names_of_other_modules(
    app: "Sphinx", what: str, name: str, thing: object, skip: bool, options: object
) -> bool | None:
    """Sphinx's event: document a name only in the module that defines it."""
    module = getattr(thing, "__module__", None) or ""
    if what != "module" or not module.startswith("adversarial_nets"):
        return None
    return True if module != app.env.current_document.autodoc_module else None


_TEXTS = {
    "On this page": "本页目录",
    "Skip to content": "跳到正文",
    "Back to top": "返回顶部",
    "Contents": "目录",
    "Toggle site navigation sidebar": "打开或关闭导航栏",
    "Toggle table of contents sidebar": "打开或关闭本页目录",
    "Made with ": "使用 ",
    "Next": "下一页",
    "Previous": "上一页",
    "Home": "首页",
    "Search": "搜索",
}
"""Furo's texts in Chinese, which neither Furo nor Sphinx translates."""


def _translate_the_theme(app: "Sphinx") -> None:
    """Use `_TEXTS` in the templates of the Chinese pages."""
    if app.config.language != "zh_CN":
        return
    sphinx = app.translator
    app.builder.templates.environment.install_gettext_callables(
        lambda text: _TEXTS.get(text) or sphinx.gettext(text), sphinx.ngettext, newstyle=True
    )


def _list_only_shown_sources(app: "Sphinx", env: object) -> None:
    """Sphinx's event: keep modules without a page of their source out of the list of sources."""
    sources = getattr(env, "_viewcode_modules", {})
    for name in [name for name, entry in sources.items() if not entry]:
        del sources[name]


def setup(app: "Sphinx") -> Mapping[str, Any]:
    """Register the extension."""
    app.add_search_language(ChineseSearch)
    if "sphinx.ext.autodoc" in app.extensions:
        app.connect("autodoc-process-docstring", _escape_docstrings, priority=400)
        app.connect("autodoc-skip-member", _skip_names_of_other_modules)
        app.connect("env-updated", _list_only_shown_sources, priority=900)
    app.connect("builder-inited", _translate_the_theme)
    app.connect("doctree-resolved", _open_links_outside_sphinx)
    app.connect("doctree-resolved", _describe_outputs)
    app.connect("html-page-context", _link_to_the_other_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
