"""What the timeline says of an event: what was heard, in the user's words, never a code alone."""

import pytest

from rung.terms.kinds import KINDS
from rung.web.happenings import around, in_their_words, said


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("admission_given", {"admission": "considering"}, "Heard an admission: considers us"),
        ("admission_given", {"admission": "change"}, "Heard an admission: wants a change"),
        ("admission_given", {}, "Heard an admission"),
        (
            "question_answered",
            {"question": "cost_of_not_solving", "answer": "EUR 5,000 a month"},
            "Got an answer on cost of not solving: EUR 5,000 a month",
        ),
        ("question_answered", {"question": "decision_date"}, "Got an answer on decision date"),
        ("competitor_named", {"competitor": "Pipedrive", "use": "trial"}, "Named a competitor: Pipedrive (on trial)"),
        ("competitor_named", {"competitor": "SAP", "using": True}, "Named a competitor: SAP (in use)"),
        ("competitor_named", {"competitor": "Excel", "using": "odd"}, "Named a competitor: Excel"),
        (
            "imported",
            {"seller": "Listco", "legal_basis": "consent"},
            "On a list bought from Listco, on the basis of consent",
        ),
        ("imported", {}, "Imported"),
        (
            "person_identified",
            {"name": "Bea Holt", "title": "Head of Ports", "email": "bea@hafen.example"},
            "Told us who they are: Bea Holt, Head of Ports, bea@hafen.example",
        ),
        (
            "demo_requested",
            {"name": "Bea Holt", "title": "Head of Ports", "form": "See it"},
            "Asked for a demo: See it",
        ),
        (
            "question_asked",
            {"name": "Bea Holt", "question": "Does it run on site?", "form": "Contact us"},
            "Asked a question: Does it run on site?",
        ),
        ("form_submitted", {"email": "bea@hafen.example", "name": "Bea Holt", "form": "talk"}, "Filled a form: talk"),
        ("element_clicked", {"name": "Compare plans", "text": "Compare"}, "Clicked Compare plans"),
        ("element_clicked", {"name": "g2.example", "outbound": True}, "Left by a link to g2.example"),
        ("call_made", {"outcome": "no_answer"}, "Called them, no answer"),
    ],
)
def test_an_event_is_said_in_one_sentence(kind: str, data: dict[str, object], words: str) -> None:
    assert said(kind, data) == words


def test_what_somebody_wrote_stands_below_the_sentence_unless_it_says_it_already() -> None:
    reply = {"subject": "Re: The paper", "text": "Call me on Tuesday.\n"}
    assert said("email_replied", reply) == "Replied to a mail: Re: The paper"
    assert in_their_words("email_replied", reply) == "Call me on Tuesday."
    forwarded = {"subject": "Berths", "text": "Do you forecast ro-ro?", "note": "Could be big."}
    assert in_their_words("question_asked", forwarded) == "Could be big.\n\nDo you forecast ro-ro?"
    forwarded["forwarded_by"] = "sam@ours.example"
    told = "Do you forecast ro-ro?\n\nsam@ours.example, who forwarded it: Could be big."
    assert in_their_words("question_asked", forwarded) == told
    assert in_their_words("question_asked", {"form": "Contact", "question": "On site?"}) == ""
    assert in_their_words("call_made", {"outcome": "neutral", "note": "Wants a price."}) == "Wants a price."
    assert in_their_words("page_viewed", {"title": "Pricing", "text": "x"}) == ""


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        ("email_sent", {"subject": "The paper"}, "We sent Gian a mail: The paper"),
        ("call_made", {"outcome": "no_answer"}, "Called Gian, no answer"),
        ("social_touched", {}, "Wrote to Gian on social media"),
        ("deal_won", {"deal": "Berths 2027"}, "Won a deal with Gian: Berths 2027"),
        ("handoff_rejected", {"reason": "No budget"}, "Rejected the hand-off of Gian: No budget"),
        ("bant_answered", {"letter": "budget", "confirmed": "yes"}, "Gian: Budget confirmed"),
        ("admission_given", {"admission": "change"}, "Heard an admission of Gian: wants a change"),
        ("person_described", {"name": "Gian Rochat"}, "Details of Gian noted: Gian Rochat"),
        ("person_described", {"referred_by": "fay@quai.example"}, "Gian: Referred by fay@quai.example"),
        ("email_complained", {}, "Gian marked our mail as spam"),
        ("page_viewed", {"title": "Pricing"}, "Gian read Pricing"),
        ("webinar_attended", {"webinar": "Berths"}, "Gian attended a webinar: Berths"),
        ("custom", {"event": "Plan Chosen"}, "Gian: Plan Chosen"),
        ("imported", {"seller": "Listco"}, "Gian: On a list bought from Listco"),
        ("of_tomorrow", {}, "Gian: Of tomorrow"),
    ],
)
def test_a_name_stands_where_it_says_who_did_what_to_whom(kind: str, data: dict[str, object], sentence: str) -> None:
    assert "Gian".join(around(kind, data)) == sentence


@pytest.mark.parametrize("kind", [code for code, kind in KINDS.items() if kind.actor == "sales"])
def test_of_nothing_that_we_do_a_name_says_that_they_did_it(kind: str) -> None:
    before, after = around(kind, {})
    assert before or after.startswith((":", " was ")) or kind in ("customer_left", "competitor_named"), (before, after)


def test_whoever_was_referred_is_said_to_be() -> None:
    assert said("person_described", {"referred_by": "fay@quai.example", "name": "Gus"}) == (
        "Referred by fay@quai.example: Gus"
    )
