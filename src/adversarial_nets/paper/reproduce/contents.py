"""The parts of the paper, in its order: what each one says and the function that reproduces it."""

from adversarial_nets.evaluation.published import of_the_paper
from adversarial_nets.paper.reproduce.claim_parts import claim_part
from adversarial_nets.paper.reproduce.registry import Part, register
from adversarial_nets.paper.reproduce.section7_parts import (
    conditional,
    efficiency,
    few_labels,
    filling_in,
    inference,
)
from adversarial_nets.paper.reproduce.table_parts import table1, table2
from adversarial_nets.paper.reproduce.theory_parts import (
    figure1,
    function_space,
    related_work,
    theory,
)
from adversarial_nets.paper.reproduce.training_parts import figure2, figure3


def _score(data: str) -> str:
    """The paper's score of its adversarial nets on a data set, in words."""
    score = of_the_paper(data)
    if score is None:
        return "samples only; no number"
    return f"{score.nats:g} ± {score.se:g} nats"


register(Part("related-work", "Related work", "§2", "statements without numbers", related_work))
register(Part("figure1", "Figure 1: training in one dimension", "§3", "D converges to ½", figure1))
register(
    Part(
        "gradients",
        "G's two objectives",
        "§3",
        "log D gives stronger gradients",
        claim_part("gradients"),
    )
)
register(
    Part(
        "steps",
        "k updates of D for each update of G",
        "§3",
        "too many updates of D overfit",
        claim_part("steps"),
        slow=True,
    )
)
register(
    Part(
        "head-start",
        "Training G alone first",
        "§3",
        "not in the paper",
        claim_part("head-start"),
        slow=True,
    )
)
register(
    Part(
        "theory", "Theory: the optimum", "§4.1", "C(G) ≥ −log 4, equal only if p_g = p_data", theory
    )
)
register(
    Part("function-space", "Theory: convergence", "§4.2", "p_g converges to p_data", function_space)
)
register(
    Part(
        "table1",
        "Table 1: Parzen log-likelihood",
        "§5",
        "adversarial nets 225 ± 2",
        table1,
        reads=("table1",),
    )
)
register(
    Part(
        "parzen-spread",
        "Reliability of the Parzen score",
        "§5",
        "high variance",
        claim_part("parzen-spread"),
    )
)
for name, title, data, full_only in (
    ("figure2a", "Figure 2a: MNIST", "mnist", False),
    ("figure2b", "Figure 2b: TFD", "tfd", True),
    ("figure2c", "Figure 2c: CIFAR-10, fully connected", "cifar10", True),
    ("figure2d", "Figure 2d: CIFAR-10, convolutional", "cifar10", True),
):
    register(
        Part(
            name,
            title,
            "§5",
            _score(data),
            figure2(name),
            reads=(name,),
            differs_by_profile=True,
            full_only=full_only,
        )
    )
register(
    Part(
        "figure3",
        "Figure 3: interpolation in z",
        "§5",
        "samples only; no number",
        figure3,
        reads=("figure2a",),
        differs_by_profile=True,
    )
)
register(
    Part(
        "table2",
        "Table 2: difficulties of each kind of model",
        "§6",
        "sampling: no difficulties",
        table2,
        reads=("table1", "figure2a"),
        differs_by_profile=True,
    )
)
register(
    Part(
        "helvetica",
        "Mode collapse (the Helvetica scenario)",
        "§6",
        "G collapses if D is not updated",
        claim_part("helvetica"),
    )
)
register(
    Part(
        "conditional",
        "Extension 1: a conditional model p(x | c)",
        "§7",
        "adding c as input to both G and D",
        conditional,
        differs_by_profile=True,
        slow=True,
    )
)
register(
    Part(
        "inference",
        "Extension 2: inference of z",
        "§7",
        "an auxiliary network predicts z given x",
        inference,
        reads=("figure2a",),
        differs_by_profile=True,
        slow=True,
    )
)
register(
    Part(
        "filling-in",
        "Extension 3: all conditionals p(x_S | x_¬S)",
        "§7",
        "a family of conditional models that share parameters",
        filling_in,
        differs_by_profile=True,
        slow=True,
    )
)
register(
    Part(
        "few-labels",
        "Extension 4: few labels",
        "§7",
        "features of D could improve classifiers when labels are few",
        few_labels,
        differs_by_profile=True,
        slow=True,
    )
)
register(
    Part(
        "efficiency",
        "Extension 5: efficiency",
        "§7",
        "training could be accelerated greatly",
        efficiency,
        differs_by_profile=True,
        slow=True,
    )
)
