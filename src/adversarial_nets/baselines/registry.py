"""The baselines of Table 1, with their settings for the full and for the quick table."""

from typing import Any

from adversarial_nets.baselines import aae, cae, dbm, dbn, gmmn, gsn, pca, vae
from adversarial_nets.baselines.interface import Baseline
from adversarial_nets.baselines.names import TITLES

__all__ = ["BASELINES"]

BASELINES: dict[str, Baseline[Any, Any]] = {
    "dbn": Baseline(
        TITLES["dbn"],
        dbn.fit,
        dbn.sample,
        settings=dbn.Settings(epochs=(15, 20)),
        quick_settings=dbn.Settings(hidden=(400, 400), epochs=(20, 60)),
        score_every_epochs=5,
    ),
    "stacked-cae": Baseline(
        TITLES["stacked-cae"],
        cae.fit,
        cae.sample,
        settings=cae.Settings(epochs=5),
        quick_settings=cae.Settings(hidden=(400, 400), epochs=20),
        tune=cae.tune,
        describe_tuning=lambda model: f"σ of the chain {model.σ:.3g}",
    ),
    "deep-gsn": Baseline(
        TITLES["deep-gsn"],
        gsn.fit,
        gsn.sample,
        settings=gsn.Settings(optimiser="adam", lr=3e-3, epochs=70),
        quick_settings=gsn.Settings(
            hidden=(400, 400), noise_std=1.0, optimiser="adam", lr=4e-3, epochs=80
        ),
        score_every_epochs=2,
    ),
    "vae": Baseline(
        TITLES["vae"],
        vae.fit,
        vae.sample,
        settings=vae.Settings(epochs=60),
        quick_settings=vae.Settings(hidden=(200,), epochs=50),
        sample_z=vae.sample_z,
        decode=vae.decode,
        score_every_epochs=5,
    ),
    "gmmn": Baseline(
        TITLES["gmmn"],
        gmmn.fit,
        gmmn.sample,
        settings=gmmn.Settings(epochs=(0, 400)),
        quick_settings=gmmn.Settings(epochs=(0, 90), batch=500, first_phase=1.0),
        sample_z=gmmn.sample_z,
        decode=gmmn.decode,
        score_every_epochs=20,
    ),
    "gmmn-autoencoder": Baseline(
        TITLES["gmmn-autoencoder"],
        gmmn.fit,
        gmmn.sample,
        settings=gmmn.Settings(bandwidths=(1.0,), autoencoder=(1024, 32)),
        quick_settings=gmmn.Settings(
            bandwidths=(1.0,),
            autoencoder=(300, 32),
            epochs=(20, 250),
            batch=500,
            lr=1.0,
            first_phase=0.5,
        ),
        sample_z=gmmn.sample_z,
        decode=gmmn.decode,
        score_every_epochs=20,
    ),
    "aae": Baseline(
        TITLES["aae"],
        aae.fit,
        aae.sample,
        settings=aae.Settings(epochs=20),
        quick_settings=aae.Settings(hidden=(300, 300), epochs=50),
        sample_z=aae.sample_z,
        decode=aae.decode,
        score_every_epochs=5,
    ),
    "dbm": Baseline(
        TITLES["dbm"],
        dbm.fit,
        dbm.sample,
        settings=dbm.Settings(epochs=(20, 20, 40)),
        quick_settings=dbm.Settings(hidden=(300, 400), epochs=(20, 20, 60)),
        score_every_epochs=5,
    ),
    "pca-gaussian": Baseline(
        TITLES["pca-gaussian"],
        pca.fit,
        pca.sample,
        settings=pca.Settings(),
        tune=pca.tune,
        describe_tuning=lambda model: f"{len(model.components)} components",
    ),
}
"""Every baseline by the name of its row, in the order of the table. Add your own to this dict."""
