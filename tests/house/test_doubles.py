"""Likely doubles: found when somebody is recorded, swept, remembered when answered, never merged by themselves."""

import pytest

from rung import wiring
from rung.access.models import Audit, User
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.lifecycle import actions, same_people
from rung.lifecycle.rules import NewEvent
from rung.people import doubles
from rung.people.models import Alias, Identity, Person, Suggestion
from rung.people.rules import Keys
from rung.terms.instants import DAY, MINUTE

pytestmark = pytest.mark.django_db
AT = 20_000 * DAY


def known(email: str, name: str, phone: str = "", company: str | None = None, at: int = AT) -> None:
    data = {"email": email, "name": name, **({"phone": phone} if phone else {})}
    event = NewEvent("person_described", keys=Keys(email=email), data=data, company=company, door="system")
    assert actions.record([event], by="test", at=at).refused == ()


def house_of_six() -> None:
    known("ana.lopes@acme.example", "Ana Lopes", "+351912345678", "acme.example")
    known("rui@acme.example", "Rui Costa", company="acme.example")
    known("eva@globex.example", "Eva Braun", company="globex.example")
    known("sam.lee@initech.example", "Sam Lee", company="initech.example")
    known("tom@globex.example", "Tom Weber", company="globex.example")
    known("ana.l@mail.example", "Anna Lopes", "0912 345 678")


def worked(at: int = AT + MINUTE) -> None:
    worker = Worker(name="w", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=())
    while worker.turn(at):
        pass


def pairs() -> list[tuple[str, str]]:
    return [(each.left.email, each.right.email) for each in doubles.open_suggestions()]


BOTH = [("ana.lopes@acme.example", "ana.l@mail.example")]


def person(email: str) -> Person:
    return Identity.objects.get(kind="email", value=email).person


def test_whoever_is_recorded_is_compared_with_who_is_like_them() -> None:
    house_of_six()
    worked()
    assert pairs() == BOTH
    assert Suggestion.objects.get().reason.startswith("same phone, same last name, first name 0.93 alike, different m")
    assert not Alias.objects.exists(), "a suggestion merges nobody"


def test_a_sweep_finds_the_same_and_takes_back_what_no_longer_holds() -> None:
    house_of_six()
    assert doubles.sweep(at=AT) == 1
    assert pairs() == BOTH
    known("ana.l@mail.example", "Zoe Quint", "+4915155555555", at=AT + DAY)
    assert doubles.sweep(at=AT + DAY) == 0
    assert pairs() == []


def test_what_a_sweep_learnt_serves_the_checks_until_the_next() -> None:
    house_of_six()
    doubles.sweep(at=AT)
    Suggestion.objects.all().delete()
    assert doubles.check([person("ana.l@mail.example").pk], at=AT) == 1
    assert pairs() == BOTH


def test_checks_that_were_done_are_forgotten_after_a_day() -> None:
    house_of_six()
    worked()
    assert Outbox.objects.filter(kind=same_people.CHECK).exists()
    same_people.sweep({}, now() + 2 * DAY)
    assert not Outbox.objects.filter(kind=same_people.CHECK).exists()


def test_colleagues_and_namesakes_are_not_suggested() -> None:
    known("ana.lopes@acme.example", "Ana Lopes", "+351912345678", "acme.example")
    known("rui.lopes@acme.example", "Rui Lopes", "+351912345679", "acme.example")
    known("ana.lopes@globex.example", "Ana Lima", "+351933333333", "globex.example")
    worked()
    doubles.sweep(at=AT)
    assert pairs() == []


def test_an_address_of_an_office_makes_nobody_alike() -> None:
    for name, number in (("Ana Lopes", 1), ("Rui Costa", 2)):
        data = {"name": name, "email": "info@acme.example"}
        keys = Keys(user_id=f"u{number}")
        actions.record([NewEvent("person_described", keys=keys, data=data, door="system")], by="test", at=AT)
    worked()
    assert (Person.objects.count(), pairs()) == (2, [])


def test_that_they_are_two_is_remembered() -> None:
    house_of_six()
    worked()
    rui = User.objects.create(email="rui@ours.example", name="Rui", role="marketing", created_at=AT)
    same_people.keep_apart(suggestion_id=Suggestion.objects.get().pk, by=rui, at=AT + DAY)
    doubles.sweep(at=AT + 2 * DAY)
    assert pairs() == []
    assert Suggestion.objects.get().answered_by == "rui@ours.example"
    assert Audit.objects.filter(verb="kept people apart").count() == 1
    with pytest.raises(same_people.CannotAnswer, match="said before that they are two"):
        same_people.keep_apart(suggestion_id=Suggestion.objects.get().pk, by=rui, at=AT + 3 * DAY)


def test_whoever_may_not_merge_answers_nothing() -> None:
    house_of_six()
    worked()
    sam = User.objects.create(email="sam@ours.example", name="Sam", role="sales", created_at=AT)
    with pytest.raises(actions.Refused, match="does not allow"):
        same_people.keep_apart(suggestion_id=Suggestion.objects.get().pk, by=sam, at=AT)
    with pytest.raises(actions.Refused, match="does not allow"):
        same_people.merge(survivor=person(BOTH[0][0]), merged=person(BOTH[0][1]), by=sam, at=AT)
    assert pairs() == BOTH
    assert not Alias.objects.exists()


def test_a_pair_that_became_one_is_asked_again_when_it_is_two() -> None:
    house_of_six()
    worked()
    one, other = person(BOTH[0][0]), person(BOTH[0][1])
    same_people.merge(survivor=one, merged=other, by="system", at=AT + DAY)
    assert pairs() == []
    actions.unmerge(merged=other, by="system", at=AT + 2 * DAY)
    assert pairs() == BOTH


def test_a_visitor_nobody_knows_is_no_survivor() -> None:
    house_of_six()
    actions.record([NewEvent("page_viewed", keys=Keys(anonymous_id="c1"))], by="test", at=AT)
    visitor = Person.objects.get(is_anonymous=True)
    with pytest.raises(same_people.CannotAnswer, match="keep the one we know"):
        same_people.merge(survivor=visitor, merged=person(BOTH[0][0]), by="system", at=AT)


def test_many_at_once_are_left_to_one_sweep() -> None:
    events = [
        NewEvent("person_described", keys=Keys(email=f"p{n}@acme.example"), data={"name": f"P {n}"}, door="system")
        for n in range(60)
    ]
    actions.record(events, by="test", at=AT)
    assert list(Outbox.objects.values_list("kind", flat=True)) == [same_people.SWEEP]
