"""One lock for everything whose order matters: the history and the audit log.

One lock, not two, so that no two transactions can hold each other up. On SQLite every transaction is IMMEDIATE and is
the only writer already; on PostgreSQL an advisory lock does the same until the transaction ends.
"""

from typing import Final

from django.db import connection

_HOUSE: Final = 0x52_75_6E_67
"""The number of the lock: "Rung"."""


class NoTransaction(RuntimeError):
    """The lock lasts as long as a transaction, and there is none."""


def hold() -> None:
    """Makes this transaction the only one that writes history, standings or audit, until it ends."""
    if not connection.in_atomic_block:
        raise NoTransaction("open a transaction before holding the lock")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_HOUSE])
