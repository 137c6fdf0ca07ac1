"""The playground of a lecture in a real browser: layers, curves, z space, a run."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground_page import EASY, SMALL, Visit, easy  # first: it skips where there is no browser

from playwright.sync_api import Browser, expect  # isort: skip

from adversarial_nets.playground import limits, server
from adversarial_nets.playground.latent_explorer import open_latent_explorer
from adversarial_nets.playground.words import WORDS, Language

TEXT_SIZES = """["thead th", "#right summary"].map((part) =>
  Number.parseFloat(getComputedStyle(document.querySelector(part)).fontSize))"""
CUT_OFF = """[...document.querySelectorAll(".playback button")]
  .filter((b) => b.scrollWidth > b.clientWidth).map((b) => b.textContent)"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a playground with the packaged generator as its trained run."""
    with server.serve_in_thread(open_latent_explorer(Path("digits"))) as url:
        yield url


def test_a_trained_start_curves_and_layers(
    browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRAINED_ROUNDS", {"line": 12})
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.click("#trained")
    visit.at_round(12)
    page.select_option("#curve", "divergences")
    expect(page.locator("#chart-0")).to_be_hidden()
    expect(page.locator("#game-0 .metric-legend")).to_contain_text("JSD(p_data ‖ p_g)")
    assert page.evaluate("bokehModel('metric', 0, 'metric 0').data.round.at(-1)") == 12
    page.select_option("#curve", "V")
    page.evaluate("snapshots[0].curve.V.splice(-2, 2, -7, null); fillChart(snapshots[0], 0)")
    below = page.evaluate("[...bokehModel('chart', 0, 'curve').data.below].slice(-2)")
    assert -2 <= below[0] < -1.9  # a mark where V is below the axis
    assert math.isnan(below[1])  # none where it is that of another objective
    for name in ("D_star", "V"):
        page.click(f"#game-0 [data-layer={name}]")
    shown = page.evaluate(
        "[views.main[0], views.chart[0]].flatMap((v) => v.model.renderers)"
        ".filter((r) => !r.visible).map((r) => r.name)"
    )
    assert set(shown) == {"layer D_star", "layer V"}
    assert visit.state()["hidden"] == ["D_star", "V"]
    visit.end()


def test_a_projector_shows_large_texts_and_the_board(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    size = "Number.parseFloat(getComputedStyle(document.querySelector('.legend')).fontSize)"
    line = "views.main[0].model.renderers.find((r) => r.name === 'layer D').glyph.line_width"
    before = page.evaluate(size)
    small = page.evaluate(TEXT_SIZES)
    page.keyboard.press("p")
    assert page.evaluate(size) > 1.4 * before
    for usual, large in zip(small, page.evaluate(TEXT_SIZES), strict=True):
        assert large > 1.4 * usual
    expect(page.locator("#left")).to_be_hidden()
    for width in (1000, 640, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        visit.does_not_scroll_sideways()
        stage, right = (page.locator(part).bounding_box() for part in ("#stage", "#right"))
        assert stage
        assert right
        beside = right["x"] >= stage["x"] + stage["width"]
        assert beside == (width > 1180)  # otherwise below, and as wide
        assert beside or stage["width"] > 0.9 * width
        assert page.evaluate(CUT_OFF) == []
    assert visit.state()["projector"] is True
    width = page.evaluate(f"({line}).value")
    other = Visit(browser, visit.address())
    other.until("views.main[0] !== undefined")
    assert other.page.evaluate(f"({line}).value") == pytest.approx(width)
    other.end()
    page.click("#projector")
    assert page.evaluate(size) == before
    visit.end()


def test_z_of_one_dimension_is_a_curve_and_of_three_has_no_square(
    browser: Browser, address: str
) -> None:
    settings = EASY["moons"] | {"z_size": 1}
    visit = Visit(browser, address, {"data": "moons", "games": [{"settings": settings}]})
    page = visit.page
    for z_size, lines in ((1, 1), (3, None)):
        if z_size == 3:
            page.fill("[data-setting=z_size]", "3")
            page.locator("[data-setting=z_size]").press("Enter")
        visit.until(f"current.settings[0].z_size === {z_size}")
        visit.at_round(0)
        visit.until(f"(snapshots[0].grid?.lines ?? null) === {lines or 'null'}")
        square = page.locator("#game-0 .z-pad")
        legend = page.locator("#game-0 [data-layer=grid]")
        if lines:
            expect(square).to_be_visible()
        else:
            expect(square).to_be_hidden()
            expect(legend).to_be_hidden()
    visit.end()


def test_z_morphs_into_a_digit_under_the_mouse(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("mnist-5k"))
    page = visit.page
    visit.at_board("images")
    image = page.locator("#morph")
    visit.until("document.getElementById('morph').src.startsWith('data:')")  # before any gesture
    seen = [image.get_attribute("src")]
    page.locator("#morph-pad").hover(position={"x": 90, "y": 30})
    expect(image).not_to_have_attribute("src", str(seen[-1]))
    seen.append(image.get_attribute("src"))
    page.fill("[data-setting=seed]", "3")
    page.locator("[data-setting=seed]").press("Enter")
    expect(image).not_to_have_attribute("src", str(seen[-1]))  # it is the G that is shown
    visit.end()


def test_a_trained_run_names_itself_and_marks_the_place(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.click("#play")
    visit.until("snapshots[0].round > 10")
    page.click(".tab[data-board=latent]")
    page.wait_for_selector("body[data-playing=no]")  # no game runs unseen
    expect(page.locator("#latent-run")).to_contain_text("of the run digits after round")
    played = visit.state()["state"]["rounds"]
    page.locator("h1").click()
    page.keyboard.press("n")
    place = page.locator("#mark-t")
    before = place.evaluate("(e) => e.style.left")
    page.locator("#latent-t").press("End")
    visit.until(f"document.getElementById('mark-t').style.left !== '{before}'")
    page.click(".tab[data-board=line]")
    visit.at_round(played)  # the key has played nothing
    visit.end()


def test_divergence_is_explained_on_the_page(browser: Browser, address: str) -> None:
    wild = SMALL | {"optimiser": "sgd", "lr": 10, "d_lr_multiplier": 100}
    visit = Visit(browser, address, {"data": "gaussian", "games": [{"settings": wild}]})
    page = visit.page
    page.click("#play")
    expect(page.locator("#diagnosis")).to_contain_text("Training has diverged")
    expect(page.locator("body")).to_have_attribute("data-playing", "no")
    visit.end()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_javascript_the_page_says_what_it_needs(
    lang: Language, browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False, locale=lang)
    page = context.new_page()
    page.goto(address)
    told = page.locator("noscript p")
    expect(told).to_be_visible()
    assert told.text_content() == WORDS["no script"][lang]
    context.close()
