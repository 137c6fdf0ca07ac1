"""The three kinds of games: on the line, in the plane, and on images."""

from adversarial_nets.datasets import Dataset
from adversarial_nets.plots.style import to_png
from adversarial_nets.toys import images, line, plane, plot_line, plot_plane
from adversarial_nets.toys.distributions import Toy
from adversarial_nets.toys.recording import GameKind

__all__ = ["IMAGES", "LINE", "PLANE"]

LINE: GameKind[Toy, line.Evaluator, line.Snapshot] = GameKind(
    name="line",
    settings=line.SETTINGS,
    new_game=line.new_game,
    new_evaluator=line.new_evaluator,
    take_snapshot=line.take_snapshot,
    metrics=line.metrics,
    png=lambda evaluator, snapshot: to_png(plot_line.plot_snapshot(evaluator, snapshot)),
)
"""Games on one-dimensional toys: p_g, D* and C(G) are exact."""

PLANE: GameKind[Toy, plane.Evaluator, plane.Snapshot] = GameKind(
    name="plane",
    settings=plane.SETTINGS,
    new_game=plane.new_game,
    new_evaluator=plane.new_evaluator,
    take_snapshot=plane.take_snapshot,
    metrics=plane.metrics,
    png=lambda evaluator, snapshot: to_png(plot_plane.plot_snapshot(evaluator, snapshot)),
)
"""Games on two-dimensional toys: measures compare samples with the true density."""

IMAGES: GameKind[Dataset, images.Evaluator, images.Snapshot] = GameKind(
    name="images",
    settings=images.SETTINGS,
    new_game=images.new_game,
    new_evaluator=images.new_evaluator,
    take_snapshot=images.take_snapshot,
    metrics=images.metrics,
    png=images.samples_png,
)
"""Games on small images, whose density is unknown."""
