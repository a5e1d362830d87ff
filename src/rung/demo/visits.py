"""What people do by themselves: visits, papers, webinars, mails read by people and by machines, and hands raised."""

from collections.abc import Sequence
from typing import Final

from rung.demo import agreement, firm, truth
from rung.demo.people import Human
from rung.demo.story import Story
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND

_REFERRERS: Final = {
    "organic": "https://search.example/",
    "google": "https://search.example/",
    "linkedin": "https://network.example/",
    "partner": "https://partner-planwerk.example/",
    "referral": "",
    "direct": "",
}
_CLICKS: Final = {
    "/product/forecast": "Watch the tour",
    "/pricing": "Compare plans",
    "/customers/port-story": "Read the whole story",
    "/docs/connectors": "Copy the connector list",
    "/integrations": "Ask for an integration",
}
"""Names of what people click, by page."""
_QUESTIONS: Final = (
    "Does the forecast take public holidays per site?",
    "Can it read our warehouse system directly?",
    "How long until the first usable forecast?",
    "Could the model take the weather feed as an input?",
    "Is the hosting in the EU, and who has access?",
    "What happens when a planner overrides a number?",
)
_REPLIES: Final = {
    "positive": (
        "Yes, Thursday works. Who joins from your side?",
        "This is close to what we need. Can we talk next week?",
    ),
    "neutral": ("Thanks, I have passed it on.", "Which of the two products would that be?"),
    "not_now": ("Not before the audit in January.", "Please come back after the summer."),
    "negative": ("No interest, please take me off.", "We decided to build this ourselves."),
    "wrong_person": ("Please write to my colleague in planning instead.",),
}
_NEEDS: Final = (
    "The Monday forecast is rebuilt by hand every week",
    "Stock runs out on promotions",
    "Too much safety stock since last year",
    "Nobody trusts the sales forecast",
    "Planning three plants in one spreadsheet",
    "Waste of fresh goods above 6 percent",
)


