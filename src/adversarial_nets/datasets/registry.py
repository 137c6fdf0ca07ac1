"""Registry of data sets: `register` adds one under a name, `load` loads it by that name."""

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields
from dataclasses import replace as with_changes
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from adversarial_nets.datasets.paths import (
    describe_path,
    holds_images,
    kind_of_file,
    name_for_path,
    name_of_other_kind,
)
from adversarial_nets.errors import SettingError, UserError, describe_type
from adversarial_nets.progress import Progress
from adversarial_nets.settings import ImageFit, Settings

if TYPE_CHECKING:  # imports torch, which listing the data sets does not need
    from adversarial_nets.datasets.dataset import Dataset

__all__ = [
    "REGISTRY",
    "DatasetEntry",
    "LoadOptions",
    "LoadRequest",
    "Loader",
    "absolute_path",
    "data_name",
    "elsewhere",
    "find",
    "load",
    "name_of",
    "register",
]


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How a resizable data set prepares images: the options that `load` describes."""

    size: int | None = None
    channels: int | None = None
    width: int | None = None
    fit: ImageFit | None = None
    background: str | None = None
    stretch: bool = False
    train_on_all: bool = False

    def given(self) -> dict[str, object]:
        """The options that were given, by name."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}


@dataclass(frozen=True)
class LoadRequest(LoadOptions):
    """The argument of a loader: the name to load, and the options of `load`.

    Attributes:
        name: the whole name, e.g. ``"mnist"`` or ``"folder:cats"``; use it as `Dataset.name`,
            which `load` sets to it in any case.
        path: the text after the colon, e.g. ``"cats"``; empty for a name without a colon.
        on_progress: to be called with (what, amount done, total or None) during long work.
    """

    name: str
    path: str = ""
    on_progress: Progress | None = None

    @property
    def folder(self) -> Path:
        """The path after the colon, with ``~`` replaced by the home directory.

        Raises:
            UserError: the text cannot be a path.
        """
        return _expand(self.path)


@runtime_checkable
class Loader(Protocol):
    """A function that loads a data set. It must return the same images at every call."""

    def __call__(self, request: LoadRequest, /) -> "Dataset":
        """Load the data set.

        Raises:
            UserError: the data is missing, damaged or cannot be downloaded.
        """


@dataclass(frozen=True)
class DatasetEntry:
    """A data set that can be registered.

    Attributes:
        name: the name that the user types, e.g. ``"stripes"``. In ``"folder:PATH"``, the word in
            capitals stands for a path.
        loader: the function that loads it.
        description: its content, in one line.
        source: where the images come from.
        image_shape: (channels, height, width), or None if it depends on the user's files.
        counts: number of training, validation and test images, or None if that depends on the
            user's files.
        needs: what it needs before it can be loaded: ``"nothing"``, a ``"download"`` (made
            automatically), or a ``"path"`` (files that the user provides).
        resizable: whether the loader accepts `size`, `channels` and the other options of `load`.
        published: whether the images are a published data set, used as it is. The images of all
            other data sets are searched for duplicates and blank ones (`checks.warn_about`).
        locate: finds the files on this machine without reading or downloading them; None if they
            need not or cannot be looked for.
        classes: the names of its classes, if they have names, in the order of the labels;
            ``NAME:CLASS`` is one class.
        default_preset: the preset of a training that names none; or a function that returns it for
            the path after the colon; None for quickstart.
        labels_hint: how a user gives the images class labels, as an instruction for error messages,
            without a full stop, e.g. ``"Add a column named label"``; None if it is not possible.
        interactive: whether `play`, `replay` and the playground accept it. They show games round by
            round, so the images should be small and load within seconds.
    """

    name: str
    loader: Loader
    _: KW_ONLY
    description: str
    source: str
    image_shape: tuple[int, int, int] | None = None
    counts: tuple[int, int, int] | None = None
    needs: Literal["nothing", "download", "path"] = "nothing"
    resizable: bool = False
    published: bool = False
    locate: Callable[[], Path | None] | None = None
    classes: tuple[str, ...] = ()
    default_preset: str | Callable[[str], str] | None = None
    labels_hint: str | None = None
    interactive: bool = False

    @property
    def kind(self) -> str:
        """The name up to the colon, which is the key in `REGISTRY`."""
        return self.name.partition(":")[0]

    @property
    def takes_path(self) -> bool:
        """Whether the name is followed by a colon and a path."""
        return ":" in self.name

    def to_json(self) -> dict[str, Any]:
        """The entry without its loader, in the form of ``advnets datasets --json``."""
        shown = ("name", "description", "source", "image_shape", "counts", "needs")
        return {name: getattr(self, name) for name in shown}


