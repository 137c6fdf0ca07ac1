"""The choice of threads: it follows the clock, respects the user, and never changes a bit."""

import copy
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from adversarial_nets.baselines import vae
from adversarial_nets.build import new_game
from adversarial_nets.engine import preparation, threads
from adversarial_nets.engine.threads import Mode, ThreadTuner
from adversarial_nets.evaluation import parzen
from adversarial_nets.game import play
from adversarial_nets.runs.game_state import nets_of
from adversarial_nets.training import estimate
from small import small_data, small_settings

ALL: tuple[Mode, ...] = ("spin", "sleep")
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Torch may use four threads, whatever the machine and the test run allow."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


class Clock:
    """A clock by which a round takes as long as its mode says.

    `share` is the part of four processors that spinning threads get.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: dict[Mode, float]) -> None:
        self.now, self.processor_time, self.seconds, self.share = 0.0, 0.0, seconds, 1.0
        monkeypatch.setattr("adversarial_nets.engine.threads.time.perf_counter", lambda: self.now)
        monkeypatch.setattr(
            "adversarial_nets.engine.threads.time.process_time", lambda: self.processor_time
        )

    def play(self, tuner: ThreadTuner, seconds: float, used: list[Mode] | None = None) -> None:
        """Rounds for some time; the mode of each is added to `used`."""
        end = self.now + seconds
        while self.now < end:
            tuner.before_round()
            assert torch.get_num_threads() == 4
            if used is not None:
                used.append(tuner.current)
            self.now += self.seconds[tuner.current]
            share = self.share if tuner.current == "spin" else 0.5
            self.processor_time += 4 * share * self.seconds[tuner.current]
            tuner.after_round()


@pytest.mark.parametrize("fastest", ALL)
def test_the_fastest_mode_is_found_and_used(fastest: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, {mode: 0.01 if mode == fastest else 0.02 for mode in ALL})
    used: list[Mode] = []
    with ThreadTuner(ALL) as tuner:
        clock.play(tuner, 2.0)
        assert tuner.mode == fastest
        clock.play(tuner, 300.0, used)
    assert used.count(fastest) > 0.95 * len(used)
    assert torch.get_num_threads() == 4


def test_a_change_of_the_machine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spinning is fastest on an idle machine and slowest if another process runs; twice in turn."""
    alone: dict[Mode, float] = {"spin": 0.010, "sleep": 0.018}
    busy: dict[Mode, float] = {"spin": 0.500, "sleep": 0.017}
    clock = Clock(monkeypatch, alone)
    with ThreadTuner(ALL) as tuner:
        chosen = []
        for seconds, machine in ((100.0, alone), (5.0, busy), (70.0, alone)):
            clock.seconds = machine
            clock.play(tuner, seconds)
            chosen.append(tuner.mode)
    assert chosen == ["spin", "sleep", "spin"]


def test_threads_sleep_where_spinning_would_take_processor_time_from_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock alone would choose spinning here; a busy machine is recognised by the share."""
    clock = Clock(monkeypatch, {"spin": 0.010, "sleep": 0.011})
    used: list[Mode] = []
    chosen = []
    with ThreadTuner(ALL) as tuner:
        for share, seconds in ((1.0, 100.0), (0.7, 0.6), (0.7, 600.0), (0.95, 70.0)):
            clock.share = share
            clock.play(tuner, seconds, used if seconds == 600.0 else None)
            chosen.append(tuner.mode)
    assert chosen == ["spin", "sleep", "sleep", "spin"]
    assert used.count("spin") < 0.01 * len(used)


def test_the_users_choices_win(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    assert ThreadTuner.for_device(CPU).modes == ALL
    assert ThreadTuner.for_device(torch.device("cuda")).modes == ("spin",)
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "1000")
        assert ThreadTuner.for_device(CPU).modes == ("spin",)
        monkeypatch.delenv(name)
    with monkeypatch.context() as user:
        user.setenv("OMP_WAIT_POLICY", "PASSIVE")
        with ThreadTuner.for_device(CPU) as tuner:
            assert (tuner.modes, tuner.current) == (("sleep",), "sleep")
            assert threading.active_count() == before  # OpenMP's own choice needs no second team
    torch.set_num_threads(1)
    assert ThreadTuner.for_device(CPU).modes == ("spin",)


def test_threads_sleep_from_the_start_if_other_programs_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time of others is all time minus this process's; the user's variables have priority."""
    monkeypatch.setattr(
        preparation, "_clocks", lambda: preparation._Clocks(wall=12.0, own=1.5, all=7)
    )
    others = preparation.processors_used_by_others(preparation._Clocks(wall=10.0, own=1.0, all=4.0))
    assert others == pytest.approx(1.25)
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(preparation, "_spare_processors", lambda: 0.5)
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that the variable is restored after the test
    for used, variable, expected in (
        (0.4, None, None),
        (1.2, None, "PASSIVE"),
        (math.nan, None, None),
        (1.2, "GOMP_SPINCOUNT", None),
        (1.2, "OMP_NUM_THREADS", None),
    ):
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
        monkeypatch.setattr(preparation, "processors_used_by_others", lambda used=used: used)
        with monkeypatch.context() as user:
            if variable:
                user.setenv(variable, "2")
            preparation.prepare_for_torch()
        assert os.environ.get("OMP_WAIT_POLICY") == expected


