"""Publishing, going back, building again, and proving that standings are what the history says."""

from collections.abc import Iterator

import pytest

from rung import wiring
from rung.access.models import Audit
from rung.access.rules import NotAllowed, Refused
from rung.history.models import Event
from rung.jobs.worker import Worker
from rung.lifecycle import actions, doctor
from rung.lifecycle.deciding import anew, line
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Generation, Handoff, Mark, PlaybookVersion, StageMove, Standing, State, Tally
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import building, rebuilding
from rung.lifecycle.rules import NewEvent
from rung.people.models import Company, Person
from rung.people.queries import person_named
from rung.people.rules import Keys
from rung.playbook.faults import PlaybookRefused
from rung.playbook.loading import load
from rung.terms.instants import DAY, HOUR

pytestmark = pytest.mark.django_db
AT = 20_000 * DAY + 10 * HOUR

PLAYBOOK = """
playbook: 1
name: {name}
signals:
  - {{name: Page, on: page_viewed, points: 10, half_life: 14d}}
  - {{name: Active colleague, on: page_viewed, from: company, points: 1}}
fit: [{{name: Big, when: company.employees >= 50, points: 10}}]
stages:
  lead: {{enter: signals >= 1}}
  mql: {{enter: score >= {points}}}
  sal: {{enter: accepted}}
setbacks: [{{to: nurture, when: 'stage in ["lead", "mql"] and idle >= days(90)', because: No sign of life}}]
"""


def playbook(name: str = "Test", points: int = 30) -> str:
    return PLAYBOOK.format(name=name, points=points)


def page(number: int, at: int, **told: object) -> NewEvent:
    keys = Keys(email=f"p{number}@acme.example")
    return NewEvent(kind="page_viewed", keys=keys, door="import", at=at, **told)  # type: ignore[arg-type]


def stages() -> dict[str, str]:
    generation = line.current().generation_id
    rows = Standing.objects.filter(generation_id=generation).select_related("person")
    return {row.person.email.partition("@")[0]: row.stage for row in rows}


@pytest.fixture(autouse=True)
def _visits() -> None:
    publishing.publish(playbook(), by="cli", at=AT - 40 * DAY)
    actions.record(
        [page(number, AT + n * HOUR) for number in range(4) for n in range(number + 1)], by="test", at=AT + 5 * HOUR
    )


def test_a_new_house_runs_by_the_shipped_default() -> None:
    assert PlaybookVersion.objects.order_by("pk")[0].name == "Default"


def test_a_published_playbook_decides_everybody_and_keeps_the_generation_before() -> None:
    assert stages() == {"p0": "lead", "p1": "lead", "p2": "lead", "p3": "mql"}
    told = publishing.publish(playbook(points=15), by="ren@acme.example", at=AT + DAY)
    assert stages() == {"p0": "lead", "p1": "mql", "p2": "mql", "p3": "mql"}
    assert (told.people, told.moved) == (4, 2)
    assert Event.objects.latest("seq").kind == "playbook_published"
    assert Audit.objects.latest("seq").verb == "published playbook"
    assert Generation.objects.count() == 2, "the one before is kept, older ones are gone"


def test_its_moves_are_redefinitions_without_consequences() -> None:
    assert Handoff.objects.count() == 1
    publishing.publish(playbook(points=15), by="cli", at=AT + DAY)
    assert Handoff.objects.count() == 1
    rows = StageMove.objects.filter(generation_id=line.current().generation_id, stage="mql")
    redefined = {row.person.email[:2]: row.is_redefinition for row in rows.select_related("person")}
    assert redefined == {"p1": True, "p2": True, "p3": True}
    leads = StageMove.objects.filter(generation_id=line.current().generation_id, stage="lead")
    assert not leads.filter(is_redefinition=True).exists(), "what happened just so is flow as before"


