"""Experiments on the paper's claims about training (§3, §5, §6), each with a table and a figure.

The games use narrow networks on mnist-5k and take about a minute each; `training.train` trains the
published sizes. The games of one experiment differ in one setting only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adversarial_nets import datasets, objectives, priors
from adversarial_nets.build import change_settings, new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import unknown_name
from adversarial_nets.evaluation import classifier, parzen_score, parzen_score_on
from adversarial_nets.game import sample, sample_noise
from adversarial_nets.layers import evaluation_mode
from adversarial_nets.plots.style import DATA_COLOUR, PALETTE, tidy, write_picture
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.random import Address
from adversarial_nets.runs.files import explain_os_errors
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.toys.recording import play_with_snapshots
from adversarial_nets.training.diagnostics import variance_ratio

__all__ = [
    "CLAIMS",
    "Claim",
    "Experiment",
    "claim",
    "gradients",
    "head_start",
    "helvetica",
    "parzen_spread",
    "steps",
]

Row = Mapping[str, int | float]


@dataclass(frozen=True)
class Claim:
    """The result of an experiment on one claim.

    Attributes:
        statement: the paper's claim.
        method: the experiment, in one or two sentences.
        rows: the table, each row by column name.
        figure: the figure.
    """

    statement: str
    method: str
    rows: tuple[Row, ...]
    figure: Figure


class Experiment(Protocol):
    """A function that runs one experiment with its default parameters."""

    def __call__(self, seed: int = 0, *, on_progress: Progress) -> Claim:
        """Run the experiment.

        Args:
            seed: seed of all games.
            on_progress: called during the experiment.
        """


def _narrow(seed: int) -> Settings:
    """Preset quickstart-2014 with narrower networks: a few thousand rounds take under a minute."""
    s = PRESETS["quickstart-2014"].settings
    G = replace(s.G, hidden=(256, 256), init=(0.108,))
    return replace(s, G=G, D=replace(s.D, units=(100, 100)), ema_decay=0.0, seed=seed)


def _two_panels() -> tuple[Figure, Axes, Axes]:
    """A figure with two panels side by side."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure, left, right


# --- k steps of D for one of G (§3) ---------------------------------------------------------------


@torch.no_grad()
def value_on_training_and_held_out_images(game: Game, data: Dataset) -> tuple[float, float]:
    """V(D, G) in nats on 500 training images, and on 500 held-out images, without dropout."""
    with evaluation_mode(game.D):
        a_G_z = game.D(sample(game.G, game.settings, 500, "samples to watch")).flatten()
        on_training, on_held_out = (
            objectives.value(game.D(data.floats(x[:500])).flatten(), a_G_z).item()
            for x in (data.train, data.valid)
        )
    return on_training, on_held_out


