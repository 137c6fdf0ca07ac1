"""Networks and optimisers that a program passes to `train` in place of those of the settings."""

import functools
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from adversarial_nets.build import Optimiser
from adversarial_nets.errors import UserError
from adversarial_nets.runs import folder, game_state
from adversarial_nets.runs.folder import RunLike
from adversarial_nets.settings import OPTIMISER_SETTINGS
from adversarial_nets.state import Game

__all__ = ["PassedNetworks"]


@dataclass(frozen=True)
class PassedNetworks:
    """Networks and optimiser that a program passed; None where the settings describe them."""

    G: nn.Module | None
    D: nn.Module | None
    optimiser: Optimiser | None

    @property
    def own(self) -> bool:
        """Whether the program passed G or D."""
        return bool(self.G or self.D)

    @property
    def replaced_settings(self) -> tuple[str, ...]:
        """The beginnings of the names of the settings that they replace."""
        networks = [f"{name}." for name in "GD" if getattr(self, name) is not None]
        return (*networks, *(OPTIMISER_SETTINGS if self.optimiser else ()))

    def folder_of_top_layers(self, onto: RunLike | None) -> Path | None:
        """The folder of the finished run `onto`, whose generator becomes part of G.

        Raises:
            UserError: G is also given.
        """
        if onto is None:
            return None
        if self.G is not None:
            raise UserError("onto gives the generator, and G is another one; give one of them.")
        return folder.folder_of(onto)

    @property
    def optimiser_name(self) -> str | None:
        """The optimiser's name as earlier versions recorded it."""
        rule = self.optimiser
        return getattr(rule, "__qualname__", repr(rule)) if rule else None

    def describe_optimiser(self, game: Game) -> str | None:
        """The optimiser for the records: ``RMSprop`` or ``Adam(lr=0.0002)``; None if not passed in.

        For a function the text includes the optimiser that it made, so that a changed number is
        noticed. Records of earlier versions do not have the part after the semicolon.
        """
        rule = self.optimiser
        if rule is None or isinstance(rule, type):
            return self.optimiser_name
        if isinstance(rule, functools.partial) and isinstance(rule.func, type) and not rule.args:
            arguments = ", ".join(f"{name}={value!r}" for name, value in rule.keywords.items())
            return f"{rule.func.__name__}({arguments})"
        made = [
            f"{type(made).__name__}(lr={', '.join(str(float(g['lr'])) for g in made.param_groups)})"
            for made in (game.optimiser_G, game.optimiser_D)
        ]
        others = [
            f"{name} {value}"
            for optimiser in (game.optimiser_G, game.optimiser_D)
            for group in optimiser.param_groups
            for name, value in game_state.numbers_of(group).items()
            if name != "lr"
        ]
        name = getattr(rule, "__name__", type(rule).__name__)
        return f"{name}: {' and '.join(dict.fromkeys(made))}; {', '.join(dict.fromkeys(others))}"
