"""Requests of a page are checked; addresses of earlier versions can be opened."""

import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")

from adversarial_nets import replay, settings
from adversarial_nets.playground import limits, validation
from adversarial_nets.playground.latent_explorer import open_latent_explorer
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.messages import HANDLERS, handle
from adversarial_nets.playground.session import Session
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.playground.words import WORDS
from adversarial_nets.settings import LIVE
from adversarial_nets.toys import catalogue
from adversarial_nets.training.session import train
from small import small_data, small_settings
from small_playground import SMALL, Message, catch_up, last, new_session

pytestmark = pytest.mark.usefixtures("no_figures")


def test_every_lesson_is_far_below_the_cost_limits() -> None:
    for lesson in LESSONS.values():
        size = replay.load_data(lesson.data).pixels
        for options in lesson.games:
            s = validation.check_settings(replay.kind_of(lesson.data).settings, options, size)
            weights, work = validation.round_cost(s, size)
            assert weights < limits.MAX_WEIGHTS / 10
            assert work < limits.MAX_WORK / 10


def test_round_cost_counts_weights_and_multiplications() -> None:
    """A training example costs three multiplications per weight: one forward, two backward."""
    s = validation.check_settings(replay.KINDS["plane"].settings, SMALL | {"k": 1}, 2)
    g = replay.new_game(replay.Script("moons", s))
    weights, work = validation.round_cost(s, 2)
    matrices = [
        w for n in (g.G, g.D) for w in n.parameters() if w.ndim > 1 and w.numel() > w.shape[-1]
    ]
    assert weights == pytest.approx(sum(w.numel() for w in matrices) + s.D.units[-1], rel=0.05)
    assert work >= 6 * s.batch * weights
    more = dataclasses.replace(s, g_steps=3)  # each step of G: three multiplications per weight
    assert validation.round_cost(more, 2) == (weights, work + 2 * 3 * s.batch * weights)


HOSTILE: list[Any] = [
    None,
    [],
    "run",
    7,
    {},
    {"type": ["play"]},
    {"type": "__class__"},
    {"type": "stop_here"},
    {"type": "step", "train": "all"},
    {"type": "set_speed", "value": 10**9},
    {"type": "set_speed", "value": [5]},
    {"type": "play", "to": 10**9},
    {"type": "play", "to": "9"},
    {"type": "play", "to": 1},
    {"type": "seek", "round": -1},
    {"type": "seek", "round": 10**9},
    {"type": "seek", "round": "0"},
    {"type": "update_setting", "setting": "k", "value": 10**9},
    {"type": "update_setting", "setting": "k", "value": -3},
    {"type": "update_setting", "setting": "k", "value": "9999"},
    {"type": "update_setting", "setting": "k", "value": None},
    {"type": "update_setting", "setting": "k", "value": {"a": 1}},
    {"type": "update_setting", "setting": ["k"], "value": 1},
    {"type": "update_setting", "setting": "lr", "value": float("nan")},
    {"type": "update_setting", "setting": "lr", "value": float("inf")},
    {"type": "update_setting", "setting": "k", "value": float("inf")},
    {"type": "update_setting", "setting": "seed", "value": 10**400},
    {"type": "update_setting", "setting": "seed", "value": -1},
    {"type": "update_setting", "setting": "size", "value": 10},
    {"type": "update_setting", "setting": "G.hidden", "value": [10**6]},
    {"type": "update_setting", "setting": "G.hidden", "value": [8] * 50},
    {"type": "update_setting", "setting": "G.hidden", "value": 8},
    {"type": "update_setting", "setting": "G.hidden", "value": ["many"]},
    {"type": "update_setting", "setting": "D.units", "value": []},
    {"type": "update_setting", "setting": "prior", "value": "spherical"},
    {"type": "update_setting", "game": 5, "setting": "k", "value": 2},
    {"type": "update_setting", "game": "0", "setting": "k", "value": 2},
    {"type": "update_setting", "game": [], "setting": "k", "value": 2},
    {"type": "update_setting", "game": 0.0, "setting": "k", "value": 2},
    {"type": "set_data", "value": "/etc/passwd"},
    {"type": "set_data", "value": "../own.csv"},
    {"type": "set_data", "value": "folder:/"},
    {"type": "set_data", "value": "mnist"},
    {"type": "set_data", "value": "gaussian:1,-1"},
    {"type": "set_data", "value": "points:1,0,1,AAAA"},
    {"type": "set_data", "value": {}},
    {"type": "use_points", "text": "1\n" * 150_000},
    {"type": "use_points", "text": "1\n2\n" * 1500},
    {"type": "use_points", "text": "1,2,3\n"},
    {"type": "use_points", "text": "1" * 150_000},
    {"type": "use_points", "text": ""},
    {"type": "use_points", "text": 3},
    {"type": "use_drawing", "strokes": "abc"},
    {"type": "use_drawing", "strokes": [["x"]]},
    {"type": "use_drawing", "strokes": [[[1, float("inf")], [0, 0]]]},
    {"type": "use_drawing", "strokes": [[[0, 0]] * 30_000]},
    {"type": "use_drawing", "strokes": [[[0, 10**400], [0, 0]]]},
    {"type": "use_drawing", "strokes": []},
    {"type": "start_lesson", "name": "nothing"},
    {"type": "morph", "u": 0.5, "v": 0.5},
    {"type": "nearest"},
    {"type": "explore_latent", "a": 0},
    {
        "type": "open",
        "state": {
            "data": "moons",
            "games": [{"settings": {"G.hidden": [512] * 4, "batch": 2048, "k": 50}}],
        },
    },
    {"type": "open", "state": {"data": "gaussian", "pause_at": 10**9}},
    {"type": "open", "state": {"data": "gaussian", "pause_at": "soon"}},
    {"type": "open", "state": "x"},
    {"type": "open", "state": {"data": "gaussian", "rounds": 10**9}},
    {"type": "open", "state": {"data": "gaussian", "rounds": 1.5}},
    {"type": "open", "state": {"data": "gaussian", "games": []}},
    {"type": "open", "state": {"data": "gaussian", "games": [{}] * 100}},
    {"type": "open", "state": {"data": "gaussian", "games": [{"settings": {"batch": 10**8}}]}},
    {
        "type": "open",
        "state": {"data": "gaussian", "games": [{"changes": [[0, {"G.hidden": [9]}]]}]},
    },
    {"type": "open", "state": {"data": "gaussian", "games": [{"changes": [[5, {"k": 2}]]}]}},
    {"type": "open", "state": {"data": "gaussian", "games": [{"changes": [1] * 10_000}]}},
]