# Well-known data sets that are not included, in lower case without punctuation.
_IN_MNISTS_FORMAT = frozenset(
    [
        *("emnist", "fashion", "fashionmnist", "fmnist", "k49", "kmnist", "kuzushiji"),
        *("kuzushijimnist", "mnistfashion", "notmnist", "qmnist"),
    ]
)
_IMAGES = frozenset(
    [
        *("afhq", "animefaces", "caltech101", "catsanddogs", "catsvsdogs", "celeba", "celebahq"),
        *("celebamaskhq", "cifar100", "coco", "cub", "cub200", "dogsvscats", "ffhq", "flowers"),
        *("flowers102", "imagenet", "imagenet1k", "imagenette", "lfw", "lsun", "omniglot"),
        *("oxfordflowers", "places365", "pokemon", "stl10", "svhn", "tinyimagenet", "voc"),
    ]
)

REGISTRY: dict[str, DatasetEntry] = {}
"""All data sets by the part of their name before the colon, in order of registration."""


def register(entry: DatasetEntry, *, replace: bool = False) -> None:
    """Add a data set to the registry, so that `load` and `train` accept its name.

    See docs/add-a-data-set.md for a complete example.

    Args:
        entry: the data set's name, its loader and its description.
        replace: replace a data set registered earlier under this name.

    Raises:
        UserError: an empty name, a colon in it without a path, a name that is registered already,
            or a loader that is not a function.
    """
    if not isinstance(entry, DatasetEntry):
        raise UserError(
            f"register got an argument {describe_type(entry)}; give a DatasetEntry, e.g. "
            "DatasetEntry('stripes', load_stripes, description='Stripes.', source='my_loader.py')."
        )
    if not isinstance(entry.name, str) or not re.fullmatch(r"[^:\s][^:]*(:[^:a-z]+)?", entry.name):
        raise UserError(
            f"The data set's name is {entry.name!r}; give a text without a colon, or with a word "
            "in capitals after it that stands for a path, e.g. 'scans:FOLDER'. It must not begin "
            "with a space."
        )
    if not callable(entry.loader):
        raise UserError(
            f"The loader of {entry.name!r} is {describe_type(entry.loader)}; it must be a function "
            "from a LoadRequest to a Dataset."
        )
    if entry.kind in REGISTRY and not replace:
        raise UserError(
            f"A data set named {entry.kind!r} is registered already. Choose another name, or pass "
            "replace=True to replace it."
        )
    REGISTRY[entry.kind] = entry


def find(name: str) -> DatasetEntry:
    """Return the registered data set that a name refers to.

    Args:
        name: a data set's name, with its path if it takes one.

    Raises:
        UserError: an unknown name (the message suggests the nearest), an unknown class, or a path
            is missing.
    """
    if not isinstance(name, str):
        raise UserError(
            f"A data set's name is {describe_type(name)}; give a text, e.g. 'mnist-5k'. For images "
            "in memory, use dataset_from_arrays."
        )
    kind, colon, path = name.partition(":")
    entry = REGISTRY.get(kind)
    if entry is None or (colon and not path and not entry.takes_path):
        raise UserError(_unknown(name))
    if entry.takes_path and not path:
        is_file = entry.name.endswith(":FILE")
        what, example = ("file", f"images.{kind}") if is_file else ("folder", "my-images")
        raise UserError(
            f"{kind} needs the path of a {what} after a colon, for example {kind}:{example}."
        )
    is_class = path in entry.classes or re.fullmatch("[0-9]{1,9}", path)
    if path and not (entry.takes_path or is_class):
        names = f" or its name: {', '.join(entry.classes)}" if entry.classes else ""
        raise UserError(
            f"{name}: {path!r} is not a class of {kind}. After the colon give the number of a "
            f"class, for example {kind}:1{names}."
        )
    return entry


def name_of(data: str | PathLike[str]) -> str:
    """The name that loads a path: a table, an archive of arrays, or else a folder of images.

    >>> name_of(Path("digits.npz")), name_of("mnist")
    ('npz:digits.npz', 'mnist')
    """
    if isinstance(data, str):
        return data
    return f"{kind_of_file(os.fspath(data)) or 'folder'}:{os.fspath(data)}"


