"""Progress of long work: a live bar in a terminal, plain lines elsewhere.

Everything goes to standard output; with ``--json`` nothing does.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversarial_nets.training.session import TrainingSnapshot

__all__ = ["Progress", "ProgressReporter"]

Progress = Callable[[str, int, int | None], None]
"""Called during long work with (what is done, how much is done, of how much or None)."""

_SECONDS_BETWEEN_LINES = 5.0


class ProgressReporter:
    """Where a command speaks.

    Args:
        quiet: say nothing, since one JSON object is all that is wanted.
    """

    def __init__(self, quiet: bool = False) -> None:
        from rich.console import Console

        self.quiet = quiet
        self._console = Console(file=sys.stderr if quiet else sys.stdout, highlight=False)
        self._last_line = 0.0

    def say(self, line: str) -> None:
        """One line for the person."""
        if not self.quiet:
            print(line, flush=True)

    def work(self, what: str, done: int, total: int | None) -> None:
        """Progress of something that is not a training: a download, a score."""
        now = time.monotonic()
        if self.quiet or now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        self.say(f"{what}: {done:,}" + (f" of {total:,} ({done / total:.0%})" if total else ""))

    @contextmanager
    def training(self, rounds: int) -> Iterator[Callable[["TrainingSnapshot"], None]]:
        """An observer that shows the losses, D(x), D(G(z)), rounds a second and the time left."""
        if self.quiet:
            yield lambda look: None
        elif self._console.is_terminal:
            yield from self._live(rounds)
        else:
            yield self._line

    def _live(self, rounds: int) -> Iterator[Callable[["TrainingSnapshot"], None]]:
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("round {task.completed:,.0f}/{task.total:,.0f}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task("", total=rounds)
            said: set[str] = set()

            def callback(look: "TrainingSnapshot") -> None:
                row = look.row
                bar.update(task, completed=row["round"], description=_words(look))
                for line in filter(None, (look.trouble, _score_words(look))):
                    if line not in said:
                        said.add(line)
                        bar.console.print(f"round {row['round']}: {line}")

            yield callback

    def _line(self, look: "TrainingSnapshot") -> None:
        now = time.monotonic()
        score = _score_words(look)
        last = look.row["round"] >= look.rounds
        if not (score or last) and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        rate = _rate(look)
        left = (look.rounds - look.row["round"]) / rate if rate else 0.0
        self.say(
            f"round {look.row['round']}/{look.rounds}  {_words(look)}  "
            f"{int(left) // 60}:{int(left) % 60:02d} left"
        )
        for line in filter(None, (look.trouble, score)):
            self.say(f"  {line}")


def _rate(look: "TrainingSnapshot") -> float:
    """Rounds a second in this sitting."""
    return (look.row["round"] - look.started_at) / max(look.seconds, 1e-9)


def _words(look: "TrainingSnapshot") -> str:
    r = look.row
    return (
        f"D(x) {r['D_x']:.2f}  D(G(z)) {r['D_G_z']:.2f}  loss D {r['d_loss']:.2f} "
        f"G {r['g_loss']:.2f}  {_rate(look):.0f} rounds/s"
    )


def _score_words(look: "TrainingSnapshot") -> str | None:
    scores = look.row.get("scores")
    if not scores:
        return None
    words = ", ".join(f"{weights} {s['valid_nats']:.1f}" for weights, s in scores.items())
    right = f"{look.row['accuracy']:.0%} of held-out images and samples"
    return f"validation log-likelihood in nats: {words}; D is right on {right}"
