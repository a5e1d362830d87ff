"""The playbook as an agreement one reads: first what the words mean, then what one does, then what each side owes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rung.playbook.definitions import Playbook
from rung.playbook.words import Section, Sentence, plain_words

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