def load(
    name: str | PathLike[str],
    *,
    size: int | None = None,
    channels: int | None = None,
    background: str | None = None,
    stretch: bool = False,
    width: int | None = None,
    fit: ImageFit | None = None,
    train_on_all: bool = False,
    on_progress: Progress | None = None,
    path: Path | None = None,
) -> "Dataset":
    """Load a data set by its name.

    The options from `size` to `train_on_all` are for ``folder:PATH`` only.

    Args:
        name: a name in `REGISTRY`, e.g. ``"mnist"`` or ``"folder:my-images"``; ``"mnist:7"`` is the
            class 7 of a data set with classes. A `Path` is that of a folder of images, or of a
            file for ``npz:FILE`` or ``csv:FILE``.
        size: height and width in pixels (default 28).
        channels: 1 for grey (default), 3 for RGB, 4 for RGB and alpha.
        background: colour behind transparent parts, a name or ``"#rrggbb"`` (default white).
        stretch: make the smallest value of all 16-bit grey images 0 and the largest 255.
        width: width in pixels, if it differs from the height.
        fit: how an image with another aspect ratio is fitted: ``crop`` its sides (default), ``pad``
            with the background colour, or ``stretch``.
        train_on_all: make all images training images and hold none out.
        on_progress: called with (what, amount done, total or None) during a download or while a
            folder of images is read.
        path: the new path of the images, for a name with a path whose images were moved.

    Returns:
        The data set. The same call returns the same images every time.

    Raises:
        UserError: an unknown name, an option that no data set has, or data that is missing, damaged
            or cannot be downloaded.

    >>> data = load("mnist-5k")
    >>> data.image_shape, len(data.train), len(data.valid), len(data.test)
    ((1, 28, 28), 4000, 500, 500)
    """
    name = name_of(name) if isinstance(name, PathLike) else name
    entry = find(name)
    given: dict[str, Any] = {
        "size": size,
        "channels": channels,
        "width": width,
        "fit": fit,
        "background": background,
        "stretch": stretch,
        "train_on_all": train_on_all,
    }
    options = LoadOptions(**Settings(**given).data_options())  # checks them
    if options.given() and not entry.resizable:
        option, value = next(iter(options.given().items()))
        resizable = " and ".join(entry.name for entry in REGISTRY.values() if entry.resizable)
        raise SettingError(
            option,
            f"is {value}, but {option} is only for {resizable}; the images of {name} are used as "
            f"they are. Leave {option} out.",
        )
    if not entry.takes_path and ":" in name:
        from adversarial_nets.datasets.one_class import one_class  # imports torch

        kind, _, chosen = name.partition(":")
        number = entry.classes.index(chosen) if chosen in entry.classes else int(chosen)
        return one_class(load(kind, on_progress=on_progress, path=path), number, name)
    place = name.partition(":")[2] if path is None else str(path)
    request = LoadRequest(name=name, path=place, on_progress=on_progress, **vars(options))
    data = _loaded(entry, request)
    if entry.published:
        data.mark_examined()
    else:
        from adversarial_nets.datasets.checks import warn_about  # imports torch

        warn_about(data)
    return data


def _loaded(entry: DatasetEntry, request: LoadRequest) -> "Dataset":
    """The data from the loader, with the name that was loaded.

    The loader's errors also name the kind of data set that reads the path.
    """
    from adversarial_nets.datasets.dataset import Dataset  # imports torch

    try:
        data: object = entry.loader(request)
    except UserError as error:
        meant = name_of_other_kind(entry.kind, request.path)
        if type(error) is not UserError or meant is None:
            raise
        raise UserError(f"{error} Did you mean {meant}?") from error
    if not isinstance(data, Dataset):
        raise UserError(
            f"The loader of {entry.kind} returned a {type(data).__name__}; it must return a "
            "Dataset, e.g. dataset_from_arrays(images, name=request.name)."
        )
    return data if data.name == request.name else with_changes(data, name=request.name)


def data_name(text: str) -> str | None:
    """The name that loads the data of a name or path; None if there are no data.

    A folder is data only if there are images in it or in its subfolders.
    """
    if text.partition(":")[0] in REGISTRY:
        return text
    name = name_for_path(text)
    is_folder = name is not None and name.strip('"').startswith("folder:")
    return None if is_folder and not holds_images(text) else name


def absolute_path(name: str) -> str | None:
    """The absolute path in a data set's name, e.g. in ``folder:cats``; None if it has none."""
    kind, _, path = name.partition(":")
    if not path or kind not in REGISTRY or not REGISTRY[kind].takes_path:
        return None
    return str(_expand(path).absolute())


def elsewhere(name: str) -> str | None:
    """Instructions for using a well-known data set that is not included; None for other names."""
    kind = "".join(c for c in name.lower() if c.isalnum())
    if kind in _IN_MNISTS_FORMAT:
        return (
            f"{name} is not included. Download its four files in MNIST's format, name them as "
            "MNIST's (train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the same with "
            "t10k), and type idx:FOLDER, the folder that holds them."
        )
    if kind in _IMAGES:
        return (
            f"{name} is not included. Download it, unpack it into image files, and type "
            "folder:PATH, the folder that holds them."
        )
    return None


def _expand(path: str) -> Path:
    """The path with ``~`` expanded; the loader checks what is there."""
    try:
        folder = Path(path).expanduser()
        folder.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, or an unknown user's home
        raise UserError(
            f"{path} is not the path of a folder or file ({error}). Give the path of one."
        ) from error
    return folder


def _unknown(name: str) -> str:
    """The message for an unknown name: the path or the registered name that was likely meant."""
    there = describe_path(name) or elsewhere(name)
    if there is not None:
        return there
    known = f"Data sets are {', '.join(entry.name for entry in REGISTRY.values())}."
    kind, colon, path = name.partition(":")
    for near in difflib.get_close_matches(kind.lower(), REGISTRY, n=1, cutoff=0.5):
        entry = REGISTRY[near]
        meant = f"{near}:{path}" if colon and entry.takes_path else entry.name
        return f"There is no data set {name!r}. Did you mean {meant}? {known}"
    return f"There is no data set {name!r}. {known}"
