"""Published experiments and their variants: every setting written out, with its source."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adversarial_nets.errors import unknown_name
from adversarial_nets.settings import DiscriminatorSettings, GeneratorSettings, Settings

__all__ = [
    "PRESETS",
    "Preset",
    "preset_for",
    "run_folder",
]


@dataclass(frozen=True)
class Preset:
    """A named experiment: its settings, how long it runs, and why its numbers are what they are.

    Exactly one of `epochs` and `rounds` is given. `onto` names the preset whose finished run lends
    its generator as this one's top layers. `published`: the nets and rules are those of §5.
    """

    settings: Settings
    why: str
    epochs: float | None = None
    rounds: int | None = None
    onto: str | None = None
    published: bool = False


_TFD = Settings(
    G=GeneratorSettings(
        hidden=(8000, 8000), activations=("relu", "sigmoid"), bias=(0.0, -2.0), sparse=100
    ),
    D=DiscriminatorSettings(units=(1200, 1200)),
    prior="gaussian",
    lr=0.05,
    max_norm=1.9365,
    ema_decay=0.9995,
)
_CIFAR10 = Settings(
    G=GeneratorSettings(
        hidden=(8000, 8000),
        activations=("relu", "sigmoid"),
        output="linear",
        init=(0.05, 0.05, 0.5),
        bias_from_marginals=False,
    ),
    D=DiscriminatorSettings(units=(1600, 1600)),
    prior="gaussian",
    lr=0.025,
    ema_decay=0.9995,
)
_CONVOLUTIONAL = dataclasses.replace(
    _CIFAR10,
    G=dataclasses.replace(_CIFAR10.G, init=(0.05,), deconvolution=True),
    D=DiscriminatorSettings(convolutions=(32, 32, 192), units=(500,)),
    lr=0.004,
    batch=128,
)


def _small(
    settings: Settings, hidden: int, units: tuple[int, ...], outputs: float, r1: float
) -> Settings:
    """Narrower nets in a game that shows something within minutes.

    Initial ranges grow as the nets narrow, so that each layer's values start as large. By the
    published rules such a game is slow (SGD) or soon lost (D runs away): both players use Adam,
    without momentum, and D pays for being steep on data (R1) in place of dropout.
    """
    wider = math.sqrt(8000 / hidden)
    return dataclasses.replace(
        settings,
        G=dataclasses.replace(
            settings.G, hidden=(hidden, hidden), init=(0.05, 0.05 * wider, outputs * wider)
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


def _stage2(stage1: Settings, hidden: int) -> Settings:
    """TFD's stage 2: 100 → hidden ReLU → 100 sigmoid (bias −2) under the layers of stage 1."""
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


_CONVOLUTIONAL_SMALL = _small(_CONVOLUTIONAL, hidden=1600, units=(100,), outputs=0.05, r1=2.0)
_TFD_SMALL = _small(_TFD, hidden=800, units=(240, 240), outputs=0.05, r1=4.0)

_WHY_SMALL = (
    "By the published rules so narrow a game is slow, or D runs away with it; so this departs from "
    "§5: both players use Adam, and D pays for being steep on data (R1) in place of dropout."
)

