"""Pictures of the playground, as a browser shows it: ``advnets playground --screenshots DIR``."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from adversarial_nets.errors import UserError
from adversarial_nets.playground.server import beside
from adversarial_nets.playground.walk import open_walk
from adversarial_nets.runs.files import explain_os_errors, write_atomically

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["CHROMIUM", "open_browser", "screenshots"]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

# What a page opens with, by the picture's name.
_OPEN: dict[str, dict[str, Any]] = {
    "line": {"state": {"data": "mixture", "rounds": 60}},
    "plane": {"state": {"data": "ring-of-gaussians", "rounds": 400}},
    "digits": {"state": {"data": "mnist-5k", "rounds": 2000}},
}


@contextmanager
def open_browser() -> "Iterator[Browser]":
    """Chromium without a window.

    Raises:
        UserError: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise UserError("Screenshots need Playwright: pip install playwright.") from error
    if CHROMIUM is None:
        raise UserError("Screenshots need Chromium (Debian: apt install chromium).")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as p:
        options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", *quiet]
        browser = p.chromium.launch(executable_path=CHROMIUM, args=options, timeout=180_000)
        yield browser
        browser.close()


def screenshots(out: Path, run: Path | None = None) -> list[Path]:
    """Draw the boards, a lesson, a phone, and a short animation.

    Args:
        out: a folder.
        run: a trained run, for a picture of the walk in its z.
    """
    made: dict[str, bytes] = {}
    with beside(open_walk(run) if run else None) as url, open_browser() as browser:
        for name, held in _OPEN.items():
            page = _open(browser, url, held | {"lang": "en"})
            made[f"playground-{name}.en.png"] = page.screenshot()
            page.click("#lang")
            page.wait_for_selector("html[lang=zh-CN]")
            page.wait_for_timeout(1500)
            made[f"playground-{name}.zh.png"] = page.screenshot()
            page.context.close()
        held = _OPEN["line"] | {"lang": "zh", "theme": "dark"}
        page = _open(browser, url, held, width=360, height=740)
        made["playground-phone.zh.png"] = page.screenshot()
        page.context.close()
        page = _open(browser, url, _OPEN["line"] | {"lang": "en"}, width=1920, height=1080)
        page.select_option("#lesson", "saturation")
        page.wait_for_selector("#seat-1:not([hidden])")
        page.click("#run")
        page.wait_for_selector("body[data-round='150'][data-playing=no]", timeout=300_000)
        made["playground-lesson.en.png"] = page.screenshot()
        page.context.close()
        if run:
            page = _open(browser, url, _OPEN["line"] | {"lang": "en", "board": "walk"})
            page.wait_for_selector("#moves label")
            page.wait_for_timeout(500)
            made["playground-walk.en.png"] = page.screenshot()
            page.context.close()
        made["playground.gif"] = _animation(browser, url)
    with explain_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            write_atomically(out / name, _small(content) if name.endswith(".png") else content)
    return [out / name for name in made]


def _small(png: bytes) -> bytes:
    """The picture with 128 colours, for a README."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()


def _open(
    browser: "Browser", url: str, held: dict[str, Any], width: int = 1280, height: int = 900
) -> "Page":
    """The page with a state, when it has played up to it."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light", locale="en-GB"
    )
    page = context.new_page()
    page.goto(url + "#" + json.dumps(held))
    rounds, kind = held["state"]["rounds"], "" if held.get("board") else "[data-shown]"
    page.wait_for_selector(f"body{kind}[data-round='{rounds}'][data-busy=no]", timeout=600_000)
    page.wait_for_timeout(500)
    return page


def _animation(browser: "Browser", url: str, frames: int = 24) -> bytes:
    """The game in the plane, as a visitor sees it who lets it run."""
    held = {"state": {"data": "ring-of-gaussians", "rounds": 0, "speed": 20}, "lang": "en"}
    page = _open(browser, url, held, width=760, height=900)
    page.click("#run")
    pictures = []
    for _ in range(frames):
        shot = page.locator("#stage").screenshot()
        picture = Image.open(io.BytesIO(shot)).convert("RGB")
        pictures.append(picture.resize((420, picture.height * 420 // picture.width)).quantize(40))
        page.wait_for_timeout(600)
    page.context.close()
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=180, loop=0)
    return file.getvalue()