def test_people_go_on_being_decided_by_it() -> None:
    publishing.publish(playbook(points=15), by="cli", at=AT + DAY)
    told = actions.record([NewEvent(kind="page_viewed", keys=Keys(email="p0@acme.example"))], by="t", at=AT + 2 * DAY)
    assert [(move.stage, move.is_redefinition) for move in told.moves] == [("mql", False)]
    assert Handoff.objects.count() == 2


def test_going_back_takes_in_what_happened_meanwhile() -> None:
    publishing.publish(playbook(points=15), by="cli", at=AT + DAY)
    actions.record([page(n, AT + 2 * DAY) for n in (0, 9)], by="test", at=AT + 2 * DAY)
    publishing.undo(by="cli", at=AT + 3 * DAY)
    assert stages() == {"p0": "lead", "p1": "lead", "p2": "lead", "p3": "mql", "p9": "lead"}
    assert not rebuilding.rebuild(check=True, at=AT + 3 * DAY).differences
    publishing.undo(by="cli", at=AT + 4 * DAY)
    assert stages()["p1"] == "mql"


@pytest.mark.parametrize(
    ("text", "words"),
    [("playbook: 1\nname: x\nstages: {mql: {enter: scor > 5}}", "scor"), (playbook(), "in force already")],
)
def test_what_cannot_be_published_changes_nothing(text: str, words: str) -> None:
    before = (Generation.objects.count(), Audit.objects.count(), Event.objects.count())
    with pytest.raises((PlaybookRefused, Refused), match=words):
        publishing.publish(text, by="cli", at=AT + DAY)
    assert (Generation.objects.count(), Audit.objects.count(), Event.objects.count()) == before


def cut_short(text: str, *, people: int = 2, at: int = AT + DAY) -> building.Building:
    """What a publish leaves behind that is killed after some people."""
    made = building.begin(load(text), line.current(), by="cli", at=at)
    ids = bulk.side_by_side(list(Person.objects.values_list("pk", flat=True)))[:people]
    rows = anew.rows_of(line.of(made.generation), anew.decided(line.of(made.generation), ids, at=at), real={})
    made.wrote(len(ids))
    anew.insert(rows)
    return made


def test_what_a_killed_run_left_is_gone_on_with_up_to_the_news_since() -> None:
    made = cut_short(playbook(points=15))
    left = dict(Standing.objects.filter(generation=made.generation).values_list("person_id", "id"))
    actions.record([page(0, AT + DAY)], by="test", at=AT + DAY)
    assert len(left) == 2
    told = publishing.publish(playbook(points=15), by="cli", at=AT + 2 * DAY)
    assert told.generation_id == made.generation.pk
    assert told.note == "An earlier run was cut short after 2 people. This one goes on from there."
    assert stages() == {"p0": "mql", "p1": "mql", "p2": "mql", "p3": "mql"}
    kept = Standing.objects.filter(generation=made.generation, pk__in=left.values())
    assert [row.person.email[:2] for row in kept] == ["p1"], "p0 had news and was decided again"
    assert not rebuilding.rebuild(check=True, at=AT + 3 * DAY).differences


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: Generation.objects.filter(switched_at=None).update(engine_version="0"), "Rung was updated since"),
        (
            lambda: PlaybookVersion.objects.filter(text__contains=">= 15").update(text=playbook(points=15) + "# no"),
            "the file's text has changed since",
        ),
        (
            lambda: Generation.objects.filter(switched_at=None).update(before=Generation.objects.earliest("pk")),
            "another playbook came into force since",
        ),
    ],
)
def test_what_is_not_right_any_more_is_begun_anew_and_says_why(change: object, words: str) -> None:
    made = cut_short(playbook(points=15))
    change()  # type: ignore[operator]
    told = publishing.publish(playbook(points=15), by="cli", at=AT + 2 * DAY)
    assert told.note == f"An earlier run was cut short. This one began anew, because {words}."
    assert told.generation_id != made.generation.pk
    assert not Generation.objects.filter(pk=made.generation.pk).exists(), "what cannot be used is gone"
    assert Standing.objects.filter(generation_id=told.generation_id).count() == 4
    with pytest.raises(building.Overtaken):
        made.wrote(1)


