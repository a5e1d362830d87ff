"""The fault procedures in small: they keep, and with a bug planted they break."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CLIENT: Final = ROOT / "tests" / "clients" / "installed" / "python-2.4"

pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.skipif(not CLIENT.is_dir(), reason="Segment's client is not installed: run tests/clients/install"),
]


def procedure(*words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "faults" / "run.py"), *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.one_database
def test_what_was_acknowledged_is_there_once_whoever_is_killed(empty_house: Path) -> None:
    found = procedure("killing", "--events", "2000", "--kills", "2", "--pace", "5", "--empty", str(empty_house))
    assert (found["lost"], found["doubled"], found["given_up_by_the_client"]) == (0, 0, 0)
    assert (found["acknowledged"], found["there"], found["outcomes"]["accepted"]) == (2_000, 2_000, 2_000)
    assert found["is_kept"]
