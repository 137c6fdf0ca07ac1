"""The parts of the paper, in its order: the paper's statement and the function that tests it."""

import functools
import importlib

from adversarial_nets.evaluation.published import of_the_paper
from adversarial_nets.paper.reproduce.registry import Context, Part, Result, register


def _make(module: str, function: str, arguments: tuple[str, ...], context: Context) -> Result:
    """Import a module of this package, and make a part by one of its functions."""
    make = getattr(importlib.import_module(f"adversarial_nets.paper.reproduce.{module}"), function)
    result: Result = (make(*arguments) if arguments else make)(context)
    return result


def _later(module: str, function: str, *arguments: str) -> "functools.partial[Result]":
    """A function that makes a part. It imports torch only when it is called."""
    return functools.partial(_make, module, function, arguments)


def _score(data: str) -> str:
    """The paper's score of its adversarial nets on a data set, in words."""
    score = of_the_paper(data)
    if score is None:
        return "samples only; no number"
    return f"{score.nats:g} ± {score.se:g} nats"


for part in (
    Part(
        "related-work",
        "Related work",
        "§2",
        "statements without numbers",
        _later("theory_parts", "related_work"),
    ),
    Part(
        "figure1",
        "Figure 1: training in one dimension",
        "§3",
        "D converges to ½",
        _later("theory_parts", "figure1"),
    ),
    Part(
        "gradients",
        "G's two objectives",
        "§3",
        "log D gives stronger gradients",
        _later("claim_parts", "claim_part", "gradients"),
    ),
    Part(
        "steps",
        "k updates of D for each update of G",
        "§3",
        "too many updates of D overfit",
        _later("claim_parts", "claim_part", "steps"),
        slow=True,
    ),
    Part(
        "head-start",
        "Training G alone first",
        "§3",
        "not in the paper",
        _later("claim_parts", "claim_part", "head-start"),
        slow=True,
    ),
    Part(
        "theory",
        "Theory: the optimum",
        "§4.1",
        "C(G) ≥ −log 4, equal only if p_g = p_data",
        _later("theory_parts", "theory"),
    ),
    Part(
        "function-space",
        "Theory: convergence",
        "§4.2",
        "p_g converges to p_data",
        _later("theory_parts", "function_space"),
    ),
    Part(
        "table1",
        "Table 1: Parzen log-likelihood",
        "§5",
        "adversarial nets 225 ± 2",
        _later("table_parts", "table1"),
        reads=("table1",),
    ),
    Part(
        "parzen-spread",
        "Reliability of the Parzen score",
        "§5",
        "high variance",
        _later("claim_parts", "claim_part", "parzen-spread"),
    ),
    *(
        Part(
            name,
            title,
            "§5",
            _score(data),
            _later("training_parts", "figure2", name),
            reads=(name,),
            differs_by_profile=True,
            full_only=full_only,
        )
        for name, title, data, full_only in (
            ("figure2a", "Figure 2a: MNIST", "mnist", False),
            ("figure2b", "Figure 2b: TFD", "tfd", True),
            ("figure2c", "Figure 2c: CIFAR-10, fully connected", "cifar10", True),
            ("figure2d", "Figure 2d: CIFAR-10, convolutional", "cifar10", True),
        )
    ),
    Part(
        "figure3",
        "Figure 3: interpolation in z",
        "§5",
        "samples only; no number",
        _later("training_parts", "figure3"),
        reads=("figure2a",),
        differs_by_profile=True,
    ),
    Part(
        "table2",
        "Table 2: difficulties of each kind of model",
        "§6",
        "sampling: no difficulties",
        _later("table_parts", "table2"),
        reads=("table1", "figure2a"),
        differs_by_profile=True,
    ),
    Part(
        "helvetica",
        "Mode collapse (the Helvetica scenario)",
        "§6",
        "G collapses if D is not updated",
        _later("claim_parts", "claim_part", "helvetica"),
    ),
    Part(
        "conditional",
        "Extension 1: a conditional model p(x | c)",
        "§7",
        "adding c as input to both G and D",
        _later("section7_parts", "conditional"),
        differs_by_profile=True,
        slow=True,
    ),
    Part(
        "inference",
        "Extension 2: inference of z",
        "§7",
        "an auxiliary network predicts z given x",
        _later("section7_parts", "inference"),
        reads=("figure2a",),
        differs_by_profile=True,
        slow=True,
    ),
    Part(
        "filling-in",
        "Extension 3: all conditionals p(x_S | x_¬S)",
        "§7",
        "a family of conditional models that share parameters",
        _later("section7_parts", "filling_in"),
        differs_by_profile=True,
        slow=True,
    ),
    Part(
        "few-labels",
        "Extension 4: few labels",
        "§7",
        "features of D could improve classifiers when labels are few",
        _later("section7_parts", "few_labels"),
        differs_by_profile=True,
        slow=True,
    ),
    Part(
        "efficiency",
        "Extension 5: efficiency",
        "§7",
        "training could be accelerated greatly",
        _later("section7_parts", "efficiency"),
        differs_by_profile=True,
        slow=True,
    ),
):
    register(part)
