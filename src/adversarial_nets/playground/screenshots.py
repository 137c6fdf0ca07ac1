"""Screenshots of the playground in Chromium: ``advnets playground --screenshots DIR``."""

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokeh.palettes import interp_palette
from PIL import Image

from adversarial_nets.errors import UserError
from adversarial_nets.languages import Language
from adversarial_nets.playground.boards.style import THEMES, Theme
from adversarial_nets.playground.latent_explorer import open_latent_explorer
from adversarial_nets.playground.server import serve_in_thread
from adversarial_nets.runs.files import explain_os_errors, write_atomically

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["CHROMIUM", "open_browser", "screenshots"]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None
)
"""The browser's program, or None; the first of these names is headless only, and the fastest."""

_ADDRESSES: dict[str, dict[str, Any]] = {
    "line": {"state": {"data": "mixture", "rounds": 60}},
    "plane": {"state": {"data": "ring-of-gaussians", "rounds": 400}},
    "digits": {"state": {"data": "mnist-5k", "rounds": 2000}},
}
"""The page's state, as in its address, by the name of the screenshot."""


@contextmanager
def open_browser() -> "Iterator[Browser]":
    """Headless Chromium inside the block.

    Raises:
        UserError: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise UserError(
            "Screenshots need Playwright. Install it with: pip install playwright"
        ) from error
    if CHROMIUM is None:
        raise UserError(
            "Screenshots need Chromium. Install it (Debian: apt install chromium-headless-shell)."
        )
    no_traffic = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as p:
        options = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", *no_traffic]
        browser = p.chromium.launch(executable_path=CHROMIUM, args=options, timeout=180_000)
        yield browser
        browser.close()


def screenshots(out: Path, run: Path | None = None) -> list[Path]:
    """Write screenshots of the boards, a lesson and a phone, and short animations.

    Args:
        out: the folder to write into.
        run: folder of a trained run, for a screenshot of its latent space.

    Returns:
        The paths of the files.

    Raises:
        UserError: Playwright or Chromium is not installed, or the folder cannot be written.
    """
    files: dict[str, bytes] = {}
    with (
        serve_in_thread(open_latent_explorer(run) if run else None) as url,
        open_browser() as browser,
    ):
        for name, address in _ADDRESSES.items():
            page = _open(browser, url, address | {"lang": "en"})
            files[f"playground-{name}.en.png"] = page.screenshot()
            page.click("#lang")
            page.wait_for_selector("html[lang=zh-CN]")
            page.wait_for_timeout(1500)
            files[f"playground-{name}.zh.png"] = page.screenshot()
            page.context.close()
        address = _ADDRESSES["line"] | {"lang": "zh", "theme": "dark"}
        page = _open(browser, url, address, width=360, height=740)
        files["playground-phone.zh.png"] = page.screenshot()
        page.context.close()
        for lang in ("en", "zh"):
            files[f"playground-lesson.{lang}.png"] = _lesson(browser, url, lang)
            files[f"playground.{lang}.gif"] = _animation(browser, url, lang)
        if run:
            page = _open(browser, url, _ADDRESSES["line"] | {"lang": "en", "board": "latent"})
            page.wait_for_selector("#directions label")
            page.wait_for_timeout(500)
            files["playground-latent.en.png"] = page.screenshot()
            page.context.close()
    with explain_os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(
                out / name, _reduce_colors(content) if name.endswith(".png") else content
            )
    return [out / name for name in files]


def _reduce_colors(png: bytes) -> bytes:
    """The picture reduced to 128 colours, to make the file small."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()


def _open(
    browser: "Browser", url: str, address: dict[str, Any], width: int = 1280, height: int = 900
) -> "Page":
    """Open the page at an address, and wait until its games have reached their rounds."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light", locale="en-GB"
    )
    page = context.new_page()
    page.goto(url + "#" + json.dumps(address))
    rounds, kind = address["state"]["rounds"], "" if address.get("board") else "[data-shown]"
    page.wait_for_selector(f"body{kind}[data-round='{rounds}'][data-busy=no]", timeout=600_000)
    page.wait_for_timeout(500)
    return page


def _lesson(browser: "Browser", url: str, lang: Language) -> bytes:
    """A screenshot of a lesson with two games after its last round."""
    page = _open(browser, url, _ADDRESSES["line"] | {"lang": lang}, width=1920, height=1560)
    page.select_option("#lesson", "saturation")
    page.wait_for_selector("#game-1:not([hidden])")
    page.click("#play")
    page.wait_for_selector("body[data-round='150'][data-playing=no]", timeout=300_000)
    shot: bytes = page.screenshot()
    page.context.close()
    return shot


def _palette(theme: Theme) -> Image.Image:
    """The colours of a board as a palette, so that thin lines keep theirs in a GIF."""
    low, middle, high = theme.heat
    ramp = interp_palette([low, middle, high], 120)
    for color in (theme.ink, theme.muted, theme.G, theme.D, theme.gradient):
        ramp = (*ramp, *interp_palette([color, middle], 10))
    rgb = [int(color[i : i + 2], 16) for color in ramp for i in (1, 3, 5)]
    palette = Image.new("P", (1, 1))
    palette.putpalette(rgb)
    return palette


def _animation(browser: "Browser", url: str, lang: Language) -> bytes:
    """A GIF of a game in the plane while it plays."""
    address = {"state": {"data": "ring-of-gaussians", "rounds": 0, "speed": 20}, "lang": lang}
    page = _open(browser, url, address, width=760, height=900)
    page.click("#play")
    pictures, palette = [], _palette(THEMES["light"])
    for _ in range(24):
        shot = page.locator("#stage").screenshot()
        picture = Image.open(io.BytesIO(shot)).convert("RGB")
        picture = picture.resize((420, picture.height * 420 // picture.width))
        pictures.append(picture.quantize(palette=palette, dither=Image.Dither.NONE))
        page.wait_for_timeout(600)
    page.context.close()
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=180, loop=0)
    return file.getvalue()
