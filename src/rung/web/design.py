"""/design: every token and every component, drawn by the same tags the pages use. For staff only."""

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from rung.access import rules
from rung.access.models import User
from rung.jobs.clock import now as this_instant
from rung.terms.stages import SHORT_LABELS, STAGES
from rung.ui import words
from rung.ui.charts import ScorePoint, score_bar
from rung.ui.tables import Column
from rung.web import shell

TOKENS: Final = (
    ("bg", "#f7f9fb", "#0c0f12"), ("surface", "#ffffff", "#14181b"), ("surface-2", "#f1f5f6", "#1c2124"),
    ("surface-3", "#e7ebed", "#252b2f"), ("line", "#e1e4e7", "#272d31"), ("line-2", "#c9cfd1", "#3a4146"),
    ("line-strong", "#838a90", "#6d767c"), ("ink", "#151b21", "#ecf0f1"), ("ink-2", "#41494f", "#bcc2c5"),
    ("ink-3", "#60676e", "#979ea2"), ("accent", "#2858cd", "#7fa7fb"), ("accent-2", "#1a45b6", "#97baff"),
    ("accent-soft", "#e8f0ff", "#1d2b47"), ("accent-ink", "#1b44ae", "#a8c7ff"), ("warn", "#945406", "#f0b55d"),
    ("warn-soft", "#fef0d8", "#3a2710"), ("bad", "#bc2028", "#fc8a82"), ("bad-soft", "#ffebeb", "#451e1d"),
    ("ok", "#00675a", "#77d2ba"), ("ok-soft", "#e2f6f1", "#14302b"),
)  # fmt: skip
CONTRAST: Final = (
    ("ink", "surface", "text", 17.3, 15.6, 4.5), ("ink-2", "surface", "second text", 9.2, 9.9, 4.5),
    ("ink-3", "surface", "labels, units", 5.7, 6.6, 4.5), ("ink-3", "surface-3", "labels on pressed", 4.8, 5.3, 4.5),
    ("accent", "surface", "primary fill", 6.3, 7.5, 4.5), ("on-accent", "accent", "text on primary", 6.3, 8.1, 4.5),
    ("accent-ink", "accent-soft", "selected row, chip", 7.4, 8.3, 4.5),
    ("ink-3", "accent-soft", "labels on selected", 5.0, 5.2, 4.5),
    ("warn", "surface", "soon", 5.9, 9.8, 4.5), ("warn", "warn-soft", "soon, tag", 5.3, 7.8, 4.5),
    ("bad", "surface", "late, wrong", 6.2, 7.7, 4.5), ("bad", "bad-soft", "late, tag", 5.4, 6.2, 4.5),
    ("ok", "surface", "done", 6.8, 10.0, 4.5), ("ok", "ok-soft", "done, tag", 6.0, 7.9, 4.5),
    ("line-strong", "surface", "control edge", 3.5, 3.9, 3.0),
    ("line-strong", "bg", "control edge on ground", 3.3, 4.1, 3.0),
)  # fmt: skip
TYPE: Final = (
    ("t-28", "28 / 36", "12,480", "the one big number"),
    ("t-20", "20 / 28", "Answer Ingrid Solberg first", "page sentence"),
    ("t-16", "16 / 24", "Publish version 7?", "dialog title"),
    ("t-14", "14 / 22", "38 of the 61 who stalled", "the reason under it"),
    ("t-13", "13 / 20", "Booked a demo for Friday 10:00", "body, tables"),
    ("t-12", "12 / 16", "answer within 1 business day", "labels, units"),
    ("t-11", "11 / 16", "e-48213", "references, keys"),
)
ICONS: Final = (
    "today ladder people person company handoff deals journey insight playbook import settings search eye form mail "
    "phone video chat cal clock alert bolt flag link euro pen merge swap check x plus filter right left down up "
    "chevron-up return undo download sort rows dots pause lock keyboard moon sun out menu"
).split()
SCORE: Final = (
    ScorePoint("Paper “Forecasting port volumes”", 13, 15, "of 15, fading", "form", events=(47102,)),
    ScorePoint("Webinar, stayed 41 minutes", 10, 12, "of 12, fading", "video", events=(47388,)),
    ScorePoint("Pricing page, three visits", 20, 24, "of 24, capped", "eye", is_capped=True, events=(47911, 47910)),
    ScorePoint("Wrote to us", 10, 10, "full", "mail", events=(48213,)),
    ScorePoint("Two colleagues active", 6, 6, "full", "people", events=(47640,)),
    ScorePoint("Careers page, once", -2, -2, "fixed", "eye", events=(47096,)),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the sample timeline."""

    seq: int | None
    at: int
    icon: str
    said: str
    points: str = ""
    is_move: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    stage: str
    label: str
    state: str
    when: str = ""


@require_GET
def design(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User) or not user.may("see design"):
        who = " or ".join(role for role in rules.ROLES if rules.may(role, "see design"))
        raise PermissionDenied(f"The design kit is for {who}.")
    return shell.page(request, "web/design.html", _samples(), place="design")


def _samples() -> dict[str, Any]:
    now = this_instant()
    return {
        "tokens": TOKENS,
        "contrast": CONTRAST,
        "type": TYPE,
        "icons": ICONS,
        "ramp": [(code, SHORT_LABELS[code], rank) for rank, code in enumerate(STAGES, start=1)],
        "bar": score_bar(SCORE, needed=50),
        "score_points": SCORE,
        "steps": _steps(),
        "entries": _entries(now),
        "funnel": [
            (code, SHORT_LABELS[code], n) for code, n in zip(STAGES[1:], (486, 148, 92, 71, 24, 9), strict=True)
        ],
        "weeks": [32, 30, 31, 26, 27, 22, 23, 25, 18, 19, 13, 15, 9, 10],
        "columns": (
            Column("Person"),
            Column("Rung"),
            Column("Score", "?sort=score", "descending", is_number=True),
            Column("Ago", "?sort=ago", is_number=True),
        ),
        "tab_items": (
            {"label": "Selected", "href": "#tabs", "is_current": True, "count": 15},
            {"label": "Not selected", "href": "#tabs", "is_current": False, "count": 212},
            {"label": "Without a count", "href": "#tabs", "is_current": False, "count": None},
        ),
    }


def _steps() -> list[Step]:
    states = ("done", "done", "here", "ahead", "ahead", "ahead", "ahead")
    when = ("2 Oct", "3 Nov", "today 10:44", "", "", "", "")
    return [Step(code, SHORT_LABELS[code], *rest) for code, *rest in zip(STAGES, states, when, strict=True)]


def _entries(now: int) -> list[Entry]:
    day = words.DAY
    return [
        Entry(
            48214, now - words.HOUR, "ladder", "Became MQL, hand-off opened for Sam", "score 57, fit 32", is_move=True
        ),
        Entry(48213, now - words.HOUR, "mail", "Wrote: “We rebuild the port forecast by hand every Monday.”", "+10"),
        Entry(47911, now - 2 * day, "eye", "Read Pricing for 3 minutes, third visit", "+4, capped"),
        Entry(
            47388, now - 14 * day, "video", "Joined the webinar “Nowcasting freight”, stayed 41 of 45 minutes", "+12"
        ),
        Entry(47102, now - 16 * day, "form", "Filled the form “Forecasting port volumes”", "+15"),
    ]
