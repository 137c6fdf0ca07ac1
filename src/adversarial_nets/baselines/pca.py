"""A Gaussian along the data's principal components: what a linear model scores.

x = mean + Σ_i √λ_i z_i u_i with z ~ N(0, I), clipped to [0, 1]; λ_i and u_i are the largest
eigenvalues and their vectors of the data's covariance. How many are kept is chosen on validation
images: the directions of little variance only blur what the Parzen window blurs anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.random import Address

__all__ = ["PCA", "Settings", "fit", "sample", "tune"]


@dataclass(frozen=True)
class Settings:
    """What to fit.

    Attributes:
        components: how many at most.
    """

    components: int = 400


@dataclass(frozen=True)
class PCA:
    """The mean image and the components, each as long as its standard deviation."""

    mean: Float[Tensor, " pixels"]
    components: Float[Tensor, "k pixels"]

    def tensors(self) -> dict[str, Tensor]:
        """Every parameter by name."""
        return {"mean": self.mean, "components": self.components}


@torch.no_grad()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> PCA:
    """Find the mean and the components of images in [0, 1], in one update.

    Args:
        images: what to learn.
        settings: how many components at most.
        session: keeps and watches the fitting; see `FitSession`.
    """
    D = images.shape[1]
    k = min(settings.components, D, len(images))
    pca = PCA(torch.zeros(D), torch.zeros(k, D))
    steps = (session or FitSession()).steps(1, pca, pca.tensors(), {})
    for _, note in steps.upto(1):
        pca.mean.copy_(images.mean(0))
        covariance = torch.zeros(D, D, dtype=torch.float64)
        for block in images.split(10_000):
            x = block - pca.mean
            covariance += (x.T @ x).double() / len(images)
        λ, u = torch.linalg.eigh(covariance)
        largest = λ.clamp(min=0).sqrt() * u
        pca.components.copy_(largest.T.flip(0)[:k])
        note(1 - (λ[-k:].sum() / λ.sum()).item())
    return pca


def tune(pca: PCA, score: Callable[[PCA], float]) -> PCA:
    """Keep as many components as score best.

    Args:
        pca: the fitted Gaussian.
        score: gives a model's validation score.
    """
    counts = [k for k in (5, 10, 20, 40, 80, 160, 320) if k < len(pca.components)]
    choices = [replace(pca, components=pca.components[:k]) for k in counts] + [pca]
    return max(choices, key=score)


@torch.no_grad()
def sample(pca: PCA, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Draw z ~ N(0, I) and go from the mean; one product, no chain.

    Args:
        pca: the fitted Gaussian.
        n: how many images.
        seed: addresses z.
    """
    z = Address(seed, 0, range(n)).normal("PCA samples", len(pca.components))
    return torch.addmm(pca.mean, z, pca.components).clamp_(0, 1)
