"""Data sets: `load` returns uint8 images in three splits (§5); `register` adds your own."""

import importlib
from typing import TYPE_CHECKING

from adversarial_nets.datasets import builtin as _builtin  # noqa: F401 (registers the loaders)
from adversarial_nets.datasets.registry import (
    REGISTRY,
    DatasetEntry,
    Loader,
    LoadRequest,
    load,
    register,
)

if TYPE_CHECKING:
    from adversarial_nets.datasets.dataset import Dataset, Fold, Source, fingerprint, to_pixels

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


def __getattr__(name: str) -> object:
    """Import the names of `dataset` at first use, so that listing data sets needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module 'adversarial_nets.datasets' has no attribute {name!r}")
    return getattr(importlib.import_module("adversarial_nets.datasets.dataset"), name)
