"""The choice of threads: it follows the clock, respects the user, and never changes a bit."""

import copy
import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from adversarial_nets.baselines import vae
from adversarial_nets.build import new_game
from adversarial_nets.engine import threads
from adversarial_nets.engine.threads import Mode, ThreadTuner
from adversarial_nets.evaluation import parzen
from adversarial_nets.game import play
from adversarial_nets.runs.game_state import nets_of
from small import small_data, small_settings

ALL: tuple[Mode, ...] = ("spin", "sleep", "one")


@pytest.fixture(autouse=True)
def _four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Torch may use four threads, whatever the machine and the test run allow."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    monkeypatch.setattr(threads, "products_depend_on_threads", lambda *_: False)
    yield
    torch.set_num_threads(before)


class Clock:
    """A clock by which a round takes as long as its mode says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: dict[Mode, float]) -> None:
        self.now, self.seconds = 0.0, seconds
        monkeypatch.setattr("adversarial_nets.engine.threads.time.perf_counter", lambda: self.now)

    def play(self, tuner: ThreadTuner, seconds: float, used: list[Mode] | None = None) -> None:
        """Rounds for some time; the mode of each is added to `used`."""
        end = self.now + seconds
        while self.now < end:
            tuner.before_round()
            assert torch.get_num_threads() == (1 if tuner.current == "one" else 4)
            if used is not None:
                used.append(tuner.current)
            self.now += self.seconds[tuner.current]
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
    """Alone spinning is fastest; beside another process it is slowest, and then again."""
    alone: dict[Mode, float] = {"spin": 0.010, "sleep": 0.018, "one": 0.014}
    busy: dict[Mode, float] = {"spin": 0.500, "sleep": 0.017, "one": 0.015}
    clock = Clock(monkeypatch, alone)
    with ThreadTuner(ALL) as tuner:
        chosen = []
        for seconds, machine in ((100.0, alone), (5.0, busy), (70.0, alone)):
            clock.seconds = machine
            clock.play(tuner, seconds)
            chosen.append(tuner.mode)
    assert chosen == ["spin", "one", "spin"]


def test_the_users_choices_win(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Linear(4, 4))
    assert ThreadTuner.for_nets(net, net, 10).modes == ALL
    assert ThreadTuner.for_constant_threads().modes == ("spin", "sleep")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert ThreadTuner.for_nets(net, net, 10).modes == ("spin", "one")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert ThreadTuner.for_nets(net, net, 10).modes == ("spin",)
    assert ThreadTuner.for_constant_threads().modes == ("spin",)
    monkeypatch.delenv("OMP_WAIT_POLICY")
    assert ThreadTuner.for_nets(net, net, 10).modes == ("spin", "sleep")
    torch.set_num_threads(1)
    assert ThreadTuner.for_nets(net, net, 10).modes == ("one",)
    assert ThreadTuner.for_constant_threads().modes == ("one",)


def _score() -> None:
    x = torch.rand(40, 5)
    parzen.log_likelihood(x, x, [0.2])


def _fit() -> None:
    vae.fit(torch.rand(40, 5), vae.Settings(hidden=(4,), z_size=2, epochs=4, batch=10))


@pytest.mark.parametrize("work", [_score, _fit])
def test_scores_and_fits_keep_the_number_of_threads(
    work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if one thread is fastest, since sums may round differently on another number."""
    monkeypatch.setattr(threads, "TRIAL_SECONDS", 0.0)
    monkeypatch.setattr(parzen, "_TILE", 10)
    switch, tried = ThreadTuner._switch_to, set()

    def note(tuner: ThreadTuner, mode: Mode) -> None:
        switch(tuner, mode)
        tried.add((mode, torch.get_num_threads()))

    monkeypatch.setattr(ThreadTuner, "_switch_to", note)
    work()
    assert tried == {("spin", 4), ("sleep", 4)}


def test_where_bits_depend_on_the_number_of_threads_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = nn.Sequential(nn.Linear(4, 4))
    monkeypatch.setattr(threads, "products_depend_on_threads", lambda *_: True)
    assert ThreadTuner.for_nets(net, net, 10).modes == ("spin", "sleep")


def test_products_are_compared_in_the_shapes_of_the_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    nets = (nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2)), nn.Linear(2, 1))
    equal = torch.equal
    shapes: list[torch.Size] = []

    def differ_in_the_last(a: torch.Tensor, b: torch.Tensor) -> bool:
        shapes.append(a.shape)
        return equal(a, b) and a.shape != (1, 2)

    before = torch.get_num_threads()
    assert not threads.products_depend_on_threads(nets[:1], 3, 2)
    monkeypatch.setattr(torch, "equal", differ_in_the_last)
    assert threads.products_depend_on_threads(nets, 3, 2)
    assert {(7, 3), (5, 3), (7, 5), (2, 3), (2, 7)} <= {tuple(s) for s in shapes}
    assert torch.get_num_threads() == before


def test_sleeping_threads_end_with_the_block() -> None:
    before = threading.active_count()
    with threads.sleeping_threads():
        assert threading.active_count() == before + 1
        assert torch.get_num_threads() == 4
    assert threading.active_count() == before


def test_a_game_has_the_same_bits_in_every_mode_that_may_be_chosen() -> None:
    game = new_game(small_settings(), small_data())
    games = [copy.deepcopy(game) for _ in range(2)]
    tuner = ThreadTuner.for_nets(game.G, game.D, game.settings.batch)
    play(games[0], 12)
    with tuner:
        for i in range(12):
            tuner._switch_to(tuner.modes[i % len(tuner.modes)])
            play(games[1], i + 1)
    a, b = (nets_of(g) for g in games)
    assert all(torch.equal(a[name], b[name]) for name in a)
