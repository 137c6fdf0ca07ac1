"""The web site: both languages, links, commands, results, formulas, search; one small build."""

import doctest
import importlib
import json
import re
from pathlib import Path, PurePosixPath
from unittest.mock import Mock

import pytest

pytest.importorskip("sphinx", reason="the extra [docs] is not installed")
pytest.importorskip("ziamath", reason="the extra [docs] is not installed")

from docutils import nodes
from docutils.utils import new_document

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.parsing import _option_names
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.evaluation.published import PUBLISHED
from documented import ROOT
from website import api, commands, math_svg, sphinx_extension
from website.build import build, write_sources
from website.check import problems
from website.filled import DOCUMENTS, filled
from website.league import REFERENCES, league_rows, league_table
from website.results import Tables, number, record
from website.sources import LANGUAGES, PICTURES, Language, Page, pages, rewrite_links

REPORTS = "src/adversarial_nets/report"
FOR_LEARNERS = {"index", "readme", "guide", "try", "results", "league", "commands"} | {
    *("playground", "teaching", "glossary"),
    *("installation", "command-line", "python", "scores", "contents"),
    *(f"theory/{page.stem}" for page in (ROOT / "docs" / "theory").glob("*[!N].md")),
    *(f"notebooks/{page.stem}" for page in (ROOT / "notebooks").glob("*[!N].md")),
}


@pytest.mark.parametrize("name", ["league", "math_svg", "results", "sources", "sphinx_extension"])
def test_examples_in_docstrings(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"website.{name}"))
    assert done.attempted
    assert not done.failed


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_for_learners_exists_in_both_languages(language: Language) -> None:
    assert len(FOR_LEARNERS) > 12
    assert {page.name for page in pages() if page.language == language} >= FOR_LEARNERS


def test_chinese_pages_are_written_in_chinese() -> None:
    for page in pages():
        text = re.sub(
            r"```.*?```", "", (ROOT / page.source).read_text(encoding="utf-8"), flags=re.S
        )
        chinese = len(re.findall(r"[\u3400-\u9fff]", text))
        if page.language == "zh-CN":
            assert chinese > len(text) / 8, page.source
        elif page.name not in ("glossary", "readme"):
            assert chinese < len(text) / 50, page.source


def names_of_generated_pages() -> set[str]:
    return {f"api/{name}" for name in api.modules()} | {
        commands.page_name(command) for command in COMMANDS.values()
    }


def test_every_link_of_every_page_leads_somewhere() -> None:
    everything = pages()
    names = {f"{page.language}/{page.name}" for page in everything}
    names |= {f"en/{name}" for name in names_of_generated_pages()}
    linked: list[PurePosixPath] = []
    count = 0
    for page in everything:
        text = (ROOT / page.source).read_text(encoding="utf-8")
        text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text)
        for target in re.findall(
            r"\]\(((?!https?:|#)[^)\s]+)\)", rewrite_links(text, page, everything, linked.append)
        ):
            count += 1
            there = target.removeprefix("site:").partition("#")[0]
            path = Path("/", page.language, page.name).parent / there
            where = str(path.resolve().relative_to("/"))
            if target.startswith("site:"):
                is_page = where.removesuffix(".html") in names
                assert is_page or where.startswith(("files/", "en/_modules/")), (page, target)
            elif path.suffix not in PICTURES:
                assert where.removesuffix(".md") in names, (page.source, target)
    assert count > 200
    for path in linked:
        assert (ROOT / path).exists(), path


def test_a_link_leads_to_the_same_language_and_code_to_its_source() -> None:
    everything = pages()
    page = Page(PurePosixPath("docs/theory/optimum.zh-CN.md"), "theory/optimum", "zh-CN")
    text = (
        "[a](../glossary.md) [b](../speed.md#in-bfloat16) [c](../../src/adversarial_nets/game.py) "
        "![d](../images/theory.png) [e](optimum.md)\n```\n[f](g.md)\n```\n"
    )
    assert rewrite_links(text, page, everything, lambda path: None) == (
        "[a](../glossary.md) [b](site:../../en/speed.html#in-bfloat16) "
        "[c](site:../../en/_modules/adversarial_nets/game.html) ![d](../images/theory.png) "
        "[e](site:../../en/theory/optimum.html)\n```\n[f](g.md)\n```\n"
    )


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_a_commands_page_has_all_its_options(command: Command) -> None:
    named = " ".join(option.name for option in commands.options(command))
    for name in _option_names(command.options):
        positional = name.upper().rstrip("S")
        assert f"--{name}" in named or positional in named, name
    assert all(option.help for option in commands.options(command))


