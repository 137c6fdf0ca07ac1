"""What a teacher does with the mouse and the keys in the playground, in a real browser."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from playground_page import SMALL, Visit, easy  # first: it skips where there is no browser

from playwright.sync_api import Browser, expect  # isort: skip

from adversarial_nets.playground import server, session
from adversarial_nets.playground.screenshots import open_browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server.serve_in_thread() as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


def test_looking_back_while_playing_and_undoing_a_cut(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian", speed=1))
    page = visit.page
    page.click("#play")
    visit.until("snapshots[0].round > 40")
    slider = page.locator("#history")
    box = slider.bounding_box()
    assert box
    page.evaluate(
        """() => { window.seen = []; new MutationObserver(() => {
          const round = Number(document.body.dataset.round);
          if (seen.at(-1) !== round) seen.push(round); }).observe(document.body,
          { attributes: true, attributeFilter: ["data-round"] }); }"""
    )
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.9 * box["width"], middle)
    page.mouse.down()
    page.evaluate("seen.length = 0")
    for i in range(30):
        page.mouse.move(box["x"] + (0.9 - 0.02 * i) * box["width"], middle)
        page.wait_for_timeout(15)
    page.mouse.up()
    page.wait_for_selector("body[data-playing=no]")
    visit.until("seeking === null")
    seen = page.evaluate("seen")
    first = next(i for i, round in enumerate(seen) if round < max(seen))
    assert seen[first:] == sorted(seen[first:], reverse=True)  # the picture moves one way only
    assert len(seen[first:]) > 3
    assert slider.bounding_box() == box  # nothing has moved under the mouse
    last = visit.state()["state"]["rounds"]
    weights = visit.weights()
    page.click("#resume")
    page.wait_for_selector("body[data-busy=no]")
    visit.until(f"current.state.rounds < {last}")
    page.click("#undo")
    visit.at_round(last)
    assert visit.weights() == weights
    visit.end()


def test_rounds_per_frame_and_playing_to_a_round(
    browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "FRAME_SECONDS", 60)  # this machine may be busy
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.select_option("#speed", "50")
    page.fill("#pause-at", "220")
    page.locator("#pause-at").press("Enter")
    visit.at_round(220)
    expect(page.locator("body")).to_have_attribute("data-playing", "no")
    assert page.evaluate("snapshots[0].curve.round") == [0, 50, 100, 150, 200, 220]
    expect(page.locator("#fps")).to_contain_text("rounds/s")
    page.locator("#pause-at").press("Enter")
    expect(page.locator("#notice-text")).to_contain_text("already at round 220")
    visit.end()


def test_another_link_in_the_same_tab_and_back(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian", rounds=2))
    page = visit.page
    visit.at_round(2)
    page.goto(address + "#" + json.dumps({"state": easy("moons", rounds=3), "lang": "zh"}))
    visit.at_board("plane")
    visit.at_round(3)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.click("[data-step=both]")
    visit.at_round(4)
    assert visit.state()["state"]["data"] == "moons"
    page.click("#reset")
    visit.at_round(0)
    page.go_back()
    visit.at_round(4)  # the reset is taken back
    page.go_back()
    visit.at_board("line")
    visit.at_round(2)
    page.click(".tab[data-board=plane]")
    visit.at_board("plane")
    page.go_back()
    visit.at_board("line")
    visit.at_round(2)
    visit.end()


def test_reloading_while_playing_keeps_the_rounds(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.click("#play")
    visit.until("snapshots[0].round > 50")
    round = page.evaluate("snapshots[0].round")
    page.reload()
    page.wait_for_selector("body[data-connected=yes][data-busy=no]")
    assert int(page.get_attribute("body", "data-round") or 0) >= round
    visit.end()


def test_a_lost_connection_is_told_and_comes_back(browser: Browser) -> None:
    with server.serve_in_thread() as url:
        port = urlsplit(url).port or 0
        visit = Visit(browser, url, {"data": "gaussian", "games": [{"settings": SMALL}]})
        page = visit.page
        page.click("#play")
        visit.until("snapshots[0].round > 20")
    page.wait_for_selector("body[data-connected=no]")
    expect(page.locator("#notice-text")).to_contain_text("connection to the server is lost")
    expect(page.locator("#play")).to_have_text(re.compile("Play"))
    round = visit.state()["state"]["rounds"]
    assert round > 20
    with server.serve_in_thread(port=port):
        page.wait_for_selector("body[data-connected=yes]")
        page.wait_for_selector("body[data-playing=yes]")
        visit.until(f"snapshots[0].round > {round}")
        expect(page.locator("#notice-text")).to_be_hidden()
        page.click("#play")
        page.wait_for_selector("body[data-playing=no]")
        visit.context.close()
