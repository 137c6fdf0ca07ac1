"""Check the requests of a browser page: settings, data, and the game saved in an address.

Every value can be any JSON value. Invalid values raise `RequestError`.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from adversarial_nets import replay, settings
from adversarial_nets.datasets import REGISTRY
from adversarial_nets.playground import limits
from adversarial_nets.presets import PRESETS
from adversarial_nets.replay import Change, Script
from adversarial_nets.settings import LIVE, Settings
from adversarial_nets.toys import catalogue

__all__ = [
    "Json",
    "RequestError",
    "check_data_name",
    "check_settings",
    "data_dimension",
    "first_settings",
    "read_script",
    "round_cost",
    "with_current_keys",
]

Json = Any
"""A value decoded from JSON that a page sent."""

OLD_KEYS: Mapping[str, str] = {"until": "pause_at", "set": "settings"}
"""Keys that version 0.1.0 wrote into addresses."""


class RequestError(Exception):
    """A message from the page that cannot be carried out.

    Args:
        reason: the text to show is `words.WORDS` under ``error {reason}``.
        values: values for the placeholders of that text.
    """

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values

    def to_message(self) -> dict[str, Any]:
        """The message that tells the page."""
        return {"type": "error", "reason": self.reason, "values": self.values}


# --- Data -----------------------------------------------------------------------------------------


def check_data_name(data: Json, command_line_data: str) -> str:
    """Return the name of a data set that a page may ask for; file paths are refused.

    Args:
        data: the value in the page's message.
        command_line_data: the data named on the command line, which may be a path.

    Raises:
        RequestError: the data do not exist here, or have too many points.
        UserError: numbers or points that `catalogue.find` cannot read.
    """
    if not isinstance(data, str) or len(data) >= limits.MAX_DATA_CHARACTERS:
        raise RequestError("no such data")
    if data in catalogue.TOYS or data == command_line_data or _is_at_hand(data):
        return data
    family, colon, _ = data.partition(":")
    if colon and family in catalogue.PARAMETRIC and len(data) < 200:
        return data
    if data.startswith("points:"):  # without the colon, "points" could name a file
        if len(getattr(catalogue.find(data), "x", ())) > limits.MAX_POINTS:
            raise RequestError("too many points", most=limits.MAX_POINTS)
        return data
    raise RequestError("no such data")


def _is_at_hand(data: str) -> bool:
    """Whether a name is that of a data set for games that needs no files and no download."""
    entry = REGISTRY.get(data)
    return entry is not None and entry.interactive and entry.needs == "nothing"


def data_dimension(data: str) -> int:
    """Number of coordinates of one data point x."""
    return replay.load_data(data).pixels


def first_settings(data: str) -> Settings:
    """The settings of a new game; on images, settings that generate digits within a minute."""
    kind = replay.kind_of(data)
    return PRESETS["quickstart"].settings if kind.name == "images" else kind.settings


# --- Settings -------------------------------------------------------------------------------------


def check_settings(before: Settings, changes: Mapping[Any, Any], dimension: int) -> Settings:
    """Apply a page's changes to settings, if all values are within `limits`.

    Args:
        before: the settings to start from.
        changes: new values by name; names of earlier versions (``--d-rate``) are accepted.
        dimension: number of coordinates of one data point x.

    Raises:
        RequestError: a setting that may not be changed, or a value above its limit.
        UserError: a value that the setting cannot have.
    """
    changes = _canonical_names(changes)
    if not changes.keys() <= limits.ALLOWED_SETTINGS:
        raise RequestError("unknown message")
    for name in limits.LAYER_SETTINGS:
        if not isinstance(changes.get(name, []), list | tuple):
            raise RequestError("unknown message")
    changes = _adapt_to_layers(before, changes)
    after = settings.update_settings(before, changes)
    if after.condition == "masks":
        raise RequestError("unknown message")
    _check_limits({name: after.flat()[name] for name in changes})
    weights, work = round_cost(after, dimension)
    if weights > limits.MAX_WEIGHTS or work > limits.MAX_WORK:
        times = max(weights / limits.MAX_WEIGHTS, work / limits.MAX_WORK)
        raise RequestError("too much work", times=f"{times:.1f}")
    return after


def _canonical_names(changes: Mapping[Any, Any]) -> dict[str, Any]:
    """The changes with the current names of settings."""
    return {settings.canonical_name(str(name)): value for name, value in changes.items()}


def _adapt_to_layers(before: Settings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Adapt the numbers of initial ranges and activations to the number of layers."""
    changes = dict(changes)
    for layers, init in (("G.hidden", "G.init"), ("D.units", "D.init")):
        if layers in changes and init not in changes:
            ranges, count = before.flat()[init], len(changes[layers]) + 1
            if len(ranges) not in (1, count):  # keep both ends, repeat the second
                middle = (ranges[1],) * (count - 2)
                changes[init] = (*ranges[:1], *middle, ranges[-1])[-count:]
    if "G.hidden" in changes and len(before.G.activations) > 1:
        changes.setdefault("G.activations", before.G.activations[:1])
    return changes


