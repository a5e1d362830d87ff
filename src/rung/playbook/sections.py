"""The sections of the file, each read into its definitions. A section that is missing gives its empty form."""

import re
from collections.abc import Sequence as Listed
from itertools import pairwise
from typing import Final, Literal

from rung.playbook.definitions import (
    ALWAYS_KNOWN_QUESTIONS,
    FOREVER,
    PAUSES,
    SHEETS,
    SIDES,
    STEP_KINDS,
    TURNS,
    Band,
    Cadence,
    Checklist,
    Duties,
    FitLine,
    Handoff,
    Journey,
    Letter,
    Pause,
    Persona,
    Question,
    QuestionSheet,
    RejectReason,
    Route,
    Sequence,
    Setback,
    Sheet,
    Side,
    Signal,
    Signature,
    Stage,
    Step,
    StepKind,
    Temperature,
    Treatment,
    Turn,
)
from rung.playbook.faults import did_you_mean
from rung.playbook.fields import LONGEST_NAME, Names, Part, duplicates
from rung.playbook.tree import Branch, Entry, Leaf, Node, Table
from rung.terms.durations import Duration
from rung.terms.kinds import KINDS
from rung.terms.stages import BANT, LABELS, STAGES, STATUSES

SECTIONS: Final = (
    "playbook",
    "name",
    "signed",
    "review_by",
    "words",
    "bands",
    "personas",
    "fit",
    "signals",
    "temperature",
    "stages",
    "setbacks",
    "handoff",
    "duties",
    "calendar",
    "qualification",
    "checklists",
    "sequences",
    "journeys",
)

NOT_SIGNALS: Final = frozenset(
    "company_described handoff_opened handoff_withdrawn sla_warned sla_breached event_voided import_undone "
    "persons_merged persons_unmerged playbook_published".split()
)
"""Kinds that no person does and no door tells: bookkeeping, or consequences of the playbook itself."""

SIGNAL_KINDS: Final = tuple(code for code in KINDS if code not in NOT_SIGNALS)


def names_of(root: Table) -> Names:
    """The names that conditions may use, gathered from the raw file."""
    questions = _raw_names(root, ("qualification", "questions"), "name")
    for node in _raw_items(root, ("qualification", "sheets")):
        questions += _raw_names(node, ("questions",), "name") or [each.name for each in _shipped_sheet(node)]
    frictions = [text for letter in BANT for text in _raw_frictions(root, letter)]
    lines = [text for node in _raw_items(root, ("checklists",)) for text in _raw_texts(node, ("lines",))]
    return Names(
        signals=tuple(_raw_names(root, ("signals",), "name")),
        frictions=tuple(frictions) or None,
        questions=(*questions, *ALWAYS_KNOWN_QUESTIONS) if questions else None,
        lines=tuple(lines) if _raw_items(root, ("checklists",)) else None,
    )


def _raw_frictions(root: Table, letter: str) -> list[str]:
    path = ("qualification", letter, "frictions")
    return [*_raw_texts(root, path), *_raw_names(root, path, "friction")]


def _raw_items(node: Node, path: Listed[str]) -> tuple[Node, ...]:
    for key in path:
        if not isinstance(node, Table) or key not in node.entries:
            return ()
        node = node.entries[key].value
    return node.items if isinstance(node, Branch) else ()


def _raw_texts(node: Node, path: Listed[str]) -> list[str]:
    leaves = [item for item in _raw_items(node, path) if isinstance(item, Leaf)]
    return [" ".join(leaf.value.split()) for leaf in leaves if isinstance(leaf.value, str)]


def _raw_names(node: Node, path: Listed[str], key: str) -> list[str]:
    tables = [item for item in _raw_items(node, path) if isinstance(item, Table) and key in item.entries]
    values = [table.entries[key].value for table in tables]
    return [" ".join(v.value.split()) for v in values if isinstance(v, Leaf) and isinstance(v.value, str)]


# --- who they are, what they do -------------------------------------------------------------------------------------


