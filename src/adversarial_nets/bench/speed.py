"""Speed of our code as ratios of times to the machine's limit and to other programs.

Times differ between machines and vary from minute to minute. Ratios of two workloads that take
turns on one machine vary less, so ratios are recorded. No test depends on a measured time.
"""

import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.neighbors import KernelDensity
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.bench.memory import call_in_child
from adversarial_nets.bench.textbook import equivalent_game, textbook_steps
from adversarial_nets.bench.with_jax import jax_round
from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.engine.timing import Workload, take_turns
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood
from adversarial_nets.game import play
from adversarial_nets.presets import PRESETS
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings

__all__ = [
    "Ratio",
    "Speed",
    "matrix_products",
    "measure_speed",
    "peak_memory_of_training",
    "versions_and_machine",
]


@dataclass(frozen=True)
class Ratio:
    """The ratio of the times of two workloads that took turns.

    Attributes:
        what: the two workloads, in words.
        median: the median ratio over the turns.
        low: the smallest ratio.
        high: the largest ratio.
        seconds: the median seconds of each workload, by name.
    """

    what: str
    median: float
    low: float
    high: float
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Speed:
    """The results of `measure_speed`.

    Attributes:
        ratios: the medians by name; None if a library is not installed.
        details: each ratio with its range and times.
        peak_memory_mb: the peak resident memory, in MB of 10⁶ bytes, of a process that trains with
            the published setting, with checkpoints, scores and samples.
        made_with: versions, processor, threads.
    """

    ratios: Mapping[str, float | None]
    details: Mapping[str, Ratio]
    peak_memory_mb: float
    made_with: Mapping[str, Any]


def measure_speed(
    data: str | Dataset = "mnist", turns: int = 9, on_progress: Progress = no_progress
) -> Speed:
    """Measure all ratios and the peak memory.

    Takes some minutes on two cores; other programs that run at the same time distort the result.

    Args:
        data: the images to measure with; only their size matters.
        turns: how many times each pair of workloads takes turns.
        on_progress: called with (what was measured, amount done, total).

    Raises:
        UserError: the data set is missing.
    """
    name = data if isinstance(data, str) else "mnist"
    images = datasets.load(data) if isinstance(data, str) else data
    details: dict[str, Ratio] = {}
    for i, measure in enumerate(MEASURES):
        details |= measure(images, turns)
        on_progress("measured", i + 1, len(MEASURES) + 1)
    memory = peak_memory_of_training(name)
    on_progress("measured", len(MEASURES) + 1, len(MEASURES) + 1)
    ratios = {n: round(details[n].median, 3) if n in details else None for n in _HEADLINES}
    return Speed(ratios, details, memory, versions_and_machine())


_HEADLINES = (
    "round_over_limit",
    "round_over_jax",
    "textbook_over_ours",
    "parzen_over_product",
    "kde_over_parzen",
    "script_over_parzen",
)
"""Names of the ratios that every record has; None for a ratio that could not be measured."""


def peak_memory_of_training(data: str) -> float:
    """The peak memory, in MB, of a process that trains 60 rounds with the published setting."""
    with tempfile.TemporaryDirectory() as folder:
        return call_in_child("seconds_of_training", data, f"{folder}/run")[1]


def versions_and_machine() -> dict[str, Any]:
    """The versions and the machine that times depend on."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    if "jax" in sys.modules:
        versions["jax"] = sys.modules["jax"].__version__
    return versions | {
        "numpy": np.__version__,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    """The processor's name, if the system provides it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _ratio(
    what: str, seconds: Mapping[str, list[float]], numerator: str, denominator: str
) -> Ratio:
    """The ratio of two workloads' times in each turn."""
    each = [a / b for a, b in zip(seconds[numerator], seconds[denominator], strict=True)]
    medians = {name: statistics.median(seconds[name]) for name in (numerator, denominator)}
    return Ratio(what, statistics.median(each), min(each), max(each), medians)


# --- The round of Algorithm 1 --------------------------------------------------------------------


