"""Train a game in a run's folder: start a run, continue it, or start from another run's weights."""

import warnings
from collections.abc import Iterable, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from torch import nn

from adversarial_nets import datasets, distributed
from adversarial_nets.build import Optimiser, new_game
from adversarial_nets.classes import images_per_class
from adversarial_nets.datasets import Dataset
from adversarial_nets.datasets.arrays import DataLike
from adversarial_nets.datasets.checks import require_held_out
from adversarial_nets.datasets.folder_files import refuse_images
from adversarial_nets.engine.devices import check_device
from adversarial_nets.errors import SettingError, UserError, describe_type
from adversarial_nets.game import refuse_without_gradients
from adversarial_nets.presets import Preset, run_folder
from adversarial_nets.progress import ProgressReporter
from adversarial_nets.runs import checkpoints, files, game_state
from adversarial_nets.runs import folder as runs_folder
from adversarial_nets.runs.evaluations import read_evaluations
from adversarial_nets.runs.folder import Run, RunLike
from adversarial_nets.runs.provenance import made_with
from adversarial_nets.schedules import rounds_in
from adversarial_nets.setting_checks import warn_of_head_start
from adversarial_nets.setting_values import (
    POSITIVE,
    check_value,
    plain_value,
    require_one_of,
    require_type,
    whole_number,
)
from adversarial_nets.settings import (
    OPTIMISER_SETTINGS,
    Cadence,
    Settings,
    require_settings,
    settings_differences,
)
from adversarial_nets.state import Game
from adversarial_nets.text import changed_lines
from adversarial_nets.training.display import show_training
from adversarial_nets.training.loop import Callback, TrainingSession, TrainingSnapshot
from adversarial_nets.training.passed_networks import PassedNetworks
from adversarial_nets.training.plan import Choices, Plan, is_new, refuse_unused_settings, resolve
from adversarial_nets.training.stage2 import generator_on_top_of

__all__ = ["Callback", "TrainingSnapshot", "length", "train"]

Precision = Literal["float32", "bfloat16"]


