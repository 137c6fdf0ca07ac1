"""Generative Adversarial Nets (Goodfellow et al., 2014) in readable PyTorch.

Train on the digits that come with the package, score, and write a report::

    import adversarial_nets as an

    run = an.train("mnist-5k", run="runs/first")
    print(an.evaluate(run))              # Parzen log-likelihood by the paper's protocol, in nats
    page = an.write_report(run)          # one HTML page

Continue, open, load, sample and compare::

    an.train("mnist-5k", run="runs/first", rounds=18000)
    run = an.open_run("runs/first")
    G, round = an.load_generator(run)    # a torch.nn.Module
    images = an.sample(G, run.settings, n=64)
    an.compare(["runs/first", "runs/second"])
    an.export_generator(run, "first-G")  # safetensors, JSON, model card; open_run opens it
    an.open_run("digits")                # a trained generator that comes with the package

Other settings, networks, optimisers and data::

    settings = an.PRESETS["quickstart"].settings                 # an.Settings, a frozen dataclass
    settings = dataclasses.replace(settings, k=2, seed=1)
    an.train("mnist-5k", settings=settings, run="runs/k2", rounds=9000)
    adam = functools.partial(torch.optim.Adam, lr=2e-4)          # keeps its own learning rate
    an.train("folder:PHOTOS", G=my_G, D=my_D, optimiser=adam, run="runs/own", rounds=9000)
    data = an.load("mnist-5k")                                   # an.Dataset
    an.calibrate(data)                                           # scores of real images, k-means

Look into a training, and play without a run's folder::

    an.train("mnist-5k", callbacks=[lambda snapshot: print(snapshot.row)])  # an.TrainingSnapshot
    game = an.new_game(settings, data)
    an.play(game, rounds=100)            # Algorithm 1; game.G and game.D are torch modules

A mistake raises `an.UserError`, whose text says what to do.

>>> import adversarial_nets as an
>>> an.PRESETS["mnist"].settings.D.units
(240, 240)
"""

from typing import TYPE_CHECKING

from adversarial_nets.lazy_names import lazy_names

if TYPE_CHECKING:
    from adversarial_nets.build import new_game
    from adversarial_nets.datasets import Dataset, dataset_from_arrays, load
    from adversarial_nets.errors import Diverged, Stopped, UserError
    from adversarial_nets.evaluation import Evaluation, calibrate, evaluate
    from adversarial_nets.evaluation.compare_runs import compare
    from adversarial_nets.game import play, sample
    from adversarial_nets.presets import PRESETS
    from adversarial_nets.report import write_report
    from adversarial_nets.report.exported import export_generator
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
    "dataset_from_arrays",
    "evaluate",
    "export_generator",
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
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "build": "new_game",
        "datasets": "Dataset dataset_from_arrays load",
        "errors": "Diverged Stopped UserError",
        "evaluation": "Evaluation calibrate evaluate",
        "game": "play sample",
        "presets": "PRESETS",
        "report": "write_report",
        "report.exported": "export_generator",
        "evaluation.compare_runs": "compare",
        "runs.folder": "Run open_run",
        "runs.game_state": "load_generator",
        "settings": "Cadence DiscriminatorSettings GeneratorSettings Settings",
        "training.session": "TrainingSnapshot train",
    },
)
