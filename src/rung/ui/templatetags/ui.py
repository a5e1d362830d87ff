"""The components, as template tags. Each is shown, with its call, on /design.

Nothing here prints unescaped text: the only markup made in Python goes through `format_html`.
"""

import time
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from django import template
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from rung.terms.stages import RANK, SHORT_LABELS
from rung.ui import charts, words

register = template.Library()


# -- toasts -----------------------------------------------------------------------------------------------------------


@register.filter
def undo_of(tags: str) -> dict[str, Any] | None:
    """Of the tags of a message, as `shell.done` writes them: where its Undo is posted, and with which fields."""
    word, _, told = tags.partition(" ")
    if word != "undo":
        return None
    address, _, fields = told.partition("?")
    return {"address": address, "fields": parse_qsl(fields)}


# -- numbers and instants -------------------------------------------------------------------------------------------


@register.filter
def number(value: float | None, digits: int = 0) -> str:
    return words.number(value, digits)


@register.filter
def signed(value: float) -> str:
    return words.signed(value)


@register.filter(name="count")
def count_(value: int) -> str:
    return words.count(value)


@register.filter
def people(value: int) -> str:
    return words.people(value)


@register.filter
def initials(name: str) -> str:
    return words.initials(name)


@register.simple_tag(takes_context=True)
def ago(context: template.Context, at: int | None) -> SafeString | str:
    """ "5 h", with the exact time in a `time` element. Reads `now` (micros) and `zone` from the context when given."""
    if at is None:
        return "–"
    zone = context.get("zone") or words.UTC
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        words.local(at).isoformat(timespec="seconds"),
        words.exact(at, zone),
        words.ago(at, _now(context)),
    )


@register.simple_tag(takes_context=True)
def day(context: template.Context, at: int) -> str:
    return words.day(at, _now(context), context.get("zone") or words.UTC)


@register.simple_tag(takes_context=True)
def clock_time(context: template.Context, at: int) -> str:
    return words.clock_time(at, context.get("zone") or words.UTC)


@register.filter
def code_spans(text: str) -> SafeString:
    """Words between backticks as code: "There is no `regoin`." """
    pieces = str(text).split("`")
    if len(pieces) % 2 == 0:
        return format_html("{}", text)
    parts = (format_html("<code>{}</code>" if at % 2 else "{}", piece) for at, piece in enumerate(pieces))
    return format_html_join("", "{}", ((part,) for part in parts))


# -- marks ----------------------------------------------------------------------------------------------------------


@register.simple_tag
@lru_cache(maxsize=4096)
def icon(name: str, css: str = "") -> SafeString:
    """A symbol of icons.svg, 16 px, in the colour of the text. Always beside words, or inside a labelled button."""
    return format_html(
        '<svg class="i {}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static("ui/icons.svg"), name
    )


@register.simple_tag
@lru_cache(maxsize=4096)
def rung(stage: str, label: str = "", status: str = "active", bare: bool = False) -> SafeString:
    """The rung mark: seven ticks, n filled. `bare` hides the label but keeps it for screen readers."""
    rank = RANK.get(stage, -1) + 1
    classes = "rung" + (" beside" if status != "active" else "") + (" bare" if bare else "")
    text = label or SHORT_LABELS.get(stage if status == "active" else status, stage)
    return format_html('<span class="{}" data-r="{}">{}</span>', classes, rank, text)


@register.simple_tag
@lru_cache(maxsize=4096)
def avatar(name: str, css: str = "") -> SafeString:
    """Initials in a circle. Decoration: the name stands beside it or in its title."""
    return format_html('<span class="av {}" aria-hidden="true">{}</span>', css, words.initials(name))


@register.simple_tag
def ref(seq: int | None, href: str = "") -> SafeString | str:
    """The event behind a claim: `e-48213`, quiet, a link to the event in the timeline of the same page by default."""
    if seq is None:
        return ""
    return format_html('<a class="ref" href="{}" data-event="{}">e-{}</a>', href or f"#e-{seq}", seq, seq)


@register.simple_tag
def clock(said: str, left: float = 0, tone: str = "") -> SafeString:
    """Time left of a duty: `left` 0 to 100 percent, `said` in words, `tone` "" / warn / bad / idle."""
    return format_html(
        '<span class="clock {}"><svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6"/>'
        '<circle class="left" cx="8" cy="8" r="6" pathLength="100" stroke-dasharray="{} 100"/></svg>{}</span>',
        tone,
        _plain(max(0.0, min(100.0, left))),
        said,
    )


@register.simple_tag
def meter(value: float, goal: float | None = None, tone: str = "", label: str = "") -> SafeString:
    """A share in percent with an optional goal. The number is printed beside it; `label` is for screen readers."""
    mark = (
        ""
        if goal is None
        else format_html('<line class="goal" x1="{0}%" x2="{0}%" y1="0" y2="12"/>', _plain(_clamped(goal)))
    )
    return format_html(
        '<svg class="meter {}" {}><rect class="track" y="3" width="100%" height="6" rx="3"/>'
        '<rect class="fill" y="3" width="{}%" height="6" rx="3"/>{}</svg>',
        tone,
        _image(label),
        _plain(_clamped(value)),
        mark,
    )


