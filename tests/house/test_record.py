"""The one door: what is recorded, what is refused, and where people stand after it."""

import pytest
from django.db import transaction

from rung import wiring
from rung.history.models import Event
from rung.jobs.models import Outbox
from rung.lifecycle import actions, undoing
from rung.lifecycle.deciding import line
from rung.lifecycle.models import Handoff, StageMove, Standing, State, Tally
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.rules import NewEvent, News
from rung.people.models import Alias, Company, Person
from rung.people.queries import person_named
from rung.people.rules import Keys
from rung.terms.instants import DAY, HOUR, MINUTE

pytestmark = pytest.mark.django_db
AT = 20_000 * DAY + 10 * HOUR

PLAYBOOK = """
playbook: 1
name: Test
fit:
  - {name: Boss, when: 'person.title.matches("head of *")', points: 20}
  - {name: Right size, when: company.employees >= 50, points: 10}
signals:
  - {name: Page, on: page_viewed, points: 5, cap: 30, half_life: 14d}
  - {name: Demo, on: demo_requested, points: 40, hand_raise: yes}
  - {name: Active colleague, on: page_viewed, from: company, points: 2, cap: 10}
stages:
  lead: {enter: reachable and signals >= 1}
  mql: {enter: score >= 50}
  sal: {enter: accepted}
  opportunity: {enter: bant >= 2 and reached}
  customer: {enter: deal.won}
setbacks:
  - {to: nurture, when: 'stage == "mql" and rejected', because: Sales rejected, rest: 30d}
  - {to: nurture, when: 'stage in ["lead", "mql"] and idle >= days(90)', because: No sign of life}
handoff:
  on: mql
  reject_reasons: [{reason: No budget}]
qualification: {budget: {valid_for: 30d}}
"""
ANA = Keys(email="ana@acme.example")


@pytest.fixture(autouse=True)
def _playbook() -> None:
    publishing.publish(PLAYBOOK, by="cli", at=AT - DAY)


def recorded(*events: NewEvent, at: int = AT, by: str = "test") -> actions.Recorded:
    return actions.record(events, by=by, at=at)


def ana() -> Person:
    found = person_named("ana@acme.example")
    assert found is not None
    return found


def standing(person: Person | None = None) -> Standing:
    return Standing.objects.get(person=person or ana(), generation_id=line.current().generation_id)


def moves(person: Person | None = None) -> list[tuple[str, str]]:
    rows = StageMove.objects.filter(person=person or ana(), generation_id=line.current().generation_id)
    return [(move.stage if move.status == "active" else move.status, move.because) for move in rows.order_by("number")]


def test_an_event_is_identified_appended_and_decided() -> None:
    told = recorded(NewEvent(kind="page_viewed", keys=ANA, data={"path": "/"}))
    assert (told.accepted, told.duplicates, told.refused) == (1, 0, ())
    assert [event.kind for event in Event.objects.order_by("seq")[1:]] == ["person_described", "page_viewed"]
    now = standing()
    assert (now.stage, now.status, now.engagement, now.reachable, now.since) == ("lead", "active", 5.0, True, AT)
    assert moves() == [("lead", "reachable and signals >= 1")]
    assert [move.stage for move in told.moves] == ["lead"]


def test_a_hand_raise_opens_a_hand_off_with_its_evidence_and_an_event() -> None:
    recorded(NewEvent(kind="person_described", keys=ANA, data={"title": "Head of IT", "email": "ana@acme.example"}))
    told = recorded(NewEvent(kind="demo_requested", keys=ANA), at=AT + MINUTE)
    assert [move.stage for move in told.moves] == ["lead", "mql"]
    handoff = Handoff.objects.get()
    assert (handoff.lane, handoff.opened_at, handoff.answer) == ("hand_raise", AT + MINUTE, "")
    assert handoff.evidence == "Score 60: fit 20, engagement 40. Lately: Demo. Rule: score >= 50."
    opened = Event.objects.get(kind="handoff_opened")
    assert opened.data == {"handoff": handoff.pk, "lane": "hand_raise"}


