"""Settings of a game as frozen dataclasses: networks, Algorithm 1, optimiser, data options.

Each field states in one place its type, its default, its bounds, whether it may change during a
game (``live``), the source of the default, and, in the docstring below it, its meaning. The command
line makes one option of each field: ``d_lr_multiplier`` becomes ``--d-lr-multiplier``, and
``G.hidden`` becomes ``--G.hidden``. No torch is imported here.

Published experiments, as values of these classes, are in `presets`.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_type_hints

from adversarial_nets.errors import UserError, unknown_name
from adversarial_nets.setting_checks import check_combinations
from adversarial_nets.setting_values import (
    ANY,
    AT_LEAST_ONE,
    BELOW_ONE,
    COUNT,
    COUNT_OR_ZERO,
    DECAY,
    NON_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SEED,
    Bounds,
    check_value,
    parse_value,
    plain_value,
    require_type,
    whole_number,
)

__all__ = [
    "DATA_OPTIONS",
    "LIVE",
    "OLD_NAMES",
    "OPTIMISER_SETTINGS",
    "Cadence",
    "DiscriminatorSettings",
    "GeneratorSettings",
    "ImageFit",
    "OptimiserName",
    "PriorName",
    "Settings",
    "canonical_name",
    "from_json",
    "require_settings",
    "settings_differences",
    "update_settings",
]


PriorName = Literal["uniform", "gaussian", "spherical"]
"""A name in `priors.PRIORS`."""

OptimiserName = Literal["sgd", "adam"]
"""A name in `optimisers.OPTIMISERS`."""

ImageFit = Literal["crop", "pad", "stretch"]
"""How an image of another aspect is fitted into the size that is wanted."""

_MNIST = "the released mnist.yaml"
_PAPER = "§5 and the released mnist.yaml"
_ALGORITHM_1 = "Algorithm 1 and the released mnist.yaml"
_TFD = "the released configuration of TFD"
_CIFAR10 = "the released configuration of CIFAR-10"
_OURS = "not in the paper"
_CGAN = "§7, extension 1: Mirza & Osindero 2014, arXiv:1411.1784"


T = TypeVar("T")


def setting(default: T, bounds: Bounds = ANY, *, source: str, live: bool = False) -> T:
    """A field of the settings.

    Args:
        default: the default value.
        bounds: the numbers that are allowed.
        source: the source of the setting and of its value in the published MNIST experiment;
            reports print it.
        live: whether it may change during a game (`build.change_settings`).
    """
    return field(default=default, metadata={"bounds": bounds, "live": live, "source": source})


@dataclass(frozen=True)
class GeneratorSettings:
    """The generator G(z): a multilayer perceptron, or with `maps` convolutional."""

    hidden: tuple[int, ...] = setting((1200, 1200), COUNT, source=_MNIST)
    """Units of each hidden layer."""
    activations: tuple[Literal["relu", "sigmoid"], ...] = setting(("relu",), source=_PAPER)
    """Activation of the hidden layers: one for all, or one for each."""
    output: Literal["sigmoid", "linear"] = setting("sigmoid", source=_MNIST)
    """Activation of the output layer; sigmoid for images in [0, 1]."""
    init: tuple[float, ...] = setting((0.05,), NON_NEGATIVE, source=_MNIST)
    """Initial weights are drawn from U(-r, r): one r for all layers, or one for each."""
    bias_from_marginals: bool = setting(True, source=_MNIST)
    """Initialise a sigmoid output's bias to the logit of each pixel's mean over the training
    images."""
    bias: tuple[float, ...] = setting((0.0,), source=_TFD)
    """Initial bias of the hidden layers: one for all, or one for each."""
    sparse: int = setting(0, COUNT_OR_ZERO, source=_TFD)
    """Initialise each output unit with this many random incoming weights ~ N(0, 1) and the others
    0 (TFD); 0 initialises the output layer like the others."""
    deconvolution: bool = setting(False, source=_CIFAR10)
    """Make the output layer a transposed convolution (5×5, stride 3). It reads the last hidden
    layer as feature maps with the channel last."""
    bilinear: bool = setting(False, source=_OURS)
    """Initialise the deconvolution as bilinear interpolation, which has no checkerboard pattern; r
    is then the range of each map's weight in each colour. Not in the paper."""
    batch_norm: bool = setting(False, source=_OURS)
    """Batch normalisation before each hidden activation (Ioffe & Szegedy 2015, arXiv:1502.03167);
    the option bias then sets the bias of the normalised values. Not in the paper, which is
    older."""
    output_lr_multiplier: float = setting(1.0, NON_NEGATIVE, source=_OURS)
    """Learning rate of the output layer, as a multiple of the other layers'."""
    class_units: int = setting(0, COUNT_OR_ZERO, source=_CGAN)
    """With condition: number of hidden ReLU units that process the class, parallel to the first
    hidden layer; 0 concatenates the class with z instead."""
    keep_prob: float = setting(1.0, PROBABILITY, source=_CGAN)
    """Probability that dropout keeps a hidden value during training; samples use all."""
    maps: int = setting(0, COUNT_OR_ZERO, source=_OURS)
    """Make G convolutional, with this many feature maps at the image's resolution and twice as many
    at each coarser one (`convolutional`); 0 makes a multilayer perceptron of the hidden layers."""

    def __post_init__(self) -> None:
        """Store numbers and tuples of Python; `Settings` checks them."""
        _make_plain(self)


