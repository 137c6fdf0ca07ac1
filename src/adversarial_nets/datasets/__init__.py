"""Data sets: `load` returns uint8 images in three splits (§5); `register` adds your own."""

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
from adversarial_nets.lazy_names import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "arrays": "as_dataset dataset_from_arrays name_or_dataset",
        "dataset": "Dataset Fold ImageShape Source fingerprint fingerprint_of_labels "
        "image_shape_of require_labels sample_images sample_rows to_pixels",
    },
)
