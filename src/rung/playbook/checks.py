"""What a playbook says that cannot be: lines that never fire, rungs nobody reaches, laps that start nowhere."""

import math
from collections.abc import Iterator

from rung.playbook.conditions.syntax import Compare, Fact, In, Text, walk
from rung.playbook.definitions import Playbook, Rule, Setback
from rung.playbook.fields import Notes
from rung.playbook.sense import Known, contradiction, dead_alternatives, folded
from rung.terms.stages import RANK, STAGES, STATUS_RANK, STATUSES


def look_for_nonsense(playbook: Playbook, notes: Notes) -> None:
    """Notes what contradicts itself as errors, and what merely never happens as warnings.

    Where something else is wrong already, nothing is said about what never happens: half a playbook proves nothing.
    """
    is_whole = not notes.errors
    for where, rule in rules_of(playbook):
        _check_contradiction(where, rule, notes)
    for setback in playbook.setbacks:
        _check_lap(playbook, setback, notes)
    if not is_whole or notes.errors:
        return
    for where, rule in rules_of(playbook):
        _check_reach(playbook, where, rule, notes)
    for setback in playbook.setbacks:
        _check_target(playbook, setback, notes)
    for code in playbook.stages:
        _check_rung(playbook, code, notes)
    if playbook.handoff.on not in playbook.stages:
        message = f"Handoff: it opens on {playbook.handoff.on}, which is not used."
        suggested = next(
            (code for code in ("prospect", "sal", "opportunity", "lead") if code in playbook.stages), "lead"
        )
        notes.warn(playbook.handoff.line or 1, message, f"Write `handoff: {{on: {suggested}}}`.")


def rules_of(playbook: Playbook) -> Iterator[tuple[str, Rule]]:
    """Every condition of the playbook, with the words that say where it stands."""
    yield from ((f"Fit line “{line.name}”", line.when) for line in playbook.fit)
    yield from ((f"Signal “{s.name}”", s.when) for s in playbook.signals if s.when)
    yield from ((f"Temperature, {name}", rule) for name, rule in _temperatures(playbook) if rule)
    yield from ((f"Stage {code}", stage.enter) for code, stage in playbook.stages.items())
    yield from ((f"Setback “{s.because}”", s.when) for s in playbook.setbacks)
    yield from ((f"Persona “{p.name}”", p.when) for p in playbook.personas)
    yield from ((f"Route to {r.to}", r.when) for r in playbook.handoff.route if r.when)
    for journey in playbook.journeys:
        yield f"Journey “{journey.name}”", journey.when
        if journey.until:
            yield f"Journey “{journey.name}”, until", journey.until


def _temperatures(playbook: Playbook) -> tuple[tuple[str, Rule | None], ...]:
    return ("hot", playbook.temperature.hot), ("warm", playbook.temperature.warm)


def _check_contradiction(where: str, rule: Rule, notes: Notes) -> None:
    clash = contradiction(rule.condition)
    if clash:
        notes.error(rule.line, f"{where}: {clash}.", "Correct one of the two.")


def _check_reach(playbook: Playbook, where: str, rule: Rule, notes: Notes) -> None:
    for dead in dead_alternatives(rule.condition):
        notes.warn(rule.line, f"{where}: one alternative can never hold: {dead}.", "Correct it, or remove it.")
    if folded(rule.condition, {}) is False:
        notes.warn(rule.line, f"{where}: this line can never fire.", "Write a condition that may hold, or remove it.")
    unreachable = contradiction(rule.condition, _bounds(playbook))
    if unreachable:
        message = f"{where}: this line can never fire: {unreachable}."
        notes.warn(rule.line, message, "Ask for less, or give more points.")
    for code in _unused_stages(playbook, rule):
        message = f"{where}: nobody ever stands on {code}, which is not used."
        notes.warn(rule.line, message, "Remove it, or add the rung.")


def _unused_stages(playbook: Playbook, rule: Rule) -> list[str]:
    named: list[str] = []
    for node in walk(rule.condition):
        if isinstance(node, Compare) and Fact("stage") in (node.left, node.right):
            named += [side.value for side in (node.left, node.right) if isinstance(side, Text)]
        if isinstance(node, In) and node.operand == Fact("stage"):
            named += [item.value for item in node.items if isinstance(item, Text)]
    return [code for code in dict.fromkeys(named) if code in STAGES and code not in playbook.rungs]


