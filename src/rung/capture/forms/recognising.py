"""What we know already of whoever opens a form, so that they are not asked it again."""

from typing import Final

from rung.capture.forms.definitions import Definition, Field
from rung.history.models import Event
from rung.people import queries
from rung.people.models import Alias, Identity, Person

_LOOKED_AT: Final = 300
"""So many of the latest answers are looked at: a visitor must not make a page slow."""
_COLUMNS: Final = ("name", "title", "country", "phone")


def known(form: Definition, anonymous_id: str) -> frozenset[str]:
    """The names of the progressive questions whose answers we have. Nothing of what was answered is ever shown."""
    wanted = [each for each in form.fields if each.is_progressive]
    if not wanted or not anonymous_id:
        return frozenset()
    person_id = Identity.objects.filter(kind="anonymous_id", value=anonymous_id).values_list("person_id", flat=True)
    living = [queries.living_ids([id_])[id_] for id_ in person_id]
    person = Person.objects.select_related("company").filter(pk__in=living).first()
    if person is None or person.is_anonymous:
        return frozenset()
    said = _said(person)
    return frozenset(each.name for each in wanted if _is_known(each, person, said))


def _is_known(each: Field, person: Person, said: frozenset[str]) -> bool:
    if each.means == "company":
        return person.company_id is not None
    if each.means.startswith("company."):
        traits = person.company.traits if person.company else {}
        return traits.get(each.means.removeprefix("company.")) not in (None, "")
    if each.means in said or f"field:{each.name}" in said:
        return True
    name = "phone" if each.kind == "tel" else "heard" if each.means == "heard" else each.name
    value = getattr(person, name) if name in _COLUMNS else person.traits.get(name)
    return value not in (None, "")


def _said(person: Person) -> frozenset[str]:
    """What they answered before: the letters, admissions and competitors, and the fields of earlier forms."""
    ids = [person.pk, *Alias.objects.filter(living_id=person.pk).values_list("old_id", flat=True)]
    events = Event.objects.filter(person_id__in=ids).order_by("-seq")
    found: set[str] = set()
    for kind, source, data in events.values_list("kind", "source", "data")[:_LOOKED_AT]:
        if kind == "bant_answered":
            found.add(f"bant.{data.get('letter')}")
        elif kind == "admission_given":
            found.add(f"admits.{data.get('admission')}")
        elif kind == "competitor_named":
            found.add("competitor")
        elif source.startswith("form:") and "page" in data:
            found |= {f"field:{name}" for name in data}
    return frozenset(found)
