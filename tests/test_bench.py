"""Benchmarks compare equal work, measure what they state, and write files only on request."""

import contextlib
import dataclasses
import importlib.util
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from adversarial_nets import objectives
from adversarial_nets.bench import (
    busy,
    memory,
    pictures,
    records,
    scaling,
    speed,
    textbook,
    workloads,
)
from adversarial_nets.bench.with_jax import jax_round
from adversarial_nets.build import new_game
from adversarial_nets.cli.main import main
from adversarial_nets.datasets import Dataset
from adversarial_nets.game import play
from adversarial_nets.runs.folder import open_run
from adversarial_nets.settings import DiscriminatorSettings
from shortened import shorten
from small import small_data, small_settings


def test_the_matrix_products_of_the_lower_bound_are_those_of_a_round() -> None:
    """Their number of multiplications is what torch counts in a round by autograd."""
    s, data = small_settings(), small_data()
    game = new_game(s, data, manual_backprop=False)
    with FlopCounterMode(display=False) as counter:
        play(game, 1)
    shapes = speed.matrix_products(s.batch, s.z_size, data.pixels, s.G, s.D)
    assert sum(2 * a * b * c for a, b, c in shapes) == counter.get_total_flops()


def test_the_textbook_step_equals_our_simultaneous_round() -> None:
    """With the same weights, images and noise, both losses are the same."""
    data = small_data()
    game = textbook.equivalent_game(data)
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


def test_the_textbook_discriminator_learns() -> None:
    torch.manual_seed(0)
    steps = textbook.textbook_steps(small_data())
    first = next(steps)
    for _ in range(10):
        last = next(steps)
    assert last[0] < first[0]


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")
def test_the_jax_discriminator_learns() -> None:
    """An untrained D's loss is log 2 (half of log 4, as released), and training lowers it."""
    settings = small_settings(D=DiscriminatorSettings(units=(8, 6), pieces=3, init=(0.2,)))
    in_jax = jax_round(settings, small_data())
    assert in_jax is not None
    losses = [in_jax() for _ in range(300)]
    assert losses[0] == pytest.approx(0.6931, abs=0.05)
    assert sum(losses[-50:]) / 50 < 0.55


def test_the_ratio_of_two_workloads() -> None:
    seconds = {"a": [2.0, 3.0, 8.0], "b": [1.0, 1.0, 2.0]}
    found = speed._ratio("a against b", seconds, "a", "b")
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)
    assert found.seconds == {"a": 3.0, "b": 1.0}


def test_peak_memory_is_that_of_the_child_alone() -> None:
    """A child that fills 300 MB has 300 MB more than an idle one, whatever the parent uses."""
    ballast = bytearray(600_000_000)  # in the parent
    idle = memory.run_in_child("")[1]
    full = memory.run_in_child("b = b'x' * 300_000_000\n")[1]
    assert 295 < full - idle < 320
    assert idle < 100 < len(ballast)


RATIO = speed.Ratio("a against b", 2.0, 1.0, 3.0, {"a": 2.0, "b": 1.0})


def test_a_missing_library_leaves_a_ratio_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in speed._HEADLINES if name != "round_over_jax"]
    monkeypatch.setattr(speed, "MEASURES", (lambda data, turns: dict.fromkeys(names, RATIO),))
    monkeypatch.setattr(speed, "peak_memory_of_training", lambda data: 700.0)
    found = speed.measure_speed("mnist-5k")
    assert found.ratios == dict.fromkeys(names, 2.0) | {"round_over_jax": None}
    assert found.peak_memory_mb == 700.0


