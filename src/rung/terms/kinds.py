"""Every kind of event: who acts, which doors may write it, which data fields it must carry."""

from dataclasses import dataclass
from typing import Final, Literal

Actor = Literal["their", "sales", "system"]
Door = Literal["publishable", "secret", "import", "app", "system"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event.

    `their` and `sales` events are a person's *own* events (they end waiting, count as signals, may be a sign of
    life); `system` events are not. `required` names the data fields without which the event is refused.
    """

    code: str
    actor: Actor
    doors: frozenset[Door]
    required: tuple[str, ...]
    words: str
    """What happened, as the timeline says it when nothing better is known: "Read a page"."""

    @property
    def is_own(self) -> bool:
        return self.actor != "system"


_BROWSER: Final[frozenset[Door]] = frozenset({"publishable", "secret", "import", "app", "system"})
_SERVER: Final[frozenset[Door]] = frozenset({"secret", "import", "app", "system"})
_HOUSE: Final[frozenset[Door]] = frozenset({"import", "app", "system"})
_SYSTEM: Final[frozenset[Door]] = frozenset({"import", "system"})


def _kinds() -> dict[str, Kind]:
    table: list[tuple[Actor, frozenset[Door], str, str, tuple[str, ...]]] = [
        # What they do in a browser: a publishable key may write it.
        ("their", _BROWSER, "person_identified", "Told us who they are", ()),
        ("their", _BROWSER, "page_viewed", "Read a page", ()),
        ("their", _BROWSER, "element_clicked", "Clicked something on a page", ()),
        ("their", _BROWSER, "pricing_viewed", "Read the prices", ()),
        ("their", _BROWSER, "form_submitted", "Filled a form", ()),
        ("their", _BROWSER, "content_downloaded", "Downloaded content", ()),
        ("their", _BROWSER, "documentation_requested", "Asked for documentation", ()),
        ("their", _BROWSER, "newsletter_subscribed", "Subscribed to the newsletter", ()),
        ("their", _BROWSER, "webinar_registered", "Registered for a webinar", ()),
        ("their", _BROWSER, "demo_requested", "Asked for a demo", ()),
        ("their", _BROWSER, "quote_requested", "Asked for a quote", ()),
        ("their", _BROWSER, "question_asked", "Asked a question", ()),
        ("their", _BROWSER, "meeting_booked", "Booked a meeting", ()),
        ("their", _BROWSER, "trial_started", "Started a trial", ()),
        ("their", _BROWSER, "product_used", "Used the product", ()),
        ("their", _BROWSER, "custom", "Did something of your own", ()),
        # What they do elsewhere, told by a server, an import or a colleague.
        ("their", _SERVER, "webinar_attended", "Attended a webinar", ()),
        ("their", _SERVER, "call_received", "Called us", ()),
        ("their", _SERVER, "meeting_held", "Met us", ()),
        ("their", _SERVER, "meeting_missed", "Missed a meeting", ()),
        ("their", _SERVER, "social_engaged", "Engaged on social media", ()),
        ("their", _SERVER, "weak_signal_seen", "Gave a weak signal", ()),
        ("their", _SERVER, "referral_given", "Referred somebody", ()),
        ("their", _SERVER, "email_opened", "Opened a mail", ()),
        ("their", _SERVER, "email_clicked", "Clicked in a mail", ()),
        ("their", _SERVER, "email_replied", "Replied to a mail", ()),
        ("their", _SERVER, "call_answered", "Answered a call", ()),
        ("their", _SERVER, "unsubscribed", "Unsubscribed", ()),
        ("their", _SERVER, "consent_given", "Gave consent", ()),
        ("their", _SERVER, "consent_withdrawn", "Withdrew consent", ()),
        # What our people do and decide.
        ("sales", _HOUSE, "nominated", "Nominated by marketing", ()),
        ("sales", _SERVER, "call_made", "Called them", ()),
        ("sales", _SERVER, "email_written", "Wrote to them", ()),
        ("sales", _SERVER, "social_touched", "Wrote on social media", ()),
        ("sales", _SERVER, "direct_mail_sent", "Sent a letter", ()),
        ("sales", _SERVER, "contacted", "Spoke with them", ()),
        ("sales", _SERVER, "bant_answered", "Got a BANT answer", ("letter", "confirmed")),
        ("sales", _SERVER, "admission_given", "Heard an admission", ("admission",)),
        ("sales", _SERVER, "question_answered", "Got an answer", ("question",)),
        ("sales", _SERVER, "friction_found", "Found a friction", ("friction",)),
        ("sales", _SERVER, "competitor_named", "Heard of a competitor", ("competitor",)),
        ("sales", _HOUSE, "checklist_ticked", "Ticked a checklist line", ("line",)),
        ("sales", _HOUSE, "handoff_accepted", "Accepted the hand-off", ()),
        ("sales", _HOUSE, "handoff_rejected", "Rejected the hand-off", ()),
        ("sales", _HOUSE, "handoff_returned", "Returned the hand-off", ()),
        ("sales", _SERVER, "deal_opened", "Opened a deal", ()),
        ("sales", _SERVER, "deal_moved", "Moved a deal", ()),
        ("sales", _SERVER, "deal_won", "Won a deal", ()),
        ("sales", _SERVER, "deal_lost", "Lost a deal", ()),
        ("sales", _SERVER, "contract_started", "Contract started", ()),
        ("sales", _SERVER, "contract_ended", "Contract ended", ()),
        ("sales", _SERVER, "customer_left", "Left as a customer", ()),
        ("sales", _HOUSE, "stage_overridden", "Rung set by hand", ()),
        ("sales", _HOUSE, "customer_handed_to_support", "Handed over to support", ()),
        # What the house itself notes.
        ("system", _SYSTEM, "imported", "Imported", ()),
        ("system", _SERVER, "person_described", "Details noted", ()),
        ("system", _SERVER, "company_described", "Company details noted", ()),
        ("system", _SYSTEM, "email_sent", "We sent a mail", ()),
        ("system", _SYSTEM, "email_delivered", "Mail delivered", ()),
        ("system", _SYSTEM, "email_bounced", "Mail bounced", ()),
        ("system", _SYSTEM, "email_complained", "Marked our mail as spam", ()),
        ("system", _SYSTEM, "handoff_opened", "Hand-off opened", ()),
        ("system", _SYSTEM, "handoff_withdrawn", "Hand-off withdrawn", ()),
        ("system", _SYSTEM, "sla_warned", "Answer nearly late", ()),
        ("system", _SYSTEM, "sla_breached", "Answer late", ()),
        ("system", _SYSTEM, "likelihood_scored", "Likelihood computed", ("likelihood",)),
        ("system", _SYSTEM, "event_voided", "An event was voided", ("event",)),
        ("system", _SYSTEM, "import_undone", "An import was undone", ("import",)),
        ("system", _SYSTEM, "persons_merged", "Two records became one", ("merged",)),
        ("system", _SYSTEM, "persons_unmerged", "A merge was undone", ("merged",)),
        ("system", _SYSTEM, "playbook_published", "A playbook was published", ("playbook",)),
    ]
    return {code: Kind(code, actor, doors, required, words) for actor, doors, code, words, required in table}


KINDS: Final[dict[str, Kind]] = _kinds()

TOUCHES: Final = frozenset({"call_made", "email_written", "social_touched", "direct_mail_sent"})
"""One of ours tried: the fact `touched`."""

REACHED: Final = frozenset({"contacted", "call_answered", "meeting_held"})
"""Two-way: the fact `reached`; `email_replied` counts too unless its outcome is negative."""

SIGNS_OF_LIFE: Final = frozenset(
    {
        "call_answered",
        "email_replied",
        "meeting_held",
        "contacted",
        "bant_answered",
        "admission_given",
        "question_answered",
        "deal_opened",
        "deal_moved",
    }
)
"""Kinds that reset `idle` even when no signal of the playbook matches them."""

VISIT_KINDS: Final = frozenset({"page_viewed", "pricing_viewed"})
"""Kinds that make up `visits`."""

OUTCOMES: Final = ("positive", "neutral", "negative", "not_now", "wrong_person", "no_answer")
ADMISSIONS: Final = ("considering", "change")
ANSWER_KINDS: Final = {
    "handoff_accepted": "accepted",
    "handoff_rejected": "rejected",
    "handoff_returned": "returned",
}


def kind_of_track(name: str, door: Door) -> str:
    """The kind for a Segment `track` name at this door: its snake_case when that is a kind the door may write.

    Everything else is `custom`; the caller keeps the name in the event's data. A browser cannot win a deal.
    """
    code = "_".join(part for part in _words(name) if part)
    kind = KINDS.get(code)
    return code if kind is not None and door in kind.doors else "custom"


def _words(name: str) -> list[str]:
    words: list[str] = [""]
    for before, character in zip(" " + name, name, strict=False):
        if not character.isalnum():
            words.append("")
        else:
            if character.isupper() and before.islower():
                words.append("")
            words[-1] += character.lower()
    return words
