"""How fast we are: ratios of times, each pair measured side by side in one run.

Times differ from machine to machine and from minute to minute; a ratio of two things that took
turns on the same machine in the same minutes is worth writing down. Nothing here asserts one.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
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
from adversarial_nets.bench.textbook import game_of_the_same, textbook_steps
from adversarial_nets.bench.with_jax import jax_round
from adversarial_nets.build import new_game
from adversarial_nets.datasets import Dataset
from adversarial_nets.evaluation.parzen import GRIDS, log_likelihood
from adversarial_nets.game import play
from adversarial_nets.presets import PRESETS
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings

__all__ = ["Bench", "Ratio", "bench", "peak_memory", "products_of_a_round"]

Work = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """Two works that took turns.

    Attributes:
        what: the two, in words.
        median: the median over the turns of (numerator's seconds / denominator's).
        low: the smallest of those ratios.
        high: the largest.
        seconds: the median seconds of one unit of each work, by name.
    """

    what: str
    median: float
    low: float
    high: float
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Bench:
    """What `bench` measured.

    Attributes:
        ratios: by name; None where a library is missing.
        details: each ratio's spread and the seconds behind it.
        peak_memory_mb: the largest resident memory, in MB, of a process that trains the published
            setting with checkpoint, score and picture.
        made_with: versions, processor, threads.
    """

    ratios: Mapping[str, float | None]
    details: Mapping[str, Ratio]
    peak_memory_mb: float
    made_with: Mapping[str, Any]


def bench(
    data: str | Dataset = "mnist",
    turns: int = 9,
    on_progress: Callable[[str, int, int | None], None] = lambda *_: None,
) -> Bench:
    """Measure everything; some minutes on two cores, and nothing else should run meanwhile.

    Args:
        data: images of the size to measure with; their values hardly matter.
        turns: how many times each pair takes turns.
        on_progress: called with what has been measured, how much and of how much.

    Raises:
        UserError: the data set is not there.
    """
    name = data if isinstance(data, str) else None
    data = datasets.load(data) if isinstance(data, str) else data
    details: dict[str, Ratio] = {}
    for i, measure in enumerate(MEASURES):
        details |= measure(data, turns)
        on_progress("measured", i + 1, len(MEASURES) + 1)
    memory = peak_memory(name or "mnist")
    on_progress("measured", len(MEASURES) + 1, len(MEASURES) + 1)
    names = (
        *("round_over_limit", "round_over_jax", "textbook_over_ours"),
        *("parzen_over_product", "kde_over_parzen", "script_over_parzen"),
    )
    ratios = {n: round(details[n].median, 3) if n in details else None for n in names}
    return Bench(ratios, details, memory, made_with())


def made_with() -> dict[str, Any]:
    """The versions and the machine that a time depends on."""
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
    """The processor's name where Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _take_turns(works: Mapping[str, Work], turns: int, units: int = 1) -> dict[str, list[float]]:
    """Seconds a unit of each work in each turn; a first turn warms up and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            began = time.perf_counter()
            for _ in range(units):
                work()
            if turn:
                seconds[name].append((time.perf_counter() - began) / units)
    return seconds


def _ratio(what: str, seconds: Mapping[str, list[float]], above: str, below: str) -> Ratio:
    each = [a / b for a, b in zip(seconds[above], seconds[below], strict=True)]
    medians = {name: statistics.median(seconds[name]) for name in (above, below)}
    return Ratio(what, statistics.median(each), min(each), max(each), medians)


# --- The round of Algorithm 1 --------------------------------------------------------------------


def _rounds(data: Dataset, turns: int) -> dict[str, Ratio]:
    """Our published round against its bare products and optimiser pass, autograd's, and JAX's."""
    settings = PRESETS["mnist"].settings
    ours, by_autograd = (
        new_game(settings, data, manual_backprop=manual_backprop)
        for manual_backprop in (None, False)
    )
    in_bfloat16 = new_game(settings, data, bf16_matmul=True)
    works: dict[str, Work] = {
        "limit": _limit(settings.batch, settings.z_size, data.pixels, settings.G, settings.D),
        "round": lambda: play(ours, ours.round + 1),
        "autograd": lambda: play(by_autograd, by_autograd.round + 1),
        "bfloat16": lambda: play(in_bfloat16, in_bfloat16.round + 1),
    }
    in_jax = jax_round(settings, data)
    if in_jax:
        works["jax"] = in_jax
    seconds = _take_turns(works, turns, units=10)
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


def products_of_a_round(
    m: int, z_size: int, pixels: int, G: GeneratorSettings, D: DiscriminatorSettings
) -> list[tuple[int, int, int]]:
    """Every product (rows, inner, columns) of one simultaneous round of the plain algorithm.

    G forward and back once; D forward on data and on samples, back from D's loss to its weights on
    both, and back from G's loss to the samples.

    >>> shapes = products_of_a_round(100, 100, 784, GeneratorSettings(), DiscriminatorSettings())
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


