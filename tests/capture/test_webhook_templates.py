"""Each template on a message as its product writes it: who arrives, what they did, and when it was."""

import io
import json
import zipfile
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter
from django.test import Client

from rung.capture.webhooks import hook_mapping, hooking
from rung.capture.webhooks.hook_templates import TEMPLATES
from rung.history.models import Event
from rung.people.models import Person
from rung.terms.instants import format_instant
from rung.web.happenings import said

CALENDLY: dict[str, Any] = {
    "created_at": "2026-11-20T14:05:11.000000Z", "created_by": "https://api.calendly.com/users/AAAA",
    "event": "invitee.created",
    "payload": {
        "cancel_url": "https://calendly.com/cancellations/BBBB", "created_at": "2026-11-20T14:05:10.361675Z",
        "email": "betty@rei.example", "event": "https://api.calendly.com/scheduled_events/CCCC", "first_name": "Betty",
        "last_name": "Quay", "name": "Betty Quay", "new_invitee": None, "old_invitee": None, "no_show": None,
        "questions_and_answers": [{"answer": "Berth planning", "position": 0, "question": "What is it about?"}],
        "rescheduled": False, "status": "active", "text_reminder_number": "+49 30 1234567", "timezone": "Europe/Berlin",
        "tracking": {"utm_campaign": "autumn", "utm_source": "newsletter", "utm_medium": None, "utm_content": None,
                     "utm_term": None, "salesforce_uuid": None},
        "updated_at": "2026-11-20T14:05:10.361675Z",
        "uri": "https://api.calendly.com/scheduled_events/CCCC/invitees/BBBB",
        "scheduled_event": {"uri": "https://api.calendly.com/scheduled_events/CCCC", "name": "Thirty minutes",
                            "start_time": "2026-12-01T09:00:00.000000Z", "end_time": "2026-12-01T09:30:00.000000Z"},
    },
}  # fmt: skip
CAL: dict[str, Any] = {
    "triggerEvent": "BOOKING_CREATED", "createdAt": "2026-11-20T14:30:00.000Z",
    "payload": {
        "bookerUrl": "https://app.cal.com", "type": "30min", "title": "30min between Sam and Betty Quay",
        "eventTitle": "30min", "startTime": "2026-12-01T09:00:00Z", "endTime": "2026-12-01T09:30:00Z",
        "organizer": {"id": 1, "name": "Sam", "email": "sam@ours.example", "timeZone": "Europe/Berlin"},
        "attendees": [
            {"email": "betty@rei.example", "name": "Betty Quay", "timeZone": "Europe/Berlin"},
            {"email": "gus@rei.example", "name": "Gus Quay", "timeZone": "Europe/Berlin"},
        ],
        "uid": "bFJeNb2uX8ANpT3JL5EfXw", "bookingId": 91, "status": "ACCEPTED",
    },
}  # fmt: skip
TAWK: dict[str, Any] = {
    "event": "chat:start", "chatId": "70fe3290-99ad-11e9-a30a-51567162179f", "time": "2026-11-20T14:03:04.474Z",
    "message": {"text": "Do you plan berths?", "type": "msg", "sender": {"type": "visitor"}},
    "visitor": {"name": "Betty Quay", "email": "betty@rei.example", "city": "Kiel", "country": "DE"},
    "property": {"id": "58ca8453b8a7e060cd3b1ecb", "name": "Site"},
}  # fmt: skip
INTERCOM: dict[str, Any] = {
    "type": "notification_event", "id": "notif_1", "topic": "conversation.user.created", "app_id": "aaaaa",
    "data": {"type": "notification_event_data", "item": {
        "type": "conversation", "id": "123456789", "created_at": 1_795_183_384,
        "source": {"type": "conversation", "id": "321546", "body": "<p>Do you plan berths?</p>",
                   "author": {"type": "user", "id": "540f", "name": "Betty Quay", "email": "betty@rei.example"}},
    }},
    "delivery_attempts": 1, "first_sent_at": 1_795_183_385, "created_at": 1_795_183_385,
}  # fmt: skip
WEBINAR = {"uuid": "4444AAAiAAAAAiAiAiiAii==", "id": 1234567890, "host_id": "x1yC", "topic": "Berths in a day",
           "type": 5, "start_time": "2026-11-25T15:00:00Z", "duration": 60, "timezone": "Europe/Berlin"}  # fmt: skip
