"""`rung backtest` on a file: read, replay, write backtest.json and a page. No database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rung.engine.files import inputs, reading
from rung.engine.files.account import refusals_of
from rung.engine.program import ENGINE_VERSION, compile_program
from rung.engine.trying import agreeing, exploring
from rung.engine.trying.backtest import People, Result
from rung.engine.trying.exploring import Curve
from rung.engine.trying.ground import CannotTry, Ground, Wish, why
from rung.engine.trying.varying import Knob, Wanted, knob, wanted
from rung.insight import printing, telling
from rung.playbook.definitions import Playbook

if TYPE_CHECKING:
    from rung.engine.files.parts import Source

Progress = Callable[[int, int], None]

EXPLAINED: Final = 50
"""People who differ whose both explanations stand in the file."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it, and where it stands."""

    told: dict[str, Any]
    words: str
    files: tuple[Path, ...]


def ground_of(path: Path, *, until: int | None) -> Ground:
    """The history in a file or a folder of segments. Raises CannotTry where nothing of it can be read."""
    if path.is_dir():
        from rung.engine.files.parts import Source

        return ground_on(Source(path), until=until)
    with inputs.opened(path) as stream:
        found = reading.read(stream, until=until)
        damage = inputs.damage_of(stream)
    if not len(found.history):
        reasons = ", ".join(f"{count:,} × {reason}" for reason, count in refusals_of(found).most_common(3))
        raise CannotTry(f"No line of {path} could be read{f': {reasons}' if reasons else ': it is empty'}.")
    ground = Ground(found.history, until=until, refused=len(found.refused))
    if damage:
        ground.notes.append(f"The file is damaged and ends early: {damage}.")
    return ground


def ground_on(source: Source, *, until: int | None, is_compiled: bool | None = None) -> Ground:
    """The history in segments, and what is not among them yet, up to `until`. Raises CannotTry, BadHistory."""
    history = source.whole(until=until)
    ground = Ground(history, until=until, is_compiled=is_compiled)
    if history.unknown_kinds:
        ground.notes.append(f"Kinds that are not known are left out: {', '.join(history.unknown_kinds[:5])}.")
    return ground


def run(
    ground: Ground,
    *,
    old: Playbook,
    new: Playbook,
    wish: Wish,
    vary: str | None,
    out: Path,
    progress: Progress = lambda done, total: None,
) -> Written:
    """The backtest and, with `vary`, the curve; written when all is known, so that a killed run leaves nothing half."""
    asked = _asked(new, vary)
    total = 2 + (len(asked[1].values) if asked else 0)
    progress(0, total)
    result, people = ground.backtest(old, new, wish)
    progress(2, total)
    curve = None
    if asked is not None:
        curve = explored(ground, old, new, *asked, wish, lambda done: progress(2 + done, total))
    whys = _whys(ground, people, old, new)
    told = as_json(result, people, curve, whys)
    page = printing.printed(result, people, old=old, new=new, curve=curve, whys=whys)
    out.mkdir(parents=True, exist_ok=True)
    files = (out / "backtest.json", out / "backtest.html")
    _write(files[0], json.dumps(told, ensure_ascii=False, indent=1))
    _write(files[1], page)
    return Written(told, _words(result, old, new, curve, files), files)


def explored(
    ground: Ground,
    old: Playbook,
    new: Playbook,
    turned: Knob,
    span: Wanted,
    wish: Wish,
    progress: Callable[[int], None] = lambda done: None,
) -> Curve:
    """The curve of one number of `new`."""
    books = [turned.turned(new, value) for value in span.values]
    return exploring.curve(
        ground.told(old),
        new,
        turned,
        span.values,
        ground.told_all(books, progress, whole=2 if turned.moves_one else 4, turned=turned, values=span.values),
        ground.deeds,
        ground.scope(old, wish),
    )