def test_sales_answers_and_the_hand_off_says_so() -> None:
    recorded(
        NewEvent(kind="person_described", keys=ANA, data={"title": "Head of IT"}),
        NewEvent(kind="demo_requested", keys=ANA),
    )
    rejection = NewEvent(kind="handoff_rejected", person=ana().pk, data={"reason": "No budget"})
    recorded(rejection, at=AT + HOUR, by="sam@acme.example")
    handoff = Handoff.objects.get()
    assert (handoff.answer, handoff.reason, handoff.answered_by) == ("rejected", "No budget", "sam@acme.example")
    assert handoff.answered_at == AT + HOUR
    assert moves()[-1] == ("nurture", "Sales rejected")
    assert standing().rest_until == AT + HOUR + 30 * DAY


def test_a_repeated_message_is_counted_and_dropped() -> None:
    page = NewEvent(kind="page_viewed", keys=ANA, source="site", message_id="m1")
    told = recorded(page, page, page)
    assert (told.accepted, told.duplicates) == (1, 2)
    assert recorded(page).duplicates == 1
    assert standing().signals == 1


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (NewEvent(kind="flew", keys=ANA), "unknown kind 'flew'"),
        (NewEvent(kind="deal_won", keys=ANA, door="publishable"), "cannot be written at this door"),
        (NewEvent(kind="page_viewed"), "no person"),
        (NewEvent(kind="page_viewed", person=10**12), "There is no person"),
        (NewEvent(kind="bant_answered", keys=ANA, data={"letter": "need"}), "without confirmed"),
        (NewEvent(kind="page_viewed", keys=ANA, data={"n": float("nan")}), "not a finite number"),
        (NewEvent(kind="page_viewed", keys=ANA, data={"n": 2**63}), "larger than a number may be"),
        (NewEvent(kind="page_viewed", keys=ANA, data={"t": "a\x00b"}), "NUL"),
        (NewEvent(kind="page_viewed", keys=ANA, door="import"), "no time"),
        (NewEvent(kind="page_viewed", keys=ANA, door="import", at=2**62), "outside 1970 to 2100"),
        (NewEvent(kind="company_described", data={"employees": 5}), "without company"),
        (NewEvent(kind="event_voided", data={"event": "nothing"}, door="system"), "no event 'nothing'"),
        (NewEvent(kind="import_undone", data={"import": 7}, door="system"), "no import 7"),
        (NewEvent(kind="persons_merged", keys=ANA, data={"merged": "nobody"}, door="system"), "no person 'nobody'"),
    ],
)
def test_a_refused_event_has_its_reason_and_leaves_nothing_behind(event: NewEvent, words: str) -> None:
    before = Event.objects.count()
    told = recorded(event)
    assert told.accepted == 0
    assert words in told.refused[0].reason
    assert Event.objects.count() == before
    assert not Person.objects.exists()
    assert not Company.objects.exists()


def test_one_bad_event_does_not_stop_the_others() -> None:
    told = recorded(NewEvent(kind="flew", keys=ANA), NewEvent(kind="page_viewed", keys=ANA))
    assert (told.accepted, [refusal.index for refusal in told.refused]) == (1, [0])


def test_a_failing_consequence_undoes_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(news: News) -> list[NewEvent]:
        Outbox.objects.create(kind="mail", key="k", created_at=0, run_after=0)
        raise ZeroDivisionError

    monkeypatch.setattr(wiring, "ON_RECORDED", (fails,))
    before = Event.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        recorded(NewEvent(kind="page_viewed", keys=ANA))
    assert Event.objects.count() == before
    assert not Outbox.objects.exists()
    assert not Person.objects.exists()
    assert not Standing.objects.exists()


