"""The playground in a real browser: mouse and keys of a teacher."""

import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from playground_page import SMALL, VIEWPORT, Visit, easy  # first: it skips without a browser

from PIL import Image, ImageChops, ImageStat  # isort: skip
from playwright.sync_api import Browser, expect  # isort: skip

from adversarial_nets.playground import server, session


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server.serve_in_thread() as url:
        yield url


def test_looking_back_while_playing_and_undoing_a_cut(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian", speed=1))
    page = visit.page
    page.click("#play")
    visit.until("snapshots[0].round > 15")
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
    for i in range(12):
        page.mouse.move(box["x"] + (0.9 - 0.05 * i) * box["width"], middle)
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
    page.select_option("#speed", "20")
    page.fill("#pause-at", "50")
    page.locator("#pause-at").press("Enter")
    visit.at_round(50)
    expect(page.locator("body")).to_have_attribute("data-playing", "no")
    assert page.evaluate("snapshots[0].curve.round") == [0, 20, 40, 50]
    page.locator("#pause-at").press("Enter")
    expect(page.locator("#notice-text")).to_contain_text("already at round 50")
    page.click("#play")
    expect(page.locator("#fps")).to_contain_text("rounds/s")
    page.click("#play")
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
    visit.until("snapshots[0].round > 5")
    round = page.evaluate("snapshots[0].round")
    page.reload()
    page.wait_for_selector("body[data-connected=yes][data-busy=no]")
    assert int(page.get_attribute("body", "data-round") or 0) >= round
    visit.end()


def test_a_lost_connection_is_reported_and_restored(browser: Browser) -> None:
    with server.serve_in_thread() as url:
        port = urlsplit(url).port or 0
        visit = Visit(browser, url, {"data": "gaussian", "games": [{"settings": SMALL}]})
        page = visit.page
        page.click("#play")
        visit.until("snapshots[0].round > 5")
    page.wait_for_selector("body[data-connected=no]")
    expect(page.locator("#notice-text")).to_contain_text("connection to the server is lost")
    expect(page.locator("#play")).to_have_text(re.compile("Play"))
    round = visit.state()["state"]["rounds"]
    assert round > 5
    with server.serve_in_thread(port=port):
        page.wait_for_selector("body[data-connected=yes]")
        page.wait_for_selector("body[data-playing=yes]")
        visit.until(f"snapshots[0].round > {round}")
        expect(page.locator("#notice-text")).to_be_hidden()
        page.click("#play")
        page.wait_for_selector("body[data-playing=no]")
        visit.context.close()


def test_keys_act_after_a_lesson_or_a_checkbox(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.check("#compare")
    expect(page.locator("#game-1")).to_be_visible()
    page.keyboard.press("g")
    visit.at_round(1)
    page.keyboard.press(" ")  # plays, and does not toggle the checkbox
    page.wait_for_selector("body[data-playing=yes]")
    page.keyboard.press(" ")
    page.wait_for_selector("body[data-playing=no]")
    assert page.is_checked("#compare")
    page.locator("#lesson").focus()
    page.keyboard.press("ArrowDown")  # the first lesson
    visit.at_round(0)
    page.keyboard.press("g")
    visit.at_round(1)
    expect(page.locator("#lesson")).to_have_value("figure 1")
    page.click("[data-step=D]")
    visit.at_round(2)
    page.keyboard.press(" ")  # plays, and does not press the clicked button again
    page.wait_for_selector("body[data-playing=yes]")
    page.keyboard.press(" ")
    page.wait_for_selector("body[data-playing=no]")
    visit.end()


def test_messages_reach_two_games_and_the_second_begins_at_the_round_of_the_first(
    browser: Browser, address: str
) -> None:
    visit = Visit(browser, address, easy("gaussian", rounds=3))
    page = visit.page
    visit.at_round(3)
    weights = visit.weights()
    page.check("#compare")
    expect(page.locator("#game-1")).to_be_visible()
    visit.at_round(3)
    assert visit.weights().split() == [weights, weights]
    page.select_option("#setting-game", "1")
    page.fill("[data-setting=k]", "2")
    page.locator("[data-setting=k]").press("Enter")
    page.click("[data-step=D]")
    visit.at_round(4)
    expect(page.locator("#algorithm")).to_contain_text("repeat k = 3 (A), 2 (B) times")
    told = page.locator("#explanation").inner_text()
    assert re.search(r"Game A: D was updated 3×.*Game B: D was updated 2×", told, re.DOTALL)
    first = visit.weights().split()[0]
    page.uncheck("#compare")
    expect(page.locator("#game-1")).to_be_hidden()
    visit.at_round(4)
    assert visit.weights() == first
    visit.end()


def test_the_sentence_follows_the_measured_value(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.click("[data-step=D]")
    visit.at_round(1)
    page.evaluate(
        """() => { const s = snapshots[0]; s.V_minibatch = [-1.3, -1.2]; s.V_before = -1.318;
          s.metrics.V[0] = -1.325; showAlgorithm(s); }"""
    )
    told = page.locator("#explanation").inner_text()
    assert "V rose from −1.300 to −1.200" in told
    assert "V fell from −1.318 to −1.325" in told
    assert "not always help" in told
    visit.end()


def test_the_saved_picture_is_what_is_shown(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"), color_scheme="dark", locale="zh-CN")
    page = visit.page
    for round in (1, 2):
        page.click("[data-step=both]")
        visit.at_round(round)
    found = {}
    for what, name in (("png", "round-2.png"), ("gif", "game.gif")):
        with page.expect_download() as download:
            page.click(f"#save-{what}")
        assert download.value.suggested_filename == name
        found[what] = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert found["png"].size == found["gif"].size
    assert getattr(found["gif"], "n_frames", 1) == 3
    card = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--card')")
    corner = found["png"].convert("RGB").crop((1, 1, 2, 2)).tobytes()
    assert f"#{corner.hex()}" == card  # the dark theme
    last = found["gif"]
    last.seek(2)
    difference = ImageChops.difference(last.convert("RGB"), found["png"].convert("RGB"))
    assert max(ImageStat.Stat(difference).mean) < 8  # the same picture in fewer colours
    page.click("[data-layer=gradient]")
    with page.expect_download() as download:
        page.click("#save-png")
    other = Image.open(download.value.path()).convert("RGB")
    assert ImageChops.difference(other, found["png"].convert("RGB")).getbbox()
    visit.end()


def test_a_refused_number_leaves_its_box(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.fill("[data-setting=k]", "999")
    page.locator("[data-setting=k]").press("Enter")
    expect(page.locator("[data-setting=k]")).to_have_value("3")
    expect(page.locator("#notice-text")).not_to_be_empty()
    visit.end()


def test_slow_motion_lights_one_line_after_the_other(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"), viewport=VIEWPORT)
    page = visit.page
    page.evaluate(
        """() => { window.lines = []; new MutationObserver(() => {
          const lit = document.querySelectorAll("#algorithm .lit");
          const line = lit.length === 1 ? lit[0].dataset.stage : lines.at(-1);
          if (lines.at(-1) !== line) lines.push(line);
        }).observe(document.getElementById("algorithm"), { subtree: true, attributes: true });
        window.setTimeout = ((plain) => (f, ms) => plain(f, ms / 16))(setTimeout); }"""
    )  # now a line takes 0.1 s
    page.click("#slow")
    visit.until("lines.length >= 5")
    page.click("#slow")
    lines = page.evaluate("lines")
    assert lines[:5] == ["noise D", "data", "D", "noise G", "G"]
    # The next round may have been asked for already, so both are read at one moment.
    rounds, weights = page.evaluate(
        "[current.state.rounds, document.getElementById('weights').textContent]"
    )
    other = Visit(browser, address, easy("moons", rounds=rounds))
    other.at_round(rounds)
    assert other.weights() == weights  # the round is an ordinary one
    other.end()
    visit.end()


def test_a_point_in_z_and_its_image(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"))
    page = visit.page
    page.locator("#game-0 .z-pad").hover(position={"x": 60, "y": 20})
    expect(page.locator("#game-0 .hover-text")).to_contain_text("G(z) = (")
    x, y, z = page.evaluate(
        """() => { const { x, y } = bokehModel("main", 0, "hover").data;
          const { xy, z } = gridPoints(0);
          return [x[0], y[0], [...z.slice(2 * nearestPoint(xy, 2, [x[0], y[0]])).slice(0, 2)]]; }"""
    )
    assert z[0] > 0
    assert z[1] > 0
    place = page.evaluate(
        "([x, y]) => { const v = views.main[0]; const b = v.el.getBoundingClientRect();"
        "return [b.left + v.frame.x_scale.compute(x), b.top + v.frame.y_scale.compute(y)]; }",
        [x, y],
    )
    page.mouse.move(*place)
    shown = ", ".join(f"{v:.2f}" for v in z)
    expect(page.locator("#game-0 .hover-text")).to_contain_text(f"z = ({shown})")
    visit.end()


def test_the_english_page_fits_a_phone(browser: Browser, address: str) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    visit = Visit(browser, address, easy("gaussian"), **phone)
    page = visit.page
    for board in ("line", "plane"):
        page.click(f".tab[data-board={board}]")
        visit.at_board(board)
        visit.does_not_scroll_sideways()
    place = page.locator("#main-0").bounding_box()
    page.click("#play")
    page.wait_for_selector("body[data-playing=yes]")
    visit.until("document.getElementById('fps').textContent !== ''")
    assert page.locator("#main-0").bounding_box() == place  # nothing moves when it plays
    page.click("#play")
    page.wait_for_selector("body[data-playing=no]")
    for target in ("#play", "#reset", "#speed", "[data-setting=k]", "#curve"):
        box = page.locator(target).bounding_box()
        assert box
        assert box["height"] >= 44, target  # a finger needs that much
    edges = page.evaluate(
        "all('.playback button').map((e) => e.getBoundingClientRect())"
        ".map((b) => [b.top, b.left, b.right])"
    )
    for (top, _, right), (other, left, _) in pairwise(edges):
        assert other > top or right <= left  # no button covers another one
    box = page.locator("#speed").bounding_box()
    assert box
    assert place
    assert place["y"] + place["height"] <= box["y"]  # the game comes before the selectors
    visit.end()


def test_data_are_chosen_by_their_pictures(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("moons"))
    page = visit.page
    page.locator("#data label", has_text="Ring of Gaussians").click()
    visit.until("current.state.data === 'ring-of-gaussians'")
    expect(page.locator("#data :checked")).to_have_value("ring-of-gaussians")
    drawn = page.evaluate("() => all('#data label:not([hidden]) svg').map((e) => e.innerHTML)")
    assert len(set(drawn)) == len(drawn) >= 12  # each is drawn from its own data
    own = page.locator("#data label", has=page.locator("[value='points:']"))
    expect(own).to_be_hidden()
    page.click("#paste")
    page.fill("#paste-text", "0,0\n1,1\n2,0\n")
    page.click("#paste-use")
    expect(own).to_be_visible()
    dots = own.locator("path").get_attribute("d")
    assert dots is not None
    assert len(set(dots.split("M")[1:])) <= 120
    visit.end()


def test_each_learning_rate_changes_by_itself(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    of_G, of_D = page.locator("[data-rate=G]"), page.locator("[data-rate=D]")
    first = float(of_D.input_value())
    of_G.fill("0.02")
    of_G.press("Enter")
    visit.until("current.settings[0].lr === 0.02")
    assert float(of_D.input_value()) == pytest.approx(first)
    of_D.fill("0.05")
    of_D.press("Enter")
    visit.until("Math.abs(current.settings[0].d_lr_multiplier - 2.5) < 1e-9")
    assert of_G.input_value() == "0.02"
    of_D.fill("9")
    of_D.press("Enter")
    expect(page.locator("#notice-text")).to_contain_text("at most 2 here")
    visit.end()


def test_a_term_of_a_lesson_is_explained(browser: Browser, address: str) -> None:
    visit = Visit(browser, address, easy("gaussian"))
    page = visit.page
    page.select_option("#lesson", "collapse")
    page.locator("#about-lesson .term", has_text="mode collapse").click()
    expect(page.locator("#meaning")).to_have_text(
        "mode collapse: G maps many z to nearly the same x."
    )
    page.click("#lang")
    page.locator("#about-lesson .term", has_text="模式崩溃").click()
    expect(page.locator("#meaning")).to_contain_text("把许多 z 映射到几乎相同的 x")
    whole = page.locator("#about-lesson .whole", has_text="模式崩溃")
    expect(whole).to_have_text("（模式崩溃，")  # no line begins with the comma
    visit.end()


def test_a_class_of_digits_is_chosen(browser: Browser, address: str) -> None:
    state = {"data": "mnist-5k", "games": [{"settings": SMALL | {"condition": "classes"}}]}
    visit = Visit(browser, address, state)
    page = visit.page
    visit.at_board("images")
    samples = page.locator("#game-0 .samples")
    seen = [samples.get_attribute("src")]
    for c in ("3", "7", ""):
        page.select_option("#class", c)
        if c:
            expect(samples).not_to_have_attribute("src", str(seen[-1]))
        else:  # the column of each class again
            expect(samples).to_have_attribute("src", str(seen[0]))
        seen.append(samples.get_attribute("src"))
    assert len(set(seen)) == 3
    expect(page.locator("#metrics")).to_contain_text("samples of the requested class")
    page.select_option("[data-setting=condition]", "None")
    expect(page.locator("#class-row")).to_be_hidden()
    visit.end()


def test_the_joint_game_shows_where_E_maps_the_data(browser: Browser, address: str) -> None:
    small = {"G.hidden": [8], "G.init": [0.7, 0.2], "D.units": [6], "batch": 32, "joint": True}
    visit = Visit(browser, address, {"data": "moons", "games": [{"settings": small}]})
    page = visit.page
    page.click("[data-step=both]")
    visit.at_round(1)
    assert str(page.locator("#game-0 .codes").get_attribute("d")).count("M") == 100
    expect(page.locator("#game-0 [data-layer=pairs]")).to_be_visible()
    assert page.evaluate("bokehModel('main', 0, 'reconstructions').data.x_end.length") == 100
    page.select_option("[data-setting=joint]", "false")
    visit.at_round(0)
    expect(page.locator("#game-0 [data-layer=pairs]")).to_be_hidden()
    assert page.locator("#game-0 .codes").get_attribute("d") == ""
    visit.end()
