"""The command line: each command is one call into a room. Rooms are loaded when a command needs them, not before.

Exit codes: 0 done, 1 refused with a clear reason, 2 wrong usage. With --json, what is printed is one JSON value.
"""

import contextlib
import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

app = typer.Typer(
    name="rung",
    help="Keeps every person a company sells to on exactly one rung of the sales ladder.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
playbook_app = typer.Typer(help="Check, read, compare and publish playbooks.", no_args_is_help=True)
key_app = typer.Typer(help="Keys with which sites and programs write.", no_args_is_help=True)
user_app = typer.Typer(help="Who may sign in.", no_args_is_help=True)
app.add_typer(playbook_app, name="playbook")
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="key")

REFUSALS: Final = (
    ("rung.access.rules", "Refused"),
    ("rung.capture.imports.sheets", "Unreadable"),
    ("rung.capture.imports.mapping", "MappingRefused"),
    ("rung.capture.imports.histories", "NothingToRead"),
    ("rung.demo.loading", "NotEmpty"),
    ("rung.engine.histories", "BadHistory"),
    ("rung.engine.files.spark", "NoSpark"),
    ("rung.engine.trying.ground", "CannotTry"),
    ("rung.lifecycle.exporting", "NothingToExport"),
    ("rung.people.labelled", "CannotMatch"),
    ("rung.playbook.conditions.sql", "NoColumn"),
    ("rung.playbook.faults", "PlaybookRefused"),
    ("rung.playbook.conditions", "ConditionError"),
    ("rung.serving", "PortTaken"),
    ("rung.starting", "NotMigrated"),
    ("rung.sqlite", "UnsafeSqlite"),
    ("django.core.exceptions", "ImproperlyConfigured"),
    ("django.db", "OperationalError"),
)
"""Exceptions whose text is for whoever typed the command. Anything else is a defect and is shown whole."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
ExistingFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


class Sorry(Exception):
    """The command cannot be done; the text says why."""


@app.callback(invoke_without_command=True)
def rung(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from rung import __version__

        typer.echo(f"rung {__version__}")
        raise typer.Exit


# Running it


@app.command()
def up(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo company when the database is empty.")] = False,
) -> None:
    """Everything on one machine behind one port: the web app and one worker, started again when they die."""
    from rung import starting

    code = starting.up(host=host, port=port, is_demo=demo)
    if code:
        raise typer.Exit(code)


@app.command(hidden=True)
def prepare(host: str = "127.0.0.1", port: int = 8000, demo: bool = False) -> None:
    """What `up` does before it serves."""
    from rung import starting

    with _progress("Getting ready", None) as bar:
        starting.prepare(host=host, port=port, is_demo=demo, say=_tell, progress=_to(bar))


@app.command()
def web(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    fd: Annotated[int, typer.Option(hidden=True)] = -1,
) -> None:
    """Only the web app."""
    from rung import serving

    serving.end_with_parent()
    serving.serve_web(listener=serving.inherited(fd) if fd >= 0 else serving.listening(host, port))


@app.command()
def collector(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8001,
) -> None:
    """Only the collector: it takes events and answers when they are on the disk."""
    from rung import serving

    serving.end_with_parent()
    serving.serve_collector(listener=serving.listening(host, port))


@app.command()
def worker() -> None:
    """Only the worker: what runs later, and the clock."""
    _house()
    from rung import serving, wiring
    from rung.jobs.worker import Worker

    serving.end_with_parent()
    Worker(
        name=f"worker-{os.getpid()}",
        jobs=wiring.JOBS,
        long_jobs=wiring.LONG_JOBS,
        schedules=wiring.SCHEDULES,
        steady=wiring.STEADY,
    ).run()


@app.command(hidden=True)
def trier() -> None:
    """The worker's child that tries definitions on a warm history until nobody asks any more."""
    _house(migrates=False)
    from rung import serving
    from rung.insight import trying_later
    from rung.jobs.clock import now

    serving.end_with_parent()
    trying_later.answer_until_idle(now)


