"""Runs: resuming after any interruption, refusal of damaged folders, error messages."""

import dataclasses
import errno
import fcntl
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from adversarial_nets.build import new_game
from adversarial_nets.errors import Diverged, Stopped, UserError
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import checkpoints, files, game_state, metrics
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.checkpoints import Checkpoint
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import Cadence
from adversarial_nets.training import diagnostics, session
from adversarial_nets.training.session import TrainingSnapshot, train
from fork_server import ForkServer
from small import small_data, small_settings

OFTEN = Cadence(log_every=7, save_every=10, score_every=40, samples_every=20)


def trained(folder: Path, rounds: int = 60, **how: Any) -> Run:
    settings = how.pop("settings", small_settings())
    return train(small_data(), settings=settings, run=folder, rounds=rounds, cadence=OFTEN, **how)


def last(folder: Path) -> Checkpoint:
    return checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder))


def assert_same_end(a: Path, b: Path) -> None:
    """Both runs have the same metrics and the same last checkpoint, bit for bit."""
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in metrics.read_metrics(folder)]
        for folder in (a, b)
    ]
    assert rows[0] == rows[1]  # first: if this fails, it names the round in which they part
    x, y = last(a), last(b)
    assert x.round == y.round
    for ours, theirs in ((x.nets, y.nets), (x.optimisers, y.optimisers)):
        assert ours.keys() == theirs.keys()
        assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never interrupted."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    trained(folder)
    return folder


def test_a_runs_folder(straight: Path) -> None:
    assert {p.name for p in straight.iterdir()} == {
        ".lock",
        "checkpoints",
        "metrics.jsonl",
        "samples",
        "settings.json",
    }
    run = runs_folder.open_run(straight)
    assert run.settings == small_settings()
    assert run.image_shape == (1, 6, 6)
    rows = metrics.read_metrics(straight)
    assert [r["round"] for r in rows] == [7, 14, 21, 28, 35, 40, 42, 49, 56, 60]
    assert [r["round"] for r in rows if "scores" in r] == [40, 60]
    pictures = sorted((straight / "samples").glob("*.png"))
    assert [path.name for path in pictures[:1]] == ["newest.png"]
    assert len(pictures) == 5
    assert pictures[0].read_bytes() == pictures[-1].read_bytes()


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_extending_a_run_is_one_long_run(tmp_path: Path, optimiser: Any) -> None:
    settings = small_settings(optimiser=optimiser, lr=0.01)
    trained(tmp_path / "whole", 70, settings=settings)
    for rounds in (20, 70):
        trained(tmp_path / "parts", rounds, settings=settings)
    x, y = last(tmp_path / "whole"), last(tmp_path / "parts")
    assert all(torch.equal(x.nets[name], y.nets[name]) for name in x.nets)


class _Killed(BaseException):
    """Simulates a killed process: nothing catches it."""


