"""Keep games that a page has left, so that Back, a reload or a lost connection is fast.

All pages of a server share these games, because equal scripts give equal games, bit for bit. A game
may have continued after the page's last message; then only the same page gets it back at the later
round.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from adversarial_nets import replay
from adversarial_nets.playground import limits
from adversarial_nets.playground.game_slot import GameSlot
from adversarial_nets.replay import Script

__all__ = ["leave", "recall", "remember"]

_games: OrderedDict[str, GameSlot] = OrderedDict()
_left: OrderedDict[str, list[GameSlot]] = OrderedDict()  # by the page's identifier
_lock = threading.Lock()  # games are played in several threads


def remember(slot: GameSlot) -> GameSlot | None:
    """Keep a copy of a game, and return it; the oldest copy is dropped."""
    if slot.game.round == 0 or slot.diverged:
        return None
    slot = slot.copy()
    slot.stop_here()
    with _lock:
        key = replay.command(slot.script)
        _games[key] = slot
        _games.move_to_end(key)
        while len(_games) > limits.MAX_REMEMBERED:
            _games.popitem(last=False)
    return slot


def leave(page: str, slots: Iterable[GameSlot]) -> None:
    """Keep the games of a page whose connection ends; the page may request them again."""
    kept = [copy for slot in slots if (copy := remember(slot)) is not None]
    with _lock:
        _left[page] = kept
        _left.move_to_end(page)
        while len(_left) > limits.MAX_REMEMBERED:
            _left.popitem(last=False)


def recall(script: Script, page: str | None = None) -> GameSlot:
    """The script's game: a copy of its latest kept state, or a new game at round 0.

    Args:
        script: the game.
        page: identifier of a page that reconnects: its own games are used even if they continued
            after the last message that the page received.
    """
    with _lock:
        known = [slot for slot in _games.values() if _leads_to(slot.script, script)]
        later = [slot for slot in _left.get(page or "", []) if _leads_to(script, slot.script)]
        if later:
            slot = later[0].copy()
            script = slot.script
        elif known:
            slot = max(known, key=lambda slot: slot.game.round).copy()
        else:
            slot = None
    if slot is None:
        return GameSlot.from_script(script)
    slot.script = script
    if slot.entry(-1).snapshot.round < slot.game.round:
        slot.take_snapshot("both")
    return slot


def _leads_to(played: Script, script: Script) -> bool:
    """Whether the played game is the script's game at an earlier round or at the same round."""
    same, later = script.changes[: len(played.changes)], script.changes[len(played.changes) :]
    return (
        (played.data, played.settings, played.changes) == (script.data, script.settings, same)
        and played.rounds <= script.rounds
        and all(at >= played.rounds for at, _ in later)
    )
