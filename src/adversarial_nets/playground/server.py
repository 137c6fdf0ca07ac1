"""The playground's web server: one page, and one websocket for each open page.

All input from the network is untrusted. The server answers only requests to its own addresses, and
opens a websocket only for its own pages. Each websocket has its own session with its games, which
is freed when the websocket closes.
"""

import asyncio
import functools
import json
import logging
import re
import secrets
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokeh.settings import bokehjs_path
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.playground.boards.drawing_pad import drawing_pad_json
from adversarial_nets.playground.latent_explorer import LatentExplorer, open_latent_explorer
from adversarial_nets.playground.messages import handle
from adversarial_nets.playground.page import WEB_FOLDER, render
from adversarial_nets.playground.session import Session
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.playground.words import WORDS, Language
from adversarial_nets.replay import kind_of
from adversarial_nets.toys.recording import one_thread

__all__ = ["running_server", "serve", "serve_in_thread"]

MAX_SESSIONS = 40
"""Maximum number of open pages, enough for a class; their games take turns."""
TOKEN_COOKIE = "advnets_token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_MESSAGE_BYTES = 400_000
MAX_BODY_BYTES = 1000
"""Maximum size of a request's body in bytes; requests upload nothing."""
MAX_QUEUE = 50
"""Maximum number of waiting messages of one page."""
MAX_PORT = 65_535
IDLE_SECONDS = 30 * 60.0
"""Seconds without a message after which a page's games are freed."""
RENDER_SECONDS = 20.0
"""Seconds that a page may take to draw a snapshot before its games are paused."""
RUN_TAB = "#latent"
"""The end of an address that opens the tab of the trained run."""
_ADDRESS = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


@dataclass
class ServerState:
    """The state that all sessions share.

    Attributes:
        command_line_data: the data named on the command line.
        explorer: the latent space of the run named on the command line.
        hosts: the host names and ports at which this server may be addressed.
        token: the token that every request must contain if the server listens to the network;
            otherwise "".
        executor: threads in which games are computed; sessions take turns.
        sockets: the open websockets.
    """

    command_line_data: str
    explorer: LatentExplorer | None
    hosts: set[str] = field(default_factory=set)
    token: str = ""
    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    sockets: set["SessionSocket"] = field(default_factory=set)


# --- Pages and files ------------------------------------------------------------------------------


class _Refused(HTTPError):
    """The error for a request to an address that is not this server's own.

    Args:
        address: the host and port that the browser used.
    """

    def __init__(self, address: str) -> None:
        super().__init__(403, reason="This playground answers only to its own addresses")
        found = _ADDRESS.fullmatch(address.lower())  # untrusted text
        allow = address.lower() if found else "HOST:PORT"
        # Browsers omit the default ports 80 and 443; `_address` treats the two as equal.
        allow += ":80" if found and not found[2] and "." not in allow else ""
        self.command = f"advnets playground --allow {allow}"


