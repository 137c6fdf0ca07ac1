"""A visit to the playground in Debian's Chromium, for the tests that use a browser."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")

from browser_page import TIMEOUT, BrowserPage  # first: it skips where there is no browser

from playwright.sync_api import Browser, ViewportSize  # isort: skip

from adversarial_nets.cli.main import main
from adversarial_nets.playground import server
from adversarial_nets.playground.latent_explorer import open_latent_explorer

__all__ = ["EASY", "SMALL", "TIMEOUT", "VIEWPORT", "Visit", "easy", "playground_with_a_run"]

SMALL = {"G.hidden": [8], "D.units": [6], "batch": 32}
EASY = {
    "gaussian": SMALL | {"G.init": [4.0, 0.2]},
    "moons": SMALL | {"G.init": [0.7, 0.2]},
    "mnist-5k": SMALL,
}
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
FORGET = """() => {
  [current, snapshots, lang, theme] = [null, {}, "en", "light"];
  for (const name of ["connected", "round", "shown"]) delete document.body.dataset[name];
  [$("curve").value, $("setting-game").value] = ["V", "0"];
  document.activeElement.blur();
}"""
"""Forgets the last visit, so that what is shown next is of the next one."""
ALL_ANSWERED = """() => new Promise((done) => {
  const handle = socket.onmessage;
  socket.onmessage = (event) => {
    if (!JSON.parse(event.data).some((message) => message.type === "file")) return handle(event);
    socket.onmessage = handle;
    done();
  };
  send({ type: "export" });
})"""
"""Waits for the answers to all requests, which the server gives in order."""
AT_REST = "body[data-playing=no][data-busy=no][data-connected=yes]:not(:has(dialog[open]))"


@contextmanager
def playground_with_a_run(folder: Path) -> Iterator[str]:
    """The address of a playground with a trained run in that folder, served from a thread."""
    narrow = ["--G.hidden", "16", "--D.units", "8", "--G.init", ".1"]
    assert (
        main(["train", "mnist-5k", "--run", str(folder), "--rounds", "5", *narrow, "--json"]) == 0
    )
    with server.serve_in_thread(open_latent_explorer(folder)) as url:
        yield url


class Visit(BrowserPage):
    """A visit to the playground.

    Loading the page takes most of the time of a visit. A visit with a state, and without options
    of the browser, is made in a page that an earlier visit has left, as by a link in the same tab.
    A test that needs a page without a past names an option, such as ``viewport=VIEWPORT``.
    """

    left: ClassVar[dict[Browser, list["Visit"]]] = {}
    own: str

    def __init__(self, browser: Browser, address: str, state: Any = None, **options: Any) -> None:
        self.usual, own = not options, address.partition("#")[0]
        left = self.left.setdefault(browser, [])
        while left and left[-1].own != own:  # it would look for its server, which has ended
            left.pop().context.close()
        if state and self.usual and left:
            vars(self).update(vars(left.pop()))
            self.page.set_viewport_size(VIEWPORT)
            self.page.mouse.move(0, 0)
            self.page.evaluate(FORGET)
        else:
            super().__init__(browser, **{"viewport": VIEWPORT, "locale": "en-GB"} | options)
            self.browser, self.own = browser, own
        self.page.goto(address + ("#" + json.dumps({"state": state}) if state else ""))
        self.page.wait_for_selector("body[data-connected=yes]")
        self.page.wait_for_selector("body[data-round]")

    def at_round(self, round: int) -> None:
        self.page.wait_for_selector(f"body[data-round='{round}'][data-busy=no]")

    def address(self) -> str:
        """The address as the page knows it; `page.url` is updated later."""
        return str(self.page.evaluate("location.href"))

    def state(self) -> Any:
        return json.loads(unquote(self.address().partition("#")[2]))

    def weights(self) -> str:
        return self.page.locator("#weights").inner_text()

    def drawn(self) -> str:
        """All numbers that the first board displays."""
        return str(
            self.page.evaluate(
                """() => JSON.stringify(
                  [...views.main[0].model.document._all_models.values()]
                    .filter((m) => m.type === "ColumnDataSource").map((m) => m.data),
                  (_, v) => (ArrayBuffer.isView(v) ? [...v] : v),
                ) + document.querySelector(".samples").src"""
            )
        )

    def at_board(self, kind: str) -> None:
        """Wait until that board is shown and drawn."""
        self.page.wait_for_selector(f"body[data-board={kind}]")
        if kind == "latent":
            self.page.wait_for_selector("#directions label")
        else:
            self.page.wait_for_selector(f"body[data-shown={kind}]")
        self.until("Object.keys(embedding).length === 0")

    def pad_is_ready(self) -> None:
        self.page.wait_for_selector("#pad canvas")
        self.until("views.pad[0] !== undefined && views.pad[0].has_finished()")

    def end(self) -> None:
        own = (self.own, self.own.replace("http", "ws"))
        assert self.errors == []
        assert [url for url in self.requests if not url.startswith(own)] == []
        if self.usual and self.page.query_selector(AT_REST):
            self.page.evaluate(ALL_ANSWERED)
            self.left[self.browser].append(self)
        else:
            self.context.close()


def easy(data: str, **more: Any) -> dict[str, Any]:
    return {"data": data, "games": [{"settings": EASY[data]}], **more}
