"""Published schedules, and settings that no game can be played with."""

import dataclasses
import json
import math
import subprocess
import sys
from typing import Any

import pytest
import torch

from adversarial_nets import presets, schedules, settings
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.runs.folder import recorded_preset
from adversarial_nets.training.default_preset import preset_for


def test_published_schedules() -> None:
    """§4 of the released configuration: lr_t = .1 / 1.000004^t; μ .5 → .7 over 250 epochs."""
    mnist = presets.PRESETS["mnist"].settings
    assert mnist.lr_at(0) == 0.1
    assert mnist.lr_at(125_000) == pytest.approx(0.1 * math.exp(-125_000 * math.log(1.000004)))
    assert mnist.lr_at(10**9) == 1e-6
    assert [mnist.momentum_at(e) for e in (1, 250, 1000)] == pytest.approx([0.5, 0.7, 0.7])
    assert mnist.momentum_at(125) == pytest.approx(0.5 + 0.2 * 124 / 249)


@pytest.mark.parametrize("rounds", [300, 6000, 18_000, 50_000])
def test_the_schedule_of_pictures_follows_the_length(rounds: int) -> None:
    """The rate is constant for two thirds of a run, and e^−2.4 of it is left at the end."""
    s = presets.PRESETS["pictures"].settings_for(rounds)
    assert s.lr_at(2 * rounds // 3) == s.lr
    assert s.lr_at(rounds) == pytest.approx(s.lr * math.exp(-2.4), rel=0.01)
    assert presets.PRESETS["fast"].settings_for(rounds) == presets.PRESETS["fast"].settings


def test_json_round_trip() -> None:
    for preset in presets.PRESETS.values():
        assert (
            settings.from_json(json.loads(json.dumps(preset.settings.to_json()))) == preset.settings
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 0}, "k is 0"),
        ({"batch": -1}, "batch is -1"),
        ({"z_size": 0}, "z_size is 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": 0.0}, "lr is 0"),
        ({"momentum": 1.0}, "momentum is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 10**400}, "seed is inf"),
        ({"G": settings.GeneratorSettings(hidden=(10, 0))}, "G.hidden is 0"),
        ({"G": settings.GeneratorSettings(init=(0.1, 0.1))}, "G.init has 2 values"),
        ({"D": settings.DiscriminatorSettings(pieces=0)}, "D.pieces is 0"),
        ({"D": settings.DiscriminatorSettings(keep_prob_input=0.0)}, "D.keep_prob_input is 0"),
        ({"D": settings.DiscriminatorSettings(units=())}, "D.units is empty"),
    ],
)
def test_impossible_settings_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        dataclasses.replace(settings.Settings(), **change)


PROGRAM = """
from adversarial_nets.errors import UserError
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
for change in (
    dict(optimiser="rmsprop"),
    dict(optimiser_D="x"),
    dict(protocol="published"),
    dict(k=1.5),
    dict(k=True),
    dict(lr="fast"),
    dict(G=GeneratorSettings(hidden=(2.5,))),
    dict(G=GeneratorSettings(output="tanh")),
    dict(G=GeneratorSettings(batch_norm=1)),
    dict(D=DiscriminatorSettings(units=["8"])),
    dict(D=DiscriminatorSettings(units=8)),
    dict(G=GeneratorSettings(activations="relu")),
    dict(G=dict(hidden=(8,))),
    dict(D=DiscriminatorSettings),
):
    try:
        print(Settings(**change))
    except UserError as error:
        print(error)
"""


def test_a_programs_words_and_kinds_of_numbers_are_checked() -> None:
    """Without the type checks of these tests, as a program meets them."""
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True).stdout
    whole = "a whole number, 1 or more"
    assert said.splitlines() == [
        "optimiser is 'rmsprop'; it must be one of 'sgd', 'adam'.",
        "optimiser_D is 'x'; it must be one of 'sgd', 'adam'.",
        "protocol is 'published'; it must be one of 'released', 'paper'.",
        f"k is 1.5; it must be {whole}.",
        f"k is True; it must be {whole}.",
        "lr is 'fast'; it must be a number, above 0.",
        f"G.hidden is (2.5,); it must be {whole}.",
        "G.output is 'tanh'; it must be one of 'sigmoid', 'linear'.",
        "G.batch_norm is 1; it must be True or False.",
        f"D.units is ('8',); it must be {whole}.",
        f"D.units is 8; it must be a tuple, each value {whole}.",
        "G.activations is 'relu'; it must be a tuple, each value one of 'relu', 'sigmoid'.",
        "G is of type dict; it must be of type GeneratorSettings, e.g. "
        "GeneratorSettings(hidden=(240, 240)).",
        "D is the class DiscriminatorSettings; it must be of type DiscriminatorSettings, e.g. "
        "DiscriminatorSettings(pieces=2).",
    ]


