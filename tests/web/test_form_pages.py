"""The pages where forms are made: the list, the editor, what its buttons do, and nothing that makes them fall."""

import json
from html import unescape
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from rung.capture.forms import building
from rung.capture.forms import definitions as forms
from rung.capture.models import Form
from rung.people.models import Person
from rung.web import form_editor
from rung.web.form_starts import STARTS
from web.conftest import World
from web.reading import words_of


@pytest.mark.parametrize("start", STARTS)
def test_what_a_form_begins_with_survives_the_editor(start: str) -> None:
    definition = forms.definition_of({**STARTS[start][1], "title": "A form"})
    told = form_editor.told_of(form_editor.texts_of(definition), form_editor.rows_of(definition))
    assert forms.definition_of(told) == definition


def test_consent_texts_are_written_changed_and_taken_away_by_their_rows() -> None:
    told = {
        "consent.name.0": "consent", "consent.text.0": "You may write to me.", "consent.purpose.0": "marketing",
        "consent.name.1": "terms", "consent.text.1": "  ", "consent.purpose.1": "terms",
        "consent.text.2": "You may call\nme.", "consent.purpose.2": "calls", "consent.required.2": "yes",
    }  # fmt: skip
    assert form_editor.told_of(told, [])["consents"] == [
        {"name": "consent", "text": "You may write to me.", "purpose": "marketing", "is_required": False},
        {"name": "consent_2", "text": "You may call me.", "purpose": "calls", "is_required": True},
    ]
    assert [row.key for row in form_editor.consents_told(told)] == ["0", "1", "2"]


def test_questions_move_and_go_and_come_by_the_buttons() -> None:
    rows = [form_editor.Row(str(key), f"q{key}", f"Question {key}") for key in range(3)]

    def keys(act: str) -> list[str]:
        return [row.key for row in form_editor.acted(rows, act)]

    assert keys("up:1") == ["1", "0", "2"]
    assert keys("up:0") == ["0", "1", "2"]
    assert keys("down:1") == ["0", "2", "1"]
    assert keys("down:2") == ["0", "1", "2"]
    assert keys("remove:1") == ["0", "2"]
    assert keys("add") == ["0", "1", "2", "3"]
    assert keys("up:nonsense") == keys("nonsense") == ["0", "1", "2"]


def test_a_new_question_is_kept_under_a_name_of_its_own() -> None:
    rows = [
        form_editor.Row(str(key), "", label) for key, label in enumerate(["What hurts?", "What hurts?", "42", "文字"])
    ]
    names = [each["name"] for each in form_editor.told_of({}, rows)["fields"]]
    assert names == ["what_hurts", "what_hurts_2", "question_42", "question"]


@pytest.fixture
def rui(client: Client, world: World) -> Client:
    client.force_login(world.users["marketing"])
    return client


def sent(form: Form, act: str = "save", **more: str) -> dict[str, Any]:
    """What the editor of a form sends."""
    definition = building.definition_of(form)
    told: dict[str, Any] = {name: text for name, text in form_editor.texts_of(definition).items() if text}
    rows = form_editor.rows_of(definition)
    told["row"] = [row.key for row in rows]
    for row in rows:
        parts = {"required": row.is_required, "progressive": row.is_progressive}
        texts = {part: getattr(row, part) for part in ("name", "label", "kind", "means", "options", "means_no", "hint")}
        told |= {f"{part}.{row.key}": text for part, text in {**texts, **parts}.items() if text}
    return {**told, "act": act, **more}


@pytest.mark.django_db
def test_a_form_is_made_changed_published_and_taken_back(rui: Client) -> None:
    assert "There is no form yet" in words_of(rui.get("/forms"))
    made = rui.post("/forms", {"title": "See it!", "start": "demo"})
    assert (made.status_code, made["Location"]) == (303, "/forms/see-it")
    form = Form.objects.get()
    assert "Nobody sees this form yet" in words_of(rui.get("/forms/see-it"))
    again = rui.post("/forms", {"title": "See it", "start": "demo"})
    assert again.status_code == 422
    assert "already" in words_of(again)
    assert rui.post("/forms/see-it/versions", sent(form, "publish", title="See it now")).status_code == 303
    form.refresh_from_db()
    assert (form.version, form.published) == (2, 2)
    assert "See it now" in Client().get("/f/see-it").content.decode()
    assert rui.post("/forms/see-it/publication", {"number": "1"}).status_code == 303
    assert "version 2 waits" in words_of(rui.get("/forms/see-it"))
    assert rui.post("/forms/see-it/publication", {"number": "7"}).status_code == 409
    assert rui.post("/forms/see-it/publication", {"number": "x"}).status_code == 409
    assert rui.post("/forms/see-it/withdrawal").status_code == 303
    assert rui.post("/forms/see-it/withdrawal").status_code == 409
    assert "not public" in words_of(rui.get("/forms"))


