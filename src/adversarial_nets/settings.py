"""Every number that defines a game, as small frozen dataclasses; published experiments as values.

The dataclasses *are* the command line: each field is an option of ``advnets train`` and its
docstring is that option's help. No torch is imported here.
"""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from adversarial_nets.errors import UserError

__all__ = [
    "LIVE",
    "Cadence",
    "DiscriminatorSettings",
    "GeneratorSettings",
    "Settings",
    "changed",
    "from_json",
    "nearest_name",
]


@dataclass(frozen=True)
class GeneratorSettings:
    """The generator G(z), a multilayer perceptron."""

    hidden: tuple[int, ...] = (1200, 1200)
    """Units of each hidden layer."""
    activations: tuple[Literal["relu", "sigmoid"], ...] = ("relu",)
    """Activation of the hidden layers: one for all, or one for each."""
    output: Literal["sigmoid", "linear"] = "sigmoid"
    """Activation of the output; sigmoid for images in [0, 1]."""
    init: tuple[float, ...] = (0.05,)
    """Initial weights are U(-r, r): one r for all layers, or one for each."""
    bias_from_marginals: bool = True
    """Start a sigmoid output's bias at the logit of each pixel's mean over the training images."""
    bias: tuple[float, ...] = (0.0,)
    """Initial bias of the hidden layers: one for all, or one for each."""
    sparse: int = 0
    """Each output unit starts with this many random incoming weights ~ N(0, 1), the others 0;
    0 starts the output layer as the others."""
    deconvolution: bool = False
    """The output layer is a transposed convolution (5×5, stride 3) over the last hidden layer
    taken as maps, channel last."""
    bilinear: bool = False
    """The deconvolution starts as bilinear interpolation, without the grid of its stride: its r is
    of each map's share in each colour. Not the paper's."""
    batch_norm: bool = False
    """Batch normalisation (Ioffe & Szegedy 2015) before each hidden activation, whose initial bias
    is then the normalised values'. Not the paper's, which is older."""
    output_rate: float = 1.0
    """The output layer's learning rate, as a multiple of the other layers'."""


@dataclass(frozen=True)
class DiscriminatorSettings:
    """The discriminator D(x), a maxout net with dropout."""

    units: tuple[int, ...] = (240, 240)
    """Maxout units of each hidden layer."""
    activation: Literal["maxout", "relu"] = "maxout"
    """Activation of the hidden layers."""
    pieces: int = 5
    """Linear pieces of each maxout unit."""
    convolutions: tuple[int, ...] = ()
    """Channels of each maxout convolution below the hidden layers, three at most, with the kernels,
    padding and pooling of CIFAR-10's D (nets.CONVOLUTIONS)."""
    convolution_pieces: int = 2
    """Linear pieces of each of their channels."""
    init: tuple[float, ...] = (0.005,)
    """Initial weights are U(-r, r): one r for all layers, or one for each."""
    keep_input: float = 0.8
    """Probability that dropout keeps an input value."""
    keep_hidden: float = 0.5
    """Probability that dropout keeps a hidden value."""


