"""The run folder of a baseline: create it, or check that it holds the same run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adversarial_nets.datasets import Dataset, fingerprint
from adversarial_nets.errors import UserError
from adversarial_nets.runs import checkpoints, files
from adversarial_nets.runs.provenance import made_with

__all__ = ["open_fit_folder"]

# Settings that earlier versions recorded under another name: (old name, current name).
_RENAMED_SETTINGS = (
    ("code", "z_size"),
    ("decay", "lr_decay"),
    ("decay", "weight_decay"),
    ("full_epochs", "lr_decay_epochs"),
    ("gibbs", "gibbs_steps"),
    ("keep", "keep_prob"),
    ("mean_field", "mean_field_steps"),
    ("noise", "noise_std"),
    ("rule", "optimiser"),
    ("scales", "bandwidths"),
    ("small_batch", "autoencoder_batch"),
    ("spread", "prior_std"),
)


def open_fit_folder(
    folder: Path, model: str, data: Dataset, settings: Mapping[str, object]
) -> None:
    """Create the run folder of a fit, or check that an existing one is of the same fit.

    Args:
        folder: the run's folder.
        model: the baseline's title.
        data: the data set.
        settings: the model's settings by name.

    Raises:
        UserError: the folder holds a run of another model, other settings or other data.
    """
    new = {
        "model": model,
        "fingerprint": fingerprint(data),
        "settings": json.loads(json.dumps(settings)),
    }
    path = folder / "settings.json"
    if path.exists():
        old = files.read_json(path)
        if isinstance(old.get("settings"), dict):
            old["settings"] = _with_current_names(old["settings"], settings)
        different = [key for key in new if old.get(key) != new[key]]
        if different:
            raise UserError(
                f"{folder} holds a run with another {' and '.join(different)}. Choose another "
                "folder, or delete that one."
            )
        return
    checkpoints.refuse_orphan_checkpoints(folder, "delete the folder")
    with files.explain_os_errors(folder):
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        record = {"format": files.FORMAT, "data": data.name} | new | {"info": made_with(data)}
        files.write_atomically(path, files.json_text(record))


def _with_current_names(
    recorded: Mapping[str, Any], settings: Mapping[str, object]
) -> dict[str, Any]:
    """Return recorded settings under the names that they have today."""
    current = {
        old: new for old, new in _RENAMED_SETTINGS if new in settings and old not in settings
    }
    return {current.get(name, name): value for name, value in recorded.items()}