def train(
    data: DataLike,
    *,
    preset: str | None = None,
    settings: Settings | None = None,
    seed: int | None = None,
    run: RunLike | None = None,
    rounds: int | None = None,
    epochs: float | None = None,
    cadence: Cadence | None = None,
    callbacks: Callback | Iterable[Callback] = (),
    onto: RunLike | None = None,
    init_from: RunLike | None = None,
    restart: bool = False,
    device: str = "cpu",
    precision: Precision = "float32",
    keep: Literal["newest", "all"] = "newest",
    patience: int | None = None,
    G: nn.Module | None = None,
    D: nn.Module | None = None,
    optimiser: Optimiser | None = None,
    progress: bool = True,
) -> Run:
    """Train a game, or continue the run that the folder holds.

    Under ``torchrun`` all its processes train the same game (`distributed`).

    Args:
        data: a name for `datasets.load`, a folder of images as a path, a loaded data set, or images
            in memory for `datasets.dataset_from_arrays`: one array or tensor, or a mapping of them.
        preset: name of the preset to take the settings from; the data set's own by default, but for
            your own networks quickstart-2014 in place of quickstart and pictures, whose learning
            rate and penalties suit their own networks only.
        settings: settings in place of the preset's. Without preset and settings, an existing run
            continues with its own.
        seed: the seed, in place of that of the preset or settings.
        run: the run's folder, or the run to continue; by default ``runs/DATA-PRESET-SEED``,
            with ``-from-SOURCE`` after it if the run starts from another.
        rounds: rounds that the run has when it ends; by default the preset's length.
        epochs: the length in passes over the training images, in place of `rounds`.
        cadence: how often to log, save, score and write samples; the preset's by default.
        callbacks: functions, or one function, called with a `TrainingSnapshot` at every row of the
            metrics. They may change the game (`build.change_settings`), but not under ``torchrun``,
            where only the main process calls them.
        onto: a finished run whose generator becomes this one's top layers (TFD's stage 2).
        init_from: a run whose weights the new run starts from. Settings, images and seed may
            differ; the networks must have the same shapes. Recorded in settings.json.
        restart: delete what the folder holds and start again.
        device: ``cpu``, ``cuda`` or ``mps``.
        precision: precision of matrix products; weights and their updates stay in float32.
        keep: ``newest`` keeps the newest two checkpoints and the best, ``all`` keeps every one.
        patience: end the training when this many validation scores in a row have not improved on
            the best one (`training.trend`); None trains to the last round.
        G: your own generator, (m, z_size) to (m, pixels). In a conditional game both networks take
            the class numbers, int64 (m,), as a second argument.
        D: your own discriminator, (m, pixels) to (m,) or (m, 1) logits.
        optimiser: makes each network's optimiser from its parameters, e.g.
            ``functools.partial(torch.optim.Adam, lr=2e-4)``. It keeps its own learning rate and
            momentum; the settings' ``lr``, ``momentum`` and their schedules do not apply
            (`build.new_game`). A callback may change ``snapshot.game.optimiser_G.param_groups``.
        progress: print losses, the time left, scores, and problems of the training.

    Returns:
        The run, which `evaluation.evaluate`, `report.write_report` and others accept.

    Raises:
        UserError: the folder holds a run of other settings or data, is in use, or cannot be
            written; the folder is that of ``init_from``; the length is not positive; a setting of a
            new run has no effect.
        Diverged: a loss or a weight became NaN or infinite.
        Stopped: SIGINT, SIGTERM or SIGHUP was received; the run is saved.
    """
    _check_arguments(precision, keep, preset, settings, cadence)
    called = _checked_callbacks(callbacks)
    rounds, patience = _whole("rounds", rounds), _whole("patience", patience)
    seed = None if seed is None else whole_number("seed", seed, least=0, most=2**63)
    data = datasets.name_or_dataset(data)
    networks = PassedNetworks(G, D, optimiser)
    onto = networks.folder_of_top_layers(onto)
    source = None if init_from is None else runs_folder.open_run(init_from)
    name = data if isinstance(data, str) else data.name
    folder = None if run is None else runs_folder.folder_of(run)
    unsuited = ("quickstart", "pictures") if networks.own else ()
    choices = Choices(name, folder, preset, settings, seed, rounds, source, restart, unsuited)
    plan = _checked_plan(choices, networks)
    device = distributed.local_device(device)
    check_device(device)
    with distributed.process_group():
        reporter = ProgressReporter(quiet=not (progress and distributed.is_main()))
        dataset = _load(data, plan.settings, reporter)
        _check_game(plan, dataset, networks, patience)
        total = _length(plan, dataset, rounds, epochs)
        if distributed.is_main():
            warn_of_head_start(plan.settings, total)
        keep_all = keep == "all"
        request = _Request(plan, dataset, networks, onto, device, precision, keep_all, patience)
        with show_training(reporter, total) as show:
            return _play(request, total, cadence or plan.chosen.cadence, (show, *called))


def _checked_plan(choices: Choices, networks: PassedNetworks) -> Plan:
    """The plan of a training, after checks of a new run's settings and folder."""
    plan = resolve(choices)
    refuse_unused_settings(plan, networks.replaced_settings)
    if is_new(plan.folder):
        refuse_images(plan.folder)
    return plan


def _check_arguments(
    precision: str, keep: str, preset: object, settings: object, cadence: object
) -> None:
    """Raise a SettingError for impossible values and types."""
    require_one_of("precision", precision, get_args(Precision))
    require_one_of("keep", keep, ("newest", "all"))
    if not isinstance(preset, str | None):
        raise SettingError(
            "preset", f"is {describe_type(preset)}; give its name, e.g. 'quickstart'."
        )
    if settings is not None:
        require_settings(settings)
    if cadence is not None:
        require_type("cadence", cadence, Cadence, "Cadence(save_every=1000)")


