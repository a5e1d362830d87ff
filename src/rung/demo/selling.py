"""What our people do: answer hand-offs, call, ask, offer, win, lose, look after customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rung.demo import firm, truth
from rung.demo.agreement import CUSTOMER_QUIET_DAYS, FIT_NEEDED
from rung.demo.people import Firm, Human
from rung.demo.story import Story
from rung.demo.visits import _NEEDS, Visits
from rung.terms.instants import DAY, HOUR, MINUTE, SECOND, format_instant

HALF_HOUR: Final = 30 * MINUTE
RAISED_WITHIN: Final = 30 * MINUTE
"""How fast the playbook wants an answer to a raised hand, in working time."""

_COMMITTEE: Final = ("CFO", "Head of IT", "COO", "Purchasing", "Plant manager", "Works council", "Managing director")
_LOST: Final = {
    "Too expensive": 4,
    "Chose a competitor": 4,
    "No decision": 6,
    "Built it themselves": 2,
    "Missing feature": 2,
}
_FRICTIONS: Final = {"no budget": "No budget", "not urgent": "Not urgent", "no authority": "No authority"}
_REASONS: Final = {
    "No budget": 8,
    "Wrong person": 8,
    "Cannot be reached": 6,
    "No authority": 5,
    "Not our customer": 4,
    "Not urgent": 5,
    "Misunderstood our offer": 4,
}
_RETURNS: Final = ("Missing fact", "Wrong owner", "Duplicate")


@dataclass(frozen=True, slots=True)
class Answered:
    """One hand-off's answer, with what is true of it: reports should find the same."""

    human: Human
    opened_at: int
    at: int
    what: str
    reason: str
    rep: str
    is_late: bool
    pricing_twice: bool
    asked: bool
    colleagues: int
    plan: str