@dataclass(frozen=True)
class Settings:
    """One game: the nets, Algorithm 1, and the gradient rule. The defaults are MNIST's of §5."""

    G: GeneratorSettings = field(default_factory=GeneratorSettings)
    D: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)
    protocol: Literal["released", "paper"] = "released"
    """Algorithm 1 as the authors' code ran it (one simultaneous update of D and G from one fake
    batch and one set of dropout masks, D's loss halved) or as the paper prints it (alternating,
    fresh noise for G)."""
    k: int = 1
    """Updates of D for each update of G."""
    objective: Literal["non-saturating", "minimax"] = "non-saturating"
    """What G does: maximise log D(G(z)), or minimise log(1 - D(G(z))), its share of Equation 1."""
    batch: int = 100
    """Images in a minibatch, m in Algorithm 1."""
    prior: Literal["uniform", "gaussian", "spherical"] = "uniform"
    """The noise p_z: U(-sqrt 3, sqrt 3), N(0, I), or uniform on a sphere."""
    z_size: int = 100
    """Coordinates of the noise vector z."""
    optimiser: Literal["sgd", "adam"] = "sgd"
    """The gradient rule of both players: SGD with momentum, as published, or Adam."""
    optimiser_D: Literal["sgd", "adam"] | None = None
    """D's gradient rule, where it is not G's."""
    lr: float = 0.1
    """Learning rate at the first round, lr_0."""
    d_rate: float = 1.0
    """D's learning rate is this many times G's."""
    lr_decay: float = 1.000004
    """The learning rate is divided by this after every round; 1 keeps it constant."""
    lr_hold: int = 0
    """The learning rate stays at --lr for this many rounds before it begins to fall."""
    lr_floor: float = 1e-6
    """The learning rate never falls below this."""
    momentum: float = 0.5
    """SGD's momentum (Adam's first beta) in the first epoch."""
    momentum_end: float = 0.7
    """SGD's momentum once it is saturated."""
    momentum_epochs: int = 250
    """The epoch at which the momentum saturates, after a linear rise from epoch 1."""
    r1: float = 0.0
    """D also pays this much times half the mean of ‖∂logit/∂x‖² over data (R1, Mescheder et al.
    2018): a D that must not be steep cannot run away. Not the paper's."""
    players: Literal["both", "D", "G"] = "both"
    """Who learns: both, as in Algorithm 1, or one alone while the other stands still."""
    max_norm: float | None = None
    """After each update every unit's (in maxout: every piece's) incoming weights are scaled down to
    this L2 norm if theirs is larger."""
    head_start: int = 0
    """Train G alone against the initial D for this many rounds first."""
    average: float = 0.0
    """Keep beside G a running average of its weights with this decay a round; 0 keeps none. Round t
    has (1 + t) / (10 + t), where that is less."""
    size: int | None = None
    """folder:PATH only: images become this many pixels square (28 where not given)."""
    channels: Literal[1, 3] | None = None
    """folder:PATH only: 1 for grey (where not given), 3 for colour."""
    seed: int = 0
    """Addresses every random draw of the run."""

    def __post_init__(self) -> None:
        """Refuse values that no game can be played with.

        Raises:
            UserError: names the setting, the value and what it must be.
        """
        for prefix, part in (("", self), ("G.", self.G), ("D.", self.D)):
            for name, hint in _HINTS[type(part)].items():
                if not _fits(value := getattr(part, name), hint):
                    option = f"--{prefix}{name.replace('_', '-')}"
                    raise UserError(f"{option} is {value!r}; it must be {_in_words(name, hint)}.")
        for name, value in _numbers(self):
            least, most, words = _BOUNDS[name.rpartition(".")[2]]
            if not (math.isfinite(value) and least <= value <= most):
                raise UserError(f"--{name.replace('_', '-')} is {value:g}; it must be {words}.")
        for name, values, layers in (
            ("G.activations", self.G.activations, len(self.G.hidden)),
            ("G.bias", self.G.bias, len(self.G.hidden)),
            ("G.init", self.G.init, len(self.G.hidden) + 1),
            ("D.init", self.D.init, len(self.D.convolutions) + len(self.D.units) + 1),
        ):
            if len(values) not in (1, layers):
                raise UserError(
                    f"--{name} has {len(values)} values; give one for all layers or one for each "
                    f"of the {layers}."
                )
        if not self.D.units:
            raise UserError("--D.units is empty; give at least one maxout layer.")
        if len(self.D.convolutions) > 3:
            raise UserError(f"--D.convolutions has {len(self.D.convolutions)} values; at most 3.")
        inputs = self.G.hidden[-1] if self.G.hidden else self.z_size
        if self.G.sparse > inputs:
            raise UserError(
                f"--G.sparse is {self.G.sparse}, but an output unit has {inputs} incoming weights."
            )
        if self.G.sparse and self.G.deconvolution:
            raise UserError("--G.sparse is for a full output layer, not for --G.deconvolution.")
        if self.G.bilinear and not self.G.deconvolution:
            raise UserError("--G.bilinear is how a --G.deconvolution starts; give that as well.")
        if self.G.batch_norm and self.batch == 1:
            raise UserError("--G.batch-norm needs a --batch of 2 or more to normalise over.")

    def lr_at(self, step: int) -> float:
        """The learning rate of the round `step`, counted from 0: lr_0 / decay^step, floored.

        With `lr_hold`, the fall begins that much later.
        """
        return max(self.lr * self.lr_decay ** -max(step - self.lr_hold, 0), self.lr_floor)

    def momentum_at(self, epoch: int) -> float:
        """The momentum in an epoch, counted from 1: a straight line that saturates."""
        rise = min((epoch - 1) / max(self.momentum_epochs - 1, 1), 1.0)
        return self.momentum + (self.momentum_end - self.momentum) * rise

    def to_json(self) -> dict[str, Any]:
        """As a nest of plain dictionaries and tuples, for settings.json."""
        return dataclasses.asdict(self)

    def options(self) -> dict[str, Any]:
        """Each value by the name of its option on the command line.

        >>> Settings().options()["--D.keep-input"]
        0.8
        """
        values = self.to_json()
        nested = {f"{p}.{name}": v for p in ("G", "D") for name, v in values.pop(p).items()}
        return {f"--{name.replace('_', '-')}": v for name, v in (nested | values).items()}