REGISTERED: dict[str, Any] = {
    "event": "webinar.registration_created", "event_ts": 1_795_183_384_000,
    "payload": {"account_id": "AAAA", "object": {**WEBINAR, "registrant": {
        "id": "iFxeBPYun6SAiWUzBcEkX", "first_name": "Betty", "last_name": "Quay", "email": "betty@rei.example",
        "org": "rei.example", "job_title": "Head of harbour", "phone": "", "custom_questions": [], "status": "approved",
        "join_url": "https://zoom.example/w/1",
    }}},
}  # fmt: skip
JOINED: dict[str, Any] = {
    "event": "webinar.participant_joined", "event_ts": 1_795_615_501_000,
    "payload": {"account_id": "AAAA", "object": {**WEBINAR, "participant": {
        "user_id": "16778240", "user_name": "Betty Quay", "id": "iFxe", "participant_uuid": "55555",
        "join_time": "2026-11-25T15:05:00Z", "email": "betty@rei.example",
    }}},
}  # fmt: skip
ATTENDED = """Attendee Report
Report Generated:,"Nov 26, 2026 09:00:00 AM"
Topic,Webinar ID,Actual Start Time
Berths in a day,123 456 7890,"Nov 25, 2026 03:00:00 PM"
Attendee Details
Attended,User Name (Original Name),First Name,Last Name,Email,Registration Time,Join Time,Time in Session (minutes)
Yes,Betty Quay,Betty,Quay,betty@rei.example,"Nov 20, 2026 02:03:04 PM","Nov 25, 2026 03:05:00 PM",42
Yes,Phone caller,,,,,"Nov 25, 2026 03:06:00 PM",3
"""
BADGES = """First Name;Last Name;Email Address;Company Name;Job Title;Scan Date;Notes
Betty;Quay;betty@rei.example;rei.example;Head of harbour;2026-11-19 10:15:00;Wants berths planned
"""
SOCIAL: dict[str, Any] = {
    "id": "1834567", "created_time": "2026-11-20T14:03:04+0000", "form_name": "Berth guide", "platform": "linkedin",
    "campaign_name": "autumn", "email": "betty@rei.example", "first_name": "Betty", "last_name": "Quay",
    "job_title": "Head of harbour", "company_name": "rei.example",
}  # fmt: skip

BETTY = ("Betty Quay", "betty@rei.example")
MESSAGES: dict[str, tuple[Any, str, str, dict[str, Any]]] = {
    "booking": (
        CALENDLY, "meeting_booked", "2026-11-20T14:05:11Z",
        {"starts": "2026-12-01T09:00:00.000000Z", "meeting": "Thirty minutes", "utm_source": "newsletter",
         "utm_campaign": "autumn"},
    ),
    "booking-cal": (
        CAL, "meeting_booked", "2026-11-20T14:30:00Z", {"starts": "2026-12-01T09:00:00Z", "meeting": "30min"}
    ),
    "chat": (
        TAWK, "question_asked", "2026-11-20T14:03:04Z", {"question": "Do you plan berths?", "country": "DE"}
    ),
    "chat-intercom": (
        INTERCOM, "question_asked", "2026-11-20T14:03:04Z", {"question": "Do you plan berths?"}
    ),
    "webinar": (
        REGISTERED, "webinar_registered", "2026-11-20T14:03:04Z",
        {"webinar": "Berths in a day", "starts": "2026-11-25T15:00:00Z"},
    ),
    "attendance": (
        ATTENDED, "webinar_attended", "2026-11-25T14:05:00Z", {"minutes": "42", "webinar": "Berths in a day"},
    ),
    "badges": (BADGES, "weak_signal_seen", "2026-11-19T09:15:00Z", {"event": "hook", "notes": "Wants berths planned"}),
    "social": (
        SOCIAL, "social_engaged", "2026-11-20T14:03:04Z",
        {"network": "linkedin", "form": "Berth guide", "campaign": "autumn"},
    ),
}  # fmt: skip
"""Template → a message, what somebody did by it, when, and its details."""


@pytest.fixture
def tell(client: Client) -> Any:
    tokens: list[str] = []

    def told(template: str, body: Any, content_type: str = "text/csv") -> dict[str, Any]:
        if not tokens:
            tokens.append(hooking.add_webhook(name="hook", template=template, by="test", at=1).token)
        is_text = isinstance(body, (str, bytes))
        written = body if is_text else json.dumps(body)
        answer = client.post(f"/w/{tokens[0]}", written, content_type=content_type if is_text else "application/json")
        return dict(answer.json())

    return told


