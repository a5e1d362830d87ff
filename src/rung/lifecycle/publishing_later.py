"""Putting a playbook in force by the worker: a screen asks, the worker decides everybody, the screen watches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rung.access.actions import Refused, require
from rung.access.models import User
from rung.jobs.actions import enqueue
from rung.jobs.models import Outbox
from rung.lifecycle import published
from rung.lifecycle.models import Generation, Standing
from rung.playbook.loading import load

KIND: Final = "publish playbook"


@dataclass(frozen=True, slots=True)
class Pending:
    """A playbook that is being put in force: who asked and when, and how many of all people have been decided."""

    name: str
    version: str
    asked_by: str
    asked_at: int
    decided: int
    people: int
    error: str


def ask(*, text: str, by: User, at: int) -> None:
    """Asks the worker to publish. Raises PlaybookRefused, NotAllowed, or Refused when that is not possible now."""
    require(by, "publish playbook")
    playbook = load(text)
    if playbook.version == published.in_force().playbook.version:
        raise Refused("This playbook is in force already.")
    if pending() is not None:
        raise Refused("Another playbook is being put in force. Wait until it is done, then look again.")
    payload = {"text": text, "by": by.pk, "email": by.email, "name": playbook.name, "version": playbook.version}
    enqueue(kind=KIND, key=f"{KIND} {playbook.version} {at}", payload=payload, at=at)


def publish_asked(payload: Mapping[str, object], at: int) -> None:
    """The worker's part. Done twice it does no harm: what is in force already is left alone."""
    from rung.lifecycle.publishing import publish  # the web process asks only; it must not load the engine's compiler

    if published.in_force().playbook.version == payload["version"]:
        return
    publish(str(payload["text"]), by=User.objects.get(pk=payload["by"]), at=at)


def pending() -> Pending | None:
    """What is being put in force now; None when nothing is."""
    row = Outbox.objects.filter(kind=KIND, done_at__isnull=True, failed_at__isnull=True).order_by("id").first()
    if row is None:
        return None
    building = Generation.objects.filter(playbook__version=row.payload["version"], switched_at__isnull=True)
    decided = Standing.objects.filter(generation__in=building).count()
    current = published.in_force().generation_id
    people = Standing.objects.filter(generation_id=current).count()
    return Pending(
        name=row.payload["name"],
        version=row.payload["version"],
        asked_by=row.payload["email"],
        asked_at=row.created_at,
        decided=decided,
        people=people,
        error=row.last_error,
    )
