"""What the paper says about training, tried: each claim ends in a table and a picture.

The games are small and short, on the embedded digits; the published sizes are `training.train`'s.
Every game differs from its neighbours in one setting only.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adversarial_nets import datasets, objectives, priors
from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.errors import unknown_name
from adversarial_nets.evaluation import classifier, parzen_score, parzen_score_on
from adversarial_nets.game import play, sample, sample_noise
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress
from adversarial_nets.random import Address
from adversarial_nets.runs.files import explain_os_errors, write_atomically
from adversarial_nets.settings import Settings
from adversarial_nets.state import Game
from adversarial_nets.training.diagnostics import spread as spread_of

__all__ = ["CLAIMS", "Claim", "claim", "gradients", "head_start", "helvetica", "spread", "steps"]

Row = Mapping[str, int | float]


@dataclass(frozen=True)
class Claim:
    """A claim, tried.

    Attributes:
        says: the paper's statement.
        how: what was played, in a sentence.
        rows: the table, each row by column.
        figure: the picture.
    """

    says: str
    how: str
    rows: tuple[Row, ...]
    figure: Figure


def _quiet(what: str, done: int, total: int | None) -> None:
    """Say nothing."""


_COLOURS = ("#1f5fc4", "#c4551f", "#1b9e3e", "#7a3fb0")
_BLACK = "#111111"


def _narrow(seed: int) -> Settings:
    """The quickstart's game with narrower nets: a few thousand rounds take under a minute."""
    s = PRESETS["quickstart"].settings
    G = replace(s.G, hidden=(256, 256), init=(0.108,))
    return replace(s, G=G, D=replace(s.D, units=(100, 100)), ema_decay=0.0, seed=seed)


# --- k steps of D for one of G (§3) ---------------------------------------------------------------


@torch.no_grad()
def _values(game: Game, data: Dataset) -> tuple[float, float]:
    """V(D, G) with training images in the place of p_data, and with held-out ones; no dropout."""
    game.D.eval()
    a_G_z = game.D(sample(game.G, game.settings, 500, "samples to watch")).flatten()
    found = [
        objectives.value(game.D(data.floats(x[:500])).flatten(), a_G_z).item()
        for x in (data.train, data.valid)
    ]
    game.D.train()
    return found[0], found[1]