@dataclass(frozen=True)
class DiscriminatorSettings:
    """The discriminator D(x): a maxout network with dropout, or with `maps` convolutional."""

    units: tuple[int, ...] = setting((240, 240), COUNT, source=_MNIST)
    """Maxout units of each hidden layer."""
    activation: Literal["maxout", "relu"] = setting("maxout", source=_PAPER)
    """Activation of the hidden layers (maxout: Goodfellow et al. 2013, arXiv:1302.4389)."""
    pieces: int = setting(5, COUNT, source=_MNIST)
    """Linear pieces of each maxout unit."""
    convolutions: tuple[int, ...] = setting((), COUNT, source=_CIFAR10)
    """Channels of each maxout convolution below the hidden layers, at most three, with the kernels,
    padding and pooling of CIFAR-10's D (nets.CONVOLUTIONS)."""
    convolution_pieces: int = setting(2, COUNT, source=_CIFAR10)
    """Linear pieces of each channel of the maxout convolutions."""
    init: tuple[float, ...] = setting((0.005,), NON_NEGATIVE, source=_MNIST)
    """Initial weights are drawn from U(-r, r): one r for all layers, or one for each."""
    keep_prob_input: float = setting(0.8, PROBABILITY, live=True, source=_PAPER)
    """Probability that dropout keeps an input value."""
    keep_prob_hidden: float = setting(0.5, PROBABILITY, live=True, source=_PAPER)
    """Probability that dropout keeps a hidden value."""
    top_pieces: int | None = setting(None, COUNT, source=_CGAN)
    """Linear pieces of the last hidden layer's units, if they differ from the others'."""
    class_units: int = setting(0, COUNT_OR_ZERO, source=_CGAN)
    """With condition: number of hidden units that process the class, parallel to the first hidden
    layer; 0 concatenates the class with x instead."""
    projection: bool = setting(False, source=_OURS)
    """With condition: the class enters at the output alone, as a vector e_c that is multiplied with
    the last hidden layer (Miyato & Koyama 2018, arXiv:1802.05637)."""
    maps: int = setting(0, COUNT_OR_ZERO, source=_OURS)
    """Make D convolutional, with this many feature maps after the first convolution and twice as
    many after each further one (`convolutional`), without dropout; 0 makes the layers that the
    other options describe."""
    spectral_norm: bool = setting(False, source=_OURS)
    """Divide the weights of each layer of D that x passes through by their largest singular value,
    estimated by power iteration (Miyato et al. 2018, arXiv:1802.05957)."""

    def __post_init__(self) -> None:
        """Store numbers and tuples of Python; `Settings` checks them."""
        _make_plain(self)


