"""One class of a data set with classes: ``mnist:7``."""

import dataclasses

from adversarial_nets.datasets.checks import SPLITS
from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import UserError

__all__ = ["one_class"]


def one_class(data: Dataset, number: int, name: str) -> Dataset:
    """Make a data set of the images of one class, in the same splits.

    Args:
        data: a data set with a class for each image.
        number: the class's number.
        name: the result's name, e.g. ``"mnist:7"``.

    Raises:
        UserError: some images of the data have no class, or no image has this class.
    """
    if any(len(data.labels.get(split, ())) != len(getattr(data, split)) for split in SPLITS):
        raise UserError(
            f"{name} needs a class for each image, but {data.name} has none. Leave :{number} out."
        )
    chosen = {split: data.labels[split] == number for split in SPLITS}
    if not all(bool(mask.any()) for mask in chosen.values()):
        known = sorted(set(data.labels["train"].tolist()))
        raise UserError(
            f"{name}: {data.name} has no images of class {number} in each split; its classes are "
            f"{', '.join(map(str, known))}."
        )
    return dataclasses.replace(
        data,
        name=name,
        **{split: getattr(data, split)[mask] for split, mask in chosen.items()},
        labels={},
        folds=(),
        provenance=f"Class {number} of: {data.provenance}",
    )