def test_measuring_writes_nothing_and_records_are_written_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speed, "MEASURES", (lambda data, turns: {"round_over_limit": RATIO},))
    monkeypatch.setattr(speed, "peak_memory_of_training", lambda data: 700.0)
    point = scaling.Point(10, 0.5, 100.0)
    monkeypatch.setattr(scaling, "measure_point", lambda name, n, threads: point)
    fast, grown = speed.measure_speed("mnist-5k"), scaling.measure_scaling(1)
    assert records.speed_lines(fast)[0].startswith("    2.00  (1.00 to 3.00)  a against b: a 2000")
    assert "700  MB" in records.speed_lines(fast)[1]
    assert records.scaling_lines(grown)[0] == "batch        10: 0.5000 s, 100 MB"
    assert list(tmp_path.iterdir()) == []

    folder = tmp_path / "new" / "folder"
    written = [
        *records.write_record(fast, folder, "bench"),
        *records.write_record(grown, folder, "growth"),
    ]
    assert written == [folder / n for n in ("bench.json", "growth.json", "growth.png")]
    assert sorted(folder.iterdir()) == sorted(written)
    assert json.loads(written[0].read_text()) == dataclasses.asdict(fast)
    record = json.loads(written[1].read_text())
    assert record["curves"]["samples"][0] == vars(point)
    assert record["made_with"]["threads"] == 1


def test_records_have_the_form_of_the_recorded_results() -> None:
    """results/bench.json and results/growth.json were written by earlier versions."""
    results = Path(__file__).parent.parent / "results"
    recorded = json.loads((results / "bench.json").read_text())
    assert {"ratios", "details", "peak_memory_mb", "made_with"} == recorded.keys()
    assert tuple(recorded["ratios"]) == speed._HEADLINES
    assert [f.name for f in dataclasses.fields(speed.Speed)] == list(recorded)
    grown = json.loads((results / "growth.json").read_text())
    assert grown["curves"].keys() == scaling._SIZES.keys()
    assert {"n", "seconds", "peak_memory_mb"} == grown["curves"]["batch"][0].keys()


