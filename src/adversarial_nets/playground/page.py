"""Render the page: its texts, the data to choose from, and the controls of the settings."""

import functools
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import jinja2

from adversarial_nets.objectives import OBJECTIVES
from adversarial_nets.optimisers import OPTIMISERS
from adversarial_nets.playground.boards import chart
from adversarial_nets.playground.glossary import GLOSSARY
from adversarial_nets.playground.lessons import LESSONS
from adversarial_nets.playground.limits import MAX_ROUNDS, MAX_VALUES, SPEEDS
from adversarial_nets.playground.thumbnails import thumbnail
from adversarial_nets.playground.words import WORDS, Language
from adversarial_nets.settings import LIVE, PriorName
from adversarial_nets.toys import catalogue

__all__ = ["CONTROLS", "WEB_FOLDER", "Control", "render"]

WEB_FOLDER = Path(__file__).parent / "web"
"""The page's template, styles and scripts."""


@dataclass(frozen=True)
class Control:
    """The input field of one setting.

    Attributes:
        setting: the setting's dotted name.
        choices: the values to choose from; empty for a number that is typed.
        least: the smallest number.
        whole: whether the number must be whole.
        layers: whether the setting is a list of layer sizes, shown as layers × units.
        rate: the network, if the field shows its learning rate; it changes only that network's
            rate.
        board: the only kind of game that has the setting; "" for all.
    """

    setting: str
    choices: Collection[str] = ()
    least: int = 0
    whole: bool = False
    layers: bool = False
    rate: str = ""
    board: str = ""

    @property
    def live(self) -> bool:
        """Whether the setting can change during a game."""
        return self.setting in LIVE


CONTROLS = (
    Control("objective", OBJECTIVES.keys()),  # a view: includes later additions
    Control("k", least=1, whole=True),
    Control("g_steps", least=1, whole=True),
    Control("lr", rate="G"),
    Control("d_lr_multiplier", rate="D"),
    Control("r1"),
    Control("r2"),
    Control("optimiser", tuple(OPTIMISERS)),
    Control("optimiser_D", ("None", *OPTIMISERS)),
    Control("batch", least=1, whole=True),
    Control("D.keep_prob_hidden", ("1.0", "0.9", "0.8", "0.5", "0.3")),
    Control("G.hidden", layers=True),
    Control("G.activations", ("relu", "sigmoid")),
    Control("D.units", layers=True),
    Control("D.activation", ("maxout", "relu")),
    Control("prior", get_args(PriorName)),
    Control("z_size", least=1, whole=True),
    Control("joint", ("false", "true"), board="plane"),
    Control("ema_decay", ("0", "0.9", "0.99", "0.999"), board="plane"),
    Control("condition", ("None", "classes"), board="images"),
    Control("seed", whole=True),
)


@functools.lru_cache(maxsize=16)
def render(lang: Language, command_line_data: str, latent: bool) -> str:
    """Render the page in one language; it also contains the texts of the other language.

    Args:
        lang: ``en`` or ``zh``.
        command_line_data: the data named on the command line.
        latent: whether the command line names a trained run, whose latent space can be explored.
    """
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    data_by_kind = {
        "line": [name for name, toy in catalogue.TOYS.items() if toy.pixels == 1],
        "plane": [name for name, toy in catalogue.TOYS.items() if toy.pixels == 2],
        "images": ["mnist-5k"],
    }
    listed = {name for names in data_by_kind.values() for name in names}
    default_data = {kind: names[0] for kind, names in data_by_kind.items()}
    config = {
        "words": WORDS,
        "glossary": {
            lang: {term[lang]: meaning[lang] for term, meaning in GLOSSARY} for lang in ("en", "zh")
        },
        "defaultData": default_data | {"plane": "ring-of-gaussians"},
        "maxRounds": MAX_ROUNDS,
        "lowestV": chart.LOWEST,
    }
    return jinja.get_template("page.html").render(
        lang=lang,
        words={name: text[lang] for name, text in WORDS.items()},
        config=json.dumps(config, ensure_ascii=False).replace("<", "\\u003c"),
        data_by_kind=data_by_kind,
        other_data=None if command_line_data in listed else command_line_data,
        thumbnails={name: thumbnail(name) for name in (*listed, command_line_data)},
        latent=latent,
        speeds=SPEEDS,
        lessons=list(LESSONS),
        controls=CONTROLS,
        max_rounds=MAX_ROUNDS,
        max_values=MAX_VALUES,
    )
