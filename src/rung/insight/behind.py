"""Who is behind a number of a backtest: the query of a cell, answered from the people that the run kept. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from rung.engine.trying.backtest import HORIZON, MOST_SPELLS, Handover, People, Spell, month_words, tip_words
from rung.playbook.definitions import Playbook
from rung.terms.instants import DAY
from rung.terms.stages import STAGES, STATUSES
from rung.ui import words

_ANSWERS: Final = {"accepted": 1, "rejected": 2, "returned": 3, "undecided": 0}
_SAID: Final = {code: name for name, code in _ANSWERS.items()}

Win = tuple[str, int, int | None, int | None, float, str]
"""As `People.wins` holds it."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A person (by key) behind a number: at what time, what really happened, and when they won (microseconds UTC)."""

    person: str
    at: int | None
    really: str
    won_at: int | None = None


def behind(found: People, side: int, asked: Mapping[str, str], playbook: Playbook) -> tuple[list[Behind], str, str]:
    """The rows behind a number, what it is called, and what their time is. `side`: 0 the old definition, 1 the new one;
    `playbook` is that definition."""
    if which := asked.get("wins"):
        rows = [_of_win(win, side) for win in found.wins if _WINS.get(which, _WINS["all"])[1](win, side)]
        return rows, _WINS.get(which, _WINS["all"])[0], "Handed over"
    if asked.get("ahead"):
        ahead = [Behind(person, at, "sales worked on them by itself") for person, at in found.ahead[side]]
        return ahead, "Worked by sales without a hand-off", "Climbed past the hand-off"
    if rung := asked.get("rung"):
        spells = [each for each in found.spells[side] if each.stage == rung]
        kept = f" (of more, the {MOST_SPELLS} longest)" if len(spells) == MOST_SPELLS else ""
        if asked.get("still"):
            spells = [each for each in spells if each.end_at is None]
        still = ", still there" if asked.get("still") else ", the longest first"
        return [_of_spell(each) for each in spells], f"On {_label(playbook, rung)}{still}{kept}", "Came to it"
    if asked.get("waits"):
        ours, theirs = (found.new, found.old) if side else (found.old, found.new)
        still = {each.person for each in theirs if each.is_open}
        rows = [_of_handover(each, False) for each in ours if each.is_open and each.person not in still]
        return rows, "Hand-offs that would open now" if side else "Hand-offs that would be withdrawn now", "Handed over"
    if place := asked.get("moved"):
        moved = [
            Behind(each.person, None, f"from {playbook.label(each.old_place)} to {playbook.label(each.new_place)}")
            for each in found.differing
            if each.old_place != each.new_place and place in ("all", each.new_place)
        ]
        where = "" if place == "all" else f", on {_label(playbook, place)}"
        return moved, f"Elsewhere today{where}", "Handed over"
    table = found.new if side else found.old
    said = ", ".join(_words(asked)) or "All hand-offs"
    return (
        [_of_handover(each, bool(asked.get("question"))) for each in table if _is_meant(each, asked)],
        said,
        ("Handed over"),
    )


def _label(playbook: Playbook, code: str) -> str:
    return playbook.label(code) if code in STAGES or code in STATUSES else "no rung"


def _at(win: Win, side: int) -> int | None:
    return win[3] if side else win[2]


def _is_shifted(win: Win) -> bool:
    return win[2] is not None and win[3] is not None and win[2] != win[3]


_WINS: Final[Mapping[str, tuple[str, Callable[[Win, int], bool]]]] = {
    "all": ("First wins", lambda win, side: True),
    "caught": ("Wins caught: handed over before they bought", lambda win, side: _at(win, side) is not None),
    "both": ("Wins that both catch", lambda win, side: win[2] is not None and win[3] is not None),
    "gained": ("Wins that only the new definition catches", lambda win, side: win[2] is None and win[3] is not None),
    "missed": ("Wins that the new definition misses", lambda win, side: win[2] is not None and win[3] is None),
    "neither": ("Wins that neither catches", lambda win, side: win[2] is None and win[3] is None),
    "shifted": ("Wins handed over at another time", lambda win, side: _is_shifted(win)),
    "earlier": ("Wins handed over earlier", lambda win, side: _is_shifted(win) and (win[3] or 0) < (win[2] or 0)),
    "later": ("Wins handed over later", lambda win, side: _is_shifted(win) and (win[3] or 0) > (win[2] or 0)),
}


def _of_win(win: Win, side: int) -> Behind:
    really = f"won, {words.money(round(win[4]), win[5])}" if win[5] else "won"
    return Behind(win[0], _at(win, side), really, win[1])


def _of_spell(each: Spell) -> Behind:
    if each.end_at is None:
        return Behind(each.person, each.start_at, "still there")
    return Behind(each.person, each.start_at, f"{words.number((each.end_at - each.start_at) / DAY, 1)} days")


def _of_handover(each: Handover, is_question: bool) -> Behind:
    if each.won_at is not None:
        late = is_question and each.won_at - each.at > HORIZON
        really = f"won after more than {HORIZON // DAY} days" if late else "won"
    elif each.answer:
        really = _SAID[each.answer] + (f", {each.reason[:1].lower()}{each.reason[1:]}" if each.reason else "")
    elif each.earlier:
        really = f"{_SAID[each.earlier]} before"
    else:
        really = "waits" if each.is_open else "no decision recorded"
    return Behind(each.person, each.at, really, each.won_at)


def _is_meant(each: Handover, asked: Mapping[str, str]) -> bool:
    if (answer := asked.get("answer")) and each.answer != _ANSWERS.get(answer, -1):
        return False
    tests = {
        "month": each.month,
        "source": each.source,
        "rule": each.rule,
        "tip": str(each.tip),
        "reason": each.reason if each.answer == _ANSWERS["rejected"] else "",
        "currency": each.currency,
    }
    if any(asked.get(name) and asked[name] != value for name, value in tests.items()):
        return False
    truths = {
        "open": each.is_open,
        "judged": each.answer == 0 and each.earlier != 0,
        "opportunity": each.opportunity,
        "won": each.won_at is not None,
        "question": each.is_question,
    }
    return all(value for name, value in truths.items() if asked.get(name))


def _words(asked: Mapping[str, str]) -> list[str]:
    answer = asked.get("answer", "")
    told = [
        {"undecided": "no decision recorded"}.get(answer, answer),
        "still open" if asked.get("open") else "",
        "judged before" if asked.get("judged") else "",
        "became opportunity" if asked.get("opportunity") else "",
        "won after the hand-off" if asked.get("won") else "",
        "people handed over for the first time" if asked.get("question") else "",
        f"won in {asked['currency']}" if asked.get("currency") else "",
        month_words(asked["month"]) if _is_month(asked.get("month", "")) else "",
        f"source {asked['source']}" if asked.get("source") else "",
        asked.get("reason", ""),
        tip_words(int(asked["tip"])) if _is_tip(asked.get("tip", "")) else "",
    ]
    parts = [value for value in told if value]
    return [parts[0][:1].upper() + parts[0][1:], *parts[1:]] if parts else []


def _is_tip(text: str) -> bool:
    try:
        return bool(text) and bool(tip_words(int(text)))
    except (ValueError, LookupError):
        return False


def _is_month(text: str) -> bool:
    return len(text) == 7 and text[:4].isdecimal() and text[4] == "-" and text[5:] in {f"{m:02}" for m in range(1, 13)}
