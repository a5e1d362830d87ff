"""What happened, in words and with an icon: the timeline's sentence of an event, whatever its data hold."""

from collections.abc import Mapping
from typing import Any, Final

from rung.terms.kinds import KINDS

_ICONS: Final = {
    "page_viewed": "eye", "pricing_viewed": "eye", "element_clicked": "eye", "form_submitted": "form",
    "content_downloaded": "form", "documentation_requested": "form", "newsletter_subscribed": "mail",
    "webinar_registered": "video", "webinar_attended": "video", "demo_requested": "flag", "quote_requested": "euro",
    "question_asked": "chat", "call_received": "phone", "call_answered": "phone", "call_made": "phone",
    "contacted": "phone", "meeting_booked": "cal", "meeting_held": "cal", "meeting_missed": "cal",
    "trial_started": "bolt", "product_used": "bolt", "social_engaged": "link", "social_touched": "link",
    "referral_given": "people", "email_opened": "mail", "email_clicked": "mail", "email_replied": "mail",
    "email_written": "mail", "email_sent": "mail", "email_delivered": "mail", "email_bounced": "alert",
    "email_complained": "alert", "unsubscribed": "x", "direct_mail_sent": "mail", "consent_given": "check",
    "consent_withdrawn": "x", "bant_answered": "chat", "admission_given": "chat", "question_answered": "chat",
    "friction_found": "alert", "competitor_named": "swap", "checklist_ticked": "check", "handoff_opened": "handoff",
    "handoff_accepted": "check", "handoff_rejected": "x", "handoff_returned": "return", "handoff_withdrawn": "return",
    "deal_opened": "deals", "deal_moved": "deals", "deal_won": "euro", "deal_lost": "x", "contract_started": "pen",
    "contract_ended": "pen", "customer_left": "out", "stage_overridden": "ladder", "imported": "import",
    "person_identified": "person", "person_described": "pen", "company_described": "company", "nominated": "flag",
    "sla_warned": "clock", "sla_breached": "clock", "persons_merged": "merge", "persons_unmerged": "merge",
    "event_voided": "undo", "import_undone": "undo", "likelihood_scored": "insight",
}  # fmt: skip

_DETAILS: Final = (
    "title name subject content form webinar meeting event offer question topic text page path letter competitor "
    "friction line reason deal stage agenda url"
).split()
_ASKED: Final = {
    "question_asked": ("question", "topic", "text", "subject"),
    "content_downloaded": ("content",),
    "documentation_requested": ("content",),
    "webinar_registered": ("webinar", "content"),
}
"""What an event that came by a form is about, before the form's own name."""
_LONGEST: Final = 90
_OUTCOMES: Final = {
    "positive": "positive",
    "neutral": "neutral",
    "negative": "negative",
    "not_now": "not now",
    "wrong_person": "wrong person",
    "no_answer": "no answer",
}
_USES: Final = {"now": "in use", "trial": "on trial", "former": "used before"}
_ADMISSIONS: Final = {"considering": "considers us", "change": "wants a change"}


def icon(kind: str) -> str:
    return _ICONS.get(kind, "bolt")


def said(kind: str, data: Mapping[str, Any]) -> str:
    """One sentence: "Read Pricing", "Rejected the hand-off: No budget", "Replied to a mail, positive"."""
    if kind == "custom":
        return f"{_text(data, 'name') or _text(data, 'event') or 'Did something of your own'}"
    if kind == "page_viewed":
        page = _text(data, "title") or _text(data, "path") or _text(data, "url")
        return f"Read {page}" if page else "Read a page"
    if kind == "element_clicked":
        name = _text(data, "name") or _text(data, "text")
        if name:
            return f"{'Left by a link to' if data.get('outbound') is True else 'Clicked'} {name}"
    if kind == "bant_answered":
        answer = {"yes": "confirmed", "no": "denied", True: "confirmed", False: "denied"}.get(data.get("confirmed"), "")
        return f"{_text(data, 'letter').capitalize() or 'BANT'} {answer or 'answered'}{_after(_text(data, 'value'))}"
    if kind == "competitor_named":
        use = _USES.get(_text(data, "use") or ("now" if data.get("using") is True else ""), "")
        return f"Named a competitor: {_text(data, 'competitor')}{f' ({use})' if use else ''}"
    if kind == "admission_given":
        return f"Heard an admission{_after(_ADMISSIONS.get(_text(data, 'admission'), _text(data, 'admission')))}"
    if kind == "question_answered":
        asked = _text(data, "question").replace("_", " ")
        return f"Got an answer{f' on {asked}' if asked else ''}{_after(_text(data, 'answer'))}"
    if kind == "imported" and _text(data, "seller"):
        basis = _text(data, "legal_basis")
        return f"On a list bought from {_text(data, 'seller')}{f', on the basis of {basis}' if basis else ''}"
    if kind == "meeting_missed" and data.get("called_off"):
        return f"Called off a meeting{_after(_text(data, 'meeting'))}"
    words = KINDS[kind].words if kind in KINDS else kind.replace("_", " ").capitalize()
    if kind in ("person_identified", "person_described") and (who := _text(data, "referred_by")):
        return f"Referred by {who}{_after(_text(data, 'name'))}"
    if kind == "person_identified":
        # Of a person `title` is what they are, not what a page is called.
        return words + _after(
            ", ".join(told for name in ("name", "title", "email", "phone") if (told := _text(data, name)))
        )
    outcome = _OUTCOMES.get(str(data.get("outcome", "")), "")
    # A form's answers are the person's: `name` and `title` say who they are, not what it was about.
    names = (*_ASKED.get(kind, ()), "form") if "form" in data else _DETAILS
    detail = next((found for name in names if (found := _text(data, name))), "")
    joined = f"{words}{_after(detail)}"
    return f"{joined}, {outcome}" if outcome else joined


