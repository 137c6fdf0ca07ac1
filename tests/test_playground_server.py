"""The playground's web server and its websockets."""

import asyncio
import gc
import json
import socket
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
import torch

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    websocket_connect,
)

from adversarial_nets import replay, settings
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.playground import limits, server
from adversarial_nets.playground.server import running_server, serve_in_thread
from adversarial_nets.playground.session import Session
from adversarial_nets.toys import line
from small_playground import SMALL, Message, last

pytestmark = pytest.mark.usefixtures("no_figures")


async def until(condition: Callable[[], bool]) -> None:
    """Wait up to two minutes for the condition; other tests may be using the processor."""
    for _ in range(2400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("The condition did not hold within two minutes.")


async def connect(host: str, origin: str | None = None) -> WebSocketClientConnection:
    headers = {"Origin": origin or f"http://{host}"}
    return await websocket_connect(HTTPRequest(f"ws://{host}/play", headers=headers))


async def ask(wire: WebSocketClientConnection, message: Any) -> list[Message]:
    await wire.write_message(message if isinstance(message, str) else json.dumps(message))
    answer = await asyncio.wait_for(wire.read_message(), 120)
    assert answer is not None
    messages: list[Message] = json.loads(answer)
    return messages


async def confirm(wire: WebSocketClientConnection) -> None:
    """Say that the page has drawn the snapshot; the next is sent then, or 20 seconds later."""
    await wire.write_message('{"type": "rendered"}')


async def close(*wires: WebSocketClientConnection) -> None:
    """Close the websockets and wait until they are closed, so that none is left for later tests."""
    for wire in wires:
        wire.close()
    for wire in wires:
        while await asyncio.wait_for(wire.read_message(), 120) is not None:
            pass


OPEN = {"type": "open", "state": {"data": "gaussian", "games": [{"settings": SMALL}]}}


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_IPv6_address_of_this_machine_is_answered() -> None:
    async def scenario() -> None:
        async with running_server(host="::1") as (_, url):
            assert url.startswith("http://[::1]:")
            assert (await AsyncHTTPClient().fetch(url)).code == 200

    asyncio.run(scenario())


def test_names_of_this_machine_and_requests_for_headers_alone() -> None:
    async def scenario() -> None:
        async with running_server() as (_, url):
            client, port = AsyncHTTPClient(), url[:-1].rpartition(":")[2]
            for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
                page = await client.fetch(url, headers={"Host": f"{name}:{port}"})
                assert page.code == 200
            for path in ("", "pad", "files/core.js"):
                whole = await client.fetch(url + path)
                head = await client.fetch(url + path, method="HEAD")
                assert (head.code, head.body) == (200, b"")
                assert head.headers["Content-Type"] == whole.headers["Content-Type"]
            with pytest.raises(HTTPClientError, match="403"):
                await client.fetch(url, method="HEAD", headers={"Host": "evil.example"})
            with pytest.raises(HTTPClientError, match="405"):
                await client.fetch(url, method="POST", body="")

    asyncio.run(scenario())
    assert "localhost" in server._own_addresses(80)  # browsers omit this port


def test_only_the_servers_own_pages_are_answered() -> None:
    async def scenario() -> None:
        async with running_server() as (shared, url):
            host = url[7:-1]
            for origin in ("http://evil.example", f"http://{host}.evil.example", "null"):
                with pytest.raises(HTTPClientError, match="403"):
                    await connect(host, origin)
            client = AsyncHTTPClient()
            for path in ("/", "/pad", "/files/core.js", "/bokeh/bokeh.min.js", "/play"):
                with pytest.raises(HTTPClientError, match="403"):  # another name for the server
                    await client.fetch(f"http://{host}{path}", headers={"Host": "evil.example"})
            for path in (
                "/files/page.py",
                "/files/../server.py",
                "/bokeh/../x",
                "/files/page.html",
            ):
                with pytest.raises(HTTPClientError, match=r"40[34]"):
                    await client.fetch(f"http://{host}{path}")
            page = await client.fetch(f"http://{host}/")
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
            assert not shared.sockets

    asyncio.run(scenario())


def test_an_allowed_address_is_answered_and_a_refusal_names_it() -> None:
    """Behind `ssh -L 8888:localhost:5006` the browser's address is localhost:8888."""

    async def scenario() -> None:
        client = AsyncHTTPClient()
        async with running_server() as (_, url):
            host = url[7:-1]
            with pytest.raises(HTTPClientError, match="403") as refused:
                await client.fetch(url, headers={"Host": "LOCALHOST:8888"})
            assert refused.value.response is not None
            text = refused.value.response.body.decode()
            assert "advnets playground --allow localhost:8888" in text
            assert refused.value.response.headers["Content-Type"].startswith("text/plain")
            with pytest.raises(HTTPClientError, match="403") as refused:
                await connect(host, "https://gan.example.org")
            with pytest.raises(HTTPClientError, match="403") as refused:
                await client.fetch(url, headers={"Host": "lab"})
            assert refused.value.response is not None
            assert "playground --allow lab:80\n" in refused.value.response.body.decode()
            for odd in ("<b>x</b>", "evil example", "{reason}"):
                with pytest.raises(HTTPClientError) as refused:
                    await client.fetch(url, headers={"Host": odd})
                answer = refused.value.response  # None: Tornado itself closed the connection
                assert answer is None or odd.encode() not in answer.body
        async with running_server(allow=["localhost:8888", "gan.example.org"]) as (_, url):
            host = url[7:-1]
            for name in ("localhost:8888", "Gan.example.org", host):
                page = await client.fetch(url, headers={"Host": name})
                assert page.code == 200
            for origin in ("http://localhost:8888", "https://gan.example.org"):
                wire = await connect(host, origin)
                assert (await ask(wire, OPEN))[0]["type"]
                await close(wire)
            with pytest.raises(HTTPClientError, match="403"):
                await client.fetch(url, headers={"Host": "localhost:8889"})

    asyncio.run(scenario())


def test_on_the_network_every_request_needs_the_token() -> None:
    """127.0.0.2 stands for an address of the network."""

    async def scenario() -> None:
        client = AsyncHTTPClient()
        async with running_server(host="127.0.0.2") as (shared, url):
            address, _, query = url.partition("?")
            host = address[7:-1]
            assert query == f"token={shared.token}"
            for path in ("", "?token=x", "?token=é", "files/core.js", "pad"):
                with pytest.raises(HTTPClientError, match="403"):
                    await client.fetch(address + quote(path, safe="?=/"))
            with pytest.raises(HTTPClientError, match="403"):
                await connect(host)
            page = await client.fetch(url, headers={"Host": "lecture.example"})
            cookie = page.headers["Set-Cookie"].partition(";")[0]
            assert "HttpOnly" in page.headers["Set-Cookie"]
            assert (await client.fetch(f"{address}pad", headers={"Cookie": cookie})).code == 200
            for origin in ("http://evil.example", f"http://{host}"):
                headers = {"Origin": origin, "Cookie": cookie}
                asked = websocket_connect(HTTPRequest(f"ws://{host}/play", headers=headers))
                if "evil" in origin:
                    with pytest.raises(HTTPClientError, match="403"):
                        await asked
                else:
                    wire = await asked
                    assert (await ask(wire, OPEN))[0]["type"]
                    await close(wire)
        async with running_server() as (shared, _):
            assert shared.token == ""

    asyncio.run(scenario())


def test_addresses_to_allow_are_checked() -> None:
    assert server._address("http://localhost:8888/#x") == "localhost:8888"
    assert server._address("[::1]:8888") == "[::1]:8888"
    assert server._address("GAN.example.org") == "gan.example.org"
    assert server._address("192.168.0.7") == "192.168.0.7"
    for text in ("lab:80", "lab:443", "https://lab/"):  # browsers send no port here
        assert server._address(text) == "lab"
    wrong = ("", "*", "8888:localhost:5006", "two hosts", "localhost:888888", "localhost:65536")
    for text in (*wrong, "foo", "localhost", "[::1]"):  # a name alone has no port
        with pytest.raises(UserError, match="must be HOST:PORT"):
            server.serve(allow=[text], port=0, browser=False)


@pytest.mark.slow
def test_sessions_are_separate_and_freed_on_close() -> None:
    async def scenario() -> None:
        async with running_server() as (shared, url):
            host = url[7:-1]
            old = [o for o in gc.get_objects() if type(o) is Session]
            a, b = await connect(host), await connect(host)
            for each in (a, b):
                assert last(await ask(each, OPEN), "state")["state"]["rounds"] == 0
                await confirm(each)
            await ask(a, {"type": "step", "train": "both"})
            await confirm(a)
            assert last(await ask(b, {"type": "pause"}), "state")["state"]["rounds"] == 0
            sessions = [
                weakref.ref(o)
                for o in gc.get_objects()
                if type(o) is Session and not any(o is each for each in old)
            ]
            assert len(sessions) == 2
            assert len(shared.sockets) == 2
            await close(a, b)

            def all_gone() -> bool:
                gc.collect()
                return not shared.sockets and not any(ref() for ref in sessions)

            await until(all_gone)

    asyncio.run(scenario())


@pytest.mark.slow
def test_sessions_play_at_once_as_if_alone() -> None:
    async def scenario() -> None:
        async with running_server() as (shared, url):
            host = url[7:-1]
            wires = [await connect(host) for _ in range(8)]
            seeds = range(len(wires))
            for seed, wire in zip(seeds, wires, strict=True):
                state = {"data": "gaussian", "games": [{"settings": SMALL | {"seed": seed}}]}
                await ask(wire, {"type": "open", "state": state})
                await confirm(wire)
            answers = await asyncio.gather(*[play_rounds(w, 2 + i) for i, w in enumerate(wires)])
            for seed, rounds, weights in zip(seeds, map(len, answers), answers, strict=True):
                assert rounds == 2 + seed
                script = replay.Script(
                    "gaussian",
                    settings.update_settings(line.SETTINGS, SMALL | {"seed": seed}),
                    rounds,
                )
                assert replay.replay(script).weights == weights[-1]
            await close(*wires[1:])
            await until(lambda: len(shared.sockets) == 1)
            assert last(await ask(wires[0], {"type": "pause"}), "state")["state"]["rounds"] == 2
            await close(wires[0])

    asyncio.run(scenario())


async def play_rounds(wire: WebSocketClientConnection, rounds: int) -> list[str]:
    """Play that many rounds, confirming each snapshot; returns the fingerprint after each round."""
    weights = []
    for _ in range(rounds):
        messages = await ask(wire, {"type": "step", "train": "both"})
        weights.append(last(messages, "state")["weights"][0])
        await confirm(wire)
    return weights


def test_http_uploads_are_refused() -> None:
    async def scenario() -> None:
        async with running_server() as (_, url):
            client = AsyncHTTPClient()
            for body in (b"x" * 100, b"x" * 1_000_000):
                with pytest.raises(HTTPClientError, match=r"40[05]"):
                    await client.fetch(url, method="POST", body=body)

    asyncio.run(scenario())


def test_the_number_of_sessions_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_SESSIONS", 1)

    async def scenario() -> None:
        async with running_server() as (_, url):
            host = url[7:-1]
            first = await connect(host)
            await ask(first, OPEN)
            second = await connect(host)
            answer = await second.read_message()
            assert json.loads(answer or "")[0]["reason"] == "full"
            assert await second.read_message() is None
            second.close()
            await close(first)

    asyncio.run(scenario())


def test_malformed_messages_are_refused_and_large_ones_close_the_session() -> None:
    async def scenario() -> None:
        async with running_server() as (shared, url):
            host = url[7:-1]
            wire = await connect(host)
            await ask(wire, OPEN)
            for text in ("{", "[" * 100_000, "\x00", '{"type": "nothing"}', "NaN"):
                assert (await ask(wire, text))[0]["reason"] == "unknown message"
            assert last(await ask(wire, {"type": "pause"}), "state")["state"]["rounds"] == 0
            with suppress(WebSocketClosedError, StreamClosedError):
                await wire.write_message("x" * (server.MAX_MESSAGE_BYTES + 1))
            assert await wire.read_message() is None
            assert wire.close_code in (1009, None)  # None: the connection was reset first
            wire.close()
            await until(lambda: not shared.sockets)

    asyncio.run(scenario())


def test_playing_pauses_when_the_page_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "RENDER_SECONDS", 0.2)

    async def scenario() -> None:
        async with running_server() as (_, url):
            host = url[7:-1]
            wire = await connect(host)
            await ask(wire, OPEN)
            messages = await ask(wire, {"type": "play"})
            while not any(m["type"] == "snapshot" for m in messages):
                answer = await asyncio.wait_for(wire.read_message(), 120)
                messages += json.loads(answer or "[]")
            with suppress(TimeoutError):
                while True:
                    answer = await asyncio.wait_for(wire.read_message(), 2)
                    messages += json.loads(answer or "[]")
            assert sum(m["type"] == "snapshot" for m in messages) <= 3
            await close(wire)

    asyncio.run(scenario())


