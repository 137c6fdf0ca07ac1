"""The READMEs print Algorithm 1 exactly as `game.py` has it; links to headings work."""

import inspect
import re
from pathlib import Path

import pytest

from adversarial_nets.game import algorithm_1

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_algorithm_1_is_the_code(readme: str) -> None:
    blocks = re.findall(r"^```py\n(.*?)^```$", (ROOT / readme).read_text(), re.DOTALL | re.M)
    assert blocks == [inspect.getsource(algorithm_1)]


def scores(readme: str) -> list[list[str]]:
    """The numbers of each row of the table of scores."""
    rows = re.findall(r"^\|[^|]*\|([^|]*\|[^|]*)\|$", readme, re.M)
    return [re.findall(r"[\d.]+(?: ± [\d.]+)?", row) for row in rows]


def test_both_readmes_have_the_same_content() -> None:
    """The same commands, links, headings and scores; only the language differs."""
    english, chinese = ((ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md"))
    for pattern in (
        r"^ {4}(advnets [^#\n]*[^#\s])",  # commands
        r"\]\(((?:docs|results|src)/[^)]*\.(?:md|py)[^)]*)\)",  # links to pages and code
        r"^(#+) ",  # headings
    ):
        found = re.findall(pattern, english, re.M)
        assert found
        # A Chinese page, where there is one, is NAME.zh-CN.md.
        assert found == re.findall(pattern, chinese.replace(".zh-CN.md", ".md"), re.M)
    assert ["225 ± 2", "202 ± 5"] in scores(english)
    assert scores(english) == scores(chinese)


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
