"""Which records may be of one person: likeness field by field, weighed as Fellegi and Sunter do. Pure.

A field's likeness is a level, from equal down to different. A level weighs m/u: how often it is seen among records of
one person, over how often among records of two (I. Fellegi, A. Sunter, "A Theory for Record Linkage", 1969). u comes
from pairs drawn at random, m from expectation-maximisation inside blocks (W. Winkler, 1988); both begin at values that
hold for names and addresses in general, so that a house of six people is not judged by fifteen pairs. A value that many
share weighs less: two people called Smith are nothing remarkable.
"""

import math
import random
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import combinations
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from rung.terms.companies import FREE_MAILBOXES

Record = Mapping[str, str]
"""Field → what was told, as `prepared` writes it; a field that is not known is missing."""
Pair = tuple[int, int]
"""Two places in a list of records, the lower first."""

KINDS: Final = ("first", "last", "email", "phone", "date", "company", "text")
LARGEST_BLOCK: Final = 40
"""Records of one block that are all compared with each other."""
WINDOW: Final = 8
"""In a larger block each record is compared with so many next to it, in order of all it says."""
DEFAULT_ODDS: Final = 3.0
"""A pair is suggested from so many to one."""


@dataclass(frozen=True, slots=True)
class Level:
    """How alike two values are: in words, and how often that is so among records of one person and of two."""

    words: str
    m: float
    u: float


LEVELS: Final[dict[str, tuple[Level, ...]]] = {
    "first": (
        Level("same first name", 0.70, 0.008),
        Level("first name {alike} alike", 0.15, 0.004),
        Level("first name roughly alike", 0.07, 0.02),
        Level("different first name", 0.08, 0.968),
    ),
    "last": (
        Level("same last name", 0.75, 0.002),
        Level("last name {alike} alike", 0.15, 0.002),
        Level("last name roughly alike", 0.04, 0.016),
        Level("different last name", 0.06, 0.98),
    ),
    "email": (
        Level("same mailbox", 0.55, 0.000_02),
        Level("mailbox {alike} alike", 0.15, 0.000_05),
        Level("same mailbox name elsewhere", 0.10, 0.000_3),
        Level("different mailbox at the same company", 0.03, 0.004),
        Level("different mailbox", 0.17, 0.995_63),
    ),
    "phone": (
        Level("same phone", 0.65, 0.000_1),
        Level("phone differs in one digit", 0.05, 0.000_1),
        Level("different phone", 0.30, 0.999_8),
    ),
    "date": (
        Level("same {name}", 0.70, 0.000_5),
        Level("{name} differs in one digit", 0.15, 0.002),
        Level("{name} nearly the same", 0.08, 0.025),
        Level("different {name}", 0.07, 0.972_5),
    ),
    "company": (
        Level("same company", 0.75, 0.005),
        Level("company {alike} alike", 0.10, 0.005),
        Level("different company", 0.15, 0.99),
    ),
    "text": (
        Level("same {name}", 0.75, 0.05),
        Level("{name} {alike} alike", 0.10, 0.02),
        Level("different {name}", 0.15, 0.93),
    ),
}
"""What holds before anything was counted. m and u of a kind add up to one."""

_TRUST_U: Final = 2_000.0
"""The values above count as much as so many random pairs."""
_TRUST_M: Final = 40.0
"""… and as so many pairs of one person."""
_TRUST_SHARE: Final = 150.0
"""How common a value is, is believed as after so many records with the usual share."""
_RANDOM_PAIRS: Final = 100_000
_TAUGHT: Final = 10_000
"""So many pairs of a rule are enough to learn from."""
_ROUNDS: Final = 12
_DUPLICATES: Final = 0.05
"""So many records in a hundred of them have a second one, until it was counted."""
_NEAR_DAYS: Final = 62
_SAME_NAME_ELSEWHERE: Final = 2
_OTHER_AT_COMPANY: Final = 3
"""Levels of an e-mail address that say something again."""
_NAME_ALONE: Final = "last+first"
_DIGITS: Final = re.compile(r"\d+")
_PARTS: Final = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Clue:
    """What one field says of a pair: in words, and its weight in bits (below 0: against)."""

    field: str
    words: str
    bits: float