@pytest.mark.django_db
@pytest.mark.parametrize("template", MESSAGES)
def test_a_message_as_the_product_writes_it_becomes_what_somebody_did_when_they_did_it(
    tell: Any, template: str
) -> None:
    message, kind, at, data = MESSAGES[template]
    assert tell(template, message)["outcome"] == "accepted"
    betty = Person.objects.get(email=BETTY[1])
    did = Event.objects.get(kind=kind, person_id=betty.pk)
    assert (betty.name, did.data) == (BETTY[0], data)
    assert did.occurred_at is not None and format_instant(did.occurred_at // 1_000_000 * 1_000_000) == at
    assert tell(template, message)["outcome"] == "duplicate"


def test_every_template_is_tried() -> None:
    assert set(MESSAGES) == set(TEMPLATES) - {"empty"}


@pytest.mark.django_db
def test_whoever_registers_and_comes_is_one_person_who_did_both(tell: Any) -> None:
    for message in (REGISTERED, JOINED, {**JOINED, "event": "webinar.participant_left"}):
        tell("webinar", message)
    betty = Person.objects.get()
    assert (betty.name, betty.title, betty.company and betty.company.key) == (
        "Betty Quay", "Head of harbour", "rei.example",
    )  # fmt: skip
    kinds = Event.objects.exclude(kind="person_identified").order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["webinar_registered", "webinar_attended"]


@pytest.mark.django_db
def test_everybody_who_was_booked_in_has_their_own_booking(tell: Any) -> None:
    tell("booking-cal", CAL)
    assert Event.objects.filter(kind="meeting_booked").values("person_id").distinct().count() == 2


@pytest.mark.django_db
def test_a_booking_brings_where_the_person_came_from_and_a_no_show_is_one(tell: Any) -> None:
    tell("booking", CALENDLY)
    tell("booking", {**CALENDLY, "event": "invitee_no_show.created"})
    kinds = Event.objects.exclude(kind="person_identified").order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["meeting_booked", "meeting_missed"]
    assert (Person.objects.get().source, Person.objects.get().phone) == ("newsletter", "+49 30 1234567")


@pytest.mark.django_db
def test_whoever_registered_and_did_not_come_did_not_attend(tell: Any) -> None:
    tell("attendance", ATTENDED + 'No,Gus Quay,Gus,Quay,gus@rei.example,"Nov 20, 2026 02:03:04 PM",--,--\n')
    told = Event.objects.exclude(kind="person_identified").order_by("seq")
    assert [(each.kind, each.data) for each in told] == [
        ("webinar_attended", {"minutes": "42", "webinar": "Berths in a day"}),
        ("webinar_registered", {"webinar": "Berths in a day"}),
    ]
    assert tell("attendance", "Email,Name\nwes@rei.example,Wes\n")["events"] == 2  # a list of those who came, only
    assert Event.objects.latest("seq").kind == "webinar_attended"


@pytest.mark.django_db
def test_a_list_with_a_row_that_names_nobody_says_which_and_takes_the_others(tell: Any) -> None:
    answer = tell("attendance", ATTENDED)
    assert (answer["events"], answer["why"][:24]) == (2, "1 left out: Number 2: Th")
    fresh = ATTENDED + 'Yes,Gus Quay,Gus,Quay,gus@rei.example,,"Nov 25, 2026 03:07:00 PM",30\n'
    assert tell("attendance", fresh)["events"] == 2  # whoever was told before is known


@pytest.mark.django_db
def test_a_booking_that_is_called_off_is_no_meeting_any_more(tell: Any) -> None:
    tell("booking", CALENDLY)
    cancelled = {
        **CALENDLY["payload"],
        "cancellation": {"canceled_by": "Betty Quay", "reason": "", "canceler_type": "invitee"},
    }
    tell("booking", {**CALENDLY, "event": "invitee.canceled", "payload": cancelled})
    off = Event.objects.get(kind="meeting_missed")
    assert said(off.kind, off.data) == "Called off a meeting: Thirty minutes"


@pytest.mark.django_db
def test_whoever_drops_out_of_a_webinar_and_comes_back_attended_it_once(tell: Any) -> None:
    assert tell("webinar", JOINED)["outcome"] == "accepted"
    later = json.loads(json.dumps(JOINED).replace("15:05:00", "15:25:00"))
    assert tell("webinar", later)["outcome"] == "duplicate"
    other = json.loads(json.dumps(JOINED).replace("betty@", "gus@"))
    assert tell("webinar", other)["outcome"] == "accepted"


@pytest.mark.django_db
def test_whoever_stands_twice_in_a_list_of_who_came_attended_once(tell: Any) -> None:
    rows = ATTENDED + 'Yes,Wes Quay,Wes,Quay,wes@rei.example,,"Nov 25, 2026 03:07:00 PM",30\n'
    rows += 'Yes,Wes Quay,Wes,Quay,wes@rei.example,,"Nov 25, 2026 03:47:00 PM",10\n'
    tell("attendance", rows)
    wes = Person.objects.get(email="wes@rei.example")
    assert Event.objects.filter(kind="webinar_attended", person_id=wes.pk).count() == 1


SCANNED = "Email;First Name;Last Name;Company;Position;Scan Date\ninge@hafen.example;Inge;Groß;Hafen AG;Leiterin;"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("26.11.2026 11:05", "2026-11-26T10:05:00Z"),
        ("26/11/2026 11:05:30", "2026-11-26T10:05:30Z"),
        ("11/26/2026 11:05:00", "2026-11-26T10:05:00Z"),
        ("11/12/2026 1:05 PM", "2026-11-12T12:05:00Z"),
        ("05.11.2026", "2026-11-04T23:00:00Z"),
    ],
)
def test_a_scan_is_read_as_fairs_write_it(tell: Any, written: str, at: str) -> None:
    assert tell("badges", f"{SCANNED}{written}\n")["outcome"] == "accepted"
    assert format_instant(Event.objects.get(kind="weak_signal_seen").occurred_at) == at