def read_fit(root: Part) -> tuple[FitLine, ...]:
    parts = root.parts("fit", "Fit line", ("name", "when", "points"))
    duplicates(parts)
    found = []
    for part in parts:
        name = part.text("name", required=True, longest=LONGEST_NAME)
        points, when = part.number("points", required=True), part.rule("when", "fit", required=True)
        if points == 0:
            part.warn(part.line_of("points"), "0 points change nothing.", "Give it points, or remove the line.")
        if when is not None and points is not None:
            found.append(FitLine(name, when, points, part.line))
    return tuple(found)


def read_personas(root: Part) -> tuple[Persona, ...]:
    parts = root.parts("personas", "Persona", ("name", "when", "needs", "objections", "pitch"))
    duplicates(parts)
    found = []
    for part in parts:
        name, when = part.text("name", required=True, longest=LONGEST_NAME), part.rule("when", "persona", required=True)
        needs, objections, pitch = part.texts("needs"), part.texts("objections"), part.text("pitch")
        if when is not None:
            found.append(Persona(name, when, needs, objections, pitch, part.line))
    return tuple(found)


def read_signals(root: Part) -> tuple[Signal, ...]:
    keys = ("name", "on", "when", "from", "points", "cap", "half_life", "hand_raise")
    parts = root.parts("signals", "Signal", keys)
    duplicates(parts)
    signals = [_signal(part) for part in parts]
    return tuple(signal for signal in signals if signal is not None)


def _signal(part: Part) -> Signal | None:
    name, on = part.text("name", required=True, longest=LONGEST_NAME), part.text("on", required=True)
    if on in NOT_SIGNALS:
        part.error(part.line_of("on"), f"{on} is Rung's own bookkeeping; no signal can rest on it.", "Choose a kind.")
    elif on and on not in KINDS:
        hint = did_you_mean(on, SIGNAL_KINDS, "The kinds are listed in docs/glossary.md; your own are `custom`.")
        part.error(part.line_of("on"), f"there is no kind of event “{on}”.", hint)
    if name in KINDS:
        part.warn(part.line, f'a kind of event has this name too; times("{name}") means the signal.', "Rename it.")
    when = part.rule("when", "signal")
    points = part.number("points")
    cap, half_life = part.number("cap", least=0), part.micros("half_life")
    is_hand_raise, is_company = part.truth("hand_raise"), part.one_of("from", ("company",)) == "company"
    _check_points(part, points, cap, half_life)
    if is_hand_raise and is_company:
        part.error(part.line_of("hand_raise"), "a colleague cannot raise a hand for them.", "Remove one of the two.")
    if part.has("when") and when is None:
        return None
    return Signal(name, on, when, points or 0.0, cap, half_life, is_hand_raise, is_company, part.line)


def _check_points(part: Part, points: float | None, cap: float | None, half_life: int | None) -> None:
    for key, value in (("cap", cap), ("half_life", half_life)):
        if value is None:
            continue
        if points is not None and points < 0:
            part.error(part.line_of(key), f"negative points take no {key}.", f"Remove {key}.")
        elif not points:
            part.warn(part.line_of(key), f"{key} changes nothing without points.", f"Remove {key}, or give points.")
    if cap == 0:
        part.error(part.line_of("cap"), "a cap of 0 takes all points away.", "Remove the signal's points, or the cap.")
    elif cap is not None and points is not None and 0 < cap < points:
        message = f"the cap of {cap:g} is below the {points:g} points of one event."
        part.warn(part.line_of("cap"), message, f"Write `points: {cap:g}`, or a higher cap.")


def read_temperature(root: Part) -> Temperature:
    part = root.part("temperature", "Temperature", ("hot", "warm"))
    rules = []
    for key in ("hot", "warm"):
        entry = part.entries.get(key)
        node = entry.value if entry else None
        if isinstance(node, Leaf) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            node = Leaf(f"engagement >= {node.value:.15g}", node.line)
        if node is not None and isinstance(node, Leaf) and node.value is None:
            part.error(node.line, f"{key} is empty.", "Write a number or a condition.")
            node = None
        rules.append(part.rule_in(node, key, "temperature") if node is not None else None)
    return Temperature(rules[0], rules[1], part.line)


# --- the ladder -----------------------------------------------------------------------------------------------------


