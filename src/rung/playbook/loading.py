"""From the file to the playbook: everything that is wrong is said at once, with file, line and the fix."""

from datetime import date
from functools import lru_cache

from rung.playbook import sections
from rung.playbook.checks import look_for_nonsense
from rung.playbook.definitions import Playbook
from rung.playbook.faults import Fault, PlaybookRefused
from rung.playbook.fields import LONGEST_NAME, Notes, Part
from rung.playbook.hours import read_calendar
from rung.playbook.tree import Table, plain, read
from rung.playbook.version import version_of
from rung.terms.stages import STAGES

Checked = tuple[Playbook | None, tuple[Fault, ...], tuple[Fault, ...]]


def load(text: str | bytes, file: str = "playbook.yaml") -> Playbook:
    """The playbook that the text says. Raises PlaybookRefused with every fault, and nothing else."""
    playbook, errors, _ = check(text, file)
    if playbook is None:
        raise PlaybookRefused(errors)
    return playbook


def check(text: str | bytes, file: str = "playbook.yaml", today: date | None = None) -> Checked:
    """The playbook (None when refused), what is wrong with it, and what is suspicious, each sorted by line.

    Unreadable, contradictory, unknown or of the wrong type is wrong. What can never happen, what nobody signed and a
    review that is overdue (only with `today`) is suspicious.
    """
    return _checked(text, file, today)


@lru_cache(maxsize=16)
def _checked(text: str | bytes, file: str, today: date | None) -> Checked:
    """Reading a text takes a tenth of a second, and who checks one mostly loads it next: the last ones are kept."""
    root, faults = read(text, file)
    notes = Notes(file, errors=list(faults))
    if root is not None and not isinstance(root, Table):
        notes.error(root.line, "The file is no mapping.", "Start with `playbook: 1`.")
    playbook = _playbook(root, notes, text) if isinstance(root, Table) else None
    if playbook is not None:
        look_for_nonsense(playbook, notes)
        if today and playbook.review_by and playbook.review_by < today:
            line = playbook.lines["review_by"]
            notes.warn(line, f"The review was due on {playbook.review_by}.", "Meet, agree, and set the next date.")
    errors, warnings = tuple(sorted(set(notes.errors), key=_order)), tuple(sorted(set(notes.warnings), key=_order))
    return (None if errors else playbook), errors, warnings


def _order(fault: Fault) -> tuple[int, str]:
    return fault.line, fault.message


def _playbook(tree: Table, notes: Notes, text: str | bytes) -> Playbook | None:
    """The playbook, or None where it has so little that nothing more can be said."""
    content = plain(tree)
    assert isinstance(content, dict)
    version = version_of(content)
    root = Part(notes, sections.names_of(tree), tree, "Playbook", sections.SECTIONS)
    _check_format(root)
    stages, treat_suspect = sections.read_stages(root)
    written = tree.entries["stages"].value if "stages" in tree.entries else None
    used = set(written.entries) if isinstance(written, Table) else set()
    rungs = tuple(code for code in STAGES if code == "suspect" or code in used)
    questions = sections.read_questions(root, rungs)
    return Playbook(
        name=root.text("name", longest=LONGEST_NAME),
        version=version,
        text=text if isinstance(text, str) else text.decode("utf-8-sig"),
        stages=stages,
        treat_suspect=treat_suspect,
        fit=sections.read_fit(root),
        signals=sections.read_signals(root),
        temperature=sections.read_temperature(root),
        setbacks=sections.read_setbacks(root, rungs),
        handoff=sections.read_handoff(root, rungs),
        duties=sections.read_duties(root),
        calendar=read_calendar(root),
        qualification=sections.read_qualification(root),
        questions=questions,
        sheets=sections.read_sheets(root, rungs, questions),
        personas=sections.read_personas(root),
        checklists=sections.read_checklists(root, rungs),
        sequences=sections.read_sequences(root),
        journeys=sections.read_journeys(root),
        bands=sections.read_bands(root, rungs),
        words=sections.read_words(root),
        signatures=sections.read_signatures(root, version),
        review_by=root.day("review_by"),
        lines=root.lines(),
    )


def _check_format(root: Part) -> None:
    if not root.has("playbook"):
        root.error(root.line, "playbook is missing.", "Add `playbook: 1`, the version of the format.")
    elif root.number("playbook") not in (None, 1):
        root.error(root.line_of("playbook"), "this Rung reads format 1 only.", "Write `playbook: 1`.")
