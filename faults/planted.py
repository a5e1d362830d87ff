"""Runs Rung with a bug in it, by name, so that the fault tests can be seen to fail.

python faults/planted.py BUG web --fd 3
"""

import sys
import time
from typing import Any


def acknowledged_before_the_commit() -> None:
    """The collector says yes when the events are in its memory."""
    from rung.capture.collector import inbox

    hand_in = inbox.Writer.hand_in

    def too_early(self: Any, items: Any, token: Any) -> bool:
        time.sleep(0)
        self._tell([token], True)
        return hand_in(self, items, None)

    append = inbox.Inbox.append

    def slow(self: Any, items: Any) -> None:
        time.sleep(1.0)  # wide enough to be hit by a few kills
        append(self, items)

    inbox.Writer.hand_in, inbox.Inbox.append = too_early, slow  # type: ignore[method-assign]


def deleted_before_the_transaction() -> None:
    """The worker takes rows out of the inbox before the main database holds them."""
    from rung.capture.collector import inbox, taking

    after = inbox.Inbox.after

    def emptied(self: Any, position: int, limit: int) -> Any:
        found = after(self, position, limit)
        if found:
            self.delete_up_to(found[-1].number)
        return found

    take = taking.take

    def slow(*given: Any, **named: Any) -> Any:
        messages = take(*given, **named)
        time.sleep(1.0)  # wide enough to be hit by a few kills
        return messages

    inbox.Inbox.after, taking.take = emptied, slow  # type: ignore[method-assign]


BUGS = {
    "ack-before-commit": acknowledged_before_the_commit,
    "delete-before-commit": deleted_before_the_transaction,
}


if __name__ == "__main__":
    bug = sys.argv.pop(1)
    from rung import sqlite

    sqlite.install()
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rung.settings")
    import django

    django.setup()
    BUGS[bug]()
    from rung.cli import main

    main()
