"""The playground in a real browser: Chromium, driven by Playwright."""

import csv
import io
import itertools
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")
pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed (the extra [test] has it)"
)

from playwright.sync_api import Browser, expect

from adversarial_nets.cli.main import main
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.page import CONTROLS
from playground_page import EASY, TIMEOUT, VIEWPORT, Visit, easy, playground_with_a_run


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a playground with a trained run, served from another thread."""
    with playground_with_a_run(tmp_path_factory.mktemp("runs") / "digits") as url:
        yield url


@pytest.mark.parametrize("data", list(EASY))
def test_each_board_plays_pauses_steps_and_seeks(data: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy(data))
    page = visit.page
    board = page.locator("#main-0")
    picture, begun = board.screenshot(), visit.drawn()
    page.click("#play")
    page.wait_for_selector("body[data-playing=yes]")
    page.wait_for_selector("body:not([data-round='0'])")
    page.click("#play")
    page.wait_for_selector("body[data-playing=no]")
    played = visit.state()["state"]["rounds"]
    assert played > 0
    visit.at_round(played)
    if data != "mnist-5k":  # there D changes by less than a bin in so few rounds
        for _ in range(TIMEOUT // 100):  # the figure is painted some time after the round is shown
            if board.screenshot() != picture:
                break
            page.wait_for_timeout(100)
        else:
            raise AssertionError("The board has not changed.")
    for step, lit in (("both", 7), ("D", 4), ("G", 2)):
        page.click(f"[data-step={step}]")
        played += 1
        visit.at_round(played)
        assert page.locator("#algorithm .lit").count() == lit
    weights = visit.weights()
    page.locator("#history").press("Home")
    page.wait_for_selector("body[data-round='0']")
    assert visit.drawn() == begun
    expect(page.locator("#resume")).to_be_visible()
    page.locator("#history").press("End")
    visit.at_round(played)
    assert visit.drawn() != begun
    assert visit.weights() == weights
    page.click("#reset")
    visit.at_round(0)
    visit.end()


def test_copied_command_and_exported_csv(browser: Browser, address: str, tmp_path: Path) -> None:
    visit = Visit(
        browser, address, easy("gaussian"), permissions=["clipboard-read", "clipboard-write"]
    )
    page = visit.page
    page.click("[data-step=G]")
    visit.at_round(1)
    page.click("#copy-command")
    expect(page.locator("#notice-text")).to_have_text("Copied.")
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("advnets play gaussian --rounds 1 ")
    assert main([*command.split()[1:], "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "readings.json").read_text())["weights"] == visit.weights()
    with page.expect_download() as download:
        page.click("#save-csv")
    assert Path(download.value.path()).read_text().startswith("round,V,")
    visit.end()


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_drawing(touch: bool, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"), has_touch=touch)
    page = visit.page
    page.click("#draw")
    visit.pad_is_ready()
    box = page.locator("#pad").bounding_box()
    assert box
    way = [
        (box["x"] + box["width"] * (0.2 + 0.06 * i), box["y"] + box["height"] * 0.5)
        for i in range(10)
    ]
    if touch:
        wire = visit.context.new_cdp_session(page)
        for kind, (x, y) in zip(["touchStart", *["touchMove"] * 9], way, strict=True):
            wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    else:
        page.mouse.move(*way[0])
        page.mouse.down()
        for x, y in way[1:]:
            page.mouse.move(x, y)
        page.mouse.up()
    visit.until("strokes().data.xs.length === 1 && strokes().data.xs[0].length > 5")
    page.click("#draw-use")
    expect(page.locator("#data :checked")).to_have_value("points:")
    assert visit.state()["state"]["data"].startswith("points:2,")
    expect(page.locator("#notice-text")).to_be_hidden()
    visit.end()


def test_uploaded_and_pasted_points(browser: Browser, address: str, tmp_path: Path) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    large, small = tmp_path / "large.csv", tmp_path / "small.csv"
    large.write_text("1\n" * 200_000)
    small.write_text("x,y\n1,2\n2,1\n3,5\n")
    page.set_input_files("#file", large)
    expect(page.locator("#notice-text")).to_contain_text("too large")
    assert visit.state()["state"]["data"] == "gaussian"
    page.set_input_files("#file", small)
    expect(page.locator("#data :checked")).to_have_value("points:")
    page.wait_for_selector("body[data-board=plane]")
    page.click("#paste")
    page.fill("#paste-text", "1\n2\noops\n")
    page.click("#paste-use")
    expect(page.locator("#notice-text")).to_contain_text("line 3")
    visit.end()


LATIN = re.compile("[A-Za-z]{2,}")


NAMES = re.compile(
    r"Helvetica|Adam|SGD|ReLU|Sigmoid|Maxout|Wasserstein|MNIST|CSV|PNG|GIF|Python|English|JSD|KL|logit|log|arXiv:[\d.]+|p_?data|p_?g|p_?z|"
    r"advnets playground RUN|advnets play DATA|JavaScript|D\(G\(z\)\)|digits"
)


def test_the_chinese_page_has_no_english_and_fits_a_phone(browser: Browser, address: str) -> None:
    visit = Visit(
        browser,
        address,
        easy("gaussian"),
        viewport={"width": 360, "height": 740},
        locale="zh-CN",
        has_touch=True,
    )
    page = visit.page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    def check(board: str) -> None:
        visit.at_board(board)
        visit.does_not_scroll_sideways()
        weights, texts = page.evaluate(  # in one call, since messages change both
            """() => [document.getElementById("weights").innerText,
              [document.title, document.body.innerText,
              ...[...document.querySelectorAll("[aria-label]")].map((e) => e.ariaLabel),
              ...[...document.querySelectorAll("option")].map((e) => e.textContent)]]"""
        )
        for text in texts:
            for word in weights.split():
                text = text.replace(word, "")
            assert not LATIN.search(NAMES.sub("", text)), text

    check("line")
    page.click("[data-step=D]")
    visit.at_round(1)
    check("line")
    for lesson in ("saturation", "zero width"):
        page.select_option("#lesson", lesson)
        page.wait_for_function("(name) => current.state.data === name", arg=LESSONS[lesson].data)
        check("plane")
    page.click(".tab[data-board=latent]")
    check("latent")
    page.click(".tab[data-board=images]")
    check("images")
    visit.end()


def test_two_games_keys_and_both_themes(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"), color_scheme="dark")
    page = visit.page
    assert page.locator("html").get_attribute("data-theme") == "dark"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.check("#compare")
    expect(page.locator("#game-1")).to_be_visible()
    page.locator("#stage").focus()
    for key, round in (("n", 1), ("d", 2), ("g", 3)):
        page.keyboard.press(key)
        visit.at_round(round)
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("body[data-round='2']")
    page.keyboard.press(" ")
    page.wait_for_selector("body[data-playing=yes]")
    page.keyboard.press(" ")
    page.wait_for_selector("body[data-playing=no]")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    visit.end()


NAMELESS = re.compile(
    r"- (button|combobox|spinbutton|slider|checkbox|img|textbox|link|group|region)(?! \")[^\n]*"
)


@pytest.mark.parametrize("board", ["moons", "mnist-5k", "latent"])
def test_every_element_has_an_accessible_name(board: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons" if board == "latent" else board))
    page = visit.page
    if board == "latent":
        page.click(".tab[data-board=latent]")
        visit.at_board("latent")
    else:
        page.click("#compare")
        page.wait_for_selector("#game-1:not([hidden])")
        page.wait_for_selector("#main-1[aria-label]")
        if board == "mnist-5k":
            page.locator(".show-nearest").first.click()
            expect(page.locator("#game-1 .nearest")).to_have_attribute("src", re.compile("data:"))
    openers = (None, "#draw", "#paste") if board == "moons" else (None,)
    for lang, opener in itertools.product(("en", "zh-CN"), openers):
        if page.get_attribute("html", "lang") != lang:
            page.click("#lang")
            page.wait_for_selector(f"html[lang={lang}]")
        if opener:
            page.click(opener)
            page.wait_for_selector("dialog[open]")
            if opener == "#draw":
                visit.pad_is_ready()
        heard = page.locator("body").aria_snapshot()
        assert heard.count("- button") > 3
        assert not [m.group() for m in NAMELESS.finditer(heard) if "- group:" not in m.group()]
        if opener:
            page.keyboard.press("Escape")
    visit.end()


def test_tab_visits_all_controls_from_top_to_bottom(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"), viewport=VIEWPORT)  # no element has had focus
    page, stops = visit.page, []
    page.evaluate("request({ type: 'step', train: 'both' })")
    visit.at_round(1)
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => { const e = document.activeElement;
              const name = e.id || e.dataset.step || e.name || "";
              return [e.tagName, name, getComputedStyle(e).outlineStyle]; }"""
        )
        if stop[0] == "BODY":
            break
        stops.append(stop)
    assert {tag for tag, _, _ in stops} <= {"A", "BUTTON", "SELECT", "INPUT", "SUMMARY"}
    assert {outline for _, _, outline in stops} == {"solid"}  # the focus is visible
    names = [name for _, name, _ in stops]
    order = ["lesson", "play", "both", "D", "G", "reset", "history", "speed", "data", "copy-link"]
    assert [name for name in names if name in order] == order
    visit.end()


