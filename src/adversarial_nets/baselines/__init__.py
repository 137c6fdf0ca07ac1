"""Table 1's other rows (§5), each in a file to read beside its own paper, behind two verbs.

`fit(images, settings, sitting)` gives a fitted model, `sample(model, n, …)` gives n images in
[0, 1]. `ROWS` names them all, with the settings of the recorded table (a stated budget of at most
about two hours of two cores each) and of the quick one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from adversarial_nets.baselines import aae, cae, dbm, dbn, gmmn, gsn, pca, vae
from adversarial_nets.baselines.chains import SINGLE, Chains
from adversarial_nets.baselines.fitting import FitSession, begin, fill

__all__ = ["ROWS", "SINGLE", "Chains", "FitSession", "Row", "begin", "fill"]


@dataclass(frozen=True)
class Row:
    """A model of Table 1 and how the table fits it.

    Attributes:
        name: as in the table.
        fit: from images, settings and a sitting to a fitted model.
        sample: from a model and n to n images.
        settings: of the recorded table.
        quick: of the quick table.
        is_chain: whether sampling walks a Markov chain from training images.
        tune: chooses what is left to choose by a validation score, where there is something.
        chosen: says in words what `tune` chose.
        z_of: the z of `sample`'s images, where they have one; and
        decode: the images of z.
        score_every: epochs between validation scores; 0 where `tune` must come first.
    """

    name: str
    fit: Callable[..., Any]
    sample: Callable[..., Any]
    settings: Any
    quick: Any
    is_chain: bool = False
    tune: Callable[..., Any] | None = None
    chosen: Callable[..., str] | None = None
    z_of: Callable[..., Any] | None = None
    decode: Callable[..., Any] | None = None
    score_every: int = 0


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "dbn": Row(
            "DBN",
            dbn.fit,
            dbn.sample,
            dbn.Settings(epochs=(15, 20)),
            dbn.Settings(hidden=(400, 400), epochs=(20, 60)),
            is_chain=True,
            score_every=5,
        ),
        "stacked-cae": Row(
            "Stacked CAE",
            cae.fit,
            cae.sample,
            cae.Settings(epochs=5),
            cae.Settings(hidden=(400, 400), epochs=20),
            is_chain=True,
            tune=cae.tune,
            chosen=lambda model: f"σ of the walk {model.σ:.3g}",
        ),
        "deep-gsn": Row(
            "Deep GSN",
            gsn.fit,
            gsn.sample,
            gsn.Settings(rule="adam", lr=1e-3, epochs=20),
            gsn.Settings(hidden=(400, 400), noise=1.0, rule="adam", lr=4e-3, epochs=80),
            is_chain=True,
            score_every=2,
        ),
        "vae": Row(
            "VAE",
            vae.fit,
            vae.sample,
            vae.Settings(epochs=60),
            vae.Settings(hidden=(200,), epochs=50),
            z_of=vae.z_of,
            decode=vae.decode,
            score_every=5,
        ),
        "gmmn": Row(
            "GMMN",
            gmmn.fit,
            gmmn.sample,
            gmmn.Settings(epochs=(0, 60)),
            gmmn.Settings(epochs=(0, 60)),
            z_of=gmmn.z_of,
            decode=gmmn.decode,
            score_every=5,
        ),
        "gmmn-autoencoder": Row(
            "GMMN + autoencoder",
            gmmn.fit,
            gmmn.sample,
            gmmn.Settings(scales=(1.0,), autoencoder=(1024, 32), epochs=(20, 200)),
            gmmn.Settings(scales=(1.0,), autoencoder=(300, 32), epochs=(20, 150)),
            z_of=gmmn.z_of,
            decode=gmmn.decode,
            score_every=5,
        ),
        "aae": Row(
            "Adversarial autoencoder",
            aae.fit,
            aae.sample,
            aae.Settings(epochs=20),
            aae.Settings(hidden=(300, 300), epochs=50),
            z_of=aae.z_of,
            decode=aae.decode,
            score_every=5,
        ),
        "dbm": Row(
            "DBM",
            dbm.fit,
            dbm.sample,
            dbm.Settings(epochs=(20, 20, 40)),
            dbm.Settings(hidden=(300, 400), epochs=(20, 20, 60)),
            is_chain=True,
            score_every=5,
        ),
        "pca-gaussian": Row(
            "PCA Gaussian",
            pca.fit,
            pca.sample,
            pca.Settings(),
            pca.Settings(),
            tune=pca.tune,
            chosen=lambda model: f"{len(model.components)} components",
        ),
    }
)
"""Every model by the name of its folder, in the order of the table."""
