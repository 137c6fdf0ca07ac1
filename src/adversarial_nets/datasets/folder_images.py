"""Read one image file of any format, size and mode as one row of bytes."""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from adversarial_nets.settings import ImageFit

__all__ = ["FULL_RANGE", "ImageFacts", "explain_failure", "read_image"]

# Decoders that are safe for untrusted files (EPS, for example, would start Ghostscript).
FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000"),
    *("PCX", "PNG", "PPM", "QOI", "TGA", "TIFF", "WEBP"),
)

# Tags of a TIFF file (TIFF 6.0; sample format: Supplement 1, 1995).
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2

FULL_RANGE = (0.0, 1.0)
"""All values that a 16-bit file can hold, from black to white."""


@dataclass(frozen=True)
class ImageFacts:
    """How an image file was changed when it was read, for messages to the user.

    Attributes:
        cropped: whether its sides were cut off, because it has another aspect ratio.
        resized: whether it was resized.
        made_grey: whether its colours were converted to grey.
        transparent: whether a part of it is transparent.
        many_frames: whether the file has more frames or pages than the first one.
        bits: ``8``, ``16`` for 16-bit grey, or ``"16 colour"`` for 16-bit values of which the
            decoder keeps only the upper 8 bits.
        used: smallest and largest value of a 16-bit image, as fractions of white.
    """

    cropped: bool
    resized: bool
    made_grey: bool
    transparent: bool
    many_frames: bool
    bits: int | str
    used: tuple[float, float]


def read_image(
    path: Path,
    size: int | tuple[int, int],
    channels: int,
    background: str = "white",
    stretch: tuple[float, float] = FULL_RANGE,
    fit: ImageFit = "crop",
) -> tuple[UInt8[np.ndarray, " pixels"], ImageFacts]:
    """Read one image, convert, crop and resize it; `folder.load_folder` says in which order.

    Args:
        path: the file.
        size: height and width of the result, or one number for both.
        channels: 1 for grey, 3 for RGB, 4 for RGB and alpha.
        background: the colour behind transparent parts.
        stretch: the values of 16-bit grey that become 0 and 255, as fractions of white.
        fit: how an image with another aspect ratio is fitted.

    Returns:
        The values (channels, then rows, then columns), and how the file was changed.

    Raises:
        Exception: the file is damaged or has no defined black and white; `explain_failure` gives
            the reason in words. Pillow raises many types: OSError, SyntaxError, struct.error …
    """
    if not path.exists():
        raise ValueError("the file does not exist" if not path.is_symlink() else "a broken link")
    if not path.is_file():  # a folder, or a pipe, which would block
        raise ValueError("not a regular file")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=FORMATS) as opened:
            many_frames = _has_many_frames(opened)
            original = opened.size
            white = _white(opened)
            sixteen_bit_colour = opened.mode[0] != "I" and ";16" in str(opened.tile[:1])
            # Decode a large JPEG at a reduced size, at least four times the size needed.
            height, width = (size, size) if isinstance(size, int) else size
            opened.draft(None, (4 * width, 4 * height))
            image = ImageOps.exif_transpose(opened)
    if image.mode == "LAB":  # Pillow converts it to RGB only
        image = image.convert("RGB")
    bits: int | str = 8
    used = FULL_RANGE
    if image.mode.startswith("I"):
        bits = 16
        image, used = _eight_bits(image, white, stretch)
    elif sixteen_bit_colour:
        bits = "16 colour"
        used = _used_of_colour(image)
    layered, transparent = _on_background(image, background)
    made_grey = channels == 1 and _has_colours(layered)
    if channels == 4:
        fitted = _fit(image.convert("RGBA"), (width, height), fit, background)
        fitted = _with_clear_pixels(fitted, background)
    else:
        image = layered.convert("L" if channels == 1 else "RGB")
        fitted = _fit(image, (width, height), fit, background)
    values = np.asarray(fitted).reshape(height, width, channels).transpose(2, 0, 1).ravel()
    cropped = fit == "crop" and image.width * height != image.height * width
    resized = original != (width, height)
    return values, ImageFacts(
        cropped, resized, made_grey, transparent, many_frames, bits=bits, used=used
    )


