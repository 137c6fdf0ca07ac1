"""Rows that show what a Parzen score is worth, to stand beside every score.

The measure can be gamed: k-means centroids, which nobody would call a good model of digits, beat
real training images, and one grey blur has a score too. A model's score is read between them.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor

from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets._download import cache_folder
from adversarial_nets.engine.precision import full_float32
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.parzen import ParzenScore, named, parzen_on
from adversarial_nets.progress import Progress
from adversarial_nets.random import permutation

__all__ = ["PASSES", "CalibrationRow", "calibrate", "k_means", "reference_samples"]

PASSES = 2
"""Lloyd passes at most."""

_CHUNK = 1000  # images as floats at a time, and centroids in one product


@dataclass(frozen=True)
class CalibrationRow:
    """The Parzen score of something that is no model.

    Attributes:
        name: ``"training images"``, ``"k-means"`` or ``"mean image"``.
        score: its score, by the same protocol as a model's.
        note: of how many images it was made, and how.
    """

    name: str
    score: ParzenScore
    note: str

    @property
    def samples(self) -> int:
        """How many images or centroids took the place of a model's samples."""
        return self.score.samples


def calibrate(
    dataset: Dataset,
    grid: str | Sequence[float] = "paper",
    seed: int = 0,
    samples: int = 10_000,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> list[CalibrationRow]:
    """Score real training images, their k-means centroids, and their mean.

    The protocol is `parzen_on`'s, as for a model. Of n training images there are at most n images
    and n/5 centroids.

    Args:
        dataset: the data.
        grid: the σ grid of `parzen`.
        seed: which training images are drawn, and where k-means starts.
        samples: images and centroids to use where the data has enough.
        cache: folder for the centroids, which take seconds to minutes to find. If not given,
            ``$ADVNETS_CACHE`` or the system's place for caches. A folder that cannot be
            written, or a damaged file in it, only costs that time again.
        on_progress: called with (row and step, how much is done, of how much).

    Raises:
        UserError: `samples` below 1, and all that `parzen` refuses.
    """
    rows = reference_samples(dataset, seed, samples, cache, on_progress)
    return [
        CalibrationRow(name, parzen_on(dataset, s, grid, named(on_progress, name)), note)
        for name, (s, note) in rows.items()
    ]


def reference_samples(
    dataset: Dataset,
    seed: int = 0,
    samples: int = 10_000,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> dict[str, tuple[Float[Tensor, "n pixels"], str]]:
    """What takes the place of a model's samples in each row, and of how many images it was made.

    Args:
        dataset: the data.
        seed: which training images are drawn, and where k-means starts.
        samples: images and centroids to use where the data has enough.
        cache: folder for the centroids; see `calibrate`.
        on_progress: called with (step, how much is done, of how much).

    Raises:
        UserError: `samples` below 1.
    """
    if samples < 1:
        raise UserError(f"Calibration needs at least 1 sample, not {samples}.")
    n = len(dataset.train)
    order = permutation(seed, "calibration", 0, n)
    n_images, k = min(samples, n), min(samples, max(1, n // 5))

    def find_centroids() -> Tensor:
        start = dataset.floats(dataset.train[order[:k]])
        return k_means(dataset.train, start, dataset.floats, PASSES, on_progress)

    centroids = _cached(_file(dataset, seed, k, cache), (k, dataset.pixels), find_centroids)
    return {
        "training images": (
            dataset.floats(dataset.train[order[:n_images]]),
            f"{n_images:,} of {n:,} training images, at random",
        ),
        "k-means": (
            centroids,
            f"{k:,} centroids of {n:,} training images, {PASSES} passes from random images",
        ),
        "mean image": (_mean(dataset), f"1 image, the mean of {n:,} training images"),
    }


def _mean(dataset: Dataset) -> Tensor:
    """The mean training image, as one row."""
    total = torch.zeros(dataset.pixels, dtype=torch.float64)
    for images in dataset.train.split(_CHUNK):
        total += dataset.floats(images).sum(0, dtype=torch.float64)
    return (total / len(dataset.train)).float()[None]


def k_means(
    images: UInt8[Tensor, "n pixels"],
    start: Float[Tensor, "k pixels"],
    floats: Callable[[Tensor], Tensor],
    passes: int,
    on_progress: Progress | None = None,
) -> Float[Tensor, "k pixels"]:
    """Lloyd's algorithm: move each centroid to the mean of the images nearest to it, and again.

    Our own few lines, since a pass costs one product of all images with all centroids and nothing
    else: scikit-learn's `KMeans` makes one more product than passes, to label the images, and
    needs all of them as floats. A centroid that is nearest to no image stays where it is.

    Args:
        images: the bytes to sum up.
        start: where the centroids begin.
        floats: turns bytes into values in the range of `start`, as `Dataset.floats` does.
        passes: stop after so many, or when no image changes its centroid.
        on_progress: called with ("k-means: pass i of p", images done, images).

    >>> bytes_ = torch.tensor([[0], [2], [100], [104]], dtype=torch.uint8)
    >>> k_means(bytes_, torch.tensor([[0.0], [200.0]]), lambda b: b.float(), 9).flatten().tolist()
    [1.0, 102.0]
    """
    centroids, labels = start, torch.full((len(images),), -1)
    for p in range(passes):
        half_norms = centroids.square().sum(1) / 2
        sums, counts = torch.zeros_like(centroids), torch.zeros(len(centroids))
        previous, labels = labels, labels.clone()
        for i in range(0, len(images), _CHUNK):
            x = floats(images[i : i + _CHUNK])
            nearest = _nearest(x, centroids, half_norms)
            labels[i : i + _CHUNK] = nearest
            sums.index_add_(0, nearest, x)
            counts.index_add_(0, nearest, torch.ones(len(x)))
            if on_progress:
                on_progress(f"k-means: pass {p + 1} of {passes}", i + len(x), len(images))
        if labels.equal(previous):
            break
        centroids = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centroids)
    return centroids


def _nearest(x: Tensor, centroids: Tensor, half_norms: Tensor) -> Tensor:
    """The index of the centroid nearest to each x: the one with the largest x·c − ½‖c‖²."""
    best = torch.full((len(x),), -torch.inf)
    labels = torch.zeros(len(x), dtype=torch.int64)
    for j in range(0, len(centroids), _CHUNK):
        part = slice(j, j + _CHUNK)
        with full_float32(x.device):
            closeness, index = torch.addmm(-half_norms[part], x, centroids[part].T).max(1)
        closer = closeness > best
        best[closer], labels[closer] = closeness[closer], index[closer] + j
    return labels


# --- Centroids on disk --------------------------------------------------------------------------


def _file(dataset: Dataset, seed: int, k: int, cache: Path | None) -> Path:
    """Where the centroids of these images, made with these settings, are kept."""
    cache = cache or cache_folder()
    settings = f"k-means 1;{PASSES=};{seed=};{k=};{dataset.range};{tuple(dataset.train.shape)};"
    digest = hashlib.sha256(settings.encode())
    digest.update(dataset.train.contiguous().numpy().data)
    return cache / "centroids" / f"{digest.hexdigest()[:32]}.safetensors"


def _cached(file: Path, shape: tuple[int, int], make: Callable[[], Tensor]) -> Tensor:
    """The tensor in a file; if there is none, or another or a damaged one, make and keep it."""
    with suppress(OSError, SafetensorError, KeyError):
        kept = safetensors.torch.load(file.read_bytes())["centroids"]
        if kept.shape == shape and kept.isfinite().all():
            return kept
    made = make()
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(safetensors.torch.save({"centroids": made}))
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    return made