def test_consequences_that_never_end_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def echoes(news: News) -> list[NewEvent]:
        return [NewEvent(kind="call_made", person=event.person_id) for event in news.events if event.person_id]

    monkeypatch.setattr(wiring, "ON_RECORDED", (echoes,))
    with pytest.raises(actions.TooManyRounds, match="8 rounds, such as call_made"), transaction.atomic():
        recorded(NewEvent(kind="page_viewed", keys=ANA))
    assert not Person.objects.exists()


def test_a_live_event_takes_effect_on_arrival_and_never_before_the_latest() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA, door="import", at=AT + 5 * MINUTE))
    recorded(NewEvent(kind="page_viewed", keys=ANA, at=AT - HOUR))
    last = Event.objects.latest("seq")
    assert (last.at, last.received_at, last.occurred_at) == (AT + 5 * MINUTE, AT, AT - HOUR)


def test_a_late_import_decides_the_person_again_and_rewrites_the_past_without_consequences() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    recorded(NewEvent(kind="page_viewed", keys=ANA), at=AT + DAY)
    told = recorded(
        NewEvent(kind="demo_requested", keys=ANA, door="import", at=AT - 3 * DAY, source="import:1"),
        NewEvent(kind="person_described", keys=ANA, data={"title": "Head of IT"}, door="import", at=AT - 4 * DAY),
        at=AT + 2 * DAY,
    )
    assert [(move.stage, move.is_redefinition) for move in told.moves] == [("lead", True), ("mql", True)] or [
        (move.stage, move.is_redefinition) for move in told.moves
    ] == [("mql", True)]
    assert not Handoff.objects.exists()
    assert standing().stage == "mql"
    assert ana().title == "Head of IT"
    assert ana().first_seen_at == AT - 4 * DAY


def test_an_import_into_an_empty_house_moves_people_when_it_happened() -> None:
    recorded(
        NewEvent(kind="demo_requested", keys=ANA, door="import", at=AT - 10 * DAY, source="import:1"),
        NewEvent(kind="page_viewed", keys=ANA, door="import", at=AT - 20 * DAY, source="import:1"),
    )
    assert [row.at for row in StageMove.objects.order_by("number")] == [AT - 20 * DAY]
    assert not StageMove.objects.filter(is_redefinition=True).exists()


def test_an_undone_import_leaves_no_trace_in_standings() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    eva = Keys(email="eva@acme.example")
    recorded(
        NewEvent(kind="person_described", keys=ANA, data={"title": "CIO"}, door="import", at=AT, source="import:3"),
        NewEvent(kind="page_viewed", keys=eva, door="import", at=AT, source="import:3"),
        NewEvent(kind="demo_requested", keys=ANA, door="import", at=AT, source="import:3"),
        at=AT + HOUR,
    )
    undoing.undo_import(number=3, by="test", at=AT + DAY)
    assert standing().engagement == pytest.approx(5 * 0.5 ** (1 / 14), abs=1e-6)
    assert ana().title == ""
    assert not Person.objects.filter(email="eva@acme.example").exists()
    with pytest.raises(actions.Refused, match="undone before"):
        undoing.undo_import(number=3, by="test", at=AT + DAY)


def test_a_voided_event_no_longer_counts() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    recorded(NewEvent(kind="demo_requested", keys=ANA, message_id="oops"), at=AT + HOUR)
    assert standing().signals == 2
    actions.void(message_id="oops", by="test", at=AT + 2 * HOUR)
    assert standing().signals == 1
    assert Event.objects.filter(message_id="oops").exists()
    assert {tally.name for tally in Tally.objects.all()} == {"Page", "page_viewed", "person_described"}


@pytest.mark.parametrize("memory", [None, b"of another engine"])
def test_whose_memory_is_lost_or_strange_is_decided_again_from_nothing(memory: bytes | None) -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    if memory is None:
        State.objects.all().delete()
    else:
        State.objects.update(state=memory)
    recorded(NewEvent(kind="demo_requested", keys=ANA), at=AT + HOUR)
    assert standing().signals == 2
    assert State.objects.get(person=ana()).state != memory


