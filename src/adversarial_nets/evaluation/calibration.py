"""Parzen scores of reference images: training images, k-means centroids, the mean image.

The Parzen score is not a reliable measure of sample quality: k-means centroids score higher than
real training images (Theis et al. 2015, arXiv:1511.01844). These rows are printed with a model's
score so that it can be interpreted.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor

from adversarial_nets.datasets import Dataset, as_dataset
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.datasets.download import cache_folder
from adversarial_nets.engine.precision import full_float32
from adversarial_nets.evaluation.parzen import Grid, ParzenScore, parzen_score_on, reusable
from adversarial_nets.progress import Progress, with_prefix
from adversarial_nets.random import permutation
from adversarial_nets.runs.files import write_atomically
from adversarial_nets.setting_values import whole_number

__all__ = ["PASSES", "CalibrationRow", "calibrate", "k_means", "mean_image", "reference_samples"]

PASSES = 2
"""Maximum number of iterations of Lloyd's algorithm."""

_CHUNK = 1000  # images and centroids in one matrix product


@dataclass(frozen=True)
class CalibrationRow:
    """The Parzen score of reference images.

    Attributes:
        name: ``"training images"``, ``"k-means"`` or ``"mean image"``.
        score: their score, by the same protocol as a model's.
        note: how the images were made and from how many.
    """

    name: str
    score: ParzenScore
    note: str

    @property
    def samples(self) -> int:
        """Number of images or centroids that were used as samples."""
        return self.score.samples


def calibrate(
    data: DataLike,
    grid: Grid = "paper",
    seed: int = 0,
    samples: int = 10_000,
    cache: str | Path | None = None,
    on_progress: Progress | None = None,
) -> list[CalibrationRow]:
    """Return the Parzen scores of training images, their k-means centroids and their mean.

    The protocol is that of `parzen_score_on`, as for a model. With n training images, at most n
    images and n/5 centroids are used.

    Args:
        data: the data, in each form that `train` takes: a name, a `Dataset`, arrays.
        grid: the grid of σ, as for `parzen_score`.
        seed: seed of the choice of training images and of the initial centroids.
        samples: number of images and of centroids, if the data has enough.
        cache: folder for the centroids, which take seconds to minutes to compute; by default
            ``$ADVNETS_CACHE`` or the system's cache folder. If it cannot be written or its file is
            damaged, the centroids are computed again.
        on_progress: called with (row and step, amount done, total).

    Raises:
        UserError: `samples` is below 1, the data set has no held-out images, or `parzen_score`
            refuses the grid.
    """
    dataset, grid = as_dataset(data), reusable(grid)
    require_held_out(dataset)
    rows = reference_samples(dataset, seed, samples, cache, on_progress)
    return [
        CalibrationRow(
            name, parzen_score_on(dataset, s, grid, with_prefix(on_progress, name)), note
        )
        for name, (s, note) in rows.items()
    ]


