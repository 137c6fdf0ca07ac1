"""Decide whether the scores of a training still improve, to stop it and to report at its end.

Each check is a row of the metrics with validation scores. A convolutional generator is checked by
the distance of its patches from those of held-out images, any other generator by its Parzen score.
Everything is computed from the rows, so a resumed training stops in the same round as an
uninterrupted one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adversarial_nets.languages import Text, same, text

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
        return self.sentences["en"]

    @property
    def sentences(self) -> Text:
        """The sentence in English and in Chinese.

        >>> Trend(False, (10, 20, 30), (1.0, 3.0, 4.0)).sentences["zh"]
        '验证得分仍在上升：1.0、3.0、4.0 奈特。继续训练，可能还会上升。'
        """
        if self.lower_is_better:
            words = text("patch distance to held-out images", "样本到留出图像的图块距离")
            moves, move, unit = text("falls", "下降"), "lower", same("")
        else:
            words = text("validation score", "验证得分")
            moves, move, unit = text("rises", "上升"), "raise", text(" nats", " 奈特")
        if len(self.values) < 2:
            return _too_seldom(words, moves, len(self.values))
        last = [f"{value:.1f}" for value in self.values[-4:]]
        if self.stale == 0:
            return text(
                f"The {words['en']} still {moves['en']}: {', '.join(last)}{unit['en']}. More "
                f"rounds may {move} it further.",
                f"{words['zh']}仍在{moves['zh']}：{'、'.join(last)}{unit['zh']}。继续训练，可能还会"
                f"{moves['zh']}。",
            )
        return self._past_its_best(words, moves, unit)

    def _past_its_best(self, words: Text, moves: Text, unit: Text) -> Text:
        """The sentence if the last check was not the best one."""
        best, now = f"{self.values[self.best]:.1f}", f"{self.values[-1]:.1f}"
        round = f"{self.rounds[self.best]:,}"
        found = text(
            f"It was best at round {round} ({best}{unit['en']}; now {now}{unit['en']})",
            f"最好的一次在第 {round} 轮（{best}{unit['zh']}；现为 {now}{unit['zh']}）",
        )
        if self.stale == 1:
            return text(
                f"The {words['en']} did not improve at the last check. {found['en']}.",
                f"最近一次检查时，{words['zh']}没有改善。{found['zh']}。",
            )
        return text(
            f"The {words['en']} no longer {moves['en']}. {found['en']}, {self.stale} checks ago. "
            "More rounds are unlikely to help.",
            f"{words['zh']}已不再{moves['zh']}。{found['zh']}，此后又检查了 {self.stale} 次。"
            "继续训练多半不会更好。",
        )


def _too_seldom(words: Text, moves: Text, n: int) -> Text:
    """The sentence after no check or one check."""
    return text(
        f"The {words['en']} was checked {'once' if n else 'never'}, too seldom to say whether it "
        f"still {moves['en']}. A smaller --score-every checks it more often.",
        f"{words['zh']}{'只检查过一次' if n else '还没有检查过'}，无法判断是否仍在{moves['zh']}。"
        "减小 --score-every 可增加检查次数。",
    )


def trend(rows: Rows, weights: str) -> Trend:
    """The checks among the rows of a run's metrics.

    Args:
        rows: rows of metrics.jsonl.
        weights: ``raw`` or ``averaged`` G, whose scores are the checks.
    """
    checks = [(r["round"], r["scores"][weights]) for r in rows if weights in r.get("scores", {})]
    lower_is_better = any("fine" in score for _, score in checks)
    if lower_is_better:  # the first rows of earlier versions have no distances
        checks = [(round, score) for round, score in checks if "fine" in score]
    values = (s["fine"] + s["coarse"] if lower_is_better else s["valid_nats"] for _, s in checks)
    return Trend(lower_is_better, tuple(round for round, _ in checks), tuple(map(float, values)))
