"""The pages that compute in the visitor's browser, in a real one, opened as files."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from browser_page import BrowserPage  # first: it skips where there is no browser

from playwright.sync_api import Browser, Locator, Page, expect  # isort: skip

from adversarial_nets import nets
from adversarial_nets.errors import UserError
from adversarial_nets.paper.figure1 import write_html
from adversarial_nets.presets import PRESETS
from adversarial_nets.toys.kinds import LINE
from adversarial_nets.toys.recording import record
from website.digits import layers_of
from website.interactive import render
from website.league import league_table
from website.recorded_lessons import record_lesson
from website.results import Tables
from website.sources import ROOT

LANGUAGES = {"en": "en-GB", "zh-CN": "zh-CN"}


def spread_out(G: nn.Module) -> nn.Module:
    """The network with weights as large as those of a trained one, so that images have contrast."""
    generator = torch.Generator().manual_seed(0)
    for layer in G.modules():
        if isinstance(layer, nn.Linear):
            std = (2 / layer.in_features) ** 0.5
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * std
            layer.bias.data = torch.randn(layer.bias.shape, generator=generator)
    return G.eval()


def digits_page(G: nn.Module, z_size: int, prior: str = "uniform", classes: str = "") -> str:
    model = {"layers": layers_of(G), "z_size": z_size, "prior": prior, "shape": [1, 28, 28]}
    facts = {"low": 0.0, "high": 1.0, "command": "advnets train mnist-5k"}
    return render("digits.html", model=model | facts | {"classes": list(classes)})


@pytest.fixture(scope="module")
def G() -> nn.Module:
    """A generator of the quickstart's size."""
    return spread_out(nets.generator(PRESETS["quickstart"].settings.G, 100, 784))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, G: nn.Module) -> Path:
    """The three pages, with very short games."""
    folder = tmp_path_factory.mktemp("try")
    (folder / "digits.html").write_text(digits_page(G, 100), encoding="utf-8")
    lessons = [record_lesson("figure 1", 4, 3), record_lesson("saturation", 2, 3)]
    (folder / "lessons.html").write_text(render("lessons.html", lessons=lessons), encoding="utf-8")
    write_html(record(LINE, "gaussian", [0, 1, 2]), folder / "figure1.html")
    return folder


class Visit(BrowserPage):
    """An opened file."""

    NOTED = ("error",)  # a warning says that the test reads a canvas

    def __init__(self, browser: Browser, file: Path, width: int = 1280, **options: Any) -> None:
        super().__init__(browser, viewport={"width": width, "height": 800}, **options)
        self.address = file.as_uri()
        self.page.goto(self.address)

    def close(self) -> None:
        """Close the page: it has loaded itself only, and nothing went wrong."""
        assert self.errors == []
        assert self.requests == [self.address]
        self.context.close()


# --- G(z) in the browser --------------------------------------------------------------------------


def test_the_page_computes_the_same_images_as_pytorch(
    browser: Browser, site: Path, G: nn.Module
) -> None:
    visit = Visit(browser, site / "digits.html")
    z = (2 * torch.rand(20, 100, generator=torch.Generator().manual_seed(1)) - 1) * 3**0.5
    images = visit.page.evaluate("all => all.map(z => Array.from(G(z)))", z.double().tolist())
    with torch.no_grad():
        expected = G(z)
    assert expected.std() > 0.1
    assert np.abs(np.array(images) - expected.numpy()).max() < 1e-4
    visit.close()


def test_batch_normalisation_is_part_of_the_layers_before(browser: Browser, tmp_path: Path) -> None:
    settings = replace(
        PRESETS["quickstart"].settings.G, hidden=(16, 12), activations=("sigmoid", "relu")
    )
    net = spread_out(nets.generator(replace(settings, batch_norm=True), 5, 784))
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean = torch.linspace(-1, 1, layer.num_features)
            layer.running_var = torch.linspace(0.5, 2, layer.num_features)
    (tmp_path / "digits.html").write_text(digits_page(net, 5, "gaussian"), encoding="utf-8")
    visit = Visit(browser, tmp_path / "digits.html")
    z = torch.linspace(-2, 2, 5)
    image = visit.page.evaluate("z => Array.from(G(z))", z.double().tolist())
    with torch.no_grad():
        assert np.abs(np.array(image) - net(z[None])[0].numpy()).max() < 1e-4
    visit.close()


@pytest.mark.parametrize("units", [0, 3])
def test_a_conditional_generator_gets_the_class(
    browser: Browser, tmp_path: Path, units: int
) -> None:
    settings = replace(PRESETS["quickstart"].settings.G, hidden=(8,), class_units=units)
    net = spread_out(nets.generator(settings, 5, 784, columns=3))
    (tmp_path / "digits.html").write_text(digits_page(net, 5, "gaussian", "012"), encoding="utf-8")
    visit = Visit(browser, tmp_path / "digits.html")
    visit.page.keyboard.press("2")
    z = torch.linspace(-2, 2, 5)
    shown = visit.page.evaluate("z => Array.from(image(z))", z.double().tolist())
    with torch.no_grad():
        expected = net(torch.cat([z, torch.tensor([0.0, 0.0, 1.0])])[None])[0]
    assert np.abs(np.array(shown) - expected.numpy()).max() < 1e-4
    visit.close()


