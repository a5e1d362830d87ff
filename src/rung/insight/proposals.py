"""Proposing a playbook: a text, the trial it rests on, a signature of each side, then put in force, or withdrawn."""

from dataclasses import dataclass
from datetime import date
from typing import cast

import uuid_utils.compat
from django.db import transaction

from rung.access.actions import Refused, audited, require
from rung.access.models import User
from rung.insight import trying_later
from rung.insight.models import Backtest, Proposal, ProposalSignature
from rung.lifecycle import published
from rung.lifecycle.generations import keep_text
from rung.lifecycle.publishing import later as publishing_later
from rung.playbook.definitions import SIDES, Playbook, Side
from rung.playbook.loading import load
from rung.playbook.writing import signed_by


def propose(
    *, text: str, by: User, at: int, trial: Backtest | None = None, replaces: Proposal | None = None
) -> Proposal:
    """Proposes the text to both sides. Raises PlaybookRefused, NotAllowed, or Refused where it is in force.

    What is in force, signed, may be proposed with a later day of review: that is how both sides stand by it for
    another year. The same version that is open already is that proposal; `replaces` is closed by the new one.
    """
    require(by, "propose playbook")
    playbook = load(text)
    if _is_agreed(playbook, published.playbook()):
        raise Refused("This playbook is in force already, signed by both sides.")
    with transaction.atomic():
        same = Proposal.objects.filter(version=playbook.version, state="open").first()
        if same is not None:
            return same
        if trial is not None:
            Backtest.objects.filter(pk=trial.pk).update(is_kept=True)
        made = Proposal.objects.create(
            uuid=uuid_utils.compat.uuid7(),
            text=text,
            version=playbook.version,
            name=playbook.name[:200],
            trial=trial,
            proposed_by=by,
            proposed_at=at,
        )
        if replaces is not None:
            _close(replaces, "replaced", by=by, at=at)
        audited(by=by, verb="proposed playbook", object=playbook.name, data={"version": playbook.version}, at=at)
    return made


def sign(*, proposal: Proposal, side: Side, by: User, at: int, on: date) -> Proposal:
    """Signs for a side; `on` is the day in the firm's zone. Raises NotAllowed, or Refused.

    One person signs for one side only: an agreement is between two.
    """
    require(by, f"sign for {side}")
    with transaction.atomic():
        found = _open(proposal)
        if found.signatures.filter(side=side).exists():
            raise Refused(f"{side.capitalize()} has signed already.")
        if found.signatures.filter(user=by).exists():
            raise Refused("You have signed for the other side: an agreement needs two people.")
        try:
            text = signed_by(found.text, side=side, who=by.name or by.email.partition("@")[0], on=on)
        except ValueError as fault:
            raise Refused(f"{fault} Your name here is “{by.name}”: change it, then sign.") from None
        ProposalSignature.objects.create(proposal=found, side=side, user=by, signed_at=at)
        Proposal.objects.filter(pk=found.pk).update(text=text)
        audited(by=by, verb=f"signed for {side}", object=found.name, data={"version": found.version}, at=at)
    return Proposal.objects.get(pk=proposal.pk)


def withdraw(*, proposal: Proposal, by: User, at: int) -> None:
    """Takes the proposal back: whoever proposed it, or who may publish. Raises NotAllowed, or Refused."""
    if proposal.proposed_by_id != by.pk:
        require(by, "publish playbook")
    with transaction.atomic():
        found = _open(proposal)
        _close(found, "withdrawn", by=by, at=at)
        audited(by=by, verb="withdrew proposal", object=found.name, data={"version": found.version}, at=at)


def put_in_force(*, proposal: Proposal, by: User, at: int, is_followed: bool = False) -> None:
    """Asks the worker to publish what both sides have signed. Raises NotAllowed, or Refused.

    `is_followed`: with what follows, hand-offs that open and are withdrawn; only where they were counted before.
    """
    require(by, "publish playbook")
    if is_followed and following(proposal) is None:
        raise Refused("Have it counted first what would follow, then choose.")
    with transaction.atomic():
        found = _open(proposal)
        missing = missing_sides(found)
        if missing:
            raise Refused(
                f"{' and '.join(missing).capitalize()} {'have' if len(missing) > 1 else 'has'} not signed yet."
            )
        playbook = load(found.text)
        if playbook.version == published.playbook().version:
            # It holds already: nobody's standing changes, it only has its signatures now.
            keep_text(playbook)
        else:
            publishing_later.ask(text=found.text, by=by, at=at, is_followed=is_followed)
        _close(found, "asked", by=by, at=at)
        told = {"version": found.version, "is_followed": is_followed}
        audited(by=by, verb="put proposal in force", object=found.name, data=told, at=at)


@dataclass(frozen=True, slots=True)
class Following:
    """What would follow from putting a proposal in force, as of a backtest of the whole history: people by key."""

    run: Backtest
    opens: frozenset[str]
    withdraws: frozenset[str]


def count_what_follows(*, proposal: Proposal, by: User, at: int) -> Backtest:
    """Asks for the backtest that counts it. Raises NotAllowed, or Refused where it is closed."""
    require(by, "publish playbook")
    with transaction.atomic():
        text = _open(proposal).text
    return trying_later.ask(text=text, by=by, at=at)


def following(proposal: Proposal) -> Following | None:
    """What would follow against the playbook in force; None where it was not counted yet."""
    run = counting(proposal)
    if run is None or run.state != "done":
        return None
    people = trying_later.people_of(run)
    old, new = ({each.person for each in side if each.is_open} for side in (people.old, people.new))
    return Following(run, frozenset(new - old), frozenset(old - new))


def counting(proposal: Proposal) -> Backtest | None:
    """The latest backtest of everybody, in the whole history, by the proposal against the playbook in force."""
    runs = Backtest.objects.filter(new_version=proposal.version, old_version=published.playbook().version)
    return runs.filter(start_at=None, subset="", vary="", texts__isnull=True).order_by("-pk").first()


def missing_sides(proposal: Proposal) -> list[Side]:
    """The sides that have not signed yet."""
    signed = set(proposal.signatures.values_list("side", flat=True))
    return [cast(Side, side) for side in SIDES if side not in signed]


def open_proposals() -> list[Proposal]:
    """What waits for signatures, or to be put in force; the latest first."""
    return list(Proposal.objects.filter(state="open").select_related("proposed_by").order_by("-proposed_at", "-pk"))


def _is_agreed(playbook: Playbook, in_force: Playbook) -> bool:
    """Whether the proposal says nothing that is not in force and signed."""
    if playbook.version != in_force.version or not playbook.is_signed:
        return False
    return playbook.review_by is None or (in_force.review_by is not None and playbook.review_by <= in_force.review_by)


def _open(proposal: Proposal) -> Proposal:
    found = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if found.state != "open":
        raise Refused(
            {"asked": "It has been put in force.", "withdrawn": "It was withdrawn."}.get(
                found.state, "Another proposal has taken its place."
            )
        )
    return found


def _close(proposal: Proposal, state: str, *, by: User, at: int) -> None:
    Proposal.objects.filter(pk=proposal.pk).update(state=state, closed_at=at, closed_by=by)
