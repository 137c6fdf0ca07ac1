"""The parts of §2 to §4: related work, Figure 1, and the theory."""

from adversarial_nets.paper import figure1 as figure1_module
from adversarial_nets.paper import function_space as function_space_module
from adversarial_nets.paper import related_work as related_work_module
from adversarial_nets.paper.reproduce.registry import Context, Result
from adversarial_nets.paper.theory_figure import theory_figure
from adversarial_nets.theory import divergences, statements
from adversarial_nets.toys.line import ROUNDS

__all__ = ["figure1", "function_space", "related_work", "theory"]


def related_work(context: Context) -> Result:
    """§2: test the paper's remarks on other models in small experiments."""
    found = related_work_module.related_work(
        context.folder / "related-work", seed=context.seed, on_progress=context.on_progress
    )
    gradients = [
        {
            "model": f.model,
            "discrete units": f.discrete,
            "gradient before the hidden units": f"{f.below:.3f}",
            "after them": f"{f.above:.3f}",
        }
        for f in found.gradient_norms
    ]
    noise = [
        {"noise, σ from the data": d, "error": f"{e:.3f}", "in theory": f"{t:.3f}"}
        for d, e, t in zip(found.distances, found.error, found.error_in_theory, strict=True)
    ]
    codes = [
        {
            "objective of the code": c.rule,
            "variance lost": f"{c.lost:.1%}",
            "ρ² between its units": f"{c.predictable:.1%}",
        }
        for c in found.codes
    ]
    return Result(
        ours="G gets no gradient if the visible units are discrete; noise "
        f"{found.distances[-1]:g} σ from the data multiplies the error of noise-contrastive "
        f"estimation by {found.error[-1] / found.error[0]:.0f}; minimising predictability alone "
        f"loses {found.codes[1].lost:.0%} of the variance; a small adversarial step leaves a "
        f"classifier with {found.accuracy_adversarial:.0%} accuracy",
        tables=(gradients, noise, codes),
        pictures=("related-work/related-work.png",),
    )


def figure1(context: Context) -> Result:
    """Figure 1: train on one-dimensional data and compare D with the optimal D*."""
    found = figure1_module.figure1(
        "gaussian",
        context.folder / "figure1",
        rounds=ROUNDS,
        seed=context.seed,
        movie=False,
        on_snapshot=lambda snapshot, rounds: context.on_progress(
            "Figure 1: round", snapshot.round, rounds
        ),
    )
    return Result(
        ours=f"final distance of D from D* {found.distance:.3f}; JSD(p_data ‖ p_g) "
        f"{found.jsd:.1e} nats; V = {found.V:.4f}, and −log 4 = {-divergences.LOG4:.4f}",
        pictures=("figure1/figure1.png",),
    )


def theory(context: Context) -> Result:
    """§4.1: check the statements about the optimum numerically."""
    found = statements.checks(context.seed)
    theory_figure(context.folder / "theory", seed=context.seed)
    rows = [
        {"statement": c.statement, "largest error": f"{c.max_error:.1e}", "holds": c.holds}
        for c in found
    ]
    return Result(
        ours=f"{sum(c.holds for c in found)} of {len(found)} statements hold numerically",
        tables=(rows,),
        pictures=("theory/theory.png",),
    )


def function_space(context: Context) -> Result:
    """§4.2: gradient steps on the density p_g itself, and on a generator's parameters."""
    found = function_space_module.function_space(
        "gaussian",
        context.folder / "function-space",
        seed=context.seed,
        on_snapshot=lambda snapshot, rounds: context.on_progress(
            "function space: step", snapshot.round, rounds
        ),
    )
    return Result(
        ours=f"in function space, JSD {found.jsd[-1]:.1e} after {len(found.jsd) - 1} steps, of "
        f"which {found.rises[0]} increased it; in parameter space, {found.jsd_parameters[-1]:.2g}",
        pictures=("function-space/function-space.png",),
    )
