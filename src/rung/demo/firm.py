"""The firm whose history the demo tells: its people, its calendar, what it publishes, and its campaigns.

Marlgate Analytics of Hamburg sells planning and forecasting software to firms that move, make or store things.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from rung.terms.business_time import national_holidays
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND, micros, moment

NAME: Final = "Marlgate Analytics"
DOMAIN: Final = "marlgate.example"
ZONE: Final = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of ours, who signs in."""

    name: str
    role: str
    team: str

    @property
    def email(self) -> str:
        return f"{self.name.split()[0].lower()}@{DOMAIN}"


SAM: Final = Colleague("Sam Okafor", "sales", "North")
MIA: Final = Colleague("Mia Ortiz", "marketing", "Marketing")
KIM: Final = Colleague("Kim Tanaka", "manager", "Sales")
REN: Final = Colleague("Ren Lindqvist", "revops", "Operations")
LEILA: Final = Colleague("Leila Haddad", "sales", "South")
JONAS: Final = Colleague("Jonas Weber", "sales", "Central")
PRIYA: Final = Colleague("Priya Menon", "sales", "Overseas")
TOMAS: Final = Colleague("Tomas Herrera", "sales", "South")
AOIFE: Final = Colleague("Aoife Brennan", "sales", "North")
DARIA: Final = Colleague("Daria Novak", "marketing", "Marketing")
CAST: Final = (SAM, MIA, KIM, REN, LEILA, JONAS, PRIYA, TOMAS, AOIFE, DARIA)

TERRITORY: Final[dict[str, tuple[Colleague, ...]]] = {
    **dict.fromkeys(("NO", "SE", "DK"), (SAM,)),
    **dict.fromkeys(("GB", "IE", "NL"), (AOIFE, SAM)),
    **dict.fromkeys(("DE", "AT", "CH", "PL"), (JONAS, SAM, AOIFE)),
    **dict.fromkeys(("FR", "IT", "ES", "PT"), (LEILA, TOMAS)),
    **dict.fromkeys(("GR", "TR"), (LEILA,)),
}
"""Who may own an account, by its country; everyone else's is Priya's."""


def owners(country: str) -> tuple[Colleague, ...]:
    return TERRITORY.get(country, (PRIYA,))


OPENS: Final = 9 * HOUR
CLOSES: Final = 17 * HOUR + 30 * MINUTE
WORKDAY: Final = CLOSES - OPENS


class Days:
    """The local days of the history, and the firm's working time counted through them.

    Working time is one long number: `worked(at)` says how much of it has passed, `working(count)` turns it back into
    an instant, so that "two working hours later" is an addition.
    """

    def __init__(self, first: date, last: date) -> None:
        is_holiday = national_holidays("DE")
        self.dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        self.midnights = [_noon(day) - 12 * HOUR for day in self.dates]
        self.working_days = [n for n, day in enumerate(self.dates) if day.weekday() < 5 and not is_holiday(day)]
        self._opening = [self.midnights[n] + OPENS for n in self.working_days]
        self._is_working = set(self.working_days)

    def index(self, at: int) -> int:
        """Which local day the instant lies in."""
        return min(max(bisect_right(self.midnights, at) - 1, 0), len(self.dates) - 1)

    def date_of(self, at: int) -> date:
        return self.dates[self.index(at)]

    def is_working(self, index: int) -> bool:
        return index in self._is_working

    def worked(self, at: int) -> int:
        """Working microseconds from the start of the history to the instant."""
        passed = bisect_right(self._opening, at) - 1
        return 0 if passed < 0 else passed * WORKDAY + min(at - self._opening[passed], WORKDAY)

    def working(self, count: int) -> int:
        """The instant by which so much working time has passed; past the last day, the end of its working time."""
        whole, rest = divmod(max(count, 0), WORKDAY)
        if whole >= len(self._opening):
            return self._opening[-1] + WORKDAY + (count - len(self._opening) * WORKDAY) * 3
        return self._opening[whole] + rest

    def later(self, at: int, working_time: int) -> int:
        """So much working time after the instant."""
        return self.working(self.worked(at) + working_time) // SECOND * SECOND