def test_hostile_messages_reach_their_handlers() -> None:
    """All but these three name a type that exists, so that its handler is what refuses them."""
    types = [message["type"] for message in HOSTILE if isinstance(message, dict) and message]
    assert [name for name in types if str(name) not in HANDLERS] == [
        ["play"],
        "__class__",
        "stop_here",
    ]


@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_messages_change_nothing(message: Any) -> None:
    session = hostile_target()
    before = json.dumps(handle(session, {"type": "pause"}))
    with pytest.raises(RequestError) as refused:
        handle(session, message)
    assert f"error {refused.value.reason}" in WORDS
    assert json.dumps(handle(session, {"type": "pause"})) == before


def test_a_page_without_games_must_open_first() -> None:
    for kind in HANDLERS.keys() - {"open"}:
        with pytest.raises(RequestError, match="unknown message"):
            handle(Session("gaussian"), {"type": kind})


def test_a_class_must_be_one_of_the_generators() -> None:
    session = Session("mnist-5k")
    handle(session, {"type": "open", "lang": "en", "theme": "light"})
    morph: Message = {"type": "morph", "u": 0.5, "v": 0.5}
    of_class: Message = {"type": "of_class"}
    assert handle(session, morph)[0]["type"] == "morph"  # this G has no classes

    def refuses(message: Message, *classes: Any) -> None:
        for c in classes:
            with pytest.raises(RequestError, match="unknown message"):
                handle(session, message | {"class": c})

    refuses(morph, 0, True)
    refuses(of_class, 0, None)
    handle(session, {"type": "update_setting", "setting": "condition", "value": "classes"})
    for message in (morph, of_class):
        assert handle(session, message | {"class": 9})[0]["type"] == message["type"]
        refuses(message, -1, 10, True, "3")