LIVE = frozenset(
    f"--{name}"
    for name in (
        *("k", "objective", "batch", "players", "head-start", "D.keep-input", "D.keep-hidden"),
        *("optimiser", "optimiser-D", "lr", "d-rate", "lr-decay", "lr-floor"),
        *("momentum", "momentum-end", "momentum-epochs", "r1"),
    )
)
"""The options that may change while a game is played; the others need a new game."""

_AT_LEAST_ONE = (1, math.inf, "a whole number, 1 or more")
_BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "hidden": _AT_LEAST_ONE,
    "units": _AT_LEAST_ONE,
    "pieces": _AT_LEAST_ONE,
    "k": _AT_LEAST_ONE,
    "batch": _AT_LEAST_ONE,
    "z_size": _AT_LEAST_ONE,
    "convolutions": _AT_LEAST_ONE,
    "convolution_pieces": _AT_LEAST_ONE,
    "bias": (-math.inf, math.inf, "a number"),
    "sparse": (0, math.inf, "a whole number, 0 or more"),
    "max_norm": (1e-30, math.inf, "above 0"),
    "size": _AT_LEAST_ONE,
    "channels": (1, 3, "1 (grey) or 3 (colour)"),
    "momentum_epochs": _AT_LEAST_ONE,
    "init": (0, math.inf, "0 or more"),
    "keep_input": (1e-4, 1, "a probability above 0, at most 1"),
    "keep_hidden": (1e-4, 1, "a probability above 0, at most 1"),
    "lr": (1e-30, math.inf, "above 0"),
    "output_rate": (0, math.inf, "0 or more"),
    "d_rate": (0, math.inf, "0 or more"),
    "lr_decay": (1, math.inf, "1 (constant) or more"),
    "lr_hold": (0, math.inf, "a whole number, 0 or more"),
    "lr_floor": (0, math.inf, "0 or more"),
    "momentum": (0, 1 - 1e-9, "at least 0 and below 1"),
    "momentum_end": (0, 1 - 1e-9, "at least 0 and below 1"),
    "r1": (0, math.inf, "0 or more"),
    "head_start": (0, math.inf, "a whole number, 0 or more"),
    "average": (0, 1 - 1e-12, "at least 0 and below 1"),
    "seed": (0, 2**63, "a whole number from 0 to 2^63"),
}


_HINTS: Mapping[type, Mapping[str, Any]] = {
    part: get_type_hints(part) for part in (Settings, GeneratorSettings, DiscriminatorSettings)
}
"""Each setting's type, by its name."""


def _fits(value: object, hint: "Value") -> bool:
    """Whether a value is of a setting's type: a program or a file may say anything."""
    kind: object = get_origin(hint)
    args = get_args(hint)
    if kind is Literal:
        return value in args
    if kind in (Union, UnionType):
        return any(_fits(value, arg) for arg in args)
    if kind is tuple:
        return isinstance(value, tuple) and all(_fits(v, args[0]) for v in value)
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool)
    return isinstance(value, hint)


