"""Mail that comes in: replies find their person, enquiries are heard, machines are not, and nothing makes it fall."""

import base64
import random
import re
from dataclasses import replace
from typing import Any, Final

import pytest
from django.core import mail
from django.test import Client

from capture.test_forms import ANSWERS, DEMO
from rung import wiring
from rung.access.actions import add_user
from rung.capture import adding, fetching
from rung.capture.adding import Written
from rung.capture.forms import building
from rung.capture.inbound_mail.letters import letter_of
from rung.capture.models import HookMessage
from rung.capture.webhooks import hooking
from rung.history.models import Event
from rung.jobs import locks
from rung.jobs.clock import now
from rung.jobs.worker import Worker
from rung.lifecycle import actions
from rung.lifecycle.models import Standing
from rung.lifecycle.rules import NewEvent
from rung.mail.actions import send
from rung.mail.models import Sent
from rung.people.models import Person

PLAIN = (
    "From: Ana Lima <ana@acme.example>\r\nTo: sales@ours.example\r\nSubject: Re: Berths\r\nMessage-ID: <1@acme.example>"
    "\r\nIn-Reply-To: <x@ours.example>\r\n\r\nYes, call me on Monday.\r\n\r\nOn Tue, Sam wrote:\r\n> When?\r\n"
)


@pytest.fixture
def door(db: None) -> str:
    return "/w/" + hooking.add_webhook(name="post", template="empty", by="test", at=1).token


def sent(client: Client, door: str, text: str | bytes) -> dict[str, Any]:
    body = text if isinstance(text, bytes) else text.encode()
    answer = client.post(door, body, content_type="message/rfc822")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.django_db
def test_a_reply_is_of_whoever_wrote_it_once_and_without_what_is_quoted(client: Client, door: str) -> None:
    ana = adding.add_person(written=Written(email="ana@acme.example"), by="test", at=now())
    assert sent(client, door, PLAIN)["outcome"] == "accepted"
    assert sent(client, door, PLAIN)["outcome"] == "duplicate"
    reply = Event.objects.get(kind="email_replied")
    assert (reply.person_id, reply.data) == (ana.pk, {"subject": "Re: Berths", "text": "Yes, call me on Monday."})


@pytest.mark.django_db
def test_a_reply_to_a_forms_mail_finds_its_person_from_any_address(
    client: Client, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rung.web.forms.FASTEST", 0)
    building.save_form(slug="demo", told=DEMO, by="test", at=1)
    building.publish_form(slug="demo", number=1, by="test", at=1)
    page = client.get("/f/demo").content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    client.post("/f/demo", {**hidden, **ANSWERS})
    Worker(name="w", jobs={}, long_jobs=wiring.LONG_JOBS, schedules=()).turn(now())
    told = mail.outbox[0].extra_headers["Message-ID"]
    other = PLAIN.replace("ana@acme.example>\r\nTo", "ana.private@gmail.com>\r\nTo").replace("<x@ours.example>", told)
    assert sent(client, door, other)["outcome"] == "accepted"
    reply = Event.objects.get(kind="email_replied")
    assert Person.objects.get().pk == reply.person_id
    assert reply.data["from"] == "ana.private@gmail.com"


@pytest.mark.django_db
def test_a_strangers_mail_is_an_enquiry_and_so_is_what_one_of_ours_forwards(client: Client, door: str) -> None:
    sent(client, door, PLAIN.replace("In-Reply-To: <x@ours.example>\r\n", "").replace("Re: Berths", "Berths"))
    asked = Event.objects.get(kind="question_asked")
    assert Person.objects.get(pk=asked.person_id).name == "Ana Lima"
    add_user(email="sam@ours.example", role="sales", by="test", at=1)
    forward = (
        "From: Sam <Sam@ours.example>\r\nSubject: Fwd: Prices?\r\nMessage-ID: <2@ours.example>\r\n\r\nFor us?\r\n\r\n"
        "---------- Forwarded message ---------\r\n"
        "From: Bo Virtanen <bo@lido.example>\r\nSubject: Prices?\r\n\r\nHow much?\r\n"
    )
    assert sent(client, door, forward)["outcome"] == "accepted"
    bo = Person.objects.get(email="bo@lido.example")
    asked = Event.objects.get(kind="question_asked", person_id=bo.pk)
    assert asked.data == {
        "subject": "Prices?", "text": "How much?", "note": "For us?", "forwarded_by": "Sam@ours.example"
    }  # fmt: skip
    assert sent(client, door, "From: sam@ours.example\r\nSubject: Lunch\r\n\r\nLunch?")["outcome"] == "passed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "more",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: <x.example>",
        "Return-Path: <>",
        "X-Autoreply: yes",
        "Subject: Out of office: Berths",
        "Subject: Abwesenheitsnotiz",
        "From: MAILER-DAEMON@acme.example",
        "Content-Type: multipart/report; boundary=x",
    ],
)
def test_what_a_machine_wrote_is_no_reply(client: Client, door: str, more: str) -> None:
    adding.add_person(written=Written(email="ana@acme.example"), by="test", at=now())
    name = more.partition(":")[0]
    kept = "\r\n".join(line for line in PLAIN.split("\r\n") if not line.startswith(f"{name}:"))
    assert sent(client, door, f"{more}\r\n{kept}")["outcome"] == "passed"
    assert not Event.objects.filter(kind="email_replied").exists()