def read_stages(root: Part) -> tuple[dict[str, Stage], tuple[Treatment, ...]]:
    """The rungs with an entry, and what one does with people below all of them."""
    part = root.part("stages", "Stages", STAGES)
    if not root.has("stages"):
        root.error(root.line, "stages is missing: there is no ladder.", "Add `stages:` with at least one rung.")
    found: dict[str, Stage] = {}
    on_suspect: tuple[Treatment, ...] = ()
    for code in (code for code in STAGES if code in part.entries):
        stage = part.part(code, f"Stage {code}", ("enter", "treat"))
        treat = _treatments(stage)
        if code == "suspect":
            on_suspect = treat
            if stage.has("enter"):
                stage.error(stage.line_of("enter"), "everybody starts here; it takes no condition.", "Remove enter.")
            continue
        enter = stage.rule("enter", "stage", required=True)
        if enter is not None:
            found[code] = Stage(code, enter, treat, part.line_of(code))
    if not part.is_absent and not set(part.entries) & set(STAGES[1:]):
        part.error(part.line, "no rung above suspect is used.", "Add one, such as `lead: {enter: signals >= 1}`.")
    return found, on_suspect


def _treatments(stage: Part) -> tuple[Treatment, ...]:
    found = []
    for node in stage.items("treat"):
        if isinstance(node, Table):
            part = stage.part_in(node, f"{stage.where}, treat", ("do", "content"))
            found.append(Treatment(part.text("do", required=True), part.texts("content"), node.line))
        elif isinstance(node, Leaf) and isinstance(node.value, str) and node.value.strip():
            found.append(Treatment(" ".join(node.value.split()), (), node.line))
        else:
            stage.error(node.line, "treat holds something that is no text.", "Write what one does, or `{do: …}`.")
    return tuple(found)


def read_setbacks(root: Part, rungs: Listed[str]) -> tuple[Setback, ...]:
    parts = root.parts("setbacks", "Setback", ("to", "when", "because", "rest", "lap"), called="because")
    setbacks = [_setback(part, rungs) for part in parts]
    return tuple(setback for setback in setbacks if setback is not None)


def _setback(part: Part, rungs: Listed[str]) -> Setback | None:
    to = part.text("to", required=True)
    targets = (*rungs, *STATUSES[1:])
    if to in STAGES and to not in rungs:
        part.error(
            part.line_of("to"), f"the rung {to} is not used.", f"Use one of {', '.join(targets)}, or add it to stages."
        )
    elif to and to not in targets:
        part.error(part.line_of("to"), f"there is no rung or status “{to}”.", did_you_mean(to, targets))
    when = part.rule("when", "setback", required=True)
    because = part.text("because", required=True, longest=200)
    rest = part.micros("rest", may_be_never=True)
    lap: Literal["expansion"] | None = "expansion" if part.one_of("lap", ("expansion",)) else None
    if lap and part.has("rest"):
        part.error(part.line_of("rest"), "a new lap takes no rest.", "Remove rest.")
    if lap and to in STATUSES:
        part.error(part.line_of("to"), f"a new lap begins on a rung, not in {to}.", "Write `to: lead`.")
    return None if when is None else Setback(to, when, because, rest, lap, part.line)


def read_words(root: Part) -> dict[str, str]:
    part = root.part("words", "Words", tuple(LABELS))
    return {code: part.text(code, longest=60) for code in part.entries if code in LABELS}


def read_bands(root: Part, rungs: Listed[str]) -> tuple[Band, ...]:
    part = root.part("bands", "Bands", None)
    found, placed = [], dict[str, str]()
    for name, entry in part.entries.items():
        where = f"Band {name}"
        if isinstance(entry.value, Table):
            band = part.part_in(entry.value, where, ("stages", "touchpoints"))
            key = "stages"
        else:
            band, key = part, name
        stages = band.texts(key)
        for code in stages:
            if code not in STAGES:
                part.error(band.line_of(key), f"{name}: there is no stage “{code}”.", did_you_mean(code, STAGES))
            elif code not in rungs:
                part.error(
                    band.line_of(key), f"{name}: the rung {code} is not used.", "Remove it, or add it to stages."
                )
            elif code in placed:
                part.error(band.line_of(key), f"{code} is in {placed[code]} and in {name}.", "Keep one of the two.")
            placed[code] = name
        touchpoints = band.texts("touchpoints") if band is not part else ()
        found.append(Band(name, stages, touchpoints, entry.line))
    return tuple(found)


