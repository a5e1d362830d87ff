"""Hand-offs dealt out: each to marketing while something is undocumented, else to whoever the route and the turn name.

Everything is read for many hand-offs at once, so that one that opens and a hundred thousand that were imported take
the same way.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count

from rung import tables
from rung.access.models import User
from rung.handoff import notifying, reckoning, rules
from rung.handoff.models import Absence, Assignment, Clock, Rep
from rung.handoff.rules import Candidate, Choice, Wanted
from rung.lifecycle import segments
from rung.lifecycle.deciding import handoffs as rows_of_lifecycle
from rung.lifecycle.deciding import line as lines
from rung.lifecycle.deciding.line import Line
from rung.lifecycle.models import Handoff, Standing, Tally
from rung.people.models import Company, CompanyTrait, Trait
from rung.terms.instants import moment

_AT_A_TIME: Final = 400
CONTENT_KINDS: Final = (
    *("content_downloaded", "form_submitted", "documentation_requested", "webinar_registered", "webinar_attended"),
    *("demo_requested", "quote_requested", "page_viewed", "pricing_viewed", "newsletter_subscribed"),
)
"""What they read or asked for: any of it is their last content."""
INTEREST_KINDS: Final = (
    *("question_asked", "demo_requested", "quote_requested", "documentation_requested", "trial_started"),
    *("call_received", "meeting_booked", "bant_answered", "question_answered"),
)
"""What says in their own words, or by what they ask for, what they are interested in."""
DIRECT: Final = "direct"
"""The source of whoever came to our pages without a campaign."""
_NEEDS: Final = ("language", "product", "industry")
"""Fields that a skill may match."""


@dataclass(frozen=True, slots=True)
class Given:
    """A hand-off and where it lies now."""

    handoff_id: int
    owner_id: int | None
    queue: str
    because: str


def deal(handoffs: Sequence[Handoff], line: Line, *, at: int, not_to: Mapping[int, int] | None = None) -> list[Given]:
    """Puts each on a desk and starts its clock, in the caller's transaction. `not_to`: who said it is not theirs.

    The clock of a hand-off that never lay anywhere began when it opened; handed over again, it begins now.
    """
    if not handoffs:
        return []
    ids = [handoff.pk for handoff in handoffs]
    known = {
        id_ for (id_,) in tables.read("SELECT handoff_id FROM handoff_assignment WHERE handoff_id IN ({ids})", ids)
    }
    facts = _Facts(handoffs, line, at=at)
    reps = _Reps(line, at=at)
    given, fresh = [], []
    clocks: list[_Started] = []
    for handoff in handoffs:
        missing = rules.lacking(line.playbook.handoff.must_document, facts.documented(handoff.person_id))
        if missing:
            choice, queue = Choice(None, f"Marketing has yet to say: {', '.join(missing)}"), "marketing"
        else:
            wanted = facts.wanted(handoff.person_id)
            choice = reps.give(replace(wanted, not_to=(not_to or {}).get(handoff.pk)))
            queue = "sales" if choice.id is not None else "nobody"
        given.append(Given(handoff.pk, choice.id, queue, choice.because))
        fresh.append(_row(handoff, choice, queue, missing, reps.team_of(choice.id), at=at))
        if queue != "marketing":
            started_at = at if handoff.pk in known else handoff.opened_at
            clocks.append(_Started(handoff, started_at, choice.id, reps.team_name_of(choice.id)))
    _write(fresh, known)
    start(list(_clock_rows(clocks, line)))  # computed before: a COPY under way lets no query through
    reps.keep()
    rows_of_lifecycle.give({each.handoff_id: each.owner_id for each in given if each.owner_id is not None})
    # Of those that just opened the event tells; a history that was loaded is no news.
    notifying.tell_whose(sorted(known), at=at)
    return given


def find_somebody(waiting: Sequence[Assignment], line: Line, *, at: int) -> int:
    """Tries again for those for whom nobody was free; their clocks ran on. Returns how many found somebody."""
    facts, reps = _Facts([each.handoff for each in waiting], line, at=at), _Reps(line, at=at)
    found = []
    for each in waiting:
        choice = reps.give(facts.wanted(each.person_id))
        if choice.id is not None:
            each.queue, each.owner_id, each.team_id = "sales", choice.id, reps.team_of(choice.id)
            each.because, each.assigned_at = choice.because[:300], at
            found.append(each)
    put_on(found, at=at)
    reps.keep()
    return len(found)


def put_on(assignments: Sequence[Assignment], *, at: int, is_news: bool = True) -> None:
    """Writes on whose desk these lie, and tells whoever has them now where it `is_news`; the clocks that run go with
    them, by the calendar of the owner's team."""
    Assignment.objects.bulk_update(assignments, ["queue", "owner", "team", "because", "assigned_at"], batch_size=100)
    for each in assignments:
        Clock.objects.filter(assignment=each, stopped_at__isnull=True).update(owner_id=each.owner_id)
    handed_on = Clock.objects.filter(assignment__in=[each.pk for each in assignments], stopped_at__isnull=True)
    reckoning.again(lines.current().playbook, ids=list(handed_on.values_list("pk", flat=True)))
    rows_of_lifecycle.give({each.pk: each.owner_id for each in assignments if each.owner_id is not None})
    if is_news:
        notifying.tell_whose([each.pk for each in assignments], at=at)


