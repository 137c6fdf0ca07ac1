"""Show a training's numbers: a live bar in a terminal, a table in log files and notebooks."""

import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from adversarial_nets.progress import FIRST_LINE, ProgressReporter, in_terminal, print_line
from adversarial_nets.training.loop import Callback, TrainingSnapshot

__all__ = ["show_training"]

_LINES_PER_RUN = 50  # the time between lines is 1/50 of the time so far, or more
_WIDTH = 80
_HEADER = "     round   D(x)  D(G(z))   loss D   loss G  rounds/s  time left"


@contextmanager
def show_training(reporter: ProgressReporter, rounds: int) -> Iterator[Callback]:
    """Yield a callback that shows losses, D(x), D(G(z)), rounds per second and the time left.

    Args:
        reporter: it says whether and where to print.
        rounds: the round at which the training will end.
    """
    reporter.close()
    if reporter.quiet:
        yield lambda snapshot: None
    elif in_terminal():
        yield from _live_training(reporter, rounds)
    else:
        yield _TrainingLines()


def _live_training(reporter: ProgressReporter, rounds: int) -> Iterator[Callback]:
    """The callback for a terminal: a live bar, and lines above it for scores and warnings."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        BarColumn(bar_width=10),
        TextColumn("{task.description}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Bar(*columns, console=reporter.live_console()) as bar:
        task = bar.add_task("", total=rounds)
        said: set[str] = set()

        def callback(snapshot: TrainingSnapshot) -> None:
            row = snapshot.row
            bar.update(task, completed=row["round"], description=_bar_text(snapshot))
            for line in filter(None, (snapshot.problem, _score_text(snapshot))):
                if line not in said:
                    said.add(line)
                    text = _wrap(f"round {row['round']}: {line}")
                    bar.console.print(text, markup=False, highlight=False)

        yield callback


class _TrainingLines:
    """The callback of a training for log files and notebooks: a table, one row per line."""

    def __init__(self) -> None:
        self._header_printed = False
        self._next_line = 0.0
        self._problem: str | None = None

    def __call__(self, snapshot: TrainingSnapshot) -> None:
        row, score = snapshot.row, _score_text(snapshot)
        is_last = row["round"] >= snapshot.rounds
        problem = snapshot.problem if snapshot.problem != self._problem else None
        if snapshot.seconds < self._next_line and not (score or is_last):
            return
        self._problem = snapshot.problem
        self._next_line = snapshot.seconds + max(FIRST_LINE, snapshot.seconds / _LINES_PER_RUN)
        if not self._header_printed:
            self._header_printed = True
            print_line(_HEADER)
        print_line(_table_row(snapshot))
        for line in filter(None, (problem, score)):
            print_line(_wrap(line, indent="  "))


def _rounds_per_second(snapshot: TrainingSnapshot) -> float:
    """The mean rate since this process started the training."""
    return (snapshot.row["round"] - snapshot.started_at) / max(snapshot.seconds, 1e-9)


def _seconds_left(snapshot: TrainingSnapshot) -> float:
    """The expected time to the last round, in seconds."""
    rate = _rounds_per_second(snapshot)
    return (snapshot.rounds - snapshot.row["round"]) / rate if rate else 0.0


def _table_row(snapshot: TrainingSnapshot) -> str:
    """One row below `_HEADER`."""
    r = snapshot.row
    rate, left = _rounds_per_second(snapshot), _clock(_seconds_left(snapshot))
    return (
        f"{r['round']:10,} {r['D_x']:6.2f} {r['D_G_z']:8.2f} {_short(r['d_loss']):>8} "
        f"{_short(r['g_loss']):>8} {_short(rate):>9} {left:>10}"
    )


def _bar_text(snapshot: TrainingSnapshot) -> str:
    """The numbers after the live bar; the losses only if the terminal is wide enough."""
    r = snapshot.row
    losses = f"loss D {_short(r['d_loss'])} G {_short(r['g_loss'])} "
    wide = shutil.get_terminal_size().columns >= 100
    return (
        f"D(x) {r['D_x']:.2f} D(G(z)) {r['D_G_z']:.2f} {losses if wide else ''}"
        f"{_short(_rounds_per_second(snapshot))} rounds/s"
    )


def _short(x: float) -> str:
    """A number in at most 7 characters.

    >>> _short(0.6931), _short(58267.0), _short(1.5e9)
    ('0.69', '58,267', '1.5e+09')
    """
    if abs(x) < 100:
        return f"{x:.2f}"
    return f"{x:,.0f}" if abs(x) < 1e5 else f"{x:.1e}"


def _clock(seconds: float) -> str:
    """A duration as minutes and seconds, or hours, minutes and seconds.

    >>> _clock(75.0), _clock(3675.0)
    ('1:15', '1:01:15')
    """
    minutes, s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{s:02d}" if hours else f"{minutes}:{s:02d}"


def _score_text(snapshot: TrainingSnapshot) -> str | None:
    """The validation score and D's accuracy; None if the round was not scored."""
    scores = snapshot.row.get("scores")
    if not scores:
        return None
    words = ", ".join(
        f"{score['valid_nats']:.1f} ({weights} G)" for weights, score in scores.items()
    )
    if all("fine" in score for score in scores.values()):
        distances = ", ".join(f"{s['fine'] + s['coarse']:.1f} ({w} G)" for w, s in scores.items())
        words += f"; patch distance: {distances}"
    if "accuracy" in snapshot.row:  # some objectives have no accuracy
        accuracy = f"{snapshot.row['accuracy']:.0%}"
        words += f"; accuracy of D on held-out images and samples: {accuracy}"
    return f"validation log-likelihood in nats: {words}"


def _wrap(text: str, indent: str = "") -> str:
    """The text in lines of at most 80 columns."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