# --- hand-off and duties --------------------------------------------------------------------------------------------


def read_handoff(root: Part, rungs: Listed[str]) -> Handoff:
    keys = (
        "on",
        "accept_within",
        "first_touch_within",
        "escalate_at",
        "must_document",
        "reject_reasons",
        "return_reasons",
        "route",
        "pause",
    )
    part = root.part("handoff", "Handoff", keys)
    scored, hand_raise = _accept_within(part)
    return Handoff(
        on=_handoff_on(part, rungs),
        accept_within_hand_raise=hand_raise,
        accept_within_scored=scored,
        first_touch_within=part.duration("first_touch_within"),
        escalate_at=part.share("escalate_at"),
        must_document=part.texts("must_document"),
        reject_reasons=_reject_reasons(part),
        return_reasons=part.texts("return_reasons"),
        route=_routes(part),
        pause=_pauses(part),
        line=part.line_of("on"),
        lines=part.lines(),
    )


def _handoff_on(part: Part, rungs: Listed[str]) -> str:
    on = part.text("on")
    if not part.has("on"):
        return "mql"
    usable = [code for code in rungs if code not in ("suspect", "customer")]
    if on in STAGES and on not in rungs:
        part.error(part.line_of("on"), f"the rung {on} is not used.", "Name a rung of stages.")
    elif on and on not in usable:
        part.error(part.line_of("on"), f"nobody can be handed over on “{on}”.", did_you_mean(on, usable))
    return on or "mql"


def _accept_within(part: Part) -> tuple[Duration | None, Duration | None]:
    """The time for a scored hand-off and for a hand raise; one duration holds for both."""
    entry = part.entries.get("accept_within")
    if entry is None or not isinstance(entry.value, Table):
        both = part.duration("accept_within")
        return both, both
    times = part.part("accept_within", "Handoff, accept_within", ("hand_raise", "scored"))
    return times.duration("scored"), times.duration("hand_raise")


def _reject_reasons(part: Part) -> dict[str, RejectReason]:
    found: dict[str, RejectReason] = {}
    for number, node in enumerate(part.items("reject_reasons"), 1):
        if isinstance(node, Leaf):
            node = Table({"reason": Entry("reason", node.line, node)}, node.line)
        reason_part = part.part_in(node, f"Reject reason {number}", ("reason", "rest", "wakes_on"))
        reason = reason_part.text("reason", required=True, longest=LONGEST_NAME)
        rest = reason_part.micros("rest", may_be_never=True)
        wakes_on: Literal["date"] | None = "date" if reason_part.one_of("wakes_on", ("date",)) else None
        if wakes_on and rest == FOREVER:
            line = reason_part.line_of("rest")
            reason_part.error(line, "who never comes back does not wake on a date.", "Remove rest or wakes_on.")
        if reason in found:
            first = found[reason].line
            reason_part.error(node.line, f"“{reason}” stands twice; first on line {first}.", "Keep one of the two.")
        elif reason:
            found[reason] = RejectReason(reason, rest, wakes_on, node.line)
    return found


def _pauses(part: Part) -> tuple[Pause, ...]:
    said = part.texts("pause")
    for text in said:
        if text not in PAUSES:
            part.error(part.line_of("pause"), f"a clock cannot pause for “{text}”.", did_you_mean(text, PAUSES))
    return tuple(pause for pause in PAUSES if pause in said)


def _routes(part: Part) -> tuple[Route, ...]:
    found = []
    for route in part.parts("route", "Route", ("when", "to", "turn"), called="to"):
        said = route.one_of("turn", TURNS)
        turn: Turn = next((each for each in TURNS if each == said), "round_robin")
        found.append(Route(route.rule("when", "route"), route.text("to", required=True), turn, route.line))
    for before, following in pairwise(found):
        if before.when is None:
            message = "no hand-off gets past the line before, which has no condition."
            part.warn(following.line, message, "Give that line a `when`, or move it to the end.")
    return tuple(found)


