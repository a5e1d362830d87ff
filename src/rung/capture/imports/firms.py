"""Which firm a row of a table means that tells it by name."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rung.people.rules import company_told, normal_email
from rung.terms.companies import email_domain, is_domain


def _nobody(key: str) -> bool:
    return False


@dataclass(slots=True)
class Firms:
    """A firm told by its name is the one whose domain the address beside has, and bears that name: else it would be
    two, one by name and one by domain, with half the colleagues each.

    `is_known` says of a name whether a firm goes by it alone already, and is to stay the one that is meant;
    `is_described` of a domain whether others said something of its firm, whose name it then keeps.
    """

    is_known: Callable[[str], bool] = _nobody
    is_described: Callable[[str], bool] = _nobody
    _meant: dict[tuple[str, str], str] = field(default_factory=dict)
    _called: dict[str, str] = field(default_factory=dict)

    def meant(self, told: str, who: str) -> tuple[str, str]:
        """The key of the firm, and what it is called from now on ("": what it was)."""
        if is_domain(told):
            return told, ""
        address = normal_email(who)
        domain = company_told(email_domain(address) or "") if address else None
        if domain is None:
            return told, ""
        key = self._meant.get((told, domain))
        if key is None:
            key = self._meant[told, domain] = told if self.is_known(told) else domain
        if key == told:
            return told, ""
        name = self._called.get(key)
        if name is None:
            name = self._called[key] = "" if self.is_described(key) else told
        return key, name