class _Guarded(RequestHandler):
    """Refuses requests to another name than this server's own (DNS rebinding)."""

    @property
    def server(self) -> ServerState:
        """The state that all sessions share."""
        server: ServerState = self.settings["server"]
        return server

    def prepare(self) -> None:
        """Check the token, or compare the Host header with the server's own names.

        A page of another name (DNS rebinding) does not have this server's cookie, so the token is
        enough.
        """
        token = self.server.token
        if token:
            given = self.get_query_argument("token", "") or self.get_cookie(TOKEN_COOKIE) or ""
            if not secrets.compare_digest(given.encode(), token.encode()):
                raise HTTPError(403, reason="This address needs the token that the server printed")
        elif self.request.host.lower() not in self.server.hosts:
            raise _Refused(self.request.host)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Answer with plain text; after a refused address it names the option that allows it."""
        exc_info = kwargs.get("exc_info")
        error = exc_info[1] if isinstance(exc_info, tuple) else None
        text = f"{status_code}: {self._reason}\n"
        if isinstance(error, _Refused):
            text += "\n".join(WORDS["not allowed"][lang] for lang in ("en", "zh")) + "\n"
            text = text.format(command=error.command)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text)

    def set_default_headers(self) -> None:
        """Set headers that forbid the page to load anything from other servers."""
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        )


class PageHandler(_Guarded):
    """Serves the page."""

    def get(self) -> None:
        """The page in the language of ``?lang=``, or of the browser."""
        accepted = self.request.headers.get("Accept-Language", "").lower()
        asked = self.get_query_argument("lang", "")
        chinese = asked == "zh" or (asked != "en" and accepted.startswith("zh"))
        lang: Language = "zh" if chinese else "en"
        state = self.server
        if state.token:
            self.set_cookie(TOKEN_COOKIE, state.token, httponly=True, samesite="Strict")
        self.write(render(lang, state.command_line_data, latent=state.explorer is not None))

    head = get


class DrawingPadHandler(_Guarded):
    """Serves the drawing pad."""

    def get(self) -> None:
        """The pad as Bokeh JSON, in the theme of ``?theme=``."""
        dark = self.get_query_argument("theme", "") == "dark"
        self.write(drawing_pad_json("dark" if dark else "light"))

    head = get


class FileHandler(_Guarded, StaticFileHandler):
    """Serves the page's own scripts and styles, and Bokeh's scripts."""


# --- The websocket of one page --------------------------------------------------------------------


class SessionSocket(_Guarded, WebSocketHandler):
    """The websocket of one open page, which plays the page's games between messages."""

    def check_origin(self, origin: str) -> bool:
        """Accept websockets only from this server's own pages; others get 403."""
        address = origin.partition("://")[2].lower()
        own = {self.request.host.lower()} if self.server.token else self.server.hosts
        if address not in own:
            raise _Refused(address)
        return True

    def open(self, *args: str, **kwargs: str) -> None:
        """Start a session, unless too many pages are open."""
        self.queue: asyncio.Queue[Any] = asyncio.Queue(MAX_QUEUE)
        self.rendered = asyncio.Event()
        self.rendered.set()
        self.closed = False
        if len(self.server.sockets) >= MAX_SESSIONS:
            self._send_error("full", most=MAX_SESSIONS)
            self.close(1013, "full")
            return
        self.server.sockets.add(self)
        self.task = asyncio.create_task(self._serve())  # the reference prevents garbage collection

    def on_message(self, message: str | bytes) -> None:
        """Put a message into the queue; ``rendered`` and ``ping`` take effect immediately."""
        try:
            content = json.loads(message)
        except (ValueError, RecursionError):
            content = None
        if content == {"type": "rendered"}:
            self.rendered.set()
            return
        if content == {"type": "ping"}:
            self._send([])
            return
        try:
            self.queue.put_nowait(content)
        except asyncio.QueueFull:
            self._send_error("too fast")

    def on_close(self) -> None:
        """Make `_serve` end."""
        self.server.sockets.discard(self)
        self.closed = True
        self.rendered.set()
        with suppress(asyncio.QueueFull):  # then `_serve` is not waiting
            self.queue.put_nowait(None)

    async def _serve(self) -> None:
        """Handle messages, and play while there are none."""
        session = Session(self.server.command_line_data, self.server.explorer)
        while not self.closed:
            if session.busy and self.queue.empty():
                if not await self._run_in_thread(session.tick):
                    session.playing = False
                    session.stop_here()
                continue
            try:
                message = await asyncio.wait_for(self.queue.get(), IDLE_SECONDS)
            except TimeoutError:
                self._send_error("idle")
                self.close(1001, "idle")
                break
            if not self.closed:
                await self._run_in_thread(functools.partial(handle, session, message))
        session.leave()

    async def _run_in_thread(self, work: Callable[[], list[dict[str, Any]]]) -> bool:
        """Run `work` in another thread, and send its messages once the page has drawn the others.

        Returns:
            Whether the page drew the last snapshot within `RENDER_SECONDS`.
        """
        loop = asyncio.get_running_loop()
        try:
            messages = await loop.run_in_executor(self.server.executor, work)
        except RequestError as error:
            messages = [error.to_message()]
        except Exception:  # a bug here closes only this session
            logging.getLogger(__name__).exception("A session failed")
            self._send_error("broken")
            self.close(1011, "broken")
            return False
        in_time = True
        if any(message["type"] == "snapshot" for message in messages):
            try:
                await asyncio.wait_for(self.rendered.wait(), RENDER_SECONDS)
            except TimeoutError:
                in_time = False
            self.rendered.clear()
        if messages:
            self._send(messages)
        return in_time

    def _send(self, messages: list[dict[str, Any]]) -> None:
        with suppress(WebSocketClosedError):
            self.write_message(json.dumps(messages))

    def _send_error(self, reason: str, **values: object) -> None:
        self._send([RequestError(reason, **values).to_message()])


# --- Starting and stopping ------------------------------------------------------------------------


def application(
    command_line_data: str, explorer: LatentExplorer | None
) -> tuple[Application, ServerState]:
    """The Tornado application, and the state that its sessions share."""
    state = ServerState(command_line_data, explorer)
    routes: list[Any] = [
        ("/", PageHandler),
        ("/pad", DrawingPadHandler),
        ("/play", SessionSocket),
        (r"/files/([a-z]+\.(?:css|js))", FileHandler, {"path": str(WEB_FOLDER)}),
        (r"/bokeh/(bokeh\.min\.js)", FileHandler, {"path": str(Path(bokehjs_path()) / "js")}),
    ]
    app = Application(
        routes,
        server=state,
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        websocket_ping_interval=15,
        compress_response=True,
    )
    return app, state


