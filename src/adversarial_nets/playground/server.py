"""The playground's server: one page, and one websocket for each visitor.

Whatever comes over the wire is untrusted. A visitor's socket is opened for pages of this server
alone, carries twenty kinds of small messages, and owns its games: when it closes, they are gone.
"""

import asyncio
import functools
import json
import logging
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from bokeh.settings import bokehjs_path
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from adversarial_nets.errors import UserError
from adversarial_nets.playground import boards
from adversarial_nets.playground.game_session import Refused, Visitor
from adversarial_nets.playground.page import render
from adversarial_nets.playground.walk import Walk, open_walk
from adversarial_nets.playground.words import WORDS
from adversarial_nets.replay import kind_of

__all__ = ["beside", "listening", "serve"]

HERE = Path(__file__).parent
VISITORS = 8  # at once
MESSAGE = 400_000  # bytes of one message at most
BODY = 1000  # bytes of a request at most: nothing is uploaded that way
WAITING = 50  # messages of one visitor that wait to be obeyed
IDLE = 30 * 60.0  # seconds without a word from the page after which its games are freed
UNSEEN = 20.0  # seconds without a word that the last picture was drawn before playing pauses


@dataclass
class House:
    """What all visitors share.

    Attributes:
        own_data: the data named on the command line.
        walk: the run named on the command line, opened.
        hosts: the names under which this server may be addressed, with the port.
        workers: where games are played; there are few, so visitors take turns.
        visitors: those who are here.
    """

    own_data: str
    walk: Walk | None
    hosts: set[str] = field(default_factory=set)
    workers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    visitors: set["Socket"] = field(default_factory=set)


class _Guarded(RequestHandler):
    """Refuses what is not addressed to this server by its own name (DNS rebinding)."""

    @property
    def house(self) -> House:
        """What all visitors share."""
        house: House = self.settings["house"]
        return house

    def prepare(self) -> None:
        if self.request.host not in self.house.hosts:
            raise HTTPError(403, reason="This playground answers only to its own address")

    def set_default_headers(self) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        )


class Page(_Guarded):
    """The page itself."""

    def get(self) -> None:
        lang = self.get_query_argument("lang", "")
        if lang not in ("en", "zh"):
            accepted = self.request.headers.get("Accept-Language", "")
            lang = "zh" if accepted.lower().startswith("zh") else "en"
        self.write(render(lang, self.house.own_data, walk=self.house.walk is not None))


class Pad(_Guarded):
    """The square to draw in."""

    def get(self) -> None:
        self.write(
            boards.pad("dark" if self.get_query_argument("theme", "") == "dark" else "light")
        )


class Files(_Guarded, StaticFileHandler):
    """The page's own files and Bokeh's."""


class Socket(_Guarded, WebSocketHandler):
    """One visitor."""

    def check_origin(self, origin: str) -> bool:
        """Only this server's own pages may play: a foreign page gets 403."""
        return origin.partition("://")[2] in self.house.hosts

    def open(self, *args: str, **kwargs: str) -> None:
        """Let a visitor in, if there is room."""
        self.waiting: asyncio.Queue[Any] = asyncio.Queue(WAITING)
        self.drawn = asyncio.Event()
        self.drawn.set()
        self.task: asyncio.Task[None] | None = None
        if len(self.house.visitors) >= VISITORS:
            self._tell([{"is": "refused", "why": "full", "gaps": {"most": VISITORS}}])
            self.close(1013, "full")
            return
        self.house.visitors.add(self)
        self.task = asyncio.create_task(self._live())

    def on_message(self, message: str | bytes) -> None:
        """Take a message in; it is obeyed in its turn."""
        try:
            found = json.loads(message)
        except (ValueError, RecursionError):
            found = None
        if found == {"do": "drawn"}:
            self.drawn.set()
            return
        with suppress(asyncio.QueueFull):
            self.waiting.put_nowait(found)
            return
        self._tell([{"is": "refused", "why": "too fast", "gaps": {}}])

    def on_close(self) -> None:
        """Free everything."""
        self.house.visitors.discard(self)
        if self.task is not None:
            self.task.cancel()

    async def _live(self) -> None:
        """Obey messages, and play in between."""
        visitor = Visitor(self.house.own_data, self.house.walk)
        while True:
            if visitor.busy and self.waiting.empty():
                if not await self._do(visitor.tick):
                    visitor.playing = False
                    visitor.stop_here()
                continue
            try:
                message = await asyncio.wait_for(self.waiting.get(), IDLE)
            except TimeoutError:
                self._tell([{"is": "refused", "why": "idle", "gaps": {}}])
                self.close(1001, "idle")
                return
            await self._do(functools.partial(visitor.handle, message))

    async def _do(self, work: Callable[[], list[dict[str, Any]]]) -> bool:
        """Have a worker do it, and tell the page when it has drawn the last picture.

        Returns:
            Whether the page has drawn that picture in good time; if not, nobody is looking.
        """
        loop = asyncio.get_running_loop()
        try:
            told = await loop.run_in_executor(self.house.workers, work)
        except Refused as refused:
            told = [{"is": "refused", "why": refused.why, "gaps": refused.gaps}]
        except Exception:  # a mistake of ours: it costs this visitor's game, and no other's
            logging.getLogger(__name__).exception("A game ended")
            self._tell([{"is": "refused", "why": "broken", "gaps": {}}])
            self.close(1011, "broken")
            return False
        seen = True
        if any(message["is"] == "frame" for message in told):
            try:
                await asyncio.wait_for(self.drawn.wait(), UNSEEN)
            except TimeoutError:
                seen = False
            self.drawn.clear()
        self._tell(told)
        return seen

    def _tell(self, messages: list[dict[str, Any]]) -> None:
        with suppress(WebSocketClosedError):
            self.write_message(json.dumps(messages))