def read_duties(root: Part) -> Duties:
    part = root.part("duties", "Duties", SIDES)
    marketing = part.part("marketing", "Duties of marketing", ("mqls_per_month", "accepted_share", "nurture"))
    sales = part.part("sales", "Duties of sales", ("accepted_within_sla", "first_touch_within_sla", "cadence"))
    return Duties(
        mqls_per_month=marketing.whole("mqls_per_month"),
        accepted_share=marketing.share("accepted_share"),
        nurture=_cadence(marketing, "nurture"),
        accepted_within_sla=sales.share("accepted_within_sla"),
        first_touch_within_sla=sales.share("first_touch_within_sla"),
        cadence=_cadence(sales, "cadence"),
        line=part.line,
        lines={**part.lines(), **marketing.lines(), **sales.lines()},
    )


def _cadence(part: Part, key: str) -> Cadence | None:
    if not part.has(key):
        return None
    cadence = part.part(key, f"{part.where}, {key}", ("calls", "mails", "social", "letters", "within"))
    counts = {each: cadence.whole(each) or 0 for each in ("calls", "mails", "social", "letters")}
    if cadence.entries and not any(counts.values()):
        cadence.warn(part.line_of(key), "it asks for nothing.", "Write such as `{calls: 3, within: 10 business days}`.")
    return Cadence(**counts, within=cadence.duration("within"), line=part.line_of(key))


# --- questions ------------------------------------------------------------------------------------------------------


def read_qualification(root: Part) -> dict[str, Letter]:
    part = root.part("qualification", "Qualification", (*BANT, "questions", "sheets"))
    letters = {}
    for letter in BANT:
        each = part.part(letter, f"Qualification, {letter}", ("ask", "frictions", "valid_for"))
        frictions, remedies = _frictions(each)
        letters[letter] = Letter(
            letter, each.texts("ask"), frictions, remedies, each.micros("valid_for"), part.line_of(letter)
        )
    return letters


def _frictions(letter: Part) -> tuple[tuple[str, ...], dict[str, str]]:
    """What stands in the way, each a text or `{friction, do}`, and what to do about it."""
    found: list[str] = []
    remedies: dict[str, str] = {}
    for node in letter.items("frictions"):
        if isinstance(node, Leaf):
            node = Table({"friction": Entry("friction", node.line, node)}, node.line)
        part = letter.part_in(node, f"{letter.where}, friction", ("friction", "do"))
        name, remedy = part.text("friction", required=True, longest=LONGEST_NAME), part.text("do")
        if name in found:
            part.error(part.line, f"“{name}” stands twice in frictions.", "Keep one of the two.")
        elif name:
            found.append(name)
            remedies |= {name: remedy} if remedy else {}
    return tuple(found), remedies


def read_questions(root: Part, rungs: Listed[str]) -> tuple[Question, ...]:
    part = root.part("qualification", "Qualification", None)
    return _questions(part, rungs)


def _questions(part: Part, rungs: Listed[str]) -> tuple[Question, ...]:
    parts = part.parts("questions", "Question", ("name", "ask", "sheet", "letter", "must_at", "within"))
    duplicates(parts)
    found = []
    for each in parts:
        said = each.one_of("sheet", SHEETS)
        sheet: Sheet = next((known for known in SHEETS if known == said), "qualifying")
        must_at = each.one_of("must_at", rungs) or None
        within = each.duration("within")
        if within and not must_at:
            each.error(each.line_of("within"), "within counts from arriving on a rung.", "Add `must_at: prospect`.")
        name, ask = each.text("name", required=True, longest=LONGEST_NAME), each.text("ask", required=True)
        letter = each.one_of("letter", BANT) or None
        found.append(Question(name, ask, sheet, must_at, within, each.line, letter))
    return tuple(found)


