"""What is refused, where, and with which fix; what is allowed where; what can never be true."""

import gc
import warnings

import pytest

from rung.playbook.conditions import ConditionError, Fact, Scope, Text, check, facts_named, parse
from rung.playbook.conditions.syntax import Compare, Holds, Number, Span, engagement_at_least
from rung.terms.instants import DAY

SCOPE = Scope("stage", signals=["Pricing page", "page_viewed"], frictions=["price"])


@pytest.mark.parametrize(
    ("text", "message", "column", "fix"),
    [
        ("scor >= 5", "There is no `scor`", 0, "did you mean `score`?"),
        ("fit > 1 and reachabel", "There is no `reachabel`", 12, "did you mean `reachable`?"),
        ("Score >= 1", "There is no `Score`", 0, "did you mean `score`?"),
        ('persn.title == "x"', "There is no `persn.title`", 0, "did you mean `person.title`?"),
        ("deal.wno", "There is no `deal.wno`", 0, "did you mean `deal.won`?"),
        ('title == "x"', "There is no `title`", 0, "person.title"),
        ("accepted == yes", "There is no `yes`", 12, "did you mean `true`?"),
        ("times(page_veiwed) > 1", "There is no kind of event `page_veiwed`", 6, "did you mean page_viewed?"),
        ('times("Pricing pgae") > 1', "no signal or kind of event `Pricing pgae`", 6, 'did you mean "Pricing page"?'),
        ("times(person.x) > 1", "name of a signal", 6, "Pricing page"),
        ("times > 1", "`times` needs brackets", 0, "times("),
        ('times("Pricing page")', "is a number, no condition", 0, ">= 1"),
        ("since(page_viewed)", "is a length of time, no condition", 0, "< days(30)"),
        ("count(reached, need)", "count() is a number", 0, "compare it"),
        ("count() > 1", "count() needs conditions", 0, "count("),
        ("idle > days(3)", "with >= or < only", 0, "write idle >= days(3)"),
        ("idle <= days(3)", "with >= or < only", 0, "write idle < days(3)"),
        ("days(3) < idle", "with >= or < only", 0, "write idle >= days(3)"),
        ("idle == days(3)", "with >= or < only", 0, "write idle >= days(3)"),
        ("idle >= 90", "compares a length of time with something else", 0, "idle >= days(90)"),
        ("score >= days(3)", "compares a length of time with something else", 0, "idle >= days(90)"),
        ("idle >= bant", "compares a length of time with something else", 0, "days()"),
        ("idle in [1]", "A length of time is in no list", 0, ">= or <"),
        ("idle >= days(-1)", "needs a number that is not negative", 13, "days(30)"),
        ('idle >= days("3")', "needs a number", 13, "days(30)"),
        ("idle >= days(99999)", "longer than 100 years", 13, "days(30)"),
        ("idle >= days(1, 2)", "takes exactly one thing", 8, "days(30)"),
        ("score = 5", "`=` is not part of a condition", 6, "`==`"),
        ("need && timing", "`&&` is not part of a condition", 5, "`and`"),
        ("need || timing", "`||` is not part of a condition", 5, "`or`"),
        ("need AND timing", "`AND` is not part of a condition", 5, "small letters"),
        ("!need", "`!` is not part of a condition", 0, "`not`"),
        ("score => 5", "`=>` is not part of a condition", 6, "`<=` or `>=`"),
        ('person.from == "x"', "`from` is one of Python's own words", 7, 'person["from"]'),
        ('person.title == "abc', "quotation mark is not closed", 16, "close"),
        ("(need and (timing)", "bracket is not closed", 0, "close it"),
        ("need)", "bracket closes none", 4, "remove"),
        ("need and", "This is no condition", 7, "score >= 50"),
        ("", "The condition is empty", 0, "score >= 50"),
        ("   ", "The condition is empty", 0, "score >= 50"),
        ("person.title is None", "`is` is not part of a condition", 16, "known(x)"),
        ("person.title == None", "`None` is not part of a condition", 16, "known(x)"),
        ('person.x in ("a", "b")', "`in` needs a list", 12, "[a, b]"),
        ('"x" in person.tags', "`in` needs a list", 7, 'person.tags.contains("x")'),
        ("person.x in []", "The list is empty", 12, "at least one"),
        ("person.x in [company.x]", "A list holds fixed values only", 13, "texts, numbers"),
        ("person == 3", "`person` is a group of fields", 0, "person.<field>"),
        ("person.a.b == 3", "is too deep", 0, "person.<field>"),
        ("person[3] == 3", "Square brackets", 0, 'person["Job title"]'),
        ('score["a"] == 3', "Square brackets", 0, 'person["Job title"]'),
        ("score + 1 > 2", "does not calculate", 0, "result"),
        ("-score > 2", "Only a number can have a sign", 0, "-5"),
        ("score >= 5 # good", "no comments", 11, "line of its own"),
        ("5", "no condition by itself", 0, "score >= 50"),
        ('"x"', "no condition by itself", 0, "score >= 50"),
        ("1and true", "two words in one", 0, "blank"),
        ("score >= 1e999", "too large", 9, "2^63"),
        ("score >= 1" + "0" * 30, "too large", 9, "2^63"),
        ("score >= 1" + "0" * 400, "too large", 9, "2^63"),
        ("idle >= days(1" + "0" * 400 + ")", "days() needs a number", 13, "days(30)"),
        ("score >= 1j", "not part of a condition", 9, "number"),
        ('person.title.lower() == "x"', "There is no `.lower()`", 0, ".startswith()"),
        ('person.title.startwith("x")', "There is no `.startwith()`", 0, "did you mean .startswith()?"),
        ("person.title.contains(5)", "needs a text", 22, ".contains("),
        ('person.title.contains("")', "of an empty text", 22, "known(person.title)"),
        ('person.title.matches("a||b")', "alternative between the | is empty", 21, "remove"),
        ('person.title.contains("a") == true', "true or false by itself", 0, "do not compare"),
        (r'person.title == "a\d"', r"A single \ has no meaning", 18, "\\\\"),
        (r'person.title == "a\x00"', "NUL", 16, "remove it"),
        (r'person.title == "\ud800"', "NUL or a broken character", 16, "remove it"),
        ('person.title == f"{x}"', "parts to fill in", 16, "plain text"),
        ("need if timing else budget", "There is no if", 0, "and / or"),
        ("[x for x in person]", "not part of a condition", 0, "score >= 50"),
        ("lambda: 1", "not part of a condition", 0, "score >= 50"),
        ("(x := 5) > 3", "not part of a condition", 1, "score >= 50"),
        ('__import__("os").system("x")', "There is no `.system()`", 0, ".startswith()"),
        ("().__class__", "not part of a condition", 0, "score >= 50"),
        ("friction()", "takes exactly one thing", 0, "friction("),
        ("friction(price)", "There is no `price`", 9, '"price"'),
        ("known(5)", "not part of a condition", 6, "score >= 50"),
        ('known(x="y")', "takes exactly one thing", 0, "known(person.title)"),
        ("accepted()", "cannot stand here", 0, "write accepted"),
        ('data.path == "/x"', "only in the `when` of a signal", 0, "make a signal of it"),
        ('"ä" == person.titel and scor > 1', "There is no `scor`", 24, "did you mean `score`?"),
        ("\n  score >= 5 and\n  scor > 1", "There is no `scor`", 20, "did you mean `score`?"),
    ],
)
def test_a_fault_says_what_where_and_what_to_write(text, message, column, fix):
    with pytest.raises(ConditionError) as refused:
        parse(text, SCOPE)
    assert message in refused.value.message
    assert fix in refused.value.fix
    assert refused.value.column == column
    assert f"character {column + 1}" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 400 + "need" + ")" * 400,
        "not " * 250 + "need",
        "(not " * 100 + "need" + ")" * 100,
        "count(" * 150 + "need" + ")" * 150,
        "-" * 1000 + "1",
        "[" * 500,
        "need" + ".x" * 400,
        "need " * 300,
        "x" * 2000,
        "ü" * 600,
    ],
)
def test_deep_and_long_text_is_refused_in_words(text):
    with pytest.raises(ConditionError):
        parse(text, SCOPE)