def _fit(image: Image.Image, size: tuple[int, int], fit: ImageFit, background: str) -> Image.Image:
    """The image cropped, padded or stretched to a size (width, height)."""
    how = Image.Resampling.BICUBIC
    if fit == "pad":
        colour = ImageColor.getcolor(background, image.mode)
        if isinstance(colour, tuple) and len(colour) == 4:
            colour = (*colour[:3], 0)
        return ImageOps.pad(image, size, how, color=colour)
    return image.resize(size, how) if fit == "stretch" else ImageOps.fit(image, size, how)


def _has_many_frames(image: Image.Image) -> bool:
    """Whether an animation or a document has a second frame; a camera's previews do not count."""
    if image.format in ("JPEG", "MPO", "ICO"):
        return False
    with suppress(Exception):  # a damaged second frame does not matter
        return bool(getattr(image, "is_animated", False))
    return False


def _white(image: Image.Image) -> int:
    """The value of white in a file of integers above 8 bits; negative if the smallest is white.

    Raises:
        ValueError: the format does not define one.
    """
    if image.mode == "F":
        raise ValueError("floating-point values have no defined maximum")
    tags: Any = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return 65535
    bits = int(str(_as_tuple(tags.get(_BITS, 1))[0]))
    if _SIGNED in _as_tuple(tags.get(_SAMPLE_FORMAT, 1)) and bits < 32:
        raise ValueError(f"signed {bits}-bit values have no defined black and white")
    if image.mode == "I":
        raise ValueError(f"{bits}-bit values have no defined maximum")
    white = 2**bits - 1
    return -white if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else white


def _as_tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _eight_bits(
    image: Image.Image, white: int, stretch: tuple[float, float]
) -> tuple[Image.Image, tuple[float, float]]:
    """Scale 16-bit grey to 8 bits (Pillow's own conversion clips at 255).

    Returns:
        The image, and its smallest and largest value as fractions of white.
    """
    values: NDArray[np.int64] = np.asarray(image).astype(np.int64)
    largest = abs(white)
    if values.min() < 0 or values.max() > largest:
        raise ValueError("32-bit values have no defined maximum")
    clear = image.info.get("transparency")
    opaque = (values != clear) if isinstance(clear, int) else None
    if white < 0:
        values = largest - values
    used = (int(values.min()) / largest, int(values.max()) / largest)
    if stretch == FULL_RANGE:
        bytes_ = (values * 255 + largest // 2) // largest
    else:
        low, high = stretch
        share = (values / largest - low) / max(high - low, 1 / largest)
        bytes_ = np.rint(share.clip(0, 1) * 255)
    grey = Image.fromarray(bytes_.astype(np.uint8))
    if opaque is not None:
        grey.putalpha(Image.fromarray(opaque.astype(np.uint8) * np.uint8(255)))
    return grey, used


def _used_of_colour(image: Image.Image) -> tuple[float, float]:
    """Smallest and largest value of a 16-bit colour image; Pillow keeps the upper 8 bits."""
    bands = [
        band for name, band in zip(image.getbands(), image.split(), strict=True) if name != "A"
    ]
    lows, highs = zip(*(band.getextrema() for band in bands), strict=True)
    return float(min(lows)) / 256, (float(max(highs)) + 1) / 256


def _on_background(image: Image.Image, background: str) -> tuple[Image.Image, bool]:
    """The image on a background, and whether it has transparent parts."""
    if not image.has_transparency_data:
        return image, False
    layer = image.convert("RGBA")
    lowest = layer.getchannel("A").getextrema()[0]
    behind = Image.new("RGBA", image.size, background)
    behind.alpha_composite(layer)
    return behind, isinstance(lowest, int | float) and lowest < 255


def _with_clear_pixels(image: Image.Image, background: str) -> Image.Image:
    """The RGBA image with the background's colour in pixels that are fully transparent.

    The colour that a file has there is arbitrary, so a network should not learn it.
    """
    values = np.array(image)
    values[values[:, :, 3] == 0, :3] = ImageColor.getrgb(background)[:3]
    return Image.fromarray(values)


def _has_colours(image: Image.Image) -> bool:
    """Whether a pixel's red, green and blue differ."""
    if image.mode in ("1", "L", "LA"):
        return False
    pixels = np.asarray(image.convert("RGB"))
    return bool((pixels != pixels[:, :, :1]).any())


def explain_failure(error: Exception, path: Path) -> str:
    """Return in words why a file could not be read."""
    if isinstance(error, UnidentifiedImageError):
        empty = path.stat().st_size == 0
        return "the file is empty" if empty else "not an image in a supported format"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: a possible decompression bomb"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