def test_the_command_overwrites_no_recorded_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speed, "MEASURES", (lambda data, turns: {"round_over_limit": RATIO},))
    monkeypatch.setattr(speed, "peak_memory_of_training", lambda data: 700.0)
    kept = tmp_path / "results" / "bench.json"
    kept.parent.mkdir()
    kept.write_text("recorded")
    assert main(["bench", "mnist-5k", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["ratios"]["round_over_limit"] == 2.0
    assert kept.read_text() == "recorded"
    assert main(["bench", "mnist-5k", "--json", "--record", "results"]) == 0
    assert json.loads(kept.read_text()) == json.loads(capsys.readouterr().out) == printed


def test_the_workloads_of_child_processes_run(monkeypatch: pytest.MonkeyPatch) -> None:
    point = scaling.measure_point("samples", 1000, threads=1)
    assert point.n == 1000
    assert point.seconds > 0
    assert point.peak_memory_mb > 50

    def in_this_process(function: str, *args: int) -> tuple[float, float]:
        seconds: float = getattr(workloads, function)(*args)
        return seconds, 60.0

    monkeypatch.setattr(scaling, "call_in_child", in_this_process)
    monkeypatch.setitem(scaling._STANDARD, "images", 200)
    point = scaling.measure_point("width", 10, threads=1)
    assert (point.n, point.peak_memory_mb) == (10, 60.0)
    assert point.seconds > 0


def test_the_training_whose_memory_is_measured_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    assert workloads.seconds_of_training("mnist-5k", str(tmp_path / "run"), rounds=1) > 0
    assert open_run(tmp_path / "run").preset_label == "mnist"


def test_every_ratio_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comparison runs on small images and yields positive times of both sides."""

    def few(data: Dataset, n: int) -> torch.Tensor:
        return torch.rand(max(n // 50, 20), data.pixels)

    monkeypatch.setattr(speed, "_images", few)
    data = small_data()
    for measure in speed.MEASURES[1:]:
        for found in measure(data, 1).values():
            assert found.low == found.median == found.high > 0
            assert all(seconds > 0 for seconds in found.seconds.values())


def test_a_busy_machine_is_measured_in_every_cell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each row takes its turn in each column, while the programs of that column run."""
    cells: list[tuple[str, int]] = []

    @contextlib.contextmanager
    def neighbours(column: str) -> Iterator[None]:
        cells.append(("background", len(busy._NEIGHBOURS[column])))
        yield

    def rate(preset: str, seconds: float, variables: Mapping[str, str]) -> float:
        cells.append((preset, len(variables)))
        return float(len(cells))

    monkeypatch.setattr(busy, "in_background", neighbours)
    monkeypatch.setattr(busy, "_measure", rate)
    found = busy.measure_busy_machine(("quickstart",), turns=3)
    assert [n for what, n in cells if what == "background"] == [0, 1, 2, 1]
    assert len(cells) == 4 + 4 * 4 * 3
    table = found.rounds_per_second["quickstart"]
    assert table.keys() == set(busy.COLUMNS)
    assert table["alone"] == {row: 6.0 + i for i, row in enumerate(busy.ROWS)}  # medians
    assert len(records.busy_lines(found)) == 2 + len(busy.ROWS)
    (path,) = records.write_record(found, tmp_path, "busy")
    assert json.loads(path.read_text(encoding="utf-8"))["rounds_per_second"] == {
        "quickstart": {name: dict(rows) for name, rows in table.items()}
    }


def test_the_number_of_turns_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(turns: int, on_progress: object) -> busy.BusyMachine:
        measured.append(turns)
        table = {name: dict.fromkeys(busy.ROWS, 1.0) for name in busy.COLUMNS}
        return busy.BusyMachine({"quickstart": table}, {})

    monkeypatch.setattr(busy, "measure_busy_machine", measure)
    assert main(["bench", "--busy", "--turns", "2"]) == 0
    assert main(["bench", "--busy"]) == 0
    assert measured == [2, 3]


def test_one_cell_trains_in_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program trains for the time that it is given; it runs in a process with its variables."""
    shorten(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["-c", "quickstart", "0.02", "0.02"])
    exec(busy._CELL)
    assert json.loads(capsys.readouterr().out) > 0
    variables = "import os, sys; print(sys.argv[1:])\nprint(os.environ['OMP_NUM_THREADS'])"
    monkeypatch.setattr(busy, "_CELL", variables)
    assert busy._measure("quickstart", 0.2, {"OMP_NUM_THREADS": "7"}) == 7.0


def test_pictures_in_a_plain_loop_and_ours_play_the_same_game() -> None:
    """The first losses agree; later ones differ by other noise and the order of the updates."""
    found = pictures.measure_pictures(turns=1, steps=1, data=pictures.noise_images(60, side=8))
    (d_plain, g_plain), (d_ours, g_ours) = found.losses.values()
    assert d_plain == pytest.approx(d_ours, abs=0.05)
    assert g_plain == pytest.approx(g_ours, abs=0.05)
    assert d_ours == pytest.approx(2 * math.log(2), abs=0.05)
    assert len(records.picture_lines(found)) == 4


def test_a_class_of_visitors_is_served_and_measured(tmp_path: Path) -> None:
    playground = pytest.importorskip("adversarial_nets.bench.playground")
    found = playground.measure_visitors(2, 1)
    assert found.visitors == found.served == 2
    before, _, peak = found.memory_mb
    assert peak >= before > 10
    lines = records.visitor_lines(found)
    assert lines[0] == "2 of 2 visitors were served for 1 s"
    board = playground.BoardSpeed("moons", 2, 5, 20.0, 100.0, 12.0)
    busy = "beside one busy loop"
    speed = playground.PlaygroundSpeed([board], {"collapse": 14.2}, busy, 0.5, {})
    printed = records.board_lines(speed)
    assert [line.split()[0] for line in printed] == ["moons", "lesson", "beside"]
    (path,) = records.write_record(speed, tmp_path, "playground-busy")
    assert json.loads(path.read_text())["boards"][0]["click_ms"] == 12.0


def test_the_record_of_the_playground_is_named_after_the_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    playground = pytest.importorskip("adversarial_nets.bench.playground")

    def served(visitors: int, seconds: int, machine: str, on_progress: object) -> object:
        found = [visitors, 1, seconds, 1.0, 1.0, (0.1, 0.2), (1, 2, 3), machine, 0.5, {}]
        return playground.Visitors(*found)

    monkeypatch.setattr(playground, "measure_visitors", served)
    for options, name in ([], "playground-visitors"), (["--busy"], "playground-visitors-busy"):
        folder = tmp_path / name
        assert main(["bench", "--visitors", "3", "--record", str(folder), *options]) == 0
        assert [path.name for path in folder.iterdir()] == [f"{name}.json"]