def test_brackets_without_meaning_cost_no_level():
    assert parse("(" * 100 + "need" + ")" * 100, SCOPE) == Holds(Fact("need"))


def test_no_condition_makes_python_grumble():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("1and true", r'person.x == "\d"', "person.x is 5", '"a" is person.x', "0xfor x"):
            with pytest.raises(ConditionError):
                parse(text, SCOPE)
    gc.collect()


def test_a_quoted_name_is_a_signal_if_there_is_one_and_a_bare_name_always_a_kind():
    named = facts_named(parse('times("page_viewed") > times(page_viewed) and times("demo_requested") > 1', SCOPE))
    assert named == [
        Fact("times", "page_viewed", is_signal=True),
        Fact("times", "page_viewed", is_signal=False),
        Fact("times", "demo_requested", is_signal=False),
    ]


def test_a_length_of_time_always_stands_on_the_right():
    assert parse("days(3) <= idle", SCOPE) == Compare(Fact("idle"), ">=", Span(3 * DAY))


def test_texts_are_composed_as_values_are():
    assert parse('person.title == "e\u0301"', SCOPE) == Compare(Fact("person.title"), "==", Text("é"))


def test_a_bare_number_in_the_temperature_means_engagement():
    assert engagement_at_least(50) == Compare(Fact("engagement"), ">=", Number(50))