NUMBERS = """
import json
from fractions import Fraction

import numpy as np
import torch
from adversarial_nets.settings import (
    Cadence, DiscriminatorSettings, GeneratorSettings, Settings, from_json
)
given = Settings(
    G=GeneratorSettings(hidden=[40, 40], init=np.array([0.5])),
    D=DiscriminatorSettings(units=(np.int64(8),), top_pieces=np.int32(2), pieces=3.0),
    seed=np.int64(3), lr=np.float32(0.5), momentum=torch.tensor(0.25), r1=Fraction(1, 2),
    k=torch.tensor(2), flip=np.bool_(True), gradient_penalty=np.float64(1),
)
plain = Settings(
    G=GeneratorSettings(hidden=(40, 40), init=(0.5,)),
    D=DiscriminatorSettings(units=(8,), top_pieces=2, pieces=3),
    seed=3, lr=0.5, momentum=0.25, r1=0.5, k=2, flip=True, gradient_penalty=1.0,
)
assert repr(given) == repr(plain)
assert from_json(json.loads(json.dumps(given.to_json()))) == given
assert repr(Cadence(np.int64(5), 10.0)) == repr(Cadence(5, 10))
"""


def test_numbers_of_any_type_and_lists_become_those_of_python() -> None:
    subprocess.run([sys.executable, "-c", NUMBERS], check=True)


@pytest.mark.parametrize("given", [math.inf, math.nan, 10**400, "x", None, True])
@pytest.mark.parametrize("name", ["k", "lr", "seed"])
def test_a_value_that_is_not_a_number_is_named(name: str, given: object) -> None:
    with pytest.raises(UserError, match=name):
        settings.update_settings(settings.Settings(), {name: given})


def test_a_choice_among_numbers_is_named() -> None:
    with pytest.raises(UserError, match="channels is 5; it must be one of 1, 3"):
        settings.update_settings(settings.Settings(), {"channels": 5})


def test_damaged_settings_are_a_sentence() -> None:
    good = settings.Settings().to_json()
    for bad in ({}, good | {"new_setting": 1}, good | {"G": 3}, good | {"G": {"x": 1}}):
        with pytest.raises(UserError):
            settings.from_json(bad)


def test_every_setting_states_its_source_and_only_published_values_name_a_configuration() -> None:
    source = {name: f.metadata["source"] for name, f in settings.FIELDS.items()}
    assert all(source.values())
    ours = {*settings.DATA_OPTIONS, "optimiser_D", "d_lr_multiplier", "r1", "train_only", "seed"}
    assert {source[name] for name in ours} == {"not in the paper"}
    assert source["lr"] == source["z_size"] == "the released mnist.yaml"
    assert source["max_norm"] == source["G.sparse"] == "the released configuration of TFD"


def test_unknown_preset_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean quickstart"):
        preset_for("mnist", "quikstart")


def test_a_record_that_calls_todays_quickstart_2014_quickstart_is_read_as_it_was() -> None:
    """Records of either form: with the settings changed from the preset, and without."""
    old, new = (presets.PRESETS[name].settings for name in ("quickstart-2014", "quickstart"))
    changed = {"lr": [old.lr, 0.2]}
    for record in ({"preset": "quickstart", "changed": changed}, {"preset": "quickstart"}):
        found = recorded_preset(record, dataclasses.replace(old, lr=0.2))
        assert found == ("quickstart-2014", {"lr": (old.lr, 0.2)})
    assert recorded_preset({"preset": "quickstart", "changed": {}}, new) == ("quickstart", {})


@pytest.mark.parametrize(("epochs", "rounds"), [(1.1, 550), (0.07, 35), (2.2, 1100), (0.0011, 1)])
def test_epochs_are_rounded_up_to_rounds_without_errors_of_floats(
    epochs: float, rounds: int
) -> None:
    image = torch.zeros(1, 1, dtype=torch.uint8)
    images = Dataset("zeros", image.expand(50_000, 1), image, image, (1, 1, 1), "made for tests")
    assert schedules.rounds_in(settings.Settings(), images, epochs) == rounds
