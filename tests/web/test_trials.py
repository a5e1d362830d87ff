"""Pages of trials, comparisons and proposals: what they ask for, show, open and refuse."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from engine.trying_world import BOOK, year
from rung.access.models import User
from rung.insight.models import Backtest, Proposal
from rung.insight.trying_later import Warm
from rung.jobs.clock import now
from rung.jobs.models import Outbox
from rung.lifecycle import published
from rung.lifecycle.many import bulk
from rung.lifecycle.publishing import actions as publishing
from rung.lifecycle.publishing import later as publishing_later
from rung.lifecycle.rules import NewEvent
from rung.people.models import Person
from rung.people.rules import Keys
from rung.terms.instants import SECOND, parse_instant

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
LOWER = BOOK.replace("score >= 50", "score >= 40")


@pytest.fixture
def house(users: dict[str, User]) -> dict[str, User]:
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
    bulk.load(events, by="test", at=parse_instant("2026-06-30"))
    publishing.publish(BOOK, by="test", at=parse_instant("2026-06-30"))
    return users


def signed_in(users: dict[str, User], role: str) -> Client:
    client = Client()
    client.force_login(users[role])
    return client


def work() -> None:
    """All that the worker's child would do."""
    warm = Warm(now, is_compiled=False)
    while warm.turn():
        pass


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).replace("&quot;", '"')


def asked(client: Client, **form: str) -> Backtest:
    client.post(reverse("trials"), {"text": LOWER, **form}, headers={"HX-Request": "true"})
    return Backtest.objects.latest("pk")


