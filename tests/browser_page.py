"""A page in Debian's Chromium that records its errors and its requests, for tests in a browser."""

from typing import Any

import pytest

pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed (the extra [test] has it)"
)

from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from adversarial_nets.playground.screenshots import CHROMIUM

if CHROMIUM is None:
    pytest.skip(
        "there is no Chromium here (Debian: apt install chromium-headless-shell)",
        allow_module_level=True,
    )

TIMEOUT = 120_000  # milliseconds; other tests may be using the processor
expect.set_options(timeout=TIMEOUT)


class BrowserPage:
    """A page in its own browser context.

    Attributes:
        page: the page, not yet at an address.
        errors: errors of its scripts, and the messages of its console whose types are in `NOTED`.
        requests: addresses that it requested, other than data and blobs.
    """

    NOTED: tuple[str, ...] = ("error", "warning")

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(TIMEOUT)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self._note_request(request.url))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in self.NOTED:
            self.errors.append(message.text)

    def _note_request(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")):
            self.requests.append(url)

    def does_not_scroll_sideways(self) -> None:
        self.until("document.documentElement.scrollWidth <= innerWidth")

    def until(self, condition: str) -> None:
        """Wait until the condition holds; a page's policy may allow functions but no strings."""
        self.page.wait_for_function(f"() => {condition}")
