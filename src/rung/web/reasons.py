"""Why somebody stands where they stand, as a person would say it: what led here, then what the score is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from rung.engine.deciding import Move
from rung.engine.explain import Explanation, FitPoints, Points
from rung.playbook.definitions import Playbook
from rung.playbook.words import listed, when_words
from rung.terms.events import Event
from rung.ui import words
from rung.web import happenings

LEAST: Final = 0.5
"""Points nearer to zero than this have faded: they are told together."""
MOST: Final = 4
"""How many signals are told one by one."""

_OFTEN: Final = ("never", "once", "twice", "three times", "four times", "five times", "six times")


@dataclass(frozen=True, slots=True)
class Reason:
    """A claim with its number and its evidence: `bold` opens the sentence, `note` stands under the points."""

    bold: str
    rest: str
    points: str
    note: str
    seqs: tuple[int, ...]
    is_loss: bool = False

    @property
    def words(self) -> str:
        return f"{self.bold}{self.rest}"


def reasons(
    explanation: Explanation,
    playbook: Playbook,
    events: Mapping[int, Event],
    names: Mapping[str, str],
    *,
    zone: tzinfo,
) -> list[Reason]:
    """The move that led here and what tipped it, then the signals that count most, then who they are."""
    now = explanation.standing.scored_at
    told = _of_moves(explanation, playbook, events, names, now=now, zone=zone)
    counting = sorted((line for line in explanation.points if abs(line.now) >= LEAST), key=lambda line: -line.now)
    gains, losses = [each for each in counting if each.now > 0], [each for each in counting if each.now < 0]
    shown = gains[:MOST] + losses
    told += [_of_signal(line, now=now, zone=zone) for line in shown]
    told += _of_others([line for line in explanation.points if line not in shown])
    held = [line for line in explanation.fit_lines if line.holds]
    return told + ([_of_fit(held, explanation.standing.fit)] if held else [])


def points_note(line: Points) -> str:
    """ "of 42, fading", "capped", "full": what became of the points that the events gave when they were new."""
    notes = [f"of {words.number(line.full)}"] if round(line.full) != round(line.now) else []
    if line.capped >= LEAST:
        notes.append("capped")
    if line.faded >= LEAST:
        notes.append("fading")
    return ", ".join(notes) or "full"


def day_in_sentence(at: int, now: int, zone: tzinfo) -> str:
    """ "today", "yesterday", "17 Nov"."""
    told = words.day(at, now, zone)
    return told.lower() if told in ("Today", "Yesterday") else told


def _of_moves(
    explanation: Explanation,
    playbook: Playbook,
    events: Mapping[int, Event],
    names: Mapping[str, str],
    *,
    now: int,
    zone: tzinfo,
) -> list[Reason]:
    if not explanation.moves:
        label = playbook.short_label(explanation.standing.stage)
        since = day_in_sentence(explanation.standing.first_at, now, zone)
        return [Reason(f"{label} since {since}", ", when we first saw them. No rule has moved them yet.", "", "", ())]
    last = explanation.moves[-1]
    event = events.get(last.seq) if last.seq is not None else None
    day = day_in_sentence(last.at, now, zone)
    seqs = (last.seq,) if last.seq is not None else ()
    bold = f"{playbook.short_label(last.to_code)} {'' if day in ('today', 'yesterday') else 'since '}{day}"
    then = (words.number(last.score), "points then")
    if last.cause == "override":
        by = f" by {names.get(event.by, event.by)}" if event is not None and event.by else " by hand"
        return [Reason(bold, f", set{by}{f': {last.because}' if last.because else ''}.", "", "", seqs)]
    if last.cause == "setback":
        return [Reason(bold, f": {last.because}. {_tipped(event, names)}", *then, seqs)]
    because = when_words(playbook, playbook.stages[last.stage].enter) if last.stage in playbook.stages else last.because
    passed = [each for each in explanation.moves if each.passed and (each.at, each.seq) == (last.at, last.seq)]
    their = "their " if because.startswith(("score ", "fit ", "engagement ")) else ""
    rest = f", because {their}{because}. {_tipped(event, names)}{_passed(passed, playbook)}"
    return [Reason(bold, rest, *then, seqs)]


def _tipped(event: Event | None, names: Mapping[str, str]) -> str:
    if event is None:
        return "Time alone brought it about."
    by = f" ({names.get(event.by, event.by)})" if event.by and "@" in event.by else ""
    return f"What tipped it: {happenings.said(event.kind, event.data)}{by}."


def _passed(passed: Sequence[Move], playbook: Playbook) -> str:
    if not passed:
        return ""
    return f" On the way they passed {listed([playbook.short_label(move.stage) for move in passed])}."


def _of_signal(line: Points, *, now: int, zone: tzinfo) -> Reason:
    often = _OFTEN[line.times] if line.times < len(_OFTEN) else f"{line.times} times"
    last = f", {'' if line.times == 1 else 'last '}{_on(line.last_at, now, zone)}"
    return Reason(line.signal, f" {often}{last}.", words.signed(line.now), points_note(line), line.seqs, line.now < 0)


def _of_others(lines: Sequence[Points]) -> list[Reason]:
    """What is not told one by one, so that the numbers on the page add up to the score."""
    lines = sorted((line for line in lines if line.times), key=lambda line: -line.now)
    rest = sum(line.now for line in lines)
    if abs(rest) < LEAST:
        return []
    bold = "One more signal" if len(lines) == 1 else f"{len(lines)} more signals"
    seqs = tuple(seq for line in lines for seq in line.seqs)
    return [Reason(bold, f": {listed([line.signal for line in lines])}.", words.signed(rest), "", seqs, rest < 0)]


def _on(at: int, now: int, zone: tzinfo) -> str:
    day = day_in_sentence(at, now, zone)
    return day if day in ("today", "yesterday") else f"on {day}"


def _of_fit(held: Sequence[FitPoints], fit: float) -> Reason:
    good = [f"{line.name} {words.signed(line.points)}" for line in held if line.points > 0]
    bad = [f"{line.name} {words.signed(line.points)}" for line in held if line.points <= 0]
    if good:
        against = f"; against them: {', '.join(bad)}" if bad else ""
        return Reason("They fit", f": {', '.join(good)}{against}.", f"fit {words.number(fit)}", "", (), fit < 0)
    return Reason("They do not fit", f": {', '.join(bad)}.", f"fit {words.number(fit)}", "", (), fit < 0)