@dataclass(frozen=True)
class Settings:
    """All settings of one game. The defaults are those of the MNIST experiment of §5."""

    G: GeneratorSettings = field(default_factory=GeneratorSettings)
    D: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)
    protocol: Literal["released", "paper"] = setting(
        "released", source="Algorithm 1; the released code"
    )
    """The updates of a round. released: as the authors' code did (the last update of D and that of
    G simultaneous, from the same samples and dropout masks; D's loss halved). paper: as Algorithm 1
    prints it (first D, then G, with new noise for G)."""
    condition: Literal["classes", "masks"] | None = setting(None, source=_CGAN)
    """Additional input of both networks (§7). classes: the class c, so that G models p(x | c).
    masks: the known pixels x·m of a random mask m, so that G fills in the others. None: nothing."""
    joint: bool = setting(False, source="§7, extension 2: arXiv:1605.09782, arXiv:1606.00704")
    """Add an encoder E to the game (BiGAN): D compares (x, E(x)) with (G(z), z), and E and G
    descend the same value function. E has G's hidden layers in reverse order."""
    k: int = setting(1, COUNT, live=True, source="Algorithm 1")
    """Updates of D in each round, k in Algorithm 1."""
    g_steps: int = setting(1, COUNT, live=True, source=_OURS)
    """Updates of G in a round; 1 in Algorithm 1. Each further one has new noise and new dropout
    masks."""
    objective: str = setting("non-saturating", live=True, source="§3")
    """Objective (objectives.OBJECTIVES): with non-saturating G maximises log D(G(z)), with minimax
    it minimises log(1 - D(G(z))), its term of Equation 1. Not in the paper: least-squares, hinge,
    wasserstein, relativistic."""
    batch: int = setting(100, COUNT, live=True, source=_MNIST)
    """Images in a minibatch, m in Algorithm 1."""
    prior: PriorName = setting("uniform", source=_MNIST)
    """Prior p_z of the noise: U(-sqrt 3, sqrt 3), N(0, I), or uniform on a sphere."""
    z_size: int = setting(100, COUNT, source=_MNIST)
    """Dimension of the noise vector z."""
    optimiser: OptimiserName = setting("sgd", live=True, source=_ALGORITHM_1)
    """Optimiser of both networks: SGD with momentum, as published, or Adam (arXiv:1412.6980)."""
    optimiser_D: OptimiserName | None = setting(None, live=True, source=_OURS)
    """Optimiser of D, if it differs from G's."""
    lr: float = setting(0.1, POSITIVE, live=True, source=_MNIST)
    """Learning rate at the first round, lr_0."""
    d_lr_multiplier: float = setting(1.0, NON_NEGATIVE, live=True, source=_OURS)
    """D's learning rate, as a multiple of G's."""
    lr_decay: float = setting(1.000004, AT_LEAST_ONE, live=True, source=_MNIST)
    """Divide the learning rate by this after every round; 1 keeps it constant. If it is
    changed during a game, the rate is computed as if the new value had applied from round 0 on."""
    lr_hold: int = setting(0, COUNT_OR_ZERO, source=_OURS)
    """Keep the learning rate at lr for this many rounds before it begins to fall."""
    lr_floor: float = setting(1e-6, NON_NEGATIVE, live=True, source=_MNIST)
    """Smallest learning rate."""
    momentum: float = setting(0.5, BELOW_ONE, live=True, source=_ALGORITHM_1)
    """Momentum of SGD in the first epoch; Adam's beta_1 in every epoch."""
    adam_beta2: float = setting(0.999, BELOW_ONE, source="arXiv:1412.6980")
    """Adam's beta_2."""
    momentum_end: float = setting(0.7, BELOW_ONE, live=True, source=_MNIST)
    """Momentum of SGD from epoch momentum_epochs on."""
    momentum_epochs: int = setting(250, COUNT, live=True, source=_MNIST)
    """Epoch at which the momentum reaches momentum_end, after a linear rise from epoch 1."""
    r1: float = setting(0.0, NON_NEGATIVE, live=True, source=_OURS)
    """Weight γ of the R1 penalty: adds γ/2 · E‖∇ₓ logit‖² on real data to D's loss (Mescheder et
    al. 2018, arXiv:1801.04406). 0 disables it."""
    r2: float = setting(0.0, NON_NEGATIVE, live=True, source=_OURS)
    """Weight γ of the R2 penalty: the same as R1 on samples in place of data. 0 disables it."""
    penalty_sigma: float = setting(0.0, NON_NEGATIVE, live=True, source=_OURS)
    """Compute R1 and R2 by finite differences, D(x + σε) - D(x) with random signs ε and this σ,
    which needs no double backpropagation; 0 computes them exactly."""
    gradient_penalty: float | None = setting(None, NON_NEGATIVE, live=True, source=_OURS)
    """Weight λ of the gradient penalty of WGAN-GP (arXiv:1704.00028); by default 10 for the
    objective wasserstein and 0 for the others."""
    train_only: Literal["D", "G"] | None = setting(None, live=True, source=_OURS)
    """Train one network alone and freeze the other; None trains both, as in Algorithm 1."""
    max_norm: float | None = setting(None, POSITIVE, source=_TFD)
    """After each update, scale every unit's (in maxout: every piece's) incoming weight vector down
    to this L2 norm if it is longer (TFD)."""
    head_start: int = setting(0, COUNT_OR_ZERO, live=True, source="our test of a remark in §3")
    """For this many rounds at the beginning, train G alone, against the initial D."""
    ema_decay: float = setting(0.0, DECAY, source=_OURS)
    """Decay per round of an exponential moving average of G's weights, kept in addition to G; 0
    keeps none. In round t the decay is at most (1 + t) / (10 + t)."""
    flip: bool = setting(False, live=True, source=_OURS)
    """Mirror each training image left to right with probability 1/2; not for text or digits."""
    augment: float = setting(0.0, Bounds(0, 1, "a probability, 0 to 1"), live=True, source=_OURS)
    """Probability of each change of DiffAugment (colour, translation, cutout; arXiv:2006.10738) to
    all images that are inputs of D; for few training images."""
    augment_below: int = setting(0, COUNT_OR_ZERO, source=_OURS)
    """Multiply the probability augment by max(0, 1 - n / augment_below) for n training images; 0
    leaves it unchanged."""
    ada_target: float = setting(0.0, Bounds(0, 1, "a mean sign, 0 to 1"), source="arXiv:2006.06676")
    """Adapt the probability augment by ADA: it rises while the mean sign of D's logits on training
    images is above this target (published: .6) and falls while it is below; 0 keeps it constant."""
    size: int | None = setting(None, COUNT, source=_OURS)
    """folder:PATH only: height, and width, in pixels, that images are resized to; --size 32x64 sets
    a height of 32 and a width of 64. Without it: 28, with preset pictures 32."""
    width: int | None = setting(None, COUNT, source=_OURS)
    """folder:PATH only: width in pixels, if it differs from the height."""
    fit: ImageFit | None = setting(None, source=_OURS)
    """folder:PATH only: how an image with another aspect ratio is fitted: cropped at its sides
    (default), padded with the background colour, or stretched."""
    channels: Literal[1, 3, 4] | None = setting(
        None, Bounds(1, 4, "1 (grey), 3 (colour) or 4 (colour and alpha)"), source=_OURS
    )
    """folder:PATH only: 1 for grey, 3 for colour, 4 for colour and alpha, so that samples are
    transparent where the images are. Without it: 1; with preset pictures 1 if all images are grey,
    otherwise 3."""
    background: str | None = setting(
        None, Bounds(0, 0, "a colour, for example black or '#ff8000'"), source=_OURS
    )
    """folder:PATH only: colour behind transparent parts, e.g. black or #ff8000 (default white)."""
    stretch: bool = setting(False, source=_OURS)
    """folder:PATH only: make the smallest and largest value of 16-bit images black and white; for
    12-bit values in 16-bit files."""
    train_on_all: bool = setting(False, source=_OURS)
    """folder:PATH only: train on all images and hold none out, so that nothing can be scored; with
    the preset pictures the default for 50 images or fewer."""
    seed: int = setting(0, SEED, source=_OURS)
    """Seed of every random draw of the run."""

    def __post_init__(self) -> None:
        """Convert the values to Python's types, and refuse impossible values.

        Raises:
            SettingError: names the setting, its value and what it must be.
        """
        _make_plain(self)
        require_type("G", self.G, GeneratorSettings, "GeneratorSettings(hidden=(240, 240))")
        require_type("D", self.D, DiscriminatorSettings, "DiscriminatorSettings(pieces=2)")
        for name, value, f in _all_fields(self):
            check_value(name, value, _TYPES[name], f.metadata["bounds"])
        check_combinations(self)

    def lr_at(self, round: int) -> float:
        """Learning rate of a round, counted from 0: lr_0 / decay^round, at least `lr_floor`.

        With `lr_hold`, the fall begins that many rounds later.
        """
        return max(self.lr * self.lr_decay ** -max(round - self.lr_hold, 0), self.lr_floor)

    def momentum_at(self, epoch: int) -> float:
        """Momentum in an epoch, counted from 1: a linear rise, then constant."""
        rise = min((epoch - 1) / max(self.momentum_epochs - 1, 1), 1.0)
        return self.momentum + (self.momentum_end - self.momentum) * rise

    def data_options(self) -> dict[str, Any]:
        """The keyword arguments for `datasets.load`."""
        return {name: getattr(self, name) for name in DATA_OPTIONS}

    def to_json(self) -> dict[str, Any]:
        """The settings as nested dictionaries and tuples, for settings.json."""
        return dataclasses.asdict(self)

    def flat(self) -> dict[str, Any]:
        """Each value by its dotted name.

        >>> Settings().flat()["D.keep_prob_input"]
        0.8
        """
        return {name: value for name, value, _ in _all_fields(self)}


