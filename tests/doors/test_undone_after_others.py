"""An import is taken back after others told of the same people: the house is as if only the others ever had."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

import dirty
import others_told as others
import pages_compared
from dirty_house import lived, looked_at, worked
from others_told import Telling, identify, view
from rung.capture.imports import actions as imports
from rung.capture.imports import mapping
from rung.history.models import Event
from rung.lifecycle import undoing
from rung.lifecycle.models import Standing
from rung.lifecycle.publishing import rebuilding
from rung.people.models import AlsoTold
from rung.people.queries import person_named

pytestmark = pytest.mark.django_db

PEOPLE: Final = (
    "Email,First Name,Last Name,Job Title,Phone Number,Company Name,Industry\n"
    "ana@acme.example,Ana,Lima,CFO,+4930111111,old.example,Farming\n"
    "bo@lido.example,Bo,,,+4930222222,,\n"
    "k0@firm0.example,,,Boss,+4930333333,old.example,\n"
)
"""Two whom only the import knows, and one of the house."""
ANA: Final = "ana@acme.example"


@pytest.fixture(autouse=True)
def house(tmp_path: Path, settings: Any) -> Path:
    settings.RUNG_HOME = tmp_path / "home"
    cache.clear()
    return tmp_path


def rows(statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def seen() -> dict[str, Any]:
    worked(dirty.UNDONE)
    looked_at(dirty.UNDONE)
    assert rebuilding.rebuild(check=True, at=dirty.UNDONE).differences == ()
    uuids = dirty.Names.of(rows).uuids
    told = {what: pages_compared.exported(what, at=dirty.UNDONE) for what in ("people", "companies")}
    for uuid, name in uuids.items():
        told = {what: text.replace(uuid, name) for what, text in told.items()}
    exported = {what: sorted(text.splitlines()) for what, text in told.items()}
    return {"house": dirty.picture(rows, connection.introspection.table_names()), "exports": exported}


def brought(house: Path, content: str, name: str = "people.csv", at: int = dirty.IMPORTED) -> int:
    path = house / name
    path.write_text(content, encoding="utf-8")
    kind = None if path.suffix == ".ndjson" else "people"
    report = imports.run([path], mapping=None, kind=kind, by="rung", at=at)
    assert report.number is not None and report.accepted
    return report.number


def undone(number: int) -> None:
    undoing.undo_import(number=number, by="rung", at=dirty.UNDONE)


def tell(tellings: Sequence[Telling], first: int = 0) -> None:
    for number, told in enumerate(tellings, start=first):
        told(dirty.ACTED + number * 1_000_000)


def differ(without: dict[str, Any], found: dict[str, Any]) -> list[str]:
    other = [f"exported {what} {line}" for what in found["exports"] for line in
             set(found["exports"][what]) ^ set(without["exports"][what])]  # fmt: skip
    return dirty.differences(without["house"], found["house"]) + other


def assert_as_if_never(
    house: Path, tellings: Sequence[Telling], content: str = PEOPLE, name: str = "people.csv"
) -> None:
    """The house with the import taken back is the house without it, whoever told what meanwhile; twice over."""
    lived(7)
    others.opened()
    copy = transaction.savepoint()
    tell(tellings)
    without = seen()
    transaction.savepoint_rollback(copy)
    cache.clear()

    number = brought(house, content, name)
    tell(tellings)
    undone(number)
    assert differ(without, seen()) == []
    undone(brought(house, content, name, at=dirty.UNDONE))
    assert differ(without, seen()) == []


CASES: Final[dict[str, Sequence[Telling]]] = {
    "a deal by the address": [others.recorded("deal_opened", email=ANA, data={"deal": "d1", "amount": 5})],
    "a call by the address": [others.recorded("call_made", email=ANA), others.recorded("call_answered", email=ANA)],
    "a call by the number": [others.called("+4930111111")],
    "address and number, one after the other": [
        others.recorded("meeting_held", email=ANA), others.recorded("call_made", email=ANA, phone="+4930111111"),
    ],
    "a page of a browser": [others.site(view(userId=ANA))],
    "a page, and who it is": [
        others.site(view(userId=ANA), identify(userId=ANA, title="Clerk"), view("/pricing", userId=ANA)),
    ],
    "a browser that says otherwise": [others.site(identify(userId=ANA, title="Clerk", plan="free"))],
    "a browser that says otherwise, and then the same": [
        others.site(identify(1, userId=ANA, title="Clerk")), others.site(identify(2, userId=ANA, title="CFO")),
    ],
    "a browser that says otherwise, and one of ours who knows better": [
        others.site(identify(userId=ANA, title="Clerk", plan="a")),
        others.server(identify(userId=ANA, title="Boss")), others.site(identify(3, userId=ANA, title="King", plan="b")),
    ],
    "a browser that says where they work": [
        others.site({"type": "group", "messageId": "g", "userId": ANA, "groupId": "new.example"}, view(userId=ANA)),
    ],
    "a browser that says who they are, and later where they work": [
        others.site(identify(userId=ANA, title="Clerk")),
        others.site({"type": "group", "messageId": "g", "userId": ANA, "groupId": "new.example"}),
    ],
    "a browser that says two places of work": [
        others.site({"type": "group", "messageId": "g", "userId": ANA, "groupId": "new.example"}),
        others.site({"type": "group", "messageId": "h", "userId": ANA, "groupId": "old.example"}),
    ],
    "our own server": [others.server(identify(userId="u-1", email=ANA, title="Chair"), view(userId="u-1"))],
    "our own server, by an id first": [
        others.server(view(userId="u-1")), others.server(identify(userId="u-1", email=ANA)),
        others.server(view("/x", userId="u-1")),
    ],
    "a form": [others.form(email=ANA, name="Anna L", title="Clerk", phone="+4930111111", heard="A friend")],
    "a form with a firm": [others.form(email=ANA, title="Head of IT", company="acme.example", industry="Software")],
    "a form with the firm of the import": [
        others.form(email=ANA, company="old.example", industry="Software"),
        others.form(email=ANA, company="old.example", industry="Banking"),
    ],
    "two forms": [
        others.form(email=ANA, title="Clerk", heard="A friend"),
        others.form(email=ANA, title="CFO", heard="The press", company="acme.example"),
    ],
    "a chat": [
        others.chat(email=ANA, name="Anna", title="CFO", text="Hi"), others.chat(email=ANA, name="Anna", text="?"),
    ],
    "a firm by its name": [
        others.form(email=ANA, company="Acme Limited"), others.chat(email=ANA, company="Acme Ltd", text="Hi"),
    ],
    "a firm by its name in a chat": [others.chat(email=ANA, company="Acme Ltd", text="Hi")],
    "a chat that knows ever more": [
        others.chat(email=ANA, text="Hi"), others.chat(email=ANA, title="Clerk", text="?"),
        others.chat(email=ANA, title="CFO", company="new.example", text="!"),
    ],
    "a referral": [others.referred("bo@lido.example", "Bo Virtanen", by="k1@firm0.example")],
    "of somebody of the house": [
        others.site(identify(userId="k0@firm0.example", title="Clerk", phone="+4930333333", plan="x")),
        others.form(email="k0@firm0.example", phone="+4930444444", company="other.example"),
    ],
    "by everybody": [
        others.recorded("deal_opened", email=ANA, data={"deal": "d1"}),
        others.form(email=ANA, title="Clerk", company="acme.example", industry="Software"),
        others.chat(email="bo@lido.example", name="Robert", text="Hi"),
        others.site(identify(userId=ANA, title="King", country="PT"), view(userId=ANA)),
        others.recorded("call_made", email="bo@lido.example"),
    ],
}  # fmt: skip


VISITOR: Final = "c-1"
CURIOUS: Final = [others.site(view(anonymousId=VISITOR))]
HISTORIES: Final[dict[str, tuple[Sequence[dict[str, Any]], Sequence[Telling]]]] = {
    "a number that the import gave somebody else": (
        [{"person": "other@x.example", "kind": "person_described", "data": {"phone": "+4930555555"}}],
        [others.recorded("meeting_held", email="k1@firm0.example", phone="+4930555555")],
    ),
    "an address that the import gave somebody else": (
        [{"person": "dan@x.example", "kind": "person_described", "data": {"title": "CFO"}}],
        [
            others.server(view(userId="u-9")), others.recorded("meeting_held", user_id="u-9", email="dan@x.example"),
            others.recorded("call_made", user_id="u-9", email="dan@x.example"),
        ],
    ),
    "an address of ours, of which the import says another": (
        [{"person": "r0", "kind": "person_described", "data": {"email": "zero@x.example"}}],
        [others.recorded("meeting_held", email="zero@x.example", user_id="r0")],
    ),
    "something that is yet to come, before which nothing else takes effect": (
        [
            {"person": ANA, "kind": "meeting_booked", "at": "2026-12-01T10:00:00Z"},
            {"person": "k1@firm0.example", "kind": "person_described", "at": "2026-10-01", "data": {"title": "CFO"}},
        ],
        [
            others.recorded("call_made", email=ANA), others.site(view(userId=ANA), identify(userId=ANA, title="Clerk")),
            others.form(email="k1@firm0.example", title="Clerk", heard="A friend"),
            others.recorded("call_made", email=ANA),
        ],
    ),
    "a company of which the import tells, too": (
        [
            {"kind": "company_described", "company": "firm0.example", "data": {"industry": "Mining", "city": "Ulm"}},
            {"kind": "company_described", "company": "only.example", "data": {"industry": "Mining"}},
        ],
        [
            others.form(email="k1@firm0.example", company="firm0.example", industry="Banking"),
            others.form(email="eve@only.example", company="only.example", industry="Fishing"),
            others.form(email="eve@only.example", company="only.example", industry="Mining"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HISTORIES)
def test_so_it_is_with_keys_and_companies_that_a_history_told_first(house: Path, case: str) -> None:
    lines, tellings = HISTORIES[case]
    told = "".join(json.dumps({"at": "2026-02-01", **line}) + "\n" for line in lines)
    assert_as_if_never(house, tellings, told, "history.ndjson")


SECOND: Final = (
    "Email,First Name,Job Title,Phone Number,Company Name,Industry\n"
    "ana@acme.example,Anna,Chair,+4930111111,acme.example,Banking\n"
    "zoe@x.example,Zoe,Clerk,,,\n"
)


def of_one(told: dict[str, Any], number: int) -> dict[str, Any]:
    """As if the import had the number of any other."""
    plain = {
        table: Counter({_any_number(row, number): count for row, count in rows.items()})
        for table, rows in told["house"].items()
    }
    return {**told, "house": plain}


def _any_number(row: str, number: int) -> str:
    return row.replace(f"import:{number}", "import:n").replace(f'"by_import": {number}', '"by_import": "n"')


@pytest.mark.parametrize("first_undone", [0, 1])
def test_of_two_imports_each_can_be_taken_back_before_the_other(house: Path, first_undone: int) -> None:
    tellings = CASES["by everybody"]
    contents = [PEOPLE, SECOND]
    lived(7)
    others.opened()
    copy = transaction.savepoint()
    tell(tellings)
    without = seen()
    transaction.savepoint_rollback(copy)
    cache.clear()
    staying = brought(house, contents[1 - first_undone])
    tell(tellings)
    with_one = of_one(seen(), staying)
    transaction.savepoint_rollback(copy)
    cache.clear()

    numbers = [brought(house, content) for content in contents]
    tell(tellings)
    undone(numbers[first_undone])
    assert differ(with_one, of_one(seen(), numbers[1 - first_undone])) == []
    undone(numbers[1 - first_undone])
    assert differ(without, seen()) == []


BOUGHT: Final = """
import: 1
tables:
  - name: bought
    columns: [email, job, firm, trade]
    person: email
    company: firm
    traits: {title: job, country: land}
    company_traits: {industry: trade}
