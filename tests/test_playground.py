"""The games of one page: playing, history, settings, lessons, export, texts."""

import base64
import copy
import json
import math
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("bokeh", reason="the extra [playground] is not installed")

from adversarial_nets import replay
from adversarial_nets.objectives import OBJECTIVES
from adversarial_nets.playground import half_steps, limits, remembered
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.messages import handle
from adversarial_nets.playground.page import CONTROLS
from adversarial_nets.playground.session import Session
from adversarial_nets.playground.user_data import data_from_strokes
from adversarial_nets.playground.validation import RequestError
from adversarial_nets.playground.words import WORDS
from adversarial_nets.plots import sheets
from adversarial_nets.random import Address
from adversarial_nets.toys import catalogue, plane
from adversarial_nets.toys.distributions import sample_points
from adversarial_nets.toys.measures import Metric
from small_playground import SMALL, Message, catch_up, last, new_session

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.mark.parametrize("data", ["mixture", "ring"])
def test_copied_program_and_address_reproduce_the_game(data: str) -> None:
    session = new_session(data)
    for message in (
        {"type": "step", "train": "both"},
        {"type": "step", "train": "D"},
        {"type": "update_setting", "setting": "k", "value": 2},
        {"type": "step", "train": "D"},
        {"type": "step", "train": "G"},
        {"type": "update_setting", "setting": "optimiser_D", "value": "sgd"},
        {"type": "play"},
    ):
        handle(session, message)
    session.tick()
    state = last(handle(session, {"type": "pause"}), "state")
    snapshot = session.slots[0].message(-1)
    shared = last(handle(session, {"type": "share"}), "share")
    names: dict[str, Any] = {}
    exec(compile(shared["program"], "copied", "exec"), names)
    played = names["played"]
    assert played.weights == state["weights"][0]
    assert {n: list(r) for n, r in played.metrics.items()} == snapshot["metrics"]
    # The saved state of the address plays the same game.
    other = Session(data)
    handle(other, {"type": "open", "state": json.loads(json.dumps(state["state"]))})
    catch_up(other)
    again = last(handle(other, {"type": "pause"}), "state")
    assert (again["weights"], again["state"]) == (state["weights"], state["state"])
    assert other.slots[0].message(-1)["metrics"] == snapshot["metrics"]


def test_seek_and_resume_from_an_earlier_snapshot() -> None:
    session = new_session()
    seen = [
        last(handle(session, {"type": "step", "train": "both"}), "state")["weights"]
        for _ in range(6)
    ]
    handle(session, {"type": "update_setting", "setting": "k", "value": 9})
    handle(session, {"type": "step", "train": "both"})
    snapshot = last(handle(session, {"type": "seek", "round": 4}), "snapshot")
    assert snapshot["round"] == 4
    handle(session, {"type": "resume_here"})
    catch_up(session)
    state = last(handle(session, {"type": "pause"}), "state")
    assert state["state"]["rounds"] == 4
    assert state["weights"] == seen[3]
    assert state["state"]["games"][0]["changes"] == []


@pytest.mark.parametrize("trained", [["D"], ["G"], ["D", "G"], ["D", "D"]])
def test_resuming_after_a_step_of_one_network_trains_both(trained: list[str]) -> None:
    session = new_session()
    for train in ["both", *trained, "both"]:
        handle(session, {"type": "step", "train": train})
    handle(session, {"type": "seek", "round": 1 + len(trained)})
    handle(session, {"type": "resume_here"})
    catch_up(session)
    (slot,) = session.slots
    assert slot.script.rounds == 1 + len(trained)
    weights = replay.new_game(slot.script)
    replay.play_script(slot.script, weights)
    assert weights.settings.train_only is None


