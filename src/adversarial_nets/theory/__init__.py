"""Section 4 of the paper in float64: D*, V, C(G), KL and JSD, and checks of its statements."""

from adversarial_nets.theory.divergences import (
    JSD,
    KL,
    C,
    D_star,
    V,
    a_star,
    entropy,
    mirror_descent_step,
)
from adversarial_nets.theory.quadrature import (
    Bounded,
    C_density,
    Density,
    JSD_density,
    KL_density,
    V_density,
    cell_masses,
    gauss_legendre_nodes,
    integrate,
    pushforward,
    smoothed_gradient,
)
from adversarial_nets.theory.statements import Check, checks, gradient_errors

__all__ = [
    "JSD",
    "KL",
    "Bounded",
    "C",
    "C_density",
    "Check",
    "D_star",
    "Density",
    "JSD_density",
    "KL_density",
    "V",
    "V_density",
    "a_star",
    "cell_masses",
    "checks",
    "entropy",
    "gauss_legendre_nodes",
    "gradient_errors",
    "integrate",
    "mirror_descent_step",
    "pushforward",
    "smoothed_gradient",
]