def _noon(day: date) -> int:
    return micros(datetime.combine(day, time(12), ZONE).astimezone(UTC))


def local_date(at: int) -> date:
    """The day it is in the firm's town."""
    return moment(at).astimezone(ZONE).date()


WEEK: Final = (1.0, 1.14, 1.12, 1.06, 0.82, 0.2, 0.17)
SEASON: Final = (0, 0.98, 1.04, 1.1, 1.0, 0.98, 0.92, 0.66, 0.56, 1.12, 1.22, 1.18, 0.7)
"""How lively each month of the year is: a summer slump, a strong autumn."""
HOURS: Final = (1, 1, 0, 0, 0, 1, 3, 9, 18, 26, 28, 24, 15, 20, 25, 23, 18, 12, 8, 7, 7, 6, 4, 2)
"""How lively each hour of the day is where the person lives."""

PAGES: Final = {
    "/": "Marlgate Analytics: plan with numbers",
    "/product/forecast": "Marlgate Forecast",
    "/product/replenish": "Marlgate Replenish",
    "/product/scenario": "Marlgate Scenario",
    "/pricing": "Pricing",
    "/pricing/enterprise": "Enterprise pricing",
    "/customers": "Customers",
    "/customers/port-story": "How a port plans its berths",
    "/customers/dairy-story": "A dairy that throws away half as much",
    "/docs": "Documentation",
    "/docs/connectors": "Connectors",
    "/docs/api": "API reference",
    "/docs/security": "Security and hosting",
    "/integrations": "Integrations",
    "/blog": "Blog",
    "/blog/forecast-error-explained": "Forecast error, explained",
    "/blog/spreadsheets-that-grew-up": "Spreadsheets that grew up",
    "/blog/weather-and-demand": "What weather does to demand",
    "/blog/monday-forecast": "The Monday forecast nobody trusts",
    "/about": "About us",
    "/contact": "Contact",
    "/demo": "See it with your data",
    "/webinars": "Webinars",
    "/papers": "Papers",
    "/careers": "Careers",
    "/careers/data-engineer": "Data engineer (Hamburg)",
    "/careers/working-student": "Working student, analytics",
}
READING: Final = tuple(
    path for path in PAGES if path.startswith(("/blog", "/customers")) or path in ("/about", "/webinars")
)
BUYING: Final = (
    "/product/forecast",
    "/product/replenish",
    "/product/scenario",
    "/customers/port-story",
    "/customers/dairy-story",
    "/docs/security",
    "/integrations",
    "/docs/connectors",
)
JOBS: Final = ("/careers", "/careers/data-engineer", "/careers/working-student")

SALARIES: Final = "Planning and analytics salaries"
"""The paper that misleads: the people who want it want a job, or a rise."""

PAPERS: Final = {
    "Logistics": ("Forecasting port volumes", "Berths, trucks and the weather"),
    "Manufacturing": ("Planning the line backwards", "Spare parts: the long tail"),
    "Retail": ("Seven ways a shelf runs empty", "Replenishment without guesswork"),
    "Utilities": ("Load forecasting with public weather data",),
    "Food": ("Forecasting what spoils", "Shelf life as a planning number"),
    "Pharma": ("Batch planning under audit",),
}
PAPERS_FOR_ALL: Final = (
    "What a forecast error costs",
    "From spreadsheet to forecast in 30 days",
    "The buyer's checklist for planning software",
)
WEBINARS: Final = (
    "Nowcasting freight",
    "Forecasts your board believes",
    "Demand planning after the spreadsheet",
    "Live build: a forecast in 40 minutes",
    "Safety stock, honestly",
    "Weather as a planning input",
    "What planners do on Mondays",
)
FAIRS: Final = {3: "Transport & Planning Fair", 10: "Supply Chain Days"}
"""Month of the year: the trade fair in it, second Tuesday to Thursday."""

