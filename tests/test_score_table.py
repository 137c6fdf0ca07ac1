"""The table of scores in a report: which scores are comparable, and which were measured last."""

from typing import Any

import pytest

from adversarial_nets.report.score_table import headline, other_scores, score_table


def record(**changes: Any) -> dict[str, Any]:
    """An evaluation as `evaluate` writes it, with some values changed."""
    parzen = {"nats": 5.0, "se": 1.5, "sigma": 0.2, "grid": "paper", "samples": 500}
    whole = {"round": 20, "weights": "averaged", "data": "small", "calibration": []}
    parzen |= {name: changes.pop(name) for name in list(changes) if name in parzen}
    return whole | changes | {"parzen": parzen}


def references(nats: float) -> list[dict[str, Any]]:
    """A record's calibration."""
    return [{"name": "k-means", "note": "", **record(nats=nats)["parzen"]}]


@pytest.mark.parametrize("different", [{"round": 10}, {"grid": "fine"}, {"samples": 400}])
def test_scores_of_another_round_grid_or_number_of_samples_are_apart(
    different: dict[str, Any],
) -> None:
    head, raw = record(), record(weights="raw", nats=7.0)
    other = record(**different)
    records = [other, raw, head]
    rows = score_table(head, records)
    assert [row.name["en"] for row in rows] == ["this run, raw G", "this run, averaged G"]
    assert other_scores(head, records) == [other]


def test_the_newest_reference_scores_on_the_same_grid_are_shown() -> None:
    records = [
        record(round=5, calibration=references(1.0)),
        record(round=10, calibration=references(2.0)),
        record(round=15, grid="fine", calibration=references(3.0)),
        record(),
    ]
    head = headline(records, "averaged")
    rows = score_table(head, records)
    assert [(row.kind, row.nats) for row in rows] == [("ours", 5.0), ("calibration", 2.0)]
    assert len(score_table(records[3], records[3:])) == 1  # none was measured
