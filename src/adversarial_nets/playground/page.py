"""The page: its words, and the controls that change a game's settings, laid into `page.html`."""

import json
from dataclasses import dataclass
from pathlib import Path

import jinja2

from adversarial_nets.playground.game_session import MOST, SPEEDS
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.words import WORDS
from adversarial_nets.settings import LIVE
from adversarial_nets.toys import catalogue

__all__ = ["CONTROLS", "Control", "render"]


@dataclass(frozen=True)
class Control:
    """What sets one option.

    Attributes:
        option: of `Settings`.
        choices: the values to choose from; none for a number that is typed.
        least: the least number, and by which it must be divisible where it is whole.
        layers: whether the option is a list of widths, shown as layers × units.
    """

    option: str
    choices: tuple[str, ...] = ()
    least: int = 0
    whole: bool = False
    layers: bool = False

    @property
    def live(self) -> bool:
        """Whether it can change while the game is played."""
        return self.option in LIVE


CONTROLS = (
    Control("objective", ("non-saturating", "minimax")),
    Control("k", least=1, whole=True),
    Control("lr"),
    Control("d_lr_multiplier"),
    Control("optimiser", ("sgd", "adam")),
    Control("optimiser_D", ("None", "sgd", "adam")),
    Control("batch", least=1, whole=True),
    Control("D.keep_prob_hidden", ("1.0", "0.9", "0.8", "0.5", "0.3")),
    Control("G.hidden", layers=True),
    Control("G.activations", ("relu", "sigmoid")),
    Control("D.units", layers=True),
    Control("D.activation", ("maxout", "relu")),
    Control("prior", ("uniform", "gaussian", "spherical")),
    Control("z_size", least=1, whole=True),
    Control("seed", whole=True),
)


def render(lang: str, own_data: str, walk: bool) -> str:
    """The whole page in a language; it carries the other one's words too."""
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    kinds = {
        "line": [name for name, toy in catalogue.TOYS.items() if toy.pixels == 1],
        "plane": [name for name, toy in catalogue.TOYS.items() if toy.pixels == 2],
        "images": ["mnist-5k"],
    }
    told = {
        "words": WORDS,
        "own": own_data,
        "known": [name for names in kinds.values() for name in names],
        "first": {kind: names[0] for kind, names in kinds.items()} | {"plane": "ring-of-gaussians"},
    }
    return jinja.get_template("page.html").render(
        lang=lang,
        words={name: both[lang] for name, both in WORDS.items()},
        told=json.dumps(told, ensure_ascii=False).replace("<", "\\u003c"),
        kinds=kinds,
        own=own_data if own_data not in told["known"] else None,
        walk=walk,
        speeds=SPEEDS,
        lessons=list(LESSONS),
        controls=CONTROLS,
        most=MOST,
    )
