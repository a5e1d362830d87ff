"""Signing in, being let in no more, and what happens to sessions."""

import io
import logging

import pytest
from django.test import Client, RequestFactory

from rung.access.actions import change_user
from rung.access.models import User
from rung.web import limits
from web.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def tried(client: Client, password: str = "wrong", email: str = "sales@ours.example", **told: str) -> int:
    return client.post("/sign-in", {"email": email, "password": password, **told}).status_code


def test_the_right_words_let_in_and_the_way_goes_on(client: Client, users: dict[str, User]) -> None:
    answer = client.post("/sign-in", {"email": "Sales@ours.example ", "password": PASSWORD, "next": "/companies"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/companies")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"])
def test_nobody_is_sent_to_another_house(client: Client, users: dict[str, User], elsewhere: str) -> None:
    answer = client.post("/sign-in", {"email": "sales@ours.example", "password": PASSWORD, "next": elsewhere})
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client: Client, users: dict[str, User]) -> None:
    known = client.post("/sign-in", {"email": "sales@ours.example", "password": "x"})
    unknown = client.post("/sign-in", {"email": "who@ours.example", "password": "x"})
    assert known.status_code == unknown.status_code == 422
    assert "do not belong together" in known.content.decode() and "do not belong together" in unknown.content.decode()


def test_guessing_ends_after_five_times_even_with_the_right_password(client: Client, users: dict[str, User]) -> None:
    assert [tried(client) for _ in range(limits.PAIR.most)] == [422] * limits.PAIR.most
    assert tried(client, PASSWORD) == 429
    assert tried(client, PASSWORD, REMOTE="x") == 429


def test_another_colleague_at_the_same_address_still_gets_in(client: Client, users: dict[str, User]) -> None:
    for _ in range(limits.PAIR.most):
        tried(client)
    assert tried(client, PASSWORD, email="manager@ours.example") == 302


def test_sessions_die_with_the_password(client: Client, users: dict[str, User]) -> None:
    tried(client, PASSWORD)
    assert client.get("/people").status_code == 200
    change_user(user=users["sales"], by="test", at=2, password="another long harbour")
    assert client.get("/people").status_code == 302


def test_signing_out_takes_a_post(client: Client, users: dict[str, User]) -> None:
    tried(client, PASSWORD)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert client.get("/people").status_code == 302


def test_faces_exist_in_the_demo_only(client: Client, users: dict[str, User], settings: object) -> None:
    settings.RUNG_DEMO = False  # type: ignore[attr-defined]
    assert client.post("/sign-in/faces/sales").status_code == 404
    assert "Who would you like to be" not in client.get("/sign-in").content.decode()
    settings.RUNG_DEMO = True  # type: ignore[attr-defined]
    assert "Sam Lee" in client.get("/sign-in").content.decode()
    assert client.post("/sign-in/faces/admin").status_code == 404
    assert client.post("/sign-in/faces/sales").status_code == 302
    assert client.get("/people").status_code == 200


def test_a_form_from_elsewhere_is_refused_with_words(users: dict[str, User]) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/sign-in", {"email": "sales@ours.example", "password": PASSWORD})
    assert answer.status_code == 403
    assert "This form is too old to be sent" in answer.content.decode()


@pytest.mark.one_database
def test_a_strangers_nonsense_is_a_line_in_the_log_and_no_crash(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    handler = logging.getLogger("django.security").handlers[0]
    monkeypatch.setattr(handler, "stream", written)
    assert client.get("/", HTTP_HOST="a b").status_code == 400
    assert client.post("/f/x", "a=b&" * 3_000, "application/x-www-form-urlencoded").status_code in (400, 404)
    (line,) = written.getvalue().splitlines()
    assert "django.security.DisallowedHost: Invalid HTTP_HOST header: 'a b'" in line


def test_every_page_carries_the_strict_policy(client: Client, users: dict[str, User]) -> None:
    for address in ("/sign-in", "/nowhere"):
        policy = client.get(address).headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy


def test_pages_hold_no_inline_style_or_script(client: Client, users: dict[str, User]) -> None:
    client.force_login(users["revops"])
    for address in ("/design", "/people", "/companies", "/sign-in"):
        text = client.get(address).content.decode()
        assert " style=" not in text and "<style" not in text and " onclick=" not in text, address


def test_what_is_not_there_is_said_with_a_way_on(client: Client, users: dict[str, User]) -> None:
    client.force_login(users["sales"])
    text = client.get("/companies/00000000-0000-0000-0000-000000000000")
    assert text.status_code == 404 and "There is nothing at this address" in text.content.decode()


@pytest.mark.parametrize(
    ("asked_from", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_who_asks_is_counted_by_the_address_and_of_ipv6_by_the_household(asked_from: str, counted_as: str) -> None:
    assert limits.caller(RequestFactory().get("/", REMOTE_ADDR=asked_from)) == counted_as