def test_encoded_words_html_and_unknown_charsets_are_read() -> None:
    told = letter_of(
        b"From: =?utf-8?b?QW5hIEzDrW1h?= <ana@acme.example>\r\nSubject: =?x-none?q?Hi_you?=\r\n"
        b"Content-Type: text/html; charset=nonsense\r\n\r\n<style>p{}</style><p>Call <b>me</b></p><script>1</script>"
    )
    assert (told.name, told.subject, told.text) == ("Ana Líma", "Hi you", "Call me")


@pytest.mark.parametrize(
    "written",
    [
        "For us?\n\n---------- Forwarded message ---------\nFrom: Bo <bo@lido.example>\nDate: Fri, 20 Nov\n"
        "To: <s@x.example>\n\n\nHow much?\n\nOn Thu, 19 Nov 2026 at 10:00, Sam Lee <sam@ours.example>\n"
        "wrote:\n> Hello\n",
        "For us?\n\n________________________________\nFrom: Bo <bo@lido.example>\nSent: Friday\nTo: Sam\n"
        "Subject: Prices\n\nHow much?\n\n-----Original Message-----\nFrom: Sam\n\nHello\n",
        "For us?\n\nBegin forwarded message:\n\n> From: Bo <bo@lido.example>\n> Subject: Prices\n"
        "> To: s@x.example\n> \n> How much?\n",
        "For us?\n\n-----Ursprüngliche Nachricht-----\nVon: Bo [mailto:bo@lido.example]\nGesendet: Freitag\n"
        "An: Sam\n\nHow much?\n\nAm Do., 19. Nov. 2026 um 10:00 Uhr schrieb Sam Lee <sam@ours.example>:\n> Hallo\n",
    ],
)  # fmt: skip
def test_what_is_forwarded_is_read_as_gmail_outlook_and_apple_write_it(written: str) -> None:
    head = "From: sam@ours.example\nSubject: Fwd: Prices\nContent-Type: text/plain; charset=utf-8\n\n"
    told = letter_of((head + written).encode())
    assert told.forwarded is not None
    assert (told.forwarded.address, told.forwarded.name, told.forwarded.text) == ("bo@lido.example", "Bo", "How much?")
    assert told.text == "For us?"


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "utf-8", "windows-1252", ""])
def test_what_windows_wrote_is_read_whatever_it_calls_itself(charset: str) -> None:
    kind = f"Content-Type: text/plain; charset={charset}\n" if charset else ""
    mail = f'From: "Zoë Müller" <zoe@acme.example>\nSubject: Angebot – für 20\n{kind}\n„20 Plätze“ für 5 €\n'
    told = letter_of(mail.encode("cp1252"))
    assert (told.name, told.subject, told.text) == ("Zoë Müller", "Angebot – für 20", "„20 Plätze“ für 5 €")
    assert letter_of(mail.encode()) == replace(told, own_id=letter_of(mail.encode()).own_id)


def test_a_japanese_mail_is_read() -> None:
    word = base64.b64encode("山田太郎".encode("iso-2022-jp")).decode()
    head = f"From: =?ISO-2022-JP?B?{word}?= <taro@acme.example>\nContent-Type: text/plain; charset=ISO-2022-JP\n\n"
    told = letter_of(head.encode() + "在庫計画のデモを見たいです。".encode("iso-2022-jp"))
    assert (told.name, told.text) == ("山田太郎", "在庫計画のデモを見たいです。")


