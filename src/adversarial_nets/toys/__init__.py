"""Games on one- and two-dimensional toy data with known densities, and on small images."""

from adversarial_nets.toys.catalogue import TOYS, find
from adversarial_nets.toys.curves import Curve
from adversarial_nets.toys.distributions import (
    Mixture,
    Toy,
    Uniform,
    gaussian,
    grid,
    mixture,
    ring_of_gaussians,
    sample_points,
)
from adversarial_nets.toys.points import (
    Points,
    parse_points,
    points_from_array,
    points_to_text,
    read_points,
)

__all__ = [
    "TOYS",
    "Curve",
    "Mixture",
    "Points",
    "Toy",
    "Uniform",
    "find",
    "gaussian",
    "grid",
    "mixture",
    "parse_points",
    "points_from_array",
    "points_to_text",
    "read_points",
    "ring_of_gaussians",
    "sample_points",
]
