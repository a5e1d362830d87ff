"""Finding persons and companies by whatever names them."""

import uuid
from collections.abc import Sequence

from rung.people.models import Alias, Company, Identity, Person
from rung.people.rules import normal_email, normal_phone


def person_named(text: str) -> Person | None:
    """The living person behind an id of ours (UUID), an e-mail address, a phone number or a key of theirs."""
    text = text.strip()
    person_id = _by_uuid(text) or _by_key(text)
    if person_id is None:
        return None
    living = Alias.objects.filter(old_id=person_id).values_list("living_id", flat=True).first()
    return Person.objects.select_related("company", "owner").filter(pk=living or person_id).first()


def company_named(text: str) -> Company | None:
    """The company behind an id of ours or its key."""
    as_uuid = _uuid(text)
    found = Company.objects.filter(uuid=as_uuid) if as_uuid else Company.objects.filter(key=text.strip())
    return found.first() or Company.objects.filter(key=text.strip().lower()).first()


def living_ids(person_ids: Sequence[int]) -> dict[int, int]:
    """For each id the id of the person who lives on as it."""
    merged: dict[int, int] = {}
    for start in range(0, len(person_ids), 400):
        rows = Alias.objects.filter(old_id__in=person_ids[start : start + 400]).values_list("old_id", "living_id")
        merged.update(rows)
    return {id_: merged.get(id_, id_) for id_ in person_ids}


def _by_uuid(text: str) -> int | None:
    as_uuid = _uuid(text)
    return Person.objects.filter(uuid=as_uuid).values_list("pk", flat=True).first() if as_uuid else None


def _by_key(text: str) -> int | None:
    keys = [("email", normal_email(text)), ("user_id", text), ("phone", normal_phone(text)), ("anonymous_id", text)]
    for kind, value in keys:
        if value:
            found = Identity.objects.filter(kind=kind, value=value).values_list("person_id", flat=True).first()
            if found is not None:
                return found
    # A role address identifies nobody, but it may stand in exactly one record.
    same = list(Person.objects.filter(email__iexact=text, is_merged=False).values_list("pk", flat=True)[:2])
    return same[0] if len(same) == 1 else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None
