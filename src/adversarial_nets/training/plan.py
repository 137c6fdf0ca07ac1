"""Choose folder, preset and settings of a training, for `session.train` and the command.

Nothing in this module imports torch, so that the command's ``--help`` is fast.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from adversarial_nets.errors import UserError
from adversarial_nets.presets import PRESETS, Preset, run_folder
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.folder import Run, changed_from_preset
from adversarial_nets.setting_checks import refuse_unused
from adversarial_nets.settings import Settings, settings_differences
from adversarial_nets.training.default_preset import preset_for, preset_for_data

__all__ = ["Choices", "Plan", "is_new", "refuse_unused_settings", "resolve"]


@dataclass(frozen=True)
class Choices:
    """The choices of a training's caller; `resolve` fills in those that are None.

    Attributes:
        data: the data set's name.
        run: the run's folder.
        preset: the preset's name.
        settings: the game's settings.
        seed: the seed, in place of the settings' seed.
        rounds: the length in rounds; a preset may stretch its schedule to it.
        source: the run whose weights a new run starts from.
        restart: whether a run in the folder is replaced.
        unsuited: names of presets that do not suit the caller's networks. In place of such a
            default the preset is quickstart-2014.
    """

    data: str
    run: Path | None = None
    preset: str | None = None
    settings: Settings | None = None
    seed: int | None = None
    rounds: int | None = None
    source: Run | None = None
    restart: bool = False
    unsuited: Collection[str] = ()


@dataclass(frozen=True)
class Plan:
    """A training's data, folder and settings.

    Attributes:
        name: the data set's name.
        folder: the run's folder.
        preset: the preset's name.
        chosen: the preset, without adaptation to the images.
        settings: the game's settings.
        source: the run whose weights a new run starts from.
        restart: whether a run in the folder is replaced.
        origin: the run that the settings are taken from: the one that is continued, or `source`.
            None if they are the caller's or the preset's.
    """

    name: str
    folder: Path
    preset: str
    chosen: Preset
    settings: Settings
    source: Run | None
    restart: bool
    origin: Run | None

    @property
    def continues(self) -> bool:
        """Whether the run in the folder continues with its own settings."""
        return self.origin is not None and self.origin is not self.source


def is_new(folder: Path) -> bool:
    """Whether the folder contains no run."""
    return not (folder / "settings.json").exists()


def resolve(choices: Choices) -> Plan:
    """Return the plan of a training.

    The caller's choices have priority, then the settings of the run that is continued or started
    from, then the preset's. So a run continues even if its preset was changed later.

    Raises:
        UserError: the preset does not exist; the run in the folder is damaged or is only an
            exported generator; the folder is that of the run to start from.
    """
    old = _existing_run(choices)
    plan = _new_run(choices) if old is None else _plan(choices, old.preset, old, old.folder)
    is_old = not (plan.restart or is_new(plan.folder))
    if is_old and runs_folder.open_run(plan.folder).exported:
        raise UserError(
            f"{plan.folder} holds only a generator (advnets export), which cannot be trained. Give "
            "the run another folder with --run (in Python, run=)."
        )
    if plan.source and plan.folder.resolve() == plan.source.folder.resolve():
        raise UserError(
            f"{plan.folder} is the run to start from; give the new run another folder with --run "
            "(in Python, run=)."
        )
    return plan


def refuse_unused_settings(plan: Plan, replaced: tuple[str, ...] = ()) -> None:
    """Refuse a setting that was chosen for a new run but has no effect in it.

    A run that continues, or starts from another run, keeps these settings. A setting counts as
    chosen if it differs from the default and from the nearest preset, because a program may change
    the settings of any preset.

    Args:
        plan: the plan of the training.
        replaced: the beginnings of the names of settings that a program's own networks or optimiser
            replace.
    """
    if not (plan.restart or is_new(plan.folder)):
        return
    names = (plan.preset, *PRESETS)
    changed = min((set(changed_from_preset(plan.settings, name)) for name in names), key=len)
    changed &= settings_differences(Settings(), plan.settings).keys()
    if plan.source is not None:
        changed &= settings_differences(plan.source.settings, plan.settings).keys()
    refuse_unused(plan.settings, sorted(n for n in changed if not n.startswith(replaced)))


def _existing_run(choices: Choices) -> Run | None:
    """The run that continues with its own settings; None if the caller chose others."""
    if choices.settings is not None or choices.restart:
        return None
    folder = next((folder for folder in _possible_folders(choices) if not is_new(folder)), None)
    if folder is None:
        return None
    run = runs_folder.open_run(folder)
    return run if choices.preset in (None, run.preset) else None


def _new_run(choices: Choices) -> Plan:
    """The plan of a run with the caller's settings, those of the run to start from, or a preset's.

    Its folder may contain a run with the same settings; one with other settings is refused later.
    """
    has_own_settings = choices.settings is not None or choices.preset
    origin = None if has_own_settings else choices.source
    return _plan(choices, _possible_presets(choices)[0], origin, choices.run)


def _plan(choices: Choices, preset: str, origin: Run | None, folder: Path | None) -> Plan:
    """The plan with the settings of a run, or of the caller or the preset if there is none."""
    name, chosen = preset_for(choices.data, preset)
    if origin is not None:
        settings = origin.settings
    elif choices.settings is not None:
        settings = choices.settings
    else:
        settings = preset_for_data(choices.data, preset)[1].settings_for(choices.rounds)
    if choices.seed is not None:
        settings = replace(settings, seed=choices.seed)
    return Plan(
        name=choices.data,
        folder=folder or _default_folder(choices, name, settings.seed),
        preset=name,
        chosen=chosen,
        settings=settings,
        source=choices.source,
        restart=choices.restart,
        origin=origin,
    )


def _possible_presets(choices: Choices) -> list[str]:
    """The names of a new run's preset, and of those that an existing run may have by default."""
    if choices.preset:
        return [choices.preset]
    if choices.source:
        return [choices.source.preset]
    own = preset_for(choices.data)[0]
    is_unsuited = choices.settings is None and own in choices.unsuited
    new = "quickstart-2014" if is_unsuited else own
    # Earlier versions trained a folder of images with the preset quickstart by default.
    has_earlier = own == "pictures" and "quickstart" not in choices.unsuited
    return [new, "quickstart"] if has_earlier else [new]


def _possible_folders(choices: Choices) -> list[Path]:
    """The folder that the caller names, or the possible default folders of these choices."""
    if choices.run is not None:
        return [choices.run]
    presets = _possible_presets(choices)
    first = (choices.source or preset_for(choices.data, presets[0])[1]).settings
    seed = first.seed if choices.seed is None else choices.seed
    return [_default_folder(choices, preset, seed) for preset in presets]


def _default_folder(choices: Choices, preset: str, seed: int) -> Path:
    """``runs/DATA-PRESET-SEED``, or ``…-from-SOURCE`` for a run that starts from another."""
    folder = run_folder(choices.data, preset, seed)
    if choices.source is None:
        return folder
    return folder.with_name(f"{folder.name}-from-{choices.source.folder.resolve().name}")