def _in_words(name: str, hint: "Value") -> str:
    kinds = (hint, *get_args(hint))
    words = [repr(a) for kind in kinds for a in get_args(kind) if isinstance(a, str)]
    if words:
        return f"one of {', '.join(dict.fromkeys(words))}"
    return _BOUNDS[name][2] if name in _BOUNDS else "True or False"


def _numbers(
    settings: Settings | GeneratorSettings | DiscriminatorSettings, prefix: str = ""
) -> list[tuple[str, float]]:
    """Every number in the settings with its dotted name; tuples give one entry a value."""
    found: list[tuple[str, float]] = []
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if isinstance(value, GeneratorSettings | DiscriminatorSettings):
            found += _numbers(value, f"{f.name}.")
        for v in value if isinstance(value, tuple) else (value,):
            if isinstance(v, int | float) and not isinstance(v, bool):
                found.append((prefix + f.name, _float(v)))
    return found


def _float(number: int | float) -> float:
    """The number as a float; a whole one that no float can hold is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


@dataclass(frozen=True)
class Cadence:
    """How often, in rounds, a training is looked at. Changes nothing in the game."""

    log_every: int = 50
    """Rounds between rows of metrics.jsonl."""
    save_every: int = 500
    """Rounds between checkpoints; what a crash can cost."""
    score_every: int = 2500
    """Rounds between Parzen scores on validation images."""
    samples_every: int = 500
    """Rounds between pictures of samples from the same noise."""

    def __post_init__(self) -> None:
        """Refuse a cadence of less than one round."""
        for name, value in vars(self).items():
            if value < 1:
                raise UserError(f"--{name.replace('_', '-')} is {value}; it must be 1 or more.")


def nearest_name(name: str, names: list[str], what: str) -> UserError:
    """The error for an unknown name, with the nearest known one."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return UserError(f"There is no {what} named {name!r}.{hint} Known: {', '.join(names)}.")


def from_json(data: Mapping[str, Any]) -> Settings:
    """The settings that `Settings.to_json` wrote.

    Raises:
        UserError: when the mapping has other fields than this version's settings.
    """
    try:
        fields: dict[str, Any] = dict(data)
        fields["G"] = GeneratorSettings(**_tuples(data["G"]))
        fields["D"] = DiscriminatorSettings(**_tuples(data["D"]))
        return Settings(**fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"These settings are not of this version's form ({error}); they may be damaged or "
            "come from a newer version of adversarial-nets."
        ) from error


def changed(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """The settings with some options changed, each given by its name on the command line.

    Args:
        settings: where to start from.
        options: new values by option; a text is read as the command line would read it.

    Raises:
        UserError: an unknown option, or a value that it cannot have.

    >>> changed(Settings(), {"--k": "3", "--D.keep-input": 0.5}).options()["--D.keep-input"]
    0.5
    """
    known, record = settings.options(), settings.to_json()
    for name, given in options.items():
        if name not in known:
            raise nearest_name(name, list(known), "option")
        player, _, own = name.removeprefix("--").replace("-", "_").rpartition(".")
        kind = {"G": GeneratorSettings, "D": DiscriminatorSettings, "": Settings}[player]
        holder = record[player] if player else record
        holder[own] = _read(name, given, get_type_hints(kind)[own])
    return from_json(record)


Value = Any
"""What an option may be: a number, a word, several of either, or None."""


def _read(name: str, given: Value, kind: Value) -> Value:
    """A value of the kind that a field has: a number, one of some words, or several of either."""
    origin: object = get_origin(kind)
    kinds = [k for k in get_args(kind) if k is not type(None)]
    if type(None) in get_args(kind):
        return None if given in (None, "None") else _read(name, given, kinds[0])
    if origin is tuple:
        several = given.split() if isinstance(given, str) else given
        if isinstance(several, list | tuple):
            return tuple(_read(name, one, kinds[0]) for one in several)
    elif origin is Literal:
        if given in kinds:
            return given
    elif isinstance(given, str | int | float) and not (isinstance(given, bool) or kind is bool):
        with suppress(ValueError, OverflowError):  # int("x"), int(∞)
            value = kind(given)
            if isinstance(given, str) or value == given:
                return value
    words = f"one of {', '.join(map(str, kinds))}" if origin is Literal else "of another kind"
    raise UserError(f"{name} is {given!r}; it must be {words}.")


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