def test_other_layers_and_very_large_networks_are_refused() -> None:
    with pytest.raises(UserError, match="the layer Tanh, which the page cannot compute"):
        layers_of(nn.Sequential(nn.Linear(2, 2), nn.Tanh()))
    with pytest.raises(UserError, match="4,000,000 weights, too many"):
        layers_of(nn.Sequential(nn.Linear(2000, 2000)))


def image_of(page: Page) -> list[int]:
    """The pixels of the large image."""
    found: list[int] = page.locator("#image").evaluate(
        "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data)"
    )
    return found


def test_the_handle_moves_by_keyboard_and_mouse_and_the_walk_moves_it(
    browser: Browser, site: Path
) -> None:
    visit = Visit(browser, site / "digits.html", locale="en-GB")
    page = visit.page
    page.locator("#pad").focus()
    expect(page.locator("#pad")).to_have_role("application")  # its own arrow keys
    expect(page.locator("#where")).to_have_text("across 50 %, down 50 %")
    before = image_of(page)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#where")).to_have_text("across 54 %, down 50 %")
    assert image_of(page) != before
    box = page.locator("#pad").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.1)
    expect(page.locator("#where")).to_have_text("across 0 %, down 0 %")
    corner = page.evaluate("z")
    assert corner == page.evaluate("corners[0]")  # nothing is mixed in at a corner
    page.keyboard.press("d")
    expect(page.locator("#where")).to_have_text("0.0, 0.0")
    assert page.evaluate("z") == corner  # the directions start where the mixture was
    page.keyboard.press(" ")
    expect(page.locator("#walk")).to_have_text("Stop")
    expect(page.locator("#where")).not_to_have_text("0.0, 0.0")
    page.keyboard.press(" ")
    expect(page.locator("#walk")).to_have_text("Walk")
    page.locator("#samples button").nth(3).click()
    expect(page.locator("#where")).to_have_text("0.0, 0.0")
    assert page.evaluate("z") != corner
    visit.close()


def test_a_mixture_keeps_the_variance_of_the_prior(browser: Browser, site: Path) -> None:
    visit = Visit(browser, site / "digits.html")
    middle = visit.page.evaluate(
        "Array.from({ length: 60 }, () => { corners = corners.map(noise); return zAt(); }).flat()"
    )
    assert 0.8 < np.var(middle) < 1.05  # a little is lost where the sum leaves (−√3, √3)
    visit.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_touch_on_a_phone_and_the_numbers_of_z(browser: Browser, site: Path, language: str) -> None:
    options = {"locale": LANGUAGES[language], "has_touch": True, "color_scheme": "dark"}
    visit = Visit(browser, site / "digits.html", 360, **options)
    page = visit.page
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#pad").scroll_into_view_if_needed()
    page.touchscreen.tap(*centre(page, "#pad"))
    before = page.evaluate("z")
    page.locator("#z").scroll_into_view_if_needed()
    x, y = centre(page, "#z")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 20)
    page.mouse.up()
    changed = np.flatnonzero(np.array(page.evaluate("z")) != np.array(before))
    assert changed.tolist() == [50]
    words = {"en": "z changed by hand", "zh-CN": "z 已手动修改"}
    expect(page.locator("#where")).to_have_text(words[language])
    visit.close()