def _whole(name: str, value: object) -> int | None:
    """A whole number of 1 or more, or None."""
    return None if value is None else whole_number(name, value)


def _checked_callbacks(callbacks: Any) -> tuple[Callback, ...]:  # noqa: ANN401 (anything)
    """The callbacks as a tuple."""
    is_one = callable(callbacks) or not isinstance(callbacks, Iterable)
    several: tuple[Any, ...] = (callbacks,) if is_one else tuple(callbacks)
    for one in several:
        if not callable(one):
            raise UserError(
                f"callbacks has {one!r}, which is not a function. Give functions of a "
                "TrainingSnapshot, e.g. callbacks=[lambda snapshot: print(snapshot.row)]."
            )
    return several


def _check_game(
    plan: Plan, dataset: Dataset, networks: PassedNetworks, patience: int | None
) -> None:
    """Refuse settings that these images, networks and processes do not support."""
    images_per_class(plan.settings, dataset)  # refuses images without classes
    if plan.source is not None and not networks.own:
        game_state.refuse_other_shape(plan.source, dataset.image_shape)
    if patience is not None:
        require_held_out(dataset)
    _check_processes(plan.settings, networks)


@dataclass(frozen=True)
class _Request:
    """The arguments of a call of `train`, with the defaults filled in."""

    plan: Plan
    dataset: Dataset
    networks: PassedNetworks
    onto: Path | None
    device: str
    precision: Precision
    keep_all: bool
    patience: int | None


def _play(request: _Request, rounds: int, cadence: Cadence, callbacks: tuple[Callback, ...]) -> Run:
    """Train to the last round, with the run's folder locked against other processes."""
    with files.lock(request.plan.folder) if distributed.is_main() else nullcontext():
        game, run = _prepare(request)
        session = TrainingSession(
            run=run,
            data=request.dataset,
            game=game,
            rounds=rounds,
            cadence=cadence,
            callbacks=callbacks,
            keep_all=request.keep_all,
            patience=request.patience,
        )
        session.play()
        distributed.barrier()  # wait until the main process has written its last files
    return session.run


def _prepare(request: _Request) -> tuple[Game, Run]:
    """Build the game, then open or create its run.

    The game is built first, so that an impossible game is refused before anything is written.
    """
    settings, networks, folder = request.plan.settings, request.networks, request.plan.folder
    if distributed.is_main() and not distributed.was_restarted():
        (folder / _REPLACED).unlink(missing_ok=True)  # written by an earlier launch
    new = is_new(folder) or (request.plan.restart and not _was_replaced(folder))
    new = bool(distributed.max_over_ranks(int(new)))  # wait until all have looked
    facts = _facts(request)
    game = new_game(
        settings,
        request.dataset,
        G=_stage2_generator(request, new) or networks.G,
        D=networks.D,
        optimiser=networks.optimiser,
        optimiser_lr=_optimiser_lr(folder, new),
        device=request.device,
        bf16_matmul=request.precision == "bfloat16",
    )
    refuse_without_gradients(game)
    if request.plan.source and new:
        game_state.load_networks(game, request.plan.source)
    if networks.optimiser and new:
        facts["optimiser_lr"] = game.optimiser_lr
        _warn_of_unused_settings(settings, request.plan.chosen)
    facts["optimiser"] = networks.describe_optimiser(game)
    facts["updates"] = "manual" if game.manual_backprop else "autograd"
    with distributed.main_process_first():  # it creates the folder, the others open it
        if new and request.plan.restart and distributed.is_main():
            runs_folder.discard(folder)
        run = _open_or_create(request, facts)
        if new and request.plan.restart and distributed.launch_id() and distributed.is_main():
            files.write_atomically(folder / _REPLACED, distributed.launch_id())
        return game, run


_REPLACED = ".replaced-by"
"""A file in the run's folder: the launch (of several processes) that replaced an older run."""


