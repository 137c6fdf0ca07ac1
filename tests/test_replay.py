"""A script, its command and its program replay the same game, with changes of settings."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from adversarial_nets import build, game, replay
from adversarial_nets.bench import busy
from adversarial_nets.cli import processes
from adversarial_nets.cli.main import main
from adversarial_nets.cli.parsing import parse
from adversarial_nets.cli.play import PlayOptions
from adversarial_nets.cli.registry import COMMANDS
from adversarial_nets.engine import preparation
from adversarial_nets.errors import UserError
from adversarial_nets.replay import Script
from adversarial_nets.settings import LIVE, Settings, update_settings
from adversarial_nets.toys import catalogue, line
from adversarial_nets.toys.points import Points, points_to_text

SMALL = {"G.hidden": (8,), "G.init": (4.0, 0.2), "D.units": (6, 6), "batch": 32}
OF_IMAGES = {"G.hidden": (8,), "D.units": (6,), "batch": 20, "z_size": 5}
CHANGES = (
    (2, {"k": 4, "objective": "minimax"}),
    (3, {"optimiser_D": "sgd", "lr": 0.01, "D.keep_prob_hidden": 0.5}),
    (5, {"train_only": "D", "batch": 16}),
    (6, {"train_only": "both"}),
)


def script(data: str) -> Script:
    own = OF_IMAGES if data.startswith("mnist") else SMALL
    return Script(data, update_settings(replay.kind_of(data).settings, own), 8, CHANGES)


@pytest.mark.parametrize("data", ["gaussian:1,2", "moons", "mnist-5k"])
def test_the_command_and_the_program_play_the_same_game(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = script(data)
    played = replay.replay(given)
    name, *words = replay.command(given).split()
    assert name == "advnets"
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["weights"], found["round"]) == (played.weights, 8)
    g = replay.new_game(given)
    replay.play_script(given, g)
    weights = safetensors.torch.load((tmp_path / "out" / "nets.safetensors").read_bytes())
    for name, tensor in weights.items():
        player, _, own = name.partition(".")
        assert torch.equal(tensor, getattr(g, player).state_dict()[own])
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(replay.program(given), "copied", "exec"), names)
    again = names["played"]
    assert isinstance(again, replay.Result)
    assert (again.weights, again.metrics) == (played.weights, played.metrics)


def test_a_game_played_in_pieces_is_the_same_game() -> None:
    given = script("gaussian")
    whole, pieces = replay.new_game(given), replay.new_game(given)
    replay.play_script(given, whole)
    for rounds in (1, 2, 2, 4, 5, 8):
        replay.play_script(replace(given, rounds=rounds), pieces)
    assert replay.fingerprint_of_weights(whole) == replay.fingerprint_of_weights(pieces)
    assert whole.settings == pieces.settings


@pytest.mark.parametrize("protocol", ["paper", "released"])
@pytest.mark.parametrize("alone", ["D", "G"])
def test_the_network_that_is_not_trained_does_not_change(alone: str, protocol: str) -> None:
    own = SMALL | {"train_only": alone, "protocol": protocol, "k": 2}
    given = Script("gaussian", update_settings(line.SETTINGS, own))
    g, before = replay.new_game(given), replay.new_game(given)
    game.play(g, 2)
    for player in ("D", "G"):
        pairs = zip(
            getattr(g, player).parameters(), getattr(before, player).parameters(), strict=True
        )
        moved = any(not torch.equal(a, b) for a, b in pairs)
        assert moved == (player == alone)


def test_a_changed_setting_acts_as_in_a_new_game() -> None:
    """With plain SGD, which has no state, only the current settings matter."""
    own = SMALL | {"optimiser": "sgd", "momentum": 0.0, "momentum_end": 0.0}
    a = update_settings(line.SETTINGS, own)
    b = update_settings(a, {"lr": 0.1, "objective": "minimax", "d_lr_multiplier": 2.0})
    g, other = (replay.new_game(Script("gaussian", s)) for s in (a, b))
    other.G.load_state_dict(g.G.state_dict())
    build.change_settings(g, b)
    game.play(g, 3)
    game.play(other, 3)
    assert replay.fingerprint_of_weights(g) == replay.fingerprint_of_weights(other)


def test_adams_momentum_can_change_during_a_game() -> None:
    g = replay.new_game(script("moons"))
    build.change_settings(g, update_settings(g.settings, {"momentum": 0.8}))
    for optimiser in (g.optimiser_G, g.optimiser_D):
        assert optimiser.param_groups[0]["betas"] == (0.8, 0.999)


def test_neither_programs_nor_the_benchmark_need_the_command_line() -> None:
    """And what prepares torch does not import it; programs printed earlier still find it."""
    assert "adversarial_nets.cli" not in replay.program(script("gaussian")) + busy._CELL
    assert processes.prepare_for_torch is preparation.prepare_for_torch
    code = "import sys, adversarial_nets.engine.preparation\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_program_prepares_torch_as_the_command_line_does() -> None:
    """In a new process; on Intel processors the weights would differ otherwise."""
    program = replay.program(replace(script("gaussian"), rounds=1, changes=()))
    end = "\nimport os; print(os.environ.get('MKL_CBWR'))"
    command_line = "from adversarial_nets.cli.processes import prepare_for_torch as p\np()" + end
    kept = {k: v for k, v in os.environ.items() if k != "MKL_CBWR"}
    said = [
        subprocess.run(
            [sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True
        ).stdout.splitlines()[-1]
        for code in (program + end, command_line)
    ]
    assert said[0] == said[1]


def test_the_command_can_turn_a_switch_off() -> None:
    usual = replay.kind_of("mnist-5k").settings
    off = replace(usual, G=replace(usual.G, bias_from_marginals=False))
    words = shlex.split(replay.command(Script("mnist-5k", off)))
    assert "--G.no-bias-from-marginals" in words
    options = parse(COMMANDS["play"], words[2:])
    assert isinstance(options, PlayOptions)
    assert options.settings == off


def test_data_that_cannot_be_played_raise_an_error_with_the_command_to_train() -> None:
    for data in ("cifar10", "tfd-96", "tfd-standin"):
        with pytest.raises(UserError, match=f"advnets train {data}"):
            replay.kind_of(data)


def test_a_setting_that_needs_a_new_game_raises_an_error() -> None:
    g = replay.new_game(script("gaussian"))
    with pytest.raises(UserError, match=r"^D\.units cannot change during a game"):
        build.change_settings(g, update_settings(g.settings, {"D.units": (5, 5)}))
    assert Settings().flat().keys() > LIVE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"--kk": 1}, "no setting named 'kk'. Did you mean k"),
        ({"k": "many"}, "a whole number, 1 or more"),
        ({"k": 1.5}, "a whole number, 1 or more"),
        ({"k": True}, "a whole number, 1 or more"),
        ({"k": 0}, "^k is 0"),
        ({"prior": "both"}, "one of uniform, gaussian, spherical"),
        ({"G.hidden": 3}, "a whole number, 1 or more"),
        ({"G.hidden": ["a"]}, "a whole number, 1 or more"),
        ({"lr": float("nan")}, "lr"),
    ],
)
def test_options_are_checked(options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        update_settings(Settings(), options)


def test_an_unknown_objective_raises_an_error_in_a_new_and_in_a_running_game() -> None:
    unknown = update_settings(line.SETTINGS, SMALL | {"objective": "both"})
    with pytest.raises(UserError, match=r"no objective named 'both'.*non-saturating, minimax"):
        replay.new_game(Script("gaussian", unknown))
    g = replay.new_game(Script("gaussian", update_settings(line.SETTINGS, SMALL)))
    with pytest.raises(UserError, match="no objective named 'both'"):
        build.change_settings(g, replace(g.settings, objective="both"))


@pytest.mark.parametrize("offset", [0.0, 1e4, -5e4])
def test_points_survive_encoding_as_text(offset: float) -> None:
    x = offset + np.random.default_rng(0).normal(size=(50, 2))
    found = catalogue.find(points_to_text(x))
    assert isinstance(found, Points)
    assert np.abs(found.x - x).max() <= np.ptp(x) / 65535
    for broken in ("points:", "points:2,0,1,", "points:3,0,1,AAAA", "points:1,0,inf,AAAAAAAA"):
        with pytest.raises(UserError, match="points"):
            catalogue.find(broken)


def test_a_negative_number_of_rounds_raises_an_error_without_flags() -> None:
    with pytest.raises(UserError, match=r"^rounds is -1; it must be 0 or more") as raised:
        replay.replay(Script("gaussian", line.SETTINGS, rounds=-1))
    assert raised.value.for_command_line().startswith("--rounds is -1")


def test_a_change_after_the_last_round_is_refused() -> None:
    script = Script("gaussian", line.SETTINGS, 3, ((5, {"objective": "hinge"}),))
    with pytest.raises(UserError, match="settings are to change after round 5"):
        replay.replay(script)


def test_numbers_that_are_infinite_are_null_in_files(tmp_path: Path) -> None:
    """KL(p_g ‖ p_data) is infinite where G leaves the interval."""
    replay.replay(Script("uniform", line.SETTINGS, 1), tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "readings.json").read_text()
    readings = json.loads(text, parse_constant=refuse)
    assert "null" in text
    assert readings["round"] == 1
