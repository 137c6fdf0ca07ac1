"""Data sets: `load` returns uint8 images in three splits (§5); `register` adds your own."""

import importlib
from typing import TYPE_CHECKING

from adversarial_nets.datasets import builtin as _builtin  # noqa: F401 (registers the loaders)
from adversarial_nets.datasets.registry import (
    REGISTRY,
    DatasetEntry,
    Loader,
    LoadOptions,
    LoadRequest,
    load,
    register,
)

if TYPE_CHECKING:
    from adversarial_nets.datasets.arrays import as_dataset, dataset_from_arrays, name_or_dataset
    from adversarial_nets.datasets.dataset import (
        Dataset,
        Fold,
        ImageShape,
        Source,
        fingerprint,
        fingerprint_of_labels,
        image_shape_of,
        require_labels,
        sample_images,
        sample_rows,
        to_pixels,
    )

__all__ = [
    "REGISTRY",
    "Dataset",
    "DatasetEntry",
    "Fold",
    "ImageShape",
    "LoadOptions",
    "LoadRequest",
    "Loader",
    "Source",
    "as_dataset",
    "dataset_from_arrays",
    "fingerprint",
    "fingerprint_of_labels",
    "image_shape_of",
    "load",
    "name_or_dataset",
    "register",
    "require_labels",
    "sample_images",
    "sample_rows",
    "to_pixels",
]


_IN_ARRAYS = ("as_dataset", "dataset_from_arrays", "name_or_dataset")


def __getattr__(name: str) -> object:
    """Import these names at first use, so that listing data sets needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module 'adversarial_nets.datasets' has no attribute {name!r}")
    module = "arrays" if name in _IN_ARRAYS else "dataset"
    return getattr(importlib.import_module(f"adversarial_nets.datasets.{module}"), name)
