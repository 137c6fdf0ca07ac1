"""Save a game as a PNG picture, a GIF animation, or a CSV table of its metrics."""

import csv
import io
import math
from collections.abc import Callable, Mapping

from PIL import Image

from adversarial_nets.playground.game_slot import GameSlot

__all__ = ["EXPORTERS"]

MAX_GIF_FRAMES = 40


def _png(slot: GameSlot, index: int) -> bytes:
    """The snapshot of that index in the history."""
    return slot.kind.png(slot.evaluator, slot.entry(index).snapshot)


def _gif(slot: GameSlot, index: int) -> bytes:
    """The game so far, at most `MAX_GIF_FRAMES` frames."""
    every = math.ceil(len(slot.history) / MAX_GIF_FRAMES)
    pngs = [slot.kind.png(slot.evaluator, e.snapshot) for e in slot.history[::every]]
    first, *rest = (Image.open(io.BytesIO(png)).convert("RGB").quantize(64) for png in pngs)
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest, duration=100, loop=0)
    return file.getvalue()


def _csv(slot: GameSlot, index: int) -> bytes:
    """The metrics of every snapshot in the history, each beside a perfect generator's value."""
    file = io.StringIO()
    names = list(slot.history[0].metrics)
    writer = csv.writer(file)
    writer.writerow(["round", *(f"{name}{of}" for name in names for of in ("", ", perfect"))])
    for entry in slot.history:
        values = (repr(value) for name in names for value in entry.metrics[name])
        writer.writerow([entry.snapshot.round, *values])
    return file.getvalue().encode()


EXPORTERS: Mapping[str, Callable[[GameSlot, int], bytes]] = {
    "png": _png,
    "gif": _gif,
    "csv": _csv,
}
"""By file extension: makes the file from a game and the index of the displayed snapshot."""