def start(clocks: Iterable[tuple[Any, ...]]) -> None:
    """Starts clocks, in the order of CLOCK_COLUMNS."""
    tables.insert(Clock, CLOCK_COLUMNS, clocks)


CLOCK_COLUMNS: Final = tables.columns_of(Clock)
_ASSIGNMENT_COLUMNS: Final = ("handoff_id", *tables.columns_of(Assignment))


def clock_row(
    kind: str,
    person_id: int,
    line: Line,
    started_at: int,
    owner_id: int | None,
    handoff: Handoff | None = None,
    *,
    lane: str = "",
    event_seq: int | None = None,
) -> tuple[Any, ...]:
    """A clock's columns, with its instants by the playbook in force."""
    lane, times = handoff.lane if handoff else lane, reckoning.Times(line.playbook)
    owners = reckoning.Owners(times)
    away = owners.away(owner_id)
    owed = times.due(kind, lane, owners.team(owner_id), started_at=started_at, pauses=away)
    return _clock(kind, person_id, lane, started_at, owner_id, owed, handoff and handoff.pk, event_seq)


@dataclass(frozen=True, slots=True)
class _Started:
    """A clock of an answer that starts: when, and whose."""

    handoff: Handoff
    at: int
    owner_id: int | None
    team: str


def _clock_rows(wanted: Sequence[_Started], line: Line) -> Iterator[tuple[Any, ...]]:
    """The clocks of answers, their instants computed together where they are many."""
    times = reckoning.Times(line.playbook)
    owners = reckoning.Owners(times)
    alike: dict[tuple[str, str, int | None], list[_Started]] = defaultdict(list)
    for each in wanted:
        # Whoever may be away has pauses of their own.
        owner_id = each.owner_id if times.may_be_away else None
        alike[each.handoff.lane, times.key(each.team), owner_id].append(each)
    for (lane, team, owner_id), theirs in alike.items():
        found = times.dues("answer", lane, team, [each.at for each in theirs], owners.away(owner_id))
        for each, (due_at, warn_at) in zip(theirs, found, strict=True):
            handoff, owed = each.handoff, rules.Due(due_at, warn_at)
            yield _clock("answer", handoff.person_id, lane, each.at, each.owner_id, owed, handoff.pk, None)


def _clock(
    kind: str,
    person_id: int,
    lane: str,
    started_at: int,
    owner_id: int | None,
    owed: rules.Due,
    handoff_id: int | None,
    event_seq: int | None,
) -> tuple[Any, ...]:
    values = {
        **dict.fromkeys(CLOCK_COLUMNS),
        "kind": kind,
        "assignment_id": handoff_id,
        "person_id": person_id,
        "lane": lane,
        "owner_id": owner_id,
        "event_seq": event_seq,
        "started_at": started_at,
        "due_at": owed.due_at,
        "warn_at": owed.warn_at,
    }
    return tuple(values[name] for name in CLOCK_COLUMNS)


