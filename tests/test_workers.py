"""Training in several real processes gives the result of a single process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import safetensors.torch
import torch

import two_workers
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.engine import distributed
from adversarial_nets.game import play, sample
from adversarial_nets.runs import checkpoints, game_state, metrics
from small import products_round_to_bfloat16, small_data, small_settings

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# `advnets` asks MKL for other products if this is not set, but cannot once torch is loaded.
SAME_BITS = {"MKL_CBWR": "AUTO"}
# Networks of a few units, so that most of the time goes into starting the processes.
SMALL = ["train", "mnist-5k", "--preset", "quickstart-2014", "--G.hidden", "20", "--G.init", "0.3"]
SMALL += ["--D.units", "10"]
SMALL += ["--D.pieces", "2", "--D.init", "0.3", "--log-every", "10", "--save-every", "10"]
SMALL += ["--score-every", "1000000", "--samples-every", "1000000"]


def advnets(*args: object, **environment: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "adversarial_nets", *map(str, args)]
    env = os.environ | environment
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return dict(checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder, which)).nets)


def close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], tolerance: float) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=tolerance, rtol=tolerance, msg=name)


# Command lines that two processes run one after another; FOLDER becomes a folder of their own.
LONG = ["--rounds", "60", "--log-every", "20", "--save-every", "20"]
LINES = {
    "short": [*SMALL, "--run", "FOLDER/short", "--rounds", "10", "--json"],
    "long": [*SMALL, "--run", "FOLDER/long", *LONG],
    "another k": [*SMALL, "--run", "FOLDER/short", "--rounds", "10", "--k", "2"],
    "too small a batch": [*SMALL, "--run", "FOLDER/x", "--rounds", "5", "--batch", "1"],
    "batch norm": [*SMALL, "--run", "FOLDER/x", "--rounds", "5", "--G.batch-norm"],
    "no images": ["train", "folder:FOLDER/none", *SMALL[2:], "--run", "FOLDER/x", "--rounds", "5"],
    "damaged": ["train", "folder:FOLDER/photos", *SMALL[2:], "--run", "FOLDER/x", "--rounds", "5"],
}
MISTAKES = {
    "another k": r"FOLDER/short holds a run with other settings: k 1 → 2\.",
    "too small a batch": "--batch is 1, which 2 processes cannot share",
    "batch norm": "--G.batch-norm needs the whole minibatch, .* train in one process",
    "no images": r"FOLDER/none does not exist\.",
    "damaged": "50 of the 50 images",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes made of the games of `two_workers` and of `LINES`."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "photos").mkdir()
    for i in range(50):
        (folder / "photos" / f"{i}.png").write_bytes(b"damaged")
    lines = [[word.replace("FOLDER", str(folder)) for word in line] for line in LINES.values()]
    (folder / "lines.json").write_text(json.dumps(lines))
    command = [*TORCHRUN, two_workers.__file__, str(folder)]
    env = os.environ | SAME_BITS
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def printed(shared: Path, line: str) -> list[tuple[int | None, str, str]]:
    """The exit code and what each rank printed, into standard output and standard error."""
    ranks = [json.loads((shared / f"rank {rank}.json").read_text()) for rank in (0, 1)]
    return [rank[list(LINES).index(line)] for rank in ranks]


@pytest.mark.slow
@pytest.mark.parametrize("name", two_workers.GAMES)
def test_two_processes_give_the_result_of_one(shared: Path, name: str) -> None:
    """Weights, running statistics, a Parzen score and samples are those of one process."""
    of_two = safetensors.torch.load_file(shared / f"{name}.safetensors")
    game = two_workers.played(name)
    samples, stats, nats = (of_two.pop(key) for key in ("samples", "tally", "nats"))
    close(of_two, game_state.nets_of(game), 1e-9)
    torch.testing.assert_close(stats, game.stats.sums, rtol=1e-9, atol=1e-9)
    assert nats.item() == pytest.approx(two_workers.score(game), abs=0.01)
    torch.testing.assert_close(samples, sample(game.G, game.settings, 7), rtol=1e-9, atol=1e-9)


def test_a_single_process_has_all_rows() -> None:
    t = torch.arange(3.0)
    distributed.all_reduce_sum([t])
    distributed.barrier()
    assert distributed.is_main()
    assert distributed.world_size() == 1
    assert distributed.local_rows(7) == range(7)
    assert distributed.max_over_ranks(2) == 2
    assert distributed.all_gather(t, 3) is t


def test_mixed_precision_gives_nearly_the_same_weights() -> None:
    """With products in bfloat16 the weights stay float32 and change little.

    They change at all only on a CPU that rounds inputs to bfloat16.
    """
    float32, bf16_matmul = (
        new_game(small_settings(), small_data(), bf16_matmul=r) for r in (False, True)
    )
    for game in (float32, bf16_matmul):
        play(game, 10)
    for a, b in zip(float32.G.parameters(), bf16_matmul.G.parameters(), strict=True):
        assert b.dtype == torch.float32
        assert (a - b).abs().max() < 0.02
        assert ((a - b).abs().max() > 1e-6) == products_round_to_bfloat16()


@pytest.mark.slow
def test_checkpoints_move_between_process_counts(shared: Path, tmp_path: Path) -> None:
    """10 rounds in two processes and 10 more in one equal 20 in one."""
    (code, out, err), (other_code, *nothing) = printed(shared, "short")
    assert (code, other_code) == (0, 0), err
    assert json.loads(out)["round"] == 10  # one object: only rank 0 prints
    assert nothing == ["", ""]
    two, one = tmp_path / "two", tmp_path / "one"
    shutil.copytree(shared / "short", two)
    for folder in (two, one):
        assert main([*SMALL, "--run", str(folder), "--rounds", "20", "--json"]) == 0
    # Rounding can change which maxout piece is largest, which changes a weight by about 1e-4.
    # Momentum lost from the checkpoint would change weights by more than 1e-2.
    close(weights(two), weights(one), 1e-3)
    rows = [[row["round"] for row in metrics.read_metrics(folder)] for folder in (two, one)]
    assert rows == [[10, 20], [10, 20]]


def wait_for(process: "subprocess.Popen[str]", folder: Path, round_: int) -> None:
    """Wait until the run has written a row of at least that round."""
    for _ in range(3000):
        if any(row["round"] >= round_ for row in metrics.read_metrics(folder)):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError("the training did not reach that round within five minutes")


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """The process ids of a launcher's children, in order of rank."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")


