"""The playbook as an agreement one reads: first what the words mean, then what one does, then what each side owes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rung.playbook.definitions import Playbook
from rung.playbook.words import Section, Sentence, day_words, number_words, plain_words, when_words

LADDER: Final = "The ladder"
RUNGS: Final = "What we do on each rung"
MEETING: Final = "Where we meet people"

GROUPS: Final = (
    (
        "What the words mean",
        (LADDER, "Steps back", "Hot and warm", "What counts as interest", "Who fits"),
    ),
    (
        "What one does",
        (
            RUNGS,
            "The hand-off",
            "What sales finds out",
            "Whom we meet",
            MEETING,
            "What happens by itself",
            "Checklists",
        ),
    ),
    ("What both sides owe", ("What each side owes", "Working time", "Review and signatures")),
)
"""The headings of the page, and under each the sections of the playbook's plain words."""

_THEN: Final = "What we do then: "


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    sections: tuple[Section, ...]


def agreement(playbook: Playbook) -> tuple[Group, ...]:
    """Every sentence of the plain words, once; a section that no heading names stands under the last."""
    sections = {section.title: section for section in _parted(plain_words(playbook), playbook)}
    named = {title for _, titles in GROUPS for title in titles}
    others = tuple(title for title in sections if title not in named)
    groups = []
    for heading, titles in GROUPS:
        wanted = (*titles, *others) if heading == GROUPS[-1][0] else titles
        if held := tuple(sections[title] for title in wanted if title in sections):
            groups.append(Group(heading, held))
    return tuple(groups)


BELOW: Final = ("The hand-off", "What each side owes", "Steps back", "Working time")
"""What follows the rungs on the sheet that both sides sign."""

_ROOM: Final = (5_000, 6_600)
"""Letters that fit on one page in the large and in the middle size of print; in small print some 8 000 do."""


@dataclass(frozen=True, slots=True)
class OnePage:
    """The agreement on one page. `size`: large, middle or small print, by how much there is to say."""

    sections: tuple[tuple[str, tuple[str, ...]], ...]
    size: str
    review: str


def one_page(playbook: Playbook) -> OnePage:
    """What both sides sign: the rungs, who fits, the hand-off, what each side owes; told in as few lines as it can be.

    What the parts of a firm's daily work need (signals, questions, journeys) stands in the playbook itself.
    """
    told = {section.title: section.sentences for section in _parted(plain_words(playbook), playbook)}
    sections = {
        LADDER: [each.text for each in told.get(LADDER, ())],
        "Who fits": _listed_fit(playbook),
        RUNGS: _acts_by_rung(told.get(RUNGS, ())),
        **{title: _joined(told.get(title, ())) for title in BELOW},
    }
    held = tuple((title, tuple(texts)) for title, texts in sections.items() if texts)
    letters = sum(len(text) + 12 for _, texts in held for text in texts)
    size = "large" if letters <= _ROOM[0] else "middle" if letters <= _ROOM[1] else "small"
    review = f"To be read again by {day_words(playbook.review_by)}." if playbook.review_by else ""
    return OnePage(held, size, review)


def _listed_fit(playbook: Playbook) -> list[str]:
    return [
        f"{line.name}, {'+' if line.points > 0 else ''}{number_words(line.points)}: {when_words(playbook, line.when)}."
        for line in playbook.fit
    ]


def _acts_by_rung(acts: Sequence[Sentence]) -> list[str]:
    """ "Lead: thank at once; offer a second step." from a sentence for each act."""
    rungs: dict[str, list[str]] = {}
    for each in acts:
        rung, _, act = each.text.partition(": ")
        rungs.setdefault(rung, []).append(act.removesuffix("."))
    return [f"{rung}: {'; '.join(done)}." for rung, done in rungs.items()]


def _joined(sentences: Sequence[Sentence]) -> list[str]:
    """The sentences; those about reasons to reject are one, which says its beginning once."""
    beginning, texts, reasons = "Sales may reject with ", [], []
    for each in sentences:
        if each.about.startswith("reason ") and each.text.startswith(beginning):
            if not reasons:
                texts.append(beginning)
            reasons.append(each.text.removeprefix(beginning).removesuffix("."))
        else:
            texts.append(each.text)
    return [f"{beginning}{'; '.join(reasons)}." if text == beginning else text for text in texts]


def _parted(sections: Sequence[Section], playbook: Playbook) -> Iterator[Section]:
    """The ladder's section holds what a rung is and what one does on it: two things for two readers."""
    for section in sections:
        if section.title != LADDER:
            yield section
            continue
        acts = [_act(each, playbook) for each in section.sentences if each.about.startswith("treat ")]
        meets = [each for each in section.sentences if each.about.startswith("band ")]
        rest = [each for each in section.sentences if not each.about.startswith(("treat ", "band "))]
        for title, sentences in ((LADDER, rest), (RUNGS, acts), (MEETING, meets)):
            if sentences:
                yield Section(title, tuple(sentences))


def _act(sentence: Sentence, playbook: Playbook) -> Sentence:
    label = playbook.label(sentence.about.split()[1])
    return Sentence(f"{label}: {sentence.text.removeprefix(_THEN)}", sentence.line, sentence.about)