@dataclass(frozen=True, slots=True)
class Match:
    """A pair with the odds that it is one person, and what speaks for and against it, strongest first."""

    odds: float
    clues: tuple[Clue, ...]

    @property
    def reason(self) -> str:
        """Such as “same phone, first name 0.94 alike, different mailbox: 21 to 1”."""
        return f"{', '.join(clue.words for clue in self.clues)}: {odds_in_words(self.odds)}"


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt of a set of records; `kinds` says what each field is, `sizes` how many records know it."""

    kinds: Mapping[str, str]
    m: Mapping[str, tuple[float, ...]]
    u: Mapping[str, tuple[float, ...]]
    prior: float
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def match(self, one: Record, other: Record) -> Match:
        """How likely the two are one person, and why."""
        one, other = _straight(one, other)
        levels = self._levels(one, other)
        clues = [
            Clue(name, _words(self.kinds[name], name, level, one[name], other[name]), bits)
            for (name, level), bits in zip(levels, self._bits(levels, one, other), strict=True)
        ]
        odds = self.prior * 2.0 ** sum(clue.bits for clue in clues)
        return Match(odds, tuple(sorted(clues, key=lambda clue: -abs(clue.bits))))

    def ratio(self, one: Record, other: Record) -> float:
        """The weight of all that speaks for and against, as odds before the prior: quick, and without words."""
        one, other = _straight(one, other)
        return float(2.0 ** sum(self._bits(self._levels(one, other), one, other)))

    def _levels(self, one: Record, other: Record) -> list[tuple[str, int]]:
        return [
            (name, _likeness(kind, one[name], other[name]))
            for name, kind in self.kinds.items()
            if name in one and name in other
        ]

    def _bits(self, levels: Sequence[tuple[str, int]], one: Record, other: Record) -> list[float]:
        """The weight of each level. What says the same twice counts once."""
        bits = [math.log2(self.m[name][level] / self._u(name, level, one[name])) for name, level in levels]
        told = dict(levels)
        email, company = told.get("email"), told.get("company")
        if email == _SAME_NAME_ELSEWHERE and _is_of_name(one, other):
            place = levels.index(("email", email))
            bits[place] = min(bits[place], 2.0)  # a mailbox made of the name is no second witness
        if email == _OTHER_AT_COMPANY and company is not None and company < 2:
            bits[levels.index(("email", email))] = -4.0  # that they work together was counted already
        if told.get("phone") == 1 and (email == _OTHER_AT_COMPANY or company == 0):
            bits[levels.index(("phone", 1))] = 0.0  # colleagues' numbers lie beside each other
        return bits

    def _u(self, name: str, level: int, value: str) -> float:
        """How often two people are that alike; for equal values, how common this very value is."""
        usual = self.u[name][level]
        if level or name not in self.counts:
            return usual
        seen = self.counts[name].get(value, 0)
        usual = min(usual, LEVELS[self.kinds[name]][0].u)
        return (max(seen - 1, 0) + _TRUST_SHARE * usual) / (self.sizes[name] + _TRUST_SHARE)


def prepared(told: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, str]:
    """The record as it is compared: lower case, marks and punctuation gone; what says nothing is left out."""
    record = {}
    for name, kind in kinds.items():
        value = _plain(kind, told.get(name, ""))
        if value:
            record[name] = value
    return record


def standard(kinds: Mapping[str, str], n_records: int) -> Model:
    """What is believed of so many records before anything was counted."""
    m = {name: tuple(level.m for level in LEVELS[kind]) for name, kind in kinds.items()}
    u = {name: tuple(level.u for level in LEVELS[kind]) for name, kind in kinds.items()}
    return Model(kinds, m, u, _usual_prior(n_records))


def learnt(records: Sequence[Record], kinds: Mapping[str, str]) -> Model:
    """What these records teach."""
    return _learnt(records, kinds, candidates(records, kinds))[0]


def candidates(records: Sequence[Record], kinds: Mapping[str, str]) -> list[Pair]:
    """The pairs worth comparing, in order, each once: those that share a block. They grow with the records' number."""
    return _pairs_of(_blocks(records, kinds), records)


def matches(
    records: Sequence[Record],
    kinds: Mapping[str, str],
    *,
    odds: float = DEFAULT_ODDS,
    pairs: Sequence[Pair] | None = None,
) -> tuple[Model, list[tuple[Pair, Match]]]:
    """Every pair at or above the odds, likeliest first, and the model by which they were judged."""
    pairs = candidates(records, kinds) if pairs is None else pairs
    model, ratios = _learnt(records, kinds, pairs)
    likely = (pair for pair, ratio in zip(pairs, ratios, strict=True) if ratio * model.prior >= odds)
    found = [(pair, model.match(records[pair[0]], records[pair[1]])) for pair in likely]
    return model, sorted(found, key=lambda item: (-item[1].odds, item[0]))