"""


def bought(house: Path) -> int:
    """A list that overwrites nobody: two of the import's people, and one whom nobody knew."""
    read = mapping.load(BOUGHT)
    read = replace(read, tables=tuple(replace(table, fills_only=True) for table in read.tables))
    path = house / "bought.csv"
    path.write_text(
        "email,job,firm,trade,land\nana@acme.example,Clerk,old.example,Mining,PT\n"
        "bo@lido.example,Chair,lido.example,Ferries,\ngil@x.example,Clerk,,,\n"
    )
    report = imports.run([path], mapping=read, kind=None, by="rung", at=dirty.IMPORTED + 1)
    assert report.number is not None and report.accepted
    return report.number


def test_a_bought_list_fills_what_an_import_had_filled_before_it(house: Path) -> None:
    lived(7)
    others.opened()
    copy = transaction.savepoint()
    number = bought(house)
    only_the_list = of_one(seen(), number)
    transaction.savepoint_rollback(copy)
    cache.clear()
    first = brought(house, PEOPLE)
    number = bought(house)
    ana = person_named(ANA)
    assert ana is not None and (ana.title, ana.country, ana.traits["title"]) == ("CFO", "PT", "CFO")
    undone(first)
    found = of_one(seen(), number)
    for told in (only_the_list, found):
        # All of a list is of one instant; which of its lines came last is no matter.
        del told["house"]["lifecycle_state"]
    assert differ(only_the_list, found) == []


