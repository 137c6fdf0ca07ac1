"""The run folder of a baseline: create it, or check that it holds the same run."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adversarial_nets.baselines.fitting import FitSession
from adversarial_nets.datasets import Dataset, fingerprint, fingerprint_of_labels
from adversarial_nets.errors import UserError
from adversarial_nets.progress import Progress
from adversarial_nets.runs import checkpoints, files
from adversarial_nets.runs.provenance import made_with

__all__ = ["fit_session", "open_fit_folder"]

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
    folder: Path, model: str, data: Dataset, settings: Mapping[str, object], labels: bool = False
) -> None:
    """Create the run folder of a fit, or check that an existing one is of the same fit.

    Args:
        folder: the run's folder.
        model: the baseline's title.
        data: the data set.
        settings: the model's settings by name.
        labels: whether the fit depends on the labels of the images.

    Raises:
        UserError: the folder holds a run of another model, other settings or other data.
    """
    new = {
        "model": model,
        "fingerprint": fingerprint(data),
        "settings": json.loads(json.dumps(settings)),
    }
    if labels:
        new["labelling"] = fingerprint_of_labels(data)
    path = folder / "settings.json"
    if path.exists():
        old = files.read_json(path)
        if isinstance(old.get("settings"), dict):
            old["settings"] = _with_current_names(old["settings"], settings)
        old.setdefault("labelling", new.get("labelling"))  # earlier versions did not record it
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


@contextmanager
def fit_session(
    folder: Path,
    model: str,
    data: Dataset,
    settings: Mapping[str, object],
    task: str,
    on_progress: Progress | None,
    labels: bool = False,
) -> Iterator[FitSession]:
    """A session that saves and resumes a fit in its run folder, which is locked inside the block.

    `on_progress` is called with (task, updates done, total); the other arguments are those of
    `open_fit_folder`.

    Raises:
        UserError: the folder holds another fit, or is in use.
    """

    def report(done: int, total: int, loss: float) -> None:
        if on_progress is not None:
            on_progress(task, done, total)

    with files.lock(folder):
        open_fit_folder(folder, model, data, settings, labels)
        yield FitSession(folder, callback=report)


def _with_current_names(
    recorded: Mapping[str, Any], settings: Mapping[str, object]
) -> dict[str, Any]:
    """Return recorded settings with the current names of the settings."""
    current = {
        old: new for old, new in _RENAMED_SETTINGS if new in settings and old not in settings
    }
    return {current.get(name, name): value for name, value in recorded.items()}
