"""Save the metrics of a game as a CSV table; pictures are saved by the page itself."""

import csv
import io

from adversarial_nets.playground.game_slot import GameSlot

__all__ = ["metrics_csv"]


def metrics_csv(slot: GameSlot) -> bytes:
    """The metrics of every snapshot in the history, each beside a perfect generator's value."""
    file = io.StringIO()
    names = list(slot.history[0].metrics)
    writer = csv.writer(file)
    writer.writerow(["round", *(f"{name}{of}" for name in names for of in ("", ", perfect"))])
    for entry in slot.history:
        values = (repr(value) for name in names for value in entry.metrics[name])
        writer.writerow([entry.snapshot.round, *values])
    return file.getvalue().encode()
