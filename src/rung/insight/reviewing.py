"""The yearly review of the agreement: a task for those who signed it, on the day that it names."""

from typing import Final

from rung.access.models import User
from rung.handoff import tasks
from rung.insight.models import ProposalSignature
from rung.lifecycle import published
from rung.playbook.definitions import SIDES, Playbook
from rung.playbook.words import day_words

WHERE: Final = "/interviews"
_KEYS: Final = "review:"


def keep(at: int) -> None:
    """The worker's part: the review of the playbook in force stands among the tasks of those who signed it; that of
    one that no longer holds, or that was put off by a new signature, is taken away."""
    playbook = published.playbook()
    wanted = {}
    if playbook.review_by is not None:
        what = f"Read the agreement “{playbook.name}” again, by {day_words(playbook.review_by)}"
        day = playbook.review_by
        start = f"{_KEYS}{playbook.version[:12]}:{day.isoformat()}"
        wanted = {f"{start}:{user.pk}": (user, what, day) for user in reviewers(playbook)}
    tasks.keep_reminders(of=_KEYS, wanted=wanted, href=WHERE, at=at, playbook=playbook)


def reviewers(playbook: Playbook) -> list[User]:
    """Who reads it again: those who signed this version here, or whose names stand under it; where nobody of them is
    known, those who put playbooks in force."""
    here = ProposalSignature.objects.filter(proposal__version=playbook.version).order_by("pk")
    by_side = {each.side: each.user for each in here.select_related("user") if each.user.is_active}
    found = list(by_side.values())
    for side in SIDES:
        signature = playbook.signature_of(side)
        if side not in by_side and signature is not None:
            named = User.objects.filter(name=signature.who, is_active=True).order_by("pk").first()
            found += [named] if named is not None else []
    if not found:
        found = [user for user in User.objects.filter(is_active=True).order_by("pk") if user.may("publish playbook")]
    return list({user.pk: user for user in found}.values())
