"""A bad setting fails at the start, loudly and in words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = "from rung import settings as s; print(s.PUBLIC_URL, s.DATABASES['default']['NAME'], s.SESSION_COOKIE_SECURE)"


def started(tmp: Path, **told: str) -> subprocess.CompletedProcess[str]:
    """A fresh process that reads the settings in an empty folder."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("RUNG_", "PUBLIC_URL"))}
    return subprocess.run(
        [sys.executable, "-c", SHOW], env={**plain, **told}, cwd=tmp, capture_output=True, text=True, check=False
    )


def test_mail_is_the_firms_where_its_name_is_told(tmp_path: Path) -> None:
    show = "from rung import settings as s; print(s.DEFAULT_FROM_EMAIL)"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("RUNG_", "PUBLIC_URL"))}
    said = [
        subprocess.run(
            [sys.executable, "-c", show],
            env={**plain, **told},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for told in ({}, {"RUNG_FIRM": "Quay, Sons  & Co", "PUBLIC_URL": "https://rung.quay.example"})
    ]
    assert said == ["Rung <rung@localhost>", '"Quay, Sons & Co" <rung@rung.quay.example>']


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"PUBLIC_URL": "rung.acme.example"}, "write the address people open"),
        ({"PUBLIC_URL": "https://rung.acme.example/path"}, "write the address people open"),
        ({"RUNG_DATABASE_URL": "mysql://x/y"}, "starts with 'mysql'"),
        ({"RUNG_DATABASE_URL": "postgresql://host"}, "write postgresql://user:password@host:5432/name"),
        ({"RUNG_DEMO": "maybe"}, "write yes or no"),
        ({"RUNG_SECRET_KEY": "short"}, "shorter than 32 characters"),
        ({"RUNG_HOME": "/proc/nowhere"}, "cannot be written"),
        ({"RUNG_TRUSTED_PROXIES": "*"}, "write addresses or networks, as 127.0.0.1 10.0.0.0/8"),
        ({"RUNG_TRUSTED_PROXIES": "10.0.0.1/8"}, "has host bits set"),
        ({"RUNG_TRUSTED_PROXIES": "127.0.0.1, 0.0.0.0/0"}, "then anybody could say to be anybody"),
    ],
)
def test_a_bad_setting_says_what_to_write(tmp_path: Path, told: dict[str, str], words: str) -> None:
    result = started(tmp_path, **told)
    assert result.returncode != 0
    assert words in result.stderr.splitlines()[-1]


def test_a_new_home_gets_a_secret_that_only_its_owner_reads_and_keeps_it(tmp_path: Path) -> None:
    result = started(tmp_path)
    assert result.stdout.split() == ["http://localhost:8000", str(tmp_path / "var/rung.sqlite3"), "False"]
    kept = tmp_path / "var/secret-key"
    assert kept.stat().st_mode & 0o777 == 0o600
    first = kept.read_text()
    started(tmp_path)
    assert kept.read_text() == first


def test_a_dotenv_file_is_read_and_the_environment_beats_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nPUBLIC_URL='https://a.example'\nexport RUNG_HOME=kept\n")
    assert started(tmp_path).stdout.split() == ["https://a.example", str(tmp_path / "kept/rung.sqlite3"), "True"]
    assert started(tmp_path, PUBLIC_URL="https://b.example").stdout.startswith("https://b.example")
    (tmp_path / ".env").write_text("PUBLIC_URL\n")
    assert ".env, line 1: write NAME=value" in started(tmp_path).stderr


def test_the_sqlite_in_use_has_no_wal_reset_race() -> None:
    import sqlite3

    from rung import sqlite

    assert tuple(map(int, sqlite3.sqlite_version.split("."))) >= sqlite.OLDEST