def _limit(
    m: int, z_size: int, pixels: int, G: GeneratorSettings, D: DiscriminatorSettings
) -> Work:
    """A round's products, each on matrices of its own, and torch's fused SGD on the weights."""
    works = []
    for a, b, c in products_of_a_round(m, z_size, pixels, G, D):
        works.append((torch.randn(a, b), torch.randn(b, c), torch.empty(a, c)))
    widths = [z_size, *G.hidden, pixels]
    sizes = [a * b for a, b in pairwise(widths)]
    sizes += [a * b * D.pieces for a, b in zip([pixels, *D.units], D.units, strict=False)]
    weights = [torch.nn.Parameter(torch.randn(size)) for size in sizes]
    for p in weights:
        p.grad = torch.randn_like(p)
    optimiser = torch.optim.SGD(weights, lr=1e-6, momentum=0.5, fused=True)

    def run() -> None:
        for left, right, out in works:
            torch.mm(left, right, out=out)
        optimiser.step()

    return run


def _textbook(data: Dataset, turns: int) -> dict[str, Ratio]:
    """A tutorial's loop against the same nets and losses in our loop."""
    steps = textbook_steps(data)
    ours, in_bfloat16 = (game_of_the_same(data, bf16_matmul) for bf16_matmul in (False, True))
    works: dict[str, Work] = {
        "textbook": lambda: next(steps),
        "ours": lambda: play(ours, ours.round + 1),
        "bfloat16": lambda: play(in_bfloat16, in_bfloat16.round + 1),
    }
    what = "a tutorial's training step against ours of the same nets, losses and optimiser"
    seconds = _take_turns(works, turns, units=20)
    return {
        "textbook_over_ours": _ratio(what, seconds, "textbook", "ours"),
        "textbook_over_bfloat16": _ratio(
            what + ", ours in bfloat16", seconds, "textbook", "bfloat16"
        ),
    }


# --- Parzen --------------------------------------------------------------------------------------


def _images(data: Dataset, n: int) -> Float[Tensor, "n pixels"]:
    """As many training images as asked for, repeated where there are fewer, with a little noise."""
    images = data.floats(data.train)
    images = images.repeat(-(-n // len(images)), 1)[:n]
    return (images + 0.01 * torch.randn_like(images)).clamp_(0, 1)


def _parzen(data: Dataset, turns: int) -> dict[str, Ratio]:
    """Ours on 10,000 × 10,000 images, one σ and the whole grid, against the bare product."""
    x, samples = _images(data, 10_000), _images(data, 10_000)
    out = torch.empty(min(1000, len(x)), min(1000, len(samples)))

    def product() -> None:
        for rows in x.split(1000):
            for columns in samples.split(1000):
                torch.mm(rows, columns.T, out=out)

    works: dict[str, Work] = {
        "product": product,
        "one σ": lambda: log_likelihood(x, samples, [0.2]),
        "grid": lambda: (
            log_likelihood(x[:1000], samples, GRIDS["paper"]),
            log_likelihood(x, samples, [0.2]),
        ),
    }
    seconds = _take_turns(works, max(turns // 2, 1))
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
    """scikit-learn's estimator against ours, at a size it finishes."""
    x, samples = _images(data, 1000), _images(data, 2000)
    density = KernelDensity(bandwidth=0.2).fit(samples.numpy())
    works: dict[str, Work] = {
        "scikit-learn": lambda: density.score_samples(x.numpy()),
        "ours": lambda: log_likelihood(x, samples, [0.2]),
    }
    what = "scikit-learn's KernelDensity against ours, 2,000 samples × 1,000 images"
    seconds = _take_turns(works, max(turns // 3, 1))
    return {"kde_over_parzen": _ratio(what, seconds, "scikit-learn", "ours")}


def _script(data: Dataset, turns: int) -> dict[str, Ratio]:
    """The published script's method for choosing σ against ours, on a few images."""
    x, samples = _images(data, 20), _images(data, 10_000)

    def script() -> None:
        for σ in GRIDS["paper"]:
            for batch in x.split(10):
                difference = (batch[:, None] - samples[None]) / σ
                exponent = -0.5 * difference.square_().sum(2)
                exponent.logsumexp(1)

    works: dict[str, Work] = {
        "script": script,
        "ours": lambda: log_likelihood(x, samples, GRIDS["paper"]),
    }
    what = (
        "the published script's method (differences of 10 images at a time from all samples, "
        "anew for every σ) against ours, 10 σ, 10,000 samples × 20 images"
    )
    seconds = _take_turns(works, max(turns // 3, 1))
    return {"script_over_parzen": _ratio(what, seconds, "script", "ours")}


MEASURES = (_rounds, _textbook, _parzen, _kde, _script)


# --- Memory --------------------------------------------------------------------------------------

_TRAIN = """
from adversarial_nets.settings import Cadence
from adversarial_nets.training import train
train({data!r}, preset="mnist", rounds=60, run={run!r}, cadence=Cadence(20, 30, 30, 30))
"""


def peak_memory(data: str) -> float:
    """The largest resident memory, in MB, of a process that trains the published setting."""
    with tempfile.TemporaryDirectory() as folder:
        return peak_memory_of(_TRAIN.format(data=data, run=f"{folder}/run"))


# A child's own account: what the system tells a parent counts the moment before the child's program
# was loaded, when it was still a copy of the parent.
PEAK = """
import resource, sys
from pathlib import Path
status = Path("/proc/self/status")
if status.exists():
    words = status.read_text().split()
    print(int(words[words.index("VmHWM:") + 1]) * 1024)
else:
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


def peak_memory_of(program: str) -> float:
    """The largest resident memory, in MB of 10⁶ bytes, of a Python program run by itself.

    Raises:
        subprocess.CalledProcessError: the program failed.
    """
    command = [sys.executable, "-c", program + PEAK]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return round(int(done.stdout.split()[-1]) / 1e6, 1)
