"""The names of the paper's claims about training, for help texts, without torch."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CLAIM_NAMES"]

CLAIM_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "steps": "k updates of D for one of G",
        "gradients": "those of both objectives of G",
        "head-start": "training G alone first",
        "helvetica": "G collapses if it is trained alone",
        "parzen-spread": "the variance of the Parzen score",
    }
)
"""The subject of each experiment of `training_claims.CLAIMS`, by its name."""
