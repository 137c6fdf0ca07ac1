"""One visitor's games, and the server that lets visitors in."""

import asyncio
import base64
import gc
import json
import re
import socket
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
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
from adversarial_nets.errors import UserError
from adversarial_nets.playground import game_session, server
from adversarial_nets.playground.game_session import Refused, Visitor
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.page import CONTROLS, render
from adversarial_nets.playground.server import listening
from adversarial_nets.playground.walk import open_walk
from adversarial_nets.playground.words import WORDS
from adversarial_nets.toys import line
from adversarial_nets.training.diagnostics import TROUBLES
from adversarial_nets.training.session import train
from small import small_data, small_settings

SMALL = {"G.hidden": [8], "G.init": [4.0, 0.2], "D.units": [6, 6], "batch": 32}
Message = dict[str, Any]


def visitor(data: str = "gaussian", games: int = 1) -> Visitor:
    """A visitor who has opened the page on small nets."""
    v = Visitor(data)
    v.handle({"do": "open", "state": {"data": data, "games": [{"set": SMALL}] * games}})
    return v


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, for two minutes at most: other tests may be running beside."""
    for _ in range(2400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("two minutes were not enough")


def last(told: list[Message], kind: str) -> Message:
    return [m for m in told if m["is"] == kind][-1]


def catch_up(v: Visitor) -> None:
    while v.busy:
        v.tick()


@pytest.mark.parametrize("data", ["mixture", "ring"])
def test_what_is_copied_is_the_game_on_the_board(data: str) -> None:
    v = visitor(data)
    for message in (
        {"do": "step", "who": "both"},
        {"do": "step", "who": "D"},
        {"do": "update_setting", "option": "k", "value": 2},
        {"do": "step", "who": "D"},
        {"do": "step", "who": "G"},
        {"do": "update_setting", "option": "optimiser_D", "value": "sgd"},
        {"do": "run"},
    ):
        v.handle(message)
    v.tick()
    state = last(v.handle({"do": "pause"}), "state")
    frame = v.seats[0].message(-1)
    told = last(v.handle({"do": "share"}), "share")
    names: dict[str, Any] = {}
    exec(compile(told["program"], "copied", "exec"), names)
    played = names["played"]
    assert played.weights == state["weights"][0]
    assert {n: list(r) for n, r in played.metrics.items()} == frame["readings"]
    # And the address holds the same.
    other = Visitor(data)
    other.handle({"do": "open", "state": json.loads(json.dumps(state["state"]))})
    catch_up(other)
    again = last(other.handle({"do": "pause"}), "state")
    assert (again["weights"], again["state"]) == (state["weights"], state["state"])
    assert other.seats[0].message(-1)["readings"] == frame["readings"]


def test_looking_back_and_going_on_from_there() -> None:
    v = visitor()
    seen = [last(v.handle({"do": "step", "who": "both"}), "state")["weights"] for _ in range(6)]
    v.handle({"do": "update_setting", "option": "k", "value": 9})
    v.handle({"do": "step", "who": "both"})
    frame = last(v.handle({"do": "seek", "index": 4}), "frame")
    assert frame["round"] == 4
    v.handle({"do": "back"})
    catch_up(v)
    state = last(v.handle({"do": "pause"}), "state")
    assert state["state"]["rounds"] == 4
    assert state["weights"] == seen[3]
    assert state["state"]["games"][0]["changes"] == []


def test_two_games_side_by_side_share_the_seed_and_nothing_else() -> None:
    v = visitor(games=2)
    v.handle({"do": "step", "who": "both"})
    a, b = v.seats
    assert replay.fingerprint(a.game) == replay.fingerprint(b.game)
    v.handle({"do": "update_setting", "seat": 1, "option": "lr", "value": 0.5})
    state = last(v.handle({"do": "step", "who": "both"}), "state")
    assert len(set(state["weights"])) == 2
    v.handle({"do": "update_setting", "seat": 1, "option": "seed", "value": 7})
    assert [s.game.settings.seed for s in v.seats] == [7, 7]
    v.handle({"do": "beside", "on": False})
    assert len(v.seats) == 1


def test_history_is_bounded_and_spans_the_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(game_session, "FRAMES", 8)
    v = visitor()
    for _ in range(40):
        v.handle({"do": "step", "who": "both"})
        rounds = [frame.round for frame, _, _ in v.seats[0].frames]
        assert len(rounds) <= 9
        assert rounds == sorted(set(rounds))
        assert rounds[0] == 0
        assert rounds[-1] == v.seats[0].game.round


@pytest.mark.parametrize("data", ["gaussian", "moons"])
def test_a_kept_frame_keeps_nothing_else_alive(data: str) -> None:
    v = visitor(data)
    v.handle({"do": "step", "who": "both"})
    for frame, _, _ in v.seats[0].frames:
        arrays = [x for x in vars(frame).values() if isinstance(x, np.ndarray)]
        whole = [x if x.base is None else x.base for x in arrays]
        assert sum(x.nbytes for x in whole) < 100_000


def test_what_changes_live_and_what_begins_anew() -> None:
    for control in CONTROLS:
        v = visitor()
        v.handle({"do": "step", "who": "both"})
        before = v.seats[0].game.settings.flat()[control.option]
        value: Any = [5] if control.layers else 2
        if control.choices:
            now = str(before[0] if isinstance(before, tuple) else before)
            kept = [c for c in control.choices if c not in (now, "spherical")]
            value = float(kept[-1]) if control.option == "D.keep_prob_hidden" else kept[-1]
            value = [value] if control.option == "G.activations" else value
        if control.option == "z_size":  # on a line there is no other
            with pytest.raises(Refused):
                v.handle({"do": "update_setting", "option": "z_size", "value": 2})
            continue
        v.handle({"do": "update_setting", "option": control.option, "value": value})
        assert v.seats[0].game.round == (1 if control.live else 0), control
        assert v.seats[0].game.settings.flat()[control.option] != before
        v.handle({"do": "step", "who": "both"})


def test_own_points_and_drawings() -> None:
    v = visitor()
    told = v.handle({"do": "points", "text": "x\n1.5\n2\n4\n"})
    assert last(told, "board")["kind"] == "line"
    assert last(told, "state")["state"]["data"].startswith("points:1,1.5,4")
    strokes = [[[-1, 0], [1, 0]], [], [[0, 1], [0, 2]]]
    told = v.handle({"do": "drawing", "strokes": strokes})
    assert last(told, "board")["kind"] == "plane"
    x = v.seats[0].board.toy.x
    assert len(x) == 600
    assert np.abs(x[:400, 1]).max() < 0.3  # two thirds of the way lie on the first stroke
    assert x[400:, 1].min() > 0.7


def test_every_lesson_can_be_played() -> None:
    for name, lesson in LESSONS.items():
        v = visitor()
        v.handle({"do": "lesson", "name": name})
        v.handle({"do": "step", "who": "both"})
        assert len(v.seats) == len(lesson.games)
        assert {f"lesson {name}", f"about {name}"} <= WORDS.keys()


def test_files_to_take_away() -> None:
    v = visitor("grid")
    for _ in range(3):
        v.handle({"do": "step", "who": "both"})
    starts = {"png": b"\x89PNG", "gif": b"GIF89a", "csv": b"round,V,"}
    for what, start in starts.items():
        file = last(v.handle({"do": "export", "what": what}), "file")
        content = base64.b64decode(file["bytes"])
        assert content.startswith(start)
        assert file["name"].endswith(what)
    rows = content.decode().splitlines()
    assert [row.split(",")[0] for row in rows] == ["round", "0", "1", "2", "3"]


def test_a_lesson_pauses_once_and_again_after_a_reset() -> None:
    v = visitor()
    v.handle({"do": "lesson", "name": "figure 1"})
    v.until = 3
    for _ in range(2):
        v.handle({"do": "run"})
        catch_up(v)
        assert v.seats[0].game.round == 3
        v.handle({"do": "reset"})
    state = last(v.handle({"do": "pause"}), "state")["state"]
    other = Visitor("gaussian")
    other.handle({"do": "open", "state": state})
    assert other.until == 3
    v.handle({"do": "run"})
    catch_up(v)
    v.handle({"do": "run"})  # it has paused; now it goes on
    v.tick()
    assert v.seats[0].game.round > 3


@pytest.mark.parametrize("rounds_a_look", [2, 5])
def test_circling_is_seen_however_often_one_looks(rounds_a_look: int) -> None:
    v = visitor()
    v.handle({"do": "lesson", "name": "circling"})
    for round in range(0, 231, rounds_a_look):
        for seat in v.seats:
            seat.play(round)
            seat.take_snapshot("both")
    assert [seat.message(-1)["trouble"] for seat in v.seats] == ["circling", None]


def test_digits_are_read_by_class_and_played_side_by_side() -> None:
    v = Visitor("mnist-5k")
    own = {"G.hidden": [8], "D.units": [6], "batch": 20}
    v.handle({"do": "open", "state": {"data": "mnist-5k", "games": [{"set": own}]}})
    v.handle({"do": "beside", "on": True})
    told = v.handle({"do": "step", "who": "both"})
    metrics = last(told, "frame")["readings"]
    value, perfect = metrics["modes hit"]
    assert 1 <= value < perfect == 10
    assert metrics["JSD classes"][0] > 10 * metrics["JSD classes"][1] > 0
    assert [m["seat"] for m in v.handle({"do": "nearest"})] == [0, 1]
    assert len(v.handle({"do": "export", "what": "png"})) == 2


def test_a_refused_half_step_leaves_both_players_in(monkeypatch: pytest.MonkeyPatch) -> None:
    v = visitor()
    v.handle({"do": "step", "who": "D"})
    monkeypatch.setattr(game_session, "CHANGES", 3)
    before = json.dumps(v.handle({"do": "pause"}))
    with pytest.raises(Refused, match="too many changes"):
        v.handle({"do": "step", "who": "G"})
    assert json.dumps(v.handle({"do": "pause"})) == before


def test_a_round_has_a_bound_and_every_lesson_is_within_it() -> None:
    for lesson in LESSONS.values():
        size = replay.load_data(lesson.data).pixels
        for options in lesson.games:
            s = game_session._checked(replay.kind_of(lesson.data).settings, options, size)
            weights, work = game_session._cost(s, size)
            assert weights < game_session.WEIGHTS / 10
            assert work < game_session.WORK / 10


def test_the_cost_counts_what_the_nets_do() -> None:
    """Every weight, and three products for each of them and each example that is learned from."""
    s = game_session._checked(replay.KINDS["plane"].settings, SMALL | {"k": 1}, 2)
    g = replay.new_game(replay.Script("moons", s))
    weights, work = game_session._cost(s, 2)
    matrices = [
        w for n in (g.G, g.D) for w in n.parameters() if w.ndim > 1 and w.numel() > w.shape[-1]
    ]
    assert weights == pytest.approx(sum(w.numel() for w in matrices) + s.D.units[-1], rel=0.05)
    assert work >= 6 * s.batch * weights


HOSTILE: list[Any] = [
    None,
    [],
    "run",
    7,
    {},
    {"do": ["run"]},
    {"do": "__class__"},
    {"do": "stop_here"},
    {"do": "step", "who": "all"},
    {"do": "speed", "value": 10**9},
    {"do": "speed", "value": [5]},
    {"do": "seek", "index": -1},
    {"do": "seek", "index": 10**9},
    {"do": "seek", "index": "0"},
    {"do": "update_setting", "option": "k", "value": 10**9},
    {"do": "update_setting", "option": "k", "value": -3},
    {"do": "update_setting", "option": "k", "value": "9999"},
    {"do": "update_setting", "option": "k", "value": None},
    {"do": "update_setting", "option": "k", "value": {"a": 1}},
    {"do": "update_setting", "option": ["k"], "value": 1},
    {"do": "update_setting", "option": "lr", "value": float("nan")},
    {"do": "update_setting", "option": "lr", "value": float("inf")},
    {"do": "update_setting", "option": "k", "value": float("inf")},
    {"do": "update_setting", "option": "seed", "value": 10**400},
    {"do": "update_setting", "option": "seed", "value": -1},
    {"do": "update_setting", "option": "size", "value": 10},
    {"do": "update_setting", "option": "G.hidden", "value": [10**6]},
    {"do": "update_setting", "option": "G.hidden", "value": [8] * 50},
    {"do": "update_setting", "option": "G.hidden", "value": 8},
    {"do": "update_setting", "option": "G.hidden", "value": ["many"]},
    {"do": "update_setting", "option": "D.units", "value": []},
    {"do": "update_setting", "option": "prior", "value": "spherical"},
    {"do": "update_setting", "seat": 5, "option": "k", "value": 2},
    {"do": "update_setting", "seat": "0", "option": "k", "value": 2},
    {"do": "update_setting", "seat": [], "option": "k", "value": 2},
    {"do": "update_setting", "seat": 0.0, "option": "k", "value": 2},
    {"do": "data", "value": "/etc/passwd"},
    {"do": "data", "value": "../own.csv"},
    {"do": "data", "value": "folder:/"},
    {"do": "data", "value": "mnist"},
    {"do": "data", "value": "gaussian:1,-1"},
    {"do": "data", "value": "points:1,0,1,AAAA"},
    {"do": "data", "value": {}},
    {"do": "points", "text": "1\n" * 150_000},
    {"do": "points", "text": "1\n2\n" * 1500},
    {"do": "points", "text": "1,2,3\n"},
    {"do": "points", "text": "1" * 150_000},
    {"do": "points", "text": ""},
    {"do": "points", "text": 3},
    {"do": "drawing", "strokes": "abc"},
    {"do": "drawing", "strokes": [["x"]]},
    {"do": "drawing", "strokes": [[[1, float("inf")], [0, 0]]]},
    {"do": "drawing", "strokes": [[[0, 0]] * 30_000]},
    {"do": "drawing", "strokes": [[[0, 10**400], [0, 0]]]},
    {"do": "drawing", "strokes": []},
    {"do": "lesson", "name": "nothing"},
    {"do": "export", "what": "../../x"},
    {"do": "export", "what": []},
    {"do": "nearest"},
    {"do": "walk", "a": 0},
    {
        "do": "open",
        "state": {
            "data": "moons",
            "games": [{"set": {"G.hidden": [512] * 4, "batch": 2048, "k": 50}}],
        },
    },
    {"do": "open", "state": {"data": "gaussian", "until": 10**9}},
    {"do": "open", "state": {"data": "gaussian", "until": "soon"}},
    {"do": "open", "state": "x"},
    {"do": "open", "state": {"data": "gaussian", "rounds": 10**9}},
    {"do": "open", "state": {"data": "gaussian", "rounds": 1.5}},
    {"do": "open", "state": {"data": "gaussian", "games": []}},
    {"do": "open", "state": {"data": "gaussian", "games": [{}] * 100}},
    {"do": "open", "state": {"data": "gaussian", "games": [{"set": {"batch": 10**8}}]}},
    {
        "do": "open",
        "state": {"data": "gaussian", "games": [{"changes": [[0, {"G.hidden": [9]}]]}]},
    },
    {"do": "open", "state": {"data": "gaussian", "games": [{"changes": [[5, {"k": 2}]]}]}},
    {"do": "open", "state": {"data": "gaussian", "games": [{"changes": [1] * 10_000}]}},
]


@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_messages_change_nothing(message: Any) -> None:
    v = hostile_target()
    before = json.dumps(v.handle({"do": "pause"}))
    with pytest.raises(Refused) as refused:
        v.handle(message)
    assert f"why {refused.value.why}" in WORDS
    assert json.dumps(v.handle({"do": "pause"})) == before


def test_no_message_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "points").write_text("1\n2\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match="no such data"):
        hostile_target().handle({"do": "data", "value": "points"})


def test_a_walk_to_nowhere_is_refused(tmp_path: Path) -> None:
    run = train(small_data(), settings=small_settings(), run=tmp_path / "run", rounds=1)
    v = visitor()
    v.walk = open_walk(run.folder)
    assert v.handle({"do": "walk", "t": 2, "moves": [1]})[0]["is"] == "walk"
    for place in (
        {"a": 99},
        {"a": 0.5},
        {"t": float("nan")},
        {"t": 10**400},
        {"moves": {"0": 1}},
        {"moves": [10**400]},
        {"moves": [0] * 99},
    ):
        with pytest.raises(Refused, match="unknown message"):
            v.handle({"do": "walk", **place})


_TARGET: list[Visitor] = []


def hostile_target() -> Visitor:
    """One visitor for all hostile messages, since none may change anything."""
    if not _TARGET:
        _TARGET.append(visitor())
        _TARGET[0].handle({"do": "step", "who": "both"})
    return _TARGET[0]


def test_a_diverged_game_is_said_so() -> None:
    v = visitor()
    v.handle({"do": "update_setting", "option": "optimiser", "value": "sgd"})
    v.handle({"do": "update_setting", "option": "lr", "value": 10.0})
    v.handle({"do": "update_setting", "option": "d_lr_multiplier", "value": 100.0})
    with torch.no_grad():
        next(v.seats[0].game.G.parameters()).fill_(float("nan"))
    with pytest.raises(Refused, match="diverged"):
        v.handle({"do": "step", "who": "both"})
    v.handle({"do": "run"})
    assert v.tick()[0] == {"is": "refused", "why": "diverged", "gaps": {}}
    assert not v.playing
    v.handle({"do": "reset"})


# --- Words ----------------------------------------------------------------------------------------

NAMES = (
    r"advnets playground RUN|Helvetica|Adam|SGD|ReLU|Maxout|MNIST|CSV|Python|English|JSD|KL|log|"
    r"p_data|p_g|p_z|[DGVNRkmzx]\b|\{\w+\}"
)


def test_the_chinese_words_have_no_english() -> None:
    for name, both in WORDS.items():
        left = re.sub(NAMES, "", both["zh"])
        assert not re.search("[A-Za-z]{2,}", left), (name, left)
        gaps = [
            set(re.findall(r"\{(\w+)\}", words)) - {"detail", "option"} for words in both.values()
        ]
        assert gaps[0] == gaps[1], name


def test_every_word_that_may_be_asked_for_is_there() -> None:
    metrics = {n for d in ("gaussian", "grid", "zero-width-ring") for n in readings_of(d)}
    wanted = {f"read {name}" for name in metrics | {"spread"}}
    wanted |= {f"trouble {name}" for name in ("none", "early", *TROUBLES)} | {
        f"setting {c.option}" for c in CONTROLS
    }
    assert wanted <= WORDS.keys()


def readings_of(data: str) -> dict[str, Any]:
    metrics: dict[str, Any] = visitor(data).seats[0].message(-1)["readings"]
    return metrics


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_in_its_language(lang: str) -> None:
    page = render(lang, "gaussian", walk=True)
    assert WORDS["settings"][lang] in page
    assert WORDS["settings"]["zh" if lang == "en" else "en"] not in re.sub(
        "<script.*?</script>", "", page
    )
    assert "http://" not in page
    assert "https://" not in page


# --- The server -----------------------------------------------------------------------------------


async def connect(host: str, origin: str | None = None) -> WebSocketClientConnection:
    headers = {"Origin": origin or f"http://{host}"}
    return await websocket_connect(HTTPRequest(f"ws://{host}/play", headers=headers))


async def ask(wire: WebSocketClientConnection, message: Any) -> list[Message]:
    await wire.write_message(message if isinstance(message, str) else json.dumps(message))
    answer = await asyncio.wait_for(wire.read_message(), 120)
    assert answer is not None
    told: list[Message] = json.loads(answer)
    return told


async def leave(*wires: WebSocketClientConnection) -> None:
    """Close them, and see it done, so that no socket is left to be found by a later test."""
    for wire in wires:
        wire.close()
    for wire in wires:
        while await asyncio.wait_for(wire.read_message(), 120) is not None:
            pass


OPEN = {"do": "open", "state": {"data": "gaussian", "games": [{"set": SMALL}]}}


def test_only_our_own_page_may_play() -> None:
    async def scene() -> None:
        async with listening() as (house, url):
            host = url[7:-1]
            for origin in ("http://evil.example", f"http://{host}.evil.example", "null"):
                with pytest.raises(HTTPClientError, match="403"):
                    await connect(host, origin)
            client = AsyncHTTPClient()
            for path in ("/", "/pad", "/files/page.js", "/bokeh/bokeh.min.js", "/play"):
                with pytest.raises(HTTPClientError, match="403"):  # another name for our address
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
            assert not house.visitors

    asyncio.run(scene())


def test_visitors_have_games_of_their_own_and_leave_nothing() -> None:
    async def scene() -> None:
        async with listening() as (house, url):
            host = url[7:-1]
            old = [o for o in gc.get_objects() if type(o) is Visitor]  # (kept: ids are used again)
            a, b = await connect(host), await connect(host)
            for each in (a, b):
                assert last(await ask(each, OPEN), "state")["state"]["rounds"] == 0
            await ask(a, {"do": "step", "who": "both"})
            await a.write_message('{"do": "drawn"}')
            assert last(await ask(b, {"do": "pause"}), "state")["state"]["rounds"] == 0
            games = [
                weakref.ref(o)
                for o in gc.get_objects()
                if type(o) is Visitor and not any(o is each for each in old)
            ]
            assert len(games) == 2
            assert len(house.visitors) == 2
            await leave(a, b)

            def all_gone() -> bool:
                gc.collect()
                return not house.visitors and not any(ref() for ref in games)

            await until(all_gone)

    asyncio.run(scene())


def test_eight_visitors_play_at_once_each_a_game_of_its_own() -> None:
    async def scene() -> None:
        async with listening() as (house, url):
            host = url[7:-1]
            wires = [await connect(host) for _ in range(server.VISITORS)]
            seeds = range(len(wires))
            for seed, wire in zip(seeds, wires, strict=True):
                state = {"data": "gaussian", "games": [{"set": SMALL | {"seed": seed}}]}
                await ask(wire, {"do": "open", "state": state})
            answers = await asyncio.gather(*[play_some(w, 2 + i) for i, w in enumerate(wires)])
            for seed, rounds, weights in zip(seeds, map(len, answers), answers, strict=True):
                assert rounds == 2 + seed
                script = replay.Script(
                    "gaussian",
                    settings.update_settings(line.SETTINGS, SMALL | {"seed": seed}),
                    rounds,
                )
                assert replay.replay(script).weights == weights[-1]  # as if it were alone
            await leave(*wires[1:])
            await until(lambda: len(house.visitors) == 1)
            assert last(await ask(wires[0], {"do": "pause"}), "state")["state"]["rounds"] == 2
            await leave(wires[0])

    asyncio.run(scene())


async def play_some(wire: WebSocketClientConnection, rounds: int) -> list[str]:
    """Play so many rounds, and draw each; returns the weights after each."""
    weights = []
    for _ in range(rounds):
        told = await ask(wire, {"do": "step", "who": "both"})
        weights.append(last(told, "state")["weights"][0])
        await wire.write_message('{"do": "drawn"}')
    return weights


def test_nothing_is_uploaded_by_a_request() -> None:
    async def scene() -> None:
        async with listening() as (_, url):
            client = AsyncHTTPClient()
            for body in (b"x" * 100, b"x" * 1_000_000):
                with pytest.raises(HTTPClientError, match=r"40[05]"):
                    await client.fetch(url, method="POST", body=body)

    asyncio.run(scene())


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "VISITORS", 1)

    async def scene() -> None:
        async with listening() as (_, url):
            host = url[7:-1]
            first = await connect(host)
            await ask(first, OPEN)
            second = await connect(host)
            answer = await second.read_message()
            assert json.loads(answer or "")[0]["why"] == "full"
            assert await second.read_message() is None
            second.close()
            await leave(first)

    asyncio.run(scene())


def test_what_is_no_message_is_refused_and_what_is_too_large_ends_the_visit() -> None:
    async def scene() -> None:
        async with listening() as (house, url):
            host = url[7:-1]
            wire = await connect(host)
            await ask(wire, OPEN)
            for text in ("{", "[" * 100_000, "\x00", '{"do": "nothing"}', "NaN"):
                assert (await ask(wire, text))[0]["why"] == "unknown message"
            assert last(await ask(wire, {"do": "pause"}), "state")["state"]["rounds"] == 0
            with suppress(WebSocketClosedError, StreamClosedError):
                await wire.write_message("x" * (server.MESSAGE + 1))
            assert await wire.read_message() is None
            assert wire.close_code in (1009, None)  # None: the reset came before the reason
            wire.close()
            await until(lambda: not house.visitors)

    asyncio.run(scene())


def test_playing_waits_for_a_page_that_does_not_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UNSEEN", 0.2)

    async def scene() -> None:
        async with listening() as (_, url):
            host = url[7:-1]
            wire = await connect(host)
            await ask(wire, OPEN)
            told = await ask(wire, {"do": "run"})
            while not any(m["is"] == "frame" for m in told):
                answer = await asyncio.wait_for(wire.read_message(), 120)
                told += json.loads(answer or "[]")
            with suppress(TimeoutError):
                while True:
                    answer = await asyncio.wait_for(wire.read_message(), 2)
                    told += json.loads(answer or "[]")
            assert sum(m["is"] == "frame" for m in told) <= 3
            await leave(wire)

    asyncio.run(scene())


def test_a_port_that_is_taken_and_data_that_are_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="--port"):
        server.serve(port=taken.getsockname()[1], browser=False)
    with pytest.raises(UserError, match="There is no toy"):
        server.serve(data="gausian", browser=False)


def test_data_that_no_visitor_could_open_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ready(url: str) -> None:
        raise AssertionError("the page would ask for its data without an end")

    monkeypatch.setattr(game_session, "WEIGHTS", 10)
    with pytest.raises(UserError, match="gaussian cannot be played here"):
        server.serve(port=0, browser=False, on_ready=ready)
