"""READMEs and guides: one screen, both languages alike, Algorithm 1 exactly as `game.py` has it."""

import inspect
import re
from pathlib import Path

import pytest

from adversarial_nets.game import algorithm_1

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["docs/guide.md", "docs/guide.zh-CN.md"])
def test_algorithm_1_is_the_code(page: str) -> None:
    blocks = re.findall(r"^```py\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.M)
    assert blocks == [inspect.getsource(algorithm_1)]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_one_screen(readme: str) -> None:
    lines = (ROOT / readme).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    shown = [re.sub(r"\]\([^)]*\)|[\[*`]", "", line) for line in lines if line.startswith("|")]
    assert max(map(len, shown)) <= 120


def scores(readme: str) -> list[list[str]]:
    """The numbers of each row of the table of scores."""
    rows = re.findall(r"^\|[^|]*\|([^|]*\|[^|]*)\|$", readme, re.M)
    return [re.findall(r"[\d.]+(?: ± [\d.]+)?", row) for row in rows]


TRANSLATED = sorted(
    str(page.relative_to(ROOT)).removesuffix(".zh-CN.md")
    for folder in ("", "docs", "docs/theory", "notebooks")
    for page in (ROOT / folder).glob("*.zh-CN.md")
    if not page.name[0].isdigit()  # notebooks have their own test
)
MORE_IN_CHINESE = ("docs/guide", "docs/your-own-images")  # they explain the English output


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_have_the_same_content(page: str) -> None:
    """The same commands, links, pictures, headings and scores; only the language differs."""
    # A Chinese page, where there is one, is NAME.zh-CN.md.
    english, chinese = (
        (ROOT / f"{page}{end}.md").read_text(encoding="utf-8").replace(".zh-CN.md", ".md")
        for end in ("", ".zh-CN")
    )
    patterns = [
        r"^ {4}((?:advnets|make|uvx?|git) [^#\n]*[^#\s])",  # commands
        r"!\[[^\]]*\]\(([\w./-]+?)(?:\.en|\.zh)?\.(?:png|gif)\)",  # pictures
        r"^\[(?:简体中文|English)\]\((.*)\)$",  # the link to the other language
    ]
    if page not in MORE_IN_CHINESE:
        patterns.append(r"\]\(([^):]*\.(?:md|py)[^):]*)\)")  # links to pages and code
        patterns.append(r"^(##+) ")  # headings below the title
    for pattern in patterns:
        assert re.findall(pattern, english, re.M) == re.findall(pattern, chinese, re.M)
    if page in ("README", "docs/scores"):
        assert scores(english) == scores(chinese)
        assert ["225 ± 2", "202 ± 5"] in scores(english)


def anchor(heading: str) -> str:
    """The name by which a link reaches a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_links_to_headings_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("results/*.md")]
    links = [
        (page, page.parent / file if file else page, heading)
        for page in pages
        for file, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text())
    ]
    assert links
    for page, target, heading in links:
        headings = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
        assert heading in map(anchor, headings), f"{page.name}: {target.name}#{heading}"