def test_what_is_typed_is_asked_for_looked_for_again_and_shown_with_its_headline(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    first = sam.post(reverse("trials"), {"text": LOWER.replace("\n", "\r\n")}, headers={"HX-Request": "true"})
    run = Backtest.objects.get()
    assert "Waiting for the worker" in text(first) and f"{reverse('trial', args=[run.uuid])}?part=state" in str(
        first.content
    )
    assert run.new_text == LOWER, "lines of a form end in \\r\\n; those of the file do not"
    work()
    done = sam.get(reverse("trial", args=[run.uuid]), {"part": "state"})
    shown = done.content.decode()
    assert 'id="answer" hx-swap-oob="true">40 instead of 50: 1 win caught that went by' in shown
    assert "In force, 50" in shown and "Draft, 40" in shown
    assert "hx-trigger" not in shown, "nobody looks again for what is done"


def test_faults_are_not_tried_and_nothing_is_written(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    told = sam.post(reverse("trials"), {"text": "playbook: 2"}, headers={"HX-Request": "true"})
    assert "The file has faults" in text(told)
    wrong = sam.post(reverse("trials"), {"text": LOWER, "subset": "scor > 1"}, headers={"HX-Request": "true"})
    assert "scor" in text(wrong)
    assert not Backtest.objects.exists()


def test_a_run_has_a_page_to_share_that_says_what_publishing_would_move(house: dict[str, User]) -> None:
    run = asked(signed_in(house, "sales"))
    rui = signed_in(house, "marketing")
    assert "Being tried on your history" in text(rui.get(reverse("trial", args=[run.uuid])))
    work()
    page = text(rui.get(reverse("trial", args=[run.uuid])))
    for said in ("40 instead of 50: 1 win caught that went by", "1 person would stand elsewhere today: 1 to MQL."):
        assert said in page
    assert "Intervals: 400 resamples" in page
    assert "direct or unknown 2 4 +2 0 to +5 0 1 0 → 1" in page, "a group: before, now, change, interval, what became"
    assert "Rejected, by reason In force, 50 Draft, 40 Change 95 % interval No budget 1 1 0 0 to 0" in page
    assert "1 is handed over earlier. Of those at another time, half by 4 days earlier or more" in page
    assert "(95 % interval 4 days earlier to 4 days earlier)" in page


def test_every_number_opens_the_people_behind_it(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    run = asked(sam)
    work()
    page = sam.get(reverse("trial", args=[run.uuid])).content.decode()
    links = set(re.findall(r'href="(/playbook/trials/[^"]+/people\?[^"]+)"', page.replace("&amp;", "&")))
    assert len(links) > 10
    for link in links:
        number = re.search(rf'href="{re.escape(link)}">([\d,]+)<', page.replace("&amp;", "&"))
        heading = text(sam.get(link))
        if number:
            assert f": {number[1]}, " in heading, link
    one = sam.get(
        reverse("trial-people", args=[run.uuid]), {"side": "new", "answer": "rejected", "reason": "No budget"}
    )
    assert "Rejected, No budget: 1, 1 person" in text(one) and "bo@x.example" in text(one)
    nobody = sam.get(reverse("trial-people", args=[run.uuid]), {"month": "1999-13", "tip": "x", "side": "?"})
    assert nobody.status_code == 200 and "Nobody." in text(nobody)


def test_hours_precision_recall_time_on_a_rung_wins_and_moves_open_their_people_too(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    run = asked(sam)
    work()
    page = sam.get(reverse("trial", args=[run.uuid])).content.decode().replace("&amp;", "&")
    rows = dict(re.findall(r'<tr data-figure="(\w+)">(.*?)</tr>', page))
    for figure in ("hours", "per_day", "precision", "recall", "caught"):
        assert rows[figure].count('class="opens') == 2, figure
    base = reverse("trial-people", args=[run.uuid])
    for query, said in (
        ("side=new&question=1", "People handed over for the first time: 5, 5 people"),
        ("side=new&wins=all", "First wins: 2, 2 people"),
        ("side=old&wins=all", "First wins: 2, 2 people"),
        ("side=new&wins=gained", "Wins that only the new definition catches: 1, 1 person"),
        ("side=new&wins=earlier", "Wins handed over earlier: 1, 1 person"),
        ("side=new&moved=mql", "Elsewhere today, on Marketing qualified lead: 1, 1 person"),
        ("side=new&rung=mql&still=1", "On Marketing qualified lead, still there: "),
        ("side=old&rung=mql", "On Marketing qualified lead, the longest first: "),
    ):
        assert f'{base}?{query}"' in page, query
        assert said in text(sam.get(f"{base}?{query}")), query
    for query in ("wins=x", "rung=x", "moved=x&side=old", "ahead=1", "tip=99999", "currency=x"):
        assert sam.get(f"{base}?{query}").status_code == 200


def test_a_person_is_explained_by_both_definitions(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    run = asked(sam)
    work()
    dan = Person.objects.get(email="dan@x.example")
    page = text(sam.get(reverse("trial-why", args=[run.uuid]), {"person": str(dan.uuid)}))
    assert "Missing: 10 more points, or “Demo request”." in page
    assert "Marketing qualified lead since 4 Mar 2026" in page and "won 1 Apr 2026, € 50" in page
    for wrong in ("", "x", "999999", "9" * 40):
        assert sam.get(reverse("trial-why", args=[run.uuid]), {"person": wrong}).status_code == 404


def test_a_run_is_kept_let_go_and_repeated(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    run = asked(sam, subset="score > 9000")
    work()
    failed = text(sam.get(reverse("trial", args=[run.uuid])))
    assert "This could not be tried" in failed and "Nobody meets “score" in failed
    sam.post(reverse("trial-repetition", args=[run.uuid]))
    run.refresh_from_db()
    assert run.state == "asked"
    sam.post(reverse("trial-keeping", args=[run.uuid]))
    run.refresh_from_db()
    assert run.is_kept
    assert "1 backtest kept" in text(sam.get(reverse("trials")))
    sam.post(reverse("trial-keeping", args=[run.uuid]), {"off": "1"})
    run.refresh_from_db()
    assert not run.is_kept


def test_the_curve_keeps_while_its_number_is_turned_and_the_slider_knows_its_place(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    for draft in (LOWER, BOOK.replace("score >= 50", "score >= 44")):
        sam.post(reverse("trial-curves"), {"text": draft, "number": ""})
    run = Backtest.objects.get()
    assert run.vary == "stages.mql.enter:score=15:90:5"
    work()
    shown = sam.post(reverse("trial-curves"), {"text": LOWER, "number": ""}).content.decode()
    begin, end = (int(re.search(rf'data-{name}="(\d+)"', shown)[1]) for name in ("begin", "end"))  # type: ignore[index]
    assert LOWER[begin:end] == "40"
    assert "50 now" in shown and "40 draft" in shown and 'value="40"' in shown
    other = sam.post(reverse("trial-curves"), {"text": LOWER, "number": "signals.Pricing page.points"})
    assert "Every value" in text(other) and Backtest.objects.count() == 2
    assert "There is no number nothing" in text(sam.post(reverse("trial-curves"), {"text": LOWER, "number": "nothing"}))


def test_the_editor_opens_a_runs_text(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    run = asked(sam)
    page = sam.get(f"{reverse('playbook')}?tab=source&trial={run.uuid}").content.decode()
    assert "score &gt;= 40" in page and "as tried" in page
    gone = sam.get(f"{reverse('playbook')}?tab=source&trial=00000000-0000-7000-8000-000000000000")
    assert gone.status_code == 200 and "score &gt;= 50" in gone.content.decode()


def test_five_definitions_on_the_same_people(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    assert "Five definitions on your own people" in text(sam.get(reverse("definitions")))
    sam.post(reverse("definitions"))
    sam.post(reverse("definitions"))
    assert Backtest.objects.count() == 1
    work()
    page = sam.get(reverse("definitions"))
    assert "how sales decides" in text(page)
    for name in ("Acme", "The BANT ladder", "The engagement ladder", "The sales ladder", "Scored leads"):
        assert name in text(page)
    # Ana bought; each cell has the definition's own sentence, and the event behind it.
    assert "because" in text(page) and re.search(r'href="/people/[0-9a-f-]+#e-\d+"', page.content.decode())


def test_a_proposal_goes_from_the_trial_to_both_signatures_into_force_and_back(house: dict[str, User]) -> None:
    rui, sam, ren = (signed_in(house, role) for role in ("marketing", "sales", "revops"))
    run = asked(rui)
    work()
    before = published.playbook().version
    answer = rui.post(reverse("proposals"), {"text": LOWER, "trial": str(run.uuid)})
    proposal = Proposal.objects.get()
    page = reverse("proposal", args=[proposal.uuid])
    assert (answer.status_code, answer["Location"]) == (303, page)
    shown = text(rui.get(page))
    assert "Marketing and sales have to sign this" in shown and "1 person would stand elsewhere today" in shown
    assert "Sign for marketing" in shown and "Sign for sales" not in shown
    assert rui.post(reverse("proposal-signature", args=[proposal.uuid]), {"side": "sales"}).status_code == 403
    assert rui.post(reverse("proposal-signature", args=[proposal.uuid]), {"side": "both"}).status_code == 422
    early = ren.post(reverse("proposal-publication", args=[proposal.uuid]))
    assert early.status_code == 409 and "Marketing and sales have not signed yet." in text(early)
    rui.post(reverse("proposal-signature", args=[proposal.uuid]), {"side": "marketing"})
    sam.post(reverse("proposal-signature", args=[proposal.uuid]), {"side": "sales"})
    assert "Both sides have signed: it can be put in force" in text(ren.get(page))
    assert sam.post(reverse("proposal-publication", args=[proposal.uuid])).status_code == 403
    asked_for = ren.post(reverse("proposal-publication", args=[proposal.uuid]), follow=True)
    assert "is being put in force, as Ren Castellanos asked: 0 of" in text(asked_for)
    publishing_later.publish_asked(_last_payload(), now())
    Outbox.objects.update(done_at=now())
    assert "This playbook is in force" in text(ren.get(page))
    assert published.playbook().is_signed and published.playbook().version == proposal.version

    history = ren.get(f"{reverse('playbook')}?tab=history")
    assert "Go back to the one before" in text(history)
    ren.post(reverse("playbook-undoing"))
    publishing_later.undo_asked(_last_payload(), now())
    assert published.playbook().version == before


def test_what_would_follow_is_counted_shown_with_its_people_and_asked_for(house: dict[str, User]) -> None:
    rui, sam, ren = (signed_in(house, role) for role in ("marketing", "sales", "revops"))
    rui.post(reverse("proposals"), {"text": LOWER})
    proposal = Proposal.objects.get()
    page, put = (reverse(name, args=[proposal.uuid]) for name in ("proposal", "proposal-publication"))
    rui.post(reverse("proposal-signature", args=[proposal.uuid]), {"side": "marketing"})
    sam.post(reverse("proposal-signature", args=[proposal.uuid]), {"side": "sales"})
    assert "Count what would follow" not in text(rui.get(page)), "only whoever puts it in force chooses"
    assert "It must be counted first." in text(ren.get(page))
    refused = ren.post(put, {"what": "follows"})
    assert refused.status_code == 409 and "Have it counted first what would follow" in text(refused)
    assert rui.post(reverse("proposal-counting", args=[proposal.uuid])).status_code == 403
    assert ren.post(reverse("proposal-counting", args=[proposal.uuid])).status_code == 303
    counting = ren.get(page)
    assert "Being counted on your history." in text(counting)
    assert 'hx-select-oob="#will-change"' in counting.content.decode(), "the answer brings what will change along"
    assert '<div id="will-change"></div>' in counting.content.decode()
    work()
    shown = ren.get(page)
    assert "What will change now" in text(shown) and "1 person would stand elsewhere today: 1 to MQL." in text(shown)
    assert (
        "1 hand-off would open and come onto desks with clocks that begin now, 0 that wait would be withdrawn"
        in text(shown)
    )
    link = re.search(r'href="([^"]+waits=opens)"', shown.content.decode().replace("&amp;", "&"))
    assert link and "Hand-offs that would open now: 1, 1 person" in text(ren.get(link[1]))
    ren.post(put, {"what": "follows"})
    assert _last_payload()["is_followed"] is True


def test_ticked_runs_stand_beside_each_other_with_what_they_were_tried_against(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    runs = [asked(sam), asked(sam, text=BOOK.replace("score >= 50", "score >= 45"))]
    work()
    listed = sam.get(reverse("trials")).content.decode()
    assert all(f'name="run" value="{run.uuid}"' in listed for run in runs)
    page = sam.get(reverse("trials-beside"), {"run": [str(run.uuid) for run in runs]})
    shown = text(page)
    assert "2 backtests beside each other" in shown
    assert "Before 40 instead of 50 45 instead of 50" in shown
    figures = [{each["id"]: each for each in Backtest.objects.get(pk=run.pk).result["figures"]} for run in runs]
    for each in figures:
        assert f"{each['caught']['new']:.0f}" in shown and each["caught"]["old"] == 1
    assert re.search(r"Wins caught 1 2 \+1 ", shown), "one win was caught; the lower threshold catches two"
    assert "different" not in shown


def test_runs_that_differ_in_more_than_the_definition_say_so(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    runs = [asked(sam), asked(sam, subset='person.country == "AT" or score >= 0'), asked(sam, period="183")]
    work()
    page = text(sam.get(reverse("trials-beside"), {"run": [str(run.uuid) for run in runs]}))
    assert "These runs look at different people." in page
    assert "These runs look at different periods: a longer one has more of everything." in page
    assert "tried against different definitions" not in page


def test_one_run_alone_a_failed_one_or_none_says_what_to_do(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    failed = asked(sam, subset="score >= 999999")
    work()
    for given in ([], ["nonsense"], [str(failed.uuid)]):
        page = sam.get(reverse("trials-beside"), {"run": given})
        assert page.status_code == 200 and "Two backtests make a comparison" in text(page)
    assert "1 that you ticked is not done, or gone." in text(page)
    assert f'value="{failed.uuid}"' not in sam.get(reverse("trials")).content.decode()


def test_a_curve_that_cannot_be_says_why_once_and_is_not_asked_for_again_and_again(house: dict[str, User]) -> None:
    sam = signed_in(house, "sales")
    form = {"text": LOWER, "subset": "score >= 999999"}
    sam.post(reverse("trial-curves"), form)
    work()
    told = sam.post(reverse("trial-curves"), form)
    assert "Nobody meets “score &gt;= 999999”" in text(told) and "hx-trigger" not in told.content.decode()
    assert Backtest.objects.count() == 1
    Backtest.objects.update(done_at=now() - 11 * SECOND)
    assert "Waiting for the worker" in text(sam.post(reverse("trial-curves"), form)), "people may have come meanwhile"
    assert Backtest.objects.count() == 2


def test_a_proposal_is_withdrawn_or_replaced(house: dict[str, User]) -> None:
    rui = signed_in(house, "marketing")
    rui.post(reverse("proposals"), {"text": LOWER})
    first = Proposal.objects.get()
    rui.post(reverse("proposals"), {"text": LOWER.replace("40", "44"), "replaces": str(first.uuid)})
    first.refresh_from_db()
    assert first.state == "replaced"
    assert "Another proposal has taken the place" in text(rui.get(reverse("proposal", args=[first.uuid])))
    second = Proposal.objects.latest("pk")
    rui.post(reverse("proposal-withdrawal", args=[second.uuid]))
    assert "This proposal was withdrawn" in text(rui.get(reverse("proposal", args=[second.uuid])))
    again = rui.post(reverse("proposal-withdrawal", args=[second.uuid]))
    assert (again.status_code, "It was withdrawn." in text(again)) == (409, True)


def _last_payload() -> dict[str, object]:
    found: dict[str, object] = Outbox.objects.latest("pk").payload
    return found
