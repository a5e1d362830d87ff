"""Puts a SQLite without the WAL-reset race in place of the system's, before anything else loads one."""

import sys
from typing import Final

OLDEST: Final = (3, 51, 3)
"""3.7.0 to 3.51.2 can lose committed writes in WAL mode with several connections; 3.51.3 is the first without it."""


class UnsafeSqlite(RuntimeError):
    """The SQLite at hand has the WAL-reset race; nothing may be written with it."""


def install() -> tuple[int, ...]:
    """Makes `import sqlite3` mean pysqlite3 in this process; returns the version. Call before Django loads."""
    import pysqlite3
    from pysqlite3 import dbapi2

    version = tuple(int(part) for part in dbapi2.sqlite_version.split("."))
    if version < OLDEST:
        raise UnsafeSqlite(
            f"SQLite {dbapi2.sqlite_version} can lose committed writes (WAL-reset race): "
            f"{'.'.join(map(str, OLDEST))} or newer is needed; install pysqlite3 0.6.1 or newer"
        )
    # The driver searches long for how to store what is none of its four types: a microsecond for each None and truth.
    for type_, adapter in ((type(None), lambda nothing: nothing), (bool, int), (bytes, bytes)):
        dbapi2.register_adapter(type_, adapter)
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = dbapi2
    return version