class Visits:
    """Plans what each person does, from the first visit on."""

    def __init__(self, story: Story, *, webinars: Sequence[firm.Webinar], issues: Sequence[int]) -> None:
        self.story = story
        self.rng = story.rng
        self.webinars = webinars
        self.issues = issues

    def arrive(self, at: int, human: Human) -> None:
        """The first day: how we came to know of them."""
        if human.source in ("purchased list", "trade fair"):
            self._imported(at, human)
        elif human.source == "webinar":
            self._came_for_webinar(at, human)
        else:
            self._came_by_web(at, human)

    def session(self, at: int, human: Human, paths: Sequence[str], campaign: str = "", medium: str = "") -> int:
        """Plan one visit; returns the instant after its last page."""
        rng = self.rng
        for n, path in enumerate(paths):
            data: dict[str, object] = {"path": path, "title": firm.PAGES.get(path, path)}
            if n == 0:
                self._mark(data, human, campaign, medium)
            self.story.tell_soon(at, human, "page_viewed", data)
            if path in _CLICKS and rng.random() < 0.12:
                clicked: dict[str, object] = {"name": _CLICKS[path], "path": path}
                self.story.tell_soon(at + 9 * SECOND, human, "element_clicked", clicked)
            at += rng.randrange(14, 210) * SECOND
        return at

    def identify(self, at: int, human: Human, form: str) -> None:
        """They fill a form: from now on we know who they are."""
        fields: dict[str, object] = {"form": form, "email": human.key}
        self.story.tell(at, human, "form_submitted", fields)
        if not human.has_joined:
            self.introduce(at, human)
            if self.rng.random() < 0.72:
                self.story.tell(at, human, "consent_given", {"purpose": "newsletter", "form": form})

    def introduce(self, at: int, human: Human) -> None:
        """From now on we know their name and their company."""
        if human.firm and not human.firm.is_described:
            self._describe(at, human)
        self.story.tell(at, human, "person_identified", self.traits(human), names_firm=True)

    def traits(self, human: Human) -> dict[str, object]:
        found: dict[str, object] = {"email": human.key, "source": human.source, "country": human.country.name}
        if human.given:
            found |= {"name": human.name, "first_name": human.given, "last_name": human.family, "title": human.title}
        if human.phone:
            found["phone"] = human.phone
        if human.campaign:
            found["campaign"] = human.campaign.name
        if human.firm:
            found["company_name"] = human.firm.name
            found["owner"] = human.firm.owner.email
        return found

    def raise_hand(self, at: int, human: Human) -> None:
        """Ask for a demo or a quote, often saying at once what hurts."""
        rng = self.rng
        human.asked = True
        kind = "demo_requested" if rng.random() < 0.7 else "quote_requested"
        told: dict[str, object] = {"email": human.key, "product": human.product, "message": rng.choice(_QUESTIONS)}
        need = rng.choice(_NEEDS) if rng.random() < 0.45 else None
        if not human.has_joined:
            self.introduce(at, human)
        self.story.tell(at + SECOND, human, kind, told | ({"need": need} if need else {}))
        self.story.tell(at + 2 * SECOND, human, "form_submitted", {"form": kind.split("_")[0], "email": human.key})
        if need:
            answer = {"letter": "need", "confirmed": "yes", "told": True, "value": need}
            self.story.tell(at + 3 * SECOND, human, "bant_answered", answer)

    def subscribe(self, at: int, human: Human) -> None:
        if human.is_subscribed or human.has_left_lists or human.is_anonymous:
            return
        human.is_subscribed = True
        self.story.tell(at, human, "newsletter_subscribed", {"list": "Planning letter"})
        self._next_issue(at, human)

    def download(self, at: int, human: Human, title: str) -> None:
        self.story.tell(at, human, "content_downloaded", {"title": title, "path": f"/papers/{_slug(title)}"})

    def paper_for(self, human: Human) -> str:
        if human.wants_salaries and self.rng.random() < 0.75:
            return firm.SALARIES
        own = firm.PAPERS.get(human.firm.industry if human.firm else "", ())
        return self.rng.choice((*own, *own, *firm.PAPERS_FOR_ALL))

    def register(self, at: int, human: Human, webinar: firm.Webinar) -> None:
        self.story.tell(at, human, "webinar_registered", {"title": webinar.title})
        if self.rng.random() < (0.62 if human.soul in ("evaluator", "raiser", "quiet") else 0.44):
            minutes = round(min(60, max(6, self.rng.gauss(42, 14))))
            self.story.tell_soon(
                webinar.at + 5 * MINUTE,
                human,
                "webinar_attended",
                {"title": webinar.title, "minutes": minutes},
            )

    def next_webinar(self, at: int) -> firm.Webinar | None:
        return next((w for w in self.webinars if w.at - 12 * DAY <= at < w.at - HOUR), None)

    # The first day

    def _imported(self, at: int, human: Human) -> None:
        story, rng = self.story, self.rng
        is_bought = human.source == "purchased list"
        day = story.days.date_of(at)
        name = f"Purchased list {day:%B %Y}" if is_bought else f"Badge list {day:%B %Y}"
        basis = "legitimate interest" if is_bought else "consent at the stand"
        if human.firm and not human.firm.is_described:
            story.describe(at, human.firm, with_size=human.firm.knows_size)
        story.tell(at, human, "imported", {"list": name, "source": human.source, "legal_basis": basis}, names_firm=True)
        story.tell(at, human, "person_described", self.traits(human), names_firm=True)
        if not is_bought and rng.random() < 0.3:
            story.tell(at + SECOND, human, "weak_signal_seen", {"signal": "Talked at our stand", "fair": name})
        for n in range(3 if is_bought else 1):
            sent_at = self._office_time(at + (2 + 9 * n) * DAY)
            story.plan(sent_at, self._cold_mail, human, f"{name.lower().replace(' ', '-')}-{n + 1}", n)
        self._live_on(at + 2 * DAY, human)

    def _came_for_webinar(self, at: int, human: Human) -> None:
        webinar = self.next_webinar(at)
        end = self.session(at, human, ("/webinars", *self.rng.sample(firm.READING, self.rng.randrange(2))))
        if webinar is None:
            self._came_by_web(at, human)
            return
        self.story.plan(end, self._register_first, human, webinar)
        self._live_on(at + DAY, human)

    def _register_first(self, at: int, human: Human, webinar: firm.Webinar) -> None:
        self.identify(at, human, "webinar")
        self.register(at + SECOND, human, webinar)

    def _came_by_web(self, at: int, human: Human) -> None:
        rng = self.rng
        if human.is_anonymous:
            for _ in range(1 + (rng.random() < 0.35) + (rng.random() < 0.2)):
                self.session(at, human, self._reading(1, 5))
                at = self._some_time(at, 9)
            return
        if human.is_role:
            end = self.session(at, human, ("/", "/contact"))
            self.story.plan(end, self._ask, human)
            return
        self._live_on(at, human)

    # Afterwards, by what drives them

    def _live_on(self, at: int, human: Human) -> None:
        act = {
            "reader": self._read_along,
            "jobseeker": self._look_for_a_job,
            "evaluator": self._evaluate,
            "quiet": self._look_quietly,
            "raiser": self._ask_at_once,
            "cold": self._look_once,
        }[human.soul]
        act(at, human)

    def _look_once(self, at: int, human: Human) -> None:
        """Somebody who came by, or whose name came on a list, and who wants nothing."""
        if not human.has_joined:
            end = self.session(at, human, self._reading(1, 3))
            if self.rng.random() < 0.5:
                self.story.plan(end, self.identify, human, "newsletter")

    def _read_along(self, at: int, human: Human) -> None:
        rng = self.rng
        interest = min(24, 3 + int(rng.expovariate(1 / 7)))
        gap = rng.choice((6, 12, 24, 40))
        for n in range(interest):
            paths = self._reading(2, 5)
            if rng.random() < 0.08:
                paths.append("/pricing")
            end = self.session(at, human, paths)
            if n == 0 or rng.random() < 0.08:
                self.story.plan(end, self._leave_something, human)
            at = self._some_time(at, gap)

    def _look_for_a_job(self, at: int, human: Human) -> None:
        rng = self.rng
        for n in range(rng.randrange(3, 8)):
            paths = self._reading(2, 5)
            if n and rng.random() < 0.85:
                paths += rng.sample(firm.JOBS, 1 + (rng.random() < 0.4))
            if rng.random() < 0.4:
                paths += rng.sample(firm.BUYING, 2)
            if rng.random() < 0.2:
                paths.append("/pricing")
            end = self.session(at, human, paths)
            if n == 0:
                self.story.plan(end, self._take_paper, human, firm.SALARIES)
            elif rng.random() < 0.1:
                self.story.plan(end, self._leave_something, human)
            at = self._some_time(at, 5)

    def _evaluate(self, at: int, human: Human) -> None:
        rng = self.rng
        if rng.random() < 0.35:
            end = self.session(at, human, self._reading(2, 4))
            self.story.plan(end, self._leave_something, human)
            at = self._some_time(at, 45)
        likes_pricing = rng.random() < 0.55
        visits = rng.randrange(4, 10)
        gap = rng.choice((2.5, 4, 6))
        for n in range(visits):
            paths = rng.sample(firm.BUYING, rng.randrange(2, 6))
            if rng.random() < (0.6 if likes_pricing else 0.1):
                paths.insert(rng.randrange(1, len(paths) + 1), "/pricing")
            end = self.session(at, human, paths)
            if n == visits - 1 and rng.random() < 0.42:
                self.story.plan(end, self.raise_hand, human)
            elif n == 1 or rng.random() < 0.3:
                self.story.plan(end, self._show_interest, human)
            at = self._some_time(at, gap)

    def _look_quietly(self, at: int, human: Human) -> None:
        """Register somewhere, come back twice for the prices, and perhaps call: never enough points at one time."""
        rng = self.rng
        end = self.session(at, human, rng.sample(firm.BUYING, 2))
        self.story.plan(end, self._leave_address, human)
        at = self._some_time(at, 12)
        for _ in range(2 + (rng.random() < 0.3)):
            self.story.plan(at, self._look_at_prices, human)
            at = self._some_time(at, 2)
        if rng.random() < truth.QUIET_CALLS:
            self.story.plan(self._office_time(at + rng.randrange(6, 24) * DAY), self.call_us, human)

    def _leave_address(self, at: int, human: Human) -> None:
        """As little as possible: a webinar's registration earns no points, a newsletter's form does."""
        if human.has_joined:
            return
        self.story.tell(at, human, "webinar_registered", {"title": self.rng.choice(firm.WEBINARS), "recording": True})
        self.introduce(at + SECOND, human)

    def _look_at_prices(self, at: int, human: Human) -> None:
        score = human.standing.score(at)
        paths = [path for path in self.rng.sample(firm.BUYING, 2) if score + 12 < agreement.THRESHOLD]
        if score + 8 < agreement.THRESHOLD:
            paths.append("/pricing")
        end = self.session(at, human, paths)
        self.story.plan(end, self._note_nearness, human)

    def _note_nearness(self, at: int, human: Human) -> None:
        if human.near_at is None and human.standing.score(at) >= truth.BETTER_THRESHOLD:
            human.near_at = at

    def call_us(self, at: int, human: Human) -> None:
        """Replaced by the sellers: they pick up the phone."""

    def _ask_at_once(self, at: int, human: Human) -> None:
        rng = self.rng
        end = at
        for _ in range(rng.randrange(1, 4)):
            paths = [rng.choice(firm.BUYING), *self._reading(0, 2)]
            if rng.random() < 0.5:
                paths.append("/pricing")
            end = self.session(at, human, paths)
            at = self._some_time(at, 3)
        self.story.plan(end, self.raise_hand, human)

    # What they leave behind

    def _leave_something(self, at: int, human: Human) -> None:
        rng = self.rng
        webinar = self.next_webinar(at)
        draw = rng.random()
        if draw < 0.22:
            self._take_paper(at, human)
        elif draw < 0.8:
            self.identify(at, human, "newsletter")
            self.subscribe(at + SECOND, human)
        elif draw < 0.92 and webinar:
            self._register_first(at, human, webinar)
        elif draw < 0.97:
            self.identify(at, human, "contact")
            self.story.tell(at + SECOND, human, "social_engaged", {"network": "LinkedIn", "act": "comment"})
        if rng.random() < 0.25 and human.has_joined:
            self.subscribe(at + 2 * SECOND, human)

    def _take_paper(self, at: int, human: Human, title: str = "") -> None:
        self.identify(at, human, "paper")
        self.download(at + SECOND, human, title or self.paper_for(human))
        if self.rng.random() < 0.3:
            self.subscribe(at + 2 * SECOND, human)

    def _show_interest(self, at: int, human: Human) -> None:
        rng = self.rng
        webinar = self.next_webinar(at)
        draw = rng.random()
        if draw < 0.4:
            self._take_paper(at, human)
        elif draw < 0.55 and webinar:
            self._register_first(at, human, webinar)
        elif draw < 0.72:
            self.identify(at, human, "documentation")
            self.story.tell(at + SECOND, human, "documentation_requested", {"topic": "Security and hosting"})
        elif draw < 0.86:
            self._ask(at, human)
        elif draw < 0.93:
            self.identify(at, human, "trial")
            self.story.tell(at + SECOND, human, "trial_started", {"product": human.product, "days": 14})
            for n in range(rng.randrange(1, 6)):
                self.story.tell_soon(
                    at + n * DAY + rng.randrange(8) * HOUR,
                    human,
                    "product_used",
                    {"product": human.product, "trial": True},
                )
        else:
            self._leave_something(at, human)

    def _ask(self, at: int, human: Human) -> None:
        self.identify(at, human, "contact")
        self.story.tell(at + SECOND, human, "question_asked", {"question": self.rng.choice(_QUESTIONS)})

    # Mail

    def _next_issue(self, at: int, human: Human) -> None:
        sent_at = next((issue for issue in self.issues if issue > at), None)
        if sent_at is not None:
            self.story.plan(sent_at + human.number % 240 * SECOND, self._issue, human)

    def _issue(self, at: int, human: Human) -> None:
        if human.has_left_lists:
            return
        day = self.story.days.date_of(at)
        webinar = next((w for w in self.webinars if 0 <= at - w.invited_at < HOUR), None)
        if webinar is not None:
            self._mail(at, human, f"webinar-{day:%Y-%m}", f"{webinar.title}: join us on {day:%A}", (0.36, 0.04))
            if self.rng.random() < 0.02:
                self.story.plan(at + 5 * HOUR, self._register_first, human, webinar)
        else:
            self._mail(
                at, human, f"planning-letter-{day:%Y-%m-%d}", f"Planning letter, {day.day} {day:%B}", (0.36, 0.03)
            )
        if not human.has_left_lists:
            self._next_issue(at, human)

    def _cold_mail(self, at: int, human: Human, campaign: str, turn: int) -> None:
        if human.has_left_lists:
            return
        is_bought = human.source == "purchased list"
        if turn == 0 and self.rng.random() < (0.065 if is_bought else 0.02):
            self.story.tell(at, human, "email_sent", {"campaign": campaign, "message": f"{campaign}:{human.number}"})
            self.story.tell(
                at + 40 * SECOND, human, "email_bounced", {"hard": True, "message": f"{campaign}:{human.number}"}
            )
            human.standing.has_address = human.phone is not None
            human.has_left_lists = True
            return
        self._mail(at, human, campaign, "Planning without Monday mornings", (0.14, 0.008) if is_bought else (0.42, 0.1))
        if not human.has_left_lists and self.rng.random() < (0.012 if is_bought else 0.06):
            outcome = self.rng.choices(("negative", "not_now", "wrong_person", "neutral"), (5, 3, 3, 2))[0]
            self.reply(self._office_time(at + DAY), human, campaign, outcome)

    def reply(self, at: int, human: Human, campaign: str, outcome: str) -> None:
        text = self.rng.choice(_REPLIES[outcome])
        self.story.tell_soon(at, human, "email_replied", {"campaign": campaign, "outcome": outcome, "text": text})

    def _mail(self, at: int, human: Human, campaign: str, subject: str, rates: tuple[float, float]) -> None:
        """One mail: sent, opened by a scanner or a person, clicked, refused, or the last straw."""
        rng, story = self.rng, self.story
        sent: dict[str, object] = {"campaign": campaign, "message": f"{campaign}:{human.number}"}
        story.tell(at, human, "email_sent", {**sent, "subject": subject})
        domain = human.key.partition("@")[2]
        if sum(map(ord, domain)) % 6 == 0:
            story.tell_soon(at + 4 * SECOND, human, "email_opened", {**sent, "machine": True})
            if rng.random() < 0.3:
                story.tell_soon(at + 5 * SECOND, human, "email_clicked", {**sent, "machine": True, "path": "/papers"})
        opens, clicks = rates
        if human.soul == "cold":
            opens *= 0.5
        if rng.random() < opens:
            opened_at = at + int(rng.expovariate(1 / 5) * HOUR) + 90 * SECOND
            story.tell_soon(opened_at, human, "email_opened", {**sent, "machine": False})
            if rng.random() < clicks / opens:
                path = rng.choice(firm.READING)
                story.tell_soon(
                    opened_at + 20 * SECOND, human, "email_clicked", {**sent, "machine": False, "path": path}
                )
                self.session(opened_at + 22 * SECOND, human, (path, *self._reading(0, 2)), campaign, "email")
        draw = rng.random()
        if draw < (0.02 if human.soul == "cold" else 0.0045):
            human.has_left_lists = True
            story.tell_soon(at + 3 * HOUR, human, "unsubscribed", {**sent})
        elif draw < (0.026 if human.soul == "cold" else 0.005):
            human.has_left_lists = True
            story.tell_soon(at + 2 * HOUR, human, "email_complained", {**sent})

    # Small things

    def _describe(self, at: int, human: Human) -> None:
        company = human.firm
        if company is None or company.is_described:
            return
        self.story.describe(at, company, with_size=company.knows_size)
        if not company.knows_size:
            self.story.plan(at + self.rng.randrange(15, 60) * DAY, self._describe_again, human)

    def _describe_again(self, at: int, human: Human) -> None:
        if human.firm:
            self.story.describe(at, human.firm, with_size=True)

    def _mark(self, data: dict[str, object], human: Human, campaign: str, medium: str) -> None:
        if campaign:
            data |= {"utm_source": "newsletter", "utm_medium": medium, "utm_campaign": campaign}
        elif human.source == "partner" and not human.standing.signals:
            data |= {"utm_source": "partner", "utm_medium": "referral", "referrer": _REFERRERS["partner"]}
        elif human.campaign is not None and not human.standing.signals:
            ran = human.campaign
            data |= {"utm_source": ran.source, "utm_medium": ran.medium, "utm_campaign": ran.name}
            data["referrer"] = _REFERRERS.get(ran.source, "")
        elif _REFERRERS.get(human.source):
            data["referrer"] = _REFERRERS[human.source]

    def _reading(self, least: int, most: int) -> list[str]:
        rng = self.rng
        count = rng.randrange(least, most)
        return [rng.choice(firm.READING) if rng.random() < 0.85 else rng.choice(firm.BUYING) for _ in range(count)]

    def _some_time(self, at: int, gap_days: float) -> int:
        """Another day, about so many days later, at an hour when the person is about; week-ends mostly skipped."""
        days, rng = self.story.days, self.rng
        index = days.index(at) + 1 + int(rng.expovariate(1 / gap_days))
        if index >= len(days.dates):
            return self.story.until + 1
        while days.dates[index].weekday() >= 5 and rng.random() < 0.8:
            index += 1
            if index >= len(days.dates):
                return self.story.until + 1
        return max(days.midnights[index] + firm.hour_of_day(rng, 0), at + HOUR)

    def _office_time(self, at: int) -> int:
        return self.story.days.later(at, self.rng.randrange(5, 400) * MINUTE)


def _slug(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower().replace("'", "")).strip("-")