@pytest.mark.django_db
def test_one_time_above_twelve_says_how_all_of_the_list_are_written(tell: Any) -> None:
    rows = "Email,Scan Date\nana@hafen.example,05/11/2026 10:00\nbo@hafen.example,11/26/2026 10:00\n"
    tell("badges", rows)
    times = Event.objects.filter(kind="weak_signal_seen").order_by("seq").values_list("occurred_at", flat=True)
    assert [format_instant(each) for each in times] == ["2026-05-11T08:00:00Z", "2026-11-26T09:00:00Z"]


def test_a_time_that_cannot_be_read_is_refused_with_examples() -> None:
    mapping = hook_mapping.mapping_of({"kind": "meeting_booked", "email": "/e", "time": "/t"})
    with pytest.raises(hook_mapping.NotMapped) as fault:
        hook_mapping.meant({"e": "a@b.example", "t": "yesterday"}, mapping)
    assert str(fault.value) == (
        "'yesterday' is no time that can be read: write it as 2026-11-19 14:05, 19.11.2026 14:05 or 11/19/2026 2:05 PM."
    )


def workbook(*rows: tuple[object, ...]) -> bytes:
    to = io.BytesIO()
    with xlsxwriter.Workbook(to, {"default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        sheet = book.add_worksheet("Leads")
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(number, column, value)
    return to.getvalue()


@pytest.mark.django_db
def test_a_fair_s_workbook_is_read_as_its_list(tell: Any) -> None:
    head = ("Email", "First name", "Last name", "Company", "Job title", "Scanned at")
    row = ("kim@werft.example", "Kim", "Werft", "Werft GmbH", "CTO", datetime(2026, 11, 26, 11, 5))
    body = workbook(("Hafentag 2026: your leads",), (), head, row)
    assert tell("badges", body, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")["events"] == 3
    scanned = Event.objects.get(kind="weak_signal_seen")
    assert (scanned.data, format_instant(scanned.occurred_at)) == ({"event": "hook"}, "2026-11-26T10:05:00Z")
    assert Person.objects.get().name == "Kim Werft"
    assert tell("badges", b"PK\x03\x04 nothing")["why"].startswith("It is no workbook that can be read: ")


@pytest.mark.django_db
def test_a_workbook_that_unpacks_to_far_more_is_not_unpacked(tell: Any) -> None:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (17 << 20))
    assert tell("badges", to.getvalue())["why"] == "It unpacks to more than 16 MB: import it as a file instead."


@pytest.mark.django_db
def test_an_office_s_address_on_a_list_costs_its_own_line_only(tell: Any) -> None:
    answer = tell("badges", "Email,Name\ninfo@hafen.example,Office\ninge@hafen.example,Inge\n")
    assert (answer["outcome"], answer["why"]) == (
        "accepted", "1 left out: Number 1: info@hafen.example is read by many and names nobody.",
    )  # fmt: skip
    assert Person.objects.get().name == "Inge"