def application(own_data: str, walk: Walk | None) -> tuple[Application, House]:
    """The server's pages, and what its visitors share."""
    house = House(own_data, walk)
    scripts = "/bokeh/(bokeh(?:-[a-z]+)?[.]min[.]js)"
    return (
        Application(
            [
                ("/", Page),
                ("/pad", Pad),
                ("/play", Socket),
                ("/files/(page[.](?:css|js))", Files, {"path": str(HERE)}),
                (scripts, Files, {"path": str(Path(bokehjs_path()) / "js")}),
            ],
            house=house,
            websocket_max_message_size=MESSAGE,
            websocket_ping_interval=15,
            compress_response=True,
        ),
        house,
    )


def serve(
    *,
    run: Path | None = None,
    data: str = "gaussian",
    port: int = 5006,
    browser: bool = True,
    on_ready: Callable[[str], None] = lambda url: None,
) -> dict[str, Any]:
    """Serve the playground on 127.0.0.1 until Ctrl-C: ``advnets playground``.

    Args:
        run: a trained run's folder, to walk about in its z.
        data: what to play on at first.
        port: 0 takes a free one.
        browser: open a browser.
        on_ready: called with the page's address.

    Raises:
        UserError: no such run or data, data too large to be played here, or a port that is taken.
    """
    kind_of(data)  # refuses data that there are not
    try:
        Visitor(data).handle({"do": "open"})  # else the page would ask for them again and again
    except Refused as refused:
        why = WORDS[f"why {refused.why}"]["en"].format(**refused.gaps)
        raise UserError(f"{data} cannot be played here: {why}") from refused
    walk = open_walk(run) if run else None
    asyncio.run(_serve(data, walk, port, browser, on_ready))
    return {}


async def _serve(
    data: str, walk: Walk | None, port: int, browser: bool, on_ready: Callable[[str], None]
) -> None:
    async with listening(data, walk, port) as (_, url):
        on_ready(url)
        if browser:
            webbrowser.open(url)
        await asyncio.Event().wait()


@asynccontextmanager
async def listening(
    data: str = "gaussian", walk: Walk | None = None, port: int = 0
) -> AsyncIterator[tuple[House, str]]:
    """A playground that listens on 127.0.0.1 for as long as the block lasts, and its address.

    Raises:
        UserError: the port is taken.
    """
    torch.set_num_threads(1)  # for nets this small, threads only wait for each other
    app, house = application(data, walk)
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        raise UserError(
            f"Port {port} cannot be used ({error}); give another --port, or 0."
        ) from error
    listener.setblocking(False)
    port = listener.getsockname()[1]
    house.hosts |= {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
    server = HTTPServer(app, max_body_size=BODY)
    server.add_socket(listener)
    try:
        yield house, f"http://127.0.0.1:{port}/"
    finally:
        server.stop()
        for visitor in list(house.visitors):
            visitor.close()
        await server.close_all_connections()
        house.workers.shutdown(wait=False, cancel_futures=True)


@contextmanager
def beside(walk: Walk | None = None) -> Iterator[str]:
    """A playground that is served by a thread of its own, and its address."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        async with listening(walk=walk) as (_, url):
            end = asyncio.Event()
            ready.set_result((url, asyncio.get_running_loop(), end))
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    url, loop, end = ready.result()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
