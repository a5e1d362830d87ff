"""Who is this? Keys, cookies, companies and merges."""

import pytest

from rung.people import actions, queries, rules
from rung.people.identify import Sighting
from rung.people.models import Alias, Company, Identity, Person
from rung.people.rules import Keys
from rung.terms.instants import DAY

AT = 20_000 * DAY


def seen(*keys: Keys, company: str | None = None) -> list[actions.Found]:
    return actions.identify([Sighting(keys=key, at=AT, company=company) for key in keys])


@pytest.mark.parametrize(
    ("told", "normal"),
    [
        (" Ana.Lopes@ACME.example ", "ana.lopes@acme.example"),
        ("ana@acme", None),
        ("not an address", None),
        ("ana@münchen.example", "ana@münchen.example"),
    ],
)
def test_an_address_is_normalised_without_looking_anything_up(told: str, normal: str | None) -> None:
    assert rules.normal_email(told) == normal


@pytest.mark.parametrize(
    ("told", "country", "normal"),
    [("+351 912 345 678", "", "+351912345678"), ("0151 23456789", "DE", "+4915123456789"), ("0151 23456789", "", None)],
)
def test_a_phone_number_is_stored_as_e164_or_not_at_all(told: str, country: str, normal: str | None) -> None:
    assert rules.normal_phone(told, country) == normal


@pytest.mark.django_db
def test_the_same_address_is_the_same_person_however_it_is_written() -> None:
    first, second = seen(Keys(email="ana@acme.example"), Keys(email="ana@acme.example", user_id="7"))
    assert first.person is second.person
    assert (first.is_new, second.is_new) == (True, False)
    assert second.learnt == [("user_id", "7")]
    (third,) = seen(Keys(user_id="7"))
    assert third.person == first.person


@pytest.mark.django_db
def test_a_visitor_who_says_who_they_are_stays_the_same_person() -> None:
    visitor, named = seen(Keys(anonymous_id="c1"), Keys(anonymous_id="c1", email="ana@acme.example"))
    assert visitor.person is named.person
    (again,) = seen(Keys(anonymous_id="c1"))
    assert again.person is not None
    assert not again.person.is_anonymous


@pytest.mark.django_db
def test_known_beats_anonymous() -> None:
    (known,) = seen(Keys(email="ana@acme.example"))
    (visitor,) = seen(Keys(anonymous_id="c1"))
    (met,) = seen(Keys(anonymous_id="c1", email="ana@acme.example"))
    assert met.person == known.person
    assert met.merged == [visitor.person]
    (again,) = seen(Keys(anonymous_id="c1"))
    assert again.person == known.person
    assert Alias.objects.get().old == visitor.person


@pytest.mark.django_db
def test_two_known_people_are_never_made_one_by_a_cookie() -> None:
    (ana,) = seen(Keys(email="ana@acme.example", anonymous_id="shared"))
    (eva,) = seen(Keys(email="eva@acme.example", anonymous_id="shared"))
    assert ana.person != eva.person
    assert not Alias.objects.exists()
    assert Identity.objects.get(kind="anonymous_id").person == ana.person


@pytest.mark.django_db
def test_colleagues_with_one_switchboard_are_not_one_person() -> None:
    ana, eva = seen(Keys(email="ana@acme.example", phone="+49301"), Keys(email="eva@acme.example", phone="+49301"))
    assert ana.person is not eva.person
    (later,) = seen(Keys(user_id="record-9", phone="+49301"))
    assert later.is_new
    assert Identity.objects.get(kind="phone").person == ana.person


@pytest.mark.django_db
def test_a_number_names_whoever_said_nothing_else() -> None:
    (caller,) = seen(Keys(phone="+49302"))
    (named,) = seen(Keys(email="ana@acme.example", phone="+49302"))
    (again,) = seen(Keys(phone="+49302"))
    assert named.person == again.person == caller.person
    assert named.learnt == [("email", "ana@acme.example")]


def test_a_role_address_identifies_nobody() -> None:
    told = rules.told_keys(Keys(), "form_submitted", {"email": "info@acme.example"})
    assert not told
    assert rules.keys_of("info@acme.example") == Keys(user_id="info@acme.example")


@pytest.mark.django_db
def test_a_company_is_its_domain() -> None:
    (found,) = seen(Keys(user_id="7"), company=rules.company_of(" ACME.example "))
    assert found.company == Company.objects.get(key="acme.example", domain="acme.example")
    assert rules.company_of("gmail.com") is None


@pytest.mark.django_db
def test_every_old_id_keeps_resolving_and_an_unmerge_brings_all_back() -> None:
    ana, two, three = (found.person for found in seen(*(Keys(user_id=name) for name in "abc")))
    assert ana and two and three
    actions.merge_ids(survivor_id=two.pk, merged_id=three.pk)
    actions.merge_ids(survivor_id=ana.pk, merged_id=two.pk)
    assert queries.person_named(str(three.uuid)) == ana
    assert sorted(actions.ids_of(ana.pk)) == [ana.pk, two.pk, three.pk]
    actions.unmerge_ids(merged_id=two.pk)
    assert queries.person_named("c") == two
    assert actions.ids_of(ana.pk) == [ana.pk]
    assert Person.objects.filter(is_merged=True).get() == three


@pytest.mark.django_db
def test_a_person_is_the_fold_of_their_events() -> None:
    (found,) = seen(Keys(email="ana@acme.example"), company="acme.example")
    person, company = found.person, found.company
    assert person and company
    told = [
        {"name": "Ana Lopes", "title": "CIO", "seats": 50, "tools": ["a", "b"]},
        {"title": None, "seats": "50", "is_partner": True, "nested": {"a": 1}},
    ]
    actions.absorb(
        [
            (person, actions.Absorbed(seq, "person_described", AT + seq, data, company_id=company.pk))
            for seq, data in enumerate(told, start=1)
        ]
    )
    person.refresh_from_db()
    assert (person.name, person.title, person.company) == ("Ana Lopes", "", company)
    assert (person.company_since_at, person.company_since_seq) == (AT + 1, 1)
    rows = person.trait_rows.values_list("field", "text", "number", "truth").order_by("field", "text")
    assert list(rows) == [
        ("is_partner", None, None, True),
        ("name", "Ana Lopes", None, None),
        ("seats", "50", None, None),
        ("tools", "a", None, None),
        ("tools", "b", None, None),
    ]
