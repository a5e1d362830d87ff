"""The demo's history: believable, dated today, the same every time."""

import json
from collections import Counter
from itertools import islice

import pytest

from demo.worlds import NOW, shipped
from rung.demo import firm
from rung.demo.company import Demo, history
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant
from rung.terms.kinds import KINDS
from rung.terms.values import normalised

pytestmark = pytest.mark.xdist_group("demo history")


@pytest.fixture(scope="module")
def lines():
    return list(history(200, 12, 7, now=NOW))


def test_the_same_arguments_give_the_same_history_to_the_byte(lines):
    assert json.dumps(list(history(200, 12, 7, now=NOW))) == json.dumps(lines)


def test_another_seed_gives_another_history(lines):
    assert list(islice(history(200, 12, 8, now=NOW), 50)) != lines[:50]


def test_what_is_older_than_a_few_days_depends_on_the_day_alone_but_for_the_opening_scene():
    def old(now):
        demo = Demo(people=150, months=9, seed=7, now=now)
        stage = {human.key for _, lead, others in demo.scene for human in (lead, *others)}
        stage |= {lead.firm.domain for _, lead, _ in demo.scene}
        return [told for told in demo.told() if told.at < NOW - 5 * DAY and not {told.person, told.company} & stage]

    assert old(NOW - 4 * HOUR) == old(NOW + 4 * HOUR)


def test_lines_lie_in_order_of_time_and_end_at_now(lines):
    instants = [parse_instant(line["at"]) for line in lines]
    assert instants == sorted(instants)
    assert NOW - 30 * MINUTE < instants[-1] <= NOW


def test_every_line_is_one_that_decide_reads(lines):
    for line in lines:
        kind = KINDS[line["kind"]]
        assert all(field in line["data"] for field in kind.required), line
        assert ("person" in line) == (line["kind"] != "company_described")
        assert normalised(line["data"]) == line["data"]
    assert len({line["id"] for line in lines}) == len(lines)


def test_no_address_and_no_domain_is_anybody_elses(lines):
    for line in lines:
        for text in (
            line.get("person", ""),
            line.get("company", ""),
            line.get("by", ""),
            line["data"].get("email", ""),
        ):
            assert text.endswith(".example") or text.startswith("v-") or not text, text
        referrer = line["data"].get("referrer", "")
        assert not referrer or ".example/" in referrer


def test_there_are_as_many_people_as_asked_for(lines):
    assert len({line["person"] for line in lines if "person" in line}) <= 200
    assert len(Demo(people=200, months=12, seed=7, now=NOW).humans) == 200


def test_nobody_is_called_test(lines):
    names = [line["data"]["name"] for line in lines if line["kind"] == "person_identified" and "name" in line["data"]]
    assert len(set(names)) > 50
    assert not [name for name in names if "test" in name.lower() or any(c.isdigit() for c in name)]


def test_our_own_people_work_when_the_firm_is_open(lines):
    days = Demo(people=60, months=13, seed=7, now=NOW).days
    acts = [parse_instant(line["at"]) for line in lines if line.get("by")]
    at_work = [
        days.is_working(days.index(at)) and 9 * HOUR <= at - days.midnights[days.index(at)] <= 18 * HOUR for at in acts
    ]
    assert len(acts) > 50
    assert sum(at_work) / len(acts) > 0.99


def test_a_week_has_its_week_end_and_a_year_its_summer():
    demo, history_told = shipped()
    views = [told.at for told in history_told if told.kind == "page_viewed"]
    weekdays = Counter(demo.days.date_of(at).weekday() for at in views)
    months = Counter(demo.days.date_of(at).month for at in views)
    assert weekdays[5] + weekdays[6] < 0.35 * (weekdays[1] + weekdays[2])
    assert months[8] < 0.85 * months[10]


def test_the_history_tells_every_kind_of_story():
    kinds = Counter(told.kind for told in shipped()[1])
    wanted = """
        page_viewed element_clicked form_submitted person_identified content_downloaded newsletter_subscribed
        webinar_registered webinar_attended demo_requested quote_requested question_asked
        documentation_requested trial_started product_used social_engaged weak_signal_seen email_sent
        email_opened email_clicked email_replied email_bounced email_complained unsubscribed consent_given
        call_received call_answered call_made email_written social_touched contacted meeting_booked meeting_held
        meeting_missed handoff_accepted handoff_rejected handoff_returned bant_answered admission_given
        question_answered friction_found competitor_named checklist_ticked deal_opened deal_moved deal_won
        deal_lost contract_started customer_handed_to_support stage_overridden referral_given direct_mail_sent
        nominated imported person_described company_described
    """.split()
    assert [kind for kind in wanted if not kinds[kind]] == []


def test_machines_are_marked_as_machines(lines):
    opened = [line["data"]["machine"] for line in lines if line["kind"] in ("email_opened", "email_clicked")]
    assert 0 < sum(opened) < len(opened)


@pytest.mark.parametrize(
    "now", ["2026-11-22T01:04:00Z", "2026-08-03T07:00:00Z", "2027-01-01T12:00:00Z", "2026-03-30T22:30:00Z"]
)
def test_any_day_of_the_year_is_a_good_day_to_start(now):
    demo = Demo(people=150, months=6, seed=3, now=parse_instant(now))
    assert demo.told()[-1].at <= parse_instant(now)


def test_a_tiny_company_works_too():
    assert list(history(20, 1, 1, now=NOW))


def test_working_time_there_and_back_again():
    days = Demo(people=20, months=2, seed=1, now=NOW).days
    friday_evening = parse_instant("2026-11-13T16:00:00Z")
    assert days.later(friday_evening, HOUR) == parse_instant("2026-11-16T08:30:00Z")
    assert days.later(friday_evening, firm.WORKDAY) == parse_instant("2026-11-16T16:00:00Z")
