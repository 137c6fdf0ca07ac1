"""The game of §4.2, played by p_g itself, beside the same game played by parameters.

In function space D is best at every step and p_g moves freely: C falls at each step, down to
−log 4. In parameters, with gradient steps for both players, nothing promises that, and they may
circle (§4.2: "in practice adversarial nets represent a limited family of p_g distributions via the
function G(z; θ_g), and we optimize θ_g rather than p_g itself, so the proofs do not apply").
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adversarial_nets.plots.style import write_picture
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.theory import divergences
from adversarial_nets.toys import catalogue, line
from adversarial_nets.toys.line import Evaluator, Snapshot
from adversarial_nets.toys.watching import watch

__all__ = ["SETTINGS", "FunctionSpace", "draw", "function_space", "mirror_descent", "portrait"]

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
    # Adam as most people take it, both players at one rate that never falls: they circle.
    lr=0.01,
    lr_decay=1.0,
    momentum=0.9,
    momentum_end=0.9,
)
"""The game in parameters unless told otherwise: small nets that circle."""

Vector = Float64[np.ndarray, " n"]


def mirror_descent(p_data: Vector, p_g: Vector, eta: float, steps: int) -> list[Vector]:
    """p_g, and what `theory.improve` makes of it, step after step.

    >>> path = mirror_descent(np.array([0.5, 0.5]), np.array([0.9, 0.1]), eta=1.0, steps=2)
    >>> [float(p[0].round(3)) for p in path]
    [0.9, 0.7, 0.6]
    """
    path = [p_g]
    for _ in range(steps):
        path.append(divergences.improve(p_data, path[-1], eta))
    return path


@dataclass(frozen=True)
class FunctionSpace:
    """Both games, from the same beginning, with as many steps as rounds.

    Attributes:
        evaluator: the cells of x, and the data's masses in them.
        eta: the step size η in function space.
        path: p_g at each step in function space.
        frames: the game in parameters at each tenth round or so.
        jsd: JSD(p_data ‖ p_g) at each step in function space, in nats.
        bound: what theory promises it to stay below: KL(p_data ‖ p_0) / 2ηt, for t = 1, 2, ….
        jsd_parameters: JSD at each frame of the game in parameters.
        rises: how often the JSD rose: from step to step in function space, and from frame to frame
            in parameters.
        files: the pictures.
    """

    evaluator: Evaluator
    eta: float
    path: tuple[Vector, ...]
    frames: tuple[Snapshot, ...]
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
    """Play both games.

    Args:
        data: a name or file for `toys.find`, on the line.
        eta: the step size η in function space, in (0, 1] for C to fall at each step.
        steps: of p_g, and rounds of the game in parameters.
        settings: of the game in parameters.
        every: look at the game in parameters each so many rounds.
        on_snapshot: called with each new frame and the number of rounds in all.
    """
    toy = catalogue.find(data)
    g, evaluator = line.new_game(toy, settings), line.new_evaluator(toy, settings)
    at = list(range(0, steps + 1, every))
    frames = watch(g, lambda g: line.take_snapshot(g, evaluator), at, on_snapshot)
    p_data = evaluator.p_data
    p_0 = frames[0].p_g + 1e-9  # what is 0 in function space would stay 0
    path = mirror_descent(p_data, p_0 / p_0.sum(), eta, steps)
    jsd = np.array([divergences.JSD(p_data, p_g) for p_g in path])
    parameters = np.array([divergences.JSD(p_data, snapshot.p_g) for snapshot in frames])
    return FunctionSpace(
        evaluator=evaluator,
        eta=eta,
        path=tuple(path),
        frames=frames,
        jsd=jsd,
        bound=divergences.KL(p_data, path[0]) / (2 * eta * np.arange(1, steps + 1)),
        jsd_parameters=parameters,
        rises=(int((np.diff(jsd) > 1e-15).sum()), int((np.diff(parameters) > 0).sum())),
    )


def portrait(evaluator: Evaluator, frames: tuple[Snapshot, ...]) -> Float64[np.ndarray, "frames 2"]:
    """The game in parameters as a path in the plane: p_g's mean, and D's slope at the data's mean.

    The equilibrium is (the data's mean, 0). The slope is that of D's logit, over ± a tenth of the
    board.
    """
    x = np.concatenate([evaluator.edges[:1], evaluator.x, evaluator.edges[-1:]])
    middle, step = int(np.argmin(np.abs(x - evaluator.p_data @ x))), len(x) // 10
    left, right = max(middle - step, 0), min(middle + step, len(x) - 1)
    means = [snapshot.p_g @ x for snapshot in frames]
    slopes = [(snapshot.a[right] - snapshot.a[left]) / (x[right] - x[left]) for snapshot in frames]
    return np.stack([means, slopes], axis=1)


# --- The picture ----------------------------------------------------------------------------------

_DATA, _FREE, _NETS = "#111111", "#1b9e3e", "#c4551f"


def draw(both: FunctionSpace) -> Figure:
    """Above p_g on its way in both games; below JSD in both, and the circles of the parameters."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    (free, nets), (jsd, circles) = figure.subplots(2, 2)
    evaluator, last = both.evaluator, len(both.path) - 1
    _draw_path(free, evaluator, "step", [(t, both.path[t]) for t in _spaced(last)], "Greens")
    free.set_title(f"In function space: $p_g$ itself moves, $D = D^*$, η = {both.eta:g}")
    shown = [both.frames[i] for i in np.linspace(0, len(both.frames) - 1, 7).round().astype(int)]
    _draw_path(
        nets, evaluator, "round", [(snapshot.round, snapshot.p_g) for snapshot in shown], "Oranges"
    )
    nets.set_title("In parameters: small nets, one step each")

    rounds = [snapshot.round for snapshot in both.frames]
    jsd.plot(both.jsd.clip(1e-17), color=_FREE, lw=2, label="in function space")
    words = r"its bound, KL($p_{\mathrm{data}}$ ‖ $p_0$) / 2η$t$"
    jsd.plot(range(1, last + 1), both.bound, color=_FREE, lw=1, ls="--", label=words)
    jsd.plot(rounds, both.jsd_parameters, color=_NETS, lw=1.5, label="in parameters")
    jsd.set(yscale="log", xlabel="step, or round", xlim=(0, last))
    jsd.set_title(r"JSD($p_{\mathrm{data}}$ ‖ $p_g$), nats")
    jsd.legend(frameon=False)

    path = portrait(evaluator, both.frames)
    circles.plot(path[:, 0], path[:, 1], color=_NETS, lw=0.8, alpha=0.6)
    dots = circles.scatter(*path.T, c=rounds, cmap="YlOrBr", vmin=-last / 3, s=18, zorder=2)
    x = np.concatenate([evaluator.edges[:1], evaluator.x, evaluator.edges[-1:]])
    circles.plot(evaluator.p_data @ x, 0, "+", color=_DATA, ms=14, mew=2, label="equilibrium")
    circles.set(xlabel="mean of $p_g$", ylabel="slope of $D$'s logit there")
    circles.set_title("In parameters the players chase each other")
    circles.legend(frameon=False)
    figure.colorbar(dots, ax=circles, label="round").ax.set_ylim(0)  # palest tints are too pale
    for axes in (free, nets, jsd, circles):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _spaced(last: int) -> list[int]:
    """0 and six later steps, each about twice as far."""
    return sorted({0, *(round(last / 2**k) for k in range(6))})


def _draw_path(
    axes: Axes, evaluator: Evaluator, unit: str, path: list[tuple[int, Vector]], colours: str
) -> None:
    width = evaluator.edges[1] - evaluator.edges[0]
    shades = colormaps[colours](np.linspace(0.35, 1, len(path)))
    for (t, p_g), shade in zip(path, shades, strict=True):
        axes.plot(evaluator.x, p_g[1:-1] / width, color=shade, lw=1.6, label=f"{t:,}")
    p_data = evaluator.p_data[1:-1] / width
    axes.plot(
        evaluator.x, p_data, color=_DATA, lw=2, ls=(0, (1, 1.5)), label=r"$p_{\mathrm{data}}$"
    )
    axes.set(ylim=(0, 2 * p_data.max()), yticks=[])
    axes.legend(frameon=False, fontsize=8, title=unit)


# --- The command ----------------------------------------------------------------------------------


def function_space(
    data: str = "gaussian",
    out: Path = Path("function-space"),
    *,
    eta: float = 0.05,
    steps: int = 400,
    seed: int = 0,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> FunctionSpace:
    """Play the game of §4.2 in function space and in parameters: ``advnets function-space``.

    Args:
        data: ``gaussian``, ``mixture``, ``uniform``, with numbers of your own if you like, or a CSV
            file with one column.
        out: a folder for ``function-space.png`` and ``.svg``.
        eta: the step size η in function space.
        steps: of p_g, and rounds of the game in parameters.
        seed: of the game in parameters.
        on_snapshot: called with each new frame and the number of rounds in all.
    """
    both = play_both(data, eta, steps, replace(SETTINGS, seed=seed), on_snapshot=on_snapshot)
    figure = draw(both)
    files = tuple(
        write_picture(figure, out / f"function-space.{kind}", dpi=120) for kind in ("png", "svg")
    )
    return replace(both, files=files)
