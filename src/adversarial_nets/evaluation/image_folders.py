"""Load images, and the data set with which they are compared, in the same shape."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from torch import Tensor

from adversarial_nets import datasets
from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.folder import LARGEST_SIZE
from adversarial_nets.datasets.folder_archive import unpacked
from adversarial_nets.datasets.folder_files import find_images
from adversarial_nets.datasets.folder_images import FORMATS, explain_failure
from adversarial_nets.datasets.paths import name_of_other_kind
from adversarial_nets.datasets.registry import find
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress
from adversarial_nets.runs.folder import Run

__all__ = ["data_for_run", "load_folder_and_data"]


def data_for_run(run: Run, name: str, on_progress: Progress | None = None) -> Dataset:
    """Load a data set that the run was not trained on, to compare the run's samples with it.

    Args:
        run: the run.
        name: the data set; images of a folder are loaded with the run's data options.
        on_progress: called with (what, amount done, total or None).

    Raises:
        UserError: the images have another shape than the run's samples.
    """
    options = run.settings.data_options() if find(name).resizable else {}
    options.pop("train_on_all", None)  # the other images are held out
    data = datasets.load(name, **options, on_progress=on_progress)
    if data.image_shape != run.image_shape:
        raise UserError(
            f"The samples of {run.name} have the shape {run.image_shape}, the images of {name} "
            f"{data.image_shape}; both must have the same. Give folder:PATH, which is resized."
        )
    return data


def load_folder_and_data(
    images: str,
    name: str,
    size: int | None = None,
    channels: int | None = None,
    on_progress: Progress | None = None,
) -> tuple[Tensor, Dataset]:
    """Load a folder of images, and the data set with which they are compared.

    Args:
        images: the folder, or a zip archive of a folder.
        name: the data set.
        size: height and width of all images, if the data set can be resized; by default those of
            the first image of the folder.
        channels: the number of channels of all images, if the data set can be resized; 3 by
            default.
        on_progress: called with (what, amount done, total or None).

    Returns:
        The images as floats (n, pixels) in the data set's range, and the data set.

    Raises:
        UserError: the folder or the data set does not exist, or an image cannot be read.
    """
    folder = Path(images.removeprefix("folder:")).expanduser()
    is_data = images.partition(":")[0] in datasets.REGISTRY.keys() - {"folder"}
    if (is_data and not folder.exists()) or name_of_other_kind("folder", str(folder)):
        raise UserError(
            f"The images to measure are given as {images}; give a folder of image files, a zip "
            "archive of one, or a run."
        )
    options: dict[str, Any] = {}
    if find(name).resizable:
        width, height = size, size
        if size is None:
            with unpacked(folder, keep=True) as place:
                width, height = _size_of(find_images(place, folder).images[0])
        options = {"size": height, "width": width, "channels": channels or 3}
    data = datasets.load(name, **options, on_progress=on_progress)
    channels, height, width = data.image_shape
    others = datasets.load(
        f"folder:{folder}",
        size=height,
        width=width,
        channels=channels,
        train_on_all=True,
        on_progress=on_progress,
    )
    return data.floats(others.train), data


def _size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image as displayed, after its EXIF rotation."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = ImageOps.exif_transpose(image).size
    except Exception as error:  # on damaged files Pillow raises many types
        raise UserError(
            f"{path} cannot be read ({explain_failure(error, path)}). All images are resized to "
            "its size; give another size with --size."
        ) from error
    if max(width, height) > LARGEST_SIZE:
        raise UserError(
            f"{path} is {width}×{height} pixels; images are compared up to {LARGEST_SIZE}. Give a "
            "size with --size, for example 64."
        )
    return width, height