def read_sheets(root: Part, rungs: Listed[str], questions: Listed[Question]) -> tuple[QuestionSheet, ...]:
    """Other sheets than BANT: the name of one that Rung brings along, or the firm's own questions."""
    part = root.part("qualification", "Qualification", None)
    found: list[QuestionSheet] = []
    for node in part.items("sheets", most=MOST_SHEETS):
        if isinstance(node, Leaf):
            shipped = _shipped_sheet(node)
            if not shipped:
                fix = f"Write one of {', '.join(SHIPPED_SHEETS)}, or `{{name: …, questions: [ … ]}}`."
                part.error(node.line, f"we bring along no sheet “{str(node.value)[:40]}”.", fix)
                continue
            sheet = QuestionSheet(str(node.value), shipped, node.line)
        else:
            own = part.part_in(node, f"Sheet {len(found) + 1}", ("name", "questions"))
            name = own.text("name", required=True, longest=LONGEST_NAME)
            if not own.has("questions") and not own.is_absent:
                own.error(own.line, "it asks nothing.", "Add `questions: [{name: …, ask: …}]`.")
            sheet = QuestionSheet(name, _questions(own, rungs), node.line)
        taken = [each.name for each in found]
        if sheet.name in (*taken, "BANT"):
            part.error(node.line, f"the sheet {sheet.name} is there already.", "Keep one of the two.")
        found.append(sheet)
    _check_names(part, found, questions)
    return tuple(found)


def _check_names(part: Part, sheets: Listed[QuestionSheet], questions: Listed[Question]) -> None:
    """An answer is kept by the question's name: the same name twice is the same question twice."""
    seen = {question.name: "questions" for question in questions}
    for sheet in sheets:
        for question in sheet.questions:
            if question.name in seen:
                message = f"the question {question.name} of {sheet.name} stands in {seen[question.name]} too."
                part.error(question.line, message, "Give it another name.")
            seen[question.name] = sheet.name


MOST_SHEETS: Final = 10
SHIPPED_SHEETS: Final[dict[str, tuple[tuple[str, str, Sheet, str | None], ...]]] = {
    "MEDDICC": (
        ("metrics", "What would be better by how much, in numbers, once this is solved?", "pain", "budget"),
        ("economic_buyer", "Who can spend the money, and have we met them?", "qualifying", "authority"),
        ("decision_criteria", "By what will you judge the offers?", "qualifying", None),
        ("decision_process", "What are the steps to a decision, and by when is each?", "qualifying", "timing"),
        ("identified_pain", "What hurts so much that it has to be solved?", "pain", "need"),
        ("champion", "Who inside wants us to win, and can move others?", "qualifying", None),
        ("competition", "Whom else do you look at, doing nothing included?", "qualifying", None),
    ),
    "CHAMP": (
        ("champ_challenges", "What is the challenge, and whom does it hold back?", "pain", "need"),
        ("champ_authority", "How do you decide together, and who has the last word?", "qualifying", "authority"),
        ("champ_money", "What may it cost to be worth it to you?", "qualifying", "budget"),
        ("champ_priority", "Where does it stand among what you want to do this quarter?", "qualifying", "timing"),
    ),
}
"""Sheet → (name, question, kind, letter of BANT that its answer answers)."""


def _shipped_sheet(node: Node) -> tuple[Question, ...]:
    name = str(node.value) if isinstance(node, Leaf) else ""
    told = SHIPPED_SHEETS.get(name, ())
    return tuple(Question(each, ask, kind, None, None, node.line, letter) for each, ask, kind, letter in told)


def read_checklists(root: Part, rungs: Listed[str]) -> tuple[Checklist, ...]:
    parts = root.parts("checklists", "Checklist", ("name", "stage", "lines"))
    duplicates(parts)
    found, seen = [], dict[str, str]()
    for part in parts:
        name, lines = part.text("name", required=True, longest=LONGEST_NAME), part.texts("lines", longest=200)
        stage = part.one_of("stage", rungs) or None
        if not lines and not part.is_absent:
            part.error(part.line, "it has no lines.", "Add `lines: [ … ]`.")
        for line in lines:
            if line in seen:
                message = f"the line “{line}” stands in {seen[line]} too; one tick would count for both."
                part.error(part.line_of("lines"), message, "Word one of them differently.")
            seen[line] = name
        found.append(Checklist(name, stage, lines, part.line))
    return tuple(found)