def test_another_playbook_overtakes_a_run_that_still_lives_and_leaves_nothing_of_it() -> None:
    made = cut_short(playbook(points=15))
    told = publishing.publish(playbook(points=25), by="cli", at=AT + DAY)
    assert (told.note, stages()["p1"], Generation.objects.count()) == ("", "lead", 2)
    with pytest.raises(building.Overtaken, match="Another run began to put a playbook in force meanwhile"):
        made.wrote(1)
    assert publishing.publish(playbook(points=15), by="cli", at=AT + DAY).note == ""


def test_time_that_passed_before_going_back_is_no_news_of_today() -> None:
    publishing.publish(playbook(points=15), by="cli", at=AT + DAY)
    publishing.undo(by="cli", at=AT + 120 * DAY)
    rows = StageMove.objects.filter(generation_id=line.current().generation_id, status="nurture")
    assert rows.count() == 4 and not rows.filter(is_redefinition=False).exists()
    actions.look_again(at=AT + 121 * DAY)
    assert rows.count() == 4


def test_sales_cannot_publish() -> None:
    from rung.access.actions import add_user

    sam = add_user(email="sam@acme.example", role="sales", by="cli", at=AT)
    with pytest.raises(NotAllowed):
        publishing.publish(playbook(points=1), by=sam, at=AT)


def test_standings_are_what_a_replay_says() -> None:
    actions.record(
        [
            NewEvent(kind="company_described", company="acme.example", data={"employees": 70}),
            *(
                NewEvent(kind="page_viewed", keys=Keys(email=f"p{n}@acme.example"), company="acme.example")
                for n in range(3)
            ),
        ],
        by="test",
        at=AT + DAY,
    )
    actions.record([page(2, AT - 9 * DAY, company="other.example")], by="test", at=AT + 2 * DAY)
    actions.record([NewEvent(kind="page_viewed", keys=Keys(email="p1@acme.example"))], by="test", at=AT + 3 * DAY)
    actions.look_again(at=AT + 99 * DAY)
    told = rebuilding.rebuild(check=True, at=AT + 99 * DAY)
    assert (told.people, told.differences) == (4, ())


@pytest.mark.parametrize(
    ("plant", "field"),
    [
        (lambda person: Standing.objects.filter(person=person).update(score=99.0), "score"),
        (lambda person: Standing.objects.filter(person=person).delete(), "standing"),
        (lambda person: StageMove.objects.filter(person=person).delete(), "moves"),
        (lambda person: StageMove.objects.filter(person=person, number=0).update(at=5), "move 1: at"),
        (lambda person: Tally.objects.filter(person=person, is_signal=True).update(times=9), "tallies"),
        (lambda person: Standing.objects.filter(person=person).update(owner=None, source="lies"), "source"),
    ],
)
def test_a_planted_corruption_is_found_named_and_mended(plant: object, field: str) -> None:
    person = person_named("p3@acme.example")
    plant(person)  # type: ignore[operator]
    told = rebuilding.rebuild(check=True, at=AT + DAY)
    assert {(difference.person, difference.field) for difference in told.differences} == {("p3@acme.example", field)}
    assert "standings" in {check.name for check in doctor.examine(at=AT + DAY) if not check.is_right}
    rebuilding.rebuild(by="cli", at=AT + DAY)
    assert not rebuilding.rebuild(check=True, at=AT + DAY).differences


