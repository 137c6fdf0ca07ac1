"""The names of the baselines of Table 1, for help texts and recorded tables, without torch."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["TITLES"]

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "dbn": "DBN",
        "stacked-cae": "Stacked CAE",
        "deep-gsn": "Deep GSN",
        "vae": "VAE",
        "gmmn": "GMMN",
        "gmmn-autoencoder": "GMMN + autoencoder",
        "aae": "Adversarial autoencoder",
        "dbm": "DBM",
        "pca-gaussian": "PCA Gaussian",
    }
)
"""The title of each baseline by the name of its row, in the order of the table."""
