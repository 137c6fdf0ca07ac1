"""Toy distributions from your own points: from a CSV file, or from text for commands and URLs."""

import base64
import csv
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from adversarial_nets.errors import UserError, reason
from adversarial_nets.random import Address
from adversarial_nets.theory.arguments import as_floats
from adversarial_nets.theory.divergences import Axes
from adversarial_nets.toys.distributions import (
    XY,
    Batch,
    Masses,
    Numbers,
    Toy,
    Vector,
    gaussian_cell_masses,
    log_sum_of_gaussians,
    require_float32,
    sample_points,
)

__all__ = [
    "Points",
    "parse_points",
    "points_from_array",
    "points_from_text",
    "points_to_text",
    "read_points",
    "sample_density",
]

Widths = Float64[np.ndarray, " widths"]

_FACTORS = 2.0 ** np.arange(0, -5.5, -0.5)  # of Scott's kernel width
_MAX_FITTED = 1000  # maximum number of points from which the kernel width is chosen

_LEVELS = 65535  # points in text form are rounded to 16 bits per coordinate


@dataclass(frozen=True)
class Points:
    """The empirical distribution of your own points, on the line or in the plane.

    The density is a kernel density estimate: a Gaussian on each point (see `widths`).

    Attributes:
        x: the points (n, d), n ≥ 2, d = 1 or 2.
    """

    x: XY
    has_density: bool = True

    @property
    def pixels(self) -> int:
        """Number of coordinates of one x."""
        return self.x.shape[1]

    @property
    def examples_per_epoch(self) -> int:
        """The number of points."""
        return len(self.x)

    @functools.cached_property
    def widths(self) -> Vector:
        """The kernel width (a standard deviation) on each axis.

        Scott's rule, n^(−1/(d+4)) times the standard deviation of the axis, is suitable for points
        that fill the plane. For points on a circle it would give the inside a high density. So
        Scott's widths are multiplied by the factor of `_FACTORS` with the largest leave-one-out
        log-likelihood. At most `_MAX_FITTED` points are used for that.
        """
        x = self.x[:: math.ceil(len(self.x) / _MAX_FITTED)]
        std = self.x.std(0)
        scott, scott_fitted = (std * n ** (-1 / (self.pixels + 4)) for n in (len(self.x), len(x)))
        log_likelihoods = _leave_one_out(x / scott_fitted, _FACTORS)
        return scott * _FACTORS[int(np.argmax(log_likelihoods))]

    @property
    def note(self) -> str:
        """States that the density is an estimate, and its kernel width."""
        widths = " × ".join(f"{w:.2g}" for w in self.widths)
        return f"p_data estimated: a Gaussian of width {widths} on each of {len(self.x):,} points"

    @property
    def breakpoints(self) -> Axes:
        """Points at most 4 widths apart, up to 9 widths beyond the points on each side."""
        low, high = self.x.min(0) - 9 * self.widths, self.x.max(0) + 9 * self.widths
        counts = np.ceil((high - low) / (4 * self.widths)).astype(int).clip(max=1000)
        return tuple(np.linspace(a, b, n + 1) for a, b, n in zip(low, high, counts, strict=True))

    def log_density(self, x: XY) -> Vector:
        """The log of the kernel density estimate at each row of x."""
        n = len(self.x)
        log_peak = -math.log(n) - float(np.log(self.widths * math.sqrt(2 * math.pi)).sum())
        units = self.widths  # in units of the widths each kernel is N(·, I)
        return log_sum_of_gaussians(x / units, self.x / units, np.ones(n), np.full(n, log_peak))

    def cell_masses(self, edges: Axes) -> Masses:
        """The probability of each cell under the estimate, in closed form."""
        n = len(self.x)
        widths = np.broadcast_to(self.widths, self.x.shape)
        return gaussian_cell_masses(self.x, widths, np.full(n, 1 / n), edges)

    def sample(self, address: Address, purpose: str = "data") -> Batch:
        """Sample the points uniformly, with replacement."""
        u = address.uniform(purpose, 1)[:, 0].double()
        return torch.from_numpy(self.x)[(u * len(self.x)).long()].float()

    def minibatch(self, address: Address, first: int) -> Batch:
        """The rows of a minibatch, sampled with replacement."""
        return self.sample(address)


def _leave_one_out(x: XY, widths: Widths) -> Widths:
    """For each kernel width, the mean log-density of a point under the kernels of all others.

    Equal points are left out together. Otherwise rounded data, e.g. heights in whole cm, would
    choose the smallest width, and the density would have a peak at each value.
    """
    squares = sum(np.subtract.outer(axis, axis) ** 2 for axis in x.T)
    squares[squares == 0] = np.inf
    sums = np.stack([np.exp(-squares / (2 * width**2)).sum(1) for width in widths])
    return np.log(sums.clip(min=1e-300)).mean(1) - x.shape[1] * np.log(widths)