def serve(
    *,
    run: Path | None = None,
    data: str = "gaussian",
    port: int = 5006,
    host: str = "127.0.0.1",
    browser: bool = True,
    allow: Sequence[str] = (),
    show_run: bool = False,
    on_ready: Callable[[str], None] = lambda url: None,
) -> dict[str, Any]:
    """Serve the playground until Ctrl-C: ``advnets playground``.

    Args:
        run: folder of a trained run whose latent space the page lets you explore.
        data: the data of the first game.
        port: the port; 0 chooses a free port.
        host: the address to listen on. Any address other than the loopback address opens the
            playground to the network; then requests need the token in the printed address.
        browser: open the page in a browser.
        allow: other addresses (host and port) at which browsers reach this server, e.g. through a
            tunnel: ``localhost:8888``.
        show_run: open the page at the tab of the trained run.
        on_ready: called with the page's address.

    Raises:
        UserError: the run or the data do not exist, data too large for the playground, an invalid
            address in `allow`, or a port in use.
    """
    allowed = [_address(text) for text in allow]
    kind_of(data)  # raises UserError for unknown data
    try:
        handle(Session(data), {"type": "open"})
    except RequestError as error:
        reason = WORDS[f"error {error.reason}"]["en"].format(**error.values)
        raise UserError(f"{data} cannot be played here: {reason}") from error
    explorer = open_latent_explorer(run) if run else None
    tab = RUN_TAB if show_run and explorer else ""

    async def serve_until_interrupted() -> None:
        async with running_server(data, explorer, port, allowed, host) as (_, url):
            on_ready(url + tab)
            if browser:
                webbrowser.open(url + tab)
            await asyncio.Event().wait()

    asyncio.run(serve_until_interrupted())
    return {}


def _own_addresses(port: int) -> set[str]:
    """The hosts and ports at which browsers on this machine address the server.

    >>> sorted(_own_addresses(5006))
    ['127.0.0.1:5006', '[::1]:5006', 'localhost:5006']
    """
    names = {"127.0.0.1", "localhost", "[::1]"}
    return {f"{name}:{port}" for name in names} | (names if port == 80 else set())


def _address(text: str) -> str:
    """The host and port in an address that may be copied from a browser.

    Browsers send no port if it is the default one, 80 or 443, so these are dropped. A full name
    such as ``gan.example.org``, an IPv4 address, or an address with ``http://`` needs no port.

    Raises:
        SettingError: the text is not an address, or is a name such as ``lab`` without a port.
    """
    given = text.strip().lower()
    found = _ADDRESS.fullmatch(re.sub(r"^https?://|/.*$", "", given))
    name, port = (found[1], (found[2] or "")[1:]) if found else ("", "")
    has_port = 0 < int(port) <= MAX_PORT if port else "." in name or "://" in given
    if not (name and has_port):
        raise SettingError(
            "allow",
            f"is {text!r}; it must be HOST:PORT as in the browser's address bar, e.g. "
            "localhost:8888 (if it shows no port: 80 for http, 443 for https).",
        )
    return name if port in ("", "80", "443") else f"{name}:{port}"


@asynccontextmanager
async def running_server(
    data: str = "gaussian",
    explorer: LatentExplorer | None = None,
    port: int = 0,
    allow: Sequence[str] = (),
    host: str = "127.0.0.1",
) -> AsyncIterator[tuple[ServerState, str]]:
    """Serve the playground inside the block; yields the shared state and the page's address.

    Raises:
        UserError: the port is in use.
    """
    with one_thread():  # networks this small are slower with several threads
        app, state = application(data, explorer)
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family)
        except (OSError, OverflowError) as error:
            raise UserError(
                f"Port {port} of {host} cannot be used ({error}). Give another --port (0 for a "
                "free one), or an address of this machine as --host."
            ) from error
        listener.setblocking(False)
        port = listener.getsockname()[1]
        state.hosts |= {*_own_addresses(port), *allow}
        name = "127.0.0.1" if host in LOOPBACK and host != "::1" else host
        if host not in LOOPBACK:
            state.token = secrets.token_urlsafe(9)
            name = socket.gethostname() if host in ("0.0.0.0", "::") else host
        name = f"[{name}]" if ":" in name else name
        query = f"?token={state.token}" if state.token else ""
        server = HTTPServer(app, max_body_size=MAX_BODY_BYTES)
        server.add_socket(listener)
        try:
            yield state, f"http://{name}:{port}/{query}"
        finally:
            server.stop()
            for session_socket in list(state.sockets):
                session_socket.closed = True
                session_socket.close()
            await server.close_all_connections()
            state.executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def serve_in_thread(explorer: LatentExplorer | None = None, port: int = 0) -> Iterator[str]:
    """Serve the playground from another thread inside the block; yields the page's address."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        async with running_server(explorer=explorer, port=port) as (_, url):
            stop = asyncio.Event()
            ready.set_result((url, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    url, loop, stop = ready.result()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
