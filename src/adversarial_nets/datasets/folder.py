"""A folder of your own images, in any format, size and mode."""

import hashlib
import os
import unicodedata
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8

from adversarial_nets.datasets.dataset import Dataset
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["load_folder"]

LARGEST_SIZE = 1024

# Decoders that are safe for untrusted files (EPS, for example, would start Ghostscript).
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000"),
    *("PCX", "PNG", "PPM", "QOI", "TGA", "TIFF", "WEBP"),
)
# File names of images. Those of the last line cannot be decoded here; they are listed so that such
# files are reported instead of skipped silently.
SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"),
    *(".jpg", ".mpo", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif"),
    *(".tiff", ".webp"),
    *(".eps", ".heic", ".heif", ".jxl", ".psd", ".svg"),
)


def load_folder(
    folder: Path,
    *,
    size: int = 28,
    channels: int = 1,
    name: str | None = None,
    on_progress: Progress | None = None,
) -> Dataset:
    """Load all images in a folder and its subfolders, cropped and resized to the same shape.

    Each image is processed in this order: rotated by its EXIF orientation; first frame if
    animated; 16 bits per value scaled to 8; transparent parts on white; converted to grey (ITU-R
    601 luma) or RGB; cropped to the central square; resized to ``size`` × ``size`` by Pillow's
    bicubic filter, which is antialiased when it shrinks. An image that already has this shape keeps
    its values exactly. Colour profiles are not applied.

    Files with an image's suffix are read. Hidden files (a leading dot) and linked folders are
    skipped. An image that cannot be read is an error, so no image is lost silently.

    A hash of a file's name relative to `folder` determines its split (train 80 %, valid 10 %, test
    10 %) and its position there, so adding a file does not move other files.

    Args:
        folder: the folder with the images.
        size: height and width of the result in pixels, 1 to 1024.
        channels: 1 for grey, 3 for RGB.
        name: the data set's name, by default ``folder:PATH``.
        on_progress: called with (the data set's name, bytes read, total bytes).

    Returns:
        The data set, of image shape (channels, size, size), without labels.

    Raises:
        UserError: an impossible `size` or `channels`, no such folder, no images in it, images that
            cannot be read (the message names them), or too few images for three splits.
    """
    if not 1 <= size <= LARGEST_SIZE:
        raise UserError(f"size is {size}; it must be from 1 to {LARGEST_SIZE} pixels.")
    if channels not in (1, 3):
        raise UserError(f"channels is {channels}; it must be 1 (grey) or 3 (colour).")
    name = name or f"folder:{folder}"
    paths, n_others = _find_images(folder)
    hashes = {path: _name_hash(path.relative_to(folder)) for path in paths}
    paths.sort(key=lambda path: hashes[path])
    n_train = sum(hashes[path] < 0.8 for path in paths)
    n_valid = sum(0.8 <= hashes[path] < 0.9 for path in paths)
    n_test = len(paths) - n_train - n_valid
    if not (n_train and n_valid and n_test):
        raise UserError(
            f"{folder} has only {len(paths)} image{'s' * (len(paths) > 1)}, split into {n_train} "
            f"for training, {n_valid} for validation and {n_test} for the test; each split needs "
            "at least one. Add images: 50 are nearly always enough."
        )

    images = torch.from_numpy(_read_all(folder, paths, size, channels, name, on_progress))
    others = f" {n_others:,} other files were skipped." if n_others else ""
    return Dataset(
        name=name,
        train=images[:n_train],
        valid=images[n_train : n_train + n_valid],
        test=images[n_train + n_valid :],
        image_shape=(channels, size, size),
        provenance=f"{len(paths):,} images in {folder.absolute()}, each rotated by its EXIF "
        f"orientation, transparent parts on white, converted to "
        f"{'grey' if channels == 1 else 'RGB'}, cropped to the central square and resized to "
        f"{size}×{size}; split 80/10/10 by a hash of each file's name.{others}",
    )


def _find_images(folder: Path) -> tuple[list[Path], int]:
    """List the images below a folder, and count the other files."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise UserError(f"{folder} {what}. In folder:PATH, PATH must be a folder of images.")
    paths: list[Path] = []
    n_others = 0
    try:
        for here, _, files in os.walk(folder, onerror=_raise):
            for file in files:
                if file.startswith("."):
                    continue
                if Path(file).suffix.lower() in SUFFIXES:
                    paths.append(Path(here, file))
                else:
                    n_others += 1
    except OSError as error:
        raise UserError(f"{error.filename} cannot be listed: {error.strerror}.") from error
    if not paths:
        raise UserError(
            f"{folder} has no images (and {n_others:,} other files). Put files that end in .png, "
            ".jpg, .webp, .gif, .bmp, .tif or the like into it or its subfolders."
        )
    return paths, n_others


def _raise(error: OSError) -> None:
    raise error


def _name_hash(relative: Path) -> float:
    """Hash a file name to a number in [0, 1), the same on all machines.

    Names are normalised to NFC first, because some file systems store accents separately.
    """
    text = unicodedata.normalize("NFC", relative.as_posix())
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53  # 53 bits, as a float64 has


def _read_all(
    folder: Path,
    paths: list[Path],
    size: int,
    channels: int,
    name: str,
    on_progress: Progress | None,
) -> UInt8[np.ndarray, "n pixels"]:
    """Read all images into one array; raise one error that names all unreadable ones."""
    images = np.empty((len(paths), channels * size * size), dtype=np.uint8)
    lengths = [path.stat().st_size if path.is_file() else 0 for path in paths]
    done, total = 0, sum(lengths)
    failures: list[str] = []
    for image, path, length in zip(images, paths, lengths, strict=True):
        if on_progress is not None:
            on_progress(name, done, total)
        try:
            image[:] = _read_image(path, size, channels)
        # On damaged files Pillow raises many types: OSError, SyntaxError, struct.error …
        except Exception as error:
            failures.append(f"{path.relative_to(folder)} ({_reason(error, path)})")
        done += length
    if on_progress is not None:
        on_progress(name, done, total)
    if failures:
        shown = "; ".join(failures[:5]) + ("; ..." if len(failures) > 5 else "")
        raise UserError(
            f"{len(failures):,} of the {len(paths):,} images in {folder} cannot be read: {shown}. "
            "Repair, convert or remove them."
        )
    return images


def _read_image(path: Path, size: int, channels: int) -> UInt8[np.ndarray, " pixels"]:
    """Read one image as one row of values: channels, then rows, then columns."""
    from PIL import Image, ImageOps

    if not path.is_file():  # a broken link, or a pipe (reading it would block)
        raise ValueError("not a regular file")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as opened:
            # Decode a large JPEG at a reduced size, at least four times the size needed.
            opened.draft(None, (4 * size, 4 * size))
            image = _eight_bits(ImageOps.exif_transpose(opened))
    if image.has_transparency_data:
        background = Image.new("RGBA", image.size, "white")
        background.alpha_composite(image.convert("RGBA"))
        image = background
    image = image.convert("L" if channels == 1 else "RGB")
    square = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    values = np.asarray(square).reshape(size, size, channels)
    return values.transpose(2, 0, 1).ravel()


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """Scale 16-bit grey to 8 bits; Pillow's own conversion clips at 255."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point values have no defined maximum")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("32-bit values have no defined maximum")
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _reason(error: Exception, path: Path) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        empty = path.stat().st_size == 0
        return "the file is empty" if empty else "not an image in a supported format"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: a possible decompression bomb"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