def test_both_lists_of_commands_are_complete() -> None:
    chinese = (ROOT / "website/pages/zh-CN/commands.md").read_text(encoding="utf-8")
    for text in (commands.commands_list(), chinese):
        for command in COMMANDS.values():
            assert f"[`advnets {command.name}`]" in text
            assert f"{commands.page_name(command)}.md" in text


def test_tables_agree_with_the_records_and_the_documents() -> None:
    table = Tables("en").published_setting()
    written = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    for mean in ("201.7 ± 4.9", "208.7 ± 4.3", "219.3 ± 4.8", "223.9 ± 4.1", "213.4 ± 5.6"):
        assert mean in table
        assert mean in written
    rows = json.loads((ROOT / "results" / "table1.json").read_text(encoding="utf-8"))["rows"]
    for language in LANGUAGES:
        table1 = Tables(language).table1()
        assert table1.count("\n") == 2 + sum(row["dataset"] == "mnist" for row in rows)
        assert "211.6 ± 2.1" in table1
    assert "对抗网络，权重滑动平均" in Tables("zh-CN").table1()


def test_both_languages_of_a_page_show_the_same_tables() -> None:
    for page in (ROOT / "website" / "pages" / "en").glob("*.md"):
        chinese = page.parent.parent / "zh-CN" / page.name
        if chinese.exists():
            english_tables, chinese_tables = (
                re.findall(r"{{ tables.*?}}", file.read_text(encoding="utf-8"))
                for file in (page, chinese)
            )
            assert english_tables == chinese_tables


@pytest.mark.parametrize("claim", ["steps", "head-start", "helvetica", "gradients"])
def test_the_words_of_a_claims_table_are_translated(claim: str) -> None:
    header = Tables("zh-CN").claim(claim).splitlines()[0]
    assert not re.search(r"[a-z]{3}", header.replace("Parzen", ""))


# --- The league table -----------------------------------------------------------------------------


def recorded_scores() -> dict[tuple[str, str], list[float]]:
    """The scores of all files of ``advnets evaluate``, by data set and grid."""
    scores: dict[tuple[str, str], list[float]] = {}
    for path in (ROOT / "results").glob("*.json"):
        found = record(path.stem)
        if "parzen" in found:
            key = found["data"], found["parzen"]["grid"]
            scores.setdefault(key, []).append(found["parzen"]["nats"])
    return scores


def test_the_league_counts_every_recorded_score_once() -> None:
    assert len(recorded_scores()) >= 5
    for (data, grid), nats in recorded_scores().items():
        rows = league_rows(data, grid)
        runs = [row for row in rows if row.label[-1] in ("raw G", "averaged G")]
        runs = [row for row in runs if row.samples and "best checkpoint" not in row.label]
        assert sum(row.seeds or 0 for row in runs) == len(nats)
        total = sum(row.nats * (row.seeds or 0) for row in runs)
        assert total == pytest.approx(sum(nats))
        assert sorted(row.nats for row in rows) == [row.nats for row in rows][::-1]
        assert {row.label[0] for row in rows if row.is_reference} == set(REFERENCES)
        for language in LANGUAGES:
            page = ROOT / "website" / "pages" / language / "league.md"
            assert f'{{{{ league("{data}", "{grid}") }}}}' in page.read_text(encoding="utf-8")
    for row in record("table1")["rows"]:
        same = [
            r for r in league_rows(row["dataset"], row["grid"]) if abs(r.nats - row["nats"]) < 0.01
        ]
        assert len(same) == 1, row["model"]