def _was_replaced(folder: Path) -> bool:
    """Whether this launch's processes were restarted after they had replaced the older run."""
    if not distributed.was_restarted() or not (folder / _REPLACED).is_file():
        return False
    return (folder / _REPLACED).read_text(encoding="utf-8") == distributed.launch_id()


def _load(data: str | Dataset, settings: Settings, reporter: ProgressReporter) -> Dataset:
    """The data set, loaded if only its name is given."""
    if not isinstance(data, str):
        return data
    with closing(reporter), distributed.main_process_first():
        return datasets.load(data, **settings.data_options(), on_progress=reporter.work)


def _length(plan: Plan, dataset: Dataset, rounds: int | None, epochs: float | None) -> int:
    """The requested length in rounds, by default the preset's."""
    if rounds is None and epochs is None:
        rounds, epochs = plan.chosen.rounds, plan.chosen.epochs
    return length(plan.settings, dataset, rounds, epochs)


def length(settings: Settings, data: Dataset, rounds: int | None, epochs: float | None) -> int:
    """The length of a run in rounds, given in rounds or in epochs.

    Raises:
        UserError: both are given, or the length is not positive.
    """
    if rounds is not None and epochs is not None:
        raise UserError("Both rounds and epochs are given; give one of them.")
    if rounds is not None:
        return whole_number("rounds", rounds)
    epochs = plain_value(epochs, float)
    check_value("epochs", epochs, float, POSITIVE)
    return rounds_in(settings, data, epochs)


def _check_processes(settings: Settings, networks: PassedNetworks) -> None:
    """Refuse settings that several processes cannot share."""
    processes = distributed.world_size()
    if settings.batch < processes:
        raise SettingError(
            "batch", f"is {settings.batch}, which {processes} processes cannot share; increase it."
        )
    if settings.G.batch_norm and not networks.G and processes > 1:
        raise SettingError(
            "G.batch_norm",
            "needs the whole minibatch, but each process has only its share; train in one process.",
        )


def _facts(request: _Request) -> dict[str, Any]:
    """The facts that settings.json records about a training in addition to its settings."""
    networks, source = request.networks, request.plan.source
    facts: dict[str, Any] = {"precision": request.precision}
    if request.plan.settings.condition == "classes":
        facts["labels"] = datasets.fingerprint_of_labels(request.dataset)
    facts |= {n: repr(net) for n, net in (("G", networks.G), ("D", networks.D)) if net is not None}
    if request.onto is not None:
        facts["onto"] = str(request.onto)
    if source is not None:
        rounds = checkpoints.checkpoint_rounds(source.folder)
        facts["init_from"] = {
            "run": str(source.folder),
            "round": max(rounds, default=0),
            "preset": source.preset_label,
        }
    return facts


def _open_or_create(request: _Request, facts: Mapping[str, Any]) -> Run:
    """Open the run in the folder, or create a run if the folder is empty or does not exist."""
    data, folder = request.dataset, request.plan.folder
    fingerprint = datasets.fingerprint(data)
    if not is_new(folder):
        old = runs_folder.open_run(folder)
        differing = _differences(old, request, fingerprint, facts)
        if differing:
            raise UserError(
                f"{folder} holds a run with other settings: {'; '.join(differing)}. Give the new "
                "run another folder with --run (in Python, run=), or replace the old run with "
                "--restart (restart=True)."
            )
        if distributed.is_main():
            read_evaluations(folder)  # a damaged file is reported before the training
            checkpoints.clear_leftovers(folder)
            runs_folder.note_update_code(old, facts["updates"])
        return old
    checkpoints.refuse_orphan_checkpoints(folder, "start again with --restart")
    runs_folder.refuse_other_files(folder)
    run = Run(
        folder=folder,
        data=request.plan.name,
        fingerprint=fingerprint,
        image_shape=data.image_shape,
        range=data.range,
        preset=request.plan.preset,
        settings=request.plan.settings,
        own_nets=request.networks.own,
        info={**made_with(data), **facts},
        changed=runs_folder.changed_from_preset(request.plan.settings, request.plan.preset),
        classes=images_per_class(request.plan.settings, data),
    )
    runs_folder.create(run)
    return run


