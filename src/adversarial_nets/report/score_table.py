"""The table of Parzen scores in a report: the run's, those of reference images, published ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adversarial_nets.evaluation.published import PUBLISHED, of_the_paper
from adversarial_nets.languages import Text, same, text
from adversarial_nets.report.chinese import in_both
from adversarial_nets.report.templates import error, nats
from adversarial_nets.runs.evaluations import grid_of
from adversarial_nets.training.diagnostics import (
    MAX_ROUNDS_WITHOUT_DIVERSITY,
    PROBLEMS,
    find_problem,
)

__all__ = [
    "G_in_chinese",
    "ScoreRow",
    "caveats",
    "comparable",
    "headline",
    "other_scores",
    "score_table",
]

Record = Mapping[str, Any]
"""One object of evaluation.json: an `Evaluation.to_json`."""

Kind = Literal["ours", "calibration", "published", "goal"]
"""The kind of a score: this run's, reference images, published, or the paper's for its GANs."""


@dataclass(frozen=True)
class ScoreRow:
    """One row of the table of scores, its words in English and in Chinese."""

    name: Text
    kind: Kind
    nats: float
    score: Text
    sigma: float | None
    samples: int
    note: Text


def headline(records: Sequence[Record], weights: str) -> Record | None:
    """The evaluation to show first: preferably these weights, then the paper's grid, then new."""

    def preference(r: Record) -> tuple[bool, bool, int]:
        return r["weights"] == weights, r["parzen"]["grid"] == "paper", r["round"]

    return max(reversed(records), key=preference, default=None)


def comparable(head: Record | None) -> bool:
    """Whether a score is comparable with published ones: same data, grid and number of samples."""
    if head is None or of_the_paper(head["data"]) is None:
        return False
    return head["parzen"]["grid"] == "paper" and head["parzen"]["samples"] == 10_000


def other_scores(head: Record | None, records: Sequence[Record]) -> list[Record]:
    """The evaluations by another protocol than the headline's; they are shown in another table."""
    return [r for r in records if _protocol(r) != _protocol(head)]


def score_table(head: Record | None, records: Sequence[Record]) -> list[ScoreRow]:
    """Scores by the headline's protocol, best first: the run's, reference images', published."""
    if head is None:
        return []
    rows = [
        _row(
            text(f"this run, {r['weights']} G", f"本次训练，{G_in_chinese(r['weights'])}"),
            "ours",
            r["parzen"],
            text(f"round {r['round']:,}", f"第 {r['round']:,} 轮"),
        )
        for r in records
        if _protocol(r) == _protocol(head)
    ]
    grid = grid_of(head["parzen"])
    references = [
        r["calibration"] for r in records if r.get("calibration") and grid_of(r["parzen"]) == grid
    ]
    rows += [
        _row(in_both(reference["name"]), "calibration", reference, in_both(reference["note"]))
        for reference in (references[-1] if references else [])
    ]
    if comparable(head):
        rows += _published_rows(head["data"])
    return sorted(rows, key=lambda row: -row.nats)


def caveats(
    head: Record | None,
    weights: str,
    round: int,
    rows: Sequence[Mapping[str, Any]],
    objective: str,
    allowed: int = MAX_ROUNDS_WITHOUT_DIVERSITY,
) -> list[Text]:
    """Caveats to print below the score: σ at the grid's edge, other weights, failed training.

    Args:
        head: the headline evaluation.
        weights: the generator whose images the page shows.
        round: the round of those images.
        rows: the run's metrics.
        objective: the run's objective.
        allowed: rounds after which similar samples are a problem.
    """
    notes = []
    if head:
        parzen = head["parzen"]
        if parzen["at_edge"]:
            notes.append(_at_the_edge(parzen))
        if head["weights"] != weights:
            notes.append(
                text(
                    f"The score is of the {head['weights']} generator, but the images are of the "
                    f"{weights} one, which has not been scored.",
                    f"得分属于{G_in_chinese(head['weights'])}，而图像由{G_in_chinese(weights)}"
                    " 生成，后者尚未打分。",
                )
            )
        if head["round"] != round:
            notes.append(
                text(
                    f"The score is of round {head['round']:,}, but the images are of round "
                    f"{round:,}.",
                    f"得分属于第 {head['round']:,} 轮，而图像属于第 {round:,} 轮。",
                )
            )
    if rows:
        problem = find_problem(
            {**rows[-1], "objective": objective}, max(row["spread"] for row in rows), allowed
        )
        notes += [PROBLEMS[problem]] if problem else []
    return notes


def _at_the_edge(parzen: Record) -> Text:
    """The caveat of a score whose σ is the smallest or the largest of its grid."""
    smallest = min(sigma for sigma, _ in parzen["curve"])
    end = text("largest", "最大")
    if math.isclose(parzen["sigma"], smallest):
        end = text("smallest", "最小")
    return text(
        f"σ = {parzen['sigma']:.3f} is the {end['en']} value of the grid “{parzen['grid']}”. A "
        "wider grid might give a higher score: treat this one as a lower bound.",
        f"σ = {parzen['sigma']:.3f} 是 σ 网格 {parzen['grid']} 中的{end['zh']}值。网格更宽时"
        "得分可能更高，因此这一得分只能看作下界。",
    )


def G_in_chinese(weights: str) -> str:
    """The raw or the averaged generator in Chinese."""
    return {"raw": "原始 G", "averaged": "权重滑动平均后的 G"}.get(weights, f"{weights} G")


def _protocol(record: Record | None) -> tuple[Any, ...]:
    """The values that two scores must have in common to be in the same table."""
    if record is None:
        return ()
    return record["round"], grid_of(record["parzen"]), record["parzen"]["samples"]


def _row(name: Text, kind: Kind, score: Record, note: Text) -> ScoreRow:
    number, se = nats(score["nats"]), error(score["se"])
    words = text(number + se["en"], number + se["zh"])
    return ScoreRow(name, kind, score["nats"], words, score["sigma"], score["samples"], note)


def _published_rows(data: str) -> list[ScoreRow]:
    """The published scores on a data set."""
    return [
        ScoreRow(
            name=in_both(p.model),
            kind="goal" if p == of_the_paper(data) else "published",
            nats=p.nats,
            score=same(f"{p.nats:g}" + (f" ± {p.se:g}" if p.se is not None else "")),
            sigma=None,
            samples=10_000,
            note=in_both(f"published: {p.source}"),
        )
        for p in PUBLISHED[data]
    ]
