"""The playbook page: read, tried, refused in words, put in force by the worker, and kept in its history."""

import re
from typing import Any

import pytest
from django.test import Client

from rung import wiring
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.lifecycle import published
from rung.lifecycle.deciding import line
from rung.lifecycle.models import Generation, PlaybookVersion, Standing
from rung.lifecycle.publishing import building
from rung.playbook import shipped
from rung.playbook.loading import load
from web.conftest import World
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

DEFAULT = shipped.read("default")
LOWER = DEFAULT.replace("score >= 50 and fit >= 20", "score >= 42 and fit >= 20")
BROKEN = DEFAULT.replace("score >= 50 and fit >= 20", "scor >= 50 and fit >= 20")


@pytest.fixture
def ren(client: Client, world: World) -> Client:
    client.force_login(world.users["revops"])
    return client


def work() -> None:
    worker = Worker(name="test", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=())
    while worker.turn(now()):
        pass


def written() -> tuple[int, int, int]:
    return Outbox.objects.count(), PlaybookVersion.objects.count(), Generation.objects.count()


def test_it_reads_as_an_agreement_definitions_first(ren: Client) -> None:
    said = words_of(ren.get("/playbook"))
    assert "Nobody has signed this playbook yet “Default”, version" in said
    parts = ["What the words mean The ladder", "Steps back", "What counts as interest", "Who fits", "What one does"]
    parts += ["What we do on each rung", "The hand-off", "What both sides owe", "Review and signatures"]
    places = [said.index(part) for part in parts]
    assert places == sorted(places)
    assert (
        "A person becomes a marketing qualified lead when score is at least 50 and fit is at least 20. line 72" in said
    )
    assert "Sales accepted lead: call first, write second." in said


def test_no_sentence_of_the_plain_words_is_lost_by_grouping() -> None:
    from rung.playbook.words import plain_words
    from rung.web.agreement import agreement

    for name in shipped.shipped():
        playbook = load(shipped.read(name))
        grouped = [each.about for group in agreement(playbook) for part in group.sections for each in part.sentences]
        assert sorted(grouped) == sorted(each.about for part in plain_words(playbook) for each in part.sentences)


def test_a_change_is_told_in_words_with_its_line(ren: Client) -> None:
    said = words_of(ren.post("/playbook/verdict", {"text": LOWER}))
    assert "It can be run: 1 change." in said
    assert "50" in said and "42" in said and "line 72" in said
    assert "Put in force" in said


def test_a_publish_that_goes_on_after_it_was_cut_short_says_so_and_how_far_it_is(ren: Client) -> None:
    ren.post("/playbook/publication", {"text": LOWER})
    for _ in range(2):  # the first run is killed, the second one begins
        made = building.begin(load(LOWER), line.current(), by="test", at=now())
        made.wrote(3)
    people = Standing.objects.filter(generation=made.generation.before).count()
    said = words_of(ren.get("/playbook/publication/state"))
    assert f"is being put in force, as Ren Castellanos asked: 3 of {people} people decided." in said
    assert "An earlier run was cut short after 0 people. This one goes on from there." in said
    Generation.objects.filter(pk=made.generation.pk).update(engine_version="0")
    building.begin(load(LOWER), line.current(), by="test", at=now())
    said = words_of(ren.get("/playbook/publication/state"))
    assert "An earlier run was cut short. This one began anew, because Rung was updated since." in said


def test_a_fault_is_told_with_its_line_and_the_fix(ren: Client) -> None:
    said = words_of(ren.post("/playbook/verdict", {"text": BROKEN}))
    assert "1 fault, the first in line 72." in said
    assert "scor" in said and "Did you mean" in said
    assert "It cannot be published like this. The playbook in force goes on." in said
    assert "Put in force" not in said