@pytest.mark.django_db
def test_a_button_of_the_editor_changes_the_editor_and_keeps_nothing(rui: Client) -> None:
    rui.post("/forms", {"title": "Demo", "start": "demo"})
    form = Form.objects.get()
    page = rui.post("/forms/demo/versions", sent(form, "down:0", title="Half a tit")).content.decode()
    assert page.index('name="label.1"') < page.index('name="label.0"')
    assert 'value="Half a tit"' in page
    assert rui.post("/forms/demo/versions", sent(form, "remove:1")).status_code == 200
    refused = rui.post("/forms/demo/versions", sent(form, "save", **{"kind.1": "text"}))
    assert refused.status_code == 422
    assert "must ask for an e-mail" in words_of(refused)
    form.refresh_from_db()
    assert form.version == 1


@pytest.mark.django_db
def test_the_preview_shows_the_form_as_it_would_be_or_what_keeps_it_from_being_one(rui: Client) -> None:
    rui.post("/forms", {"title": "Demo", "start": "demo"})
    form = Form.objects.get()
    page = rui.post("/form-preview", sent(form, title="<b>Now</b>")).content.decode()
    assert "&lt;b&gt;Now&lt;/b&gt;" in page
    assert "Asked on a later visit" in page
    assert "You hear from us by" in page
    assert "cannot be read" in rui.post("/form-preview", sent(form, **{"kind.0": "password"})).content.decode()


HOSTILE: Final = ("\0", "💥" * 2_000, "{{ 1 }}", "javascript:alert(1)", "9" * 5_000, "\x07", "<script>")


def fell(rui: Client, where: str, told: dict[str, Any], names: list[str]) -> list[tuple[str, str]]:
    """Each hostile text under each name, as a browser sends it: what holds no file comes as one line."""
    return [
        (name, text[:10])
        for text in HOSTILE
        for name in names
        if rui.post(
            where, urlencode({**told, name: text}, doseq=True), content_type="application/x-www-form-urlencoded"
        ).status_code
        >= 500
    ]


@pytest.mark.django_db
def test_no_text_in_the_editor_makes_it_fall(rui: Client) -> None:
    rui.post("/forms", {"title": "Demo", "start": "demo"})
    told = sent(Form.objects.get())
    names = [name for name in told if name not in ("act", "row")] + ["row", "act", "offer_address"]
    if connection.vendor == "postgresql":
        # All questions are kept in one column: of what they hold alike, one says what the database does with it.
        names = list({name.partition(".")[0]: name for name in names}.values())
    assert fell(rui, "/forms/demo/versions", told, names) == []
    assert fell(rui, "/forms", told, ["title", "slug", "start"]) == []
    assert rui.get("/forms/demo?version=99999").status_code == 200
    assert rui.get("/forms/demo?version=x").status_code == 200


@pytest.mark.django_db
@pytest.mark.one_database  # the preview keeps nothing
def test_no_text_makes_the_preview_fall(rui: Client) -> None:
    rui.post("/forms", {"title": "Demo", "start": "demo"})
    told = sent(Form.objects.get())
    names = [name for name in told if name not in ("act", "row")] + ["row", "act", "offer_address"]
    assert fell(rui, "/form-preview", told, names) == []


@pytest.mark.django_db
def test_the_editor_says_who_answered_lately(rui: Client, world: World) -> None:
    rui.post("/forms", {"title": "Demo", "start": "demo"})
    building.publish_form(slug="demo", number=1, by="test", at=world.at)
    told = {"name": "Fay Moreau", "email": "fay@quai.example", "consent": "yes"}
    assert Client().post("/f/demo", json.dumps(told), content_type="application/json").status_code == 201
    page = rui.get("/forms/demo")
    assert f'href="/people/{Person.objects.get(email="fay@quai.example").uuid}"' in page.content.decode()
    assert "Fay Moreau version 1 · agreed to be written to" in words_of(page)
    assert "1 filled it" in words_of(page)


@pytest.mark.django_db
def test_the_public_reads_the_firms_name_and_nothing_of_rung(client: Client, world: World, settings: Any) -> None:
    told = {**STARTS["demo"][1], "title": "See it"}
    building.save_form(slug="see-it", told=told, by=world.users["marketing"], at=1)
    building.publish_form(slug="see-it", number=1, by=world.users["marketing"], at=2)
    for name in ("", "Quay & Sons"):
        settings.RUNG_FIRM = name
        for path in ("/f/see-it", "/f/see-it/thanks"):
            page = unescape(client.get(path).content.decode())
            assert "Rung" not in page
            assert page.count("Quay & Sons") == (2 if name else 0)  # above, and in the title
