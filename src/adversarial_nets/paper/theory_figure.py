"""A figure of §4: the maximum at a/(a + b), divergences, convexity of C, and the limit of §2."""

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import xlogy

from adversarial_nets.plots.style import (
    D_COLOUR,
    DATA_COLOUR,
    G_COLOUR,
    OTHER_COLOUR,
    tidy,
    write_picture,
)
from adversarial_nets.theory import divergences, quadrature, statements
from adversarial_nets.toys.distributions import gaussian

__all__ = ["plot_theory", "theory_figure"]

_COLOURS = (DATA_COLOUR, G_COLOUR, D_COLOUR, OTHER_COLOUR)


def plot_theory(seed: int = 0) -> Figure:
    """Plot the four panels; the seed chooses the random distributions and networks."""
    figure = Figure(figsize=(11, 7.4), layout="constrained")
    (maximum, divergence), (convexity, limit) = figure.subplots(2, 2)
    _plot_maximum(maximum)
    _plot_divergences(divergence)
    _plot_convexity(convexity, np.random.default_rng(seed))
    _plot_limit(limit, np.random.default_rng(seed))
    for axes in (maximum, divergence, convexity, limit):
        tidy(axes)
    return figure


def _plot_maximum(axes: Axes) -> None:
    y = np.linspace(0.002, 0.998, 500)
    for (a, b), colour in zip(((1, 1), (3, 1), (1, 3)), _COLOURS, strict=False):
        axes.plot(y, xlogy(a, y) + xlogy(b, 1 - y), color=colour, label=f"a = {a}, b = {b}")
        best = a / (a + b)
        axes.plot(best, xlogy(a, best) + xlogy(b, 1 - best), "o", color=colour)
    axes.set(
        ylim=(-8, 0), xlabel="y = D(x)", title="a log y + b log(1 − y) is maximal at a/(a + b)"
    )


def _plot_divergences(axes: Axes) -> None:
    p, distances = gaussian(0.0, 1.0), np.linspace(0, 8, 41)
    others = [gaussian(float(d), 2.0) for d in distances]
    for values, colour, label in (
        ([quadrature.KL_density(p, q).value for q in others], _COLOURS[3], "KL(p ‖ q)"),
        ([quadrature.KL_density(q, p).value for q in others], _COLOURS[2], "KL(q ‖ p)"),
        ([quadrature.JSD_density(p, q).value for q in others], _COLOURS[1], "JSD(p ‖ q)"),
    ):
        axes.plot(distances, values, color=colour, lw=2, label=label)
    axes.axhline(math.log(2), color=_COLOURS[0], lw=0.8, ls="--", label="log 2")
    axes.set(ylim=(0, 4), xlabel="distance d", title="p = N(0, 1), q = N(d, 2²): nats")


def _plot_convexity(axes: Axes, rng: np.random.Generator) -> None:
    t, p_data = np.linspace(0, 1, 101), rng.dirichlet(np.full(20, 1.0))
    for concentration, colour in zip((0.05, 0.3, 2.0), _COLOURS[1:], strict=True):
        p_g = rng.dirichlet(np.full(20, concentration))
        line = [divergences.C(p_data, (1 - s) * p_g + s * p_data) for s in t]
        label = f"from a p_g of entropy {divergences.entropy(p_g):.2f}"
        axes.plot(t, line, color=colour, lw=2, label=label)
    axes.axhline(-divergences.LOG4, color=_COLOURS[0], lw=0.8, ls="--", label="−log 4")
    axes.set(xlabel="share of p_data in p_g", title="C(G) is convex; its minimum is p_g = p_data")


def _plot_limit(axes: Axes, rng: np.random.Generator) -> None:
    sigmas = np.geomspace(1e-3, 1, 25)
    for i in range(5):
        label = "random networks f" if i == 0 else None
        errors = statements.gradient_errors(rng, sigmas)
        axes.plot(sigmas, errors, color=_COLOURS[2], lw=1, label=label)
    axes.plot(sigmas, sigmas**2, color=_COLOURS[0], lw=0.8, ls="--", label="σ²")
    axes.set(xscale="log", yscale="log", xlabel="σ", title="‖∇ₓ E f(x + ε) − ∇f(x)‖, ε ~ N(0, σ²I)")


def theory_figure(out: Path = Path("runs/paper/theory"), *, seed: int = 0) -> Path:
    """Write ``theory.png`` into a folder: ``advnets paper theory --out FOLDER``.

    Args:
        out: the folder.
        seed: chooses the random distributions and networks.

    Returns:
        The path of the figure.
    """
    return write_picture(plot_theory(seed), out / "theory.png")