def test_a_key_of_an_import_is_told_again_once_and_asked_for_once_in_a_batch(house: Path) -> None:
    lived(2)
    others.opened()
    brought(house, PEOPLE)
    tell([others.recorded("call_made", email=ANA)] * 3)
    told = Event.objects.filter(kind="person_described", source="api").values_list("data", "by")
    assert list(told) == [({"email": ANA}, "system")]
    assert list(AlsoTold.objects.values_list("identity__value", "by_import", "since_at")) == [(ANA, None, dirty.ACTED)]
    asked = {}
    for number, email in enumerate((ANA, "k1@firm0.example")):
        with CaptureQueriesContext(connection) as queries:
            others.recorded("call_made", email=email)(dirty.WORKED + number)
        asked[email] = len(queries)
    assert asked[ANA] == asked["k1@firm0.example"] + 1


def test_who_writes_to_us_keeps_the_address_and_the_name_that_they_wrote(house: Path) -> None:
    """While the import lies there their mail is a reply, and that it stays; they are known as who they say they are."""
    lived(0)
    others.opened()
    number = brought(house, PEOPLE)
    tell([others.mail("Anna Lima <ana@acme.example>")])
    undone(number)
    ana = person_named(ANA)
    assert ana is not None and ana.company is not None
    assert (ana.name, ana.email, ana.title, ana.company.key) == ("Anna Lima", ANA, "", "acme.example")
    kinds = Event.objects.filter(source="webhook:post").order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["person_identified", "email_replied", "person_identified", "email_replied"]
    assert rebuilding.rebuild(check=True, at=dirty.UNDONE).differences == ()


