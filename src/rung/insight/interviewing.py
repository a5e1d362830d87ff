"""Holding the SLA interview: begun from the playbook in force, answered question by question, ended as a proposal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any, Final

import msgspec
import uuid_utils.compat
from django.db import transaction

from rung.access.actions import By, Refused, audited, name_of, require
from rung.access.models import User
from rung.insight import evidence, proposals
from rung.insight.evidence import Evidence, Row
from rung.insight.models import Interview, Proposal
from rung.jobs.actions import enqueue
from rung.lifecycle import published
from rung.playbook.definitions import Playbook
from rung.playbook.faults import PlaybookRefused
from rung.playbook.interview import QUESTIONS, Answers, CannotAnswer, rewritten
from rung.playbook.loading import load
from rung.playbook.writing import to_be_reviewed

KIND: Final = "gather evidence"
_VERB: Final = "hold interview"


def begin(*, by: By, at: int) -> Interview:
    """A new interview about the playbook in force; the worker reads the evidence meanwhile."""
    require(by, _VERB)
    force = published.in_force()
    with transaction.atomic():
        interview = Interview.objects.create(
            uuid=uuid_utils.compat.uuid7(),
            started_at=at,
            started_by=name_of(by),
            changed_at=at,
            text=force.playbook.text,
            version=force.playbook.version,
        )
        enqueue(kind=KIND, key=f"{KIND} {interview.uuid}", payload={"interview": interview.pk}, at=at)
        audited(by=by, verb="began interview", object=str(interview.uuid), data={"version": interview.version}, at=at)
    return interview


def answer(*, interview: Interview, question: str, told: Mapping[str, object], by: By, at: int) -> Playbook:
    """Keeps the answer to one question and returns the playbook that all answers make.

    Raises Refused, in words, for an answer that cannot be: nothing is kept then.
    """
    require(by, _VERB)
    with transaction.atomic():
        interview = Interview.objects.select_for_update().get(pk=interview.pk)
        if interview.proposed_at is not None:
            raise Refused("This interview has ended in a proposal. Begin another one to change the answers.")
        answers = {**interview.answers, question: dict(told)}
        playbook = playbook_of(interview, answers)
        interview.answers, interview.changed_at = answers, at
        interview.save(update_fields=["answers", "changed_at"])
        data = {"question": question, "answer": dict(told), "version": playbook.version}
        audited(by=by, verb="answered interview", object=str(interview.uuid), data=data, at=at)
    return playbook


def leave_open(*, interview: Interview, question: str, by: By, at: int) -> None:
    """Takes an answer back: the playbook says what it said before."""
    require(by, _VERB)
    with transaction.atomic():
        interview = Interview.objects.select_for_update().get(pk=interview.pk)
        if question in interview.answers and interview.proposed_at is None:
            del interview.answers[question]
            interview.changed_at = at
            interview.save(update_fields=["answers", "changed_at"])
            audited(by=by, verb="left open", object=str(interview.uuid), data={"question": question}, at=at)


def propose(*, interview: Interview, by: User, at: int, on: date) -> Proposal:
    """Ends the interview: what was agreed is proposed to both sides, to be read again a year from `on`."""
    with transaction.atomic():
        interview = Interview.objects.select_for_update().get(pk=interview.pk)
        if interview.proposed_at is not None:
            raise Refused("This interview has ended in a proposal already.")
        proposal = proposals.propose(text=agreed(interview, on=on), by=by, at=at)
        interview.proposed_at, interview.changed_at = at, at
        interview.save(update_fields=["proposed_at", "changed_at"])
    return proposal


def proposal_of(interview: Interview) -> Proposal | None:
    """The proposal in which it ended; None while it goes on."""
    if interview.proposed_at is None:
        return None
    version = playbook_of(interview).version
    return Proposal.objects.filter(version=version, proposed_at__lte=interview.proposed_at).order_by("-pk").first()


def playbook_of(interview: Interview, answers: Mapping[str, Any] | None = None) -> Playbook:
    """The playbook that the answers make of the one the interview began with. Raises Refused in words."""
    try:
        told = msgspec.convert(interview.answers if answers is None else answers, Answers)
        return load(rewritten(interview.text, told))
    except msgspec.ValidationError as fault:
        raise Refused(f"This answer cannot be read: {fault}.") from None
    except CannotAnswer as fault:
        raise Refused(str(fault)) from None
    except PlaybookRefused as refused:
        fault = refused.errors[0]
        raise Refused(f"{fault.message} {fault.fix}") from None


def agreed(interview: Interview, *, on: date) -> str:
    """The text that both sides sign: the answers in it, to be read again in a year."""
    return to_be_reviewed(playbook_of(interview).text, by=_a_year_later(on))


def evidence_of(interview: Interview) -> dict[str, Evidence]:
    """What the worker found, by question's name; empty while it is reading."""
    return {
        name: Evidence(
            told["said"],
            tuple(Row(**row) for row in told["rows"]),
            tuple(Row(**row) for row in told["found"]),
        )
        for name, told in (interview.evidence or {}).items()
    }


def gather_evidence(payload: Mapping[str, Any], at: int) -> None:
    """The worker's part: reads the history once, and keeps with the interview what it says."""
    interview = Interview.objects.filter(pk=payload["interview"]).first()
    force = published.in_force()
    if interview is None or interview.evidence is not None or force.generation_id is None:
        return
    found = evidence.gather(load(interview.text), force.generation_id, at=at)
    told = {name: asdict(each) for name, each in found.items()}
    Interview.objects.filter(pk=interview.pk).update(evidence=told, evidence_at=at)


def next_question(interview: Interview) -> int:
    """The first question without an answer, 1 to 6; 7 when all are answered."""
    return next((each.number for each in QUESTIONS if each.name not in interview.answers), len(QUESTIONS) + 1)


def _a_year_later(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)
