"""The SLA interview: six screens with the firm's own evidence, a playbook that grows, and a sheet to sign."""

import pytest
from django.test import Client

from rung import wiring
from rung.access.models import Audit
from rung.insight import interviewing
from rung.insight.models import Backtest, Interview, Proposal
from rung.insight.trying_later import Warm
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.lifecycle import published
from rung.playbook.loading import load
from rung.terms.instants import moment
from web.conftest import World
from web.reading import words_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def rui(client: Client, world: World) -> Client:
    client.force_login(world.users["marketing"])
    return client


@pytest.fixture
def interview(rui: Client) -> Interview:
    assert rui.post("/interviews/new").status_code == 303
    return Interview.objects.get()


def work() -> None:
    worker = Worker(name="test", jobs=wiring.JOBS, long_jobs=wiring.LONG_JOBS, schedules=())
    while worker.turn(now()):
        pass


def test_an_interview_begins_with_the_playbook_in_force_and_asks_the_first_question(rui: Client) -> None:
    response = rui.post("/interviews/new", follow=True)
    interview = Interview.objects.get()
    assert response.redirect_chain == [(f"/interviews/{interview.uuid}/1", 303)]
    assert (interview.version, interview.started_by) == (published.playbook().version, "marketing@ours.example")
    said = words_of(response)
    assert "What customer characteristics do you find in successful deals?" in said
    assert "The worker is reading the history; you can answer meanwhile." in said
    assert "Nothing changes so far" in said


def test_the_history_stands_beside_the_question_as_soon_as_the_worker_has_read_it(
    rui: Client, interview: Interview
) -> None:
    work()
    interview.refresh_from_db()
    said = words_of(rui.get(f"/interviews/{interview.uuid}/1/evidence"))
    assert "1 of 5 people you know have bought." in said
    found = {row.label: (row.people, row.won) for row in interviewing.evidence_of(interview)["deals"].rows}
    # Ana and Bo are of the right firm, Ana and Diego are heads, Chiara the CFO bought.
    assert found["Right size"] == (2, 0)
    assert found["Decision maker"] == (2, 0)
    hands = {
        row.label: (row.people, row.won, row.accepted) for row in interviewing.evidence_of(interview)["hand_raise"].rows
    }
    # Ana and Bo came by their visits; Chiara climbed past the hand-off when she bought, which counts as a raised hand.
    assert hands == {"Came by their score": (2, 0, 0), "Raised their hand": (1, 1, 0)}


def test_an_answer_is_kept_changes_the_playbook_and_leads_to_the_next_question(
    rui: Client, interview: Interview
) -> None:
    response = rui.post(f"/interviews/{interview.uuid}/4/answer", {"to_pass": "1", "to_offer": "2"})
    assert (response.status_code, response["Location"]) == (303, f"/interviews/{interview.uuid}/5")
    interview.refresh_from_db()
    assert interview.answers == {"qualification": {"to_pass": 1, "to_offer": 2}}
    assert interviewing.playbook_of(interview).stages["mql"].enter.text == "score >= 50 and fit >= 20 and bant >= 1"
    assert published.playbook().stages["mql"].enter.text == "score >= 50 and fit >= 20"
    assert Audit.objects.latest("seq").verb == "answered interview"


def test_what_an_answer_would_change_is_said_before_it_is_kept(rui: Client, interview: Interview) -> None:
    said = words_of(rui.post(f"/interviews/{interview.uuid}/4/effect", {"to_pass": "0", "to_offer": "4"}))
    assert "Opportunity: at least 3 → 4 of budget, authority, need and timing are confirmed" in said
    interview.refresh_from_db()
    assert interview.answers == {}


