"""Time alone moves people: whoever's time has come is looked at again."""

from rung.lifecycle import actions

_AT_A_TIME = 200
_MOST_BATCHES = 50


def look_again(at: int) -> None:
    """One turn: batches of people whose time has come, each in its own transaction, so that nobody waits long."""
    for _ in range(_MOST_BATCHES):
        if actions.look_again(at=at, limit=_AT_A_TIME) < _AT_A_TIME:
            return
