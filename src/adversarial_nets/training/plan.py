"""What `session.train` trains: the run's folder, and where its settings come from."""

from dataclasses import dataclass, replace
from pathlib import Path

from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.folder_defaults import preset_for, preset_for_data
from adversarial_nets.datasets.folder_files import refuse_images
from adversarial_nets.presets import Preset, run_folder
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.folder import Run, RunLike
from adversarial_nets.settings import Settings

__all__ = ["Plan", "is_new", "resolve"]


@dataclass(frozen=True)
class Plan:
    """A training's data, folder and settings.

    Attributes:
        name: the data set's name.
        folder: the run's folder.
        preset: the preset's name.
        chosen: the preset.
        settings: the game's settings.
        source: the run whose weights a new run starts from.
        restart: whether a run in the folder is replaced.
    """

    name: str
    folder: Path
    preset: str
    chosen: Preset
    settings: Settings
    source: Run | None
    restart: bool


def is_new(folder: Path) -> bool:
    """Whether the folder contains no run."""
    return not (folder / "settings.json").exists()


def resolve(
    data: str | Dataset,
    run: RunLike | None,
    preset: str | None,
    settings: Settings | None,
    source: Run | None,
    restart: bool,
    rounds: int | None,
    seed: int | None = None,
    *,
    own_networks: bool,
) -> Plan:
    """Return the plan of a training.

    What the caller gives comes first, then the settings of the run that is continued or started
    from, then the preset's. So a run continues even if its preset has changed since.

    Args:
        data: the data set, or its name.
        run: the run or its folder, if it is given.
        preset: the preset's name, if it is given.
        settings: the game's settings, if they are given.
        source: the run whose weights a new run starts from.
        restart: whether a run in the folder is to be replaced.
        rounds: the length, over which a preset may stretch its schedule.
        seed: in place of that of the settings, if it is given.
        own_networks: whether the program passed G or D.

    Raises:
        UserError: a new run would be written among images.
    """
    name = data if isinstance(data, str) else data.name
    folder = None if run is None else runs_folder.folder_of(run)
    if settings is None:
        # quickstart and pictures suit their own networks only.
        has_unsuited_preset = preset_for(name)[0] in ("quickstart", "pictures")
        unsuited = own_networks and source is None and has_unsuited_preset
        default = preset or ("quickstart-2014" if unsuited else None)
        usual_name, usual = preset_for_data(name, default)
        usual_seed = usual.settings.seed if seed is None else seed
        existing = folder or run_folder(name, usual_name, usual_seed)
        if not restart and not is_new(existing) and (folder or source is None):
            old = runs_folder.open_run(existing)
            if preset in (None, old.preset) and seed in (None, old.settings.seed):
                return _continued(name, old, existing, source)
        preset = default
        if source and preset is None:
            settings = source.settings
    preset, chosen = preset_for_data(name, preset or (source.preset if source else None))
    settings = settings or chosen.settings_for(rounds)
    settings = settings if seed is None else replace(settings, seed=seed)
    folder = folder or run_folder(name, preset, settings.seed)
    if is_new(folder):
        refuse_images(folder)
    return Plan(name, folder, preset, chosen, settings, source, restart)


def _continued(name: str, run: Run, folder: Path, source: Run | None) -> Plan:
    """The plan of a training that continues a run with its own settings."""
    preset, chosen = preset_for_data(name, run.preset)
    return Plan(name, folder, preset, chosen, run.settings, source, restart=False)
