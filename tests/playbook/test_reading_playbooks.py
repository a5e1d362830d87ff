"""What the file says is what the playbook holds: YAML 1.2, every section, defaults, versions and signatures."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import examples
from rung.playbook.conditions import Compare, Fact, Number
from rung.playbook.definitions import FOREVER, Cadence, Playbook, Setback
from rung.playbook.faults import PlaybookRefused
from rung.playbook.loading import check, load
from rung.playbook.shipped import read, shipped
from rung.playbook.tree import resolved_plain
from rung.playbook.version import canonical
from rung.terms.durations import Duration
from rung.terms.instants import DAY

GOOD = """\
playbook: 1
name: Test
signals: [{name: Pricing page, on: page_viewed, points: 8}]
stages:
  lead: {enter: signals >= 1}
  mql: {enter: score >= 50}
  customer: {enter: deal.won}
"""


def playbook(more: str = "", base: str = GOOD) -> Playbook:
    return load(base + more)


# --- YAML 1.2, not 1.1 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "is_raised"), [("yes", True), ("no", False), ("true", True), ("No", False), ("TRUE", True)]
)
def test_yes_and_no_are_taken_where_a_boolean_is_meant(written: str, is_raised: bool) -> None:
    text = GOOD.replace("points: 8", f"points: 8, hand_raise: {written}")
    assert load(text).signals[0].is_hand_raise is is_raised


def test_on_is_a_key_and_no_is_a_text() -> None:
    book = playbook("handoff: {on: mql, return_reasons: [NO, off, y]}\ncalendar: {holidays: NO}\n")
    assert book.handoff.on == "mql" and book.handoff.return_reasons == ("NO", "off", "y")
    assert book.calendar.holidays == ("NO",)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("09:30", "09:30"),
        ("190:20:30", "190:20:30"),
        ("2026-11-01", "2026-11-01"),
        ("~", None),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    found = resolved_plain(written)
    assert found == value and type(found) is type(value)


def test_a_condition_may_be_yes_and_may_span_lines() -> None:
    book = load(
        GOOD.replace("signals >= 1}", "yes}").replace(
            "{enter: score >= 50}", "\n    enter: >-\n      score >= 50\n      and fit >= 20"
        )
    )
    assert book.stages["lead"].enter.text == "true"
    assert book.stages["mql"].enter.text == "score >= 50 and fit >= 20"
    assert book.stages["mql"].enter.line == 7


# --- the sections ---------------------------------------------------------------------------------------------------


def test_a_bare_number_of_temperature_is_engagement() -> None:
    rule = playbook("temperature: {hot: 30, warm: visits >= 2}\n").temperature.hot
    assert rule is not None and rule.text == "engagement >= 30" and rule.line == 8
    assert rule.condition == Compare(Fact("engagement"), ">=", Number(30.0))


def test_stages_are_in_the_order_of_the_ladder_whatever_the_file_says() -> None:
    book = load("playbook: 1\nstages:\n  mql: {enter: need}\n  lead: {enter: yes}\n")
    assert list(book.stages) == ["lead", "mql"] and book.rungs == ("suspect", "lead", "mql")


def test_rests_are_microseconds_forever_or_none() -> None:
    book = playbook(
        "handoff:\n  reject_reasons: [Plain, {reason: Later, wakes_on: date}, {reason: No, rest: never},"
        " {reason: Soon, rest: 14d}]\n"
        "setbacks:\n  - {to: nurture, when: rejected, because: No, rest: 30d}\n"
        "  - {to: lost, when: deal.lost, because: L}\n"
    )
    reasons = book.handoff.reject_reasons
    assert [(r.rest, r.wakes_on) for r in reasons.values()] == [
        (None, None),
        (None, "date"),
        (FOREVER, None),
        (14 * DAY, None),
    ]
    assert [setback.rest for setback in book.setbacks] == [30 * DAY, None]


def test_forever_outlasts_every_instant_in_64_bits() -> None:
    from rung.terms.instants import LATEST

    assert LATEST < FOREVER < 2**63 - LATEST


def test_duties_cadence_and_clocks_are_read() -> None:
    book = playbook(
        "handoff:\n  accept_within: {hand_raise: 30 business minutes, scored: 1 business day}\n  escalate_at: 75%\n"
        "duties:\n  marketing: {mqls_per_month: 120, accepted_share: 70%}\n"
        "  sales: {accepted_within_sla: 95%, cadence: {calls: 3, mails: 3, within: 10 business days}}\n"
    )
    assert book.handoff.accept_within_hand_raise == Duration(30, "minute", True)
    assert book.handoff.accept_within_scored == Duration(1, "day", True)
    assert book.handoff.escalate_at == 0.75
    assert (book.duties.mqls_per_month, book.duties.accepted_share) == (120, 0.7)
    assert book.duties.cadence == Cadence(calls=3, mails=3, within=Duration(10, "day", True))
    assert playbook("handoff: {accept_within: 4h}\n").handoff.accept_within_hand_raise == Duration(4, "hour")


def test_the_calendar_becomes_working_time() -> None:
    calendar = playbook(
        "calendar: {timezone: Europe/Berlin, hours: 'Mon-Thu 09:00-12:00, 13:00-17:30, Fri 9:00-15:00',"
        " holidays: [DE-BY, 2026-12-24]}\n"
    ).calendar
    assert calendar.week[0] == ((540, 720), (780, 1050)) and calendar.week[4] == ((540, 900),)
    assert calendar.week[5:] == ((), ())
    assert calendar.holidays == ("DE-BY",) and calendar.days_off == (date(2026, 12, 24),)
    time = calendar.working_time()
    assert time.is_holiday(date(2026, 12, 24)) and time.is_holiday(date(2026, 1, 6))
    assert not time.is_holiday(date(2026, 12, 23))


def test_what_the_file_leaves_out_has_its_default() -> None:
    book = playbook()
    assert book.handoff.on == "mql" and book.handoff.reject_reasons == {}
    assert list(book.qualification) == ["budget", "authority", "need", "timing"]
    assert book.qualification["need"].valid_for is None
    assert book.temperature.hot is None and book.setbacks == () and book.calendar.timezone == "UTC"


def test_the_firms_words_replace_labels_and_nothing_else() -> None:
    book = playbook("words: {mql: Warm contact}\n")
    assert book.label("mql") == book.short_label("mql") == "Warm contact"
    assert (
        book.label("lead") == "Lead" and book.label("sal") == "Sales accepted lead" and book.short_label("sal") == "SAL"
    )


def test_questions_frictions_and_ticks_are_those_the_file_declares() -> None:
    more = (
        "qualification:\n  budget: {frictions: [No budget]}\n  questions: [{name: value, ask: Why?}]\n"
        "checklists: [{name: Ready, lines: [Source known]}]\ntemperature: {hot: HOT}\n"
    )
    for hot in ('friction("No budget")', 'answered("value")', 'answered("decision_date")', 'ticked("Source known")'):
        playbook(more.replace("HOT", hot))
    for hot in ('friction("No money")', 'answered("valu")', 'ticked("Source")'):
        with pytest.raises(PlaybookRefused, match="The playbook has no"):
            playbook(more.replace("HOT", hot))


def test_rules_are_equal_when_they_say_the_same_wherever_they_stand() -> None:
    assert playbook("\n\ntemperature: {hot: 30}\n").temperature == playbook("temperature: {hot: 30}\n").temperature


def test_a_setback_keeps_its_line() -> None:
    found = playbook("setbacks:\n  - to: lead\n    when: rejected\n    because: No\n").setbacks[0]
    assert isinstance(found, Setback) and (found.line, found.when.line) == (9, 10)


# --- versions and signatures ----------------------------------------------------------------------------------------


def test_the_version_is_the_hash_of_what_is_said() -> None:
    import hashlib

    said = '{"name":"Tëst","playbook":1,"stages":{"lead":{"enter":"signals >= 1"}}}'
    text = "stages:\n  lead: {enter: 'signals >= 1'}   # why\nname: Te\u0308st\nplaybook: 1.0\nreview_by: 2027-01-01\n"
    assert load(text).version == hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "# a comment\n",
        GOOD.replace("name: Test\n", "") + "name: Test\n",
        GOOD.replace("points: 8", "points: 8.0"),
        GOOD.replace("name: Test", "name: 'Test'"),
        GOOD.replace("{enter: deal.won}", "\n    enter: deal.won"),
        GOOD + "review_by: 2027-01-01\n",
        GOOD + "signed: {marketing: Mia Ortiz 2026-11-01 3f9c3f9c3f9c}\n",
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
    ],
)
def test_form_does_not_change_the_version(text: str) -> None:
    assert load(text.encode()).version == load(GOOD).version


@pytest.mark.parametrize(
    ("old", "new"), [("points: 8", "points: 9"), ("name: Test", "name: Tests"), ("score >= 50", "score >= 42")]
)
def test_content_changes_the_version(old: str, new: str) -> None:
    assert load(GOOD.replace(old, new)).version != load(GOOD).version


def test_canonical_json_is_what_its_docstring_says() -> None:
    content = {"b": [1.0, 0.1, True, None, "ü\n"], "a": {"z": 1, "y": 2}, "signed": 1, "review_by": 2}
    assert canonical(content) == '{"a":{"y":2,"z":1},"b":[1,0.1,true,null,"ü\\n"]}'  # type: ignore[arg-type]


def test_a_signature_holds_for_its_version_only() -> None:
    version = load(GOOD).version
    signed = f"signed:\n  marketing: Mia Ortiz 2026-11-01 {version[:16]}…\n  sales: Sam Lee 2026-11-02 {version}\n"
    book, faults, warned = check(GOOD + signed)
    assert book is not None and faults == () and warned == ()
    assert book.is_signed_by("marketing") and book.is_signed_by("sales") and book.is_signed
    signature = book.signature_of("marketing")
    assert signature is not None and (signature.who, signature.signed_date) == ("Mia Ortiz", date(2026, 11, 1))
    changed, _, warned = check((GOOD + signed).replace("score >= 50", "score >= 42"))
    assert changed is not None and not changed.is_signed_by("marketing") and not changed.is_signed
    assert [fault.message for fault in warned] == [
        f"Signed: Mia Ortiz signed another version; this one is {changed.version[:12]} and unsigned by marketing.",
        f"Signed: Sam Lee signed another version; this one is {changed.version[:12]} and unsigned by sales.",
    ]


def test_one_signature_of_two_is_suspicious() -> None:
    version = load(GOOD).version
    book, _, warned = check(GOOD + f"signed: {{marketing: Mia Ortiz 2026-11-01 {version}}}\n")
    assert book is not None and book.is_signed_by("marketing") and not book.is_signed
    assert [str(fault) for fault in warned] == [
        f"playbook.yaml:8: Signed: sales has not signed. Let sales sign version {version[:12]}."
    ]


def test_a_short_signature_counts_but_is_suspicious() -> None:
    version = load(GOOD).version
    book, _, warned = check(
        GOOD + f"signed: {{marketing: M 2026-11-01 {version[:4]}…, sales: S 2026-11-01 {version}}}\n"
    )
    assert book is not None and book.is_signed
    assert [fault.fix for fault in warned] == [f"Write {version[:12]}."]


def test_a_signature_that_is_none_shows_how_to_write_one() -> None:
    _, faults, _ = check(GOOD + "signed: {marketing: Mia}\n")
    assert [fault.message for fault in faults] == ["Signed: marketing is no signature."]
    assert faults[0].fix.startswith("Write `marketing: Mia Ortiz 2026-11-01 ")


# --- what is shipped, and what is thrown at it ----------------------------------------------------------------------

SEVEN = (
    "default",
    "bant-ladder",
    "consumer",
    "engagement-ladder",
    "sales-ladder",
    "scored-leads",
    "two-admissions",
)


def test_seven_playbooks_are_shipped_the_default_first() -> None:
    assert shipped() == SEVEN


@pytest.mark.parametrize("name", SEVEN)
def test_a_shipped_playbook_has_neither_faults_nor_warnings(name: str) -> None:
    found, faults, warned = check(read(name), f"{name}.yaml")
    assert found is not None and (faults, warned) == ((), ())


def test_the_default_playbook_fills_every_section_but_the_signatures() -> None:
    book = load(read("default"))
    assert set(book.lines) >= set(
        "playbook name review_by bands personas fit signals temperature stages setbacks handoff duties calendar"
        " qualification checklists journeys".split()
    )
    assert len(book.rungs) == 7 and all(letter.ask for letter in book.qualification.values())


WORDS = st.sampled_from(
    [*"playbook name stages lead mql enter fit signals points when on cap 1 50 yes no never 14d need".split(), "~", "'"]
)
SCALARS = st.one_of(WORDS, st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.none())
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=20
)
SECTION_NAMES = st.sampled_from(
    "playbook name signed review_by words bands personas fit signals temperature stages setbacks handoff duties"
    " calendar qualification checklists journeys".split()
)


def refused_or_read(text: str | bytes) -> None:
    """Anything but a playbook or a refusal with faults is a bug."""
    try:
        assert isinstance(load(text), Playbook)
    except PlaybookRefused as refusal:
        assert refusal.errors and all(fault.line >= 1 and fault.message for fault in refusal.errors)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.sampled_from(list("abn: -[]{}'\"\n#&*!|>%@`,?~0.5\\\t\x00\ud800é")), max_size=60))
def test_garbage_is_refused_and_nothing_else(text: str) -> None:
    refused_or_read(text)


@settings(max_examples=examples(30), deadline=None)
@given(st.binary(max_size=60))
def test_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    refused_or_read(data)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(SECTION_NAMES, TREES, max_size=6))
def test_sections_of_the_wrong_shape_are_refused_and_nothing_else(content: dict[str, object]) -> None:
    import json

    refused_or_read(json.dumps({"playbook": 1, "stages": {"lead": {"enter": "true"}}, **content}))


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_default_playbook_damaged_anywhere_is_refused_and_nothing_else(data: st.DataObject) -> None:
    text = read("default")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    refused_or_read(text[:start] + data.draw(st.text(max_size=5)) + text[start + length :])
