"""Limits on the requests of one browser page, so that one process can serve several pages.

`validation` and `messages` enforce them. Limits on pages and connections are in `server`.
"""

from collections.abc import Mapping

from adversarial_nets.settings import LIVE

MAX_HISTORY = 120
"""Maximum number of snapshots that are kept of each game."""
MAX_REMEMBERED = 16
"""Maximum number of games, of all pages together, that are kept after their page was left."""
MAX_ROUNDS = 30_000
"""Rounds of a game."""
MAX_CHANGES = 200
"""Maximum number of rounds of a game at which settings change."""
MAX_POINTS = 2000
"""Maximum number of points of a user's own data set."""
MAX_UPLOAD_CHARACTERS = 200_000
"""Characters of pasted or uploaded text."""
MAX_STROKE_POINTS = 20_000
"""Points of a drawing."""
MAX_DATA_CHARACTERS = 60_000
"""Maximum length of the ``data`` field in a message; it may contain data points."""

MAX_LAYERS = 4
"""Hidden layers of a network."""
MAX_UNITS = 512
"""Units of a hidden layer."""
MAX_WEIGHTS = 4_000_000
"""Weights of both networks together: 64 MB with their gradients and Adam's two moments."""
MAX_WORK = 10e9
"""Maximum number of multiplications in one round: about a second on one core, while other pages
wait."""

MAX_VALUES: Mapping[str, float] = {
    "k": 50,
    "g_steps": 50,
    "r1": 1000,
    "r2": 1000,
    "batch": 2048,
    "z_size": 128,
    "D.pieces": 8,
    "lr": 10,
    "d_lr_multiplier": 100,
    "momentum_epochs": 10_000,
    "G.init": 100,
    "D.init": 100,
    "head_start": MAX_ROUNDS,
    "lr_hold": MAX_ROUNDS,
}
"""The largest value of each of these settings."""

LAYER_SETTINGS = ("G.hidden", "D.units")
"""Settings that list the units of each hidden layer."""

ALLOWED_SETTINGS = frozenset(
    {*LIVE, *MAX_VALUES, *LAYER_SETTINGS}
    | {"G.activations", "D.activation", "prior", "seed", "protocol"}
    | {"ema_decay", "joint", "condition"}
)
"""The settings that a page may change."""

SPEEDS = (1, 2, 5, 10, 20, 50, 100, 200)
"""Rounds of Algorithm 1 between two displayed frames, to choose from."""
FIRST_SPEED: Mapping[str, int] = {"line": 5, "plane": 10, "images": 20}
"""The default speed of each kind of game."""
TRAINED_ROUNDS: Mapping[str, int] = {"line": 600, "plane": 2000, "images": 3000}
"""The round of each kind of game at which a trained start begins."""