def steps(
    seed: int = 0, updates: int = 4000, ks: Sequence[int] = (1, 2, 5, 20), on: Progress = _quiet
) -> Claim:
    """D's value on images it has seen and on others, and the Parzen score, for several k.

    Args:
        seed: of all games.
        updates: of D in each game, so that each D learns equally long; G has updates/k.
        ks: updates of D for each of G.
        on: told of every game's progress.
    """
    data = datasets.load("mnist-5k")
    figure, (curves, scores) = _two_panels()
    rows = []
    for k, colour in zip(ks, _COLOURS, strict=False):
        game = new_game(replace(_narrow(seed), k=k), data)
        looks: list[tuple[float, float, float]] = []

        def callback(game: Game, k: int = k, looks: list[Any] = looks) -> None:
            if game.round * k % (updates // 20) < k:
                looks.append((game.round * k, *_values(game, data)))
                on(f"k = {k}, update of D", game.round * k, updates)

        play(game, updates // k, callback)
        at, seen, held_out = np.array(looks).T
        curves.plot(at, seen, color=colour, label=f"k = {k}, training images")
        curves.plot(at, held_out, color=colour, ls="--", label=f"k = {k}, held-out images")
        score = parzen_score_on(data, sample(game.G, game.settings, 2000))
        rows.append(
            {
                "k": k,
                "updates of D": updates,
                "updates of G": updates // k,
                "V, training": float(seen[-3:].mean()),
                "V, held out": float(held_out[-3:].mean()),
                "gap": float((seen - held_out)[-3:].mean()),
                "Parzen, nats": score.nats,
            }
        )
    curves.axhline(-math.log(4), color=_BLACK, lw=0.8, ls=":")
    curves.set(title="V(D, G), D without dropout", xlabel="update of D", ylabel="nats")
    names = [str(row["k"]) for row in rows]
    scores.bar(names, [row["Parzen, nats"] for row in rows], color=_COLOURS[: len(rows)])
    scores.set(title="Parzen score, 2,000 samples", xlabel="k", ylabel="nats")
    _tidy(curves)
    return Claim(
        "Optimising D to completion would be too dear and, on finite data, overfit: so k steps of "
        "D for one of G (§3).",
        f"mnist-5k, 4,000 training images, narrow nets, {updates:,} updates of D for every k.",
        tuple(rows),
        figure,
    )


# --- Both of G's objectives, early (§3) -----------------------------------------------------------


def gradient_norms(game: Game) -> dict[str, float]:
    """The length of ∇θ_g of each of G's objectives, on one and the same minibatch."""
    z = sample_noise(game, game.round, "z to compare gradients")
    game.D.eval()
    a = game.D(game.G(z)).flatten()
    game.D.train()
    parameters = list(game.G.parameters())
    found = {}
    for name in ("minimax", "non-saturating"):
        loss = objectives.generator_loss(a, name)
        parts = torch.autograd.grad(loss, parameters, retain_graph=True)
        found[name] = torch.cat([part.flatten() for part in parts]).norm().item()
    return found


def gradients(seed: int = 0, rounds: int = 600, on: Progress = _quiet) -> Claim:
    """How long G's gradient is under both objectives while D runs ahead of it."""
    game = new_game(_narrow(seed), datasets.load("mnist-5k"))
    looks: list[dict[str, float]] = []

    def callback(game: Game) -> None:
        if game.round % (rounds // 40 or 1) == 0:
            D_G_z = game.stats.means()["D_G_z"]
            game.stats.rounds = 0
            game.stats.sums.zero_()
            looks.append({"round": game.round, **gradient_norms(game), "D(G(z))": D_G_z})
            on("round", game.round, rounds)

    play(game, rounds, callback)
    figure, (norms, discriminator_metrics) = _two_panels()
    at = [row["round"] for row in looks]
    for name, colour in (("minimax", _COLOURS[1]), ("non-saturating", _COLOURS[2])):
        norms.plot(at, [row[name] for row in looks], color=colour, lw=2, label=name)
    norms.set(title="length of G's gradient", xlabel="round", yscale="log")
    discriminator_metrics.plot(at, [row["D(G(z))"] for row in looks], color=_COLOURS[0], lw=2)
    discriminator_metrics.set(title="D(G(z)): how well D is fooled", xlabel="round", ylim=(0, 1))
    _tidy(norms)
    chosen = looks[:: max(1, len(looks) // 8)]
    rows = [row | {"ratio": row["non-saturating"] / row["minimax"]} for row in chosen]
    return Claim(
        "Early in learning log(1 − D(G(z))) saturates; log D(G(z)) gives much stronger gradients "
        "(§3).",
        "mnist-5k, narrow nets, one game (non-saturating); both gradients on the same minibatch.",
        tuple(rows),
        figure,
    )


# --- A head start for G ---------------------------------------------------------------------------


def head_start(
    seed: int = 0, rounds: int = 3000, lengths: Sequence[int] = (0, 20, 200), on: Progress = _quiet
) -> Claim:
    """The same game with G alone for some rounds first, against the D that knows nothing yet."""
    data = datasets.load("mnist-5k")
    figure, (curves, late) = _two_panels()
    rows = []
    for n, colour in zip(lengths, _COLOURS, strict=False):
        game = new_game(replace(_narrow(seed), head_start=n), data)
        looks: list[tuple[int, float]] = []

        def callback(game: Game, n: int = n, looks: list[tuple[int, float]] = looks) -> None:
            if game.round % max(1, rounds // 6) == 0:
                samples = sample(game.G, game.settings, 2000)
                valid = data.floats(data.valid)
                looks.append((game.round, parzen_score(samples, valid, valid, "paper").nats))
                on(f"head start {n}, round", game.round, rounds)

        play(game, rounds, callback)
        for axes, some in ((curves, looks), (late, looks[len(looks) // 2 :])):
            label = f"G alone for {n} rounds" if n else "both from the beginning"
            axes.plot(*zip(*some, strict=True), color=colour, lw=2, marker="o", label=label)
        rows.append({"head start": n, "rounds": rounds} | {f"round {r}": v for r, v in looks[1::2]})
    curves.set(title="Parzen score on validation images", xlabel="round", ylabel="nats")
    late.set(title="the second half, closer", xlabel="round")
    _tidy(curves)
    return Claim(
        "G is poor early in learning; might it help to train it first? (asked of §3)",
        "mnist-5k, narrow nets; the head start is part of the rounds, so all games are as long.",
        tuple(rows),
        figure,
    )


# --- The Helvetica scenario (§6) ------------------------------------------------------------------


def helvetica(
    seed: int = 0, together: int = 1500, alone: int = 1000, on: Progress = _quiet
) -> Claim:
    """G trained on while D stands still, and the same game with both: how many digits are left.

    Args:
        seed: of both games.
        together: rounds of both players first.
        alone: rounds after that.
        on: told of the progress.
    """
    data = datasets.load("mnist-5k")
    judge = classifier(data, on)
    figure, (digits, spreads) = _two_panels()
    looks: dict[str, list[tuple[int, int, float]]] = {}
    for name, stands_still in (("both learn", False), ("D stands still", True)):
        game = new_game(_narrow(seed), data)
        seen = looks[name] = []

        def callback(game: Game, seen: list[Any] = seen, name: str = name) -> None:
            late = game.round > together
            if game.round % max(1, alone // 10 if late else together // 5) == 0:
                x = sample(game.G, game.settings, 1000)
                share = judge.classes(x).bincount(minlength=10).double() / len(x)
                seen.append((game.round, int((share >= 0.01).sum()), spread_of(game, data)))
                on(f"{name}, round", game.round, together + alone)

        play(game, together, callback)
        if stands_still:
            game.optimiser_D.param_groups[0]["lr_scale"] = 0.0
        play(game, together + alone, callback)
    for (name, seen), colour in zip(looks.items(), _COLOURS, strict=False):
        at, hit, spread = np.array(seen).T
        digits.plot(at, hit, color=colour, lw=2, marker="o", ms=3, label=name)
        spreads.plot(at, spread, color=colour, lw=2, marker="o", ms=3, label=name)
    for axes in (digits, spreads):
        axes.axvline(together, color=_BLACK, lw=0.8, ls=":")
        axes.set(xlabel="round", ylim=(0, None))
    digits.set(title="digits hit, of 10")
    spreads.set(title="variance of the samples, of the data's")
    _tidy(digits)
    rows = [
        {
            "round": both[0],
            "digits, both learn": both[1],
            "digits, D stands still": still[1],
            "variance, both learn": both[2],
            "variance, D stands still": still[2],
        }
        for both, still in zip(*looks.values(), strict=True)
    ]
    return Claim(
        "G must not be trained too much without updating D, or it collapses too many z to the "
        "same x: “the Helvetica scenario” (§6).",
        f"mnist-5k, narrow nets: both players for {together:,} rounds, then {alone:,} more with D "
        "as it was, or learning on. A digit is hit with a tenth of its due of 1,000 samples, as a "
        f"classifier sees them that is right on {judge.accuracy:.1%} of the test images.",
        tuple(rows),
        figure,
    )


# --- Parzen's spread (§5) -------------------------------------------------------------------------


def spread(
    seed: int = 0,
    counts: Sequence[int] = (100, 1000, 10_000),
    dimensions: Sequence[int] = (1, 2, 5, 10, 30, 100),
    draws: int = 8,
    on: Progress = _quiet,
) -> Claim:
    """The Parzen estimate of a standard normal against the exact log-likelihood, draw after draw.

    Args:
        seed: of all draws.
        counts: how many samples carry a window.
        dimensions: of x.
        draws: independent repetitions, over which the spread is taken.
        on: told of the progress.
    """
    sigmas = np.geomspace(0.05, 2, 25).tolist()
    rows = []
    for d in dimensions:
        for n in counts:
            nats, exact = [], []
            for i in range(draws):

                def normal(purpose: str, rows: int, i: int = i, d: int = d) -> torch.Tensor:
                    return priors.draw("gaussian", Address(seed, i, range(rows)), d, purpose)

                x = normal("test", 300)
                nats.append(
                    parzen_score(normal("samples", n), normal("valid", 300), x, sigmas).nats
                )
                exact.append(-d / 2 * math.log(2 * math.pi) - x.square().sum(1).mean().item() / 2)
            # From the truth of the same points: which points they are is no fault of the window.
            errors = np.subtract(nats, exact)
            rows.append(
                {
                    "dimensions": d,
                    "samples": n,
                    "truth, nats": float(np.mean(exact)),
                    "estimate": float(np.mean(nats)),
                    "error": float(errors.mean()),
                    "spread": float(errors.std(ddof=1)),
                }
            )
        on("dimensions", d, max(dimensions))
    figure, panels = _two_panels()
    for axes, name in zip(panels, ("error", "spread"), strict=True):
        for n, colour in zip(counts, _COLOURS, strict=False):
            some = [row for row in rows if row["samples"] == n]
            at = [row["dimensions"] for row in some]
            axes.plot(
                at, [abs(r[name]) for r in some], color=colour, marker="o", label=f"{n:,} samples"
            )
        axes.set(xscale="log", yscale="log", xlabel="dimensions", ylabel="nats")
    panels[0].set(title="how far below the truth the estimate is")
    panels[1].set(title=f"spread of that over {draws} draws of everything")
    _tidy(panels[0])
    return Claim(
        "The Parzen estimate has somewhat high variance and does not perform well in high "
        "dimensional spaces (§5).",
        "p_data = p_g = N(0, I): a perfect model, whose log-likelihood is known exactly.",
        tuple(rows),
        figure,
    )


# --- Names, and the command -----------------------------------------------------------------------

CLAIMS: Mapping[str, Callable[..., Claim]] = MappingProxyType(
    {
        "steps": steps,
        "gradients": gradients,
        "head-start": head_start,
        "helvetica": helvetica,
        "parzen-spread": spread,
    }
)
"""By the name that ``advnets claim`` takes."""


def claim(name: str, out: Path, *, seed: int = 0, on: Progress = _quiet) -> tuple[Claim, Path]:
    """Try a claim and draw it: ``advnets claim``.

    Args:
        name: one of `CLAIMS`.
        out: a folder for ``NAME.png``.
        seed: of all games.
        on: told of the progress.

    Returns:
        What was found, and the picture's path.

    Raises:
        UserError: no such claim, or the folder cannot be written.
    """
    if name not in CLAIMS:
        raise unknown_name(name, list(CLAIMS), "claim")
    with explain_os_errors(out):  # before the game, which takes minutes
        out.mkdir(parents=True, exist_ok=True)
    found = CLAIMS[name](seed, on=on)
    file, picture = out / f"{name}.png", io.BytesIO()
    found.figure.savefig(picture, format="png", dpi=110)
    with explain_os_errors(out):
        write_atomically(file, picture.getvalue())
    return found, file


def _two_panels() -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure, (left, right)


def _tidy(axes: Axes) -> None:
    axes.legend(frameon=False, fontsize=8)
