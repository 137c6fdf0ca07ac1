"""The table of Parzen scores in a report: the run's, those of reference images, published ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adversarial_nets.evaluation.published import PUBLISHED, error_in_words, of_the_paper
from adversarial_nets.report.templates import nats
from adversarial_nets.training.diagnostics import MAX_ROUNDS_WITHOUT_DIVERSITY, describe_problem

__all__ = ["ScoreRow", "caveats", "comparable", "headline", "other_scores", "score_table"]

Record = Mapping[str, Any]
"""One object of evaluation.json: an `Evaluation.to_json`."""

Kind = Literal["ours", "calibration", "published", "goal"]
"""The kind of a score: this run's, of reference images, published, or the paper's own for GANs."""


@dataclass(frozen=True)
class ScoreRow:
    """One row of the table of scores."""

    name: str
    kind: Kind
    nats: float
    score: str
    sigma: float | None
    samples: int
    note: str


def headline(records: Sequence[Record], weights: str) -> Record | None:
    """The evaluation to show first: of these weights, then on the paper's grid, then the newest."""

    def preference(r: Record) -> tuple[bool, bool, int]:
        return r["weights"] == weights, r["parzen"]["grid"] == "paper", r["round"]

    return max(reversed(records), key=preference, default=None)


def comparable(head: Record | None) -> bool:
    """Whether the score was measured as the published ones: the same data, grid and samples."""
    if head is None or of_the_paper(head["data"]) is None:
        return False
    return head["parzen"]["grid"] == "paper" and head["parzen"]["samples"] == 10_000


def other_scores(head: Record | None, records: Sequence[Record]) -> list[Record]:
    """The evaluations that were measured differently from the headline, so in another table."""
    return [r for r in records if _protocol(r) != _protocol(head)]


def score_table(head: Record | None, records: Sequence[Record]) -> list[ScoreRow]:
    """Scores measured like the headline, best first: the run's, reference images', published."""
    if head is None:
        return []
    rows = [
        _row(f"this run, {r['weights']} G", "ours", r["parzen"], f"round {r['round']:,}")
        for r in records
        if _protocol(r) == _protocol(head)
    ]
    grid = head["parzen"]["grid"]
    references = [
        r["calibration"] for r in records if r.get("calibration") and r["parzen"]["grid"] == grid
    ]
    rows += [
        _row(reference["name"], "calibration", reference, reference["note"])
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
) -> list[str]:
    """Caveats to print below the score: σ at the grid's edge, other weights, failed training.

    Args:
        head: the headline evaluation.
        weights: the generator whose images the page shows.
        round: the round of those images.
        rows: the run's metrics.
        objective: the run's objective.
        allowed: rounds after which samples that are still alike are a problem.
    """
    notes = []
    if head:
        parzen = head["parzen"]
        if parzen["at_edge"]:
            smallest = min(sigma for sigma, _ in parzen["curve"])
            end = "smallest" if math.isclose(parzen["sigma"], smallest) else "largest"
            notes.append(
                f"σ = {parzen['sigma']:.3f} is the {end} value of the grid “{parzen['grid']}”. A "
                "wider grid might give a higher score: treat this one as a lower bound."
            )
        if head["weights"] != weights:
            notes.append(
                f"The score is of the {head['weights']} generator, but the images are of the "
                f"{weights} one, which has not been scored."
            )
        if head["round"] != round:
            notes.append(
                f"The score is of round {head['round']:,}, but the images are of round {round:,}."
            )
    if rows:
        problem = describe_problem(
            {**rows[-1], "objective": objective}, max(row["spread"] for row in rows), allowed
        )
        notes += [problem] if problem else []
    return notes


def _protocol(record: Record | None) -> tuple[Any, ...]:
    """The values that two scores must have in common to be in the same table."""
    if record is None:
        return ()
    return record["round"], record["parzen"]["grid"], record["parzen"]["samples"]


def _row(name: str, kind: Kind, score: Record, note: str) -> ScoreRow:
    text = f"{nats(score['nats'])}{error_in_words(score['se'])}"
    return ScoreRow(name, kind, score["nats"], text, score["sigma"], score["samples"], note)


def _published_rows(data: str) -> list[ScoreRow]:
    """The published scores on a data set."""
    return [
        ScoreRow(
            name=p.model,
            kind="goal" if p == of_the_paper(data) else "published",
            nats=p.nats,
            score=f"{p.nats:g}" + (f" ± {p.se:g}" if p.se is not None else ""),
            sigma=None,
            samples=10_000,
            note=f"published: {p.source}",
        )
        for p in PUBLISHED[data]
    ]
