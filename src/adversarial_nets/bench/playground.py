"""Speed of the playground: each board and lesson in Chromium, and many simultaneous visitors."""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adversarial_nets.bench.busy import in_background
from adversarial_nets.bench.memory import peak_memory, resident_memory
from adversarial_nets.bench.speed import versions_and_machine
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.screenshots import open_browser
from adversarial_nets.playground.server import running_server, serve_in_thread
from adversarial_nets.progress import Progress, no_progress

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tornado.websocket import WebSocketClientConnection

__all__ = [
    "BOARDS",
    "BoardSpeed",
    "PlaygroundSpeed",
    "Visitors",
    "measure_boards",
    "measure_visitors",
]

BOARDS: Sequence[tuple[str, int, int]] = (
    *((data, 1, 5) for data in ("gaussian", "mixture", "uniform")),
    *((data, 1, 5) for data in ("ring", "ring-of-gaussians", "grid", "spiral", "moons")),
    *(("gaussian", 1, rounds) for rounds in (50, 200)),
    *(("ring-of-gaussians", 1, rounds) for rounds in (50, 200)),
    *(("mnist-5k", 1, rounds) for rounds in (5, 20, 100)),
    *((data, 2, 5) for data in ("gaussian", "moons", "mnist-5k")),
)
"""The boards to measure: data, number of games, rounds per frame."""

SECONDS = 3.0
"""Seconds for which each board plays."""
LESSON_SECONDS = 12.0
"""Seconds after which the rest of a lesson is computed from its rounds per second."""
CLICKS = 5
_CLICK = """() => new Promise((done) => {
  const sent = performance.now(), handler = handlers.state;
  handlers.state = (m) => { handlers.state = handler; handler(m); done(performance.now() - sent); };
  request({ type: "set_speed", value: current.state.speed });
})"""


@dataclass(frozen=True)
class BoardSpeed:
    """Speed of one board.

    Attributes:
        data: the data set.
        games: number of games on the board.
        rounds_per_frame: the value of that selector.
        frames: displayed frames per second.
        rounds: rounds per second.
        click_ms: median time from a click while playing to the answer, in milliseconds.
    """

    data: str
    games: int
    rounds_per_frame: int
    frames: float
    rounds: float
    click_ms: float


@dataclass(frozen=True)
class PlaygroundSpeed:
    """The results of `measure_boards`.

    Attributes:
        boards: one entry for each of `BOARDS`.
        lessons: seconds from Play until the lesson pauses, by the lesson's name.
        machine: the other programs that ran, a column of `busy.COLUMNS`.
        load: the machine's load average at the end.
        made_with: versions, processor, threads.
    """

    boards: Sequence[BoardSpeed]
    lessons: dict[str, float]
    machine: str
    load: float
    made_with: Mapping[str, object]


def measure_boards(machine: str = "alone", on_progress: Progress = no_progress) -> PlaygroundSpeed:
    """Play each board and each lesson in a page of 1280 × 800 pixels.

    Args:
        machine: the other programs to run, a column of `busy.COLUMNS`.
        on_progress: called after each board and lesson.

    Raises:
        UserError: Playwright or Chromium is not installed.
    """
    found, times, total = [], {}, len(BOARDS) + len(LESSONS)
    with in_background(machine), serve_in_thread() as url, open_browser() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(url)
        page.wait_for_selector("body[data-shown][data-busy=no]", timeout=120_000)
        for data, games, speed in BOARDS:
            found.append(_board(page, data, games, speed, SECONDS))
            on_progress(f"{data}, {games} × {speed}", len(found), total)
        for name in LESSONS:
            times[name] = _lesson(page, name)
            on_progress(f"lesson {name}", len(found) + len(times), total)
        load = _load()
    return PlaygroundSpeed(found, times, machine, load, versions_and_machine())


def _wait_for_games(page: "Page", data: str, games: int, speed: int) -> None:
    """Wait until new games with these data are shown."""
    page.wait_for_function(
        "([data, games, speed]) => current.state.data === data && current.state.speed === speed"
        " && current.settings.length === games && !current.busy && !Object.keys(embedding).length"
        " && Object.values(snapshots).every((s) => s.round === 0)",
        arg=[data, games, speed],
        timeout=120_000,
    )


def _board(page: "Page", data: str, games: int, speed: int, seconds: float) -> BoardSpeed:
    """Play one board for some seconds, and click while it plays."""
    state = {"data": data, "speed": speed, "games": [{"settings": {}}] * games}
    page.evaluate("(hash) => { location.hash = hash; }", json.dumps({"state": state}))
    _wait_for_games(page, data, games, speed)
    page.click("#play")
    page.wait_for_timeout(1000 * seconds)
    shown = page.evaluate("[document.body.dataset.fps, document.body.dataset.rate]")
    frames, rounds = map(float, shown)
    clicks = [float(page.evaluate(_CLICK)) for _ in range(CLICKS)]
    return BoardSpeed(data, games, speed, frames, rounds, round(statistics.median(clicks), 1))


