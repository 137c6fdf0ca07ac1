"""Turn pasted text, uploaded CSV files and drawings into data sets.

Each function returns the name of the data set. The name contains the points (see
`toys.points.points_to_text`), so that an address or a command can contain them.
"""

import numpy as np

from adversarial_nets.errors import UserError
from adversarial_nets.playground import limits
from adversarial_nets.playground.validation import Json, RequestError
from adversarial_nets.random import Address
from adversarial_nets.toys.points import parse_points, points_to_text

__all__ = ["data_from_csv", "data_from_strokes"]

DRAWN_POINTS = 600
"""Number of data points that a drawing is converted to."""
LINE_WIDTH = 0.05
"""Standard deviation of the drawn points around the line."""
MIN_LENGTH = 0.5
"""Smallest length of a drawing; the sides of the drawing pad have length 6."""


def data_from_csv(text: Json) -> str:
    """Name of the data set that holds the points of a CSV text with one or two columns.

    Raises:
        RequestError: the text is too long, or not all lines are points.
    """
    if not isinstance(text, str):
        raise RequestError("unknown message")
    if len(text) > limits.MAX_UPLOAD_CHARACTERS:
        raise RequestError("too large", most=f"{limits.MAX_UPLOAD_CHARACTERS // 1000} kB")
    try:
        x = parse_points(text.splitlines(), "CSV").x
    except UserError as error:
        raise RequestError("bad points", detail=str(error)) from None
    if len(x) > limits.MAX_POINTS:
        raise RequestError("too many points", most=limits.MAX_POINTS)
    return points_to_text(x)


def data_from_strokes(strokes: Json) -> str:
    """Name of the data set that holds points along hand-drawn strokes.

    Args:
        strokes: lists of [x, y], one list for each stroke.

    Raises:
        RequestError: the message does not hold strokes, or the drawing is too long or too short.
    """
    if not isinstance(strokes, list) or not all(isinstance(s, list) for s in strokes):
        raise RequestError("unknown message")
    if sum(map(len, strokes)) > limits.MAX_STROKE_POINTS:
        raise RequestError("too many points", most=limits.MAX_STROKE_POINTS)
    x = _points_along([_stroke(s) for s in strokes if s], DRAWN_POINTS)
    noise = Address(0, 0, range(len(x))).normal("a line's width", 2)
    return points_to_text(x + LINE_WIDTH * noise.double().numpy())


def _stroke(points: list[Json]) -> np.ndarray:
    """One stroke as an array of shape (points, 2)."""
    try:
        xy = np.array(points, np.float64).reshape(-1, 2)
    except (TypeError, ValueError, OverflowError):
        raise RequestError("unknown message") from None
    if not np.isfinite(xy).all():
        raise RequestError("unknown message")
    return xy.clip(-4, 4)


def _points_along(strokes: list[np.ndarray], points: int) -> np.ndarray:
    """Points at equal distances along the strokes, shape (about `points`, 2)."""
    lengths = [float(np.hypot(*np.diff(xy, axis=0).T).sum()) for xy in strokes]
    if sum(lengths) < MIN_LENGTH:
        raise RequestError("draw more")
    found = []
    for xy, length in zip(strokes, lengths, strict=True):
        at = np.concatenate([[0.0], np.hypot(*np.diff(xy, axis=0).T).cumsum()])
        n = round(points * length / sum(lengths))
        t = np.linspace(0, length, n) if n else np.empty(0)
        found.append(np.stack([np.interp(t, at, xy[:, 0]), np.interp(t, at, xy[:, 1])], axis=1))
    return np.concatenate(found)