@pytest.mark.parametrize("text", ["person.title == 'x'", "company.size > 3", "budget and known(need)", "true"])
def test_a_fit_line_names_who_they_are(text):
    assert parse(text, Scope("fit"))


@pytest.mark.parametrize("text", ["score > 1", "bant > 1", "times(page_viewed) > 1", "data.x == 1", "stage == 'mql'"])
def test_a_fit_line_names_nothing_they_do(text):
    with pytest.raises(ConditionError, match=r"fit line cannot name|only in the `when`"):
        parse(text, Scope("fit"))


def test_the_data_of_the_event_is_there_in_a_signal_only():
    assert parse("data.path == 'x' and score > 1", Scope("signal"))
    for place in ("stage", "setback", "temperature", "filter", "route", "journey", "persona"):
        with pytest.raises(ConditionError):
            parse("data.path == 'x'", Scope(place))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('score == "50"', '`score` is a number and `"50"` a text: comparing them is always false'),
        ("accepted == 1", "`accepted` is a yes-or-no fact and `1` a number: comparing them is always false"),
        ("true == 1", "compares two fixed values"),
        ('person.title < "x"', "texts have no order"),
        ("need >= true", "yes and no have no order"),
        ('stage == "mqll"', "There is no stage `mqll`: did you mean `mql`?"),
        ('stage in ["lead", "won"]', "There is no stage `won`"),
        ('status == "mql"', "There is no status `mql`"),
        ("score", "`score` is a number, never true by itself: compare it"),
        ("idle", "`idle` is a length of time, never true by itself: compare it"),
        ("bant > 4", "`bant > 4` is never true: `bant` goes from 0 to 4"),
        ("bant >= 0", "always true"),
        ("5 <= bant", "never true"),
        ("visits < 0", "never true: `visits` goes from 0 up"),
        ("count(need, timing) >= 3", "never true"),
        ('score in ["a"]', "never equals"),
        ('"a" in ["a"]', "looks at a fixed value"),
        ('score.contains("a")', "`.contains()` is always false"),
        ('person.title.matches("vp *| chief *")', "outer blanks"),
        ('friction("prize")', 'no friction "prize": did you mean "price"?'),
        ("need and false", "makes all of it false"),
    ],
)
def test_what_can_never_be_true_is_told(text, finding):
    condition = parse(text, SCOPE)
    assert any(finding in each for each in check(condition, SCOPE)), check(condition, SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "score >= 50 and fit >= 20",
        'stage in ["mql", "sal", "prospect"] and rejected',
        "50 <= company.employees <= 1000",
        'person.title.matches("vp *|* director")',
        "bant >= 4 and visits >= 1 and lap == 1",
        "count(need, timing) == 2 and idle >= days(1)",
        'friction("price") and person.vip',
    ],
)
def test_a_sound_condition_has_no_findings(text):
    assert check(parse(text, SCOPE), SCOPE) == []
