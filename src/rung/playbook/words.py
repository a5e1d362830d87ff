"""The playbook in plain words, as a sales manager reads and signs it; each sentence knows its line in the file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from rung.playbook.conditions.words import in_words
from rung.playbook.definitions import (
    FOREVER,
    SIDES,
    Cadence,
    Calendar,
    Duties,
    FitLine,
    Handoff,
    Journey,
    Playbook,
    Question,
    RejectReason,
    Route,
    Rule,
    Setback,
    Side,
    Signal,
    Step,
    Treatment,
)
from rung.terms.durations import Duration
from rung.terms.instants import DAY, HOUR, MINUTE
from rung.terms.kinds import KINDS
from rung.terms.stages import LABELS, STATUSES


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, the line of the file that it says, and what it is about: the same words in every version."""

    text: str
    line: int
    about: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    sentences: tuple[Sentence, ...]


def plain_words(playbook: Playbook) -> tuple[Section, ...]:
    """The whole agreement, in the order in which one reads it; sections about which it says nothing are left out."""
    sections = (
        Section("The ladder", tuple(_ladder(playbook))),
        Section("Who fits", tuple(_fit(playbook))),
        Section("What counts as interest", tuple(_signals(playbook))),
        Section("Hot and warm", tuple(_temperature(playbook))),
        Section("Steps back", tuple(_setbacks(playbook))),
        Section("The hand-off", tuple(_handoff(playbook))),
        Section("What each side owes", tuple(_duties(playbook.duties))),
        Section("Working time", tuple(_calendar(playbook))),
        Section("What sales finds out", tuple(_qualification(playbook))),
        Section("Whom we meet", tuple(_personas(playbook))),
        Section("Checklists", tuple(_checklists(playbook))),
        Section("Touches, step by step", tuple(_sequences(playbook))),
        Section("What happens by itself", tuple(_journeys(playbook))),
        Section("Review and signatures", tuple(_signatures(playbook))),
    )
    return tuple(section for section in sections if section.sentences)


# --- words for small things -----------------------------------------------------------------------------------------


def labels_of(playbook: Playbook) -> Mapping[str, str]:
    """The firm's words for all rungs and statuses."""
    return {code: in_sentence(playbook.label(code)) for code in LABELS}


def when_words(playbook: Playbook, rule: Rule) -> str:
    """The rule's condition as a clause: "the score is at least 50"."""
    return in_words(rule.condition, labels_of(playbook))


def number_words(value: float) -> str:
    """`8`, `1,000`, `0.5`, with a real minus sign."""
    text = f"{abs(value):,.10g}" if not value.is_integer() else f"{abs(int(value)):,}"
    return f"−{text}" if value < 0 else text


def points_words(points: float) -> str:
    return f"{number_words(points)} {'point' if abs(points) == 1 else 'points'}"


def share_words(share: float) -> str:
    return f"{number_words(round(share * 100, 6))} %"