PRESETS: Mapping[str, Preset] = {
    "mnist": Preset(
        Settings(ema_decay=0.9995),
        epochs=100.0,
        why="§5 and the released configuration: G 1200-1200 ReLU, D maxout 240×5 twice, lr .1 "
        "that barely decays, momentum .5 rising to .7. The published run had no stopping rule; "
        "raise --epochs to go on. The averaged generator is kept beside the raw one, which is the "
        "published one, and takes no part in the game.",
        published=True,
    ),
    "fast": Preset(
        Settings(
            D=DiscriminatorSettings(keep_prob_input=1.0, keep_prob_hidden=1.0),
            r1=0.3,
            lr=0.4,
            lr_hold=8000,
            lr_decay=1.0003,
            momentum=0.0,
            momentum_end=0.0,
            ema_decay=0.9995,
        ),
        rounds=20_000,
        why="The published MNIST nets, in five minutes. In place of dropout D pays for being steep "
        "on data (R1). Such a D does not run away, so the rate can be four times the published "
        "one, without momentum, until it falls from round 8,000 on.",
    ),
    "tfd": Preset(
        _TFD,
        epochs=50.0,
        why="§5 and the released configuration, stage 1: G 8000 ReLU, 8000 sigmoid that starts at "
        "a bias of −2, sparse output; D maxout 1200×5 twice; weights of norm 1.9365 at most. "
        "Stage 2 goes on from it.",
        published=True,
    ),
    "tfd-stage2": Preset(
        _stage2(_TFD, 8000),
        epochs=22.0,
        why="§5 and the released configuration, stage 2: a new bottom, 8000 ReLU and 100 sigmoid, "
        "under the three layers of a stage 1 (--onto), a fresh D, schedules from the start.",
        onto="tfd",
        published=True,
    ),
    "tfd-small": Preset(
        _TFD_SMALL,
        rounds=12_000,
        why="TFD's stage 1 at a tenth of the width, for faces in a quarter of an hour. "
        + _WHY_SMALL,
    ),
    "tfd-stage2-small": Preset(
        _stage2(_TFD_SMALL, 800),
        rounds=12_000,
        why="TFD's stage 2 on top of a run of tfd-small (--onto), by the same rules as that run.",
        onto="tfd-small",
    ),
    "cifar10": Preset(
        _CIFAR10,
        epochs=100.0,
        why="§5 and the released configuration, fully connected: G 8000 ReLU, 8000 sigmoid, linear "
        "output; D maxout 1600×5 twice. The published run had no stopping rule.",
        published=True,
    ),
    "cifar10-small": Preset(
        _small(_CIFAR10, hidden=800, units=(160, 160), outputs=0.05, r1=10.0),
        rounds=12_000,
        why="CIFAR-10's fully connected nets at a tenth of the width, for a quarter of an hour. "
        + _WHY_SMALL
        + " The published first weights of G's output make images some 13 times as bright as the "
        "data's; these are a tenth as large.",
    ),
    "cifar10-convolutional": Preset(
        _CONVOLUTIONAL,
        epochs=100.0,
        why="§5 and the released configuration: D three maxout convolutions and maxout 500×5, G "
        "ending in a transposed convolution from 10×10×80.",
        published=True,
    ),
    "cifar10-convolutional-small": Preset(
        dataclasses.replace(
            _CONVOLUTIONAL_SMALL,
            G=dataclasses.replace(
                _CONVOLUTIONAL_SMALL.G,
                init=(0.05, 0.1, 0.5),
                bilinear=True,
                batch_norm=True,
                output_lr_multiplier=0.01,
            ),
            D=dataclasses.replace(
                _CONVOLUTIONAL_SMALL.D, keep_prob_input=0.8, keep_prob_hidden=0.5
            ),
            batch=64,
            lr=2e-4,
            lr_hold=0,
            lr_decay=1.0,
        ),
        rounds=4000,
        why="CIFAR-10's convolutional nets with a fifth of G's units and a quarter of D's maps, "
        "for a quarter of an hour. By the published rules they came to nothing in 23 tries (D "
        "wins, or G draws one image for every z), so this departs from §5: D pays for being steep "
        "on data (R1), which keeps the game even; both use Adam; G's hidden layers are "
        "batch-normalised, so that z always matters; and its deconvolution starts as bilinear "
        "interpolation and learns at a hundredth of the rate, against the grid of its stride.",
    ),
    "quickstart": Preset(
        Settings(
            # A third of the width learns digits in two minutes; the initial range grows by
            # √(1200/400) so that each layer's output starts as large as the published one's.
            G=GeneratorSettings(hidden=(400, 400), init=(0.0866,)),
            D=DiscriminatorSettings(units=(120, 120), pieces=3),
            # So short a run has no time for a schedule; it starts with the momentum that the
            # published one ends with.
            lr_decay=1.0,
            momentum=0.7,
            momentum_end=0.7,
            # The raw generator jitters at a constant rate; its average is what is shown.
            ema_decay=0.999,
        ),
        rounds=9000,
        why="The published game, narrower, for two minutes on two cores.",
    ),
}


def preset_for(data: str, name: str | None = None) -> tuple[str, Preset]:
    """The preset of that name, or the one that the data set picks by itself.

    >>> preset_for("mnist")[0], preset_for("mnist-5k")[0]
    ('mnist', 'quickstart')
    """
    own = {"tfd-96": "tfd", "tfd-standin": "tfd", "cifar10-copy": "cifar10"}.get(data, data)
    name = name or (own if own in PRESETS else "quickstart")
    if name not in PRESETS:
        raise unknown_name(name, list(PRESETS), "preset")
    return name, PRESETS[name]


def run_folder(data: str, preset: str, seed: int) -> Path:
    """``runs/DATA-PRESET-SEED``, the data's name made fit for a folder's."""
    name = "".join(c if c.isalnum() or c in "-._" else "-" for c in data)
    return Path("runs") / f"{name}-{preset}-{seed}"