# Python imports sitecustomize at startup. It kills rank 1 in round 50; a kill from outside could
# not be timed reliably on a busy machine.
DEATH = """
import os
if (os.environ.get("RANK"), os.environ.get("TORCHELASTIC_RESTART_COUNT")) == ("1", "0"):
    import pathlib, signal
    from adversarial_nets.engine import distributed
    max_over_ranks, rounds = distributed.max_over_ranks, iter(range(1, 51))
    def dying(number):
        if next(rounds) == 50:
            pathlib.Path(os.environ["DIED"]).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return max_over_ranks(number)
    distributed.max_over_ranks = dying
"""


@pytest.mark.slow
def test_a_killed_process_is_restarted(shared: Path, tmp_path: Path) -> None:
    """After SIGKILL of one of two processes, the launcher restarts both; the result is the same."""
    killed, died = tmp_path / "killed", tmp_path / "died"
    (tmp_path / "sitecustomize.py").write_text(DEATH)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = advnets(
        *(*SMALL, *LONG, "--run", killed, "--nproc", 2, "--max-restarts", 1),
        PYTHONPATH=path,
        DIED=str(died),
        **SAME_BITS,
    )
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert died.exists()
    ours, theirs = weights(killed), weights(shared / "long")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("to_all", [False, True], ids=["one worker", "launcher and workers"])
def test_a_signal_stops_all_at_one_round(tmp_path: Path, to_all: bool) -> None:
    """Ctrl-C reaches all processes, SIGTERM perhaps one; all stop and save at the same round."""
    folder = tmp_path / "run"
    process = advnets(*SMALL, "--run", folder, "--rounds", 10**6, "--nproc", 2)
    wait_for(process, folder, 20)
    children = workers_of(process)
    number = signal.SIGINT if to_all else signal.SIGTERM
    for pid in [process.pid, *children] if to_all else children[-1:]:
        with suppress(ProcessLookupError):  # the launcher may have ended it already
            os.kill(pid, number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number, err
    assert err.count("everything is saved") == 1
    assert "Traceback" not in err
    saved = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder)).round
    assert f"at round {saved}" in err


@pytest.mark.slow
@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_reported_once(shared: Path, line: str) -> None:
    (code, out, err), (other_code, *nothing) = printed(shared, line)
    assert code == 2
    assert other_code in (2, None)  # None: torchrun would have ended it
    assert nothing == ["", ""]
    assert out.count("Report:") == 0
    assert re.match(f"advnets: {MISTAKES[line].replace('FOLDER', str(shared))}", err), err
    assert err.count("\n") == 1


# What the second process sees of the data, e.g. on a machine without them.
MISSING_THERE = """
import os
if os.environ.get("RANK") == "1":
    from adversarial_nets import datasets, errors
    def load(*args, **options):
        raise errors.UserError("The images are not on the second machine.")
    datasets.load = load
"""


@pytest.mark.slow
def test_data_that_only_one_process_lacks_are_a_sentence(tmp_path: Path) -> None:
    """The first process prints what another one has found, not that its connection broke."""
    (tmp_path / "sitecustomize.py").write_text(MISSING_THERE, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    how = [*SMALL, "--run", tmp_path / "x", "--rounds", 5, "--nproc", 2]
    process = advnets(*how, PYTHONPATH=path)
    _, err = process.communicate()
    assert process.returncode == 2, err
    assert err == "advnets: The images are not on the second machine.\n"
