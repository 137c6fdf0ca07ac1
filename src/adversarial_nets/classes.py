"""Classes of images as an input c of both networks: p(x | c) in place of p(x) (§7, extension 1).

A conditional game is the game of §3 with the class appended to each row: z becomes (z, c), x
becomes (x, c), with c in one-hot form. Each sample keeps the c that G received. With only one
class, c contains no information, so it has no columns, and the game is the unconditional one.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets.datasets import Dataset, Source
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import NoTrainingClasses, UserError, unknown_name
from adversarial_nets.random import Address
from adversarial_nets.settings import Settings
from adversarial_nets.tensors import as_tensor

__all__ = [
    "class_count",
    "class_numbers",
    "condition_columns",
    "count_classes",
    "drawn_classes",
    "find_class",
    "generator_input",
    "images_per_class",
    "remember_condition",
    "with_classes",
]

Rows = Float[Tensor, "m values"]
Numbers = Int64[Tensor, " m"]
Columns = Float[Tensor, "m columns"]


def count_classes(data: Source, needed_by: str = "condition classes") -> dict[str, int]:
    """The number of training images of each class by the class's name, in the order of numbers.

    Args:
        data: the data set.
        needed_by: the option or part that needs the classes, for the error message: ``condition
            classes`` or ``few-labels``.

    Raises:
        UserError: the data have no labels for training and validation images, some have no class,
            or a class has no training images.
    """
    name = getattr(data, "name", "The data")
    if not isinstance(data, Dataset) or not {"train", "valid"} <= data.labels.keys():
        entry = REGISTRY.get(name.partition(":")[0])
        raise NoTrainingClasses(name, needed_by, entry.labels_hint if entry else None)
    labels, names = data.labels["train"], data.class_names
    unlabelled = sum(int((data.labels[split] < 0).sum()) for split in ("train", "valid"))
    if unlabelled:
        raise UserError(
            f"{unlabelled:,} images of {name} have no class (a negative label); condition classes "
            "and few-labels need a class for each. Leave those images out, or leave condition out."
        )
    counts = labels.bincount(minlength=len(names)).tolist()
    empty = [class_ for class_, count in zip(names, counts, strict=True) if not count]
    if empty:
        more = f" and {len(empty) - 5:,} more" if len(empty) > 5 else ""
        raise UserError(
            f"{name} has no training images of class {', '.join(empty[:5])}{more}; each class "
            "needs at least one. Add images, or number the classes without gaps: "
            "numpy.unique(labels, return_inverse=True)[1]."
        )
    return dict(zip(names, counts, strict=True))


def images_per_class(settings: Settings, data: Source) -> dict[str, int]:
    """`count_classes` if the game has classes as its condition, else empty."""
    return count_classes(data) if settings.condition == "classes" else {}


def condition_columns(settings: Settings, counts: Mapping[str, int], pixels: int) -> int:
    """Number of values at the end of each row of D's input that hold the condition.

    In a game with classes or masks, each row of G's input ends in the same values.

    Args:
        settings: the game's settings. In the joint game D's rows end in z.
        counts: the number of images of each class. A single class contains no information and has
            no column.
        pixels: values of an image. With masks, a row ends in (x·m, m).
    """
    if settings.joint:
        return settings.z_size
    if settings.condition == "masks":
        return 2 * pixels
    return len(counts) if settings.condition == "classes" and len(counts) > 1 else 0


def remember_condition(
    G: nn.Module, settings: Settings, counts: Mapping[str, int], pixels: int
) -> None:
    """Store the default condition of samples in a conditional generator, as a buffer.

    With classes, c is drawn from p(c), the shares of the training images; with masks, no pixel is
    known. This belongs to the run, not to the weights, so no checkpoint holds it.
    """
    columns = condition_columns(settings, counts, pixels)
    if settings.condition == "classes" and columns:
        shares = torch.tensor(list(counts.values()), dtype=torch.float64)
        G.register_buffer("class_shares", (shares / shares.sum()).float(), persistent=False)
    if settings.condition == "masks":
        G.register_buffer("nothing_known", torch.zeros(columns), persistent=False)


def class_count(G: nn.Module) -> int:
    """How many classes a generator distinguishes; 0 for an unconditional one."""
    shares = _shares(G)
    return 0 if shares is None else len(shares)


def _shares(G: nn.Module) -> Tensor | None:
    return dict(G.named_buffers(recurse=False)).get("class_shares")


def with_classes(rows: Rows, c: Numbers, columns: int) -> Float[Tensor, "m values_and_classes"]:
    """Append the class of each row in one-hot form.

    >>> with_classes(torch.tensor([[0.5], [0.7]]), torch.tensor([2, 0]), 3).tolist()
    [[0.5, 0.0, 0.0, 1.0], [0.699999988079071, 1.0, 0.0, 0.0]]
    """
    one_hot = torch.zeros(len(rows), columns)
    if columns:
        one_hot.scatter_(1, c[:, None], 1)
    return torch.cat([rows, one_hot.to(rows)], 1)


def class_numbers(one_hot: Float[Tensor, "m columns"]) -> Numbers:
    """The class of each row of one-hot columns; 0 if there are no columns.

    >>> class_numbers(torch.eye(3)[[2, 0]]).tolist(), class_numbers(torch.ones(2, 0)).tolist()
    ([2, 0], [0, 0])
    """
    if one_hot.shape[1] == 0:
        return torch.zeros(len(one_hot), dtype=torch.int64, device=one_hot.device)
    return one_hot.argmax(1)


def drawn_classes(G: nn.Module, address: Address, purpose: str) -> Numbers | None:
    """Draw the default classes of samples from p(c), one for each row of the address.

    Returns:
        None for a generator without classes.
    """
    shares = _shares(G)
    if shares is None:
        return None
    u = address.uniform(f"{purpose}: classes", 1)[:, 0]
    bounds = shares.cpu().cumsum(0)
    return torch.searchsorted(bounds, u, right=True).clamp_(max=len(shares) - 1)


def generator_input(
    G: nn.Module, z: Rows, c: Numbers | Columns | None = None
) -> Float[Tensor, "m inputs"]:
    """G's input for these z: each z with its condition appended; z itself if G is unconditional.

    Args:
        G: the generator.
        z: noise.
        c: the class of each row, which a generator with classes needs (`drawn_classes`); or the
            values that hold its condition: a class in one-hot form, or the known pixels and their
            mask (`masks.known_part`), by default none.

    Raises:
        UserError: a condition of a wrong shape, or for a generator without a condition; missing
            classes, or class numbers that do not exist.
    """
    shares, nothing = _shares(G), dict(G.named_buffers(recurse=False)).get("nothing_known")
    z = z if isinstance(z, Tensor) else as_tensor("z", z)
    c = c if c is None or isinstance(c, Tensor) else as_tensor("c", c)
    if c is not None and c.is_floating_point():
        columns = 0 if shares is None else len(shares)
        _check_columns(c, len(z), columns if nothing is None else len(nothing))
        return torch.cat([z, c.to(z)], 1)
    if nothing is not None:
        if c is not None:
            raise UserError(
                "Classes are given, but this generator takes none: it fills in images. Give the "
                "known pixels and their mask (masks.known_part), or leave c out."
            )
        return torch.cat([z, nothing.to(z).expand(len(z), -1)], 1)
    if shares is None:
        if c is not None and bool((c != 0).any()):
            raise UserError(
                "Classes are given, but this generator takes none. Leave them out, or train with "
                "condition classes."
            )
        return z
    if c is None or c.shape != (len(z),) or not bool(((c >= 0) & (c < len(shares))).all()):
        raise UserError(
            f"The classes must be {len(z)} numbers from 0 to {len(shares) - 1}, one for each "
            "sample."
        )
    return with_classes(z, c, len(shares))


def _check_columns(c: Tensor, rows: int, columns: int) -> None:
    """Refuse a condition in floats that does not have G's number of columns."""
    if c.shape != (rows, columns):
        takes = f"of shape ({rows}, {columns})" if columns else "none: it was trained without one"
        raise UserError(
            f"The condition c has floats of shape {tuple(c.shape)}, but this generator takes "
            f"{takes}. Give classes as whole numbers, known pixels (masks.known_part) to a run "
            "with condition masks, or leave c out."
        )


def find_class(names: Sequence[str], wanted: str) -> int:
    """The number of the class with that name or number.

    Raises:
        UserError: the class is unknown; the message suggests the nearest.

    >>> find_class(["cats", "dogs"], "dogs"), find_class(["cats", "dogs"], "0")
    (1, 0)
    """
    if wanted in names:
        return list(names).index(wanted)
    if wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    if not names:
        raise UserError(
            f"Class {wanted!r} is given, but this run has no classes. Train one with --condition "
            "classes."
        )
    raise unknown_name(wanted, names, "class")