def is_equal(kind: str, one: str, other: str) -> bool:
    """Whether two values of a kind say the same, however they are written."""
    one, other = _plain(kind, one), _plain(kind, other)
    return one == other or (bool(one and other) and _likeness(kind, one, other) == 0)


def name_parts(name: str) -> tuple[str, str]:
    """First and last name of a whole one: “Lopes, Ana” and “Ana Maria Lopes” are both Ana and Lopes."""
    last, comma, first = name.partition(",")
    words = f"{first} {last}".split() if comma else name.split()
    return (words[0] if words else "", words[-1] if len(words) > 1 else "")


def odds_in_words(odds: float) -> str:
    """Such as “21 to 1”."""
    if odds < 1:
        return f"1 to {1 / max(odds, 1e-9):,.0f}"
    return "over a million to 1" if odds >= 1e6 else f"{odds:,.0f} to 1"


# Likeness of two values


def _level(kind: str, one: str, other: str) -> int | None:
    """The level of two values that are known; None where one is not."""
    return _likeness(kind, one, other) if one and other else None


@lru_cache(maxsize=200_000)
def _likeness(kind: str, one: str, other: str) -> int:
    if one == other:
        return 0
    if kind == "email":
        return _email_level(one, other)
    if kind == "phone":
        if min(len(one), len(other)) >= 7 and (one.endswith(other) or other.endswith(one)):
            return 0  # told with and without its country
        return 1 if DamerauLevenshtein.distance(one, other, score_cutoff=1) == 1 else 2
    if kind == "date":
        return _date_level(one, other)
    alike = JaroWinkler.similarity(one, other)
    if kind in ("first", "last"):
        is_short = min(len(one), len(other)) >= 3 and (one.startswith(other) or other.startswith(one))
        return 1 if alike >= 0.9 or is_short else 2 if alike >= 0.78 else 3
    return 1 if alike >= 0.88 and not _differ_in_digits(one, other) else 2


def _email_level(one: str, other: str) -> int:
    (name, _, domain), (other_name, _, other_domain) = one.partition("@"), other.partition("@")
    slips = DamerauLevenshtein.distance(name, other_name, score_cutoff=2)
    slips_of_domain = DamerauLevenshtein.distance(domain, other_domain, score_cutoff=2)
    allowed = 1 if len(name) < 6 or domain == other_domain else 2
    # hsingh and gsingh at one company are colleagues, by their initials.
    is_initial = domain == other_domain and name[:1] != other_name[:1]
    if not is_initial and slips <= allowed and slips_of_domain <= 2 and not _differ_in_digits(one, other):
        return 1
    if name == other_name:
        return 2
    return 3 if domain == other_domain and domain not in FREE_MAILBOXES else 4


def _differ_in_digits(one: str, other: str) -> bool:
    """ana.1 and ana.2 are numbered: two of them, not a slip of the pen."""
    return _DIGITS.sub("", one) == _DIGITS.sub("", other)


def _date_level(one: str, other: str) -> int:
    edits = DamerauLevenshtein.distance(one, other, score_cutoff=1)
    parts, other_parts = one.split("-"), other.split("-")
    if edits == 1 or sorted(parts) == sorted(other_parts):
        return 1
    same = sum(a == b for a, b in zip(parts, other_parts, strict=False))
    is_near = len(parts) == len(other_parts) == 3 and (same == 2 or _days_between(parts, other_parts) <= _NEAR_DAYS)
    return 2 if is_near else 3


def _days_between(one: Sequence[str], other: Sequence[str]) -> float:
    try:
        return abs((date(*map(int, one)) - date(*map(int, other))).days)
    except ValueError:
        return math.inf


def _straight(one: Record, other: Record) -> tuple[Record, Record]:
    """The other record with its first and last name exchanged, where that is plainly how they agree."""
    a, b, c, d = (record.get(name, "") for record in (one, other) for name in ("first", "last"))
    if not (a and b and c and d) or (a == c and b == d):
        return one, other
    straight = JaroWinkler.similarity(a, c) + JaroWinkler.similarity(b, d)
    crossed = JaroWinkler.similarity(a, d) + JaroWinkler.similarity(b, c)
    return (one, {**other, "first": d, "last": c}) if crossed > straight + 0.3 else (one, other)


