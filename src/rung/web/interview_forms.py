"""The forms of the SLA interview: from an answer to the fields of a screen, and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict

from rung.access.actions import Refused
from rung.insight.evidence import Evidence
from rung.playbook.definitions import Playbook
from rung.playbook.interview import Question


def told_by(asked: Question, typed: QueryDict) -> dict[str, object]:
    """The answer as typed, in the shape of `rung.playbook.interview`. Raises Refused for what is no number."""
    return _READERS[asked.name](typed)


def fields_of(
    asked: Question, told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None
) -> dict[str, object]:
    """What the form of the question shows: the answer told so far, in the words of the playbook it began with."""
    return _FORMS[asked.name](told, playbook, evidence)


# --- from the form to the answer


def _deals_told(typed: QueryDict) -> dict[str, object]:
    added = [
        {
            "name": name,
            "when": typed.get(f"when:{name}", ""),
            "points": _number(typed.get(f"points:{name}", ""), "points", of=name),
        }
        for name in typed.getlist("added")
    ]
    return {"kept": typed.getlist("kept"), "added": added}


def _confirmation_told(typed: QueryDict) -> dict[str, object]:
    by = _chosen(typed, "by")
    return {
        "by": by,
        **({"engagement": _number(typed.get("engagement", ""), "engagement")} if by == "interest" else {}),
    }


def _hand_raise_told(typed: QueryDict) -> dict[str, object]:
    is_ = _chosen(typed, "is")
    return {"is": is_, **({"fit": _number(typed.get("fit", ""), "fit")} if is_ == "if_it_fits" else {})}


def _qualification_told(typed: QueryDict) -> dict[str, object]:
    return {
        "to_pass": _whole(_chosen(typed, "to_pass"), "letters"),
        "to_offer": _whole(_chosen(typed, "to_offer"), "letters"),
    }


def _nurture_told(typed: QueryDict) -> dict[str, object]:
    rests = {}
    for reason in typed.getlist("reason"):
        how = typed.get(f"how:{reason}", "")
        days = f"{_whole(typed.get(f'days:{reason}', ''), 'days', of=reason)}d" if how == "days" else how
        rests[reason] = days
    return {
        "idle_days": _whole_or_none(typed.get("idle_days", ""), "days of silence"),
        "disqualify_at": _number(at, "fit") if (at := typed.get("disqualify_at", "").strip()) else None,
        "rests": rests,
    }


def _treatment_told(typed: QueryDict) -> dict[str, object]:
    return {
        "raised_minutes": _whole_or_none(typed.get("raised_minutes", ""), "minutes"),
        "scored_hours": _whole_or_none(typed.get("scored_hours", ""), "hours"),
        "touch_hours": _whole_or_none(typed.get("touch_hours", ""), "hours"),
        "calls": _whole_or_none(typed.get("calls", ""), "calls") or 0,
        "mails": _whole_or_none(typed.get("mails", ""), "mails") or 0,
        "within_days": _whole_or_none(typed.get("within_days", ""), "days"),
        "treat": {
            code: [line for raw in typed.get(f"treat:{code}", "").splitlines() if (line := " ".join(raw.split()))]
            for code in typed.getlist("rung")
        },
    }


def _chosen(typed: QueryDict, name: str) -> str:
    if not typed.get(name):
        raise Refused("Choose one of the answers, or leave the question open.")
    return str(typed[name])


def _number(text: str, what: str, *, of: str = "") -> float:
    try:
        number = float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        number = float("nan")
    if not abs(number) <= 1_000_000:
        raise Refused(f"Write the {what}{f' of “{of}”' if of else ''} as a number, such as 10.")
    return number


def _whole(text: str, what: str, *, of: str = "") -> int:
    number = _number(text, what, of=of)
    if number != int(number) or number < 0 or number > 10_000:
        raise Refused(f"Write the {what}{f' of “{of}”' if of else ''} as a whole number, such as 10.")
    return int(number)


def _whole_or_none(text: str, what: str) -> int | None:
    return _whole(text, what) or None if text.strip() else None


# --- from the playbook to the form


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer."""

    value: str
    label: str
    note: str
    is_chosen: bool


