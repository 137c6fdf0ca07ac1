"""The command ``advnets measure``: a run, or a folder of images, by measures newer than 2014."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from adversarial_nets.cli.command import Command, always
from adversarial_nets.cli.shared import (
    Checkpoint,
    Json,
    Place,
    Threads,
    Weights,
    count_option,
    default,
    print_table,
    refuse_unused,
)
from adversarial_nets.datasets.paths import describe_path
from adversarial_nets.datasets.registry import REGISTRY, data_name
from adversarial_nets.errors import UserError
from adversarial_nets.evaluation.feature_kinds import FEATURES
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs.folder import holds_run

if TYPE_CHECKING:
    from adversarial_nets.evaluation.compare_images import ImageMeasures
    from adversarial_nets.evaluation.measure_run import Measurement

__all__ = ["COMMANDS"]

_MOST = 5000  # samples, by default
_OF_A_RUN = "has no effect on a run's samples, which have the size of its data. Leave it out."


@dataclass(frozen=True)
class MeasureOptions:
    """Measure a run by Fréchet and kernel distance, precision, recall and more.

    With a data set in place of RUN, such as folder:PHOTOS, the images that --samples names are
    measured against it: a run, or a folder of images of any program.

    All these measures are newer than the paper. The features are those of a small classifier of the
    data's classes, trained once in about a minute, or of Inception for photographs (extra:
    photographs; downloads 96 MB of weights). --features NAME takes the classifier of another data
    set with classes, e.g. cifar10 for photographs or mnist for digits. Data without classes, such
    as a folder of images, are measured by the distance of small patches, which needs no network.
    Next to each measure is its value for the same number of real images. A sentence says whether
    images were copied.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Folder of a run, or a data set: mnist, folder:PATH …"""
    data: Place = None
    checkpoint: Checkpoint = "last"
    weights: Weights = None
    samples: Annotated[str | None, default("5,000", metavar="INT|FOLDER|RUN")] = None
    """Largest number of samples; or, with a data set in place of RUN, what to measure: a folder of
    images, a zip archive of one, or a run."""
    features: Annotated[
        str | None,
        default(
            "classifier; patches for data without classes",
            metavar="|".join([*FEATURES, "DATA"]),
            help=f"What computes the features: {', '.join(k.summary for k in FEATURES.values())}, "
            "or the classifier of another data set.",
        ),
    ] = None
    size: Annotated[int | None, default("that of the first sample")] = None
    """With a folder of samples: height, and width, to resize all images to."""
    channels: Annotated[Literal[1, 3, 4] | None, default("3")] = None
    """With a folder of samples: 1 for grey, 3 for colour, 4 for colour and alpha."""
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
        whose = f"has no effect, since {o.run} itself names the images to compare with"
        refuse_unused(o, ["data"], f"{whose}. Leave it out.")
        return _measure_samples(o, str(o.samples), reporter)
    if data_name(o.run) and (there := describe_path(o.run)):
        raise UserError(there)
    if not is_number:
        raise UserError(
            f"--samples is {o.samples}, so {o.run} must be a data set, e.g. folder:{o.run}; or "
            "give the number of samples of this run."
        )
    refuse_unused(o, ["size", "channels"], _OF_A_RUN)
    n = count_option("--samples", int(o.samples or _MOST), _MOST)
    return _measure_run(o, n, reporter)


def _is_data(name: str) -> bool:
    """Whether the name is that of a data set and not a run's folder."""
    return not holds_run(name) and name.partition(":")[0] in REGISTRY


def _measure_run(o: MeasureOptions, n: int, reporter: ProgressReporter) -> dict[str, Any]:
    """Measure the samples of a run against its own data."""
    from adversarial_nets.evaluation import measure
    from adversarial_nets.evaluation.score import load_data
    from adversarial_nets.runs.folder import open_run

    run = open_run(o.run)
    data = load_data(run, reporter.work, o.data)
    found = measure(
        run,
        data,
        checkpoint=o.checkpoint,
        weights=o.weights,
        samples=n,
        features=o.features,
        on_progress=reporter.work,
    )
    result = dataclasses.asdict(found)
    _print_measures(found, result, o.data or run.data, data.class_names, reporter)
    return result


def _measure_samples(o: MeasureOptions, name: str, reporter: ProgressReporter) -> dict[str, Any]:
    """Measure a folder of images, or a run's samples, against a data set."""
    from adversarial_nets.evaluation import measure_images
    from adversarial_nets.evaluation.image_folders import data_for_run, load_folder_and_data
    from adversarial_nets.evaluation.measure_run import sample_run
    from adversarial_nets.runs.folder import open_run

    facts: dict[str, Any] = {}
    if holds_run(name):
        refuse_unused(o, ["size", "channels"], _OF_A_RUN)
        run = open_run(name)
        data = data_for_run(run, o.run, reporter.work)
        drawn = sample_run(run, _MOST, o.checkpoint, o.weights)
        x, facts = drawn.x, {"round": drawn.round, "weights": drawn.weights}
    else:
        reason = f"chooses a generator of a run, but {name} is not a run. Leave it out."
        refuse_unused(o, ["checkpoint", "weights"], reason)
        x, data = load_folder_and_data(name, o.run, o.size, o.channels, reporter.work)
    found = measure_images(x, data, o.features or "patches", reporter.work)
    result = {**facts, "data": o.run, **dataclasses.asdict(found)}
    _print_measures(found, result, o.run, data.class_names, reporter)
    return result


def _print_measures(
    found: "Measurement | ImageMeasures",
    result: dict[str, Any],
    place: str,
    class_names: Sequence[str],
    reporter: ProgressReporter,
) -> None:
    """Print the measures, each with its value for real images.

    Args:
        found: the measures.
        result: the object that ``--json`` prints.
        place: the data set of the real images, as the command names it.
        class_names: the names of its classes.
        reporter: prints them.
    """
    round = result.get("round")
    whose = "The images" if round is None else f"{result['weights']} G at round {round}"
    reporter.say(f"{whose} on {place}, {found.samples:,} samples")
    prefix = _say_features(found, reporter)
    alignment, classes = result.get("alignment"), result.get("classes")
    if alignment is not None:
        reporter.say(f"It assigns {alignment:.1%} of the samples to the requested class")
    rows = [(prefix + k, value, result["floor"][k]) for k, value in result["model"].items()]
    print_table(reporter, ["measure", "samples", "real images"], rows)
    if classes is not None:
        shares = [(c, f"{share:.1%}") for c, share in zip(class_names, classes, strict=True)]
        print_table(reporter, ["class", "share of the samples"], shares)
    reporter.say(found.copied.sentence)


def _say_features(found: "Measurement | ImageMeasures", reporter: ProgressReporter) -> str:
    """Print what computed the features; return the prefix of each measure's name."""
    from adversarial_nets.evaluation.measures import FeatureMetrics

    if not isinstance(found.model, FeatureMetrics):
        return f"{found.features}, "
    if found.accuracy is None:
        reporter.say(f"Features: {FEATURES[found.features].summary}")
        return ""
    whose = "" if found.features in FEATURES else f" of {found.features}"
    reporter.say(f"Features: a classifier{whose} with {found.accuracy:.1%} accuracy on test images")
    return ""


COMMANDS = (
    Command(
        name="measure",
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
        prints_result=always,
    ),
)