@pytest.mark.parametrize(
    ("number", "typed", "words"),
    [
        (2, {}, "Choose one of the answers, or leave the question open."),
        (2, {"by": "interest", "engagement": "much"}, "Write the engagement as a number, such as 10."),
        (2, {"by": "shouted"}, "This answer cannot be read"),
        (1, {"added": "X", "when:X": "company.industri ==", "points:X": "5"}, "This is no condition."),
        (5, {"idle_days": "-3"}, "Write the days of silence as a whole number, such as 10."),
        (5, {"reason": "No budget", "how:No budget": "days", "days:No budget": ""}, "Write the days of “No budget”"),
        (6, {"calls": "1e9"}, "Write the calls as a number"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_words_and_nothing_is_kept(
    rui: Client, interview: Interview, number: int, typed: dict[str, str], words: str
) -> None:
    before = Audit.objects.count()
    response = rui.post(f"/interviews/{interview.uuid}/{number}/answer", typed)
    assert response.status_code == 409
    assert words in words_of(response)
    interview.refresh_from_db()
    assert (interview.answers, Audit.objects.count()) == ({}, before)


def test_an_answer_can_be_left_open_again(rui: Client, interview: Interview) -> None:
    rui.post(f"/interviews/{interview.uuid}/2/answer", {"by": "spoken"})
    rui.post(f"/interviews/{interview.uuid}/2/answer", {"leave": "1"})
    interview.refresh_from_db()
    assert interview.answers == {}


def test_every_screen_answers_what_the_playbook_says_already_and_changes_nothing(
    rui: Client, interview: Interview
) -> None:
    work()
    from html.parser import HTMLParser

    class Fields(HTMLParser):
        """What a browser would send of the form as it stands."""

        def __init__(self) -> None:
            super().__init__()
            self.told: list[tuple[str, str]] = []
            self.text = self.select = ""

        def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
            said = dict(pairs)
            name = said.get("name") or ""
            if tag == "input" and name not in ("", "csrfmiddlewaretoken"):
                if said.get("type") not in ("checkbox", "radio") or "checked" in said:
                    self.told.append((name, said.get("value") or ""))
            elif tag == "select":
                self.select = name
            elif tag == "option" and "selected" in said:
                self.told.append((self.select, said.get("value") or ""))
            elif tag == "textarea":
                self.text = name
                self.told.append((name, ""))

        def handle_data(self, data: str) -> None:
            if self.text:
                self.told[-1] = (self.text, self.told[-1][1] + data)

        def handle_endtag(self, tag: str) -> None:
            self.text = "" if tag == "textarea" else self.text

    for number in range(1, 7):
        page = Fields()
        page.feed(rui.get(f"/interviews/{interview.uuid}/{number}").content.decode())
        told: dict[str, list[str]] = {}
        for name, value in page.told:
            told.setdefault(name, []).append(value)
        assert rui.post(f"/interviews/{interview.uuid}/{number}/answer", told).status_code == 303
    interview.refresh_from_db()
    assert len(interview.answers) == 6
    assert interviewing.playbook_of(interview).version == published.playbook().version
    said = words_of(rui.get(f"/interviews/{interview.uuid}/agreement"))
    assert "All six are answered Nothing changes against the playbook in force." in said


def test_the_sheet_holds_what_was_agreed_and_a_line_for_each_side(rui: Client, interview: Interview) -> None:
    rui.post(f"/interviews/{interview.uuid}/5/answer", {"idle_days": "30", "disqualify_at": "-50"})
    said = words_of(rui.get(f"/interviews/{interview.uuid}/agreement"))
    assert "5 questions still open Open: 1, 2, 3, 4, 6." in said
    assert "Service level agreement between marketing and sales" in said
    assert "no sign of life for 30 days" in said
    assert "For marketing" in said and "For sales" in said
    assert "TOFU" not in said


def test_the_agreement_is_read_again_in_a_year_also_when_that_day_is_a_leap_day() -> None:
    from datetime import date

    assert interviewing._a_year_later(date(2028, 2, 29)) == date(2029, 2, 28)


def test_the_answers_are_replayed_as_they_are_given(rui: Client, interview: Interview) -> None:
    said = words_of(rui.post(f"/interviews/{interview.uuid}/4/effect", {"to_pass": "0", "to_offer": "4"}))
    assert "Waiting for the worker …" in said
    run = Backtest.objects.get()
    assert (run.old_text, run.state) == (published.playbook().text, "asked")
    assert "bant >= 4" in run.new_text
    same = rui.post(f"/interviews/{interview.uuid}/4/effect", {"to_pass": "0", "to_offer": "3"})
    assert "Nothing changes so far" in words_of(same)
    assert Backtest.objects.count() == 1


def test_the_replay_stands_above_the_words_once_it_is_done(rui: Client, interview: Interview) -> None:
    rui.post(f"/interviews/{interview.uuid}/3/effect", {"is": "enough"})
    run = Backtest.objects.get()
    assert Warm(now, is_compiled=False).turn()
    said = words_of(rui.get(f"/interviews/{interview.uuid}/trials/{run.uuid}"))
    assert "On your history In force With the answers Change" in said


def test_the_interview_ends_as_a_proposal_to_be_read_again_in_a_year(rui: Client, interview: Interview) -> None:
    rui.post(f"/interviews/{interview.uuid}/4/answer", {"to_pass": "0", "to_offer": "4"})
    response = rui.post(f"/interviews/{interview.uuid}/proposal")
    proposal = Proposal.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/playbook/proposals/{proposal.uuid}")
    playbook = load(proposal.text)
    assert playbook.stages["opportunity"].enter.text.endswith("bant >= 4")
    assert playbook.review_by == interviewing._a_year_later(moment(now()).date())
    again = rui.post(f"/interviews/{interview.uuid}/proposal")
    assert (again.status_code, Proposal.objects.count()) == (409, 1)
    assert "This interview has ended in a proposal already." in words_of(again)
    late = rui.post(f"/interviews/{interview.uuid}/2/answer", {"by": "spoken"})
    assert "Begin another one to change the answers." in words_of(late)