def test_a_visitor_who_said_who_they_are_is_one_with_whom_the_import_knew(house: Path) -> None:
    """Two records that were joined while it lay there stay joined; what is known of them is what others told."""
    lived(0)
    others.opened()
    tell(CURIOUS)
    number = brought(house, PEOPLE, at=dirty.ACTED + 1)
    tell(
        [others.site(identify(userId=ANA, anonymousId=VISITOR, title="Clerk"), view("/a", anonymousId=VISITOR))],
        first=1,
    )
    undone(number)
    ana = person_named(ANA)
    assert ana is not None and person_named(VISITOR) == ana
    assert (ana.email, ana.title, ana.name, ana.is_anonymous, ana.first_seen_at) == (
        ANA,
        "Clerk",
        "",
        False,
        dirty.ACTED,
    )
    assert Standing.objects.get(person=ana).signals == 2
    assert rebuilding.rebuild(check=True, at=dirty.UNDONE).differences == ()


def test_nothing_is_told_again_of_whom_the_import_had_told_nothing_before(house: Path) -> None:
    lived(0)
    others.opened()
    tell([others.form(email="eve@x.example", title="Clerk"), others.form(email="eve@x.example", title="Boss")])
    before = list(Event.objects.values_list("seq", flat=True))
    undone(brought(house, PEOPLE + "eve@x.example,,,King,,,\n"))
    assert not Event.objects.exclude(seq__in=before).exclude(source__startswith="import:").exclude(kind="import_undone")
    eve = person_named("eve@x.example")
    assert eve is not None and eve.title == "Clerk"


def test_a_visitor_whom_only_an_import_named_is_a_visitor_again(house: Path) -> None:
    lived(0)
    others.opened()
    tell(CURIOUS)
    before = seen()
    line = {"type": "identify", "userId": "fay@x.example", "anonymousId": VISITOR, "timestamp": "2026-03-09T10:00:00Z",
            "traits": {"title": "CFO"}}  # fmt: skip
    number = brought(house, json.dumps(line) + "\n", "history.ndjson")
    undone(number)
    assert differ(before, seen()) == []


