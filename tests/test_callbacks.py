"""Functions that a program passes to `train`: what they may change, and that it is recorded."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest
import torch

from adversarial_nets import distributed
from adversarial_nets.build import change_settings
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.compare_runs import compare
from adversarial_nets.runs import checkpoints
from adversarial_nets.runs.folder import Run, open_run
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Cadence
from adversarial_nets.training.session import TrainingSnapshot, train
from small import small_data, small_settings


def trained(folder: Path, rounds: int, **how: Any) -> Run:
    cadence = Cadence(log_every=2, save_every=4, score_every=10, samples_every=20)
    how = {"settings": small_settings()} | how
    return train(
        small_data(),
        run=folder,
        rounds=rounds,
        cadence=cadence,
        progress=False,
        **how,
    )


def three_steps_of_D_from_round_6(snapshot: TrainingSnapshot) -> None:
    if snapshot.row["round"] == 6:
        change_settings(snapshot.game, dataclasses.replace(snapshot.game.settings, k=3))


def test_settings_that_a_callback_changes_are_recorded_and_survive_an_interruption(
    tmp_path: Path,
) -> None:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    run = trained(straight, 16, callbacks=[three_steps_of_D_from_round_6])
    assert run.info["changed_during_training"] == [{"round": 6, "settings": {"k": [1, 3]}}]
    assert not run.is_preset
    assert open_run(straight).info == run.info
    trained(stopped, 8, callbacks=[three_steps_of_D_from_round_6])
    trained(stopped, 16)
    ends = [
        checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder)).nets
        for folder in (straight, stopped)
    ]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_numbers_of_a_callback_keep_their_order(tmp_path: Path) -> None:
    names = [f"{name} of mine" for name in "zyabcmnklp"]

    def add(snapshot: TrainingSnapshot) -> None:
        for name in names:
            snapshot.row[name] = 1.0

    run = trained(tmp_path / "run", 4, callbacks=[add])
    assert [list(row)[-len(names) :] for row in read_metrics(run.folder)] == [names, names]


def test_a_change_after_the_last_checkpoint_is_forgotten(tmp_path: Path) -> None:
    def stop(snapshot: TrainingSnapshot) -> None:
        if snapshot.row["round"] == 6:  # the newest checkpoint is of round 4
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trained(tmp_path, 16, callbacks=[three_steps_of_D_from_round_6, stop])
    again = trained(tmp_path, 8, callbacks=[three_steps_of_D_from_round_6])
    assert len(again.info["changed_during_training"]) == 1

    def stop_later(snapshot: TrainingSnapshot) -> None:
        if snapshot.row["round"] == 10:
            change_settings(snapshot.game, dataclasses.replace(snapshot.game.settings, k=1))
            snapshot.game.D = None  # type: ignore[assignment]  # so that round 10 is not saved

    with pytest.raises(AttributeError):
        trained(tmp_path, 16, callbacks=[stop_later])
    assert len(open_run(tmp_path).info["changed_during_training"]) == 2
    assert len(trained(tmp_path, 16).info["changed_during_training"]) == 1


def test_a_callback_that_changes_nothing_leaves_no_record(tmp_path: Path) -> None:
    rounds: list[int] = []
    run = trained(tmp_path, 6, callbacks=lambda snapshot: rounds.append(snapshot.row["round"]))
    assert rounds == [2, 4, 6]
    assert "changed_during_training" not in run.info


def test_an_own_optimisers_rate_that_a_callback_changes_is_recorded_once(tmp_path: Path) -> None:
    """Otherwise such runs would be taken for other seeds of runs without the callback."""

    def halve(snapshot: TrainingSnapshot) -> None:
        for group in snapshot.game.optimiser_G.param_groups:
            group["lr"] /= 2

    adam = functools.partial(torch.optim.Adam, lr=0.01)
    run = trained(tmp_path / "0", 8, callbacks=halve, optimiser=adam)
    change = {"round": 2, "settings": {"optimiser of G: lr": [0.01, 0.005]}}
    assert run.info["changed_during_training"] == [change]
    plain = trained(tmp_path / "1", 8, optimiser=adam, settings=small_settings(seed=1))
    found = compare([run, plain])
    words = "optimiser of G: lr 0.01 → 0.005 after round 2"
    assert found.differences["changed during training"] == (words, None)
    assert found.groups == ()


def test_a_rate_that_the_schedule_sets_again_is_warned_about(tmp_path: Path) -> None:
    def stop_learning(snapshot: TrainingSnapshot) -> None:
        snapshot.game.optimiser_G.param_groups[0]["lr"] = 0.0

    with pytest.warns(UserWarning, match="schedule sets again in each round"):
        run = trained(tmp_path, 4, callbacks=stop_learning)
    assert "changed_during_training" not in run.info


def test_numbers_that_a_callback_adds_are_kept_with_the_row(tmp_path: Path) -> None:
    def measure(snapshot: TrainingSnapshot) -> None:
        snapshot.row["mine"] = torch.tensor(snapshot.row["round"] / 2)
        snapshot.row["d_loss"] = 7.0  # what the training measured stays as it is

    run = trained(tmp_path / "own", 4, callbacks=measure)
    rows = read_metrics(run.folder)
    assert [row["mine"] for row in rows] == [1.0, 2.0]
    assert all(row["d_loss"] < 3 for row in rows)
    for bad in (float("nan"), "high", torch.ones(2)):
        with pytest.raises(UserError, match="give a finite number"):
            trained(tmp_path / str(bad), 2, callbacks=lambda s, x=bad: s.row.update(mine=x))


@pytest.mark.parametrize("what", ["settings", "learning rate"])
def test_with_several_processes_a_callback_may_not_change_the_game(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(snapshot: TrainingSnapshot) -> None:
        monkeypatch.setattr(distributed, "world_size", lambda: 2)
        if what == "settings":
            change_settings(snapshot.game, dataclasses.replace(snapshot.game.settings, k=2))
        else:
            snapshot.game.optimiser_G.param_groups[0]["lr"] = 0.5

    with pytest.raises(UserError, match="Train in one process"):
        trained(tmp_path, 4, callbacks=change)


def test_a_run_that_is_longer_than_asked_for_says_so(tmp_path: Path) -> None:
    trained(tmp_path, 8)
    with pytest.warns(UserWarning, match="already has 8 rounds, more than the 4 asked for"):
        trained(tmp_path, 4)
