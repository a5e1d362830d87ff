"""A PostgreSQL for the tests: the one RUNG_TEST_DATABASE_URL names, else a throw-away server from installed binaries.

`server_url()` starts it on first use and stops it when the process ends. Where there is neither, tests skip visibly
and say what to install, except in CI, where they fail.
"""

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


def server_url() -> str:
    """The address of the database `postgres` on the server; skips the test, or fails it in CI, when there is none."""
    url = os.environ.get("RUNG_TEST_DATABASE_URL", "").strip() or _started()
    if url is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI must test PostgreSQL: {why_not()}")
        pytest.skip(why_not())
    return url


def why_not() -> str:
    """What is missing for tests on PostgreSQL."""
    return "no PostgreSQL: set RUNG_TEST_DATABASE_URL, or install its server (apt install postgresql)"


@functools.cache
def _started() -> str | None:
    binaries = _binaries()
    if binaries is None:
        return None
    home = Path(tempfile.mkdtemp(prefix="rung-pg-"))
    user = _unprivileged(home)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(binaries / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=home,
        )

    data = str(home / "data")
    run("initdb", "-D", data, "-U", "rung", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
    run("pg_ctl", "-D", data, "-w", "-o", f"{options} -k {home}", "-l", str(home / "log"), "start")

    @atexit.register
    def stop() -> None:
        if os.getpid() == owner:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
            shutil.rmtree(home, ignore_errors=True)

    owner = os.getpid()
    return f"postgresql://rung@/postgres?host={home}"


def _binaries() -> Path | None:
    """The folder of the newest server that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    on_path = shutil.which("initdb")
    if found:
        return found[0].parent
    return Path(on_path).resolve().parent if on_path else None


def _unprivileged(home: Path) -> str | None:
    """PostgreSQL refuses to run as root: hand the folder to somebody else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in ("postgres", "nobody") if name in known)
    shutil.chown(home, user)
    home.chmod(0o755)
    return user