def _words(kind: str, name: str, level: int, one: str, other: str) -> str:
    words = LEVELS[kind][level].words
    alike = f"{JaroWinkler.similarity(one, other):.2f}" if "{alike}" in words else ""
    return words.format(name=name.replace("_", " "), alike=alike)


def _is_of_name(one: Record, other: Record) -> bool:
    name = one.get("email", "").partition("@")[0]
    return any(len(last) > 2 and last in name for last in (one.get("last", ""), other.get("last", "")))


def _plain(kind: str, text: str) -> str:
    text = unicodedata.normalize("NFKD", text.strip().casefold())
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    if kind == "email":
        name, at, domain = text.partition("@")
        return f"{name.partition('+')[0]}@{domain}" if at and name and domain else ""
    if kind == "phone":
        digits = re.sub(r"\D", "", text)
        return digits.lstrip("0") if len(digits) >= 6 else ""
    if kind == "date":
        return "-".join(_PARTS.split(text.strip())) if any(letter.isdigit() for letter in text) else ""
    return " ".join(part for part in _PARTS.split(text) if part)


# Blocks: who is compared with whom


def _blocks(records: Sequence[Record], kinds: Mapping[str, str]) -> Iterator[tuple[frozenset[str], list[int]]]:
    """(the fields that a block's records share, their places). A name alone is a block only while few bear it."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        for key in set(keys(record, kinds)):
            found[key].append(place)
    for key, places in found.items():
        if len(places) > 1 and (key[0] != _NAME_ALONE or len(places) <= LARGEST_BLOCK):
            yield frozenset(key[0].split("+")), places


def keys(record: Record, kinds: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """The blocks a record stands in: (fields, values…)."""
    names = [(name, record[name]) for name, kind in kinds.items() if kind in ("first", "last") and name in record]
    others = [(name, record[name]) for name, kind in kinds.items() if kind in ("text", "company") and name in record]
    for name, kind in kinds.items():
        value = record.get(name)
        if value is None:
            continue
        if kind == "email":
            yield name, value
            yield f"{name}+first+last", "name", value.partition("@")[0]
        elif kind == "phone":
            yield name, value[-7:]
        elif kind == "date":
            yield name, value
            others.append((name, value))
    if len(names) == 2:
        yield "first+last", *sorted(_start(value) for _, value in names)
    for _, value in names:
        yield _NAME_ALONE, value
    for (_, value), (other, told) in ((one, other) for one in names for other in others):
        # First and last name are exchanged often: either may meet either.
        yield f"first+last+{other}", _start(value), told
    for (one, told), (other, also) in combinations(others, 2):
        yield f"{one}+{other}", told, also


def _start(name: str) -> str:
    return name[:4]


def _pairs_of(blocks: Iterable[tuple[frozenset[str], Sequence[int]]], records: Sequence[Record]) -> list[Pair]:
    found: set[Pair] = set()
    for _, places in blocks:
        found.update(_pairs_in(places, records))
    return sorted(found)


def _pairs_in(places: Sequence[int], records: Sequence[Record]) -> Iterator[Pair]:
    """All pairs of a block; of one that is too large, each with its neighbours in order of all that is told."""
    if len(places) <= LARGEST_BLOCK:
        yield from combinations(places, 2)
        return
    ordered = sorted(places, key=lambda place: sorted(records[place].items()))
    for number, place in enumerate(ordered):
        for other in ordered[number + 1 : number + 1 + WINDOW]:
            yield (place, other) if place < other else (other, place)


# What is learnt


def _learnt(records: Sequence[Record], kinds: Mapping[str, str], pairs: Sequence[Pair]) -> tuple[Model, list[float]]:
    """The model, and the weight of each pair by it."""
    usual = standard(kinds, len(records))
    u = _counted_u(records, usual)
    m = _expected_m(records, replace(usual, u=u), _blocks(records, kinds))
    counts, sizes = {}, {}
    for name, kind in kinds.items():
        if kind not in ("date", "phone"):
            counts[name] = Counter(record[name] for record in records if name in record)
            sizes[name] = sum(counts[name].values())
    model = Model(kinds, m, u, usual.prior, counts, sizes)
    ratios = [model.ratio(records[a], records[b]) for a, b in pairs]
    return replace(model, prior=_prior(usual.prior, ratios, len(records))), ratios


def _usual_prior(n_records: int) -> float:
    return 2 * _DUPLICATES / max(n_records - 1, 1)


def _counted_u(records: Sequence[Record], model: Model) -> dict[str, tuple[float, ...]]:
    """How alike two records drawn at random are, blended with what holds in general."""
    rng = random.Random(1)
    n = len(records)
    if n * (n - 1) // 2 <= _RANDOM_PAIRS:
        pairs: Iterable[Pair] = combinations(range(n), 2)
    else:
        pairs = ((rng.randrange(n), rng.randrange(n)) for _ in range(_RANDOM_PAIRS))
    seen: dict[str, Counter[int]] = {name: Counter() for name in model.kinds}
    for a, b in pairs:
        if a == b:
            continue
        for name, kind in model.kinds.items():
            level = _level(kind, records[a].get(name, ""), records[b].get(name, ""))
            if level is not None:
                seen[name][level] += 1
    return {name: _blended(seen[name], model.u[name], _TRUST_U) for name in model.kinds}


def _expected_m(
    records: Sequence[Record], model: Model, blocks: Iterable[tuple[frozenset[str], Sequence[int]]]
) -> dict[str, tuple[float, ...]]:
    """Expectation-maximisation, block rule by block rule: a rule teaches of the fields that it does not use."""
    by_rule: dict[frozenset[str], set[Pair]] = defaultdict(set)
    for fields, places in blocks:
        if len(by_rule[fields]) < _TAUGHT:
            by_rule[fields].update(_pairs_in(places, records))
    expected: dict[str, Counter[int]] = {name: Counter() for name in model.kinds}
    for fields, pairs in by_rule.items():
        used = [name for name in model.kinds if name not in fields and model.kinds[name] not in fields]
        patterns = Counter(_pattern(records, pair, model.kinds, used) for pair in pairs)
        for name, level, weight in _expectation(patterns, used, model):
            expected[name][level] += weight
    return {name: _blended(expected[name], model.m[name], _TRUST_M) for name in model.kinds}


def _pattern(
    records: Sequence[Record], pair: Pair, kinds: Mapping[str, str], used: Sequence[str]
) -> tuple[int | None, ...]:
    one, other = _straight(records[pair[0]], records[pair[1]])
    return tuple(_level(kinds[name], one.get(name, ""), other.get(name, "")) for name in used)


def _expectation(
    patterns: Counter[tuple[int | None, ...]], used: Sequence[str], model: Model
) -> Iterator[tuple[str, int, float]]:
    m, share = {name: model.m[name] for name in used}, 0.3
    total = sum(patterns.values())
    seen: dict[str, Counter[int]] = {}
    for _ in range(_ROUNDS):
        seen, same = {name: Counter() for name in used}, 0.0
        for pattern, count in patterns.items():
            likelihood = share / max(1 - share, 1e-9)
            for name, level in zip(used, pattern, strict=True):
                if level is not None:
                    likelihood *= m[name][level] / model.u[name][level]
            weight = count * likelihood / (1 + likelihood)
            same += weight
            for name, level in zip(used, pattern, strict=True):
                if level is not None:
                    seen[name][level] += weight
        m = {name: _blended(seen[name], model.m[name], _TRUST_M) for name in used}
        share = min((same + 1) / (total + 2), 0.95)
    for name, levels in seen.items():
        yield from ((name, level, weight) for level, weight in levels.items())


def _blended(seen: Mapping[int, float], usual: Sequence[float], trust: float) -> tuple[float, ...]:
    total = sum(seen.values()) + trust
    return tuple((seen.get(level, 0) + trust * share) / total for level, share in enumerate(usual))


def _prior(usual: float, ratios: Sequence[float], n_records: int) -> float:
    """How many pairs are one person: what the candidates say, blended with the usual share, at most as believable."""
    everything = max(n_records * (n_records - 1) / 2, 1)
    prior = usual
    for _ in range(_ROUNDS):
        same = sum(prior * ratio / (1 + prior * ratio) for ratio in ratios)
        prior = min((same + 2) / (everything + 2 / usual), 5 / max(n_records - 1, 5))
    return prior
