"""A run's settings, and the networks and optimisers that a program passed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safetensors import SafetensorError, safe_open

from adversarial_nets.errors import UserError
from adversarial_nets.languages import Text, same, text
from adversarial_nets.presets import PRESETS
from adversarial_nets.report.chinese import in_both
from adversarial_nets.runs import checkpoints
from adversarial_nets.runs.folder import Run
from adversarial_nets.settings import DATA_OPTIONS, FIELDS, OPTIMISER_SETTINGS

__all__ = [
    "SettingRow",
    "changes_from_preset",
    "differences_in_words",
    "is_published_experiment",
    "settings_table",
    "user_networks",
]

_PASSED_IN = text("passed in by a program", "由程序传入")
_OF_THE_PRESET = text("of the preset", "预设的")


@dataclass(frozen=True)
class SettingRow:
    """One row of the table of settings, in English and in Chinese.

    Attributes:
        name: the setting's dotted name.
        value: the run's value.
        other: the published value, or the preset's.
        source: the source of the setting and of its published value, if the table shows it.
    """

    name: Text
    value: Text
    other: Text
    source: Text = field(default_factory=lambda: same(""))


def settings_table(run: Run) -> list[SettingRow]:
    """Every setting that the run used, with its value in the published MNIST experiment and source.

    The seed is left out, because the paper does not state one. Averaged weights of G are not in the
    paper.
    """
    published = PRESETS["mnist"].settings.flat() | {"ema_decay": 0.0}
    unused = _unused_settings(run) | {"seed"}
    return [
        SettingRow(
            same(name),
            in_words(value),
            in_words(published[name]),
            in_both(FIELDS[name].metadata["source"]),
        )
        for name, value in run.settings.flat().items()
        if name not in unused
    ]


def changes_from_preset(run: Run) -> list[SettingRow]:
    """Differences from the run's preset: settings, networks, optimiser, initial weights, callbacks.

    `SettingRow.other` is the preset's value.

    Empty if and only if the run is the preset (`Run.is_preset`).
    """
    unused = _unused_settings(run)
    rows = [
        SettingRow(same(name), in_words(value), in_words(preset_value))
        for name, (preset_value, value) in run.changed.items()
        if name not in unused
    ]
    if run.own_nets:
        names = [n for n in ("G", "D") if n in run.info]
        which = text(" and ".join(names) or "G or D", " 与 ".join(names) or "G 或 D")
        rows.append(SettingRow(which, _PASSED_IN, _OF_THE_PRESET))
    if source := run.info.get("init_from"):
        where, round = source["run"], f"{source['round']:,}"
        value = text(f"of {where}, round {round}", f"取自 {where} 第 {round} 轮")
        rows.append(SettingRow(text("initial weights", "初始权重"), value, text("random", "随机")))
    if run.info.get("optimiser"):
        preset = PRESETS.get(run.preset)
        other = in_words(preset.settings.optimiser) if preset else _OF_THE_PRESET
        rows.append(SettingRow(same("optimiser"), same(str(run.info["optimiser"])), other))
    for change in run.info.get("changed_during_training", []):
        round = f"{change['round']:,}"
        rows += [
            SettingRow(
                text(f"{name} after round {round}", f"{name}（第 {round} 轮之后）"),
                in_words(new),
                in_words(old),
            )
            for name, (old, new) in change["settings"].items()
        ]
    return rows or [
        SettingRow(same(n), in_words(b), in_words(a)) for n, (a, b) in run.changed.items()
    ]


def is_published_experiment(run: Run) -> bool:
    """Whether the run uses the networks and settings of an experiment of the paper, unchanged."""
    return run.is_preset and run.preset in PRESETS and PRESETS[run.preset].published


def differences_in_words(run: Run) -> str:
    """The differences from the run's preset in one line: ``lr 0.1 → 0.2, k 1 → 2``."""
    return ", ".join(
        f"{row.name['en']} {row.other['en']} → {row.value['en']}"
        for row in changes_from_preset(run)
    )


def user_networks(run: Run) -> Mapping[str, str]:
    """The networks of a run whose G or D a program passed in, as text, by name.

    Newer runs record the modules. For others, the shapes of the weights are read from the newest
    checkpoint, of both networks, since the record does not say which one was passed in.

    Raises:
        UserError: the checkpoint is damaged.
    """
    if not run.own_nets:
        return {}
    recorded = {name: str(run.info[name]) for name in ("G", "D") if name in run.info}
    if recorded or not checkpoints.checkpoint_rounds(run.folder):
        return recorded
    path = checkpoints.checkpoint_folder(run.folder) / "nets.safetensors"
    lines: dict[str, list[str]] = {"G": [], "D": []}
    try:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 (not a mapping)
                network, _, name = key.partition(".")
                shape = " × ".join(map(str, file.get_slice(key).get_shape()))
                lines.get(network, []).append(f"{name}: {shape or 'scalar'}")
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"The checkpoint {path.parent} is damaged ({error}). Delete that folder to use the "
            "checkpoint before it."
        ) from error
    return {network: "\n".join(shapes) for network, shapes in lines.items()}


def _unused_settings(run: Run) -> set[str]:
    """The settings that had no effect, because a program passed in a network or an optimiser."""
    settings = run.settings.flat()
    unused: set[str] = set()
    if run.own_nets:
        networks = [name for name in ("G", "D") if name in run.info] or ["G", "D"]
        unused |= {name for name in settings if name.partition(".")[0] in networks}
        if settings["G.output_lr_multiplier"] != 1:  # applies to a user's G too
            unused.discard("G.output_lr_multiplier")
    if run.info.get("optimiser"):
        unused |= {"optimiser", "optimiser_D", "adam_beta2"}
        if run.info.get("optimiser_lr") == "own":
            unused |= set(OPTIMISER_SETTINGS)
        elif "SGD" not in run.info["optimiser"]:  # the schedule sets the momentum of SGD only
            unused |= {"momentum", "momentum_end", "momentum_epochs"}
    if not run.data.startswith("folder:"):
        unused |= {name for name in DATA_OPTIONS if not settings[name]}
    return unused


def in_words(value: object) -> Text:
    """A setting's value as text.

    >>> in_words((1200, 1200))["en"], in_words(None)["en"], in_words(True)["zh"]
    ('1200, 1200', 'not set', '是')
    """
    if isinstance(value, bool):
        return text("yes", "是") if value else text("no", "否")
    if isinstance(value, list | tuple):
        return same(", ".join(map(str, value))) if value else text("none", "无")
    return text("not set", "未设置") if value is None else same(str(value))
