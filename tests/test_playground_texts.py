"""The page's texts in both languages, its glossary, and its colours."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")

from adversarial_nets.objectives import OBJECTIVES
from adversarial_nets.playground import messages
from adversarial_nets.playground.boards import figures_json
from adversarial_nets.playground.boards.style import THEMES
from adversarial_nets.playground.glossary import GLOSSARY
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.page import CONTROLS, WEB_FOLDER, render
from adversarial_nets.playground.words import WORDS, Language
from adversarial_nets.training.diagnostics import PROBLEMS
from small_playground import new_session

# --- Texts ----------------------------------------------------------------------------------------

NAMES = (
    r"advnets playground RUN|advnets play DATA|JavaScript|"
    r"Helvetica|Adam|SGD|ReLU|Sigmoid|Maxout|Wasserstein|NaN|MNIST|CSV|Python|English|"
    r"JSD|KL|logit|log|arXiv:[\d.]+|BiGAN|ALI|R3GAN|Pearson|sigmoid|sign|arg|min|max|"
    r"p_data|p_g|p_z|[DGVNRkmzx]\b|\{\w+\}"
)


def test_chinese_texts_contain_no_english() -> None:
    for name, translations in WORDS.items():
        left = re.sub(NAMES, "", translations["zh"])
        assert not re.search("[A-Za-z]{2,}", left), (name, left)
        placeholders = [
            set(re.findall(r"\{(\w+)\}", text)) - {"detail"} for text in translations.values()
        ]
        assert placeholders[0] == placeholders[1], name


def test_every_metric_diagnosis_and_setting_has_a_text() -> None:
    metrics = {n for d in ("gaussian", "grid", "zero-width-ring") for n in metrics_of(d)}
    wanted = {f"metric {name}" for name in metrics | {"spread"}}
    wanted |= {f"problem {name}" for name in ("none", "early", *PROBLEMS)} | {
        f"setting {c.setting}" for c in CONTROLS
    }
    assert wanted <= WORDS.keys()


def metrics_of(data: str) -> dict[str, Any]:
    metrics: dict[str, Any] = new_session(data).slots[0].message(-1)["metrics"]
    return metrics


@pytest.mark.parametrize(
    ("data", "lang", "theme"),
    [("gaussian", "en", "light"), ("grid", "zh", "dark"), ("zero-width-ring", "en", "dark")],
)
def test_the_figures_of_a_game(data: str, lang: Language, theme: str) -> None:
    slot = new_session(data).slots[0]
    figures = figures_json(slot.kind.name, slot.evaluator, 0, lang, theme)
    assert set(figures) == {"main", "chart", "metric"}
    assert all(figure["target_id"] == f"{name}-0" for name, figure in figures.items())
    for name in ("chart", "metric"):
        assert WORDS["round"][lang] in json.dumps(figures[name], ensure_ascii=False)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_rendered_in_one_language(lang: Language) -> None:
    page = render(lang, "gaussian", latent=True)
    assert WORDS["settings"][lang] in page
    assert WORDS["settings"]["zh" if lang == "en" else "en"] not in re.sub(
        "<script.*?</script>", "", page
    )
    assert "http://" not in page
    assert "https://" not in page


def test_the_page_offers_an_objective_that_a_program_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(OBJECTIVES, "of a program", OBJECTIVES["hinge"])
    fresh = render.__wrapped__  # without its cache
    assert ">of a program</option>" in fresh("en", "gaussian", latent=False)


TEXT_CALL = r'\btext\("([^"]+)"[,)]'


def test_every_text_that_the_page_uses_exists() -> None:
    pages = [path.read_text() for path in WEB_FOLDER.iterdir()]
    used = {name for page in pages for name in re.findall(TEXT_CALL, page)}
    used |= {name for page in pages for name in re.findall('data-template="([^"{]+)"', page)}
    assert len(used) >= 80
    assert used <= WORDS.keys()


def test_every_error_has_a_text() -> None:
    modules = Path(messages.__file__).parent.glob("*.py")
    found = {
        reason
        for module in modules
        for reason in re.findall(r'(?:RequestError|_send_error)\("([^"]+)"', module.read_text())
    }
    assert len(found) > 12
    assert {f"error {reason}" for reason in found} <= WORDS.keys()


# --- Colours --------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """The relative luminance of a colour #rrggbb (WCAG 2)."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", list(THEMES))
def test_a_projector_shows_the_colours_of_the_heat_map(name: str) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    theme = THEMES[name]
    low, middle, high = theme.heat
    for end in (low, high):
        assert contrast(end, middle) >= 3
        assert contrast(end, theme.ink) >= 3  # the data are visible on it
    assert contrast(low, high) >= 1.4  # also without their hues
    # Samples and arrows have an edge of the middle colour.
    for color in (theme.ink, theme.G, theme.D, theme.gradient):
        assert contrast(color, middle) >= 3
    css = (WEB_FOLDER / "page.css").read_text()
    root = ":root" if name == "light" else ':root[data-theme="dark"]'
    rules = css.split(f"{root} {{")[1].split("}")[0]
    values = dict(re.findall(r"--([\w-]+): (#\w+);", rules))
    assert (values["heat-G"], values["card"], values["heat-D"]) == theme.heat
    assert (values["D"], values["gradient"]) == (theme.D, theme.gradient)