def _differences(
    old: Run, request: _Request, fingerprint: str, facts: Mapping[str, Any]
) -> list[str]:
    """Phrases that say how a training differs from the run in its folder."""
    networks = request.networks
    words = []
    if old.fingerprint != fingerprint:
        words.append(
            f"the images of {old.data} have changed"
            if old.data == request.plan.name
            else f"data {old.data} → {request.plan.name} (other images)"
        )
    if old.range != request.dataset.range:  # the fingerprint does not include the range
        words.append(f"values in {old.range} → in {request.dataset.range}")
    if old.settings.condition == "classes" and old.info.get("labels") != facts.get("labels"):
        words.append("other labels")
    words += runs_folder.differences(old.settings, request.plan.settings)
    before = {"precision": "float32", "optimiser": None, **old.info}
    if before["precision"] != facts["precision"]:
        words.append(f"precision {before['precision']} → {facts['precision']}")
    now = facts["optimiser"]
    in_earlier_versions = (networks.optimiser_name, now and now.partition(";")[0])
    if before["optimiser"] not in (now, *in_earlier_versions):
        words.append(f"optimiser {before['optimiser']} → {now}")
    if old.own_nets and not {"G", "D"} & old.info.keys():  # of an earlier version
        return words if networks.own else [*words, "your own networks are missing"]
    return words + _other_networks(old, facts)


def _other_networks(old: Run, facts: Mapping[str, Any]) -> list[str]:
    """Phrases that say how the program's networks differ from those that the run recorded."""
    words = []
    for name in "GD":
        before, now = old.info.get(name), facts.get(name)
        if before is None and now is not None:
            words.append(f"your own {name} is new")
        elif before is not None and now is None:
            words.append(f"your own {name} is missing; pass {name} again")
        elif before and now and (change := changed_lines(before, now)):
            words.append(f"your own {name}: {change}")
    return words


def _optimiser_lr(folder: Path, new: bool) -> Literal["own", "settings"]:
    """Whether an optimiser that a program passed keeps its own learning rate.

    Runs of earlier versions, whose settings.json does not record this, used the settings'
    schedules.
    """
    if new:
        return "own"
    recorded = runs_folder.open_run(folder).info.get("optimiser_lr")
    return "own" if recorded == "own" else "settings"


def _warn_of_unused_settings(settings: Settings, chosen: Preset) -> None:
    """Warn if the caller changed a setting that does not apply to a user's optimiser."""
    from_preset = settings_differences(chosen.settings, settings)
    from_default = settings_differences(Settings(), settings)
    without_effect = ["lr_hold", "lr_floor", "momentum_epochs"]  # they only shape schedules
    if settings.lr_decay == 1.0:  # which disables the schedule
        without_effect.append("lr_decay")
    changed = [
        name
        for name in OPTIMISER_SETTINGS
        if name in from_preset and name in from_default and name not in without_effect
    ]
    if changed:
        warnings.warn(
            f"The settings {', '.join(changed)} do not apply, because your own optimiser keeps its "
            "learning rate and momentum. Give them to the optimiser, e.g. "
            "optimiser=functools.partial(torch.optim.Adam, lr=2e-4).",
            stacklevel=3,
        )


def _stage2_generator(request: _Request, new: bool) -> nn.Module | None:
    """TFD's stage 2: a generator whose top layers are a finished run's; else None."""
    plan = request.plan
    if request.onto is not None:
        return generator_on_top_of(request.onto, plan.settings, request.dataset)
    if plan.chosen.onto and not request.networks.own and new:
        raise UserError(
            f"{plan.preset} starts from a finished run of {plan.chosen.onto}. Train that first "
            f"with `advnets train {plan.name} --preset {plan.chosen.onto}`, then add `--onto "
            f"{run_folder(plan.name, plan.chosen.onto, plan.settings.seed)}`."
        )
    return None
