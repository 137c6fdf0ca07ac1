"""Small playground games that several tests share."""

from typing import Any

from adversarial_nets.playground.messages import handle
from adversarial_nets.playground.session import Session

SMALL = {"G.hidden": [8], "G.init": [4.0, 0.2], "D.units": [6, 6], "batch": 32}
"""Settings of small networks for data on a line or in the plane."""

Message = dict[str, Any]


def new_session(data: str = "gaussian", games: int = 1) -> Session:
    """A session with one or two games of small networks."""
    session = Session(data)
    state = {"data": data, "games": [{"settings": SMALL}] * games}
    handle(session, {"type": "open", "state": state})
    return session


def last(messages: list[Message], kind: str) -> Message:
    """The last message of that type."""
    return [message for message in messages if message["type"] == kind][-1]


def catch_up(session: Session) -> None:
    """Play until the session has nothing left to play."""
    while session.busy:
        session.tick()