@pytest.mark.parametrize("moment", ["fsync", "rename", "rmtree", "replace"])
@pytest.mark.parametrize("after", [2, 4, 6])
def test_a_process_killed_while_writing(
    moment: str, after: int, tmp_path: Path, straight: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed in its n-th fsync, rename, removal or replacement."""
    homes: dict[str, Any] = {"fsync": os, "rename": Path, "rmtree": shutil, "replace": Path}
    real = getattr(homes[moment], moment)
    calls = 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == after:
            raise _Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(homes[moment], moment, dying)
    with pytest.raises(_Killed):
        trained(tmp_path / "run")
    monkeypatch.undo()
    trained(tmp_path / "run")
    assert_same_end(tmp_path / "run", straight)


PROGRAM = """
from test_runs import trained
from pathlib import Path
import time

def report(snapshot):
    print(snapshot.row["round"], flush=True)
    if snapshot.row["round"] == 56:  # do not end before the test kills this process
        time.sleep(600)

print("ready", flush=True)
trained(Path(sys.argv[1]), callbacks=[report], keep="all")
"""


@pytest.mark.parametrize("moment", [1, 4, 7])
def test_sigkill(moment: int, tmp_path: Path, straight: Path, fork_server: ForkServer) -> None:
    """A real process is killed at several moments."""
    reading, writing = os.pipe()
    pid = fork_server.start(PROGRAM, [tmp_path / "run"], writing)
    os.close(writing)
    with open(reading) as printed:  # noqa: PTH123 (a descriptor)
        for _ in range(moment + 1):
            assert printed.readline()
        time.sleep(0.005 * moment)
        os.kill(pid, signal.SIGKILL)
    assert fork_server.wait() == -signal.SIGKILL
    # If this test fails, the checkpoints show which process computed something else.
    trained(tmp_path / "run", keep="all")
    assert_same_end(tmp_path / "run", straight)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_before_stopping(
    number: signal.Signals, tmp_path: Path, straight: Path
) -> None:
    def ask(look: TrainingSnapshot) -> None:
        if look.row["round"] == 21:
            os.kill(os.getpid(), number)

    handler = signal.getsignal(number)
    with pytest.raises(Stopped, match="round 21") as stopped:
        trained(tmp_path / "run", callbacks=[ask])
    assert stopped.value.exit_code == 128 + number
    assert signal.getsignal(number) is handler
    assert last(tmp_path / "run").round == 21
    trained(tmp_path / "run")
    assert_same_end(tmp_path / "run", straight)


def test_divergence_is_explained_and_the_last_checkpoint_is_finite(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="diverged") as diverged:
        trained(tmp_path / "run", 400, settings=small_settings(lr=1e4, optimiser="sgd"))
    assert diverged.value.exit_code == 3
    steps = list((tmp_path / "run" / "checkpoints").glob("round-*"))
    for step in steps:
        checkpoint = checkpoints.read_checkpoint(step)
        assert all(bool(t.isfinite().all()) for t in checkpoint.nets.values())


def test_other_settings_on_the_same_folder(straight: Path) -> None:
    with pytest.raises(UserError, match=r"k 1 → 2.*--restart"):
        trained(straight, settings=small_settings(k=2))
    nets = dataclasses.replace(small_settings().G, hidden=(3,))
    with pytest.raises(UserError, match=r"G\.hidden \(12, 10\) → \(3,\)"):
        trained(straight, settings=small_settings(G=nets))


@pytest.mark.parametrize(
    ("number", "words"), [(21, "a folder has the file's name"), (36, "too long")]
)
def test_a_file_name_that_cannot_be_written(number: int, words: str) -> None:
    with pytest.raises(UserError, match=words), files.explain_os_errors(Path("out")):
        raise OSError(number, "whatever")


def test_other_images_on_the_same_folder(straight: Path) -> None:
    data = dataclasses.replace(small_data(), train=small_data().train.flip(0))
    with pytest.raises(UserError, match="the images of small have changed"):
        train(data, settings=small_settings(), run=straight, rounds=60)
    other = dataclasses.replace(data, name="other")
    with pytest.raises(UserError, match=r"small → other \(other images\)"):
        train(other, settings=small_settings(), run=straight, rounds=60)


def test_a_signal_after_a_saved_round_does_not_replace_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = checkpoints.write_checkpoint

    def counted(folder: Path, checkpoint: Checkpoint, keep_all: bool = False) -> Path:
        written.append(checkpoint.round)
        return write(folder, checkpoint, keep_all)

    monkeypatch.setattr(game_state, "write_checkpoint", counted)

    def interrupt(snapshot: TrainingSnapshot) -> None:
        if snapshot.row["round"] == 40:  # logged, scored and saved
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped):
        trained(tmp_path / "run", 60, callbacks=interrupt)
    assert written == [10, 20, 30, 40]


def test_a_folder_in_use(tmp_path: Path) -> None:
    with files.lock(tmp_path / "run"), pytest.raises(UserError, match="in use"):
        trained(tmp_path / "run")


def test_a_refused_training_leaves_no_folder_behind(tmp_path: Path) -> None:
    """A D whose logits are not one for each image is found when the game is built."""
    D = torch.nn.Linear(small_data().pixels, 2)
    with pytest.raises(UserError, match="logit"):
        trained(tmp_path / "new", D=D)
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="logit"):
        trained(tmp_path / "mine", D=D)
    assert (tmp_path / "mine").exists()  # it was there before


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("hello")
    with pytest.raises(UserError, match="a file has the folder's name"):
        trained(tmp_path / "run")


def test_a_full_disk(tmp_path: Path, straight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full while a checkpoint is written; the run continues once there is space."""
    real = Path.write_bytes
    calls = 0

    def full(self: Path, data: Any) -> int:
        nonlocal calls
        calls += self.name == "optimisers.safetensors"
        if calls == 3:
            raise OSError(28, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="disk is full"):
        trained(tmp_path / "run")
    monkeypatch.undo()
    assert last(tmp_path / "run").round == 20
    trained(tmp_path / "run")
    assert_same_end(tmp_path / "run", straight)


def test_a_read_only_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UserError, match="read-only"):
        trained(tmp_path / "run")


