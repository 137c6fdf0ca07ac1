"""§7, extension 5: "training could be accelerated greatly".

"… by devising better methods for coordinating G and D or determining better distributions to sample
z from during training." How many rounds, and seconds, does a game need to reach a given Parzen
score on validation images? The same game is played with one setting changed at a time.

The seconds are these rounds multiplied by the time of one round, without scores and checkpoints.
The times of all variants are measured in turns, because a machine's speed varies from minute to
minute.
"""

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.engine.timing import Workload, take_turns
from adversarial_nets.errors import Diverged, unknown_name
from adversarial_nets.game import play
from adversarial_nets.paper.section7.rows import Row, mean_and_spread
from adversarial_nets.plots.style import D_COLOUR, GREY, OTHER_COLOUR, tidy, write_picture
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress
from adversarial_nets.runs.checkpoints import checkpoint_rounds
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Cadence, Settings, update_settings
from adversarial_nets.text import file_name
from adversarial_nets.training.session import train

__all__ = ["VARIANTS", "TimeToScore", "efficiency", "first_to_reach", "seconds_per_round"]

PRESET = "quickstart-2014"
_NO_DROPOUT = {"D.keep_prob_input": 1.0, "D.keep_prob_hidden": 1.0}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "protocol paper": {"protocol": "paper"},
    "k = 2": {"k": 2},
    "k = 5": {"k": 5},
    "D at half the rate": {"d_lr_multiplier": 0.5},
    "D at twice the rate": {"d_lr_multiplier": 2.0},
    "R1 in place of dropout": {"r1": 0.3, **_NO_DROPOUT},
    "R1 and R2 in place of dropout": {"r1": 0.3, "r2": 0.3, **_NO_DROPOUT},
    "rules of fast": {"r1": 0.3, "lr": 0.4, "momentum": 0.0, "momentum_end": 0.0, **_NO_DROPOUT},
    "z Gaussian": {"prior": "gaussian"},
    "z on a sphere": {"prior": "spherical"},
    "10 dimensions of z": {"z_size": 10},
    "400 dimensions of z": {"z_size": 400},
}
"""The changes of the preset `quickstart-2014`, by the variant's name. Each variant keeps an
averaged G."""

SCORE_EVERY = 250
LOOK_EVERY = 4
"""Number of scores between two checks whether the game has reached the score and can end."""
TURNS, TIMED_ROUNDS = 5, 20
WEIGHTS = ("raw", "averaged")


@dataclass(frozen=True)
class TimeToScore:
    """When the games of a variant reached the score.

    Attributes:
        variant: its name in `VARIANTS`.
        weights: ``raw`` or ``averaged`` G.
        rounds: for each seed, the first round with the score; the game's length if it was not
            reached.
        seconds: the time of these rounds.
        reached: the number of seeds that reached the score.
    """

    variant: str
    weights: str
    rounds: tuple[int, ...]
    seconds: tuple[float, ...]
    reached: int


def first_to_reach(metrics: Sequence[Mapping[str, Any]], nats: float, weights: str) -> int | None:
    """The round of the first score of at least `nats`; None if there is none.

    >>> rows = [{"round": r, "scores": {"raw": {"valid_nats": 10 * r}}} for r in (5, 9)]
    >>> first_to_reach(rows, 60.0, "raw"), first_to_reach(rows, 100.0, "raw")
    (9, None)
    """
    for row in metrics:
        if row.get("scores", {}).get(weights, {}).get("valid_nats", -np.inf) >= nats:
            return int(row["round"])
    return None


def efficiency(
    data: Dataset,
    out: Path,
    *,
    nats: float,
    rounds: int,
    seeds: Sequence[int] = (0, 1, 2),
    variants: Sequence[str] = tuple(VARIANTS),
    base: Settings | None = None,
    on_progress: Progress | None = None,
) -> tuple[list[Row], Path]:
    """Train every variant with every seed, and find the round at which each reached the score.

    Runs are kept and resumed, so an interrupted comparison continues.

    Args:
        data: the data set.
        out: folder of runs and picture.
        nats: the score to reach.
        rounds: maximum number of rounds of a game. It ends earlier once the raw and the averaged G
            have the score.
        seeds: one game for each.
        variants: names of `VARIANTS`.
        base: the settings to change; by default those of the preset `quickstart-2014`.
        on_progress: called with (what, amount done, total).

    Returns:
        Two rows for each variant and each kind of weights, and a picture.

    Raises:
        UserError: an unknown variant.
    """
    for name in variants:
        if name not in VARIANTS:
            raise unknown_name(name, list(VARIANTS), "variant")
    base = base or PRESETS[PRESET].settings
    changed = {name: update_settings(base, VARIANTS[name]) for name in variants}
    reached: dict[str, list[dict[str, int | None]]] = {name: [] for name in variants}
    for done, (name, seed) in enumerate(itertools.product(variants, seeds), start=1):
        folder = out / "runs" / f"{file_name(data.name)}-{name.replace(' ', '-')}-{seed}"
        settings = update_settings(changed[name], {"seed": seed})
        reached[name].append(_play(data, settings, folder, nats, rounds))
        if on_progress is not None:
            on_progress("games", done, len(variants) * len(seeds))
    seconds = seconds_per_round(data, changed)
    found = [
        _reached(name, weights, [at[weights] for at in reached[name]], rounds, seconds[name])
        for name in variants
        for weights in WEIGHTS
    ]
    picture = write_picture(plot(found, nats, len(seeds)), out / "efficiency.png")
    return [row for one in found for row in _rows(one, nats, data.name, len(seeds))], picture


