"""Training in several real processes gives the result of a single process."""

import json
import os
import re
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]

import two_workers
from adversarial_nets import distributed, report
from adversarial_nets.build import new_game
from adversarial_nets.cli import processes
from adversarial_nets.cli.main import main
from adversarial_nets.game import play, sample
from adversarial_nets.runs import checkpoints, game_state, metrics
from fork_server import ADVNETS, ForkServer, children
from small import products_round_to_bfloat16, small_data, small_settings

# `advnets` asks MKL for other products if this is not set, but cannot once torch is loaded.
SAME_BITS = {"MKL_CBWR": "AUTO"}
# Networks of a few units, so that most of the time goes into starting the processes.
SMALL = ["train", "mnist-5k", "--preset", "quickstart-2014", "--G.hidden", "20", "--G.init", "0.3"]
SMALL += ["--D.units", "10"]
SMALL += ["--D.pieces", "2", "--D.init", "0.3", "--log-every", "10", "--save-every", "10"]
SMALL += ["--score-every", "1000000", "--samples-every", "1000000"]


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return dict(checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder, which)).nets)


def close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], tolerance: float) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=tolerance, rtol=tolerance, msg=name)


# Command lines that two processes run one after another; FOLDER becomes a new folder.
LONG = ["--rounds", "60", "--log-every", "20", "--save-every", "20"]
LINES = {
    "short": [*SMALL, "--run", "FOLDER/short", "--rounds", "10", "--json"],
    "long": [*SMALL, "--run", "FOLDER/long", *LONG],
    "another k": [*SMALL, "--run", "FOLDER/short", "--rounds", "10", "--k", "2"],
    "too small a batch": [*SMALL, "--run", "FOLDER/x", "--rounds", "5", "--batch", "1"],
    "batch norm": [*SMALL, "--run", "FOLDER/x", "--rounds", "5", "--G.batch-norm"],
    "no images": ["train", "folder:FOLDER/none", *SMALL[2:], "--run", "FOLDER/x", "--rounds", "5"],
    "damaged": ["train", "folder:FOLDER/photos", *SMALL[2:], "--run", "FOLDER/x", "--rounds", "5"],
    "missing there": [*SMALL, "--run", "FOLDER/x", "--rounds", "5"],  # two_workers removes them
}
MISTAKES = {
    "another k": r"FOLDER/short holds a run with other settings: k 1 → 2\.",
    "too small a batch": "--batch is 1, which 2 processes cannot share",
    "batch norm": "--G.batch-norm needs the whole minibatch, .* train in one process",
    "no images": r"FOLDER/none does not exist\.",
    "damaged": "50 of the 50 images",
    # The first process prints what another one has found, not that its connection broke.
    "missing there": r"The images are not on the second machine\.\n",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Path:
    """The results of two processes for the games of `two_workers` and for `LINES`."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "photos").mkdir()
    for i in range(50):
        (folder / "photos" / f"{i}.png").write_bytes(b"damaged")
    lines = {
        name: [word.replace("FOLDER", str(folder)) for word in line] for name, line in LINES.items()
    }
    (folder / "lines.json").write_text(json.dumps(lines))
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    variables = [f"{name}={value}" for name, value in SAME_BITS.items()]
    with (folder / "errors").open("wb") as errors:
        args = [folder, store.port, *variables]
        fork_server.start(two_workers.START, args, errors.fileno(), errors.fileno())
    assert fork_server.wait(limit=300) == 0, (folder / "errors").read_text(encoding="utf-8")
    return folder


def printed(shared: Path, line: str) -> list[tuple[int | None, str, str, bool]]:
    """For each rank: exit code, standard output and error, and whether it waited for rank 0."""
    ranks = [json.loads((shared / f"rank {rank}.json").read_text()) for rank in (0, 1)]
    return [rank[list(LINES).index(line)] for rank in ranks]


class Training:
    """``advnets train --nproc 2`` in a child of the fork server; its workers are new processes."""

    def __init__(
        self, server: ForkServer, folder: Path, *args: object, **environment: object
    ) -> None:
        self.server, self.errors = server, folder / "errors"
        program = f"import os\nos.environ.update({ {k: str(v) for k, v in environment.items()} })\n"
        args = (*SMALL, "--nproc", 2, *args)
        with self.errors.open("wb") as errors, (folder / "output").open("wb") as output:
            self.pid = server.start(program + ADVNETS, args, output.fileno(), errors.fileno())

    def end(self) -> tuple[int, str]:
        """The exit code, and what it printed into standard error; it may take five minutes."""
        code = self.server.wait(limit=300)
        return code, self.errors.read_text(encoding="utf-8")

    def wait_for(self, folder: Path, round_: int) -> None:
        """Wait until the run has written a row of at least that round."""
        for _ in range(3000):
            rows = metrics.read_metrics(folder) if folder.exists() else []
            if any(row["round"] >= round_ for row in rows):
                return
            if not Path(f"/proc/{self.pid}").exists():
                break
            time.sleep(0.1)
        else:
            os.kill(self.pid, signal.SIGTERM)
        raise AssertionError(f"the training did not reach that round: {self.end()}")


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


@pytest.mark.slow
def test_random_layers_of_your_own_draw_other_numbers_in_each_process(shared: Path) -> None:
    """The first process draws the numbers of a single process; the weights are equal in all."""
    one = two_workers.of_random_layers()
    first, second = (
        safetensors.torch.load_file(shared / f"noisy {rank}.safetensors") for rank in (0, 1)
    )
    assert torch.equal(first.pop("drawn"), one["drawn"])
    assert not (second.pop("drawn") == one["drawn"]).any()
    assert all(map(torch.equal, first.values(), second.values()))
    assert torch.equal(first["D.unused.weight"], one["D.unused.weight"])


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
def test_checkpoints_move_between_process_counts(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 rounds in two processes and 10 more in one equal 20 in one."""
    monkeypatch.setattr(report, "write_report", lambda run, data: run.folder / "report.html")
    (code, out, err, _), (other_code, *nothing, waited) = printed(shared, "short")
    assert (code, other_code) == (0, 0), err
    assert not waited
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


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc here")


# Python imports sitecustomize at startup. It kills rank 1 in round 50; a kill from outside could
# not be timed reliably on a busy machine. The second attempt goes on from round 40, and gets
# SIGTERM after round 59.
MISHAPS = """
import os
if os.environ.get("RANK") == "1":
    import pathlib, signal
    from adversarial_nets import distributed
    attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    # One call comes before the first round.
    call, number = [(51, signal.SIGKILL), (20, signal.SIGTERM)][attempt]
    max_over_ranks, rounds = distributed.max_over_ranks, iter(range(1, 1000))
    def unlucky(value):
        if next(rounds) == call:
            pathlib.Path(os.environ["MISHAPS"], number.name).touch()
            os.kill(os.getpid(), number)
        return max_over_ranks(value)
    distributed.max_over_ranks = unlucky
"""


@pytest.mark.slow
def test_a_killed_process_is_restarted_and_one_signal_stops_all(
    shared: Path, tmp_path: Path, fork_server: ForkServer
) -> None:
    """After SIGKILL of one of two processes, the launcher restarts both; the result is the same.

    SIGTERM, which perhaps only one process gets, stops both at the same round, and all is saved.
    """
    (tmp_path / "sitecustomize.py").write_text(MISHAPS)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    how = ["--save-every", 20, "--rounds", 10**6, "--run", tmp_path / "run", "--max-restarts", 1]
    training = Training(fork_server, tmp_path, *how, PYTHONPATH=path, MISHAPS=tmp_path, **SAME_BITS)
    code, err = training.end()
    assert code == 128 + signal.SIGTERM, err
    assert (tmp_path / "SIGKILL").exists()
    assert (tmp_path / "SIGTERM").exists()
    assert err.count("everything is saved") == 1
    assert "at round 60" in err
    assert "Traceback" not in err
    ours, theirs = weights(tmp_path / "run"), weights(shared / "long")
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.slow
@needs_proc
def test_ctrl_c_stops_all_at_one_round(tmp_path: Path, fork_server: ForkServer) -> None:
    """Ctrl-C reaches the launcher and its workers; all stop and save at the same round."""
    folder = tmp_path / "run"
    training = Training(fork_server, tmp_path, "--run", folder, "--rounds", 10**6)
    training.wait_for(folder, 20)
    for pid in [training.pid, *children(training.pid)]:
        with suppress(ProcessLookupError):  # the launcher may have ended it already
            os.kill(pid, signal.SIGINT)
    code, err = training.end()
    assert code == 128 + signal.SIGINT, err
    assert err.count("everything is saved") == 1
    assert "Traceback" not in err
    saved = checkpoints.read_checkpoint(checkpoints.checkpoint_folder(folder)).round
    assert f"at round {saved}" in err


@pytest.mark.slow
@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_reported_once(shared: Path, line: str) -> None:
    (code, out, err, _), (other_code, *nothing, waited) = printed(shared, line)
    assert code == 2
    assert other_code in (2, None)  # None: torchrun would have ended it
    assert nothing == ["", ""]
    assert waited  # or torchrun could have ended rank 0 before it printed the error
    assert out.count("Report:") == 0
    assert re.match(f"advnets: {MISTAKES[line].replace('FOLDER', str(shared))}", err), err
    assert err.count("\n") == 1


def test_the_wait_for_the_main_process_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank 0 may be slow to print an error; after Ctrl-C, it prints immediately."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for stopped in (False, True):
        processes.wait_for_main_process(stopped=stopped)
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers, strict=True):
        signal.signal(number, handler)
    assert slept[0] >= 30
    assert 1 <= slept[1] <= 20
