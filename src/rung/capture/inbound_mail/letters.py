"""A mail that came in: who wrote it, what it answers, whether a machine did. Pure: no database, no clock."""

import email
import email.header
import hashlib
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.utils import getaddresses, parseaddr
from html.parser import HTMLParser
from itertools import takewhile
from typing import Final

from rung.people.rules import normal_email

LARGEST: Final = 2 * 1024 * 1024
"""Bytes that are read of a mail; what is behind are attachments, which nobody reads here."""
_LONGEST: Final = 900
_LONGEST_HEADER: Final = 4_000
_MOST_PARTS: Final = 100
_MOST_LINES: Final = 40_000
"""Lines that are read of a mail; two megabytes of an attachment have fewer. Who writes only the ends of lines costs no
more: the parser takes its time for each, and the house waits."""
_MOST_TOLD: Final = 256 * 1024
"""Bytes of a part that are made a text."""
_REPORT: Final = (64 * 1024, 2_000)
"""Bytes and lines in which a report says what came back; each of a hundred patterns is looked for in each line."""
_AUTOMATIC: Final = re.compile(
    r"^\s*(automatic reply|auto(matic)?[- ]?(reply|response|antwort)|out of (the )?office|abwesen|réponse automatique"
    r"|respuesta automática)",
    re.IGNORECASE,
)
_UNDELIVERED: Final = re.compile(
    r"undeliver|delivery (status|failure|has failed)|mail delivery|returned mail|failure notice|unzustellbar"
    r"|non remis|could not be delivered",
    re.IGNORECASE,
)
_MACHINE: Final = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+@]|$)", re.IGNORECASE)
_REPLY: Final = re.compile(r"^\s*(re|aw|sv|antw|rif|res)\s*(\[\d+\])?:", re.IGNORECASE)
_FORWARD: Final = re.compile(r"^\s*(fw|fwd|wg|tr|rv|i)\s*:", re.IGNORECASE)
_QUOTED_FROM: Final = re.compile(r"^[> \t*]*(?:from|von|de|da|van|fra)\s*:\*?\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_QUOTE_BEGINS: Final = re.compile(
    r"^(>|-{3,}\s*(original|forwarded|weitergeleitete|ursprüngliche)|begin forwarded message:|on .{5,200} wrote:"
    r"|am .{5,200} schrieb|_{10,})",
    re.IGNORECASE,
)
_SAYS_WHO_WROTE: Final = re.compile(r"^(on .{5,300} wrote:|am .{5,300} schrieb\b.{0,100}:)\s*$", re.IGNORECASE)
_FROM: Final = re.compile(r"[ \t*]*(from|von|de|da|van|fra|från)[ \xa0]*:", re.IGNORECASE)
_SENT: Final = re.compile(
    r"[ \t*]*(sent|date|gesendet|datum|envoy[ée]|enviado( el)?|fecha|data|inviato|verzonden|sendt|skickat)[ \xa0]*:",
    re.IGNORECASE,
)
_ID: Final = re.compile(r"<[^<>\s]{3,250}>")
_QUOTED_ID: Final = re.compile(r"^[> \t]*message-id:\s*(<[^<>\s]{3,250}>)", re.IGNORECASE | re.MULTILINE)
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as far as it matters. `answers`: ids of the mails it replies to, or reports on. `by_machine`: why nobody
    wrote it. `bounce`: it says that a mail did not arrive."""

    sender: str
    name: str
    subject: str
    text: str
    own_id: str
    answers: tuple[str, ...]
    is_reply: bool
    by_machine: str
    forwarded: "Forwarded | None"
    bounce: "Bounce | None" = None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Who wrote what is forwarded, and what they wrote."""

    address: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail did not arrive at these addresses; `is_hard`: it never will."""

    addresses: tuple[str, ...]
    is_hard: bool


class _Short(policy.Compat32):
    """Headers as they came, and no more of each than is read: of a long one the parser copies the rest for each of its
    parts, which takes minutes."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


_SHORT: Final = _Short()


class NoLetter(ValueError):
    """What came is no mail that can be read; the text says why."""


def letter_of(body: bytes) -> Letter:
    """Reads a mail as it came over the wire. Raises NoLetter; never anything else, whatever comes."""
    try:
        return _read(_parsed(body, LARGEST, _MOST_LINES), body)
    except NoLetter:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError) as fault:
        # The parser of the standard library gives up on hostile mail in many ways; all of them mean this one.
        raise NoLetter(f"It is no mail that can be read ({type(fault).__name__}).") from None