def steps(
    seed: int = 0,
    updates: int = 4000,
    ks: Sequence[int] = (1, 2, 5, 20),
    *,
    on_progress: Progress = no_progress,
) -> Claim:
    """V on training and held-out images, and the Parzen score, for several k.

    Args:
        seed: seed of all games.
        updates: the number of updates of D in each game; G has updates/k.
        ks: values of k, the updates of D per update of G.
        on_progress: called during each game.
    """
    data = datasets.load("mnist-5k")
    figure, curves, scores = _two_panels()
    rows = []
    for k, colour in zip(ks, PALETTE, strict=False):
        game, rounds = new_game(replace(_narrow(seed), k=k), data), updates // k

        def take_snapshot(game: Game, k: int = k) -> tuple[int, float, float]:
            on_progress(f"k = {k}, update of D", game.round * k, updates)
            return (game.round * k, *value_on_training_and_held_out_images(game, data))

        at = [r for r in range(1, rounds + 1) if r * k % (updates // 20) < k]
        update, training, held_out = np.array(
            play_with_snapshots(game, rounds, take_snapshot, at)
        ).T
        curves.plot(update, training, color=colour, label=f"k = {k}, training images")
        curves.plot(update, held_out, color=colour, ls="--", label=f"k = {k}, held-out images")
        score = parzen_score_on(data, sample(game.G, game.settings, 2000))
        rows.append(
            {
                "k": k,
                "updates of D": updates,
                "updates of G": rounds,
                "V, training": float(training[-3:].mean()),
                "V, held out": float(held_out[-3:].mean()),
                "gap": float((training - held_out)[-3:].mean()),
                "Parzen, nats": score.nats,
            }
        )
    curves.axhline(-math.log(4), color=DATA_COLOUR, lw=0.8, ls=":")
    curves.set(title="V(D, G), D without dropout", xlabel="update of D", ylabel="nats")
    names = [str(row["k"]) for row in rows]
    scores.bar(names, [row["Parzen, nats"] for row in rows], color=PALETTE[: len(rows)])
    scores.set(title="Parzen score, 2,000 samples", xlabel="k", ylabel="nats")
    tidy(curves)
    return Claim(
        "Optimising D to completion would be computationally prohibitive and, on finite data, "
        "result in overfitting; hence k steps of D for one of G (§3).",
        f"mnist-5k, 4,000 training images, narrow networks, {updates:,} updates of D for every k.",
        tuple(rows),
        figure,
    )


# --- The gradients of G's two objectives (§3) -----------------------------------------------------


def gradient_norms(game: Game) -> dict[str, float]:
    """The norm of ∇θ_g of each of G's objectives, on the same minibatch; the game is unchanged."""
    z = sample_noise(game, game.round, "z to compare gradients")
    with evaluation_mode(game.D):
        a = game.D(game.G(z)).flatten()
    parameters = list(game.G.parameters())
    norms = {}
    for name in ("minimax", "non-saturating"):
        loss = objectives.generator_loss(a, name)
        parts = torch.autograd.grad(loss, parameters, retain_graph=True)
        norms[name] = torch.cat([part.flatten() for part in parts]).norm().item()
    return norms


def gradients(seed: int = 0, rounds: int = 600, *, on_progress: Progress = no_progress) -> Claim:
    """The gradient norms of G's two objectives early in training, when D is better than G.

    Args:
        seed: seed of the game.
        rounds: the number of rounds.
        on_progress: called during the game.
    """
    game = new_game(_narrow(seed), datasets.load("mnist-5k"))

    def take_snapshot(game: Game) -> dict[str, int | float]:
        D_G_z = game.stats.means()["D_G_z"]
        game.stats.rounds = 0
        game.stats.sums.zero_()
        on_progress("round", game.round, rounds)
        norms = gradient_norms(game)
        ratio = norms["non-saturating"] / norms["minimax"]
        return {"round": game.round, **norms, "D(G(z))": D_G_z, "ratio": ratio}

    every = rounds // 40 or 1
    snapshots = play_with_snapshots(game, rounds, take_snapshot, range(every, rounds + 1, every))
    figure, norms, outputs = _two_panels()
    at = [row["round"] for row in snapshots]
    for name, colour in (("minimax", PALETTE[1]), ("non-saturating", PALETTE[2])):
        norms.plot(at, [row[name] for row in snapshots], color=colour, lw=2, label=name)
    norms.set(title="norm of G's gradient", xlabel="round", yscale="log")
    outputs.plot(at, [row["D(G(z))"] for row in snapshots], color=PALETTE[0], lw=2)
    outputs.set(title="mean D(G(z))", xlabel="round", ylim=(0, 1))
    tidy(norms)
    every = max(1, len(snapshots) // 8)
    largest = max(snapshots, key=itemgetter("ratio"))
    return Claim(
        "Early in learning log(1 − D(G(z))) saturates; log D(G(z)) gives much stronger gradients "
        "(§3).",
        "mnist-5k, narrow networks, one game (non-saturating); both gradients on the same "
        "minibatch.",
        tuple(row for i, row in enumerate(snapshots) if i % every == 0 or row is largest),
        figure,
    )


# --- A head start for G ---------------------------------------------------------------------------


def head_start(
    seed: int = 0,
    rounds: int = 3000,
    lengths: Sequence[int] = (0, 20, 200),
    *,
    on_progress: Progress = no_progress,
) -> Claim:
    """Parzen scores of games in which G alone is trained first, against the initial D.

    Args:
        seed: seed of all games.
        rounds: the number of rounds of each game, including the head start.
        lengths: the rounds of G alone, one number per game.
        on_progress: called during each game.
    """
    data = datasets.load("mnist-5k")
    figure, curves, second_half = _two_panels()
    rows = []
    for n, colour in zip(lengths, PALETTE, strict=False):
        game = new_game(replace(_narrow(seed), head_start=n), data)

        def take_snapshot(game: Game, n: int = n) -> tuple[int, float]:
            valid = data.floats(data.valid)
            nats = parzen_score(sample(game.G, game.settings, 2000), valid, valid, "paper").nats
            on_progress(f"head start {n}, round", game.round, rounds)
            return game.round, nats

        every = max(1, rounds // 6)
        scores = play_with_snapshots(game, rounds, take_snapshot, range(every, rounds + 1, every))
        for axes, some in ((curves, scores), (second_half, scores[len(scores) // 2 :])):
            label = f"G alone for {n} rounds" if n else "no head start"
            axes.plot(*zip(*some, strict=True), color=colour, lw=2, marker="o", label=label)
        rows.append(
            {"head start": n, "rounds": rounds} | {f"round {r}": v for r, v in scores[1::2]}
        )
    curves.set(title="Parzen score on validation images", xlabel="round", ylabel="nats")
    second_half.set(title="the second half", xlabel="round")
    tidy(curves)
    return Claim(
        "G is poor early in learning; does it help to train G first? (a question about §3)",
        "mnist-5k, narrow networks; the head start counts as part of the rounds.",
        tuple(rows),
        figure,
    )


# --- The Helvetica scenario (§6) ------------------------------------------------------------------


def helvetica(
    seed: int = 0, together: int = 1500, alone: int = 1000, *, on_progress: Progress = no_progress
) -> Claim:
    """Compare the modes covered if D is frozen while G is trained with a game that trains both.

    Args:
        seed: seed of both games.
        together: the rounds of both networks at the beginning.
        alone: the rounds after that.
        on_progress: called during both games.
    """
    data, rounds = datasets.load("mnist-5k"), together + alone
    model = classifier(data, on_progress)
    early, late = max(1, together // 5), max(1, alone // 10)
    at = [r for r in range(1, rounds + 1) if r % (late if r > together else early) == 0]
    histories: dict[str, Float64[np.ndarray, "snapshots 3"]] = {}
    for name, freeze_D in (("both learn", False), ("D stands still", True)):
        game = new_game(_narrow(seed), data)

        def take_snapshot(game: Game, name: str = name) -> tuple[int, int, float]:
            x = sample(game.G, game.settings, 1000)
            share = model.classes(x).bincount(minlength=10).double() / len(x)
            on_progress(f"{name}, round", game.round, rounds)
            return game.round, int((share >= 0.01).sum()), variance_ratio(game, data)

        first = play_with_snapshots(game, together, take_snapshot, [r for r in at if r <= together])
        if freeze_D:
            change_settings(game, replace(game.settings, train_only="G"))
        second = play_with_snapshots(game, rounds, take_snapshot, [r for r in at if r > together])
        histories[name] = np.array([*first, *second])
    rows = [
        {
            "round": int(both[0]),
            "digits, both learn": int(both[1]),
            "digits, D stands still": int(frozen[1]),
            "variance, both learn": float(both[2]),
            "variance, D stands still": float(frozen[2]),
        }
        for both, frozen in zip(*histories.values(), strict=True)
    ]
    return Claim(
        "G must not be trained too much without updating D, or it collapses too many z to the "
        "same x: “the Helvetica scenario” (§6).",
        f"mnist-5k, narrow networks: both networks for {together:,} rounds, then {alone:,} more "
        "rounds with D frozen, or with both. A digit is hit if it has at least a tenth of the "
        "expected share of 1,000 samples, according to a classifier whose accuracy on test images "
        f"is {model.accuracy:.1%}.",
        tuple(rows),
        _plot_helvetica(histories, together),
    )


def _plot_helvetica(
    histories: Mapping[str, Float64[np.ndarray, "snapshots 3"]], together: int
) -> Figure:
    """Digits hit and the variance ratio over the rounds, for both games."""
    labels = {"both learn": "both trained", "D stands still": "D frozen"}
    figure, digits, variance = _two_panels()
    for (name, history), colour in zip(histories.items(), PALETTE, strict=False):
        for axes, values in ((digits, history[:, 1]), (variance, history[:, 2])):
            label = labels[name]
            axes.plot(history[:, 0], values, color=colour, lw=2, marker="o", ms=3, label=label)
    for axes in (digits, variance):
        axes.axvline(together, color=DATA_COLOUR, lw=0.8, ls=":")
        axes.set(xlabel="round", ylim=(0, None))
    digits.set(title="digits hit, of 10")
    variance.set(title="variance of samples / variance of data")
    tidy(digits)
    return figure


# --- The variance of the Parzen estimate (§5) -----------------------------------------------------


def parzen_spread(
    seed: int = 0,
    counts: Sequence[int] = (100, 1000, 10_000),
    dimensions: Sequence[int] = (1, 2, 5, 10, 30, 100),
    draws: int = 8,
    *,
    on_progress: Progress = no_progress,
) -> Claim:
    """Compare the Parzen estimate for a perfect model with its exact log-likelihood.

    Args:
        seed: seed of all random numbers.
        counts: numbers of samples in the Parzen estimate.
        dimensions: dimensions of x.
        draws: the number of independent repetitions, over which the standard deviation is taken.
        on_progress: called after each dimension.
    """
    rows = []
    for d in dimensions:
        rows += [_parzen_row(seed, d, n, draws) for n in counts]
        on_progress("dimensions", d, max(dimensions))
    figure, *panels = _two_panels()
    for axes, name in zip(panels, ("error", "spread"), strict=True):
        for n, colour in zip(counts, PALETTE, strict=False):
            some = [row for row in rows if row["samples"] == n]
            at, values = [row["dimensions"] for row in some], [abs(row[name]) for row in some]
            axes.plot(at, values, color=colour, marker="o", label=f"{n:,} samples")
        axes.set(xscale="log", yscale="log", xlabel="dimensions", ylabel="nats")
    panels[0].set(title="absolute error of the estimate")
    panels[1].set(title=f"standard deviation over {draws} repetitions")
    tidy(panels[0])
    return Claim(
        "The Parzen estimate has somewhat high variance and does not perform well in high "
        "dimensional spaces (§5).",
        "p_data = p_g = N(0, I): a perfect model, whose log-likelihood is known exactly.",
        tuple(rows),
        figure,
    )


def _parzen_row(seed: int, d: int, n: int, draws: int) -> dict[str, int | float]:
    """Error and standard deviation of the Parzen estimate from n samples in d dimensions."""
    sigmas = np.geomspace(0.05, 2, 25).tolist()
    estimates, exact = [], []
    for i in range(draws):

        def normal(purpose: str, rows: int, i: int = i) -> torch.Tensor:
            return priors.draw("gaussian", Address(seed, i, range(rows)), d, purpose)

        x = normal("test", 300)
        estimates.append(parzen_score(normal("samples", n), normal("valid", 300), x, sigmas).nats)
        exact.append(-d / 2 * math.log(2 * math.pi) - x.square().sum(1).mean().item() / 2)
    # Compared on the same test points, so that the variance of the test points cancels.
    errors = np.subtract(estimates, exact)
    return {
        "dimensions": d,
        "samples": n,
        "truth, nats": float(np.mean(exact)),
        "estimate": float(np.mean(estimates)),
        "error": float(errors.mean()),
        "spread": float(errors.std(ddof=1)),
    }


# --- Names, and the command -----------------------------------------------------------------------

CLAIMS: Mapping[str, Experiment] = {
    "steps": steps,
    "gradients": gradients,
    "head-start": head_start,
    "helvetica": helvetica,
    "parzen-spread": parzen_spread,
}
"""Every experiment by the name that ``advnets paper claim`` takes."""


def claim(
    name: str, out: Path, *, seed: int = 0, on_progress: Progress = no_progress
) -> tuple[Claim, Path]:
    """Run the experiment on a claim and write its figure: ``advnets paper claim``.

    Args:
        name: one of `CLAIMS`.
        out: a folder for ``NAME.png``.
        seed: seed of all games.
        on_progress: called during the experiment.

    Returns:
        The result, and the figure's path.

    Raises:
        UserError: an unknown claim, or the folder cannot be written.
    """
    if name not in CLAIMS:
        raise unknown_name(name, list(CLAIMS), "claim")
    with explain_os_errors(out):  # before the experiment, which takes minutes
        out.mkdir(parents=True, exist_ok=True)
    found = CLAIMS[name](seed, on_progress=on_progress)
    return found, write_picture(found.figure, out / f"{name}.png")
