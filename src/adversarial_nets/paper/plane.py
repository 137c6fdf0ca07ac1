"""Train a game on two-dimensional data and draw it: ``advnets paper plane``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from adversarial_nets.plots.style import write_picture
from adversarial_nets.toys.draw_plane import draw, film
from adversarial_nets.toys.plane import ROUNDS, SAMPLES, SETTINGS, Snapshot

__all__ = [
    "Plane",
    "plane",
]


# --- The command ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plane:
    """What `plane` made: the run's last measures, and where the pictures are.

    Attributes:
        data: what was learned.
        rounds: how long the game was.
        samples: how many samples the measures are made from.
        measures: JSD in nats where the data have a density, both KL smoothed, and the data's mass
            where no sample fell; for mixtures modes hit, and the share
            of samples near one; for a ring of zero width the mean distance from it and the share
            of angles covered.
        floors: the same for a perfect generator with as many samples.
        note: what must be said of p_data, if anything.
        files: the pictures.
    """

    data: str
    rounds: int
    samples: int
    measures: dict[str, float]
    floors: dict[str, float]
    note: str
    files: tuple[Path, ...]


def plane(
    data: str = "ring-of-gaussians",
    out: Path = Path("plane"),
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Plane:
    """Play a game in the plane and draw it: ``advnets plane``.

    Args:
        data: ``ring``, ``ring-of-gaussians``, ``grid``, ``spiral``, ``moons``, ``zero-width-ring``,
            or a CSV file with two columns.
        out: a folder for ``plane.png``.
        rounds: how long to play.
        seed: of the whole run.
        on_snapshot: called with each new frame and the number of rounds in all.
    """
    run = film(data, replace(SETTINGS, seed=seed), rounds, on_snapshot=on_snapshot)
    file = write_picture(draw(run), out / "plane.png", dpi=90)
    end = run.frames[-1]
    note = run.evaluator.toy.note
    return Plane(data, end.round, SAMPLES, end.measures, run.evaluator.floors, note, (file,))
