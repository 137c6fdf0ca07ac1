"""The command ``advnets measure``: a run, or a folder of images, by measures newer than 2014."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli.command import Command
from adversarial_nets.cli.shared import (
    Checkpoint,
    Json,
    Place,
    Threads,
    Weights,
    print_table,
    require_positive,
)
from adversarial_nets.errors import UserError
from adversarial_nets.progress import ProgressReporter

if TYPE_CHECKING:
    from torch import Tensor

    from adversarial_nets.datasets import Dataset
    from adversarial_nets.evaluation.compare_images import ImageMeasures
    from adversarial_nets.evaluation.measures import Measurement
    from adversarial_nets.runs.folder import Run

__all__ = ["COMMANDS"]

_MOST = 5000  # samples, by default


@dataclass(frozen=True)
class MeasureOptions:
    """Measure a run by Fréchet and kernel distance, precision, recall and more.

    With a data set in place of RUN, such as folder:PHOTOS, the images that --samples names are
    measured against it: a run, or a folder of images of any program.

    All these measures are newer than the paper. The features are those of a small classifier of
    the data's classes, trained once in about a minute, or of Inception for photographs (extra:
    photographs; downloads 96 MB of weights). --features NAME takes the classifier of another data
    set with classes, e.g. cifar10 for photographs or mnist for digits. Data without classes, such
    as a folder of images, are measured by the distance of small patches, which needs no network.
    Each measure is printed beside its value for as many real images. A sentence says whether images
    were copied.
    """

    run: Annotated[
        str,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN", help="Folder of a run, or a data set: mnist, folder:PATH …"),
    ]
    data: Place = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    samples: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="INT|FOLDER|RUN",
            help="Largest number of samples; or, with a data set in place of RUN, what to measure: "
            "a folder of images, a zip archive of one, or a run.",
            help_behavior_hint="(default: 5,000)",
        ),
    ] = None
    features: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="classifier|inception|patches|DATA",
            help="What computes the features: the classifier of the data's classes, Inception, "
            "patches, or the classifier of another data set.",
            help_behavior_hint="(default: classifier; patches for data without classes)",
        ),
    ] = None
    size: Annotated[
        int | None,
        tyro.conf.arg(
            help="With a folder of samples: height, and width, to resize all images to.",
            help_behavior_hint="(default: that of the first sample)",
        ),
    ] = None
    channels: Annotated[
        Literal[1, 3, 4] | None,
        tyro.conf.arg(
            help="With a folder of samples: 1 for grey, 3 for colour, 4 for colour and alpha.",
            help_behavior_hint="(default: 3)",
        ),
    ] = None
    threads: Threads = None
    json: Json = False


def _measure(o: MeasureOptions, reporter: ProgressReporter) -> dict[str, Any]:
    is_number = o.samples is None or o.samples.removeprefix("-").isdecimal()
    if _is_data(o.run):
        if is_number:
            raise UserError(
                f"{o.run} is a data set. Add the images to measure against it: --samples FOLDER or "
                "--samples RUN; or give a run in its place."
            )
        return _measure_samples(o, str(o.samples), reporter)
    if not is_number:
        raise UserError(
            f"--samples is {o.samples}, so {o.run} must be a data set, e.g. folder:{o.run}; or "
            "give the number of samples of this run."
        )
    n = require_positive("--samples", int(o.samples or _MOST), _MOST)
    return _measure_run(o, n, reporter)


def _is_data(name: str) -> bool:
    """Whether the name is a data set's, and no run's folder."""
    from adversarial_nets.datasets.registry import REGISTRY

    is_run = (Path(name) / "settings.json").is_file()
    return not is_run and name.partition(":")[0] in REGISTRY


def _measure_run(o: MeasureOptions, n: int, reporter: ProgressReporter) -> dict[str, Any]:
    """Measure the samples of a run against its own data."""
    from adversarial_nets.evaluation import measure
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.runs.folder import open_run

    run = open_run(o.run)
    data = load_data(run, reporter.work, o.data)
    has_classes = {"train", "test"} <= data.labels.keys()
    chosen = o.features or ("classifier" if has_classes else "patches")
    if chosen not in ("classifier", "inception"):
        x, facts = _samples(o, run, n)
        facts |= {"data": run.data}
        place = o.data or run.data
        return _print_measures(_compared(x, data, chosen, reporter), place, facts, reporter)
    found = measure(
        run,
        data,
        checkpoint=o.checkpoint,
        weights=o.weights,
        samples=n,
        features="classifier" if chosen == "classifier" else "inception",
        on_progress=reporter.work,
    )
    return _print_measured(found, o.data or found.data, data.class_names, reporter)


def _print_measured(
    found: "Measurement", place: str, class_names: Sequence[str], reporter: ProgressReporter
) -> dict[str, Any]:
    """Print the measures of a run, and return them for ``--json``."""
    reporter.say(f"{found.weights} G at round {found.round} on {place}, {found.samples:,} samples")
    if found.accuracy is None:
        reporter.say("Features: Inception")
    else:
        reporter.say(f"Features: a classifier with {found.accuracy:.1%} accuracy on test images")
    if found.alignment is not None:
        reporter.say(f"It assigns {found.alignment:.1%} of the samples to the requested class")
    result = dataclasses.asdict(found)
    _print_rows(result, reporter)
    if found.classes is not None:
        shares = [
            (name, f"{share:.1%}") for name, share in zip(class_names, found.classes, strict=True)
        ]
        print_table(reporter, ["class", "share of the samples"], shares)
    reporter.say(found.copied.sentence)
    return result


def _samples(o: MeasureOptions, run: "Run", n: int) -> tuple["Tensor", dict[str, Any]]:
    """Samples of a run, and what they are of."""
    from adversarial_nets.game import sample
    from adversarial_nets.runs.game_state import load_generator

    weights = o.weights or run.default_weights
    G, round = load_generator(run, o.checkpoint, weights)
    x = sample(G, run.settings, n, "samples to score").float().cpu()
    return x, {"round": round, "weights": weights}


def _measure_samples(o: MeasureOptions, name: str, reporter: ProgressReporter) -> dict[str, Any]:
    """Measure a folder of images, or a run's samples, against a data set."""
    from adversarial_nets import datasets
    from adversarial_nets.datasets.registry import find
    from adversarial_nets.runs.folder import open_run

    if (Path(name) / "settings.json").is_file():
        run = open_run(name)
        options = run.settings.data_options() if find(o.run).resizable else {}
        options.pop("train_on_all", None)  # the other images are held out
        data = datasets.load(o.run, **options, on_progress=reporter.work)
        if data.image_shape != run.image_shape:
            raise UserError(
                f"The samples of {name} have the shape {run.image_shape}, the images of {o.run} "
                f"{data.image_shape}; both must have the same. Give folder:PATH, which is resized."
            )
        x, facts = _samples(o, run, _MOST)
    else:
        x, data = _folders(o, name, reporter)
        facts = {}
    facts |= {"data": o.run}
    chosen = o.features or "patches"
    return _print_measures(_compared(x, data, chosen, reporter), o.run, facts, reporter)


