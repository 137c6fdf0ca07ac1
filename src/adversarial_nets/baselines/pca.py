"""A Gaussian along the principal components of the data: a linear reference model.

    x = mean + Σ_i √λ_i z_i u_i,    z ~ N(0, I),    clipped to [0, 1],

with λ_i and u_i the largest eigenvalues and eigenvectors of the data's covariance. The number of
components is chosen by the validation score. Directions of small variance change the score little,
because the Parzen window smooths the samples in every direction.
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
    """Settings of the Gaussian.

    Attributes:
        components: largest number of components.
    """

    components: int = 400


@dataclass(frozen=True)
class PCA:
    """A Gaussian along principal components.

    Attributes:
        mean: the mean image.
        components: √λ_i u_i for each component, in order of decreasing λ.
    """

    mean: Float[Tensor, " pixels"]
    components: Float[Tensor, "k pixels"]

    def state_dict(self) -> dict[str, Tensor]:
        """Return every parameter by name."""
        return {"mean": self.mean, "components": self.components}


@torch.no_grad()
def fit(
    images: Float[Tensor, "n pixels"], settings: Settings, session: FitSession | None = None
) -> PCA:
    """Compute the images' mean and principal components in one update (see `interface.Fit`)."""
    session = session or FitSession()
    pixels = images.shape[1]
    k = min(settings.components, pixels, len(images))
    pca = PCA(torch.zeros(pixels), torch.zeros(k, pixels))
    steps = session.steps(1, pca, pca.state_dict(), {})
    for _, record_loss in steps.until(1):
        pca.mean.copy_(images.mean(0))
        covariance = torch.zeros(pixels, pixels, dtype=torch.float64)
        for block in images.split(10_000):
            x = block - pca.mean
            covariance += (x.T @ x).double() / len(images)
        λ, u = torch.linalg.eigh(covariance)  # in order of increasing λ
        scaled = λ.clamp(min=0).sqrt() * u
        pca.components.copy_(scaled.T.flip(0)[:k])
        record_loss(1 - (λ[-k:].sum() / λ.sum().clamp(min=1e-300)).item())
    return pca


def tune(pca: PCA, score: Callable[[PCA], float]) -> PCA:
    """Return the Gaussian with the number of components that has the best score."""
    counts = [k for k in (5, 10, 20, 40, 80, 160, 320) if k < len(pca.components)]
    candidates = [replace(pca, components=pca.components[:k]) for k in counts] + [pca]
    return max(candidates, key=score)


@torch.no_grad()
def sample(pca: PCA, n: int, *, seed: int = 0) -> Float[Tensor, "n pixels"]:
    """Draw n images (see `interface.Sample`)."""
    z = Address(seed, 0, range(n)).normal("PCA samples", len(pca.components))
    return torch.addmm(pca.mean, z, pca.components).clamp_(0, 1)