def test_known_beats_anonymous_and_the_visits_count() -> None:
    cookie = Keys(anonymous_id="c1")
    recorded(NewEvent(kind="page_viewed", keys=cookie))
    recorded(NewEvent(kind="page_viewed", keys=ANA), at=AT + MINUTE)
    recorded(
        NewEvent(kind="form_submitted", keys=cookie, data={"email": "Ana@Acme.example"}, door="publishable"),
        at=AT + 2 * MINUTE,
    )
    assert Person.objects.count() == 2
    assert Standing.objects.count() == 1
    assert standing().signals == 2
    assert Event.objects.filter(kind="persons_merged").count() == 1
    recorded(NewEvent(kind="page_viewed", keys=cookie), at=AT + 3 * MINUTE)
    assert standing().signals == 3


def test_a_visitor_met_and_merged_in_one_batch_is_one_person() -> None:
    cookie = Keys(anonymous_id="c1")
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    recorded(
        NewEvent(kind="page_viewed", keys=cookie),
        NewEvent(kind="person_identified", keys=Keys(anonymous_id="c1", email="ana@acme.example")),
        NewEvent(kind="page_viewed", keys=cookie),
        at=AT + MINUTE,
    )
    assert standing().signals == 3
    assert Standing.objects.count() == 1


def test_what_is_kept_aside_is_for_the_house_to_say() -> None:
    """Else a stranger's word could be told again, when an import is taken back, as what the house had held back."""
    mine = {"path": "/", "claimed": {"works at": "x" * 9_000, "title": "King"}}
    recorded(NewEvent(kind="page_viewed", keys=ANA, data=mine, door="publishable"))
    told = Event.objects.get(kind="page_viewed").data
    assert told == {"path": "/", "claimed by them": mine["claimed"]}


def test_an_untrusted_door_fills_empty_fields_and_overwrites_none() -> None:
    recorded(NewEvent(kind="person_described", keys=ANA, data={"title": "Head of IT"}))
    told = {"title": "King", "country": "PT", "email": "ana@acme.example"}
    recorded(NewEvent(kind="person_identified", keys=ANA, data=told, door="publishable"), at=AT + MINUTE)
    assert (ana().title, ana().country) == ("Head of IT", "PT")
    assert Event.objects.get(kind="person_identified").data["claimed"] == {"title": "King"}


def test_a_merge_and_its_undoing() -> None:
    eva = Keys(email="eva@acme.example")
    recorded(NewEvent(kind="page_viewed", keys=ANA), NewEvent(kind="page_viewed", keys=eva))
    other = Person.objects.get(email="eva@acme.example")
    actions.merge(survivor=ana(), merged=other, by="test", at=AT + HOUR)
    assert standing().signals == 2
    assert not Standing.objects.filter(person=other).exists()
    assert Alias.objects.get().living == ana()
    recorded(NewEvent(kind="page_viewed", keys=eva), at=AT + 2 * HOUR)
    assert standing().signals == 3
    with pytest.raises(actions.Refused, match="one person already"):
        actions.merge(survivor=ana(), merged=other, by="test", at=AT + HOUR)
    actions.unmerge(merged=other, by="test", at=AT + 3 * HOUR)
    # The page viewed while they were one came by Eva's key: events keep the id they arrived with, so it is hers.
    assert (standing().signals, standing(other).signals) == (1, 2)
    assert ana().email == "ana@acme.example"


def test_of_two_open_hand_offs_the_older_stays() -> None:
    eva = Keys(email="eva@acme.example")
    for number, keys in enumerate((eva, ANA)):
        recorded(
            NewEvent(kind="person_described", keys=keys, data={"title": "Head of IT"}),
            NewEvent(kind="demo_requested", keys=keys),
            at=AT + number * MINUTE,
        )
    other = Person.objects.get(email="eva@acme.example")
    actions.merge(survivor=ana(), merged=other, by="test", at=AT + HOUR)
    assert [handoff.opened_at for handoff in Handoff.objects.filter(withdrawn_at=None)] == [AT]
    assert Handoff.objects.filter(person=ana()).count() == 2


