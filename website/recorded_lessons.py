"""Lessons of the playground, played when the site is built and recorded for the page."""

import base64
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit

from adversarial_nets import replay, settings
from adversarial_nets.playground.lesson_texts import plain_text
from adversarial_nets.playground.lessons import LESSONS, Lesson
from adversarial_nets.playground.words import WORDS
from adversarial_nets.replay import Script, Snapshot
from adversarial_nets.state import Game
from adversarial_nets.toys import line, plane
from adversarial_nets.toys.networks import gradient_field
from adversarial_nets.toys.recording import one_thread, play_with_snapshots

__all__ = ["RECORDED", "record_lesson"]

RECORDED = ("figure 1", "saturation", "collapse", "circling", "G first", "zero width")
"""The lessons of the page, in its order."""

FRAMES = 61
POINTS = 300
"""Samples shown of each snapshot in the plane."""
ARROWS = 30
"""Samples at which an arrow shows the gradient of G's objective."""
LONGEST_ARROW = 0.12
_TALLEST = 1.65  # largest plotted density on the line, in units of the largest density of the data
_METRICS = (
    *("V", "JSD", "distance", "modes hit", "near a mode"),
    *("distance from the ring", "angles covered"),
)


def record_lesson(name: str, rounds: int | None = None, frames: int = FRAMES) -> dict[str, Any]:
    """Play a lesson and return the content of its page, as JSON.

    Args:
        name: one of `playground.lessons.LESSONS`.
        rounds: the length of the games; by default the length that the lesson sets.
        frames: snapshots of each game, equally far apart.
    """
    lesson = LESSONS[name]
    last = lesson.rounds if rounds is None else rounds
    at = sorted({round(last * i / (frames - 1)) for i in range(frames)})
    kind = replay.kind_of(lesson.data).name
    scripts = [_script(lesson, game, last) for game in lesson.games]
    return {
        "name": name,
        "title": WORDS[f"lesson {name}"],
        "about": {lang: plain_text(words) for lang, words in WORDS[f"about {name}"].items()},
        "kind": kind,
        "data": lesson.data,
        "rounds": at,
        "background": _background(lesson.data, scripts[0]),
        "games": [_game(script, at) for script in scripts],
    }


def _script(lesson: Lesson, game: Mapping[str, Any], rounds: int) -> Script:
    """The script of one game of a lesson."""
    standard = replay.kind_of(lesson.data).settings
    return Script(lesson.data, settings.update_settings(standard, game), rounds)


def _game(script: Script, at: list[int]) -> dict[str, Any]:
    """Play one game; its command, its snapshots and the numbers of each."""
    kind = replay.kind_of(script.data)
    evaluator = replay.evaluator_for(script.data, script.settings)
    game = replay.new_game(script)
    arrows: list[dict[str, str]] = []

    def take_snapshot(g: Game) -> Snapshot:
        snapshot = kind.take_snapshot(g, evaluator)
        arrows.append({} if kind.name == "line" else _gradient(evaluator, snapshot, g))
        return snapshot

    with one_thread():
        snapshots = play_with_snapshots(game, script.rounds, take_snapshot, at)
    numbers = [kind.metrics(evaluator, snapshot) for snapshot in snapshots]
    names = [name for name in _METRICS if name in numbers[0]]
    frame = _line_frame if kind.name == "line" else _plane_frame
    return {
        "command": replay.command(replace(script, changes=())),
        "metrics": {
            name: {
                "label": WORDS[f"metric {name}"],
                "values": [_short(n[name].value) for n in numbers],
                "perfect": _short(numbers[-1][name].perfect),
            }
            for name in names
        },
        "frames": [
            frame(evaluator, snapshot) | gradient
            for snapshot, gradient in zip(snapshots, arrows, strict=True)
        ],
    }


def _background(data: str, script: Script) -> dict[str, Any]:
    """The parts that do not change during a game: p_data on the line, points in the plane."""
    evaluator = replay.evaluator_for(data, script.settings)
    if isinstance(evaluator, line.Evaluator):
        p_data = evaluator.p_data[1:-1]
        z = 0.5 + 0.48 * evaluator.arrows / np.abs(evaluator.arrows).max()
        return {"p_data": _bytes(p_data / p_data.max() / _TALLEST), "z": _positions(z)}
    return {"points": _positions(_within(evaluator, evaluator.data[:POINTS]))}


def _line_frame(evaluator: line.Evaluator, snapshot: line.Snapshot) -> dict[str, str]:
    """p_g, D and D* on the cells of x, and G at the noise of the arrows."""
    peak, edges = evaluator.p_data[1:-1].max(), evaluator.edges
    return {
        "p_g": _bytes(snapshot.p_g[1:-1] / peak / _TALLEST),
        "D": _bytes(expit(snapshot.a[1:-1])),
        "D_star": _bytes(snapshot.D_star[1:-1]),
        "G": _positions((snapshot.G - edges[0]) / np.ptp(edges)),
    }


def _plane_frame(evaluator: plane.Evaluator, snapshot: plane.Snapshot) -> dict[str, str]:
    """Samples, and D on the cells of the plane, by rows from the bottom."""
    return {
        "samples": _positions(_within(evaluator, snapshot.samples[:POINTS])),
        "D": _bytes(snapshot.D.T.ravel()),
    }


def _gradient(evaluator: plane.Evaluator, snapshot: plane.Snapshot, game: Game) -> dict[str, str]:
    """The negative gradient of G's objective at some samples, as ends of arrows.

    Arrows are as long as in the playground, and at most `LONGEST_ARROW` of the figure's width.
    """
    x, width = snapshot.samples[:ARROWS], np.ptp(evaluator.edges[0])
    arrow = gradient_field(game, x) * LONGEST_ARROW * width
    length = np.linalg.norm(arrow, axis=1, keepdims=True)
    arrow *= np.minimum(1, LONGEST_ARROW * width / np.maximum(length, 1e-12))
    return {"arrows": _positions(_within(evaluator, x + arrow))}


def _within(evaluator: plane.Evaluator, x: plane.XY) -> np.ndarray:
    """Points as shares of the figure's width and height."""
    low = np.array([edges[0] for edges in evaluator.edges])
    width = np.array([np.ptp(edges) for edges in evaluator.edges])
    return ((x - low) / width).ravel()


def _bytes(shares: np.ndarray) -> str:
    """Values in [0, 1] as bytes 0 … 254 in base64; 255 stands for no value."""
    scaled = np.where(np.isnan(shares), 255, np.round(np.clip(shares, 0, 1) * 254))
    return base64.b64encode(scaled.astype(np.uint8).tobytes()).decode()


def _positions(shares: np.ndarray) -> str:
    """Positions in [−1, 2] as 16-bit integers in base64; positions farther away are moved there."""
    scaled = np.round((np.clip(shares, -1, 2) + 1) / 3 * 65535)
    return base64.b64encode(scaled.astype("<u2").tobytes()).decode()


def _short(value: float | None) -> float | None:
    """A number with five digits after the point; JSON has no infinity."""
    return round(float(value), 5) if value is not None and math.isfinite(value) else None
