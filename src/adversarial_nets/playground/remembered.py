"""Games that a page has left, so that Back, a reload or a lost connection does not replay them.

All pages of a server share them: equal scripts give equal games, bit for bit.
"""

import threading
from collections import OrderedDict

from adversarial_nets import replay
from adversarial_nets.playground import limits
from adversarial_nets.playground.game_slot import GameSlot
from adversarial_nets.replay import Script

__all__ = ["recall", "remember"]

_games: OrderedDict[str, GameSlot] = OrderedDict()
_lock = threading.Lock()  # games are played in several threads


def remember(slot: GameSlot) -> None:
    """Keep a copy of a game; the oldest one is forgotten."""
    if slot.game.round == 0 or slot.diverged:
        return
    slot = slot.copy()
    slot.stop_here()
    with _lock:
        key = replay.command(slot.script)
        _games[key] = slot
        _games.move_to_end(key)
        while len(_games) > limits.MAX_REMEMBERED:
            _games.popitem(last=False)


def recall(script: Script, resume: bool = False) -> GameSlot:
    """The script's game: a copy of the latest remembered state of it, or a new game at round 0.

    Args:
        script: the game.
        resume: continue a game that went on after its page had last heard of it: take the next
            remembered state from the script's last round on, if there is one.
    """
    with _lock:
        games = list(_games.values())
        known = [slot for slot in games if _leads_to(slot.script, script)]
        later = [slot for slot in games if resume and _leads_to(script, slot.script)]
        if later:
            slot = min(later, key=lambda slot: slot.game.round).copy()
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
    """Whether the script begins with what was played."""
    same, later = script.changes[: len(played.changes)], script.changes[len(played.changes) :]
    return (
        (played.data, played.settings, played.changes) == (script.data, script.settings, same)
        and played.rounds <= script.rounds
        and all(at >= played.rounds for at, _ in later)
    )
