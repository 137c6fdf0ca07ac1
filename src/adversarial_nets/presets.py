"""Presets: the published experiments and variants of them.

The settings of MNIST are written out; every other experiment states its differences.

The five published ones follow §5, which gives few numbers, and the authors' released configuration
files (github.com/goodfeli/adversarial: mnist.yaml, tfd_pretrain/pretrain.yaml and train.yaml,
cifar10_fully_connected.yaml, cifar10_convolutional.yaml), which give the others. Neither source
gives reasons for the numbers. One setting is added, an exponential moving average of G's weights
(``ema_decay``), which does not affect the training. `Preset.departures` lists how each variant
differs.
"""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path

from adversarial_nets.settings import Cadence, DiscriminatorSettings, GeneratorSettings, Settings
from adversarial_nets.text import file_name

__all__ = ["PRESETS", "Preset", "run_folder"]


@dataclass(frozen=True)
class Preset:
    """A named experiment.

    Attributes:
        settings: its settings.
        why: the source of its numbers and the reason for them.
        epochs: its length in epochs; None if `rounds` is given.
        rounds: its length in rounds; None if `epochs` is given.
        onto: the preset whose finished run provides the top layers of this one's generator.
        departures: how it differs from §5 and the released files; empty for published experiments.
        cadence: how often it logs, saves, scores and writes samples.
        stretches: whether the learning rate's schedule follows the length (`settings_for`).
    """

    settings: Settings
    why: str
    epochs: float | None = None
    rounds: int | None = None
    onto: str | None = None
    departures: str = ""
    cadence: Cadence = field(default_factory=Cadence)
    stretches: bool = False

    def settings_for(self, rounds: int | None) -> Settings:
        """The settings of a new run of the given length in rounds; None: the preset's own length.

        If the preset `stretches`, the rate is held for the same share of the run and then falls by
        the same factor; otherwise the settings are the same for every length.

        >>> pictures = PRESETS["pictures"]
        >>> (pictures.settings.lr_hold, pictures.settings_for(6000).lr_hold)
        (12000, 4000)
        """
        if not (self.stretches and self.rounds and rounds and rounds > 0):
            return self.settings
        ratio = rounds / self.rounds
        return dataclasses.replace(
            self.settings,
            lr_hold=round(self.settings.lr_hold * ratio),
            lr_decay=round(self.settings.lr_decay ** (1 / ratio), 10),
        )

    def length_of(self, settings: Settings) -> int | None:
        """The rounds for which `settings_for` gives this learning-rate schedule, if there are any.

        >>> pictures = PRESETS["pictures"]
        >>> pictures.length_of(pictures.settings_for(6001)), pictures.length_of(Settings())
        (6001, None)
        """
        if not (self.stretches and self.rounds and self.settings.lr_hold):
            return None
        rounds_each = self.rounds / self.settings.lr_hold
        first, last = (round((settings.lr_hold + more) * rounds_each) for more in (-1, 1))
        for rounds in range(max(first, 1), last + 1):
            stretched = self.settings_for(rounds)
            if (stretched.lr_hold, stretched.lr_decay) == (settings.lr_hold, settings.lr_decay):
                return rounds
        return None

    @property
    def published(self) -> bool:
        """Whether networks and training rules are those of §5."""
        return not self.departures


# --- MNIST (§5; mnist.yaml) -----------------------------------------------------------------------

