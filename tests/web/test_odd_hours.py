"""The pages at the hours where days, months and years are cut: each says what it says at noon."""

import pytest
from django.test import Client

from rung.people.models import Person
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

ODD = (
    "2026-10-31T22:50:00Z",  # a month ends in Berlin in ten minutes
    "2026-11-30T23:30:00Z",  # one month in London, the next in Berlin
    "2026-12-31T23:58:00Z",  # a year begins in Berlin
    "2026-03-29T01:30:00Z",  # a Sunday on which an hour is missing
    "2026-10-25T00:30:00Z",  # a Sunday with an hour twice
)


@pytest.mark.parametrize("clock", ODD, indirect=True)
def test_the_pages_say_the_same_at_any_hour(sam: Client) -> None:
    ana, chiara = (f"/people/{Person.objects.get(name=name).uuid}" for name in ("Ana Lima", "Chiara Fontana"))
    assert "Demo request once, yesterday. +40 full" in words_of(sam.get(ana))
    assert "because a deal is won. What tipped it: Won a deal: d1" in words_of(sam.get(chiara))
    assert ": Lead, 28 points" in words_of(sam.get(f"{chiara}/standing?day=0"))
    assert "As of today: Customer, 0 points" in words_of(sam.get(f"{chiara}/standing?day=99999"))
    assert "5 people are known to you" in words_of(sam.get("/people"))
    assert "6 people on the ladder" in words_of(sam.get("/ladder"))
    for path in ("/companies", "/playbook", "/playbook?tab=history", "/search?q=ana"):
        assert sam.get(path).status_code == 200, path