def _rounds(data: Dataset, turns: int) -> dict[str, Ratio]:
    """A round of the published setting: our code, its lower bound, autograd, bfloat16 and JAX."""
    settings = PRESETS["mnist"].settings
    ours, by_autograd = (
        new_game(settings, data, manual_backprop=manual_backprop)
        for manual_backprop in (None, False)
    )
    in_bfloat16 = new_game(settings, data, bf16_matmul=True)
    workloads: dict[str, Workload] = {
        "limit": _lower_bound(settings.batch, settings.z_size, data.pixels, settings.G, settings.D),
        "round": lambda: play(ours, ours.round + 1),
        "autograd": lambda: play(by_autograd, by_autograd.round + 1),
        "bfloat16": lambda: play(in_bfloat16, in_bfloat16.round + 1),
    }
    in_jax = jax_round(settings, data)
    if in_jax:
        workloads["jax"] = in_jax
    seconds = take_turns(workloads, turns, repeats=10)
    what = "a round of the published MNIST game against "
    products = "the bare matrix products of the plain algorithm and one optimiser pass"
    found = {
        "round_over_limit": _ratio(what + products, seconds, "round", "limit"),
        "autograd_over_round": _ratio(
            "autograd's round against ours", seconds, "autograd", "round"
        ),
        "round_over_bfloat16": _ratio(
            "our round in float32 against --precision bfloat16", seconds, "round", "bfloat16"
        ),
    }
    if in_jax:
        in_words = what + "the same round jitted in JAX"
        found["round_over_jax"] = _ratio(in_words, seconds, "round", "jax")
    return found


def matrix_products(
    m: int, z_size: int, pixels: int, G: GeneratorSettings, D: DiscriminatorSettings
) -> list[tuple[int, int, int]]:
    """The shapes (rows, inner, columns) of all matrix products of one simultaneous round.

    These are: G forward and backward once; D forward on data and on samples; D backward from D's
    loss to its weights on both; D backward from G's loss to the samples.

    Args:
        m: size of the minibatch.
        z_size: dimension of the noise.
        pixels: values of an image.
        G: the generator's layers.
        D: the discriminator's layers.

    >>> shapes = matrix_products(100, 100, 784, GeneratorSettings(), DiscriminatorSettings())
    >>> round(sum(2 * a * b * c for a, b, c in shapes) / 1e9, 2)  # GFLOP
    2.82
    """
    widths = [z_size, *G.hidden, pixels]
    shapes = []
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        shapes += [(m, inputs, outputs), (outputs, m, inputs)]
        shapes += [(m, outputs, inputs)] * (i > 0)
    inputs_D = [pixels, *D.units]
    outputs_D = [*(units * D.pieces for units in D.units), 1]
    for i, (inputs, outputs) in enumerate(zip(inputs_D, outputs_D, strict=True)):
        shapes += [(m, inputs, outputs), (outputs, m, inputs)] * 2
        shapes += [(m, outputs, inputs)] * (2 * (i > 0) + 1)
    return shapes


def _lower_bound(
    m: int, z_size: int, pixels: int, G: GeneratorSettings, D: DiscriminatorSettings
) -> Workload:
    """A lower bound of a round: its matrix products, and torch's fused SGD step on the weights."""
    products = []
    for a, b, c in matrix_products(m, z_size, pixels, G, D):
        products.append((torch.randn(a, b), torch.randn(b, c), torch.empty(a, c)))
    widths = [z_size, *G.hidden, pixels]
    sizes = [a * b for a, b in pairwise(widths)]
    sizes += [a * b * D.pieces for a, b in zip([pixels, *D.units], D.units, strict=False)]
    weights = [torch.nn.Parameter(torch.randn(size)) for size in sizes]
    for p in weights:
        p.grad = torch.randn_like(p)
    optimiser = torch.optim.SGD(weights, lr=1e-6, momentum=0.5, fused=True)

    def run() -> None:
        for left, right, out in products:
            torch.mm(left, right, out=out)
        optimiser.step()

    return run


