"""Who may do what, and the log of what they did."""

import pytest
from django.db import DatabaseError, transaction

from rung.access import actions, queries, rules
from rung.access.models import Audit, User
from rung.terms.instants import DAY

AT = 20_000 * DAY


def test_a_verb_nobody_listed_belongs_to_nobody() -> None:
    assert not any(rules.may(role, "fly") for role in rules.ROLES)


def test_a_refusal_names_who_may() -> None:
    with pytest.raises(rules.NotAllowed, match=r"publish playbook.* revops or admin"):
        rules.require("sales", "publish playbook")


@pytest.mark.django_db
def test_the_house_adds_a_user_and_the_log_says_so() -> None:
    sam = actions.add_user(
        email=" Sam@Acme.example", role="sales", name="Sam", team="North", password="a long enough one", by="cli", at=AT
    )
    assert (sam.email, sam.team.name) == ("sam@acme.example", "North")
    assert sam.check_password("a long enough one")
    assert sam.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1")
    assert [(row.by, row.verb, row.object) for row in Audit.objects.all()] == [
        ("cli", "added user", "sam@acme.example")
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"email": "sam"}, "not an e-mail"),
        ({"role": "king"}, "not a role"),
        ({"password": "short"}, "too short"),
    ],
)
def test_a_refused_user_leaves_nothing_behind(told: dict[str, str], words: str) -> None:
    with pytest.raises(rules.Refused, match=words):
        actions.add_user(**{"email": "sam@acme.example", "role": "sales", "by": "cli", "at": AT, **told})
    assert not User.objects.exists()
    assert not Audit.objects.exists()


@pytest.mark.django_db
def test_sales_cannot_add_users_and_the_last_admin_stays() -> None:
    sam = actions.add_user(email="sam@acme.example", role="sales", by="cli", at=AT)
    ren = actions.add_user(email="ren@acme.example", role="admin", by="cli", at=AT)
    with pytest.raises(rules.NotAllowed):
        actions.add_user(email="eva@acme.example", role="admin", by=sam, at=AT)
    with pytest.raises(rules.Refused, match="last admin"):
        actions.change_user(user=ren, role="sales", by=ren, at=AT)
    ren.refresh_from_db()
    assert ren.role == "admin"


@pytest.mark.django_db
def test_a_session_dies_when_the_role_changes() -> None:
    sam = actions.add_user(email="sam@acme.example", role="sales", by="cli", at=AT)
    before = sam.get_session_auth_hash()
    assert actions.change_user(user=sam, role="manager", by="cli", at=AT).get_session_auth_hash() != before


@pytest.mark.django_db
def test_the_audit_log_is_a_chain_that_cannot_be_changed() -> None:
    for number in range(3):
        actions.audited(by="rui", verb="tried", object=f"thing {number}", data={"n": number, "ü": 1.5}, at=AT + number)
    assert queries.first_broken_audit() is None
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        Audit.objects.filter(object="thing 1").update(by="eva")
    Audit.objects.create(at=AT, by="eva", verb="slipped in", object="", previous_hash="", hash="0" * 64)
    assert queries.first_broken_audit() == Audit.objects.latest("seq").seq


@pytest.mark.django_db
def test_what_is_rolled_back_is_not_in_the_audit_log() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.audited(by="rui", verb="tried", object="", data={}, at=AT)
        raise ZeroDivisionError
    assert not Audit.objects.exists()
