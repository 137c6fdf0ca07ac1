"""Number fields of the playground in a real browser: what they refuse and what they say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground_page import Visit, easy  # first: it skips where there is no browser

from playwright.sync_api import Browser, expect  # isort: skip

from adversarial_nets.playground import server
from adversarial_nets.playground.latent_explorer import open_latent_explorer
from adversarial_nets.playground.limits import MAX_ROUNDS


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a playground with the packaged generator as its trained run."""
    with server.serve_in_thread(open_latent_explorer(Path("digits"))) as url:
        yield url


def enter(visit: Visit, field: str, typed: str) -> None:
    """Replace a field's content as a user does: select it, type, press Enter."""
    visit.page.locator(field).press("Control+a")
    visit.page.keyboard.press("Delete")
    visit.page.keyboard.type(typed)
    visit.page.keyboard.press("Enter")


def test_an_image_that_does_not_exist_is_refused(browser: Browser, address: str) -> None:
    visit = Visit(browser, address + "#latent")  # the address that `playground RUN` prints
    page, notice = visit.page, visit.page.locator("#notice-text")
    visit.at_board("latent")
    expect(page.locator("#latent-run")).to_contain_text("the run digits")
    page.evaluate(
        "() => { window.sent = []; const plain = send; send = (m) => { sent.push(m); plain(m); };"
        "window.setTimeout = ((plain) => (f, ms) => plain(f, (ms || 0) + 200))(setTimeout); }"
    )  # late timers, as on a busy machine
    for field, name, valid in (("#latent-a", "from image", "1"), ("#latent-b", "to image", "2")):
        for typed in ("99", "0", "-3", "2.5", ""):
            enter(visit, field, typed)
            expect(notice).to_contain_text(
                f"“{name}” must be a whole number from 1 to 24 (given: {typed or 'nothing'})"
            )
            expect(page.locator(field)).to_have_value(valid)
    assert page.evaluate("sent.filter((m) => m.type === 'explore_latent')") == []
    enter(visit, "#latent-a", "12")
    visit.until("document.getElementById('mark-a').style.left === '37.5%'")
    expect(notice).to_be_empty()
    page.locator("#latent-a").press("ArrowUp")
    visit.until("document.getElementById('mark-a').style.left === '50%'")
    assert visit.state()["latent"]["a"] == 12
    visit.end()


def test_the_tab_of_a_run_follows_the_language(browser: Browser, address: str) -> None:
    visit = Visit(browser, address + "#latent")
    page = visit.page
    visit.at_board("latent")
    expect(page.locator("#directions label").first).to_have_text("direction 1")
    page.click("#lang")
    expect(page.locator("#directions label").nth(7)).to_have_text("方向 8")
    expect(page.locator("#latent-run")).to_contain_text("训练文件夹 digits 中第")
    expect(page.locator("#latent-here")).to_have_attribute("alt", "当前位置的 G(z)")
    enter(visit, "#latent-a", "99")
    expect(page.locator("#notice-text")).to_contain_text("“起点图像”应为 1 到 24 之间的整数")
    visit.end()


def test_an_emptied_setting_says_what_it_must_be(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"), viewport={"width": 1280, "height": 600})
    page, notice = visit.page, visit.page.locator("#notice-text")
    for field, told in (
        ("[data-setting=k]", "“k, steps of D per round” must be a whole number from 1 to 50"),
        ("[data-rate=G]", "“G's learning rate” must be a number from 0 to 10"),
        ("[data-rate=D]", "“D's learning rate” must be a number from 0 to 100"),
        ("[data-setting=batch]", "“batch size m” must be a whole number from 1 to 2048"),
        ("[data-setting=seed]", "“random seed” must be a whole number, 0 or larger"),
        ("[data-layers='D.units'] input", "“units” must be a whole number from 1 to 512"),
    ):
        before = page.locator(field).input_value()
        enter(visit, field, "")
        expect(notice).to_contain_text(f"{told} (given: nothing). Nothing has changed.")
        expect(notice).to_be_in_viewport()  # also where the user has scrolled down
        expect(page.locator(field)).to_have_value(before)
    enter(visit, "[data-setting=k]", "e")
    expect(notice).to_contain_text("(given: not a number)")
    layers = page.locator("[data-layers='G.hidden'] select")
    for chosen, sizes in (("0", "[]"), ("2", "[32,32]")):  # without layers there are no units
        layers.select_option(chosen)
        visit.until(f"JSON.stringify(current.settings[0]['G.hidden']) === '{sizes}'")
    expect(notice).to_be_empty()
    visit.end()


def test_a_round_that_cannot_be_reached_is_explained(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page, notice = visit.page, visit.page.locator("#notice-text")
    for typed in ("99999999", "2.5", "0", "-5", ""):
        for way in ("Enter", "Go"):
            page.evaluate("showNotice('')")
            if way == "Enter":
                enter(visit, "#pause-at", typed)
            else:
                page.fill("#pause-at", typed)
                page.click("#play-to button:not([type])")
            expect(notice).to_have_text(
                f"“Play to round” must be a whole number from 1 to {MAX_ROUNDS} "
                f"(given: {typed or 'nothing'}). Nothing has changed."
            )
            expect(page.locator("#pause-at")).to_have_value("")
    enter(visit, "#pause-at", "3")
    visit.at_round(3)
    expect(notice).to_be_empty()
    visit.end()