@pytest.mark.parametrize("case", CASES)
def test_what_others_told_holds_as_if_the_import_had_never_been(house: Path, case: str) -> None:
    assert_as_if_never(house, CASES[case])


# Any of it, in any order

WHO: Final = (ANA, "bo@lido.example", "k0@firm0.example", "k1@firm0.example")
TITLES: Final = ("CFO", "Clerk", "Boss")
FIRMS: Final = ("acme.example", "old.example", "new.example", "firm0.example", "Acme Limited")
TRADES: Final = ("Farming", "Software", "Banking")


def maybe(values: Sequence[str]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(values))


def number_of(email: str) -> str:
    return f"+493077777{WHO.index(email)}"


@st.composite
def tellings_of_anybody(draw: st.DrawFn) -> Telling:
    """One door, and what somebody says there; everybody is named by their address, for by it they are known."""
    email = draw(st.sampled_from(WHO))
    told = {"title": draw(maybe(TITLES)), "company": draw(maybe(FIRMS)), "industry": draw(maybe(TRADES))}
    said = {name: text for name, text in told.items() if text}
    door = draw(st.sampled_from(("form", "chat", "site", "sites", "group", "server", "call", "meeting", "deal")))
    if door == "form":
        heard = {"heard": "A friend"} if draw(st.booleans()) else {}
        return others.form(email=email, **said, **heard)
    if door == "chat":
        said.pop("industry", None)
        return others.chat(email=email, text="Hi", **said)
    if door == "group":
        said.setdefault("company", "old.example")
        return others.site({"type": "group", "messageId": "g", "userId": email, "groupId": said["company"]})
    who = identify(userId=email, **{name: said[name] for name in ("title", "industry") if name in said})
    if door in ("site", "server"):
        return (others.site if door == "site" else others.server)(who)
    if door == "sites":
        return others.site(view(userId=email), who, view("/pricing", userId=email))
    if door == "meeting":
        return others.recorded("meeting_held", email=email, phone=number_of(email))
    data = {"deal": f"d {email}"} if door == "deal" else {}
    return others.recorded("deal_opened" if door == "deal" else "call_made", email=email, data=data)


@st.composite
def tables(draw: st.DrawFn) -> str:
    lines = ["Email,Job Title,Phone Number,Company Name,Industry"]
    for email in draw(st.lists(st.sampled_from(WHO), min_size=1, max_size=4)):
        phone = number_of(email) if draw(st.booleans()) else ""
        told = (draw(maybe(TITLES)), phone, draw(maybe(FIRMS)), draw(maybe(TRADES)))
        lines.append(",".join((email, *(text or "" for text in told))))
    return "\n".join(lines) + "\n"


@tried(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(tellings_of_anybody(), min_size=1, max_size=6),
    st.lists(tables(), min_size=1, max_size=2, unique=True),
    st.data(),
)
def test_whatever_is_told_and_whichever_import_goes_first_only_the_others_are_left(
    house: Path, tellings: list[Telling], contents: list[str], data: st.DataObject
) -> None:
    between = data.draw(st.integers(0, len(tellings)))
    order = data.draw(st.permutations(range(len(contents))))
    start = transaction.savepoint()
    try:
        without, found = _both(house, tellings, contents, between, order)
    finally:
        transaction.savepoint_rollback(start)
    assert differ(without, found) == []


def _both(
    house: Path, tellings: list[Telling], contents: list[str], between: int, order: Sequence[int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The house that was only told, and the one into which tables came before and between, and went in this order."""
    cache.clear()
    lived(7)
    others.opened()
    copy = transaction.savepoint()
    tell(tellings)
    without = seen()
    transaction.savepoint_rollback(copy)
    cache.clear()
    numbers = [brought(house, contents[0])]
    tell(tellings[:between])
    numbers += [brought(house, content, at=dirty.ACTED + between * 1_000_000 - 1) for content in contents[1:]]
    tell(tellings[between:], first=between)
    for turn in order:
        undone(numbers[turn])
    return without, seen()
