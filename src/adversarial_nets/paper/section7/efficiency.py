"""§7, extension 5: "training could be accelerated greatly".

"… by devising better methods for coordinating G and D or determining better distributions to sample
z from during training." How many rounds, and seconds, does a game need to reach a given Parzen
score on validation images? The same game is played with one setting changed at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import Diverged, unknown_name
from adversarial_nets.paper.section7.rows import Row, mean_and_spread
from adversarial_nets.plots.style import D_COLOUR, GREY, OTHER_COLOUR, tidy, write_picture
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Cadence, Settings, update_settings
from adversarial_nets.training.session import train

__all__ = ["VARIANTS", "Reached", "efficiency", "first_to_reach"]

PRESET = "quickstart-2014"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "protocol paper": {"protocol": "paper"},
    "k = 2": {"k": 2},
    "k = 5": {"k": 5},
    "D at half the rate": {"d_lr_multiplier": 0.5},
    "D at twice the rate": {"d_lr_multiplier": 2.0},
    "R1 in place of dropout": {"r1": 0.3, "D.keep_prob_input": 1.0, "D.keep_prob_hidden": 1.0},
    "z Gaussian": {"prior": "gaussian"},
    "z on a sphere": {"prior": "spherical"},
    "10 dimensions of z": {"z_size": 10},
    "400 dimensions of z": {"z_size": 400},
}
"""What is changed in the preset `quickstart-2014`, by name. The averaged G is kept in each."""

SCORE_EVERY = 250


@dataclass(frozen=True)
class Reached:
    """When one game reached the score.

    Attributes:
        variant: its name in `VARIANTS`.
        weights: ``raw`` or ``averaged`` G.
        rounds: the first scored round with that score, for each seed; all rounds if it never came.
        seconds: the time of training until then, scores included; 0 if the game diverged before its
            first score.
        reached: how many seeds reached it.
    """

    variant: str
    weights: str
    rounds: tuple[int, ...]
    seconds: tuple[float, ...]
    reached: int


def first_to_reach(
    metrics: Sequence[Mapping[str, Any]], nats: float, weights: str, rounds: int
) -> tuple[int, float, bool]:
    """Round and seconds of the first score of at least that many nats, and whether there is one.

    Without one, those of the whole game of so many rounds, also if it diverged earlier.

    >>> def row(r):
    ...     return {"round": r, "seconds": r / 10, "scores": {"raw": {"valid_nats": r}}}
    >>> rows = [row(5), row(9)]
    >>> first_to_reach(rows, 6.0, "raw", 20), first_to_reach(rows, 10.0, "raw", 20)
    ((9, 0.9, True), (20, 2.0, False))
    """
    for row in metrics:
        if row.get("scores", {}).get(weights, {}).get("valid_nats", -np.inf) >= nats:
            return int(row["round"]), float(row["seconds"]), True
    seconds_a_round = metrics[-1]["seconds"] / metrics[-1]["round"] if metrics else 0.0
    return rounds, seconds_a_round * rounds, False


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
    """Play every variant with every seed, and note when each reached the score.

    Runs are kept and resumed, so an interrupted comparison continues.

    Args:
        data: the data set.
        out: folder of runs and picture.
        nats: the score to reach.
        rounds: rounds of each game.
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
    found, done = [], 0
    for name in variants:
        metrics = []
        for seed in seeds:
            settings = update_settings(base, {**VARIANTS[name], "seed": seed})
            folder = out / "runs" / f"{data.name}-{name.replace(' ', '-')}-{seed}"
            metrics.append(_scores(data, settings, folder, rounds))
            done += 1
            if on_progress is not None:
                on_progress("games", done, len(variants) * len(seeds))
        for weights in ("raw", "averaged"):
            times = [first_to_reach(rows, nats, weights, rounds) for rows in metrics]
            at, seconds, ok = zip(*times, strict=True)
            found.append(Reached(name, weights, tuple(at), tuple(seconds), sum(ok)))
    picture = write_picture(plot(found, nats, len(seeds)), out / "efficiency.png")
    return [row for one in found for row in _rows(one, nats, data.name, len(seeds))], picture


def _scores(data: Dataset, settings: Settings, folder: Path, rounds: int) -> list[dict[str, Any]]:
    """The metrics of a game with a score every 250 rounds, up to a divergence."""
    cadence = Cadence(
        log_every=SCORE_EVERY,
        score_every=SCORE_EVERY,
        save_every=SCORE_EVERY,
        samples_every=rounds,
    )
    with suppress(Diverged):  # it may be the setting that diverges; other games go on
        train(
            data,
            preset=PRESET,
            settings=settings,
            run=folder,
            rounds=rounds,
            cadence=cadence,
            progress=False,
        )
    return read_metrics(folder)


def _rows(one: Reached, nats: float, data: str, seeds: int) -> list[Row]:
    """Rounds and seconds to the score; a model that did not reach it says so."""
    missing = "" if one.reached == seeds else f" ({one.reached} of {seeds} seeds reach it)"
    model = f"{one.variant}, {one.weights} G{missing}"
    return [
        Row(
            "efficiency",
            model,
            f"{unit} to {nats:g} nats",
            data,
            *mean_and_spread(list(map(float, values))),
            seeds,
        )
        for unit, values in (("rounds", one.rounds), ("seconds", one.seconds))
    ]


def plot(found: Sequence[Reached], nats: float, seeds: int) -> Figure:
    """Plot rounds and seconds to the score, one line a variant; hollow where a seed failed."""
    names = list(dict.fromkeys(one.variant for one in found))
    figure = Figure(figsize=(11, 1.2 + 0.42 * len(names)), layout="constrained")
    values: dict[str, Callable[[Reached], tuple[float, ...]]] = {
        f"rounds to {nats:g} nats": lambda one: one.rounds,
        f"seconds to {nats:g} nats": lambda one: one.seconds,
    }
    for axes, (label, of) in zip(figure.subplots(1, 2, sharey=True), values.items(), strict=True):
        for one in found:
            y = names.index(one.variant) + (0.15 if one.weights == "raw" else -0.15)
            colour = D_COLOUR if one.weights == "raw" else OTHER_COLOUR
            whole = one.reached == seeds
            axes.plot([min(of(one)), max(of(one))], [y, y], color=colour, lw=1.5)
            axes.plot(
                np.mean(of(one)),
                y,
                "o",
                color=colour,
                markerfacecolor=colour if whole else "white",
                label=f"{one.weights} G" if one.variant == names[0] else None,
            )
        axes.set(xlabel=label, yticks=range(len(names)), yticklabels=names)
        axes.invert_yaxis()
        axes.grid(axis="x", color=GREY, alpha=0.2)
        tidy(axes)
    figure.axes[0].legend(frameon=False)
    return figure