_MNIST = Settings(
    G=GeneratorSettings(
        hidden=(1200, 1200),  # h0, h1: dim 1200, RectifiedLinear
        activations=("relu",),
        output="sigmoid",  # "sigmoid" on 784 pixels in [0, 1]
        init=(0.05,),  # irange .05
        bias_from_marginals=True,  # init_sigmoid_bias_from_marginals
    ),
    D=DiscriminatorSettings(
        units=(240, 240),  # two Maxout layers, num_units 240
        pieces=5,  # num_pieces 5
        init=(0.005,),  # irange .005
        keep_prob_input=0.8,  # input_include_probs h0 .8, input_scales 1.25
        keep_prob_hidden=0.5,  # default_input_include_prob .5, scale 2
    ),
    protocol="released",  # one simultaneous update of D and G, D's loss halved
    k=1,  # Algorithm 1: "We used k = 1, the least expensive option, in our experiments"
    objective="non-saturating",  # §3: maximise log D(G(z))
    batch=100,  # batch_size 100
    prior="uniform",  # U(−√3, √3): unit variance per coordinate
    z_size=100,  # nvis 100
    lr=0.1,  # learning_rate .1; not in the paper
    lr_decay=1.000004,  # ExponentialDecay, decay_factor 1.000004
    lr_floor=1e-6,  # min_lr .000001
    momentum=0.5,  # init_momentum .5
    momentum_end=0.7,  # MomentumAdjustor, final_momentum .7
    momentum_epochs=250,  # start 1, saturate 250
    ema_decay=0.9995,  # not in the paper: a moving average of G, in addition to G itself
)

# --- TFD (§5; tfd_pretrain/) ----------------------------------------------------------------------

_TFD = dataclasses.replace(
    _MNIST,
    G=GeneratorSettings(
        hidden=(8000, 8000),
        activations=("relu", "sigmoid"),
        output="sigmoid",
        init=(0.05,),
        bias_from_marginals=True,
        bias=(0.0, -2.0),  # the sigmoid layer starts mostly off: init_bias −2
        sparse=100,  # the output layer: sparse_init 100
    ),
    D=dataclasses.replace(_MNIST.D, units=(1200, 1200)),
    prior="gaussian",
    lr=0.05,  # learning_rate .05
    max_norm=1.9365,  # max_col_norm 1.9365 on every layer of both networks
)

# --- CIFAR-10 (§5; cifar10_fully_connected.yaml, cifar10_convolutional.yaml) ----------------------

_CIFAR10 = dataclasses.replace(
    _MNIST,
    G=GeneratorSettings(
        hidden=(8000, 8000),
        activations=("relu", "sigmoid"),
        output="linear",  # contrast-normalised images lie around 0
        init=(0.05, 0.05, 0.5),  # output layer: irange .5
        bias_from_marginals=False,
    ),
    D=dataclasses.replace(_MNIST.D, units=(1600, 1600)),
    prior="gaussian",
    lr=0.025,  # learning_rate .025
)
_CIFAR10_CONVOLUTIONAL = dataclasses.replace(
    _CIFAR10,
    G=dataclasses.replace(_CIFAR10.G, init=(0.05,), deconvolution=True),  # 10×10×80 maps to 32×32
    D=dataclasses.replace(_MNIST.D, convolutions=(32, 32, 192), convolution_pieces=2, units=(500,)),
    lr=0.004,  # learning_rate .004
    batch=128,  # batch_size 128
)


# --- MNIST with classes (§7, extension 1; Mirza & Osindero 2014, arXiv:1411.1784) -----------------

_MNIST_CONDITIONAL = dataclasses.replace(
    _MNIST,
    condition="classes",
    G=dataclasses.replace(
        _MNIST.G,
        hidden=(200, 1200),  # z → 200 ReLU; joined with the class: 1200 ReLU
        class_units=1000,  # c → 1000 ReLU
        keep_prob=0.5,  # "dropout with probability of 0.5 was applied to both"
    ),
    D=dataclasses.replace(
        _MNIST.D,
        units=(240, 240),  # x → maxout 240 × 5; joined with the class: maxout 240 × 4
        class_units=50,  # c → maxout 50 × 5
        top_pieces=4,
    ),
    lr_decay=1.00004,  # not 1.000004, as in the unconditional game
)


# --- Variants -------------------------------------------------------------------------------------


