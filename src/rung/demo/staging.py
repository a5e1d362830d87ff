"""The hand-offs that are open at this very minute: who waits for an answer, and how long they may still wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rung.demo import agreement, firm
from rung.demo.names import COUNTRIES, domain_of
from rung.demo.people import Census, Firm, Human
from rung.demo.selling import RAISED_WITHIN
from rung.demo.story import Story
from rung.demo.visits import Visits
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND

OPEN: Final = 12
"""How many hand-offs wait at `now`."""
FIRST_LEFT: Final = 12 * MINUTE
SECOND_LEFT: Final = 24 * MINUTE
"""Working time that the two most urgent ones have left."""


@dataclass(frozen=True, slots=True)
class Part:
    """One role in the opening scene."""

    given: str
    family: str
    title: str
    company: str
    country: str
    city: str
    industry: str
    employees: int
    owner: firm.Colleague
    source: str
    is_raised: bool = False
    says: str = "Could we see it with our own data?"
    colleagues: tuple[tuple[str, str, str], ...] = ()


CAST: Final = (
    Part(
        "Ingrid",
        "Solberg",
        "Head of Business Intelligence",
        "Havnelinje Logistikk",
        "NO",
        "Bergen",
        "Logistics",
        420,
        firm.SAM,
        "linkedin",
        says="We rebuild the port forecast by hand every Monday. Could your model take the AIS feed directly? "
        "I would show it to Henrik, our CFO, before the budget round.",
        colleagues=(("Henrik", "Aasen", "CFO"), ("Eirik", "Dahl", "Data Engineer"), ("Marte", "Hovland", "Planner")),
    ),
    Part(
        "Tomasz",
        "Wieczorek",
        "Head of Production Planning",
        "Polmetal Odlewnia",
        "PL",
        "Katowice",
        "Manufacturing",
        310,
        firm.SAM,
        "google",
        True,
        "We cast 4 000 parts. Can you show the long tail on Friday?",
    ),
    Part(
        "Aisha", "Bello", "Head of Planning", "Lagoon Retail Group", "GB", "Leeds", "Retail", 640, firm.SAM, "webinar"
    ),
    Part(
        "Haruto", "Nakagawa", "Operations Director", "Seiryo Foods", "DE", "Bremen", "Food", 280, firm.SAM, "referral"
    ),
    Part(
        "Mei-Ling", "Chen", "VP Operations", "Formosa Works", "NL", "Venlo", "Manufacturing", 530, firm.AOIFE, "organic"
    ),
    Part(
        "Kwame",
        "Asante",
        "Head of Logistics",
        "Volta Cold Chain",
        "GB",
        "Felixstowe",
        "Food",
        190,
        firm.AOIFE,
        "partner",
    ),
    Part(
        "Sofia",
        "Papadopoulou",
        "Head of Supply Chain",
        "Aegis Shipping",
        "GR",
        "Piraeus",
        "Logistics",
        350,
        firm.LEILA,
        "linkedin",
    ),
    Part(
        "Rafael",
        "Moreira",
        "Chief Operating Officer",
        "Vento Sul Transportes",
        "PT",
        "Porto",
        "Logistics",
        220,
        firm.TOMAS,
        "google",
    ),
    Part(
        "Siobhán",
        "Gallagher",
        "Supply Chain Director",
        "Kilronan Freight",
        "IE",
        "Cork",
        "Logistics",
        150,
        firm.AOIFE,
        "organic",
    ),
    Part("Thu Trang", "Nguyễn", "Head of Data", "Mekong Foods", "FR", "Lyon", "Food", 470, firm.LEILA, "webinar"),
    Part(
        "Priya",
        "Raghunathan",
        "Chief Financial Officer",
        "Kaveri Works",
        "IN",
        "Chennai",
        "Manufacturing",
        880,
        firm.PRIYA,
        "partner",
    ),
    Part(
        "Oluwaseun",
        "Adeyemi",
        "Head of Planning",
        "Harmattan Solar",
        "NL",
        "Rotterdam",
        "Utilities",
        130,
        firm.AOIFE,
        "linkedin",
    ),
)


def actors(census: Census, most: int) -> list[tuple[Part, Human, list[Human]]]:
    """The people of the opening scene with their colleagues, as many as fit; they live in companies of their own."""
    scene: list[tuple[Part, Human, list[Human]]] = []
    for part in CAST[:most]:
        country = next(c for c in COUNTRIES if c.code == part.country)
        home = Firm(
            part.company,
            domain_of(part.company),
            country,
            part.city,
            part.industry,
            _size(part, country.name),
            part.owner,
            "in-house spreadsheets",
        )
        census.claim(home)
        lead = census.member(home, part.given, part.family, part.title, part.source, 45)
        others = [census.member(home, *colleague, "organic", 70) for colleague in part.colleagues]
        scene.append((part, lead, others))
    return scene


def _size(part: Part, country: str) -> int:
    """How large the company is: such that its head is fit enough to be handed over, but not by one form alone."""
    sizes = (part.employees, part.employees + 1000, 40)
    return next(
        (size for size in sizes if 20 <= agreement.fit(part.title, part.industry, size, country) <= 30), part.employees
    )


class Staging:
    """Plans the opening scene backwards from `now`."""

    def __init__(self, story: Story, visits: Visits, *, now: int) -> None:
        self.story = story
        self.visits = visits
        self.now = now

    def play(self, scene: Sequence[tuple[Part, Human, list[Human]]], still_open: int) -> None:
        """Plan every part: the first two nearly late, then as many more as are wanted, the rest answered today."""
        wanted = max(2, OPEN - still_open)
        for turn, (part, lead, others) in enumerate(scene):
            opens_at = self._opens_at(turn, part) - (0 if turn < wanted else 4 * DAY)
            self._live(lead, part, opens_at)
            for n, other in enumerate(others):
                self._accompany(other, opens_at, n)
            lead.is_waiting = turn < wanted

    def _opens_at(self, turn: int, part: Part) -> int:
        worked = self.story.days.worked(self.now)
        within = RAISED_WITHIN if part.is_raised else firm.WORKDAY
        left = (FIRST_LEFT, SECOND_LEFT)[turn] if turn < 2 else 70 * MINUTE + turn % 10 * 43 * MINUTE
        return self.story.days.working(worked - within + left) // SECOND * SECOND

    def _live(self, lead: Human, part: Part, opens_at: int) -> None:
        """First heard of six weeks ago, came back, and last asked something."""
        days, story = self.story.days, self.story
        met_at = days.later(opens_at - 44 * DAY, 95 * MINUTE)
        end = self.visits.session(met_at, lead, ("/webinars", "/blog/monday-forecast"))
        story.plan(end, self._introduce, lead)
        for days_before in (9, 3):
            story.plan(days.later(opens_at - days_before * DAY, 2 * HOUR), self._look_at_pricing, lead)
        back_at = days.later(opens_at - 10 * DAY, 4 * HOUR)
        self.visits.session(back_at, lead, ("/customers/port-story", "/integrations"))
        story.plan(opens_at - 4 * MINUTE, self._look_at_pricing, lead)
        story.plan(opens_at, self._ask, lead, part)

    def _introduce(self, at: int, lead: Human) -> None:
        """A paper, or for those who fit so well that a paper would hand them over, a recording: it earns no points."""
        home = lead.firm
        if home and agreement.fit(lead.title, home.industry, home.employees, home.country.name) <= 25:
            self.visits.identify(at, lead, "paper")
            self.visits.download(at + SECOND, lead, self.visits.paper_for(lead))
        else:
            self._register(at, lead)

    def _register(self, at: int, lead: Human) -> None:
        self.story.tell(at, lead, "webinar_registered", {"title": firm.WEBINARS[0], "recording": True})
        self.visits.introduce(at + SECOND, lead)

    def _look_at_pricing(self, at: int, lead: Human) -> None:
        """As long as it does not qualify them too early: colleagues who read along may add ten points."""
        still_to_come = 12 if at >= self.now - 2 * DAY else 22
        if lead.standing.score(at) + still_to_come < agreement.THRESHOLD:
            self.visits.session(at, lead, ("/pricing",))

    def _ask(self, at: int, lead: Human, part: Part) -> None:
        """The last step before the hand-off: a raised hand, or whatever is still missing to be handed over."""
        tell = self.story.tell
        if part.is_raised:
            lead.asked = True
            tell(at, lead, "demo_requested", {"product": lead.product, "message": part.says})
            tell(at + SECOND, lead, "form_submitted", {"form": "demo", "email": lead.key})
            return
        need = {"letter": "need", "confirmed": "yes", "told": True, "value": part.says}
        steps: tuple[tuple[str, dict[str, object]], ...] = (
            ("question_asked", {"question": part.says}),
            ("documentation_requested", {"topic": "Connectors"}),
            ("page_viewed", {"path": "/pricing", "title": "Pricing"}),
            ("content_downloaded", {"title": firm.PAPERS_FOR_ALL[0], "path": "/papers/what-a-forecast-error-costs"}),
            ("page_viewed", {"path": "/pricing/enterprise", "title": "Enterprise pricing"}),
            ("trial_started", {"product": lead.product, "days": 14}),
        )
        for n, (kind, data) in enumerate(steps, start=1):
            if lead.standing.stage in ("suspect", "lead"):
                tell(at + n * 10 * SECOND, lead, kind, data)
        tell(at + 70 * SECOND, lead, "bant_answered", need)

    def _accompany(self, other: Human, opens_at: int, n: int) -> None:
        """A colleague who reads along."""
        met_at = self.story.days.later(opens_at - (30 + 9 * n) * DAY, 2 * HOUR)
        end = self.visits.session(met_at, other, ("/blog/monday-forecast", "/customers/port-story"))
        self.story.plan(end, self._register, other)
        self.visits.session(opens_at - (3 + n) * DAY, other, ("/product/forecast", "/docs/connectors"))
