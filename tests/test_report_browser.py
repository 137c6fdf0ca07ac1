"""A report in a browser: it shows one language, the one that was asked for."""

import re
from pathlib import Path

import pytest

from browser_page import BrowserPage  # first: it skips where there is no browser

from playwright.sync_api import Browser  # isort: skip

from adversarial_nets import report
from adversarial_nets.settings import Cadence
from adversarial_nets.training.session import train
from small import small_data, small_settings
from two_languages import HAN


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with metrics and samples."""
    cadence = Cadence(log_every=5, save_every=10, score_every=10, samples_every=5)
    folder = tmp_path_factory.mktemp("runs") / "small"
    run = train(small_data(), settings=small_settings(), run=folder, rounds=20, cadence=cadence)
    return report.write_report(run, small_data())


def test_the_language_chosen_is_the_only_one_that_is_shown(browser: Browser, path: Path) -> None:
    visit = BrowserPage(browser, locale="en-GB", viewport={"width": 360, "height": 800})
    page = visit.page
    page.goto(path.as_uri())
    english = page.locator("main").inner_text()
    assert not re.search(HAN, english.replace("中文", ""))
    assert "round 20" in page.locator("output").inner_text()
    visit.does_not_scroll_sideways()

    page.locator("#language").click()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.title() == "对抗网络：small，第 20 轮"
    assert page.locator(".en:visible").count() == 0
    shown = page.locator("main").inner_text()
    for sentence in re.findall(r"[A-Z][a-z]+ [a-z]+ [a-z]+ [a-z]+", english):
        assert sentence not in shown
    assert page.locator("output").inner_text() == "第 20 轮"
    assert page.locator(".controls button").inner_text() == "播放"
    spoken = "[...document.querySelectorAll('[data-zh]')].map(e => e.alt || e.ariaLabel)"
    assert all(re.search(HAN, words) for words in page.evaluate(spoken))
    visit.does_not_scroll_sideways()

    page.goto(path.as_uri() + "?lang=en")
    assert page.locator(".zh:visible").count() == 0
    page.goto(path.as_uri() + "?lang=zh-CN")
    assert page.locator(".en:visible").count() == 0
    page.emulate_media(media="print")
    assert not page.locator("#language").is_visible()
    assert page.locator(".en:visible").count() == 0
    assert visit.errors == []
    visit.context.close()


def test_without_javascript_the_page_is_in_english(browser: Browser, path: Path) -> None:
    visit = BrowserPage(browser, locale="zh-CN", java_script_enabled=False)
    visit.page.goto(path.as_uri() + "?lang=zh-CN")
    assert not re.search(HAN, visit.page.locator("main").inner_text())
    assert visit.page.locator("#language").count() == 1
    assert not visit.page.locator("#language").is_visible()
    visit.context.close()