def _textbook(data: Dataset, turns: int) -> dict[str, Ratio]:
    """A tutorial's training step, and ours with the same networks, losses and optimiser."""
    steps = textbook_steps(data)
    ours, in_bfloat16 = (equivalent_game(data, bf16_matmul) for bf16_matmul in (False, True))
    workloads: dict[str, Workload] = {
        "textbook": lambda: next(steps),
        "ours": lambda: play(ours, ours.round + 1),
        "bfloat16": lambda: play(in_bfloat16, in_bfloat16.round + 1),
    }
    what = "a tutorial's training step against ours of the same nets, losses and optimiser"
    seconds = take_turns(workloads, turns, repeats=20)
    return {
        "textbook_over_ours": _ratio(what, seconds, "textbook", "ours"),
        "textbook_over_bfloat16": _ratio(
            what + ", ours in bfloat16", seconds, "textbook", "bfloat16"
        ),
    }


# --- Parzen --------------------------------------------------------------------------------------


def _images(data: Dataset, n: int) -> Float[Tensor, "n pixels"]:
    """`n` training images with a little noise, repeated if there are fewer."""
    images = data.floats(data.train)
    images = images.repeat(-(-n // len(images)), 1)[:n]
    return (images + 0.01 * torch.randn_like(images)).clamp_(0, 1)


def _parzen(data: Dataset, turns: int) -> dict[str, Ratio]:
    """The Parzen score of 10,000 × 10,000 images, for one σ and a grid, and its bare product."""
    x, samples = _images(data, 10_000), _images(data, 10_000)
    out = torch.empty(min(1000, len(x)), min(1000, len(samples)))

    def product() -> None:
        for rows in x.split(1000):
            for columns in samples.split(1000):
                torch.mm(rows, columns.T, out=out)

    workloads: dict[str, Workload] = {
        "product": product,
        "one σ": lambda: log_likelihood(x, samples, [0.2]),
        "grid": lambda: (
            log_likelihood(x[:1000], samples, GRIDS["paper"]),
            log_likelihood(x, samples, [0.2]),
        ),
    }
    seconds = take_turns(workloads, max(turns // 2, 1))
    what = "Parzen, 10,000 samples × 10,000 images, "
    return {
        "parzen_over_product": _ratio(
            what + "one σ, against the bare product", seconds, "one σ", "product"
        ),
        "protocol_over_parzen": _ratio(
            "the paper's whole protocol (σ chosen from 10 on 1,000 images) against one σ",
            seconds,
            "grid",
            "one σ",
        ),
    }


def _kde(data: Dataset, turns: int) -> dict[str, Ratio]:
    """scikit-learn's density estimator and ours, at a size that scikit-learn can process."""
    x, samples = _images(data, 1000), _images(data, 2000)
    density = KernelDensity(bandwidth=0.2).fit(samples.numpy())
    workloads: dict[str, Workload] = {
        "scikit-learn": lambda: density.score_samples(x.numpy()),
        "ours": lambda: log_likelihood(x, samples, [0.2]),
    }
    what = "scikit-learn's KernelDensity against ours, 2,000 samples × 1,000 images"
    seconds = take_turns(workloads, max(turns // 3, 1))
    return {"kde_over_parzen": _ratio(what, seconds, "scikit-learn", "ours")}


def _script(data: Dataset, turns: int) -> dict[str, Ratio]:
    """The times to choose σ of the published script's method and of ours, on a few images."""
    x, samples = _images(data, 20), _images(data, 10_000)

    def script() -> None:
        for σ in GRIDS["paper"]:
            for batch in x.split(10):
                difference = (batch[:, None] - samples[None]) / σ
                exponent = -0.5 * difference.square_().sum(2)
                exponent.logsumexp(1)

    workloads: dict[str, Workload] = {
        "script": script,
        "ours": lambda: log_likelihood(x, samples, GRIDS["paper"]),
    }
    what = (
        "the published script's method (differences of 10 images at a time from all samples, again "
        "for every σ) against ours, 10 σ, 10,000 samples × 20 images"
    )
    seconds = take_turns(workloads, max(turns // 3, 1))
    return {"script_over_parzen": _ratio(what, seconds, "script", "ours")}


MEASURES = (_rounds, _textbook, _parzen, _kde, _script)
