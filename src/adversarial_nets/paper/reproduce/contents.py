"""The parts of the paper, in its order: the paper's statement and the function that tests it."""

import functools
import importlib
from typing import Any

from adversarial_nets.evaluation.published import of_the_paper
from adversarial_nets.paper.reproduce.registry import Context, Part, Result, register


def _make(module: str, name: str, context: Context) -> Result:
    """Import a module of this package, and make a part by its function of the same name."""
    functions = importlib.import_module(f"adversarial_nets.paper.reproduce.{module}")
    result: Result = getattr(functions, name.replace("-", "_"))(context)
    return result


def _part(
    section: str,
    name: str,
    title: str,
    published: str,
    module: str,
    **facts: Any,  # noqa: ANN401 (fields of `Part`)
) -> Part:
    """A part that a module makes. The module imports torch, so it is imported only then."""
    return Part(name, title, section, published, functools.partial(_make, module, name), **facts)


def _score(data: str) -> str:
    """The paper's score of its adversarial nets on a data set, in words."""
    score = of_the_paper(data)
    return f"{score.nats:g} ± {score.se:g} nats" if score else "samples only; no number"


for part in (
    _part("§2", "related-work", "Related work", "statements without numbers", "theory_parts"),
    _part(
        "§3", "figure1", "Figure 1: training in one dimension", "D converges to ½", "theory_parts"
    ),
    _part("§3", "gradients", "G's two objectives", "log D gives stronger gradients", "claim_parts"),
    _part(
        "§3",
        "steps",
        "k updates of D for each update of G",
        "too many updates of D overfit",
        "claim_parts",
        slow=True,
    ),
    _part(
        "§3", "head-start", "Training G alone first", "not in the paper", "claim_parts", slow=True
    ),
    _part(
        "§4.1",
        "theory",
        "Theory: the optimum",
        "C(G) ≥ −log 4, equal only if p_g = p_data",
        "theory_parts",
    ),
    _part(
        "§4.2", "function-space", "Theory: convergence", "p_g converges to p_data", "theory_parts"
    ),
    _part(
        "§5",
        "table1",
        "Table 1: Parzen log-likelihood",
        "adversarial nets 225 ± 2",
        "table_parts",
        reads=("table1",),
    ),
    _part("§5", "parzen-spread", "Reliability of the Parzen score", "high variance", "claim_parts"),
    _part(
        "§5",
        "figure2a",
        "Figure 2a: MNIST",
        _score("mnist"),
        "training_parts",
        reads=("figure2a",),
        differs_by_profile=True,
    ),
    _part(
        "§5",
        "figure2b",
        "Figure 2b: TFD",
        _score("tfd"),
        "training_parts",
        reads=("figure2b",),
        differs_by_profile=True,
        full_only=True,
    ),
    _part(
        "§5",
        "figure2c",
        "Figure 2c: CIFAR-10, fully connected",
        _score("cifar10"),
        "training_parts",
        reads=("figure2c",),
        differs_by_profile=True,
        full_only=True,
    ),
    _part(
        "§5",
        "figure2d",
        "Figure 2d: CIFAR-10, convolutional",
        _score("cifar10"),
        "training_parts",
        reads=("figure2d",),
        differs_by_profile=True,
        full_only=True,
    ),
    _part(
        "§5",
        "figure3",
        "Figure 3: interpolation in z",
        "samples only; no number",
        "training_parts",
        reads=("figure2a",),
        differs_by_profile=True,
    ),
    _part(
        "§6",
        "table2",
        "Table 2: difficulties of each kind of model",
        "sampling: no difficulties",
        "table_parts",
        reads=("table1", "figure2a"),
        differs_by_profile=True,
    ),
    _part(
        "§6",
        "helvetica",
        "Mode collapse (the Helvetica scenario)",
        "G collapses if D is not updated",
        "claim_parts",
    ),
    _part(
        "§7",
        "conditional",
        "Extension 1: a conditional model p(x | c)",
        "adding c as input to both G and D",
        "section7_parts",
        differs_by_profile=True,
        slow=True,
    ),
    _part(
        "§7",
        "inference",
        "Extension 2: inference of z",
        "an auxiliary network predicts z given x",
        "section7_parts",
        reads=("figure2a",),
        differs_by_profile=True,
        slow=True,
    ),
    _part(
        "§7",
        "filling-in",
        "Extension 3: all conditionals p(x_S | x_¬S)",
        "a family of conditional models that share parameters",
        "section7_parts",
        differs_by_profile=True,
        slow=True,
    ),
    _part(
        "§7",
        "few-labels",
        "Extension 4: few labels",
        "features of D could improve classifiers when labels are few",
        "section7_parts",
        differs_by_profile=True,
        slow=True,
    ),
    _part(
        "§7",
        "efficiency",
        "Extension 5: efficiency",
        "training could be accelerated greatly",
        "section7_parts",
        differs_by_profile=True,
        slow=True,
    ),
):
    register(part)