def test_of_a_mail_in_html_only_what_they_wrote_is_told() -> None:
    told = letter_of(
        b"From: ida@acme.example\nSubject: RE: Prices\nContent-Type: text/html; charset=us-ascii\n\n"
        b"<html><head><title>Mail</title></head><body><p>Hello,</p><p>what would it cost for\n twenty planners?</p>"
        b"<div style='border-top:solid'><p><b>From:</b> Sam &lt;sam@ours.example&gt;<br><b>Sent:</b> Monday<br>"
        b"<b>To:</b> Ida<br><b>Subject:</b> Prices</p></div><p>What we wrote</p></body></html>"
    )
    assert told.text == "Hello,\nwhat would it cost for twenty planners?"


@pytest.mark.parametrize(
    "quoted",
    [
        "From: Sam <sam@ours.example>\nSent: Monday\nTo: Ida\n\nHello",
        "Von: Sam <sam@ours.example>\nGesendet: Montag\nAn: Ida\n\nHallo",
        "De : Sam <sam@ours.example>\nEnvoyé : lundi\nÀ : Ida\n\nBonjour",
        "*From:* Sam <sam@ours.example>\n*Date:* Monday\n\nHello",
    ],
)
def test_what_outlook_quotes_is_not_what_they_wrote(quoted: str) -> None:
    head = "From: ida@acme.example\nSubject: AW: Prices\nContent-Type: text/plain; charset=utf-8\n\n"
    assert letter_of(f"{head}Yes.\nFrom: here on we agree.\n\n{quoted}\n".encode()).text == (
        "Yes.\nFrom: here on we agree."
    )


@pytest.mark.django_db
def test_a_message_is_read_before_the_house_waits_for_it(client: Client, door: str, monkeypatch: Any) -> None:
    order: list[str] = []
    read, hold = hooking.letter_of, locks.hold
    monkeypatch.setattr(hooking, "letter_of", lambda body: (order.append("read"), read(body))[1])
    monkeypatch.setattr(locks, "hold", lambda: (order.append("hold"), hold())[1])
    assert sent(client, door, PLAIN)["outcome"] == "accepted"
    assert order[:2] == ["read", "hold"]


@pytest.mark.django_db
def test_nothing_hostile_makes_the_door_fall(client: Client, door: str) -> None:
    dice = random.Random(1)
    deep = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        + b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 3_000
    )
    naughty = [
        b"", b"\0" * 1_000, b"From: <>\r\n\r\nx", b"From: a@b.example",
        b"From: a@b.example\r\nSubject: \xff\xfe\r\n\r\n\xff",
        b"From: a@b.example\r\nMessage-ID: <" + b"9" * 5_000 + b">\r\n\r\nx", deep,
        b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"From: =?utf-8?b?////?= <a@b.example>\r\n\r\n{{ 7*7 }}",
        b"From: a@b.example, c@d.example\r\nIn-Reply-To: <form.@>\r\n\r\nx",
        b"From: a@b.example\r\nSubject: a\0b\r\n\r\na\0b",
        b"From: \"x\r\n y\" <a@b.example>\r\nContent-Type: text/plain; charset=\"\0\"\r\n\r\nx",
        b"Content-Type: text/plain; charset*=utf-8''%00; name*0*=x\r\nFrom: a@b.example\r\n\r\nx",
    ]  # fmt: skip
    for _ in range(150):
        body = bytearray(PLAIN.encode())
        for _ in range(12):
            body[dice.randrange(len(body))] = dice.randrange(256)
        naughty.append(bytes(body))
    for body in naughty:
        sent(client, door, body)


