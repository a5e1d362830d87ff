"""Likely doubles side by side, and the records behind one person: merged, taken apart, addresses and employers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from rung.access.models import User
from rung.access.rules import NotAllowed, Refused
from rung.jobs.clock import now as this_instant
from rung.lifecycle import actions, published, same_people
from rung.lifecycle.models import Standing
from rung.people import doubles
from rung.people.addresses import Span
from rung.people.matching import is_equal, odds_in_words
from rung.people.models import Person, Suggestion
from rung.people.queries import person_named
from rung.ui import words
from rung.web import shell
from rung.web.links import company_href, person_href
from rung.web.people_found import living

LISTED: Final = 20
_FIELDS: Final[tuple[tuple[str, Callable[[Person], str]], ...]] = (
    ("Name", lambda person: person.name),
    ("E-mail", lambda person: person.email),
    ("Phone", lambda person: person.phone),
    ("Title", lambda person: person.title),
    ("Company", lambda person: str(person.company or "")),
    ("Country", lambda person: person.country),
    ("Source", lambda person: person.source),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A field of two people; `differs` where both say something, and not the same."""

    label: str
    left: str
    right: str
    differs: bool


@require_GET
def matches(request: HttpRequest) -> HttpResponse:
    """GET people/matches?pair=<id>: one likely double side by side, the others beside it, likeliest first."""
    return _matches(request)


@require_POST
def merging(request: HttpRequest, pair: int) -> HttpResponse:
    """POST people/matches/<id>/merging: they are one (`survivor`: left or right lives on)."""
    try:
        actions.require(_user(request), "merge people")
        found = Suggestion.objects.select_related("left", "right").filter(pk=_number(pair)).first()
        if found is None:
            raise Refused("There is no such suggestion any more. Nothing was changed.")
        if request.POST.get("survivor") not in ("left", "right"):
            raise Refused("Say who lives on. Nothing was changed.")
        survivor, merged = found.left, found.right
        if request.POST["survivor"] == "right":
            survivor, merged = merged, survivor
        same_people.merge(survivor=survivor, merged=merged, by=_user(request), at=this_instant())
    except Refused as refusal:
        return _matches(request, refusal)
    _say_merged(request, survivor, merged)
    return HttpResponseRedirect(reverse("people-matches"), status=303)


@require_POST
def difference(request: HttpRequest, pair: int) -> HttpResponse:
    """POST people/matches/<id>/difference: they are two, which is remembered."""
    try:
        found = same_people.keep_apart(suggestion_id=_number(pair), by=_user(request), at=this_instant())
    except Refused as refusal:
        return _matches(request, refusal)
    messages.info(request, f"{found.left.called} and {found.right.called} stay two. They are not asked about again.")
    return HttpResponseRedirect(reverse("people-matches"), status=303)


