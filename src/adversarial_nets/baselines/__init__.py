"""The other models of Table 1 (§5) and later models, one file for each.

Every model has a function ``fit(images, settings, session)`` that returns a fitted model, and
``sample(model, n, …)`` that returns n images in [0, 1]; `interface` describes both. `BASELINES`
lists them with the settings of the full table (at most about two hours on two cores each) and of
the quick one. ``docs/add-a-baseline.md`` shows how to add your own.

Names are imported on first use (PEP 562), so that `names` can be imported without torch.
"""

from typing import TYPE_CHECKING

from adversarial_nets.lazy_names import lazy_names

if TYPE_CHECKING:
    from adversarial_nets.baselines.chains import SINGLE_CHAIN, ChainSampler, ChainSettings
    from adversarial_nets.baselines.fitting import FitSession, copy_tensors
    from adversarial_nets.baselines.interface import Baseline, Fit, Model, Sample
    from adversarial_nets.baselines.registry import BASELINES
    from adversarial_nets.baselines.run_folder import open_fit_folder

__all__ = [
    "BASELINES",
    "SINGLE_CHAIN",
    "Baseline",
    "ChainSampler",
    "ChainSettings",
    "Fit",
    "FitSession",
    "Model",
    "Sample",
    "copy_tensors",
    "open_fit_folder",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "chains": "SINGLE_CHAIN ChainSampler ChainSettings",
        "fitting": "FitSession copy_tensors",
        "interface": "Baseline Fit Model Sample",
        "registry": "BASELINES",
        "run_folder": "open_fit_folder",
    },
)
