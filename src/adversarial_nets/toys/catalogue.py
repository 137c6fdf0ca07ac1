"""Toy data by name, with parameters, or from a file of points."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from adversarial_nets.errors import UserError, describe_type, unknown_name
from adversarial_nets.toys.curves import Curve
from adversarial_nets.toys.distributions import (
    Numbers,
    Toy,
    Uniform,
    gaussian,
    grid,
    mixture,
    ring_of_gaussians,
)
from adversarial_nets.toys.points import points_from_array, points_from_text, read_points

__all__ = ["PARAMETRIC", "TOYS", "Parametric", "ToyLike", "as_toy", "find"]

ToyLike = str | PathLike[str] | Toy | Numbers
"""A name or file for `find`, a toy, or points for `points_from_array`."""

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
    "segment": Curve("segment"),
    "three-gaussians": ring_of_gaussians(3, std=0.3),
}
"""The toys by name; the first three are on the line, the others in the plane."""


class Parametric(NamedTuple):
    """A family of toys that takes numbers: NAME:NUMBER,NUMBER,….

    Attributes:
        usage: the numbers, as error messages print them.
        accepts: whether the family takes a given count of numbers.
        make: makes the toy from the numbers.
    """

    usage: str
    accepts: Callable[[int], bool]
    make: Callable[[tuple[float, ...]], Toy]


PARAMETRIC: Mapping[str, Parametric] = {
    "gaussian": Parametric("MEAN,STD", lambda n: n == 2, lambda p: gaussian(p[0], p[1])),
    "mixture": Parametric(
        "MEAN,STD,MEAN,STD,…", lambda n: n > 0 and n % 2 == 0, lambda p: mixture(p[::2], p[1::2])
    ),
    "uniform": Parametric("LOW,HIGH", lambda n: n == 2, lambda p: Uniform(p[0], p[1])),
}
"""Every family of toys that takes numbers, by name."""


def as_toy(data: ToyLike) -> Toy:
    """Return the toy for a toy, a name, a file or points.

    Raises:
        UserError: the argument is not a toy, the name or file of a toy, or points.
    """
    if isinstance(data, str | PathLike):
        return find(data)
    if isinstance(data, list | tuple | np.ndarray | Tensor):
        return points_from_array(data)
    if isinstance(data, Toy):
        return data
    raise UserError(
        f"The data are {describe_type(data)}; give a toy, e.g. toys.gaussian(), a name such as "
        "'moons', a CSV file, or points of shape (n, 1) or (n, 2)."
    )


def find(name: str | PathLike[str]) -> Toy:
    """Find a toy by its name, optionally with numbers, or make one from points.

    Args:
        name: one of `TOYS`; ``gaussian:MEAN,STD``, ``mixture:MEAN,STD,MEAN,STD,…`` or
            ``uniform:LOW,HIGH``; points as `points_to_text` writes them; or the path of a CSV file
            of one or two columns.

    Raises:
        UserError: the toy or file does not exist, or the numbers are wrong.

    >>> find("gaussian:3,0.5").means
    ((3.0,),)
    """
    if isinstance(name, PathLike):
        return read_points(name)
    if not isinstance(name, str):
        raise unknown_name(name, [*TOYS, "FILE.csv"], "toy")
    family, colon, text = name.partition(":")
    if colon and family == "points":
        return points_from_text(text)
    if colon and family in PARAMETRIC:
        return _with_numbers(family, text)
    if name in TOYS:
        return TOYS[name]
    file = None
    with suppress(OSError, RuntimeError, ValueError):  # too long for a path, or an unknown ~user
        path = Path(name).expanduser()
        file = path if path.exists() or path.suffix or len(path.parts) > 1 else None
    if file is not None:
        return read_points(file)
    raise unknown_name(name, [*TOYS, "FILE.csv"], "toy")


def _with_numbers(name: str, text: str) -> Toy:
    """A toy of a parametric family from comma-separated numbers."""
    family = PARAMETRIC[name]
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if not (family.accepts(len(numbers)) and all(map(math.isfinite, numbers))):
        raise UserError(
            f"{name}:{text} cannot be read; {name} takes finite numbers. Type "
            f"{name}:{family.usage}."
        )
    return family.make(numbers)