@require_GET
def records(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """GET people/<uuid>/records: who became this person, who is likely the same, their addresses and employers."""
    return _records(request, living(uuid))


@require_POST
def record_merging(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/merging: another record (`other`: an address, a number, our id) becomes this person."""
    person, text = living(uuid), request.POST.get("other", "").replace("\0", "")[:320]
    try:
        # The right first: whoever may not merge must not learn from the answer who is known.
        actions.require(_user(request), "merge people")
        other = person_named(_id_in(text)) if text.strip() else None
        if other is None:
            raise Refused("Nobody is known by that address, number or id. Nothing was changed.")
        same_people.merge(survivor=person, merged=other, by=_user(request), at=this_instant())
    except Refused as refusal:
        return _records(request, person, refusal)
    _say_merged(request, person, other)
    return _back(person)


@require_POST
def record_unmerging(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/unmerging: the record `merged` is a person of their own again."""
    person = living(uuid)
    try:
        actions.require(_user(request), "merge people")
        other = _merged(request.POST.get("merged", ""), person)
        actions.unmerge(merged=other, by=_user(request), at=this_instant())
    except Refused as refusal:
        return _records(request, person, refusal)
    messages.info(request, f"{other.called} is a person of their own again, with everything that was theirs.")
    return _back(living(uuid))


@require_POST
def employer(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """POST people/<uuid>/employers: they work at `company` now (`email`, `title`)."""
    person = living(uuid)
    told = {name: request.POST.get(name, "") for name in ("company", "email", "title")}
    try:
        same_people.now_works_at(person=person, by=_user(request), at=this_instant(), **told)
    except Refused as refusal:
        return _records(request, person, refusal)
    messages.info(request, "Noted. What happened before stays with the company before.")
    return _back(person)


def _say_merged(request: HttpRequest, survivor: Person, merged: Person) -> None:
    said = f"{merged.called} lives on in {survivor.called}. Under Records it can be taken back."
    shell.done(request, said, undo=reverse("person-unmerging", args=[survivor.uuid]), merged=merged.uuid)


def _matches(request: HttpRequest, refusal: Refused | None = None) -> HttpResponse:
    found = list(doubles.open_suggestions()[: LISTED + 1])
    wanted = request.GET.get("pair", "")
    pair = next((each for each in found if str(each.pk) == wanted), found[0] if found else None)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 18 and (pair is None or str(pair.pk) != wanted):
        pair = doubles.open_suggestions().filter(pk=int(wanted)).first() or pair
    place = found.index(pair) if pair in found else -1
    many = f"{LISTED}+" if len(found) > LISTED else str(len(found))
    user = request.user
    context: dict[str, Any] = {
        "title": f"{many} pair{'' if len(found) == 1 else 's'} may be one person"
        if found
        else "Nobody seems to be here twice",
        "pair": pair,
        "odds": odds_in_words(pair.odds) if pair else "",
        "rows": _rows(pair.left, pair.right) if pair else (),
        "sides": [_side(pair.left), _side(pair.right)] if pair else (),
        "others": [(each, odds_in_words(each.odds), each == pair) for each in found[:LISTED]],
        "next": found[(place + 1) % len(found)] if len(found) > 1 else None,
        "before": found[place - 1] if len(found) > 1 else None,
        "may_merge": isinstance(user, User) and user.may("merge people"),
        "refusal": str(refusal) if refusal else "",
    }
    return shell.page(request, "web/matches.html", context, place="people", status=_status(refusal))


def _records(request: HttpRequest, person: Person, refusal: Refused | None = None) -> HttpResponse:
    had, user = same_people.had_of(person), request.user
    zone, now = ZoneInfo(published.playbook().calendar.timezone), this_instant()
    likely = doubles.suggested_for(person)
    context = {
        "person": person,
        "name": person.called,
        "merged": [(old, old.called, event) for old, event in same_people.merged_into(person)],
        "likely": [(each, (each.right if each.left_id == person.pk else each.left).called) for each in likely],
        "had": [
            ("E-mail", _spans(had.emails, now, zone)),
            ("Phone", _spans(had.phones, now, zone)),
            ("Employer", _spans(had.employers, now, zone)),
        ],
        "company_href": company_href(str(person.company.uuid)) if person.company else "",
        "may_merge": isinstance(user, User) and user.may("merge people"),
        "may_describe": isinstance(user, User) and user.may("describe people"),
        "refusal": str(refusal) if refusal else "",
    }
    return shell.page(request, "web/records.html", context, place="people", status=_status(refusal))


def _spans(spans: Sequence[Span], now: int, zone: ZoneInfo) -> list[tuple[str, str, str, str]]:
    return [
        (
            span.value,
            words.day(span.from_at, now, zone),
            words.day(span.to_at, now, zone) if span.to_at is not None else "",
            span.why,
        )
        for span in spans
    ]


def _rows(left: Person, right: Person) -> list[Row]:
    rows = [Row(label, read(left), read(right), False) for label, read in _FIELDS]
    told = {**left.traits, **right.traits}
    known = {"name", "email", "phone", "title", "country", "source", "first_name", "last_name", "firstName", "lastName"}
    for name in sorted(told.keys() - known)[:12]:
        values = (left.traits.get(name, ""), right.traits.get(name, ""))
        rows.append(Row(name.replace("_", " ").capitalize(), str(values[0]), str(values[1]), False))
    return [Row(row.label, row.left, row.right, _differs(row)) for row in rows if row.left or row.right]


def _differs(row: Row) -> bool:
    """Whether both say something, and not the same: a number with and without its country is one."""
    if not row.left or not row.right:
        return False
    return not is_equal("phone" if row.label == "Phone" else "text", row.left, row.right)


def _side(person: Person) -> dict[str, Any]:
    in_force, now = published.in_force(), this_instant()
    zone = ZoneInfo(in_force.playbook.calendar.timezone)
    standing = Standing.objects.filter(generation_id=in_force.generation_id, person=person).first()
    return {
        "person": person,
        "name": person.called,
        "href": person_href(str(person.uuid)),
        "standing": standing,
        "label": in_force.playbook.short_label(standing.stage) if standing else "",
        "since": words.day(person.first_seen_at, now, zone),
        "last": words.day(person.last_event_at, now, zone),
    }


def _merged(text: str, person: Person) -> Person:
    try:
        found = Person.objects.filter(uuid=UUID(text), alias__living=person).first()
    except ValueError:
        found = None
    if found is None:
        raise Refused("That record was not merged into this person. Nothing was changed.")
    return found


def _number(number: int) -> int:
    """A number that a database can be asked for; none has 0."""
    return number if number < 1 << 62 else 0


def _id_in(text: str) -> str:
    """The id in an address of a person's page, else the text as it is."""
    return text.strip().rstrip("/").rpartition("/people/")[2] if "/people/" in text else text


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _status(refusal: Refused | None) -> int:
    return 200 if refusal is None else 403 if isinstance(refusal, NotAllowed) else 409


def _back(person: Person) -> HttpResponse:
    return HttpResponseRedirect(reverse("person-records", args=[person.uuid]), status=303)
