"""Whether the scores of a training still improve: when to stop, and a sentence at the end.

Each check is a row of the metrics with validation scores. A convolutional generator is checked by
the distance of its patches from those of held-out images, any other generator by its Parzen score.
Everything is computed from the rows, so a resumed training stops in the same round as an
uninterrupted one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Trend", "trend"]

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Trend:
    """The checks of a training, by the weights of G that its commands use by default.

    Attributes:
        lower_is_better: whether a better generator has a smaller value (a distance).
        rounds: the rounds of the checks.
        values: their values: patch distance, fine + coarse; or validation score in nats.
    """

    lower_is_better: bool
    rounds: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def best(self) -> int:
        """The index of the first best check; 0 if there is none."""
        if not self.values:
            return 0
        return self.values.index(min(self.values) if self.lower_is_better else max(self.values))

    @property
    def stale(self) -> int:
        """The number of checks since the best one."""
        return max(len(self.values) - 1 - self.best, 0)

    @property
    def sentence(self) -> str:
        """Whether the scores still improve, in plain words.

        >>> Trend(False, (10, 20, 30), (1.0, 3.0, 4.0)).sentence
        'The validation score still rises: 1.0, 3.0, 4.0 nats. More rounds may raise it further.'
        """
        what = "patch distance to held-out images" if self.lower_is_better else "validation score"
        unit = "" if self.lower_is_better else " nats"
        moves, move = ("falls", "lower") if self.lower_is_better else ("rises", "raise")
        if len(self.values) < 2:
            n = len(self.values)
            return (
                f"The {what} was checked {'once' if n else 'never'}, too seldom to say whether it "
                f"still {moves}. A smaller --score-every checks it more often."
            )
        last = ", ".join(f"{value:.1f}" for value in self.values[-4:])
        if self.stale == 0:
            return f"The {what} still {moves}: {last}{unit}. More rounds may {move} it further."
        best, since = f"{self.values[self.best]:.1f}{unit}", self.values[-1]
        found = f"It was best at round {self.rounds[self.best]:,} ({best}; now {since:.1f}{unit})"
        if self.stale == 1:
            return f"The {what} did not improve at the last check. {found}."
        return (
            f"The {what} no longer {moves}. {found}, {self.stale} checks ago. More rounds are "
            "unlikely to help."
        )


def trend(rows: Rows, weights: str) -> Trend:
    """The checks among the rows of a run's metrics.

    Args:
        rows: of metrics.jsonl.
        weights: ``raw`` or ``averaged`` G, whose scores are the checks.
    """
    checks = [(row["round"], row["scores"][weights]) for row in rows if "scores" in row]
    lower_is_better = any("fine" in score for _, score in checks)
    if lower_is_better:  # a run of an earlier version has none in its first rows
        checks = [(round, score) for round, score in checks if "fine" in score]
    values = (s["fine"] + s["coarse"] if lower_is_better else s["valid_nats"] for _, s in checks)
    return Trend(lower_is_better, tuple(round for round, _ in checks), tuple(map(float, values)))
