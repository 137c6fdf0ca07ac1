"""The program of each process in test_workers: play games, and run command lines.

Rank 0 saves the games of `GAMES`. Each rank writes what the lines in lines.json returned and
printed. So one start of two processes serves many tests.

`START` is the start, for a child of the fork server, which has loaded torch.
"""

import dataclasses
import io
import json
import os
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from adversarial_nets import datasets, distributed, report
from adversarial_nets.build import new_game
from adversarial_nets.cli import processes
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.parzen import parzen_score
from adversarial_nets.game import play, sample
from adversarial_nets.runs import game_state
from adversarial_nets.state import Game
from small import small_labelled_data, small_settings

# Two processes with the variables that torchrun sets. The test holds the store, as torchrun does.
START = """
import os
rank = 0 if os.fork() else 1
os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
os.environ.update(MASTER_PORT=sys.argv[2], TORCHELASTIC_RUN_ID="two")
os.environ.update(TORCHELASTIC_USE_AGENT_STORE="True", **dict(x.split("=") for x in sys.argv[3:]))
import two_workers
two_workers.run(sys.argv[1])
if rank == 0:
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""

_CONDITIONAL = small_settings(
    condition="classes",
    G=dataclasses.replace(small_settings().G, class_units=7, keep_prob=0.5),
    D=dataclasses.replace(small_settings().D, class_units=4),
)
GAMES = {
    "manual backprop": (small_settings(), True),
    "by autograd": (small_settings(), False),
    "alternating, k = 2, an odd batch": (small_settings(protocol="paper", k=2, batch=21), False),
    "alternating, manual backprop": (small_settings(protocol="paper", k=2, batch=21), True),
    "with classes": (_CONDITIONAL, False),
    "with classes, manual backprop": (_CONDITIONAL, True),
    "with masks": (small_settings(condition="masks"), True),
    "joint": (small_settings(joint=True), False),
    "manual backprop under Adam": (small_settings(optimiser="adam", lr=1e-3), True),
}


def played(name: str) -> Game:
    """One of the games after 30 rounds.

    In float64, because several processes add up sums in another order, and in float32 this rounding
    can change which maxout piece is the largest.
    """
    settings, manual_backprop = GAMES[name]
    game = new_game(
        settings, small_labelled_data(), manual_backprop=manual_backprop, dtype=torch.float64
    )
    play(game, 30)
    return game


class Noisy(nn.Module):
    """A D whose torch draws choose its layer; it records them."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(pixels, 1), nn.Linear(pixels, 1)
        self.unused = nn.Linear(1, 1)
        self.drawn: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.drawn.append(torch.rand(1))
        chosen: Tensor = (self.a if self.drawn[-1] < 0.5 else self.b)(x)
        return chosen


def of_random_layers() -> dict[str, Tensor]:
    """A game with such a D, after 5 rounds: its draws and weights."""
    data = small_labelled_data()
    torch.manual_seed(0)
    D = Noisy(data.pixels)
    game = new_game(small_settings(objective="relativistic"), data, D=D)
    D.drawn.clear()  # the numbers drawn by the check before the first round
    play(game, 5)
    return {"drawn": torch.cat(D.drawn)} | game_state.nets_of(game)


def score(game: Game) -> float:
    """The Parzen score of 101 samples, of which each process draws its share."""
    mine = distributed.local_rows(101)
    samples = sample(game.G, game.settings, len(mine), first=mine.start).float()
    data = small_labelled_data()
    return parzen_score(samples, data.floats(data.valid), data.floats(data.test), shared=True).nats


def play_games(folder: Path) -> None:
    """Play the games in two processes; rank 0 saves them."""
    with distributed.process_group():
        for name in GAMES:
            game = played(name)
            nats = score(game)
            mine = distributed.local_rows(7)
            whole = distributed.all_gather(
                sample(game.G, game.settings, len(mine), first=mine.start), 7
            )
            distributed.all_reduce_sum([game.stats.sums])
            if distributed.is_main():
                tensors = game_state.nets_of(game) | {"samples": whole, "tally": game.stats.sums}
                tensors["nats"] = tensors["tally"].new_tensor([nats])
                safetensors.torch.save_file(tensors, folder / f"{name}.safetensors")
        noisy = folder / f"noisy {distributed.rank()}.safetensors"
        safetensors.torch.save_file(of_random_layers(), noisy)


def run_lines(folder: Path) -> None:
    """Run each command line in its own process group, as torchrun does.

    The result is what it returned and printed, and whether it then waited for rank 0. Here the next
    line follows immediately. Reports are left out; they take most of the time.
    """
    waited = False

    def wait(stopped: bool) -> None:
        nonlocal waited
        waited = True

    processes.wait_for_main_process = wait
    vars(report)["write_report"] = lambda run, data: run.folder / "report.html"
    done: list[tuple[int | None, str, str, bool]] = []
    for i, (name, line) in enumerate(json.loads((folder / "lines.json").read_text()).items()):
        os.environ["TORCHELASTIC_RESTART_COUNT"] = str(i + 1)  # own keys in the shared store
        waited = False
        datasets.load = missing_there if name == "missing there" else _load
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                code = main(line)
            except RuntimeError:  # rank 1's connection broke, because rank 0 has met an error
                code = None  # torchrun would have ended this process
                if not processes.WORKS_SILENTLY:
                    traceback.print_exc(file=err)  # the test of this line shows it
        done.append((code, out.getvalue(), err.getvalue(), waited))
    (folder / f"rank {os.environ['RANK']}.json").write_text(json.dumps(done))


def missing_there(*args: Any, **options: Any) -> Dataset:
    """Data that the second process lacks, e.g. on a machine without them."""
    if distributed.rank() == 1:
        raise UserError("The images are not on the second machine.")
    return _load(*args, **options)


_load = datasets.load


def run(folder: str) -> None:
    """Play the games and run the lines."""
    assert processes.UNDER_TORCHRUN
    play_games(Path(folder))
    run_lines(Path(folder))
