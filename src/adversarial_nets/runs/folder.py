"""Create, open, describe and clear a run's folder."""

import dataclasses
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from adversarial_nets.errors import UserError
from adversarial_nets.presets import PRESETS
from adversarial_nets.runs import notebook
from adversarial_nets.runs.fields import ROUND, check
from adversarial_nets.runs.files import (
    FORMAT,
    PACKAGED,
    check_format,
    explain_os_errors,
    json_text,
    numbered_by_round,
    read_json,
    reason,
    shown,
    write_atomically,
)
from adversarial_nets.runs.metrics import read_metrics
from adversarial_nets.runs.no_run import no_run
from adversarial_nets.settings import DATA_OPTIONS, Settings, from_json, settings_differences

__all__ = [
    "PACKAGED",
    "Run",
    "RunLike",
    "changed_from_preset",
    "changes_from_json",
    "create",
    "cut_changes",
    "differences",
    "discard",
    "folder_of",
    "history",
    "holds_run",
    "is_custom",
    "note_changes",
    "note_update_code",
    "open_run",
    "output_folder",
    "preset_label",
    "refuse_other_files",
    "settings_record",
]


@dataclass(frozen=True)
class Run:
    """A run's folder, and the data and settings that it was started with.

    Attributes:
        folder: the folder with all files of the run.
        data: the data set's name, as `datasets.load` accepts it.
        fingerprint: the hash of the data set's images (`datasets.fingerprint`).
        image_shape: (channels, height, width).
        range: smallest and largest value of an image.
        preset: name of the preset that the settings are based on.
        settings: the game's settings.
        own_nets: whether a program passed its own G or D, which only that program can rebuild.
        info: versions, machine, precision, the data's provenance.
        changed: the settings that differ from the preset's, except the seed and how images are
            read (`settings.DATA_OPTIONS`): (preset's value, run's value) by dotted name.
        classes: number of training images by class, for a conditional game; else empty.
        exported: ``round``, ``weights`` and ``dtype`` of a generator without its run
            (`runs.exported`); empty for a run.
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
    classes: Mapping[str, int] = field(default_factory=dict)
    exported: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The folder, data, settings and newest round in one line."""
        return f"Run({self.name!r}: {self.data}, {self.preset_label}, round {self.newest_round:,})"

    def _repr_html_(self) -> str:
        """The run's settings, scores and newest samples, for notebooks."""
        return notebook.run_html(self)

    @property
    def name(self) -> str:
        """What opens the run: its folder, or the name of a generator that is in the package."""
        return shown(self.folder)

    @property
    def newest_round(self) -> int:
        """The round of the newest checkpoint, or of the exported generator; 0 if there is none."""
        return int(self.exported.get("round", 0)) or notebook.newest_round(self.folder)

    @property
    def is_preset(self) -> bool:
        """Whether the run equals its preset, except for the seed and how images are read."""
        return not is_custom(self.changed, self.own_nets, self.info)

    @property
    def preset_label(self) -> str:
        """The preset's name, or e.g. "custom, from mnist" if the run differs from that preset."""
        return preset_label(self.preset, custom=not self.is_preset)

    @property
    def default_weights(self) -> Literal["raw", "averaged"]:
        """The weights of G that every function and command uses by default.

        ``averaged`` if the run keeps an average, except in an unchanged experiment of the paper,
        which scored the raw generator. An exported generator has only its own.
        """
        if self.exported:
            return "raw" if self.exported["weights"] == "raw" else "averaged"
        published = self.is_preset and self.preset in PRESETS and PRESETS[self.preset].published
        return "averaged" if self.settings.ema_decay and not published else "raw"

    @property
    def own_G(self) -> bool:
        """Whether the program passed its own G, which only that program can rebuild.

        Earlier versions did not record which network was passed; then this is True for both.
        """
        return self.own_nets and ("G" in self.info or "D" not in self.info)

    @property
    def own_D(self) -> bool:
        """Whether the program passed its own D; see `own_G` for runs of earlier versions."""
        return self.own_nets and ("D" in self.info or "G" not in self.info)

    @property
    def pixels(self) -> int:
        """Number of values in one image."""
        return math.prod(self.image_shape)


RunLike = str | PathLike[str] | Run
"""A run's folder, as text or path, or the run itself."""


def is_custom(changed: Mapping[str, object], own_nets: object, info: Mapping[str, object]) -> bool:
    """Whether a run differs from its preset: in settings, networks, optimiser, initial weights."""
    return bool(
        changed
        or own_nets
        or info.get("optimiser")
        or info.get("init_from")
        or info.get("changed_during_training")
    )


def preset_label(preset: str, *, custom: bool) -> str:
    """Return a preset's name, or e.g. "custom, from mnist" for a run that differs from it."""
    return f"custom, from {preset}" if custom else preset


