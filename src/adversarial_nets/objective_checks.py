"""Test an objective that a program added; compare a game with an objective's publication."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from adversarial_nets.command_line import option_words
from adversarial_nets.errors import UserError
from adversarial_nets.objectives import (
    Objective,
    d_logit_gradients,
    find,
    g_logit_gradient,
    scalar,
)
from adversarial_nets.settings import Settings
from adversarial_nets.text import counted

__all__ = ["published_settings", "try_out"]


@torch.inference_mode(False)
@torch.enable_grad()
def try_out(name: str) -> Objective:
    """Return the objective of that name after testing its losses on a few logits.

    Raises:
        UserError: the objective is unknown; a loss does not take D's logits, is not a scalar, is
            not finite, has no gradient with respect to them, or is a sum over the minibatch; or a
            gradient in closed form differs from the loss's gradient.
    """
    found = find(name)
    a_x, a_G_z = (torch.tensor(a, requires_grad=True) for a in ([0.5, -0.25], [-0.5, 0.75]))
    both = {"data": a_x, "samples": a_G_z}
    _try_loss("d_loss", found.d_loss, both, both)
    if found.paired_g_loss is None:
        _try_loss("g_loss", found.g_loss, {"samples": a_G_z}, {"samples": a_G_z})
    else:
        _try_loss("paired_g_loss", found.paired_g_loss, both, {"samples": a_G_z})
    _check_closed_forms(found, name)
    _check_penalties(found)
    return found


def _try_loss(
    name: str,
    loss: Callable[..., Tensor],
    logits: Mapping[str, Tensor],
    trained_by: Mapping[str, Tensor],
) -> None:
    """Call a loss; raise an error if it has no gradient with respect to the logits `trained_by`."""
    try:
        result = scalar(loss(*logits.values()), name)
    except TypeError as error:
        problem = str(error).partition("\n")[0]
        raise UserError(
            f"The objective's {name} cannot be called with D's logits on {' and '.join(logits)} "
            f"({problem}). It must be a function of {counted(len(logits), 'tensor')}."
        ) from error
    if not result.isfinite():
        given = ", ".join(str(a.tolist()) for a in logits.values())
        raise UserError(
            f"The objective's {name} is {result.item()} for the logits {given}. D gives logits a, "
            "which can be negative, not probabilities: D(x) is sigmoid(a), and log D(x) is "
            "torch.nn.functional.logsigmoid(a)."
        )
    for of_what, a in trained_by.items():
        gradient = None
        if result.requires_grad:
            (gradient,) = torch.autograd.grad(result, a, retain_graph=True, allow_unused=True)
        if gradient is None:
            raise UserError(
                f"The objective's {name} has no gradient with respect to D's logits on {of_what}. "
                "Compute it from them with torch alone, without .detach(), .item() or "
                "torch.no_grad()."
            )
    _refuse_sum(name, loss, logits, trained_by)


def _refuse_sum(
    name: str,
    loss: Callable[..., Tensor],
    logits: Mapping[str, Tensor],
    trained_by: Mapping[str, Tensor],
) -> None:
    """Raise an error for a loss that is a sum over the minibatch, not a mean.

    With a sum, the steps would grow with the size of the minibatch. The same logits are repeated 32
    and 512 times: with a mean their gradient does not change, with a sum it becomes 16 times as
    large. An unbiased variance or random labels change it by a few per cent, so the bound is 2.
    """
    norms = []
    with torch.random.fork_rng(devices=[]):  # do not change the caller's random numbers
        torch.default_generator.manual_seed(0)  # the same answer each time for a random loss
        for times in (32, 512):
            result = scalar(loss(*(a.repeat(times) for a in logits.values())), name)
            gradients = torch.autograd.grad(result, list(trained_by.values()))
            norms.append(torch.cat(gradients).norm().item())
    if norms[1] > 2 * norms[0] > 0:
        raise UserError(
            f"The objective's {name} grows with the minibatch: with 16 times as many logits its "
            f"gradient is {norms[1] / norms[0]:.2g} times as large. Losses are means over the "
            "minibatch; end it in .mean() in place of .sum()."
        )


def _check_penalties(objective: Objective) -> None:
    """Raise an error if a penalty cannot take its arguments, without calling it."""
    arguments = {"penalty": ("D", "x", "G_z"), "g_penalty": ("D", "x", "z", "G_z")}
    for name, expected in arguments.items():
        penalty, required = getattr(objective, name), f"{name}({', '.join(expected)})"
        try:
            if penalty is not None:
                inspect.signature(penalty).bind(*expected)
        except TypeError as error:
            raise UserError(
                f"The objective's {name} cannot be called with {', '.join(expected)} ({error}). It "
                f"must be a function {required}."
            ) from error
        except ValueError:  # a built-in function without a signature
            continue


def _check_closed_forms(objective: Objective, name: str) -> None:
    """Raise an error if an objective's closed-form gradients are not those of its losses.

    This can happen if `dataclasses.replace` changes a loss but not its gradients, or if the factor
    m is missing.
    """
    by_autograd = dataclasses.replace(objective, d_gradients=None, g_gradient=None)
    a_x = torch.linspace(-3.1, 2.9, 7, dtype=torch.float64)
    a_G_z = a_x.flip(0) + 0.17
    fields: dict[str, Callable[[Objective], Sequence[Tensor]]] = {
        "d_gradients": lambda of: d_logit_gradients(of, a_x, a_G_z),
        "g_gradient": lambda of: [g_logit_gradient(of, a_G_z)],
    }
    for field_name, gradients in fields.items():
        if getattr(objective, field_name) is None:
            continue
        pairs = zip(gradients(objective), gradients(by_autograd), strict=True)
        if not all(torch.allclose(a, b, atol=1e-6) for a, b in pairs):
            raise UserError(
                f"The {field_name} of the objective {name} are not the gradients of m times its "
                f"loss, m being the size of the minibatch. Correct them, or give {field_name}=None."
            )


def published_settings(s: Settings) -> str:
    """A sentence on the settings in which a game differs from its objective's publication.

    Returns:
        The published and the game's values, and the options that set the published ones; '' if no
        setting differs.

    >>> published_settings(Settings()), published_settings(Settings(objective="hinge"))
    ('', '')
    """
    objective, now = find(s.objective), s.flat()
    other = {name: value for name, value in objective.published.items() if now[name] != value}
    if not other:
        return ""
    theirs, ours = (
        ", ".join(f"{name} {values[name]}" for name in other) for values in (other, now)
    )
    return (
        f"The objective {s.objective} was published with {theirs} ({objective.published_in}), but "
        f"this game has {ours}; to use the published ones, add {' '.join(option_words(other))}"
    )