def test_a_checkpoint_of_other_nets(tmp_path: Path) -> None:
    trained(tmp_path / "a", 10)
    other = dataclasses.replace(small_settings().G, hidden=(4,))
    trained(tmp_path / "b", 10, settings=small_settings(G=other))
    shutil.rmtree(tmp_path / "a" / "checkpoints")
    shutil.copytree(tmp_path / "b" / "checkpoints", tmp_path / "a" / "checkpoints")
    with pytest.raises(UserError, match="other networks"):
        trained(tmp_path / "a", 20)


def test_reading_records_imports_no_torch(straight: Path) -> None:
    program = """
import sys
from importlib import import_module
from pathlib import Path

for name in sys.argv[2:]:
    import_module(f"adversarial_nets.{name}")
    assert "torch" not in sys.modules, name
import adversarial_nets as an
from adversarial_nets.runs.folder import history
assert history(an.open_run(Path(sys.argv[1])))["curve"]
assert "torch" not in sys.modules
"""
    modules = ["evaluation", "evaluation.published", "evaluation.compare_runs"]
    modules += ["runs.evaluations", "runs.files", "runs.folder", "runs.metrics"]
    command = [sys.executable, "-c", program, str(straight), *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reopened_run_equals_the_run_that_was_started(straight: Path) -> None:
    """Fields that JSON stores as lists are tuples again."""
    settings = small_settings()
    run = runs_folder.open_run(straight)
    assert run.changed == runs_folder.changed_from_preset(settings, run.preset)
    assert run.changed["G.hidden"] == (PRESETS["quickstart"].settings.G.hidden, (12, 10))
    assert run.preset_label == "custom, from quickstart"


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no settings\.json"):
        runs_folder.open_run(tmp_path)
    (tmp_path / "settings.json").write_text("[]")
    with pytest.raises(UserError):
        runs_folder.open_run(tmp_path)
    (tmp_path / "settings.json").write_text('{"format": 1}')
    with pytest.raises(UserError, match="damaged"):
        runs_folder.open_run(tmp_path)


def test_checkpoints_by_name(straight: Path) -> None:
    best = json.loads((checkpoints.checkpoint_folder(straight) / "state.json").read_text())["best"]
    assert checkpoints.checkpoint_folder(straight).name == "round-00000060"
    assert checkpoints.checkpoint_folder(straight, "best").name == f"round-{best['round']:08d}"
    assert checkpoints.checkpoint_folder(straight, "50").name == "round-00000050"
    for unknown in ("55", "²"):
        with pytest.raises(UserError, match=r"Give last, best, or one of: .*50, 60"):
            checkpoints.checkpoint_folder(straight, unknown)


def test_generators_of_a_run(straight: Path) -> None:
    run = runs_folder.open_run(straight)
    raw, step = game_state.load_generator(run, weights="raw")
    averaged, _ = game_state.load_generator(run, weights="averaged")
    assert step == 60
    assert not torch.equal(next(raw.parameters()), next(averaged.parameters()))
    with pytest.raises(UserError, match="'raw' or 'averaged'"):
        game_state.load_generator(run, weights="mean")


def test_lengths(tmp_path: Path) -> None:
    data = small_data()  # 280 training images, 14 batches of 20
    settings = small_settings()
    assert session.length(settings, data, None, 2.0) == 28
    assert session.length(small_settings(k=2), data, None, 2.0) == 14
    for rounds, epochs in ((0, None), (None, -1.0), (-5, None), (None, float("inf"))):
        with pytest.raises(UserError, match=r"must be (1 or more|above 0|1e\+30 or less)"):
            session.length(settings, data, rounds, epochs)
    with pytest.raises(UserError, match="give one of them"):
        session.length(settings, data, 3, 3.0)


def test_diagnosis() -> None:
    fine = {"D_x": 0.6, "D_G_z": 0.4, "spread": 0.9, "round": 9000}
    assert diagnostics.describe_problem(fine, 0.9) is None
    assert "D is too strong" in str(
        diagnostics.describe_problem(fine | {"D_x": 0.999, "D_G_z": 0.001}, 0.9)
    )
    for critic in ("wasserstein", "relativistic"):  # their logits have no fixed zero
        row = fine | {"D_x": 0.999, "D_G_z": 0.001, "objective": critic}
        assert diagnostics.describe_problem(row, 0.9) is None
    assert "collapsed" in str(diagnostics.describe_problem(fine | {"spread": 0.01}, 0.9))
    assert "not started to learn" in str(
        diagnostics.describe_problem(fine | {"spread": 0.01}, 0.01)
    )
    assert diagnostics.describe_problem(fine | {"spread": 0.01, "round": 500}, 0.01) is None


def test_accuracy_and_V_of_known_discriminators() -> None:
    """A D that separates images by brightness, one that outputs 1/2, one that is always wrong."""
    data = small_data()
    seen, unseen = (
        data.floats(images[:1000]).double().mean(1) for images in (data.train, data.valid)
    )
    game = new_game(small_settings(), data)
    last = list(game.G.children())[-2]  # (a sigmoid follows) every sample black
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(-20.0)

    class Brightness(torch.nn.Module):
        def __init__(self, sign: float) -> None:
            super().__init__()
            self.sign = torch.nn.Parameter(torch.tensor(sign))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.sign * (x.mean(1) - 0.01)

    one = torch.ones((), dtype=torch.float64)
    for sign, right in ((1.0, 1.0), (0.0, 0.5), (-1.0, 0.0)):
        game.D = Brightness(sign)
        found = diagnostics.discriminator_metrics(game, data)
        assert found["accuracy"] == right
        for name, grey in (("V_training", seen), ("V_held_out", unseen)):
            D_x, D_G_z = torch.sigmoid(sign * (grey - 0.01)), torch.sigmoid(-0.01 * sign * one)
            V = D_x.log().mean() + (1 - D_G_z).log()
            assert found[name] == pytest.approx(V.item(), abs=1e-6)
        assert game.D.training


def test_a_row_with_scores_has_Ds_accuracy(straight: Path) -> None:
    rows = metrics.read_metrics(straight)
    assert {"scores" in row for row in rows} == {True, False}
    for row in rows:
        for name in ("accuracy", "V_training", "V_held_out"):
            assert (name in row) == ("scores" in row)
        assert 0 <= row.get("accuracy", 0.5) <= 1


@pytest.mark.slow
def test_a_D_that_is_too_strong_is_reported_during_training(tmp_path: Path) -> None:
    """The learning rate of G is 0, so D soon distinguishes samples from data with certainty."""
    settings = small_settings(lr=0.1, k=5, protocol="paper", lr_decay=1.0)
    settings = dataclasses.replace(
        settings, D=dataclasses.replace(settings.D, keep_prob_input=1.0, keep_prob_hidden=1.0)
    )
    said = []

    def still(parameters: Any) -> torch.optim.Optimizer:
        optimiser = torch.optim.SGD(parameters, lr=0.3, momentum=0.5)
        if optimiser.param_groups[0]["params"][0].shape == (12, 5):  # G's first layer
            optimiser.param_groups[0]["lr_scale"] = 0.0
        return optimiser

    train(
        small_data(),
        settings=settings,
        run=tmp_path / "run",
        rounds=200,
        # Rarely saved and drawn, which takes longer than the game.
        cadence=Cadence(log_every=50, save_every=1000, score_every=1000, samples_every=1000),
        optimiser=still,
        callbacks=[lambda snapshot: said.append(snapshot.problem)],
    )
    assert said[0] is None
    assert "D is too strong" in str(said[-1])


def test_a_run_continues_only_with_what_it_was_started_with(tmp_path: Path) -> None:
    trained(tmp_path / "a", 2)
    for how, words in (
        ({"precision": "bfloat16"}, "precision float32 → bfloat16"),
        ({"optimiser": torch.optim.RMSprop}, "optimiser None → RMSprop"),
        ({"G": torch.nn.Sequential(torch.nn.Linear(5, 36))}, "your own G is new"),
    ):
        with pytest.raises(UserError, match=words):
            trained(tmp_path / "a", 4, **how)
    trained(tmp_path / "b", 2, optimiser=torch.optim.RMSprop)
    with pytest.raises(UserError, match="optimiser RMSprop → None"):
        trained(tmp_path / "b", 4)
    trained(tmp_path / "b", 4, optimiser=torch.optim.RMSprop)
    with pytest.raises(UserError, match="precision is 'bf16'"):
        inspect.unwrap(train)(small_data(), run=tmp_path / "c", precision="bf16")


def test_a_disk_without_locks_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(UserError, match="has no locks"):
        trained(tmp_path / "run", 2)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EDQUOT, "the disk is full"),
        (errno.EIO, "Input/output error"),
        (errno.ENOENT, "does not exist"),
    ],
)
def test_errors_of_the_disk_are_explained(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(UserError, match=words), files.explain_os_errors(tmp_path):
        raise OSError(number, os.strerror(number))