def _parsed(body: bytes, size: int, lines: int) -> Message:
    """So much of a mail as is read, by its bytes and its lines."""
    told = body[:size].split(b"\n", lines)
    return email.message_from_bytes(b"\n".join(told[:lines]), policy=_SHORT)


def _read(message: Message, body: bytes) -> Letter:
    name, sender = parseaddr(_header(message, "from"))
    if normal_email(sender) is None:
        raise NoLetter("It does not say from whom it is.")
    subject = _header(message, "subject")
    bounce = _bounce(message, sender, subject, body)
    whole = _text(message)
    answers = _ID.findall(f"{_header(message, 'in-reply-to')} {_header(message, 'references')}")[:20]
    return Letter(
        sender=sender,
        name=_line(name),
        subject=subject[:250],
        text=_own_words(whole)[:_LONGEST],
        own_id=_line(_header(message, "message-id"))[:150] or hashlib.sha256(body).hexdigest(),
        answers=(*answers, *(_reported_on(message) if bounce else ())),
        is_reply=bool(_REPLY.match(subject) or _header(message, "in-reply-to")),
        by_machine="a mail came back" if bounce else _by_machine(message, sender, subject),
        bounce=bounce,
        forwarded=_forwarded(subject, whole, sender),
    )


def _bounce(message: Message, sender: str, subject: str, body: bytes) -> Bounce | None:
    """What a report on a mail's delivery says. Looked at first: most of what says of itself that it is an automatic
    answer is one, and nearly half of the reports have no part that a machine can read (`flufl.bounce` knows those)."""
    is_report = _report_of(message) == "delivery-status"
    is_likely = (
        is_report
        or _header(message, "return-path").strip() == "<>"
        or _header(message, "x-failed-recipients")
        or _MACHINE.match(sender)
        or _UNDELIVERED.search(subject)
    )
    if not is_likely:
        return None
    from flufl.bounce import all_failures  # a dozen detectors, and only for what looks like a report

    try:
        for_now, for_ever = all_failures(_parsed(body, *_REPORT))
    except Exception:  # noqa: BLE001 - a stranger's parser on a stranger's mail
        _log.exception("A report on a mail's delivery could not be read")
        return None
    addresses = [
        each.decode("ascii", "replace") if isinstance(each, bytes) else str(each) for each in for_ever | for_now
    ]
    return Bounce(tuple(sorted(addresses)), bool(for_ever)) if addresses else None


def _reported_on(message: Message) -> list[str]:
    """The Message-IDs of the mail that came back, wherever the report quotes it: as a part, its headers, or text."""
    found: list[str] = []
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            break
        if number and part.get("message-id"):
            found += _ID.findall(_header(part, "message-id"))
        elif not part.is_multipart():
            found += _QUOTED_ID.findall(_decoded(part)[:100_000])
    return list(dict.fromkeys(found))[:50]


def _report_of(message: Message) -> str:
    """What a multipart/report reports on, by its own word; empty for any other mail."""
    if message.get_content_type() != "multipart/report":
        return ""
    return str(message.get_param("report-type") or "something").lower()


