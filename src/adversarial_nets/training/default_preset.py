"""The default preset of a training, adapted to the colours and the number of images."""

import dataclasses

from adversarial_nets.datasets import folder_summary
from adversarial_nets.datasets.registry import REGISTRY
from adversarial_nets.errors import unknown_name
from adversarial_nets.presets import PRESETS, Preset

__all__ = ["preset_for", "preset_for_data"]


def preset_for(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name; by default the one with which the data set was registered.

    The default is quickstart for one class (``mnist:7``) and for data that only the program has.

    Raises:
        UnknownName: the preset does not exist.

    >>> preset_for("mnist")[0], preset_for("mnist-5k")[0], preset_for("folder:cats")[0]
    ('mnist', 'quickstart', 'pictures')
    """
    kind, colon, path = data.partition(":")
    entry = REGISTRY.get(kind)
    if name is None and entry is not None and entry.takes_path == bool(colon):
        own = entry.default_preset
        name = own(path) if callable(own) else own
    name = name or "quickstart"
    if name not in PRESETS:
        raise unknown_name(name, list(PRESETS), "preset")
    return name, PRESETS[name]


def preset_for_data(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or the data's own, adapted to a folder's images.

    `channels` is 1 for grey images. With the preset pictures, 50 images or fewer are all used for
    training.

    Args:
        data: the data set's name, e.g. ``folder:PHOTOS``.
        name: the preset's name; by default that of `preset_for`.

    Raises:
        UserError: the preset is unknown.
    """
    kind, _, path = data.partition(":")
    name, preset = preset_for(data, name)
    settings = preset.settings
    if kind not in REGISTRY or not REGISTRY[kind].resizable:  # its images are not resized
        settings = dataclasses.replace(settings, size=None, channels=None)
    else:
        found = folder_summary.summarise(path)
        if settings.channels is not None and found.are_grey:
            settings = dataclasses.replace(settings, channels=1)
        if name == "pictures" and found.are_few:
            settings = dataclasses.replace(settings, train_on_all=True)
    return name, dataclasses.replace(preset, settings=settings)