def numbers_of(found: object) -> set[str]:
    """All numbers of a record as a table writes them, without curves, settings and classes."""
    if isinstance(found, dict):
        kept = [v for k, v in found.items() if k not in ("curve", "settings", "classes", "folds")]
        return set().union(*map(numbers_of, kept))
    if isinstance(found, list):
        return set().union(*map(numbers_of, found))
    if isinstance(found, str):
        return set(re.findall(r"\d[\d,]*\d", found))  # rounds, in notes
    return (
        {number(found, digits) for digits in (0, 1, 3)} if isinstance(found, int | float) else set()
    )


def of_data_set(data: str) -> list[object]:
    """All records of a data set's models and reference images."""
    everything = [record(path.stem) for path in (ROOT / "results").glob("*.json")]
    rows = [*record("table1")["rows"], *record("section7")["rows"]]
    return [
        *(found for found in everything if found.get("data") == data),
        *(row for row in rows if data in (row.get("dataset"), row.get("data"))),
    ]


@pytest.mark.parametrize(("data", "grid"), sorted(recorded_scores()))
def test_each_number_of_the_league_is_recorded_or_published(data: str, grid: str) -> None:
    recorded = numbers_of(of_data_set(data))
    published = {
        number(p.nats, 0) + (f" ± {p.se}" if p.se else "") for p in PUBLISHED.get(data, ())
    }
    header, _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in league_table(Tables("en"), data, grid).splitlines()
    )
    for cells in lines:
        row = dict(zip(header, (cell.strip("*") for cell in cells), strict=True))
        is_bold = {cell.startswith("**") for cell in cells if cell != "–"}
        assert is_bold == {row["model"] in REFERENCES}
        if (text := row.pop("published", "–")) != "–":
            assert text.partition(",")[0] in published
        if int(row.pop("seeds").replace("–", "1")) > 1:
            row.pop("score, nats")  # a mean over the seeds: another test
        for name in ("model", "seeds measured"):
            row.pop(name, None)
        for text in row.values():
            for one in re.split(r"[– ±]+", text):
                assert not one or one in recorded, (cells[0], text)


def test_means_over_seeds_and_both_languages_of_the_league() -> None:
    english, chinese = (league_table(Tables(language), "mnist", "paper") for language in LANGUAGES)
    for mean in ("201.7 ± 4.9", "219.3 ± 4.8", "213.4 ± 5.6", "221.8 ± 3.3", "225.0 ± 2.9"):
        assert f"| {mean} |" in english
        assert f"| {mean} |" in chinese
    assert "223.9 ± 4.1" in league_table(Tables("en"), "mnist", "fine")
    assert english.count("\n") == chinese.count("\n")
    names = r"`.*?`|k-means|bfloat16|epoch|PCA Gaussian|Theis|Fréchet"
    assert not re.search("[a-z]{4}", re.sub(names, "", chinese))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_holds_the_tables_of_the_records(document: str) -> None:
    """If this fails after a new record: ``python -m website.filled``."""
    text = (ROOT / document).read_text(encoding="utf-8")
    assert text.count("<!-- table ") == 3
    assert filled(text, "zh-CN" if ".zh-CN" in document else "en") == text
    with pytest.raises(ValueError, match="is not a table"):
        filled("<!-- table nothing -->\n<!-- end -->", "en")


@pytest.mark.parametrize("inline", [True, False])
def test_a_formula_is_a_picture_in_the_lines_size_and_mathml(inline: bool) -> None:
    html = math_svg.render(r"\log D(x) \le -\log 4", inline)
    assert "<path" in html
    assert "<math" in html
    assert re.search(r"width:[\d.]+em;height:[\d.]+em;vertical-align:-[\d.]+em", html)


def test_a_formula_keeps_the_signs_after_it_unless_it_is_long() -> None:
    paragraph = nodes.paragraph("", "", nodes.math("", "D^*"), nodes.Text("），而 G"))
    document = new_document("page")
    document += paragraph
    math_svg._attach_signs(Mock(), document, "page")
    assert paragraph.astext() == "D^*而 G"
    assert paragraph[0]["after"] == "），"
    for latex, is_whole in ((r"D^*", True), (" + ".join(["D(x)"] * 9), False)):
        translator = Mock(body=[])
        with pytest.raises(nodes.SkipNode):
            math_svg._visit_inline(translator, nodes.math("", latex, after="），"))
        (html,) = translator.body
        assert html.startswith('<span class="math-whole">') == is_whole
        assert re.sub("<.*?>", "", html).endswith("），")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_picture_of_a_notebook_is_described_by_its_section(language: str) -> None:
    document = new_document("page")
    cell = nodes.container("", nodes.image(uri="_images/1a.png"), classes=["cell_output"])
    section = nodes.section("", nodes.title("", "Modes"), cell)
    document += nodes.section("", nodes.title("", "Page"), section, nodes.image(uri="a.png"))
    app = Mock(**{"config.language": language})
    sphinx_extension._describe_outputs(app, document, "page")
    of_cell, other = document.findall(nodes.image)
    assert re.fullmatch("(Output of the cell above: |上面代码的输出：)Modes", of_cell["alt"])
    assert "alt" not in other


