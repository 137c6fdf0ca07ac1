"""Games on one- and two-dimensional data, whose true densities are known."""

from adversarial_nets.toys.catalogue import TOYS, find, parse_points, read_points, to_text
from adversarial_nets.toys.distributions import (
    Curve,
    Mixture,
    Points,
    Toy,
    Uniform,
    cell_masses,
    draw,
    gaussian,
    grid,
    mixture,
    ring_of_gaussians,
)

__all__ = [
    "TOYS",
    "Curve",
    "Mixture",
    "Points",
    "Toy",
    "Uniform",
    "cell_masses",
    "draw",
    "find",
    "gaussian",
    "grid",
    "mixture",
    "parse_points",
    "read_points",
    "ring_of_gaussians",
    "to_text",
]
