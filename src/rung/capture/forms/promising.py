"""By when somebody who filled a form hears from us: what the playbook in force promises to a raised hand. Pure."""

from zoneinfo import ZoneInfo

from rung.capture.forms.definitions import Definition
from rung.playbook.definitions import Playbook
from rung.terms.business_time import NeverOpen
from rung.terms.instants import moment


def by_when(form: Definition, playbook: Playbook, at: int) -> int | None:
    """The instant by which sales answers and gets in touch; None where nothing is promised.

    Only what the playbook calls a raised hand is promised anything: with a paper nobody asked to be called.
    """
    raises = any(signal.is_hand_raise and signal.on == form.kind for signal in playbook.signals)
    if not form.thanks.says_when or not raises:
        return None
    working = playbook.calendar.working_time()
    due_at = at
    try:
        for within in (playbook.handoff.accept_within_hand_raise, playbook.handoff.first_touch_within):
            if within is not None:
                due_at = working.add(due_at, within)
    except NeverOpen:
        return None
    return due_at if due_at > at else None


def said(form: Definition, playbook: Playbook, at: int) -> str:
    """The promise as a sentence in the firm's own time; empty where nothing is promised."""
    due_at = by_when(form, playbook, at)
    if due_at is None:
        return ""
    zone = playbook.calendar.timezone
    local = moment(due_at).astimezone(ZoneInfo(zone))
    return f"You hear from us by {local:%A}, {local.day} {local:%B}, {local:%H:%M} ({zone.replace('_', ' ')})."