def _row(
    handoff: Handoff, choice: Choice, queue: str, missing: list[str], team_id: int | None, *, at: int
) -> tuple[Any, ...]:
    values = {
        "handoff_id": handoff.pk,
        "person_id": handoff.person_id,
        "lane": handoff.lane,
        "queue": queue,
        "owner_id": choice.id,
        "team_id": team_id,
        "because": choice.because[:300],
        "lacking": json.dumps(missing),
        "note": "",
        "assigned_at": at,
        "ended_at": None,
    }
    return tuple(values[name] for name in _ASSIGNMENT_COLUMNS)


def _write(rows: Sequence[tuple[Any, ...]], known: Collection[int]) -> None:
    tables.insert(Assignment, _ASSIGNMENT_COLUMNS, [row for row in rows if row[0] not in known])
    again = [row for row in rows if row[0] in known]
    if again:
        sets = ", ".join(f"{name} = %s" for name in _ASSIGNMENT_COLUMNS[1:])
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE handoff_assignment SET {sets} WHERE handoff_id = %s", [(*row[1:], row[0]) for row in again]
            )


class _Handed(NamedTuple):
    """What is asked of the person handed over themselves."""

    id: int
    owner_id: int | None
    company_id: int | None
    country: str
    source: str


_HANDED: Final = "SELECT id, owner_id, company_id, country, source FROM people_person WHERE id IN ({ids})"


class _Facts:
    """What routing and documentation ask of the people handed over, read at once."""

    def __init__(self, handoffs: Sequence[Handoff], line: Line, *, at: int) -> None:
        self._routes = line.playbook.handoff.route
        ids = sorted({handoff.person_id for handoff in handoffs})
        self._people = {row[0]: _Handed(*row) for row in tables.read(_HANDED, ids)}
        self._told: dict[int, dict[str, str]] = defaultdict(dict)
        self._route: dict[int, int] = {}
        must = [rules.field_of(name) for name in line.playbook.handoff.must_document]
        for part in _parts(ids):
            self._read_traits(part, {*must, *_NEEDS})
            self._read_tallies(part, line)
            self._read_routes(part, line, at)
        self._read_companies()

    def documented(self, person_id: int) -> dict[str, str]:
        """Field → what is known of it."""
        told = self._told[person_id]
        # Whoever came to our pages without a campaign came by themselves: that is a source, too.
        source = self._people[person_id].source or (DIRECT if "last_content" in told else "")
        return {"source": source, **told}

    def wanted(self, person_id: int) -> Wanted:
        person = self._people[person_id]
        number = self._route.get(person_id, self._otherwise())
        to, turn = (self._routes[number].to, self._routes[number].turn) if number >= 0 else ("", "round_robin")
        company = self._companies.get(person.company_id or 0, {})
        told = self._told[person_id]
        return Wanted(
            to=to,
            turn=turn,  # type: ignore[arg-type]  # one of TURNS, as the playbook was read
            owner_id=person.owner_id or self._owners.get(company.get("owner", "")),
            account=company.get("name", ""),
            country=(person.country or company.get("country", "")).lower(),
            needs=frozenset(value.lower() for name in _NEEDS if (value := told.get(name) or company.get(name, ""))),
        )

    def _otherwise(self) -> int:
        return next((number for number, route in enumerate(self._routes) if route.when is None), -1)

    def _read_traits(self, part: Sequence[int], fields: Collection[str]) -> None:
        for row in Trait.objects.filter(person_id__in=part, field__in=fields).values_list(
            "person_id", "field", "text", "number"
        ):
            self._told[row[0]][row[1]] = row[2] or (str(row[3]) if row[3] is not None else "")

    def _read_tallies(self, part: Sequence[int], line: Line) -> None:
        rows = Tally.objects.filter(
            generation_id=line.generation_id,
            is_signal=False,
            person_id__in=part,
            name__in=sorted({*CONTENT_KINDS, *INTEREST_KINDS}),
        )
        for person_id, name in rows.values_list("person_id", "name"):
            for field, kinds in (("last_content", CONTENT_KINDS), ("interest", INTEREST_KINDS)):
                if name in kinds:
                    self._told[person_id].setdefault(field, name)

    def _read_routes(self, part: Sequence[int], line: Line, at: int) -> None:
        standings = Standing.objects.filter(generation_id=line.generation_id, person_id__in=part)
        for number, route in enumerate(self._routes):
            if route.when is None:
                break
            holding = segments.holding(standings, route.when.condition, generation_id=line.generation_id, at=at)
            for person_id in holding.values_list("person_id", flat=True):
                self._route.setdefault(person_id, number)

    def _read_companies(self) -> None:
        ids = sorted({person.company_id for person in self._people.values() if person.company_id})
        self._companies: dict[int, dict[str, str]] = {}
        for part in _parts(ids):
            names = Company.objects.filter(pk__in=part).values_list("pk", "name", "key")
            self._companies.update({pk: {"name": name or key} for pk, name, key in names})
            fields = ("owner", "country", *_NEEDS)
            rows = CompanyTrait.objects.filter(company_id__in=part, field__in=fields, text__isnull=False)
            for company_id, field, text in rows.values_list("company_id", "field", "text"):
                self._companies[company_id][field] = text.lower() if field == "owner" else text
        mails = {told["owner"] for told in self._companies.values() if "owner" in told}
        self._owners = dict(User.objects.filter(email__in=mails).values_list("email", "pk"))


