"""Generative Adversarial Nets (2014) as living software.

>>> import adversarial_nets as an
>>> an.PRESETS["mnist"].settings.D.units
(240, 240)
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adversarial_nets.build import new_game
    from adversarial_nets.datasets import Dataset, load
    from adversarial_nets.errors import Diverged, Stopped, UserError
    from adversarial_nets.evaluation import calibrate, evaluate
    from adversarial_nets.game import play, sample
    from adversarial_nets.presets import PRESETS
    from adversarial_nets.report import write_report
    from adversarial_nets.runs.compare import compare
    from adversarial_nets.runs.folder import open_run
    from adversarial_nets.runs.game_state import load_generator
    from adversarial_nets.settings import (
        Cadence,
        DiscriminatorSettings,
        GeneratorSettings,
        Settings,
    )
    from adversarial_nets.training.session import train

__all__ = [
    "PRESETS",
    "Cadence",
    "Dataset",
    "DiscriminatorSettings",
    "Diverged",
    "GeneratorSettings",
    "Settings",
    "Stopped",
    "UserError",
    "calibrate",
    "compare",
    "evaluate",
    "load",
    "load_generator",
    "new_game",
    "open_run",
    "play",
    "sample",
    "train",
    "write_report",
]

__version__ = "0.1.0"

# Names are found on first use (PEP 562), so that ``advnets --help`` need not wait for torch.
_HOMES = {
    "datasets": ["Dataset", "load"],
    "errors": ["Diverged", "Stopped", "UserError"],
    "evaluation": ["calibrate", "evaluate"],
    "game": ["new_game", "play", "sample"],
    "presets": ["PRESETS"],
    "report": ["write_report"],
    "runs.compare": ["compare"],
    "runs.folder": ["open_run"],
    "runs.game_state": ["load_generator"],
    "settings": ["Cadence", "DiscriminatorSettings", "GeneratorSettings", "Settings"],
    "training.session": ["train"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'adversarial_nets' has no attribute {name!r}")
    return getattr(importlib.import_module(f"adversarial_nets.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
