"""§4.2 in function space and in parameters: mirror descent on p_g, compared with a trained game.

In function space D is optimal at every step and p_g itself is updated: C decreases at every step,
down to −log 4. In parameters, with gradient steps for both networks, convergence is not guaranteed
and the parameters may oscillate (§4.2: "in practice adversarial nets represent a limited family of
p_g distributions via the function G(z; θ_g), and we optimize θ_g rather than p_g itself, so the
proofs do not apply").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adversarial_nets.plots.style import DATA_COLOUR, G_COLOUR, OTHER_COLOUR, tidy, write_picture
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.theory import divergences
from adversarial_nets.toys.kinds import LINE
from adversarial_nets.toys.line import Evaluator, Snapshot
from adversarial_nets.toys.recording import record

__all__ = [
    "SETTINGS",
    "FunctionSpace",
    "function_space",
    "mirror_descent",
    "phase_portrait",
    "play_both",
    "plot",
]

SETTINGS = Settings(
    G=GeneratorSettings(
        hidden=(8,),
        activations=("sigmoid",),
        output="linear",
        init=(4.0, 0.1),
        bias_from_marginals=False,
    ),
    D=DiscriminatorSettings(
        units=(8,), pieces=2, init=(1.0, 0.3), keep_prob_input=1.0, keep_prob_hidden=1.0
    ),
    protocol="paper",
    batch=512,
    z_size=1,
    optimiser="adam",
    # Adam at one constant learning rate for both networks, which makes them oscillate.
    lr=0.01,
    lr_decay=1.0,
    momentum=0.9,
    momentum_end=0.9,
)
"""The default settings of the game in parameters: small networks that oscillate."""

Vector = Float64[np.ndarray, " n"]


def mirror_descent(p_data: Vector, p_g: Vector, eta: float, steps: int) -> list[Vector]:
    """p_g after 0, 1, … steps of `theory.mirror_descent_step`.

    Args:
        p_data: the data's distribution.
        p_g: the initial distribution of the generator.
        eta: the step size η.
        steps: the number of steps.

    >>> path = mirror_descent(np.array([0.5, 0.5]), np.array([0.9, 0.1]), eta=1.0, steps=2)
    >>> [float(p[0].round(3)) for p in path]
    [0.9, 0.7, 0.6]
    """
    path = [p_g]
    for _ in range(steps):
        path.append(divergences.mirror_descent_step(p_data, path[-1], eta))
    return path


@dataclass(frozen=True)
class FunctionSpace:
    """Mirror descent and a trained game from the same p_g, with as many steps as rounds.

    Attributes:
        evaluator: the cells of x, and the data's probabilities.
        eta: the step size η in function space.
        path: p_g at each step in function space.
        snapshots: snapshots of the game in parameters.
        jsd: JSD(p_data ‖ p_g) at each step in function space, in nats.
        bound: the theoretical upper bound KL(p_data ‖ p_0) / 2ηt of `jsd`, for t = 1, 2, ….
        jsd_parameters: JSD at each snapshot of the game in parameters, in nats.
        rises: how often JSD increased: between steps in function space, and between snapshots in
            parameters.
        files: the pictures.
    """

    evaluator: Evaluator
    eta: float
    path: tuple[Vector, ...]
    snapshots: tuple[Snapshot, ...]
    jsd: Float64[np.ndarray, " steps_and_start"]
    bound: Float64[np.ndarray, " steps"]
    jsd_parameters: Float64[np.ndarray, " frames"]
    rises: tuple[int, int]
    files: tuple[Path, ...] = ()


def play_both(
    data: str = "gaussian",
    eta: float = 0.05,
    steps: int = 400,
    settings: Settings = SETTINGS,
    every: int = 5,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> FunctionSpace:
    """Run mirror descent on p_g, and play a game from the same initial p_g.

    Args:
        data: a name or file for `toys.find`, on the line.
        eta: the step size η in function space; C decreases at every step for η in (0, 1].
        steps: the number of steps of p_g, and of rounds of the game.
        settings: settings of the game.
        every: take a snapshot of the game every `every` rounds, and of the last one.
        on_snapshot: called with each new snapshot and the number of rounds.
    """
    rounds = sorted({*range(0, steps + 1, every), steps})
    recording = record(LINE, data, rounds, settings, on_snapshot)
    p_data, snapshots = recording.evaluator.p_data, recording.snapshots
    p_0 = snapshots[0].p_g + 1e-9  # in function space a probability of 0 stays 0
    path = mirror_descent(p_data, p_0 / p_0.sum(), eta, steps)
    jsd = np.array([divergences.JSD(p_data, p_g) for p_g in path])
    parameters = np.array([divergences.JSD(p_data, snapshot.p_g) for snapshot in snapshots])
    return FunctionSpace(
        evaluator=recording.evaluator,
        eta=eta,
        path=tuple(path),
        snapshots=snapshots,
        jsd=jsd,
        bound=divergences.KL(p_data, path[0]) / (2 * eta * np.arange(1, steps + 1)),
        jsd_parameters=parameters,
        rises=(int((np.diff(jsd) > 1e-15).sum()), int((np.diff(parameters) > 0).sum())),
    )


def phase_portrait(
    evaluator: Evaluator, snapshots: tuple[Snapshot, ...]
) -> Float64[np.ndarray, "snapshots 2"]:
    """The phase portrait of a game: p_g's mean, and the slope of D's logit at the data's mean.

    The equilibrium is (the data's mean, 0). The slope is a difference quotient over ± a tenth of
    the evaluator's interval.
    """
    x = evaluator.support
    middle, step = int(np.argmin(np.abs(x - evaluator.p_data @ x))), len(x) // 10
    left, right = max(middle - step, 0), min(middle + step, len(x) - 1)
    means = [snapshot.p_g @ x for snapshot in snapshots]
    slopes = [(s.a[right] - s.a[left]) / (x[right] - x[left]) for s in snapshots]
    return np.stack([means, slopes], axis=1)


# --- The figure -----------------------------------------------------------------------------------


def plot(both: FunctionSpace) -> Figure:
    """Above: p_g over time in function space and in parameters. Below: JSD, a phase portrait."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    (functions, parameters), (jsd, portrait) = figure.subplots(2, 2)
    last, snapshots = len(both.path) - 1, both.snapshots
    steps = sorted({0, *(round(last / 2**k) for k in range(6))})
    _plot_path(functions, both.evaluator, "step", {t: both.path[t] for t in steps}, "Greens")
    functions.set_title(f"In function space: $p_g$ itself is updated, $D = D^*$, η = {both.eta:g}")
    chosen = np.linspace(0, len(snapshots) - 1, 7).round().astype(int)
    path = {snapshots[i].round: snapshots[i].p_g for i in chosen}
    _plot_path(parameters, both.evaluator, "round", path, "Oranges")
    parameters.set_title("In parameters: small networks, one step each")
    _plot_jsd(jsd, both)
    _plot_phase_portrait(portrait, both)
    return figure


def _plot_path(
    axes: Axes, evaluator: Evaluator, unit: str, path: Mapping[int, Vector], colours: str
) -> None:
    """p_g at some steps or rounds, darker over time, and p_data."""
    width = evaluator.edges[1] - evaluator.edges[0]
    shades = colormaps[colours](np.linspace(0.35, 1, len(path)))
    for (t, p_g), shade in zip(path.items(), shades, strict=True):
        axes.plot(evaluator.x, p_g[1:-1] / width, color=shade, lw=1.6, label=f"{t:,}")
    p_data, dotted = evaluator.p_data[1:-1] / width, (0, (1, 1.5))
    label = r"$p_{\mathrm{data}}$"
    axes.plot(evaluator.x, p_data, color=DATA_COLOUR, lw=2, ls=dotted, label=label)
    axes.set(ylim=(0, 2 * p_data.max()), yticks=[])
    tidy(axes)
    axes.legend(frameon=False, fontsize=8, title=unit)


def _plot_jsd(axes: Axes, both: FunctionSpace) -> None:
    """JSD(p_data ‖ p_g) in function space with its bound, and in parameters."""
    last, rounds = len(both.path) - 1, [snapshot.round for snapshot in both.snapshots]
    axes.plot(both.jsd.clip(1e-17), color=G_COLOUR, lw=2, label="in function space")
    label = r"its bound, KL($p_{\mathrm{data}}$ ‖ $p_0$) / 2η$t$"
    axes.plot(range(1, last + 1), both.bound, color=G_COLOUR, lw=1, ls="--", label=label)
    axes.plot(rounds, both.jsd_parameters, color=OTHER_COLOUR, lw=1.5, label="in parameters")
    axes.set(yscale="log", xlabel="step, or round", xlim=(0, last))
    axes.set_title(r"JSD($p_{\mathrm{data}}$ ‖ $p_g$), nats")
    tidy(axes)


def _plot_phase_portrait(axes: Axes, both: FunctionSpace) -> None:
    """p_g's mean against the slope of D's logit, coloured by round, and the equilibrium."""
    evaluator, last = both.evaluator, len(both.path) - 1
    path = phase_portrait(evaluator, both.snapshots)
    rounds = [snapshot.round for snapshot in both.snapshots]
    axes.plot(path[:, 0], path[:, 1], color=OTHER_COLOUR, lw=0.8, alpha=0.6)
    dots = axes.scatter(
        path[:, 0], path[:, 1], c=rounds, cmap="YlOrBr", vmin=-last / 3, s=18, zorder=2
    )
    mean = evaluator.p_data @ evaluator.support
    axes.plot(mean, 0, "+", color=DATA_COLOUR, ms=14, mew=2, label="equilibrium")
    axes.set(xlabel="mean of $p_g$", ylabel="slope of $D$'s logit there")
    axes.set_title("In parameters the game oscillates")
    tidy(axes)
    # vmin below 0 avoids the palest colours of the colour map; the colour bar starts at 0.
    axes.figure.colorbar(dots, ax=axes, label="round").ax.set_ylim(0)


# --- The command ----------------------------------------------------------------------------------


def function_space(
    data: str = "gaussian",
    out: Path = Path("runs/paper/function-space"),
    *,
    eta: float = 0.05,
    steps: int = 400,
    seed: int = 0,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> FunctionSpace:
    """Compare mirror descent on p_g with a trained game: ``advnets paper function-space`` (§4.2).

    Args:
        data: ``gaussian``, ``mixture``, ``uniform``, optionally with your own numbers, or a CSV
            file with one column.
        out: a folder for ``function-space.png`` and ``.svg``.
        eta: the step size η in function space.
        steps: the number of steps of p_g, and of rounds of the game.
        seed: the seed of the game.
        on_snapshot: called with each new snapshot and the number of rounds.
    """
    both = play_both(data, eta, steps, replace(SETTINGS, seed=seed), on_snapshot=on_snapshot)
    figure = plot(both)
    files = tuple(
        write_picture(figure, out / f"function-space.{kind}", dpi=120) for kind in ("png", "svg")
    )
    return replace(both, files=files)
