"""Addresses of the playground in a real browser: what they restore, old and mistaken ones."""

import json
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")
pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed (the extra [test] has it)"
)

from playwright.sync_api import Browser, expect

from playground_page import Visit, easy, playground_with_a_run


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a playground with a trained run, served from another thread."""
    with playground_with_a_run(tmp_path_factory.mktemp("runs") / "digits") as url:
        yield url


def test_the_address_restores_everything(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"))
    page = visit.page
    page.click("[data-step=both]")
    visit.at_round(1)
    page.fill("[data-setting='k']", "3")
    page.locator("[data-setting='k']").press("Enter")
    page.select_option("[data-setting='objective']", "minimax")
    page.click("[data-step=D]")
    visit.at_round(2)
    page.select_option("#speed", "20")
    page.click("#theme")
    page.click("#lang")
    page.wait_for_url(re.compile("lang%22%3A%22zh"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#speed")).to_have_value("20")
    other = Visit(browser, visit.address())
    other.at_round(2)
    assert other.weights() == visit.weights()
    shown = other.page.locator("#metrics").inner_text()  # the other page may still be in Chinese
    expect(page.locator("#metrics")).to_have_text(shown, use_inner_text=True)
    assert other.state() == visit.state()
    assert other.page.locator("html").get_attribute("data-theme") == page.locator(
        "html"
    ).get_attribute("data-theme")
    expect(other.page.locator("[data-setting='k']")).to_have_value("3")
    other.end()
    visit.end()


def test_an_address_that_cannot_be_opened(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, {"data": "/etc/passwd"})
    expect(visit.page.locator("#notice-text")).to_contain_text("no data of this name")
    assert visit.state()["state"]["data"] == "gaussian"
    visit.page.goto(address + "#" + json.dumps({"state": easy("moons")}))
    visit.at_board("plane")
    expect(visit.page.locator("#notice-text")).to_be_hidden()
    visit.end()


OLD_ADDRESS = {
    "state": {
        "data": "moons",
        "rounds": 2,
        "until": 30000,
        "speed": 10,
        "games": [
            {
                "set": {
                    "--G.hidden": [8],
                    "--G.init": [0.7, 0.2],
                    "--D.units": [6],
                    "--D.init": [1, 0.2],
                    "--batch": 32,
                },
                "changes": [[1, {"--players": "D", "--d-rate": 5}]],
            }
        ],
    },
    "lang": "zh",
    "theme": "dark",
    "hidden": ["pull"],
    "board": "walk",
    "walk": {"a": 2, "b": 8, "t": 0.26, "moves": [0, 1.5]},
}
"""The content of an address of version 0.1.0."""


def test_an_old_address_shows_the_same_page(browser: Browser, address: str) -> None:
    visit = Visit(browser, address + "#" + json.dumps(OLD_ADDRESS))
    page = visit.page
    visit.at_round(2)
    visit.at_board("latent")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    for name, pressed in (("grid", "true"), ("gradient", "false")):
        layer = page.locator(f"#game-0 [data-layer={name}]")
        assert layer.get_attribute("aria-pressed") == pressed
    for name, value in (("a", "3"), ("b", "9"), ("t", "0.26")):
        expect(page.locator(f"#latent-{name}")).to_have_value(value)
    expect(page.locator("#directions input").nth(1)).to_have_value("1.5")
    (settings,) = page.evaluate("current.settings")
    assert (settings["train_only"], settings["d_lr_multiplier"]) == ("D", 5)
    saved = visit.state()
    assert saved["hidden"] == ["gradient"]
    assert saved["latent"]["offsets"][1] == 1.5
    visit.end()
