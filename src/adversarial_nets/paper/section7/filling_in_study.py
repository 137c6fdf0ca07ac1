"""The measures of §7, extension 3: error, class and diversity of completions."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from adversarial_nets.datasets import Dataset, require_labels, sample_rows
from adversarial_nets.evaluation import features
from adversarial_nets.evaluation.calibration import mean_image
from adversarial_nets.evaluation.nearest import nearest_images
from adversarial_nets.evaluation.score import check_data
from adversarial_nets.masks import region_mask
from adversarial_nets.paper.section7.filling_in import (
    complete_in_one_pass,
    compose,
    optimise_completions,
)
from adversarial_nets.paper.section7.inference import starting_points
from adversarial_nets.paper.section7.rows import Row
from adversarial_nets.progress import Progress, no_progress
from adversarial_nets.runs import game_state
from adversarial_nets.runs.folder import Run

__all__ = [
    "Completions",
    "completions_of",
    "filling_in_rows",
    "measured",
    "nearest_on_known_pixels",
]

Images = Float[Tensor, "n pixels"]
Mask = Float[Tensor, " pixels"]

HIDDEN_REGIONS = "right", "blocks"  # the regions that the study hides
STEPS = 500  # updates of z in the study; `advnets inpaint` makes more


@dataclass(frozen=True)
class Completions:
    """Measures of completions of several images.

    Attributes:
        rmse: root mean square error on hidden pixels, over all completions.
        right_class: share of completions that a classifier assigns to the image's class.
        diversity: standard deviation over an image's completions, averaged over hidden pixels.
    """

    rmse: float
    right_class: float
    diversity: float


def completions_of(
    run: Run,
    G: nn.Module,
    round: int,
    x: Images,
    mask: Mask,
    each: int,
    steps: int = STEPS,
    c: int | None = None,
    on_progress: Progress = no_progress,
) -> Float[Tensor, "images completions pixels"]:
    """Several completions of each image: in one pass for a run with masks, else by optimisation.

    Args:
        run: any run.
        G: its generator.
        round: the round of that generator's checkpoint, from which D is loaded too. An exported
            generator has no D.
        x: images.
        mask: 1 where a pixel is known, the same for all images.
        each: completions of each image.
        steps: updates of z, for a run without masks.
        c: the class of the images, for a run with classes; by default the class of the one of 1,000
            samples that agrees best with an image's known pixels.
        on_progress: called with (what, amount done, total).
    """
    s = run.settings
    rows = x.repeat_interleave(each, 0)
    masks = mask.expand_as(rows)
    if s.condition == "masks":
        found = complete_in_one_pass(G, s, rows, masks)
    else:
        D = None if run.exported else game_state.load_discriminator(run, round)[0]
        classes = None if c is None else torch.full((len(x),), c)
        if classes is None and s.condition:
            _, classes = starting_points(G, s, x, known=mask.expand_as(x))
        c_rows = None if classes is None else classes.repeat_interleave(each)
        shape = run.image_shape
        found = optimise_completions(G, D, s, rows, masks, shape, c_rows, steps, on_progress)
    return found.unflatten(0, (len(x), each))


def filling_in_rows(
    run: Run,
    data: Dataset,
    *,
    model: str | None = None,
    images: int = 50,
    weights: str | None = None,
    on_progress: Progress | None = None,
) -> tuple[list[Row], Float[Tensor, "shown pixels"]]:
    """Measure a run's completions of test images, and those by the mean and nearest training image.

    Args:
        run: any run.
        data: its data set, with labels for training and test images.
        model: its name in the rows; its preset by default.
        images: how many test images, each of which is completed five times.
        weights: ``raw`` or ``averaged``.
        on_progress: called with (what, amount done, total).

    Returns:
        The rows, and images to show: for five test images a row with the image, its known part
        and five completions.
    """
    check_data(run, data)
    require_labels(data)
    classifier = features.classifier(data, on_progress)
    chosen = sample_rows(data, "test", images)
    x, labels = data.floats(data.test[chosen]), data.labels["test"][chosen]
    mean = mean_image(data)
    way = "game with masks" if run.settings.condition == "masks" else "optimisation of z"
    weights = weights or run.default_weights
    G, round = game_state.load_generator(run, weights=weights)
    title = f"{model or run.preset_label}, {weights} G, {way}"
    rows, shown = [], []
    for i, region in enumerate(HIDDEN_REGIONS):
        mask = region_mask(region, data.image_shape)
        found = completions_of(run, G, round, x, mask, each=5)
        nearest = nearest_on_known_pixels(data, x, mask)
        candidates = {
            title: found,
            "mean image": compose(x, mask.expand_as(x), mean.expand_as(x))[:, None],
            "nearest training image": compose(x, mask.expand_as(x), nearest)[:, None],
        }
        for name, completed in candidates.items():
            m = measured(completed, x, labels, mask, classifier.classes)
            rows += _rows(name, region, data.name, m)
        grey = compose(x[:5], mask.expand_as(x[:5]), torch.full_like(x[:5], 0.5))
        shown += [x[:5, None], grey[:, None], found[:5]] if i == 0 else []
        if on_progress is not None:
            on_progress("hidden regions", i + 1, len(HIDDEN_REGIONS))
    return rows, torch.cat(shown, 1).flatten(0, 1)


def measured(
    completed: Float[Tensor, "images completions pixels"],
    x: Float[Tensor, "images pixels"],
    labels: Int64[Tensor, " images"],
    mask: Mask,
    classes_of: Callable[[Tensor], Tensor],
) -> Completions:
    """Measure completions of the images x."""
    hidden = mask == 0
    error = (completed - x[:, None])[..., hidden]
    found = classes_of(completed.flatten(0, 1)).unflatten(0, completed.shape[:2])
    return Completions(
        rmse=error.square().mean().sqrt().item(),
        right_class=(found == labels[:, None]).double().mean().item(),
        diversity=completed[..., hidden].std(1, correction=0).mean().item(),
    )


def _rows(model: str, region: str, data: str, m: Completions) -> list[Row]:
    return [
        Row("filling-in", model, f"{measure}, {region} hidden", data, value)
        for measure, value in (
            ("RMSE", m.rmse),
            ("right class", m.right_class),
            ("diversity", m.diversity),
        )
    ]


def nearest_on_known_pixels(data: Dataset, x: Images, mask: Mask) -> Images:
    """The training image that is nearest to each x on the known pixels, in L2."""
    known = mask > 0
    index, _ = nearest_images(x[:, known], data.train, lambda s: data.floats(s)[:, known])
    return data.floats(data.train[index])
