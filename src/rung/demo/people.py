"""Who lives in the demo: companies and people, with what drives them and what nobody can see."""

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Final

from rung.demo import agreement, firm
from rung.demo.agreement import Standing
from rung.demo.names import COUNTRIES, MAILBOXES, Country, address, company_name, domain_of

INDUSTRIES: Final = {
    "Logistics": 21,
    "Manufacturing": 21,
    "Retail": 16,
    "Food": 13,
    "Utilities": 10,
    "Pharma": 5,
    "Software": 4,
    "Business Services": 4,
    "Fintech": 3,
    "Education": 3,
}
"""Share of companies, in percent."""

DECIDERS: Final = (
    "Head of Planning",
    "Head of Supply Chain",
    "VP Operations",
    "Supply Chain Director",
    "Head of Business Intelligence",
    "Chief Financial Officer",
    "Chief Operating Officer",
    "Head of Logistics",
    "Operations Director",
    "Chief Information Officer",
    "Head of Data",
    "VP Finance",
)
INFLUENCERS: Final = (
    "Demand Planning Manager",
    "Production Planner",
    "Planning Lead",
    "Controller",
    "Logistics Manager",
    "Data Engineer",
    "IT Manager",
    "Category Manager",
    "Inventory Manager",
    "BI Developer",
    "Plant Manager",
    "Purchasing Manager",
)
JUNIORS: Final = ("Data Analyst", "Junior Planner", "Working Student", "Reporting Analyst", "Trainee Controller")

SOULS: Final = ("reader", "jobseeker", "evaluator", "quiet", "raiser", "cold")
"""What drives a person: they read along, want a job, compare products, look twice and call, ask at once, or nothing."""


@dataclass(slots=True, eq=False)
class Firm:
    """One company that Marlgate sells to."""

    name: str
    domain: str
    country: Country
    city: str
    industry: str
    employees: int
    owner: firm.Colleague
    tools: str
    people: list["Human"] = field(default_factory=list)
    is_competitor: bool = False
    is_described: bool = False
    knows_size: bool = True


@dataclass(slots=True, eq=False)
class Human:
    """One person: the key they are recorded under, who they are, and how they will behave."""

    number: int
    key: str
    given: str
    family: str
    title: str
    firm: Firm | None
    country: Country
    source: str
    soul: str
    first_day: int
    campaign: firm.Campaign | None = None
    is_anonymous: bool = False
    is_role: bool = False
    phone: str | None = None
    standing: Standing = field(default_factory=Standing)
    has_joined: bool = False
    is_subscribed: bool = False
    has_left_lists: bool = False
    pricing_views: int = 0
    wants_salaries: bool = False
    asked: bool = False
    handoffs: int = 0
    plan: str = ""
    deal: str = ""
    amount: int = 0
    has_reopened: bool = False
    near_at: int | None = None
    """When a quiet one first stood above the better threshold."""
    called_at: int | None = None
    is_waiting: bool = False
    """Nobody answers their hand-off before the history ends."""
    product: str = firm.PRODUCTS[0]

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    def refit(self) -> None:
        """Points for who they are, as far as it is known."""
        company = self.firm if self.firm and self.firm.is_described and self.has_joined else None
        self.standing.fit = agreement.fit(
            self.title if self.has_joined else "",
            company.industry if company else None,
            company.employees if company and company.knows_size else None,
            company.country.name if company else None,
            is_competitor=company is not None and company.is_competitor,
        )


SOURCES: Final = {
    "organic": 22.0,
    "google": 11.0,
    "linkedin": 11.0,
    "newsletter": 2.0,
    "webinar": 6.0,
    "trade fair": 14.0,
    "purchased list": 33.0,
    "referral": 3.0,
    "partner": 4.0,
    "direct": 4.0,
}
"""Where people come from, in percent of those who have a name."""

_SOULS_BY_SOURCE: Final[dict[str, tuple[float, ...]]] = {
    # reader, jobseeker, evaluator, quiet, raiser, cold
    "organic": (60, 8, 10, 12, 3, 7),
    "google": (55, 3, 15, 15, 6, 6),
    "linkedin": (58, 14, 9, 9, 2, 8),
    "newsletter": (74, 5, 6, 9, 1, 5),
    "webinar": (60, 3, 14, 10, 2, 11),
    "trade fair": (22, 1, 6, 7, 2, 62),
    "purchased list": (4, 0.5, 0.5, 0, 0, 95),
    "referral": (20, 0, 28, 20, 26, 6),
    "partner": (36, 2, 24, 16, 14, 8),
    "direct": (46, 6, 14, 18, 8, 8),
}


