"""Make every training short, so that commands run as documents print them.

Data sets become 120 small images, presets a few units wide, trainings at most 20 rounds long, and
scores those of 100 samples.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from adversarial_nets import evaluation, presets
from adversarial_nets.datasets import REGISTRY, Dataset, LoadRequest
from adversarial_nets.evaluation import calibration, features, score
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.training import session

__all__ = ["photographs", "shorten"]

ROUNDS, SAMPLES, Z_SIZE = 20, 100, 5
SHAPES = {
    **dict.fromkeys(("mnist", "mnist-5k"), (1, 28, 28)),
    **dict.fromkeys(("tfd", "tfd-standin"), (1, 48, 48)),
    **dict.fromkeys(("cifar10", "cifar10-copy"), (3, 32, 32)),
}


def photographs(folder: Path, n: int = 60) -> Path:
    """Write n small colour images into a folder."""
    folder.mkdir()
    for i in range(n):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((40, 30)).save(folder / f"{i}.png")
    return folder


def few_images(request: LoadRequest) -> Dataset:
    """120 random images in place of a data set, with ten classes."""
    shape = SHAPES[request.name]
    size = shape[0] * shape[1] * shape[2]
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (120, size), np.uint8))
    train, valid, test = images.split((80, 20, 20))
    counts = {"train": 80, "valid": 20, "test": 20}
    labels = {name: torch.arange(n) % 10 for name, n in counts.items()}
    return Dataset(request.name, train, valid, test, shape, "made for tests", labels=labels)


def of_few_samples(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with 100 in place of the number of samples that it is given."""
    return lambda *args, **how: function(*args, **how | {"samples": SAMPLES})


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Replace data sets, presets and lengths, until the patch is undone."""
    for name in SHAPES:
        entry: Any = dataclasses.replace(REGISTRY[name], loader=few_images)
        patch.setitem(REGISTRY, name, entry)
    for name, preset in presets.PRESETS.items():
        hidden = (6, Z_SIZE, 8, 8) if preset.onto else (8, 8)
        small = Settings(
            G=GeneratorSettings(hidden=hidden, init=(0.4,)),
            D=DiscriminatorSettings(units=(8, 6), pieces=2, init=(0.4,)),
            batch=20,
            z_size=Z_SIZE,
            ema_decay=0.9,
            condition=preset.settings.condition,
        )
        cadence = dataclasses.replace(preset.cadence, score_samples=SAMPLES)
        preset = dataclasses.replace(preset, settings=small, cadence=cadence)
        patch.setitem(presets.PRESETS, name, preset)
    length = session.length
    patch.setattr(session, "length", lambda *args: min(ROUNDS, length(*args)))
    patch.setattr(features, "STEPS", 5)
    patch.setattr(evaluation, "evaluate", of_few_samples(evaluation.evaluate))
    patch.setattr(score, "calibrate", of_few_samples(calibration.calibrate))
