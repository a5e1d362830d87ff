"""A definition asked for on a page, replayed by the worker's child on the house's own history; and proposals."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.trying_world import BOOK, ground, year
from rung.access.actions import NotAllowed, Refused, add_user
from rung.access.models import Audit, User
from rung.engine.trying.ground import CannotTry
from rung.handoff.models import Assignment
from rung.history import segments
from rung.history.models import Event
from rung.insight import proposals, trials, trying_later
from rung.insight.models import Backtest, Proposal
from rung.insight.trying_later import LEASE, MOST_ATTEMPTS, Warm
from rung.jobs.models import Outbox
from rung.lifecycle import archiving, exporting, published
from rung.lifecycle.many import bulk
from rung.lifecycle.models import Handoff
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import following
from rung.lifecycle.publishing import later as publishing_later
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.playbook.conditions import ConditionError
from rung.playbook.faults import PlaybookRefused
from rung.playbook.loading import load
from rung.terms.instants import DAY, MINUTE, parse_instant

pytestmark = pytest.mark.django_db
NOW = parse_instant("2026-06-30T00:00:00Z")
LOWER = BOOK.replace("score >= 50", "score >= 40")
ON = date(2026, 6, 30)


@pytest.fixture
def people() -> dict[str, User]:
    names = {"marketing": "Rui Santos", "sales": "Sam Lee", "revops": "Ren Castellanos", "admin": "Ada Berg"}
    return {
        role: add_user(email=f"{role}@ours.example", name=name, role=role, by="test", at=1)
        for role, name in names.items()
    }


@pytest.fixture
def house(people: dict[str, User], settings: Any, tmp_path: Path) -> dict[str, User]:
    settings.RUNG_HOME = tmp_path / "home"
    events = [
        NewEvent(
            str(told["kind"]),
            keys=Keys(email=str(told["person"])),
            data=told["data"],  # type: ignore[arg-type]
            at=parse_instant(str(told["at"])),
            by=str(told.get("by", "")) or None,
            door="import",
        )
        for told in year()
    ]
    bulk.load(events, by="test", at=NOW)
    publishing.publish(BOOK, by="test", at=NOW)
    return people


def warm(at: int = NOW) -> Warm:
    return Warm(lambda: at, is_compiled=False)


def test_a_wish_is_answered_on_the_houses_own_history(house: dict[str, User]) -> None:
    run = trying_later.ask(text=LOWER, by=house["sales"], at=NOW)
    assert (run.state, run.old_version) == ("asked", published.playbook().version)
    assert warm().turn() is True
    run.refresh_from_db()
    assert (run.state, run.error, run.as_of) == ("done", "", NOW)
    figures = {figure.id: figure for figure in trying_later.result_of(run).figures}
    assert (figures["opened"].old, figures["opened"].new, figures["caught"].new) == (3, 5, 2)
    assert run.headline.startswith("40 instead of 50: 1 win caught that went by")
    assert {each.what for each in trying_later.people_of(run).differing} == {"only_new", "earlier"}
    assert warm().turn() is False


def test_the_house_and_a_file_of_the_same_history_say_the_same(house: dict[str, User]) -> None:
    ours = trying_later.ground(until=NOW, is_compiled=False).backtest(load(BOOK), load(LOWER))[0]
    theirs = ground().backtest(load(BOOK), load(LOWER))[0]
    assert ours.figures == theirs.figures and ours.wins == theirs.wins and ours.by_month == theirs.by_month


def test_a_folder_of_segments_says_what_the_house_says(house: dict[str, User], tmp_path: Path) -> None:
    exporting.export_segments(where=None, to=tmp_path / "history", by="test", at=NOW)
    folder = trials.ground_of(tmp_path / "history", until=NOW)
    told = folder.backtest(load(BOOK), load(LOWER))[0]
    ours = trying_later.ground(until=NOW, is_compiled=False).backtest(load(BOOK), load(LOWER))[0]
    assert told == ours
    assert (told.wins.gained, told.wins.earlier, told.wins.median_days) == (1, 1, 4.0)


def test_however_the_history_is_cut_the_answer_is_the_same_to_the_last_interval(house: dict[str, User]) -> None:
    cut = NOW - 2 * DAY
    tail_only = trying_later.ground(until=cut, is_compiled=False).backtest(load(BOOK), load(LOWER))[0]
    archiving.export(segments.folder())
    record_one(NOW - DAY)
    mixed = trying_later.ground(until=NOW, is_compiled=False)
    assert mixed.history.people[-1] == str(Person.objects.get(email="late@acme.example").uuid)
    before = trying_later.ground(until=cut, is_compiled=False)
    assert len(mixed.history.people) == len(before.history.people) + 1, "what happened later is not looked at"
    assert before.backtest(load(BOOK), load(LOWER))[0] == tail_only


def test_a_part_that_is_missing_or_torn_is_told_and_the_run_can_be_repeated(house: dict[str, User]) -> None:
    archiving.export(segments.folder())
    parts = sorted(segments.folder().glob("*/*.parquet"))
    for place, words in ((parts[0], "is missing"), (parts[1], "is damaged")):
        whole = place.read_bytes()
        place.unlink() if words == "is missing" else place.write_bytes(whole[: len(whole) // 2])
        run = trying_later.ask(text=LOWER, by=house["sales"], at=NOW)
        child = warm()
        assert [child.turn() for _ in range(MOST_ATTEMPTS + 1)] == [True] * MOST_ATTEMPTS + [False]
        run.refresh_from_db()
        assert run.state == "failed" and words in run.error and "/".join(place.parts[-3:]) in run.error
        assert "Start the run again" in run.error and str(segments.folder().parent) not in run.error
        place.write_bytes(whole)
        trying_later.again(run=run, at=NOW)
        assert child.turn() is True
        run.refresh_from_db()
        assert (run.state, run.error) == ("done", "")
        run.delete()


def test_a_manifest_that_was_removed_is_written_anew_and_a_stretch_that_none_names_is_not_read(
    house: dict[str, User],
) -> None:
    archiving.export(segments.folder())
    stray = segments.folder() / "000000000001-000000000009-killed00"
    stray.mkdir()
    (stray / "00.parquet").write_bytes(b"PAR1 half of a file")
    with_segments = trying_later.ground(until=NOW, is_compiled=False).backtest(load(BOOK), load(LOWER))[0]
    (segments.folder() / "manifest.json").unlink()
    without = trying_later.ground(until=NOW, is_compiled=False).backtest(load(BOOK), load(LOWER))[0]
    archiving.export(segments.folder())
    again = trying_later.ground(until=NOW, is_compiled=False).backtest(load(BOOK), load(LOWER))[0]
    assert with_segments == without == again


def record_one(at: int) -> None:
    event = NewEvent("page_viewed", keys=Keys(email="late@acme.example"), data={}, at=at, door="import")
    bulk.load([event], by="test", at=NOW)


def test_the_same_wish_is_answered_once_while_the_history_is_warm(house: dict[str, User]) -> None:
    one = trying_later.ask(text=LOWER, by=house["sales"], at=NOW)
    # Comments and signatures make no other definition.
    same = trying_later.ask(text=LOWER + "# a remark\n", by=house["marketing"], at=NOW + MINUTE)
    later = trying_later.ask(text=LOWER, by=house["sales"], at=NOW + 60 * MINUTE)
    other = trying_later.ask(text=LOWER, by=house["sales"], at=NOW, subset="score > 1")
    assert one == same and len({one.pk, later.pk, other.pk}) == 3


def test_a_number_through_its_values(house: dict[str, User]) -> None:
    run = trying_later.ask(text=BOOK, by=house["sales"], at=NOW, vary="stages.mql.enter:score=20:70:10")
    warm().turn()
    run.refresh_from_db()
    curve = trying_later.curve_of(run)
    assert [(point.value, point.opened) for point in curve.points][2:5] == [(40, 5), (50, 3), (60, 1)]
    assert run.headline.startswith("The knee is at 50 to 60 with 50 %")


def test_what_cannot_be_tried_is_refused_before_anything_runs(house: dict[str, User]) -> None:
    for text, more, refusal in (
        ("playbook: 1", {}, PlaybookRefused),
        (LOWER, {"subset": "scor > 1"}, ConditionError),
        (LOWER, {"vary": "stages.mql.enter:scor=1:2:1"}, CannotTry),
        (LOWER, {"vary": "stages.mql.enter:score=1:2000:1"}, CannotTry),
    ):
        with pytest.raises(refusal):
            trying_later.ask(text=text, by=house["sales"], at=NOW, **more)
    assert not Backtest.objects.exists()


def test_a_subset_that_matches_nobody_fails_in_words_and_can_be_tried_again(house: dict[str, User]) -> None:
    run = trying_later.ask(text=LOWER, by=house["sales"], at=NOW, subset="score > 9000")
    warm().turn()
    run.refresh_from_db()
    assert (run.state, run.error[:30]) == ("failed", "Nobody meets “score > 9000” on")
    trying_later.again(run=run, at=NOW)
    run.refresh_from_db()
    assert (run.state, run.attempts, run.error) == ("asked", 0, "")


def test_a_killed_run_is_taken_up_by_the_next_child_and_given_up_in_the_end(house: dict[str, User]) -> None:
    run = trying_later.ask(text=LOWER, by=house["sales"], at=NOW)
    at = NOW
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert trying_later._claimed(at) == run  # a child takes it, and is killed
        run.refresh_from_db()
        assert (run.state, run.attempts) == ("running", attempt)
        assert trying_later._claimed(at + MINUTE) is None, "nobody else may have it while its lease runs"
        at += LEASE + 1
    assert trying_later._claimed(at) is None
    run.refresh_from_db()
    assert run.state == "failed" and "ended three times" in run.error
    trying_later.again(run=run, at=at)
    assert warm(at).turn() is True
    run.refresh_from_db()
    assert run.state == "done"


def test_runs_that_nobody_keeps_go_after_a_week(house: dict[str, User]) -> None:
    trying_later.ask(text=LOWER, by=house["sales"], at=NOW)
    kept = trying_later.ask(text=LOWER, by=house["sales"], at=NOW, subset="score > 1")
    trying_later.keep(run=kept)
    trying_later.forget_old(NOW + 6 * DAY)
    assert Backtest.objects.count() == 2
    trying_later.forget_old(NOW + 8 * DAY)
    assert list(Backtest.objects.all()) == [kept]


def test_an_empty_house_says_so(people: dict[str, User]) -> None:
    run = trying_later.ask(text=LOWER, by=people["sales"], at=NOW)
    warm().turn()
    run.refresh_from_db()
    assert (run.state, run.error[:28]) == ("failed", "There is no history yet: imp")


def test_a_proposal_needs_both_sides_and_two_people_and_is_put_in_force_as_signed(house: dict[str, User]) -> None:
    run = trying_later.ask(text=LOWER, by=house["sales"], at=NOW)
    made = proposals.propose(text=LOWER, by=house["marketing"], at=NOW, trial=run)
    run.refresh_from_db()
    assert run.is_kept and proposals.missing_sides(made) == ["marketing", "sales"]
    with pytest.raises(NotAllowed):
        proposals.sign(proposal=made, side="sales", by=house["marketing"], at=NOW, on=ON)
    with pytest.raises(Refused, match="Marketing and sales have not signed yet"):
        proposals.put_in_force(proposal=made, by=house["revops"], at=NOW)
    proposals.sign(proposal=made, side="marketing", by=house["marketing"], at=NOW, on=ON)
    with pytest.raises(Refused, match="Marketing has signed already"):
        proposals.sign(proposal=made, side="marketing", by=house["admin"], at=NOW, on=ON)
    signed = proposals.sign(proposal=made, side="sales", by=house["sales"], at=NOW, on=ON)
    book = load(signed.text)
    assert book.is_signed and book.version == made.version
    assert [(s.side, s.who, s.signed_date) for s in book.signatures] == [
        ("marketing", "Rui Santos", ON),
        ("sales", "Sam Lee", ON),
    ]
    with pytest.raises(NotAllowed):
        proposals.put_in_force(proposal=made, by=house["sales"], at=NOW)
    proposals.put_in_force(proposal=made, by=house["revops"], at=NOW)
    publishing_later.publish_asked(_payload(), NOW)
    assert published.playbook().version == made.version and published.playbook().is_signed
    assert Proposal.objects.get(pk=made.pk).state == "asked"
    with pytest.raises(Refused, match="It has been put in force"):
        proposals.withdraw(proposal=made, by=house["revops"], at=NOW)
    verbs = list(Audit.objects.order_by("seq").values_list("verb", flat=True))
    wanted = ["proposed playbook", "signed for marketing", "signed for sales", "put proposal in force"]
    assert [verb for verb in verbs if verb in wanted] == wanted


def test_what_follows_is_carried_out_only_where_it_was_asked_for_and_counted_and_going_back_takes_it_back(
    house: dict[str, User],
) -> None:
    made = proposals.propose(text=LOWER, by=house["marketing"], at=NOW)
    proposals.sign(proposal=made, side="marketing", by=house["marketing"], at=NOW, on=ON)
    proposals.sign(proposal=made, side="sales", by=house["sales"], at=NOW, on=ON)
    with pytest.raises(Refused, match="Have it counted first"):
        proposals.put_in_force(proposal=made, by=house["revops"], at=NOW, is_followed=True)
    for role in ("sales", "marketing"):
        with pytest.raises(NotAllowed):
            proposals.count_what_follows(proposal=made, by=house[role], at=NOW)
    proposals.count_what_follows(proposal=made, by=house["revops"], at=NOW)
    assert proposals.following(made) is None
    warm().turn()
    counted = proposals.following(made)
    assert counted is not None and (len(counted.opens), len(counted.withdraws)) == (1, 0)
    before = waiting()

    proposals.put_in_force(proposal=made, by=house["revops"], at=NOW, is_followed=True)
    later = NOW + 2 * MINUTE
    payload = work_off(publishing_later.publish_asked, later)
    assert waiting() - before == counted.opens and before <= waiting()
    (opened,) = Handoff.objects.filter(person__uuid__in=counted.opens)
    assert (opened.opened_at, opened.playbook_version) == (later, made.version)
    assert opened.evidence.endswith("Handed over because the playbook changed.")
    assert Assignment.objects.filter(handoff=opened, ended_at=None).count() == 1
    assert Event.objects.filter(kind="handoff_opened", person_id=opened.person_id, at=later).count() == 1
    publishing_later.publish_asked(payload, later + MINUTE)
    assert Handoff.objects.filter(person__uuid__in=counted.opens).count() == 1, "done twice it does no harm"

    publishing_later.ask_undo(by=house["revops"], at=NOW + 3 * MINUTE)
    work_off(publishing_later.undo_asked, NOW + 4 * MINUTE)
    assert waiting() == before
    opened.refresh_from_db()
    assert opened.withdrawn_at == NOW + 4 * MINUTE
    assert not Assignment.objects.filter(handoff=opened, ended_at=None).exists()
    told = list(Audit.objects.filter(verb="carried out what follows").order_by("seq").values_list("data", flat=True))
    assert [(each["opened"], each["withdrawn"]) for each in told] == [(1, 0), (0, 0), (0, 1)]


def test_a_stricter_playbook_withdraws_what_waits_and_nothing_follows_unless_it_is_asked(
    house: dict[str, User],
) -> None:
    following.carry_out(load(BOOK).version, at=NOW)  # the history came in under the shipped default
    before, stricter = waiting(), BOOK.replace("score >= 50", "score >= 90")
    publishing_later.ask(text=stricter, by=house["revops"], at=NOW)
    work_off(publishing_later.publish_asked, NOW)
    assert waiting() == before and before
    publishing_later.ask_undo(by=house["revops"], at=NOW)
    work_off(publishing_later.undo_asked, NOW)
    assert waiting() == before
    publishing_later.ask(text=stricter, by=house["revops"], at=NOW + 1, is_followed=True)
    work_off(publishing_later.publish_asked, NOW + 1)
    assert waiting() == set()
    publishing_later.ask_undo(by=house["revops"], at=NOW + 2)
    work_off(publishing_later.undo_asked, NOW + 2)
    assert waiting() == before, "what was withdrawn opens again"


def work_off(job: Any, at: int) -> dict[str, object]:
    """The worker does what was asked of it last."""
    row = Outbox.objects.filter(kind__in=(publishing_later.KIND, publishing_later.UNDO)).latest("id")
    job(row.payload, at)
    Outbox.objects.filter(pk=row.pk).update(done_at=at)
    payload: dict[str, object] = row.payload
    return payload


def waiting() -> set[str]:
    """Whose hand-off waits, by the tables."""
    rows = Handoff.objects.filter(answered_at=None, withdrawn_at=None)
    return {str(uuid) for uuid in rows.values_list("person__uuid", flat=True)}


def test_nobody_signs_for_both_sides(house: dict[str, User]) -> None:
    made = proposals.propose(text=LOWER, by=house["marketing"], at=NOW)
    proposals.sign(proposal=made, side="marketing", by=house["admin"], at=NOW, on=ON)
    with pytest.raises(Refused, match="an agreement needs two people"):
        proposals.sign(proposal=made, side="sales", by=house["admin"], at=NOW, on=ON)


def test_a_changed_text_takes_the_place_of_the_proposal_and_its_signatures(house: dict[str, User]) -> None:
    made = proposals.propose(text=LOWER, by=house["marketing"], at=NOW)
    proposals.sign(proposal=made, side="sales", by=house["sales"], at=NOW, on=ON)
    same = proposals.propose(text=LOWER, by=house["revops"], at=NOW)
    assert same == made
    other = proposals.propose(
        text=LOWER.replace("score >= 40", "score >= 44"), by=house["marketing"], at=NOW, replaces=made
    )
    assert proposals.missing_sides(other) == ["marketing", "sales"]
    assert [p.pk for p in proposals.open_proposals()] == [other.pk]
    with pytest.raises(Refused, match="Another proposal has taken its place"):
        proposals.sign(proposal=made, side="marketing", by=house["marketing"], at=NOW, on=ON)
    with pytest.raises(NotAllowed):
        proposals.withdraw(proposal=other, by=house["sales"], at=NOW)
    proposals.withdraw(proposal=other, by=house["marketing"], at=NOW)
    assert proposals.open_proposals() == []


def test_publishing_is_undone_by_the_worker(house: dict[str, User]) -> None:
    before = published.playbook().version
    publishing.publish(LOWER, by="test", at=NOW)
    with pytest.raises(NotAllowed):
        publishing_later.ask_undo(by=house["sales"], at=NOW)
    publishing_later.ask_undo(by=house["revops"], at=NOW)
    with pytest.raises(Refused):
        publishing_later.ask_undo(by=house["revops"], at=NOW)
    publishing_later.undo_asked(_payload(), NOW)
    publishing_later.undo_asked(_payload(), NOW)
    assert published.playbook().version == before


def _payload() -> dict[str, object]:
    found: dict[str, object] = Outbox.objects.order_by("-id")[0].payload
    return found


def test_the_playbook_in_force_can_be_signed_without_deciding_anybody_again(house: dict[str, User]) -> None:
    force = published.in_force()
    made = proposals.propose(text=force.playbook.text, by=house["marketing"], at=NOW)
    proposals.sign(proposal=made, side="marketing", by=house["marketing"], at=NOW, on=ON)
    proposals.sign(proposal=made, side="sales", by=house["sales"], at=NOW, on=ON)
    proposals.put_in_force(proposal=made, by=house["revops"], at=NOW)
    signed = published.in_force()
    assert signed.playbook.is_signed
    assert (signed.generation_id, signed.playbook.version) == (force.generation_id, force.playbook.version)
    assert publishing_later.pending() is None