class Census:
    """Draws companies and people, never the same domain or address twice."""

    def __init__(self, rng: Random, days: firm.Days, campaigns: tuple[firm.Campaign, ...]) -> None:
        self._rng = rng
        self._days = days
        self._campaigns = campaigns
        self._domains: set[str] = {firm.DOMAIN}
        self._keys: set[str] = set()
        self._names: set[str] = set()
        self._lively = list(accumulate(firm.liveliness(days)))
        self._fairs = firm.fairs(days)
        self._webinars = firm.webinars(days)
        self.count = 0
        span = len(days.dates)
        self.list_days = tuple(sorted({_working_day(days, int(span * share)) for share in (0.12, 0.45, 0.9)}))

    def company(self) -> Firm:
        rng = self._rng
        country = rng.choices(COUNTRIES, [c.weight for c in COUNTRIES])[0]
        industry = rng.choices(list(INDUSTRIES), list(INDUSTRIES.values()))[0]
        name, city = company_name(country, industry, rng), rng.choice(country.cities)
        if domain_of(name) in self._domains:
            name = f"{name} {city}"
        while domain_of(name) in self._domains:
            name = f"{company_name(country, industry, rng)} {rng.choice(country.cities)}"
        self._domains.add(domain_of(name))
        employees = round(min(12000, max(8, rng.lognormvariate(5.0, 1.7))))
        return Firm(
            name=name,
            domain=domain_of(name),
            country=country,
            city=city,
            industry=industry,
            employees=employees if employees < 100 else round(employees, -1),
            owner=rng.choice(firm.owners(country.code)),
            tools=rng.choice(firm.COMPETITORS),
            knows_size=rng.random() > 0.08,
        )

    def human(self, company: Firm | None) -> Human:
        """Somebody with a name: at the company, or writing from a private mailbox."""
        rng = self._rng
        country = company.country if company and rng.random() < 0.86 else rng.choice(COUNTRIES)
        given, family = self._name(country)
        source = rng.choices(list(SOURCES), list(SOURCES.values()))[0]
        if company is None and source in ("purchased list", "trade fair"):
            source = "organic"
        soul = rng.choices(SOULS, _SOULS_BY_SOURCE[source])[0]
        if company is None and soul in ("evaluator", "quiet", "raiser"):
            soul = "reader"
        if soul == "reader" and _is_just_fit(company) and rng.random() < _WANT_A_JOB:
            soul = "jobseeker"  # who plans where our customers plan looks at what we pay
        title = rng.choice(_titles(soul, rng.random()))
        if soul == "quiet" and not _is_nearly_fit(title, company):
            soul = "reader"
        domain = company.domain if company else rng.choice(MAILBOXES)
        shape = (sum(map(ord, domain)) if company else rng.randrange(5)) % 5
        key = self._key(address(given, family, domain, shape, is_german=country.code in ("DE", "AT", "CH")))
        day, campaign, source = self._arrival(source)
        person = self._born(key, given, family, title, company, country, source, soul, day)
        person.campaign = campaign
        if rng.random() < 0.4 or source in ("trade fair", "purchased list"):
            person.phone = _phone(person)
        person.wants_salaries = soul == "jobseeker" or (soul == "reader" and rng.random() < 0.06)
        person.product = rng.choices(firm.PRODUCTS, (6, 3, 2))[0]
        return person

    def anonymous(self) -> Human:
        """A visitor who never says who they are."""
        rng = self._rng
        country = rng.choices(COUNTRIES, [c.weight for c in COUNTRIES])[0]
        source = rng.choices(("organic", "google", "linkedin", "direct"), (5, 3, 2, 2))[0]
        day, campaign, source = self._arrival(source)
        person = self._born(f"v-{rng.getrandbits(48):012x}", "", "", "", None, country, source, "reader", day)
        person.is_anonymous, person.campaign = True, campaign
        return person

    def role(self, company: Firm) -> Human:
        """An address that belongs to nobody: info@, sales@."""
        rng = self._rng
        key = self._key(f"{rng.choice(('info', 'office', 'sales', 'planning', 'einkauf'))}@{company.domain}")
        day, campaign, source = self._arrival("organic")
        person = self._born(key, "", "", "", company, company.country, source, "reader", day)
        person.is_role, person.campaign = True, campaign
        return person

    def double(self, other: Human) -> Human:
        """The same human again: a private address, or the name spelt another way."""
        rng = self._rng
        family = other.family if rng.random() < 0.5 else _misspelt(other.family, rng)
        domain = rng.choice(MAILBOXES) if rng.random() < 0.55 or other.firm is None else other.firm.domain
        key = self._key(address(other.given, family, domain, rng.randrange(5)))
        day = min(other.first_day + rng.randrange(3, 120), len(self._days.dates) - 3)
        company = other.firm if other.firm and domain == other.firm.domain else None
        return self._born(key, other.given, family, other.title, company, other.country, "organic", "reader", day)

    def claim(self, company: Firm) -> None:
        """Keep the domain for this company."""
        self._domains.add(company.domain)

    def member(self, company: Firm, given: str, family: str, title: str, source: str, days_ago: int) -> Human:
        """Somebody who was thought out beforehand."""
        self._names.add(f"{given} {family}")
        key = self._key(address(given, family, company.domain, 0))
        day = len(self._days.dates) - 1 - days_ago
        campaign = next((c for c in reversed(self._campaigns) if c.source == source and c.first <= day), None)
        person = self._born(key, given, family, title, company, company.country, source, "staged", max(day, 0))
        person.campaign, person.phone = campaign, _phone(person)
        return person

    def _born(
        self,
        key: str,
        given: str,
        family: str,
        title: str,
        company: Firm | None,
        country: Country,
        source: str,
        soul: str,
        day: int,
    ) -> Human:
        person = Human(self.count, key, given, family, title, company, country, source, soul, day)
        self.count += 1
        person.standing.has_address = "@" in key
        if company is not None:
            company.people.append(person)
        return person

    def _name(self, country: Country) -> tuple[str, str]:
        given, family = "", ""
        for _ in range(12):
            given, family = self._rng.choice(country.given), self._rng.choice(country.family)
            if f"{given} {family}" not in self._names:
                break
        self._names.add(f"{given} {family}")
        return given, family

    def _key(self, wanted: str) -> str:
        local, _, domain = wanted.partition("@")
        number = 1
        while wanted in self._keys:
            number += 1
            wanted = f"{local}{number}@{domain}"
        self._keys.add(wanted)
        return wanted

    def _arrival(self, source: str) -> tuple[int, firm.Campaign | None, str]:
        """The day on which they first appear, and the campaign that brought them."""
        rng = self._rng
        day = bisect(self._lively, rng.random() * self._lively[-1])
        day = min(day, len(self._days.dates) - 2)
        if source == "purchased list":
            return rng.choice(self.list_days), None, source
        if source == "trade fair":
            if not self._fairs:
                return day, None, "organic"
            return rng.choice(self._fairs)[1] + rng.randrange(3), None, source
        if source == "webinar":
            past = [w for w in self._webinars if self._days.index(w.at) > 14]
            if not past:
                return day, None, "organic"
            at = rng.choices(past, [1 + n / len(past) for n in range(len(past))])[0].at
            return self._days.index(at) - int(rng.triangular(0, 13, 3)), None, source
        if source in ("google", "linkedin"):
            running = [c for c in self._campaigns if c.source == source and c.first <= day <= c.last]
            if not running:
                return day, None, "organic"
            return day, rng.choices(running, [c.pull for c in running])[0], source
        return day, None, source


