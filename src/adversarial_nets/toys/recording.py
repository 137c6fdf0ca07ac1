"""Play a game and take snapshots at chosen rounds."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import torch

from adversarial_nets import game as games
from adversarial_nets.errors import UserError, describe_type
from adversarial_nets.setting_values import whole_number
from adversarial_nets.settings import Settings, require_settings
from adversarial_nets.state import Game
from adversarial_nets.toys.catalogue import ToyLike, as_toy
from adversarial_nets.toys.distributions import Toy
from adversarial_nets.toys.measures import Metric

__all__ = [
    "GameKind",
    "Recording",
    "one_thread",
    "play_with_snapshots",
    "record",
    "snapshot_rounds",
]

Data = TypeVar("Data")
Evaluator = TypeVar("Evaluator")
Snapshot = TypeVar("Snapshot")


@dataclass(frozen=True)
class GameKind(Generic[Data, Evaluator, Snapshot]):
    """The functions for games of one kind: on the line, in the plane, or on images.

    An evaluator holds the cells and reference values from which snapshots are computed. It does not
    change during a game.

    Attributes:
        name: name of the kind.
        settings: the default settings of its games.
        new_game: sets up a game, from data and settings.
        new_evaluator: makes the evaluator, from data and settings.
        take_snapshot: computes a snapshot of a game, with an evaluator; the game is not changed.
        metrics: the numbers of a snapshot, by name.
        png: plots a snapshot as a PNG.
    """

    name: Literal["line", "plane", "images"]
    settings: Settings
    new_game: Callable[[Data, Settings], Game]
    new_evaluator: Callable[[Data, Settings], Evaluator]
    take_snapshot: Callable[[Game, Evaluator], Snapshot]
    metrics: Callable[[Evaluator, Snapshot], dict[str, Metric]]
    png: Callable[[Evaluator, Snapshot], bytes]


@dataclass(frozen=True)
class Recording(Generic[Evaluator, Snapshot]):
    """A game as a series of snapshots.

    Attributes:
        data: the name of the data.
        settings: settings of the game.
        evaluator: the evaluator that computed the snapshots.
        snapshots: the snapshots in the order of their rounds.
    """

    data: str
    settings: Settings
    evaluator: Evaluator = field(repr=False)
    snapshots: tuple[Snapshot, ...] = field(repr=False)


def record(
    kind: GameKind[Toy, Evaluator, Snapshot],
    data: ToyLike,
    rounds: Iterable[int],
    settings: Settings | None = None,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Recording[Evaluator, Snapshot]:
    """Play a game on a toy and take a snapshot at each of the given rounds.

    Args:
        kind: `kinds.LINE` or `kinds.PLANE`.
        data: a toy, a name or file for `toys.find`, or points for `toys.points_from_array`.
        rounds: the rounds of the snapshots; the game ends with the last of them.
        settings: settings of the game; by default those of the kind.
        on_snapshot: called with each new snapshot and the number of the last round.

    Raises:
        UserError: the kind or the toy is unknown, the data have another dimension, or `rounds` is
            empty.

    >>> from adversarial_nets.toys.kinds import LINE
    >>> recording = record(LINE, "gaussian", [0, 2])
    >>> [s.round for s in recording.snapshots], recording.snapshots[0].V < recording.snapshots[0].C
    ([0, 2], True)
    """
    if not isinstance(kind, GameKind):
        raise UserError(f"kind is {describe_type(kind)}; give toys.kinds.LINE or PLANE.")
    at = _checked_rounds(rounds)
    toy = as_toy(data)
    settings = kind.settings if settings is None else settings
    require_settings(settings)
    game, evaluator = kind.new_game(toy, settings), kind.new_evaluator(toy, settings)
    last = max(at)
    with one_thread():
        snapshots = play_with_snapshots(
            game,
            last,
            lambda game: kind.take_snapshot(game, evaluator),
            at,
            lambda snapshot: on_snapshot(snapshot, last),
        )
    return Recording(data if isinstance(data, str) else "own data", settings, evaluator, snapshots)


def _checked_rounds(rounds: object) -> set[int]:
    """The rounds of a recording's snapshots.

    Raises:
        UserError: there are no rounds, or they are not whole numbers.
    """
    at = (
        {whole_number("rounds", r, least=0) for r in rounds} if isinstance(rounds, Iterable) else ()
    )
    if not at:
        raise UserError(
            f"rounds is {rounds!r}; give the rounds of the snapshots, e.g. [0, 200, 400]."
        )
    return set(at)


def play_with_snapshots(
    game: Game,
    rounds: int,
    take_snapshot: Callable[[Game], Snapshot],
    at: Collection[int],
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
) -> tuple[Snapshot, ...]:
    """Play a game to the given round, and take a snapshot at some rounds on the way.

    Args:
        game: the game; it is changed in place.
        rounds: the round at which to stop, counted from the game's beginning.
        take_snapshot: computes a snapshot without changing the game.
        at: the rounds of the snapshots; the game's current round may be among them.
        on_snapshot: called with each new snapshot.

    Returns:
        The snapshots in the order of their rounds.
    """
    wanted, snapshots = set(at), list[Snapshot]()

    def callback(game: Game) -> None:
        if game.round in wanted:
            snapshots.append(take_snapshot(game))
            on_snapshot(snapshots[-1])

    callback(game)
    games.play(game, rounds, callback)
    return tuple(snapshots)


def snapshot_rounds(rounds: int, snapshots: int = 121) -> list[int]:
    """Rounds for snapshots from 0 to the last, spaced quadratically: denser early in training.

    >>> snapshot_rounds(100, 5)
    [0, 6, 25, 56, 100]
    """
    return sorted({round(rounds * (i / (snapshots - 1)) ** 2) for i in range(snapshots)})


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one torch thread inside the block: faster for networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
