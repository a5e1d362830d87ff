"""Why somebody stands where they stand, as of any instant: the words of the command line, from the stored history."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rung.access.rules import Refused
from rung.engine.explain import Explanation, explain
from rung.lifecycle.deciding.rows import past_rows
from rung.lifecycle.generations import ensure_playbook
from rung.people.models import Identity, Person
from rung.people.queries import living_ids
from rung.people.rules import normal_email
from rung.playbook.definitions import Playbook
from rung.terms.instants import format_instant


@dataclass(frozen=True, slots=True)
class Explained:
    """One person, explained."""

    person: Person
    playbook: Playbook
    explanation: Explanation
    at: int

    def as_json(self) -> dict[str, Any]:
        told, standing = self.explanation, self.explanation.standing
        return {
            "person": str(self.person.uuid),
            "name": str(self.person),
            "at": format_instant(self.at),
            "stage": standing.stage,
            "status": standing.status,
            "lap": standing.lap,
            **{name: round(getattr(standing, name), 2) for name in ("score", "fit", "engagement")},
            "temperature": standing.temperature,
            "since": format_instant(standing.since),
            "reasons": [
                {"words": each.words, "at": format_instant(each.at), "seqs": each.seqs} for each in told.reasons
            ],
            "points": [{"signal": each.signal, "now": round(each.now, 2)} for each in told.points],
            "fit_lines": [{"name": each.name, "points": each.points, "holds": each.holds} for each in told.fit_lines],
            "missing": [{"rung": clause.rung, "words": clause.words} for clause in told.missing],
            "moves": [
                {"at": format_instant(move.at), "from": move.from_code, "to": move.to_code, "because": move.because}
                for move in told.moves
            ],
        }

    def in_words(self) -> str:
        standing, label = self.explanation.standing, self.playbook.label
        place = label(standing.stage) + ("" if standing.status == "active" else f" ({label(standing.status)})")
        parts = [
            f"{self.person}: {place} since {format_instant(standing.since)}",
            f"Score {standing.score:.2f} = fit {standing.fit:.2f} + engagement {standing.engagement:.2f}, "
            f"{standing.temperature}, as of {format_instant(self.at)}",
            "",
            "Why here",
            *(f"  {reason.words}" for reason in self.explanation.reasons),
        ]
        held = [f"  {line.name}: {line.points:+g}" for line in self.explanation.fit_lines if line.holds]
        if held:
            parts += ["", "Who they are", *held]
        if self.explanation.missing:
            parts += ["", f"Missing for {label(self.explanation.missing[0].rung)}"]
            parts += [f"  {clause.words}" for clause in self.explanation.missing]
        if self.explanation.moves:
            parts += ["", "How they came here"]
            parts += [
                f"  {format_instant(move.at)}  {label(move.from_code)} → {label(move.to_code)}: {move.because}"
                for move in self.explanation.moves
            ]
        return "\n".join(parts)


def explained(*, person: str, at: int) -> Explained:
    """The person with this e-mail address or id, as of the instant. Raises Refused when there is nobody."""
    found = _found(person)
    line = ensure_playbook(at=at)
    rows = [row for row in past_rows([found.pk], line).get(found.pk, []) if row.event.at <= at]
    if not rows:
        raise Refused(f"Nothing was known of {found} by {format_instant(at)}.")
    return Explained(found, line.playbook, explain(line.program, rows, at), at)


def _found(text: str) -> Person:
    text = text.strip()
    email = normal_email(text)
    identity = Identity.objects.filter(value__in=[email or text, text]).order_by("kind").first()
    if identity is not None:
        return Person.objects.get(pk=living_ids([identity.person_id])[identity.person_id])
    try:
        found = Person.objects.filter(uuid=UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        raise Refused(
            f"There is nobody called {text[:100]}: give an e-mail address, or the id in the person's address."
        )
    return Person.objects.get(pk=living_ids([found.pk]).get(found.pk, found.pk))
