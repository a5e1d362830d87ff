"""Likely doubles: looked for after somebody was recorded or changed, swept each night, answered by one of ours."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.history.models import Event
from rung.history.queries import stored_of
from rung.jobs import locks
from rung.jobs.actions import enqueue, enqueue_many, forget_done
from rung.lifecycle import actions
from rung.lifecycle.rules import NewEvent, News
from rung.people import doubles, queries
from rung.people.actions import ids_of
from rung.people.addresses import Had, Told, had
from rung.people.models import Person, Suggestion
from rung.people.queries import companies_by_id
from rung.people.rules import NAMING, company_told, is_role_address, normal_email
from rung.terms.instants import DAY, HOUR, MINUTE
from rung.terms.values import BadValue, clean_text

CHECK: Final = "look for doubles"
SWEEP: Final = "sweep for doubles"
_ONE_BY_ONE: Final = 50
"""More people at once are left to a sweep soon after: a table that is brought in has its doubles compared together."""
_TELLING: Final = NAMING | {"persons_merged", "persons_unmerged"}


class CannotAnswer(Refused):
    """The suggestion cannot be answered so; the text says why."""


def ask(news: News) -> Sequence[NewEvent]:
    """After events: whoever told something of themselves is compared with who is like them, by the worker."""
    people = sorted({event.person_id for event in news.events if event.kind in _TELLING and event.person_id})
    if not people:
        return []
    if len(people) <= _ONE_BY_ONE:
        # Sites tell who somebody is with every page: one look a minute is enough.
        minute = news.at // MINUTE
        work = [(f"doubles:{person_id}:{minute}", {"people": [person_id]}) for person_id in people]
        enqueue_many(kind=CHECK, work=work, at=news.at)
    else:
        ask_sweep(news.at, run_after=news.at + 2 * MINUTE)
    return []


def ask_sweep(at: int, *, run_after: int | None = None) -> None:
    """Has everybody compared, once an hour at most: each night, after an import, and in a house that never was."""
    enqueue(kind=SWEEP, key=f"doubles-sweep:{at // HOUR}", payload={}, at=at, run_after=run_after)


def check(payload: Mapping[str, Any], at: int) -> None:
    """The job: compares the people it names."""
    doubles.check([int(person_id) for person_id in payload["people"]], at=at)
    if not doubles.is_swept():
        ask_sweep(at)


def sweep(payload: Mapping[str, Any], at: int) -> None:
    """The long job: compares everybody."""
    doubles.sweep(at=at)
    forget_done(kind=CHECK, before=at - DAY)


def merge(*, survivor: Person, merged: Person, by: By, at: int) -> None:
    """Makes two people one, as a suggestion said or as somebody knows. Raises Refused."""
    if survivor.is_anonymous and not merged.is_anonymous:
        raise CannotAnswer("Somebody we know cannot live on as an unknown visitor: keep the one we know.")
    actions.merge(survivor=survivor, merged=merged, by=by, at=at)


def keep_apart(*, suggestion_id: int, by: By, at: int) -> Suggestion:
    """They are not the same person, which is remembered: neither a check nor a sweep brings the pair up again."""
    require(by, "merge people")
    with transaction.atomic():
        locks.hold()
        found = Suggestion.objects.select_related("left", "right").filter(pk=suggestion_id).first()
        if found is None:
            raise CannotAnswer("There is no such suggestion any more. Nothing was changed.")
        if found.answer:
            raise CannotAnswer(f"{found.answered_by} said before that they are two. Nothing was changed.")
        found.answer, found.answered_by, found.answered_at = "different", name_of(by), at
        found.save(update_fields=["answer", "answered_by", "answered_at"])
        data = {"people": [str(found.left.uuid), str(found.right.uuid)]}
        audited(by=by, verb="kept people apart", object=f"person {found.left_id}", data=data, at=at)
    return found


def now_works_at(*, person: Person, company: str, email: str, title: str, by: By, at: int) -> None:
    """Notes a change of employer: an event of the person. What happened before stays with the company before."""
    require(by, "describe people")
    try:
        key = company_told(clean_text(company, "company", 250)) if company.strip() else None
        told = {name: clean_text(text, name, 250) for name, text in (("email", email), ("title", title)) if text}
    except BadValue as fault:
        raise Refused(f"{str(fault).capitalize()}.") from None
    if key is None:
        raise Refused("Write the new company, best by its domain: a provider of free mailboxes is none.")
    if person.company is not None and person.company.key == key:
        raise Refused(f"They work at {person.company} already. Nothing was changed.")
    if "email" in told:
        fit_for(person, told["email"])
    # What was only true at the old employer is taken back, unless the new is told with it.
    data: dict[str, Any] = {"title": None, **told} if person.title else dict(told)
    event = NewEvent("person_described", person=person.pk, data=data, company=key)
    with transaction.atomic():
        recorded = actions.record([event], by=by, at=at)
        if recorded.refused:
            raise Refused(f"{recorded.refused[0].reason.capitalize()}.")
        audited(by=by, verb="noted employer", object=f"person {person.pk}", data={"company": key, **told}, at=at)


def fit_for(person: Person, email: str) -> None:
    """Raises Refused for what is no address of one person, or is somebody else's."""
    address = normal_email(email)
    if address is None:
        raise Refused(f"{email[:60]} is no e-mail address.")
    if is_role_address(address):
        raise Refused(f"{email[:60]} is read by many and names nobody: write a person's own address.")
    found = queries.person_named(address)
    if found is not None and found.pk != person.pk:
        raise Refused(f"{email[:60]} is {found}'s. If they are the same person, merge the two records.")


def merged_into(person: Person) -> list[tuple[Person, Event | None]]:
    """Everybody who became this person, with the event that made them one, the latest first."""
    olds = list(Person.objects.filter(alias__living=person).select_related("company"))
    ids = [person.pk, *(old.pk for old in olds)]
    merges = {
        str(event.data.get("merged")): event
        for event in Event.objects.filter(person_id__in=ids, kind="persons_merged").order_by("seq")
    }
    told = [(old, merges.get(str(old.uuid))) for old in olds]
    return sorted(told, key=lambda item: -(item[1].seq if item[1] else 0))


def had_of(person: Person) -> Had:
    """Which addresses, numbers and employers the person had, each from and to."""
    rows = sorted(stored_of(ids_of(person.pk), _TELLS), key=lambda row: (row.at, row.seq))
    companies = companies_by_id({row.company_id for row in rows if row.company_id is not None})
    keys = {pk: company.key for pk, company in companies.items()}
    return had(Told(row.at, row.kind, row.data, keys.get(row.company_id or 0)) for row in rows)


_TELLS: Final = "company_id IS NOT NULL OR kind IN ('person_identified', 'person_described', 'email_bounced')"
