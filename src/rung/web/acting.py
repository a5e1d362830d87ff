"""One act of a page: what came of it, or why it was refused and with which status."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rung.access.rules import NotAllowed, Refused

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Attempt(Generic[Told]):
    """`told` is what the act returned; None where it was refused, and then `refusal` says why, in the user's words."""

    told: Told | None
    refusal: str = ""
    status: int = 200


def attempted(act: Callable[[], Told]) -> Attempt[Told]:
    """Acts. A refusal wrote nothing: 403 where the role may not, else 409. Whatever else goes wrong is a bug."""
    try:
        return Attempt(act())
    except Refused as fault:
        return Attempt(None, str(fault), 403 if isinstance(fault, NotAllowed) else 409)
