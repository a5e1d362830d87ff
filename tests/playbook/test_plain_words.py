"""The default playbook in plain words, exactly; and no line of any playbook that is not said.

After a wanted change: `.venv/bin/python -m playbook.test_plain_words` in `tests/` writes the text anew; read it.
"""

from pathlib import Path

import pytest

from rung.playbook.checks import rules_of
from rung.playbook.loading import load
from rung.playbook.shipped import read, shipped
from rung.playbook.words import ended, listed, number_words, plain_words, time_words, with_article
from rung.terms.instants import DAY, HOUR, MINUTE

SNAPSHOT = Path(__file__).with_name("default_in_words.txt")


def written(name: str) -> str:
    """The plain words as text: titles, then each sentence behind its line."""
    book, lines = load(read(name)), []
    for section in plain_words(book):
        lines += ["", section.title]
        lines += [f"{sentence.line:4} {sentence.text}" for sentence in section.sentences]
    return "\n".join(lines).lstrip().replace(book.version[:12], "<version>") + "\n"


def test_the_default_playbook_reads_as_agreed() -> None:
    assert written("default") == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", shipped())
def test_every_condition_and_every_named_line_is_said_on_its_line(name: str) -> None:
    book = load(read(name))
    said = {sentence.line for section in plain_words(book) for sentence in section.sentences}
    lines = [line.line for line in (*book.fit, *book.signals, *book.setbacks, *book.personas, *book.questions)]
    lines += [rule.line for where, rule in rules_of(book) if where.startswith(("Stage", "Temperature"))]
    lines += [reason.line for reason in book.handoff.reject_reasons.values()]
    assert set(lines) <= said


@pytest.mark.parametrize("name", shipped())
def test_sentences_are_whole_and_say_labels_and_no_codes(name: str) -> None:
    for section in plain_words(load(read(name))):
        for sentence in section.sentences:
            assert sentence.text[0].isupper() or sentence.text[0] == "“", sentence
            assert sentence.text.endswith((".", "”", "?”")), sentence
            assert not {"mql", "sal", "None"} & set(sentence.text.replace(",", " ").split()), sentence
    abouts = [sentence.about for section in plain_words(load(read(name))) for sentence in section.sentences]
    assert len(abouts) == len(set(abouts))


def test_the_firms_own_words_are_used() -> None:
    text = read("default").replace("bands:\n", "words: {mql: Ripe contact, prospect: SQL}\nbands:\n", 1)
    said = [sentence.text for section in plain_words(load(text)) for sentence in section.sentences]
    assert any(each.startswith("A person becomes a ripe contact when score is at least 50") for each in said)
    assert any(each.startswith("A person becomes an SQL when") for each in said)


def test_small_words() -> None:
    assert [number_words(n) for n in (8.0, 1000.0, -0.5, 2.25)] == ["8", "1,000", "−0.5", "2.25"]
    assert [time_words(n) for n in (DAY, 30 * DAY, 36 * HOUR, 90 * MINUTE)] == [
        "1 day",
        "30 days",
        "36 hours",
        "90 minutes",
    ]
    assert listed(["a"]) == "a" and listed(["a", "b", "c"], "or") == "a, b or c"
    assert [with_article(w) for w in ("Lead", "Opportunity", "MQL", "SQL", "Used car buyer", "User")] == [
        "a lead",
        "an opportunity",
        "an MQL",
        "an SQL",
        "a used car buyer",
        "a user",
    ]
    assert [ended(text) for text in ("We ask", "We ask “Why?”", "Done.")] == ["We ask.", "We ask “Why?”", "Done."]


if __name__ == "__main__":
    SNAPSHOT.write_text(written("default"), encoding="utf-8")