def test_a_company_told_of_reaches_everybody_in_it() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA, company="Acme.example"))
    assert standing().fit == 0
    recorded(
        NewEvent(kind="company_described", company="acme.example", data={"employees": 80, "name": "Acme"}),
        at=AT + HOUR,
    )
    assert standing().fit == 10
    assert str(ana().company) == "Acme"
    eva = Keys(email="eva@acme.example")
    recorded(NewEvent(kind="page_viewed", keys=eva, company="acme.example"), at=AT + 2 * HOUR)
    joined = standing(Person.objects.get(email="eva@acme.example"))
    assert joined.fit == 10, "on joining a company its known facts apply"


def test_a_colleague_is_a_signal() -> None:
    eva = Keys(email="eva@acme.example")
    recorded(NewEvent(kind="page_viewed", keys=ANA, company="acme.example"))
    recorded(NewEvent(kind="page_viewed", keys=eva, company="acme.example"), at=AT)
    recorded(NewEvent(kind="page_viewed", keys=eva), at=AT)
    assert standing().engagement == 5 + 2 + 2
    assert standing().signals == 1
    assert Tally.objects.get(name="Active colleague").times == 2


def test_time_alone_moves_people_when_somebody_looks() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    assert standing().due_at == AT + 90 * DAY
    assert actions.look_again(at=AT + 89 * DAY) == 0
    assert actions.look_again(at=AT + 100 * DAY) == 1
    assert moves()[-1] == ("nurture", "No sign of life")
    assert StageMove.objects.latest("number").at == AT + 90 * DAY
    assert actions.look_again(at=AT + 100 * DAY) == 0


def test_an_override_holds_and_says_why() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA))
    with pytest.raises(actions.Refused, match="Say why"):
        actions.override(person=ana(), to="mql", because=" ", by="test", at=AT + HOUR)
    actions.override(person=ana(), to="mql", because="Met her at the fair", by="test", at=AT + HOUR)
    assert moves()[-1] == ("mql", "Met her at the fair")
    assert standing().held_until == AT + HOUR + 90 * DAY
    assert Handoff.objects.count() == 1


def test_what_lists_filter_by_is_kept_with_the_standing() -> None:
    recorded(
        NewEvent(kind="page_viewed", keys=ANA, data={"utm_source": "fair", "utm_campaign": "spring"}),
        NewEvent(kind="bant_answered", keys=ANA, data={"letter": "budget", "confirmed": "yes", "told": True}),
        NewEvent(kind="competitor_named", keys=ANA, data={"competitor": "Umbrella"}),
    )
    now = standing()
    assert (now.budget, now.budget_until, now.bant, now.bant_told) == (True, AT + 30 * DAY, 1, 1)
    assert (now.need, now.need_until, now.competitor, now.source) == (None, None, "Umbrella", "fair")
    assert ana().campaign == "spring"


def test_coming_to_be_a_customer_empties_the_counts() -> None:
    recorded(NewEvent(kind="page_viewed", keys=ANA), NewEvent(kind="page_viewed", keys=ANA))
    recorded(NewEvent(kind="deal_won", keys=ANA), at=AT + HOUR)
    assert standing().stage == "customer"
    assert list(Tally.objects.values_list("name", "times")) == [("handoff_opened", 1)], "what came after the win"
    recorded(NewEvent(kind="page_viewed", keys=ANA), at=AT + 2 * HOUR)
    assert {(tally.name, tally.times) for tally in Tally.objects.all()} == {
        ("Page", 1),
        ("page_viewed", 1),
        ("handoff_opened", 1),
    }
