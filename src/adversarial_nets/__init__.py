"""Generative Adversarial Nets (Goodfellow et al., 2014) in readable PyTorch.

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
    from adversarial_nets.evaluation import Evaluation, calibrate, evaluate
    from adversarial_nets.evaluation.compare_runs import compare
    from adversarial_nets.game import play, sample
    from adversarial_nets.presets import PRESETS
    from adversarial_nets.report import write_report
    from adversarial_nets.runs.folder import Run, open_run
    from adversarial_nets.runs.game_state import load_generator
    from adversarial_nets.settings import (
        Cadence,
        DiscriminatorSettings,
        GeneratorSettings,
        Settings,
    )
    from adversarial_nets.training.session import TrainingSnapshot, train

__all__ = [
    "PRESETS",
    "Cadence",
    "Dataset",
    "DiscriminatorSettings",
    "Diverged",
    "Evaluation",
    "GeneratorSettings",
    "Run",
    "Settings",
    "Stopped",
    "TrainingSnapshot",
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

# Each name is imported at its first use (PEP 562), so that ``advnets --help`` imports no torch.
_MODULES = {
    "build": ["new_game"],
    "datasets": ["Dataset", "load"],
    "errors": ["Diverged", "Stopped", "UserError"],
    "evaluation": ["Evaluation", "calibrate", "evaluate"],
    "game": ["play", "sample"],
    "presets": ["PRESETS"],
    "report": ["write_report"],
    "evaluation.compare_runs": ["compare"],
    "runs.folder": ["Run", "open_run"],
    "runs.game_state": ["load_generator"],
    "settings": ["Cadence", "DiscriminatorSettings", "GeneratorSettings", "Settings"],
    "training.session": ["TrainingSnapshot", "train"],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'adversarial_nets' has no attribute {name!r}")
    return getattr(importlib.import_module(f"adversarial_nets.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
