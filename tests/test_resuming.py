"""A resumed training continues with what its earlier sessions measured."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from adversarial_nets.runs.checkpoints import checkpoint_folder, read_checkpoint
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Cadence
from adversarial_nets.state import Game
from adversarial_nets.training import loop
from adversarial_nets.training.session import train
from small import small_data, small_settings

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

    def spread(game: Game, data: object) -> float:
        return 0.5 if game.round <= 2 else 0.01

    monkeypatch.setattr(loop, "spread", spread)
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
