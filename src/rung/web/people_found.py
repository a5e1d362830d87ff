"""The person behind an address of a page."""

from uuid import UUID

from django.http import Http404

from rung.people.models import Person
from rung.people.queries import person_named


def living(uuid: UUID) -> Person:
    """The person; an id that was merged away names the one who lives on. Raises Http404."""
    found = Person.objects.select_related("company", "owner").filter(uuid=uuid).first()
    found = person_named(str(uuid)) if found is not None and found.is_merged else found
    if found is None:
        raise Http404
    return found