def reference_samples(
    dataset: Dataset,
    seed: int = 0,
    samples: int = 10_000,
    cache: str | Path | None = None,
    on_progress: Progress | None = None,
) -> dict[str, tuple[Float[Tensor, "n pixels"], str]]:
    """Return the images that `calibrate` scores, and a note on each, by the row's name.

    Args:
        dataset: the data.
        seed: seed of the choice of training images and of the initial centroids.
        samples: number of images and of centroids, if the data has enough.
        cache: folder for the centroids; see `calibrate`.
        on_progress: called with (step, amount done, total).

    Raises:
        UserError: `samples` is below 1.
    """
    samples, seed = whole_number("samples", samples), whole_number("seed", seed, 0, 2**63)
    n = len(dataset.train)
    order = permutation(seed, "calibration", 0, n)
    n_images, k = min(samples, n), min(samples, max(1, n // 5))

    def find_centroids() -> Tensor:
        start = dataset.floats(dataset.train[order[:k]])
        return k_means(dataset.train, start, dataset.floats, PASSES, on_progress)

    file = _cache_file(dataset, seed, k, cache)
    centroids = _load_or_compute(file, (k, dataset.pixels), find_centroids)
    return {
        "training images": (
            dataset.floats(dataset.train[order[:n_images]]),
            f"{n_images:,} of {n:,} training images, at random",
        ),
        "k-means": (
            centroids,
            f"{k:,} centroids of {n:,} training images, {PASSES} passes from random images",
        ),
        "mean image": (mean_image(dataset), f"1 image, the mean of {n:,} training images"),
    }


def mean_image(dataset: Dataset) -> Tensor:
    """Return the mean training image, shape (1, pixels)."""
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
    """Return k-means centroids, computed by Lloyd's algorithm.

    Each pass moves every centroid to the mean of the images nearest to it. A centroid without
    nearest images is not moved. scikit-learn's `KMeans` is not used because it needs all images as
    floats in memory, and one more pass to label them.

    Args:
        images: the images.
        start: the initial centroids.
        floats: converts images to values in the range of `start`, e.g. `Dataset.floats`.
        passes: maximum number of passes; fewer are made once no image changes its centroid.
        on_progress: called with ("k-means: pass i of p", images done, total).

    >>> bytes_ = torch.tensor([[0], [2], [100], [104]], dtype=torch.uint8)
    >>> k_means(bytes_, torch.tensor([[0.0], [200.0]]), lambda b: b.float(), 9).flatten().tolist()
    [1.0, 102.0]
    """
    centroids, labels = start, torch.full((len(images),), -1)
    for p in range(passes):
        half_norms = centroids.square().sum(1) / 2
        sums, counts = torch.zeros_like(centroids), centroids.new_zeros(len(centroids))
        previous, labels = labels, labels.clone()
        for i in range(0, len(images), _CHUNK):
            x = floats(images[i : i + _CHUNK])
            nearest = _nearest(x, centroids, half_norms)
            labels[i : i + _CHUNK] = nearest
            sums.index_add_(0, nearest, x)
            counts.index_add_(0, nearest, counts.new_ones(len(x)))
            if on_progress:
                on_progress(f"k-means: pass {p + 1} of {passes}", i + len(x), len(images))
        if labels.equal(previous):
            break
        centroids = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centroids)
    return centroids


def _nearest(x: Tensor, centroids: Tensor, half_norms: Tensor) -> Tensor:
    """The index of the nearest centroid c of each x, which has the largest x·c − ½‖c‖²."""
    best = x.new_full((len(x),), -torch.inf)
    labels = torch.zeros(len(x), dtype=torch.int64)
    for j in range(0, len(centroids), _CHUNK):
        part = slice(j, j + _CHUNK)
        with full_float32(x.device):
            similarity, index = torch.addmm(-half_norms[part], x, centroids[part].T).max(1)
        closer = similarity > best
        best[closer], labels[closer] = similarity[closer], index[closer] + j
    return labels


# --- Cache of the centroids ---------------------------------------------------------------------


def _cache_file(dataset: Dataset, seed: int, k: int, cache: str | Path | None) -> Path:
    """The cache file of the centroids of these images and settings."""
    cache = Path(cache or cache_folder())
    settings = f"k-means 1;{PASSES=};{seed=};{k=};{dataset.range};{tuple(dataset.train.shape)};"
    digest = hashlib.sha256(settings.encode())
    digest.update(dataset.train.contiguous().numpy().data)
    return cache / "centroids" / f"{digest.hexdigest()[:32]}.safetensors"


def _load_or_compute(file: Path, shape: tuple[int, int], compute: Callable[[], Tensor]) -> Tensor:
    """Load a tensor from a file; if the file is missing or invalid, compute and save it."""
    with suppress(OSError, SafetensorError, KeyError):
        saved = safetensors.torch.load(file.read_bytes())["centroids"]
        if saved.shape == shape and saved.isfinite().all():
            return saved
    centroids = compute()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, safetensors.torch.save({"centroids": centroids}))
    return centroids
