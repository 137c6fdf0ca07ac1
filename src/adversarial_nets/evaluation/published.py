"""Published Parzen scores of 10,000 samples, for comparison with your own.

They can be compared with scores by the ``paper`` protocol on all of MNIST's test images or on the
Toronto Face Database. They cannot be compared with scores on a subset (``mnist-5k``) or a stand-in
(``tfd-standin``), so these data sets are not in the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PUBLISHED", "PublishedScore", "error_in_words", "of_the_paper", "published_score"]


@dataclass(frozen=True)
class PublishedScore:
    """A score from the literature.

    Attributes:
        model: the model that was scored.
        nats: mean log-likelihood of the test images, in nats.
        se: the standard error printed with it, or None.
        source: the publication that printed it.
    """

    model: str
    nats: float
    se: float | None
    source: str


PUBLISHED: Mapping[str, tuple[PublishedScore, ...]] = MappingProxyType(
    {
        "mnist": (
            PublishedScore("CAE, 1 layer", 68.0, 2.9, "Deep GSN paper (unverified)"),
            PublishedScore("Stacked CAE", 121.0, 1.6, "GAN paper"),
            PublishedScore("conditional GAN", 132.0, 1.8, "CGAN paper"),
            PublishedScore("DBN", 138.0, 2.0, "GAN paper"),
            PublishedScore("DAE", 144.0, None, "Deep GSN paper (unverified)"),
            PublishedScore("GMMN", 147.0, 2.0, "GMMN paper"),
            PublishedScore("Deep GSN", 214.0, 1.1, "GAN paper"),
            PublishedScore("Diffusion", 220.0, 1.9, "diffusion paper"),
            PublishedScore("Adversarial nets", 225.0, 2.0, "GAN paper"),
            PublishedScore("real training images", 243.0, None, "Theis et al. 2015"),
            PublishedScore("GMMN + autoencoder", 282.0, 2.0, "GMMN paper"),
            PublishedScore("VAE 500, z 8", 283.0, None, "later papers (unverified)"),
            PublishedScore("VAE 2×1000, z 8", 290.0, 2.0, "eVAE paper"),
            PublishedScore("k-means centroids", 313.0, None, "Theis et al. 2015"),
            PublishedScore("Adversarial autoencoder", 340.0, 2.0, "AAE paper"),
        ),
        "tfd": (
            PublishedScore("Deep GSN", 1890.0, 29.0, "GAN paper"),
            PublishedScore("DBN", 1909.0, 66.0, "GAN paper"),
            PublishedScore("Adversarial nets", 2057.0, 26.0, "GAN paper"),
            PublishedScore("GMMN", 2085.0, 25.0, "GMMN paper"),
            PublishedScore("Stacked CAE", 2110.0, 50.0, "GAN paper"),
            PublishedScore("VAE 2×1000, z 15", 2149.0, 23.0, "eVAE paper"),
            PublishedScore("GMMN + autoencoder", 2204.0, 20.0, "GMMN paper"),
            PublishedScore("Adversarial autoencoder", 2252.0, 16.0, "AAE paper"),
        ),
    }
)
"""Scores by data set, lowest first. Other data sets have no comparable published scores."""

_PUBLISHED_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "VAE": "VAE 500, z 8",
        "training images": "real training images",
        "k-means": "k-means centroids",
    }
)
"""The names of models in `PUBLISHED` by their names in our tables, where the two differ."""


def published_score(model: str, data: str) -> PublishedScore | None:
    """Return the published score of a model or of reference images on a data set, or None.

    Args:
        model: its name in our tables, e.g. ``"VAE"`` or ``"k-means"``.
        data: the data set's name.

    >>> published_score("VAE", "mnist").nats, published_score("VAE", "mnist-5k")
    (283.0, None)
    """
    name = _PUBLISHED_NAMES.get(model, model)
    return next((score for score in PUBLISHED.get(data, ()) if score.model == name), None)


def of_the_paper(data: str) -> PublishedScore | None:
    """Return the paper's score of adversarial nets (Table 1) on a data set, or None.

    >>> of_the_paper("mnist").nats
    225.0
    """
    return published_score("Adversarial nets", data)


def error_in_words(se: float | None, unit: str = "") -> str:
    """Return the standard error of a score as text, to print after the score.

    Args:
        se: the standard error; None for a score of a single image.
        unit: the score's unit, with a space before it.

    >>> f"225{error_in_words(2.0, ' nats')}", f"225{error_in_words(None, ' nats')}"
    ('225 ± 2.0 nats', '225 nats (no standard error from one image)')
    """
    if se is None:
        return f"{unit} (no standard error from one image)"
    return f" ± {se:,.1f}{unit}"
