"""What a condition means, operator by operator: the closure is the reference for all other targets."""

import pytest

from random_conditions import SCOPE, Person
from rung.playbook.conditions import Fact, compiled, parse
from rung.terms.instants import DAY

ANA = Person(
    {
        Fact("score"): 50.0,
        Fact("signals"): 2,
        Fact("accepted"): True,
        Fact("rejected"): False,
        Fact("need"): True,
        Fact("stage"): "mql",
        Fact("idle"): 3 * DAY,
        Fact("person.title"): "VP Sales",
        Fact("person.vip"): True,
        Fact("person.code"): "50",
        Fact("person.one"): 1,
        Fact("person.big"): 2**53 + 1,
        Fact("person.tags"): ("vip", "Müller & Söhne"),
        Fact("times", "Pricing page", is_signal=True): 2,
        Fact("times", "page_viewed"): 7,
        Fact("since", "page_viewed"): DAY - 1,
        Fact("friction", "price"): True,
    }
)
"""All else about ana is unknown."""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # numbers
        ("score >= 50", True),
        ("score > 50", False),
        ("score <= 50", True),
        ("score < 50", False),
        ("score == 50", True),
        ("score != 50", False),
        ("score != 51", True),
        ("40 <= score < 60", True),
        ("40 <= score <= 45", False),
        ("score >= 50 >= signals >= 2", True),
        ("score > signals", True),
        ("score > -5", True),
        ("person.big == 9007199254740992", True),  # numbers are doubles, as in every database
        # unknown
        ("person.age > 3", False),
        ("person.age <= 3", False),
        ("person.age == 3", False),
        ("person.age != 3", False),
        ("person.age in [3]", False),
        ("person.age not in [3]", False),
        ("person.age == person.height", False),
        ("not (person.age > 3)", True),
        ("known(person.age)", False),
        ("not known(person.age)", True),
        ("known(person.title)", True),
        ("known(rejected)", True),
        ("since(demo_requested) < days(1)", False),
        ("since(demo_requested) >= days(1)", False),
        ("budget", False),
        ("not budget", True),
        ("budget == false", False),
        # truths
        ("accepted", True),
        ("rejected", False),
        ("not rejected", True),
        ("rejected == false", True),
        ("rejected != true", True),
        ("accepted == rejected", False),
        ("true", True),
        ("false", False),
        ("True and not False", True),
        # a bare name is true only for the boolean true
        ("person.vip", True),
        ("person.one", False),
        ("person.title", False),
        ("person.tags", False),
        ("score", False),
        # types do not mix
        ("true == 1", False),
        ("person.one == true", False),
        ("person.vip == 1", False),
        ("person.vip >= false", False),
        ('person.code == "50"', True),
        ("person.code == 50", False),
        ("person.code != 50", False),
        ("person.code >= 50", False),
        ('score == "50"', False),
        ('person.title < "Z"', False),
        ('person.title >= "A"', False),
        ('person.title != "Z"', True),
        ("person.vip in [1]", False),
        ("person.vip not in [1]", False),
        ("person.one in [true]", False),
        ('person.one in ["1", 1]', True),
        ('person.one not in ["1", 2]', True),
        ('person.one not in ["1"]', False),
        # lists of values
        ('stage in ["mql", "sal"]', True),
        ('stage not in ["mql", "sal"]', False),
        ('stage in ["MQL"]', False),
        ("score in [50, 60]", True),
        # texts
        ('person.title.startswith("VP")', True),
        ('person.title.startswith("vp")', False),
        ('person.title.endswith("Sales")', True),
        ('person.title.contains("P S")', True),
        ('person.title.contains("p s")', False),
        ('person.title.matches("vp *")', True),
        ('person.title.matches("vp")', False),
        ('person.title.matches("cio|?? sales")', True),
        ('score.contains("5")', False),
        ('person.age.contains("5")', False),
        # lists of texts
        ('person.tags.contains("vip")', True),
        ('person.tags.contains("vi")', False),
        ('person.tags.contains("VIP")', False),
        ('person.tags.startswith("v")', False),
        ('person.tags.matches("*")', False),
        ('person.tags in ["vip"]', False),
        ('person.tags == "vip"', False),
        ('person.tags != "vip"', False),
        ("person.tags == person.tags", False),
        ("known(person.tags)", True),
        # time and counts
        ("idle >= days(3)", True),
        ("idle < days(3)", False),
        ("days(3) <= idle", True),
        ("idle >= hours(72)", True),
        ("since(page_viewed) < days(1)", True),
        ('times("Pricing page") >= 2', True),
        ("times(page_viewed) == 7", True),
        ('friction("price")', True),
        ('friction("time")', False),
        ("count(accepted, rejected, need) == 2", True),
        ("count(accepted, score >= 60, not rejected) in [1, 2]", True),
        ("count(budget, not budget) == 1", True),
        # and, or, not
        ("accepted and need or false", True),
        ("accepted and (rejected or budget)", False),
        ("not (accepted and rejected)", True),
    ],
)
def test_a_condition_means(condition, expected):
    assert compiled(parse(condition, SCOPE))(ANA) is expected