def test_a_remembered_game_continues_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_games", OrderedDict())
    session = new_session()
    for message in (
        {"type": "step", "train": "both"},
        {"type": "update_setting", "setting": "k", "value": 2},
        {"type": "step", "train": "D"},
        {"type": "step", "train": "both"},
        {"type": "step", "train": "both"},
    ):
        handle(session, message)
    script = session.slots[0].script
    handle(session, {"type": "reset"})  # remembers the game
    for rounds, changes, known in (
        (4, script.changes, 4),
        (6, script.changes, 4),
        (6, (*script.changes, (5, {"k": 3})), 4),
        (6, (*script.changes, (3, {"k": 3})), 0),  # changed before the remembered state
        (4, (), 0),  # another game
        (2, script.changes, 0),  # the remembered state is later
    ):
        wanted = replace(script, rounds=rounds, changes=changes)
        slot = remembered.recall(wanted)
        assert slot.game.round == known
        slot.play_to(rounds)
        assert replay.fingerprint_of_weights(slot.game) == replay.replay(wanted).weights


def test_a_page_that_comes_back_gets_its_own_game_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address of a page that plays is a little behind its game."""
    monkeypatch.setattr(remembered, "_games", OrderedDict())
    monkeypatch.setattr(remembered, "_left", OrderedDict())

    def opened(page: str, rounds: int, resume: bool = True) -> Session:
        state = {"data": "gaussian", "rounds": rounds}
        session = Session("gaussian")
        handle(session, {"type": "open", "state": state, "resume": resume, "page": page})
        return session

    def played(page: str, rounds: int) -> Session:
        session = opened(page, 0, resume=False)
        for _ in range(rounds):
            handle(session, {"type": "step", "train": "both"})
        return session

    played("a", 3).leave()
    played("b", 5).leave()
    assert opened("a", 2).round == 3
    assert opened("b", 2).round == 5
    assert opened("c", 2).round == opened("a", 2, resume=False).round == 0
    again = played("a", 3)
    handle(again, {"type": "reset"})
    again.leave()
    assert opened("a", 0).round == 0  # the game that it left is the new one


def test_a_cut_replay_can_be_opened_again() -> None:
    session = new_session()
    state = {
        "data": "gaussian",
        "rounds": 50,
        "games": [{"settings": SMALL, "changes": [[40, {}]]}],
    }
    state["games"][0]["changes"][0][1]["k"] = 2  # type: ignore[index]
    handle(session, {"type": "open", "state": state})
    session.tick()
    saved = last(handle(session, {"type": "pause"}), "state")["state"]
    handle(session, {"type": "open", "state": json.loads(json.dumps(saved))})


@pytest.mark.parametrize(("data", "spread"), [("gaussian", 1.0), ("moons", 100.0)])
def test_divergence_is_diagnosed(data: str, spread: float) -> None:
    slot = new_session(data).slots[0]
    metrics = dict(slot.entry(-1).metrics)
    means = {"D_x": 0.5, "D_G_z": 0.5}
    assert slot._diagnose([0.0], 1.0, metrics, means) is None
    if spread == 1.0:
        metrics["V"] = Metric(-1e9, -1.386)
    assert slot._diagnose([0.0], spread, metrics, means) == "diverging"


def test_a_game_is_stuck_only_without_progress() -> None:
    slot = new_session("gaussian").slots[0]
    entry = slot.entry(-1)

    def diagnosis(distances: list[float], V: float = -1.0) -> str | None:
        """Of a game whose samples move back and forth."""
        slot.history = [
            entry._replace(
                metrics=entry.metrics | {"JSD": Metric(distance, 0.0), "V": Metric(V, 0.0)},
                details=entry.details | {"center": [math.sin(i / 2)]},
            )
            for i, distance in enumerate(distances)
        ]
        slot.game.round = 150
        newest = slot.history[-1]
        means = {"D_x": 0.5, "D_G_z": 0.5}
        return slot._diagnose(newest.details["center"], 1.0, newest.metrics, means)

    assert diagnosis([0.2] * 60) == "stuck"
    assert diagnosis([0.2] * 60, V=-1.37) is None  # D is weak, so V cannot show progress
    assert diagnosis([0.5 * 0.97**i for i in range(60)]) is None  # it comes nearer
    assert diagnosis([0.01] * 60) is None  # it is there
    assert diagnosis([0.2 + 0.15 * math.sin(i / 2) for i in range(60)]) == "oscillating"


def test_slow_motion_plays_an_ordinary_round() -> None:
    session, other = new_session("moons"), new_session("moons")
    for _ in range(2):
        slow = last(handle(session, {"type": "slow_round"}), "slow")
        handle(other, {"type": "step", "train": "both"})
        fingerprints = [replay.fingerprint_of_weights(s.slots[0].game) for s in (session, other)]
        assert fingerprints[0] == fingerprints[1]
        noise, data, D, for_G, G = slow["stages"]
        assert [s["line"] for s in slow["stages"]] == ["noise D", "data", "D", "noise G", "G"]
        assert noise["numbers"] == data["numbers"] == D["before"]
        assert D["numbers"]["V"] > D["before"]["V"]  # on its own minibatch, D gains
        assert G["numbers"]["g_loss"] < G["before"]["g_loss"] == for_G["numbers"]["g_loss"]


def test_slow_motion_of_a_simultaneous_update_shows_that_update() -> None:
    session = Session("mnist-5k")
    own = {"G.hidden": [8], "D.units": [6], "batch": 20, "D.keep_prob_input": 1.0}
    own |= {"D.keep_prob_hidden": 1.0, "lr": 0.05, "protocol": "released"}
    handle(session, {"type": "open", "state": {"data": "mnist-5k", "games": [{"settings": own}]}})
    game = session.slots[0].game
    D, G = copy.deepcopy(game.D), copy.deepcopy(game.G)
    x, z_D, z_G = half_steps.coming_minibatch(game)
    assert torch.equal(z_D, z_G)
    slow = last(handle(session, {"type": "slow_round"}), "slow")
    noise, data, of_D, of_G = slow["stages"]
    assert [s["line"] for s in slow["stages"]] == ["noise D", "data", "D", "G"]
    after, (game.D, game.G) = (game.D, game.G), (D, G)
    assert noise["numbers"] == data["numbers"] == of_G["before"]
    assert noise["numbers"] == half_steps.measure(game, x, z_G)
    game.D = after[0]
    assert of_D["numbers"] == half_steps.measure(game, x, z_G)
    game.D, game.G = D, after[1]
    assert of_G["numbers"] == half_steps.measure(game, x, z_G)


def test_slow_motion_of_a_head_start_shows_G_alone() -> None:
    session = new_session("gaussian")
    handle(session, {"type": "update_setting", "setting": "head_start", "value": 5})
    D = copy.deepcopy(session.slots[0].game.D)
    slow = last(handle(session, {"type": "slow_round"}), "slow")
    assert [s["line"] for s in slow["stages"]] == ["noise G", "G"]
    now = session.slots[0].game.D
    assert all(torch.equal(a, b) for a, b in zip(D.parameters(), now.parameters(), strict=True))


@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_a_step_of_G_decreases_its_own_loss(objective: str) -> None:
    session = new_session("moons")
    handle(session, {"type": "update_setting", "setting": "objective", "value": objective})
    slow = last(handle(session, {"type": "slow_round"}), "slow")
    G = slow["stages"][-1]
    assert G["numbers"]["g_loss"] < G["before"]["g_loss"]


def test_a_morphed_digit_is_a_sample_at_the_corners() -> None:
    session = Session("mnist-5k")
    own = {"G.hidden": [8], "D.units": [6], "batch": 20}
    handle(session, {"type": "open", "state": {"data": "mnist-5k", "games": [{"settings": own}]}})
    slot = session.slots[0]
    samples = slot.entry(-1).snapshot.samples
    corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
    for (u, v), sample in zip(corners, samples, strict=False):
        png = last(handle(session, {"type": "morph", "u": u, "v": v}), "morph")["png"]
        data = slot.evaluator.data
        own_png = sheets.grid_png(sample[None], data.image_shape, data.range, columns=1, scale=4)
        assert png == base64.b64encode(own_png).decode()
    with pytest.raises(RequestError):
        handle(session, {"type": "morph", "u": 2, "v": 0})


def test_two_games_share_the_seed_and_nothing_else() -> None:
    session = new_session(games=2)
    handle(session, {"type": "step", "train": "both"})
    a, b = session.slots
    assert replay.fingerprint_of_weights(a.game) == replay.fingerprint_of_weights(b.game)
    handle(session, {"type": "update_setting", "game": 1, "setting": "lr", "value": 0.5})
    state = last(handle(session, {"type": "step", "train": "both"}), "state")
    assert len(set(state["weights"])) == 2
    handle(session, {"type": "update_setting", "game": 1, "setting": "seed", "value": 7})
    assert [s.game.settings.seed for s in session.slots] == [7, 7]
    handle(session, {"type": "compare", "on": False})
    assert len(session.slots) == 1


def test_history_is_bounded_and_covers_the_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_HISTORY", 8)
    session = new_session()
    for _ in range(40):
        handle(session, {"type": "step", "train": "both"})
        rounds = [entry.snapshot.round for entry in session.slots[0].history]
        assert len(rounds) <= 9
        assert rounds == sorted(set(rounds))
        assert rounds[0] == 0
        assert rounds[-1] == session.slots[0].game.round


@pytest.mark.parametrize("data", ["gaussian", "moons"])
def test_history_entries_keep_no_large_arrays_alive(data: str) -> None:
    session = new_session(data)
    handle(session, {"type": "step", "train": "both"})
    for entry in session.slots[0].history:
        arrays = [x for x in vars(entry.snapshot).values() if isinstance(x, np.ndarray)]
        whole = [x if x.base is None else x.base for x in arrays]
        assert sum(x.nbytes for x in whole) < 100_000


def test_live_settings_change_at_once_and_others_begin_a_new_game() -> None:
    for control in CONTROLS:
        if control.board == "images":
            continue
        session = new_session("moons" if control.board == "plane" else "gaussian")
        handle(session, {"type": "step", "train": "both"})
        before = session.slots[0].game.settings.flat()[control.setting]
        value: Any = [5] if control.layers else 2
        if control.choices:
            now = str(before[0] if isinstance(before, tuple) else before)
            kept = [c for c in control.choices if c not in (now, "spherical")]
            value = float(kept[-1]) if control.setting == "D.keep_prob_hidden" else kept[-1]
            value = [value] if control.setting == "G.activations" else value
        if control.setting == "z_size":  # on a line z has one dimension
            with pytest.raises(RequestError):
                handle(session, {"type": "update_setting", "setting": "z_size", "value": 2})
            continue
        handle(session, {"type": "update_setting", "setting": control.setting, "value": value})
        assert session.slots[0].game.round == (1 if control.live else 0), control
        assert session.slots[0].game.settings.flat()[control.setting] != before
        handle(session, {"type": "step", "train": "both"})


def test_uploaded_points_and_drawings_become_data() -> None:
    session = new_session()
    answer = handle(session, {"type": "use_points", "text": "x\n1.5\n2\n4\n"})
    assert last(answer, "board")["kind"] == "line"
    assert last(answer, "state")["state"]["data"].startswith("points:1,1.5,4")
    strokes = [[[-1, 0], [1, 0]], [], [[0, 1], [0, 2]]]
    answer = handle(session, {"type": "use_drawing", "strokes": strokes})
    assert last(answer, "board")["kind"] == "plane"
    x = session.slots[0].evaluator.toy.x
    assert len(x) == 600
    assert np.abs(x[:400, 1]).max() < 0.3  # the first stroke is two thirds of the length
    assert x[400:, 1].min() > 0.7


def test_measures_on_a_drawing_prefer_samples_near_the_line() -> None:
    t = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([2 * np.cos(t), 2 * np.sin(t)], axis=1)
    toy = catalogue.find(data_from_strokes([circle.tolist()]))
    evaluator = plane.new_evaluator(toy, samples=2000)
    noise = Address(0, 0, range(2000)).normal("test", 2).double().numpy()
    x = sample_points(toy, 2000)
    for name in ("JSD", "KL data g smoothed", "KL g data smoothed"):
        values = [plane.measures(x + s * noise, evaluator)[name] for s in (0.03, 0.1, 0.2, 0.5)]
        assert values == sorted(values)
        assert values[0] < 2 * evaluator.floors[name] < values[1]


def test_every_lesson_can_be_played() -> None:
    session = new_session()
    for name, lesson in LESSONS.items():
        handle(session, {"type": "start_lesson", "name": name})
        handle(session, {"type": "step", "train": "both"})
        assert len(session.slots) == len(lesson.games)
        assert {f"lesson {name}", f"about {name}"} <= WORDS.keys()


def test_the_exported_table() -> None:
    session = new_session("grid")
    for _ in range(3):
        handle(session, {"type": "step", "train": "both"})
    file = last(handle(session, {"type": "export"}), "file")
    assert file["name"] == "game-a.csv"
    content = base64.b64decode(file["bytes"])
    rows = content.decode().splitlines()
    assert [row.split(",")[0] for row in rows] == ["round", "0", "1", "2", "3"]


def test_a_lesson_pauses_once_and_again_after_a_reset() -> None:
    session = new_session()
    handle(session, {"type": "start_lesson", "name": "figure 1"})
    session.pause_at = 3
    for _ in range(2):
        handle(session, {"type": "play"})
        catch_up(session)
        assert session.slots[0].game.round == 3
        handle(session, {"type": "reset"})
    state = last(handle(session, {"type": "pause"}), "state")["state"]
    other = Session("gaussian")
    handle(other, {"type": "open", "state": state})
    assert other.pause_at == 3
    handle(session, {"type": "play"})
    catch_up(session)
    handle(session, {"type": "play"})  # it has paused once, and now continues
    session.tick()
    assert session.slots[0].game.round > 3


@pytest.mark.slow
def test_oscillation_is_diagnosed_at_any_speed() -> None:
    """Also at a speed that changes: 4 rounds for each snapshot, then 8."""
    session = new_session()
    handle(session, {"type": "start_lesson", "name": "circling"})
    for round in (*range(0, 80, 4), *range(80, 161, 8)):
        for slot in session.slots:
            slot.play_to(round)
            slot.take_snapshot("both")
    assert [slot.message(-1)["problem"] for slot in session.slots] == ["oscillating", None]


def test_two_games_on_digits_with_class_metrics() -> None:
    session = Session("mnist-5k")
    own = {"G.hidden": [8], "D.units": [6], "batch": 20}
    handle(session, {"type": "open", "state": {"data": "mnist-5k", "games": [{"settings": own}]}})
    handle(session, {"type": "compare", "on": True})
    answer = handle(session, {"type": "step", "train": "both"})
    metrics = last(answer, "snapshot")["metrics"]
    value, perfect = metrics["modes hit"]
    assert 1 <= value < perfect == 10
    assert metrics["JSD classes"][0] > 10 * metrics["JSD classes"][1] > 0
    assert [m["game"] for m in handle(session, {"type": "nearest"})] == [0, 1]
    assert len(handle(session, {"type": "export"})) == 2


def test_a_refused_step_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session()
    handle(session, {"type": "step", "train": "D"})
    monkeypatch.setattr(limits, "MAX_CHANGES", 3)
    before = json.dumps(handle(session, {"type": "pause"}))
    with pytest.raises(RequestError, match="too many changes"):
        handle(session, {"type": "step", "train": "G"})
    assert json.dumps(handle(session, {"type": "pause"})) == before


def test_divergence_is_reported() -> None:
    session = new_session()
    handle(session, {"type": "update_setting", "setting": "optimiser", "value": "sgd"})
    handle(session, {"type": "update_setting", "setting": "lr", "value": 10.0})
    handle(session, {"type": "update_setting", "setting": "d_lr_multiplier", "value": 100.0})
    for message in ({"type": "play"}, {"type": "step", "train": "both"}):
        handle(session, {"type": "play"})
        with torch.no_grad():
            next(session.slots[0].game.G.parameters()).fill_(float("nan"))
        if message["type"] == "play":
            messages: list[Message] = []
            while not messages:
                messages = session.tick()
            assert messages[0] == {"type": "error", "reason": "diverged", "values": {}}
        else:
            with pytest.raises(RequestError, match="diverged"):
                handle(session, message)
        assert not session.playing
        with pytest.raises(RequestError, match="diverged"):
            handle(session, {"type": "play"})
        handle(session, {"type": "reset"})


def test_two_changes_of_a_setting_in_one_round_leave_the_second() -> None:
    session = new_session()
    for k in (2, 3):
        handle(session, {"type": "update_setting", "setting": "k", "value": k})
    (slot,) = session.slots
    assert slot.game.settings.k == 3
    assert slot.script.changes == ((0, {"k": 3}),)