PRODUCTS: Final = ("Marlgate Forecast", "Marlgate Replenish", "Marlgate Scenario")
COMPETITORS: Final = ("Qlarion", "Forecasta", "PlanPilot", "in-house spreadsheets", "Sevenhorn")
PHASES: Final = ("Discovery", "Evaluation", "Proposal", "Negotiation")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign: when it ran, where it landed, and how strongly it pulled."""

    name: str
    source: str
    medium: str
    landing: str
    first: int
    last: int
    pull: float


def campaigns(days: Days) -> tuple[Campaign, ...]:
    """A few always on, three new ones a quarter; each begins and ends."""
    found = [Campaign("brand", "google", "cpc", "/", 0, len(days.dates) - 1, 0.5)]
    themes = (
        ("linkedin", "cpc", "ports", "/papers"),
        ("google", "cpc", "forecast-software", "/product/forecast"),
        ("linkedin", "cpc", "monday-forecast", "/blog/monday-forecast"),
        ("google", "cpc", "replenishment", "/product/replenish"),
        ("linkedin", "social", "salaries", "/papers"),
        ("google", "cpc", "spreadsheet-alternative", "/blog/spreadsheets-that-grew-up"),
    )
    index, turn = 0, 0
    while index < len(days.dates):
        day = days.dates[index]
        for offset in (0, 12, 25):
            source, medium, theme, landing = themes[turn % len(themes)]
            length = 38 + 17 * (turn % 3)
            name = f"{theme}-q{(day.month - 1) // 3 + 1}-{day.year}"
            if index + offset < len(days.dates):
                last = min(index + offset + length, len(days.dates) - 1)
                found.append(Campaign(name, source, medium, landing, index + offset, last, 0.8 + 0.25 * (turn % 3)))
            turn += 1
        index += 88
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Webinar:
    """One webinar: its title and its instant."""

    title: str
    at: int
    invited_at: int


def webinars(days: Days) -> tuple[Webinar, ...]:
    """Every third Wednesday or so at 14:00, never on a holiday, none in August."""
    found = []
    for index in range(10, len(days.dates), 1):
        day = days.dates[index]
        if day.weekday() == 2 and 15 <= day.day <= 21 and day.month != 8 and days.is_working(index):
            at = days.midnights[index] + 14 * HOUR
            title = WEBINARS[(day.year * 12 + day.month) % len(WEBINARS)]
            found.append(Webinar(title, at, at - 14 * DAY - 4 * HOUR))
    return tuple(found)


def newsletters(days: Days) -> tuple[int, ...]:
    """When an issue left the house: Thursdays at 10:10, not in the summer and not at the turn of the year."""
    return tuple(
        days.midnights[index] + 10 * HOUR + 10 * MINUTE
        for index, day in enumerate(days.dates)
        if day.weekday() == 3 and day.month != 8 and (day.month, day.day) < (12, 20)
    )


def fairs(days: Days) -> tuple[tuple[str, int], ...]:
    """Name and first day's index of every trade fair in the history."""
    return tuple(
        (f"{FAIRS[day.month]} {day.year}", index)
        for index, day in enumerate(days.dates)
        if day.month in FAIRS and day.weekday() == 1 and 8 <= day.day <= 14 and index + 3 < len(days.dates)
    )


def liveliness(days: Days) -> list[float]:
    """How many new people each day brings, as weights: growth, season, week, holidays."""
    total = len(days.dates)
    return [
        (0.55 + 0.9 * index / total)
        * SEASON[day.month]
        * WEEK[day.weekday()]
        * (0.3 if day.weekday() < 5 and not days.is_working(index) else 1.0)
        * (0.35 if (day.month, day.day) >= (12, 22) else 1.0)
        for index, day in enumerate(days.dates)
    ]


def hour_of_day(rng: Random, hours_from_berlin: int) -> int:
    """A time of day, in microseconds after the firm's midnight, at which a person elsewhere is about."""
    hour = rng.choices(range(24), HOURS)[0]
    return ((hour - hours_from_berlin) % 24) * HOUR + rng.randrange(3600) * SECOND
