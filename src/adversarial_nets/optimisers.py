"""The optimisers that the setting `optimiser` names, and how the schedules apply to each.

To add one, add an entry to `OPTIMISERS` and its name to `settings.OptimiserName`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from adversarial_nets.settings import OptimiserName, Settings

__all__ = ["OPTIMISERS", "OptimiserRule", "Parameters", "rule_of"]

Parameters = Iterable[nn.Parameter] | list[dict[str, Any]]
"""Parameters of a network, or groups of them."""


@dataclass(frozen=True)
class OptimiserRule:
    """How an optimiser is made, and which schedules apply to it.

    Attributes:
        kind: its class in `torch.optim`.
        make: makes the optimiser from parameters, with the settings' learning rate and momentum.
        momentum_is_scheduled: whether its momentum follows the settings' schedule, corrected to
            that of the published rule (`schedules.set_learning_rates`). Otherwise it is constant.
        set_momentum: writes a constant momentum that has been changed during a game into a group of
            parameters.
        has_published_rates: whether its learning rates are comparable with those of §5.
    """

    kind: str
    make: Callable[[Parameters, Settings], torch.optim.Optimizer]
    momentum_is_scheduled: bool = False
    set_momentum: Callable[[dict[str, Any], float], None] = lambda group, momentum: None
    has_published_rates: bool = False


def rule_of(optimiser: torch.optim.Optimizer) -> OptimiserRule | None:
    """Return the rule of an optimiser by its class; None if the class is not in `OPTIMISERS`."""
    for rule in OPTIMISERS.values():
        if isinstance(optimiser, getattr(torch.optim, rule.kind)):
            return rule
    return None


def _sgd(parameters: Parameters, s: Settings) -> torch.optim.Optimizer:
    """SGD with momentum, as published."""
    return torch.optim.SGD(parameters, lr=s.lr, momentum=s.momentum, fused=True)


def _adam(parameters: Parameters, s: Settings) -> torch.optim.Optimizer:
    """Adam (arXiv:1412.6980), whose β₁ is the settings' momentum."""
    betas = s.momentum, s.adam_beta2
    return torch.optim.Adam(parameters, lr=s.lr, betas=betas, fused=True)


def _set_beta1(group: dict[str, Any], momentum: float) -> None:
    group["betas"] = (momentum, group["betas"][1])


OPTIMISERS: Mapping[OptimiserName, OptimiserRule] = {
    "sgd": OptimiserRule("SGD", _sgd, momentum_is_scheduled=True, has_published_rates=True),
    "adam": OptimiserRule("Adam", _adam, set_momentum=_set_beta1),
}
"""Every optimiser by its name in the settings."""
