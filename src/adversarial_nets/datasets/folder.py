"""A folder of your own images, in any format, size and mode."""

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from adversarial_nets.datasets.checks import warn_about
from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.datasets.folder_archive import unpacked
from adversarial_nets.datasets.folder_files import (
    Found,
    class_of_images,
    find_images,
    split_images,
)
from adversarial_nets.datasets.folder_images import (
    FULL_RANGE,
    ImageFacts,
    explain_failure,
    read_image,
)
from adversarial_nets.datasets.paths import is_run
from adversarial_nets.datasets.registry import LoadOptions
from adversarial_nets.errors import SettingError, UserError
from adversarial_nets.progress import Progress
from adversarial_nets.settings import ImageFit
from adversarial_nets.text import counted

__all__ = ["load_folder"]

LARGEST_SIZE = 1024
_COLOURS = {1: "grey", 3: "RGB", 4: "RGBA"}

# 16-bit images that use less than this part of their range are probably of 12 bits or so.
_NARROW = 0.3


def load_folder(
    folder: Path,
    options: LoadOptions | None = None,
    *,
    name: str | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Load all images in a folder or a zip archive, cropped and resized to the same shape.

    Each image is processed in this order: rotated by its EXIF orientation; first frame if
    animated; 16 bits per value scaled to 8; transparent parts on the background; converted to grey
    (ITU-R 601 luma) or RGB; cropped to the central square; resized to ``size`` × ``size`` by
    Pillow's bicubic filter, which is antialiased when it shrinks. An image that already has this
    shape keeps its values exactly. Colour profiles are not applied.

    Files with an image's suffix are read. Hidden files and folders (a leading dot), thumbnails and
    system folders (``@eaDir``, ``__MACOSX``) are skipped. Links to folders are followed, each real
    folder once. An image that cannot be read is an error, so no image is lost silently.

    If the folder has a subfolder ``train`` and one or both of ``valid`` (``val``, ``validation``)
    and ``test``, these are the splits. Otherwise a hash of a file's name relative to `folder`
    determines its split (train 80 %, valid 10 %, test 10 %). The hash also determines its position
    there, so adding a file does not move other files.

    Args:
        folder: the folder with the images in it or in subfolders, or a zip archive of it.
        options: the options of `load`. By default images become 28×28 (at most 1024×1024) and
            grey, their sides are cropped, and transparent parts become white, with a warning if an
            image has such parts. With 4 channels, the background is the colour that fully
            transparent pixels get. Without `stretch`, 65,535 of 16 bits becomes 255, so 12-bit
            values are nearly black. With `train_on_all`, validation and test images are the
            training images, and `Dataset.held_out` is False.
        name: the data set's name, by default ``folder:PATH``.
        on_progress: called with (the data set's name, bytes read, total bytes).

    Returns:
        The data set, of image shape (channels, size, size). If each image lies in a subfolder
        (below ``train`` and so on, if these are the splits), the subfolders are its classes, in
        alphabetical order.

    Raises:
        UserError: an impossible `size` or `background`, a folder that does not exist or has no
            images, images that cannot be read (the message names them), or too few images for three
            splits.
    """
    options = options or LoadOptions()
    size = 28 if options.size is None else options.size
    width = size if options.width is None else options.width
    channels = 1 if options.channels is None else options.channels
    background, stretch, fit = options.background, options.stretch, options.fit or "crop"
    _check_arguments(folder, size, width, background)
    name = name or f"folder:{folder}"
    with unpacked(folder) as place:
        found = find_images(place, folder)
        splits, how = split_images(place, found.images, options.train_on_all, folder)
        paths = [path for split in splits.values() for path in split]
        reader = _Reader((size, width), channels, background or "white", fit)
        images, facts = _read_all(place, paths, reader, stretch, name, on_progress, folder)
    labels, classes = _classes(place, splits, options.train_on_all)
    if background is None and channels < 4:
        _warn_of_transparency(name, facts)
    if background is not None and fit != "pad" and not any(fact.transparent for fact in facts):
        _warn_of_no_effect(name, "background", "no image has transparent parts")
    is_narrow = _warn_of_narrow_range(name, facts, stretch)

    train, valid, test = _rows_of_splits(images, splits, options.train_on_all)
    n, shape = counted(len(paths), "image"), f"{size}×{width} {_COLOURS[channels]}"
    aspect = "square" if size == width else f"aspect {size}:{width}"
    on = f"{'fully ' * (channels == 4)}transparent parts on {background or 'white'}"
    data = Dataset(
        name=name,
        train=train,
        valid=valid,
        test=test,
        held_out=not options.train_on_all,
        image_shape=(channels, size, width),
        provenance=f"{n} in {folder.absolute()}, each rotated by its EXIF "
        f"orientation, {on}, {_fitted(fit, aspect)}, converted and resized to {shape}; "
        f"{how}. {_skipped(found)}".rstrip(),
        notes=f"Read {n} as {shape}{_what_was_done(facts, stretch, aspect)}; "
        f"{_held_out(splits, how)}. {_skipped(found)}".rstrip(),
        labels=labels,
        classes=classes,
        random_order=True,
    )
    warn_about(data, dark=not is_narrow)
    return data


def _held_out(splits: Mapping[str, Sequence[Path]], how: str) -> str:
    """How many images are held out, in words."""
    n_valid, n_test = len(splits["valid"]), len(splits["test"])
    if not n_valid:
        return how
    return f"held out {n_valid:,} for validation and {n_test:,} for the test ({how})"


def _rows_of_splits(
    images: UInt8[np.ndarray, "n pixels"], splits: Mapping[str, Sequence[Path]], train_on_all: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training, validation and test images; with `train_on_all` each split has all images."""
    if train_on_all:
        everything = torch.from_numpy(images)
        return everything, everything, everything
    n_train, n_valid = len(splits["train"]), len(splits["valid"])
    train, valid, test = torch.from_numpy(images).tensor_split([n_train, n_train + n_valid])
    return train, valid, test


def _classes(
    folder: Path, splits: Mapping[str, Sequence[Path]], train_on_all: bool
) -> tuple[dict[str, Int64[torch.Tensor, " n"]], tuple[str, ...]]:
    """The labels of each split and the classes' names; both empty without subfolders."""
    class_of = class_of_images(folder, [path for split in splits.values() for path in split])
    names = sorted(set(class_of.values()))
    if not names:
        return {}, ()
    number = {name: i for i, name in enumerate(names)}
    labels = {
        split: torch.tensor([number[class_of[path]] for path in paths], dtype=torch.int64)
        for split, paths in splits.items()
    }
    if train_on_all:
        labels = dict.fromkeys(labels, labels["train"])
    return labels, tuple(names)


def _fitted(fit: ImageFit, aspect: str) -> str:
    """How images with another aspect ratio were fitted, in words."""
    if fit == "crop":
        return f"cropped to the {'central ' * (aspect == 'square')}{aspect}"
    return "padded" if fit == "pad" else "stretched"


def _check_arguments(folder: Path, size: int, width: int, background: str | None) -> None:
    """Refuse the folder of a run, and an impossible size or background."""
    from PIL import ImageColor

    if is_run(folder):
        raise UserError(
            f"{folder} is the folder of a run; its pictures are charts, and sheets of many "
            "samples. Give a folder of images."
        )
    for name, side in (("size", size), ("width", width)):
        if not 1 <= side <= LARGEST_SIZE:
            raise UserError(f"{name} is {side}; it must be from 1 to {LARGEST_SIZE} pixels.")
    if background is not None:
        try:
            is_opaque = len(ImageColor.getrgb(background)) == 3
        except ValueError:
            is_opaque = False
        if not is_opaque:
            raise SettingError(
                "background",
                f"is {background!r}; it must be a colour, for example black or '#ff8000'.",
            )


@dataclass(frozen=True)
class _Reader:
    """The arguments of `read_image` for all images of a folder."""

    size: tuple[int, int]
    channels: int
    background: str
    fit: ImageFit

    def read(
        self, path: Path, stretch: tuple[float, float] = FULL_RANGE
    ) -> tuple[UInt8[np.ndarray, " pixels"], ImageFacts]:
        return read_image(path, self.size, self.channels, self.background, stretch, self.fit)


def _read_all(
    folder: Path,
    paths: Sequence[Path],
    reader: _Reader,
    stretch: bool,
    name: str,
    on_progress: Progress | None,
    given: Path,
) -> tuple[UInt8[np.ndarray, "n pixels"], list[ImageFacts]]:
    """Read all images into one array; raise one error that names all unreadable ones."""
    pixels = reader.channels * math.prod(reader.size)
    images = np.empty((len(paths), pixels), dtype=np.uint8)
    lengths = [path.stat().st_size if path.is_file() else 0 for path in paths]
    done, total = 0, sum(lengths)
    failures: list[str] = []
    facts: list[ImageFacts] = []
    for i, (path, length) in enumerate(zip(paths, lengths, strict=True)):
        if on_progress is not None:
            on_progress(name, done, total)
        try:
            images[i], fact = reader.read(path)
            facts.append(fact)
        # On damaged files Pillow raises many types: OSError, SyntaxError, struct.error …
        except Exception as error:
            failures.append(f"{path.relative_to(folder)} ({explain_failure(error, path)})")
        done += length
    if on_progress is not None:
        on_progress(name, done, total)
    if failures:
        shown = "; ".join(failures[:5]) + ("; ..." if len(failures) > 5 else "")
        raise UserError(
            f"{len(failures):,} of the {len(paths):,} images in {given} cannot be read: {shown}. "
            "Repair, convert or remove them."
        )
    if stretch and (used := _used_range(facts, 16)):
        # The range of all images is known only now, so the 16-bit ones are read again.
        for i, path in enumerate(paths):
            if facts[i].bits == 16:
                images[i], _ = reader.read(path, used)
    return images, facts


def _used_range(facts: Sequence[ImageFacts], bits: int | str) -> tuple[float, float] | None:
    """Smallest and largest value of all images of 16 bits, as fractions of white."""
    used = [fact.used for fact in facts if fact.bits == bits]
    return (min(low for low, _ in used), max(high for _, high in used)) if used else None


# --- Messages to the user -------------------------------------------------------------------------


def _warn_of_transparency(name: str, facts: Sequence[ImageFacts]) -> None:
    n = sum(fact.transparent for fact in facts)
    if n:
        warnings.warn(
            f"{name}: {n:,} of {len(facts):,} images have transparent parts, which become white. "
            "The setting background chooses the colour: 'black' for white drawings, 'white' to "
            "keep it without this warning. channels 4 keeps them transparent, in samples too.",
            stacklevel=3,
        )


def _warn_of_narrow_range(name: str, facts: Sequence[ImageFacts], stretch: bool) -> bool:
    """Warn of 16-bit images that use a small part of their range; returns whether there are any."""
    is_narrow = False
    for bits, remedy in (
        (16, "The setting stretch makes the smallest value black and the largest white."),
        ("16 colour", "Only the upper 8 bits of 16-bit colour are read: save them as 8-bit files."),
    ):
        used = _used_range(facts, bits)
        if used is None or used[1] - used[0] >= _NARROW or (stretch and bits == 16):
            continue
        is_narrow = True
        low, high = (round(x * 65535) for x in used)
        n = sum(fact.bits == bits for fact in facts)
        warnings.warn(
            f"{name}: {counted(n, '16-bit image')} use only the values {low:,} to {high:,} of 0 to "
            f"65,535, which become {low * 255 / 65535:.0f} to {high * 255 / 65535:.0f} of 0 to "
            f"255. {remedy}",
            stacklevel=3,
        )
    if stretch and _used_range(facts, 16) is None:
        _warn_of_no_effect(name, "stretch", "no image has 16-bit grey values")
    return is_narrow


def _warn_of_no_effect(name: str, setting: str, why: str) -> None:
    warnings.warn(
        f"{name}: the setting {setting} has no effect, because {why}.", UserWarning, stacklevel=4
    )


def _what_was_done(facts: Sequence[ImageFacts], stretch: bool, aspect: str) -> str:
    """How many images were changed in which way: ``: 60 cropped to the square, 58 made grey``."""
    counts = {
        f"cropped to the {aspect}": sum(fact.cropped for fact in facts),
        "resized": sum(fact.resized for fact in facts),
        "made grey": sum(fact.made_grey for fact in facts),
        "with transparent parts": sum(fact.transparent for fact in facts),
        "reduced to the first of several frames": sum(fact.many_frames for fact in facts),
        "stretched from 16 bits": stretch * sum(fact.bits == 16 for fact in facts),
    }
    words = [f"{n:,} {what}" for what, n in counts.items() if n]
    return f": {', '.join(words)}" if words else ""


def _skipped(found: Found) -> str:
    """The files and folders that were not read, as a sentence; empty if there are none."""
    parts = []
    n = found.others.total()
    if n:
        parts.append(f"{counted(n, 'other file')} ({_most_common(found.others)})")
    if found.skipped:
        parts.append(f"{counted(found.skipped.total(), 'folder')} ({_most_common(found.skipped)})")
    return f"Skipped {' and '.join(parts)}." if parts else ""


def _most_common(counts: Counter[str]) -> str:
    shown = [f"{n:,} {what}" for what, n in counts.most_common(3)]
    return ", ".join(shown) + (", …" if len(counts) > 3 else "")
