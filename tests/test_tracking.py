"""Metrics and pictures reach W&B and MLflow, without a network (TensorBoard: tests/test_cli.py)."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import adversarial_nets as an
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.errors import UserError
from adversarial_nets.settings import Cadence
from adversarial_nets.training import tracking
from adversarial_nets.training.loop import TrainingSnapshot
from small import small_data, small_settings

ROUNDS, CADENCE = 6, Cadence(log_every=2, save_every=6, score_every=6, samples_every=3)


def train(run: Path, callback: Any) -> list[dict[str, Any]]:
    """A short training with one more callback; returns the rows of its metrics."""
    an.train(
        small_data(),
        settings=small_settings(),
        run=run,
        rounds=ROUNDS,
        cadence=CADENCE,
        callbacks=[callback],
        progress=False,
    )
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_mlflow_gets_the_numbers_and_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = pytest.importorskip("mlflow").MlflowClient
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = tmp_path / "run"
    rows = train(run, tracking.mlflow(run, small_settings()))
    store = client(tracking_uri=(run / "mlruns").as_uri())
    (experiment,) = [e for e in store.search_experiments() if e.name == tracking.PROJECT]
    (found,) = store.search_runs([experiment.experiment_id])
    assert found.info.status == "RUNNING"  # until the program ends
    assert found.data.params["batch"] == "20"
    history = store.get_metric_history(found.info.run_id, "D_x")
    assert [(m.step, m.value) for m in history] == [(r["round"], r["D_x"]) for r in rows]
    assert found.data.metrics["valid_nats/raw"] == rows[-1]["scores"]["raw"]["valid_nats"]
    pictures = [p.path for p in store.list_artifacts(found.info.run_id, "images")]
    assert len([p for p in pictures if p.endswith(".png")]) == 3  # rounds 0, 3 and 6


def test_wandb_gets_the_numbers_and_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = tmp_path / "run"
    callback = tracking.wandb(run, small_settings())
    import wandb

    rows = train(run, callback)
    assert wandb.run is not None
    summary = {key: wandb.run.summary[key] for key in ("D_x", "round", "valid_nats/raw")}
    wandb.finish()
    assert summary["D_x"] == pytest.approx(rows[-1]["D_x"])
    assert summary["round"] == ROUNDS
    assert summary["valid_nats/raw"] == pytest.approx(rows[-1]["scores"]["raw"]["valid_nats"])
    assert len(list((run / "wandb").rglob("media/images/samples_*.png"))) == 3
    assert list((run / "wandb").rglob("*.wandb"))


def test_each_picture_of_this_session_is_logged_once(tmp_path: Path) -> None:
    """Of a resumed training from the round of its checkpoint on."""
    logged: list[int] = []
    numbers: list[tuple[dict[str, float], int]] = []

    def open_tracker() -> tuple[tracking.Numbers, tracking.Pictures]:
        return (
            lambda values, round: numbers.append((dict(values), round)),
            lambda pixels, round: logged.append(round),
        )

    callback = tracking._callback(tmp_path, open_tracker)
    game = new_game(small_settings(), small_data())
    (tmp_path / "samples").mkdir()
    for round in (0, 3, 6, 9):
        Image.new("L", (2, 2)).save(tmp_path / "samples" / f"round-{round:08d}.png")
        row = {"round": round, "scores": {"raw": {"valid_nats": 2.0}}}
        callback(TrainingSnapshot(row, game, 9, 1.0, started_at=3, problem=None))
    assert logged == [3, 6, 9]
    assert [round for _, round in numbers] == [0, 3, 6, 9]
    assert numbers[0][0] == {"valid_nats/raw": 2.0}


def test_a_tracker_is_opened_with_the_first_row_only(tmp_path: Path) -> None:
    """So `--restart`, which deletes the run's old files, does not delete the tracker's new ones."""
    run = tmp_path / "run"
    callback = tracking.tensorboard(run, small_settings())
    assert not run.exists()
    train(run, callback)
    (old,) = (run / "tensorboard").iterdir()
    callback = tracking.tensorboard(run, small_settings())
    how: dict[str, Any] = {"cadence": CADENCE, "callbacks": [callback], "progress": False}
    an.train(small_data(), settings=small_settings(), run=run, rounds=2, restart=True, **how)
    (new,) = (run / "tensorboard").iterdir()
    assert new.name != old.name


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf"adversarial-nets\[{name}\]"):
        tracking.TRACKERS[name](tmp_path, small_settings())


def test_missing_trackers_are_all_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wandb", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)
    run = tmp_path / "run"
    options = ["--tensorboard", "--wandb", "--mlflow", "--rounds", "1"]
    assert main(["train", "mnist-5k", "--run", str(run), *options]) == 2
    out, err = capsys.readouterr()
    assert '-m pip install "adversarial-nets[wandb,mlflow]"' in err
    assert not out
    assert not run.exists()