def _lesson(page: "Page", name: str) -> float:
    """Seconds from Play until the lesson pauses; estimated from its speed if it is long."""
    from playwright.sync_api import TimeoutError as StillPlaying

    lesson = LESSONS[name]
    page.select_option("#lesson", name)
    _wait_for_games(page, lesson.data, len(lesson.games), lesson.speed)
    begun, share = time.perf_counter(), 1.0
    page.click("#play")
    try:
        page.wait_for_selector(
            f"body[data-round='{lesson.rounds}'][data-playing=no]", timeout=1000 * LESSON_SECONDS
        )
    except StillPlaying:
        share = max(1, int(page.evaluate("snapshots[0].round"))) / lesson.rounds
    return round((time.perf_counter() - begun) / share, 1)


# --- A class --------------------------------------------------------------------------------------


@dataclass
class _Visitor:
    """One page's websocket: it confirms every frame immediately, and clicks every seven seconds."""

    frames: int = 0
    round: int = 0
    clicks: list[float] = field(default_factory=list)
    served: bool = True


@dataclass(frozen=True)
class Visitors:
    """The results of `measure_visitors`.

    Attributes:
        visitors: how many tried to connect.
        served: how many were served to the end.
        seconds: how long they were connected.
        frames: frames per second of one visitor, on average.
        rounds: rounds per second of one visitor, on average.
        click_s: median and 95th percentile of the time from a click to its answer, in seconds.
        memory_mb: this process's memory before, at the end, and at its peak.
        machine: the other programs that ran, a column of `busy.COLUMNS`.
        load: the machine's load average at the end.
        made_with: versions, processor, threads.
    """

    visitors: int
    served: int
    seconds: int
    frames: float
    rounds: float
    click_s: tuple[float, float]
    memory_mb: tuple[int, int, int]
    machine: str
    load: float
    made_with: Mapping[str, object]


def measure_visitors(
    visitors: int = 30,
    seconds: int = 600,
    machine: str = "alone",
    on_progress: Progress = no_progress,
) -> Visitors:
    """Let many pages play at the same time; server and visitors share this process.

    Args:
        visitors: the number of pages; a third play on the line, two thirds in the plane.
        seconds: how long they are connected.
        machine: the other programs to run, a column of `busy.COLUMNS`.
        on_progress: called every second.

    Raises:
        UserError: the system is Windows, where memory is not measured.
    """
    with in_background(machine):
        return asyncio.run(_measure_visitors(visitors, seconds, machine, on_progress))


async def _measure_visitors(n: int, seconds: int, machine: str, on_progress: Progress) -> Visitors:
    before = resident_memory()
    async with running_server() as (_, url):
        data = ("gaussian", "ring-of-gaussians", "moons")
        begun = time.monotonic()
        stop = begun + seconds
        tasks = [asyncio.create_task(_visit(url, data[i % 3], stop)) for i in range(n)]
        while (now := time.monotonic()) < stop:
            await asyncio.sleep(min(1.0, max(0.01, stop - now)))
            on_progress("visitors", min(round(now - begun), seconds), seconds)
        found = await asyncio.gather(*tasks)
    clicks = sorted(click for visitor in found for click in visitor.clicks)
    served = [visitor for visitor in found if visitor.served]
    return Visitors(
        n,
        len(served),
        seconds,
        round(sum(v.frames for v in served) / seconds / max(len(served), 1), 2),
        round(sum(v.round for v in served) / seconds / max(len(served), 1), 1),
        (_quantile(clicks, 0.5), _quantile(clicks, 0.95)),
        (_megabytes(before), _megabytes(resident_memory()), _megabytes(peak_memory())),
        machine,
        _load(),
        versions_and_machine(),
    )


def _quantile(values: Sequence[float], share: float) -> float:
    return round(values[int(share * len(values))], 3) if values else float("nan")


def _megabytes(memory: int) -> int:
    """Bytes as megabytes of 10⁶ bytes."""
    return round(memory / 1e6)


def _load() -> float:
    """The machine's load average; NaN on Windows, which has none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


async def _visit(url: str, data: str, stop: float) -> _Visitor:
    """Open a page, play until the time is over, and click every seven seconds."""
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    host, found = url[7:-1], _Visitor()
    request = HTTPRequest(f"ws://{host}/play", headers={"Origin": f"http://{host}"})
    wire = await websocket_connect(request, max_message_size=10**8)
    await wire.write_message(json.dumps({"type": "open", "state": {"data": data}}))
    await wire.write_message('{"type": "play"}')
    clicked, next_click = None, time.monotonic() + 5
    while (now := time.monotonic()) < stop:
        messages = await _messages(wire, stop - now)
        if messages is None:
            found.served = False
            break
        for message in messages:
            if message["type"] == "snapshot":
                found.frames += 1
                found.round = message["round"]
            if message["type"] == "state" and clicked is not None:
                found.clicks.append(time.monotonic() - clicked)
                clicked = None
        if any(message["type"] == "snapshot" for message in messages):
            await wire.write_message('{"type": "rendered"}')
        if clicked is None and time.monotonic() > next_click:
            clicked = time.monotonic()
            next_click = clicked + 7
            await wire.write_message('{"type": "set_speed", "value": 10}')
    wire.close()
    return found


async def _messages(
    wire: "WebSocketClientConnection", seconds: float
) -> list[dict[str, Any]] | None:
    """The messages that arrive next, [] if none arrive in time, None if the server has closed."""
    reading = asyncio.ensure_future(wire.read_message())
    done, _ = await asyncio.wait({reading}, timeout=seconds)
    if not done:
        reading.cancel()
        return []
    raw = reading.result()
    return None if raw is None else json.loads(raw)
