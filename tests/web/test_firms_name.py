"""The firm's own name: an admin writes it in the settings; forms and mails bear it."""

from html import unescape
from typing import Any

import pytest
from django.core import mail as outgoing
from django.test import Client

from rung.access.models import Audit
from rung.capture.forms import building
from rung.mail.actions import send
from rung.web.form_starts import STARTS
from web.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def signed_in(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.users[role])
    return client


def sender(key: str) -> str:
    send(key=key, to="ana@acme.example", subject="Hello", text="Hello", at=1)
    return outgoing.outbox[-1].from_email


def test_forms_and_mails_bear_the_name_that_an_admin_writes(client: Client, world: World, settings: Any) -> None:
    settings.RUNG_FIRM, settings.DEFAULT_FROM_EMAIL = "", "Rung <rung@quay.example>"
    building.save_form(slug="see-it", told={**STARTS["demo"][1], "title": "See it"}, by="test", at=1)
    building.publish_form(slug="see-it", number=1, by="test", at=2)
    admin = signed_in(world, "admin")
    page = admin.get("/settings").content.decode()
    assert 'name="name" value=""' in page
    assert sender("a") == "Rung <rung@quay.example>"
    assert admin.post("/settings/firm", {"name": "  Quay,  Sons & Co "}).status_code == 302
    entry = Audit.objects.order_by("-seq").first()
    assert entry is not None and (entry.verb, entry.data) == ("named the firm", {"name": "Quay, Sons & Co"})
    assert unescape(client.get("/f/see-it").content.decode()).count("Quay, Sons & Co") == 2  # above, and in the title
    assert "under the name Quay, Sons & Co" in unescape(admin.get("/forms/see-it").content.decode())
    assert sender("b") == '"Quay, Sons & Co" <rung@quay.example>'


def test_an_empty_name_gives_that_of_the_environment_back(world: World, settings: Any) -> None:
    settings.RUNG_FIRM, settings.DEFAULT_FROM_EMAIL = "Quay", "Quay <rung@quay.example>"
    admin = signed_in(world, "admin")
    assert 'placeholder="Quay"' in admin.get("/settings").content.decode()
    for name, expected in (("Mole", "Mole <rung@quay.example>"), (" ", "Quay <rung@quay.example>")):
        admin.post("/settings/firm", {"name": name})
        assert sender(name) == expected


def test_only_an_admin_names_the_firm_and_what_is_no_name_is_refused(world: World, settings: Any) -> None:
    settings.RUNG_FIRM = "Quay"
    ren, admin = signed_in(world, "revops"), signed_in(world, "admin")
    assert ren.post("/settings/firm", {"name": "Mole"}).status_code == 403
    assert "/settings/firm" not in ren.get("/settings").content.decode()
    refused = admin.post("/settings/firm", {"name": "a" * 101})
    assert refused.status_code == 409
    assert "100 characters" in refused.content.decode()
    assert admin.post("/settings/firm", {"name": "a\0b"}).status_code == 409
    assert not Audit.objects.filter(verb="named the firm").exists()