def _by_machine(message: Message, sender: str, subject: str) -> str:
    """Why nobody wrote it; empty for a person's mail. Answers of machines must never count as replies, nor loop."""
    if _report_of(message):
        is_receipt = _report_of(message) == "disposition-notification"
        return "it is a receipt" if is_receipt else "it reports on a mail's delivery"
    submitted = _header(message, "auto-submitted").lower().partition(";")[0].strip()
    if submitted == "auto-replied" or _AUTOMATIC.match(subject):
        return "it is an automatic answer, as of somebody out of office"
    if any(_header(message, name) for name in ("x-autoreply", "x-autorespond", "x-auto-response-suppress-reply")):
        return "it is an automatic answer, as of somebody out of office"
    if submitted and submitted != "no":
        return "it was sent automatically"
    if _header(message, "precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return "it was sent to many"
    if _header(message, "list-id") or _header(message, "list-unsubscribe"):
        return "it came from a mailing list"
    if _header(message, "return-path").strip() == "<>":
        return "it reports on a mail's delivery"
    return "its address is no person's" if _MACHINE.match(sender) else ""


def _forwarded(subject: str, text: str, sender: str) -> Forwarded | None:
    if not _FORWARD.match(subject) and "forwarded message" not in text[:5_000].lower():
        return None
    for found in list(_QUOTED_FROM.finditer(text[:20_000]))[:10]:
        line = found[1].replace("[mailto:", "<").replace("]", ">")
        for name, address in getaddresses([line])[:1]:
            if normal_email(address) is not None and normal_email(address) != normal_email(sender):
                return Forwarded(address, _line(name), _below_heads(text[found.end() :])[:_LONGEST])
    return None


def _below_heads(text: str) -> str:
    """What stands below the lines that say to whom, when and about what the forwarded mail was."""
    lines = [re.sub(r"^(> ?)+", "", line).rstrip() for line in text[:50_000].splitlines()]
    begun = next((number for number, line in enumerate(lines) if number and not line.strip()), len(lines))
    return _own_words("\n".join(lines[begun:]).strip())


def _text(message: Message) -> str:
    """The plain text, else the text of the HTML."""
    html = ""
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            break
        if part.is_multipart() or part.get_filename():
            continue
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html"):
            continue
        found = _decoded(part)
        if kind == "text/plain" and found.strip():
            return found
        html = html or found
    return plain_text(html)


def _decoded(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    return _told_in(raw[:_MOST_TOLD], part.get_content_charset() or "")


def _told_in(raw: bytes, charset: str) -> str:
    """The text of bytes as the mail says it is written, or as it is: programs of Windows call theirs Latin-1, which has
    none of its quotation marks, or call it nothing at all."""
    if charset.lower() not in _WINDOWS:
        with suppress(LookupError, ValueError):
            return raw.decode(charset, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        is_cut = fault.end == len(raw) and len(raw) - fault.start < 4  # within the last letter
        return raw.decode("utf-8" if is_cut else "cp1252", "replace")


_WINDOWS: Final = frozenset({
    "", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "unknown-8bit", "windows-1252",
    "punycode", "idna",  # Python has these two for names of hosts; for a text of some length they take seconds
})  # fmt: skip
"""Character sets that may be any of UTF-8 and Windows-1252, whatever they are called: which of them, the bytes say."""


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _UNSEEN
        if tag in ("br", "p", "div", "tr", "li", "blockquote"):
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _UNSEEN))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(re.sub(r"\s+", " ", data))  # where a line of HTML ends says nothing


_UNSEEN: Final = frozenset({"style", "script", "title"})


def bare(subject: str) -> str:
    """The subject without what a forwarding program puts before it."""
    return _FORWARD.sub("", subject).strip()


def plain_text(html: str) -> str:
    """What stands in HTML, without its tags, styles and scripts."""
    reader = _Words()
    reader.feed(html[:200_000])
    return "\n".join(line.strip() for line in "".join(reader.words).split("\n")).strip()


def _own_words(text: str) -> str:
    """What they wrote, without what they quote."""
    kept: list[str] = []
    lines = text[:50_000].splitlines()
    for number, line in enumerate(lines):
        # Gmail breaks its "On …, somebody <…> wrote:" into two lines.
        both = f"{line.strip()[:300]} {''.join(lines[number + 1 : number + 2]).strip()[:100]}"
        if _QUOTE_BEGINS.match(line.strip()[:300]) or _SAYS_WHO_WROTE.match(both) or _is_heads(lines, number):
            break
        kept.append(line.rstrip())
    said = "\n".join(kept).strip() or text[:_LONGEST].strip()
    return _clean(re.sub(r"\n{3,}", "\n\n", said))


def _is_heads(lines: list[str], number: int) -> bool:
    """Whether the mail that is quoted begins here, as Outlook writes it: "From: …", and below "Sent: …" """
    if not _FROM.match(lines[number][:300]):
        return False
    below = takewhile(str.strip, lines[number + 1 : number + 4])
    return any(_SENT.match(line[:300]) for line in below)


def _header(message: Message, name: str) -> str:
    told = message.get(name)
    if told is None:
        return ""
    if isinstance(told, email.header.Header):  # how the parser gives bytes above 127 that nothing says the set of
        return _line("".join(_as_bytes(text, charset) for text, charset in email.header.decode_header(told)))
    parts = email.header.decode_header(str(told)[:_LONGEST_HEADER])
    return _line("".join(_told_in(raw, charset or "") if isinstance(raw, bytes) else raw for raw, charset in parts))


def _as_bytes(text: str | bytes, charset: str | None) -> str:
    raw = text if isinstance(text, bytes) else text.encode("ascii", "surrogateescape")
    return _told_in(raw[:_LONGEST_HEADER], charset or "")


def _line(text: str) -> str:
    return " ".join(_clean(text).split())[:1_000]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")
