"""Opening the house: Django and its tables, the demo company, and `rung up`."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

TOUR: Final = (
    "Sign in as Sam: Today says whom to answer first, and why; the Ladder names the weakest step.",
    "Open a person to see why they stand there and what is missing; move the slider to see any day.",
)
DEMO_FIRM: Final = "Marlgate Analytics"
"""`rung.demo.firm.NAME`, which this process, small for ever, does not load."""
STOPPING: Final = "Stop with Ctrl-C; everything is kept in {home}."


class NotMigrated(Exception):
    """The tables are of another version, and this database is not ours to change unasked."""


def open_house(*, migrates: bool = True) -> None:
    """Loads Django. The embedded SQLite brings its tables up to date by itself; another database must be asked to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rung.settings")
    import django

    django.setup()
    from django.conf import settings

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    if migrates:
        _migrate()


def serve_no_pages() -> None:
    """Lets this process load the compiler of the kernel, when it has many people to decide."""
    from rung.lifecycle.deciding import compiling

    compiling.allow()


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    if connection.vendor != "sqlite":
        raise NotMigrated("The database is of another version: stop Rung, make a backup, then run rung migrate.")
    Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)


def up(*, host: str, port: int, is_demo: bool) -> int:
    """Everything behind one port until SIGINT or SIGTERM; returns the exit code. Raises PortTaken first of all.

    The house is opened by a process of its own: whoever watches over the others stays small for ever.
    """
    from rung import serving

    listener = serving.listening(host, port)
    if is_demo:
        os.environ["RUNG_DEMO"] = "yes"
        os.environ.setdefault("RUNG_FIRM", DEMO_FIRM)
    number = str(listener.getsockname()[1])
    # Links and the snippet lead here unless PUBLIC_URL says where people come in.
    os.environ["RUNG_SERVED_AT"] = f"http://{_shown(host)}:{number}"
    code = subprocess.call(
        serving.command("prepare", "--host", host, "--port", number, *(["--demo"] if is_demo else []))
    )
    if code == 0:
        serving.run(listener)
    return code


def prepare(*, host: str, port: int, is_demo: bool, say: Say, progress: Progress) -> None:
    """What comes before the first request: tables, the demo company where it is wanted, and where to go."""
    say("Opening the house …")
    open_house()
    decide_after_upgrade(say, progress)
    if is_demo:
        _demo_when_empty(say, progress)
        _open_the_demo_site()
    for words in _greeting(host, port, is_demo=is_demo):
        say(words)


def decide_after_upgrade(say: Say, progress: Progress) -> None:
    """Where an older engine decided, everybody is decided again before the first page."""
    from rung.jobs.clock import now
    from rung.lifecycle.publishing import rebuilding

    serve_no_pages()
    rebuilt = rebuilding.after_upgrade(at=now(), progress=progress)
    if rebuilt is not None:
        say(f"This version decides by a newer engine: {rebuilt.people:,} people were decided again.")


def _greeting(host: str, port: int, *, is_demo: bool) -> list[str]:
    from django.conf import settings

    from rung.access.models import User

    shown = _shown(host)
    words = ["", f"Rung is at http://{shown}:{port}"]
    if is_demo:
        words.append(f"Be a lead on the invented firm's own site: http://{shown}:{port}/demo-site")
        words += ["Demo logins (one click on the sign-in page):", *(f"  {who}" for who in _faces())]
    elif not User.objects.exists():
        words.append("Nobody may sign in yet: rung user add you@your-firm.example --role admin")
    return [*words, "", *(TOUR if is_demo else ()), STOPPING.format(home=settings.RUNG_HOME), ""]


def _shown(host: str) -> str:
    return "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host


def _faces() -> list[str]:
    from rung.access.models import User

    users = User.objects.filter(is_active=True).order_by("pk")[:6]
    return [f"{user.name or user.email} ({user.role}): {user.email}" for user in users]


def _open_the_demo_site() -> None:
    from rung.demo import site
    from rung.jobs.clock import now

    site.open_site(at=now())


def _demo_when_empty(say: Say, progress: Progress) -> None:
    from rung.people.models import Person

    if Person.objects.exists():
        say("The database is not empty: the demo company is not loaded again.")
        return
    from rung.jobs.clock import now

    load_demo(people=5_000, months=18, seed=7, now=now(), say=say, progress=progress)


def load_demo(*, people: int, months: int, seed: int, now: int, say: Say, progress: Progress) -> int:
    """Records the demo company, with its users and its playbook; returns how many events it has."""
    from rung.demo import loading

    loaded = loading.load(people=people, months=months, seed=seed, now=now, say=say, progress=progress)
    return loaded.accepted


def write_demo(path: Path, *, people: int, months: int, seed: int, now: int) -> int:
    """Writes the demo company's history for `rung decide`; returns how many events it has."""
    from rung.demo import company

    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, line in enumerate(company.history(people, months, seed, now=now), 1):  # noqa: B007
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return count
