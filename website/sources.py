"""Which files of the project become pages of the site, and how their links are rewritten.

Each language has its own folder of pages, ``en/`` and ``zh-CN/``. A Chinese page is the file with
``.zh-CN`` in its name, in the folder of the English one. A link leads to the page of the same
language if it exists, otherwise to the English page. Links to Python modules lead to their
highlighted source.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

__all__ = [
    "LANGUAGES",
    "PICTURES",
    "ROOT",
    "Language",
    "Page",
    "copied_name",
    "join_chinese_lines",
    "keep_errors_with_numbers",
    "pages",
    "rewrite_links",
    "split_code",
]

ROOT = Path(__file__).parent.parent
Language = Literal["en", "zh-CN"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
PICTURES = (".png", ".gif", ".svg")

_TOP = {"README": "readme", "CONTRIBUTING": "contributing", "CHANGELOG": "changelog"}
_PACKAGE = "src/adversarial_nets/"


@dataclass(frozen=True)
class Page:
    """One page of one language.

    Attributes:
        source: the Markdown file, relative to the project's folder.
        name: the page's address in the folder of its language, without ``.html``.
        language: the language of its text.
    """

    source: PurePosixPath
    name: str
    language: Language


def pages(root: Path = ROOT) -> list[Page]:
    """All pages that are not generated, in both languages."""
    files = [root / f"{name}{suffix}.md" for name in _TOP for suffix in ("", ".zh-CN")]
    files += [root / "results" / "README.md", *root.glob("docs/**/*.md")]
    files += root.glob("notebooks/**/*.md")
    files += root.glob("website/pages/**/*.md")
    return sorted(
        (_page(PurePosixPath(f.relative_to(root).as_posix())) for f in files if f.exists()),
        key=lambda page: (page.language, page.name),
    )


def _page(source: PurePosixPath) -> Page:
    """The page that is made from a file.

    >>> _page(PurePosixPath("docs/theory/optimum.zh-CN.md")).name
    'theory/optimum'
    """
    stem = str(source.with_suffix(""))
    language: Language = "zh-CN" if stem.endswith(".zh-CN") else "en"
    stem = stem.removesuffix(".zh-CN")
    if stem.startswith("website/pages/"):
        language, _, stem = stem.removeprefix("website/pages/").partition("/")  # type: ignore[assignment]
    if stem == "results/README":
        stem = "results-files"
    return Page(source, _TOP.get(stem, stem.removeprefix("docs/")), language)


# --- Links ----------------------------------------------------------------------------------------

_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1`*$", re.S | re.M)
_LINK = re.compile(r"(?P<open>!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()(?P<target>[^)\s]+)(?P<close>\))")
_IMAGE = re.compile(r'(?P<open><img[^>]*src=")(?P<target>[^"]+)(?P<close>")')


def rewrite_links(
    text: str, page: Page, all_pages: list[Page], on_file: Callable[[PurePosixPath], None]
) -> str:
    """The page's text with links and pictures as they are on the site.

    Args:
        text: the text of the page's source.
        page: the page.
        all_pages: every page, in every language.
        on_file: called with each file of the project that the page links to and that is not a page;
            the file must be copied into the site.
    """
    by_source = {p.source: p for p in all_pages}
    by_name = {(p.name, p.language): p for p in all_pages}

    def address(found: re.Match[str]) -> str:
        target = found["target"]
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return found[0]
        path, hash_sign, heading = target.partition("#")
        source = PurePosixPath(os.path.normpath(page.source.parent / path))
        other = by_source.get(source)
        if other is None and source.is_relative_to("website/pages"):
            other = _page(source)  # a page that is generated
        if other is not None:
            twin = by_name.get((other.name, page.language), other)
            anchor = hash_sign + heading
            if twin.source not in (source, page.source):
                other, anchor = twin, ""  # headings differ between the languages
            new = _to_page(page, other) + anchor
        elif source.suffix in PICTURES:
            on_file(source)
            new = _relative(page.name, str(source).removeprefix("docs/"))
        else:
            new = _to_file(page, source, on_file)
        return found["open"] + new + found["close"]

    return "".join(
        part if is_code else _IMAGE.sub(address, _LINK.sub(address, part))
        for part, is_code in split_code(text)
    )


def split_code(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a text, and whether each is a fenced block of code."""
    end = 0
    for block in _FENCE.finditer(text):
        yield text[end : block.start()], False
        yield block[0], True
        end = block.end()
    yield text[end:], False


def join_chinese_lines(text: str) -> str:
    r"""The text without line ends between Chinese characters, which browsers show as spaces.

    >>> join_chinese_lines("判别器\n与生成器，\nG 的样本\n\n下一段")
    '判别器与生成器，G 的样本\n\n下一段'
    """
    sign = r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef“”‘’《》]"
    mark = r"[，。；：、？！）」”\u3000]"
    parts = [
        part
        if is_code
        else re.sub(
            rf"(?<={sign})\n *(?={sign})|(?<={mark})\n *(?=[\w$`*\[])(?!\d+\. |\* )", "", part
        )
        for part, is_code in split_code(text)
    ]
    return "".join(parts)


def keep_errors_with_numbers(text: str) -> str:
    r"""The text with no-break spaces around ±, except in code.

    >>> keep_errors_with_numbers("201.7 ± 4.9, `a ± b`")
    '201.7\xa0±\xa04.9, `a ± b`'
    """
    parts = [
        part if is_code else re.sub(r"(`[^`]*`)| ± ", lambda m: m[1] or "\u00a0±\u00a0", part)
        for part, is_code in split_code(text)
    ]
    return "".join(parts)


def _to_page(page: Page, other: Page) -> str:
    """A link from one page to another: to its source, or in another language to its address."""
    if other.language == page.language:
        return _relative(page.name, f"{other.name}.md")
    return "site:" + _relative(
        f"{page.language}/{page.name}", f"{other.language}/{other.name}.html"
    )


def _to_file(page: Page, source: PurePosixPath, on_file: Callable[[PurePosixPath], None]) -> str:
    """A link to a file that is not a page: a module's source, a package's reference, or a copy."""
    here, path = f"{page.language}/{page.name}", str(source)
    if path.startswith(_PACKAGE) and source.suffix == ".py" and _has_source_page(ROOT / source):
        module = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        return "site:" + _relative(here, f"en/_modules/{module}.html")
    if path.startswith(_PACKAGE) and (ROOT / source).is_dir():
        return "site:" + _relative(here, f"en/api/{source.name}.html")
    on_file(source)
    return "site:" + _relative(here, f"files/{copied_name(source)}")


def _has_source_page(module: Path) -> bool:
    """Whether Sphinx shows the module's source: it documents a function or class of it."""
    definitions = re.findall(r"^(?:def|class) (\w+)", module.read_text(encoding="utf-8"), re.M)
    public = re.findall(r"^__all__ = \[(.*?)\]", module.read_text(encoding="utf-8"), re.M | re.S)
    return bool(public) and any(f'"{name}"' in public[0] for name in definitions)


def copied_name(source: PurePosixPath) -> str:
    """The name of a copied file: browsers display ``.txt`` and ``.json``."""
    return str(source) if source.suffix == ".json" else f"{source}.txt"


def _relative(page: str, target: str) -> str:
    """The path to a target from the folder of a page, both relative to the same folder."""
    return PurePosixPath(os.path.relpath(target, PurePosixPath(page).parent)).as_posix()
