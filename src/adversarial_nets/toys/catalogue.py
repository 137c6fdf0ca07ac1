"""Toy data by name or from a file of points."""

import base64
import csv
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.toys.distributions import (
    XY,
    Curve,
    Points,
    Toy,
    Uniform,
    gaussian,
    grid,
    mixture,
    ring_of_gaussians,
)

__all__ = [
    "TOYS",
    "find",
    "parse_points",
    "read_points",
    "to_text",
]


# --- Names ----------------------------------------------------------------------------------------

TOYS: Mapping[str, Toy] = {
    "gaussian": gaussian(),
    "mixture": mixture((-1.5, 1.5), (0.5, 0.5)),
    "uniform": Uniform(0.0, 1.0),
    "ring": Curve("ring"),
    "zero-width-ring": Curve("ring", noise=0.0),
    "ring-of-gaussians": ring_of_gaussians(),
    "grid": grid(),
    "spiral": Curve("spiral"),
    "moons": Curve("moons"),
}
"""The toys that have a name; the first three are on the line, the others in the plane."""

_TAKES_NUMBERS: Mapping[str, str] = {
    "gaussian": "MEAN,STD",
    "mixture": "MEAN,STD,MEAN,STD,…",
    "uniform": "LOW,HIGH",
}


def find(name: str) -> Toy:
    """The toy of that name, with numbers of one's own, or the points of a file.

    Args:
        name: one of `TOYS`; ``gaussian:MEAN,STD``, ``mixture:MEAN,STD,MEAN,STD,…`` or
            ``uniform:LOW,HIGH``; points as `to_text` writes them; or the path of a CSV file of one
            or two columns.

    Raises:
        UserError: no such toy or file, or the wrong numbers.

    >>> find("gaussian:3,0.5").means
    ((3.0,),)
    """
    kind, colon, numbers = name.partition(":")
    if kind == "points" and colon:
        return _from_text(numbers)
    if kind in _TAKES_NUMBERS and colon:
        return _with_numbers(kind, numbers)
    if name in TOYS:
        return TOYS[name]
    file = None
    with suppress(OSError, RuntimeError, ValueError):  # too long for a path, or in nobody's home
        path = Path(name).expanduser()
        file = path if path.exists() or path.suffix or len(path.parts) > 1 else None
    if file is not None:
        return read_points(file)
    raise unknown_name(name, [*TOYS, "FILE.csv"], "toy")


def _with_numbers(kind: str, text: str) -> Toy:
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if not (len(numbers) == 2 or (kind == "mixture" and len(numbers) % 2 == 0 and numbers)):
        raise UserError(f"{kind}:{text} is not {kind}:{_TAKES_NUMBERS[kind]}, all of them numbers.")
    if not all(map(math.isfinite, numbers)):
        raise UserError(f"The numbers of {kind}:{text} must be finite.")
    if kind == "uniform":
        return Uniform(numbers[0], numbers[1])
    return mixture(numbers[::2], numbers[1::2])


def read_points(path: Path) -> Points:
    """Read points from a CSV file: one or two columns of numbers, a header line if you like.

    Raises:
        UserError: the file is missing or unreadable, or a line of it is not one or two numbers.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return parse_points(file, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a CSV file ({error}).") from error


def parse_points(text: Iterable[str], name: str) -> Points:
    """Read points from lines of comma-separated values; `name` is what errors call them.

    Raises:
        UserError: a line that is not one or two numbers, or is too long to be one.
    """
    try:
        lines = [(i, row) for i, row in enumerate(csv.reader(text), 1) if "".join(row).strip()]
    except csv.Error as error:
        raise UserError(f"{name} cannot be read as a CSV file ({error}).") from error
    if lines and _numbers(lines[0][1]) is None:
        lines = lines[1:]  # a header
    rows: list[list[float]] = []
    for i, row in lines:
        numbers = _numbers(row)
        if numbers is None or len(numbers) not in (1, 2) or (rows and len(numbers) != len(rows[0])):
            raise UserError(
                f"{name}, line {i}: {','.join(row)[:60]!r} is not one point. Every line needs the "
                "same one or two columns of finite numbers, with a decimal point."
            )
        rows.append(numbers)
    return _points(np.array(rows or [[]], np.float64), name)


def _points(x: XY, name: str) -> Points:
    if len(x) < 2 or not (x.std(0) > 0).all():
        raise UserError(f"{name} needs at least two points that differ on each axis.")
    return Points(x)


def to_text(x: XY) -> str:
    """Points (n, 1 or 2) as one word that `find` reads, for a command or an address.

    They are rounded to 65,536 steps between the least and the largest coordinate.

    >>> find(to_text(np.array([[0.0], [1.0], [4.0]]))).x[:, 0].round(3)
    array([0., 1., 4.])
    """
    low, high = float(f"{x.min():.6g}"), float(f"{x.max():.6g}")
    steps = np.round((x - low) / (high - low) * 65535).clip(0, 65535).astype("<u2")
    letters = base64.urlsafe_b64encode(steps.tobytes()).decode().rstrip("=")
    return f"points:{x.shape[1]},{low!r},{high!r},{letters}"


def _from_text(text: str) -> Points:
    try:
        d, low, high, letters = text.split(",")
        raw = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
        steps = np.frombuffer(raw, "<u2").reshape(-1, {"1": 1, "2": 2}[d])
        least, width = float(low), float(high) - float(low)
        if not (math.isfinite(least) and math.isfinite(width)):
            raise ValueError("not finite")
    except (ValueError, KeyError) as error:
        raise UserError("points:… is not what toys.to_text wrote; copy it whole.") from error
    return _points(least + width * (steps / 65535), "points:…")


def _numbers(row: list[str]) -> list[float] | None:
    """The row's numbers, or None when one of them is none."""
    try:
        numbers = [float(word) for word in row]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