def _bounds(playbook: Playbook) -> dict[str, tuple[float, float]]:
    """How low and how high the numbers of this playbook can go at all."""
    gains = [s.cap if s.cap is not None else math.inf for s in playbook.signals if s.points > 0]
    losses = [-math.inf for s in playbook.signals if s.points < 0]
    engagement = (sum(losses), sum(gains))
    fit = (sum(f.points for f in playbook.fit if f.points < 0), sum(f.points for f in playbook.fit if f.points > 0))
    return {
        "fit": fit,
        "engagement": engagement,
        "score": (fit[0] + engagement[0], fit[1] + engagement[1]),
        "signals": (0, math.inf if any(s.points >= 0 and not s.is_company for s in playbook.signals) else 0),
        "likelihood": (0, 1),
    }


# --- setbacks -------------------------------------------------------------------------------------------------------


def _check_lap(playbook: Playbook, setback: Setback, notes: Notes) -> None:
    if setback.lap and any(stage != "customer" for stage, _ in _may_hold(playbook, setback)):
        message = f"Setback “{setback.because}”: a new lap starts from customer only."
        notes.error(setback.when.line, message, 'Begin the condition with `stage == "customer" and …`.')


def _check_target(playbook: Playbook, setback: Setback, notes: Notes) -> None:
    standings = _may_hold(playbook, setback)
    if not any(is_below(target_of(playbook, setback.to, stage), (stage, status)) for stage, status in standings):
        asked = " or ".join(dict.fromkeys(stage for stage, _ in standings)) or "nobody"
        message = f"Setback “{setback.because}”: this line can never fire: it asks for {asked}"
        message += f", and {setback.to} is not below." if standings else "."
        notes.warn(setback.line, message, "Name rungs above the target, or choose a lower target.")


def _may_hold(playbook: Playbook, setback: Setback) -> list[tuple[str, str]]:
    """The standings in which the setback's condition is not ruled out by the standing alone."""
    return [s for s in _standings(playbook) if folded(setback.when.condition, _known(*s)) is not False]


def _standings(playbook: Playbook) -> Iterator[tuple[str, str]]:
    return ((stage, status) for stage in playbook.rungs for status in STATUSES)


def _known(stage: str, status: str) -> Known:
    return {"stage": stage, "status": status}


def target_of(playbook: Playbook, to: str, stage: str) -> tuple[str, str]:
    """Where a setback takes someone who stands on the rung: rung and status."""
    if to in RANK:
        return to, "active"
    if to == "disqualified":
        return stage, to
    floor = "lead" if "lead" in playbook.stages else "suspect"
    return (floor if RANK[stage] > RANK[floor] else stage), to


def is_below(target: tuple[str, str], present: tuple[str, str]) -> bool:
    """Strictly below: rung not higher, status not better, one of the two lower."""
    rungs = RANK[present[0]] - RANK[target[0]]
    statuses = STATUS_RANK[target[1]] - STATUS_RANK[present[1]]
    return rungs >= 0 and statuses >= 0 and rungs + statuses > 0


# --- rungs ----------------------------------------------------------------------------------------------------------


def _check_rung(playbook: Playbook, code: str, notes: Notes) -> None:
    enter = playbook.stages[code].enter
    below = [s for s in _standings(playbook) if RANK[s[0]] < RANK[code] and s[1] != "disqualified"]
    if folded(enter.condition, {}) is not False and all(folded(enter.condition, _known(*s)) is False for s in below):
        message = f"Stage {code}: nobody can enter: the condition holds for nobody who stands below."
        notes.warn(enter.line, message, "Do not ask for the rung itself, nor for one above.")
    arrival = {**_known(code, "active"), "in_stage": 0.0, **_emptied(playbook, code)}
    for setback in playbook.setbacks:
        is_drop = is_below(target_of(playbook, setback.to, code), (code, "active"))
        if is_drop and folded(setback.when.condition, arrival):
            message = f"Stage {code}: nobody can arrive: “{setback.because}” (line {setback.line}) holds there at once."
            notes.warn(enter.line, message, "Let the setback ask for more than the rung.")


def _emptied(playbook: Playbook, code: str) -> dict[str, str | float | bool]:
    """What is as good as known at the moment of arriving."""
    if code == playbook.handoff.on:
        return {"accepted": False, "rejected": False, "returned": False}
    return {"engagement": 0.0, "signals": 0.0, "visits": 0.0} if code == "customer" else {}