@dataclass(frozen=True)
class Cadence:
    """How often, in rounds, a training logs, saves, scores and writes samples."""

    log_every: int = 50
    """Rounds between rows of metrics.jsonl."""
    save_every: int = 500
    """Rounds between checkpoints: at most this many rounds are lost in a crash."""
    score_every: int = 2500
    """Rounds between Parzen scores on validation images."""
    samples_every: int = 500
    """Rounds between pictures of samples from the same noise."""
    score_samples: int = 10_000
    """Samples of each Parzen score on validation images; the score at the end has 10,000."""

    def __post_init__(self) -> None:
        """Refuse an interval below one round, and a score without samples."""
        for name, value in vars(self).items():
            object.__setattr__(self, name, whole_number(name, value))


def require_settings(settings: object) -> None:
    """Raise an error if an argument `settings` is not a `Settings`, e.g. a preset or a mapping."""
    example = "dataclasses.replace(PRESETS['quickstart'].settings, k=2)"
    require_type("settings", settings, Settings, example)


# --- Fields and their metadata --------------------------------------------------------------------

_NETWORKS: Mapping[str, type] = {"G": GeneratorSettings, "D": DiscriminatorSettings}


def _fields(prefix: str = "") -> Iterator[tuple[str, "dataclasses.Field[Any]"]]:
    """Dotted name and field of every setting; G and D are replaced by their own fields."""
    cls = _NETWORKS[prefix] if prefix else Settings
    for f in dataclasses.fields(cls):
        if not prefix and f.name in _NETWORKS:
            yield from _fields(f.name)
        else:
            yield (f"{prefix}.{f.name}" if prefix else f.name), f