@app.command()
def migrate(
    check: Annotated[bool, typer.Option("--check", help="Only say whether models and migrations agree.")] = False,
) -> None:
    """Bring the tables, and what an older engine decided, up to this version."""
    _house(migrates=False)
    from django.core.management import call_command

    from rung import starting

    if check:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    else:
        call_command("migrate", interactive=False, verbosity=1)
        with _progress("Deciding everybody again", None, unit="people") as bar:
            starting.decide_after_upgrade(_tell, _to(bar))


# Without a database


@app.command()
def decide(
    history: Annotated[
        Path,
        typer.Argument(
            help="One JSON object a line (.gz is welcome, - reads standard input), or a folder of segments."
        ),
    ],
    playbook: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Default: the shipped one.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Look no further than this time. Default: the last event.")] = None,
    out: Annotated[Path, typer.Option(file_okay=False, help="Where the files go.")] = Path(),
    engine: Annotated[str, typer.Option(help="local, or spark for a folder of segments.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Where everyone stands, and why: standings.csv, moves.csv and refused.ndjson from a history. No database."""
    if engine not in ("local", "spark") or (engine == "spark" and not history.is_dir()):
        raise typer.BadParameter("choose local; spark decides a folder of segments", param_hint="--engine")
    if history.is_dir():
        _decide_folder(history, playbook, until, out, engine, as_json)
        return
    if str(history) != "-" and not history.is_file():
        raise typer.BadParameter(f"there is no file {history}", param_hint="HISTORY")
    gc.disable()  # a million events are a million objects that live to the end: looking through them finds nothing
    from rung.engine.files import deciding_files, inputs

    book, end = _playbook(playbook), _instant(until, "--until")
    with _progress("Deciding", inputs.size_of(history)) as advance, inputs.opened(history, advance) as stream:
        account = deciding_files.decide_history(stream, playbook=book, until=end, out=out)
    if as_json:
        _print(account.as_json())
    else:
        _tell(account.in_words())
    if not account.is_something_decided:
        read = account.lines - account.refused - account.duplicates - account.after_until
        why = "every event that could be read is voided or undone" if read else f"see {out / 'refused.ndjson'}"
        raise Sorry(f"No line of {history} could be decided: {why}.")


def _decide_folder(
    history: Path, playbook: Path | None, until: str | None, out: Path, engine: str, as_json: bool
) -> None:
    """A history in Parquet is decided into Parquet, part by part; a run that was killed goes on."""
    book, end = _playbook(playbook), _instant(until, "--until")
    if engine == "spark":
        from rung.engine.files import spark

        decided = spark.decide_on_spark(history, playbook=book, until=end, out=out)
    else:
        from rung.engine.files import deciding_segments

        with _progress("Deciding", None, unit="parts") as bar:
            decided = deciding_segments.decide_folder(history, playbook=book, until=end, out=out, progress=_to(bar))
    _print(decided.as_json()) if as_json else _tell(decided.in_words())


@app.command()
def backtest(
    playbook: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The definition to try.")],
    against: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Default: the one in force, or the shipped one.")
    ] = None,
    history: Annotated[
        Path | None, typer.Option(exists=True, help="A file of events, or a folder of segments. Default: the app's.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local or spark.")] = "local",
    vary: Annotated[
        str | None, typer.Option(help="One number through its values: stages.mql.enter:score=20:90:5")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Hand-offs and wins from this time on.")] = None,
    until: Annotated[str | None, typer.Option(help="Look no further than this time. Default: the last event.")] = None,
    subset: Annotated[str, typer.Option(help="Only people for whom this condition holds at the end.")] = "",
    out: Annotated[Path, typer.Option(file_okay=False, help="Where backtest.json and backtest.html go.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """What would have been different by another definition. docs/backtest.md says how each figure is meant."""
    if engine not in ("local", "spark"):
        raise typer.BadParameter("choose local or spark", param_hint="--engine")
    from rung.insight import trials

    new = _playbook(playbook)
    wish = trials.Wish(_instant(since, "--from"), _instant(until, "--until"), subset)
    ground, old = _ground(history, against, engine, wish.end)
    with _progress("Replaying", None, unit="replays") as bar:
        written = trials.run(ground, old=old, new=new, wish=wish, vary=vary, out=out, progress=_to(bar))
    _print(written.told) if as_json else _tell(written.words)


def _ground(history: Path | None, against: Path | None, engine: str, until: int | None) -> Any:
    """The history to try on and the definition to compare with."""
    from rung.insight import trials

    if engine == "spark":
        if history is None or not history.is_dir():
            raise Sorry(
                "Spark reads a folder of segments: name one with --history, as the worker writes it or "
                "`rung export history --format parquet`; or leave --engine out."
            )
        from rung.engine.trying.spark_trying import SparkGround

        return SparkGround(history, until=until), _playbook(against)
    if history is not None:
        return trials.ground_of(history, until=until), _playbook(against)
    _house()
    from rung.insight import trying_later
    from rung.lifecycle import published

    old = _playbook(against) if against is not None else published.playbook()
    return trying_later.ground(until=until if until is not None else _now()), old


@app.command()
def match(
    file: ExistingFile,
    truth: Annotated[str | None, typer.Option(help="The column that says who is who.")] = None,
    odds: Annotated[float, typer.Option(min=1e-6, help="Pairs from so many to one.")] = 3.0,
    show: Annotated[int, typer.Option(min=0, help="So many of the likeliest pairs.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Which rows of a CSV of people are likely one person, and how right that is where a column says it."""
    from rung.people import labelled

    result = labelled.match(file, truth=truth, odds=odds)
    pairs = [
        {"rows": [a + 2, b + 2], "odds": round(match.odds, 2), "reason": match.reason}
        for (a, b), match in result.found[:show]
    ]
    told: dict[str, object] = {
        "rows": result.rows, "fields": dict(result.kinds), "compared": result.compared,
        "threshold": odds, "found": len(result.found), "pairs": pairs,
    }  # fmt: skip
    if result.true is not None:
        told |= {"true": len(result.true), "right": result.right, "precision": round(result.precision, 4)}
        told |= {"recall": round(result.recall, 4), "f1": round(result.f1, 4)}
    if as_json:
        _print(told)
        return
    _tell(f"{result.rows:,} rows, {result.compared:,} pairs compared by {', '.join(result.kinds)}.")
    _tell(f"{len(result.found):,} pairs are likely one person: odds of {odds:g} to 1 and more.")
    if result.true is not None:
        _tell(f"precision {result.precision:.3f}  recall {result.recall:.3f}  F1 {result.f1:.3f}")
    for pair in pairs:
        _tell(f"  lines {pair['rows'][0]} and {pair['rows'][1]}: {pair['reason']}")  # type: ignore[index]


@playbook_app.command("check")
def playbook_check(file: ExistingFile, as_json: AsJson = False) -> None:
    """Every fault of a playbook at once, each with its line and what to write."""
    from rung.playbook import loading

    book, errors, warnings = loading.check(file.read_bytes(), str(file))
    if as_json:
        told = {"faults": [_fault(fault) for fault in errors], "warnings": [_fault(fault) for fault in warnings]}
        _print({"file": str(file), "version": book.version if book else None, **told})
    else:
        for fault in (*errors, *warnings):
            _tell(str(fault))
        if book is not None:
            doubts = f", with {len(warnings)} warning{'s' * (len(warnings) != 1)}" if warnings else ""
            _tell(f"{file}: {book.name}, version {book.version[:12]}, can be run{doubts}.")
    if errors:
        raise typer.Exit(1)


@playbook_app.command("show")
def playbook_show(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False)] = None, as_json: AsJson = False
) -> None:
    """A playbook in plain words. Without a file: the shipped default."""
    from rung.playbook.words import plain_words

    book = _playbook(file)
    sections = plain_words(book)
    if as_json:
        parts = [
            {"title": part.title, "sentences": [sentence.text for sentence in part.sentences]} for part in sections
        ]
        _print({"name": book.name, "version": book.version, "sections": parts})
        return
    _tell(f"{book.name}, version {book.version[:12]}")
    for part in sections:
        _tell(f"\n{part.title}")
        for sentence in part.sentences:
            _tell(f"  {sentence.text}")


@playbook_app.command("diff")
def playbook_diff(old: ExistingFile, new: ExistingFile, as_json: AsJson = False) -> None:
    """What changes from one playbook to another, in words."""
    from rung.playbook.diff import diff_in_words

    changes = [str(change) for change in diff_in_words(_playbook(old), _playbook(new))]
    if as_json:
        _print({"changes": changes})
    else:
        _tell("\n".join(changes) or "Both say the same.")


@playbook_app.command("compare")
def playbook_compare(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="Default: those of the five articles.")
    ] = None,
    history: Annotated[Path | None, typer.Option(exists=True, help="A file of events. Default: the app's.")] = None,
    until: Annotated[str | None, typer.Option(help="Look no further than this time. Default: the last event.")] = None,
    subset: Annotated[str, typer.Option(help="Only people for whom this condition holds at the end.")] = "",
    out: Annotated[Path, typer.Option(file_okay=False, help="Where comparison.json and .html go.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Several definitions on one history: one table, one picture, and which is nearest to how sales decides."""
    from rung.insight import trials
    from rung.playbook import loading, shipped

    wish = trials.Wish(None, _instant(until, "--until"), subset)
    ground, old = _ground(history, None, "local", wish.end)
    books = [_playbook(file) for file in files or []]
    if not books:
        books = [old, *(loading.load(shipped.read(name), f"{name}.yaml") for name in shipped.ARTICLES)]
    written = trials.compare(ground, books, wish, out)
    _print(written.told) if as_json else _tell(written.words)


# With the house's database


@playbook_app.command("publish")
def playbook_publish(
    file: ExistingFile, by: Annotated[str, typer.Option(help="Who publishes.")] = "rung", as_json: AsJson = False
) -> None:
    """Decide everybody by this playbook from now on. Nobody is told of the moves this makes."""
    text = _playbook(file).text  # what cannot be run is said before the house is opened
    _house()
    from rung.lifecycle.publishing import actions as publishing
    from rung.lifecycle.publishing import later as publishing_later

    publishing_later.refuse_while_pending()
    with _progress("Deciding everybody", None, unit="people") as bar:
        published = publishing.publish(text, by=by, at=_now(), progress=_to(bar))
    words = f"{published.people:,} people decided, {published.moved:,} stand elsewhere"
    told = {"version": published.version, "people": published.people, "moved": published.moved}
    if published.note and not as_json:
        _tell(published.note)
    _print(told | {"note": published.note}) if as_json else _tell(f"Published {published.version[:12]}: {words}.")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(exists=True, help="CSV, XLSX or NDJSON; a folder means its tables.")],
    kind: Annotated[str | None, typer.Option("--as", help="people, companies, deals, activities or events.")] = None,
    map_: Annotated[Path | None, typer.Option("--map", exists=True, dir_okay=False, help="A mapping file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Write a history for rung decide; no database.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Import a file that was imported before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over people, companies and events from files. docs/imports.md says how a mapping is written."""
    if kind not in (None, "people", "companies", "deals", "activities", "events"):
        raise typer.BadParameter("choose people, companies, deals, activities or events", param_hint="--as")
    from rung.capture.imports import mapping

    def rules(zone: str) -> mapping.Mapping | None:
        return mapping.load(map_.read_bytes(), str(map_), zone=zone) if map_ else None

    if to is not None:
        from rung.capture.imports import histories

        report = histories.write_history_file(files, mapping=rules("UTC"), kind=kind, to=to, now=_now())
    else:
        _house()
        from rung.capture.imports import actions as imports
        from rung.lifecycle import published

        told = rules(published.playbook().calendar.timezone)
        with _progress("Importing", None, unit="rows") as advance:
            report = imports.run(
                files, mapping=told, kind=kind, is_dry=dry_run, is_again=again, by="rung", at=_now(), advance=advance
            )
    _print(report.as_json()) if as_json else _tell(report.in_words())
    if not report.is_something_taken:
        raise Sorry("Nothing was taken over.")


@app.command("undo-import")
def undo_import(number: Annotated[int, typer.Argument(min=1)], as_json: AsJson = False) -> None:
    """Take everything an import brought out of account; people are decided as if it had never been."""
    _house()
    from rung.capture.imports import actions as imports

    undone = imports.undo(number=number, by="rung", at=_now())
    _print(undone.as_json()) if as_json else _tell(undone.in_words())


@app.command()
def explain(
    person: Annotated[str, typer.Argument(help="An e-mail address, or the id in the person's address.")],
    at: Annotated[str | None, typer.Option("--at", help="As of this time. Default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why somebody stands where they stand, and what is missing for the next rung."""
    _house()
    from rung.lifecycle import explaining

    explained = explaining.explained(person=person, at=_instant(at, "--at") or _now())
    _print(explained.as_json()) if as_json else _tell(explained.in_words())


@app.command()
def export(
    what: Annotated[str, typer.Argument(help="people, companies, events or history.")],
    where: Annotated[str | None, typer.Option(help="A condition, as in a playbook: 'score >= 50'.")] = None,
    format_: Annotated[str | None, typer.Option("--format", help="csv, xlsx, ndjson or parquet.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file; of a history in Parquet, the folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say on standard error, as JSON, how much it was.")] = False,
) -> None:
    """Take data out. A history has the log's exact columns and can be read by rung decide."""
    _house()
    from rung.lifecycle import exporting

    if what not in exporting.WHAT:
        raise typer.BadParameter(f"choose one of {', '.join(exporting.WHAT)}", param_hint="WHAT")
    chosen = format_ or exporting.format_of(to) or ("ndjson" if what == "history" else "csv")
    if chosen not in exporting.FORMATS:
        raise typer.BadParameter(f"choose one of {', '.join(exporting.FORMATS)}", param_hint="--format")
    if what == "history" and chosen == "parquet":
        _export_segments(to or Path("history"), where, as_json)
        return
    if to is None and chosen in ("xlsx", "parquet"):
        to = Path(f"{what}.{chosen}")
    with exporting.target(to) as file:
        rows = exporting.export(what=what, where=where, format=chosen, to=file, by="rung", at=_now())
    told = {"rows": rows, "to": str(to) if to else None}
    _note(json.dumps(told) if as_json else f"{rows:,} rows" + (f" in {to}" if to else ""))


def _export_segments(to: Path, where: str | None, as_json: bool) -> None:
    """A history in Parquet is a folder; into one that is there, what has happened since is added."""
    from rung.lifecycle import exporting

    with _progress("Writing", None, unit="events") as bar:
        rows = exporting.export_segments(where=where, to=to, by="rung", at=_now(), progress=_to(bar))
    _note(json.dumps({"rows": rows, "to": str(to)}) if as_json else f"{rows:,} rows in the folder {to}")


@app.command()
def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only compare, and say what differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide everybody again from the history. With --check: prove that the standings equal a replay."""
    _house()
    from rung.lifecycle.publishing import rebuilding

    with _progress("Deciding everybody again", None, unit="people") as bar:
        result = rebuilding.rebuild(check=check, by="rung", at=_now(), progress=_to(bar))
    found = [
        {"person": each.person, "field": each.field, "stored": str(each.stored), "replayed": str(each.replayed)}
        for each in result.differences
    ]
    if as_json:
        _print({"people": result.people, "check": check, "differences": found})
    else:
        for each in found[:20]:
            _tell(f"{each['person']}: {each['field']} is {each['stored']}, by the history {each['replayed']}")
        told = "nothing differs" if not found else f"{len(found):,} differences" + ("" if check else ", put right")
        _tell(f"{result.people:,} people decided from the history: {told}.")
    if check and found:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look for what is wrong with this installation, and say what to do."""
    _house(migrates=False)
    from rung.lifecycle import doctor as surgery

    checks = surgery.examine(at=_now())
    if as_json:
        _print([{"name": check.name, "is_right": check.is_right, "words": check.words} for check in checks])
    else:
        for check in checks:
            _tell(f"{'  ok  ' if check.is_right else 'WRONG '} {check.name}: {check.words}")
    if any(not check.is_right for check in checks):
        raise typer.Exit(1)


@app.command()
def demo(
    people: Annotated[int, typer.Option(min=1, max=1_000_000)] = 5_000,
    months: Annotated[int, typer.Option(min=1, max=120)] = 18,
    seed: Annotated[int, typer.Option()] = 7,
    to: Annotated[Path | None, typer.Option("--to", help="Write the history to a file; no database.")] = None,
    as_json: AsJson = False,
) -> None:
    """Load the demo company, or write its history to a file."""
    from rung import starting

    if to is not None:
        events = starting.write_demo(to, people=people, months=months, seed=seed, now=_now())
    else:
        _house()
        with _progress("Loading the demo company", None, unit="events") as bar:
            events = starting.load_demo(
                people=people, months=months, seed=seed, now=_now(), say=_note, progress=_to(bar)
            )
    _print({"events": events, "to": str(to) if to else None}) if as_json else _tell(
        f"{events:,} events in {to or 'the house'}"
    )


@user_app.command("add")
def user_add(
    email: str,
    role: Annotated[str, typer.Option(help="sales, manager, marketing, revops or admin.")],
    name: Annotated[str, typer.Option(help="As colleagues see it.")] = "",
    team: Annotated[str, typer.Option(help="Whose hand-offs they see, and by whose calendar their clocks run.")] = "",
    password: Annotated[str | None, typer.Option(help="Left out: one is made and printed once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add somebody who may sign in."""
    from rung.access.rules import ROLES

    if role not in ROLES:
        raise typer.BadParameter(f"choose one of {', '.join(ROLES)}", param_hint="--role")
    _house()
    import secrets

    from rung.access import actions

    chosen = password or secrets.token_urlsafe(12)
    user = actions.add_user(email=email, role=role, by="rung", at=_now(), name=name, team=team, password=chosen)
    told = {"email": user.email, "role": user.role, **({} if password else {"password": chosen})}
    words = f"{user.email} may sign in as {user.role}." + ("" if password else f" Password (shown once): {chosen}")
    _print(told) if as_json else _tell(words)


@user_app.command("change")
def user_change(
    email: str,
    role: Annotated[str | None, typer.Option(help="sales, manager, marketing, revops or admin.")] = None,
    team: Annotated[str | None, typer.Option(help='Another team; "" for none. Clocks follow its calendar.')] = None,
    close: Annotated[bool, typer.Option("--close", help="They may not sign in any more; hand-offs go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give somebody another role or team, or close their account."""
    if role is None and team is None and not close:
        raise typer.BadParameter("say what changes: --role, --team or --close", param_hint="EMAIL")
    _house()
    from rung.access import actions
    from rung.access.models import User

    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise actions.Refused(f"There is no user {email}.")
    user = actions.change_user(
        user=user, role=role, team=team, is_active=False if close else None, by="rung", at=_now()
    )
    told = {"email": user.email, "role": user.role, "team": str(user.team or ""), "active": user.is_active}
    words = f"{user.email} is {user.role}{f' in {user.team}' if user.team else ''}"
    words += "." if user.is_active else ", and may not sign in."
    _print(told) if as_json else _tell(words)


@key_app.command("add")
def key_add(
    name: Annotated[str, typer.Argument(help="The source its events stand under, as in web-site.")],
    kind: Annotated[str, typer.Option(help="publishable (stands in web pages) or secret.")],
    as_json: AsJson = False,
) -> None:
    """Make a key; it is printed once. A second key of the same name continues the same source."""
    _house()
    from rung.access import keys

    made = keys.add_key(name=name, kind=kind, by="rung", at=_now())
    told = {"id": made.key.pk, "name": made.key.name, "kind": made.key.kind, "key": made.text}
    _print(told) if as_json else _tell(f"{made.key.kind.capitalize()} key {made.key.name} (shown once): {made.text}")


@key_app.command("list")
def key_list(as_json: AsJson = False) -> None:
    """All keys; of secret ones only how they begin."""
    _house()
    from rung.access import keys

    told = [
        {"id": key.pk, "name": key.name, "kind": key.kind, "key": key.shown, "is_revoked": key.revoked_at is not None}
        for key in keys.all_keys()
    ]
    if as_json:
        _print(told)
    else:
        for key in told:
            words = "revoked" if key["is_revoked"] else key["kind"]
            _tell(f"{key['id']:>4}  {key['name']:20} {words:12} {key['key']}")


@key_app.command("revoke")
def key_revoke(number: Annotated[int, typer.Argument(min=1, help="As in key list.")], as_json: AsJson = False) -> None:
    """From now on nothing comes in with this key."""
    _house()
    from rung.access import keys

    key = keys.revoke_key(key_id=number, by="rung", at=_now())
    _print({"revoked": key.pk, "name": key.name}) if as_json else _tell(f"Key {key.pk} ({key.name}) is revoked.")


# How commands speak


def main() -> NoReturn:
    """Runs the command; a refusal becomes its words and exit code 1."""
    try:
        app(standalone_mode=True)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as fault:
        if not isinstance(fault, Sorry) and not isinstance(fault, _refusals()) and not _is_about_a_file(fault):
            raise
        words = f"{fault.filename}: {fault.strerror}." if isinstance(fault, OSError) else str(fault)
        if "--json" in sys.argv and not isinstance(fault, Sorry):
            _print({"refused": words.splitlines()})
        else:
            typer.echo(f"rung: {words}", err=True)
        sys.exit(1)
    sys.exit(0)


def _is_about_a_file(fault: Exception) -> bool:
    """Whether the system refused to read or write what the command named: no defect of ours."""
    return isinstance(fault, OSError) and fault.filename is not None


def _refusals() -> tuple[type[BaseException], ...]:
    """Those of REFUSALS whose modules are loaded: the others cannot have been raised."""
    loaded = ((sys.modules.get(module), name) for module, name in REFUSALS)
    return tuple(getattr(module, name) for module, name in loaded if hasattr(module, name))


def _house(*, migrates: bool = True) -> None:
    """Django and its database. The embedded SQLite brings its tables up to date by itself."""
    from rung import starting

    starting.open_house(migrates=migrates)
    starting.serve_no_pages()


def _playbook(file: Path | None) -> Any:
    from rung.playbook import loading, shipped

    if file is None:
        return loading.load(shipped.read(shipped.DEFAULT), f"{shipped.DEFAULT}.yaml")
    return loading.load(file.read_bytes(), str(file))


def _now() -> int:
    from rung.jobs.clock import now

    return now()


def _instant(text: str | None, option: str) -> int | None:
    from rung.terms.instants import BadInstant, parse_instant

    try:
        return parse_instant(text) if text is not None else None
    except BadInstant as refusal:
        raise typer.BadParameter(str(refusal), param_hint=option) from None


def _to(bar: Any) -> Any:
    """A function of (done, in all) for those who count that way."""
    done = [0]

    def report(now_done: int, total: int) -> None:
        bar(now_done - done[0], total)  # backwards where they begin to count something else
        done[0] = now_done

    return report


@contextlib.contextmanager
def _progress(words: str, total: int | None, unit: str = "") -> Iterator[Any]:
    """A bar on the terminal, or nothing where nobody looks; gives the function to advance it by."""
    if not sys.stderr.isatty():
        yield lambda amount, total=None: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(words), BarColumn(), *([MofNCompleteColumn()] if unit else []), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=total)

        def advance(amount: int, total: int | None = None) -> None:
            bar.update(task, advance=amount, total=total)  # None leaves the total as it was

        yield advance


def _fault(fault: Any) -> dict[str, object]:
    return {"file": fault.file, "line": fault.line, "message": fault.message, "fix": fault.fix}


def _print(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _tell(words: str) -> None:
    typer.echo(words)


def _note(words: str) -> None:
    """To whoever looks on, not into what is piped on."""
    typer.echo(words, err=True)


if __name__ == "__main__":
    main()
