"""Mail fetched from a real IMAP server: what Gmail, Outlook and Postfix write, and a server nobody vouches for."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail

import imap_server
from imap_server import Server
from rung.access.actions import add_user
from rung.capture import adding, fetching
from rung.capture.adding import Written
from rung.capture.models import HookMessage
from rung.history.models import Event
from rung.jobs.clock import now
from rung.lifecycle.models import Standing
from rung.mail.actions import send
from rung.people.models import Person

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.xdist_group("imap")]

REPLY = """Return-Path: <ana@acme.example>
MIME-Version: 1.0
References: {id}
In-Reply-To: {id}
From: Ana Lima <ana@acme.example>
Date: Fri, 20 Nov 2026 15:05:11 +0100
Message-ID: <CAF=reply@mail.gmail.com>
Subject: Re: The paper
To: sales@ours.example
Content-Type: multipart/alternative; boundary="0000"

--0000
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

Thank you, call me on Monday =E2=80=93 we do have a budget.

On Fri, 20 Nov 2026 at 14:00, Sales <sales@ours.example> wrote:

> Hello Ana, here is the paper.
--0000
Content-Type: text/html; charset="UTF-8"

<div dir="ltr">Thank you</div>
--0000--
"""
FORWARD = """From: Sam Lee <sam@ours.example>
Date: Fri, 20 Nov 2026 15:06:11 +0100
Message-ID: <CAF=fwd@mail.gmail.com>
Subject: Fwd: Berths for next year
To: leads@ours.example
Content-Type: text/plain; charset="UTF-8"

Is this for us?

---------- Forwarded message ---------
From: Bo Virtanen <bo@lido.example>
Date: Fri, 20 Nov 2026 at 13:00
Subject: Berths for next year
To: <sam@ours.example>


Hello Sam, how much would it cost for forty berths?
"""
AWAY = """From: Ana Lima <ana@acme.example>
To: sales@ours.example
Subject: Automatic reply: The paper
Date: Fri, 20 Nov 2026 15:07:11 +0100
Message-ID: <away@acme.example>
In-Reply-To: {id}
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
Content-Type: text/plain; charset="us-ascii"

I am out of the office until Monday.
"""
BOUNCE = """Return-Path: <>
Date: Fri, 20 Nov 2026 15:08:11 +0100 (CET)
From: MAILER-DAEMON@mx.ours.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: sales@ours.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="A1B2/mx.ours.example"
Message-Id: <20261120140811.A1B2@mx.ours.example>

This is a MIME-encapsulated message.

--A1B2/mx.ours.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.ours.example.

I'm sorry to have to inform you that your message could not be delivered.

<ana@acme.example>: host mx.acme.example[192.0.2.1] said: 550 5.1.1 <ana@acme.example>: Recipient address rejected:
    User unknown (in reply to RCPT TO command)

--A1B2/mx.ours.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.ours.example
X-Postfix-Queue-ID: A1B2
X-Postfix-Sender: rfc822; sales@ours.example
Arrival-Date: Fri, 20 Nov 2026 15:08:10 +0100 (CET)

Final-Recipient: rfc822; ana@acme.example
Original-Recipient: rfc822;ana@acme.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.acme.example
Diagnostic-Code: smtp; 550 5.1.1 <ana@acme.example>: Recipient address rejected: User unknown

--A1B2/mx.ours.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: sales@ours.example
To: ana@acme.example
Subject: The paper
Message-ID: {id}

Hello Ana, here is the paper.

--A1B2/mx.ours.example--
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with imap_server.dovecot() as running:
        yield running


@pytest.fixture(autouse=True)
def mailbox(server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    settings.RUNG_IMAP_URL = f"imaps://sales:secret@localhost:{server.port}/INBOX"


def test_each_mail_is_what_it_is_once_and_seen_then(server: Server) -> None:
    ana = adding.add_person(written=Written(email="ana@acme.example"), by="test", at=now())
    add_user(email="sam@ours.example", role="sales", by="test", at=1)
    send(key="about:1", to="ana@acme.example", subject="The paper", text="Hello", at=now(), person_id=ana.pk)
    id_ = str(mail.outbox[0].extra_headers["Message-ID"])
    for written in (REPLY, FORWARD, AWAY, BOUNCE):
        server.deliver(written.format(id=id_))
    assert server.unseen() == 4
    fetching.fetch(now())
    fetching.fetch(now())
    assert server.unseen() == 0
    told = list(HookMessage.objects.order_by("pk").values_list("outcome", "events", "words"))
    assert [outcome for outcome, _, _ in told] == ["accepted", "accepted", "passed", "accepted"]
    assert "automatically" in told[2][2] or "automatic" in told[2][2]
    replied = Event.objects.get(kind="email_replied")
    assert (replied.person_id, replied.data["text"]) == (ana.pk, "Thank you, call me on Monday – we do have a budget.")
    bo = Person.objects.get(email="bo@lido.example")
    asked = Event.objects.get(kind="question_asked")
    assert (asked.person_id, bo.name, asked.data["forwarded_by"]) == (bo.pk, "Bo Virtanen", "sam@ours.example")
    assert asked.data["text"] == "Hello Sam, how much would it cost for forty berths?"
    bounced = Event.objects.get(kind="email_bounced")
    assert (bounced.person_id, bounced.data) == (ana.pk, {"email": "ana@acme.example", "hard": True})
    assert not Standing.objects.get(person=ana).reachable


def test_a_folder_whose_name_has_a_space_is_read_and_one_that_is_not_there_is_said(
    server: Server, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.deliver(FORWARD.replace("CAF=fwd", "CAF=other"), '"New leads"')
    settings.RUNG_IMAP_URL = f"imaps://sales:secret@localhost:{server.port}/New%20leads"
    fetching.fetch(now())
    assert HookMessage.objects.count() == 1
    settings.RUNG_IMAP_URL = f"imaps://sales:secret@localhost:{server.port}/Nowhere"
    fetching.fetch(now())
    assert "there is no folder Nowhere" in caplog.text


def test_a_server_that_offers_to_encrypt_is_asked_to(server: Server, settings: Any) -> None:
    server.deliver(FORWARD.replace("CAF=fwd", "CAF=third"))
    settings.RUNG_IMAP_URL = f"imap://sales:secret@localhost:{server.plain}"  # it takes no password in the clear
    fetching.fetch(now())
    assert HookMessage.objects.count() == 1


def test_a_server_that_nobody_vouches_for_gets_no_password(
    server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server.deliver(FORWARD.replace("CAF=fwd", "CAF=fourth"))
    monkeypatch.delenv("SSL_CERT_FILE")
    for address in (f"imaps://sales:secret@localhost:{server.port}", f"imap://sales:secret@localhost:{server.plain}"):
        settings.RUNG_IMAP_URL = address
        fetching.fetch(now())
    assert (HookMessage.objects.count(), server.unseen()) == (0, 1)
    assert caplog.text.count("CERTIFICATE_VERIFY_FAILED") == 2
