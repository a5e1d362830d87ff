"""What can be an e-mail address or a phone number at all. Who it belongs to, and how it is written, is for others."""

import re
from typing import Final

_DIGIT: Final = re.compile(r"\d")


def may_be_email(text: str) -> bool:
    """Whether something stands on both sides of an @: `n/a`, `kim(at)firm.example` and `@kim` reach nobody."""
    return "@" in text[1:-1]


def may_be_phone(text: str) -> bool:
    """Whether there is a digit, of any script: `unknown` and `-` reach nobody."""
    return _DIGIT.search(text) is not None
