"""What can be an e-mail address or a phone number at all. Who it belongs to, and how it is written, is for others."""

import re
from typing import Final

_EMAIL: Final = re.compile(
    r"(?=.{6,254}\Z)(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z",
    re.IGNORECASE | re.ASCII,
)
_DIGIT: Final = re.compile(r"\d")


def may_be_email(text: str) -> bool:
    """Whether something stands on both sides of an @: `n/a`, `kim(at)firm.example` and `@kim` reach nobody."""
    return "@" in text[1:-1]


def may_be_phone(text: str) -> bool:
    """Whether there is a digit, of any script: `unknown` and `-` reach nobody."""
    return _DIGIT.search(text) is not None


def key_email(key: str) -> str | None:
    """The e-mail address that a person's key counts as: the key itself where it is a valid address."""
    return key if _EMAIL.match(key) else None