FIELDS: Mapping[str, "dataclasses.Field[Any]"] = dict(_fields())
"""The field of each setting by its dotted name, with its metadata."""

_TYPES: Mapping[str, Any] = {
    (f"{prefix}.{name}" if prefix else name): hint
    for prefix, cls in (("", Settings), *_NETWORKS.items())
    for name, hint in get_type_hints(cls).items()
}

LIVE = frozenset(name for name, f in FIELDS.items() if f.metadata["live"])
"""The settings that may change during a game; the others need a new game."""

OPTIMISER_SETTINGS = (
    *("optimiser", "optimiser_D", "lr", "d_lr_multiplier", "lr_decay", "lr_hold", "lr_floor"),
    *("momentum", "momentum_end", "momentum_epochs", "adam_beta2"),
)
"""Settings without effect in a game whose optimiser a program passed in."""

DATA_OPTIONS = ("size", "width", "fit", "channels", "background", "stretch", "train_on_all")
"""The settings that choose how a folder of images is read."""

OLD_NAMES: Mapping[str, str] = {
    "G.output_rate": "G.output_lr_multiplier",
    "D.keep_input": "D.keep_prob_input",
    "D.keep_hidden": "D.keep_prob_hidden",
    "d_rate": "d_lr_multiplier",
    "average": "ema_decay",
    "players": "train_only",
}
"""The current name by the name that earlier versions used (run folders, URLs, command lines)."""


