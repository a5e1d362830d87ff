"""Whether a program signed what it told us, and the proof that Zoom asks for. Pure.

An address with a random token is secret already; a signature says besides that the message was not changed on the way,
and that whoever found the address in a log cannot use it. Sources: the products' own descriptions, read in 2026.
"""

import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

LONGEST: Final = 200
"""Characters of a secret."""
PLAIN: Final = {
    "X-Cal-Signature-256": "sha256",
    "X-Hub-Signature-256": "sha256",
    "X-Hub-Signature": "sha1",
    "X-Tawk-Signature": "sha1",
}
"""Headers that sign the body alone: Cal.com, GitHub and its likes, Intercom, tawk.to."""
_ASKING: Final = "endpoint.url_validation"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""What Zoom may ask to have signed. Nothing with a colon or a brace: a signature of it would be one of a message."""


class Unproven(ValueError):
    """Zoom asked for a proof that cannot be given; the text says what to do."""


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the signatures in the headers is the secret's."""
    return any(
        hmac.compare_digest(told.strip().lower().encode("utf-8", "replace"), _signed(secret, said, how).encode())
        for told, said, how in _signatures(headers, body)
    )


def proof(secret: str, body: bytes) -> dict[str, str] | None:
    """What to answer Zoom, which asks whether an address has its secret before it tells it anything; None for any
    other message. Raises Unproven where there is no secret yet, or no such token."""
    if _ASKING.encode() not in body:
        return None
    try:
        told: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("event") != _ASKING:
        return None
    payload = told.get("payload")
    token = payload.get("plainToken") if isinstance(payload, dict) else None
    if not secret:
        raise Unproven("Zoom asks for a proof: keep its secret token here first, then let it ask again.")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Unproven("Zoom asks for a proof of nothing that it could ask for.")
    return {"plainToken": token, "encryptedToken": _signed(secret, token.encode(), "sha256")}


def _signatures(headers: Mapping[str, str], body: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Each signature there is, what it signs, and by which hash."""
    for name, how in PLAIN.items():
        if told := headers.get(name):
            yield told.rpartition("=")[2], body, how
    if told := headers.get("X-Zm-Signature"):
        at = headers.get("X-Zm-Request-Timestamp", "")
        yield told.removeprefix("v0="), b"v0:" + at.encode("utf-8", "replace") + b":" + body, "sha256"
    if told := headers.get("Calendly-Webhook-Signature"):
        parts = dict(part.strip().partition("=")[::2] for part in told.split(","))
        yield parts.get("v1", ""), parts.get("t", "").encode("utf-8", "replace") + b"." + body, "sha256"


def _signed(secret: str, said: bytes, how: str) -> str:
    return hmac.new(secret.encode(), said, how).hexdigest()
