"""Finding a mail of ours again."""

from collections.abc import Sequence

from rung.mail.models import Sent


def sent_under(message_ids: Sequence[str]) -> Sent | None:
    """The mail of ours that one of these Message-IDs names, the first named first; None when none does."""
    found = {each.message_id: each for each in Sent.objects.filter(message_id__in=list(message_ids)[:100])}
    return next((found[told] for told in message_ids if told in found), None)
