"""Published schedules, and settings that no game can be played with."""

import dataclasses
import json
import math
from typing import Any

import pytest

from adversarial_nets import settings as s
from adversarial_nets.errors import UserError


def test_published_schedules() -> None:
    """§4 of the released configuration: lr_t = .1 / 1.000004^t; μ .5 → .7 over 250 epochs."""
    mnist = s.PRESETS["mnist"].settings
    assert mnist.lr_at(0) == 0.1
    assert mnist.lr_at(125_000) == pytest.approx(0.1 * math.exp(-125_000 * math.log(1.000004)))
    assert mnist.lr_at(10**9) == 1e-6
    assert [mnist.momentum_at(e) for e in (1, 250, 1000)] == pytest.approx([0.5, 0.7, 0.7])
    assert mnist.momentum_at(125) == pytest.approx(0.5 + 0.2 * 124 / 249)


def test_json_round_trip() -> None:
    for preset in s.PRESETS.values():
        assert s.from_json(json.loads(json.dumps(preset.settings.to_json()))) == preset.settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 0}, "--k is 0"),
        ({"batch": -1}, "--batch is -1"),
        ({"z_size": 0}, "--z-size is 0"),
        ({"lr": float("nan")}, "--lr is nan"),
        ({"lr": 0.0}, "--lr is 0"),
        ({"momentum": 1.0}, "--momentum is 1"),
        ({"seed": -1}, "--seed is -1"),
        ({"seed": 10**400}, "--seed is inf"),
        ({"G": s.GeneratorSettings(hidden=(10, 0))}, "--G.hidden is 0"),
        ({"G": s.GeneratorSettings(init=(0.1, 0.1))}, "--G.init has 2 values"),
        ({"D": s.DiscriminatorSettings(pieces=0)}, "--D.pieces is 0"),
        ({"D": s.DiscriminatorSettings(keep_input=0.0)}, "--D.keep-input is 0"),
        ({"D": s.DiscriminatorSettings(units=())}, "--D.units is empty"),
    ],
)
def test_impossible_settings_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        dataclasses.replace(s.Settings(), **change)


@pytest.mark.parametrize("given", [math.inf, math.nan, 10**400, "x", None, True])
@pytest.mark.parametrize("name", ["--k", "--lr", "--seed"])
def test_what_is_no_number_is_named(name: str, given: object) -> None:
    with pytest.raises(UserError, match=name):
        s.changed(s.Settings(), {name: given})


def test_a_choice_among_numbers_is_named() -> None:
    with pytest.raises(UserError, match="--channels is 5; it must be one of 1, 3"):
        s.changed(s.Settings(), {"--channels": 5})


def test_damaged_settings_are_a_sentence() -> None:
    good = s.Settings().to_json()
    for bad in ({}, good | {"new_setting": 1}, good | {"G": 3}, good | {"G": {"x": 1}}):
        with pytest.raises(UserError):
            s.from_json(bad)


def test_unknown_preset_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean quickstart"):
        s.preset_for("mnist", "quikstart")