def canonical_name(name: str) -> str:
    """A setting's current dotted name, from a dotted name or an option of any version.

    >>> canonical_name("--D.keep-input"), canonical_name("lr")
    ('D.keep_prob_input', 'lr')
    """
    name = name.removeprefix("--").replace("-", "_")
    return OLD_NAMES.get(name, name)


def _make_plain(settings: GeneratorSettings | DiscriminatorSettings | Settings) -> None:
    """Convert the values to Python's own types, e.g. NumPy's numbers to int and float."""
    for name, hint in get_type_hints(type(settings)).items():
        object.__setattr__(settings, name, plain_value(getattr(settings, name), hint))


def _all_fields(settings: Settings) -> Iterator[tuple[str, Any, "dataclasses.Field[Any]"]]:
    """Dotted name, value and field of every setting."""
    for name, f in FIELDS.items():
        network, _, own = name.rpartition(".")
        yield name, getattr(getattr(settings, network) if network else settings, own), f


# --- Reading and changing settings ----------------------------------------------------------------


def from_json(data: Mapping[str, Any]) -> Settings:
    """Settings from what `Settings.to_json` wrote, by this version or an earlier one.

    Raises:
        UserError: the mapping has other fields than these settings.
    """
    try:
        fields = {name: value for name, value in data.items() if name not in _NETWORKS}
        networks = {
            network: cls(**_current_fields(dict(data[network]), f"{network}."))
            for network, cls in _NETWORKS.items()
        }
        return Settings(**networks, **_current_fields(fields))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"These settings do not have this version's form ({error}). They may be damaged, or "
            "written by a newer version of adversarial-nets."
        ) from error


def _current_fields(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A record's fields under the names of this version, with lists as tuples."""
    fields = {}
    for name, value in record.items():
        current = canonical_name(prefix + name)
        if (current, value) == ("train_only", "both"):
            value = None
        fields[current.removeprefix(prefix)] = tuple(value) if isinstance(value, list) else value
    return fields


def update_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with some values changed.

    Args:
        settings: the settings to start from.
        changes: new values by dotted name (``D.keep_prob_input``) or option
            (``--D.keep-prob-input``); a text is read as the command line would read it.

    Raises:
        UserError: an unknown setting, or a value that it cannot have.

    >>> update_settings(Settings(), {"k": "3", "D.keep_prob_input": 0.5}).k
    3
    """
    record = settings.to_json()
    for given_name, given in changes.items():
        name = canonical_name(given_name)
        if name not in FIELDS:
            raise unknown_name(name, list(FIELDS), "setting")
        network, _, own = name.rpartition(".")
        holder = record[network] if network else record
        value = None if (name, given) == ("train_only", "both") else given
        holder[own] = parse_value(name, value, _TYPES[name], FIELDS[name].metadata["bounds"])
    return from_json(record)


def settings_differences(old: Settings, new: Settings) -> dict[str, tuple[Any, Any]]:
    """The settings that differ: the old and the new value by dotted name.

    >>> settings_differences(Settings(), Settings(k=3))
    {'k': (1, 3)}
    """
    a, b = old.flat(), new.flat()
    return {name: (a[name], b[name]) for name in a if a[name] != b[name]}