@pytest.mark.parametrize(
    "file",
    [*(ROOT / "website/theme/interactive").glob("*.html"), *(ROOT / REPORTS).rglob("*.html")],
    ids=lambda file: file.name,
)
def test_chinese_texts_in_templates_have_no_space_from_a_line_end(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"[，。；：、？！（）]\n\s*(?!{[%{]-)[^\s<]", text)
    assert not re.search(r"[\u3400-\u9fff]\n\s*[\u3400-\u9fff]", text)


def test_the_search_in_chinese_finds_parts_of_words_in_both_implementations() -> None:
    language = sphinx_extension.ChineseSearch({})
    assert language.split("最优判别器") == ["最优", "优判", "判别", "别器"]
    assert "signs[i] + s" in language.js_splitter_code  # the same pairs


def test_sources_are_written_only_when_they_change(tmp_path: Path) -> None:
    write_sources("zh-CN", tmp_path / "sources", tmp_path / "out")
    page, stale = tmp_path / "sources" / "guide.md", tmp_path / "sources" / "old.md"
    before = page.stat().st_mtime_ns
    sources = [p.read_text(encoding="utf-8") for p in (tmp_path / "sources").rglob("*.md")]
    tags = re.findall(r":tags: \[check.*", "\n".join(sources))
    assert set(tags) == {":tags: [check, hide-input, remove-output]"}  # no errors nobody made
    assert not any(" ± " in re.sub(r"(?s)```.*?```|`[^`]*`", "", text) for text in sources)
    stale.write_text("# Old\n")
    write_sources("zh-CN", tmp_path / "sources", tmp_path / "out")
    assert page.stat().st_mtime_ns == before
    assert not stale.exists()


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html">b</a><a href="#x">x</a><h1 id="y"></h1><a href="https://e.org">e</a>'
        '<script src="https://e.org/s.js"></script><img src="p.png"><a href="a.html#y">y</a>'
    )
    (tmp_path / "s.css").write_text('a { background: url("https://e.org/i.png") }')
    assert problems(tmp_path) == [
        "a.html loads https://e.org/s.js from another server",
        "a.html: b.html does not exist",
        "a.html: #x does not have this heading",
        "a.html: p.png does not exist",
        "s.css loads https://e.org/i.png from another server",
    ]


def test_a_small_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Chinese pages: Sphinx warns of nothing, and links, pictures and code are there."""
    monkeypatch.setattr("website.build.WORK", tmp_path / "work")
    site = tmp_path / "site"
    build(site, ("zh-CN",), notebooks="off")
    assert problems(site, outside=("en", "try")) == []
    page = (site / "zh-CN" / "theory" / "optimum.html").read_text(encoding="utf-8")
    assert 'href="../../en/theory/optimum.html"' in page  # the other language
    assert page.count('<div class="math-block"') == 3
    assert page.count("highlight-python") == 5
    assert "本页目录" in page
    assert re.search('<span class="math-whole"><span class="math">.*?[，。；：、]</span>', page)
    notebook = (site / "zh-CN" / "notebooks" / "05-saturation.html").read_text(encoding="utf-8")
    assert "显示代码" in notebook
    assert "Show code" not in notebook
    league = (site / "zh-CN" / "league.html").read_text(encoding="utf-8")
    assert league.count('<div class="league docutils container">') == len(recorded_scores())
    assert '<script src="_static/league.js" defer></script>' in league
    index = (site / "zh-CN" / "searchindex.js").read_text(encoding="utf-8")
    assert json.dumps("最优") in index
