"""The run itself: create, open, and describe its folder."""

import dataclasses
import math
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adversarial_nets.errors import UserError
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs.files import (
    FORMAT,
    check_format,
    explain_os_errors,
    json_text,
    read_json,
    write_atomically,
)
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.settings import Settings, from_json, settings_differences

__all__ = [
    "Run",
    "create",
    "history",
    "open_run",
]


@dataclass(frozen=True)
class Run:
    """A run's folder and what it was started with.

    Attributes:
        folder: where everything of the run lives.
        data: the data set's name, as `datasets.load` takes it.
        fingerprint: the data's hash.
        image_shape: (channels, height, width).
        range: the smallest and largest value of an image.
        preset: the preset that the settings started from.
        settings: the game's settings.
        own_nets: whether G or D were passed in by a program, so that only it can rebuild them.
        info: versions, threads, the data's provenance.
        changed: the settings that differ from the preset's, seed aside: the preset's value and the
            run's, by dotted name.
    """

    folder: Path
    data: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    range: tuple[float, float]
    preset: str
    settings: Settings
    own_nets: bool
    info: Mapping[str, Any]
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def is_preset(self) -> bool:
        """Whether the run uses a preset's networks and settings unchanged, apart from the seed."""
        own = self.own_nets or self.info.get("optimiser") or self.info.get("init_from")
        return not (self.changed or own)

    @property
    def preset_label(self) -> str:
        """The preset's name if the run is that preset unchanged, else "custom, from" that name."""
        return self.preset if self.is_preset else f"custom, from {self.preset}"

    @property
    def pixels(self) -> int:
        """Values of one image."""
        return math.prod(self.image_shape)


def changed_from_preset(settings: Settings, preset: str) -> dict[str, tuple[Any, Any]]:
    """The settings that differ from a preset's, apart from the seed and the image size options."""
    if preset not in PRESETS:
        return {}
    differences = settings_differences(PRESETS[preset].settings, settings)
    return {n: v for n, v in differences.items() if n not in ("seed", "size", "channels")}


def create(run: Run) -> None:
    """Make the folder of a new run."""
    with explain_os_errors(run.folder):
        for part in ("checkpoints", "samples"):
            (run.folder / part).mkdir(parents=True, exist_ok=True)
    _write(run)


def _write(run: Run) -> None:
    """Write settings.json."""
    record = dataclasses.asdict(run) | {"format": FORMAT}
    del record["folder"]
    with explain_os_errors(run.folder):
        write_atomically(run.folder / "settings.json", json_text(record))


def open_run(folder: Path) -> Run:
    """Read what a run was started with.

    Raises:
        UserError: the folder is missing, holds no run, or one of a newer version.
    """
    path = folder / "settings.json"
    if not path.is_file():
        near = ", ".join(sorted(str(p.parent) for p in folder.parent.glob("*/settings.json"))[:5])
        raise UserError(
            f"{folder} is not a run's folder: it has no settings.json."
            + (f" Runs beside it: {near}." if near else " Start one with: advnets train mnist-5k")
        )
    record = read_json(path)
    check_format(record, path)
    if "model" in record:
        raise UserError(
            f"{folder} holds a {record['model']} of Table 1, no adversarial nets; advnets table1 "
            "samples and scores it."
        )
    try:
        found = from_json(record["settings"])
        preset = str(record["preset"])
        changed = record.get("changed", changed_from_preset(found, preset))
        return Run(
            folder=folder,
            data=str(record["data"]),
            fingerprint=str(record["fingerprint"]),
            image_shape=_three(record["image_shape"]),
            range=(float(record["range"][0]), float(record["range"][1])),
            preset=preset,
            settings=found,
            own_nets=bool(record["own_nets"]),
            info=dict(record["info"]),
            changed={name: (theirs, ours) for name, (theirs, ours) in changed.items()},
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} is damaged ({error!r}); restore it from a copy.") from error


def _three(values: Iterable[Any]) -> tuple[int, int, int]:
    channels, height, width = map(int, values)
    return channels, height, width


def history(run: Run) -> dict[str, Any]:
    """What the run is and how its scores went, for a record of results.

    The curve has one entry for each validation score: round, epoch, seconds of training, D's
    accuracy and V (`training.diagnostics.discriminator_metrics`), and the log-likelihood in nats of
    the raw generator and, if it is kept, of the averaged one.
    """
    kept = ("round", "epoch", "seconds", "accuracy", "V_training", "V_held_out")
    rows = [row for row in read_metrics(run.folder) if "scores" in row]
    return {
        "preset": run.preset,
        "changed": dict(run.changed),
        "seed": run.settings.seed,
        "settings": run.settings.to_json(),
        "own_nets": run.own_nets,
        "fingerprint": run.fingerprint,
        "made_with": dict(run.info),
        "curve": [
            {key: row[key] for key in kept if key in row}
            | {weights: score["valid_nats"] for weights, score in row["scores"].items()}
            for row in rows
        ],
    }


def note_update_code(run: Run, code: str) -> None:
    """Record in settings.json if a continued run uses other update code than it started with.

    Manual backpropagation and autograd agree up to rounding, so a run may change from one to the
    other, for example after a hook was added, but its bits then depend on it.

    Args:
        run: the run.
        code: ``manual`` or ``autograd``.
    """
    used = run.info.get("updates", code)
    history = used if isinstance(used, list) else [used]
    if history[-1] != code:
        info = {**run.info, "updates": [*history, code]}
        _write(dataclasses.replace(run, info=info))


def discard(folder: Path) -> None:
    """Forget a run, for --restart: what this module and its callers wrote, and nothing else."""
    with explain_os_errors(folder):
        for name in ("checkpoints", "samples", "figures", "tensorboard"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("metrics.jsonl", "evaluation.json", "report.html", "settings.json"):
            (folder / name).unlink(missing_ok=True)


def differences(old: Settings, new: Settings) -> list[str]:
    """The settings that differ, as ``name old → new``."""
    return [f"{name} {a} → {b}" for name, (a, b) in settings_differences(old, new).items()]