@pytest.mark.parametrize(
    "text", ["", "\x00", "a: [", "x" * (64 * 1024 + 1), DEFAULT + "#" * 64 * 1024, "- 1\n- 2", "🪜: !!python/x 1"]
)
def test_a_text_that_is_no_playbook_is_refused_and_nothing_is_written(ren: Client, text: str) -> None:
    before = written()
    assert "fault" in words_of(ren.post("/playbook/verdict", {"text": text}))
    answer = ren.post("/playbook/publication", {"text": text})
    assert answer.status_code == 422
    assert "What to mend" in words_of(answer)
    assert written() == before


def test_a_refused_text_is_still_in_the_editor(ren: Client) -> None:
    answer = ren.post("/playbook/publication", {"text": BROKEN})
    assert answer.status_code == 422
    assert "scor &gt;= 50 and fit" in answer.content.decode()


@pytest.mark.parametrize("role", ["sales", "manager", "marketing"])
def test_others_may_try_but_not_publish(client: Client, world: World, role: str) -> None:
    client.force_login(world.users[role])
    before = written()
    assert "revenue operations puts a playbook in force" in words_of(client.post("/playbook/verdict", {"text": LOWER}))
    assert client.post("/playbook/publication", {"text": LOWER}).status_code == 403
    assert written() == before


def test_what_is_in_force_already_is_refused_in_words(ren: Client) -> None:
    before = written()
    answer = ren.post("/playbook/publication", {"text": DEFAULT})
    assert answer.status_code == 409
    assert "This playbook is in force already. Your text is still below." in words_of(answer)
    assert written() == before


def test_42_instead_of_50_is_put_in_force_by_the_worker(ren: Client) -> None:
    old = published.in_force()
    answer = ren.post("/playbook/publication", {"text": LOWER.replace("\n", "\r\n")})
    assert answer.status_code == 303
    waiting = words_of(ren.get("/playbook?tab=history"))
    assert "“Default” is being put in force, as Ren Castellanos asked: 0 of 6 people decided." in waiting
    assert published.in_force().generation_id == old.generation_id

    again = ren.post("/playbook/publication", {"text": LOWER.replace("42", "41")})
    assert again.status_code == 409
    assert "Another playbook is being put in force. Wait until it is done" in words_of(again)
    assert "score &gt;= 41" in again.content.decode()
    state = f"/playbook/publication/state?version={re.search('version=([0-9a-f]{64})', again.content.decode())[1]}"
    assert "being put in force" in words_of(ren.get(state))

    work()
    assert published.in_force().generation_id != old.generation_id
    assert "The new playbook is in force. See what it changed, or the ladder" in words_of(ren.get(state))
    history = words_of(ren.get("/playbook?tab=history"))
    assert "in force published by Ren Castellanos, today" in history
    assert "The first one." in history
    assert "42" in history
    assert "score >= 42" in published.playbook().text and "\r" not in published.playbook().text
    assert ren.get("/ladder").status_code == 200


def test_a_version_stays_readable_and_can_be_started_from(ren: Client) -> None:
    ren.post("/playbook/publication", {"text": LOWER})
    first = published.in_force().playbook.version[:12]
    work()
    said = words_of(ren.get(f"/playbook/versions/{first}"))
    assert "“Default” was in force once Published by Rung itself, today" in said
    assert "score &gt;= 50" in ren.get(f"/playbook?tab=source&from={first}").content.decode()
    newest = published.in_force().playbook.version[:12]
    said = words_of(ren.get(f"/playbook/versions/{newest}"))
    assert "“Default” is in force" in said and "it changed 1 thing against" in said


def test_an_unknown_version_is_not_found(ren: Client) -> None:
    for version in ("0" * 12, "x", "%00", "a" * 65):
        assert ren.get(f"/playbook/versions/{version}").status_code == 404


def test_a_lost_publishing_is_not_called_done(ren: Client) -> None:
    assert "could not be put in force" in words_of(ren.get(f"/playbook/publication/state?version={'0' * 64}"))


def test_no_tab_asks_the_database_more_than_twelve_times(ren: Client, django_assert_max_num_queries: Any) -> None:
    for tab in ("words", "source", "history", "nonsense"):
        with django_assert_max_num_queries(12):
            assert ren.get(f"/playbook?tab={tab}").status_code == 200
