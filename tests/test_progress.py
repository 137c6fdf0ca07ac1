"""Progress lines fit 80 columns, a stage needs few of them, and --json needs none."""

import io
import re
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from adversarial_nets import progress
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.state import Game
from adversarial_nets.training.display import show_training
from adversarial_nets.training.loop import TrainingSnapshot


def snapshot(
    round: int, rounds: int, seconds: float, problem: str | None = None, **row: Any
) -> TrainingSnapshot:
    """The snapshot that the callback of a training receives, without networks."""
    numbers = {"D_x": 0.512, "D_G_z": 0.487, "d_loss": 1.386, "g_loss": 0.693}
    numbers |= {"round": round, **row}
    return TrainingSnapshot(numbers, Mock(spec=Game), rounds, seconds, 0, problem)


SCORED: dict[str, Any] = {
    "scores": {"raw": {"valid_nats": -1234.5}, "averaged": {"valid_nats": 225.4}},
    "accuracy": 0.78,
}


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, which a test moves."""
    now = [100.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_long_stage_prints_few_lines(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten minutes of one stage, whose name holds changing numbers, take at most eight lines."""
    reporter = ProgressReporter()
    for second in range(600):
        clock[0] = 100.0 + second
        reporter.work(f"dbn, loss {second / 7:.3f}: chain", 1 + second % 100, 100)
    lines = capsys.readouterr().out.splitlines()
    assert 5 <= len(lines) <= 8
    assert all(len(line) <= 80 for line in lines)


def test_a_short_stage_prints_nothing(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = ProgressReporter()
    for done in range(5):
        clock[0] += 0.9
        reporter.work("test", done, None)
    assert capsys.readouterr().out == ""
    clock[0] += 2.0
    reporter.work("test", 5000, None)
    assert capsys.readouterr().out == "test: 5,000\n"


def test_training_in_a_log_file_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    with show_training(ProgressReporter(), 600_000) as callback:
        callback(snapshot(50, 600_000, 1.0))
        callback(snapshot(100, 600_000, 2.0))  # too soon for another line
        callback(snapshot(300, 600_000, 6.1))
        callback(snapshot(2500, 600_000, 6.5, **SCORED))
        callback(snapshot(300_000, 600_000, 36_000.0, g_loss=58267.0, d_loss=1e9))
        callback(snapshot(600_000, 600_000, 36_000.1))
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if re.match(r" +[\d,]+ ", line)]
    assert [row.split()[0] for row in rows] == ["50", "300", "2,500", "300,000", "600,000"]
    assert rows[3].split()[-1] == "10:00:00"
    assert all(len(line) <= 80 for line in lines)
    assert {len(row) for row in rows} == {len(lines[0])}
    assert "-1234.5 (raw G), 225.4 (averaged G)" in " ".join(" ".join(lines).split())


def test_a_warning_is_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    problem = "G has collapsed: its samples are almost the same image. " * 4
    with show_training(ProgressReporter(), 100) as callback:
        callback(snapshot(50, 100, 1.0, problem))
    out = capsys.readouterr().out
    assert out.count("G has collapsed") == 4
    assert all(len(line) <= 80 for line in out.splitlines())


def test_the_live_bar_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Round, rate and time left are readable; nothing is cut off."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    with show_training(ProgressReporter(), 600_000) as callback:
        callback(snapshot(300_000, 600_000, 3600.0, **SCORED))
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue()).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert any(re.search(r"300000/600000.*rounds/s.*left *$", line) for line in lines)
    assert any("-1234.5 (raw G)" in line for line in lines)


def test_a_live_stage_leaves_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal a stage's line is removed before the next output."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    reporter = ProgressReporter()
    for done in range(3):
        reporter.work("k-means", done, 3)
    reporter.work("test", 10, None)
    reporter.say("done")
    reporter.close()
    assert "k-means" in terminal.getvalue()
    assert terminal.getvalue().endswith("done\n")
    assert "\x1b[2K" in terminal.getvalue()


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = ProgressReporter(quiet=True)
    reporter.say("x")
    reporter.work("test", 1, 2)
    with show_training(reporter, 10) as callback:
        callback(snapshot(10, 10, 100.0))
    reporter.close()
    assert capsys.readouterr().out == ""
