"""The parts of the paper, in its order: the paper's statement and the module that tests it."""

import functools
import importlib

from adversarial_nets.evaluation.published import of_the_paper
from adversarial_nets.paper.reproduce.registry import Context, Part, Result, register


def _score(data: str) -> str:
    """The paper's score of its adversarial nets on a data set, in words."""
    score = of_the_paper(data)
    return f"{score.nats:g} ± {score.se:g} nats" if score else "samples only; no number"


_CONTENTS = (
    ("§2", "related-work", "Related work", "statements without numbers"),
    ("§3", "figure1", "Figure 1: training in one dimension", "D converges to ½"),
    ("§3", "gradients", "G's two objectives", "log D gives stronger gradients"),
    ("§3", "steps", "k updates of D for each update of G", "too many updates of D overfit"),
    ("§3", "head-start", "Training G alone first", "not in the paper"),
    ("§4.1", "theory", "Theory: the optimum", "C(G) ≥ −log 4, equal only if p_g = p_data"),
    ("§4.2", "function-space", "Theory: convergence", "p_g converges to p_data"),
    ("§5", "table1", "Table 1: Parzen log-likelihood", "adversarial nets 225 ± 2"),
    ("§5", "parzen-spread", "Reliability of the Parzen score", "high variance"),
    ("§5", "figure2a", "Figure 2a: MNIST", _score("mnist")),
    ("§5", "figure2b", "Figure 2b: TFD", _score("tfd")),
    ("§5", "figure2c", "Figure 2c: CIFAR-10, fully connected", _score("cifar10")),
    ("§5", "figure2d", "Figure 2d: CIFAR-10, convolutional", _score("cifar10")),
    ("§5", "figure3", "Figure 3: interpolation in z", "samples only; no number"),
    ("§6", "table2", "Table 2: difficulties of each kind of model", "sampling: no difficulties"),
    (
        "§6",
        "helvetica",
        "Mode collapse (the Helvetica scenario)",
        "G collapses if D is not updated",
    ),
    (
        "§7",
        "conditional",
        "Extension 1: a conditional model p(x | c)",
        "adding c as input to both G and D",
    ),
    ("§7", "inference", "Extension 2: inference of z", "an auxiliary network predicts z given x"),
    (
        "§7",
        "filling-in",
        "Extension 3: all conditionals p(x_S | x_¬S)",
        "a family of conditional models that share parameters",
    ),
    (
        "§7",
        "few-labels",
        "Extension 4: few labels",
        "features of D could improve classifiers when labels are few",
    ),
    ("§7", "efficiency", "Extension 5: efficiency", "training could be accelerated greatly"),
)
"""The section, the part's name, its heading, and the paper's statement or number."""

_MADE_BY = {
    "theory_parts": ("related-work", "figure1", "theory", "function-space"),
    "claim_parts": ("gradients", "steps", "head-start", "parzen-spread", "helvetica"),
    "training_parts": ("figure2a", "figure2b", "figure2c", "figure2d", "figure3"),
    "table_parts": ("table1", "table2"),
    "section7_parts": ("conditional", "inference", "filling-in", "few-labels", "efficiency"),
}
"""The parts that a module makes, each by its function of the same name."""

_READS = {
    "table1": ("table1",),
    **{name: (name,) for name in ("figure2a", "figure2b", "figure2c", "figure2d")},
    "figure3": ("figure2a",),
    "table2": ("table1", "figure2a"),
    "inference": ("figure2a",),
}
_DIFFER_BY_PROFILE = (*_MADE_BY["training_parts"], "table2", *_MADE_BY["section7_parts"])
_FULL_ONLY = ("figure2b", "figure2c", "figure2d")
_SLOW = ("steps", "head-start", *_MADE_BY["section7_parts"])


def _make(name: str, context: Context) -> Result:
    """Make a part. Its module imports torch, so it is imported only now."""
    module = next(module for module, names in _MADE_BY.items() if name in names)
    functions = importlib.import_module(f"adversarial_nets.paper.reproduce.{module}")
    result: Result = getattr(functions, name.replace("-", "_"))(context)
    return result


for section, name, title, published in _CONTENTS:
    register(
        Part(
            name,
            title,
            section,
            published,
            make=functools.partial(_make, name),
            reads=_READS.get(name, ()),
            differs_by_profile=name in _DIFFER_BY_PROFILE,
            full_only=name in _FULL_ONLY,
            slow=name in _SLOW,
        )
    )