def _check_limits(values: Mapping[str, Any]) -> None:
    """Raise an error if a value is above its limit."""
    for name, value in values.items():
        numbers = value if isinstance(value, tuple) else (value,)
        if name in limits.LAYER_SETTINGS:
            if len(numbers) > limits.MAX_LAYERS or max(numbers, default=0) > limits.MAX_UNITS:
                raise RequestError("too large", most=f"{limits.MAX_LAYERS} × {limits.MAX_UNITS}")
        elif name in limits.MAX_VALUES and max(numbers) > limits.MAX_VALUES[name]:
            raise RequestError("out of range", setting=name, most=limits.MAX_VALUES[name])


def round_cost(s: Settings, dimension: int) -> tuple[int, int]:
    """Number of weights of both networks, and of multiplications in one round.

    A forward pass costs one multiplication for each weight and example, a backward pass two.
    """
    sizes = [s.z_size, *s.G.hidden, dimension]
    G = sum(a * b for a, b in pairwise(sizes))
    sizes, pieces = [dimension, *s.D.units], s.D.pieces if s.D.activation == "maxout" else 1
    G *= 2 if s.joint else 1  # E is as large as G
    D = s.D.units[-1] + sum(a * b * pieces for a, b in pairwise(sizes))
    # A step of D samples from G (forward) and trains D on data and on samples (2 × 3 passes).
    # A step of G runs forward and backward through G and D.
    return G + D, s.batch * (s.k * (G + 6 * D) + 3 * s.g_steps * (G + D))


# --- A game saved in an address -------------------------------------------------------------------


def with_current_keys(saved: Json) -> dict[str, Any]:
    """The saved state of a page, or one of its games, with this version's keys.

    Raises:
        RequestError: it is not a dictionary.
    """
    if not isinstance(saved, dict):
        raise RequestError("unknown message")
    return {OLD_KEYS.get(key, key): value for key, value in saved.items()}


def read_script(data: str, defaults: Settings, rounds: int, game: Json) -> Script:
    """The game that a page's address describes.

    Args:
        data: a name that `check_data_name` returned.
        defaults: settings for which the address gives no value.
        rounds: length of the game.
        game: ``settings``: values by name; ``changes``: pairs of a round and values by name.

    Raises:
        RequestError: the game cannot be played here.
        UserError: a value that a setting cannot have.
    """
    game = with_current_keys(game)
    initial, pairs = game.get("settings", {}), game.get("changes", [])
    if not isinstance(initial, dict):
        raise RequestError("unknown message")
    if not isinstance(pairs, list) or len(pairs) > limits.MAX_CHANGES:
        raise RequestError("too many changes", most=limits.MAX_CHANGES)
    dimension = data_dimension(data)
    start = now = check_settings(defaults, initial, dimension)
    changes: list[Change] = []
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], dict)):
            raise RequestError("unknown message")
        at, values = pair[0], _canonical_names(pair[1])
        last = changes[-1][0] if changes else -1
        if not (isinstance(at, int) and last < at <= rounds and values.keys() <= LIVE):
            raise RequestError("unknown message")
        now = check_settings(now, values, dimension)
        changes.append((at, {name: now.flat()[name] for name in values}))
    return Script(data, start, rounds, tuple(changes))
