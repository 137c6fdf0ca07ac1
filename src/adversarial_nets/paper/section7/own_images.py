"""Read the user's own image files as inputs of a run's networks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from adversarial_nets.datasets.folder_images import explain_failure, read_image
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.score import load_data
from adversarial_nets.runs.folder import Run

__all__ = ["read_images", "read_mask"]

_FITTED = {
    "crop": "crop it to its central square and resize it",
    "pad": "pad it to a square and resize it",
    "stretch": "stretch it to that size",
}


def read_images(
    run: Run, paths: Sequence[Path], *, resize: bool = False, invert: bool = False
) -> Float[Tensor, "n pixels"]:
    """Read image files as inputs of a run's networks.

    Args:
        run: the run; its image shape, colours, `background` and `fit` apply.
        paths: the files.
        resize: crop and resize images of another size; otherwise they are refused.
        invert: make black white, for dark strokes on a light background; transparency is not
            changed.

    Raises:
        UserError: a file that cannot be read, or an image of another shape.
    """
    channels, height, width = run.image_shape
    if height != width:
        raise UserError(
            f"The images of {run.name} are {width}×{height}; this needs a run on square images. "
            "Train one."
        )
    rows = []
    background, fit = run.settings.background or "white", run.settings.fit or "crop"
    for path in paths:
        try:
            values, facts = read_image(path, height, channels, background, fit=fit)
            with Image.open(path) as image:
                size = image.size
        except Exception as error:  # on damaged files Pillow raises many types
            raise UserError(
                f"{path} cannot be read ({explain_failure(error, path)}). Give a PNG or JPEG file."
            ) from error
        if (facts.cropped or facts.resized) and not resize:
            raise UserError(
                f"{path} is {size[0]}×{size[1]} pixels; the run's images are {width}×{height}. Add "
                f"--resize to {_FITTED[fit]}."
            )
        if invert:
            colours, alpha = np.split(values, [min(channels, 3) * height * width])
            values = np.concatenate([255 - colours, alpha])
        rows.append(values)
    images = torch.from_numpy(np.stack(rows))
    if run.range == (0.0, 1.0):
        return images.float() / 255
    return load_data(run).floats(images)  # contrast-normalised like the data set


def read_mask(run: Run, path: Path) -> Float[Tensor, " pixels"]:
    """Read a mask: black pixels are hidden, white ones known.

    Returns:
        1 where a pixel is known, for each value of an image of the run.

    Raises:
        UserError: the file cannot be read, has another size than the run's images, or hides no
            pixel.
    """
    channels, height, width = run.image_shape
    try:
        with Image.open(path) as image:
            size, grey = image.size, np.asarray(image.convert("L"))
    except Exception as error:  # on damaged files Pillow raises many types
        raise UserError(
            f"--hide {path} cannot be read ({explain_failure(error, path)}). Give right, left, "
            "top, bottom, blocks, or the path of a PNG file in which hidden pixels are black."
        ) from error
    if size != (width, height):
        raise UserError(
            f"The mask {path} is {size[0]}×{size[1]} pixels; the run's images are "
            f"{width}×{height}. Give a mask of that size."
        )
    known = torch.from_numpy(grey > 127).float()
    if bool(known.all()):
        raise UserError(f"The mask {path} hides no pixel. Make the hidden pixels black.")
    return known.expand(channels, height, width).flatten()