def _deals_form(told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None) -> dict[str, object]:
    known = {line.name for line in playbook.fit}
    added = {trait["name"]: trait for trait in told.get("added", ())}
    return {
        "lines": [{"line": line, "is_kept": line.name in told.get("kept", ())} for line in playbook.fit],
        "found": [
            {
                "row": row,
                "is_added": row.label in added,
                "points": added.get(row.label, {}).get("points", row.points),
                "share": 100 * (row.share or 0),
            }
            for row in (evidence.found if evidence else ())
            if row.label not in known
        ],
    }


def _confirmation_form(told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None) -> dict[str, object]:
    return {
        "choices": _choices(
            told.get("by"),
            ("spoken", "Yes, by voice", "A call answered, a meeting held, or a talk noted by sales."),
            ("written", "A reply is enough", "Spoken with, or a mail answered that is not a refusal."),
            ("interest", "Much interest works, too", "A contact, or engagement of at least the number below."),
        ),
        "engagement": told.get("engagement", 50),
    }


def _hand_raise_form(told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None) -> dict[str, object]:
    return {
        "choices": _choices(
            told.get("is"),
            ("enough", "Enough", "Whoever raises a hand is handed over at once."),
            ("if_it_fits", "Enough where they fit", "At once, unless the fit lies below the number beneath."),
            ("picture", "We need the whole picture", "A raised hand gives its points, and the score decides."),
        ),
        "fit": told.get("fit", 0),
        "raised": [signal.name for signal in playbook.signals if signal.is_hand_raise],
        "label": playbook.label(playbook.handoff.on),
    }


def _qualification_form(told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None) -> dict[str, object]:
    return {
        "passing": [(n, n == told.get("to_pass")) for n in range(5)],
        "offering": [(n, n == told.get("to_offer")) for n in range(5)],
        "passed": playbook.label(playbook.handoff.on),
        "offered": playbook.label("opportunity"),
        "has_offer": "opportunity" in playbook.stages,
    }


def _nurture_form(told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None) -> dict[str, object]:
    rests = told.get("rests", {})
    return {
        "idle_days": told.get("idle_days"),
        "disqualify_at": told.get("disqualify_at"),
        "reasons": [
            {
                "reason": reason,
                "days": rest[:-1] if rest.endswith("d") else "",
                "choices": _choices(
                    "days" if rest.endswith("d") else rest,
                    ("days", "rests for days", ""),
                    ("date", "wakes on a day sales names", ""),
                    ("never", "never comes back by score", ""),
                    ("", "as the step back says", ""),
                ),
            }
            for reason, rest in rests.items()
        ],
    }


def _treatment_form(told: Mapping[str, Any], playbook: Playbook, evidence: Evidence | None) -> dict[str, object]:
    treat = told.get("treat", {})
    return {
        **{name: told.get(name) for name in ("raised_minutes", "scored_hours", "touch_hours", "within_days")},
        "calls": told.get("calls", 0),
        "mails": told.get("mails", 0),
        "rungs": [
            {"code": code, "label": playbook.label(code), "lines": "\n".join(treat.get(code, ()))}
            for code in playbook.rungs
        ],
    }


def _choices(chosen: str | None, *ways: tuple[str, str, str]) -> Sequence[Choice]:
    return [Choice(value, label, note, value == chosen) for value, label, note in ways]


_READERS: Final[dict[str, Callable[[QueryDict], dict[str, object]]]] = {
    "deals": _deals_told,
    "confirmation": _confirmation_told,
    "hand_raise": _hand_raise_told,
    "qualification": _qualification_told,
    "nurture": _nurture_told,
    "treatment": _treatment_told,
}
_FORMS: Final[dict[str, Callable[[Mapping[str, Any], Playbook, Evidence | None], dict[str, object]]]] = {
    "deals": _deals_form,
    "confirmation": _confirmation_form,
    "hand_raise": _hand_raise_form,
    "qualification": _qualification_form,
    "nurture": _nurture_form,
    "treatment": _treatment_form,
}
