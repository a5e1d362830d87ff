"""A history brought in and a playbook put in force with all cores: other processes decide as one would have."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PUBLISHED = """
import json, sys
from rung import starting

starting.open_house()
starting.serve_no_pages()
from rung.demo import loading
from rung.lifecycle.deciding import compiling
from rung.lifecycle.many import again, deciders
from rung.lifecycle.models import Handoff, Mark, StageMove, Standing, State, Tally
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import rebuilding
from rung.people.models import Person, Trait
from rung.terms.instants import parse_instant

at = parse_instant("2026-11-02T12:00:00Z")
deciders.WORTH_IT = int(sys.argv[1])
if deciders.WORTH_IT:  # here plainly, row by row; beside from columns
    compiling.is_ready = lambda people: False
found, real = [], again.found
again.found = lambda *args, **named: (found.append(1), real(*args, **named))[1]


def rows_of(rows, *hidden):
    left_out = ("id", "uuid", *hidden)
    told = [{name: value for name, value in row.items() if name not in left_out} for row in rows.values()]
    return sorted(json.dumps(row, sort_keys=True) for row in told)


loading.load(people=120, months=6, seed=3, now=at)
text = loading.signed(at=at, now=at).text.replace("score >= 50", "score >= 30")
done = publishing.publish(text, by="cli", at=at)
told = {"people": done.people, "moved": done.moved, "found here": len(found)}
for model in (Standing, StageMove, Tally, Mark):
    told[model.__name__] = rows_of(model.objects.filter(generation_id=done.generation_id), "generation_id")
    told[f"{model.__name__} brought in"] = rows_of(model.objects.exclude(generation_id=done.generation_id))
for model in (Person, Trait, Handoff):
    told[model.__name__] = rows_of(model.objects)
told["states"] = State.objects.filter(generation_id=done.generation_id).count()
told["differences"] = len(rebuilding.rebuild(check=True, at=at).differences)
print(json.dumps(told))
"""


@pytest.mark.one_database
def test_other_processes_decide_as_one_would(tmp_path: Path, empty_house: Path) -> None:
    here, beside = (told(tmp_path / str(least), least, empty_house) for least in (10**9, 0))
    assert (here.pop("found here"), beside.pop("found here")) == (1, 0)
    assert all(here[name] for name in ("Person", "Trait", "Handoff", "Standing brought in", "StageMove brought in"))
    assert here["people"] > 100 and here["moved"] > 0 and here["states"] == here["people"]
    assert here["differences"] == beside["differences"] == 0
    assert beside == here


def told(home: Path, least: int, empty_house: Path) -> dict[str, object]:
    home.mkdir()
    shutil.copy(empty_house, home / "rung.sqlite3")
    environment = {**os.environ, "RUNG_HOME": str(home), "RUNG_DATABASE_URL": ""}
    command = [sys.executable, "-c", PUBLISHED, str(least)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