def around(kind: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """The sentence around the name of whom it is about: ("", " read Pricing") of what they did, ("We sent ", " a mail")
    of what we did to them."""
    told = said(kind, data)
    if kind not in KINDS:
        return "", f": {told}"
    words = KINDS[kind].words
    if kind in _DONE_TO and told.startswith(words):
        before, _, after = _DONE_TO[kind].partition("{}")
        return before, f"{after}{told.removeprefix(words)}"
    if (KINDS[kind].actor == "their" and kind != "custom") or kind in _THEIRS_ALL_THE_SAME:
        return "", f" {told[:1].lower()}{told[1:]}"
    return "", f": {told}"


_DONE_TO: Final = {
    "nominated": "{} was nominated by marketing", "call_made": "Called {}", "email_written": "Wrote to {}",
    "social_touched": "Wrote to {} on social media", "direct_mail_sent": "Sent {} a letter",
    "contacted": "Spoke with {}", "admission_given": "Heard an admission of {}",
    "question_answered": "Got an answer of {}", "bant_answered": "Got a BANT answer of {}",
    "friction_found": "Found a friction with {}", "checklist_ticked": "Ticked a checklist line for {}",
    "handoff_opened": "Hand-off of {} opened", "handoff_accepted": "Accepted the hand-off of {}",
    "handoff_rejected": "Rejected the hand-off of {}", "handoff_returned": "Returned the hand-off of {}",
    "handoff_withdrawn": "Hand-off of {} withdrawn", "deal_opened": "Opened a deal with {}",
    "deal_moved": "Moved a deal with {}", "deal_won": "Won a deal with {}", "deal_lost": "Lost a deal with {}",
    "contract_started": "Contract with {} started", "contract_ended": "Contract with {} ended",
    "stage_overridden": "Rung of {} set by hand", "customer_handed_to_support": "Handed {} over to support",
    "person_described": "Details of {} noted", "email_sent": "We sent {} a mail",
    "email_delivered": "Mail delivered to {}", "email_bounced": "Mail to {} bounced", "imported": "{} was imported",
    "sla_warned": "Answer about {} nearly late", "sla_breached": "Answer about {} late",
    "likelihood_scored": "Likelihood of {} computed",
}  # fmt: skip
"""What we do to somebody, in whose place {} stands: a name before it would say that they did it."""
_THEIRS_ALL_THE_SAME: Final = frozenset({"email_complained", "customer_left", "competitor_named"})


def in_their_words(kind: str, data: Mapping[str, Any]) -> str:
    """What was written or noted with an event, which no sentence holds: a reply, a question, a note on a call."""
    told = [data.get(name) for name in _WRITTEN.get(kind, ("note",))]
    texts = [text.strip() for text in told if isinstance(text, str) and text.strip()]
    if kind == "question_asked" and (note := _text(data, "note")) and (who := _text(data, "forwarded_by")):
        texts = [*texts[1:], f"{who}, who forwarded it: {note}"]
    written = "\n\n".join(text for text in texts if text not in said(kind, data))
    return written if len(written) <= _LONGEST_WRITTEN else written[: _LONGEST_WRITTEN - 1].rstrip() + "…"


_WRITTEN: Final = {
    "email_replied": ("text",),
    "question_asked": ("note", "question", "text"),
    "handoff_rejected": ("note",),
}
_LONGEST_WRITTEN: Final = 1_500


def _after(detail: str) -> str:
    return f": {detail}" if detail else ""


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        return ""
    value = value.strip()
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1].rstrip() + "…"
