"""The program of each process in test_workers: play games, and run command lines.

Rank 0 saves the games of `GAMES`. Each rank writes what the lines in lines.json returned and
printed. So one start of two processes serves many tests.
"""

import dataclasses
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import safetensors.torch
import torch

from adversarial_nets.build import new_game
from adversarial_nets.cli import processes
from adversarial_nets.cli.main import main
from adversarial_nets.engine import distributed
from adversarial_nets.evaluation.parzen import parzen_score
from adversarial_nets.game import play, sample
from adversarial_nets.runs import game_state
from adversarial_nets.state import Game
from small import small_labelled_data, small_settings

_CONDITIONAL = small_settings(
    condition="classes",
    G=dataclasses.replace(small_settings().G, class_units=7, keep_prob=0.5),
    D=dataclasses.replace(small_settings().D, class_units=4),
)
GAMES = {
    "by hand": (small_settings(), True),
    "by autograd": (small_settings(), False),
    "alternating, k = 2, an odd batch": (small_settings(protocol="paper", k=2, batch=21), False),
    "alternating by hand": (small_settings(protocol="paper", k=2, batch=21), True),
    "with classes": (_CONDITIONAL, False),
    "with classes by hand": (_CONDITIONAL, True),
    "with masks": (small_settings(condition="masks"), True),
    "joint": (small_settings(joint=True), False),
    "by hand under Adam": (small_settings(optimiser="adam", lr=1e-3), True),
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


def run_lines(folder: Path) -> None:
    """Run each command line in a process group of its own, as torchrun does."""
    processes._LONGEST_WAIT = 0.0  # the next line follows after an error
    done: list[tuple[int | None, str, str]] = []
    for i, line in enumerate(json.loads((folder / "lines.json").read_text())):
        os.environ["TORCHELASTIC_RESTART_COUNT"] = str(i + 1)  # own keys in the shared store
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                code = main(line)
            except RuntimeError:  # its connection broke, because rank 0 has met an error
                if not processes.WORKS_SILENTLY:
                    raise
                code = None  # torchrun would have ended this process
        done.append((code, out.getvalue(), err.getvalue()))
    (folder / f"rank {os.environ['RANK']}.json").write_text(json.dumps(done))


if __name__ == "__main__":
    play_games(Path(sys.argv[1]))
    run_lines(Path(sys.argv[1]))
