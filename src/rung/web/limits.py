"""How often a stranger may try: counters in a fixed window, kept in Django's cache."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

WINDOW: Final = 15 * 60
"""Seconds."""


def caller(request: HttpRequest) -> str:
    """Whom a limit counts: the address asked from, of IPv6 its /64, of which one household has 2^64."""
    told = str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ip_address(told)
    except ValueError:
        return told
    if not isinstance(address, IPv6Address):
        return told
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` failures in a window for one `what` (an address, an account, both)."""

    name: str
    most: int

    def is_reached(self, what: str) -> bool:
        return int(cache.get(self._key(what), 0)) >= self.most

    def count(self, what: str) -> None:
        key = self._key(what)
        if not cache.add(key, 1, WINDOW):
            try:
                cache.incr(key)
            except ValueError:  # the window ended between the two calls
                cache.add(key, 1, WINDOW)

    def forget(self, what: str) -> None:
        cache.delete(self._key(what))

    def _key(self, what: str) -> str:
        # Cache keys must be short and plain; what a stranger types is neither.
        return f"limit:{self.name}:{what.encode('utf-8', 'replace').hex()[:180]}"


# One address guessing at one account, at many accounts, and many addresses guessing at one account. The last is high
# enough that a stranger cannot easily lock a colleague out.
PAIR: Final = Limit("pair", 5)
ADDRESS: Final = Limit("address", 30)
ACCOUNT: Final = Limit("account", 60)