def _folders(
    o: MeasureOptions, name: str, reporter: ProgressReporter
) -> tuple["Tensor", "Dataset"]:
    """The images of a folder, and the data set to compare them with, in the same shape."""
    from adversarial_nets import datasets
    from adversarial_nets.datasets.folder_archive import unpacked
    from adversarial_nets.datasets.folder_files import find_images
    from adversarial_nets.datasets.registry import find

    folder = Path(name.removeprefix("folder:")).expanduser()
    if find(o.run).resizable:
        if o.size is None:
            with unpacked(folder, keep=True) as place:
                width, height = _size_of(find_images(place, folder).images[0])
        else:
            width = height = o.size
        options: dict[str, Any] = {"size": height, "width": width, "channels": o.channels or 3}
        data = datasets.load(o.run, **options, on_progress=reporter.work)
    else:
        data = datasets.load(o.run, on_progress=reporter.work)
        channels, height, width = data.image_shape
        options = {"size": height, "width": width, "channels": channels}
    images = datasets.load(
        f"folder:{folder}", **options, train_on_all=True, on_progress=reporter.work
    )
    return data.floats(images.train), data


def _size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image as it is looked at.

    Raises:
        UserError: the file cannot be read, or the image is too large to be compared.
    """
    from PIL import Image, ImageOps

    from adversarial_nets.datasets.folder import LARGEST_SIZE
    from adversarial_nets.datasets.folder_images import FORMATS, explain_failure

    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = ImageOps.exif_transpose(image).size
    except Exception as error:  # on damaged files Pillow raises many types
        raise UserError(
            f"{path}, whose size all images are to get, cannot be read "
            f"({explain_failure(error, path)}). Give the size with --size."
        ) from error
    if max(width, height) > LARGEST_SIZE:
        raise UserError(
            f"{path} is {width}×{height} pixels; images are compared up to {LARGEST_SIZE}. Give a "
            "size with --size, for example 64."
        )
    return width, height


def _compared(
    x: "Tensor", data: "Dataset", features: str, reporter: ProgressReporter
) -> "ImageMeasures":
    """The measures of images against a data set.

    Raises:
        UserError: unknown features, or a data set without classes.
    """
    from adversarial_nets import datasets
    from adversarial_nets.datasets.registry import find
    from adversarial_nets.evaluation.compare_images import measure_images
    from adversarial_nets.evaluation.features import classifier

    if features == "patches":
        return measure_images(x, data)
    if features == "inception":
        raise UserError(
            "--features inception measures a run of data with classes. Give patches, or a data "
            "set whose classifier fits, e.g. cifar10 for photographs."
        )
    trained_on = data
    if features != "classifier":
        channels, height, width = data.image_shape
        shape = {"size": height, "width": width, "channels": channels}
        options: dict[str, Any] = shape if find(features).resizable else {}
        trained_on = datasets.load(features, **options, on_progress=reporter.work)
    return measure_images(x, data, classifier(trained_on, reporter.work))


def _print_measures(
    found: "ImageMeasures", place: str, facts: dict[str, Any], reporter: ProgressReporter
) -> dict[str, Any]:
    """Print the measures, and return them for ``--json``.

    Args:
        found: the measures.
        place: the data set compared with, as the command names it.
        facts: ``data``, the data set's own name; for a run's samples ``weights`` and ``round``.
        reporter: prints them.
    """
    whose = f"{facts['weights']} G at round {facts['round']}" if "round" in facts else "The images"
    reporter.say(f"{whose} on {place}, {found.samples:,} samples")
    if found.accuracy is not None:
        reporter.say(
            f"Features: a classifier of {found.features} with {found.accuracy:.1%} accuracy on "
            "test images"
        )
    result = {**facts, **dataclasses.asdict(found)}
    _print_rows(result, reporter)
    reporter.say(found.copied.sentence)
    return result


def _print_rows(result: dict[str, Any], reporter: ProgressReporter) -> None:
    """Print each measure beside its value for real images."""
    prefix = "patches, " if result["features"] == "patches" else ""
    rows = [(prefix + k, value, result["floor"][k]) for k, value in result["model"].items()]
    print_table(reporter, ["measure", "samples", "real images"], rows)


COMMANDS = (
    Command(
        name="measure",
        group="evaluate",
        arguments="RUN",
        summary="Fréchet and kernel distance, precision, recall",
        options=MeasureOptions,
        run=_measure,
        examples=(
            "measure runs/mnist-mnist-0 --weights averaged",
            "measure runs/cifar10-cifar10-0 --features inception",
            "measure runs/folder-PHOTOS-pictures-0 --features cifar10",
            "measure folder:PHOTOS --samples OTHER-IMAGES",
        ),
        prints_result=True,
    ),
)
