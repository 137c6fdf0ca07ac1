"""The boards: a panel for each kind of game, made of Bokeh figures and the numbers that fill them.

The server makes the figures once for each game and sends them to the page as JSON. After that it
sends only numbers, by the names of the data sources and columns that they fill.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.embed import json_item
from bokeh.plotting import figure

from adversarial_nets.playground.boards import chart, images, line, plane
from adversarial_nets.playground.boards.style import THEMES, Texts, Theme
from adversarial_nets.playground.words import WORDS, Language
from adversarial_nets.replay import Evaluator, Snapshot
from adversarial_nets.state import Game

__all__ = ["BOARDS", "Board", "figures_json"]


@dataclass(frozen=True)
class Board:
    """The functions that make the board of one kind of game.

    Attributes:
        draw: makes the figure, without the numbers of a snapshot.
        columns: returns the numbers of a snapshot, by data source and column of the figure.
        center_and_spread: returns the mean and the spread of the samples, in units of the data's
            spread.
        for_history: returns a snapshot without the arrays that the board does not show.
        gradient_arrows: returns the numbers of the arrows along the gradient of G's objective.
    """

    draw: Callable[[Evaluator, Texts, Theme], figure]
    columns: Callable[[Evaluator, Snapshot], dict[str, Any]]
    center_and_spread: Callable[[Evaluator, Snapshot], tuple[list[float], float]]
    for_history: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot
    gradient_arrows: Callable[[Evaluator, Snapshot, Game], dict[str, Any]] = (
        lambda evaluator, snapshot, game: {}
    )


BOARDS: Mapping[str, Board] = {
    "line": Board(line.draw, line.columns, line.center_and_spread),
    "plane": Board(
        plane.draw, plane.columns, plane.center_and_spread, plane.for_history, plane.gradient_arrows
    ),
    "images": Board(images.draw, images.columns, images.center_and_spread),
}
"""The board of each kind of game."""


def figures_json(
    kind: str, evaluator: Evaluator, game: int, language: Language, theme_name: str
) -> dict[str, Any]:
    """The figures of a game as Bokeh JSON: ``main``, the board; ``chart``, V; ``metric``, metrics.

    Args:
        kind: the kind of game.
        evaluator: the game's evaluator.
        game: 0 or 1; the page's elements are named after it.
        language: language of the texts in the figures.
        theme_name: ``light`` or ``dark``.
    """
    main = BOARDS[kind].draw(evaluator, _texts(language), THEMES[theme_name])
    density_known = getattr(evaluator, "p_data", None) is not None
    charts = _charts_json(density_known, game, language, theme_name)
    return {"main": json_item(main, f"main-{game}"), **charts}


@functools.cache
def _charts_json(
    density_known: bool, game: int, language: Language, theme_name: str
) -> dict[str, Any]:
    """``chart`` and ``metric`` of `figures_json`: the same for all data."""
    texts, theme = _texts(language), THEMES[theme_name]
    figures = {
        "chart": chart.draw(density_known, texts, theme),
        "metric": chart.draw_metrics(texts, theme),
    }
    return {name: json_item(f, f"{name}-{game}") for name, f in figures.items()}


def _texts(language: Language) -> dict[str, str]:
    """All texts of one language, by their names."""
    return {name: text[language] for name, text in WORDS.items()}
