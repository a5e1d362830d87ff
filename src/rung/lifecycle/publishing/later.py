"""Putting a playbook in force by the worker: a screen asks, the worker decides everybody, the screen watches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.jobs.actions import enqueue
from rung.jobs.models import Outbox
from rung.lifecycle import published
from rung.lifecycle.models import MAIN, Generation, Pointer, Standing
from rung.playbook.definitions import Playbook
from rung.playbook.loading import load

KIND: Final = "publish playbook"
UNDO: Final = "undo publishing"


@dataclass(frozen=True, slots=True)
class Pending:
    """A playbook that is being put in force: who asked and when, and how many of all people have been decided.

    `note`: in words, whether it goes on where a run was cut short, or why it began anew; else empty.
    """

    name: str
    version: str
    asked_by: str
    asked_at: int
    decided: int
    people: int
    error: str
    note: str


def ask(*, text: str, by: User, at: int, is_followed: bool = False) -> None:
    """Asks the worker to publish, and with `is_followed` to carry out what follows (`following`).

    Raises PlaybookRefused, NotAllowed, or Refused when that is not possible now.
    """
    require(by, "publish playbook")
    playbook = load(text)
    if playbook.version == published.in_force().playbook.version:
        raise Refused("This playbook is in force already.")
    refuse_while_pending()
    payload = {"text": text, "by": by.pk, "email": by.email, "name": playbook.name, "version": playbook.version}
    payload["is_followed"] = is_followed
    enqueue(kind=KIND, key=f"{KIND} {playbook.version} {at}", payload=payload, at=at)


def refuse_while_pending() -> None:
    """Raises Refused while the worker is at a playbook: of two at once the later would overtake the earlier."""
    if pending() is not None:
        raise Refused("Another playbook is being put in force. Wait until it is done, then look again.")


def publish_asked(payload: Mapping[str, object], at: int) -> None:
    """The worker's part. Done twice it does no harm: what is in force already is left alone."""
    from rung.lifecycle.publishing.actions import (
        publish,
    )  # the web process asks only; it must not load the engine's compiler

    if published.in_force().playbook.version != payload["version"]:
        publish(str(payload["text"]), by=User.objects.get(pk=payload["by"]), at=at)
    _follow(payload, at)


def _follow(payload: Mapping[str, object], at: int) -> None:
    from rung.lifecycle.publishing.following import carry_out  # as publish_asked

    if payload.get("is_followed"):
        by, version = User.objects.get(pk=payload["by"]), str(payload["version"])
        found = carry_out(version, at=at)
        told = {"version": version, "opened": found.opened, "withdrawn": found.withdrawn}
        audited(by=by, verb="carried out what follows", object=str(payload["name"]), data=told, at=at)


def ask_undo(*, by: User, at: int) -> None:
    """Asks the worker to put the playbook before back in force. Raises NotAllowed, or Refused where there is none."""
    require(by, "publish playbook")
    found = earlier()
    if found is None:
        raise Refused("There is no earlier playbook to go back to.")
    refuse_while_pending()
    payload = {"by": by.pk, "email": by.email, "name": found.name, "version": found.version}
    payload["is_followed"] = is_followed()
    enqueue(kind=UNDO, key=f"{UNDO} {found.version} {at}", payload=payload, at=at)


def undo_asked(payload: Mapping[str, object], at: int) -> None:
    """The worker's part. Done twice it does no harm: where the earlier playbook is in force, nothing is undone."""
    from rung.lifecycle.publishing.actions import undo  # as publish_asked

    if published.in_force().playbook.version != payload["version"]:
        undo(by=User.objects.get(pk=payload["by"]), at=at)
    _follow(payload, at)


def is_followed(line: str = MAIN) -> bool:
    """Whether hand-offs opened and were withdrawn when the playbook in force came into force."""
    return Pointer.objects.filter(line=line, generation__is_followed=True).exists()


def earlier(line: str = MAIN) -> Playbook | None:
    """The playbook before, to which `undo` goes back; None when there is none."""
    pointer = Pointer.objects.select_related("previous__playbook").filter(line=line).first()
    return load(pointer.previous.playbook.text) if pointer is not None and pointer.previous is not None else None


def pending() -> Pending | None:
    """What is being put in force now; None when nothing is."""
    row = (
        Outbox.objects.filter(kind__in=(KIND, UNDO), done_at__isnull=True, failed_at__isnull=True)
        .order_by("id")
        .first()
    )
    if row is None:
        return None
    made = Generation.objects.filter(playbook__version=row.payload["version"], switched_at=None).exclude(builder="")
    building = made.order_by("pk").last() if row.kind == KIND else None
    current = published.in_force().generation_id
    people = Standing.objects.filter(generation_id=current).count()
    return Pending(
        name=row.payload["name"],
        version=row.payload["version"],
        asked_by=row.payload["email"],
        asked_at=row.created_at,
        decided=building.decided if building else 0,
        people=people,
        error=row.last_error,
        note=building.note if building else "",
    )
