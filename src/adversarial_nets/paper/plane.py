"""Train a game on two-dimensional data and plot it: ``advnets paper plane``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from adversarial_nets.plots.style import write_picture
from adversarial_nets.toys.kinds import PLANE
from adversarial_nets.toys.plane import ROUNDS, SAMPLES, SETTINGS, Snapshot
from adversarial_nets.toys.plot_plane import plot_recording
from adversarial_nets.toys.recording import record, snapshot_rounds

__all__ = ["Plane", "plane"]


_SNAPSHOTS = 41


@dataclass(frozen=True)
class Plane:
    """The final measures of a game and the files written by `plane`.

    Attributes:
        data: the name of the data.
        rounds: the number of rounds.
        samples: the number of samples that the measures use.
        measures: the measures by name, see `toys.plane.measures`.
        floors: each measure's mean for a perfect generator with the same number of samples.
        note: a caveat about p_data; empty if there is none.
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
    out: Path = Path("runs/paper/plane"),
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Plane:
    """Play a game in the plane and write its picture: ``advnets paper plane``.

    Args:
        data: ``ring``, ``ring-of-gaussians``, ``three-gaussians``, ``grid``, ``spiral``,
            ``moons``, ``segment``, ``zero-width-ring``, or a CSV file with two columns.
        out: a folder for ``plane.png``.
        rounds: the number of rounds.
        seed: the seed of all random numbers.
        on_snapshot: called with each new snapshot and the number of rounds.
    """
    settings = replace(SETTINGS, seed=seed)
    recording = record(PLANE, data, snapshot_rounds(rounds, _SNAPSHOTS), settings, on_snapshot)
    file = write_picture(plot_recording(recording), out / "plane.png", dpi=90)
    end, evaluator = recording.snapshots[-1], recording.evaluator
    return Plane(
        data=data,
        rounds=end.round,
        samples=SAMPLES,
        measures=end.measures,
        floors=evaluator.floors,
        note=evaluator.toy.note,
        files=(file,),
    )