def test_no_message_can_name_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "points").write_text("1\n2\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="no such data"):
        handle(hostile_target(), {"type": "set_data", "value": "points"})


def test_a_page_may_ask_for_toys_with_numbers_and_for_images_that_need_no_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(catalogue.PARAMETRIC, "peaks", catalogue.PARAMETRIC["mixture"])
    for name in ("gaussian:1,2", "peaks:1,2,3,4", "mnist-5k", "ring"):
        assert validation.check_data_name(name, "moons") == name
    for name in ("mnist", "folder:x", "mnist-5k:3", "csv:x"):
        with pytest.raises(RequestError, match="no such data"):
            validation.check_data_name(name, "moons")


def test_latent_positions_out_of_range_are_refused(tmp_path: Path) -> None:
    run = train(small_data(), settings=small_settings(), run=tmp_path / "run", rounds=1)
    session = new_session()
    session.explorer = open_latent_explorer(run.folder)
    assert (
        handle(session, {"type": "explore_latent", "t": 2, "offsets": [1]})[0]["type"] == "latent"
    )
    for position in (
        {"a": 99},
        {"a": 0.5},
        {"t": float("nan")},
        {"t": 10**400},
        {"offsets": {"0": 1}},
        {"offsets": [10**400]},
        {"offsets": [0] * 99},
    ):
        with pytest.raises(RequestError, match="unknown message"):
            handle(session, {"type": "explore_latent", **position})


_TARGET: list[Session] = []


def hostile_target() -> Session:
    """One session for all hostile messages, because none of them may change anything."""
    if not _TARGET:
        _TARGET.append(new_session())
        handle(_TARGET[0], {"type": "step", "train": "both"})
    return _TARGET[0]


# --- Addresses of earlier versions ----------------------------------------------------------------

OLD_ADDRESS = (
    "#%7B%22state%22%3A%7B%22data%22%3A%22mixture%22%2C%22rounds%22%3A5%2C%22until%22%3A300%2C"
    "%22speed%22%3A20%2C%22games%22%3A%5B%7B%22set%22%3A%7B%22--G.hidden%22%3A%5B8%5D%2C"
    "%22--G.init%22%3A%5B4%2C0.2%5D%2C%22--D.units%22%3A%5B6%5D%2C%22--D.init%22%3A%5B1%2C0.3%5D"
    "%2C%22--batch%22%3A32%7D%2C%22changes%22%3A%5B%5B1%2C%7B%22--players%22%3A%22D%22%7D%5D%2C"
    "%5B2%2C%7B%22--players%22%3A%22both%22%2C%22--k%22%3A2%2C%22--lr%22%3A0.01%7D%5D%2C%5B3%2C"
    "%7B%22--objective%22%3A%22minimax%22%2C%22--batch%22%3A16%2C%22--d-rate%22%3A5%2C"
    "%22--players%22%3A%22G%22%7D%5D%2C%5B4%2C%7B%22--players%22%3A%22both%22%2C"
    "%22--D.keep-hidden%22%3A0.5%2C%22--optimiser-D%22%3A%22sgd%22%7D%5D%5D%7D%5D%7D%2C"
    "%22lang%22%3A%22en%22%2C%22theme%22%3A%22light%22%7D"
)
"""Written by the page of version 0.1.0."""

SAME_STATE = {
    "data": "mixture",
    "rounds": 5,
    "pause_at": 300,
    "speed": 20,
    "games": [
        {
            "settings": {
                "G.hidden": [8],
                "G.init": [4, 0.2],
                "D.units": [6],
                "D.init": [1, 0.3],
                "batch": 32,
            },
            "changes": [
                [1, {"train_only": "D"}],
                [2, {"train_only": None, "k": 2, "lr": 0.01}],
                [
                    3,
                    {
                        "objective": "minimax",
                        "batch": 16,
                        "d_lr_multiplier": 5,
                        "train_only": "G",
                    },
                ],
                [4, {"train_only": None, "D.keep_prob_hidden": 0.5, "optimiser_D": "sgd"}],
            ],
        }
    ],
}
"""The state of that address under the names of this version."""


def open_state(state: Any) -> tuple[Message, dict[str, list[float]]]:
    """Open a state and play to its round; returns the state message and the metrics."""
    session = Session("gaussian")
    handle(session, {"type": "open", "state": state})
    catch_up(session)
    metrics = session.slots[0].message(-1)["metrics"]
    return last(handle(session, {"type": "pause"}), "state"), metrics


def test_an_old_address_opens_the_same_game() -> None:
    old, metrics = open_state(json.loads(unquote(OLD_ADDRESS[1:]))["state"])
    new, new_metrics = open_state(SAME_STATE)
    assert old == new
    assert metrics == new_metrics
    assert json.loads(json.dumps(new["state"])) == SAME_STATE


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [(old, new, 0.5) for old, new in settings.OLD_NAMES.items() if new in LIVE | {"D.init"}]
    + [("--lr-decay", "lr_decay", 1.1), ("--z-size", "z_size", 1), ("--k", "k", 2)],
)
def test_a_setting_goes_by_its_old_name(old: str, new: str, value: Any) -> None:
    value = "D" if new == "train_only" else value
    for name in (old, new):
        games = [{"settings": SMALL | {name: value}}]
        state, _ = open_state({"data": "gaussian", "games": games})
        assert state["settings"][0][new] == value


def test_an_unknown_setting_in_an_address_is_refused() -> None:
    with pytest.raises(RequestError, match="unknown message"):
        open_state({"data": "gaussian", "games": [{"set": {"--nothing": 1}}]})