def test_after_an_upgrade_of_the_engine_everybody_is_decided_again_once() -> None:
    assert rebuilding.after_upgrade(at=AT + DAY) is None, "the engine in force has decided them"
    Generation.objects.update(engine_version="1")
    Mark.objects.all().delete()
    Standing.objects.filter(person=person_named("p3@acme.example")).update(score=99.0)
    rebuilt = rebuilding.after_upgrade(at=AT + DAY)
    assert rebuilt is not None
    assert {(each.person, each.field) for each in rebuilt.differences} == {("p3@acme.example", "score")}
    assert not rebuilding.rebuild(check=True, at=AT + DAY).differences
    assert rebuilding.after_upgrade(at=AT + DAY) is None
    assert Audit.objects.filter(verb="rebuilt standings").count() == 1


def test_after_an_upgrade_everybody_is_gone_on_from_as_before_though_nothing_differs() -> None:
    before = dict(State.objects.values_list("person_id", "state"))
    moves = list(StageMove.objects.order_by("person", "number").values("person", "at", "stage", "is_redefinition"))
    Generation.objects.update(engine_version="1")
    State.objects.filter(person=person_named("p3@acme.example")).delete()
    State.objects.update(state=b"of another engine")
    rebuilt = rebuilding.after_upgrade(at=AT + DAY)
    assert rebuilt is not None and not rebuilt.differences
    assert dict(State.objects.values_list("person_id", "state")).keys() == before.keys()
    assert not State.objects.filter(state=b"of another engine").exists()
    assert (
        list(StageMove.objects.order_by("person", "number").values("person", "at", "stage", "is_redefinition")) == moves
    )


def test_the_doctor_finds_a_new_house_in_order() -> None:
    # A worker has done what was asked of it: it looked for doubles of whoever was told of.
    worker = Worker(name="w", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=())
    while worker.turn(AT + DAY):
        pass
    assert [check for check in doctor.examine(at=AT + DAY) if not check.is_right] == []


@pytest.mark.parametrize(("model", "field"), [(Tally, "person"), (StageMove, "generation"), (Standing, "company")])
def test_the_doctor_finds_rows_whose_person_is_gone(model: type[Tally | StageMove | Standing], field: str) -> None:
    row = model.objects.order_by("pk").first()
    assert row is not None
    model.objects.filter(pk=row.pk).update(**{f"{field}_id": 999_999})
    (found,) = [check for check in doctor.examine(at=AT + DAY) if check.name == "built rows"]
    table = model._meta.db_table
    assert found == doctor.Check(
        "built rows", False, f"1 rows of {table} are of a {field} that is gone: a fault of ours, please tell us"
    )


def history() -> Iterator[NewEvent]:
    for number in range(20, 40):
        yield page(number, AT - 3 * DAY + number, company=f"firm{number % 3}.example", source="import:9")
        yield page(number, AT - 9 * DAY + number, source="import:9", message_id=f"m{number}")
        yield page(number, AT - 9 * DAY + number, source="import:9", message_id=f"m{number}")
    yield NewEvent(
        kind="company_described", company="firm1.example", data={"employees": 90}, door="import", at=AT - 20 * DAY
    )
    yield NewEvent(kind="flew", keys=Keys(user_id="x"), door="import", at=AT)


def test_a_loaded_history_is_what_recording_it_would_have_been() -> None:
    seen: list[tuple[int, int]] = []
    told = bulk.load(history(), by="demo", at=AT + DAY, progress=lambda done, of: seen.append((done, of)))
    assert (told.accepted, told.duplicates, len(told.refused), told.people) == (41, 20, 1, 20)
    assert told.refused[0].index == 61
    assert seen[-1] == (20, 20)
    assert not rebuilding.rebuild(check=True, at=AT + DAY).differences
    assert not StageMove.objects.filter(is_redefinition=True).exists()
    loaded = {(row.person.email, row.score, row.stage, row.since) for row in Standing.objects.select_related("person")}
    assert Company.objects.get(key="firm1.example").traits == {"employees": 90}
    assert bulk.load(history(), by="demo", at=AT + DAY).accepted == 21, "only what has an id is known again"
    assert len(loaded) == 24 == Person.objects.count()
