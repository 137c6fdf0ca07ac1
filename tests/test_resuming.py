"""A resumed training continues with what was measured before; networks are loaded as saved."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from adversarial_nets.build import new_game
from adversarial_nets.game import play
from adversarial_nets.random import Address
from adversarial_nets.runs import game_state
from adversarial_nets.runs.checkpoints import checkpoint_folder, read_checkpoint
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Cadence, DiscriminatorSettings, GeneratorSettings
from adversarial_nets.state import Game
from adversarial_nets.training import loop
from adversarial_nets.training.session import train
from small import small_data, small_labelled_data, small_settings

CADENCE = Cadence(1, 1, 100, 100, score_samples=20)


def trained(folder: Path, rounds: int) -> list[str | None]:
    """Train until that round; the problem that each row shows."""
    problems: list[str | None] = []
    train(
        small_data(),
        settings=small_settings(),
        run=folder,
        rounds=rounds,
        cadence=CADENCE,
        callbacks=[lambda snapshot: problems.append(snapshot.problem)],
        progress=False,
    )
    return problems


def test_a_collapse_after_a_resume_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The samples differed in the first session only."""

    def variance_ratio(game: Game, data: object) -> float:
        return 0.5 if game.round <= 2 else 0.01

    monkeypatch.setattr(loop, "variance_ratio", variance_ratio)
    assert trained(tmp_path, 2) == [None, None]
    (problem,) = trained(tmp_path, 3)
    assert "G has collapsed" in str(problem)
    assert read_checkpoint(checkpoint_folder(tmp_path)).state["widest"] == 0.5


def test_the_time_of_a_run_is_that_of_all_its_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is 1,000 seconds fast once the first session has begun."""
    fast = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "time", fast)
        trained(tmp_path, 1)
    trained(tmp_path, 2)
    state = read_checkpoint(checkpoint_folder(tmp_path)).state
    for seconds in (read_metrics(tmp_path)[-1]["seconds"], state["seconds"]):
        assert 1000 < seconds < 1900


@pytest.mark.parametrize(
    "changes",
    [
        {"G": GeneratorSettings(hidden=(12, 10), sparse=3, batch_norm=True, bias=(0.0, -2.0))},
        {"D": DiscriminatorSettings(units=(8, 6), activation="relu", spectral_norm=True)},
        {"condition": "classes", "G": GeneratorSettings(hidden=(12, 10), class_units=4)},
        {"condition": "classes", "D": DiscriminatorSettings(units=(8,), projection=True)},
        {"joint": True, "G": GeneratorSettings(hidden=(12, 10))},
    ],
    ids=str,
)
def test_loaded_networks_have_the_saved_weights_and_draw_no_others(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small_labelled_data()
    game = new_game(small_settings(**changes), data)
    play(game, 2)
    run = train(data, settings=game.settings, run=tmp_path / "run", rounds=2)
    monkeypatch.setattr(Address, "uniform", None)  # nothing may be drawn
    for loaded, net in (
        (game_state.load_generator(run, weights="raw")[0], game.G),
        (game_state.load_discriminator(run)[0], game.D),
    ):
        saved = net.state_dict()
        assert {name: x.shape for name, x in loaded.state_dict().items()} == {
            name: x.shape for name, x in saved.items()
        }
        for name, x in loaded.state_dict().items():
            assert not x.is_meta
            if "running" not in name:  # measured at the end of a training
                torch.testing.assert_close(x, saved[name])
