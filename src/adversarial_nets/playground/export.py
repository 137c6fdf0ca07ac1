"""Save the metrics of a game as a CSV table; pictures are saved by the page itself."""

import csv
import io
import math

from adversarial_nets.playground.game_slot import GameSlot
from adversarial_nets.toys.measures import Metric

__all__ = ["metrics_csv"]


def metrics_csv(slot: GameSlot) -> bytes:
    """The metrics of every snapshot in the history, each with a perfect generator's value.

    A cell is empty if the metric does not exist for the objective.
    """
    file = io.StringIO()
    names = list({name: None for entry in slot.history for name in entry.metrics})
    writer = csv.writer(file)
    writer.writerow(["round", *(f"{name}{end}" for name in names for end in ("", ", perfect"))])
    for entry in slot.history:
        numbers = (v for name in names for v in entry.metrics.get(name, Metric(math.nan, None)))
        values = ("" if v is None or math.isnan(v) else repr(v) for v in numbers)
        writer.writerow([entry.snapshot.round, *values])
    return file.getvalue().encode()