def compare(ground: Ground, books: Sequence[Playbook], wish: Wish, out: Path) -> Written:
    """Several definitions on one history; writes comparison.json and a page."""
    found = agreeing.compare(ground, books, ground.scope(books[0], wish))
    told: dict[str, Any] = msgspec.to_builtins(found)
    page = printing.printed_comparison(found, books[0])
    out.mkdir(parents=True, exist_ok=True)
    files = (out / "comparison.json", out / "comparison.html")
    _write(files[0], json.dumps(told, ensure_ascii=False, indent=1))
    _write(files[1], page)
    parts = [telling.comparison_headline(found), ""]
    wide = max(len(column.definition.name) for column in found.columns)
    heads = ("hand-offs", "accepted", "rejected", "won", "caught", "agrees", "95 % interval")
    parts.append(f"{'':{wide}}" + "".join(f"{head:>15}" for head in heads))
    for column in found.columns:
        agrees = "–" if column.agreement is None else f"{100 * column.agreement:.0f} %"
        low_high = (
            "–" if column.low is None or column.high is None else f"{100 * column.low:.0f} to {100 * column.high:.0f} %"
        )
        cells = (column.opened, column.accepted, column.rejected, column.won, column.caught)
        numbers = "".join(f"{cell:>15,}" for cell in cells)
        parts.append(f"{column.definition.name:{wide}}{numbers}{agrees:>15}{low_high:>15}")
    return Written(told, "\n".join([*parts, "", *(f"Wrote {path}" for path in files)]), files)


def as_json(
    result: Result, people: People, curve: Curve | None, whys: dict[str, tuple[list[str], list[str]]]
) -> dict[str, Any]:
    """backtest.json. Instants are microseconds UTC; times that are texts are ISO 8601."""
    told: dict[str, Any] = msgspec.to_builtins(result)
    told["engine"] = ENGINE_VERSION
    told["people_who_differ"] = [
        {
            **msgspec.to_builtins(each),
            **(
                {"old_explanation": whys[each.person][0], "new_explanation": whys[each.person][1]}
                if each.person in whys
                else {}
            ),
        }
        for each in people.differing
    ]
    if curve is not None:
        told["vary"] = msgspec.to_builtins(curve)
    return told


def _asked(new: Playbook, vary: str | None) -> tuple[Knob, Wanted] | None:
    if vary is None:
        return None
    span = wanted(vary)
    return knob(new, span.path), span


def _whys(ground: Ground, people: People, old: Playbook, new: Playbook) -> dict[str, tuple[list[str], list[str]]]:
    """Why each of the first who differ is handed over by the one definition and not, or later, by the other."""
    programs = [compile_program(book) for book in (old, new)]
    codes = {key: code for code, key in enumerate(ground.history.people)}
    chosen = people.differing[:EXPLAINED]
    told: dict[str, tuple[list[str], list[str]]] = {}
    rows = [ground.rows_of([codes[each.person] for each in chosen], program) for program in programs]
    for each in chosen:
        times = [at for at in (each.old_at, each.new_at) if at is not None]
        at = min(times) if times and each.what not in ("elsewhere", "again") else ground.until
        sides = [list(why(program, rows[side][each.person], at).words) for side, program in enumerate(programs)]
        told[each.person] = (sides[0], sides[1])
    return told


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _words(result: Result, old: Playbook, new: Playbook, curve: Curve | None, files: tuple[Path, ...]) -> str:
    page = telling.page(result, old, new)
    parts = [page.headline, page.because, ""]
    wide = max(len(line.words) for line in page.lines)
    parts.append(f"{'':{wide}}{page.old_version:>16}{page.new_version:>16}{'change':>14}   95 % interval")
    for line in page.lines:
        numbers = f"{line.old.text:>16}{line.new.text:>16}{line.change:>14}"
        parts.append(f"{line.words:{wide}}{numbers}   {line.interval}")
    parts += ["", *(said.text for said in page.wins), page.moves]
    if curve is not None:
        parts += ["", telling.curve_headline(curve), curve.duty_words]
        parts += [f"  {telling.point_words(point, curve)}" for point in curve.points]
    if page.warnings:
        parts += ["", *page.warnings]
    return "\n".join([*parts, "", *(f"Wrote {path}" for path in files)])
