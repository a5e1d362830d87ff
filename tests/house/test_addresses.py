"""Addresses and employers, each from and to; companies by the domain their owner registered; numbers as E.164."""

import pytest

from rung.lifecycle import actions, same_people
from rung.lifecycle.rules import NewEvent
from rung.people import queries, rules
from rung.people.addresses import Span, Told, had
from rung.people.models import Identity, Person
from rung.people.queries import person_named
from rung.people.rules import Keys
from rung.terms.instants import DAY

AT = 20_000 * DAY


def described(at: int, company: str | None = None, **data: object) -> Told:
    return Told(at, "person_described", data, company)


def test_a_change_of_employer_ends_the_address_there_and_leaves_the_private_one():
    found = had(
        [
            described(1, "acme.example", email="ana@acme.example"),
            described(2, email="ana@home.example"),
            described(3, "quai.example", email="ana@quai.example", title="CIO"),
        ]
    )
    assert found.emails == [
        Span("ana@acme.example", 1, 3, "left acme.example"),
        Span("ana@home.example", 2),
        Span("ana@quai.example", 3),
    ]
    assert found.employers == [Span("acme.example", 1, 3, "then quai.example"), Span("quai.example", 3)]


def test_an_address_ends_when_it_bounces_for_good_and_begins_anew_when_it_is_told_again():
    found = had(
        [
            described(1, email="ana@acme.example"),
            Told(2, "email_bounced", {"hard": False}),
            Told(3, "email_bounced", {"hard": True}),
            described(4, email="ana@acme.example"),
        ]
    )
    assert found.emails == [
        Span("ana@acme.example", 1, 3, "it bounced for good"),
        Span("ana@acme.example", 4),
    ]


def test_numbers_are_kept_as_e164_where_they_can_be_read_so():
    found = had([described(1, country="DE", phone="0151 23456789"), described(2, phone=None)])
    assert found.phones == [Span("+4915123456789", 1, 2, "taken back")]


@pytest.mark.parametrize(
    ("told", "country", "number"),
    [
        ("+351 912 345 678", "", "+351912345678"),
        ("00351 912 345 678", "PT", "+351912345678"),
        ("(030) 901820", "DE", "+4930901820"),
        ("+44 (0)20 7946 0958", "", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("912 345 678", "", None),
        ("+1", "", None),
        ("call me", "US", None),
    ],
)
def test_a_number_is_e164_whatever_way_it_is_written(told: str, country: str, number: str | None):
    assert rules.normal_phone(told, country) == number


@pytest.mark.parametrize(
    ("told", "key"),
    [
        ("https://www.acme.co.uk/about?x=1", "acme.co.uk"),
        ("http://ana@shop.acme.com:8080", "acme.com"),
        ("WWW.Acme.com", "acme.com"),
        ("eu.acme.com", "acme.com"),
        ("acme.github.io", "acme.github.io"),
        ("co.uk", None),
        ("github.io", None),
        ("gmail.com", None),
        ("mail.gmail.com", None),
        ("Acme Ports Ltd.", "Acme Ports Ltd."),
        ("acme.example", "acme.example"),
    ],
)
def test_a_company_is_the_domain_that_its_owner_registered(told: str, key: str | None):
    assert rules.company_told(told) == key


@pytest.mark.django_db
def test_a_change_of_employer_is_an_event_and_both_addresses_stay_theirs() -> None:
    keys = Keys(email="ana@acme.example")
    data = {"email": "ana@acme.example", "name": "Ana Lopes", "title": "Buyer"}
    actions.record([NewEvent("person_described", keys=keys, data=data, company="acme.example")], by="t", at=AT)
    ana = Person.objects.get()
    same_people.now_works_at(
        person=ana, company="https://quai.example", email="ana@quai.example", title="", by="system", at=AT + DAY
    )
    ana.refresh_from_db()
    assert (str(ana.company), ana.email, ana.title) == ("quai.example", "ana@quai.example", "")
    assert person_named("ana@acme.example") == person_named("ana@quai.example") == ana
    assert Identity.objects.filter(person=ana, kind="email").count() == 2
    told = same_people.had_of(ana)
    assert [(span.value, span.to_at) for span in told.emails] == [
        ("ana@acme.example", AT + DAY),
        ("ana@quai.example", None),
    ]
    assert [(span.value, span.to_at) for span in told.employers] == [("acme.example", AT + DAY), ("quai.example", None)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "company"),
    [
        ("ana@eu.acme.co.uk", "acme.co.uk"),
        ("ana@gmail.com", None),
        ("ana@co.uk", None),
        ("info@acme.example", "acme.example"),
        ("no address", None),
        ("", None),
    ],
)
def test_whoever_writes_from_a_firms_domain_is_of_that_firm_while_nobody_says_otherwise(
    address: str, company: str | None
) -> None:
    assert queries.company_of_address(address) == company
    told = NewEvent("person_described", keys=Keys(email=address), company="Lido", data={"name": "Ana"})
    if not address.startswith("info") and company is not None:
        actions.record([told], by="test", at=1)
        assert queries.company_of_address(address) is None