LONG: Final = 2_000_000
_TYPE: Final = b"From: a@b.example\r\nContent-Type: "
_REPORTS: Final = b"From: mailer-daemon@b.example\r\nSubject: Undeliverable\r\n\r\n"
ENDLESS: Final = {
    "quoted lines of a forwarded mail": b"From: a@b.example\r\nSubject: Fwd: x\r\n\r\n" + b"> \r\n" * (LONG // 4),
    "lines of a report": _REPORTS + b"\r\n" * (LONG // 2),
    "quoted lines of a report": _REPORTS + b">\r\n" * (LONG // 3),
    "parts of a header": _TYPE + b"text/plain; " + b"a=b; " * (LONG // 5) + b"\r\n\r\nx",
    "parts of a folded header": _TYPE + b"multipart/mixed" + b";\r\n a=b" * (LONG // 8) + b"\r\n\r\nx",
    "parts": _TYPE + b"multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\na\r\n" * (LONG // 10),
    "a charset of hosts": _TYPE + b"text/plain; charset=punycode\r\n\r\n-" + b"bcdefg9" * (LONG // 70),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_no_mail_of_a_stranger_keeps_the_house_waiting(name: str) -> None:
    """Each of these took seconds to minutes, in a transaction that everybody waits for; if one does so again, this
    test does."""
    assert letter_of(ENDLESS[name]).sender.endswith("@b.example")


class FakeImap:
    """A mailbox with two mails, of which one was read."""

    def __init__(self) -> None:
        self.unseen = {b"7": PLAIN.encode()}
        self.calls: list[tuple[str, ...]] = []

    def login(self, user: str, password: str) -> None:
        self.calls.append(("login", user, password))

    def select(self, mailbox: str) -> Any:
        self.calls.append(("select", mailbox))
        return "OK", [b"1"]

    def uid(self, command: str, *args: str) -> Any:
        if command == "SEARCH":
            return "OK", [b" ".join(self.unseen)]
        if command == "FETCH":
            return "OK", [(b"7 (BODY[] {9}", self.unseen[args[0].encode()]), b")"]
        self.unseen.pop(args[0].encode())
        return "OK", []

    def logout(self) -> None:
        self.calls.append(("logout",))


@pytest.mark.django_db
def test_unseen_mail_is_fetched_and_then_seen(settings: Any) -> None:
    box = FakeImap()
    fetching.fetch(now(), lambda *_: box)
    assert box.calls == []
    settings.RUNG_IMAP_URL = "imaps://sales%40ours.example:pass%2Fword@mail.ours.example/Leads"
    fetching.fetch(now(), lambda *_: box)
    fetching.fetch(now(), lambda *_: box)
    assert box.calls[:3] == [("login", "sales@ours.example", "pass/word"), ("select", '"Leads"'), ("logout",)]
    assert (box.unseen, HookMessage.objects.count()) == ({}, 1)
    assert Event.objects.get(kind="question_asked").source == "webhook:mailbox"

    def down(*_: Any) -> Any:
        raise OSError("no route")

    fetching.fetch(now(), down)


# Mail of ours that comes back


OURS: Final = "sales@ours.example"
DSN: Final = """From: Mail Delivery System <MAILER-DAEMON@mx.acme.example>
To: {ours}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{number}@mx.acme.example>
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

This is the mail system at host mx.acme.example. I could not deliver your message.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.example

Final-Recipient: rfc822; {to}
Action: {action}
Status: {status}

--b
Content-Type: message/rfc822

From: {ours}
To: {to}
Subject: The paper
Message-ID: {id}

Hello Ana,

--b--
"""


def came_back(id_: str, *, to: str = "ana@acme.example", is_hard: bool = True, number: int = 1) -> str:
    action, status = ("failed", "5.1.1") if is_hard else ("delayed", "4.4.1")
    return DSN.format(ours=OURS, to=to, id=id_, action=action, status=status, number=number)


@pytest.fixture
def ana_was_written_to(db: None) -> tuple[Person, str]:
    ana = adding.add_person(written=Written(email="ana@acme.example"), by="test", at=now())
    send(key="about:1", to="Ana@acme.example", subject="The\r\npaper", text="Hello", at=now(), person_id=ana.pk)
    return ana, str(mail.outbox[0].extra_headers["Message-ID"])


@pytest.mark.django_db
def test_each_mail_of_ours_is_found_by_its_id_the_same_when_it_is_sent_again(
    client: Client, door: str, ana_was_written_to: tuple[Person, str]
) -> None:
    ana, id_ = ana_was_written_to
    send(key="about:1", to="ana@acme.example", subject="The paper", text="Hello", at=now(), person_id=ana.pk)
    assert {str(each.extra_headers["Message-ID"]) for each in mail.outbox} == {id_}
    assert mail.outbox[0].subject == "The paper"
    assert Sent.objects.get().key == "about:1"
    reply = PLAIN.replace("ana@acme.example>\r\nTo", "ana.private@gmail.com>\r\nTo")
    threaded = reply.replace("In-Reply-To: <x@ours.example>", f"References: <x@ours.example>\r\n {id_}")
    assert sent(client, door, threaded)["outcome"] == "accepted"
    assert Event.objects.get(kind="email_replied").person_id == ana.pk


@pytest.mark.django_db
def test_a_reply_finds_whoever_lives_on_after_a_merge(
    client: Client, door: str, ana_was_written_to: tuple[Person, str]
) -> None:
    ana, id_ = ana_was_written_to
    other = adding.add_person(written=Written(email="ana.lima@lido.example"), by="test", at=now())
    actions.merge(survivor=other, merged=ana, by="test", at=now())
    reply = PLAIN.replace("ana@acme.example>\r\nTo", "else@x.example>\r\nTo").replace("<x@ours.example>", id_)
    assert sent(client, door, reply)["outcome"] == "accepted"
    assert Event.objects.get(kind="email_replied").person_id == other.pk


@pytest.mark.django_db
@pytest.mark.parametrize("is_hard", [True, False])
def test_a_mail_of_ours_that_came_back_is_a_bounce_and_no_reply(
    client: Client, door: str, ana_was_written_to: tuple[Person, str], is_hard: bool
) -> None:
    ana, id_ = ana_was_written_to
    assert Standing.objects.get().reachable
    for outcome in ("accepted", "duplicate"):
        assert sent(client, door, came_back(id_, is_hard=is_hard))["outcome"] == outcome
    bounced = Event.objects.get(kind="email_bounced")
    assert (bounced.person_id, bounced.data) == (ana.pk, {"email": "Ana@acme.example", "hard": is_hard})
    assert Standing.objects.get().reachable is not is_hard
    assert not Event.objects.filter(kind="email_replied").exists()


@pytest.mark.django_db
def test_a_report_without_parts_that_machines_read_is_a_bounce_too(
    client: Client, door: str, ana_was_written_to: tuple[Person, str]
) -> None:
    _, id_ = ana_was_written_to
    qmail = (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program at mx.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<ana@acme.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        f"--- Below this line is a copy of the message.\n\nFrom: {OURS}\nMessage-ID: {id_}\n\nHello\n"
    )
    assert sent(client, door, qmail)["outcome"] == "accepted"
    assert Event.objects.get(kind="email_bounced").data["hard"] is True


@pytest.mark.django_db
def test_nobody_becomes_unreachable_by_a_report_on_a_mail_that_is_not_ours(
    client: Client, door: str, ana_was_written_to: tuple[Person, str]
) -> None:
    ana, id_ = ana_was_written_to
    told = sent(client, door, came_back("<guessed@localhost>"))
    assert (told["outcome"], told["why"]) == (
        "passed", "Passed over: it reports on the delivery of a mail that is not ours.",
    )  # fmt: skip
    actions.record([NewEvent("person_described", person=ana.pk, data={"email": "ana@new.example"})], by="test")
    assert "another address by now" in sent(client, door, came_back(id_, number=2))["why"]
    send(key="news:1", to="sam@ours.example", subject="News", text="x", at=now())
    news = str(mail.outbox[-1].extra_headers["Message-ID"])
    assert "to one of ours" in sent(client, door, came_back(news, to="sam@ours.example", number=3))["why"]
    assert not Event.objects.filter(kind="email_bounced").exists()


@pytest.mark.django_db
def test_out_of_office_lists_and_receipts_are_told_apart(client: Client, door: str) -> None:
    kinds = {
        "Auto-Submitted: auto-replied; owner-email=ana@acme.example": "automatic answer, as of somebody out of",
        "Auto-Submitted: auto-generated": "sent automatically",
        "Precedence: list": "sent to many",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x": "a receipt",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x": "a mail's delivery",
    }
    for number, (header, words) in enumerate(kinds.items()):
        told = sent(client, door, f"{header}\r\n{PLAIN.replace('<1@', f'<{number}@')}")
        assert told["outcome"] == "passed"
        assert words in told["why"], header
    answered = f"Auto-Submitted: no\r\n{PLAIN.replace('<1@', '<9@')}"
    assert sent(client, door, answered)["outcome"] == "accepted"


@pytest.mark.django_db
def test_the_webhooks_page_says_that_a_mail_needs_no_mapping(client: Client, door: str) -> None:
    sent(client, door, PLAIN)
    client.force_login(
        add_user(email="mia@ours.example", role="marketing", password="a long one 4711", by="test", at=1)
    )
    page = client.get("/capture/webhooks/post").content.decode()
    assert "It is a mail: those are read by themselves, whatever the mapping says." in page
    assert "It is not JSON" not in page