def _is_nearly_fit(title: str, company: Firm | None) -> bool:
    """Fit enough to be handed over, but not so fit that one form is enough: these can stay below the threshold."""
    if company is None:
        return False
    points = agreement.fit(title, company.industry, company.employees, company.country.name)
    return agreement.FIT_NEEDED <= points <= agreement.FIT_NEEDED + 10


_DIALLING: Final = dict(
    item.split(":")
    for item in (
        "DE:49 AT:43 CH:41 GB:44 NO:47 SE:46 DK:45 NL:31 FR:33 ES:34 IT:39 PL:48 PT:351 GR:30 TR:90 IE:353 US:1 CA:1 "
        "IN:91 JP:81 TW:886 VN:84 NG:234 GH:233 BR:55 ZA:27"
    ).split()
)


def _phone(person: Human) -> str:
    """A number of their own, from a range that nobody is given."""
    return f"+{_DIALLING[person.country.code]}5550{person.number:06d}"


_WANT_A_JOB: Final = 0.16
"""Share of readers at firms that fit who look for a job with us."""


def _is_just_fit(company: Firm | None) -> bool:
    """Fit enough to be handed over, and not so fit that a form is enough."""
    if company is None:
        return False
    points = agreement.fit("", company.industry, company.employees, company.country.name)
    return agreement.FIT_NEEDED <= points <= agreement.FIT_NEEDED + 10


def _titles(soul: str, draw: float) -> tuple[str, ...]:
    deciders, influencers = {
        "evaluator": (0.44, 0.5),
        "quiet": (0.5, 0.46),
        "raiser": (0.5, 0.45),
        "jobseeker": (0.03, 0.42),
    }.get(soul, (0.12, 0.62))
    if draw < deciders:
        return DECIDERS
    return INFLUENCERS if draw < deciders + influencers else JUNIORS


def _misspelt(name: str, rng: Random) -> str:
    at = rng.randrange(1, max(2, len(name) - 1))
    return name[:at] + name[at + 1 :] if len(name) > 5 else name + name[-1]


def _working_day(days: firm.Days, index: int) -> int:
    while not days.is_working(index) and index + 1 < len(days.dates):
        index += 1
    return index