def _play(
    data: Dataset, settings: Settings, folder: Path, nats: float, rounds: int
) -> dict[str, int | None]:
    """Train until both kinds of weights have the score, and return the round of each.

    A game that diverges does not reach the score; the divergence may be caused by the variant.
    """
    cadence = Cadence(
        log_every=SCORE_EVERY, score_every=SCORE_EVERY, save_every=SCORE_EVERY, samples_every=rounds
    )
    step = SCORE_EVERY * LOOK_EVERY
    played = max(checkpoint_rounds(folder), default=0)
    for last in [*range(step, rounds, step), rounds]:
        try:  # also for a finished folder, to check its settings and data
            train(
                data,
                preset=PRESET,
                settings=settings,
                run=folder,
                rounds=max(last, played),
                cadence=cadence,
                progress=False,
            )
        except Diverged:
            break
        if None not in _first(folder, nats, rounds).values():
            break
    return _first(folder, nats, rounds)


def _first(folder: Path, nats: float, rounds: int) -> dict[str, int | None]:
    metrics = [row for row in read_metrics(folder) if row["round"] <= rounds]
    return {weights: first_to_reach(metrics, nats, weights) for weights in WEIGHTS}


def _reached(
    name: str, weights: str, at: Sequence[int | None], rounds: int, seconds: float
) -> TimeToScore:
    """A game that did not reach the score counts with all its rounds."""
    counted = tuple(rounds if round is None else round for round in at)
    times = tuple(round * seconds for round in counted)
    return TimeToScore(name, weights, counted, times, len(at) - at.count(None))


def seconds_per_round(data: Dataset, games: Mapping[str, Settings]) -> dict[str, float]:
    """The median time of a round of each game, measured in turns."""

    def rounds_of(settings: Settings) -> Workload:
        game = new_game(settings, data)
        return lambda: play(game, game.round + 1)

    rounds = {name: rounds_of(settings) for name, settings in games.items()}
    times = take_turns(rounds, TURNS, repeats=TIMED_ROUNDS)
    return {name: statistics.median(found) for name, found in times.items()}


def _rows(one: TimeToScore, nats: float, data: str, seeds: int) -> list[Row]:
    """Rounds and seconds to the score."""
    return [
        Row(
            "efficiency",
            f"{one.variant}, {one.weights} G",
            f"{unit} to {nats:g} nats",
            data,
            *mean_and_spread(list(map(float, values))),
            seeds,
            reached=one.reached,
        )
        for unit, values in (("rounds", one.rounds), ("seconds", one.seconds))
    ]


def plot(found: Sequence[TimeToScore], nats: float, seeds: int) -> Figure:
    """Plot rounds and seconds to the score, one line per variant; hollow where a seed failed."""
    names = list(dict.fromkeys(one.variant for one in found))
    figure = Figure(figsize=(11, 1.2 + 0.42 * len(names)), layout="constrained")
    values: dict[str, Callable[[TimeToScore], tuple[float, ...]]] = {
        f"rounds to {nats:g} nats": lambda one: one.rounds,
        f"seconds to {nats:g} nats": lambda one: one.seconds,
    }
    for axes, (label, value) in zip(
        figure.subplots(1, 2, sharey=True), values.items(), strict=True
    ):
        for one in found:
            y = names.index(one.variant) + (0.15 if one.weights == "raw" else -0.15)
            colour = D_COLOUR if one.weights == "raw" else OTHER_COLOUR
            whole = one.reached == seeds
            axes.plot([min(value(one)), max(value(one))], [y, y], color=colour, lw=1.5)
            axes.plot(
                np.mean(value(one)),
                y,
                "o",
                color=colour,
                markerfacecolor=colour if whole else "white",
                label=f"{one.weights} G" if one.variant == names[0] else None,
            )
        axes.set(xlabel=label, yticks=range(len(names)), yticklabels=names)
        axes.set_xlim(left=0)
        axes.grid(axis="x", color=GREY, alpha=0.2)
        tidy(axes)
    figure.axes[0].invert_yaxis()  # shared by both axes: the first variant is on top
    figure.axes[1].plot([], [], "o", color=GREY, markerfacecolor="white", label="not by all seeds")
    figure.axes[1].legend(frameon=False)
    return figure