class Selling:
    """Reacts to hand-offs and carries accepted people as far as they will go."""

    def __init__(self, story: Story, visits: Visits) -> None:
        self.story = story
        self.rng = story.rng
        self.days = story.days
        self.visits = visits
        self.weak_from = story.until - truth.WEAK_DAYS * DAY
        self.now = story.until
        self.employers: Sequence[Firm] = ()
        self.deals = 0
        self.answers: list[Answered] = []
        story.on_handoff = self.handed_over
        visits.call_us = self.called_by  # type: ignore[method-assign]  # the phone rings in the other room

    def by(self, human: Human) -> str:
        return self.rep(human).email

    def rep(self, human: Human) -> firm.Colleague:
        if human.firm:
            return human.firm.owner
        choices = firm.owners(human.country.code)
        return choices[human.number % len(choices)]

    # The answer

    def handed_over(self, human: Human, at: int, is_raised: bool) -> None:
        """A hand-off opened: somebody will answer it, soon or late."""
        human.handoffs += 1
        if human.is_waiting:
            return
        answer_at = self._in_time(self._answer_at(human, at, is_raised), at, is_raised)
        self.story.plan(answer_at, self.answer, human, at)

    def _answer_at(self, human: Human, at: int, is_raised: bool) -> int:
        rng = self.rng
        opened = self.days.later(at, 0)
        is_monday = self.days.date_of(opened).weekday() == truth.LATE_WEEKDAY
        if self.rep(human).name == truth.LATE_REP and is_monday and rng.random() < truth.LATE_SHARE:
            wait = rng.uniform(1.2, 2.2) * firm.WORKDAY
        elif rng.random() < truth.FORGOTTEN:
            wait = rng.uniform(1.1, 3.0) * firm.WORKDAY
        else:
            median = 11 * MINUTE if is_raised else 95 * MINUTE
            wait = min(rng.lognormvariate(0, 0.8) * median, 0.95 * firm.WORKDAY)
        return self.days.later(opened, int(wait) + MINUTE)

    def _in_time(self, answer_at: int, at: int, is_raised: bool) -> int:
        """Nobody is late, or nearly, at `now` itself: those two places are taken."""
        within = RAISED_WITHIN if is_raised else firm.WORKDAY
        left = self.days.worked(at) + within - self.days.worked(self.now)
        if answer_at <= self.now or at > self.now or left >= min(within, HOUR):
            return answer_at
        return max(at + MINUTE, self.days.later(self.now, -((at // SECOND % 37 + 2) * MINUTE)))

    def answer(self, at: int, human: Human, opened_at: int) -> None:
        """Accept, reject with a reason, or ask marketing for what is missing."""
        rng, standing = self.rng, human.standing
        if standing.accepted or standing.stage not in ("mql", "prospect", "opportunity"):
            return
        later = self.story.room_for(human, at)
        if later > at:
            self.story.plan(later, self.answer, human, opened_at)
            return
        is_late = self.days.worked(at) - self.days.worked(opened_at) > firm.WORKDAY
        if not standing.returned and rng.random() < 0.05 and standing.stage == "mql":
            self.story.tell(at, human, "handoff_returned", {"reason": rng.choice(_RETURNS)}, self.by(human))
            self.story.plan(self.days.later(at, rng.randrange(1, 9) * HOUR), self._complete, human, opened_at)
            self._note(human, opened_at, at, "returned", "", is_late)
        elif rng.random() < self._rejection(human) and standing.stage == "mql":
            reason = self._reason(human)
            self._note(human, opened_at, at, "rejected", reason, is_late)
            self.reject(at, human, reason)
        else:
            will_win = self._will_win(human, at, is_late=is_late)
            self.accept(at, human, will_win)
            self._note(human, opened_at, at, "accepted", "", is_late)

    def _note(self, human: Human, opened_at: int, at: int, what: str, reason: str, is_late: bool) -> None:
        twice, rep = human.pricing_views >= 2, self.rep(human).name
        colleagues = self.story.active_colleagues(human, at)
        self.answers.append(
            Answered(human, opened_at, at, what, reason, rep, is_late, twice, human.asked, colleagues, human.plan)
        )

    def _complete(self, at: int, human: Human, opened_at: int) -> None:
        data = {"department": "Planning", "owner": self.by(human)}
        self.story.tell(at, human, "person_described", {**data, "documented_by": firm.MIA.email}, firm.MIA.email)
        self.story.plan(self.days.later(at, self.rng.randrange(20, 300) * MINUTE), self.answer, human, opened_at)

    def _rejection(self, human: Human) -> float:
        if human.standing.status == "active" and human.wants_salaries:
            return truth.SALARY_REJECTED
        again = 0.12 if human.handoffs > 1 else 0.0
        return truth.REJECTED[human.soul] + again

    def _reason(self, human: Human) -> str:
        rng = self.rng
        if human.wants_salaries:
            return rng.choices(("Not urgent", "Not our customer", "Wrong person"), (78, 12, 10))[0]
        if human.source == truth.PURCHASED_NEVER_WINS:
            return rng.choices(("Not our customer", "Cannot be reached", "Wrong person"), (5, 4, 3))[0]
        return rng.choices(list(_REASONS), list(_REASONS.values()))[0]

    def reject(self, at: int, human: Human, reason: str) -> None:
        data: dict[str, object] = {"reason": reason}
        if reason == "Not urgent":
            wakes = self.days.date_of(at).toordinal() + self.rng.choice((30, 45, 60, 90, 120, 180))
            data["until"] = type(self.days.dates[0]).fromordinal(wakes).isoformat()
        self.story.tell(at, human, "handoff_rejected", data, self.by(human))
        self._wake_later(human)

    def _wake_later(self, human: Human) -> None:
        until = human.standing.resting_until
        if until > 0:
            self.story.plan(until, self.story.wake, human)

    # How far they will go

    def _will_win(self, human: Human, at: int, *, is_late: bool) -> bool:
        if human.source == truth.PURCHASED_NEVER_WINS:
            return False
        odds = truth.WIN_ODDS
        odds *= truth.PRICING_TWICE if human.pricing_views >= 2 else 1
        odds *= truth.ASKED if human.asked else 1
        odds *= truth.REFERRED if human.source == "referral" else 1
        odds *= truth.COLLEAGUES if self.story.active_colleagues(human, at) >= 2 else 1
        odds *= truth.ANSWERED_LATE if is_late else 1
        odds *= truth.SALARIES if human.wants_salaries else 1
        return self.rng.random() < odds / (1 + odds)

    def accept(self, at: int, human: Human, will_win: bool) -> None:
        human.plan = (
            "won" if will_win else self.rng.choices(("unreached", "declined", "stalled", "lost"), (40, 17, 18, 25))[0]
        )
        self.story.tell(at, human, "handoff_accepted", {}, self.by(human))
        self._try_to_reach(
            self.days.later(at, int(self.rng.lognormvariate(0, 0.9) * 100) * MINUTE + 4 * MINUTE), human, 1
        )

    def _try_to_reach(self, at: int, human: Human, attempt: int) -> None:
        self.story.plan(at, self._attempt, human, attempt)

    def _attempt(self, at: int, human: Human, attempt: int) -> None:
        """Call or write; whoever will not be reached is left after five attempts."""
        rng = self.rng
        if human.standing.stage not in ("sal", "mql", "prospect", "opportunity") or human.standing.status != "active":
            return
        answers = human.plan != "unreached" and (attempt >= 3 or rng.random() < 0.5)
        if answers and self.story.room_for(human, at) == at:
            self._speak(at, human, attempt)
            return
        if answers or attempt % 2:
            self.story.tell(at, human, "call_made", {"outcome": "no_answer", "attempt": attempt}, self.by(human))
        elif attempt == 4 and rng.random() < 0.4:
            self.story.tell(at, human, "social_touched", {"network": "LinkedIn", "attempt": attempt}, self.by(human))
        else:
            self.story.tell(
                at, human, "email_written", {"subject": "Your forecast", "attempt": attempt}, self.by(human)
            )
        if attempt == 3 and rng.random() < 0.12:
            self.story.tell_soon(at + HOUR, human, "direct_mail_sent", {"what": "Case study, printed"}, self.by(human))
        if attempt < 5 or answers:
            self._try_to_reach(self.days.later(at, rng.randrange(6, 20) * HOUR), human, attempt + 1)
        elif rng.random() < 0.5:
            self.story.plan(self.days.later(at, 12 * HOUR), self._give_up, human)

    def _give_up(self, at: int, human: Human) -> None:
        if human.standing.stage == "sal" and not human.standing.reached:
            self.reject(at, human, "Cannot be reached")

    def _speak(self, at: int, human: Human, attempt: int) -> None:
        """The first conversation: the need, and what else comes up."""
        rng, by, tell = self.rng, self.by(human), self.story.tell
        tell(
            at, human, "call_made", {"outcome": "positive", "attempt": attempt, "seconds": rng.randrange(180, 1500)}, by
        )
        outcome = "not_now" if human.plan == "declined" else "positive"
        tell(at + SECOND, human, "call_answered", {"outcome": outcome, "topic": human.product}, by)
        noted_at = at + 6 * MINUTE
        if human.plan == "declined" and rng.random() < 0.5:
            self.story.plan(noted_at, self._decline, human)
            return
        self.story.plan(noted_at, self._note_need, human)

    def _note_need(self, at: int, human: Human) -> None:
        rng, by = self.rng, self.by(human)
        if human.standing.has_lost():
            self._reopen(at, human)
        need: dict[str, object] = {"letter": "need", "confirmed": "yes", "value": rng.choice(_NEEDS)}
        self.story.tell(at, human, "bant_answered", {**need, "confidence": rng.choice((2, 3, 3))}, by)
        if rng.random() < 0.55:
            who = rng.choice(_COMMITTEE)
            answer = {
                "letter": "authority",
                "confirmed": "yes" if rng.random() < 0.7 else "no",
                "value": f"{who} decides",
            }
            self.story.tell(at + SECOND, human, "bant_answered", answer, by)
        if human.firm and rng.random() < 0.5:
            using = {"competitor": human.firm.tools, "using": True}
            self.story.tell(at + 2 * SECOND, human, "competitor_named", using, by)
        if rng.random() < 0.35:
            self.story.tell(
                at + 3 * SECOND, human, "checklist_ticked", {"line": "Interest is noted in their own words"}, by
            )
        self.story.tell(
            at + 4 * SECOND, human, "question_answered", {"question": "challenges", "answer": need["value"]}, by
        )
        if human.plan in ("won", "lost") or rng.random() < 0.3:
            value = {"question": "value", "answer": f"{human.product} takes over the weekly forecast"}
            self.story.tell(at + 5 * SECOND, human, "question_answered", value, by)
        self._after_need(at, human)

    def _after_need(self, at: int, human: Human) -> None:
        rng = self.rng
        is_weak = at >= self.weak_from and human.plan in ("won", "lost") and human.standing.stage != "customer"
        if is_weak and rng.random() >= truth.WEAK_KEEPS:
            human.plan = "stalled"
        if human.plan == "declined":
            self.story.plan(self.days.later(at, rng.randrange(12, 60) * HOUR), self._decline, human)
        elif human.plan == "stalled":
            self.story.plan(self.days.later(at, rng.randrange(10, 40) * HOUR), self._stall, human, 1)
        elif human.plan in ("won", "lost"):
            self._book(at, human)

    def _decline(self, at: int, human: Human) -> None:
        if human.standing.stage not in ("sal", "prospect") or human.standing.status != "active":
            return
        later = self.story.room_for(human, at)
        if later > at:
            self.story.plan(later, self._decline, human)
            return
        friction = self.rng.choice(list(_FRICTIONS))
        letter = {"no budget": "budget", "not urgent": "timing", "no authority": "authority"}[friction]
        by = self.by(human)
        self.story.tell(at, human, "bant_answered", {"letter": letter, "confirmed": "no"}, by)
        self.story.tell(at + SECOND, human, "friction_found", {"friction": friction}, by)
        self.reject(at + 2 * SECOND, human, _FRICTIONS[friction])

    def _stall(self, at: int, human: Human, turn: int) -> None:
        """Friendly, interested, and going nowhere: nobody asks who decides, or whether they want a change."""
        rng, by = self.rng, self.by(human)
        if human.standing.stage != "prospect" or human.standing.status != "active":
            return
        if turn == 1 and rng.random() < 0.5:
            self.story.tell(at, human, "admission_given", {"admission": "considering"}, by)
        elif rng.random() < 0.3:
            self.story.tell(at, human, "meeting_missed", {"topic": human.product}, by)
        else:
            self.story.tell(at, human, "email_written", {"subject": "Any news?"}, by)
            if rng.random() < 0.4:
                self.visits.reply(
                    self.days.later(at, 9 * HOUR), human, "one-to-one", rng.choice(("neutral", "not_now"))
                )
        if turn < rng.randrange(2, 5):
            self.story.plan(self.days.later(at, rng.randrange(20, 70) * HOUR), self._stall, human, turn + 1)

    # Deals

    def _cycle(self, human: Human) -> float:
        slow = truth.SLOW_CYCLE if human.firm and human.firm.industry == truth.SLOW_INDUSTRY else 1.0
        return min(max(self.rng.lognormvariate(0, 0.32), 0.45), 2.4) * truth.CYCLE_DAYS * slow

    def _book(self, at: int, human: Human) -> None:
        """A meeting; its length of way is drawn here, in days from now to the decision."""
        cycle = self._cycle(human)
        booked_at = self.days.later(at, 20 * MINUTE)
        self.story.tell_soon(
            booked_at, human, "meeting_booked", {"topic": "Discovery", "product": human.product}, self.by(human)
        )
        met_at = self.days.later(at + int(cycle * 0.22 * DAY), self.rng.randrange(0, 14) * HALF_HOUR)
        if self.rng.random() < 0.16:
            self.story.tell_soon(met_at, human, "meeting_missed", {"topic": "Discovery"}, self.by(human))
            met_at = self.days.later(met_at + 3 * DAY, HOUR)
        self.story.plan(met_at, self._meet, human, cycle)

    def _meet(self, at: int, human: Human, cycle: float) -> None:
        """Discovery held: enough is known, and both admissions are made."""
        rng, by, tell = self.rng, self.by(human), self.story.tell
        if human.standing.stage not in ("prospect", "sal") or human.standing.status != "active":
            return
        later = self.story.room_for(human, at)
        if later > at:
            self.story.plan(later, self._meet, human, cycle)
            return
        tell(
            at,
            human,
            "meeting_held",
            {"topic": "Discovery", "minutes": rng.choice((30, 45, 60, 60)), "outcome": "positive"},
            by,
        )
        letters = ["need", "authority", "timing" if rng.random() < 0.6 else "budget"]
        if rng.random() < 0.45:
            letters.append("budget" if letters[2] == "timing" else "timing")
        decides = self.days.date_of(at).toordinal() + int(cycle * 0.7) + rng.randrange(-6, 12)
        decision = type(self.days.dates[0]).fromordinal(decides)
        values = {
            "need": rng.choice(_NEEDS),
            "authority": f"{rng.choice(_COMMITTEE)} signs",
            "timing": f"Live by {decision:%B %Y}",
            "budget": f"{rng.choice((20, 30, 40, 60, 80))} 000 in the plan",
        }
        for n, letter in enumerate(letters):
            answer = {"letter": letter, "confirmed": "yes", "value": values[letter], "confidence": rng.choice((2, 3))}
            tell(at + (n + 1) * SECOND, human, "bant_answered", answer, by)
        makers = rng.sample(_COMMITTEE, rng.randrange(2, 6))
        tell(at + 6 * SECOND, human, "question_answered", {"question": "decision_makers", "answer": makers}, by)
        tell(
            at + 7 * SECOND,
            human,
            "question_answered",
            {"question": "decision_date", "answer": decision.isoformat()},
            by,
        )
        others = {"question": "competing_solutions", "answer": human.firm.tools if human.firm else "none"}
        tell(at + 8 * SECOND, human, "question_answered", others, by)
        tell(at + 8 * SECOND, human, "admission_given", {"admission": "considering"}, by)
        tell(at + 9 * SECOND, human, "admission_given", {"admission": "change"}, by)
        self._open_deal(at + 20 * MINUTE, human, at + int(cycle * 0.74 * DAY))

    def _open_deal(self, at: int, human: Human, ends_at: int) -> None:
        if human.has_reopened:
            human.has_reopened = False
            deal: dict[str, object] = {"deal": human.deal, "product": human.product, "amount": human.amount}
            deal["currency"] = human.country.currency
        else:
            deal = self._new_deal(human)
            self.story.tell_soon(at, human, "deal_opened", {**deal, "phase": firm.PHASES[0]}, self.by(human))
        reached = 4 if human.plan == "won" else self.rng.randrange(2, 5)
        for n in range(1, reached):
            moved_at = self.days.later(at + (ends_at - at) * n // reached, self.rng.randrange(0, 400) * MINUTE)
            if n == 2 and self.rng.random() < 0.4:
                deal["amount"] = human.amount = human.amount * 9 // 10
            self.story.tell_soon(moved_at, human, "deal_moved", {**deal, "phase": firm.PHASES[n]}, self.by(human))
            if self.rng.random() < 0.6:
                self.visits.session(moved_at + 3 * HOUR, human, ("/pricing/enterprise", "/docs/security", "/docs/api"))
        closes_at = self.days.later(ends_at, self.rng.randrange(0, 420) * MINUTE)
        self.story.plan(closes_at, self._win if human.plan == "won" else self._lose, human, deal)

    def _reopen(self, at: int, human: Human) -> None:
        """Somebody who was lost talks again: the new deal comes first, or they would stay lost."""
        deal = self._new_deal(human)
        human.has_reopened = True
        self.story.tell(at - SECOND, human, "deal_opened", {**deal, "phase": firm.PHASES[0]}, self.by(human))

    def _new_deal(self, human: Human) -> dict[str, object]:
        self.deals += 1
        human.deal = f"MA-{1000 + self.deals}"
        size = human.firm.employees if human.firm else 60
        thousands = min(240, max(6, 27 * (size / 100) ** 0.55 * self.rng.lognormvariate(0, 0.35)))
        human.amount = round(thousands) * 100_000
        return {
            "deal": human.deal,
            "product": human.product,
            "amount": human.amount,
            "currency": human.country.currency,
        }

    def _lose(self, at: int, human: Human, deal: dict[str, object]) -> None:
        reason = self.rng.choices(list(_LOST), list(_LOST.values()))[0]
        data = {**deal, "reason": reason}
        if reason == "Chose a competitor":
            data["competitor"] = self.rng.choice(firm.COMPETITORS)
        self.story.tell(at, human, "deal_lost", data, self.by(human))
        self._wake_later(human)

    def _win(self, at: int, human: Human, deal: dict[str, object]) -> None:
        rng = self.rng
        self.story.tell(at, human, "deal_won", deal, self.by(human))
        self.story.plan(at + CUSTOMER_QUIET_DAYS * DAY, self.story.wake, human)
        signed_at = self.days.later(at, rng.randrange(2, 20) * HOUR)
        self.story.tell_soon(
            signed_at, human, "contract_started", {"product": human.product, "months": 12}, self.by(human)
        )
        self.story.tell_soon(
            self.days.later(signed_at, HOUR), human, "customer_handed_to_support", {"to": "support"}, self.by(human)
        )
        for n in range(rng.randrange(3, 12)):
            used_at = signed_at + n * rng.randrange(5, 12) * DAY + rng.randrange(6) * HOUR
            self.story.tell_soon(used_at, human, "product_used", {"product": human.product})
        if rng.random() < 0.3:
            thanked_at = self.days.later(at + rng.randrange(40, 90) * DAY, HOUR)
            self.story.tell_soon(thanked_at, human, "referral_given", {"to": "a colleague at another firm"})
        draw = rng.random()
        if draw < 0.24:
            self.story.plan(self.days.later(at + rng.randrange(50, 170) * DAY, HOUR), self._want_more, human)
        elif draw < 0.32:
            self.story.plan(self.days.later(at + rng.randrange(120, 260) * DAY, HOUR), self._leave, human)
        elif draw < 0.5:
            self.story.plan(self.days.later(at + 40 * DAY, HOUR), self.visits.subscribe, human)

    def _want_more(self, at: int, human: Human) -> None:
        """A customer looks at another product, and asks for it."""
        if human.standing.stage != "customer":
            return
        human.product = next(p for p in firm.PRODUCTS if p != human.product)
        self.visits.session(at, human, ("/product/replenish", "/product/scenario", "/pricing"))
        self.visits.session(at + 2 * DAY, human, ("/product/scenario", "/docs/connectors", "/pricing"))
        self.story.plan(at + 2 * DAY + 20 * MINUTE, self.visits.raise_hand, human)

    def _leave(self, at: int, human: Human) -> None:
        self.story.tell(at, human, "contract_ended", {"product": human.product}, self.by(human))
        self.story.tell(at + SECOND, human, "customer_left", {"reason": "Moved to the group's system"}, self.by(human))

    # The quiet ones

    def called_by(self, at: int, human: Human) -> None:
        """Somebody whom no rule handed over calls by themselves."""
        rng, by = self.rng, self.by(human)
        if human.standing.stage not in ("suspect", "lead") or not human.has_joined:
            return
        human.called_at = at
        odds = truth.QUIET_WIN_ODDS
        human.plan = "won" if rng.random() < odds / (1 + odds) else rng.choice(("lost", "stalled"))
        self.story.tell(at, human, "call_received", {"outcome": "positive", "seconds": rng.randrange(200, 1300)})
        if human.standing.stage == "mql":
            self.story.tell(at + SECOND, human, "handoff_accepted", {}, by)
        self.story.tell(at + 2 * SECOND, human, "contacted", {"channel": "phone", "outcome": "positive"}, by)
        self.story.plan(at + 7 * MINUTE, self._note_need, human)

    # What people decide by hand

    def by_hand(self, at: int, human: Human) -> None:
        """Now and then somebody sets a rung, nominates a lead, or hears that a person has changed employer."""
        rng, days = self.rng, self.days
        if human.is_anonymous or human.is_role:
            return
        acted_at = days.later(at + rng.randrange(15, 220) * DAY, rng.randrange(0, 16) * HALF_HOUR)
        draw = rng.random()
        if draw < 0.002:
            self.story.plan(acted_at, self._set_rung, human)
        elif draw < 0.012:
            self.story.plan(acted_at, self._nominate, human)
        elif draw < 0.018:
            self.story.plan(acted_at, self._new_employer, human)

    def _set_rung(self, at: int, human: Human) -> None:
        standing = human.standing
        if standing.stage != "lead" or standing.status != "active":
            return
        data: dict[str, object] = {"status": "disqualified", "because": "An adviser: buys nothing", "until": None}
        if standing.fit >= FIT_NEEDED:
            until = format_instant(at + 60 * DAY)
            data = {"to": "prospect", "because": "Kim met their board at the fair", "until": until}
        self.story.tell(at, human, "stage_overridden", data, firm.KIM.email)

    def _nominate(self, at: int, human: Human) -> None:
        if human.has_joined and human.standing.stage == "lead" and human.standing.status == "active":
            why = self.rng.choice(("Spoke up in the webinar", "Third person of this firm", "Writes about planning"))
            self.story.tell(at, human, "nominated", {"because": why}, firm.MIA.email)

    def _new_employer(self, at: int, human: Human) -> None:
        """They write from elsewhere: the record stays theirs, the company changes."""
        if human.firm is None or not human.has_joined or human.standing.stage not in ("suspect", "lead"):
            return
        home = self.rng.choice(self.employers)
        if home is human.firm:
            return
        if not home.is_described:
            self.story.describe(at, home, with_size=home.knows_size)
        human.firm.people.remove(human)
        home.people.append(human)
        human.firm = home
        self.story.tell(
            at,
            human,
            "person_described",
            {"company_name": home.name, "changed_employer": True, "owner": home.owner.email},
            names_firm=True,
        )
