"""The board for images: histograms of D(x) and D(G(z)), samples, and nearest training images."""

import base64
from typing import Any

import numpy as np
import torch
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure
from jaxtyping import Float
from scipy.special import expit
from torch import Tensor

from adversarial_nets import priors
from adversarial_nets.classes import class_count, generator_input
from adversarial_nets.datasets import Dataset
from adversarial_nets.evaluation.nearest import nearest_images
from adversarial_nets.game import sample
from adversarial_nets.playground.boards.style import Texts, Theme, encode_float32, new_figure
from adversarial_nets.plots import sheets
from adversarial_nets.random import Address
from adversarial_nets.state import Game
from adversarial_nets.toys import images
from adversarial_nets.toys.images import Evaluator, Snapshot
from adversarial_nets.toys.networks import evaluate

__all__ = ["center_and_spread", "class_png", "columns", "draw", "morph_png", "nearest_png"]

BINS = 20
"""Number of bins of the histograms."""


def center_and_spread(evaluator: Evaluator, snapshot: Snapshot) -> tuple[list[float], float]:
    """Return 0, because the mean of images is not informative, and the spread of the samples."""
    return [0.0], snapshot.variance_ratio


def columns(evaluator: Evaluator, snapshot: Snapshot) -> dict[str, Any]:
    """The histograms of one snapshot by column of the figure, and the samples as a PNG."""
    data, samples = (
        np.histogram(expit(logits), BINS, (0, 1))[0] / len(logits)
        for logits in (snapshot.a_data, snapshot.a_samples)
    )
    return {
        "histograms": {"data": encode_float32(data), "samples": encode_float32(samples)},
        "png": base64.b64encode(images.samples_png(evaluator, snapshot)).decode(),
    }


def nearest_png(evaluator: Evaluator, snapshot: Snapshot) -> str:
    """The training images nearest to the first ten samples, as a PNG in base64."""
    data = evaluator.data
    index, _ = nearest_images(snapshot.samples[:10], data.train, data.floats)
    return _grid(data.floats(data.train[index]), data)


def class_png(evaluator: Evaluator, game: Game, c: int) -> str:
    """Samples of one class in rows of ten, as a PNG in base64."""
    n, data = images.SHOWN, evaluator.data
    x = sample(game.G, game.settings, n, "samples to watch", c=torch.full((n,), c))
    return _grid(x, data)


def morph_png(evaluator: Evaluator, game: Game, u: float, v: float, c: int | None = None) -> str:
    """G(z) for z between the noise of the first four samples shown, as a PNG in base64.

    Args:
        evaluator: the game's evaluator.
        game: the game in its current state.
        u: from the first (0) to the second sample (1), and from the third to the fourth.
        v: from the first to the third sample.
        c: the class of all interpolated images, in a game with classes; by default the classes of
            the four samples are interpolated like z.
    """
    s, data, address = game.settings, evaluator.data, Address(game.settings.seed, 0, range(4))
    z = priors.draw(s.prior, address, s.z_size, "samples to watch")
    if count := class_count(game.G):
        of_corners = torch.arange(4) % count if c is None else torch.full((4,), c)
        z = generator_input(game.G, z, of_corners)
    z = z.double()
    weights = torch.tensor([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v]).double()
    x = torch.from_numpy(evaluate(game.G, (weights @ z)[None].numpy()))
    return _grid(x.float(), data, columns=1, scale=4)


def _grid(x: Float[Tensor, "n pixels"], data: Dataset, columns: int = 10, scale: int = 2) -> str:
    """Images in a grid, as a PNG in base64."""
    png = sheets.grid_png(x, data.image_shape, data.range, columns, scale)
    return base64.b64encode(png).decode()


def draw(evaluator: Evaluator, texts: Texts, theme: Theme) -> figure:
    """Histograms of D on held-out images and on samples, filled by `columns`."""
    f = new_figure(theme, x_range=Range1d(0, 1), y_range=Range1d(0, 1), name="main", min_height=180)
    f.yaxis.visible = False
    f.xaxis.axis_label = texts["D output"]
    edges, empty = np.linspace(0, 1, BINS + 1), np.zeros(BINS)
    source = ColumnDataSource(
        {"left": edges[:-1], "right": edges[1:], "data": empty, "samples": empty}, name="histograms"
    )
    for column, color in (("data", theme.D), ("samples", theme.G)):
        layer = f"layer histogram {column}"
        f.quad("left", "right", column, 0, name=layer, source=source, color=color, alpha=0.5)
    return f