def changed_from_preset(settings: Settings, preset: str) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ from a preset's, except the seed and the data's options.

    A schedule that the preset stretches over another length does not count as a difference.

    Returns:
        (preset's value, value in `settings`) by dotted name; empty for an unknown preset.
    """
    if preset not in PRESETS:
        return {}
    standard = PRESETS[preset].settings_for(PRESETS[preset].length_of(settings))
    differences = settings_differences(standard, settings)
    return {n: v for n, v in differences.items() if n not in ("seed", *DATA_OPTIONS)}


def recorded_preset(
    record: Mapping[str, Any], settings: Settings
) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """Return the preset's name in a record of any version, and the settings changed from it.

    The first versions called today's ``quickstart-2014`` ``quickstart``.
    """
    name = str(record.get("preset", "an unknown preset"))
    recorded = None if "changed" not in record else changes_from_json(record["changed"])
    if name == "quickstart":
        from_old = changed_from_preset(settings, "quickstart-2014")
        if recorded is None or recorded == from_old:
            return "quickstart-2014", from_old
    now = changed_from_preset(settings, name)
    if recorded is None:
        return name, now
    if name in PRESETS and PRESETS[name].length_of(settings):
        # earlier versions recorded a schedule of another length as a change
        recorded = {n: v for n, v in recorded.items() if n not in ("lr_hold", "lr_decay")}
    return name, recorded


def changes_from_json(changed: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return changed settings as (preset's value, run's value), with JSON's lists as tuples."""

    def value(x: object) -> object:
        return tuple(x) if isinstance(x, list) else x

    return {name: (value(theirs), value(ours)) for name, (theirs, ours) in changed.items()}


def create(run: Run) -> None:
    """Create the folder of a new run and write its settings.json."""
    with explain_os_errors(run.folder):
        for part in ("checkpoints", "samples"):
            (run.folder / part).mkdir(parents=True, exist_ok=True)
    _write(run)


def _write(run: Run) -> None:
    """Write settings.json."""
    with explain_os_errors(run.folder):
        write_atomically(run.folder / "settings.json", json_text(settings_record(run)))


def settings_record(run: Run) -> dict[str, Any]:
    """Return the contents of settings.json."""
    record = dataclasses.asdict(run) | {"format": FORMAT}
    del record["folder"], record["exported"]
    return record


def output_folder(folder: Path) -> Path:
    """Return the folder for files about a run, e.g. its samples: the run's own folder.

    For a generator that comes with the package it is ``runs/NAME``, since the package's folder may
    be read-only.
    """
    if folder.is_file():  # an ONNX model
        return folder.parent
    packaged = _packaged(folder)
    return folder if packaged is None else Path("runs", packaged.name)


def _packaged(folder: Path) -> Path | None:
    """The folder of a generator in the package, given by its name or folder; None for others.

    A run's folder of that name in the working directory has priority.
    """
    packaged = PACKAGED / folder.name
    if not (packaged / "settings.json").is_file():
        return None
    is_named = folder == Path(folder.name) and not (folder / "settings.json").is_file()
    return packaged if is_named or folder.resolve() == packaged else None


def holds_run(folder: str | PathLike[str]) -> bool:
    """Whether `open_run` finds a run or a generator in this folder, or a generator of this name."""
    path = Path(folder)
    return (path / "settings.json").is_file() or _packaged(path) is not None


def folder_of(run: RunLike) -> Path:
    """Return the folder of a run, which need not exist yet; ``~`` in a text is the home folder.

    Raises:
        UserError: the argument is neither a path nor a run.
    """
    if isinstance(run, Run):
        return run.folder
    if isinstance(run, str | PathLike) and run != "":
        at_home = isinstance(run, str) and run.startswith("~/")
        return Path(run).expanduser() if at_home else Path(run)
    given = "an empty text" if run == "" else f"a {type(run).__name__}"
    raise UserError(
        f"A run is given as {given}; give its folder, e.g. 'runs/first', or what train returned."
    )


def open_run(run: RunLike) -> Run:
    """Open a run's folder.

    Args:
        run: the folder that `train` or ``advnets export`` wrote; an ONNX file that ``advnets
            export`` wrote; or the name of a generator that comes with the package, ``digits``. A
            `Run` is returned unchanged.

    Raises:
        UserError: the folder is missing, is not a run's folder, is damaged, or was written by a
            newer version.
    """
    if isinstance(run, Run):
        return run
    folder = folder_of(run)
    folder = _packaged(folder) or folder
    path = folder / "settings.json"
    if folder.suffix == ".onnx" and folder.is_file():
        from adversarial_nets.runs.onnx_file import read_record

        return _run(folder, folder, read_record(folder))
    if not path.is_file():
        raise no_run(folder)
    return _run(folder, path, read_json(path))


_RECORD = {
    "settings info": dict,
    "data fingerprint": str,
    "image_shape": [ROUND[1:]] * 3,
    "range": [float, float],
    "own_nets": bool,
    "changed?": dict,
    "classes?": dict,
    "exported?": {"round": ROUND, "weights": str},
}
"""The form of settings.json; earlier versions did not write all fields."""


def _run(folder: Path, path: Path, record: Mapping[str, Any]) -> Run:
    """Make the `Run` that a record describes; `path` is the record's file."""
    check_format(record, path)
    if "model" in record:
        raise UserError(
            f"{folder} is a run of {record['model']}, a baseline of Table 1, not of adversarial "
            "nets. Sample and score it with: advnets paper table1"
        )
    try:
        check(record, _RECORD)
        check(list(record.get("classes", {}).values()), [ROUND], "a class number")
        found = from_json(record["settings"])
        preset, changed = recorded_preset(record, found)
        return Run(
            folder=folder,
            data=record["data"],
            fingerprint=record["fingerprint"],
            image_shape=tuple(record["image_shape"]),
            range=(float(record["range"][0]), float(record["range"][1])),
            preset=preset,
            settings=found,
            own_nets=record["own_nets"],
            info=record["info"],
            changed=changed,
            classes=record.get("classes", {}),
            exported=record.get("exported", {}),
        )
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(f"{path} is damaged ({reason(error)}). Restore it from a copy.") from error


def history(run: Run) -> dict[str, Any]:
    """Return the run's settings and its validation scores, for a record of results.

    Returns:
        The run's fields as JSON values, and ``curve``: one entry for each validation score, with
        round, epoch, seconds of training, D's accuracy and V
        (`training.diagnostics.discriminator_metrics`), and the log-likelihood in nats of the raw
        generator and of the averaged one, if it is kept.
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

    Manual backpropagation and autograd agree except for rounding, so a run may change from one to
    the other, for example after a hook was added. Its weights then depend on the round of the
    change.

    Args:
        run: the run.
        code: ``manual`` or ``autograd``.
    """
    used = run.info.get("updates", code)
    history = used if isinstance(used, list) else [used]
    if history[-1] != code:
        info = {**run.info, "updates": [*history, code]}
        _write(dataclasses.replace(run, info=info))


_CHANGES = "changed_during_training"


def note_changes(run: Run, changes: Mapping[str, tuple[Any, Any]], round: int) -> Run:
    """Record the changes by a callback in settings.json; returns the run with the record.

    Args:
        run: the run.
        changes: (value before, value from the next round on) by the name of the setting or of the
            optimiser's value.
        round: the rounds played so far.
    """
    before = run.info.get(_CHANGES, [])
    of_round = {name: list(values) for name, values in changes.items()}
    return _with_changes(run, [*before, {"round": round, "settings": of_round}])


def cut_changes(run: Run, round: int) -> Run:
    """Remove the recorded changes after a round from which the run continues; returns the run."""
    before = run.info.get(_CHANGES, [])
    kept = [change for change in before if change["round"] <= round]
    return run if len(kept) == len(before) else _with_changes(run, kept)


def _with_changes(run: Run, changes: list[dict[str, Any]]) -> Run:
    info = {name: value for name, value in run.info.items() if name != _CHANGES}
    run = dataclasses.replace(run, info=info | ({_CHANGES: changes} if changes else {}))
    _write(run)
    return run


_FOLDERS = ("checkpoints", "samples", "figures", "tensorboard", "wandb", "mlruns", "inference")
_FILES = ("metrics.jsonl", "evaluation.json", "report.html", "training.gif", "settings.json")
_LESS_IMPORTANT = ("metrics.jsonl.damaged", "samples.png", "walk.gif")


def discard(folder: Path) -> None:
    """Delete a run's files, but no other files in its folder; used to restart a run.

    The pictures that ``sample`` and ``walk`` wrote into the folder are deleted too. A folder
    without a run is not changed.
    """
    if not ((folder / "settings.json").exists() or notebook.newest_round(folder)):
        return
    with explain_os_errors(folder):
        for name in _FOLDERS:  # the checkpoints first: without them the run cannot be continued
            _empty(folder / name)
        for name in (*_FILES, *_LESS_IMPORTANT):
            (folder / name).unlink(missing_ok=True)


def _empty(folder: Path) -> None:
    """Delete a folder; in a linked folder, delete only the files that a run writes."""
    if folder.is_symlink():
        for path in _written_by_a_run(folder):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _written_by_a_run(folder: Path) -> list[Path]:
    """The files and folders that a run writes into its folder of checkpoints or samples."""
    hidden_or_newest = (*folder.glob(".*-round-*"), *folder.glob("newest.png"))
    return [*numbered_by_round(folder.glob("*")).values(), *hidden_or_newest]


def refuse_other_files(folder: Path) -> None:
    """Raise an error if a new run would replace files in a folder that does not hold a run."""
    taken = [name for name in _FILES if (folder / name).exists()]
    for name in ("checkpoints", "samples", "figures"):
        place = folder / name  # a linked folder may hold other files
        if _written_by_a_run(place) if place.is_symlink() else any(place.glob("*")):
            taken.append(name)
    if taken:
        raise UserError(
            f"{folder} is not a run's folder, but has {', '.join(taken)}, which a run would "
            "replace. Choose another folder with --run (in Python, run=), or move them away."
        )


def differences(old: Settings, new: Settings) -> list[str]:
    """Return the settings that differ, as texts ``name old → new``."""
    return [f"{name} {a} → {b}" for name, (a, b) in settings_differences(old, new).items()]
