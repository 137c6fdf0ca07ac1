"""What the benchmark compares is the same work, and what it says is what it measured."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from adversarial_nets import objectives
from adversarial_nets.bench import ratios, textbook
from adversarial_nets.bench.with_jax import jax_round
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.game import play
from adversarial_nets.settings import DiscriminatorSettings
from small import small_data, small_settings


def test_products_count_every_multiplication_of_autograd() -> None:
    """The limit's shapes hold the multiplications that torch itself counts in the plain round."""
    s, data = small_settings(), small_data()
    game = new_game(s, data, manual_backprop=False)
    with FlopCounterMode(display=False) as counter:
        play(game, 1)
    shapes = ratios.products_of_a_round(s.batch, s.z_size, data.pixels, s.G, s.D)
    assert sum(2 * a * b * c for a, b, c in shapes) == counter.get_total_flops()


def test_textbook_step_is_our_simultaneous_round() -> None:
    """From the same weights, images and noise, both losses and both gradients are the same."""
    data = small_data()
    game = textbook.game_of_the_same(data)
    G, D = game.G, game.D
    x = torch.rand(8, data.pixels) * 2 - 1
    samples = G(torch.randn(8, 100))
    sigmoid = torch.sigmoid
    theirs = (
        F.binary_cross_entropy(sigmoid(D(x)), torch.ones(8, 1))
        + F.binary_cross_entropy(sigmoid(D(samples)), torch.zeros(8, 1))
    ) / 2
    ours = objectives.discriminator_loss(D(x)[:, 0], D(samples)[:, 0]) / 2
    torch.testing.assert_close(ours, theirs)
    theirs_g = F.binary_cross_entropy(sigmoid(D(samples)), torch.ones(8, 1))
    torch.testing.assert_close(
        objectives.generator_loss(D(samples)[:, 0], game.settings.objective), theirs_g
    )
    assert game.settings.protocol == "released"


def test_textbook_learns() -> None:
    torch.manual_seed(0)
    steps = textbook.textbook_steps(small_data())
    first = next(steps)
    for _ in range(10):
        last = next(steps)
    assert last[0] < first[0]


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
def test_jax_plays_the_same_game() -> None:
    """An untaught D's loss is log 2 (the released half of log 4), and D learns."""
    settings = small_settings(D=DiscriminatorSettings(units=(8, 6), pieces=3, init=(0.2,)))
    in_jax = jax_round(settings, small_data())
    assert in_jax is not None
    losses = [in_jax() for _ in range(300)]
    assert losses[0] == pytest.approx(0.6931, abs=0.05)
    assert sum(losses[-50:]) / 50 < 0.55


def test_ratio_of_two_works() -> None:
    seconds = {"a": [2.0, 3.0, 8.0], "b": [1.0, 1.0, 2.0]}
    found = ratios._ratio("a against b", seconds, "a", "b")
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)
    assert found.seconds == {"a": 3.0, "b": 1.0}


def test_peak_memory_is_the_child_s_own() -> None:
    """A child that fills 300 MB has 300 MB more than one that does nothing."""
    ballast = bytearray(600_000_000)  # ours, not the child's
    idle = ratios.peak_memory_of("")
    full = ratios.peak_memory_of("b = b'x' * 300_000_000\n")
    assert 295 < full - idle < 320
    assert idle < 100 < len(ballast)


def test_the_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    """The command prints and writes one record; what a missing library leaves out is null."""
    found = ratios.Ratio("a against b", 2.0, 1.0, 3.0, {"a": 2.0, "b": 1.0})
    names = ["round_over_limit", "textbook_over_ours", "parzen_over_product"]
    names += ["kde_over_parzen", "script_over_parzen"]
    monkeypatch.setattr(ratios, "MEASURES", (lambda data, turns: dict.fromkeys(names, found),))
    monkeypatch.setattr(ratios, "peak_memory", lambda data: 700.0)
    assert main(["bench", "mnist-5k", "--json", "--out", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["ratios"] == dict.fromkeys(names, 2.0) | {"round_over_jax": None}
    assert printed["peak_memory_mb"] == 700.0
    assert json.loads((tmp_path / "bench.json").read_text()) == printed


def test_every_measure_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comparison runs on small images and yields positive times of both sides."""

    def few(data: Dataset, n: int) -> torch.Tensor:
        return torch.rand(max(n // 50, 20), data.pixels)

    monkeypatch.setattr(ratios, "_images", few)
    data = small_data()
    for measure in ratios.MEASURES[1:]:
        for found in measure(data, 1).values():
            assert found.low == found.median == found.high > 0
            assert all(seconds > 0 for seconds in found.seconds.values())