def time_words(micros: int) -> str:
    """Microseconds in the largest unit that fits: `30 days`, `36 hours`."""
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if micros % size == 0:
            return str(Duration(micros // size, unit))  # type: ignore[arg-type]
    return f"{micros / HOUR:g} hours"


def day_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`."""
    *most, end = words
    return f"{', '.join(most)} {last} {end}" if most else end


def ended(text: str) -> str:
    """The text with a full stop, unless it ends a quoted sentence that has its own."""
    return text if text.endswith((".”", "?”", "!”", ".", "?", "!")) else f"{text}."


def in_sentence(label: str) -> str:
    """A label inside a sentence: `marketing qualified lead`, but `SQL`."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def with_article(label: str) -> str:
    """`a lead`, `an opportunity`, `an MQL`."""
    word = in_sentence(label)
    is_acronym = word[1:2].isupper()
    sounds = "AEFHILMNORSX" if is_acronym else "aeio"
    return f"{'an' if word[:1] in sounds or word[:2].lower() in ('un',) else 'a'} {word}"


# --- the ladder -----------------------------------------------------------------------------------------------------


def _ladder(playbook: Playbook) -> Iterator[Sentence]:
    start = playbook.lines.get("stages", 1)
    yield Sentence(f"Everybody we know of starts as {with_article(playbook.label('suspect'))}.", start, "start")
    yield from _treatment("suspect", playbook.treat_suspect)
    for stage in playbook.stages.values():
        yield Sentence(_entry(playbook, stage.code, stage.enter), stage.enter.line, f"stage {stage.code}")
        yield from _treatment(stage.code, stage.treat)
    for band in playbook.bands:
        rungs = listed(in_sentence(playbook.label(code)) for code in band.stages)
        meeting = (
            f"; there we meet people through {listed(map(in_sentence, band.touchpoints))}" if band.touchpoints else ""
        )
        yield Sentence(f"{band.name} holds {rungs}{meeting}.", band.line, f"band {band.name}")


def _treatment(code: str, treatments: Iterable[Treatment]) -> Iterator[Sentence]:
    for treatment in treatments:
        content = f" ({listed(treatment.content)})" if treatment.content else ""
        yield Sentence(
            f"What we do then: {in_sentence(treatment.what)}{content}.",
            treatment.line,
            f"treat {code} {treatment.what}",
        )


def _entry(playbook: Playbook, code: str, enter: Rule) -> str:
    label = with_article(playbook.label(code))
    if enter.text == "true":
        return f"Everybody we know of is {label}."
    return f"A person becomes {label} when {when_words(playbook, enter)}."


def _fit(playbook: Playbook) -> Iterator[Sentence]:
    for line in playbook.fit:
        yield Sentence(fit_words(playbook, line), line.line, f"fit {line.name}")


def fit_words(playbook: Playbook, line: FitLine) -> str:
    verb = "takes" if line.points < 0 else "gives"
    return f"{line.name} {verb} {points_words(abs(line.points))} when {when_words(playbook, line.when)}."


def _signals(playbook: Playbook) -> Iterator[Sentence]:
    for signal in playbook.signals:
        yield Sentence(signal_words(playbook, signal), signal.line, f"signal {signal.name}")


def signal_words(playbook: Playbook, signal: Signal) -> str:
    """What one signal is worth: "Demo request (asked for a demo) gives 40 points, 60 in all at most; …"."""
    who = "a colleague " if signal.is_company else ""
    condition = f", when {when_words(playbook, signal.when)}" if signal.when else ""
    what = f"{signal.name} ({who}{_did(signal.on)}{condition})"
    if not signal.points:
        worth = "counts as interest and gives no points"
    elif signal.points < 0:
        worth = f"takes {points_words(-signal.points)}, for good"
    else:
        worth = f"gives {points_words(signal.points)}" + _limits(signal)
    raised = ". It is a raised hand" if signal.is_hand_raise else ""
    return f"{what} {worth}{raised}."


def _did(kind: str) -> str:
    """The kind's words inside a sentence: "Read a page" as "read a page"."""
    return in_sentence(KINDS[kind].words)


def _limits(signal: Signal) -> str:
    most = f", {number_words(signal.cap)} in all at most" if signal.cap is not None else ""
    fading = f"; half of it fades in {time_words(signal.half_life)}" if signal.half_life is not None else ""
    return most + fading


def _temperature(playbook: Playbook) -> Iterator[Sentence]:
    hot, warm = playbook.temperature.hot, playbook.temperature.warm
    if hot:
        yield Sentence(f"A person is hot when {when_words(playbook, hot)}.", hot.line, "hot")
    if warm:
        yield Sentence(f"Otherwise they are warm when {when_words(playbook, warm)}; else cold.", warm.line, "warm")


def _setbacks(playbook: Playbook) -> Iterator[Sentence]:
    for setback in playbook.setbacks:
        yield Sentence(setback_words(playbook, setback), setback.line, f"setback {setback.because}")
    if playbook.setbacks:
        last = "After a step back nobody climbs before the next thing they do, or one of us does with them."
        yield Sentence(last, playbook.lines.get("setbacks", 1), "waiting")


def setback_words(playbook: Playbook, setback: Setback) -> str:
    label = playbook.label(setback.to)
    if setback.to == "disqualified":
        where = "A person is disqualified, until somebody sets their rung by hand,"
    elif setback.to in STATUSES:
        where = f"A person goes to {in_sentence(label)}"
    elif setback.lap:
        where = f"A customer starts over as {with_article(label)}"
    else:
        where = f"A person falls back to {in_sentence(label)}"
    return f"{where} when {when_words(playbook, setback.when)} (“{setback.because}”){_rest_words(setback.rest)}."


def _rest_words(rest: int | None) -> str:
    if rest is None:
        return ""
    if rest == FOREVER:
        return ", and never comes back by score, only by raising their hand or by buying"
    return f", and rests for {time_words(rest)} or until they raise their hand"


# --- hand-off and duties --------------------------------------------------------------------------------------------


def _handoff(playbook: Playbook) -> Iterator[Sentence]:
    handoff = playbook.handoff
    label = with_article(playbook.label(handoff.on))
    opens = f"The moment someone becomes {label}, a hand-off opens; whoever climbs past that is handed over too."
    yield Sentence(opens, handoff.line or 1, "handoff on")
    yield from _clocks(handoff)
    if handoff.must_document:
        told = listed(map(in_sentence, handoff.must_document))
        yield Sentence(
            f"Marketing writes down {told} before it hands over.", handoff.lines["must_document"], "document"
        )
    for reason in handoff.reject_reasons.values():
        yield Sentence(reason_words(reason), reason.line, f"reason {reason.reason}")
    if handoff.return_reasons:
        reasons = listed((f"“{reason}”" for reason in handoff.return_reasons), "or")
        yield Sentence(
            f"Sales may return a hand-off because of {reasons}.", handoff.lines["return_reasons"], "return reasons"
        )
    for pause in handoff.pause:
        yield Sentence(_PAUSES[pause], handoff.lines["pause"], f"pause {pause}")
    for number, route in enumerate(handoff.route):
        text = route_words(playbook, route, is_last=number == len(handoff.route) - 1)
        yield Sentence(text, route.line, f"route {route.to}")


_PAUSES: Final = {
    "meeting set": "A first touch and a reply wait while a meeting is set that was neither held nor missed.",
    "owner away": "Clocks stand still while whoever owes the answer is away.",
}


def _clocks(handoff: Handoff) -> Iterator[Sentence]:
    scored, raised = handoff.accept_within_scored, handoff.accept_within_hand_raise
    line = handoff.lines.get("accept_within", 1)
    if scored and raised and scored != raised:
        yield Sentence(
            f"Sales answers within {raised} when they raised their hand, within {scored} otherwise.",
            line,
            "accept within",
        )
    elif scored and raised:
        yield Sentence(f"Sales answers within {scored}.", line, "accept within")
    elif raised:
        yield Sentence(f"Sales answers within {raised} when they raised their hand.", line, "accept within")
    elif scored:
        yield Sentence(f"Sales answers within {scored} when their score brought them.", line, "accept within")
    if handoff.first_touch_within:
        text = f"Sales first tries to reach them within {handoff.first_touch_within} of accepting."
        yield Sentence(text, handoff.lines["first_touch_within"], "first touch")
    if handoff.escalate_at is not None:
        text = f"The manager is told when {share_words(handoff.escalate_at)} of the time has passed without an answer."
        yield Sentence(text, handoff.lines["escalate_at"], "escalate")


def reason_words(reason: RejectReason) -> str:
    """What a rejection for this reason means for the person."""
    start = f"Sales may reject with “{reason.reason}”"
    if reason.wakes_on == "date":
        without = f" (without a day: after {time_words(reason.rest)})" if reason.rest is not None else ""
        return f"{start} and names the day on which they wake by themselves{without}."
    if reason.rest == FOREVER:
        return f"{start}: they never come back by score."
    return f"{start}: they rest for {time_words(reason.rest)}." if reason.rest is not None else f"{start}."


_TURNS: Final = {
    "round_robin": ", one after the other",
    "capacity": ", whoever has room",
    "owner": ", whoever owns the account",
}


def route_words(playbook: Playbook, route: Route, *, is_last: bool = False) -> str:
    turn = _TURNS[route.turn]
    if route.when is None:
        return f"{'All others go' if is_last else 'Everyone goes'} to {route.to}{turn}."
    return f"When {when_words(playbook, route.when)}, they go to {route.to}{turn}."


def _duties(duties: Duties) -> Iterator[Sentence]:
    lines = duties.lines
    if duties.mqls_per_month is not None:
        text = f"Marketing owes {number_words(float(duties.mqls_per_month))} hand-offs a month."
        yield Sentence(text, lines["mqls_per_month"], "duty mqls_per_month")
    if duties.accepted_share is not None:
        text = f"At least {share_words(duties.accepted_share)} of the hand-offs are good enough to be accepted."
        yield Sentence(text, lines["accepted_share"], "duty accepted_share")
    if duties.nurture:
        text = f"Marketing does at least this for each lead: {cadence_words(duties.nurture)}."
        yield Sentence(text, duties.nurture.line, "duty nurture")
    if duties.accepted_within_sla is not None:
        text = f"Sales answers at least {share_words(duties.accepted_within_sla)} of hand-offs in time."
        yield Sentence(text, lines["accepted_within_sla"], "duty accepted_within_sla")
    if duties.first_touch_within_sla is not None:
        text = f"Sales makes at least {share_words(duties.first_touch_within_sla)} of first touches in time."
        yield Sentence(text, lines["first_touch_within_sla"], "duty first_touch_within_sla")
    if duties.cadence:
        text = f"Sales does at least this for each person it accepts: {cadence_words(duties.cadence)}."
        yield Sentence(text, duties.cadence.line, "duty cadence")


def cadence_words(cadence: Cadence) -> str:
    """`3 calls and 3 mails within 10 business days`."""
    counts = (
        (cadence.calls, "call", "calls"),
        (cadence.mails, "mail", "mails"),
        (cadence.social, "message on social media", "messages on social media"),
        (cadence.letters, "letter", "letters"),
    )
    said = listed([f"{count} {one if count == 1 else many}" for count, one, many in counts if count] or ["nothing"])
    return f"{said} within {cadence.within}" if cadence.within else said


def _calendar(playbook: Playbook) -> Iterator[Sentence]:
    calendar = playbook.calendar
    if "calendar" not in playbook.lines:
        return
    yield Sentence(f"We work {_worked(calendar)}.", calendar.line, "calendar")
    for team, theirs in calendar.teams.items():
        yield Sentence(f"The team {team} works {_worked(theirs)}.", theirs.line, f"calendar {team}")


def _worked(calendar: Calendar) -> str:
    days_off = [*(f"the public holidays of {code}" for code in calendar.holidays), *map(day_words, calendar.days_off)]
    closed = f", except on {listed(days_off)}" if days_off else ""
    return f"{calendar.hours.replace('-', ' to ')} in {calendar.timezone}{closed}"


# --- what sales finds out, whom we meet -----------------------------------------------------------------------------


def _qualification(playbook: Playbook) -> Iterator[Sentence]:
    for letter in playbook.qualification.values():
        said = []
        if letter.ask:
            said.append(f"we ask {listed((f'“{ask}”' for ask in letter.ask), 'or')}")
        if letter.frictions:
            said.append(f"what may stand in the way is {listed((f'“{f}”' for f in letter.frictions), 'or')}")
        if letter.valid_for is not None:
            said.append(f"an answer holds for {time_words(letter.valid_for)}")
        if said:
            text = ended(f"{letter.letter.capitalize()}: {'; '.join(said)}")
            yield Sentence(text, letter.line, f"letter {letter.letter}")
        for friction, remedy in letter.remedies.items():
            text = ended(f"When “{friction}” stands in the way: {in_sentence(remedy)}")
            yield Sentence(text, letter.line, f"friction {friction}")
    for question in playbook.questions:
        yield Sentence(_question_words(playbook, question), question.line, f"question {question.name}")
    for sheet in playbook.sheets:
        first = " first" if sheet is playbook.sheets[0] else ""
        yield Sentence(f"We ask{first} by the sheet {sheet.name}.", sheet.line, f"sheet {sheet.name}")
        for question in sheet.questions:
            yield Sentence(_question_words(playbook, question), question.line, f"question {question.name}")


_SHEETS: Final = {"open": "openly", "qualifying": "to qualify", "pain": "about the pain"}


def _question_words(playbook: Playbook, question: Question) -> str:
    asked = f"We ask {_SHEETS[question.sheet]}: “{question.ask}”"
    if question.letter:
        asked += f" The answer tells the {question.letter}."
    if not question.must_at:
        return asked
    on = with_article(playbook.label(question.must_at))
    if question.within is None:
        return f"{asked} The answer is due on becoming {on}."
    return f"{asked} The answer is due within {question.within} of becoming {on}."


def _personas(playbook: Playbook) -> Iterator[Sentence]:
    for persona in playbook.personas:
        said = [f"{persona.name}, when {when_words(playbook, persona.when)}."]
        if persona.needs:
            said.append(f"Needs: {listed(map(in_sentence, persona.needs))}.")
        if persona.objections:
            said.append(f"Objections: {listed(map(in_sentence, persona.objections))}.")
        if persona.pitch:
            said.append(f"We say: “{persona.pitch}”")
        yield Sentence(" ".join(said), persona.line, f"persona {persona.name}")


def _checklists(playbook: Playbook) -> Iterator[Sentence]:
    for checklist in playbook.checklists:
        where = f", for {with_article(playbook.label(checklist.stage))}" if checklist.stage else ""
        text = f"{checklist.name}{where}: {listed(map(in_sentence, checklist.lines))}."
        yield Sentence(text, checklist.line, f"checklist {checklist.name}")


_STEPS: Final = {
    "mail": "a mail",
    "call": "a call",
    "social": "a message on social media",
    "letter": "a letter",
    "task": "a task",
}


def _sequences(playbook: Playbook) -> Iterator[Sentence]:
    for sequence in playbook.sequences:
        steps = ", ".join(_step_words(step) for step in sequence.steps)
        starts = "begins when sales accepts somebody" if sequence.starts else "begins by hand"
        text = f"{sequence.name} {starts}, and ends when they answer: {steps}."
        yield Sentence(text, sequence.line, f"sequence {sequence.name}")


def _journeys(playbook: Playbook) -> Iterator[Sentence]:
    for journey in playbook.journeys:
        yield Sentence(_journey_words(playbook, journey), journey.line, f"journey {journey.name}")


def _journey_words(playbook: Playbook, journey: Journey) -> str:
    steps = ", ".join(_step_words(step) for step in journey.steps) or "nothing"
    until = f" It ends when {when_words(playbook, journey.until)}." if journey.until else ""
    return f"{journey.name} begins when {when_words(playbook, journey.when)}: {steps}.{until}"


def _step_words(step: Step) -> str:
    return f"wait {step.wait}" if step.kind == "wait" else f"{_STEPS[step.kind]} “{step.what}”"


# --- signatures -----------------------------------------------------------------------------------------------------


def _signatures(playbook: Playbook) -> Iterator[Sentence]:
    if playbook.review_by:
        text = f"We read this again by {day_words(playbook.review_by)}."
        yield Sentence(text, playbook.lines["review_by"], "review")
    for side in SIDES:
        yield Sentence(_signed(playbook, side), playbook.lines.get("signed", 1), f"signed {side}")


def _signed(playbook: Playbook, side: Side) -> str:
    signature = playbook.signature_of(side)
    if signature is None:
        return f"{side.capitalize()} has not signed this version ({playbook.version[:12]})."
    return f"{signature.who} signed for {side} on {day_words(signature.signed_date)}."
