"""Figure 1: train a one-dimensional game and write its four panels, a film and a web page."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import animation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.special import expit

from adversarial_nets import report
from adversarial_nets.errors import UserError
from adversarial_nets.plots.style import write_picture
from adversarial_nets.runs.files import explain_os_errors, write_atomically
from adversarial_nets.theory import divergences
from adversarial_nets.toys.draw_line import (
    _DATA,
    Film,
    _draw_game,
    _draw_value,
    _labels,
    _over_time,
    _place_of,
    draw_panels,
    film,
)
from adversarial_nets.toys.line import ROUNDS, SETTINGS, Snapshot

__all__ = [
    "figure1",
    "write_html",
    "write_movie",
]


def write_movie(film: Film, path: Path, every: int = 2) -> None:
    """Write the run as a moving picture: a GIF, or an MP4 where ffmpeg is installed.

    Args:
        film: the run.
        path: ends in ``.gif`` or ``.mp4``.
        every: take each second, third … frame; the last is always shown, and held.

    Raises:
        UserError: another ending, or an MP4 without ffmpeg.
    """
    if path.suffix not in (".gif", ".mp4"):
        raise UserError(f"{path} must end in .gif or .mp4.")
    if path.suffix == ".mp4" and not animation.FFMpegWriter.isAvailable():
        raise UserError(f"{path} needs ffmpeg, which is not installed; a .gif does not.")
    writer = animation.PillowWriter(12) if path.suffix == ".gif" else animation.FFMpegWriter(12)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    temporary = path.with_name(f".writing-{path.name}")
    with writer.saving(figure, str(temporary), dpi=100):
        for snapshot in (*film.frames[:-1:every], film.frames[-1]):
            figure.clear()
            above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[3, 2]).ravel()
            _draw_game(above, film.evaluator, snapshot, "")
            _labels(above, of=above)
            axes = below.subplots()
            _draw_value(axes, film)
            _over_time(axes, film.frames[-1].round)
            axes.axvline(snapshot.round, color=_DATA, lw=1)
            writer.grab_frame()
        figure.set_layout_engine("none")  # what stands need not be laid out again
        for _ in range(17):  # a second and a half to look at the end
            writer.grab_frame()
    temporary.replace(path)


def write_html(film: Film, path: Path, command: str = "advnets figure1") -> None:
    """Write the run as one page that needs nothing else: a slider, play and pause."""
    page = report.template("figure1.html").render(film=_numbers(film), command=command)
    write_atomically(path, page)


def _numbers(film: Film) -> dict[str, Any]:
    """The film for the page: whole thousandths, of the data's peak, of 1, and of x's line."""
    evaluator = film.evaluator
    peak, low, width = (
        evaluator.p_data[1:-1].max(),
        evaluator.edges[0],
        evaluator.edges[-1] - evaluator.edges[0],
    )

    def thousandths(values: np.ndarray) -> list[int | None]:
        return [None if np.isnan(v) else round(1000 * v) for v in values.tolist()]

    return {
        "data": film.data,
        "note": evaluator.toy.note,
        "prior": film.settings.prior,
        "batch": film.settings.batch,
        "floor": round(evaluator.floor, 4),
        "p_data": thousandths(evaluator.p_data[1:-1] / peak),
        "z": thousandths(_place_of(evaluator.arrows)),
        "frames": [
            {
                "round": snapshot.round,
                "p_g": thousandths(np.minimum(snapshot.p_g[1:-1] / peak, 9)),
                "D_star": thousandths(divergences.D_star(evaluator.p_data, snapshot.p_g)[1:-1]),
                "D": thousandths(expit(snapshot.a[1:-1])),
                "G": thousandths((snapshot.G - low) / width),
                **{name: round(getattr(snapshot, name), 5) for name in _READINGS},
            }
            for snapshot in film.frames
        ],
    }


_READINGS = ("V", "C", "C_judged", "distance")


# --- The command ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure1:
    """What `figure1` made: the run's last numbers, and where the pictures are.

    Attributes:
        data: what was learned.
        rounds: how long the game was.
        jsd: JSD(p_data ‖ p_g) at the end, in nats, exact on the cells.
        V: the learned V(D, G) at the end.
        C: −log 4 + 2·JSD at the end.
        distance: mean |D − D*| at the end, over data and samples.
        floor: what a perfect generator would get for C, estimated from a minibatch.
        note: what must be said of p_data, if anything.
        files: the pictures and the page.
    """

    data: str
    rounds: int
    jsd: float
    V: float
    C: float
    distance: float
    floor: float
    note: str
    files: tuple[Path, ...]


def figure1(
    data: str = "gaussian",
    out: Path = Path("figure1"),
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    movie: bool = True,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Figure1:
    """Play Figure 1 and draw it: ``advnets figure1``.

    Args:
        data: ``gaussian``, ``mixture``, ``uniform``, with numbers of your own if you like
            (``gaussian:3,.5``), or a CSV file with one column.
        out: a folder for ``figure1.png``, ``.svg``, ``.html``, ``.gif``, and, where ffmpeg is
            installed, ``.mp4``.
        rounds: how long to play.
        seed: of the whole run.
        movie: whether to make the GIF and the MP4, which takes longer than the game.
        on_snapshot: called with each new frame and the number of rounds in all.
    """
    run = film(data, replace(SETTINGS, seed=seed), rounds, on_snapshot=on_snapshot)
    panels = draw_panels(run)
    files = [write_picture(panels, out / f"figure1.{kind}") for kind in ("png", "svg")]
    with explain_os_errors(out):
        files.append(out / "figure1.html")
        command = f"advnets figure1 {shlex.quote(data)} --rounds {rounds} --seed {seed}"
        write_html(run, files[-1], command)
        if movie:
            kinds = ["gif"] + ["mp4"] * animation.FFMpegWriter.isAvailable()
            for kind in kinds:
                files.append(out / f"figure1.{kind}")
                write_movie(run, files[-1])
    end = run.frames[-1]
    return Figure1(
        data=data,
        rounds=end.round,
        jsd=(end.C + divergences.LOG4) / 2,
        V=end.V,
        C=end.C,
        distance=end.distance,
        floor=run.evaluator.floor,
        note=run.evaluator.toy.note,
        files=tuple(files),
    )
