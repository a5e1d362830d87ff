"""The yearly review: a task for those who signed, on the day it names; gone when another agreement or day holds."""

from datetime import date

import pytest

from rung.access.actions import add_user
from rung.access.models import User
from rung.handoff import tasks
from rung.handoff.models import Task
from rung.insight import proposals, reviewing
from rung.lifecycle import published
from rung.lifecycle.generations import keep_text
from rung.lifecycle.publishing import actions as publishing
from rung.playbook.loading import load
from rung.playbook.shipped import read
from rung.playbook.writing import signed_by, to_be_reviewed
from rung.terms.instants import DAY, parse_instant

pytestmark = pytest.mark.django_db
AT = parse_instant("2026-11-26T09:00:00Z")
BOOK = read("default").replace("score >= 50", "score >= 45", 1)
TEXT = to_be_reviewed(BOOK, by=date(2027, 11, 26))


@pytest.fixture
def people() -> dict[str, User]:
    return {
        role: add_user(
            email=f"{role}@ours.example", name=name, role=role, by="test", at=AT, password="a quiet harbour at noon"
        )
        for role, name in (("marketing", "Mia Ortiz"), ("sales", "Sam Lee"), ("revops", "Ren Castellanos"))
    }


def holds(text: str) -> None:
    """Puts the text in force, or where its version is, lets it be kept as it is now."""
    playbook = load(text)
    if published.in_force().generation_id is not None and playbook.version == published.playbook().version:
        keep_text(playbook)
    else:
        publishing.publish(text, by="test", at=AT)


def reminded() -> list[tuple[str, int, str]]:
    rows = Task.objects.filter(person=None).order_by("owner__role")
    return [(task.owner.role, task.due_at, task.what) for task in rows]


def test_both_who_signed_here_are_reminded_in_the_morning_of_the_day(people: dict[str, User]) -> None:
    proposal = proposals.propose(text=TEXT, by=people["marketing"], at=AT)
    for side in ("marketing", "sales"):
        proposals.sign(proposal=proposal, side=side, by=people[side], at=AT, on=date(2026, 11, 26))
    proposal.refresh_from_db()
    holds(proposal.text)
    reviewing.keep(AT)
    reviewing.keep(AT + DAY)
    due, what = parse_instant("2027-11-26T09:00:00+01:00"), "Read the agreement “Default” again, by 26 November 2027"
    assert [row[:2] for row in reminded()] == [("marketing", due), ("sales", due)]
    assert reminded()[0][2] == what.replace("Default", published.playbook().name)

    mia = people["marketing"]
    assert tasks.due_today(mia, published.playbook(), at=due - DAY) == []
    assert len(tasks.due_today(mia, published.playbook(), at=due)) == 1
    feed = tasks.calendar(mia, at=AT, address="https://rung.example")
    assert "DTSTART:20271126T080000Z" in feed and "URL:https://rung.example/interviews" in feed
    tasks.done(tasks=Task.objects.filter(owner=mia), by=mia, at=due)
    reviewing.keep(due + DAY)
    assert Task.objects.filter(owner=mia).count() == 1, "what was ticked off does not come back"


def test_a_name_under_the_file_is_enough_and_without_any_those_who_publish_are_asked(people: dict[str, User]) -> None:
    holds(TEXT)
    reviewing.keep(AT)
    assert [row[0] for row in reminded()] == ["revops"]
    holds(signed_by(TEXT, side="sales", who="Sam Lee", on=date(2026, 11, 26)))
    reviewing.keep(AT)
    assert [row[0] for row in reminded()] == ["sales"]


def test_another_day_or_none_takes_the_task_away(people: dict[str, User]) -> None:
    holds(TEXT)
    reviewing.keep(AT)
    holds(to_be_reviewed(TEXT, by=date(2028, 1, 3)))
    reviewing.keep(AT)
    assert [row[1] for row in reminded()] == [parse_instant("2028-01-03T09:00:00+01:00")]
    holds(BOOK.replace("review_by:", "# review_by:", 1))
    reviewing.keep(AT)
    assert reminded() == []


def test_what_is_in_force_is_proposed_again_only_with_a_later_day(people: dict[str, User]) -> None:
    text = TEXT
    for side, who in (("marketing", "Mia Ortiz"), ("sales", "Sam Lee")):
        text = signed_by(text, side=side, who=who, on=date(2026, 11, 26))
    holds(text)
    with pytest.raises(proposals.Refused, match="in force already"):
        proposals.propose(text=text, by=people["marketing"], at=AT)
    again = proposals.propose(text=to_be_reviewed(text, by=date(2028, 11, 26)), by=people["marketing"], at=AT)
    assert proposals.missing_sides(again) == ["marketing", "sales"]
