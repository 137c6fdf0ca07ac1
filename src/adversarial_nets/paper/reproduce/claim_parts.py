"""The parts of §3, §5 and §6: claims about training, each with a table, a picture and a phrase."""

import functools
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from adversarial_nets.paper import training_claims
from adversarial_nets.paper.reproduce.registry import Context, Result

__all__ = ["SUMMARIES", "gradients", "head_start", "helvetica", "parzen_spread", "steps"]

Rows = Sequence[Mapping[str, Any]]


def _test_claim(name: str, context: Context) -> Result:
    """Test a claim of `training_claims` and make its part."""
    found, picture = training_claims.claim(
        name, context.folder, seed=context.seed, on_progress=context.on_progress
    )
    return Result(
        ours=SUMMARIES[name](found.rows),
        notes=(found.statement, found.method),
        tables=(found.rows,),
        pictures=(picture.name,),
    )


gradients = functools.partial(_test_claim, "gradients")
steps = functools.partial(_test_claim, "steps")
head_start = functools.partial(_test_claim, "head-start")
parzen_spread = functools.partial(_test_claim, "parzen-spread")
helvetica = functools.partial(_test_claim, "helvetica")


def _summarise_gradients(rows: Rows) -> str:
    row = max(rows, key=itemgetter("ratio"))
    return (
        f"the gradient of log D is up to {row['ratio']:.0f} times as long (round {row['round']}, "
        f"D(G(z)) {row['D(G(z))']:.2f})"
    )


def _summarise_steps(rows: Rows) -> str:
    widest, best = max(rows, key=itemgetter("gap")), max(rows, key=itemgetter("Parzen, nats"))
    return (
        f"V on training images is at most {widest['gap']:.3f} above V on held-out images "
        f"(k = {widest['k']}); with equally many updates of D, k = {best['k']} has the best Parzen "
        "score"
    )


def _summarise_head_start(rows: Rows) -> str:
    last = f"round {rows[0]['rounds']}"
    scores = (f"{row[last]:.1f} after {row['head start']} rounds of G alone" for row in rows)
    return f"nats at {last}: {', '.join(scores)}"


def _summarise_parzen_spread(rows: Rows) -> str:
    row = max(rows, key=itemgetter("dimensions", "samples"))
    return (
        f"for a perfect model in {row['dimensions']} dimensions and {row['samples']:,} samples: "
        f"{-row['error']:.0f} nats below the true value, standard deviation {row['spread']:.2f}"
    )


def _summarise_helvetica(rows: Rows) -> str:
    row = rows[-1]
    return (
        f"digits generated at round {row['round']:,}: {row['digits, both learn']} with both "
        f"networks trained, {row['digits, D stands still']} with D frozen since round 1,500"
    )


SUMMARIES: Mapping[str, Callable[[Rows], str]] = {
    "gradients": _summarise_gradients,
    "steps": _summarise_steps,
    "head-start": _summarise_head_start,
    "parzen-spread": _summarise_parzen_spread,
    "helvetica": _summarise_helvetica,
}
"""The function that summarises a claim's table in one phrase, by the claim's name."""
