"""Users as the screens list them, the firm's name, and whether the audit log is whole."""

from django.conf import settings
from django.db.models import QuerySet

from rung.access.actions import hash_of
from rung.access.models import Audit, FirmName, User


def users() -> QuerySet[User]:
    """Everybody who can sign in, by name."""
    return User.objects.filter(is_active=True).select_related("team").order_by("name", "email")


def firm_name() -> str:
    """What the firm calls itself before others: as an admin wrote it, else `RUNG_FIRM`; empty where nobody said."""
    return FirmName.objects.values_list("name", flat=True).first() or settings.RUNG_FIRM


def first_broken_audit() -> int | None:
    """The seq of the first audit row that does not follow from the one before; None when the chain is whole."""
    previous = ""
    for row in Audit.objects.order_by("seq").iterator(chunk_size=2_000):
        if row.previous_hash != previous or row.hash != hash_of(row):
            return row.seq
        previous = row.hash
    return None