def test_a_used_port_and_unknown_data_are_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="--port"):
        server.serve(port=taken.getsockname()[1], browser=False)
    with pytest.raises(UserError, match="There is no data set"):
        server.serve(data="gausian", browser=False)


@pytest.mark.parametrize("command", ["playground --data", "play"])
def test_the_known_data_include_images(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "nope"]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("advnets: There is no data set named 'nope'. Known: gaussian, ")
    assert sentence.endswith(", FILE.csv, mnist, mnist-5k, idx:FOLDER, folder:PATH.")


def test_an_allowed_address_without_a_port_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["playground", "--no-browser", "--port", "0", "--allow", "foo"]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "--allow is 'foo'; it must be HOST:PORT" in sentence
    assert "e.g. localhost:8888" in sentence


@pytest.mark.parametrize("given", [["digits"], []], ids=["RUN", "no RUN"])
def test_the_page_opens_at_the_run_that_is_given(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_page(url: str) -> None:
        opened.append(url)
        raise UserError("the test ends here")

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", open_page)
    assert main(["playground", *given, "--port", "0"]) == 2
    printed = capsys.readouterr().out
    assert opened[0] in printed
    assert opened[0].endswith("/#latent" if given else "/")
    assert ('opens at the tab "Trained run", with the z space of digits' in printed) == bool(given)


def test_data_too_large_for_the_playground_are_refused_before_serving(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def on_ready(url: str) -> None:
        raise AssertionError("served data that no page can open")

    monkeypatch.setattr(limits, "MAX_WEIGHTS", 10)
    with pytest.raises(UserError, match="gaussian cannot be played here"):
        server.serve(port=0, browser=False, on_ready=on_ready)


def threads_of_a_new_thread() -> int:
    """The number of torch threads in this process; a thread that exists keeps its number."""
    with ThreadPoolExecutor() as executor:
        return executor.submit(torch.get_num_threads).result()


def test_the_threads_of_torch_are_those_of_before_when_the_server_has_stopped() -> None:
    """A notebook or a benchmark goes on computing in the same process."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with serve_in_thread():
            inside = threads_of_a_new_thread()
        after = threads_of_a_new_thread()
    finally:
        torch.set_num_threads(before)
    assert (inside, after) == (1, 2)
