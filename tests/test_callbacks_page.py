"""The pages about Python: their statements about callbacks and about added objectives."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import adversarial_nets as an
from adversarial_nets.classes import generator_input
from adversarial_nets.cli.main import main
from adversarial_nets.errors import Stopped
from adversarial_nets.runs.checkpoints import checkpoint_rounds
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Cadence
from adversarial_nets.training.loop import TrainingSnapshot
from small import small_data, small_labelled_data, small_settings

DOCS = Path(__file__).parent.parent / "docs"
OFTEN = Cadence(log_every=5, save_every=10, score_every=10, samples_every=50)


def blocks(page: str, language: str) -> list[str]:
    """The programs of a page, without comments."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.S | re.M)
    return [re.sub("  # .*", "", program) for program in found]


def test_the_callback_of_the_page_halves_the_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert blocks("python.md", "py") == blocks("python.zh-CN.md", "py")
    program, _ = blocks("python.md", "py")
    (page,) = [block for block in blocks("python.md", "python") if "\nG = " in block]
    own = page.partition("run = an.train")[0]
    assert 2000 % an.PRESETS["quickstart-2014"].cadence.log_every == 0
    every = an.PRESETS["quickstart-2014"].cadence.log_every
    assert "== 2000" in program
    assert "rounds=3000" in program
    shorter = program.replace("== 2000", f"== {every}").replace(
        "rounds=3000", f"rounds={2 * every}"
    )
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(own + shorter, found)
    rows = read_metrics(tmp_path / "runs" / "halved")
    assert found["losses"] == [(row["round"], row["d_loss"], row["g_loss"]) for row in rows]
    assert [row["round"] for row in rows] == [every, 2 * every]
    assert [row["lr"] for row in rows] == [1e-3, 5e-4]


def test_the_optimiser_of_the_page_clips_gradients() -> None:
    _, program = blocks("python.md", "py")
    found: dict[str, Any] = {"torch": torch, "nn": torch.nn}
    exec(program, found)
    weight = torch.nn.Parameter(torch.ones(4))
    for size, expected in ((100.0, 1.0), (0.1, 0.2)):  # the norm of four equal gradients
        weight.grad = torch.full((4,), size)
        found["ClippedAdam"]([weight]).step()
        assert weight.grad.norm().item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("by_signal", [True, False])
def test_a_callback_can_stop_the_training(by_signal: bool, tmp_path: Path) -> None:
    """A signal saves the round; another exception leaves the newest checkpoint."""

    def stop(snapshot: TrainingSnapshot) -> None:
        if snapshot.row["round"] == 15 and by_signal:
            signal.raise_signal(signal.SIGINT)
        elif snapshot.row["round"] == 15:
            raise ZeroDivisionError

    how: dict[str, Any] = {"settings": small_settings(), "cadence": OFTEN, "rounds": 30}
    how |= {"run": tmp_path / "run", "progress": False}
    with pytest.raises(Stopped if by_signal else ZeroDivisionError):
        an.train(small_data(), callbacks=[stop], **how)
    assert max(checkpoint_rounds(tmp_path / "run")) == (15 if by_signal else 10)
    assert an.train(small_data(), **how).newest_round == 30


def test_a_loaded_generator_takes_rows_of_noise_and_class(tmp_path: Path) -> None:
    data, s = small_labelled_data(), small_settings(condition="classes")
    run = an.train(data, settings=s, rounds=2, run=tmp_path / "run", progress=False)
    G, _ = an.load_generator(run)
    z, c = torch.rand(7, s.z_size), torch.arange(7) % 3
    expected = an.sample(G, s, 7, z=z, c=c)
    assert torch.equal(G(generator_input(G, z, c)), expected)


def test_a_program_can_register_an_objective_and_call_a_command(tmp_path: Path) -> None:
    registration = blocks("add-an-objective.md", "python")[0].partition("settings = ")[0]
    (program,) = blocks("add-an-objective.md", "py")
    assert len(program.split("\n")) <= 6
    (tmp_path / "smoothed.py").write_text(registration)
    lines = "".join(line.strip() + "\n" for line in program.splitlines())
    shorter = lines.replace('"runs/by-command"', '"runs/by-command", "--rounds", "2"')
    assert shorter != lines
    (tmp_path / "program.py").write_text(shorter)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    run = an.open_run(tmp_path / "runs" / "by-command")
    assert run.settings.objective == "smoothed"
    assert (run.folder / "report.html").exists()
    (run.folder / "report.html").unlink()
    folder = str(run.folder)
    assert main(["report", folder]) == 0
    assert main(["sample", folder, "--n", "2"]) == 0
    # In a separate process: another test may have registered the page's objective in this one.
    words = ["train", "mnist-5k", "--run", folder, "--rounds", "3"]
    command = [sys.executable, "-m", "adversarial_nets", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "no objective named 'smoothed'" in " ".join(done.stderr.split())