@pytest.mark.parametrize("words", [("play", "moons", "--help"), ("train", "mnist-5k", "--dry-run")])
def test_variables_are_set_before_torch_is_imported(words: tuple[str, ...]) -> None:
    """Also if the options of a command need torch."""
    program = (
        "import sys\nfrom adversarial_nets.cli import main, processes\n"
        "def prepare(): print('loaded' if 'torch' in sys.modules else 'in time')\n"
        f"processes.prepare_for_torch = prepare\nmain.main({list(words)})"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert run.stdout.startswith("in time\n"), run.stderr


def _score() -> None:
    x = torch.rand(40, 5)
    parzen.log_likelihood(x, x, [0.2])


def _fit() -> None:
    vae.fit(torch.rand(40, 5), vae.Settings(hidden=(4,), z_size=2, epochs=4, batch=10))


@pytest.mark.parametrize("work", [_score, _fit])
def test_scores_and_fits_keep_the_number_of_threads(
    work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums may round differently on another number."""
    monkeypatch.setattr(threads, "TRIAL_SECONDS", 0.0)
    monkeypatch.setattr(parzen, "_TILE", 10)
    switch, tried = ThreadTuner._switch_to, set()

    def note(tuner: ThreadTuner, mode: Mode) -> None:
        switch(tuner, mode)
        tried.add((mode, torch.get_num_threads()))

    monkeypatch.setattr(ThreadTuner, "_switch_to", note)
    work()
    assert tried == {("spin", 4), ("sleep", 4)}


def test_sleeping_threads_end_with_the_block() -> None:
    before = threading.active_count()
    with threads.sleeping_threads():
        assert threading.active_count() == before + 1
        assert torch.get_num_threads() == 4
    assert threading.active_count() == before


def test_a_game_has_the_same_bits_in_every_mode_that_may_be_chosen() -> None:
    game = new_game(small_settings(), small_data())
    games = [copy.deepcopy(game) for _ in range(2)]
    tuner = ThreadTuner.for_device(CPU)
    play(games[0], 12)
    with tuner:
        for i in range(12):
            tuner._switch_to(tuner.modes[i % len(tuner.modes)])
            play(games[1], i + 1)
    a, b = (nets_of(g) for g in games)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_trainings_time_is_estimated_from_the_last_of_a_few_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only where a mode is chosen are there more than eight, since the first ones are slower."""
    torch.set_num_threads(1)
    clock, played = Clock(monkeypatch, {}), []

    def play_one(*game_and_round: Any) -> None:
        played.append(game_and_round)
        clock.now += {1: 2.0, 2: 2.0, 3: 2.0, 7: 0.5, 8: 0.5}.get(len(played), 0.25)

    monkeypatch.setattr(estimate, "play", play_one)
    assert estimate.seconds_per_round(small_settings(), small_data()) == 0.25
    assert len(played) == 8