def test_a_diagnosis_is_announced_once(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    expect(page.locator("#diagnosis")).to_have_attribute("role", "status")
    page.evaluate(
        """() => { window.announced = []; new MutationObserver(() =>
          announced.push(document.getElementById("diagnosis").textContent)
        ).observe(document.getElementById("diagnosis"), { childList: true, subtree: true }); }"""
    )
    for round in (1, 2, 3):
        page.click("[data-step=both]")
        visit.at_round(round)
    assert page.evaluate("announced") == []  # nothing has changed, so nothing is announced
    page.evaluate("snapshots[0].problem = 'oscillating'; showDiagnosis(); showDiagnosis()")
    page.wait_for_timeout(50)
    (said,) = page.evaluate("announced")
    assert "oscillates" in said
    assert "Try:" in said
    visit.end()


@pytest.mark.parametrize("data", ["moons", "mnist-5k"])
def test_every_control_changes_its_setting(data: str, browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy(data))
    page = visit.page
    round = 0
    board = page.get_attribute("body", "data-board")
    common = [""] if data == "moons" else []  # the controls of all boards are tried on one
    shown = [c for c in CONTROLS if c.board in [board, *common]]
    assert shown
    for control in sorted(shown, key=lambda c: not c.live):  # live ones need no new round
        if round == 0:
            page.click("[data-step=both]")
            round = 1
        visit.at_round(round)
        live = page.locator("fieldset").nth(0 if control.live else 1)
        if control.layers:
            pair = live.locator(f"[data-layers='{control.setting}']")
            pair.locator("input").fill("9")
            pair.locator("input").press("Enter")
        elif control.choices:
            place = live.locator(f"[data-setting='{control.setting}']")
            other = [c for c in control.choices if c != place.input_value()]
            place.select_option(other[0])
        else:
            place = live.locator(f"[data-setting='{control.setting}']")
            value = float(place.input_value())
            place.fill(str(int(value) + 3 if control.whole else value / 2))
            place.press("Enter")
        round = round if control.live else 0  # live settings keep the round
        visit.at_round(round)
        page.wait_for_function(
            "([o, k]) => JSON.stringify(current.state.games[0]).includes(o)",
            arg=[control.setting, 0],
        )
    page.click("[data-step=both]")
    visit.at_round(1)
    expect(page.locator("#notice-text")).to_be_hidden()
    page.fill("[data-setting='k']", "999")
    page.locator("[data-setting='k']").press("Enter")
    page.wait_for_timeout(200)
    assert page.evaluate("current.settings[0]['k']") != 999
    visit.end()


def test_the_exported_table_can_be_read(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"))
    page = visit.page
    for round in (1, 2, 3):
        page.click("[data-step=both]")
        visit.at_round(round)
    with page.expect_download() as download:
        page.click("#save-csv")
    assert download.value.suggested_filename == "game-a.csv"
    text = Path(download.value.path()).read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["round"] for row in rows] == ["0", "1", "2", "3"]
    shown = page.evaluate("snapshots[0].metrics")
    assert float(rows[-1]["JSD"]) == shown["JSD"][0]
    assert float(rows[-1]["JSD, perfect"]) == shown["JSD"][1]
    visit.end()


def test_a_page_of_another_origin_is_refused(browser: Browser, address: str) -> None:
    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<p>")

        def log_message(self, *args: Any) -> None:
            pass

    visit = Visit(browser, address, easy("gaussian"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        page = visit.context.new_page()
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        ends = page.evaluate(
            """(url) => Promise.all([
              new Promise((tell) => {
                const wire = new WebSocket(url.replace("http", "ws") + "play");
                wire.onopen = () => tell("open"); wire.onclose = () => tell("closed"); }),
              fetch(url).then(() => "read", () => "refused"),
            ])""",
            address,
        )
        other.shutdown()
        thread.join()
    assert ends == ["closed", "refused"]
    visit.page.click("[data-step=both]")
    visit.at_round(1)
    visit.end()


def test_hostile_messages_are_answered_with_a_notice(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    weights = visit.weights()
    for message, words in (
        ('{"type": "system"}', "does not know"),
        ("{", "does not know"),
        ('{"type": "set_data", "value": "/etc/passwd"}', "no data of this name"),
        ('{"type": "update_setting", "setting": "k", "value": 1000000}', "at most 50"),
        ('{"type": "use_points", "text": "' + "1,2 " * 60_000 + '"}', "too large"),
    ):
        page.evaluate("showNotice('')")
        page.evaluate("(m) => socket.send(m)", message)
        expect(page.locator("#notice-text")).to_contain_text(words)
        expect(page.locator("#notice-text")).to_contain_text("othing has changed")
    assert visit.weights() == weights
    page.click("[data-step=both]")
    visit.at_round(1)
    page.evaluate("showNotice(''); socket.send('x'.repeat(500000))")
    # The notice depends on whether the reason arrives before the connection is reset.
    expect(page.locator("#notice-text")).to_contain_text("Trying again")
    expect(page.locator("body")).to_have_attribute("data-connected", "yes")
    visit.at_round(1)  # the address holds the game
    visit.end()


def test_the_latent_space_of_a_run(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.click(".tab[data-board=latent]")
    page.wait_for_selector("#directions label")
    seen = [page.locator("#latent-here").get_attribute("src")]

    def moved() -> None:
        expect(page.locator("#latent-here")).not_to_have_attribute("src", str(seen[-1]))
        seen.append(page.locator("#latent-here").get_attribute("src"))

    page.locator("#directions input").first.press("End")
    moved()
    page.locator("#latent-t").press("End")
    moved()
    box = page.locator("#latent-images").bounding_box()
    assert box
    page.locator("#latent-images").click(  # waits until the picture does not move
        position={"x": box["width"] * 0.95, "y": box["height"] * 0.9}
    )
    expect(page.locator("#latent-a")).to_have_value("24")
    other = Visit(browser, visit.address())  # the address holds the latent position too
    expect(other.page.locator("#latent-a")).to_have_value("24")
    expect(other.page.locator("#latent-t")).to_have_value("1")
    expect(other.page.locator("#latent-here")).to_have_attribute("src", str(seen[-1]))
    expect(other.page.locator("#directions input").first).to_have_value("5")
    link = {"board": "latent", "latent": {"a": 0, "b": 1, "t": 0.5, "offsets": [2]}}
    other.page.goto(address + "#" + json.dumps(link))  # a link in the same tab
    expect(other.page.locator("#latent-t")).to_have_value("0.5")
    expect(other.page.locator("#directions input").first).to_have_value("2")
    other.end()
    visit.end()


def test_a_refused_connection_names_the_option(browser: Browser, address: str) -> None:
    """Behind a proxy the page may load although the server refuses its websocket."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.add_init_script(
        "const Real = WebSocket;"
        "window.WebSocket = class extends Real { constructor(url) { super(url + '/no'); } };"
    )
    page.goto(address)
    host = address.removeprefix("http://").strip("/")
    page.get_by_text(f"advnets playground --allow {host}").wait_for(timeout=TIMEOUT)
    context.close()
