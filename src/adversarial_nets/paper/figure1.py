"""Figure 1: train a one-dimensional game and write its four panels, a movie and a web page."""

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
from adversarial_nets.toys.kinds import LINE
from adversarial_nets.toys.line import ROUNDS, SETTINGS, Snapshot
from adversarial_nets.toys.plot_line import (
    LineRecording,
    plot_panels,
    plot_snapshot_and_value,
    z_position,
)
from adversarial_nets.toys.recording import record, snapshot_rounds

__all__ = ["Figure1", "figure1", "write_html", "write_movie"]

_FRAMES_PER_SECOND = 12
_LAST_FRAME_REPEATS = 17  # show the last frame for 1.5 seconds
_PAGE_NUMBERS = ("V", "C", "C_from_samples", "distance")


def write_movie(recording: LineRecording, path: Path, every: int = 2) -> None:
    """Write a recording as an animation: a GIF, or an MP4 if ffmpeg is installed.

    Args:
        recording: the game.
        path: ends in ``.gif`` or ``.mp4``.
        every: use every n-th snapshot, n = `every`, and always the last one.

    Raises:
        UserError: the file type is not one of these, or an MP4 is requested and ffmpeg is missing.
    """
    if path.suffix not in (".gif", ".mp4"):
        raise UserError(f"{path} has the wrong file type for a movie; it must end in .gif or .mp4.")
    if path.suffix == ".mp4" and not animation.FFMpegWriter.isAvailable():
        raise UserError(
            f"{path} needs ffmpeg, which is not installed; install it, or write a .gif."
        )
    kind = animation.PillowWriter if path.suffix == ".gif" else animation.FFMpegWriter
    writer = kind(_FRAMES_PER_SECOND)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    temporary = path.with_name(f".writing-{path.name}")
    with writer.saving(figure, str(temporary), dpi=100):
        for snapshot in (*recording.snapshots[:-1:every], recording.snapshots[-1]):
            figure.clear()
            plot_snapshot_and_value(figure, recording, snapshot)
            writer.grab_frame()
        last = np.array(canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # no types yet
        figure.clear()
        figure.figimage(last)  # much faster than drawing the last frame again
        for _ in range(_LAST_FRAME_REPEATS):
            writer.grab_frame()
    temporary.replace(path)


def write_html(
    recording: LineRecording, path: Path, command: str = "advnets paper figure1"
) -> None:
    """Write a recording as one self-contained web page with a slider, play and pause.

    Args:
        recording: the game.
        path: the page.
        command: the shell command that the page names as its source.
    """
    page = report.template("figure1.html").render(film=_numbers(recording), command=command)
    write_atomically(path, page)


def _numbers(recording: LineRecording) -> dict[str, Any]:
    """The recording as JSON for the page, rounded to save space.

    Densities are in thousandths of the data's maximum, D in thousandths, and positions in
    thousandths of the plotted interval.
    """
    evaluator = recording.evaluator
    low, high = evaluator.edges[0], evaluator.edges[-1]
    peak, width = evaluator.p_data[1:-1].max(), high - low

    def thousandths(values: np.ndarray) -> list[int | None]:
        return [None if np.isnan(v) else round(1000 * v) for v in values.tolist()]

    return {
        "data": recording.data,
        "note": evaluator.toy.note,
        "prior": recording.settings.prior,
        "batch": recording.settings.batch,
        "floor": round(evaluator.floor, 4),
        "p_data": thousandths(evaluator.p_data[1:-1] / peak),
        "z": thousandths(z_position(evaluator.arrows)),
        "frames": [
            {
                "round": snapshot.round,
                "p_g": thousandths(np.minimum(snapshot.p_g[1:-1] / peak, 9)),
                "D_star": thousandths(snapshot.D_star[1:-1]),
                "D": thousandths(expit(snapshot.a[1:-1])),
                "G": thousandths((snapshot.G - low) / width),
                **{name: round(getattr(snapshot, name), 5) for name in _PAGE_NUMBERS},
            }
            for snapshot in recording.snapshots
        ],
    }


# --- The command ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure1:
    """The final numbers of a game and the files written by `figure1`.

    Attributes:
        data: the name of the data.
        rounds: the number of rounds.
        jsd: JSD(p_data ‖ p_g) at the end, in nats, exact on the cells.
        V: the learned V(D, G) at the end, in nats.
        C: −log 4 + 2·JSD at the end, in nats.
        distance: mean |D − D*| at the end, over data and samples.
        floor: C of a perfect generator, estimated from a minibatch.
        note: a caveat about p_data; empty if there is none.
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
    out: Path = Path("runs/paper/figure1"),
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    movie: bool = True,
    on_snapshot: Callable[[Snapshot, int], None] = lambda snapshot, rounds: None,
) -> Figure1:
    """Play the game of Figure 1 and write its pictures: ``advnets paper figure1``.

    Args:
        data: ``gaussian``, ``mixture``, ``uniform``, optionally with your own numbers
            (``gaussian:3,.5``), or a CSV file with one column.
        out: a folder for ``figure1.png``, ``.svg``, ``.html``, ``.gif``, and ``.mp4`` if ffmpeg is
            installed.
        rounds: the number of rounds.
        seed: the seed of all random numbers.
        movie: whether to write the GIF and the MP4, which takes longer than the game.
        on_snapshot: called with each new snapshot and the number of rounds.
    """
    settings = replace(SETTINGS, seed=seed)
    recording = record(LINE, data, snapshot_rounds(rounds), settings, on_snapshot)
    panels = plot_panels(recording)
    files = [write_picture(panels, out / f"figure1.{kind}") for kind in ("png", "svg")]
    with explain_os_errors(out):
        files.append(out / "figure1.html")
        command = f"advnets paper figure1 {shlex.quote(data)} --rounds {rounds} --seed {seed}"
        write_html(recording, files[-1], command)
        if movie:
            kinds = ["gif"] + ["mp4"] * animation.FFMpegWriter.isAvailable()
            for kind in kinds:
                files.append(out / f"figure1.{kind}")
                write_movie(recording, files[-1])
    end = recording.snapshots[-1]
    return Figure1(
        data=data,
        rounds=end.round,
        jsd=(end.C + divergences.LOG4) / 2,
        V=end.V,
        C=end.C,
        distance=end.distance,
        floor=recording.evaluator.floor,
        note=recording.evaluator.toy.note,
        files=tuple(files),
    )
