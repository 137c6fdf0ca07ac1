"""Data sets: `load` returns uint8 images in three splits (§5); `register` adds your own."""

from adversarial_nets.datasets import builtin as _builtin  # noqa: F401 (registers the loaders)
from adversarial_nets.datasets.dataset import Dataset, Fold, Source, fingerprint, to_pixels
from adversarial_nets.datasets.registry import (
    REGISTRY,
    DatasetEntry,
    Loader,
    LoadRequest,
    load,
    register,
)

__all__ = [
    "REGISTRY",
    "Dataset",
    "DatasetEntry",
    "Fold",
    "LoadRequest",
    "Loader",
    "Source",
    "fingerprint",
    "load",
    "register",
    "to_pixels",
]