@register.simple_tag
def bar(part: float, whole: float, stage: str = "", css: str = "") -> SafeString:
    """A bar as wide as the share; in the rung's colour when a stage is given. The number stands beside it."""
    width = charts.percent(part, whole)
    return format_html(
        '<svg class="bar {}" {} aria-hidden="true"><rect width="{}%" height="100%" rx="1"/></svg>',
        css,
        format_html('data-r="{}"', RANK[stage] + 1) if stage else "",
        _plain(max(width, 0.4) if part else 0),
    )


@register.simple_tag
def spark(values: Sequence[float], label: str = "") -> SafeString:
    """A tiny line of the values, without axes. The last value stands beside it."""
    return format_html(
        '<svg class="spark" viewBox="0 0 52 16" preserveAspectRatio="none" {}><polyline points="{}"/></svg>',
        _image(label),
        charts.spark(values),
    )


@register.inclusion_tag("ui/score_bar.html")
def score_bar(bar: charts.ScoreBar) -> dict[str, Any]:
    """Points as a bar, from `rung.ui.charts.score_bar(points, needed)`."""
    return {"bar": bar}


# -- blocks ---------------------------------------------------------------------------------------------------------


@register.simple_block_tag
def panel(
    content: SafeString, title: str, sub: str = "", end: str = "", css: str = "", id: str = "", level: int = 2
) -> SafeString:
    """A hairline box with a header. The content brings its own `.body`, `.list`, `.table` or `footer`."""
    return format_html(
        '<section class="panel {css}"{id}{label}><header><h{level}>{title}</h{level}>{sub}{end}</header>'
        "{content}</section>",
        css=css,
        id=format_html(' id="{}"', id) if id else "",
        label=format_html(' aria-label="{}"', title),
        title=title,
        level=level,
        sub=format_html('<span class="sub">{}</span>', sub) if sub else "",
        end=format_html('<span class="end">{}</span>', end) if end else "",
        content=content,
    )


@register.simple_tag
@lru_cache(maxsize=1024)
def places(navigation: Hashable, part: str, commands: Hashable = ()) -> SafeString:
    """A part of the frame: the places in the `side`, on the `phone`, in the `palette` or under the `keys`.

    Every page has all four, and they are the same for everybody of a role: drawn once for each place one can be in.
    """
    return render_to_string(f"ui/places_{part}.html", {"navigation": navigation, "commands": commands})


@register.inclusion_tag("ui/empty.html")
def empty(title: str, words: str, href: str = "", act: str = "") -> dict[str, str]:
    """What would be here, what is nearest to it, one act."""
    return {"title": title, "words": words, "href": href, "act": act}


@register.inclusion_tag("ui/note.html")
def note(said: str, tone: str = "") -> dict[str, str]:
    """One sentence that must be read: `tone` "" / warn / bad."""
    return {"said": said, "tone": tone}


@register.inclusion_tag("ui/skeleton.html")
def skeleton(rows: int = 4, said: str = "") -> dict[str, Any]:
    """The final shape while something takes longer than 300 ms."""
    return {"widths": [("70", "50", "80", "60")[row % 4] for row in range(rows)], "said": said}


@register.inclusion_tag("ui/tabs.html")
def tabs(items: Sequence[Any], label: str) -> dict[str, Any]:
    """Links as tabs: items have `label`, `href`, `is_current` and may have `count` and `tip`. Arrow keys move."""
    return {"items": items, "label": label}


@register.inclusion_tag("ui/strip.html")
def strip(steps: Sequence[Any]) -> dict[str, Any]:
    """The seven rungs: steps have `stage`, `label`, `state` (done, here, ahead, unused) and `when` in words."""
    return {"steps": steps}


@register.inclusion_tag("ui/timeline.html", takes_context=True)
def timeline(context: template.Context, entries: Sequence[Any], with_names: bool = False) -> dict[str, Any]:
    """Events, newest first, under their days: see `ui/timeline.html` for what an entry has."""
    now, zone = _now(context), context.get("zone") or words.UTC
    days: list[tuple[str, list[Any]]] = []
    for entry in entries:
        name = words.day(entry.at, now, zone)
        if not days or days[-1][0] != name:
            days.append((name, []))
        days[-1][1].append((words.clock_time(entry.at, zone), words.exact(entry.at, zone), entry))
    return {"days": days, "with_names": with_names}


@register.inclusion_tag("ui/sort_header.html")
def sort_header(column: Any) -> dict[str, Any]:
    """A column's heading; a link when it sorts. `column` is a `rung.ui.tables.Column`."""
    return {"column": column}


@register.inclusion_tag("ui/pager.html")
def pager(said: str, newer: str = "", older: str = "") -> dict[str, str]:
    """The foot of a table: what is shown, and the links to its neighbours."""
    return {"said": said, "newer": newer, "older": older}


# -- inside ---------------------------------------------------------------------------------------------------------


def _now(context: template.Context) -> int:
    told = context.get("now")
    return told if isinstance(told, int) else time.time_ns() // 1_000


def _clamped(value: float) -> float:
    return max(0.0, min(100.0, value))


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _image(label: str) -> SafeString | str:
    if not label:
        return format_html('aria-hidden="{}"', "true")
    return format_html('role="img" aria-label="{}"', label)
