"""The measures of §7, extension 4: classifiers of few labels, by a game and by features of D."""

import dataclasses
from pathlib import Path

import torch

from adversarial_nets.baselines.run_folder import fit_session
from adversarial_nets.classes import count_classes
from adversarial_nets.datasets import Dataset, require_labels
from adversarial_nets.errors import UserError
from adversarial_nets.paper.section7 import few_labels
from adversarial_nets.paper.section7.features import features_against_pixels
from adversarial_nets.paper.section7.rows import Row, with_length
from adversarial_nets.plots import sheets
from adversarial_nets.progress import Progress
from adversarial_nets.runs import files
from adversarial_nets.runs.folder import RunLike
from adversarial_nets.text import file_name

__all__ = ["PUBLISHED", "features_rows", "few_labels_rows"]

PUBLISHED = {20: "16.77 ± 4.52", 50: "2.21 ± 1.36", 100: "0.93 ± 0.065", 200: "0.90 ± 0.042"}
"""Test error in % of one model on MNIST by number of labels, mean and standard deviation of ten
draws (Salimans et al. 2016, Table 1: 1677, 221, 93 and 90 errors among 10,000)."""


def few_labels_rows(
    data: Dataset,
    out: Path,
    *,
    labels: int = 100,
    epochs: int = 300,
    seed: int = 0,
    draw: int = 0,
    on_progress: Progress | None = None,
) -> tuple[list[Row], Path]:
    """Train the classifier with and without unlabelled images; also draw G's samples.

    Both trainings resume if they were interrupted, and are not repeated once they are finished.

    Args:
        data: a data set with labels for training and test images. All its training and validation
            images are used as unlabelled images.
        out: the folder of the runs and the picture.
        labels: labelled images, equally many of each class.
        epochs: passes over the unlabelled images.
        seed: seed of the training.
        draw: number of the draw of labelled images.
        on_progress: called with (what, amount done, total).

    Returns:
        The rows, test errors in %, and the picture.

    Raises:
        UserError: data without labels, or more labels than the data have.
    """
    require_labels(data)
    count_classes(data, "few-labels")
    if data.range != (0.0, 1.0):
        raise UserError(
            f"{data.name} contains values outside [0, 1], but G's sigmoid in this game covers only "
            "[0, 1]. Use mnist, mnist-5k, idx:FOLDER or folder:PATH."
        )
    chosen = few_labels.choose_labelled(data.labels["train"], labels, draw)
    measure = _measure(labels)
    published = PUBLISHED.get(labels) if data.name == "mnist" else None
    rows = []
    for unlabelled, model in ((True, "feature matching"), (False, "without unlabelled images")):
        settings = few_labels.Settings(
            labels=labels, epochs=epochs, unlabelled=unlabelled, seed=seed, draw=draw
        )
        net, seconds = _fit(data, chosen, settings, out / "runs", model, on_progress)
        errors = few_labels.count_errors(net, data.floats(data.test), data.labels["test"])
        name = with_length(model, epochs, few_labels.Settings.epochs, "epochs")
        name += "".join(f", {what} {n}" for what, n in (("draw", draw), ("seed", seed)) if n)
        row = Row("few-labels", name, measure, data.name, 100 * errors / len(data.test))
        other = published if unlabelled else None
        rows.append(dataclasses.replace(row, published=other, seconds=seconds))
        if unlabelled:
            picture = out / "few-labels.png"
            content = sheets.grid_png(few_labels.sample(net, 100)[:40], data.image_shape)
            files.write_atomically(picture, content)
    return rows, picture


def features_rows(
    run: RunLike, model: str, data: Dataset, labels: int = 100, draw: int = 0
) -> list[Row]:
    """The extension as the paper states it: classify features of the run's D and E by few labels.

    Args:
        run: a finished run on these data, without classes.
        model: its name in the rows.
        data: the data set, with labels for training and test images.
        labels: labelled images, equally many of each class.
        draw: number of the draw of labelled images.

    Returns:
        Test errors in % of a linear and a nearest-neighbour classifier on these features and on
        pixels.

    Raises:
        UserError: data without labels, more labels than the data have, or a run with classes.
    """
    rows = []
    for found in features_against_pixels(run, data, labels, draw):
        of_run = "" if found.features == "pixels" else f", {model}"
        for kind, error in (("linear", found.linear), ("nearest neighbour", found.nearest)):
            name = f"{kind} on {found.features}{of_run}" + (f", draw {draw}" if draw else "")
            rows.append(Row("few-labels", name, _measure(labels), data.name, 100 * error))
    return rows


def _measure(labels: int) -> str:
    return f"test error, %, {labels} labels"


def _fit(
    data: Dataset,
    chosen: torch.Tensor,
    settings: few_labels.Settings,
    folder: Path,
    model: str,
    on_progress: Progress | None,
) -> tuple[few_labels.FewLabels, float]:
    """The trained networks, and the processor time of the training."""
    s = settings
    kind = "" if s.unlabelled else "-labelled-only"
    name = f"few-labels-{file_name(data.name)}-{s.labels}-{s.epochs}-{s.draw}-{s.seed}{kind}"
    place = folder / name
    title, updates = f"few labels, {model}", f"{s.labels} labels, {model}: update"
    x, c = data.floats(data.train[chosen]), data.labels["train"][chosen]
    unlabelled = data.floats(torch.cat([data.train, data.valid]))
    values = dataclasses.asdict(s)
    with fit_session(place, title, data, values, updates, on_progress, labels=True) as session:
        net = few_labels.fit(x, c, unlabelled, s, session)
    return net, session.seconds