def _stage2(stage1: Settings, hidden: int) -> Settings:
    """TFD's stage 2: new bottom layers, 100 → hidden ReLU → 100 sigmoid, under those of stage 1."""
    G = stage1.G
    return dataclasses.replace(
        stage1,
        G=dataclasses.replace(
            G,
            hidden=(hidden, 100, *G.hidden),
            activations=("relu", "sigmoid", *G.activations),
            init=(0.05, 0.05, *G.init) if len(G.init) > 1 else G.init,
            bias=(0.0, -2.0, *G.bias),
        ),
    )


def _small(settings: Settings, hidden: int, units: tuple[int, ...], r1: float) -> Settings:
    """A narrower version of a game that trains within minutes.

    The initial ranges are larger, so that each layer's first values are as large as in the wide
    networks. With the published optimiser such a game trains slowly, or D becomes too strong for G.
    So both networks use Adam with β₁ = 0, and the R1 penalty replaces D's dropout.
    """
    wider = math.sqrt(8000 / hidden)
    return dataclasses.replace(
        settings,
        G=dataclasses.replace(
            settings.G, hidden=(hidden, hidden), init=(0.05, 0.05 * wider, 0.05 * wider)
        ),
        D=dataclasses.replace(
            settings.D,
            units=units,
            pieces=3,
            convolutions=tuple(maps // 4 for maps in settings.D.convolutions),
            init=(0.005, 0.01, 0.01, 0.01, 0.011) if settings.D.convolutions else settings.D.init,
            keep_prob_input=1.0,
            keep_prob_hidden=1.0,
        ),
        optimiser="adam",
        lr=5e-4,
        lr_hold=6000,
        lr_decay=1.0004,
        momentum=0.0,
        momentum_end=0.0,
        r1=r1,
        ema_decay=0.999,
    )


_FAST = dataclasses.replace(
    _MNIST,
    D=dataclasses.replace(_MNIST.D, keep_prob_input=1.0, keep_prob_hidden=1.0),
    r1=0.3,
    lr=0.4,
    lr_hold=8000,
    lr_decay=1.0003,
    momentum=0.0,
    momentum_end=0.0,
)
_QUICKSTART_2014 = dataclasses.replace(
    _MNIST,
    # G's initial range is multiplied by √(1200/400), so that initial outputs have the published
    # size.
    G=dataclasses.replace(_MNIST.G, hidden=(400, 400), init=(0.0866,)),
    D=dataclasses.replace(_MNIST.D, units=(120, 120), pieces=3),
    lr_decay=1.0,  # no schedules in a run this short: constant rate and momentum
    momentum=0.7,
    momentum_end=0.7,
    ema_decay=0.999,  # at a constant rate the raw G fluctuates; pictures show the average
)
_QUICKSTART = dataclasses.replace(
    _FAST,
    G=dataclasses.replace(_MNIST.G, hidden=(500, 500), init=(0.0775,)),
    D=dataclasses.replace(_FAST.D, units=(120, 120)),
    lr_hold=5000,
    lr_decay=1.0013,
    ema_decay=0.9993,
)
_JOINT = dataclasses.replace(
    _QUICKSTART,
    joint=True,
    G=dataclasses.replace(_QUICKSTART.G, batch_norm=True),
    optimiser="adam",
    lr=5e-4,
    lr_hold=0,
    lr_decay=1.0003,
    momentum=0.5,
    momentum_end=0.5,
    ema_decay=0.998,
)
_TFD_SMALL = _small(_TFD, hidden=800, units=(240, 240), r1=4.0)
_CONVOLUTIONAL_SMALL = _small(_CIFAR10_CONVOLUTIONAL, hidden=1600, units=(100,), r1=2.0)
_CONVOLUTIONAL_SMALL = dataclasses.replace(
    _CONVOLUTIONAL_SMALL,
    G=dataclasses.replace(
        _CONVOLUTIONAL_SMALL.G,
        init=(0.05, 0.1, 0.5),
        bilinear=True,
        batch_norm=True,
        output_lr_multiplier=0.01,
    ),
    D=dataclasses.replace(_CONVOLUTIONAL_SMALL.D, keep_prob_input=0.8, keep_prob_hidden=0.5),
    batch=64,
    lr=2e-4,
    lr_hold=0,
    lr_decay=1.0,
)

_PICTURES = Settings(
    G=GeneratorSettings(
        hidden=(), maps=16, batch_norm=True, init=(0.035,), bias_from_marginals=False
    ),
    D=DiscriminatorSettings(
        units=(), maps=32, init=(0.035,), keep_prob_input=1.0, keep_prob_hidden=1.0
    ),
    protocol="released",
    batch=32,
    prior="gaussian",
    optimiser="adam",
    lr=4e-4,
    lr_hold=12_000,
    lr_decay=1.0004,  # in the last third the rate falls by a factor of eleven
    momentum=0.5,
    momentum_end=0.5,
    adam_beta2=0.99,
    r1=0.125,
    r2=0.125,
    penalty_sigma=0.025,
    ema_decay=0.997,  # half-life 230 rounds
    augment=0.6,
    augment_below=4000,
    size=32,
    channels=3,
)

_SMALL = (
    "Narrower networks; Adam in place of SGD; the R1 penalty in place of D's dropout. By the "
    "published rules a game this narrow trains slowly, or D becomes too strong for G."
)
_FAST_WITH = "As `fast`; the networks of the unconditional game with {} as further inputs."

PRESETS: dict[str, Preset] = {
    "mnist": Preset(
        _MNIST,
        epochs=100.0,
        why="§5 and the released mnist.yaml. The published run had no stopping rule; continue with "
        "a larger --epochs. The moving average of G is saved together with the published, raw G.",
    ),
    "fast": Preset(
        _FAST,
        rounds=20_000,
        why="The published MNIST networks trained in five minutes. The R1 penalty in place of "
        "dropout allows four times the published learning rate without momentum, held until round "
        "8,000 and then reduced.",
        departures="R1 penalty in place of D's dropout; lr .4 without momentum; a faster schedule.",
    ),
    "mnist-conditional": Preset(
        _MNIST_CONDITIONAL,
        epochs=100.0,
        why="Conditional adversarial nets as published on MNIST (Mirza & Osindero 2014): the class "
        "is an input of both networks. The paper gives no initial weights, no dropout of the "
        "images and no length; these are those of `mnist`.",
        departures="Not an experiment of §5: networks and rules of Mirza & Osindero (2014), with "
        "the class as an input of both networks.",
    ),
    "fast-conditional": Preset(
        dataclasses.replace(
            _FAST, condition="classes", D=dataclasses.replace(_FAST.D, projection=True), r1=0.1
        ),
        rounds=20_000,
        why="`fast` with classes: G is given the class with z, and D is a projection discriminator "
        "(Miyato & Koyama 2018), with R1 of .1. --D.no-projection joins the class with x instead.",
        departures=_FAST_WITH.format("the class") + " D is a projection discriminator; R1 of .1.",
    ),
    "filling-in": Preset(
        dataclasses.replace(_FAST, condition="masks", lr=0.2),
        rounds=20_000,
        why="`fast` with random masks: G(z, x·m, m) fills in the hidden pixels of any mask m, as "
        "§7 proposes (extension 3). With lr .4 the game diverged within 700 rounds.",
        departures=_FAST_WITH.format("the known pixels and their mask") + " lr .2.",
    ),
    "tfd": Preset(
        _TFD,
        epochs=50.0,
        why="§5 and the released configuration, stage 1: G 8000 ReLU, 8000 sigmoid with bias −2, "
        "sparse output; D maxout 1200×5 twice; weight norms limited to 1.9365.",
    ),
    "tfd-stage2": Preset(
        _stage2(_TFD, 8000),
        epochs=22.0,
        why="§5 and the released configuration, stage 2: new bottom layers, 8000 ReLU and 100 "
        "sigmoid, under the three layers of a finished stage 1 (--onto); a new D; schedules start "
        "again.",
        onto="tfd",
    ),
    "tfd-small": Preset(
        _TFD_SMALL,
        rounds=12_000,
        why="TFD's stage 1 at a tenth of the width: faces in a quarter of an hour.",
        departures=_SMALL,
    ),
    "tfd-stage2-small": Preset(
        _stage2(_TFD_SMALL, 800),
        rounds=12_000,
        why="TFD's stage 2 on top of a run of tfd-small (--onto), with the same training rules.",
        onto="tfd-small",
        departures=_SMALL,
    ),
    "cifar10": Preset(
        _CIFAR10,
        epochs=100.0,
        why="§5 and the released configuration, fully connected: G 8000 ReLU, 8000 sigmoid, linear "
        "output; D maxout 1600×5 twice. The published run had no stopping rule.",
    ),
    "cifar10-small": Preset(
        _small(_CIFAR10, hidden=800, units=(160, 160), r1=10.0),
        rounds=12_000,
        why="CIFAR-10's fully connected networks at a tenth of the width, for a quarter of an "
        "hour. With the published initial weights of G's output, first images are about 13 times "
        "as bright as the data; here they are a tenth of what this width would need.",
        departures=_SMALL,
    ),
    "cifar10-convolutional": Preset(
        _CIFAR10_CONVOLUTIONAL,
        epochs=100.0,
        why="§5 and the released configuration: D three maxout convolutions and maxout 500×5, G "
        "ending in a transposed convolution from 10×10×80.",
    ),
    "cifar10-convolutional-small": Preset(
        _CONVOLUTIONAL_SMALL,
        rounds=4000,
        why="CIFAR-10's convolutional networks with a fifth of G's units and a quarter of D's "
        "maps, for a quarter of an hour. Batch normalisation makes samples depend on z; the "
        "bilinear start and the slow output layer reduce the checkerboard pattern.",
        departures="R1 penalty and D's dropout; Adam; batch normalisation in G; a deconvolution "
        "that starts as bilinear interpolation and learns at a hundredth of the rate. By the "
        "published rules none of 23 settings trained (docs/log/convolutional-small.md).",
    ),
    "pictures": Preset(
        _PICTURES,
        rounds=18_000,
        why="A folder of your own images, of any size and shape: small convolutional networks with "
        "batch normalisation in G and none in D, penalties R1 and R2 by finite differences, and "
        "DiffAugment if there are fewer than 4,000 images (docs/your-own-images.md).",
        departures="Convolutional networks; Adam; R1 and R2; augmentation.",
        cadence=Cadence(score_every=1000, score_samples=2000),  # 18 checks in 3 % of the time
        stretches=True,
    ),
    "quickstart": Preset(
        _QUICKSTART,
        rounds=7400,
        why="Digits in a minute on two cores: narrower networks by the rules of preset fast, with "
        "a shorter schedule. quickstart-2014 plays the published game.",
        departures="Narrower networks; R1 penalty in place of D's dropout; lr .4 without momentum; "
        "a short schedule.",
    ),
    "joint": Preset(
        _JOINT,
        rounds=1800,
        why="The joint game of §7 on small images: it also trains an encoder E (BiGAN, Donahue et "
        "al. 2017). A minute on one core; with SGD at the quickstart's rate it diverges.",
        departures="Not an experiment of §5: an encoder E as a third player; Adam; batch "
        "normalisation in G and E; R1 penalty in place of D's dropout; narrower networks.",
    ),
    "quickstart-2014": Preset(
        _QUICKSTART_2014,
        rounds=9000,
        why="The published game with narrower networks, for two minutes on two cores.",
        departures="Narrower networks; constant learning rate and momentum.",
    ),
}
"""Every preset by its name."""


def run_folder(data: str, preset: str, seed: int) -> Path:
    """``runs/DATA-PRESET-SEED``."""
    return Path("runs") / f"{file_name(data)}-{preset}-{seed}"
