"""Which firm a row of a table means that tells it by name, or not at all."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from rung.people.rules import company_told, normal_email
from rung.terms.companies import email_domain, is_domain

Asked = Callable[[Collection[str]], Collection[str]]
"""Those of the keys of which something holds."""


def _none(keys: Collection[str]) -> Collection[str]:
    return ()


@dataclass(slots=True)
class Firms:
    """A firm told by its name is the one whose domain the address beside has, and bears that name: else it would be
    two, one by name and one by domain, with half the colleagues each.

    `known` says of names which a firm goes by alone already, and is to stay the one that is meant; `described` of
    domains of which others said something, whose firm then keeps its name. Each is asked once about many rows: a table
    may name as many firms as it has rows.
    """

    known: Asked = _none
    described: Asked = _none
    _meant: dict[tuple[str, str], str] = field(default_factory=dict)
    _called: dict[str, str] = field(default_factory=dict)
    _elsewhere: set[int] = field(default_factory=set)
    """Of whom the table told another firm than that of their address."""

    def look_up(self, rows: Iterable[tuple[str | None, str]]) -> None:
        """Finds out at once about what these rows tell: the firm, if any, and who it is beside."""
        asked = {
            (told, domain): None
            for told, who in rows
            if told and not is_domain(told) and (domain := domain_of(who)) and (told, domain) not in self._meant
        }
        known = set(self.known({told for told, _ in asked})) if asked else set()
        self._meant.update({(told, domain): told if told in known else domain for told, domain in asked})
        first: dict[str, str] = {}
        for told, domain in asked:
            if told not in known and domain not in self._called:
                first.setdefault(domain, told)
        described = set(self.described(first)) if first else set()
        self._called.update({domain: "" if domain in described else told for domain, told in first.items()})

    def meant(self, told: str, who: str) -> tuple[str, str]:
        """The key of the firm, and what it is called from now on ("": what it was)."""
        domain = domain_of(who)
        key, name = told, ""
        if domain is not None and not is_domain(told):
            if (told, domain) not in self._meant:
                self.look_up([(told, who)])
            key = self._meant[told, domain]
            name = self._called[key] if key == domain else ""
        if domain is not None and key != domain:
            self._elsewhere.add(hash(who))
        return key, name

    def of_address(self, who: str) -> str | None:
        """The key of the firm whose domain an address has; None where the table told another of whoever has it."""
        return None if hash(who) in self._elsewhere else domain_of(who)


def domain_of(who: str) -> str | None:
    """The key of the firm of an address; None for a free mailbox, and for what is no address."""
    address = normal_email(who) if "@" in who else None
    return company_told(email_domain(address) or "") if address else None