def read_sequences(root: Part) -> tuple[Sequence, ...]:
    parts = root.parts("sequences", "Sequence", ("name", "starts", "steps"))
    duplicates(parts)
    found = []
    for part in parts:
        name = part.text("name", required=True, longest=LONGEST_NAME)
        starts: Literal["accepted"] | None = "accepted" if part.one_of("starts", ("accepted",)) else None
        steps = tuple(step for node in part.items("steps", most=50) if (step := _step(part, node)) is not None)
        if not any(step.kind != "wait" for step in steps) and not part.is_absent:
            fix = "Add `steps: [{call: First call}, {wait: 1 business day}, {mail: What we talked about}]`."
            part.error(part.line, "it holds no touch.", fix)
        found.append(Sequence(name, starts, steps, part.line))
    begins = [each for each in found if each.starts]
    if len(begins) > 1:
        message = f"Sequence “{begins[1].name}”: “{begins[0].name}” starts by itself already."
        root.notes.error(begins[1].line, message, "Let one of them start by hand.")
    return tuple(found)


def read_journeys(root: Part) -> tuple[Journey, ...]:
    parts = root.parts("journeys", "Journey", ("name", "when", "until", "steps"))
    duplicates(parts)
    found = []
    for part in parts:
        name, when = part.text("name", required=True, longest=LONGEST_NAME), part.rule("when", "journey", required=True)
        until = part.rule("until", "journey")
        steps = tuple(step for node in part.items("steps") if (step := _step(part, node)) is not None)
        if not part.has("steps") and not part.is_absent:
            part.error(part.line, "it has no steps.", "Add `steps: [{mail: Welcome}, {wait: 3d}]`.")
        if when is not None:
            found.append(Journey(name, when, until, steps, part.line))
    return tuple(found)


def _step(journey: Part, node: Node) -> Step | None:
    step = journey.part_in(node, f"{journey.where}, step", STEP_KINDS)
    if len(step.entries) != 1 and not step.is_absent:
        step.error(node.line, "a step is one thing.", "Write one of `mail call social letter task wait` a step.")
    if len(step.entries) != 1:
        return None
    said = next(iter(step.entries))
    kind: StepKind | None = next((known for known in STEP_KINDS if known == said), None)
    if kind is None:
        return None
    if kind == "wait":
        return Step(kind, "", step.duration("wait"), node.line)
    return Step(kind, step.text(said, required=True, longest=200), None, node.line)


# --- signatures -----------------------------------------------------------------------------------------------------

_SIGNED: Final = re.compile(r"(?P<who>.+?)\s+(?P<day>\S+)\s+(?P<version>[0-9a-f]{4,64})(…|\.\.\.)?\Z", re.ASCII)
_SHORTEST_SAFE: Final = 12


def read_signatures(root: Part, version: str) -> tuple[Signature, ...]:
    """Who signed what. A signature under another version is kept, and said to be none under this one."""
    part = root.part("signed", "Signed", SIDES)
    found = []
    for said in part.entries:
        side: Side | None = next((known for known in SIDES if known == said), None)
        text = part.text(said)
        if side is None or not text:
            continue
        line = part.line_of(said)
        match = _SIGNED.match(text)
        signed_date = part.day_in(Leaf(match["day"], line), said) if match else None
        if match is None:
            part.error(line, f"{said} is no signature.", f"Write `{said}: Mia Ortiz 2026-11-01 {version[:12]}`.")
        elif signed_date is not None:
            found.append(Signature(side, match["who"], signed_date, match["version"], line))
            _check_signature(part, found[-1], version)
    for side in SIDES if part.entries else ():
        if not part.has(side):
            part.warn(part.line, f"{side} has not signed.", f"Let {side} sign version {version[:12]}.")
    return tuple(found)


def _check_signature(part: Part, signature: Signature, version: str) -> None:
    if not version.startswith(signature.version):
        message = (
            f"{signature.who} signed another version; this one is {version[:12]} and unsigned by {signature.side}."
        )
        part.warn(signature.line, message, f"Let {signature.side} read the change and sign again.")
    elif len(signature.version) < _SHORTEST_SAFE:
        message = f"{len(signature.version)} digits do not tell versions apart safely."
        part.warn(signature.line, message, f"Write {version[:_SHORTEST_SAFE]}.")