def centre(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# --- Recorded lessons, Figure 1 -------------------------------------------------------------------


def test_a_lesson_plays_to_its_end_and_shows_the_recorded_numbers(
    browser: Browser, site: Path
) -> None:
    visit = Visit(browser, site / "lessons.html", locale="en-GB")
    page = visit.page
    expect(page.locator(".keys .game-A")).to_have_text(page.locator("#games h2").inner_text())
    indices_and_ticks_are_right(page)
    page.keyboard.press("2")
    assert not re.search("[_^]", page.locator("#about").inner_text())
    expect(page.locator("#games section")).to_have_count(2)
    page.keyboard.press(" ")
    expect(page.locator("body")).to_have_attribute("data-round", "2")
    expect(page.locator("#play")).to_have_text("Play")
    lessons = json.loads(page.locator("#lessons").text_content() or "")
    for i, game in enumerate(lessons[1]["games"]):
        V = game["metrics"]["V"]["values"][-1]
        cell = page.locator("#numbers tr").first.locator("td").nth(i)
        expect(cell).to_have_text(f"{V:.3f}".replace("-", "−"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#round")).to_have_text("round 1")
    assert "--objective minimax" in (page.locator(".commands").first.text_content() or "")
    visit.close()


def indices_and_ticks_are_right(page: Page) -> None:
    """Equations have real subscripts, and a curve's axis has few, round numbers."""
    indices = page.evaluate("subscripts('max_D p_g^{t+1} < θ^t')")
    assert indices == "max<sub>D</sub> p<sub>g</sub><sup>t+1</sup> &#60; θ<sup>t</sup>"
    for low, high, smallest in ((0.022, 0.693, 0), (-1.4, -1.36, 0), (0, 8, 0), (0, 3, 1)):
        ticks = page.evaluate(f"roundTicks({low}, {high}, {smallest})")
        assert 2 <= len(ticks) <= 6
        for value, words in ticks:
            assert low - 1e-9 <= value <= high + 1e-9
            assert float(words.replace("−", "-")) == pytest.approx(value)
            assert len(words) <= 5  # short, as "−1.40"


def test_the_recorded_curves_are_those_of_the_game() -> None:
    found = record_lesson("figure 1", 4, 3)
    snapshot = record(LINE, "gaussian", [4]).snapshots[-1]
    game = found["games"][0]
    assert found["rounds"] == [0, 2, 4]
    assert game["metrics"]["V"]["values"][-1] == pytest.approx(snapshot.V, abs=1e-5)
    assert game["metrics"]["JSD"]["perfect"] == 0


@pytest.mark.parametrize("name", ["lessons", "figure1", "digits"])
def test_pages_speak_both_languages_and_fit_a_phone(
    browser: Browser, site: Path, name: str
) -> None:
    visit = Visit(browser, site / f"{name}.html", 360, locale="en-GB")
    page = visit.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    english = page.locator("h1").inner_text()
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert page.locator("h1").inner_text() != english
    shown = page.locator("main").inner_text()
    assert sum("\u3400" <= sign <= "\u9fff" for sign in shown) > 100
    assert not page.locator(".en").first.is_visible()
    labels = page.evaluate("[...document.querySelectorAll('[data-zh]')].map(e => e.ariaLabel)")
    assert all(re.search("[\u3400-\u9fff]", label) for label in labels)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(
        "[...document.querySelectorAll('code')].every(c => [...c.children].every("
        "word => getComputedStyle(word).display === 'inline-block' && !/ /.test(word.textContent))"
        " && c.children.length === c.textContent.split(' ').length)"
    )  # no line breaks inside an option
    if name == "figure1":
        assert "轮数（平方根刻度）" in (page.locator("#value").text_content() or "")
    page.locator("#language").press("Space")  # and not the key that plays
    assert page.locator("h1").inner_text() == english
    assert "needs JavaScript" in (page.locator("noscript").text_content() or "")
    visit.close()


def test_the_address_chooses_the_language(browser: Browser, site: Path) -> None:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto((site / "lessons.html").as_uri() + "?lang=zh-CN")
    expect(page.locator("#play")).to_have_text("播放")
    context.close()


# --- The league table -----------------------------------------------------------------------------


def test_the_league_table_sorts_numbers_as_numbers_and_missing_ones_last(
    browser: Browser, tmp_path: Path
) -> None:
    markdown = pytest.importorskip("markdown_it", reason="the extra [docs] is not installed")
    render_table = markdown.MarkdownIt().enable("table").render
    tables = [
        render_table(league_table(Tables("en"), data, "paper"))
        for data in ("mnist", "cifar10-copy")
    ]
    script = (ROOT / "website" / "theme" / "static" / "league.js").read_text(encoding="utf-8")
    file = tmp_path / "league.html"
    file.write_text(
        f'<html lang="en"><meta charset="utf-8"><div class="league">{"".join(tables)}</div>'
        f"<script>{script}</script>",
        encoding="utf-8",
    )
    visit = Visit(browser, file)
    mnist, cifar10 = visit.page.locator("table").all()
    sorted_by = mnist.locator("th[aria-sort]")
    expect(sorted_by).to_have_text("score, nats")  # as the page is made

    def column(name: str, table: Locator = mnist) -> list[str]:
        names = table.locator("th").all_inner_texts()
        return table.locator(f"td:nth-child({names.index(name) + 1})").all_inner_texts()

    def numbers(name: str, table: Locator = mnist) -> list[float]:
        """The column's numbers; missing ones must come after them."""
        texts = column(name, table)
        known = [text for text in texts if text != "–"]
        assert texts == known + ["–"] * (len(texts) - len(known))
        firsts = (re.split("[ –]", text)[0] for text in known)
        return [float(first.replace(",", "").replace("−", "-")) for first in firsts]

    mnist.get_by_role("button", name="round").click()
    expect(sorted_by).to_have_attribute("aria-sort", "descending")
    assert numbers("round") == sorted(numbers("round"), reverse=True)
    assert numbers("round")[-1] == 1000
    visit.page.keyboard.press("Enter")
    expect(sorted_by).to_have_attribute("aria-sort", "ascending")
    assert numbers("round") == sorted(numbers("round"))
    mnist.get_by_role("button", name="score, nats").press("Space")
    assert numbers("score, nats")[-1] == min(numbers("score, nats")) < -300
    mnist.get_by_role("button", name="model").click()
    assert column("model") == sorted(column("model"), key=str.lower)
    before = numbers("score, nats", cifar10)
    cifar10.get_by_role("button", name="score, nats").click()
    assert numbers("score, nats", cifar10) == before[::-1] == sorted(before)  # below −1,000
    visit.close()