class _Reps:
    """Those who take hand-offs, as they are now, and whose turn it was, kept for the next time."""

    def __init__(self, line: Line, *, at: int) -> None:
        self._deck = rules.Deck(candidates(line, at=at))
        self._given: set[int] = set()
        self._teams = dict(User.objects.filter(pk__in=list(self._deck.now)).values_list("pk", "team_id"))

    def give(self, wanted: Wanted) -> Choice:
        choice = self._deck.give(wanted)
        if choice.id is not None:
            self._given.add(choice.id)
        return choice

    def team_of(self, user_id: int | None) -> int | None:
        return self._teams.get(user_id) if user_id is not None else None

    def team_name_of(self, user_id: int | None) -> str:
        return self._deck.now[user_id].team if user_id is not None else ""

    def keep(self) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO handoff_rep (user_id, countries, skills, capacity, turn) VALUES (%s, %s, %s, NULL, %s)"
                " ON CONFLICT (user_id) DO UPDATE SET turn = excluded.turn",
                [(id_, "[]", "[]", self._deck.now[id_].turn) for id_ in sorted(self._given)],
            )


def candidates(line: Line, *, at: int) -> list[Candidate]:
    """Everybody of sales who can sign in, with what lies on their desk; away on the days they said."""
    today = moment(at).astimezone(ZoneInfo(line.playbook.calendar.timezone)).date()
    away = set(away_on(today))
    waiting = dict(
        Assignment.objects.filter(queue="sales", ended_at__isnull=True)
        .values_list("owner_id")
        .annotate(Count("pk"))
        .order_by()
    )
    kept = Rep.objects.in_bulk()
    found = []
    for user in User.objects.filter(role="sales", is_active=True).select_related("team").order_by("pk"):
        rep = kept.get(user.pk)
        found.append(
            Candidate(
                id=user.pk,
                name=str(user),
                team=user.team.name if user.team else "",
                waiting=waiting.get(user.pk, 0),
                turn=rep.turn if rep else 0,
                capacity=rep.capacity if rep else None,
                countries=frozenset(str(each).lower() for each in rep.countries) if rep else frozenset(),
                skills=frozenset(str(each).lower() for each in rep.skills) if rep else frozenset(),
                is_away=user.pk in away,
            )
        )
    return found


def away_on(day: date) -> list[int]:
    """The ids of those who are away on that day."""
    rows = Absence.objects.filter(from_date__lte=day, until_date__gte=day)
    return list(rows.values_list("user_id", flat=True).distinct())


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start_at in range(0, len(ids), _AT_A_TIME):
        yield ids[start_at : start_at + _AT_A_TIME]
