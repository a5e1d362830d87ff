"""News by mail: at once, each morning or never, through a real SMTP server, and nothing twice."""

import smtplib
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handoff.conftest import AT
from rung.access.models import User
from rung.handoff import clocks, mailing
from rung.handoff.mailing import CannotWish
from rung.handoff.models import Assignment, MailWish, Notification
from rung.jobs.models import Outbox
from rung.jobs.worker import Worker
from rung.terms.instants import DAY, HOUR, MINUTE, parse_instant

HandOver = Callable[..., Assignment]
Team = dict[str, User]


class Sink(socketserver.ThreadingTCPServer):
    """Takes every mail, or says at its data what `answer` says; None hangs up instead."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[tuple[str, str]] = []
        self.answer: bytes | None = b"250 taken"


class _Session(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        to = ""
        while line := self.rfile.readline().decode():
            if line.upper().startswith("RCPT"):
                to = line.split("<")[1].split(">")[0]
            if line.upper().startswith("DATA"):
                self.wfile.write(b"354 go on\r\n")
                text = ""
                while (part := self.rfile.readline().decode()) != ".\r\n":
                    text += part
                if self.server.answer is None:
                    self.server.mails.append((to, text))
                    return
                if self.server.answer.startswith(b"250"):
                    self.server.mails.append((to, text))
                self.wfile.write(self.server.answer + b"\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith("QUIT") else b"250 ok\r\n")


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.PUBLIC_URL = "http://rung.example"
        yield server
        server.shutdown()


def worked(at: int) -> None:
    """Whatever mail lies in the outbox is tried once more."""
    Outbox.objects.filter(kind=mailing.KIND).update(run_after=0)
    Worker(name="test", jobs={}, long_jobs={mailing.KIND: mailing.send}, schedules=()).turn(at)


@pytest.mark.django_db
def test_at_once_each_thing_is_mailed_once_with_its_link(hand_over: HandOver, team: Team, sink: Sink) -> None:
    mailing.wish(how="at_once", by=team["sam"], at=AT)
    waiting = hand_over()
    worked(AT)
    worked(AT + MINUTE)
    assert [to for to, _ in sink.mails] == ["sam@ours.example"]
    text = sink.mails[0][1]
    assert "Subject: Ana is on your desk: Sam is next in turn in the north team" in text
    assert f"http://rung.example/people/{waiting.person.uuid}" in text and "http://rung.example/settings" in text
    clocks.tick(AT + 40 * MINUTE)
    worked(AT + 41 * MINUTE)
    # Late by now, which says all that "nearly late" would have; kim gets a digest.
    assert [to for to, _ in sink.mails[1:]] == ["sam@ours.example"]
    assert "Subject: The answer to Ana is late" in sink.mails[1][1]


@pytest.mark.django_db
def test_a_digest_comes_once_a_day_from_eight_with_what_was_not_seen(
    hand_over: HandOver, team: Team, sink: Sink
) -> None:
    hand_over("ana")
    hand_over("ben")
    team["tom"].refresh_from_db()
    Notification.objects.filter(user=team["tom"]).update(read_at=AT)
    early = parse_instant("2026-12-22T07:59:00+01:00")
    mailing.ask_digests(early)
    worked(early)
    assert sink.mails == []
    for later in (MINUTE, 6 * MINUTE, 3 * HOUR):
        mailing.ask_digests(early + later)
        worked(early + later)
    assert [to for to, _ in sink.mails] == ["sam@ours.example"]  # tom has seen his
    mailing.ask_digests(early + DAY + MINUTE)
    worked(early + DAY + MINUTE)
    assert len(sink.mails) == 1  # nothing new


@pytest.mark.django_db
def test_who_wants_no_mail_gets_none_and_what_is_no_wish_is_refused(
    hand_over: HandOver, team: Team, sink: Sink
) -> None:
    mailing.wish(how="never", by=team["sam"], at=AT)
    hand_over()
    mailing.ask_digests(AT + DAY)
    worked(AT + DAY)
    assert sink.mails == []
    with pytest.raises(CannotWish, match="at once, each morning, or never"):
        mailing.wish(how="hourly", by=team["sam"], at=AT)
    assert MailWish.objects.get().how == "never"


@pytest.mark.django_db
def test_what_the_server_refused_is_tried_again_and_what_it_left_in_doubt_is_not(
    hand_over: HandOver, team: Team, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    mailing.wish(how="at_once", by=team["sam"], at=AT)
    hand_over()
    sink.answer = b"451 not now"
    with pytest.raises(smtplib.SMTPDataError):
        mailing.send({"user": team["sam"].pk, "key": Notification.objects.get().key}, AT)
    assert Notification.objects.get().mailed_at is None
    sink.answer = None  # it takes the mail and hangs up before it says so
    worked(AT + MINUTE)
    assert len(sink.mails) == 1 and "in doubt" in caplog.text
    sink.answer = b"250 taken"
    worked(AT + 2 * MINUTE)
    assert len(sink.mails) == 1 and Notification.objects.get().mailed_at is not None