def sample_density(toy: Toy, n: int, purpose: str) -> XY:
    """Sample n points of the toy's density; for your own points, of their density estimate.

    Use these points to compare a generator with `Toy.cell_masses`, because your own points have a
    sharper distribution than their density estimate.
    """
    x = sample_points(toy, n, purpose=purpose)
    if isinstance(toy, Points):
        noise = Address(0, 0, range(n)).normal(f"{purpose}: kernel", toy.pixels)
        x = x + toy.widths * noise.double().numpy()
    return x


def points_from_array(x: Numbers) -> Points:
    """The distribution of the rows of an array.

    Args:
        x: points of shape (n,), (n, 1) or (n, 2).

    Raises:
        UserError: another shape, values that are not finite numbers, or fewer than two different
            points.

    >>> points_from_array([1, 2, 4]).x.shape
    (3, 1)
    """
    rows = as_floats("The points", x)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] not in (1, 2) or not np.isfinite(rows).all():
        raise UserError(
            f"The points have the shape {rows.shape}; give an array (n,), (n, 1) or (n, 2) of "
            "finite numbers."
        )
    return _checked(rows, "The array")


# --- CSV ------------------------------------------------------------------------------------------


def read_points(path: str | PathLike[str]) -> Points:
    """Read points from a CSV file of one or two columns of numbers; a header line is optional.

    Raises:
        UserError: the file is missing or unreadable, or a line of it is not one or two numbers.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            return parse_points(file, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(str(path), error) from error


def parse_points(text: Iterable[str], name: str) -> Points:
    """Read points from lines of comma-separated values.

    Args:
        text: the lines.
        name: the name of the source in error messages.

    Raises:
        UserError: a line is not one or two numbers, or is too long for the CSV reader.
    """
    try:
        lines = [(i, row) for i, row in enumerate(csv.reader(text), 1) if "".join(row).strip()]
    except csv.Error as error:
        raise _unreadable(name, error) from error
    if lines and _numbers(lines[0][1]) is None:
        lines = lines[1:]  # without the header
    rows: list[list[float]] = []
    for i, row in lines:
        numbers = _numbers(row)
        if numbers is None or len(numbers) not in (1, 2) or (rows and len(numbers) != len(rows[0])):
            raise UserError(
                f"{name}, line {i}: {','.join(row)[:60]!r} is not one point. Every line needs the "
                "same one or two columns of finite numbers, with a decimal point."
            )
        rows.append(numbers)
    return _checked(np.array(rows or [[]], np.float64), name)


def _unreadable(name: str, error: Exception) -> UserError:
    return UserError(
        f"{name} cannot be read as a CSV file ({reason(error)}). Give a text of one or two columns "
        "of numbers."
    )


def _numbers(row: list[str]) -> list[float] | None:
    """The row as finite numbers, or None if it contains anything else."""
    try:
        numbers = [float(word) for word in row]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _checked(x: XY, name: str) -> Points:
    if x.any():
        largest = float(np.abs(x).max())
        require_float32(name, largest, largest)  # before a square overflows
    if len(x) < 2 or not (x.std(0) > 0).all():
        raise UserError(
            f"{name} has too few different points ({len(x)} in all); give at least two points that "
            "differ on each axis."
        )
    middle, std = x.mean(0), x.std(0)
    for m, s in zip(middle, std, strict=True):
        require_float32(name, float(m), float(s))
    return Points(x)


# --- Text for commands and URLs -------------------------------------------------------------------


def points_to_text(x: Numbers) -> str:
    """Encode points (n, 1 or 2) as one word that `find` reads, for a command or a URL.

    Coordinates are rounded to 65,536 levels between the smallest and the largest coordinate.

    Raises:
        UserError: points that `points_from_array` refuses.

    >>> points_from_text(points_to_text(np.array([[0.0], [1.0], [4.0]]))).x[:, 0].round(3)
    array([0., 1., 4.])
    """
    x = points_from_array(x).x
    low, high = float(x.min()), float(x.max())
    levels = np.round((x - low) / (high - low) * _LEVELS).clip(0, _LEVELS).astype("<u2")
    letters = base64.urlsafe_b64encode(levels.tobytes()).decode().rstrip("=")
    return f"points:{x.shape[1]},{low!r},{high!r},{letters}"


def points_from_text(text: str) -> Points:
    """Decode the points that `points_to_text` encoded.

    Raises:
        UserError: the text is damaged or incomplete.
    """
    try:
        d, low, high, letters = text.removeprefix("points:").split(",")
        raw = base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
        levels = np.frombuffer(raw, "<u2").reshape(-1, {"1": 1, "2": 2}[d])
        least, width = float(low), float(high) - float(low)
        if not (math.isfinite(least) and math.isfinite(width)):
            raise ValueError("not finite")
    except (ValueError, KeyError) as error:
        raise UserError(
            f"{text[:40]!r} is not text that points_to_text wrote; copy the whole word again, from "
            "points: to its end."
        ) from error
    return _checked(least + width * (levels / _LEVELS), "points:…")