def test_texts_of_the_interactive_pages_have_enough_contrast() -> None:
    """WCAG 2.1, 1.4.3; D* is a line and needs less (1.4.11)."""
    root = Path(__file__).parent.parent
    css = (root / "website/theme/interactive/shared.css").read_text(encoding="utf-8")
    themes = [dict(re.findall(r"--(\w+): (#\w+);", rule)) for rule in css.split("@media")[:2]]
    assert len(themes) == 2
    for theme in themes:
        for name in ("text", "quiet", "data", "G", "D", "accent", "gradient"):
            assert contrast(theme[name], theme["paper"]) >= 4.5, name
    figure1 = files("adversarial_nets.report").joinpath("figure1.html").read_text(encoding="utf-8")
    (opacity,) = map(float, re.findall(r"\.D-star {.*?opacity: ([.\d]+);", figure1))
    for rule in figure1.split("@media screen")[:2]:
        theme = dict(re.findall(r"--(\w+): (#\w+);", rule))
        line, paper = (bytes.fromhex(theme[name][1:]) for name in ("D", "paper"))
        mixed = [round(opacity * a + (1 - opacity) * b) for a, b in zip(line, paper, strict=True)]
        assert contrast("#" + bytes(mixed).hex(), theme["paper"]) >= 3


# --- Glossary -------------------------------------------------------------------------------------


def test_terms_have_the_meaning_that_the_glossary_gives() -> None:
    docs = Path(__file__).parent.parent / "docs"
    for lang, file in (("en", "glossary.md"), ("zh", "glossary.zh-CN.md")):
        rows = [re.split(r"\s*\|\s", line) for line in (docs / file).read_text().splitlines()]
        meanings = {
            re.sub("[（(].*", "", row[1]).strip(): row[-1][:-2] for row in rows if len(row) > 3
        }
        for term, meaning in GLOSSARY:
            assert meanings[term[lang]] == meaning[lang]  # type: ignore[index]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_lesson_and_board_names_terms_and_a_formula(lang: Language) -> None:
    terms = {term[lang] for term, _ in GLOSSARY}
    names = [*(f"about {name}" for name in LESSONS), "look line", "look plane", "look images"]
    for name in names:
        words = WORDS[name][lang]
        lines = words.split("\n")
        assert 3 <= len(lines) <= 5, name
        formulas = [line for line in lines if line.startswith("= ")]
        assert formulas, name
        assert not re.search("[ₐ-ₜ₀-₉]", "".join(formulas)), name  # a Chinese font draws ∇ₓ as ∇×
        used = re.findall(r"\[\[(?:[^]|]+\|)?([^]|]+)\]\]", words)
        assert used, name
        for term in used:
            assert term in terms or term.lower() in terms, (name, term)


def test_every_objective_has_its_formulas() -> None:
    """An objective without one is shown by its name."""
    web = files("adversarial_nets.playground") / "web"
    code = (web / "panels.js").read_text(encoding="utf-8")
    for table in ("GAIN_OF_D", "LOSS_OF_G"):
        (entries,) = re.findall(rf"const {table} = {{\n(.*?)\n}};", code, re.S)
        names = [key.strip(' "') for key in re.findall(r"^ +([^:]+):", entries, re.M)]
        assert sorted(names) == sorted(OBJECTIVES)
