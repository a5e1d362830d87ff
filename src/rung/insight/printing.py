"""A backtest as one file that a person can read and print: no server, no other file beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template import Context, Engine
from django.utils.safestring import mark_safe

from rung.engine.trying.agreeing import Comparison
from rung.engine.trying.backtest import People, Result
from rung.engine.trying.exploring import Curve
from rung.insight import telling
from rung.playbook.definitions import Playbook
from rung.playbook.diff import diff_in_words

_HERE: Final = Path(__file__).parent
_STYLES: Final = (_HERE.parent / "ui" / "static" / "ui" / "rung.css", _HERE / "static" / "insight" / "backtest.css")


def printed(
    result: Result,
    people: People,
    *,
    old: Playbook,
    new: Playbook,
    curve: Curve | None = None,
    whys: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None = None,
) -> str:
    """The page. `whys`: person → why under the old definition, why under the new one."""
    zone = ZoneInfo(old.calendar.timezone)
    shown = telling.people_shown(
        people, named={}, zone=zone, handoff=old.short_label(old.handoff.on), places=(old, new)
    )
    explained = [_explained(each, whys or {}) for each in shown]
    context: dict[str, Any] = {
        "page": telling.page(result, old, new),
        "shown": explained,
        "changes": [change.words for change in diff_in_words(old, new)],
        "styles": _styles(),
    }
    if curve is not None:
        context |= {"curve": curve, "drawn": telling.drawn(curve)}
    return rendered("insight/printed.html", context)


def printed_comparison(found: Comparison, first: Playbook) -> str:
    """Several definitions on one page."""
    return rendered("insight/printed_comparison.html", {**comparison_context(found, first), "styles": _styles()})


def comparison_context(found: Comparison, first: Playbook) -> dict[str, Any]:
    """What the table and the picture of a comparison show."""
    bars = telling.stretches(found)
    return {
        "found": found,
        "said": telling.comparison_headline(found),
        "because": telling.comparison_because(found, ZoneInfo(first.calendar.timezone)),
        "columns": [
            {"column": column, "bar": bar, "is_nearest": place == found.nearest}
            for place, (column, bar) in enumerate(zip(found.columns, bars, strict=True))
        ],
        "shown": [{"name": each.person, "each": each} for each in found.shown],
    }


def rendered(template: str, context: Mapping[str, Any]) -> str:
    """A template of this room, without the house: no settings but those that templates ask for."""
    if not settings.configured:
        settings.configure(USE_I18N=False, USE_TZ=True)
    engine = Engine(dirs=[str(_HERE / "templates")], libraries={"backtest": "rung.insight.templatetags.backtest"})
    return engine.get_template(template).render(Context(dict(context)))


def _explained(each: telling.Person, whys: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> telling.Person:
    from dataclasses import replace

    found = whys.get(each.key)
    return each if found is None else replace(each, old_why=tuple(found[0]), new_why=tuple(found[1]))


def _styles() -> str:
    return mark_safe("\n".join(path.read_text(encoding="utf-8") for path in _STYLES))
